//! `cargo xtask realbugs`: how many bugs that were really fixed in public Go projects `goward check`
//! finds in the version before the fix, and whether it is silent on the version after it.
//!
//! It takes two things from outside of this repository. The list of bugs is a text file with one
//! JSON object a line (see [`Bug`]); the trees are folders `ID/parent` and `ID/fix` with the Go files
//! of both versions. A bug counts as found when a finding of a rule of its kind stands within three
//! lines of a line that the list names. It counts as silent on the fix when the same rule then
//! reports less in the same function.

#![expect(clippy::disallowed_methods, reason = "xtask starts programs")]
#![expect(clippy::print_stdout, reason = "the table is the output")]
#![expect(clippy::print_stderr, reason = "names the trees that do not load")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use rayon::prelude::*;
use serde::Deserialize;

use crate::go_program::workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The list of bugs, one JSON object a line.
    #[arg(long)]
    bugs: PathBuf,
    /// The folder with `ID/parent` and `ID/fix` of each bug.
    #[arg(long)]
    trees: PathBuf,
    /// Write the table to bench/realbugs.md.
    #[arg(long)]
    write: bool,
    /// Print every finding of each bug's folders, not only whether the bug is found.
    #[arg(long)]
    findings: bool,
    /// Only bugs whose id or kind contains one of these.
    only: Vec<String>,
}

/// A bug, as far as it matters here.
#[derive(Deserialize)]
struct Bug {
    id: String,
    kind: String,
    sites: Vec<Site>,
}

/// A place where the bug may be reported.
#[derive(Deserialize)]
struct Site {
    file: String,
    lines: Vec<u32>,
}

#[derive(Deserialize, Clone)]
struct Finding {
    rule: String,
    category: String,
    file: String,
    line: u32,
    function: Option<String>,
}

/// How far a finding may stand from a line of the list.
const TOLERANCE: u32 = 3;

/// What became of a bug.
struct Verdict<'bug> {
    bug: &'bug Bug,
    /// The rules on by default that found it.
    default: Vec<String>,
    /// The rules in `nursery` that found it.
    nursery: Vec<String>,
    silent_on_fix: bool,
    /// Findings of rules on by default in the folders of the bug.
    noise: usize,
    lines: usize,
    listing: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--package", "goward"])
        .current_dir(workspace())
        .status()?;
    ensure!(status.success(), "goward does not build");
    let text = std::fs::read_to_string(&arguments.bugs)
        .with_context(|| format!("cannot read {}", arguments.bugs.display()))?;
    let bugs: Vec<Bug> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("in {}", arguments.bugs.display()))?;
    let wanted = |bug: &&Bug| {
        arguments.only.is_empty()
            || arguments
                .only
                .iter()
                .any(|only| bug.id.contains(only.as_str()) || bug.kind.contains(only.as_str()))
    };
    let bugs: Vec<&Bug> = bugs.iter().filter(wanted).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    let verdicts: Vec<Verdict<'_>> = pool.install(|| {
        bugs.par_iter()
            .map(|bug| judge(bug, arguments).with_context(|| bug.id.clone()))
            .collect::<anyhow::Result<_>>()
    })?;
    let report = report(&verdicts)?;
    println!("{report}");
    if arguments.findings {
        for verdict in &verdicts {
            println!("{}\n{}", verdict.bug.id, verdict.listing);
        }
    }
    if arguments.write {
        ensure!(
            arguments.only.is_empty(),
            "--write wants all bugs, so name none"
        );
        std::fs::write(workspace().join("bench/realbugs.md"), report)?;
    }
    Ok(())
}

fn judge<'bug>(bug: &'bug Bug, arguments: &Arguments) -> anyhow::Result<Verdict<'bug>> {
    let tree = arguments.trees.join(&bug.id);
    let mut folders: Vec<String> = bug
        .sites
        .iter()
        .filter_map(|site| Path::new(&site.file).parent())
        .map(|folder| format!("./{}", folder.display()))
        .collect();
    folders.sort();
    folders.dedup();
    let (before, after) = (tree.join("parent"), tree.join("fix"));
    let findings = check(&before, &folders)?;
    let fixed = check(&after, &folders)?;
    let mut hits: Vec<&Finding> = findings
        .iter()
        .filter(|finding| fits(finding, &bug.kind) && at_a_site(finding, bug))
        .collect();
    hits.sort_by(|a, b| a.rule.cmp(&b.rule));
    let silent_on_fix = hits.iter().any(|hit| {
        let alike = |other: &&Finding| {
            other.rule == hit.rule && other.file == hit.file && other.function == hit.function
        };
        fixed.iter().filter(alike).count() < findings.iter().filter(alike).count()
    });
    let mut rules: Vec<String> = hits.iter().map(|hit| hit.rule.clone()).collect();
    rules.dedup();
    let (default, nursery) = rules.into_iter().partition(|name| is_default(name));
    let listing = findings.iter().fold(String::new(), |text, finding| {
        let Finding {
            rule, file, line, ..
        } = finding;
        let function = finding.function.as_deref().unwrap_or_default();
        text + &format!("    {file}:{line} {function} {rule}\n")
    });
    Ok(Verdict {
        bug,
        default,
        nursery,
        silent_on_fix,
        noise: findings
            .iter()
            .filter(|finding| is_default(&finding.rule))
            .count(),
        lines: folders
            .iter()
            .map(|folder| lines(&before.join(folder)))
            .sum(),
        listing,
    })
}

fn is_default(name: &str) -> bool {
    goward_rules::rule(name).is_some_and(|rule| rule.group == goward_rules::Group::Default)
}

/// Whether a rule of that category may claim to have found a bug of that kind. A missing lock is
/// told as a race by some rules and as a wrong use of the lock by others.
fn fits(finding: &Finding, kind: &str) -> bool {
    let nil_map = finding.rule.starts_with("nil-map");
    match (kind, finding.category.as_str()) {
        ("nil-map", _) => nil_map,
        ("concurrent-map" | "mutex", "race" | "deadlock") => true,
        ("goroutine-leak", "leak") => true,
        ("defer-panic", "panic" | "lost-error" | "stale-value") => !nil_map,
        ("defer-panic", _) => finding.rule.contains("defer") || finding.rule.contains("wait-group"),
        _ => false,
    }
}

fn at_a_site(finding: &Finding, bug: &Bug) -> bool {
    bug.sites.iter().any(|site| {
        finding.file.trim_start_matches("./") == site.file
            && site
                .lines
                .iter()
                .any(|line| line.abs_diff(finding.line) <= TOLERANCE)
    })
}

fn check(tree: &Path, folders: &[String]) -> anyhow::Result<Vec<Finding>> {
    // A fix may remove a folder.
    let folders: Vec<&String> = folders
        .iter()
        .filter(|folder| tree.join(folder).is_dir())
        .collect();
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let output = Command::new(workspace().join("target/release/goward"))
        .args(["check", "--no-cache", "--quiet", "--output-format", "json"])
        .args(["--select", "all"])
        .args(folders)
        .current_dir(tree)
        .output()?;
    // Old trees do not always load whole; what was found in the rest counts.
    if !matches!(output.status.code(), Some(0 | 1)) {
        eprintln!(
            "goward failed in {}: {}",
            tree.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("goward printed no findings in {}", tree.display()))
}

/// Lines of the Go files below a folder, tests left out.
fn lines(folder: &Path) -> usize {
    crate::go_program::go_files(&[folder.to_path_buf()])
        .unwrap_or_default()
        .iter()
        .filter(|file| !file.to_string_lossy().ends_with("_test.go"))
        .filter_map(|file| std::fs::read(file).ok())
        .map(|text| memchr::memchr_iter(b'\n', &text).count())
        .sum()
}

fn report(verdicts: &[Verdict<'_>]) -> anyhow::Result<String> {
    let mut kinds: BTreeMap<&str, Vec<&Verdict<'_>>> = BTreeMap::new();
    for verdict in verdicts {
        kinds.entry(&verdict.bug.kind).or_default().push(verdict);
    }
    let mut text = String::from(
        "# Bugs that were really fixed, and what finds them\n\n\
         Made by `cargo xtask realbugs`: the packages of each bug before and after its fix. A bug is\n\
         found when a finding of a rule of its kind stands within three lines of a line that the list\n\
         of bugs names; *silent on the fix* says that this rule reports less in that function then.\n\n\
         | kind | bugs | found by default | of these silent on the fix | found with `nursery` | of these silent on the fix |\n\
         |---|---|---|---|---|---|\n",
    );
    let all: Vec<&Verdict<'_>> = verdicts.iter().collect();
    for (kind, verdicts) in kinds.iter().chain(std::iter::once((&"all", &all))) {
        let count = |fits: &dyn Fn(&Verdict<'_>) -> bool| {
            verdicts.iter().filter(|verdict| fits(verdict)).count()
        };
        writeln!(
            text,
            "| {kind} | {} | {} | {} | {} | {} |",
            verdicts.len(),
            count(&|verdict| !verdict.default.is_empty()),
            count(&|verdict| !verdict.default.is_empty() && verdict.silent_on_fix),
            count(&|verdict| verdict.found()),
            count(&|verdict| verdict.found() && verdict.silent_on_fix),
        )?;
    }
    let noise: usize = verdicts.iter().map(|verdict| verdict.noise).sum();
    let lines: usize = verdicts.iter().map(|verdict| verdict.lines).sum();
    writeln!(
        text,
        "\n{noise} findings of rules on by default (their tests included) beside {lines} lines that are no tests.\n\n\
         | bug | found by | silent on the fix |\n|---|---|---|"
    )?;
    for verdict in verdicts {
        let mut names = verdict.default.clone();
        names.extend(
            verdict
                .nursery
                .iter()
                .map(|name| format!("{name} (nursery)")),
        );
        let silent = match (verdict.found(), verdict.silent_on_fix) {
            (false, _) => "",
            (true, true) => "yes",
            (true, false) => "no",
        };
        writeln!(
            text,
            "| {} | {} | {silent} |",
            verdict.bug.id,
            names.join(", ")
        )?;
    }
    Ok(text)
}

impl Verdict<'_> {
    fn found(&self) -> bool {
        !self.default.is_empty() || !self.nursery.is_empty()
    }
}
