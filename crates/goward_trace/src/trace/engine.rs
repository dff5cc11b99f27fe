//! Puts the events of all threads into order: the loop around [`super::ordering`].
//!
//! 1. Each thread of the traced program gets a cursor into its events; the cursors stand in a heap
//!    by the time of their next event ([`super::frontier`]).
//! 2. The event on top is tried against the state of the scheduler, and those behind it of the same
//!    thread, as long as that stays on top. If the event is not possible yet, the heap is sorted and
//!    the others are tried in order of time. If none is possible, the trace is broken.
//! 3. Times are made strictly increasing as events leave ([`super::block`]).
//!
//! A mistake in a thread's next event hides the one before it, as in Go's reader: so an event counts
//! only once the one behind it is known to be good.

use super::bytes::Place;
use super::event::Event;
use super::frontier::{self, Cursor, Entry, Frontier};
use super::generation::{Failure, Generation};
use super::numbers;
use super::ordering::{Bound, Exit, Known, NO_THREAD, Ordering};
use super::source::Source;
use super::wire;

/// What comes once the present generation is exhausted.
enum After {
    Read,
    Sync(Option<Failure>),
    Over(Option<Failure>),
}

/// How far the trace was read, and what is known of it.
pub(crate) struct State {
    pub(crate) generation: Box<Generation>,
    after: After,
    /// Bytes of the file up to the end of the last good generation.
    pub(crate) good_bytes: u64,
    read_bytes: u64,
    frontier: Frontier,
    next_sample: usize,
    /// The time of that sample, or the largest if there is none.
    next_sample_time: i64,
    pub(crate) ordering: Ordering,
    syncs: u64,
    /// What comes behind the events of the block.
    pub(crate) failure: Option<Box<Failure>>,
}

impl State {
    pub(crate) fn new() -> Self {
        State {
            generation: Box::default(),
            after: After::Read,
            good_bytes: 0,
            read_bytes: 16,
            frontier: Frontier::default(),
            next_sample: 0,
            next_sample_time: i64::MAX,
            ordering: Ordering::new(),
            syncs: 0,
            failure: None,
        }
    }

    fn sync(&mut self, time: i64, opens_generation: bool) {
        self.syncs += 1;
        let arguments = [self.syncs, u64::from(opens_generation), 0, 0];
        self.ordering.block.push(Event {
            time,
            arguments,
            ..Event::default()
        });
    }

    fn take_sample(&mut self) -> Result<(), Box<Failure>> {
        let Some(sample) = self.generation.cpu_samples.get(self.next_sample) else {
            return Ok(());
        };
        let event = Event {
            time: sample.time,
            m: sample.m,
            p: sample.p,
            g: sample.g,
            arguments: [sample.stack, 0, 0, 0],
            kind: wire::CPU_SAMPLE,
        };
        // Go's reader does not check the number, and stumbles over it when its user asks for the
        // stack.
        numbers::check(&event, &self.generation)?;
        self.ordering.block.push(event);
        self.seek_sample(self.next_sample + 1);
        Ok(())
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
}

/// The loop around the ordering.
pub(crate) struct Engine {
    source: Source,
    cursors: Vec<Cursor>,
}

impl Engine {
    pub(crate) fn new(source: Source) -> Self {
        Engine {
            source,
            cursors: Vec::new(),
        }
    }

    /// Fills the block, which is empty, with events of one generation. None at the end of the trace;
    /// a failure counts behind those that there are.
    pub(crate) fn fill(&mut self, state: &mut State) {
        while !state.ordering.block.is_full() {
            let result = match state.frontier.heap.first() {
                Some(first) if first.time <= state.next_sample_time => self.take(state),
                _ if state.next_sample < state.generation.cpu_samples.len() => state.take_sample(),
                _ if state.ordering.block.len() > 0 => return,
                _ => match self.next_generation(state) {
                    Ok(true) => Ok(()),
                    Ok(false) => return,
                    Err(failure) => Err(Box::new(failure)),
                },
            };
            if let Err(failure) = result {
                // Nothing follows.
                state.failure = Some(failure);
                state.after = After::Over(None);
                state.frontier.heap.clear();
                state.next_sample = usize::MAX;
                state.next_sample_time = i64::MAX;
                return;
            }
        }
    }

    /// Takes events, at least one.
    fn take(&mut self, state: &mut State) -> Result<(), Box<Failure>> {
        let taken = match self.take_usual(state)? {
            None => return Ok(()),
            Some(Exit::Unusual) => self.attempt_unusual(state, 0)?,
            Some(_) => false,
        };
        if !taken {
            self.attempt_others(state)?;
        }
        Ok(())
    }

    /// Takes events as long as there is nothing unusual about the earliest one. Why it ended, if
    /// that one has to be tried otherwise.
    fn take_usual(&mut self, state: &mut State) -> Result<Option<Exit>, Box<Failure>> {
        let generation = &*state.generation;
        let known = Known::of(generation);
        let sample_time = state.next_sample_time;
        let block_end = state.ordering.block.end();
        let heap = &mut state.frontier.heap[..];
        loop {
            let Some(&Entry { time, cursor }) = heap.first() else {
                return Ok(None);
            };
            if time > sample_time || state.ordering.block.len() >= block_end {
                return Ok(None);
            }
            let limit = frontier::limit(heap).min(sample_time);
            let cursor = &mut self.cursors[cursor as usize];
            if cursor.thread == NO_THREAD {
                cursor.thread = state.ordering.thread_of(cursor.m, generation);
            }
            let before = state.ordering.block.len();
            let tape = cursor.place.tape(generation);
            let run = state
                .ordering
                .run(tape, cursor.thread, known, time, Bound::Time(limit));
            let after = state.ordering.block.len();
            if run.exit == Exit::Behind {
                cursor.place.stop_behind(run.stand);
                return self.advance(state, 0, run.time, after - 1).map(|()| None);
            }
            if after == before {
                return Ok(Some(run.exit));
            }
            if let Err(failure) = cursor.place.stop_at(run.stand, generation) {
                state.ordering.block.truncate(after - 1);
                return Err(failure);
            }
            heap[0].time = run.time;
            if run.exit != Exit::Later {
                return Ok(Some(run.exit));
            }
            frontier::sift_down(heap, 0);
        }
    }

    /// The way of the rare case: the earliest event is not possible yet, try the others in order.
    #[cold]
    fn attempt_others(&mut self, state: &mut State) -> Result<(), Box<Failure>> {
        state.frontier.sort();
        for index in 1..state.frontier.heap.len() {
            if self.attempt(state, index)? {
                return Ok(());
            }
        }
        Err(Box::new(Failure::new(format!(
            "broken trace: failed to advance: frontier:\n[gen={}]\n\n{}\n{}",
            state.generation.number,
            self.describe_frontier(state),
            state.ordering.describe()
        ))))
    }

    /// Tries the next event of the thread at a place of the heap. False if it is not possible yet.
    fn attempt(&mut self, state: &mut State, index: usize) -> Result<bool, Box<Failure>> {
        let Entry { time, cursor } = state.frontier.heap[index];
        let cursor = &mut self.cursors[cursor as usize];
        if cursor.thread == NO_THREAD {
            cursor.thread = state.ordering.thread_of(cursor.m, &state.generation);
        }
        let before = state.ordering.block.len();
        let tape = cursor.place.tape(&state.generation);
        let known = Known::of(&state.generation);
        let run = state
            .ordering
            .run(tape, cursor.thread, known, time, Bound::One);
        match run.exit {
            Exit::Later => {
                if let Err(failure) = cursor.place.stop_at(run.stand, &state.generation) {
                    state.ordering.block.truncate(before);
                    return Err(failure);
                }
                state.frontier.heap[index].time = run.time;
                state.frontier.update(index);
                Ok(true)
            }
            Exit::Behind => {
                cursor.place.stop_behind(run.stand);
                self.advance(state, index, run.time, before).map(|()| true)
            }
            Exit::Unusual => self.attempt_unusual(state, index),
            Exit::NotYet => Ok(false),
        }
    }

    #[inline(never)]
    fn attempt_unusual(&mut self, state: &mut State, index: usize) -> Result<bool, Box<Failure>> {
        let State {
            generation,
            frontier,
            ordering,
            ..
        } = state;
        let Entry { time, cursor } = frontier.heap[index];
        let cursor = &mut self.cursors[cursor as usize];
        let event = cursor.place.event(generation, time);
        let filled = ordering.block.len();
        if !ordering.advance(event, cursor.thread, generation)? {
            return Ok(false);
        }
        self.advance(state, index, time, filled)?;
        if !event.sound
            && let Some(event) = state.ordering.block.get(filled)
            && let Err(failure) = numbers::check(event, &state.generation)
        {
            state.ordering.block.truncate(filled);
            return Err(failure);
        }
        Ok(true)
    }

    /// Goes to the next event of the thread at a place of the heap, from the time of the present one.
    /// A mistake there hides what the present one gave: all that stands in the block from `hidden` on.
    fn advance(
        &mut self,
        state: &mut State,
        index: usize,
        time: i64,
        hidden: usize,
    ) -> Result<(), Box<Failure>> {
        let entry = &mut state.frontier.heap[index];
        let place = &mut self.cursors[entry.cursor as usize].place;
        match place.advance(&state.generation, time) {
            Ok(Some(time)) => {
                entry.time = time;
                state.frontier.update(index);
            }
            Ok(None) => state.frontier.remove(index),
            Err(failure) => {
                state.ordering.block.truncate(hidden);
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Goes on to the next generation, or to what ends the trace; false behind that.
    #[cold]
    fn next_generation(&mut self, state: &mut State) -> Result<bool, Failure> {
        let last_time = state.ordering.block.last_time();
        match std::mem::replace(&mut state.after, After::Over(None)) {
            After::Over(None | Some(Failure::End)) => return Ok(false),
            After::Over(Some(failure)) => return Err(failure),
            After::Sync(failure) => {
                state.after = After::Over(failure);
                state.good_bytes = state.read_bytes;
                state.sync(last_time, false);
            }
            After::Read => {
                state.good_bytes = state.read_bytes;
                let used = std::mem::take(&mut state.generation);
                let outcome = self.source.next_generation(used);
                let Some(generation) = outcome.generation else {
                    state.after = After::Over(outcome.failure);
                    state.sync(last_time, false);
                    return Ok(true);
                };
                state.read_bytes = outcome.position;
                state.generation = generation;
                let time = self.install(state).map_err(|failure| *failure)?;
                state.after = match (outcome.failure, outcome.more) {
                    (None, true) => After::Read,
                    (failure, _) => After::Sync(failure),
                };
                state.sync(time, true);
            }
        }
        Ok(true)
    }

    /// Sets up the cursors of a new generation and returns its first time.
    fn install(&mut self, state: &mut State) -> Result<i64, Box<Failure>> {
        let generation = &state.generation;
        state.ordering.start_generation();
        self.cursors.clear();
        for (lane, &(m, _)) in generation.threads.iter().enumerate() {
            let mut place = Place::new(lane);
            if let Some(time) = place.advance(generation, 0)? {
                state.frontier.insert(Entry {
                    time,
                    cursor: self.cursors.len() as u32,
                });
                self.cursors.push(Cursor {
                    m,
                    thread: NO_THREAD,
                    place,
                });
            }
        }
        let time = generation.frequency.nanoseconds(generation.smallest_time);
        state.seek_sample(0);
        Ok(time)
    }

    fn describe_frontier(&mut self, state: &State) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for entry in &state.frontier.heap {
            let cursor = &mut self.cursors[entry.cursor as usize];
            let event = cursor.place.event(&state.generation, entry.time);
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
