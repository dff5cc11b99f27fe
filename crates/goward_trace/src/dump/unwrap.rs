//! Takes dumps out of what carried them: log prefixes, JSON strings, gigabytes of other text.
//!
//! Where a goroutine header starts in the middle of a line, what stands before it is the prefix
//! of a log. The prefix is learned from that line, with timestamps as the only part that may
//! vary, and taken off all lines that have it; lines with different prefixes (two pods in one
//! file) go to different documents. Where the header is followed by an escaped line end, it
//! stands in a string of a structured log, which is unescaped.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memmem, memrchr};
use rustc_hash::FxHashMap;

use super::json_fields::StreamFields;
use super::line;
use super::prefix::{Prefix, without_times};
use super::sieve::count_lines;

/// How deep strings within strings are unwrapped (a JSON log carried by a JSON log is two).
const DEEPEST: usize = 3;
/// A prefix longer than this is no log prefix.
const LONGEST_PREFIX: usize = 400;
/// So many different prefixes are told apart in one file.
const MOST_PREFIXES: usize = 256;

/// Lines as Go printed them.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    /// The text.
    pub text: Cow<'t, str>,
    /// `(line of the document, line of the file)` wherever the distance between the two changes,
    /// both from 0.
    steps: Vec<(u32, u32)>,
    /// Whether the whole document stands in one line of the file.
    single: bool,
}

impl Document<'_> {
    /// The line of the file, from 1, for a line of the document, from 0.
    pub fn file_line(&self, line: u32) -> u32 {
        let at = self.steps.partition_point(|step| step.0 <= line);
        let (from, to) = at.checked_sub(1).map_or((0, 0), |index| self.steps[index]);
        if self.single {
            to + 1
        } else {
            to + (line - from) + 1
        }
    }
}

/// Cuts a file's text into documents. `steps` are those of the [`Sieve`], empty where the text is
/// the whole file.
pub fn documents<'t>(text: &'t str, steps: &[(u32, u32)]) -> Vec<Document<'t>> {
    let mut found = Vec::new();
    let whole = Document {
        text: without_colours(text).map_or(Cow::Borrowed(text), Cow::Owned),
        steps: steps.to_vec(),
        single: false,
    };
    split(whole, 0, &mut found);
    found
}

/// The text without the codes that colour it on a terminal, if one stands directly before the start of
/// a dump; elsewhere they are the text's own.
fn without_colours(text: &str) -> Option<String> {
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
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while let Some(behind) = rest.strip_prefix(&blanks) {
            tabbed.push('\t');
            rest = behind;
        }
        tabbed.push_str(rest);
    }
    Some(tabbed)
}

/// What a file's headers say about how its dumps were carried.
#[derive(Default)]
struct Carriers {
    prefixes: Vec<Prefix>,
    /// Names of JSON fields that carry one line each.
    fields: Vec<String>,
    /// Whether blanks can be a prefix: no header stands at the start of a line.
    indented: bool,
    /// Byte ranges of quoted strings that hold more than one line of a dump.
    strings: Vec<(usize, usize)>,
}

fn split<'t>(document: Document<'t>, depth: usize, found: &mut Vec<Document<'t>>) {
    let carriers = if depth < DEEPEST {
        carriers(&document.text)
    } else {
        Carriers::default()
    };
    for &(start, end) in &carriers.strings {
        let line = count_lines(&document.text.as_bytes()[..start]);
        let inner = Document {
            text: Cow::Owned(unescape(&document.text[start..end])),
            steps: vec![(0, document.file_line(line) - 1)],
            single: true,
        };
        split(inner, depth + 1, found);
    }
    if carriers.prefixes.is_empty() && carriers.fields.is_empty() {
        found.push(match with_tabs(&document.text) {
            Some(text) => Document {
                text: Cow::Owned(text),
                ..document
            },
            None => document,
        });
        return;
    }
    let streams_named_by = StreamFields::learn(
        document
            .text
            .lines()
            .filter(|line| carriers.field_of(line).is_some()),
        &carriers.fields,
        without_times,
    );
    let mut streams = Streams::default();
    for (number, line) in document.text.lines().enumerate() {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let file_line = document.file_line(number) - 1;
        if let Some((key, content, partial)) = carriers.take_off(line, &streams_named_by) {
            streams.push(&key, &content, partial, file_line);
        } else {
            streams.push("", line, false, file_line);
        }
    }
    for inner in streams.documents {
        let inner = Document {
            single: document.single,
            ..inner
        };
        split(inner, depth + 1, found);
    }
}

#[derive(Default)]
struct Streams<'t> {
    keys: FxHashMap<String, usize>,
    documents: Vec<Document<'t>>,
    lines: Vec<u32>,
}

impl Streams<'_> {
    fn push(&mut self, key: &str, content: &str, partial: bool, file_line: u32) {
        let index = match self.keys.get(key) {
            Some(&index) => index,
            None => {
                self.keys.insert(key.to_owned(), self.documents.len());
                self.documents.push(Document {
                    text: Cow::Owned(String::new()),
                    steps: Vec::new(),
                    single: false,
                });
                self.lines.push(0);
                self.documents.len() - 1
            }
        };
        let document = &mut self.documents[index];
        let line = self.lines[index];
        let text = document.text.to_mut();
        if text.is_empty() || text.ends_with('\n') {
            let fits = document
                .steps
                .last()
                .is_some_and(|&(from, to)| to + (line - from) == file_line);
            if !fits {
                document.steps.push((line, file_line));
            }
        }
        // rsyslog writes control characters as # and three octal digits.
        if let Some(rest) = content.strip_prefix("#011") {
            text.push('\t');
            text.push_str(rest);
        } else {
            text.push_str(content);
        }
        if !partial {
            text.push('\n');
            self.lines[index] += 1;
        }
    }
}

fn carriers(text: &str) -> Carriers {
    let bytes = text.as_bytes();
    let mut carriers = Carriers {
        indented: !["goroutine ", "panic: ", "fatal error: "]
            .iter()
            .any(|mark| {
                memmem::find_iter(bytes, mark.as_bytes())
                    .any(|at| at == 0 || bytes[at - 1] == b'\n')
            }),
        ..Carriers::default()
    };
    for at in memmem::find_iter(bytes, b"goroutine ") {
        if at == 0 || bytes[at - 1] == b'\n' {
            continue;
        }
        // Most hits are `created by main.main in goroutine 1`: no bracket follows the number.
        let digits = bytes[at + 10..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 || bytes.get(at + 10 + digits) != Some(&b' ') {
            continue;
        }
        let start = memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
        let end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |newline| at + newline);
        let rest = text[at..end].trim_end_matches('\r');
        if line::goroutine_header(rest).is_some() {
            let next = text[end..].strip_prefix('\n').unwrap_or("");
            carriers.learn_prefix(&text[..start], &text[start..at], next, true);
        } else if let Some(close) = rest.find("]:")
            && line::goroutine_header(&rest[..close + 2]).is_some()
        {
            let after = &rest[close + 2..];
            if after.starts_with(['"', '\\']) {
                carriers.learn_string(text, start, at, at + close + 2, end);
            }
        }
    }
    for mark in ["panic: ", "fatal error: "] {
        for at in memmem::find_iter(bytes, mark.as_bytes()) {
            if at == 0 || matches!(bytes[at - 1], b'\n' | b'\t') {
                continue;
            }
            let start = memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
            let end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |newline| at + newline);
            let next = text[end..].strip_prefix('\n').unwrap_or("");
            if bytes[at - 1] == b'"' {
                // Docker's own JSON: each line of output is one object with its line end.
                if text[start..at].ends_with("\"log\":\"") && text[at..end].contains("\\n\"") {
                    carriers.learn_field("log");
                }
            } else {
                carriers.learn_prefix(&text[..start], &text[start..at], next, false);
            }
        }
    }
    carriers
}

impl Carriers {
    /// `certain`: a goroutine header follows the prefix, which no log line looks like by chance.
    fn learn_prefix(&mut self, above: &str, before: &str, next: &str, certain: bool) {
        // A tab before a header is how Go indents the further lines of a panic value, and blanks may
        // be what became of it. But some logs have a tab or several blanks of their own there.
        let bare = before.trim_end_matches([' ', '\t']).len();
        let without_tabs = before.trim_end_matches('\t');
        if bare == 0 {
            self.learn_exact_prefix(without_tabs, next, certain);
            return;
        }
        for candidate in before.get(..bare + 1).into_iter().chain([without_tabs]) {
            if self.learn_exact_prefix(candidate, next, certain) {
                return;
            }
        }
        if let Some(with_tab) = before.get(..without_tabs.len() + 1) {
            let prefix = Prefix::new(without_tabs);
            let near = above.lines().rev().take(64).chain(next.lines().take(64));
            let always = near
                .filter_map(|line| prefix.strip(line).map(|(at, _)| &line[at..]))
                .all(|rest| rest.is_empty() || rest.starts_with('\t'));
            if always {
                self.learn_exact_prefix(with_tab, next, certain);
            }
        }
    }

    /// Whether the prefix is known then.
    fn learn_exact_prefix(&mut self, before: &str, next: &str, certain: bool) -> bool {
        if before.trim_start().is_empty() && !self.indented {
            return false;
        }
        if self.prefixes.iter().any(|prefix| {
            prefix
                .strip(before)
                .is_some_and(|(at, _)| at == before.len())
        }) {
            return true;
        }
        if before.len() > LONGEST_PREFIX || self.prefixes.len() >= MOST_PREFIXES {
            return false;
        }
        let prefix = Prefix::new(before);
        if !certain && !prefix.is_container_log(before) {
            return false;
        }
        // A prefix that only one line has is that line's text: Go's own log package puts the
        // time before the first line of a message only. Lines of others may stand in between.
        let mut with_prefix = next
            .lines()
            .take(64)
            .filter_map(|line| prefix.strip(line).map(|(at, _)| &line[at..]));
        let shared = if certain {
            with_prefix.any(|rest| line::call(rest).is_some() || rest.starts_with("created by "))
        } else {
            with_prefix.next().is_some()
        };
        if !next.is_empty() && !shared {
            return false;
        }
        self.prefixes.push(prefix);
        true
    }

    fn learn_field(&mut self, name: &str) {
        if !self.fields.iter().any(|field| field == name) && self.fields.len() < 8 {
            self.fields.push(name.to_owned());
        }
    }

    /// A header `at..header_end` of a line `start..end` is followed by a quote or an escape.
    fn learn_string(&mut self, text: &str, start: usize, at: usize, header_end: usize, end: usize) {
        if self.strings.last().is_some_and(|last| at < last.1) {
            return;
        }
        let bytes = text.as_bytes();
        let Some(open) = (start..at).rev().find(|&index| {
            bytes[index] == b'"'
                && bytes[start..index]
                    .iter()
                    .rev()
                    .take_while(|&&byte| byte == b'\\')
                    .count()
                    % 2
                    == 0
        }) else {
            return;
        };
        let close = string_end(&bytes[..end], open + 1);
        // A quote within the brackets: this is no header.
        let Some(tail) = text.get(header_end..close) else {
            return;
        };
        let one_line = tail.is_empty() || tail == "\\n" || tail == "\\r\\n";
        if one_line && open + 1 == at {
            let before = text[start..open].trim_end();
            if let Some(name) = before
                .strip_suffix(':')
                .map(str::trim_end)
                .and_then(|before| before.strip_suffix('"'))
                .and_then(|before| before.rsplit_once('"'))
                .map(|(_, name)| name)
            {
                self.learn_field(name);
            }
        } else {
            self.strings.push((open + 1, close));
        }
    }

    /// The field of a line that carries a line, with the place of its content.
    fn field_of(&self, line: &str) -> Option<(&str, usize)> {
        self.fields.iter().find_map(|field| {
            let mark = format!("\"{field}\":");
            let at = memmem::find(line.as_bytes(), mark.as_bytes())?;
            let rest = &line[at + mark.len()..];
            let blanks = rest.len() - rest.trim_start().len();
            rest[blanks..]
                .starts_with('"')
                .then_some((field.as_str(), at + mark.len() + blanks + 1))
        })
    }

    /// The stream of a line, its content, and whether the next line goes on with it.
    fn take_off<'l>(
        &self,
        line: &'l str,
        named_by: &StreamFields,
    ) -> Option<(String, Cow<'l, str>, bool)> {
        if let Some((field, open)) = self.field_of(line) {
            let close = string_end(line.as_bytes(), open);
            let mut content = unescape(&line[open..close]);
            let key = match line[..open].find('{') {
                // What stands before the object is the prefix of another log.
                Some(object) => {
                    without_times(&line[..object]) + &named_by.stream(line, without_times)
                }
                // An object over many lines: those between are none of the dump's.
                None => format!("\u{3}{field}"),
            };
            // Docker cuts long lines and marks only the last piece with a line end.
            let partial = field == "log" && !content.ends_with('\n');
            while content.ends_with(['\n', '\r']) {
                content.pop();
            }
            return Some((key, Cow::Owned(content), partial));
        }
        for prefix in &self.prefixes {
            if let Some((at, partial)) = prefix.strip(line) {
                return Some((prefix.key.clone(), Cow::Borrowed(&line[at..]), partial));
            }
        }
        None
    }
}

/// The end of the JSON string whose content starts at `from`: its closing quote, or the end.
pub(super) fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Undoes the escapes of JSON strings and of Go's `%q`.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        plain.push_str(&rest[..at]);
        let mut characters = rest[at + 1..].chars();
        let Some(escape) = characters.next() else {
            rest = "";
            break;
        };
        rest = characters.as_str();
        let digits = match escape {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'b' => "\u{8}",
            'f' => "\u{c}",
            'u' | 'x' => "",
            _ => {
                plain.push(escape);
                continue;
            }
        };
        if !digits.is_empty() {
            plain.push_str(digits);
            continue;
        }
        let length = if escape == 'u' { 4 } else { 2 };
        let unit = rest
            .get(..length)
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let Some(mut unit) = unit else {
            plain.push(escape);
            continue;
        };
        rest = &rest[length..];
        // A character beyond the first plane is written as two halves.
        if (0xD800..0xDC00).contains(&unit)
            && let Some(low) = rest
                .strip_prefix("\\u")
                .and_then(|tail| tail.get(..4))
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            && (0xDC00..0xE000).contains(&low)
        {
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            rest = &rest[6..];
        }
        plain.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests;
