//! Declarations: `parseDecl` and its callees in `go/parser`.

use goward_diagnostics::Span;

use crate::Mode;
use crate::encoding::{BODY_SKIPPED, EMPTY_LIST, FUNCTION_METHOD, NO_NODE, NodeKind, TYPE_ALIAS};
use crate::node::{DeclarationKeyword, LiteralKind, NodeId};
use crate::symbol::Symbol;
use crate::token::Token;

use super::{DECLARATION_START, Parser};

impl Parser<'_> {
    /// Parses a declaration of the file. Anything else is skipped up to the next one.
    pub(super) fn parse_file_declaration(&mut self) -> NodeId {
        match self.token() {
            Token::Func => self.parse_function_declaration(),
            Token::Import | Token::Const | Token::Type | Token::Var => {
                self.parse_general_declaration()
            }
            _ => self.skip_to_declaration(),
        }
    }

    #[cold]
    fn skip_to_declaration(&mut self) -> NodeId {
        let start = self.start();
        self.error_expected(&"declaration");
        let mut previous = Token::Identifier;
        loop {
            let at_declaration =
                DECLARATION_START.contains(self.token()) && previous == Token::Semicolon;
            if at_declaration || self.at(Token::Eof) {
                break;
            }
            previous = self.token();
            self.next();
        }
        let end = self.start();
        self.nodes.add(NodeKind::BadDecl, 0, start, end, 0, 0)
    }

    /// Parses an `import`, `const`, `type` or `var` declaration.
    pub(super) fn parse_general_declaration(&mut self) -> NodeId {
        let start = self.start();
        let keyword = match self.token() {
            Token::Import => DeclarationKeyword::Import,
            Token::Const => DeclarationKeyword::Const,
            Token::Type => DeclarationKeyword::Type,
            _ => DeclarationKeyword::Var,
        };
        self.next();
        let mark = self.scratch.len();
        let end = if self.eat(Token::LeftParenthesis) {
            let mut iota = 0;
            while !self.at(Token::RightParenthesis) && !self.at(Token::Eof) {
                let before = self.position();
                let specification = self.parse_specification(keyword, iota);
                self.scratch.push(specification);
                iota += 1;
                if self.position() == before {
                    self.next();
                }
                // A stray brace shows that the parenthesis is what is missing.
                if self.at(Token::RightBrace) {
                    break;
                }
            }
            let end = self.expect_end(Token::RightParenthesis);
            self.expect_semicolon();
            end
        } else {
            let specification = self.parse_specification(keyword, 0);
            self.scratch.push(specification);
            self.nodes.end(specification)
        };
        let list = self.finish_list(mark);
        self.nodes
            .add(NodeKind::GenDecl, keyword as u8, start, end, list, 0)
    }

    fn parse_specification(&mut self, keyword: DeclarationKeyword, iota: u32) -> NodeId {
        match keyword {
            DeclarationKeyword::Import => self.parse_import(),
            DeclarationKeyword::Type => self.parse_type_specification(),
            DeclarationKeyword::Const => self.parse_value_specification(true, iota),
            DeclarationKeyword::Var => self.parse_value_specification(false, iota),
        }
    }

    fn parse_import(&mut self) -> NodeId {
        let mut name = NO_NODE;
        if self.at(Token::Identifier) {
            name = self.take_identifier();
        } else if self.at(Token::Period) {
            let symbol = Symbol::intern(".");
            let (start, end) = (self.lexer.start, self.lexer.end);
            name = self.nodes.add(NodeKind::Ident, 0, start, end, symbol.0, 0);
            self.next();
        }
        let start = self.start();
        let path = if self.at(Token::String) {
            self.take_literal(LiteralKind::String)
        } else {
            if self.token().is_literal() {
                self.error_here(|| "import path must be a string".to_owned());
                self.next();
            } else {
                self.error_here(|| "missing import path".to_owned());
                self.skip_expression();
            }
            self.bad_expression(start, start)
        };
        self.expect_semicolon();
        let (start, end) = if name == NO_NODE {
            (start, self.nodes.end(path))
        } else {
            (self.nodes.start(name), self.nodes.end(path))
        };
        let import = self
            .nodes
            .add(NodeKind::ImportSpec, 0, start, end, name.0, path.0);
        self.imports.push(import);
        import
    }

    fn parse_value_specification(&mut self, constant: bool, iota: u32) -> NodeId {
        let mark = self.scratch.len();
        let first = self.parse_identifier();
        self.scratch.push(first);
        let mut last = first;
        while self.eat(Token::Comma) {
            last = self.parse_identifier();
            self.scratch.push(last);
        }
        let middle = self.scratch.len();
        let mut value_type = NO_NODE;
        if constant {
            if !matches!(
                self.token(),
                Token::Eof | Token::Semicolon | Token::RightParenthesis
            ) {
                value_type = self.try_type().unwrap_or(NO_NODE);
                if self.eat(Token::Assign) {
                    self.parse_expression_list(true);
                }
            }
        } else {
            if !self.at(Token::Assign) {
                value_type = self.parse_type();
            }
            if self.eat(Token::Assign) {
                self.parse_expression_list(true);
            }
        }
        self.expect_semicolon();
        let start = self.nodes.start(first);
        let end = match self.scratch[middle..].last() {
            Some(&value) => self.nodes.end(value),
            None if value_type != NO_NODE => self.nodes.end(value_type),
            None => self.nodes.end(last),
        };
        let at = self.nodes.next_extra();
        self.nodes.extra.push(NodeId(iota));
        self.finish_two_lists(mark, middle);
        self.nodes
            .add(NodeKind::ValueSpec, 0, start, end, value_type.0, at)
    }

    fn parse_type_specification(&mut self) -> NodeId {
        let name = self.parse_identifier();
        let mark = self.scratch.len();
        let mut alias = false;
        let specified = if self.at(Token::LeftBracket) {
            let bracket = self.start();
            self.next();
            if self.at(Token::Identifier) {
                let (is_alias, specified) = self.parse_array_or_generic_type(bracket);
                alias = is_alias;
                specified
            } else {
                self.parse_array_type(bracket, None)
            }
        } else {
            alias = self.eat(Token::Assign);
            self.parse_type()
        };
        self.expect_semicolon();
        let (start, end) = (self.nodes.start(name), self.nodes.end(specified));
        let at = self.nodes.next_extra();
        self.nodes.extra.push(specified);
        if self.scratch.len() == mark {
            self.nodes.extra.push(NodeId(0));
        } else {
            self.finish_list(mark);
        }
        let flags = if alias { TYPE_ALIAS } else { 0 };
        self.nodes
            .add(NodeKind::TypeSpec, flags, start, end, name.0, at)
    }

    /// After `type T [` at an identifier: an array type, or type parameters (which are left on
    /// `scratch`) and the type after them. The first result tells whether `=` stands between.
    ///
    /// An expression is parsed first, which may be an array length or the start of a type
    /// parameter. Index expressions are never constant: a name before `[` is a type parameter.
    fn parse_array_or_generic_type(&mut self, bracket: u32) -> (bool, NodeId) {
        let mut expression = self.take_identifier();
        if !self.at(Token::LeftBracket) {
            self.expression_level += 1;
            let left = self.parse_primary_rest(expression);
            expression = self.parse_binary_rest(left, 1);
            self.expression_level -= 1;
        }
        match self.split_type_parameter(expression, self.at(Token::Comma)) {
            Some((name, constraint)) if constraint.is_some() || !self.at(Token::RightBracket) => {
                self.parse_parameter_list(Some(name), constraint, Token::RightBracket, false);
                self.expect(Token::RightBracket);
                let alias = self.eat(Token::Assign);
                (alias, self.parse_type())
            }
            _ => (false, self.parse_array_type(bracket, Some(expression))),
        }
    }

    fn parse_function_declaration(&mut self) -> NodeId {
        let start = self.start();
        self.next();
        let mark = self.scratch.len();
        let is_method = self.at(Token::LeftParenthesis);
        if is_method {
            self.parse_parameters();
        }
        let receivers = self.scratch.len();
        let name = self.parse_identifier();
        let mut type_parameters = 0;
        if self.at(Token::LeftBracket) {
            let bracket = self.start();
            let found = self.parse_type_parameters();
            if found && is_method {
                let message = "method must have no type parameters before Go 1.27";
                self.lexer.errors.add_since(27, Span::at(bracket), message);
            }
            type_parameters = self.scratch.len() - receivers;
        }
        let function_type = self.parse_signature(start, receivers, type_parameters);
        let mut end = self.nodes.end(function_type);
        let mut body = NO_NODE;
        let mut flags = if is_method { FUNCTION_METHOD } else { 0 };
        if self.body_follows() {
            if self.mode == Mode::Full {
                body = self.parse_body();
                end = self.nodes.end(body);
            } else {
                flags |= BODY_SKIPPED;
                end = self.skip_body();
            }
            self.expect_semicolon();
        }
        let at = self.nodes.next_extra();
        self.nodes.extra.extend_from_slice(&[name, body]);
        if self.finish_list(mark) == EMPTY_LIST {
            self.nodes.extra.push(NodeId(0));
        }
        self.nodes
            .add(NodeKind::FuncDecl, flags, start, end, function_type.0, at)
    }

    /// Whether the body of a function follows; otherwise the end of its declaration is consumed.
    fn body_follows(&mut self) -> bool {
        match self.token() {
            Token::LeftBrace => true,
            Token::Semicolon => {
                self.next();
                let brace = self.at(Token::LeftBrace);
                if brace {
                    self.error_here(|| "unexpected semicolon or newline before {".to_owned());
                }
                brace
            }
            Token::RightParenthesis | Token::RightBrace => false,
            _ => {
                self.error_expected(&"';'");
                while !matches!(
                    self.token(),
                    Token::Eof | Token::Semicolon | Token::LeftBrace
                ) {
                    self.next();
                }
                self.at(Token::LeftBrace) || {
                    self.eat(Token::Semicolon);
                    false
                }
            }
        }
    }
}
