//! A hash over everything that events say, to compare readers without writing text.
//!
//! The same is computed from golang.org/x/exp/trace by `xtask/go/tracehash`; the two must be changed
//! together.

use rustc_hash::FxHashMap;

use super::event::Event;
use super::generation::Failure;
use super::reader::Reader;
use super::wire;

/// The hash of a trace up to now.
pub struct EventHash {
    value: u64,
    generation: u64,
    stacks: FxHashMap<u64, u64>,
    strings: FxHashMap<u64, u64>,
}

fn mix(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 29)
}

fn hash_text(text: &[u8]) -> u64 {
    text.iter().fold(14_695_981_039_346_656_037, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
    })
}

/// Go's number of what kind an event is.
fn kind_number(kind: wire::EventType) -> u64 {
    match kind {
        wire::SYNC_POINT => 1,
        wire::PROCS_CHANGE | wire::HEAP_ALLOC | wire::HEAP_GOAL => 2,
        wire::GO_LABEL => 3,
        wire::CPU_SAMPLE => 4,
        wire::STW_BEGIN | wire::GC_BEGIN | wire::GC_SWEEP_BEGIN | wire::GC_MARK_ASSIST_BEGIN => 5,
        wire::GC_ACTIVE | wire::GC_SWEEP_ACTIVE | wire::GC_MARK_ASSIST_ACTIVE => 6,
        wire::STW_END | wire::GC_END | wire::GC_SWEEP_END | wire::GC_MARK_ASSIST_END => 7,
        wire::USER_TASK_BEGIN => 8,
        wire::USER_TASK_END => 9,
        wire::USER_REGION_BEGIN => 10,
        wire::USER_REGION_END => 11,
        wire::USER_LOG => 12,
        wire::SPAN..=wire::GOROUTINE_STACK_FREE => 14,
        _ => 13,
    }
}

impl Default for EventHash {
    fn default() -> Self {
        EventHash {
            value: 14_695_981_039_346_656_037,
            generation: u64::MAX,
            stacks: FxHashMap::default(),
            strings: FxHashMap::default(),
        }
    }
}

impl EventHash {
    /// The hash of the events so far.
    pub fn value(&self) -> u64 {
        self.value
    }

    fn number(&mut self, value: u64) {
        self.value = mix(self.value, value);
    }

    fn text(&mut self, text: &[u8]) {
        self.number(hash_text(text));
    }

    fn string(&mut self, reader: &Reader, id: u64) -> Result<(), Failure> {
        let hash = match self.strings.get(&id) {
            Some(&hash) => hash,
            None => {
                let text = reader
                    .generation()
                    .string(id)
                    .ok_or_else(|| Failure::new(format!("expected id {id} in string table")))?;
                let hash = hash_text(text);
                self.strings.insert(id, hash);
                hash
            }
        };
        self.number(hash);
        Ok(())
    }

    fn stack(&mut self, reader: &Reader, id: u64, present: bool) -> Result<(), Failure> {
        if !present {
            self.number(0);
            return Ok(());
        }
        let hash = match self.stacks.get(&id) {
            Some(&hash) => hash,
            None => {
                let generation = reader.generation();
                let frames = generation
                    .stack(id)
                    .ok_or_else(|| Failure::new(format!("expected id {id} in stack table")))?;
                let mut hash = 1;
                for frame in frames {
                    hash = mix(hash, frame.pc);
                    hash = mix(
                        hash,
                        hash_text(generation.string(frame.function).unwrap_or_default()),
                    );
                    hash = mix(
                        hash,
                        hash_text(generation.string(frame.file).unwrap_or_default()),
                    );
                    hash = mix(hash, frame.line);
                }
                self.stacks.insert(id, hash);
                hash
            }
        };
        self.number(hash);
        Ok(())
    }

    /// Adds the reader's current event. On failure the hash stays what it was.
    ///
    /// # Errors
    ///
    /// If the event refers to something that the trace does not have.
    pub fn add(&mut self, reader: &Reader) -> Result<(), Failure> {
        let before = self.value;
        let result = self.add_event(reader, reader.current());
        if result.is_err() {
            self.value = before;
        }
        result
    }

    fn add_event(&mut self, reader: &Reader, event: &Event) -> Result<(), Failure> {
        if self.generation != reader.generation().number {
            self.generation = reader.generation().number;
            self.stacks.clear();
            self.strings.clear();
        }
        let [first, second, third, _] = event.arguments;
        for value in [
            kind_number(event.kind),
            event.m as u64,
            event.p as u64,
            event.g as u64,
            event.time as u64,
        ] {
            self.number(value);
        }
        match event.kind {
            wire::SYNC_POINT => {
                if second == 1 {
                    reader.check_experiments()?;
                }
                self.number(first);
                if second == 1
                    && let Some(clock) = reader.generation().clock_snapshot()
                {
                    self.number(clock.trace as u64);
                    self.number(clock.monotonic);
                    let carried = clock.wall_nanoseconds.div_euclid(1_000_000_000);
                    self.number(clock.wall_seconds.wrapping_add(carried) as u64);
                    self.number(clock.wall_nanoseconds.rem_euclid(1_000_000_000) as u64);
                }
            }
            wire::PROCS_CHANGE | wire::HEAP_ALLOC | wire::HEAP_GOAL => {
                self.text(match event.kind {
                    wire::PROCS_CHANGE => b"/sched/gomaxprocs:threads",
                    wire::HEAP_ALLOC => b"/memory/classes/heap/objects:bytes",
                    _ => b"/gc/heap/goal:bytes",
                });
                self.number(first);
            }
            wire::GO_LABEL => {
                self.string(reader, first)?;
                self.number(event.g as u64);
            }
            wire::STW_BEGIN | wire::STW_END => {
                let kind = reader
                    .generation()
                    .string(first)
                    .ok_or_else(|| Failure::new(format!("expected id {first} in string table")))?;
                let name = [b"stop-the-world (", kind, b")"].concat();
                self.text(&name);
                self.number(event.g as u64);
            }
            wire::GC_BEGIN | wire::GC_ACTIVE | wire::GC_END => {
                self.text(b"GC concurrent mark phase");
                self.number(0);
            }
            wire::GC_SWEEP_BEGIN | wire::GC_SWEEP_ACTIVE | wire::GC_SWEEP_END => {
                self.text(b"GC incremental sweep");
                self.number(if event.kind == wire::GC_SWEEP_ACTIVE {
                    first
                } else {
                    event.p as u64
                });
                if event.kind == wire::GC_SWEEP_END {
                    self.number(first);
                    self.number(second);
                }
            }
            wire::GC_MARK_ASSIST_BEGIN | wire::GC_MARK_ASSIST_ACTIVE | wire::GC_MARK_ASSIST_END => {
                self.text(b"GC mark assist");
                self.number(if event.kind == wire::GC_MARK_ASSIST_ACTIVE {
                    first
                } else {
                    event.g as u64
                });
            }
            wire::USER_TASK_BEGIN => {
                self.number(first);
                self.number(second);
                self.string(reader, third)?;
            }
            wire::USER_TASK_END => {
                self.number(first);
                self.number(third);
                self.text(reader.ended_task_name(event));
            }
            wire::USER_REGION_BEGIN | wire::USER_REGION_END => {
                self.number(first);
                self.string(reader, second)?;
            }
            wire::USER_LOG => {
                self.number(first);
                self.string(reader, second)?;
                self.string(reader, third)?;
            }
            wire::CPU_SAMPLE => {}
            wire::SPAN..=wire::GOROUTINE_STACK_FREE => {
                let specification = &wire::SPECIFICATIONS[usize::from(event.kind)];
                self.text(specification.name.as_bytes());
                for index in 1..specification.arguments.len() {
                    self.number(event.arguments[index - 1]);
                }
            }
            _ => {
                if let Some(change) = event.go_transition() {
                    self.number(change.goroutine as u64);
                    self.number(change.from as u64);
                    self.number(change.to as u64);
                    self.string(reader, change.reason)?;
                    let created = matches!(event.kind, wire::GO_CREATE | wire::GO_CREATE_BLOCKED);
                    self.stack(reader, change.stack, change.stack != 0 || created)?;
                } else if let Some(change) = event.proc_transition() {
                    self.number(change.processor as u64);
                    self.number(change.from as u64);
                    self.number(change.to as u64);
                    self.text(b"");
                    self.number(0);
                }
            }
        }
        self.stack(
            reader,
            event.stack(),
            event.stack() != 0 || event.kind == wire::CPU_SAMPLE,
        )
    }
}
