//! `deferred-nil-function`: a function value that is nil is deferred.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, Nilness, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::deferred_maps::state_when_deferred;
use crate::errors::is_nil;
use crate::rule::{Group, rule};
use crate::walk::{defer_statements, walk, walk_all};

rule! {
    /// Reports deferred calls of a function value that is nil.
    ///
    /// ## What it reports
    ///
    /// `defer f()` where `f` is a local variable that has not been given a function yet, or on some paths only;
    /// `defer f()()` where `f` is a function of the package that may return nil; and `defer h.f()` where the literal
    /// that makes `h` leaves the field out and nothing sets it.
    ///
    /// ## Why it matters
    ///
    /// The value is evaluated when the call is deferred, so that a function which the variable gets later is not
    /// called. The panic comes only when the surrounding function is over, far from its cause.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// func run(verbose bool, work func()) {
    /// 	var done func()
    /// 	if verbose {
    /// 		done = func() { println("done") }
    /// 	}
    /// 	defer done() // want deferred-nil-function
    /// 	work()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// func run(verbose bool, work func()) {
    /// 	done := func() {}
    /// 	if verbose {
    /// 		done = func() { println("done") }
    /// 	}
    /// 	defer done()
    /// 	work()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: whether to test the function or to give it one that does nothing is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "deferred-nil-function",
        category: Category::Panic,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        for defer in defer_statements(unit) {
            let Statement::Defer { call } = file.tree.statement(defer) else {
                continue;
            };
            let Expression::Call { function, .. } = file.tree.expression(call) else {
                continue;
            };
            let function = unparenthesized(file, function);
            let reason = match file.tree.expression(function) {
                Expression::Identifier => variable(context, id, defer, function),
                Expression::Call { .. } => returned(context, file, function),
                Expression::Selector { .. } => field(context, id, function),
                _ => None,
            };
            let Some((certain, file_of_cause, cause, text)) = reason else {
                continue;
            };
            let name = context.text(unit.file, function);
            let is = if certain { "is" } else { "may be" };
            let path = context.path(unit.file);
            let span = context.span(unit.file, call);
            findings.push(
                RULE.diagnostic(
                    path.clone(),
                    span,
                    format!("`{name}` {is} nil when it is deferred, which panics at the end"),
                )
                .in_function(context.function(id))
                .operation(format!("defer {name}"))
                .step(
                    context.path(file_of_cause),
                    context.span(file_of_cause, cause),
                    text,
                )
                .step(
                    path,
                    span,
                    "its value is taken here, the panic comes when the function is over",
                )
                .help(format!("defer it only where `{name}` is not nil")),
            );
        }
    }
}

/// Whether it is certain, where the cause stands, and what it is.
type Reason = (bool, usize, NodeId, String);

/// A local variable that is nil at the `defer` statement.
fn variable(context: &Context<'_>, id: UnitId, defer: NodeId, function: NodeId) -> Option<Reason> {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let object = file.facts.object_of(function)?;
    let kind = context.world().object(object).kind;
    let local = matches!(
        kind,
        ObjectKind::Variable(VariableKind::Local | VariableKind::Result)
    );
    if !local || !context.flow.declared_inside(object, id) {
        return None;
    }
    let state = state_when_deferred(context, id, defer)?;
    let path = {
        let paths = context.flow.locks.paths();
        state.nil.iter().find_map(|&(path, _)| {
            (paths.root(path) == Some(object) && paths.get(path).elements.is_empty())
                .then_some(path)
        })?
    };
    let name = context.text(unit.file, function);
    match state.nilness(path)? {
        Nilness::Nil(since) | Nilness::Tested(since) => {
            let text = format!("`{name}` is nil from here on");
            Some((true, unit.file, since, text))
        }
        Nilness::Maybe(since) if !is_correlated(context, id, defer, object) => {
            let text = format!("`{name}` is nil from here on some path");
            Some((false, unit.file, since, text))
        }
        _ => None,
    }
}

/// Whether the `defer` statement stands under a condition, or behind one that leaves: it may be the one
/// under which the variable has been set.
fn is_correlated(context: &Context<'_>, id: UnitId, defer: NodeId, object: ObjectId) -> bool {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let tree = file.tree;
    let at = tree.span(defer);
    let declared = context.world().object(object).offset;
    let mut correlated = false;
    walk(unit, |node, _| {
        let span = tree.span(node);
        let around = span.start <= at.start && at.end <= span.end;
        match tree.kind(node) {
            NodeKind::IfStmt => {
                let Statement::If {
                    condition, then, ..
                } = tree.statement(node)
                else {
                    return;
                };
                if around {
                    correlated = true;
                } else if span.start > declared && span.end <= at.start {
                    // A test for an error says nothing of the function.
                    let plain = tests_error_only(context, file, condition);
                    let sets = assigns(file, node, object);
                    correlated |= !plain && !sets && leaves(file, then);
                }
            }
            NodeKind::CaseClause
            | NodeKind::CommClause
            | NodeKind::ForStmt
            | NodeKind::RangeStmt => correlated |= around && span.start > declared,
            _ => {}
        }
    });
    correlated
}

fn tests_error_only(context: &Context<'_>, file: &TypedFile<'_>, condition: NodeId) -> bool {
    matches!(file.tree.expression(unparenthesized(file, condition)), Expression::Binary { left, right, .. }
        if is_nil(context, file, right) && crate::errors::is_error(context, file, left))
}

fn assigns(file: &TypedFile<'_>, root: NodeId, object: ObjectId) -> bool {
    let mut found = false;
    walk_all(file.tree, root, |node| {
        if file.tree.kind(node) == NodeKind::AssignStmt
            && let Statement::Assign { left, .. } = file.tree.statement(node)
        {
            found |= left
                .iter()
                .any(|&target| file.facts.object_of(target) == Some(object));
        }
    });
    found
}

fn leaves(file: &TypedFile<'_>, block: NodeId) -> bool {
    let Statement::Block { statements } = file.tree.statement(block) else {
        return false;
    };
    statements.last().is_some_and(|&last| {
        matches!(
            file.tree.kind(last),
            NodeKind::ReturnStmt | NodeKind::BranchStmt | NodeKind::ExprStmt
        )
    })
}

/// The result of a function of the package that returns nil somewhere.
fn returned(context: &Context<'_>, file: &TypedFile<'_>, call: NodeId) -> Option<Reason> {
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let Callee::Function(object) = callee(context.world(), file, function) else {
        return None;
    };
    let target = context
        .flow
        .units
        .get(context.flow.units.of_object(object)?);
    let there = context.file(target.file);
    let mut found = None;
    walk(target, |node, _| {
        if there.tree.kind(node) == NodeKind::ReturnStmt
            && let Statement::Return { results: &[value] } = there.tree.statement(node)
            && is_nil(context, there, value)
        {
            found = found.or(Some(node));
        }
    });
    let text = format!("`{}` returns nil here", context.world().object(object).name);
    Some((false, target.file, found?, text))
}

/// A field of a local struct whose literal leaves it out, where nothing sets it.
fn field(context: &Context<'_>, id: UnitId, function: NodeId) -> Option<Reason> {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let tree = file.tree;
    let Callee::Variable(field) = callee(context.world(), file, function) else {
        return None;
    };
    let Expression::Selector { operand, .. } = tree.expression(function) else {
        return None;
    };
    let object = file.facts.object_of(unparenthesized(file, operand))?;
    let (index, value) = context.flow.lowered.variables.single(object)?;
    if index != unit.file || !context.flow.declared_inside(object, id) {
        return None;
    }
    let mut value = unparenthesized(file, value);
    if let Expression::Unary { operand, .. } = tree.expression(value) {
        value = unparenthesized(file, operand);
    }
    let Expression::CompositeLiteral { elements, .. } = tree.expression(value) else {
        return None;
    };
    let left_out = elements.iter().all(|&element| {
        matches!(tree.expression(element), Expression::KeyValue { key, .. }
            if file.facts.object_of(key) != Some(field))
    });
    // Only reads of fields, so that nobody else has the struct.
    let mut alone = true;
    walk(unit, |node, parent| {
        if tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(object) {
            let defined = tree.span(node).start == context.world().object(object).offset;
            let read = match tree.expression(parent) {
                Expression::Selector { .. } => parent,
                _ => {
                    alone &= defined;
                    return;
                }
            };
            let method = file
                .facts
                .selections
                .get(&read)
                .is_none_or(|known| known.kind != goward_types::SelectionKind::FieldValue);
            let same = file
                .facts
                .selections
                .get(&read)
                .is_some_and(|known| known.object == field);
            alone &= !method && (!same || read == function);
        }
        // What a literal does with it is not looked at.
        if tree.kind(node) == NodeKind::FuncLit {
            walk_all(tree, node, |below| {
                alone &= file.facts.object_of(below) != Some(object);
            });
        }
    });
    (left_out && alone).then(|| {
        let text = format!("`{}` is left out here", context.world().object(field).name);
        (true, unit.file, value, text)
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn values() {
        check(
            &RULE,
            r#"
package p

import (
	"context"
	"time"
)

type hooks struct{ open, closed func() }

func (h *hooks) fill() {}

func mayBeNil(n int) func() {
	if n == 0 {
		return nil
	}
	return func() {}
}
func never() func()              { return func() {} }
func setup() (func(), error)     { return nil, nil }

func early() { var f func(); defer f(); f = func() {} } // want "`f` is nil when it is deferred"
func cancelled(parent context.Context, d time.Duration) error {
	var cancel context.CancelFunc
	ctx := parent
	if d > 0 {
		ctx, cancel = context.WithTimeout(parent, d)
	}
	defer cancel() // want "`cancel` may be nil"
	return ctx.Err()
}
func afterError(b bool) error {
	var f func()
	var err error
	if b {
		if f, err = setup(); err != nil {
			return err
		}
	}
	defer f() // want "`f` may be nil"
	return nil
}
func result(n int) { defer mayBeNil(n)() } // want "`mayBeNil(n)` may be nil"
func leftOut() { h := hooks{open: func() {}}; defer h.closed() } // want "`h.closed` is nil"

func set() { f := func() {}; defer f() }
func tested(f func()) { if f != nil { defer f() } }
func testedLocal(b bool) {
	var f func()
	if b { f = func() {} }
	if f != nil { defer f() }
}
func both(b bool) {
	var f func()
	if b { f = func() {} } else { f = func() { println() } }
	defer f()
}
func left(b bool) {
	var f func()
	if b { f = func() {} }
	if !b { return }
	defer f()
}
func inLiteral() { var f func(); defer func() { if f != nil { f() } }(); f = func() {} }
func given(f func()) { defer f() }
func neverNil() { defer never()() }
func filled() { h := &hooks{}; h.fill(); defer h.closed() }
func fieldSet() { h := hooks{}; h.closed = func() {}; defer h.closed() }
func byClosure() {
	var f func()
	set := func() { f = func() {} }
	set()
	defer f()
}
"#,
        );
    }
}
