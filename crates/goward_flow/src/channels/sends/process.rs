//! Functions that are called at the end of `main` only: the process ends as soon as they return, and
//! with it whoever is left behind.

use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedPackage};

use crate::calls::unparenthesized;
use crate::launches::{Launches, StartKind};
use crate::unit::{UnitId, Units};

/// Calls within calls are followed this far up.
const HIGHEST: usize = 4;

/// Whether the process ends when a function of a command returns.
pub(super) fn ends_the_process(
    package: &TypedPackage<'_>,
    units: &Units,
    launches: &Launches,
    id: UnitId,
    depth: usize,
) -> bool {
    let unit = units.get(id);
    let is_command = || package.world.package(package.package).name().as_str() == "main";
    if unit.is_literal() || depth > HIGHEST || !is_command() {
        return false;
    }
    if unit.name == "main" {
        return true;
    }
    let Some(object) = unit.object else {
        return false;
    };
    let starts = launches.of(id);
    !starts.is_empty()
        && starts.iter().all(|start| {
            start.kind == StartKind::Call
                && is_last(package, units, start.unit, start.call)
                && ends_the_process(package, units, launches, start.unit, depth + 1)
        })
        && starts.len() == uses(package, object)
}

/// How often a function is named in its package: where it is given away, somebody else calls it.
fn uses(package: &TypedPackage<'_>, object: ObjectId) -> usize {
    let name = package.world.object(object).name;
    let mut count = 0;
    for file in &package.files {
        if !file.mentions(name.as_str()) {
            continue;
        }
        let used = file.facts.used().filter(|&used| used == object);
        count += used.count();
    }
    count
}

/// Whether nothing but a report and the end follows on a call.
fn is_last(package: &TypedPackage<'_>, units: &Units, id: UnitId, call: NodeId) -> bool {
    let unit = units.get(id);
    let file = &package.files[unit.file];
    let tree = file.tree;
    let Statement::Block { statements } = tree.statement(unit.body) else {
        return false;
    };
    let wanted = tree.span(call);
    let Some(position) = statements.iter().position(|&statement| {
        let span = tree.span(statement);
        span.start <= wanted.start && wanted.end <= span.end
    }) else {
        return false;
    };
    let in_loop = tree.preorder(statements[position]).any(|node| {
        let body = match tree.kind(node) {
            NodeKind::ForStmt | NodeKind::RangeStmt => match tree.statement(node) {
                Statement::For { body, .. } | Statement::Range { body, .. } => body,
                _ => return false,
            },
            NodeKind::FuncLit | NodeKind::GoStmt => node,
            _ => return false,
        };
        let span = tree.span(body);
        span.start <= wanted.start && wanted.end <= span.end
    });
    let after = statements[position..]
        .iter()
        .flat_map(|&statement| tree.preorder(statement));
    !in_loop
        && after
            .filter(|&node| tree.span(node).start >= wanted.end)
            .all(|node| match tree.kind(node) {
                NodeKind::ForStmt
                | NodeKind::RangeStmt
                | NodeKind::SelectStmt
                | NodeKind::GoStmt
                | NodeKind::SendStmt => false,
                NodeKind::CallExpr => tells_or_ends(file, node),
                NodeKind::UnaryExpr => !matches!(
                    tree.expression(node),
                    Expression::Unary {
                        operator: goward_syntax::UnaryOperator::Receive,
                        ..
                    }
                ),
                _ => true,
            })
}

/// Whether a call prints, flushes or ends, by its name: it does not go on for long.
fn tells_or_ends(file: &goward_types::TypedFile<'_>, call: NodeId) -> bool {
    let tree = file.tree;
    let Expression::Call { function, .. } = tree.expression(call) else {
        return false;
    };
    let function = unparenthesized(file, function);
    let name = match tree.expression(function) {
        Expression::Identifier => tree.symbol(function),
        Expression::Selector { name, .. } => tree.symbol(name),
        _ => return false,
    };
    let name = name.as_str().to_ascii_lowercase();
    [
        "exit", "fatal", "print", "fprint", "panic", "error", "warn", "info", "debug", "log",
        "sync", "flush", "close", "is", "as", "len", "string",
    ]
    .iter()
    .any(|known| {
        name.strip_prefix(known).is_some_and(|rest| {
            matches!(rest, "" | "f" | "ln" | "w" | "string" | "context" | "code")
        })
    })
}
