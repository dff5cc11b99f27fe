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
        Code(&finding.message),
        Html(&place(hazards, explained)),
        Html(&explained.because())
    )?;
    for step in &finding.path {
        writeln!(
            out,
            "<li><span class=\"at\">{}:{}</span> {}</li>",
            Html(&step.file),
            hazards.line(&step.file, step.span),
            Code(&step.message)
        )?;
    }
    writeln!(out, "</ol>")?;
    if !finding.help.is_empty() {
        writeln!(out, "<div>help: {}</div>", Code(&finding.help))?;
    }
    if let (Some(fix), Some(patch)) = (&finding.fix, hazards.patch(finding)) {
        writeln!(
            out,
            "<div>fix ({}): {}</div><pre>",
            fix.safety.name(),
            Code(&fix.message)
        )?;
        for line in patch.lines() {
            let name = line.starts_with("--- ") || line.starts_with("+++ ");
            match line.as_bytes().first() {
                _ if name => writeln!(out, "{}", Html(line))?,
                Some(b'-') => writeln!(out, "<del>{}</del>", Html(line))?,
                Some(b'+') => writeln!(out, "<ins>{}</ins>", Html(line))?,
                _ => writeln!(out, "{}", Html(line))?,
            }
        }
        writeln!(out, "</pre>")?;
    }
    writeln!(
        out,
        "<div class=\"at\">id: <code>{}</code></div></div>",
        Html(&finding.id)
    )
}

/// A message whose names stand in backticks.
struct Code<'t>(&'t str);

impl std::fmt::Display for Code<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<&str> = self.0.split('`').collect();
        for (index, part) in parts.iter().enumerate() {
            if index % 2 == 1 && index + 1 < parts.len() {
                write!(formatter, "<code>{}</code>", Html(part))?;
            } else {
                let mark = if index % 2 == 1 { "`" } else { "" };
                write!(formatter, "{mark}{}", Html(part))?;
            }
        }
        Ok(())
    }
}

/// The style of [`html`].
pub(crate) const STYLE: &str = ".finding{border-left:4px solid #06c;padding:.3rem 1rem;margin:.8rem 0;background:#eef5fd}.finding ol{margin:.3rem 0}.finding .at{color:#666;font-size:13px}.finding pre{font-size:13px;line-height:1.35;margin:.2rem 0;white-space:pre-wrap}.finding del,.finding ins{text-decoration:none;display:inline-block;width:100%}.finding del{background:#fbdada}.finding ins{background:#d6f5d6}@media(prefers-color-scheme:dark){.finding{background:#15212e}.finding .at{color:#999}.finding del{background:#5a2626}.finding ins{background:#1f4a26}}";

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
