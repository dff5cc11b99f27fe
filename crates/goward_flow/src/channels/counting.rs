//! Counting on the paths of a graph: the most that can happen on one, the fewest that must.

use std::collections::VecDeque;

use goward_syntax::NodeId;
use rustc_hash::FxHashMap;

use crate::flags::{FlagState, Flags};
use crate::graph::{BlockId, ControlFlowGraph, EdgeKind, ExitKind, Step};

/// How often something can happen.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Count {
    Finite(u32),
    /// In a loop.
    Unbounded,
}

impl Count {
    pub(super) fn add(self, other: Count) -> Count {
        match (self, other) {
            (Count::Finite(a), Count::Finite(b)) => Count::Finite(a.saturating_add(b)),
            _ => Count::Unbounded,
        }
    }

    pub(super) fn times(self, times: u32) -> Count {
        match self {
            Count::Finite(count) => Count::Finite(count.saturating_mul(times)),
            Count::Unbounded => Count::Unbounded,
        }
    }

    pub(super) fn is_zero(self) -> bool {
        self == Count::Finite(0)
    }
}

/// A place in a graph: a block and a step in it.
pub(super) type Position = (BlockId, usize);

/// The place after the first step for which `wanted` holds.
pub(super) fn position_after(
    graph: &ControlFlowGraph,
    wanted: impl Fn(Step) -> bool,
) -> Option<Position> {
    graph.reverse_postorder().iter().copied().find_map(|block| {
        let steps = graph.block(block).steps;
        let index = steps.iter().position(|&step| wanted(step))?;
        Some((block, index + 1))
    })
}

/// The most weight on a path from a place.
pub(super) fn most(
    graph: &ControlFlowGraph,
    start: Position,
    weight: &dyn Fn(Step) -> Count,
) -> Count {
    let sum = |steps: &[Step]| {
        steps
            .iter()
            .fold(Count::Finite(0), |sum, &step| sum.add(weight(step)))
    };
    let weights: Vec<Count> = graph.blocks().map(|block| sum(block.steps)).collect();
    let (first, index) = start;
    let begin = sum(&graph.block(first).steps[index..]);
    let mut best = begin;
    // What has weight and can come back to itself has no number.
    for block in reached(graph, first) {
        let counted = weights[block.index()];
        if !counted.is_zero() && reached(graph, block).contains(&block) {
            return Count::Unbounded;
        }
    }
    let mut known: Vec<Option<Count>> = vec![None; graph.block_count()];
    let mut pending = VecDeque::from([(first, begin)]);
    // No cycle has weight, so this settles.
    while let Some((block, total)) = pending.pop_front() {
        best = best.max(total);
        for edge in graph.block(block).successors {
            let next = total.add(weights[edge.to.index()]);
            if known[edge.to.index()].is_none_or(|known| known < next) {
                known[edge.to.index()] = Some(next);
                pending.push_back((edge.to, next));
            }
        }
    }
    best
}

/// The blocks that control can come to after leaving a block.
fn reached(graph: &ControlFlowGraph, from: BlockId) -> Vec<BlockId> {
    let mut seen = vec![false; graph.block_count()];
    let mut found = Vec::new();
    let mut pending = vec![from];
    while let Some(block) = pending.pop() {
        for edge in graph.block(block).successors {
            if !std::mem::replace(&mut seen[edge.to.index()], true) {
                found.push(edge.to);
                pending.push(edge.to);
            }
        }
    }
    found
}

/// The least cost of a path from a place to a return or to the end of the body, and that return. Steps
/// and edges without a cost cannot be passed, and neither can conditions that the flags of the function
/// contradict.
pub(super) fn fewest(
    graph: &ControlFlowGraph,
    flags: &Flags,
    start: Position,
    step_cost: &dyn Fn(Step) -> Option<u32>,
    edge_cost: &dyn Fn(EdgeKind) -> Option<u32>,
) -> Option<(u32, Option<NodeId>)> {
    let sum = |steps: &[Step]| -> Option<u32> { steps.iter().map(|&step| step_cost(step)).sum() };
    let costs: Vec<Option<u32>> = graph.blocks().map(|block| sum(block.steps)).collect();
    let (first, index) = start;
    // The first block is entered in its middle; coming back to it is another matter.
    let begin = sum(&graph.block(first).steps[index..])?;
    let after = |state: FlagState, steps: &[Step]| {
        let steps = steps.iter();
        steps.fold(state, |state, &step| flags.after(state, step))
    };
    let mut known: FxHashMap<(BlockId, FlagState), u32> = FxHashMap::default();
    let mut best: Option<(u32, Option<NodeId>)> = None;
    // Blocks with the flags at their end.
    let mut pending: VecDeque<(BlockId, FlagState, u32)> = VecDeque::new();
    for state in flags.states_at(graph, start) {
        let end = after(state, &graph.block(first).steps[index..]);
        pending.push_back((first, end, begin));
    }
    while let Some((block, state, cost)) = pending.pop_front() {
        for exit in &graph.exits {
            if exit.from == block
                && matches!(exit.kind, ExitKind::Return | ExitKind::End)
                && best.is_none_or(|(least, _)| cost < least)
            {
                best = Some((cost, exit.node));
            }
        }
        for edge in graph.block(block).successors {
            let (Some(inside), Some(taken)) = (costs[edge.to.index()], edge_cost(edge.kind)) else {
                continue;
            };
            if !flags.allows(state, edge.kind) {
                continue;
            }
            let next = cost + taken + inside;
            let end = after(state, graph.block(edge.to).steps);
            if known.get(&(edge.to, end)).is_none_or(|&known| next < known) {
                known.insert((edge.to, end), next);
                pending.push_back((edge.to, end, next));
            }
        }
    }
    best
}
