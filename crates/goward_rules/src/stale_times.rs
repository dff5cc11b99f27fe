//! Durations that are measured where a call is deferred, and not where it runs.

use goward_flow::{Callee, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind};
use goward_types::TypedFile;

use crate::context::Context;

/// Whether an argument calls `time.Since` to get its value, or `time.Now().Sub`; a literal in it runs
/// later.
pub(crate) fn holds_time_since(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    argument: NodeId,
) -> bool {
    let tree = file.tree;
    match tree.kind(argument) {
        NodeKind::FuncLit => return false,
        NodeKind::CallExpr => {
            if let Expression::Call { function, .. } = tree.expression(argument)
                && (is_of_time(context, file, function, "Since")
                    || is_now_sub(context, file, function))
            {
                return true;
            }
        }
        _ => {}
    }
    let mut found = false;
    tree.for_each_child(argument, |child| {
        found |= holds_time_since(context, file, child);
    });
    found
}

/// `time.Now().Sub`.
fn is_now_sub(context: &Context<'_>, file: &TypedFile<'_>, function: NodeId) -> bool {
    if !is_of_time(context, file, function, "Sub") {
        return false;
    }
    let Expression::Selector { operand, .. } =
        file.tree.expression(unparenthesized(file, function))
    else {
        return false;
    };
    let operand = unparenthesized(file, operand);
    file.tree.kind(operand) == NodeKind::CallExpr
        && matches!(file.tree.expression(operand), Expression::Call { function, .. }
            if is_of_time(context, file, function, "Now"))
}

fn is_of_time(context: &Context<'_>, file: &TypedFile<'_>, function: NodeId, name: &str) -> bool {
    let Callee::Function(object) = callee(context.world(), file, function) else {
        return false;
    };
    let entry = context.world().object(object);
    let path = entry
        .package
        .map(|package| context.world().package(package).path.as_str());
    (path, entry.name.as_str()) == (Some("time"), name)
}
