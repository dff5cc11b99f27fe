//! Reads a trace: events in order, one at a time.
//!
//! How it works, after `$GOROOT/src/internal/trace/reader.go`:
//!
//! 1. [`super::batches`] collects the batches of a generation, parses its strings, stacks, CPU
//!    samples and clocks. With [`Reader::threaded`] that happens on a second thread, one generation
//!    ahead.
//! 2. Each thread of the traced program gets a cursor into its batches; the cursors stand in a heap
//!    by the time of their next event ([`super::frontier`]).
//! 3. The event on top is tried against the state of the scheduler ([`super::ordering`]). If it is
//!    not possible yet, the heap is sorted and the others are tried in order of time. If none is
//!    possible, the trace is broken.
//! 4. Times are made strictly increasing as events leave.
//!
//! A 'sync' event opens each generation and one more closes the trace. Memory is one generation's
//! bytes (two with the second thread) and the state of what is alive, never the whole trace.

use std::io::Read;
use std::sync::mpsc;

use super::batches::{BatchReader, Outcome};
use super::event::{Event, NONE};
use super::frontier::{Cursor, Entry, Frontier};
use super::generation::{Failure, Generation};
use super::ordering::Ordering;
use super::wire::{self, Version};

/// Where generations come from.
trait Source {
    fn next(&mut self, used: Box<Generation>) -> Outcome;
}

impl<R: Read> Source for BatchReader<R> {
    fn next(&mut self, used: Box<Generation>) -> Outcome {
        self.next_generation(used)
    }
}

/// Generations that another thread reads ahead.
struct ReadAhead {
    outcomes: mpsc::Receiver<Outcome>,
    used: mpsc::Sender<Box<Generation>>,
}

impl Source for ReadAhead {
    fn next(&mut self, used: Box<Generation>) -> Outcome {
        // The other thread may have ended already; then nobody wants the memory.
        let _ = self.used.send(used);
        self.outcomes.recv().unwrap_or_else(|_| Outcome {
            generation: None,
            failure: Some(Failure::new("the reading thread ended early")),
            position: 0,
            more: false,
        })
    }
}

/// What comes once the present generation is exhausted.
enum After {
    Read,
    Sync(Option<Failure>),
    Over(Option<Failure>),
}

/// A trace that is being read.
pub struct Reader {
    source: Box<dyn Source + Send>,
    version: Version,
    generation: Box<Generation>,
    after: After,
    /// Bytes of the file up to the end of the last good generation.
    good_bytes: u64,
    read_bytes: u64,
    cursors: Vec<Cursor>,
    frontier: Frontier,
    next_sample: usize,
    /// The time of that sample, or the largest if there is none.
    next_sample_time: i64,
    ordering: Ordering,
    last_time: i64,
    syncs: u64,
}

impl Reader {
    /// Opens a trace and reads its header. Everything happens on the caller's thread.
    pub fn new(source: impl Read + Send + 'static) -> Result<Reader, Failure> {
        let batches = BatchReader::new(source)?;
        let version = batches.version();
        Ok(Reader::with_source(Box::new(batches), version))
    }

    /// As [`Reader::new`], with a second thread that reads one generation ahead.
    pub fn threaded(source: impl Read + Send + 'static) -> Result<Reader, Failure> {
        let mut batches = BatchReader::new(source)?;
        let version = batches.version();
        let (outcome_sender, outcomes) = mpsc::sync_channel(1);
        let (used, used_receiver) = mpsc::channel::<Box<Generation>>();
        std::thread::Builder::new()
            .name("trace reader".to_owned())
            .spawn(move || {
                loop {
                    let memory = used_receiver.try_recv().unwrap_or_default();
                    let outcome = batches.next_generation(memory);
                    let over =
                        outcome.generation.is_none() || outcome.failure.is_some() || !outcome.more;
                    if outcome_sender.send(outcome).is_err() || over {
                        return;
                    }
                }
            })
            .map_err(|error| Failure::new(format!("cannot start the reading thread: {error}")))?;
        Ok(Reader::with_source(
            Box::new(ReadAhead { outcomes, used }),
            version,
        ))
    }

    fn with_source(source: Box<dyn Source + Send>, version: Version) -> Reader {
        Reader {
            source,
            version,
            generation: Box::default(),
            after: After::Read,
            good_bytes: 0,
            read_bytes: 16,
            cursors: Vec::new(),
            frontier: Frontier::default(),
            next_sample: 0,
            next_sample_time: i64::MAX,
            ordering: Ordering::new(),
            last_time: 0,
            syncs: 0,
        }
    }

    /// The version in the file's header.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The generation that the last event belongs to: its strings, stacks and clocks.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// Bytes of the file up to the end of the last generation that was read without a mistake.
    pub fn good_bytes(&self) -> u64 {
        self.good_bytes
    }

    /// The name of the task that a [`wire::USER_TASK_END`] event ends.
    pub fn ended_task_name(&self, event: &Event) -> &[u8] {
        match event.arguments[3] {
            0 => b"",
            number => self.ordering.names.text(number as u32 - 1),
        }
    }

    /// The next event; nothing at the end of the trace. After a failure nothing follows.
    // Not `#[inline]`: then it would be compiled again in crates that are built for size.
    ///
    /// # Errors
    ///
    /// If the trace is broken there.
    pub fn next_event(&mut self) -> Result<Option<&Event>, Failure> {
        match self.step() {
            Ok(true) => Ok(Some(self.ordering.queue.current())),
            Ok(false) => Ok(None),
            Err(failure) => Err(self.stop(*failure)),
        }
    }

    /// Reads to the end and counts the events.
    ///
    /// # Errors
    ///
    /// As for [`Reader::next_event`].
    pub fn count_events(&mut self) -> Result<u64, Failure> {
        let mut count = 0;
        while self.next_event()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Ends the reading after a failure.
    #[cold]
    fn stop(&mut self, failure: Failure) -> Failure {
        self.after = After::Over(None);
        self.frontier.heap.clear();
        self.next_sample = usize::MAX;
        self.next_sample_time = i64::MAX;
        failure
    }

    #[inline]
    fn step(&mut self) -> Result<bool, Box<Failure>> {
        if self.ordering.queue.is_empty() {
            if !self.fill()? {
                return Ok(false);
            }
        } else {
            self.ordering.queue.take();
        }
        let event = self.ordering.queue.current_mut();
        let checks = &CHECKS[usize::from(event.kind)];
        // Without a jump that depends on the kind of the event: there is no guessing what comes next.
        let stack = event.arguments[usize::from(checks.stack % 4)] & checks.stack_mask;
        let string = event.arguments[usize::from(checks.string % 4)] & checks.string_mask;
        if checks.more | !self.generation.surely_has(stack, string) {
            check_numbers(event, checks.all, &self.generation)?;
        }
        if event.time <= self.last_time {
            event.time = self.last_time.wrapping_add(1);
        }
        self.last_time = event.time;
        Ok(true)
    }

    /// The last event that [`Reader::next_event`] gave.
    #[inline]
    pub fn current(&self) -> &Event {
        self.ordering.queue.current()
    }

    /// Fails if the generation has batches of an experiment that is not known: Go's reader takes them
    /// in, and breaks down when its user asks for the generation's clocks.
    pub(super) fn check_experiments(&self) -> Result<(), Failure> {
        match self
            .generation
            .experiments
            .iter()
            .find(|&&number| usize::from(number) >= wire::EXPERIMENTS.len())
        {
            Some(number) => Err(Failure::new(format!("unknown experiment {number}"))),
            None => Ok(()),
        }
    }

    fn sync(&mut self, time: i64, opens_generation: bool) -> bool {
        self.syncs += 1;
        let arguments = [self.syncs, u64::from(opens_generation), 0, 0];
        self.ordering.queue.set(Event {
            time,
            arguments,
            ..Event::default()
        });
        true
    }

    /// Finds the next event and takes it from the queue; false at the end.
    #[inline]
    fn fill(&mut self) -> Result<bool, Box<Failure>> {
        match self.frontier.heap.first() {
            Some(first) if first.time <= self.next_sample_time => {
                if !self.try_first()? {
                    self.advance_any()?;
                }
                self.ordering.queue.take();
                Ok(true)
            }
            _ => self.take_sample(),
        }
    }

    /// The next CPU sample, or the next generation if there is none.
    #[cold]
    fn take_sample(&mut self) -> Result<bool, Box<Failure>> {
        let Some(sample) = self.generation.cpu_samples.get(self.next_sample) else {
            return self.next_generation().map_err(Box::new);
        };
        self.ordering.queue.set(Event {
            time: sample.time,
            m: sample.m,
            p: sample.p,
            g: sample.g,
            arguments: [sample.stack, 0, 0, 0],
            kind: wire::CPU_SAMPLE,
        });
        self.seek_sample(self.next_sample + 1);
        Ok(true)
    }

    fn seek_sample(&mut self, number: usize) {
        self.next_sample = number;
        // A time that no sample has: it is what does not fit a floating-point number.
        self.next_sample_time = self
            .generation
            .cpu_samples
            .get(number)
            .map_or(i64::MAX, |sample| sample.time);
    }

    /// The way of the rare case: the earliest event is not possible yet, try the others in order.
    #[cold]
    fn advance_any(&mut self) -> Result<(), Box<Failure>> {
        self.frontier.sort();
        for index in 1..self.frontier.heap.len() {
            if self.try_advance(index)? {
                return Ok(());
            }
        }
        Err(Box::new(Failure::new(format!(
            "broken trace: failed to advance: frontier:\n[gen={}]\n\n{}\n{}",
            self.generation.number,
            self.describe_frontier(),
            self.ordering.describe()
        ))))
    }

    /// As [`Reader::try_advance`], for the top of the heap, which nearly always succeeds.
    #[inline]
    fn try_first(&mut self) -> Result<bool, Box<Failure>> {
        let Some(entry) = self.frontier.heap.first_mut() else {
            return Ok(false);
        };
        let cursor = &mut self.cursors[entry.cursor as usize];
        if !self.ordering.advance(cursor, &self.generation)? {
            return Ok(false);
        }
        if cursor.advance(&self.generation)? {
            entry.time = cursor.time;
            self.frontier.sift_down(0);
        } else {
            self.frontier.remove(0);
        }
        Ok(true)
    }

    #[cold]
    fn try_advance(&mut self, index: usize) -> Result<bool, Box<Failure>> {
        let Some(entry) = self.frontier.heap.get_mut(index) else {
            return Ok(false);
        };
        let cursor = &mut self.cursors[entry.cursor as usize];
        if !self.ordering.advance(cursor, &self.generation)? {
            return Ok(false);
        }
        // A mistake in the thread's next event hides this one, as it does in Go.
        if cursor.advance(&self.generation)? {
            entry.time = cursor.time;
            self.frontier.update(index);
        } else {
            self.frontier.remove(index);
        }
        Ok(true)
    }

    fn next_generation(&mut self) -> Result<bool, Failure> {
        match std::mem::replace(&mut self.after, After::Over(None)) {
            After::Over(None | Some(Failure::End)) => Ok(false),
            After::Over(Some(failure)) => Err(failure),
            After::Sync(failure) => {
                self.after = After::Over(failure);
                self.good_bytes = self.read_bytes;
                Ok(self.sync(self.last_time, false))
            }
            After::Read => {
                self.good_bytes = self.read_bytes;
                let used = std::mem::take(&mut self.generation);
                let outcome = self.source.next(used);
                let Some(generation) = outcome.generation else {
                    self.after = After::Over(outcome.failure);
                    return Ok(self.sync(self.last_time, false));
                };
                self.read_bytes = outcome.position;
                self.generation = generation;
                let time = self.install()?;
                self.after = match (outcome.failure, outcome.more) {
                    (None, true) => After::Read,
                    (failure, _) => After::Sync(failure),
                };
                Ok(self.sync(time, true))
            }
        }
    }

    /// Sets up the cursors of a new generation and returns its first time.
    fn install(&mut self) -> Result<i64, Failure> {
        let generation = &self.generation;
        self.ordering.start_generation();
        self.cursors.clear();
        for (index, &(m, _)) in generation.threads.iter().enumerate() {
            let mut cursor = Cursor::new(m, index);
            if cursor.advance(generation).map_err(|failure| *failure)? {
                self.frontier.insert(Entry {
                    time: cursor.time,
                    cursor: self.cursors.len() as u32,
                });
                self.cursors.push(cursor);
            }
        }
        let time = generation.frequency.nanoseconds(generation.smallest_time);
        self.seek_sample(0);
        Ok(time)
    }

    fn describe_frontier(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for entry in &self.frontier.heap {
            let cursor = &self.cursors[entry.cursor as usize];
            let specification = &wire::SPECIFICATIONS[usize::from(cursor.kind)];
            let _ = write!(
                text,
                "M {} [{} time={}",
                cursor.m, specification.name, cursor.time
            );
            for (name, value) in specification.arguments.iter().skip(1).zip(cursor.arguments) {
                let _ = write!(text, " {name}={value}");
            }
            text.push_str("]\n");
        }
        text
    }
}

/// Which arguments of a kind of event are stack and string numbers.
#[derive(Clone, Copy)]
struct Checks {
    /// Position of the first stack number, and all ones if there is one.
    stack: u8,
    stack_mask: u64,
    /// Position of the first string number, and all ones if there is one.
    string: u8,
    string_mask: u64,
    /// Whether there is a second of either.
    more: bool,
    /// All positions: of stacks in the low four bits, of strings in the high four.
    all: u8,
}

/// By kind. The stack of a CPU sample is checked where Go would stumble over it.
static CHECKS: [Checks; 256] = checks();

const fn checks() -> [Checks; 256] {
    let mut checks = [Checks {
        stack: 0,
        stack_mask: 0,
        string: 0,
        string_mask: 0,
        more: false,
        all: 0,
    }; 256];
    let mut kind = 0;
    while kind < 256 {
        let specification = &wire::SPECIFICATIONS[kind];
        let entry = &mut checks[kind];
        if specification.stacks[0] != 255 {
            entry.stack = specification.stacks[0];
            entry.stack_mask = u64::MAX;
            entry.all |= 1 << specification.stacks[0];
        }
        if specification.strings[0] != 255 {
            entry.string = specification.strings[0];
            entry.string_mask = u64::MAX;
            entry.all |= 16 << specification.strings[0];
        }
        if specification.stacks[1] != 255 {
            entry.more = true;
            entry.all |= 1 << specification.stacks[1];
        }
        if specification.strings[1] != 255 {
            entry.more = true;
            entry.all |= 16 << specification.strings[1];
        }
        kind += 1;
    }
    checks
}

/// Checks that the event's strings and stacks are in the generation's tables.
#[inline(never)]
fn check_numbers(event: &Event, checks: u8, generation: &Generation) -> Result<(), Box<Failure>> {
    let mut left = checks;
    while left != 0 {
        let position = left.trailing_zeros() as usize;
        left &= left - 1;
        let id = event.arguments[position % 4];
        let known = if position < 4 {
            generation.has_stack(id)
        } else {
            generation.has_string(id)
        };
        if !known {
            return Err(bad_number(
                if position < 4 { "stack" } else { "string" },
                id,
                event.kind,
            ));
        }
    }
    Ok(())
}

#[cold]
fn bad_number(what: &str, id: u64, kind: wire::EventType) -> Box<Failure> {
    let event = wire::SPECIFICATIONS[usize::from(kind)].name;
    Box::new(Failure::new(format!(
        "found invalid {what} ID {id} for event {event}"
    )))
}

const _: () = assert!(NONE == -1, "events show 'none' as -1, as Go does");
