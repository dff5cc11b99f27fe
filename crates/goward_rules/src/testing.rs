//! What tests use: the only place in them that touches the API of the analysis, so that it stays
//! free to change.

use std::fmt::Write;

use goward_diagnostics::{Diagnostic, SourceFile, Sources, Span, check_wants};

use crate::fixed_builds;
use crate::rules::{bad_suppression, syntax_error};
use crate::{Group, HEADINGS, RULES, Rule, Selection, Suppressions};

/// All findings in these files, taken as packages of one module.
pub(crate) fn findings(sources: &Sources) -> Vec<Diagnostic> {
    let everything = Selection::new(&["all"], &[""; 0], &[""; 0]).unwrap();
    let mut findings = Vec::new();
    goward_flow::testing::with_packages(sources, |package| {
        findings.extend(crate::check_package(package, &everything).findings);
    });
    let mut planted = Vec::new();
    let files = sources.iter();
    for file in files.filter(|file| file.path().as_str().ends_with(".go")) {
        let tree = goward_syntax::parse(file.bytes(), goward_syntax::Mode::Full);
        let errors = tree.diagnostics().iter().map(|error| {
            syntax_error::RULE.diagnostic(file.path().clone(), error.span, error.message.as_str())
        });
        let suppressions = Suppressions::new(file, comments(file));
        let mut of_file: Vec<Diagnostic> = errors.collect();
        let path = file.path();
        of_file.extend(findings.iter().filter(|found| found.file == *path).cloned());
        planted.extend(suppressions.apply(file, of_file, |_| true).diagnostics);
    }
    Diagnostic::sort(&mut planted);
    planted
}

/// Holds the findings of one rule in a text, several files under `-- path --` headers, against its
/// marks.
#[track_caller]
pub(crate) fn check(rule: &Rule, text: &str) {
    let (sources, found) = checked(rule, text);
    fixed_builds::check(&sources, &found, findings);
}

/// The same for a text that imports what is not there, and so cannot be built.
#[track_caller]
pub(crate) fn check_incomplete(rule: &Rule, text: &str) {
    checked(rule, text);
}

#[track_caller]
fn checked(rule: &Rule, text: &str) -> (Sources, Vec<Diagnostic>) {
    let sources = goward_flow::testing::sources(text);
    let mut found = findings(&sources);
    found.retain(|diagnostic| diagnostic.rule == rule.name);
    if let Err(differences) = check_wants(&sources, &found) {
        panic!("{}:\n{differences}", rule.name);
    }
    (sources, found)
}

/// Where the comments of a file are.
fn comments(file: &SourceFile) -> Vec<Span> {
    let tree = goward_syntax::parse(file.bytes(), goward_syntax::Mode::Full);
    tree.comments().iter().map(|comment| comment.span).collect()
}

/// Applies the suppressions of a file to a finding of `bad-suppression` at each `§`, which is taken
/// out, and holds what is left against the marks.
#[track_caller]
pub(crate) fn check_suppressions(marked: &str) {
    let mut text = String::new();
    let mut offsets = Vec::new();
    for (index, part) in marked.split('§').enumerate() {
        if index > 0 {
            offsets.push(text.len() as u32);
        }
        text.push_str(part);
    }
    let file = SourceFile::new("a.go", text);
    let diagnostics = offsets.into_iter().map(|offset| {
        bad_suppression::RULE.diagnostic(file.path().clone(), Span::at(offset), "planted")
    });
    let suppressions = Suppressions::new(&file, comments(&file));
    let left = suppressions
        .apply(&file, diagnostics.collect(), |_| true)
        .diagnostics;
    let sources: Sources = [file].into_iter().collect();
    if let Err(differences) = check_wants(&sources, &left) {
        panic!("{differences}");
    }
}

/// What is wrong with the page of a rule: its headings, its examples against their marks, the form
/// of its messages. `findings` runs all rules.
fn problems(rule: &Rule, findings: impl Fn(&Sources) -> Vec<Diagnostic>) -> String {
    let mut problems = String::new();
    let mut problem = |text: &str| {
        let _ = writeln!(problems, "{}: {text}", rule.name);
    };
    let summary = rule.summary();
    if summary.contains('\n') || !summary.ends_with('.') || !summary.starts_with(char::is_uppercase)
    {
        problem("the summary is not one line with one sentence");
    }
    let sections = rule.sections();
    let headings: Vec<&str> = sections
        .iter()
        .map(|section| section.heading.as_str())
        .collect();
    // There is no program that goward is meant to fail on.
    let internal = rule.category == goward_diagnostics::Category::Internal;
    let wanted = if internal {
        &HEADINGS[..2]
    } else {
        &HEADINGS[..]
    };
    if headings != wanted {
        problem(&format!("the headings are {headings:?}, not {wanted:?}"));
    }
    for section in &sections {
        if section.text.trim().is_empty() {
            problem(&format!("nothing stands under `{}`", section.heading));
        }
    }
    let examples = rule.examples();
    for heading in wanted
        .iter()
        .filter(|heading| ["Flagged", "Accepted"].contains(heading))
    {
        if !examples.iter().any(|example| example.heading == *heading) {
            problem(&format!("there is no Go example under `{heading}`"));
        }
    }
    for (index, example) in examples.iter().enumerate() {
        let files = example.files.iter();
        let sources: Sources = files
            .map(|(path, text)| SourceFile::new(path.as_str(), text.as_str()))
            .collect();
        let mut found = findings(&sources);
        // Other rules of the nursery are not what a reader of this page would see.
        found.retain(|diagnostic| {
            let group = crate::rule(&diagnostic.rule).map(|rule| rule.group);
            diagnostic.rule == rule.name || group != Some(Group::Nursery)
        });
        if let Err(differences) = check_wants(&sources, &found) {
            problem(&format!("example {}:\n{differences}", index + 1));
        }
        fixed_builds::check(&sources, &found, &findings);
        let own = found.iter().any(|diagnostic| diagnostic.rule == rule.name);
        match example.heading.as_str() {
            "Flagged" if !own => problem(&format!("example {} is not flagged", index + 1)),
            "Accepted" if !found.is_empty() => {
                problem(&format!("example {} is flagged", index + 1));
            }
            _ => {}
        }
        for diagnostic in &found {
            let texts = [&diagnostic.message, &diagnostic.help];
            let steps = diagnostic.path.iter().map(|step| &step.message);
            let fix = diagnostic.fix.iter().map(|fix| &fix.message);
            for text in texts.into_iter().chain(steps).chain(fix) {
                if let Some(cause) = message_problem(text) {
                    problem(&format!("message `{text}`: {cause}"));
                }
            }
            if diagnostic.message.is_empty() {
                problem("a message is empty");
            }
        }
    }
    problems
}

/// What is wrong with the form of a message; an empty one has no form.
fn message_problem(text: &str) -> Option<&'static str> {
    let word = text.split_whitespace().next()?;
    // `Cache.items` and `(*Cache).Flush` are names, `The` and `Cache` are not told apart.
    let name = word.contains(['.', '_', '`', '(']);
    if !name && word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase) {
        Some("it starts with a capital letter (put a name in backticks)")
    } else if text.ends_with('.') && !text.ends_with("...") {
        Some("it ends with a dot")
    } else if text.contains('\n') {
        Some("it has several lines")
    } else {
        None
    }
}

#[test]
fn the_page_of_every_rule_is_true() {
    let problems: String = RULES.iter().map(|rule| problems(rule, findings)).collect();
    assert!(problems.is_empty(), "\n{problems}");
}

#[test]
fn planted_mistakes_in_a_page_are_found() {
    /// A page with a mistake, made of good parts.
    fn page(summary: &'static str, page: &'static str) -> Rule {
        Rule {
            raw_summary: summary,
            raw_documentation: page,
            name: "bad-suppression",
            ..bad_suppression::RULE
        }
    }
    const SUMMARY: &str = " Reports it.";
    const START: &str = " ## What it reports\n\n x\n\n ## Why it matters\n\n x\n\n ## Flagged\n\n";
    const BLOCK: &str = " ```go\n package a\n\n";
    let flagged = " //goward:ignore // want bad-suppression\n ```\n\n";
    let accepted = " ## Accepted\n\n ```go\n package a\n ```\n\n ## Fix safety\n\n x\n";
    let check = |summary, parts: &[&str]| problems(&page(summary, parts.concat().leak()), findings);
    assert_eq!(check(SUMMARY, &[START, BLOCK, flagged, accepted]), "");
    for (summary, parts, cause) in [
        (" Reports it", [START, BLOCK, flagged, accepted], "summary"),
        (SUMMARY, [START, BLOCK, flagged, ""], "headings"),
        (
            SUMMARY,
            [START, BLOCK, " //goward:ignore\n ```\n", accepted],
            "not wanted",
        ),
        (
            SUMMARY,
            [START, BLOCK, " // want bad-suppression\n ```\n", accepted],
            "not found",
        ),
        (
            SUMMARY,
            [START, BLOCK, " ```\n", accepted],
            "example 1 is not flagged",
        ),
        (
            SUMMARY,
            [START, " x\n", "", accepted],
            "no Go example under `Flagged`",
        ),
        (
            SUMMARY,
            [
                START,
                BLOCK,
                flagged,
                &accepted
                    .replace("package a", flagged.trim_end_matches([' ', '`', '\n']))
                    .leak()[..],
            ],
            "example 2 is flagged",
        ),
    ] {
        let problems = check(summary, &parts);
        assert!(problems.contains(cause), "{cause}: {problems}");
    }
}

#[test]
fn the_form_of_messages_is_checked() {
    for good in [
        "m is nil",
        "`Cache` is nil",
        "Cache.items is nil",
        "URL is nil",
        "",
        "see `x`...",
    ] {
        assert_eq!(message_problem(good), None, "{good}");
    }
    for bad in ["The map is nil", "m is nil.", "m is\nnil"] {
        assert!(message_problem(bad).is_some(), "{bad}");
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test reads the source of the rules"
)]
fn every_file_of_a_rule_is_listed_once_and_in_order() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .replace('_', "-");
        if path.is_file() && name != "mod" {
            files.push(name);
        }
    }
    files.sort();
    let listed: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(listed, files);
}

#[test]
fn any_text_can_hold_suppressions() {
    let mut state = 1u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below as usize
    };
    let pieces = [
        "//goward:ignore",
        "//goward:ignore-file",
        "//goward:",
        " syntax-error",
        ",",
        " because",
        "\n",
        "\t",
        "\u{a0}",
        "/*",
        "*/",
        "//",
        " // want x",
        "package a",
        "é",
        "\"",
        "`",
    ];
    for _ in 0..3_000 {
        let text: String = (0..random(14)).map(|_| pieces[random(17)]).collect();
        let file = SourceFile::new("a.go", text.as_str());
        let planted: Vec<Diagnostic> = (0..text.len() as u32)
            .map(|offset| {
                syntax_error::RULE.diagnostic(file.path().clone(), Span::at(offset), "planted")
            })
            .collect();
        let count = planted.len();
        let outcome = Suppressions::new(&file, comments(&file)).apply(&file, planted, |_| true);
        let kept = outcome
            .diagnostics
            .iter()
            .filter(|found| found.message == "planted")
            .count();
        assert_eq!(kept + outcome.suppressed, count, "{text:?}");
        let about = outcome
            .diagnostics
            .iter()
            .filter(|found| found.message != "planted");
        for found in about {
            let span = found.span.range();
            assert!(text.get(span).is_some(), "{text:?}: {found:?}");
        }
    }
}
