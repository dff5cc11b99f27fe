//! The seam between the command line and the analysis: what a check is asked, and what it answers.
//!
//! Packages are found, parsed and checked by `goward_project`; then the rules run, package by
//! package, on all threads. A panic in one package becomes a finding of its own and the rest goes on.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::Context;
use goward_diagnostics::{Diagnostic, Place, SourceFile, Sources, Span, assign_identities};
use goward_project::{
    Configuration, Configurations, Environment, LoadOptions, OsFileSystem, OverlayFileSystem,
    PackageIndex, Program, ProgramOptions, ProjectDiagnostic, load, requests,
};
use goward_rules::{Selection, Suppressions};
use goward_types::{TypedFile, TypedPackage};
use rayon::prelude::*;

use crate::left_out;
use crate::progress::Progress;

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
    /// Whether results of earlier runs may be used.
    #[expect(
        dead_code,
        reason = "there is no cache yet: every run looks at everything"
    )]
    pub(crate) cache: bool,
    /// Whether findings in generated files are reported.
    pub(crate) generated: bool,
    /// Told about packages as they are done.
    pub(crate) progress: &'a Progress,
}

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
}

/// How much a check looked at.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) packages: usize,
    pub(crate) files: usize,
    pub(crate) lines: usize,
    /// Findings that `//goward:ignore` took out.
    pub(crate) suppressed: usize,
}

/// What one package gave.
#[derive(Default)]
struct PackageOutcome {
    diagnostics: Vec<Diagnostic>,
    sources: Vec<SourceFile>,
    statistics: Statistics,
    errors: Vec<String>,
}

/// Checks what is asked for. An error means that nothing could be checked.
pub(crate) fn check(request: &Request<'_>) -> anyhow::Result<Outcome> {
    let mut filesystem = OverlayFileSystem::new(OsFileSystem);
    for (path, contents) in &request.overlay {
        filesystem.insert(path, contents.clone());
    }
    let configurations =
        Configurations::new(&filesystem, &request.directory, &request.configuration).map_err(
            |diagnostic| anyhow::anyhow!("{}", describe(&diagnostic, &request.directory)),
        )?;
    let here = configurations.of(&request.directory);
    let options = load_options(request, &here);
    let environment = Environment::from_process(&filesystem);
    let pool = rayon::ThreadPoolBuilder::new()
        .stack_size(STACK)
        .build()
        .context("cannot start threads")?;
    let mut outcome = Outcome::default();
    pool.install(|| -> anyhow::Result<()> {
        let mut modules = Vec::new();
        for options in requests(&options, &environment, &filesystem) {
            request.progress.start("loading", 0);
            let workspace = load(&options, &environment, &filesystem);
            left_out::report(&workspace.diagnostics, request, &filesystem, &mut outcome);
            let roots: Vec<PackageIndex> = workspace.roots().collect();
            request.progress.start("checking", roots.len());
            let program = Program::check(workspace, ProgramOptions::default());
            outcome
                .errors
                .extend(program.damage().iter().map(ToString::to_string));
            let packages: Vec<PackageOutcome> = roots
                .par_iter()
                .map(|&index| check_package(request, &configurations, &program, index))
                .collect();
            for package in packages {
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
        Ok(())
    })?;
    outcome.errors.extend(
        configurations
            .diagnostics()
            .iter()
            .map(|diagnostic| describe(diagnostic, &request.directory)),
    );
    Ok(outcome)
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

/// The rules that run on a package: what the command line says, else its configuration.
fn selection_for(
    request: &Request<'_>,
    configuration: &Configuration,
) -> Result<Selection, String> {
    if let Some(selection) = &request.selection {
        return Ok(selection.clone());
    }
    let names = |list: &[goward_project::RuleName]| -> Vec<String> {
        list.iter().map(|rule| rule.name.clone()).collect()
    };
    let select = names(configuration.select.as_deref().unwrap_or_default());
    let selection = Selection::new(
        &select,
        &names(&configuration.extend_select),
        &names(&configuration.ignore),
    );
    selection.map_err(|error| match &configuration.path {
        Some(path) => format!("{}: {error}", path.display()),
        None => error.to_string(),
    })
}

/// What the `go` line of a package's module says, if it has a module.
fn module_version(
    program: &Program,
    source: &goward_project::PackageSource,
) -> Option<goward_types::GoVersion> {
    let version = match source.module {
        Some(module) => program.workspace.modules[module.0 as usize].go_version,
        None if source.standard => source.files.first()?.go_version,
        None => return None,
    };
    Some(goward_types::GoVersion(version.0))
}

fn check_package(
    request: &Request<'_>,
    configurations: &Configurations<'_>,
    program: &Program,
    index: PackageIndex,
) -> PackageOutcome {
    let mut outcome = PackageOutcome::default();
    let source = program.source(index);
    request.progress.step(&source.import_path);
    let Some(package) = program.package(index) else {
        return outcome;
    };
    let configuration = configurations.of(&source.directory);
    let selection = match selection_for(request, &configuration) {
        Ok(selection) => selection,
        Err(error) => {
            outcome.errors.push(error);
            return outcome;
        }
    };
    let sources: Vec<SourceFile> = package
        .files
        .iter()
        .map(|file| {
            let path = &source.files[file.source].path;
            SourceFile::new(shown(path, &request.directory), file.contents.to_vec())
        })
        .collect();
    let files =
        package
            .files
            .iter()
            .zip(&package.facts)
            .zip(&sources)
            .map(|((file, facts), text)| TypedFile {
                name: text.path().as_str(),
                tree: &file.tree,
                source: &file.contents,
                facts,
                generated: source.files[file.source].generated,
                test: source.files[file.source].test != goward_project::TestKind::No,
            });
    let typed = TypedPackage {
        world: &program.world,
        package: package.id,
        module_version: module_version(program, source),
        files: files.collect(),
    };
    let found = catch_unwind(AssertUnwindSafe(|| {
        goward_rules::check_package(&typed, &selection)
    }));
    let mut found = found.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("unknown cause");
        let failure = goward_rules::rule("internal-failure").expect("the rule exists");
        let text = format!("goward failed on package {}: {message}", source.import_path);
        outcome.errors.push(text.clone());
        sources
            .first()
            .map(|file| failure.diagnostic(file.path().clone(), Span::at(0), text))
            .into_iter()
            .collect()
    });
    outcome.statistics.packages = 1;
    for (file, text) in package.files.iter().zip(sources) {
        let described = &source.files[file.source];
        let reported = described.selected
            && (request.generated
                || configuration.generated.unwrap_or(false)
                || !described.generated)
            && request
                .only
                .as_ref()
                .is_none_or(|only| *only == described.path)
            && !configuration.is_excluded(&described.path);
        let (here, elsewhere): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|diagnostic| diagnostic.file == *text.path());
        found = elsewhere;
        if !reported {
            continue;
        }
        let ignored: Vec<&str> = configuration
            .ignored_in(&described.path)
            .map(|rule| rule.name.as_str())
            .collect();
        let mut findings = here;
        findings.retain(|finding| !ignored.contains(&finding.rule.as_ref()));
        let rule = goward_rules::rule("syntax-error").expect("the rule exists");
        if selection.enables(rule) && !ignored.contains(&rule.name) {
            findings.extend(file.tree.diagnostics().iter().map(|error| {
                rule.diagnostic(text.path().clone(), error.span, error.message.clone())
            }));
        }
        let comments = file.tree.comments().iter().map(|comment| comment.span);
        let suppressed = Suppressions::new(&text, comments).apply(&text, findings, |rule| {
            selection.enables_name(rule) && !ignored.contains(&rule)
        });
        outcome.statistics.files += 1;
        outcome.statistics.lines += text.lines().line_count() as usize;
        outcome.statistics.suppressed += suppressed.suppressed;
        outcome.diagnostics.extend(suppressed.diagnostics);
        outcome.sources.push(text);
    }
    outcome
}
