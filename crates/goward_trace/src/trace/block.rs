//! The events that wait to be handed out: the ordering puts them here in one go, and the reader gives
//! them to its user one by one.

use super::event::Event;

/// How many events a block has room for. All of them fit the nearest cache beside the rest.
const SIZE: usize = 128;

/// The most events that one step of the ordering gives: those of a coroutine switch.
const GROUP: usize = 3;

/// Events in order, with their final times.
pub(crate) struct Block {
    events: Box<[Event; SIZE]>,
    filled: usize,
    taken: usize,
    /// The time of the event before the next one.
    last_time: i64,
}

impl Default for Block {
    fn default() -> Self {
        Block {
            events: Box::new([Event::default(); SIZE]),
            filled: 0,
            taken: 0,
            last_time: 0,
        }
    }
}

impl Block {
    /// Takes the next event; false if there is none.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> bool {
        if self.taken == self.filled {
            return false;
        }
        self.taken += 1;
        true
    }

    /// The event that was taken last.
    #[inline(always)]
    pub(crate) fn current(&self) -> &Event {
        &self.events[self.taken.wrapping_sub(1) % SIZE]
    }

    /// Makes room. All events must have been taken.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
        self.taken = 0;
    }

    /// Whether there may be no room for what one more step gives.
    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.filled > SIZE - GROUP
    }

    /// With how many events the block is full.
    pub(crate) fn end(&self) -> usize {
        SIZE - GROUP + 1
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> usize {
        self.filled
    }

    /// The event at an index.
    pub(crate) fn get(&self, index: usize) -> Option<&Event> {
        self.events[..self.filled].get(index)
    }

    /// All events.
    pub(crate) fn events(&self) -> &[Event] {
        &self.events[..self.filled]
    }

    /// Takes back all events from an index on.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.filled = self.filled.min(length);
    }

    /// Takes back the last event, if there is one.
    #[cold]
    pub(crate) fn take_back(&mut self) {
        self.filled = self.filled.saturating_sub(1);
    }

    /// The time of the last event of all.
    pub(crate) fn last_time(&self) -> i64 {
        self.last_time
    }

    /// Room for more events, to be filled from the beginning; then follows [`Block::add`].
    pub(crate) fn rooms(&mut self) -> &mut [Event] {
        self.events
            .get_mut(self.filled..=SIZE - GROUP)
            .unwrap_or_default()
    }

    /// Says how many events were put into the rooms, and the time of the last one.
    pub(crate) fn add(&mut self, count: usize, last_time: i64) {
        self.filled += count;
        self.last_time = last_time;
    }

    /// Adds an event. One that would not be later than the one before it becomes so.
    #[inline(always)]
    pub(crate) fn push(&mut self, event: Event) {
        let mut time = event.time;
        if time <= self.last_time {
            time = self.last_time.wrapping_add(1);
        }
        self.last_time = time;
        self.events[self.filled % SIZE] = Event { time, ..event };
        self.filled += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_grow_and_what_is_hidden_does_not_come() {
        let mut block = Block::default();
        let mut times = Vec::new();
        for time in [5, 3, 6, 6, 9, 7, 20] {
            let event = Event {
                time,
                ..Event::default()
            };
            block.push(event);
        }
        block.truncate(6);
        while block.take() {
            times.push(block.current().time);
        }
        assert_eq!(times, [5, 6, 7, 8, 9, 10]);
        assert!(!block.take());
        block.clear();
        assert!(!block.take());
    }
}
