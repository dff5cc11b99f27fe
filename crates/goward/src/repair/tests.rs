//! Tests of the fix loop with a check that finds the word `bad` and proposes another.

use goward_diagnostics::{Category, Diagnostic, Edit, Severity, SourceFile, Span};

use super::*;
use crate::progress::Progress;

/// Runs the loop over one file in which each `bad` is a finding with a fix to `to`.
fn check(text: &str, to: &str, safety: Safety, least: Safety) -> anyhow::Result<Repaired> {
    let progress = Progress::new(false);
    let path = PathBuf::from("/m/a.go");
    let mut request = Request {
        directory: "/m".into(),
        patterns: vec!["a.go".to_owned()],
        overlay: BTreeMap::from([(path.clone(), text.as_bytes().to_vec())]),
        only: None,
        selection: None,
        configuration: vec![],
        os: None,
        arch: None,
        tags: vec![],
        cache: None,
        rules: goward_rules::check_package,
        generated: false,
        progress: &progress,
    };
    repair(&mut request, least, |request| {
        let text = request.overlay[&path].clone();
        let file = SourceFile::new("a.go", text);
        let mut outcome = Outcome::default();
        let text = String::from_utf8_lossy(file.bytes()).into_owned();
        for (start, word) in text
            .match_indices("bad")
            .chain(text.match_indices("broken"))
        {
            let span = Span::new(start as u32, (start + word.len()) as u32);
            let rule = if word == "broken" {
                "syntax-error"
            } else {
                "nil-map-write"
            };
            let (category, severity) = (Category::Panic, Severity::Error);
            let finding =
                Diagnostic::new(rule, category, severity, file.path().clone(), span, "bad");
            outcome.diagnostics.push(finding.fix(Fix {
                safety,
                message: "change it".to_owned(),
                edits: vec![Edit {
                    file: file.path().clone(),
                    span,
                    replacement: to.to_owned(),
                }],
            }));
        }
        outcome.sources.insert(file);
        Ok(outcome)
    })
}

#[test]
fn fixes_are_applied_until_nothing_changes() {
    let repaired = check("bad\nbad\nx\n", "good", Safety::Safe, Safety::Safe).unwrap();
    assert_eq!(repaired.applied, 2);
    assert_eq!(repaired.outcome.diagnostics.len(), 0);
    let expected = "--- a/a.go\n+++ b/a.go\n@@ -1,3 +1,3 @@\n-bad\n-bad\n+good\n+good\n x\n";
    assert_eq!(diff(&repaired.changes), expected);
}

#[test]
fn fixes_that_promise_less_than_asked_are_left() {
    let repaired = check("bad", "good", Safety::Unsafe, Safety::Safe).unwrap();
    assert_eq!((repaired.applied, repaired.changes.len()), (0, 0));
    let repaired = check("bad", "good", Safety::DisplayOnly, Safety::DisplayOnly).unwrap();
    assert_eq!((repaired.applied, repaired.changes.len()), (0, 0));
    let repaired = check("bad", "good", Safety::Unsafe, Safety::Unsafe).unwrap();
    assert_eq!(repaired.applied, 1);
}

#[test]
fn a_fix_that_breaks_the_file_is_taken_back() {
    let Err(error) = check("bad", "broken", Safety::Safe, Safety::Safe) else {
        panic!("the broken file was accepted");
    };
    assert!(
        error.to_string().contains("would have broken a.go"),
        "{error}"
    );
}

#[test]
fn fixes_that_chase_each_other_come_to_an_end() {
    let repaired = check("bad", "worse than bad", Safety::Safe, Safety::Safe).unwrap();
    assert_eq!(repaired.applied, MOST_ROUNDS);
    assert_eq!(repaired.outcome.diagnostics.len(), 1);
}

#[test]
fn a_file_that_changed_meanwhile_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.go");
    files::write(&path, b"changed").unwrap();
    let change = |before: &str| {
        BTreeMap::from([(
            path.clone(),
            Change {
                shown: "a.go".to_owned(),
                before: before.into(),
                after: b"after".to_vec(),
            },
        )])
    };
    assert!(write(&change("before")).is_err());
    assert_eq!(files::read(&path).unwrap(), b"changed");
    write(&change("changed")).unwrap();
    assert_eq!(files::read(&path).unwrap(), b"after");
}

#[test]
fn a_patch_says_where_the_last_line_does_not_end() {
    let patch = |before: &str, after: &str| {
        let change = Change {
            shown: "a.go".to_owned(),
            before: before.into(),
            after: after.into(),
        };
        let patch = diff(&BTreeMap::from([(PathBuf::from("/m/a.go"), change)]));
        patch.split_once("@@\n").unwrap().1.to_owned()
    };
    const NONE: &str = "\\ No newline at end of file\n";
    assert_eq!(patch("a\nb", "c\nb"), format!("-a\n+c\n b\n{NONE}"));
    assert_eq!(patch("a\nb", "a\nc"), format!(" a\n-b\n{NONE}+c\n{NONE}"));
    assert_eq!(patch("a\nb", "a\nb\n"), format!(" a\n-b\n{NONE}+b\n"));
    assert_eq!(patch("a\nb\n", "c\nb\n"), "-a\n+c\n b\n");
}
