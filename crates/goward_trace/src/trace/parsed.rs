//! Events as text, exactly as `go tool trace -d=parsed` prints them.
//!
//! Follows `Event.String` in `$GOROOT/src/internal/trace/event.go`. Strings are bytes of the traced
//! program; where Go prints them as they are (function and file names), so does this.

use std::io::Write as _;

use super::event::Event;
use super::generation::{Failure, Generation};
use super::quote::quote;
use super::reader::Reader;
use super::wire;

macro_rules! put {
    ($out:expr, $($argument:tt)*) => {
        // Writing to a vector cannot fail.
        { let _ = write!($out, $($argument)*); }
    };
}

/// Appends the text of the reader's current event and an empty line (without it where the text ends
/// with a stack, whose last line is already ended).
///
/// `local_offset` gives the offset of local time from UTC in seconds at a moment (seconds since
/// 1970): Go prints wall clocks in local time.
///
/// # Errors
///
/// If the event refers to something that the trace does not have; Go's printer panics there.
pub fn write_event(
    out: &mut Vec<u8>,
    reader: &Reader,
    local_offset: impl Fn(i64) -> i32,
) -> Result<(), Failure> {
    let event = reader.current();
    let generation = reader.generation();
    let [first, second, third, _] = event.arguments;
    let string = |id: u64| {
        generation
            .string(id)
            .ok_or_else(|| Failure::new(format!("expected id {id} in string table")))
    };
    put!(
        out,
        "M={} P={} G={} {} Time={}",
        event.m,
        event.p,
        event.g,
        kind_name(event.kind),
        event.time
    );
    match event.kind {
        wire::SYNC_POINT => {
            put!(out, " N={first}");
            if second == 1 {
                reader.check_experiments()?;
                if let Some(clock) = generation.clock_snapshot() {
                    put!(out, " Trace={} Mono={} Wall=", clock.trace, clock.monotonic);
                    let nanoseconds = clock.wall_nanoseconds.rem_euclid(1_000_000_000);
                    let seconds = clock
                        .wall_seconds
                        .wrapping_add(clock.wall_nanoseconds.div_euclid(1_000_000_000));
                    write_time(out, seconds, nanoseconds, local_offset(seconds));
                }
            }
        }
        wire::PROCS_CHANGE => put!(
            out,
            " Name=\"/sched/gomaxprocs:threads\" Value=Value{{Uint64({first})}}"
        ),
        wire::HEAP_ALLOC => put!(
            out,
            " Name=\"/memory/classes/heap/objects:bytes\" Value=Value{{Uint64({first})}}"
        ),
        wire::HEAP_GOAL => put!(
            out,
            " Name=\"/gc/heap/goal:bytes\" Value=Value{{Uint64({first})}}"
        ),
        wire::GO_LABEL => {
            out.extend(b" Label=");
            quote(out, string(first)?);
            put!(out, " Resource=Goroutine({})", event.g);
        }
        wire::STW_BEGIN | wire::STW_END => {
            let mut name = b"stop-the-world (".to_vec();
            name.extend(string(first)?);
            name.push(b')');
            out.extend(b" Name=");
            quote(out, &name);
            put!(out, " Scope=Goroutine({})", event.g);
        }
        wire::GC_BEGIN | wire::GC_ACTIVE | wire::GC_END => {
            out.extend(b" Name=\"GC concurrent mark phase\" Scope=None");
        }
        wire::GC_SWEEP_BEGIN | wire::GC_SWEEP_ACTIVE | wire::GC_SWEEP_END => {
            let processor = if event.kind == wire::GC_SWEEP_ACTIVE {
                first as i64
            } else {
                event.p
            };
            put!(
                out,
                " Name=\"GC incremental sweep\" Scope=Proc({processor})"
            );
        }
        wire::GC_MARK_ASSIST_BEGIN | wire::GC_MARK_ASSIST_ACTIVE | wire::GC_MARK_ASSIST_END => {
            let goroutine = if event.kind == wire::GC_MARK_ASSIST_ACTIVE {
                first as i64
            } else {
                event.g
            };
            put!(out, " Name=\"GC mark assist\" Scope=Goroutine({goroutine})");
        }
        wire::USER_TASK_BEGIN => {
            put!(out, " ID={first} Parent={second} Type=");
            quote(out, string(third)?);
        }
        wire::USER_TASK_END => {
            put!(out, " ID={first} Parent={third} Type=");
            quote(out, reader.ended_task_name(event));
        }
        wire::USER_REGION_BEGIN | wire::USER_REGION_END => {
            put!(out, " Task={first} Type=");
            quote(out, string(second)?);
        }
        wire::USER_LOG => {
            put!(out, " Task={first} Category=");
            quote(out, string(second)?);
            out.extend(b" Message=");
            quote(out, string(third)?);
        }
        wire::CPU_SAMPLE => {}
        wire::SPAN..=wire::GOROUTINE_STACK_FREE => {
            let specification = &wire::SPECIFICATIONS[usize::from(event.kind)];
            put!(out, " Name={} Args=[", specification.name);
            for (index, (name, value)) in specification
                .arguments
                .iter()
                .skip(1)
                .zip(event.arguments)
                .enumerate()
            {
                put!(
                    out,
                    "{}{name}=Value{{Uint64({value})}}",
                    if index == 0 { "" } else { ", " }
                );
            }
            out.push(b']');
        }
        _ => write_transition(out, event, generation)?,
    }
    if matches!(
        event.kind,
        wire::STW_END | wire::GC_END | wire::GC_MARK_ASSIST_END
    ) {
        out.extend(b" Attributes=[]");
    } else if event.kind == wire::GC_SWEEP_END {
        put!(
            out,
            " Attributes=[\"bytes swept\"=Value{{Uint64({first})}} \"bytes reclaimed\"=Value{{Uint64({second})}}]"
        );
    }
    // A CPU sample has a stack even where that is empty.
    if event.stack() != 0 || event.kind == wire::CPU_SAMPLE {
        out.extend(b"\nStack=\n");
        write_stack(out, generation, event.stack())?;
    }
    out.push(b'\n');
    Ok(())
}

fn write_transition(
    out: &mut Vec<u8>,
    event: &Event,
    generation: &Generation,
) -> Result<(), Failure> {
    if let Some(change) = event.go_transition() {
        put!(
            out,
            " GoID={} {}->{} Reason=",
            change.goroutine,
            change.from.name(),
            change.to.name()
        );
        let reason = generation.string(change.reason).ok_or_else(|| {
            Failure::new(format!("expected id {} in string table", change.reason))
        })?;
        quote(out, reason);
        // A new goroutine has a stack even where that is empty.
        let created = matches!(event.kind, wire::GO_CREATE | wire::GO_CREATE_BLOCKED);
        if change.stack != 0 || created {
            out.extend(b"\nTransitionStack=\n");
            write_stack(out, generation, change.stack)?;
        }
    } else if let Some(change) = event.proc_transition() {
        put!(
            out,
            " ProcID={} {}->{} Reason=\"\"",
            change.processor,
            change.from.name(),
            change.to.name()
        );
    }
    Ok(())
}

fn write_stack(out: &mut Vec<u8>, generation: &Generation, id: u64) -> Result<(), Failure> {
    let frames = generation
        .stack(id)
        .ok_or_else(|| Failure::new(format!("expected id {id} in stack table")))?;
    for frame in frames {
        out.push(b'\t');
        out.extend(generation.string(frame.function).unwrap_or_default());
        put!(out, " @ 0x{:x}\n\t\t", frame.pc);
        out.extend(generation.string(frame.file).unwrap_or_default());
        put!(out, ":{}\n", frame.line);
    }
    Ok(())
}

/// Go's name of what kind an event is.
pub(super) fn kind_name(kind: wire::EventType) -> &'static str {
    match kind {
        wire::SYNC_POINT => "Sync",
        wire::PROCS_CHANGE | wire::HEAP_ALLOC | wire::HEAP_GOAL => "Metric",
        wire::GO_LABEL => "Label",
        wire::CPU_SAMPLE => "StackSample",
        wire::STW_BEGIN | wire::GC_BEGIN | wire::GC_SWEEP_BEGIN | wire::GC_MARK_ASSIST_BEGIN => {
            "RangeBegin"
        }
        wire::GC_ACTIVE | wire::GC_SWEEP_ACTIVE | wire::GC_MARK_ASSIST_ACTIVE => "RangeActive",
        wire::STW_END | wire::GC_END | wire::GC_SWEEP_END | wire::GC_MARK_ASSIST_END => "RangeEnd",
        wire::USER_TASK_BEGIN => "TaskBegin",
        wire::USER_TASK_END => "TaskEnd",
        wire::USER_REGION_BEGIN => "RegionBegin",
        wire::USER_REGION_END => "RegionEnd",
        wire::USER_LOG => "Log",
        wire::SPAN..=wire::GOROUTINE_STACK_FREE => "Experimental",
        _ => "StateTransition",
    }
}

/// Appends a time as Go's `time.RFC3339Nano` does.
pub(super) fn write_time(out: &mut Vec<u8>, seconds: i64, nanoseconds: i64, offset: i32) {
    let local = i128::from(seconds) + i128::from(offset);
    let days = local.div_euclid(86_400);
    let second_of_day = local.rem_euclid(86_400);
    // Days to a date of the Gregorian calendar, counted in eras of 400 years from 1 March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    put!(
        out,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        second_of_day / 3600,
        second_of_day / 60 % 60,
        second_of_day % 60
    );
    if nanoseconds != 0 {
        let digits = format!("{nanoseconds:09}");
        put!(out, ".{}", digits.trim_end_matches('0'));
    }
    if offset == 0 {
        out.push(b'Z');
    } else {
        let minutes = offset.abs() / 60;
        put!(
            out,
            "{}{:02}:{:02}",
            if offset < 0 { '-' } else { '+' },
            minutes / 60,
            minutes % 60
        );
    }
}
