//! Whether a goroutine has to take a lock, which somebody else holds, before it comes to a point.

use goward_flow::{
    BlockId, ControlFlowGraph, Event, EventKind, How, LockMode, Mode, PathId, UnitId,
};
use goward_syntax::NodeId;
use goward_types::{ObjectId, ObjectKind, VariableKind};

use crate::context::Context;

/// Calls are followed this deep for the locks that they take.
const MAX_CALLS: usize = 3;

/// A lock that a function holds while it waits for others.
#[derive(Copy, Clone)]
pub(crate) struct WaitedWith {
    pub(crate) unit: UnitId,
    pub(crate) lock: PathId,
    pub(crate) mode: Mode,
    /// The variable whose field the channel or group is that is waited for.
    pub(crate) owner: Option<ObjectId>,
}

/// The variable whose field a place is, if there is nothing between the two.
pub(crate) fn owner(context: &Context<'_>, place: PathId) -> Option<ObjectId> {
    let paths = context.flow.locks.paths();
    let direct = paths.get(place).elements.len() == 1;
    paths.root(place).filter(|_| direct)
}

impl WaitedWith {
    /// Whether taking the lock in this mode waits for whoever holds it.
    pub(crate) fn keeps_out(&self, mode: LockMode) -> bool {
        self.mode == Mode::Write || mode == LockMode::Write
    }

    /// Whether a lock of another function is the same one: captured or of the package, given to the
    /// goroutine where it is started, or the field of the same object that the channel or group is a
    /// field of, which is `owner` there.
    pub(crate) fn is(
        &self,
        context: &Context<'_>,
        unit: UnitId,
        lock: PathId,
        owner: Option<ObjectId>,
    ) -> bool {
        let flow = context.flow;
        let (mine, theirs) = {
            let paths = flow.locks.paths();
            match (paths.root(self.lock), paths.root(lock)) {
                (Some(mine), Some(theirs)) => (mine, theirs),
                _ => return false,
            }
        };
        if lock == self.lock {
            let package =
                context.world().object(theirs).kind == ObjectKind::Variable(VariableKind::Package);
            return package || flow.units.outermost(unit) == flow.units.outermost(self.unit);
        }
        let started_here = flow.runs_of(unit).any(|run| match &run.event.kind {
            EventKind::Run {
                how: How::Spawn(_),
                bindings,
                ..
            } => run.unit == self.unit && flow.translate(lock, unit, bindings) == Some(self.lock),
            _ => false,
        });
        if started_here {
            return true;
        }
        let paths = flow.locks.paths();
        let field = |path: PathId| paths.get(path).elements.len() == 1;
        field(self.lock)
            && field(lock)
            && paths.last_field(self.lock) == paths.last_field(lock)
            && Some(mine) == self.owner
            && Some(theirs) == owner
            && flow.units.outermost(unit) != flow.units.outermost(self.unit)
    }

    /// The place at which the goroutine of a function has to take the lock before it comes to an event:
    /// none if there is a way without.
    pub(crate) fn needed_before(
        &self,
        context: &Context<'_>,
        unit: UnitId,
        target: NodeId,
        owner: Option<ObjectId>,
    ) -> Option<(UnitId, NodeId)> {
        // Held there: by the function itself, or by whoever calls it.
        let held = context
            .flow
            .observed_in(unit)
            .iter()
            .filter(|observed| observed.event.node == target)
            .map(|observed| {
                observed.state.locks().find(|(path, held)| {
                    held.certain
                        && self.keeps_out(match held.mode {
                            Mode::Read => LockMode::Read,
                            _ => LockMode::Write,
                        })
                        && self.is(context, unit, *path, owner)
                })
            })
            .collect::<Option<Vec<_>>>();
        if let Some(held) = held
            && let Some((_, first)) = held.first()
        {
            return Some((unit, first.node));
        }
        let locks = |path, mode| self.keeps_out(mode) && self.is(context, unit, path, owner);
        let start = (ControlFlowGraph::ENTRY, 0);
        let passage = Passage::new(context, unit, &locks);
        passage.leads_through(start, Some(target))
    }

    /// The same of a second time at the event, after a first one.
    pub(crate) fn needed_between(
        &self,
        context: &Context<'_>,
        unit: UnitId,
        target: NodeId,
        owner: Option<ObjectId>,
    ) -> Option<(UnitId, NodeId)> {
        let locks = |path, mode| self.keeps_out(mode) && self.is(context, unit, path, owner);
        let passage = Passage::new(context, unit, &locks);
        let mut found = None;
        let graph = &context.flow.units.get(unit).graph;
        let blocks = (0..graph.block_count() as u32).map(BlockId);
        for block in blocks.filter(|&block| graph.is_reachable(block)) {
            let events = context.flow.lowered.units[unit.index()].block(block);
            for (position, (_, event)) in events.iter().enumerate() {
                if is_target(event, target) {
                    found = Some(passage.leads_through((block, position + 1), Some(target))?);
                }
            }
        }
        found
    }
}

fn is_target(event: &Event, target: NodeId) -> bool {
    event.node == target && matches!(event.kind, EventKind::Channel { .. } | EventKind::Called)
}

/// Ways through a function, and the locks on them.
struct Passage<'p, 'a> {
    context: &'p Context<'a>,
    unit: UnitId,
    locks: &'p dyn Fn(PathId, LockMode) -> bool,
    calls: usize,
}

impl<'p, 'a> Passage<'p, 'a> {
    fn new(
        context: &'p Context<'a>,
        unit: UnitId,
        locks: &'p dyn Fn(PathId, LockMode) -> bool,
    ) -> Passage<'p, 'a> {
        Passage {
            context,
            unit,
            locks,
            calls: 0,
        }
    }

    /// Where the lock is taken on the ways from a place to an event, or to the ends of the function: none
    /// if there is a way on which it is not, or no way at all.
    fn leads_through(
        &self,
        start: (BlockId, usize),
        target: Option<NodeId>,
    ) -> Option<(UnitId, NodeId)> {
        let flow = self.context.flow;
        let graph = &flow.units.get(self.unit).graph;
        let events = &flow.lowered.units[self.unit.index()];
        let mut seen = vec![false; graph.block_count()];
        let mut taken: Option<(UnitId, NodeId)> = None;
        let mut behind = Vec::new();
        let mut pending = vec![start];
        'blocks: while let Some((block, from)) = pending.pop() {
            for (position, (_, event)) in events.block(block).iter().enumerate().skip(from) {
                if target.is_some_and(|target| is_target(event, target)) {
                    return None;
                }
                if let Some(place) = self.takes(event) {
                    taken = taken.or(Some(place));
                    behind.push((block, position + 1));
                    continue 'blocks;
                }
            }
            let ends = graph
                .exits
                .iter()
                .any(|exit| exit.terminal == block && exit.kind.returns());
            if target.is_none() && ends {
                return None;
            }
            for edge in graph.block(block).successors {
                if !std::mem::replace(&mut seen[edge.to.index()], true) {
                    pending.push((edge.to, 0));
                }
            }
        }
        match target {
            Some(target) => self.comes_to(behind, target).then_some(taken?),
            None => taken,
        }
    }

    /// Whether control comes from one of these places to an event.
    fn comes_to(&self, mut pending: Vec<(BlockId, usize)>, target: NodeId) -> bool {
        let flow = self.context.flow;
        let graph = &flow.units.get(self.unit).graph;
        let events = &flow.lowered.units[self.unit.index()];
        let mut seen = vec![false; graph.block_count()];
        while let Some((block, from)) = pending.pop() {
            let rest = events.block(block).iter().skip(from);
            if rest.into_iter().any(|(_, event)| is_target(event, target)) {
                return true;
            }
            for edge in graph.block(block).successors {
                if !std::mem::replace(&mut seen[edge.to.index()], true) {
                    pending.push((edge.to, 0));
                }
            }
        }
        false
    }

    /// Where an event takes the lock.
    fn takes(&self, event: &Event) -> Option<(UnitId, NodeId)> {
        match &event.kind {
            EventKind::Lock { path, mode, .. } => {
                (self.locks)(*path, *mode).then_some((self.unit, event.node))
            }
            EventKind::Run {
                target,
                how: How::Call,
                bindings,
            } if self.calls < MAX_CALLS && *target != self.unit => {
                let flow = self.context.flow;
                // What the summary does not show, the function does not do on every way.
                if flow.locks.summary(*target).takes.is_empty() {
                    return None;
                }
                let locks = |path, mode| {
                    let path = flow.translate(path, *target, bindings);
                    path.is_some_and(|path| (self.locks)(path, mode))
                };
                let inner = Passage {
                    context: self.context,
                    unit: *target,
                    locks: &locks,
                    calls: self.calls + 1,
                };
                inner.leads_through((ControlFlowGraph::ENTRY, 0), None)
            }
            _ => None,
        }
    }
}
