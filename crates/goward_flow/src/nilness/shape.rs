//! Which values of unknown type are maps all the same, by what is done to them.
//!
//! Where a dependency is missing its types are unknown, and `m[k] = v` may set an element of a map, a
//! slice or an array. Some uses leave no doubt: an index that is a string, `v, ok := m[k]`,
//! `delete(m, k)`, and setting an element of what was made by an empty literal and is given back
//! beside a plain nil.

use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, ObjectKind, TypedFile, TypedPackage, World};
use rustc_hash::FxHashSet;

use crate::calls::{Callee, callee, unparenthesized};
use crate::unit::{Unit, Units};

/// Variables and results of unknown type that hold maps.
#[derive(Clone, Debug, Default)]
pub(crate) struct MapShapes {
    variables: FxHashSet<ObjectId>,
    /// Functions and numbers of their results.
    results: FxHashSet<(ObjectId, usize)>,
}

impl MapShapes {
    /// Looks through a package.
    pub(crate) fn new(package: &TypedPackage<'_>, units: &Units) -> MapShapes {
        let mut shapes = MapShapes::default();
        // Most packages know all of their types.
        let unknown = package.files.iter().any(|file| {
            file.facts.defined().any(|object| {
                matches!(package.world.object(object).kind, ObjectKind::Variable(_))
                    && !package.world.object_type(object).is_known()
            })
        });
        if !unknown {
            return shapes;
        }
        let mut emptied = FxHashSet::default();
        let mut indexed = FxHashSet::default();
        for (_, unit) in units.iter().filter(|(_, unit)| !unit.is_literal()) {
            let file = &package.files[unit.file];
            for node in file.tree.preorder(unit.body) {
                shapes.use_of(package.world, file, node);
                literal_and_index(package.world, file, node, &mut emptied, &mut indexed);
            }
        }
        shapes
            .variables
            .extend(emptied.intersection(&indexed).copied());
        for (_, unit) in units.iter() {
            if let Some(function) = unit.object {
                shapes.results_of(package, unit, function);
            }
        }
        shapes
    }

    /// Whether an expression of unknown type is known to be a map.
    pub(crate) fn is_map(&self, world: &World, file: &TypedFile<'_>, node: NodeId) -> bool {
        variable_of_unknown_type(world, file, node)
            .is_some_and(|object| self.variables.contains(&object))
    }

    /// Whether a result of unknown type is known to be a map.
    pub(crate) fn gives_map(&self, function: ObjectId, result: usize) -> bool {
        self.results.contains(&(function, result))
    }

    fn use_of(&mut self, world: &World, file: &TypedFile<'_>, node: NodeId) {
        let tree = file.tree;
        let mut is_map = |node: NodeId| {
            self.variables
                .extend(variable_of_unknown_type(world, file, node));
        };
        match tree.kind(node) {
            NodeKind::IndexExpr => {
                if let Expression::Index {
                    operand,
                    indices: &[index],
                    ..
                } = tree.expression(node)
                    && is_text(world, file, index)
                {
                    is_map(operand);
                }
            }
            NodeKind::AssignStmt => {
                if let Statement::Assign {
                    left: &[_, _],
                    right: &[value],
                    ..
                } = tree.statement(node)
                    && let Expression::Index { operand, .. } =
                        tree.expression(unparenthesized(file, value))
                {
                    is_map(operand);
                }
            }
            NodeKind::CallExpr => {
                if let Expression::Call {
                    function,
                    arguments: &[map, _],
                    ..
                } = tree.expression(node)
                    && callee(world, file, function) == Callee::Builtin("delete")
                {
                    is_map(map);
                }
            }
            _ => {}
        }
    }

    /// A function that gives back a map in one place and nil in another one gives back maps.
    fn results_of(&mut self, package: &TypedPackage<'_>, unit: &Unit, function: ObjectId) {
        let file = &package.files[unit.file];
        let mut maps = FxHashSet::default();
        for node in file.tree.preorder(unit.body) {
            if file.tree.kind(node) == NodeKind::ReturnStmt
                && let Statement::Return { results } = file.tree.statement(node)
            {
                let given = results.iter().enumerate();
                maps.extend(
                    given
                        .filter(|&(_, &value)| self.is_map(package.world, file, value))
                        .map(|(position, _)| position),
                );
            }
        }
        let maps = maps.into_iter().map(|position| (function, position));
        self.results.extend(maps);
    }
}

/// The variable of unknown type that an expression stands for.
fn variable_of_unknown_type(world: &World, file: &TypedFile<'_>, node: NodeId) -> Option<ObjectId> {
    let node = unparenthesized(file, node);
    if file.tree.kind(node) != NodeKind::Ident {
        return None;
    }
    let object = file.facts.object_of(node)?;
    let variable = matches!(world.object(object).kind, ObjectKind::Variable(_));
    (variable && !world.object_type(object).is_known()).then_some(object)
}

/// Whether an index is a string: only maps have such.
pub(crate) fn is_text(world: &World, file: &TypedFile<'_>, index: NodeId) -> bool {
    let index_type = file.facts.type_of(index);
    index_type.is_known() && world.is_string(index_type)
}

/// Collects variables of unknown type that get an empty literal, and those of which an element is
/// set. Of a slice that would panic.
fn literal_and_index(
    world: &World,
    file: &TypedFile<'_>,
    node: NodeId,
    emptied: &mut FxHashSet<ObjectId>,
    indexed: &mut FxHashSet<ObjectId>,
) {
    let tree = file.tree;
    if tree.kind(node) != NodeKind::AssignStmt {
        return;
    }
    let Statement::Assign { left, right, .. } = tree.statement(node) else {
        return;
    };
    for (position, &target) in left.iter().enumerate() {
        if let Expression::Index { operand, .. } = tree.expression(unparenthesized(file, target)) {
            indexed.extend(variable_of_unknown_type(world, file, operand));
        }
        if left.len() == right.len()
            && let Expression::CompositeLiteral { elements: [], .. } =
                tree.expression(unparenthesized(file, right[position]))
            && let Some(object) = variable_of_unknown_type(world, file, target)
        {
            emptied.insert(object);
        }
    }
}
