//! `cargo xtask bench parse`: the parser against go/parser, both over all files of the Go
//! installation from memory, on one thread, by CPU time, in one run.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use goward_syntax::{Mode, parse};

use crate::go_program;
use crate::oracle_parse::{read, write_out};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folders with Go files; without any, `src` and `test` of the Go installation.
    folders: Vec<PathBuf>,
    /// Rounds for each mode; the best one counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Do not run go/parser.
    #[arg(long)]
    alone: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (root, version) = go_program::installation()?;
    let files = if arguments.folders.is_empty() {
        go_program::go_files(&[root.join("src"), root.join("test")])?
    } else {
        go_program::go_files(&arguments.folders)?
    };
    let mut sources = Vec::new();
    for path in &files {
        let source = read(path)?;
        if parse(&source, Mode::Full).diagnostics().is_empty() {
            sources.push(source);
        }
    }
    let bytes: usize = sources.iter().map(Vec::len).sum();
    write_out(&format!(
        "{} files, {:.2} MB, best of {} rounds\n",
        sources.len(),
        bytes as f64 / 1e6,
        arguments.rounds
    ))?;
    let mut full = 0.0;
    for (name, mode) in [
        ("goward, full", Mode::Full),
        ("goward, declarations only", Mode::DeclarationsOnly),
        ("goward, imports only", Mode::ImportsOnly),
    ] {
        let mut best = u64::MAX;
        for _ in 0..arguments.rounds {
            let before = thread_nanoseconds()?;
            for source in &sources {
                std::hint::black_box(parse(source, mode));
            }
            best = best.min(thread_nanoseconds()? - before);
        }
        if mode == Mode::Full {
            full = best as f64;
        }
        report(name, bytes, best as f64)?;
    }
    if arguments.alone {
        return Ok(());
    }
    let theirs = peer(&files, sources.len(), bytes)?;
    for (name, spent) in [
        "comments, no objects",
        "no comments, no objects",
        "comments, objects",
    ]
    .into_iter()
    .zip(&theirs)
    {
        report(&format!("go/parser of {version}, {name}"), bytes, *spent)?;
    }
    let first = theirs.first().context("no figure from the Go program")?;
    write_out(&format!(
        "ratio to go/parser with comments, no objects: {:.2}\n",
        first / full
    ))
}

fn report(name: &str, bytes: usize, nanoseconds: f64) -> anyhow::Result<()> {
    write_out(&format!(
        "{name}: {:.1} ms, {:.1} MB/s\n",
        nanoseconds / 1e6,
        bytes as f64 * 1e3 / nanoseconds
    ))
}

/// The CPU time of this thread. Linux tells it in nanoseconds.
#[expect(clippy::disallowed_methods, reason = "xtask reads files")]
pub(crate) fn thread_nanoseconds() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")
        .context("this benchmark needs Linux: it reads /proc/thread-self/schedstat")?;
    let first = text.split_whitespace().next().context("empty schedstat")?;
    Ok(first.parse()?)
}

/// Runs go/parser over the same files; returns nanoseconds of CPU time for each of its modes.
#[expect(clippy::disallowed_methods, reason = "xtask starts programs")]
fn peer(files: &[PathBuf], count: usize, bytes: usize) -> anyhow::Result<Vec<f64>> {
    let program = go_program::build("bench_parse")?;
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("no input pipe")?;
    for path in files {
        input.write_all(path.as_os_str().as_encoded_bytes())?;
        input.write_all(b"\n")?;
    }
    drop(input);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the Go program failed");
    let text = String::from_utf8(output.stdout)?;
    let mut lines = text.lines();
    ensure!(
        lines.next() == Some(&format!("{count} {bytes}")),
        "go/parser accepts other files than goward: run `cargo xtask oracle-parse`"
    );
    lines.map(|line| Ok(line.parse()?)).collect()
}
