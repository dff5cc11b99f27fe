//! The seam between the command line and the analysis: what a check is asked, and what it answers.

#![expect(clippy::disallowed_methods, reason = "finds the files to check")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::bail;
use goward_diagnostics::{Diagnostic, Place, SourceFile, Sources, assign_identities};
use goward_rules::{Selection, Suppressions};

use crate::progress::Progress;

/// What to check, and how.
#[expect(dead_code, reason = "most of it is for the loader of packages")]
pub(crate) struct Request<'a> {
    /// The folder from which patterns and relative paths count.
    pub(crate) directory: PathBuf,
    /// Patterns as Go people type them: `./...`, import paths, folders, files. Never empty.
    pub(crate) patterns: Vec<String>,
    /// Texts that stand in place of files: absolute paths. Standard input, and fixes that are not
    /// written yet.
    pub(crate) overlay: BTreeMap<PathBuf, Vec<u8>>,
    /// Report only what lies in this file (absolute path), as an editor asks.
    pub(crate) only: Option<PathBuf>,
    /// Which rules run, as far as the command line says; `None` leaves it to the configuration.
    pub(crate) selection: Option<Selection>,
    /// `--config`: paths of files and settings as `KEY=VALUE`, later ones win.
    pub(crate) configuration: Vec<String>,
    /// GOOS and GOARCH to check for; those of this machine when not given.
    pub(crate) os: Option<String>,
    pub(crate) arch: Option<String>,
    /// Build tags that are set.
    pub(crate) tags: Vec<String>,
    /// Whether results of earlier runs may be used.
    pub(crate) cache: bool,
    /// Whether findings in generated files are reported.
    pub(crate) generated: bool,
    /// Told about packages as they are done.
    pub(crate) progress: &'a Progress,
}

/// What a check found.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Findings in the order of their places, without those that the source suppresses, with their
    /// ids.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Every file that a finding names.
    pub(crate) sources: Sources,
    /// What kept goward from looking at everything it was asked to: place, cause and what to do.
    pub(crate) errors: Vec<String>,
    /// How much was looked at.
    pub(crate) statistics: Statistics,
}

/// How much a check looked at.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) packages: usize,
    pub(crate) files: usize,
    pub(crate) lines: usize,
    /// Findings that `//goward:ignore` took out.
    pub(crate) suppressed: usize,
}

/// Checks what is asked for. An error means that nothing could be checked.
pub(crate) fn check(request: &Request<'_>) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut files = Vec::new();
    for pattern in &request.patterns {
        go_files(request, pattern, &mut files, &mut outcome.errors)?;
    }
    files.sort();
    files.dedup();
    let selection = request.selection.clone().unwrap_or_default();
    request.progress.start("checking", files.len());
    for path in files {
        let shown = match path.strip_prefix(&request.directory) {
            Ok(path) => path.to_string_lossy().into_owned(),
            Err(_) => path.to_string_lossy().into_owned(),
        };
        request.progress.step(&shown);
        let text = match request.overlay.get(&path) {
            Some(text) => text.clone(),
            None => match crate::files::read(&path) {
                Ok(text) => text,
                Err(error) => {
                    outcome.errors.push(format!("{shown}: {error}"));
                    continue;
                }
            },
        };
        let file = SourceFile::new(shown, text);
        let tree = goward_syntax::parse(file.bytes(), goward_syntax::Mode::Full);
        let rule = goward_rules::rule("syntax-error").expect("the rule exists");
        let mut findings = Vec::new();
        if selection.enables(rule) {
            findings.extend(tree.diagnostics().iter().map(|error| {
                rule.diagnostic(file.path().clone(), error.span, error.message.clone())
            }));
        }
        let comments = tree.comments().iter().map(|comment| comment.span);
        let suppressed = Suppressions::new(&file, comments)
            .apply(&file, findings, |rule| selection.enables_name(rule));
        outcome.statistics.files += 1;
        outcome.statistics.lines += file.lines().line_count() as usize;
        outcome.statistics.suppressed += suppressed.suppressed;
        outcome.diagnostics.extend(suppressed.diagnostics);
        outcome.sources.insert(file);
    }
    Diagnostic::sort(&mut outcome.diagnostics);
    assign_identities(&mut outcome.diagnostics, &outcome.sources, |file| Place {
        module: String::new(),
        file: file.to_owned(),
    });
    Ok(outcome)
}

/// Adds the Go files that a pattern names: a file itself, of a folder all below it that the go
/// command would look at.
fn go_files(
    request: &Request<'_>,
    pattern: &str,
    files: &mut Vec<PathBuf>,
    errors: &mut Vec<String>,
) -> anyhow::Result<()> {
    let start = pattern.strip_suffix("/...").unwrap_or(pattern);
    let start = if start == "..." { "." } else { start };
    let path: PathBuf = request.directory.join(start).components().collect();
    if request.overlay.contains_key(&path) || path.is_file() {
        files.push(path);
    } else if path.is_dir() {
        walk(&path, files, errors);
    } else {
        bail!("`{pattern}` names no file and no folder");
    }
    Ok(())
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, errors: &mut Vec<String>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            errors.push(format!("{}: {error}", folder.display()));
            return;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(['.', '_']) || ["testdata", "vendor"].contains(&name.as_str()) {
            continue;
        }
        // Links to folders are not followed, as in the go command, so that loops end.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), files, errors),
            Ok(_) if name.ends_with(".go") => files.push(entry.path()),
            _ => {}
        }
    }
}
