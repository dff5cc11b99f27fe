//! The wire format of an execution trace: event types, their arguments, and variable-length
//! integers.
//!
//! The table follows `$GOROOT/src/internal/trace/tracev2/events.go` of Go 1.26. One table serves
//! every version since 1.22: as Go's own reader does, a newer event in an older trace is accepted.

/// A wire event type: the byte that opens an event.
pub type EventType = u8;

pub const EVENT_BATCH: EventType = 1;
pub const STACKS: EventType = 2;
pub const STACK: EventType = 3;
pub const STRINGS: EventType = 4;
pub const STRING: EventType = 5;
pub const CPU_SAMPLES: EventType = 6;
pub const CPU_SAMPLE: EventType = 7;
pub const FREQUENCY: EventType = 8;
pub const PROCS_CHANGE: EventType = 9;
pub const PROC_START: EventType = 10;
pub const PROC_STOP: EventType = 11;
pub const PROC_STEAL: EventType = 12;
pub const PROC_STATUS: EventType = 13;
pub const GO_CREATE: EventType = 14;
pub const GO_CREATE_SYSCALL: EventType = 15;
pub const GO_START: EventType = 16;
pub const GO_DESTROY: EventType = 17;
pub const GO_DESTROY_SYSCALL: EventType = 18;
pub const GO_STOP: EventType = 19;
pub const GO_BLOCK: EventType = 20;
pub const GO_UNBLOCK: EventType = 21;
pub const GO_SYSCALL_BEGIN: EventType = 22;
pub const GO_SYSCALL_END: EventType = 23;
pub const GO_SYSCALL_END_BLOCKED: EventType = 24;
pub const GO_STATUS: EventType = 25;
pub const STW_BEGIN: EventType = 26;
pub const STW_END: EventType = 27;
pub const GC_ACTIVE: EventType = 28;
pub const GC_BEGIN: EventType = 29;
pub const GC_END: EventType = 30;
pub const GC_SWEEP_ACTIVE: EventType = 31;
pub const GC_SWEEP_BEGIN: EventType = 32;
pub const GC_SWEEP_END: EventType = 33;
pub const GC_MARK_ASSIST_ACTIVE: EventType = 34;
pub const GC_MARK_ASSIST_BEGIN: EventType = 35;
pub const GC_MARK_ASSIST_END: EventType = 36;
pub const HEAP_ALLOC: EventType = 37;
pub const HEAP_GOAL: EventType = 38;
pub const GO_LABEL: EventType = 39;
pub const USER_TASK_BEGIN: EventType = 40;
pub const USER_TASK_END: EventType = 41;
pub const USER_REGION_BEGIN: EventType = 42;
pub const USER_REGION_END: EventType = 43;
pub const USER_LOG: EventType = 44;
pub const GO_SWITCH: EventType = 45;
pub const GO_SWITCH_DESTROY: EventType = 46;
pub const GO_CREATE_BLOCKED: EventType = 47;
pub const GO_STATUS_STACK: EventType = 48;
pub const EXPERIMENTAL_BATCH: EventType = 49;
pub const SYNC: EventType = 50;
pub const CLOCK_SNAPSHOT: EventType = 51;
pub const END_OF_GENERATION: EventType = 52;
/// First event of the allocation experiment (Go 1.23 and later, `GODEBUG=traceallocfree=1`).
pub const SPAN: EventType = 128;
/// Last event of the allocation experiment.
pub const GOROUTINE_STACK_FREE: EventType = 136;
/// Not on the wire: the event that this reader puts before, between and after generations.
pub const SYNC_POINT: EventType = 255;

/// The largest batch that any Go version writes, in bytes.
pub const MAX_BATCH_SIZE: u64 = 64 << 10;
/// The most frames of one stack.
pub const MAX_FRAMES: u64 = 128;
/// The longest string, in bytes.
pub const MAX_STRING_SIZE: u64 = 1 << 10;

/// The experiments that Go knows, by number.
pub const EXPERIMENTS: [&str; 2] = ["None", "AllocFree"];

/// What is known of one event type.
#[derive(Clone, Copy)]
pub struct Specification {
    /// The name in Go's text form, empty for a number that is not used.
    pub name: &'static str,
    /// The arguments on the wire, in order; the first is `dt` for timed events.
    pub arguments: &'static [&'static str],
    /// Whether the event belongs into an event batch and carries a time.
    pub timed: bool,
    /// Positions in the event's arguments (without `dt`) that are stack numbers; the first is the
    /// stack of the goroutine that runs the event. 255 where there is none.
    pub stacks: [u8; 2],
    /// Positions that are string numbers; 255 where there is none.
    pub strings: [u8; 2],
    /// The event that opens the range which this one ends or continues, or 0.
    pub starts_with: EventType,
}

const UNUSED: Specification = Specification {
    name: "",
    arguments: &[],
    timed: false,
    stacks: [255; 2],
    strings: [255; 2],
    starts_with: 0,
};

const fn structural(name: &'static str, arguments: &'static [&'static str]) -> Specification {
    Specification {
        name,
        arguments,
        ..UNUSED
    }
}

const fn timed(name: &'static str, arguments: &'static [&'static str]) -> Specification {
    Specification {
        name,
        arguments,
        timed: true,
        ..UNUSED
    }
}

impl Specification {
    const fn stack(mut self, position: u8) -> Self {
        self.stacks[0] = position;
        self
    }
    const fn second_stack(mut self, position: u8) -> Self {
        self.stacks[1] = position;
        self
    }
    const fn string(mut self, position: u8) -> Self {
        self.strings[0] = position;
        self
    }
    const fn second_string(mut self, position: u8) -> Self {
        self.strings[1] = position;
        self
    }
    const fn ends(mut self, start: EventType) -> Self {
        self.starts_with = start;
        self
    }
}

/// Every event type; indexed by the type's number.
pub static SPECIFICATIONS: [Specification; 256] = specifications();

const fn specifications() -> [Specification; 256] {
    let mut all = [UNUSED; 256];
    all[EVENT_BATCH as usize] = structural("EventBatch", &["gen", "m", "time", "size"]);
    all[STACKS as usize] = structural("Stacks", &[]);
    all[STACK as usize] = structural("Stack", &["id", "nframes"]);
    all[STRINGS as usize] = structural("Strings", &[]);
    all[STRING as usize] = structural("String", &["id"]);
    all[CPU_SAMPLES as usize] = structural("CPUSamples", &[]);
    // Go's reader keeps the sample's stack in the first argument but checks the fourth, which is
    // always zero there: the number is not checked until it is used.
    all[CPU_SAMPLE as usize] = structural("CPUSample", &["time", "m", "p", "g", "stack"]).stack(0);
    all[FREQUENCY as usize] = structural("Frequency", &["freq"]);
    all[EXPERIMENTAL_BATCH as usize] =
        structural("ExperimentalBatch", &["exp", "gen", "m", "time"]);
    all[SYNC as usize] = structural("Sync", &[]);
    all[END_OF_GENERATION as usize] = structural("EndOfGeneration", &[]);

    all[PROCS_CHANGE as usize] = timed("ProcsChange", &["dt", "procs_value", "stack"]).stack(1);
    all[PROC_START as usize] = timed("ProcStart", &["dt", "p", "p_seq"]);
    all[PROC_STOP as usize] = timed("ProcStop", &["dt"]);
    all[PROC_STEAL as usize] = timed("ProcSteal", &["dt", "p", "p_seq", "m"]);
    all[PROC_STATUS as usize] = timed("ProcStatus", &["dt", "p", "pstatus"]);
    all[GO_CREATE as usize] = timed("GoCreate", &["dt", "new_g", "new_stack", "stack"])
        .stack(2)
        .second_stack(1);
    all[GO_CREATE_SYSCALL as usize] = timed("GoCreateSyscall", &["dt", "new_g"]);
    all[GO_START as usize] = timed("GoStart", &["dt", "g", "g_seq"]);
    all[GO_DESTROY as usize] = timed("GoDestroy", &["dt"]);
    all[GO_DESTROY_SYSCALL as usize] = timed("GoDestroySyscall", &["dt"]);
    all[GO_STOP as usize] = timed("GoStop", &["dt", "reason_string", "stack"])
        .stack(1)
        .string(0);
    all[GO_BLOCK as usize] = timed("GoBlock", &["dt", "reason_string", "stack"])
        .stack(1)
        .string(0);
    all[GO_UNBLOCK as usize] = timed("GoUnblock", &["dt", "g", "g_seq", "stack"]).stack(2);
    all[GO_SYSCALL_BEGIN as usize] = timed("GoSyscallBegin", &["dt", "p_seq", "stack"]).stack(1);
    all[GO_SYSCALL_END as usize] = timed("GoSyscallEnd", &["dt"]).ends(GO_SYSCALL_BEGIN);
    all[GO_SYSCALL_END_BLOCKED as usize] =
        timed("GoSyscallEndBlocked", &["dt"]).ends(GO_SYSCALL_BEGIN);
    all[GO_STATUS as usize] = timed("GoStatus", &["dt", "g", "m", "gstatus"]);
    all[STW_BEGIN as usize] = timed("STWBegin", &["dt", "kind_string", "stack"])
        .stack(1)
        .string(0);
    all[STW_END as usize] = timed("STWEnd", &["dt"]).ends(STW_BEGIN);
    all[GC_ACTIVE as usize] = timed("GCActive", &["dt", "gc_seq"]).ends(GC_BEGIN);
    all[GC_BEGIN as usize] = timed("GCBegin", &["dt", "gc_seq", "stack"]).stack(1);
    all[GC_END as usize] = timed("GCEnd", &["dt", "gc_seq"]).ends(GC_BEGIN);
    all[GC_SWEEP_ACTIVE as usize] = timed("GCSweepActive", &["dt", "p"]).ends(GC_SWEEP_BEGIN);
    all[GC_SWEEP_BEGIN as usize] = timed("GCSweepBegin", &["dt", "stack"]).stack(0);
    all[GC_SWEEP_END as usize] =
        timed("GCSweepEnd", &["dt", "swept_value", "reclaimed_value"]).ends(GC_SWEEP_BEGIN);
    all[GC_MARK_ASSIST_ACTIVE as usize] =
        timed("GCMarkAssistActive", &["dt", "g"]).ends(GC_MARK_ASSIST_BEGIN);
    all[GC_MARK_ASSIST_BEGIN as usize] = timed("GCMarkAssistBegin", &["dt", "stack"]).stack(0);
    all[GC_MARK_ASSIST_END as usize] = timed("GCMarkAssistEnd", &["dt"]).ends(GC_MARK_ASSIST_BEGIN);
    all[HEAP_ALLOC as usize] = timed("HeapAlloc", &["dt", "heapalloc_value"]);
    all[HEAP_GOAL as usize] = timed("HeapGoal", &["dt", "heapgoal_value"]);
    all[GO_LABEL as usize] = timed("GoLabel", &["dt", "label_string"]).string(0);
    all[USER_TASK_BEGIN as usize] = timed(
        "UserTaskBegin",
        &["dt", "task", "parent_task", "name_string", "stack"],
    )
    .stack(3)
    .string(2);
    all[USER_TASK_END as usize] = timed("UserTaskEnd", &["dt", "task", "stack"]).stack(1);
    all[USER_REGION_BEGIN as usize] =
        timed("UserRegionBegin", &["dt", "task", "name_string", "stack"])
            .stack(2)
            .string(1);
    all[USER_REGION_END as usize] = timed("UserRegionEnd", &["dt", "task", "name_string", "stack"])
        .stack(2)
        .string(1)
        .ends(USER_REGION_BEGIN);
    all[USER_LOG as usize] = timed(
        "UserLog",
        &["dt", "task", "key_string", "value_string", "stack"],
    )
    .stack(3)
    .string(1)
    .second_string(2);
    all[GO_SWITCH as usize] = timed("GoSwitch", &["dt", "g", "g_seq"]);
    all[GO_SWITCH_DESTROY as usize] = timed("GoSwitchDestroy", &["dt", "g", "g_seq"]);
    all[GO_CREATE_BLOCKED as usize] =
        timed("GoCreateBlocked", &["dt", "new_g", "new_stack", "stack"])
            .stack(2)
            .second_stack(1);
    all[GO_STATUS_STACK as usize] =
        timed("GoStatusStack", &["dt", "g", "m", "gstatus", "stack"]).stack(3);
    all[CLOCK_SNAPSHOT as usize] = timed("ClockSnapshot", &["dt", "mono", "sec", "nsec"]);

    all[SPAN as usize] = timed("Span", &["dt", "id", "npages_value", "kindclass"]);
    all[SPAN as usize + 1] = timed("SpanAlloc", &["dt", "id", "npages_value", "kindclass"]);
    all[SPAN as usize + 2] = timed("SpanFree", &["dt", "id"]);
    all[SPAN as usize + 3] = timed("HeapObject", &["dt", "id", "type"]);
    all[SPAN as usize + 4] = timed("HeapObjectAlloc", &["dt", "id", "type"]);
    all[SPAN as usize + 5] = timed("HeapObjectFree", &["dt", "id"]);
    all[SPAN as usize + 6] = timed("GoroutineStack", &["dt", "id", "order"]);
    all[SPAN as usize + 7] = timed("GoroutineStackAlloc", &["dt", "id", "order"]);
    all[SPAN as usize + 8] = timed("GoroutineStackFree", &["dt", "id"]);
    all
}

/// The trace versions that this reader knows: the Go releases that changed the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    Go122,
    Go123,
    Go125,
    Go126,
}

impl Version {
    /// The minor number in the file's header.
    pub fn number(self) -> u32 {
        match self {
            Version::Go122 => 22,
            Version::Go123 => 23,
            Version::Go125 => 25,
            Version::Go126 => 26,
        }
    }

    /// The version with this minor number, if this reader knows it.
    pub fn from_number(number: u32) -> Option<Version> {
        [
            Version::Go122,
            Version::Go123,
            Version::Go125,
            Version::Go126,
        ]
        .into_iter()
        .find(|version| version.number() == number)
    }

    /// One past the largest event number that this version defines; larger ones are unknown to its
    /// text form (but not to the reader, see the module's comment).
    pub fn event_types(self) -> usize {
        match self {
            Version::Go122 => USER_LOG as usize + 1,
            Version::Go123 => EXPERIMENTAL_BATCH as usize + 1,
            Version::Go125 => CLOCK_SNAPSHOT as usize + 1,
            Version::Go126 => GOROUTINE_STACK_FREE as usize + 1,
        }
    }
}

/// Why a variable-length integer could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarintError {
    /// There was no byte at all.
    Empty,
    /// The bytes ended within the integer.
    Cut,
    /// The integer does not fit 64 bits.
    Overflow,
}

impl VarintError {
    /// What Go's `encoding/binary` says of it.
    pub fn text(self) -> &'static str {
        match self {
            VarintError::Empty => "EOF",
            VarintError::Cut => "unexpected EOF",
            VarintError::Overflow => "binary: varint overflows a 64-bit integer",
        }
    }
}

/// Reads an unsigned variable-length integer at `*position` and moves the position behind it.
#[inline]
pub fn varint(bytes: &[u8], position: &mut usize) -> Result<u64, VarintError> {
    match bytes.get(*position) {
        Some(&byte) if byte < 0x80 => {
            *position += 1;
            Ok(u64::from(byte))
        }
        Some(_) => long_varint(bytes, position),
        None => Err(VarintError::Empty),
    }
}

fn long_varint(bytes: &[u8], position: &mut usize) -> Result<u64, VarintError> {
    let mut value = 0u64;
    for index in 0..10 {
        let Some(&byte) = bytes.get(*position + index) else {
            return Err(VarintError::Cut);
        };
        if byte < 0x80 {
            if index == 9 && byte > 1 {
                return Err(VarintError::Overflow);
            }
            *position += index + 1;
            return Ok(value | u64::from(byte) << (7 * index));
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
    }
    Err(VarintError::Overflow)
}
