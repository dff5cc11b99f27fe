//! Decodes one event by itself, whatever it looks like. [`super::bytes`] has the quick way for those
//! that are as usual.

use super::generation::{Failure, Generation};
use super::numbers::NO_EVENT;
use super::wire::{self, EventType};

/// One event as it stands in its batch, with its time.
#[derive(Clone, Copy, Default)]
pub(crate) struct Decoded {
    /// Nanoseconds.
    pub(crate) time: i64,
    /// Those on the wire without the time; zero behind them.
    pub(crate) arguments: [u64; 4],
    pub(crate) kind: EventType,
    /// Whether the numbers of its strings and stacks are surely in the generation's tables
    /// ([`super::numbers`]).
    pub(crate) sound: bool,
}

/// An event that was read.
pub(crate) struct Whole {
    kind: EventType,
    pub(crate) arguments: [u64; 4],
    sound: bool,
    /// Where the arguments begin, from the event's beginning.
    pub(crate) arguments_at: usize,
    /// Since the event before.
    pub(crate) nanoseconds: i64,
    /// The position behind the event.
    pub(crate) next: usize,
}

impl Whole {
    /// Reads the event at a position of a batch with this end.
    pub(crate) fn read(
        generation: &Generation,
        start: usize,
        end: usize,
    ) -> Result<Whole, Box<Failure>> {
        // No event is longer than 51 bytes, and padding follows the last batch. So the bytes are
        // read from a window of fixed size, and only the end is compared with that of the batch.
        let Some(window) = generation
            .bytes
            .get(start..)
            .and_then(|bytes| bytes.first_chunk())
        else {
            return Err(bad_varint(" for timestamp"));
        };
        let kind = window[0];
        let shape = &generation.shapes[usize::from(kind)];
        if shape.arity == NO_EVENT {
            return Err(bad_type(kind));
        }
        let (difference, arguments_at) = window_varint(window, 1);
        let mut offset = arguments_at;
        let mut arguments = [0; 4];
        let mut sound = true;
        for (argument, &limit) in arguments
            .iter_mut()
            .zip(&shape.limits)
            .take(usize::from(shape.arity))
        {
            (*argument, offset) = window_varint(window, offset);
            sound &= *argument < limit;
        }
        if start + offset > end {
            return Err(bad_varint(""));
        }
        Ok(Whole {
            kind,
            arguments,
            sound,
            arguments_at,
            nanoseconds: generation.frequency.nanoseconds(difference),
            next: start + offset,
        })
    }

    pub(crate) fn decoded(&self, time: i64) -> Decoded {
        Decoded {
            time,
            arguments: self.arguments,
            kind: self.kind,
            sound: self.sound,
        }
    }
}

/// How many bytes may be read behind the end of a batch.
pub(crate) const PADDING: usize = 128;

/// An offset in a window that no good event reaches; it makes the whole event fail.
const BAD_OFFSET: usize = usize::MAX / 2;

/// Reads a variable-length integer at an offset of a window, and gives it with the offset behind it;
/// [`BAD_OFFSET`] for one that does not fit 64 bits.
#[inline(always)]
fn window_varint(window: &[u8; PADDING], offset: usize) -> (u64, usize) {
    let byte = |index: usize| u64::from(window[offset.wrapping_add(index) % PADDING]);
    let first = byte(0);
    if first < 0x80 {
        return (first, offset.wrapping_add(1));
    }
    let second = byte(1);
    if second < 0x80 {
        return (first ^ 0x80 | second << 7, offset.wrapping_add(2));
    }
    let third = byte(2);
    if third < 0x80 {
        let value = first ^ 0x80 | (second ^ 0x80) << 7 | third << 14;
        return (value, offset.wrapping_add(3));
    }
    long_window_varint(window, offset)
}

#[inline(never)]
fn long_window_varint(window: &[u8; PADDING], offset: usize) -> (u64, usize) {
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
