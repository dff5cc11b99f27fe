//! Go's text form of the wire format (`go tool trace -d=wire`), both ways.
//!
//! Writing it serves people who look at a trace byte by byte; reading it serves tests: Go's own test
//! traces are kept in this form. Follows `$GOROOT/src/internal/trace/raw`.

use std::io::Write as _;

use super::generation::Failure;
use super::quote::quote;
use super::wire::{self, Version};

/// Turns the text form into a trace.
///
/// # Errors
///
/// Names the line that cannot be read.
pub fn trace_of_text(text: &str) -> Result<Vec<u8>, String> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            (
                index + 1,
                line.split('#').next().unwrap_or_default().trim(),
                line.trim(),
            )
        })
        .filter(|(_, line, _)| !line.is_empty());
    let (_, header, _) = lines.next().ok_or("the text is empty")?;
    let version = header
        .strip_prefix("Trace Go1.")
        .and_then(|number| number.parse().ok())
        .and_then(Version::from_number)
        .ok_or_else(|| format!("line 1: {header:?} does not name a trace version"))?;
    let mut out = format!("go 1.{} trace\0\0\0", version.number()).into_bytes();
    while let Some((number, line, _)) = lines.next() {
        let failure = |text: String| format!("line {number}: {text}");
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let kind = (0..version.event_types())
            .find(|&kind| !name.is_empty() && wire::SPECIFICATIONS[kind].name == name)
            .ok_or_else(|| failure(format!("unidentified event {name:?}")))?;
        let specification = &wire::SPECIFICATIONS[kind];
        out.push(kind as u8);
        let values = arguments(words, specification.arguments).map_err(failure)?;
        values
            .iter()
            .for_each(|&value| push_varint(&mut out, value));
        if kind == usize::from(wire::STACK) {
            for _ in 0..values.get(1).copied().unwrap_or(0) {
                let (number, line, _) = lines.next().ok_or("the text ends within a stack")?;
                let frame = arguments(line.split_whitespace(), &["pc", "func", "file", "line"])
                    .map_err(|error| format!("line {number}: {error}"))?;
                frame.iter().for_each(|&value| push_varint(&mut out, value));
            }
        }
        if kind == usize::from(wire::STRING) || kind == usize::from(wire::EXPERIMENTAL_BATCH) {
            let (number, _, line) = lines.next().ok_or("the text ends before an event's data")?;
            let data = line
                .strip_prefix("data=")
                .and_then(unquote)
                .ok_or_else(|| format!("line {number}: expected data=\"…\""))?;
            push_varint(&mut out, data.len() as u64);
            out.extend(data);
        }
    }
    Ok(out)
}

fn arguments<'a>(
    mut words: impl Iterator<Item = &'a str>,
    names: &[&str],
) -> Result<Vec<u64>, String> {
    let values = names
        .iter()
        .map(|name| {
            let word = words.next().ok_or_else(|| format!("no argument {name}"))?;
            word.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('='))
                .and_then(|value| value.parse().ok())
                .ok_or_else(|| format!("expected {name}=NUMBER, found {word:?}"))
        })
        .collect();
    match words.next() {
        Some(word) => Err(format!("unexpected {word:?}")),
        None => values,
    }
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Undoes Go's quoting, in single-line double or back quotes.
pub fn unquote(text: &str) -> Option<Vec<u8>> {
    if let Some(raw) = text.strip_prefix('`') {
        return raw.strip_suffix('`').map(|raw| raw.as_bytes().to_vec());
    }
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut out = Vec::new();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = rest.next()?;
        let mut digits = |first: &str, count: usize, radix: u32| {
            let digits: String = first.chars().chain(rest.by_ref().take(count)).collect();
            u32::from_str_radix(&digits, radix).ok()
        };
        match escape {
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            '\\' | '"' | '\'' => out.push(escape as u8),
            'x' => out.push(u8::try_from(digits("", 2, 16)?).ok()?),
            'u' | 'U' => {
                let count = if escape == 'u' { 4 } else { 8 };
                let character = char::from_u32(digits("", count, 16)?)?;
                out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            '0'..='7' => {
                let first = escape.to_string();
                out.push(u8::try_from(digits(&first, 2, 8)?).ok()?);
            }
            _ => return None,
        }
    }
    Some(out)
}

/// Appends the text form of a trace, event by event in the order of the file, as far as it can be
/// read; `flush` is called with each piece.
///
/// # Errors
///
/// Says where the trace stops making sense.
pub fn write_wire_text(trace: &[u8], mut flush: impl FnMut(&[u8])) -> Result<(), Failure> {
    let version = super::batches::read_header(trace)?;
    let mut out = Vec::new();
    let mut position = 16;
    while position < trace.len() {
        let kind = trace[position];
        let event_start = position;
        position += 1;
        let fail = |text: &str| Failure::new(format!("{text} at byte {event_start}"));
        if kind == 0 || usize::from(kind) >= version.event_types() {
            return Err(fail(&format!("invalid event type: {kind}")));
        }
        let specification = &wire::SPECIFICATIONS[usize::from(kind)];
        let _ = write!(out, "{}", specification.name);
        let mut last = 0;
        for name in specification.arguments {
            last = wire::varint(trace, &mut position).map_err(|error| fail(error.text()))?;
            let _ = write!(out, " {name}={last}");
        }
        if kind == wire::STACK {
            for _ in 0..last {
                for (index, name) in ["pc", "func", "file", "line"].iter().enumerate() {
                    let value =
                        wire::varint(trace, &mut position).map_err(|error| fail(error.text()))?;
                    let _ = write!(
                        out,
                        "{}{name}={value}",
                        if index == 0 { "\n\t" } else { " " }
                    );
                }
            }
        }
        if kind == wire::STRING || kind == wire::EXPERIMENTAL_BATCH {
            let length = wire::varint(trace, &mut position).map_err(|error| fail(error.text()))?;
            let data = usize::try_from(length)
                .ok()
                .and_then(|length| trace.get(position..position.checked_add(length)?))
                .ok_or_else(|| fail("the data ends early"))?;
            position += data.len();
            if !data.is_empty() {
                out.extend(b"\n\tdata=");
                quote(&mut out, data);
            }
        }
        out.push(b'\n');
        if out.len() > 1 << 16 {
            flush(&out);
            out.clear();
        }
    }
    flush(&out);
    Ok(())
}
