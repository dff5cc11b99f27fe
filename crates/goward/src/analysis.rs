//! The seam between the command line and the analysis: what a check is asked, and what it answers.
//!
//! Packages are found, parsed and checked by `goward_project`; the rules run on each as soon as it is
//! checked, on all threads, and what it took is given back before the next. What the cache knows is
//! not looked at again. A panic in one package becomes a finding of its own and the rest goes on.

mod examination;
mod imported;
mod package;
mod selection;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use goward_diagnostics::{Diagnostic, Place, SourceFile, Sources, assign_identities};
use goward_project::{
    BuildConfiguration, Configuration, Configurations, Contents, Environment, FileHashes,
    FileSystem, Fingerprints, Hash, LoadOptions, Observations, ObservedFileSystem, OsFileSystem,
    OverlayFileSystem, Program, ProgramOptions, ProjectDiagnostic, Verdict, Workspace,
    declarations, fingerprints, load, requests,
};
use goward_rules::{Checked, Selection};
use goward_syntax::{Mode, parse};
use goward_types::{Bodies, TypedPackage};
use serde::{Deserialize, Serialize};

use crate::cache::{Cache, StoredRun};
use crate::left_out;
use crate::progress::Progress;

use examination::Examination;

/// Stack of the threads that check: deeply nested source is checked recursively. Only what is used
/// of it costs memory.
const STACK: usize = 1 << 30;

/// What to check, and how.
pub(crate) struct Request<'a> {
    /// The folder from which patterns and relative paths count.
    pub(crate) directory: PathBuf,
    /// Patterns as Go people type them: `./...`, import paths, folders, files. Never empty.
    pub(crate) patterns: Vec<String>,
    /// Texts that stand in place of files: absolute paths. Standard input, and fixes that are not
    /// written yet.
    pub(crate) overlay: BTreeMap<PathBuf, Vec<u8>>,
    /// Report only what lies in this file (absolute path), as an editor asks.
    pub(crate) only: Option<PathBuf>,
    /// Which rules run, as far as the command line says; `None` leaves it to the configuration.
    pub(crate) selection: Option<Selection>,
    /// `--config`: paths of files and settings as `KEY=VALUE`, later ones win.
    pub(crate) configuration: Vec<String>,
    /// GOOS and GOARCH to check for; those of this machine when not given.
    pub(crate) os: Option<String>,
    pub(crate) arch: Option<String>,
    /// Build tags that are set.
    pub(crate) tags: Vec<String>,
    /// Where results of earlier runs are kept; none to look at everything.
    pub(crate) cache: Option<PathBuf>,
    /// What runs the rules.
    pub(crate) rules: Rules,
    /// Whether findings in generated files are reported.
    pub(crate) generated: bool,
    /// Told about packages as they are done.
    pub(crate) progress: &'a Progress,
}

/// Runs the selected rules on a package.
pub(crate) type Rules = fn(&TypedPackage<'_>, &Selection) -> Checked;

/// What a check found.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Findings in the order of their places, without those that the source suppresses, with their
    /// ids.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Every file that a finding names.
    pub(crate) sources: Sources,
    /// What kept goward from looking at everything it was asked to: place, cause and what to do.
    pub(crate) errors: Vec<String>,
    /// What was left out and can be done without: missing modules and the like.
    pub(crate) warnings: Vec<String>,
    /// What was used in place of something else, for those who want to know.
    pub(crate) notes: Vec<String>,
    /// How much was looked at.
    pub(crate) statistics: Statistics,
    /// Of how many packages an earlier run knew the findings.
    pub(crate) known: usize,
}

/// How much a check looked at.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Statistics {
    pub(crate) packages: usize,
    pub(crate) files: usize,
    pub(crate) lines: usize,
    /// Findings that `//goward:ignore` took out.
    pub(crate) suppressed: usize,
}

/// What one package gave.
#[derive(Default)]
pub(crate) struct PackageOutcome {
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The files that the findings name.
    pub(crate) sources: Vec<SourceFile>,
    pub(crate) statistics: Statistics,
    pub(crate) errors: Vec<String>,
    /// Whether Go would not accept the source.
    pub(crate) broken: bool,
    /// What its functions do for callers in other packages.
    pub(crate) bodies: Bodies,
}

/// Checks what is asked for. An error means that nothing could be checked.
pub(crate) fn check(request: &Request<'_>) -> anyhow::Result<Outcome> {
    crate::allocator::give_back_early();
    let pool = rayon::ThreadPoolBuilder::new()
        .stack_size(STACK)
        .build()
        .context("cannot start threads")?;
    pool.install(|| match Cache::open(request) {
        Some(cache) => check_with_cache(request, &cache),
        None => {
            let filesystem = overlaid(request, OsFileSystem);
            check_packages(request, &filesystem, None)
        }
    })
}

fn check_with_cache(request: &Request<'_>, cache: &Cache) -> anyhow::Result<Outcome> {
    let before = cache.run();
    if let Some(mut before) = before.as_ref()
        && request.overlay.is_empty()
        && before.has_outcome()
    {
        let fresh;
        let same = match before.observations.verify() {
            Verdict::Changed => false,
            Verdict::Same => true,
            Verdict::SameWithNewStamps(observations) => {
                fresh = before.with_observations(*observations);
                cache.keep_run(&fresh);
                before = &fresh;
                true
            }
        };
        if same && let Some(outcome) = before.outcome(request, &OsFileSystem) {
            return Ok(outcome);
        }
    }
    let known = before.is_some();
    let observations = before.map_or_else(Observations::default, |before| before.observations);
    let observed = Arc::new(ObservedFileSystem::new(observations));
    let filesystem = overlaid(request, Arc::clone(&observed));
    let results = Results {
        cache,
        observed: &observed,
        overlay: &request.overlay,
        known,
    };
    let outcome = check_packages(request, &filesystem, Some(&results))?;
    drop(filesystem);
    // Fixes that are not written yet come and go; an editor asks for the same file again.
    if request.overlay.is_empty() || request.only.is_some() {
        if let Some(observations) = Arc::into_inner(observed).and_then(ObservedFileSystem::finish) {
            let complete = request.overlay.is_empty() && outcome.errors.is_empty();
            cache.keep_run(&StoredRun::new(observations, complete.then_some(&outcome)));
        }
        cache.trim();
    }
    Ok(outcome)
}

fn overlaid<F: FileSystem>(request: &Request<'_>, below: F) -> OverlayFileSystem<F> {
    let mut filesystem = OverlayFileSystem::new(below);
    for (path, contents) in &request.overlay {
        filesystem.insert(path, contents.clone());
    }
    filesystem
}

/// What helps to know packages by what is in them.
struct Results<'a> {
    cache: &'a Cache,
    observed: &'a ObservedFileSystem,
    overlay: &'a BTreeMap<PathBuf, Vec<u8>>,
    /// Whether an earlier run knew the files: only then is looking for its results worth parsing
    /// what is new.
    known: bool,
}

impl Results<'_> {
    fn fingerprints(&self, workspace: &Workspace) -> Fingerprints {
        fingerprints(workspace, &|path| match self.overlay.get(path) {
            Some(contents) => Some(FileHashes {
                contents: Hash::of(contents),
                declarations: declarations(contents, &parse(contents, Mode::Full)),
            }),
            None => self.observed.hashes(path),
        })
    }
}

fn check_packages(
    request: &Request<'_>,
    filesystem: &dyn FileSystem,
    results: Option<&Results<'_>>,
) -> anyhow::Result<Outcome> {
    let configurations =
        Configurations::new(filesystem, &request.directory, &request.configuration).map_err(
            |diagnostic| anyhow::anyhow!("{}", describe(&diagnostic, &request.directory)),
        )?;
    known_build(request)?;
    let here = configurations.of(&request.directory);
    let options = load_options(request, &here);
    let environment = Environment::from_process(filesystem);
    let mut outcome = Outcome::default();
    let mut modules = Vec::new();
    let requests = requests(&options, &environment, filesystem);
    for (part, options) in requests.into_iter().enumerate() {
        request.progress.start("loading", 0);
        let workspace = load(&options, &environment, filesystem);
        left_out::report(&workspace.diagnostics, request, filesystem, &mut outcome);
        let check = |workspace: Workspace| {
            let examination = Examination::new(
                request,
                &configurations,
                filesystem,
                results,
                part,
                &workspace,
            );
            request.progress.start("checking", examination.open());
            let options = ProgramOptions::default();
            let program = Program::check(workspace, filesystem, options, &examination);
            (program, examination)
        };
        let (mut program, mut examination) = check(workspace);
        if let (Some(results), Some(_)) = (results, program.stored_damage()) {
            // Without it everything is checked.
            results.cache.forget_declarations(part);
            (program, examination) = check(program.workspace);
        }
        let damage = program.damage();
        outcome
            .errors
            .extend(damage.iter().map(ToString::to_string));
        outcome.known += examination.hits();
        for package in examination.finish(&program) {
            outcome.diagnostics.extend(package.diagnostics);
            outcome.errors.extend(package.errors);
            outcome.statistics.packages += package.statistics.packages;
            outcome.statistics.files += package.statistics.files;
            outcome.statistics.lines += package.statistics.lines;
            outcome.statistics.suppressed += package.statistics.suppressed;
            for source in package.sources {
                outcome.sources.insert(source);
            }
        }
        modules.extend(program.workspace.modules);
    }
    Diagnostic::sort(&mut outcome.diagnostics);
    assign_identities(&mut outcome.diagnostics, &outcome.sources, |file| {
        place_in_module(&modules, &request.directory, file)
    });
    outcome.errors.extend(
        configurations
            .diagnostics()
            .iter()
            .map(|diagnostic| describe(diagnostic, &request.directory)),
    );
    // What is wrong in a configuration is wrong for each package that it counts for.
    let mut said = BTreeSet::new();
    outcome.errors.retain(|error| said.insert(error.clone()));
    Ok(outcome)
}

/// A system that Go does not know has no files of its own, and would look like one without any.
fn known_build(request: &Request<'_>) -> anyhow::Result<()> {
    if let Some(os) = &request.os {
        let known = BuildConfiguration::known_os(os);
        known.map_err(|error| anyhow::anyhow!("--os: {error}"))?;
    }
    if let Some(arch) = &request.arch {
        let known = BuildConfiguration::known_arch(arch);
        known.map_err(|error| anyhow::anyhow!("--arch: {error}"))?;
    }
    Ok(())
}

fn load_options(request: &Request<'_>, configuration: &Configuration) -> LoadOptions {
    let mut options = LoadOptions::new(&request.directory).patterns(request.patterns.clone());
    options.tests = configuration.tests.unwrap_or(true);
    options.os = request
        .os
        .clone()
        .or_else(|| configuration.build.os.clone());
    options.arch = request
        .arch
        .clone()
        .or_else(|| configuration.build.arch.clone());
    options.tags.clone_from(&request.tags);
    if options.tags.is_empty() {
        options.tags = configuration.build.tags.clone().unwrap_or_default();
    }
    options.cgo = configuration.build.cgo;
    // Read when they are needed, and given back after: together they are most of the memory.
    options.contents = Contents::Discard;
    options
}

/// The path of a file as it is shown: relative to the working folder where it lies below it.
pub(crate) fn shown(path: &Path, directory: &Path) -> String {
    path.strip_prefix(directory)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

/// A message of the loader with its place and what to do.
pub(crate) fn describe(diagnostic: &ProjectDiagnostic, directory: &Path) -> String {
    let mut text = String::new();
    if let Some(path) = &diagnostic.path {
        match shown(path, directory) {
            here if here.is_empty() => text.push('.'),
            place => text.push_str(&place),
        }
        if diagnostic.line > 0 {
            text.push_str(&format!(
                ":{}:{}",
                diagnostic.line,
                diagnostic.column.max(1)
            ));
        }
        text.push_str(": ");
    }
    text.push_str(&diagnostic.message);
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!(" ({help})"));
    }
    text
}

/// Module path and path within the module of a file as shown.
fn place_in_module(modules: &[goward_project::Module], directory: &Path, file: &str) -> Place {
    let path = directory.join(file);
    let owner = modules
        .iter()
        .filter(|module| path.starts_with(&module.directory))
        .max_by_key(|module| module.directory.as_os_str().len());
    match owner {
        Some(module) => Place {
            module: module.path.clone(),
            file: shown(&path, &module.directory),
        },
        None => Place {
            module: String::new(),
            file: file.to_owned(),
        },
    }
}
