//! `mismatched-unlock`: a read lock is given back with `Unlock`, or a write lock with `RUnlock`.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{EventKind, Held, LockMode, Mode, Observed, PathId};
use goward_syntax::{Expression, NodeId};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::rule::{Group, rule};

rule! {
    /// Reports `RWMutex`es that are locked in one way and unlocked in the other.
    ///
    /// ## What it reports
    ///
    /// `Unlock`, also a deferred one, of a `sync.RWMutex` of which the function holds the read lock, and `RUnlock`
    /// where it holds the write lock.
    ///
    /// ## Why it matters
    ///
    /// `Unlock` of a mutex that is locked for reading ends the process with `fatal error: sync: Unlock of unlocked
    /// RWMutex`, and the other way round with `sync: RUnlock of unlocked RWMutex`. No `recover` catches them.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type Table struct {
    /// 	mu   sync.RWMutex
    /// 	rows map[string]int
    /// }
    ///
    /// func NewTable() *Table { return &Table{rows: map[string]int{}} }
    ///
    /// func (t *Table) Get(key string) int {
    /// 	t.mu.RLock()
    /// 	defer t.mu.Unlock() // want mismatched-unlock
    /// 	return t.rows[key]
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
    /// type Table struct {
    /// 	mu   sync.RWMutex
    /// 	rows map[string]int
    /// }
    ///
    /// func NewTable() *Table { return &Table{rows: map[string]int{}} }
    ///
    /// func (t *Table) Get(key string) int {
    /// 	t.mu.RLock()
    /// 	defer t.mu.RUnlock()
    /// 	return t.rows[key]
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// The other name is put in on request: perhaps the lock is the wrong one.
    pub(crate) const RULE: Rule = Rule {
        name: "mismatched-unlock",
        category: Category::Panic,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: Some(Safety::Unsafe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let mut seen = FxHashSet::default();
    for observed in &context.flow.observed {
        let EventKind::Unlock { path, mode } = observed.event.kind else {
            continue;
        };
        let Some(held) = observed.state.lock(path) else {
            continue;
        };
        let mismatched = matches!(
            (held.mode, mode),
            (Mode::Read, LockMode::Write) | (Mode::Write, LockMode::Read)
        );
        // A literal gives back what the function around it has taken.
        let unit = context.flow.units.get(observed.unit);
        let own = held.own
            || unit.is_literal() && context.flow.locks.known_callers[observed.unit.index()];
        if mismatched
            && own
            && held.certain
            && !(held.mode == Mode::Read && may_be_written(context, observed, path))
            && held.sync
            && seen.insert((observed.unit, observed.event.node))
        {
            findings.push(finding(context, observed, path, held));
        }
    }
}

/// Whether the function, or one around it, also locks the mutex for writing: where both ways meet, the
/// state is that of the weaker lock.
fn may_be_written(context: &Context<'_>, observed: &Observed, path: PathId) -> bool {
    let flow = context.flow;
    flow.units.chain(observed.unit).any(|unit| {
        flow.observed_in(unit).iter().any(|other| {
            matches!(other.event.kind, EventKind::Lock { path: locked, mode: LockMode::Write, .. }
                if locked == path)
        })
    })
}

fn finding(context: &Context<'_>, observed: &Observed, path: PathId, held: &Held) -> Diagnostic {
    let file = context.flow.units.get(observed.unit).file;
    let name = context.flow.text(path);
    let (locked, called, right) = match held.mode {
        Mode::Read => ("for reading", "Unlock", "RUnlock"),
        _ => ("for writing", "RUnlock", "Unlock"),
    };
    let node = observed.event.node;
    let finding = RULE
        .diagnostic(
            context.path(file),
            context.span(file, node),
            format!("`{name}` is locked {locked}, and given back with `{called}`"),
        )
        .in_function(context.function(observed.unit))
        .operation(context.text(file, node))
        .step(
            context.path(held.file),
            context.span(held.file, held.node),
            format!("`{name}` is locked {locked} here"),
        )
        .step(
            context.path(file),
            context.span(file, node),
            "this call ends the process",
        )
        .help(format!("call `{right}`, or lock it in the other way"));
    match method(context, file, node) {
        Some(span) => finding.fix(Fix {
            safety: Safety::Unsafe,
            message: format!("call `{right}`"),
            edits: vec![Edit {
                file: context.path(file),
                span,
                replacement: right.to_owned(),
            }],
        }),
        None => finding,
    }
}

/// The name of the method in a call.
fn method(context: &Context<'_>, file: usize, call: NodeId) -> Option<Span> {
    let tree = context.file(file).tree;
    let Expression::Call { function, .. } = tree.expression(call) else {
        return None;
    };
    match tree.expression(function) {
        Expression::Selector { name, .. } => Some(context.span(file, name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::{check, check_incomplete};

    #[test]
    fn instances_with_arguments_of_absent_packages() {
        check_incomplete(
            &RULE,
            r#"
package p

import (
	"sync"

	"example.org/absent/ulid"
)

type locked[K comparable, V any] struct {
	sync.RWMutex
	of map[K]V
}

type tasks locked[ulid.ULID, int]

func (t *tasks) size() int {
	t.RLock()
	defer t.Unlock() // want "`t` is locked for reading"
	return len(t.of)
}

func (t *tasks) set(id ulid.ULID) {
	t.Lock()
	defer t.Unlock()
	t.of[id] = 1
	t.of[ulid.Make().Next()]++
	for id := range t.of {
		id.Use(t.of)
	}
}
"#,
        );
    }

    #[test]
    fn ways_of_locking() {
        check(
            &RULE,
            r#"
package p

import "sync"

type T struct {
	mu sync.RWMutex
	n  int
}
type E struct {
	sync.RWMutex
	n int
}

func (t *T) plain() {
	t.mu.Lock()
	t.n++
	t.mu.RUnlock() // want "`t.mu` is locked for writing, and given back with `RUnlock`"
}
func (t *T) early(b bool) int {
	t.mu.RLock()
	if b {
		t.mu.Unlock() // want "`t.mu` is locked for reading"
		return 0
	}
	n := t.n
	t.mu.RUnlock()
	return n
}
func (t *T) literal() int {
	t.mu.RLock()
	defer func() { t.mu.Unlock() }() // want "locked for reading"
	return t.n
}
func (e *E) embedded() {
	e.Lock()
	defer e.RUnlock() // want "locked for writing"
	e.n++
}

func (t *T) upgrade() {
	t.mu.RLock()
	n := t.n
	t.mu.RUnlock()
	t.mu.Lock()
	t.n = n + 1
	t.mu.Unlock()
}
func (t *T) either(write bool) {
	if write {
		t.mu.Lock()
	} else {
		t.mu.RLock()
	}
	t.n++
	if write {
		t.mu.Unlock()
	} else {
		t.mu.RUnlock()
	}
}
func (t *T) asLocker() {
	l := t.mu.RLocker()
	l.Lock()
	defer l.Unlock()
}
func (t *T) two(o *T) {
	t.mu.RLock()
	o.mu.Lock()
	o.n = t.n
	o.mu.Unlock()
	t.mu.RUnlock()
}
"#,
        );
    }
}
