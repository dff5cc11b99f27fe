//! Maps within a local map: `m[a][b] = v` where no `m[a]` is ever set.

use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, ObjectKind, TypeKind, TypedFile, TypedPackage, VariableKind};
use rustc_hash::FxHashMap;

use crate::calls::{Callee, callee, unparenthesized};
use crate::nilness::{NilReason, NilWrite};
use crate::unit::{UnitId, Units};

/// What a function does with a local map of maps.
#[derive(Default)]
struct Uses {
    /// Where it is made empty; none if it comes from elsewhere.
    made: Option<NodeId>,
    /// Something else than making it, reading it and writing into its maps.
    other: bool,
    /// The inner map, and the whole index expression.
    writes: Vec<(UnitId, NodeId, NodeId)>,
}

/// Finds the writes into inner maps that are certainly nil.
pub(crate) fn nested(package: &TypedPackage<'_>, units: &Units) -> Vec<NilWrite> {
    let mut found = Vec::new();
    let mut uses: FxHashMap<ObjectId, Uses> = FxHashMap::default();
    for (id, unit) in units.iter() {
        let file = &package.files[unit.file];
        visit(package, file, units, id, unit.body, None, &mut uses);
    }
    let mut list: Vec<(&ObjectId, &Uses)> = uses.iter().collect();
    list.sort_by_key(|(_, uses)| uses.made);
    for (root, uses) in list {
        let Some(made) = uses.made.filter(|_| !uses.other) else {
            continue;
        };
        found.extend(uses.writes.iter().map(|&(unit, map, node)| NilWrite {
            unit,
            map,
            node,
            certain: true,
            reason: NilReason::FieldLeftOut,
            made,
            root: *root,
            whole_variable: false,
            deferred: None,
        }));
    }
    found.sort_by_key(|write| (write.unit, write.node));
    found
}

/// Walks a body; `parent` is the node around `node`.
fn visit(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    units: &Units,
    unit: UnitId,
    node: NodeId,
    parent: Option<NodeId>,
    uses: &mut FxHashMap<ObjectId, Uses>,
) {
    let tree = file.tree;
    if tree.kind(node) == NodeKind::FuncLit && node != units.get(unit).node {
        return;
    }
    match tree.kind(node) {
        NodeKind::AssignStmt => {
            if let Statement::Assign { left, right, .. } = tree.statement(node)
                && left.len() == right.len()
            {
                for (&target, &value) in left.iter().zip(right) {
                    definition(package, file, target, Some(value), uses);
                    element_write(package, file, unit, target, uses);
                }
            }
        }
        NodeKind::IncDecStmt => {
            if let Statement::IncrementDecrement { operand, .. } = tree.statement(node) {
                element_write(package, file, unit, operand, uses);
            }
        }
        NodeKind::ValueSpec => {
            if let Specification::Value { names, values, .. } = tree.specification(node)
                && names.len() == values.len()
            {
                for (&name, &value) in names.iter().zip(values) {
                    definition(package, file, name, Some(value), uses);
                }
            }
        }
        NodeKind::Ident => {
            if let Some(object) = map_of_maps(package, file, node)
                && !is_plain_use(package, file, node, parent)
            {
                uses.entry(object).or_default().other = true;
            }
        }
        _ => {}
    }
    let mut children = Vec::new();
    tree.for_each_child(node, |child| children.push(child));
    for child in children {
        visit(package, file, units, unit, child, Some(node), uses);
    }
}

/// The local variable of type map-of-maps that an identifier stands for.
fn map_of_maps(package: &TypedPackage<'_>, file: &TypedFile<'_>, node: NodeId) -> Option<ObjectId> {
    let world = package.world;
    if file.tree.kind(node) != NodeKind::Ident {
        return None;
    }
    let object = file.facts.object_of(node)?;
    let local = world.object(object).kind == ObjectKind::Variable(VariableKind::Local);
    let outer = world.underlying(world.object_type(object));
    let goward_types::Type::Map { element, .. } = world.get(outer) else {
        return None;
    };
    (local && world.underlying(element).kind() == TypeKind::Map).then_some(object)
}

/// `m := make(map…)` or an empty literal; anything else is another use.
fn definition(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    target: NodeId,
    value: Option<NodeId>,
    uses: &mut FxHashMap<ObjectId, Uses>,
) {
    let Some(object) = map_of_maps(package, file, target) else {
        return;
    };
    let value = value.map(|value| unparenthesized(file, value));
    let empty = value.is_some_and(|value| match file.tree.expression(value) {
        Expression::CompositeLiteral { elements, .. } => elements.is_empty(),
        Expression::Call { function, .. } => {
            callee(package.world, file, function) == Callee::Builtin("make")
        }
        _ => false,
    });
    let entry = uses.entry(object).or_default();
    if empty && entry.made.is_none() {
        entry.made = value;
    } else {
        entry.other = true;
    }
}

/// `m[a][b] = v`; `m[a] = v` makes inner maps, so that nothing is certain.
fn element_write(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    unit: UnitId,
    target: NodeId,
    uses: &mut FxHashMap<ObjectId, Uses>,
) {
    let target = unparenthesized(file, target);
    let Expression::Index { operand, .. } = file.tree.expression(target) else {
        return;
    };
    if let Some(object) = map_of_maps(package, file, operand) {
        uses.entry(object).or_default().other = true;
        return;
    }
    let operand = unparenthesized(file, operand);
    if let Expression::Index { operand: outer, .. } = file.tree.expression(operand)
        && let Some(object) = map_of_maps(package, file, outer)
    {
        uses.entry(object)
            .or_default()
            .writes
            .push((unit, operand, target));
    }
}

/// Whether the identifier only reads the map, or stands where the map is made or returned.
fn is_plain_use(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
    parent: Option<NodeId>,
) -> bool {
    let tree = file.tree;
    let Some(parent) = parent else { return false };
    match tree.kind(parent) {
        NodeKind::IndexExpr => {
            matches!(tree.expression(parent), Expression::Index { operand, .. } if operand == node)
        }
        NodeKind::ReturnStmt | NodeKind::ValueSpec => true,
        NodeKind::AssignStmt => {
            matches!(tree.statement(parent), Statement::Assign { left, .. } if left.contains(&node))
        }
        NodeKind::CallExpr => match tree.expression(parent) {
            Expression::Call { function, .. } => {
                matches!(
                    callee(package.world, file, function),
                    Callee::Builtin("len" | "delete")
                )
            }
            _ => false,
        },
        _ => false,
    }
}
