//! What the loader says when it meets something it cannot use: a place, a cause, a remedy.

use std::fmt;
use std::path::{Path, PathBuf};

/// How much a [`ProjectDiagnostic`] takes away from the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is missing from the result.
    Note,
    /// Something was left out, and what rests on it stays unknown.
    Warning,
    /// What was asked for could not be loaded.
    Error,
}

impl Severity {
    /// The word that output formats print.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing that went wrong while a project was found, with its place and its cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectDiagnostic {
    /// How much is lost.
    pub severity: Severity,
    /// A stable kebab-case name of the kind of problem, such as `go-mod-directive`.
    pub code: &'static str,
    /// The file or folder it is about, when there is one.
    pub path: Option<PathBuf>,
    /// One-based line in `path`; 0 where the whole file is meant.
    pub line: u32,
    /// One-based column in bytes; 0 where the whole line or file is meant.
    pub column: u32,
    /// What is wrong: lower case, no final dot. May quote input, so escape it before showing it.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl ProjectDiagnostic {
    /// A diagnostic with no place yet.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            path: None,
            line: 0,
            column: 0,
            message: message.into(),
            help: None,
        }
    }

    /// Says which file or folder is meant.
    pub fn at(mut self, path: &Path) -> Self {
        self.path = Some(path.to_path_buf());
        self
    }

    /// Says which line and column of the file are meant, both one-based.
    pub fn at_line(mut self, path: &Path, line: u32, column: u32) -> Self {
        self.path = Some(path.to_path_buf());
        self.line = line;
        self.column = column;
        self
    }

    /// Says what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The order of output: by place, then by text.
    pub(crate) fn sort_key(&self) -> (&Option<PathBuf>, u32, u32, &str) {
        (&self.path, self.line, self.column, &self.message)
    }
}

/// The concise one-line form, with control characters escaped so that nothing from a file reaches
/// a terminal raw.
impl fmt::Display for ProjectDiagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(formatter, "{}:", escaped(&path.display().to_string()))?;
            if self.line > 0 {
                write!(formatter, "{}:", self.line)?;
                if self.column > 0 {
                    write!(formatter, "{}:", self.column)?;
                }
            }
            formatter.write_str(" ")?;
        }
        write!(
            formatter,
            "{}: {} [{}]",
            self.severity.name(),
            escaped(&self.message),
            self.code
        )
    }
}

/// Text with control characters (and the bidirectional ones that reorder a line) made visible.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let reorders = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || reorders {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}
