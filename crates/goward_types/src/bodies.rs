//! What bodies of functions do, as far as callers in other packages need to know: plain data without
//! ids, so that it can be kept from one run to the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::PackageId;

/// How a call that does not return ends.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NoReturn {
    Panic,
    Goexit,
    ProcessExit,
}

/// Where a [`BodyPlace`] starts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BodyRoot {
    Receiver,
    /// A parameter, by its position.
    Parameter(u32),
    /// A variable of the function's package, by its name.
    Variable(String),
}

/// A place in terms of a function's callers: what the function was given, and the names of the fields
/// that lead on from there, embedded ones too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BodyPlace {
    pub root: BodyRoot,
    pub fields: Vec<String>,
}

/// What a function does with a lock.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockUse {
    /// Takes it and returns with it.
    Acquires,
    /// Gives back what its caller holds.
    Releases,
    /// Takes it and gives it back.
    Takes,
}

/// A lock that a function uses on every way through it that matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyLock {
    pub place: BodyPlace,
    pub lock_use: LockUse,
    /// For writing, not for reading.
    pub write: bool,
    /// A mutex of package sync.
    pub sync: bool,
}

/// What a function does with maps that may be nil. Results and parameters are counted from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyMaps {
    /// For each result: whether it may be a nil map although the companion (error or bool) says that
    /// all went well, and whether it may be one together with an error.
    pub returns_nil: Vec<(bool, bool)>,
    /// Parameters that are written as maps without a test.
    pub writes: Vec<usize>,
    /// Those of them that are written on every way through the function.
    pub always_writes: Vec<usize>,
    /// The receiver, a map, is written without a test.
    pub writes_receiver: bool,
}

/// What a function does, without a lock, with a map that it is given or that is in what it is given.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MapUse {
    Read,
    Iterate,
    Write,
    Delete,
    Clear,
}

/// What the body of a function does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub never_returns: Option<NoReturn>,
    pub maps: BodyMaps,
    pub locks: Vec<BodyLock>,
    /// What happens to maps among the arguments, and to those in fields of the arguments and the receiver.
    pub map_uses: Vec<(BodyPlace, MapUse)>,
}

/// The functions of a package whose bodies do something that callers need to know, by their names: `F`,
/// `T.M`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bodies {
    pub functions: BTreeMap<String, Body>,
}

/// Who knows the bodies of imported packages.
pub trait ImportedBodies {
    /// What the functions of a package do; none where it is not known.
    fn of(&self, package: PackageId) -> Option<&Bodies>;
}
