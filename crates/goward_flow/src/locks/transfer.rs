//! What events and edges do to the state of a function.

use goward_syntax::{NodeId, Statement};
use goward_types::{LockUse, TypeKind};

use crate::event::{AccessKind, ChannelOperation, Event, EventKind, How};
use crate::graph::{BlockId, Edge, EdgeKind, Step};
use crate::solver::Analysis;
use crate::state::{Held, LockState, Mode, Nilness};
use crate::unit::UnitId;

use super::Shared;

/// An analysis of one unit.
pub(super) struct UnitAnalysis<'s, 'a> {
    pub(super) shared: &'s Shared<'s, 'a>,
    pub(super) id: UnitId,
    pub(super) entry: LockState,
}

impl Analysis for UnitAnalysis<'_, '_> {
    type State = LockState;

    fn entry(&self) -> LockState {
        self.entry.clone()
    }

    fn step(&self, state: &mut LockState, block: BlockId, index: usize, _: Step) {
        let events = &self.shared.lowered.units[self.id.index()].block(block);
        let first = events.partition_point(|entry| (entry.0 as usize) < index);
        for (step, event) in &events[first..] {
            if *step as usize != index {
                break;
            }
            self.shared.transfer(self.id, state, event);
        }
    }

    fn edge(&self, state: &mut LockState, _: BlockId, edge: &Edge) -> bool {
        let events = &self.shared.lowered.units[self.id.index()];
        let file = self.shared.units.get(self.id).file;
        let (node, truth) = match edge.kind {
            // Somebody has closed the channel: whoever did so has come that far.
            EdgeKind::RangeDone(node) if self.ranges_over_channel(node) => {
                state.live.clear();
                state.joined = true;
                return true;
            }
            EdgeKind::True(node) => (node, true),
            EdgeKind::False(node) => (node, false),
            _ => return true,
        };
        for &(condition, path, mode) in &events.try_locks {
            if condition == node && truth {
                state.acquire(path, mode, true, (file, node));
            }
        }
        for &(condition, path, nil_when_true) in &events.nil_tests {
            if condition != node {
                continue;
            }
            let is_nil = nil_when_true == truth;
            match (is_nil, state.nilness(path)) {
                (true, Some(Nilness::NotNil))
                | (false, Some(Nilness::Nil(_) | Nilness::Tested(_))) => return false,
                (true, Some(Nilness::Tested(_))) => {}
                (true, Some(known)) => {
                    if let Some(since) = known.since() {
                        state.put_nil(path, Nilness::Nil(since));
                    }
                }
                (true, None) => state.put_nil(path, Nilness::Tested(node)),
                (false, _) => state.put_nil(path, Nilness::NotNil),
            }
        }
        for (condition, failed_when_true, set) in &events.error_tests {
            if *condition != node {
                continue;
            }
            let failed = *failed_when_true == truth;
            for &path in set {
                let nilness = match failed {
                    true => Nilness::Nil(node),
                    false => Nilness::NotNil,
                };
                state.put_nil(path, nilness);
            }
        }
        true
    }

    fn join(&self, into: &mut LockState, from: &LockState) -> bool {
        into.join(from)
    }
}

impl UnitAnalysis<'_, '_> {
    fn ranges_over_channel(&self, range: NodeId) -> bool {
        let package = self.shared.package;
        let file = &package.files[self.shared.units.get(self.id).file];
        matches!(file.tree.statement(range), Statement::Range { operand, .. }
            if package.world.underlying(file.facts.type_of(operand)).kind() == TypeKind::Channel)
    }
}

impl Shared<'_, '_> {
    /// What an event does to the state.
    pub(super) fn transfer(&self, unit: UnitId, state: &mut LockState, event: &Event) {
        let file = self.units.get(unit).file;
        let place = (file, event.node);
        match &event.kind {
            EventKind::Lock { path, mode, sync }
            | EventKind::Imported {
                path,
                mode,
                sync,
                lock_use: LockUse::Acquires,
            } => state.acquire(*path, *mode, *sync, place),
            EventKind::Imported {
                lock_use: LockUse::Takes,
                ..
            } => {}
            EventKind::Unlock { path, .. }
            | EventKind::Imported {
                path,
                lock_use: LockUse::Releases,
                ..
            } => {
                state.release(*path, place);
                // It may have been the one that some caller holds.
                let mut paths = self.paths.borrow_mut();
                if let Some(mutex) = paths.last_field(*path) {
                    let somebodys = paths.variable(mutex);
                    if somebodys != *path {
                        state.remove(somebodys);
                    }
                }
            }
            EventKind::TryLock { path } => {
                // The result is kept somewhere: whether the lock is held depends on it.
                state.acquire(*path, crate::event::LockMode::Write, true, place);
                if let Some(held) = state.lock(*path).copied() {
                    let held = Held {
                        mode: Mode::Maybe,
                        ..held
                    };
                    state.put(*path, held);
                }
            }
            EventKind::Run {
                target,
                how,
                bindings,
            } => match how {
                How::Call => {
                    let summaries = self.summaries.borrow();
                    let summary = &summaries[target.index()];
                    for (path, held) in &summary.acquired {
                        if let Some(path) = self.translate(*path, *target, bindings) {
                            let released = state
                                .lock(path)
                                .is_some_and(|held| held.mode == Mode::Released);
                            let held = Held {
                                own: !released,
                                file,
                                node: event.node,
                                ..*held
                            };
                            state.put(path, held);
                        }
                    }
                    for path in &summary.released {
                        if let Some(path) = self.translate(*path, *target, bindings) {
                            state.release(path, place);
                        }
                    }
                    for path in &summary.released_sometimes {
                        if let Some(path) = self.translate(*path, *target, bindings)
                            && let Some(held) = state.lock(path).copied()
                        {
                            let held = Held {
                                mode: Mode::Maybe,
                                ..held
                            };
                            state.put(path, held);
                        }
                    }
                    if summary.joins {
                        state.live.clear();
                        state.joined = true;
                    }
                }
                How::Spawn(id) => {
                    // A goroutine may give back what was locked here: a mutex as a signal.
                    let summaries = self.summaries.borrow();
                    let summary = &summaries[target.index()];
                    for &path in summary.released.iter().chain(&summary.released_sometimes) {
                        if let Some(path) = self.translate(path, *target, bindings)
                            && let Some(held) = state.lock(path).copied()
                        {
                            let held = Held {
                                mode: Mode::Maybe,
                                ..held
                            };
                            state.put(path, held);
                        }
                    }
                    if let Err(index) = state.live.binary_search(id) {
                        state.live.insert(index, *id);
                    }
                    state.joined = false;
                }
                _ => {}
            },
            EventKind::Called => state.forget_fields(&self.paths.borrow()),
            EventKind::Join => {
                state.live.clear();
                state.joined = true;
            }
            EventKind::Received { channel } => {
                if let Some(channel) = self.paths.borrow().last_field(*channel) {
                    let waited = state.live.iter().any(|id| {
                        self.lowered.spawns[id.0 as usize]
                            .passes_on
                            .contains(&channel)
                    });
                    if waited {
                        state.live.clear();
                    }
                    state.live.retain(|id| {
                        let spawn = &self.lowered.spawns[id.0 as usize];
                        !spawn.channels.contains(&channel)
                    });
                } else {
                    state.live.clear();
                }
                state.joined = true;
            }
            EventKind::Access(access) => {
                if access.kind == AccessKind::Write {
                    state.put_nil(access.path, Nilness::NotNil);
                }
            }
            EventKind::Set { path, value } => {
                let untracked = &self.lowered.assigned_elsewhere;
                state.set(&self.paths.borrow(), *path, *value, event.node, untracked);
            }
            EventKind::Forget { path } => {
                let paths = self.paths.borrow();
                state.nil.retain(|entry| !paths.is_prefix(*path, entry.0));
            }
            EventKind::Channel {
                channel,
                operation: ChannelOperation::Send,
                alone: true,
            } => {
                if let Some(channel) = self.paths.borrow().last_field(*channel) {
                    let before = state.live.len();
                    state
                        .live
                        .retain(|id| !self.lowered.spawns[id.0 as usize].ends.contains(&channel));
                    state.joined |= state.live.len() < before;
                }
            }
            EventKind::ValueCall { .. } | EventKind::Touch { .. } | EventKind::Channel { .. } => {}
        }
    }
}
