//! `sarif`: SARIF 2.1.0, with the path of evidence as a code flow and the hazard's identity as a
//! fingerprint.
//!
//! The types are written here because the crate that has them all (serde-sarif) generates them with
//! two parser generators at build time: 37 CPU seconds, a sixth of what the whole of goward may take,
//! for the dozen objects below. A test holds the output against the official schema.

use std::io::{self, Write};

use goward_diagnostics::{
    Diagnostic, FilePath, Fix, Severity, Sources, Span, Step, neutralise, neutralise_json,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Output, Region, Report};

pub(super) struct Sarif;

impl Output for Sarif {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        let results: Vec<Value> = report
            .diagnostics
            .iter()
            .map(|diagnostic| result(diagnostic, report.sources))
            .collect();
        let rules: Vec<Value> = goward_rules::RULES.iter().map(rule).collect();
        let notifications: Vec<Value> = report
            .errors
            .iter()
            .map(|error| json!({ "level": "error", "message": { "text": *neutralise(error) } }))
            .collect();
        let log = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {
                    "driver": {
                        "name": "goward",
                        "version": env!("CARGO_PKG_VERSION"),
                        "rules": rules,
                    }
                },
                "columnKind": "utf16CodeUnits",
                "invocations": [{
                    "executionSuccessful": report.errors.is_empty(),
                    "toolExecutionNotifications": notifications,
                }],
                "results": results,
            }],
        });
        let text = serde_json::to_string_pretty(&log)?;
        writeln!(out, "{}", neutralise_json(&text))
    }
}

/// A rule as the driver of a run lists it.
pub(crate) fn rule(rule: &goward_rules::Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.summary() },
        "help": { "text": rule.documentation(), "markdown": rule.documentation() },
        "defaultConfiguration": {
            "enabled": rule.group == goward_rules::Group::Default,
            "level": level(rule.severity),
        },
        "properties": {
            "category": rule.category.name(),
            "group": rule.group.name(),
            "since": rule.since,
            "tags": [rule.category.name()],
        },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A finding as a result. Its `ruleIndex` counts in [`goward_rules::RULES`].
pub(crate) fn result(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let mut text = neutralise(&diagnostic.message).into_owned();
    if !diagnostic.help.is_empty() {
        text = format!("{text}\nhelp: {}", neutralise(&diagnostic.help));
    }
    let mut location = place(&diagnostic.file, diagnostic.span, sources);
    if !diagnostic.function.is_empty() {
        let function = neutralise(&diagnostic.function);
        location["logicalLocations"] =
            json!([{ "fullyQualifiedName": function, "kind": "function" }]);
    }
    let mut result = json!({
        "ruleId": &diagnostic.rule,
        "level": level(diagnostic.severity),
        "message": { "text": text },
        "locations": [location],
        "partialFingerprints": { "goward/v1": &diagnostic.id },
        "properties": { "category": diagnostic.category.name() },
    });
    let rules = goward_rules::RULES;
    if let Some(index) = rules.iter().position(|rule| rule.name == diagnostic.rule) {
        result["ruleIndex"] = json!(index);
    }
    if !diagnostic.path.is_empty() {
        let steps = diagnostic.path.iter().map(|step| flow_step(step, sources));
        let steps: Vec<Value> = steps.collect();
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps }] }]);
    }
    if let Some(fix) = &diagnostic.fix {
        result["fixes"] = json!([sarif_fix(fix, sources)]);
    }
    result
}

fn flow_step(step: &Step, sources: &Sources) -> Value {
    let mut location = place(&step.file, step.span, sources);
    location["message"] = json!({ "text": *neutralise(&step.message) });
    json!({ "location": location })
}

fn sarif_fix(fix: &Fix, sources: &Sources) -> Value {
    let mut files: Vec<&FilePath> = fix.edits.iter().map(|edit| &edit.file).collect();
    files.sort();
    files.dedup();
    let changes = files.into_iter().map(|file| {
        let edits = fix.edits.iter().filter(|edit| edit.file == *file);
        let replacements = edits.map(|edit| {
            json!({
                "deletedRegion": region(file, edit.span, sources),
                "insertedContent": { "text": edit.replacement },
            })
        });
        json!({
            "artifactLocation": { "uri": uri(file) },
            "replacements": replacements.collect::<Vec<_>>(),
        })
    });
    let text = format!("{} ({})", neutralise(&fix.message), fix.safety.name());
    json!({
        "description": { "text": text },
        "artifactChanges": changes.collect::<Vec<_>>(),
    })
}

/// A location object; without a region when the file is not at hand.
fn place(file: &FilePath, span: Span, sources: &Sources) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(file) } });
    if let Some(region) = region(file, span, sources) {
        physical["region"] = region;
    }
    json!({ "physicalLocation": physical })
}

fn region(file: &FilePath, span: Span, sources: &Sources) -> Option<Value> {
    let source = sources.get(file)?;
    let Region { line, end_line, .. } = Region::new(sources, file, span);
    let column = |offset| source.lines().utf16_column(source.bytes(), offset);
    Some(json!({
        "startLine": line,
        "startColumn": column(span.start),
        "endLine": end_line,
        "endColumn": column(span.end),
    }))
}

/// A path as a URI reference: relative as it is, absolute with a scheme.
fn uri(file: &FilePath) -> String {
    /// What a path segment may hold unescaped, and `/`.
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    let path = utf8_percent_encode(file, ESCAPED).to_string();
    if path.starts_with('/') {
        format!("file://{path}")
    } else {
        path
    }
}
