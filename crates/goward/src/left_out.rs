//! What the loader had to leave out, told to the user: a file without a package clause is a finding,
//! a missing module a warning, a pattern that leads nowhere an error.

use std::path::Path;

use goward_diagnostics::{Diagnostic, SourceFile};
use goward_project::{FileSystem, LoadOptions, ProjectDiagnostic, Severity};
use goward_syntax::{Mode, parse};

use crate::analysis::{Outcome, Request, describe, shown};

/// Adds what the loader says to the outcome.
pub(crate) fn report(
    said: &[ProjectDiagnostic],
    request: &Request<'_>,
    filesystem: &dyn FileSystem,
    outcome: &mut Outcome,
) {
    for diagnostic in said {
        let text = describe(diagnostic, &request.directory);
        match (diagnostic.severity, diagnostic.code, &diagnostic.path) {
            (Severity::Note, ..) => outcome.notes.push(text),
            (Severity::Warning, "file-header", Some(path)) => {
                match syntax_errors(path, request, filesystem) {
                    Some((file, findings)) => {
                        outcome.diagnostics.extend(findings);
                        outcome.sources.insert(file);
                        outcome.statistics.files += 1;
                    }
                    None => outcome.errors.push(text),
                }
            }
            // What was asked for was not looked at.
            (Severity::Warning, "file-not-read", _) | (Severity::Error, ..) => {
                outcome.errors.push(text);
            }
            (Severity::Warning, ..) => outcome.warnings.push(text),
        }
    }
}

/// What the parser says of a file that belongs to no package; `None` when it has nothing to say.
fn syntax_errors(
    path: &Path,
    request: &Request<'_>,
    filesystem: &dyn FileSystem,
) -> Option<(SourceFile, Vec<Diagnostic>)> {
    let rule = goward_rules::rule("syntax-error")?;
    let contents = filesystem
        .read_file(path, LoadOptions::DEFAULT_SIZE_LIMIT)
        .ok()?;
    let file = SourceFile::shared(shown(path, &request.directory), contents);
    let tree = parse(file.bytes(), Mode::Full);
    // Which version of Go it is for is as unknown as its package.
    let mut errors = tree.diagnostics_for(0).peekable();
    errors.peek()?;
    let enabled = request
        .selection
        .as_ref()
        .is_none_or(|selection| selection.enables(rule));
    let findings = errors.filter(|_| enabled);
    let findings = findings
        .map(|error| rule.diagnostic(file.path().clone(), error.span, error.message.as_str()))
        .collect();
    Some((file, findings))
}
