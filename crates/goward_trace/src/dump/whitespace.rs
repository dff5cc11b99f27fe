//! Undoes what terminals, editors and logs do to the blanks of a dump: colours, tabs that became
//! blanks, blanks at the end of lines, an empty line behind each line.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memmem};

use super::{Document, line};

/// The document with its lines as Go printed them.
pub(super) fn mended(document: Document<'_>) -> Document<'_> {
    let mut document = document;
    if ends_in_blanks(&document.text) {
        let lines = document.text.lines();
        let text = lines.flat_map(|line| [line.trim_end(), "\n"]).collect();
        document.text = Cow::Owned(text);
    }
    if is_doubled(&document.text) {
        document = document.without_every_other_line();
    }
    if let Some(text) = with_tabs(&document.text) {
        document.text = Cow::Owned(text);
    }
    document
}

/// Whether the first goroutine's header has blanks behind it, as text copied from a terminal has.
fn ends_in_blanks(text: &str) -> bool {
    first_header(text).is_some_and(|(line, _)| line.ends_with([' ', '\t']))
}

/// Whether an empty line stands behind each line of the first goroutine: line ends were doubled.
fn is_doubled(text: &str) -> bool {
    first_header(text).is_some_and(|(_, behind)| {
        let mut lines = behind.lines();
        lines.next() == Some("")
            && lines.next().is_some_and(|line| line::call(line).is_some())
            && lines.next() == Some("")
            && lines
                .next()
                .is_some_and(|line| line::position(line).is_some())
    })
}

/// The first line that is a goroutine's header, and the text behind it.
fn first_header(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    memmem::find_iter(bytes, b"goroutine ").find_map(|at| {
        if at > 0 && bytes[at - 1] != b'\n' {
            return None;
        }
        let end = at + memchr(b'\n', &bytes[at..])?;
        let line = text[at..end].trim_end_matches('\r');
        line::goroutine_header(line.trim_end())?;
        Some((line, &text[end + 1..]))
    })
}

/// The text without the codes that colour it on a terminal, if one stands directly before the start of
/// a dump; elsewhere they are the text's own.
pub(super) fn without_colours(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let starts_dump = |rest: &[u8]| {
        ["goroutine ", "panic: ", "fatal error: "]
            .iter()
            .any(|mark| rest.starts_with(mark.as_bytes()))
    };
    memchr_iter(0x1b, bytes)
        .any(|at| {
            colour_length(&bytes[at..]).is_some_and(|length| starts_dump(&bytes[at + length..]))
        })
        .then(|| {
            let mut plain = String::with_capacity(text.len());
            let mut from = 0;
            for at in memchr_iter(0x1b, bytes) {
                if let Some(length) = colour_length(&bytes[at..]) {
                    plain.push_str(&text[from..at]);
                    from = at + length;
                }
            }
            plain.push_str(&text[from..]);
            plain
        })
}

/// The length of the code at the start that sets a colour or clears the rest of a line.
fn colour_length(bytes: &[u8]) -> Option<usize> {
    let parameters = bytes.strip_prefix(b"\x1b[")?;
    let length = parameters
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
        .count();
    matches!(parameters.get(length), Some(b'm' | b'K')).then_some(length + 3)
}

/// Puts back the tabs of a dump in which all of them have become blanks, as they do on the way through
/// terminals and some logs: Go tells a header's further panics from the lines of a value by them.
fn with_tabs(text: &str) -> Option<String> {
    if memchr(b'\t', text.as_bytes()).is_some()
        || memmem::find(text.as_bytes(), b"goroutine ").is_none()
    {
        return None;
    }
    let mut lines = text.lines();
    let mut before = lines.next()?;
    let width = lines.find_map(|line| {
        let above = std::mem::replace(&mut before, line);
        let width = line.len() - line.trim_start_matches(' ').len();
        let below_frame = line::call(above).is_some() || line::created_by(above).is_some();
        (width >= 2 && below_frame && line::position(line).is_some()).then_some(width)
    })?;
    let blanks = " ".repeat(width);
    let mut tabbed = String::with_capacity(text.len());
    let mut in_race = false;
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        // Reports of races have blanks of their own.
        in_race = match line.trim_end() {
            "WARNING: DATA RACE" => true,
            "==================" => false,
            _ => in_race,
        };
        while !in_race && let Some(behind) = rest.strip_prefix(&blanks) {
            tabbed.push('\t');
            rest = behind;
        }
        tabbed.push_str(rest);
    }
    Some(tabbed)
}
