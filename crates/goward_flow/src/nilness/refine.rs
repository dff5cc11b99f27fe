//! What conditions tell about maps: tests against nil, lengths and elements.

use goward_syntax::{BinaryOperator, Expression, NodeId, UnaryOperator};

use crate::calls::{Callee, callee, unparenthesized};
use crate::nilness::transfer::{MapNilness, State};
use crate::nilness::{Fact, NilReason, Nilness};

impl MapNilness<'_> {
    /// What a condition tells when it is true (or false).
    pub(super) fn condition(&self, state: &mut State, node: NodeId, holds: bool) {
        let node = unparenthesized(self.file, node);
        match self.file.tree.expression(node) {
            Expression::Unary {
                operator: UnaryOperator::Not,
                operand,
            } => self.condition(state, operand, !holds),
            Expression::Binary {
                operator: BinaryOperator::LogicalAnd,
                left,
                right,
                ..
            } if holds => {
                self.condition(state, left, true);
                self.condition(state, right, true);
            }
            Expression::Binary {
                operator: BinaryOperator::LogicalOr,
                left,
                right,
                ..
            } if !holds => {
                self.condition(state, left, false);
                self.condition(state, right, false);
            }
            Expression::Binary {
                operator,
                left,
                right,
                ..
            } => self.comparison(state, operator, left, right, holds, node),
            // `if ok {`
            Expression::Identifier => {
                if let Some(object) = self.file.facts.object_of(node) {
                    state.learn_outcome(object, holds);
                }
            }
            // `if m[k] {`: a nil map holds no true.
            Expression::Index { operand, .. } if holds && self.is_map_node(operand) => {
                self.learn_not_nil(state, operand, node)
            }
            _ => {}
        }
    }

    pub(super) fn learn_not_nil(&self, state: &mut State, map: NodeId, at: NodeId) {
        if let Some(place) = self.place(map) {
            state.set(
                place,
                Fact {
                    nilness: Nilness::NonNil,
                    reason: NilReason::Compared,
                    made: at,
                },
            );
        }
    }

    fn comparison(
        &self,
        state: &mut State,
        operator: BinaryOperator,
        left: NodeId,
        right: NodeId,
        holds: bool,
        at: NodeId,
    ) {
        use BinaryOperator as B;
        let (left, right) = (
            unparenthesized(self.file, left),
            unparenthesized(self.file, right),
        );
        let (value, constant) = if self.is_nil_node(left) {
            (right, left)
        } else {
            (left, right)
        };
        let equal = match operator {
            B::Equal => Some(holds),
            B::NotEqual => Some(!holds),
            _ => None,
        };
        if self.is_nil_node(constant) {
            // `if err == nil {`
            if let (Some(equal), Expression::Identifier) = (equal, self.file.tree.expression(value))
                && let Some(object) = self.file.facts.object_of(value)
            {
                state.learn_outcome(object, equal);
            }
            let (Some(equal), true) = (equal, self.may_be_map(value)) else {
                return;
            };
            if let Some(place) = self.place(value) {
                let nilness = if equal { Nilness::Nil } else { Nilness::NonNil };
                let known = state.get(&place);
                // Who made the map nil is more telling than the test.
                let keep = known.filter(|known| {
                    equal && matches!(known.nilness, Nilness::Nil | Nilness::Maybe)
                });
                let fact = keep.map_or(
                    Fact {
                        nilness,
                        reason: NilReason::Compared,
                        made: at,
                    },
                    |known| Fact { nilness, ..known },
                );
                state.set(place, fact);
            }
            return;
        }
        let tree = self.file.tree;
        let zero = self
            .file
            .facts
            .get(constant)
            .and_then(|fact| fact.value)
            .and_then(|value| value.int64_value());
        // `len(m) > 0` and its relatives.
        if let Expression::Call {
            function,
            arguments: &[map],
            ..
        } = tree.expression(value)
            && callee(self.world(), self.file, function) == Callee::Builtin("len")
            && self.is_map_node(map)
        {
            let not_empty = matches!(
                (operator, zero, holds),
                (B::Greater | B::NotEqual, Some(0), true)
                    | (B::Equal | B::LessEqual, Some(0), false)
                    | (B::GreaterEqual | B::Greater | B::Equal, Some(1..), true)
                    | (B::Less, Some(1), false)
            );
            if not_empty {
                self.learn_not_nil(state, map, at);
            }
            return;
        }
        // `m[k] != 0`, `m[k] > 0`, `m[k] != ""`: the map has an entry.
        if let Expression::Index { operand, .. } = tree.expression(value)
            && self.is_map_node(operand)
        {
            let empty_text = self
                .file
                .facts
                .get(constant)
                .and_then(|fact| fact.value)
                .is_some_and(|value| {
                    value.kind() == goward_types::constant::Kind::String
                        && value.string_value().is_empty()
                });
            let has_entry = match operator {
                B::NotEqual => holds && (zero == Some(0) || empty_text),
                B::Equal => !holds && (zero == Some(0) || empty_text),
                B::Greater => holds && zero.is_some_and(|zero| zero >= 0),
                _ => false,
            };
            if has_entry {
                self.learn_not_nil(state, operand, at);
            }
        }
    }
}
