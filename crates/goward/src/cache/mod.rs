//! Results of earlier runs: findings of packages by what they were found in, and what a whole run
//! saw of the disk.
//!
//! Two kinds of entries. A *package* entry holds the findings of a package under its fingerprint
//! (`goward_project::fingerprints`) together with the rules that ran and this build of goward; it is
//! right wherever it is used. A *run* entry belongs to one command line in one folder and holds all
//! questions that the run asked of the disk: if all answers are the same, so is what it found; if
//! not, the header and the hashes of each file that did not change still save reading it.
//!
//! Beside them lie the declarations of the packages that a command line imports, each under what
//! decides them, so that a run that looks at a changed package need not check those again.
//!
//! Nothing else decides what a run finds, so a hit prints what a run without the cache would.

mod declarations;
mod store;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use goward_diagnostics::{Diagnostic, SourceFile};
use goward_project::{FileSystem, Hash, LoadOptions, Observations};
use goward_types::Bodies;
use serde::{Deserialize, Serialize};

use crate::analysis::{Outcome, PackageOutcome, Request, Statistics};
pub(crate) use declarations::{Declarations, NewEntry};
use store::Store;

/// The cache of one command line.
pub(crate) struct Cache {
    store: Store,
    /// This build of goward: all that it knows and does.
    tool: Hash,
    run: Hash,
}

/// A file that findings name, and its text's hash.
#[derive(Clone, Serialize, Deserialize)]
struct StoredSource {
    /// As findings name it.
    name: String,
    contents: Hash,
}

/// What a run saw and found.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredRun {
    pub(crate) observations: Observations,
    outcome: Option<StoredOutcome>,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredOutcome {
    diagnostics: Vec<Diagnostic>,
    sources: Vec<StoredSource>,
    warnings: Vec<String>,
    notes: Vec<String>,
    statistics: Statistics,
}

#[derive(Serialize, Deserialize)]
struct StoredPackage {
    diagnostics: Vec<Diagnostic>,
    sources: Vec<StoredSource>,
    statistics: Statistics,
    bodies: Bodies,
}

/// The folder that results are kept in unless the user names one: `goward` in the user's cache
/// folder.
pub(crate) fn default_folder() -> Option<PathBuf> {
    let variable = |name| {
        let value = std::env::var_os(name)?;
        let path = PathBuf::from(value);
        // Relative paths are to be ignored, says the XDG specification.
        path.is_absolute().then_some(path)
    };
    if let Some(folder) = variable("GOWARD_CACHE_DIR") {
        return Some(folder);
    }
    let folder = if cfg!(windows) {
        variable("LocalAppData")?
    } else if cfg!(target_os = "macos") {
        variable("HOME")?.join("Library/Caches")
    } else {
        variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?
    };
    Some(folder.join("goward"))
}

impl Cache {
    /// The cache for a request; none where it is off or where this build of goward cannot be told
    /// from others.
    pub(crate) fn open(request: &Request<'_>) -> Option<Cache> {
        static TOOL: OnceLock<Option<Hash>> = OnceLock::new();
        let folder = request.cache.as_ref()?;
        // A version number would not tell a build with a changed rule from the one before.
        let tool = (*TOOL.get_or_init(|| {
            let program = crate::files::read(&std::env::current_exe().ok()?).ok()?;
            Some(Hash::of(&program))
        }))?;
        Some(Cache {
            store: Store::new(folder.clone()),
            tool,
            run: run_key(tool, request),
        })
    }

    /// What the last run of the same command line saw and found.
    pub(crate) fn run(&self) -> Option<StoredRun> {
        self.store.read("runs", self.run)
    }

    /// Keeps what a run saw and found. A cache that cannot be written is as good as none.
    pub(crate) fn keep_run(&self, run: &StoredRun) {
        let _ = self.store.write("runs", self.run, run);
    }

    /// What earlier runs of the same command line found out about imported packages; a command line
    /// may look at several workspaces.
    pub(crate) fn declarations(&self, part: usize) -> Option<Declarations> {
        let path = self.declarations_path(part);
        let declarations = Declarations::open(&path)?;
        store::mark_used(&path);
        Some(declarations)
    }

    /// Keeps what is known about imported packages.
    pub(crate) fn keep_declarations(&self, part: usize, packages: &[NewEntry]) {
        let _ = Declarations::write(&self.declarations_path(part), packages);
    }

    /// Forgets what is known about imported packages, because it is damaged.
    pub(crate) fn forget_declarations(&self, part: usize) {
        let _ = std::fs::remove_file(self.declarations_path(part));
    }

    fn declarations_path(&self, part: usize) -> PathBuf {
        let parts = [&self.run.bytes()[..], &part.to_le_bytes()[..]];
        self.store.path("declarations", Hash::of_parts(parts))
    }

    /// Bounds the size of the cache.
    pub(crate) fn trim(&self) {
        self.store.trim();
    }

    /// The name of a package's entry. `fingerprint` says what its source is, `settings` how it is
    /// looked at and shown.
    pub(crate) fn package_key(&self, fingerprint: Hash, settings: &[String]) -> Hash {
        let settings = settings.iter().map(String::as_bytes);
        let parts = [&self.tool.bytes()[..], &fingerprint.bytes()[..]];
        Hash::of_parts(parts.into_iter().chain(settings))
    }

    /// What was found in a package.
    pub(crate) fn package(
        &self,
        key: Hash,
        request: &Request<'_>,
        filesystem: &dyn FileSystem,
    ) -> Option<PackageOutcome> {
        let stored: StoredPackage = self.store.read("packages", key)?;
        Some(PackageOutcome {
            sources: sources(&stored.sources, request, filesystem)?,
            diagnostics: stored.diagnostics,
            statistics: stored.statistics,
            errors: Vec::new(),
            broken: false,
            bodies: stored.bodies,
        })
    }

    /// Keeps what was found in a package.
    pub(crate) fn keep_package(&self, key: Hash, outcome: &PackageOutcome) {
        let stored = StoredPackage {
            diagnostics: outcome.diagnostics.clone(),
            sources: outcome.sources.iter().map(StoredSource::new).collect(),
            statistics: outcome.statistics,
            bodies: outcome.bodies.clone(),
        };
        let _ = self.store.write("packages", key, &stored);
    }
}

impl StoredSource {
    fn new(file: &SourceFile) -> StoredSource {
        StoredSource {
            name: file.path().to_string(),
            contents: Hash::of(file.bytes()),
        }
    }
}

impl StoredRun {
    /// A run that saw this; `outcome` if the next one may say the same.
    pub(crate) fn new(observations: Observations, outcome: Option<&Outcome>) -> StoredRun {
        let outcome = outcome.map(|outcome| StoredOutcome {
            diagnostics: outcome.diagnostics.clone(),
            sources: outcome
                .sources
                .iter()
                .map(|file| StoredSource::new(file))
                .collect(),
            warnings: outcome.warnings.clone(),
            notes: outcome.notes.clone(),
            statistics: outcome.statistics,
        });
        StoredRun {
            observations,
            outcome,
        }
    }

    /// The same run with what was seen of the same contents later.
    pub(crate) fn with_observations(&self, observations: Observations) -> StoredRun {
        StoredRun {
            observations,
            outcome: self.outcome.clone(),
        }
    }

    /// Whether the next run may say what this one did, if nothing has changed.
    pub(crate) fn has_outcome(&self) -> bool {
        self.outcome.is_some()
    }

    /// What the run found.
    pub(crate) fn outcome(
        &self,
        request: &Request<'_>,
        filesystem: &dyn FileSystem,
    ) -> Option<Outcome> {
        let stored = self.outcome.as_ref()?;
        let files = sources(&stored.sources, request, filesystem)?;
        Some(Outcome {
            diagnostics: stored.diagnostics.clone(),
            sources: files.into_iter().collect(),
            warnings: stored.warnings.clone(),
            notes: stored.notes.clone(),
            statistics: stored.statistics,
            errors: Vec::new(),
            known: stored.statistics.packages,
        })
    }
}

/// Reads the files that findings name; none if one is another than it was.
fn sources(
    stored: &[StoredSource],
    request: &Request<'_>,
    filesystem: &dyn FileSystem,
) -> Option<Vec<SourceFile>> {
    let read = |source: &StoredSource| {
        let path = request.directory.join(&source.name);
        let contents = filesystem
            .read_file(&path, LoadOptions::DEFAULT_SIZE_LIMIT)
            .ok()?;
        let same = Hash::of(&contents) == source.contents;
        same.then(|| SourceFile::shared(source.name.as_str(), contents))
    };
    stored.iter().map(read).collect()
}

/// Variables beside those of Go that decide what is found on the disk.
const VARIABLES: [&str; 7] = [
    "HOME",
    "USERPROFILE",
    "AppData",
    "XDG_CONFIG_HOME",
    "PATH",
    "CC",
    "CGO_ENABLED",
];

/// What tells one command line from another. Texts that stand in place of files do not count: a run
/// with them is never answered as a whole.
fn run_key(tool: Hash, request: &Request<'_>) -> Hash {
    let mut parts: Vec<Vec<u8>> = vec![tool.bytes().to_vec()];
    let mut list = |name: &str, items: Vec<Vec<u8>>| {
        parts.push(format!("{name} {}", items.len()).into_bytes());
        parts.extend(items);
    };
    let text = |text: &String| text.clone().into_bytes();
    let path = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
    list("directory", vec![path(&request.directory)]);
    list("patterns", request.patterns.iter().map(text).collect());
    list("only", request.only.iter().map(|only| path(only)).collect());
    list("selection", vec![format!("{:?}", request.selection).into()]);
    list(
        "configuration",
        request.configuration.iter().map(text).collect(),
    );
    list("os", request.os.iter().map(text).collect());
    list("arch", request.arch.iter().map(text).collect());
    list("tags", request.tags.iter().map(text).collect());
    list("generated", vec![vec![u8::from(request.generated)]]);
    let mut variables: Vec<_> = std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            name.starts_with("GO") || VARIABLES.contains(&&*name)
        })
        .collect();
    variables.sort();
    for (name, value) in variables {
        list(
            "variable",
            vec![
                name.as_encoded_bytes().to_vec(),
                value.as_encoded_bytes().to_vec(),
            ],
        );
    }
    Hash::of_parts(parts.iter().map(Vec::as_slice))
}
