//! Local channels on which goroutines send more than the function receives before it returns.
//!
//! # How it works
//!
//! Looked at are channels that a function makes with a constant capacity and that nothing but the
//! function and the goroutines it starts can use. For each goroutine, the most *bare* sends on a path
//! through it (a bare send has no way out: it is no case of a `select` with others) are held against
//! the fewest receives on a path of the function from the `go` statement to a return. Where the
//! capacity does not make up the difference, a goroutine is left behind, blocked for ever.
//!
//! # What is absent
//!
//! A channel that is passed on, stored, returned, or received from by another goroutine is not
//! looked at, and neither is a goroutine that sends in a loop: how often is not known.

use std::collections::VecDeque;

use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, TypedFile, TypedPackage, VariableKind};
use rustc_hash::FxHashMap;

use crate::calls::{Callee, callee, unparenthesized};
use crate::graph::{BlockId, EdgeKind, ExitKind, Step};
use crate::unit::{Unit, UnitId, Units};

/// A channel on which a goroutine can be left behind.
#[derive(Clone, Debug)]
pub struct AbandonedSend {
    /// The function that makes the channel.
    pub unit: UnitId,
    /// The channel variable.
    pub channel: ObjectId,
    /// The call of `make`.
    pub made: NodeId,
    pub capacity: i64,
    /// The goroutine, and a send in it.
    pub sender: UnitId,
    pub send: NodeId,
    /// The `go` statement.
    pub launch: NodeId,
    /// The most sends, and the fewest receives before the function returns.
    pub sends: u32,
    pub receives: u32,
    /// The return on the path with the fewest receives; none at the end of the body.
    pub exit: Option<NodeId>,
}

/// What is done with one channel.
struct Channel {
    unit: UnitId,
    made: NodeId,
    capacity: i64,
    /// Something that is not understood: the channel is left alone.
    escapes: bool,
    /// Bare sends by unit.
    sends: FxHashMap<UnitId, Vec<NodeId>>,
    /// Receives in the function itself: the receiving expression, range statement or clause.
    receives: Vec<NodeId>,
}

/// Finds the channels of a package on which goroutines are left behind.
pub(crate) fn abandoned_sends(package: &TypedPackage<'_>, units: &Units) -> Vec<AbandonedSend> {
    let mut found = Vec::new();
    for (id, unit) in units.iter() {
        let file = &package.files[unit.file];
        if unit.name == "main" && package.world.package(package.package).name().as_str() == "main" {
            // The process ends with it.
            continue;
        }
        let mut channels = made_channels(package, file, id, unit);
        if channels.is_empty() {
            continue;
        }
        classify(package, file, units, unit, &mut channels);
        let mut list: Vec<(&ObjectId, &Channel)> = channels.iter().collect();
        list.sort_by_key(|(_, channel)| channel.made);
        for (object, channel) in list {
            if !channel.escapes && !channel.sends.is_empty() {
                judge(package, units, *object, channel, &mut found);
            }
        }
    }
    found.sort_by_key(|send| (send.unit, send.made));
    found
}

/// `ch := make(chan T)` and `make(chan T, constant)` in the function itself.
fn made_channels(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    id: UnitId,
    unit: &Unit,
) -> FxHashMap<ObjectId, Channel> {
    let mut channels: FxHashMap<ObjectId, Channel> = FxHashMap::default();
    let mut consider = |name: NodeId, value: NodeId| {
        let value = unparenthesized(file, value);
        let Some(object) = file.facts.object_of(name) else {
            return;
        };
        let local = package.world.object(object).kind == ObjectKind::Variable(VariableKind::Local);
        let Some(capacity) = capacity(package, file, value).filter(|_| local) else {
            return;
        };
        let channel = Channel {
            unit: id,
            made: value,
            capacity,
            escapes: channels.contains_key(&object),
            sends: FxHashMap::default(),
            receives: Vec::new(),
        };
        channels.insert(object, channel);
    };
    each_own_node(file, unit, &mut |node| match file.tree.kind(node) {
        NodeKind::AssignStmt => {
            if let Statement::Assign { left, right, .. } = file.tree.statement(node)
                && left.len() == right.len()
            {
                for (&name, &value) in left.iter().zip(right) {
                    if file.tree.kind(name) == NodeKind::Ident {
                        consider(name, value);
                    }
                }
            }
        }
        NodeKind::ValueSpec => {
            if let Specification::Value { names, values, .. } = file.tree.specification(node)
                && names.len() == values.len()
            {
                names
                    .iter()
                    .zip(values)
                    .for_each(|(&name, &value)| consider(name, value));
            }
        }
        _ => {}
    });
    channels
}

/// Calls `visit` with the nodes of a function, without those of the literals in it.
fn each_own_node(file: &TypedFile<'_>, unit: &Unit, visit: &mut dyn FnMut(NodeId)) {
    let mut pending = vec![unit.body];
    while let Some(node) = pending.pop() {
        visit(node);
        if file.tree.kind(node) != NodeKind::FuncLit {
            file.tree.for_each_child(node, |child| pending.push(child));
        }
    }
}

/// The capacity of a channel that an expression makes, where it is constant.
fn capacity(package: &TypedPackage<'_>, file: &TypedFile<'_>, value: NodeId) -> Option<i64> {
    let Expression::Call {
        function,
        arguments,
        ..
    } = file.tree.expression(value)
    else {
        return None;
    };
    let made = package.world.underlying(file.facts.type_of(value));
    if callee(package.world, file, function) != Callee::Builtin("make")
        || made.kind() != goward_types::TypeKind::Channel
    {
        return None;
    }
    match arguments {
        [_] => Some(0),
        [_, size] => file.facts.get(*size)?.value?.int64_value(),
        _ => None,
    }
}

/// Looks at every use of the channels in the function and all literals in it.
fn classify(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    units: &Units,
    unit: &Unit,
    channels: &mut FxHashMap<ObjectId, Channel>,
) {
    // Each node with those around it.
    let mut pending: Vec<(NodeId, Vec<NodeId>)> = vec![(unit.body, vec![unit.node])];
    while let Some((node, around)) = pending.pop() {
        if let NodeKind::Ident = file.tree.kind(node)
            && let Some(object) = file.facts.object_of(node)
            && let Some(channel) = channels.get_mut(&object)
        {
            classify_use(package, file, units, node, &around, channel);
        }
        let mut inner = around;
        inner.push(node);
        file.tree
            .for_each_child(node, |child| pending.push((child, inner.clone())));
    }
}

fn classify_use(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    units: &Units,
    node: NodeId,
    around: &[NodeId],
    channel: &mut Channel,
) {
    let tree = file.tree;
    let Some(&parent) = around.last() else { return };
    // The innermost function around the use.
    let literal = around
        .iter()
        .rev()
        .find(|&&outer| tree.kind(outer) == NodeKind::FuncLit);
    let user = literal.and_then(|&literal| units.of_literal(units.get(channel.unit).file, literal));
    let user = user.unwrap_or(channel.unit);
    let own = user == channel.unit;
    match tree.kind(parent) {
        NodeKind::SendStmt => {
            if matches!(tree.statement(parent), Statement::Send { channel: target, .. } if target == node)
            {
                if own {
                    // The function itself sends: somebody else must receive.
                    channel.escapes = true;
                } else if is_bare(file, parent, around) {
                    channel.sends.entry(user).or_default().push(parent);
                }
            } else {
                channel.escapes = true;
            }
        }
        NodeKind::UnaryExpr => {
            let receive = matches!(
                tree.expression(parent),
                Expression::Unary {
                    operator: UnaryOperator::Receive,
                    ..
                }
            );
            if receive && own {
                channel.receives.push(parent);
            } else {
                // Another goroutine, or a deferred function, receives.
                channel.escapes = true;
            }
        }
        NodeKind::RangeStmt if own => {
            if matches!(tree.statement(parent), Statement::Range { operand, .. } if operand == node)
            {
                channel.receives.push(parent);
            } else {
                channel.escapes = true;
            }
        }
        NodeKind::CallExpr => {
            let Expression::Call { function, .. } = tree.expression(parent) else {
                return;
            };
            if !matches!(
                callee(package.world, file, function),
                Callee::Builtin("close" | "len" | "cap")
            ) {
                channel.escapes = true;
            }
        }
        NodeKind::AssignStmt => {
            // The place where it is made, and no other.
            let made = matches!(tree.statement(parent), Statement::Assign { left, right, .. }
                if left.len() == right.len()
                    && left.iter().zip(right).any(|(&target, &value)| target == node && unparenthesized(file, value) == channel.made));
            channel.escapes |= !made;
        }
        NodeKind::ValueSpec => {
            let made = matches!(tree.specification(parent), Specification::Value { names, .. } if names.contains(&node));
            channel.escapes |= !made;
        }
        _ => channel.escapes = true,
    }
}

/// Whether a send has no way out: it is not the communication of a `select` with other clauses.
fn is_bare(file: &TypedFile<'_>, send: NodeId, around: &[NodeId]) -> bool {
    let clause = around.iter().rev().nth(1);
    let Some(&clause) = clause else { return true };
    if file.tree.kind(clause) != NodeKind::CommClause {
        return true;
    }
    let is_communication = matches!(file.tree.statement(clause), Statement::CommunicationClause { communication, .. }
        if communication == Some(send));
    if !is_communication {
        return true;
    }
    let block = around.iter().rev().nth(2);
    let Some(Statement::Block { statements }) = block.map(|&block| file.tree.statement(block))
    else {
        return true;
    };
    statements.len() < 2
}

fn judge(
    package: &TypedPackage<'_>,
    units: &Units,
    object: ObjectId,
    channel: &Channel,
    found: &mut Vec<AbandonedSend>,
) {
    let unit = units.get(channel.unit);
    let file = &package.files[unit.file];
    let mut senders = Vec::new();
    let mut by_sender: Vec<(&UnitId, &Vec<NodeId>)> = channel.sends.iter().collect();
    by_sender.sort_by_key(|(sender, _)| **sender);
    for (&sender, sends) in by_sender {
        // Only goroutines that the function itself starts are understood.
        let Some(launch) = launch_of(file, unit, units.get(sender)) else {
            return;
        };
        if launched_again(file, unit, launch, channel.made) {
            return;
        }
        let Some(most) = most_sends(units.get(sender), sends) else {
            return;
        };
        let mut sends = sends.clone();
        sends.sort_by_key(|&send| file.tree.span(send).start);
        senders.push((sender, launch, sends, most));
    }
    senders.sort_by_key(|sender| file.tree.span(sender.1).start);
    let total: u32 = senders.iter().map(|sender| sender.3).sum();
    // Goroutines that are all started on the way to the last one add up.
    let all_at_top = senders.iter().all(|sender| is_at_top(file, unit, sender.1));
    // With a receive between them, the first ones may be done before the last one starts.
    let starts = |sender: &(UnitId, NodeId, Vec<NodeId>, u32)| file.tree.span(sender.1).start;
    let begun = senders.first().map_or(0, starts)..senders.last().map_or(0, starts);
    let straight = all_at_top
        && !channel
            .receives
            .iter()
            .any(|&receive| begun.contains(&file.tree.span(receive).start));
    for (index, &(sender, launch, ref of_sender, most)) in senders.iter().enumerate() {
        let Some((receives, exit)) = fewest_receives(file, unit, launch, channel) else {
            continue;
        };
        let last = index + 1 == senders.len();
        let sends = if last && straight { total } else { most };
        // The first send that finds neither a receiver nor room.
        let taken =
            (i64::from(most) - (i64::from(sends) - i64::from(receives) - channel.capacity)).max(0);
        let send = of_sender.get(taken as usize).or(of_sender.last()).copied();
        if let Some(send) = send
            && i64::from(sends) - i64::from(receives) > channel.capacity
        {
            found.push(AbandonedSend {
                unit: channel.unit,
                channel: object,
                made: channel.made,
                capacity: channel.capacity,
                sender,
                send,
                launch,
                sends,
                receives,
                exit,
            });
            return;
        }
    }
}

/// The `go` statement (or `Go` call) in `unit` that starts a literal.
fn launch_of(file: &TypedFile<'_>, unit: &Unit, sender: &Unit) -> Option<NodeId> {
    let mut launch = None;
    each_own_node(file, unit, &mut |node| {
        if let NodeKind::GoStmt = file.tree.kind(node)
            && let Statement::Go { call } = file.tree.statement(node)
            && let Expression::Call { function, .. } = file.tree.expression(call)
            && unparenthesized(file, function) == sender.node
        {
            launch = Some(node);
        }
    });
    launch
}

/// Whether a `go` statement stands in a loop that does not also make the channel anew.
fn launched_again(file: &TypedFile<'_>, unit: &Unit, launch: NodeId, made: NodeId) -> bool {
    let (launch, made) = (file.tree.span(launch), file.tree.span(made));
    let mut again = false;
    each_own_node(file, unit, &mut |node| {
        if matches!(
            file.tree.kind(node),
            NodeKind::ForStmt | NodeKind::RangeStmt
        ) {
            let span = file.tree.span(node);
            let holds = |inner: goward_diagnostics::Span| {
                span.start <= inner.start && inner.end <= span.end
            };
            again |= holds(launch) && !holds(made);
        }
    });
    again
}

/// Whether a statement stands directly in the body of the function.
fn is_at_top(file: &TypedFile<'_>, unit: &Unit, statement: NodeId) -> bool {
    matches!(file.tree.statement(unit.body), Statement::Block { statements } if statements.contains(&statement))
}

/// The most of these sends on a path through a goroutine; none where one stands in a loop.
fn most_sends(sender: &Unit, sends: &[NodeId]) -> Option<u32> {
    let graph = &sender.graph;
    let count = |block: BlockId| {
        let steps = graph.block(block).steps.iter();
        steps.filter(|step| matches!(step, Step::Statement(node) | Step::Communicate(node) if sends.contains(node))).count() as u32
    };
    let order = graph.reverse_postorder();
    let mut rank = vec![usize::MAX; graph.blocks.len()];
    for (position, block) in order.iter().enumerate() {
        rank[block.index()] = position;
    }
    // A send that can come back to itself has no number.
    for &block in &order {
        if count(block) > 0 && reaches(graph, block, block) {
            return None;
        }
    }
    // Longest path over the forward edges: no counted block lies on a cycle, so that what cycles
    // remain add nothing.
    let mut most = vec![None::<u32>; graph.blocks.len()];
    let mut best = 0;
    if let Some(first) = order.first() {
        most[first.index()] = Some(0);
    }
    // Blocks on cycles may hand a value backwards: a few rounds let it settle.
    for _ in 0..3 {
        for &block in &order {
            let Some(before) = most[block.index()] else {
                continue;
            };
            let after = before + count(block);
            best = best.max(after);
            for edge in &graph.block(block).successors {
                let target = &mut most[edge.to.index()];
                if target.is_none_or(|known| known < after)
                    && (rank[edge.to.index()] > rank[block.index()] || count(edge.to) == 0)
                {
                    *target = Some(after);
                }
            }
        }
    }
    Some(best)
}

fn reaches(graph: &crate::graph::ControlFlowGraph, from: BlockId, to: BlockId) -> bool {
    let mut seen = vec![false; graph.blocks.len()];
    let mut pending = vec![from];
    while let Some(block) = pending.pop() {
        for edge in &graph.block(block).successors {
            if edge.to == to {
                return true;
            }
            if !std::mem::replace(&mut seen[edge.to.index()], true) {
                pending.push(edge.to);
            }
        }
    }
    false
}

/// The fewest receives on a path from the launch to a return, and that return. None where every path
/// ends otherwise, or drains the channel.
fn fewest_receives(
    file: &TypedFile<'_>,
    unit: &Unit,
    launch: NodeId,
    channel: &Channel,
) -> Option<(u32, Option<NodeId>)> {
    let graph = &unit.graph;
    let tree = file.tree;
    // Leaving such a loop through its condition means that it has received what it wanted.
    let draining: Vec<NodeId> = loops_around(file, unit, &channel.receives);
    let receives_in = |node: NodeId| -> u32 {
        let span = tree.span(node);
        let inside = channel.receives.iter().filter(|&&receive| {
            let inner = tree.span(receive);
            tree.kind(receive) == NodeKind::UnaryExpr
                && span.start <= inner.start
                && inner.end <= span.end
        });
        inside.count() as u32
    };
    let step_cost = |step: Step| match step {
        Step::Expression(node) => {
            u32::from(channel.receives.contains(&node) && !is_communication(file, unit, node))
        }
        Step::Communicate(node) => receives_in(node),
        _ => 0,
    };
    let mut start = None;
    for block in graph.reverse_postorder() {
        if let Some(index) = graph
            .block(block)
            .steps
            .iter()
            .position(|&step| step == Step::Statement(launch))
        {
            start = Some((block, index + 1));
            break;
        }
    }
    let (first, index) = start?;
    let mut distance: Vec<Option<u32>> = vec![None; graph.blocks.len()];
    let mut queue = VecDeque::new();
    // The first block is entered in its middle; coming back to it is another matter.
    let begin: u32 = graph.block(first).steps[index..]
        .iter()
        .map(|&step| step_cost(step))
        .sum();
    let mut best: Option<(u32, Option<NodeId>)> = None;
    queue.push_back((first, begin));
    let mut first_time = true;
    while let Some((block, cost)) = queue.pop_front() {
        if !std::mem::take(&mut first_time)
            && distance[block.index()].is_some_and(|known| known < cost)
        {
            continue;
        }
        for exit in &graph.exits {
            if exit.from == block
                && matches!(exit.kind, ExitKind::Return | ExitKind::End)
                && best.is_none_or(|(known, _)| cost < known)
            {
                best = Some((cost, exit.node));
            }
        }
        for edge in &graph.block(block).successors {
            let drained = match edge.kind {
                EdgeKind::RangeDone(node) => {
                    channel.receives.contains(&node) || draining.contains(&node)
                }
                EdgeKind::False(condition) => draining.contains(&condition),
                _ => false,
            };
            if drained {
                continue;
            }
            let ranged = match edge.kind {
                EdgeKind::Range(node) => u32::from(channel.receives.contains(&node)),
                _ => 0,
            };
            let inside: u32 = graph
                .block(edge.to)
                .steps
                .iter()
                .map(|&step| step_cost(step))
                .sum();
            let next = cost + ranged + inside;
            if distance[edge.to.index()].is_none_or(|known| next < known) {
                distance[edge.to.index()] = Some(next);
                queue.push_back((edge.to, next));
            }
        }
    }
    best
}

/// Whether a receive is the communication of a `select` clause: it is counted there.
fn is_communication(file: &TypedFile<'_>, unit: &Unit, receive: NodeId) -> bool {
    let wanted = file.tree.span(receive);
    let mut found = false;
    each_own_node(file, unit, &mut |node| {
        if let NodeKind::CommClause = file.tree.kind(node)
            && let Statement::CommunicationClause {
                communication: Some(communication),
                ..
            } = file.tree.statement(node)
        {
            let span = file.tree.span(communication);
            found |= span.start <= wanted.start && wanted.end <= span.end;
        }
    });
    found
}

/// Conditions of `for` loops, and `range` statements, whose bodies receive.
fn loops_around(file: &TypedFile<'_>, unit: &Unit, receives: &[NodeId]) -> Vec<NodeId> {
    let mut found = Vec::new();
    each_own_node(file, unit, &mut |node| {
        let (body, mark) = match file.tree.kind(node) {
            NodeKind::ForStmt => match file.tree.statement(node) {
                Statement::For {
                    condition: Some(condition),
                    body,
                    ..
                } => (body, condition),
                _ => return,
            },
            NodeKind::RangeStmt => match file.tree.statement(node) {
                Statement::Range { body, .. } => (body, node),
                _ => return,
            },
            _ => return,
        };
        let span = file.tree.span(body);
        let inside = receives.iter().any(|&receive| {
            let inner = file.tree.span(receive);
            span.start <= inner.start && inner.end <= span.end
        });
        if inside {
            found.push(mark);
        }
    });
    found
}
