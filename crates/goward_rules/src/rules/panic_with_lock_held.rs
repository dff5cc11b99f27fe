//! `panic-with-lock-held`.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{EventKind, ExitKind, Held, How, UnitId};
use goward_types::ObjectId;
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::goroutine_panics::recovering_defer;
use crate::relock::signals;
use crate::rule::{Group, rule};
use crate::rules::unlock_missing_on_path::{locked_and_unlocked, released_locks};

rule! {
    /// Reports a panic that leaves a mutex locked which the function releases elsewhere.
    ///
    /// ## What it reports
    ///
    /// A call of `panic`, of a function that always panics, or of one of the package that panics in some
    /// cases, with a mutex locked by the function itself that no deferred call releases, where the
    /// function unlocks it on another path.
    ///
    /// It is in the nursery because it only matters where somebody recovers from the panic, as
    /// `net/http` does for handlers; else the process ends.
    ///
    /// ## Why it matters
    ///
    /// After a recovered panic the mutex stays locked for ever: the next call of `Lock` never returns.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package queue
    ///
    /// import "sync"
    ///
    /// type Queue struct {
    /// 	mu    sync.Mutex
    /// 	items []string
    /// }
    ///
    /// func (q *Queue) Pop() string {
    /// 	q.mu.Lock()
    /// 	if len(q.items) == 0 {
    /// 		panic("empty queue") // want panic-with-lock-held
    /// 	}
    /// 	item := q.items[0]
    /// 	q.items = q.items[1:]
    /// 	q.mu.Unlock()
    /// 	return item
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package queue
    ///
    /// import "sync"
    ///
    /// type Queue struct {
    /// 	mu    sync.Mutex
    /// 	items []string
    /// }
    ///
    /// func (q *Queue) Pop() string {
    /// 	q.mu.Lock()
    /// 	defer q.mu.Unlock()
    /// 	if len(q.items) == 0 {
    /// 		panic("empty queue")
    /// 	}
    /// 	item := q.items[0]
    /// 	q.items = q.items[1:]
    /// 	return item
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: whether to defer the unlock or to unlock before the panic depends on what the
    /// rest of the function does with the lock.
    pub(crate) const RULE: Rule = Rule {
        name: "panic-with-lock-held",
        category: Category::Deadlock,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let signals = signals(context);
    for (id, unit) in flow.units.iter() {
        let panics = |kind: ExitKind| kind == ExitKind::Panic;
        if !context.file(unit.file).test {
            in_callees(context, id, &signals, findings);
        }
        if context.file(unit.file).test || !unit.graph.exits.iter().any(|exit| panics(exit.kind)) {
            continue;
        }
        let mut seen = FxHashSet::default();
        for (path, release) in released_locks(context, id) {
            let root = flow.locks.paths().root(path);
            if root.is_some_and(|root| signals.contains(&root)) {
                continue;
            }
            for exit in unit.graph.exits.iter().filter(|exit| panics(exit.kind)) {
                let state = flow.at_exit(id, exit);
                let held = state.and_then(|state| state.lock(path).copied());
                let (Some(node), Some(held)) = (exit.node, held.filter(Held::is_held)) else {
                    continue;
                };
                if !held.own || !seen.insert((node, path)) {
                    continue;
                }
                let name = flow.text(path);
                let span = context.span(unit.file, node);
                let finding = RULE
                    .diagnostic(
                        context.path(unit.file),
                        span,
                        format!("`{name}` stays locked when this panic leaves the function"),
                    )
                    .in_function(context.function(id))
                    .operation(format!("{} {name}", context.text(unit.file, node)))
                    .help(format!(
                        "`defer` the unlock of `{name}`, or unlock before the panic"
                    ));
                let lock = (path, held, release);
                findings.push(locked_and_unlocked(context, finding, id, lock).step(
                    context.path(unit.file),
                    span,
                    "this panic does not",
                ));
            }
        }
    }
}

/// Calls of functions of the package that call panic, with a lock held that is given back after the call,
/// and not by a deferred call.
fn in_callees(
    context: &Context<'_>,
    id: UnitId,
    signals: &FxHashSet<ObjectId>,
    findings: &mut Vec<Diagnostic>,
) {
    let flow = context.flow;
    let file = flow.units.get(id).file;
    let mut seen = FxHashSet::default();
    for (path, release) in released_locks(context, id) {
        let root = flow.locks.paths().root(path);
        let by_defer = flow.observed_in(id).iter().any(|observed| {
            observed.deferred.is_some() && observed.event.kind.unlocks() == Some(path)
        });
        if by_defer || root.is_some_and(|root| signals.contains(&root)) {
            continue;
        }
        for observed in flow.observed_in(id) {
            let EventKind::Run {
                target,
                how: How::Call,
                ..
            } = observed.event.kind
            else {
                continue;
            };
            let held = observed.state.lock(path).copied();
            let Some(held) = held.filter(|held| held.is_held() && held.own) else {
                continue;
            };
            let called = flow.units.get(target);
            let Some(panic) = own_panic(context, target) else {
                continue;
            };
            if called.is_literal() || !seen.insert((observed.event.node, path)) {
                continue;
            }
            let name = flow.text(path);
            let span = context.span(file, observed.event.node);
            findings.push(
                RULE.diagnostic(
                    context.path(file),
                    span,
                    format!("`{name}` stays locked when `{}` panics", called.name),
                )
                .in_function(context.function(id))
                .operation(format!(
                    "{} {name}",
                    context.text(file, observed.event.node)
                ))
                .help(format!("`defer` the unlock of `{name}`"))
                .step(
                    context.path(held.file),
                    context.span(held.file, held.node),
                    format!("`{name}` is locked here"),
                )
                .step(
                    context.path(called.file),
                    context.span(called.file, panic),
                    format!("`{}` may panic here", called.name),
                )
                .step(
                    context.path(file),
                    context.span(file, release),
                    "this unlock is not deferred, so that a panic skips it",
                ),
            );
        }
    }
}

/// The call of panic in a function that can return, too, if nothing that it defers may recover.
fn own_panic(context: &Context<'_>, target: UnitId) -> Option<goward_syntax::NodeId> {
    if recovering_defer(context, target).is_some() {
        return None;
    }
    let graph = &context.flow.units.get(target).graph;
    let reachable = graph.reverse_postorder();
    let mut exits = graph.exits.iter();
    exits
        .find(|exit| exit.kind == ExitKind::Panic && reachable.contains(&exit.from))
        .and_then(|exit| exit.node)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn in_called_functions() {
        check(
            &RULE,
            r#"
package p

import "sync"

type T struct {
	mu sync.Mutex
	m  map[string]int
}

func (t *T) require(k string) {
	if _, ok := t.m[k]; !ok {
		panic("no " + k)
	}
}
func (t *T) safely(k string) {
	defer func() { recover() }()
	panic(k)
}

func (t *T) plain(k string) {
	t.mu.Lock()
	t.require(k) // want "stays locked when `T.require` panics"
	t.mu.Unlock()
}

func (t *T) deferred(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.require(k)
}
func (t *T) before(k string) {
	t.require(k)
	t.mu.Lock()
	t.m[k]++
	t.mu.Unlock()
}
func (t *T) recovered(k string) {
	t.mu.Lock()
	t.safely(k)
	t.mu.Unlock()
}
"#,
        );
    }
}
