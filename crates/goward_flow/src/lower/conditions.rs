//! What the branch of a condition tells: a lock was taken, a place is nil, a call failed.

use goward_syntax::{BinaryOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::{TypeId, TypeKind};

use crate::calls::unparenthesized;
use crate::event::UnitEvents;
use crate::path::PathId;

use super::Lowering;

impl Lowering<'_, '_> {
    pub(super) fn condition(&mut self, node: NodeId, result: &mut UnitEvents) {
        if let Some((path, mode, true, _)) = self.lock_call(node).map(|lock| {
            (
                lock.path,
                lock.mode,
                lock.name.starts_with("Try"),
                lock.sync,
            )
        }) {
            result.try_locks.push((node, path, mode));
            return;
        }
        if let Expression::Binary {
            operator: operator @ (BinaryOperator::Equal | BinaryOperator::NotEqual),
            left,
            right,
            ..
        } = self.file.tree.expression(node)
        {
            let is_nil = |node: NodeId| self.file.facts.type_of(node) == TypeId::UNTYPED_NIL;
            let place = match (is_nil(left), is_nil(right)) {
                (false, true) => left,
                (true, false) => right,
                _ => return,
            };
            let error = self.is_error(self.file.facts.type_of(place));
            let Some(path) = self.path(place) else {
                return;
            };
            if error {
                let with = self.set_with_error(place, node);
                if !with.is_empty() {
                    result
                        .error_tests
                        .push((node, operator == BinaryOperator::NotEqual, with));
                }
            } else {
                result
                    .nil_tests
                    .push((node, path, operator == BinaryOperator::Equal));
            }
        }
    }

    fn is_error(&self, id: TypeId) -> bool {
        id.is_known()
            && self
                .world()
                .as_named(self.world().unalias(id))
                .is_some_and(|named| {
                    let object = self.world().object(named.object);
                    object.package.is_none() && object.name.as_str() == "error"
                })
    }

    /// Pointers that the last assignment before `test` sets together with the error.
    fn set_with_error(&mut self, error: NodeId, test: NodeId) -> Vec<PathId> {
        let file = self.file;
        let error = unparenthesized(file, error);
        let Some(object) = file.facts.object_of(error) else {
            return Vec::new();
        };
        let before = file.tree.span(test).start;
        let mut last = None;
        for node in file.tree.preorder(self.unit.body) {
            if file.tree.kind(node) != NodeKind::AssignStmt || file.tree.span(node).end > before {
                continue;
            }
            if let Statement::Assign { left, right, .. } = file.tree.statement(node)
                && left
                    .iter()
                    .any(|&place| file.facts.object_of(place) == Some(object))
            {
                last = Some((left, right));
            }
        }
        let Some((left, &[value])) = last else {
            return Vec::new();
        };
        if file.tree.kind(value) != NodeKind::CallExpr {
            return Vec::new();
        }
        let mut paths = Vec::new();
        for &place in left {
            let place_type = self
                .file
                .facts
                .object_of(place)
                .map_or(TypeId::UNKNOWN, |object| self.world().object_type(object));
            let pointer = self.world().underlying(place_type).kind() == TypeKind::Pointer;
            if pointer && let Some(path) = self.path(place) {
                paths.push(path);
            }
        }
        paths
    }
}
