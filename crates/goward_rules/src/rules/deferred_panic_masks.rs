//! `deferred-panic-masks`: a deferred function panics while the function is panicking already.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, ExitKind, Unit, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::{walk, walk_all};

rule! {
    /// Reports panics in deferred functions that hide the panic which made them run.
    ///
    /// ## What it reports
    ///
    /// A call of `panic` in a deferred function literal that does not call `recover`, in a function
    /// that itself calls `panic` after the `defer` statement.
    ///
    /// ## Why it matters
    ///
    /// When the second panic is recovered, `recover` returns the second value only, and the first,
    /// the one that tells what went wrong, is lost. Where nothing recovers, both are printed, and the
    /// stack is that of the second.
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
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        walk(file.tree, unit, |node, _| {
            if let NodeKind::DeferStmt = file.tree.kind(node)
                && let Some((second, first)) = masks(context, unit, node)
            {
                findings.push(finding(context, id, node, second, first));
            }
        });
    }
}

/// The panic in the deferred literal, and the one in the function that it hides.
fn masks(context: &Context<'_>, unit: &Unit, defer: NodeId) -> Option<(NodeId, NodeId)> {
    let file = context.file(unit.file);
    let Statement::Defer { call } = file.tree.statement(defer) else {
        return None;
    };
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let literal = context
        .flow
        .units
        .of_literal(unit.file, unparenthesized(file, function))?;
    let literal = context.flow.units.get(literal);
    let builtin = |node: NodeId, name: &str| match file.tree.expression(node) {
        Expression::Call { function, .. } => {
            callee(context.world(), file, function) == Callee::Builtin(name)
        }
        _ => false,
    };
    // With a recover in it, the literal knows of the first panic.
    let mut recovers = false;
    walk_all(file.tree, literal.body, |node| {
        recovers |= file.tree.kind(node) == NodeKind::CallExpr && builtin(node, "recover");
    });
    let mut second = None;
    walk(file.tree, literal, |node, _| {
        if second.is_none() && file.tree.kind(node) == NodeKind::CallExpr && builtin(node, "panic")
        {
            second = Some(node);
        }
    });
    let second = second.filter(|_| !recovers)?;
    let reachable = unit.graph.reverse_postorder();
    let first = unit.graph.exits.iter().find_map(|exit| {
        let runs = exit
            .deferred
            .iter()
            .any(|deferred| deferred.statement == defer);
        let node = exit.node.filter(|_| exit.kind == ExitKind::Panic && runs)?;
        (reachable.contains(&exit.from)
            && file.tree.kind(node) == NodeKind::CallExpr
            && builtin(node, "panic"))
        .then_some(node)
    })?;
    Some((second, first))
}

fn finding(
    context: &Context<'_>,
    id: UnitId,
    defer: NodeId,
    second: NodeId,
    first: NodeId,
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let path = context.path(file);
    let keyword = goward_diagnostics::Span::new(
        context.span(file, defer).start,
        context.span(file, defer).start + 5,
    );
    RULE.diagnostic(
        path.clone(),
        context.span(file, second),
        "this panic in a deferred function hides the panic that made it run",
    )
    .in_function(context.function(id))
    .operation("panic in a deferred function")
    .step(
        path.clone(),
        keyword,
        "registered here, it runs also while the function panics",
    )
    .step(path.clone(), context.span(file, first), "the first panic")
    .step(
        path,
        context.span(file, second),
        "the second panic takes its place: recover returns this one",
    )
    .help("report the second failure without a panic, or recover the first one and keep both")
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
