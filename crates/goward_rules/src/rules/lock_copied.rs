//! `lock-copied`: a copy of a lock is used.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Unit, UnitId, unparenthesized};
use goward_syntax::{
    AssignOperator, Expression, NodeId, NodeKind, RangeOperator, Statement, UnaryOperator,
};
use goward_types::{ObjectId, Type, TypeId, TypeKind, TypedFile};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::standard_library::{called_method, local_variable, named, type_name};
use crate::walk::{mentions, walk, walk_all};

rule! {
    /// Reports copies of mutexes, groups and `sync.Map`s that are used in place of the original.
    ///
    /// ## What it reports
    ///
    /// A value receiver, a parameter, the value of a `range` or an assignment that copies a `sync.Mutex`,
    /// `RWMutex`, `Once`, `WaitGroup`, `Cond`, `Pool` or `Map`, or a struct or array that holds one, where the
    /// function then locks or uses the copy. Silent where the original was made in the function and nobody has
    /// used it before or does afterwards: the copy then takes its place. A parameter that is a group by itself is the business of
    /// `wait-group-copied`. Copies that nobody locks are left to `go vet`.
    ///
    /// ## Why it matters
    ///
    /// The copy has a state of its own. Two goroutines that each lock a copy are in the guarded code together, what
    /// is stored in a copy of a `sync.Map` is not in the original, and a copy of a mutex that was locked at that
    /// moment stays locked for ever.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type counter struct {
    /// 	mu     sync.Mutex
    /// 	counts map[string]int
    /// }
    ///
    /// func newCounter() *counter { return &counter{counts: map[string]int{}} }
    ///
    /// func (c counter) add(key string) { // want lock-copied
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.counts[key]++
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
    /// type counter struct {
    /// 	mu     sync.Mutex
    /// 	counts map[string]int
    /// }
    ///
    /// func newCounter() *counter { return &counter{counts: map[string]int{}} }
    ///
    /// func (c *counter) add(key string) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.counts[key]++
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: a pointer in its place may need changes wherever the type is used.
    pub(crate) const RULE: Rule = Rule {
        name: "lock-copied",
        category: Category::Race,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

/// How a copy is made.
enum Copied {
    Receiver,
    Parameter,
    Assigned,
    Ranged,
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        let holds = |object: ObjectId| {
            let of = context.world().object_type(object);
            held_lock(context, of, 0).map(|lock| (lock, type_name(context, of)))
        };
        if let Some(receiver) = unit.receiver
            && let Some((lock, _)) = holds(receiver)
            && let Some(place) = declaration_of(context, file, unit, receiver)
        {
            report(
                context,
                id,
                receiver,
                (place, Copied::Receiver, lock),
                findings,
            );
        }
        for &parameter in unit.parameters.iter().flatten() {
            if let Some((lock, of)) = holds(parameter)
                && of != Some(("sync", "WaitGroup"))
                && let Some(place) = declaration_of(context, file, unit, parameter)
            {
                report(
                    context,
                    id,
                    parameter,
                    (place, Copied::Parameter, lock),
                    findings,
                );
            }
        }
        let mut copies = Vec::new();
        walk(unit, |node, _| {
            let Some(found) = copy(context, file, node) else {
                return;
            };
            if holds(found.0).is_some()
                && !takes_the_place(context, id, file, node)
                && !is_meant(file, node)
            {
                copies.push(found);
            }
        });
        for (object, place, how) in copies {
            if let Some((lock, _)) = holds(object) {
                report(context, id, object, (place, how, lock), findings);
            }
        }
    }
}

/// The name of the lock that a value of a type holds, or is.
fn held_lock(context: &Context<'_>, of: TypeId, depth: usize) -> Option<&'static str> {
    let world = context.world();
    if depth > 4 || !of.is_known() || world.underlying(of).kind() == TypeKind::Pointer {
        return None;
    }
    if let Some(("sync", name)) = type_name(context, of) {
        let locks = [
            "Mutex",
            "RWMutex",
            "Once",
            "WaitGroup",
            "Cond",
            "Pool",
            "Map",
        ];
        return locks.into_iter().find(|&lock| lock == name);
    }
    match world.get(world.underlying(of)) {
        Type::Struct(structure) => structure
            .fields
            .iter()
            .find_map(|&field| held_lock(context, world.object_type(field), depth + 1)),
        Type::Array { element, .. } => held_lock(context, element, depth + 1),
        _ => None,
    }
}

/// Where a receiver or parameter is declared.
fn declaration_of(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    object: ObjectId,
) -> Option<NodeId> {
    let wanted = context.world().object(object).offset;
    let mut found = None;
    // Below a declaration the body comes last; a literal has its type and its body.
    for node in file.tree.preorder(unit.node) {
        if file.tree.kind(node) == NodeKind::Ident && file.tree.span(node).start == wanted {
            found = Some(node);
            break;
        }
    }
    found
}

/// A variable that gets a copy of what is stored elsewhere.
fn copy(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
) -> Option<(ObjectId, NodeId, Copied)> {
    let tree = file.tree;
    match tree.kind(node) {
        NodeKind::AssignStmt => {
            let Statement::Assign {
                operator: AssignOperator::Define | AssignOperator::Assign,
                left: &[target],
                right: &[value],
                ..
            } = tree.statement(node)
            else {
                return None;
            };
            let object = (tree.kind(target) == NodeKind::Ident && !tree.symbol(target).is_blank())
                .then(|| file.facts.object_of(target))??;
            let value = unparenthesized(file, value);
            let stored = match tree.expression(value) {
                Expression::Identifier | Expression::Selector { .. } => {
                    named(context, file, value).is_some()
                }
                // What a call gives back may be new, and nobody else may have it.
                Expression::Star { operand } => {
                    let from = unparenthesized(file, operand);
                    tree.kind(from) != NodeKind::CallExpr
                }
                Expression::Index { .. } => true,
                _ => false,
            };
            stored.then_some((object, target, Copied::Assigned))
        }
        NodeKind::RangeStmt => {
            let Statement::Range {
                value: Some(value),
                operator: RangeOperator::Define,
                ..
            } = tree.statement(node)
            else {
                return None;
            };
            let object =
                (!tree.symbol(value).is_blank()).then(|| file.facts.object_of(value))??;
            Some((object, value, Copied::Ranged))
        }
        _ => None,
    }
}

/// Whether a statement copies a value that the function has just made, of which nobody has used the lock, and which
/// nobody uses any more: as if it had been moved. Of a bare lock, the original is what others know.
fn takes_the_place(
    context: &Context<'_>,
    id: UnitId,
    file: &TypedFile<'_>,
    statement: NodeId,
) -> bool {
    let tree = file.tree;
    if tree.kind(statement) != NodeKind::AssignStmt {
        return false;
    }
    let Statement::Assign {
        left: &[_],
        right: &[value],
        ..
    } = tree.statement(statement)
    else {
        return false;
    };
    let mut value = unparenthesized(file, value);
    if let Expression::Star { operand } = tree.expression(value) {
        value = unparenthesized(file, operand);
    }
    let Some(object) = local_variable(context, file, id, value) else {
        return false;
    };
    let of = context.world().object_type(object);
    let bare = matches!(type_name(context, of), Some(("sync", _)));
    if bare || !context.flow.is_fresh_variable(id, object) {
        return false;
    }
    let unit = context.flow.units.get(id);
    let copied = tree.span(statement);
    let declared = context.world().object(object).offset;
    let mut alone = true;
    walk(unit, |node, _| {
        let span = tree.span(node);
        match tree.kind(node) {
            // In a second turn the original is used again.
            NodeKind::ForStmt | NodeKind::RangeStmt => {
                alone &= !span.contains(copied.start) || span.contains(declared);
            }
            // Before the copy fields may be set and read, and no more.
            NodeKind::CallExpr | NodeKind::FuncLit | NodeKind::UnaryExpr
                if span.end <= copied.start =>
            {
                let hands_out = tree.kind(node) != NodeKind::UnaryExpr
                    || matches!(
                        tree.expression(node),
                        Expression::Unary {
                            operator: UnaryOperator::Address,
                            operand,
                        } if tree.kind(operand) != NodeKind::CompositeLit
                    );
                alone &= !hands_out || !mentions(file, node, object);
            }
            NodeKind::Ident if span.start >= copied.end => {
                alone &= file.facts.object_of(node) != Some(object);
            }
            _ => {}
        }
    });
    alone
}

/// Whether a comment on the line of a statement tells `go vet` that the copy is meant.
fn is_meant(file: &TypedFile<'_>, statement: NodeId) -> bool {
    let end = file.tree.span(statement).end as usize;
    file.tree.comments().iter().any(|comment| {
        let range = comment.span.range();
        range.start >= end && !file.source[end..range.start].contains(&b'\n') && {
            let text = String::from_utf8_lossy(&file.source[range]);
            text.contains("nolint") && (text.contains("govet") || text.contains("copylocks"))
        }
    })
}

/// Methods that use what is copied.
const USES: &[&str] = &[
    "Lock",
    "RLock",
    "Unlock",
    "RUnlock",
    "TryLock",
    "TryRLock",
    "Do",
    "Add",
    "Done",
    "Wait",
    "Go",
    "Signal",
    "Broadcast",
    "Get",
    "Put",
    "Load",
    "Store",
    "LoadOrStore",
    "LoadAndDelete",
    "Delete",
    "Swap",
    "CompareAndSwap",
    "CompareAndDelete",
    "Range",
    "Clear",
];

/// The call that uses a lock in a copy: a method of package sync, or one of the package that takes the
/// lock through a pointer to the copy.
fn use_of(context: &Context<'_>, unit: &Unit, object: ObjectId) -> Option<NodeId> {
    let file = context.file(unit.file);
    let mut found = None;
    walk_all(file.tree, unit.body, |node| {
        if found.is_some() || file.tree.kind(node) != NodeKind::CallExpr {
            return;
        }
        let Some(method) = called_method(context, file, node) else {
            return;
        };
        let rooted = named(context, file, method.operand).is_some_and(|place| place.root == object);
        let of_lock = method.of.0 == "sync" && USES.contains(&method.name);
        if rooted && (of_lock || takes_lock(context, file, node)) {
            found = Some(node);
        }
    });
    found
}

/// Whether a method of the package takes a lock of its receiver.
fn takes_lock(context: &Context<'_>, file: &TypedFile<'_>, call: NodeId) -> bool {
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return false;
    };
    let goward_flow::Callee::Function(object) =
        goward_flow::callee(context.world(), file, function)
    else {
        return false;
    };
    let Some(target) = context.flow.units.of_object(object) else {
        return false;
    };
    let Some(receiver) = context.flow.units.get(target).receiver else {
        return false;
    };
    // By value it makes a copy of its own, and has its own finding.
    let world = context.world();
    let pointer = world.underlying(world.object_type(receiver)).kind() == TypeKind::Pointer;
    let summary = context.flow.locks.summary(target);
    let paths = context.flow.locks.paths();
    let takes = summary
        .takes
        .iter()
        .any(|take| paths.root(take.path) == Some(receiver));
    pointer && takes
}

fn report(
    context: &Context<'_>,
    id: UnitId,
    object: ObjectId,
    (place, how, lock): (NodeId, Copied, &str),
    findings: &mut Vec<Diagnostic>,
) {
    let unit = context.flow.units.get(id);
    let Some(used) = use_of(context, unit, object) else {
        return;
    };
    let name = context.world().object(object).name;
    let message = match how {
        Copied::Receiver => {
            format!("the receiver `{name}` is a copy, and so is its `sync.{lock}`")
        }
        Copied::Parameter => format!("`{name}` is a copy, and so is its `sync.{lock}`"),
        Copied::Assigned => format!("`{name}` becomes a copy of a value with a `sync.{lock}`"),
        Copied::Ranged => format!("`{name}` is a copy of the element, and so is its `sync.{lock}`"),
    };
    let path = context.path(unit.file);
    findings.push(
        RULE.diagnostic(path.clone(), context.span(unit.file, place), message)
            .in_function(context.function(id))
            .operation(format!("copy of {name}"))
            .step(
                path.clone(),
                context.span(unit.file, place),
                "the copy is made here",
            )
            .step(
                path,
                context.span(unit.file, used),
                "the copy is used here: the original does not notice",
            )
            .help("use a pointer"),
    );
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn copies() {
        check(
            &RULE,
            r#"
package p

import "sync"

type T struct {
	mu sync.Mutex
	n  int
}
type E struct {
	sync.RWMutex
	n int
}
type outer struct{ in T }
type holder struct{ values sync.Map }
type batch struct{ group sync.WaitGroup }
type pointer struct{ mu *sync.Mutex }

func (t *T) inc() { t.mu.Lock(); t.n++; t.mu.Unlock() }

func (t T) value() int { // want "the receiver `t` is a copy"
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}
func (e E) embedded() int { // want "`sync.RWMutex`"
	e.RLock()
	defer e.RUnlock()
	return e.n
}
func (o outer) nested() { // want "the receiver `o` is a copy"
	o.in.mu.Lock()
	o.in.mu.Unlock()
}
func (h holder) put(k, v any) { h.values.Store(k, v) } // want "`sync.Map`"
func (b batch) done() { b.group.Done() } // want "`sync.WaitGroup`"
func parameter(mu sync.Mutex, m map[string]int) { // want "`mu` is a copy"
	mu.Lock()
	defer mu.Unlock()
	m["a"]++
}
func assigned(t *T) int {
	u := *t // want "`u` becomes a copy"
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.n
}
func byMethod(t *T) {
	u := *t // want "`u` becomes a copy"
	u.inc()
}
func syncMap() {
	var a sync.Map
	b := a // want "`b` becomes a copy"
	b.Store(1, 2)
}
func ranged(all []T) {
	for _, t := range all { // want "`t` is a copy of the element"
		t.mu.Lock()
		t.mu.Unlock()
	}
}
func literal() {
	func(t T) { t.inc() }(T{}) // want "`t` is a copy"
}

func moved() {
	t := T{n: 1}
	t.n = 2
	u := t
	u.inc()
}
func movedPointer() {
	t := &T{n: 1}
	u := *t
	u.inc()
}
func movedMade() {
	t := newT()
	u := *t
	u.inc()
}
func usedBefore() {
	t := T{}
	t.inc()
	u := t // want "`u` becomes a copy"
	u.inc()
}
func usedAfter() {
	t := T{}
	u := t // want "`u` becomes a copy"
	u.inc()
	t.inc()
}
func handedOut() {
	t := &T{}
	go func() { t.inc() }()
	u := *t // want "`u` becomes a copy"
	u.inc()
}
func inTurns() {
	t := T{}
	for range 3 {
		u := t // want "`u` becomes a copy"
		u.inc()
	}
}
func meant(t *T) {
	u := *t //nolint:govet // a new one
	u.inc()
	v := *t //nolint:errcheck // want "`v` becomes a copy"
	v.inc()
}

func (t T) unused() int        { return t.n }
func (p pointer) lock()        { p.mu.Lock(); p.mu.Unlock() }
func fresh() { t := T{}; t.inc() }
func made() { t := newT(); t.inc() }
func newT() *T { return &T{} }
func pointers(all []*T) { for _, t := range all { t.inc() } }
func index(all []T) { for i := range all { all[i].inc() } }
func alias(t *T) { u := t; u.inc() }
func plain(t *T) int { u := *t; return u.n }
"#,
        );
    }
}
