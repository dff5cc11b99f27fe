//! Locks that are taken while the same goroutine holds them: what `double-lock` and `rlock-reentry`
//! share.

use goward_diagnostics::{Diagnostic, Span};
use goward_flow::{BlockId, EventKind, Held, How, LockMode, Mode, Observed, PathId, UnitId};
use goward_syntax::{Expression, NodeId};
use goward_types::{LockUse, ObjectId, ObjectKind, VariableKind};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::sharing::innermost_loop;

/// A lock taken again.
pub(crate) struct Relock {
    /// The function, and the `Lock` call in it or the call that leads to it.
    pub(crate) unit: UnitId,
    pub(crate) node: NodeId,
    /// The mutex.
    pub(crate) path: PathId,
    pub(crate) held: Held,
    pub(crate) mode: LockMode,
    /// The calls after `node` on the way, and the `Lock` call at the end; empty if `node` is it.
    pub(crate) way: Vec<(UnitId, NodeId)>,
    /// `node` calls a function of another package, and that locks.
    pub(crate) imported: bool,
    /// `node` belongs to this deferred call.
    pub(crate) deferred: Option<NodeId>,
}

impl Relock {
    /// Whether both are read locks.
    pub(crate) fn reads(&self) -> bool {
        self.held.mode == Mode::Read && self.mode == LockMode::Read
    }

    /// The steps of the evidence.
    pub(crate) fn steps(&self, context: &Context<'_>, mut finding: Diagnostic) -> Diagnostic {
        let name = context.flow.text(self.path);
        finding = finding.step(
            context.path(self.held.file),
            context.span(self.held.file, self.held.node),
            format!("`{name}` is locked here"),
        );
        if let Some(statement) = self.deferred {
            let file = context.flow.units.get(self.unit).file;
            finding = finding.step(
                context.path(file),
                context.span(file, statement),
                "this call is deferred: it runs when the function returns",
            );
        }
        if self.imported {
            let file = context.flow.units.get(self.unit).file;
            let called = match context.file(file).tree.expression(self.node) {
                Expression::Call { function, .. } => function,
                _ => self.node,
            };
            finding = finding.step(
                context.path(file),
                context.span(file, self.node),
                format!(
                    "`{}`, of another package, locks it again",
                    context.text(file, called)
                ),
            );
        }
        if let Some((&(last, lock), calls)) = self.way.split_last() {
            let mut chain = vec![(self.unit, self.node)];
            chain.extend(calls);
            let targets = chain.iter().skip(1).map(|call| call.0).chain([last]);
            for (&(unit, node), target) in chain.iter().zip(targets) {
                let file = context.flow.units.get(unit).file;
                finding = finding.step(
                    context.path(file),
                    context.span(file, node),
                    format!(
                        "`{}` is called with the lock held",
                        context.function(target)
                    ),
                );
            }
            let file = context.flow.units.get(last).file;
            finding = finding.step(
                context.path(file),
                context.span(file, lock),
                "and locks it again here",
            );
        }
        finding
    }
}

/// Local mutexes that are a signal: some function releases them without having taken them.
pub(crate) fn signals(context: &Context<'_>) -> FxHashSet<ObjectId> {
    let flow = context.flow;
    let mut signals = FxHashSet::default();
    for observed in &flow.observed {
        if let Some(path) = observed.event.kind.unlocks() {
            let paths = flow.locks.paths();
            let held = observed
                .state
                .lock(path)
                .is_some_and(|held| held.mode != Mode::Released);
            if let Some(root) = paths.root(path)
                && !held
                && paths.get(path).elements.is_empty()
                && context.world().object(root).kind == ObjectKind::Variable(VariableKind::Local)
            {
                signals.insert(root);
            }
        }
    }
    signals
}

/// All of them in a package.
pub(crate) fn relocks(context: &Context<'_>) -> Vec<Relock> {
    let flow = context.flow;
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    let signals = signals(context);
    for observed in &flow.observed {
        let holds = |path: PathId| {
            let root = flow.locks.paths().root(path);
            if root.is_some_and(|root| signals.contains(&root)) {
                return None;
            }
            observed
                .state
                .lock(path)
                .copied()
                .filter(|held| held.is_held() && held.certain && held.sync)
        };
        let mut add = |path: PathId, held: Held, mode: LockMode, way: Vec<(UnitId, NodeId)>| {
            if seen.insert((observed.unit, observed.event.node, path)) {
                found.push(Relock {
                    unit: observed.unit,
                    node: observed.event.node,
                    path,
                    held,
                    mode,
                    way,
                    imported: matches!(observed.event.kind, EventKind::Imported { .. }),
                    deferred: observed.deferred,
                });
            }
        };
        match &observed.event.kind {
            EventKind::Lock {
                path,
                mode,
                sync: true,
            }
            | EventKind::Imported {
                path,
                mode,
                sync: true,
                lock_use: LockUse::Acquires | LockUse::Takes,
            } => {
                if let Some(held) = holds(*path) {
                    add(*path, held, *mode, Vec::new());
                }
            }
            EventKind::Run {
                target,
                how: How::Call,
                bindings,
            } => {
                // A literal sees the locks around it by itself.
                if flow.units.get(*target).is_literal() && flow.locks.known_callers[target.index()]
                {
                    continue;
                }
                let summary = flow.locks.summary(*target);
                for take in summary.takes.iter().filter(|take| !take.by_state) {
                    // A parameter that the function assigns stands for another object by then.
                    let root = flow.locks.paths().root(take.path);
                    let assigned = root
                        .and_then(|root| flow.lowered.variables.get(root))
                        .is_some_and(|definitions| {
                            !definitions.values.is_empty() || definitions.other
                        });
                    if assigned {
                        continue;
                    }
                    let Some(path) = flow.translate(take.path, *target, bindings) else {
                        continue;
                    };
                    if let Some(held) = holds(path) {
                        let mut way = take.calls.clone();
                        way.push((take.unit, take.node));
                        add(path, held, take.mode, way);
                    }
                }
            }
            EventKind::Run {
                target,
                how: How::Through { callee, parameter },
                bindings,
            } if !flow.units.get(*target).is_literal() => {
                for (path, held) in locks_of_calls(context, observed, *callee, *parameter) {
                    let summary = flow.locks.summary(*target);
                    for take in summary.takes.iter().filter(|take| !take.by_state) {
                        if flow.translate(take.path, *target, bindings) == Some(path) {
                            let mut way = take.calls.clone();
                            way.push((take.unit, take.node));
                            add(path, held, take.mode, way);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    let known: FxHashSet<(UnitId, NodeId)> = found
        .iter()
        .map(|relock: &Relock| (relock.unit, relock.node))
        .collect();
    let again = in_turns(context);
    found.extend(
        again
            .into_iter()
            .filter(|relock| !known.contains(&(relock.unit, relock.node))),
    );
    found
}

/// The locks that a function holds at each call of one of its parameters, in terms of the caller that
/// gives it a function. Literals see them by themselves.
fn locks_of_calls(
    context: &Context<'_>,
    observed: &Observed,
    callee: UnitId,
    parameter: ObjectId,
) -> Vec<(PathId, Held)> {
    let flow = context.flow;
    let call = flow
        .observed_in(observed.unit)
        .iter()
        .find_map(|other| match &other.event.kind {
            EventKind::Run {
                target,
                how: How::Call,
                bindings,
            } if *target == callee && other.event.node == observed.event.node => Some(bindings),
            _ => None,
        });
    let Some(bindings) = call else {
        return Vec::new();
    };
    let summary = flow.locks.summary(callee);
    let mut calls = summary
        .parameter_calls
        .iter()
        .filter(|call| call.0 == parameter)
        .map(|call| &call.1);
    let Some(first) = calls.next() else {
        return Vec::new();
    };
    let others: Vec<_> = calls.collect();
    first
        .iter()
        .filter(|(path, held)| {
            let certain = |held: &Held| held.is_held() && held.certain && held.sync;
            certain(held)
                && others.iter().all(|call| {
                    call.iter()
                        .any(|(other, held)| other == path && certain(held))
                })
        })
        .filter_map(|&(path, held)| Some((flow.translate(path, callee, bindings)?, held)))
        .collect()
}

/// Locks in a loop that are only given back behind it, by a deferred call or after its end: the next
/// turn takes them again.
fn in_turns(context: &Context<'_>) -> Vec<Relock> {
    let flow = context.flow;
    let mut found: Vec<Relock> = Vec::new();
    for observed in &flow.observed {
        let EventKind::Unlock { path, .. } = &observed.event.kind else {
            continue;
        };
        let unit = observed.unit;
        let lock = flow
            .observed_in(unit)
            .iter()
            .find_map(|other| match other.event.kind {
                EventKind::Lock {
                    path: locked,
                    mode,
                    sync: true,
                } if locked == *path && other.deferred.is_none() => Some((other.event.node, mode)),
                _ => None,
            });
        let Some((node, mode)) = lock else {
            continue;
        };
        let Some(turn) = innermost_loop(context, unit, node) else {
            continue;
        };
        let file = flow.units.get(unit).file;
        let inside = |node: NodeId| turn.contains(context.span(file, node).start);
        if observed.deferred.is_none() && inside(observed.event.node) {
            continue;
        }
        // What each turn has for itself is another mutex.
        let same = flow.locks.paths().mentions(*path).iter().all(|&object| {
            let known = context.world().object(object);
            let of_turn = known.file as usize == file && turn.contains(known.offset);
            // A parameter has its value before anything sets it.
            let local = known.kind == ObjectKind::Variable(VariableKind::Local);
            !of_turn
                && flow.lowered.variables.is_constant(object)
                && (local || flow.lowered.variables.get(object).is_none())
        });
        let events = flow.observed_in(unit);
        let released = events.iter().any(|other| {
            other.deferred.is_none()
                && inside(other.event.node)
                && match &other.event.kind {
                    kind if kind.unlocks() == Some(*path) => true,
                    // It may give the lock back.
                    EventKind::Run { target, .. } => {
                        !flow.locks.summary(*target).released.is_empty()
                            || !flow.locks.summary(*target).released_sometimes.is_empty()
                    }
                    _ => false,
                }
        });
        if !same || released {
            continue;
        }
        if found
            .iter()
            .any(|known| known.unit == unit && known.node == node)
            || !in_every_turn(context, unit, node, turn)
            || !comes_again(context, unit, node)
        {
            continue;
        }
        found.push(Relock {
            unit,
            node,
            path: *path,
            held: Held {
                mode: match mode {
                    LockMode::Read => Mode::Read,
                    LockMode::Write => Mode::Write,
                },
                own: true,
                certain: true,
                sync: true,
                file,
                node,
            },
            mode,
            way: Vec::new(),
            imported: false,
            deferred: observed.deferred,
        });
    }
    found
}

/// Whether a call stands in the body of a loop itself: a condition may be that it is the first turn.
fn in_every_turn(context: &Context<'_>, unit: UnitId, call: NodeId, turn: Span) -> bool {
    let unit = context.flow.units.get(unit);
    let parent = |node: NodeId| unit.nodes.iter().find(|entry| entry.0 == node);
    let statement = parent(call).map(|entry| entry.1);
    let block = statement.and_then(parent).map(|entry| entry.1);
    let around = block.and_then(parent).map(|entry| entry.1);
    around.is_some_and(|around| context.span(unit.file, around) == turn)
}

/// Whether control can come to an event a second time.
fn comes_again(context: &Context<'_>, unit: UnitId, node: NodeId) -> bool {
    let flow = context.flow;
    let graph = &flow.units.get(unit).graph;
    let events = &flow.lowered.units[unit.index()];
    let holds = |block: BlockId| {
        events
            .block(block)
            .iter()
            .any(|(_, event)| event.node == node)
    };
    let mut seen = vec![false; graph.block_count()];
    let mut pending: Vec<BlockId> = graph
        .reverse_postorder()
        .iter()
        .copied()
        .filter(|&block| holds(block))
        .flat_map(|block| graph.block(block).successors.iter().map(|edge| edge.to))
        .collect();
    while let Some(block) = pending.pop() {
        if std::mem::replace(&mut seen[block.index()], true) {
            continue;
        }
        if holds(block) {
            return true;
        }
        let successors = graph.block(block).successors.iter();
        pending.extend(successors.map(|edge| edge.to));
    }
    false
}
