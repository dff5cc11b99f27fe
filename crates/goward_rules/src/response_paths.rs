//! HTTP responses whose body is closed on some ways out of the function and not on all of them.
//!
//! From the call on, every path is followed until it comes to a use of the response that may close
//! it or hand it on. Ways on which there is no response, or none with a body, do not count: the
//! error is not nil there, the response is nil, or its status says that there is no body.

use goward_flow::{BlockId, EdgeKind, FlagState, Flags, Step, unparenthesized};
use goward_syntax::{BinaryOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::constant::Value;
use goward_types::{IdentifierFact, ObjectId};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::response_ends::Response;
use crate::walk::{mentions, nil_by_edge, walk_all};

/// How a response is left open.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum LeftOpen {
    /// At a `return` statement.
    Return(NodeId),
    /// The next turn of a loop makes another one.
    NextTurn,
}

impl Response<'_, '_> {
    /// A way on which nothing closes the body. `harmless` says of a use of the response whether it
    /// neither closes the body nor hands it on, by the node and the one around it.
    pub(crate) fn left_open(
        &self,
        harmless: impl Fn(NodeId, &FxHashMap<NodeId, NodeId>) -> bool,
    ) -> Option<LeftOpen> {
        let tree = self.file.tree;
        let graph = &self.unit.graph;
        let Statement::Assign {
            left: [_, error], ..
        } = tree.statement(self.statement)
        else {
            return None;
        };
        let error = self.file.facts.object_of(*error);
        let mut parents: FxHashMap<NodeId, NodeId> = FxHashMap::default();
        let mut closing = Vec::new();
        walk_all(tree, self.unit.body, |node| {
            tree.for_each_child(node, |child| {
                parents.insert(child, node);
            });
        });
        let mut captured_before = false;
        let mut sets = Vec::new();
        walk_all(tree, self.unit.body, |node| match tree.kind(node) {
            NodeKind::Ident
                if self.file.facts.object_of(node) == Some(self.variable)
                    && self.file.facts.identifier(node)
                        != Some(IdentifierFact::Definition(Some(self.variable)))
                    && !harmless(node, &parents) =>
            {
                closing.push(tree.span(node).start);
            }
            NodeKind::AssignStmt => {
                if let Statement::Assign { left, .. } = tree.statement(node)
                    && left
                        .iter()
                        .any(|&place| self.file.facts.object_of(place) == Some(self.variable))
                {
                    sets.push(node);
                }
            }
            // A function that was made before the call may close it at any time.
            NodeKind::FuncLit if tree.span(node).start < tree.span(self.statement).start => {
                captured_before |= mentions(self.file, node, self.variable);
            }
            _ => {}
        });
        if captured_before {
            return None;
        }
        let closes = |node: NodeId| {
            let span = tree.span(node);
            closing.iter().any(|&place| span.contains(place))
        };
        let flags = Flags::new(self.context.world(), self.file, self.unit);
        let mut seen = FxHashSet::default();
        // Whether the error is still that of the response, and what flags are set.
        let mut pending: Vec<(BlockId, usize, bool, FlagState)> = Vec::new();
        for &block in graph.reverse_postorder() {
            let steps = &graph.block(block).steps;
            if let Some(index) = steps
                .iter()
                .position(|&step| step == Step::Statement(self.statement))
            {
                let states = flags.states_at(graph, (block, index + 1)).into_iter();
                pending.extend(states.map(|state| (block, index + 1, true, state)));
            }
        }
        let mut found = None;
        'blocks: while let Some((block, from, mut own, mut state)) = pending.pop() {
            for &step in &graph.block(block).steps[from..] {
                state = flags.after(state, step);
                let node = match step {
                    Step::Expression(node)
                    | Step::Statement(node)
                    | Step::Register(node)
                    | Step::RunDeferred(node)
                    | Step::Communicate(node)
                    | Step::Return(node) => node,
                    _ => continue,
                };
                if node == self.statement {
                    // Each turn leaves one, which says more than the way out at the end.
                    found = Some(LeftOpen::NextTurn);
                    continue 'blocks;
                }
                // Another response in the same variable is followed on its own.
                if closes(node) || sets.contains(&node) || self.reads_all(node) {
                    continue 'blocks;
                }
                if tree.kind(node) == NodeKind::AssignStmt
                    && let Statement::Assign { left, .. } = tree.statement(node)
                {
                    own &= !left
                        .iter()
                        .any(|&place| self.file.facts.object_of(place) == error);
                }
            }
            for exit in &graph.exits {
                if exit.terminal == block
                    && exit.kind.returns()
                    && let Some(node) = exit.node
                {
                    found = found.or(Some(LeftOpen::Return(node)));
                }
            }
            for edge in graph.block(block).successors {
                if self.has_no_body(edge.kind, error.filter(|_| own))
                    || !flags.allows(state, edge.kind)
                {
                    continue;
                }
                if seen.insert((edge.to, own, state)) {
                    pending.push((edge.to, 0, own, state));
                }
            }
        }
        found
    }

    /// Whether an edge is only taken where there is no body to close, or where that is not known:
    /// the branch of a test that asks something else of the error.
    fn has_no_body(&self, edge: EdgeKind, error: Option<ObjectId>) -> bool {
        let tree = self.file.tree;
        if let Some(error) = error {
            if let Some(nil) = nil_by_edge(self.file, edge, error) {
                return !nil;
            }
            if let EdgeKind::True(node)
            | EdgeKind::Equal { tag: node, .. }
            | EdgeKind::NotEqual { tag: node, .. } = edge
                && mentions(self.file, node, error)
            {
                return true;
            }
        }
        if nil_by_edge(self.file, edge, self.variable) == Some(true) {
            return true;
        }
        let (left, right) = match edge {
            EdgeKind::True(condition) => match tree.expression(condition) {
                Expression::Binary {
                    operator: BinaryOperator::Equal,
                    left,
                    right,
                    ..
                } => (left, right),
                _ => return false,
            },
            EdgeKind::False(condition) => match tree.expression(condition) {
                Expression::Binary {
                    operator: BinaryOperator::NotEqual,
                    left,
                    right,
                    ..
                } => (left, right),
                _ => return false,
            },
            EdgeKind::Equal { tag, expression } => (tag, expression),
            _ => return false,
        };
        // 101 hands the connection over; 204 and 304 have no body.
        let status = matches!(
            self.file.facts.get(right).and_then(|known| known.value),
            Some(Value::Int(101 | 204 | 304))
        );
        status
            && matches!(tree.expression(unparenthesized(self.file, left)),
                Expression::Selector { operand, .. }
                    if self.file.facts.object_of(unparenthesized(self.file, operand)) == Some(self.variable))
    }
}
