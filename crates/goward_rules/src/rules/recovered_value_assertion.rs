//! `recovered-value-assertion`: the type of a recovered value is taken for granted.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, Unit, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::walk;

rule! {
    /// Reports type assertions on recovered values that panic for other types.
    ///
    /// ## What it reports
    ///
    /// `recover().(T)` and `r.(T)`, with `r` from `recover`, in the form with one result. Packages that panic
    /// with values of one type only write so on purpose, to let other panics through: the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// Anything may be panicked with: a string, an error, a number. Where the assertion fails it panics itself
    /// with `interface conversion`, and the first panic, which tells what went wrong, is no longer what callers
    /// recover. Without a panic the recovered value is nil, and the assertion fails as well.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// func run(step func()) (err error) {
    /// 	defer func() {
    /// 		if r := recover(); r != nil {
    /// 			err = r.(error) // want recovered-value-assertion
    /// 		}
    /// 	}()
    /// 	step()
    /// 	return nil
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
    /// 			if cause, ok := r.(error); ok {
    /// 				err = cause
    /// 				return
    /// 			}
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
    /// There is no fix: what to do with values of other types is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "recovered-value-assertion",
        category: Category::Panic,
        group: Group::Nursery,
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
        let mut asserted = Vec::new();
        walk(unit, |node, parent| {
            if file.tree.kind(node) == NodeKind::TypeAssertExpr
                && let Expression::TypeAssertion {
                    operand,
                    asserted: Some(wanted),
                } = file.tree.expression(node)
                && !has_two_results(file, node, parent)
            {
                let operand = unparenthesized(file, operand);
                let direct = is_recover(context, file, operand);
                let stored = file.tree.kind(operand) == NodeKind::Ident
                    && file
                        .facts
                        .object_of(operand)
                        .is_some_and(|object| recovered.contains(&object));
                if direct || stored {
                    asserted.push((node, wanted));
                }
            }
        });
        for (node, wanted) in asserted {
            let path = context.path(unit.file);
            let span = context.span(unit.file, node);
            let wanted = context.text(unit.file, wanted);
            findings.push(
                RULE.diagnostic(
                    path.clone(),
                    span,
                    format!("this panics again if the recovered value is no `{wanted}`"),
                )
                .in_function(context.function(id))
                .operation(context.text(unit.file, node))
                .step(
                    path,
                    span,
                    "a second panic starts here, in place of the first",
                )
                .help("use the form with two results, or a type switch"),
            );
        }
    }
}

fn is_recover(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> bool {
    matches!(file.tree.expression(node), Expression::Call { function, .. }
        if callee(context.world(), file, function) == Callee::Builtin("recover"))
}

/// The variables of a function that are set from recover, and from nothing else.
fn recovered(context: &Context<'_>, file: &TypedFile<'_>, unit: &Unit) -> FxHashSet<ObjectId> {
    let mut found = FxHashSet::default();
    walk(unit, |node, _| {
        if file.tree.kind(node) == NodeKind::AssignStmt
            && let Statement::Assign {
                left: &[target],
                right: &[value],
                ..
            } = file.tree.statement(node)
            && is_recover(context, file, unparenthesized(file, value))
        {
            found.extend(file.facts.object_of(target));
        }
    });
    found
}

/// Whether an assertion stands in `v, ok := x.(T)`.
fn has_two_results(file: &TypedFile<'_>, node: NodeId, parent: NodeId) -> bool {
    match file.tree.kind(parent) {
        NodeKind::AssignStmt => {
            matches!(file.tree.statement(parent), Statement::Assign { left, right, .. }
            if left.len() == 2 && right.len() == 1)
        }
        NodeKind::ValueSpec => {
            matches!(file.tree.specification(parent), goward_syntax::Specification::Value { names, values, .. }
                if names.len() == 2 && values.contains(&node))
        }
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

func a() { defer func() { println(recover().(string)) }() } // want "no `string`"
func b() (err error) { defer func() { r := recover(); err = r.(error) }(); return nil } // want "no `error`"
func helper() { if r := recover(); r != nil { println(r.(int) + 1) } } // want "no `int`"

func two() { defer func() { err, _ := recover().(error); _ = err }() }
func twoDeclared() { defer func() { var err, ok = recover().(error); _, _ = err, ok }() }
func typeSwitch() { defer func() { switch r := recover().(type) { case error: _ = r } }() }
func other(v any) string { return v.(string) }
"#,
        );
    }
}
