//! `goward rules`: every rule on a line.

use std::io::Write;
use std::process::ExitCode;

use goward_rules::{RULES, Rule};
use serde::Serialize;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    output_format: Format,
}

/// The formats of what is said about rules.
#[derive(Copy, Clone, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

/// A rule as programs read it.
#[derive(Serialize)]
pub(super) struct Description {
    name: &'static str,
    category: &'static str,
    group: &'static str,
    severity: &'static str,
    since: &'static str,
    /// `safe`, `unsafe`, `display-only`, or `null` when the rule offers no fix.
    fix_safety: Option<&'static str>,
    summary: String,
    /// Markdown.
    documentation: String,
}

impl Description {
    pub(super) fn new(rule: &Rule) -> Description {
        Description {
            name: rule.name,
            category: rule.category.name(),
            group: rule.group.name(),
            severity: rule.severity.name(),
            since: rule.since,
            fix_safety: rule.fix_safety.map(|safety| safety.name()),
            summary: rule.summary(),
            documentation: rule.documentation(),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = anstream::stdout().lock();
    if arguments.output_format == Format::Json {
        let rules: Vec<Description> = RULES.iter().map(Description::new).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&rules)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let columns = |column: fn(&Rule) -> usize| RULES.iter().map(column).max().unwrap_or(0);
    let name = columns(|rule| rule.name.len());
    let category = columns(|rule| rule.category.name().len());
    let group = columns(|rule| rule.group.name().len());
    for rule in RULES {
        writeln!(
            out,
            "{:name$}  {:category$}  {:group$}  {}",
            rule.name,
            rule.category.name(),
            rule.group.name(),
            rule.summary(),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
