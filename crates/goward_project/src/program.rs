//! A program: the packages of a workspace parsed and checked, imported ones first.
//!
//! Packages are independent but for their imports, which form no cycles: a package is started when
//! the last of its imports is done, on as many threads as the pool has. Packages that are only
//! imported are parsed and checked without function bodies and leave no facts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use goward_syntax::{Mode, Tree, parse};
use goward_types::{
    CheckedPackage, Checker, File, FileFacts, GoVersion, Importer, PackageId, Settings, Sizes,
    TypeError, World,
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
    pub id: PackageId,
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
}

impl Program {
    /// Parses and checks all packages of `workspace`, on the threads of the current pool. The stacks
    /// of these threads must be large: deeply nested source is checked recursively.
    pub fn check(workspace: Workspace, options: ProgramOptions) -> Program {
        let sizes = Sizes::for_architecture(&workspace.build.arch);
        let packages = workspace.packages.iter().map(|_| OnceLock::new()).collect();
        let program = Program {
            world: World::new(sizes),
            workspace,
            packages,
        };
        let plan = Plan::new(&program.workspace);
        rayon::scope(|scope| {
            for &index in &plan.ready {
                program.start(scope, &plan, index, options);
            }
        });
        program
    }

    /// A checked package; none for one without files of its own (an external test package, so far).
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
            self.check_package(index, options);
            for &user in &plan.users[index.0 as usize] {
                if plan.missing[user.0 as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
                    self.start(scope, plan, user, options);
                }
            }
        });
    }

    fn check_package(&self, index: PackageIndex, options: ProgramOptions) {
        let source = self.workspace.package(index);
        let whole = options.whole || !source.dependency_only;
        let mode = if whole {
            Mode::Full
        } else {
            Mode::DeclarationsOnly
        };
        let mut files = Vec::new();
        for (position, file) in source.files.iter().enumerate() {
            if file.test != TestKind::No {
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
            return;
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
        let package = ProgramPackage {
            index,
            id,
            files,
            facts,
            errors,
        };
        let _ = self.packages[index.0 as usize].set(package);
    }
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
            ImportTarget::Package(target) => Some(self.program.package(target)?.id),
            _ => None,
        }
    }
}
