//! Patterns as Go people type them: `./...`, folders, files, import paths, `std`, `cmd`, `all`.
//!
//! Matching follows cmd/internal/pkgpattern, walking follows cmd/go/internal/search and
//! modload/search.go.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::diagnostics::{ProjectDiagnostic, Severity};
use crate::filesystem::{DirectoryEntry, EntryKind, FileSystem, normalized};
use crate::header;
use crate::load::LoadOptions;
use crate::resolve::{
    Located, NotLocated, Origin, Resolver, has_go_mod, is_go_file, is_standard_path, join,
};

/// One argument, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// `std` or `cmd`.
    Standard(&'static str),
    /// `all`: the main modules and everything they need.
    All,
    /// A path on disk with `...` in it: the folder to start at and the whole pattern, absolute.
    Tree { start: PathBuf, pattern: String },
    /// A folder.
    Folder(PathBuf),
    /// A Go file.
    File(PathBuf),
    /// An import path, maybe with `...` in it.
    Import(String),
}

impl Pattern {
    /// Reads one argument relative to a folder.
    pub(crate) fn parse(argument: &str, directory: &Path, filesystem: &dyn FileSystem) -> Self {
        match argument {
            "std" => return Self::Standard("std"),
            "cmd" => return Self::Standard("cmd"),
            "all" => return Self::All,
            _ => {}
        }
        let local = argument == "."
            || argument == ".."
            || argument.starts_with("./")
            || argument.starts_with("../")
            || (cfg!(windows) && (argument.starts_with(".\\") || argument.starts_with("..\\")))
            || Path::new(argument).is_absolute();
        if argument.contains("...") {
            if local || argument == "..." {
                return Self::tree(argument, directory);
            }
            // `examples/shop/...` is a folder to whoever stands beside it, as long as no import
            // path can be meant.
            let before = argument.split("...").next().unwrap_or_default();
            let folder = directory.join(before.trim_end_matches('/'));
            let is_folder =
                !before.is_empty() && matches!(filesystem.kind(&folder), Ok(EntryKind::Directory));
            if is_folder && is_standard_path(argument) {
                return Self::tree(argument, directory);
            }
            return Self::Import(argument.to_owned());
        }
        let path = normalized(&directory.join(argument));
        if argument.ends_with(".go") && !matches!(filesystem.kind(&path), Ok(EntryKind::Directory))
        {
            return Self::File(path);
        }
        if local {
            return Self::Folder(path);
        }
        Self::Import(argument.trim_end_matches('/').to_owned())
    }

    fn tree(argument: &str, directory: &Path) -> Self {
        let position = argument.find("...").unwrap_or(argument.len());
        let before = &argument[..position];
        let folder = match before.rfind(['/', '\\']) {
            Some(slash) => &before[..=slash],
            None => "",
        };
        let start = normalized(&directory.join(folder));
        let pattern = join_path(&start, &argument[folder.len()..]);
        Self::Tree { start, pattern }
    }

    /// A bare name is an import path to Go; where a folder of that name stands here, it decides which
    /// module is meant.
    pub(crate) fn into_folder(self, directory: &Path, filesystem: &dyn FileSystem) -> Self {
        if let Self::Import(path) = &self
            && !path.contains("...")
        {
            let folder = normalized(&directory.join(path));
            if matches!(filesystem.kind(&folder), Ok(EntryKind::Directory)) {
                return Self::Folder(folder);
            }
        }
        self
    }

    /// The folder that decides which module the pattern belongs to; `None` for import paths.
    pub(crate) fn base(&self) -> Option<&Path> {
        match self {
            Self::Tree { start, .. } => Some(start),
            Self::Folder(path) => Some(path),
            Self::File(path) => path.parent(),
            Self::Standard(_) | Self::All | Self::Import(_) => None,
        }
    }
}

fn join_path(folder: &Path, rest: &str) -> String {
    let folder = folder.to_string_lossy();
    format!("{}/{rest}", folder.trim_end_matches('/'))
}

/// Whether a name matches a pattern with `...`: any text, and `x/...` also matches `x`; a wildcard
/// does not match a `vendor` element that the pattern does not name (pkgpattern `MatchPattern`).
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let vendored = |text: &str| text.contains("vendor/") && format!("/{text}").contains("/vendor/");
    if vendored(name) && !vendored(pattern) {
        return false;
    }
    let parts: Vec<&str> = pattern.split("...").collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return false;
    };
    if parts.len() == 1 {
        return pattern == name;
    }
    if pattern.ends_with("/...") && parts.len() == 2 && name == first.trim_end_matches('/') {
        return true;
    }
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    for part in &parts[1..parts.len() - 1] {
        match rest.find(part) {
            Some(found) => rest = &rest[found + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A package that a pattern led to.
pub(crate) struct Root {
    pub(crate) located: Located,
    /// Only these files of it were named.
    pub(crate) files: Option<Vec<String>>,
    /// Found by a wildcard: no complaint when no file of it belongs to the build.
    pub(crate) wildcard: bool,
}

/// What the expansion of patterns found.
#[derive(Default)]
pub(crate) struct Expansion {
    pub(crate) roots: Vec<Root>,
    /// `all` was asked for.
    pub(crate) everything: bool,
    pub(crate) diagnostics: Vec<ProjectDiagnostic>,
}

/// Expands patterns; `tree` says whether a folder means also all below it, `cgo` whether cgo
/// is on for the standard library.
pub(crate) fn expand(
    resolver: &Resolver<'_>,
    patterns: &[Pattern],
    directory: &Path,
    tree: bool,
    cgo: bool,
) -> Expansion {
    let mut expansion = Expansion::default();
    for pattern in patterns {
        let found = match pattern {
            Pattern::Standard(name) => expand_standard(resolver, name, cgo, &mut expansion),
            Pattern::All => {
                expansion.everything = true;
                expand_mains(resolver, &mut expansion)
            }
            Pattern::Tree { start, pattern } => {
                let found = walk_folder(resolver, start, Some(pattern), &mut expansion);
                if found.is_empty()
                    && !matches!(resolver.filesystem.kind(start), Ok(EntryKind::Directory))
                {
                    no_such_folder(start, &mut expansion);
                } else if found.is_empty() {
                    nothing_matches(start, pattern, &mut expansion);
                }
                found
            }
            Pattern::Folder(path) => expand_folder(resolver, path, tree, &mut expansion),
            Pattern::File(path) => expand_file(resolver, path, &mut expansion),
            Pattern::Import(path) => expand_import(resolver, path, directory, tree, &mut expansion),
        };
        expansion.roots.extend(found);
    }
    // The same package by two patterns: all its files count unless both name files.
    expansion
        .roots
        .sort_by(|left, right| left.located.import_path.cmp(&right.located.import_path));
    expansion.roots.dedup_by(|later, first| {
        if later.located.import_path != first.located.import_path {
            return false;
        }
        match (&mut first.files, later.files.take()) {
            (Some(files), Some(more)) => files.extend(more),
            (files, _) => *files = None,
        }
        first.wildcard &= later.wildcard;
        true
    });
    expansion
}

fn error(expansion: &mut Expansion, path: &Path, message: &str, help: &str) {
    expansion.diagnostics.push(
        ProjectDiagnostic::new(Severity::Error, "pattern", message)
            .at(path)
            .help(help),
    );
}

fn no_such_folder(path: &Path, expansion: &mut Expansion) {
    error(
        expansion,
        path,
        "there is no such folder",
        "check the spelling",
    );
}

fn nothing_matches(start: &Path, pattern: &str, expansion: &mut Expansion) {
    expansion.diagnostics.push(
        ProjectDiagnostic::new(
            Severity::Warning,
            "pattern",
            format!("{pattern:?} matches no packages"),
        )
        .at(start),
    );
}

fn expand_standard(
    resolver: &Resolver<'_>,
    name: &str,
    cgo: bool,
    expansion: &mut Expansion,
) -> Vec<Root> {
    let Some(source) = &resolver.standard else {
        expansion.diagnostics.push(
            ProjectDiagnostic::new(
                Severity::Error,
                "pattern",
                format!("'{name}' needs a Go installation, and none that fits was found"),
            )
            .help("set GOROOT to the folder of a Go installation"),
        );
        return Vec::new();
    };
    let (start, prefix) = match name {
        "cmd" => (source.join("cmd"), "cmd"),
        _ => (source.clone(), ""),
    };
    let walk = Walk {
        resolver,
        pattern: None,
        ignore: Vec::new(),
        root: start.clone(),
        stop_at_modules: true,
        into_vendor: true,
        make: &|path, _| match path {
            "" | "builtin" => None,
            "runtime/cgo" if !cgo => None,
            "cmd" if name != "cmd" => None,
            _ if name == "cmd" => Some(Origin::Command),
            _ => Some(Origin::Standard),
        },
    };
    let mut found = walk.run(&start, prefix, expansion);
    // The go command leaves out the programs that cmd vendors.
    found.retain(|root| {
        !root.located.import_path.starts_with("cmd/vendor/") || !is_program(resolver, &root.located)
    });
    found
}

/// Whether a file that is no test is of package main.
fn is_program(resolver: &Resolver<'_>, located: &Located) -> bool {
    let mut names: Vec<&str> = located
        .entries
        .iter()
        .filter(|entry| is_go_file(entry) && !entry.name.ends_with("_test.go"))
        .map(|entry| entry.name.as_str())
        .collect();
    names.sort_unstable();
    names.iter().any(|name| {
        let path = located.directory.join(name);
        let contents = resolver
            .filesystem
            .read_file(&path, LoadOptions::DEFAULT_SIZE_LIMIT);
        contents.is_ok_and(|contents| header::scan(&contents).package == "main")
    })
}

fn expand_mains(resolver: &Resolver<'_>, expansion: &mut Expansion) -> Vec<Root> {
    let mut found = Vec::new();
    if let Some(modules) = &resolver.modules {
        for main in &modules.mains {
            found.extend(walk_folder(resolver, &main.directory, None, expansion));
        }
    }
    found
}

fn expand_folder(
    resolver: &Resolver<'_>,
    path: &Path,
    tree: bool,
    expansion: &mut Expansion,
) -> Vec<Root> {
    if tree {
        let found = walk_folder(resolver, path, None, expansion);
        if found.is_empty() && !matches!(resolver.filesystem.kind(path), Ok(EntryKind::Directory)) {
            no_such_folder(path, expansion);
        } else if found.is_empty() {
            nothing_matches(path, "...", expansion);
        }
        return found;
    }
    let entries = match resolver.filesystem.read_directory(path) {
        Ok(entries) => entries,
        Err(cause) => {
            error(
                expansion,
                path,
                &format!("cannot read the folder: {cause}"),
                "check the spelling and the rights",
            );
            return Vec::new();
        }
    };
    if !entries.iter().any(is_go_file) {
        error(
            expansion,
            path,
            "no Go files in this folder",
            "add '/...' for the folders below it",
        );
        return Vec::new();
    }
    located(resolver, path, entries, expansion)
        .map(|located| Root {
            located,
            files: None,
            wildcard: false,
        })
        .into_iter()
        .collect()
}

/// A folder that is known to have Go files, as a package.
fn located(
    resolver: &Resolver<'_>,
    path: &Path,
    entries: Vec<DirectoryEntry>,
    expansion: &mut Expansion,
) -> Option<Located> {
    let Some((import_path, origin)) = resolver.identify(path) else {
        error(
            expansion,
            path,
            "the folder belongs to no module of this build",
            "run goward in the folder's own module, or add the module to go.work",
        );
        return None;
    };
    Some(Located {
        import_path: import_path.into(),
        directory: path.to_path_buf(),
        entries: Arc::new(entries),
        origin,
    })
}

fn expand_file(resolver: &Resolver<'_>, path: &Path, expansion: &mut Expansion) -> Vec<Root> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    if !matches!(resolver.filesystem.kind(path), Ok(EntryKind::File)) {
        error(
            expansion,
            path,
            "there is no such file",
            "check the spelling",
        );
        return Vec::new();
    }
    let entries = match resolver.filesystem.read_directory(folder) {
        Ok(entries) => entries,
        Err(_) => vec![DirectoryEntry {
            name: name.to_string_lossy().into_owned(),
            kind: EntryKind::File,
        }],
    };
    located(resolver, folder, entries, expansion)
        .map(|located| Root {
            located,
            files: Some(vec![name.to_string_lossy().into_owned()]),
            wildcard: false,
        })
        .into_iter()
        .collect()
}

fn expand_import(
    resolver: &Resolver<'_>,
    path: &str,
    directory: &Path,
    tree: bool,
    expansion: &mut Expansion,
) -> Vec<Root> {
    if path.contains("...") {
        let found = walk_imports(resolver, path, expansion);
        if found.is_empty() {
            nothing_matches(directory, path, expansion);
        }
        return found;
    }
    let folder = normalized(&directory.join(path));
    let is_folder = matches!(resolver.filesystem.kind(&folder), Ok(EntryKind::Directory));
    // A folder that is called as a standard package is: who gives folders means the one that stands
    // here, whether Go is installed or not.
    if tree && is_folder && is_standard_path(path) {
        return expand_folder(resolver, &folder, tree, expansion);
    }
    let reason = match resolver.locate(path) {
        Ok(located) => {
            return vec![Root {
                located,
                files: None,
                wildcard: false,
            }];
        }
        Err(NotLocated::Standard) if !is_folder => {
            expansion.diagnostics.push(
                ProjectDiagnostic::new(
                    Severity::Error,
                    "pattern",
                    format!(
                        "{path:?} is of the standard library, whose files are in a Go \
                         installation, and none that fits was found"
                    ),
                )
                .help("set GOROOT to the folder of a Go installation"),
            );
            return Vec::new();
        }
        Err(NotLocated::Standard) => String::new(),
        Err(NotLocated::Missing(reason)) => reason.to_string(),
    };
    // No package of that path: a folder given without `./`.
    if is_folder {
        return expand_folder(resolver, &folder, tree, expansion);
    }
    expansion.diagnostics.push(
        ProjectDiagnostic::new(
            Severity::Error,
            "pattern",
            format!("{path:?} is neither a package nor a folder: {reason}"),
        )
        .help("patterns are ./..., folders, .go files, import paths, std"),
    );
    Vec::new()
}

/// Packages below a folder, those of other modules left out. A folder that lies in no module but
/// has modules of the workspace below it means those.
fn walk_folder(
    resolver: &Resolver<'_>,
    start: &Path,
    pattern: Option<&str>,
    expansion: &mut Expansion,
) -> Vec<Root> {
    if let Some(modules) = &resolver.modules
        && !modules
            .mains
            .iter()
            .any(|main| start.starts_with(&main.directory))
    {
        let mut found = Vec::new();
        for main in &modules.mains {
            if main.directory.starts_with(start) {
                found.extend(walk_folder(resolver, &main.directory, pattern, expansion));
            }
        }
        if !found.is_empty() {
            return found;
        }
    }
    let mut root = start.to_path_buf();
    let mut ignore = Vec::new();
    if let Some(modules) = &resolver.modules {
        for main in &modules.mains {
            if start.starts_with(&main.directory) {
                root.clone_from(&main.directory);
                ignore.clone_from(&main.file.ignore);
            }
        }
    }
    let walk = Walk {
        resolver,
        pattern,
        ignore,
        root,
        stop_at_modules: true,
        into_vendor: false,
        make: &|_, directory| resolver.identify(directory).map(|(_, origin)| origin),
    };
    let mut found = Vec::new();
    for mut one in walk.run(start, "", expansion) {
        if let Some((path, _)) = resolver.identify(&one.located.directory) {
            one.located.import_path = path.into();
            found.push(one);
        }
    }
    found
}

/// Packages whose import path matches, in the standard library and in all modules of the build.
fn walk_imports(resolver: &Resolver<'_>, pattern: &str, expansion: &mut Expansion) -> Vec<Root> {
    let literal = pattern.split("...").next().unwrap_or_default();
    let literal = literal.rfind('/').map_or("", |slash| &literal[..slash]);
    let mut found = Vec::new();
    if is_standard_path(pattern)
        && let Some(source) = &resolver.standard
    {
        let start = source.join(literal);
        let command = literal == "cmd" || literal.starts_with("cmd/");
        if matches!(resolver.filesystem.kind(&start), Ok(EntryKind::Directory)) {
            let walk = Walk {
                resolver,
                pattern: Some(pattern),
                ignore: Vec::new(),
                root: start.clone(),
                stop_at_modules: true,
                into_vendor: pattern.contains("vendor"),
                make: &|path, _| match path {
                    "" | "builtin" => None,
                    _ if command => Some(Origin::Command),
                    _ => Some(Origin::Standard),
                },
            };
            found.extend(walk.run(&start, literal, expansion));
        }
    }
    let Some(modules) = &resolver.modules else {
        return found;
    };
    let mut entries: Vec<_> = modules.table.values().collect();
    entries.sort_by(|left, right| left.path.cmp(&right.path));
    for entry in entries {
        let below = |outer: &str, inner: &str| {
            outer.is_empty()
                || inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let (start, prefix) = if below(literal, &entry.path) {
            (entry.directory.clone(), entry.path.clone())
        } else if below(&entry.path, literal) {
            let rest = literal[entry.path.len()..].trim_start_matches('/');
            (entry.directory.join(rest), literal.to_owned())
        } else {
            continue;
        };
        if !matches!(resolver.filesystem.kind(&start), Ok(EntryKind::Directory)) {
            continue;
        }
        let main = modules.mains.iter().find(|main| main.path == entry.path);
        let walk = Walk {
            resolver,
            pattern: Some(pattern),
            ignore: main.map_or_else(Vec::new, |main| main.file.ignore.clone()),
            root: entry.directory.clone(),
            stop_at_modules: entry.local,
            into_vendor: false,
            make: &|_, _| Some(Origin::Module(Arc::clone(entry))),
        };
        found.extend(walk.run(&start, &prefix, expansion));
    }
    found
}

/// A walk over folders, in parallel; symbolic links are not followed, so it ends.
struct Walk<'a, 'r> {
    resolver: &'a Resolver<'r>,
    /// Against the import path, or against the absolute path where the walk has no prefix.
    pattern: Option<&'a str>,
    /// `ignore` lines of the module at `root`.
    ignore: Vec<String>,
    root: PathBuf,
    /// Leave out folders with a go.mod of their own.
    stop_at_modules: bool,
    into_vendor: bool,
    /// What a folder with this import path is; `None` when it is no package.
    make: &'a (dyn Fn(&str, &Path) -> Option<Origin> + Sync),
}

impl Walk<'_, '_> {
    fn run(&self, start: &Path, prefix: &str, expansion: &mut Expansion) -> Vec<Root> {
        let found = Mutex::new((Vec::new(), Vec::new()));
        rayon::scope(|scope| {
            self.visit(scope, start.to_path_buf(), prefix.to_owned(), true, &found);
        });
        let (mut roots, diagnostics) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        expansion.diagnostics.extend(diagnostics);
        roots.sort_by(|left: &Root, right| left.located.directory.cmp(&right.located.directory));
        roots
    }

    fn visit<'s>(
        &'s self,
        scope: &rayon::Scope<'s>,
        directory: PathBuf,
        import_path: String,
        top: bool,
        found: &'s Mutex<(Vec<Root>, Vec<ProjectDiagnostic>)>,
    ) {
        let lock = || found.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = match self.resolver.filesystem.read_directory(&directory) {
            Ok(entries) => entries,
            // The caller says what a start that does not exist means.
            Err(_) if top => return,
            Err(cause) => {
                lock().1.push(
                    ProjectDiagnostic::new(
                        Severity::Error,
                        "folder-not-read",
                        format!("the folder is left out: {cause}"),
                    )
                    .at(&directory),
                );
                return;
            }
        };
        if !top && self.stop_at_modules && has_go_mod(&entries) {
            return;
        }
        for entry in &entries {
            let name = entry.name.as_str();
            let skipped = entry.kind != EntryKind::Directory
                || name.starts_with(['.', '_'])
                || name == "testdata"
                // The folder `vendor` itself can be a package, what is below it not.
                || (!self.into_vendor && !top && directory.file_name() == Some("vendor".as_ref()));
            if skipped {
                continue;
            }
            let child = directory.join(name);
            if self.is_ignored(&child) {
                continue;
            }
            let path = join(&import_path, name);
            scope.spawn(move |scope| self.visit(scope, child, path, false, found));
        }
        if !entries.iter().any(is_go_file) {
            return;
        }
        let name = if import_path.is_empty()
            || Path::new(self.pattern.unwrap_or_default()).is_absolute()
        {
            directory.to_string_lossy().replace('\\', "/")
        } else {
            import_path.clone()
        };
        if self.pattern.is_some_and(|pattern| !matches(pattern, &name)) {
            return;
        }
        let Some(origin) = (self.make)(&import_path, &directory) else {
            return;
        };
        lock().0.push(Root {
            located: Located {
                import_path: import_path.into(),
                directory,
                entries: Arc::new(entries),
                origin,
            },
            files: None,
            wildcard: true,
        });
    }

    /// go.mod `ignore`: `./x` is one folder, `x` a folder of that name anywhere.
    fn is_ignored(&self, directory: &Path) -> bool {
        if self.ignore.is_empty() {
            return false;
        }
        let Ok(relative) = directory.strip_prefix(&self.root) else {
            return false;
        };
        let relative = format!("/{}/", crate::resolve::slashed(relative));
        self.ignore.iter().any(|pattern| {
            let name = pattern.trim_end_matches('/');
            match name.strip_prefix("./") {
                Some(from_root) => relative.starts_with(&format!("/{from_root}/")),
                None => relative.contains(&format!("/{}/", name.trim_start_matches('/'))),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_pkgpattern() {
        for (pattern, name, expected) in [
            ("net", "net", true),
            ("net", "net/http", false),
            ("net...", "net", true),
            ("net...", "netchan", true),
            ("net/...", "net", true),
            ("net/...", "net/http", true),
            ("net/...", "netchan", false),
            ("...", "a/b", true),
            (".../b", "a/b", true),
            ("a/.../c", "a/b/c", true),
            ("a/.../c", "a/c", false),
            ("./...", "./vendor/x", false),
            ("./vendor/...", "./vendor/x", true),
            ("...", "x/vendor/y", false),
            ("...", "x/vendor", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
