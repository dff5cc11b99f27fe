//! Any text as a Go file with suppressions: reading and applying them never panics, and a finding is
//! either suppressed or kept.

#![no_main]

use goward_diagnostics::{Diagnostic, SourceFile, Span};
use goward_rules::Suppressions;
use goward_syntax::{Mode, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| {
    let file = SourceFile::new("a.go", source);
    let tree = parse(source, Mode::Full);
    let comments = tree.comments().iter().map(|comment| comment.span);
    let rule = goward_rules::rule("syntax-error").expect("the rule exists");
    let findings: Vec<Diagnostic> = (0..source.len() as u32)
        .step_by(7)
        .map(|offset| rule.diagnostic(file.path().clone(), Span::at(offset), "planted"))
        .collect();
    let count = findings.len();
    let outcome = Suppressions::new(&file, comments).apply(&file, findings, |_| true);
    let kept = outcome
        .diagnostics
        .iter()
        .filter(|finding| finding.message == "planted");
    assert_eq!(kept.count() + outcome.suppressed, count);
});
