//! Reader of `profile.proto`, the format of Go's profiles: goroutine, goroutineleak, heap, block,
//! mutex, CPU.
//!
//! Decoded by hand rather than by a generated reader: a profile of unique labels has millions of
//! tiny messages, and a vector for each would take ten times the file. Samples, stacks and labels
//! are ranges of flat vectors here.

mod text;
pub mod top;
mod wire;

use std::ops::Range;

use rustc_hash::FxHashMap;

pub use text::read_text;
pub use wire::{Error, read};

/// What a profile counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Goroutines by stack.
    Goroutine,
    /// Goroutines that Go's leak detector (1.26) found blocked for ever.
    GoroutineLeak,
    /// Allocations, live and total.
    Heap,
    /// Time blocked on channels and locks.
    Block,
    /// Time that others waited for locks.
    Mutex,
    /// One of the two: they have the same columns, and this one has no samples that tell.
    BlockOrMutex,
    /// CPU time.
    Cpu,
    /// Something else.
    Other,
}

impl Kind {
    /// For a reader.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Goroutine => "goroutine",
            Kind::GoroutineLeak => "goroutineleak",
            Kind::Heap => "heap",
            Kind::Block => "block",
            Kind::Mutex => "mutex",
            Kind::BlockOrMutex => "block or mutex",
            Kind::Cpu => "cpu",
            Kind::Other => "other",
        }
    }
}

/// One column of values.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ValueType {
    /// What is counted, such as `inuse_space`.
    pub name: String,
    /// The unit, such as `bytes`.
    pub unit: String,
}

/// A function at a line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Line {
    /// Index into [`Profile::functions`].
    pub function: u32,
    /// The line, 0 if unknown.
    pub line: u32,
}

/// A function.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Function {
    /// Its name, such as `main.(*cache).add`.
    pub name: String,
    /// Its file.
    pub file: String,
}

/// One sample: a stack, a value per column, labels.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Index into [`Profile::stacks`].
    pub stack: u32,
    /// Range of [`Profile::labels`].
    pub labels: Range<u32>,
}

/// A profile.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The columns.
    pub types: Vec<ValueType>,
    /// The functions.
    pub functions: Vec<Function>,
    /// Lines of all stacks, one after the other, newest frame first.
    pub lines: Vec<Line>,
    /// The different stacks as ranges of [`Profile::lines`].
    pub stacks: Vec<Range<u32>>,
    /// The samples.
    pub samples: Vec<Sample>,
    /// The values of all samples, `types.len()` each.
    pub values: Vec<i64>,
    /// Labels: name and value as indices into [`Profile::strings`], or a number.
    pub labels: Vec<(u32, Label)>,
    /// The string table, for labels.
    pub strings: Vec<String>,
    /// When it was taken, in nanoseconds since 1970; 0 if unknown.
    pub time_nanos: i64,
    /// For how long it was taken, in nanoseconds.
    pub duration_nanos: i64,
    /// The column that is shown by default, if the profile names one.
    pub default_type: Option<String>,
}

/// The value of a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Label {
    /// Index into [`Profile::strings`].
    Text(u32),
    /// A number.
    Number(i64),
}

impl Profile {
    /// What the profile counts, from the names of its columns, and where these are the same, from
    /// the functions that were sampled.
    pub fn kind(&self) -> Kind {
        let has = |name: &str| self.types.iter().any(|column| column.name == name);
        if has("goroutine") {
            Kind::Goroutine
        } else if has("goroutineleak") {
            Kind::GoroutineLeak
        } else if has("inuse_space") || has("alloc_space") {
            Kind::Heap
        } else if has("contentions") {
            self.block_or_mutex()
        } else if has("cpu") {
            Kind::Cpu
        } else {
            Kind::Other
        }
    }

    /// A block profile counts where goroutines began to wait, a mutex profile where others let them
    /// go on: the newest frame is `Lock`, a channel operation, `Wait` there and `Unlock` here.
    fn block_or_mutex(&self) -> Kind {
        let mut newest = self.samples.iter().filter_map(|sample| {
            let line = self.stack(sample.stack).first()?;
            Some(self.functions.get(line.function as usize)?.name.as_str())
        });
        let gives_back = |function: &str| {
            let name = function.rsplit('.').next().unwrap_or(function);
            // The last counts what was lost of locks of the runtime.
            ["Unlock", "RUnlock", "unlock", "runlock"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                || name == "_LostContendedRuntimeLock"
        };
        match newest.next() {
            None => Kind::BlockOrMutex,
            Some(first) if gives_back(first) || newest.any(gives_back) => Kind::Mutex,
            Some(_) => Kind::Block,
        }
    }

    /// The index of a column by name; without a name the profile's default, else the last one,
    /// as `go tool pprof` does.
    pub fn column(&self, name: Option<&str>) -> Option<usize> {
        let find = |name: &str| self.types.iter().position(|column| column.name == name);
        match name {
            Some(name) => find(name),
            None => self
                .default_type
                .as_deref()
                .and_then(find)
                .or(self.types.len().checked_sub(1)),
        }
    }

    /// The frames of a stack, newest first.
    pub fn stack(&self, stack: u32) -> &[Line] {
        let range = &self.stacks[stack as usize];
        &self.lines[range.start as usize..range.end as usize]
    }

    /// The value of a sample in a column.
    pub fn value(&self, sample: usize, column: usize) -> i64 {
        self.values
            .get(sample * self.types.len() + column)
            .copied()
            .unwrap_or(0)
    }

    /// The function of a frame.
    pub fn function(&self, line: Line) -> &Function {
        &self.functions[line.function as usize]
    }

    /// Stacks with their summed value in a column, in the order of their first sample.
    pub fn by_stack(&self, column: usize) -> Vec<(u32, i64)> {
        let mut index: FxHashMap<u32, usize> = FxHashMap::default();
        let mut sums: Vec<(u32, i64)> = Vec::new();
        for (number, sample) in self.samples.iter().enumerate() {
            let at = *index.entry(sample.stack).or_insert_with(|| {
                sums.push((sample.stack, 0));
                sums.len() - 1
            });
            sums[at].1 = sums[at].1.saturating_add(self.value(number, column));
        }
        sums
    }
}
