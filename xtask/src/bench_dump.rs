//! `cargo xtask bench dump` and `bench profile`: our readers against panicparse and `go tool
//! pprof`, in CPU seconds (user and system) of whole processes, the least of several runs.
//!
//! The dump is what a Go program with 100,000 goroutines prints when it panics; the profile is
//! synthetic: many stacks of 20,000 functions, each sample with a label of its own.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark runs programs and prints figures"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::go_program;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The size: goroutines of the dump, or samples of the profile.
    #[arg(long)]
    size: Option<usize>,
    /// How often each program runs.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Leave the peer out: it takes minutes on a large profile.
    #[arg(long)]
    without_peer: bool,
    /// Write the figures to bench/dump.txt or bench/profile.txt.
    #[arg(long)]
    write: bool,
}

const CRASHING: &str = r#"package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

type server struct {
	mu   sync.Mutex
	jobs chan int
}

func (s *server) handle(n int) {
	switch n % 4 {
	case 0:
		s.mu.Lock()
	case 1:
		<-s.jobs
	case 2:
		select {
		case <-s.jobs:
		case <-time.After(time.Hour):
		}
	case 3:
		s.work(n % 7)
	}
}

func (s *server) work(depth int) {
	if depth == 0 {
		time.Sleep(time.Hour)
	}
	s.work(depth - 1)
	_ = depth
}

func main() {
	debug.SetTraceback("all")
	n, _ := strconv.Atoi(os.Args[1])
	s := &server{jobs: make(chan int)}
	s.mu.Lock()
	for i := 0; i < n; i++ {
		go s.handle(i)
	}
	time.Sleep(time.Duration(1+n/20000) * time.Second)
	panic("enough")
}
"#;

/// Measures the dump reader.
pub(crate) fn dump(arguments: &Arguments) -> anyhow::Result<()> {
    let goward = build()?;
    let scratch = std::env::temp_dir().join("goward-bench-dump");
    std::fs::create_dir_all(&scratch)?;
    std::fs::write(scratch.join("main.go"), CRASHING)?;
    std::fs::write(scratch.join("go.mod"), "module crashing\n\ngo 1.21\n")?;
    run(Command::new("go")
        .args(["build", "-o", "crashing", "."])
        .current_dir(&scratch))?;
    let size = arguments.size.unwrap_or(100_000);
    let output = Command::new(scratch.join("crashing"))
        .arg(size.to_string())
        .output()?;
    let file = scratch.join("dump.txt");
    std::fs::write(&file, &output.stderr)?;
    let mut report = format!(
        "CPU seconds (user + system), least of {} runs\n\ndump of {size} goroutines, {:.1} MB\n",
        arguments.runs,
        output.stderr.len() as f64 / 1e6
    );
    let ours = least(arguments.runs, || {
        Command::new(&goward)
            .args(["crash"])
            .arg(&file)
            .stdout(Stdio::null())
            .status()
    })?;
    let _ = writeln!(report, "goward crash       {ours:.2} s");
    if arguments.without_peer {
        return finish(arguments, "dump.txt", &report);
    }
    run(Command::new("go")
        .args(["install", "github.com/maruel/panicparse/v2/cmd/pp@v2.5.0"])
        .env("GOBIN", &scratch))?;
    let peer = least(arguments.runs, || {
        Command::new(scratch.join("pp"))
            .stdin(std::fs::File::open(&file)?)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    })?;
    let _ = writeln!(
        report,
        "panicparse 2.5.0   {peer:.2} s, {:.1} times as much",
        peer / ours
    );
    finish(arguments, "dump.txt", &report)
}

/// Measures the profile reader.
pub(crate) fn profile(arguments: &Arguments) -> anyhow::Result<()> {
    let goward = build()?;
    let file = std::env::temp_dir().join("goward-bench-profile.pb");
    let bytes = synthetic(arguments.size.unwrap_or(600_000));
    std::fs::write(&file, &bytes)?;
    let mut report = format!(
        "CPU seconds (user + system), least of {} runs\n\nsynthetic goroutine profile, {:.1} MB\n",
        arguments.runs,
        bytes.len() as f64 / 1e6
    );
    let ours = least(arguments.runs, || {
        Command::new(&goward)
            .arg("profile")
            .arg(&file)
            .stdout(Stdio::null())
            .status()
    })?;
    let _ = writeln!(report, "goward profile       {ours:.2} s");
    if arguments.without_peer {
        return finish(arguments, "profile.txt", &report);
    }
    let peer = least(1, || {
        Command::new("go")
            .args(["tool", "pprof", "-top"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    })?;
    let _ = writeln!(
        report,
        "go tool pprof -top   {peer:.2} s, {:.1} times as much",
        peer / ours
    );
    finish(arguments, "profile.txt", &report)
}

fn finish(arguments: &Arguments, file: &str, report: &str) -> anyhow::Result<()> {
    print!("{report}");
    if arguments.write {
        let folder = go_program::workspace().join("bench");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(file), report)?;
    }
    Ok(())
}

fn build() -> anyhow::Result<std::path::PathBuf> {
    run(Command::new("cargo").args(["build", "--release", "-p", "goward"]))?;
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    Ok(Path::new(&target).join("release/goward"))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    anyhow::ensure!(status.success(), "{command:?} failed");
    Ok(())
}

/// The least CPU time of several runs of a program, in seconds.
fn least(
    runs: usize,
    mut start: impl FnMut() -> std::io::Result<std::process::ExitStatus>,
) -> anyhow::Result<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..runs.max(1) {
        let before = of_children()?;
        let status = start()?;
        anyhow::ensure!(
            status.code().is_some_and(|code| code < 2),
            "a program ended with {status}"
        );
        best = best.min(of_children()? - before);
    }
    Ok(best.max(0.01))
}

/// User and system time of all children that ended, in seconds: Linux counts them in hundredths
/// in /proc.
fn of_children() -> anyhow::Result<f64> {
    let text =
        std::fs::read_to_string("/proc/self/stat").context("CPU time is measured on Linux only")?;
    let fields: Vec<&str> = text
        .rsplit_once(") ")
        .map_or("", |(_, rest)| rest)
        .split(' ')
        .collect();
    let ticks = |at: usize| -> anyhow::Result<f64> {
        Ok(fields
            .get(at)
            .context("/proc/self/stat is too short")?
            .parse()?)
    };
    Ok((ticks(13)? + ticks(14)?) / 100.0)
}

/// A goroutine profile of 20,000 functions with as many samples as wanted, one label each.
fn synthetic(samples: usize) -> Vec<u8> {
    const FUNCTIONS: usize = 20_000;
    let mut out = Vec::new();
    let mut strings: Vec<String> = ["", "goroutine", "count", "key", "main.go"]
        .map(str::to_owned)
        .to_vec();
    let mut value = Vec::new();
    number(&mut value, 1, 1);
    number(&mut value, 2, 2);
    field(&mut out, 1, &value);
    for id in 1..=FUNCTIONS {
        let (mut function, mut location, mut line) = (Vec::new(), Vec::new(), Vec::new());
        number(&mut function, 1, id);
        number(&mut function, 2, strings.len());
        number(&mut function, 4, 4);
        strings.push(format!("example.com/app/pkg{}.Function{id}", id % 97));
        field(&mut out, 5, &function);
        number(&mut line, 1, id);
        number(&mut line, 2, id % 1000);
        number(&mut location, 1, id);
        field(&mut location, 4, &line);
        field(&mut out, 4, &location);
    }
    for sample in 0..samples {
        let (mut message, mut label) = (Vec::new(), Vec::new());
        for depth in 0..12 {
            number(&mut message, 1, 1 + (sample * 31 + depth * 977) % FUNCTIONS);
        }
        number(&mut message, 2, 1 + sample % 3);
        number(&mut label, 1, 3);
        number(&mut label, 2, strings.len());
        strings.push(format!("request-{sample}"));
        field(&mut message, 3, &label);
        field(&mut out, 2, &message);
    }
    for text in &strings {
        field(&mut out, 6, text.as_bytes());
    }
    out
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: usize, value: usize) {
    varint(out, field << 3);
    varint(out, value);
}

fn field(out: &mut Vec<u8>, number: usize, content: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, content.len());
    out.extend_from_slice(content);
}
