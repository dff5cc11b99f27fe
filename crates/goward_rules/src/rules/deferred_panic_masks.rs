//! `deferred-panic-masks`: a deferred function panics while the function is panicking already.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, Exit, ExitKind, Step, Unit, UnitId, callee, unparenthesized};
use goward_syntax::{
    AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Specification, Statement,
    UnaryOperator,
};
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::errors::{is_error, is_nil};
use crate::rule::{Group, rule};
use crate::walk::{defer_statements, steps_after, walk, walk_all};

rule! {
    /// Reports panics in deferred functions that hide the panic or the error with which the function ends.
    ///
    /// ## What it reports
    ///
    /// A call of `panic` in a deferred function of the package that does not call `recover`, where the
    /// function that defers it itself calls `panic` after the `defer` statement. Silent where the deferred
    /// panic depends on a variable that has not been set yet when the first panic comes. Also a deferred
    /// panic with an error, in a function that can return another error.
    ///
    /// ## Why it matters
    ///
    /// When the second panic is recovered, `recover` returns the second value only, and the first,
    /// the one that tells what went wrong, is lost. Where nothing recovers, both are printed, and the
    /// stack is that of the second. An error that the function was about to return is lost as well:
    /// after the panic nobody returns anything.
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
    let mut seen = FxHashSet::default();
    for (id, unit) in context.flow.units.iter() {
        for defer in defer_statements(unit) {
            if let Some(masked) = masks(context, unit, defer)
                && seen.insert((masked.unit, masked.second))
            {
                findings.push(finding(context, id, defer, &masked));
            }
        }
    }
}

/// What a deferred panic hides.
enum Hidden {
    Panic(NodeId),
    Error(NodeId),
}

/// A panic in a deferred function of the package, and what it hides.
struct Masked {
    /// The deferred function, and the panic in it.
    unit: UnitId,
    second: NodeId,
    hidden: Hidden,
}

fn is_builtin(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId, name: &str) -> bool {
    match file.tree.expression(node) {
        Expression::Call { function, .. } => {
            callee(context.world(), file, function) == Callee::Builtin(name)
        }
        _ => false,
    }
}

/// The function of the package that a `defer` statement defers.
fn deferred_unit(context: &Context<'_>, unit: &Unit, defer: NodeId) -> Option<UnitId> {
    let file = context.file(unit.file);
    let Statement::Defer { call } = file.tree.statement(defer) else {
        return None;
    };
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let function = unparenthesized(file, function);
    match callee(context.world(), file, function) {
        Callee::Function(object) => context.flow.units.of_object(object),
        _ => context.flow.units.of_literal(unit.file, function),
    }
}

fn masks(context: &Context<'_>, unit: &Unit, defer: NodeId) -> Option<Masked> {
    let file = context.file(unit.file);
    let target = deferred_unit(context, unit, defer)?;
    let deferred = context.flow.units.get(target);
    let there = context.file(deferred.file);
    // With a recover in it, the deferred function knows of the first panic.
    let mut recovers = false;
    walk_all(there.tree, deferred.body, |node| {
        recovers |= there.tree.kind(node) == NodeKind::CallExpr
            && is_builtin(context, there, node, "recover");
    });
    if recovers {
        return None;
    }
    let mut seconds = Vec::new();
    walk(deferred, |node, _| {
        if there.tree.kind(node) == NodeKind::CallExpr && is_builtin(context, there, node, "panic")
        {
            seconds.push(node);
        }
    });
    let reachable = unit.graph.reverse_postorder();
    let runs = |exit: &Exit| {
        let mut calls = exit.deferred.iter();
        reachable.contains(&exit.from) && calls.any(|call| call.statement == defer)
    };
    let firsts: Vec<NodeId> = unit
        .graph
        .exits
        .iter()
        .filter(|exit| exit.kind == ExitKind::Panic && runs(exit))
        .filter_map(|exit| exit.node)
        .filter(|&node| {
            file.tree.kind(node) == NodeKind::CallExpr && is_builtin(context, file, node, "panic")
        })
        .collect();
    let conditions = |second: NodeId| guards(there, deferred.body, second);
    let by_panic = seconds.iter().find_map(|&second| {
        let mut firsts = firsts.iter().copied();
        let first = firsts.find(|&first| {
            conditions(second).iter().all(|&(condition, holds)| {
                // What a named function asks, it asks of its own variables.
                !deferred.is_literal() || may_hold(context, unit, condition, holds, first)
            })
        });
        Some((second, Hidden::Panic(first?)))
    });
    let by_error = || {
        let returned = unit
            .graph
            .exits
            .iter()
            .filter(|exit| exit.kind == ExitKind::Return && runs(exit))
            .find_map(|exit| returns_error(context, unit, exit.node?))?;
        let second = seconds.iter().copied().find(|&second| {
            panics_with_error(context, there, second, unit)
                && !conditions(second)
                    .iter()
                    .any(|&(condition, holds)| asks_for_success(context, there, condition, holds))
        })?;
        Some((second, Hidden::Error(returned)))
    };
    let (second, hidden) = by_panic.or_else(by_error)?;
    Some(Masked {
        unit: target,
        second,
        hidden,
    })
}

/// The `return` itself, if the last result is an error that may not be nil.
fn returns_error(context: &Context<'_>, unit: &Unit, statement: NodeId) -> Option<NodeId> {
    let file = context.file(unit.file);
    let Statement::Return { results } = file.tree.statement(statement) else {
        return None;
    };
    let given = results.last().is_some_and(|&last| {
        let value = unparenthesized(file, last);
        let call = matches!(file.tree.expression(value), Expression::Call { .. });
        !is_nil(context, file, last)
            && (is_error(context, file, value) || call && gives_error(context, file, value))
    });
    given.then_some(statement)
}

/// Whether the last of several results of a call is an error.
fn gives_error(context: &Context<'_>, file: &TypedFile<'_>, call: NodeId) -> bool {
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return false;
    };
    let world = context.world();
    let signature = world.as_signature(file.facts.type_of(function));
    signature.is_some_and(|signature| {
        let last = world.tuple(signature.results).last();
        last.is_some_and(|last| last.parameter_type == world.universe().error)
    })
}

/// Whether a panic has an error in its value: something has failed, and this is no broken promise. An
/// error that `unit` is about to return is not lost in it.
fn panics_with_error(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    panic: NodeId,
    unit: &Unit,
) -> bool {
    let Expression::Call { arguments, .. } = file.tree.expression(panic) else {
        return false;
    };
    let mut found = false;
    for &argument in arguments {
        walk_all(file.tree, argument, |node| {
            found |= file.tree.kind(node) == NodeKind::Ident
                && is_error(context, file, node)
                && !unit.results.contains(&file.facts.object_of(node));
        });
    }
    found
}

/// Whether a condition makes sure that an error is nil: nothing is hidden then.
fn asks_for_success(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    condition: NodeId,
    holds: bool,
) -> bool {
    let mut found = false;
    walk_all(file.tree, condition, |node| {
        if let Expression::Binary {
            operator,
            left,
            right,
            ..
        } = file.tree.expression(node)
        {
            let wanted = match holds {
                true => BinaryOperator::Equal,
                false => BinaryOperator::NotEqual,
            };
            found |=
                operator == wanted && is_nil(context, file, right) && is_error(context, file, left);
        }
    });
    found
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
                    .blocks()
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

fn finding(context: &Context<'_>, id: UnitId, defer: NodeId, masked: &Masked) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let path = context.path(file);
    let there = context.flow.units.get(masked.unit).file;
    let second = context.span(there, masked.second);
    let keyword = goward_diagnostics::Span::new(
        context.span(file, defer).start,
        context.span(file, defer).start + 5,
    );
    // A literal belongs to the function that defers it.
    let shown = match context.flow.units.get(masked.unit).is_literal() {
        true => id,
        false => masked.unit,
    };
    let registered = match masked.hidden {
        Hidden::Panic(_) => "registered here, it runs also while the function panics",
        Hidden::Error(_) => "registered here, it runs also when the function returns an error",
    };
    let (message, place, first, last, help) = match masked.hidden {
        Hidden::Panic(first) => (
            "this panic in a deferred function hides the panic that made it run",
            first,
            "the first panic",
            "the second panic takes its place: recover returns this one",
            "report the second failure without a panic, or recover the first one and keep both",
        ),
        Hidden::Error(first) => (
            "this panic in a deferred function hides the error that the function returns",
            first,
            "the function is about to return an error here",
            "this panic takes its place, and the error is lost",
            "return both errors, as `errors.Join` does",
        ),
    };
    RULE.diagnostic(context.path(there), second, message)
        .in_function(context.function(shown))
        .operation("panic in a deferred function")
        .step(path.clone(), keyword, registered)
        .step(path, context.span(file, place), first)
        .step(context.path(there), second, last)
        .help(help)
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

func named(f closer, b bool) {
	defer must(f)
	if b {
		panic("first")
	}
}

type closer interface{ Close() error }

func must(f closer) {
	if err := f.Close(); err != nil {
		panic(err) // want "hides the panic"
	}
}

func closes(f closer, work func() error) error {
	defer func() {
		if err := f.Close(); err != nil {
			panic(err) // want "hides the error"
		}
	}()
	return work()
}

func closesTwo(f closer, work func() (int, error)) (n int, err error) {
	defer func() {
		if err != nil {
			if e := f.Close(); e != nil {
				panic("close: " + e.Error()) // want "hides the error"
			}
		}
	}()
	return work()
}

func closesNamed(f closer, work func() error) error {
	defer mustReturn(f)
	if err := work(); err != nil {
		return err
	}
	return nil
}

func mustReturn(f closer) {
	if err := f.Close(); err != nil {
		panic(err) // want "hides the error"
	}
}

func closesAfterSuccess(f closer, work func() error) (err error) {
	defer func() {
		if err == nil {
			if e := f.Close(); e != nil {
				panic(e)
			}
		}
	}()
	return work()
}

func promises(depth *int, work func() error) error {
	defer func() {
		if *depth != 0 {
			panic("unbalanced")
		}
	}()
	return work()
}

func returnsNil(f closer) error {
	defer func() {
		if err := f.Close(); err != nil {
			panic(err)
		}
	}()
	return nil
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
