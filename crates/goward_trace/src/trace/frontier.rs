//! The next event of each thread of a generation, in a heap by time.
//!
//! Follows `batchcursor.go` of `$GOROOT/src/internal/trace`. The heap's steps are Go's: which of two
//! threads with the same time comes first is decided by them, and the order must come out the same.

use super::generation::{Batch, Failure, Frequency, Generation};
use super::wire::{self, EventType};

/// Where the reader stands in one thread's batches, and the event that it reads next.
pub(crate) struct Cursor {
    pub(crate) m: i64,
    /// Index of the thread in the ordering's state, once it was asked for.
    pub(crate) thread: u32,
    pub(crate) kind: EventType,
    pub(crate) arguments: [u64; 4],
    pub(crate) time: i64,
    last: i64,
    /// The time of the open batch.
    base: i64,
    /// Which entry of the generation's threads this is.
    list: u32,
    next_batch: u32,
    position: u32,
    end: u32,
}

/// The number of arguments behind the time for each timed event; 255 for what is not one.
static ARITY: [u8; 256] = arity();

const fn arity() -> [u8; 256] {
    let mut arity = [255; 256];
    let mut index = 0;
    while index < 256 {
        let specification = &wire::SPECIFICATIONS[index];
        if specification.timed {
            arity[index] = specification.arguments.len() as u8 - 1;
        }
        index += 1;
    }
    arity
}

impl Cursor {
    pub(crate) fn new(m: i64, list: usize) -> Self {
        Cursor {
            m,
            thread: u32::MAX,
            kind: 0,
            arguments: [0; 4],
            time: 0,
            last: 0,
            base: 0,
            list: list as u32,
            next_batch: 0,
            position: 0,
            end: 0,
        }
    }

    /// Reads the thread's next event; false at its end.
    #[inline]
    pub(crate) fn advance(&mut self, generation: &Generation) -> Result<bool, Failure> {
        if self.position == self.end && !self.open_batch(generation) {
            return Ok(false);
        }
        self.decode(&generation.bytes, generation.frequency)?;
        Ok(true)
    }

    fn open_batch(&mut self, generation: &Generation) -> bool {
        let batches: &[Batch] = &generation.threads[self.list as usize].1;
        loop {
            let Some(batch) = batches.get(self.next_batch as usize) else { return false };
            self.next_batch += 1;
            if batch.start != batch.end {
                self.position = batch.start;
                self.end = batch.end;
                self.base = generation.frequency.nanoseconds(batch.time);
                self.last = self.base;
                return true;
            }
        }
    }

    #[inline]
    fn decode(&mut self, bytes: &[u8], frequency: Frequency) -> Result<(), Failure> {
        let bytes = &bytes[..self.end as usize];
        let mut position = self.position as usize;
        let kind = bytes[position];
        position += 1;
        let arity = ARITY[usize::from(kind)];
        if arity == 255 {
            return Err(bad_type(kind));
        }
        let Ok(difference) = wire::varint(bytes, &mut position) else {
            return Err(Failure::new("found invalid uvarint for timestamp"));
        };
        for argument in &mut self.arguments[..usize::from(arity)] {
            let Ok(value) = wire::varint(bytes, &mut position) else {
                return Err(Failure::new("found invalid uvarint"));
            };
            *argument = value;
        }
        self.kind = kind;
        if self.last == 0 {
            // Go takes a time of zero for 'not set yet'.
            self.last = self.base;
        }
        // Each difference is converted and rounded by itself: so does Go, and sums would differ.
        self.time = frequency.nanoseconds(difference).wrapping_add(self.last);
        self.last = self.time;
        self.position = position as u32;
        Ok(())
    }
}

#[cold]
fn bad_type(kind: EventType) -> Failure {
    if kind > wire::GOROUTINE_STACK_FREE {
        Failure::new(format!("found invalid event type: {kind}"))
    } else {
        Failure::new(format!("found event without a timestamp: type={kind}"))
    }
}

/// An entry of the heap: a time and the cursor that stands there.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) time: i64,
    pub(crate) cursor: u32,
}

/// A binary heap of cursors, the earliest on top.
#[derive(Default)]
pub(crate) struct Frontier {
    pub(crate) heap: Vec<Entry>,
}

impl Frontier {
    pub(crate) fn insert(&mut self, entry: Entry) {
        self.heap.push(entry);
        self.sift_up(self.heap.len() - 1);
    }

    /// Puts the entry at `index`, whose time has changed, into its place.
    #[inline]
    pub(crate) fn update(&mut self, index: usize) {
        if self.sift_up(index) == index {
            self.sift_down(index);
        }
    }

    pub(crate) fn remove(&mut self, index: usize) {
        let mut index = index;
        while index > 0 {
            self.heap.swap((index - 1) / 2, index);
            index = (index - 1) / 2;
        }
        let last = self.heap.len() - 1;
        self.heap.swap(0, last);
        self.heap.pop();
        self.sift_down(0);
    }

    /// Sorts the whole heap by time; it stays a heap.
    pub(crate) fn sort(&mut self) {
        super::pdqsort::sort_by_key(&mut self.heap, |entry| entry.time);
    }

    #[inline]
    fn sift_up(&mut self, mut index: usize) -> usize {
        while index > 0 && self.heap[(index - 1) / 2].time > self.heap[index].time {
            self.heap.swap((index - 1) / 2, index);
            index = (index - 1) / 2;
        }
        index
    }

    #[inline]
    fn sift_down(&mut self, mut index: usize) {
        let heap = &mut self.heap[..];
        loop {
            let mut smallest = index;
            let mut time = heap.get(index).map_or(i64::MAX, |entry| entry.time);
            let left = 2 * index + 1;
            if let Some(entry) = heap.get(left)
                && entry.time < time
            {
                smallest = left;
                time = entry.time;
            }
            if let Some(entry) = heap.get(left + 1)
                && entry.time < time
            {
                smallest = left + 1;
            }
            if smallest == index {
                return;
            }
            heap.swap(index, smallest);
            index = smallest;
        }
    }
}
