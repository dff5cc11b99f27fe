//! The control-flow graph of one function: data only.

use goward_syntax::NodeId;

/// A block of a [`ControlFlowGraph`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub u32);

impl BlockId {
    /// As an index into [`ControlFlowGraph::blocks`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Something that happens. Node ids are those of the file of the unit.
///
/// Identifiers and basic literals have no steps of their own, and neither has the place that an
/// assignment writes: of `m[k] = v` there are the steps of what `m`, `k` and `v` are made of, then
/// the statement.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// An expression is evaluated; its operands have been. A function literal is made, not run.
    Expression(NodeId),
    /// An assignment, `++`, send, `go` or value specification takes effect; its operands are
    /// evaluated.
    Statement(NodeId),
    /// A `defer` statement registers its call; function and arguments are evaluated.
    Register(NodeId),
    /// The call of a `defer` statement runs.
    RunDeferred(NodeId),
    /// A `range` statement asks for the next element.
    RangeNext(NodeId),
    /// A `range` statement sets its variables.
    RangeAssign(NodeId),
    /// The communication of a `select` clause happens: the statement in the clause.
    Communicate(NodeId),
    /// A `return` statement sets the results.
    Return(NodeId),
    /// A `break`, `continue`, `goto` or `fallthrough` leaves the block.
    Branch(NodeId),
}

/// When an edge is taken.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum EdgeKind {
    /// Always.
    Jump,
    /// When this condition is true.
    True(NodeId),
    /// When this condition is false.
    False(NodeId),
    /// When the tag of a `switch` equals this expression.
    Equal { tag: NodeId, expression: NodeId },
    /// When it does not.
    NotEqual { tag: NodeId, expression: NodeId },
    /// When this clause of a type switch fits.
    TypeCase(NodeId),
    /// When there is a next element; the `range` statement.
    Range(NodeId),
    /// When there is none. Of a loop that never ends by itself the edge leaves a block that control
    /// does not come to.
    RangeDone(NodeId),
    /// When this clause of a `select` is chosen.
    Select(NodeId),
    /// When a deferred call was not registered on the path: it is passed over.
    NotRegistered(NodeId),
}

/// An edge between blocks.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub to: BlockId,
    pub kind: EdgeKind,
}

/// Steps that happen one after the other.
#[derive(Clone, Debug, Default)]
pub struct Block {
    pub steps: Vec<Step>,
    /// Where control goes next; empty at the end of an exit, after `select {}` and at the end of
    /// the process.
    pub successors: Vec<Edge>,
}

/// How a function is left.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExitKind {
    /// A `return` statement.
    Return,
    /// The end of the body.
    End,
    /// A call of `panic`, or of a function that always panics.
    Panic,
    /// `runtime.Goexit` or what ends in it, as `testing.T.Fatal` does.
    Goexit,
    /// `os.Exit` or what ends in it: no deferred call runs.
    ProcessExit,
}

impl ExitKind {
    /// Whether the caller goes on after the call.
    pub fn returns(self) -> bool {
        matches!(self, ExitKind::Return | ExitKind::End)
    }
}

/// One deferred call at an exit.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeferredCall {
    /// The `defer` statement.
    pub statement: NodeId,
    /// Some paths to the exit do not register it.
    pub maybe: bool,
    /// It may have been registered several times, in a loop.
    pub repeated: bool,
}

/// One way out of a function.
#[derive(Clone, Debug)]
pub struct Exit {
    pub kind: ExitKind,
    /// The `return` statement or the call that does not return; none at the end of the body.
    pub node: Option<NodeId>,
    /// The block in which control decides to leave.
    pub from: BlockId,
    /// The block after the deferred calls: the caller's next step follows on it.
    pub terminal: BlockId,
    /// The deferred calls between the two, in the order in which they run.
    pub deferred: Vec<DeferredCall>,
}

/// The control flow of one function.
#[derive(Clone, Debug, Default)]
pub struct ControlFlowGraph {
    /// Control enters at block 0. Some blocks may not be reachable.
    pub blocks: Vec<Block>,
    pub exits: Vec<Exit>,
    /// Whether the function has more exits or deferred calls than are kept apart; the exits then
    /// share their deferred calls where the same are registered.
    pub merged: bool,
    /// The blocks that control can reach, each before its successors but for loops.
    order: Vec<BlockId>,
    /// The position of each block in `order`; [`UNREACHABLE`] for those that are not in it.
    rank: Vec<u32>,
}

const UNREACHABLE: u32 = u32::MAX;

impl ControlFlowGraph {
    /// Where control enters.
    pub const ENTRY: BlockId = BlockId(0);

    /// A block.
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.index()]
    }

    /// The blocks that control can reach, each before its successors but for loops.
    pub fn reverse_postorder(&self) -> &[BlockId] {
        &self.order
    }

    /// The position of a block in [`ControlFlowGraph::reverse_postorder`]; none where control does
    /// not come.
    pub fn rank(&self, block: BlockId) -> Option<usize> {
        let rank = self.rank.get(block.index()).copied();
        rank.filter(|&rank| rank != UNREACHABLE)
            .map(|rank| rank as usize)
    }

    /// Whether control can come to a block.
    pub fn is_reachable(&self, block: BlockId) -> bool {
        self.rank(block).is_some()
    }

    /// Whether the caller of the function may go on after the call.
    pub fn returns(&self) -> bool {
        let mut exits = self.exits.iter();
        exits.any(|exit| exit.kind.returns() && self.is_reachable(exit.from))
    }

    /// Fixes the order of the blocks, once all edges are there.
    pub(crate) fn finish(&mut self) {
        self.order = self.find_order();
        self.rank = vec![UNREACHABLE; self.blocks.len()];
        for (&block, position) in self.order.iter().zip(0..) {
            self.rank[block.index()] = position;
        }
    }

    fn find_order(&self) -> Vec<BlockId> {
        let mut state = vec![0_u32; self.blocks.len()];
        let mut order = Vec::with_capacity(self.blocks.len());
        let mut stack = Vec::new();
        if !self.blocks.is_empty() {
            stack.push(ControlFlowGraph::ENTRY);
            state[0] = 1;
        }
        while let Some(&block) = stack.last() {
            let next = state[block.index()] as usize - 1;
            match self.block(block).successors.get(next) {
                Some(edge) => {
                    state[block.index()] += 1;
                    if state[edge.to.index()] == 0 {
                        state[edge.to.index()] = 1;
                        stack.push(edge.to);
                    }
                }
                None => {
                    order.push(block);
                    stack.pop();
                }
            }
        }
        order.reverse();
        order
    }
}
