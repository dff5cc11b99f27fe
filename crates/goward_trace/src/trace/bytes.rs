//! One thread's events as they stand in its batches: bytes that are decoded one event at a time.
//!
//! Follows `batchcursor.go` of `$GOROOT/src/internal/trace`.

use super::decoding::{Decoded, PADDING, Whole};
use super::generation::{Failure, Frequency, Generation};
use super::wire::EventType;

/// Where a tape stands.
#[derive(Clone, Copy)]
pub(crate) struct Stand {
    /// On an event, or behind the one that was taken last.
    position: usize,
    /// Where the event's arguments begin, from its beginning.
    offset: usize,
}

/// A place among the bytes of one thread's batches: on one of its events, which is known to be good.
pub(crate) struct Place {
    lane: u32,
    next_batch: u32,
    /// Where the present event begins.
    position: u32,
    /// Where its arguments begin, from there.
    offset: u32,
    /// Where the next one does.
    next: u32,
    /// Where the open batch ends.
    end: u32,
    /// The time of the open batch.
    base: i64,
}

impl Place {
    /// The place before a thread's first event.
    pub(crate) fn new(lane: usize) -> Self {
        Place {
            lane: lane as u32,
            next_batch: 0,
            position: 0,
            offset: 0,
            next: 0,
            end: 0,
            base: 0,
        }
    }

    /// Goes to the next event and gives its time, from that of the present one, which was looked at by
    /// [`Place::event`] or left by [`Place::stop_behind`]. Nothing if there is none.
    pub(crate) fn advance(
        &mut self,
        generation: &Generation,
        before: i64,
    ) -> Result<Option<i64>, Box<Failure>> {
        let mut before = before;
        if self.next == self.end {
            if !self.open_batch(generation) {
                return Ok(None);
            }
            before = self.base;
        }
        self.position = self.next;
        let whole = self.whole(generation)?;
        self.offset = whole.arguments_at as u32;
        self.next = whole.next as u32;
        let start = start_of(before, self.base);
        Ok(Some(start.wrapping_add(whole.nanoseconds)))
    }

    /// The event, which is known to be good and has this time.
    pub(crate) fn event(&mut self, generation: &Generation, time: i64) -> Decoded {
        match self.whole(generation) {
            Ok(whole) => {
                self.next = whole.next as u32;
                whole.decoded(time)
            }
            Err(_) => Decoded::default(),
        }
    }

    /// A tape that stands here.
    #[inline(always)]
    pub(crate) fn tape<'t>(&self, generation: &'t Generation) -> Tape<'t> {
        let end = self.end as usize;
        let bytes = generation
            .bytes
            .get(..end + PADDING - 1)
            .unwrap_or_default();
        let position = self.position as usize;
        Tape {
            bytes,
            frequency: &generation.frequency,
            base: self.base,
            window: window(bytes, position).unwrap_or(&[0; PADDING]),
            position,
            offset: self.offset as usize,
            end,
        }
    }

    /// Goes to where a tape stands: behind the event that was taken last.
    #[inline(always)]
    pub(crate) fn stop_behind(&mut self, stand: Stand) {
        self.next = stand.position as u32;
    }

    /// Goes to where a tape stands: on an event, which must turn out to be good.
    #[inline(always)]
    pub(crate) fn stop_at(
        &mut self,
        stand: Stand,
        generation: &Generation,
    ) -> Result<(), Box<Failure>> {
        self.position = stand.position as u32;
        self.offset = stand.offset as u32;
        // Where as many bytes without the upper bit follow as the event has integers, all of them
        // within the batch, there is nothing to be wrong with them.
        if let Some(&[kind, ref integers @ ..]) = generation
            .bytes
            .get(stand.position..self.end as usize)
            .and_then(|bytes| bytes.first_chunk::<9>())
        {
            let ends = !u64::from_le_bytes(*integers) & 0x8080_8080_8080_8080;
            let count = (ends >> 7).wrapping_mul(0x0101_0101_0101_0101) >> 56;
            if count > u64::from(generation.shapes[usize::from(kind)].arity) {
                return Ok(());
            }
        }
        self.whole(generation).map(|_| ())
    }

    fn open_batch(&mut self, generation: &Generation) -> bool {
        let batches = &generation.threads[self.lane as usize].1;
        while let Some(batch) = batches.get(self.next_batch as usize) {
            self.next_batch += 1;
            if batch.start != batch.end {
                self.next = batch.start;
                self.end = batch.end;
                self.base = generation.frequency.nanoseconds(batch.time);
                return true;
            }
        }
        false
    }

    fn whole(&self, generation: &Generation) -> Result<Whole, Box<Failure>> {
        Whole::read(generation, self.position as usize, self.end as usize)
    }
}

/// Go takes a time of zero for 'not set yet'.
#[inline(always)]
fn start_of(before: i64, base: i64) -> i64 {
    if before == 0 { base } else { before }
}

/// Runs quickly over events of one thread that stand side by side in a batch and have nothing odd
/// about them. Whether the event that it stands on is good has to be looked at when the tape is left
/// there.
pub(crate) struct Tape<'t> {
    /// Those up to the end of the batch, and as many behind it that there is a whole window at each
    /// event.
    bytes: &'t [u8],
    frequency: &'t Frequency,
    base: i64,
    /// What begins with the event.
    window: &'t [u8; PADDING],
    position: usize,
    /// Where in the window the event's arguments begin, behind its time.
    offset: usize,
    end: usize,
}

impl Tape<'_> {
    /// The kind of the event that the tape stands on.
    #[inline(always)]
    pub(crate) fn kind(&self) -> EventType {
        self.window[0]
    }

    /// The arguments of that event, if it is good and each is of usual length, and where the next
    /// event begins.
    #[inline(always)]
    pub(crate) fn arguments<const COUNT: usize>(&self) -> Option<([u64; COUNT], usize)> {
        let mut values = [0; COUNT];
        let mut offset = self.offset;
        for value in &mut values {
            let length;
            (*value, length) = short_varint(self.window, offset)?;
            offset += length;
        }
        let next = self.position + offset;
        (next <= self.end).then_some((values, next))
    }

    /// Goes to the next event, and gives its time from that of the present one. Nothing if that event
    /// does not follow at once or has an unusual time; the tape then stands behind the present one.
    #[inline(always)]
    pub(crate) fn advance(&mut self, next: usize, time: i64) -> Option<i64> {
        self.position = next;
        self.window = window(self.bytes, next)?;
        let (first, second) = (self.window[1], self.window[2]);
        let difference = if first < 0x80 {
            self.offset = 2;
            u64::from(first)
        } else if second < 0x80 {
            self.offset = 3;
            u64::from(first ^ 0x80) | u64::from(second) << 7
        } else {
            return None;
        };
        let nanoseconds = self.frequency.nanoseconds(difference);
        Some(start_of(time, self.base).wrapping_add(nanoseconds))
    }

    /// Where the tape stands.
    #[inline(always)]
    pub(crate) fn stand(&self) -> Stand {
        Stand {
            position: self.position,
            offset: self.offset,
        }
    }
}

/// What begins at a place; nothing at the end of a batch.
#[inline(always)]
fn window(bytes: &[u8], start: usize) -> Option<&[u8; PADDING]> {
    bytes.get(start..)?.first_chunk()
}

/// Reads a variable-length integer of at most eight bytes at an offset below 64; gives it with its
/// length.
#[inline(always)]
fn short_varint(window: &[u8; PADDING], offset: usize) -> Option<(u64, usize)> {
    let offset = offset % 64;
    let word = u64::from_le_bytes(*window[offset..].first_chunk()?);
    if word & 0x80 == 0 {
        Some((word & 0x7f, 1))
    } else if word & 0x8000 == 0 {
        Some((word & 0x7f | word >> 1 & 0x3f80, 2))
    } else if word & 0x80_0000 == 0 {
        let value = word & 0x7f | word >> 1 & 0x3f80 | word >> 2 & 0x1f_c000;
        Some((value, 3))
    } else {
        long_varint(word)
    }
}

#[inline(never)]
fn long_varint(word: u64) -> Option<(u64, usize)> {
    let ends = !word & 0x8080_8080_8080_8080;
    if ends == 0 {
        return None;
    }
    let length = ends.trailing_zeros() as usize / 8 + 1;
    // The seven lower bits of each byte move together, first in pairs, then in fours.
    let bytes = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
    let pairs = bytes & 0x007f_007f_007f_007f | (bytes & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    let value = fours & 0x0fff_ffff | (fours & 0x0fff_ffff_0000_0000) >> 4;
    Some((value, length))
}

#[cfg(test)]
mod tests {
    use super::super::wire::varint;
    use super::*;

    /// Compares with the plain way on integers of each length, good and cut ones.
    #[test]
    fn short_integers_are_read_as_others_are() {
        let mut random = 88_172_645_463_325_252u64;
        let mut lengths = [0; 11];
        for round in 0..100_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut window = [0; PADDING];
            for (place, byte) in window.iter_mut().enumerate() {
                *byte = (random >> (place % 57)) as u8 | 0x80;
            }
            let offset = round % 53;
            let length = round % 11;
            window[offset + length] &= 0x7f;
            let mut position = offset;
            let plain = varint(&window, &mut position);
            let expected = plain.ok().map(|value| (value, position - offset));
            let expected = expected.filter(|&(_, length)| length <= 8);
            assert_eq!(short_varint(&window, offset), expected);
            lengths[expected.map_or(0, |(_, length)| length)] += 1;
        }
        assert!(lengths[..9].iter().all(|&count| count > 0), "{lengths:?}");
    }
}
