//! Where the function learns that nobody sends any more, or a test has failed.

use goward_syntax::{BinaryOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};

use super::super::{UseKind, each_own_node};
use super::{Judge, Sender, group_call, groups_of};
use crate::calls::{Callee, callee, unparenthesized};
use crate::unit::UnitId;

/// Ways of the function that leave nobody behind.
#[derive(Default)]
pub(super) struct Ends {
    /// What `v, ok := <-c` says of channels that are closed only when all who send are done: the
    /// second variable.
    pub(super) open: Vec<ObjectId>,
    /// Loops over such channels.
    pub(super) ranges: Vec<NodeId>,
}

impl Judge<'_, '_> {
    /// The ends that hold for a goroutine.
    pub(super) fn ends(&self, sender: &Sender) -> Ends {
        let groups = groups_of(self, sender);
        let mut ends = Ends::default();
        for channel in self.channels {
            let closes: Vec<(UnitId, NodeId)> = channel
                .uses
                .iter()
                .filter(|one| one.kind == UseKind::Close)
                .map(|one| (one.unit, one.node))
                .collect();
            let here = self.units.get(channel.unit).file == self.unit.file;
            let last = here
                && !closes.is_empty()
                && closes
                    .iter()
                    .all(|&(unit, close)| self.is_after_wait(unit, close, &groups));
            if !last {
                continue;
            }
            for one in &channel.uses {
                if one.unit != self.channel.unit {
                    continue;
                }
                match one.kind {
                    UseKind::Range => ends.ranges.push(one.node),
                    UseKind::Receive { .. } => ends.open.extend(self.told_open(one.node)),
                    _ => {}
                }
            }
        }
        ends
    }

    /// Whether a function has waited for one of these groups before it closes a channel.
    fn is_after_wait(&self, id: UnitId, close: NodeId, groups: &[String]) -> bool {
        let unit = self.units.get(id);
        let file = &self.package.files[unit.file];
        let before = file.tree.span(close).start;
        let mut waited = false;
        each_own_node(file, unit, &mut |node| {
            waited |= file.tree.span(node).end <= before
                && group_call(file, node, "Wait").is_some_and(|group| groups.contains(&group));
        });
        waited
    }

    /// The variable `ok` of `v, ok := <-c`.
    fn told_open(&self, receive: NodeId) -> Option<ObjectId> {
        let mut found = None;
        each_own_node(self.file, self.unit, &mut |node| {
            if self.file.tree.kind(node) == NodeKind::AssignStmt
                && let Statement::Assign {
                    left: [_, open],
                    right: [value],
                    ..
                } = self.file.tree.statement(node)
                && unparenthesized(self.file, *value) == receive
            {
                found = self.file.facts.object_of(*open);
            }
        });
        found
    }

    /// Sends of the function on channels without a buffer from which only the goroutine receives, and then sends
    /// nothing more: who comes past such a send has stopped it.
    pub(super) fn stops(&self, sender: &Sender) -> Vec<NodeId> {
        let mut stops = Vec::new();
        if sender.again || self.times_started(sender.start.node) != Some(1) {
            return stops;
        }
        for other in self.channels {
            let here = self.units.get(other.unit).file == self.unit.file;
            if other.object == self.channel.object || !here || other.capacity != Some(0) {
                continue;
            }
            let mut receives = Vec::new();
            let mut sends = Vec::new();
            let mut known = true;
            for one in &other.uses {
                match one.kind {
                    UseKind::Receive { .. } if one.unit == sender.unit => receives.push(one),
                    UseKind::Send { .. } if one.unit == self.channel.unit => sends.push(one.node),
                    UseKind::Close | UseKind::Length => {}
                    _ => known = false,
                }
            }
            if known && !receives.is_empty() && self.sends_nothing_after(sender, &receives) {
                stops.extend(sends);
            }
        }
        stops
    }

    /// Where a test has failed: calls of `t.Error` and the like, and of `require.Fail` and its relatives, also
    /// where that package is missing, and returns of errors to the test.
    pub(super) fn failures(&self) -> Vec<NodeId> {
        let mut found = Vec::new();
        if self.file.test {
            each_own_node(self.file, self.unit, &mut |node| {
                if self.fails_the_test(node) || self.gives_back_failure(node) {
                    found.push(node);
                }
            });
        }
        found
    }

    /// Whether a helper of a test returns an error that is not nil: `if err != nil { return err }`. The test
    /// then has failed as well.
    fn gives_back_failure(&self, node: NodeId) -> bool {
        let tree = self.file.tree;
        if tree.kind(node) != NodeKind::ReturnStmt {
            return false;
        }
        let Statement::Return {
            results: &[.., last],
        } = tree.statement(node)
        else {
            return false;
        };
        let Some(error) = self.file.facts.object_of(unparenthesized(self.file, last)) else {
            return false;
        };
        let world = self.package.world;
        if tree.kind(unparenthesized(self.file, last)) != NodeKind::Ident
            || world.object_type(error) != world.universe().error
        {
            return false;
        }
        let at = tree.span(node);
        self.unit.nodes.iter().any(|&(around, _)| {
            if tree.kind(around) != NodeKind::IfStmt {
                return false;
            }
            let Statement::If {
                condition, then, ..
            } = tree.statement(around)
            else {
                return false;
            };
            let inside = tree.span(then);
            inside.start <= at.start
                && at.end <= inside.end
                && matches!(
                    tree.expression(unparenthesized(self.file, condition)),
                    Expression::Binary {
                        operator: BinaryOperator::NotEqual,
                        left,
                        ..
                    } if self.file.facts.object_of(unparenthesized(self.file, left)) == Some(error)
                )
        })
    }

    /// Whether the loops that receive are left only where a number says so that each receive counts up.
    pub(super) fn counts_receives(&self) -> bool {
        let tree = self.file.tree;
        let receives: Vec<NodeId> = self.receives().collect();
        let inside =
            |outer: NodeId, inner: NodeId| super::holds(self.span(outer), self.span(inner));
        let mut clauses = Vec::new();
        each_own_node(self.file, self.unit, &mut |node| {
            if tree.kind(node) == NodeKind::CommClause
                && let Statement::CommunicationClause {
                    communication: Some(communication),
                    ..
                } = tree.statement(node)
                && receives
                    .iter()
                    .any(|&receive| inside(communication, receive))
            {
                clauses.push(node);
            }
        });
        let loops: Vec<NodeId> = self
            .loops()
            .into_iter()
            .filter(|&(_, body)| clauses.iter().any(|&clause| inside(body, clause)))
            .map(|entry| entry.1)
            .collect();
        if loops.is_empty() || receives.len() != clauses.len() {
            return false;
        }
        let mut counters = Vec::new();
        each_own_node(self.file, self.unit, &mut |node| {
            if tree.kind(node) == NodeKind::IncDecStmt
                && let Statement::IncrementDecrement {
                    operand,
                    increment: true,
                } = tree.statement(node)
                && clauses.iter().any(|&clause| inside(clause, node))
            {
                counters.extend(self.file.facts.object_of(operand));
            }
        });
        let asks = |condition: NodeId| {
            tree.preorder(condition).any(|part| {
                self.file
                    .facts
                    .object_of(part)
                    .is_some_and(|object| counters.contains(&object))
            })
        };
        let mut counted = !counters.is_empty();
        each_own_node(self.file, self.unit, &mut |node| {
            let leaves = match tree.statement(node) {
                Statement::Return { .. } => tree.kind(node) == NodeKind::ReturnStmt,
                Statement::Branch { keyword, .. } => {
                    tree.kind(node) == NodeKind::BranchStmt
                        && keyword != goward_syntax::BranchKeyword::Continue
                }
                _ => false,
            };
            if !leaves || !loops.iter().any(|&body| inside(body, node)) {
                return;
            }
            counted &= self.unit.nodes.iter().any(|&(around, _)| {
                tree.kind(around) == NodeKind::IfStmt
                    && matches!(tree.statement(around), Statement::If { condition, then, .. }
                        if inside(then, node) && asks(condition))
            });
        });
        counted
    }

    fn fails_the_test(&self, call: NodeId) -> bool {
        let tree = self.file.tree;
        if tree.kind(call) != NodeKind::CallExpr {
            return false;
        }
        let Expression::Call { function, .. } = tree.expression(call) else {
            return false;
        };
        let function = unparenthesized(self.file, function);
        let Expression::Selector { operand, name } = tree.expression(function) else {
            return false;
        };
        let name = tree.symbol(name).as_str();
        let fails = ["Fail", "Failf", "FailNow", "FailNowf"].contains(&name);
        match callee(self.package.world, self.file, function) {
            Callee::Function(object) | Callee::Interface(object) => {
                let known = self.package.world.object(object);
                let path = known
                    .package
                    .map_or("", |of| self.package.world.package(of).path.as_str());
                let of_testing = path == "testing";
                of_testing && (fails || ["Error", "Errorf"].contains(&name))
                    || path.starts_with("github.com/stretchr/testify/") && fails
            }
            // Of a missing package the name has to do.
            _ => {
                let text = &self.file.source[tree.span(operand).range()];
                fails && (text.ends_with(b"require") || text.ends_with(b"assert"))
            }
        }
    }

    /// Whether one goroutine waits for a group that only another one of them tells: then they do not
    /// send at the same time, and one may keep the other from sending at all.
    pub(super) fn wait_for_each_other(&self, senders: &[Sender]) -> bool {
        let calls = |id: UnitId, name: &str| -> Vec<String> {
            let unit = self.units.get(id);
            let file: &TypedFile<'_> = &self.package.files[unit.file];
            let mut groups = Vec::new();
            each_own_node(file, unit, &mut |node| {
                groups.extend(group_call(file, node, name))
            });
            groups
        };
        senders.iter().enumerate().any(|(index, waiting)| {
            let waits = calls(waiting.unit, "Wait");
            senders.iter().enumerate().any(|(other, telling)| {
                other != index
                    && calls(telling.unit, "Done")
                        .iter()
                        .any(|group| waits.contains(group))
            })
        })
    }
}
