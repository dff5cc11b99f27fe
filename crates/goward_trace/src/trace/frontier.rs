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
    #[inline(always)]
    pub(crate) fn advance(&mut self, generation: &Generation) -> Result<bool, Box<Failure>> {
        if self.position == self.end && !self.open_batch(generation) {
            return Ok(false);
        }
        self.decode(&generation.bytes, &generation.frequency)?;
        Ok(true)
    }

    #[inline(never)]
    fn open_batch(&mut self, generation: &Generation) -> bool {
        let batches: &[Batch] = &generation.threads[self.list as usize].1;
        loop {
            let Some(batch) = batches.get(self.next_batch as usize) else {
                return false;
            };
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
    fn decode(&mut self, bytes: &[u8], frequency: &Frequency) -> Result<(), Box<Failure>> {
        let start = self.position as usize;
        // No event is longer than 51 bytes, and padding follows the last batch. So the bytes are
        // read from a window of fixed size, and only the end is compared with that of the batch.
        let Some(window) = bytes
            .get(start..start + PADDING)
            .and_then(|window| window.first_chunk::<PADDING>())
        else {
            return Err(bad_varint(" for timestamp"));
        };
        let kind = window[0];
        let arity = ARITY[usize::from(kind)];
        if arity == 255 {
            return Err(bad_type(kind));
        }
        let (difference, mut offset) = window_varint(window, 1);
        let nanoseconds = frequency.nanoseconds(difference);
        for argument in &mut self.arguments[..usize::from(arity)] {
            (*argument, offset) = window_varint(window, offset);
        }
        if start + offset > self.end as usize {
            return Err(bad_varint(""));
        }
        self.kind = kind;
        if self.last == 0 {
            // Go takes a time of zero for 'not set yet'.
            self.last = self.base;
        }
        // Each difference is converted and rounded by itself: so does Go, and sums would differ.
        self.time = nanoseconds.wrapping_add(self.last);
        self.last = self.time;
        self.position = (start + offset) as u32;
        Ok(())
    }
}

/// How many bytes may be read behind the end of a batch.
pub(crate) const PADDING: usize = 64;

/// An offset in a window that no good event reaches; it makes the whole event fail.
const BAD_OFFSET: usize = usize::MAX / 2;

/// Reads a variable-length integer at an offset of a window, and gives it with the offset behind it;
/// [`BAD_OFFSET`] for one that does not fit 64 bits.
#[inline]
fn window_varint(window: &[u8; PADDING], offset: usize) -> (u64, usize) {
    let first = window[offset % PADDING];
    if first < 0x80 {
        return (u64::from(first), offset.wrapping_add(1));
    }
    let Some(word) = window
        .get(offset..)
        .and_then(|rest| rest.first_chunk::<8>())
    else {
        return slow_window_varint(window, offset);
    };
    let word = u64::from_le_bytes(*word);
    // The first byte without its top bit ends the integer.
    let stop = !word & 0x8080_8080_8080_8080;
    if stop == 0 {
        return slow_window_varint(window, offset);
    }
    let kept = word & (stop ^ (stop - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
    let pairs = (kept & 0x007f_007f_007f_007f) | ((kept & 0x7f00_7f00_7f00_7f00) >> 1);
    let quads = (pairs & 0x0000_3fff_0000_3fff) | ((pairs & 0x3fff_0000_3fff_0000) >> 2);
    let value = (quads & 0x0fff_ffff) | ((quads & 0x0fff_ffff_0000_0000) >> 4);
    (value, offset + (stop.trailing_zeros() as usize >> 3) + 1)
}

#[cold]
fn slow_window_varint(window: &[u8; PADDING], offset: usize) -> (u64, usize) {
    let mut position = offset;
    match wire::varint(window, &mut position) {
        Ok(value) => (value, position),
        Err(_) => (0, BAD_OFFSET),
    }
}

#[cold]
fn bad_type(kind: EventType) -> Box<Failure> {
    Box::new(if kind > wire::GOROUTINE_STACK_FREE {
        Failure::new(format!("found invalid event type: {kind}"))
    } else {
        Failure::new(format!("found event without a timestamp: type={kind}"))
    })
}

#[cold]
fn bad_varint(what: &str) -> Box<Failure> {
    Box::new(Failure::new(format!("found invalid uvarint{what}")))
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
    pub(crate) fn sift_down(&mut self, mut index: usize) {
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
