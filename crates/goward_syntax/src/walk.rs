//! Walking a tree without looking at what its nodes mean.

use crate::encoding::NodeKind;
use crate::node::{Declaration, Expression, NodeId, NodeList, Specification, Statement};
use crate::tree::Tree;

impl Tree {
    /// Calls `visit` with each child of a node, in the order of `go/ast.Inspect`. Lists of fields
    /// are not nodes.
    pub fn for_each_child(&self, node: NodeId, mut visit: impl FnMut(NodeId)) {
        let kind = self.kind(node);
        if kind == NodeKind::Field {
            let field = self.field(node);
            field.names.iter().copied().for_each(&mut visit);
            visit(field.field_type);
            field.tag.into_iter().for_each(&mut visit);
        } else if (kind as u8) < NodeKind::Field as u8 {
            self.expression_children(node, &mut visit);
        } else if (kind as u8) < NodeKind::BadDecl as u8 {
            self.statement_children(node, &mut visit);
        } else if (kind as u8) < NodeKind::ImportSpec as u8 {
            match self.declaration(node) {
                Declaration::Bad => {}
                Declaration::General { specifications, .. } => {
                    specifications.iter().copied().for_each(visit);
                }
                Declaration::Function(function) => {
                    function.receiver.iter().copied().for_each(&mut visit);
                    visit(function.name);
                    visit(function.function_type);
                    function.body.into_iter().for_each(visit);
                }
            }
        } else {
            match self.specification(node) {
                Specification::Bad => {}
                Specification::Import { name, path } => {
                    name.into_iter().for_each(&mut visit);
                    visit(path);
                }
                Specification::Value {
                    names,
                    value_type,
                    values,
                    ..
                } => {
                    names.iter().copied().for_each(&mut visit);
                    value_type.into_iter().for_each(&mut visit);
                    values.iter().copied().for_each(visit);
                }
                Specification::Type {
                    name,
                    type_parameters,
                    specified,
                    ..
                } => {
                    visit(name);
                    type_parameters.iter().copied().for_each(&mut visit);
                    visit(specified);
                }
            }
        }
    }

    fn expression_children(&self, node: NodeId, mut visit: impl FnMut(NodeId)) {
        match self.expression(node) {
            Expression::Bad | Expression::Identifier | Expression::BasicLiteral(_) => {}
            Expression::Ellipsis { element } => element.into_iter().for_each(visit),
            Expression::FunctionLiteral {
                function_type,
                body,
            } => {
                visit(function_type);
                visit(body);
            }
            Expression::CompositeLiteral {
                literal_type,
                elements,
                ..
            } => {
                literal_type.into_iter().for_each(&mut visit);
                elements.iter().copied().for_each(visit);
            }
            Expression::Parenthesized { inner } => visit(inner),
            Expression::Selector { operand, name } => {
                visit(operand);
                visit(name);
            }
            Expression::Index {
                operand, indices, ..
            } => {
                visit(operand);
                indices.iter().copied().for_each(visit);
            }
            Expression::Slice {
                operand,
                low,
                high,
                max,
                ..
            } => {
                visit(operand);
                [low, high, max].into_iter().flatten().for_each(visit);
            }
            Expression::TypeAssertion { operand, asserted } => {
                visit(operand);
                asserted.into_iter().for_each(visit);
            }
            Expression::Call {
                function,
                arguments,
                ..
            } => {
                visit(function);
                arguments.iter().copied().for_each(visit);
            }
            Expression::Star { operand } | Expression::Unary { operand, .. } => visit(operand),
            Expression::Binary { left, right, .. } => {
                visit(left);
                visit(right);
            }
            Expression::KeyValue { key, value } | Expression::MapType { key, value } => {
                visit(key);
                visit(value);
            }
            Expression::ArrayType { length, element } => {
                length.into_iter().for_each(&mut visit);
                visit(element);
            }
            Expression::StructType { fields: list }
            | Expression::InterfaceType { elements: list } => {
                list.iter().copied().for_each(visit);
            }
            Expression::FunctionType {
                type_parameters,
                parameters,
                results,
            } => {
                for list in [type_parameters, parameters, results] {
                    list.iter().copied().for_each(&mut visit);
                }
            }
            Expression::ChannelType { value, .. } => visit(value),
        }
    }

    fn statement_children(&self, node: NodeId, mut visit: impl FnMut(NodeId)) {
        let mut list = |nodes: NodeList<'_>| nodes.iter().copied().for_each(&mut visit);
        match self.statement(node) {
            Statement::Bad | Statement::Empty => {}
            Statement::Declaration { declaration: child }
            | Statement::Expression { expression: child }
            | Statement::IncrementDecrement { operand: child, .. }
            | Statement::Go { call: child }
            | Statement::Defer { call: child }
            | Statement::Select { body: child } => visit(child),
            Statement::Labeled {
                label: first,
                statement: second,
            }
            | Statement::Send {
                channel: first,
                value: second,
            } => list(&[first, second]),
            Statement::Assign { left, right, .. } => {
                list(left);
                list(right);
            }
            Statement::Return { results } => list(results),
            Statement::Branch { label, .. } => label.into_iter().for_each(visit),
            Statement::Block { statements } => list(statements),
            Statement::If {
                initial,
                condition,
                then,
                otherwise,
            } => {
                initial.into_iter().for_each(&mut visit);
                visit(condition);
                visit(then);
                otherwise.into_iter().for_each(visit);
            }
            Statement::CaseClause {
                expressions, body, ..
            } => {
                list(expressions);
                list(body);
            }
            Statement::Switch { initial, tag, body } => {
                [initial, tag].into_iter().flatten().for_each(&mut visit);
                visit(body);
            }
            Statement::TypeSwitch {
                initial,
                assign,
                body,
            } => {
                initial.into_iter().for_each(&mut visit);
                visit(assign);
                visit(body);
            }
            Statement::CommunicationClause {
                communication,
                body,
                ..
            } => {
                communication.into_iter().for_each(&mut visit);
                body.iter().copied().for_each(visit);
            }
            Statement::For {
                initial,
                condition,
                post,
                body,
            } => {
                [initial, condition, post]
                    .into_iter()
                    .flatten()
                    .for_each(&mut visit);
                visit(body);
            }
            Statement::Range {
                key,
                value,
                operand,
                body,
                ..
            } => {
                [key, value].into_iter().flatten().for_each(&mut visit);
                visit(operand);
                visit(body);
            }
        }
    }

    /// A node and everything below it, parents before children and children in source order.
    pub fn preorder(&self, root: NodeId) -> Preorder<'_> {
        Preorder {
            tree: self,
            pending: vec![root],
        }
    }
}

/// See [`Tree::preorder`]. It keeps its own stack: chains of operators may be very long.
pub struct Preorder<'t> {
    tree: &'t Tree,
    pending: Vec<NodeId>,
}

impl Iterator for Preorder<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let node = self.pending.pop()?;
        let below = self.pending.len();
        self.tree
            .for_each_child(node, |child| self.pending.push(child));
        self.pending[below..].reverse();
        Some(node)
    }
}
