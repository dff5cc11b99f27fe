//! What `goward check` costs on the largest tree that Go people know: Kubernetes, put together from
//! the modules that it is published as.

#![expect(
    clippy::disallowed_methods,
    reason = "xtask starts programs and writes files"
)]
#![expect(clippy::print_stderr, reason = "says what it does")]

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use crate::bench_check::{Cost, copy_tree, cost, least};
use crate::ecosystem::download;
use crate::go_program::workspace;

const KUBERNETES: &str = "k8s.io/kubernetes@v1.34.2";
/// The modules below `staging/` are published under versions of their own.
const STAGING: &str = "v0.34.2";
/// A package that no other imports, and a line of a body in it.
const LEAF: &str = "cmd/kubelet/kubelet.go";

pub(crate) fn measure(goward: &Path, path: &OsStr, runs: usize) -> anyhow::Result<String> {
    let folder = tree(path)?;
    let cache = workspace().join("target/bench-check/kubernetes-cache");
    let cache_text = cache.display().to_string();
    let run = |arguments: &[&str]| -> anyhow::Result<Cost> {
        let mut all = vec!["check", "--quiet", "--output-format", "concise"];
        all.extend(arguments);
        let time = Command::new("/usr/bin/time");
        cost(time, goward.as_os_str(), &all, &folder, path)
    };
    let mut text = format!("{KUBERNETES}, all packages of its main module\n");
    let mut line = |what: &str, cost: Cost, goal: (f64, f64)| {
        let _ = writeln!(
            text,
            "  {what:<48} {:>6.2} s CPU (goal {}) {:>5.0} MiB{}",
            cost.cpu,
            goal.0,
            cost.memory,
            if goal.1 > 0.0 {
                format!(" (goal {})", goal.1)
            } else {
                String::new()
            }
        );
    };
    let typed = [
        "--no-cache",
        "--config",
        "tests=false",
        "--select",
        "syntax-error",
    ];
    let typed = least(runs, || run(&typed))?;
    line("loaded and typed, without tests", typed, (2.7, 400.0));
    let cold = least(runs, || run(&["--no-cache"]))?;
    line("with tests and the default rules", cold, (20.0, 1536.0));
    let all = least(runs, || run(&["--no-cache", "--select", "all"]))?;
    line("with tests and all rules", all, (20.0, 1536.0));
    let _ = std::fs::remove_dir_all(&cache);
    let cached = ["--cache-dir", cache_text.as_str()];
    // The stamps of a tree that was just made are not trusted yet.
    std::thread::sleep(std::time::Duration::from_secs(3));
    let first = run(&cached)?;
    line(
        "with tests and default rules, kept for later",
        first,
        (20.0, 1536.0),
    );
    let again = least(runs, || run(&cached))?;
    line("nothing changed", again, (0.3, 0.0));
    let leaf = folder.join(LEAF);
    let before = std::fs::read(&leaf)?;
    let mut number = 0;
    let edited = std::cell::RefCell::new(&mut number);
    let edited = least(runs, || {
        let mut number = edited.borrow_mut();
        **number += 1;
        let mut after = before.clone();
        after.extend(format!("\nfunc edited() int {{ return {number} }}\n").bytes());
        std::fs::write(&leaf, after)?;
        run(&cached)
    })?;
    std::fs::write(&leaf, before)?;
    line("one leaf edited", edited, (0.5, 0.0));
    Ok(text)
}

/// Kubernetes with its staging modules in their places.
fn tree(path: &OsStr) -> anyhow::Result<PathBuf> {
    let folder = workspace().join("target/bench-check/kubernetes");
    if folder.join("go.mod").is_file() {
        return Ok(folder);
    }
    eprintln!("xtask: putting {KUBERNETES} together");
    let partial = folder.with_extension("partial");
    if partial.exists() {
        std::fs::remove_dir_all(&partial)?;
    }
    copy_tree(&download(KUBERNETES, path)?, &partial)?;
    let _ = std::fs::remove_dir_all(partial.join("vendor"));
    let work = std::fs::read_to_string(partial.join("go.work"))?;
    for line in work.lines() {
        if let Some(module) = line.trim().strip_prefix("./staging/src/") {
            let source = download(&format!("{module}@{STAGING}"), path)?;
            copy_tree(&source, &partial.join("staging/src").join(module))?;
        }
    }
    let status = Command::new("go")
        .args(["mod", "download"])
        .current_dir(&partial)
        .env("PATH", path)
        .env("GOTOOLCHAIN", "local")
        .status()?;
    ensure!(status.success(), "go mod download failed");
    std::fs::rename(&partial, &folder)?;
    Ok(folder)
}
