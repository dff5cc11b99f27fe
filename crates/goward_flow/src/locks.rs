//! Solves the states of all functions: first each for itself, callees before callers, to get
//! summaries; then with the states in which they are called.

use std::cell::RefCell;

use goward_syntax::{Expression, NodeId, Statement};
use goward_types::{ObjectId, TypedPackage};

use crate::event::{AccessKind, Event, EventKind, How};
use crate::graph::{BlockId, Edge, EdgeKind, Step};
use crate::lower::Lowered;
use crate::path::{PathId, Paths, Root, declared_in, is_package_variable};
use crate::solver::{Analysis, Solution, solve};
use crate::state::{Held, LockState, Mode, Nilness, meet};
use crate::summary::{Effect, Summary, Take};
use crate::unit::{UnitId, Units};

/// States and summaries of all units of a package.
pub struct Locks {
    /// In the state in which each function is called.
    pub solutions: Vec<Solution<LockState>>,
    summaries: RefCell<Vec<Summary>>,
    /// Units whose state at entry is that of all the places that run them, and no others.
    pub known_callers: Vec<bool>,
    paths: RefCell<Paths>,
}

/// Effects and takes kept per function, and calls kept on the way to one.
const MAX_EFFECTS: usize = 256;
const MAX_CALLS: usize = 5;
/// Passes over the functions of a package to settle recursive summaries, and entry states.
const SUMMARY_ROUNDS: usize = 4;
const ENTRY_ROUNDS: usize = 30;

/// An analysis of one unit.
struct UnitAnalysis<'s, 'a> {
    shared: &'s Shared<'s, 'a>,
    id: UnitId,
    entry: LockState,
}

struct Shared<'s, 'a> {
    package: &'s TypedPackage<'a>,
    units: &'s Units,
    lowered: &'s Lowered,
    paths: &'s RefCell<Paths>,
    summaries: &'s RefCell<Vec<Summary>>,
}

impl Analysis for UnitAnalysis<'_, '_> {
    type State = LockState;

    fn entry(&self) -> LockState {
        self.entry.clone()
    }

    fn step(&self, state: &mut LockState, block: BlockId, index: usize, _: Step) {
        let events = &self.shared.lowered.units[self.id.index()].blocks[block.index()];
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
                (true, Some(Nilness::NotNil)) | (false, Some(Nilness::Nil(_))) => return false,
                (true, Some(known)) => {
                    if let Some(since) = known.since() {
                        state.put_nil(path, Nilness::Nil(since));
                    }
                }
                (true, None) => {}
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

impl<'s> Shared<'s, '_> {
    /// What an event does to the state.
    fn transfer(&self, unit: UnitId, state: &mut LockState, event: &Event) {
        let file = self.units.get(unit).file;
        let place = (file, event.node);
        match &event.kind {
            EventKind::Lock { path, mode, sync } => state.acquire(*path, *mode, *sync, place),
            EventKind::Unlock { path, .. } => state.release(*path, place),
            EventKind::TryLock { path } => {
                // The result is kept somewhere: whether the lock is held depends on it.
                state.acquire(*path, crate::event::LockMode::Write, true, place);
                if let Some(held) = state.lock(*path).copied() {
                    let held = Held {
                        mode: Mode::Maybe,
                        own: false,
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
                                own: false,
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
                                own: false,
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
            EventKind::ParameterCall { .. } => {}
        }
    }

    /// A path of `callee` in terms of its caller.
    fn translate(
        &self,
        path: PathId,
        callee: UnitId,
        bindings: &[(ObjectId, PathId)],
    ) -> Option<PathId> {
        translate(self.package, self.units, self.paths, path, callee, bindings)
    }

    fn translate_held(
        &self,
        held: &[(PathId, Held)],
        callee: UnitId,
        bindings: &[(ObjectId, PathId)],
        other_lock: &mut bool,
    ) -> Vec<(PathId, Held)> {
        let mut translated = Vec::new();
        for (path, held) in held {
            match self.translate(*path, callee, bindings) {
                Some(path) => translated.push((path, *held)),
                None => *other_lock |= held.mode >= Mode::Maybe,
            }
        }
        translated
    }

    fn solve(&self, id: UnitId, entry: LockState) -> Solution<LockState> {
        let analysis = UnitAnalysis {
            shared: self,
            id,
            entry,
        };
        solve(&self.units.get(id).graph, &analysis)
    }

    /// Calls `visit` with each event and the state before it.
    fn replay(
        &self,
        id: UnitId,
        solution: &Solution<LockState>,
        mut visit: impl FnMut(BlockId, &Event, &LockState),
    ) {
        let events = &self.lowered.units[id.index()];
        for (index, entry) in solution.entry.iter().enumerate() {
            let Some(entry) = entry else { continue };
            let mut state = entry.clone();
            for (_, event) in &events.blocks[index] {
                visit(BlockId(index as u32), event, &state);
                self.transfer(id, &mut state, event);
            }
        }
    }

    /// The effects of running `target` here, in terms of `unit`.
    fn effects_of_run(
        &self,
        unit: UnitId,
        event: &Event,
        target: UnitId,
        bindings: &[(ObjectId, PathId)],
        state: &LockState,
        once: Option<PathId>,
    ) -> Vec<Effect> {
        let summaries = self.summaries.borrow();
        let mut effects = Vec::new();
        for effect in &summaries[target.index()].effects {
            if effect.calls.len() >= MAX_CALLS {
                continue;
            }
            let Some(path) = self.translate(effect.access.path, target, bindings) else {
                continue;
            };
            let mut translated = effect.clone();
            translated.access.path = path;
            translated.calls.insert(0, (unit, event.node));
            translated.held =
                self.translate_held(&effect.held, target, bindings, &mut translated.other_lock);
            translated.other_lock |= once.is_some();
            for &(path, held) in &state.held {
                if !translated.held.iter().any(|entry| entry.0 == path) {
                    translated.held.push((path, held));
                }
            }
            translated
                .held
                .retain(|entry| entry.1.mode != Mode::Released);
            if translated.nilness.is_none() {
                translated.nilness = state.nilness(path);
            }
            if translated.root_nilness.is_none() {
                translated.root_nilness = root_nilness(self.paths, state, path);
            }
            effects.push(translated);
        }
        effects
    }

    fn summarize(&self, id: UnitId) -> Summary {
        let unit = self.units.get(id);
        let solution = self.solve(id, LockState::default());
        let mut summary = Summary::default();
        if !solution.complete {
            return summary;
        }
        let mut first = true;
        let mut acquired: Vec<(PathId, Held)> = Vec::new();
        let mut released: Vec<(PathId, usize)> = Vec::new();
        let mut exits = 0;
        for exit in unit.graph.exits.iter().filter(|exit| exit.kind.returns()) {
            let Some(state) = &solution.entry[exit.terminal.index()] else {
                continue;
            };
            exits += 1;
            for &(path, held) in &state.held {
                if held.mode == Mode::Released {
                    match released.iter_mut().find(|entry| entry.0 == path) {
                        Some(entry) => entry.1 += 1,
                        None => released.push((path, 1)),
                    }
                } else if held.mode == Mode::Maybe && !held.own {
                    summary.released_sometimes.push(path);
                }
            }
            let held = state
                .held
                .iter()
                .filter(|entry| entry.1.is_held() && entry.1.own);
            if first {
                acquired = held.copied().collect();
                summary.joins = state.joined;
            } else {
                acquired.retain(|entry| {
                    state
                        .lock(entry.0)
                        .is_some_and(|held| held.is_held() && held.own)
                });
                summary.joins &= state.joined;
            }
            first = false;
        }
        summary.acquired = acquired;
        for (path, count) in released {
            match count == exits {
                true => summary.released.push(path),
                false => summary.released_sometimes.push(path),
            }
        }
        summary.released_sometimes.sort_unstable();
        summary.released_sometimes.dedup();
        let conditional = self.conditional_spans(id);
        let tree = self.package.files[unit.file].tree;
        self.replay(id, &solution, |block, event, state| {
            let deferred = unit
                .graph
                .block(block)
                .steps
                .iter()
                .any(|step| matches!(step, Step::RunDeferred(_)));
            let at = tree.span(event.node).start;
            let on_request = conditional.iter().any(|span| span.contains(at));
            match &event.kind {
                EventKind::Lock { path, mode, sync } => {
                    let free = state
                        .lock(*path)
                        .is_none_or(|held| held.mode == Mode::Maybe);
                    if *sync && free && !on_request {
                        add_take(
                            &mut summary.takes,
                            Take {
                                path: *path,
                                mode: *mode,
                                unit: id,
                                node: event.node,
                                calls: Vec::new(),
                            },
                        );
                    }
                }
                EventKind::Access(access) => {
                    let effect = Effect {
                        access: *access,
                        unit: id,
                        calls: Vec::new(),
                        held: state.held.clone(),
                        other_lock: false,
                        nilness: state.nilness(access.path),
                        root_nilness: root_nilness(self.paths, state, access.path),
                        deferred,
                    };
                    add_effect(&mut summary.effects, effect);
                }
                EventKind::ParameterCall { parameter } => {
                    let held: Vec<_> = state.locks().copied().collect();
                    summary.parameter_calls.push((*parameter, held));
                }
                EventKind::Run {
                    target,
                    how: how @ (How::Call | How::Once(_)),
                    bindings,
                } if *target != id => {
                    let once = match how {
                        How::Once(path) => Some(*path),
                        _ => None,
                    };
                    for mut effect in self.effects_of_run(id, event, *target, bindings, state, once)
                    {
                        effect.deferred |= deferred;
                        add_effect(&mut summary.effects, effect);
                    }
                    if on_request || once.is_some() {
                        return;
                    }
                    let summaries = self.summaries.borrow();
                    for take in &summaries[target.index()].takes {
                        let Some(path) = self.translate(take.path, *target, bindings) else {
                            continue;
                        };
                        let free = state.lock(path).is_none_or(|held| held.mode == Mode::Maybe);
                        if free && take.calls.len() < MAX_CALLS {
                            let mut take = take.clone();
                            take.path = path;
                            take.calls.insert(0, (id, event.node));
                            add_take(&mut summary.takes, take);
                        }
                    }
                }
                _ => {}
            }
        });
        summary
    }

    /// Branches that depend on a boolean parameter: what they do is up to the caller.
    fn conditional_spans(&self, id: UnitId) -> Vec<goward_diagnostics::Span> {
        let unit = self.units.get(id);
        let file = &self.package.files[unit.file];
        let world = self.package.world;
        let flags: Vec<ObjectId> = unit
            .parameters
            .iter()
            .flatten()
            .copied()
            .filter(|&object| world.is_boolean(world.object_type(object)))
            .collect();
        if flags.is_empty() {
            return Vec::new();
        }
        let mut spans = Vec::new();
        for node in file.tree.preorder(unit.body) {
            if let Statement::If { condition, .. } = file.tree.statement(node) {
                let mentions = file.tree.preorder(condition).any(|below| {
                    matches!(file.tree.expression(below), Expression::Identifier)
                        && file
                            .facts
                            .object_of(below)
                            .is_some_and(|object| flags.contains(&object))
                });
                if mentions {
                    spans.push(file.tree.span(node));
                }
            }
        }
        spans
    }

    /// Callees before callers, as far as there is no recursion.
    fn bottom_up(&self) -> Vec<UnitId> {
        let count = self.units.list.len();
        let mut callees: Vec<Vec<UnitId>> = vec![Vec::new(); count];
        for (index, events) in self.lowered.units.iter().enumerate() {
            for (_, event) in events.blocks.iter().flatten() {
                if let EventKind::Run { target, how, .. } = &event.kind
                    && !matches!(how, How::Kept)
                {
                    callees[index].push(*target);
                }
                if let EventKind::Run {
                    how: How::Through { callee, .. },
                    ..
                } = &event.kind
                {
                    callees[index].push(*callee);
                }
            }
            callees[index].dedup();
        }
        let mut order = Vec::with_capacity(count);
        let mut seen = vec![false; count];
        for start in 0..count {
            if seen[start] {
                continue;
            }
            seen[start] = true;
            let mut stack = vec![(start, 0)];
            while let Some((unit, next)) = stack.last_mut() {
                match callees[*unit].get(*next) {
                    Some(target) => {
                        *next += 1;
                        if !seen[target.index()] {
                            seen[target.index()] = true;
                            stack.push((target.index(), 0));
                        }
                    }
                    None => {
                        order.push(UnitId(*unit as u32));
                        stack.pop();
                    }
                }
            }
        }
        order
    }

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
    fn entries(&self) -> (Vec<LockState>, Vec<bool>) {
        let count = self.units.list.len();
        let mut entry: Vec<Option<LockState>> = (0..count)
            .map(|index| {
                self.called_from_elsewhere(UnitId(index as u32))
                    .then(LockState::default)
            })
            .collect();
        let fixed: Vec<bool> = entry.iter().map(Option::is_some).collect();
        let mut called = vec![false; count];
        let mut given: Vec<Vec<(UnitId, LockState)>> = vec![Vec::new(); count];
        for events in &self.lowered.units {
            for (_, event) in events.blocks.iter().flatten() {
                if let EventKind::Run { target, .. } = &event.kind {
                    called[target.index()] = true;
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
                    given[index] = self.contributions(UnitId(index as u32), state.clone());
                }
            }
            let mut next: Vec<Option<LockState>> = vec![None; count];
            for contribution in given.iter().flatten() {
                let (target, state) = contribution;
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
    fn contributions(&self, id: UnitId, entry: LockState) -> Vec<(UnitId, LockState)> {
        let solution = self.solve(id, entry);
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
    fn bindings_at(&self, unit: UnitId, call: NodeId, callee: UnitId) -> Vec<(ObjectId, PathId)> {
        let events = &self.lowered.units[unit.index()];
        let mut all = events.blocks.iter().flatten();
        let found = all.find_map(|(_, event)| match &event.kind {
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
            if literal || root.is_some_and(|root| is_package_variable(world, root)) {
                add(path, inherited);
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
                    elements: rest,
                };
                let mut mentions = paths.mentions(path).to_vec();
                mentions.push(parameter);
                let new = paths.intern(new, mentions);
                drop(paths);
                add(new, inherited);
            }
        }
        result.sort_by_key(|entry| entry.0);
        result
    }
}

fn add_take(takes: &mut Vec<Take>, take: Take) {
    let known = takes
        .iter()
        .any(|known| known.path == take.path && known.mode == take.mode);
    if !known && takes.len() < MAX_EFFECTS {
        takes.push(take);
    }
}

fn add_effect(effects: &mut Vec<Effect>, effect: Effect) {
    let known = effects.iter().find(|known| {
        known.access == effect.access
            && known.unit == effect.unit
            && known.held == effect.held
            && known.nilness == effect.nilness
            && known.root_nilness == effect.root_nilness
    });
    if known.is_none() && effects.len() < MAX_EFFECTS {
        effects.push(effect);
    }
}

/// What is known of the variable that a path starts at and goes on from.
pub(crate) fn root_nilness(
    paths: &RefCell<Paths>,
    state: &LockState,
    path: PathId,
) -> Option<Nilness> {
    let mut paths = paths.borrow_mut();
    if paths.get(path).elements.is_empty() {
        return None;
    }
    let root = paths.root(path)?;
    state.nilness(paths.variable(root))
}

/// A path of `callee` in terms of its caller: parameters become what they stand for; package
/// variables and what a literal captures stay.
fn translate(
    package: &TypedPackage<'_>,
    units: &Units,
    paths: &RefCell<Paths>,
    path: PathId,
    callee: UnitId,
    bindings: &[(ObjectId, PathId)],
) -> Option<PathId> {
    let root = paths.borrow().root(path)?;
    if let Some(&(_, base)) = bindings.iter().find(|binding| binding.0 == root) {
        return paths.borrow_mut().rebase(path, base);
    }
    if is_package_variable(package.world, root) {
        return Some(path);
    }
    let unit = units.get(callee);
    let span = package.files[unit.file].tree.span(unit.node);
    let captured = unit.is_literal() && !declared_in(package, root, unit.file, span);
    captured.then_some(path)
}

impl Locks {
    /// Analyses a package.
    pub fn new(package: &TypedPackage<'_>, units: &Units, lowered: &mut Lowered) -> Locks {
        let paths = RefCell::new(std::mem::take(&mut lowered.paths));
        let count = units.list.len();
        let summaries = RefCell::new(vec![Summary::default(); count]);
        let (solutions, known_callers) = {
            let shared = Shared {
                package,
                units,
                lowered,
                paths: &paths,
                summaries: &summaries,
            };
            let order = shared.bottom_up();
            for _ in 0..SUMMARY_ROUNDS {
                let mut changed = false;
                for &id in &order {
                    let summary = shared.summarize(id);
                    let mut summaries = shared.summaries.borrow_mut();
                    if summaries[id.index()] != summary {
                        summaries[id.index()] = summary;
                        changed = true;
                    }
                }
                if !changed {
                    break;
                }
            }
            let (entries, known) = shared.entries();
            let solutions: Vec<Solution<LockState>> = entries
                .into_iter()
                .enumerate()
                .map(|(index, entry)| shared.solve(UnitId(index as u32), entry))
                .collect();
            (solutions, known)
        };
        Locks {
            solutions,
            summaries,
            known_callers,
            paths,
        }
    }

    fn shared<'s, 'a>(
        &'s self,
        package: &'s TypedPackage<'a>,
        units: &'s Units,
        lowered: &'s Lowered,
    ) -> Shared<'s, 'a> {
        Shared {
            package,
            units,
            lowered,
            paths: &self.paths,
            summaries: &self.summaries,
        }
    }

    /// What is known of the variable that a path starts at and goes on from.
    pub fn root_nilness(&self, state: &LockState, path: PathId) -> Option<Nilness> {
        root_nilness(&self.paths, state, path)
    }

    /// The state at the end of a block.
    pub fn at_end(
        &self,
        package: &TypedPackage<'_>,
        units: &Units,
        lowered: &Lowered,
        id: UnitId,
        block: BlockId,
    ) -> Option<LockState> {
        let solution = &self.solutions[id.index()];
        let mut state = solution.entry[block.index()].clone()?;
        let shared = self.shared(package, units, lowered);
        for (_, event) in &lowered.units[id.index()].blocks[block.index()] {
            shared.transfer(id, &mut state, event);
        }
        solution.complete.then_some(state)
    }

    /// What a caller sees of a function.
    pub fn summary(&self, id: UnitId) -> std::cell::Ref<'_, Summary> {
        std::cell::Ref::map(self.summaries.borrow(), |all| &all[id.index()])
    }

    /// The map accesses that running `target` at `event` of `unit` brings, in terms of `unit`.
    pub fn effects(
        &self,
        flow: (&TypedPackage<'_>, &Units, &Lowered),
        unit: UnitId,
        event: &Event,
        state: &LockState,
    ) -> Vec<Effect> {
        let EventKind::Run {
            target,
            how,
            bindings,
        } = &event.kind
        else {
            return Vec::new();
        };
        let shared = self.shared(flow.0, flow.1, flow.2);
        let nothing = LockState::default();
        match how {
            How::Call => shared.effects_of_run(unit, event, *target, bindings, state, None),
            How::Once(path) => {
                shared.effects_of_run(unit, event, *target, bindings, state, Some(*path))
            }
            How::Spawn(_) => shared.effects_of_run(unit, event, *target, bindings, &nothing, None),
            How::Through { callee, parameter } => {
                let summaries = self.summaries.borrow();
                let calls = &summaries[callee.index()].parameter_calls;
                let mut runs = calls.iter().filter(|call| call.0 == *parameter).peekable();
                if runs.peek().is_none() {
                    return Vec::new();
                }
                let locked = runs.any(|call| !call.1.is_empty());
                drop(summaries);
                let mut effects =
                    shared.effects_of_run(unit, event, *target, bindings, state, None);
                for effect in &mut effects {
                    effect.other_lock |= locked;
                }
                effects
            }
            How::Unknown | How::Kept => Vec::new(),
        }
    }

    /// The paths of the package.
    pub fn paths(&self) -> std::cell::Ref<'_, Paths> {
        self.paths.borrow()
    }

    /// Calls `visit` with each event of a unit and the state before it, for blocks that can be
    /// reached. The block tells whether it belongs to a deferred call.
    pub fn replay(
        &self,
        package: &TypedPackage<'_>,
        units: &Units,
        lowered: &Lowered,
        id: UnitId,
        visit: impl FnMut(BlockId, &Event, &LockState),
    ) {
        let solution = &self.solutions[id.index()];
        if !solution.complete {
            return;
        }
        self.shared(package, units, lowered)
            .replay(id, solution, visit);
    }

    /// A path of `callee` in terms of its caller.
    pub fn translate(
        &self,
        package: &TypedPackage<'_>,
        units: &Units,
        path: PathId,
        callee: UnitId,
        bindings: &[(ObjectId, PathId)],
    ) -> Option<PathId> {
        translate(package, units, &self.paths, path, callee, bindings)
    }
}
