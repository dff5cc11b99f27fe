//! Walks the lines of a document and cuts it into dumps.
//!
//! A dump opens with a header (`panic: `, `fatal error: `, a signal, net/http's message, a race
//! report) or with a goroutine that stands alone. It ends where the next header starts, or where a
//! goroutine comes that cannot belong to it. Lines of other kinds between two goroutines (another
//! thread wrote to the log) do not end it.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::ops::Range;

use rustc_hash::FxHashSet;

use super::chain::{self, Raw};
use super::{Call, Document, Dump, Fatal, Goroutine, Kind, Report, line, race};

/// How far the end of a panic value of several unindented lines (Go before 1.23) is looked for.
const LONGEST_VALUE: usize = 400;
/// A listing may be interrupted by so many lines of other output.
const LONGEST_INTERRUPTION: u32 = 4;

/// Reads lines with one step back.
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// Where the line behind it starts.
    next: usize,
    line: Option<&'t str>,
    /// Number of the line at `at`, from 0.
    pub(super) number: u32,
}

impl<'t> Cursor<'t> {
    fn new(text: &'t str) -> Cursor<'t> {
        let mut cursor = Cursor {
            text,
            at: 0,
            next: 0,
            line: None,
            number: 0,
        };
        cursor.load();
        cursor
    }

    fn load(&mut self) {
        let ahead = self.ahead(self.at);
        self.line = ahead.map(|(line, _)| line);
        self.next = ahead.map_or(self.text.len(), |(_, next)| next);
    }

    pub(super) fn peek(&self) -> Option<&'t str> {
        self.line
    }

    /// The line that starts at a byte offset and the offset of the next.
    fn ahead(&self, at: usize) -> Option<(&'t str, usize)> {
        let rest = self.text.get(at..).filter(|rest| !rest.is_empty())?;
        let (line, length) = match memchr::memchr(b'\n', rest.as_bytes()) {
            Some(end) => (&rest[..end], end + 1),
            None => (rest, rest.len()),
        };
        Some((line.strip_suffix('\r').unwrap_or(line), at + length))
    }

    pub(super) fn skip(&mut self) {
        if self.line.is_some() {
            self.at = self.next;
            self.number += 1;
            self.load();
        }
    }

    /// The lines behind the next one.
    fn following(&self) -> impl Iterator<Item = &'t str> {
        let mut at = self.next;
        std::iter::from_fn(move || {
            let (line, next) = self.ahead(at)?;
            at = next;
            Some(line)
        })
    }
}

/// A dump that is being read.
struct Open<'t> {
    dump: Dump<'t>,
    raw: Raw<'t>,
    ids: FxHashSet<u64>,
    /// The runtime stack came before the first goroutine.
    runtime_first: bool,
    /// Behind a line of dashes, where `GOTRACEBACK=crash` has the other threads print theirs.
    other_threads: bool,
    /// Nothing stands between this dump and the one before it.
    adjacent: bool,
    /// Foreign lines since the last line of this dump.
    foreign: u32,
}

/// Reads every dump of one document.
pub(super) fn parse<'t>(document: &'t Document<'_>, report: &mut Report<'t>) {
    let text: &'t str = &document.text;
    let first_dump = report.dumps.len();
    Reader {
        first_dump,
        last_foreign: u32::MAX,
        cursor: Cursor::new(text),
        document,
        report,
        open: None,
        notes: Vec::new(),
        other_line: None,
    }
    .run();
}

struct Reader<'t, 'd, 'r> {
    cursor: Cursor<'t>,
    document: &'t Document<'d>,
    report: &'r mut Report<'t>,
    open: Option<Open<'t>>,
    /// Index of the document's first dump.
    first_dump: usize,
    /// Foreign lines behind the dump that was closed last.
    last_foreign: u32,
    /// Lines `runtime: …` that stand directly before what comes next.
    notes: Vec<&'t str>,
    /// The last line that is no part of a dump, and its number.
    other_line: Option<(u32, &'t str)>,
}

impl<'t> Reader<'t, '_, '_> {
    fn run(mut self) {
        while let Some(line) = self.cursor.peek() {
            let first = line.as_bytes().first().copied().unwrap_or(b'\n');
            match first {
                b'\n' => self.cursor.skip(),
                b'g' if let Some(header) = line::goroutine_header(line) => self.goroutine(&header),
                b'p' if line.starts_with("panic: ") => self.crash(),
                b'f' if line.starts_with("fatal error: ") => self.crash(),
                b'S' if self.is_signal(line) => self.signal(line),
                b'W' if line == "WARNING: DATA RACE" => self.race(),
                b'r' if line == "runtime stack:" => self.runtime_stack(),
                b'r' if line.starts_with("runtime: ") => self.note(line),
                b'u' if line.starts_with("unexpected fault address ") => self.note(line),
                b'[' if line.starts_with("[signal ") => {
                    if let Some(open) = &mut self.open {
                        open.dump.signal.get_or_insert(inside_brackets(line));
                    }
                    self.cursor.skip();
                }
                b'-' if line == "-----" => {
                    if let Some(open) = &mut self.open {
                        open.other_threads = true;
                    }
                    self.cursor.skip();
                }
                _ => self.other(line),
            }
        }
        self.close();
    }

    fn file_line(&self) -> u32 {
        self.document.file_line(self.cursor.number)
    }

    fn open(&mut self, kind: Kind) -> &mut Open<'t> {
        self.close();
        let adjacent = self.last_foreign == 0;
        let at_line = self.file_line();
        let notes = std::mem::take(&mut self.notes);
        self.open.insert(Open {
            dump: Dump {
                kind,
                at_line,
                panics: Vec::new(),
                original: None,
                fatal: None,
                signal: None,
                signal_code: None,
                notes,
                runtime_stack: None,
                goroutines: Vec::new(),
                crashed: None,
                accesses: Vec::new(),
                doubts: Vec::new(),
            },
            raw: Raw::default(),
            ids: FxHashSet::default(),
            runtime_first: false,
            other_threads: false,
            adjacent,
            foreign: 0,
        })
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        if open.dump.goroutines.is_empty() && open.dump.kind == Kind::Recovered {
            return;
        }
        chain::resolve(
            &mut open.dump,
            &mut open.raw,
            self.report,
            open.runtime_first,
        );
        let adjacent = self.report.dumps.len() > self.first_dump && open.adjacent;
        if open.raw.running_twice
            && open.dump.kind == Kind::Panic
            && adjacent
            && let Some(previous) = self.report.dumps.last_mut()
            && previous.kind == Kind::Panic
        {
            // What looked like a dump before this one may be the start of this one's value.
            previous.goroutines.append(&mut open.dump.goroutines);
            chain::doubt(previous);
            chain::forget(previous);
            self.last_foreign = open.foreign;
            return;
        }
        self.last_foreign = open.foreign;
        self.report.dumps.push(open.dump);
    }

    fn note(&mut self, line: &'t str) {
        // Tracebacks of a broken stack put such lines among the frames; there they say nothing
        // about what comes next.
        if self.notes.len() < 16 {
            self.notes.push(line);
        }
        self.cursor.skip();
    }

    /// A line that is no part of a dump, or one that opens one in the middle of the line.
    fn other(&mut self, line: &'t str) {
        if let Some(value) = line::recovered_value(line)
            && let Some(count) = self.lines_of_recovered_value()
        {
            let open = self.open(Kind::Recovered);
            open.raw.recovered = Some(value);
            open.raw.recovered_indented = line.starts_with("blackbox: ");
            let mut end = value;
            for number in 0..=count {
                if number > 0 {
                    end = self.cursor.peek().unwrap_or(end);
                }
                self.cursor.skip();
            }
            if let Some(open) = &mut self.open {
                open.raw.recovered = Some(between(self.cursor.text, value, end));
            }
            return;
        }
        self.notes.clear();
        // `log.Printf("%s", debug.Stack())` puts a time before the first line only.
        if line.ends_with("]:")
            && let Some(at) = line.rfind("goroutine ")
            && let Some(header) = line::goroutine_header(&line[at..])
            && self
                .cursor
                .following()
                .next()
                .is_some_and(|next| line::call(next).is_some())
        {
            self.close();
            self.other_line = Some((self.cursor.number, line[..at].trim_end()));
            self.goroutine(&header);
            return;
        }
        self.other_line = Some((self.cursor.number, line));
        if let Some(open) = &mut self.open
            && !open.other_threads
            && !is_register(line)
            && !is_memory(line)
        {
            open.foreign = open.foreign.saturating_add(1);
        }
        self.cursor.skip();
    }

    /// How many further lines a recovered panic's value has, before the stack that was printed with
    /// it; `None` if there is no such stack. Log packages do not indent the value, so that one of its
    /// lines may look like the start of a stack; the stack of a server starts in the server.
    fn lines_of_recovered_value(&self) -> Option<usize> {
        let mut first = None;
        let mut header = false;
        for (number, line) in self.cursor.following().take(LONGEST_VALUE).enumerate() {
            if header
                && let Some((function, _)) = line::call(line)
                && (function.starts_with("net/http.(")
                    || function.starts_with("golang.org/x/net/http2.("))
            {
                return Some(number - 1);
            }
            let running = line::goroutine_header(line).map(|header| header.state == "running");
            header = running == Some(true);
            if let (Some(running), None) = (running, first) {
                first = Some((number, running));
            }
            if line::recovered_value(line).is_some() {
                break;
            }
        }
        first
            .filter(|&(_, running)| running)
            .map(|(number, _)| number)
    }

    fn is_signal(&self, line: &str) -> bool {
        line.starts_with("SIG")
            && line.contains(": ")
            && self
                .cursor
                .following()
                .next()
                .is_some_and(|next| next.starts_with("PC=0x"))
    }

    fn signal(&mut self, line: &'t str) {
        if self.open.as_ref().is_some_and(|open| open.other_threads) {
            // Another thread of the same process, told to print its stack too.
            self.cursor.skip();
            self.cursor.skip();
            return;
        }
        let words = self
            .other_line
            .filter(|(number, _)| number + 1 == self.cursor.number)
            .map(|(_, words)| words);
        self.open(Kind::Signal).dump.signal = Some(line);
        self.cursor.skip();
        let place = self.cursor.peek().unwrap_or("");
        let value = |name: &str| {
            let (_, rest) = place.split_once(name)?;
            rest.split(' ').next()
        };
        let thread = value(" m=").and_then(|thread| thread.parse().ok());
        // Printed without its sign.
        let code = value(" sigcode=")
            .and_then(|code| code.parse::<u64>().ok())
            .map(u64::cast_signed);
        self.cursor.skip();
        let in_c = self
            .cursor
            .peek()
            .filter(|line| *line == "signal arrived during cgo execution");
        if in_c.is_some() {
            self.cursor.skip();
        }
        if let Some(open) = &mut self.open {
            open.raw.thread = thread;
            open.dump.signal_code = code;
            // Who calls abort says why in the line before.
            if line.starts_with("SIGABRT")
                && code == Some(Dump::SENT_BY_ITSELF)
                && let Some(words) = words
            {
                open.dump.notes.push(words);
            }
            open.dump.notes.extend(in_c);
        }
    }

    /// `panic: ` or `fatal error: ` and what belongs to it, up to the stacks.
    fn crash(&mut self) {
        let Some(line) = self.cursor.peek() else {
            return;
        };
        if let Some(text) = line.strip_prefix("fatal error: ") {
            // Two threads may die of the same error at once and print it twice.
            let twice = self.open.as_ref().is_some_and(|open| {
                open.dump.goroutines.is_empty()
                    && open.foreign == 0
                    && open
                        .dump
                        .fatal
                        .as_ref()
                        .is_some_and(|fatal| fatal.text == text)
            });
            if !twice {
                let open = self.open(Kind::Fatal);
                open.dump.fatal = Some(Fatal {
                    text,
                    raised_by: None,
                    during: None,
                });
            }
            self.cursor.skip();
            return;
        }
        self.open(Kind::Panic);
        let mut lines = vec![&line["panic: ".len()..]];
        self.cursor.skip();
        while let Some(line) = self.cursor.peek() {
            if line.starts_with('\t') {
                lines.push(line);
                self.cursor.skip();
                continue;
            }
            if line.starts_with("[signal ") || self.stack_follows() {
                break;
            }
            let count = self.unindented_value();
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if let Some(line) = self.cursor.peek() {
                    lines.push(line);
                    if let Some(open) = &mut self.open {
                        open.raw.header_inside |= line.starts_with("panic: ");
                    }
                }
                self.cursor.skip();
            }
        }
        if let Some(open) = &mut self.open {
            open.raw.header = lines;
        }
    }

    /// Whether the next line starts the stacks: an empty line and a goroutine or runtime stack.
    fn stack_follows(&self) -> bool {
        let mut lines =
            std::iter::once(self.cursor.peek().unwrap_or("")).chain(self.cursor.following());
        let mut line = lines.next().unwrap_or("");
        if line.is_empty() {
            line = lines.next().unwrap_or("");
        }
        line == "runtime stack:" || line::goroutine_header(line).is_some()
    }

    /// How many of the next lines belong to a panic value that Go before 1.23 printed without
    /// indentation: all up to the stacks, if the stacks come before any other header. 0 if none.
    fn unindented_value(&self) -> usize {
        let mut blank = false;
        let mut last = self.cursor.text[..self.cursor.at].trim_end();
        last = last.rsplit('\n').next().unwrap_or(last);
        // `main.step("one`: the value of a named string type ends with its closing quote.
        let open_quote =
            last.starts_with("panic: ") && last.contains("(\"") && !last.ends_with("\")");
        let lines =
            std::iter::once(self.cursor.peek().unwrap_or("")).chain(self.cursor.following());
        for (count, line) in lines.take(LONGEST_VALUE).enumerate() {
            if line.starts_with("[signal ") {
                return count;
            }
            if blank && (line == "runtime stack:" || line::goroutine_header(line).is_some()) {
                // The empty line before the stacks is not the value's.
                return count - 1;
            }
            if open_quote && !blank && line.ends_with("\")") {
                return count + 1;
            }
            let header = blank && line.starts_with("panic: ")
                || line.starts_with("fatal error: ")
                || line.starts_with("exit status ")
                || line == "WARNING: DATA RACE"
                || line == "==================";
            // A line with a date is another writer's.
            if header
                || line
                    .get(..5)
                    .is_some_and(|start| start.starts_with("20") && start.ends_with(['-', '/']))
            {
                return 0;
            }
            blank = line.is_empty();
        }
        0
    }

    fn race(&mut self) {
        let at_line = self.file_line();
        let open = self.open(Kind::Race);
        open.dump.at_line = at_line;
        self.cursor.skip();
        if let Some(open) = &mut self.open {
            race::parse(&mut self.cursor, self.document, &mut open.dump, self.report);
        }
        self.close();
    }

    fn runtime_stack(&mut self) {
        self.cursor.skip();
        let calls = self.calls().calls;
        if let Some(open) = &mut self.open
            && !open.other_threads
        {
            open.runtime_first |= open.dump.goroutines.is_empty();
            open.dump.runtime_stack.get_or_insert(calls);
        }
    }

    fn goroutine(&mut self, header: &line::Header<'t>) {
        let belongs = self.open.as_ref().is_some_and(|open| open.accepts(header));
        if !belongs {
            // An empty line may stand between.
            let number = self.cursor.number;
            let logged = self
                .other_line
                .filter(|(at, _)| number - at <= 2)
                .and_then(|(_, words)| line::logged_panic(words));
            self.open(Kind::Listing).raw.logged = logged.or(self.document.beside());
        }
        let at_line = self.file_line();
        self.cursor.skip();
        let stack = self.calls();
        let last = self.report.calls[stack.calls.start as usize..stack.calls.end as usize]
            .last()
            .map(|call| self.report.frame(call.frame).function);
        let complete =
            stack.created_by.is_some() || stack.unavailable || last.is_some_and(line::ends_stack);
        let goroutine = Goroutine {
            id: header.id,
            state: header.state,
            wait_minutes: header.wait_minutes,
            locked_to_thread: header.locked_to_thread,
            leaked: header.leaked,
            thread: header.thread,
            bubble: header.bubble,
            labels: header.labels,
            calls: stack.calls,
            elided: stack.elided,
            unavailable: stack.unavailable,
            created_by: stack.created_by,
            parent: stack.parent,
            at_line,
            complete,
        };
        let Some(open) = &mut self.open else {
            return;
        };
        open.foreign = 0;
        if !open.ids.insert(header.id) && header.id != 0 {
            // Printed before without its stack, as it was running on another thread: that thread
            // has its turn now, because it died too or was told to print.
            if let Some(known) = open
                .dump
                .goroutines
                .iter_mut()
                .find(|known| known.id == header.id)
                && known.unavailable
            {
                *known = goroutine;
                return;
            }
            if open.other_threads {
                return;
            }
            open.raw.running_twice = true;
        }
        if header.state == "running"
            && !goroutine.calls.is_empty()
            && header.thread.is_none()
            && !open.dump.goroutines.is_empty()
        {
            open.raw.running_twice = true;
        }
        open.dump.goroutines.push(goroutine);
    }

    fn calls(&mut self) -> Stack {
        let start = self.report.calls.len();
        let mut stack = Stack::default();
        while let Some(line) = self.cursor.peek() {
            if let Some((function, arguments)) = line::call(line) {
                self.cursor.skip();
                let (file, number) = self.position();
                let frame = self.report.intern(function, file, number);
                self.report.calls.push(Call { frame, arguments });
                continue;
            }
            if let Some((function, parent)) = line::created_by(line) {
                self.cursor.skip();
                let (file, number) = self.position();
                stack.created_by = Some(self.report.intern(function, file, number));
                stack.parent = parent;
                // Stacks of ancestors (GODEBUG=tracebackancestors) may follow; they belong to
                // other goroutines.
                while let Some(line) = self.cursor.peek()
                    && (line.starts_with("[originating from goroutine ")
                        || stack.ancestors
                            && (line::call(line).is_some()
                                || line::created_by(line).is_some()
                                || line::position(line).is_some()))
                {
                    stack.ancestors = true;
                    self.cursor.skip();
                }
                break;
            }
            if let Some(count) = line::elided(line) {
                stack.elided = Some(count);
            } else if line.starts_with("\tgoroutine running on other thread") {
                stack.unavailable = true;
            } else if line.starts_with("non-Go function at pc=") {
                let frame = self.report.intern("non-Go function", "", 0);
                self.report.calls.push(Call {
                    frame,
                    arguments: &line["non-Go function at ".len()..],
                });
            } else if !(line.starts_with("\tpc=0x")
                || line.starts_with("runtime: ")
                || line.starts_with("\tstack=["))
            {
                break;
            }
            self.cursor.skip();
        }
        let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        stack.calls = index(start)..index(self.report.calls.len());
        stack
    }

    fn position(&mut self) -> (&'t str, u32) {
        if let Some(line) = self.cursor.peek()
            && let Some((file, number)) = line::position(line)
        {
            // Where the text ends in the digits there may have been more of them: the last frame of a
            // stack that is whole was not inlined, and has an offset behind the number.
            let cut = self.cursor.at + line.len() == self.cursor.text.len()
                && line.ends_with(|last: char| last.is_ascii_digit())
                && !line.contains(" +0x");
            self.cursor.skip();
            return (file, if cut { 0 } else { number });
        }
        ("", 0)
    }
}

#[derive(Default)]
struct Stack {
    calls: Range<u32>,
    elided: Option<u32>,
    unavailable: bool,
    created_by: Option<super::FrameId>,
    parent: Option<NonZeroU64>,
    ancestors: bool,
}

impl<'t> Open<'t> {
    /// Whether a goroutine that comes now belongs to this dump.
    fn accepts(&self, header: &line::Header<'t>) -> bool {
        let known = self.ids.contains(&header.id);
        match self.dump.kind {
            _ if self.other_threads => true,
            Kind::Recovered => {
                // blackbox prints the other goroutines behind the one that panicked.
                self.dump.goroutines.is_empty()
                    || !known && header.state != "running" && self.foreign == 0
            }
            Kind::Race => false,
            Kind::Listing | Kind::Stack => {
                !known && header.state != "running" && self.foreign <= LONGEST_INTERRUPTION
            }
            Kind::Panic | Kind::Fatal | Kind::Signal => {
                // The same goroutine again, at once: one of the two stands in a panic value.
                header.id == 0 || self.foreign == 0 || !known && header.state != "running"
            }
        }
    }
}

/// `[signal SIGSEGV: … pc=0x1]` without the brackets and the word.
fn inside_brackets(line: &str) -> &str {
    line.trim_start_matches("[signal ").trim_end_matches(']')
}

/// `rax    0x0`: the registers behind a signal's stacks.
fn is_register(line: &str) -> bool {
    line.split_once(char::is_whitespace)
        .is_some_and(|(name, value)| name.len() <= 6 && value.trim_start().starts_with("0x"))
}

/// What Go prints of the memory of a stack that it cannot unwind: `00007ffc41a03eb0: 00000000 …`, with
/// a heading and marks.
fn is_memory(line: &str) -> bool {
    let address = line
        .bytes()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let mark = line.trim_start();
    address == 16 && line[16..].starts_with(": ")
        || line.starts_with("stack: frame={")
        || line.starts_with("  ")
            && (mark.starts_with("7 6 5 4 ") || mark.starts_with("^ ") || mark == "^")
}

/// The slice of a text from the start of one of its slices to the end of another.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let base = text.as_ptr().addr();
    let start = from.as_ptr().addr() - base;
    let end = to.as_ptr().addr() - base + to.len();
    text.get(start..end).unwrap_or("").trim_end()
}

/// A panic value's lines as one text: the tab that Go puts before each further line is not the
/// value's.
pub(super) fn join<'t>(lines: &[&'t str]) -> Cow<'t, str> {
    match lines {
        [] => Cow::Borrowed(""),
        [line] => Cow::Borrowed(line),
        [first, rest @ ..] => {
            let mut text = (*first).to_owned();
            for line in rest {
                text.push('\n');
                text.push_str(line.strip_prefix('\t').unwrap_or(line));
            }
            Cow::Owned(text)
        }
    }
}
