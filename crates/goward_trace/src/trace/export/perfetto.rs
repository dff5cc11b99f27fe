//! Perfetto's protobuf format, written by hand: the few messages that are needed, with the field
//! numbers of `protos/perfetto/trace` in Perfetto's sources.

use std::io::{self, Write};

use rustc_hash::FxHashMap;

use super::{Lane, Sink};

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
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
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
    framed: Message,
    names: FxHashMap<Box<str>, u64>,
    counters: FxHashMap<Box<str>, u64>,
    started: bool,
}

/// The tracks under which the lanes stand.
const ROOTS: [(u64, &str); 4] = [
    (1, "Processors"),
    (2, "Goroutines"),
    (3, "Tasks"),
    (4, "Regions"),
];

fn uuid(lane: Lane) -> u64 {
    let (kind, number) = match lane {
        Lane::Processor(processor) => (1, u64::from(processor)),
        Lane::Goroutine(index) => (2, u64::from(index)),
        Lane::Task(index) => (3, u64::from(index)),
        Lane::Regions(index) => (4, u64::from(index)),
        Lane::Collector => (5, 0),
        Lane::Stops => (5, 1),
    };
    kind << 40 | number
}

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
            framed: Message::default(),
            names: FxHashMap::default(),
            counters: FxHashMap::default(),
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
        self.started = true;
        self.framed.0.clear();
        self.framed.bytes(1, &self.packet.0);
        self.packet.0.clear();
        self.out.write_all(&self.framed.0)
    }

    /// The number of a name; new names go into the packet that uses them first.
    fn name(&mut self, name: &str) -> u64 {
        if let Some(&number) = self.names.get(name) {
            return number;
        }
        let number = self.names.len() as u64 + 1;
        self.names.insert(name.into(), number);
        self.packet.message(12, |data| {
            data.message(2, |entry| {
                entry.number(1, number);
                entry.text(2, name);
            });
        });
        number
    }

    fn event(
        &mut self,
        track: u64,
        time: i64,
        kind: u64,
        name: Option<&str>,
        detail: &str,
        flow: Option<(u64, u64)>,
    ) -> io::Result<()> {
        let name = name.map(|name| self.name(name));
        self.packet.number(8, time.max(0) as u64);
        self.packet.message(11, |event| {
            event.number(9, kind);
            event.number(11, track);
            if let Some(name) = name {
                event.number(10, name);
            }
            if !detail.is_empty() {
                event.message(4, |annotation| {
                    annotation.text(10, "at");
                    annotation.text(6, detail);
                });
            }
            if let Some((field, number)) = flow {
                event.fixed(field, number);
            }
        });
        self.write_packet()
    }
}

impl<W: Write> Sink for Perfetto<W> {
    fn lane(&mut self, lane: Lane, name: &str) -> io::Result<()> {
        self.packet.message(60, |track| {
            track.number(1, uuid(lane));
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
        name: &str,
        detail: &str,
    ) -> io::Result<()> {
        self.event(uuid(lane), begin, SLICE_BEGIN, Some(name), detail, None)?;
        self.event(uuid(lane), end, SLICE_END, None, "", None)
    }

    fn instant(&mut self, lane: Lane, time: i64, name: &str, detail: &str) -> io::Result<()> {
        self.event(uuid(lane), time, INSTANT, Some(name), detail, None)
    }

    fn counter(&mut self, name: &str, time: i64, value: u64) -> io::Result<()> {
        let next = 6 << 40 | self.counters.len() as u64;
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
        self.event(
            uuid(from.0),
            from.1,
            INSTANT,
            Some("wakes"),
            "",
            Some((47, number)),
        )?;
        self.event(
            uuid(to.0),
            to.1,
            INSTANT,
            Some("woken"),
            "",
            Some((48, number)),
        )
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
