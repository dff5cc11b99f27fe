//! Goroutines that wait at a channel until the function lets them through: what the function does before
//! it sends, or after it has had the answer, does not happen at the same time.
//!
//! # How it works
//!
//! The goroutine is *gated* by a channel if it comes to the access only by a receive from it. From the start
//! of the goroutine the graph of the function is gone through with one of three states: the gate is shut, it
//! was opened once (by a send, a close, or a function that is given the channel), or more often. A receive
//! of what the goroutine sends after the access, and before it comes to the gate again, shuts an
//! open gate. The access of the function is safe if it is met with a shut gate only.
//!
//! Where another goroutine has the channel too, its own gate counts as long as it uses the channel
//! behind that.

use goward_flow::{Callee, Effect, SpawnId, Step, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectId, TypeKind, TypedFile};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::standard_library::named;
use crate::walk::mentions;

/// Gates behind gates are followed this far.
const DEEPEST: usize = 3;

/// Whether a use of the function `unit` at `node` only happens while the goroutine waits at its gate before (or
/// after) its own use, `theirs`.
pub(crate) fn keep_apart(
    context: &Context<'_>,
    unit: UnitId,
    node: NodeId,
    id: SpawnId,
    theirs: &Effect,
) -> bool {
    let spawn = &context.flow.lowered.spawns[id.0 as usize];
    if spawn.unit != unit || spawn.many {
        return false;
    }
    // Where the goroutine comes to it: itself, or by a call.
    let there = match theirs.calls.get(1) {
        Some(&(caller, call)) if caller == spawn.target => call,
        None if theirs.unit == spawn.target => theirs.access.node,
        _ => return false,
    };
    let goroutine = Goroutine::new(context, id);
    goroutine.gates(there).into_iter().any(|gate| {
        let mut openers = FxHashSet::default();
        let outside = goroutine.outside(gate);
        goroutine.openers(outside, DEEPEST, &mut openers)
            && is_shut_at(context, &goroutine, (unit, node), there, gate, &openers)
    })
}

/// A goroutine with the names of its channels.
struct Goroutine<'c, 'a> {
    context: &'c Context<'a>,
    id: SpawnId,
    unit: UnitId,
    /// Parameters, and what they are given.
    given: Vec<(ObjectId, ObjectId)>,
}

impl<'c, 'a> Goroutine<'c, 'a> {
    fn new(context: &'c Context<'a>, id: SpawnId) -> Self {
        let spawn = &context.flow.lowered.spawns[id.0 as usize];
        let target = context.flow.units.get(spawn.target);
        let file = context.file(context.flow.units.get(spawn.unit).file);
        let mut given = Vec::new();
        if let Statement::Go { call } = file.tree.statement(spawn.node)
            && let Expression::Call { arguments, .. } = file.tree.expression(call)
        {
            for (parameter, &argument) in target.parameters.iter().zip(arguments) {
                if let (Some(parameter), Some(place)) = (*parameter, named(context, file, argument))
                {
                    given.push((parameter, place.last));
                }
            }
        }
        Goroutine {
            context,
            id,
            unit: spawn.target,
            given,
        }
    }

    fn outside(&self, channel: ObjectId) -> ObjectId {
        let mut given = self.given.iter();
        given
            .find(|entry| entry.0 == channel)
            .map_or(channel, |entry| entry.1)
    }

    fn file(&self) -> &'c TypedFile<'a> {
        let unit = self.context.flow.units.get(self.unit);
        self.context.file(unit.file)
    }

    /// The channels, as the goroutine calls them, from which it must receive before it comes to a node.
    fn gates(&self, there: NodeId) -> Vec<ObjectId> {
        let unit = self.context.flow.units.get(self.unit);
        let file = self.file();
        let mut channels: Vec<ObjectId> = Vec::new();
        for &(node, _) in &unit.nodes {
            if let Some((channel, Use::Receive)) = channel_use(self.context, file, node)
                && !channels.contains(&channel)
            {
                channels.push(channel);
            }
        }
        channels.retain(|&channel| {
            let entry = goward_flow::ControlFlowGraph::ENTRY;
            !self.reaches(vec![(entry, 0)], there, channel)
        });
        channels
    }

    /// Whether the goroutine can come from one of these places to a node without a receive from the gate.
    fn reaches(
        &self,
        mut pending: Vec<(goward_flow::BlockId, usize)>,
        there: NodeId,
        gate: ObjectId,
    ) -> bool {
        let unit = self.context.flow.units.get(self.unit);
        let file = self.file();
        let graph = &unit.graph;
        let mut seen = vec![false; graph.block_count()];
        'blocks: while let Some((block, from)) = pending.pop() {
            for &step in &graph.block(block).steps[from..] {
                if uses_at(self.context, file, step).contains(&(gate, Use::Receive)) {
                    continue 'blocks;
                }
                if is_at(file, step, there) {
                    return true;
                }
            }
            for edge in graph.block(block).successors {
                if !std::mem::replace(&mut seen[edge.to.index()], true) {
                    pending.push((edge.to, 0));
                }
            }
        }
        false
    }

    /// Whether the goroutine sends on a channel only when it has done what it does at a node, and comes there again
    /// only by the gate.
    fn answers(&self, channel: ObjectId, there: NodeId, gate: ObjectId) -> bool {
        let unit = self.context.flow.units.get(self.unit);
        let file = self.file();
        let graph = &unit.graph;
        let mut after = Vec::new();
        for &block in graph.reverse_postorder() {
            for (index, &step) in graph.block(block).steps.iter().enumerate() {
                if uses_at(self.context, file, step).contains(&(channel, Use::Give)) {
                    after.push((block, index + 1));
                }
            }
        }
        !after.is_empty() && !self.reaches(after, there, gate)
    }

    /// Collects the channels by which the function of the goroutine may open a gate; false where somebody else
    /// may.
    fn openers(&self, gate: ObjectId, depth: usize, openers: &mut FxHashSet<ObjectId>) -> bool {
        if depth == 0 || !openers.insert(gate) {
            return depth > 0;
        }
        let flow = self.context.flow;
        let world = self.context.world();
        let starter = flow.lowered.spawns[self.id.0 as usize].unit;
        // What the function has not made itself others may open: its callers, or whoever gave it the channel.
        let made_here = flow
            .local_channels()
            .iter()
            .any(|channel| channel.object == gate && channel.unit == starter);
        if world.object(gate).is_field() || !made_here {
            return false;
        }
        (0..).zip(&flow.lowered.spawns).all(|(index, spawn)| {
            if index == self.id.0 || !spawn.channels.contains(&gate) {
                return true;
            }
            let other = Goroutine::new(self.context, SpawnId(index));
            let unit = flow.units.get(spawn.target);
            let file = other.file();
            let tree = file.tree;
            let inside: Vec<ObjectId> = other
                .given
                .iter()
                .filter(|entry| entry.1 == gate)
                .map(|entry| entry.0)
                .chain([gate])
                .collect();
            // Who only receives opens nothing.
            let mut uses = Vec::new();
            for &(node, _) in &unit.nodes {
                match tree.kind(node) {
                    NodeKind::FuncLit
                        if inside.iter().any(|&channel| mentions(file, node, channel)) =>
                    {
                        return false;
                    }
                    _ => {}
                }
                if let Some((channel, Use::Give | Use::Pass)) =
                    channel_use(self.context, file, node)
                    && inside.contains(&channel)
                {
                    uses.push(node);
                }
            }
            if uses.is_empty() {
                return true;
            }
            let mut gates: Option<Vec<ObjectId>> = None;
            for used in uses {
                let before = other.gates(used);
                match &mut gates {
                    None => gates = Some(before),
                    Some(known) => known.retain(|gate| before.contains(gate)),
                }
            }
            spawn.unit == starter
                && gates.unwrap_or_default().into_iter().any(|behind| {
                    !inside.contains(&behind)
                        && self.openers(other.outside(behind), depth - 1, openers)
                })
        })
    }
}

/// How far the gate is open.
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
enum Gate {
    Shut,
    Open,
    /// Opened more often than answered.
    Lost,
}

/// Whether the function meets a node with a shut gate only, from the start of the goroutine on.
fn is_shut_at(
    context: &Context<'_>,
    goroutine: &Goroutine<'_, '_>,
    (id, node): (UnitId, NodeId),
    there: NodeId,
    gate: ObjectId,
    openers: &FxHashSet<ObjectId>,
) -> bool {
    let spawn = &context.flow.lowered.spawns[goroutine.id.0 as usize];
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let graph = &unit.graph;
    let starts = |step: Step| is_at(file, step, spawn.node);
    let mut pending = Vec::new();
    for &block in graph.reverse_postorder() {
        // Of `wg.Go(func() { … })` the literal is a step, and the call another one.
        let mut steps = graph.block(block).steps.iter();
        if let Some(index) = steps.rposition(|&step| starts(step)) {
            pending.push((block, index + 1, Gate::Shut));
        }
    }
    // Of several channels only the own one is answered.
    let alone = openers.len() == 1;
    let is_answer = |channel: ObjectId| {
        let mut others = (0..).zip(&context.flow.lowered.spawns);
        let only = others
            .all(|(index, other)| index == goroutine.id.0 || !other.channels.contains(&channel));
        let inside = goroutine.given.iter().find(|entry| entry.1 == channel);
        let inside = inside.map_or(channel, |entry| entry.0);
        alone && only && goroutine.answers(inside, there, gate)
    };
    let mut seen = FxHashSet::default();
    while let Some((block, from, mut state)) = pending.pop() {
        if !seen.insert((block, from, state)) {
            continue;
        }
        for &step in &graph.block(block).steps[from..] {
            // A second one is started.
            if starts(step) {
                return false;
            }
            if state != Gate::Shut && is_at(file, step, node) {
                return false;
            }
            for (channel, how) in uses_at(context, file, step) {
                state = match (how, state) {
                    (Use::Give | Use::Pass, Gate::Shut) if openers.contains(&channel) => Gate::Open,
                    (Use::Give | Use::Pass, _) if openers.contains(&channel) => Gate::Lost,
                    (Use::Receive, Gate::Open) if is_answer(channel) => Gate::Shut,
                    _ => state,
                };
            }
        }
        for edge in graph.block(block).successors {
            pending.push((edge.to, 0, state));
        }
    }
    true
}

/// What is done with a channel.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Use {
    /// A send, or a close.
    Give,
    Receive,
    /// It is an argument of a call.
    Pass,
}

fn channel_use(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
) -> Option<(ObjectId, Use)> {
    let tree = file.tree;
    let (channel, how) = match tree.kind(node) {
        NodeKind::SendStmt => match tree.statement(node) {
            Statement::Send { channel, .. } => (channel, Use::Give),
            _ => return None,
        },
        NodeKind::UnaryExpr => match tree.expression(node) {
            Expression::Unary {
                operator: UnaryOperator::Receive,
                operand,
            } => (operand, Use::Receive),
            _ => return None,
        },
        NodeKind::RangeStmt => match tree.statement(node) {
            Statement::Range { operand, .. } => (operand, Use::Receive),
            _ => return None,
        },
        NodeKind::CallExpr => match tree.expression(node) {
            Expression::Call {
                function,
                arguments,
                ..
            } => {
                let close = callee(context.world(), file, function) == Callee::Builtin("close");
                let channel = arguments
                    .iter()
                    .copied()
                    .find(|&argument| is_channel(context, file, argument))?;
                (channel, if close { Use::Give } else { Use::Pass })
            }
            _ => return None,
        },
        _ => return None,
    };
    if !is_channel(context, file, channel) {
        return None;
    }
    Some((named(context, file, channel)?.last, how))
}

fn is_channel(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> bool {
    let of = file.facts.type_of(unparenthesized(file, node));
    of.is_known() && context.world().underlying(of).kind() == TypeKind::Channel
}

/// What a step does with channels. What a literal does, or a `go` statement, is done elsewhere.
fn uses_at(context: &Context<'_>, file: &TypedFile<'_>, step: Step) -> Vec<(ObjectId, Use)> {
    let tree = file.tree;
    match step {
        Step::Expression(node) | Step::RangeNext(node) => {
            channel_use(context, file, node).into_iter().collect()
        }
        Step::Statement(node) if tree.kind(node) == NodeKind::SendStmt => {
            channel_use(context, file, node).into_iter().collect()
        }
        Step::Communicate(node) | Step::RunDeferred(node) => tree
            .preorder(node)
            .filter_map(|below| channel_use(context, file, below))
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a step is where control comes to a node.
fn is_at(file: &TypedFile<'_>, step: Step, wanted: NodeId) -> bool {
    let tree = file.tree;
    let holds = |node: NodeId| {
        let (outer, inner) = (tree.span(node), tree.span(wanted));
        outer.start <= inner.start && inner.end <= outer.end
    };
    match step {
        Step::Expression(node)
        | Step::Statement(node)
        | Step::Communicate(node)
        | Step::Return(node)
        | Step::RunDeferred(node) => holds(node),
        Step::RangeNext(node) | Step::RangeAssign(node) => {
            matches!(tree.statement(node), Statement::Range { operand, .. } if holds(operand))
                || node == wanted
        }
        Step::Register(_) | Step::Branch(_) => false,
    }
}
