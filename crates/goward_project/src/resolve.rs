//! From an import path to a folder: standard library, modules, vendor folders, GOPATH.
//!
//! Follows cmd/go/internal/modload (`importFromModules`, `dirInModule`, `stdVendor`).

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::filesystem::{DirectoryEntry, EntryKind, FileSystem};
use crate::graph::MissingImport;
use crate::loose_tree;
use crate::module_set::{ModuleEntry, ModuleSet, ModuleTable};
use crate::standard_library::BuiltInLibrary;

/// A folder that is a package.
#[derive(Clone)]
pub(crate) struct Located {
    pub(crate) import_path: Arc<str>,
    pub(crate) directory: PathBuf,
    pub(crate) entries: Arc<Vec<DirectoryEntry>>,
    pub(crate) origin: Origin,
}

/// Where a package comes from, which decides what its own imports mean.
#[derive(Clone)]
pub(crate) enum Origin {
    /// GOROOT/src.
    Standard,
    /// GOROOT/src/cmd.
    Command,
    Module(Arc<ModuleEntry>),
    /// Outside modules.
    Loose,
}

/// Why a path has no folder.
pub(crate) enum NotLocated {
    /// A standard package that is known without its files, or may be one.
    Standard,
    Missing(MissingImport),
}

/// A tree without go.mod.
#[derive(Debug)]
pub(crate) struct Loose {
    /// The folder at its top.
    pub(crate) root: PathBuf,
    /// Import path of `root`: empty under GOPATH/src, where paths are relative to it.
    pub(crate) prefix: String,
    /// `src` of each GOPATH entry.
    pub(crate) go_path: Vec<PathBuf>,
    /// See [`Loose::own_path`]; found out when it is first asked for.
    own_path: OnceLock<Option<String>>,
}

impl Loose {
    pub(crate) fn new(root: PathBuf, prefix: String, go_path: Vec<PathBuf>) -> Self {
        Self {
            root,
            prefix,
            go_path,
            own_path: OnceLock::new(),
        }
    }

    /// The import path by which the tree's packages import each other, where they show one.
    fn own_path(&self, filesystem: &dyn FileSystem) -> Option<&str> {
        let find = || loose_tree::own_path(&self.root, filesystem);
        self.own_path.get_or_init(find).as_deref()
    }
}

pub(crate) struct Resolver<'a> {
    pub(crate) filesystem: &'a dyn FileSystem,
    /// GOROOT/src.
    pub(crate) standard: Option<PathBuf>,
    /// The standard library without GOROOT.
    built_in: Option<BuiltInLibrary>,
    /// The names in GOROOT/src: most import paths are ruled out by their first element.
    standard_top: FxHashSet<String>,
    pub(crate) modules: Option<ModuleSet>,
    /// The folders of all modules.
    module_folders: FxHashMap<PathBuf, Arc<ModuleEntry>>,
    pub(crate) loose: Option<Loose>,
    nested_modules: Mutex<FxHashMap<PathBuf, bool>>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        filesystem: &'a dyn FileSystem,
        goroot: Option<&Path>,
        built_in: Option<BuiltInLibrary>,
        modules: Option<ModuleSet>,
        loose: Option<Loose>,
    ) -> Self {
        let standard = goroot.map(|goroot| goroot.join("src"));
        let standard_top = match (&standard, &built_in) {
            (Some(source), _) => filesystem
                .read_directory(source)
                .unwrap_or_default()
                .into_iter()
                .map(|entry| entry.name)
                .collect(),
            (None, Some(built_in)) => built_in.top().collect(),
            (None, None) => FxHashSet::default(),
        };
        let mut module_folders: FxHashMap<PathBuf, Arc<ModuleEntry>> = FxHashMap::default();
        let mut entries: Vec<_> = modules
            .iter()
            .flat_map(|modules| modules.table.values())
            .collect();
        // Two modules may be replaced by one folder: the first path counts.
        entries.sort_by(|left, right| left.path.cmp(&right.path));
        for entry in entries {
            module_folders
                .entry(entry.directory.clone())
                .or_insert_with(|| Arc::clone(entry));
        }
        Self {
            filesystem,
            standard,
            built_in,
            standard_top,
            modules,
            module_folders,
            loose,
            nested_modules: Mutex::default(),
        }
    }

    /// The import path by which a package is loaded: the standard library has its own vendor
    /// folder, and so have trees outside modules.
    pub(crate) fn canonical<'p>(
        &self,
        origin: &Origin,
        importing_directory: &Path,
        path: &'p str,
    ) -> Cow<'p, str> {
        match origin {
            Origin::Standard | Origin::Command if !is_standard_path(path) => {
                let prefix = if matches!(origin, Origin::Command) {
                    "cmd/vendor"
                } else {
                    "vendor"
                };
                let vendored = format!("{prefix}/{path}");
                let exists = self
                    .standard
                    .as_ref()
                    .is_some_and(|source| self.is_folder(&source.join(&vendored)));
                if exists {
                    Cow::Owned(vendored)
                } else {
                    Cow::Borrowed(path)
                }
            }
            Origin::Loose => self
                .loose
                .as_ref()
                .and_then(|loose| self.canonical_loose(loose, importing_directory, path))
                .map_or(Cow::Borrowed(path), Cow::Owned),
            _ => Cow::Borrowed(path),
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        matches!(self.filesystem.kind(path), Ok(EntryKind::Directory))
    }

    /// Outside modules: relative imports, vendor folders upwards, and imports that name the tree
    /// itself by a path that only its end shows.
    fn canonical_loose(&self, loose: &Loose, from: &Path, path: &str) -> Option<String> {
        if path.starts_with("./") || path.starts_with("../") {
            let directory = crate::filesystem::normalized(&from.join(path));
            return self.loose_import_path(loose, &directory);
        }
        if is_standard_path(path) && self.is_standard_folder(path) {
            return None;
        }
        for folder in from.ancestors() {
            for vendor in ["vendor", "Godeps/_workspace/src"] {
                let vendored = folder.join(vendor).join(path);
                if self.is_folder(&vendored) {
                    return self.loose_import_path(loose, &vendored);
                }
            }
            if folder == loose.root || loose.go_path.iter().any(|source| source == folder) {
                break;
            }
        }
        if loose
            .go_path
            .iter()
            .any(|source| self.is_folder(&source.join(path)))
        {
            return None;
        }
        // `github.com/owner/tree/sub` with the tree checked out anywhere.
        if !path
            .split('/')
            .next()
            .is_some_and(|host| host.contains('.'))
        {
            return None;
        }
        let own_path = loose.own_path(self.filesystem)?;
        let rest = path.strip_prefix(own_path)?;
        let folder = match rest.strip_prefix('/') {
            Some(below) => loose.root.join(below),
            None if rest.is_empty() => loose.root.clone(),
            None => return None,
        };
        let is_package = self.is_folder(&folder) && self.has_go_files(&folder);
        is_package
            .then(|| self.loose_import_path(loose, &folder))
            .flatten()
    }

    fn has_go_files(&self, folder: &Path) -> bool {
        let entries = self.filesystem.read_directory(folder).unwrap_or_default();
        entries.iter().any(is_go_file)
    }

    fn is_standard_folder(&self, path: &str) -> bool {
        let first = path.split('/').next().unwrap_or(path);
        self.standard_top.contains(first)
    }

    /// The import path of a folder outside modules.
    pub(crate) fn loose_import_path(&self, loose: &Loose, directory: &Path) -> Option<String> {
        for source in &loose.go_path {
            if let Ok(relative) = directory.strip_prefix(source) {
                return Some(slashed(relative));
            }
        }
        let relative = directory.strip_prefix(&loose.root).ok()?;
        Some(join(&loose.prefix, &slashed(relative)))
    }

    /// The folder of a canonical import path.
    pub(crate) fn locate(&self, path: &str) -> Result<Located, NotLocated> {
        let missing = |reason| Err(NotLocated::Missing(reason));
        if !is_well_formed(path) {
            return missing(MissingImport::Malformed);
        }
        let standard_path = is_standard_path(path);
        if standard_path
            && let Some(source) = &self.standard
            && self.is_standard_folder(path)
            && let Some(entries) = self.go_folder(&source.join(path))
        {
            let command = path == "cmd" || path.starts_with("cmd/");
            return Ok(Located {
                import_path: path.into(),
                directory: source.join(path),
                entries,
                origin: if command {
                    Origin::Command
                } else {
                    Origin::Standard
                },
            });
        }
        if let Some(built_in) = &self.built_in
            && built_in.contains(path)
        {
            return Err(NotLocated::Standard);
        }
        let found = match (&self.modules, &self.loose) {
            (Some(modules), _) => self.locate_in_modules(modules, path),
            (None, Some(loose)) => self.locate_loose(loose, path),
            (None, None) => Err(MissingImport::NoModule),
        };
        match found {
            Ok(located) => Ok(located),
            // With a standard library the path was looked for in it.
            Err(_) if standard_path && self.standard.is_none() && self.built_in.is_none() => {
                Err(NotLocated::Standard)
            }
            Err(MissingImport::NoModule | MissingImport::NotInGoPath) if standard_path => {
                missing(MissingImport::NotInStandardLibrary)
            }
            Err(reason) => missing(reason),
        }
    }

    fn locate_loose(&self, loose: &Loose, path: &str) -> Result<Located, MissingImport> {
        let mut folders: Vec<PathBuf> = Vec::new();
        if path == loose.prefix {
            folders.push(loose.root.clone());
        } else if let Some(rest) = path.strip_prefix(&loose.prefix) {
            if loose.prefix.is_empty() {
                folders.push(loose.root.join(rest));
            } else if let Some(rest) = rest.strip_prefix('/') {
                folders.push(loose.root.join(rest));
            }
        }
        folders.extend(loose.go_path.iter().map(|source| source.join(path)));
        for directory in folders {
            if let Some(entries) = self.go_folder(&directory) {
                return Ok(Located {
                    import_path: path.into(),
                    directory,
                    entries,
                    origin: Origin::Loose,
                });
            }
        }
        Err(MissingImport::NotInGoPath)
    }

    fn locate_in_modules(&self, modules: &ModuleSet, path: &str) -> Result<Located, MissingImport> {
        let first = self.locate_in_table(&modules.table, path);
        if let Ok(located) = first {
            return Ok(located);
        }
        if let Some(vendor) = &modules.vendor {
            let directory = vendor.directory.join(path);
            let listed = vendor.list.packages.get(path);
            if (listed.is_some() || !vendor.must_be_listed)
                && let Some(entries) = self.go_folder(&directory)
            {
                let origin = match listed {
                    Some(index) => Origin::Module(Arc::clone(&vendor.entries[*index])),
                    None => Origin::Loose,
                };
                return Ok(Located {
                    import_path: path.into(),
                    directory,
                    entries,
                    origin,
                });
            }
            return match first {
                Err(MissingImport::NoModule) => Err(MissingImport::NotVendored),
                other => other,
            };
        }
        match modules.full_table(self.filesystem) {
            Some(table) => match (self.locate_in_table(table, path), first) {
                (Ok(located), _) => Ok(located),
                // What go.mod says itself explains more than what lies behind it.
                (Err(MissingImport::NoModule), first) => first,
                (other, _) => other,
            },
            None => first,
        }
    }

    /// The module with the longest path that has the package.
    fn locate_in_table(&self, table: &ModuleTable, path: &str) -> Result<Located, MissingImport> {
        let mut reason = MissingImport::NoModule;
        let mut prefix = path;
        loop {
            if let Some(entry) = table.get(prefix) {
                match self.locate_in_module(entry, path) {
                    Ok(located) => return Ok(located),
                    Err(why) if reason == MissingImport::NoModule => reason = why,
                    Err(_) => {}
                }
            }
            match prefix.rfind('/') {
                Some(slash) => prefix = &prefix[..slash],
                None => return Err(reason),
            }
        }
    }

    fn locate_in_module(
        &self,
        entry: &Arc<ModuleEntry>,
        path: &str,
    ) -> Result<Located, MissingImport> {
        let rest = path[entry.path.len()..].trim_start_matches('/');
        let directory = if rest.is_empty() {
            entry.directory.clone()
        } else {
            entry.directory.join(rest)
        };
        if let Some(entries) = self.go_folder(&directory)
            && !(entry.local && self.other_module_between(&entry.directory, &directory, &entries))
        {
            return Ok(Located {
                import_path: path.into(),
                directory,
                entries,
                origin: Origin::Module(Arc::clone(entry)),
            });
        }
        let version = entry.version.clone().unwrap_or_default();
        let module = entry.path.clone();
        if entry.main || self.is_folder(&entry.directory) {
            let version = if entry.local { String::new() } else { version };
            Err(MissingImport::NotInModule { module, version })
        } else {
            Err(MissingImport::NotDownloaded { module, version })
        }
    }

    /// Whether a go.mod below the module's root takes the folder out of the module.
    fn other_module_between(
        &self,
        root: &Path,
        directory: &Path,
        entries: &[DirectoryEntry],
    ) -> bool {
        if directory == root {
            return false;
        }
        if has_go_mod(entries) {
            return true;
        }
        let mut folder = directory.parent();
        while let Some(path) = folder
            && path != root
            && path.starts_with(root)
        {
            let known = {
                let nested = self.nested_modules.lock();
                let nested = nested.unwrap_or_else(PoisonError::into_inner);
                nested.get(path).copied()
            };
            let nested = known.unwrap_or_else(|| {
                let kind = self.filesystem.kind(&path.join("go.mod"));
                let nested = matches!(kind, Ok(EntryKind::File));
                self.nested_modules
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(path.to_path_buf(), nested);
                nested
            });
            if nested {
                return true;
            }
            folder = path.parent();
        }
        false
    }

    /// The entries of a folder that has Go files, whatever their constraints say.
    fn go_folder(&self, directory: &Path) -> Option<Arc<Vec<DirectoryEntry>>> {
        let entries = self.filesystem.read_directory(directory).ok()?;
        entries.iter().any(is_go_file).then(|| Arc::new(entries))
    }

    /// The import path and origin of a folder that was named or walked to.
    pub(crate) fn identify(&self, directory: &Path) -> Option<(String, Origin)> {
        if let Some(modules) = &self.modules {
            if let Some(vendor) = &modules.vendor
                && let Ok(relative) = directory.strip_prefix(&vendor.directory)
            {
                let path = slashed(relative);
                let index = *vendor.list.packages.get(&path)?;
                return Some((path, Origin::Module(Arc::clone(&vendor.entries[index]))));
            }
            // The module whose folder is deepest holds the folder.
            let entry = directory
                .ancestors()
                .find_map(|folder| self.module_folders.get(folder));
            if let Some(entry) = entry
                && let Ok(relative) = directory.strip_prefix(&entry.directory)
            {
                let relative = slashed(relative);
                // A path with an at sign would read as a module version.
                if relative.contains('@') {
                    return None;
                }
                let path = join(&entry.path, &relative);
                return Some((path, Origin::Module(Arc::clone(entry))));
            }
        }
        if let Some(source) = &self.standard
            && let Ok(relative) = directory.strip_prefix(source)
        {
            let path = slashed(relative);
            let command = path == "cmd" || path.starts_with("cmd/");
            return match path.as_str() {
                "" | "builtin" => None,
                _ if command => Some((path, Origin::Command)),
                _ => Some((path, Origin::Standard)),
            };
        }
        let loose = self.loose.as_ref()?;
        Some((self.loose_import_path(loose, directory)?, Origin::Loose))
    }
}

pub(crate) fn has_go_mod(entries: &[DirectoryEntry]) -> bool {
    entries
        .iter()
        .any(|entry| entry.name == "go.mod" && entry.kind != EntryKind::Directory)
}

/// Whether the entry is a Go file by its name; a link counts, a folder called `x.go` does not.
pub(crate) fn is_go_file(entry: &DirectoryEntry) -> bool {
    entry.name.ends_with(".go") && matches!(entry.kind, EntryKind::File | EntryKind::Symlink)
}

/// The standard library is what has no dot in its first element.
pub(crate) fn is_standard_path(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or(path);
    !first.contains('.')
}

fn is_well_formed(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('/')
        && path
            .split('/')
            .all(|segment| !matches!(segment, "" | "." | ".."))
        && !path.contains(['\\', '\0'])
}

/// A relative path with forward slashes; empty for the folder itself.
pub(crate) fn slashed(relative: &Path) -> String {
    let parts: Vec<Cow<'_, str>> = relative
        .components()
        .map(|component| component.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

pub(crate) fn join(prefix: &str, rest: &str) -> String {
    match (prefix.is_empty(), rest.is_empty()) {
        (true, _) => rest.to_owned(),
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}/{rest}"),
    }
}
