//! `cargo xtask test`: every test there is, in Rust and in Go.

#![expect(clippy::disallowed_methods, reason = "xtask starts programs")]
#![expect(clippy::print_stderr, reason = "says what it does")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::go_program::workspace;
use crate::go_toolchain;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Also run what takes longer than the default suite may: tests marked `ignore`.
    #[arg(long)]
    slow: bool,
}

/// How often Go notices two goroutines at one map depends on what else the processors do, so this test
/// runs alone.
const RATES: &str = "go_does_what_the_committed_results_say";

/// Folders with Go modules whose tests belong to the default suite.
const GO_FOLDERS: [&str; 2] = ["runtime", "examples"];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let path = go_toolchain::path()?;
    let mut tests = Command::new(env!("CARGO"));
    tests.args(["test", "--workspace"]);
    if arguments.slow {
        tests.args(["--", "--include-ignored", "--skip", RATES]);
        // Builds what fixes leave: see goward_rules/src/fixed_builds.rs.
        tests.env("GOWARD_BUILD_FIXES", "1");
    }
    let mut failed = Vec::new();
    if !succeeds(
        tests.current_dir(workspace()).env("PATH", &path),
        "cargo test",
    )? {
        failed.push("cargo test".to_owned());
    }
    if arguments.slow {
        let mut rates = Command::new(env!("CARGO"));
        rates.args(["test", "-p", "goward", "--test", "lab", "--"]);
        rates.args(["--ignored", "--exact", RATES]);
        rates.current_dir(workspace()).env("PATH", &path);
        if !succeeds(&mut rates, RATES)? {
            failed.push(RATES.to_owned());
        }
    }
    for module in go_modules()? {
        for command in ["vet", "test"] {
            let folder = module
                .strip_prefix(workspace())
                .unwrap_or(&module)
                .display();
            let name = format!("go {command} ./... (in {folder})");
            let mut go = Command::new("go");
            go.args([command, "./..."]).current_dir(&module);
            go.env("PATH", &path)
                .env("GOTOOLCHAIN", "local")
                .env("GOWORK", "off");
            if !succeeds(&mut go, &name)? {
                failed.push(name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn succeeds(command: &mut Command, name: &str) -> anyhow::Result<bool> {
    eprintln!("xtask: {name}");
    let status = command
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    Ok(status.success())
}

/// Every folder with a go.mod below [`GO_FOLDERS`].
fn go_modules() -> anyhow::Result<Vec<PathBuf>> {
    let mut modules = Vec::new();
    for folder in GO_FOLDERS {
        collect(&workspace().join(folder), &mut modules)?;
    }
    modules.sort();
    Ok(modules)
}

fn collect(folder: &Path, modules: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    if folder.join("go.mod").is_file() {
        modules.push(folder.to_owned());
    }
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.file_name() != "testdata" {
            collect(&entry.path(), modules)?;
        }
    }
    Ok(())
}
