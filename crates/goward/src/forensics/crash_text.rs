//! The result of `goward crash` for a reader at a terminal, and the sentences that explain it.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use goward_trace::dump::cluster::clusters;
use goward_trace::dump::wait::{Operation, Waits, wait};
use goward_trace::dump::{Call, Dump, FrameId, Kind, Panic, Report, access, under_way};

use super::escape::{one_line, terminal};
use super::finding_view;
use super::hazards::{self, Explained, Hazards};
use super::source::{MapUse, Sources};

const STRONG: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// So many clusters, goroutine numbers and frames are shown before the rest is counted.
const MOST_CLUSTERS: usize = 20;
const MOST_NUMBERS: usize = 8;
const MOST_FRAMES: usize = 12;

/// So many panics of a chain are shown, half of them the oldest.
const MOST_PANICS: usize = 12;

/// If the panic with this index is one of those that are only counted: how many they are.
fn hidden_panics(count: usize, index: usize) -> Option<usize> {
    let half = MOST_PANICS / 2;
    (count > MOST_PANICS && (half..count - half).contains(&index)).then(|| count - 2 * half)
}

/// What was read from one file.
pub(crate) struct Shown<'t> {
    pub(crate) name: &'t str,
    pub(crate) report: &'t Report<'t>,
    pub(crate) sources: &'t Sources,
    pub(crate) hazards: &'t Hazards,
}

/// The findings of `goward check` that a dump is the outcome of, where the source is at hand.
pub(crate) fn findings<'s>(shown: &'s Shown<'_>, dump: &Dump<'_>) -> Vec<Explained<'s>> {
    if shown.hazards.is_empty() {
        return Vec::new();
    }
    let sightings = hazards::sightings(shown.report, dump, shown.sources);
    shown.hazards.explain(shown.sources, &sightings)
}

/// Where else the source uses the map of a concurrent access.
pub(crate) fn map_uses(shown: &Shown<'_>, dump: &Dump<'_>) -> Vec<MapUse> {
    match &dump.fatal {
        Some(fatal) if fatal.text.starts_with("concurrent map ") => fatal
            .raised_by
            .map(|id| shown.sources.map_uses(shown.report.frame(id)))
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Writes all dumps of one file.
pub(crate) fn write(out: &mut dyn Write, shown: &Shown<'_>, all: bool) -> std::io::Result<()> {
    for (number, dump) in shown.report.dumps.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        write_dump(out, shown, dump, all)?;
    }
    Ok(())
}

fn write_dump(
    out: &mut dyn Write,
    shown: &Shown<'_>,
    dump: &Dump<'_>,
    all: bool,
) -> std::io::Result<()> {
    let report = shown.report;
    let name = terminal(shown.name);
    writeln!(
        out,
        "{STRONG}{name}:{}{STRONG:#} {BAD}{}{BAD:#}{}",
        dump.at_line,
        title(dump),
        who(dump)
    )?;
    let count = dump.panics.len();
    for (index, panic) in dump.panics.iter().enumerate() {
        if let Some(hidden) = hidden_panics(count, index) {
            if index == MOST_PANICS / 2 {
                writeln!(out, "\n  {DIM}{hidden} more panics{DIM:#}")?;
            }
            continue;
        }
        writeln!(out)?;
        let mut name = if count == 1 {
            "panic".to_owned()
        } else {
            format!("panic {} of {count}", index + 1)
        };
        if dump.original == Some(index) && count > 1 {
            name.push_str(", the original");
        }
        write_value(out, &name, panic.text.as_deref())?;
        match panic.raised_by {
            Some(id) => write_place(out, shown, "raised by", id)?,
            None => writeln!(
                out,
                "    raised by: unknown: {}",
                panic.unknown.unwrap_or("the dump does not show it")
            )?,
        }
        if let Some(id) = panic.during {
            writeln!(
                out,
                "    in deferred {}",
                terminal(report.frame(id).function)
            )?;
        }
        if let Some(id) = panic.raised_again_by {
            write_place(out, shown, "raised again by", id)?;
        }
    }
    if let Some(fatal) = &dump.fatal {
        writeln!(out)?;
        write_value(out, "fatal error", Some(fatal.text))?;
        if let Some(id) = fatal.raised_by {
            write_place(out, shown, "raised by", id)?;
        }
        if let Some(id) = fatal.during {
            writeln!(
                out,
                "    in deferred {}",
                terminal(report.frame(id).function)
            )?;
        }
    }
    if let Some(signal) = dump.signal {
        writeln!(out, "\n  {STRONG}signal{STRONG:#}: {}", one_line(signal))?;
    }
    for access in &dump.accesses {
        let goroutine = &dump.goroutines[access.goroutine];
        writeln!(
            out,
            "\n  {STRONG}{}{}{STRONG:#} at {} by goroutine {}",
            if access.previous { "earlier " } else { "" },
            terminal(&access.operation.to_lowercase()),
            terminal(access.address),
            goroutine.id
        )?;
        if let Some(call) = report
            .stack(goroutine)
            .iter()
            .find(|call| !report.frame(call.frame).runtime)
        {
            write_place(out, shown, "in", call.frame)?;
        }
        if let Some(id) = goroutine.created_by {
            write_place(out, shown, "goroutine created by", id)?;
        }
    }
    let sentences = explain(shown, dump);
    if !sentences.is_empty() {
        writeln!(out)?;
    }
    for sentence in &sentences {
        writeln!(out, "  {}", terminal(sentence))?;
    }
    for explained in &findings(shown, dump) {
        writeln!(out)?;
        finding_view::text(out, shown.hazards, explained, "  ")?;
    }
    for note in &dump.notes {
        writeln!(out, "  {DIM}note: {}{DIM:#}", one_line(note))?;
    }
    for doubt in &dump.doubts {
        writeln!(out, "  doubt: {doubt}")?;
    }
    if dump.kind != Kind::Race && !dump.goroutines.is_empty() {
        write_goroutines(out, shown, dump, all)?;
    }
    Ok(())
}

fn write_value(out: &mut dyn Write, name: &str, text: Option<&str>) -> std::io::Result<()> {
    let Some(text) = text else {
        return writeln!(
            out,
            "  {STRONG}{name}{STRONG:#}: value unknown, the dump does not print it"
        );
    };
    let text = terminal(text);
    let mut lines = text.lines();
    writeln!(
        out,
        "  {STRONG}{name}{STRONG:#}: {}",
        lines.next().unwrap_or("")
    )?;
    for line in lines {
        writeln!(out, "    | {line}")?;
    }
    Ok(())
}

fn write_place(
    out: &mut dyn Write,
    shown: &Shown<'_>,
    what: &str,
    id: FrameId,
) -> std::io::Result<()> {
    let frame = shown.report.frame(id);
    writeln!(out, "    {what} {}", terminal(frame.function))?;
    if !frame.file.is_empty() {
        writeln!(
            out,
            "      {DIM}at {}:{}{DIM:#}",
            one_line(frame.file),
            frame.line
        )?;
    }
    if let Some(text) = shown.sources.line(frame) {
        writeln!(out, "      {:>5} | {}", frame.line, one_line(&text))?;
    }
    Ok(())
}

pub(crate) fn title(dump: &Dump<'_>) -> &'static str {
    match dump.kind {
        Kind::Panic if dump.panics.len() > 1 => "panic over a panic",
        Kind::Panic => "panic",
        Kind::Fatal if !dump.panics.is_empty() => "fatal error over a panic",
        Kind::Fatal => "fatal error",
        Kind::Signal => "signal",
        Kind::Recovered => "recovered panic",
        Kind::Stack => "stack of one goroutine",
        Kind::Listing => "goroutines",
        Kind::Race => "data race",
    }
}

fn who(dump: &Dump<'_>) -> String {
    dump.crashed
        .map(|index| format!(" in goroutine {}", dump.goroutines[index].id))
        .unwrap_or_default()
}

fn quoted(panic: &Panic<'_>) -> String {
    match panic.text.as_deref() {
        Some(text) => {
            let line = text.lines().next().unwrap_or("");
            format!("\"{line}{}\"", if text.contains('\n') { " …" } else { "" })
        }
        None => "a panic whose value the dump does not print".to_owned(),
    }
}

fn place(report: &Report<'_>, id: FrameId) -> String {
    let frame = report.frame(id);
    match frame.file.rsplit('/').next() {
        Some(file) if !file.is_empty() => format!("{} ({file}:{})", frame.function, frame.line),
        _ => frame.function.to_owned(),
    }
}

/// What happened, in sentences, from what the dump proves. They may hold text of the dump as it
/// is: whoever prints them escapes it.
pub(crate) fn explain(shown: &Shown<'_>, dump: &Dump<'_>) -> Vec<String> {
    let report = shown.report;
    let mut said = Vec::new();
    if let (Some(original), true) = (dump.original, dump.panics.len() > 1) {
        let panic = &dump.panics[original];
        let by = panic
            .raised_by
            .map(|id| format!(", raised by {}", place(report, id)))
            .unwrap_or_default();
        said.push(format!("the original panic is {}{by}", quoted(panic)));
        for (index, later) in dump.panics.iter().enumerate().skip(original + 1) {
            if hidden_panics(dump.panics.len(), index).is_some() {
                continue;
            }
            let mut sentence = format!("it was masked by {}", quoted(later));
            if let Some(id) = later.raised_by {
                sentence.push_str(&format!(", raised by {}", place(report, id)));
            }
            if let Some(id) = later.during {
                sentence.push_str(&format!(" in deferred {}", report.frame(id).function));
            }
            said.push(sentence);
        }
    }
    for (index, panic) in dump.panics.iter().enumerate() {
        said.extend(handed_on(shown, panic));
        if panic.repanicked {
            let by = panic
                .raised_again_by
                .map(|id| format!(" by {}", place(report, id)))
                .unwrap_or_default();
            said.push(format!("the value {} was raised again{by}; whether it was recovered in between is not certain: Go prints [recovered, repanicked] also where nothing was (golang/go#76099)", quoted(panic)));
        }
        if let Some(text) = panic.text.as_deref()
            && let Some(earlier) = dump.panics[..index].iter().find(|earlier| {
                earlier.text.as_deref().is_some_and(|earlier| {
                    earlier.len() >= 3 && earlier != text && text.contains(earlier)
                })
            })
        {
            said.push(repeats(shown, panic, earlier));
        }
    }
    if let Some(fatal) = &dump.fatal {
        explain_fatal(shown, dump, fatal.text, &mut said);
    }
    explain_under_way(shown, dump, &mut said);
    if dump.panics.len() == 1
        && let Some(id) = dump.panics[0].during
        && dump.fatal.is_none()
    {
        said.push(format!(
            "it was raised in deferred {}, while runtime.Goexit was ending the goroutine",
            report.frame(id).function
        ));
    }
    if dump.kind == Kind::Signal {
        explain_signal(shown, dump, &mut said);
    }
    said
}

fn explain_signal(shown: &Shown<'_>, dump: &Dump<'_>, said: &mut Vec<String>) {
    let signal = dump.signal.unwrap_or("");
    let told = signal.starts_with("SIGQUIT") || signal.starts_with("SIGABRT");
    let itself = dump.signal_code == Some(Dump::SENT_BY_ITSELF);
    if told && !itself {
        said.push("the program did not fail by itself: it was sent this signal, and printed where every goroutine was".to_owned());
    } else if signal.starts_with("SIGABRT") {
        said.push("the program called abort itself, as C code does where an assertion or the allocator fails".to_owned());
    }
    if !dump.in_c_code() {
        return;
    }
    let report = shown.report;
    let stack = dump
        .crashed
        .map_or(&[][..], |index| report.stack(&dump.goroutines[index]));
    let function = stack.iter().find_map(|call| {
        report
            .frame(call.frame)
            .short_function()
            .strip_prefix("_Cfunc_")
    });
    let caller = report.own_frame(stack);
    let (Some(function), Some(caller)) = (function, caller) else {
        said.push("C code was running".to_owned());
        return;
    };
    let caller = place(report, caller);
    said.push(if told {
        format!("C code was running: {function}, called by {caller}")
    } else {
        format!(
            "C code was running: {function}, called by {caller}; no recover catches a signal there"
        )
    });
}

/// Panics of other goroutines, which wait in a deferred call: what they tell would else never be
/// printed.
fn explain_under_way(shown: &Shown<'_>, dump: &Dump<'_>, said: &mut Vec<String>) {
    let report = shown.report;
    // Few dumps of many goroutines have such a frame at all.
    if !report.frames.iter().any(|frame| frame.function == "panic") {
        return;
    }
    let others = dump
        .goroutines
        .iter()
        .enumerate()
        .filter(|(index, _)| dump.crashed != Some(*index))
        .map(|(_, goroutine)| (goroutine, under_way(report, goroutine)))
        .filter(|(_, panics)| !panics.is_empty());
    for (goroutine, panics) in others.take(MOST_NUMBERS) {
        let by = panics
            .first()
            .and_then(|panic| panic.raised_by)
            .map(|id| format!(", raised by {}", place(report, id)))
            .unwrap_or_default();
        let wait = wait(report, goroutine)
            .map(|wait| format!(" and waits there {}", wait.operation.describe()))
            .unwrap_or_default();
        said.push(format!(
            "goroutine {} was panicking{by}: it runs a deferred call{wait}; the value of its panic is not printed",
            goroutine.id
        ));
    }
}

/// A later panic whose text contains an earlier one's.
fn repeats(shown: &Shown<'_>, later: &Panic<'_>, earlier: &Panic<'_>) -> String {
    let line = later
        .raised_by
        .and_then(|id| shown.sources.line(shown.report.frame(id)));
    let line = line.as_deref().unwrap_or("");
    let by_text = line.contains("Sprint")
        || line.contains("Errorf(") && !line.contains("%w")
        || line.contains(".Error()");
    let start = format!("{} repeats the text of {}", quoted(later), quoted(earlier));
    if by_text {
        format!(
            "{start}: the error was wrapped by text and is lost to errors.Is and errors.As; use %w, or raise the same value again"
        )
    } else if line.contains("%w") {
        format!("{start}, wrapping it with %w")
    } else {
        format!(
            "{start}: if it was made with %v or Sprint rather than %w, the original error is lost to errors.Is and errors.As"
        )
    }
}

fn explain_fatal(shown: &Shown<'_>, dump: &Dump<'_>, text: &str, said: &mut Vec<String>) {
    let report = shown.report;
    if !dump.panics.is_empty() && !text.starts_with("panic while printing") {
        said.push("the panic above was under way when the fatal error ended the program: deferred calls that were still to run did not run".to_owned());
    }
    if text.starts_with("panic while printing panic value") {
        said.push("the Error or String method of the panic value panicked itself, so that Go could not print the value".to_owned());
    } else if text.starts_with("concurrent map ") {
        said.push(match text {
            "concurrent map read and map write" => "this goroutine was reading a map while another one was writing it; no recover can catch that",
            "concurrent map writes" => "this goroutine was writing a map while another one was writing it too; no recover can catch that",
            "concurrent map iteration and map write" => "this goroutine was iterating a map while another one was writing it; no recover can catch that",
            _ => "two goroutines used a map at the same time and one of them wrote; no recover can catch that",
        }.to_owned());
        let others = access::other_sides(report, dump, &|frame| shown.sources.line(frame));
        if others.is_empty() {
            said.push("no other goroutine of the dump stands near that map: the other side has moved on, or the dump shows one goroutine only (GOTRACEBACK=all shows all)".to_owned());
        }
        for candidate in others.iter().take(MOST_NUMBERS) {
            said.push(format!(
                "the other side may be goroutine {}: it {}, {}",
                dump.goroutines[candidate.goroutine].id,
                candidate.reason.describe(),
                place(report, candidate.at)
            ));
        }
        for used in map_uses(shown, dump).iter().take(MOST_NUMBERS) {
            said.push(format!(
                "the source uses `{}` also at {}:{}: {}",
                used.name, used.file, used.line, used.source
            ));
        }
    } else if text.starts_with("all goroutines are asleep") {
        said.push(
            "every goroutine waits for another one; see below what each waits for".to_owned(),
        );
    } else if text.starts_with("no goroutines (main called runtime.Goexit)") {
        said.push("main called runtime.Goexit and no other goroutine was left".to_owned());
    } else if text == "stack overflow"
        && let Some(goroutine) = dump.crashed.map(|index| &dump.goroutines[index])
        && let Some(id) = report.own_frame(report.stack(goroutine))
    {
        let stack = report.stack(goroutine);
        let depth = stack.len() as u64 + u64::from(goroutine.elided.unwrap_or(0));
        let round = recursion(shown, stack, id)
            .unwrap_or_else(|| format!("{} is the program's newest", place(report, id)));
        said.push(format!("the stack is {depth} calls deep: {round}"));
    }
}

/// The functions that call each other in rounds at the newest end of a stack, from the frame `newest`
/// to where it stands on the stack again.
fn recursion(shown: &Shown<'_>, stack: &[Call<'_>], newest: FrameId) -> Option<String> {
    let report = shown.report;
    let start = stack.iter().position(|call| call.frame == newest)?;
    let behind = &stack[start + 1..];
    let length = behind.iter().position(|call| call.frame == newest)?;
    let mut own: Vec<FrameId> = vec![newest];
    for call in behind[..length].iter().rev() {
        if !report.frame(call.frame).is_standard() && !own.contains(&call.frame) {
            own.push(call.frame);
        }
    }
    let names: Vec<String> = own
        .iter()
        .take(MOST_NUMBERS)
        .map(|&id| place(report, id))
        .collect();
    let more = if own.len() > names.len() {
        " and others"
    } else {
        ""
    };
    if let [only] = names.as_slice() {
        // What it called to come back to itself.
        let by_way = behind[..length]
            .last()
            .map(|call| format!(" by way of {}", report.frame(call.frame).function))
            .unwrap_or_default();
        return Some(format!("{only} calls itself again and again{by_way}"));
    }
    Some(format!(
        "{}{more} call each other again and again",
        names.join(", ")
    ))
}

/// What only hands a panic on that was raised elsewhere, so that the frame which raised it first is not
/// in the dump.
fn handed_on(shown: &Shown<'_>, panic: &Panic<'_>) -> Option<String> {
    let frame = shown.report.frame(panic.raised_by?);
    let file = frame
        .file
        .rsplit_once("/src/")
        .map_or(frame.file, |(_, file)| file);
    let from = match file {
        "iter/iter.go" => {
            "iter.Pull, which raises again what the iterator raised in its own coroutine"
        }
        "sync/oncefunc.go" => {
            "sync.OnceFunc or its kin, which raises again what the first call of the function raised"
        }
        "net/http/server.go" if frame.function.contains("timeoutHandler") => {
            "http.TimeoutHandler, which raises again what the handler raised in a goroutine of its own"
        }
        _ => return None,
    };
    Some(format!(
        "{} was raised here by {from}: the frame that raised it first is not in the dump",
        quoted(panic)
    ))
}

fn write_goroutines(
    out: &mut dyn Write,
    shown: &Shown<'_>,
    dump: &Dump<'_>,
    all: bool,
) -> std::io::Result<()> {
    let report = shown.report;
    let clusters = clusters(report, dump);
    let firsts = clusters.iter().map(|cluster| cluster.members[0] as usize);
    let waits = Waits::find(report, dump, firsts);
    let system = dump
        .goroutines
        .iter()
        .filter(|goroutine| goroutine.id == 0)
        .count();
    let count = dump.goroutines.len() - system;
    writeln!(
        out,
        "\n  {STRONG}{count} goroutine{}{STRONG:#} in {} cluster{}{}",
        plural(count),
        clusters.len(),
        plural(clusters.len()),
        if system > 0 {
            format!(" (and {system} stack{} of the scheduler)", plural(system))
        } else {
            String::new()
        }
    )?;
    let shown_clusters = clusters.iter().filter(|cluster| {
        all || {
            let first = cluster.members[0] as usize;
            let goroutine = &dump.goroutines[first];
            let worker = waits
                .wait(first)
                .is_some_and(|wait| wait.operation == Operation::Runtime);
            !worker && goroutine.id != 0
        }
    });
    let mut hidden = 0;
    for (number, cluster) in shown_clusters.enumerate() {
        if number >= MOST_CLUSTERS && !all {
            hidden += 1;
            continue;
        }
        let first = cluster.members[0] as usize;
        let goroutine = &dump.goroutines[first];
        let stack = report.stack(goroutine);
        let mut line = format!("{} × {}", cluster.members.len(), goroutine.state);
        if let Some((least, most)) = cluster.wait_minutes {
            line.push_str(&if least == most {
                format!(", {least} min")
            } else {
                format!(", {least}–{most} min")
            });
        }
        if goroutine.leaked {
            line.push_str(", leaked");
        }
        let ids: Vec<String> = cluster
            .members
            .iter()
            .take(MOST_NUMBERS)
            .map(|&index| dump.goroutines[index as usize].id.to_string())
            .collect();
        let more = cluster.members.len() - ids.len();
        writeln!(
            out,
            "\n  {STRONG}{}{STRONG:#} {DIM}goroutine{} {}{}{DIM:#}",
            terminal(&line),
            plural(cluster.members.len()),
            ids.join(", "),
            if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            }
        )?;
        if let Some(wait) = waits.wait(first) {
            let object = wait
                .object
                .map(|address| format!(" ({address:#x})"))
                .unwrap_or_default();
            let by = wait
                .operation
                .woken_by()
                .map(|by| format!("; woken by {by}"))
                .unwrap_or_default();
            writeln!(out, "    waits {}{object}{by}", wait.operation.describe())?;
            let ids: Vec<String> = waits
                .wakers(first)
                .iter()
                .map(|&index| dump.goroutines[index as usize].id.to_string())
                .collect();
            if !ids.is_empty() {
                writeln!(
                    out,
                    "    goroutine {} has the same object in its arguments",
                    ids.join(", ")
                )?;
            }
        }
        let limit = if all { usize::MAX } else { MOST_FRAMES };
        let mut skipped = 0;
        for call in stack.iter().take(limit) {
            let frame = report.frame(call.frame);
            if frame.runtime && frame.function != "panic" && !all && stack.len() > 1 {
                skipped += 1;
                continue;
            }
            writeln!(
                out,
                "      {}  {DIM}{}:{}{DIM:#}",
                terminal(frame.function),
                one_line(frame.file),
                frame.line
            )?;
        }
        let left = stack.len().saturating_sub(limit) + skipped;
        if left > 0 {
            writeln!(out, "      {DIM}{left} more frame{}{DIM:#}", plural(left))?;
        }
        if let Some(elided) = goroutine.elided {
            writeln!(out, "      {DIM}{elided} frames left out by Go{DIM:#}")?;
        }
        if let Some(id) = goroutine.created_by {
            let frame = report.frame(id);
            writeln!(
                out,
                "      created by {}  {DIM}{}:{}{DIM:#}",
                terminal(frame.function),
                one_line(frame.file),
                frame.line
            )?;
        }
    }
    if hidden > 0 {
        writeln!(
            out,
            "\n  {hidden} more cluster{}; --all shows them",
            plural(hidden)
        )?;
    }
    Ok(())
}

pub(crate) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
