//! What a goroutine waits for, and which other goroutines of the dump could end that.
//!
//! The state in the header names the operation. The object (a lock, a channel) is the first
//! argument of the frame that waits, where Go printed it without a question mark: with one, the
//! value may be stale. A goroutine that has the same object among its own arguments, and does not
//! itself wait for it, is one that can reach it.

use rustc_hash::FxHashMap;

use super::{Dump, Frame, FrameId, Goroutine, Report};

/// The operation that blocks a goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// `ch <- v`.
    ChannelSend,
    /// `<-ch` or `range ch`.
    ChannelReceive,
    /// Send to a nil channel: never ends.
    NilChannelSend,
    /// Receive from a nil channel: never ends.
    NilChannelReceive,
    /// `select` with cases.
    Select,
    /// `select {}`: never ends.
    SelectNoCases,
    /// `Mutex.Lock`.
    MutexLock,
    /// `RWMutex.Lock`.
    ReadWriteMutexLock,
    /// `RWMutex.RLock`.
    ReadWriteMutexReadLock,
    /// `WaitGroup.Wait`.
    WaitGroup,
    /// `Cond.Wait`.
    Condition,
    /// Another use of the runtime's semaphores.
    Semaphore,
    /// `time.Sleep`.
    Sleep,
    /// Network or file.
    Io,
    /// A system call, or C code.
    SystemCall,
    /// One of the runtime's own workers.
    Runtime,
}

impl Operation {
    /// For a reader: follows the word *waits*.
    pub fn describe(self) -> &'static str {
        match self {
            Operation::ChannelSend => "to send on a channel",
            Operation::ChannelReceive => "to receive from a channel",
            Operation::NilChannelSend => "to send on a nil channel, which never ends",
            Operation::NilChannelReceive => "to receive from a nil channel, which never ends",
            Operation::Select => "in a select",
            Operation::SelectNoCases => "in a select without cases, which never ends",
            Operation::MutexLock => "for a Mutex",
            Operation::ReadWriteMutexLock => "for the write lock of an RWMutex",
            Operation::ReadWriteMutexReadLock => "for a read lock of an RWMutex",
            Operation::WaitGroup => "for a WaitGroup",
            Operation::Condition => "for a Cond to be signalled",
            Operation::Semaphore => "for a semaphore of the runtime",
            Operation::Sleep => "in time.Sleep",
            Operation::Io => "for the network or a file",
            Operation::SystemCall => "for a system call or C code",
            Operation::Runtime => "as one of the runtime's own workers",
        }
    }

    /// What would wake it.
    pub fn woken_by(self) -> Option<&'static str> {
        Some(match self {
            Operation::ChannelSend => "a receive from the channel",
            Operation::ChannelReceive => "a send on the channel, or closing it",
            Operation::Select => "any of its cases",
            Operation::MutexLock => "Unlock by the holder",
            Operation::ReadWriteMutexLock => "Unlock or RUnlock by every holder",
            Operation::ReadWriteMutexReadLock => "Unlock by the writer",
            Operation::WaitGroup => "the last Done",
            Operation::Condition => "Signal or Broadcast",
            Operation::Semaphore => "a release of the semaphore",
            Operation::Sleep => "time",
            Operation::Io => "the other end, or a deadline",
            Operation::NilChannelSend
            | Operation::NilChannelReceive
            | Operation::SelectNoCases
            | Operation::SystemCall
            | Operation::Runtime => return None,
        })
    }

    /// Whether nothing in the program can ever end it.
    pub fn never_ends(self) -> bool {
        matches!(
            self,
            Operation::NilChannelSend | Operation::NilChannelReceive | Operation::SelectNoCases
        )
    }

    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Operation::ChannelSend => "channel-send",
            Operation::ChannelReceive => "channel-receive",
            Operation::NilChannelSend => "nil-channel-send",
            Operation::NilChannelReceive => "nil-channel-receive",
            Operation::Select => "select",
            Operation::SelectNoCases => "select-no-cases",
            Operation::MutexLock => "mutex-lock",
            Operation::ReadWriteMutexLock => "rwmutex-lock",
            Operation::ReadWriteMutexReadLock => "rwmutex-rlock",
            Operation::WaitGroup => "waitgroup-wait",
            Operation::Condition => "cond-wait",
            Operation::Semaphore => "semaphore",
            Operation::Sleep => "sleep",
            Operation::Io => "io",
            Operation::SystemCall => "system-call",
            Operation::Runtime => "runtime",
        }
    }
}

/// What one goroutine waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait {
    /// The operation.
    pub operation: Operation,
    /// The address of the lock, WaitGroup, Cond or channel, where the dump has it for certain.
    pub object: Option<u64>,
    /// The frame that waits: the first one outside the runtime and the packages that implement
    /// locks.
    pub at: Option<FrameId>,
}

/// What a frame says about waiting: found once for each frame, and looked at for each goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Role {
    /// The runtime's and the locks' own doing.
    #[default]
    Inner,
    /// A frame of somebody who waits.
    Caller,
    MutexLock,
    InternalMutexLock,
    ReadWriteMutexLock,
    ReadWriteMutexReadLock,
    WaitGroup,
    Condition,
    ChannelSend,
    ChannelReceive,
}

impl Role {
    pub(super) fn of(frame: &Frame<'_>) -> Role {
        match frame.function {
            "sync.(*Mutex).Lock" | "sync.(*Mutex).lockSlow" => Role::MutexLock,
            "internal/sync.(*Mutex).Lock" | "internal/sync.(*Mutex).lockSlow" => {
                Role::InternalMutexLock
            }
            "sync.(*RWMutex).Lock" => Role::ReadWriteMutexLock,
            "sync.(*RWMutex).RLock" => Role::ReadWriteMutexReadLock,
            "sync.(*WaitGroup).Wait" => Role::WaitGroup,
            "sync.(*Cond).Wait" => Role::Condition,
            "runtime.chansend" | "runtime.chansend1" => Role::ChannelSend,
            "runtime.chanrecv" | "runtime.chanrecv1" | "runtime.chanrecv2" => Role::ChannelReceive,
            _ if frame.runtime
                || matches!(
                    frame.package(),
                    "sync" | "internal/sync" | "internal/poll" | "time"
                ) =>
            {
                Role::Inner
            }
            _ => Role::Caller,
        }
    }
}

/// What a goroutine waits for; `None` if it runs, could run, or its state says nothing.
pub fn wait(report: &Report<'_>, goroutine: &Goroutine<'_>) -> Option<Wait> {
    let state = goroutine
        .state
        .strip_suffix(" (durable)")
        .unwrap_or(goroutine.state);
    let stack = report.stack(goroutine);
    let has = |role: Role| stack.iter().any(|call| report.role(call.frame) == role);
    let operation = match state {
        "chan send" => Operation::ChannelSend,
        "chan receive" => Operation::ChannelReceive,
        "chan send (nil chan)" => Operation::NilChannelSend,
        "chan receive (nil chan)" => Operation::NilChannelReceive,
        "select" => Operation::Select,
        "select (no cases)" => Operation::SelectNoCases,
        "sync.Mutex.Lock"
        | "sync.RWMutex.Lock"
        | "sync.RWMutex.RLock"
        | "sync.WaitGroup.Wait"
        | "semacquire" => {
            // RWMutex.Lock takes its Mutex first and shows that state; before Go 1.20 all of them
            // show `semacquire`.
            if has(Role::ReadWriteMutexLock) {
                Operation::ReadWriteMutexLock
            } else if state == "sync.RWMutex.RLock" || has(Role::ReadWriteMutexReadLock) {
                Operation::ReadWriteMutexReadLock
            } else if state == "sync.Mutex.Lock" || has(Role::MutexLock) {
                Operation::MutexLock
            } else if state == "sync.WaitGroup.Wait" || has(Role::WaitGroup) {
                Operation::WaitGroup
            } else if state == "sync.RWMutex.Lock" {
                Operation::ReadWriteMutexLock
            } else {
                Operation::Semaphore
            }
        }
        "sync.Cond.Wait" => Operation::Condition,
        "sleep" => Operation::Sleep,
        "IO wait" => Operation::Io,
        "syscall" => Operation::SystemCall,
        "force gc (idle)"
        | "GC sweep wait"
        | "GC scavenge wait"
        | "GC worker (idle)"
        | "GC worker (active)"
        | "finalizer wait"
        | "cleanup wait"
        | "GOMAXPROCS updater (idle)"
        | "trace reader (blocked)" => Operation::Runtime,
        _ => return None,
    };
    Some(Wait {
        operation,
        object: object(report, goroutine, operation),
        at: stack
            .iter()
            .map(|call| call.frame)
            .find(|&id| report.role(id) == Role::Caller)
            .or(stack.first().map(|call| call.frame)),
    })
}

fn object(report: &Report<'_>, goroutine: &Goroutine<'_>, operation: Operation) -> Option<u64> {
    let roles: &[Role] = match operation {
        Operation::MutexLock => &[Role::MutexLock, Role::InternalMutexLock],
        Operation::ReadWriteMutexLock => &[Role::ReadWriteMutexLock],
        Operation::ReadWriteMutexReadLock => &[Role::ReadWriteMutexReadLock],
        Operation::WaitGroup => &[Role::WaitGroup],
        Operation::Condition => &[Role::Condition],
        Operation::ChannelSend => &[Role::ChannelSend],
        Operation::ChannelReceive => &[Role::ChannelReceive],
        _ => return None,
    };
    report
        .stack(goroutine)
        .iter()
        .filter(|call| roles.contains(&report.role(call.frame)))
        .find_map(|call| {
            addresses(call.arguments)
                .next()
                .filter(|_| certain_first(call.arguments))
        })
}

/// Whether the first argument is there and known for certain.
fn certain_first(arguments: &str) -> bool {
    arguments
        .split(',')
        .next()
        .is_some_and(|first| first.starts_with("0x") && !first.ends_with('?'))
}

/// The arguments that can be addresses and are certain.
pub(super) fn addresses(arguments: &str) -> impl Iterator<Item = u64> {
    let bytes = arguments.as_bytes();
    memchr::memchr_iter(b'x', bytes).filter_map(move |at| {
        let before = at.checked_sub(2).map(|before| bytes[before]);
        if at == 0
            || bytes[at - 1] != b'0'
            || !matches!(before, None | Some(b',' | b' ' | b'{' | b'}'))
        {
            return None;
        }
        let mut value = 0u64;
        let mut digits = 0;
        for &byte in &bytes[at + 1..] {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b',' | b' ' | b'{' | b'}' => break,
                // A question mark: it may be stale. Anything else is no address.
                _ => return None,
            };
            digits += 1;
            value = value << 4 | u64::from(digit);
        }
        // Shorter ones are small numbers.
        (5..=16).contains(&digits).then_some(value)
    })
}

/// What some goroutines of a dump wait for, and who could end that.
pub struct Waits {
    waits: FxHashMap<usize, Wait>,
    /// For each object that one of them waits for: the goroutines that have it among their arguments
    /// and do not wait for it.
    reach: FxHashMap<u64, Vec<u32>>,
}

impl Waits {
    /// Finds it for the goroutines with these indices.
    pub fn find(
        report: &Report<'_>,
        dump: &Dump<'_>,
        goroutines: impl IntoIterator<Item = usize>,
    ) -> Waits {
        let waits: FxHashMap<usize, Wait> = goroutines
            .into_iter()
            .filter_map(|index| Some((index, wait(report, &dump.goroutines[index])?)))
            .collect();
        let mut reach: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
        reach.extend(
            waits
                .values()
                .filter_map(|wait| Some((wait.object?, Vec::new()))),
        );
        if !reach.is_empty() {
            for (index, goroutine) in (0..).zip(&dump.goroutines) {
                find_reached(report, goroutine, index, &mut reach);
            }
        }
        Waits { waits, reach }
    }

    /// What the goroutine with this index waits for; `None` if it runs, could run, or its state says
    /// nothing.
    pub fn wait(&self, goroutine: usize) -> Option<&Wait> {
        self.waits.get(&goroutine)
    }

    /// The indices of the goroutines that have the same object among their arguments and do not wait
    /// for it.
    pub fn wakers(&self, goroutine: usize) -> &[u32] {
        self.wait(goroutine)
            .and_then(|wait| self.reach.get(&wait.object?))
            .map_or(&[], Vec::as_slice)
    }
}

fn find_reached(
    report: &Report<'_>,
    goroutine: &Goroutine<'_>,
    index: u32,
    reach: &mut FxHashMap<u64, Vec<u32>>,
) {
    let mut own = None;
    for call in report.stack(goroutine) {
        for address in addresses(call.arguments) {
            let Some(known) = reach.get_mut(&address) else {
                continue;
            };
            if known.len() >= MOST_REACHING || known.last() == Some(&index) {
                continue;
            }
            // Looked up only here: nearly all goroutines have none of the objects.
            let own = *own.get_or_insert_with(|| wait(report, goroutine).and_then(|w| w.object));
            if own != Some(address) {
                known.push(index);
            }
        }
    }
}

/// So many goroutines that reach one object are named.
const MOST_REACHING: usize = 16;
