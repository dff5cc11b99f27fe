//! The measurement as tables for a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, TableComponent, presets};

use super::{Comparison, groups, heading, leaks, outcomes, race, stack_count, stacks, verdict};
use crate::lab::results::{Detected, Measurement, ScenarioResult, yes_no};
use crate::lab::text::{shortened, visible};

const TITLE: Style = Style::new().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Where no terminal says how wide it is.
const WIDTH: u16 = 140;

pub(super) fn print(
    out: &mut impl Write,
    measurement: &Measurement,
    comparisons: &[Comparison],
) -> io::Result<()> {
    for toolchain in &measurement.toolchains {
        writeln!(
            out,
            "{TITLE}{}{TITLE:#}",
            visible(&heading(&toolchain.facts, measurement.times))
        )?;
        let differs = |name: &str| {
            comparisons.iter().any(|comparison| {
                comparison
                    .differences
                    .iter()
                    .any(|difference| difference.scenario == name)
            })
        };
        let (concurrent, single): (Vec<&ScenarioResult>, Vec<&ScenarioResult>) = toolchain
            .scenarios
            .iter()
            .partition(|result| result.concurrent);
        for (group, results) in groups(&single) {
            writeln!(out, "\n{TITLE}{}{TITLE:#}", visible(group))?;
            let table = if results.iter().any(|result| result.leak_profile.is_some()) {
                leak_table(&results, &differs)
            } else {
                single_table(&results, &differs)
            };
            writeln!(out, "{table}")?;
        }
        if !concurrent.is_empty() {
            writeln!(
                out,
                "\n{TITLE}concurrent use: how often it is noticed, with the 95 % interval{TITLE:#}"
            )?;
            writeln!(out, "{}", concurrent_table(&concurrent, &differs))?;
        }
        for result in toolchain
            .scenarios
            .iter()
            .filter(|result| result.not_measured.is_some())
        {
            let reason = result.not_measured.as_deref().unwrap_or_default();
            writeln!(
                out,
                "{WARNING}not measured{WARNING:#}: {}: {}",
                result.name,
                visible(reason)
            )?;
        }
    }
    for comparison in comparisons {
        print_comparison(out, comparison)?;
    }
    Ok(())
}

fn print_comparison(out: &mut impl Write, comparison: &Comparison) -> io::Result<()> {
    let note = comparison
        .note
        .as_ref()
        .map(|note| format!(" ({note})"))
        .unwrap_or_default();
    if comparison.differences.is_empty() {
        return writeln!(
            out,
            "\n{} does what {} say{note}.",
            visible(&comparison.of),
            visible(&comparison.with)
        );
    }
    writeln!(
        out,
        "\n{WARNING}{} differs from {} in {} place{}{WARNING:#}{note}",
        visible(&comparison.of),
        visible(&comparison.with),
        comparison.differences.len(),
        if comparison.differences.len() == 1 {
            ""
        } else {
            "s"
        }
    )?;
    let mut table = new_table(&["≠ scenario", "what", "expected", "measured"]);
    for difference in &comparison.differences {
        table.add_row(
            [
                &difference.scenario,
                &difference.what,
                &difference.expected,
                &difference.measured,
            ]
            .map(|t| visible(t)),
        );
    }
    writeln!(out, "{table}")
}

fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let width = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.max(80));
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        // One line below the header; rows need none between them.
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::MiddleIntersections)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(header);
    table
}

/// The name, with a mark if the reader's Go differs.
fn name(result: &ScenarioResult, differs: &impl Fn(&str) -> bool) -> String {
    if differs(&result.name) {
        format!("≠ {}", result.name)
    } else {
        result.name.clone()
    }
}

fn single_table(results: &[&ScenarioResult], differs: &impl Fn(&str) -> bool) -> Table {
    let mut table = new_table(&[
        "scenario",
        "what Go says",
        "when",
        "exit",
        "recover stops it",
        "stacks",
    ]);
    for result in results {
        table.add_row([
            name(result, differs),
            shortened(&visible(&verdict(result)), 200),
            result.detected.map_or("", Detected::name).to_owned(),
            result
                .exit_code
                .map_or_else(String::new, |code| code.to_string()),
            yes_no(result.recoverable),
            shortened(&visible(&stacks(result)), 200),
        ]);
    }
    table
}

fn leak_table(results: &[&ScenarioResult], differs: &impl Fn(&str) -> bool) -> Table {
    let mut table = new_table(&[
        "scenario",
        "blocked for ever",
        "the leak profile reports",
        "reports all in",
        "exit",
    ]);
    for result in results {
        let (left, reported, complete) = leaks(result)
            .unwrap_or_else(|| (visible(&verdict(result)), String::new(), String::new()));
        table.add_row([
            name(result, differs),
            left,
            visible(&reported),
            complete,
            result
                .exit_code
                .map_or_else(String::new, |code| code.to_string()),
        ]);
    }
    table
}

fn concurrent_table(results: &[&ScenarioResult], differs: &impl Fn(&str) -> bool) -> Table {
    let mut table = new_table(&[
        "scenario",
        "operations",
        "the runtime notices",
        "-race notices",
        "recover stops it",
        "stacks printed",
        "runs ended with",
    ]);
    for result in results {
        if let Some(reason) = &result.not_measured {
            table.add_row([
                name(result, differs),
                String::new(),
                format!("not measured: {}", visible(reason)),
            ]);
        }
        for noticed in &result.rates {
            table.add_row([
                name(result, differs),
                noticed.operations.clone().unwrap_or_default(),
                noticed.runtime.percent(),
                visible(&race(noticed)),
                yes_no(result.recoverable),
                stack_count(result),
                shortened(&visible(&outcomes(noticed)), 200),
            ]);
        }
    }
    table
}
