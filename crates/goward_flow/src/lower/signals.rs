//! What a goroutine tells and is told by channels: which ones end it, and which ones say that it has waited
//! for others.

use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, TypedFile, TypedPackage, VariableKind};

use crate::calls::{Callee, callee, unparenthesized};
use crate::event::Spawn;
use crate::path::Variables;
use crate::unit::Units;

/// Channels without a buffer, in local variables, from which the goroutine receives only to end at once. Who
/// could send on one meets it where it waits, and then it is over.
pub(super) fn ends(
    package: &TypedPackage<'_>,
    units: &Units,
    variables: &Variables,
    spawn: &Spawn,
) -> Vec<ObjectId> {
    let target = units.get(spawn.target);
    let starter = units.get(spawn.unit);
    let file = &package.files[target.file];
    let tree = file.tree;
    let started = &package.files[starter.file];
    let at = started.tree.span(spawn.node);
    // Of several, each ends one.
    let several = spawn.many
        || starter.nodes.iter().any(|&(node, _)| {
            matches!(
                started.tree.kind(node),
                NodeKind::ForStmt | NodeKind::RangeStmt
            ) && started.tree.span(node).contains(at.start)
        });
    // What is deferred comes after the return.
    let defers = target.nodes.iter().any(|&(node, parent)| {
        tree.kind(node) == NodeKind::CallExpr
            && tree.kind(parent) == NodeKind::DeferStmt
            && matches!(tree.expression(node), Expression::Call { function, .. }
                if tree.kind(function) == NodeKind::FuncLit)
    });
    if several || defers || !target.is_literal() {
        return Vec::new();
    }
    let mut ends: Vec<ObjectId> = Vec::new();
    let mut other: Vec<ObjectId> = Vec::new();
    for &(node, parent) in &target.nodes {
        let Some(channel) = received(package, file, node) else {
            continue;
        };
        let last = match tree.kind(parent) {
            NodeKind::ExprStmt => is_last(target, tree, parent),
            _ => false,
        };
        match last && is_unbuffered(package, variables, channel) {
            true => ends.push(channel),
            false => other.push(channel),
        }
    }
    ends.retain(|channel| !other.contains(channel));
    // Somebody else who receives may be the one that is met.
    ends.retain(|&channel| {
        units.iter().all(|(id, unit)| {
            id == spawn.target
                || unit.nodes.iter().all(|&(node, _)| {
                    received(package, &package.files[unit.file], node) != Some(channel)
                })
        })
    });
    ends
}

/// Channels on which the goroutine sends, or which it closes, after it has waited for a group.
pub(super) fn passes_on(package: &TypedPackage<'_>, units: &Units, spawn: &Spawn) -> Vec<ObjectId> {
    let target = units.get(spawn.target);
    let file = &package.files[target.file];
    let tree = file.tree;
    let waited = target.nodes.iter().find_map(|&(node, parent)| {
        let plain = tree.kind(parent) == NodeKind::ExprStmt
            && target
                .nodes
                .iter()
                .any(|&(inner, around)| inner == parent && around == target.body);
        (plain && is_wait(file, node)).then(|| tree.span(node).end)
    });
    let Some(waited) = waited else {
        return Vec::new();
    };
    let mut told = Vec::new();
    let mut early = Vec::new();
    for &(node, parent) in &target.nodes {
        let channel = match tree.kind(node) {
            NodeKind::SendStmt => match tree.statement(node) {
                Statement::Send { channel, .. } => channel,
                _ => continue,
            },
            NodeKind::CallExpr => match tree.expression(node) {
                Expression::Call {
                    function,
                    arguments: &[channel],
                    ..
                } if callee(package.world, file, function) == Callee::Builtin("close") => channel,
                _ => continue,
            },
            _ => continue,
        };
        let Some(object) = channel_of(package, file, channel) else {
            continue;
        };
        let behind = tree.kind(parent) == NodeKind::DeferStmt || tree.span(node).start >= waited;
        match behind {
            true => told.push(object),
            false => early.push(object),
        }
    }
    told.retain(|object| !early.contains(object));
    told
}

/// The channel in a variable or field that an expression names.
fn channel_of(package: &TypedPackage<'_>, file: &TypedFile<'_>, node: NodeId) -> Option<ObjectId> {
    let node = unparenthesized(file, node);
    let object = match file.tree.expression(node) {
        Expression::Identifier => file.facts.object_of(node)?,
        Expression::Selector { name, .. } => match file.facts.selections.get(&node) {
            Some(selection) => selection.object,
            None => file.facts.object_of(name)?,
        },
        _ => return None,
    };
    Some(crate::calls::origin(package.world, object))
}

fn received(package: &TypedPackage<'_>, file: &TypedFile<'_>, node: NodeId) -> Option<ObjectId> {
    if file.tree.kind(node) == NodeKind::RangeStmt
        && let Statement::Range { operand, .. } = file.tree.statement(node)
    {
        return channel_of(package, file, operand);
    }
    if file.tree.kind(node) != NodeKind::UnaryExpr {
        return None;
    }
    match file.tree.expression(node) {
        Expression::Unary {
            operator: UnaryOperator::Receive,
            operand,
        } => channel_of(package, file, operand),
        _ => None,
    }
}

/// Whether the goroutine does nothing with what it shares once it has received here: it returns at once, but for
/// calls such as that of `Stop`.
fn is_last(unit: &crate::unit::Unit, tree: &goward_syntax::Tree, receive: NodeId) -> bool {
    let parent = |node: NodeId| {
        let entry = unit.nodes.iter().find(|entry| entry.0 == node);
        entry.map(|entry| entry.1)
    };
    let Some(around) = parent(receive) else {
        return false;
    };
    let rest: Vec<NodeId> = match tree.statement(around) {
        Statement::CommunicationClause { body, .. }
            if tree.kind(around) == NodeKind::CommClause =>
        {
            let ended = body
                .last()
                .is_some_and(|&last| tree.kind(last) == NodeKind::ReturnStmt);
            if !ended {
                return false;
            }
            body.to_vec()
        }
        Statement::Block { statements } if around == unit.body => statements
            .iter()
            .copied()
            .skip_while(|&statement| statement != receive)
            .skip(1)
            .collect(),
        _ => return false,
    };
    rest.iter()
        .all(|&statement| match tree.statement(statement) {
            Statement::Return { results: [] } => true,
            Statement::Expression { expression } => matches!(
                tree.expression(expression),
                Expression::Call { function, arguments: [], .. }
                    if tree.kind(function) == NodeKind::SelectorExpr
            ),
            _ => false,
        })
}

fn is_unbuffered(package: &TypedPackage<'_>, variables: &Variables, channel: ObjectId) -> bool {
    let local = package.world.object(channel).kind == ObjectKind::Variable(VariableKind::Local);
    variables
        .single(channel)
        .filter(|_| local)
        .is_some_and(|(index, value)| {
            let file = &package.files[index];
            matches!(
                file.tree.expression(unparenthesized(file, value)),
                Expression::Call { function, arguments: [_], .. }
                    if callee(package.world, file, function) == Callee::Builtin("make")
            )
        })
}

/// Whether a call waits for a group: `wg.Wait()`.
fn is_wait(file: &TypedFile<'_>, node: NodeId) -> bool {
    if file.tree.kind(node) != NodeKind::CallExpr {
        return false;
    }
    let Expression::Call {
        function,
        arguments: [],
        ..
    } = file.tree.expression(node)
    else {
        return false;
    };
    matches!(
        file.tree.expression(unparenthesized(file, function)),
        Expression::Selector { name, .. } if file.tree.symbol(name).as_str() == "Wait"
    )
}
