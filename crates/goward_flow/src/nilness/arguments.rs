//! Silence where what a function gives back depends on an argument of which the caller knows more:
//! a context that it has made itself, or an argument of which it has asked another function before.

use goward_syntax::{Expression, NodeId, NodeKind, Statement, Tree};
use goward_types::{ObjectId, ObjectKind, TypeId, TypedFile, TypedPackage};
use rustc_hash::FxHashSet;

use crate::calls::unparenthesized;
use crate::nilness::correlation::{leaves, path_to};
use crate::nilness::{NilReason, NilWrite};
use crate::unit::Unit;

/// Whether the map comes out of a call, and the caller has decided by its arguments already which way that
/// goes.
pub(super) fn decided_before(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    write: &NilWrite,
) -> bool {
    let tree = file.tree;
    if !matches!(write.reason, NilReason::Returned(_)) {
        return false;
    }
    let call = unparenthesized(file, write.made);
    let given = variables_given(package, file, call);
    let Some(path) = path_to(tree, unit.body, call).filter(|_| !given.is_empty()) else {
        return false;
    };
    let contexts: Vec<ObjectId> = given
        .iter()
        .copied()
        .filter(|&variable| is_context(package, package.world.object_type(variable)))
        .collect();
    // What was asked with the same arguments in blocks around, on ways that lead here.
    let mut answers = FxHashSet::default();
    for (position, &block) in path.iter().enumerate() {
        if !matches!(
            tree.kind(block),
            NodeKind::BlockStmt | NodeKind::CaseClause | NodeKind::CommClause
        ) {
            continue;
        }
        let Some(&towards) = path.get(position + 1) else {
            break;
        };
        let mut before = Vec::new();
        tree.for_each_child(block, |child| {
            if tree.span(child).end <= tree.span(towards).start {
                before.push(child);
            }
        });
        for statement in before {
            if let Statement::Assign { left, right, .. } = assignment(tree, statement) {
                let sets = |wanted: ObjectId| {
                    left.iter()
                        .any(|&target| file.facts.object_of(target) == Some(wanted))
                };
                if contexts
                    .iter()
                    .any(|&own| sets(own) && right.iter().any(|&value| adds(package, file, value)))
                {
                    return true;
                }
                if given.iter().any(|&variable| sets(variable)) {
                    answers.clear();
                }
                if let &[asked] = right
                    && asks(package, file, asked, &given)
                {
                    answers.extend(
                        left.iter()
                            .filter_map(|&target| file.facts.object_of(target)),
                    );
                }
            }
            if tree.kind(statement) == NodeKind::IfStmt
                && let Statement::If {
                    condition, then, ..
                } = tree.statement(statement)
                && leaves(tree, then)
                && tree.preorder(condition).any(|part| {
                    file.facts
                        .object_of(part)
                        .is_some_and(|object| answers.contains(&object))
                        || asks(package, file, part, &given)
                })
            {
                return true;
            }
        }
    }
    false
}

fn assignment(tree: &Tree, node: NodeId) -> Statement<'_> {
    match tree.kind(node) {
        NodeKind::AssignStmt => tree.statement(node),
        _ => Statement::Bad,
    }
}

/// The variables among the arguments of a call.
fn variables_given(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    call: NodeId,
) -> FxHashSet<ObjectId> {
    let Expression::Call { arguments, .. } = file.tree.expression(call) else {
        return FxHashSet::default();
    };
    let names = arguments
        .iter()
        .map(|&argument| unparenthesized(file, argument))
        .filter(|&argument| file.tree.kind(argument) == NodeKind::Ident);
    names
        .filter_map(|name| file.facts.object_of(name))
        .filter(|&object| matches!(package.world.object(object).kind, ObjectKind::Variable(_)))
        .collect()
}

/// Whether a call asks something of just these variables, and gives a map, a pointer or a bool. An error alone
/// is no answer to whether there is something.
fn asks(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
    given: &FxHashSet<ObjectId>,
) -> bool {
    let world = package.world;
    let node = unparenthesized(file, node);
    if file.tree.kind(node) != NodeKind::CallExpr {
        return false;
    }
    let answer = file.facts.type_of(node);
    let telling = answer.is_known()
        && (world.is_boolean(answer)
            || world.is_pointer(answer)
            || world.underlying(answer).kind() == goward_types::TypeKind::Map);
    telling && variables_given(package, file, node) == *given
}

/// Whether a call makes a context out of another one and something more: not with package context alone.
fn adds(package: &TypedPackage<'_>, file: &TypedFile<'_>, value: NodeId) -> bool {
    let world = package.world;
    let Expression::Call { function, .. } = file.tree.expression(unparenthesized(file, value))
    else {
        return false;
    };
    match crate::calls::callee(world, file, function) {
        crate::calls::Callee::Function(object) => {
            let known = world.object(object);
            let path = known
                .package
                .map_or("", |package| world.package(package).path.as_str());
            path != "context" || known.name.as_str() == "WithValue"
        }
        _ => false,
    }
}

fn is_context(package: &TypedPackage<'_>, id: TypeId) -> bool {
    crate::unit::named_behind(package.world, id).is_some_and(|object| {
        let world = package.world;
        let known = world.object(object);
        known.name.as_str() == "Context"
            && known
                .package
                .is_some_and(|package| world.package(package).path.as_str() == "context")
    })
}
