//! `goward explain RULE`: the rule's page.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;

use super::rules::{Description, Format};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Name of a rule, or a finding's id.
    rule: String,
    /// How to print.
    #[arg(long, value_enum, default_value = "text")]
    output_format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // An id starts with the name of its rule.
    let name = arguments.rule.split('@').next().unwrap_or_default();
    let Some(rule) = goward_rules::rule(name) else {
        match goward_rules::nearest_rule(name) {
            Some(meant) => bail!("there is no rule `{name}`; did you mean `{meant}`?"),
            None => bail!("there is no rule `{name}`; `goward rules` lists them"),
        }
    };
    let mut out = anstream::stdout().lock();
    if arguments.output_format == Format::Json {
        writeln!(
            out,
            "{}",
            serde_json::to_string_pretty(&Description::new(rule))?
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let fix = match rule.fix_safety {
        Some(safety) => format!("{} fix", safety.name()),
        None => "no fix".to_owned(),
    };
    let (category, severity) = (rule.category, rule.severity);
    writeln!(out, "# {}\n\n{}\n", rule.name, rule.summary())?;
    let group = rule.group.name();
    writeln!(
        out,
        "{category} · {severity} · group {group} · {fix} · since {}\n",
        rule.since
    )?;
    write!(out, "{}", rule.documentation())?;
    Ok(ExitCode::SUCCESS)
}
