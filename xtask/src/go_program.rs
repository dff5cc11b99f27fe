//! What the chores that compare with Go share: the small Go programs in `xtask/go`, and the list
//! of all Go files in a Go installation.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// Builds the Go program `xtask/go/NAME` and returns the path of the binary.
#[expect(clippy::disallowed_methods, reason = "xtask starts programs")]
pub(crate) fn build(name: &str) -> anyhow::Result<PathBuf> {
    let folder = workspace().join("xtask/go").join(name);
    let binary = workspace().join("target/xtask-go").join(name);
    let status = std::process::Command::new("go")
        .args(["build", "-o"])
        .arg(&binary)
        .arg(".")
        .current_dir(&folder)
        .env("GOWORK", "off")
        .env("GOTOOLCHAIN", "local")
        .status()
        .context("cannot start go; this chore needs a Go installation on PATH")?;
    ensure!(status.success(), "go build failed in {}", folder.display());
    Ok(binary)
}

/// The folder of the Go installation, and its version.
#[expect(clippy::disallowed_methods, reason = "xtask starts programs")]
pub(crate) fn installation() -> anyhow::Result<(PathBuf, String)> {
    let output = std::process::Command::new("go")
        .args(["env", "GOROOT", "GOVERSION"])
        .env("GOTOOLCHAIN", "local")
        .output()
        .context("cannot start go; this chore needs a Go installation on PATH")?;
    ensure!(output.status.success(), "go env failed");
    let text = String::from_utf8(output.stdout)?;
    let mut lines = text.lines();
    let root = PathBuf::from(lines.next().context("go env prints no GOROOT")?);
    let version = lines.next().context("go env prints no GOVERSION")?;
    Ok((root, version.to_owned()))
}

/// All files that end in `.go` below the given folders, sorted.
pub(crate) fn go_files(folders: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in folders {
        collect(folder, &mut files)?;
    }
    files.sort();
    Ok(files)
}

#[expect(clippy::disallowed_methods, reason = "xtask reads folders")]
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "go") {
            files.push(path);
        }
    }
    Ok(())
}
