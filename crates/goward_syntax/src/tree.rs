//! The syntax tree of one file: flat vectors of nodes, read through by-value views.

use goward_diagnostics::Span;

use crate::node::{Declaration, Expression, Field, NodeId, NodeList, Specification, Statement};
use crate::symbol::Symbol;

/// The syntax tree of one file.
#[derive(Debug, Default)]
pub struct Tree {
    declarations: Vec<NodeId>,
}

impl Tree {
    /// The identifier of the package clause, if there is one.
    pub fn package_name(&self) -> Option<NodeId> {
        todo!()
    }
    /// All declarations of the file, imports included, in source order.
    pub fn declarations(&self) -> NodeList<'_> {
        &self.declarations
    }
    /// How many nodes there are: the length of vectors parallel to them.
    pub fn node_count(&self) -> usize {
        todo!()
    }
    /// The source range of a node, `Pos()` to `End()` of `go/ast`.
    pub fn span(&self, _node: NodeId) -> Span {
        todo!()
    }
    /// The name of an identifier node.
    pub fn symbol(&self, _identifier: NodeId) -> Symbol {
        todo!()
    }
    /// A node that is an expression or a type.
    pub fn expression(&self, _node: NodeId) -> Expression<'_> {
        todo!()
    }
    /// A node that is a statement.
    pub fn statement(&self, _node: NodeId) -> Statement<'_> {
        todo!()
    }
    /// A node that is a declaration.
    pub fn declaration(&self, _node: NodeId) -> Declaration<'_> {
        todo!()
    }
    /// A node that is a specification of a declaration.
    pub fn specification(&self, _node: NodeId) -> Specification<'_> {
        todo!()
    }
    /// A node that is an entry of a parameter list, struct or interface.
    pub fn field(&self, _node: NodeId) -> Field<'_> {
        todo!()
    }
}
