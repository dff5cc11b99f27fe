//! A program: the packages of a workspace parsed and checked, imported ones first.
//!
//! Packages are independent but for their imports, which form no cycles: a package is started when
//! the last of its imports is done, on as many threads as the pool has, so that whoever looks at
//! packages knows what the functions do that they call. Packages that are only imported are parsed and checked without function bodies and leave no facts, and that only when
//! something is looked up in them for the first time: what is imported for the sake of function
//! bodies is a good part of all packages, and nobody looks into those.
//!
//! What a package took is given back as soon as it was looked at: text, trees and facts. Only what
//! others may import of it stays, in the [`World`].

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};

use goward_syntax::{Mode, Symbol, Tree, parse};
use goward_types::{
    CheckedPackage, Checker, File, FileFacts, GoVersion, Importer, PackageId, Settings, Sizes,
    SummaryError, SummaryPackages, TypeError, World,
};

use crate::filesystem::FileSystem;
use crate::graph::{ImportTarget, PackageIndex, PackageSource, TestKind, Workspace};
use crate::large_first::{Tasks, large_first};
use crate::load::LoadOptions;
use crate::stored::StoredProgram;

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
    /// The world as this package sees it: with the variables of its functions.
    pub world: World,
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

/// What is done with the packages of a program while it is checked.
pub trait Visitor: Sync {
    /// Whether to check the package with its bodies and its tests, and to visit it. Asked once for
    /// each package that was asked for; what only others need of it is checked in any case.
    fn wants(&self, _package: PackageIndex) -> bool {
        true
    }

    /// Declarations of packages that need not be checked for the sake of others. Asked once.
    fn stored(&self, _workspace: &Workspace) -> Option<StoredProgram> {
        None
    }

    /// Told of each file that was parsed, bodies or not, by several threads.
    fn parsed(&self, _path: &Path, _contents: &[u8], _tree: &Tree) {}

    /// Asked when the turn of a package has come that is wanted, after those that it imports: whether
    /// it still is.
    fn still_wants(&self, _program: &Program, _package: PackageIndex) -> bool {
        true
    }

    /// Given each package that is wanted, after those of them that it imports (its in-package tests
    /// may import others), by several threads.
    fn visit(&self, program: &Program, package: ProgramPackage);

    /// Given each package of which only the declarations were needed.
    fn visit_imported(&self, _program: &Program, _package: ProgramPackage) {}

    /// Told that what a package of so many bytes of source took while it was looked at has been given
    /// back, but for what stays, by several threads.
    fn given_back(&self, _size: usize) {}

    /// Told of each package, wanted or only imported, on which the checker panicked. It counts as
    /// missing.
    fn failed(&self, _program: &Program, _package: PackageIndex, _cause: &str) {}
}

/// Packages of a workspace, checked.
pub struct Program {
    /// The world without the variables of functions; [`ProgramPackage::world`] has those.
    pub world: World,
    pub workspace: Workspace,
    /// What others import of each package: without its tests. It is there as soon as somebody
    /// imports it, and settled when somebody looks at it.
    importable: Vec<OnceLock<PackageId>>,
    /// Each package that is checked as a whole: what its external test imports.
    whole: Vec<OnceLock<PackageId>>,
    /// The standard library, where it is not among the packages.
    standard: Option<SummaryPackages<'static>>,
    /// What is wrong with it.
    damage: Mutex<Vec<SummaryError>>,
}

/// Keeps every package.
struct Keeper {
    packages: Vec<OnceLock<ProgramPackage>>,
}

impl Visitor for Keeper {
    fn visit(&self, _program: &Program, package: ProgramPackage) {
        let _ = self.packages[package.index.0 as usize].set(package);
    }

    fn visit_imported(&self, program: &Program, package: ProgramPackage) {
        self.visit(program, package);
    }
}

/// A program with all its packages in memory.
pub struct WholeProgram {
    pub program: Program,
    packages: Vec<OnceLock<ProgramPackage>>,
}

impl WholeProgram {
    /// Checks a workspace and keeps what is found out about its packages.
    pub fn check(
        workspace: Workspace,
        filesystem: &dyn FileSystem,
        options: ProgramOptions,
    ) -> WholeProgram {
        let keeper = Keeper {
            packages: workspace.packages.iter().map(|_| OnceLock::new()).collect(),
        };
        let program = Program::check(workspace, filesystem, options, &keeper);
        WholeProgram {
            program,
            packages: keeper.packages,
        }
    }

    /// A checked package; none for one without files.
    pub fn package(&self, index: PackageIndex) -> Option<&ProgramPackage> {
        self.packages[index.0 as usize].get()
    }
}

impl std::ops::Deref for WholeProgram {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl Program {
    /// Parses and checks all packages of `workspace`, on the threads of the current pool. The stacks
    /// of these threads must be large: deeply nested source is checked recursively.
    ///
    /// Texts that the workspace does not hold are read from `filesystem`.
    ///
    /// A package with in-package tests is declared twice: without them for those who import it, and
    /// as a whole, with bodies. External test packages come last; they import the whole.
    pub fn check(
        workspace: Workspace,
        filesystem: &dyn FileSystem,
        options: ProgramOptions,
        visitor: &dyn Visitor,
    ) -> Program {
        let sizes = Sizes::for_architecture(&workspace.build.arch);
        let count = workspace.packages.len();
        let program = Program {
            world: World::new(sizes),
            standard: workspace.built_in.map(|built_in| built_in.packages()),
            damage: Mutex::default(),
            workspace,
            importable: (0..count).map(|_| OnceLock::new()).collect(),
            whole: (0..count).map(|_| OnceLock::new()).collect(),
        };
        let plan = Plan::new(&program.workspace, options, visitor);
        if let Some(stored) = visitor.stored(&program.workspace) {
            program.use_stored(stored, &plan);
        }
        let run = Run {
            program: &program,
            plan: &plan,
            filesystem,
            visitor,
            importable: (0..count).map(|_| Once::new()).collect(),
        };
        large_first(&plan.tasks, |task| {
            if run.task(plan.order[task]) {
                visitor.given_back(plan.tasks.sizes[task]);
            }
        });
        program
    }

    /// Stored declarations take the place of those of packages that are only imported.
    fn use_stored(&self, stored: StoredProgram, plan: &Plan) {
        let wanted = |index: PackageIndex| plan.work[index.0 as usize] == Work::Declarations;
        let usable = stored.usable(&self.workspace, &wanted);
        let packages: Vec<(PackageId, usize)> = usable
            .into_iter()
            .filter_map(|(index, number)| Some((self.handle(index)?, number)))
            .collect();
        self.world.set_stored(&packages, stored.source);
    }

    /// The package as others import it, if this run found out from its source what it declares.
    pub fn declared(&self, index: PackageIndex) -> Option<PackageId> {
        let id = *self.importable[index.0 as usize].get()?;
        let package = self.world.package(id);
        (package.is_settled() && !package.is_missing() && !package.is_stored()).then_some(id)
    }

    /// What is wrong with stored declarations. If something is, what was found out with their help
    /// counts for nothing.
    pub fn stored_damage(&self) -> Option<SummaryError> {
        self.world.stored_damage()
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

    /// A package as others import it, checked or not; none for one that has only tests.
    fn handle(&self, index: PackageIndex) -> Option<PackageId> {
        let handle = &self.importable[index.0 as usize];
        if let Some(&known) = handle.get() {
            return Some(known);
        }
        let source = self.workspace.package(index);
        let mut files = source.files.iter();
        if !files.any(|file| file.test == TestKind::No) {
            return None;
        }
        let id = handle.get_or_init(|| {
            let id = self.world.new_package(
                &source.import_path,
                file_names(source, Variant::Importable),
                false,
            );
            if !source.name.is_empty() {
                let name = Symbol::intern(&source.name);
                self.world.package(id).set_name(name);
            }
            id
        });
        Some(*id)
    }

    /// The source description of a package.
    pub fn source(&self, index: PackageIndex) -> &PackageSource {
        self.workspace.package(index)
    }
}

/// One check of a program.
struct Run<'p> {
    program: &'p Program,
    plan: &'p Plan,
    filesystem: &'p dyn FileSystem,
    visitor: &'p dyn Visitor,
    /// The checks of packages as others import them.
    importable: Vec<Once>,
}

impl Run<'_> {
    /// Looks at a package whose turn has come, if it is still wanted; whether it was.
    fn task(&self, index: PackageIndex) -> bool {
        let position = index.0 as usize;
        let bodies = self.plan.work[position] == Work::Whole
            && self.visitor.still_wants(self.program, index);
        let source = self.program.workspace.package(index);
        if has_tests(source) || source.external_test_of.is_some() {
            if bodies || self.plan.tested[position] {
                self.check_whole(index, bodies);
            }
        } else if bodies {
            let mut done = false;
            self.importable[position].call_once(|| {
                done = true;
                self.check_importable(index, true);
            });
            if !done {
                // The test of a package that it does not know of has looked at what it declares.
                self.check_whole(index, true);
            }
        }
        bodies
    }

    /// Checks a package as others import it, unless that is done. Whoever asks meanwhile waits; as
    /// imports form no cycles, nobody waits for himself.
    fn settle(&self, index: PackageIndex) {
        self.importable[index.0 as usize].call_once(|| self.check_importable(index, false));
    }

    /// Checks a package as others import it; with bodies if its turn has come and nothing more is to
    /// come.
    fn check_importable(&self, index: PackageIndex, whole: bool) {
        let position = index.0 as usize;
        if let Some(&handle) = self.program.importable[position].get()
            && self.program.world.announce(handle)
        {
            return;
        }
        let package = self.guarded(index, whole, Variant::Importable);
        if let Some(handle) = self.program.importable[position].get() {
            // One that could not be checked, or whose files are gone.
            self.program.world.package(*handle).give_up();
        }
        if let Some(package) = package {
            if whole {
                let _ = self.program.whole[position].set(package.id);
                self.visitor.visit(self.program, package);
            } else if self.plan.work[position] != Work::Whole {
                self.visitor.visit_imported(self.program, package);
            }
        }
    }

    /// Checks a package with all its files; with their bodies if it is wanted itself.
    fn check_whole(&self, index: PackageIndex, bodies: bool) {
        let position = index.0 as usize;
        if let Some(mut package) = self.guarded(index, bodies, Variant::WithTests) {
            if let Some(&importable) = self.program.importable[position].get() {
                package.importable = importable;
            }
            let _ = self.program.whole[position].set(package.id);
            if bodies {
                self.visitor.visit(self.program, package);
            }
        }
    }

    /// Checks files, and survives a panic in it.
    fn guarded(
        &self,
        index: PackageIndex,
        bodies: bool,
        variant: Variant,
    ) -> Option<ProgramPackage> {
        let check = || self.check_files(index, bodies, variant);
        let checked = catch_unwind(AssertUnwindSafe(check));
        checked.unwrap_or_else(|panic| {
            let cause = failure_cause(&*panic);
            self.visitor.failed(self.program, index, &cause);
            None
        })
    }

    fn check_files(
        &self,
        index: PackageIndex,
        whole: bool,
        variant: Variant,
    ) -> Option<ProgramPackage> {
        let world = self.program.world.for_package();
        let source = self.program.workspace.package(index);
        let mode = if whole {
            Mode::Full
        } else {
            Mode::DeclarationsOnly
        };
        let mut files = Vec::new();
        for (position, file) in source.files.iter().enumerate() {
            if !variant.has(file.test) {
                continue;
            }
            let contents = match &file.contents {
                Some(contents) => Arc::clone(contents),
                // A file that vanished since it was found is left out, as if it had done so before.
                None => match self
                    .filesystem
                    .read_file(&file.path, LoadOptions::DEFAULT_SIZE_LIMIT)
                {
                    Ok(contents) => contents,
                    Err(_) => continue,
                },
            };
            let tree = parse(&contents, mode);
            self.visitor.parsed(&file.path, &contents, &tree);
            files.push(ProgramFile {
                source: position,
                tree,
                contents,
            });
        }
        if files.is_empty() {
            return None;
        }
        let id = match variant {
            Variant::Importable => self.program.handle(index)?,
            Variant::WithTests => {
                world.new_package(&source.import_path, file_names(source, variant), false)
            }
        };
        let checked = {
            let inputs = files
                .iter()
                .map(|file| File {
                    tree: &file.tree,
                    source: &file.contents,
                    version: GoVersion(source.files[file.source].go_version.0),
                })
                .collect();
            let imports = ProgramImporter { run: self, source };
            let settings = Settings {
                ignore_function_bodies: !whole,
                no_facts: !whole,
            };
            Checker::check(&world, id, inputs, &imports, settings)
        };
        let CheckedPackage { facts, errors, .. } = checked;
        Some(ProgramPackage {
            index,
            id,
            importable: id,
            world,
            files,
            facts,
            errors,
        })
    }
}

/// Which files of a package are taken for it.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Variant {
    /// Those that others see who import it.
    Importable,
    /// All.
    WithTests,
}

impl Variant {
    fn has(self, kind: TestKind) -> bool {
        self == Variant::WithTests || kind == TestKind::No
    }
}

/// The base names of the files of a package.
fn file_names(source: &PackageSource, variant: Variant) -> Vec<String> {
    let files = source.files.iter().filter(|file| variant.has(file.test));
    let names = files.map(|file| file.path.file_name().unwrap_or_default());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// What a panic said.
pub fn failure_cause(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    message
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown cause")
        .to_owned()
}

/// Whether a package has tests of its own that were asked for.
fn has_tests(source: &PackageSource) -> bool {
    source.external_test_of.is_none()
        && source
            .files
            .iter()
            .any(|file| file.test == TestKind::InPackage)
}

/// How much of a package is checked.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Work {
    /// Nobody needs it.
    None,
    /// What others import of it.
    Declarations,
    /// All, for the visitor.
    Whole,
}

/// Which packages are checked, and which wait for which.
struct Plan {
    work: Vec<Work>,
    /// Packages that an external test imports with their tests.
    tested: Vec<bool>,
    /// The packages that have a turn of their own, and which wait for which.
    order: Vec<PackageIndex>,
    tasks: Tasks,
}

impl Plan {
    fn new(workspace: &Workspace, options: ProgramOptions, visitor: &dyn Visitor) -> Plan {
        let count = workspace.packages.len();
        let mut work = vec![Work::None; count];
        let mut tested = vec![false; count];
        let mut open = Vec::new();
        for (position, package) in workspace.packages.iter().enumerate() {
            let index = PackageIndex(position as u32);
            if options.whole || (!package.dependency_only && visitor.wants(index)) {
                work[position] = Work::Whole;
                open.push(index);
            }
        }
        while let Some(index) = open.pop() {
            let package = workspace.package(index);
            let whole = work[index.0 as usize] == Work::Whole || tested[index.0 as usize];
            if let Some(target) = package.external_test_of {
                let target_index = target.0 as usize;
                if !std::mem::replace(&mut tested[target_index], true)
                    && work[target_index] != Work::Whole
                {
                    work[target_index] = Work::Declarations;
                    open.push(target);
                }
            }
            for import in &package.imports {
                if let ImportTarget::Package(target) = import.target
                    && (whole || import.in_package)
                    && work[target.0 as usize] == Work::None
                {
                    work[target.0 as usize] = Work::Declarations;
                    open.push(target);
                }
            }
        }
        let mut plan = Plan {
            work,
            tested,
            order: Vec::new(),
            tasks: Tasks::default(),
        };
        let mut task_of = vec![None; count];
        for (position, package) in workspace.packages.iter().enumerate() {
            // Others are checked when somebody looks at them.
            if plan.work[position] == Work::Whole || plan.tested[position] {
                task_of[position] = Some(plan.order.len());
                plan.order.push(PackageIndex(position as u32));
                let sizes = package.files.iter().map(|file| file.size);
                plan.tasks.sizes.push(sizes.sum());
            }
        }
        plan.tasks.users = vec![Vec::new(); plan.order.len()];
        for (task, &index) in plan.order.iter().enumerate() {
            let package = workspace.package(index);
            let mut imports: Vec<PackageIndex> = package.imported_packages().collect();
            imports.extend(package.external_test_of);
            for imported in imports {
                if let Some(other) = task_of[imported.0 as usize].filter(|&other| other != task) {
                    plan.tasks.users[other].push(task);
                }
            }
        }
        plan
    }
}

struct ProgramImporter<'p> {
    run: &'p Run<'p>,
    source: &'p PackageSource,
}

impl Importer for ProgramImporter<'_> {
    fn settle(&self, package: PackageId) {
        let program = self.run.program;
        let imported = self.source.imports.iter().find_map(|import| {
            let ImportTarget::Package(target) = import.target else {
                return None;
            };
            let handle = program.importable[target.0 as usize].get();
            (handle == Some(&package)).then_some(target)
        });
        if let Some(target) = imported {
            self.run.settle(target);
        }
    }

    fn import(&self, path: &str) -> Option<PackageId> {
        let program = self.run.program;
        if path == "unsafe" {
            return Some(PackageId::UNSAFE);
        }
        match self.source.import(path)?.target {
            // An external test sees what the in-package tests declare.
            ImportTarget::Package(target) if self.source.external_test_of == Some(target) => {
                let whole = program.whole[target.0 as usize].get().copied();
                whole.or_else(|| program.handle(target))
            }
            ImportTarget::Package(target) => program.handle(target),
            ImportTarget::Standard => program.import_standard(path),
            _ => None,
        }
    }
}
