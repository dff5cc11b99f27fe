//! The parser: recursive descent with one token of look-ahead, a port of the grammar of
//! `go/parser`, so that it accepts what that accepts and gives the same tree.
//!
//! Recovery differs. A token that is not expected stays where it is, so that a missing bracket
//! does not swallow what follows; every loop makes sure that it advances. And once a declaration
//! of the file turns out to be broken, it is parsed again with a *barrier*: a keyword such as
//! `func` at the start of a line then reads as the end of the text, so that a missing brace costs
//! one declaration and not the rest of the file.

mod declarations;
mod expressions;
mod parameters;
mod statements;
mod types;

use goward_diagnostics::Span;

use crate::Mode;
use crate::encoding::{EMPTY_LIST, NodeKind, Nodes};
use crate::lexer::{Lexer, NO_BARRIER};
use crate::node::NodeId;
use crate::symbol::Symbol;
use crate::token::{Token, TokenSet};
use crate::tree::Tree;

/// Longer texts are refused: no Go program has such a file, and a tree takes up to thirty times
/// the memory of its text.
pub const MAX_SOURCE_LENGTH: usize = 128 << 20;

/// How deep expressions, types and statements may nest.
///
/// go/parser allows 100,000 levels, which takes more stack than a thread has by default (2 MiB are
/// enough here); the deepest file of Go's own tests has less than 250. A chain of operators, selectors, calls, or `else if` may be as long as there ([`MAX_CHAIN`]): those who walk
/// trees follow such chains in a loop.
pub const MAX_NESTING: u32 = 1_000;

/// How long a chain of operators, selectors, calls or `else if` may be, as in go/parser.
pub const MAX_CHAIN: u32 = 100_000;

/// What starts a declaration of the file.
const DECLARATION_START: TokenSet = TokenSet::of(&[
    Token::Import,
    Token::Const,
    Token::Type,
    Token::Var,
    Token::Func,
]);

/// Keywords that only start a statement.
const STATEMENT_START: TokenSet = TokenSet::of(&[
    Token::Break,
    Token::Case,
    Token::Const,
    Token::Continue,
    Token::Default,
    Token::Defer,
    Token::Fallthrough,
    Token::For,
    Token::Go,
    Token::Goto,
    Token::If,
    Token::Return,
    Token::Select,
    Token::Switch,
    Token::Type,
    Token::Var,
]);

/// Where a broken expression ends at the latest.
const EXPRESSION_END: TokenSet = TokenSet::of(&[
    Token::Comma,
    Token::Colon,
    Token::Semicolon,
    Token::LeftBrace,
    Token::RightParenthesis,
    Token::RightBracket,
    Token::RightBrace,
]);

/// What an expression may start with, apart from operators.
const OPERAND_START: TokenSet = TokenSet::of(&[
    Token::Identifier,
    Token::Int,
    Token::Float,
    Token::Imaginary,
    Token::Char,
    Token::String,
]);

/// Lists of at most so many elements are copied one by one.
const SHORT_LIST: usize = 4;

pub(crate) struct Parser<'s> {
    lexer: Lexer<'s>,
    nodes: Nodes,
    mode: Mode,
    /// Lists under construction: the innermost one is at the end.
    scratch: Vec<NodeId>,
    /// Parameters under construction.
    parameters: Vec<parameters::Parameter>,
    imports: Vec<NodeId>,
    /// Negative in the header of a control clause, where `{` starts a block and no literal.
    expression_level: i32,
    /// Whether `=` can only be a mistyped `==`.
    right_hand_side: bool,
    /// How many clauses of switches and selects are around.
    clauses: u32,
    /// How deep the parser is in its own recursion.
    depth: u32,
    /// The same plus the lengths of all chains around.
    nesting: u32,
}

/// Parses `source`.
pub(crate) fn parse(source: &[u8], mode: Mode) -> Tree {
    if source.len() > MAX_SOURCE_LENGTH {
        let mut tree = Tree::default();
        tree.diagnostics.push(crate::tree::SyntaxDiagnostic {
            span: Span::at(0),
            message: format!(
                "file too large: {} bytes, and at most {MAX_SOURCE_LENGTH} are read",
                source.len()
            ),
            since: None,
        });
        return tree;
    }
    let mut parser = Parser {
        lexer: Lexer::new(source),
        nodes: Nodes::with_capacity(match mode {
            Mode::Full => source.len() / 6,
            Mode::DeclarationsOnly => source.len() / 24,
            Mode::ImportsOnly => 0,
        }),
        mode,
        scratch: Vec::new(),
        parameters: Vec::new(),
        imports: Vec::new(),
        expression_level: 0,
        right_hand_side: false,
        clauses: 0,
        depth: 0,
        nesting: 0,
    };
    parser.next();
    let mut tree = Tree::default();
    parser.parse_file(&mut tree);
    let Parser {
        lexer,
        mut nodes,
        imports,
        ..
    } = parser;
    nodes.nodes.shrink_to_fit();
    nodes.extra.shrink_to_fit();
    tree.nodes = nodes;
    tree.imports = imports;
    tree.comments = lexer.comments;
    tree.diagnostics = lexer.errors.into_sorted();
    lexer.names.keep();
    tree
}

impl Parser<'_> {
    #[inline(always)]
    fn next(&mut self) {
        self.lexer.next();
    }

    #[inline(always)]
    fn token(&self) -> Token {
        self.lexer.token
    }

    #[inline(always)]
    fn at(&self, token: Token) -> bool {
        self.lexer.token == token
    }

    /// The offset of the current token.
    #[inline(always)]
    fn start(&self) -> u32 {
        self.lexer.start
    }

    /// Whether the current token is a semicolon that the end of a line inserted.
    fn at_line_end(&self) -> bool {
        self.at(Token::Semicolon) && self.lexer.start == self.lexer.end
    }

    /// What tells whether a loop advances.
    fn position(&self) -> (usize, Token) {
        (self.lexer.offset, self.lexer.token)
    }

    /// Consumes `token` if it is the current one.
    #[inline(always)]
    fn eat(&mut self, token: Token) -> bool {
        let found = self.at(token);
        if found {
            self.next();
        }
        found
    }

    /// Consumes `token`, or complains and leaves the current one. Returns the offset where it is
    /// or should be.
    #[inline(always)]
    fn expect(&mut self, token: Token) -> u32 {
        let offset = self.start();
        if self.at(token) {
            self.next();
        } else {
            self.error_expected(&format_args!("'{}'", token.text()));
        }
        offset
    }

    /// As [`Parser::expect`]; returns the offset after the token.
    #[inline(always)]
    fn expect_end(&mut self, token: Token) -> u32 {
        if self.at(token) {
            let end = self.lexer.end;
            self.next();
            end
        } else {
            self.error_expected(&format_args!("'{}'", token.text()));
            self.start()
        }
    }

    /// As [`Parser::expect_end`], for what closes a list of `context`.
    #[inline(always)]
    fn expect_closing(&mut self, token: Token, context: &'static str) -> u32 {
        if !self.at(token) && self.at_line_end() {
            self.error_here(|| format!("missing ',' before newline in {context}"));
            return self.start();
        }
        self.expect_end(token)
    }

    /// Complains at the current token.
    #[cold]
    fn error_here(&mut self, message: impl FnOnce() -> String) {
        let span = Span::new(self.lexer.start, self.lexer.end);
        self.lexer.errors.add_unless_same_line(span, message);
    }

    /// Complains at `offset`.
    #[cold]
    fn error_at(&mut self, offset: u32, message: impl FnOnce() -> String) {
        self.lexer
            .errors
            .add_unless_same_line(Span::at(offset), message);
    }

    /// Complains that the current token is not what it should be.
    #[cold]
    #[inline(never)]
    fn error_expected(&mut self, what: &dyn std::fmt::Display) {
        let token = self.token();
        let source = self.lexer.source;
        let text = source.get(self.start() as usize..self.lexer.end as usize);
        let at_barrier = self.lexer.at_barrier;
        let line_end = self.at_line_end();
        self.error_here(|| {
            if at_barrier {
                format!("expected {what} before the next declaration")
            } else if line_end {
                format!("expected {what}, found newline")
            } else if token.is_literal() {
                let text = String::from_utf8_lossy(text.unwrap_or_default());
                let short: String = text.chars().take(40).collect();
                format!("expected {what}, found {}", short.escape_debug())
            } else {
                format!("expected {what}, found '{}'", token.text())
            }
        });
    }

    /// Enters a level of recursion. When there are too many, the rest of the text is dropped, so
    /// that everything that is open winds up.
    #[inline(always)]
    fn enter(&mut self) {
        self.depth += 1;
        self.nesting += 1;
        if self.depth > MAX_NESTING || self.nesting > MAX_CHAIN {
            self.too_deep();
        }
    }

    #[inline(always)]
    fn leave(&mut self) {
        self.depth -= 1;
        self.nesting -= 1;
    }

    /// Makes a chain one longer.
    #[inline(always)]
    fn lengthen(&mut self, chain: &mut u32) {
        *chain += 1;
        self.nesting += 1;
        if self.nesting > MAX_CHAIN {
            self.too_deep();
        }
    }

    #[cold]
    #[inline(never)]
    fn too_deep(&mut self) {
        if self.at(Token::Eof) {
            return;
        }
        let span = Span::new(self.lexer.start, self.lexer.end);
        let limit = if self.depth > MAX_NESTING {
            MAX_NESTING
        } else {
            MAX_CHAIN
        };
        self.lexer.errors.add(
            span,
            format!("nested too deeply: more than {limit} levels; the rest of the file is ignored"),
        );
        self.lexer.give_up();
    }

    /// Stores the end of `scratch` from `mark` as a list; returns where.
    #[inline(always)]
    fn finish_list(&mut self, mark: usize) -> u32 {
        let length = self.scratch.len() - mark;
        if length == 0 {
            return EMPTY_LIST;
        }
        let at = self.nodes.next_extra();
        self.nodes.extra.push(NodeId(length as u32));
        if length <= SHORT_LIST {
            // Calling memcpy takes longer than copying a few numbers.
            for index in mark..mark + length {
                self.nodes.extra.push(self.scratch[index]);
            }
        } else {
            self.nodes.extra.extend_from_slice(&self.scratch[mark..]);
        }
        self.scratch.truncate(mark);
        at
    }

    /// Stores the end of `scratch` from `mark`, which is two lists that meet at `middle`.
    #[inline(always)]
    fn finish_two_lists(&mut self, mark: usize, middle: usize) -> u32 {
        let at = self.nodes.next_extra();
        let (first, second) = (middle - mark, self.scratch.len() - middle);
        let extra = &mut self.nodes.extra;
        extra.push(NodeId(first as u32));
        extra.push(NodeId(second as u32));
        if first + second <= SHORT_LIST {
            for index in mark..mark + first + second {
                extra.push(self.scratch[index]);
            }
        } else {
            extra.extend_from_slice(&self.scratch[mark..]);
        }
        self.scratch.truncate(mark);
        at
    }

    /// Adds a placeholder for an expression.
    fn bad_expression(&mut self, start: u32, end: u32) -> NodeId {
        self.nodes.add(NodeKind::BadExpr, 0, start, end, 0, 0)
    }

    /// Adds an identifier for the current token, which must be one.
    #[inline(always)]
    fn take_identifier(&mut self) -> NodeId {
        let identifier = self.nodes.add(
            NodeKind::Ident,
            0,
            self.lexer.start,
            self.lexer.end,
            self.lexer.symbol.0,
            0,
        );
        self.next();
        identifier
    }

    /// Parses an identifier; where there is none, an empty blank one takes its place.
    #[inline(always)]
    fn parse_identifier(&mut self) -> NodeId {
        if self.at(Token::Identifier) {
            return self.take_identifier();
        }
        self.error_expected(&"identifier");
        let start = self.start();
        let symbol = Symbol::BLANK.0;
        self.nodes.add(NodeKind::Ident, 0, start, start, symbol, 0)
    }

    /// Parses the semicolon after a statement or declaration. Where there is none, skips to the
    /// end of the statement.
    #[inline(always)]
    fn expect_semicolon(&mut self) {
        match self.token() {
            Token::Semicolon => self.next(),
            // A semicolon may be left out before a closing parenthesis or brace.
            Token::RightParenthesis | Token::RightBrace => {}
            _ => self.semicolon_missing(),
        }
    }

    #[cold]
    #[inline(never)]
    fn semicolon_missing(&mut self) {
        self.error_expected(&"';'");
        loop {
            match self.token() {
                Token::Semicolon => {
                    self.next();
                    return;
                }
                Token::Eof | Token::RightBrace | Token::LeftBrace => return,
                token if STATEMENT_START.contains(token) => return,
                _ => self.next(),
            }
        }
    }

    /// Skips to where a broken expression ends.
    #[cold]
    #[inline(never)]
    fn skip_expression(&mut self) {
        while !self.at(Token::Eof)
            && !EXPRESSION_END.contains(self.token())
            && !STATEMENT_START.contains(self.token())
        {
            self.next();
        }
    }

    /// After an element of a list: consumes the comma if there is one. Returns whether there may
    /// be another element before `closing`.
    #[inline(always)]
    fn next_in_list(&mut self, closing: Token, context: &'static str) -> bool {
        if self.at(Token::Comma) {
            self.next();
            true
        } else if self.at(closing) {
            false
        } else {
            self.comma_missing(closing, context)
        }
    }

    #[cold]
    #[inline(never)]
    fn comma_missing(&mut self, closing: Token, context: &'static str) -> bool {
        if self.at_line_end() {
            self.error_here(|| format!("missing ',' before newline in {context}"));
            if self.lexer.next_line_starts_with(closing) {
                self.next();
                return false;
            }
            if closing == Token::RightBrace {
                // The elements of a composite literal stand on lines of their own: most likely
                // only the comma is missing.
                self.next();
                return OPERAND_START.contains(self.token()) || self.at(Token::LeftBrace);
            }
            return false;
        }
        self.error_here(|| format!("missing ',' in {context}"));
        OPERAND_START.contains(self.token())
    }

    /// Parses the file into `tree`, except for what [`parse`] does at the end.
    fn parse_file(&mut self, tree: &mut Tree) {
        if self.at(Token::Package) {
            tree.package_offset = Some(self.start());
            self.next();
            tree.package_name = Some(self.parse_identifier());
            self.expect_semicolon();
        } else {
            self.error_expected(&"'package'");
        }
        while self.at(Token::Import) {
            let declaration = self.parse_declaration_or_recover();
            tree.declarations.push(declaration);
        }
        if self.mode == Mode::ImportsOnly {
            let end = self.start();
            self.lexer.errors.forget_after(end);
            return;
        }
        let mut previous = Token::Import;
        while !self.at(Token::Eof) {
            if self.at(Token::Import) && previous != Token::Import {
                self.error_here(|| "imports must appear before other declarations".to_owned());
            }
            previous = self.token();
            let declaration = self.parse_declaration_or_recover();
            tree.declarations.push(declaration);
        }
    }

    /// Parses a declaration of the file; once one is broken, with a barrier.
    fn parse_declaration_or_recover(&mut self) -> NodeId {
        let errors = self.lexer.errors.count();
        if self.lexer.barrier != NO_BARRIER {
            return self.parse_declaration_before_barrier();
        }
        let offset = self.start() as usize;
        let nodes = self.nodes.nodes.len();
        let extra = self.nodes.extra.len();
        let far = self.nodes.far.len();
        let comments = self.lexer.comments.len();
        let imports = self.imports.len();
        let declaration = self.parse_file_declaration();
        if self.lexer.errors.count() == errors || self.lexer.gave_up() {
            return declaration;
        }
        let first = self.lexer.errors.rewind(errors);
        self.nodes.nodes.truncate(nodes);
        self.nodes.extra.truncate(extra);
        self.nodes.far.truncate(far);
        self.lexer.comments.truncate(comments);
        self.imports.truncate(imports);
        self.lexer.restart(offset);
        let declaration = self.parse_declaration_before_barrier();
        if self.lexer.errors.count() == errors {
            for diagnostic in first {
                self.lexer.errors.add(diagnostic.span, diagnostic.message);
            }
        }
        declaration
    }

    fn parse_declaration_before_barrier(&mut self) -> NodeId {
        self.lexer.barrier = self.start() as usize;
        let before = self.position();
        let declaration = self.parse_file_declaration();
        self.expression_level = 0;
        self.right_hand_side = false;
        self.clauses = 0;
        if self.lexer.at_barrier {
            self.lexer.pass_barrier();
        }
        if self.position() == before && !self.at(Token::Eof) {
            self.next();
        }
        declaration
    }
}
