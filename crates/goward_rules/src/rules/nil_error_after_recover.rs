//! `nil-error-after-recover`: a function recovers a panic and returns a nil error.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::{Callee, Unit, UnitId, callee, unparenthesized};
use goward_syntax::{AssignOperator, Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::{defer_statements, mentions, walk, walk_all};

rule! {
    /// Reports functions that return a nil error after a panic that they recovered.
    ///
    /// ## What it reports
    ///
    /// A deferred function that recovers and goes on, in a function with an error result that the deferred
    /// function does not set: because the result has no name, because another variable is set (a local one,
    /// or one of the same name declared with `:=`), or because nothing is set at all.
    ///
    /// Silent where the deferred function does more than to write to a log: panics, exits, sends, stores an error
    /// somewhere, or calls something that may answer in its way; where it has the address of the result; and where
    /// the recovered value is dropped at once: that is the business of `recovered-panic-discarded`.
    ///
    /// ## Why it matters
    ///
    /// After a recovered panic the function returns its named results as they are, and zero values for results
    /// without a name. An error that was assigned to a local variable is not among them: the caller is told that
    /// all went well.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "fmt"
    ///
    /// func run(step func()) error {
    /// 	var err error
    /// 	defer func() {
    /// 		if r := recover(); r != nil {
    /// 			err = fmt.Errorf("panic: %v", r) // want nil-error-after-recover
    /// 		}
    /// 	}()
    /// 	step()
    /// 	return err
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "fmt"
    ///
    /// func run(step func()) (err error) {
    /// 	defer func() {
    /// 		if r := recover(); r != nil {
    /// 			err = fmt.Errorf("panic: %v", r)
    /// 		}
    /// 	}()
    /// 	step()
    /// 	return nil
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: the result needs a name, and the other results may, too.
    pub(crate) const RULE: Rule = Rule {
        name: "nil-error-after-recover",
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
        if context.file(unit.file).test {
            continue;
        }
        let Some(result) = error_result(context, unit) else {
            continue;
        };
        for defer in defer_statements(unit) {
            findings.extend(judge(context, id, defer, result));
        }
    }
}

/// The error result of a function: its variable, if it has a name.
fn error_result(context: &Context<'_>, unit: &Unit) -> Option<Option<ObjectId>> {
    let file = context.file(unit.file);
    let Expression::FunctionType { results, .. } = file.tree.expression(unit.function_type) else {
        return None;
    };
    let last = file.tree.field(*results.last()?);
    let error = file.facts.type_of(last.field_type) == context.world().universe().error;
    error.then(|| unit.results.last().copied().flatten())
}

fn judge(
    context: &Context<'_>,
    id: UnitId,
    defer: NodeId,
    result: Option<ObjectId>,
) -> Option<Diagnostic> {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let tree = file.tree;
    let Statement::Defer { call } = tree.statement(defer) else {
        return None;
    };
    let Expression::Call {
        function,
        arguments,
        ..
    } = tree.expression(call)
    else {
        return None;
    };
    let function = unparenthesized(file, function);
    let target = match callee(context.world(), file, function) {
        Callee::Function(object) => context.flow.units.of_object(object)?,
        _ => context.flow.units.of_literal(unit.file, function)?,
    };
    let deferred = context.flow.units.get(target);
    let there = context.file(deferred.file);
    let recover = checked_recover(context, there, deferred)?;
    // What it is given may be the way by which the error gets out.
    let hands_over = !arguments.is_empty() || deferred.receiver.is_some();
    if !deferred.is_literal() && hands_over || tells_somebody(context, there, deferred) {
        return None;
    }
    if let Some(result) = result
        && (deferred.is_literal() && sets_or_shares(there, deferred.body, result)
            || arguments
                .iter()
                .any(|&argument| mentions(file, argument, result))
            || set_by_others(context, unit, deferred, result))
    {
        return None;
    }
    let set = deferred
        .is_literal()
        .then(|| set_instead(context, there, unit, deferred, result))
        .flatten();
    let path = context.path(deferred.file);
    let (message, place) = match set {
        Some(Instead::Stored) => return None,
        Some(Instead::Local(variable, place)) => (
            format!(
                "`{}` is no result: after the panic the function returns a nil error",
                context.world().object(variable).name
            ),
            place,
        ),
        Some(Instead::Shadow(variable, place)) => (
            format!(
                "this declares another `{}`: after the panic the function returns a nil error",
                context.world().object(variable).name
            ),
            place,
        ),
        None => (
            "after this recovered panic the function returns a nil error".to_owned(),
            recover,
        ),
    };
    let begin = context.span(unit.file, defer).start;
    let help = match result {
        Some(result) => format!(
            "assign the error to the result `{}`",
            context.world().object(result).name
        ),
        None => "give the error result a name, and assign the error to it".to_owned(),
    };
    Some(
        RULE.diagnostic(path.clone(), context.span(deferred.file, place), message)
            .in_function(context.function(target))
            .operation("recover without an error")
            .step(
                context.path(unit.file),
                Span::new(begin, begin + 5),
                format!(
                    "deferred by `{}`, which returns an error",
                    context.function(id)
                ),
            )
            .step(
                path,
                context.span(deferred.file, recover),
                "the panic ends here, and the function returns",
            )
            .help(help),
    )
}

/// The call of recover in a function, if it looks at what it returns.
fn checked_recover(context: &Context<'_>, file: &TypedFile<'_>, deferred: &Unit) -> Option<NodeId> {
    let mut found = None;
    walk(deferred, |node, parent| {
        let recover = file.tree.kind(node) == NodeKind::CallExpr
            && matches!(file.tree.expression(node), Expression::Call { function, .. }
                if callee(context.world(), file, function) == Callee::Builtin("recover"));
        if !recover {
            return;
        }
        let dropped = match file.tree.kind(parent) {
            NodeKind::ExprStmt => true,
            NodeKind::AssignStmt => {
                matches!(file.tree.statement(parent), Statement::Assign { left: &[target], .. }
                if file.tree.kind(target) == NodeKind::Ident && file.tree.symbol(target).is_blank())
            }
            _ => false,
        };
        if !dropped {
            found = found.or(Some(node));
        }
    });
    found
}

/// Whether a deferred function lets others know, or does something about the panic: it panics, sends,
/// closes, or calls something that does more than to write to a log.
fn tells_somebody(context: &Context<'_>, file: &TypedFile<'_>, deferred: &Unit) -> bool {
    let tree = file.tree;
    let mut found = deferred.graph.exits.iter().any(|exit| !exit.kind.returns());
    walk_all(tree, deferred.body, |node| match tree.kind(node) {
        NodeKind::SendStmt => found = true,
        NodeKind::CallExpr => {
            if let Expression::Call { function, .. } = tree.expression(node) {
                found |= match callee(context.world(), file, function) {
                    Callee::Builtin(name) => matches!(name, "panic" | "close"),
                    Callee::Variable(_) | Callee::Unknown => true,
                    Callee::Function(object) | Callee::Interface(object) => {
                        !only_logs(context, object)
                    }
                    _ => false,
                };
            }
        }
        _ => {}
    });
    found
}

/// Whether a function writes to a log, or makes the text for it.
fn only_logs(context: &Context<'_>, object: ObjectId) -> bool {
    let object = context.world().object(object);
    let package = object
        .package
        .map_or("", |package| context.world().package(package).path.as_str());
    let name = object.name.as_str();
    if name.starts_with("Fatal") || name.starts_with("Panic") || name == "Exit" {
        return false;
    }
    let text = matches!(
        package,
        "log" | "log/slog" | "fmt" | "errors" | "runtime/debug" | "runtime" | "strings" | "time"
    );
    let levels = [
        "Print", "Log", "Debug", "Info", "Warn", "Error", "Trace", "Stack", "With", "Done", "Now",
        "Since",
    ];
    text || levels.iter().any(|level| name.starts_with(level))
}

/// Whether the result is assigned below a node, or its address taken.
fn sets_or_shares(file: &TypedFile<'_>, root: NodeId, result: ObjectId) -> bool {
    let tree = file.tree;
    let is_result = |node: NodeId| {
        let node = unparenthesized(file, node);
        tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(result)
    };
    let mut found = false;
    walk_all(tree, root, |node| match tree.kind(node) {
        NodeKind::AssignStmt => {
            if let Statement::Assign { left, .. } = tree.statement(node) {
                found |= left.iter().any(|&target| is_result(target));
            }
        }
        NodeKind::UnaryExpr => {
            found |= matches!(tree.expression(node), Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } if is_result(operand));
        }
        _ => {}
    });
    found
}

/// Whether another literal of the function sets the result, or somebody has its address: the deferred
/// function may do so through it. And whether another deferred function sets it, after this one.
fn set_by_others(context: &Context<'_>, unit: &Unit, deferred: &Unit, result: ObjectId) -> bool {
    let file = context.file(unit.file);
    let mut found = false;
    walk(unit, |node, _| {
        let other_literal = file.tree.kind(node) == NodeKind::FuncLit && node != deferred.node;
        found |= other_literal && sets_or_shares(file, node, result);
        found |= matches!(file.tree.expression(node), Expression::Unary {
            operator: UnaryOperator::Address,
            operand,
        } if file.facts.object_of(operand) == Some(result));
    });
    found
}

/// What a deferred literal sets in place of the result.
enum Instead {
    /// A variable of the function around it.
    Local(ObjectId, NodeId),
    /// A variable of its own with the name of the result.
    Shadow(ObjectId, NodeId),
    /// A field, or a variable of the package: somebody may look there.
    Stored,
}

fn set_instead(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    deferred: &Unit,
    result: Option<ObjectId>,
) -> Option<Instead> {
    let tree = file.tree;
    let world = context.world();
    let mut found = None;
    let mut stored = false;
    walk_all(tree, deferred.body, |node| {
        if tree.kind(node) != NodeKind::AssignStmt {
            return;
        }
        let Statement::Assign { operator, left, .. } = tree.statement(node) else {
            return;
        };
        for &target in left {
            let target = unparenthesized(file, target);
            let Some(object) = (tree.kind(target) == NodeKind::Ident)
                .then(|| file.facts.object_of(target))
                .flatten()
            else {
                // `_`, or a field or element of something.
                let blank = tree.kind(target) == NodeKind::Ident;
                let kept = file.facts.type_of(target);
                let error = kept == world.universe().error || !kept.is_known();
                let boolean = world.is_boolean(kept);
                stored |= !blank && (error || boolean);
                continue;
            };
            let entry = world.object(object);
            if world.object_type(object) != world.universe().error {
                // A flag that the caller gets or sees.
                stored |= world.is_boolean(world.object_type(object))
                    && operator != AssignOperator::Define;
                continue;
            }
            let span = tree.span(deferred.node);
            let inside = span.contains(entry.offset);
            let around = tree.span(unit.node).contains(entry.offset);
            match entry.kind {
                ObjectKind::Variable(VariableKind::Local) if inside => {
                    let same_name =
                        result.is_some_and(|result| world.object(result).name == entry.name);
                    if same_name && operator == AssignOperator::Define {
                        found = found.take().or(Some(Instead::Shadow(object, target)));
                    }
                }
                ObjectKind::Variable(VariableKind::Local) if around => {
                    found = found.take().or(Some(Instead::Local(object, target)));
                }
                ObjectKind::Variable(_) => stored = true,
                _ => {}
            }
        }
    });
    match stored {
        true => Some(Instead::Stored),
        false => found,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn what_is_set() {
        check(
            &RULE,
            r#"
package p

import (
	"fmt"
	"log"
	"os"
)

type T struct {
	err  error
	open bool
	n    int
}

func nothing(f func()) error {
	defer func() {
		if r := recover(); r != nil { // want "returns a nil error"
			log.Print(r)
		}
	}()
	f()
	return nil
}
func otherResult(f func() error) (n int, err error) {
	defer func() {
		if r := recover(); r != nil { // want "returns a nil error"
			n = -1
		}
	}()
	return 1, f()
}
func field(t *T, f func()) error {
	defer func() {
		if r := recover(); r != nil { // want "returns a nil error"
			t.n = 0
		}
	}()
	f()
	return nil
}
func local(f func()) (int, error) {
	var failure error
	n := 0
	defer func() {
		if r := recover(); r != nil {
			failure = fmt.Errorf("%v", r) // want "`failure` is no result"
		}
	}()
	f()
	n++
	return n, failure
}
func shadow(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err := fmt.Errorf("%v", r) // want "declares another `err`"
			log.Print(err)
		}
	}()
	f()
	return nil
}
func helper(f func()) error {
	defer logPanic()
	f()
	return nil
}
func logPanic() {
	if r := recover(); r != nil { // want "returns a nil error"
		log.Print(r)
	}
}

func named(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	f()
	return nil
}
func address(f func()) (err error) {
	defer set(&err)
	f()
	return nil
}
func set(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%v", r)
	}
}
func inLiteral(f func()) (err error) {
	fail := func(r any) { err = fmt.Errorf("%v", r) }
	defer func() {
		if r := recover(); r != nil {
			fail(r)
		}
	}()
	f()
	return nil
}
func again(f func()) error {
	defer func() {
		if r := recover(); r != nil {
			log.Print(r)
			panic(r)
		}
	}()
	f()
	return nil
}
func exits(f func()) error {
	defer func() {
		if r := recover(); r != nil {
			os.Exit(1)
		}
	}()
	f()
	return nil
}
func sends(f func(), errs chan error) error {
	defer func() {
		if r := recover(); r != nil {
			errs <- fmt.Errorf("%v", r)
		}
	}()
	f()
	return nil
}
func kept(t *T, f func()) error {
	defer func() {
		if r := recover(); r != nil {
			t.err = fmt.Errorf("%v", r)
		}
	}()
	f()
	return nil
}
func (t *T) method(f func()) error {
	defer t.guard()
	f()
	return t.err
}
func (t *T) guard() {
	if r := recover(); r != nil {
		t.err = fmt.Errorf("%v", r)
	}
}
func answers(f func(), out func(string)) error {
	defer func() {
		if r := recover(); r != nil {
			log.Print(r)
			reply("sorry")
		}
	}()
	f()
	return nil
}
func reply(string) {}
func dropped(f func()) error {
	defer func() { recover() }()
	f()
	return nil
}
func noError(f func()) int {
	defer func() {
		if r := recover(); r != nil {
			log.Print(r)
		}
	}()
	f()
	return 1
}
func goroutine(f func()) error {
	go func() {
		defer func() {
			if r := recover(); r != nil {
				log.Print(r)
			}
		}()
		f()
	}()
	return nil
}
"#,
        );
    }
}
