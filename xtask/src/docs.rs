//! `cargo xtask docs`: the rules' pages as files, made from their doc comments, and the output of
//! commands that the README shows.

#![expect(
    clippy::disallowed_methods,
    reason = "xtask writes files and starts goward"
)]
#![expect(clippy::print_stdout, reason = "says what it did")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail, ensure};
use goward_rules::{RULES, Rule};
use serde::Deserialize;

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
        stale.push(format!("docs/rules/{name}"));
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
            stale.push(format!("docs/rules/{name}"));
        }
    }
    let readme = workspace().join("README.md");
    let text = std::fs::read_to_string(&readme)?;
    let fresh = with_outputs(&text, goward)?;
    if fresh != text {
        if !arguments.check {
            std::fs::write(&readme, fresh)?;
        }
        stale.push("README.md".to_owned());
    }
    if stale.is_empty() {
        let count = pages.len() + 1;
        println!("README.md and docs/rules: {count} pages, all up to date");
    } else if arguments.check {
        bail!(
            "not up to date: {}; run `cargo xtask docs`",
            stale.join(", ")
        );
    } else {
        println!("wrote {}", stale.join(", "));
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

/// What stands before a block whose text is the output of a command; the command follows.
const OUTPUT: &str = "<!-- made by `cargo xtask docs`: goward ";

/// The text with the block after each [`OUTPUT`] comment replaced by what the command prints.
fn with_outputs(
    text: &str,
    run: impl Fn(&[&str]) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let mut fresh = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(OUTPUT) {
        let command = &rest[start + OUTPUT.len()..];
        let (command, after) = command
            .split_once(" -->\n```text\n")
            .context("no block follows")?;
        let end = after.find("```\n").context("a block does not end")?;
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let head = rest.len() - after.len();
        fresh.push_str(&rest[..head]);
        fresh.push_str(&run(&arguments)?);
        rest = &after[end..];
    }
    fresh.push_str(rest);
    Ok(fresh)
}

/// One of cargo's messages, as far as it matters.
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
}

/// What goward prints on both channels, in the order of a terminal: findings, then the summary.
fn goward(arguments: &[&str]) -> anyhow::Result<String> {
    let build = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--package",
            "goward",
            "--message-format",
            "json",
        ])
        .current_dir(workspace())
        .output()?;
    ensure!(build.status.success(), "goward does not build");
    let messages = String::from_utf8(build.stdout)?;
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Built>(line).ok());
    let program = messages.filter_map(|built| built.executable).next_back();
    let output = Command::new(program.context("cargo names no program")?)
        .args(arguments)
        .current_dir(workspace())
        .output()?;
    let error = String::from_utf8(output.stderr)?;
    ensure!(
        matches!(output.status.code(), Some(0 | 1)),
        "goward {arguments:?} failed: {error}"
    );
    Ok(String::from_utf8(output.stdout)? + &error)
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
    fn outputs_replace_the_blocks_after_their_comments() {
        let text = |block: &str| format!("a\n{OUTPUT}rules -x -->\n```text\n{block}```\nb\n");
        let run = |arguments: &[&str]| Ok(format!("{}\n", arguments.join("+")));
        assert_eq!(
            with_outputs(&text("old\n"), run).unwrap(),
            text("rules+-x\n")
        );
        assert!(with_outputs(&format!("{OUTPUT}rules -->\nno block"), run).is_err());
    }

    #[test]
    fn the_committed_pages_are_up_to_date() {
        run(&Arguments { check: true }).unwrap();
    }
}
