//! What the first turn of a loop has made is there in the later ones: `if i == 0 { m = make(…) }`,
//! `if first { m = make(…); first = false }`.

use goward_syntax::{
    AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Specification, Statement,
    UnaryOperator,
};
use goward_types::constant::Value;
use goward_types::{ObjectId, TypeKind};

use crate::calls::unparenthesized;
use crate::nilness::transfer::{MapNilness, State};

impl MapNilness<'_> {
    /// A condition holds or does not. Where that tells that the turn of the loop around is not the
    /// first one, what the branch for the first one assigns has been assigned by then.
    pub(super) fn later_turn(&self, state: &mut State, condition: NodeId, holds: bool) {
        if state.facts.is_empty() {
            return;
        }
        let tree = self.file.tree;
        let tested = match tree.expression(condition) {
            Expression::Binary {
                operator: BinaryOperator::Equal,
                left,
                right,
                ..
            } if !holds && self.is_zero(right) => left,
            Expression::Identifier => condition,
            _ => return,
        };
        let Some(variable) = self
            .file
            .facts
            .object_of(unparenthesized(self.file, tested))
        else {
            return;
        };
        let Some((branch, then)) = self.branch_of(condition, holds) else {
            return;
        };
        let Some(body) = self.parent(branch) else {
            return;
        };
        let Some(around) = self.parent(body) else {
            return;
        };
        let Statement::Block { statements } = tree.statement(body) else {
            return;
        };
        // A turn that goes on before it has come to the branch makes nothing.
        let goes_on = || {
            statements
                .iter()
                .take_while(|&&statement| statement != branch)
                .any(|&statement| {
                    tree.preorder(statement)
                        .any(|node| tree.kind(node) == NodeKind::BranchStmt)
                })
        };
        let later = self.counts_from_zero(around, variable) && !goes_on()
            || self.changes_behind(around, branch, variable, holds);
        if !later {
            return;
        }
        for node in tree.preorder(then) {
            if tree.kind(node) == NodeKind::AssignStmt
                && let Statement::Assign { left, .. } = tree.statement(node)
            {
                for place in left.iter().filter_map(|&place| self.place(place)) {
                    state.forget(&place);
                }
            }
        }
    }

    /// The `if` that a condition decides, and what it does where the condition does not `hold`: with
    /// `!done` around it the other way round.
    fn branch_of(&self, condition: NodeId, holds: bool) -> Option<(NodeId, NodeId)> {
        let tree = self.file.tree;
        let mut branch = self.parent(condition)?;
        let mut taken = !holds;
        while let Expression::Unary {
            operator: UnaryOperator::Not,
            ..
        } = tree.expression(branch)
            && tree.kind(branch) == NodeKind::UnaryExpr
        {
            branch = self.parent(branch)?;
            taken = !taken;
        }
        if tree.kind(branch) != NodeKind::IfStmt || !taken {
            return None;
        }
        match tree.statement(branch) {
            Statement::If {
                initial: None,
                then,
                ..
            } => Some((branch, then)),
            _ => None,
        }
    }

    fn parent(&self, node: NodeId) -> Option<NodeId> {
        let entry = self.unit.nodes.iter().find(|entry| entry.0 == node);
        entry.map(|entry| entry.1)
    }

    fn is_zero(&self, node: NodeId) -> bool {
        let value = self.file.facts.get(node).and_then(|fact| fact.value);
        value.and_then(|value| value.int64_value()) == Some(0)
    }

    /// Whether a loop counts its turns in this variable.
    fn counts_from_zero(&self, around: NodeId, index: ObjectId) -> bool {
        let tree = self.file.tree;
        match tree.kind(around) {
            NodeKind::RangeStmt => {
                let Statement::Range {
                    key: Some(key),
                    operand,
                    ..
                } = tree.statement(around)
                else {
                    return false;
                };
                let world = self.world();
                let ranged = self.file.facts.type_of(operand);
                let ranged = world.underlying(world.deref(ranged).0).kind();
                self.file.facts.object_of(key) == Some(index)
                    && matches!(ranged, TypeKind::Slice | TypeKind::Array | TypeKind::Basic)
            }
            NodeKind::ForStmt => {
                let Statement::For {
                    initial: Some(initial),
                    ..
                } = tree.statement(around)
                else {
                    return false;
                };
                matches!(tree.statement(initial), Statement::Assign {
                    operator: AssignOperator::Define,
                    left: &[target],
                    right: &[value],
                    ..
                } if self.file.facts.object_of(target) == Some(index) && self.is_zero(value))
            }
            _ => false,
        }
    }

    /// Whether a variable has a constant value before the loop with which the branch is taken, and
    /// changes only in the branch and behind it: whoever finds it changed comes from there. `changed`
    /// is what a flag is then.
    fn changes_behind(
        &self,
        around: NodeId,
        branch: NodeId,
        variable: ObjectId,
        changed: bool,
    ) -> bool {
        let tree = self.file.tree;
        if !matches!(tree.kind(around), NodeKind::ForStmt | NodeKind::RangeStmt) {
            return false;
        }
        let is_variable = |node: NodeId| {
            let node = unparenthesized(self.file, node);
            tree.kind(node) == NodeKind::Ident && self.file.facts.object_of(node) == Some(variable)
        };
        let takes_branch = |value: NodeId| {
            self.is_zero(value)
                || matches!(self.file.facts.get(value).and_then(|fact| fact.value),
                    Some(Value::Bool(value)) if *value != changed)
        };
        let world = self.world();
        let is_flag = world.is_boolean(world.object_type(variable));
        let (outside, inside) = (tree.span(around), tree.span(branch));
        let mut begun = false;
        for node in tree.preorder(self.unit.body) {
            let at = tree.span(node).start;
            let changes = match tree.kind(node) {
                NodeKind::AssignStmt => match tree.statement(node) {
                    Statement::Assign { left, right, .. } => {
                        let Some(position) = left.iter().position(|&left| is_variable(left)) else {
                            continue;
                        };
                        if at < outside.start && left.len() == right.len() {
                            if begun || !takes_branch(right[position]) {
                                return false;
                            }
                            begun = true;
                            continue;
                        }
                        true
                    }
                    _ => false,
                },
                NodeKind::ValueSpec => match tree.specification(node) {
                    Specification::Value { names, values, .. } => {
                        let Some(position) = names.iter().position(|&name| is_variable(name))
                        else {
                            continue;
                        };
                        let fits = match values.get(position) {
                            Some(&value) => takes_branch(value),
                            // Of a flag that is `false`; a number is 0.
                            None => values.is_empty() && (changed || !is_flag),
                        };
                        if begun || !fits || at > outside.start {
                            return false;
                        }
                        begun = true;
                        continue;
                    }
                    _ => false,
                },
                NodeKind::IncDecStmt => {
                    matches!(tree.statement(node), Statement::IncrementDecrement { operand, .. }
                        if is_variable(operand))
                }
                NodeKind::RangeStmt => {
                    matches!(tree.statement(node), Statement::Range { key, value, .. }
                        if [key, value].into_iter().flatten().any(is_variable))
                }
                NodeKind::UnaryExpr => {
                    if matches!(tree.expression(node), Expression::Unary {
                        operator: UnaryOperator::Address,
                        operand,
                    } if is_variable(operand))
                    {
                        return false;
                    }
                    false
                }
                _ => false,
            };
            // A literal may change it at any time.
            let own = || self.parent(node).is_some();
            if changes && !(at > inside.start && at < outside.end && own()) {
                return false;
            }
        }
        begun
    }
}
