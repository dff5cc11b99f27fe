//! A trace's summary and its exceptions as text.

use std::fmt::Write as _;

use goward_trace::trace::Timeline;
use goward_trace::trace::exception::{Exception, ExceptionGroup, Kind, Path, Piece};
use goward_trace::trace::summary::{FrameText, Summary, telling_frame};

use super::trace_fusion::Marker;

/// A duration in the unit that reads best.
pub(crate) fn duration(nanoseconds: i64) -> String {
    let value = nanoseconds as f64;
    match nanoseconds.abs() {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.1} µs", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}

/// A frame in one line; the file without its folders.
fn frame(frame: &FrameText) -> String {
    let file = frame.file.rsplit('/').next().unwrap_or_default();
    format!("{} ({file}:{})", frame.function, frame.line)
}

fn place(frames: &[FrameText]) -> String {
    telling_frame(frames).map_or_else(|| "the runtime".to_owned(), frame)
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Panic => "panic",
        Kind::Cancel => "cancel",
        Kind::Error => "error",
    }
}

/// The summary table.
pub(crate) fn summary(out: &mut String, summary: &Summary, rows: usize) {
    let _ = writeln!(
        out,
        "{} of trace, {} events, {} goroutines ({} created, {} ended) on {} processors",
        duration(summary.duration),
        summary.events,
        summary.goroutines,
        summary.created,
        summary.ended,
        summary.processors
    );
    if let Some(failure) = &summary.failure {
        let _ = writeln!(
            out,
            "THE TRACE BREAKS OFF: {failure}\nWhat follows is the part before."
        );
    }
    let [median, most, longest] = summary.latency;
    let _ = writeln!(
        out,
        "runnable goroutines waited for a processor: half of the times less than {}, 99 % less than {}, never {} or more",
        duration(median),
        duration(most),
        duration(longest)
    );
    let gc = &summary.collections;
    let stops: u64 = summary.stops.iter().map(|stop| stop.count).sum();
    let stopped: i64 = summary.stops.iter().map(|stop| stop.total).sum();
    let longest_stop = summary
        .stops
        .iter()
        .map(|stop| stop.longest)
        .max()
        .unwrap_or(0);
    let _ = writeln!(
        out,
        "garbage collections: {} marking {} in all (longest {}); assists {}, sweeping {}; {stops} stops of the world, {} in all (longest {}); heap at most {}",
        gc.count,
        duration(gc.total),
        duration(gc.longest),
        duration(summary.assist),
        duration(summary.sweep),
        duration(stopped),
        duration(longest_stop),
        bytes(summary.heap_largest)
    );
    if summary.samples != 0 {
        let _ = writeln!(out, "CPU samples: {}", summary.samples);
    }
    let _ = writeln!(
        out,
        "\n{:>10} {:>7} {:>10} {:>10} {:>10} {:>10}  goroutines by first function",
        "count", "alive", "running", "runnable", "waiting", "syscall"
    );
    for group in summary.groups.iter().take(rows) {
        let _ = writeln!(
            out,
            "{:>10} {:>7} {:>10} {:>10} {:>10} {:>10}  {}",
            group.goroutines,
            group.alive,
            duration(group.running),
            duration(group.runnable),
            duration(group.waiting),
            duration(group.syscall),
            group.function
        );
    }
    if summary.groups.len() > rows {
        let _ = writeln!(out, "{:>10} more functions", summary.groups.len() - rows);
    }
    if !summary.blocking.is_empty() {
        let _ = writeln!(out, "\n{:>10} {:>10}  what blocked whom", "count", "waited");
        for blocking in summary.blocking.iter().take(rows) {
            let _ = writeln!(
                out,
                "{:>10} {:>10}  {} at {}, woken by {}",
                blocking.count,
                duration(blocking.waited),
                if blocking.reason.is_empty() {
                    "waiting"
                } else {
                    &blocking.reason
                },
                place(&blocking.waiting_at),
                place(&blocking.woken_at)
            );
        }
    }
    if !summary.syscalls.is_empty() {
        let _ = writeln!(out, "\n{:>10} {:>10}  system calls", "count", "took");
        for call in summary.syscalls.iter().take(rows.min(8)) {
            let _ = writeln!(
                out,
                "{:>10} {:>10}  {}",
                call.count,
                duration(call.waited),
                place(&call.waiting_at)
            );
        }
    }
    for (title, all) in [("tasks", &summary.tasks), ("regions", &summary.regions)] {
        if all.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "\n{:>10} {:>10} {:>10} {:>10}  {title}",
            "count", "total", "median", "longest"
        );
        for one in all.iter().take(rows) {
            let open = if one.open == 0 {
                String::new()
            } else {
                format!(" ({} not ended or begun in the trace)", one.open)
            };
            let _ = writeln!(
                out,
                "{:>10} {:>10} {:>10} {:>10}  {}{open}",
                one.count,
                duration(one.total),
                duration(one.median),
                duration(one.longest),
                one.name
            );
        }
    }
    if !summary.logs.is_empty() {
        let _ = writeln!(out, "\n{:>10}  logs by category", "count");
        for (category, count) in summary.logs.iter().take(rows) {
            let _ = writeln!(out, "{count:>10}  {category}");
        }
    }
}

/// The exceptions of a trace; the first of each group with its path, for the first `paths` groups.
pub(crate) fn exceptions(
    out: &mut String,
    timeline: &Timeline,
    all: &[Exception],
    groups: &[ExceptionGroup],
    paths: usize,
) {
    if groups.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nexceptions");
    for group in groups.iter().take(12) {
        let origin = match &group.origin {
            Some(origin) => frame(origin),
            None if group.by_deadline => "its deadline".to_owned(),
            None => "unknown".to_owned(),
        };
        let verb = match group.kind {
            Kind::Panic
                if group
                    .stack
                    .iter()
                    .any(|frame| frame.function == "runtime.gopanic") =>
            {
                "raised by"
            }
            Kind::Panic | Kind::Error => "logged by",
            Kind::Cancel => "cancelled by",
        };
        let message = if group.message.is_empty() {
            String::new()
        } else {
            format!(" \"{}\"", group.message)
        };
        let _ = writeln!(
            out,
            "{:>10}  {}{message}, {verb} {}",
            group.count,
            kind_name(group.kind),
            // What was logged is what the last panic said.
            match group.masked_by.last() {
                Some(later) => format!("{}, which masks that of {origin}", frame(later)),
                None => origin,
            }
        );
    }
    if groups.len() > 12 {
        let _ = writeln!(out, "{:>10} more places", groups.len() - 12);
    }
    for group in groups.iter().take(paths) {
        let exception = &all[group.first];
        let path = goward_trace::trace::exception::path(timeline, exception);
        exception_text(out, group, &path);
    }
}

/// One exception with its way back.
fn exception_text(out: &mut String, group: &ExceptionGroup, path: &Path) {
    let _ = writeln!(
        out,
        "\n{} in goroutine {} {} at +{}{}{}",
        kind_name(group.kind),
        group.goroutine,
        group.function,
        duration(group.at),
        if group.message.is_empty() { "" } else { ": " },
        group.message
    );
    if group.by_deadline {
        let _ = writeln!(out, "  origin      the context's deadline passed");
    }
    if let Some(origin) = &group.origin {
        let _ = writeln!(out, "  origin      {}", frame(origin));
    }
    for later in &group.masked_by {
        let _ = writeln!(out, "  masked by   {}", frame(later));
    }
    for call in &group.in_deferred {
        let _ = writeln!(out, "  in deferred {}", frame(call));
    }
    path_text(out, path);
}

/// Whom a goroutine woke, and the way back.
pub(crate) fn path_text(out: &mut String, path: &Path) {
    for hit in &path.hits {
        let _ = writeln!(
            out,
            "  woke        goroutine {} {}, which had waited {}",
            hit.goroutine,
            hit.function,
            waited(hit.waited, hit.waited_before, &hit.waited_for)
        );
    }
    if path.more_hits > 0 {
        let _ = writeln!(out, "  woke        {} more goroutines", path.more_hits);
    }
    for (depth, step) in path.steps.iter().enumerate() {
        let by = match step.by {
            Some(id) => format!(
                " by goroutine {id} {} in {}",
                step.by_function,
                place(&step.by_at)
            ),
            None => String::new(),
        };
        let waited = match step.waited_since {
            Some(since) if step.how != "created" => {
                format!(
                    " after waiting {}",
                    waited(step.from - since, step.waited_before, &step.waited_for)
                )
            }
            _ => String::new(),
        };
        let _ = writeln!(
            out,
            "  {:<11} goroutine {} {}{waited}{by} at +{}",
            if depth == 0 { "because" } else { "and that" },
            step.goroutine,
            step.how,
            duration(step.from)
        );
    }
}

/// How long and for what a goroutine waited; what began before the trace may have taken longer.
fn waited(time: i64, before: bool, reason: &str) -> String {
    let at_least = if before { "at least " } else { "" };
    let reason = match reason {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    format!("{at_least}{}{reason}", duration(time))
}

/// The critical path of a task.
pub(crate) fn critical_path(out: &mut String, name: &str, id: u64, pieces: &[Piece]) {
    let total =
        pieces.last().map_or(0, |last| last.to) - pieces.first().map_or(0, |first| first.from);
    let _ = writeln!(
        out,
        "\ncritical path of task {id} {name}, {}",
        duration(total)
    );
    for piece in pieces {
        let reason = if piece.reason.is_empty() {
            String::new()
        } else {
            format!(" ({})", piece.reason)
        };
        let _ = writeln!(
            out,
            "{:>10}  goroutine {} {} {}{reason} {}",
            duration(piece.to - piece.from),
            piece.goroutine,
            piece.function,
            piece.state.to_lowercase(),
            if piece.at.is_empty() {
                String::new()
            } else {
                format!("at {}", place(&piece.at))
            }
        );
    }
}

/// What profiles and dumps say about the trace.
pub(crate) fn markers(out: &mut String, markers: &[Marker]) {
    for marker in markers {
        let _ = writeln!(
            out,
            "\n{} at {}: {}",
            marker.label, marker.when, marker.matched
        );
        for group in marker.groups.iter().take(15) {
            let _ = writeln!(
                out,
                "{:>10}  {} — {}",
                group.count, group.title, group.trace
            );
        }
    }
}
