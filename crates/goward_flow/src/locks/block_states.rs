//! The solution of one function, as it is kept: few of its blocks differ in what is known at their
//! start.

use crate::graph::{BlockId, ControlFlowGraph};
use crate::solver::Solution;
use crate::state::LockState;

/// The states at the starts of the blocks of a function.
#[derive(Clone, Debug)]
pub struct BlockStates {
    /// Each state once, as far as blocks near each other share it.
    states: Box<[LockState]>,
    /// The index of each block's state; [`UNREACHABLE`] where control does not come.
    of_blocks: Box<[u32]>,
    /// False if the states did not settle in time; nothing should be concluded from them.
    pub complete: bool,
}

const UNREACHABLE: u32 = u32::MAX;

/// How many of the states met last are compared with the next one.
const COMPARED: usize = 8;

impl BlockStates {
    pub(super) fn new(solution: Solution<LockState>) -> BlockStates {
        let mut states: Vec<LockState> = Vec::new();
        let of_blocks = solution.entry.into_iter().map(|state| match state {
            None => UNREACHABLE,
            Some(state) => {
                let first = states.len().saturating_sub(COMPARED);
                let known = states[first..].iter().position(|known| *known == state);
                let index = known.map_or(states.len(), |known| first + known);
                if known.is_none() {
                    states.push(state);
                }
                index as u32
            }
        });
        BlockStates {
            of_blocks: of_blocks.collect(),
            states: states.into(),
            complete: solution.complete,
        }
    }

    /// One state in all blocks that control can reach.
    pub(super) fn uniform(graph: &ControlFlowGraph, state: LockState) -> BlockStates {
        let index = |block| match graph.is_reachable(BlockId(block)) {
            true => 0,
            false => UNREACHABLE,
        };
        BlockStates {
            states: Box::new([state]),
            of_blocks: (0..graph.block_count() as u32).map(index).collect(),
            complete: true,
        }
    }

    /// What is known at the start of a block; nothing where control does not come.
    pub fn entry(&self, block: BlockId) -> Option<&LockState> {
        self.states.get(self.of_blocks[block.index()] as usize)
    }

    /// The blocks that control can reach, with what is known at their starts.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (BlockId, &LockState)> {
        let blocks = (0..self.of_blocks.len() as u32).map(BlockId);
        blocks.filter_map(|block| Some((block, self.entry(block)?)))
    }
}
