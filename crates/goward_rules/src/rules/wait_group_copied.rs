//! `wait-group-copied`: a goroutine counts down a copy of the group that is waited for.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_syntax::{Expression, NodeKind};
use goward_types::TypeKind;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::standard_library::type_name;
use crate::wait_groups::WaitGroups;

rule! {
    /// Reports functions that are given a `sync.WaitGroup` by value and call `Done` on it.
    ///
    /// ## What it reports
    ///
    /// A parameter of type `sync.WaitGroup`, not `*sync.WaitGroup`, on which the function calls `Done`.
    ///
    /// ## Why it matters
    ///
    /// The function has a copy. `Done` counts down the copy, the counter of the original stays, and
    /// `Wait` waits for ever.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// func all(items []string) {
    /// 	var group sync.WaitGroup
    /// 	for _, item := range items {
    /// 		group.Add(1)
    /// 		go work(item, group)
    /// 	}
    /// 	group.Wait()
    /// }
    ///
    /// func work(item string, group sync.WaitGroup) { // want wait-group-copied
    /// 	defer group.Done()
    /// 	println(item)
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
    /// func all(items []string) {
    /// 	var group sync.WaitGroup
    /// 	for _, item := range items {
    /// 		group.Add(1)
    /// 		go work(item, &group)
    /// 	}
    /// 	group.Wait()
    /// }
    ///
    /// func work(item string, group *sync.WaitGroup) {
    /// 	defer group.Done()
    /// 	println(item)
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// The parameter becomes a pointer. Its callers have to be changed by hand, so the fix is only
    /// shown.
    pub(crate) const RULE: Rule = Rule {
        name: "wait-group-copied",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: Some(Safety::DisplayOnly),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let groups = WaitGroups::new(context);
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        let Expression::FunctionType { parameters, .. } = file.tree.expression(unit.function_type)
        else {
            continue;
        };
        for &entry in parameters {
            let field = file.tree.field(entry);
            for &name in field.names {
                let Some(object) = file.facts.object_of(name) else {
                    continue;
                };
                let world = context.world();
                let of = world.object_type(object);
                if type_name(context, of) != Some(("sync", "WaitGroup"))
                    || world.underlying(of).kind() == TypeKind::Pointer
                {
                    continue;
                }
                let done = groups
                    .calls
                    .iter()
                    .find(|call| call.name == "Done" && call.group == object);
                let Some(done) = done else { continue };
                let path = context.path(unit.file);
                let text = world.object(object).name;
                let mut finding = RULE
                    .diagnostic(
                        path.clone(),
                        context.span(unit.file, name),
                        format!("`{text}` is a copy, so that `Done` does not reach who waits"),
                    )
                    .in_function(context.function(id))
                    .step(
                        path.clone(),
                        context.span(unit.file, done.node),
                        "the copy is counted down here",
                    )
                    .help("take a `*sync.WaitGroup`");
                if file.tree.kind(field.field_type) == NodeKind::SelectorExpr {
                    finding = finding.fix(Fix {
                        safety: Safety::DisplayOnly,
                        message: format!("make `{text}` a pointer"),
                        edits: vec![Edit {
                            file: path,
                            span: Span::at(context.span(unit.file, field.field_type).start),
                            replacement: "*".to_owned(),
                        }],
                    });
                }
                findings.push(finding);
            }
        }
    }
}
