//! The measurement as Markdown: the format of `scenarios/RESULTS.md`.

use std::io::{self, Write};

use super::{Comparison, groups, heading, leaks, outcomes, race, stack_count, stacks, verdict};
use crate::lab::results::{Detected, Measurement, ScenarioResult, ToolchainResults, yes_no};
use crate::lab::text::markdown_cell;

pub(super) fn print(
    out: &mut impl Write,
    measurement: &Measurement,
    comparisons: &[Comparison],
) -> io::Result<()> {
    writeln!(out, "# What Go really does, measured\n")?;
    writeln!(
        out,
        "Made by `goward lab run`; `goward lab show NAME` prints the program of a scenario.\n"
    )?;
    for toolchain in &measurement.toolchains {
        print_toolchain(out, toolchain, measurement.times)?;
    }
    for comparison in comparisons
        .iter()
        .filter(|comparison| !comparison.differences.is_empty())
    {
        writeln!(out, "## {} against {}\n", comparison.of, comparison.with)?;
        if let Some(note) = &comparison.note {
            writeln!(out, "{note}\n")?;
        }
        row(
            out,
            &["scenario", "what", "expected", "measured"].map(str::to_owned),
        )?;
        rule(out, 4)?;
        for difference in &comparison.differences {
            let code = |text: &str| {
                if text.is_empty() {
                    String::new()
                } else {
                    markdown_cell(text)
                }
            };
            row(
                out,
                &[
                    markdown_cell(&difference.scenario),
                    markdown_cell(&difference.what),
                    code(&difference.expected),
                    code(&difference.measured),
                ],
            )?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn print_toolchain(
    out: &mut impl Write,
    toolchain: &ToolchainResults,
    times: u32,
) -> io::Result<()> {
    writeln!(out, "## {}\n", heading(&toolchain.facts, times))?;
    let (concurrent, single): (Vec<&ScenarioResult>, Vec<&ScenarioResult>) = toolchain
        .scenarios
        .iter()
        .partition(|result| result.concurrent);
    for (group, results) in groups(&single) {
        writeln!(out, "### {}\n", capitalised(group))?;
        if results.iter().any(|result| result.leak_profile.is_some()) {
            print_leaks(out, &results)?;
            continue;
        }
        let header = [
            "scenario",
            "what Go says",
            "when",
            "exit code",
            "recover stops it",
            "stacks",
        ];
        row(out, &header.map(str::to_owned))?;
        rule(out, header.len())?;
        for result in results {
            row(
                out,
                &[
                    format!("`{}`", result.name),
                    markdown_cell(&verdict(result)),
                    result.detected.map_or("", Detected::name).to_owned(),
                    result
                        .exit_code
                        .map_or_else(String::new, |code| code.to_string()),
                    yes_no(result.recoverable),
                    markdown_cell(&stacks(result)),
                ],
            )?;
        }
        writeln!(out)?;
    }
    if concurrent.is_empty() {
        return Ok(());
    }
    writeln!(out, "### Concurrent use: how often it is noticed\n")?;
    writeln!(
        out,
        "Rates with their 95 % Wilson intervals. Operations is how often each of two goroutines uses the map. Runs that \
         end without a message went unnoticed.\n"
    )?;
    let header = [
        "scenario",
        "operations",
        "the runtime notices",
        "-race notices",
        "recover stops it",
        "stacks printed",
        "runs ended with",
    ];
    row(out, &header.map(str::to_owned))?;
    rule(out, header.len())?;
    for result in concurrent {
        if let Some(reason) = &result.not_measured {
            let reason = format!("not measured: {reason}");
            row(
                out,
                &[
                    format!("`{}`", result.name),
                    String::new(),
                    markdown_cell(&reason),
                    String::new(),
                    String::new(),
                    String::new(),
                    String::new(),
                ],
            )?;
            continue;
        }
        for noticed in &result.rates {
            row(
                out,
                &[
                    format!("`{}`", result.name),
                    noticed.operations.clone().unwrap_or_default(),
                    noticed.runtime.percent(),
                    markdown_cell(&race(noticed)),
                    yes_no(result.recoverable),
                    stack_count(result),
                    markdown_cell(&outcomes(noticed)),
                ],
            )?;
        }
    }
    writeln!(out)
}

fn print_leaks(out: &mut impl Write, results: &[&ScenarioResult]) -> io::Result<()> {
    let header = [
        "scenario",
        "blocked for ever",
        "the leak profile reports",
        "reports all in",
        "exit code",
    ];
    row(out, &header.map(str::to_owned))?;
    rule(out, header.len())?;
    for result in results {
        let Some((left, reported, complete)) = leaks(result) else {
            let cells = [
                format!("`{}`", result.name),
                markdown_cell(&verdict(result)),
                String::new(),
                String::new(),
                String::new(),
            ];
            row(out, &cells)?;
            continue;
        };
        let exit = result
            .exit_code
            .map_or_else(String::new, |code| code.to_string());
        row(
            out,
            &[
                format!("`{}`", result.name),
                left,
                markdown_cell(&reported),
                complete,
                exit,
            ],
        )?;
    }
    writeln!(out)
}

fn row(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    writeln!(out, "| {} |", cells.join(" | "))
}

fn rule(out: &mut impl Write, columns: usize) -> io::Result<()> {
    writeln!(out, "|{}", "---|".repeat(columns))
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
