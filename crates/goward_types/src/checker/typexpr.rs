//! Identifiers, and expressions that are types.
//!
//! Source: `go/types/typexpr.go`.

use goward_syntax::{ChannelDirection, Expression, NodeId};

use crate::checker::{Checker, Mode, Operand};
use crate::constant::{self, Value};
use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::object::ObjectKind;
use crate::universe::Builtin;

impl<'w> Checker<'w> {
    /// An identifier as an operand.
    pub(crate) fn ident(&mut self, x: &mut Operand, node: NodeId, want_type: bool) {
        *x = Operand::invalid(node);
        let world = self.world;
        let name = self.symbol(node);
        let Some(object) = self.lookup(name) else {
            if name.is_blank() {
                self.error(node, "cannot use _ as value or type");
            } else {
                self.error(node, format!("undefined: {name}"));
            }
            return;
        };
        self.record_use(node, object);
        let entry = world.object(object);
        let is_type = entry.kind == ObjectKind::TypeName;
        if want_type && !is_type {
            self.error(node, format!("{name} is not a type"));
            return;
        }
        // Even a type that is known already may be part of a cycle through this use.
        if entry.raw_type().is_none()
            || (is_type && want_type && entry.package == Some(self.package))
        {
            self.obj_decl(object);
        }
        let known = entry.raw_type().unwrap_or(TypeId::UNKNOWN);
        match entry.kind {
            ObjectKind::PackageName => {
                self.error(node, format!("use of package {name} not in selector"));
                return;
            }
            ObjectKind::Constant => {
                if !known.is_known() {
                    return;
                }
                if object == world.universe().iota {
                    let Some(iota) = self.environment.iota else {
                        self.error(node, "cannot use iota outside constant declaration");
                        return;
                    };
                    x.value = Value::Int(iota);
                } else {
                    x.value = entry.constant().clone();
                }
                x.mode = Mode::Constant;
            }
            ObjectKind::TypeName => x.mode = Mode::TypeExpression,
            ObjectKind::Variable(_) => {
                if !known.is_known() {
                    return;
                }
                x.mode = Mode::Variable;
            }
            ObjectKind::Function | ObjectKind::Nil => x.mode = Mode::Value,
            ObjectKind::Builtin => {
                x.builtin = Some(Builtin::of(entry));
                x.mode = Mode::Builtin;
            }
            ObjectKind::Label => return,
        }
        x.operand_type = known;
    }

    /// A type that is not generic.
    pub(crate) fn typ(&mut self, node: NodeId) -> TypeId {
        self.declared_type(node, None)
    }

    /// The type of a variable. (That it is no constraint is not checked: it changes no types.)
    pub(crate) fn var_type(&mut self, node: NodeId) -> TypeId {
        self.declared_type(node, None)
    }

    /// The type on the right-hand side of the declaration of `definition`, or any other type.
    pub(crate) fn declared_type(&mut self, node: NodeId, definition: Option<ObjectId>) -> TypeId {
        if !self.enter(node) {
            return TypeId::UNKNOWN;
        }
        let mut result = self.typ_internal(node, definition);
        self.leave();
        if self.world.is_generic(result) {
            self.error(node, "cannot use generic type without instantiation");
            result = TypeId::UNKNOWN;
        }
        self.record_type_and_value(node, Mode::TypeExpression, result, None);
        result
    }

    /// A type that must be generic.
    pub(crate) fn generic_type(&mut self, node: NodeId) -> TypeId {
        let mut result = self.typ_internal(node, None);
        // What an alias stands for may be unknown for a reason that was reported.
        if self.world.unalias(result).is_known() && !self.world.is_generic(result) {
            self.error(node, "not a generic type");
            result = TypeId::UNKNOWN;
        }
        self.record_type_and_value(node, Mode::TypeExpression, result, None);
        result
    }

    fn typ_internal(&mut self, node: NodeId, definition: Option<ObjectId>) -> TypeId {
        let world = self.world;
        match self.tree().expression(node) {
            Expression::Bad => {}
            Expression::Identifier => {
                let mut x = Operand::default();
                self.ident(&mut x, node, true);
                return self.type_of_operand(&x, node);
            }
            Expression::Selector { .. } => {
                let mut x = Operand::default();
                self.selector(&mut x, node, true);
                return self.type_of_operand(&x, node);
            }
            Expression::Index {
                operand, indices, ..
            } => {
                self.verify_version(node, 18, "type instantiation");
                return self.instantiated_type(node, operand, indices);
            }
            Expression::Parenthesized { inner } => return self.declared_type(inner, definition),
            Expression::ArrayType {
                length: None,
                element,
            } => {
                let element = self.var_type(element);
                return world.new_slice(element);
            }
            Expression::ArrayType {
                length: Some(length),
                element,
            } => {
                let size = if matches!(self.tree().expression(length), Expression::Ellipsis { .. })
                {
                    self.error(
                        length,
                        "invalid use of [...] array (outside a composite literal)",
                    );
                    -1
                } else {
                    self.array_length(length)
                };
                let element = self.var_type(element);
                if size >= 0 {
                    return world.new_array(size, element);
                }
            }
            Expression::Ellipsis { .. } => self.error(node, "invalid use of ..."),
            Expression::StructType { fields } => return self.struct_type(fields),
            Expression::Star { operand } => {
                let base = self.var_type(operand);
                if world.is_valid(base) {
                    return world.new_pointer(base);
                }
                // What a pointer points to may be unknown without the pointer being so: it stays
                // unknown as a whole, as in go/types.
            }
            Expression::FunctionType { .. } => {
                return self.func_type(None, None, node).signature;
            }
            Expression::InterfaceType { elements } => {
                return self.interface_type(elements, definition);
            }
            Expression::MapType { key, value } => {
                let key = self.var_type(key);
                let element = self.var_type(value);
                return world.new_map(key, element);
            }
            Expression::ChannelType { direction, value } => {
                let direction: ChannelDirection = direction;
                let element = self.var_type(value);
                return world.new_channel(direction, element);
            }
            _ => {
                self.error(node, "not a type");
                self.use_exprs(&[node]);
            }
        }
        TypeId::UNKNOWN
    }

    fn type_of_operand(&mut self, x: &Operand, node: NodeId) -> TypeId {
        match x.mode {
            Mode::TypeExpression => return x.operand_type,
            Mode::Invalid => {}
            _ => self.error(node, "not a type"),
        }
        TypeId::UNKNOWN
    }

    /// `operand[indices]` as a type; `node` is the whole of it.
    pub(crate) fn instantiated_type(
        &mut self,
        node: NodeId,
        operand: NodeId,
        indices: &'w [NodeId],
    ) -> TypeId {
        let world = self.world;
        let generic = self.generic_type(operand);
        if !world.unalias(generic).is_known() {
            // The arguments are left alone, as in go/types.
            return generic;
        }
        let arguments: Vec<TypeId> = indices.iter().map(|&node| self.var_type(node)).collect();
        // An argument of a package that is not there leaves the rest of the type as it is: its methods,
        // and the fields that have nothing to do with the argument. go/types gives up here.
        let valid = arguments.iter().all(|&argument| world.is_valid(argument));
        let parameters = world.type_parameters(generic);
        if parameters.len() != arguments.len() {
            self.error(node, "wrong number of type arguments");
            if generic.kind() == TypeKind::Alias {
                return TypeId::UNKNOWN;
            }
        }
        let instance = self.context.instantiate(world, generic, &arguments);
        self.later(move |checker| {
            checker.record_instance(node, &arguments, instance);
            let parameters = checker.world.type_parameters(instance);
            if valid
                && parameters.len() == arguments.len()
                && let Err(index) = checker.verify_instance(generic, &arguments)
            {
                let at = indices.get(index).copied().unwrap_or(node);
                checker.soft_error(at, "type argument does not satisfy its constraint");
            }
        });
        instance
    }

    /// Whether type arguments satisfy their constraints; the number of the first that does not.
    pub(crate) fn verify_instance(
        &mut self,
        generic: TypeId,
        arguments: &[TypeId],
    ) -> Result<(), usize> {
        let world = self.world;
        let parameters = world.type_parameters(generic);
        let dynamic = self.environment.version.allows(20);
        let verified = world.verify(parameters, arguments, dynamic, &mut |method| {
            self.obj_decl(method)
        });
        verified.map_err(|(index, _)| index)
    }

    /// The length of an array type, -1 in error.
    fn array_length(&mut self, node: NodeId) -> i64 {
        // An undeclared name here is most likely a type parameter without its constraint.
        if self.tree().is_identifier(node) {
            match self.lookup(self.symbol(node)) {
                None => {
                    self.error(node, "undefined array length or missing type constraint");
                    return -1;
                }
                Some(object) if self.world.object(object).kind != ObjectKind::Constant => {
                    self.error(node, "invalid array length");
                    return -1;
                }
                Some(_) => {}
            }
        }
        let mut x = Operand::default();
        self.expr(None, &mut x, node);
        if x.mode != Mode::Constant {
            if !x.is_invalid() {
                self.error(node, "array length must be constant");
            }
            return -1;
        }
        if x.operand_type.is_untyped() || self.world.is_integer(x.operand_type) {
            let value = constant::to_int(&x.value);
            if self.world.representable_const(&value, TypeId::INT)
                && let Some(length) = value.int64_value()
                && length >= 0
            {
                return length;
            }
        }
        self.error(node, "invalid array length");
        -1
    }

    /// The types of a list of type arguments; none where one of them is unknown.
    pub(crate) fn type_list(&mut self, nodes: &[NodeId]) -> Option<Vec<TypeId>> {
        let mut types = Vec::with_capacity(nodes.len());
        let mut known = true;
        for &node in nodes {
            let argument = self.var_type(node);
            known &= self.world.is_valid(argument);
            types.push(argument);
        }
        known.then_some(types)
    }
}
