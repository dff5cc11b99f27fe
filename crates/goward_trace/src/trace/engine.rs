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

use std::sync::Arc;

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
    pub(crate) generation: Arc<Generation>,
    after: After,
    /// Bytes of the file up to the end of the last good generation.
    pub(crate) good_bytes: u64,
    read_bytes: u64,
    cursors: Vec<Cursor>,
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
            generation: Arc::default(),
            after: After::Read,
            good_bytes: 0,
            read_bytes: 16,
            cursors: Vec::new(),
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
    /// What was put into order ahead, while that is handed out.
    beginning: Option<Box<Beginning>>,
    /// How often that was of use, and how often not.
    #[cfg(test)]
    pub(crate) adopted: [usize; 2],
}

impl Engine {
    pub(crate) fn new(source: Source) -> Self {
        Engine {
            source,
            beginning: None,
            #[cfg(test)]
            adopted: [0; 2],
        }
    }

    /// Fills the block, which is empty, with events of one generation. None at the end of the trace;
    /// a failure counts behind those that there are.
    pub(crate) fn fill(&mut self, state: &mut State) {
        self.follow(state);
        while !state.ordering.block.is_full() {
            let result = match state.frontier.heap.first() {
                Some(first) if first.time <= state.next_sample_time => state.take::<false>(),
                _ if state.next_sample < state.generation.cpu_samples.len() => state.take_sample(),
                _ if state.ordering.block.len() > 0 => return,
                _ => match self.next_generation(state) {
                    Ok(true) => {
                        self.follow(state);
                        Ok(())
                    }
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

    /// Hands out events that were put into order ahead.
    fn follow(&mut self, state: &mut State) {
        let Some(beginning) = &mut self.beginning else {
            return;
        };
        let ahead = &mut beginning.0.ordering.ahead;
        let block = &mut state.ordering.block;
        while !block.is_full() {
            if !ahead.give(block) {
                if let Some(beginning) = self.beginning.take() {
                    self.source.give_back(beginning);
                }
                return;
            }
        }
    }

    /// Goes on to the next generation, or to what ends the trace; false behind that.
    #[cold]
    fn next_generation(&mut self, state: &mut State) -> Result<bool, Failure> {
        // What closes the trace comes right behind the last event: any time before that becomes so.
        let last_time = i64::MIN;
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
                let (outcome, beginning) = self.source.next_generation(used);
                let Some(generation) = outcome.generation else {
                    state.after = After::Over(outcome.failure);
                    state.sync(last_time, false);
                    return Ok(true);
                };
                state.read_bytes = outcome.position;
                state.generation = generation;
                state.ordering.start_generation();
                let adopted = beginning.is_some_and(|beginning| self.adopt(state, beginning));
                if !adopted {
                    state.install().map_err(|failure| *failure)?;
                }
                let generation = &state.generation;
                let time = generation.frequency.nanoseconds(generation.smallest_time);
                state.after = match (outcome.failure, outcome.more) {
                    (None, true) => After::Read,
                    (failure, _) => After::Sync(failure),
                };
                state.sync(time, true);
            }
        }
        Ok(true)
    }

    /// Goes on from what was put into order ahead of its turn. False if that was done in vain.
    fn adopt(&mut self, state: &mut State, mut beginning: Box<Beginning>) -> bool {
        let theirs = &mut beginning.0;
        let generation = &state.generation;
        let adopted =
            theirs.failure.is_none() && state.ordering.adopt(&mut theirs.ordering, generation);
        #[cfg(test)]
        {
            self.adopted[usize::from(!adopted)] += 1;
        }
        if !adopted {
            self.source.give_back(beginning);
            return false;
        }
        std::mem::swap(&mut state.cursors, &mut theirs.cursors);
        std::mem::swap(&mut state.frontier, &mut theirs.frontier);
        for cursor in &mut state.cursors {
            // The number was theirs.
            cursor.thread = NO_THREAD;
        }
        state.seek_sample(theirs.next_sample);
        self.beginning = Some(beginning);
        true
    }
}

/// The beginning of a generation that was put into order before its turn, and where that ended.
pub(crate) struct Beginning(State);

impl Default for Beginning {
    fn default() -> Self {
        Beginning(State::new())
    }
}

impl Beginning {
    /// Puts events of a generation into order, until it is asked for. A failure means that this cannot be
    /// done before its turn.
    pub(crate) fn put_into_order(
        &mut self,
        generation: Arc<Generation>,
        is_asked_for: impl Fn() -> bool,
    ) {
        let state = &mut self.0;
        state.failure = None;
        state.frontier.heap.clear();
        state.ordering.start_ahead(&generation);
        state.generation = generation;
        let mut result = state.install();
        while result.is_ok() {
            let Ordering { block, ahead, .. } = &mut state.ordering;
            if block.is_full() {
                ahead.take_block(block);
                if is_asked_for() || ahead.is_full() {
                    break;
                }
            }
            result = match state.frontier.heap.first() {
                Some(first) if first.time <= state.next_sample_time => state.take::<true>(),
                _ if state.next_sample < state.generation.cpu_samples.len() => state.take_sample(),
                _ => break,
            };
        }
        state.failure = result.err();
        state.ordering.end_ahead();
        // So that its memory can be used again.
        state.generation = Arc::default();
    }
}

impl State {
    /// Takes events, at least one.
    fn take<const AHEAD: bool>(&mut self) -> Result<(), Box<Failure>> {
        let taken = match self.take_usual::<AHEAD>()? {
            None => return Ok(()),
            Some(Exit::Unusual) => self.attempt_unusual::<AHEAD>(0)?,
            Some(_) => false,
        };
        if !taken {
            self.attempt_others::<AHEAD>()?;
        }
        Ok(())
    }

    /// Takes events as long as there is nothing unusual about the earliest one. Why it ended, if
    /// that one has to be tried otherwise.
    fn take_usual<const AHEAD: bool>(&mut self) -> Result<Option<Exit>, Box<Failure>> {
        let generation = &*self.generation;
        let known = Known::of(generation);
        let sample_time = self.next_sample_time;
        let block_end = self.ordering.block.end();
        let heap = &mut self.frontier.heap[..];
        loop {
            let Some(&Entry {
                time,
                cursor: number,
            }) = heap.first()
            else {
                return Ok(None);
            };
            if time > sample_time || self.ordering.block.len() >= block_end {
                return Ok(None);
            }
            let limit = frontier::limit(heap).min(sample_time);
            let cursor = &mut self.cursors[number as usize];
            if cursor.thread == NO_THREAD {
                cursor.thread = self.ordering.thread_of(cursor.m, generation);
            }
            let tape = cursor.place.tape(generation);
            let run =
                self.ordering
                    .run::<AHEAD>(tape, cursor.thread, known, time, Bound::Time(limit));
            if run.taken == 0 {
                return Ok(Some(run.exit));
            }
            if run.exit == Exit::Behind {
                cursor.place.stop_behind(run.stand);
                return match self.advance(0, run.time) {
                    Ok(()) => Ok(None),
                    Err(failure) => {
                        self.ordering.block.take_back();
                        Err(failure)
                    }
                };
            }
            if let Err(failure) = cursor.place.stop_at(run.stand, generation) {
                self.ordering.block.take_back();
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
    fn attempt_others<const AHEAD: bool>(&mut self) -> Result<(), Box<Failure>> {
        self.frontier.sort();
        for index in 1..self.frontier.heap.len() {
            if self.attempt::<AHEAD>(index)? {
                return Ok(());
            }
        }
        let frontier = self.describe_frontier();
        Err(Box::new(Failure::new(format!(
            "broken trace: failed to advance: frontier:\n[gen={}]\n\n{}\n{}",
            self.generation.number,
            frontier,
            self.ordering.describe()
        ))))
    }

    /// Tries the next event of the thread at a place of the heap. False if it is not possible yet.
    fn attempt<const AHEAD: bool>(&mut self, index: usize) -> Result<bool, Box<Failure>> {
        let Entry {
            time,
            cursor: number,
        } = self.frontier.heap[index];
        let cursor = &mut self.cursors[number as usize];
        if cursor.thread == NO_THREAD {
            cursor.thread = self.ordering.thread_of(cursor.m, &self.generation);
        }
        let tape = cursor.place.tape(&self.generation);
        let known = Known::of(&self.generation);
        let run = self
            .ordering
            .run::<AHEAD>(tape, cursor.thread, known, time, Bound::One);
        let gone_on = match run.exit {
            Exit::Later => match cursor.place.stop_at(run.stand, &self.generation) {
                Ok(()) => {
                    self.frontier.heap[index].time = run.time;
                    self.frontier.update(index);
                    Ok(())
                }
                Err(failure) => Err(failure),
            },
            Exit::Behind => {
                cursor.place.stop_behind(run.stand);
                self.advance(index, run.time)
            }
            Exit::Unusual => return self.attempt_unusual::<AHEAD>(index),
            Exit::NotYet => return Ok(false),
        };
        if gone_on.is_err() {
            self.ordering.block.take_back();
        }
        gone_on.map(|()| true)
    }

    #[inline(never)]
    fn attempt_unusual<const AHEAD: bool>(&mut self, index: usize) -> Result<bool, Box<Failure>> {
        let State {
            generation,
            frontier,
            ordering,
            ..
        } = self;
        let Entry {
            time,
            cursor: number,
        } = frontier.heap[index];
        let cursor = &mut self.cursors[number as usize];
        let event = cursor.place.event(generation, time);
        let filled = ordering.block.len();
        let happened = if AHEAD {
            ordering.advance_ahead(event, cursor.thread, generation)?
        } else {
            ordering.advance(event, cursor.thread, generation)?
        };
        if !happened {
            return Ok(false);
        }
        if let Err(failure) = self.advance(index, time) {
            self.ordering.block.truncate(filled);
            return Err(failure);
        }
        if !event.sound
            && let Some(event) = self.ordering.block.get(filled)
            && let Err(failure) = numbers::check(event, &self.generation)
        {
            self.ordering.block.truncate(filled);
            return Err(failure);
        }
        if AHEAD {
            self.ordering.note_gaps(filled);
        }
        Ok(true)
    }

    /// Goes to the next event of the thread at a place of the heap, from the time of the present one.
    /// A mistake there hides what the present one gave: the caller takes that back.
    fn advance(&mut self, index: usize, time: i64) -> Result<(), Box<Failure>> {
        let entry = &mut self.frontier.heap[index];
        let place = &mut self.cursors[entry.cursor as usize].place;
        match place.advance(&self.generation, time)? {
            Some(time) => {
                entry.time = time;
                self.frontier.update(index);
            }
            None => self.frontier.remove(index),
        }
        Ok(())
    }

    /// Sets up the cursors of a new generation.
    fn install(&mut self) -> Result<(), Box<Failure>> {
        let generation = &self.generation;
        self.cursors.clear();
        for (lane, &(m, _)) in generation.threads.iter().enumerate() {
            let mut place = Place::new(lane);
            if let Some(time) = place.advance(generation, 0)? {
                self.frontier.insert(Entry {
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
        self.seek_sample(0);
        Ok(())
    }

    fn describe_frontier(&mut self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for entry in &self.frontier.heap {
            let cursor = &mut self.cursors[entry.cursor as usize];
            let event = cursor.place.event(&self.generation, entry.time);
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
