//! `cargo xtask ecosystem`: what `goward check` finds in other people's modules, at pinned versions.
//!
//! The findings are committed, so that a change of a rule shows what it does to real code: in the
//! diff of `bench/ecosystem.txt`, and on the terminal as lines that came and went.

#![expect(clippy::disallowed_methods, reason = "xtask starts programs")]
#![expect(clippy::print_stdout, reason = "the differences are the output")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::go_program::workspace;
use crate::go_toolchain;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write the findings to bench/ecosystem.txt.
    #[arg(long)]
    write: bool,
    /// Only the modules whose path contains this.
    filter: Option<String>,
}

/// Modules of different size and style, pinned.
const MODULES: [&str; 12] = [
    "github.com/dgraph-io/ristretto/v2@v2.2.0",
    "github.com/fsnotify/fsnotify@v1.9.0",
    "github.com/gin-gonic/gin@v1.10.1",
    "github.com/go-chi/chi/v5@v5.2.1",
    "github.com/gorilla/websocket@v1.5.3",
    "github.com/hashicorp/memberlist@v0.5.3",
    "github.com/nats-io/nats.go@v1.42.0",
    "github.com/patrickmn/go-cache@v2.1.0+incompatible",
    "github.com/prometheus/client_golang@v1.22.0",
    "github.com/redis/go-redis/v9@v9.8.0",
    "github.com/spf13/cobra@v1.9.1",
    "google.golang.org/grpc@v1.72.0",
];

/// What `go mod download -json` prints, as far as it matters.
#[derive(Deserialize)]
struct Download {
    #[serde(rename = "Dir")]
    dir: Option<PathBuf>,
    #[serde(rename = "Error")]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Finding {
    rule: String,
    file: String,
    line: u32,
    function: String,
    message: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let path = go_toolchain::path()?;
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--package", "goward"])
        .current_dir(workspace())
        .status()?;
    ensure!(status.success(), "goward does not build");
    let goward = workspace().join("target/release/goward");
    let wanted = |module: &&str| {
        arguments
            .filter
            .as_ref()
            .is_none_or(|filter| module.contains(filter.as_str()))
    };
    let modules: Vec<&str> = MODULES.into_iter().filter(wanted).collect();
    ensure!(!modules.is_empty(), "no module's path contains the filter");
    let mut lines = BTreeSet::new();
    for module in &modules {
        let folder = download(module, &path)?;
        download_imported(&folder, &path);
        let findings = check(&goward, &folder).with_context(|| format!("in {module}"))?;
        println!("{module}: {} findings", findings.len());
        lines.extend(findings.into_iter().map(|finding| line(module, &finding)));
    }
    let committed_file = workspace().join("bench/ecosystem.txt");
    let committed = std::fs::read_to_string(&committed_file).unwrap_or_default();
    let before: BTreeSet<String> = committed.lines().map(str::to_owned).collect();
    // With a filter, the other modules' lines are neither gone nor to be lost.
    let of_these = |line: &&String| {
        modules
            .iter()
            .any(|module| line.starts_with(&format!("{module}\t")))
    };
    for gone in before
        .iter()
        .filter(of_these)
        .filter(|line| !lines.contains(*line))
    {
        println!("- {gone}");
    }
    for new in lines.difference(&before) {
        println!("+ {new}");
    }
    if arguments.write {
        lines.extend(before.iter().filter(|line| !of_these(line)).cloned());
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::create_dir_all(workspace().join("bench"))?;
        std::fs::write(committed_file, text)?;
    }
    Ok(())
}

fn line(module: &str, finding: &Finding) -> String {
    let Finding {
        rule,
        file,
        line,
        function,
        message,
    } = finding;
    let text = format!("{module}\t{file}:{line}\t{function}\t{rule}\t{message}");
    goward_diagnostics::neutralise_lines(&text).replace('\n', " ")
}

/// Gets what a module imports: what is missing is unknown, so that findings would depend on what the
/// machine happens to have. Modules that no longer load are checked with what there is.
fn download_imported(folder: &Path, path: &std::ffi::OsStr) {
    if !folder.join("go.mod").is_file() {
        return;
    }
    let status = Command::new("go")
        .args(["mod", "download"])
        .current_dir(folder)
        .env("PATH", path)
        .env("GOTOOLCHAIN", "local")
        .status();
    if !status.is_ok_and(|status| status.success()) {
        println!("go mod download failed in {}", folder.display());
    }
}

/// The folder of a module in the module cache.
pub(crate) fn download(module: &str, path: &std::ffi::OsStr) -> anyhow::Result<PathBuf> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", module])
        .current_dir(std::env::temp_dir())
        .env("PATH", path)
        .env("GOTOOLCHAIN", "local")
        .output()
        .context("cannot start go")?;
    let download: Download = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    download.dir.with_context(|| {
        format!(
            "cannot download {module}: {}",
            download.error.unwrap_or_default()
        )
    })
}

fn check(goward: &Path, folder: &Path) -> anyhow::Result<Vec<Finding>> {
    let output = Command::new(goward)
        .args(["check", "--output-format", "json", "--no-cache"])
        .current_dir(folder)
        .output()?;
    ensure!(
        matches!(output.status.code(), Some(0 | 1)),
        "goward failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}
