//! Shows the source line of a frame, from the folder that the user named.

#![expect(
    clippy::disallowed_methods,
    reason = "the sources that the user named are read here"
)]

use std::cell::RefCell;
use std::path::{Component, Path, PathBuf};

use goward_trace::dump::{Frame, access};
use rustc_hash::FxHashMap;

/// A source tree. Only files below it are ever read: the paths come from a dump, which may have
/// been made up.
pub(crate) struct Sources {
    root: Option<PathBuf>,
    files: RefCell<FxHashMap<String, Option<Vec<String>>>>,
}

impl Sources {
    /// Sources below a folder, or none.
    pub(crate) fn new(root: Option<&Path>) -> anyhow::Result<Sources> {
        if let Some(root) = root {
            anyhow::ensure!(
                root.is_dir(),
                "--source {}: there is no such folder",
                root.display()
            );
        }
        Ok(Sources {
            root: root.map(Path::to_owned),
            files: RefCell::default(),
        })
    }

    /// The folder that the user named.
    pub(crate) fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The file of a frame, if it is below the folder.
    pub(crate) fn path(&self, frame: &Frame<'_>) -> Option<PathBuf> {
        if frame.is_standard() {
            return None;
        }
        locate(self.root.as_ref()?, frame.file)
    }

    /// A file's path below the folder.
    pub(crate) fn shown(&self, file: &Path) -> String {
        self.root
            .as_ref()
            .and_then(|root| file.strip_prefix(root).ok())
            .unwrap_or(file)
            .display()
            .to_string()
    }

    /// The line of a frame, without its indentation.
    pub(crate) fn line(&self, frame: &Frame<'_>) -> Option<String> {
        let root = self.root.as_ref()?;
        if frame.line == 0 || frame.is_standard() {
            return None;
        }
        let mut files = self.files.borrow_mut();
        let lines = files
            .entry(frame.file.to_owned())
            .or_insert_with(|| find(root, frame.file));
        let lines = lines.as_ref()?;
        // A file of the same name that is not the one that was built would show a wrong line: the
        // function's name has to be declared in it.
        let name = base_name(frame.function);
        let declared = lines.iter().any(|line| {
            line.contains("func ") && line.contains(name) || name == "init" || name == "glob"
        });
        let line = lines.get(frame.line as usize - 1)?;
        declared.then(|| line.trim().to_owned())
    }
}

/// A line of the source that uses a map.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct MapUse {
    /// The map's name: a variable or a field.
    pub(crate) name: String,
    /// The file, below the source folder.
    pub(crate) file: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// Its text without indentation.
    pub(crate) source: String,
}

impl Sources {
    /// The other lines of the frame's package that use the maps named on its line: by name, so
    /// that another map of the same name is among them too.
    pub(crate) fn map_uses(&self, frame: &Frame<'_>) -> Vec<MapUse> {
        let (Some(root), Some(text)) = (&self.root, self.line(frame)) else {
            return Vec::new();
        };
        let names = access::indexed_names(&text);
        let Some(path) = locate(root, frame.file) else {
            return Vec::new();
        };
        let Some(folder) = path.parent() else {
            return Vec::new();
        };
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|file| file.extension().is_some_and(|end| end == "go") && file.is_file())
            .collect();
        files.sort();
        let mut found = Vec::new();
        for file in files {
            let Ok(bytes) = std::fs::read(&file) else {
                continue;
            };
            let shown = file
                .strip_prefix(root)
                .unwrap_or(&file)
                .display()
                .to_string();
            for (index, text) in String::from_utf8_lossy(&bytes).lines().enumerate() {
                let code = text.split("//").next().unwrap_or(text);
                let at_fault = file == path && index + 1 == frame.line as usize;
                if let Some(name) = names.iter().find(|name| access::names_map(code, name))
                    && !at_fault
                    && found.len() < MOST_USES
                {
                    found.push(MapUse {
                        name: name.clone(),
                        file: shown.clone(),
                        line: index + 1,
                        source: text.trim().to_owned(),
                    });
                }
            }
        }
        found
    }
}

/// So many other uses of a map are named.
const MOST_USES: usize = 20;

/// `main.(*cache).add.func1` gives `add`.
fn base_name(function: &str) -> &str {
    let start = function.rfind('/').map_or(0, |at| at + 1);
    let mut parts = function[start..].split('.').skip(1);
    let first = parts.next().unwrap_or("");
    let name = if first.starts_with('(') || first.is_empty() {
        parts.next().unwrap_or("")
    } else {
        // A method of a value receiver reads `main.T.add`; functions inside have names that the
        // compiler made up.
        match parts.next() {
            Some(second) if !is_made_up(second) => second,
            _ => first,
        }
    };
    name.split(['[', '-']).next().unwrap_or(name)
}

fn is_made_up(name: &str) -> bool {
    ["func", "deferwrap", "gowrap", "init"].iter().any(|start| {
        name.strip_prefix(start)
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    }) || name.bytes().all(|byte| byte.is_ascii_digit())
}

fn find(root: &Path, file: &str) -> Option<Vec<String>> {
    let text = std::fs::read(locate(root, file)?).ok()?;
    let text = String::from_utf8_lossy(&text);
    Some(text.lines().map(str::to_owned).collect())
}

/// The file at the longest end of the dump's path that exists below the root.
fn locate(root: &Path, file: &str) -> Option<PathBuf> {
    let parts: Vec<&str> = file
        .split(['/', '\\'])
        .filter(|part| !part.is_empty())
        .collect();
    (0..parts.len()).find_map(|start| {
        let relative: PathBuf = parts[start..].iter().collect();
        let plain = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let path = root.join(&relative);
        (plain && path.is_file()).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_names() {
        for (function, name) in [
            ("main.(*cache).add", "add"),
            ("main.cache.add", "add"),
            ("main.main.func1", "main"),
            ("main.init.func3.1", "init"),
            ("example.com/app/store.Open", "Open"),
            ("main.Map[...]", "Map"),
        ] {
            assert_eq!(base_name(function), name, "{function}");
        }
    }
}
