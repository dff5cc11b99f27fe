//! Any bytes as source, any spans as a finding with steps and edits: drawing never panics and lets no
//! control character through; applied fixes replace exactly their spans.

#![no_main]

use goward_diagnostics::{
    Category, Diagnostic, Edit, Fix, Rendering, Safety, Severity, SourceFile, Sources, Span,
    apply_fixes, check_wants, render, split_txtar,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<(u32, u32)>, String)| {
    let (source, spans, text) = input;
    let length = source.len() as u32 + 2;
    let spans: Vec<Span> = spans
        .into_iter()
        .map(|(start, end)| (start % length, end % length))
        .map(|(a, b)| Span::new(a.min(b), a.max(b)))
        .collect();
    let Some(&first) = spans.first() else {
        return;
    };
    let sources: Sources = [SourceFile::new("a.go", source)].into_iter().collect();
    let (category, severity) = (Category::Panic, Severity::Error);
    let mut finding = Diagnostic::new(
        "rule",
        category,
        severity,
        "a.go".into(),
        first,
        text.as_str(),
    );
    for &span in &spans {
        finding = finding.step("a.go".into(), span, text.as_str());
    }
    let edits = spans.iter().map(|&span| Edit {
        file: "a.go".into(),
        span,
        replacement: text.clone(),
    });
    let finding = finding.fix(Fix {
        safety: Safety::Safe,
        message: text.clone(),
        edits: edits.collect(),
    });
    let drawn = render(&finding, &sources, Rendering::default());
    assert!(!drawn.contains(|character: char| character.is_control() && character != '\n'));
    let fixed = apply_fixes(&sources, finding.fix.as_ref());
    assert_eq!(fixed.applied.len() + fixed.skipped.len(), 1);
    let _ = check_wants(&sources, &[finding]);
    let _ = split_txtar(&text, "a.go");
});
