//! The next event of each thread of a generation, in a heap by time.
//!
//! The heap's steps are Go's: which of two threads with the same time comes first is decided by
//! them, and the order must come out the same.

use super::bytes::Place;

/// Where the reader stands in one thread's events.
pub(crate) struct Cursor {
    pub(crate) m: i64,
    /// Index of the thread in the ordering's state, once it was asked for.
    pub(crate) thread: u32,
    /// Where its next event is.
    pub(crate) place: Place,
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
            sift_down(&mut self.heap, index);
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
        sift_down(&mut self.heap, 0);
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
}

/// The time up to which the first entry of a heap stays the first.
#[inline(always)]
pub(crate) fn limit(heap: &[Entry]) -> i64 {
    match heap {
        [_, left, right, ..] => left.time.min(right.time),
        [_, left] => left.time,
        _ => i64::MAX,
    }
}

/// Moves an entry of a heap down, past the smaller of two that are both smaller; past the left one
/// of two that are equal.
#[inline(always)]
pub(crate) fn sift_down(heap: &mut [Entry], index: usize) {
    let Some(&entry) = heap.get(index) else {
        return;
    };
    let mut index = index;
    loop {
        let mut child = 2 * index + 1;
        let Some(mut least) = heap.get(child).copied() else {
            break;
        };
        if let Some(&right) = heap.get(child + 1)
            && right.time < least.time
        {
            (child, least) = (child + 1, right);
        }
        if least.time >= entry.time {
            break;
        }
        heap[index] = least;
        index = child;
    }
    heap[index] = entry;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Go's steps: swap with the smaller child as long as that is smaller.
    fn sift_down_by_swaps(heap: &mut [Entry], mut index: usize) {
        loop {
            let mut least = index;
            for child in [2 * index + 1, 2 * index + 2] {
                if child < heap.len() && heap[child].time < heap[least].time {
                    least = child;
                }
            }
            if least == index {
                return;
            }
            heap.swap(index, least);
            index = least;
        }
    }

    /// Where times are equal, too, the order must be the one that Go's steps give.
    #[test]
    fn entries_move_as_they_do_in_go() {
        let mut random = 88_172_645_463_325_252u64;
        let mut frontier = Frontier::default();
        for cursor in 0..40 {
            frontier.insert(Entry { time: 0, cursor });
        }
        for step in 0..10_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let limit = limit(&frontier.heap);
            let heap = &mut frontier.heap[..1 + step % 40];
            heap[0].time += (random >> 11) as i64 % 4;
            let stays = heap[0].time <= limit;
            let first = heap[0].cursor;
            let mut model = heap.to_vec();
            sift_down_by_swaps(&mut model, 0);
            sift_down(heap, 0);
            let cursors =
                |heap: &[Entry]| -> Vec<u32> { heap.iter().map(|entry| entry.cursor).collect() };
            assert_eq!(cursors(heap), cursors(&model));
            assert!(!stays || heap[0].cursor == first);
        }
    }
}
