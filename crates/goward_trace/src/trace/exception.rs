//! The exception path: what led to a panic, a cancellation or an error, backwards over creations and
//! wake-ups to its origin, and forwards to whom it hit.
//!
//! Where the exceptions come from:
//!
//! - logs of `trace.Log` whose category speaks of a panic, a cancellation, an error or a recovery;
//! - any stack that holds `runtime.gopanic`: whoever logs, blocks or is preempted with such a stack
//!   is inside a deferred call of a panic, and the frame below tells where it was raised;
//! - wake-ups from within `context`'s cancel functions: the stack says who cancelled.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::event::GoState;
use super::summary::{FrameText, frames};
use super::symbols::StackId;
use super::timeline::{NOBODY, Timeline};

/// What kind of exception it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Panic,
    Cancel,
    Error,
}

/// One exception: a moment on a goroutine.
#[derive(Clone, Debug)]
pub struct Exception {
    pub kind: Kind,
    pub time: i64,
    /// Index of the goroutine.
    pub goroutine: u32,
    /// What the program logged; empty where the stack alone tells.
    pub message: String,
    pub stack: StackId,
    /// The goroutine's last transition at that moment.
    pub after: u32,
}

/// Exceptions of the same kind from the same place.
#[derive(Clone, Debug, Serialize)]
pub struct ExceptionGroup {
    pub kind: Kind,
    pub count: u64,
    /// The message of the first one.
    pub message: String,
    /// The function and line that raised the panic, cancelled, or logged.
    pub origin: Option<FrameText>,
    /// Whether it is a cancellation by the context's own deadline.
    pub by_deadline: bool,
    /// The functions that panicked again in deferred calls, and so masked the first panic, in order.
    pub masked_by: Vec<FrameText>,
    /// The deferred calls that were running when it was seen, innermost first.
    pub in_deferred: Vec<FrameText>,
    /// The whole stack of the first one.
    pub stack: Vec<FrameText>,
    /// The number of the first one's goroutine, its function, and when, in nanoseconds from the
    /// trace's start.
    pub goroutine: i64,
    pub function: String,
    pub at: i64,
    /// Index of the first one in the list of exceptions.
    #[serde(skip)]
    pub first: usize,
}

/// One step of the way back from an exception.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Nanoseconds from the trace's start.
    pub from: i64,
    pub to: i64,
    pub goroutine: i64,
    pub function: String,
    /// What happened at `from`: `created`, `woken`, `started before the trace`, or `woken by the
    /// runtime`.
    pub how: &'static str,
    /// Why it had been waiting, and since when, where it was woken.
    pub waited_for: String,
    pub waited_since: Option<i64>,
    /// Whether it had been waiting since before the trace.
    pub waited_before: bool,
    pub waited_at: Vec<FrameText>,
    /// Who did it, and where.
    pub by: Option<i64>,
    pub by_function: String,
    pub by_at: Vec<FrameText>,
}

/// A goroutine that an exception woke.
#[derive(Clone, Debug, Serialize)]
pub struct Hit {
    pub goroutine: i64,
    pub function: String,
    /// Nanoseconds from the trace's start.
    pub at: i64,
    pub waited_for: String,
    pub waited: i64,
    /// Whether it had been waiting since before the trace.
    pub waited_before: bool,
    pub waited_at: Vec<FrameText>,
}

/// An exception with its way back and its consequences.
#[derive(Clone, Debug, Serialize)]
pub struct Path {
    pub steps: Vec<Step>,
    pub hits: Vec<Hit>,
    /// How many more goroutines it hit.
    pub more_hits: u64,
}

fn kind_of_category(category: &str) -> Option<Kind> {
    let lower = category.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["panic", "recover", "fatal"]) {
        Some(Kind::Panic)
    } else if has(&["cancel", "timeout", "deadline", "abort"]) {
        Some(Kind::Cancel)
    } else if has(&["error", "fail", "exception"]) || lower == "err" {
        Some(Kind::Error)
    } else {
        None
    }
}

/// Whether a function is the runtime's that runs deferred calls in a panic.
pub(super) fn is_panic(function: &str) -> bool {
    function == "runtime.gopanic"
}

/// Whether a function cancels a context.
fn is_cancel(function: &str) -> bool {
    function.starts_with("context.(*") && function.ends_with(").cancel")
        || function == "context.WithCancel.func1"
        || function == "context.withCancel.func1"
}

/// Whether a wake-up with a stack of these functions, innermost first, is one by a cancellation. The
/// locks that a cancellation gives up wake others, too: they waited for the lock and go on as before.
pub(super) fn cancels<'a>(stack: impl IntoIterator<Item = &'a str>) -> bool {
    stack
        .into_iter()
        .find(|function| is_cancel(function) || function.starts_with("sync."))
        .is_some_and(is_cancel)
}

/// What a stack says about panics and cancellations.
#[derive(Clone, Copy, Default)]
struct StackFacts {
    /// Index of the outermost `runtime.gopanic` frame plus one; 0 without.
    panics: u32,
    cancels: bool,
}

fn stack_facts(timeline: &Timeline) -> Vec<StackFacts> {
    let symbols = &timeline.symbols;
    let panic: Vec<bool> = (0..symbols.frame_count())
        .map(|frame| is_panic(symbols.function(frame as u32)))
        .collect();
    (0..symbols.stack_count())
        .map(|stack| {
            let stack = symbols.stack(stack as StackId);
            StackFacts {
                panics: stack
                    .iter()
                    .rposition(|&frame| panic[frame as usize])
                    .map_or(0, |index| index as u32 + 1),
                cancels: cancels(stack.iter().map(|&frame| symbols.function(frame))),
            }
        })
        .collect()
}

/// Whether a frame belongs to the runtime's way into a panic.
fn raises(function: &str) -> bool {
    const INNER: [&str; 8] = [
        "runtime.panic",
        "runtime.goPanic",
        "runtime.sigpanic",
        "runtime.throw",
        "runtime.gopanic",
        "runtime.mapassign",
        "runtime.mapaccess",
        "internal/runtime/",
    ];
    INNER.iter().any(|prefix| function.starts_with(prefix)) || function == "runtime.memequal"
}

/// The exceptions of a trace, in order of time.
pub fn exceptions(timeline: &Timeline) -> Vec<Exception> {
    let facts = stack_facts(timeline);
    let fact = |stack: StackId| facts.get(stack as usize).copied().unwrap_or_default();
    let mut all = Vec::new();
    let mut seen: FxHashMap<(Kind, u32), i64> = FxHashMap::default();
    for log in &timeline.logs {
        let by_stack = (fact(log.stack).panics != 0).then_some(Kind::Panic);
        let Some(kind) = kind_of_category(timeline.symbols.text(log.category)).or(by_stack) else {
            continue;
        };
        seen.insert((kind, log.goroutine), log.time);
        all.push(Exception {
            kind,
            time: log.time,
            goroutine: log.goroutine,
            message: timeline.symbols.text(log.message).to_owned(),
            stack: log.stack,
            after: log.after,
        });
    }
    // What is seen by its stack alone counts unless the goroutine logged the same thing shortly
    // before.
    const SAME: i64 = 10_000_000;
    for suspect in &timeline.suspects {
        let change = &timeline.transitions[suspect.transition as usize];
        let known = fact(change.stack);
        let (kind, goroutine) = match change.state {
            GoState::Runnable if known.cancels && change.by != NOBODY => (Kind::Cancel, change.by),
            _ if known.panics != 0 && change.by == NOBODY => (Kind::Panic, change.goroutine),
            _ if known.panics != 0 => (Kind::Panic, change.by),
            _ => continue,
        };
        let last = seen.entry((kind, goroutine)).or_insert(i64::MIN);
        if change.time.saturating_sub(*last) < SAME {
            continue;
        }
        *last = change.time;
        all.push(Exception {
            kind,
            time: change.time,
            goroutine,
            message: String::new(),
            stack: change.stack,
            after: suspect.after,
        });
    }
    all.sort_by_key(|exception| (exception.time, exception.goroutine));
    all
}

/// The place that raised, cancelled or logged; and the deferred calls that ran above it.
pub fn origin(timeline: &Timeline, exception: &Exception) -> (Option<FrameText>, Vec<FrameText>) {
    let frames = frames(timeline, exception.stack);
    if let Some(panic) = frames.iter().rposition(|frame| is_panic(&frame.function)) {
        let raised = frames[panic + 1..]
            .iter()
            .find(|frame| !raises(&frame.function))
            .cloned();
        let deferred = (1..=panic)
            .filter(|&index| is_panic(&frames[index].function))
            .filter_map(|index| deferred_call(&frames[..index]))
            .cloned()
            .collect();
        return (raised, deferred);
    }
    let own = frames
        .iter()
        .find(|frame| !is_tracing(&frame.function) && !frame.function.starts_with("runtime."))
        .cloned();
    (own, Vec::new())
}

/// The functions that raised the panics of a stack but the first, oldest first.
fn masked_by(stack: &[FrameText]) -> Vec<FrameText> {
    let mut panics = (0..stack.len())
        .rev()
        .filter(|&index| is_panic(&stack[index].function));
    panics.next();
    panics
        .filter_map(|index| {
            let mut callers = stack[index + 1..].iter();
            callers.find(|frame| !raises(&frame.function)).cloned()
        })
        .collect()
}

/// The deferred call among the frames that stand above a panic: the outermost, or the one above that
/// where it is the compiler's wrapper around the call.
fn deferred_call(above: &[FrameText]) -> Option<&FrameText> {
    let mut calls = above.iter().rev();
    let call = calls
        .next()
        .filter(|call| !call.function.starts_with("runtime."))?;
    match call.function.rsplit_once('.') {
        Some((_, last)) if last.starts_with("deferwrap") => calls.next(),
        _ => Some(call),
    }
}

/// Whether a stack is that of the timer which cancels a context when its deadline passes: the timer
/// runs this function as a goroutine of its own.
fn is_deadline(stack: &[FrameText]) -> bool {
    let outermost = stack
        .iter()
        .rev()
        .find(|frame| frame.function != "runtime.goexit");
    outermost.is_some_and(|frame| {
        [
            "context.WithDeadline.func",
            "context.WithDeadlineCause.func",
        ]
        .iter()
        .any(|prefix| frame.function.starts_with(prefix))
    })
}

fn is_tracing(function: &str) -> bool {
    ["runtime/trace.", "context.", "sync."]
        .iter()
        .any(|prefix| function.starts_with(prefix))
        || function.starts_with("runtime.trace")
        || matches!(
            function,
            "runtime.closechan"
                | "runtime.ready"
                | "runtime.goready"
                | "runtime.chansend1"
                | "runtime.chansend"
        )
}

/// Puts exceptions of the same kind from the same place together, most telling first: panics, then
/// cancellations, then errors; rare before frequent.
pub fn group(timeline: &Timeline, all: &[Exception]) -> Vec<ExceptionGroup> {
    let mut origins: FxHashMap<StackId, (Option<FrameText>, Vec<FrameText>)> = FxHashMap::default();
    let mut groups: BTreeMap<(Kind, String), ExceptionGroup> = BTreeMap::new();
    for (index, exception) in all.iter().enumerate() {
        let (place, deferred) = origins
            .entry(exception.stack)
            .or_insert_with(|| origin(timeline, exception))
            .clone();
        let key = match &place {
            Some(frame) => format!("{} {}:{}", frame.function, frame.file, frame.line),
            None => exception
                .message
                .replace(|character: char| character.is_ascii_digit(), "#"),
        };
        let goroutine = &timeline.goroutines.get(exception.goroutine as usize);
        groups
            .entry((exception.kind, key))
            .and_modify(|group| {
                group.count += 1;
                if group.message.is_empty() {
                    group.message.clone_from(&exception.message);
                }
            })
            .or_insert_with(|| {
                let stack = frames(timeline, exception.stack);
                ExceptionGroup {
                    kind: exception.kind,
                    count: 1,
                    message: exception.message.clone(),
                    origin: place,
                    by_deadline: exception.kind == Kind::Cancel && is_deadline(&stack),
                    masked_by: masked_by(&stack),
                    in_deferred: deferred,
                    stack,
                    goroutine: goroutine.map_or(-1, |goroutine| goroutine.id),
                    function: timeline.name(exception.goroutine).to_owned(),
                    at: exception.time - timeline.start,
                    first: index,
                }
            });
    }
    let mut groups: Vec<ExceptionGroup> = groups.into_values().collect();
    groups.sort_by(|one, other| {
        (one.kind, one.count, one.at).cmp(&(other.kind, other.count, other.at))
    });
    groups
}

/// The way back from a moment on a goroutine: who woke or created it, who woke or created that one,
/// and so on, at most `limit` steps.
pub fn path_back(
    timeline: &Timeline,
    goroutine: u32,
    after: u32,
    time: i64,
    limit: usize,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut goroutine, mut after, mut time) = (goroutine, after, time);
    while steps.len() < limit {
        let Some(known) = timeline.goroutines.get(goroutine as usize) else {
            break;
        };
        let mut step = Step {
            from: 0,
            to: time - timeline.start,
            goroutine: known.id,
            function: timeline.name(goroutine).to_owned(),
            how: "started before the trace",
            waited_for: String::new(),
            waited_since: None,
            waited_before: false,
            waited_at: Vec::new(),
            by: None,
            by_function: String::new(),
            by_at: Vec::new(),
        };
        // The last transition that somebody else caused.
        let mut at = after;
        let cause = loop {
            let Some(change) = timeline.transitions.get(at as usize) else {
                break None;
            };
            let before = timeline.transitions.get(change.previous as usize);
            let created = before.is_none()
                && timeline
                    .creation(known)
                    .is_some_and(|creation| creation.time == change.time);
            let woken = change.state == GoState::Runnable
                && before.is_some_and(|before| before.state == GoState::Waiting);
            if created || woken {
                break Some((change, before, created));
            }
            at = change.previous;
        };
        let Some((change, before, created)) = cause else {
            steps.push(step);
            break;
        };
        step.from = change.time - timeline.start;
        step.how = if created { "created" } else { "woken" };
        if let Some(before) = before {
            step.waited_for = timeline.reason(before.reason).to_owned();
            step.waited_since = Some(timeline.since(before) - timeline.start);
            step.waited_before = timeline.is_older(before);
            step.waited_at = frames(timeline, before.stack);
        }
        let by = change.by;
        if let Some(causer) = timeline.goroutines.get(by as usize) {
            step.by = Some(causer.id);
            step.by_function = timeline.name(by).to_owned();
            step.by_at = frames(timeline, change.stack);
            steps.push(step);
            after = timeline.last_until(by, at);
            goroutine = by;
            time = change.time;
        } else {
            if !created {
                step.how = "woken by the runtime";
            }
            steps.push(step);
            break;
        }
    }
    steps
}

/// Whom a goroutine woke right after a moment, until it blocked or ended itself; on request only from
/// within a cancellation.
pub fn hits(
    timeline: &Timeline,
    goroutine: u32,
    time: i64,
    limit: usize,
    cancelling: bool,
) -> (Vec<Hit>, u64) {
    let start = timeline
        .transitions
        .partition_point(|change| change.time < time);
    let (mut hits, mut more) = (Vec::new(), 0);
    // The search ends where the goroutine itself stops, or after a while: what is far away in the
    // trace is no consequence that could be shown.
    for change in timeline.transitions[start..].iter().take(100_000) {
        if change.goroutine == goroutine
            && matches!(change.state, GoState::Waiting | GoState::NotExist)
        {
            break;
        }
        let before = timeline.transitions.get(change.previous as usize);
        let Some(before) = before.filter(|before| {
            change.by == goroutine
                && change.state == GoState::Runnable
                && before.state == GoState::Waiting
                && (!cancelling || timeline.symbols.tells_exception(change.stack))
        }) else {
            continue;
        };
        if hits.len() == limit {
            more += 1;
            continue;
        }
        hits.push(Hit {
            goroutine: timeline.goroutines[change.goroutine as usize].id,
            function: timeline.name(change.goroutine).to_owned(),
            at: change.time - timeline.start,
            waited_for: timeline.reason(before.reason).to_owned(),
            waited: change.time - timeline.since(before),
            waited_before: timeline.is_older(before),
            waited_at: frames(timeline, before.stack),
        });
    }
    (hits, more)
}

/// The way back and the consequences of an exception.
pub fn path(timeline: &Timeline, exception: &Exception) -> Path {
    let steps = path_back(
        timeline,
        exception.goroutine,
        exception.after,
        exception.time,
        32,
    );
    let hits_of = |cancelling| {
        hits(
            timeline,
            exception.goroutine,
            exception.time,
            20,
            cancelling,
        )
    };
    // Who cancels a context may wake others, too, by a lock that it gives up. What is logged as a
    // cancellation may have nothing to do with contexts.
    let cancelled = hits_of(exception.kind == Kind::Cancel);
    let (hits, more_hits) = if cancelled.0.is_empty() {
        hits_of(false)
    } else {
        cancelled
    };
    Path {
        steps,
        hits,
        more_hits,
    }
}

/// One piece of the critical path of a task.
#[derive(Clone, Debug, Serialize)]
pub struct Piece {
    /// Nanoseconds from the trace's start.
    pub from: i64,
    pub to: i64,
    pub goroutine: i64,
    pub function: String,
    pub state: &'static str,
    pub reason: String,
    pub at: Vec<FrameText>,
}

/// The critical path of a task: the chain of work and waiting that its end depended on, from its
/// beginning to its end. Where a goroutine waited for another, the path goes to that one.
pub fn critical_path(timeline: &Timeline, task: usize) -> Vec<Piece> {
    let Some(task) = timeline.tasks.get(task) else {
        return Vec::new();
    };
    let (Some(begin), Some(end)) = (task.begin, task.end) else {
        return Vec::new();
    };
    let mut pieces = Vec::new();
    let (mut goroutine, mut at, mut time) = (task.ender, task.after, end);
    while time > begin && pieces.len() < 10_000 {
        let Some(change) = timeline.transitions.get(at as usize) else {
            break;
        };
        let from = timeline.since(change).max(begin);
        pieces.push(Piece {
            from: from - timeline.start,
            to: time - timeline.start,
            goroutine: timeline
                .goroutines
                .get(goroutine as usize)
                .map_or(-1, |known| known.id),
            function: timeline.name(goroutine).to_owned(),
            state: change.state.name(),
            reason: timeline.reason(change.reason).to_owned(),
            at: frames(timeline, change.stack),
        });
        time = from;
        if change.by != NOBODY {
            // It ran because of somebody: what that one did before is what mattered.
            goroutine = change.by;
            at = timeline.last_until(goroutine, at);
        } else {
            at = change.previous;
        }
    }
    pieces.reverse();
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stacks are those of wake-ups in traces of Go 1.26.
    #[test]
    fn a_lock_that_a_cancellation_gives_up_cancels_nobody() {
        assert!(cancels([
            "context.(*cancelCtx).cancel",
            "context.WithCancel.func1",
            "sync.(*Once).doSlow",
            "main.giveUp",
        ]));
        assert!(!cancels([
            "sync.(*Mutex).Unlock",
            "context.removeChild",
            "context.(*cancelCtx).cancel",
            "context.WithCancel.func1",
            "main.pick",
        ]));
        assert!(!cancels(["sync.(*Mutex).Unlock", "main.take"]));
    }
}
