//! `goward lab show`.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context as _;

use crate::lab::results::{Detected, Measurement};
use crate::lab::scenario::{self, Scenario};
use crate::lab::{embedded, report, text};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Name of the scenario; `goward lab list` shows them.
    name: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scenarios = scenario::select(std::slice::from_ref(&arguments.name))?;
    let committed = report_of_repository()?;
    let mut out = anstream::stdout().lock();
    for scenario in &scenarios {
        super::unless_closed(print(&mut out, scenario, &committed))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The measurement that the repository keeps.
pub(crate) fn report_of_repository() -> anyhow::Result<Measurement> {
    let text =
        embedded::scenario_file("RESULTS.json").context("the measured results are not embedded")?;
    serde_json::from_str(text).context("scenarios/RESULTS.json is damaged")
}

fn print(out: &mut impl Write, scenario: &Scenario, committed: &Measurement) -> io::Result<()> {
    writeln!(out, "{}", scenario.source.trim_end())?;
    for toolchain in &committed.toolchains {
        let Some(result) = toolchain
            .scenarios
            .iter()
            .find(|result| result.name == scenario.name)
        else {
            continue;
        };
        writeln!(out)?;
        writeln!(
            out,
            "// Measured with {} {}/{}:",
            toolchain.facts.version, toolchain.facts.os, toolchain.facts.arch
        )?;
        for line in report::lines(result) {
            writeln!(out, "//   {}", text::visible(&line))?;
        }
        if let Some(detected) = result.detected {
            let when = match detected {
                Detected::Compile => "the compiler refuses it",
                Detected::Registration => "at the defer statement",
                Detected::Run => "while it runs",
                Detected::Exit => "in a deferred call, at the end of the function",
            };
            writeln!(out, "//   noticed {when}")?;
        }
    }
    Ok(())
}
