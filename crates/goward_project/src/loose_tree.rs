//! Trees without go.mod, as they were before modules and as they are while somebody unpacks one:
//! where such a tree begins, and by which import path its own packages call each other.
//!
//! Below GOPATH/src the path is the folder. Anywhere else only the tree's own imports tell:
//! `github.com/owner/tree/sub` in a file, and a package in the folder `sub`, are a vote for
//! `github.com/owner/tree`. The path with votes for the most folders wins. That a single import of
//! somebody else's tree ends like a folder here must not make it ours, so a lone vote counts only
//! for a path that ends with the name of the tree's folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::environment::Environment;
use crate::filesystem::{EntryKind, FileSystem};
use crate::header;
use crate::resolve::{Loose, is_go_file, slashed};

/// What stands at the top of a repository.
const REPOSITORY_MARKS: [&str; 2] = [".git", ".hg"];

/// What tools from before modules put at the top of a repository.
const TOP_MARKS: [&str; 5] = [
    "vendor",
    "Godeps",
    "Gopkg.toml",
    "glide.yaml",
    "vendor.conf",
];

/// Folders and files that are looked at for votes, at most.
const VISITED_LIMIT: usize = 20_000;
const READ_LIMIT: usize = 3_000;
const FILE_SIZE_LIMIT: u64 = 16 << 20;

/// The tree that the folder `base` lies in. `working_directory` is taken for its top when nothing
/// marks one.
pub(crate) fn find(
    base: &Path,
    working_directory: &Path,
    environment: &Environment,
    filesystem: &dyn FileSystem,
) -> Loose {
    let go_path: Vec<PathBuf> = environment
        .go_path()
        .into_iter()
        .map(|path| path.join("src"))
        .collect();
    if let Some(source) = go_path.iter().find(|source| base.starts_with(source)) {
        return Loose::new(source.clone(), String::new(), go_path);
    }
    let marked = |marks: &[&str]| {
        base.ancestors().find(|folder| {
            marks
                .iter()
                .any(|name| filesystem.kind(&folder.join(name)).is_ok())
        })
    };
    let root = marked(&REPOSITORY_MARKS)
        .or_else(|| marked(&TOP_MARKS))
        .or_else(|| {
            base.starts_with(working_directory)
                .then_some(working_directory)
        })
        .unwrap_or(base)
        .to_path_buf();
    let prefix = root.file_name().map_or_else(
        || "main".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    Loose::new(root, prefix, go_path)
}

/// The import path by which the packages of the tree at `root` import each other.
pub(crate) fn own_path(root: &Path, filesystem: &dyn FileSystem) -> Option<String> {
    let packages = Packages::below(root, filesystem);
    let mut votes: FxHashMap<&str, FxHashSet<&str>> = FxHashMap::default();
    for path in &packages.imports {
        if !path
            .split('/')
            .next()
            .is_some_and(|host| host.contains('.'))
        {
            continue;
        }
        // At least a host and a name are left over.
        for (index, _) in path.match_indices('/').skip(1) {
            let (prefix, folder) = (&path[..index], &path[index + 1..]);
            if packages.folders.contains(folder) {
                votes.entry(prefix).or_default().insert(folder);
            }
        }
    }
    let mut candidates: Vec<(usize, &str)> = votes
        .into_iter()
        .map(|(prefix, folders)| (folders.len(), prefix))
        .collect();
    candidates.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let name = root.file_name().map(|name| name.to_string_lossy());
    let named = |prefix: &str| {
        let last = prefix.rsplit('/').next().unwrap_or(prefix);
        name.as_ref().is_some_and(|name| name == last)
    };
    let &(most, first) = candidates.first()?;
    let best: Vec<&str> = candidates
        .iter()
        .take_while(|(count, _)| *count == most)
        .map(|(_, prefix)| *prefix)
        .collect();
    match best.iter().find(|prefix| named(prefix)) {
        Some(prefix) => Some((*prefix).to_owned()),
        None => (most > 1 && best.len() == 1).then(|| first.to_owned()),
    }
}

/// What a walk through a tree found.
#[derive(Default)]
struct Packages {
    /// Folders with Go files, relative to the top.
    folders: FxHashSet<String>,
    imports: BTreeSet<String>,
}

impl Packages {
    fn below(root: &Path, filesystem: &dyn FileSystem) -> Self {
        let mut packages = Self::default();
        let (mut visited, mut read) = (0, 0);
        // Symbolic links are not followed, so the walk ends. Wide before deep: the packages near
        // the top say most about the tree.
        let mut open = std::collections::VecDeque::from([root.to_path_buf()]);
        while let Some(folder) = open.pop_front() {
            let Ok(entries) = filesystem.read_directory(&folder) else {
                continue;
            };
            for entry in &entries {
                visited += 1;
                if visited > VISITED_LIMIT {
                    return packages;
                }
                if entry.kind == EntryKind::Directory {
                    let skipped = entry.name.starts_with(['.', '_'])
                        || matches!(
                            entry.name.as_str(),
                            "vendor" | "testdata" | "Godeps" | "node_modules"
                        );
                    if !skipped {
                        open.push_back(folder.join(&entry.name));
                    }
                } else if is_go_file(entry) {
                    if let Ok(relative) = folder.strip_prefix(root) {
                        packages.folders.insert(slashed(relative));
                    }
                    read += 1;
                    if read <= READ_LIMIT
                        && let Ok(source) =
                            filesystem.read_file(&folder.join(&entry.name), FILE_SIZE_LIMIT)
                    {
                        let imports = header::scan(&source).imports;
                        packages
                            .imports
                            .extend(imports.into_iter().map(|import| import.path));
                    }
                }
            }
        }
        packages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filesystem::OverlayFileSystem;

    /// Files as `path: import import …`, and the path that the tree at `/w/NAME` has.
    fn check(name: &str, files: &[(&str, &str)], expected: Option<&str>) {
        let root = PathBuf::from("/w").join(name);
        let filesystem = OverlayFileSystem::in_memory(files.iter().map(|(path, imports)| {
            let lines: String = imports
                .split_whitespace()
                .map(|import| format!("import {import:?}\n"))
                .collect();
            (root.join(path), format!("package p\n{lines}"))
        }));
        assert_eq!(own_path(&root, &filesystem).as_deref(), expected);
    }

    #[test]
    fn two_folders_make_a_path() {
        check(
            "checkout",
            &[
                ("a/a.go", "fmt example.org/o/tree/b example.org/o/tree/c/d"),
                ("b/b.go", "example.org/o/tree/c/d"),
                ("c/d/d.go", "errors"),
            ],
            Some("example.org/o/tree"),
        );
    }

    #[test]
    fn a_foreign_path_with_the_same_end_is_not_ours() {
        check(
            "checkout",
            &[("redis/redis.go", "example.org/other/client/redis")],
            None,
        );
        check(
            "checkout",
            &[
                (
                    "redis/redis.go",
                    "example.org/other/client/redis example.org/o/tree/a",
                ),
                ("a/a.go", "example.org/o/tree/redis"),
            ],
            Some("example.org/o/tree"),
        );
    }

    #[test]
    fn a_lone_vote_needs_the_name_of_the_folder() {
        check(
            "tree",
            &[("a.go", "example.org/o/tree/b"), ("b/b.go", "")],
            Some("example.org/o/tree"),
        );
        check(
            "other",
            &[("a.go", "example.org/o/tree/b"), ("b/b.go", "")],
            None,
        );
    }

    #[test]
    fn a_deeper_path_is_told_from_a_shallow_one() {
        check(
            "checkout",
            &[
                (
                    "pkg/api/a.go",
                    "k8s.example/tree/pkg/util k8s.example/tree/cmd",
                ),
                ("pkg/util/u.go", ""),
                ("cmd/c.go", ""),
            ],
            Some("k8s.example/tree"),
        );
    }
}
