//! `cargo xtask bench check`: what `goward check` costs beside `go vet` and staticcheck, in CPU
//! seconds (user and system, children included) and in memory, all in one run.
//!
//! The peers get what they like best: a build cache in which everything is compiled. Their own
//! results of earlier runs are kept from them, as goward's are from it: staticcheck gets an empty
//! cache, and `go vet`, which keeps its results in the build cache, gets a flag that changes nothing
//! but has never been seen there.

#![expect(
    clippy::disallowed_methods,
    reason = "xtask starts programs and writes files"
)]
#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::print_stderr, reason = "says what it does")]

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::go_program::{self, workspace};
use crate::{bench_kubernetes, go_toolchain};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How often goward runs; the least counts. The peers run once.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only these parts.
    #[arg(long, value_delimiter = ',', default_values = ["std", "module", "copies", "kubernetes"])]
    parts: Vec<String>,
    /// The program to measure, instead of building it.
    #[arg(long)]
    goward: Option<PathBuf>,
    /// Write the figures of the parts to bench/check.txt.
    #[arg(long)]
    write: bool,
}

/// A module of some hundred thousand lines that services use.
const MODULE: &str = "k8s.io/client-go@v0.34.2";

/// Pinned, so that figures of different days compare.
const STATICCHECK: &str = "honnef.co/go/tools/cmd/staticcheck@v0.8.2";

/// What one run took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Seconds, user and system, children included.
    pub(crate) cpu: f64,
    /// The most that one process held, in MiB.
    pub(crate) memory: f64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let path = go_toolchain::path()?;
    let goward = match &arguments.goward {
        Some(program) => program.canonicalize().context("--goward")?,
        None => {
            let built = Command::new(env!("CARGO"))
                .args(["build", "--release", "--quiet", "-p", "goward"])
                .current_dir(workspace())
                .status()?;
            ensure!(built.success(), "cargo build failed");
            workspace().join("target/release/goward")
        }
    };
    let committed = workspace().join("bench/check.txt");
    let mut sections = sections(&std::fs::read_to_string(&committed).unwrap_or_default());
    for part in &arguments.parts {
        let text = match part.as_str() {
            "std" => {
                let (root, _) = go_program::installation()?;
                peers(
                    "GOROOT/src",
                    &root.join("src"),
                    "std",
                    &goward,
                    &path,
                    arguments,
                )?
            }
            "module" => {
                let folder = unpack(MODULE, &path)?;
                peers(MODULE, &folder, "./...", &goward, &path, arguments)?
            }
            "copies" => copies(&goward, &path, arguments)?,
            "kubernetes" => bench_kubernetes::measure(&goward, &path, arguments.runs)?,
            other => anyhow::bail!("no part is called {other}; see --help"),
        };
        let text = format!("{}{text}", machine()?);
        println!("[{part}]\n{text}");
        sections.retain(|(name, _)| name != part);
        sections.push((part.clone(), text));
    }
    if arguments.write {
        sections.sort();
        let mut file = String::from("Made by `cargo xtask bench check --write`.\n");
        for (name, text) in sections {
            let _ = write!(file, "\n[{name}]\n{text}");
        }
        std::fs::create_dir_all(workspace().join("bench"))?;
        std::fs::write(committed, file)?;
    }
    Ok(())
}

/// The sections of a committed file, by name.
fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let name = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(name) = name {
            sections.push((name.to_owned(), String::new()));
        } else if let Some((_, section)) = sections.last_mut()
            && !line.is_empty()
        {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

/// When and where, for who reads the figures later.
fn machine() -> anyhow::Result<String> {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output()?;
    let date = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (_, go) = go_program::installation()?;
    Ok(format!("{date}, {model}, {cores} cores, {go}\n"))
}

/// goward beside its peers on one tree.
fn peers(
    name: &str,
    folder: &Path,
    pattern: &str,
    goward: &Path,
    path: &OsStr,
    arguments: &Arguments,
) -> anyhow::Result<String> {
    let staticcheck = staticcheck(path)?;
    eprintln!("xtask: compiling {name} and its tests for the peers");
    let status = Command::new("go")
        .args(["list", "-export", "-deps", "-test", "-e", pattern])
        .current_dir(folder)
        .env("PATH", path)
        .env("GOTOOLCHAIN", "local")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        eprintln!("xtask: some tests of {name} do not compile");
    }
    let empty = workspace().join("target/bench-check/staticcheck-cache");
    let mut text = String::new();
    let unseen = format!("-printf.funcs=unseen{}", std::process::id());
    eprintln!("xtask: go vet");
    let vet = cost(
        Command::new("/usr/bin/time"),
        OsStr::new("go"),
        &["vet", &unseen, pattern],
        folder,
        path,
    )?;
    // Once, so that what is compiled for staticcheck alone is there.
    eprintln!("xtask: staticcheck");
    let mut peer = Cost::default();
    for _ in 0..2 {
        let _ = std::fs::remove_dir_all(&empty);
        let mut command = Command::new("/usr/bin/time");
        command.env("STATICCHECK_CACHE", &empty);
        peer = cost(command, staticcheck.as_os_str(), &[pattern], folder, path)?;
    }
    eprintln!("xtask: goward");
    let statistics = statistics(goward, folder)?;
    let ours = least(arguments.runs, || {
        cost(
            Command::new("/usr/bin/time"),
            goward.as_os_str(),
            &[
                "check",
                "--no-cache",
                "--quiet",
                "--output-format",
                "concise",
            ],
            folder,
            path,
        )
    })?;
    let _ = writeln!(text, "{name}: {statistics}");
    for (tool, cost) in [
        ("go vet", vet),
        ("staticcheck", peer),
        ("goward check", ours),
    ] {
        let _ = writeln!(
            text,
            "  {tool:<14} {:>8.2} s CPU {:>7.0} MiB",
            cost.cpu, cost.memory
        );
    }
    let faster = if vet.cpu < peer.cpu { vet } else { peer };
    let _ = writeln!(
        text,
        "  against the faster of the two: {:.1} times less CPU (goal 10), {:.2} of its memory (goal 0.5)",
        faster.cpu / ours.cpu,
        ours.memory / faster.memory
    );
    Ok(text)
}

/// What goward says it looked at: `N packages, N files, N lines`.
fn statistics(goward: &Path, folder: &Path) -> anyhow::Result<String> {
    let output = Command::new(goward)
        .args(["check", "--no-cache", "--verbose", "--statistics"])
        .current_dir(folder)
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("goward: looked at "));
    Ok(line.context("goward says nothing of its work")?.to_owned())
}

/// Whether cost grows with the size alone: the packages of a module, once, twice and four times.
fn copies(goward: &Path, path: &OsStr, arguments: &Arguments) -> anyhow::Result<String> {
    let original = unpack(MODULE, path)?;
    let mut text = format!("copies of the packages of {MODULE}, each importing its own:\n");
    let mut first = None;
    for count in [1, 2, 4] {
        let folder = workspace().join(format!("target/bench-check/copies-{count}"));
        if !folder.join("go.mod").is_file() {
            make_copies(&original, &folder, count)?;
        }
        let statistics = statistics(goward, &folder)?;
        let ours = least(arguments.runs, || {
            cost(
                Command::new("/usr/bin/time"),
                goward.as_os_str(),
                &[
                    "check",
                    "--no-cache",
                    "--quiet",
                    "--output-format",
                    "concise",
                ],
                &folder,
                path,
            )
        })?;
        let base: Cost = *first.get_or_insert(ours);
        let _ = writeln!(
            text,
            "  {count}: {:>6.2} s CPU ({:.2} times) {:>5.0} MiB ({:.2} times); {statistics}",
            ours.cpu,
            ours.cpu / base.cpu,
            ours.memory,
            ours.memory / base.memory
        );
    }
    Ok(text)
}

fn make_copies(original: &Path, folder: &Path, count: usize) -> anyhow::Result<()> {
    eprintln!("xtask: making {count} copies in {}", folder.display());
    let module = MODULE.split('@').next().unwrap_or_default();
    for number in 0..count {
        let mut open = vec![PathBuf::new()];
        while let Some(relative) = open.pop() {
            let target = folder.join(format!("copy{number}")).join(&relative);
            std::fs::create_dir_all(&target)?;
            for entry in std::fs::read_dir(original.join(&relative))? {
                let entry = entry?;
                let name = relative.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    open.push(name);
                } else if name.extension().is_some_and(|extension| extension == "go") {
                    let source = std::fs::read_to_string(entry.path())?;
                    let own = format!("\"copies/copy{number}/");
                    let source = source.replace(&format!("\"{module}/"), &own);
                    std::fs::write(target.join(entry.file_name()), source)?;
                }
            }
        }
    }
    std::fs::copy(original.join("go.sum"), folder.join("go.sum"))?;
    let go_mod = std::fs::read_to_string(original.join("go.mod"))?;
    let go_mod = go_mod.replace(&format!("module {module}"), "module copies");
    std::fs::write(folder.join("go.mod"), go_mod)?;
    Ok(())
}

/// A module from the proxy in a folder of its own, with what it imports in the module cache.
pub(crate) fn unpack(module: &str, path: &OsStr) -> anyhow::Result<PathBuf> {
    let name = module.replace(['/', '@'], "-");
    let folder = workspace().join("target/bench-check").join(name);
    if !folder.join("go.mod").is_file() {
        let source = crate::ecosystem::download(module, path)?;
        let partial = folder.with_extension("partial");
        if partial.exists() {
            std::fs::remove_dir_all(&partial)?;
        }
        copy_tree(&source, &partial)?;
        std::fs::rename(&partial, &folder)?;
    }
    let status = Command::new("go")
        .args(["mod", "download"])
        .current_dir(&folder)
        .env("PATH", path)
        .env("GOTOOLCHAIN", "local")
        .status()?;
    ensure!(
        status.success(),
        "go mod download failed in {}",
        folder.display()
    );
    Ok(folder)
}

/// Copies files and folders; the module cache is read-only, the copy is not.
pub(crate) fn copy_tree(source: &Path, target: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(target)?;
    for entry in std::fs::read_dir(source)? {
        let entry = entry?;
        let to = target.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to)?;
        } else {
            std::fs::write(to, std::fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Installs staticcheck into the target folder.
fn staticcheck(path: &OsStr) -> anyhow::Result<PathBuf> {
    let folder = workspace().join("target/tools");
    let program = folder.join("staticcheck");
    if !program.is_file() {
        eprintln!("xtask: go install {STATICCHECK}");
        let status = Command::new("go")
            .args(["install", STATICCHECK])
            .current_dir(std::env::temp_dir())
            .env("PATH", path)
            .env("GOBIN", &folder)
            .status()?;
        ensure!(status.success(), "go install {STATICCHECK} failed");
    }
    Ok(program)
}

pub(crate) fn least(runs: usize, run: impl Fn() -> anyhow::Result<Cost>) -> anyhow::Result<Cost> {
    let mut best: Option<Cost> = None;
    for _ in 0..runs.max(1) {
        let cost = run()?;
        best = Some(match best {
            Some(best) if best.cpu <= cost.cpu => best,
            _ => cost,
        });
    }
    best.context("no run")
}

/// Runs a program under GNU time.
pub(crate) fn cost(
    mut time: Command,
    program: &OsStr,
    arguments: &[&str],
    folder: &Path,
    path: &OsStr,
) -> anyhow::Result<Cost> {
    let output = time
        .args(["-f", "%U %S %M"])
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .env("PATH", path)
        .env("GOTOOLCHAIN", "local")
        .stdout(Stdio::null())
        .output()
        .context("cannot start /usr/bin/time, which measures (Debian package time)")?;
    let text = String::from_utf8_lossy(&output.stderr);
    let figures: Vec<f64> = text
        .lines()
        .last()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [user, system, memory] = figures[..] else {
        anyhow::bail!("{} failed: {text}", program.to_string_lossy());
    };
    // All of them end with 1 where they find something.
    ensure!(
        output.status.code().is_some_and(|code| code < 2),
        "{} failed: {text}",
        program.to_string_lossy()
    );
    Ok(Cost {
        cpu: user + system,
        memory: memory / 1024.0,
    })
}
