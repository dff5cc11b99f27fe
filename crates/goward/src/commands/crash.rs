//! `goward crash`: reads crash dumps, goroutine listings and race reports.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use goward_trace::dump::{self, Kind, Sieve};

use crate::forensics::crash_text::Shown;
use crate::forensics::hazards::{self, Hazards};
use crate::forensics::source::Sources;
use crate::forensics::{
    bundle, crash_html, crash_json, crash_sarif, crash_text, input, watched_program,
};

/// Read a Go crash dump: which panic was first, who raised it, what masked it.
///
/// Reads everything that Go prints when it dies, also within logs: panics, fatal errors, signals,
/// goroutine listings, race reports. Exit code 1 means that there was one.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Files with dumps, bundles of blackbox, or - for standard input (the default).
    files: Vec<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value = "text")]
    output_format: OutputFormat,
    /// The folder of the program's source: shows lines, names the finding of `goward check` that a
    /// dump is the outcome of, and the other side of map accesses.
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// Show every cluster and every frame.
    #[arg(long)]
    all: bool,
    /// Read at most this many MiB of text that may hold dumps.
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    max_size: usize,
    /// Run a program, pass its output through, and report on standard error when it dies.
    #[arg(long, conflicts_with = "files", requires = "command")]
    watch: bool,
    /// The program to run, and its arguments.
    #[arg(last = true, requires = "watch")]
    command: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OutputFormat {
    Text,
    Json,
    Html,
    Sarif,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let most = arguments.max_size.saturating_mul(1 << 20);
    if arguments.watch {
        return watch(arguments, most);
    }
    let mut files = arguments.files.clone();
    if files.is_empty() {
        files.push(PathBuf::from("-"));
    }
    let sources = Sources::new(arguments.source.as_deref())?;
    let (mut inputs, mut failures) = (Vec::new(), Vec::new());
    for file in &files {
        match read(arguments, file, most) {
            Ok(sieve) => inputs.push((file.display().to_string(), sieve)),
            Err(error) => failures.push(error),
        }
    }
    let mut found = false;
    // What can be read is reported whatever stands beside it.
    if !inputs.is_empty() {
        found = report(arguments, &sources, &inputs, &mut std::io::stdout().lock())?;
    }
    let Some(last) = failures.pop() else {
        return Ok(ExitCode::from(u8::from(found)));
    };
    for failure in &failures {
        crate::print_error(failure);
    }
    Err(last)
}

/// Reads what may hold dumps in a file.
fn read(arguments: &Arguments, file: &Path, most: usize) -> anyhow::Result<Sieve> {
    let path = bundle::member(file, bundle::DUMP);
    let sieve = input::sieve(&path, most)?;
    if let Some(what) = input::wrong_format(if sieve.first.is_empty() {
        &sieve.bytes
    } else {
        &sieve.first
    }) {
        anyhow::bail!("{} is {what}", file.display());
    }
    if sieve.cut {
        anstream::eprintln!(
            "goward: {} has more than {} MiB that may hold dumps; the rest was not read (--max-size)",
            file.display(),
            arguments.max_size
        );
    }
    Ok(sieve)
}

/// Prints the result for all inputs; whether any of them holds a crash.
fn report(
    arguments: &Arguments,
    sources: &Sources,
    inputs: &[(String, Sieve)],
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let texts: Vec<_> = inputs.iter().map(|(_, sieve)| sieve.text()).collect();
    let documents: Vec<_> = inputs
        .iter()
        .zip(&texts)
        .map(|((_, sieve), text)| dump::documents(text, &sieve.steps))
        .collect();
    let reports: Vec<_> = documents
        .iter()
        .map(|documents| dump::read(documents))
        .collect();
    let hazards = match sources.root() {
        Some(root) => {
            let sightings = reports.iter().flat_map(|report| {
                let dumps = report.dumps.iter();
                dumps.flat_map(|dump| hazards::sightings(report, dump, sources))
            });
            Hazards::find(root, sources, sightings)
        }
        None => Hazards::none(),
    };
    let shown: Vec<Shown<'_>> = inputs
        .iter()
        .zip(&reports)
        .map(|((name, _), report)| Shown {
            name,
            report,
            sources,
            hazards: &hazards,
        })
        .collect();
    let mut out = BufWriter::with_capacity(1 << 16, out);
    match arguments.output_format {
        OutputFormat::Text => {
            let mut first = true;
            for (one, (name, sieve)) in shown.iter().zip(inputs) {
                if one.report.dumps.is_empty() {
                    writeln!(
                        out,
                        "{}: no Go dump found in {} bytes",
                        crate::forensics::escape::terminal(name),
                        sieve.read
                    )?;
                    continue;
                }
                if !std::mem::take(&mut first) {
                    writeln!(out)?;
                }
                let mut text = anstream::AutoStream::new(
                    Vec::new(),
                    anstream::AutoStream::choice(&std::io::stdout()),
                );
                crash_text::write(&mut text, one, arguments.all)?;
                out.write_all(&text.into_inner())?;
            }
        }
        OutputFormat::Json => crash_json::write(&mut out, &shown)?,
        OutputFormat::Html => crash_html::write(&mut out, &shown)?,
        OutputFormat::Sarif => {
            let text = serde_json::to_string_pretty(&crash_sarif::log(&shown))?;
            writeln!(out, "{}", goward_diagnostics::neutralise_json(&text))?;
        }
    }
    out.flush().context("cannot write the result")?;
    Ok(shown.iter().any(|one| {
        one.report
            .dumps
            .iter()
            .any(|dump| !matches!(dump.kind, Kind::Listing | Kind::Stack))
    }))
}

fn watch(arguments: &Arguments, most: usize) -> anyhow::Result<ExitCode> {
    let (program, rest) = arguments
        .command
        .split_first()
        .context("give the program to run behind --")?;
    let sources = Sources::new(arguments.source.as_deref())?;
    let ended = watched_program::run(program, rest)?;
    let status = ended.status;
    if !status.success() {
        // Go dies on standard error; `go test` prints on standard output what its tests did.
        let mut inputs = Vec::new();
        for output in &ended.outputs {
            let sieve = Sieve::read(output.as_slice(), output.len(), most)?;
            let holds_dump = {
                let text = sieve.text();
                let documents = dump::documents(&text, &sieve.steps);
                !dump::read(&documents).dumps.is_empty()
            };
            if holds_dump {
                inputs.push((program.clone(), sieve));
            }
        }
        if inputs.is_empty() {
            let both = ended.outputs.concat();
            let sieve = Sieve::read(both.as_slice(), both.len(), most)?;
            inputs.push((program.clone(), sieve));
        }
        let mut own = std::io::stderr();
        writeln!(own, "\n--- goward crash: {program} ended with {status}")?;
        report(arguments, &sources, &inputs, &mut own)?;
    }
    // The program's own exit code is passed on; as a shell does, a signal becomes 128 and its
    // number.
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status
        .code()
        .or(signal.map(|number| 128 + number))
        .unwrap_or(2);
    Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(2)))
}
