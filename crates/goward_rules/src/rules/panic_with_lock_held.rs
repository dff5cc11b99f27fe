//! `panic-with-lock-held`.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{ExitKind, Held};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::relock::signals;
use crate::rule::{Group, rule};
use crate::rules::unlock_missing_on_path::released_locks;

rule! {
    /// Reports a panic that leaves a mutex locked which the function releases elsewhere.
    ///
    /// ## What it reports
    ///
    /// A call of `panic`, or of a function that always panics, with a mutex locked by the function
    /// itself that no deferred call releases, where the function unlocks it on another path.
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
                findings.push(
                    RULE.diagnostic(
                        context.path(unit.file),
                        span,
                        format!("`{name}` stays locked when this panic leaves the function"),
                    )
                    .in_function(context.function(id))
                    .operation(format!("{} {name}", context.text(unit.file, node)))
                    .help(format!(
                        "`defer` the unlock of `{name}`, or unlock before the panic"
                    ))
                    .step(
                        context.path(held.file),
                        context.span(held.file, held.node),
                        format!("`{name}` is locked here"),
                    )
                    .step(
                        context.path(unit.file),
                        context.span(unit.file, release),
                        "another path unlocks it here",
                    )
                    .step(context.path(unit.file), span, "this panic does not"),
                );
            }
        }
    }
}
