//! `defer-before-error-check`: a method of a value is deferred before the error beside it is looked at.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, NoReturn, callee, no_return, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectId, TypeKind, TypedFile};

use crate::context::Context;
use crate::errors::{is_error_variable, is_nil};
use crate::rule::{Group, rule};
use crate::standard_library::type_name;
use crate::walk::{mentions, walk, walk_all};

rule! {
    /// Reports methods that are deferred before the error beside their receiver is tested.
    ///
    /// ## What it reports
    ///
    /// `v, err := f()`, then `defer v.Close()` (or another method of `v` or of something reached from it), and
    /// only then `if err != nil`, where `v` can be nil. Silent for `Close` of an `*os.File`, which returns
    /// an error when the file is nil, and for functions of the same package that never return an error or
    /// never nil beside it, and for literals where the branch for the error ends the process. Tests are left out: they fail either way.
    ///
    /// ## Why it matters
    ///
    /// A function that fails mostly gives nil beside its error. The method of a nil interface panics at the
    /// `defer` statement, and so does a field of a nil pointer; a method of a nil pointer runs with it when the
    /// function is over. So the failure that the next line would have handled becomes a panic.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "io"
    ///
    /// func read(open func() (io.ReadCloser, error)) ([]byte, error) {
    /// 	file, err := open()
    /// 	defer file.Close() // want defer-before-error-check
    /// 	if err != nil {
    /// 		return nil, err
    /// 	}
    /// 	return io.ReadAll(file)
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "io"
    ///
    /// func read(open func() (io.ReadCloser, error)) ([]byte, error) {
    /// 	file, err := open()
    /// 	if err != nil {
    /// 		return nil, err
    /// 	}
    /// 	defer file.Close()
    /// 	return io.ReadAll(file)
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: moving the statement below the test is a small edit, but some functions do give a value beside an error.
    pub(crate) const RULE: Rule = Rule {
        name: "defer-before-error-check",
        category: Category::Panic,
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
        if file.test {
            continue;
        }
        walk(unit, |node, _| {
            let statements = match file.tree.statement(node) {
                Statement::Block { statements } if file.tree.kind(node) == NodeKind::BlockStmt => {
                    statements
                }
                Statement::CaseClause { body, .. }
                    if file.tree.kind(node) == NodeKind::CaseClause =>
                {
                    body
                }
                Statement::CommunicationClause { body, .. }
                    if file.tree.kind(node) == NodeKind::CommClause =>
                {
                    body
                }
                _ => return,
            };
            for (position, &statement) in statements.iter().enumerate() {
                let Some((value, error)) = value_and_error(context, file, statement) else {
                    continue;
                };
                if is_never_nil(context, file, statement) {
                    continue;
                }
                let rest = &statements[position + 1..];
                let Some((defer, test)) = deferred_before_test(context, file, rest, value, error)
                else {
                    continue;
                };
                let name = context.world().object(value).name;
                let path = context.path(unit.file);
                let error = context.world().object(error).name;
                findings.push(
                    RULE.diagnostic(
                        path.clone(),
                        context.span(unit.file, defer),
                        format!(
                            "`{name}` may be nil here: `{error}` is tested only after this `defer`"
                        ),
                    )
                    .in_function(context.function(id))
                    .operation(context.text(unit.file, defer))
                    .step(
                        path.clone(),
                        context.span(unit.file, statement),
                        format!("`{name}` comes with `{error}`"),
                    )
                    .step(
                        path.clone(),
                        context.span(unit.file, defer),
                        format!("a method of `{name}` is deferred"),
                    )
                    .step(
                        path,
                        context.span(unit.file, test),
                        format!("`{error}` is tested here"),
                    )
                    .help(format!("test `{error}` before this `defer` statement")),
                );
            }
        });
    }
}

/// `v, …, err := f()`: the first value and the error.
fn value_and_error(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    statement: NodeId,
) -> Option<(ObjectId, ObjectId)> {
    if file.tree.kind(statement) != NodeKind::AssignStmt {
        return None;
    }
    let Statement::Assign {
        left: &[value, .., error],
        right: &[call],
        ..
    } = file.tree.statement(statement)
    else {
        return None;
    };
    let call = unparenthesized(file, call);
    if file.tree.kind(call) != NodeKind::CallExpr
        || file.tree.kind(value) != NodeKind::Ident
        || file.tree.kind(error) != NodeKind::Ident
    {
        return None;
    }
    let (value, error) = (file.facts.object_of(value)?, file.facts.object_of(error)?);
    let world = context.world();
    let is_error = is_error_variable(context, error);
    let value_type = world.object_type(value);
    let nilable = !value_type.is_known()
        || matches!(
            world.underlying(value_type).kind(),
            TypeKind::Pointer | TypeKind::Interface
        );
    (is_error && nilable).then_some((value, error))
}

/// Whether the called function is one of the package that never returns an error, or never nil beside
/// one.
fn is_never_nil(context: &Context<'_>, file: &TypedFile<'_>, statement: NodeId) -> bool {
    let Statement::Assign { right: &[call], .. } = file.tree.statement(statement) else {
        return false;
    };
    let Expression::Call { function, .. } = file.tree.expression(unparenthesized(file, call))
    else {
        return false;
    };
    let units = &context.flow.units;
    let target = match callee(context.world(), file, function) {
        Callee::Function(object) => units.of_object(object),
        _ => None,
    };
    let Some(target) = target else {
        return false;
    };
    let unit = units.get(target);
    let file = context.file(unit.file);
    let mut returns = 0;
    let mut never = true;
    walk(unit, |node, _| {
        if file.tree.kind(node) == NodeKind::ReturnStmt
            && let Statement::Return { results } = file.tree.statement(node)
        {
            returns += 1;
            never &= match results {
                [value, .., error] => is_nil(context, file, *error) || is_made(file, *value),
                _ => false,
            };
        }
    });
    never && returns > 0
}

/// Whether an expression is the address of a literal.
fn is_made(file: &TypedFile<'_>, value: NodeId) -> bool {
    matches!(file.tree.expression(unparenthesized(file, value)),
        Expression::Unary { operator: UnaryOperator::Address, operand }
            if file.tree.kind(unparenthesized(file, operand)) == NodeKind::CompositeLit)
}

/// A deferred method of `value`, and the test of `error` that follows it, where nothing before the
/// `defer` looks at the error.
fn deferred_before_test(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    statements: &[NodeId],
    value: ObjectId,
    error: ObjectId,
) -> Option<(NodeId, NodeId)> {
    let tree = file.tree;
    let mut defer = None;
    for (position, &statement) in statements.iter().enumerate() {
        match tree.statement(statement) {
            Statement::Defer { call } if tree.kind(statement) == NodeKind::DeferStmt => {
                if let Expression::Call { function, .. } = tree.expression(call)
                    && (is_method_of(context, file, function, value)
                        || uses_at_once(context, file, function, value, error))
                {
                    defer.get_or_insert(statement);
                    continue;
                }
            }
            Statement::If {
                condition, then, ..
            } if tree.kind(statement) == NodeKind::IfStmt => {
                if let Some(defer) = defer
                    && tests(context, file, condition, error)
                {
                    let rest = &statements[position + 1..];
                    let ends = is_deferred_literal(file, defer)
                        && ends_process(context, file, then, rest, value);
                    return (!ends).then_some((defer, statement));
                }
            }
            _ => {}
        }
        let mut mentioned = false;
        walk_all(tree, statement, |node| {
            mentioned |= tree.kind(node) == NodeKind::Ident
                && [Some(error), Some(value)].contains(&file.facts.object_of(node));
        });
        if mentioned {
            return None;
        }
    }
    None
}

fn is_deferred_literal(file: &TypedFile<'_>, defer: NodeId) -> bool {
    let Statement::Defer { call } = file.tree.statement(defer) else {
        return false;
    };
    matches!(file.tree.expression(call), Expression::Call { function, .. }
        if file.tree.kind(unparenthesized(file, function)) == NodeKind::FuncLit)
}

/// Whether the branch for the error ends the process, so that what is deferred never runs: its last call
/// is known to, or is of a function whose body is not seen, and what follows uses the value as if there
/// had been no error.
fn ends_process(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    branch: NodeId,
    rest: &[NodeId],
    value: ObjectId,
) -> bool {
    let tree = file.tree;
    let Statement::Block { statements } = tree.statement(branch) else {
        return false;
    };
    let Some(Statement::Expression { expression: call }) =
        statements.last().map(|&last| tree.statement(last))
    else {
        return false;
    };
    let world = context.world();
    let local = |object| context.flow.units.no_return(object);
    if no_return(world, file, call, &local) == Some(NoReturn::ProcessExit) {
        return true;
    }
    let Expression::Call { function, .. } = tree.expression(call) else {
        return false;
    };
    let Callee::Function(object) = callee(world, file, function) else {
        return false;
    };
    let unseen = world.object(object).package.is_some_and(|package| {
        // Functions of the standard library are known.
        package != context.package.package && world.package(package).path.as_str().contains('.')
    });
    unseen && rest.iter().any(|&after| mentions(file, after, value))
}

/// Whether a literal calls a method of `v` in one of its first statements, whatever the error is.
fn uses_at_once(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    function: NodeId,
    value: ObjectId,
    error: ObjectId,
) -> bool {
    let tree = file.tree;
    let Expression::FunctionLiteral { body, .. } = tree.expression(unparenthesized(file, function))
    else {
        return false;
    };
    let Statement::Block { statements } = tree.statement(body) else {
        return false;
    };
    for &statement in statements {
        let (mut called, mut asked) = (false, false);
        walk_all(tree, statement, |node| {
            called |= matches!(tree.expression(node), Expression::Call { function, .. }
                if tree.kind(node) == NodeKind::CallExpr && is_method_of(context, file, function, value));
            asked |=
                tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(error);
        });
        let plain = matches!(
            tree.kind(statement),
            NodeKind::ExprStmt | NodeKind::AssignStmt | NodeKind::DeferStmt
        );
        if asked || !plain {
            // `if err := v.Close(); err != nil` calls it before it asks.
            return !asked
                && tree.kind(statement) == NodeKind::IfStmt
                && matches!(tree.statement(statement), Statement::If { initial: Some(initial), .. }
                    if calls(context, file, initial, value));
        }
        if called {
            return true;
        }
    }
    false
}

/// Whether a method of `v` is called below a node.
fn calls(context: &Context<'_>, file: &TypedFile<'_>, root: NodeId, value: ObjectId) -> bool {
    let mut called = false;
    walk_all(file.tree, root, |node| {
        called |= matches!(file.tree.expression(node), Expression::Call { function, .. }
            if file.tree.kind(node) == NodeKind::CallExpr && is_method_of(context, file, function, value));
    });
    called
}

/// Whether a function operand is `v.m` or `v.a.m`.
fn is_method_of(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    function: NodeId,
    value: ObjectId,
) -> bool {
    let function = unparenthesized(file, function);
    match file.tree.expression(function) {
        Expression::Selector { operand, name } => {
            let operand = unparenthesized(file, operand);
            let itself = file.tree.kind(operand) == NodeKind::Ident
                && file.facts.object_of(operand) == Some(value);
            if itself && file.tree.symbol(name).as_str() == "Close" {
                // It asks first whether there is a file.
                let held = context.world().object_type(value);
                return type_name(context, held) != Some(("os", "File"));
            }
            itself || is_method_of(context, file, operand, value)
        }
        _ => false,
    }
}

/// Whether a condition compares the error with nil.
fn tests(context: &Context<'_>, file: &TypedFile<'_>, condition: NodeId, error: ObjectId) -> bool {
    let mut found = false;
    walk_all(file.tree, condition, |node| {
        if file.tree.kind(node) == NodeKind::BinaryExpr
            && let Expression::Binary { left, right, .. } = file.tree.expression(node)
        {
            let left = unparenthesized(file, left);
            found |= is_nil(context, file, right)
                && file.tree.kind(left) == NodeKind::Ident
                && file.facts.object_of(left) == Some(error);
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn order_of_defer_and_test() {
        check(
            &RULE,
            r#"
-- exit/exit.go --
package exit

func With(err error)
-- a.go --
package p

import (
	"io"
	"log"
	"os"

	"example.com/app/exit"
)

type response struct{ Body io.ReadCloser }
type handle struct{}
func (handle) Close() error { return nil }

func bad() bool { return true }
func open() (io.ReadCloser, error) { return os.Open("a") }
func get() (*response, error) {
	if bad() { return nil, io.EOF }
	return &response{}, nil
}
func always() (*response, error) {
	if bad() { return &response{}, io.EOF }
	return &response{}, nil
}
func never() (*response, error) { return nil, nil }
func take() (handle, error) { return handle{}, nil }
func start() (func(), error) { return nil, nil }

func a() error {
	f, err := os.Open("a")
	defer f.Sync() // want "`f` may be nil here"
	if err != nil { return err }
	return nil
}
func file() error {
	f, err := os.Open("a")
	defer f.Close()
	if err != nil { return err }
	return nil
}
func fileInLiteral() error {
	f, err := os.Open("a")
	defer func() { f.Close() }()
	if err != nil { return err }
	return nil
}
func exits() {
	f, err := open()
	defer func() { f.Close() }()
	if err != nil { log.Fatal(err) }
}
func exitsElsewhere() {
	f, err := open()
	defer func() { f.Close() }()
	if err != nil { exit.With(err) }
	io.ReadAll(f)
}
func goesOn() {
	f, err := open()
	defer func() { f.Close() }() // want "`f` may be nil"
	if err != nil { log.Println(err) }
	io.ReadAll(f)
}
func exitsLate() {
	f, err := open()
	defer f.Close() // want "`f` may be nil"
	if err != nil { log.Fatal(err) }
}
func neverNil() error {
	r, err := always()
	defer r.Body.Close()
	if err != nil { return err }
	return nil
}
func neverAnError() error {
	r, err := never()
	defer r.Body.Close()
	if err != nil { return err }
	return nil
}
func b() error {
	r, err := get()
	defer r.Body.Close() // want "`r` may be nil here"
	println("got it")
	if nil != err || err != nil { return err }
	return nil
}
func c(kind int) error {
	switch kind {
	case 1:
		f, err := open()
		defer f.Close() // want "`f` may be nil"
		if err != nil { return err }
	}
	return nil
}

func literal() error {
	f, err := open()
	defer func() { f.Close() }() // want "`f` may be nil"
	if err != nil { return err }
	return nil
}
func literalWithError() error {
	f, err := open()
	defer func() { // want "`f` may be nil"
		println()
		if closing := f.Close(); closing != nil { println(closing) }
	}()
	if err != nil { return err }
	return nil
}

func literalAsks() error {
	f, err := open()
	defer func() { if err == nil { f.Close() } }()
	if err != nil { return err }
	return nil
}
func literalTests() error {
	f, err := open()
	defer func() { if f == nil { return }; f.Close() }()
	if err != nil { return err }
	return nil
}
func checked() error {
	f, err := open()
	if err != nil { return err }
	defer f.Close()
	_, err = io.ReadAll(f)
	if err != nil { return err }
	return nil
}
func closure() error {
	f, err := open()
	defer func() { if f != nil { f.Close() } }()
	if err != nil { return err }
	return nil
}
func value() error {
	h, err := take()
	defer h.Close()
	if err != nil { return err }
	return nil
}
func plain() error {
	stop, err := start()
	defer stop()
	if err != nil { return err }
	return nil
}
func another() error {
	f, err := open()
	if f == nil { return err }
	defer f.Close()
	if err != nil { return err }
	return nil
}
func untested() {
	f, err := open()
	defer f.Close()
	_ = err
}
"#,
        );
    }
}
