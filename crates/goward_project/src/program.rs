//! A program: the packages of a workspace parsed and checked, imported ones first.
//!
//! Packages are independent but for their imports, which form no cycles: a package is started when
//! the last of its imports is done, on as many threads as the pool has. Packages that are only
//! imported are parsed and checked without function bodies and leave no facts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use goward_syntax::{Mode, Tree, parse};
use goward_types::{
    CheckedPackage, Checker, File, FileFacts, GoVersion, Importer, PackageId, Settings, Sizes,
    SummaryError, SummaryPackages, TypeError, World,
};

use crate::graph::{ImportTarget, PackageIndex, PackageSource, TestKind, Workspace};

/// One file of a checked package.
#[derive(Debug)]
pub struct ProgramFile {
    /// Index into [`PackageSource::files`].
    pub source: usize,
    pub tree: Tree,
    pub contents: Arc<[u8]>,
}

/// A package with what is known of it.
#[derive(Debug)]
pub struct ProgramPackage {
    pub index: PackageIndex,
    /// The package that `files` belong to: with its in-package tests, where they were asked for.
    pub id: PackageId,
    /// The package as others import it: without tests.
    pub importable: PackageId,
    pub files: Vec<ProgramFile>,
    /// Facts of the files, in order; empty ones for packages that are only imported.
    pub facts: Vec<FileFacts>,
    pub errors: Vec<TypeError>,
}

impl ProgramPackage {
    /// The syntax trees, in order.
    pub fn trees(&self) -> Vec<&Tree> {
        self.files.iter().map(|file| &file.tree).collect()
    }
}

/// What to check.
#[derive(Copy, Clone, Debug, Default)]
pub struct ProgramOptions {
    /// Check bodies and record facts of imported packages too.
    pub whole: bool,
}

/// Packages of a workspace, checked.
pub struct Program {
    pub world: World,
    pub workspace: Workspace,
    packages: Vec<OnceLock<ProgramPackage>>,
    /// What others import of each package, known before its tests are looked at.
    importable: Vec<OnceLock<PackageId>>,
    /// The standard library, where it is not among the packages.
    standard: Option<SummaryPackages<'static>>,
    /// What is wrong with it.
    damage: Mutex<Vec<SummaryError>>,
}

impl Program {
    /// Parses and checks all packages of `workspace`, on the threads of the current pool. The stacks
    /// of these threads must be large: deeply nested source is checked recursively.
    ///
    /// A package with in-package tests is declared twice: without them for those who import it, and
    /// as a whole, with bodies. External test packages come last; they import the whole.
    pub fn check(workspace: Workspace, options: ProgramOptions) -> Program {
        let sizes = Sizes::for_architecture(&workspace.build.arch);
        let count = workspace.packages.len();
        let program = Program {
            world: World::new(sizes),
            standard: workspace.built_in.map(|built_in| built_in.packages()),
            damage: Mutex::default(),
            workspace,
            packages: (0..count).map(|_| OnceLock::new()).collect(),
            importable: (0..count).map(|_| OnceLock::new()).collect(),
        };
        let plan = Plan::new(&program.workspace);
        let mut with_tests = Vec::new();
        let mut external = Vec::new();
        for position in 0..count {
            let index = PackageIndex(position as u32);
            let source = program.workspace.package(index);
            if source.external_test_of.is_some() {
                external.push(index);
            } else if has_tests(source) {
                with_tests.push(index);
            }
        }
        rayon::scope(|scope| {
            for &index in &plan.ready {
                program.start(scope, &plan, index, options);
            }
        });
        for stage in [&with_tests, &external] {
            rayon::scope(|scope| {
                for &index in stage {
                    let program = &program;
                    scope.spawn(move |_| program.check_whole(index));
                }
            });
        }
        program
    }

    /// What is wrong with the built-in declarations of the standard library: never anything, unless
    /// goward itself is damaged.
    pub fn damage(&self) -> Vec<SummaryError> {
        let damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        damage.clone()
    }

    /// A package of the built-in standard library.
    fn import_standard(&self, path: &str) -> Option<PackageId> {
        match self.standard.as_ref()?.import(&self.world, path) {
            Ok(package) => package,
            Err(error) => {
                let mut damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
                if !damage.contains(&error) {
                    damage.push(error);
                }
                None
            }
        }
    }

    /// A checked package; none for one without files.
    pub fn package(&self, index: PackageIndex) -> Option<&ProgramPackage> {
        self.packages[index.0 as usize].get()
    }

    /// The source description of a package.
    pub fn source(&self, index: PackageIndex) -> &PackageSource {
        self.workspace.package(index)
    }

    fn start<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        plan: &'s Plan,
        index: PackageIndex,
        options: ProgramOptions,
    ) {
        scope.spawn(move |scope| {
            self.check_importable(index, options);
            for &user in &plan.users[index.0 as usize] {
                if plan.missing[user.0 as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
                    self.start(scope, plan, user, options);
                }
            }
        });
    }

    /// Checks a package as others import it; with bodies if nothing more is to come.
    fn check_importable(&self, index: PackageIndex, options: ProgramOptions) {
        let source = self.workspace.package(index);
        let whole = (options.whole || !source.dependency_only) && !has_tests(source);
        if let Some(package) = self.check_files(index, whole, |kind| kind == TestKind::No) {
            let _ = self.importable[index.0 as usize].set(package.id);
            if !has_tests(source) {
                let _ = self.packages[index.0 as usize].set(package);
            }
        }
    }

    /// Checks a package with all its files and their bodies.
    fn check_whole(&self, index: PackageIndex) {
        if let Some(mut package) = self.check_files(index, true, |_| true) {
            if let Some(&importable) = self.importable[index.0 as usize].get() {
                package.importable = importable;
            }
            let _ = self.packages[index.0 as usize].set(package);
        }
    }

    fn check_files(
        &self,
        index: PackageIndex,
        whole: bool,
        wanted: impl Fn(TestKind) -> bool,
    ) -> Option<ProgramPackage> {
        let source = self.workspace.package(index);
        let mode = if whole {
            Mode::Full
        } else {
            Mode::DeclarationsOnly
        };
        let mut files = Vec::new();
        for (position, file) in source.files.iter().enumerate() {
            if !wanted(file.test) {
                continue;
            }
            let Some(contents) = file.contents.clone() else {
                continue;
            };
            let tree = parse(&contents, mode);
            files.push(ProgramFile {
                source: position,
                tree,
                contents,
            });
        }
        if files.is_empty() {
            return None;
        }
        let names = files
            .iter()
            .map(|file| {
                let path = &source.files[file.source].path;
                path.file_name()
                    .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            })
            .collect();
        let id = self.world.new_package(&source.import_path, names, false);
        let checked = {
            let inputs = files
                .iter()
                .map(|file| File {
                    tree: &file.tree,
                    source: &file.contents,
                    version: GoVersion(source.files[file.source].go_version.0),
                })
                .collect();
            let imports = ProgramImporter {
                program: self,
                source,
            };
            let settings = Settings {
                ignore_function_bodies: !whole,
                no_facts: !whole,
            };
            Checker::check(&self.world, id, inputs, &imports, settings)
        };
        let CheckedPackage { facts, errors, .. } = checked;
        Some(ProgramPackage {
            index,
            id,
            importable: id,
            files,
            facts,
            errors,
        })
    }
}

/// Whether a package has tests of its own that were asked for.
fn has_tests(source: &PackageSource) -> bool {
    source.external_test_of.is_none()
        && source
            .files
            .iter()
            .any(|file| file.test == TestKind::InPackage)
}

/// Which packages wait for which.
struct Plan {
    /// How many imports of each package are not done yet.
    missing: Vec<AtomicUsize>,
    users: Vec<Vec<PackageIndex>>,
    ready: Vec<PackageIndex>,
}

impl Plan {
    fn new(workspace: &Workspace) -> Plan {
        let count = workspace.packages.len();
        let mut plan = Plan {
            missing: (0..count).map(|_| AtomicUsize::new(0)).collect(),
            users: vec![Vec::new(); count],
            ready: Vec::new(),
        };
        for (position, package) in workspace.packages.iter().enumerate() {
            let index = PackageIndex(position as u32);
            if package.external_test_of.is_some() {
                continue;
            }
            let mut waits = 0;
            for import in package.imports.iter().filter(|import| import.in_package) {
                if let ImportTarget::Package(target) = import.target
                    && target != index
                {
                    plan.users[target.0 as usize].push(index);
                    waits += 1;
                }
            }
            plan.missing[position].store(waits, Ordering::Relaxed);
            if waits == 0 {
                plan.ready.push(index);
            }
        }
        plan
    }
}

struct ProgramImporter<'p> {
    program: &'p Program,
    source: &'p PackageSource,
}

impl Importer for ProgramImporter<'_> {
    fn import(&self, path: &str) -> Option<PackageId> {
        if path == "unsafe" {
            return Some(PackageId::UNSAFE);
        }
        match self.source.import(path)?.target {
            // An external test sees what the in-package tests declare.
            ImportTarget::Package(target) if self.source.external_test_of == Some(target) => {
                let package = self.program.package(target).map(|package| package.id);
                package.or_else(|| self.program.importable[target.0 as usize].get().copied())
            }
            ImportTarget::Package(target) => {
                self.program.importable[target.0 as usize].get().copied()
            }
            ImportTarget::Standard => self.program.import_standard(path),
            _ => None,
        }
    }
}
