//! Channels in fields and package variables of which the package shows every use.

use goward_flow::{Callee, EventKind, callee, origin, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, ObjectKind, TypeId, TypeKind, TypedFile, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Context;

/// A channel in a field or package variable.
#[derive(Default)]
pub(crate) struct ChannelField {
    /// What is done with it, as indices into what was observed.
    pub(crate) uses: Vec<usize>,
    /// It is made with a buffer somewhere, so that a send need not wait.
    pub(crate) buffered: bool,
}

/// Those that are not exported, and that nobody can use in ways that the events do not show.
pub(crate) struct ChannelFields {
    known: FxHashMap<ObjectId, ChannelField>,
}

impl ChannelFields {
    pub(crate) fn new(context: &Context<'_>) -> ChannelFields {
        let flow = context.flow;
        let mut known: FxHashMap<ObjectId, ChannelField> = FxHashMap::default();
        for (index, observed) in flow.observed.iter().enumerate() {
            let EventKind::Channel { channel, .. } = observed.event.kind else {
                continue;
            };
            let test = context.file(flow.units.get(observed.unit).file).test;
            if let Some(object) = flow.locks.paths().last_field(channel)
                && is_own(context, object)
                && !test
            {
                known.entry(object).or_default().uses.push(index);
            }
        }
        let mut escaping = FxHashSet::default();
        for file in context.package.files.iter().filter(|file| !file.test) {
            for &declaration in file.tree.declarations() {
                escapes(context, file, declaration, &known, &mut escaping);
            }
        }
        known.retain(|object, _| !escaping.contains(object));
        for file in context.package.files.iter().filter(|file| !file.test) {
            for &declaration in file.tree.declarations() {
                for node in file.tree.preorder(declaration) {
                    for (place, value) in given(file, node) {
                        let object = file.facts.object_of(place);
                        let object = object.map(|object| origin(context.world(), object));
                        if let Some(channel) = object.and_then(|object| known.get_mut(&object)) {
                            channel.buffered |= has_buffer(file, value);
                        }
                    }
                }
            }
        }
        ChannelFields { known }
    }

    pub(crate) fn get(&self, object: ObjectId) -> Option<&ChannelField> {
        self.known.get(&object)
    }
}

/// Whether a variable is a field or package variable that other packages do not see.
fn is_own(context: &Context<'_>, object: ObjectId) -> bool {
    let known = context.world().object(object);
    matches!(
        known.kind,
        ObjectKind::Variable(VariableKind::Field | VariableKind::Package)
    ) && known.package == Some(context.package.package)
        && !known.is_exported()
}

/// Collects what is used otherwise than by sends, receives, closes and being made.
fn escapes(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    root: NodeId,
    known: &FxHashMap<ObjectId, ChannelField>,
    escaping: &mut FxHashSet<ObjectId>,
) {
    let tree = file.tree;
    let mut pending = vec![(root, root)];
    while let Some((node, parent)) = pending.pop() {
        let below = match tree.kind(node) {
            // The node that is looked at is the whole `a.b.c`.
            NodeKind::SelectorExpr => match tree.expression(node) {
                Expression::Selector { operand, name } => {
                    if let Some(object) = file.facts.object_of(name) {
                        let object = origin(context.world(), object);
                        if known.contains_key(&object) && !is_plain(context, file, node, parent) {
                            escaping.insert(object);
                        }
                    }
                    Some(operand)
                }
                _ => None,
            },
            NodeKind::Ident => {
                if let Some(object) = file.facts.object_of(node) {
                    let object = origin(context.world(), object);
                    let defined =
                        matches!(tree.kind(parent), NodeKind::Field | NodeKind::ValueSpec);
                    if known.contains_key(&object)
                        && !defined
                        && !is_plain(context, file, node, parent)
                    {
                        escaping.insert(object);
                    }
                }
                None
            }
            _ => {
                tree.for_each_child(node, |child| pending.push((child, node)));
                None
            }
        };
        pending.extend(below.map(|operand| (operand, node)));
    }
}

/// Whether a use of a channel is one that shows in the events, or makes it.
fn is_plain(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId, parent: NodeId) -> bool {
    let tree = file.tree;
    match tree.kind(parent) {
        NodeKind::SendStmt => {
            matches!(tree.statement(parent), Statement::Send { channel, .. } if channel == node)
        }
        // A receive: the address of a channel is taken by the same kind of node.
        NodeKind::UnaryExpr => matches!(
            tree.expression(parent),
            Expression::Unary {
                operator: goward_syntax::UnaryOperator::Receive,
                ..
            }
        ),
        NodeKind::RangeStmt => {
            matches!(tree.statement(parent), Statement::Range { operand, .. } if operand == node)
        }
        NodeKind::CallExpr => match tree.expression(parent) {
            Expression::Call { function, .. } => matches!(
                callee(context.world(), file, function),
                Callee::Builtin("close" | "len" | "cap")
            ),
            _ => false,
        },
        NodeKind::BinaryExpr => true,
        NodeKind::AssignStmt => match tree.statement(parent) {
            Statement::Assign { left, right, .. } => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right)
                        .any(|(&place, &value)| place == node && is_made(context, file, value))
            }
            _ => false,
        },
        NodeKind::KeyValueExpr => match tree.expression(parent) {
            Expression::KeyValue { key, value } => key == node && is_made(context, file, value),
            _ => false,
        },
        NodeKind::ValueSpec => matches!(
            tree.specification(parent),
            Specification::Value { names, values, .. }
                if names.contains(&node) && values.iter().all(|&value| is_made(context, file, value))
        ),
        _ => false,
    }
}

/// The names that a node gives values, with these.
fn given(file: &TypedFile<'_>, node: NodeId) -> Vec<(NodeId, NodeId)> {
    let tree = file.tree;
    let name = |place: NodeId| match tree.expression(unparenthesized(file, place)) {
        Expression::Selector { name, .. } => name,
        _ => place,
    };
    let pairs = |left: &[NodeId], right: &[NodeId]| {
        let pairs = left.iter().zip(right);
        pairs.map(|(&place, &value)| (name(place), value)).collect()
    };
    match tree.kind(node) {
        NodeKind::AssignStmt => match tree.statement(node) {
            Statement::Assign { left, right, .. } => pairs(left, right),
            _ => Vec::new(),
        },
        NodeKind::KeyValueExpr => match tree.expression(node) {
            Expression::KeyValue { key, value } => vec![(key, value)],
            _ => Vec::new(),
        },
        NodeKind::ValueSpec => match tree.specification(node) {
            Specification::Value { names, values, .. } => pairs(names, values),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// `make(chan T, n)`, unless `n` is zero.
fn has_buffer(file: &TypedFile<'_>, value: NodeId) -> bool {
    match file.tree.expression(unparenthesized(file, value)) {
        Expression::Call {
            arguments: &[_, capacity],
            ..
        } => {
            let known = file.facts.get(capacity).and_then(|fact| fact.value);
            known.and_then(|value| value.int64_value()) != Some(0)
        }
        _ => false,
    }
}

/// `make(chan T)` or nil.
fn is_made(context: &Context<'_>, file: &TypedFile<'_>, value: NodeId) -> bool {
    let value = unparenthesized(file, value);
    if file.facts.type_of(value) == TypeId::UNTYPED_NIL {
        return true;
    }
    let made = file.facts.type_of(value);
    matches!(file.tree.expression(value), Expression::Call { function, .. }
        if callee(context.world(), file, function) == Callee::Builtin("make"))
        && context.world().underlying(made).kind() == TypeKind::Channel
}
