//! Parameter lists, also those of type parameters: `parseParameterList` and its callees in
//! `go/parser`.

use crate::encoding::{NO_NODE, NodeKind};
use crate::node::NodeId;
use crate::symbol::Symbol;
use crate::token::Token;

use super::Parser;

/// An entry of a parameter list before it is known whether the list names its parameters.
#[derive(Copy, Clone)]
pub(super) struct Parameter {
    /// An identifier, or `NO_NODE`.
    name: NodeId,
    /// A type, or `NO_NODE`.
    parameter_type: NodeId,
}

impl Parameter {
    fn named(name: NodeId, parameter_type: NodeId) -> Parameter {
        Parameter {
            name,
            parameter_type,
        }
    }

    fn unnamed(parameter_type: NodeId) -> Parameter {
        Parameter::named(NO_NODE, parameter_type)
    }

    fn has_name(self) -> bool {
        self.name != NO_NODE
    }

    fn has_type(self) -> bool {
        self.parameter_type != NO_NODE
    }
}

impl Parser<'_> {
    /// Parses `(…)`, puts the fields on `scratch` and returns the offset after it.
    pub(super) fn parse_parameters(&mut self) -> u32 {
        self.parse_parenthesized_parameters(true)
    }

    fn parse_parenthesized_parameters(&mut self, dots_allowed: bool) -> u32 {
        if !self.at(Token::LeftParenthesis) {
            self.error_expected(&"'('");
            return self.start();
        }
        self.next();
        if !self.at(Token::RightParenthesis) {
            self.parse_parameter_list(None, None, Token::RightParenthesis, dots_allowed);
        }
        self.expect_end(Token::RightParenthesis)
    }

    /// Parses the results of a function, if there are any, puts the fields on `scratch` and
    /// returns the offset after them.
    pub(super) fn parse_results(&mut self) -> Option<u32> {
        if self.at(Token::LeftParenthesis) {
            return Some(self.parse_parenthesized_parameters(false));
        }
        let result = self.try_type()?;
        let mark = self.scratch.len();
        let field = self.add_field(mark, result, None);
        self.scratch.push(field);
        Some(self.nodes.end(result))
    }

    /// Parses `[…]` and puts the fields on `scratch`. Returns whether there are any.
    pub(super) fn parse_type_parameters(&mut self) -> bool {
        let mark = self.scratch.len();
        self.expect(Token::LeftBracket);
        if !self.at(Token::RightBracket) {
            self.parse_parameter_list(None, None, Token::RightBracket, false);
        }
        let closing = self.expect(Token::RightBracket);
        if self.scratch.len() == mark {
            self.error_at(closing, || "empty type parameter list".to_owned());
            return false;
        }
        true
    }

    /// Parses a parameter list up to `closing` and puts its fields on `scratch`. The first name
    /// and type may have been parsed already.
    pub(super) fn parse_parameter_list(
        &mut self,
        mut first_name: Option<NodeId>,
        mut first_type: Option<NodeId>,
        closing: Token,
        dots_allowed: bool,
    ) {
        // Type parameters are the only list that ends with a bracket.
        let type_parameters = closing == Token::RightBracket;
        let start = match first_name.or(first_type) {
            Some(first) => self.nodes.start(first),
            None => self.start(),
        };
        let mark = self.parameters.len();
        let mut named = 0;
        let mut typed = 0;
        while first_name.is_some() || !self.at(closing) && !self.at(Token::Eof) {
            let before = self.position();
            let parameter = match first_type.take() {
                Some(mut parameter_type) => {
                    if type_parameters {
                        parameter_type = self.parse_embedded_element(Some(parameter_type));
                    }
                    Parameter::named(first_name.take().unwrap_or(NO_NODE), parameter_type)
                }
                None => self.parse_parameter(first_name.take(), type_parameters),
            };
            if parameter.has_name() || parameter.has_type() {
                named += usize::from(parameter.has_name() && parameter.has_type());
                typed += usize::from(parameter.has_type());
                self.parameters.push(parameter);
            }
            if !self.next_in_list(closing, "parameter list") || self.position() == before {
                break;
            }
        }
        let count = self.parameters.len() - mark;
        if count == 0 {
            return;
        }
        if named == 0 {
            // Without any name, what looked like names are types.
            for parameter in &mut self.parameters[mark..] {
                if parameter.has_name() {
                    *parameter = Parameter::unnamed(parameter.name);
                }
            }
            if type_parameters {
                if typed == 0 {
                    self.error_here(|| "missing type constraint".to_owned());
                } else {
                    self.error_at(start, || missing_type_parameter_name(count));
                }
            }
        } else if named != count {
            self.distribute_types(mark, named == typed, type_parameters);
        }
        self.check_dots(mark, dots_allowed);
        if named == 0 {
            for position in mark..self.parameters.len() {
                let parameter_type = self.parameters[position].parameter_type;
                let names = self.scratch.len();
                let field = self.add_field(names, parameter_type, None);
                self.scratch.push(field);
            }
        } else {
            self.add_named_fields(mark);
        }
        self.parameters.truncate(mark);
    }

    /// Some parameters have a name and a type, some do not: the type of each is that of the next
    /// one that has one.
    fn distribute_types(&mut self, mark: usize, types_missing_at_end: bool, type_parameters: bool) {
        let mut error = None;
        let mut current = NO_NODE;
        for position in (mark..self.parameters.len()).rev() {
            let parameter = self.parameters[position];
            if parameter.has_type() {
                current = parameter.parameter_type;
                if !parameter.has_name() {
                    let start = self.nodes.start(current);
                    error = Some(start);
                    let blank = Symbol::BLANK.0;
                    self.parameters[position].name =
                        self.nodes.add(NodeKind::Ident, 0, start, start, blank, 0);
                }
            } else if current != NO_NODE {
                self.parameters[position].parameter_type = current;
            } else {
                let start = self.nodes.end(parameter.name);
                error = Some(self.nodes.start(parameter.name));
                self.parameters[position].parameter_type = self.bad_expression(start, start);
            }
        }
        let Some(error) = error else {
            return;
        };
        let count = self.parameters.len() - mark;
        if types_missing_at_end {
            self.error_here(|| {
                if type_parameters {
                    "missing type constraint".to_owned()
                } else {
                    "missing parameter type".to_owned()
                }
            });
        } else {
            self.error_at(error, || {
                if type_parameters {
                    missing_type_parameter_name(count)
                } else {
                    "missing parameter name".to_owned()
                }
            });
        }
    }

    /// Complains about the first `...T` that is not the type of the last parameter.
    fn check_dots(&mut self, mark: usize, dots_allowed: bool) {
        let count = self.parameters.len();
        for position in mark..count {
            let dots = self.parameters[position].parameter_type;
            if self.nodes.kind(dots) != NodeKind::Ellipsis || dots_allowed && position + 1 == count
            {
                continue;
            }
            let start = self.nodes.start(dots);
            self.error_at(start, || {
                if dots_allowed {
                    "can only use ... with final parameter".to_owned()
                } else {
                    "invalid use of ...".to_owned()
                }
            });
            return;
        }
    }

    /// Adds a field for each run of parameters that share a type.
    fn add_named_fields(&mut self, mark: usize) {
        let mut position = mark;
        while position < self.parameters.len() {
            let parameter_type = self.parameters[position].parameter_type;
            let names = self.scratch.len();
            while let Some(parameter) = self.parameters.get(position)
                && parameter.parameter_type == parameter_type
            {
                self.scratch.push(parameter.name);
                position += 1;
            }
            let field = self.add_field(names, parameter_type, None);
            self.scratch.push(field);
        }
    }

    /// Parses an entry of a parameter list. Its name may have been parsed already.
    fn parse_parameter(&mut self, name: Option<NodeId>, type_parameters: bool) -> Parameter {
        let name = match name {
            Some(name) => name,
            None => match self.token() {
                Token::Identifier => self.take_identifier(),
                Token::Tilde if type_parameters => {
                    return Parameter::unnamed(self.parse_embedded_element(None));
                }
                Token::Ellipsis => return Parameter::unnamed(self.parse_dots()),
                _ => return self.parse_unnamed_parameter(type_parameters),
            },
        };
        let parameter = match self.token() {
            Token::Identifier
            | Token::Multiply
            | Token::Arrow
            | Token::Func
            | Token::Chan
            | Token::Map
            | Token::Struct
            | Token::Interface
            | Token::LeftParenthesis => Parameter::named(name, self.parse_type()),
            Token::LeftBracket => {
                let (is_name, parameter_type) = self.parse_array_field_or_instance(name);
                if is_name {
                    Parameter::named(name, parameter_type)
                } else {
                    Parameter::unnamed(parameter_type)
                }
            }
            Token::Ellipsis => return Parameter::named(name, self.parse_dots()),
            Token::Period => Parameter::unnamed(self.parse_qualified(Some(name))),
            Token::Tilde if type_parameters => {
                return Parameter::named(name, self.parse_embedded_element(None));
            }
            Token::Or if type_parameters => {
                return Parameter::unnamed(self.parse_embedded_element(Some(name)));
            }
            _ => return Parameter::named(name, NO_NODE),
        };
        self.parse_more_terms(parameter, type_parameters)
    }

    fn parse_unnamed_parameter(&mut self, type_parameters: bool) -> Parameter {
        match self.try_type() {
            Some(found) => self.parse_more_terms(Parameter::unnamed(found), type_parameters),
            None => {
                self.error_expected(if type_parameters { &"']'" } else { &"')'" });
                self.skip_expression();
                Parameter::unnamed(NO_NODE)
            }
        }
    }

    /// Parses the rest of a constraint that is a union.
    #[inline(always)]
    fn parse_more_terms(&mut self, mut parameter: Parameter, type_parameters: bool) -> Parameter {
        if type_parameters && self.at(Token::Or) {
            parameter.parameter_type = self.parse_embedded_element(Some(parameter.parameter_type));
        }
        parameter
    }

    /// Parses `...T`.
    fn parse_dots(&mut self) -> NodeId {
        let start = self.start();
        self.next();
        let element = self.parse_type();
        let end = self.nodes.end(element);
        self.nodes
            .add(NodeKind::Ellipsis, 0, start, end, element.0, 0)
    }
}

fn missing_type_parameter_name(count: usize) -> String {
    if count == 1 {
        "missing type parameter name or invalid array length".to_owned()
    } else {
        "missing type parameter name".to_owned()
    }
}
