//! Variables that may change behind the back of a function: literals within it assign them, or
//! somebody keeps their address.

use std::cell::OnceCell;
use std::rc::Rc;

use goward_syntax::{
    AssignOperator, Expression, NodeId, NodeKind, Specification, Statement, UnaryOperator,
};
use goward_types::{ObjectId, SelectionKind};
use rustc_hash::FxHashSet;

use crate::calls::unparenthesized;
use crate::nilness::place::Element;
use crate::nilness::transfer::MapNilness;
use crate::unit::{UnitId, Units};

/// Of each function, once it was asked for, the variables that may change behind its back.
pub(crate) struct Untracked(Vec<OnceCell<Rc<FxHashSet<ObjectId>>>>);

impl Untracked {
    pub(crate) fn new(units: &Units) -> Untracked {
        Untracked(units.list.iter().map(|_| OnceCell::new()).collect())
    }
}

impl Untracked {
    /// The variables of a function, found by `find` when first asked for.
    pub(super) fn of(
        &self,
        unit: UnitId,
        find: impl FnOnce() -> FxHashSet<ObjectId>,
    ) -> Rc<FxHashSet<ObjectId>> {
        Rc::clone(self.0[unit.index()].get_or_init(|| Rc::new(find())))
    }
}

impl MapNilness<'_> {
    /// Collects variables of this function that may change behind its back: those that literals
    /// within it assign, but for literals that are deferred (they run when the function is over), and
    /// those of which somebody keeps the address.
    pub(super) fn find_untracked(
        &self,
        node: NodeId,
        inside: bool,
        found: &mut FxHashSet<ObjectId>,
    ) {
        let tree = self.file.tree;
        let mut inside = inside;
        match tree.kind(node) {
            NodeKind::FuncLit => inside = true,
            NodeKind::AssignStmt | NodeKind::IncDecStmt | NodeKind::RangeStmt if inside => {
                let targets: Vec<NodeId> = match tree.statement(node) {
                    Statement::Assign {
                        operator: AssignOperator::Assign,
                        left,
                        ..
                    } => left.to_vec(),
                    Statement::Range { key, value, .. } => {
                        [key, value].into_iter().flatten().collect()
                    }
                    _ => Vec::new(),
                };
                for target in targets {
                    if let Some(place) = self.place(target)
                        && place
                            .elements
                            .iter()
                            .all(|element| !matches!(element, Element::Index(..)))
                    {
                        found.insert(place.root);
                    }
                }
            }
            NodeKind::UnaryExpr => {
                if let Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } = tree.expression(node)
                    && let Some(place) = self.place(operand)
                {
                    found.insert(place.root);
                }
            }
            // What a literal hands on, or calls a method of, may change whenever the literal runs.
            NodeKind::CallExpr if inside => {
                if let Expression::Call {
                    function,
                    arguments,
                    ..
                } = tree.expression(node)
                {
                    let function = unparenthesized(self.file, function);
                    let receiver = match tree.expression(function) {
                        Expression::Selector { operand, .. } if !self.is_map_node(operand) => {
                            self.place(operand)
                        }
                        _ => None,
                    };
                    let given = arguments
                        .iter()
                        .filter(|&&argument| self.shares_memory(self.file.facts.type_of(argument)))
                        .filter_map(|&argument| self.place(argument));
                    let roots: Vec<ObjectId> = receiver
                        .into_iter()
                        .chain(given)
                        .map(|place| place.root)
                        .collect();
                    found.extend(roots);
                }
            }
            // What a goroutine does with an address may happen at any time.
            NodeKind::GoStmt if !inside => {
                if let Statement::Go { call } = tree.statement(node)
                    && let Expression::Call {
                        function,
                        arguments,
                        ..
                    } = tree.expression(unparenthesized(self.file, call))
                {
                    self.find_untracked(function, inside, found);
                    for &argument in arguments {
                        self.find_untracked(argument, inside, found);
                    }
                    return;
                }
            }
            // A pointer that is handed on by other means than those that are followed.
            NodeKind::Ident => {
                if let Some(pointee) = self.pointee_of(node)
                    && pointee.by_address
                {
                    found.insert(pointee.place.root);
                }
                return;
            }
            // What a call does with an address is looked at where it happens.
            NodeKind::CallExpr if !inside => {
                if let Expression::Call {
                    function,
                    arguments,
                    ..
                } = tree.expression(node)
                {
                    // So is what a method does with its receiver.
                    let receiver = match tree.expression(unparenthesized(self.file, function)) {
                        Expression::Selector { operand, .. } => self.pointee_of(operand),
                        _ => None,
                    };
                    if receiver.is_none() {
                        self.find_untracked(function, inside, found);
                    }
                    for &argument in arguments {
                        let given = unparenthesized(self.file, argument);
                        match tree.expression(given) {
                            Expression::Unary {
                                operator: UnaryOperator::Address,
                                operand,
                            } => self.find_untracked(operand, inside, found),
                            _ if self.pointee_of(given).is_some() => {}
                            _ => self.find_untracked(argument, inside, found),
                        }
                    }
                    return;
                }
            }
            NodeKind::ReturnStmt if !inside => {
                if let Statement::Return { results } = tree.statement(node) {
                    for &result in results {
                        match tree.expression(unparenthesized(self.file, result)) {
                            Expression::Unary {
                                operator: UnaryOperator::Address,
                                operand,
                            } => self.find_untracked(operand, inside, found),
                            _ if self.pointee_of(result).is_some() => {}
                            _ => self.find_untracked(result, inside, found),
                        }
                    }
                    return;
                }
            }
            NodeKind::DeferStmt if !inside => {
                // The literal of `defer func() { … }()`: its assignments come too late to matter here.
                if let Statement::Defer { call } = tree.statement(node)
                    && let Expression::Call {
                        function,
                        arguments,
                        ..
                    } = tree.expression(call)
                    && tree.kind(function) == NodeKind::FuncLit
                {
                    for &argument in arguments {
                        self.find_untracked(argument, false, found);
                    }
                    return;
                }
            }
            _ => {}
        }
        let followed = self.followed_pointers(node, inside);
        let mut children = Vec::new();
        tree.for_each_child(node, |child| children.push(child));
        for child in children {
            if !followed.contains(&child) {
                self.find_untracked(child, inside, found);
            }
        }
    }

    /// The operands of a node that are pointers, or addresses that become one, of which every use is
    /// seen: `p := &m`, `*p`, `p.f`, `p == nil`.
    fn followed_pointers(&self, node: NodeId, inside: bool) -> Vec<NodeId> {
        let tree = self.file.tree;
        let mut followed = Vec::new();
        let is_followed = |operand: NodeId| self.pointee_of(operand).is_some();
        match tree.kind(node) {
            NodeKind::AssignStmt | NodeKind::ValueSpec => {
                let (left, right) = match tree.kind(node) {
                    NodeKind::AssignStmt => match tree.statement(node) {
                        Statement::Assign { left, right, .. } => (left, right),
                        _ => return followed,
                    },
                    _ => match tree.specification(node) {
                        Specification::Value { names, values, .. } => (names, values),
                        _ => return followed,
                    },
                };
                for (&place, &value) in left.iter().zip(right) {
                    let blank =
                        tree.kind(place) == NodeKind::Ident && tree.symbol(place).is_blank();
                    if blank && is_followed(value) {
                        followed.push(value);
                    }
                    // Within a literal, addresses are taken whenever it runs.
                    if is_followed(place) {
                        followed.push(place);
                        if !inside {
                            followed.push(value);
                        }
                    }
                }
            }
            NodeKind::StarExpr => {
                if let Expression::Star { operand } = tree.expression(node) {
                    followed.extend(is_followed(operand).then_some(operand));
                }
            }
            NodeKind::SelectorExpr => {
                if let Expression::Selector { operand, .. } = tree.expression(node)
                    && self
                        .file
                        .facts
                        .selections
                        .get(&node)
                        .is_some_and(|selection| selection.kind == SelectionKind::FieldValue)
                {
                    followed.extend(is_followed(operand).then_some(operand));
                }
            }
            NodeKind::BinaryExpr => {
                if let Expression::Binary { left, right, .. } = tree.expression(node)
                    && (self.is_nil_node(left) || self.is_nil_node(right))
                {
                    followed.extend([left, right]);
                }
            }
            _ => {}
        }
        followed
    }
}
