//! Types: `parseType` and its callees in `go/parser`, except parameter lists.

use crate::encoding::{EMPTY_LIST, FIELD_TAG, NO_NODE, Node, NodeKind};
use crate::node::{ChannelDirection, LiteralKind, NodeId};
use crate::token::{Token, TokenSet};

use super::Parser;

/// Tokens that start a field of a struct. A parenthesis does not, but is accepted with a complaint.
const FIELD_START: TokenSet =
    TokenSet::of(&[Token::Identifier, Token::Multiply, Token::LeftParenthesis]);

/// Where a broken field or element ends.
const MEMBER_END: TokenSet = TokenSet::of(&[Token::Semicolon, Token::RightBrace]);

impl Parser<'_> {
    /// Parses a type.
    pub(super) fn parse_type(&mut self) -> NodeId {
        match self.try_type() {
            Some(found) => found,
            None => self.missing_type(),
        }
    }

    #[cold]
    #[inline(never)]
    fn missing_type(&mut self) -> NodeId {
        let start = self.start();
        self.error_expected(&"type");
        self.skip_expression();
        let end = self.start();
        self.bad_expression(start, end)
    }

    /// Parses a type if the current token starts one.
    pub(super) fn try_type(&mut self) -> Option<NodeId> {
        match self.token() {
            Token::Identifier => Some(self.parse_type_name_or_instance()),
            Token::LeftBracket
            | Token::Struct
            | Token::Multiply
            | Token::Func
            | Token::Interface
            | Token::Map
            | Token::Chan
            | Token::Arrow
            | Token::LeftParenthesis => {
                self.enter();
                let found = self.parse_composed_type();
                self.leave();
                Some(found)
            }
            _ => None,
        }
    }

    fn parse_composed_type(&mut self) -> NodeId {
        let start = self.start();
        match self.token() {
            Token::LeftBracket => {
                self.next();
                self.parse_array_type(start, None)
            }
            Token::Struct => self.parse_struct_type(),
            Token::Multiply => {
                self.next();
                let operand = self.parse_type();
                self.add_star(start, operand)
            }
            Token::Func => self.parse_function_type(),
            Token::Interface => self.parse_interface_type(),
            Token::Map => {
                self.next();
                self.expect(Token::LeftBracket);
                let key = self.parse_type();
                self.expect(Token::RightBracket);
                let value = self.parse_type();
                let end = self.nodes.end(value);
                self.nodes
                    .add(NodeKind::MapType, 0, start, end, key.0, value.0)
            }
            Token::Chan | Token::Arrow => self.parse_channel_type(),
            Token::LeftParenthesis => {
                self.next();
                let inner = self.parse_type();
                let end = self.expect_end(Token::RightParenthesis);
                self.nodes
                    .add(NodeKind::ParenExpr, 0, start, end, inner.0, 0)
            }
            // The grammar gives up when it is nested too deeply.
            _ => self.missing_type(),
        }
    }

    pub(super) fn add_star(&mut self, start: u32, operand: NodeId) -> NodeId {
        let end = self.nodes.end(operand);
        self.nodes
            .add(NodeKind::StarExpr, 0, start, end, operand.0, 0)
    }

    fn parse_channel_type(&mut self) -> NodeId {
        let start = self.start();
        let mut arrow = NO_NODE.0;
        let direction = if self.eat(Token::Chan) {
            if self.at(Token::Arrow) {
                arrow = self.start();
                self.next();
                ChannelDirection::Send
            } else {
                ChannelDirection::Both
            }
        } else {
            arrow = start;
            self.next();
            self.expect(Token::Chan);
            ChannelDirection::Receive
        };
        let value = self.parse_type();
        let end = self.nodes.end(value);
        self.nodes.add(
            NodeKind::ChanType,
            direction as u8,
            start,
            end,
            value.0,
            arrow,
        )
    }

    /// Parses `T`, `p.T`, `T[A]` and so on.
    fn parse_type_name_or_instance(&mut self) -> NodeId {
        let name = self.parse_type_name();
        if self.at(Token::LeftBracket) {
            self.parse_type_instance(name)
        } else {
            name
        }
    }

    /// Parses `T` or `p.T`.
    pub(super) fn parse_type_name(&mut self) -> NodeId {
        let identifier = self.parse_identifier();
        self.qualify(identifier)
    }

    /// Parses the `.T` of `p.T`, if there is one.
    fn qualify(&mut self, package: NodeId) -> NodeId {
        if !self.eat(Token::Period) {
            return package;
        }
        let name = self.parse_identifier();
        self.add_selector(package, name)
    }

    /// Parses the rest of `p.T` or `T` with type arguments, if there are any.
    pub(super) fn parse_qualified(&mut self, package: Option<NodeId>) -> NodeId {
        let package = match package {
            Some(package) => package,
            None => self.parse_identifier(),
        };
        let name = self.qualify(package);
        if self.at(Token::LeftBracket) {
            self.parse_type_instance(name)
        } else {
            name
        }
    }

    pub(super) fn add_selector(&mut self, operand: NodeId, name: NodeId) -> NodeId {
        let (start, end) = (self.nodes.start(operand), self.nodes.end(name));
        self.nodes
            .add(NodeKind::SelectorExpr, 0, start, end, operand.0, name.0)
    }

    /// Parses the type arguments after `operand`.
    fn parse_type_instance(&mut self, operand: NodeId) -> NodeId {
        let bracket = self.expect(Token::LeftBracket);
        self.enter();
        self.expression_level += 1;
        let mark = self.scratch.len();
        while !self.at(Token::RightBracket) && !self.at(Token::Eof) {
            let argument = self.parse_type();
            self.scratch.push(argument);
            if !self.next_in_list(Token::RightBracket, "type argument list") {
                break;
            }
        }
        self.expression_level -= 1;
        if self.scratch.len() == mark {
            self.error_expected(&"type argument list");
            let at = self.start();
            let missing = self.bad_expression(at, at);
            self.scratch.push(missing);
        }
        let end = self.expect_closing(Token::RightBracket, "type argument list");
        self.leave();
        self.add_index(operand, bracket, mark, end)
    }

    /// Adds `operand[indices]`; the indices are the end of `scratch` from `mark`.
    pub(super) fn add_index(
        &mut self,
        operand: NodeId,
        bracket: u32,
        mark: usize,
        end: u32,
    ) -> NodeId {
        let kind = if self.scratch.len() == mark + 1 {
            NodeKind::IndexExpr
        } else {
            NodeKind::IndexListExpr
        };
        let list = self.finish_list(mark);
        let start = self.nodes.start(operand);
        let near = self.nodes.distance(self.nodes.end(operand), bracket);
        self.nodes.push(Node {
            kind,
            flags: 0,
            near,
            start,
            end,
            a: operand.0,
            b: list,
        })
    }

    /// Parses what follows `[` (at `start`) of an array or slice type, or `length` in it.
    pub(super) fn parse_array_type(&mut self, start: u32, length: Option<NodeId>) -> NodeId {
        let length = match length {
            Some(length) => length,
            None => {
                self.expression_level += 1;
                let length = if self.at(Token::Ellipsis) {
                    let (start, end) = (self.lexer.start, self.lexer.end);
                    self.next();
                    self.nodes
                        .add(NodeKind::Ellipsis, 0, start, end, NO_NODE.0, 0)
                } else if self.at(Token::RightBracket) {
                    NO_NODE
                } else {
                    self.parse_right_hand_side()
                };
                self.expression_level -= 1;
                length
            }
        };
        if self.at(Token::Comma) {
            self.error_here(|| "unexpected comma; expecting ]".to_owned());
            self.next();
        }
        self.expect(Token::RightBracket);
        let element = self.parse_type();
        self.add_array(start, length, element)
    }

    fn add_array(&mut self, start: u32, length: NodeId, element: NodeId) -> NodeId {
        let end = self.nodes.end(element);
        self.nodes
            .add(NodeKind::ArrayType, 0, start, end, length.0, element.0)
    }

    /// Parses what follows `name` before a `[`: the type of a field or parameter (`name []E`,
    /// `name [N]E`), or the type arguments of an embedded or unnamed type `name[A, B]`. The first
    /// result tells whether `name` is a name.
    pub(super) fn parse_array_field_or_instance(&mut self, name: NodeId) -> (bool, NodeId) {
        let bracket = self.expect(Token::LeftBracket);
        self.enter();
        let mark = self.scratch.len();
        let mut trailing_comma = None;
        if !self.at(Token::RightBracket) {
            self.expression_level += 1;
            loop {
                let argument = self.parse_right_hand_side();
                self.scratch.push(argument);
                if !self.at(Token::Comma) {
                    break;
                }
                let comma = self.start();
                self.next();
                if self.at(Token::RightBracket) {
                    trailing_comma = Some(comma);
                    break;
                }
            }
            self.expression_level -= 1;
        }
        let end = self.expect_end(Token::RightBracket);
        self.leave();
        match self.scratch[mark..] {
            [] => {
                let element = self.parse_type();
                (true, self.add_array(bracket, NO_NODE, element))
            }
            [length] => match self.try_type() {
                Some(element) => {
                    if let Some(comma) = trailing_comma {
                        self.error_at(comma, || "unexpected comma; expecting ]".to_owned());
                    }
                    self.scratch.truncate(mark);
                    (true, self.add_array(bracket, length, element))
                }
                None => (false, self.add_index(name, bracket, mark, end)),
            },
            _ => (false, self.add_index(name, bracket, mark, end)),
        }
    }

    fn parse_struct_type(&mut self) -> NodeId {
        let start = self.start();
        self.next();
        self.expect(Token::LeftBrace);
        let mark = self.scratch.len();
        loop {
            if FIELD_START.contains(self.token()) {
                let field = self.parse_field_declaration();
                self.scratch.push(field);
            } else if !self.skip_to_member(FIELD_START) {
                break;
            }
        }
        let end = self.expect_end(Token::RightBrace);
        let list = self.finish_list(mark);
        self.nodes.add(NodeKind::StructType, 0, start, end, list, 0)
    }

    /// Between members of a struct or interface: returns false at its end. Anything else that is
    /// not the start of a member is an error; skips to the next line.
    fn skip_to_member(&mut self, start: TokenSet) -> bool {
        if self.at(Token::RightBrace) || self.at(Token::Eof) {
            return false;
        }
        self.error_expected(&"field, method or '}'");
        // Keywords of statements show that the closing brace is what is missing.
        if super::STATEMENT_START.contains(self.token()) {
            return false;
        }
        while !self.at(Token::Eof) && !MEMBER_END.contains(self.token()) {
            self.next();
        }
        while self.eat(Token::Semicolon) {}
        let token = self.token();
        start.contains(token) || token == Token::RightBrace
    }

    fn parse_field_declaration(&mut self) -> NodeId {
        let mark = self.scratch.len();
        let field_type = match self.token() {
            Token::Identifier => {
                let name = self.take_identifier();
                match self.token() {
                    Token::Period => self.parse_qualified(Some(name)),
                    Token::String | Token::Semicolon | Token::RightBrace => name,
                    _ => self.parse_named_field(name),
                }
            }
            Token::Multiply => {
                let star = self.start();
                self.next();
                let operand = if self.at(Token::LeftParenthesis) {
                    self.parse_parenthesized_embedded()
                } else {
                    self.parse_qualified(None)
                };
                self.add_star(star, operand)
            }
            _ => self.parse_parenthesized_embedded(),
        };
        let tag = self
            .at(Token::String)
            .then(|| self.take_literal(LiteralKind::String));
        self.expect_semicolon();
        self.add_field(mark, field_type, tag)
    }

    /// Parses the rest of `name, name T`; leaves the names on `scratch`.
    fn parse_named_field(&mut self, name: NodeId) -> NodeId {
        if self.at(Token::LeftBracket) {
            let (is_name, field_type) = self.parse_array_field_or_instance(name);
            if is_name {
                self.scratch.push(name);
            }
            return field_type;
        }
        self.scratch.push(name);
        while self.eat(Token::Comma) {
            let name = self.parse_identifier();
            self.scratch.push(name);
        }
        self.parse_type()
    }

    /// Parses an embedded type in parentheses, which Go does not allow.
    #[cold]
    fn parse_parenthesized_embedded(&mut self) -> NodeId {
        self.error_here(|| "cannot parenthesize embedded type".to_owned());
        self.next();
        let embedded = if self.at(Token::Multiply) {
            let star = self.start();
            self.next();
            let operand = self.parse_qualified(None);
            self.add_star(star, operand)
        } else {
            self.parse_qualified(None)
        };
        self.eat(Token::RightParenthesis);
        embedded
    }

    /// Adds a field; its names are the end of `scratch` from `mark`.
    pub(super) fn add_field(
        &mut self,
        mark: usize,
        field_type: NodeId,
        tag: Option<NodeId>,
    ) -> NodeId {
        let start = match self.scratch.get(mark) {
            Some(&name) => self.nodes.start(name),
            None => self.nodes.start(field_type),
        };
        let (flags, end, list) = match tag {
            None => (0, self.nodes.end(field_type), self.finish_list(mark)),
            Some(tag) => {
                let end = self.nodes.end(tag);
                let list = if self.scratch.len() == mark {
                    let list = self.nodes.next_extra();
                    self.nodes.extra.push(NodeId(0));
                    list
                } else {
                    self.finish_list(mark)
                };
                self.nodes.extra.push(tag);
                (FIELD_TAG, end, list)
            }
        };
        self.nodes
            .add(NodeKind::Field, flags, start, end, field_type.0, list)
    }

    /// Parses `func(…) …` without a body.
    pub(super) fn parse_function_type(&mut self) -> NodeId {
        let start = self.start();
        self.next();
        let mark = self.scratch.len();
        if self.at(Token::LeftBracket) {
            let bracket = self.start();
            if self.parse_type_parameters() {
                self.error_at(bracket, || {
                    "function type must have no type parameters".to_owned()
                });
            }
            self.scratch.truncate(mark);
        }
        self.parse_signature(start, mark, 0)
    }

    /// Parses parameters and results and adds the function type that starts at `start`; its
    /// type parameters are the end of `scratch` from `mark`.
    pub(super) fn parse_signature(
        &mut self,
        start: u32,
        mark: usize,
        type_parameters: usize,
    ) -> NodeId {
        let mut end = self.parse_parameters();
        let parameters = self.scratch.len() - mark - type_parameters;
        if let Some(results_end) = self.parse_results() {
            end = results_end;
        }
        let results = self.scratch.len() - mark - type_parameters - parameters;
        let at = self.nodes.next_extra();
        let extra = &mut self.nodes.extra;
        for count in [type_parameters, parameters, results] {
            extra.push(NodeId(count as u32));
        }
        extra.extend_from_slice(&self.scratch[mark..]);
        self.scratch.truncate(mark);
        self.nodes.add(NodeKind::FuncType, 0, start, end, at, 0)
    }

    fn parse_interface_type(&mut self) -> NodeId {
        const ELEMENT_START: TokenSet = TokenSet::of(&[
            Token::Identifier,
            Token::Tilde,
            Token::LeftBracket,
            Token::Struct,
            Token::Multiply,
            Token::Func,
            Token::Interface,
            Token::Map,
            Token::Chan,
            Token::Arrow,
            Token::LeftParenthesis,
        ]);
        let start = self.start();
        self.next();
        self.expect(Token::LeftBrace);
        let mark = self.scratch.len();
        loop {
            if ELEMENT_START.contains(self.token()) {
                let element = self.parse_interface_element();
                self.expect_semicolon();
                self.scratch.push(element);
            } else if !self.skip_to_member(ELEMENT_START) {
                break;
            }
        }
        let end = self.expect_end(Token::RightBrace);
        let list = self.finish_list(mark);
        self.nodes
            .add(NodeKind::InterfaceType, 0, start, end, list, 0)
    }

    /// Parses a method or an embedded element as a field.
    fn parse_interface_element(&mut self) -> NodeId {
        let mark = self.scratch.len();
        if !self.at(Token::Identifier) {
            let embedded = self.parse_embedded_element(None);
            return self.add_field(mark, embedded, None);
        }
        let name = self.parse_type_name();
        let is_identifier = self.nodes.kind(name) == NodeKind::Ident;
        let mut embedded = name;
        if is_identifier && self.at(Token::LeftParenthesis) {
            return self.parse_method(name);
        }
        if self.at(Token::LeftBracket) {
            if is_identifier {
                match self.parse_method_or_instance(name) {
                    Ok(method) => return method,
                    Err(instance) => embedded = instance,
                }
            } else {
                embedded = self.parse_type_instance(name);
            }
        }
        let embedded = self.parse_embedded_element(Some(embedded));
        self.add_field(mark, embedded, None)
    }

    /// Parses the signature of the method `name` of an interface and adds its field.
    fn parse_method(&mut self, name: NodeId) -> NodeId {
        let start = self.start();
        let mark = self.scratch.len();
        let signature = self.parse_signature(start, mark, 0);
        self.scratch.push(name);
        self.add_field(mark, signature, None)
    }

    /// After the identifier `name` at a `[`: an embedded instantiated type (the error value), or
    /// a method with type parameters, which Go does not allow.
    fn parse_method_or_instance(&mut self, name: NodeId) -> Result<NodeId, NodeId> {
        let bracket = self.start();
        self.next();
        self.expression_level += 1;
        let first = self.parse_expression();
        self.expression_level -= 1;
        let mark = self.scratch.len();
        if self.nodes.kind(first) == NodeKind::Ident
            && !self.at(Token::Comma)
            && !self.at(Token::RightBracket)
        {
            self.parse_parameter_list(Some(first), None, Token::RightBracket, false);
            self.scratch.truncate(mark);
            self.expect(Token::RightBracket);
            self.error_at(bracket, || {
                "interface method must have no type parameters".to_owned()
            });
            return Ok(self.parse_method(name));
        }
        self.scratch.push(first);
        if self.next_in_list(Token::RightBracket, "type argument list") {
            self.expression_level += 1;
            while !self.at(Token::RightBracket) && !self.at(Token::Eof) {
                let argument = self.parse_type();
                self.scratch.push(argument);
                if !self.next_in_list(Token::RightBracket, "type argument list") {
                    break;
                }
            }
            self.expression_level -= 1;
        }
        let end = self.expect_closing(Token::RightBracket, "type argument list");
        Err(self.add_index(name, bracket, mark, end))
    }

    /// Parses `~T | U`; `first` is the first term if it has been parsed.
    pub(super) fn parse_embedded_element(&mut self, first: Option<NodeId>) -> NodeId {
        let mut left = match first {
            Some(first) => first,
            None => self.parse_embedded_term(),
        };
        let mut chain = 0;
        while self.at(Token::Or) {
            self.lengthen(&mut chain);
            let operator = self.start();
            self.next();
            let right = self.parse_embedded_term();
            left = self.add_binary(Token::Or.binary_operator(), left, operator, right);
        }
        self.nesting -= chain;
        left
    }

    fn parse_embedded_term(&mut self) -> NodeId {
        if self.at(Token::Tilde) {
            let start = self.start();
            self.next();
            let operand = self.parse_type();
            let end = self.nodes.end(operand);
            let operator = crate::node::UnaryOperator::Tilde as u8;
            return self
                .nodes
                .add(NodeKind::UnaryExpr, operator, start, end, operand.0, 0);
        }
        match self.try_type() {
            Some(term) => term,
            None => {
                let start = self.start();
                self.error_expected(&"~ term or type");
                self.skip_expression();
                let end = self.start();
                self.bad_expression(start, end)
            }
        }
    }
}

const _: () = assert!(EMPTY_LIST == 0);
