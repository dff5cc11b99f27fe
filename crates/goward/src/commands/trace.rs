//! `goward trace`: reads execution traces.
#![expect(
    clippy::disallowed_methods,
    reason = "this command reads the files that it is given"
)]

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use goward_trace::trace::{self, Failure, Reader};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The traces to read.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print every event as `go tool trace -d=parsed` does, and nothing else.
    #[arg(long, conflicts_with = "wire")]
    parsed: bool,

    /// Print the file's events in their order on the wire as `go tool trace -d=wire` does.
    #[arg(long)]
    wire: bool,

    /// How many threads read the trace.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    threads: u8,

    #[arg(long, hide = true)]
    timeline: bool,

    /// Read all events, print how many there were, and nothing else.
    #[arg(long, hide = true)]
    count: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    for file in &arguments.files {
        if arguments.parsed {
            print_parsed(file, arguments.threads)?;
        } else if arguments.wire {
            let bytes =
                std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let mut out = std::io::stdout().lock();
            let mut result = Ok(());
            trace::write_wire_text(&bytes, |text| {
                if result.is_ok() {
                    result = out.write_all(text);
                }
            })
            .map_err(|failure| error(file, &failure))?;
            quiet_if_closed(result)?;
        } else if arguments.timeline {
            let mut reader = open(file, arguments.threads)?;
            let timeline = trace::Timeline::read(&mut reader).map_err(|failure| error(file, &failure))?;
            anstream::println!("{} transitions {} goroutines {} wakes {} regions", timeline.transitions.len(), timeline.goroutines.len(), timeline.wakes.len(), timeline.regions.len());
        } else if arguments.count {
            let mut reader = open(file, arguments.threads)?;
            let mut count = 0u64;
            let mut kinds = [0u64; 256];
            while let Some(event) = reader
                .next_event()
                .map_err(|failure| error(file, &failure))?
            {
                count += 1;
                kinds[usize::from(event.kind)] += 1;
            }
            anstream::println!(
                "{count} events, {} of them starts",
                kinds[usize::from(trace::wire::GO_START)]
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn error(file: &Path, failure: &Failure) -> anyhow::Error {
    match failure {
        Failure::End => anyhow::anyhow!("{}: the trace is empty", file.display()),
        Failure::Broken(text) => anyhow::anyhow!("{}: {text}", file.display()),
    }
}

fn open(file: &Path, threads: u8) -> anyhow::Result<Reader> {
    let source = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let reader = if threads == 1 {
        Reader::new(source)
    } else {
        Reader::threaded(source)
    };
    reader.map_err(|failure| error(file, &failure))
}

/// A reader of our output that has gone away is no failure of ours.
fn quiet_if_closed(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
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
        if let Err(failure) = trace::write_event(&mut text, &reader, |_| 0) {
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
