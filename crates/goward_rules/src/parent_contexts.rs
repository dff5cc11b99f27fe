//! Contexts that are released with their parents: those derived from one that the same function made
//! and whose cancel function it calls on every way out, or that nobody else keeps.
//!
//! The parent of a context is looked for backwards through the graph. Each assignment that may have
//! set it must be one that makes a context, and from each of them every way to a return must come
//! by a call of its cancel function, or by a `defer` of one. A child that is made again and again
//! under one parent is not released in time: those pile up until the function is over.

use goward_flow::{BlockId, Step, Unit, UnitId, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};

use crate::context::Context;
use crate::rules::lost_cancel::{is_context_package, is_unregistered};
use crate::standard_library::{called_function, local_variable, type_name};
use crate::walk::{nil_by_edge, walk_all};

/// How many contexts may lie between a child and the one that is cancelled.
const GENERATIONS: usize = 4;

pub(crate) struct ParentRelease<'c, 'a> {
    context: &'c Context<'a>,
    id: UnitId,
    unit: &'c Unit,
    file: &'c TypedFile<'a>,
}

impl<'c, 'a> ParentRelease<'c, 'a> {
    pub(crate) fn new(context: &'c Context<'a>, id: UnitId, unit: &'c Unit) -> Self {
        let file = context.file(unit.file);
        ParentRelease {
            context,
            id,
            unit,
            file,
        }
    }

    /// Whether the context that `call` makes in `statement` ends with its parent, and the parent with
    /// this function.
    pub(crate) fn releases_child_of(&self, statement: NodeId, call: NodeId) -> bool {
        self.is_released(statement, call, GENERATIONS)
    }

    fn is_released(&self, statement: NodeId, call: NodeId, generations: usize) -> bool {
        let Some(parent) = self.parent(call) else {
            return false;
        };
        let Some(makers) = self.makers(statement, parent) else {
            return false;
        };
        !makers.is_empty()
            && generations > 0
            && !self.comes_again(statement, &makers)
            && makers.iter().all(|&maker| {
                let Some((call, cancel)) = self.made_by(maker) else {
                    return false;
                };
                let cancelled =
                    cancel.is_some_and(|cancel| self.is_called_on_all_ways(maker, cancel));
                cancelled
                    || is_unregistered(self.context, self.unit.file, call)
                    || self.is_released(maker, call, generations - 1)
            })
    }

    /// The local variable that holds the parent of the context that a call makes.
    fn parent(&self, call: NodeId) -> Option<ObjectId> {
        let mut call = unparenthesized(self.file, call);
        loop {
            let Expression::Call { arguments, .. } = self.file.tree.expression(call) else {
                return None;
            };
            let given = unparenthesized(self.file, *arguments.first()?);
            if self.file.tree.kind(given) == NodeKind::Ident {
                return local_variable(self.context, self.file, self.id, given)
                    .or_else(|| self.parameter(given));
            }
            let (package, name) = called_function(self.context, self.file, given)?;
            if !is_context_package(package) || name != "WithValue" {
                return None;
            }
            call = given;
        }
    }

    /// A parameter is a variable as any other once the function has assigned it.
    fn parameter(&self, name: NodeId) -> Option<ObjectId> {
        let object = self.file.facts.object_of(name)?;
        self.unit
            .parameters
            .contains(&Some(object))
            .then_some(object)
    }

    /// The assignments from which a variable may have its value before a statement; none where it may
    /// have it from elsewhere.
    pub(crate) fn makers(&self, statement: NodeId, variable: ObjectId) -> Option<Vec<NodeId>> {
        let graph = &self.unit.graph;
        let (block, index) = self.position(statement)?;
        let mut makers = Vec::new();
        let mut seen = vec![false; graph.block_count()];
        let mut pending = vec![(block, index)];
        while let Some((block, end)) = pending.pop() {
            let steps = &graph.block(block).steps[..end];
            let set = steps.iter().rev().find_map(|&step| match step {
                Step::Statement(node) | Step::Communicate(node) | Step::RangeAssign(node)
                    if self.sets(node, variable) =>
                {
                    Some(node)
                }
                _ => None,
            });
            if let Some(set) = set {
                makers.push(set);
                continue;
            }
            if block == goward_flow::ControlFlowGraph::ENTRY {
                return None;
            }
            for &before in graph.reverse_postorder() {
                let leads = graph.block(before).successors.iter();
                if leads.clone().any(|edge| edge.to == block)
                    && !std::mem::replace(&mut seen[before.index()], true)
                {
                    pending.push((before, graph.block(before).steps.len()));
                }
            }
        }
        makers.sort_unstable();
        makers.dedup();
        Some(makers)
    }

    fn sets(&self, statement: NodeId, variable: ObjectId) -> bool {
        self.places(statement)
            .iter()
            .any(|&place| self.file.facts.object_of(place) == Some(variable))
    }

    /// What an assignment or declaration sets.
    fn places(&self, statement: NodeId) -> Vec<NodeId> {
        let tree = self.file.tree;
        match tree.kind(statement) {
            NodeKind::ValueSpec => match tree.specification(statement) {
                goward_syntax::Specification::Value { names, .. } => names.to_vec(),
                _ => Vec::new(),
            },
            _ => match tree.statement(statement) {
                Statement::Assign { left, .. } => left.to_vec(),
                Statement::Range { key, value, .. } => [key, value].into_iter().flatten().collect(),
                _ => Vec::new(),
            },
        }
    }

    /// The call by which an assignment makes a context, and the variable of its cancel function.
    fn made_by(&self, statement: NodeId) -> Option<(NodeId, Option<ObjectId>)> {
        let tree = self.file.tree;
        let value = match tree.kind(statement) {
            NodeKind::ValueSpec => match tree.specification(statement) {
                goward_syntax::Specification::Value {
                    values: [value], ..
                } => *value,
                _ => return None,
            },
            _ => match tree.statement(statement) {
                Statement::Assign { right: [value], .. } => *value,
                _ => return None,
            },
        };
        let call = unparenthesized(self.file, value);
        let (package, name) = called_function(self.context, self.file, call)?;
        if !is_context_package(package) || name == "WithoutCancel" {
            return None;
        }
        let last = self.places(statement).last().copied()?;
        let cancel = local_variable(self.context, self.file, self.id, last);
        let cancel = cancel.filter(|&object| {
            let kept = self.context.world().object_type(object);
            matches!(
                type_name(self.context, kept),
                Some((path, "CancelFunc" | "CancelCauseFunc")) if is_context_package(path)
            ) || self.context.world().underlying(kept).kind() == goward_types::TypeKind::Signature
        });
        Some((call, cancel))
    }

    /// Whether control can come to a statement again without coming by one of the makers of its
    /// parent.
    fn comes_again(&self, statement: NodeId, makers: &[NodeId]) -> bool {
        let Some((block, index)) = self.position(statement) else {
            return true;
        };
        self.reaches(
            (block, index + 1),
            |step| matches!(step, Step::Statement(node) if makers.contains(&node)),
            |step| step == Step::Statement(statement),
            |_| false,
            None,
        )
    }

    /// Whether every way from the assignment that sets a cancel function to a return comes by a call
    /// or a `defer` of it.
    fn is_called_on_all_ways(&self, statement: NodeId, cancel: ObjectId) -> bool {
        let graph = &self.unit.graph;
        let Some((block, index)) = self.position(statement) else {
            return false;
        };
        let returns = |block: BlockId| {
            let mut exits = graph.exits.iter();
            exits.any(|exit| exit.terminal == block && exit.kind.returns())
        };
        !self.reaches(
            (block, index + 1),
            |step| match step {
                Step::Expression(node) | Step::Register(node) | Step::RunDeferred(node) => {
                    self.calls(step, node, cancel)
                }
                _ => false,
            },
            // Another value in the variable: the first one is lost.
            |step| matches!(step, Step::Statement(node) if self.sets(node, cancel)),
            returns,
            Some(cancel),
        )
    }

    /// Whether a step calls a function variable, or makes sure that it is called.
    fn calls(&self, step: Step, node: NodeId, variable: ObjectId) -> bool {
        let tree = self.file.tree;
        let is_call = |node: NodeId| {
            matches!(tree.expression(node), Expression::Call { function, .. }
                if self.file.facts.object_of(unparenthesized(self.file, function)) == Some(variable))
        };
        match step {
            Step::Expression(node) => tree.kind(node) == NodeKind::CallExpr && is_call(node),
            _ => {
                let mut called = false;
                walk_all(tree, node, |below| {
                    called |= tree.kind(below) == NodeKind::CallExpr && is_call(below);
                });
                called
            }
        }
    }

    /// Whether control can come from a position to a step for which `wanted` holds, or to the end of
    /// a block for which `end` does, without a step for which `stop` holds. `set` is a variable that
    /// is not nil on the way.
    fn reaches(
        &self,
        start: (BlockId, usize),
        stop: impl Fn(Step) -> bool,
        wanted: impl Fn(Step) -> bool,
        end: impl Fn(BlockId) -> bool,
        set: Option<ObjectId>,
    ) -> bool {
        let graph = &self.unit.graph;
        let mut seen = vec![false; graph.block_count()];
        let mut pending = vec![start];
        'blocks: while let Some((block, from)) = pending.pop() {
            for &step in &graph.block(block).steps[from..] {
                if stop(step) {
                    continue 'blocks;
                }
                if wanted(step) {
                    return true;
                }
            }
            if end(block) {
                return true;
            }
            for edge in graph.block(block).successors {
                let possible =
                    set.is_none_or(|set| nil_by_edge(self.file, edge.kind, set) != Some(true));
                if possible && !std::mem::replace(&mut seen[edge.to.index()], true) {
                    pending.push((edge.to, 0));
                }
            }
        }
        false
    }

    fn position(&self, statement: NodeId) -> Option<(BlockId, usize)> {
        let graph = &self.unit.graph;
        graph.reverse_postorder().iter().find_map(|&block| {
            let steps = graph.block(block).steps;
            let index = steps
                .iter()
                .position(|&step| step == Step::Statement(statement))?;
            Some((block, index))
        })
    }
}
