//! What is known at a point of a function: locks held, what is nil, goroutines that may run.

use goward_syntax::NodeId;
use goward_types::ObjectId;
use rustc_hash::FxHashSet;

use crate::event::{LockMode, NewValue, SpawnId};
use crate::path::{PathId, Paths};

/// How sure it is that a lock is held.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Given back here, although another function took it: not held.
    Released,
    /// Held on some paths, or nobody knows.
    Maybe,
    Read,
    Write,
}

/// A lock of a state.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    pub mode: Mode,
    /// The function itself took it.
    pub own: bool,
    /// Held whenever control is here, not only as far as the known callers show.
    pub certain: bool,
    /// A mutex of package sync.
    pub sync: bool,
    /// Where it was taken.
    pub file: usize,
    pub node: NodeId,
}

impl Held {
    /// Whether the lock is held, in any mode.
    pub fn is_held(&self) -> bool {
        self.mode >= Mode::Read
    }

    /// Takes over the place of `other` if the lock is held there in a weaker mode, which is the one
    /// that counts where both ways meet; of two equal ones the first.
    fn meet_place(&mut self, other: &Held) {
        if (other.mode, other.file, other.node) < (self.mode, self.file, self.node) {
            (self.file, self.node) = (other.file, other.node);
        }
    }
}

/// Whether a variable is nil.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Nilness {
    /// On every path, since this node.
    Nil(NodeId),
    /// On some paths, since this node.
    Maybe(NodeId),
    /// In the branch of this test, of something of which nothing else is known; where the branch meets
    /// others nothing is known again.
    Tested(NodeId),
    NotNil,
}

impl Nilness {
    /// Where it became nil, if it can be.
    pub fn since(self) -> Option<NodeId> {
        match self {
            Nilness::Nil(node) | Nilness::Maybe(node) | Nilness::Tested(node) => Some(node),
            Nilness::NotNil => None,
        }
    }

    /// Where it became nil, as far as that counts where paths meet.
    fn since_at_join(self) -> Option<NodeId> {
        match self {
            Nilness::Tested(_) => None,
            _ => self.since(),
        }
    }
}

/// Everything known at a point. Vectors are sorted by their first part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockState {
    pub held: Vec<(PathId, Held)>,
    /// Absent: unknown.
    pub nil: Vec<(PathId, Nilness)>,
    /// Goroutines that were started here and may still run.
    pub live: Vec<SpawnId>,
    /// The function has waited for something on every path.
    pub joined: bool,
}

impl LockState {
    /// What is known of a lock.
    pub fn lock(&self, path: PathId) -> Option<&Held> {
        let found = self.held.binary_search_by_key(&path, |entry| entry.0);
        found.ok().map(|index| &self.held[index].1)
    }

    /// The locks that are held.
    pub fn locks(&self) -> impl Iterator<Item = &(PathId, Held)> {
        self.held.iter().filter(|entry| entry.1.is_held())
    }

    /// Whether some lock is held or may be.
    pub fn may_hold_any(&self) -> bool {
        self.held.iter().any(|entry| entry.1.mode >= Mode::Maybe)
    }

    /// What is known of a variable's being nil.
    pub fn nilness(&self, path: PathId) -> Option<Nilness> {
        let found = self.nil.binary_search_by_key(&path, |entry| entry.0);
        found.ok().map(|index| self.nil[index].1)
    }

    /// The place on the way to another one, past its variable, that is nil, and where it became so.
    pub fn nil_on_the_way(&self, paths: &Paths, to: PathId) -> Option<(PathId, NodeId)> {
        self.nil.iter().find_map(|&(path, nilness)| match nilness {
            Nilness::Nil(since)
                if path != to
                    && !paths.get(path).elements.is_empty()
                    && paths.is_prefix(path, to) =>
            {
                Some((path, since))
            }
            _ => None,
        })
    }

    /// Sets what is known of a lock.
    pub fn put(&mut self, path: PathId, held: Held) {
        match self.held.binary_search_by_key(&path, |entry| entry.0) {
            Ok(index) => self.held[index].1 = held,
            Err(index) => self.held.insert(index, (path, held)),
        }
    }

    /// Forgets a lock.
    pub fn remove(&mut self, path: PathId) {
        self.held.retain(|entry| entry.0 != path);
    }

    /// Sets what is known of a variable's being nil.
    pub fn put_nil(&mut self, path: PathId, nilness: Nilness) {
        match self.nil.binary_search_by_key(&path, |entry| entry.0) {
            Ok(index) => self.nil[index].1 = nilness,
            Err(index) => self.nil.insert(index, (path, nilness)),
        }
    }

    /// A lock is taken.
    pub(crate) fn acquire(
        &mut self,
        path: PathId,
        mode: LockMode,
        sync: bool,
        place: (usize, NodeId),
    ) {
        let released = self
            .lock(path)
            .is_some_and(|held| held.mode == Mode::Released);
        let held = Held {
            mode: match mode {
                LockMode::Read => Mode::Read,
                LockMode::Write => Mode::Write,
            },
            own: !released,
            certain: true,
            sync,
            file: place.0,
            node: place.1,
        };
        self.put(path, held);
    }

    /// A lock is given back.
    pub(crate) fn release(&mut self, path: PathId, place: (usize, NodeId)) {
        match self.lock(path) {
            Some(held) if held.own => self.remove(path),
            _ => self.put(
                path,
                Held {
                    mode: Mode::Released,
                    own: false,
                    certain: true,
                    sync: false,
                    file: place.0,
                    node: place.1,
                },
            ),
        }
    }

    /// A place gets another value.
    pub(crate) fn set(
        &mut self,
        paths: &Paths,
        path: PathId,
        value: NewValue,
        node: NodeId,
        untracked: &FxHashSet<ObjectId>,
    ) {
        let variable = match paths.get(path).elements.is_empty() {
            true => paths.root(path),
            false => None,
        };
        let depends = |other: PathId| {
            paths.is_prefix(path, other)
                || variable.is_some_and(|object| paths.mentions(other).contains(&object))
        };
        self.held
            .retain(|entry| entry.0 == path || !depends(entry.0));
        self.nil.retain(|entry| !depends(entry.0));
        if variable.is_some_and(|object| untracked.contains(&object)) {
            return;
        }
        match value {
            NewValue::Nil => self.put_nil(path, Nilness::Nil(node)),
            NewValue::NotNil => self.put_nil(path, Nilness::NotNil),
            NewValue::Unknown => {}
        }
    }

    /// A function ran that may have changed any field.
    pub(crate) fn forget_fields(&mut self, paths: &Paths) {
        self.nil
            .retain(|entry| paths.get(entry.0).elements.is_empty());
    }

    /// What both states have in common goes to `self`; says whether it changed.
    pub(crate) fn join(&mut self, other: &LockState) -> bool {
        let before = self.clone();
        let mut held: Vec<(PathId, Held)> = Vec::new();
        for &(path, mut mine) in &self.held {
            match other.lock(path) {
                Some(theirs) => {
                    mine.meet_place(theirs);
                    let released = (mine.mode == Mode::Released, theirs.mode == Mode::Released);
                    if released.0 != released.1 {
                        mine.mode = Mode::Maybe;
                    }
                    mine.mode = mine.mode.min(theirs.mode).max(if released.0 && released.1 {
                        Mode::Released
                    } else {
                        Mode::Maybe
                    });
                    mine.own &= theirs.own;
                    mine.certain &= theirs.certain;
                    mine.sync &= theirs.sync;
                }
                // `own` stays: only then a release gives back what this function took.
                None => mine.mode = Mode::Maybe,
            }
            held.push((path, mine));
        }
        for &(path, theirs) in &other.held {
            if self.lock(path).is_none() {
                let held_on_one_side = Held {
                    mode: Mode::Maybe,
                    ..theirs
                };
                held.push((path, held_on_one_side));
            }
        }
        held.sort_by_key(|entry| entry.0);
        self.held = held;
        let mut nil: Vec<(PathId, Nilness)> = Vec::new();
        for &(path, mine) in &self.nil {
            let joined = match (mine, other.nilness(path)) {
                (Nilness::Nil(a), Some(Nilness::Nil(b))) => Some(Nilness::Nil(a.min(b))),
                (Nilness::NotNil, Some(Nilness::NotNil)) => Some(Nilness::NotNil),
                (Nilness::Tested(a), Some(Nilness::Tested(b))) => Some(Nilness::Tested(a.min(b))),
                (Nilness::Nil(a), Some(Nilness::Tested(_)))
                | (Nilness::Tested(_), Some(Nilness::Nil(a))) => Some(Nilness::Nil(a)),
                (mine, theirs) => {
                    let theirs = theirs.and_then(Nilness::since_at_join);
                    let since = [mine.since_at_join(), theirs];
                    since.into_iter().flatten().min().map(Nilness::Maybe)
                }
            };
            nil.extend(joined.map(|joined| (path, joined)));
        }
        for &(path, theirs) in &other.nil {
            if self.nilness(path).is_none()
                && let Some(since) = theirs.since_at_join()
            {
                nil.push((path, Nilness::Maybe(since)));
            }
        }
        nil.sort_by_key(|entry| entry.0);
        self.nil = nil;
        self.live.extend(&other.live);
        self.live.sort_unstable();
        self.live.dedup();
        self.joined &= other.joined;
        *self != before
    }
}

/// Keeps of `into` what also holds in `from`; unlike at a join nothing becomes a maybe: a caller that
/// does not hold a lock is enough not to hold it.
pub(crate) fn meet(into: &mut LockState, from: &LockState) {
    into.held.retain_mut(|(path, mine)| match from.lock(*path) {
        Some(theirs) => {
            mine.meet_place(theirs);
            mine.mode = mine.mode.min(theirs.mode);
            mine.certain &= theirs.certain;
            true
        }
        None => false,
    });
    let live = into.live.clone();
    let held = std::mem::take(&mut into.held);
    let mut rest = from.clone();
    rest.held.clear();
    into.join(&rest);
    into.held = held;
    into.live.extend(live);
    into.live.sort_unstable();
    into.live.dedup();
}
