//! `deferred-overwrites-error`: a deferred function replaces the error that the function returns.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::{Step, Unit, UnitId, unparenthesized};
use goward_syntax::{AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};

use crate::context::Context;
use crate::errors::{called, is_nil};
use crate::rule::{Group, rule};
use crate::walk::{defer_statements, mentions, steps_after, walk, walk_all};

rule! {
    /// Reports deferred functions that replace the error of the function by the outcome of a clean-up.
    ///
    /// ## What it reports
    ///
    /// `err = f.Close()` in a deferred function literal, where `err` is a result of the function around it, the
    /// function can return an error of its own, and nothing looks at that one first: the assignment stands under no
    /// condition that asks for `err`, and its value does not contain it. Also `if err != nil { err = tx.Rollback() }`.
    ///
    /// ## Why it matters
    ///
    /// Deferred functions run after `return` has set the results. When the clean-up succeeds, the error that the
    /// function meant to return becomes nil, and the caller goes on as if all were well.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "os"
    ///
    /// func write(name string, data []byte) (err error) {
    /// 	file, err := os.Create(name)
    /// 	if err != nil {
    /// 		return err
    /// 	}
    /// 	defer func() {
    /// 		err = file.Close() // want deferred-overwrites-error
    /// 	}()
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
    /// func write(name string, data []byte) (err error) {
    /// 	file, err := os.Create(name)
    /// 	if err != nil {
    /// 		return err
    /// 	}
    /// 	defer func() {
    /// 		err = errors.Join(err, file.Close())
    /// 	}()
    /// 	_, err = file.Write(data)
    /// 	return err
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: which of the two errors counts, or both, is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "deferred-overwrites-error",
        category: Category::LostError,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let error = context.world().universe().error;
    for (id, unit) in context.flow.units.iter() {
        let results = unit.results.iter().flatten();
        let Some(&result) = results
            .into_iter()
            .find(|&&result| context.world().object_type(result) == error)
        else {
            continue;
        };
        for defer in defer_statements(unit) {
            let Some(assignment) = overwrites(context, unit, defer, result) else {
                continue;
            };
            let Some(returned) = returns_error(context, unit, defer, result) else {
                continue;
            };
            findings.push(finding(context, id, result, (defer, assignment, returned)));
        }
    }
}

fn finding(
    context: &Context<'_>,
    id: UnitId,
    result: ObjectId,
    (defer, assignment, returned): (NodeId, NodeId, NodeId),
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let name = context.world().object(result).name;
    let path = context.path(file);
    let begin = context.span(file, defer).start;
    RULE.diagnostic(
        path.clone(),
        context.span(file, assignment),
        format!("this replaces the error that the function returns, also by nil: `{name}` is not looked at"),
    )
    .in_function(context.function(id))
    .operation(context.text(file, assignment))
    .step(
        path.clone(),
        context.span(file, returned),
        format!("`{name}` is set here"),
    )
    .step(
        path.clone(),
        Span::new(begin, begin + 5),
        "this function runs after that",
    )
    .step(
        path,
        context.span(file, assignment),
        format!("`{name}` gets another value, and the first error is lost"),
    )
    .help(format!(
        "keep both: `{name} = errors.Join({name}, …)`, or assign only if `{name}` is nil"
    ))
}

/// The assignment in a deferred literal that replaces the result, whatever it is.
fn overwrites(
    context: &Context<'_>,
    unit: &Unit,
    defer: NodeId,
    result: ObjectId,
) -> Option<NodeId> {
    let file = context.file(unit.file);
    let tree = file.tree;
    let Statement::Defer { call } = tree.statement(defer) else {
        return None;
    };
    let Expression::Call { function, .. } = tree.expression(call) else {
        return None;
    };
    let literal = unparenthesized(file, function);
    let literal = context.flow.units.of_literal(unit.file, literal)?;
    let literal = context.flow.units.get(literal);
    let mut found = None;
    walk(literal, |node, _| {
        if found.is_some() || tree.kind(node) != NodeKind::AssignStmt {
            return;
        }
        let Statement::Assign {
            operator: AssignOperator::Assign,
            left,
            right,
            ..
        } = tree.statement(node)
        else {
            return;
        };
        let Some(position) = left.iter().position(|&target| {
            file.facts.object_of(unparenthesized(file, target)) == Some(result)
        }) else {
            return;
        };
        let value = match right {
            &[only] => only,
            _ if right.len() == left.len() => right[position],
            _ => return,
        };
        if is_outcome(context, file, value, result)
            && !is_kept(file, literal.body, node, result)
            && is_unasked(context, file, literal.body, node, result)
        {
            found = Some(node);
        }
    });
    found
}

/// Whether a value is what a call returns that does something, and has nothing of the result in it.
fn is_outcome(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    value: NodeId,
    result: ObjectId,
) -> bool {
    let value = unparenthesized(file, value);
    if file.tree.kind(value) != NodeKind::CallExpr || mentions(file, value, result) {
        return false;
    }
    // Those make an error, so that it is never nil.
    !matches!(called(context, file, value), Some(("errors" | "fmt", _)))
}

/// Whether the result is kept before an assignment: something else than a condition has looked at it.
fn is_kept(file: &TypedFile<'_>, body: NodeId, assignment: NodeId, result: ObjectId) -> bool {
    let tree = file.tree;
    let at = tree.span(assignment).start;
    let mut elsewhere = 0;
    let count = |root: NodeId| {
        let below = tree.preorder(root).filter(|&node| {
            tree.kind(node) == NodeKind::Ident
                && tree.span(node).start < at
                && file.facts.object_of(node) == Some(result)
        });
        below.count()
    };
    walk_all(tree, body, |node| match tree.kind(node) {
        NodeKind::IfStmt => {
            if let Statement::If { condition, .. } = tree.statement(node) {
                elsewhere += count(condition);
            }
        }
        NodeKind::AssignStmt => {
            if let Statement::Assign { left, .. } = tree.statement(node) {
                elsewhere += left.iter().map(|&target| count(target)).sum::<usize>();
            }
        }
        _ => {}
    });
    count(body) > elsewhere
}

/// Whether no condition around an assignment, and none before it that leaves, has made sure that there is
/// no error to lose. What recovers a panic comes to a function that has not returned.
fn is_unasked(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    body: NodeId,
    assignment: NodeId,
    result: ObjectId,
) -> bool {
    let tree = file.tree;
    let at = tree.span(assignment);
    let mut unasked = true;
    walk_all(tree, body, |node| {
        match tree.kind(node) {
            NodeKind::IfStmt => {}
            NodeKind::CaseClause | NodeKind::CommClause | NodeKind::FuncLit => {
                // Under conditions of other kinds nothing is concluded.
                let span = tree.span(node);
                unasked &= !(span.start <= at.start && at.end <= span.end) || node == body;
                return;
            }
            _ => return,
        }
        let Statement::If {
            initial,
            condition,
            then,
            otherwise,
        } = tree.statement(node)
        else {
            return;
        };
        let holds = |node: NodeId| {
            let span = tree.span(node);
            span.start <= at.start && at.end <= span.end
        };
        let asks = mentions(file, condition, result);
        let negative = otherwise.is_some_and(holds);
        if holds(then) || negative {
            // `if err != nil { err = tx.Rollback() }` asks, and loses the error all the same.
            let failed = asks && is_failure(context, file, condition, result) && !negative;
            unasked &= failed;
        } else if tree.span(node).end <= at.start {
            // What it leaves for may have to do with the error.
            unasked &= !leaves(file, then);
        }
        if initial.is_some_and(holds) {
            unasked = false;
        }
    });
    unasked
}

/// Whether a condition is `err != nil` and nothing else.
fn is_failure(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    condition: NodeId,
    result: ObjectId,
) -> bool {
    matches!(file.tree.expression(unparenthesized(file, condition)), Expression::Binary {
        operator: BinaryOperator::NotEqual,
        left,
        right,
        ..
    } if is_nil(context, file, right) && file.facts.object_of(unparenthesized(file, left)) == Some(result))
}

fn leaves(file: &TypedFile<'_>, block: NodeId) -> bool {
    let Statement::Block { statements } = file.tree.statement(block) else {
        return false;
    };
    statements
        .last()
        .is_some_and(|&last| file.tree.kind(last) == NodeKind::ReturnStmt)
}

/// The step after the `defer` that gives the result an error which may not be nil.
fn returns_error(
    context: &Context<'_>,
    unit: &Unit,
    defer: NodeId,
    result: ObjectId,
) -> Option<NodeId> {
    let file = context.file(unit.file);
    let tree = file.tree;
    let position = unit
        .results
        .iter()
        .position(|&known| known == Some(result))?;
    let after = steps_after(&unit.graph, |step| step == Step::Register(defer));
    after.into_iter().find_map(|step| match step {
        Step::Return(node) => {
            let Statement::Return { results } = tree.statement(node) else {
                return None;
            };
            let value = match results {
                &[only] => only,
                _ => *results.get(position)?,
            };
            let itself = file.facts.object_of(unparenthesized(file, value)) == Some(result);
            (!itself && !is_nil(context, file, value)).then_some(node)
        }
        Step::Statement(node) if tree.kind(node) == NodeKind::AssignStmt => {
            let Statement::Assign { left, right, .. } = tree.statement(node) else {
                return None;
            };
            let sets = left
                .iter()
                .any(|&target| file.facts.object_of(unparenthesized(file, target)) == Some(result));
            let nil = right.iter().all(|&value| is_nil(context, file, value));
            (sets && !nil).then_some(node)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn conditions_and_values() {
        check(
            &RULE,
            r#"
package p

import (
	"errors"
	"fmt"
	"io"
)

type tx interface {
	Commit() error
	Rollback() error
}

func plain(c io.Closer, work func() error) (err error) {
	defer func() { err = c.Close() }() // want deferred-overwrites-error
	return work()
}
func rollback(t tx, work func() error) (err error) {
	defer func() {
		if err != nil {
			err = t.Rollback() // want deferred-overwrites-error
			return
		}
		err = t.Commit()
	}()
	return work()
}
func two(c io.Writer, work func() (int, error)) (n int, err error) {
	defer func() { _, err = c.Write(nil) }() // want deferred-overwrites-error
	n, err = work()
	return
}

func asks(c io.Closer, work func() error) (err error) {
	defer func() {
		if err == nil {
			err = c.Close()
		}
	}()
	return work()
}
func leaves(c io.Closer, work func() error) (err error) {
	defer func() {
		if err != nil {
			return
		}
		err = c.Close()
	}()
	return work()
}
func leavesOtherwise(c io.Closer, work func() (*int, error)) (n *int, err error) {
	defer func() {
		if n == nil {
			return
		}
		err = c.Close()
	}()
	return work()
}
func joins(c io.Closer, work func() error) (err error) {
	defer func() { err = errors.Join(err, c.Close()) }()
	return work()
}
type errorList []error

func newList(first error) *errorList { return &errorList{first} }
func (l *errorList) add(err error)   { *l = append(*l, err) }
func (l *errorList) result() error   { return errors.Join(*l...) }
func collects(c io.Closer, work func() error) (err error) {
	defer func() {
		all := newList(err)
		all.add(c.Close())
		err = all.result()
	}()
	return work()
}
func checksOther(c io.Closer, work func() error) (err error) {
	defer func() {
		if closing := c.Close(); closing != nil {
			err = closing
		}
	}()
	return work()
}
func translates(work func() error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("no luck")
		}
	}()
	return work()
}
func recovers(work func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = convert(r)
		}
	}()
	return work()
}
func convert(any) error { return nil }
func succeeds(c io.Closer) (err error) {
	defer func() { err = c.Close() }()
	println()
	return nil
}
func local(c io.Closer, work func() error) error {
	var err error
	defer func() { err = c.Close() }()
	return work()
}
"#,
        );
    }
}
