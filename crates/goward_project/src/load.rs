//! Loading: from patterns to a graph of packages, in parallel.
//!
//! Each package is one job: its folder is listed once, its files are read once, and every import
//! path seen for the first time becomes a job of its own. Numbers are given out as work arrives and
//! replaced by an order over import paths at the end, so that the result does not depend on the
//! machine.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use crate::build_context::BuildContext;
use crate::diagnostics::ProjectDiagnostic;
use crate::environment::Environment;
use crate::filesystem::{EntryKind, FileSystem};
use crate::graph::{MissingImport, Workspace};
use crate::loose_tree;
use crate::module_set::{ModuleSet, Roots};
use crate::package::{self, ReadOptions, ReadPackage};
use crate::pattern::{self, Pattern, Root};
use crate::resolve::{Located, NotLocated, Origin, Resolver};
use crate::standard_library;
use crate::version::GoVersion;

/// What to load and how.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Absolute folder that patterns are relative to, and where go.mod is looked for upwards.
    pub directory: PathBuf,
    /// Patterns as Go people type them; none means `./...`.
    pub patterns: Vec<String>,
    /// Also test files of the packages asked for, and what they import.
    pub tests: bool,
    /// GOOS instead of the environment's.
    pub os: Option<String>,
    /// GOARCH instead of the environment's.
    pub arch: Option<String>,
    /// Build tags beside those in GOFLAGS.
    pub tags: Vec<String>,
    /// Whether cgo is on, instead of what the environment says.
    pub cgo: Option<bool>,
    /// Read the standard library as with cgo off even where it is on: its Go-only variants declare
    /// the same and have no unknown names in them.
    pub pure_standard_library: bool,
    /// Whether a folder given as it is also means all folders below it, as for gofmt; otherwise it
    /// means the one package in it, as for `go vet`.
    pub folders_are_trees: bool,
    /// Files of more bytes than this are left out with a diagnostic.
    pub size_limit: u64,
    /// Which file contents to keep in the result.
    pub contents: Contents,
}

/// Which file contents stay in memory after loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// All: nothing needs to be read a second time.
    Keep,
    /// Those of the packages asked for.
    KeepRoots,
    /// None.
    Discard,
}

impl LoadOptions {
    /// Files above 32 MiB are refused unless said otherwise.
    pub const DEFAULT_SIZE_LIMIT: u64 = 32 << 20;

    /// The options of `goward check` in a folder.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            patterns: Vec::new(),
            tests: true,
            os: None,
            arch: None,
            tags: Vec::new(),
            cgo: None,
            pure_standard_library: true,
            folders_are_trees: true,
            size_limit: Self::DEFAULT_SIZE_LIMIT,
            contents: Contents::Keep,
        }
    }

    /// The same with other patterns.
    pub fn patterns<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.patterns = patterns.into_iter().map(Into::into).collect();
        self
    }
}

/// Loads packages. Never fails: what is missing is in the diagnostics and, at its place, in the
/// graph.
pub fn load(
    options: &LoadOptions,
    environment: &Environment,
    filesystem: &dyn FileSystem,
) -> Workspace {
    let mut diagnostics = Vec::new();
    let patterns: Vec<Pattern> = if options.patterns.is_empty() {
        vec![Pattern::parse("./...", &options.directory, filesystem)]
    } else {
        options
            .patterns
            .iter()
            .map(|pattern| Pattern::parse(pattern, &options.directory, filesystem))
            .collect()
    };
    let base = patterns
        .iter()
        .cloned()
        .map(|pattern| pattern.into_folder(&options.directory, filesystem))
        .find_map(|pattern| pattern.base().map(Path::to_path_buf))
        .unwrap_or_else(|| options.directory.clone());
    let base = base.as_path();
    let roots = Roots::find(base, environment, filesystem);
    let mut modules = ModuleSet::read(&roots, environment, filesystem, &mut diagnostics);
    let wanted = modules.as_ref().and_then(ModuleSet::wanted_go);

    // Inside a checkout of Go itself, that checkout is the standard library.
    let own_goroot = modules.as_ref().and_then(|modules| {
        let main = modules.mains.first()?;
        let source = match main.path.as_str() {
            "std" => main.directory.as_path(),
            "cmd" => main.directory.parent()?,
            _ => return None,
        };
        let path = source.parent()?.to_path_buf();
        matches!(
            filesystem.kind(&path.join("src/unsafe/unsafe.go")),
            Ok(EntryKind::File)
        )
        .then_some(path)
    });
    let goroot = match own_goroot {
        Some(path) => {
            modules = None;
            let mut own = environment.clone();
            own.set("GOROOT", &path.to_string_lossy());
            own.find_go_root(None, filesystem)
        }
        None => environment.find_go_root(wanted, filesystem),
    };
    let place = modules.as_ref().and_then(ModuleSet::wanted_by);
    let choice = standard_library::choose(
        goroot,
        wanted,
        environment.empty_go_root(filesystem).as_deref(),
        place.as_deref(),
    );
    let goroot = choice.goroot;
    diagnostics.extend(choice.diagnostics);
    let installed = goroot
        .as_ref()
        .ok()
        .map(|goroot| (goroot.path.as_path(), goroot.release.language()));
    let build = build_context(options, environment, installed, filesystem);
    let loose = modules
        .is_none()
        .then(|| loose_tree::find(base, &options.directory, environment, filesystem));
    let built_in = match installed {
        Some(_) => None,
        None => match standard_library::for_build(&build) {
            Ok(built_in) => Some(built_in),
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                None
            }
        },
    };
    let resolver = Resolver::new(
        filesystem,
        installed.map(|(path, _)| path),
        built_in,
        modules,
        loose,
    );
    let mut expansion = pattern::expand(
        &resolver,
        &patterns,
        &options.directory,
        options.folders_are_trees,
        build.cgo && !options.pure_standard_library,
    );
    diagnostics.append(&mut expansion.diagnostics);

    let loader = Loader {
        options,
        filesystem,
        pure: BuildContext {
            cgo: build.cgo && !options.pure_standard_library,
            ..build.clone()
        },
        build,
        standard_version: installed.map_or(GoVersion::NEWEST, |(_, version)| version),
        resolver,
        state: Mutex::default(),
    };
    let wildcards = loader.run(expansion.roots);
    let mut workspace = loader.finish(&wildcards, expansion.everything, diagnostics);
    workspace.built_in = built_in;
    match goroot {
        Ok(goroot) => workspace.goroot = Some(goroot),
        Err(problem) => workspace.goroot_problem = Some(problem),
    }
    workspace
}

fn build_context(
    options: &LoadOptions,
    environment: &Environment,
    installed: Option<(&Path, GoVersion)>,
    filesystem: &dyn FileSystem,
) -> BuildContext {
    let mut environment = environment.clone();
    if let Some(os) = &options.os {
        environment.set("GOOS", os);
    }
    if let Some(arch) = &options.arch {
        environment.set("GOARCH", arch);
    }
    let mut build = BuildContext::from_environment(&environment, installed, filesystem);
    if let Some(cgo) = options.cgo {
        build.cgo = cgo;
    }
    build.tags.extend(options.tags.iter().cloned());
    build
}

/// What became of one import path.
pub(crate) enum Outcome {
    Package(Box<Loaded>),
    /// Its declarations come from the embedded summary.
    Standard,
    Missing(MissingImport),
}

/// A package with its imports led to jobs.
pub(crate) struct Loaded {
    pub(crate) located: Located,
    pub(crate) read: ReadPackage,
    /// Job of each import of the package, in the order of `read.imports`.
    pub(crate) targets: Vec<Target>,
    /// The same for the external test.
    pub(crate) external_targets: Vec<Target>,
    pub(crate) root: bool,
}

/// Where an import leads before jobs have become packages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    C,
    Job(u32),
}

#[derive(Default)]
struct State {
    jobs: FxHashMap<Arc<str>, u32>,
    outcomes: Vec<Option<Outcome>>,
}

pub(crate) struct Loader<'a> {
    options: &'a LoadOptions,
    pub(crate) filesystem: &'a dyn FileSystem,
    pub(crate) build: BuildContext,
    /// The context for the standard library.
    pure: BuildContext,
    standard_version: GoVersion,
    resolver: Resolver<'a>,
    state: Mutex<State>,
}

impl Loader<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs all jobs; gives the jobs that a wildcard started.
    fn run(&self, roots: Vec<Root>) -> Vec<u32> {
        let mut wildcards = Vec::new();
        let mut started = Vec::new();
        {
            let mut state = self.state();
            for root in roots {
                let id = u32::try_from(state.outcomes.len()).unwrap_or(u32::MAX);
                state.jobs.insert(Arc::clone(&root.located.import_path), id);
                state.outcomes.push(None);
                if root.wildcard {
                    wildcards.push(id);
                }
                started.push((id, root));
            }
        }
        rayon::scope(|scope| {
            for (id, root) in started {
                scope.spawn(move |scope| {
                    self.read_package(scope, id, root.located, root.files.as_deref(), true);
                });
            }
        });
        wildcards
    }

    fn read_package<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        id: u32,
        located: Located,
        selected: Option<&[String]>,
        root: bool,
    ) {
        let standard = matches!(located.origin, Origin::Standard | Origin::Command);
        let go_version = match &located.origin {
            Origin::Standard | Origin::Command => self.standard_version,
            Origin::Module(module) => module.go_version(self.filesystem),
            Origin::Loose => self.build.release,
        };
        let read = package::read(
            &located,
            &ReadOptions {
                build: if standard { &self.pure } else { &self.build },
                filesystem: self.filesystem,
                size_limit: self.options.size_limit,
                asked: root,
                tests: root && self.options.tests,
                keep_contents: match self.options.contents {
                    Contents::Keep => true,
                    Contents::KeepRoots => root,
                    Contents::Discard => false,
                },
                go_version,
                selected,
            },
        );
        let targets = self.request(scope, &located, read.imports.iter().map(|one| &*one.path));
        let external_targets = self.request(
            scope,
            &located,
            read.external_imports.iter().map(|one| &*one.path),
        );
        self.state().outcomes[id as usize] = Some(Outcome::Package(Box::new(Loaded {
            located,
            read,
            targets,
            external_targets,
            root,
        })));
    }

    /// Finds or starts the job of each import path.
    fn request<'s, 'p>(
        &'s self,
        scope: &rayon::Scope<'s>,
        importing: &Located,
        paths: impl Iterator<Item = &'p str>,
    ) -> Vec<Target> {
        let canonical: Vec<_> = paths
            .map(|path| {
                self.resolver
                    .canonical(&importing.origin, &importing.directory, path)
            })
            .collect();
        let mut started = Vec::new();
        let targets = {
            let mut state = self.state();
            canonical
                .into_iter()
                .map(|path| {
                    if path == "C" {
                        return Target::C;
                    }
                    if let Some(id) = state.jobs.get(&*path) {
                        return Target::Job(*id);
                    }
                    let id = u32::try_from(state.outcomes.len()).unwrap_or(u32::MAX);
                    let path: Arc<str> = path.into();
                    state.jobs.insert(Arc::clone(&path), id);
                    state.outcomes.push(None);
                    started.push((id, path));
                    Target::Job(id)
                })
                .collect()
        };
        for (id, path) in started {
            scope.spawn(move |scope| match self.resolver.locate(&path) {
                Ok(located) => self.read_package(scope, id, located, None, false),
                Err(NotLocated::Standard) => {
                    self.state().outcomes[id as usize] = Some(Outcome::Standard);
                }
                Err(NotLocated::Missing(reason)) => {
                    self.state().outcomes[id as usize] = Some(Outcome::Missing(reason));
                }
            });
        }
        targets
    }

    fn finish(
        self,
        wildcards: &[u32],
        everything: bool,
        diagnostics: Vec<ProjectDiagnostic>,
    ) -> Workspace {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        crate::assemble::assemble(
            state
                .outcomes
                .into_iter()
                .map(|outcome| outcome.expect("every job ends with an outcome"))
                .collect(),
            wildcards,
            everything,
            self.build,
            self.filesystem,
            self.options.size_limit,
            diagnostics,
        )
    }
}
