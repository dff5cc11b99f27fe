//! A finding of `goward check` beside the dump or the leak that it explains: as text, JSON and HTML.

use std::io::Write;

use anstyle::Style;
use serde::Serialize;

use super::escape::{Html, one_line, terminal};
use super::hazards::{Explained, Hazards};
use crate::output::json::Finding;

const STRONG: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The finding with its path of evidence and its fix, each line behind `indent`.
pub(crate) fn text(
    out: &mut dyn Write,
    hazards: &Hazards,
    explained: &Explained<'_>,
    indent: &str,
) -> std::io::Result<()> {
    let finding = explained.finding;
    writeln!(
        out,
        "{indent}{STRONG}finding {}{STRONG:#}: {}",
        one_line(&finding.rule),
        one_line(&finding.message)
    )?;
    writeln!(
        out,
        "{indent}  at {}: {}",
        one_line(&place(hazards, explained)),
        one_line(&explained.because())
    )?;
    for step in &finding.path {
        writeln!(
            out,
            "{indent}    {}:{} {}",
            one_line(&step.file),
            hazards.line(&step.file, step.span),
            one_line(&step.message)
        )?;
    }
    if !finding.help.is_empty() {
        writeln!(out, "{indent}  help: {}", one_line(&finding.help))?;
    }
    if let (Some(fix), Some(patch)) = (&finding.fix, hazards.patch(finding)) {
        let safety = fix.safety.name();
        writeln!(out, "{indent}  fix ({safety}): {}", one_line(&fix.message))?;
        for line in patch.lines() {
            writeln!(out, "{indent}    {DIM}{}{DIM:#}", terminal(line))?;
        }
    }
    writeln!(out, "{indent}  id: {}", one_line(&finding.id))
}

/// `cache.go:88 in Cache.Put`.
fn place(hazards: &Hazards, explained: &Explained<'_>) -> String {
    let finding = explained.finding;
    let line = hazards.line(&finding.file, finding.span);
    if finding.function.is_empty() {
        format!("{}:{line}", finding.file)
    } else {
        format!("{}:{line} in {}", finding.file, finding.function)
    }
}

/// The finding as a part of a page.
pub(crate) fn html(
    out: &mut dyn Write,
    hazards: &Hazards,
    explained: &Explained<'_>,
) -> std::io::Result<()> {
    let finding = explained.finding;
    writeln!(
        out,
        "<div class=\"finding\"><b>finding {}</b>: {}<div class=\"at\">{}: {}</div><ol>",
        Html(&finding.rule),
        Html(&finding.message),
        Html(&place(hazards, explained)),
        Html(&explained.because())
    )?;
    for step in &finding.path {
        writeln!(
            out,
            "<li><span class=\"at\">{}:{}</span> {}</li>",
            Html(&step.file),
            hazards.line(&step.file, step.span),
            Html(&step.message)
        )?;
    }
    writeln!(out, "</ol>")?;
    if !finding.help.is_empty() {
        writeln!(out, "<div>help: {}</div>", Html(&finding.help))?;
    }
    if let (Some(fix), Some(patch)) = (&finding.fix, hazards.patch(finding)) {
        writeln!(
            out,
            "<div>fix ({}): {}</div><pre>{}</pre>",
            fix.safety.name(),
            Html(&fix.message),
            Html(&patch)
        )?;
    }
    writeln!(
        out,
        "<div class=\"at\">id: <code>{}</code></div></div>",
        Html(&finding.id)
    )
}

/// The style of [`html`].
pub(crate) const STYLE: &str = ".finding{border-left:4px solid #06c;padding:.3rem 1rem;margin:.8rem 0;background:#eef5fd}.finding ol{margin:.3rem 0}@media(prefers-color-scheme:dark){.finding{background:#15212e}}";

/// A finding as `goward check --output-format json` has it, with what links it to the dump.
#[derive(Serialize)]
pub(crate) struct FindingView<'s> {
    #[serde(rename = "match")]
    nearness: &'static str,
    because: String,
    #[serde(flatten)]
    finding: Finding<'s>,
    /// What the fix changes, as a patch.
    patch: Option<String>,
}

impl<'s> FindingView<'s> {
    pub(crate) fn new(hazards: &'s Hazards, explained: &Explained<'s>) -> FindingView<'s> {
        FindingView {
            nearness: explained.nearness.name(),
            because: explained.because(),
            finding: Finding::new(explained.finding, hazards.sources()),
            patch: hazards.patch(explained.finding),
        }
    }
}
