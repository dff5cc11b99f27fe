//! What a function does to its caller: locks, maps, in terms of its parameters. Plain data, so that
//! it can be kept and used for packages that import this one.

use goward_syntax::NodeId;
use goward_types::ObjectId;

use crate::event::{Access, LockMode};
use crate::path::PathId;
use crate::state::{Held, Nilness};
use crate::unit::UnitId;

/// A lock that a function takes, itself or through functions it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    pub path: PathId,
    pub mode: LockMode,
    /// The function with the `Lock` call, and the call.
    pub unit: UnitId,
    pub node: NodeId,
    /// The calls that lead there, the first one in the function that this is a summary of.
    pub calls: Vec<(UnitId, NodeId)>,
    /// On the way is a branch that depends on the state of an object: perhaps one that is never
    /// taken while the lock is held.
    pub by_state: bool,
}

/// A use of a map or counter, in this function or one it calls before it returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The path is in terms of the function that this is a summary of.
    pub access: Access,
    /// The function with the access.
    pub unit: UnitId,
    /// The calls that lead there.
    pub calls: Vec<(UnitId, NodeId)>,
    /// Locks held at the access.
    pub held: Vec<(PathId, Held)>,
    /// Some lock is held, or may be, that cannot be said in terms of this function.
    pub other_lock: bool,
    /// It happens in a deferred call.
    pub deferred: bool,
    /// What is known there of the map's being nil.
    pub nilness: Option<Nilness>,
    /// The same of the variable that the path starts at, where the path goes on from it.
    pub root_nilness: Option<Nilness>,
}

impl Effect {
    /// Whether some lock is held, or may be.
    pub fn may_hold_any(&self) -> bool {
        self.other_lock
            || self
                .held
                .iter()
                .any(|entry| entry.1.mode >= crate::state::Mode::Maybe)
    }
}

/// What a caller sees of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Locks that are held after it, and were not before.
    pub acquired: Vec<(PathId, Held)>,
    /// Locks of the caller that are given back, on all paths or on some.
    pub released: Vec<PathId>,
    pub released_sometimes: Vec<PathId>,
    pub takes: Vec<Take>,
    pub effects: Vec<Effect>,
    /// Function parameters that are called, with the locks held then.
    pub parameter_calls: Vec<(ObjectId, Vec<(PathId, Held)>)>,
    /// It waits for goroutines on every path.
    pub joins: bool,
}
