//! What steps mean for locks, maps and goroutines: events, as data.

use std::ops::Deref;
use std::rc::Rc;

use goward_syntax::NodeId;
use goward_types::{LockUse, ObjectId};

use crate::graph::BlockId;
use crate::path::PathId;
use crate::unit::UnitId;

/// How a lock is held.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    Read,
    Write,
}

/// What is done to a map or counter.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccessKind {
    /// `m[k]` as a value, `maps.Keys(m)`.
    Read,
    /// `range m`.
    Iterate,
    /// `m[k] = v`, `m[k] op= v`, `m[k]++`, `maps.Copy(m, …)`.
    Write,
    /// `delete(m, k)`.
    Delete,
    /// `clear(m)`.
    Clear,
    /// `m = …`: the variable or field gets another map.
    Replace,
    /// `n++` and `n += …` of a number that is no element of a map, and a field that gets a value made
    /// of its old one: `x.s = append(x.s, v)`, also where it lies: `slices.Sort(x.s)`.
    Count,
    /// `len(m)`
    Length,
}

impl AccessKind {
    /// Whether the map itself is changed.
    pub fn changes_content(self) -> bool {
        matches!(
            self,
            AccessKind::Write | AccessKind::Delete | AccessKind::Clear
        )
    }

    /// Whether the map itself is looked at or changed.
    pub fn touches_content(self) -> bool {
        !matches!(
            self,
            AccessKind::Replace | AccessKind::Count | AccessKind::Length
        )
    }

    /// Whether something is changed.
    pub fn changes(self) -> bool {
        !matches!(
            self,
            AccessKind::Read | AccessKind::Iterate | AccessKind::Length
        )
    }
}

/// A map, or a counter, is used.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// The map or counter.
    pub path: PathId,
    pub kind: AccessKind,
    /// Through a local variable that holds the map, not through the field itself.
    pub alias: bool,
    /// The expression or statement to show.
    pub node: NodeId,
}

/// What is done to a channel.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ChannelOperation {
    Send,
    /// Also the next turn of a `range`.
    Receive,
    Close,
}

/// What a variable or field is set to, as far as nil goes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum NewValue {
    Nil,
    NotNil,
    Unknown,
}

/// A place where a goroutine is started, or a function is given to somebody who runs it in one.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpawnId(pub u32);

/// How a function of the package is run.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum How {
    /// Here and now.
    Call,
    /// Here and now, by a function that runs it at most once in the whole program: `once.Do`.
    Once(PathId),
    /// By a function of the package that calls this parameter.
    Through { callee: UnitId, parameter: ObjectId },
    /// In another goroutine.
    Spawn(SpawnId),
    /// By a function of another package that may run it now, later or never.
    Unknown,
    /// Kept somewhere: run at any time.
    Kept,
}

/// What the parameters and the receiver of a function stand for where it is run. Most calls bind
/// nothing that has a place, and an event is kept with each state that it was observed in.
#[derive(Clone, Debug, Default)]
pub struct Bindings(Option<Rc<Vec<(ObjectId, PathId)>>>);

impl Deref for Bindings {
    type Target = [(ObjectId, PathId)];

    fn deref(&self) -> &[(ObjectId, PathId)] {
        self.0.as_ref().map_or(&[], |bindings| bindings)
    }
}

impl From<Vec<(ObjectId, PathId)>> for Bindings {
    fn from(mut bindings: Vec<(ObjectId, PathId)>) -> Bindings {
        bindings.shrink_to_fit();
        Bindings((!bindings.is_empty()).then(|| Rc::new(bindings)))
    }
}

/// Something that matters to locks, maps or goroutines.
#[derive(Clone, Debug)]
pub enum EventKind {
    Lock {
        path: PathId,
        mode: LockMode,
        /// A `Mutex` or `RWMutex` of package sync, so that what it does is known.
        sync: bool,
    },
    Unlock {
        path: PathId,
        mode: LockMode,
    },
    /// A function of another package is called that takes a lock or gives one back.
    Imported {
        path: PathId,
        lock_use: LockUse,
        mode: LockMode,
        sync: bool,
    },
    /// A `TryLock` whose result is not the condition of a branch.
    TryLock {
        path: PathId,
    },
    /// A function of the package is run or handed on.
    Run {
        target: UnitId,
        how: How,
        /// What its parameters and receiver stand for.
        bindings: Bindings,
    },
    /// A parameter of the function, or a field, is called.
    ValueCall {
        object: ObjectId,
    },
    /// A function is called, whichever: fields may have other values afterwards.
    Called,
    /// Waits for goroutines: `wg.Wait()`, `<-done`.
    Join,
    /// A channel is used.
    Channel {
        channel: PathId,
        operation: ChannelOperation,
        /// Not in a `select`: it waits until somebody else is there.
        alone: bool,
    },
    /// A `select` receives from this channel: whoever sends on it or closes it has come that far.
    Received {
        channel: PathId,
    },
    Access(Access),
    /// A field is read or set whose comment names the mutex that guards it.
    Touch {
        path: PathId,
    },
    /// A variable or field gets another value.
    Set {
        path: PathId,
        value: NewValue,
    },
    /// A place is given to something that may keep or change it.
    Forget {
        path: PathId,
    },
}

impl EventKind {
    /// The lock that is given back here, by `Unlock` or by a function of another package.
    pub fn unlocks(&self) -> Option<PathId> {
        match self {
            EventKind::Unlock { path, .. }
            | EventKind::Imported {
                path,
                lock_use: LockUse::Releases,
                ..
            } => Some(*path),
            _ => None,
        }
    }
}

/// An event at a node.
#[derive(Clone, Debug)]
pub struct Event {
    pub node: NodeId,
    pub kind: EventKind,
}

/// How package testing runs a function beside others.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tested {
    /// A subtest that calls `t.Parallel`: it goes on when the test around it has returned, beside
    /// the other ones.
    Subtest,
    /// The body of `b.RunParallel`: in several goroutines at once, for which the call waits.
    Benchmark,
}

/// A goroutine start.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// Where it stands.
    pub unit: UnitId,
    pub node: NodeId,
    /// What runs.
    pub target: UnitId,
    /// It is run many times at once: a handler.
    pub many: bool,
    /// How package testing runs it, if it does.
    pub tested: Option<Tested>,
    /// Channels that it mentions: variables and fields.
    pub channels: Vec<ObjectId>,
    /// Channels that end it: who has sent on one of them has met it where it had nothing more to do.
    pub ends: Vec<ObjectId>,
    /// Channels by which it says that it has waited for a group.
    pub passes_on: Vec<ObjectId>,
}

/// The events of one unit.
#[derive(Clone, Debug, Default)]
pub struct UnitEvents {
    /// The events of all blocks, one block after the other: index of the step in its block, event.
    events: Vec<(u32, Event)>,
    /// Where the events of each block end.
    ends: Vec<u32>,
    /// For the true edge of a condition `x.TryLock()`.
    pub try_locks: Vec<(NodeId, PathId, LockMode)>,
    /// Conditions that compare a place with nil: the place, and whether it is nil when true.
    pub nil_tests: Vec<(NodeId, PathId, bool)>,
    /// Conditions `err != nil` (true: `!=`): places that were set together with the error.
    pub error_tests: Vec<(NodeId, bool, Vec<PathId>)>,
}

impl UnitEvents {
    /// Gives the next block its events, each with the index of its step.
    pub(crate) fn add_block(&mut self, events: impl Iterator<Item = (u32, Event)>) {
        self.events.extend(events);
        self.ends.push(self.events.len() as u32);
    }

    /// Gives back the room that was kept for more blocks.
    pub(crate) fn shrink(&mut self) {
        self.events.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The events of a block, each with the index of its step.
    pub fn block(&self, block: BlockId) -> &[(u32, Event)] {
        let ends = &self.ends;
        let start = match block.index().checked_sub(1) {
            Some(before) => ends[before],
            None => 0,
        };
        &self.events[start as usize..ends[block.index()] as usize]
    }

    /// The events of all blocks.
    pub fn all(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().map(|(_, event)| event)
    }

    /// Whether nothing in the unit touches a state.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.try_locks.is_empty()
            && self.nil_tests.is_empty()
            && self.error_tests.is_empty()
    }
}
