//! Expressions: `parseExpr` and its callees in `go/parser`.

use crate::Mode;
use crate::encoding::{
    BODY_SKIPPED, CALL_ELLIPSIS, EMPTY_LIST, NO_NODE, Node, NodeKind, SLICE_THREE,
};
use crate::node::{BinaryOperator, ChannelDirection, LiteralKind, NodeId, UnaryOperator};
use crate::symbol::Symbol;
use crate::token::{LOWEST_PRECEDENCE, Token};

use super::Parser;

impl Parser<'_> {
    /// Parses an expression, which may turn out to be a type.
    pub(super) fn parse_expression(&mut self) -> NodeId {
        self.parse_binary(LOWEST_PRECEDENCE)
    }

    /// Parses an expression where `=` can only be a mistyped `==`.
    pub(super) fn parse_right_hand_side(&mut self) -> NodeId {
        let outer = std::mem::replace(&mut self.right_hand_side, true);
        let expression = self.parse_expression();
        self.right_hand_side = outer;
        expression
    }

    /// Parses expressions separated by commas and leaves them on `scratch`.
    pub(super) fn parse_expression_list(&mut self, right_hand_side: bool) {
        let outer = std::mem::replace(&mut self.right_hand_side, right_hand_side);
        let first = self.parse_expression();
        self.scratch.push(first);
        while self.eat(Token::Comma) {
            let next = self.parse_expression();
            self.scratch.push(next);
        }
        self.right_hand_side = outer;
    }

    fn parse_binary(&mut self, lowest: u8) -> NodeId {
        let left = self.parse_unary();
        if self.token().precedence() < lowest && !self.at(Token::Assign) {
            return left;
        }
        self.parse_binary_rest(left, lowest)
    }

    /// Parses the operators of at least precedence `lowest` that follow `left`.
    pub(super) fn parse_binary_rest(&mut self, mut left: NodeId, lowest: u8) -> NodeId {
        let mut chain = 0;
        loop {
            let token = self.token();
            let mut precedence = token.precedence();
            let mut operator = token;
            if token == Token::Assign && self.right_hand_side {
                operator = Token::Equal;
                precedence = operator.precedence();
            }
            if precedence < lowest {
                break;
            }
            if operator != token {
                self.error_expected(&"'=='");
            }
            self.lengthen(&mut chain);
            let offset = self.start();
            self.next();
            let right = self.parse_binary(precedence + 1);
            left = self.add_binary(operator.binary_operator(), left, offset, right);
        }
        self.nesting -= chain;
        left
    }

    /// Adds `left operator right`.
    pub(super) fn add_binary(
        &mut self,
        operator: u8,
        left: NodeId,
        offset: u32,
        right: NodeId,
    ) -> NodeId {
        let start = self.nodes.start(left);
        let near = self.nodes.distance(self.nodes.end(left), offset);
        let end = self.nodes.end(right);
        self.nodes.push(Node {
            kind: NodeKind::BinaryExpr,
            flags: operator,
            near,
            start,
            end,
            a: left.0,
            b: right.0,
        })
    }

    fn parse_unary(&mut self) -> NodeId {
        let operator = match self.token() {
            Token::Add => UnaryOperator::Plus,
            Token::Subtract => UnaryOperator::Minus,
            Token::Not => UnaryOperator::Not,
            Token::Xor => UnaryOperator::Complement,
            Token::And => UnaryOperator::Address,
            Token::Tilde => UnaryOperator::Tilde,
            Token::Arrow => return self.parse_arrow(),
            Token::Multiply => {
                let start = self.start();
                self.enter();
                self.next();
                let operand = self.parse_unary();
                self.leave();
                return self.add_star(start, operand);
            }
            _ => {
                self.enter();
                let operand = self.parse_operand();
                let primary = self.parse_primary_rest(operand);
                self.leave();
                return primary;
            }
        };
        let start = self.start();
        self.enter();
        self.next();
        let operand = self.parse_unary();
        self.leave();
        self.add_unary(operator, start, operand)
    }

    fn add_unary(&mut self, operator: UnaryOperator, start: u32, operand: NodeId) -> NodeId {
        let end = self.nodes.end(operand);
        let kind = NodeKind::UnaryExpr;
        self.nodes
            .add(kind, operator as u8, start, end, operand.0, 0)
    }

    /// Parses what starts with `<-`: a receive operation or a channel type.
    fn parse_arrow(&mut self) -> NodeId {
        let start = self.start();
        self.enter();
        self.next();
        let operand = self.parse_unary();
        self.leave();
        if self.nodes.kind(operand) != NodeKind::ChanType {
            return self.add_unary(UnaryOperator::Receive, start, operand);
        }
        // `<-chan T` was read as `<-(chan T)`: the arrow belongs to the type. In
        // `<-chan<- chan T`, each arrow moves on to the next channel type.
        let mut arrow = start;
        let mut current = operand;
        loop {
            let node = &mut self.nodes.nodes[current.index()];
            let direction = node.flags;
            let next_arrow = node.b;
            node.start = arrow;
            node.b = arrow;
            node.flags = ChannelDirection::Receive as u8;
            let value = NodeId(node.a);
            if direction == ChannelDirection::Receive as u8 {
                self.error_at(next_arrow, || "expected 'chan'".to_owned());
                break;
            }
            if direction == ChannelDirection::Both as u8 {
                break;
            }
            arrow = next_arrow;
            if self.nodes.kind(value) != NodeKind::ChanType {
                self.error_at(arrow, || "expected channel type".to_owned());
                break;
            }
            current = value;
        }
        operand
    }

    /// Adds a literal for the current token.
    pub(super) fn take_literal(&mut self, kind: LiteralKind) -> NodeId {
        let literal = self.nodes.add(
            NodeKind::BasicLit,
            kind as u8,
            self.lexer.start,
            self.lexer.end,
            0,
            0,
        );
        self.next();
        literal
    }

    #[inline(always)]
    fn parse_operand(&mut self) -> NodeId {
        match self.token() {
            Token::Identifier => self.take_identifier(),
            Token::Int => self.take_literal(LiteralKind::Int),
            Token::String => self.take_literal(LiteralKind::String),
            _ => self.parse_rare_operand(),
        }
    }

    fn parse_rare_operand(&mut self) -> NodeId {
        match self.token() {
            Token::Float => self.take_literal(LiteralKind::Float),
            Token::Imaginary => self.take_literal(LiteralKind::Imaginary),
            Token::Char => self.take_literal(LiteralKind::Char),
            Token::LeftParenthesis => {
                let start = self.start();
                self.next();
                self.expression_level += 1;
                let inner = self.parse_right_hand_side();
                self.expression_level -= 1;
                let end = self.expect_end(Token::RightParenthesis);
                self.nodes
                    .add(NodeKind::ParenExpr, 0, start, end, inner.0, 0)
            }
            Token::Func => self.parse_function_type_or_literal(),
            _ => match self.try_type() {
                Some(found) => found,
                None => {
                    let start = self.start();
                    self.error_expected(&"operand");
                    self.skip_expression();
                    let end = self.start();
                    self.bad_expression(start, end)
                }
            },
        }
    }

    fn parse_function_type_or_literal(&mut self) -> NodeId {
        let function_type = self.parse_function_type();
        if !self.at(Token::LeftBrace) {
            return function_type;
        }
        self.expression_level += 1;
        let body = self.parse_body();
        self.expression_level -= 1;
        let (start, end) = (self.nodes.start(function_type), self.nodes.end(body));
        self.nodes
            .add(NodeKind::FuncLit, 0, start, end, function_type.0, body.0)
    }

    /// Parses the body of a function, or skips it where bodies are not wanted.
    pub(super) fn parse_body(&mut self) -> NodeId {
        if self.mode != Mode::Full {
            let start = self.start();
            let end = self.skip_body();
            return self
                .nodes
                .add(NodeKind::BlockStmt, BODY_SKIPPED, start, end, EMPTY_LIST, 0);
        }
        let clauses = std::mem::take(&mut self.clauses);
        let body = self.parse_block();
        self.clauses = clauses;
        body
    }

    /// Skips the block at the current `{` and returns the offset after it.
    pub(super) fn skip_body(&mut self) -> u32 {
        if self.lexer.skip_block() {
            let end = self.lexer.end;
            self.next();
            end
        } else {
            self.error_expected(&"'}'");
            self.start()
        }
    }

    /// Parses the selectors, indices, calls, assertions and literal values that follow an operand.
    pub(super) fn parse_primary_rest(&mut self, mut operand: NodeId) -> NodeId {
        let mut chain = 0;
        loop {
            operand = match self.token() {
                Token::Period => {
                    self.next();
                    match self.token() {
                        Token::Identifier => {
                            let name = self.take_identifier();
                            self.add_selector(operand, name)
                        }
                        Token::LeftParenthesis => self.parse_type_assertion(operand),
                        _ => {
                            self.error_expected(&"selector or type assertion");
                            let at = self.start();
                            let blank = Symbol::BLANK.0;
                            let name = self.nodes.add(NodeKind::Ident, 0, at, at, blank, 0);
                            self.add_selector(operand, name)
                        }
                    }
                }
                Token::LeftBracket => self.parse_index_or_slice(operand),
                Token::LeftParenthesis => self.parse_call(operand),
                Token::LeftBrace => {
                    let bare = self.without_parentheses(operand);
                    if !self.may_be_literal_type(bare) {
                        break;
                    }
                    if bare != operand {
                        let start = self.nodes.start(bare);
                        self.error_at(start, || {
                            "cannot parenthesize type in composite literal".to_owned()
                        });
                    }
                    self.parse_literal_value(operand)
                }
                _ => break,
            };
            self.lengthen(&mut chain);
        }
        self.nesting -= chain;
        operand
    }

    /// The expression in any parentheses around it.
    pub(super) fn without_parentheses(&self, mut expression: NodeId) -> NodeId {
        while self.nodes.kind(expression) == NodeKind::ParenExpr {
            expression = NodeId(self.nodes.get(expression).a);
        }
        expression
    }

    /// Whether a `{` after this expression opens a composite literal.
    fn may_be_literal_type(&self, expression: NodeId) -> bool {
        match self.nodes.kind(expression) {
            NodeKind::BadExpr
            | NodeKind::Ident
            | NodeKind::SelectorExpr
            | NodeKind::IndexExpr
            | NodeKind::IndexListExpr => self.expression_level >= 0,
            NodeKind::ArrayType | NodeKind::StructType | NodeKind::MapType => true,
            _ => false,
        }
    }

    fn parse_type_assertion(&mut self, operand: NodeId) -> NodeId {
        self.next();
        let asserted = if self.eat(Token::Type) {
            NO_NODE
        } else {
            self.parse_type()
        };
        let end = self.expect_end(Token::RightParenthesis);
        let start = self.nodes.start(operand);
        let kind = NodeKind::TypeAssertExpr;
        self.nodes.add(kind, 0, start, end, operand.0, asserted.0)
    }

    fn parse_index_or_slice(&mut self, operand: NodeId) -> NodeId {
        let bracket = self.start();
        self.next();
        let mark = self.scratch.len();
        if self.at(Token::RightBracket) {
            self.error_expected(&"operand");
            let missing = self.bad_expression(self.lexer.start, self.lexer.start);
            self.scratch.push(missing);
            let end = self.lexer.end;
            self.next();
            return self.add_index(operand, bracket, mark, end);
        }
        self.expression_level += 1;
        let mut first = NO_NODE;
        if !self.at(Token::Colon) {
            // This may be an index or a type argument.
            first = self.parse_right_hand_side();
        }
        if self.at(Token::Colon) {
            return self.parse_slice(operand, first);
        }
        self.scratch.push(first);
        while self.eat(Token::Comma) {
            if !self.at(Token::RightBracket) && !self.at(Token::Eof) {
                let argument = self.parse_type();
                self.scratch.push(argument);
            }
        }
        self.expression_level -= 1;
        let end = self.expect_end(Token::RightBracket);
        self.add_index(operand, bracket, mark, end)
    }

    /// Parses a slice expression from its first colon on.
    fn parse_slice(&mut self, operand: NodeId, low: NodeId) -> NodeId {
        let mut indices = [low, NO_NODE, NO_NODE];
        let mut colons = 0;
        let mut first_colon = self.start();
        let mut last_colon = first_colon;
        while self.at(Token::Colon) && colons < 2 {
            colons += 1;
            first_colon = std::mem::replace(&mut last_colon, self.start());
            self.next();
            if !self.at(Token::Colon) && !self.at(Token::RightBracket) && !self.at(Token::Eof) {
                indices[colons] = self.parse_right_hand_side();
            }
        }
        self.expression_level -= 1;
        let end = self.expect_end(Token::RightBracket);
        let three = colons == 2;
        if three {
            if indices[1] == NO_NODE {
                self.error_at(first_colon, || {
                    "middle index required in 3-index slice".to_owned()
                });
                indices[1] = self.bad_expression(first_colon + 1, last_colon);
            }
            if indices[2] == NO_NODE {
                self.error_at(last_colon, || {
                    "final index required in 3-index slice".to_owned()
                });
                indices[2] = self.bad_expression(last_colon + 1, last_colon + 1);
            }
        }
        let at = self.nodes.next_extra();
        self.nodes.extra.extend_from_slice(&indices);
        let start = self.nodes.start(operand);
        let flags = if three { SLICE_THREE } else { 0 };
        self.nodes
            .add(NodeKind::SliceExpr, flags, start, end, operand.0, at)
    }

    fn parse_call(&mut self, function: NodeId) -> NodeId {
        let parenthesis = self.start();
        self.next();
        let mark = self.scratch.len();
        let mut ellipsis = NO_NODE.0;
        if !self.at(Token::RightParenthesis) {
            self.expression_level += 1;
            // Builtin functions may take a type: make(T, 1).
            let outer = std::mem::replace(&mut self.right_hand_side, true);
            while !self.at(Token::RightParenthesis) && !self.at(Token::Eof) && ellipsis == NO_NODE.0
            {
                let before = self.position();
                let argument = self.parse_expression();
                self.scratch.push(argument);
                if self.at(Token::Ellipsis) {
                    ellipsis = self.start();
                    self.next();
                }
                if !self.next_in_list(Token::RightParenthesis, "argument list")
                    || self.position() == before
                {
                    break;
                }
            }
            self.right_hand_side = outer;
            self.expression_level -= 1;
        }
        let end = self.expect_closing(Token::RightParenthesis, "argument list");
        let start = self.nodes.start(function);
        let mut flags = 0;
        let mut list = EMPTY_LIST;
        if self.scratch.len() != mark {
            list = self.finish_list(mark);
            if ellipsis != NO_NODE.0 {
                flags = CALL_ELLIPSIS;
                self.nodes.extra.push(NodeId(ellipsis));
            }
        }
        let near = self.nodes.distance(self.nodes.end(function), parenthesis);
        self.nodes.push(Node {
            kind: NodeKind::CallExpr,
            flags,
            near,
            start,
            end,
            a: function.0,
            b: list,
        })
    }

    /// Parses `{…}` after the type of a composite literal, or nested in one without a type.
    fn parse_literal_value(&mut self, literal_type: NodeId) -> NodeId {
        self.enter();
        let brace = self.start();
        self.next();
        self.expression_level += 1;
        let mark = self.scratch.len();
        while !self.at(Token::RightBrace) && !self.at(Token::Eof) {
            let before = self.position();
            let element = self.parse_element();
            self.scratch.push(element);
            if !self.next_in_list(Token::RightBrace, "composite literal")
                || self.position() == before
            {
                break;
            }
        }
        self.expression_level -= 1;
        let end = self.expect_closing(Token::RightBrace, "composite literal");
        self.leave();
        let (start, anchor) = if literal_type == NO_NODE {
            (brace, brace)
        } else {
            (self.nodes.start(literal_type), self.nodes.end(literal_type))
        };
        let list = self.finish_list(mark);
        let near = self.nodes.distance(anchor, brace);
        self.nodes.push(Node {
            kind: NodeKind::CompositeLit,
            flags: 0,
            near,
            start,
            end,
            a: literal_type.0,
            b: list,
        })
    }

    fn parse_element(&mut self) -> NodeId {
        let key = self.parse_element_value();
        if !self.eat(Token::Colon) {
            return key;
        }
        let value = self.parse_element_value();
        let (start, end) = (self.nodes.start(key), self.nodes.end(value));
        self.nodes
            .add(NodeKind::KeyValueExpr, 0, start, end, key.0, value.0)
    }

    fn parse_element_value(&mut self) -> NodeId {
        if self.at(Token::LeftBrace) {
            self.parse_literal_value(NO_NODE)
        } else {
            self.parse_expression()
        }
    }

    /// Takes an expression apart that was read as an array length and may be a type parameter:
    /// its name and, unless the expression is only a name, the start of its constraint. Where the
    /// expression could be either, `force` decides.
    ///
    /// `P *C`, `P (C)` and unions of them; the nodes are changed in place.
    pub(super) fn split_type_parameter(
        &mut self,
        expression: NodeId,
        force: bool,
    ) -> Option<(NodeId, Option<NodeId>)> {
        let node = *self.nodes.get(expression);
        let (left, right) = (NodeId(node.a), NodeId(node.b));
        match node.kind {
            NodeKind::Ident => Some((expression, None)),
            NodeKind::BinaryExpr if node.flags == BinaryOperator::Multiply as u8 => {
                let splits = self.nodes.kind(left) == NodeKind::Ident
                    && (force || self.is_type_element(right));
                splits.then(|| {
                    let star = self
                        .nodes
                        .resolve(expression, self.nodes.end(left), node.near);
                    self.nodes.nodes[expression.index()] = Node {
                        kind: NodeKind::StarExpr,
                        flags: 0,
                        near: 0,
                        start: star,
                        a: right.0,
                        b: 0,
                        ..node
                    };
                    (left, Some(expression))
                })
            }
            NodeKind::BinaryExpr if node.flags == BinaryOperator::Or as u8 => {
                let force = force || self.is_type_element(right);
                match self.split_type_parameter(left, force) {
                    Some((name, Some(constraint))) => {
                        let start = self.nodes.start(constraint);
                        let union = &mut self.nodes.nodes[expression.index()];
                        union.a = constraint.0;
                        union.start = start;
                        Some((name, Some(expression)))
                    }
                    _ => None,
                }
            }
            NodeKind::CallExpr => {
                let &[argument] = self.nodes.list(node.b) else {
                    return None;
                };
                let splits = self.nodes.kind(left) == NodeKind::Ident
                    && node.flags & CALL_ELLIPSIS == 0
                    && (force || self.is_type_element(argument));
                splits.then(|| {
                    let parenthesis =
                        self.nodes
                            .resolve(expression, self.nodes.end(left), node.near);
                    self.nodes.nodes[expression.index()] = Node {
                        kind: NodeKind::ParenExpr,
                        flags: 0,
                        near: 0,
                        start: parenthesis,
                        a: argument.0,
                        b: 0,
                        ..node
                    };
                    (left, Some(expression))
                })
            }
            _ => None,
        }
    }

    /// Whether an expression can only be a type.
    fn is_type_element(&self, mut expression: NodeId) -> bool {
        loop {
            let node = self.nodes.get(expression);
            match node.kind {
                NodeKind::ArrayType
                | NodeKind::StructType
                | NodeKind::FuncType
                | NodeKind::InterfaceType
                | NodeKind::MapType
                | NodeKind::ChanType => return true,
                NodeKind::BinaryExpr => {
                    if self.is_type_element(NodeId(node.b)) {
                        return true;
                    }
                    expression = NodeId(node.a);
                }
                NodeKind::UnaryExpr => return node.flags == UnaryOperator::Tilde as u8,
                NodeKind::ParenExpr => expression = NodeId(node.a),
                _ => return false,
            }
        }
    }
}
