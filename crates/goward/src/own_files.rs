//! Which files are the user's own to change: those of the modules that the user works on. What `go`
//! copied into a vendor folder or the module cache, the standard library and modules elsewhere on the
//! disk are someone else's, also where they are checked with the rest (`goward check all`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use goward_diagnostics::Fix;
use goward_project::{Environment, ModFileKind, OsFileSystem, parse_mod_file};

use crate::analysis::Request;
use crate::files;

/// Tells own files from others.
pub(crate) struct OwnFiles {
    /// Where relative paths start.
    directory: PathBuf,
    /// Absolute folders that the user named or works in: modules around and below them are own.
    named: Vec<PathBuf>,
    /// The folders of the modules of go.work.
    work: Vec<PathBuf>,
    module_cache: Option<PathBuf>,
    /// Of folders that were asked for.
    known: RefCell<BTreeMap<PathBuf, bool>>,
}

impl OwnFiles {
    pub(crate) fn new(request: &Request<'_>) -> OwnFiles {
        let environment = Environment::from_process(&OsFileSystem);
        let go_work = match environment.get("GOWORK") {
            Some("off") => None,
            Some(path) => Some(PathBuf::from(path)),
            None => above(&request.directory)
                .map(|folder| folder.join("go.work"))
                .find(|path| path.is_file()),
        };
        // The folders that patterns name. Import paths lead to no folder that exists.
        let patterns = request.patterns.iter();
        let named = patterns
            .map(|pattern| pattern.split("...").next().unwrap_or_default())
            .map(|path| request.directory.join(path))
            .filter(|path| path.exists());
        OwnFiles {
            directory: request.directory.clone(),
            named: named
                .chain([request.directory.clone()])
                .map(|path| goward_project::normalized(&path))
                .collect(),
            work: go_work.map_or_else(Vec::new, |path| uses(&path)),
            module_cache: environment.module_cache(),
            known: RefCell::default(),
        }
    }

    /// Whether all files that a fix changes are own.
    pub(crate) fn all(&self, fix: &Fix) -> bool {
        fix.edits.iter().all(|edit| self.holds(&edit.file))
    }

    /// Whether a file is own, by the path that findings name.
    fn holds(&self, file: &str) -> bool {
        let path = goward_project::normalized(&self.directory.join(file));
        let folder = path.parent().unwrap_or(&path);
        if let Some(&known) = self.known.borrow().get(folder) {
            return known;
        }
        let own = self.is_own(folder);
        self.known.borrow_mut().insert(folder.to_owned(), own);
        own
    }

    fn is_own(&self, folder: &Path) -> bool {
        let in_cache = |cache: &PathBuf| folder.starts_with(cache);
        if self.module_cache.as_ref().is_some_and(in_cache) {
            return false;
        }
        // `go mod vendor` writes this list; other folders of that name are like any other.
        let vendored = above(folder)
            .any(|folder| folder.ends_with("vendor") && folder.join("modules.txt").is_file());
        if vendored {
            return false;
        }
        // Without a module, the file was named.
        let Some(module) = above(folder).find(|folder| folder.join("go.mod").is_file()) else {
            return true;
        };
        let near = |named: &PathBuf| named.starts_with(module) || module.starts_with(named);
        self.named.iter().any(near) || self.work.iter().any(|used| used == module)
    }
}

/// A folder and those above it, the nearest first.
fn above(folder: &Path) -> impl Iterator<Item = &Path> {
    folder.ancestors()
}

/// The folders that a go.work file uses.
fn uses(go_work: &Path) -> Vec<PathBuf> {
    let text = files::read(go_work).unwrap_or_default();
    let (file, _) = parse_mod_file(&String::from_utf8_lossy(&text), ModFileKind::Work);
    let folder = go_work.parent().unwrap_or(go_work);
    file.uses
        .iter()
        .map(|used| goward_project::normalized(&folder.join(&used.path)))
        .collect()
}
