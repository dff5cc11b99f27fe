//! Which files of Go's tests form a package, and how it is checked.

#![expect(clippy::disallowed_methods, reason = "xtask reads folders")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use goward_project::scan_header;

use crate::go_program;
use crate::oracle_parse::read;

/// Where a package comes from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Suite {
    /// The tests of go/types: mistakes are marked.
    Testdata,
    /// The tests of the compiler, of those kinds that compile.
    Test,
}

/// The files of one package.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) suite: Suite,
    /// Unique: the path of its file or folder in the Go installation, with the package's name where
    /// a folder holds several.
    pub(super) path: String,
    /// What failing lines begin with: the path of `directory` in the Go installation.
    pub(super) shown: String,
    pub(super) directory: PathBuf,
    pub(super) files: Vec<String>,
    /// The language version that it asks for, `1.17`.
    pub(super) language: Option<String>,
    pub(super) fake_import_c: bool,
    /// Import paths such as `./a` of packages of the same folder, and their `path`.
    pub(super) siblings: BTreeMap<String, String>,
}

impl Group {
    fn new(suite: Suite, root: &Path, path: &Path, directory: &Path, files: Vec<String>) -> Group {
        let relative = |path: &Path| {
            let path = path.strip_prefix(root).unwrap_or(path);
            path.to_string_lossy().into_owned()
        };
        Group {
            suite,
            path: relative(path),
            shown: relative(directory),
            directory: directory.to_owned(),
            files,
            language: None,
            fake_import_c: false,
            siblings: BTreeMap::new(),
        }
    }

    /// Takes over what flags such as `-lang=go1.17` say.
    fn set_flags(&mut self, flags: &str) {
        for flag in flags.split_whitespace() {
            if let Some(version) = flag.strip_prefix("-lang=go") {
                self.language = Some(version.to_owned());
            } else if flag == "-fakeImportC" {
                self.fake_import_c = true;
            }
        }
    }
}

/// The packages of go/types' tests: each file is one, and each folder below the four folders.
pub(super) fn testdata(root: &Path) -> anyhow::Result<Vec<Group>> {
    let folder = root.join("src/internal/types/testdata");
    let mut groups = Vec::new();
    for part in ["check", "examples", "fixedbugs", "spec"] {
        let directory = folder.join(part);
        for name in names(&directory)? {
            let path = directory.join(&name);
            let mut group = if path.is_dir() {
                let files = go_files(&path)?;
                Group::new(Suite::Testdata, root, &path, &path, files)
            } else {
                Group::new(Suite::Testdata, root, &path, &directory, vec![name])
            };
            let Some(first) = group.files.first() else {
                continue;
            };
            let first = read(&group.directory.join(first))?;
            let line = first.split(|&byte| byte == b'\n').next().unwrap_or(&[]);
            let line = String::from_utf8_lossy(line).into_owned();
            if let Some(flags) = line.strip_prefix("//")
                && flags.trim_start().starts_with('-')
            {
                group.set_flags(flags);
            }
            groups.push(group);
        }
    }
    Ok(groups)
}

/// The packages of the compiler's tests: of `// run` and its like one a file, of `// rundir` and its
/// like one a package name in the folder beside.
pub(super) fn tests(root: &Path) -> anyhow::Result<Vec<Group>> {
    let mut groups = Vec::new();
    for path in go_program::go_files(&[root.join("test")])? {
        let contents = read(&path)?;
        let Some(recipe) = recipe(&contents) else {
            continue;
        };
        let (action, flags) = recipe.split_once(' ').unwrap_or((&recipe, ""));
        let directory = path.parent().context("a file without a folder")?;
        match action {
            "run" | "compile" | "build" | "buildrun" | "runoutput" => {
                let name = path.file_name().context("a file without a name")?;
                let files = vec![name.to_string_lossy().into_owned()];
                let mut group = Group::new(Suite::Test, root, &path, directory, files);
                group.set_flags(flags);
                groups.push(group);
            }
            "rundir" | "compiledir" | "builddir" | "buildrundir" => {
                let single = flags.split_whitespace().any(|flag| flag == "-s");
                folder(
                    root,
                    &path.with_extension("dir"),
                    flags,
                    single,
                    &mut groups,
                )?;
            }
            _ => {}
        }
    }
    Ok(groups)
}

/// The first comment that is no build constraint says what is done with a test.
fn recipe(contents: &[u8]) -> Option<String> {
    for line in contents.split(|&byte| byte == b'\n').take(20) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() || line.starts_with("//go:build") || line.starts_with("// +build") {
            continue;
        }
        return Some(line.strip_prefix("//")?.trim().to_owned());
    }
    None
}

fn folder(
    root: &Path,
    directory: &Path,
    flags: &str,
    one_file_each: bool,
    groups: &mut Vec<Group>,
) -> anyhow::Result<()> {
    let mut packages: Vec<(String, Vec<String>)> = Vec::new();
    for name in go_files(directory)? {
        let package = scan_header(&read(&directory.join(&name))?).package;
        match packages.iter_mut().find(|(other, _)| *other == package) {
            Some((_, files)) if !one_file_each => files.push(name),
            _ => packages.push((package, vec![name])),
        }
    }
    // A package is imported under the name of its first file, `./a`.
    let mut siblings = BTreeMap::new();
    for (_, files) in packages {
        let stem = files[0].trim_end_matches(".go").to_owned();
        let path = directory.join(&stem);
        let mut group = Group::new(Suite::Test, root, &path, directory, files);
        group.set_flags(flags);
        group.siblings.clone_from(&siblings);
        siblings.insert(format!("./{stem}"), group.path.clone());
        siblings.insert(format!("test/{stem}"), group.path.clone());
        groups.push(group);
    }
    Ok(())
}

/// What a folder holds, sorted.
fn names(directory: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(directory)
        .with_context(|| format!("cannot read {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('#') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn go_files(directory: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = names(directory)?;
    names.retain(|name| name.ends_with(".go"));
    Ok(names)
}
