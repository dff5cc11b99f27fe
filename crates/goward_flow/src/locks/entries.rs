//! The states in which functions are entered: what all the places that run one have in common.

use goward_syntax::NodeId;
use goward_types::ObjectId;

use crate::event::{Bindings, EventKind, How};
use crate::path::{PathId, Root, is_package_variable};
use crate::state::{Held, LockState, Mode, meet};
use crate::unit::UnitId;

use super::{Shared, Solved};

/// Passes over the functions of a package to settle the states.
const ENTRY_ROUNDS: usize = 30;

impl Shared<'_, '_> {
    /// Functions that somebody may call whom the events do not show.
    fn called_from_elsewhere(&self, id: UnitId) -> bool {
        let unit = self.units.get(id);
        let Some(object) = unit.object else {
            return self.lowered.escaping.contains(&id);
        };
        let object = self.package.world.object(object);
        let name = object.name.as_str();
        // Unexported methods may satisfy an interface of this package, but whoever calls them
        // through it does not hold other locks than those who call them plainly.
        object.is_exported()
            || matches!(name, "main" | "init")
            || self.lowered.escaping.contains(&id)
    }

    /// The states in which functions are run, as the greatest solution over all places that do.
    pub(super) fn entries(&self, solved: &Solved) -> (Vec<LockState>, Vec<bool>) {
        let count = self.units.list.len();
        let mut entry: Vec<Option<LockState>> = (0..count)
            .map(|index| {
                self.called_from_elsewhere(UnitId(index as u32))
                    .then(LockState::default)
            })
            .collect();
        let fixed: Vec<bool> = entry.iter().map(Option::is_some).collect();
        let mut called = vec![false; count];
        // A test that reaches into its package runs alone there: it takes no locks for it, and says
        // nothing of how others call.
        let is_test = |index: usize| self.package.files[self.units.list[index].file].test;
        let only_tests: Vec<bool> = (0..count).map(is_test).collect();
        let mut by_tests = vec![true; count];
        let mut given: Vec<Vec<(UnitId, LockState)>> = vec![Vec::new(); count];
        for (index, events) in self.lowered.units.iter().enumerate() {
            for event in events.all() {
                if let EventKind::Run { target, .. } = &event.kind {
                    called[target.index()] = true;
                    by_tests[target.index()] &= only_tests[index];
                }
            }
        }
        for index in 0..count {
            if !called[index] && entry[index].is_none() {
                entry[index] = Some(LockState::default());
            }
        }
        let mut changed: Vec<bool> = entry.iter().map(Option::is_some).collect();
        for _ in 0..ENTRY_ROUNDS {
            for index in 0..count {
                if let (true, Some(state)) = (changed[index], &entry[index]) {
                    given[index] = self.contributions(solved, UnitId(index as u32), state.clone());
                }
            }
            let mut next: Vec<Option<LockState>> = vec![None; count];
            for (caller, contribution) in given.iter().enumerate().flat_map(|(index, given)| {
                given.iter().map(move |contribution| (index, contribution))
            }) {
                let (target, state) = contribution;
                if only_tests[caller] && !by_tests[target.index()] {
                    continue;
                }
                match &mut next[target.index()] {
                    Some(known) => {
                        meet(known, state);
                    }
                    empty => *empty = Some(state.clone()),
                }
            }
            let mut any = false;
            for index in 0..count {
                changed[index] = false;
                if fixed[index] || !called[index] {
                    continue;
                }
                if next[index].is_some() && next[index] != entry[index] {
                    // Only downwards, so that it ends.
                    let mut state = next[index].take().unwrap_or_default();
                    if let Some(known) = &entry[index] {
                        meet(&mut state, known);
                    }
                    if entry[index].as_ref() != Some(&state) {
                        entry[index] = Some(state);
                        changed[index] = true;
                        any = true;
                    }
                }
            }
            if !any {
                break;
            }
        }
        let known = (0..count)
            .map(|index| !fixed[index] && called[index])
            .collect();
        (
            entry.into_iter().map(Option::unwrap_or_default).collect(),
            known,
        )
    }

    /// The states in which a unit that is entered in `entry` runs others.
    fn contributions(
        &self,
        solved: &Solved,
        id: UnitId,
        entry: LockState,
    ) -> Vec<(UnitId, LockState)> {
        let events = &self.lowered.units[id.index()];
        let mut all = events.all();
        if !all.any(|event| matches!(event.kind, EventKind::Run { .. })) {
            return Vec::new();
        }
        let solution = self.solved(solved, id, entry);
        let mut given = Vec::new();
        if !solution.complete {
            return given;
        }
        self.replay(id, &solution, |_, event, state| {
            let EventKind::Run {
                target,
                how,
                bindings,
            } = &event.kind
            else {
                return;
            };
            let literal = self.units.get(*target).is_literal();
            let mut at_entry = LockState::default();
            match how {
                How::Call | How::Once(_) => {
                    at_entry.held = self.inherited(&state.held, bindings, literal);
                    if let How::Once(path) = how {
                        at_entry.put(
                            *path,
                            Held {
                                mode: Mode::Write,
                                own: false,
                                certain: true,
                                sync: false,
                                file: self.units.get(id).file,
                                node: event.node,
                            },
                        );
                    }
                    if literal {
                        at_entry.nil.clone_from(&state.nil);
                        at_entry.live.clone_from(&state.live);
                        at_entry.joined = state.joined;
                    }
                }
                How::Through { callee, parameter } => {
                    at_entry.held = self.inherited(&state.held, bindings, literal);
                    let summaries = self.summaries.borrow();
                    let calls: Vec<_> = summaries[callee.index()]
                        .parameter_calls
                        .iter()
                        .filter(|call| call.0 == *parameter)
                        .collect();
                    if calls.is_empty() {
                        // Given on or kept: nobody knows when it runs.
                        at_entry.held.clear();
                    }
                    if let [(_, held)] = calls.as_slice() {
                        let call = self.bindings_at(id, event.node, *callee);
                        for &(path, held) in held {
                            if let Some(path) = self.translate(path, *callee, &call) {
                                let own = false;
                                at_entry.put(path, Held { own, ..held });
                            }
                        }
                    }
                }
                How::Unknown => {
                    at_entry.held = self.inherited(&state.held, bindings, literal);
                    for entry in &mut at_entry.held {
                        entry.1.mode = Mode::Maybe;
                    }
                }
                How::Spawn(_) | How::Kept => {}
            }
            given.push((*target, at_entry));
        });
        given
    }

    /// What the parameters of `callee` stand for at a call.
    fn bindings_at(&self, unit: UnitId, call: NodeId, callee: UnitId) -> Bindings {
        let events = &self.lowered.units[unit.index()];
        let mut all = events.all();
        let found = all.find_map(|event| match &event.kind {
            EventKind::Run {
                target, bindings, ..
            } if *target == callee && event.node == call => Some(bindings.clone()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// The locks of a caller that a callee runs under, in terms of the callee.
    fn inherited(
        &self,
        held: &[(PathId, Held)],
        bindings: &[(ObjectId, PathId)],
        literal: bool,
    ) -> Vec<(PathId, Held)> {
        let world = self.package.world;
        let mut result: Vec<(PathId, Held)> = Vec::new();
        let mut add = |path: PathId, held: Held| {
            if !result.iter().any(|entry| entry.0 == path) {
                result.push((path, held));
            }
        };
        for &(path, held) in held {
            if held.mode == Mode::Released {
                continue;
            }
            let inherited = Held {
                own: false,
                certain: held.certain && literal,
                ..held
            };
            let root = self.paths.borrow().root(path);
            let whole = |root| is_package_variable(world, root) || world.object(root).is_field();
            if literal || root.is_some_and(whole) {
                add(path, inherited);
            }
            // Of whichever object: the mutex field alone stands for a lock of some caller.
            if !literal {
                let mut paths = self.paths.borrow_mut();
                if let Some(mutex) = paths.last_field(path)
                    && world.object(mutex).is_field()
                {
                    let somebodys = paths.variable(mutex);
                    drop(paths);
                    add(somebodys, inherited);
                }
            }
            // The place of an argument becomes the parameter.
            for &(parameter, argument) in bindings {
                let mut paths = self.paths.borrow_mut();
                if !paths.is_prefix(argument, path) {
                    continue;
                }
                let skip = paths.get(argument).elements.len();
                let rest = paths.get(path).elements[skip..].to_vec();
                let new = crate::path::AccessPath {
                    root: Root::Variable(parameter),
                    elements: &rest,
                };
                let mut mentions = paths.mentions(path).to_vec();
                mentions.push(parameter);
                let new = paths.intern(new, &mentions);
                drop(paths);
                add(new, inherited);
            }
        }
        result.sort_by_key(|entry| entry.0);
        result
    }
}
