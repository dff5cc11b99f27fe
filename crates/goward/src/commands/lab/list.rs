//! `goward lab list`.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::lab::scenario::{self, Scenario};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Names or groups of scenarios; all of them if none is named.
    names: Vec<String>,

    /// Print a JSON list.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    group: &'a str,
    summary: &'a str,
    concurrent: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scenarios = scenario::select(&arguments.names)?;
    let mut out = anstream::stdout().lock();
    super::unless_closed(if arguments.json {
        json(&mut out, &scenarios)
    } else {
        text(&mut out, &scenarios)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn text(out: &mut impl Write, scenarios: &[Scenario]) -> io::Result<()> {
    let mut group = "";
    let width = scenarios
        .iter()
        .map(|scenario| scenario.name.len())
        .max()
        .unwrap_or(0);
    for scenario in scenarios {
        if scenario.group != group {
            if !group.is_empty() {
                writeln!(out)?;
            }
            group = scenario.group;
            writeln!(out, "{group}")?;
        }
        let first = scenario
            .summary
            .split_inclusive(". ")
            .next()
            .unwrap_or_default()
            .trim_end();
        writeln!(out, "  {:width$}  {first}", scenario.name)?;
    }
    Ok(())
}

fn json(out: &mut impl Write, scenarios: &[Scenario]) -> io::Result<()> {
    let entries: Vec<Entry<'_>> = scenarios
        .iter()
        .map(|scenario| Entry {
            name: scenario.name,
            group: scenario.group,
            summary: &scenario.summary,
            concurrent: scenario.concurrent,
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &entries)?;
    writeln!(out)
}
