//! `recover-has-no-effect`: `recover` is not called directly by a deferred function.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, StartKind, Unit, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::ObjectId;
use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::standard_library::called_method;
use crate::walk::{defer_statements, walk, walk_all};

rule! {
    /// Reports calls of recover that cannot stop a panic.
    ///
    /// ## What it reports
    ///
    /// `recover()` in a function literal that is only ever called or started as a goroutine, or given to
    /// `sync.Once`; in an unexported function that the package only ever calls plainly; in a function
    /// that also runs what may panic, a function that it is given; `defer recover()`, and `recover()`
    /// in the arguments of a deferred call. Also the call of a function that recovers where it is
    /// deferred itself, in a deferred literal that has no `recover` of its own.
    ///
    /// ## Why it matters
    ///
    /// `recover` stops a panic only when a deferred function calls it itself. One call deeper, in a
    /// function that is not deferred, or deferred itself, it returns nil and the panic goes on: the
    /// process dies although the code looks as if it could not. As an argument of a deferred call it
    /// is evaluated at the `defer` statement, when there is no panic yet.
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
        helpers_one_call_too_deep(context, &references, id, findings);
        walk(unit, |node, parent| {
            if file.tree.kind(node) != NodeKind::CallExpr || !is_recover(context, unit.file, node) {
                return;
            }
            if let Some(defer) = deferred_arguments(context, id, node) {
                findings.push(
                    finding(
                        context,
                        id,
                        node,
                        "recover is called at the `defer` statement, when there is no panic yet",
                    )
                    .step(
                        context.path(unit.file),
                        context.span(unit.file, defer),
                        "the arguments of a deferred call are evaluated here",
                    )
                    .help("call recover in a function literal that is deferred"),
                );
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
            } else if let Some(call) = runs_what_may_panic(context, &references, id, node) {
                let name = &unit.name;
                findings.push(
                    finding(
                        context,
                        id,
                        node,
                        format!("recover has no effect: `{name}` is not deferred itself"),
                    )
                    .step(
                        context.path(unit.file),
                        context.span(unit.file, call),
                        "a panic that starts here does not stop at recover",
                    )
                    .help("call recover in a function that is deferred before this call"),
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

/// In a literal that is only deferred and does not recover itself: the call of a function that recovers
/// where it is deferred directly, as others do or may do.
fn helpers_one_call_too_deep(
    context: &Context<'_>,
    references: &FxHashMap<ObjectId, References>,
    id: UnitId,
    findings: &mut Vec<Diagnostic>,
) {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let starts = flow.launches().of(id);
    let deferred = unit.is_literal()
        && !starts.is_empty()
        && starts.iter().all(|start| start.kind == StartKind::Defer);
    if !deferred || recovers(context, id) {
        return;
    }
    let file = context.file(unit.file);
    walk(unit, |node, parent| {
        let not_here = matches!(
            file.tree.kind(parent),
            NodeKind::DeferStmt | NodeKind::GoStmt
        );
        if file.tree.kind(node) != NodeKind::CallExpr || not_here {
            return;
        }
        let Expression::Call { function, .. } = file.tree.expression(node) else {
            return;
        };
        let Callee::Function(object) = callee(context.world(), file, function) else {
            return;
        };
        let Some(helper) = flow.units.of_object(object) else {
            return;
        };
        // Where it is never deferred the finding stands at `recover` itself.
        if !recovers(context, helper) || only_called(context, references, object).is_some() {
            return;
        }
        let helper = flow.units.get(helper);
        let name = &helper.name;
        let path = context.path(unit.file);
        findings.push(
            RULE.diagnostic(
                path.clone(),
                context.span(unit.file, node),
                format!("`{name}` recovers nothing here: it is called by the deferred function, not deferred itself"),
            )
            .in_function(context.function(id))
            .operation(format!("call {name}"))
            .step(
                path,
                context.span(unit.file, starts[0].node),
                "this function is deferred",
            )
            .step(
                context.path(helper.file),
                context.span(helper.file, helper.node),
                format!("recover returns nil in `{name}` when a deferred function calls it"),
            )
            .help(format!("defer the function itself: `defer {name}(…)`")),
        );
    });
}

/// Whether a function looks at what `recover` gives in its own body: where that is dropped, the function
/// may have been made for something else.
fn recovers(context: &Context<'_>, id: UnitId) -> bool {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let mut found = false;
    walk(unit, |node, parent| {
        found |= file.tree.kind(node) == NodeKind::CallExpr
            && !matches!(
                file.tree.kind(parent),
                NodeKind::DeferStmt | NodeKind::ExprStmt
            )
            && is_recover(context, unit.file, node);
    });
    found
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

/// How a literal is run, if it is only run in ways in which recover has no effect.
fn literal_use(context: &Context<'_>, id: UnitId) -> Option<(NodeId, &'static str)> {
    let unit = context.flow.units.get(id);
    if !unit.is_literal() {
        return None;
    }
    let starts = context.flow.launches().of(id);
    let first = starts.first()?;
    if let [only] = starts
        && only.kind == StartKind::Unknown
    {
        let parent = context.flow.units.get(unit.parent?);
        return once(context, parent, unit.node);
    }
    let plain = starts
        .iter()
        .all(|start| matches!(start.kind, StartKind::Call | StartKind::Go));
    let file = context.file(unit.file);
    let how = match first.kind {
        StartKind::Go => "started as a goroutine",
        _ => match file.tree.expression(first.call) {
            Expression::Call { function, .. } if unparenthesized(file, function) == unit.node => {
                "called where it stands"
            }
            _ => "called, never deferred",
        },
    };
    plain.then_some((first.node, how))
}

/// The call of `sync.Once.Do` that a literal is given to: `Do` calls it, one call deeper.
fn once(context: &Context<'_>, parent: &Unit, literal: NodeId) -> Option<(NodeId, &'static str)> {
    let file = context.file(parent.file);
    let mut found = None;
    walk(parent, |node, _| {
        if file.tree.kind(node) == NodeKind::CallExpr
            && let Expression::Call { arguments, .. } = file.tree.expression(node)
            && arguments.contains(&literal)
            && let Some(method) = called_method(context, file, node)
            && method.of == ("sync", "Once")
            && method.name == "Do"
        {
            found = Some((node, "called by `sync.Once`, not deferred"));
        }
    });
    found
}

/// The `defer` statement in whose arguments a call of recover stands, in a function that is not
/// deferred itself.
fn deferred_arguments(context: &Context<'_>, id: UnitId, recover: NodeId) -> Option<NodeId> {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let starts = context.flow.launches().of(id);
    let may_be_deferred = starts
        .iter()
        .any(|start| matches!(start.kind, StartKind::Defer | StartKind::Unknown))
        || unit.is_literal() && starts.is_empty();
    if may_be_deferred {
        return None;
    }
    let at = file.tree.span(recover);
    defer_statements(unit).into_iter().find(|&defer| {
        let Statement::Defer { call } = file.tree.statement(defer) else {
            return false;
        };
        let Expression::Call {
            function,
            arguments,
            ..
        } = file.tree.expression(call)
        else {
            return false;
        };
        let literal = file.tree.kind(unparenthesized(file, function)) == NodeKind::FuncLit;
        let holds = |node: NodeId| {
            file.tree.span(node).start <= at.start && at.end <= file.tree.span(node).end
        };
        arguments.iter().any(|&argument| holds(argument)) || !literal && holds(function)
    })
}

/// In a function that nothing in the package defers: the call of a function that it was given, in one of
/// its own statements, whose panics the recover beside it looks meant for.
fn runs_what_may_panic(
    context: &Context<'_>,
    references: &FxHashMap<ObjectId, References>,
    id: UnitId,
    recover: NodeId,
) -> Option<NodeId> {
    let unit = context.flow.units.get(id);
    let object = unit.object?;
    let file = context.file(unit.file);
    let unreferenced = !references
        .get(&object)
        .is_some_and(|known| known.other || known.plain.is_some());
    let exported = context.world().object(object).is_exported();
    let handles = context.flow.is_handler(id);
    // What a deferred call returns is dropped: a function with results is not made to be deferred.
    let signature = context
        .world()
        .as_signature(context.world().object_type(object))?;
    let results = !context.world().tuple(signature.results).is_empty();
    if !unreferenced || exported && !handles && !results {
        return None;
    }
    let Statement::Block { statements } = file.tree.statement(unit.body) else {
        return None;
    };
    let at = file.tree.span(recover);
    statements.iter().copied().find_map(|statement| {
        let span = file.tree.span(statement);
        if span.start <= at.start && at.end <= span.end
            || !matches!(
                file.tree.kind(statement),
                NodeKind::ExprStmt | NodeKind::AssignStmt | NodeKind::ReturnStmt
            )
        {
            return None;
        }
        let mut found = None;
        walk_all(file.tree, statement, |node| {
            if file.tree.kind(node) == NodeKind::CallExpr
                && let Expression::Call { function, .. } = file.tree.expression(node)
                && let Callee::Variable(called) = callee(context.world(), file, function)
                && unit.parameters.contains(&Some(called))
            {
                found = found.or(Some(node));
            }
        });
        found
    })
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
        check(
            &RULE,
            r#"
package p

import (
	"fmt"
	"net/http"
	"sync"
)

func asError(err *error) { if r := recover(); r != nil { *err = fmt.Errorf("%v", r) } }
func direct(f func()) (err error) { defer asError(&err); f(); return nil }
func tooDeep(f func()) (err error) { defer func() { asError(&err) }(); f(); return nil } // want "`asError` recovers nothing here"
func deferredAgain(f func()) (err error) { defer func() { defer asError(&err) }(); f(); return nil }
func recoversItself(f func()) (err error) { defer func() { if recover() != nil { asError(&err) } }(); f(); return nil }
func ExportedHelper() { if r := recover(); r != nil { println(r) } }
func viaExported(f func()) { defer func() { println("done"); ExportedHelper() }(); f() } // want "`ExportedHelper` recovers nothing here"
func calledLater(f func()) { g := func() { ExportedHelper() }; defer g(); g() }
func drops() { recover() }
func viaDrops(f func()) { defer drops(); defer func() { drops() }(); f() }

func kept() { defer func() { catch := func() { recover() }; catch() }() } // want "called, never deferred"
func keptGoroutine() { catch := func() { recover() }; go catch() } // want "started as a goroutine"
func once(o *sync.Once) { defer func() { o.Do(func() { recover() }) }() } // want "called by `sync.Once`"
func argument(f func()) { defer fmt.Println("recovered:", recover()); f() } // want "when there is no panic yet"
func literalArgument() { defer func(r any) { _ = r }(recover()) } // want "when there is no panic yet"
func after(f func()) { f(); if r := recover(); r != nil { println() } } // want "is not deferred itself"
func before(f func()) { recover(); f() } // want "is not deferred itself"
func Result(f func() error) error { err := f(); recover(); return err } // want "is not deferred itself"
func Handler(w http.ResponseWriter, r *http.Request) { func() { recover() }() } // want "called where it stands"

func keptDeferred() { catch := func() { recover() }; defer catch() }
func keptBoth() { catch := func() { recover() }; catch(); defer catch() }
func given(run func(func())) { run(func() { recover() }) }
func inDeferred() { defer func() { defer fmt.Println(recover()) }() }
func Callback(f func()) { f(); recover() }
func callback(f func(any)) { if r := recover(); r != nil { f(r) } }
func cleans(f func()) { f(); recover() }
func user(f func()) { defer cleans(f) }
"#,
        );
    }
}
