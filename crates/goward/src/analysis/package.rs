//! One package: its rules run, and what they say is reported, suppressed or left out.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use goward_diagnostics::{Category, Diagnostic, SourceFile, Span};
use goward_project::{
    Configuration, Configurations, PackageSource, Program, ProgramFile, ProgramPackage, TestKind,
    failure_cause,
};
use goward_rules::{RULES, Suppressions};
use goward_syntax::SyntaxDiagnostic;
use goward_types::{GoVersion, ImportedBodies, TypedFile, TypedPackage};

use super::selection::{Ignored, selection_for};
use super::{PackageOutcome, Request, shown};

impl PackageOutcome {
    /// Whether a later run may say the same: not where goward failed, and not where source is
    /// broken, which can look different to the parser when it leaves out bodies.
    pub(super) fn may_be_kept(&self) -> bool {
        let failed = |diagnostic: &Diagnostic| diagnostic.category == Category::Internal;
        self.errors.is_empty() && !self.broken && !self.diagnostics.iter().any(failed)
    }
}

/// All that decides how a package is looked at and shown, apart from its source and this build of
/// goward.
pub(super) fn settings(
    request: &Request<'_>,
    configurations: &Configurations<'_>,
    source: &PackageSource,
) -> Result<Vec<String>, String> {
    let configuration = configurations.of(&source.directory);
    let selection = selection_for(request, &configuration)?;
    let mut settings = Vec::new();
    for rule in RULES.iter().filter(|rule| selection.enables(rule)) {
        settings.push(format!("rule {}", rule.name));
    }
    for file in &source.files {
        settings.push(format!("file {}", shown(&file.path, &request.directory)));
        if !is_reported(request, &configuration, file) {
            settings.push("not reported".to_owned());
        }
        for rule in configuration.ignored_in(&file.path) {
            settings.push(format!("ignored {}", rule.name));
        }
    }
    Ok(settings)
}

fn is_reported(
    request: &Request<'_>,
    configuration: &Configuration,
    file: &goward_project::SourceFile,
) -> bool {
    file.selected
        && (request.generated || configuration.generated.unwrap_or(false) || !file.generated)
        && request.only.as_ref().is_none_or(|only| *only == file.path)
        && !configuration.is_excluded(&file.path)
}

/// The outcome of a package on which goward failed.
pub(super) fn failure(
    request: &Request<'_>,
    source: &PackageSource,
    cause: &str,
) -> PackageOutcome {
    let rule = goward_rules::rule("internal-failure").expect("the rule exists");
    let text = format!("goward failed on package {}: {cause}", source.import_path);
    let mut outcome = PackageOutcome::default();
    outcome.statistics.packages = 1;
    if let Some(file) = source.files.first() {
        let file = shown(&file.path, &request.directory);
        let finding = rule.diagnostic(file.as_str().into(), Span::at(0), text);
        outcome.diagnostics.push(
            finding.help(
                "this is a defect of goward, please report it; the other packages were checked",
            ),
        );
        outcome.sources.push(SourceFile::new(file, Vec::new()));
    } else {
        outcome.errors.push(text);
    }
    outcome
}

/// What the `go` line of a package's module says, if it has a module.
fn module_version(program: &Program, source: &PackageSource) -> Option<GoVersion> {
    let version = match source.module {
        Some(module) => program.workspace.modules[module.0 as usize].go_version,
        None if source.standard => source.files.first()?.go_version,
        None => return None,
    };
    Some(GoVersion(version.0))
}

/// Runs the rules on a package.
pub(super) fn check(
    request: &Request<'_>,
    configurations: &Configurations<'_>,
    program: &Program,
    package: &ProgramPackage,
    imported: &dyn ImportedBodies,
) -> PackageOutcome {
    let mut outcome = PackageOutcome::default();
    let source = program.source(package.index);
    let configuration = configurations.of(&source.directory);
    let selection = match selection_for(request, &configuration) {
        Ok(selection) => selection,
        Err(error) => {
            outcome.errors.push(error);
            return outcome;
        }
    };
    let mut sources: Vec<SourceFile> = package
        .files
        .iter()
        .map(|file| {
            let path = &source.files[file.source].path;
            SourceFile::shared(shown(path, &request.directory), Arc::clone(&file.contents))
        })
        .collect();
    let files =
        package
            .files
            .iter()
            .zip(&package.facts)
            .zip(&sources)
            .map(|((file, facts), text)| TypedFile {
                name: text.path().as_str(),
                tree: &file.tree,
                source: &file.contents,
                facts,
                generated: source.files[file.source].generated,
                test: source.files[file.source].test != TestKind::No,
            });
    let typed = TypedPackage {
        world: &package.world,
        package: package.id,
        module_version: module_version(program, source),
        files: files.collect(),
        imported: Some(imported),
    };
    let rules = request.rules;
    let found = catch_unwind(AssertUnwindSafe(|| rules(&typed, &selection)));
    let mut found = match found {
        Ok(checked) => {
            outcome.bodies = checked.bodies;
            checked.findings
        }
        Err(panic) => return failure(request, source, &failure_cause(&*panic)),
    };
    outcome.statistics.packages = 1;
    outcome.broken = package
        .files
        .iter()
        .any(|file| errors_of(source, file).next().is_some());
    for (file, text) in package.files.iter().zip(&sources) {
        let described = &source.files[file.source];
        let (here, elsewhere): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|diagnostic| diagnostic.file == *text.path());
        found = elsewhere;
        if !is_reported(request, &configuration, described) {
            continue;
        }
        let ignored = Ignored::new(&configuration, &described.path);
        let mut findings = here;
        findings.retain(|finding| !ignored.holds(&finding.rule));
        let rule = goward_rules::rule("syntax-error").expect("the rule exists");
        if selection.enables(rule) && !ignored.holds(rule.name) {
            findings.extend(errors_of(source, file).map(|error| {
                rule.diagnostic(text.path().clone(), error.span, error.message.clone())
            }));
        }
        let comments = file.tree.comments().iter().map(|comment| comment.span);
        let suppressed = Suppressions::new(text, comments).apply(text, findings, |rule| {
            selection.enables_name(rule) && !ignored.holds(rule)
        });
        outcome.statistics.files += 1;
        outcome.statistics.lines += text.lines().line_count() as usize;
        outcome.statistics.suppressed += suppressed.suppressed;
        outcome.diagnostics.extend(suppressed.diagnostics);
    }
    let named: BTreeSet<&str> = outcome.diagnostics.iter().flat_map(files_of).collect();
    sources.retain(|source| named.contains(source.path().as_str()));
    outcome.sources = sources;
    outcome
}

/// What the parser has against a file of a package, for the version of Go that it is written in.
fn errors_of<'f>(
    source: &PackageSource,
    file: &'f ProgramFile,
) -> impl Iterator<Item = &'f SyntaxDiagnostic> {
    let version = source.files[file.source].go_version;
    file.tree.diagnostics_for(version.0)
}

/// The files that a finding shows or changes.
pub(crate) fn files_of(finding: &Diagnostic) -> impl Iterator<Item = &str> {
    let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
    std::iter::once(finding.file.as_str())
        .chain(finding.path.iter().map(|step| step.file.as_str()))
        .chain(edits.map(|edit| edit.file.as_str()))
}
