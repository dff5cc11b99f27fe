//! `cargo xtask bench trace`: what reading traces costs, against golang.org/x/exp/trace in the same
//! run, in CPU seconds (user and system), the least of several runs.

#![expect(
    clippy::disallowed_methods,
    reason = "xtask starts programs and writes files"
)]
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::{bench_page, go_program};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Sizes of the traces to make, in MiB.
    #[arg(long, value_delimiter = ',', default_values_t = [5, 100, 430])]
    sizes: Vec<u64>,
    /// How often each reader runs.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Write the figures to bench/trace.txt.
    #[arg(long)]
    write: bool,
}

/// What one run took.
#[derive(Clone, Copy)]
struct Cost {
    cpu: f64,
    wall: f64,
    /// Resident at most, in MiB.
    memory: f64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let hasher = go_program::build("tracehash")?;
    let load = go_program::build("traceload")?;
    let folder = go_program::workspace().join("target/bench-trace");
    std::fs::create_dir_all(&folder)?;
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "-p", "goward"])
        .current_dir(go_program::workspace())
        .status()?;
    ensure!(built.success(), "cargo build failed");
    let goward = go_program::workspace().join("target/release/goward");
    let (_, version) = go_program::installation()?;
    let mut report = format!(
        "Traces of {version}, CPU seconds (user + system, least of {} runs), wall seconds, MiB resident{}\n",
        arguments.runs,
        other_work()
    );
    let mut growth = String::new();
    for &size in &arguments.sizes {
        let path = folder.join(format!("load-{size}.trace"));
        if !path.is_file() {
            let status = Command::new(&load)
                .args(["-size", &(size << 20).to_string(), "-longest", "30m", "-o"])
                .arg(&path)
                .stderr(Stdio::null())
                .status()?;
            ensure!(status.success(), "traceload failed");
        }
        let bytes = std::fs::metadata(&path)?.len() as f64 / 1_048_576.0;
        let _ = writeln!(report, "\n{bytes:.1} MiB");
        let page_path = folder.join("page.html");
        let perfetto = folder.join("out.perfetto");
        let peer = least(arguments.runs, &hasher, &["-count"], &path)?;
        line(
            &mut report,
            "golang.org/x/exp/trace, events in order",
            peer,
            None,
        );
        let ordered = |threads| ["trace", "--count", "--threads", threads];
        // By turns, and more often than the others: what is compared is wall times.
        let (mut one, mut two) = (None, None);
        for _ in 0..3 * arguments.runs.max(1) {
            add(&mut one, measure(&goward, &ordered("1"), &path)?);
            add(&mut two, measure(&goward, &ordered("2"), &path)?);
        }
        let (one, two) = (one.context("no run")?, two.context("no run")?);
        line(
            &mut report,
            "goward, events in order, one thread",
            one,
            Some(peer),
        );
        line(
            &mut report,
            "goward, events in order, two threads",
            two,
            Some(peer),
        );
        let _ = writeln!(
            report,
            "  two threads take {:.2} of the wall time of one",
            two.wall / one.wall
        );
        let outputs = [
            "trace".to_owned(),
            "--html".to_owned(),
            page_path.display().to_string(),
            "--perfetto".to_owned(),
            perfetto.display().to_string(),
        ];
        let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
        let full = least(arguments.runs, &goward, &outputs, &path)?;
        line(
            &mut report,
            "goward, analysis with page and Perfetto",
            full,
            None,
        );
        let page = std::fs::metadata(&page_path)?.len() as f64 / 1_048_576.0;
        let _ = writeln!(report, "  the page has {page:.1} MiB");
        bench_page::report(&page_path, &mut report);
        let _ = writeln!(
            growth,
            "  {bytes:>6.1} MiB: {:.2} CPU ms per MiB in order, {:.1} for the analysis with its files",
            one.cpu * 1000.0 / bytes,
            full.cpu * 1000.0 / bytes
        );
    }
    let _ = writeln!(report, "\nGrowth with the size of the trace\n{growth}");
    let report = report.trim_end().to_owned() + "\n";
    print!("{report}");
    if arguments.write {
        let folder = go_program::workspace().join("bench");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("trace.txt"), &report)?;
    }
    Ok(())
}

/// What else the machine was doing, where that makes wall times useless.
fn other_work() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    match load.parse::<f64>() {
        Ok(number) if number > 0.5 => {
            format!("; others used the machine (load {load}), so wall times are no measure")
        }
        _ => String::new(),
    }
}

fn line(report: &mut String, what: &str, cost: Cost, peer: Option<Cost>) {
    // The clock of CPU time goes in hundredths of a second.
    let ratio = peer.map_or_else(String::new, |peer| match cost.cpu < 0.01 {
        true => "  too short to compare".to_owned(),
        false => format!("  {:.1} times less CPU", peer.cpu / cost.cpu),
    });
    let _ = writeln!(
        report,
        "  {what:<44} {:>7.2} s CPU {:>7.3} s wall {:>6.0} MiB{ratio}",
        cost.cpu, cost.wall, cost.memory
    );
}

fn least(runs: usize, program: &Path, arguments: &[&str], trace: &Path) -> anyhow::Result<Cost> {
    let mut best = None;
    for _ in 0..runs.max(1) {
        add(&mut best, measure(program, arguments, trace)?);
    }
    best.context("no run")
}

/// Takes the least time of each kind, and the most memory.
fn add(best: &mut Option<Cost>, cost: Cost) {
    let so_far = best.unwrap_or(cost);
    *best = Some(Cost {
        cpu: so_far.cpu.min(cost.cpu),
        wall: so_far.wall.min(cost.wall),
        memory: so_far.memory.max(cost.memory),
    });
}

/// Runs the program under GNU time.
fn measure(program: &Path, arguments: &[&str], trace: &Path) -> anyhow::Result<Cost> {
    let start = std::time::Instant::now();
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%U %S %M"])
        .arg(program)
        .args(arguments)
        .arg(trace)
        .stdout(Stdio::null())
        .output()
        .context("cannot start /usr/bin/time, which measures (Debian package time)")?;
    // GNU time has hundredths only.
    let wall = start.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&output.stderr);
    let figures: Vec<f64> = text
        .lines()
        .last()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [user, system, memory] = figures[..] else {
        anyhow::bail!("{} failed: {text}", program.display());
    };
    // goward ends with 1 where it finds something.
    ensure!(
        output.status.code().is_some_and(|code| code < 2),
        "{} failed: {text}",
        program.display()
    );
    Ok(Cost {
        cpu: user + system,
        wall,
        memory: memory / 1024.0,
    })
}
