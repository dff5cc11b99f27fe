//! Reads a trace: events in order, one at a time.
//!
//! How it works, after `$GOROOT/src/internal/trace/reader.go`:
//!
//! 1. [`super::batches`] collects the batches of a generation, parses its strings, stacks, CPU
//!    samples and clocks; with [`Reader::threaded`] ahead, on a second thread ([`super::source`]).
//! 2. [`super::engine`] puts the events of all threads into order, a block of them at a time
//!    ([`super::block`]). They stay bytes until their turn has come ([`super::bytes`]). The second thread
//!    does so with the beginning of the next generation, before the state there is known.
//! 3. The reader hands them out one by one.
//!
//! A 'sync' event opens each generation and one more closes the trace. Memory is one generation's
//! bytes and the state of what is alive, never the whole trace; with the second thread the bytes of
//! two generations, two states, and 30 MiB of events at most.

use std::io::Read;

use super::batches::BatchReader;
use super::engine::{Engine, State};
use super::event::{Event, NONE};
use super::generation::{Failure, Generation};
use super::source::{SecondThread, Source};
use super::wire::{self, Version};

/// A trace that is being read.
pub struct Reader {
    engine: Engine,
    version: Version,
    state: State,
}

impl Reader {
    /// Opens a trace and reads its header. Everything happens on the caller's thread.
    pub fn new(source: impl Read + Send + 'static) -> Result<Reader, Failure> {
        let batches = BatchReader::new(Box::new(source))?;
        let version = batches.version();
        Ok(Reader::with_source(Source::SameThread(batches), version))
    }

    /// As [`Reader::new`], with a second thread that reads ahead and puts events into order. What comes
    /// of it is the same.
    pub fn threaded(source: impl Read + Send + 'static) -> Result<Reader, Failure> {
        let batches = BatchReader::new(Box::new(source))?;
        let version = batches.version();
        let thread = SecondThread::start(batches)?;
        Ok(Reader::with_source(Source::SecondThread(thread), version))
    }

    fn with_source(source: Source, version: Version) -> Reader {
        Reader {
            engine: Engine::new(source),
            version,
            state: State::new(),
        }
    }

    /// The version in the file's header.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The generation that the last event belongs to: its strings, stacks and clocks.
    pub fn generation(&self) -> &Generation {
        &self.state.generation
    }

    /// Bytes of the file up to the end of the last generation that was read without a mistake.
    pub fn good_bytes(&self) -> u64 {
        self.state.good_bytes
    }

    /// The name of the task that a [`wire::USER_TASK_END`] event ends.
    pub fn ended_task_name(&self, event: &Event) -> &[u8] {
        match event.arguments[3] {
            0 => b"",
            number => self.state.ordering.names.text(number as u32 - 1),
        }
    }

    /// The next event; nothing at the end of the trace. After a failure nothing follows.
    // Not `#[inline]`: then it would be compiled again in crates that are built for size.
    ///
    /// # Errors
    ///
    /// If the trace is broken there.
    pub fn next_event(&mut self) -> Result<Option<&Event>, Failure> {
        Ok(if self.step()? {
            Some(self.current())
        } else {
            None
        })
    }

    /// Reads to the end and counts the events.
    ///
    /// # Errors
    ///
    /// As for [`Reader::next_event`].
    pub fn count_events(&mut self) -> Result<u64, Failure> {
        let mut count = 0;
        while self.step()? {
            count += 1;
        }
        Ok(count)
    }

    /// Goes to the next event; false at the end.
    #[inline(always)]
    fn step(&mut self) -> Result<bool, Failure> {
        if self.state.ordering.block.take() {
            return Ok(true);
        }
        self.step_on()
    }

    /// As [`Reader::step`], where all events of the block are taken.
    #[inline(never)]
    fn step_on(&mut self) -> Result<bool, Failure> {
        if self.state.failure.is_none() {
            self.state.ordering.block.clear();
            self.engine.fill(&mut self.state);
            if self.state.ordering.block.take() {
                return Ok(true);
            }
        }
        match self.state.failure.take() {
            Some(failure) => Err(*failure),
            None => Ok(false),
        }
    }

    /// The last event that [`Reader::next_event`] gave.
    #[inline]
    pub fn current(&self) -> &Event {
        self.state.ordering.block.current()
    }

    /// Fails if the generation has batches of an experiment that is not known: Go's reader takes them
    /// in, and breaks down when its user asks for the generation's clocks.
    pub(super) fn check_experiments(&self) -> Result<(), Failure> {
        match self
            .state
            .generation
            .experiments
            .iter()
            .find(|&&number| usize::from(number) >= wire::EXPERIMENTS.len())
        {
            Some(number) => Err(Failure::new(format!("unknown experiment {number}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

const _: () = assert!(NONE == -1, "events show 'none' as -1, as Go does");
