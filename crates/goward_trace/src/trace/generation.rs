//! One generation of a trace: its batches of events, and the tables that its events refer to.
//!
//! The runtime cuts a trace into generations of about a second. String and stack numbers belong to
//! their generation. Everything here is data; where the reader stands in it is [`super::frontier`]'s
//! business. Follows `generation.go` and `base.go` of `$GOROOT/src/internal/trace`.

use rustc_hash::FxHashMap;

use super::numbers::{self, Shape};
use super::wire::{self, VarintError, Version};

/// Why a trace cannot be read on. The text is the one of Go's reader where that has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The trace ends here as far as Go's reader is concerned, and that counts as a proper end.
    /// (A table that is cut exactly between two values looks so to it.)
    End,
    /// The trace is broken or of a kind that this reader does not know.
    Broken(String),
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Failure::Broken(text.into())
    }
}

impl From<VarintError> for Failure {
    fn from(error: VarintError) -> Self {
        match error {
            VarintError::Empty => Failure::End,
            other => Failure::new(other.text()),
        }
    }
}

/// A table from the numbers of a generation to values. Numbers are small and dense in real traces
/// and anything at all in broken ones, so the index falls back to a hash map.
#[derive(Default)]
pub(crate) struct Table<T> {
    entries: Vec<(u64, T)>,
    /// Index into `entries` plus one; 0 where there is none.
    dense: Vec<u32>,
    sparse: FxHashMap<u64, u32>,
    /// All numbers below this are there (0, which means 'none', counts).
    complete: u64,
}

impl<T> Table<T> {
    fn push(&mut self, id: u64, value: T) {
        self.entries.push((id, value));
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.dense.clear();
        self.sparse.clear();
        self.complete = 0;
    }

    /// Builds the index. Fails where a number stands twice; the number 0 means 'none' and counts
    /// as taken.
    fn index(&mut self, kind: &str) -> Result<(), Failure> {
        self.dense.clear();
        self.sparse.clear();
        self.complete = 1;
        let count = self.entries.len();
        let largest = self.entries.iter().map(|entry| entry.0).max().unwrap_or(0);
        let duplicate = |id| Failure::new(format!("multiple {kind} with the same ID: id={id}"));
        if largest <= 2 * count as u64 + 4096 {
            self.dense.resize(largest as usize + 1, 0);
            for (index, &(id, _)) in self.entries.iter().enumerate() {
                let place = &mut self.dense[id as usize];
                if id == 0 || *place != 0 {
                    return Err(duplicate(id));
                }
                *place = index as u32 + 1;
            }
            let known = self.dense.iter().skip(1).take_while(|&&place| place != 0);
            self.complete = 1 + known.count() as u64;
        } else {
            for (index, &(id, _)) in self.entries.iter().enumerate() {
                if id == 0 || self.sparse.insert(id, index as u32 + 1).is_some() {
                    return Err(duplicate(id));
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn position(&self, id: u64) -> Option<usize> {
        let index = match self.dense.get(usize::try_from(id).ok()?) {
            Some(&index) => index,
            None if self.sparse.is_empty() => 0,
            None => self.sparse.get(&id).copied().unwrap_or(0),
        };
        (index != 0).then(|| index as usize - 1)
    }

    #[inline]
    fn contains(&self, id: u64) -> bool {
        id == 0 || self.position(id).is_some()
    }

    fn get(&self, id: u64) -> Option<&T> {
        self.position(id).map(|index| &self.entries[index].1)
    }
}

/// A piece of one of the flat vectors of a generation.
#[derive(Clone, Copy, Default)]
struct Piece {
    start: u32,
    length: u32,
}

/// One frame of a stack; function and file are string numbers of the same generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub pc: u64,
    pub function: u64,
    pub file: u64,
    pub line: u64,
}

/// A batch of events of one thread, not decoded yet.
#[derive(Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) time: u64,
    /// Where the batch's bytes stand in the generation's byte vector.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// One sample of the CPU profiler that ran beside the trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuSample {
    /// Nanoseconds.
    pub(crate) time: i64,
    pub(crate) m: i64,
    pub(crate) p: i64,
    pub(crate) g: i64,
    pub(crate) stack: u64,
}

/// The clocks of the machine read at the same moment, once per generation (Go 1.25 and later).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSnapshot {
    /// The trace's clock in nanoseconds.
    pub trace: i64,
    /// The monotonic clock in nanoseconds.
    pub monotonic: u64,
    /// Wall clock: seconds since 1970 in UTC.
    pub wall_seconds: i64,
    /// Wall clock: nanoseconds within the second.
    pub wall_nanoseconds: i64,
}

/// Nanoseconds per unit of the trace's clock.
pub(crate) struct Frequency {
    factor: f64,
    /// The results for small times, which nearly all differences between events are.
    small: Box<[i64; 1024]>,
}

impl Default for Frequency {
    fn default() -> Self {
        Frequency {
            factor: 0.0,
            small: Box::new([0; 1024]),
        }
    }
}

impl Frequency {
    fn set(&mut self, units_per_second: u64) {
        self.factor = 1.0 / (units_per_second as f64 / 1e9);
        for (time, nanoseconds) in self.small.iter_mut().enumerate() {
            *nanoseconds = convert(time as u64, self.factor);
        }
    }

    #[inline]
    pub(crate) fn nanoseconds(&self, time: u64) -> i64 {
        if time < 1024 {
            self.small[time as usize]
        } else {
            convert(time, self.factor)
        }
    }
}

/// Converts a time of the trace's clock to nanoseconds exactly as Go does on amd64: rounded towards
/// zero, and the smallest integer for what does not fit.
fn convert(time: u64, factor: f64) -> i64 {
    let product = time as f64 * factor;
    if product.abs() < 9_223_372_036_854_775_808.0 {
        product as i64
    } else {
        i64::MIN
    }
}

/// One generation of a trace.
pub struct Generation {
    /// The runtime's number of the generation.
    pub number: u64,
    pub(crate) frequency: Frequency,
    has_frequency: bool,
    clock: Option<(u64, u64, i64, i64)>,
    pub(crate) smallest_time: u64,
    /// The bytes of all event batches.
    pub(crate) bytes: Vec<u8>,
    /// The threads in the order of their first batch, each with its batches.
    pub(crate) threads: Vec<(i64, Vec<Batch>)>,
    thread_index: FxHashMap<i64, u32>,
    pub(crate) cpu_samples: Vec<CpuSample>,
    strings: Table<Piece>,
    string_bytes: Vec<u8>,
    stacks: Table<Piece>,
    /// For each stack its frames, as indexes into `frames`.
    stack_frames: Vec<u32>,
    frames: Vec<Frame>,
    frame_index: FxHashMap<u64, u32>,
    /// The experiments of which this generation has batches.
    pub(crate) experiments: Vec<u8>,
    spare_batches: Vec<Vec<Batch>>,
    event_bytes: usize,
    /// For each kind of event, its arguments.
    pub(crate) shapes: Box<[Shape; 256]>,
}

impl Default for Generation {
    fn default() -> Self {
        Generation {
            number: 0,
            frequency: Frequency::default(),
            has_frequency: false,
            clock: None,
            smallest_time: 0,
            bytes: Vec::new(),
            threads: Vec::new(),
            thread_index: FxHashMap::default(),
            cpu_samples: Vec::new(),
            strings: Table::default(),
            string_bytes: Vec::new(),
            stacks: Table::default(),
            stack_frames: Vec::new(),
            frames: Vec::new(),
            frame_index: FxHashMap::default(),
            experiments: Vec::new(),
            spare_batches: Vec::new(),
            event_bytes: 0,
            shapes: numbers::shapes(0, 0),
        }
    }
}

impl Generation {
    /// The string with this number; the empty string for 0, nothing where the trace has none.
    pub fn string(&self, id: u64) -> Option<&[u8]> {
        if id == 0 {
            return Some(b"");
        }
        let piece = self.strings.get(id)?;
        Some(&self.string_bytes[piece.start as usize..(piece.start + piece.length) as usize])
    }

    /// The frames of the stack with this number, innermost first; none for 0.
    pub fn stack(&self, id: u64) -> Option<impl ExactSizeIterator<Item = &Frame>> {
        Some(
            self.stack_frame_indexes(id)?
                .iter()
                .map(|&index| &self.frames[index as usize]),
        )
    }

    /// As [`Generation::stack`], but as indexes for [`Generation::frame`].
    pub fn stack_frame_indexes(&self, id: u64) -> Option<&[u32]> {
        if id == 0 {
            return Some(&[]);
        }
        let piece = self.stacks.get(id)?;
        Some(&self.stack_frames[piece.start as usize..(piece.start + piece.length) as usize])
    }

    /// The frame at an index that [`Generation::stack_frame_indexes`] gave.
    pub fn frame(&self, index: u32) -> &Frame {
        &self.frames[index as usize]
    }

    /// How many different frames the generation has.
    pub fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// All strings and all stacks with numbers below these are there.
    #[inline]
    pub(crate) fn complete(&self) -> (u64, u64) {
        (self.strings.complete, self.stacks.complete)
    }

    #[inline]
    pub(crate) fn has_stack(&self, id: u64) -> bool {
        self.stacks.contains(id)
    }

    #[inline]
    pub(crate) fn has_string(&self, id: u64) -> bool {
        self.strings.contains(id)
    }

    /// The clocks, read at the same moment; only in traces of Go 1.25 and later.
    pub fn clock_snapshot(&self) -> Option<ClockSnapshot> {
        self.clock.map(
            |(time, monotonic, wall_seconds, wall_nanoseconds)| ClockSnapshot {
                trace: self.frequency.nanoseconds(time),
                monotonic,
                wall_seconds,
                wall_nanoseconds,
            },
        )
    }

    /// The size of the generation's encoded events in bytes.
    pub fn event_bytes(&self) -> usize {
        self.event_bytes
    }

    /// Empties the generation but keeps its memory for the next one.
    pub(crate) fn clear(&mut self) {
        self.number = 0;
        self.has_frequency = false;
        self.clock = None;
        self.smallest_time = 0;
        self.bytes.clear();
        for (_, mut batches) in self.threads.drain(..) {
            batches.clear();
            self.spare_batches.push(batches);
        }
        self.thread_index.clear();
        self.cpu_samples.clear();
        self.strings.clear();
        self.string_bytes.clear();
        self.stacks.clear();
        self.stack_frames.clear();
        self.frames.clear();
        self.frame_index.clear();
        self.experiments.clear();
    }

    /// Whether any thread has event batches.
    pub(crate) fn has_event_batches(&self) -> bool {
        !self.threads.is_empty()
    }

    pub(crate) fn note_time(&mut self, time: u64) {
        if self.smallest_time == 0 || time < self.smallest_time {
            self.smallest_time = time;
        }
    }

    /// Takes in one batch, by the kind that its first byte says. Its bytes are those of the generation
    /// from `start` on; only those of events stay there.
    pub(crate) fn add_batch(
        &mut self,
        header: &BatchHeader,
        start: usize,
        version: Version,
    ) -> Result<(), Failure> {
        if header.experiment != 0 {
            self.bytes.truncate(start);
            if !self.experiments.contains(&header.experiment) {
                self.experiments.push(header.experiment);
            }
            return Ok(());
        }
        let add: fn(&mut Self, &BatchHeader, &[u8], Version) -> Result<(), Failure> =
            match self.bytes.get(start).copied() {
                Some(wire::STRINGS) => |generation, _, data, _| generation.add_strings(data),
                Some(wire::STACKS) => |generation, _, data, _| generation.add_stacks(data),
                Some(wire::CPU_SAMPLES) => {
                    |generation, _, data, _| generation.add_cpu_samples(data)
                }
                Some(wire::FREQUENCY) if version < Version::Go125 => Self::add_clocks,
                Some(wire::SYNC) if version >= Version::Go125 => Self::add_clocks,
                Some(wire::END_OF_GENERATION) => {
                    return Err(Failure::new(
                        "internal error: unexpectedly processing EndOfGeneration; broken trace?",
                    ));
                }
                _ => return self.add_events(header, start),
            };
        let bytes = std::mem::take(&mut self.bytes);
        let added = add(self, header, &bytes[start..], version);
        self.bytes = bytes;
        self.bytes.truncate(start);
        added
    }

    fn add_events(&mut self, header: &BatchHeader, start: usize) -> Result<(), Failure> {
        let Ok(end) = u32::try_from(self.bytes.len()) else {
            return Err(Failure::new("a generation with more than 4 GiB of events"));
        };
        let index = match self.thread_index.get(&header.m) {
            Some(&index) => index as usize,
            None => {
                let index = self.threads.len();
                self.thread_index.insert(header.m, index as u32);
                self.threads
                    .push((header.m, self.spare_batches.pop().unwrap_or_default()));
                index
            }
        };
        self.threads[index].1.push(Batch {
            time: header.time,
            start: start as u32,
            end,
        });
        Ok(())
    }

    fn add_strings(&mut self, data: &[u8]) -> Result<(), Failure> {
        let mut position = 1;
        while position < data.len() {
            let event = data[position];
            position += 1;
            if event != wire::STRING {
                return Err(Failure::new(format!("expected string event, got {event}")));
            }
            let id = wire::varint(data, &mut position)?;
            let length = wire::varint(data, &mut position)?;
            if length > wire::MAX_STRING_SIZE {
                return Err(Failure::new(format!(
                    "invalid string size {length}, maximum is {}",
                    wire::MAX_STRING_SIZE
                )));
            }
            let length = length as usize;
            let Some(bytes) = data.get(position..position + length) else {
                return Err(Failure::new(format!(
                    "failed to read full string: read {} but wanted {length}",
                    data.len() - position
                )));
            };
            position += length;
            let start = self.string_bytes.len() as u32;
            self.string_bytes.extend_from_slice(bytes);
            self.strings.push(
                id,
                Piece {
                    start,
                    length: length as u32,
                },
            );
        }
        Ok(())
    }

    fn add_stacks(&mut self, data: &[u8]) -> Result<(), Failure> {
        let mut position = 1;
        while position < data.len() {
            let event = data[position];
            position += 1;
            if event != wire::STACK {
                return Err(Failure::new(format!("expected stack event, got {event}")));
            }
            let id = wire::varint(data, &mut position)?;
            let count = wire::varint(data, &mut position)?;
            if count > wire::MAX_FRAMES {
                return Err(Failure::new(format!(
                    "invalid stack size {count}, maximum is {}",
                    wire::MAX_FRAMES
                )));
            }
            let start = self.stack_frames.len() as u32;
            for number in 0..count {
                let mut field = |name: &str| {
                    wire::varint(data, &mut position).map_err(|error| {
                        Failure::new(format!(
                            "reading frame {}'s {name} for stack {id}: {}",
                            number + 1,
                            error.text()
                        ))
                    })
                };
                let frame = Frame {
                    pc: field("PC")?,
                    function: field("funcID")?,
                    file: field("fileID")?,
                    line: field("line")?,
                };
                // The first mention of a program counter decides about its function and line, as
                // in Go's reader.
                let next = self.frames.len() as u32;
                let index = *self.frame_index.entry(frame.pc).or_insert(next);
                if index == next {
                    self.frames.push(frame);
                }
                self.stack_frames.push(index);
            }
            self.stacks.push(
                id,
                Piece {
                    start,
                    length: count as u32,
                },
            );
        }
        Ok(())
    }

    fn add_cpu_samples(&mut self, data: &[u8]) -> Result<(), Failure> {
        let mut position = 1;
        while position < data.len() {
            let event = data[position];
            position += 1;
            if event != wire::CPU_SAMPLE {
                return Err(Failure::new(format!(
                    "expected CPU sample event, got {event}"
                )));
            }
            let time = wire::varint(data, &mut position)? as i64;
            let m = wire::varint(data, &mut position)? as i64;
            let p = wire::varint(data, &mut position)? as i64;
            let g = wire::varint(data, &mut position)? as i64;
            let stack = wire::varint(data, &mut position)?;
            self.cpu_samples.push(CpuSample {
                time,
                m,
                p,
                g: if g == 0 { -1 } else { g },
                stack,
            });
        }
        Ok(())
    }

    fn add_clocks(
        &mut self,
        header: &BatchHeader,
        data: &[u8],
        version: Version,
    ) -> Result<(), Failure> {
        let mut position = usize::from(version >= Version::Go125);
        let mut last = header.time;
        while position < data.len() {
            let event = data[position];
            position += 1;
            if event == wire::FREQUENCY {
                if self.has_frequency {
                    return Err(Failure::new("found multiple frequency events"));
                }
                let units_per_second = wire::varint(data, &mut position)?;
                self.frequency.set(units_per_second);
                self.has_frequency = true;
            } else if event == wire::CLOCK_SNAPSHOT && version >= Version::Go125 {
                if self.clock.is_some() {
                    return Err(Failure::new("found multiple clock snapshot events"));
                }
                last = last.wrapping_add(wire::varint(data, &mut position)?);
                let monotonic = wire::varint(data, &mut position)?;
                let seconds = wire::varint(data, &mut position)? as i64;
                let nanoseconds = wire::varint(data, &mut position)? as i64;
                self.clock = Some((last, monotonic, seconds, nanoseconds));
            } else {
                return Err(Failure::new(format!(
                    "expected frequency or clock snapshot event, got {event}"
                )));
            }
        }
        Ok(())
    }

    /// Builds the indexes of strings and stacks; the first mistake in them is an error.
    pub(crate) fn index_tables(&mut self) -> Result<(), Failure> {
        self.strings.index("strings")?;
        self.stacks.index("trace.stacks")
    }

    /// Checks what must hold once all batches are there, and puts the CPU samples into order.
    pub(crate) fn finish(&mut self, version: Version) -> Result<(), Failure> {
        self.event_bytes = self.bytes.len();
        self.bytes.extend_from_slice(&[0; super::decoding::PADDING]);
        self.shapes = numbers::shapes(self.strings.complete, self.stacks.complete);
        if !self.has_frequency {
            return Err(Failure::new("no frequency event found"));
        }
        if version >= Version::Go125 && self.clock.is_none() {
            return Err(Failure::new("no clock snapshot event found"));
        }
        for frame in &self.frames {
            for (what, id) in [("func", frame.function), ("file", frame.file)] {
                if !self.has_string(id) {
                    return Err(Failure::new(format!(
                        "found invalid {what} string ID {id} in a stack"
                    )));
                }
            }
        }
        let frequency = &self.frequency;
        for sample in &mut self.cpu_samples {
            sample.time = frequency.nanoseconds(sample.time as u64);
        }
        super::pdqsort::sort_by_key(&mut self.cpu_samples, |sample| sample.time);
        Ok(())
    }
}

/// The header of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BatchHeader {
    pub(crate) generation: u64,
    pub(crate) m: i64,
    pub(crate) time: u64,
    /// 0 for an ordinary batch.
    pub(crate) experiment: u8,
}
