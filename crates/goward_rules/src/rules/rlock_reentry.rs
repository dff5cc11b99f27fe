//! `rlock-reentry`.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{EventKind, LockMode, PathId};

use crate::context::Context;
use crate::relock::relocks;
use crate::rule::{Group, rule};

rule! {
    /// Reports a read lock that is taken by a goroutine which already holds it.
    ///
    /// ## What it reports
    ///
    /// `RLock` on a `sync.RWMutex` whose read lock the same goroutine holds: in one function, or in a
    /// function of the package that is called with the lock held. Nothing is said of a mutex that only
    /// this package can see and never locks for writing.
    ///
    /// ## Why it matters
    ///
    /// It works until another goroutine calls `Lock` between the two: that one waits for the first
    /// read lock to be released, and the second read lock waits behind it. Then both wait for ever.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package cache
    ///
    /// import "sync"
    ///
    /// type Cache struct {
    /// 	mu    sync.RWMutex
    /// 	items map[string]string
    /// }
    ///
    /// func (c *Cache) Clear() {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.items = nil
    /// }
    ///
    /// func (c *Cache) Len() int {
    /// 	c.mu.RLock()
    /// 	defer c.mu.RUnlock()
    /// 	return len(c.items)
    /// }
    ///
    /// func (c *Cache) Empty() bool {
    /// 	c.mu.RLock()
    /// 	defer c.mu.RUnlock()
    /// 	return c.Len() == 0 // want rlock-reentry
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
    /// 	mu    sync.RWMutex
    /// 	items map[string]string
    /// }
    ///
    /// func (c *Cache) Len() int {
    /// 	c.mu.RLock()
    /// 	defer c.mu.RUnlock()
    /// 	return len(c.items)
    /// }
    ///
    /// func (c *Cache) Empty() bool {
    /// 	return c.Len() == 0
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: which of the two locks is needed depends on what stands between them.
    pub(crate) const RULE: Rule = Rule {
        name: "rlock-reentry",
        category: Category::Deadlock,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for relock in relocks(context) {
        let unit = context.flow.units.get(relock.unit);
        let in_test = context.file(unit.file).test;
        if !relock.reads() || !has_writer(context, relock.path, in_test) {
            continue;
        }
        let name = context.flow.text(relock.path);
        let finding = RULE
            .diagnostic(
                context.path(unit.file),
                context.span(unit.file, relock.node),
                format!("the read lock of `{name}` is taken again by the goroutine that holds it"),
            )
            .in_function(context.function(relock.unit))
            .operation(format!("{} {name}", context.text(unit.file, relock.node)))
            .help("take the read lock once, or split off a function for callers that hold it");
        findings.push(relock.steps(context, finding));
    }
}

/// Whether somebody may lock the mutex for writing: then a second read lock can wait behind them. A
/// test knows what runs beside it.
fn has_writer(context: &Context<'_>, path: PathId, in_test: bool) -> bool {
    let flow = context.flow;
    let Some(mutex) = flow.locks.paths().last_field(path) else {
        return true;
    };
    context.world().object(mutex).is_exported() && !in_test
        || flow.observed.iter().any(|observed| {
            let there = context.file(flow.units.get(observed.unit).file).test;
            matches!(observed.event.kind, EventKind::Lock { path, mode: LockMode::Write, .. }
                if flow.locks.paths().last_field(path) == Some(mutex))
                && (there || !in_test)
        })
}
