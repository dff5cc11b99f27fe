//! Maps within a local container that never gets any: `m[a][b] = v` where no `m[a]` is ever set, for
//! a map, slice or array `m` of maps.

use goward_syntax::{AssignOperator, Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, ObjectKind, Type, TypeKind, TypedFile, TypedPackage, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{Callee, callee, unparenthesized};
use crate::nilness::{NilReason, NilWrite};
use crate::unit::{UnitId, Units};

/// What a function does with a local container of maps.
#[derive(Default)]
struct Uses {
    /// Where it is made empty; none if it comes from elsewhere.
    made: Option<NodeId>,
    /// Something else than making it, reading it and writing into its maps.
    other: bool,
    /// The inner map, and the whole index expression.
    writes: Vec<(UnitId, NodeId, NodeId)>,
}

/// The containers of a package, and variables that hold one of their elements.
#[derive(Default)]
struct Containers {
    uses: FxHashMap<ObjectId, Uses>,
    /// `in := m[k]`: the variable, and the container.
    elements: FxHashMap<ObjectId, ObjectId>,
    /// Such variables that are set again, tested, or used in a way that is not understood.
    lost: FxHashSet<ObjectId>,
    element_writes: Vec<(ObjectId, UnitId, NodeId, NodeId)>,
}

/// Finds the writes into inner maps that are certainly nil.
pub(crate) fn nested(package: &TypedPackage<'_>, units: &Units) -> Vec<NilWrite> {
    // Most packages have no such containers.
    let any = units.iter().any(|(_, unit)| {
        let file = &package.files[unit.file];
        unit.nodes.iter().any(|&(node, _)| {
            file.tree.kind(node) == NodeKind::IndexExpr
                && matches!(file.tree.expression(node), Expression::Index { operand, .. }
                    if container(package, file, operand).is_some())
        })
    });
    if !any {
        return Vec::new();
    }
    let mut containers = Containers::default();
    // Elements first: what is done with them is known only then.
    for (id, unit) in units.iter() {
        let file = &package.files[unit.file];
        containers.elements_of(package, file, units, id, unit.body);
    }
    for (id, unit) in units.iter() {
        let file = &package.files[unit.file];
        containers.visit(package, file, units, id, unit.body, None);
    }
    for &(variable, unit, map, node) in &containers.element_writes {
        if !containers.lost.contains(&variable)
            && let Some(uses) = containers
                .elements
                .get(&variable)
                .and_then(|container| containers.uses.get_mut(container))
        {
            uses.writes.push((unit, map, node));
        }
    }
    let mut list: Vec<(&ObjectId, &Uses)> = containers.uses.iter().collect();
    list.sort_by_key(|(_, uses)| uses.made);
    let mut found = Vec::new();
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

impl Containers {
    /// Collects variables that are defined once as an element of a container.
    fn elements_of(
        &mut self,
        package: &TypedPackage<'_>,
        file: &TypedFile<'_>,
        units: &Units,
        unit: UnitId,
        body: NodeId,
    ) {
        let tree = file.tree;
        let mut pending = vec![body];
        while let Some(node) = pending.pop() {
            if tree.kind(node) == NodeKind::FuncLit && node != units.get(unit).node {
                continue;
            }
            if tree.kind(node) == NodeKind::AssignStmt
                && let Statement::Assign {
                    operator: AssignOperator::Define,
                    left: &[target],
                    right: &[value],
                    ..
                } = tree.statement(node)
                && let Expression::Index { operand, .. } =
                    tree.expression(unparenthesized(file, value))
                && let Some(container) = container(package, file, operand)
                && let Some(variable) = file.facts.object_of(target)
            {
                self.elements.insert(variable, container);
            }
            tree.for_each_child(node, |child| pending.push(child));
        }
    }

    /// Walks a body; `parent` is the node around `node`.
    fn visit(
        &mut self,
        package: &TypedPackage<'_>,
        file: &TypedFile<'_>,
        units: &Units,
        unit: UnitId,
        node: NodeId,
        parent: Option<NodeId>,
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
                        self.definition(package, file, target, Some(value));
                        self.element_write(package, file, unit, target);
                    }
                }
            }
            NodeKind::IncDecStmt => {
                if let Statement::IncrementDecrement { operand, .. } = tree.statement(node) {
                    self.element_write(package, file, unit, operand);
                }
            }
            NodeKind::ValueSpec => {
                if let Specification::Value { names, values, .. } = tree.specification(node) {
                    for (position, &name) in names.iter().enumerate() {
                        if values.is_empty() || names.len() == values.len() {
                            self.definition(package, file, name, values.get(position).copied());
                        }
                    }
                }
            }
            NodeKind::Ident => self.identifier(package, file, node, parent),
            _ => {}
        }
        let mut children = Vec::new();
        tree.for_each_child(node, |child| children.push(child));
        for child in children {
            self.visit(package, file, units, unit, child, Some(node));
        }
    }

    fn identifier(
        &mut self,
        package: &TypedPackage<'_>,
        file: &TypedFile<'_>,
        node: NodeId,
        parent: Option<NodeId>,
    ) {
        if let Some(object) = container(package, file, node)
            && !is_plain_use(package, file, node, parent)
        {
            self.uses.entry(object).or_default().other = true;
        }
        let object = file.facts.object_of(node);
        if let Some(object) = object.filter(|object| self.elements.contains_key(object)) {
            let definition = package.world.object(object).offset == file.tree.span(node).start;
            let indexed = parent.is_some_and(|parent| {
                matches!(file.tree.expression(parent), Expression::Index { operand, .. } if operand == node)
            });
            if !definition && !indexed {
                self.lost.insert(object);
            }
        }
    }

    /// `m := make(map…)`, an empty literal or an array without a value; anything else is another use.
    fn definition(
        &mut self,
        package: &TypedPackage<'_>,
        file: &TypedFile<'_>,
        target: NodeId,
        value: Option<NodeId>,
    ) {
        let Some(object) = container(package, file, target) else {
            return;
        };
        let world = package.world;
        let value = value.map(|value| unparenthesized(file, value));
        let empty = match value.map(|value| (value, file.tree.expression(value))) {
            Some((value, Expression::CompositeLiteral { elements, .. })) => {
                // An array literal has all of its elements, those of a slice are what is written.
                elements.is_empty()
                    && world.underlying(file.facts.type_of(value)).kind() != TypeKind::Slice
            }
            Some((_, Expression::Call { function, .. })) => {
                callee(world, file, function) == Callee::Builtin("make")
            }
            Some(_) => false,
            None => world.underlying(world.object_type(object)).kind() == TypeKind::Array,
        };
        let entry = self.uses.entry(object).or_default();
        if empty && entry.made.is_none() {
            entry.made = Some(value.unwrap_or(target));
        } else {
            entry.other = true;
        }
    }

    /// `m[a][b] = v`; `m[a] = v` makes inner maps, so that nothing is certain.
    fn element_write(
        &mut self,
        package: &TypedPackage<'_>,
        file: &TypedFile<'_>,
        unit: UnitId,
        target: NodeId,
    ) {
        let target = unparenthesized(file, target);
        let Expression::Index { operand, .. } = file.tree.expression(target) else {
            return;
        };
        if let Some(object) = container(package, file, operand) {
            self.uses.entry(object).or_default().other = true;
            return;
        }
        let operand = unparenthesized(file, operand);
        match file.tree.expression(operand) {
            Expression::Index { operand: outer, .. } => {
                if let Some(object) = container(package, file, outer) {
                    let uses = self.uses.entry(object).or_default();
                    uses.writes.push((unit, operand, target));
                }
            }
            Expression::Identifier => {
                if let Some(object) = file.facts.object_of(operand)
                    && self.elements.contains_key(&object)
                {
                    self.element_writes.push((object, unit, operand, target));
                }
            }
            _ => {}
        }
    }
}

/// The local variable of type map, slice or array of maps that an identifier stands for.
fn container(package: &TypedPackage<'_>, file: &TypedFile<'_>, node: NodeId) -> Option<ObjectId> {
    let world = package.world;
    if file.tree.kind(node) != NodeKind::Ident {
        return None;
    }
    let object = file.facts.object_of(node)?;
    let local = world.object(object).kind == ObjectKind::Variable(VariableKind::Local);
    let (Type::Map { element, .. } | Type::Slice { element } | Type::Array { element, .. }) =
        world.get(world.underlying(world.object_type(object)))
    else {
        return None;
    };
    (local && world.underlying(element).kind() == TypeKind::Map).then_some(object)
}

/// Whether the identifier only reads the container, or stands where it is made or returned.
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
