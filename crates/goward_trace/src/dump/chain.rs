//! Which frame raised which panic.
//!
//! Go's header names the panics of a chain oldest first. The stack of the goroutine shows them
//! newest first: each panic that was already under way is a frame named `panic`, and the frame
//! below it raised that panic. With `GOTRACEBACK` below `system` the newest panic's own `panic`
//! frame is left out. So a header of `n` panics goes with a stack of `n` places (*sites*) that
//! raise, and the oldest panic was raised at the site nearest to the end of the stack.
//!
//! The two can differ, and then the answer is unknown unless every reading agrees:
//!
//! - fewer sites than header lines: a line `\tpanic: …` stands in a panic value;
//! - more sites than header lines: Go 1.25 and later print a value that was raised again at once
//!   on one line, with `[recovered, repanicked]` or (1.26, nothing recovered) without any mark;
//! - a stack that is cut or has frames left out proves only its upper end.
//!
//! Compare `printpanics`, `preprintpanics` and `gopanic` in Go's `runtime/panic.go`.

use std::borrow::Cow;

use super::parse::join;
use super::{Call, Dump, Fatal, Frame, FrameId, Goroutine, Kind, Panic, Report};

const FOLDED: &str = " [recovered, repanicked]";
const RECOVERED: &str = " [recovered]";

const NO_STACK: &str = "the dump has no stack (GOTRACEBACK=none, or it was cut)";
const CUT: &str = "the stack is cut or has frames left out where the raising frame would be";
const LEFT_OUT: &str = "Go left frames out of the stack, so there may have been more panics";
const FOLDED_SOMEWHERE: &str = "a value was raised more than once and Go prints that on one line; the dump does not show which one";
const RUNTIME_ALONE: &str = "the runtime itself raised it while it ran a deferred nil function or a deferred close, whose frames Go prints with GOTRACEBACK=system only";
const PRINTED: &str = "the dump starts with the stacks: the line that names the error is not in it";
const IN_A_VALUE: &str =
    "the header names more panics than the stack shows: one of its lines is part of a panic value";

/// What the parser found before the stacks.
#[derive(Default, Debug)]
pub(super) struct Raw<'t> {
    /// The header's lines: the first without `panic: `, the others as printed.
    pub(super) header: Vec<&'t str>,
    /// The value that net/http printed with the stack.
    pub(super) recovered: Option<&'t str>,
    /// What the program logged directly before a stack that it printed, as the value of a panic.
    pub(super) logged: Option<&'t str>,
    /// Further lines of that value have a tab that is not the value's, as blackbox writes them.
    pub(super) recovered_indented: bool,
    /// The thread that got the signal.
    pub(super) thread: Option<i32>,
    /// A line of the value, printed without indentation, looks like a header.
    pub(super) header_inside: bool,
    /// Two goroutines claim to be the one that ran.
    pub(super) running_twice: bool,
}

/// The header's lines of one panic.
struct Entry<'t> {
    lines: Vec<&'t str>,
    mark: Mark,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Recovered,
    Folded,
}

/// One place of the stack that raised a panic, with the frames up to the next newer one.
struct Site {
    raised_by: Option<FrameId>,
    during: Option<FrameId>,
    /// Why `raised_by` is unknown.
    unknown: Option<&'static str>,
}

/// Fills in [`Dump::panics`], [`Dump::original`], [`Dump::crashed`] and the fatal error's frame.
pub(super) fn resolve<'t>(
    dump: &mut Dump<'t>,
    raw: &mut Raw<'t>,
    report: &Report<'t>,
    runtime_first: bool,
) {
    dump.crashed = crashed(dump, raw, runtime_first);
    if let Some((at, text)) = fatal_line(dump, raw, report) {
        dump.kind = Kind::Fatal;
        dump.fatal = Some(Fatal {
            text,
            raised_by: None,
            during: None,
        });
        raw.header.truncate(at);
        dump.crashed = crashed(dump, raw, runtime_first);
    }
    let crashed = dump.crashed.map(|index| &dump.goroutines[index]);
    let stack = crashed.map_or(&[][..], |goroutine| report.stack(goroutine));
    if dump.kind == Kind::Panic
        && let Some(first) = stack.first()
        && report.frame(first.frame).function == "runtime/debug.Stack"
    {
        // The program printed these words itself, and the stack that it took while recovering.
        dump.kind = Kind::Recovered;
        resolve_header(dump, raw, report, false);
        if let Some(newest) = dump.panics.last_mut() {
            newest.recovered = true;
        }
        return;
    }
    if dump.kind == Kind::Listing
        && let [only] = dump.goroutines.as_slice()
        && let Some(first) = report.stack(only).first()
        && report.frame(first.frame).function == "runtime/debug.Stack"
    {
        dump.kind = Kind::Stack;
        let sites = sites(report, report.stack(only), false);
        dump.crashed = Some(0);
        fill_unprinted(dump, sites);
        if let Some(newest) = dump.panics.last_mut() {
            newest.text = raw.logged.map(Cow::Borrowed);
        }
        return;
    }
    if dump.kind == Kind::Listing
        && let Some(first) = dump.goroutines.first()
        && first.state == "running"
        && let Some(call) = report.stack(first).first()
        && is_fatal(report.frame(call.frame))
    {
        // The crash output that a program can ask for has the stacks of a fatal error, but not
        // the line that names it.
        dump.kind = Kind::Fatal;
        dump.crashed = Some(0);
        let text = if report.frame(call.frame).function == "internal/runtime/maps.fatal" {
            "concurrent map access"
        } else {
            "unknown"
        };
        let (raised_by, during) = fatal_frames(report, report.stack(first));
        dump.fatal = Some(Fatal {
            text,
            raised_by,
            during,
        });
        dump.doubts.push(PRINTED);
        let sites = sites(report, report.stack(first), false);
        fill_unprinted(dump, sites);
        return;
    }
    if let Some(fatal) = &mut dump.fatal
        && !raw.running_twice
    {
        (fatal.raised_by, fatal.during) = fatal_frames(report, stack);
    }
    match dump.kind {
        Kind::Recovered => {
            let sites = sites(report, stack, false);
            fill_unprinted(dump, sites);
            let text = raw.recovered.map(|text| {
                let lines: Vec<&str> = text.trim_end().lines().collect();
                if raw.recovered_indented {
                    join(&lines)
                } else {
                    Cow::Owned(lines.join("\n"))
                }
            });
            match dump.panics.last_mut() {
                Some(newest) => {
                    newest.text = text;
                    newest.recovered = true;
                }
                None => {
                    dump.panics.push(Panic {
                        text,
                        recovered: true,
                        unknown: Some(CUT),
                        ..Panic::default()
                    });
                    dump.original = None;
                }
            }
        }
        Kind::Panic => resolve_header(dump, raw, report, true),
        Kind::Fatal if !raw.header.is_empty() => resolve_header(dump, raw, report, false),
        Kind::Fatal | Kind::Signal if dump.crashed.is_some() && !raw.running_twice => {
            let sites = sites(report, stack, false);
            fill_unprinted(dump, sites);
            name_panic_while_printing(dump);
        }
        _ => {}
    }
    if raw.running_twice || raw.header_inside {
        doubt(dump);
    }
}

/// Drops the panics' texts: the whole header may be part of a later value.
pub(super) fn forget(dump: &mut Dump<'_>) {
    dump.panics.truncate(1);
    for panic in &mut dump.panics {
        panic.text = None;
    }
}

/// Takes back everything that rests on the stack of a dump that contradicts itself.
pub(super) fn doubt(dump: &mut Dump<'_>) {
    const TWICE: &str = "the dump contradicts itself: Go before 1.23 prints panic values unindented, so part of it may be a value that looks like a dump";
    if dump.doubts.contains(&TWICE) {
        return;
    }
    dump.doubts.push(TWICE);
    dump.original = None;
    for panic in &mut dump.panics {
        panic.raised_by = None;
        panic.during = None;
        panic.raised_again_by = None;
        panic.unknown = Some(TWICE);
    }
    if let Some(fatal) = &mut dump.fatal {
        fatal.raised_by = None;
        fatal.during = None;
    }
}

/// The panics that are under way in a goroutine which the header is not about, oldest first: it runs
/// a deferred call of each, and may wait in one for ever. Their values are not printed.
pub fn under_way<'t>(report: &Report<'t>, goroutine: &Goroutine<'t>) -> Vec<Panic<'t>> {
    sites(report, report.stack(goroutine), false)
        .into_iter()
        .map(|site| Panic {
            raised_by: site.raised_by,
            during: site.during,
            unknown: site.unknown,
            ..Panic::default()
        })
        .collect()
}

/// The header's line `\tfatal error: …`, by which the runtime gave up while panics were running: its
/// index and its text. A line of a panic value looks the same, but a real one is the last of the
/// header, and the stack starts in the function that printed it.
fn fatal_line<'t>(dump: &Dump<'_>, raw: &Raw<'t>, report: &Report<'t>) -> Option<(usize, &'t str)> {
    let at = raw.header.len().checked_sub(1).filter(|&at| at > 0)?;
    let text = raw.header[at].strip_prefix("\tfatal error: ")?;
    let genuine = match dump.crashed {
        Some(index) => report
            .stack(&dump.goroutines[index])
            .iter()
            .map(|call| report.frame(call.frame))
            .take_while(|frame| frame.function != "panic")
            .any(is_fatal),
        // With a stack of the runtime in front, it was the scheduler that died.
        None => dump.goroutines.is_empty() || dump.runtime_stack.is_some(),
    };
    (dump.kind == Kind::Panic && genuine).then_some((at, text))
}

/// The frame whose doing a fatal error is, and the deferred call in which it happened.
fn fatal_frames(report: &Report<'_>, stack: &[Call<'_>]) -> (Option<FrameId>, Option<FrameId>) {
    let panicking = stack
        .iter()
        .position(|call| report.frame(call.frame).function == "panic");
    let newest = &stack[..panicking.unwrap_or(stack.len())];
    let site = site(report, newest, panicking.is_some());
    let own = |calls: &[Call<'_>]| {
        calls
            .iter()
            .map(|call| call.frame)
            .find(|&id| !is_runtime_or_sync(report.frame(id)))
    };
    // Where Go left the program's own frame out, the deferred call itself is what is known. A
    // deferred function of the runtime's (it prints panic values) is nobody's doing.
    let raised_by = own(newest).or(site.during).or_else(|| own(stack));
    (raised_by, site.during)
}

fn crashed(dump: &Dump<'_>, raw: &Raw<'_>, runtime_first: bool) -> Option<usize> {
    let first = dump.goroutines.first()?;
    // While its thread is on the scheduler's stack a goroutine still counts as running.
    let running = first.state == "running" || first.state == "syscall" && first.thread.is_some();
    match dump.kind {
        Kind::Panic | Kind::Recovered => (!runtime_first || running).then_some(0),
        Kind::Fatal => running.then_some(0),
        Kind::Signal => dump.goroutines.iter().position(|goroutine| {
            goroutine.id != 0
                && (goroutine.thread.is_some() && goroutine.thread == raw.thread
                    || goroutine.state == "running" && !goroutine.calls.is_empty())
        }),
        Kind::Listing | Kind::Stack | Kind::Race => None,
    }
}

/// The sites of a stack, oldest first. `newest_hidden`: the newest panic has raised, but its own
/// `panic` frame is not on the stack unless it is the first frame.
fn sites(report: &Report<'_>, stack: &[Call<'_>], newest_hidden: bool) -> Vec<Site> {
    let mut starts: Vec<usize> = stack
        .iter()
        .enumerate()
        .filter(|(_, call)| report.frame(call.frame).function == "panic")
        .map(|(index, _)| index + 1)
        .collect();
    if newest_hidden && !stack.is_empty() && starts.first() != Some(&1) {
        starts.insert(0, 0);
    }
    let mut found: Vec<Site> = (0..starts.len())
        .map(|index| {
            let end = starts.get(index + 1).map_or(stack.len(), |next| next - 1);
            let nested = index + 1 < starts.len();
            site(report, &stack[starts[index]..end], nested)
        })
        .collect();
    found.reverse();
    found
}

/// `nested`: below the segment is the `panic` frame of an older panic, so that the segment's last
/// frame is a deferred call that this older panic runs.
fn site(report: &Report<'_>, segment: &[Call<'_>], nested: bool) -> Site {
    let frame = |call: &Call<'_>| report.frame(call.frame);
    let own = segment.iter().find(|call| !frame(call).runtime);
    let raised_by = own
        .or(segment.first().filter(|_| !nested))
        .map(|call| call.frame);
    // runtime.Goexit runs deferred calls too, and is itself on the stack then.
    let goexit = segment
        .iter()
        .position(|call| frame(call).function == "runtime.Goexit");
    let printing = segment
        .iter()
        .any(|call| frame(call).function == "runtime.preprintpanics");
    let deferred: &[Call<'_>] = match goexit {
        Some(at) => &segment[..at],
        None if nested && !printing => segment,
        None => &[],
    };
    let mut candidates = deferred.iter().rev().filter(|call| !frame(call).runtime);
    let last = candidates.clone().next();
    let during = candidates
        .find(|call| !is_wrapper(frame(call)))
        .or(last)
        .map(|call| call.frame);
    Site {
        raised_by,
        during,
        unknown: raised_by.is_none().then_some(RUNTIME_ALONE),
    }
}

/// Panics that only the stack shows.
fn fill_unprinted(dump: &mut Dump<'_>, sites: Vec<Site>) {
    dump.panics = sites
        .into_iter()
        .map(|site| Panic {
            raised_by: site.raised_by,
            during: site.during,
            unknown: site.unknown,
            ..Panic::default()
        })
        .collect();
    let left_out = dump
        .crashed
        .is_some_and(|index| dump.goroutines[index].elided.is_some());
    if left_out && dump.panics.len() > 1 {
        dump.doubts.push(LEFT_OUT);
    }
    // An older one may lie below the end of a stack that was cut.
    let cut = dump
        .crashed
        .is_none_or(|index| !dump.goroutines[index].complete);
    dump.original = (!dump.panics.is_empty() && !cut).then_some(0);
}

/// `panic while printing panic value: …`: the newest panic was raised by the Error or String
/// method of the value before it.
fn name_panic_while_printing<'t>(dump: &mut Dump<'t>) {
    const START: &str = "panic while printing panic value: ";
    let Some(text) = dump.fatal.as_ref().map(|fatal| fatal.text) else {
        return;
    };
    if let Some(value) = text.strip_prefix(START)
        && !value.starts_with("type ")
        && dump.panics.len() > 1
        && let Some(newest) = dump.panics.last_mut()
    {
        newest.text = Some(Cow::Borrowed(value));
    }
}

fn resolve_header<'t>(
    dump: &mut Dump<'t>,
    raw: &Raw<'t>,
    report: &Report<'t>,
    newest_hidden: bool,
) {
    let lines = &raw.header[..];
    let mut entries = entries(lines);
    let goroutine = dump.crashed.map(|index| &dump.goroutines[index]);
    let stack = goroutine.map_or(&[][..], |goroutine| report.stack(goroutine));
    let mut sites = sites(report, stack, newest_hidden);
    let whole = goroutine.is_some_and(is_whole);
    if !goroutine.is_some_and(|goroutine| goroutine.complete)
        && let Some(oldest) = sites.first_mut()
        && oldest.raised_by.is_some_and(|id| report.frame(id).runtime)
    {
        // The frame of the program that called into the runtime is behind the cut.
        oldest.raised_by = None;
        oldest.unknown = Some(CUT);
    }
    if whole
        && newest_hidden
        && stack
            .first()
            .is_some_and(|call| report.frame(call.frame).function != "panic")
        && entries.len() == sites.len() + 1
        && entries
            .last()
            .is_some_and(|newest| raised_by_runtime_alone(newest, dump.signal))
    {
        sites.push(Site {
            raised_by: None,
            during: None,
            unknown: Some(RUNTIME_ALONE),
        });
    }

    if sites.is_empty() {
        // Without a stack a line of a value cannot be told from a panic. A chain of one-line
        // values is taken as it stands; where a value has several lines anything may be in it.
        if entries.len() > 1 && entries.iter().any(|entry| entry.lines.len() > 1) {
            entries = vec![Entry::whole(lines)];
            dump.panics = texts(&entries, NO_STACK);
            dump.doubts.push("without a stack it cannot be told whether these lines are several panics or one value of several lines");
            return;
        }
        dump.panics = texts(&entries, NO_STACK);
        dump.original = Some(0);
        return;
    }
    if whole && sites.len() == 1 {
        // There was one panic, raised once, whatever its value looks like.
        entries = vec![Entry {
            lines: lines.to_vec(),
            mark: Mark::None,
        }];
    }
    if entries.len() > 1 && entries.len() == sites.len() {
        // `[recovered, repanicked]` needs two sites of its own: here it is part of a value.
        if whole && entries.iter().any(|entry| entry.mark == Mark::Folded) {
            dump.doubts.push(IN_A_VALUE);
            only_ends(dump, &entries, &sites, IN_A_VALUE);
            return;
        }
    }
    let folds = entries
        .iter()
        .filter(|entry| entry.mark == Mark::Folded)
        .count();
    let matches = entries.len() == sites.len() && folds == 0;
    if !(whole || matches) {
        dump.panics = texts(&entries, CUT);
        dump.original = Some(0);
        let newest_is_top = !(entries.len() == 1 && folds > 0);
        if let (Some(newest), Some(site)) = (dump.panics.last_mut(), sites.last())
            && newest_is_top
            && entries.len() > 1
        {
            newest.set(site);
        }
        return;
    }
    if sites.len() < entries.len() {
        dump.doubts.push(IN_A_VALUE);
        if folds > 0 {
            only_ends(dump, &entries, &sites, IN_A_VALUE);
        } else {
            by_sites(dump, &entries, &sites);
        }
        return;
    }
    // Every entry takes one site, folded ones as many more as there are too many.
    let extra = sites.len() - entries.len();
    let mut takes: Vec<usize> = vec![1; entries.len()];
    if entries.len() == 1 {
        takes[0] += extra;
    } else if extra == folds {
        for (take, entry) in takes.iter_mut().zip(&entries) {
            *take += usize::from(entry.mark == Mark::Folded);
        }
    } else {
        dump.doubts.push(FOLDED_SOMEWHERE);
        only_ends(dump, &entries, &sites, FOLDED_SOMEWHERE);
        return;
    }
    dump.panics = texts(&entries, NO_STACK);
    dump.original = Some(0);
    let mut at = 0;
    for (panic, take) in dump.panics.iter_mut().zip(takes) {
        panic.set(&sites[at]);
        at += take;
        if take > 1 {
            panic.repanicked = true;
            panic.raised_again_by = sites[at - 1].raised_by;
        }
    }
}

/// Whether this is the text of a panic that a deferred call raises without any frame that Go would
/// print: a nil function, or `close` of a channel that is nil or closed.
fn raised_by_runtime_alone(newest: &Entry<'_>, signal: Option<&str>) -> bool {
    match newest.lines.as_slice() {
        ["runtime error: invalid memory address or nil pointer dereference"] => signal.is_some(),
        ["close of closed channel" | "close of nil channel"] => true,
        _ => false,
    }
}

/// The entries as they stand, with only what holds in every reading: the first one was raised at
/// the oldest site.
fn only_ends<'t>(dump: &mut Dump<'t>, entries: &[Entry<'t>], sites: &[Site], why: &'static str) {
    dump.panics = texts(entries, why);
    dump.original = Some(0);
    if let (Some(oldest), Some(site)) = (dump.panics.first_mut(), sites.first()) {
        oldest.set(site);
    }
}

/// As many panics as the stack shows. Of the header only the start of the first one's value and the
/// end of the last one's are certain.
fn by_sites<'t>(dump: &mut Dump<'t>, entries: &[Entry<'t>], sites: &[Site]) {
    dump.panics = sites
        .iter()
        .map(|site| {
            let mut panic = Panic::default();
            panic.set(site);
            panic
        })
        .collect();
    dump.original = Some(0);
    let last = sites.len() - 1;
    let mut printed = texts(entries, IN_A_VALUE).into_iter();
    for (at, printed) in [(0, printed.next()), (last, printed.next_back())] {
        if let (Some(panic), Some(printed)) = (dump.panics.get_mut(at), printed) {
            panic.text = printed.text;
            panic.recovered = printed.recovered;
        }
    }
}

impl Panic<'_> {
    fn set(&mut self, site: &Site) {
        self.raised_by = site.raised_by;
        self.during = site.during;
        self.unknown = site.unknown;
    }
}

impl<'t> Entry<'t> {
    /// The newest panic of a chain is never marked as recovered: a mark at its end is its text.
    fn whole(lines: &[&'t str]) -> Entry<'t> {
        let mut shorter = lines.to_vec();
        match take_mark(&mut shorter) {
            Mark::Folded => Entry {
                lines: shorter,
                mark: Mark::Folded,
            },
            Mark::Recovered | Mark::None => Entry {
                lines: lines.to_vec(),
                mark: Mark::None,
            },
        }
    }
}

fn entries<'t>(lines: &[&'t str]) -> Vec<Entry<'t>> {
    let mut found: Vec<Entry<'t>> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        match line.strip_prefix("\tpanic: ") {
            Some(text) => found.push(Entry {
                lines: vec![text],
                mark: Mark::None,
            }),
            None if index == 0 => found.push(Entry {
                lines: vec![line],
                mark: Mark::None,
            }),
            None => {
                if let Some(entry) = found.last_mut() {
                    entry.lines.push(line);
                }
            }
        }
    }
    let last = found.len().saturating_sub(1);
    for (index, entry) in found.iter_mut().enumerate() {
        let mut lines = entry.lines.clone();
        entry.mark = take_mark(&mut lines);
        if index == last && entry.mark == Mark::Recovered {
            entry.mark = Mark::None;
        } else {
            entry.lines = lines;
        }
    }
    found
}

fn take_mark(lines: &mut [&str]) -> Mark {
    let Some(last) = lines.last_mut() else {
        return Mark::None;
    };
    if let Some(shorter) = last.strip_suffix(FOLDED) {
        *last = shorter;
        Mark::Folded
    } else if let Some(shorter) = last.strip_suffix(RECOVERED) {
        *last = shorter;
        Mark::Recovered
    } else {
        Mark::None
    }
}

fn texts<'t>(entries: &[Entry<'t>], unknown: &'static str) -> Vec<Panic<'t>> {
    entries
        .iter()
        .map(|entry| Panic {
            text: Some(join(&entry.lines)),
            recovered: entry.mark != Mark::None,
            repanicked: entry.mark == Mark::Folded,
            unknown: Some(unknown),
            ..Panic::default()
        })
        .collect()
}

fn is_whole(goroutine: &Goroutine<'_>) -> bool {
    goroutine.complete && goroutine.elided.is_none() && !goroutine.unavailable
}

/// Wrappers that the compiler makes around a deferred call: to hold its arguments or its receiver,
/// or to reach the method of an embedded value.
fn is_wrapper(frame: &Frame<'_>) -> bool {
    frame.file == "<autogenerated>"
        || frame.function.ends_with("-fm")
        || frame
            .function
            .rsplit('.')
            .next()
            .is_some_and(|name| name.starts_with("deferwrap"))
}

/// `runtime.fatal`, `runtime.throw`, and `fatal` of packages that the runtime gives it to.
fn is_fatal(frame: &Frame<'_>) -> bool {
    frame.runtime
        && (frame.function == "runtime.throw" || frame.function.rsplit('.').next() == Some("fatal"))
}

fn is_runtime_or_sync(frame: &Frame<'_>) -> bool {
    frame.runtime || matches!(frame.package(), "sync" | "internal/sync")
}
