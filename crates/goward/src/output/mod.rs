//! How findings are written: one file a format, behind one method.

mod concise;
mod full;
mod github;
pub(crate) mod json;
mod json_lines;
mod junit;
pub(crate) mod sarif;

use std::io::{self, Write};

use goward_diagnostics::{Diagnostic, FilePath, Sources, Span};
use serde::Serialize;

/// What is written.
pub(crate) struct Report<'a> {
    /// Findings in the order of their places.
    pub(crate) diagnostics: &'a [Diagnostic],
    /// The files that they name.
    pub(crate) sources: &'a Sources,
    /// What went wrong in goward itself or on the way to the files.
    pub(crate) errors: &'a [String],
}

/// One way to write a report.
pub(crate) trait Output {
    /// Writes the whole report.
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()>;
}

/// The formats that users choose from.
#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Source excerpts with the path of evidence, help and fix.
    Full,
    /// One line a finding.
    Concise,
    /// One array of objects.
    Json,
    /// One object a line.
    JsonLines,
    /// SARIF 2.1.0, for code scanning services.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// JUnit XML, for CI servers.
    Junit,
}

impl Format {
    /// The writer of a format. `color` and `width` matter only to the formats for people.
    pub(crate) fn output(self, color: bool, width: usize) -> Box<dyn Output> {
        match self {
            Format::Full => Box::new(full::Full { color, width }),
            Format::Concise => Box::new(concise::Concise { color }),
            Format::Json => Box::new(json::Json),
            Format::JsonLines => Box::new(json_lines::JsonLines),
            Format::Sarif => Box::new(sarif::Sarif),
            Format::Github => Box::new(github::GitHub),
            Format::Junit => Box::new(junit::JUnit),
        }
    }

    /// Whether it can hold what went wrong: machines that read it would take an empty report for a
    /// clean one.
    pub(crate) fn has_errors(self) -> bool {
        matches!(self, Format::Sarif | Format::Github | Format::Junit)
    }

    /// Whether people read it, rather than programs.
    pub(crate) fn is_for_people(self) -> bool {
        matches!(self, Format::Full | Format::Concise)
    }
}

/// A span in lines and columns: both from 1, columns in bytes as Go's tools print them, the end
/// exclusive. All zero when the file is not at hand.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Region {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) end_line: u32,
    pub(crate) end_column: u32,
}

impl Region {
    pub(crate) fn new(sources: &Sources, file: &FilePath, span: Span) -> Region {
        let Some(source) = sources.get(file) else {
            return Region {
                line: 0,
                column: 0,
                end_line: 0,
                end_column: 0,
            };
        };
        let start = source.lines().line_column(span.start);
        let end = source.lines().line_column(span.end.max(span.start));
        Region {
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    }
}

#[cfg(test)]
mod tests;
