//! `switch-on-error-identity`: a switch compares an error with others by identity.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_syntax::{NodeKind, Statement};
use goward_types::{ObjectKind, VariableKind};

use crate::context::Context;
use crate::errors::is_error;
use crate::rule::{Group, rule};
use crate::walk::walk;

rule! {
    /// Reports switches over an error whose cases are error variables.
    ///
    /// ## What it reports
    ///
    /// `switch err { case ErrX: … }` where the cases are package variables. Where nobody wraps the error the switch
    /// is right: the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// A case compares with `==`. An error that wraps `ErrX` is another value, for which `errors.Is` is true and the
    /// case is not taken.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "errors"
    ///
    /// var ErrGone = errors.New("gone")
    ///
    /// func code(err error) int {
    /// 	switch err { // want switch-on-error-identity
    /// 	case ErrGone:
    /// 		return 410
    /// 	}
    /// 	return 500
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "errors"
    ///
    /// var ErrGone = errors.New("gone")
    ///
    /// func code(err error) int {
    /// 	switch {
    /// 	case errors.Is(err, ErrGone):
    /// 		return 410
    /// 	}
    /// 	return 500
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: `errors.Is` takes more cases than `==`, and whether those are meant is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "switch-on-error-identity",
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
        let tree = file.tree;
        walk(unit, |node, _| {
            if tree.kind(node) != NodeKind::SwitchStmt {
                return;
            }
            let Statement::Switch {
                tag: Some(tag),
                body,
                ..
            } = tree.statement(node)
            else {
                return;
            };
            let Statement::Block { statements } = tree.statement(body) else {
                return;
            };
            if !is_error(context, file, tag) {
                return;
            }
            let sentinel = statements.iter().find_map(|&clause| {
                let Statement::CaseClause { expressions, .. } = tree.statement(clause) else {
                    return None;
                };
                expressions.iter().copied().find(|&expression| {
                    let name = match tree.expression(expression) {
                        goward_syntax::Expression::Selector { name, .. } => name,
                        _ => expression,
                    };
                    file.facts.object_of(name).is_some_and(|object| {
                        let object = context.world().object(object);
                        object.kind == ObjectKind::Variable(VariableKind::Package)
                    })
                })
            });
            let Some(sentinel) = sentinel else { return };
            let text = context.text(unit.file, tag);
            let name = context.text(unit.file, sentinel);
            let path = context.path(unit.file);
            findings.push(
                RULE.diagnostic(
                    path.clone(),
                    context.span(unit.file, tag),
                    format!("`{text}` is compared by identity: an error that wraps `{name}` is not found"),
                )
                .in_function(context.function(id))
                .operation(format!("switch {text}"))
                .step(path, context.span(unit.file, sentinel), format!("this case is taken for `{name}` itself only"))
                .help(format!("write `case errors.Is({text}, {name})`")),
            );
        });
    }
}
