//! Takes dumps out of what carried them: log prefixes, JSON strings, gigabytes of other text.
//!
//! Where a goroutine header starts in the middle of a line, what stands before it is the prefix
//! of a log. The prefix is learned from that line, with timestamps as the only part that may
//! vary, and taken off all lines that have it; lines with different prefixes (two pods in one
//! file) go to different documents. Where the header is followed by an escaped line end, it
//! stands in a string of a structured log, which is unescaped.

use std::borrow::Cow;
use std::io::Read;

use memchr::{memchr, memchr_iter, memmem, memrchr};
use rustc_hash::FxHashMap;

use super::json_fields::StreamFields;
use super::line;

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

/// The part of a file that can hold dumps, read in blocks so that memory is bounded by the dumps
/// and not by the text around them.
#[derive(Clone, Debug, Default)]
pub struct Sieve {
    /// What was kept.
    pub bytes: Vec<u8>,
    /// `(line kept, line of the file)` wherever blocks were dropped, both from 0.
    pub steps: Vec<(u32, u32)>,
    /// Whether the file went on beyond the limit.
    pub cut: bool,
    /// How many bytes were read.
    pub read: u64,
    /// The first block, if it was dropped: it tells what the file is instead.
    pub first: Vec<u8>,
}

impl Sieve {
    const BLOCK: usize = 1 << 20;
    const TAIL: usize = 1 << 16;

    /// Reads to the end and keeps the blocks in which a dump may be. `expected` is the size of
    /// the input in bytes where it is known, `most` the largest number of bytes to keep.
    pub fn read(mut input: impl Read, expected: usize, most: usize) -> std::io::Result<Sieve> {
        let mut sieve = Sieve::default();
        sieve.bytes.reserve(expected.min(most).min(1 << 30) + 1);
        let marks: Vec<memmem::Finder<'_>> =
            ["goroutine ", "panic: ", "fatal error: ", "DATA RACE"]
                .iter()
                .map(|mark| memmem::Finder::new(mark.as_bytes()))
                .collect();
        // Everything before `settled` has been judged; the rest is the block being filled.
        let (mut settled, mut kept_lines, mut file_lines) = (0, 0u32, 0u32);
        let mut keep_next = false;
        let mut wide = false;
        loop {
            let before = sieve.bytes.len();
            let got = (&mut input)
                .take(Self::BLOCK as u64)
                .read_to_end(&mut sieve.bytes)?;
            sieve.read += got as u64;
            let end = got == 0;
            let border = if end {
                sieve.bytes.len()
            } else {
                match memrchr(b'\n', &sieve.bytes[before..]) {
                    Some(at) => before + at + 1,
                    None if sieve.bytes.len() - settled < 16 * Self::BLOCK => continue,
                    None => sieve.bytes.len(),
                }
            };
            // Text of two bytes a character, as PowerShell writes it, is not searched but kept.
            wide |= before == 0 && WideText::of(&sieve.bytes).is_some();
            let block = &sieve.bytes[settled..border];
            let wanted = wide || marks.iter().any(|mark| mark.find(block).is_some());
            if wanted || keep_next {
                let lines = count_lines(block);
                kept_lines = kept_lines.saturating_add(lines);
                file_lines = file_lines.saturating_add(lines);
                settled = border;
            } else {
                // The end of a dropped block may hold the header of a dump in the next one.
                let from = border.saturating_sub(Self::TAIL).max(settled);
                let from =
                    memchr(b'\n', &sieve.bytes[from..border]).map_or(border, |at| from + at + 1);
                file_lines = file_lines.saturating_add(count_lines(&sieve.bytes[settled..from]));
                if sieve.first.is_empty() && kept_lines == 0 && sieve.steps.is_empty() {
                    sieve.first = block.to_vec();
                }
                sieve.steps.pop_if(|step| step.0 == kept_lines);
                sieve.steps.push((kept_lines, file_lines));
                sieve.bytes.drain(settled..from);
                // The tail stays, but is judged again together with what follows.
                if end {
                    settled = sieve.bytes.len();
                }
            }
            keep_next = wanted;
            if end {
                break;
            }
            if settled > most {
                sieve.cut = true;
                sieve.bytes.truncate(most);
                break;
            }
        }
        Ok(sieve)
    }

    /// The kept text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        if let Some(wide) = WideText::of(&self.bytes) {
            return Cow::Owned(wide.text());
        }
        let bytes = self
            .bytes
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&self.bytes);
        // The check alone is several times faster than the one that replaces.
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        }
    }
}

/// UTF-16 behind its mark of the order of bytes.
struct WideText<'t> {
    body: &'t [u8],
    big_endian: bool,
}

impl<'t> WideText<'t> {
    fn of(bytes: &'t [u8]) -> Option<WideText<'t>> {
        let (mark, body) = bytes.split_first_chunk::<2>()?;
        let big_endian = match mark {
            [0xFF, 0xFE] => false,
            [0xFE, 0xFF] => true,
            _ => return None,
        };
        Some(WideText { body, big_endian })
    }

    fn text(&self) -> String {
        let units = self.body.chunks_exact(2).map(|pair| {
            let pair = [pair[0], pair[1]];
            if self.big_endian {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            }
        });
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }
}

fn count_lines(bytes: &[u8]) -> u32 {
    u32::try_from(memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
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

/// A log prefix: what stays the same on every line, and where the times are.
#[derive(Debug)]
struct Prefix {
    parts: Vec<Part>,
    key: String,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Time,
    /// The flag of the container runtime interface's log format: F for a full line, P for a part.
    Whole,
}

impl Prefix {
    fn new(before: &str) -> Prefix {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let bytes = before.as_bytes();
        let mut at = 0;
        while at < before.len() {
            let time = if at == 0 || !bytes[at - 1].is_ascii_alphanumeric() {
                time_length(&bytes[at..])
            } else {
                0
            };
            if time > 0 {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Time);
                at += time;
                continue;
            }
            if (literal.ends_with("stderr ") || literal.ends_with("stdout "))
                && matches!(&bytes[at..], [b'F' | b'P', b' ', ..])
            {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
                parts.push(Part::Whole);
                at += 1;
                continue;
            }
            let character = before[at..].chars().next().unwrap_or(' ');
            literal.push(character);
            at += character.len_utf8();
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        let key = parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Time => "\u{1}",
                Part::Whole => "\u{2}",
            })
            .collect();
        Prefix { parts, key }
    }

    /// Whether the prefix is one that only container runtimes and system logs write, as opposed
    /// to a time that the program itself may have put before a message.
    fn is_container_log(&self, before: &str) -> bool {
        let trimmed = before.trim_end();
        let mut rest = before;
        let mut zulu = false;
        // RFC 3339 with a T, as kubectl and docker write it.
        while let Some(at) = rest.find('T') {
            zulu |= at >= 10 && time_length(&rest.as_bytes()[at - 10..]) > 12;
            rest = &rest[at + 1..];
        }
        self.parts.iter().any(|part| matches!(part, Part::Whole))
            || trimmed.ends_with('|')
            || zulu && self.parts.len() <= 2
            || (trimmed.ends_with("]:") && self.parts.iter().any(|part| matches!(part, Part::Time)))
            || trimmed.starts_with("[pod/")
    }

    /// The length of the prefix on this line, and whether the line goes on in the next one.
    fn strip(&self, line: &str) -> Option<(usize, bool)> {
        let mut at = 0;
        let mut partial = false;
        let last = self.parts.len().saturating_sub(1);
        for (index, part) in self.parts.iter().enumerate() {
            let rest = &line[at..];
            match part {
                Part::Literal(text) if rest.starts_with(text.as_str()) => at += text.len(),
                // An empty line often loses the blank behind the prefix.
                Part::Literal(text) if index == last && rest == text.trim_end() => at = line.len(),
                Part::Literal(_) => return None,
                Part::Time => match time_length(rest.as_bytes()) {
                    0 => return None,
                    length => at += length,
                },
                Part::Whole => match rest.as_bytes().first() {
                    Some(b'F') => at += 1,
                    Some(b'P') => {
                        partial = true;
                        at += 1;
                    }
                    _ => return None,
                },
            }
        }
        Some((at, partial))
    }
}

fn without_times(text: &str) -> String {
    Prefix::new(text).key
}

/// The length of the timestamp at the start, 0 if there is none: dates with an optional time,
/// times, seconds since 1970, syslog's `Nov 23 05:39:01`, klog's `1123 05:39:01.123456`.
fn time_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        bytes[from.min(bytes.len())..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let first = digits(0);
    if first == 4 && matches!(bytes.get(4), Some(b'-' | b'/')) && digits(5) == 2 {
        if bytes.get(7) == bytes.get(4) && digits(8) == 2 {
            if matches!(bytes.get(10), Some(b'T' | b' ')) {
                let clock = clock_length(&bytes[11..]);
                if clock > 0 {
                    return 11 + clock;
                }
            }
            return 10;
        }
        return 0;
    }
    if first == 4 && bytes.get(4) == Some(&b' ') && clock_length(&bytes[5..]) > 8 {
        return 5 + clock_length(&bytes[5..]);
    }
    if first == 2 {
        return clock_length(bytes);
    }
    if first >= 9 {
        let mut length = first;
        if bytes.get(length) == Some(&b'.') {
            length += 1 + digits(length + 1);
        }
        return length;
    }
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    if first == 0 && bytes.len() > 6 && MONTHS.chunks(3).any(|month| bytes.starts_with(month)) {
        let blanks = bytes[3..].iter().take_while(|&&byte| byte == b' ').count();
        let day = digits(3 + blanks);
        if blanks > 0 && (1..=2).contains(&day) && bytes.get(3 + blanks + day) == Some(&b' ') {
            let clock = clock_length(&bytes[3 + blanks + day + 1..]);
            if clock > 0 {
                return 3 + blanks + day + 1 + clock;
            }
        }
    }
    // Seconds since the start of the machine, right-aligned in brackets: `[   12.345678]`.
    if bytes.first() == Some(&b'[') {
        let blanks = bytes[1..].iter().take_while(|&&byte| byte == b' ').count();
        let whole = digits(1 + blanks);
        if whole > 0 && bytes.get(1 + blanks + whole) == Some(&b'.') {
            let fraction = digits(2 + blanks + whole);
            let end = 2 + blanks + whole + fraction;
            if fraction >= 3 && bytes.get(end) == Some(&b']') {
                return end + 1;
            }
        }
    }
    0
}

/// `05:39:01`, with an optional fraction and zone.
fn clock_length(bytes: &[u8]) -> usize {
    let pair = |at: usize| {
        bytes.get(at).is_some_and(u8::is_ascii_digit)
            && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
    };
    if !(pair(0)
        && bytes.get(2) == Some(&b':')
        && pair(3)
        && bytes.get(5) == Some(&b':')
        && pair(6))
    {
        return 0;
    }
    let mut length = 8;
    if matches!(bytes.get(length), Some(b'.' | b',')) {
        let fraction = bytes[length + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if fraction > 0 {
            length += 1 + fraction;
        }
    }
    match bytes.get(length) {
        Some(b'Z') => length + 1,
        Some(b'+' | b'-') if pair(length + 1) => {
            if bytes.get(length + 3) == Some(&b':') && pair(length + 4) {
                length + 6
            } else if pair(length + 3) {
                length + 5
            } else {
                length
            }
        }
        _ => length,
    }
}

#[cfg(test)]
mod tests;
