//! Shows a measurement. One file an output format.

mod claims;
mod json;
mod markdown;
mod table;

use std::io::{self, Write};

use super::results::{Difference, Measurement, Noticed, ScenarioResult};

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutputFormat {
    /// Tables for a terminal.
    Table,
    /// One JSON object.
    Json,
    /// Markdown, as in `scenarios/RESULTS.md`.
    Markdown,
    /// Markdown: what common articles claim and these runs refute, as in `docs/refuted-claims.md`.
    Claims,
}

/// What a measurement is compared with, and what differs.
pub(crate) struct Comparison {
    /// Such as `the committed results (go1.26.8 linux/amd64)`.
    pub(crate) with: String,
    /// Such as `go1.27.0 linux/amd64`.
    pub(crate) of: String,
    pub(crate) differences: Vec<Difference>,
    /// Why rates were left out of the comparison.
    pub(crate) note: Option<String>,
}

/// Prints a measurement with its comparisons.
pub(crate) fn print(
    format: OutputFormat,
    out: &mut impl Write,
    measurement: &Measurement,
    comparisons: &[Comparison],
) -> io::Result<()> {
    match format {
        OutputFormat::Table => table::print(out, measurement, comparisons),
        OutputFormat::Json => json::print(out, measurement, comparisons),
        OutputFormat::Claims => claims::print(out, measurement),
        OutputFormat::Markdown => markdown::print(out, measurement, comparisons),
    }
}

/// What Go said of a deterministic scenario, in one line.
fn verdict(result: &ScenarioResult) -> String {
    if let Some(reason) = &result.not_measured {
        return format!("not measured: {reason}");
    }
    if !result.messages.is_empty() {
        return result.messages.join(" / ");
    }
    if let Some(profile) = &result.leak_profile {
        return format!(
            "nothing; {} goroutines left",
            profile.left.map_or("?".to_owned(), |left| left.to_string())
        );
    }
    if result.output.is_empty() {
        "nothing".to_owned()
    } else {
        format!("nothing; prints: {}", result.output.join(" / "))
    }
}

/// Whose stacks are printed and whose are not: `main.main; lost: main.main.func1 [running]`.
fn stacks(result: &ScenarioResult) -> String {
    if result.messages.is_empty() || result.not_measured.is_some() {
        return String::new();
    }
    let list = |goroutines: &[super::results::Goroutine]| {
        goroutines
            .iter()
            .map(|goroutine| goroutine.entry.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let printed = if result.stacks_printed.is_empty() {
        "none".to_owned()
    } else {
        list(&result.stacks_printed)
    };
    match result.stacks_lost.as_deref() {
        None | Some([]) => printed,
        Some(lost) => format!("{printed}; lost: {}", list(lost)),
    }
}

/// How many of the goroutines that there were have their stacks printed by default: `1 of 3`.
fn stack_count(result: &ScenarioResult) -> String {
    match (result.stacks_printed.len(), &result.stacks_lost) {
        (0, _) => "–".to_owned(),
        (printed, None) => format!("{printed} of ?"),
        (printed, Some(lost)) => format!("{printed} of {}", printed + lost.len()),
    }
}

/// What the race detector noticed, or why that is not known.
fn race(noticed: &Noticed) -> String {
    match (&noticed.race, &noticed.no_race) {
        (Some(rate), _) => rate.percent(),
        (None, Some(reason)) => format!("not measured: {reason}"),
        (None, None) => "not measured".to_owned(),
    }
}

/// The outcomes of the plain runs, the most frequent first.
fn outcomes(noticed: &Noticed) -> String {
    let mut outcomes: Vec<(&String, &u32)> = noticed.outcomes.iter().collect();
    outcomes.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    outcomes
        .iter()
        .map(|(text, count)| format!("{count}× {text}"))
        .collect::<Vec<_>>()
        .join("; ")
}

/// What the goroutine leak profile reported.
fn leaks(result: &ScenarioResult) -> Option<(String, String, String)> {
    let profile = result.leak_profile.as_ref()?;
    let left = profile.left.map_or("?".to_owned(), |left| left.to_string());
    if let Some(reason) = &profile.not_measured {
        return Some((left, format!("not measured: {reason}"), String::new()));
    }
    let reported = match profile.reported {
        Some((fewest, most)) if fewest == most => fewest.to_string(),
        Some((fewest, most)) => format!("{fewest} to {most}"),
        None => "?".to_owned(),
    };
    let complete = profile.complete.map_or(String::new(), |rate| {
        format!("{} of {}", rate.count, rate.times)
    });
    Some((left, reported, complete))
}

/// The groups of scenarios in the order of their first appearance.
fn groups<'a>(results: &[&'a ScenarioResult]) -> Vec<(&'a str, Vec<&'a ScenarioResult>)> {
    let mut groups: Vec<(&str, Vec<&ScenarioResult>)> = Vec::new();
    for result in results {
        match groups.iter_mut().find(|(group, _)| *group == result.group) {
            Some((_, members)) => members.push(result),
            None => groups.push((&result.group, vec![result])),
        }
    }
    groups
}

/// `go1.26.8 linux/amd64, 2 processors, concurrent scenarios run 20 times`.
fn heading(facts: &super::toolchain::Facts, times: u32) -> String {
    format!(
        "{} {}/{}, {} processor{}, concurrent scenarios run {times} times each",
        facts.version,
        facts.os,
        facts.arch,
        facts.processors,
        if facts.processors == 1 { "" } else { "s" }
    )
}

/// All that is known of one scenario, line by line.
pub(crate) fn lines(result: &ScenarioResult) -> Vec<String> {
    let mut lines = Vec::new();
    if result.not_measured.is_some() || !result.concurrent {
        lines.push(verdict(result));
    }
    if let Some(code) = result.exit_code {
        lines.push(format!("exit code {code}"));
    }
    if let Some(recoverable) = result.recoverable {
        lines.push(match (&result.recovered, recoverable) {
            (Some(value), true) => format!("a recover stops it and gets {value}"),
            (None, true) => "a recover stops it".to_owned(),
            (_, false) => "a recover in main does not stop it".to_owned(),
        });
    }
    let stacks = stacks(result);
    if !stacks.is_empty() {
        lines.push(format!("stacks printed: {stacks}"));
    }
    for noticed in &result.rates {
        let operations = noticed
            .operations
            .as_ref()
            .map(|n| format!("{n} operation{}: ", if n == "1" { "" } else { "s" }))
            .unwrap_or_default();
        lines.push(format!(
            "{operations}the runtime notices {}, -race {}",
            noticed.runtime.percent(),
            race(noticed)
        ));
        if !noticed.outcomes.is_empty() {
            lines.push(format!("  {}", outcomes(noticed)));
        }
    }
    if let Some((left, reported, complete)) = leaks(result) {
        lines.push(format!(
            "blocked for ever: {left}; the leak profile reports {reported}"
        ));
        if !complete.is_empty() {
            lines.push(format!("all of them in {complete} runs"));
        }
    }
    lines
}
