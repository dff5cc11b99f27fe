//! `--fix` and `--diff`: applies fixes and checks again until nothing changes.
//!
//! Every round works on texts in memory, laid over the files on disk; only the end of it is
//! written. A round after which Go would no longer accept a file is taken back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use goward_diagnostics::{Fix, Safety, Sources, apply_fixes, neutralise};
use goward_project::{Configurations, OsFileSystem, ProjectDiagnostic};
use imara_diff::Token;

use crate::analysis::{self, Outcome, Request};
use crate::files;
use crate::own_files::OwnFiles;

/// Rounds after which fixes that still change something are taken to chase each other.
const MOST_ROUNDS: usize = 100;

/// What came of the fixes.
pub(crate) struct Repaired {
    /// What a check finds after them.
    pub(crate) outcome: Outcome,
    /// The changed files, by absolute path.
    pub(crate) changes: BTreeMap<PathBuf, Change>,
    /// How many fixes were applied.
    pub(crate) applied: usize,
    /// How many were not, because they would change files that are not the user's own.
    pub(crate) left_alone: usize,
}

/// One changed file.
pub(crate) struct Change {
    /// The path that findings name.
    pub(crate) shown: String,
    pub(crate) before: Vec<u8>,
    pub(crate) after: Vec<u8>,
}

/// Applies every fix that promises at least `least`.
pub(crate) fn repair(
    request: &mut Request<'_>,
    least: Safety,
    check: impl Fn(&Request<'_>) -> anyhow::Result<Outcome>,
) -> anyhow::Result<Repaired> {
    let mut changes: BTreeMap<PathBuf, Change> = BTreeMap::new();
    let mut applied = 0;
    let mut outcome = check(request)?;
    settings_are_known(request, &outcome)?;
    let own = OwnFiles::new(request);
    for _ in 0..MOST_ROUNDS {
        let fixes: Vec<&Fix> = outcome
            .diagnostics
            .iter()
            .filter_map(|diagnostic| diagnostic.fix.as_ref())
            .filter(|fix| applies(fix, least) && own.all(fix))
            .collect();
        let fixed = apply_fixes(&outcome.sources, fixes);
        if fixed.files.is_empty() {
            break;
        }
        let errors = syntax_errors(&outcome);
        for (file, text) in fixed.files {
            let path = request.directory.join(&*file);
            let before = source(&outcome.sources, &file);
            request.overlay.insert(path.clone(), text.clone());
            let change = changes.entry(path).or_insert_with(|| Change {
                shown: file.to_string(),
                before,
                after: Vec::new(),
            });
            change.after = text;
        }
        applied += fixed.applied.len();
        let next = check(request)?;
        if syntax_errors(&next) > errors {
            let files: Vec<&str> = changes
                .values()
                .map(|change| change.shown.as_str())
                .collect();
            bail!(
                "a fix would have broken {}; nothing was written. This is a defect of goward: \
                 please report it",
                neutralise(&files.join(", "))
            );
        }
        outcome = next;
    }
    changes.retain(|_, change| change.before != change.after);
    let fixes = outcome.diagnostics.iter();
    let left_alone = fixes
        .filter_map(|diagnostic| diagnostic.fix.as_ref())
        .filter(|fix| applies(fix, least) && !own.all(fix))
        .count();
    Ok(Repaired {
        outcome,
        changes,
        applied,
        left_alone,
    })
}

fn applies(fix: &Fix, least: Safety) -> bool {
    fix.safety >= least && fix.safety != Safety::DisplayOnly
}

/// A configuration that does not read may exclude the files that would be changed.
fn settings_are_known(request: &Request<'_>, outcome: &Outcome) -> anyhow::Result<()> {
    let describe = |diagnostic: &ProjectDiagnostic| {
        let text = analysis::describe(diagnostic, &request.directory);
        format!("{text}; nothing was fixed, because it may exclude what would be changed")
    };
    let configurations =
        Configurations::new(&OsFileSystem, &request.directory, &request.configuration)
            .map_err(|diagnostic| anyhow::anyhow!(describe(&diagnostic)))?;
    configurations.of(&request.directory);
    for diagnostic in &outcome.diagnostics {
        let path = request.directory.join(&*diagnostic.file);
        configurations.of(path.parent().unwrap_or(&path));
    }
    match configurations.diagnostics().first() {
        Some(diagnostic) => bail!(describe(diagnostic)),
        None => Ok(()),
    }
}

fn source(sources: &Sources, file: &str) -> Vec<u8> {
    sources
        .get(file)
        .map_or_else(Vec::new, |source| source.bytes().to_vec())
}

fn syntax_errors(outcome: &Outcome) -> usize {
    let rules = outcome
        .diagnostics
        .iter()
        .map(|diagnostic| &diagnostic.rule);
    rules.filter(|rule| *rule == "syntax-error").count()
}

/// Writes the changed files, each only if it is still what was checked.
pub(crate) fn write(changes: &BTreeMap<PathBuf, Change>) -> anyhow::Result<()> {
    for (path, change) in changes {
        write_one(path, change)
            .with_context(|| format!("cannot fix {}", neutralise(&change.shown)))?;
    }
    Ok(())
}

fn write_one(path: &Path, change: &Change) -> anyhow::Result<()> {
    ensure!(
        files::read(path)? == change.before,
        "the file was changed while goward was at work; run it again"
    );
    Ok(files::write(path, &change.after)?)
}

/// The changes as one patch in the unified format, that `patch -p1` and `git apply` take.
pub(crate) fn diff(changes: &BTreeMap<PathBuf, Change>) -> String {
    let mut patch = String::new();
    for change in changes.values() {
        let before = String::from_utf8_lossy(&change.before);
        let after = String::from_utf8_lossy(&change.after);
        let input = imara_diff::InternedInput::new(&*before, &*after);
        let mut diff = imara_diff::Diff::compute(imara_diff::Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        let printer = Lines(&input.interner);
        let hunks = diff.unified_diff(&printer, imara_diff::UnifiedDiffConfig::default(), &input);
        let shown = change.shown.trim_start_matches('/');
        let _ = write!(patch, "--- a/{shown}\n+++ b/{shown}\n{hunks}");
    }
    patch
}

/// Writes the lines of a patch; `git apply` must be told of a last line that does not end.
struct Lines<'a>(&'a imara_diff::Interner<&'a str>);

impl Lines<'_> {
    fn line(&self, mut out: impl std::fmt::Write, sign: char, token: Token) -> std::fmt::Result {
        let line = self.0[token];
        write!(out, "{sign}{line}")?;
        if !line.ends_with('\n') {
            write!(out, "\n\\ No newline at end of file\n")?;
        }
        Ok(())
    }
}

impl imara_diff::UnifiedDiffPrinter for Lines<'_> {
    fn display_header(
        &self,
        out: impl std::fmt::Write,
        start_before: u32,
        start_after: u32,
        len_before: u32,
        len_after: u32,
    ) -> std::fmt::Result {
        let basic = imara_diff::BasicLineDiffPrinter(self.0);
        basic.display_header(out, start_before, start_after, len_before, len_after)
    }

    fn display_context_token(&self, out: impl std::fmt::Write, token: Token) -> std::fmt::Result {
        self.line(out, ' ', token)
    }

    fn display_hunk(
        &self,
        mut out: impl std::fmt::Write,
        before: &[Token],
        after: &[Token],
    ) -> std::fmt::Result {
        for &token in before {
            self.line(&mut out, '-', token)?;
        }
        for &token in after {
            self.line(&mut out, '+', token)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
