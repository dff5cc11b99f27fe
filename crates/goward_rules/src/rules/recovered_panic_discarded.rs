//! `recovered-panic-discarded`: a panic is recovered and nobody ever hears of it.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, StartKind, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::TypedFile;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::{walk, walk_all};

rule! {
    /// Reports deferred functions that recover a panic and drop it.
    ///
    /// ## What it reports
    ///
    /// `recover()` whose result nobody looks at, or only compares with nil, in a deferred function that does
    /// nothing then: no log, no error, no panic. Tests are left out. Some code does so on purpose, around a
    /// call whose panic is known: the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// Every panic is swallowed, not only the one that was expected: a nil map, an index out of range. The
    /// function returns as if all were well, and nothing tells what happened.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// func run(step func()) {
    /// 	defer func() {
    /// 		_ = recover() // want recovered-panic-discarded
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
    /// func run(step func()) {
    /// 	defer func() {
    /// 		if cause := recover(); cause != nil {
    /// 			log.Print("step: ", cause)
    /// 		}
    /// 	}()
    /// 	step()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: what should be told, and to whom, is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "recovered-panic-discarded",
        category: Category::LostError,
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
        if file.test || !may_be_deferred(context, id) {
            continue;
        }
        let mut found = Vec::new();
        walk(unit, |node, _| {
            found.extend(discarded(context, file, node));
        });
        for node in found {
            let path = context.path(unit.file);
            let span = context.span(unit.file, node);
            findings.push(
                RULE.diagnostic(
                    path.clone(),
                    span,
                    "every panic ends here, and nothing tells of it",
                )
                .in_function(context.function(id))
                .operation("drop a recovered panic")
                .step(path, span, "what recover returns is dropped")
                .help("log it or turn it into an error, at least where it is not the one expected"),
            );
        }
    }
}

/// Whether a function is one that somebody may defer: not a literal that only runs where it stands.
fn may_be_deferred(context: &Context<'_>, id: UnitId) -> bool {
    let unit = context.flow.units.get(id);
    let starts = context.flow.launches().of(id);
    let deferred = starts.iter().any(|start| start.kind == StartKind::Defer);
    deferred || !unit.is_literal() && starts.is_empty()
}

/// The call of recover in a statement that drops its result.
fn discarded(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> Option<NodeId> {
    let tree = file.tree;
    let recover = |node: NodeId| {
        let node = unparenthesized(file, node);
        let called = matches!(tree.expression(node), Expression::Call { function, .. }
            if callee(context.world(), file, function) == Callee::Builtin("recover"));
        called.then_some(node)
    };
    match tree.kind(node) {
        NodeKind::ExprStmt => match tree.statement(node) {
            Statement::Expression { expression } => recover(expression),
            _ => None,
        },
        NodeKind::AssignStmt => match tree.statement(node) {
            Statement::Assign {
                left: &[target],
                right: &[value],
                ..
            } if tree.kind(target) == NodeKind::Ident && tree.symbol(target).is_blank() => {
                recover(value)
            }
            _ => None,
        },
        NodeKind::IfStmt => {
            let Statement::If {
                initial,
                condition,
                then,
                otherwise: None,
            } = tree.statement(node)
            else {
                return None;
            };
            let mut call = None;
            for below in [Some(condition), initial].into_iter().flatten() {
                walk_all(tree, below, |below| call = call.or(recover(below)));
            }
            does_nothing(file, then).then_some(call?)
        }
        _ => None,
    }
}

/// Whether a block holds nothing but `return`.
fn does_nothing(file: &TypedFile<'_>, block: NodeId) -> bool {
    let Statement::Block { statements } = file.tree.statement(block) else {
        return false;
    };
    statements.iter().all(|&statement| {
        matches!(file.tree.statement(statement), Statement::Return { results } if results.is_empty())
            && file.tree.kind(statement) == NodeKind::ReturnStmt
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn what_becomes_of_the_panic() {
        check(
            &RULE,
            r#"
package p

import "log"

func a(f func()) { defer func() { recover() }(); f() } // want "nothing tells of it"
func b(f func()) { defer func() { _ = recover() }(); f() } // want "nothing tells of it"
func c(f func()) { defer func() { if r := recover(); r != nil { } }(); f() } // want "nothing tells of it"
func d(f func()) { defer swallow(); f() }
func swallow() { if recover() != nil { return } } // want "nothing tells of it"

func logged(f func()) { defer func() { if r := recover(); r != nil { log.Print(r) } }(); f() }
func told(f func()) (ok bool) { defer func() { ok = recover() == nil }(); f(); return true }
func again(f func()) { defer func() { if r := recover(); r != nil { panic(r) } }(); f() }
func named(f func()) (err error) { defer func() { if recover() != nil { err = nil } }(); f(); return nil }
-- p_test.go --
package p

func inTest(f func()) { defer func() { recover() }(); f() }
"#,
        );
    }
}
