//! Who may be the other side of a concurrent map access.
//!
//! `fatal error: concurrent map writes` shows one side only: the goroutine that noticed. The other
//! one is often still in the dump, in or near its own access.

use super::wait::addresses;
use super::{Dump, Frame, FrameId, Report};

/// Why a goroutine may be the other side, strongest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// It is inside an operation on the same map: the addresses are equal.
    SameMap,
    /// It is inside a map operation of the runtime.
    InMapOperation,
    /// It stands at the line that crashed.
    SameLine,
    /// The source shows that the line it stands at names the same map.
    SameNameInSource,
    /// It stands in the function that crashed.
    SameFunction,
    /// It was not blocked, which the other side cannot have been a moment before. Said only where
    /// there is nothing better, of few goroutines.
    NotBlocked,
}

impl Reason {
    /// For a reader.
    pub fn describe(self) -> &'static str {
        match self {
            Reason::SameMap => "is inside an operation on the same map",
            Reason::InMapOperation => "is inside a map operation",
            Reason::SameLine => "stands at the same line",
            Reason::SameNameInSource => "stands at a line that names the same map",
            Reason::SameFunction => "stands in the same function",
            Reason::NotBlocked => "was running or about to",
        }
    }
}

/// One goroutine that may be the other side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Index into [`Dump::goroutines`].
    pub goroutine: usize,
    /// Where it stands.
    pub at: FrameId,
    /// Why it is named.
    pub reason: Reason,
}

/// The candidates of a dump whose fatal error is about a map, strongest first. `source` gives the
/// text of a frame's line, where the source is at hand.
pub fn other_sides(
    report: &Report<'_>,
    dump: &Dump<'_>,
    source: &dyn Fn(&Frame<'_>) -> Option<String>,
) -> Vec<Candidate> {
    let Some(fatal) = &dump.fatal else {
        return Vec::new();
    };
    let (Some(crashed), Some(raised_by)) = (dump.crashed, fatal.raised_by) else {
        return Vec::new();
    };
    if !fatal.text.starts_with("concurrent map ") {
        return Vec::new();
    }
    let map = map_of(report, dump, crashed);
    let line = report.frame(raised_by);
    let names = source(line)
        .map(|text| indexed_names(&text))
        .unwrap_or_default();
    let mut found = Vec::new();
    for (index, goroutine) in dump.goroutines.iter().enumerate() {
        if index == crashed || goroutine.id == 0 {
            continue;
        }
        let stack = report.stack(goroutine);
        let Some(own) = stack
            .iter()
            .position(|call| !report.frame(call.frame).runtime)
        else {
            continue;
        };
        let at = stack[own].frame;
        let frame = report.frame(at);
        let in_map = stack[..own]
            .iter()
            .any(|call| is_map_operation(report.frame(call.frame)));
        let reason = if in_map && map.is_some() && map == map_of(report, dump, index) {
            Reason::SameMap
        } else if in_map {
            Reason::InMapOperation
        } else if at == raised_by {
            Reason::SameLine
        } else if !names.is_empty()
            && source(frame).is_some_and(|text| names.iter().any(|name| names_map(&text, name)))
        {
            Reason::SameNameInSource
        } else if frame.function == line.function {
            Reason::SameFunction
        } else {
            continue;
        };
        found.push(Candidate {
            goroutine: index,
            at,
            reason,
        });
    }
    if found.is_empty() {
        found = not_blocked(report, dump, crashed);
    }
    found.sort_by_key(|candidate| (candidate.reason, candidate.goroutine));
    found
}

/// With more goroutines than this that are not blocked, that says nothing.
const MOST_NOT_BLOCKED: usize = 4;

fn not_blocked(report: &Report<'_>, dump: &Dump<'_>, crashed: usize) -> Vec<Candidate> {
    let found: Vec<Candidate> = dump
        .goroutines
        .iter()
        .enumerate()
        .filter(|&(index, goroutine)| {
            index != crashed
                && goroutine.id != 0
                && matches!(goroutine.state, "running" | "runnable")
        })
        .filter_map(|(index, goroutine)| {
            // Where another thread runs it there is no stack, but Go says who created it.
            let at = report
                .own_frame(report.stack(goroutine))
                .or(goroutine.created_by)
                .filter(|&id| !report.frame(id).is_standard())?;
            Some(Candidate {
                goroutine: index,
                at,
                reason: Reason::NotBlocked,
            })
        })
        .take(MOST_NOT_BLOCKED + 1)
        .collect();
    if found.len() > MOST_NOT_BLOCKED {
        return Vec::new();
    }
    found
}

/// The address of the map that a goroutine is operating on: the second argument of
/// `runtime.mapassign(type, map, …)` and its kin.
fn map_of(report: &Report<'_>, dump: &Dump<'_>, index: usize) -> Option<u64> {
    let call = report.stack(&dump.goroutines[index]).iter().find(|call| {
        let function = report.frame(call.frame).function;
        [
            "runtime.mapassign",
            "runtime.mapaccess",
            "runtime.mapdelete",
        ]
        .iter()
        .any(|start| function.starts_with(start))
    })?;
    let second = call.arguments.split(", ").nth(1)?;
    addresses(second).next()
}

fn is_map_operation(frame: &Frame<'_>) -> bool {
    frame.function.starts_with("internal/runtime/maps.")
        || frame
            .function
            .strip_prefix("runtime.map")
            .is_some_and(|rest| {
                [
                    "assign", "access", "delete", "iter", "clear", "clone", "Iter", "range",
                ]
                .iter()
                .any(|start| rest.starts_with(start))
            })
}

/// The names that stand before a `[` on a line of Go: `c.hits[key]++` gives `c.hits`.
pub fn indexed_names(line: &str) -> Vec<String> {
    let is_name =
        |character: char| character.is_alphanumeric() || character == '_' || character == '.';
    line.char_indices()
        .filter(|&(_, character)| character == '[')
        .filter_map(|(at, _)| {
            let before = &line[..at];
            let start = before
                .char_indices()
                .rev()
                .take_while(|&(_, character)| is_name(character))
                .last()
                .map(|(start, _)| start)?;
            // The receiver's name may differ from function to function: the field is what counts.
            let name = &before[start..];
            let name = name.rsplit_once('.').map_or(name, |(_, field)| field);
            (!name.is_empty() && name != "map").then(|| name.to_owned())
        })
        .collect()
}

/// Whether a line of Go reads, writes or iterates a map of this name.
pub fn names_map(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        !before.is_some_and(|character| character.is_alphanumeric() || character == '_')
            && (after.starts_with('[')
                || line[..at].trim_end().ends_with("range")
                || line[..at].rsplit([' ', '\t']).next().is_some_and(|word| {
                    word.starts_with("delete(")
                        || word.starts_with("clear(")
                        || word.starts_with("len(")
                })
                || line.contains("range ") && after.trim_start().starts_with('{'))
    })
}
