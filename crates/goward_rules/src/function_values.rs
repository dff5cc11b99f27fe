//! Function values that the package runs in several goroutines at the same time: parameters and
//! fields that are called, or given on, where many goroutines are.
//!
//! A value moves from parameter to parameter through calls, and into fields through assignments and
//! composite literals. Where a lock is taken on the way to the call, nothing is said.

use goward_flow::{Callee, EventKind, How, SpawnId, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, ObjectKind, TypeKind, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Context;
use crate::sharing::innermost_loop;

/// Where goroutines start that run a function value side by side.
pub(crate) type Start = (UnitId, NodeId);

/// Parameters and fields whose functions run in several goroutines at once.
#[derive(Default)]
pub(crate) struct FunctionValues {
    pub(crate) parallel: FxHashMap<ObjectId, Start>,
    /// Functions that themselves run in several goroutines at once: what they have is their own.
    pub(crate) units: FxHashMap<UnitId, Start>,
}

/// Names of functions that run their argument in another goroutine.
const ASYNCHRONOUS_NAMES: &[&str] = &["Go", "TryGo"];

impl FunctionValues {
    pub(crate) fn new(context: &Context<'_>) -> FunctionValues {
        let mut found = Search {
            context,
            units: parallel_units(context),
            locking: locking_units(context),
            parallel: FxHashMap::default(),
            moves: Vec::new(),
        };
        for (id, unit) in context.flow.units.iter() {
            found.unit(id, unit.body);
        }
        // From where a value is run back to where it comes from.
        loop {
            let mut changed = false;
            for &(from, to) in &found.moves {
                if let Some(&start) = found.parallel.get(&to)
                    && !found.parallel.contains_key(&from)
                {
                    found.parallel.insert(from, start);
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        FunctionValues {
            parallel: found.parallel,
            units: found.units,
        }
    }
}

/// Units that run in several goroutines at once: what a loop starts, and what that calls.
fn parallel_units(context: &Context<'_>) -> FxHashMap<UnitId, Start> {
    let flow = context.flow;
    let mut calls: FxHashMap<UnitId, Vec<UnitId>> = FxHashMap::default();
    let mut pending: Vec<(UnitId, Start)> = Vec::new();
    for observed in &flow.observed {
        let EventKind::Run { target, how, .. } = &observed.event.kind else {
            continue;
        };
        match how {
            How::Spawn(SpawnId(id)) => {
                let spawn = &flow.lowered.spawns[*id as usize];
                let in_loop = observed.state.live.contains(&SpawnId(*id))
                    && innermost_loop(context, spawn.unit, spawn.node).is_some();
                if in_loop {
                    pending.push((*target, (spawn.unit, spawn.node)));
                }
            }
            How::Call => calls.entry(observed.unit).or_default().push(*target),
            _ => {}
        }
    }
    let mut units = FxHashMap::default();
    while let Some((unit, start)) = pending.pop() {
        if units.contains_key(&unit) {
            continue;
        }
        units.insert(unit, start);
        for &target in calls.get(&unit).into_iter().flatten() {
            pending.push((target, start));
        }
    }
    units
}

/// Units that take some lock.
fn locking_units(context: &Context<'_>) -> FxHashSet<UnitId> {
    let observed = context.flow.observed.iter();
    let locks = observed.filter(|observed| matches!(observed.event.kind, EventKind::Lock { .. }));
    locks.map(|observed| observed.unit).collect()
}

struct Search<'c, 'a> {
    context: &'c Context<'a>,
    units: FxHashMap<UnitId, Start>,
    locking: FxHashSet<UnitId>,
    parallel: FxHashMap<ObjectId, Start>,
    /// From parameter to parameter or field.
    moves: Vec<(ObjectId, ObjectId)>,
}

impl Search<'_, '_> {
    fn unit(&mut self, id: UnitId, body: NodeId) {
        let file = self.context.file(self.context.flow.units.get(id).file);
        let mut pending = vec![body];
        while let Some(node) = pending.pop() {
            match file.tree.kind(node) {
                // A unit of its own.
                NodeKind::FuncLit if node != body => continue,
                NodeKind::CallExpr => self.call(id, node, None),
                NodeKind::GoStmt => {
                    if let Statement::Go { call } = file.tree.statement(node) {
                        self.call(id, unparenthesized(file, call), Some(node));
                    }
                }
                NodeKind::KeyValueExpr => {
                    if let Expression::KeyValue { key, value } = file.tree.expression(node) {
                        self.moved(id, value, key);
                    }
                }
                NodeKind::AssignStmt => {
                    if let Statement::Assign { left, right, .. } = file.tree.statement(node)
                        && left.len() == right.len()
                    {
                        for (&place, &value) in left.iter().zip(right) {
                            if let Expression::Selector { name, .. } = file.tree.expression(place) {
                                self.moved(id, value, name);
                            }
                        }
                    }
                }
                _ => {}
            }
            file.tree.for_each_child(node, |child| pending.push(child));
        }
    }

    /// The parameter or field that an expression reads, if it holds a function.
    fn value(&self, id: UnitId, node: NodeId) -> Option<ObjectId> {
        let world = self.context.world();
        let file = self.context.file(self.context.flow.units.get(id).file);
        let node = unparenthesized(file, node);
        let object = match file.tree.expression(node) {
            Expression::Identifier => file.facts.object_of(node)?,
            Expression::Selector { name, .. } => file.facts.object_of(name)?,
            _ => return None,
        };
        let object = goward_flow::origin(world, object);
        let kind = world.object(object).kind;
        let holds_function =
            world.underlying(world.object_type(object)).kind() == TypeKind::Signature;
        let tracked = matches!(
            kind,
            ObjectKind::Variable(VariableKind::Parameter | VariableKind::Field)
        );
        (holds_function && tracked).then_some(object)
    }

    fn moved(&mut self, id: UnitId, value: NodeId, field: NodeId) {
        let world = self.context.world();
        let file = self.context.file(self.context.flow.units.get(id).file);
        if let (Some(from), Some(to)) = (self.value(id, value), file.facts.object_of(field)) {
            let to = goward_flow::origin(world, to);
            if world.object(to).is_field() {
                self.moves.push((from, to));
            }
        }
    }

    fn call(&mut self, id: UnitId, call: NodeId, spawn: Option<NodeId>) {
        let flow = self.context.flow;
        let file = self.context.file(flow.units.get(id).file);
        let Expression::Call {
            function,
            arguments,
            ..
        } = file.tree.expression(call)
        else {
            return;
        };
        let here = self.parallel_here(id, spawn);
        let called = callee(self.context.world(), file, function);
        if let Some(start) = here
            && let Some(object) = self.value(id, function)
        {
            self.parallel.entry(object).or_insert(start);
        }
        let name = match file.tree.expression(unparenthesized(file, function)) {
            Expression::Selector { name, .. } => file.tree.symbol(name).as_str(),
            _ => "",
        };
        for (position, &argument) in arguments.iter().enumerate() {
            let Some(object) = self.value(id, argument) else {
                continue;
            };
            if let Callee::Function(function) = called
                && let Some(target) = flow.units.of_object(function)
            {
                if let Some(&Some(parameter)) = flow.units.get(target).parameters.get(position) {
                    self.moves.push((object, parameter));
                }
            } else if ASYNCHRONOUS_NAMES.contains(&name)
                && let Some(start) = self.parallel_here(id, Some(call))
            {
                self.parallel.entry(object).or_insert(start);
            }
        }
    }

    /// Where the goroutines start that are here side by side; `spawn` starts one here.
    fn parallel_here(&self, id: UnitId, spawn: Option<NodeId>) -> Option<Start> {
        let flow = self.context.flow;
        if flow
            .units
            .chain(id)
            .any(|unit| self.locking.contains(&unit))
        {
            return None;
        }
        if let Some(start) = flow.units.chain(id).find_map(|unit| self.units.get(&unit)) {
            return Some(*start);
        }
        let node = spawn?;
        let around = innermost_loop(self.context, id, node)?;
        let file = self.context.file(flow.units.get(id).file);
        // A turn that waits for its goroutine runs one at a time.
        let waits = file.tree.preorder(flow.units.get(id).body).any(|below| {
            let inside = around.contains(file.tree.span(below).start);
            let wait = match file.tree.expression(below) {
                Expression::Selector { name, .. } => file.tree.symbol(name).as_str() == "Wait",
                Expression::Unary { operator, .. } => {
                    operator == goward_syntax::UnaryOperator::Receive
                }
                _ => false,
            };
            inside && wait
        });
        (!waits).then_some((id, node))
    }
}
