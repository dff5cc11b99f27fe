//! `goroutine-outlives-call`: a goroutine that only the caller's context or channel ends.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::StartKind;
use goward_types::{ObjectKind, VariableKind};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::waiting::first_waits;

rule! {
    /// Reports goroutines that wait only for a context or channel that the function was given.
    ///
    /// ## What it reports
    ///
    /// A function literal that is started as a goroutine and begins to wait for parameters of the
    /// function around it: channels, or `Done` of contexts; where that function can return while it
    /// waits. Whether that is meant, only the callers know.
    ///
    /// ## Why it matters
    ///
    /// The goroutine stays after the function has returned, until its caller gives the signal. Where
    /// the function is called often with a context that lives long, goroutines pile up.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "context"
    ///
    /// func retry(ctx context.Context, try func() error) {
    /// 	over := false
    /// 	go func() { // want goroutine-outlives-call
    /// 		<-ctx.Done()
    /// 		over = true
    /// 	}()
    /// 	for !over {
    /// 		if try() == nil {
    /// 			return
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "context"
    ///
    /// func retry(ctx context.Context, try func() error) {
    /// 	for ctx.Err() == nil {
    /// 		if try() == nil {
    /// 			return
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: how long the goroutine should live is your decision.
    pub(crate) const RULE: Rule = Rule {
        name: "goroutine-outlives-call",
        category: Category::Leak,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, starts) in context.flow.launches().iter() {
        let unit = context.flow.units.get(id);
        let &[start] = starts else { continue };
        if !unit.is_literal() || start.kind != StartKind::Go {
            continue;
        }
        let starter = context.flow.units.get(start.unit);
        let Some(waits) = first_waits(context, unit) else {
            continue;
        };
        let given = waits.iter().all(|wait| {
            let kind = context.world().object(wait.root).kind;
            wait.last == wait.root
                && kind == ObjectKind::Variable(VariableKind::Parameter)
                && starter.parameters.contains(&Some(wait.root))
                && !wait.is_sent_to(context)
        });
        if !given || !starter.graph.returns() {
            continue;
        }
        let name = context.text(unit.file, waits[0].node);
        let launch = context.span(unit.file, start.node);
        findings.push(
            RULE.diagnostic(
                context.path(unit.file),
                Span::new(launch.start, launch.start + 2),
                format!(
                    "this goroutine stays until the caller ends `{name}`, also after the return"
                ),
            )
            .in_function(context.function(start.unit))
            .operation(format!("go, waits for {name}"))
            .step(
                context.path(unit.file),
                context.span(unit.file, waits[0].node),
                "it waits here",
            )
            .help("wait in a `select`, also for something that ends with the function"),
        );
    }
}
