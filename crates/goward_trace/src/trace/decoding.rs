//! Decodes the batches of one thread into events, a chunk at a time.
//!
//! Follows `batchcursor.go` of `$GOROOT/src/internal/trace`. Decoding needs nothing but the
//! generation's bytes, so it may run ahead of the ordering, on another thread too. A mistake in the
//! bytes is kept with the chunk that it ends: it counts only once the reader gets there.

use super::generation::{Batch, Failure, Generation};
use super::numbers::NO_EVENT;
use super::wire::{self, EventType};

/// The most events of a lane's first chunk: many threads have few.
const FIRST_CHUNK: usize = 32;

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

/// An event as chunks hold it: half as large, because a chunk may go from one processor's memory to
/// another's, and that costs more than to unpack it.
#[derive(Clone, Copy, Default)]
struct Packed {
    arguments: [u32; 4],
    /// Nanoseconds since the event before.
    elapsed: u32,
    kind: EventType,
    sound: bool,
    /// Whether something does not fit: all of it then stands among the chunk's wide events, at the
    /// index that is the first argument.
    wide: bool,
}

/// What does not fit a packed event.
#[derive(Clone, Copy)]
struct Wide {
    elapsed: i64,
    arguments: [u64; 4],
}

/// Some events of one thread, in the order of its batches.
#[derive(Default)]
pub(crate) struct Chunk {
    events: Vec<Packed>,
    wide: Vec<Wide>,
    /// How many events count.
    length: usize,
    /// The time before the first event.
    base: i64,
    /// What is wrong behind the last one.
    pub(crate) failure: Option<Box<Failure>>,
    /// Whether the thread has no more events.
    pub(crate) last: bool,
}

impl Chunk {
    /// Leaves nothing but a failure.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.length = 0;
        self.failure = Some(Box::new(failure));
    }

    /// The first event, if there is one.
    pub(crate) fn first(&self) -> Option<Decoded> {
        self.event_after(self.base, 0)
    }

    /// The event at an index, if there is one, from the time of the event before it.
    #[inline(always)]
    pub(crate) fn event_after(&self, before: i64, index: usize) -> Option<Decoded> {
        if index >= self.length {
            return None;
        }
        let packed = &self.events[index];
        let (elapsed, arguments) = if packed.wide {
            let wide = self.wide_event(packed);
            (wide.elapsed, wide.arguments)
        } else {
            (i64::from(packed.elapsed), packed.arguments.map(u64::from))
        };
        Some(Decoded {
            time: before.wrapping_add(elapsed),
            arguments,
            kind: packed.kind,
            sound: packed.sound,
        })
    }

    #[cold]
    fn wide_event(&self, packed: &Packed) -> &Wide {
        &self.wide[packed.arguments[0] as usize]
    }
}

/// Where decoding stands in one thread's batches.
pub(crate) struct Lane {
    /// Which entry of the generation's threads this is.
    list: u32,
    next_batch: u32,
    position: u32,
    end: u32,
    /// The time of the open batch.
    base: i64,
    /// The time of the event before.
    pub(crate) last: i64,
    started: bool,
}

impl Lane {
    pub(crate) fn new(list: usize) -> Self {
        Lane {
            list: list as u32,
            next_batch: 0,
            position: 0,
            end: 0,
            base: 0,
            last: 0,
            started: false,
        }
    }

    /// Decodes the thread's next events, at most `most`. A chunk without events is the last one, or
    /// has a failure.
    pub(crate) fn decode(&mut self, generation: &Generation, chunk: &mut Chunk, most: usize) {
        chunk.length = 0;
        chunk.wide.clear();
        chunk.failure = None;
        chunk.last = self.position == self.end && !self.open_batch(generation);
        if chunk.last {
            return;
        }
        let most = if std::mem::replace(&mut self.started, true) {
            most
        } else {
            FIRST_CHUNK
        };
        // The shortest event has two bytes.
        let room = most.min((self.end - self.position) as usize / 2 + 1);
        if chunk.events.len() < room {
            chunk.events.resize(room, Packed::default());
        }
        let mut position = self.position as usize;
        let end = self.end as usize;
        chunk.base = self.last;
        let mut last = self.last;
        for packed in &mut chunk.events[..room] {
            if position == end {
                break;
            }
            let event = match Raw::read(packed, generation, position, end) {
                Ok(event) => event,
                Err(failure) => {
                    chunk.failure = Some(failure);
                    break;
                }
            };
            let before = last;
            if last == 0 {
                // Go takes a time of zero for 'not set yet'.
                last = self.base;
            }
            // Each difference is converted and rounded by itself: so does Go, and sums would differ.
            last = last.wrapping_add(event.nanoseconds);
            let elapsed = last.wrapping_sub(before);
            packed.elapsed = elapsed as u32;
            packed.wide = (event.bits | elapsed as u64) >> 32 != 0;
            if packed.wide {
                let arguments = wide_arguments(&generation.bytes, position, event.arity);
                packed.arguments[0] = chunk.wide.len() as u32;
                chunk.wide.push(Wide { elapsed, arguments });
            }
            position = event.next;
            chunk.length += 1;
        }
        self.last = last;
        self.position = position as u32;
    }

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
}

/// What reading an event gives beside the packed event.
struct Raw {
    nanoseconds: i64,
    /// All arguments, one over the other: which bits are in use.
    bits: u64,
    arity: u8,
    /// The position behind the event.
    next: usize,
}

impl Raw {
    /// Reads the event at a position, all but its time.
    #[inline(always)]
    fn read(
        packed: &mut Packed,
        generation: &Generation,
        start: usize,
        end: usize,
    ) -> Result<Raw, Box<Failure>> {
        // No event is longer than 51 bytes, and padding follows the last batch. So the bytes are
        // read from a window of fixed size, and only the end is compared with that of the batch.
        let Some(window) = window(&generation.bytes, start) else {
            return Err(bad_varint(" for timestamp"));
        };
        let kind = window[0];
        let shape = &generation.shapes[usize::from(kind)];
        if shape.arity == NO_EVENT {
            return Err(bad_type(kind));
        }
        let (difference, mut offset) = window_varint(window, 1);
        packed.kind = kind;
        packed.arguments = [0; 4];
        let (mut sound, mut bits) = (true, 0);
        for (argument, &limit) in packed
            .arguments
            .iter_mut()
            .zip(&shape.limits)
            .take(usize::from(shape.arity))
        {
            let value;
            (value, offset) = window_varint(window, offset);
            *argument = value as u32;
            bits |= value;
            sound &= value < limit;
        }
        packed.sound = sound;
        if start + offset > end {
            return Err(bad_varint(""));
        }
        Ok(Raw {
            nanoseconds: generation.frequency.nanoseconds(difference),
            bits,
            arity: shape.arity,
            next: start + offset,
        })
    }
}

fn window(bytes: &[u8], start: usize) -> Option<&[u8; PADDING]> {
    bytes.get(start..start + PADDING)?.first_chunk()
}

/// The arguments of an event that was read without a mistake.
#[cold]
fn wide_arguments(bytes: &[u8], start: usize, arity: u8) -> [u64; 4] {
    let mut arguments = [0; 4];
    if let Some(window) = window(bytes, start) {
        let (_, mut offset) = window_varint(window, 1);
        for argument in arguments.iter_mut().take(usize::from(arity)) {
            (*argument, offset) = window_varint(window, offset);
        }
    }
    arguments
}

/// How many bytes may be read behind the end of a batch.
pub(crate) const PADDING: usize = 64;

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
