//! `goward lab maps`: which map is fastest on the reader's machine, for which mix of operations.
//!
//! The measuring is done by a Go program of the repository (`runtime/mapbench`), which is embedded,
//! written into a temporary folder and built with the reader's Go. Other people's maps come through
//! the Go module proxy; where it cannot be reached they are left out, and the report says so.

#![expect(
    clippy::disallowed_methods,
    reason = "the lab writes and builds a Go program in a temporary folder"
)]

pub(crate) mod chart;
pub(crate) mod report;
pub(crate) mod summary;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use super::embedded;
use super::process::Program;
use super::text;
use super::toolchain::Toolchain;
use super::workspace::Workspace;

const BUILD_LIMIT: Duration = Duration::from_secs(600);

/// The mixes of operations, as `runtime/mapbench` names them: the share of reads in percent, after
/// `churn-` with inserts and deletes instead of overwrites.
pub(crate) const MIXES: [&str; 8] = [
    "read-100", "read-99", "read-90", "read-50", "read-0", "churn-90", "churn-50", "churn-0",
];

/// What to measure.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) mixes: Vec<String>,
    pub(crate) sizes: Vec<u32>,
    pub(crate) goroutines: Vec<u32>,
    pub(crate) keys: Vec<String>,
    pub(crate) rounds: u32,
    pub(crate) operations: u32,
    pub(crate) peers: bool,
}

/// A whole benchmark.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Benchmark {
    pub(crate) schema: u32,
    pub(crate) go: String,
    pub(crate) os: String,
    pub(crate) arch: String,
    pub(crate) processors: u32,
    /// Why other people's maps were not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) no_peers: Option<String>,
    pub(crate) maps: Vec<String>,
    pub(crate) cells: Vec<Cell>,
}

/// One map under one load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) map: String,
    pub(crate) mix: String,
    pub(crate) loads_percent: u32,
    pub(crate) stores_percent: u32,
    pub(crate) deletes_percent: u32,
    /// `int` or `string`.
    pub(crate) key: String,
    /// Entries.
    pub(crate) size: u32,
    pub(crate) goroutines: u32,
    pub(crate) operations: u64,
    pub(crate) rounds: u32,
    /// Processor time (user and system) per operation in nanoseconds, of the fastest round.
    pub(crate) cpu_ns_per_operation: f64,
    /// Wall time per operation in nanoseconds, of the fastest round.
    pub(crate) wall_ns_per_operation: f64,
}

/// The first line that the Go program prints.
#[derive(Deserialize)]
struct Environment {
    go: String,
    os: String,
    arch: String,
    processors: u32,
    maps: Vec<String>,
}

pub(crate) fn measure(
    toolchain: &Toolchain,
    workspace: &Workspace,
    plan: &Plan,
    limit: Duration,
) -> anyhow::Result<Benchmark> {
    let (program, no_peers) = build(toolchain, workspace, plan.peers)?;
    let mut benchmark = Benchmark {
        schema: 1,
        go: toolchain.facts.version.clone(),
        os: toolchain.facts.os.clone(),
        arch: toolchain.facts.arch.clone(),
        processors: 0,
        no_peers,
        maps: Vec::new(),
        cells: Vec::new(),
    };
    let portions = plan.keys.len() * plan.sizes.len() * plan.mixes.len();
    let progress = ProgressBar::new(portions as u64);
    progress.set_style(
        ProgressStyle::with_template("measuring {bar:30} {pos}/{len} {elapsed} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    for key in &plan.keys {
        for size in &plan.sizes {
            for mix in &plan.mixes {
                progress.set_message(format!("{mix}, {size} entries, {key} keys"));
                portion(
                    &program,
                    workspace.path(),
                    plan,
                    (key, *size, mix),
                    limit,
                    &mut benchmark,
                )?;
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    ensure!(
        !benchmark.cells.is_empty(),
        "the benchmark printed no figures"
    );
    Ok(benchmark)
}

/// Runs the Go program for one key type, size and mix, and adds its figures.
fn portion(
    program: &Path,
    folder: &Path,
    plan: &Plan,
    (key, size, mix): (&str, u32, &str),
    limit: Duration,
    benchmark: &mut Benchmark,
) -> anyhow::Result<()> {
    let mut arguments: Vec<String> = ["-keys", key, "-mixes", mix].map(str::to_owned).to_vec();
    for (name, value) in [
        ("-sizes", size),
        ("-rounds", plan.rounds),
        ("-operations", plan.operations),
    ] {
        arguments.extend([name.to_owned(), value.to_string()]);
    }
    if !plan.goroutines.is_empty() {
        let list: Vec<String> = plan.goroutines.iter().map(u32::to_string).collect();
        arguments.extend(["-goroutines".to_owned(), list.join(",")]);
    }
    let finished = Program::new(program)
        .arguments(&arguments)
        .folder(folder)
        .unset("GODEBUG")
        .unset("GOGC")
        .unset("GOMEMLIMIT")
        .run(limit)
        .context("the benchmark does not start")?;
    ensure!(
        finished.success(),
        "the benchmark failed at {mix} with {size} entries: {}{}",
        finished.describe(),
        finished
            .stderr
            .lines()
            .next()
            .map(|line| format!(": {}", text::visible(line)))
            .unwrap_or_default()
    );
    let mut lines = finished.stdout.lines();
    let environment: Environment = serde_json::from_str(lines.next().unwrap_or_default())
        .context("the benchmark prints no figures")?;
    benchmark.go = environment.go;
    benchmark.os = environment.os;
    benchmark.arch = environment.arch;
    benchmark.processors = environment.processors;
    benchmark.maps = environment.maps;
    for line in lines {
        benchmark
            .cells
            .push(serde_json::from_str(line).context("the benchmark prints damaged figures")?);
    }
    Ok(())
}

/// Builds the Go program, with other people's maps if they can be had.
fn build(
    toolchain: &Toolchain,
    workspace: &Workspace,
    peers: bool,
) -> anyhow::Result<(PathBuf, Option<String>)> {
    let runtime = workspace.path().join("runtime");
    let write = |path: PathBuf, text: &str| {
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text))
    };
    let written = write(
        runtime.join("go.mod"),
        include_str!("../../../../../runtime/go.mod"),
    )
    .and_then(|()| {
        embedded::RUNTIME
            .iter()
            .try_for_each(|(name, text)| write(runtime.join("safemap").join(name), text))
    })
    .and_then(|()| {
        embedded::MAPBENCH
            .iter()
            .try_for_each(|(name, text)| write(runtime.join("mapbench").join(name), text))
    });
    written.context("cannot write the benchmark")?;
    let folder = runtime.join("mapbench");
    let program = workspace
        .path()
        .join(format!("mapbench-program{}", std::env::consts::EXE_SUFFIX));
    let compile = |tags: &[&str]| -> anyhow::Result<Result<(), String>> {
        let finished = toolchain
            .command(["build", "-trimpath"])
            .arguments(tags)
            .arguments(["-o"])
            .arguments([&program])
            .arguments(["."])
            .folder(&folder)
            .run(BUILD_LIMIT)
            .context("cannot start `go build`")?;
        if finished.success() {
            return Ok(Ok(()));
        }
        let said = finished.stderr.lines().map(str::trim).find(|line| {
            !line.is_empty() && !line.starts_with('#') && !line.starts_with("go: downloading")
        });
        Ok(Err(text::visible(
            said.unwrap_or("go build failed and said nothing"),
        )))
    };
    if !peers {
        compile(&[])?.map_err(|said| anyhow::anyhow!("the benchmark does not build: {said}"))?;
        return Ok((program, Some("not asked for".to_owned())));
    }
    match compile(&["-tags=peers"])? {
        Ok(()) => Ok((program, None)),
        Err(reason) => {
            // The other maps are what needs the network; without them the rest still says a lot.
            let (go_mod, go_sum) = (folder.join("go.mod"), folder.join("go.sum"));
            let text =
                fs::read_to_string(&go_mod).context("cannot read the go.mod of the benchmark")?;
            let alone: Vec<&str> = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("github.com/"))
                .collect();
            fs::write(&go_mod, alone.join("\n") + "\n")
                .context("cannot write the go.mod of the benchmark")?;
            _ = fs::remove_file(go_sum);
            compile(&[])?
                .map_err(|said| anyhow::anyhow!("the benchmark does not build: {said}"))?;
            Ok((program, Some(reason)))
        }
    }
}
