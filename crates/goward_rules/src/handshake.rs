//! Whether two sides of a channel have agreed, by a field, that one of them is there already.

use goward_flow::{EventKind, How, Observed, UnitId};
use goward_syntax::{Expression, NodeId, Statement};
use goward_types::ObjectId;
use rustc_hash::FxHashSet;

use crate::context::Context;

/// Whether a wait stands in a branch that depends on a field which the other side sets: that may be how
/// it says that it is there already.
pub(crate) fn agreed_upon(context: &Context<'_>, wait: &Observed, other: UnitId) -> bool {
    let flow = context.flow;
    let unit = flow.units.get(wait.unit);
    let file = context.file(unit.file);
    let tree = file.tree;
    let at = tree.span(wait.event.node);
    let conditions = unit.nodes.iter().filter_map(|&(node, _)| {
        let inside = tree.span(node).contains(at.start);
        match tree.statement(node) {
            Statement::If { condition, .. } if inside => Some(condition),
            Statement::For {
                condition: Some(condition),
                ..
            } if inside => Some(condition),
            _ => None,
        }
    });
    let fields: FxHashSet<ObjectId> = conditions
        .flat_map(|condition| tree.preorder(condition))
        .filter_map(|node| file.facts.object_of(node))
        .filter(|&object| context.world().object(object).is_field())
        .collect();
    if fields.is_empty() {
        return false;
    }
    // The other side and what it calls.
    let mut sides = vec![other];
    let mut next = 0;
    while let Some(&side) = sides.get(next).filter(|_| next < MOST_CALLED) {
        next += 1;
        for observed in flow.observed_in(side) {
            if let EventKind::Run {
                target,
                how: How::Call,
                ..
            } = observed.event.kind
                && !sides.contains(&target)
            {
                sides.push(target);
            }
        }
    }
    sides
        .into_iter()
        .any(|side| sets_any(context, side, &fields))
}

/// How many functions that the other side calls are looked into.
const MOST_CALLED: usize = 30;

/// Whether a function sets one of these fields, as a variable or as an atomic.
fn sets_any(context: &Context<'_>, unit: UnitId, fields: &FxHashSet<ObjectId>) -> bool {
    let unit = context.flow.units.get(unit);
    let file = context.file(unit.file);
    let is_one = |place: NodeId| match file.tree.expression(place) {
        Expression::Selector { name, .. } => file
            .facts
            .object_of(name)
            .is_some_and(|object| fields.contains(&object)),
        _ => false,
    };
    unit.nodes.iter().any(|&(node, _)| {
        if let Expression::Call { function, .. } = file.tree.expression(node) {
            return matches!(file.tree.expression(function), Expression::Selector { operand, name }
            if is_one(operand) && matches!(
                file.tree.symbol(name).as_str(),
                "Store" | "Add" | "Swap" | "CompareAndSwap" | "And" | "Or"
            ));
        }
        match file.tree.statement(node) {
            Statement::Assign { left, .. } => left.iter().any(|&place| is_one(place)),
            Statement::IncrementDecrement { operand, .. } => is_one(operand),
            _ => false,
        }
    })
}
