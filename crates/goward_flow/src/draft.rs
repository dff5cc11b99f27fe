//! A control-flow graph while it is being built: each block still grows.

use crate::graph::{BlockId, ControlFlowGraph, Edge, EdgeKind, Exit, Step};

/// A block of a [`Draft`].
#[derive(Debug, Default)]
pub(crate) struct DraftBlock {
    pub steps: Vec<Step>,
    pub successors: Vec<Edge>,
}

/// A graph to which blocks, steps and edges are added. See [`ControlFlowGraph`].
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub blocks: Vec<DraftBlock>,
    pub exits: Vec<Exit>,
    pub merged: bool,
}

impl Draft {
    /// Adds a block with these steps, to which nothing leads yet.
    pub(crate) fn add(&mut self, steps: Vec<Step>) -> BlockId {
        let id = BlockId(self.blocks.len() as u32);
        self.blocks.push(DraftBlock {
            steps,
            successors: Vec::new(),
        });
        id
    }

    pub(crate) fn edge(&mut self, from: BlockId, to: BlockId, kind: EdgeKind) {
        self.blocks[from.index()].successors.push(Edge { to, kind });
    }

    pub(crate) fn block(&self, id: BlockId) -> &DraftBlock {
        &self.blocks[id.index()]
    }

    /// The graph of the blocks that there are so far, without exits.
    pub(crate) fn graph(&self) -> ControlFlowGraph {
        let blocks = self.blocks.iter();
        ControlFlowGraph::new(blocks.map(|block| (&block.steps[..], &block.successors[..])))
    }

    /// The graph, now that all is there.
    pub(crate) fn finish(self) -> ControlFlowGraph {
        let mut graph = self.graph();
        graph.exits = self.exits.into();
        graph.merged = self.merged;
        graph
    }
}
