//! Reads a trace: events in order, one at a time.
//!
//! How it works, after `$GOROOT/src/internal/trace/reader.go`:
//!
//! 1. [`super::batches`] collects the batches of a generation, parses its strings, stacks, CPU
//!    samples and clocks; [`super::decoding`] turns the batches into events. With
//!    [`Reader::threaded`] both happen ahead on a second thread ([`super::pipeline`]).
//! 2. Each thread of the traced program gets a cursor into its events; the cursors stand in a heap
//!    by the time of their next event ([`super::frontier`]).
//! 3. The event on top is tried against the state of the scheduler ([`super::ordering`]). If it is
//!    not possible yet, the heap is sorted and the others are tried in order of time. If none is
//!    possible, the trace is broken.
//! 4. Times are made strictly increasing as events leave.
//!
//! A 'sync' event opens each generation and one more closes the trace. Memory is one generation's
//! bytes (two with the second thread) and the state of what is alive, never the whole trace.

use std::io::Read;
use std::sync::Arc;

use super::batches::BatchReader;
use super::decoding::{Chunk, Decoded};
use super::event::{Event, NONE};
use super::frontier::{Cursor, Entry, Frontier};
use super::generation::{Failure, Generation};
use super::numbers;
use super::ordering::{NO_THREAD, Ordering};
use super::pipeline::{SameThread, SecondThread, Source};
use super::wire::{self, Version};

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
    generation: Arc<Generation>,
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
        let batches = BatchReader::new(Box::new(source))?;
        let version = batches.version();
        Ok(Reader::with_source(
            Box::new(SameThread::new(batches)),
            version,
        ))
    }

    /// As [`Reader::new`], with a second thread that reads and decodes ahead.
    pub fn threaded(source: impl Read + Send + 'static) -> Result<Reader, Failure> {
        let batches = BatchReader::new(Box::new(source))?;
        let version = batches.version();
        let thread = SecondThread::start(batches)?;
        Ok(Reader::with_source(Box::new(thread), version))
    }

    fn with_source(source: Box<dyn Source + Send>, version: Version) -> Reader {
        Reader {
            source,
            version,
            generation: Arc::default(),
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
            Ok(true) => Ok(Some(&self.ordering.queue.current)),
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
        loop {
            match self.step() {
                Ok(true) => count += 1,
                Ok(false) => return Ok(count),
                Err(failure) => return Err(self.stop(*failure)),
            }
        }
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

    #[inline(always)]
    fn step(&mut self) -> Result<bool, Box<Failure>> {
        if self.ordering.queue.has_more() {
            self.ordering.queue.take();
        } else if !self.fill()? {
            return Ok(false);
        }
        let event = &mut self.ordering.queue.current;
        if event.time <= self.last_time {
            event.time = self.last_time.wrapping_add(1);
        }
        self.last_time = event.time;
        Ok(true)
    }

    /// The last event that [`Reader::next_event`] gave.
    #[inline]
    pub fn current(&self) -> &Event {
        &self.ordering.queue.current
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
        self.ordering.queue.current = Event {
            time,
            arguments,
            ..Event::default()
        };
        true
    }

    /// Finds the next event; false at the end.
    #[inline(always)]
    fn fill(&mut self) -> Result<bool, Box<Failure>> {
        match self.frontier.heap.first() {
            Some(first) if first.time <= self.next_sample_time => {
                if !self.attempt(0)? {
                    self.advance_any()?;
                }
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
        self.ordering.queue.current = Event {
            time: sample.time,
            m: sample.m,
            p: sample.p,
            g: sample.g,
            arguments: [sample.stack, 0, 0, 0],
            kind: wire::CPU_SAMPLE,
        };
        // Go's reader does not check the number, and stumbles over it when its user asks for the
        // stack.
        numbers::check(&self.ordering.queue.current, &self.generation)?;
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
            if self.attempt_later(index)? {
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

    #[inline(never)]
    fn attempt_later(&mut self, index: usize) -> Result<bool, Box<Failure>> {
        self.attempt(index)
    }

    /// Tries the next event of the thread at a place of the heap.
    #[inline(always)]
    fn attempt(&mut self, index: usize) -> Result<bool, Box<Failure>> {
        let Some(entry) = self.frontier.heap.get_mut(index) else {
            return Ok(false);
        };
        let cursor = &mut self.cursors[entry.cursor as usize];
        if cursor.thread == NO_THREAD {
            cursor.thread = self.ordering.thread_of(cursor.m, &self.generation);
        }
        let (thread, sound) = (cursor.thread, cursor.event.sound);
        if !self
            .ordering
            .advance_usual(&cursor.event, thread, &self.generation)
            && !self
                .ordering
                .advance(cursor.event, thread, &self.generation)?
        {
            return Ok(false);
        }
        cursor.index += 1;
        match cursor.chunk.event_after(cursor.event.time, cursor.index) {
            Some(event) => {
                cursor.event = event;
                entry.time = event.time;
                self.frontier.update(index);
            }
            // A mistake in the thread's next event hides this one, as it does in Go.
            None if refill(cursor, &mut *self.source, &self.generation)? => {
                entry.time = cursor.event.time;
                self.frontier.update(index);
            }
            None => self.frontier.remove(index),
        }
        if !sound {
            numbers::check(&self.ordering.queue.current, &self.generation)?;
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
                let supply = self.source.next_generation(used);
                let Some(generation) = supply.generation else {
                    self.after = After::Over(supply.failure);
                    return Ok(self.sync(self.last_time, false));
                };
                self.read_bytes = supply.position;
                self.generation = generation;
                let time = self.install()?;
                self.after = match (supply.failure, supply.more) {
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
        let mut used: Vec<Chunk> = self.cursors.drain(..).map(|cursor| cursor.chunk).collect();
        for (lane, &(m, _)) in generation.threads.iter().enumerate() {
            let mut cursor = Cursor {
                m,
                thread: NO_THREAD,
                lane: lane as u32,
                chunk: used.pop().unwrap_or_default(),
                event: Decoded::default(),
                index: 0,
            };
            if fill_chunk(&mut cursor, &mut *self.source, generation).map_err(|failure| *failure)? {
                self.frontier.insert(Entry {
                    time: cursor.event.time,
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
            let event = &cursor.event;
            let specification = &wire::SPECIFICATIONS[usize::from(event.kind)];
            let _ = write!(
                text,
                "M {} [{} time={}",
                cursor.m, specification.name, event.time
            );
            for (name, value) in specification.arguments.iter().skip(1).zip(event.arguments) {
                let _ = write!(text, " {name}={value}");
            }
            text.push_str("]\n");
        }
        text
    }
}

/// Gets the next chunk of a thread whose last one is used up, and its first event; false if there is
/// none.
#[cold]
#[inline(never)]
fn refill(
    cursor: &mut Cursor,
    source: &mut dyn Source,
    generation: &Generation,
) -> Result<bool, Box<Failure>> {
    if let Some(failure) = cursor.chunk.failure.take() {
        return Err(failure);
    }
    if cursor.chunk.last {
        return Ok(false);
    }
    fill_chunk(cursor, source, generation)
}

/// As [`refill`], for a thread that had no chunk yet.
fn fill_chunk(
    cursor: &mut Cursor,
    source: &mut dyn Source,
    generation: &Generation,
) -> Result<bool, Box<Failure>> {
    source.refill(cursor.lane, generation, &mut cursor.chunk);
    cursor.index = 0;
    match cursor.chunk.first() {
        Some(event) => {
            cursor.event = event;
            Ok(true)
        }
        None => match cursor.chunk.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(false),
        },
    }
}

const _: () = assert!(NONE == -1, "events show 'none' as -1, as Go does");
