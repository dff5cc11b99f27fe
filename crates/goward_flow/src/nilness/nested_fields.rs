//! Maps within a container that is a field or package variable and never gets any: `s.m[a][b] = v` where
//! nothing in the package ever sets an `s.m[a]`.

use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{
    IdentifierFact, ObjectId, ObjectKind, Type, TypeKind, TypedFile, TypedPackage, VariableKind,
};
use rustc_hash::FxHashMap;

use crate::calls::{Callee, callee, origin, unparenthesized};
use crate::nilness::{NilReason, NilWrite};
use crate::unit::{UnitId, Units};

/// What the package does with one container.
#[derive(Default)]
struct Uses {
    /// Something else than making it empty, reading it, and writing into its maps.
    other: bool,
    /// Where it is made empty, in which file.
    made: Option<(usize, NodeId)>,
    /// The function, the inner map and the index expression.
    writes: Vec<(UnitId, NodeId, NodeId)>,
}

/// Finds the writes into inner maps that are certainly nil, as nobody sets any.
pub(crate) fn nested_fields(package: &TypedPackage<'_>, units: &Units) -> Vec<NilWrite> {
    // Most packages write no element of an element.
    let any = units.iter().any(|(_, unit)| {
        let file = &package.files[unit.file];
        unit.nodes.iter().any(|&(node, _)| {
            file.tree.kind(node) == NodeKind::IndexExpr
                && matches!(file.tree.expression(node), Expression::Index { operand, .. }
                    if file.tree.kind(unparenthesized(file, operand)) == NodeKind::IndexExpr)
        })
    });
    if !any {
        return Vec::new();
    }
    let mut uses: FxHashMap<ObjectId, Uses> = FxHashMap::default();
    for (index, file) in package.files.iter().enumerate() {
        for &declaration in file.tree.declarations() {
            let mut path = Vec::new();
            visit(file, declaration, &mut path, &mut |node, path| {
                for object in positional(package, file, node) {
                    uses.entry(object).or_default().other = true;
                }
                if let Some(object) = container(package, file, node, path) {
                    use_of(
                        package,
                        units,
                        index,
                        node,
                        path,
                        uses.entry(object).or_default(),
                    );
                }
            });
        }
    }
    let mut list: Vec<(ObjectId, Uses)> = uses.into_iter().filter(|entry| !entry.1.other).collect();
    list.sort_by_key(|(_, uses)| uses.made);
    let mut found = Vec::new();
    for (root, uses) in list {
        // Where it is made tells the reader why: without that nothing is said.
        let Some((made_in, made)) = uses.made else {
            continue;
        };
        for (unit, map, node) in uses.writes {
            if units.get(unit).file == made_in {
                found.push(NilWrite {
                    unit,
                    map,
                    node,
                    certain: true,
                    reason: NilReason::FieldLeftOut,
                    made,
                    root,
                    whole_variable: false,
                    deferred: None,
                });
            }
        }
    }
    found.sort_by_key(|write| (write.unit, write.node));
    found
}

/// Calls `found` with each node and the nodes around it, innermost last.
fn visit(
    file: &TypedFile<'_>,
    node: NodeId,
    path: &mut Vec<NodeId>,
    found: &mut dyn FnMut(NodeId, &[NodeId]),
) {
    found(node, path);
    path.push(node);
    let mut children = Vec::new();
    file.tree.for_each_child(node, |child| children.push(child));
    for child in children {
        visit(file, child, path, found);
    }
    path.pop();
}

/// The unexported field or package variable of this package, a map, slice or array of maps, that a node
/// names.
fn container(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
    path: &[NodeId],
) -> Option<ObjectId> {
    let tree = file.tree;
    let object = match tree.kind(node) {
        NodeKind::SelectorExpr => file.facts.selections.get(&node)?.object,
        NodeKind::Ident => {
            // The name of a selector has been looked at with it.
            let parent = *path.last()?;
            let of_selector = matches!(tree.expression(parent), Expression::Selector { name, .. }
                if name == node && tree.kind(parent) == NodeKind::SelectorExpr);
            if of_selector {
                return None;
            }
            match file.facts.identifier(node)? {
                IdentifierFact::Use(object) => object,
                IdentifierFact::Definition(object) => object?,
            }
        }
        _ => return None,
    };
    let world = package.world;
    let object = origin(world, object);
    let entry = world.object(object);
    let kind = matches!(
        entry.kind,
        ObjectKind::Variable(VariableKind::Field | VariableKind::Package)
    );
    if !kind || entry.is_exported() || entry.package != Some(package.package) {
        return None;
    }
    let (Type::Map { element, .. } | Type::Slice { element } | Type::Array { element, .. }) =
        world.get(world.underlying(world.object_type(object)))
    else {
        return None;
    };
    (world.underlying(element).kind() == TypeKind::Map).then_some(object)
}

/// Whether a name is that of an array: its declaration makes it.
fn is_array(package: &TypedPackage<'_>, file: &TypedFile<'_>, node: NodeId) -> bool {
    let world = package.world;
    file.facts
        .object_of(node)
        .is_some_and(|object| world.underlying(world.object_type(object)).kind() == TypeKind::Array)
}

/// The fields that a struct literal without keys sets: what it gives them is not looked at.
fn positional(package: &TypedPackage<'_>, file: &TypedFile<'_>, node: NodeId) -> Vec<ObjectId> {
    let world = package.world;
    let Expression::CompositeLiteral { elements, .. } = file.tree.expression(node) else {
        return Vec::new();
    };
    let keyed = elements
        .iter()
        .all(|&element| file.tree.kind(element) == NodeKind::KeyValueExpr);
    let literal_type = world.deref(file.facts.type_of(node)).0;
    match world.get(world.underlying(literal_type)) {
        Type::Struct(structure) if !keyed => structure
            .fields
            .iter()
            .map(|&field| origin(world, field))
            .collect(),
        _ => Vec::new(),
    }
}

/// Notes one use of a container.
fn use_of(
    package: &TypedPackage<'_>,
    units: &Units,
    index: usize,
    node: NodeId,
    path: &[NodeId],
    uses: &mut Uses,
) {
    let file = &package.files[index];
    let tree = file.tree;
    let Some(&parent) = path.last() else { return };
    let make = |value: NodeId, uses: &mut Uses| match is_empty(package, file, value) {
        true => uses.made = uses.made.or(Some((index, value))),
        false => uses.other = true,
    };
    match tree.kind(parent) {
        // Its declaration.
        NodeKind::Field => {
            if is_array(package, file, node) {
                uses.made = uses.made.or(Some((index, node)));
            }
        }
        NodeKind::ValueSpec => {
            if let Specification::Value { names, values, .. } = tree.specification(parent) {
                match (names, values) {
                    (_, []) if is_array(package, file, node) => {
                        uses.made = uses.made.or(Some((index, node)));
                    }
                    (_, []) => {}
                    (&[_], &[value]) => make(value, uses),
                    _ => uses.other = true,
                }
            }
        }
        NodeKind::KeyValueExpr => match tree.expression(parent) {
            Expression::KeyValue { key, value } if key == node => make(value, uses),
            _ => uses.other = true,
        },
        NodeKind::AssignStmt => match tree.statement(parent) {
            Statement::Assign { left, right, .. } if left.len() == right.len() => {
                match left.iter().position(|&target| target == node) {
                    Some(position) => make(right[position], uses),
                    None => uses.other = true,
                }
            }
            _ => uses.other = true,
        },
        NodeKind::RangeStmt => {
            let ranged = matches!(tree.statement(parent), Statement::Range { operand, .. }
                if operand == node);
            uses.other |= !ranged;
        }
        NodeKind::CallExpr => {
            let reads = matches!(tree.expression(parent), Expression::Call { function, .. }
                if matches!(callee(package.world, file, function), Callee::Builtin("len" | "delete" | "clear")));
            uses.other |= !reads;
        }
        NodeKind::IndexExpr => {
            let Some(&around) = path.get(path.len().wrapping_sub(2)) else {
                return;
            };
            element(package, units, index, (parent, around, path), uses);
        }
        _ => uses.other = true,
    }
}

/// A use of `c[a]`: set, written into, or read.
fn element(
    package: &TypedPackage<'_>,
    units: &Units,
    index: usize,
    (inner, around, path): (NodeId, NodeId, &[NodeId]),
    uses: &mut Uses,
) {
    let file = &package.files[index];
    let tree = file.tree;
    match tree.kind(around) {
        NodeKind::AssignStmt => {
            // `c[a] = v` makes inner maps; `in := c[a]` only reads.
            uses.other |= matches!(tree.statement(around), Statement::Assign { left, .. }
                if left.contains(&inner));
        }
        NodeKind::IndexExpr => {
            let Some(&statement) = path.get(path.len().wrapping_sub(3)) else {
                return;
            };
            let written = match tree.kind(statement) {
                NodeKind::AssignStmt => {
                    matches!(tree.statement(statement), Statement::Assign { left, .. }
                        if left.contains(&around))
                }
                NodeKind::IncDecStmt => true,
                _ => false,
            };
            let unit = path.iter().rev().find_map(|&node| match tree.kind(node) {
                NodeKind::FuncLit => units.of_literal(index, node),
                NodeKind::FuncDecl => units
                    .iter()
                    .find(|(_, unit)| unit.file == index && unit.node == node)
                    .map(|(id, _)| id),
                _ => None,
            });
            if let Some(unit) = unit.filter(|_| written) {
                uses.writes.push((unit, inner, around));
            }
        }
        // Where its address goes, or somebody is given a slice of it, inner maps may be set.
        NodeKind::UnaryExpr | NodeKind::SliceExpr => uses.other = true,
        _ => {}
    }
}

/// `make(…)` or an empty literal; a slice literal has its elements.
fn is_empty(package: &TypedPackage<'_>, file: &TypedFile<'_>, value: NodeId) -> bool {
    let value = unparenthesized(file, value);
    match file.tree.expression(value) {
        Expression::CompositeLiteral { elements, .. } => elements.is_empty(),
        Expression::Call { function, .. } => {
            callee(package.world, file, function) == Callee::Builtin("make")
        }
        _ => false,
    }
}
