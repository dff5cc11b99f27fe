//! Walking a tree without looking at what its nodes mean.

use crate::encoding::{FIELD_TAG, NONE, NodeKind};
use crate::node::NodeId;
use crate::tree::Tree;

impl Tree {
    /// Calls `visit` with each child of a node, in the order of `go/ast.Inspect`. Lists of fields
    /// are not nodes.
    ///
    /// It reads the nodes as they are stored: the views of [`Tree::expression`] and its likes find
    /// out offsets that nobody asks for here, and walking trees is a good part of all work.
    pub fn for_each_child(&self, node: NodeId, mut visit: impl FnMut(NodeId)) {
        let nodes = &self.nodes;
        let stored = nodes.get(node);
        let (a, b) = (stored.a, stored.b);
        let mut optional = |number: u32| {
            if number != NONE {
                visit(NodeId(number));
            }
        };
        match stored.kind {
            NodeKind::BadExpr
            | NodeKind::Ident
            | NodeKind::BasicLit
            | NodeKind::BadStmt
            | NodeKind::EmptyStmt
            | NodeKind::BadDecl => {}
            NodeKind::Ellipsis
            | NodeKind::ParenExpr
            | NodeKind::StarExpr
            | NodeKind::UnaryExpr
            | NodeKind::ChanType
            | NodeKind::DeclStmt
            | NodeKind::ExprStmt
            | NodeKind::IncDecStmt
            | NodeKind::GoStmt
            | NodeKind::DeferStmt
            | NodeKind::SelectStmt
            | NodeKind::BranchStmt => optional(a),
            NodeKind::FuncLit
            | NodeKind::SelectorExpr
            | NodeKind::TypeAssertExpr
            | NodeKind::BinaryExpr
            | NodeKind::KeyValueExpr
            | NodeKind::MapType
            | NodeKind::ArrayType
            | NodeKind::LabeledStmt
            | NodeKind::SendStmt
            | NodeKind::ImportSpec => {
                optional(a);
                optional(b);
            }
            NodeKind::CompositeLit
            | NodeKind::IndexExpr
            | NodeKind::IndexListExpr
            | NodeKind::CallExpr => {
                optional(a);
                nodes.list(b).iter().copied().for_each(visit);
            }
            NodeKind::SliceExpr => {
                optional(a);
                for &child in nodes.entries(b, 3) {
                    optional(child.0);
                }
            }
            NodeKind::StructType
            | NodeKind::InterfaceType
            | NodeKind::ReturnStmt
            | NodeKind::BlockStmt
            | NodeKind::GenDecl => nodes.list(a).iter().copied().for_each(visit),
            NodeKind::FuncType => {
                let count = nodes.number(a) + nodes.number(a + 1) + nodes.number(a + 2);
                nodes.entries(a + 3, count).iter().copied().for_each(visit);
            }
            NodeKind::AssignStmt | NodeKind::CaseClause => {
                let count = nodes.number(a) + nodes.number(a + 1);
                nodes.entries(a + 2, count).iter().copied().for_each(visit);
            }
            NodeKind::Field => {
                let names = nodes.list(b);
                names.iter().copied().for_each(&mut visit);
                visit(NodeId(a));
                if stored.flags & FIELD_TAG != 0 {
                    visit(NodeId(nodes.number(b + 1 + names.len() as u32)));
                }
            }
            NodeKind::IfStmt => {
                optional(nodes.number(b));
                optional(a);
                optional(nodes.number(b + 1));
                optional(nodes.number(b + 2));
            }
            NodeKind::SwitchStmt | NodeKind::TypeSwitchStmt => {
                optional(nodes.number(b));
                optional(nodes.number(b + 1));
                optional(a);
            }
            NodeKind::CommClause => {
                optional(nodes.number(a));
                nodes.list(a + 1).iter().copied().for_each(visit);
            }
            NodeKind::ForStmt | NodeKind::RangeStmt => {
                for &child in nodes.entries(b, 3) {
                    optional(child.0);
                }
                optional(a);
            }
            NodeKind::FuncDecl => {
                nodes.list(b + 2).iter().copied().for_each(&mut visit);
                visit(NodeId(nodes.number(b)));
                visit(NodeId(a));
                if nodes.number(b + 1) != NONE {
                    visit(NodeId(nodes.number(b + 1)));
                }
            }
            NodeKind::ValueSpec => {
                let (names, values) = (nodes.number(b + 1), nodes.number(b + 2));
                let names_of = nodes.entries(b + 3, names);
                names_of.iter().copied().for_each(&mut visit);
                if a != NONE {
                    visit(NodeId(a));
                }
                let values = nodes.entries(b + 3 + names, values);
                values.iter().copied().for_each(visit);
            }
            NodeKind::TypeSpec => {
                optional(a);
                nodes.list(b + 1).iter().copied().for_each(&mut visit);
                visit(NodeId(nodes.number(b)));
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

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
