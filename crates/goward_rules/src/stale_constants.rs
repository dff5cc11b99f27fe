//! Arguments of deferred calls that are still the constant with which a variable starts, and which the
//! function sets to something else later: what a deferred call is to report is not known at its
//! `defer` statement.

use goward_flow::{Step, Unit};
use goward_syntax::{AssignOperator, NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, ObjectKind, TypeKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::sharing::innermost_loop;
use crate::walk::{mentions, steps_after, walk};

/// A variable that is an argument of a deferred call.
pub(crate) struct Deferred<'d> {
    pub(crate) unit: &'d Unit,
    pub(crate) id: goward_flow::UnitId,
    /// The statement.
    pub(crate) defer: NodeId,
    /// The call prints its arguments, and does nothing else.
    pub(crate) prints: bool,
}

/// How a node uses a variable.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Use {
    /// It is set.
    Set,
    /// It is set from what it was, as in `n++`.
    Update,
    Read,
}

impl Deferred<'_> {
    /// The step after the `defer` statement that sets the variable of an argument, where the argument is
    /// the constant with which the variable starts. What is printed is then never what it should be;
    /// any other call may restore the constant, unless nothing reads what the variable is set to.
    pub(crate) fn is_set_later(
        &self,
        context: &Context<'_>,
        file: &TypedFile<'_>,
        object: ObjectId,
    ) -> Option<Step> {
        let world = context.world();
        let known = world.object(object);
        let declared = world.object_type(object);
        let local = known.kind == ObjectKind::Variable(VariableKind::Local)
            && file.tree.span(self.unit.body).contains(known.offset);
        let result = known.kind == ObjectKind::Variable(VariableKind::Result)
            && self.unit.results.contains(&Some(object));
        let plain = declared.is_known()
            && (world.is_numeric(declared)
                || world.is_string(declared)
                || world.is_boolean(declared));
        // A pointer or slice that is nil when it is given away is of no use to anybody.
        let nil = declared.is_known()
            && matches!(
                world.underlying(declared).kind(),
                TypeKind::Pointer
                    | TypeKind::Slice
                    | TypeKind::Map
                    | TypeKind::Interface
                    | TypeKind::Signature
                    | TypeKind::Channel
            );
        if !(local || result && self.prints) || !(plain || nil && local) {
            return None;
        }
        if local && !self.starts_constant(file, object, known.offset) {
            return None;
        }
        let definitions = context.flow.lowered.variables.get(object);
        if definitions.is_some_and(|known| known.address_taken) {
            return None;
        }
        // What literals do with it happens at times that are not looked at.
        let captured = context.flow.units.iter().any(|(other, unit)| {
            unit.file == self.unit.file
                && other != self.id
                && context
                    .flow
                    .units
                    .chain(other)
                    .any(|outer| outer == self.id)
                && mentions(file, unit.node, object)
        });
        if captured {
            return None;
        }
        let uses = self.uses(file, object, known.offset);
        let start = file.tree.span(self.defer).start;
        let before = |node: NodeId| file.tree.span(node).start < start;
        let changed_before = uses
            .iter()
            .any(|&(node, how)| before(node) && how != Use::Read);
        // In another turn of a loop it is not the constant any more.
        let around = innermost_loop(context, self.id, self.defer);
        let from_outside = around.is_some_and(|around| !around.contains(known.offset));
        if changed_before || from_outside || self.is_loop_variable(file, known.offset) {
            return None;
        }
        let read = uses.iter().any(|&(node, how)| {
            how == Use::Read
                && !before(node)
                && !file
                    .tree
                    .span(self.defer)
                    .contains(file.tree.span(node).start)
        });
        if !self.prints && read && !nil {
            return None;
        }
        let after = steps_after(&self.unit.graph, |step| step == Step::Register(self.defer));
        after.into_iter().find(|&step| match step {
            Step::Statement(node) => uses.iter().any(|&(used, how)| {
                how != Use::Read
                    && file.tree.span(node).contains(file.tree.span(used).start)
                    && !before(used)
            }),
            _ => false,
        })
    }

    /// Whether a variable is declared with a constant, or without a value.
    fn starts_constant(&self, file: &TypedFile<'_>, object: ObjectId, offset: u32) -> bool {
        let tree = file.tree;
        let is_constant = |value: NodeId| {
            let known = file.facts.get(value);
            known.is_some_and(|known| known.value.is_some())
        };
        let mut constant = false;
        walk(self.unit, |node, _| {
            let (names, values) = match tree.kind(node) {
                NodeKind::AssignStmt => match tree.statement(node) {
                    Statement::Assign { left, right, .. } => (left, right),
                    _ => return,
                },
                NodeKind::ValueSpec => match tree.specification(node) {
                    Specification::Value { names, values, .. } => (names, values),
                    _ => return,
                },
                _ => return,
            };
            let position = names.iter().position(|&name| {
                file.facts.object_of(name) == Some(object) && tree.span(name).start == offset
            });
            if let Some(position) = position {
                constant = values.is_empty()
                    || names.len() == values.len() && is_constant(values[position]);
            }
        });
        constant
    }

    /// Whether a variable counts the turns of a loop.
    fn is_loop_variable(&self, file: &TypedFile<'_>, offset: u32) -> bool {
        let tree = file.tree;
        let mut counts = false;
        walk(self.unit, |node, _| {
            if let NodeKind::ForStmt = tree.kind(node)
                && let Statement::For {
                    initial: Some(initial),
                    ..
                } = tree.statement(node)
            {
                counts |= tree.span(initial).contains(offset);
            }
        });
        counts
    }

    /// The uses of a variable in the function, but for its declaration.
    fn uses(&self, file: &TypedFile<'_>, object: ObjectId, offset: u32) -> Vec<(NodeId, Use)> {
        let tree = file.tree;
        let mut uses = Vec::new();
        walk(self.unit, |node, parent| {
            if tree.kind(node) != NodeKind::Ident
                || file.facts.object_of(node) != Some(object)
                || tree.span(node).start == offset
            {
                return;
            }
            let how = match tree.kind(parent) {
                NodeKind::IncDecStmt => Use::Update,
                NodeKind::AssignStmt => match tree.statement(parent) {
                    Statement::Assign { left, operator, .. } if left.contains(&node) => {
                        match operator {
                            AssignOperator::Update(_) => Use::Update,
                            _ => Use::Set,
                        }
                    }
                    _ => Use::Read,
                },
                _ => Use::Read,
            };
            uses.push((node, how));
        });
        // `n = n + 1` reads for no other purpose.
        let sets: Vec<NodeId> = uses
            .iter()
            .filter(|entry| entry.1 == Use::Set)
            .map(|entry| entry.0)
            .collect();
        let statements: Vec<NodeId> = {
            let mut found = Vec::new();
            walk(self.unit, |node, parent| {
                if sets.contains(&node) && tree.kind(parent) == NodeKind::AssignStmt {
                    found.push(parent);
                }
            });
            found
        };
        for (node, how) in &mut uses {
            let at = tree.span(*node).start;
            if *how == Use::Read
                && statements.iter().any(|&statement| {
                    matches!(
                        tree.statement(statement),
                        Statement::Assign {
                            left: [_],
                            right: [_],
                            ..
                        }
                    ) && tree.span(statement).contains(at)
                })
            {
                *how = Use::Update;
            }
        }
        uses
    }
}
