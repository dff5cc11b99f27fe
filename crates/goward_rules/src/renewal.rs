//! Whether a variable still means the same when control comes from one place of a function to another:
//! what is declared in the body of a loop is another variable in each turn, and a goroutine that was
//! given the value of a variable keeps that value when the variable gets another one.

use goward_flow::{BlockId, PathId, SpawnId, Step, UnitId};
use goward_syntax::{NodeId, NodeKind, Statement, Tree};
use goward_types::ObjectId;

use crate::context::Context;
use crate::walk::mentions;

/// What a goroutine has of its starter at a path.
pub(crate) struct Given<'c, 'a> {
    context: &'c Context<'a>,
    /// The function that starts it, and the statement or argument that does.
    unit: UnitId,
    start: NodeId,
    /// Variables of that function which the path mentions.
    variables: Vec<ObjectId>,
    /// The variable that the path starts at, if the goroutine was given its value and does not see
    /// the variable itself.
    value_of: Option<ObjectId>,
}

impl<'c, 'a> Given<'c, 'a> {
    pub(crate) fn new(context: &'c Context<'a>, spawn: SpawnId, path: PathId) -> Given<'c, 'a> {
        let flow = context.flow;
        let spawn = &flow.lowered.spawns[spawn.0 as usize];
        let starter = flow.units.get(spawn.unit);
        let tree = context.file(starter.file).tree;
        let paths = flow.locks.paths();
        let own = |&object: &ObjectId| {
            let object = context.world().object(object);
            object.package == Some(context.package.package)
                && object.file as usize == starter.file
                && tree.span(starter.node).contains(object.offset)
        };
        let root = paths.root(path).filter(own);
        let target = flow.units.get(spawn.target);
        let seen = |root: ObjectId| mentions(context.file(target.file), target.body, root);
        Given {
            context,
            unit: spawn.unit,
            start: spawn.node,
            variables: paths.mentions(path).iter().copied().filter(own).collect(),
            value_of: root.filter(|&root| !seen(root)),
        }
    }

    /// Whether the goroutine has the value of a variable, and not the variable.
    pub(crate) fn is_value(&self) -> bool {
        self.value_of.is_some()
    }

    /// Whether control can come from the start of the goroutine to a node of `unit` without the path
    /// having become another one. `true` where that is not known.
    pub(crate) fn is_same_at(&self, unit: UnitId, node: NodeId) -> bool {
        if unit != self.unit || self.variables.is_empty() {
            return true;
        }
        let graph = &self.context.flow.units.get(unit).graph;
        let Some((start, first)) = self.position(self.start) else {
            return true;
        };
        let Some(goal) = self.position(node) else {
            return true;
        };
        let mut open = vec![(start, first + 1)];
        let mut seen = vec![false; graph.block_count()];
        while let Some((block, from)) = open.pop() {
            let steps = graph.block(BlockId(block as u32)).steps;
            let mut renewed = false;
            for (index, &step) in steps.iter().enumerate().skip(from) {
                if (block, index) == goal {
                    return true;
                }
                if self.renews(step) {
                    renewed = true;
                    break;
                }
            }
            if renewed {
                continue;
            }
            for edge in graph.block(BlockId(block as u32)).successors {
                let next = edge.to.index();
                if !std::mem::replace(&mut seen[next], true) {
                    open.push((next, 0));
                }
            }
        }
        false
    }

    /// The block and index of the innermost step around a node.
    fn position(&self, node: NodeId) -> Option<(usize, usize)> {
        let unit = self.context.flow.units.get(self.unit);
        let tree = self.context.file(unit.file).tree;
        let span = tree.span(node);
        let mut best: Option<(u32, (usize, usize))> = None;
        for (block, content) in unit.graph.blocks().enumerate() {
            for (index, &step) in content.steps.iter().enumerate() {
                let (Step::Expression(at) | Step::Statement(at) | Step::Communicate(at)) = step
                else {
                    continue;
                };
                let around = tree.span(at);
                if around.start <= span.start
                    && span.end <= around.end
                    && best.is_none_or(|(length, _)| around.len() < length)
                {
                    best = Some((around.len(), (block, index)));
                }
            }
        }
        best.map(|(_, position)| position)
    }

    fn renews(&self, step: Step) -> bool {
        let unit = self.context.flow.units.get(self.unit);
        let tree = self.context.file(unit.file).tree;
        match step {
            Step::Statement(node) | Step::Communicate(node) => {
                self.declares(tree, node) || self.sets_value(tree, node)
            }
            Step::RangeAssign(node) => match tree.statement(node) {
                Statement::Range { key, value, .. } => key
                    .into_iter()
                    .chain(value)
                    .any(|place| self.declares_at(tree, place) || self.is_value_of(place)),
                _ => false,
            },
            _ => false,
        }
    }

    fn declares(&self, tree: &Tree, node: NodeId) -> bool {
        match tree.kind(node) {
            NodeKind::AssignStmt => match tree.statement(node) {
                Statement::Assign { left, .. } => {
                    left.iter().any(|&place| self.declares_at(tree, place))
                }
                _ => false,
            },
            NodeKind::ValueSpec => match tree.specification(node) {
                goward_syntax::Specification::Value { names, .. } => {
                    names.iter().any(|&name| self.declares_at(tree, name))
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn declares_at(&self, tree: &Tree, place: NodeId) -> bool {
        let at = tree.span(place).start;
        tree.kind(place) == NodeKind::Ident
            && self
                .variables
                .iter()
                .any(|&object| self.context.world().object(object).offset == at)
    }

    /// Whether a statement gives the variable another value of which the goroutine has the old one.
    fn sets_value(&self, tree: &Tree, node: NodeId) -> bool {
        match (tree.kind(node), tree.statement(node)) {
            (NodeKind::AssignStmt, Statement::Assign { left, .. }) => {
                left.iter().any(|&place| self.is_value_of(place))
            }
            _ => false,
        }
    }

    fn is_value_of(&self, place: NodeId) -> bool {
        let unit = self.context.flow.units.get(self.unit);
        let file = self.context.file(unit.file);
        self.value_of.is_some()
            && file.tree.kind(place) == NodeKind::Ident
            && file.facts.object_of(place) == self.value_of
    }
}
