//! `goward lab run`.

#![expect(
    clippy::disallowed_methods,
    reason = "reads the results of an earlier run"
)]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use super::show::report_of_repository;
use crate::lab::measure::{self, Options};
use crate::lab::report::{self, Comparison, OutputFormat};
use crate::lab::results::{self, Measurement, ToolchainResults};
use crate::lab::{scenario, text, toolchain};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Names or groups of scenarios; all of them if none is named.
    names: Vec<String>,

    /// The go command (or GOROOT) to measure; several for a comparison. Default: the one on PATH.
    #[arg(long, value_name = "PATH")]
    go: Vec<PathBuf>,

    /// How often to run each variant of a concurrent scenario.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    times: u32,

    /// How many seconds one run of a scenario may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    time_limit: u64,

    /// Do not measure what the race detector notices.
    #[arg(long)]
    no_race: bool,

    /// How to print the results.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    output_format: OutputFormat,

    /// Where to build the programs; default: the system's folder for temporary files.
    #[arg(long, value_name = "FOLDER")]
    work_dir: Option<PathBuf>,

    /// Show the results of an earlier run (its JSON output) instead of measuring.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["go", "names", "work_dir"])]
    read: Option<PathBuf>,

    /// End with exit code 1 if your Go differs from the committed results.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let measurement = match &arguments.read {
        Some(file) => read(file)?,
        None => measure(arguments)?,
    };
    let comparisons = compare(&measurement)?;
    let mut out = anstream::stdout().lock();
    super::unless_closed(report::print(
        arguments.output_format,
        &mut out,
        &measurement,
        &comparisons,
    ))?;
    let differs = comparisons
        .iter()
        .any(|comparison| !comparison.differences.is_empty());
    Ok(if arguments.check && differs {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

fn read(file: &PathBuf) -> anyhow::Result<Measurement> {
    let name = text::visible(&file.display().to_string());
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let measurement: Measurement = serde_json::from_str(&text)
        .with_context(|| format!("{name} is not the JSON output of `goward lab run`"))?;
    anyhow::ensure!(
        measurement.schema == results::SCHEMA,
        "{name} has schema {}, this goward reads {}",
        measurement.schema,
        results::SCHEMA
    );
    Ok(measurement)
}

fn measure(arguments: &Arguments) -> anyhow::Result<Measurement> {
    let scenarios = scenario::select(&arguments.names)?;
    let toolchains = toolchain::find(&arguments.go)?;
    let options = Options {
        times: arguments.times,
        limit: Duration::from_secs(arguments.time_limit),
        race: !arguments.no_race,
        work_dir: arguments.work_dir.as_deref(),
    };
    let mut measured = Vec::new();
    for toolchain in &toolchains {
        measured.push(measure::measure(toolchain, &scenarios, &options)?);
    }
    Ok(Measurement {
        schema: results::SCHEMA,
        times: arguments.times,
        toolchains: measured,
    })
}

/// Compares the first toolchain with the committed results, and every other one with the first.
fn compare(measurement: &Measurement) -> anyhow::Result<Vec<Comparison>> {
    let committed = report_of_repository()?;
    let mut comparisons = Vec::new();
    let Some(first) = measurement.toolchains.first() else {
        return Ok(comparisons);
    };
    if let Some(expected) = committed.toolchains.first() {
        comparisons.push(comparison(
            format!("the committed results of {}", title(expected)),
            expected,
            first,
        ));
    }
    for other in &measurement.toolchains[1..] {
        comparisons.push(comparison(
            format!("the results of {}", title(first)),
            first,
            other,
        ));
    }
    Ok(comparisons)
}

fn comparison(
    with: String,
    expected: &ToolchainResults,
    measured: &ToolchainResults,
) -> Comparison {
    Comparison {
        with,
        of: title(measured),
        differences: results::differences(expected, measured),
        note: (!expected.facts.same_processors(&measured.facts)).then(|| {
            format!(
                "rates count as different only where one is near 100 % and the other near 0 %: \
                 {} there, {} here",
                processors(expected),
                processors(measured)
            )
        }),
    }
}

/// Such as `2 × AMD EPYC`.
fn processors(results: &ToolchainResults) -> String {
    let facts = &results.facts;
    let name = facts.processor.as_deref().unwrap_or("unnamed processors");
    format!("{} × {name}", facts.processors)
}

fn title(results: &ToolchainResults) -> String {
    format!(
        "{} {}/{}",
        results.facts.version, results.facts.os, results.facts.arch
    )
}
