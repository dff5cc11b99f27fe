//! `goward trace`: reads execution traces; says what ran when, what blocked whom, and what led to a
//! panic or a cancellation.
#![expect(
    clippy::disallowed_methods,
    reason = "this command reads and writes the files that it is given"
)]

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use goward_trace::trace::exception;
use goward_trace::trace::summary::Summary;
use goward_trace::trace::{self, Failure, GoState, Reader, Timeline};

use crate::forensics::bundle;
use crate::view::{Analysis, trace_fusion, trace_kind, trace_page, trace_serve, trace_text};

/// What is not written where the events are printed.
const SUMMARY_ONLY: [&str; 8] = [
    "html",
    "perfetto",
    "chrome",
    "serve",
    "dump",
    "profile",
    "goroutine",
    "task",
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Execution traces, flight-recorder snapshots, or bundles of runtime/blackbox; - for standard
    /// input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print every event as `go tool trace -d=parsed` does, and nothing else.
    #[arg(long, group = "mode", conflicts_with_all = SUMMARY_ONLY)]
    parsed: bool,

    /// Print the file's events in their order on the wire as `go tool trace -d=wire` does.
    #[arg(long, group = "mode", conflicts_with_all = SUMMARY_ONLY)]
    wire: bool,

    /// How to print the summary.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    output_format: Format,

    /// Write the timeline as one self-contained page.
    #[arg(long, value_name = "PAGE")]
    html: Option<PathBuf>,

    /// Write a Perfetto trace, for ui.perfetto.dev.
    #[arg(long, value_name = "FILE")]
    perfetto: Option<PathBuf>,

    /// Write JSON for Chrome's trace viewer.
    #[arg(long, value_name = "FILE")]
    chrome: Option<PathBuf>,

    /// How many goroutines get a lane in exports and pages; all others are in the lanes of the
    /// processors and in the bands of their function.
    #[arg(long, value_name = "N", default_value_t = 300)]
    lanes: usize,

    /// Serve the page with details on demand: on a free port for this machine, or with
    /// --serve=ADDRESS there; `:PORT` is that port for this machine.
    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "127.0.0.1:0"
    )]
    serve: Option<String>,

    /// A goroutine dump of the same process (debug=2, a crash, SIGQUIT) to compare with the trace.
    #[arg(long, value_name = "FILE")]
    dump: Vec<PathBuf>,

    /// A goroutine profile of the same process (pprof or debug=1) to compare with the trace.
    #[arg(long, value_name = "FILE")]
    profile: Vec<PathBuf>,

    /// When the dumps and profiles were taken, in seconds from the start of the trace; by default the file's time.
    #[arg(long, value_name = "SECONDS")]
    profile_time: Option<f64>,

    /// Follow the causes of this goroutine's last events back.
    #[arg(long, value_name = "ID")]
    goroutine: Vec<i64>,

    /// Print the critical path of the longest task with this name, or of the task with this number.
    #[arg(long, value_name = "NAME|ID")]
    task: Vec<String>,

    /// How many rows each table has.
    #[arg(long, value_name = "N", default_value_t = 12)]
    rows: usize,

    /// How many threads read the trace.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    threads: u8,

    /// Read all events, print how many there were, and nothing else.
    #[arg(long, hide = true, group = "mode")]
    count: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let several = arguments.files.len() > 1;
    let exports = [&arguments.html, &arguments.perfetto, &arguments.chrome]
        .into_iter()
        .flatten()
        .count();
    anyhow::ensure!(
        !several || (exports == 0 && arguments.serve.is_none()),
        "--html, --perfetto, --chrome and --serve take one trace at a time; an address to serve on \
         stands behind =, as in --serve=127.0.0.1:8080"
    );
    let mut found = false;
    for (number, file) in arguments.files.iter().enumerate() {
        let file = &bundle::member(file, "trace.out");
        if arguments.parsed {
            print_parsed(file, arguments.threads)?;
        } else if arguments.wire {
            print_wire(file)?;
        } else if arguments.count {
            print_count(file, arguments.threads)?;
        } else {
            if several {
                anstream::println!(
                    "{}",
                    goward_diagnostics::neutralise_lines(&file.display().to_string())
                );
            }
            let analysis = analyse(file, arguments)?;
            found |= analysis.exceptional();
            if number + 1 == arguments.files.len() {
                // The process ends; giving millions of pieces back one by one would only take time.
                std::mem::forget(analysis);
            }
        }
    }
    Ok(ExitCode::from(u8::from(found)))
}

fn error(file: &Path, failure: &Failure) -> anyhow::Error {
    match failure {
        Failure::End => {
            anyhow::anyhow!("{}: the trace ends before its first event", file.display())
        }
        Failure::Broken(text) => anyhow::anyhow!("{}: {text}", file.display()),
    }
}

fn open(file: &Path, threads: u8) -> anyhow::Result<Reader> {
    if file == Path::new("-") {
        let source = std::io::stdin();
        let reader = if threads == 1 {
            Reader::new(source)
        } else {
            Reader::threaded(source)
        };
        return reader.map_err(|failure| error(Path::new("standard input"), &failure));
    }
    let source = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    anyhow::ensure!(
        !file.is_dir(),
        "{} is a folder, and no bundle: it has no trace.out",
        file.display()
    );
    let reader = if threads == 1 {
        Reader::new(source)
    } else {
        Reader::threaded(source)
    };
    reader.map_err(|failure| match &failure {
        Failure::Broken(text)
            if text.starts_with("bad file format") && !text.contains("damaged") =>
        {
            match trace_kind::what_it_is(file) {
                Some(what) => {
                    anyhow::anyhow!("{}: this is no Go execution trace: {what}", file.display())
                }
                None => error(file, &failure),
            }
        }
        _ => error(file, &failure),
    })
}

/// A reader of our output that has gone away is no failure of ours.
fn quiet_if_closed(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The offset of local time from UTC, which Go's printer uses. goward knows UTC only, as most
/// machines that run services do.
fn local_offset(_: i64) -> i32 {
    0
}

fn print_parsed(file: &Path, threads: u8) -> anyhow::Result<()> {
    let mut reader = open(file, threads)?;
    let mut out = std::io::stdout().lock();
    let mut text = Vec::with_capacity(1 << 17);
    let outcome = loop {
        match reader.next_event() {
            Ok(Some(_)) => {}
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        }
        let length = text.len();
        if let Err(failure) = trace::write_event(&mut text, &reader, local_offset) {
            text.truncate(length);
            break Err(failure);
        }
        if text.len() > 1 << 16 {
            if let Err(error) = out.write_all(&text) {
                return Ok(quiet_if_closed(Err(error))?);
            }
            text.clear();
        }
    };
    quiet_if_closed(out.write_all(&text).and_then(|()| out.flush()))?;
    outcome.map_err(|failure| error(file, &failure))
}

fn print_wire(file: &Path) -> anyhow::Result<()> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.context("cannot read standard input")?;
        bytes
    } else {
        std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    let mut out = std::io::stdout().lock();
    let mut result = Ok(());
    let outcome = trace::write_wire_text(&bytes, |text| {
        if result.is_ok() {
            result = out.write_all(text);
        }
    });
    quiet_if_closed(result)?;
    outcome.map_err(|failure| error(file, &failure))
}

fn print_count(file: &Path, threads: u8) -> anyhow::Result<()> {
    let mut reader = open(file, threads)?;
    let count = reader
        .count_events()
        .map_err(|failure| error(file, &failure))?;
    anstream::println!("{count} events");
    Ok(())
}

/// Reads, sums up and writes what was asked for.
fn analyse(file: &Path, arguments: &Arguments) -> anyhow::Result<Analysis> {
    let mut reader = open(file, arguments.threads)?;
    let timeline = Timeline::read(&mut reader).map_err(|failure| error(file, &failure))?;
    drop(reader);
    let exceptions = exception::exceptions(&timeline);
    let groups = exception::group(&timeline, &exceptions);
    let mut markers = Vec::new();
    for dump in &arguments.dump {
        let dump = bundle::member(dump, bundle::DUMP);
        markers.push(trace_fusion::dump_marker(
            &timeline,
            &dump,
            arguments.profile_time,
        )?);
    }
    for profile in &arguments.profile {
        let profile = bundle::member(profile, bundle::GOROUTINES);
        markers.push(trace_fusion::profile_marker(
            &timeline,
            &profile,
            arguments.profile_time,
        )?);
    }
    let summary = Summary::of(&timeline, arguments.rows.max(40));
    let analysis = Analysis {
        timeline,
        summary,
        exceptions,
        groups,
        markers,
    };
    let exported = export(file, arguments, &analysis)?;
    if !exported {
        match arguments.output_format {
            Format::Text => print_text(arguments, &analysis)?,
            Format::Json => print_json(&analysis)?,
        }
    }
    if let Some(failure) = &analysis.timeline.failure {
        anstream::eprintln!(
            "goward: {}: {}; the {} bytes before that are read",
            file.display(),
            goward_diagnostics::neutralise_lines(failure),
            analysis.timeline.good_bytes
        );
    }
    Ok(analysis)
}

/// Writes the files that were asked for; whether there were any.
fn export(file: &Path, arguments: &Arguments, analysis: &Analysis) -> anyhow::Result<bool> {
    let Analysis {
        timeline,
        exceptions,
        ..
    } = analysis;
    let mut exported = false;
    if let Some(path) = &arguments.perfetto {
        replace(path, |out| {
            trace::write_perfetto(timeline, exceptions, arguments.lanes, out)
        })?;
        exported = true;
    }
    if let Some(path) = &arguments.chrome {
        replace(path, |out| {
            trace::write_chrome(timeline, exceptions, arguments.lanes, out)
        })?;
        exported = true;
    }
    let page = |served| {
        let title = file.file_name().unwrap_or_default().to_string_lossy();
        let limits = trace_page::Limits {
            goroutines: arguments.lanes,
            ..trace_page::Limits::default()
        };
        trace_page::page(&trace_page::data(analysis, limits, &title, served))
    };
    if let Some(path) = &arguments.html {
        let page = page(false)?;
        replace(path, |out| out.write_all(page.as_bytes()))?;
        exported = true;
    }
    if let Some(address) = &arguments.serve {
        trace_serve::serve(timeline, &page(true)?, address)?;
        exported = true;
    }
    Ok(exported)
}

/// Writes a file under a temporary name beside it and renames it.
fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".goward-");
    // As readable as any new file of the user's; the system takes away what the user's mask says.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder
        .tempfile_in(folder)
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    let mut out = BufWriter::with_capacity(1 << 18, temporary.as_file_mut());
    write(&mut out)
        .and_then(|()| out.flush())
        .with_context(|| format!("cannot write {}", path.display()))?;
    drop(out);
    temporary
        .persist(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    anstream::eprintln!("wrote {}", path.display());
    Ok(())
}

fn print_text(arguments: &Arguments, analysis: &Analysis) -> anyhow::Result<()> {
    let Analysis {
        timeline,
        summary,
        exceptions,
        groups,
        markers,
    } = analysis;
    let mut text = String::new();
    trace_text::summary(&mut text, summary, arguments.rows);
    trace_text::exceptions(&mut text, timeline, exceptions, groups, 3);
    for &id in &arguments.goroutine {
        let index = timeline
            .find(id)
            .with_context(|| format!("the trace has no goroutine {id}"))?;
        let known = &timeline.goroutines[index as usize];
        let steps = exception::path_back(timeline, index, known.last, known.since, 32);
        let path = exception::Path {
            steps,
            hits: Vec::new(),
            more_hits: 0,
        };
        text.push_str(&format!(
            "\ngoroutine {id} {}: {} since +{}\n",
            timeline.name(index),
            match (known.state, timeline.reason(known.reason)) {
                (GoState::NotExist, _) => "ended".to_owned(),
                (state, "") => state.name().to_lowercase(),
                (state, reason) => format!("{} ({reason})", state.name().to_lowercase()),
            },
            trace_text::duration(known.since - timeline.start)
        ));
        trace_text::path_text(&mut text, &path);
    }
    for wanted in &arguments.task {
        let symbols = &timeline.symbols;
        let task = timeline
            .tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| task.id.to_string() == *wanted || symbols.text(task.name) == wanted)
            .filter_map(|(index, task)| Some((task.end? - task.begin?, index)))
            .max()
            .with_context(|| format!("no task {wanted:?} begins and ends in the trace"))?;
        let pieces = exception::critical_path(timeline, task.1);
        let known = &timeline.tasks[task.1];
        trace_text::critical_path(&mut text, symbols.text(known.name), known.id, &pieces);
    }
    trace_text::markers(&mut text, markers);
    let mut out = std::io::stdout().lock();
    Ok(quiet_if_closed(out.write_all(
        goward_diagnostics::neutralise_lines(&text).as_bytes(),
    ))?)
}

fn print_json(analysis: &Analysis) -> anyhow::Result<()> {
    let Analysis {
        timeline,
        summary,
        exceptions,
        groups,
        markers,
    } = analysis;
    let paths: Vec<_> = groups
        .iter()
        .map(|group| {
            serde_json::json!({"exception": group, "path": exception::path(timeline, &exceptions[group.first])})
        })
        .collect();
    let value = serde_json::json!({"summary": summary, "exceptions": paths, "markers": markers});
    let mut out = std::io::stdout().lock();
    let text = serde_json::to_string_pretty(&value)?;
    Ok(quiet_if_closed(writeln!(out, "{text}"))?)
}
