//! The syntax tree of one file: flat vectors of nodes, read through by-value views.

use goward_diagnostics::Span;

use crate::encoding::{
    BINARY_OPERATORS, BODY_SKIPPED, BRANCH_KEYWORDS, CALL_ELLIPSIS, CASE_DEFAULT,
    CHANNEL_DIRECTIONS, DECLARATION_KEYWORDS, FIELD_TAG, FUNCTION_METHOD, INCREMENT, LITERAL_KINDS,
    NodeKind, Nodes, RANGE_OPERATORS, SLICE_THREE, TYPE_ALIAS, UNARY_OPERATORS, assign_operator,
    optional,
};
use crate::node::{
    Declaration, Expression, Field, FunctionDeclaration, NodeId, NodeList, Specification, Statement,
};
use crate::symbol::Symbol;

/// Something that is wrong with the text of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxDiagnostic {
    /// Where; empty ranges point between two bytes.
    pub span: Span,
    /// What, in the words of Go's own parser where they fit.
    pub message: String,
    /// The minor version of Go from which on nothing is wrong; none where that is so in all.
    pub since: Option<u16>,
}

/// One comment, `//…` without its line end or `/*…*/`. Directives such as `//go:build` are
/// comments, too.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    pub span: Span,
}

/// The syntax tree of one file.
#[derive(Debug, Default)]
pub struct Tree {
    pub(crate) nodes: Nodes,
    pub(crate) declarations: Vec<NodeId>,
    pub(crate) imports: Vec<NodeId>,
    pub(crate) package_name: Option<NodeId>,
    pub(crate) package_offset: Option<u32>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) diagnostics: Vec<SyntaxDiagnostic>,
}

impl Tree {
    /// The identifier of the package clause, if there is one.
    pub fn package_name(&self) -> Option<NodeId> {
        self.package_name
    }

    /// The offset of the keyword `package`, if there is one.
    pub fn package_offset(&self) -> Option<u32> {
        self.package_offset
    }

    /// All declarations of the file, imports included, in source order.
    pub fn declarations(&self) -> NodeList<'_> {
        &self.declarations
    }

    /// All import specifications of the file, in source order.
    pub fn imports(&self) -> NodeList<'_> {
        &self.imports
    }

    /// All comments of the file, in source order. Those inside of skipped bodies are not kept.
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// What is wrong with the file for Go 1.26, in source order; empty exactly when its parser accepts
    /// it. At most a few hundred are kept.
    pub fn diagnostics(&self) -> &[SyntaxDiagnostic] {
        &self.diagnostics
    }

    /// What is wrong with the file for a minor version of Go, 0 for an unknown one, which allows all.
    pub fn diagnostics_for(&self, version: u16) -> impl Iterator<Item = &SyntaxDiagnostic> {
        self.diagnostics.iter().filter(move |diagnostic| {
            let allowed = |since| version == 0 || since <= version;
            !diagnostic.since.is_some_and(allowed)
        })
    }

    /// How many nodes there are: the length of vectors parallel to them.
    pub fn node_count(&self) -> usize {
        self.nodes.nodes.len()
    }

    /// Whether a node is an identifier.
    #[inline]
    pub fn is_identifier(&self, node: NodeId) -> bool {
        self.nodes.kind(node) == NodeKind::Ident
    }

    /// The source range of a node, `Pos()` to `End()` of `go/ast`.
    pub fn span(&self, node: NodeId) -> Span {
        self.nodes.span(node)
    }

    /// The kind of a node.
    #[inline]
    pub fn kind(&self, node: NodeId) -> NodeKind {
        self.nodes.kind(node)
    }

    /// The name of an identifier node; empty for any other node.
    #[inline]
    pub fn symbol(&self, identifier: NodeId) -> Symbol {
        let node = self.nodes.get(identifier);
        if node.kind == NodeKind::Ident {
            Symbol(node.a)
        } else {
            Symbol::EMPTY
        }
    }

    /// Whether a block is the body of a function and was skipped, so that it only looks empty.
    pub fn is_skipped_body(&self, block: NodeId) -> bool {
        let node = self.nodes.get(block);
        node.kind == NodeKind::BlockStmt && node.flags & BODY_SKIPPED != 0
    }

    /// A node that is an expression or a type; [`Expression::Bad`] for any other node.
    pub fn expression(&self, id: NodeId) -> Expression<'_> {
        let nodes = &self.nodes;
        let node = nodes.get(id);
        let (a, b) = (NodeId(node.a), NodeId(node.b));
        match node.kind {
            NodeKind::Ident => Expression::Identifier,
            NodeKind::Ellipsis => Expression::Ellipsis {
                element: optional(node.a),
            },
            NodeKind::BasicLit => Expression::BasicLiteral(LITERAL_KINDS[usize::from(node.flags)]),
            NodeKind::FuncLit => Expression::FunctionLiteral {
                function_type: a,
                body: b,
            },
            NodeKind::CompositeLit => {
                let literal_type = optional(node.a);
                let anchor = literal_type.map_or(node.start, |literal| nodes.end(literal));
                Expression::CompositeLiteral {
                    literal_type,
                    elements: nodes.list(node.b),
                    left_brace: nodes.resolve(id, anchor, node.near),
                    right_brace: node.end.saturating_sub(1),
                }
            }
            NodeKind::ParenExpr => Expression::Parenthesized { inner: a },
            NodeKind::SelectorExpr => Expression::Selector {
                operand: a,
                name: b,
            },
            NodeKind::IndexExpr | NodeKind::IndexListExpr => Expression::Index {
                operand: a,
                indices: nodes.list(node.b),
                left_bracket: nodes.resolve(id, nodes.end(a), node.near),
            },
            NodeKind::SliceExpr => Expression::Slice {
                operand: a,
                low: nodes.optional(node.b),
                high: nodes.optional(node.b + 1),
                max: nodes.optional(node.b + 2),
                three: node.flags & SLICE_THREE != 0,
            },
            NodeKind::TypeAssertExpr => Expression::TypeAssertion {
                operand: a,
                asserted: optional(node.b),
            },
            NodeKind::CallExpr => {
                let arguments = nodes.list(node.b);
                let ellipsis = (node.flags & CALL_ELLIPSIS != 0)
                    .then(|| nodes.number(node.b + 1 + arguments.len() as u32));
                Expression::Call {
                    function: a,
                    arguments,
                    ellipsis,
                    left_parenthesis: nodes.resolve(id, nodes.end(a), node.near),
                    right_parenthesis: node.end.saturating_sub(1),
                }
            }
            NodeKind::StarExpr => Expression::Star { operand: a },
            NodeKind::UnaryExpr => Expression::Unary {
                operator: UNARY_OPERATORS[usize::from(node.flags)],
                operand: a,
            },
            NodeKind::BinaryExpr => Expression::Binary {
                operator: BINARY_OPERATORS[usize::from(node.flags)],
                left: a,
                right: b,
                operator_offset: nodes.resolve(id, nodes.end(a), node.near),
            },
            NodeKind::KeyValueExpr => Expression::KeyValue { key: a, value: b },
            NodeKind::ArrayType => Expression::ArrayType {
                length: optional(node.a),
                element: b,
            },
            NodeKind::StructType => Expression::StructType {
                fields: nodes.list(node.a),
            },
            NodeKind::FuncType => {
                let at = node.a;
                let (type_parameters, parameters, results) =
                    (nodes.number(at), nodes.number(at + 1), nodes.number(at + 2));
                let at = at + 3;
                Expression::FunctionType {
                    type_parameters: nodes.entries(at, type_parameters),
                    parameters: nodes.entries(at + type_parameters, parameters),
                    results: nodes.entries(at + type_parameters + parameters, results),
                }
            }
            NodeKind::InterfaceType => Expression::InterfaceType {
                elements: nodes.list(node.a),
            },
            NodeKind::MapType => Expression::MapType { key: a, value: b },
            NodeKind::ChanType => Expression::ChannelType {
                direction: CHANNEL_DIRECTIONS[usize::from(node.flags)],
                value: a,
            },
            _ => Expression::Bad,
        }
    }

    /// A node that is a statement; [`Statement::Bad`] for any other node.
    pub fn statement(&self, id: NodeId) -> Statement<'_> {
        let nodes = &self.nodes;
        let node = nodes.get(id);
        let (a, b) = (NodeId(node.a), NodeId(node.b));
        match node.kind {
            NodeKind::DeclStmt => Statement::Declaration { declaration: a },
            NodeKind::EmptyStmt => Statement::Empty,
            NodeKind::LabeledStmt => Statement::Labeled {
                label: a,
                statement: b,
            },
            NodeKind::ExprStmt => Statement::Expression { expression: a },
            NodeKind::SendStmt => Statement::Send {
                channel: a,
                value: b,
            },
            NodeKind::IncDecStmt => Statement::IncrementDecrement {
                operand: a,
                increment: node.flags & INCREMENT != 0,
            },
            NodeKind::AssignStmt => {
                let (left, right) = (nodes.number(node.a), nodes.number(node.a + 1));
                Statement::Assign {
                    operator: assign_operator(node.flags),
                    left: nodes.entries(node.a + 2, left),
                    right: nodes.entries(node.a + 2 + left, right),
                    operator_offset: node.b,
                }
            }
            NodeKind::GoStmt => Statement::Go { call: a },
            NodeKind::DeferStmt => Statement::Defer { call: a },
            NodeKind::ReturnStmt => Statement::Return {
                results: nodes.list(node.a),
            },
            NodeKind::BranchStmt => Statement::Branch {
                keyword: BRANCH_KEYWORDS[usize::from(node.flags)],
                label: optional(node.a),
            },
            NodeKind::BlockStmt => Statement::Block {
                statements: nodes.list(node.a),
            },
            NodeKind::IfStmt => Statement::If {
                initial: nodes.optional(node.b),
                condition: a,
                then: NodeId(nodes.number(node.b + 1)),
                otherwise: nodes.optional(node.b + 2),
            },
            NodeKind::CaseClause => {
                let (expressions, body) = (nodes.number(node.a), nodes.number(node.a + 1));
                Statement::CaseClause {
                    expressions: nodes.entries(node.a + 2, expressions),
                    default: node.flags & CASE_DEFAULT != 0,
                    body: nodes.entries(node.a + 2 + expressions, body),
                    colon: node.b,
                }
            }
            NodeKind::SwitchStmt => Statement::Switch {
                initial: nodes.optional(node.b),
                tag: nodes.optional(node.b + 1),
                body: a,
            },
            NodeKind::TypeSwitchStmt => Statement::TypeSwitch {
                initial: nodes.optional(node.b),
                assign: NodeId(nodes.number(node.b + 1)),
                body: a,
            },
            NodeKind::CommClause => Statement::CommunicationClause {
                communication: nodes.optional(node.a),
                body: nodes.list(node.a + 1),
                colon: node.b,
            },
            NodeKind::SelectStmt => Statement::Select { body: a },
            NodeKind::ForStmt => Statement::For {
                initial: nodes.optional(node.b),
                condition: nodes.optional(node.b + 1),
                post: nodes.optional(node.b + 2),
                body: a,
            },
            NodeKind::RangeStmt => Statement::Range {
                key: nodes.optional(node.b),
                value: nodes.optional(node.b + 1),
                operator: RANGE_OPERATORS[usize::from(node.flags)],
                operand: NodeId(nodes.number(node.b + 2)),
                body: a,
                operator_offset: nodes.number(node.b + 3),
            },
            _ => Statement::Bad,
        }
    }

    /// A node that is a declaration; [`Declaration::Bad`] for any other node.
    pub fn declaration(&self, id: NodeId) -> Declaration<'_> {
        let nodes = &self.nodes;
        let node = nodes.get(id);
        match node.kind {
            NodeKind::GenDecl => Declaration::General {
                keyword: DECLARATION_KEYWORDS[usize::from(node.flags)],
                specifications: nodes.list(node.a),
            },
            NodeKind::FuncDecl => Declaration::Function(FunctionDeclaration {
                receiver: nodes.list(node.b + 2),
                is_method: node.flags & FUNCTION_METHOD != 0,
                name: NodeId(nodes.number(node.b)),
                function_type: NodeId(node.a),
                body: nodes.optional(node.b + 1),
                body_skipped: node.flags & BODY_SKIPPED != 0,
            }),
            _ => Declaration::Bad,
        }
    }

    /// A node that is a specification of a declaration; [`Specification::Bad`] for any other node.
    pub fn specification(&self, id: NodeId) -> Specification<'_> {
        let nodes = &self.nodes;
        let node = nodes.get(id);
        match node.kind {
            NodeKind::ImportSpec => Specification::Import {
                name: optional(node.a),
                path: NodeId(node.b),
            },
            NodeKind::ValueSpec => {
                let at = node.b;
                let (names, values) = (nodes.number(at + 1), nodes.number(at + 2));
                Specification::Value {
                    names: nodes.entries(at + 3, names),
                    value_type: optional(node.a),
                    values: nodes.entries(at + 3 + names, values),
                    iota: nodes.number(at),
                }
            }
            NodeKind::TypeSpec => Specification::Type {
                name: NodeId(node.a),
                type_parameters: nodes.list(node.b + 1),
                is_alias: node.flags & TYPE_ALIAS != 0,
                specified: NodeId(nodes.number(node.b)),
            },
            _ => Specification::Bad,
        }
    }

    /// A node that is an entry of a parameter list, struct or interface. For any other node the
    /// entry has no names and the node itself as its type.
    pub fn field(&self, id: NodeId) -> Field<'_> {
        let nodes = &self.nodes;
        let node = nodes.get(id);
        if node.kind != NodeKind::Field {
            return Field {
                names: &[],
                field_type: id,
                tag: None,
            };
        }
        let names = nodes.list(node.b);
        Field {
            names,
            field_type: NodeId(node.a),
            tag: (node.flags & FIELD_TAG != 0)
                .then(|| NodeId(nodes.number(node.b + 1 + names.len() as u32))),
        }
    }
}
