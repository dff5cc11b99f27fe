//! Silence where a map is made under a condition that is tested again before the write:
//! `if verbose { m = make(…) } … if verbose { m[k] = v }`.

use goward_syntax::{BinaryOperator, Expression, NodeId, NodeKind, Statement, Symbol, Tree};
use goward_types::{ObjectId, ObjectKind, TypedFile, TypedPackage, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{Callee, callee};
use crate::nilness::{NilReason, NilWrite, Place, arguments};
use crate::unit::{Unit, Units};

/// Takes out the uncertain writes whose map is made under a condition that stands, or was tested,
/// around the write.
pub(crate) fn drop_correlated(
    package: &TypedPackage<'_>,
    units: &Units,
    writes: &mut Vec<NilWrite>,
) {
    writes.retain(|write| {
        if write.certain {
            return true;
        }
        let unit = units.get(write.unit);
        let file = &package.files[unit.file];
        // A test against nil alone is no evidence that the map is nil where it was not tested.
        if write.reason == NilReason::Compared && !goes_on_with_nil(package, file, unit, write) {
            return false;
        }
        !is_correlated(package, file, unit, write)
            && !arguments::decided_before(package, file, unit, write)
    });
}

/// Whether a local variable is tested with `if m == nil`, and the branch does no more than to tell of it:
/// the write follows, nil or not.
fn goes_on_with_nil(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    write: &NilWrite,
) -> bool {
    let tree = file.tree;
    let local = package.world.object(write.root).kind == ObjectKind::Variable(VariableKind::Local);
    if !local || !write.whole_variable {
        return false;
    }
    let test = tree.preorder(unit.body).find_map(|node| {
        if tree.kind(node) != NodeKind::IfStmt {
            return None;
        }
        match tree.statement(node) {
            Statement::If {
                condition,
                then,
                otherwise: None,
                ..
            } if condition == write.made => Some((condition, then)),
            _ => None,
        }
    });
    let Some((condition, then)) = test else {
        return false;
    };
    let equal = matches!(
        tree.expression(condition),
        Expression::Binary {
            operator: BinaryOperator::Equal,
            ..
        }
    );
    equal
        && tree.preorder(then).all(|node| match tree.kind(node) {
            NodeKind::CallExpr => match tree.expression(node) {
                Expression::Call { function, .. } => tells(package, file, function),
                _ => false,
            },
            NodeKind::AssignStmt | NodeKind::FuncLit | NodeKind::BranchStmt => false,
            _ => true,
        })
}

/// Whether a function prints or logs, and returns.
fn tells(package: &TypedPackage<'_>, file: &TypedFile<'_>, function: NodeId) -> bool {
    match callee(package.world, file, function) {
        Callee::Builtin(name) => matches!(name, "print" | "println" | "len"),
        Callee::Function(object) => {
            let object = package.world.object(object);
            let path = object
                .package
                .map_or("", |known| package.world.package(known).path.as_str());
            let name = object.name.as_str();
            matches!(path, "fmt" | "log" | "log/slog")
                && !name.starts_with("Fatal")
                && !name.starts_with("Panic")
        }
        _ => false,
    }
}

/// A statement with all nodes around it, outermost first.
struct Ancestry<'t> {
    tree: &'t Tree,
    path: Vec<NodeId>,
    /// What is around this node too decides nothing between the two.
    apart_from: Option<NodeId>,
}

pub(super) fn path_to(tree: &Tree, root: NodeId, target: NodeId) -> Option<Vec<NodeId>> {
    let wanted = tree.span(target);
    let mut path = vec![root];
    let mut current = root;
    while current != target {
        let mut next = None;
        tree.for_each_child(current, |child| {
            let span = tree.span(child);
            if span.start <= wanted.start
                && wanted.end <= span.end
                && (next.is_none() || child == target)
            {
                next = Some(child);
            }
        });
        current = next?;
        path.push(current);
    }
    Some(path)
}

impl Ancestry<'_> {
    /// The names in the conditions that decide whether the innermost node is reached.
    fn condition_names(&self, names: &mut FxHashSet<Symbol>) {
        for (position, &node) in self.path.iter().enumerate() {
            let Some(&below) = self.path.get(position + 1) else {
                break;
            };
            let around_both = self.apart_from.is_some_and(|other| {
                let (below, other) = (self.tree.span(below), self.tree.span(other));
                below.start <= other.start && other.end <= below.end
            });
            if around_both {
                continue;
            }
            match self.tree.kind(node) {
                NodeKind::IfStmt => {
                    if let Statement::If { condition, .. } = self.tree.statement(node)
                        && condition != below
                    {
                        collect_names(self.tree, condition, names);
                    }
                }
                NodeKind::ForStmt => {
                    if let Statement::For {
                        condition: Some(condition),
                        ..
                    } = self.tree.statement(node)
                        && condition != below
                    {
                        collect_names(self.tree, condition, names);
                    }
                }
                NodeKind::RangeStmt => {
                    if let Statement::Range { operand, .. } = self.tree.statement(node)
                        && operand != below
                    {
                        collect_names(self.tree, operand, names);
                    }
                }
                NodeKind::CaseClause => {
                    if let Statement::CaseClause { expressions, .. } = self.tree.statement(node) {
                        expressions
                            .iter()
                            .for_each(|&expression| collect_names(self.tree, expression, names));
                    }
                }
                NodeKind::SwitchStmt => {
                    if let Statement::Switch { tag: Some(tag), .. } = self.tree.statement(node) {
                        collect_names(self.tree, tag, names);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Ancestry<'_> {
    /// The variables of whose fields, or of the fields of whose elements, the conditions of `if` statements ask
    /// that decide whether the innermost node is reached: of `if x.marked` in `for _, x := range o.all` it
    /// is `o`.
    fn tested_owners(&self, file: &TypedFile<'_>) -> FxHashSet<ObjectId> {
        let tree = self.tree;
        let mut element_of = FxHashMap::default();
        for &node in &self.path {
            if tree.kind(node) == NodeKind::RangeStmt
                && let Statement::Range {
                    value: Some(value),
                    operand,
                    ..
                } = tree.statement(node)
                && let Some(element) = file.facts.object_of(value)
                && let Some(owner) = field_owner(file, operand)
            {
                element_of.insert(element, owner);
            }
        }
        let mut owners = FxHashSet::default();
        for (position, &node) in self.path.iter().enumerate() {
            let Some(&below) = self.path.get(position + 1) else {
                break;
            };
            if tree.kind(node) == NodeKind::IfStmt
                && let Statement::If { condition, .. } = tree.statement(node)
                && condition != below
            {
                let asked = tree
                    .preorder(condition)
                    .filter_map(|part| field_owner(file, part));
                owners.extend(asked.map(|owner| element_of.get(&owner).copied().unwrap_or(owner)));
            }
        }
        owners
    }
}

/// The variable `a` of `a.b` and `a.b.c`, where it is one.
fn field_owner(file: &TypedFile<'_>, node: NodeId) -> Option<ObjectId> {
    let mut node = crate::calls::unparenthesized(file, node);
    let mut is_field = false;
    while let Expression::Selector { operand, .. } = file.tree.expression(node) {
        is_field = true;
        node = crate::calls::unparenthesized(file, operand);
    }
    let is_name = is_field && file.tree.kind(node) == NodeKind::Ident;
    is_name.then(|| file.facts.object_of(node)).flatten()
}

/// The names in an expression, of `a.b` only `b`.
pub(super) fn collect_names(tree: &Tree, node: NodeId, names: &mut FxHashSet<Symbol>) {
    match tree.expression(node) {
        Expression::Identifier => {
            let name = tree.symbol(node);
            if !matches!(
                name.as_str(),
                "err" | "nil" | "len" | "true" | "false" | "_"
            ) {
                names.insert(name);
            }
        }
        Expression::Selector { name, operand } => {
            names.insert(tree.symbol(name));
            if tree.kind(operand) == NodeKind::CallExpr {
                collect_names(tree, operand, names);
            }
        }
        _ => tree.for_each_child(node, |child| collect_names(tree, child, names)),
    }
}

fn is_correlated(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    write: &NilWrite,
) -> bool {
    let tree = file.tree;
    let Some(place) = Place::of(package.world, file, write.map) else {
        return false;
    };
    let from = tree.span(write.made).start;
    let mut names = FxHashSet::default();
    let mut owners = FxHashSet::default();
    let mut first_made = None;
    // Assignments that make the map, or something that it is reached through.
    let mut pending = vec![unit.body];
    while let Some(node) = pending.pop() {
        if let Statement::Assign { left, right, .. } = assignment(tree, node)
            && tree.span(node).start > from
        {
            let makes = left.iter().enumerate().any(|(position, &target)| {
                let assigned = Place::of(package.world, file, target);
                let value = if right.len() == left.len() {
                    right.get(position)
                } else {
                    None
                };
                let nil = value.is_some_and(|&value| is_nil(file, value));
                assigned.is_some_and(|assigned| place.starts_with(&assigned)) && !nil
            });
            if makes && let Some(path) = path_to(tree, unit.body, node) {
                let start = tree.span(node).start;
                first_made = Some(first_made.map_or(start, |first: u32| first.min(start)));
                flags_beside(tree, &path, &mut names);
                let ancestry = Ancestry {
                    tree,
                    path,
                    apart_from: Some(write.node),
                };
                ancestry.condition_names(&mut names);
                owners.extend(ancestry.tested_owners(file));
            }
        }
        tree.for_each_child(node, |child| pending.push(child));
    }
    if names.is_empty() {
        return false;
    }
    let Some(path) = path_to(tree, unit.body, write.node) else {
        return false;
    };
    let mut around = FxHashSet::default();
    exits_before(
        tree,
        &path,
        first_made.unwrap_or(from),
        tree.span(write.node).start,
        &mut around,
    );
    let ancestry = Ancestry {
        tree,
        path,
        apart_from: None,
    };
    ancestry.condition_names(&mut around);
    // What an object says of itself as a whole, and what its elements say, belong together by its making.
    !names.is_disjoint(&around) || !owners.is_disjoint(&ancestry.tested_owners(file))
}

fn assignment(tree: &Tree, node: NodeId) -> Statement<'_> {
    match tree.kind(node) {
        NodeKind::AssignStmt => tree.statement(node),
        _ => Statement::Bad,
    }
}

fn is_nil(file: &TypedFile<'_>, node: NodeId) -> bool {
    file.facts.type_of(node) == goward_types::TypeId::UNTYPED_NIL
        || (file.tree.kind(node) == NodeKind::Ident && file.tree.symbol(node).as_str() == "nil")
}

/// Variables that are assigned in the same block as the last node of the path: flags.
fn flags_beside(tree: &Tree, path: &[NodeId], names: &mut FxHashSet<Symbol>) {
    let [.., block, _] = path else { return };
    // At the top of the function everything is beside everything.
    if path.len() <= 2 {
        return;
    }
    tree.for_each_child(*block, |sibling| {
        if let Statement::Assign { left, .. } = assignment(tree, sibling) {
            for &target in left {
                collect_names(tree, target, names);
            }
        }
    });
}

/// The names in conditions of `if` statements that leave the way, between `from` and `to`, in blocks
/// around the last node of the path.
fn exits_before(tree: &Tree, path: &[NodeId], from: u32, to: u32, names: &mut FxHashSet<Symbol>) {
    for &block in path {
        if !matches!(
            tree.kind(block),
            NodeKind::BlockStmt | NodeKind::CaseClause | NodeKind::CommClause
        ) {
            continue;
        }
        tree.for_each_child(block, |child| {
            let span = tree.span(child);
            if tree.kind(child) != NodeKind::IfStmt || span.start < from || span.end > to {
                return;
            }
            if let Statement::If {
                condition, then, ..
            } = tree.statement(child)
                && leaves(tree, then)
            {
                collect_names(tree, condition, names);
            }
        });
    }
}

/// Whether a block ends by leaving: return, continue, break, goto, or a call of panic.
pub(super) fn leaves(tree: &Tree, block: NodeId) -> bool {
    let Statement::Block { statements } = tree.statement(block) else {
        return false;
    };
    let Some(&last) = statements.last() else {
        return false;
    };
    match tree.statement(last) {
        Statement::Return { .. } | Statement::Branch { .. } => true,
        Statement::Expression { expression } => match tree.expression(expression) {
            Expression::Call { function, .. } => {
                tree.kind(function) == NodeKind::Ident && tree.symbol(function).as_str() == "panic"
            }
            _ => false,
        },
        _ => false,
    }
}
