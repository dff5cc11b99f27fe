//! Panics that no `recover` of their goroutine stops: what `recover-in-other-goroutine` and
//! `panic-in-goroutine` share.

use goward_diagnostics::{Diagnostic, Span};
use goward_flow::{Callee, EventKind, ExitKind, How, StartKind, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use rustc_hash::FxHashSet;

use crate::Rule;
use crate::context::Context;
use crate::walk::{defer_statements, walk, walk_all};

/// A panic in a goroutine.
pub(crate) struct GoroutinePanic {
    /// The function with the call of panic, and the call.
    pub(crate) unit: UnitId,
    pub(crate) panic: NodeId,
    /// The function with the `go` statement, and the statement.
    pub(crate) starter: UnitId,
    pub(crate) start: NodeId,
    /// The call of panic is in the function of the goroutine, not in one that it calls.
    pub(crate) direct: bool,
    /// A deferred function of the starter, or of one around it, that recovers.
    pub(crate) recover: Option<(UnitId, NodeId)>,
}

/// The panics of all goroutines that the package starts, each once, without tests.
pub(crate) fn goroutine_panics(context: &Context<'_>) -> Vec<GoroutinePanic> {
    let flow = context.flow;
    let mut found = Vec::new();
    let mut seen = FxHashSet::default();
    for (target, starts) in flow.launches().iter() {
        for start in starts.iter().filter(|start| start.kind == StartKind::Go) {
            if context.file(flow.units.get(start.unit).file).test {
                continue;
            }
            let recover = flow
                .units
                .chain(start.unit)
                .find_map(|unit| Some((unit, recovering_defer(context, unit)?)));
            for (unit, panic) in panics_of(context, target) {
                if seen.insert((unit, panic)) {
                    found.push(GoroutinePanic {
                        unit,
                        panic,
                        starter: start.unit,
                        start: start.node,
                        direct: unit == target,
                        recover,
                    });
                }
            }
        }
    }
    found
}

/// The calls of panic in a function and in those that it calls itself, where nothing recovers.
fn panics_of(context: &Context<'_>, target: UnitId) -> Vec<(UnitId, NodeId)> {
    let flow = context.flow;
    if recovering_defer(context, target).is_some() {
        return Vec::new();
    }
    let mut units = vec![target];
    for observed in flow.observed_in(target) {
        if let EventKind::Run {
            target: callee,
            how: How::Call,
            ..
        } = observed.event.kind
            && !units.contains(&callee)
            && recovering_defer(context, callee).is_none()
        {
            units.push(callee);
        }
    }
    let mut found = Vec::new();
    for unit in units {
        let graph = &flow.units.get(unit).graph;
        let reachable = graph.reverse_postorder();
        let file = context.file(flow.units.get(unit).file);
        for exit in &graph.exits {
            if let Some(node) = exit.node
                && exit.kind == ExitKind::Panic
                && reachable.contains(&exit.from)
                && matches!(file.tree.expression(node), Expression::Call { function, .. }
                    if callee(context.world(), file, function) == Callee::Builtin("panic"))
            {
                found.push((unit, node));
            }
        }
    }
    found
}

/// The `defer` statement of a function whose call recovers, or may.
pub(crate) fn recovering_defer(context: &Context<'_>, id: UnitId) -> Option<NodeId> {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    defer_statements(unit).into_iter().find(|&defer| {
        let Statement::Defer { call } = file.tree.statement(defer) else {
            return false;
        };
        let Expression::Call { function, .. } = file.tree.expression(call) else {
            return false;
        };
        let function = unparenthesized(file, function);
        let target = match callee(context.world(), file, function) {
            Callee::Function(object) => context.flow.units.of_object(object),
            _ => context.flow.units.of_literal(unit.file, function),
        };
        match target {
            Some(target) => calls_recover(context, target),
            // Of other packages the name has to tell.
            None => {
                let name = context.text(unit.file, function).to_ascii_lowercase();
                ["recover", "crash", "panic", "guard", "protect", "catch"]
                    .iter()
                    .any(|word| name.contains(word))
            }
        }
    })
}

/// Whether a function calls recover itself.
fn calls_recover(context: &Context<'_>, id: UnitId) -> bool {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let mut found = false;
    walk(unit, |node, _| {
        found |= file.tree.kind(node) == NodeKind::CallExpr
            && matches!(file.tree.expression(node), Expression::Call { function, .. }
                if callee(context.world(), file, function) == Callee::Builtin("recover"));
    });
    // Of another package, or of this one: a helper that says what it does, as `utilruntime.HandleCrash`.
    if !found && unit.is_literal() {
        walk_all(file.tree, unit.body, |node| {
            if file.tree.kind(node) == NodeKind::CallExpr
                && let Expression::Call { function, .. } = file.tree.expression(node)
            {
                let name = context.text(unit.file, function).to_ascii_lowercase();
                found |= name.contains("recover") || name.contains("handlecrash");
            }
        });
    }
    found
}

/// The finding, but for its message and help.
pub(crate) fn finding(
    context: &Context<'_>,
    rule: &Rule,
    found: &GoroutinePanic,
    message: String,
) -> Diagnostic {
    let flow = context.flow;
    let file = flow.units.get(found.unit).file;
    let starter = flow.units.get(found.starter).file;
    let begin = context.span(starter, found.start).start;
    rule.diagnostic(context.path(file), context.span(file, found.panic), message)
        .in_function(context.function(found.unit))
        .operation(context.text(file, found.panic))
        .step(
            context.path(starter),
            Span::new(begin, begin + 2),
            "the goroutine starts here",
        )
        .step(
            context.path(file),
            context.span(file, found.panic),
            "nothing in it recovers this panic, so the process ends",
        )
}
