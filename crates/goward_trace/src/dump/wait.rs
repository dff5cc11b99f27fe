//! What a goroutine waits for, and which other goroutines of the dump could end that.
//!
//! The state in the header names the operation. The object (a lock, a channel) is the first
//! argument of the frame that waits, where Go printed it without a question mark: with one, the
//! value may be stale. A goroutine that has the same object among its own arguments, and does not
//! itself wait for it, is one that can reach it.

use rustc_hash::FxHashMap;

use super::{Dump, FrameId, Goroutine, Report};

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

/// What a goroutine waits for; `None` if it runs, could run, or its state says nothing.
pub fn wait(report: &Report<'_>, goroutine: &Goroutine<'_>) -> Option<Wait> {
    let state = goroutine
        .state
        .strip_suffix(" (durable)")
        .unwrap_or(goroutine.state);
    let stack = report.stack(goroutine);
    let has = |name: &str| {
        stack
            .iter()
            .any(|call| report.frame(call.frame).function == name)
    };
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
            if has("sync.(*RWMutex).Lock") {
                Operation::ReadWriteMutexLock
            } else if state == "sync.RWMutex.RLock" || has("sync.(*RWMutex).RLock") {
                Operation::ReadWriteMutexReadLock
            } else if state == "sync.Mutex.Lock"
                || has("sync.(*Mutex).Lock")
                || has("sync.(*Mutex).lockSlow")
            {
                Operation::MutexLock
            } else if state == "sync.WaitGroup.Wait" || has("sync.(*WaitGroup).Wait") {
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
            .find(|&id| {
                let frame = report.frame(id);
                !frame.runtime
                    && !matches!(
                        frame.package(),
                        "sync" | "internal/sync" | "internal/poll" | "time"
                    )
            })
            .or(stack.first().map(|call| call.frame)),
    })
}

fn object(report: &Report<'_>, goroutine: &Goroutine<'_>, operation: Operation) -> Option<u64> {
    let functions: &[&str] = match operation {
        Operation::MutexLock => &[
            "sync.(*Mutex).Lock",
            "sync.(*Mutex).lockSlow",
            "internal/sync.(*Mutex).Lock",
            "internal/sync.(*Mutex).lockSlow",
        ],
        Operation::ReadWriteMutexLock => &["sync.(*RWMutex).Lock"],
        Operation::ReadWriteMutexReadLock => &["sync.(*RWMutex).RLock"],
        Operation::WaitGroup => &["sync.(*WaitGroup).Wait"],
        Operation::Condition => &["sync.(*Cond).Wait"],
        Operation::ChannelSend => &["runtime.chansend", "runtime.chansend1"],
        Operation::ChannelReceive => {
            &["runtime.chanrecv", "runtime.chanrecv1", "runtime.chanrecv2"]
        }
        _ => return None,
    };
    report
        .stack(goroutine)
        .iter()
        .filter(|call| functions.contains(&report.frame(call.frame).function))
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
    arguments
        .split([',', ' ', '{', '}'])
        .filter(|word| word.len() > 6 && !word.ends_with('?'))
        .filter_map(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok())
}

/// For each goroutine of a dump: what it waits for, and the indices of the goroutines that have
/// the same object among their arguments and do not wait for it.
pub fn waits(report: &Report<'_>, dump: &Dump<'_>) -> Vec<(Option<Wait>, Vec<u32>)> {
    let mut waits: Vec<(Option<Wait>, Vec<u32>)> = dump
        .goroutines
        .iter()
        .map(|goroutine| (wait(report, goroutine), Vec::new()))
        .collect();
    let mut reach: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
    for object in waits.iter().filter_map(|(wait, _)| wait.as_ref()?.object) {
        reach.entry(object).or_default();
    }
    if reach.is_empty() {
        return waits;
    }
    for (index, goroutine) in dump.goroutines.iter().enumerate() {
        let own = waits[index].0.and_then(|wait| wait.object);
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        for call in report.stack(goroutine) {
            for address in addresses(call.arguments) {
                if Some(address) != own
                    && let Some(known) = reach.get_mut(&address)
                    && known.last() != Some(&index)
                    && known.len() < MOST_REACHING
                {
                    known.push(index);
                }
            }
        }
    }
    for (wait, wakers) in &mut waits {
        if let Some(known) = wait
            .and_then(|wait| wait.object)
            .and_then(|object| reach.get(&object))
        {
            wakers.clone_from(known);
        }
    }
    waits
}

/// So many goroutines that reach one object are named.
const MOST_REACHING: usize = 16;
