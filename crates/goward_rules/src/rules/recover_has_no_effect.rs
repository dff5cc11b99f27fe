//! `recover-has-no-effect`: `recover` is not called directly by a deferred function.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind};
use goward_types::ObjectId;
use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::{walk, walk_all};

rule! {
    /// Reports calls of recover that cannot stop a panic.
    ///
    /// ## What it reports
    ///
    /// `recover()` in a function literal that is called or started as a goroutine where it stands,
    /// `recover()` in an unexported function that the package only ever calls plainly, and
    /// `defer recover()`.
    ///
    /// ## Why it matters
    ///
    /// `recover` stops a panic only when a deferred function calls it itself. One call deeper, in a
    /// function that is not deferred, or deferred itself, it returns nil and the panic goes on: the
    /// process dies although the code looks as if it could not.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "log"
    ///
    /// func logPanic() {
    /// 	if cause := recover(); cause != nil { // want recover-has-no-effect
    /// 		log.Print(cause)
    /// 	}
    /// }
    ///
    /// func serve(handle func()) {
    /// 	defer func() {
    /// 		logPanic()
    /// 	}()
    /// 	handle()
    /// }
    ///
    /// func quiet(handle func()) {
    /// 	defer recover() // want recover-has-no-effect
    /// 	handle()
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
    /// func logPanic() {
    /// 	if cause := recover(); cause != nil {
    /// 		log.Print(cause)
    /// 	}
    /// }
    ///
    /// func serve(handle func()) {
    /// 	defer logPanic()
    /// 	handle()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: whether the panic should be stopped there is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "recover-has-no-effect",
        category: Category::Panic,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

/// How the package refers to a function.
#[derive(Default)]
struct References {
    /// A plain call: the unit it stands in, and the call.
    plain: Option<(UnitId, NodeId)>,
    /// Deferred, started as a goroutine that defers it, passed on, or anything else.
    other: bool,
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let references = references(context);
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        walk(unit, |node, parent| {
            if file.tree.kind(node) != NodeKind::CallExpr || !is_recover(context, unit.file, node) {
                return;
            }
            if file.tree.kind(parent) == NodeKind::DeferStmt {
                findings.push(
                    finding(context, id, node, "`defer recover()` does not stop a panic: a deferred function must call it")
                        .help("write `defer func() { recover() }()`, and do something with what it returns"),
                );
                return;
            }
            if let Some((at, how)) = literal_use(context, id) {
                findings.push(
                    finding(
                        context,
                        id,
                        node,
                        format!("recover has no effect: the function around it is {how}"),
                    )
                    .step(
                        context.path(unit.file),
                        context.span(unit.file, at),
                        format!("{how} here"),
                    )
                    .help("call recover in a function that is deferred"),
                );
            } else if let Some((caller, call)) = unit
                .object
                .and_then(|object| only_called(context, &references, object))
            {
                let name = &unit.name;
                let caller_unit = context.flow.units.get(caller);
                findings.push(
                    finding(context, id, node, format!("recover has no effect: `{name}` is called, never deferred"))
                        .step(
                            context.path(caller_unit.file),
                            context.span(caller_unit.file, call),
                            format!("`{name}` is called by `{}`, so recover is one call too deep or not deferred", caller_unit.name),
                        )
                        .help(format!("defer the function itself: `defer {name}(…)`")),
                );
            }
        });
    }
}

fn finding(
    context: &Context<'_>,
    unit: UnitId,
    node: NodeId,
    message: impl Into<String>,
) -> Diagnostic {
    let file = context.flow.units.get(unit).file;
    let span = context.span(file, node);
    RULE.diagnostic(context.path(file), span, message)
        .in_function(context.function(unit))
        .operation("recover")
        .step(
            context.path(file),
            span,
            "recover returns nil here, also during a panic",
        )
}

fn is_recover(context: &Context<'_>, file: usize, call: NodeId) -> bool {
    let file = context.file(file);
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return false;
    };
    callee(context.world(), file, function) == Callee::Builtin("recover")
}

/// How a literal is run, if it is run where it stands and not deferred.
fn literal_use(context: &Context<'_>, id: UnitId) -> Option<(NodeId, &'static str)> {
    let unit = context.flow.units.get(id);
    let parent = context
        .flow
        .units
        .get(unit.parent.filter(|_| unit.is_literal())?);
    let file = context.file(unit.file);
    let mut found = None;
    walk(parent, |node, around| {
        if let NodeKind::CallExpr = file.tree.kind(node)
            && let Expression::Call { function, .. } = file.tree.expression(node)
            && unparenthesized(file, function) == unit.node
        {
            found = match file.tree.kind(around) {
                NodeKind::DeferStmt => None,
                NodeKind::GoStmt => Some((node, "started as a goroutine")),
                _ => Some((node, "called where it stands")),
            };
        }
    });
    found
}

/// A plain call of a function that nothing in the package refers to in another way.
fn only_called(
    context: &Context<'_>,
    references: &FxHashMap<ObjectId, References>,
    object: ObjectId,
) -> Option<(UnitId, NodeId)> {
    let entry = context.world().object(object);
    // Others may defer what is exported; a method may be deferred through an interface.
    if entry.is_exported() || (entry.is_method() && in_an_interface(context, entry.name)) {
        return None;
    }
    let references = references.get(&object)?;
    references.plain.filter(|_| !references.other)
}

/// Whether an interface of the package has a method of this name.
fn in_an_interface(context: &Context<'_>, name: goward_syntax::Symbol) -> bool {
    let mut found = false;
    for file in &context.package.files {
        for &declaration in file.tree.declarations() {
            walk_all(file.tree, declaration, |node| {
                if let NodeKind::InterfaceType = file.tree.kind(node)
                    && let Expression::InterfaceType { elements } = file.tree.expression(node)
                {
                    found |= elements.iter().any(|&element| {
                        let names = file.tree.field(element).names;
                        names.iter().any(|&method| file.tree.symbol(method) == name)
                    });
                }
            });
        }
    }
    found
}

fn references(context: &Context<'_>) -> FxHashMap<ObjectId, References> {
    let mut references: FxHashMap<ObjectId, References> = FxHashMap::default();
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        let mut called = Vec::new();
        walk(unit, |node, parent| {
            if let NodeKind::CallExpr = file.tree.kind(node)
                && let Expression::Call { function, .. } = file.tree.expression(node)
                && let Callee::Function(object) = callee(context.world(), file, function)
                && !matches!(
                    file.tree.kind(parent),
                    NodeKind::DeferStmt | NodeKind::GoStmt
                )
            {
                references
                    .entry(object)
                    .or_default()
                    .plain
                    .get_or_insert((id, node));
                let function = unparenthesized(file, function);
                called.push(match file.tree.expression(function) {
                    Expression::Selector { name, .. } => name,
                    _ => function,
                });
            }
            if file.tree.kind(node) == NodeKind::Ident
                && let Some(object) = file.facts.object_of(node)
                && !called.contains(&node)
            {
                references.entry(object).or_default().other = true;
            }
        });
    }
    // What stands outside of functions refers in ways that are not looked at.
    for file in &context.package.files {
        for &declaration in file.tree.declarations() {
            if file.tree.kind(declaration) == NodeKind::GenDecl {
                walk_all(file.tree, declaration, |node| {
                    if file.tree.kind(node) == NodeKind::Ident
                        && let Some(object) = file.facts.object_of(node)
                    {
                        references.entry(object).or_default().other = true;
                    }
                });
            }
        }
    }
    references
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn literals_and_functions() {
        check(
            &RULE,
            r#"
package p

func plain() { func() { recover() }() } // want "called where it stands"
func goroutine() { go func() { recover() }() } // want "started as a goroutine"
func tooDeep() { defer func() { func() { recover() }() }() } // want "called where it stands"
func itself() { defer recover() } // want "must call it"
func helper() { recover() } // want "is called, never deferred"
func user() { defer func() { helper() }() }

func right() { defer func() { recover() }() }
func deferred() { recover() }
func userOfDeferred() { defer deferred() }
func value() { recover() }
var hook = value
func passed() { recover() }
func passer(run func(func())) { run(passed) }
func stored() { f := func() { recover() }; defer f() }
func Exported() { recover() }
func userOfExported() { Exported() }
type T struct{}
func (T) close() { recover() }
func userOfMethod(t T) { t.close() }
type closer interface { close() }
func (T) report() { recover() } // want "is called, never deferred"
func userOfReport(t T) { defer func() { t.report() }() }
func unused() { recover() }
"#,
        );
    }
}
