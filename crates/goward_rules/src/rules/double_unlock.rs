//! `double-unlock`: a mutex is unlocked that the function has unlocked already.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{
    Analysis, BlockId, Edge, EdgeKind, Event, EventKind, How, LockMode, PathId, Step, UnitId, solve,
};
use goward_syntax::NodeId;
use goward_types::{ObjectId, ObjectKind, VariableKind};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::unlocked_early;

rule! {
    /// Reports mutexes that a function unlocks twice, or before it has locked them.
    ///
    /// ## What it reports
    ///
    /// An `Unlock` or `RUnlock`, also a deferred one, that is reached only after the function has locked
    /// the mutex and unlocked it again. Silent where paths with and without the first unlock meet before
    /// the second one. Also an unlock, mostly a deferred one, that is reached before the function has locked
    /// the mutex, where it locks it further down, and one that is reached also where `TryLock` has failed.
    ///
    /// ## Why it matters
    ///
    /// Unlocking a mutex that is not locked ends the process with `fatal error: sync: unlock of unlocked
    /// mutex`, which no `recover` catches. If another goroutine has locked it in the meantime, its lock is
    /// taken away instead, and nothing tells.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type table struct {
    /// 	mu   sync.Mutex
    /// 	rows []string
    /// }
    ///
    /// func (t *table) first() string {
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock() // want double-unlock
    /// 	if len(t.rows) == 0 {
    /// 		t.mu.Unlock()
    /// 		return ""
    /// 	}
    /// 	return t.rows[0]
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type table struct {
    /// 	mu   sync.Mutex
    /// 	rows []string
    /// }
    ///
    /// func (t *table) first(load func() string) string {
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock()
    /// 	if len(t.rows) == 0 {
    /// 		t.mu.Unlock()
    /// 		row := load()
    /// 		t.mu.Lock()
    /// 		t.rows = append(t.rows, row)
    /// 	}
    /// 	return t.rows[0]
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: which of the two is one too many is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "double-unlock",
        category: Category::Panic,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let signals = signals(context);
    unlocked_early::report(context, &RULE, findings);
    for (id, unit) in flow.units.iter() {
        let unlocks = flow
            .observed_in(id)
            .iter()
            .filter(|observed| matches!(observed.event.kind, EventKind::Unlock { .. }))
            .count();
        if unlocks < 2 {
            continue;
        }
        let analysis = Balance { context, id };
        let solution = solve(&unit.graph, &analysis);
        if !solution.complete {
            continue;
        }
        let mut seen = FxHashSet::default();
        for (index, entry) in solution.entry.iter().enumerate() {
            let Some(mut state) = entry.clone() else {
                continue;
            };
            let block = BlockId(index as u32);
            for (_, event) in flow.lowered.units[id.index()].block(block) {
                if let EventKind::Unlock { path, .. } = event.kind
                    && let Some(&Status::Free { lock, unlock }) = state.get(path)
                    && !flow
                        .locks
                        .paths()
                        .root(path)
                        .is_some_and(|root| signals.contains(&root))
                    && seen.insert((event.node, path))
                {
                    let statement = flow.deferred(id, block);
                    let places = (lock, unlock, event.node, statement);
                    findings.push(finding(context, id, path, places));
                }
                analysis.event(&mut state, event);
            }
        }
    }
}

fn finding(
    context: &Context<'_>,
    id: UnitId,
    path: PathId,
    (lock, first, second, deferred): (NodeId, NodeId, NodeId, Option<NodeId>),
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let name = context.flow.text(path);
    let at = context.path(file);
    let message = match deferred {
        Some(_) => format!("`{name}` is unlocked already when this deferred call unlocks it"),
        None => format!("`{name}` is unlocked already when it is unlocked here"),
    };
    RULE.diagnostic(at.clone(), context.span(file, second), message)
        .in_function(context.function(id))
        .operation(format!("unlock {name} again"))
        .step(
            at.clone(),
            context.span(file, lock),
            format!("`{name}` is locked here"),
        )
        .step(at.clone(), context.span(file, first), "it is unlocked here")
        .step(at, context.span(file, second), "and unlocked again here")
        .help(format!("unlock `{name}` once on each path"))
}

/// Mutexes that are a signal: a function unlocks them that never locks them.
fn signals(context: &Context<'_>) -> FxHashSet<ObjectId> {
    let flow = context.flow;
    let mut signals = FxHashSet::default();
    for observed in &flow.observed {
        let EventKind::Unlock { path, .. } = observed.event.kind else {
            continue;
        };
        let locks = flow.observed_in(observed.unit).iter().any(|other| {
            matches!(other.event.kind, EventKind::Lock { path: locked, .. } if locked == path)
        });
        let paths = flow.locks.paths();
        if let Some(root) = paths.root(path)
            && !locks
            && paths.get(path).elements.is_empty()
            && context.world().object(root).kind == ObjectKind::Variable(VariableKind::Local)
        {
            signals.insert(root);
        }
    }
    signals
}

/// What is known of a mutex.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Status {
    Held {
        lock: NodeId,
    },
    /// This function has locked it there and unlocked it there.
    Free {
        lock: NodeId,
        unlock: NodeId,
    },
    /// It is locked for reading several times: nobody counts here.
    Counted,
}

/// What is known of the mutexes that the function locks itself; absent: nothing. Sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    mutexes: Vec<(PathId, Status)>,
}

impl State {
    fn get(&self, path: PathId) -> Option<&Status> {
        let known = self.mutexes.binary_search_by_key(&path, |entry| entry.0);
        known.ok().map(|index| &self.mutexes[index].1)
    }

    fn put(&mut self, path: PathId, status: Status) {
        match self.mutexes.binary_search_by_key(&path, |entry| entry.0) {
            Ok(index) => self.mutexes[index].1 = status,
            Err(index) => self.mutexes.insert(index, (path, status)),
        }
    }

    fn forget(&mut self, path: PathId) {
        self.mutexes.retain(|entry| entry.0 != path);
    }
}

/// Follows the mutexes of one function.
struct Balance<'c, 'a> {
    context: &'c Context<'a>,
    id: UnitId,
}

impl Balance<'_, '_> {
    fn event(&self, state: &mut State, event: &Event) {
        let flow = self.context.flow;
        match &event.kind {
            EventKind::Lock { path, mode, .. } => match (mode, state.get(*path)) {
                (LockMode::Read, Some(Status::Held { .. } | Status::Counted)) => {
                    state.put(*path, Status::Counted);
                }
                _ => state.put(*path, Status::Held { lock: event.node }),
            },
            EventKind::Unlock { path, .. } => match state.get(*path) {
                Some(&Status::Held { lock }) => {
                    let unlock = event.node;
                    state.put(*path, Status::Free { lock, unlock });
                }
                Some(Status::Counted) => {}
                _ => state.forget(*path),
            },
            EventKind::TryLock { path } | EventKind::Imported { path, .. } => state.forget(*path),
            EventKind::Run {
                target,
                how,
                bindings,
            } => {
                let summary = flow.locks.summary(*target);
                let acquired = summary.acquired.iter().map(|entry| entry.0);
                let released = summary.released.iter().chain(&summary.released_sometimes);
                let changed: Vec<PathId> = acquired.chain(released.copied()).collect();
                drop(summary);
                for path in changed {
                    if let Some(path) = flow.translate(path, *target, bindings) {
                        state.forget(path);
                    }
                }
                // Somebody may hold it by now, or wait for a signal.
                if !matches!(how, How::Call) {
                    state
                        .mutexes
                        .retain(|(_, status)| matches!(status, Status::Held { .. }));
                }
            }
            EventKind::Set { path, .. } => {
                let paths = flow.locks.paths();
                let variable = match paths.get(*path).elements.is_empty() {
                    true => paths.root(*path),
                    false => None,
                };
                state.mutexes.retain(|&(known, _)| {
                    !paths.is_prefix(*path, known)
                        && !variable.is_some_and(|object| paths.mentions(known).contains(&object))
                });
            }
            EventKind::Forget { path } => {
                let paths = flow.locks.paths();
                state
                    .mutexes
                    .retain(|&(known, _)| !paths.is_prefix(*path, known));
            }
            _ => {}
        }
    }
}

impl Analysis for Balance<'_, '_> {
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
        if let EdgeKind::True(node) = edge.kind {
            let tries = &self.context.flow.lowered.units[self.id.index()].try_locks;
            for &(condition, path, _) in tries {
                if condition == node {
                    state.put(path, Status::Held { lock: node });
                }
            }
        }
        true
    }

    fn join(&self, into: &mut State, from: &State) -> bool {
        let before = into.mutexes.len();
        into.mutexes.retain(|(path, mine)| {
            matches!(
                (mine, from.get(*path)),
                (Status::Held { .. }, Some(Status::Held { .. }))
                    | (Status::Free { .. }, Some(Status::Free { .. }))
                    | (Status::Counted, Some(Status::Counted))
            )
        });
        into.mutexes.len() != before
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn paths_and_helpers() {
        check(
            &RULE,
            r#"
package p

import "sync"

type T struct {
	sync.Mutex
	rw sync.RWMutex
	n  int
}

func (t *T) plain() { t.Lock(); t.n++; t.Unlock(); t.Unlock() } // want "unlocked already"
func (t *T) both(b bool) {
	t.Lock()
	defer t.Unlock() // want "unlocked already"
	if b {
		t.Unlock()
		return
	}
}
func (t *T) literal() {
	t.Lock()
	defer func() {
		t.n++
	}()
	defer t.Unlock() // want "unlocked already"
	t.Unlock()
}
func (t *T) read(b bool) int {
	t.rw.RLock()
	defer t.rw.RUnlock() // want "unlocked already"
	if b {
		t.rw.RUnlock()
		return 0
	}
	return t.n
}
func local(b bool) {
	var mu sync.Mutex
	mu.Lock()
	if b {
		mu.Unlock()
	} else {
		mu.Unlock()
	}
	mu.Unlock() // want "unlocked already"
}

func (t *T) gap(f func()) { t.Lock(); t.Unlock(); f(); t.Lock(); t.Unlock() }
func (t *T) again(f func()) {
	t.Lock()
	defer t.Unlock()
	t.Unlock()
	f()
	t.Lock()
}
func (t *T) branch(b bool) {
	t.Lock()
	if b {
		t.Unlock()
	}
	if !b {
		t.Unlock()
	}
}
func (t *T) callers() { t.Unlock(); t.n++; t.Lock() }
func (t *T) helper() { t.Lock(); t.give(); t.take(); t.Unlock() }
func (t *T) give() { t.Unlock() }
func (t *T) take() { t.Lock() }
func (t *T) try() {
	t.Lock()
	t.Unlock()
	if t.TryLock() {
		t.Unlock()
	}
}
func (t *T) reads() { t.rw.RLock(); t.rw.RLock(); t.rw.RUnlock(); t.rw.RUnlock() }
func (t *T) moreReads() {
	t.rw.RLock()
	t.rw.RLock()
	t.rw.RLock()
	t.rw.RUnlock()
	t.rw.RUnlock()
	t.rw.RUnlock()
}
func each(all []*T) {
	for _, t := range all {
		t.Lock()
		t.Unlock()
	}
}
func next(t *T, other *T) {
	t.Lock()
	t.Unlock()
	t = other
	t.Unlock()
}
func deferredOnce(t *T, b bool) {
	t.Lock()
	if b {
		defer t.Unlock()
		return
	}
	t.Unlock()
}
"#,
        );
    }
}
