//! `repanic-as-string`: a recovered value is panicked with again as text.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, Unit, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};

use crate::context::Context;
use crate::errors::{called, errorf};
use crate::rule::{Group, rule};
use crate::walk::{walk, walk_all};

rule! {
    /// Reports panics with the text of a value that was just recovered.
    ///
    /// ## What it reports
    ///
    /// `panic(fmt.Sprint(r))`, `panic(fmt.Sprintf(…, r))`, `panic(fmt.Errorf("… %v", r))` and `panic(err.Error())`,
    /// where `r` or `err` is what `recover` returned in the same function, also by way of a variable. Silent where a
    /// stack is added to the text.
    ///
    /// ## Why it matters
    ///
    /// The new panic has a string where the first one had a value. Code further up that recovers it and looks for
    /// an error (`errors.Is`, `errors.As`, a type assertion to `runtime.Error`) finds none.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "fmt"
    ///
    /// func run(name string, step func()) {
    /// 	defer func() {
    /// 		if r := recover(); r != nil {
    /// 			panic(fmt.Sprintf("%s: %v", name, r)) // want repanic-as-string
    /// 		}
    /// 	}()
    /// 	step()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "log"
    ///
    /// func run(name string, step func()) {
    /// 	defer func() {
    /// 		if r := recover(); r != nil {
    /// 			log.Printf("%s: %v", name, r)
    /// 			panic(r)
    /// 		}
    /// 	}()
    /// 	step()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: what the new panic should say beside the old value is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "repanic-as-string",
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
        let recovered = recovered(context, file, unit);
        if recovered.is_empty() {
            continue;
        }
        walk(unit, |node, _| {
            let Some(value) = panic_value(context, file, node) else {
                return;
            };
            let value = only_value(context, unit.file, value);
            if !is_text_of(context, file, value, &recovered) {
                return;
            }
            let path = context.path(unit.file);
            let Some(&(_, origin)) = recovered.first() else {
                return;
            };
            findings.push(
                RULE.diagnostic(
                    path.clone(),
                    context.span(unit.file, node),
                    "the recovered value goes on as text: whoever recovers it again finds no error in it",
                )
                .in_function(context.function(id))
                .operation("panic with the text of a recovered value")
                .step(path.clone(), context.span(unit.file, origin), "the first panic is recovered here")
                .step(path, context.span(unit.file, node), "this panic has its text only")
                .help("panic with the recovered value itself, or with an error that wraps it with `%w`"),
            );
        });
    }
}

/// The variables of a function that hold what `recover` returned, or what an assertion of its type gave,
/// with the call or assertion.
fn recovered(context: &Context<'_>, file: &TypedFile<'_>, unit: &Unit) -> Vec<(ObjectId, NodeId)> {
    let mut found: Vec<(ObjectId, NodeId)> = Vec::new();
    walk(unit, |node, _| {
        if file.tree.kind(node) == NodeKind::AssignStmt
            && let Statement::Assign {
                left: &[target, ..],
                right: &[value],
                ..
            } = file.tree.statement(node)
            && let Some(object) = file.facts.object_of(target)
        {
            let value = unparenthesized(file, value);
            let (source, asserted) = match file.tree.expression(value) {
                Expression::TypeAssertion { operand, .. } => (unparenthesized(file, operand), true),
                _ => (value, false),
            };
            let direct = matches!(file.tree.expression(source), Expression::Call { function, .. }
                if callee(context.world(), file, function) == Callee::Builtin("recover"));
            let stored = asserted
                && file.tree.kind(source) == NodeKind::Ident
                && file
                    .facts
                    .object_of(source)
                    .is_some_and(|source| found.iter().any(|known| known.0 == source));
            if direct || stored {
                found.push((object, value));
            }
        }
    });
    found
}

/// The one value of a local variable, or the expression itself.
fn only_value(context: &Context<'_>, file_index: usize, value: NodeId) -> NodeId {
    let file = context.file(file_index);
    if file.tree.kind(value) != NodeKind::Ident {
        return value;
    }
    let single = file.facts.object_of(value).and_then(|object| {
        let (index, value) = context.flow.lowered.variables.single(object)?;
        let text = file.tree.kind(value) == NodeKind::CallExpr;
        (index == file_index && text).then_some(value)
    });
    single.map_or(value, |value| unparenthesized(file, value))
}

/// The value of a call `panic(value)`.
fn panic_value(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> Option<NodeId> {
    if file.tree.kind(node) != NodeKind::CallExpr {
        return None;
    }
    let Expression::Call {
        function,
        arguments: &[value],
        ..
    } = file.tree.expression(node)
    else {
        return None;
    };
    (callee(context.world(), file, function) == Callee::Builtin("panic"))
        .then(|| unparenthesized(file, value))
}

/// Whether a value is text that is made of one of the recovered values, and of no stack.
fn is_text_of(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    value: NodeId,
    recovered: &[(ObjectId, NodeId)],
) -> bool {
    let is_recovered = |node: NodeId| {
        let node = unparenthesized(file, node);
        file.tree.kind(node) == NodeKind::Ident
            && file
                .facts
                .object_of(node)
                .is_some_and(|object| recovered.iter().any(|known| known.0 == object))
    };
    let Expression::Call {
        arguments,
        function,
        ..
    } = file.tree.expression(value)
    else {
        return false;
    };
    let mut stack = false;
    walk_all(file.tree, value, |node| {
        stack |= file.tree.kind(node) == NodeKind::Ident
            && file
                .tree
                .symbol(node)
                .as_str()
                .to_ascii_lowercase()
                .contains("stack");
    });
    if stack {
        return false;
    }
    match called(context, file, value) {
        Some(("fmt", "Sprint" | "Sprintf" | "Sprintln")) => {
            arguments.iter().any(|&argument| is_recovered(argument))
        }
        None | Some((_, "Error")) => matches!(
            file.tree.expression(unparenthesized(file, function)),
            Expression::Selector { operand, name }
                if file.tree.symbol(name).as_str() == "Error" && is_recovered(operand)
        ),
        Some(("fmt", "Errorf")) => errorf(context, file, value).iter().any(|formatted| {
            matches!(formatted.verb, 'v' | 's') && is_recovered(formatted.argument)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn forms() {
        check(
            &RULE,
            r#"
package p

import (
	"fmt"
	"log"
)

func stack() string { return "" }

func sprint() { defer func() { r := recover(); panic(fmt.Sprint(r)) }() } // want repanic-as-string
func sprintf() { defer func() { if r := recover(); r != nil { panic(fmt.Sprintf("%v", r)) } }() } // want repanic-as-string
func errorf() { defer func() { if r := recover(); r != nil { panic(fmt.Errorf("%v", r)) } }() } // want repanic-as-string
func helper() { if r := recover(); r != nil { panic(fmt.Sprint("helper: ", r)) } } // want repanic-as-string

func variable() { defer func() { if r := recover(); r != nil { text := fmt.Sprint(r); panic(text) } }() } // want repanic-as-string
func method() { defer func() { if err, ok := recover().(error); ok { panic(err.Error()) } }() } // want repanic-as-string
func asserted() { defer func() { r := recover(); if err, ok := r.(error); ok { panic("x: " + err.Error()); panic(err.Error()) } }() } // want repanic-as-string

func otherError(err error) { defer func() { if r := recover(); r != nil { panic(err.Error()) } }() }
func same() { defer func() { if r := recover(); r != nil { panic(r) } }() }
func wraps() { defer func() { if err, ok := recover().(error); ok { panic(fmt.Errorf("%w", err)) } }() }
func withStack() { defer func() { if r := recover(); r != nil { panic(fmt.Sprintf("%v\n%s", r, stack())) } }() }
func logs() { defer func() { if r := recover(); r != nil { log.Print(fmt.Sprint(r)); panic("more") } }() }
func other(r any) { panic(fmt.Sprint(r)) }
"#,
        );
    }
}
