//! `lock-never-released`: a function locks a mutex that nobody unlocks for it.

use std::cell::LazyCell;

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{EventKind, Held, LockState, PathId, UnitId};
use goward_syntax::{Expression, NodeId, NodeKind};
use goward_types::{ObjectId, ObjectKind, VariableKind};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::rules::unlock_missing_on_path::{is_meant, released_locks};

rule! {
    /// Reports locks that are taken and never given back.
    ///
    /// ## What it reports
    ///
    /// A function that locks a mutex of package sync and returns with it locked at every exit, where nobody in
    /// the package unlocks that mutex but functions that have locked it themselves. The mutex is an unexported
    /// field or variable, so that no other package can unlock it.
    ///
    /// Nothing is said of functions that are meant to leave a lock behind: those called `lock…`, `acquire…`,
    /// `begin…` or `grab…`, those that return a function, and those whose comment says so.
    ///
    /// ## Why it matters
    ///
    /// The next call of `Lock` waits for ever, and with it everything that needs the same lock. Often the wrong
    /// one of two mutexes is unlocked.
    ///
    /// ## Flagged
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
    /// func (c *Cache) Get(key string) string {
    /// 	c.mu.Lock() // want lock-never-released
    /// 	return c.items[key]
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
    /// func (c *Cache) Get(key string) string {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	return c.items[key]
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: where the lock should end is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "lock-never-released",
        category: Category::Deadlock,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let given_back = LazyCell::new(|| given_back_by_others(context));
    for (id, unit) in context.flow.units.iter() {
        let kept = kept_everywhere(context, id);
        // Few functions keep a lock, and looking for what says that they are meant to takes longer.
        if kept.is_empty() || context.file(unit.file).test || is_meant(context, id) {
            continue;
        }
        for (path, held) in kept {
            let own = released_locks(context, id)
                .iter()
                .any(|&(released, _)| released == path);
            if own || !is_private(context, path, &given_back) || held.file != unit.file {
                continue;
            }
            let name = context.flow.text(path);
            let at = context.path(unit.file);
            let span = context.span(unit.file, held.node);
            findings.push(
                RULE.diagnostic(
                    at.clone(),
                    span,
                    format!("`{name}` is locked and never unlocked"),
                )
                .in_function(context.function(id))
                .operation(format!("lock {name}"))
                .step(at.clone(), span, format!("`{name}` is locked here"))
                .step(
                    at,
                    span,
                    format!(
                        "`{}` returns with it locked, and nobody unlocks it for it",
                        context.function(id)
                    ),
                )
                .help(format!("`defer` the unlock of `{name}`")),
            );
        }
    }
}

/// The locks with which a function returns at each of its exits, taken by a `Lock` of its own.
fn kept_everywhere(context: &Context<'_>, id: UnitId) -> Vec<(PathId, Held)> {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let states: Vec<&LockState> = unit
        .graph
        .exits
        .iter()
        .filter(|exit| exit.kind.returns())
        .filter_map(|exit| flow.at_exit(id, exit))
        .collect();
    let Some(first) = states.first() else {
        return Vec::new();
    };
    let kept = |state: &LockState, path: PathId| {
        state
            .lock(path)
            .is_some_and(|held| held.is_held() && held.own && held.certain && held.sync)
    };
    let candidates = first.held.iter().filter(|(path, held)| {
        let itself = flow.observed_in(id).iter().any(|observed| {
            observed.event.node == held.node
                && matches!(observed.event.kind, EventKind::Lock { .. })
        });
        itself && states.iter().all(|state| kept(state, *path))
    });
    candidates.copied().collect()
}

/// Mutexes that some function unlocks without having locked them by a `Lock` of its own: it does so for
/// others. And mutexes that somebody may get hold of: whose address is taken, or whose methods are values.
fn given_back_by_others(context: &Context<'_>) -> FxHashSet<ObjectId> {
    let flow = context.flow;
    let mut mutexes = FxHashSet::default();
    for observed in &flow.observed {
        let Some(path) = observed.event.kind.unlocks() else {
            continue;
        };
        let own = observed.state.lock(path).is_some_and(|held| {
            let by_itself = flow.observed_in(observed.unit).iter().any(|other| {
                other.event.node == held.node && matches!(other.event.kind, EventKind::Lock { .. })
            });
            held.is_held() && by_itself
        });
        if !own && let Some(mutex) = flow.locks.paths().last_field(path) {
            mutexes.insert(mutex);
        }
    }
    for file in &context.package.files {
        let tree = file.tree;
        for &declaration in tree.declarations() {
            let mut called = FxHashSet::default();
            for node in tree.preorder(declaration) {
                match tree.expression(node) {
                    Expression::Call { function, .. } => {
                        called.insert(function);
                    }
                    Expression::Selector { operand, name } => {
                        let method = matches!(tree.symbol(name).as_str(), "Unlock" | "RUnlock");
                        if method && !called.contains(&node) {
                            mutexes.extend(last_object(file, operand));
                        }
                    }
                    Expression::Unary { operand, .. } if tree.kind(node) == NodeKind::UnaryExpr => {
                        mutexes.extend(last_object(file, operand));
                    }
                    _ => {}
                }
            }
        }
    }
    mutexes
}

/// The field or variable that an expression ends in.
fn last_object(file: &goward_types::TypedFile<'_>, node: NodeId) -> Option<ObjectId> {
    match file.tree.expression(node) {
        Expression::Identifier => file.facts.object_of(node),
        Expression::Selector { name, .. } => file.facts.object_of(name),
        _ => None,
    }
}

/// Whether only this package can unlock a mutex, and only those do who have locked it.
fn is_private(context: &Context<'_>, path: PathId, given_back: &FxHashSet<ObjectId>) -> bool {
    let paths = context.flow.locks.paths();
    let Some(mutex) = paths.last_field(path) else {
        return false;
    };
    let world = context.world();
    let object = world.object(mutex);
    let private = match object.kind {
        ObjectKind::Variable(VariableKind::Field | VariableKind::Package) => {
            let own = object.package == Some(context.package.package);
            // Through an embedded mutex others unlock the object itself.
            own && !object.is_exported() && !object.is_embedded()
        }
        _ => false,
    };
    // What a pointer leads to may be the mutex of somebody else.
    let pointer = world.deref(world.object_type(mutex)).1;
    private && !pointer && !given_back.contains(&mutex)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn who_unlocks() {
        check(
            &RULE,
            r#"
package p

import "sync"

type T struct {
	mu    sync.Mutex
	rw    sync.RWMutex
	other sync.Mutex
	gate  sync.Mutex
	n     int
}

func (t *T) never() int {
	t.mu.Lock() // want "`t.mu` is locked and never unlocked"
	return t.n
}
func (t *T) wrong() int {
	t.rw.RLock() // want "`t.rw` is locked and never unlocked"
	defer t.mu.Unlock()
	t.mu.Lock()
	return t.n
}
func (t *T) right() { t.rw.Lock(); defer t.rw.Unlock(); t.n++ }

func (t *T) start() { t.other.Lock(); t.n++ }
func (t *T) stop()  { t.n--; t.other.Unlock() }

func (t *T) enter() { t.gate.Lock(); t.n++ }
func (t *T) use()   { t.enter(); defer t.gate.Unlock() }

var global sync.Mutex

func grab() { global.Lock() }
func take() { global.Lock() } // want "`global` is locked and never unlocked"

type E struct{ sync.Mutex }

func (e *E) open() { e.Lock() }

type H struct{ mu sync.Mutex }

func (h *H) hold() func() { h.mu.Lock(); return h.mu.Unlock }

type P struct{ mu *sync.Mutex }

func (p *P) hold() { p.mu.Lock() }

type L struct{ mu sync.Mutex }

// hold returns with the mutex locked.
func (l *L) hold() { l.mu.Lock() }

type V struct{ mu sync.Mutex }

func (v *V) hold() *sync.Mutex { v.mu.Lock(); return &v.mu }

func forever(t *T) { t.mu.Lock(); select {} }
"#,
        );
    }
}
