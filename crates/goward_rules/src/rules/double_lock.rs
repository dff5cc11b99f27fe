//! `double-lock`.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{LockMode, Mode};
use goward_syntax::{Expression, Statement};

use crate::context::Context;
use crate::relock::{Relock, relocks};
use crate::rule::{Group, rule};

rule! {
    /// Reports a mutex that is locked by a goroutine which already holds it.
    ///
    /// ## What it reports
    ///
    /// `Lock` on a `sync.Mutex` or `sync.RWMutex` that the same function has locked on every path to
    /// this point, or that a function of the package locks which is called here with the lock held;
    /// also `Lock` while the read lock is held, and `RLock` while the write lock is. `defer mu.Lock()`
    /// where `Unlock` was meant is one of them. The objects must be the same: two shards of a table
    /// are not. Locks that a function takes only where a boolean parameter asks for it are left alone.
    ///
    /// ## Why it matters
    ///
    /// Mutexes of Go know no owner: the second `Lock` waits for the first to be released, which its own
    /// goroutine would have to do. It waits for ever, and so does all that needs the lock.
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
    /// func New() *Cache {
    /// 	return &Cache{items: map[string]string{}}
    /// }
    ///
    /// func (c *Cache) Len() int {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	return len(c.items)
    /// }
    ///
    /// func (c *Cache) Put(key, value string) int {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.items[key] = value
    /// 	return c.Len() // want double-lock
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
    /// func New() *Cache {
    /// 	return &Cache{items: map[string]string{}}
    /// }
    ///
    /// func (c *Cache) lenLocked() int {
    /// 	return len(c.items)
    /// }
    ///
    /// func (c *Cache) Put(key, value string) int {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.items[key] = value
    /// 	return c.lenLocked()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// Only `defer mu.Lock()` right after `mu.Lock()` has a fix, `defer mu.Unlock()`; it is made on
    /// request, because only you know what was meant.
    pub(crate) const RULE: Rule = Rule {
        name: "double-lock",
        category: Category::Deadlock,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: Some(Safety::Unsafe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for relock in relocks(context) {
        if relock.reads() {
            continue;
        }
        let unit = context.flow.units.get(relock.unit);
        let name = context.flow.text(relock.path);
        let message = match (relock.held.mode, relock.mode) {
            (Mode::Read, _) => {
                format!("`{name}` is locked for writing while this goroutine holds its read lock")
            }
            (_, LockMode::Read) => {
                format!("`{name}` is locked for reading while this goroutine holds its write lock")
            }
            _ => format!("`{name}` is locked again by the goroutine that holds it"),
        };
        let finding = RULE
            .diagnostic(
                context.path(unit.file),
                context.span(unit.file, relock.node),
                message,
            )
            .in_function(context.function(relock.unit))
            .operation(format!("{} {name}", context.text(unit.file, relock.node)))
            .help("unlock it first, or split off a function for callers that hold the lock");
        let mut finding = relock.steps(context, finding);
        finding.fix = fix(context, &relock);
        findings.push(finding);
    }
}

/// `defer mu.Lock()` → `defer mu.Unlock()`.
fn fix(context: &Context<'_>, relock: &Relock) -> Option<Fix> {
    let file_index = context.flow.units.get(relock.unit).file;
    let file = context.file(file_index);
    let Statement::Defer { call } = file.tree.statement(relock.deferred?) else {
        return None;
    };
    if call != relock.node || !relock.way.is_empty() || relock.imported {
        return None;
    }
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let Expression::Selector { name, .. } = file.tree.expression(function) else {
        return None;
    };
    let unlock = match relock.held.mode {
        Mode::Read => "RUnlock",
        _ => "Unlock",
    };
    let span = context.span(file_index, name);
    Some(Fix {
        safety: Safety::Unsafe,
        message: format!("call `{unlock}` instead"),
        edits: vec![Edit {
            file: context.path(file_index),
            span: Span::new(span.start, span.end),
            replacement: unlock.to_owned(),
        }],
    })
}
