//! `json`: one array of findings.

use std::io::{self, Write};

use goward_diagnostics::{Category, Diagnostic, Severity, Sources, neutralise_json};
use serde::Serialize;

use super::{Output, Region, Report};

pub(super) struct Json;

impl Output for Json {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        let findings: Vec<Finding<'_>> = report
            .diagnostics
            .iter()
            .map(|diagnostic| Finding::new(diagnostic, report.sources))
            .collect();
        let text = serde_json::to_string_pretty(&findings)?;
        writeln!(out, "{}", neutralise_json(&text))
    }
}

/// A finding as programs read it. Lines and columns as in [`Region`].
#[derive(Serialize)]
pub(crate) struct Finding<'a> {
    rule: &'a str,
    category: Category,
    severity: Severity,
    file: &'a str,
    #[serde(flatten)]
    region: Region,
    /// Empty outside functions.
    function: &'a str,
    message: &'a str,
    /// Empty when there is nothing short to say.
    help: &'a str,
    path: Vec<Step<'a>>,
    /// `null` when there is none.
    fix: Option<Fix<'a>>,
    id: &'a str,
}

#[derive(Serialize)]
struct Step<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    message: &'a str,
}

#[derive(Serialize)]
struct Fix<'a> {
    safety: &'static str,
    message: &'a str,
    edits: Vec<Edit<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    file: &'a str,
    #[serde(flatten)]
    region: Region,
    replacement: &'a str,
}

impl<'a> Finding<'a> {
    pub(crate) fn new(diagnostic: &'a Diagnostic, sources: &Sources) -> Finding<'a> {
        let path = diagnostic.path.iter().map(|step| {
            let region = Region::new(sources, &step.file, step.span);
            Step {
                file: &step.file,
                line: region.line,
                column: region.column,
                message: &step.message,
            }
        });
        let fix = diagnostic.fix.as_ref().map(|fix| Fix {
            safety: fix.safety.name(),
            message: &fix.message,
            edits: fix
                .edits
                .iter()
                .map(|edit| Edit {
                    file: &edit.file,
                    region: Region::new(sources, &edit.file, edit.span),
                    replacement: &edit.replacement,
                })
                .collect(),
        });
        Finding {
            rule: &diagnostic.rule,
            category: diagnostic.category,
            severity: diagnostic.severity,
            file: &diagnostic.file,
            region: Region::new(sources, &diagnostic.file, diagnostic.span),
            function: &diagnostic.function,
            message: &diagnostic.message,
            help: &diagnostic.help,
            path: path.collect(),
            fix,
            id: &diagnostic.id,
        }
    }
}
