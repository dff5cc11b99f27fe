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
#[derive(Copy, Clone, Debug)]
pub struct Block<'g> {
    pub steps: &'g [Step],
    /// Where control goes next; empty at the end of an exit, after `select {}` and at the end of
    /// the process.
    pub successors: &'g [Edge],
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

/// The control flow of one function. Large packages have hundreds of thousands of blocks, so all
/// steps of a function lie in one piece, and so do all edges.
#[derive(Clone, Debug, Default)]
pub struct ControlFlowGraph {
    steps: Box<[Step]>,
    edges: Box<[Edge]>,
    /// For each block, where its steps and its edges end. Control enters at block 0. Some blocks may
    /// not be reachable.
    ends: Box<[(u32, u32)]>,
    pub exits: Box<[Exit]>,
    /// Whether the function has more exits or deferred calls than are kept apart; the exits then
    /// share their deferred calls where the same are registered.
    pub merged: bool,
    /// The blocks that control can reach, each before its successors but for loops.
    order: Box<[BlockId]>,
    /// The position of each block in `order`; [`UNREACHABLE`] for those that are not in it.
    rank: Box<[u32]>,
}

const UNREACHABLE: u32 = u32::MAX;

impl ControlFlowGraph {
    /// Where control enters.
    pub const ENTRY: BlockId = BlockId(0);

    /// A graph of these blocks, which come one after the other as their steps and edges.
    pub(crate) fn new<'b>(
        blocks: impl Iterator<Item = (&'b [Step], &'b [Edge])> + Clone,
    ) -> ControlFlowGraph {
        let sizes = blocks.clone().map(|block| (block.0.len(), block.1.len()));
        let (count, steps, edges) = sizes.fold((0, 0, 0), |sum, block| {
            (sum.0 + 1, sum.1 + block.0, sum.2 + block.1)
        });
        let mut all_steps = Vec::with_capacity(steps);
        let mut all_edges = Vec::with_capacity(edges);
        let mut ends = Vec::with_capacity(count);
        for (steps, edges) in blocks {
            all_steps.extend_from_slice(steps);
            all_edges.extend_from_slice(edges);
            ends.push((all_steps.len() as u32, all_edges.len() as u32));
        }
        let mut graph = ControlFlowGraph {
            steps: all_steps.into(),
            edges: all_edges.into(),
            ends: ends.into(),
            ..ControlFlowGraph::default()
        };
        let order = graph.find_order();
        let mut rank = vec![UNREACHABLE; count];
        for (&block, position) in order.iter().zip(0..) {
            rank[block.index()] = position;
        }
        graph.order = order.into();
        graph.rank = rank.into();
        graph
    }

    /// How many blocks there are, reachable or not.
    pub fn block_count(&self) -> usize {
        self.ends.len()
    }

    /// All blocks, reachable or not, in the order of their ids.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = Block<'_>> + Clone {
        (0..self.ends.len() as u32).map(|index| self.block(BlockId(index)))
    }

    /// A block.
    pub fn block(&self, id: BlockId) -> Block<'_> {
        let start = match id.index().checked_sub(1) {
            Some(before) => self.ends[before],
            None => (0, 0),
        };
        let end = self.ends[id.index()];
        Block {
            steps: &self.steps[start.0 as usize..end.0 as usize],
            successors: &self.edges[start.1 as usize..end.1 as usize],
        }
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

    fn find_order(&self) -> Vec<BlockId> {
        let mut state = vec![0_u32; self.block_count()];
        let mut order = Vec::new();
        let mut stack = Vec::new();
        if !self.ends.is_empty() {
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
