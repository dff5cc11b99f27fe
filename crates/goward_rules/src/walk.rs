//! Walking the nodes of a function, and asking what follows a step in its graph.

use goward_flow::{BlockId, ControlFlowGraph, EdgeKind, Step, Unit, unparenthesized};
use goward_syntax::{BinaryOperator, Expression, NodeId, NodeKind, Tree};
use goward_types::{ObjectId, TypeId, TypedFile};

/// Calls `visit` with each node of a function and the node around it, without the function literals
/// in it: those are functions of their own.
pub(crate) fn walk(unit: &Unit, mut visit: impl FnMut(NodeId, NodeId)) {
    for &(node, parent) in &unit.nodes {
        visit(node, parent);
    }
}

/// Calls `visit` with each node at or below `root`, function literals included.
pub(crate) fn walk_all(tree: &Tree, root: NodeId, visit: impl FnMut(NodeId)) {
    tree.preorder(root).for_each(visit);
}

/// Whether an object is named at or below `root`, function literals included.
pub(crate) fn mentions(file: &TypedFile<'_>, root: NodeId, object: ObjectId) -> bool {
    file.tree.preorder(root).any(|node| {
        file.tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(object)
    })
}

/// The `defer` statements of a function, in the order of the source. Most functions have none, which
/// their graphs tell faster than their trees.
pub(crate) fn defer_statements(unit: &Unit) -> Vec<NodeId> {
    let steps = unit.graph.blocks().flat_map(|block| block.steps);
    let mut found: Vec<NodeId> = steps
        .filter_map(|step| match step {
            Step::Register(statement) => Some(*statement),
            _ => None,
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The steps that can follow the first step for which `start` holds.
pub(crate) fn steps_after(graph: &ControlFlowGraph, start: impl Fn(Step) -> bool) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut seen = vec![false; graph.block_count()];
    let mut pending: Vec<(BlockId, usize)> = Vec::new();
    for &block in graph.reverse_postorder() {
        if let Some(index) = graph
            .block(block)
            .steps
            .iter()
            .position(|&step| start(step))
        {
            pending.push((block, index + 1));
            break;
        }
    }
    while let Some((block, from)) = pending.pop() {
        steps.extend_from_slice(&graph.block(block).steps[from..]);
        for edge in graph.block(block).successors {
            if !std::mem::replace(&mut seen[edge.to.index()], true) {
                pending.push((edge.to, 0));
            }
        }
    }
    steps
}

/// Whether control can leave a `range` loop other than by the end of what it ranges over.
pub(crate) fn has_way_out(graph: &ControlFlowGraph, range: NodeId) -> bool {
    let mut seen = vec![false; graph.block_count()];
    let taken = |wanted: EdgeKind| {
        let edges = graph.blocks().flat_map(|block| block.successors);
        let edges = edges.filter(move |edge| edge.kind == wanted);
        edges.map(|edge| edge.to).collect::<Vec<BlockId>>()
    };
    let after = taken(EdgeKind::RangeDone(range));
    let mut pending = taken(EdgeKind::Range(range));
    while let Some(block) = pending.pop() {
        if std::mem::replace(&mut seen[block.index()], true) {
            continue;
        }
        if after.contains(&block) || graph.exits.iter().any(|exit| exit.from == block) {
            return true;
        }
        let successors = graph.block(block).successors.iter();
        pending.extend(
            successors
                .filter(|edge| edge.kind != EdgeKind::RangeDone(range))
                .map(|edge| edge.to),
        );
    }
    false
}

/// What an edge says of a variable that is compared with nil: `true` if it is taken only where the
/// variable is nil, `false` if only where it is not.
pub(crate) fn nil_by_edge(
    file: &TypedFile<'_>,
    edge: EdgeKind,
    variable: ObjectId,
) -> Option<bool> {
    let (compared, nil) = compared_by_edge(file, edge)?;
    (file.facts.object_of(unparenthesized(file, compared)) == Some(variable)).then_some(nil)
}

/// What an edge compares with nil, and whether it is taken only where that is nil or only where not.
pub(crate) fn compared_by_edge(file: &TypedFile<'_>, edge: EdgeKind) -> Option<(NodeId, bool)> {
    let (condition, holds) = match edge {
        EdgeKind::True(condition) => (condition, true),
        EdgeKind::False(condition) => (condition, false),
        _ => return None,
    };
    let Expression::Binary {
        operator,
        left,
        right,
        ..
    } = file.tree.expression(unparenthesized(file, condition))
    else {
        return None;
    };
    let nil = match operator {
        BinaryOperator::Equal => holds,
        BinaryOperator::NotEqual => !holds,
        _ => return None,
    };
    (file.facts.type_of(right) == TypeId::UNTYPED_NIL).then_some((left, nil))
}
