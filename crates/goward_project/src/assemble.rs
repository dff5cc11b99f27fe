//! From finished jobs to the graph: order by import path, indices, cycles, what is missing.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::build_context::BuildContext;
use crate::diagnostics::{ProjectDiagnostic, Severity};
use crate::filesystem::FileSystem;
use crate::graph::{
    Import, ImportTarget, MissingImport, Module, ModuleIndex, PackageIndex, PackageSource,
    SourceFile, Workspace, to_u32,
};
use crate::load::{Loaded, Outcome, Target};
use crate::module_set::ModuleEntry;
use crate::package::{ReadImport, WITHOUT_CGO, line_and_column};
use crate::resolve::Origin;

/// A package or its external test, on the way into the graph.
struct Part {
    source: PackageSource,
    reads: Vec<ReadImport>,
    targets: Vec<Target>,
    module: Option<Arc<ModuleEntry>>,
    job: u32,
    external: bool,
}

pub(crate) fn assemble(
    outcomes: Vec<Outcome>,
    wildcards: &[u32],
    everything: bool,
    build: BuildContext,
    filesystem: &dyn FileSystem,
    size_limit: u64,
    mut diagnostics: Vec<ProjectDiagnostic>,
) -> Workspace {
    let wildcards: FxHashSet<u32> = wildcards.iter().copied().collect();
    let mut parts = Vec::new();
    // Folders that a wildcard found and the build leaves out: said only where nothing else is left.
    let mut excluded = Vec::new();
    let mut elsewhere: FxHashMap<u32, ImportTarget> = FxHashMap::default();
    for (job, outcome) in outcomes.into_iter().enumerate() {
        let job = to_u32(job);
        let loaded = match outcome {
            Outcome::Package(loaded) => *loaded,
            Outcome::Standard => {
                elsewhere.insert(job, ImportTarget::Standard);
                continue;
            }
            Outcome::Missing(reason) => {
                elsewhere.insert(job, ImportTarget::Missing(reason));
                continue;
            }
        };
        let empty = loaded.read.files.is_empty() && loaded.read.external_files.is_empty();
        if empty {
            elsewhere.insert(job, ImportTarget::Missing(MissingImport::NoFilesForBuild));
            if loaded.root && loaded.read.diagnostics.is_empty() {
                let list = match wildcards.contains(&job) {
                    true => &mut excluded,
                    false => &mut diagnostics,
                };
                let mut message = format!(
                    "build constraints exclude all Go files for {}/{}",
                    build.os, build.arch
                );
                let mut help = "choose another system or tags with --os, --arch and --tags";
                if !loaded.read.without_cgo.is_empty() {
                    message.push_str(" without cgo");
                    help = WITHOUT_CGO;
                }
                list.push(
                    ProjectDiagnostic::new(Severity::Warning, "no-files-for-build", message)
                        .at(&loaded.located.directory)
                        .help(help),
                );
            }
        }
        split(loaded, job, empty, everything, &mut parts, &mut diagnostics);
    }
    if parts.is_empty() {
        diagnostics.append(&mut excluded);
    }
    parts.sort_by(|left, right| {
        (&left.source.import_path, left.external).cmp(&(&right.source.import_path, right.external))
    });

    let (modules, module_of) = modules(&parts, filesystem);
    let mut index_of: FxHashMap<u32, PackageIndex> = FxHashMap::default();
    for (index, part) in parts.iter().enumerate() {
        if !part.external {
            index_of.insert(part.job, PackageIndex(to_u32(index)));
        }
    }
    let mut packages = Vec::with_capacity(parts.len());
    for part in parts {
        let mut source = part.source;
        source.module = part
            .module
            .and_then(|entry| module_of.get(&entry.path).copied());
        if part.external {
            source.external_test_of = index_of.get(&part.job).copied();
        }
        source.imports = part
            .reads
            .into_iter()
            .zip(part.targets)
            .map(|(read, target)| Import {
                path: read.path.into(),
                target: match target {
                    Target::C => ImportTarget::C,
                    Target::Job(job) => match (index_of.get(&job), elsewhere.get(&job)) {
                        (_, Some(target)) => target.clone(),
                        (Some(index), None) => ImportTarget::Package(*index),
                        (None, None) => ImportTarget::Missing(MissingImport::NoFilesForBuild),
                    },
                },
                in_package: read.in_package,
                in_tests: read.in_tests,
                file: read.file,
                offset: read.offset,
            })
            .collect();
        packages.push(source);
    }
    let order = order(&mut packages);
    report_missing(&packages, filesystem, size_limit, &mut diagnostics);
    diagnostics.sort_by(|left, right| left.sort_key().cmp(&right.sort_key()));
    diagnostics.dedup();
    let mut workspace = Workspace::new(packages, build);
    workspace.modules = modules;
    workspace.diagnostics = diagnostics;
    workspace.set_order(order);
    workspace
}

/// A folder becomes a package and, where it has one, an external test package.
fn split(
    loaded: Loaded,
    job: u32,
    empty: bool,
    everything: bool,
    parts: &mut Vec<Part>,
    diagnostics: &mut Vec<ProjectDiagnostic>,
) {
    let Loaded {
        located,
        mut read,
        targets,
        external_targets,
        root,
        ..
    } = loaded;
    diagnostics.append(&mut read.diagnostics);
    if empty {
        return;
    }
    let directory = Arc::new(located.directory);
    let module = match &located.origin {
        Origin::Module(entry) => Some(Arc::clone(entry)),
        _ => None,
    };
    let make = |import_path: Arc<str>, name: String, files: Vec<SourceFile>| PackageSource {
        import_path,
        name: name.into(),
        directory: Arc::clone(&directory),
        files,
        imports: Vec::new(),
        module: None,
        standard: matches!(located.origin, Origin::Standard | Origin::Command),
        dependency_only: !root && !everything,
        external_test_of: None,
        has_foreign_code: read.has_foreign_code,
    };
    if !read.external_files.is_empty() {
        parts.push(Part {
            source: make(
                format!("{}_test", located.import_path).into(),
                format!("{}_test", read.name),
                read.external_files,
            ),
            reads: read.external_imports,
            targets: external_targets,
            module: module.clone(),
            job,
            external: true,
        });
    }
    parts.push(Part {
        source: make(located.import_path, read.name, read.files),
        reads: read.imports,
        targets,
        module,
        job,
        external: false,
    });
}

/// The modules that packages came from, sorted by path, and the index of each.
fn modules(
    parts: &[Part],
    filesystem: &dyn FileSystem,
) -> (Vec<Module>, FxHashMap<String, ModuleIndex>) {
    let mut entries: Vec<&Arc<ModuleEntry>> = parts
        .iter()
        .filter_map(|part| part.module.as_ref())
        .collect();
    entries.sort_by(|left, right| left.path.cmp(&right.path));
    entries.dedup_by(|later, first| later.path == first.path);
    let modules = entries
        .iter()
        .map(|entry| Module {
            path: entry.path.clone(),
            version: entry.version.clone(),
            directory: entry.directory.clone(),
            go_version: entry.go_version(filesystem),
            main: entry.main,
            replaced_by: entry.replaced_by.clone(),
        })
        .collect();
    let index_of = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| (entry.path.clone(), ModuleIndex(to_u32(index))))
        .collect();
    (modules, index_of)
}

/// Puts imported packages first. An import that would close a cycle is taken out of the graph and
/// says so at its place, so that everyone after this can rely on there being none.
fn order(packages: &mut [PackageSource]) -> Vec<PackageIndex> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; packages.len()];
    let mut order = Vec::with_capacity(packages.len());
    // Package and the next of its imports to look at; a vector, because chains of imports in
    // hostile input are longer than a stack is deep.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let proper = (0..packages.len()).filter(|index| packages[*index].external_test_of.is_none());
    for start in proper.collect::<Vec<_>>() {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        open.push((start, 0));
        while let Some((package, next)) = open.last_mut() {
            let package = *package;
            let Some(import) = packages[package].imports.get(*next) else {
                marks[package] = Mark::Done;
                order.push(PackageIndex(to_u32(package)));
                open.pop();
                continue;
            };
            let at = *next;
            *next += 1;
            let ImportTarget::Package(target) = import.target else {
                continue;
            };
            if import.test_only() {
                continue;
            }
            let target = target.0 as usize;
            match marks[target] {
                Mark::New => {
                    marks[target] = Mark::Open;
                    open.push((target, 0));
                }
                Mark::Open => {
                    let from = open.iter().position(|(open, _)| *open == target);
                    let mut path: Vec<&str> = open[from.unwrap_or(0)..]
                        .iter()
                        .map(|(open, _)| &*packages[*open].import_path)
                        .collect();
                    path.push(&packages[target].import_path);
                    let path = path.join(" -> ");
                    packages[package].imports[at].target =
                        ImportTarget::Missing(MissingImport::Cycle(path));
                }
                Mark::Done => {}
            }
        }
    }
    for (index, package) in packages.iter().enumerate() {
        if package.external_test_of.is_some() {
            order.push(PackageIndex(to_u32(index)));
        }
    }
    order
}

/// One diagnostic for each missing package, or for each module that is missing as a whole.
fn report_missing(
    packages: &[PackageSource],
    filesystem: &dyn FileSystem,
    size_limit: u64,
    diagnostics: &mut Vec<ProjectDiagnostic>,
) {
    let mut reported: FxHashSet<String> = FxHashSet::default();
    // The packages asked for come first: their imports are what the user can look at.
    let asked = packages.iter().filter(|package| !package.dependency_only);
    let others = packages.iter().filter(|package| package.dependency_only);
    for package in asked.chain(others) {
        for import in &package.imports {
            let ImportTarget::Missing(reason) = &import.target else {
                continue;
            };
            let (key, message, help) = match reason {
                MissingImport::NotDownloaded { module, version } => (
                    format!("{module}@{version}"),
                    format!("module {module}@{version} is not in the module cache"),
                    "run 'go mod download'; until then what rests on it is unknown",
                ),
                MissingImport::Cycle(path) => (
                    path.clone(),
                    format!("import cycle not allowed: {path}"),
                    "move what both need into a third package",
                ),
                MissingImport::NotVendored => (
                    import.path.to_string(),
                    format!("package {} is not found: {reason}", import.path),
                    "run 'go mod vendor', or use -mod=mod in GOFLAGS",
                ),
                MissingImport::NoModule | MissingImport::NotInModule { .. } => (
                    import.path.to_string(),
                    format!("package {} is not found: {reason}", import.path),
                    "run 'go mod tidy', or generate the package if it is generated",
                ),
                MissingImport::NoFilesForBuild => (
                    import.path.to_string(),
                    format!("package {} is not found: {reason}", import.path),
                    "choose another system or tags with --os, --arch and --tags",
                ),
                MissingImport::NotInStandardLibrary
                | MissingImport::Malformed
                | MissingImport::NotInGoPath => (
                    import.path.to_string(),
                    format!("package {} is not found: {reason}", import.path),
                    "correct the path, or install the package",
                ),
            };
            if !reported.insert(key) {
                continue;
            }
            let mut diagnostic =
                ProjectDiagnostic::new(Severity::Warning, "missing-import", message).help(help);
            if matches!(reason, MissingImport::Cycle(_)) {
                diagnostic.severity = Severity::Error;
                diagnostic.code = "import-cycle";
            }
            if let Some(file) = package.files.get(import.file as usize) {
                let contents = match &file.contents {
                    Some(contents) => Some(Arc::clone(contents)),
                    None => filesystem.read_file(&file.path, size_limit).ok(),
                };
                let (line, column) =
                    contents.map_or((0, 0), |bytes| line_and_column(&bytes, import.offset));
                diagnostic = diagnostic.at_line(&file.path, line, column);
            }
            diagnostics.push(diagnostic);
        }
    }
}
