//! The result of `goward crash` as SARIF 2.1.0: one result per crash, at the frame that raised it,
//! with the panics that masked it as related locations, and one result per finding of `goward check`
//! that a crash is the outcome of.

use std::collections::BTreeSet;

use goward_trace::dump::{Dump, FrameId, Kind};
use serde_json::{Value, json};

use super::crash_text::{Shown, explain, findings, title};
use super::hazards::Explained;
use crate::output::sarif;

/// The whole log.
pub(crate) fn log(shown: &[Shown<'_>]) -> Value {
    let mut rules: Vec<&str> = Vec::new();
    let mut results = Vec::new();
    let mut hazards: BTreeSet<&str> = BTreeSet::new();
    let mut findings_below = Vec::new();
    for one in shown {
        for dump in &one.report.dumps {
            if matches!(dump.kind, Kind::Listing | Kind::Stack) {
                continue;
            }
            let rule = rule(dump);
            if !rules.contains(&rule) {
                rules.push(rule);
            }
            let explained = findings(one, dump);
            results.push(result(one, dump, rule, &explained));
            for explained in explained {
                if hazards.insert(&explained.finding.id) {
                    findings_below.push((one, explained.finding));
                }
            }
        }
    }
    let mut rules: Vec<Value> = rules
        .iter()
        .map(|id| json!({"id": id, "name": id, "shortDescription": {"text": format!("{} read from a Go crash dump", id.trim_start_matches("crash-"))}}))
        .collect();
    for (one, finding) in findings_below {
        let mut result = sarif::result(finding, one.hazards.sources());
        if let Some(rule) = goward_rules::rule(&finding.rule) {
            let known = rules.iter().position(|known| known["id"] == rule.name);
            let index = known.unwrap_or_else(|| {
                rules.push(sarif::rule(rule));
                rules.len() - 1
            });
            result["ruleIndex"] = json!(index);
        }
        results.push(result);
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "goward",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    })
}

fn rule(dump: &Dump<'_>) -> &'static str {
    match dump.kind {
        Kind::Panic => "crash-panic",
        Kind::Fatal => "crash-fatal-error",
        Kind::Signal => "crash-signal",
        Kind::Recovered => "crash-recovered-panic",
        Kind::Race => "crash-data-race",
        Kind::Listing | Kind::Stack => "crash-goroutines",
    }
}

fn result(shown: &Shown<'_>, dump: &Dump<'_>, rule: &str, explained: &[Explained<'_>]) -> Value {
    let original = dump.original.map(|index| &dump.panics[index]);
    let mut text = title(dump).to_owned();
    let value = original
        .and_then(|panic| panic.text.as_deref())
        .or(dump.fatal.as_ref().map(|fatal| fatal.text))
        .or(dump.signal);
    if let Some(value) = value {
        text.push_str(": ");
        text.push_str(value);
    }
    for sentence in explain(shown, dump) {
        text.push('\n');
        text.push_str(&sentence);
    }
    for one in explained {
        text.push_str(&format!(
            "\nfinding {}: {} ({}); id {}",
            one.finding.rule,
            one.finding.message,
            one.because(),
            one.finding.id
        ));
    }
    let raced = dump.accesses.first().and_then(|access| {
        let stack = shown.report.stack(&dump.goroutines[access.goroutine]);
        stack
            .iter()
            .map(|call| call.frame)
            .find(|&id| !shown.report.frame(id).runtime)
    });
    let at = original
        .and_then(|panic| panic.raised_by)
        .or(dump.fatal.as_ref().and_then(|fatal| fatal.raised_by))
        .or(raced);
    let locations: Vec<Value> = at.into_iter().map(|id| location(shown, id, None)).collect();
    let related: Vec<Value> = dump
        .panics
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != dump.original)
        .filter_map(|(_, panic)| {
            let text = panic
                .text
                .as_deref()
                .unwrap_or("a panic whose value is unknown");
            Some(location(
                shown,
                panic.raised_by?,
                Some(&format!("masked by: {text}")),
            ))
        })
        .collect();
    json!({
        "ruleId": rule,
        "level": if dump.kind == Kind::Recovered { "warning" } else { "error" },
        "message": {"text": super::escape::terminal(&text)},
        "locations": locations,
        "relatedLocations": related,
        "properties": {"hazards": explained.iter().map(|one| &one.finding.id).collect::<Vec<_>>()},
    })
}

fn location(shown: &Shown<'_>, id: FrameId, message: Option<&str>) -> Value {
    let frame = shown.report.frame(id);
    let mut location = json!({
        "physicalLocation": {"artifactLocation": {"uri": uri(frame.file)}},
        "logicalLocations": [{"fullyQualifiedName": frame.function, "kind": "function"}],
    });
    if frame.line > 0 {
        location["physicalLocation"]["region"] = json!({"startLine": frame.line});
    }
    if let Some(message) = message {
        location["message"] = json!({"text": super::escape::terminal(message)});
    }
    location
}

/// A path as a URI reference: everything but the characters that paths may have is escaped.
fn uri(file: &str) -> String {
    let mut uri = String::new();
    if file.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
