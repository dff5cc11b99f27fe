//! Perfetto's protobuf format, written by hand: the few messages that are needed, with the field
//! numbers of `protos/perfetto/trace` in Perfetto's sources.

use std::io::{self, Write};

use rustc_hash::FxHashMap;

use super::{Lane, Sink, Text};

const SLICE_BEGIN: u64 = 1;
const SLICE_END: u64 = 2;
const INSTANT: u64 = 3;
const COUNTER: u64 = 4;

/// The one sequence of packets that we write.
const SEQUENCE: u64 = 1;

/// A protobuf message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    #[inline]
    fn varint(&mut self, mut value: u64) {
        if value < 0x80 {
            self.0.push(value as u8);
            return;
        }
        // Into an array first: one check for room instead of one for each byte.
        let (mut bytes, mut length) = ([0u8; 10], 0);
        while value >= 0x80 && length < 9 {
            bytes[length] = value as u8 | 0x80;
            value >>= 7;
            length += 1;
        }
        bytes[length] = value as u8;
        self.0.extend_from_slice(&bytes[..=length]);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn fixed(&mut self, field: u64, value: u64) {
        self.varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
    }

    fn text(&mut self, field: u64, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }
}

pub(super) struct Perfetto<W> {
    out: W,
    packet: Message,
    event: Message,
    names: Numbers,
    details: Numbers,
    counters: FxHashMap<Box<str>, u64>,
    tracks: FxHashMap<Lane, u64>,
    /// For each lane the arrow that ends where its next slice begins.
    arrows: FxHashMap<Lane, (i64, u64)>,
    started: bool,
}

/// The tracks under which the lanes stand.
const ROOTS: [(u64, &str); 4] = [
    (1, "Processors"),
    (2, "Goroutines"),
    (3, "Tasks"),
    (4, "Regions"),
];

/// How many details get a number. Places are few; goroutines, which stand in the details of the
/// processors' lanes, can be millions. Numbers have two bytes at most.
const DETAILS: usize = 8192;

/// The number of the first track below the roots.
const FIRST_TRACK: u64 = 16;

fn parent(lane: Lane) -> u64 {
    match lane {
        Lane::Processor(_) | Lane::Collector | Lane::Stops => 1,
        Lane::Goroutine(_) => 2,
        Lane::Task(_) => 3,
        Lane::Regions(_) => 4,
    }
}

impl<W: Write> Perfetto<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut perfetto = Perfetto {
            out,
            packet: Message::default(),
            event: Message::default(),
            names: Numbers::default(),
            details: Numbers::default(),
            counters: FxHashMap::default(),
            tracks: FxHashMap::default(),
            arrows: FxHashMap::default(),
            started: false,
        };
        for (number, name) in ROOTS {
            perfetto.packet.message(60, |track| {
                track.number(1, number);
                track.text(2, name);
            });
            perfetto.write_packet()?;
        }
        Ok(perfetto)
    }

    fn write_packet(&mut self) -> io::Result<()> {
        self.packet.number(10, SEQUENCE);
        // The first packet clears the state of the sequence; all others build on it.
        self.packet.number(13, if self.started { 2 } else { 1 });
        if !std::mem::replace(&mut self.started, true) {
            // The name of the one kind of detail that events carry.
            self.packet.message(12, |data| {
                data.message(3, |entry| {
                    entry.number(1, 1);
                    entry.text(2, "at");
                });
            });
        }
        self.event.0.clear();
        self.event.bytes(1, &self.packet.0);
        self.packet.0.clear();
        self.out.write_all(&self.event.0)
    }

    /// Tracks are numbered anew, from small numbers on: each event names one.
    fn track(&mut self, lane: Lane) -> u64 {
        let next = FIRST_TRACK + (self.tracks.len() + self.counters.len()) as u64;
        *self.tracks.entry(lane).or_insert(next)
    }

    fn event(
        &mut self,
        track: u64,
        time: i64,
        kind: u64,
        name: Text<'_>,
        detail: Text<'_>,
        flow: Option<(u64, u64)>,
    ) -> io::Result<()> {
        let name = self.names.number(name, usize::MAX, 2, &mut self.packet);
        let known = self.details.number(detail, DETAILS, 29, &mut self.packet);
        if self.started && self.packet.0.is_empty() && (known.is_some() || detail.text.is_empty()) {
            let packet = Short::event(track, time, kind, name, known, flow);
            return self.out.write_all(packet.bytes());
        }
        self.packet.number(8, time.max(0) as u64);
        let event = &mut self.event;
        event.0.clear();
        event.number(9, kind);
        event.number(11, track);
        if let Some(name) = name {
            event.number(10, name);
        }
        if let Some(number) = known {
            event.varint(4 << 3 | 2);
            event.varint(5 + u64::from(number >= 0x80));
            event.number(1, 1);
            event.number(17, number);
        } else if !detail.text.is_empty() {
            event.message(4, |annotation| {
                annotation.number(1, 1);
                annotation.text(6, detail.text);
            });
        }
        if let Some((field, number)) = flow {
            event.fixed(field, number);
        }
        self.packet.varint(11 << 3 | 2);
        self.packet.varint(self.event.0.len() as u64);
        self.packet.0.extend_from_slice(&self.event.0);
        self.write_packet()
    }
}

/// A packet with an event that brings no new text, as nearly all are: short enough for lengths of one
/// byte, and so written in one go.
struct Short {
    bytes: [u8; Short::ROOM],
    length: usize,
}

impl Short {
    /// More than six integers of ten bytes and all between them.
    const ROOM: usize = 128;

    fn event(
        track: u64,
        time: i64,
        kind: u64,
        name: Option<u64>,
        detail: Option<u64>,
        flow: Option<(u64, u64)>,
    ) -> Short {
        let mut packet = Short {
            bytes: [0; Short::ROOM],
            length: 0,
        };
        packet.inner(1, |packet| {
            packet.number(8, time.max(0) as u64);
            packet.inner(11, |event| {
                event.number(9, kind);
                event.number(11, track);
                if let Some(name) = name {
                    event.number(10, name);
                }
                if let Some(detail) = detail {
                    event.inner(4, |annotation| {
                        annotation.number(1, 1);
                        annotation.number(17, detail);
                    });
                }
                if let Some((field, number)) = flow {
                    event.varint(field << 3 | 1);
                    for byte in number.to_le_bytes() {
                        event.byte(byte);
                    }
                }
            });
            packet.number(10, SEQUENCE);
            packet.number(13, 2);
        });
        packet
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length.min(Short::ROOM)]
    }

    #[inline(always)]
    fn byte(&mut self, byte: u8) {
        self.bytes[self.length % Short::ROOM] = byte;
        self.length += 1;
    }

    #[inline(always)]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(value as u8 | 0x80);
            value >>= 7;
        }
        self.byte(value as u8);
    }

    #[inline(always)]
    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    #[inline(always)]
    fn inner(&mut self, field: u64, fill: impl FnOnce(&mut Short)) {
        self.varint(field << 3 | 2);
        let start = self.length;
        self.byte(0);
        fill(self);
        self.bytes[start % Short::ROOM] = (self.length - start - 1) as u8;
    }
}

/// The numbers of the texts of one table of the format.
#[derive(Default)]
struct Numbers {
    count: u64,
    /// By the number that the timeline gives them; 0 for none yet.
    known: Vec<u64>,
    others: FxHashMap<Box<str>, u64>,
}

impl Numbers {
    /// The number of a text; nothing for an empty one, and for a new one when there are `limit`. A
    /// new text goes into the packet, as a message of this field.
    fn number(
        &mut self,
        text: Text<'_>,
        limit: usize,
        field: u64,
        packet: &mut Message,
    ) -> Option<u64> {
        if text.text.is_empty() {
            return None;
        }
        let known = match text.number {
            Some(number) => self.known.get(number as usize).copied().unwrap_or(0),
            None => self.others.get(text.text).copied().unwrap_or(0),
        };
        if known != 0 {
            return Some(known);
        }
        if self.count as usize >= limit {
            return None;
        }
        self.count += 1;
        match text.number {
            Some(number) => {
                let number = number as usize;
                if self.known.len() <= number {
                    self.known.resize(number + 1, 0);
                }
                self.known[number] = self.count;
            }
            None => {
                self.others.insert(text.text.into(), self.count);
            }
        }
        intern(packet, field, self.count, text.text.as_bytes());
        Some(self.count)
    }
}

fn intern(packet: &mut Message, field: u64, number: u64, text: &[u8]) {
    packet.message(12, |data| {
        data.message(field, |entry| {
            entry.number(1, number);
            entry.bytes(2, text);
        });
    });
}

impl<W: Write> Sink for Perfetto<W> {
    fn lane(&mut self, lane: Lane, name: &str) -> io::Result<()> {
        let number = self.track(lane);
        self.packet.message(60, |track| {
            track.number(1, number);
            track.number(5, parent(lane));
            track.text(2, name);
        });
        self.write_packet()
    }

    fn slice(
        &mut self,
        lane: Lane,
        begin: i64,
        end: i64,
        name: Text<'_>,
        detail: Text<'_>,
    ) -> io::Result<()> {
        let track = self.track(lane);
        let arrow = self.arrows.get(&lane).copied();
        let flow = arrow.filter(|arrow| arrow.0 == begin).map(|arrow| {
            self.arrows.remove(&lane);
            (48, arrow.1)
        });
        self.event(track, begin, SLICE_BEGIN, name, detail, flow)?;
        self.event(track, end, SLICE_END, "".into(), "".into(), None)
    }

    fn instant(
        &mut self,
        lane: Lane,
        time: i64,
        name: Text<'_>,
        detail: Text<'_>,
    ) -> io::Result<()> {
        let track = self.track(lane);
        self.event(track, time, INSTANT, name, detail, None)
    }

    fn counter(&mut self, name: &str, time: i64, value: u64) -> io::Result<()> {
        let next = FIRST_TRACK + (self.tracks.len() + self.counters.len()) as u64;
        let track = match self.counters.get(name) {
            Some(&track) => track,
            None => {
                self.counters.insert(name.into(), next);
                self.packet.message(60, |track| {
                    track.number(1, next);
                    track.text(2, name);
                    track.message(8, |_| {});
                });
                self.write_packet()?;
                next
            }
        };
        self.packet.number(8, time.max(0) as u64);
        self.packet.message(11, |event| {
            event.number(9, COUNTER);
            event.number(11, track);
            event.number(30, value);
        });
        self.write_packet()
    }

    fn arrow(&mut self, number: u64, from: (Lane, i64), to: (Lane, i64)) -> io::Result<()> {
        let track = self.track(from.0);
        self.event(
            track,
            from.1,
            INSTANT,
            "wakes".into(),
            "".into(),
            Some((47, number)),
        )?;
        // The slice that begins here is written once its end is known.
        self.arrows.insert(to.0, (to.1, number));
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
