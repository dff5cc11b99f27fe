//! What the source says of the turns of a loop: that it never ends by itself, that it has one turn
//! at least.

use goward_syntax::{AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::constant::Value;
use goward_types::{TypedFile, World};

use crate::calls::{Callee, callee, unparenthesized};
use crate::unit::named_behind;

/// Whether a `range` over this never comes to an end: the channel of a ticker is never closed, not by
/// `Stop` either.
pub(super) fn is_endless(world: &World, file: &TypedFile<'_>, operand: NodeId) -> bool {
    let in_time = |object: goward_types::ObjectId, wanted: &str| {
        let known = world.object(object);
        known.name.as_str() == wanted
            && known
                .package
                .is_some_and(|package| world.package(package).path.as_str() == "time")
    };
    match file.tree.expression(unparenthesized(file, operand)) {
        Expression::Selector {
            operand: ticker,
            name,
        } if file.tree.symbol(name).as_str() == "C" => {
            let ticker = file.facts.type_of(ticker);
            ticker.is_known()
                && named_behind(world, ticker).is_some_and(|object| in_time(object, "Ticker"))
        }
        Expression::Call { function, .. } => {
            matches!(callee(world, file, function), Callee::Function(object) if in_time(object, "Tick"))
        }
        _ => false,
    }
}

/// Whether a `range` has one turn at least: over a constant number or text, or over a literal list.
pub(super) fn ranges_once(file: &TypedFile<'_>, operand: NodeId) -> bool {
    let operand = unparenthesized(file, operand);
    match file.facts.get(operand).and_then(|known| known.value) {
        Some(Value::Int(times)) => return *times > 0,
        Some(Value::String(text)) => return !text.is_empty(),
        _ => {}
    }
    file.tree.kind(operand) == NodeKind::CompositeLit
        && matches!(file.tree.expression(operand),
            Expression::CompositeLiteral { elements, .. } if !elements.is_empty())
}

/// Whether the condition of a `for` statement holds before its first turn: `for i := 0; i < 3; i++`.
pub(super) fn holds_at_first(file: &TypedFile<'_>, initial: NodeId, condition: NodeId) -> bool {
    let tree = file.tree;
    let number = |node: NodeId| match file.facts.get(node).and_then(|known| known.value) {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    let Statement::Assign {
        operator: AssignOperator::Define | AssignOperator::Assign,
        left: &[variable],
        right: &[value],
        ..
    } = tree.statement(initial)
    else {
        return false;
    };
    let Expression::Binary {
        operator,
        left,
        right,
        ..
    } = tree.expression(unparenthesized(file, condition))
    else {
        return false;
    };
    let (Some(first), Some(bound)) = (number(value), number(right)) else {
        return false;
    };
    let counted = file.facts.object_of(unparenthesized(file, left));
    counted.is_some()
        && counted == file.facts.object_of(variable)
        && match operator {
            BinaryOperator::Less => first < bound,
            BinaryOperator::LessEqual => first <= bound,
            BinaryOperator::Greater => first > bound,
            BinaryOperator::GreaterEqual => first >= bound,
            BinaryOperator::NotEqual => first != bound,
            _ => false,
        }
}
