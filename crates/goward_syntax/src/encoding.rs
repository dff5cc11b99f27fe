//! How nodes are stored: twenty bytes each in one flat vector, and one vector of numbers for
//! whatever does not fit (lists, third and fourth children, offsets).
//!
//! The layout is private; readers see the views of [`crate::node`].

use goward_diagnostics::Span;

use crate::node::{
    AssignOperator, BinaryOperator, BranchKeyword, ChannelDirection, DeclarationKeyword,
    LiteralKind, NodeId, RangeOperator, UnaryOperator,
};

/// Stands for a child that is not there.
pub(crate) const NONE: u32 = u32::MAX;

/// The id that stands for a child that is not there.
pub(crate) const NO_NODE: NodeId = NodeId(NONE);

/// Where the empty list is stored in `extra`.
pub(crate) const EMPTY_LIST: u32 = 0;

/// The kind of a node. The names are those of `go/ast`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NodeKind {
    BadExpr,
    Ident,
    Ellipsis,
    BasicLit,
    FuncLit,
    CompositeLit,
    ParenExpr,
    SelectorExpr,
    /// One index; [`NodeKind::IndexListExpr`] has more.
    IndexExpr,
    IndexListExpr,
    SliceExpr,
    TypeAssertExpr,
    CallExpr,
    StarExpr,
    UnaryExpr,
    BinaryExpr,
    KeyValueExpr,
    ArrayType,
    StructType,
    FuncType,
    InterfaceType,
    MapType,
    ChanType,
    Field,
    BadStmt,
    DeclStmt,
    EmptyStmt,
    LabeledStmt,
    ExprStmt,
    SendStmt,
    IncDecStmt,
    AssignStmt,
    GoStmt,
    DeferStmt,
    ReturnStmt,
    BranchStmt,
    BlockStmt,
    IfStmt,
    CaseClause,
    SwitchStmt,
    TypeSwitchStmt,
    CommClause,
    SelectStmt,
    ForStmt,
    RangeStmt,
    BadDecl,
    GenDecl,
    FuncDecl,
    ImportSpec,
    ValueSpec,
    TypeSpec,
}

/// One stored node. What `flags`, `a` and `b` hold depends on the kind and is written down with
/// the functions of [`Nodes`].
#[derive(Copy, Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) flags: u8,
    /// Distance of an operator or opening bracket from the end of the operand before it, or
    /// [`FAR`] when it does not fit and is in `Nodes::far`.
    pub(crate) near: u16,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) a: u32,
    pub(crate) b: u32,
}

/// Says that a distance is in `Nodes::far`.
pub(crate) const FAR: u16 = u16::MAX;

pub(crate) const CALL_ELLIPSIS: u8 = 1;
pub(crate) const SLICE_THREE: u8 = 1;
pub(crate) const FIELD_TAG: u8 = 1;
pub(crate) const INCREMENT: u8 = 1;
pub(crate) const CASE_DEFAULT: u8 = 1;
pub(crate) const FUNCTION_METHOD: u8 = 1;
pub(crate) const BODY_SKIPPED: u8 = 2;
pub(crate) const TYPE_ALIAS: u8 = 1;
pub(crate) const EMPTY_IMPLICIT: u8 = 1;

/// The stored nodes of one file.
#[derive(Debug)]
pub(crate) struct Nodes {
    pub(crate) nodes: Vec<Node>,
    /// Lists (a count, then the ids), children and offsets, all as bare numbers. They are typed as
    /// ids so that a list can be handed out as a slice.
    pub(crate) extra: Vec<NodeId>,
    /// Offsets of operators that are far from their left operand (a long comment in between), by
    /// node, ascending.
    pub(crate) far: Vec<(u32, u32)>,
}

impl Default for Nodes {
    fn default() -> Self {
        Nodes::with_capacity(0)
    }
}

impl Nodes {
    pub(crate) fn with_capacity(nodes: usize) -> Nodes {
        let mut extra = Vec::with_capacity(nodes / 2 + 1);
        extra.push(NodeId(0));
        Nodes {
            nodes: Vec::with_capacity(nodes),
            extra,
            far: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    #[inline]
    pub(crate) fn kind(&self, id: NodeId) -> NodeKind {
        self.nodes[id.index()].kind
    }

    #[inline]
    pub(crate) fn start(&self, id: NodeId) -> u32 {
        self.nodes[id.index()].start
    }

    #[inline]
    pub(crate) fn end(&self, id: NodeId) -> u32 {
        self.nodes[id.index()].end
    }

    #[inline]
    pub(crate) fn span(&self, id: NodeId) -> Span {
        let node = self.get(id);
        Span::new(node.start, node.end)
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, node: Node) -> NodeId {
        let id = self.nodes.len() as u32;
        self.nodes.push(node);
        NodeId(id)
    }

    /// Adds a node without a distance.
    #[inline(always)]
    pub(crate) fn add(
        &mut self,
        kind: NodeKind,
        flags: u8,
        start: u32,
        end: u32,
        a: u32,
        b: u32,
    ) -> NodeId {
        self.push(Node {
            kind,
            flags,
            near: 0,
            start,
            end,
            a,
            b,
        })
    }

    /// The stored distance of `offset` from `anchor` for the node that is added next.
    #[inline(always)]
    pub(crate) fn distance(&mut self, anchor: u32, offset: u32) -> u16 {
        let distance = offset.wrapping_sub(anchor);
        if distance < u32::from(FAR) {
            distance as u16
        } else {
            self.far.push((self.nodes.len() as u32, offset));
            FAR
        }
    }

    /// The offset that is `near` bytes after `anchor`.
    #[inline]
    pub(crate) fn resolve(&self, id: NodeId, anchor: u32, near: u16) -> u32 {
        if near != FAR {
            return anchor + u32::from(near);
        }
        match self.far.binary_search_by_key(&id.0, |&(node, _)| node) {
            Ok(found) => self.far[found].1,
            Err(_) => anchor,
        }
    }

    /// The list that `extra` holds at `at`: its length, then its ids.
    #[inline(always)]
    pub(crate) fn list(&self, at: u32) -> &[NodeId] {
        let at = at as usize;
        let length = self.extra[at].0 as usize;
        &self.extra[at + 1..at + 1 + length]
    }

    /// `length` entries of `extra` from `at`.
    #[inline]
    pub(crate) fn entries(&self, at: u32, length: u32) -> &[NodeId] {
        &self.extra[at as usize..(at + length) as usize]
    }

    /// The number that `extra` holds at `at`.
    #[inline]
    pub(crate) fn number(&self, at: u32) -> u32 {
        self.extra[at as usize].0
    }

    /// The child that `extra` holds at `at`, if there is one.
    #[inline]
    pub(crate) fn optional(&self, at: u32) -> Option<NodeId> {
        optional(self.number(at))
    }

    /// Where the next entry of `extra` will be.
    #[inline(always)]
    pub(crate) fn next_extra(&self) -> u32 {
        self.extra.len() as u32
    }
}

/// A child stored as a number.
pub(crate) fn optional(number: u32) -> Option<NodeId> {
    (number != NONE).then_some(NodeId(number))
}

/// Operators are stored as their position in these lists.
pub(crate) const LITERAL_KINDS: [LiteralKind; 5] = [
    LiteralKind::Int,
    LiteralKind::Float,
    LiteralKind::Imaginary,
    LiteralKind::Char,
    LiteralKind::String,
];

pub(crate) const UNARY_OPERATORS: [UnaryOperator; 7] = [
    UnaryOperator::Plus,
    UnaryOperator::Minus,
    UnaryOperator::Not,
    UnaryOperator::Complement,
    UnaryOperator::Address,
    UnaryOperator::Receive,
    UnaryOperator::Tilde,
];

pub(crate) const BINARY_OPERATORS: [BinaryOperator; 19] = [
    BinaryOperator::Add,
    BinaryOperator::Subtract,
    BinaryOperator::Multiply,
    BinaryOperator::Divide,
    BinaryOperator::Remainder,
    BinaryOperator::And,
    BinaryOperator::Or,
    BinaryOperator::Xor,
    BinaryOperator::ShiftLeft,
    BinaryOperator::ShiftRight,
    BinaryOperator::AndNot,
    BinaryOperator::LogicalAnd,
    BinaryOperator::LogicalOr,
    BinaryOperator::Equal,
    BinaryOperator::NotEqual,
    BinaryOperator::Less,
    BinaryOperator::LessEqual,
    BinaryOperator::Greater,
    BinaryOperator::GreaterEqual,
];

/// `=` is 0, `:=` is 1, `op=` is 2 and more.
pub(crate) const ASSIGN: u8 = 0;
pub(crate) const DEFINE: u8 = 1;
pub(crate) const UPDATE: u8 = 2;

pub(crate) fn assign_operator(flags: u8) -> AssignOperator {
    match flags {
        ASSIGN => AssignOperator::Assign,
        DEFINE => AssignOperator::Define,
        _ => AssignOperator::Update(BINARY_OPERATORS[usize::from(flags - UPDATE)]),
    }
}

pub(crate) const RANGE_OPERATORS: [RangeOperator; 3] = [
    RangeOperator::None,
    RangeOperator::Assign,
    RangeOperator::Define,
];

pub(crate) const CHANNEL_DIRECTIONS: [ChannelDirection; 3] = [
    ChannelDirection::Both,
    ChannelDirection::Send,
    ChannelDirection::Receive,
];

pub(crate) const BRANCH_KEYWORDS: [BranchKeyword; 4] = [
    BranchKeyword::Break,
    BranchKeyword::Continue,
    BranchKeyword::Goto,
    BranchKeyword::Fallthrough,
];

pub(crate) const DECLARATION_KEYWORDS: [DeclarationKeyword; 4] = [
    DeclarationKeyword::Import,
    DeclarationKeyword::Const,
    DeclarationKeyword::Type,
    DeclarationKeyword::Var,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_stored_as_their_position() {
        for (position, operator) in BINARY_OPERATORS.into_iter().enumerate() {
            assert_eq!(operator as usize, position);
        }
        for (position, operator) in UNARY_OPERATORS.into_iter().enumerate() {
            assert_eq!(operator as usize, position);
        }
        for (position, kind) in LITERAL_KINDS.into_iter().enumerate() {
            assert_eq!(kind as usize, position);
        }
    }

    #[test]
    fn a_node_is_twenty_bytes() {
        assert_eq!(size_of::<Node>(), 20);
    }
}
