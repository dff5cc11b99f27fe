//! The findings of `goward check` that a dump or a leak is the outcome of.
//!
//! What a process died of is a *symptom*: which operation failed, and where. With the source at
//! hand the packages in which symptoms lie are checked, and a finding is named where its rule is
//! about this symptom and it lies at the same line, has that line on its path of evidence, or lies
//! in the same function and is about a variable that the line names. Its identity is the one that `goward check` prints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use goward_diagnostics::{Category, Diagnostic, FilePath, Safety, Span, apply_fixes};
use goward_trace::dump::wait::{Operation, wait};
use goward_trace::dump::{Dump, Frame, FrameId, Kind, Report, access};

use super::source::Sources;
use crate::analysis::{self, Outcome, Request};
use crate::output::Region;
use crate::progress::Progress;
use crate::repair;

/// What was seen to go wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Symptom {
    /// A write to a nil map panicked.
    NilMapWrite,
    /// The runtime or the race detector found two goroutines at the same data.
    Race,
    /// A panic in a deferred call hid the one that was under way.
    MaskingPanic,
    /// A panic that nothing stopped came through here.
    Unrecovered,
    /// A goroutine waits for a lock.
    LockWait,
    /// A goroutine waits to send.
    SendWait,
    /// A goroutine waits to receive, or in a select.
    ReceiveWait,
}

/// One symptom at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting<'t> {
    pub(crate) symptom: Symptom,
    pub(crate) frame: Frame<'t>,
}

/// How near a finding is to a symptom, nearest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Nearness {
    Line,
    Path,
    Lock,
    Function,
}

impl Nearness {
    /// The name used in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Nearness::Line => "same-line",
            Nearness::Path => "on-its-path",
            Nearness::Lock => "same-lock",
            Nearness::Function => "same-function",
        }
    }
}

/// A finding, and what in the dump it explains.
#[derive(Clone, Debug)]
pub(crate) struct Explained<'h> {
    pub(crate) finding: &'h Diagnostic,
    pub(crate) symptom: Symptom,
    pub(crate) nearness: Nearness,
    /// File and line of the symptom.
    file: String,
    line: u32,
}

impl Explained<'_> {
    /// Why the finding is named, for a reader.
    pub(crate) fn because(&self) -> String {
        let what = match self.symptom {
            Symptom::NilMapWrite => "the nil map was written",
            Symptom::Race => "the data was used by two goroutines",
            Symptom::MaskingPanic => "the later panic was raised",
            Symptom::Unrecovered => "the panic came through unstopped",
            Symptom::LockWait => "a goroutine waits for the lock",
            Symptom::SendWait => "a goroutine waits to send",
            Symptom::ReceiveWait => "a goroutine waits to receive",
        };
        let place = format!("{}:{}", self.file, self.line);
        match self.nearness {
            Nearness::Line => format!("{what} at this line, {place}"),
            Nearness::Path => format!("{what} at {place}, which lies on its path"),
            Nearness::Lock => format!("{what} at {place}, and the lock has the same name"),
            Nearness::Function => format!("{what} in the same function, at {place}"),
        }
    }
}

/// The findings of the packages in which symptoms lie.
pub(crate) struct Hazards {
    outcome: Outcome,
}

impl Hazards {
    /// No source is at hand.
    pub(crate) fn none() -> Hazards {
        Hazards {
            outcome: Outcome::default(),
        }
    }

    /// Checks the packages of these frames below a folder. What cannot be checked is said on
    /// standard error: the dump is read all the same.
    pub(crate) fn find<'t>(
        root: &Path,
        sources: &Sources,
        sightings: impl Iterator<Item = Sighting<'t>>,
    ) -> Hazards {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
        for sighting in sightings {
            if seen.insert(sighting.frame.file.to_owned())
                && let Some(path) = sources.path(&sighting.frame)
                && let Some(folder) = path.parent()
                && let Ok(folder) = folder.canonicalize()
            {
                folders.insert(folder);
            }
        }
        // The loader answers with plain paths: `..` and links have to be gone for them to compare.
        let Ok(directory) = root.canonicalize() else {
            return Hazards::none();
        };
        if folders.is_empty() {
            return Hazards::none();
        }
        let progress = Progress::new(false);
        let request = Request {
            directory,
            patterns: folders
                .iter()
                .map(|folder| folder.to_string_lossy().into_owned())
                .collect(),
            overlay: BTreeMap::new(),
            only: None,
            selection: None,
            configuration: Vec::new(),
            os: None,
            arch: None,
            tags: Vec::new(),
            cache: crate::cache::default_folder(),
            rules: goward_rules::check_package,
            generated: true,
            progress: &progress,
        };
        match analysis::check(&request) {
            Ok(outcome) => {
                for error in &outcome.errors {
                    complain(error);
                }
                Hazards { outcome }
            }
            Err(error) => {
                complain(&format!("the source could not be checked: {error:#}"));
                Hazards::none()
            }
        }
    }

    /// Whether there is nothing to name.
    pub(crate) fn is_empty(&self) -> bool {
        self.outcome.diagnostics.is_empty()
    }

    /// The files that findings name.
    pub(crate) fn sources(&self) -> &goward_diagnostics::Sources {
        &self.outcome.sources
    }

    /// The line on which a span starts, 0 if it is not known.
    pub(crate) fn line(&self, file: &FilePath, span: Span) -> u32 {
        Region::new(&self.outcome.sources, file, span).line
    }

    /// The findings that explain these symptoms, nearest first; each once.
    pub(crate) fn explain(
        &self,
        sources: &Sources,
        sightings: &[Sighting<'_>],
    ) -> Vec<Explained<'_>> {
        let mut found: Vec<Explained<'_>> = Vec::new();
        for sighting in sightings {
            let Some(path) = sources.path(&sighting.frame) else {
                continue;
            };
            let file = sources.shown(&path);
            for finding in &self.outcome.diagnostics {
                if !is_about(finding, sighting.symptom) {
                    continue;
                }
                let Some(nearness) = self.nearness(finding, sighting, &file, sources) else {
                    continue;
                };
                let explained = Explained {
                    finding,
                    symptom: sighting.symptom,
                    nearness,
                    file: file.clone(),
                    line: sighting.frame.line,
                };
                match found
                    .iter_mut()
                    .find(|known| known.finding.id == finding.id)
                {
                    Some(known) if known.nearness > nearness => *known = explained,
                    Some(_) => {}
                    None => found.push(explained),
                }
            }
        }
        // Where a finding lies at the very line, others of the same function tell nothing more.
        let exact: BTreeSet<Symptom> = found
            .iter()
            .filter(|one| one.nearness <= Nearness::Path)
            .map(|one| one.symptom)
            .collect();
        found.retain(|one| one.nearness <= Nearness::Path || !exact.contains(&one.symptom));
        found.sort_by(|one, other| {
            (one.nearness, one.symptom, &one.finding.id).cmp(&(
                other.nearness,
                other.symptom,
                &other.finding.id,
            ))
        });
        found
    }

    fn nearness(
        &self,
        finding: &Diagnostic,
        sighting: &Sighting<'_>,
        file: &str,
        sources: &Sources,
    ) -> Option<Nearness> {
        let here = &*finding.file == file;
        let region = Region::new(&self.outcome.sources, &finding.file, finding.span);
        let function = function_name(sighting.frame.function);
        if sighting.symptom == Symptom::Unrecovered {
            let same = finding.function == *function;
            return (here && same).then_some(Nearness::Function);
        }
        if here && (region.line..=region.end_line).contains(&sighting.frame.line) {
            return Some(Nearness::Line);
        }
        let on_path = finding.path.iter().any(|step| {
            &*step.file == file && self.line(&step.file, step.span) == sighting.frame.line
        });
        if on_path {
            return Some(Nearness::Path);
        }
        if sighting.symptom == Symptom::LockWait {
            return self
                .is_same_lock(finding, sighting, sources)
                .then_some(Nearness::Lock);
        }
        // Elsewhere in the function it has to be about the same variable.
        let line = sources.line(&sighting.frame);
        let named = line.is_some_and(|line| names(finding).any(|name| has_word(&line, name)));
        (here && finding.function == *function && named).then_some(Nearness::Function)
    }

    /// Whether a finding is about the lock that a goroutine waits for: a method of the same type
    /// names a field of the same name, in the same folder.
    fn is_same_lock(
        &self,
        finding: &Diagnostic,
        sighting: &Sighting<'_>,
        sources: &Sources,
    ) -> bool {
        let (Some(line), Some(path)) =
            (sources.line(&sighting.frame), sources.path(&sighting.frame))
        else {
            return false;
        };
        let Some((lock, _)) = line.split_once(".Lock(").or(line.split_once(".RLock(")) else {
            return false;
        };
        let field = lock.rsplit(['.', ' ', '\t', '(']).next().unwrap_or(lock);
        let named = names(finding).any(|name| name == field);
        let receiver = |function: &str| function.split_once('.').map(|(name, _)| name.to_owned());
        let folder = |file: &str| Path::new(file).parent().map(Path::to_owned);
        named
            && folder(&finding.file) == folder(&sources.shown(&path))
            && receiver(&finding.function).is_some()
            && receiver(&finding.function) == receiver(&function_name(sighting.frame.function))
    }

    /// What a finding's fix changes, as a patch; `None` where it has none to apply.
    pub(crate) fn patch(&self, finding: &Diagnostic) -> Option<String> {
        let fix = finding.fix.as_ref()?;
        if fix.safety == Safety::DisplayOnly {
            return None;
        }
        let fixed = apply_fixes(&self.outcome.sources, [fix]);
        let changes: BTreeMap<PathBuf, repair::Change> = fixed
            .files
            .into_iter()
            .map(|(file, after)| {
                let before = self
                    .outcome
                    .sources
                    .get(&file)
                    .map_or_else(Vec::new, |source| source.bytes().to_vec());
                let change = repair::Change {
                    shown: file.to_string(),
                    before,
                    after,
                };
                (PathBuf::from(&*file), change)
            })
            .collect();
        Some(repair::diff(&changes))
    }
}

/// The variables and fields that a finding's message names, without what they are fields of.
fn names(finding: &Diagnostic) -> impl Iterator<Item = &str> {
    let quoted = finding.message.split('`').skip(1).step_by(2);
    quoted.map(|name| name.rsplit_once('.').map_or(name, |(_, last)| last))
}

/// Whether a line of Go has this name in it.
fn has_word(line: &str, name: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn complain(text: &str) {
    anstream::eprintln!("goward: {}", goward_diagnostics::neutralise_lines(text));
}

/// Whether a finding's rule is about a symptom.
fn is_about(finding: &Diagnostic, symptom: Symptom) -> bool {
    let rule = &*finding.rule;
    match symptom {
        Symptom::NilMapWrite => {
            rule == "nil-map-write" || rule == "map-write-in-defer" && is_about_nil(finding)
        }
        Symptom::Race => finding.category == Category::Race && !is_about_nil(finding),
        Symptom::MaskingPanic => rule == "deferred-panic-masks",
        Symptom::Unrecovered => rule == "recover-has-no-effect",
        Symptom::LockWait => finding.category == Category::Deadlock,
        Symptom::SendWait | Symptom::ReceiveWait => finding.category == Category::Leak,
    }
}

/// `map-write-in-defer` has two things to say of a map: it may be nil, or another goroutine may use
/// it. Only the message tells which.
fn is_about_nil(finding: &Diagnostic) -> bool {
    finding.message.contains(" nil ")
}

/// `example.com/shop/store.(*Cache[...]).Put.func1` as findings name it: `Cache.Put.func1`.
fn function_name(function: &str) -> String {
    let slash = function
        .split(['[', '('])
        .next()
        .and_then(|plain| plain.rfind('/'))
        .map_or(0, |at| at + 1);
    let rest = &function[slash..];
    let rest = rest.split_once('.').map_or("", |(_, rest)| rest);
    let mut name = String::new();
    let mut depth = 0;
    for character in rest.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            '(' | ')' | '*' => {}
            // A method value, and the body of a loop over a function, are functions of their own
            // to the compiler: `Close-fm`, `each.func1-range1`.
            '-' => break,
            _ if depth > 0 => {}
            _ => name.push(character),
        }
    }
    name
}

/// What went wrong in a dump, and where.
pub(crate) fn sightings<'t>(
    report: &Report<'t>,
    dump: &Dump<'t>,
    sources: &Sources,
) -> Vec<Sighting<'t>> {
    let mut found: Vec<Sighting<'t>> = Vec::new();
    let mut seen: BTreeSet<(Symptom, FrameId)> = BTreeSet::new();
    let mut see = |symptom, id: FrameId| {
        let frame = report.frame(id);
        if !frame.is_standard() && seen.insert((symptom, id)) {
            found.push(Sighting {
                symptom,
                frame: frame.clone(),
            });
        }
    };
    for (index, panic) in dump.panics.iter().enumerate() {
        let Some(raised_by) = panic.raised_by else {
            continue;
        };
        if panic
            .text
            .as_deref()
            .is_some_and(|text| text == "assignment to entry in nil map")
        {
            see(Symptom::NilMapWrite, raised_by);
        }
        if index > 0 {
            see(Symptom::MaskingPanic, raised_by);
        }
    }
    let crashed = dump.crashed.map(|index| &dump.goroutines[index]);
    if let (Kind::Panic, Some(goroutine)) = (dump.kind, crashed) {
        for call in report.stack(goroutine) {
            see(Symptom::Unrecovered, call.frame);
        }
    }
    if let Some(fatal) = &dump.fatal
        && fatal.text.starts_with("concurrent map ")
    {
        if let Some(raised_by) = fatal.raised_by {
            see(Symptom::Race, raised_by);
        }
        let others = access::other_sides(report, dump, &|frame| sources.line(frame));
        for candidate in others
            .iter()
            .filter(|candidate| candidate.reason <= access::Reason::SameNameInSource)
        {
            see(Symptom::Race, candidate.at);
        }
    }
    for access in &dump.accesses {
        let stack = report.stack(&dump.goroutines[access.goroutine]);
        if let Some(id) = report.own_frame(stack) {
            see(Symptom::Race, id);
        }
    }
    for goroutine in &dump.goroutines {
        let Some(wait) = wait(report, goroutine) else {
            continue;
        };
        if let (Some(symptom), Some(id)) = (
            symptom_of(wait.operation),
            report.own_frame(report.stack(goroutine)),
        ) {
            see(symptom, id);
        }
    }
    found
}

/// The symptom that a goroutine in this operation shows, if any rule can be about it.
pub(crate) fn symptom_of(operation: Operation) -> Option<Symptom> {
    match operation {
        Operation::ChannelSend | Operation::NilChannelSend => Some(Symptom::SendWait),
        Operation::ChannelReceive | Operation::NilChannelReceive | Operation::Select => {
            Some(Symptom::ReceiveWait)
        }
        Operation::MutexLock
        | Operation::ReadWriteMutexLock
        | Operation::ReadWriteMutexReadLock => Some(Symptom::LockWait),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_names() {
        for (function, name) in [
            ("main.main", "main"),
            ("main.(*cache).add", "cache.add"),
            ("main.cache.add.func1", "cache.add.func1"),
            ("example.com/v1.2/shop.(*Map[...]).Set", "Map.Set"),
            ("example.com/shop.Keys[go.shape.map[int]a.b]", "Keys"),
            ("main.(*store).Close-fm", "store.Close"),
            ("main.each.func1-range1", "each.func1"),
        ] {
            assert_eq!(function_name(function), name, "{function}");
        }
    }

    #[test]
    fn words() {
        assert!(has_word("c.hits[key]++", "hits"));
        assert!(!has_word("c.hitsTotal[key]++", "hits"));
        assert!(!has_word("", "hits"));
    }

    #[test]
    fn the_rules_that_symptoms_name_exist() {
        for name in [
            "nil-map-write",
            "map-write-in-defer",
            "deferred-panic-masks",
            "recover-has-no-effect",
        ] {
            assert!(goward_rules::rule(name).is_some(), "{name}");
        }
    }
}
