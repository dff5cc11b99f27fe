//! The tokens of Go.

use crate::node::BinaryOperator;

/// A token.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Token {
    // After these, the end of a line inserts a semicolon.
    Identifier,
    Int,
    Float,
    Imaginary,
    Char,
    String,
    Increment,
    Decrement,
    RightParenthesis,
    RightBracket,
    RightBrace,
    Break,
    Continue,
    Fallthrough,
    Return,

    /// The end of the text, or of what the parser may read of it.
    Eof,

    // The binary operators, in the order of `BinaryOperator`.
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

    // The assignment operators, in the order of `BinaryOperator` as far as there are any.
    AddAssign,
    SubtractAssign,
    MultiplyAssign,
    DivideAssign,
    RemainderAssign,
    AndAssign,
    OrAssign,
    XorAssign,
    ShiftLeftAssign,
    ShiftRightAssign,
    AndNotAssign,

    Assign,
    Define,
    Arrow,
    Not,
    Tilde,
    Ellipsis,
    LeftParenthesis,
    LeftBracket,
    LeftBrace,
    Comma,
    Period,
    /// Written when its range holds a byte, inserted at the end of a line otherwise.
    Semicolon,
    Colon,

    Case,
    Chan,
    Const,
    Default,
    Defer,
    Else,
    For,
    Func,
    Go,
    Goto,
    If,
    Import,
    Interface,
    Map,
    Package,
    Range,
    Select,
    Struct,
    Switch,
    Type,
    Var,
}

/// How many tokens there are.
const COUNT: usize = Token::Var as usize + 1;

/// The texts of all tokens, in their order.
const TEXTS: [&str; COUNT] = [
    "identifier",
    "int",
    "float",
    "imaginary",
    "char",
    "string",
    "++",
    "--",
    ")",
    "]",
    "}",
    "break",
    "continue",
    "fallthrough",
    "return",
    "EOF",
    "+",
    "-",
    "*",
    "/",
    "%",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "&^",
    "&&",
    "||",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "+=",
    "-=",
    "*=",
    "/=",
    "%=",
    "&=",
    "|=",
    "^=",
    "<<=",
    ">>=",
    "&^=",
    "=",
    ":=",
    "<-",
    "!",
    "~",
    "...",
    "(",
    "[",
    "{",
    ",",
    ".",
    ";",
    ":",
    "case",
    "chan",
    "const",
    "default",
    "defer",
    "else",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];

const LENGTHS: [u8; COUNT] = {
    let mut lengths = [0; COUNT];
    let mut token = 0;
    while token < COUNT {
        lengths[token] = TEXTS[token].len() as u8;
        token += 1;
    }
    lengths
};

const KEYWORDS: [Token; 25] = [
    Token::Break,
    Token::Case,
    Token::Chan,
    Token::Const,
    Token::Continue,
    Token::Default,
    Token::Defer,
    Token::Else,
    Token::Fallthrough,
    Token::For,
    Token::Func,
    Token::Go,
    Token::Goto,
    Token::If,
    Token::Import,
    Token::Interface,
    Token::Map,
    Token::Package,
    Token::Range,
    Token::Return,
    Token::Select,
    Token::Struct,
    Token::Switch,
    Token::Type,
    Token::Var,
];

/// A precedence above all binary operators: that of unary ones.
pub(crate) const LOWEST_PRECEDENCE: u8 = 1;

const PRECEDENCES: [u8; COUNT] = {
    let mut table = [0; COUNT];
    let mut token = Token::Add as usize;
    while token <= Token::GreaterEqual as usize {
        table[token] = 3;
        token += 1;
    }
    let mut token = Token::Equal as usize;
    while token <= Token::GreaterEqual as usize {
        table[token] = 3;
        token += 1;
    }
    table[Token::LogicalOr as usize] = 1;
    table[Token::LogicalAnd as usize] = 2;
    let sums = [Token::Add, Token::Subtract, Token::Or, Token::Xor];
    let mut position = 0;
    while position < sums.len() {
        table[sums[position] as usize] = 4;
        position += 1;
    }
    let products = [
        Token::Multiply,
        Token::Divide,
        Token::Remainder,
        Token::ShiftLeft,
        Token::ShiftRight,
        Token::And,
        Token::AndNot,
    ];
    let mut position = 0;
    while position < products.len() {
        table[products[position] as usize] = 5;
        position += 1;
    }
    table
};

impl Token {
    /// The text of the token, or what to call it.
    pub(crate) fn text(self) -> &'static str {
        TEXTS[self as usize]
    }

    /// How many bytes a token that is always written alike has.
    #[inline(always)]
    pub(crate) fn length(self) -> usize {
        usize::from(LENGTHS[self as usize])
    }

    /// The precedence as a binary operator, from 1 to 5, or 0.
    #[inline(always)]
    pub(crate) fn precedence(self) -> u8 {
        PRECEDENCES[self as usize]
    }

    /// Whether a line end after this token inserts a semicolon.
    #[inline(always)]
    pub(crate) fn ends_statement(self) -> bool {
        self as u8 <= Token::Return as u8
    }

    /// Whether the token is a literal or an identifier.
    pub(crate) fn is_literal(self) -> bool {
        (Token::Identifier as u8..=Token::String as u8).contains(&(self as u8))
    }

    /// The position of a binary operator in the list of operators.
    #[inline(always)]
    pub(crate) fn binary_operator(self) -> u8 {
        debug_assert!(self.precedence() > 0);
        self as u8 - Token::Add as u8
    }

    /// The position of the operator of `op=` in the list of operators.
    pub(crate) fn update_operator(self) -> Option<u8> {
        (Token::AddAssign as u8..=Token::AndNotAssign as u8)
            .contains(&(self as u8))
            .then(|| self as u8 - Token::AddAssign as u8)
    }
}

const _: () = assert!(
    Token::GreaterEqual as u8 - Token::Add as u8 == BinaryOperator::GreaterEqual as u8
        && Token::AndNotAssign as u8 - Token::AddAssign as u8 == BinaryOperator::AndNot as u8
);

/// A set of tokens.
#[derive(Copy, Clone)]
pub(crate) struct TokenSet(u128);

impl TokenSet {
    pub(crate) const fn of(tokens: &[Token]) -> TokenSet {
        let mut bits = 0;
        let mut position = 0;
        while position < tokens.len() {
            bits |= 1 << tokens[position] as u8;
            position += 1;
        }
        TokenSet(bits)
    }

    #[inline(always)]
    pub(crate) const fn contains(self, token: Token) -> bool {
        self.0 >> token as u8 & 1 != 0
    }
}

/// Where a word stands in the table of keywords: without collisions, as its construction proves.
const fn keyword_slot(first: u8, second: u8, length: usize) -> usize {
    (((first as usize) << 4 ^ second as usize) + length) % 64
}

/// The keywords as little-endian numbers; 0 is an empty slot.
static KEYWORD_TABLE: [(u128, Token); 64] = {
    let mut table = [(0, Token::Identifier); 64];
    let mut position = 0;
    while position < KEYWORDS.len() {
        let token = KEYWORDS[position];
        let text = TEXTS[token as usize].as_bytes();
        let mut word = 0u128;
        let mut index = 0;
        while index < text.len() {
            word |= (text[index] as u128) << (8 * index);
            index += 1;
        }
        let slot = keyword_slot(text[0], text[1], text.len());
        assert!(table[slot].0 == 0, "two keywords share a slot");
        table[slot] = (word, token);
        position += 1;
    }
    table
};

/// The token of a word of at most 16 bytes, given as a little-endian number.
#[inline(always)]
pub(crate) fn keyword_or_identifier(low: u64, high: u64, length: usize) -> Token {
    let slot = keyword_slot(low as u8, (low >> 8) as u8, length);
    let (word, token) = KEYWORD_TABLE[slot];
    if word == u128::from(low) | u128::from(high) << 64 {
        token
    } else {
        Token::Identifier
    }
}
