//! `guarded-field-without-lock-other`: where the mutex may be left out on purpose.

use goward_diagnostics::{Category, Diagnostic, Severity};

use crate::context::Context;
use crate::guards::report;
use crate::rule::{Group, rule};

rule! {
    /// Reports any other map that is used without the mutex that most of its uses hold.
    ///
    /// ## What it reports
    ///
    /// A map in a field or package variable that is written somewhere with a mutex of the same struct
    /// (or package) held, where at least half of the uses or of the functions hold that mutex, and
    /// this use does not, apart from what `guarded-field-without-lock` reports; of a struct that is a
    /// mutex and a map one such write is enough. `len` is a use as well, but has no say in what the
    /// guard is. Callers that hold the lock for their callee, lock helpers, deferred calls and objects
    /// that are not shared yet are followed within the package.
    ///
    /// Nothing is said where a comment or a name says that the caller holds the lock and a caller
    /// does, and where another lock protects the use.
    ///
    /// It is in the nursery because one package does not show everything: the use may be in a phase
    /// in which no other goroutine runs.
    ///
    /// ## Why it matters
    ///
    /// The run time may notice that a map is read while it is written and end the process with
    /// `fatal error: concurrent map read and map write`, which no `recover` catches.
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
    /// func (c *Cache) Set(key, value string) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.items[key] = value
    /// }
    ///
    /// func (c *Cache) Len() int {
    /// 	return len(c.items) // want guarded-field-without-lock-other
    /// }
    ///
    /// func (c *Cache) Close() {
    /// 	for key := range c.items { // want guarded-field-without-lock-other
    /// 		println(key)
    /// 	}
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
    /// func (c *Cache) Set(key, value string) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.items[key] = value
    /// }
    ///
    /// func (c *Cache) Len() int {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	return len(c.items)
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: a caller may hold the lock already, and locking twice waits for ever.
    pub(crate) const RULE: Rule = Rule {
        name: "guarded-field-without-lock-other",
        category: Category::Race,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    report(context, &RULE, false, findings);
}
