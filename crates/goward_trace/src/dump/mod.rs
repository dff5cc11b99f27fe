//! Reader of what Go prints when it dies: crash dumps, goroutine listings, race reports.
//!
//! Reading goes in four steps, one file each:
//!
//! 1. [`unwrap`] takes the dump out of what carried it: container and system logs put a prefix on
//!    each line, structured logs put the whole dump into one JSON string. What comes out are
//!    [`Document`]s, whose lines are as Go printed them.
//! 2. `parse` walks the lines of a document and cuts it into dumps: headers, goroutines, frames.
//! 3. `chain` puts the panics of the header and the frames of the stack together. The header names
//!    panics oldest first, the stack shows them newest first, and each older panic is a frame
//!    named `panic`. Where the two do not agree the answer is *unknown*, never a guess.
//! 4. [`cluster`], [`wait`] and [`access`] answer what a reader asks next: which goroutines are
//!    alike, what each waits for and who could wake it, who may be the other side of a concurrent
//!    map access.
//!
//! A dump of 100,000 goroutines has few different frames, so frames are stored once in a table
//! and a stack is a range of indices into one flat vector; texts are slices of the document.

pub mod access;
mod chain;
pub mod cluster;
mod json_fields;
mod line;
mod parse;
mod prefix;
mod race;
mod sieve;
pub mod unwrap;
pub mod wait;
mod whitespace;

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::ops::Range;

use rustc_hash::FxHashMap;

pub use chain::under_way;
pub use sieve::Sieve;
pub use unwrap::{Document, documents};

/// Index into [`Report::frames`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct FrameId(pub u32);

/// One function at one line. The same frame on many stacks is stored once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'t> {
    /// The function as Go prints it, such as `main.(*cache).add`, without its arguments.
    pub function: &'t str,
    /// The file, absolute or (built with `-trimpath`) relative to the module; empty if the dump
    /// was cut before it.
    pub file: &'t str,
    /// The line, 0 if the dump was cut before it.
    pub line: u32,
    /// Whether the frame is one of the runtime's own: they are in the way of the frame that a
    /// reader asks for. Functions of other packages that live in the runtime's files (such as
    /// `sync.fatal`) count as the runtime's.
    pub runtime: bool,
}

/// A frame on one stack, with the arguments as printed between the parentheses.
#[derive(Clone, Copy, Debug)]
pub struct Call<'t> {
    /// Which frame.
    pub frame: FrameId,
    /// Such as `0xc000012345, {0x75dcdd?, 0x1e?}`, or `...` for a frame that was inlined.
    pub arguments: &'t str,
}

/// One goroutine of a dump.
#[derive(Clone, Debug)]
pub struct Goroutine<'t> {
    /// The goroutine's number; 0 is the scheduler's own stack of a thread.
    pub id: u64,
    /// The state or what it waits for, such as `running` or `chan receive`.
    pub state: &'t str,
    /// For how long it has been blocked, in minutes (Go prints none below one minute).
    pub wait_minutes: Option<u32>,
    /// Whether it is locked to its thread.
    pub locked_to_thread: bool,
    /// Whether Go 1.26's leak detector marked it.
    pub leaked: bool,
    /// The thread that runs it, where the dump says so.
    pub thread: Option<i32>,
    /// The number of its synctest bubble.
    pub bubble: Option<u32>,
    /// The labels as printed (`labels:{…}`).
    pub labels: Option<&'t str>,
    /// Its stack, newest frame first: a range of [`Report::calls`].
    pub calls: Range<u32>,
    /// How many frames Go left out in the middle.
    pub elided: Option<u32>,
    /// Whether Go could not print the stack because another thread was running it.
    pub unavailable: bool,
    /// Where it was created.
    pub created_by: Option<FrameId>,
    /// Who created it, where the dump says so (Go 1.21 and later).
    pub parent: Option<NonZeroU64>,
    /// Line of the file at which it starts, from 1.
    pub at_line: u32,
    /// Whether the stack has its last frame: false where the dump may have been cut in it.
    pub complete: bool,
}

/// What made Go print the dump.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A panic that nobody recovered.
    Panic,
    /// A fatal error of the runtime, which cannot be recovered.
    Fatal,
    /// A signal: SIGQUIT, SIGABRT, a fault outside Go code.
    Signal,
    /// A panic that was recovered and logged with its stack, as net/http does.
    Recovered,
    /// One goroutine's stack, printed by the program.
    Stack,
    /// Many goroutines without a header, as `debug=2` of net/http/pprof gives.
    Listing,
    /// A report of the race detector.
    Race,
}

impl Kind {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Panic => "panic",
            Kind::Fatal => "fatal",
            Kind::Signal => "signal",
            Kind::Recovered => "recovered",
            Kind::Stack => "stack",
            Kind::Listing => "listing",
            Kind::Race => "race",
        }
    }
}

/// One panic of the chain.
#[derive(Clone, Debug, Default)]
pub struct Panic<'t> {
    /// The value as printed; `None` where only the stack shows that there was a panic.
    pub text: Option<Cow<'t, str>>,
    /// Whether the header says that it was recovered (and a later panic followed).
    pub recovered: bool,
    /// Whether the header says that the same value was raised again.
    pub repanicked: bool,
    /// The frame that raised it; `None` where the dump cannot tell.
    pub raised_by: Option<FrameId>,
    /// The deferred call that was running when it was raised; `None` if none was, or if the dump
    /// cannot tell.
    pub during: Option<FrameId>,
    /// The frame that raised the same value again, last one first known.
    pub raised_again_by: Option<FrameId>,
    /// Why [`Panic::raised_by`] is unknown, for a reader.
    pub unknown: Option<&'static str>,
}

/// A fatal error.
#[derive(Clone, Debug)]
pub struct Fatal<'t> {
    /// The text after `fatal error: `.
    pub text: &'t str,
    /// The frame of the program that was running, where the error is the doing of one.
    pub raised_by: Option<FrameId>,
    /// The deferred call that was running, if a panic was under way or the goroutine was ending.
    pub during: Option<FrameId>,
}

/// One access of a race report.
#[derive(Clone, Debug)]
pub struct Access<'t> {
    /// `Read`, `Write`, `Atomic write` and so on, as printed, without `Previous`.
    pub operation: &'t str,
    /// The address as printed.
    pub address: &'t str,
    /// Index into [`Dump::goroutines`].
    pub goroutine: usize,
    /// Whether it came first.
    pub previous: bool,
}

/// One dump.
#[derive(Clone, Debug)]
pub struct Dump<'t> {
    /// What made Go print it.
    pub kind: Kind,
    /// Line of the file at which it starts, from 1.
    pub at_line: u32,
    /// The panics, oldest first.
    pub panics: Vec<Panic<'t>>,
    /// Index of the original panic; `None` if there was none or the dump cannot tell.
    pub original: Option<usize>,
    /// The fatal error that ended the program.
    pub fatal: Option<Fatal<'t>>,
    /// The signal, such as `SIGQUIT: quit` or `SIGSEGV: segmentation violation code=0x1 …`.
    pub signal: Option<&'t str>,
    /// How the signal came about (`si_code` of Linux).
    pub signal_code: Option<i64>,
    /// What the runtime printed before the header (`runtime: …`).
    pub notes: Vec<&'t str>,
    /// The stack of the runtime itself, newest frame first: a range of [`Report::calls`].
    pub runtime_stack: Option<Range<u32>>,
    /// The goroutines in the order of the dump.
    pub goroutines: Vec<Goroutine<'t>>,
    /// Index of the goroutine that the header is about.
    pub crashed: Option<usize>,
    /// The two sides of a race report.
    pub accesses: Vec<Access<'t>>,
    /// What in the dump contradicts itself, for a reader.
    pub doubts: Vec<&'static str>,
}

impl Dump<'_> {
    /// The [`Dump::signal_code`] of a signal that a thread of the process sent, as abort does.
    pub const SENT_BY_ITSELF: i64 = -6;

    /// Whether the signal came while C code was running.
    pub fn in_c_code(&self) -> bool {
        self.notes.contains(&"signal arrived during cgo execution")
    }
}

/// Everything read from one file.
#[derive(Clone, Debug, Default)]
pub struct Report<'t> {
    /// The dumps in the order of the file.
    pub dumps: Vec<Dump<'t>>,
    /// Every frame, once.
    pub frames: Vec<Frame<'t>>,
    /// The stacks of all goroutines, one after the other.
    pub calls: Vec<Call<'t>>,
    index: FxHashMap<(&'t str, &'t str, u32), FrameId>,
    /// For each frame what it says about waiting.
    roles: Vec<wait::Role>,
    /// The frame that was asked for last.
    latest: FrameId,
    /// For each frame the one that was asked for after it.
    followers: Vec<FrameId>,
}

impl<'t> Report<'t> {
    /// The frame of an id.
    pub fn frame(&self, id: FrameId) -> &Frame<'t> {
        &self.frames[id.0 as usize]
    }

    fn role(&self, id: FrameId) -> wait::Role {
        self.roles[id.0 as usize]
    }

    /// The stack of a goroutine, newest frame first.
    pub fn stack(&self, goroutine: &Goroutine<'t>) -> &[Call<'t>] {
        &self.calls[goroutine.calls.start as usize..goroutine.calls.end as usize]
    }

    /// The first frame of a stack that belongs to the program itself: neither to the runtime nor
    /// to the standard library. That is where its author looks first.
    pub fn own_frame(&self, stack: &[Call<'t>]) -> Option<FrameId> {
        stack.iter().map(|call| call.frame).find(|&id| {
            let frame = self.frame(id);
            // What cgo writes to call C is nobody's own.
            !frame.is_standard() && frame.file != "_cgo_gotypes.go"
        })
    }

    fn intern(&mut self, function: &'t str, file: &'t str, line: u32) -> FrameId {
        // Stacks are alike: most often the frame is the one that followed the same frame before.
        let before = self.latest.0 as usize;
        if let Some(&guess) = self.followers.get(before)
            && let Some(frame) = self.frames.get(guess.0 as usize)
            && frame.line == line
            && frame.function == function
            && frame.file == file
        {
            self.latest = guess;
            return guess;
        }
        let next = FrameId(u32::try_from(self.frames.len()).unwrap_or(u32::MAX));
        let id = *self.index.entry((function, file, line)).or_insert_with(|| {
            let mut frame = Frame {
                function,
                file,
                line,
                runtime: false,
            };
            frame.runtime = frame.lies_in_runtime();
            self.roles.push(wait::Role::of(&frame));
            self.frames.push(frame);
            self.followers.push(FrameId(0));
            next
        });
        if let Some(follower) = self.followers.get_mut(before) {
            *follower = id;
        }
        self.latest = id;
        id
    }
}

impl Frame<'_> {
    /// The import path of the function's package, such as `net/http` for
    /// `net/http.(*conn).serve`.
    pub fn package(&self) -> &str {
        // The linker escapes dots of the last path element (`gopkg.in/yaml%2ev3`), so that the
        // first dot behind the last slash is the border.
        let start = self
            .function
            .find(['[', '('])
            .unwrap_or(self.function.len());
        let slash = self.function[..start].rfind('/').map_or(0, |at| at + 1);
        let dot = self.function[slash..]
            .find('.')
            .map_or(self.function.len(), |at| slash + at);
        &self.function[..dot]
    }

    /// The function without its package, such as `(*conn).serve`.
    pub fn short_function(&self) -> &str {
        let package = self.package().len();
        self.function.get(package + 1..).unwrap_or(self.function)
    }

    fn lies_in_runtime(&self) -> bool {
        let package = self.package();
        self.function == "panic"
            || package == "runtime"
            || package.starts_with("internal/runtime/")
            // The runtime's, lent to them; their file says so, but it may be cut off.
            || matches!(self.function, "sync.fatal" | "sync.throw" | "internal/sync.fatal" | "internal/sync.throw")
            || self
                .file
                .rsplit_once('/')
                .is_some_and(|(folder, _)| folder == "runtime" || folder.ends_with("/src/runtime"))
    }

    /// Whether the frame belongs to the standard library. Its import paths have no dot in their
    /// first element; a program's main package is `main`. A file that is known and does not lie
    /// in a GOROOT (`…/src/net/http/server.go`, or `net/http/server.go` with `-trimpath`) makes
    /// it a package of the program.
    pub fn is_standard(&self) -> bool {
        if self.runtime {
            return true;
        }
        let package = self.package();
        let first = package.split('/').next().unwrap_or(package);
        if package == "main" || first.contains('.') {
            return false;
        }
        let folder = self.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        folder == package
            || folder
                .strip_suffix(package)
                .is_some_and(|root| root.ends_with("/src/"))
    }
}

/// Reads every dump of a file's documents.
pub fn read<'t>(documents: &'t [Document<'_>]) -> Report<'t> {
    let mut report = Report::default();
    for document in documents {
        parse::parse(document, &mut report);
    }
    report.dumps.sort_by_key(|dump| dump.at_line);
    report
}
