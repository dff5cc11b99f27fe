//! What a syntax tree looks like to those who read it: ids of nodes, and small by-value views of
//! expressions, statements, declarations and specifications.
//!
//! Node kinds, and the ranges of source text that they span, are those of Go's `go/ast`
//! (`Pos()` and `End()`), so that facts can be compared with `go/types` by byte offsets.

/// One node of a [`Tree`](crate::Tree).
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// As an index into vectors that run parallel to the nodes of a tree.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The nodes of a list, in source order: a slice of node ids.
pub type NodeList<'t> = &'t [NodeId];

/// The form of a basic literal.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LiteralKind {
    /// `12`, `0x1F`, `0b1_0`, `0o17`, `017`
    Int,
    /// `1.5`, `1e9`, `0x1p-2`
    Float,
    /// `2i`
    Imaginary,
    /// `'a'`
    Char,
    /// `"a"` or `` `a` ``
    String,
}

/// A unary operator. `*x` is [`Expression::Star`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum UnaryOperator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `!`
    Not,
    /// `^`
    Complement,
    /// `&`
    Address,
    /// `<-`
    Receive,
    /// `~`, in type constraints only
    Tilde,
}

/// A binary operator, also the operator of an assignment `x op= y`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BinaryOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    AndNot,
    LogicalAnd,
    LogicalOr,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// The operator of an assignment statement.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum AssignOperator {
    /// `=`
    Assign,
    /// `:=`
    Define,
    /// `+=` and the like
    Update(BinaryOperator),
}

/// What a `range` clause does with its variables.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum RangeOperator {
    /// `for range x`
    None,
    /// `for k, v = range x`
    Assign,
    /// `for k, v := range x`
    Define,
}

/// The direction of a channel type.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ChannelDirection {
    /// `chan T`
    Both,
    /// `chan<- T`
    Send,
    /// `<-chan T`
    Receive,
}

/// The keyword of a branch statement.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum BranchKeyword {
    Break,
    Continue,
    Goto,
    Fallthrough,
}

/// The keyword of a general declaration.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum DeclarationKeyword {
    Import,
    Const,
    Type,
    Var,
}

/// An expression or a type: the two share their syntax.
#[derive(Copy, Clone, Debug)]
pub enum Expression<'t> {
    /// Something that could not be parsed.
    Bad,
    /// An identifier; its name is [`Tree::symbol`](crate::Tree::symbol).
    Identifier,
    /// `...T` in a parameter list, or `...` as an array length (then `element` is absent).
    Ellipsis { element: Option<NodeId> },
    /// A literal; its text is what its span holds.
    BasicLiteral(LiteralKind),
    /// `func(…) … { … }`
    FunctionLiteral { function_type: NodeId, body: NodeId },
    /// `T{…}` or, nested in another one, `{…}`.
    CompositeLiteral {
        literal_type: Option<NodeId>,
        elements: NodeList<'t>,
        left_brace: u32,
        right_brace: u32,
    },
    /// `(x)`
    Parenthesized { inner: NodeId },
    /// `x.name`
    Selector { operand: NodeId, name: NodeId },
    /// `x[i]` or `x[T1, T2]`
    Index {
        operand: NodeId,
        indices: NodeList<'t>,
        left_bracket: u32,
    },
    /// `x[low:high:max]`; `three` tells whether there were two colons.
    Slice {
        operand: NodeId,
        low: Option<NodeId>,
        high: Option<NodeId>,
        max: Option<NodeId>,
        three: bool,
    },
    /// `x.(T)`; without a type it is the `x.(type)` of a type switch.
    TypeAssertion {
        operand: NodeId,
        asserted: Option<NodeId>,
    },
    /// `f(a, b...)`; `ellipsis` is the offset of the dots.
    Call {
        function: NodeId,
        arguments: NodeList<'t>,
        ellipsis: Option<u32>,
        left_parenthesis: u32,
        right_parenthesis: u32,
    },
    /// `*x`
    Star { operand: NodeId },
    /// `-x`; also `~T`
    Unary {
        operator: UnaryOperator,
        operand: NodeId,
    },
    /// `x + y`; also `T1 | T2` in constraints
    Binary {
        operator: BinaryOperator,
        left: NodeId,
        right: NodeId,
        operator_offset: u32,
    },
    /// `key: value` in a composite literal
    KeyValue { key: NodeId, value: NodeId },
    /// `[N]T` (`[...]T` has an [`Expression::Ellipsis`] as its length), or `[]T` without a length
    ArrayType {
        length: Option<NodeId>,
        element: NodeId,
    },
    /// `struct { … }`; each element is a [`Field`] node
    StructType { fields: NodeList<'t> },
    /// `func(…) …`; also, without the keyword, the type of a declared function or of a method in an interface
    FunctionType {
        type_parameters: NodeList<'t>,
        parameters: NodeList<'t>,
        results: NodeList<'t>,
    },
    /// `interface { … }`; each element is a [`Field`] node: a method has one name and a function
    /// type, an embedded element has no name
    InterfaceType { elements: NodeList<'t> },
    /// `map[K]V`
    MapType { key: NodeId, value: NodeId },
    /// `chan T`
    ChannelType {
        direction: ChannelDirection,
        value: NodeId,
    },
}

/// One entry of a parameter list, type-parameter list, struct or interface.
#[derive(Copy, Clone, Debug)]
pub struct Field<'t> {
    /// The identifiers; none for an embedded field, an unnamed parameter or an embedded interface element.
    pub names: NodeList<'t>,
    /// The type.
    pub field_type: NodeId,
    /// The tag of a struct field: a string literal.
    pub tag: Option<NodeId>,
}

/// A statement. Lists of statements are [`NodeList`]s.
#[derive(Copy, Clone, Debug)]
pub enum Statement<'t> {
    Bad,
    /// `;` alone, or nothing where a statement may stand.
    Empty,
    /// A `const`, `type` or `var` declaration: a [`Declaration::General`].
    Declaration {
        declaration: NodeId,
    },
    Labeled {
        label: NodeId,
        statement: NodeId,
    },
    Expression {
        expression: NodeId,
    },
    Send {
        channel: NodeId,
        value: NodeId,
    },
    IncrementDecrement {
        operand: NodeId,
        increment: bool,
    },
    Assign {
        operator: AssignOperator,
        left: NodeList<'t>,
        right: NodeList<'t>,
        operator_offset: u32,
    },
    Go {
        call: NodeId,
    },
    Defer {
        call: NodeId,
    },
    Return {
        results: NodeList<'t>,
    },
    Branch {
        keyword: BranchKeyword,
        label: Option<NodeId>,
    },
    Block {
        statements: NodeList<'t>,
    },
    /// `otherwise` is a block or another `if`.
    If {
        initial: Option<NodeId>,
        condition: NodeId,
        then: NodeId,
        otherwise: Option<NodeId>,
    },
    /// One clause of an expression or type switch; `default` when it has no list.
    CaseClause {
        expressions: NodeList<'t>,
        default: bool,
        body: NodeList<'t>,
        colon: u32,
    },
    /// Each clause is a [`Statement::CaseClause`].
    Switch {
        initial: Option<NodeId>,
        tag: Option<NodeId>,
        body: NodeId,
    },
    /// `assign` is `x := y.(type)` or the expression statement `y.(type)`.
    TypeSwitch {
        initial: Option<NodeId>,
        assign: NodeId,
        body: NodeId,
    },
    /// One clause of a select; no communication: `default`.
    CommunicationClause {
        communication: Option<NodeId>,
        body: NodeList<'t>,
        colon: u32,
    },
    Select {
        body: NodeId,
    },
    For {
        initial: Option<NodeId>,
        condition: Option<NodeId>,
        post: Option<NodeId>,
        body: NodeId,
    },
    Range {
        key: Option<NodeId>,
        value: Option<NodeId>,
        operator: RangeOperator,
        operand: NodeId,
        body: NodeId,
        operator_offset: u32,
    },
}

/// A declaration.
#[derive(Copy, Clone, Debug)]
pub enum Declaration<'t> {
    Bad,
    /// `import`, `const`, `type` or `var`, grouped or not; each specification is a [`Specification`] node.
    General {
        keyword: DeclarationKeyword,
        specifications: NodeList<'t>,
    },
    Function(FunctionDeclaration<'t>),
}

/// A function or method declaration.
#[derive(Copy, Clone, Debug)]
pub struct FunctionDeclaration<'t> {
    /// The receiver list as written: empty for a function, one [`Field`] for a method.
    pub receiver: NodeList<'t>,
    pub is_method: bool,
    pub name: NodeId,
    /// An [`Expression::FunctionType`] that starts at the keyword `func`.
    pub function_type: NodeId,
    /// A [`Statement::Block`]; absent for a function written elsewhere (assembly).
    pub body: Option<NodeId>,
    /// True where the tree was parsed without bodies and this one was skipped.
    pub body_skipped: bool,
}

/// One specification of a general declaration.
#[derive(Copy, Clone, Debug)]
pub enum Specification<'t> {
    Bad,
    Import {
        name: Option<NodeId>,
        path: NodeId,
    },
    /// A `const` or `var` specification; `iota` is its index in the group.
    Value {
        names: NodeList<'t>,
        value_type: Option<NodeId>,
        values: NodeList<'t>,
        iota: u32,
    },
    Type {
        name: NodeId,
        type_parameters: NodeList<'t>,
        is_alias: bool,
        specified: NodeId,
    },
}
