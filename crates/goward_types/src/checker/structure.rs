//! Struct, interface and union types.
//!
//! Source: `go/types/struct.go`, `interface.go`, `union.go`.

use goward_syntax::{BinaryOperator, Expression, LiteralKind, NodeId, UnaryOperator};

use crate::checker::{Checker, Mode};
use crate::constant::{self, Value};
use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::object::{Object, ObjectKind, VariableKind};
use crate::types::UnionTerm;

/// More terms than this in a union are refused, as go/types does.
const MAX_TERM_COUNT: usize = 100;

impl<'w> Checker<'w> {
    pub(crate) fn struct_type(&mut self, list: &'w [NodeId]) -> TypeId {
        let world = self.world;
        let tree = self.tree();
        let mut fields: Vec<ObjectId> = Vec::new();
        let mut tags: Vec<Option<Box<str>>> = Vec::new();
        for &node in list {
            let field = tree.field(node);
            let declared = self.var_type(field.field_type);
            let tag = field.tag.and_then(|tag| self.field_tag(tag));
            let embedded_name;
            let embedded = field.names.is_empty();
            let names: &[NodeId] = if embedded {
                match self.embedded_field_identifier(field.field_type) {
                    Some(name) => {
                        embedded_name = [name];
                        &embedded_name
                    }
                    None => {
                        self.error(field.field_type, "embedded field has no name");
                        continue;
                    }
                }
            } else {
                field.names
            };
            for &name in names {
                let (symbol, place) = (self.symbol(name), self.place(name));
                let package = Some(self.package);
                let duplicate = !symbol.is_blank()
                    && fields
                        .iter()
                        .any(|&other| world.object(other).name == symbol);
                if duplicate {
                    self.error(name, format!("{symbol} redeclared"));
                    continue;
                }
                let object =
                    world.new_variable(VariableKind::Field, symbol, package, place, Some(declared));
                if embedded {
                    world.object(object).set_embedded();
                }
                if tag.is_some() {
                    tags.resize(fields.len(), None);
                    tags.push(tag.clone());
                }
                fields.push(object);
                self.record_definition(name, Some(object));
            }
        }
        world.new_struct(fields.into(), tags.into())
    }

    /// The identifier that names an embedded field of this type.
    pub(crate) fn embedded_field_identifier(&self, node: NodeId) -> Option<NodeId> {
        match self.tree().expression(node) {
            Expression::Identifier => Some(node),
            Expression::Star { operand } => match self.tree().expression(operand) {
                Expression::Star { .. } => None,
                _ => self.embedded_field_identifier(operand),
            },
            Expression::Selector { name, .. } => Some(name),
            Expression::Index { operand, .. } => self.embedded_field_identifier(operand),
            _ => None,
        }
    }

    fn field_tag(&mut self, node: NodeId) -> Option<Box<str>> {
        match constant::make_from_literal(self.text(node), constant::LiteralKind::String) {
            Value::Unknown => {
                self.error(node, "incorrect tag syntax");
                None
            }
            value => {
                debug_assert!(matches!(
                    self.tree().expression(node),
                    Expression::BasicLiteral(LiteralKind::String)
                ));
                let text = String::from_utf8_lossy(value.string_value()).into_owned();
                (!text.is_empty()).then(|| text.into())
            }
        }
    }

    pub(crate) fn interface_type(
        &mut self,
        elements: &'w [NodeId],
        definition: Option<ObjectId>,
    ) -> TypeId {
        let world = self.world;
        let tree = self.tree();
        let mut methods: Vec<ObjectId> = Vec::new();
        let mut embeddeds: Vec<TypeId> = Vec::new();
        for &node in elements {
            let field = tree.field(node);
            let Some(&name) = field.names.first() else {
                let element = self.parse_union(field.field_type);
                embeddeds.push(element);
                continue;
            };
            let symbol = self.symbol(name);
            if symbol.is_blank() {
                self.error(name, "methods must have a unique non-blank name");
                continue;
            }
            let signature = self.typ(field.field_type);
            let Some(declared) = world.as_signature(signature) else {
                continue;
            };
            if !declared.type_parameters.is_empty() {
                self.error(field.field_type, "methods cannot have type parameters");
            }
            let place = self.place(name);
            let method = Object::new(
                ObjectKind::Function,
                symbol,
                Some(self.package),
                place,
                Some(signature),
            );
            let method = world.add_object(method);
            self.record_definition(name, Some(method));
            methods.push(method);
        }
        world.sort_methods(&mut methods);
        let complete = methods.is_empty() && embeddeds.is_empty();
        let interface = world.new_interface(methods.as_slice().into(), embeddeds.into(), false);
        // The receiver is the defined type, so that messages name it.
        let named = definition.and_then(|definition| world.object(definition).raw_type());
        let named = named
            .map(|named| world.unalias(named))
            .filter(|named| named.kind() == TypeKind::Named);
        for method in methods {
            world
                .object(method)
                .set_receiver(named.unwrap_or(interface));
        }
        if !complete {
            self.compute_type_set_later(interface);
        }
        interface
    }

    /// Computes the type set when everything that it needs is declared.
    pub(crate) fn compute_type_set_later(&mut self, interface: TypeId) {
        self.later(move |checker| {
            checker.world.type_set(interface);
        });
    }

    /// An element of an interface: a type, or a union of terms.
    pub(crate) fn parse_union(&mut self, node: NodeId) -> TypeId {
        let (operators, terms) = self.flatten_union(node);
        let mut parsed: Vec<UnionTerm> = Vec::new();
        let mut union = TypeId::UNKNOWN;
        let mut valid = true;
        for (index, &term_node) in terms.iter().enumerate() {
            let term = self.parse_tilde(term_node);
            if terms.len() == 1 && !term.tilde {
                return term.term_type;
            }
            if parsed.len() >= MAX_TERM_COUNT {
                if valid {
                    self.error(term_node, "too many union terms");
                    valid = false;
                    union = TypeId::UNKNOWN;
                }
            } else {
                parsed.push(term);
                union = self.world.new_union(parsed.as_slice().into());
            }
            if index > 0 {
                self.record_type_and_value(operators[index - 1], Mode::TypeExpression, union, None);
            }
        }
        union
    }

    fn parse_tilde(&mut self, node: NodeId) -> UnionTerm {
        let mut type_node = node;
        let mut tilde = false;
        if let Expression::Unary {
            operator: UnaryOperator::Tilde,
            operand,
        } = self.tree().expression(node)
        {
            type_node = operand;
            tilde = true;
        }
        let mut term_type = self.typ(type_node);
        if self.world.is_type_parameter(term_type) {
            self.error(type_node, "term cannot be a type parameter");
            term_type = TypeId::UNKNOWN;
        }
        let term = UnionTerm { tilde, term_type };
        if tilde {
            let union = self.world.new_union(Box::new([term]));
            self.record_type_and_value(node, Mode::TypeExpression, union, None);
        }
        term
    }

    /// The `|` nodes and the terms of a union, from left to right.
    fn flatten_union(&self, node: NodeId) -> (Vec<NodeId>, Vec<NodeId>) {
        let (mut operators, mut terms) = (Vec::new(), Vec::new());
        let mut current = node;
        while let Expression::Binary {
            operator: BinaryOperator::Or,
            left,
            right,
            ..
        } = self.tree().expression(current)
        {
            operators.push(current);
            terms.push(right);
            current = left;
        }
        terms.push(current);
        operators.reverse();
        terms.reverse();
        (operators, terms)
    }
}
