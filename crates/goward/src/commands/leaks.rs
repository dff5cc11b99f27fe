//! `goward leaks`: finds goroutines that pile up.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use goward_trace::leaks::gctrace::{Cycle, convergence};
use goward_trace::leaks::{Group, History, Snapshot, Verdict, analyse, graph, rank};

use crate::external;
use crate::files;
use crate::forensics::hazards::{Hazards, Sighting, symptom_of};
use crate::forensics::http::Address;
use crate::forensics::leak_source::frame;
use crate::forensics::leaks_view::{self, View};
use crate::forensics::snapshots::{self, Source};
use crate::forensics::source::Sources;
use crate::forensics::test_leaks;

/// Find goroutine leaks in profiles, listings and dumps over time.
///
/// Sources are goroutine profiles (pb.gz, debug=1, debug=2), crash dumps, bundles of blackbox,
/// folders of these, GODEBUG=gctrace=1 logs, or the address of a running program
/// (http://HOST:PORT/debug/pprof). Files are taken in the order given, folders by name. Exit code 1
/// means that a group of goroutines grows.
///
/// `goward leaks test -- go test ./...` names the goroutines that each test leaves behind; exit code
/// 1 also means that a test fails, 2 that one ended before its goroutines could be listed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The sources, in the order of time, - for standard input; or `test`, with a `go test` command behind --.
    #[arg(required = true)]
    sources: Vec<String>,
    /// How to print the result; dot is the blocking graph for Graphviz.
    #[arg(long, value_enum, default_value = "text")]
    output_format: OutputFormat,
    /// The folder of the program's source, for the blocking graph and the findings of `goward
    /// check` that explain a group.
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// Fail only if a growing group has more than this many goroutines.
    #[arg(long, value_name = "N", default_value_t = 0)]
    fail_over: u64,
    /// The sources are instances of one program rather than moments: rank the groups over them.
    /// Each folder in a source folder is an instance, of which the last snapshot counts.
    #[arg(long)]
    instances: bool,
    /// Write one row per group and snapshot to this file: .parquet (needs goward-parquet), .json
    /// for lines of JSON, .csv.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How often to ask a running program, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    every: f64,
    /// For how long to ask a running program, in seconds.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 60.0)]
    duration: f64,
    /// Show every group.
    #[arg(long)]
    all: bool,
    /// Read at most this many MiB of each source, decompressed.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    max_size: usize,
    /// With `test`: the go test command.
    #[arg(last = true)]
    command: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OutputFormat {
    Text,
    Json,
    Dot,
    Html,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.sources == ["test"] && !arguments.command.is_empty() {
        return test_leaks::run(&arguments.command);
    }
    anyhow::ensure!(
        arguments.command.is_empty(),
        "a command belongs to `goward leaks test -- go test …` only"
    );
    let sources = Sources::new(arguments.source.as_deref())?;
    let (snapshots, cycles) = collect(arguments)?;
    if let Some(out) = &arguments.out {
        write_rows(out, &snapshots)?;
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    if arguments.instances {
        let snapshots: Vec<Snapshot> = snapshots
            .into_iter()
            .filter(|snapshot| !snapshot.only_leaked)
            .collect();
        let snapshots = last_of_each(snapshots);
        let ranked = rank(&snapshots);
        match arguments.output_format {
            OutputFormat::Json => {
                print_json(&mut out, &leaks_view::ranking_json(&ranked, &snapshots))?
            }
            OutputFormat::Text => with_colour(&mut out, |text| {
                leaks_view::ranking(text, &ranked, &snapshots, arguments.all)
            })?,
            OutputFormat::Dot | OutputFormat::Html => {
                anyhow::bail!("a ranking can be shown as text or json only")
            }
        }
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let analysis = analyse(&snapshots);
    let groups: Vec<(&Group, u64)> = analysis
        .groups
        .iter()
        .map(|history| (&history.group, history.counts.last().copied().unwrap_or(0)))
        .collect();
    let graph = graph::build(&groups, &sources);
    let heap = (!cycles.is_empty()).then(|| (cycles.len(), convergence(&cycles)));
    let hazards = match sources.root() {
        Some(root) => {
            let sightings = analysis.groups.iter().filter_map(sighted);
            Hazards::find(root, &sources, sightings)
        }
        None => Hazards::none(),
    };
    let findings: Vec<_> = analysis
        .groups
        .iter()
        .map(|history| match sighted(history) {
            Some(sighting) => hazards.explain(&sources, &[sighting]),
            None => Vec::new(),
        })
        .collect();
    let view = View {
        findings: &findings,
        hazards: &hazards,
        snapshots: &snapshots,
        analysis: &analysis,
        graph: &graph,
        collections: heap,
        all: arguments.all,
    };
    match arguments.output_format {
        OutputFormat::Text => with_colour(&mut out, |text| leaks_view::text(text, &view))?,
        OutputFormat::Json => print_json(&mut out, &leaks_view::json(&view))?,
        OutputFormat::Dot => leaks_view::dot(&mut out, &view)?,
        OutputFormat::Html => leaks_view::html(&mut out, &view)?,
    }
    out.flush()?;
    let leaks = analysis.groups.iter().any(|history| {
        history.verdict == Verdict::Grows
            && history
                .counts
                .last()
                .is_some_and(|&count| count > arguments.fail_over)
    });
    let heap_rises = heap.is_some_and(|(_, heap)| heap.converges == Some(false));
    Ok(ExitCode::from(u8::from(leaks || heap_rises)))
}

/// Where a group waits, as something that a finding may explain.
fn sighted(history: &History) -> Option<Sighting<'_>> {
    Some(Sighting {
        symptom: symptom_of(history.group.operation?)?,
        frame: frame(history.group.blocked_at()?),
    })
}

fn with_colour(
    out: &mut dyn Write,
    show: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let mut text =
        anstream::AutoStream::new(Vec::new(), anstream::AutoStream::choice(&std::io::stdout()));
    show(&mut text)?;
    out.write_all(&text.into_inner())?;
    Ok(())
}

fn print_json(out: &mut dyn Write, value: &serde_json::Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(out, "{}", goward_diagnostics::neutralise_json(&text))?;
    Ok(())
}

/// Reads all sources, in order.
fn collect(arguments: &Arguments) -> anyhow::Result<(Vec<Snapshot>, Vec<Cycle>)> {
    let most = arguments.max_size.saturating_mul(1 << 20);
    let (mut found, mut cycles) = (Vec::new(), Vec::new());
    for source in &arguments.sources {
        if let Some(address) = Address::parse(source) {
            poll(arguments, &address?, source, most, &mut found)?;
            continue;
        }
        let files = snapshots::files(&[PathBuf::from(source)])?;
        let many = files.len() > 1;
        let mut usable = 0;
        for (file, read) in files.iter().zip(snapshots::read_all(&files, most)) {
            match read {
                Ok(Source::Snapshots(mut snapshots)) => {
                    if let Some(instance) = instance(Path::new(source), file) {
                        for snapshot in &mut snapshots {
                            snapshot.instance.clone_from(&instance);
                        }
                    }
                    found.append(&mut snapshots);
                }
                Ok(Source::Collections(mut read)) => cycles.append(&mut read),
                // A folder may hold other files too; they are named, not fatal.
                Err(error) if many => {
                    anstream::eprintln!(
                        "goward: {}",
                        goward_diagnostics::neutralise_lines(&format!("{error:#}: passed over"))
                    );
                    continue;
                }
                Err(error) => return Err(error.context(format!("cannot use {}", file.display()))),
            }
            usable += 1;
        }
        anyhow::ensure!(usable > 0, "{source} holds nothing that can be read");
    }
    Ok((found, cycles))
}

/// The folder directly below the source in which a file lies: `fleet/web-1/goroutine-3.pb.gz` of
/// the source `fleet` is of the instance `web-1`.
fn instance(source: &Path, file: &Path) -> Option<String> {
    let mut below = file.strip_prefix(source).ok()?.components();
    let first = below.next()?;
    below.next()?;
    Some(first.as_os_str().to_string_lossy().into_owned())
}

/// The last snapshot of each instance, in the order of the instances.
fn last_of_each(snapshots: Vec<Snapshot>) -> Vec<Snapshot> {
    let mut last: Vec<Snapshot> = Vec::new();
    let mut index: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for snapshot in snapshots {
        match index.get(&snapshot.instance) {
            Some(&at) => last[at] = snapshot,
            None => {
                index.insert(snapshot.instance.clone(), last.len());
                last.push(snapshot);
            }
        }
    }
    last
}

fn poll(
    arguments: &Arguments,
    address: &Address,
    name: &str,
    most: usize,
    found: &mut Vec<Snapshot>,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        arguments.every > 0.0 && arguments.every.is_finite() && arguments.duration.is_finite(),
        "--every and --for take seconds, more than 0"
    );
    let every = Duration::from_secs_f64(arguments.every.clamp(0.01, 1e6));
    let count = (arguments.duration / arguments.every)
        .floor()
        .clamp(0.0, 1e6) as u64
        + 1;
    let progress = indicatif::ProgressBar::new(count);
    progress.set_style(indicatif::ProgressStyle::with_template(
        "{bar:30} {pos}/{len} snapshots, {msg}",
    )?);
    let start = Instant::now();
    for number in 0..count {
        let due = start + every.mul_f64(number as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let body = address.profile("goroutine", most)?.with_context(|| {
            format!("{name} has no goroutine profile: does the program serve net/http/pprof?")
        })?;
        if let Source::Snapshots(mut snapshots) = snapshots::from_bytes(&body, name)? {
            for snapshot in &mut snapshots {
                snapshot.name = format!("{name}@{:.0}s", start.elapsed().as_secs_f64());
                snapshot.instance = name.to_owned();
                progress.set_message(format!("{} goroutines", snapshot.total()));
            }
            found.append(&mut snapshots);
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    // Go 1.26 built with the experiment serves this one too.
    if let Ok(Some(body)) = address.profile("goroutineleak", most)
        && let Ok(Source::Snapshots(mut snapshots)) = snapshots::from_bytes(&body, name)
    {
        found.append(&mut snapshots);
    }
    Ok(())
}

/// Writes the rows through a temporary file in the same folder.
fn write_rows(path: &Path, snapshots: &[Snapshot]) -> anyhow::Result<()> {
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or("");
    if end == "parquet" {
        return write_parquet(path, snapshots);
    }
    anyhow::ensure!(
        matches!(end, "json" | "jsonl" | "ndjson" | "csv"),
        "{}: rows can be written as .parquet, .json (one object a line) or .csv",
        path.display()
    );
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = files::readable(&mut tempfile::Builder::new())
        .tempfile_in(folder)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    {
        let mut out = BufWriter::new(&mut file);
        let mut names: Vec<String> = Vec::new();
        for row in leaks_view::rows(snapshots) {
            if end != "csv" {
                writeln!(out, "{row}")?;
                continue;
            }
            let Some(row) = row.as_object() else {
                continue;
            };
            if names.is_empty() {
                names = row.keys().cloned().collect();
                writeln!(out, "{}", names.join(","))?;
            }
            let cells: Vec<String> = names.iter().map(|name| cell(row.get(name))).collect();
            writeln!(out, "{}", cells.join(","))?;
        }
        out.flush()?;
    }
    file.persist(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// Hands the rows to the command that can write Parquet.
fn write_parquet(path: &Path, snapshots: &[Snapshot]) -> anyhow::Result<()> {
    let mut child = external::start(
        "parquet",
        &["leaks".as_ref(), path.as_os_str()],
        "--out can write .json and .csv without it",
    )?;
    let mut written = Ok(());
    if let Some(input) = child.stdin.take() {
        let mut input = BufWriter::with_capacity(1 << 16, input);
        written = leaks_view::rows(snapshots)
            .try_for_each(|row| writeln!(input, "{row}"))
            .and_then(|()| input.flush());
    }
    let status = child.wait().context("cannot wait for goward-parquet")?;
    // It says itself what went wrong; a broken pipe is only the outcome of that.
    anyhow::ensure!(
        status.success(),
        "goward-parquet failed; {} was not written",
        path.display()
    );
    written.context("cannot hand the rows to goward-parquet")
}

fn cell(value: Option<&serde_json::Value>) -> String {
    match value {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => {
            // A spreadsheet takes a cell that starts like this for a formula.
            let text = if text.starts_with(['=', '+', '-', '@']) {
                format!("'{text}")
            } else {
                text.clone()
            };
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Some(other) => other.to_string(),
    }
}
