//! `github`: workflow commands that GitHub Actions turns into annotations.

use std::io::{self, Write};

use goward_diagnostics::{Severity, neutralise};

use super::{Output, Region, Report};

pub(super) struct GitHub;

impl Output for GitHub {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        for diagnostic in report.diagnostics {
            let level = match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "notice",
            };
            let region = Region::new(report.sources, &diagnostic.file, diagnostic.span);
            write!(
                out,
                "::{level} title=goward ({}),file={}",
                property(&diagnostic.rule),
                property(&diagnostic.file),
            )?;
            if region.line > 0 {
                let Region {
                    line,
                    column,
                    end_line,
                    end_column,
                } = region;
                write!(out, ",line={line},endLine={end_line}")?;
                // GitHub refuses columns on annotations of several lines; it wants the last column,
                // not the one after it.
                if line == end_line {
                    let last = end_column.saturating_sub(1).max(column);
                    write!(out, ",col={column},endColumn={last}")?;
                }
            }
            let mut text = neutralise(&diagnostic.message).into_owned();
            if !diagnostic.help.is_empty() {
                text = format!("{text}\nhelp: {}", neutralise(&diagnostic.help));
            }
            writeln!(out, "::{}", data(&text))?;
        }
        for error in report.errors {
            writeln!(out, "::error title=goward::{}", data(&neutralise(error)))?;
        }
        Ok(())
    }
}

/// Escapes the text of a command, as the toolkit of GitHub Actions does.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property of a command.
fn property(text: &str) -> String {
    data(&neutralise(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}
