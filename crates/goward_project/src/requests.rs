//! One command line, several modules: patterns are put together by the module or workspace that
//! they lie in, because each of these is a build of its own.

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::filesystem::{EntryKind, FileSystem, normalized};
use crate::load::LoadOptions;
use crate::modfile::{self, ModFileKind};
use crate::module_set::Roots;
use crate::pattern::Pattern;
use crate::resolve::{has_go_mod, is_go_file};

/// go.work files above this many bytes are not looked into.
const WORK_FILE_LIMIT: u64 = 16 << 20;

/// Splits what is asked for into requests that [`crate::load`] can answer, one for each module or
/// workspace. A folder that lies in no module stands for the modules below it.
///
/// All other options are kept. Patterns that are no paths go to the request of the working folder.
pub fn requests(
    options: &LoadOptions,
    environment: &Environment,
    filesystem: &dyn FileSystem,
) -> Vec<LoadOptions> {
    let mut groups: Vec<(Option<PathBuf>, Vec<String>)> = Vec::new();
    let mut add = |root: Option<PathBuf>, pattern: String| match groups
        .iter_mut()
        .find(|(known, _)| *known == root)
    {
        Some((_, patterns)) => patterns.push(pattern),
        None => groups.push((root, vec![pattern])),
    };
    let default = [if options.folders_are_trees {
        "."
    } else {
        "./..."
    }
    .to_owned()];
    let patterns: &[String] = if options.patterns.is_empty() {
        &default
    } else {
        &options.patterns
    };
    for text in patterns {
        let pattern = Pattern::parse(text, &options.directory, filesystem);
        let pattern = pattern.into_folder(&options.directory, filesystem);
        let base = pattern.base().unwrap_or(&options.directory);
        let root = root_of(base, environment, filesystem);
        let tree = match &pattern {
            Pattern::Tree { start, pattern } => pattern
                .strip_suffix("/...")
                .is_some_and(|folder| Path::new(folder) == start),
            Pattern::Folder(_) => options.folders_are_trees,
            _ => false,
        };
        if root.is_some() || !tree {
            add(root, text.clone());
            continue;
        }
        let mut below = Below::default();
        below.search(base, filesystem);
        if below.modules.is_empty() || below.go_files {
            add(None, text.clone());
        }
        below.modules.sort();
        for module in below.modules {
            let root = root_of(&module, environment, filesystem);
            add(root, format!("{}/...", module.display()));
        }
    }
    groups
        .into_iter()
        .map(|(_, patterns)| LoadOptions {
            patterns,
            ..options.clone()
        })
        .collect()
}

/// The go.work or go.mod file that a folder is built with.
fn root_of(
    folder: &Path,
    environment: &Environment,
    filesystem: &dyn FileSystem,
) -> Option<PathBuf> {
    let roots = Roots::find(folder, environment, filesystem);
    let (Some(go_work), Some(go_mod)) = (&roots.go_work, &roots.go_mod) else {
        return roots.go_work.or(roots.go_mod);
    };
    let uses_it = filesystem
        .read_file(go_work, WORK_FILE_LIMIT)
        .is_ok_and(|contents| {
            let text = String::from_utf8_lossy(&contents);
            let (file, _) = modfile::parse(&text, ModFileKind::Work);
            let directory = go_work.parent().unwrap_or(go_work);
            file.uses.iter().any(|used| {
                Some(normalized(&directory.join(&used.path)).as_path()) == go_mod.parent()
            })
        });
    if uses_it { roots.go_work } else { roots.go_mod }
}

/// What lies below a folder without a module.
#[derive(Default)]
struct Below {
    modules: Vec<PathBuf>,
    /// Go files that belong to none of `modules`.
    go_files: bool,
}

impl Below {
    fn search(&mut self, start: &Path, filesystem: &dyn FileSystem) {
        // Symbolic links are not followed, so the search ends.
        let mut open = vec![start.to_path_buf()];
        while let Some(folder) = open.pop() {
            let Ok(entries) = filesystem.read_directory(&folder) else {
                continue;
            };
            if has_go_mod(&entries) {
                self.modules.push(folder);
                continue;
            }
            self.go_files |= entries.iter().any(is_go_file);
            for entry in entries {
                let skipped = entry.kind != EntryKind::Directory
                    || entry.name.starts_with(['.', '_'])
                    || matches!(entry.name.as_str(), "testdata" | "vendor" | "node_modules");
                if !skipped {
                    open.push(folder.join(entry.name));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filesystem::OverlayFileSystem;

    /// Patterns separated by spaces, requests by ` | `.
    #[track_caller]
    fn check(patterns: &str, expected: &str) {
        let files = OverlayFileSystem::in_memory([
            ("/r/one/go.mod", "module one\n"),
            ("/r/one/a/a.go", "package a\n"),
            ("/r/two/go.mod", "module two\n"),
            ("/r/two/nested/go.mod", "module nested\n"),
            ("/r/two/testdata/go.mod", "module no\n"),
            ("/r/wide/go.work", "go 1.24\nuse (\n\t./x\n\t./y\n)\n"),
            ("/r/wide/x/go.mod", "module x\n"),
            ("/r/wide/y/go.mod", "module y\n"),
            ("/r/wide/z/go.mod", "module z\n"),
            ("/s/loose.go", "package s\n"),
            ("/s/m/go.mod", "module m\n"),
        ]);
        let environment = Environment::new([("HOME", "/h")], &files);
        let options = LoadOptions::new("/r").patterns(patterns.split_whitespace());
        let groups: Vec<String> = requests(&options, &environment, &files)
            .iter()
            .map(|request| request.patterns.join(" "))
            .collect();
        assert_eq!(groups.join(" | "), expected);
    }

    #[test]
    fn each_module_or_workspace_is_a_request() {
        check("./one/... two fmt", "./one/... | two | fmt");
        check("one/a/a.go ./one", "one/a/a.go ./one");
        check(
            "./wide/x ./wide/y/... ./wide/z",
            "./wide/x ./wide/y/... | ./wide/z",
        );
        check("./two/nested ./two", "./two/nested | ./two");
    }

    #[test]
    fn a_folder_in_no_module_stands_for_the_modules_below_it() {
        check(
            "",
            "/r/one/... | /r/two/... | /r/wide/x/... /r/wide/y/... | /r/wide/z/...",
        );
        check(
            "./...",
            "/r/one/... | /r/two/... | /r/wide/x/... /r/wide/y/... | /r/wide/z/...",
        );
        check("/s", "/s | /s/m/...");
        check("/s/loose.go", "/s/loose.go");
        check("/nowhere", "/nowhere");
    }
}
