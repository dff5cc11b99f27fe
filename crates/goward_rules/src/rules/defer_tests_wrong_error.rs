//! `defer-tests-wrong-error`: a deferred clean-up looks at an error variable that the returns bypass.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{ControlFlowGraph, Step, Unit, UnitId, unparenthesized};
use goward_syntax::{
    AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Statement, Symbol, UnaryOperator,
};
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::errors::{is_error_variable, is_nil};
use crate::rule::{Group, rule};
use crate::walk::{steps_after, walk, walk_all};

rule! {
    /// Reports deferred clean-ups that test an error variable which a return bypasses.
    ///
    /// ## What it reports
    ///
    /// A deferred function literal with `if err != nil`, where `err` is a local variable of the
    /// function, and a return after it that gives another error without setting that variable: an
    /// error made in the return statement, or another variable of the same name. Silent where the return
    /// stands in an `if err != nil` of that variable, and where the deferred function tells several
    /// errors apart.
    ///
    /// ## Why it matters
    ///
    /// On that return the clean-up (a rollback, the removal of a temporary file) finds `err` nil and
    /// does nothing, although the function failed.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"errors"
    /// 	"os"
    /// )
    ///
    /// func save(name string, data []byte) error {
    /// 	file, err := os.Create(name)
    /// 	if err != nil {
    /// 		return err
    /// 	}
    /// 	defer func() {
    /// 		if err != nil { // want defer-tests-wrong-error
    /// 			os.Remove(name)
    /// 		}
    /// 	}()
    /// 	if len(data) == 0 {
    /// 		return errors.New("nothing to save")
    /// 	}
    /// 	_, err = file.Write(data)
    /// 	return err
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"errors"
    /// 	"os"
    /// )
    ///
    /// func save(name string, data []byte) (err error) {
    /// 	file, err := os.Create(name)
    /// 	if err != nil {
    /// 		return err
    /// 	}
    /// 	defer func() {
    /// 		if err != nil {
    /// 			os.Remove(name)
    /// 		}
    /// 	}()
    /// 	if len(data) == 0 {
    /// 		return errors.New("nothing to save")
    /// 	}
    /// 	_, err = file.Write(data)
    /// 	return err
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: naming the result changes what every return does, and only the author knows
    /// which errors the clean-up is for.
    pub(crate) const RULE: Rule = Rule {
        name: "defer-tests-wrong-error",
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
        if !returns_error(context, unit) {
            continue;
        }
        let file = context.file(unit.file);
        let mut defers = Vec::new();
        walk(unit, |node, _| {
            if let NodeKind::DeferStmt = file.tree.kind(node)
                && let Statement::Defer { call } = file.tree.statement(node)
                && let Expression::Call { function, .. } = file.tree.expression(call)
            {
                let literal = unparenthesized(file, function);
                if file.tree.kind(literal) == NodeKind::FuncLit {
                    defers.push((node, literal));
                }
            }
        });
        for (defer, literal) in defers {
            check_defer(context, id, unit, defer, literal, findings);
        }
    }
}

/// Whether the last result of a function is an error.
fn returns_error(context: &Context<'_>, unit: &Unit) -> bool {
    let world = context.world();
    let signature = context
        .file(unit.file)
        .facts
        .get(unit.function_type)
        .map(|fact| fact.expression_type);
    let signature = unit
        .object
        .map(|object| world.object_type(object))
        .or(signature);
    let results = signature
        .and_then(|signature| world.as_signature(signature))
        .map(|signature| signature.results);
    results
        .and_then(|results| world.tuple(results).last())
        .is_some_and(|last| last.parameter_type == world.universe().error)
}

fn check_defer(
    context: &Context<'_>,
    id: UnitId,
    unit: &Unit,
    defer: NodeId,
    literal: NodeId,
    findings: &mut Vec<Diagnostic>,
) {
    let file = context.file(unit.file);
    let Expression::FunctionLiteral { body, .. } = file.tree.expression(literal) else {
        return;
    };
    let mut tests = Vec::new();
    walk_all(file.tree, body, |node| {
        if let NodeKind::IfStmt = file.tree.kind(node)
            && let Statement::If {
                initial: None,
                condition,
                then,
                ..
            } = file.tree.statement(node)
            && let Expression::Binary {
                operator: BinaryOperator::NotEqual,
                left,
                right,
                ..
            } = file.tree.expression(unparenthesized(file, condition))
            && is_nil(context, file, right)
            && let Some(error) = error_variable(context, file, unit, literal, left)
            && !only_assigns(file, then, error)
        {
            tests.push((left, error));
        }
    });
    // Where several errors are told apart, each is one stage of the work, and the others are meant to be
    // nil when one is not.
    let mut tested: Vec<ObjectId> = tests.iter().map(|&(_, error)| error).collect();
    tested.dedup();
    if tested.len() > 1 {
        return;
    }
    for (test, error) in tests {
        // Where the literal, or a closure that runs at some other time, sets the variable, it means
        // more than the last error of this function. What the literal sets after its test comes too
        // late for that: `if err != nil { rollback() } else { err = commit() }`.
        if is_assigned_in_literals(file, unit, literal, test, error) {
            continue;
        }
        let mut returns = Vec::new();
        for step in steps_after(&unit.graph, |step| step == Step::Register(defer)) {
            if let Step::Return(statement) = step
                && bypasses(context, file, statement, error)
                && !is_known_set(context, file, unit, statement, error)
            {
                returns.push(statement);
            }
        }
        // What the clean-up undoes was done before it was deferred, with the error variable telling
        // how that went, or is done on the way to the return.
        if !is_set_before(context, file, unit, defer, error) {
            returns.retain(|&statement| something_done(file, unit, defer, statement));
        }
        // A return of another variable with the same name shows best what went wrong.
        let name = context.world().object(error).name;
        let shadowed = |&&statement: &&NodeId| gives_name(file, statement, name);
        let Some(&bypass) = returns.iter().find(shadowed).or(returns.first()) else {
            continue;
        };
        let path = context.path(unit.file);
        findings.push(
            RULE.diagnostic(
                path.clone(),
                context.span(unit.file, test),
                format!("the deferred function tests `{name}`, which a later return does not set"),
            )
            .in_function(context.function(id))
            .operation(format!("test {name}"))
            .step(path.clone(), context.span(unit.file, test), format!("`{name}` is tested when the function is over"))
            .step(path, context.span(unit.file, bypass), format!("this return gives an error and leaves `{name}` as it is"))
            .help(format!("name the error result and let the deferred function test that, or set `{name}` before the return")),
        );
        return;
    }
}

/// Whether a block does nothing but give the variable another value: two errors are joined, nothing is
/// undone.
fn only_assigns(file: &TypedFile<'_>, block: NodeId, error: ObjectId) -> bool {
    let Statement::Block { statements } = file.tree.statement(block) else {
        return false;
    };
    !statements.is_empty()
        && statements
            .iter()
            .all(|&statement| assigns(file, statement, error))
}

/// Whether the variable has got a value from a call before the `defer` statement.
fn is_set_before(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    defer: NodeId,
    error: ObjectId,
) -> bool {
    let before = file.tree.span(defer).start;
    let mut set = false;
    walk(unit, |node, _| {
        if file.tree.kind(node) == NodeKind::AssignStmt
            && file.tree.span(node).start < before
            && let Statement::Assign { left, right, .. } = file.tree.statement(node)
        {
            set |= left
                .iter()
                .any(|&target| file.facts.object_of(target) == Some(error))
                && right.iter().any(|&value| !is_nil(context, file, value));
        }
    });
    set
}

/// Whether some path from the `defer` statement to a return does more than look: it calls something
/// for its effect, or sets something that is not a plain variable.
fn something_done(file: &TypedFile<'_>, unit: &Unit, defer: NodeId, statement: NodeId) -> bool {
    let after = steps_after(&unit.graph, |step| step == Step::Register(defer));
    after.into_iter().any(|step| {
        let Step::Statement(node) = step else {
            return is_call_statement(file, unit, step) && leads_to(&unit.graph, step, statement);
        };
        let effect = match file.tree.kind(node) {
            NodeKind::AssignStmt => match file.tree.statement(node) {
                Statement::Assign { left, right, .. } => {
                    let place = left.iter().any(|&target| {
                        file.tree.kind(unparenthesized(file, target)) != NodeKind::Ident
                    });
                    place || right.iter().any(|&value| has_call(file, value))
                }
                _ => false,
            },
            NodeKind::ValueSpec => has_call(file, node),
            NodeKind::SendStmt | NodeKind::GoStmt | NodeKind::IncDecStmt => true,
            _ => false,
        };
        effect && leads_to(&unit.graph, step, statement)
    })
}

/// Whether a step is the call of an expression statement.
fn is_call_statement(file: &TypedFile<'_>, unit: &Unit, step: Step) -> bool {
    let Step::Expression(call) = step else {
        return false;
    };
    if file.tree.kind(call) != NodeKind::CallExpr {
        return false;
    }
    let mut found = false;
    walk(unit, |node, parent| {
        found |= node == call && file.tree.kind(parent) == NodeKind::ExprStmt;
    });
    found
}

fn has_call(file: &TypedFile<'_>, root: NodeId) -> bool {
    let mut found = false;
    walk_all(file.tree, root, |node| {
        found |= file.tree.kind(node) == NodeKind::CallExpr;
    });
    found
}

fn leads_to(graph: &ControlFlowGraph, from: Step, statement: NodeId) -> bool {
    steps_after(graph, |step| step == from).contains(&Step::Return(statement))
}

/// Whether a return gives a variable of this name as its last result.
fn gives_name(file: &TypedFile<'_>, statement: NodeId, name: Symbol) -> bool {
    let Statement::Return { results } = file.tree.statement(statement) else {
        return false;
    };
    results.last().is_some_and(|&last| {
        let last = unparenthesized(file, last);
        file.tree.kind(last) == NodeKind::Ident && file.tree.symbol(last) == name
    })
}

/// The local error variable of the function around the literal that an identifier stands for.
fn error_variable(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    literal: NodeId,
    node: NodeId,
) -> Option<ObjectId> {
    let node = unparenthesized(file, node);
    if file.tree.kind(node) != NodeKind::Ident {
        return None;
    }
    let object = file.facts.object_of(node)?;
    let entry = context.world().object(object);
    let local = entry.kind == ObjectKind::Variable(VariableKind::Local);
    let in_body = file.tree.span(unit.body).contains(entry.offset);
    let own = file.tree.span(literal).contains(entry.offset);
    // A variable of a function around this one is set by more than this function.
    let error = is_error_variable(context, object);
    (local && in_body && !own && error).then_some(object)
}

/// Whether the deferred literal sets the variable before it tests it, or a closure that runs at some
/// other time. A literal that is an argument runs within the call, and what it sets is seen by the
/// returns after it.
fn is_assigned_in_literals(
    file: &TypedFile<'_>,
    unit: &Unit,
    deferred: NodeId,
    test: NodeId,
    error: ObjectId,
) -> bool {
    let tree = file.tree;
    let tested = tree.span(test).start;
    let in_loop = tree.preorder(deferred).any(|node| {
        matches!(tree.kind(node), NodeKind::ForStmt | NodeKind::RangeStmt)
            && tree.span(node).contains(tested)
    });
    let mut found = false;
    walk(unit, |node, parent| {
        if tree.kind(node) == NodeKind::FuncLit {
            let argument = matches!(tree.expression(parent), Expression::Call { arguments, .. }
                if arguments.contains(&node));
            if !argument {
                walk_all(tree, node, |inner| {
                    let late = node == deferred && !in_loop && tree.span(inner).start > tested;
                    found |=
                        assigns(file, inner, error) && !late || takes_address(file, inner, error);
                });
            }
        } else {
            found |= takes_address(file, node, error);
        }
    });
    found
}

fn assigns(file: &TypedFile<'_>, node: NodeId, error: ObjectId) -> bool {
    file.tree.kind(node) == NodeKind::AssignStmt
        && matches!(file.tree.statement(node), Statement::Assign {
            operator: AssignOperator::Assign | AssignOperator::Define,
            left,
            ..
        } if left.iter().any(|&target| file.facts.object_of(target) == Some(error)))
}

fn takes_address(file: &TypedFile<'_>, node: NodeId, error: ObjectId) -> bool {
    file.tree.kind(node) == NodeKind::UnaryExpr
        && matches!(file.tree.expression(node), Expression::Unary {
            operator: UnaryOperator::Address,
            operand,
        } if file.facts.object_of(operand) == Some(error))
}

/// Whether a return gives an error that has nothing to do with the variable.
fn bypasses(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    statement: NodeId,
    error: ObjectId,
) -> bool {
    let Statement::Return { results } = file.tree.statement(statement) else {
        return false;
    };
    let Some(&last) = results.last() else {
        return false;
    };
    if is_nil(context, file, last) {
        return false;
    }
    let mut mentions = false;
    walk_all(file.tree, last, |node| {
        mentions |=
            file.tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(error);
    });
    !mentions
}

/// Whether a statement around this one has found that the variable is an error, and nothing has set it
/// since: `if err != nil { if other { return errors.New("…") } }`.
fn is_known_set(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    statement: NodeId,
    error: ObjectId,
) -> bool {
    let tree = file.tree;
    let place = tree.span(statement);
    let mut known = false;
    walk(unit, |node, _| {
        if tree.kind(node) != NodeKind::IfStmt {
            return;
        }
        let Statement::If {
            condition,
            then,
            otherwise,
            ..
        } = tree.statement(node)
        else {
            return;
        };
        let branch = match compared(context, file, condition, error) {
            Some(BinaryOperator::NotEqual) => Some(then),
            Some(BinaryOperator::Equal) => otherwise,
            _ => None,
        };
        let Some(branch) = branch.filter(|&branch| tree.span(branch).contains(place.start)) else {
            return;
        };
        let mut set = false;
        walk_all(tree, branch, |inner| {
            set |= tree.span(inner).start < place.start && assigns(file, inner, error);
        });
        known |= !set;
    });
    known
}

/// How a condition compares the variable with nil, when it holds: `err != nil`, also with `&&` and more.
fn compared(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    condition: NodeId,
    error: ObjectId,
) -> Option<BinaryOperator> {
    let Expression::Binary {
        operator,
        left,
        right,
        ..
    } = file.tree.expression(unparenthesized(file, condition))
    else {
        return None;
    };
    if operator == BinaryOperator::LogicalAnd {
        let sides = [left, right].into_iter();
        return sides
            .filter_map(|side| compared(context, file, side, error))
            .find(|&operator| operator == BinaryOperator::NotEqual);
    }
    let own = file.facts.object_of(unparenthesized(file, left)) == Some(error);
    (own && is_nil(context, file, right)).then_some(operator)
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn returns_that_bypass_the_variable() {
        check(
            &RULE,
            r#"
package p

import (
	"errors"

	"example.org/missing"
)

func undo() {}
func work() error { return nil }
func pair() (int, error) { return 0, nil }

func knownSet() error {
	err := work()
	defer func() {
		if err != nil {
			undo()
		}
	}()
	if err = work(); err != nil {
		if _, inner := pair(); inner != nil {
			return errors.New("both")
		}
		return err
	}
	if err == nil {
		undo()
	} else {
		return errors.New("other")
	}
	return nil
}

func setSince() error {
	err := work()
	defer func() {
		if err != nil { // want "tests `err`"
			undo()
		}
	}()
	if err != nil {
		err = work()
		return errors.New("again")
	}
	return nil
}

func stages() error {
	var first, second error
	defer func() {
		if second != nil {
			undo()
			return
		}
		if first != nil {
			undo()
		}
	}()
	first = work()
	if first != nil {
		return first
	}
	second = work()
	if second != nil {
		return second
	}
	return nil
}

func shadowed() error {
	err := work()
	defer func() {
		if err != nil { // want "tests `err`"
			undo()
		}
	}()
	if err := work(); err != nil {
		return err
	}
	return err
}

func call() (int, error) {
	_, err := pair()
	defer func() {
		if err != nil { // want "tests `err`"
			undo()
		}
	}()
	return pair()
}

func each(visit func() error) error { return visit() }

func setByCallback() error {
	err := work()
	defer func() {
		if err != nil { // want "tests `err`"
			undo()
		}
	}()
	if _, missing := pair(); missing != nil {
		return missing
	}
	if err = each(func() error { err = work(); return err }); err != nil {
		return err
	}
	return nil
}

func unknownType(name string) error {
	tx, err := missing.Begin()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // want "tests `err`"
			tx.Rollback()
		}
	}()
	if name == "" {
		return errors.New("no name")
	}
	err = tx.Commit()
	return err
}

func nothingDone(kind int) (int, error) {
	var err error
	defer func() {
		if err != nil {
			undo()
		}
	}()
	switch k := kind; k {
	case 1:
		return 0, errors.New("no such kind")
	}
	_, err = pair()
	return 0, err
}

func doneByThen(kind int) (int, error) {
	var err error
	defer func() {
		if err != nil { // want "tests `err`"
			undo()
		}
	}()
	undo()
	if kind == 1 {
		return 0, errors.New("no such kind")
	}
	_, err = pair()
	return 0, err
}

func before() error {
	if work() != nil {
		return errors.New("early")
	}
	err := work()
	defer func() {
		if err != nil {
			undo()
		}
	}()
	return err
}

func wrapped() error {
	err := work()
	defer func() {
		if err != nil {
			undo()
		}
	}()
	return errors.Join(err, errors.New("more"))
}

func onlyNil() error {
	err := work()
	defer func() {
		if err != nil {
			undo()
		}
	}()
	return nil
}

func commit() error { return nil }

func committedAfterTheTest() error {
	err := work()
	defer func() {
		if err != nil { // want "tests `err`"
			undo()
			return
		}
		err = commit()
	}()
	if _, err := pair(); err != nil {
		return err
	}
	return nil
}

func joined() error {
	err := work()
	defer func() {
		if closed := commit(); closed != nil {
			if err != nil {
				err = errors.Join(err, closed)
			} else {
				err = closed
			}
		}
	}()
	if err := work(); err != nil {
		return err
	}
	return nil
}

func setBeforeTheTest() error {
	err := work()
	defer func() {
		if recover() != nil {
			err = errors.New("panicked")
		}
		if err != nil {
			undo()
		}
	}()
	return work()
}

func setInTurns() error {
	err := work()
	defer func() {
		for range 3 {
			if err != nil {
				undo()
			}
			err = commit()
		}
	}()
	return work()
}

func setByClosure() error {
	var err error
	step := func() { err = work() }
	defer func() {
		if err != nil {
			undo()
		}
	}()
	step()
	return errors.New("other")
}
"#,
        );
    }
}
