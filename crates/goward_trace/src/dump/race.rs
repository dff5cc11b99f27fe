//! Reports of the race detector.
//!
//! `WARNING: DATA RACE`, then one block per access (`Write at 0x… by goroutine 7:`), then where
//! the goroutines were created. Frames are indented by two blanks, positions by six.

use super::parse::Cursor;
use super::{Access, Call, Document, Dump, Goroutine, Report, line};

/// Reads one report; the cursor stands behind its first line.
pub(super) fn parse<'t>(
    cursor: &mut Cursor<'t>,
    document: &'t Document<'_>,
    dump: &mut Dump<'t>,
    report: &mut Report<'t>,
) {
    while let Some(line) = cursor.peek() {
        if line.starts_with("====") || line == "WARNING: DATA RACE" {
            if line.starts_with("====") {
                cursor.skip();
            }
            break;
        }
        let at_line = document.file_line(cursor.number);
        if let Some((operation, address, id, previous)) = access(line) {
            cursor.skip();
            let calls = frames(cursor, report);
            dump.accesses.push(Access {
                operation,
                address,
                goroutine: dump.goroutines.len(),
                previous,
            });
            dump.goroutines.push(goroutine(id, calls, at_line));
        } else if let Some((id, state)) = creation(line) {
            cursor.skip();
            let calls = frames(cursor, report);
            let created_by = report
                .calls
                .get(calls.start as usize)
                .map(|call| call.frame);
            // The stack of the `go` statement is not the goroutine's own.
            report.calls.truncate(calls.start as usize);
            for known in dump.goroutines.iter_mut().filter(|known| known.id == id) {
                known.state = state;
                known.created_by = created_by;
            }
        } else if line.is_empty() || line.starts_with(' ') || line.starts_with("[failed to restore")
        {
            cursor.skip();
        } else {
            break;
        }
    }
}

/// `Previous write at 0x00c00007ec30 by goroutine 9:` or `… by main goroutine:`.
fn access(line: &str) -> Option<(&str, &str, u64, bool)> {
    let (operation, rest) = line.split_once(" at 0x")?;
    let (address, who) = rest.split_once(" by ")?;
    let who = who.strip_suffix(':')?;
    let id = match who.strip_prefix("goroutine ") {
        Some(id) => id.parse().ok()?,
        None if who == "main goroutine" => 1,
        None => return None,
    };
    let start = line.len() - rest.len() - 2;
    let address = &line[start..start + 2 + address.len()];
    Some(match operation.strip_prefix("Previous ") {
        Some(operation) => (operation, address, id, true),
        None => (operation, address, id, false),
    })
}

/// `Goroutine 7 (running) created at:`.
fn creation(line: &str) -> Option<(u64, &str)> {
    let rest = line
        .strip_prefix("Goroutine ")?
        .strip_suffix(") created at:")?;
    let (id, state) = rest.split_once(" (")?;
    Some((id.parse().ok()?, state))
}

fn frames<'t>(cursor: &mut Cursor<'t>, report: &mut Report<'t>) -> std::ops::Range<u32> {
    let start = report.calls.len();
    while let Some(line) = cursor.peek() {
        let Some((function, arguments)) = line.strip_prefix("  ").and_then(line::call) else {
            break;
        };
        cursor.skip();
        let (file, number) = cursor
            .peek()
            .filter(|line| line.starts_with("      "))
            .and_then(line::position)
            .inspect(|_| cursor.skip())
            .unwrap_or(("", 0));
        let frame = report.intern(function, file, number);
        report.calls.push(Call { frame, arguments });
    }
    let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    index(start)..index(report.calls.len())
}

fn goroutine<'t>(id: u64, calls: std::ops::Range<u32>, at_line: u32) -> Goroutine<'t> {
    Goroutine {
        id,
        state: "",
        wait_minutes: None,
        locked_to_thread: false,
        leaked: false,
        thread: None,
        bubble: None,
        labels: None,
        calls,
        elided: None,
        unavailable: false,
        created_by: None,
        parent: None,
        at_line,
        complete: true,
    }
}
