//! Projects to list, made from modules of the Go proxy in the temporary folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use super::Subject;

/// Where the projects are made.
pub(super) fn folder(name: &str) -> anyhow::Result<PathBuf> {
    let folder = crate::go_program::workspace()
        .join("target/oracle-list")
        .join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn write(folder: &Path, files: &[(&str, &str)]) -> anyhow::Result<()> {
    for (name, contents) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(&path, contents)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn go(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<()> {
    let output = Command::new("go")
        .args(arguments)
        .current_dir(folder)
        .envs(variables.iter().copied())
        .output()
        .context("cannot start go: is it on PATH?")?;
    ensure!(
        output.status.success(),
        "go {arguments:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// A module with a vendor folder: a program, an in-package test, and a few hundred packages.
pub(super) fn vendored() -> anyhow::Result<Subject> {
    let folder = folder("vendored")?;
    write(
        &folder,
        &[
            (
                "go.mod",
                "module example.com/vendored\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/prometheus/client_golang v1.25.0\n\tgolang.org/x/tools v0.52.0\n)\n",
            ),
            (
                "main.go",
                "package main\n\nimport (\n\t_ \"github.com/prometheus/client_golang/prometheus/promhttp\"\n\t_ \"golang.org/x/tools/go/packages\"\n\t_ \"golang.org/x/tools/go/ssa\"\n)\n\nfunc main() {}\n",
            ),
            (
                "main_test.go",
                "package main\n\nimport (\n\t_ \"testing\"\n\n\t_ \"github.com/prometheus/client_golang/prometheus/testutil\"\n)\n",
            ),
        ],
    )?;
    go(&folder, &["mod", "tidy"], &[])?;
    go(&folder, &["mod", "vendor"], &[])?;
    Ok(Subject::new(folder, &["./..."]))
}

/// A workspace of two modules that use each other and share dependencies at different versions.
pub(super) fn workspace() -> anyhow::Result<Subject> {
    let folder = folder("workspace")?;
    write(
        &folder,
        &[
            ("go.work", "go 1.26.0\n\nuse (\n\t./a\n\t./b\n)\n"),
            (
                "a/go.mod",
                "module example.com/workspace/a\n\ngo 1.26.0\n\nreplace example.com/workspace/b => ../b\n\nrequire (\n\tgithub.com/stretchr/testify v1.12.1\n\tgo.uber.org/zap v1.28.0\n\tgolang.org/x/sync v0.20.0\n)\n",
            ),
            (
                "a/a.go",
                "package a\n\nimport (\n\t_ \"example.com/workspace/b/inner\"\n\t_ \"go.uber.org/zap\"\n\t_ \"golang.org/x/sync/errgroup\"\n)\n",
            ),
            (
                "a/a_test.go",
                "package a_test\n\nimport (\n\t_ \"testing\"\n\n\t_ \"example.com/workspace/a\"\n\t_ \"github.com/stretchr/testify/require\"\n)\n",
            ),
            (
                "b/go.mod",
                "module example.com/workspace/b\n\ngo 1.26.0\n\nrequire (\n\tgolang.org/x/sync v0.24.0\n\tgolang.org/x/text v0.43.0\n)\n",
            ),
            (
                "b/inner/inner.go",
                "package inner\n\nimport (\n\t_ \"golang.org/x/sync/singleflight\"\n\t_ \"golang.org/x/text/language\"\n)\n",
            ),
        ],
    )?;
    for module in ["b", "a"] {
        go(&folder.join(module), &["mod", "tidy"], &[("GOWORK", "off")])?;
    }
    Ok(Subject::new(folder, &["./a/...", "./b/..."]))
}
