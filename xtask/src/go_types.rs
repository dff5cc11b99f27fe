//! The Go program `xtask/go/oracle` on packages that we name: what it reads on standard input, and
//! what it says.

#![expect(clippy::disallowed_methods, reason = "xtask starts programs")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use goward_project::{ImportTarget, PackageIndex, Workspace};

use crate::go_program;

/// A package for go/types, in the form in which `go list -json` describes one.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed {
    pub(crate) import_path: String,
    pub(crate) dir: String,
    pub(crate) compiled_go_files: Vec<String>,
    /// What import paths in its files stand for, where that is something else.
    pub(crate) import_map: BTreeMap<String, String>,
    pub(crate) module: Option<ListedModule>,
    /// Names behind `C.` are accepted as they come.
    pub(crate) fake_import_c: bool,
    /// Print no facts.
    pub(crate) silent: bool,
}

/// The part of a module that go/types needs.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListedModule {
    /// The language version, `1.21`.
    pub(crate) go_version: String,
}

impl Listed {
    /// A package of a workspace.
    pub(crate) fn from_workspace(workspace: &Workspace, index: PackageIndex) -> Listed {
        let source = workspace.package(index);
        let mut import_map = BTreeMap::new();
        for import in &source.imports {
            if let ImportTarget::Package(target) = import.target {
                let path = &workspace.package(target).import_path;
                if **path != *import.path {
                    import_map.insert(import.path.to_string(), path.to_string());
                }
            }
        }
        let module = source.module.map(|module| ListedModule {
            go_version: workspace.modules[module.0 as usize].go_version.to_string(),
        });
        Listed {
            import_path: source.import_path.to_string(),
            compiled_go_files: source
                .files
                .iter()
                .map(|file| file.path.display().to_string())
                .collect(),
            import_map,
            module,
            ..Listed::default()
        }
    }
}

/// Runs the program with `flags` over `packages`, in this order, on one thread. Hands each package
/// that is not silent to `each`, with its facts (and its errors, as facts of kind `E`); returns what
/// the program says at the end.
pub(crate) fn run(
    packages: &[Listed],
    flags: &[&str],
    mut each: impl FnMut(String, Vec<String>),
) -> anyhow::Result<String> {
    let binary = go_program::build("oracle")?;
    let mut child = Command::new(binary)
        .arg("-stdin")
        .args(flags)
        .env("GOMAXPROCS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = BufWriter::new(child.stdin.take().context("no input pipe")?);
    for package in packages {
        serde_json::to_writer(&mut input, package)?;
    }
    input.flush()?;
    drop(input);
    let errors = child.stderr.take().context("no error pipe")?;
    let errors = std::thread::spawn(move || std::io::read_to_string(errors));
    let reader = BufReader::with_capacity(1 << 20, child.stdout.take().context("no output")?);
    let mut current: Option<(String, Vec<String>)> = None;
    for line in reader.lines() {
        let line = line?;
        if let Some(path) = line.strip_prefix("= ") {
            if let Some((path, facts)) = current.replace((path.to_owned(), Vec::new())) {
                each(path, facts);
            }
        } else if let Some((_, facts)) = &mut current {
            facts.push(line);
        }
    }
    if let Some((path, facts)) = current {
        each(path, facts);
    }
    let said = errors
        .join()
        .ok()
        .context("reading what the Go program says failed")??;
    ensure!(child.wait()?.success(), "the Go program failed: {said}");
    Ok(said)
}
