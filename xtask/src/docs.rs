//! `cargo xtask docs`: the rules' pages as files, made from their doc comments.

#![expect(clippy::disallowed_methods, reason = "xtask writes files")]
#![expect(clippy::print_stdout, reason = "says what it did")]

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, bail};
use goward_rules::{RULES, Rule};

use crate::go_program::workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail if a page is not up to date.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = workspace().join("docs/rules");
    let pages = pages();
    let mut stale = Vec::new();
    for (name, text) in &pages {
        let path = folder.join(name);
        if std::fs::read_to_string(&path).ok().as_ref() == Some(text) {
            continue;
        }
        stale.push(name.clone());
        if !arguments.check {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(&path, text).with_context(|| format!("cannot write {name}"))?;
        }
    }
    for entry in std::fs::read_dir(&folder).into_iter().flatten() {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") && !pages.contains_key(&name) {
            if !arguments.check {
                std::fs::remove_file(folder.join(&name))?;
            }
            stale.push(name);
        }
    }
    if stale.is_empty() {
        println!("docs/rules: {} pages, all up to date", pages.len());
    } else if arguments.check {
        bail!(
            "not up to date in docs/rules: {}; run `cargo xtask docs`",
            stale.join(", ")
        );
    } else {
        println!("docs/rules: wrote {}", stale.join(", "));
    }
    Ok(())
}

/// Every file of `docs/rules` with its text.
fn pages() -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> = RULES
        .iter()
        .map(|rule| (format!("{}.md", rule.name), page(rule)))
        .collect();
    pages.insert("README.md".to_owned(), index());
    pages
}

const GENERATED: &str = "<!-- Made by `cargo xtask docs` from the rules' doc comments. -->\n\n";

fn page(rule: &Rule) -> String {
    let fix = match rule.fix_safety {
        Some(safety) => safety.name(),
        None => "none",
    };
    let mut text = GENERATED.to_owned();
    let _ = write!(
        text,
        "# {}\n\n{}\n\n| category | severity | group | fix | since |\n|---|---|---|---|---|\n\
         | {} | {} | {} | {fix} | {} |\n\n{}",
        rule.name,
        rule.summary(),
        rule.category,
        rule.severity,
        rule.group.name(),
        rule.since,
        rule.documentation(),
    );
    text
}

fn index() -> String {
    let mut text = GENERATED.to_owned();
    text.push_str("# Rules\n\n| rule | category | severity | group | |\n|---|---|---|---|---|\n");
    for rule in RULES {
        let Rule {
            name,
            category,
            severity,
            ..
        } = rule;
        let (group, summary) = (rule.group.name(), rule.summary());
        let _ = writeln!(
            text,
            "| [{name}]({name}.md) | {category} | {severity} | {group} | {summary} |"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_pages_are_up_to_date() {
        run(&Arguments { check: true }).unwrap();
    }
}
