//! `goward lab maps`.

#![expect(
    clippy::disallowed_methods,
    reason = "reads earlier figures and writes the chart"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use crate::lab::maps::{self, Benchmark, MIXES, Plan, chart, report};
use crate::lab::workspace::Workspace;
use crate::lab::{text, toolchain};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The go command (or GOROOT) to measure with. Default: the one on PATH.
    #[arg(long, value_name = "PATH")]
    go: Option<PathBuf>,

    /// Mixes of operations: read-N has N % reads and overwrites, churn-N N % reads, inserts and deletes.
    #[arg(long, value_name = "MIX", value_delimiter = ',', default_values_t = MIXES.map(str::to_owned), value_parser = clap::builder::PossibleValuesParser::new(MIXES))]
    mixes: Vec<String>,

    /// Numbers of entries.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [100, 10_000, 100_000], value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    sizes: Vec<u32>,

    /// Numbers of goroutines. Default: 1, as many as processors, 8 times as many.
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=10_000))]
    goroutines: Vec<u32>,

    /// Key types.
    #[arg(long, value_name = "TYPE", value_delimiter = ',', default_values_t = ["int".to_owned(), "string".to_owned()], value_parser = ["int", "string"])]
    keys: Vec<String>,

    /// How many rounds each map runs; the fastest counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,

    /// How many operations a round has.
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    operations: u32,

    /// Leave out xsync and orcaman/concurrent-map, which are fetched through the Go module proxy.
    #[arg(long)]
    no_peers: bool,

    /// Also draw the figures into this SVG file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// How to print.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    output_format: OutputFormat,

    /// Show the figures of an earlier run (its JSON output) instead of measuring.
    #[arg(long, value_name = "FILE", conflicts_with = "go")]
    read: Option<PathBuf>,

    /// Where to build; default: the system's folder for temporary files.
    #[arg(long, value_name = "FOLDER")]
    work_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OutputFormat {
    /// Tables for a terminal.
    Table,
    /// All figures as one JSON object.
    Json,
    /// Markdown.
    Markdown,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let benchmark = match &arguments.read {
        Some(file) => {
            let name = text::visible(&file.display().to_string());
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
            serde_json::from_str(&text)
                .with_context(|| format!("{name} is not the JSON output of `goward lab maps`"))?
        }
        None => measure(arguments)?,
    };
    if let Some(file) = &arguments.svg {
        write(file, &chart::svg(&benchmark))?;
    }
    let mut out = anstream::stdout().lock();
    super::unless_closed(match arguments.output_format {
        OutputFormat::Table => report::table(&mut out, &benchmark),
        OutputFormat::Markdown => report::markdown(&mut out, &benchmark),
        OutputFormat::Json => serde_json::to_writer_pretty(&mut out, &benchmark)
            .map_err(Into::into)
            .and_then(|()| writeln!(out)),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn measure(arguments: &Arguments) -> anyhow::Result<Benchmark> {
    let named: Vec<PathBuf> = arguments.go.iter().cloned().collect();
    let toolchain = toolchain::find(&named)?
        .into_iter()
        .next()
        .context("no Go toolchain")?;
    let workspace = Workspace::new(arguments.work_dir.as_deref(), &toolchain)?;
    let plan = Plan {
        mixes: arguments.mixes.clone(),
        sizes: arguments.sizes.clone(),
        goroutines: arguments.goroutines.clone(),
        keys: arguments.keys.clone(),
        rounds: arguments.rounds,
        operations: arguments.operations,
        peers: !arguments.no_peers,
    };
    maps::measure(&toolchain, &workspace, &plan, Duration::from_secs(1800))
}

/// Writes through a temporary file, so that a reader never sees half a chart.
fn write(file: &Path, svg: &str) -> anyhow::Result<()> {
    let name = text::visible(&file.display().to_string());
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut temporary =
        tempfile::NamedTempFile::new_in(folder).with_context(|| format!("cannot write {name}"))?;
    temporary
        .write_all(svg.as_bytes())
        .with_context(|| format!("cannot write {name}"))?;
    temporary
        .persist(file)
        .with_context(|| format!("cannot write {name}"))?;
    Ok(())
}
