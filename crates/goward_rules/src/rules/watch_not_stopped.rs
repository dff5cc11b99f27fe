//! `watch-not-stopped`: a watch whose results are read and that nobody stops.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};
use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::standard_library::local_variable;
use crate::walk::{walk, walk_all};

rule! {
    /// Reports watches whose results a function reads and that it never stops.
    ///
    /// ## What it reports
    ///
    /// A local variable with what a call returned, of which `ResultChan` is used and nothing else, in
    /// a function that can return: the interface of watches in Kubernetes clients has a `Stop` beside
    /// it. Silent where the type is known and has no `Stop`, and in tests.
    ///
    /// ## Why it matters
    ///
    /// Who makes a watch hands out a channel and a goroutine that fills it; `Stop` is how it learns that
    /// nobody reads any more. Without it the goroutine stays, waiting to send.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "context"
    ///
    /// type watch interface {
    /// 	Stop()
    /// 	ResultChan() <-chan string
    /// }
    ///
    /// func follow(ctx context.Context, begin func() (watch, error), use func(string)) error {
    /// 	w, err := begin() // want watch-not-stopped
    /// 	if err != nil {
    /// 		return err
    /// 	}
    /// 	for {
    /// 		select {
    /// 		case event := <-w.ResultChan():
    /// 			use(event)
    /// 		case <-ctx.Done():
    /// 			return ctx.Err()
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
    /// type watch interface {
    /// 	Stop()
    /// 	ResultChan() <-chan string
    /// }
    ///
    /// func follow(ctx context.Context, begin func() (watch, error), use func(string)) error {
    /// 	w, err := begin()
    /// 	if err != nil {
    /// 		return err
    /// 	}
    /// 	defer w.Stop()
    /// 	for {
    /// 		select {
    /// 		case event := <-w.ResultChan():
    /// 			use(event)
    /// 		case <-ctx.Done():
    /// 			return ctx.Err()
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: `defer w.Stop()` has to stand after the check of the error.
    pub(crate) const RULE: Rule = Rule {
        name: "watch-not-stopped",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let files = context.package.files.iter();
    let reads: Vec<bool> = files
        .map(|file| !file.test && file.mentions("ResultChan"))
        .collect();
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        if !reads[unit.file] || !unit.graph.returns() {
            continue;
        }
        walk(unit, |node, _| {
            let Statement::Assign {
                left: [name, ..],
                right: [call],
                ..
            } = file.tree.statement(node)
            else {
                return;
            };
            if file.tree.kind(*call) != NodeKind::CallExpr {
                return;
            }
            let Some(variable) = local_variable(context, file, id, *name) else {
                return;
            };
            if !is_only_read(context, file, unit.body, variable) {
                return;
            }
            let name = context.world().object(variable).name;
            findings.push(
                RULE.diagnostic(
                    context.path(unit.file),
                    context.span(unit.file, *call),
                    format!("the watch `{name}` is never stopped"),
                )
                .in_function(context.function(id))
                .operation(format!("{name}.ResultChan"))
                .help(format!(
                    "`defer {name}.Stop()` after the error has been checked"
                )),
            );
        });
    }
}

/// Whether `ResultChan` is called, and nothing else is done with a watch but comparing it.
fn is_only_read(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    body: NodeId,
    variable: ObjectId,
) -> bool {
    let tree = file.tree;
    let mut parents: FxHashMap<NodeId, NodeId> = FxHashMap::default();
    let mut uses = Vec::new();
    walk_all(tree, body, |node| {
        tree.for_each_child(node, |child| {
            parents.insert(child, node);
        });
        if tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(variable) {
            uses.push(node);
        }
    });
    let mut read = false;
    let understood = uses.iter().all(|&node| {
        let Some(&parent) = parents.get(&node) else {
            return false;
        };
        match tree.kind(parent) {
            NodeKind::AssignStmt => {
                matches!(tree.statement(parent), Statement::Assign { left, .. } if left.contains(&node))
            }
            NodeKind::BinaryExpr => true,
            NodeKind::SelectorExpr => {
                let Expression::Selector { name, .. } = tree.expression(parent) else {
                    return false;
                };
                read = true;
                tree.symbol(name).as_str() == "ResultChan"
            }
            _ => false,
        }
    });
    understood && read && may_be_stopped(context, variable)
}

/// Whether a type has a method `Stop`, as far as it is known.
fn may_be_stopped(context: &Context<'_>, variable: ObjectId) -> bool {
    let world = context.world();
    let of = world.object_type(variable);
    if !of.is_known() {
        return true;
    }
    let methods = world.method_set(of);
    methods
        .iter()
        .any(|method| world.object(method.method).name.as_str() == "Stop")
}
