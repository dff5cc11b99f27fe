//! Local channels on which goroutines send more than the function receives before it returns.
//!
//! # How it works
//!
//! Looked at are channels with a constant capacity of which every use is known. For each goroutine,
//! the most *bare* sends on a path through it (a bare send has no way out: it is no case of a `select`
//! with others) are held against the fewest receives on a path of the function from the `go`
//! statement to a return. Where the capacity does not make up the difference, a goroutine is left
//! behind, blocked for ever. The goroutine may send in a function of the package that it calls or
//! defers, and may be a function of the package itself.
//!
//! A path is no path where it waits for what the goroutine does after its last send: a channel that
//! it closes or sends on then, `Wait` of a group that it belongs to, or the end of a channel that is
//! closed after such a `Wait`. Nor where a test has failed on it: what is left then ends with the run.
//!
//! # What is absent
//!
//! A channel that is passed on to other packages, stored, returned, or received from by another
//! goroutine is not looked at.

mod ends;
mod process;

use std::cell::RefCell;

use goward_diagnostics::Span;
use goward_syntax::{BinaryOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile, TypedPackage};

use super::counting::{Count, Position, fewest, most, position_after};
use super::{LocalChannel, UseKind, each_own_node};
use crate::calls::{Callee, callee, unparenthesized};
use crate::flags::Flags;
use crate::graph::{ControlFlowGraph, EdgeKind, Step};
use crate::launches::{Launches, Start, StartKind};
use crate::unit::{Unit, UnitId, Units};

/// Calls within calls are looked into this far.
const DEEPEST: usize = 4;

/// A channel on which a goroutine can be left behind.
#[derive(Clone, Debug)]
pub struct AbandonedSend {
    /// The function that makes the channel.
    pub unit: UnitId,
    /// The channel variable.
    pub channel: ObjectId,
    /// The call of `make`.
    pub made: NodeId,
    pub capacity: i64,
    /// The function with the send, and the send.
    pub sender: UnitId,
    pub send: NodeId,
    /// The `go` statement.
    pub launch: NodeId,
    /// The most sends, and the fewest receives before the function returns.
    pub sends: Sends,
    pub receives: u32,
    /// How many values all goroutines send at most; none where that is not known.
    pub all: Option<u32>,
    /// How many bare send statements there are.
    pub statements: usize,
    /// The return on the path with the fewest receives; none at the end of the body.
    pub exit: Option<NodeId>,
}

/// How many values goroutines send at most.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Sends {
    Finite(u32),
    /// The goroutine sends in a loop.
    InLoop,
    /// The goroutine is started in a loop.
    StartedInLoop,
}

/// Finds the channels of a package on which goroutines are left behind.
pub(crate) fn abandoned_sends(
    package: &TypedPackage<'_>,
    units: &Units,
    launches: &Launches,
    channels: &[LocalChannel],
) -> Vec<AbandonedSend> {
    let mut found = Vec::new();
    for channel in channels {
        let unit = units.get(channel.unit);
        let Some(capacity) = channel.capacity else {
            continue;
        };
        let judge = Judge {
            package,
            file: &package.files[unit.file],
            units,
            launches,
            channels,
            channel,
            unit,
            capacity,
        };
        let left = judge.judge();
        found.extend(
            left.filter(|_| !process::ends_the_process(package, units, launches, channel.unit, 0)),
        );
    }
    found
}

/// A goroutine that sends.
struct Sender {
    unit: UnitId,
    start: Start,
    most: Count,
    /// Started several times for one channel, it is not known how often.
    again: bool,
}

struct Judge<'j, 'a> {
    package: &'j TypedPackage<'a>,
    /// The file of the function that makes the channel.
    file: &'j TypedFile<'a>,
    units: &'j Units,
    launches: &'j Launches,
    /// All channels of the package.
    channels: &'j [LocalChannel],
    channel: &'j LocalChannel,
    unit: &'j Unit,
    capacity: i64,
}

impl Judge<'_, '_> {
    fn judge(&self) -> Option<AbandonedSend> {
        let own = self.channel.unit;
        for one in &self.channel.uses {
            let understood = match one.kind {
                UseKind::Other | UseKind::Returned => false,
                // The function itself sends: somebody else must receive.
                UseKind::Send { .. } => one.unit != own,
                // Another goroutine, or a deferred function, receives.
                UseKind::Receive { .. } | UseKind::Range => one.unit == own,
                UseKind::Passed { target } => {
                    one.unit != own || self.is_started_by(target, one.node)
                }
                UseKind::Close | UseKind::Length => true,
            };
            if !understood {
                return None;
            }
        }
        let senders = self.senders()?;
        let all: Count = senders.iter().fold(Count::Finite(0), |sum, sender| {
            sum.add(if sender.again {
                Count::Unbounded
            } else {
                sender.most
            })
        });
        let together = self.run_together(&senders);
        for (index, sender) in senders.iter().enumerate() {
            let Some((receives, exit)) = self.fewest_receives(sender) else {
                continue;
            };
            let last = index + 1 == senders.len();
            let count = if last && together { all } else { sender.most };
            let sends = match (sender.again, count) {
                (true, _) => Sends::StartedInLoop,
                (false, Count::Unbounded) => Sends::InLoop,
                (false, Count::Finite(count)) => Sends::Finite(count),
            };
            let left = match sends {
                Sends::Finite(sends) => {
                    i64::from(sends) - i64::from(receives) > self.capacity
                        && !self.counts_receives()
                }
                _ => !self.is_counted_protocol(),
            };
            if left {
                let all = match all {
                    Count::Finite(all) => Some(all),
                    Count::Unbounded => None,
                };
                return Some(self.found(sender, sends, all, receives, exit));
            }
        }
        None
    }

    fn found(
        &self,
        sender: &Sender,
        sends: Sends,
        all: Option<u32>,
        receives: u32,
        exit: Option<NodeId>,
    ) -> AbandonedSend {
        let mut bare = self.bare_sends();
        let statements = bare.len();
        let of_sender: Vec<(UnitId, NodeId)> = bare
            .iter()
            .filter(|send| send.0 == sender.unit)
            .copied()
            .collect();
        if !of_sender.is_empty() {
            bare = of_sender;
        }
        // The first send that finds neither a receiver nor room.
        let taken = match (sends, sender.most) {
            (Sends::Finite(sends), Count::Finite(most)) => {
                i64::from(most) - (i64::from(sends) - i64::from(receives) - self.capacity)
            }
            _ => 0,
        };
        let index = (taken.max(0) as usize).min(bare.len().saturating_sub(1));
        let (unit, send) = bare[index];
        AbandonedSend {
            unit: self.channel.unit,
            channel: self.channel.object,
            made: self.channel.made,
            capacity: self.capacity,
            sender: unit,
            send,
            launch: sender.start.node,
            sends,
            receives,
            all,
            statements,
            exit,
        }
    }

    /// Whether a call starts this function as a goroutine.
    fn is_started_by(&self, target: UnitId, call: NodeId) -> bool {
        let mut starts = self.launches.of(target).iter();
        starts.any(|start| {
            start.kind == StartKind::Go && start.call == call && start.unit == self.channel.unit
        })
    }

    /// The send statements that have no way out, in the order of the source.
    fn bare_sends(&self) -> Vec<(UnitId, NodeId)> {
        let sends = self.channel.uses.iter().filter_map(|one| match one.kind {
            UseKind::Send { select: None } => Some((one.unit, one.node)),
            _ => None,
        });
        let mut sends: Vec<(UnitId, NodeId)> = sends.collect();
        sends.sort_by_key(|&(unit, node)| {
            let file = self.units.get(unit).file;
            (file, self.package.files[file].tree.span(node).start)
        });
        sends.dedup();
        sends
    }

    /// The goroutines that send, in the order in which they are started; none where a send is in a
    /// function of which it is not known how it is run.
    fn senders(&self) -> Option<Vec<Sender>> {
        let bare = self.bare_sends();
        let sending: Vec<UnitId> = bare.iter().map(|send| send.0).collect();
        let seen: RefCell<Vec<UnitId>> = RefCell::default();
        let mut senders = Vec::new();
        for (unit, starts) in self.launches.iter() {
            for &start in starts {
                if start.kind != StartKind::Go || start.unit != self.channel.unit {
                    continue;
                }
                let given = self.channel.uses.iter().any(|one| {
                    one.unit == self.channel.unit
                        && one.node == start.call
                        && one.kind == UseKind::Passed { target: unit }
                });
                if !given && !self.is_captured_by(unit) {
                    continue;
                }
                let most = self.sends_of(unit, 0, &seen);
                if !most.is_zero() {
                    let times = self.times_started(start.node);
                    senders.push(Sender {
                        unit,
                        start,
                        most: most.times(times.unwrap_or(1)),
                        again: times.is_none(),
                    });
                }
            }
        }
        // A literal must not be run in other ways, too.
        let seen = seen.into_inner();
        let only_here = seen.iter().all(|&unit| {
            !self.units.get(unit).is_literal()
                || self.launches.of(unit).iter().all(|start| {
                    start.kind != StartKind::Unknown
                        && (start.kind == StartKind::Go) == (start.unit == self.channel.unit)
                })
        });
        senders.sort_by_key(|sender| self.file.tree.span(sender.start.node).start);
        (only_here && !senders.is_empty() && sending.iter().all(|unit| seen.contains(unit)))
            .then_some(senders)
    }

    /// Whether a literal uses the variable of the channel itself.
    fn is_captured_by(&self, literal: UnitId) -> bool {
        self.channel.uses.iter().any(|one| {
            one.variable == self.channel.object
                && one.unit != self.channel.unit
                && self.units.chain(one.unit).any(|unit| unit == literal)
        })
    }

    /// The most bare sends on a path through a function, with those of the functions that it calls
    /// and defers.
    fn sends_of(&self, id: UnitId, depth: usize, seen: &RefCell<Vec<UnitId>>) -> Count {
        if depth > DEEPEST {
            return Count::Finite(0);
        }
        seen.borrow_mut().push(id);
        let start = (ControlFlowGraph::ENTRY, 0);
        most(&self.units.get(id).graph, start, &|step| {
            self.sends_at(id, step, depth, seen)
        })
    }

    fn sends_at(&self, id: UnitId, step: Step, depth: usize, seen: &RefCell<Vec<UnitId>>) -> Count {
        match step {
            Step::Statement(node) | Step::Communicate(node) => {
                let bare = self.channel.uses.iter().any(|one| {
                    one.unit == id && one.node == node && one.kind == UseKind::Send { select: None }
                });
                Count::Finite(u32::from(bare))
            }
            Step::Expression(node) => self.sends_in_call(id, node, StartKind::Call, depth, seen),
            Step::RunDeferred(node) => self.sends_in_call(id, node, StartKind::Defer, depth, seen),
            _ => Count::Finite(0),
        }
    }

    /// What the function sends that is called, or deferred, at a node.
    fn sends_in_call(
        &self,
        id: UnitId,
        node: NodeId,
        kind: StartKind,
        depth: usize,
        seen: &RefCell<Vec<UnitId>>,
    ) -> Count {
        let unit = self.units.get(id);
        let file = &self.package.files[unit.file];
        let call = match file.tree.statement(node) {
            Statement::Defer { call } => call,
            _ => node,
        };
        let Expression::Call { function, .. } = file.tree.expression(call) else {
            return Count::Finite(0);
        };
        let passed = self.channel.uses.iter().find_map(|one| match one.kind {
            UseKind::Passed { target } if one.unit == id && one.node == call => Some(target),
            _ => None,
        });
        let function = unparenthesized(file, function);
        let literal = self.units.of_literal(unit.file, function);
        let stored = || {
            let (target, _) = self.launches.iter().find(|(target, starts)| {
                self.units.get(*target).is_literal()
                    && starts
                        .iter()
                        .any(|start| start.unit == id && start.call == call)
            })?;
            Some(target)
        };
        let stored = || match callee(self.package.world, file, function) {
            Callee::Variable(_) => stored(),
            _ => None,
        };
        let Some(target) = passed.or(literal).or_else(stored) else {
            return Count::Finite(0);
        };
        let sends = self.sends_of(target, depth + 1, seen);
        // Functions may call themselves: deep inside nothing more is asked.
        if depth >= DEEPEST {
            return sends;
        }
        // What sends only under a condition may see to it that it sends only once.
        if self.is_called_before(id, call, target) && self.may_send_nothing(target) {
            return Count::Finite(0);
        }
        // Who recovers, or sends at the end only under a condition, may send what the body has not.
        let instead = || self.recovers(target) || self.may_send_nothing(target);
        if kind == StartKind::Defer && self.has_own_sends(id) && instead() {
            return Count::Finite(0);
        }
        sends
    }

    /// Whether a function calls another one, a stored literal or one that it gives the channel, further
    /// up than here.
    fn is_called_before(&self, id: UnitId, call: NodeId, target: UnitId) -> bool {
        let file = &self.package.files[self.units.get(id).file];
        self.launches.of(target).iter().any(|start| {
            start.unit == id && file.tree.span(start.call).start < file.tree.span(call).start
        })
    }

    /// Whether some path through a function has no send.
    fn may_send_nothing(&self, id: UnitId) -> bool {
        let graph = &self.units.get(id).graph;
        let unused = RefCell::default();
        let cost = |step: Step| match self.sends_at(id, step, DEEPEST, &unused) {
            Count::Finite(count) => Some(count),
            Count::Unbounded => Some(1),
        };
        let flags = Flags::default();
        let start = (ControlFlowGraph::ENTRY, 0);
        let least = fewest(graph, &flags, start, &cost, &|_| Some(0));
        least.is_none_or(|(count, _)| count == 0)
    }

    fn has_own_sends(&self, id: UnitId) -> bool {
        let mut uses = self.channel.uses.iter();
        uses.any(|one| one.unit == id && matches!(one.kind, UseKind::Send { .. }))
    }

    fn recovers(&self, id: UnitId) -> bool {
        let unit = self.units.get(id);
        let file = &self.package.files[unit.file];
        let mut found = false;
        each_own_node(file, unit, &mut |node| {
            if let Expression::Call { function, .. } = file.tree.expression(node) {
                found |= callee(self.package.world, file, function) == Callee::Builtin("recover");
            }
        });
        found
    }

    /// How often a `go` statement starts its goroutine for one channel; none where it stands in a loop
    /// that does not also make the channel anew and goes round it is not known how often.
    fn times_started(&self, launch: NodeId) -> Option<u32> {
        let (launch, made) = (self.span(launch), self.span(self.channel.made));
        let mut times = 1_u32;
        for (node, _) in self.loops() {
            if holds(self.span(node), launch) && !holds(self.span(node), made) {
                times = times.checked_mul(self.turns(node)?)?;
            }
        }
        Some(times)
    }

    /// How often a loop goes round, where that is constant: `for i := 0; i < 3; i++`, `for range 3`.
    fn turns(&self, node: NodeId) -> Option<u32> {
        let (tree, facts) = (self.file.tree, self.file.facts);
        let constant = |node: NodeId| facts.get(node)?.value?.int64_value();
        let turns = match tree.statement(node) {
            Statement::Range { operand, .. } => constant(operand)?,
            Statement::For {
                initial: Some(initial),
                condition: Some(condition),
                post: Some(post),
                ..
            } => {
                let Statement::Assign { right: [first], .. } = tree.statement(initial) else {
                    return None;
                };
                let Statement::IncrementDecrement {
                    increment: true, ..
                } = tree.statement(post)
                else {
                    return None;
                };
                let Expression::Binary {
                    operator,
                    right: last,
                    ..
                } = tree.expression(condition)
                else {
                    return None;
                };
                let more = match operator {
                    BinaryOperator::Less => 0,
                    BinaryOperator::LessEqual => 1,
                    _ => return None,
                };
                constant(last)? - constant(*first)? + more
            }
            _ => return None,
        };
        u32::try_from(turns).ok()
    }

    /// The loops of the function, with their bodies.
    fn loops(&self) -> Vec<(NodeId, NodeId)> {
        let mut loops = Vec::new();
        each_own_node(self.file, self.unit, &mut |node| {
            match self.file.tree.kind(node) {
                NodeKind::ForStmt | NodeKind::RangeStmt => {}
                _ => return,
            }
            match self.file.tree.statement(node) {
                Statement::For { body, .. } | Statement::Range { body, .. } => {
                    loops.push((node, body));
                }
                _ => {}
            }
        });
        loops
    }

    fn span(&self, node: NodeId) -> Span {
        self.file.tree.span(node)
    }

    fn receives(&self) -> impl Iterator<Item = NodeId> {
        let receives = self
            .channel
            .uses
            .iter()
            .filter(|one| matches!(one.kind, UseKind::Receive { .. } | UseKind::Range));
        receives.map(|one| one.node)
    }

    /// Whether whoever reaches the last launch has made all others before, without a receive between
    /// them: then what they send adds up.
    fn run_together(&self, senders: &[Sender]) -> bool {
        let (Some(first), Some(last)) = (senders.first(), senders.last()) else {
            return false;
        };
        let mut in_one_block = false;
        each_own_node(self.file, self.unit, &mut |node| {
            if let NodeKind::BlockStmt = self.file.tree.kind(node)
                && let Statement::Block { statements } = self.file.tree.statement(node)
            {
                in_one_block |= senders.iter().all(|sender| {
                    statements.iter().any(|&statement| {
                        statement == sender.start.node
                            || matches!(self.file.tree.kind(statement), NodeKind::ExprStmt)
                                && holds(self.span(statement), self.span(sender.start.node))
                    })
                });
            }
        });
        let begun = self.span(first.start.node).start..self.span(last.start.node).start;
        in_one_block
            && !self.wait_for_each_other(senders)
            && !self
                .receives()
                .any(|receive| begun.contains(&self.span(receive).start))
    }

    /// The fewest receives on a path from the launch to a return, and that return. None where every
    /// path ends otherwise, drains the channel, or waits for the end of the goroutine.
    fn fewest_receives(&self, sender: &Sender) -> Option<(u32, Option<NodeId>)> {
        let receives: Vec<NodeId> = self.receives().collect();
        // Leaving such a loop through its condition means that it has received what it wanted.
        let draining: Vec<NodeId> = self
            .loops()
            .iter()
            .filter(|(_, body)| {
                receives
                    .iter()
                    .any(|&receive| holds(self.span(*body), self.span(receive)))
            })
            .filter_map(|&(node, _)| match self.file.tree.statement(node) {
                Statement::For { condition, .. } => condition,
                _ => Some(node),
            })
            .collect();
        let in_select: Vec<NodeId> = self
            .channel
            .uses
            .iter()
            .filter(|one| matches!(one.kind, UseKind::Receive { select: Some(_) }))
            .map(|one| one.node)
            .collect();
        let waits = self.waits(sender);
        let failures = self.failures();
        let inside = |node: NodeId, receive: NodeId| holds(self.span(node), self.span(receive));
        let step_cost = |step: Step| -> Option<u32> {
            match step {
                Step::Expression(node) if waits.contains(&node) || failures.contains(&node) => None,
                Step::Return(node) if failures.contains(&node) => None,
                Step::Statement(node) if waits.contains(&node) => None,
                Step::Communicate(node) if waits.iter().any(|&wait| inside(node, wait)) => None,
                Step::Register(node) if waits.iter().any(|&wait| inside(node, wait)) => None,
                Step::Expression(node) => Some(u32::from(
                    receives.contains(&node) && !in_select.contains(&node),
                )),
                Step::Communicate(node) => {
                    let taken = in_select.iter().filter(|&&receive| inside(node, receive));
                    Some(taken.count() as u32)
                }
                _ => Some(0),
            }
        };
        let ends = self.ends(sender);
        let edge_cost = |kind: EdgeKind| -> Option<u32> {
            match kind {
                EdgeKind::RangeDone(node) if ends.ranges.contains(&node) => None,
                EdgeKind::False(condition)
                    if !ends.open.is_empty()
                        && self
                            .file
                            .facts
                            .object_of(unparenthesized(self.file, condition))
                            .is_some_and(|object| ends.open.contains(&object)) =>
                {
                    None
                }
                EdgeKind::RangeDone(node)
                    if receives.contains(&node)
                        || draining.contains(&node)
                        || waits.contains(&node) =>
                {
                    None
                }
                EdgeKind::False(condition) if draining.contains(&condition) => None,
                EdgeKind::Range(node) => Some(u32::from(receives.contains(&node))),
                _ => Some(0),
            }
        };
        let start = self.after_launch(sender)?;
        let flags = Flags::new(self.package.world, self.file, self.unit);
        fewest(&self.unit.graph, &flags, start, &step_cost, &edge_cost)
    }

    fn after_launch(&self, sender: &Sender) -> Option<Position> {
        let launch = sender.start.node;
        position_after(&self.unit.graph, |step| {
            step == Step::Statement(launch) || step == Step::Expression(launch)
        })
    }

    /// The nodes of the function that wait for what the goroutine does after its last send: receives
    /// and ranges of channels that it then closes or sends on, and `Wait` of a group that it is in.
    fn waits(&self, sender: &Sender) -> Vec<NodeId> {
        let mut waits = Vec::new();
        for other in self.channels {
            let made_here = self.units.get(other.unit).file == self.unit.file;
            if other.object == self.channel.object || !made_here {
                continue;
            }
            let signals: Vec<_> = other
                .uses
                .iter()
                .filter(|one| matches!(one.kind, UseKind::Send { .. } | UseKind::Close))
                .collect();
            let by_sender = !signals.is_empty()
                && signals
                    .iter()
                    .all(|one| self.units.chain(one.unit).any(|unit| unit == sender.unit));
            if !by_sender || !self.sends_nothing_after(sender, &signals) {
                continue;
            }
            let received = other.uses.iter().filter(|one| {
                one.unit == self.channel.unit
                    && matches!(one.kind, UseKind::Receive { .. } | UseKind::Range)
            });
            waits.extend(received.map(|one| one.node));
        }
        waits.extend(self.group_waits(sender));
        waits.extend(self.stops(sender));
        waits
    }

    /// Whether the goroutine sends nothing more once it has given one of these signals.
    fn sends_nothing_after(&self, sender: &Sender, signals: &[&super::ChannelUse]) -> bool {
        let unit = self.units.get(sender.unit);
        let tree = self.package.files[unit.file].tree;
        let seen = RefCell::default();
        let graph = &unit.graph;
        graph.reverse_postorder().iter().copied().all(|block| {
            let steps = graph.block(block).steps.iter().enumerate();
            steps.into_iter().all(|(index, &step)| {
                let (Step::Statement(node)
                | Step::Communicate(node)
                | Step::Expression(node)
                | Step::RunDeferred(node)) = step
                else {
                    return true;
                };
                let deferred = matches!(step, Step::RunDeferred(_));
                let signal = signals.iter().any(|one| {
                    if one.unit == sender.unit && !deferred {
                        // The receive of a case stands within its statement.
                        let of_case = matches!(step, Step::Communicate(_));
                        one.node == node || of_case && holds(tree.span(node), tree.span(one.node))
                    } else {
                        deferred && holds(tree.span(node), tree.span(one.node))
                    }
                });
                !signal
                    || most(graph, (block, index + 1), &|step| {
                        self.sends_at(sender.unit, step, 0, &seen)
                    })
                    .is_zero()
            })
        })
    }

    /// Calls of `Wait` on a group that the goroutine belongs to.
    fn group_waits(&self, sender: &Sender) -> Vec<NodeId> {
        let groups = groups_of(self, sender);
        let mut waits = Vec::new();
        let mut pending = vec![self.unit.body];
        while let Some(node) = pending.pop() {
            if group_call(self.file, node, "Wait").is_some_and(|group| groups.contains(&group)) {
                waits.push(node);
            }
            // What a goroutine waits for does not hold up the function; what is deferred does.
            if self.file.tree.kind(node) != NodeKind::GoStmt {
                self.file
                    .tree
                    .for_each_child(node, |child| pending.push(child));
            }
        }
        waits
    }

    /// Whether the loops that receive are left only on account of what they have received: then the
    /// values say when there are no more of them.
    fn is_counted_protocol(&self) -> bool {
        let tree = self.file.tree;
        let mut clauses = Vec::new();
        each_own_node(self.file, self.unit, &mut |node| {
            if let NodeKind::CommClause = tree.kind(node)
                && let Statement::CommunicationClause {
                    communication: Some(communication),
                    ..
                } = tree.statement(node)
                && self
                    .receives()
                    .any(|receive| holds(self.span(communication), self.span(receive)))
            {
                clauses.push(node);
            }
        });
        if clauses.is_empty() {
            return false;
        }
        let receiving: Vec<NodeId> = self
            .loops()
            .into_iter()
            .filter(|(_, body)| {
                clauses
                    .iter()
                    .any(|&clause| holds(self.span(*body), self.span(clause)))
            })
            .map(|(_, body)| body)
            .collect();
        let mut counted = !receiving.is_empty();
        each_own_node(self.file, self.unit, &mut |node| {
            let leaves = matches!(tree.kind(node), NodeKind::ReturnStmt | NodeKind::BranchStmt);
            if leaves
                && receiving
                    .iter()
                    .any(|&body| holds(self.span(body), self.span(node)))
                && !matches!(
                    tree.statement(node),
                    Statement::Branch {
                        keyword: goward_syntax::BranchKeyword::Continue,
                        ..
                    }
                )
            {
                counted &= clauses
                    .iter()
                    .any(|&clause| holds(self.span(clause), self.span(node)));
            }
        });
        counted
    }
}

/// The group, as written, of which a call calls a method.
fn group_call(file: &TypedFile<'_>, node: NodeId, wanted: &str) -> Option<String> {
    let Expression::Call { function, .. } = file.tree.expression(node) else {
        return None;
    };
    let Expression::Selector { operand, name } =
        file.tree.expression(unparenthesized(file, function))
    else {
        return None;
    };
    let text = || String::from_utf8_lossy(&file.source[file.tree.span(operand).range()]);
    (file.tree.symbol(name).as_str() == wanted).then(|| text().into_owned())
}

/// The groups that a goroutine belongs to.
fn groups_of(judge: &Judge<'_, '_>, sender: &Sender) -> Vec<String> {
    let mut groups = Vec::new();
    groups.extend(
        ["Go", "TryGo"]
            .iter()
            .filter_map(|name| group_call(judge.file, sender.start.call, name)),
    );
    let unit = judge.units.get(sender.unit);
    let file = &judge.package.files[unit.file];
    let below = file.tree.preorder(unit.body);
    groups.extend(below.filter_map(|node| group_call(file, node, "Done")));
    groups
}

/// Whether a range lies in another one.
fn holds(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
