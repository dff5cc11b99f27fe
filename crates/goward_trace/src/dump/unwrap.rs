//! Takes dumps out of what carried them: log prefixes, JSON strings, gigabytes of other text.
//!
//! Where a goroutine header starts in the middle of a line, what stands before it is the prefix
//! of a log. The prefix is learned from that line, with timestamps as the only part that may
//! vary, and taken off all lines that have it; lines with different prefixes (two pods in one
//! file) go to different documents. Where the header is followed by an escaped line end, it
//! stands in a string of a structured log, which is unescaped.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memmem, memrchr};
use rustc_hash::FxHashMap;

use super::json_fields::{Field, StreamFields};
use super::line;
use super::prefix::{Prefix, without_times};
use super::sieve::count_lines;
use super::whitespace::{mended, without_colours};

/// How deep strings within strings are unwrapped (a JSON log carried by a JSON log is two).
const DEEPEST: usize = 3;
/// A prefix longer than this is no log prefix.
const LONGEST_PREFIX: usize = 400;
/// How far around a hit it is looked for what belongs to it, so that long lines with many hits take no
/// time that grows with the square of their length.
const MOST_BESIDE: usize = 4096;
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
    /// The value of a panic, where a structured log has it in a field beside the stack.
    beside: Option<String>,
}

impl Document<'_> {
    /// The value of the panic whose stack the document is, from a field beside it.
    pub(super) fn beside(&self) -> Option<&str> {
        self.beside.as_deref()
    }

    /// The document without its second line, its fourth and so on.
    pub(super) fn without_every_other_line(self) -> Self {
        let mut text = String::with_capacity(self.text.len());
        let mut steps = Vec::new();
        for (line, content) in (0u32..).zip(self.text.lines().step_by(2)) {
            text.push_str(content);
            text.push('\n');
            steps.push((line, self.file_line(line * 2) - 1));
        }
        Document {
            text: Cow::Owned(text),
            steps,
            single: self.single,
            beside: None,
        }
    }

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
        beside: None,
    };
    split(whole, 0, &mut found);
    found
}

/// What a file's headers say about how its dumps were carried.
#[derive(Default)]
struct Carriers {
    prefixes: Vec<Prefix>,
    /// Fields that carry one line each.
    fields: Vec<Field>,
    /// Whether strings of the field `log` end in a line end, as Docker writes them: one that does
    /// not goes on in the next.
    whole_lines: bool,
    /// Whether blanks can be a prefix: no header stands at the start of a line.
    indented: bool,
    /// Byte ranges of quoted strings that hold more than one line of a dump, in order.
    strings: Vec<(usize, usize)>,
    /// Such ranges of dumps without stacks.
    chains: Vec<(usize, usize)>,
    /// Up to here the line has no quote that could open a string.
    without_quote: usize,
}

fn split<'t>(document: Document<'t>, depth: usize, found: &mut Vec<Document<'t>>) {
    let carriers = if depth < DEEPEST {
        carriers(&document.text)
    } else {
        Carriers::default()
    };
    let mut lines = Lines::default();
    let mut line = (0, 0);
    for &(start, end) in &carriers.strings {
        // Counted from the string before, as there may be many on a line.
        line.1 += count_lines(&document.text.as_bytes()[line.0..start]);
        line.0 = start;
        if !carriers.is_beside(&document.text, start, &mut lines) {
            continue;
        }
        let inner = Document {
            text: Cow::Owned(unescape(&document.text[start..end])),
            steps: vec![(0, document.file_line(line.1) - 1)],
            single: true,
            beside: value_beside(&document.text, start),
        };
        split(inner, depth + 1, found);
    }
    if carriers.prefixes.is_empty() && carriers.fields.is_empty() {
        found.push(mended(document));
        return;
    }
    let names: Vec<&str> = carriers.fields.iter().map(Field::name).collect();
    let streams_named_by = StreamFields::learn(
        document
            .text
            .lines()
            .filter(|line| carriers.carried(line).is_some()),
        &names,
        without_times,
    );
    let mut streams = Streams::default();
    for (number, line) in document.text.lines().enumerate() {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let file_line = document.file_line(number) - 1;
        let Some((field, range)) = carriers.carried(line) else {
            match carriers.prefix_of(line) {
                Some((prefix, at, partial)) => {
                    streams.push(&prefix.key, &line[at..], partial, file_line);
                }
                None => streams.push("", line, false, file_line),
            }
            continue;
        };
        // A list of log entries on one line. Two may be the same entry's, in two forms.
        let entries = field.strings(line).take(3).count();
        if entries == 3 {
            let key = format!("\u{3}{}", field.name());
            for range in field.strings(line) {
                let content = unescape(&line[range]);
                streams.push(
                    &key,
                    content.trim_end_matches(['\n', '\r']),
                    false,
                    file_line,
                );
            }
            continue;
        }
        let start = range.start;
        let quoted = line[..start].ends_with('"');
        let mut content = if quoted {
            unescape(&line[range])
        } else {
            line[range].to_owned()
        };
        let key = match line[..start].find('{') {
            // What stands before the object is the prefix of another log.
            Some(object) => {
                without_times(&line[..object]) + &streams_named_by.stream(line, without_times)
            }
            None if field.is_bare() => without_times(line[..start].trim_end_matches('"')),
            // An object over many lines: those between are none of the dump's.
            None => format!("\u{3}{}", field.name()),
        };
        // Docker cuts long lines and marks only the last piece with a line end.
        let partial = carriers.whole_lines && field.name() == "log" && !content.ends_with('\n');
        while content.ends_with(['\n', '\r']) {
            content.pop();
        }
        streams.push(&key, &content, partial, file_line);
    }
    for inner in streams.documents {
        let inner = Document {
            single: document.single,
            ..inner
        };
        split(inner, depth + 1, found);
    }
}

/// The line of a text that was asked for last: many hits may be on one long line, which is not to be
/// gone through for each.
#[derive(Default)]
struct Lines {
    start: usize,
    end: usize,
}

impl Lines {
    /// Where the line at a byte starts and ends. The bytes asked for must not decrease.
    fn at(&mut self, bytes: &[u8], at: usize) -> (usize, usize) {
        if at < self.start || at >= self.end {
            self.start = memrchr(b'\n', &bytes[self.end.min(at)..at])
                .map_or(self.end.min(at), |newline| self.end.min(at) + newline + 1);
            self.end = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
        }
        (self.start, self.end)
    }
}

/// The value of a field such as `panic` in the line of the string that starts at `at`.
fn value_beside(text: &str, at: usize) -> Option<String> {
    // Fields are sorted or in the order of writing: the stack is the last of them.
    let near = text.floor_char_boundary(at.saturating_sub(MOST_BESIDE));
    let line = &text[near..at];
    let line = line.rsplit('\n').next().unwrap_or(line);
    ["panic", "recovered", "recover", "error", "err"]
        .iter()
        .flat_map(|name| [format!("\"{name}\":"), format!("{name}=")])
        .filter_map(|mark| Field::before(&mark))
        .find_map(|field| field.strings(line).next())
        .filter(|range| !range.is_empty())
        .map(|range| unescape(&line[range]))
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
                    beside: None,
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
    let mut lines = Lines::default();
    // A line in pieces may have the words that are looked for below in two of them.
    for mark in [" stderr P ", " stdout P "] {
        if let Some(at) = memmem::find(bytes, mark.as_bytes()) {
            let start = memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
            carriers.learn_pieces(&text[start..at + mark.len()]);
        }
    }
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
        let (start, end) = lines.at(bytes, at);
        let near = text.floor_char_boundary(end.min(at + MOST_BESIDE));
        let rest = text[at..near].trim_end();
        if near == end && line::goroutine_header(rest).is_some() {
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
        let mut lines = Lines::default();
        for at in memmem::find_iter(bytes, mark.as_bytes()) {
            if at == 0 || matches!(bytes[at - 1], b'\n' | b'\t') {
                continue;
            }
            let (start, end) = lines.at(bytes, at);
            let next = text[end..].strip_prefix('\n').unwrap_or("");
            if bytes[at - 1] == b'"' {
                carriers.learn_quoted(text, start, at, end);
            } else {
                carriers.learn_prefix(&text[..start], &text[start..at], next, false);
            }
        }
    }
    let chains = std::mem::take(&mut carriers.chains);
    carriers.strings.extend(chains);
    carriers.strings.sort_unstable();
    let mut behind = 0;
    carriers.strings.retain(|&(start, end)| {
        let apart = start >= behind;
        behind = if apart { end } else { behind };
        apart
    });
    carriers.whole_lines = carriers.fields.iter().any(|field| {
        field.name() == "log"
            && text
                .lines()
                .flat_map(|line| field.strings(line).map(move |range| &line[range]))
                .any(|string| string.ends_with("\\n"))
    });
    carriers
}

impl Carriers {
    /// `before`: the prefix of the container runtime interface's log format on a piece of a line.
    fn learn_pieces(&mut self, before: &str) {
        let prefix = Prefix::new(before);
        if before.len() <= LONGEST_PREFIX && prefix.is_in_pieces() {
            self.prefixes.push(prefix);
        }
    }

    /// A string starts with `panic: ` or `fatal error: `: a dump without a stack, or the first line of
    /// one. It may as well be what a program says of itself, so something has to show that more than
    /// one line is carried.
    fn learn_quoted(&mut self, text: &str, start: usize, at: usize, end: usize) {
        let before = self.strings.partition_point(|string| string.0 <= at);
        let inside = before
            .checked_sub(1)
            .is_some_and(|index| at < self.strings[index].1);
        if inside || self.chains.last().is_some_and(|last| at < last.1) {
            return;
        }
        let near = text.floor_char_boundary(end.min(at + MOST_BESIDE));
        let close = string_end(&text.as_bytes()[..near], at);
        let content = &text[at..close];
        if content.contains("\\n\\tpanic: ") || content.contains("\\n[signal SIG") {
            let close = string_end(&text.as_bytes()[..end], at);
            self.chains.push((at, close));
            return;
        }
        let start = start.max(text.floor_char_boundary(at.saturating_sub(MOST_BESIDE)));
        let Some(field) = Field::before(&text[start..at - 1]) else {
            return;
        };
        if content.trim_end_matches("\\n").contains("\\n") {
            return;
        }
        // What these carry is a program's output as it is.
        let output = match field.name() {
            "log" => content.ends_with("\\n"),
            "MESSAGE" | "textPayload" | "Output" => true,
            _ => false,
        };
        let goes_on =
            |string: &str| string.starts_with("\\tpanic: ") || string.starts_with("[signal SIG");
        let more = || {
            let ahead = text.floor_char_boundary(text.len().min(close + MOST_BESIDE));
            let next = text[close..ahead].lines().take(8);
            next.flat_map(|line| field.strings(line).map(move |range| &line[range]))
                .take(2)
                .any(goes_on)
        };
        if output || more() {
            self.learn_field(field);
        }
    }

    /// `certain`: a goroutine header follows the prefix, which no log line looks like by chance.
    fn learn_prefix(&mut self, above: &str, before: &str, next: &str, certain: bool) {
        if before.len() > LONGEST_PREFIX || self.prefixes.len() >= MOST_PREFIXES {
            return;
        }
        if self.learn_prefix_as(Prefix::new, above, before, next, certain) {
            return;
        }
        // A number of the line may be in it.
        if certain && before.contains(|c: char| c.is_ascii_digit()) {
            self.learn_prefix_as(Prefix::with_numbers, above, before, next, certain);
        }
    }

    /// Whether the prefix is known then.
    fn learn_prefix_as(
        &mut self,
        form: fn(&str) -> Prefix,
        above: &str,
        before: &str,
        next: &str,
        certain: bool,
    ) -> bool {
        // A tab before a header is how Go indents the further lines of a panic value, and blanks may
        // be what became of it. But some logs have a tab or several blanks of their own there.
        let bare = before.trim_end_matches([' ', '\t']).len();
        let without_tabs = before.trim_end_matches('\t');
        if bare == 0 {
            return self.learn_exact_prefix(form, without_tabs, next, certain);
        }
        let one_blank = before
            .get(..bare + 1)
            .filter(|candidate| !candidate.ends_with('\t'));
        for candidate in one_blank.into_iter().chain([without_tabs]) {
            if self.learn_exact_prefix(form, candidate, next, certain) {
                return true;
            }
        }
        let Some(with_tab) = before.get(..without_tabs.len() + 1) else {
            return false;
        };
        let prefix = form(without_tabs);
        let near = above.lines().rev().take(64).chain(next.lines().take(64));
        let always = near
            .filter_map(|line| prefix.strip(line).map(|(at, _)| &line[at..]))
            .all(|rest| rest.is_empty() || rest.starts_with('\t'));
        always && self.learn_exact_prefix(form, with_tab, next, certain)
    }

    /// Whether the prefix is known then.
    fn learn_exact_prefix(
        &mut self,
        form: fn(&str) -> Prefix,
        before: &str,
        next: &str,
        certain: bool,
    ) -> bool {
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
        let prefix = form(before);
        // A prefix that only one line has is that line's text: Go's own log package puts the
        // time before the first line of a message only. Lines of others may stand in between.
        let mut with_prefix = next
            .lines()
            .take(64)
            .filter_map(|line| prefix.strip(line).map(|(at, _)| &line[at..]))
            .peekable();
        let chain = with_prefix
            .peek()
            .is_some_and(|rest| rest.starts_with("\tpanic: ") || rest.starts_with("[signal SIG"));
        if !certain && !chain && !prefix.is_container_log(before) {
            return false;
        }
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

    fn learn_field(&mut self, field: Field) {
        if !self.fields.contains(&field) && self.fields.len() < 8 {
            self.fields.push(field);
        }
    }

    /// A header `at..header_end` of a line `start..end` is followed by a quote or an escape.
    fn learn_string(&mut self, text: &str, start: usize, at: usize, header_end: usize, end: usize) {
        if self.strings.last().is_some_and(|last| at < last.1) {
            return;
        }
        let bytes = text.as_bytes();
        let from = start.max(self.without_quote);
        let Some(open) = (from..at).rev().find(|&index| {
            bytes[index] == b'"'
                && bytes[start..index]
                    .iter()
                    .rev()
                    .take_while(|&&byte| byte == b'\\')
                    .count()
                    % 2
                    == 0
        }) else {
            self.without_quote = at;
            return;
        };
        let close = string_end(&bytes[..end], open + 1);
        // A quote within the brackets: this is no header.
        let Some(tail) = text.get(header_end..close) else {
            return;
        };
        let one_line = tail.is_empty() || tail == "\\n" || tail == "\\r\\n";
        if one_line && open + 1 == at {
            if let Some(field) = Field::before(&text[start..open]) {
                self.learn_field(field);
            }
        } else {
            self.strings.push((open + 1, close));
        }
    }

    /// Whether a string that starts at `at` is lost when lines are taken off: the others are met
    /// again in what comes out.
    fn is_beside(&self, text: &str, at: usize, lines: &mut Lines) -> bool {
        if self.prefixes.is_empty() && self.fields.is_empty() {
            return true;
        }
        let known = lines.end;
        let (start, end) = lines.at(text.as_bytes(), at);
        // Of a line with many only the first is looked at.
        known != end
            && self
                .carried(&text[start..end])
                .is_some_and(|(_, range)| !range.contains(&(at - start)))
    }

    /// The field of a line that carries a line, and where its content is.
    fn carried(&self, line: &str) -> Option<(&Field, Range<usize>)> {
        self.fields
            .iter()
            .find_map(|field| Some((field, field.strings(line).next()?)))
    }

    /// The prefix of a line, its length, and whether the next line goes on with this one.
    fn prefix_of(&self, line: &str) -> Option<(&Prefix, usize, bool)> {
        self.prefixes.iter().find_map(|prefix| {
            let (at, partial) = prefix.strip(line)?;
            Some((prefix, at, partial))
        })
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
