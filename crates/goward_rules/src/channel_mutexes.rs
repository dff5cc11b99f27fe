//! Channels that are used as mutexes: they take one value, who puts it in (or takes it out) has the lock,
//! and who takes it out (or puts it back) gives the lock back.

use std::collections::BTreeMap;

use goward_flow::{Callee, Unit, UnitId, callee, origin, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement, UnaryOperator};
use goward_types::{ObjectId, TypedFile};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Context;
use crate::standard_library::named;

/// The channels of a package that are mutexes, with what is done to them.
#[derive(Default)]
pub(crate) struct ChannelMutexes {
    /// Of each function: where it takes or gives back such a lock, in the order of the source.
    steps: BTreeMap<UnitId, Vec<Step>>,
}

/// A lock is taken or given back.
struct Step {
    channel: ObjectId,
    takes: bool,
    /// The statement or call.
    node: NodeId,
}

/// A send or receive.
#[derive(Copy, Clone)]
struct Operation {
    channel: ObjectId,
    sends: bool,
    node: NodeId,
    /// In a deferred call of the function.
    deferred: bool,
}

impl ChannelMutexes {
    pub(crate) fn new(context: &Context<'_>) -> ChannelMutexes {
        let makers = makers(context);
        let mut mutexes = ChannelMutexes::default();
        if makers.is_empty() {
            return mutexes;
        }
        let mut operations: BTreeMap<UnitId, Vec<Operation>> = BTreeMap::new();
        let mut excluded = FxHashSet::default();
        for (id, unit) in context.flow.units.iter() {
            let deferred_in = deferred_in(context, id, unit);
            let file = context.file(unit.file);
            for &(node, parent) in &unit.nodes {
                match operation(context, file, node) {
                    Some((channel, Some(sends))) if makers.contains_key(&channel) => {
                        operations
                            .entry(deferred_in.unwrap_or(id))
                            .or_default()
                            .push(Operation {
                                channel,
                                sends,
                                node,
                                deferred: deferred_in.is_some()
                                    || file.tree.kind(parent) == NodeKind::DeferStmt,
                            });
                    }
                    Some((channel, None)) => {
                        excluded.insert(channel);
                    }
                    _ => {}
                }
            }
        }
        let mut channels: Vec<ObjectId> = makers.keys().copied().collect();
        channels.retain(|channel| !excluded.contains(channel));
        channels.sort_unstable_by_key(|&channel| {
            let object = context.world().object(channel);
            (object.file, object.offset)
        });
        for channel in channels {
            let Some(locks_by_sending) = direction(context, channel, &makers, &operations) else {
                continue;
            };
            for (&id, operations) in &operations {
                let own = operations.iter().filter(|one| one.channel == channel);
                let steps = own.filter(|one| !one.deferred).map(|one| Step {
                    channel,
                    takes: one.sends == locks_by_sending,
                    node: one.node,
                });
                mutexes.steps.entry(id).or_default().extend(steps);
            }
        }
        mutexes.add_calls(context);
        mutexes
    }

    /// Calls of functions that only take such a lock, or only give one back.
    fn add_calls(&mut self, context: &Context<'_>) {
        let mut functions: FxHashMap<ObjectId, (ObjectId, bool)> = FxHashMap::default();
        for (&id, steps) in &self.steps {
            if let (Some(object), Some(first)) = (context.flow.units.get(id).object, steps.first())
                && steps
                    .iter()
                    .all(|step| (step.channel, step.takes) == (first.channel, first.takes))
            {
                functions.insert(object, (first.channel, first.takes));
            }
        }
        if functions.is_empty() {
            return;
        }
        for (id, unit) in context.flow.units.iter() {
            let file = context.file(unit.file);
            for &(node, parent) in &unit.nodes {
                if file.tree.kind(node) == NodeKind::CallExpr
                    && file.tree.kind(parent) != NodeKind::DeferStmt
                    && let Expression::Call { function, .. } = file.tree.expression(node)
                    && let Callee::Function(object) = callee(context.world(), file, function)
                    && let Some(&(channel, takes)) = functions.get(&origin(context.world(), object))
                {
                    self.steps.entry(id).or_default().push(Step {
                        channel,
                        takes,
                        node,
                    });
                }
            }
        }
        for (&id, steps) in &mut self.steps {
            let tree = context.file(context.flow.units.get(id).file).tree;
            steps.sort_by_key(|step| tree.span(step.node).start);
        }
    }

    /// The channels whose locks a function has at a node.
    pub(crate) fn held_at(
        &self,
        context: &Context<'_>,
        id: UnitId,
        node: NodeId,
    ) -> FxHashSet<ObjectId> {
        let mut held = FxHashSet::default();
        let Some(steps) = self.steps.get(&id) else {
            return held;
        };
        let unit = context.flow.units.get(id);
        let tree = context.file(unit.file).tree;
        let at = tree.span(node);
        for step in steps {
            let span = tree.span(step.node);
            if span.end > at.start {
                break;
            }
            // Taken in a branch that is over, it may not be taken here.
            match step.takes {
                true if block_around(unit, tree, step.node)
                    .is_some_and(|block| tree.span(block).contains(at.start)) =>
                {
                    held.insert(step.channel);
                }
                true => {}
                false => {
                    held.remove(&step.channel);
                }
            }
        }
        held
    }
}

/// The innermost block around a statement; of a case of a `select`, around the whole of it: who goes on behind
/// it has mostly come that way.
fn block_around(unit: &Unit, tree: &goward_syntax::Tree, node: NodeId) -> Option<NodeId> {
    let parents: FxHashMap<NodeId, NodeId> = unit.nodes.iter().copied().collect();
    let mut current = node;
    let mut communication = None;
    loop {
        let parent = *parents.get(&current)?;
        match tree.kind(parent) {
            NodeKind::CommClause => {
                let Statement::CommunicationClause {
                    communication: Some(by),
                    ..
                } = tree.statement(parent)
                else {
                    return Some(parent);
                };
                if by != current {
                    return Some(parent);
                }
                communication = Some(parent);
            }
            // The block of a `select` holds its cases.
            NodeKind::BlockStmt if communication == Some(current) => communication = None,
            NodeKind::BlockStmt | NodeKind::CaseClause => return Some(parent),
            _ => {}
        }
        current = parent;
    }
}

/// The function whose deferred call a literal is.
fn deferred_in(context: &Context<'_>, id: UnitId, unit: &Unit) -> Option<UnitId> {
    let starts = context.flow.launches().of(id);
    let deferred = unit.is_literal()
        && !starts.is_empty()
        && starts
            .iter()
            .all(|start| start.kind == goward_flow::StartKind::Defer);
    deferred.then(|| starts[0].unit)
}

/// What is done to a channel: a send, a receive, or something that no mutex knows.
fn operation(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
) -> Option<(ObjectId, Option<bool>)> {
    let tree = file.tree;
    let (channel, sends) = match tree.kind(node) {
        NodeKind::SendStmt => match tree.statement(node) {
            Statement::Send { channel, .. } => (channel, Some(true)),
            _ => return None,
        },
        NodeKind::UnaryExpr => match tree.expression(node) {
            Expression::Unary {
                operator: UnaryOperator::Receive,
                operand,
            } => (operand, Some(false)),
            _ => return None,
        },
        NodeKind::RangeStmt => match tree.statement(node) {
            Statement::Range { operand, .. } => (operand, None),
            _ => return None,
        },
        NodeKind::CallExpr => match tree.expression(node) {
            Expression::Call {
                function,
                arguments: &[argument],
                ..
            } if callee(context.world(), file, function) == Callee::Builtin("close") => {
                (argument, None)
            }
            _ => return None,
        },
        _ => return None,
    };
    Some((named(context, file, channel)?.last, sends))
}

/// Variables and fields that only ever get channels with room for one value, with the functions that make
/// these.
fn makers(context: &Context<'_>) -> FxHashMap<ObjectId, FxHashSet<UnitId>> {
    let mut makers: FxHashMap<ObjectId, FxHashSet<UnitId>> = FxHashMap::default();
    let mut other = FxHashSet::default();
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        let tree = file.tree;
        let mut set = |target: NodeId, value: NodeId| {
            let Some(room) = room(context, file, value) else {
                return;
            };
            let Some(object) = named(context, file, target).map(|named| named.last) else {
                return;
            };
            let object = origin(context.world(), object);
            match room {
                Some(1) => {
                    makers.entry(object).or_default().insert(id);
                }
                _ => {
                    other.insert(object);
                }
            }
        };
        for &(node, _) in &unit.nodes {
            match tree.kind(node) {
                NodeKind::AssignStmt => {
                    if let Statement::Assign { left, right, .. } = tree.statement(node)
                        && left.len() == right.len()
                    {
                        let pairs = left.iter().zip(right);
                        pairs.for_each(|(&target, &value)| set(target, value));
                    }
                }
                NodeKind::ValueSpec => {
                    if let Specification::Value { names, values, .. } = tree.specification(node)
                        && names.len() == values.len()
                    {
                        let pairs = names.iter().zip(values);
                        pairs.for_each(|(&target, &value)| set(target, value));
                    }
                }
                NodeKind::KeyValueExpr => {
                    if let Expression::KeyValue { key, value } = tree.expression(node) {
                        set(key, value);
                    }
                }
                _ => {}
            }
        }
    }
    makers.retain(|object, _| !other.contains(object));
    makers
}

/// For how many values `make(chan T, n)` has room; the inner one is none where that is not known.
fn room(context: &Context<'_>, file: &TypedFile<'_>, value: NodeId) -> Option<Option<i64>> {
    let value = unparenthesized(file, value);
    if file.tree.kind(value) != NodeKind::CallExpr {
        return None;
    }
    let Expression::Call {
        function,
        arguments,
        ..
    } = file.tree.expression(value)
    else {
        return None;
    };
    let made = file.facts.type_of(value);
    let is_channel = made.is_known()
        && context.world().underlying(made).kind() == goward_types::TypeKind::Channel;
    if !is_channel || callee(context.world(), file, function) != Callee::Builtin("make") {
        return None;
    }
    match arguments {
        [_, room] => Some(
            file.facts
                .get(*room)
                .and_then(|fact| fact.value)
                .and_then(|value| value.int64_value()),
        ),
        _ => Some(Some(0)),
    }
}

/// Whether a channel is locked by sending (or by receiving), where everybody who uses it does so as one uses a
/// mutex: whoever does the one does the other, or has it done by a function of that name.
fn direction(
    context: &Context<'_>,
    channel: ObjectId,
    makers: &FxHashMap<ObjectId, FxHashSet<UnitId>>,
    operations: &BTreeMap<UnitId, Vec<Operation>>,
) -> Option<bool> {
    let mut locks_by_sending = None;
    let mut gives_back = false;
    for (&id, all) in operations {
        let own: Vec<&Operation> = all.iter().filter(|one| one.channel == channel).collect();
        let Some(first) = own.iter().find(|one| !one.deferred).or(own.first()) else {
            continue;
        };
        let both = own.iter().any(|one| one.sends != first.sends);
        let by_sending = if both {
            gives_back = true;
            if first.deferred {
                return None;
            }
            first.sends
        } else {
            let unit = context.flow.units.get(id);
            let name = unit
                .name
                .rsplit('.')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            let is_named = |names: &[&str]| names.iter().any(|part| name.contains(part));
            // Who makes the channel may put the value in, which is no lock.
            if makers[&channel].contains(&id) && !unit.is_literal() {
                continue;
            }
            if is_named(&["unlock", "release"]) {
                gives_back = true;
                !first.sends
            } else if is_named(&["lock", "acquire"]) {
                first.sends
            } else {
                return None;
            }
        };
        if locks_by_sending.is_some_and(|known| known != by_sending) {
            return None;
        }
        locks_by_sending = Some(by_sending);
    }
    locks_by_sending.filter(|_| gives_back)
}
