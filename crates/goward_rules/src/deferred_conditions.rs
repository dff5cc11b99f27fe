//! Conditions in a deferred function that keep it from a map at those exits at which the map is nil:
//! `defer func() { if err == nil { m[k] = 1 } }()` and `return nil, err`.

use goward_flow::{
    EventKind, NewValue, NilWrite, Nilness, Observed, PathId, UnitId, unparenthesized,
};
use goward_syntax::{BinaryOperator, Expression, NodeId, NodeKind, Statement, Tree, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::errors::is_nil;

/// Whether one of the places that lead to an access is reached only under a condition on a variable
/// which the function around sets, and of which it is not known that it holds at this exit. A condition
/// on the root of the map itself is no such condition: what it says of the map is known anyway.
pub(crate) fn may_be_kept_from(
    context: &Context<'_>,
    observed: &Observed,
    places: impl Iterator<Item = (UnitId, NodeId)>,
    root: Option<ObjectId>,
) -> bool {
    let frame = observed.unit;
    let mut kept = false;
    for (id, node) in places {
        if id == frame {
            continue;
        }
        let unit = context.flow.units.get(id);
        let file = context.file(unit.file);
        for (condition, holds) in conditions(file.tree, unit.body, node) {
            kept |= !is_met(context, observed, file, condition, holds, root);
        }
    }
    kept
}

/// Whether a write to a map that is nil at some exits is reached at none of these.
pub(crate) fn is_kept_from_nil(context: &Context<'_>, write: &NilWrite) -> bool {
    let flow = context.flow;
    let Some(frame) = flow.units.get(write.unit).parent else {
        return false;
    };
    let mut exits = flow
        .observed_in(frame)
        .iter()
        .filter(|observed| observed.deferred == write.deferred)
        .filter(|observed| {
            let known = nilness_of(context, observed, write.root);
            !write.whole_variable || known != Some(Nilness::NotNil)
        })
        .peekable();
    let place = || std::iter::once((write.unit, write.node));
    exits.peek().is_some()
        && exits.all(|observed| may_be_kept_from(context, observed, place(), Some(write.root)))
}

/// The conditions under which control comes to a node, each with whether it holds there.
fn conditions(tree: &Tree, body: NodeId, wanted: NodeId) -> Vec<(NodeId, bool)> {
    let mut found = Vec::new();
    let at = tree.span(wanted);
    let contains = |node: NodeId| {
        let span = tree.span(node);
        span.start <= at.start && at.end <= span.end
    };
    let mut current = body;
    loop {
        let mut next = None;
        tree.for_each_child(current, |child| {
            if next.is_none() && contains(child) {
                next = Some(child);
            } else if next.is_none()
                && tree.kind(child) == NodeKind::IfStmt
                && let Statement::If {
                    condition,
                    then,
                    otherwise: None,
                    ..
                } = tree.statement(child)
                && leaves(tree, then)
            {
                found.push((condition, false));
            }
        });
        if tree.kind(current) == NodeKind::IfStmt
            && let Statement::If {
                condition,
                then,
                otherwise,
                ..
            } = tree.statement(current)
        {
            if next == Some(then) {
                found.push((condition, true));
            } else if next.is_some() && next == otherwise {
                found.push((condition, false));
            }
        }
        match next {
            Some(child) if child != current && child != wanted => current = child,
            _ => return found,
        }
    }
}

/// Whether a block ends with a return or a branch.
fn leaves(tree: &Tree, block: NodeId) -> bool {
    let mut last = None;
    tree.for_each_child(block, |child| last = Some(child));
    last.is_some_and(|last| matches!(tree.kind(last), NodeKind::ReturnStmt | NodeKind::BranchStmt))
}

/// Whether a condition has this value at the exit, as far as the function around decides it.
fn is_met(
    context: &Context<'_>,
    observed: &Observed,
    file: &TypedFile<'_>,
    condition: NodeId,
    holds: bool,
    root: Option<ObjectId>,
) -> bool {
    let tree = file.tree;
    let condition = unparenthesized(file, condition);
    match tree.expression(condition) {
        Expression::Unary {
            operator: UnaryOperator::Not,
            operand,
        } => is_met(context, observed, file, operand, !holds, root),
        Expression::Binary {
            operator: BinaryOperator::LogicalAnd,
            left,
            right,
            ..
        } if holds => [left, right]
            .iter()
            .all(|&part| is_met(context, observed, file, part, true, root)),
        Expression::Binary {
            operator: BinaryOperator::LogicalOr,
            left,
            right,
            ..
        } if !holds => [left, right]
            .iter()
            .all(|&part| is_met(context, observed, file, part, false, root)),
        Expression::Binary {
            operator: operator @ (BinaryOperator::Equal | BinaryOperator::NotEqual),
            left,
            right,
            ..
        } if is_nil(context, file, right)
            && file
                .facts
                .object_of(unparenthesized(file, left))
                .is_some_and(|object| is_set_by_frame(context, observed, object)) =>
        {
            let object = file.facts.object_of(unparenthesized(file, left));
            if object == root {
                return true;
            }
            let must_be_nil = (operator == BinaryOperator::Equal) == holds;
            match object.and_then(|object| nilness_of(context, observed, object)) {
                Some(Nilness::Nil(_) | Nilness::Tested(_)) => must_be_nil,
                Some(Nilness::NotNil) | None => !must_be_nil,
                Some(Nilness::Maybe(_)) => true,
            }
        }
        _ => !tree.preorder(condition).any(|node| {
            tree.kind(node) == NodeKind::Ident
                && file.facts.object_of(node).is_some_and(|object| {
                    Some(object) != root && is_set_by_frame(context, observed, object)
                })
        }),
    }
}

/// Whether a variable of the function that defers gets other values than that of its declaration.
fn is_set_by_frame(context: &Context<'_>, observed: &Observed, object: ObjectId) -> bool {
    let flow = context.flow;
    let inside = || {
        flow.units
            .chain(observed.unit)
            .any(|unit| flow.declared_inside(object, unit))
    };
    let set = || {
        let known = flow.lowered.variables.get(object);
        known.is_some_and(|known| known.values.len() > 1 || known.other || known.address_taken)
    };
    match context.world().object(object).kind {
        // Each return sets it.
        ObjectKind::Variable(VariableKind::Result) => inside(),
        ObjectKind::Variable(VariableKind::Local) => set() && inside(),
        _ => false,
    }
}

/// What is known at the exit of a variable.
fn nilness_of(context: &Context<'_>, observed: &Observed, object: ObjectId) -> Option<Nilness> {
    let flow = context.flow;
    let paths = flow.locks.paths();
    let path = flow
        .observed_in(observed.unit)
        .iter()
        .find_map(|event| match event.event.kind {
            EventKind::Set { path, .. }
                if paths.root(path) == Some(object) && paths.get(path).elements.is_empty() =>
            {
                Some(path)
            }
            _ => None,
        })?;
    observed.state.nilness(path)
}

/// Whether control comes to one of these places under some condition.
pub(crate) fn is_tested_before(
    context: &Context<'_>,
    frame: UnitId,
    mut places: impl Iterator<Item = (UnitId, NodeId)>,
) -> bool {
    places.any(|(id, node)| {
        let unit = context.flow.units.get(id);
        id != frame && !conditions(context.file(unit.file).tree, unit.body, node).is_empty()
    })
}

/// A field on the way to a map that is nil when a deferred literal runs, which looks it up itself, and where
/// it became so.
pub(crate) fn nil_on_the_way(
    context: &Context<'_>,
    observed: &Observed,
    map: PathId,
) -> Option<(PathId, NodeId)> {
    let flow = context.flow;
    let EventKind::Run { bindings, .. } = &observed.event.kind else {
        return None;
    };
    if !bindings.is_empty() {
        return None;
    }
    let may_be = flow.observed_in(observed.unit).iter().any(|event| {
        let paths = flow.locks.paths();
        matches!(event.event.kind, EventKind::Set { path, value: NewValue::Nil }
            if path != map && !paths.get(path).elements.is_empty() && paths.is_prefix(path, map))
    });
    if !may_be {
        return None;
    }
    // Any call may change fields; what is known before this one is what it finds.
    let mut found = None;
    flow.replay(observed.unit, |_, event, state| {
        if event.node == observed.event.node && matches!(event.kind, EventKind::Called) {
            found = found.or(state.nil_on_the_way(&flow.locks.paths(), map));
        }
    });
    found
}
