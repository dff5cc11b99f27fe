//! Local flags: `bool` variables that only ever get `true` and `false` themselves, so that each path
//! through a function says what they are.
//!
//! A search that carries the [`FlagState`] along does not take ways that no run can: a loop
//! `for !done` is left only behind a `done = true`.

use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement, Tree, UnaryOperator};
use goward_types::constant::Value;
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind, World};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::unparenthesized;
use crate::graph::{BlockId, ControlFlowGraph, EdgeKind, Step};
use crate::unit::Unit;

/// Searches visit a block once for each state, so there may not be many flags.
const MOST_FLAGS: usize = 4;

/// Which flags are set; a bit for each.
pub type FlagState = u32;

/// The flags of a function.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// By the statement that sets them: what it sets and what it clears.
    changes: FxHashMap<NodeId, (FlagState, FlagState)>,
    /// By the condition: the flag that it is.
    conditions: FxHashMap<NodeId, FlagState>,
}

impl Flags {
    /// Finds the flags of a function.
    pub fn new(world: &World, file: &TypedFile<'_>, unit: &Unit) -> Flags {
        let collector = Collector { world, file, unit };
        let (values, unfit) = collector.values();
        let conditions = collector.conditions();
        let mut flags = Flags::default();
        let mut bits: FxHashMap<ObjectId, FlagState> = FxHashMap::default();
        for (node, object) in conditions {
            if unfit.contains(&object) || !values.iter().any(|value| value.1 == object) {
                continue;
            }
            let next = bits.len();
            if next >= MOST_FLAGS && !bits.contains_key(&object) {
                continue;
            }
            let bit = *bits.entry(object).or_insert(1 << next);
            flags.conditions.insert(node, bit);
        }
        for (statement, object, value) in values {
            if let Some(&bit) = bits.get(&object) {
                let change = flags.changes.entry(statement).or_default();
                if value {
                    change.0 |= bit;
                } else {
                    change.1 |= bit;
                }
            }
        }
        flags
    }

    /// The flags after a step.
    pub fn after(&self, state: FlagState, step: Step) -> FlagState {
        match step {
            Step::Statement(node) => match self.changes.get(&node) {
                Some((set, cleared)) => (state & !cleared) | set,
                None => state,
            },
            _ => state,
        }
    }

    /// Whether an edge can be taken.
    pub fn allows(&self, state: FlagState, edge: EdgeKind) -> bool {
        let (condition, wanted) = match edge {
            EdgeKind::True(condition) => (condition, true),
            EdgeKind::False(condition) => (condition, false),
            _ => return true,
        };
        let bit = self.conditions.get(&condition);
        bit.is_none_or(|bit| (state & bit != 0) == wanted)
    }

    /// The states in which control can come to a place.
    pub fn states_at(&self, graph: &ControlFlowGraph, place: (BlockId, usize)) -> Vec<FlagState> {
        let mut found = Vec::new();
        let mut seen = FxHashSet::default();
        let mut pending = vec![(ControlFlowGraph::ENTRY, 0)];
        while let Some((block, state)) = pending.pop() {
            if !seen.insert((block, state)) {
                continue;
            }
            let steps = graph.block(block).steps;
            let until = |end: usize| {
                let steps = steps[..end].iter();
                steps.fold(state, |state, &step| self.after(state, step))
            };
            if block == place.0 {
                found.push(until(place.1));
            }
            let end = until(steps.len());
            for edge in graph.block(block).successors {
                if self.allows(end, edge.kind) {
                    pending.push((edge.to, end));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

struct Collector<'c, 'a> {
    world: &'c World,
    file: &'c TypedFile<'a>,
    unit: &'c Unit,
}

impl Collector<'_, '_> {
    /// The statements that give local variables constant values, and the variables that get others,
    /// or that closures or pointers may change.
    fn values(&self) -> (Vec<(NodeId, ObjectId, bool)>, FxHashSet<ObjectId>) {
        let tree = self.file.tree;
        let mut values = Vec::new();
        let mut unfit = FxHashSet::default();
        for &(node, _) in &self.unit.nodes {
            self.changed_at(tree, node, &mut |object, value| match value {
                Some(value) => values.push((node, object, value)),
                None => {
                    unfit.insert(object);
                }
            });
            if tree.kind(node) == NodeKind::FuncLit {
                for below in tree.preorder(node) {
                    self.changed_at(tree, below, &mut |object, _| {
                        unfit.insert(object);
                    });
                }
            }
        }
        (values, unfit)
    }

    /// The local variables that a node changes, each with its value where that is constant.
    fn changed_at(&self, tree: &Tree, node: NodeId, visit: &mut dyn FnMut(ObjectId, Option<bool>)) {
        let mut change = |place: NodeId, value: Option<bool>| {
            if let Some(object) = self.local(place) {
                visit(object, value);
            }
        };
        match tree.kind(node) {
            NodeKind::AssignStmt => {
                if let Statement::Assign { left, right, .. } = tree.statement(node) {
                    for (position, &place) in left.iter().enumerate() {
                        let value = (left.len() == right.len()).then(|| right[position]);
                        change(place, value.and_then(|value| self.constant(value)));
                    }
                }
            }
            NodeKind::ValueSpec => {
                if let Specification::Value { names, values, .. } = tree.specification(node) {
                    for (position, &name) in names.iter().enumerate() {
                        let value = match values.get(position) {
                            Some(&value) => self.constant(value),
                            None => values.is_empty().then_some(false),
                        };
                        change(name, value);
                    }
                }
            }
            NodeKind::RangeStmt => {
                if let Statement::Range { key, value, .. } = tree.statement(node) {
                    for place in [key, value].into_iter().flatten() {
                        change(place, None);
                    }
                }
            }
            NodeKind::UnaryExpr => {
                if let Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } = tree.expression(node)
                {
                    change(operand, None);
                }
            }
            _ => {}
        }
    }

    /// Conditions that are just a variable.
    fn conditions(&self) -> Vec<(NodeId, ObjectId)> {
        let edges = self.unit.graph.blocks();
        let mut found: Vec<(NodeId, ObjectId)> = edges
            .flat_map(|block| block.successors)
            .filter_map(|edge| match edge.kind {
                EdgeKind::True(node) | EdgeKind::False(node) => Some((node, self.local(node)?)),
                _ => None,
            })
            .collect();
        found.sort_unstable_by_key(|&(node, _)| node);
        found.dedup();
        found
    }

    fn local(&self, node: NodeId) -> Option<ObjectId> {
        let node = unparenthesized(self.file, node);
        if self.file.tree.kind(node) != NodeKind::Ident {
            return None;
        }
        let object = self.file.facts.object_of(node)?;
        let known = self.world.object(object);
        (known.kind == ObjectKind::Variable(VariableKind::Local)
            && self.file.tree.span(self.unit.body).contains(known.offset))
        .then_some(object)
    }

    fn constant(&self, node: NodeId) -> Option<bool> {
        match self.file.facts.get(node).and_then(|known| known.value) {
            Some(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }
}
