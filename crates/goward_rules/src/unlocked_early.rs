//! Unlocks of a mutex that the function has not locked yet: `defer mu.Unlock()` above an early return and
//! `mu.Lock()` below it, and `mu.Unlock()` also where `TryLock` has failed.

use goward_diagnostics::Diagnostic;
use goward_flow::{
    Analysis, BlockId, Edge, EdgeKind, Event, EventKind, PathId, Step, Unit, UnitId, solve,
};
use goward_syntax::{NodeId, NodeKind};
use rustc_hash::FxHashSet;

use crate::Rule;
use crate::context::Context;
use crate::wait_groups::statements;

/// Reports them.
pub(crate) fn report(context: &Context<'_>, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    for (id, unit) in flow.units.iter() {
        let mut locks = false;
        let mut unlocks = false;
        for event in flow.lowered.units[id.index()].all() {
            locks |= matches!(
                event.kind,
                EventKind::Lock { .. } | EventKind::TryLock { .. }
            );
            unlocks |= matches!(event.kind, EventKind::Unlock { .. });
        }
        if !locks || !unlocks || is_told_of_lock(context, unit) {
            continue;
        }
        let touches = Touches { context, id };
        let solution = solve(&unit.graph, &touches);
        if !solution.complete {
            continue;
        }
        // Where the function locks first of all, the mutex cannot be locked when it is called.
        let mut taken = Vec::new();
        let mut given = Vec::new();
        for (index, entry) in solution.entry.iter().enumerate() {
            let Some(mut state) = entry.clone() else {
                continue;
            };
            let block = BlockId(index as u32);
            for (_, event) in flow.lowered.units[id.index()].block(block) {
                match event.kind {
                    EventKind::Lock { path, .. }
                        if state.get(path).is_none() && is_plain(context, unit, event.node) =>
                    {
                        taken.push((path, event.node));
                    }
                    EventKind::Unlock { path, .. } => {
                        let deferred = flow.deferred(id, block);
                        given.push((path, event.node, deferred, state.get(path)));
                    }
                    _ => {}
                }
                touches.event(&mut state, event);
            }
        }
        let mut seen = FxHashSet::default();
        for (path, node, deferred, touch) in given {
            let (since, text) = match touch {
                None => {
                    let Some(&(_, lock)) = taken.iter().find(|entry| entry.0 == path) else {
                        continue;
                    };
                    (lock, "it is locked further down only, past an exit")
                }
                Some(Touch::Failed(test) | Touch::Tried(test))
                    if is_plain(context, unit, deferred.unwrap_or(node)) =>
                {
                    (test, "where this fails, it is not locked")
                }
                _ => continue,
            };
            if seen.insert((path, node)) {
                findings.push(describe(
                    context,
                    rule,
                    id,
                    path,
                    (node, deferred),
                    (since, text),
                ));
            }
        }
    }
}

/// Whether a call or a `defer` statement is a statement of the body itself, which each way through the
/// function comes to that has not left before.
fn is_plain(context: &Context<'_>, unit: &Unit, node: NodeId) -> bool {
    let file = context.file(unit.file);
    let at = file.tree.span(node);
    statements(file, unit).iter().any(|&statement| {
        let span = file.tree.span(statement);
        matches!(
            file.tree.kind(statement),
            NodeKind::ExprStmt | NodeKind::DeferStmt
        ) && span.start <= at.start
            && at.end <= span.end
    })
}

/// Whether a parameter tells if the caller has the lock.
fn is_told_of_lock(context: &Context<'_>, unit: &Unit) -> bool {
    unit.parameters.iter().flatten().any(|&parameter| {
        let name = context.world().object(parameter).name;
        let name = name.as_str().to_ascii_lowercase();
        name.contains("lock") || name.contains("held")
    })
}

fn describe(
    context: &Context<'_>,
    rule: &Rule,
    id: UnitId,
    path: PathId,
    (unlock, deferred): (NodeId, Option<NodeId>),
    (since, text): (NodeId, &'static str),
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let name = context.flow.text(path);
    let at = context.path(file);
    let this = match deferred {
        Some(_) => "when this deferred call unlocks it",
        None => "when it is unlocked here",
    };
    rule.diagnostic(
        at.clone(),
        context.span(file, unlock),
        format!("`{name}` may not be locked {this}"),
    )
    .in_function(context.function(id))
    .operation(format!("unlock {name} early"))
    .step(at.clone(), context.span(file, since), text)
    .step(
        at,
        context.span(file, unlock),
        "it is unlocked here all the same",
    )
    .help(format!(
        "unlock `{name}` only where it has been locked: `defer` the unlock right after it"
    ))
}

/// What has happened to a mutex since the function was called.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Touch {
    /// `TryLock` has given it.
    Taken(NodeId),
    /// `TryLock` has not given it.
    Failed(NodeId),
    /// One of the two.
    Tried(NodeId),
    /// Something else, on some way.
    Touched,
}

/// The mutexes to which something has happened. Sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    mutexes: Vec<(PathId, Touch)>,
    /// Something may have happened to any.
    unknown: bool,
}

impl State {
    fn get(&self, path: PathId) -> Option<Touch> {
        let known = self.mutexes.binary_search_by_key(&path, |entry| entry.0);
        let found = known.ok().map(|index| self.mutexes[index].1);
        found.or(self.unknown.then_some(Touch::Touched))
    }

    fn put(&mut self, path: PathId, touch: Touch) {
        match self.mutexes.binary_search_by_key(&path, |entry| entry.0) {
            Ok(index) => self.mutexes[index].1 = touch,
            Err(index) => self.mutexes.insert(index, (path, touch)),
        }
    }
}

struct Touches<'c, 'a> {
    context: &'c Context<'a>,
    id: UnitId,
}

impl Touches<'_, '_> {
    fn event(&self, state: &mut State, event: &Event) {
        let flow = self.context.flow;
        match &event.kind {
            EventKind::Lock { path, .. }
            | EventKind::Unlock { path, .. }
            | EventKind::Imported { path, .. } => state.put(*path, Touch::Touched),
            // What it gives is told by the branches of its condition.
            EventKind::TryLock { path } => {
                let tries = &flow.lowered.units[self.id.index()].try_locks;
                if !tries.iter().any(|entry| entry.1 == *path) {
                    state.put(*path, Touch::Touched);
                }
            }
            EventKind::Run {
                target, bindings, ..
            } => {
                let summary = flow.locks.summary(*target);
                let acquired = summary.acquired.iter().map(|entry| entry.0);
                let released = summary.released.iter().chain(&summary.released_sometimes);
                let changed: Vec<PathId> = acquired.chain(released.copied()).collect();
                drop(summary);
                for path in changed {
                    match flow.translate(path, *target, bindings) {
                        Some(path) => state.put(path, Touch::Touched),
                        None => state.unknown = true,
                    }
                }
            }
            // What is not known may lock for its caller.
            EventKind::ValueCall { .. } => state.unknown = true,
            EventKind::Set { path, .. } | EventKind::Forget { path } => {
                let paths = flow.locks.paths();
                let root = paths.root(*path);
                // Another object from here on: mutexes of it are no longer those of before.
                if paths.get(*path).elements.is_empty() && root.is_some() {
                    for (known, touch) in &mut state.mutexes {
                        if paths.root(*known) == root {
                            *touch = Touch::Touched;
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

impl Analysis for Touches<'_, '_> {
    type State = State;

    fn entry(&self) -> State {
        State::default()
    }

    fn step(&self, state: &mut State, block: BlockId, index: usize, _: Step) {
        let events = self.context.flow.lowered.units[self.id.index()].block(block);
        for (step, event) in events {
            if *step as usize == index {
                self.event(state, event);
            }
        }
    }

    fn edge(&self, state: &mut State, _: BlockId, edge: &Edge) -> bool {
        let (node, given) = match edge.kind {
            EdgeKind::True(node) => (node, true),
            EdgeKind::False(node) => (node, false),
            _ => return true,
        };
        let tries = &self.context.flow.lowered.units[self.id.index()].try_locks;
        for &(condition, path, _) in tries {
            // Where the function has the mutex already, the attempt fails, and it has it still.
            if condition == node && state.get(path).is_none() {
                let touch = match given {
                    true => Touch::Taken(node),
                    false => Touch::Failed(node),
                };
                state.put(path, touch);
            }
        }
        true
    }

    fn join(&self, into: &mut State, from: &State) -> bool {
        let before = into.clone();
        into.unknown |= from.unknown;
        let paths: Vec<PathId> = before
            .mutexes
            .iter()
            .chain(&from.mutexes)
            .map(|entry| entry.0)
            .collect();
        for path in paths {
            use Touch::{Failed, Taken, Touched, Tried};
            let touch = match (before.get(path), from.get(path)) {
                (Some(one), Some(other)) if one == other => one,
                (
                    Some(Failed(node) | Taken(node) | Tried(node)),
                    Some(Failed(other) | Taken(other) | Tried(other)),
                ) if node == other => Tried(node),
                _ => Touched,
            };
            into.put(path, touch);
        }
        *into != before
    }
}

#[cfg(test)]
mod tests {
    use crate::rule;
    use crate::testing::check;

    #[test]
    fn before_the_lock() {
        check(
            rule("double-unlock").expect("the rule exists"),
            r#"
package p

import "sync"

type T struct {
	mu sync.Mutex
	rw sync.RWMutex
	n  map[string]int
	o  *T
}

func (t *T) early(k string) int {
	defer t.mu.Unlock() // want "`t.mu` may not be locked when this deferred call unlocks it"
	if k == "" {
		return 0
	}
	t.mu.Lock()
	return t.n[k]
}
func (t *T) reads(k string) int {
	defer t.rw.RUnlock() // want "`t.rw` may not be locked"
	if k == "" {
		return 0
	}
	t.rw.RLock()
	return t.n[k]
}
func (t *T) branch(k string) int {
	if k == "" {
		t.mu.Unlock() // want "`t.mu` may not be locked when it is unlocked here"
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n[k]
}
func (t *T) tried(k string) {
	if t.mu.TryLock() {
		t.n[k]++
	}
	t.mu.Unlock() // want "`t.mu` may not be locked"
}
func (t *T) triedDeferred(k string) {
	defer t.mu.Unlock() // want "`t.mu` may not be locked"
	if !t.mu.TryLock() {
		return
	}
	t.n[k]++
}

func (t *T) first(k string) int {
	defer t.mu.Unlock()
	t.mu.Lock()
	if k == "" {
		return 0
	}
	return t.n[k]
}
func (t *T) callers(f func()) {
	defer t.mu.Lock()
	t.mu.Unlock()
	f()
}
func (t *T) gap(f func() bool) bool {
	defer t.mu.Unlock()
	if t.n == nil {
		return false
	}
	t.mu.Unlock()
	ok := f()
	t.mu.Lock()
	return ok
}
func (t *T) told(locked bool) int {
	defer t.mu.Unlock()
	if locked {
		return 0
	}
	t.mu.Lock()
	return 1
}
func (t *T) helper(k string) int {
	defer t.mu.Unlock()
	if t.begin(); k == "" {
		return 0
	}
	t.end()
	t.mu.Lock()
	return 1
}
func (t *T) begin() { t.mu.Lock() }
func (t *T) end()   { t.mu.Unlock() }
func (t *T) right(k string) {
	if !t.mu.TryLock() {
		return
	}
	defer t.mu.Unlock()
	t.n[k]++
}
func (t *T) orWaits(k string) {
	if !t.mu.TryLock() {
		t.mu.Lock()
	}
	t.n[k]++
	t.mu.Unlock()
}
func (t *T) flag(k string) {
	locked := false
	if t.mu.TryLock() {
		locked = true
	}
	t.n[k]++
	if locked {
		t.mu.Unlock()
	}
}
func (t *T) maybe(ok bool) {
	if ok {
		t.mu.Lock()
	}
	t.n["a"]++
	if ok {
		t.mu.Unlock()
	}
}
func (t *T) value(begin func(), k string) int {
	defer t.mu.Unlock()
	if begin(); k == "" {
		return 0
	}
	t.mu.Lock()
	return 1
}
func (t *T) fails() {
	t.mu.Lock()
	if t.mu.TryLock() {
		panic("locked twice")
	}
	t.mu.Unlock()
}
func (t *T) another(k string) {
	t.mu.Lock()
	t.n[k]++
	t.mu.Unlock()
	t = t.o
	t.mu.Unlock()
}
"#,
        );
    }
}
