//! Builds and runs the Go program that lists map operations, and reads what it found.

#![expect(
    clippy::disallowed_methods,
    reason = "the lab writes and builds a Go program in a temporary folder"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use crate::lab::process::Program;
use crate::lab::text;
use crate::lab::toolchain::Toolchain;
use crate::lab::workspace::Workspace;

/// A compilation that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(900);

const SOURCES: [(&str, &str); 2] = [
    ("main.go", include_str!("mapops/main.go")),
    ("runtime.go", include_str!("mapops/runtime.go")),
];

/// What the Go program prints.
#[derive(Debug, Deserialize)]
pub(crate) struct Survey {
    pub(crate) packages: Vec<String>,
    pub(crate) operations: Vec<Operation>,
    /// The map functions of the runtime by name, such as `runtime.mapassign_faststr`.
    #[serde(default)]
    pub(crate) runtime: Option<BTreeMap<String, RuntimeFunction>>,
    /// What did not parse or type-check.
    pub(crate) problems: Vec<String>,
    /// The compiler's listing.
    #[serde(skip)]
    pub(crate) assembly: String,
}

/// A map operation of the source.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Operation {
    pub(crate) package: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The line on which the operation ends.
    pub(crate) last_line: u32,
    /// The declared function that it stands in, such as `(*Cache).Put`; empty outside of functions.
    pub(crate) function: String,
    pub(crate) operation: String,
    pub(crate) expression: String,
    pub(crate) map_type: String,
    /// The name of the map type where it has one, such as `http.Header`; else as `map_type`.
    pub(crate) declared_type: String,
    pub(crate) key_type: String,
    pub(crate) element_type: String,
    /// Whether it is a loop that does nothing but delete every key.
    pub(crate) clear_loop: bool,
    /// Whether it stands in a function with type parameters.
    pub(crate) generic: bool,
}

/// A function of the runtime.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RuntimeFunction {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) checks: Vec<Check>,
}

/// A check that the runtime makes on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Check {
    /// `nil` or `concurrency`.
    pub(crate) kind: String,
    /// What the program sees of it.
    pub(crate) effect: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// Lists the map operations of packages, compiled for an architecture (`None`: that of the toolchain).
/// Relative patterns are taken from `folder`.
pub(crate) fn survey(
    toolchain: &Toolchain,
    workspace: &Workspace,
    folder: &Path,
    patterns: &[String],
    architecture: Option<&str>,
) -> anyhow::Result<Survey> {
    let program = build(toolchain, workspace)?;
    let listing = workspace.path().join("assembly.s");
    let mut run = Program::new(&program)
        .arguments([toolchain.go.as_os_str(), listing.as_os_str()])
        .arguments(patterns)
        .folder(folder)
        .set("GOTOOLCHAIN", "local");
    if let Some(architecture) = architecture {
        run = run.set("GOARCH", architecture);
    }
    // The listing of facts is longer than what a program usually prints.
    let output = workspace.path().join("survey.json");
    let finished = run
        .output_to(&output)?
        .run(LIMIT)
        .context("cannot start the program that lists map operations")?;
    if !finished.success() {
        let said: Vec<String> = finished
            .stderr
            .lines()
            .take(20)
            .map(text::visible)
            .collect();
        ensure!(
            !said.is_empty(),
            "listing the map operations failed: {}",
            finished.describe()
        );
        anyhow::bail!("Go cannot build it:\n{}", said.join("\n"));
    }
    let text = fs::read_to_string(&output).context("cannot read the list of map operations")?;
    let mut survey: Survey =
        serde_json::from_str(&text).context("cannot read the list of map operations")?;
    let bytes = fs::read(&listing).context("cannot read the compiler's listing")?;
    survey.assembly = String::from_utf8_lossy(&bytes).into_owned();
    Ok(survey)
}

/// Builds the Go program, once a workspace.
fn build(toolchain: &Toolchain, workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let folder = workspace.path().join("mapops");
    let program = workspace
        .path()
        .join(format!("mapops-program{}", std::env::consts::EXE_SUFFIX));
    if program.exists() {
        return Ok(program);
    }
    fs::create_dir_all(&folder)
        .context("cannot make a folder for the program that lists map operations")?;
    for (name, source) in SOURCES {
        fs::write(folder.join(name), source).with_context(|| format!("cannot write {name}"))?;
    }
    let finished = toolchain
        .command(["build", "-trimpath", "-o"])
        .arguments([&program])
        .arguments(["./mapops"])
        .folder(workspace.path())
        .run(LIMIT)
        .context("cannot start `go build`")?;
    ensure!(
        finished.success(),
        "{} cannot build the program that lists map operations: {}",
        toolchain.facts.version,
        text::visible(
            finished
                .stderr
                .lines()
                .nth(1)
                .or(finished.stderr.lines().next())
                .unwrap_or_default()
        )
    );
    Ok(program)
}
