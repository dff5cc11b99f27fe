//! `guarded-map-returned`: a map leaves the lock that guards it.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{EventKind, Unit, UnitId, origin, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypeKind, TypedFile};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::field_vote::FieldUse;
use crate::rule::{Group, rule};
use crate::walk::walk;

rule! {
    /// Reports functions that give a map out of the lock that guards it.
    ///
    /// ## What it reports
    ///
    /// A function that locks a mutex, and returns a map in a field or package variable whose elements are set
    /// elsewhere with that mutex held: the map itself, an inner map, or either in a struct literal. Silent where
    /// the function gives the field another map, and where maps are replaced as a whole and never changed.
    ///
    /// ## Why it matters
    ///
    /// A map is a reference. The lock is given back when the function returns, and the caller reads the very map that
    /// others go on to change: the run time may end the process with `fatal error: concurrent map read and map
    /// write`, or `concurrent map iteration and map write`, which no `recover` catches.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package prices
    ///
    /// import "sync"
    ///
    /// type Table struct {
    /// 	mu   sync.Mutex
    /// 	rows map[string]int
    /// }
    ///
    /// func New() *Table { return &Table{rows: map[string]int{}} }
    ///
    /// func (t *Table) Set(key string, price int) {
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock()
    /// 	t.rows[key] = price
    /// }
    ///
    /// func (t *Table) All() map[string]int {
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock()
    /// 	return t.rows // want guarded-map-returned
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package prices
    ///
    /// import (
    /// 	"maps"
    /// 	"sync"
    /// )
    ///
    /// type Table struct {
    /// 	mu   sync.Mutex
    /// 	rows map[string]int
    /// }
    ///
    /// func New() *Table { return &Table{rows: map[string]int{}} }
    ///
    /// func (t *Table) Set(key string, price int) {
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock()
    /// 	t.rows[key] = price
    /// }
    ///
    /// func (t *Table) All() map[string]int {
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock()
    /// 	return maps.Clone(t.rows)
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: a copy takes time for large maps, and callers may count on seeing changes.
    pub(crate) const RULE: Rule = Rule {
        name: "guarded-map-returned",
        category: Category::Race,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

/// A map that is given out: the expression, the field or variable, and whether it is an inner map of it.
struct Given {
    node: NodeId,
    map: ObjectId,
    inner: bool,
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        if file.test || unit.is_literal() {
            continue;
        }
        let locked = locks_taken(context, id);
        if locked.is_empty() {
            continue;
        }
        let mut seen = FxHashSet::default();
        for given in given_maps(context, unit) {
            // What is returned before the lock is taken does not leave it.
            if file.tree.span(given.node).start < first_lock(context, id) {
                continue;
            }
            let of_field = context
                .field_uses()
                .of_field
                .iter()
                .find(|known| known.0 == given.map);
            let Some((_, of_field)) = of_field else {
                continue;
            };
            let own = |entry: &&FieldUse| {
                let outermost = context.flow.units.outermost(entry.unit);
                outermost == id && entry.kind == goward_flow::AccessKind::Replace
            };
            let written = of_field.iter().find(|entry| {
                let paths = context.flow.locks.paths();
                let elements = &paths.get(entry.path).elements;
                let deep = matches!(elements.last(), Some(goward_flow::Element::Index(_)));
                entry.kind.changes_content()
                    && !entry.fresh
                    && (deep || !given.inner)
                    && entry.own.iter().any(|(mutex, _)| locked.contains(mutex))
            });
            let Some(written) = written else { continue };
            if of_field.iter().any(|entry| own(&entry)) || !seen.insert(given.node) {
                continue;
            }
            findings.push(finding(context, id, &given, written));
        }
    }
}

fn finding(context: &Context<'_>, id: UnitId, given: &Given, written: &FieldUse) -> Diagnostic {
    let flow = context.flow;
    let file = flow.units.get(id).file;
    let text = context.text(file, given.node);
    let there = flow.units.get(written.unit).file;
    let lock = written
        .own
        .first()
        .map_or_else(String::new, |lock| flow.text(lock.1));
    RULE.diagnostic(
        context.path(file),
        context.span(file, given.node),
        format!("`{text}` leaves the lock: the caller reads it while others change it"),
    )
    .in_function(context.function(id))
    .operation(format!("return {text}"))
    .step(
        context.path(there),
        context.span(there, written.node),
        format!("with `{lock}` held the map is changed here"),
    )
    .step(
        context.path(file),
        context.span(file, given.node),
        "and the same map is given out here",
    )
    .help("return a copy, as `maps.Clone` makes it")
}

/// The mutexes that a function locks itself.
fn locks_taken(context: &Context<'_>, id: UnitId) -> FxHashSet<ObjectId> {
    let flow = context.flow;
    let locks = flow.observed_in(id).iter().filter_map(|observed| {
        let EventKind::Lock { path, .. } = observed.event.kind else {
            return None;
        };
        flow.locks.paths().last_field(path)
    });
    locks.collect()
}

/// Where a function takes its first lock, in the order of the source.
fn first_lock(context: &Context<'_>, id: UnitId) -> u32 {
    let flow = context.flow;
    let tree = context.file(flow.units.get(id).file).tree;
    let locks = flow
        .observed_in(id)
        .iter()
        .filter(|observed| matches!(observed.event.kind, EventKind::Lock { .. }))
        .map(|observed| tree.span(observed.event.node).start);
    locks.min().unwrap_or(u32::MAX)
}

/// What a function returns, or gives its named results, that is a map of somebody.
fn given_maps(context: &Context<'_>, unit: &Unit) -> Vec<Given> {
    let file = context.file(unit.file);
    let tree = file.tree;
    let mut given = Vec::new();
    walk(unit, |node, _| match tree.kind(node) {
        NodeKind::ReturnStmt => {
            if let Statement::Return { results } = tree.statement(node) {
                for &result in results {
                    values(context, unit, result, &mut given);
                }
            }
        }
        NodeKind::AssignStmt => {
            if let Statement::Assign { left, right, .. } = tree.statement(node)
                && left.len() == right.len()
            {
                for (&target, &value) in left.iter().zip(right) {
                    if unit.results.iter().flatten().any(|&result| {
                        file.facts.object_of(unparenthesized(file, target)) == Some(result)
                    }) {
                        values(context, unit, value, &mut given);
                    }
                }
            }
        }
        _ => {}
    });
    given
}

/// The maps in a value: itself, or the elements of a struct literal.
fn values(context: &Context<'_>, unit: &Unit, value: NodeId, given: &mut Vec<Given>) {
    let file = context.file(unit.file);
    let tree = file.tree;
    let mut value = unparenthesized(file, value);
    if let Expression::Unary { operand, .. } = tree.expression(value) {
        value = unparenthesized(file, operand);
    }
    if let Expression::CompositeLiteral { elements, .. } = tree.expression(value) {
        // Another object of the same type has a lock of its own, and takes the map over.
        let world = context.world();
        let of_receiver = unit.receiver.is_some_and(|receiver| {
            let named = goward_flow::named_behind(world, world.object_type(receiver));
            named.is_some() && named == goward_flow::named_behind(world, file.facts.type_of(value))
        });
        if of_receiver {
            return;
        }
        for &element in elements {
            let element = match tree.expression(element) {
                Expression::KeyValue { value, .. } => value,
                _ => element,
            };
            given.extend(stored_map(context, file, unit.file, element));
        }
    } else {
        given.extend(stored_map(context, file, unit.file, value));
    }
}

/// The field or package variable whose map an expression is, also by way of a local variable.
fn stored_map(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    index: usize,
    node: NodeId,
) -> Option<Given> {
    let world = context.world();
    let node = unparenthesized(file, node);
    if world.underlying(file.facts.type_of(node)).kind() != TypeKind::Map {
        return None;
    }
    let field = |node: NodeId| {
        let node = unparenthesized(file, node);
        match file.tree.expression(node) {
            Expression::Selector { .. } => {
                let selection = file.facts.selections.get(&node)?;
                Some(origin(world, selection.object))
            }
            Expression::Identifier => {
                let object = file.facts.object_of(node)?;
                world.object(object).is_package_level().then_some(object)
            }
            _ => None,
        }
    };
    let map = |source: NodeId| match file.tree.expression(source) {
        Expression::Index { operand, .. } => Some((field(operand)?, true)),
        _ => Some((field(source)?, false)),
    };
    let found = map(node).or_else(|| {
        let object = file.facts.object_of(node)?;
        let (other, value) = context.flow.lowered.variables.single(object)?;
        (other == index)
            .then(|| map(unparenthesized(file, value)))
            .flatten()
    });
    let (map, inner) = found?;
    Some(Given { node, map, inner })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn what_is_given_out() {
        check(
            &RULE,
            r#"
package p

import (
	"maps"
	"sync"
)

type T struct {
	mu   sync.RWMutex
	m    map[string]int
	deep map[string]map[string]int
	conf map[string]int
	free map[string]int
}
type view struct{ values map[string]int }

func newT() *T {
	return &T{m: map[string]int{}, deep: map[string]map[string]int{}, free: map[string]int{}}
}

func (t *T) set(a, b string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[a]++
	if t.deep[a] == nil {
		t.deep[a] = map[string]int{}
	}
	t.deep[a][b]++
}
func (t *T) configure(conf map[string]int) { t.mu.Lock(); t.conf = conf; t.mu.Unlock() }

func (t *T) all() map[string]int { t.mu.RLock(); defer t.mu.RUnlock(); return t.m } // want "`t.m` leaves the lock"
func (t *T) local() map[string]int { t.mu.RLock(); m := t.m; t.mu.RUnlock(); return m } // want "`m` leaves the lock"
func (t *T) named() (m map[string]int) { t.mu.RLock(); defer t.mu.RUnlock(); m = t.m; return } // want "`t.m` leaves the lock"
func (t *T) view() view { t.mu.RLock(); defer t.mu.RUnlock(); return view{values: t.m} } // want "`t.m` leaves the lock"
func (t *T) inner(a string) map[string]int { t.mu.RLock(); defer t.mu.RUnlock(); return t.deep[a] } // want "leaves the lock"

func (t *T) clone() map[string]int { t.mu.RLock(); defer t.mu.RUnlock(); return maps.Clone(t.m) }
func (t *T) take() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.m
	t.m = map[string]int{}
	return m
}
func (t *T) next() *T { t.mu.Lock(); defer t.mu.Unlock(); return &T{m: t.m} }
func (t *T) snapshot() map[string]int { t.mu.RLock(); defer t.mu.RUnlock(); return t.conf }
func (t *T) before(a string) any {
	if a == "" {
		return t.m
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.m[a]
}
func (t *T) unlocked() map[string]int { return t.m }
func (t *T) other() map[string]int { t.mu.RLock(); defer t.mu.RUnlock(); return t.free }
func (t *T) fill() { t.free["a"]++ }
func (t *T) one(a string) int { t.mu.RLock(); defer t.mu.RUnlock(); return t.m[a] }
"#,
        );
    }
}
