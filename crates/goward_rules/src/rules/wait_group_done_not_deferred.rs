//! `wait-group-done-not-deferred`: a panic or `Goexit` in a goroutine skips its `Done`.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, StartKind, UnitId, callee};
use goward_syntax::{Expression, NodeKind};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::wait_groups::WaitGroups;
use crate::walk::walk;

rule! {
    /// Reports goroutines that call Done of a group at their end without a defer.
    ///
    /// ## What it reports
    ///
    /// `group.Done()` in the function of a goroutine, not deferred, after it has called something else. Where
    /// nothing else is called, nothing is reported. In most programs the difference does not show, so the rule is
    /// in the nursery.
    ///
    /// ## Why it matters
    ///
    /// When the goroutine is left in another way (a `return` that somebody adds, `runtime.Goexit`, which `t.Fatal`
    /// of a test calls, or a panic that is recovered further up), `Done` is not called, and `Wait` waits for ever.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// func all(jobs []func()) {
    /// 	var group sync.WaitGroup
    /// 	for _, job := range jobs {
    /// 		group.Add(1)
    /// 		go func() {
    /// 			job()
    /// 			group.Done() // want wait-group-done-not-deferred
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// func all(jobs []func()) {
    /// 	var group sync.WaitGroup
    /// 	for _, job := range jobs {
    /// 		group.Add(1)
    /// 		go func() {
    /// 			defer group.Done()
    /// 			job()
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: a deferred call runs after everything else, also after what follows it now.
    pub(crate) const RULE: Rule = Rule {
        name: "wait-group-done-not-deferred",
        category: Category::Leak,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let groups = WaitGroups::new(context);
    for (id, starts) in context.flow.launches().iter() {
        if !starts.iter().all(|start| start.kind == StartKind::Go) {
            continue;
        }
        let unit = context.flow.units.get(id);
        let file = context.file(unit.file);
        let dones: Vec<_> = groups
            .calls
            .iter()
            .filter(|call| call.unit == id && call.name == "Done")
            .collect();
        let [done] = dones.as_slice() else { continue };
        if file.test
            || file.tree.kind(done.parent) != NodeKind::ExprStmt
            || !groups.is_waited_for(done.group)
            || !calls_before(context, id, done.node)
        {
            continue;
        }
        let path = context.path(unit.file);
        let span = context.span(unit.file, done.node);
        let name = &done.text;
        findings.push(
            RULE.diagnostic(
                path.clone(),
                span,
                format!("a panic or `Goexit` in the goroutine skips this `{name}.Done`"),
            )
            .in_function(context.function(id))
            .operation(format!("{name}.Done"))
            .step(path, span, "called only if everything before it returns")
            .help(format!(
                "`defer {name}.Done()`, first thing in the goroutine"
            )),
        );
    }
}

/// Whether the goroutine calls something that may not return before a node.
fn calls_before(context: &Context<'_>, id: UnitId, node: goward_syntax::NodeId) -> bool {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let at = file.tree.span(node).start;
    let mut found = false;
    walk(unit, |below, _| {
        if file.tree.kind(below) == NodeKind::CallExpr
            && file.tree.span(below).start < at
            && let Expression::Call { function, .. } = file.tree.expression(below)
        {
            found |= match callee(context.world(), file, function) {
                Callee::Builtin(_) | Callee::Conversion => false,
                Callee::Function(object) => {
                    let object = context.world().object(object);
                    let package = object
                        .package
                        .map_or("", |package| context.world().package(package).path.as_str());
                    !matches!(package, "sync" | "sync/atomic" | "time" | "fmt" | "log")
                }
                _ => true,
            };
        }
    });
    found
}
