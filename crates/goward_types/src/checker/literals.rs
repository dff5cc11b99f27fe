//! Literals: basic, function and composite ones.
//!
//! Source: `go/types/literals.go`. Duplicate keys and indices change no types and are left to the
//! compiler.

use std::rc::Rc;

use goward_syntax::{Expression, LiteralKind, NodeId, Symbol};

use crate::checker::{Checker, FunctionContext, Mode, Operand};
use crate::constant::{self, Value};
use crate::ids::{ObjectId, TypeId};
use crate::types::Type;

/// Number literals longer than this (in bytes) are refused, as go/types does.
const LONGEST_NUMBER: usize = 10_000;

impl<'w> Checker<'w> {
    pub(crate) fn basic_lit(&mut self, x: &mut Operand, node: NodeId, kind: LiteralKind) {
        let text = self.text(node);
        let number = matches!(
            kind,
            LiteralKind::Int | LiteralKind::Float | LiteralKind::Imaginary
        );
        if number && text.len() > LONGEST_NUMBER {
            self.error(node, "excessively long constant");
            return;
        }
        let (kind, literal_type) = match kind {
            LiteralKind::Int => (constant::LiteralKind::Int, TypeId::UNTYPED_INT),
            LiteralKind::Float => (constant::LiteralKind::Float, TypeId::UNTYPED_FLOAT),
            LiteralKind::Imaginary => (constant::LiteralKind::Imaginary, TypeId::UNTYPED_COMPLEX),
            LiteralKind::Char => (constant::LiteralKind::Char, TypeId::UNTYPED_RUNE),
            LiteralKind::String => (constant::LiteralKind::String, TypeId::UNTYPED_STRING),
        };
        let value = constant::make_from_literal(text, kind);
        if matches!(value, Value::Unknown) {
            self.error(node, "malformed constant");
            return;
        }
        x.mode = Mode::Constant;
        x.operand_type = literal_type;
        x.value = value;
        x.expression = Some(node);
        let offset = self.tree().span(node).start;
        self.overflow(x, offset);
    }

    pub(crate) fn func_lit(&mut self, x: &mut Operand, function_type: NodeId, body: NodeId) {
        let checked = self.func_type(None, None, function_type);
        self.record_type_and_value(function_type, Mode::TypeExpression, checked.signature, None);
        if !self.settings.ignore_function_bodies {
            let iota = self.environment.iota;
            let context = Rc::new(FunctionContext {
                results: checked.results,
                named_results: checked.named_results,
            });
            // Not checked until the statement or declaration around it is: it may use what that declares.
            self.later(move |checker| checker.func_body(checked.scope, context, body, iota));
        }
        x.mode = Mode::Value;
        x.operand_type = checked.signature;
    }

    pub(crate) fn composite_lit(
        &mut self,
        x: &mut Operand,
        node: NodeId,
        literal_type: Option<NodeId>,
        elements: &'w [NodeId],
        hint: Option<TypeId>,
    ) {
        let world = self.world;
        let mut open_array = None;
        let (mut result, base) = match (literal_type, hint) {
            (Some(type_node), _) => {
                let tree = self.tree();
                match tree.expression(type_node) {
                    // The elements tell the length of `[...]T`.
                    Expression::ArrayType {
                        length: Some(length),
                        element,
                    } if matches!(
                        tree.expression(length),
                        Expression::Ellipsis { element: None }
                    ) =>
                    {
                        let element = self.var_type(element);
                        open_array = Some(type_node);
                        let open = world.new_array(-1, element);
                        (open, open)
                    }
                    _ => {
                        let named = self.typ(type_node);
                        (named, named)
                    }
                }
            }
            (None, Some(hint)) => {
                // `{…}` inside of a literal of `[]*T` stands for `&T{…}`.
                let mut base = hint;
                if let Some(under) = world.common_under(hint)
                    && let Type::Pointer { base: pointed } = world.get(world.unalias(under))
                {
                    base = pointed;
                }
                (hint, base)
            }
            (None, None) => {
                self.error(node, "missing type in composite literal");
                (TypeId::UNKNOWN, TypeId::UNKNOWN)
            }
        };
        let underlying = world.common_under(base);
        match underlying.map(|underlying| world.get(underlying)) {
            Some(Type::Struct(structure)) => {
                self.struct_elements(x, node, base, &structure.fields, elements)
            }
            Some(Type::Array { length, element }) => {
                let count = self.indexed_elements(elements, element, length);
                if let Some(type_node) = open_array {
                    result = world.new_array(count, element);
                    self.record_type_and_value(type_node, Mode::TypeExpression, result, None);
                }
            }
            Some(Type::Slice { element }) => drop(self.indexed_elements(elements, element, -1)),
            Some(Type::Map { key, element }) => self.map_elements(x, elements, key, element),
            _ => {
                for &element in elements {
                    match self.tree().expression(element) {
                        Expression::KeyValue { value, .. } => self.use_exprs(&[value]),
                        _ => self.use_exprs(&[element]),
                    };
                }
                if underlying.is_none_or(|underlying| underlying.is_known()) {
                    self.error(node, "invalid composite literal type");
                    x.invalidate();
                    return;
                }
            }
        }
        x.mode = Mode::Value;
        x.operand_type = result;
    }

    fn struct_elements(
        &mut self,
        x: &mut Operand,
        node: NodeId,
        base: TypeId,
        fields: &[ObjectId],
        elements: &'w [NodeId],
    ) {
        let world = self.world;
        let tree = self.tree();
        let Some(&first) = elements.first() else {
            return;
        };
        let keyed = matches!(tree.expression(first), Expression::KeyValue { .. });
        for (index, &element) in elements.iter().enumerate() {
            match (keyed, tree.expression(element)) {
                (true, Expression::KeyValue { key, value }) => {
                    // The value is looked at even where the key is wrong.
                    self.generic_expr(x, value, None);
                    if !tree.is_identifier(key) {
                        self.error(element, "invalid field name in struct literal");
                        continue;
                    }
                    let name = self.symbol(key);
                    let Some(field) = self.literal_field(base, fields, name) else {
                        let literal = world.type_text_in(base, self.package);
                        self.error(
                            key,
                            format!("unknown field {name} in struct literal of type {literal}"),
                        );
                        continue;
                    };
                    self.record_use(key, field);
                    let field_type = world.object_type(field);
                    self.assignment(x, Some(field_type), "struct literal");
                }
                (false, expression) if !matches!(expression, Expression::KeyValue { .. }) => {
                    self.generic_expr(x, element, None);
                    let Some(&field) = fields.get(index) else {
                        self.error(element, "too many values in struct literal");
                        break;
                    };
                    let entry = world.object(field);
                    if !entry.is_exported() && entry.package != Some(self.package) {
                        self.error(
                            element,
                            "implicit assignment to unexported field in struct literal",
                        );
                        continue;
                    }
                    let field_type = world.object_type(field);
                    self.assignment(x, Some(field_type), "struct literal");
                }
                _ => self.error(
                    element,
                    "mixture of field:value and value elements in struct literal",
                ),
            }
        }
        if !keyed && elements.len() < fields.len() {
            self.error(node, "too few values in struct literal");
        }
    }

    /// The field of a struct type that `name` means in its literals; since Go 1.27 also a field of
    /// an embedded struct, if no pointer leads there.
    fn literal_field(&self, base: TypeId, fields: &[ObjectId], name: Symbol) -> Option<ObjectId> {
        let world = self.world;
        let package = Some(self.package);
        let own = fields
            .iter()
            .copied()
            .find(|&field| !name.is_blank() && world.object(field).same_id(package, name));
        if own.is_some() || !self.environment.version.allows(27) {
            return own;
        }
        let underlying = world.underlying(base);
        let found = world.lookup_field_or_method(underlying, false, package, name);
        let is_field = |&field: &ObjectId| world.object(field).is_field();
        found.object.filter(is_field).filter(|_| !found.indirect)
    }

    fn map_elements(
        &mut self,
        x: &mut Operand,
        elements: &'w [NodeId],
        key_type: TypeId,
        element_type: TypeId,
    ) {
        for &element in elements {
            let Expression::KeyValue { key, value } = self.tree().expression(element) else {
                self.error(element, "missing key in map literal");
                continue;
            };
            self.generic_expr(x, key, Some(key_type));
            self.assignment(x, Some(key_type), "map literal");
            if x.is_invalid() {
                continue;
            }
            self.generic_expr(x, value, Some(element_type));
            self.assignment(x, Some(element_type), "map literal");
        }
    }

    /// Checks the elements of an array or slice literal; the length that they make.
    fn indexed_elements(
        &mut self,
        elements: &'w [NodeId],
        element_type: TypeId,
        length: i64,
    ) -> i64 {
        let (mut index, mut max) = (0, 0);
        for &element in elements {
            let mut value_node = element;
            if let Expression::KeyValue { key, value } = self.tree().expression(element) {
                if let Some((_, value)) = self.index(key, length) {
                    if value >= 0 {
                        index = value;
                    } else {
                        self.error(element, "index must be integer constant");
                    }
                }
                value_node = value;
            } else if length >= 0 && index >= length {
                self.error(element, "index is out of bounds");
            }
            index += 1;
            max = max.max(index);
            let mut x = Operand::default();
            self.generic_expr(&mut x, value_node, Some(element_type));
            self.assignment(&mut x, Some(element_type), "array or slice literal");
        }
        max
    }
}
