//! Statements: `parseStmt` and its callees in `go/parser`.

use crate::encoding::{
    ASSIGN, CASE_DEFAULT, DEFINE, EMPTY_IMPLICIT, EMPTY_LIST, INCREMENT, NO_NODE, NodeKind, UPDATE,
};
use crate::node::{BranchKeyword, NodeId, RangeOperator};
use crate::token::{Token, TokenSet};

use super::{Parser, STATEMENT_START};

/// Tokens that start a simple statement.
const SIMPLE_START: TokenSet = TokenSet::of(&[
    Token::Identifier,
    Token::Int,
    Token::Float,
    Token::Imaginary,
    Token::Char,
    Token::String,
    Token::Func,
    Token::LeftParenthesis,
    Token::LeftBracket,
    Token::Struct,
    Token::Map,
    Token::Chan,
    Token::Interface,
    Token::Add,
    Token::Subtract,
    Token::Multiply,
    Token::And,
    Token::Xor,
    Token::Arrow,
    Token::Not,
]);

/// Where a simple statement stands.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Place {
    /// In a block, where it may also be a label.
    Block,
    /// In the header of a `for`, where it may also be a range clause.
    For,
    /// In another header.
    Header,
}

/// The start of a range clause: `k, v := range x`.
struct Range {
    key: NodeId,
    value: NodeId,
    operator: RangeOperator,
    offset: u32,
    operand: NodeId,
    /// Where the third variable stands, which is one too many.
    excess: Option<u32>,
}

/// What a simple statement turned out to be.
enum Simple {
    Statement(NodeId),
    Range(Range),
}

impl Parser<'_> {
    /// Parses a block. Without an opening brace it is empty: what follows belongs elsewhere.
    pub(super) fn parse_block(&mut self) -> NodeId {
        let start = self.expect(Token::LeftBrace);
        if start == self.lexer.start {
            let kind = NodeKind::BlockStmt;
            return self.nodes.add(kind, 0, start, start, EMPTY_LIST, 0);
        }
        let mark = self.scratch.len();
        self.parse_statements();
        let list = self.finish_list(mark);
        let end = self.expect_end(Token::RightBrace);
        self.nodes.add(NodeKind::BlockStmt, 0, start, end, list, 0)
    }

    /// Parses the statements of a block or clause and leaves them on `scratch`.
    fn parse_statements(&mut self) {
        loop {
            match self.token() {
                Token::RightBrace | Token::Eof => return,
                Token::Case | Token::Default if self.clauses > 0 => return,
                Token::Case | Token::Default => self.skip_stray_clause(),
                _ => {
                    let before = self.position();
                    let statement = self.parse_statement();
                    self.scratch.push(statement);
                    if self.position() == before {
                        self.next();
                    }
                }
            }
        }
    }

    /// Skips the `case …:` that no switch or select is around.
    #[cold]
    fn skip_stray_clause(&mut self) {
        self.error_expected(&"'}'");
        self.next();
        while !matches!(
            self.token(),
            Token::Eof | Token::Colon | Token::Semicolon | Token::RightBrace
        ) {
            self.next();
        }
        self.eat(Token::Colon);
    }

    fn parse_statement(&mut self) -> NodeId {
        self.enter();
        let statement = match self.token() {
            token if SIMPLE_START.contains(token) => self.parse_statement_or_label(),
            Token::If => self.parse_if(),
            Token::Return => self.parse_return(),
            Token::For => self.parse_for(),
            Token::Const | Token::Type | Token::Var => {
                let declaration = self.parse_general_declaration();
                let (start, end) = (self.nodes.start(declaration), self.nodes.end(declaration));
                self.nodes
                    .add(NodeKind::DeclStmt, 0, start, end, declaration.0, 0)
            }
            Token::Defer => self.parse_call_statement(NodeKind::DeferStmt, "defer"),
            Token::Go => self.parse_call_statement(NodeKind::GoStmt, "go"),
            Token::Switch => self.parse_switch(),
            Token::Select => self.parse_select(),
            Token::Break => self.parse_branch(BranchKeyword::Break),
            Token::Continue => self.parse_branch(BranchKeyword::Continue),
            Token::Goto => self.parse_branch(BranchKeyword::Goto),
            Token::Fallthrough => self.parse_branch(BranchKeyword::Fallthrough),
            Token::LeftBrace => {
                let block = self.parse_block();
                self.expect_semicolon();
                block
            }
            Token::Semicolon => {
                let flags = if self.at_line_end() {
                    EMPTY_IMPLICIT
                } else {
                    0
                };
                let (start, end) = (self.lexer.start, self.lexer.end);
                self.next();
                self.nodes.add(NodeKind::EmptyStmt, flags, start, end, 0, 0)
            }
            Token::RightBrace => {
                // A semicolon may be left out before a closing brace.
                let start = self.start();
                self.nodes
                    .add(NodeKind::EmptyStmt, EMPTY_IMPLICIT, start, start, 0, 0)
            }
            _ => self.missing_statement(),
        };
        self.leave();
        statement
    }

    #[cold]
    fn missing_statement(&mut self) -> NodeId {
        let start = self.start();
        self.error_expected(&"statement");
        self.next();
        while !STATEMENT_START.contains(self.token())
            && !matches!(
                self.token(),
                Token::Eof | Token::Semicolon | Token::LeftBrace | Token::RightBrace
            )
        {
            self.next();
        }
        let end = self.start();
        self.eat(Token::Semicolon);
        self.bad_statement(start, end)
    }

    fn bad_statement(&mut self, start: u32, end: u32) -> NodeId {
        self.nodes.add(NodeKind::BadStmt, 0, start, end, 0, 0)
    }

    fn parse_statement_or_label(&mut self) -> NodeId {
        let statement = self.parse_simple(Place::Block);
        match self.nodes.kind(statement) {
            NodeKind::LabeledStmt => {}
            // What looked like a label is followed by a statement.
            NodeKind::BadStmt if !self.at(Token::Semicolon) => {}
            _ => self.expect_semicolon(),
        }
        statement
    }

    fn parse_simple(&mut self, place: Place) -> NodeId {
        match self.parse_simple_or_range(place) {
            Simple::Statement(statement) => statement,
            // Range clauses are only read where they are asked for.
            Simple::Range(range) => self.bad_statement(range.offset, range.offset),
        }
    }

    fn parse_simple_or_range(&mut self, place: Place) -> Simple {
        let mark = self.scratch.len();
        self.parse_expression_list(false);
        let first = self.scratch[mark];
        let start = self.nodes.start(first);
        let token = self.token();
        let operator = match token {
            Token::Assign => Some(ASSIGN),
            Token::Define => Some(DEFINE),
            _ => token.update_operator().map(|operator| operator + UPDATE),
        };
        if let Some(operator) = operator {
            let offset = self.start();
            self.next();
            if place == Place::For && self.at(Token::Range) && operator <= DEFINE {
                return Simple::Range(self.parse_range(mark, operator, offset));
            }
            let middle = self.scratch.len();
            self.parse_expression_list(true);
            return Simple::Statement(self.finish_assignment(mark, middle, operator, offset));
        }
        if self.scratch.len() > mark + 1 {
            self.error_at(start, || "expected 1 expression".to_owned());
        }
        self.scratch.truncate(mark);
        let statement = match token {
            Token::Colon => self.parse_labeled(place, first),
            Token::Arrow => {
                self.next();
                let value = self.parse_right_hand_side();
                self.add_send(first, value)
            }
            Token::Increment | Token::Decrement => {
                let flags = if token == Token::Increment {
                    INCREMENT
                } else {
                    0
                };
                let end = self.lexer.end;
                self.next();
                self.nodes
                    .add(NodeKind::IncDecStmt, flags, start, end, first.0, 0)
            }
            _ => self.add_expression_statement(first),
        };
        Simple::Statement(statement)
    }

    fn add_expression_statement(&mut self, expression: NodeId) -> NodeId {
        let (start, end) = (self.nodes.start(expression), self.nodes.end(expression));
        self.nodes
            .add(NodeKind::ExprStmt, 0, start, end, expression.0, 0)
    }

    fn add_send(&mut self, channel: NodeId, value: NodeId) -> NodeId {
        let (start, end) = (self.nodes.start(channel), self.nodes.end(value));
        self.nodes
            .add(NodeKind::SendStmt, 0, start, end, channel.0, value.0)
    }

    /// Adds an assignment: its sides are on `scratch` from `mark` and from `middle`.
    fn finish_assignment(
        &mut self,
        mark: usize,
        middle: usize,
        operator: u8,
        offset: u32,
    ) -> NodeId {
        let start = self.nodes.start(self.scratch[mark]);
        let last = self.scratch[self.scratch.len() - 1];
        let end = self.nodes.end(last);
        let lists = self.finish_two_lists(mark, middle);
        self.nodes
            .add(NodeKind::AssignStmt, operator, start, end, lists, offset)
    }

    /// Parses `range x`; the variables are on `scratch` from `mark`.
    fn parse_range(&mut self, mark: usize, operator: u8, offset: u32) -> Range {
        self.next();
        let operand = self.parse_right_hand_side();
        let variables = &self.scratch[mark..];
        let variable = |index: usize| variables.get(index).copied().unwrap_or(NO_NODE);
        let excess = if variables.len() > 2 {
            variables.last().map(|&last| self.nodes.start(last))
        } else {
            None
        };
        let range = Range {
            key: variable(0),
            value: variable(1),
            operator: if operator == DEFINE {
                RangeOperator::Define
            } else {
                RangeOperator::Assign
            },
            offset,
            operand,
            excess,
        };
        self.scratch.truncate(mark);
        range
    }

    /// Parses `: statement` after a label.
    fn parse_labeled(&mut self, place: Place, label: NodeId) -> NodeId {
        let colon = self.start();
        let start = self.nodes.start(label);
        self.next();
        if place == Place::Block && self.nodes.kind(label) == NodeKind::Ident {
            let statement = self.parse_statement();
            let end = self.nodes.end(statement);
            return self
                .nodes
                .add(NodeKind::LabeledStmt, 0, start, end, label.0, statement.0);
        }
        self.error_at(colon, || "illegal label declaration".to_owned());
        self.bad_statement(start, colon + 1)
    }

    /// Parses `go f()` and `defer f()`.
    fn parse_call_statement(&mut self, kind: NodeKind, keyword: &'static str) -> NodeId {
        let (start, keyword_end) = (self.lexer.start, self.lexer.end);
        self.next();
        let expression = self.parse_right_hand_side();
        let call = self.without_parentheses(expression);
        if call != expression {
            let at = self.nodes.start(expression);
            self.error_at(at, || {
                format!("expression in {keyword} must not be parenthesized")
            });
        }
        let found = self.nodes.kind(call);
        let is_call = found == NodeKind::CallExpr;
        if !is_call && found != NodeKind::BadExpr {
            let at = self.nodes.end(call);
            self.error_at(at, || {
                format!("expression in {keyword} must be function call")
            });
        }
        self.expect_semicolon();
        if !is_call {
            return self.bad_statement(start, keyword_end);
        }
        let end = self.nodes.end(call);
        self.nodes.add(kind, 0, start, end, call.0, 0)
    }

    fn parse_return(&mut self) -> NodeId {
        let (start, mut end) = (self.lexer.start, self.lexer.end);
        self.next();
        let mark = self.scratch.len();
        if !self.at(Token::Semicolon) && !self.at(Token::RightBrace) {
            self.parse_expression_list(true);
            if let Some(&last) = self.scratch.last() {
                end = self.nodes.end(last);
            }
        }
        self.expect_semicolon();
        let list = self.finish_list(mark);
        self.nodes.add(NodeKind::ReturnStmt, 0, start, end, list, 0)
    }

    fn parse_branch(&mut self, keyword: BranchKeyword) -> NodeId {
        let (start, mut end) = (self.lexer.start, self.lexer.end);
        self.next();
        let has_label = match keyword {
            BranchKeyword::Goto => true,
            BranchKeyword::Break | BranchKeyword::Continue => self.at(Token::Identifier),
            BranchKeyword::Fallthrough => false,
        };
        let mut label = NO_NODE;
        if has_label {
            label = self.parse_identifier();
            end = self.nodes.end(label);
        }
        self.expect_semicolon();
        self.nodes
            .add(NodeKind::BranchStmt, keyword as u8, start, end, label.0, 0)
    }

    /// The expression of a statement in a header where only an expression may stand.
    fn make_expression(&mut self, statement: NodeId, wanted: &'static str) -> NodeId {
        let node = *self.nodes.get(statement);
        if node.kind == NodeKind::ExprStmt {
            // The statement is not part of the tree.
            if statement.index() + 1 == self.nodes.nodes.len() {
                self.nodes.nodes.pop();
            }
            return NodeId(node.a);
        }
        let found = if node.kind == NodeKind::AssignStmt {
            "assignment"
        } else {
            "simple statement"
        };
        self.error_at(node.start, || {
            format!(
                "expected {wanted}, found {found} (missing parentheses around composite literal?)"
            )
        });
        self.bad_expression(node.start, node.end)
    }

    /// Parses the header of an `if`: the optional statement and the condition.
    fn parse_if_header(&mut self) -> (NodeId, NodeId) {
        if self.at(Token::LeftBrace) {
            self.error_here(|| "missing condition in if statement".to_owned());
            let at = self.start();
            return (NO_NODE, self.bad_expression(at, at));
        }
        let outer = std::mem::replace(&mut self.expression_level, -1);
        let mut initial = NO_NODE;
        if !self.at(Token::Semicolon) {
            if self.eat(Token::Var) {
                self.error_here(|| "var declaration not allowed in if initializer".to_owned());
            }
            initial = self.parse_simple(Place::Header);
        }
        let mut condition = NO_NODE;
        let mut semicolon = None;
        if self.at(Token::LeftBrace) {
            condition = std::mem::replace(&mut initial, NO_NODE);
        } else {
            if self.at(Token::Semicolon) {
                semicolon = Some((self.start(), self.at_line_end()));
                self.next();
            } else {
                self.error_expected(&"';'");
            }
            if semicolon.is_some_and(|(_, line_end)| line_end) && !self.if_clause_follows() {
                // A line end after `if x`: what follows is another statement.
                condition = std::mem::replace(&mut initial, NO_NODE);
                self.error_expected(&"'{'");
            } else if !self.at(Token::LeftBrace) {
                condition = self.parse_simple(Place::Header);
            }
        }
        let condition = if condition != NO_NODE {
            self.make_expression(condition, "boolean expression")
        } else {
            if let Some((offset, line_end)) = semicolon {
                self.error_at(offset, || {
                    if line_end {
                        "unexpected newline, expecting { after if clause".to_owned()
                    } else {
                        "missing condition in if statement".to_owned()
                    }
                });
            }
            let at = self.start();
            self.bad_expression(at, at)
        };
        self.expression_level = outer;
        (initial, condition)
    }

    /// After a line end in the header of an `if`: whether the rest of the header can follow.
    fn if_clause_follows(&self) -> bool {
        self.at(Token::LeftBrace) || SIMPLE_START.contains(self.token()) || self.at(Token::Tilde)
    }

    /// Parses an `if` with all its `else if`, in a loop: generated code has long chains of them.
    fn parse_if(&mut self) -> NodeId {
        let mut chain = 0;
        // For each `if`: its offset, initial statement, condition and block.
        let mark = self.scratch.len();
        let mut otherwise = loop {
            self.scratch.push(NodeId(self.lexer.start));
            self.next();
            let (initial, condition) = self.parse_if_header();
            let then = self.parse_block();
            self.scratch.extend_from_slice(&[initial, condition, then]);
            if !self.eat(Token::Else) {
                self.expect_semicolon();
                break NO_NODE;
            }
            match self.token() {
                Token::If => self.lengthen(&mut chain),
                Token::LeftBrace => {
                    let block = self.parse_block();
                    self.expect_semicolon();
                    break block;
                }
                _ => {
                    self.error_expected(&"if statement or block");
                    let at = self.start();
                    break self.bad_statement(at, at);
                }
            }
            // Giving up has taken the keyword away.
            if !self.at(Token::If) {
                break NO_NODE;
            }
        };
        self.nesting -= chain;
        while let [.., NodeId(start), initial, condition, then] = self.scratch[mark..] {
            self.scratch.truncate(self.scratch.len() - 4);
            let last = if otherwise == NO_NODE {
                then
            } else {
                otherwise
            };
            let end = self.nodes.end(last);
            let at = self.nodes.next_extra();
            self.nodes
                .extra
                .extend_from_slice(&[initial, then, otherwise]);
            otherwise = self
                .nodes
                .add(NodeKind::IfStmt, 0, start, end, condition.0, at);
        }
        otherwise
    }

    fn is_type_switch_assertion(&self, expression: NodeId) -> bool {
        let node = self.nodes.get(expression);
        node.kind == NodeKind::TypeAssertExpr && node.b == NO_NODE.0
    }

    /// Whether a statement in the header of a switch makes it a type switch.
    fn is_type_switch_guard(&mut self, statement: NodeId) -> bool {
        if statement == NO_NODE {
            return false;
        }
        let node = *self.nodes.get(statement);
        match node.kind {
            NodeKind::ExprStmt => self.is_type_switch_assertion(NodeId(node.a)),
            NodeKind::AssignStmt => {
                let &[NodeId(1), NodeId(1), _, right] = self.nodes.entries(node.a, 4) else {
                    return false;
                };
                if node.flags > DEFINE || !self.is_type_switch_assertion(right) {
                    return false;
                }
                if node.flags == ASSIGN {
                    self.error_at(node.b, || "expected ':=', found '='".to_owned());
                }
                true
            }
            _ => false,
        }
    }

    fn parse_switch(&mut self) -> NodeId {
        let start = self.start();
        self.next();
        let mut initial = NO_NODE;
        let mut tag = NO_NODE;
        if !self.at(Token::LeftBrace) {
            let outer = std::mem::replace(&mut self.expression_level, -1);
            if !self.at(Token::Semicolon) {
                tag = self.parse_simple(Place::Header);
            }
            if self.eat(Token::Semicolon) {
                initial = std::mem::replace(&mut tag, NO_NODE);
                if !self.at(Token::LeftBrace) {
                    tag = self.parse_simple(Place::Header);
                }
            }
            self.expression_level = outer;
        }
        let type_switch = self.is_type_switch_guard(tag);
        if !type_switch && tag != NO_NODE {
            tag = self.make_expression(tag, "switch expression");
        }
        let body = self.parse_clauses(Parser::parse_case_clause);
        let end = self.nodes.end(body);
        let at = self.nodes.next_extra();
        self.nodes.extra.extend_from_slice(&[initial, tag]);
        let kind = if type_switch {
            NodeKind::TypeSwitchStmt
        } else {
            NodeKind::SwitchStmt
        };
        self.nodes.add(kind, 0, start, end, body.0, at)
    }

    /// Parses the block of a switch or select and the end of its statement.
    fn parse_clauses(&mut self, parse_clause: fn(&mut Self) -> NodeId) -> NodeId {
        let start = self.expect(Token::LeftBrace);
        if start == self.lexer.start {
            self.expect_semicolon();
            let kind = NodeKind::BlockStmt;
            return self.nodes.add(kind, 0, start, start, EMPTY_LIST, 0);
        }
        let mark = self.scratch.len();
        self.clauses += 1;
        loop {
            match self.token() {
                Token::Case | Token::Default => {
                    let clause = parse_clause(self);
                    self.scratch.push(clause);
                }
                Token::RightBrace | Token::Eof => break,
                _ => {
                    self.error_expected(&"'}'");
                    // What stands before the first clause is dropped.
                    let dropped = self.scratch.len();
                    self.parse_statements();
                    self.scratch.truncate(dropped);
                }
            }
        }
        self.clauses -= 1;
        let list = self.finish_list(mark);
        let end = self.expect_end(Token::RightBrace);
        self.expect_semicolon();
        self.nodes.add(NodeKind::BlockStmt, 0, start, end, list, 0)
    }

    fn parse_case_clause(&mut self) -> NodeId {
        let start = self.start();
        let mark = self.scratch.len();
        let mut flags = CASE_DEFAULT;
        if self.eat(Token::Case) {
            flags = 0;
            self.parse_expression_list(true);
        } else {
            self.next();
        }
        let middle = self.scratch.len();
        let (colon, mut end) = self.expect_colon();
        self.parse_statements();
        if let Some(&last) = self.scratch[middle..].last() {
            end = self.nodes.end(last);
        }
        let lists = self.finish_two_lists(mark, middle);
        self.nodes
            .add(NodeKind::CaseClause, flags, start, end, lists, colon)
    }

    /// Parses the colon of a clause; returns its offset and the one after it.
    fn expect_colon(&mut self) -> (u32, u32) {
        let offset = self.start();
        let end = self.expect_end(Token::Colon);
        (offset, end)
    }

    fn parse_communication_clause(&mut self) -> NodeId {
        let start = self.start();
        let mut communication = NO_NODE;
        if self.eat(Token::Case) {
            communication = self.parse_communication();
        } else {
            self.next();
        }
        let (colon, mut end) = self.expect_colon();
        let mark = self.scratch.len();
        self.parse_statements();
        if let Some(&last) = self.scratch[mark..].last() {
            end = self.nodes.end(last);
        }
        let at = self.nodes.next_extra();
        self.nodes.extra.push(communication);
        if self.finish_list(mark) == EMPTY_LIST {
            self.nodes.extra.push(NodeId(0));
        }
        self.nodes
            .add(NodeKind::CommClause, 0, start, end, at, colon)
    }

    /// Parses the send or receive of a clause.
    fn parse_communication(&mut self) -> NodeId {
        let mark = self.scratch.len();
        self.parse_expression_list(false);
        let count = self.scratch.len() - mark;
        let first = self.scratch[mark];
        let start = self.nodes.start(first);
        let operator = match self.token() {
            Token::Assign => ASSIGN,
            Token::Define => DEFINE,
            token => {
                if count > 1 {
                    self.error_at(start, || "expected 1 expression".to_owned());
                }
                self.scratch.truncate(mark);
                if token != Token::Arrow {
                    return self.add_expression_statement(first);
                }
                self.next();
                let value = self.parse_right_hand_side();
                return self.add_send(first, value);
            }
        };
        if count > 2 {
            self.error_at(start, || "expected 1 or 2 expressions".to_owned());
            self.scratch.truncate(mark + 2);
        }
        let offset = self.start();
        self.next();
        let middle = self.scratch.len();
        let value = self.parse_right_hand_side();
        self.scratch.push(value);
        self.finish_assignment(mark, middle, operator, offset)
    }

    fn parse_select(&mut self) -> NodeId {
        let start = self.start();
        self.next();
        let body = self.parse_clauses(Parser::parse_communication_clause);
        let end = self.nodes.end(body);
        self.nodes
            .add(NodeKind::SelectStmt, 0, start, end, body.0, 0)
    }

    fn parse_for(&mut self) -> NodeId {
        let start = self.start();
        self.next();
        let mut initial = NO_NODE;
        let mut condition = NO_NODE;
        let mut post = NO_NODE;
        if !self.at(Token::LeftBrace) {
            let outer = std::mem::replace(&mut self.expression_level, -1);
            if self.at(Token::Range) {
                let mark = self.scratch.len();
                let mut range = self.parse_range(mark, ASSIGN, start);
                range.operator = RangeOperator::None;
                return self.finish_range(start, range, outer);
            }
            if !self.at(Token::Semicolon) {
                match self.parse_simple_or_range(Place::For) {
                    Simple::Statement(statement) => condition = statement,
                    Simple::Range(range) => return self.finish_range(start, range, outer),
                }
            }
            if self.at(Token::Semicolon) && !self.header_breaks_off() {
                self.next();
                initial = std::mem::replace(&mut condition, NO_NODE);
                if !self.at(Token::Semicolon) {
                    condition = self.parse_simple(Place::Header);
                }
                if self.at(Token::LeftBrace) {
                    self.error_here(|| "expected for loop condition".to_owned());
                } else {
                    self.expect_semicolon();
                }
                if !self.at(Token::LeftBrace) {
                    post = self.parse_simple(Place::Header);
                }
            }
            self.expression_level = outer;
        }
        if condition != NO_NODE {
            condition = self.make_expression(condition, "boolean or range expression");
        }
        let body = self.parse_block();
        self.expect_semicolon();
        let end = self.nodes.end(body);
        let at = self.nodes.next_extra();
        self.nodes
            .extra
            .extend_from_slice(&[initial, condition, post]);
        self.nodes.add(NodeKind::ForStmt, 0, start, end, body.0, at)
    }

    /// Whether the header of a `for` breaks off at a line end: the next line starts with the brace
    /// that closes the block around.
    fn header_breaks_off(&self) -> bool {
        self.at_line_end() && self.lexer.next_line_starts_with(Token::RightBrace)
    }

    /// Parses the body of a range statement and adds it; `outer` is the expression level before
    /// its header.
    fn finish_range(&mut self, start: u32, range: Range, outer: i32) -> NodeId {
        self.expression_level = outer;
        let body = self.parse_block();
        self.expect_semicolon();
        let end = self.nodes.end(body);
        if let Some(excess) = range.excess {
            self.error_at(excess, || "expected at most 2 expressions".to_owned());
            return self.bad_statement(start, end);
        }
        let at = self.nodes.next_extra();
        self.nodes.extra.extend_from_slice(&[
            range.key,
            range.value,
            range.operand,
            NodeId(range.offset),
        ]);
        self.nodes.add(
            NodeKind::RangeStmt,
            range.operator as u8,
            start,
            end,
            body.0,
            at,
        )
    }
}
