//! One solver for all forward analyses: a worklist over the blocks of a graph.

use crate::graph::{BlockId, ControlFlowGraph, Edge, Step};

/// A forward analysis: a lattice of states and what steps and edges do to them.
pub trait Analysis {
    type State: Clone + PartialEq;

    /// The state in which the function is entered.
    fn entry(&self) -> Self::State;

    /// What a step does. `index` is its position in the block.
    fn step(&self, state: &mut Self::State, block: BlockId, index: usize, step: Step);

    /// What taking an edge tells; `false` means that it cannot be taken in this state.
    fn edge(&self, _state: &mut Self::State, _from: BlockId, _edge: &Edge) -> bool {
        true
    }

    /// Makes `into` hold what both have in common; says whether it changed.
    fn join(&self, into: &mut Self::State, from: &Self::State) -> bool;
}

/// The states at the starts of the blocks.
#[derive(Clone, Debug)]
pub struct Solution<S> {
    /// None where control does not come.
    pub entry: Vec<Option<S>>,
    /// False if the states did not settle in time; nothing should be concluded from them.
    pub complete: bool,
}

/// How often a block may be looked at again before the solver gives up. Lattices of paths are as
/// high as the function has paths, but real ones settle within a few rounds.
const MAX_VISITS: u32 = 64;

/// Runs an analysis over a graph until nothing changes.
pub fn solve<A: Analysis>(graph: &ControlFlowGraph, analysis: &A) -> Solution<A::State> {
    let order = graph.reverse_postorder();
    let mut entry: Vec<Option<A::State>> = vec![None; graph.block_count()];
    let mut complete = true;
    let mut visits = vec![0_u32; graph.block_count()];
    let mut pending = std::collections::BTreeSet::new();
    if let Some(first) = order.first() {
        entry[first.index()] = Some(analysis.entry());
        pending.insert(0);
    }
    while let Some(position) = pending.pop_first() {
        let block = order[position];
        visits[block.index()] += 1;
        if visits[block.index()] > MAX_VISITS {
            complete = false;
            break;
        }
        let Some(mut state) = entry[block.index()].clone() else {
            continue;
        };
        for (index, &step) in graph.block(block).steps.iter().enumerate() {
            analysis.step(&mut state, block, index, step);
        }
        for edge in graph.block(block).successors {
            let mut at_target = state.clone();
            if !analysis.edge(&mut at_target, block, edge) {
                continue;
            }
            let target = &mut entry[edge.to.index()];
            let changed = match target {
                Some(known) => analysis.join(known, &at_target),
                None => {
                    *target = Some(at_target);
                    true
                }
            };
            if changed && let Some(rank) = graph.rank(edge.to) {
                pending.insert(rank);
            }
        }
    }
    Solution { entry, complete }
}
