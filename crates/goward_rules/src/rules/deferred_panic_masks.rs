//! `deferred-panic-masks`: a deferred function panics while the function is panicking already.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, ExitKind, Step, Unit, UnitId, callee, unparenthesized};
use goward_syntax::{
    AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Specification, Statement,
    UnaryOperator,
};
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::errors::is_nil;
use crate::rule::{Group, rule};
use crate::walk::{steps_after, walk, walk_all};

rule! {
    /// Reports panics in deferred functions that hide the panic which made them run.
    ///
    /// ## What it reports
    ///
    /// A call of `panic` in a deferred function literal that does not call `recover`, in a function
    /// that itself calls `panic` after the `defer` statement. Silent where the deferred panic depends
    /// on a variable that has not been set yet when the first panic comes.
    ///
    /// ## Why it matters
    ///
    /// When the second panic is recovered, `recover` returns the second value only, and the first,
    /// the one that tells what went wrong, is lost. Where nothing recovers, both are printed, and the
    /// stack is that of the second.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "os"
    ///
    /// func replace(file *os.File, data []byte) {
    /// 	defer func() {
    /// 		if err := file.Close(); err != nil {
    /// 			panic(err) // want deferred-panic-masks
    /// 		}
    /// 	}()
    /// 	if _, err := file.Write(data); err != nil {
    /// 		panic(err)
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"log"
    /// 	"os"
    /// )
    ///
    /// func replace(file *os.File, data []byte) {
    /// 	defer func() {
    /// 		if err := file.Close(); err != nil {
    /// 			log.Print(err)
    /// 		}
    /// 	}()
    /// 	if _, err := file.Write(data); err != nil {
    /// 		panic(err)
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: what to do with the second error is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "deferred-panic-masks",
        category: Category::LostError,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        walk(unit, |node, _| {
            if let NodeKind::DeferStmt = file.tree.kind(node)
                && let Some((second, first)) = masks(context, unit, node)
            {
                findings.push(finding(context, id, node, second, first));
            }
        });
    }
}

/// The panic in the deferred literal, and the one in the function that it hides.
fn masks(context: &Context<'_>, unit: &Unit, defer: NodeId) -> Option<(NodeId, NodeId)> {
    let file = context.file(unit.file);
    let Statement::Defer { call } = file.tree.statement(defer) else {
        return None;
    };
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let literal = context
        .flow
        .units
        .of_literal(unit.file, unparenthesized(file, function))?;
    let literal = context.flow.units.get(literal);
    let builtin = |node: NodeId, name: &str| match file.tree.expression(node) {
        Expression::Call { function, .. } => {
            callee(context.world(), file, function) == Callee::Builtin(name)
        }
        _ => false,
    };
    // With a recover in it, the literal knows of the first panic.
    let mut recovers = false;
    walk_all(file.tree, literal.body, |node| {
        recovers |= file.tree.kind(node) == NodeKind::CallExpr && builtin(node, "recover");
    });
    if recovers {
        return None;
    }
    let mut seconds = Vec::new();
    walk(literal, |node, _| {
        if file.tree.kind(node) == NodeKind::CallExpr && builtin(node, "panic") {
            seconds.push(node);
        }
    });
    let firsts: Vec<NodeId> = unit
        .graph
        .exits
        .iter()
        .filter_map(|exit| {
            let runs = exit
                .deferred
                .iter()
                .any(|deferred| deferred.statement == defer);
            let node = exit.node.filter(|_| exit.kind == ExitKind::Panic && runs)?;
            (unit.graph.is_reachable(exit.from)
                && file.tree.kind(node) == NodeKind::CallExpr
                && builtin(node, "panic"))
            .then_some(node)
        })
        .collect();
    seconds.into_iter().find_map(|second| {
        let first = firsts.iter().copied().find(|&first| {
            guards(file, literal.body, second)
                .iter()
                .all(|&(condition, holds)| may_hold(context, unit, condition, holds, first))
        });
        first.map(|first| (second, first))
    })
}

/// The conditions of the `if` statements around a node, and whether they hold there.
fn guards(file: &TypedFile<'_>, body: NodeId, node: NodeId) -> Vec<(NodeId, bool)> {
    let tree = file.tree;
    let at = tree.span(node).start;
    let mut found = Vec::new();
    walk_all(tree, body, |below| {
        if tree.kind(below) == NodeKind::IfStmt
            && let Statement::If {
                condition,
                then,
                otherwise,
                ..
            } = tree.statement(below)
        {
            if tree.span(then).contains(at) {
                found.push((condition, true));
            } else if otherwise.is_some_and(|otherwise| tree.span(otherwise).contains(at)) {
                found.push((condition, false));
            }
        }
    });
    found
}

/// Whether a condition of the deferred literal may be as it has to be when the first panic makes the
/// literal run. It cannot, where it looks at a variable of the function that has its first value then:
/// `done := false; defer func() { if done { panic(…) } }(); …; panic(…); …; done = true`.
fn may_hold(
    context: &Context<'_>,
    unit: &Unit,
    condition: NodeId,
    holds: bool,
    first: NodeId,
) -> bool {
    let file = context.file(unit.file);
    let tree = file.tree;
    let condition = unparenthesized(file, condition);
    // The variable, and what it has to be: true or not nil.
    let (variable, wanted) = match tree.expression(condition) {
        Expression::Identifier => (condition, holds),
        Expression::Unary {
            operator: UnaryOperator::Not,
            operand,
        } => return may_hold(context, unit, operand, !holds, first),
        Expression::Binary {
            operator: BinaryOperator::LogicalAnd,
            left,
            right,
            ..
        } if holds => {
            return may_hold(context, unit, left, holds, first)
                && may_hold(context, unit, right, holds, first);
        }
        Expression::Binary {
            operator,
            left,
            right,
            ..
        } if is_nil(context, file, right) => match operator {
            BinaryOperator::NotEqual => (left, holds),
            BinaryOperator::Equal => (left, !holds),
            _ => return true,
        },
        _ => return true,
    };
    let variable = unparenthesized(file, variable);
    if tree.kind(variable) != NodeKind::Ident {
        return true;
    }
    let Some(object) = file.facts.object_of(variable) else {
        return true;
    };
    match value_at(context, unit, object, first) {
        Some(known) => known == wanted,
        None => true,
    }
}

/// Whether a variable of the function is true or not nil at a node, if it still has its first value
/// there and that is written down.
fn value_at(context: &Context<'_>, unit: &Unit, object: ObjectId, at: NodeId) -> Option<bool> {
    let file = context.file(unit.file);
    let tree = file.tree;
    let entry = context.world().object(object);
    let result = unit.results.contains(&Some(object));
    let local = entry.kind == ObjectKind::Variable(VariableKind::Local)
        && tree.span(unit.body).contains(entry.offset);
    let mut value = result.then_some(false);
    let mut known = result || local;
    walk_all(tree, unit.body, |node| match tree.kind(node) {
        NodeKind::ValueSpec => {
            if let Specification::Value { names, values, .. } = tree.specification(node)
                && let Some(position) = names
                    .iter()
                    .position(|&name| file.facts.object_of(name) == Some(object))
            {
                match values.get(position) {
                    None if values.is_empty() => value = Some(false),
                    Some(&initial) => value = constant(context, file, initial),
                    None => known = false,
                }
            }
        }
        NodeKind::AssignStmt => {
            let Statement::Assign {
                operator,
                left,
                right,
                ..
            } = tree.statement(node)
            else {
                return;
            };
            let Some(position) = left.iter().position(|&target| {
                tree.kind(target) == NodeKind::Ident && file.facts.object_of(target) == Some(object)
            }) else {
                return;
            };
            if matches!(operator, AssignOperator::Define)
                && tree.span(left[position]).start == entry.offset
            {
                value = match right.get(position) {
                    Some(&initial) if left.len() == right.len() => constant(context, file, initial),
                    _ => None,
                };
            } else {
                let after = steps_after(&unit.graph, |step| step == Step::Statement(node));
                // One that is in a literal runs nobody knows when.
                let direct = unit
                    .graph
                    .blocks
                    .iter()
                    .any(|block| block.steps.contains(&Step::Statement(node)));
                known &= direct && !after.contains(&Step::Expression(at));
            }
        }
        NodeKind::RangeStmt => {
            if let Statement::Range { key, value, .. } = tree.statement(node) {
                known &= ![key, value]
                    .into_iter()
                    .flatten()
                    .any(|target| file.facts.object_of(target) == Some(object));
            }
        }
        NodeKind::UnaryExpr => {
            if let Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } = tree.expression(node)
            {
                known &= file.facts.object_of(unparenthesized(file, operand)) != Some(object);
            }
        }
        _ => {}
    });
    value.filter(|_| known)
}

/// Whether an expression is true or not nil, if it is a constant or nil.
fn constant(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> Option<bool> {
    if is_nil(context, file, node) {
        return Some(false);
    }
    let value = file.facts.get(node).and_then(|fact| fact.value)?;
    (value.kind() == goward_types::constant::Kind::Bool).then(|| value.bool_value())
}

fn finding(
    context: &Context<'_>,
    id: UnitId,
    defer: NodeId,
    second: NodeId,
    first: NodeId,
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let path = context.path(file);
    let keyword = goward_diagnostics::Span::new(
        context.span(file, defer).start,
        context.span(file, defer).start + 5,
    );
    RULE.diagnostic(
        path.clone(),
        context.span(file, second),
        "this panic in a deferred function hides the panic that made it run",
    )
    .in_function(context.function(id))
    .operation("panic in a deferred function")
    .step(
        path.clone(),
        keyword,
        "registered here, it runs also while the function panics",
    )
    .step(path.clone(), context.span(file, first), "the first panic")
    .step(
        path,
        context.span(file, second),
        "the second panic takes its place: recover returns this one",
    )
    .help("report the second failure without a panic, or recover the first one and keep both")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn panics_in_deferred_literals() {
        check(
            &RULE,
            r#"
package p

func bad(b bool) {
	defer func() {
		panic("second") // want "hides the panic"
	}()
	if b {
		panic("first")
	}
}

func notPanicking() {
	defer func() {
		panic("only")
	}()
}

func panicsBefore(b bool) {
	if b {
		panic("first")
	}
	defer func() {
		panic("second")
	}()
}

func notDone(b bool) {
	done := false
	defer func() {
		if !done {
			panic("second") // want "hides the panic"
		}
	}()
	if b {
		panic("first")
	}
	done = true
}

func done(b bool) {
	var done bool
	defer func() {
		if done {
			panic("second")
		}
	}()
	if b {
		panic("first")
	}
	done = true
}

func result(work func() error, b bool) (err error) {
	defer func() {
		if err != nil {
			panic(err)
		}
	}()
	if b {
		panic("first")
	}
	return work()
}

func assigned(work func() error, b bool) {
	var err error
	defer func() {
		if err != nil {
			panic(err) // want "hides the panic"
		}
	}()
	err = work()
	if b {
		panic("first")
	}
}

func keeps(b bool) {
	defer func() {
		if cause := recover(); cause != nil {
			panic(cause)
		}
	}()
	if b {
		panic("first")
	}
}
"#,
        );
    }
}
