//! `unlock-missing-on-path`.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{BlockId, EventKind, Exit, Held, How, LockState, Mode, PathId, Step, UnitId};
use goward_syntax::{BranchKeyword, Expression, NodeId, NodeKind, Statement};
use rustc_hash::FxHashSet;

use crate::collected_locks::is_kept_for_later;
use crate::context::Context;
use crate::errors::is_nil;
use crate::relock::signals;
use crate::rule::{Group, rule};
use crate::sharing::innermost_loop;

rule! {
    /// Reports an exit that keeps a lock which another exit of the function releases.
    ///
    /// ## What it reports
    ///
    /// A `return`, the end of a function, a `continue` or a `break`, that is reached with a mutex locked by the
    /// function itself, where the function unlocks that mutex on another path. Deferred unlocks,
    /// helper methods of the same package that lock or unlock, and `TryLock` are followed. Where more
    /// than two exits keep the same lock, the finding stands at the lock.
    ///
    /// Nothing is said of functions that are meant to return with the lock held: those that never
    /// unlock it, those called `lock…`, `acquire…`, `begin…` or `grab…`, those that return a function,
    /// those whose comment says so, and those whose last exit keeps a lock that another function of
    /// the package releases. What such a function keeps just where it fails is reported.
    ///
    /// ## Why it matters
    ///
    /// The next call of `Lock` waits for ever, and with it everything that needs the same lock. It
    /// mostly happens on an error path that no test takes.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package cache
    ///
    /// import (
    /// 	"errors"
    /// 	"sync"
    /// )
    ///
    /// type Cache struct {
    /// 	mu    sync.Mutex
    /// 	items map[string]string
    /// }
    ///
    /// func (c *Cache) Get(key string) (string, error) {
    /// 	c.mu.Lock()
    /// 	value, ok := c.items[key]
    /// 	if !ok {
    /// 		return "", errors.New("not found") // want unlock-missing-on-path
    /// 	}
    /// 	c.mu.Unlock()
    /// 	return value, nil
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package cache
    ///
    /// import "sync"
    ///
    /// type Cache struct {
    /// 	mu    sync.Mutex
    /// 	items map[string]string
    /// }
    ///
    /// func (c *Cache) Get(key string) (string, bool) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	value, ok := c.items[key]
    /// 	if !ok {
    /// 		return "", false
    /// 	}
    /// 	return value, true
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// The fix unlocks before the `return`. It is safe where the results are plain values; where they
    /// are computed, it is only made on request. Where they read what the lock may guard (a field, an
    /// element, a variable of the package) there is none: the read would come after the unlock.
    pub(crate) const RULE: Rule = Rule {
        name: "unlock-missing-on-path",
        category: Category::Deadlock,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: Some(Safety::Safe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    // Fields whose mutex some function releases without having locked it.
    let mut handed_over = FxHashSet::default();
    for observed in &context.flow.observed {
        if let Some(path) = observed.event.kind.unlocks() {
            let own = observed.state.lock(path).is_some_and(Held::is_held);
            if !own && let Some(field) = context.flow.locks.paths().last_field(path) {
                handed_over.insert((observed.unit, field));
            }
        }
    }
    let signals = signals(context);
    let mut found = Found {
        findings,
        by_callee: Vec::new(),
    };
    for (id, _) in context.flow.units.iter() {
        unit(context, id, &handed_over, &signals, &mut found);
    }
    let Found {
        findings,
        mut by_callee,
    } = found;
    while let Some(&(callee, _)) = by_callee.first() {
        let (same, rest): (Vec<_>, Vec<_>) = by_callee
            .into_iter()
            .partition(|(other, _)| *other == callee);
        by_callee = rest;
        let count = same.len();
        let mut same = same.into_iter().map(|(_, finding)| finding);
        if count <= MANY_CALLERS {
            findings.extend(same);
        } else if let Some(first) = same.next() {
            let name = &context.flow.units.get(callee).name;
            findings.push(first.help(format!(
                "so do {} other exits of functions that call `{name}`, which takes the lock: unlock before these \
                 exits, or give the lock back in `{name}` where it fails",
                count - 1
            )));
        }
    }
}

/// Where more exits than this keep a lock that one function takes for its callers, one stands for all.
const MANY_CALLERS: usize = 3;

/// What was found in a package.
struct Found<'f> {
    findings: &'f mut Vec<Diagnostic>,
    /// Exits that keep a lock which this function has taken for its caller.
    by_callee: Vec<(UnitId, Diagnostic)>,
}

/// Locks that a function takes and, on some path, gives back, with the place where it does.
pub(crate) fn released_locks(context: &Context<'_>, id: UnitId) -> Vec<(PathId, NodeId)> {
    let flow = context.flow;
    let mut released: Vec<(PathId, NodeId)> = Vec::new();
    for observed in flow.observed_in(id) {
        let own = |path: PathId| {
            observed
                .state
                .lock(path)
                .is_some_and(|held| held.is_held() && held.own)
        };
        if let Some(path) = observed.event.kind.unlocks()
            && own(path)
        {
            released.push((path, observed.event.node));
        }
        if let EventKind::Run {
            target, bindings, ..
        } = &observed.event.kind
        {
            for &path in &flow.locks.summary(*target).released {
                if let Some(path) = flow.translate(path, *target, bindings)
                    && own(path)
                {
                    released.push((path, observed.event.node));
                }
            }
        }
    }
    released
}

fn unit(
    context: &Context<'_>,
    id: UnitId,
    handed_over: &FxHashSet<(UnitId, goward_types::ObjectId)>,
    signals: &FxHashSet<goward_types::ObjectId>,
    found: &mut Found<'_>,
) {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let released = released_locks(context, id);
    if released.is_empty() {
        return;
    }
    let fails = fails_with_the_lock(context, id, &released);
    if is_meant(context, id) && !fails {
        return;
    }
    let states: Vec<(&Exit, &LockState)> = unit
        .graph
        .exits
        .iter()
        .filter(|exit| exit.kind.returns())
        .filter_map(|exit| Some((exit, flow.at_exit(id, exit)?)))
        .collect();
    let keeps = |state: &LockState, path: PathId| {
        state
            .lock(path)
            .copied()
            .filter(|held| held.is_held() && held.own)
    };
    let mut seen = FxHashSet::default();
    for &(path, release) in &released {
        let root = flow.locks.paths().root(path);
        if !seen.insert(path) || root.is_some_and(|root| signals.contains(&root)) {
            continue;
        }
        let free = states.iter().any(|(_, state)| {
            state
                .lock(path)
                .is_none_or(|held| held.mode == Mode::Released)
        });
        // Turns of a loop that give it back are as good as another exit, as long as nobody else can.
        let free = free || {
            let in_turns = |exit: &Exit, held: &Held| {
                let turn = innermost_loop(context, id, release);
                turn.is_some_and(|turn| {
                    let inside = |node| turn.contains(context.span(unit.file, node).start);
                    held.file == unit.file && inside(held.node) && exit.node.is_some_and(inside)
                })
            };
            let mutex = flow.locks.paths().last_field(path);
            let hidden = mutex.is_some_and(|mutex| {
                let mutex = context.world().object(mutex);
                !mutex.is_exported() && !mutex.is_embedded()
            });
            let handed = mutex.is_some_and(|mutex| {
                let mut others = handed_over.iter();
                others.any(|&(other, released)| other != id && released == mutex)
            });
            hidden
                && !handed
                && states.iter().all(|(exit, state)| {
                    keeps(state, path).is_some_and(|held| in_turns(exit, &held))
                })
        };
        let last = states.iter().max_by_key(|(exit, _)| {
            exit.node
                .map_or(u32::MAX, |node| context.span(unit.file, node).start)
        });
        let last_keeps = last.is_some_and(|(_, state)| keeps(state, path).is_some());
        let by_others = flow.locks.paths().last_field(path).is_some_and(|field| {
            handed_over
                .iter()
                .any(|&(other, released)| other != id && released == field)
        });
        if free && (fails || !(last_keeps && by_others)) {
            let keeping: Vec<(&Exit, Held)> = states
                .iter()
                .filter_map(|(exit, state)| Some((*exit, keeps(state, path)?)))
                .collect();
            let same = keeping
                .windows(2)
                .all(|pair| (pair[0].1.file, pair[0].1.node) == (pair[1].1.file, pair[1].1.node));
            if keeping.len() > MANY_EXITS && same {
                report_lock(context, id, path, release, &keeping, found.findings);
            } else {
                for (exit, held) in keeping {
                    report_exit(context, id, path, held, release, exit, found);
                }
            }
        }
        loops(context, id, path, release, found.findings);
        breaks(context, id, path, release, found.findings);
    }
}

/// Whether a function gives the lock back where it returns a nil error, and keeps it where it returns
/// another one: whoever is to take a lock does not take it when it fails.
fn fails_with_the_lock(context: &Context<'_>, id: UnitId, released: &[(PathId, NodeId)]) -> bool {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let file = context.file(unit.file);
    let error = context.world().universe().error;
    let mut well = 0;
    let mut failed = 0;
    for exit in unit.graph.exits.iter().filter(|exit| exit.kind.returns()) {
        let Some(state) = flow.at_exit(id, exit) else {
            continue;
        };
        let last = exit.node.and_then(|node| match file.tree.statement(node) {
            Statement::Return { results } => results.last().copied(),
            _ => None,
        });
        let Some(last) = last else { return false };
        let keeps = released.iter().any(|&(path, _)| {
            state
                .lock(path)
                .is_some_and(|held| held.is_held() && held.own)
        });
        if is_nil(context, file, last) {
            if keeps {
                return false;
            }
            well += 1;
        } else if file.facts.type_of(last) == error && keeps {
            failed += 1;
        }
    }
    well > 0 && failed > 0
}

/// A `break` out of a loop with a lock that the turn has taken, after which nobody unlocks it.
fn breaks(
    context: &Context<'_>,
    id: UnitId,
    path: PathId,
    release: NodeId,
    findings: &mut Vec<Diagnostic>,
) {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let graph = &unit.graph;
    for &block in graph.reverse_postorder() {
        let Some(&Step::Branch(branch)) = graph.block(block).steps.last() else {
            continue;
        };
        let Statement::Branch {
            keyword: BranchKeyword::Break | BranchKeyword::Goto,
            ..
        } = context.file(unit.file).tree.statement(branch)
        else {
            continue;
        };
        let &[edge] = graph.block(block).successors else {
            continue;
        };
        let (Some(end), Some(target)) = (
            flow.at_end(id, block),
            flow.locks.solutions[id.index()].entry(edge.to),
        ) else {
            continue;
        };
        let held = end.lock(path).copied();
        let Some(held) = held.filter(|held| held.is_held() && held.own && held.certain) else {
            continue;
        };
        // Others come to the same place without the lock, so what follows does not count on it.
        let others = target
            .lock(path)
            .is_some_and(|held| held.mode == Mode::Maybe);
        let around = left_by(context, id, branch);
        let of_this_turn = held.file == unit.file
            && around.is_some_and(|span| span.contains(context.span(unit.file, held.node).start));
        if !others || !of_this_turn || unlocks_after(context, id, edge.to, path) {
            continue;
        }
        findings.push(kept(
            context,
            id,
            (path, held, release),
            branch,
            "this leaves the loop",
        ));
    }
}

/// The loop that a branch leaves: the one with its label, or the innermost.
fn left_by(context: &Context<'_>, id: UnitId, branch: NodeId) -> Option<Span> {
    let unit = context.flow.units.get(id);
    let tree = context.file(unit.file).tree;
    let Statement::Branch {
        keyword: BranchKeyword::Break,
        label: Some(label),
    } = tree.statement(branch)
    else {
        return innermost_loop(context, id, branch);
    };
    let at = tree.span(branch).start;
    unit.nodes
        .iter()
        .map(|entry| entry.0)
        .filter(|&node| tree.kind(node) == NodeKind::LabeledStmt && tree.span(node).contains(at))
        .find_map(|node| match tree.statement(node) {
            Statement::Labeled {
                label: own,
                statement,
            } if tree.symbol(own) == tree.symbol(label) => Some(tree.span(statement)),
            _ => None,
        })
}

/// A lock that a turn of a loop keeps at a node, where `when` is so.
fn kept(
    context: &Context<'_>,
    id: UnitId,
    lock: (PathId, Held, NodeId),
    node: NodeId,
    when: &str,
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let span = context.span(file, node);
    let name = context.flow.text(lock.0);
    let finding = RULE
        .diagnostic(
            context.path(file),
            span,
            format!("`{name}` is still locked when {when}"),
        )
        .in_function(context.function(id))
        .operation(format!("{} {name}", context.text(file, node)))
        .help(format!("unlock `{name}` on this path too"));
    locked_and_unlocked(context, finding, id, lock).step(
        context.path(file),
        span,
        "this path does not",
    )
}

/// The steps of every finding about a lock that one path gives back and another one keeps: where it is
/// taken, and where the other path releases it.
pub(crate) fn locked_and_unlocked(
    context: &Context<'_>,
    finding: Diagnostic,
    id: UnitId,
    (path, held, release): (PathId, Held, NodeId),
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let name = context.flow.text(path);
    finding
        .step(
            context.path(held.file),
            context.span(held.file, held.node),
            format!("`{name}` is locked here"),
        )
        .step(
            context.path(file),
            context.span(file, release),
            "another path unlocks it here",
        )
}

/// Whether some path from a block unlocks the mutex before it locks it again.
fn unlocks_after(context: &Context<'_>, id: UnitId, from: BlockId, path: PathId) -> bool {
    let flow = context.flow;
    let graph = &flow.units.get(id).graph;
    let mut seen = vec![false; graph.block_count()];
    let mut pending = vec![from];
    while let Some(block) = pending.pop() {
        if std::mem::replace(&mut seen[block.index()], true) {
            continue;
        }
        let mut locked = false;
        for (_, event) in flow.lowered.units[id.index()].block(block) {
            if event.kind.unlocks() == Some(path) {
                return true;
            }
            match &event.kind {
                EventKind::Lock { path: lock, .. }
                | EventKind::Imported {
                    path: lock,
                    lock_use: goward_types::LockUse::Acquires,
                    ..
                } if *lock == path => locked = true,
                EventKind::Run {
                    target, bindings, ..
                } => {
                    let summary = flow.locks.summary(*target);
                    let released = summary.released.iter().chain(&summary.released_sometimes);
                    let gives_back = released
                        .filter_map(|&released| flow.translate(released, *target, bindings))
                        .any(|released| released == path);
                    if gives_back {
                        return true;
                    }
                }
                _ => {}
            }
            if locked {
                break;
            }
        }
        if !locked {
            let successors = graph.block(block).successors.iter();
            pending.extend(successors.map(|edge| edge.to));
        }
    }
    false
}

/// Turns of a loop that end with a lock that the turn has taken.
fn loops(
    context: &Context<'_>,
    id: UnitId,
    path: PathId,
    release: NodeId,
    findings: &mut Vec<Diagnostic>,
) {
    let flow = context.flow;
    let unit = flow.units.get(id);
    for (block, next) in ends_of_turns(context, id, path) {
        let (Some(end), Some(head)) = (
            flow.at_end(id, block),
            flow.locks.solutions[id.index()].entry(next),
        ) else {
            continue;
        };
        let Some(held) = end.lock(path).filter(|held| held.is_held() && held.own) else {
            continue;
        };
        if head.lock(path).is_some_and(Held::is_held) || held.file != unit.file {
            continue;
        }
        // A mutex that each turn has for itself.
        let around = innermost_loop(context, id, held.node);
        let paths = flow.locks.paths();
        let per_turn = paths.root(path).is_some_and(|root| {
            let world = context.world();
            let object = world.object(root);
            paths.get(path).elements.is_empty()
                && !world.deref(world.object_type(root)).1
                && object.file as usize == unit.file
                && around.is_some_and(|span| span.contains(object.offset))
        });
        drop(paths);
        if per_turn || is_kept_for_later(context, id, path, around) {
            continue;
        }
        // The `continue` that leads here, if it is one: it may stand a few blocks before.
        let branch = unit
            .graph
            .block(block)
            .steps
            .iter()
            .rev()
            .find_map(|step| match step {
                Step::Branch(node) => Some(*node),
                _ => None,
            });
        let from = unit.graph.blocks().enumerate().find_map(|(index, before)| {
            let leads = before.successors.iter().any(|edge| edge.to == block);
            let last = before.steps.last();
            let state = flow.at_end(id, BlockId(index as u32))?;
            match last {
                Some(Step::Branch(node))
                    if leads
                        && state
                            .lock(path)
                            .is_some_and(|held| held.is_held() && held.own) =>
                {
                    Some(*node)
                }
                _ => None,
            }
        });
        let node = branch.or(from).unwrap_or(held.node);
        findings.push(kept(
            context,
            id,
            (path, *held, release),
            node,
            "the next turn of the loop starts",
        ));
        return;
    }
}

/// The blocks in which the turns of loops end, each with the block in which the next turn starts.
/// Where all turns of a loop meet before that, in the block of `i++` or of nothing at all, they are
/// told apart before they meet.
fn ends_of_turns(context: &Context<'_>, id: UnitId, path: PathId) -> Vec<(BlockId, BlockId)> {
    let flow = context.flow;
    let graph = &flow.units.get(id).graph;
    let mut ends = Vec::new();
    for &block in graph.reverse_postorder() {
        for edge in graph.block(block).successors {
            if graph.rank(edge.to) > graph.rank(block) {
                continue;
            }
            let entry = flow.locks.solutions[id.index()].entry(block);
            let before = entry.as_ref().and_then(|state| state.lock(path).copied());
            let end = flow.at_end(id, block);
            let after = end.and_then(|state| state.lock(path).copied());
            if before == after && before.is_some_and(|held| held.mode == Mode::Maybe) {
                let leading = |to: BlockId| -> Vec<BlockId> {
                    let order = graph.reverse_postorder().iter().copied();
                    let leads = |other: &BlockId| {
                        let mut edges = graph.block(*other).successors.iter();
                        edges.any(|edge| edge.to == to)
                    };
                    order.filter(leads).collect()
                };
                let mut turns = leading(block);
                // The condition of a loop whose first turn does not ask it has `i++` before it only.
                // What comes from before the loop is no end of a turn.
                if let &[only] = turns.as_slice() {
                    let mut before = leading(only);
                    before.retain(|&other| graph.rank(other) > graph.rank(edge.to));
                    if !before.is_empty() {
                        turns = before;
                    }
                }
                ends.extend(turns.into_iter().map(|leading| (leading, edge.to)));
            } else {
                ends.push((block, edge.to));
            }
        }
    }
    ends
}

/// Where more exits than this keep a lock, the place to mend is the lock and not each exit.
const MANY_EXITS: usize = 2;

/// Many exits keep a lock: shown where it is taken.
fn report_lock(
    context: &Context<'_>,
    id: UnitId,
    path: PathId,
    release: NodeId,
    keeping: &[(&Exit, Held)],
    findings: &mut Vec<Diagnostic>,
) {
    let Some(&(_, held)) = keeping.first() else {
        return;
    };
    let unit = context.flow.units.get(id);
    let name = context.flow.text(path);
    let function = context.function(id);
    let count = keeping.len();
    let mut finding = RULE
        .diagnostic(
            context.path(held.file),
            context.span(held.file, held.node),
            format!("`{name}` is still locked when `{function}` returns at {count} of its exits"),
        )
        .in_function(function)
        .operation(format!("exits {name}"))
        .help(format!(
            "`defer` the unlock of `{name}` right after the lock"
        ))
        .step(
            context.path(held.file),
            context.span(held.file, held.node),
            format!("`{name}` is locked here"),
        )
        .step(
            context.path(unit.file),
            context.span(unit.file, release),
            "one path unlocks it here",
        );
    for (exit, _) in keeping {
        let span = exit_span(context, id, exit);
        finding = finding.step(context.path(unit.file), span, "this exit does not");
    }
    findings.push(finding);
}

/// The `return`, or the brace at the end.
fn exit_span(context: &Context<'_>, id: UnitId, exit: &Exit) -> Span {
    let unit = context.flow.units.get(id);
    match exit.node {
        Some(node) => context.span(unit.file, node),
        None => {
            let end = context.span(unit.file, unit.body).end;
            Span::new(end.saturating_sub(1), end)
        }
    }
}

fn report_exit(
    context: &Context<'_>,
    id: UnitId,
    path: PathId,
    held: Held,
    release: NodeId,
    exit: &Exit,
    found: &mut Found<'_>,
) {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let name = flow.text(path);
    let function = context.function(id);
    let span = exit_span(context, id, exit);
    let operation = match exit.node {
        Some(node) => context.text(unit.file, node),
        None => "end".to_owned(),
    };
    let finding = RULE
        .diagnostic(
            context.path(unit.file),
            span,
            format!("`{name}` is still locked when `{function}` returns here"),
        )
        .in_function(function)
        .operation(format!("{operation} {name}"))
        .help(format!(
            "unlock `{name}` before this exit, or `defer` the unlock right after the lock"
        ));
    let mut finding = locked_and_unlocked(context, finding, id, (path, held, release)).step(
        context.path(unit.file),
        span,
        "this exit does not",
    );
    finding.fix = fix(context, id, held, exit);
    match taken_by(context, id, held) {
        Some(callee) => found.by_callee.push((callee, finding)),
        None => found.findings.push(finding),
    }
}

/// The function that took a lock for its caller.
fn taken_by(context: &Context<'_>, id: UnitId, held: Held) -> Option<UnitId> {
    let mut observed = context.flow.observed_in(id).iter();
    observed.find_map(|observed| match observed.event.kind {
        EventKind::Run {
            target,
            how: How::Call,
            ..
        } if observed.event.node == held.node => Some(target),
        _ => None,
    })
}

/// Unlocks before a `return`, in the words of the lock.
fn fix(context: &Context<'_>, id: UnitId, held: Held, exit: &Exit) -> Option<Fix> {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let node = exit.node.filter(|_| held.file == unit.file)?;
    let Expression::Call { function, .. } = file.tree.expression(held.node) else {
        return None;
    };
    let Expression::Selector { operand, name } = file.tree.expression(function) else {
        return None;
    };
    let unlock = match file.tree.symbol(name).as_str() {
        "Lock" => "Unlock",
        "RLock" => "RUnlock",
        _ => return None,
    };
    // The words must mean the same at the `return`: only what the whole function sees.
    let mut root = operand;
    while let Expression::Selector { operand, .. } = file.tree.expression(root) {
        root = operand;
    }
    let object = context.world().object(file.facts.object_of(root)?);
    let everywhere = matches!(
        object.kind,
        goward_types::ObjectKind::Variable(
            goward_types::VariableKind::Receiver
                | goward_types::VariableKind::Parameter
                | goward_types::VariableKind::Package
        )
    );
    if !everywhere {
        return None;
    }
    let Statement::Return { results } = file.tree.statement(node) else {
        return None;
    };
    let below = || {
        let results = results.iter();
        results.flat_map(|&result| file.tree.preorder(result))
    };
    // What the lock may guard is read before it is given back.
    let reads = |node: NodeId| match file.tree.kind(node) {
        NodeKind::IndexExpr | NodeKind::StarExpr | NodeKind::SliceExpr => true,
        NodeKind::SelectorExpr => {
            let selection = file.facts.selections.get(&node);
            selection.is_some_and(|known| known.kind == goward_types::SelectionKind::FieldValue)
        }
        NodeKind::Ident => file.facts.object_of(node).is_some_and(|object| {
            context.world().object(object).kind
                == goward_types::ObjectKind::Variable(goward_types::VariableKind::Package)
        }),
        _ => false,
    };
    if below().any(reads) {
        return None;
    }
    let plain =
        below().all(|node| matches!(file.tree.kind(node), NodeKind::Ident | NodeKind::BasicLit));
    let start = file.tree.span(node).start as usize;
    let line = file.source[..start]
        .iter()
        .rposition(|&byte| byte == b'\n')?
        + 1;
    let indent = std::str::from_utf8(&file.source[line..start]).ok()?;
    if !indent.trim().is_empty() {
        return None;
    }
    let receiver = context.text(unit.file, operand);
    Some(Fix {
        safety: if plain { Safety::Safe } else { Safety::Unsafe },
        message: format!("unlock `{receiver}` before the return"),
        edits: vec![Edit {
            file: context.path(unit.file),
            span: Span::at(start as u32),
            replacement: format!("{receiver}.{unlock}()\n{indent}"),
        }],
    })
}

/// Whether a function is meant to return with a lock held.
pub(crate) fn is_meant(context: &Context<'_>, id: UnitId) -> bool {
    let unit = context.flow.units.get(id);
    let name = unit.name.rsplit('.').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("try").unwrap_or(&name);
    let prefixes = [
        "lock", "rlock", "acquire", "begin", "grab", "unlock", "runlock",
    ];
    if prefixes.iter().any(|prefix| name.starts_with(prefix)) {
        return true;
    }
    let file = context.file(unit.file);
    if let Expression::FunctionType { results, .. } = file.tree.expression(unit.function_type) {
        let returns_function = results.iter().any(|&entry| {
            let result = file.facts.type_of(file.tree.field(entry).field_type);
            context.world().underlying(result).kind() == goward_types::TypeKind::Signature
        });
        if returns_function {
            return true;
        }
    }
    let doc = context.documentation(unit.file, unit.node).to_lowercase();
    speaks_of_locks(&doc)
        && [
            "held",
            "holding",
            "locked",
            "must unlock",
            "must call",
            "caller",
        ]
        .iter()
        .any(|word| doc.contains(word))
}

/// Whether a comment speaks of locks, and not of blocks.
fn speaks_of_locks(doc: &str) -> bool {
    doc.split(|character: char| !character.is_alphanumeric())
        .any(|word| {
            word.contains("mutex")
                || word.contains("mtx")
                || word == "mu"
                || word.contains("lock") && !word.contains("block") && !word.contains("clock")
        })
}
