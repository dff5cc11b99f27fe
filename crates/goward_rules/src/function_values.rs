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
    parallel: FxHashMap<ObjectId, Vec<Start>>,
    /// What each function calls or starts.
    runs: FxHashMap<UnitId, Vec<UnitId>>,
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
            for index in 0..found.moves.len() {
                let (from, to) = found.moves[index];
                for start in found.parallel.get(&to).cloned().unwrap_or_default() {
                    changed |= add(found.parallel.entry(from).or_default(), start);
                }
            }
            if !changed {
                break;
            }
        }
        let mut runs: FxHashMap<UnitId, Vec<UnitId>> = FxHashMap::default();
        for observed in &context.flow.observed {
            if let EventKind::Run { target, how, .. } = &observed.event.kind
                && !matches!(how, How::Kept)
            {
                runs.entry(observed.unit).or_default().push(*target);
            }
        }
        FunctionValues {
            parallel: found.parallel,
            runs,
        }
    }

    /// Where goroutines start, in `callee` or what it runs, that run this parameter side by side.
    /// What runs in several goroutines anyway has a value of its own in each.
    pub(crate) fn start(&self, callee: UnitId, parameter: ObjectId) -> Option<Start> {
        let starts = self.parallel.get(&parameter)?;
        let mut seen = FxHashSet::default();
        let mut pending = vec![callee];
        while let Some(unit) = pending.pop() {
            if !seen.insert(unit) {
                continue;
            }
            if let Some(start) = starts.iter().find(|start| start.0 == unit) {
                return Some(*start);
            }
            pending.extend(self.runs.get(&unit).into_iter().flatten());
        }
        None
    }
}

/// More starts of one value are not kept.
const MAX_STARTS: usize = 8;

fn add(starts: &mut Vec<Start>, start: Start) -> bool {
    let new = starts.len() < MAX_STARTS && !starts.contains(&start);
    if new {
        starts.push(start);
    }
    new
}

/// Units that run in several goroutines at once: what a loop starts, and what that calls.
fn parallel_units(context: &Context<'_>) -> FxHashMap<UnitId, Vec<Start>> {
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
    let mut units: FxHashMap<UnitId, Vec<Start>> = FxHashMap::default();
    while let Some((unit, start)) = pending.pop() {
        if !add(units.entry(unit).or_default(), start) {
            continue;
        }
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
    units: FxHashMap<UnitId, Vec<Start>>,
    locking: FxHashSet<UnitId>,
    parallel: FxHashMap<ObjectId, Vec<Start>>,
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
        let called = callee(self.context.world(), file, function);
        if let Some(object) = self.value(id, function) {
            self.run(id, object, spawn);
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
            } else if ASYNCHRONOUS_NAMES.contains(&name) {
                self.run(id, object, Some(call));
            }
        }
    }

    /// A function value is run here.
    fn run(&mut self, id: UnitId, object: ObjectId, spawn: Option<NodeId>) {
        for start in self.parallel_here(id, spawn) {
            add(self.parallel.entry(object).or_default(), start);
        }
    }

    /// Where the goroutines start that are here side by side; `spawn` starts one here.
    fn parallel_here(&self, id: UnitId, spawn: Option<NodeId>) -> Vec<Start> {
        let flow = self.context.flow;
        let locking = |unit: UnitId| self.locking.contains(&unit);
        if flow.units.chain(id).any(locking) {
            return Vec::new();
        }
        let around = flow.units.chain(id);
        let mut starts: Vec<Start> = around
            .filter_map(|unit| self.units.get(&unit))
            .flatten()
            .copied()
            .collect();
        starts.extend(spawn.and_then(|node| self.started_here(id, node)));
        starts
    }

    /// A goroutine that each turn of a loop starts, without waiting for it.
    fn started_here(&self, id: UnitId, node: NodeId) -> Option<Start> {
        let flow = self.context.flow;
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
