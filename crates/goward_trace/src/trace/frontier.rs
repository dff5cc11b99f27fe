//! The next event of each thread of a generation, in a heap by time.
//!
//! The heap's steps are Go's: which of two threads with the same time comes first is decided by
//! them, and the order must come out the same.

use super::decoding::{Chunk, Decoded};

/// Where the reader stands in one thread's events.
pub(crate) struct Cursor {
    pub(crate) m: i64,
    /// Index of the thread in the ordering's state, once it was asked for.
    pub(crate) thread: u32,
    /// Which lane of the generation its events come from.
    pub(crate) lane: u32,
    pub(crate) chunk: Chunk,
    /// Its next event.
    pub(crate) event: Decoded,
    /// Where that is in the chunk.
    pub(crate) index: usize,
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
