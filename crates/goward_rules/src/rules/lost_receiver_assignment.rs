//! `lost-receiver-assignment`: a method sets a field of a copy of its receiver.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Step, Unit, UnitId, unparenthesized};
use goward_syntax::{AssignOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, SelectionKind, TypeKind, TypedFile};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::{mentions, steps_after, walk_all};

rule! {
    /// Reports assignments to fields of a receiver that is a copy, which nothing reads afterwards.
    ///
    /// ## What it reports
    ///
    /// `r.f = v` (also `op=` and `++`) in a method whose receiver `r` is a struct and not a pointer, where no
    /// path from there reads `r.f`, or `r` as a whole, and no closure or pointer in the method has `r`.
    ///
    /// ## Why it matters
    ///
    /// The method works on a copy of the value that it was called on. What it sets is gone when it returns,
    /// so a flag that should say that something is closed or done never says so.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// type connection struct {
    /// 	closed bool
    /// 	close  func() error
    /// }
    ///
    /// func (c connection) Close() error {
    /// 	if c.closed {
    /// 		return nil
    /// 	}
    /// 	c.closed = true // want lost-receiver-assignment
    /// 	return c.close()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// type connection struct {
    /// 	closed bool
    /// 	close  func() error
    /// }
    ///
    /// func (c *connection) Close() error {
    /// 	if c.closed {
    /// 		return nil
    /// 	}
    /// 	c.closed = true
    /// 	return c.close()
    /// }
    ///
    /// type options struct {
    /// 	name string
    /// }
    ///
    /// func (o options) named(name string) options {
    /// 	o.name = name
    /// 	return o
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: with a pointer receiver the method belongs to another type, and callers may have to change.
    pub(crate) const RULE: Rule = Rule {
        name: "lost-receiver-assignment",
        category: Category::StaleValue,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        let Some(receiver) = unit.receiver else {
            continue;
        };
        let world = context.world();
        if world.underlying(world.object_type(receiver)).kind() != TypeKind::Struct {
            continue;
        }
        let file = context.file(unit.file);
        for (statement, target, field) in assignments(file, unit, receiver) {
            if is_read(file, unit, receiver, statement, target, field) {
                continue;
            }
            findings.push(finding(context, id, receiver, statement, target));
        }
    }
}

fn finding(
    context: &Context<'_>,
    id: UnitId,
    receiver: ObjectId,
    statement: NodeId,
    target: NodeId,
) -> Diagnostic {
    let unit = context.flow.units.get(id);
    let path = context.path(unit.file);
    let text = context.text(unit.file, target);
    let declared = context.world().object(receiver);
    let length = declared.name.as_str().len() as u32;
    let name = declared.name;
    RULE.diagnostic(
        path.clone(),
        context.span(unit.file, statement),
        format!("`{text}` is set on a copy of the receiver, and nothing reads it before the copy is gone"),
    )
    .in_function(context.function(id))
    .operation(format!("set {text}"))
    .step(
        path.clone(),
        goward_diagnostics::Span::new(declared.offset, declared.offset + length),
        format!("`{name}` is a copy of what the method is called on"),
    )
    .step(path, context.span(unit.file, statement), "this changes the copy only")
    .help("give the method a pointer receiver")
}

/// Assignments to fields of the receiver itself: statement, target, and the field right below it.
fn assignments(
    file: &TypedFile<'_>,
    unit: &Unit,
    receiver: ObjectId,
) -> Vec<(NodeId, NodeId, u32)> {
    let mut found = Vec::new();
    for &block in unit.graph.reverse_postorder() {
        for &step in unit.graph.block(block).steps {
            let Step::Statement(node) = step else {
                continue;
            };
            let targets: Vec<NodeId> = match file.tree.kind(node) {
                NodeKind::AssignStmt => match file.tree.statement(node) {
                    Statement::Assign {
                        left,
                        operator: AssignOperator::Assign | AssignOperator::Update(_),
                        ..
                    } => left.to_vec(),
                    _ => Vec::new(),
                },
                NodeKind::IncDecStmt => match file.tree.statement(node) {
                    Statement::IncrementDecrement { operand, .. } => vec![operand],
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            };
            for target in targets {
                if let Some(field) = field_of(file, target, receiver) {
                    found.push((node, target, field));
                }
            }
        }
    }
    found
}

/// The number of the field of the receiver's struct that `r.f` or `r.f.g` lies in, where no pointer
/// leads out of it.
fn field_of(file: &TypedFile<'_>, node: NodeId, receiver: ObjectId) -> Option<u32> {
    let node = unparenthesized(file, node);
    let Expression::Selector { operand, .. } = file.tree.expression(node) else {
        return None;
    };
    let selection = file.facts.selections.get(&node)?;
    if selection.kind != SelectionKind::FieldValue || selection.indirect {
        return None;
    }
    let operand = unparenthesized(file, operand);
    if file.tree.kind(operand) == NodeKind::Ident {
        let is_receiver = file.facts.object_of(operand) == Some(receiver);
        return selection.index.first().copied().filter(|_| is_receiver);
    }
    field_of(file, operand, receiver)
}

/// Whether the field, or the receiver as a whole, may be read after the assignment.
fn is_read(
    file: &TypedFile<'_>,
    unit: &Unit,
    receiver: ObjectId,
    statement: NodeId,
    target: NodeId,
    field: u32,
) -> bool {
    let tree = file.tree;
    // Closures and pointers see the copy at any time.
    let mut kept = false;
    walk_all(tree, unit.body, |node| {
        kept |= match tree.expression(node) {
            Expression::FunctionLiteral { .. } => mentions(file, node, receiver),
            Expression::Unary {
                operator: goward_syntax::UnaryOperator::Address,
                operand,
            } => mentions(file, operand, receiver),
            // The address of an array is taken without a sign.
            Expression::Slice { operand, .. } => mentions(file, operand, receiver),
            _ => false,
        };
    });
    if kept {
        return true;
    }
    let steps = steps_after(&unit.graph, |step| step == Step::Statement(statement));
    steps.into_iter().any(|step| {
        let (Step::Expression(node)
        | Step::Statement(node)
        | Step::Register(node)
        | Step::RunDeferred(node)
        | Step::RangeAssign(node)
        | Step::Communicate(node)
        | Step::Return(node)) = step
        else {
            return false;
        };
        // Of a range statement only the operand is looked at; it has steps of its own.
        if matches!(tree.kind(node), NodeKind::RangeStmt) {
            return false;
        }
        reads(file, node, receiver, field, target)
    }) || is_switch_tag(file, unit, receiver)
}

/// Whether a node uses the receiver as a whole, or its field.
fn reads(
    file: &TypedFile<'_>,
    root: NodeId,
    receiver: ObjectId,
    field: u32,
    target: NodeId,
) -> bool {
    let tree = file.tree;
    let mut found = false;
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        // What is set again is not read.
        if node == target {
            continue;
        }
        if let Expression::Selector { operand, .. } = tree.expression(node) {
            let operand = unparenthesized(file, operand);
            if tree.kind(operand) == NodeKind::Ident
                && file.facts.object_of(operand) == Some(receiver)
            {
                let selection = file.facts.selections.get(&node);
                found |= match selection {
                    // A method of an embedded field sees that field alone.
                    Some(selection)
                        if selection.kind == SelectionKind::FieldValue
                            || selection.index.len() > 1 =>
                    {
                        selection.index.first() == Some(&field)
                    }
                    _ => true,
                };
                continue;
            }
        }
        if tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(receiver) {
            found = true;
        }
        tree.for_each_child(node, |child| pending.push(child));
    }
    found
}

/// Whether the receiver itself is the tag of a switch: an identifier has no step of its own.
fn is_switch_tag(file: &TypedFile<'_>, unit: &Unit, receiver: ObjectId) -> bool {
    let tree = file.tree;
    let mut found = false;
    walk_all(tree, unit.body, |node| {
        let plain = match tree.kind(node) {
            NodeKind::SwitchStmt => match tree.statement(node) {
                Statement::Switch { tag, .. } => tag,
                _ => None,
            },
            _ => None,
        };
        found |= plain.is_some_and(|plain| {
            let plain = unparenthesized(file, plain);
            tree.kind(plain) == NodeKind::Ident && file.facts.object_of(plain) == Some(receiver)
        });
    });
    found
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

type inner struct{ n int }
func (inner) use() {}
type T struct {
	a, b int
	mu sync.Mutex
	in inner
	inner
	p *inner
	list []int
	array [3]int
	m map[string]int
}
func use(int) {}
func useT(T) {}

func (t T) set() { t.a = 1 } // want "`t.a` is set on a copy"
func (t T) count() { t.a++ } // want "`t.a` is set"
func (t T) add() { t.a += 2 } // want "`t.a` is set"
func (t T) other() int { t.a = 1; return t.b } // want "`t.a` is set"
func (t T) deeper() { t.in.n = 1 } // want "`t.in.n` is set"
func (t T) promoted() { t.n = 1 } // want "`t.n` is set"
func (t T) locked() { t.mu.Lock(); t.a = 1; t.mu.Unlock() } // want "`t.a` is set"
func (t T) branch(b bool) int { if b { t.a = 1; return 0 }; return t.a } // want "`t.a` is set"
func (t T) embedded() { t.a = 1; t.use() } // want "`t.a` is set"

func (t T) read() int { t.a = 1; return t.a }
func (t T) returned() T { t.a = 1; return t }
func (t T) passed() { t.a = 1; useT(t) }
func (t T) loop() { for range 3 { use(t.a); t.a = 1 } }
func (t T) condition() { for t.a < 3 { t.a++ } }
func (t T) closure() func() int { t.a = 1; return func() int { return t.a } }
func (t T) deferred() { defer func() { use(t.a) }(); t.a = 1 }
func (t T) address() { p := &t; t.a = 1; use(p.a) }
func (t T) method() { t.a = 1; t.returned() }
func (t T) pointer() { t.p.n = 1 }
func (t T) elements() { t.list[0] = 1; t.m["a"] = 1 }
func (t T) embeddedMethod() { t.n = 1; t.use() }
func (t *T) right() { t.a = 1 }
func (t T) copied() { u := t; u.a = 1 }
func (t T) assigned() { t.a = 1; u := t; useT(u) }
func (t T) compared(u inner) bool { t.in.n = 1; return t.in == u }
"#,
        );
    }
}
