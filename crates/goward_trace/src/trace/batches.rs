//! Cuts a byte stream into batches and collects those of one generation.
//!
//! Follows `batch.go` and the two `readGeneration` functions of
//! `$GOROOT/src/internal/trace/generation.go`: up to Go 1.25 a generation ends where the first batch
//! of the next one has been read, since Go 1.26 a mark ends it.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use super::decoding::PADDING;
use super::generation::{BatchHeader, Failure, Generation};
use super::huge_pages;
use super::wire::{self, VarintError, Version};

/// Reads batches, one generation at a time.
pub(crate) struct BatchReader {
    source: BufReader<Box<dyn Read + Send>>,
    version: Version,
    /// The generation that is being read.
    generation: Box<Generation>,
    /// A batch of the next generation that has been read already (before Go 1.26).
    spill: Option<(BatchHeader, Vec<u8>)>,
    /// Bytes taken from the source.
    position: u64,
}

/// What reading a generation gave.
pub(crate) struct Outcome {
    /// The generation, if there was one.
    pub(crate) generation: Option<Arc<Generation>>,
    /// What went wrong behind the generation (or instead of it).
    pub(crate) failure: Option<Failure>,
    /// Bytes of the file up to the end of what was read.
    pub(crate) position: u64,
    /// Whether more may follow.
    pub(crate) more: bool,
}

enum Next {
    /// A batch, and where its bytes stand among the generation's.
    Batch(BatchHeader, usize),
    EndOfGeneration,
    EndOfFile,
}

impl BatchReader {
    /// Reads the file's header.
    // Not generic over the source: then it would be compiled in crates that are built for size.
    pub(crate) fn new(source: Box<dyn Read + Send>) -> Result<Self, Failure> {
        let mut source = BufReader::with_capacity(256 << 10, source);
        let mut header = Vec::with_capacity(16);
        (&mut source)
            .take(16)
            .read_to_end(&mut header)
            .map_err(|error| Failure::new(error.to_string()))?;
        let version = read_header(&header)?;
        Ok(BatchReader {
            source,
            version,
            generation: Box::default(),
            spill: None,
            position: 16,
        })
    }

    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Reads the next generation, into memory of one that is not needed any more.
    pub(crate) fn read_generation(&mut self, memory: Box<Generation>) -> Outcome {
        self.generation = memory;
        self.generation.clear();
        loop {
            let outcome = if self.version >= Version::Go126 {
                self.read_marked()
            } else {
                self.read_with_spill()
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    fn outcome(&mut self, complete: bool, failure: Option<Failure>, more: bool) -> Outcome {
        Outcome {
            generation: complete.then(|| Arc::from(std::mem::take(&mut self.generation))),
            failure,
            position: self.position,
            more,
        }
    }

    /// The outcome of a generation whose batches are all there.
    fn complete(&mut self, failure: Option<Failure>, more: bool) -> Outcome {
        let checked = self
            .generation
            .index_tables()
            .and_then(|()| self.generation.finish(self.version));
        match checked {
            Ok(()) => self.outcome(true, failure, more),
            Err(failure) => self.outcome(false, Some(failure), false),
        }
    }

    /// The outcome of a generation in which something is wrong. Whatever that is, a number that
    /// stands twice in a table was seen first by Go.
    fn broken(&mut self, failure: Option<Failure>) -> Outcome {
        let failure = self.generation.index_tables().err().or(failure);
        self.outcome(false, failure, false)
    }

    fn read_marked(&mut self) -> Option<Outcome> {
        match self.take_marked() {
            Ok(Next::Batch(..)) => None,
            Ok(Next::EndOfGeneration) => Some(self.complete(None, true)),
            Ok(Next::EndOfFile) => Some(self.broken(None)),
            Err(failure) => Some(self.broken(Some(failure))),
        }
    }

    /// Takes in one batch, or says what else came.
    fn take_marked(&mut self) -> Result<Next, Failure> {
        let next = self.next_batch()?;
        let generation = &mut self.generation;
        let (header, start) = match &next {
            Next::EndOfFile if generation.has_event_batches() => {
                return Err(Failure::new(
                    "incomplete generation found; trace likely truncated",
                ));
            }
            Next::EndOfFile | Next::EndOfGeneration => return Ok(next),
            Next::Batch(header, start) => (header, *start),
        };
        if generation.number == 0 {
            generation.number = header.generation;
        }
        if header.experiment == 0 && generation.bytes.get(start) == Some(&wire::END_OF_GENERATION) {
            generation.bytes.truncate(start);
            return Ok(Next::EndOfGeneration);
        }
        if header.generation == 0 {
            return Err(Failure::new("invalid generation number 0"));
        }
        if header.generation != generation.number {
            return Err(Failure::new(
                "broken trace: missing end-of-generation event, or generations are interleaved",
            ));
        }
        generation.note_time(header.time);
        generation.add_batch(header, start, self.version)?;
        Ok(next)
    }

    fn read_with_spill(&mut self) -> Option<Outcome> {
        match self.take_with_spill() {
            Ok(None) => None,
            Ok(Some(failure)) => {
                let more = self.spill.is_some() && failure.is_none();
                Some(self.complete(failure, more))
            }
            Err(failure) => Some(self.broken(Some(failure))),
        }
    }

    /// Takes in one batch. The first one of the next generation ends this one, and so does a failure
    /// to read that: what was collected before it is good.
    fn take_with_spill(&mut self) -> Result<Option<Option<Failure>>, Failure> {
        let generation = &mut self.generation;
        if let Some((header, data)) = self.spill.take() {
            generation.number = header.generation;
            generation.smallest_time = header.time;
            let start = generation.bytes.len();
            generation.bytes.extend_from_slice(&data);
            generation.add_batch(&header, start, self.version)?;
            return Ok(None);
        }
        let (header, start) = match self.next_batch() {
            Ok(Next::EndOfFile) => return Ok(Some(None)),
            Ok(Next::EndOfGeneration) => (BatchHeader::default(), 0),
            Ok(Next::Batch(header, start)) => (header, start),
            Err(failure) if self.generation.number != 0 => return Ok(Some(Some(failure))),
            Err(failure) => return Err(failure),
        };
        if header.generation == 0 {
            return Err(Failure::new("invalid generation number 0"));
        }
        let generation = &mut self.generation;
        if generation.number == 0 {
            generation.number = header.generation;
        }
        if header.generation == generation.number.wrapping_add(1) {
            self.spill = Some((header, generation.bytes.split_off(start)));
            return Ok(Some(None));
        }
        if header.generation != generation.number {
            return Err(Failure::new("generations out of order"));
        }
        generation.note_time(header.time);
        generation.add_batch(&header, start, self.version)?;
        Ok(None)
    }

    fn byte(&mut self) -> Result<Option<u8>, Failure> {
        let byte = self
            .source
            .fill_buf()
            .map_err(|error| Failure::new(error.to_string()))?
            .first()
            .copied();
        if byte.is_some() {
            self.source.consume(1);
            self.position += 1;
        }
        Ok(byte)
    }

    fn varint(&mut self, what: &str) -> Result<u64, Failure> {
        let failure = |error: VarintError| {
            Failure::new(format!("error reading batch {what}: {}", error.text()))
        };
        let mut value = 0u64;
        for index in 0..10 {
            let Some(byte) = self.byte()? else {
                return Err(failure(if index == 0 {
                    VarintError::Empty
                } else {
                    VarintError::Cut
                }));
            };
            if byte < 0x80 {
                if index == 9 && byte > 1 {
                    break;
                }
                return Ok(value | u64::from(byte) << (7 * index));
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
        }
        Err(failure(VarintError::Overflow))
    }

    /// Reads one batch, its bytes to the end of the generation's.
    fn next_batch(&mut self) -> Result<Next, Failure> {
        let kind = match self.byte()? {
            None => return Ok(Next::EndOfFile),
            Some(wire::END_OF_GENERATION) => return Ok(Next::EndOfGeneration),
            Some(kind @ (wire::EVENT_BATCH | wire::EXPERIMENTAL_BATCH)) => kind,
            Some(kind) => {
                return Err(Failure::new(format!(
                    "expected batch event, got event {kind}"
                )));
            }
        };
        let mut header = BatchHeader::default();
        if kind == wire::EXPERIMENTAL_BATCH {
            match self.byte()? {
                Some(experiment) => header.experiment = experiment,
                None => return Ok(Next::EndOfFile),
            }
        }
        header.generation = self.varint("gen")?;
        header.m = self.varint("M ID")? as i64;
        header.time = self.varint("timestamp")?;
        let size = self.varint("size")?;
        if size > wire::MAX_BATCH_SIZE {
            return Err(Failure::new(format!(
                "invalid batch size {size}, maximum is {}",
                wire::MAX_BATCH_SIZE
            )));
        }
        let start = self.generation.bytes.len();
        huge_pages::reserve(&mut self.generation.bytes, size as usize + PADDING);
        let read = (&mut self.source)
            .take(size)
            .read_to_end(&mut self.generation.bytes)
            .map_err(|error| Failure::new(error.to_string()))?;
        self.position += read as u64;
        if read as u64 != size {
            return Err(Failure::new(format!(
                "failed to read full batch: read {read} but wanted {size}"
            )));
        }
        Ok(Next::Batch(header, start))
    }
}

/// Reads the version out of a file's header.
pub(crate) fn read_header(file: &[u8]) -> Result<Version, Failure> {
    let header = file.get(..16).unwrap_or(file);
    let number = header
        .strip_prefix(b"go 1.")
        .and_then(|rest| rest.strip_suffix(b" trace\0\0\0"))
        .and_then(|digits| str::from_utf8(digits).ok())
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok());
    let Some(number) = number else {
        return Err(Failure::new(not_a_trace(header)));
    };
    let Some(version) = Version::from_number(number) else {
        return Err(Failure::new(match number {
            11 | 19 | 21 => format!(
                "traces of Go 1.{number} are not supported; record the trace with Go 1.22 or later \
                 (`go tool trace` still reads this one)"
            ),
            _ => format!("unknown or unsupported trace version go 1.{number}"),
        }));
    };
    Ok(version)
}

/// Says what a file that is not a trace looks like instead.
fn not_a_trace(header: &[u8]) -> String {
    let looks_like = if header.is_empty() {
        "the file is empty"
    } else if header.starts_with(&[0x1f, 0x8b]) {
        "it is gzip data: a pprof profile, or a trace that must be unpacked first"
    } else if header.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        "it is zstd data, unpack it first"
    } else if header.starts_with(b"goroutine ") {
        "it is a goroutine dump, try `goward crash`"
    } else if header.starts_with(b"go 1.") {
        "its header is damaged"
    } else if header.starts_with(b"PK") {
        "it is a zip archive, unpack it first"
    } else {
        return "bad file format: not a Go execution trace".to_owned();
    };
    format!("bad file format: not a Go execution trace ({looks_like})")
}
