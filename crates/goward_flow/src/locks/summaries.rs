//! Summaries: what running a function does, in terms of its parameters, callees before callers.

use std::cell::RefCell;

use goward_diagnostics::Span;
use goward_syntax::{Expression, NodeId, NodeKind, Statement, Tree};
use goward_types::{LockUse, ObjectId, TypeId, TypeKind};

use crate::event::{Event, EventKind, How};
use crate::graph::Step;
use crate::path::{PathId, Paths};
use crate::state::{Held, LockState, Mode, Nilness};
use crate::summary::{Effect, Summary, Take};
use crate::unit::UnitId;

use super::{Shared, Solved};

/// Effects and takes kept per function, and calls kept on the way to one.
const MAX_EFFECTS: usize = 256;
const MAX_CALLS: usize = 5;
/// Passes over the functions of a package to settle recursive summaries.
const SUMMARY_ROUNDS: usize = 4;

impl Shared<'_, '_> {
    /// The effects of running `target` here, in terms of `unit`.
    pub(super) fn effects_of_run(
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

    /// Makes the summaries of all functions, callees before callers, and again where functions call
    /// each other.
    pub(super) fn summaries(&self, solved: &Solved) {
        let callees = self.callees();
        let mut callers: Vec<Vec<UnitId>> = vec![Vec::new(); callees.len()];
        for (caller, callees) in (0..).zip(&callees) {
            for callee in callees {
                callers[callee.index()].push(UnitId(caller));
            }
        }
        let order = bottom_up(&callees);
        let mut open = vec![true; callees.len()];
        for _ in 0..SUMMARY_ROUNDS {
            for &id in &order {
                if !std::mem::replace(&mut open[id.index()], false) {
                    continue;
                }
                solved.borrow_mut()[id.index()] = None;
                let summary = self.summarize(solved, id);
                if self.summaries.borrow()[id.index()] != summary {
                    self.summaries.borrow_mut()[id.index()] = summary;
                    for caller in &callers[id.index()] {
                        open[caller.index()] = true;
                    }
                }
            }
            if !open.contains(&true) {
                break;
            }
        }
        // What has not settled is not what the last summaries give.
        for (solved, open) in solved.borrow_mut().iter_mut().zip(open) {
            if open {
                *solved = None;
            }
        }
    }

    fn summarize(&self, solved: &Solved, id: UnitId) -> Summary {
        let unit = self.units.get(id);
        if self.lowered.units[id.index()].is_empty() {
            return Summary::default();
        }
        let solution = self.solved(solved, id, LockState::default());
        let mut summary = Summary::default();
        if !solution.complete {
            return summary;
        }
        let mut first = true;
        let mut acquired: Vec<(PathId, Held)> = Vec::new();
        let mut released: Vec<(PathId, usize)> = Vec::new();
        let mut exits = 0;
        for exit in unit.graph.exits.iter().filter(|exit| exit.kind.returns()) {
            let Some(state) = solution.entry(exit.terminal) else {
                continue;
            };
            exits += 1;
            for &(path, held) in &state.held {
                if held.mode == Mode::Released {
                    match released.iter_mut().find(|entry| entry.0 == path) {
                        Some(entry) => entry.1 += 1,
                        None => released.push((path, 1)),
                    }
                } else if held.mode == Mode::Maybe {
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
        if self.may_return_unlocker(id) {
            // Who calls what it returns gives the lock back: `defer t.lock()()`.
            for (_, held) in &mut acquired {
                held.mode = Mode::Maybe;
            }
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
        let own = self.replaced_copies(id);
        let (conditional, by_state) = self.conditional_spans(id);
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
            let by_state = by_state.iter().any(|span| span.contains(at));
            match &event.kind {
                EventKind::Lock { path, mode, sync }
                | EventKind::Imported {
                    path,
                    mode,
                    sync,
                    lock_use: LockUse::Acquires | LockUse::Takes,
                } => {
                    let free = state.lock(*path).is_none_or(is_free);
                    if *sync && free && !on_request {
                        add_take(
                            &mut summary.takes,
                            Take {
                                path: *path,
                                mode: *mode,
                                unit: id,
                                node: event.node,
                                calls: Vec::new(),
                                by_state,
                            },
                        );
                    }
                }
                EventKind::Access(access) => {
                    let of_its_own = own.iter().any(|&(since, path)| {
                        since < at && self.paths.borrow().is_prefix(path, access.path)
                    });
                    if of_its_own {
                        return;
                    }
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
                EventKind::ValueCall { object } => {
                    let held: Vec<_> = state.locks().copied().collect();
                    summary.parameter_calls.push((*object, held));
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
                        let free = state.lock(path).is_none_or(is_free);
                        if free && take.calls.len() < MAX_CALLS {
                            let mut take = take.clone();
                            take.path = path;
                            take.by_state |= by_state;
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

    /// Parameters, and fields of those that are structures, that a function sets, and where: they are
    /// its own copies, and from there on perhaps no longer what the caller has.
    fn replaced_copies(&self, id: UnitId) -> Vec<(u32, PathId)> {
        let unit = self.units.get(id);
        let tree = self.package.files[unit.file].tree;
        let world = self.package.world;
        let paths = self.paths.borrow();
        let parameters = || unit.parameters.iter().flatten().chain(&unit.receiver);
        let mut replaced = Vec::new();
        for event in self.lowered.units[id.index()].all() {
            let EventKind::Set { path, .. } = event.kind else {
                continue;
            };
            let Some(root) = paths.root(path) else {
                continue;
            };
            let whole = paths.get(path).elements.is_empty();
            let copied = || world.underlying(world.object_type(root)).kind() == TypeKind::Struct;
            if parameters().any(|&parameter| parameter == root) && (whole || copied()) {
                replaced.push((tree.span(event.node).start, path));
            }
        }
        replaced
    }

    /// Whether a function returns something that may give back a lock: a function, or an object with
    /// a method that says so.
    fn may_return_unlocker(&self, id: UnitId) -> bool {
        const NAMES: [&str; 6] = ["Unlock", "RUnlock", "Release", "Close", "Done", "Free"];
        let unit = self.units.get(id);
        let file = &self.package.files[unit.file];
        let world = self.package.world;
        let Expression::FunctionType { results, .. } = file.tree.expression(unit.function_type)
        else {
            return false;
        };
        results.iter().any(|&entry| {
            let result = file.facts.type_of(file.tree.field(entry).field_type);
            let unlocks = |method: ObjectId| {
                let name = world.object(method).name.as_str();
                NAMES.iter().any(|unlock| name.eq_ignore_ascii_case(unlock))
            };
            match world.underlying(result).kind() {
                TypeKind::Signature => true,
                TypeKind::Interface => {
                    let set = world.type_set(world.underlying(result));
                    set.methods.iter().any(|&method| unlocks(method))
                }
                _ => {
                    let methods = world.declared_methods(world.unalias(world.deref(result).0));
                    methods.iter().any(|&method| unlocks(method))
                }
            }
        })
    }

    /// Branches that depend on a boolean parameter: what they do is up to the caller. And those that
    /// depend on the state of an object.
    fn conditional_spans(&self, id: UnitId) -> (Vec<Span>, Vec<Span>) {
        let unit = self.units.get(id);
        let file = &self.package.files[unit.file];
        let world = self.package.world;
        // A literal sees the parameters of the functions around it.
        let flags: Vec<ObjectId> = self
            .units
            .chain(id)
            .flat_map(|unit| self.units.get(unit).parameters.iter().flatten())
            .copied()
            .filter(|&object| world.is_boolean(world.object_type(object)))
            .collect();
        let mentions_flag = |node: NodeId| {
            file.tree.preorder(node).any(|below| {
                matches!(file.tree.expression(below), Expression::Identifier)
                    && file
                        .facts
                        .object_of(below)
                        .is_some_and(|object| flags.contains(&object))
            })
        };
        // A field, a method, a boolean variable, or whether something but an error is nil.
        let mentions_state = |node: NodeId| {
            file.tree.preorder(node).any(|below| {
                if file.facts.selections.contains_key(&below) {
                    return true;
                }
                match file.tree.expression(below) {
                    Expression::Identifier => file.facts.object_of(below).is_some_and(|object| {
                        world.object(object).is_variable()
                            && world.is_boolean(world.object_type(object))
                    }),
                    Expression::Binary { left, right, .. } => {
                        let left = file.facts.type_of(left);
                        file.facts.type_of(right) == TypeId::UNTYPED_NIL
                            && left != world.universe().error
                    }
                    _ => false,
                }
            })
        };
        let (mut on_request, mut by_state) = (Vec::new(), Vec::new());
        // `if !create { return }`: what follows is up to the caller, too.
        for &(node, parent) in &unit.nodes {
            if let Statement::If {
                condition,
                then,
                otherwise: None,
                ..
            } = file.tree.statement(node)
                && mentions_flag(condition)
                && leaves(file.tree, then)
            {
                let (branch, around) = (file.tree.span(node), file.tree.span(parent));
                on_request.push(Span::new(branch.start, around.end.max(branch.end)));
            }
        }
        for node in file.tree.preorder(unit.body) {
            match file.tree.kind(node) {
                NodeKind::IfStmt => {
                    if let Statement::If {
                        condition,
                        then,
                        otherwise,
                        ..
                    } = file.tree.statement(node)
                    {
                        if mentions_flag(condition) {
                            on_request.push(file.tree.span(node));
                        }
                        if mentions_state(condition) {
                            let bodies = [Some(then), otherwise];
                            by_state.extend(
                                bodies
                                    .into_iter()
                                    .flatten()
                                    .map(|body| file.tree.span(body)),
                            );
                        }
                    }
                }
                NodeKind::SwitchStmt => {
                    if let Statement::Switch {
                        tag: Some(tag),
                        body,
                        ..
                    } = file.tree.statement(node)
                        && mentions_state(tag)
                    {
                        by_state.push(file.tree.span(body));
                    }
                }
                NodeKind::CaseClause => {
                    if let Statement::CaseClause { expressions, .. } = file.tree.statement(node)
                        && expressions
                            .iter()
                            .any(|&expression| mentions_state(expression))
                    {
                        by_state.push(file.tree.span(node));
                    }
                }
                _ => {}
            }
        }
        (on_request, by_state)
    }

    /// The functions on whose summaries that of each function rests.
    fn callees(&self) -> Vec<Vec<UnitId>> {
        let mut callees: Vec<Vec<UnitId>> = vec![Vec::new(); self.units.list.len()];
        for (index, events) in self.lowered.units.iter().enumerate() {
            for event in events.all() {
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
        callees
    }
}

/// Whether a block ends with a `return`, or leaves a loop.
fn leaves(tree: &Tree, block: NodeId) -> bool {
    let Statement::Block { statements } = tree.statement(block) else {
        return false;
    };
    let last = statements.last().map(|&last| tree.kind(last));
    matches!(last, Some(NodeKind::ReturnStmt | NodeKind::BranchStmt))
}

/// Callees before callers, as far as there is no recursion.
fn bottom_up(callees: &[Vec<UnitId>]) -> Vec<UnitId> {
    let count = callees.len();
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

/// Whether taking a lock in this state is more than taking it back for the caller who holds it.
fn is_free(held: &Held) -> bool {
    held.mode == Mode::Maybe && held.own
}

fn add_take(takes: &mut Vec<Take>, take: Take) {
    let room = takes.len() < MAX_EFFECTS;
    let known = takes
        .iter_mut()
        .find(|known| known.path == take.path && known.mode == take.mode);
    match known {
        // The way on which nothing depends says more.
        Some(known) if known.by_state && !take.by_state => *known = take,
        Some(_) => {}
        None if room => takes.push(take),
        None => {}
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
