//! `guarded-field-without-lock`: where there is no doubt.

use goward_diagnostics::{Category, Diagnostic, Severity};

use crate::context::Context;
use crate::guards::report;
use crate::rule::{Group, rule};

rule! {
    /// Reports a map that is used without the mutex that its other uses hold.
    ///
    /// ## What it reports
    ///
    /// A map in a field or package variable that is written somewhere with a mutex of the same struct
    /// (or package) held, and that a method of the object uses without it, where that cannot be meant:
    ///
    /// - the method takes the mutex elsewhere: it gives it back too early, or takes it too late;
    /// - or two thirds of the functions that use the map hold the mutex, and this one is exported,
    ///   runs in a goroutine of its own, or is called by functions that do not hold it either.
    ///
    /// Callers that hold the lock for their callee, lock helpers, deferred calls and objects that are
    /// not shared yet are followed within the package. Nothing is said where a name or a comment
    /// speaks of locks, where another lock protects the use, in functions that set up or take down
    /// (by their names, or those of all who call them), where other packages can take the mutex of an
    /// exported type for the call, and in code for tests. Those are for
    /// `guarded-field-without-lock-other`.
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
    /// func (c *Cache) Delete(key string) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	delete(c.items, key)
    /// }
    ///
    /// func (c *Cache) Get(key string) string {
    /// 	return c.items[key] // want guarded-field-without-lock
    /// }
    /// ```
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
    /// func (c *Cache) All() []string {
    /// 	c.mu.Lock()
    /// 	items := c.items
    /// 	c.mu.Unlock()
    /// 	var all []string
    /// 	for _, value := range items { // want guarded-field-without-lock
    /// 		all = append(all, value)
    /// 	}
    /// 	return all
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
    /// 	c := &Cache{items: map[string]string{}}
    /// 	c.items["first"] = "made before anybody else has the cache"
    /// 	return c
    /// }
    ///
    /// func (c *Cache) Set(key, value string) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.put(key, value)
    /// }
    ///
    /// func (c *Cache) put(key, value string) {
    /// 	c.items[key] = value
    /// }
    ///
    /// func (c *Cache) Get(key string) string {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	return c.items[key]
    /// }
    ///
    /// // All takes the map out, so that it belongs to nobody else any more.
    /// func (c *Cache) All() []string {
    /// 	c.mu.Lock()
    /// 	items := c.items
    /// 	c.items = map[string]string{}
    /// 	c.mu.Unlock()
    /// 	var all []string
    /// 	for _, value := range items {
    /// 		all = append(all, value)
    /// 	}
    /// 	return all
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: a caller may hold the lock already, and locking twice waits for ever.
    pub(crate) const RULE: Rule = Rule {
        name: "guarded-field-without-lock",
        category: Category::Race,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    report(context, &RULE, true, findings);
}
