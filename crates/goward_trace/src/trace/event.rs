//! What the reader hands out: events in order, each with the state that it found.

use super::wire::{self, EventType};

/// 'No thread', 'no processor' and 'no goroutine' in an event's context.
pub const NONE: i64 = -1;

/// 'No task': the parent of a task that has none.
pub const NO_TASK: u64 = u64::MAX;

/// One event, in the order in which things happened.
///
/// The context (`m`, `p`, `g`) is the one *before* the event, as in Go's reader: at a goroutine's
/// start `g` is still [`NONE`]. Arguments are those on the wire without the time; string and stack
/// numbers belong to the event's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds of the trace's clock; strictly increasing over the whole trace.
    pub time: i64,
    pub m: i64,
    pub p: i64,
    pub g: i64,
    pub arguments: [u64; 4],
    /// A wire type of [`super::wire`], or [`wire::SYNC_POINT`].
    pub kind: EventType,
}

impl Default for Event {
    fn default() -> Self {
        Event {
            time: 0,
            m: NONE,
            p: NONE,
            g: NONE,
            arguments: [0; 4],
            kind: wire::SYNC_POINT,
        }
    }
}

/// The state of a goroutine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum GoState {
    /// Nothing is known yet.
    Undetermined,
    /// It does not exist.
    NotExist,
    Runnable,
    Running,
    Waiting,
    Syscall,
}

impl GoState {
    /// Go's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            GoState::Undetermined => "Undetermined",
            GoState::NotExist => "NotExist",
            GoState::Runnable => "Runnable",
            GoState::Running => "Running",
            GoState::Waiting => "Waiting",
            GoState::Syscall => "Syscall",
        }
    }

    /// The state behind a status number on the wire (1 runnable, 2 running, 3 syscall, 4 waiting).
    pub(crate) fn of_status(status: u8) -> Option<GoState> {
        [
            GoState::Undetermined,
            GoState::Runnable,
            GoState::Running,
            GoState::Syscall,
            GoState::Waiting,
        ]
        .get(usize::from(status))
        .copied()
    }

    pub(crate) fn of_number(number: u64) -> GoState {
        [
            GoState::Undetermined,
            GoState::NotExist,
            GoState::Runnable,
            GoState::Running,
            GoState::Waiting,
            GoState::Syscall,
        ]
        .get(number as usize)
        .copied()
        .unwrap_or(GoState::Undetermined)
    }
}

/// The state of a processor (a P: the right to run Go code).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ProcState {
    Undetermined,
    NotExist,
    Running,
    Idle,
}

impl ProcState {
    /// Go's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            ProcState::Undetermined => "Undetermined",
            ProcState::NotExist => "NotExist",
            ProcState::Running => "Running",
            ProcState::Idle => "Idle",
        }
    }

    /// The state behind a status number on the wire (1 running, 2 idle, 3 syscall, 4 abandoned in
    /// a syscall).
    pub(crate) fn of_status(status: u64) -> Option<ProcState> {
        [
            ProcState::Undetermined,
            ProcState::Running,
            ProcState::Idle,
            ProcState::Running,
            ProcState::Idle,
        ]
        .get(usize::try_from(status).ok()?)
        .copied()
    }

    pub(crate) fn of_number(number: u64) -> ProcState {
        [
            ProcState::Undetermined,
            ProcState::NotExist,
            ProcState::Running,
            ProcState::Idle,
        ]
        .get(number as usize)
        .copied()
        .unwrap_or(ProcState::Undetermined)
    }
}

/// A change of state of a goroutine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoTransition {
    pub goroutine: i64,
    pub from: GoState,
    pub to: GoState,
    /// String number of the reason, 0 for none.
    pub reason: u64,
    /// Stack number of the goroutine that changes (not of the one that causes it), 0 for none.
    pub stack: u64,
}

/// A change of state of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcTransition {
    pub processor: i64,
    pub from: ProcState,
    pub to: ProcState,
}

impl Event {
    /// The number of the stack of the goroutine that ran the event; 0 for none.
    #[inline]
    pub fn stack(&self) -> u64 {
        match wire::SPECIFICATIONS[usize::from(self.kind)].stacks[0] {
            255 => 0,
            position => self.arguments[usize::from(position)],
        }
    }

    /// The change of a goroutine's state that this event is, if it is one.
    #[inline]
    pub fn go_transition(&self) -> Option<GoTransition> {
        let [first, second, third, _] = self.arguments;
        let named = |from, to, stack| GoTransition {
            goroutine: first as i64,
            from,
            to,
            reason: 0,
            stack,
        };
        let own = |from, to, reason, stack| GoTransition {
            goroutine: self.g,
            from,
            to,
            reason,
            stack,
        };
        Some(match self.kind {
            wire::GO_CREATE => named(GoState::NotExist, GoState::Runnable, second),
            wire::GO_CREATE_BLOCKED => named(GoState::NotExist, GoState::Waiting, second),
            wire::GO_CREATE_SYSCALL => named(GoState::NotExist, GoState::Syscall, 0),
            wire::GO_START => named(GoState::Runnable, GoState::Running, 0),
            wire::GO_UNBLOCK | wire::GO_SWITCH | wire::GO_SWITCH_DESTROY => {
                named(GoState::Waiting, GoState::Runnable, 0)
            }
            wire::GO_DESTROY => own(GoState::Running, GoState::NotExist, 0, 0),
            wire::GO_DESTROY_SYSCALL => own(GoState::Syscall, GoState::NotExist, 0, 0),
            wire::GO_STOP => own(GoState::Running, GoState::Runnable, first, second),
            wire::GO_BLOCK => own(GoState::Running, GoState::Waiting, first, second),
            wire::GO_SYSCALL_BEGIN => own(GoState::Running, GoState::Syscall, 0, second),
            wire::GO_SYSCALL_END => own(GoState::Syscall, GoState::Running, 0, 0),
            wire::GO_SYSCALL_END_BLOCKED => own(GoState::Syscall, GoState::Runnable, 0, 0),
            wire::GO_STATUS | wire::GO_STATUS_STACK => {
                let from = GoState::of_number(third >> 32);
                let to = GoState::of_status(third as u8).unwrap_or(GoState::Undetermined);
                named(from, to, self.stack())
            }
            _ => return None,
        })
    }

    /// The change of a processor's state that this event is, if it is one.
    #[inline]
    pub fn proc_transition(&self) -> Option<ProcTransition> {
        let [first, second, third, last] = self.arguments;
        let processor = first as i64;
        Some(match self.kind {
            wire::PROC_START => ProcTransition {
                processor,
                from: ProcState::Idle,
                to: ProcState::Running,
            },
            wire::PROC_STOP => ProcTransition {
                processor: self.p,
                from: ProcState::Running,
                to: ProcState::Idle,
            },
            wire::PROC_STEAL => {
                // A processor whose thread was lost shows as idle before it is stolen, too.
                let from = if last == 4 {
                    ProcState::Idle
                } else {
                    ProcState::Running
                };
                ProcTransition {
                    processor,
                    from,
                    to: ProcState::Idle,
                }
            }
            wire::PROC_STATUS => ProcTransition {
                processor,
                from: ProcState::of_number(third),
                to: ProcState::of_status(second).unwrap_or(ProcState::Undetermined),
            },
            _ => return None,
        })
    }
}
