//! Two places of one function of which a call of it reaches one at most.

use goward_flow::UnitId;
use goward_syntax::{NodeId, NodeKind, Statement};
use goward_types::{ObjectKind, VariableKind};

use crate::context::Context;

/// Whether two places lie in the two branches of an `if` whose condition is the same each time that one
/// call of the function comes to it: `if !parallel { … } else { go … }` in a loop.
pub(crate) fn exclude_each_other(
    context: &Context<'_>,
    id: UnitId,
    one: NodeId,
    other: NodeId,
) -> bool {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let tree = file.tree;
    let (one, other) = (tree.span(one).start, tree.span(other).start);
    unit.nodes.iter().any(|&(node, _)| {
        if tree.kind(node) != NodeKind::IfStmt || !tree.span(node).contains(one) {
            return false;
        }
        let Statement::If {
            condition,
            then,
            otherwise: Some(otherwise),
            ..
        } = tree.statement(node)
        else {
            return false;
        };
        let (then, otherwise) = (tree.span(then), tree.span(otherwise));
        let apart = then.contains(one) && otherwise.contains(other)
            || then.contains(other) && otherwise.contains(one);
        apart && is_fixed(context, id, condition)
    })
}

/// Whether a condition reads nothing but variables that keep their value while the function runs.
fn is_fixed(context: &Context<'_>, id: UnitId, condition: NodeId) -> bool {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let file = context.file(unit.file);
    file.tree.preorder(condition).all(|node| {
        match file.tree.kind(node) {
            NodeKind::CallExpr
            | NodeKind::SelectorExpr
            | NodeKind::IndexExpr
            | NodeKind::StarExpr => {
                return false;
            }
            NodeKind::Ident => {}
            _ => return true,
        }
        let Some(object) = file.facts.object_of(node) else {
            return false;
        };
        let known = flow.lowered.variables.get(object);
        let changes = |most: usize| {
            known.is_some_and(|known| {
                known.values.len() > most || known.other || known.address_taken
            })
        };
        match context.world().object(object).kind {
            ObjectKind::Variable(VariableKind::Parameter | VariableKind::Receiver) => !changes(0),
            // Declared in the loop it is another variable in each turn.
            ObjectKind::Variable(_) => false,
            _ => true,
        }
    })
}
