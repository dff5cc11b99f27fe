//! `write-under-rlock`.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{
    Access, AccessKind, ChannelOperation, Effect, Element, EventKind, Held, How, LockMode, Mode,
    Observed, PathId, UnitId,
};
use goward_types::{ObjectKind, VariableKind};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::guard_evidence::{is_commented, is_teardown};
use crate::rule::{Group, rule};
use crate::sharing::type_has_mutex;

rule! {
    /// Reports a map, counter or field that is written while only a read lock is held.
    ///
    /// ## What it reports
    ///
    /// Assignment to an element, `delete`, `clear`, `maps.Copy` into a map, `n++` or `n += x` of a number
    /// and `s = append(s, x)`, where the map, number or slice belongs to the struct (or package) whose
    /// `sync.RWMutex` is held for reading, and no other lock is held; and assignment to any other field
    /// of that struct; and sorting or reversing a slice where it lies with package slices or sort. Functions of the package that are called with the read
    /// lock held are followed. Nothing is said where only one goroutine, which the package
    /// starts, uses the place with the lock held for reading, and where the place belongs to another
    /// object that has a mutex itself.
    ///
    /// ## Why it matters
    ///
    /// Any number of goroutines hold a read lock at the same time, so they all write at once: counts
    /// and elements are lost, and for maps the run time may end the process with `fatal error:
    /// concurrent map writes`, which no `recover` catches.
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
    /// 	hits  map[string]int
    /// }
    ///
    /// func New() *Cache {
    /// 	return &Cache{items: map[string]string{}, hits: map[string]int{}}
    /// }
    ///
    /// func (c *Cache) Get(key string) string {
    /// 	c.mu.RLock()
    /// 	defer c.mu.RUnlock()
    /// 	c.hits[key]++ // want write-under-rlock
    /// 	return c.items[key]
    /// }
    /// ```
    ///
    /// ```go
    /// package log
    ///
    /// import "sync"
    ///
    /// type Log struct {
    /// 	mu    sync.RWMutex
    /// 	lines []string
    /// 	ended bool
    /// }
    ///
    /// func (l *Log) Add(line string) {
    /// 	l.mu.RLock()
    /// 	defer l.mu.RUnlock()
    /// 	if !l.ended {
    /// 		l.lines = append(l.lines, line) // want "`l.lines` is written while `l.mu` is held for reading only"
    /// 	}
    /// }
    ///
    /// func (l *Log) End() {
    /// 	l.mu.RLock()
    /// 	l.ended = true // want "`l.ended` is set while"
    /// 	l.mu.RUnlock()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package cache
    ///
    /// import (
    /// 	"sync"
    /// 	"sync/atomic"
    /// )
    ///
    /// type Cache struct {
    /// 	mu    sync.RWMutex
    /// 	items map[string]string
    /// 	hits  atomic.Int64
    /// }
    ///
    /// func New() *Cache {
    /// 	return &Cache{items: map[string]string{}}
    /// }
    ///
    /// func (c *Cache) Get(key string) string {
    /// 	c.mu.RLock()
    /// 	defer c.mu.RUnlock()
    /// 	c.hits.Add(1)
    /// 	return c.items[key]
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: the write lock may be too dear here, and an atomic counter or a lock of its own
    /// the better way.
    pub(crate) const RULE: Rule = Rule {
        name: "write-under-rlock",
        category: Category::Race,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    // Every use under a read lock of its object, and the function that runs then.
    let mut uses: Vec<(UnitId, Effect, PathId, Held)> = Vec::new();
    for observed in &flow.observed {
        match &observed.event.kind {
            EventKind::Access(_) => {}
            EventKind::Set { path, .. } => {
                uses.extend(field_set(context, observed, *path));
                continue;
            }
            EventKind::Run {
                target,
                how: How::Call,
                ..
            } => {
                if !observed.state.locks().any(|lock| lock.1.mode == Mode::Read)
                    || flow.locks.known_callers[target.index()]
                        && flow.units.get(*target).is_literal()
                {
                    continue;
                }
            }
            _ => continue,
        }
        for effect in flow.effects(observed) {
            if let Some((lock, held)) = read_lock(context, observed, &effect) {
                uses.push((observed.unit, effect, lock, held));
            }
        }
    }
    let origins = context.origins();
    let mut seen = FxHashSet::default();
    for (unit, effect, lock, held) in &uses {
        let kind = effect.access.kind;
        if !kind.changes() || !kind.changes_content() && is_about_the_end(context, *lock) {
            continue;
        }
        // Somebody has thought of it.
        if !kind.changes_content() && is_commented(context, effect.unit, effect.access.node) {
            continue;
        }
        // One goroutine alone has the place while the lock is held for reading: the lock is there
        // for something else.
        let paths = flow.locks.paths();
        let same = |other: &(UnitId, Effect, PathId, Held)| {
            paths.last_field(other.1.access.path) == paths.last_field(effect.access.path)
                && paths.last_field(other.2) == paths.last_field(*lock)
        };
        let is_test = |unit: UnitId| context.file(flow.units.get(unit).file).test;
        let alone = origins.single(context, *unit).is_some_and(|own| {
            uses.iter()
                .filter(|other| same(other) && !is_test(other.0))
                .all(|other| origins.of(other.0) == [own])
        });
        drop(paths);
        if !alone && seen.insert((effect.unit, effect.access.node)) {
            report(context, effect, *lock, *held, findings);
        }
    }
}

/// Whether a mutex is locked for writing only by what takes the object down: it keeps the object alive
/// for those who hold it for reading, and guards none of its fields.
fn is_about_the_end(context: &Context<'_>, lock: PathId) -> bool {
    let flow = context.flow;
    let paths = flow.locks.paths();
    let mutex = paths.last_field(lock);
    let mut writers = flow.observed.iter().filter(|observed| {
        matches!(observed.event.kind, EventKind::Lock { path, mode: LockMode::Write, .. }
            if paths.last_field(path) == mutex)
    });
    let first = writers.next();
    first.is_some_and(|first| {
        std::iter::once(first)
            .chain(writers)
            .all(|writer| is_teardown(context, flow.units.outermost(writer.unit)))
    })
}

/// A field that is set while the read lock of its own object is held.
fn field_set(
    context: &Context<'_>,
    observed: &Observed,
    path: PathId,
) -> Option<(UnitId, Effect, PathId, Held)> {
    let reads = |lock: &(PathId, Held)| lock.1.mode == Mode::Read;
    if !observed.state.locks().any(reads) {
        return None;
    }
    let effect = Effect {
        access: Access {
            path,
            kind: AccessKind::Replace,
            alias: false,
            node: observed.event.node,
        },
        unit: observed.unit,
        calls: Vec::new(),
        held: observed.state.held.clone(),
        other_lock: false,
        deferred: observed.deferred.is_some(),
        nilness: None,
        root_nilness: None,
    };
    let (lock, held) = read_lock(context, observed, &effect)?;
    // Where a channel is closed as well, `close-under-rlock` says what that leads to.
    let closes = |other: &Observed| {
        let close = matches!(
            other.event.kind,
            EventKind::Channel {
                operation: ChannelOperation::Close,
                ..
            }
        );
        close
            && other
                .state
                .lock(lock)
                .is_some_and(|held| held.mode == Mode::Read)
    };
    if context.flow.observed_in(observed.unit).iter().any(closes) {
        return None;
    }
    let paths = context.flow.locks.paths();
    let (of_place, of_lock) = (&paths.get(path).elements, &paths.get(lock).elements);
    // An embedded mutex may be written with the names of its fields or without them.
    let direct = matches!(of_place.split_last(), Some((Element::Field(_), owner))
        if of_lock.starts_with(owner) && of_lock.len() <= of_place.len());
    drop(paths);
    direct.then_some((observed.unit, effect, lock, held))
}

/// The read lock of its object under which a place is used, with no other lock.
fn read_lock(
    context: &Context<'_>,
    observed: &Observed,
    effect: &Effect,
) -> Option<(PathId, Held)> {
    let access = effect.access;
    if effect.other_lock {
        return None;
    }
    if effect
        .held
        .iter()
        .any(|(_, held)| matches!(held.mode, Mode::Write | Mode::Maybe))
    {
        return None;
    }
    let flow = context.flow;
    let paths = flow.locks.paths();
    let package_level = |path: PathId| {
        paths
            .root(path)
            .is_some_and(|root| context.world().object(root).is_package_level())
    };
    // What a goroutine shares with the function that starts it.
    let captured = |path: PathId| {
        let root = paths
            .root(path)
            .filter(|_| paths.get(path).elements.is_empty());
        root.is_some_and(|root| {
            context.world().object(root).kind == ObjectKind::Variable(VariableKind::Local)
                && flow.is_spawned(observed.unit)
                && !flow.declared_inside(root, observed.unit)
        })
    };
    let found = effect.held.iter().find(|(lock, held)| {
        let guards = paths.owner_leads_to(*lock, access.path)
            && !is_guarded_further_on(context, *lock, access.path)
            || captured(*lock) && captured(access.path)
            || package_level(*lock)
                && package_level(access.path)
                && paths.get(*lock).elements.is_empty();
        held.mode == Mode::Read && held.sync && guards
    })?;
    // Nobody else can see an object that was made here.
    let fresh = flow.is_fresh(observed.unit, access.path, &observed.state);
    (!fresh).then_some(*found)
}

/// Whether the place belongs to an object further on than the lock's own, one that has a mutex itself:
/// that one guards it, and whoever uses it need not have come by way of this lock.
fn is_guarded_further_on(context: &Context<'_>, lock: PathId, place: PathId) -> bool {
    let paths = context.flow.locks.paths();
    let owner = paths.get(lock).elements.len().saturating_sub(1);
    let elements = &paths.get(place).elements;
    let between = elements.get(owner..elements.len().saturating_sub(1));
    between.into_iter().flatten().any(|element| match element {
        Element::Field(field) => type_has_mutex(context, context.world().object_type(*field)),
        _ => false,
    })
}

fn report(
    context: &Context<'_>,
    effect: &Effect,
    lock: PathId,
    held: Held,
    findings: &mut Vec<Diagnostic>,
) {
    let flow = context.flow;
    let file = flow.units.get(effect.unit).file;
    let name = flow.text(effect.access.path);
    let lock_name = flow.text(lock);
    let done = match effect.access.kind {
        AccessKind::Replace => "set",
        _ => "written",
    };
    let mut finding = RULE
        .diagnostic(
            context.path(file),
            context.span(file, effect.access.node),
            format!("`{name}` is {done} while `{lock_name}` is held for reading only"),
        )
        .in_function(context.function(effect.unit))
        .operation(context.text(file, effect.access.node))
        .help(format!("hold `{lock_name}` with `Lock` here"))
        .step(
            context.path(held.file),
            context.span(held.file, held.node),
            format!("`{lock_name}` is locked for reading here"),
        );
    for &(unit, call) in &effect.calls {
        let file = flow.units.get(unit).file;
        finding = finding.step(
            context.path(file),
            context.span(file, call),
            "this call is made with the read lock held",
        );
    }
    findings.push(finding.step(
        context.path(file),
        context.span(file, effect.access.node),
        "other goroutines that hold the read lock can be here at the same time",
    ));
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn sorted_where_it_lies() {
        check(
            &RULE,
            r#"
package p

import (
	"slices"
	"sort"
	"sync"
)

type byLength []string

func (b byLength) Len() int           { return len(b) }
func (b byLength) Less(i, j int) bool { return len(b[i]) < len(b[j]) }
func (b byLength) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

type list struct {
	mu    sync.RWMutex
	names []string
}

func (l *list) sorted() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	slices.Sort(l.names) // want "`l.names` is written while `l.mu` is held for reading only"
	return l.names
}
func (l *list) older() {
	l.mu.RLock()
	defer l.mu.RUnlock()
	sort.Strings(l.names) // want "`l.names` is written"
	sort.Sort(byLength(l.names)) // want "`l.names` is written"
}
func (l *list) helper() string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.first()
}
func (l *list) first() string {
	slices.Sort(l.names) // want "`l.names` is written"
	return l.names[0]
}
func (l *list) copied() []string {
	l.mu.RLock()
	names := slices.Clone(l.names)
	l.mu.RUnlock()
	slices.Sort(names)
	return slices.Sorted(slices.Values(l.names))
}
func (l *list) written() {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.names, func(a, b string) int { return len(a) - len(b) })
}
func (l *list) add(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, name)
}
"#,
        );
    }

    #[test]
    fn fields() {
        check(
            &RULE,
            r#"
package p

import "sync"

type list struct {
	sync.RWMutex
	items []int
	last  *list
	sum   int
	seen  struct{ n int }
}

func (l *list) take(n int) []int {
	l.RLock()
	defer l.RUnlock()
	items := l.items[:n]
	l.items = l.items[n:] // want "`l.items` is written while `l` is held for reading only"
	return items
}

func (l *list) link(to *list) {
	l.RLock()
	l.last = to // want "`l.last` is set while"
	to.sum = 1
	to.last.sum = 1
	l.RUnlock()
}

func (l *list) total() int {
	l.RLock()
	defer l.RUnlock()
	return l.count()
}

func (l *list) count() int {
	if l.sum == 0 {
		l.sum = len(l.items) // want "`l.sum` is set while"
	}
	return l.sum
}

func (l *list) written() {
	l.Lock()
	l.last = nil
	l.items = append(l.items, 1)
	l.Unlock()
	l.sum = 2
}

func (l *list) local() []int {
	l.RLock()
	defer l.RUnlock()
	all := l.items
	all = append(all, 1)
	return all
}

type rows struct {
	alive sync.RWMutex
	raw   []byte
	done  bool
}

func (r *rows) scan() {
	r.alive.RLock()
	defer r.alive.RUnlock()
	r.raw = r.raw[:0]
	r.done = true
}

func (r *rows) Close() {
	r.alive.Lock()
	defer r.alive.Unlock()
	r.raw = nil
}

func (l *list) counted() {
	l.RLock()
	// One goroutine alone counts, so that the read lock is enough.
	l.sum++
	l.RUnlock()
}

func fresh() *list {
	l := &list{}
	l.RLock()
	l.sum = 3
	l.RUnlock()
	return l
}
"#,
        );
    }

    #[test]
    fn locks_of_other_objects() {
        check(
            &RULE,
            r#"
package p

import "sync"

type database struct {
	mu    sync.RWMutex
	dirty map[string]bool
}

type plain struct {
	dirty map[string]bool
}

type snapshots struct {
	mu    sync.RWMutex
	db    *database
	plain *plain
	own   map[string]bool
}

func (s *snapshots) Remove(name string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.db.dirty[name] = true
}

func (s *snapshots) RemovePlain(name string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.plain.dirty[name] = true // want "is written while"
}

func (s *snapshots) RemoveOwn(name string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.own[name] = true // want "is written while"
}

func (s *snapshots) RemoveUnderOther(name string) {
	s.db.mu.RLock()
	defer s.db.mu.RUnlock()
	s.db.dirty[name] = true // want "is written while"
}
"#,
        );
    }
}
