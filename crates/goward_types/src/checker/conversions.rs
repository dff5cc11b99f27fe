//! Conversions `T(x)`, and what can be assigned to what.
//!
//! Source: `go/types/conversions.go`, `go/types/operand.go`.

use goward_syntax::ChannelDirection;

use crate::checker::{Checker, Mode, Operand};
use crate::constant::Value;
use crate::ids::{TypeId, TypeKind};
use crate::types::{BasicKind, Type};
use crate::world::World;

impl World {
    /// The one underlying type of `id`, if `condition` holds for all of them.
    pub(crate) fn common_under_where(
        &self,
        id: TypeId,
        mut condition: impl FnMut(TypeId) -> bool,
    ) -> Option<TypeId> {
        let common = self.common_under_if(id, |_, under| match under {
            Some(under) if condition(under) => Ok(()),
            _ => Err("not a type that is asked for"),
        });
        common.ok()
    }

    /// The types of the terms of a type parameter; none if it has no specific types.
    pub(crate) fn term_types(&self, type_parameter: TypeId) -> Option<Vec<TypeId>> {
        let mut types = Vec::new();
        let specific = self.all(type_parameter, |term, _| {
            types.extend(term);
            term.is_some()
        });
        specific.then_some(types)
    }

    pub(crate) fn is_uintptr(&self, id: TypeId) -> bool {
        self.underlying(id).basic_kind() == Some(BasicKind::Uintptr)
    }

    pub(crate) fn is_unsafe_pointer(&self, id: TypeId) -> bool {
        self.underlying(id).basic_kind() == Some(BasicKind::UnsafePointer)
    }

    pub(crate) fn is_bytes_or_runes(&self, id: TypeId) -> bool {
        match self.get(self.underlying(id)) {
            Type::Slice { element } => matches!(
                self.underlying(element).basic_kind(),
                Some(BasicKind::Uint8 | BasicKind::Int32)
            ),
            _ => false,
        }
    }
}

impl Checker<'_> {
    fn const_convertible_to(&self, x: &Operand, target: TypeId) -> Option<Value> {
        let basic = self.world.underlying(target);
        if basic.kind() != TypeKind::Basic {
            return None;
        }
        if let Some(value) = self.world.represent(&x.value, basic) {
            return Some(value);
        }
        if self.world.is_integer(x.operand_type) && self.world.is_string(basic) {
            let code_point = x
                .value
                .uint64_value()
                .and_then(|number| u32::try_from(number).ok());
            let character = code_point
                .and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER);
            return Some(Value::make_string(character.to_string().as_bytes()));
        }
        None
    }

    /// Checks `target(x)` and makes `x` its result.
    pub(crate) fn conversion(&mut self, x: &mut Operand, target: TypeId) {
        let world = self.world;
        let constant_argument = x.mode == Mode::Constant;
        let constant_target = world.is_const_type(target);
        let ok = if constant_argument && constant_target {
            match self.const_convertible_to(x, target) {
                Some(value) => {
                    x.value = value;
                    true
                }
                None => false,
            }
        } else if constant_argument && world.is_type_parameter(target) {
            let mut members = Vec::new();
            let specific = world.under_is(target, |under| {
                members.extend(under);
                under.is_some()
            });
            let all = members.iter().all(|&member| {
                (world.is_string(x.operand_type) && world.is_bytes_or_runes(member))
                    || self.const_convertible_to(x, member).is_some()
            });
            // Values of type parameters are never constant.
            x.mode = Mode::Value;
            specific && all
        } else if self.convertible_to(x, target) {
            x.mode = Mode::Value;
            true
        } else {
            false
        };
        if !ok {
            if world.underlying(x.operand_type).is_known() && world.underlying(target).is_known() {
                let wanted = world.type_text_in(target, self.package);
                self.error(x.node(), format!("cannot convert to type {wanted}"));
            }
            x.invalidate();
            return;
        }
        if x.operand_type.is_untyped() {
            let mut last = target;
            if world.is_non_type_parameter_interface(target)
                || (constant_argument && !constant_target)
                || x.is_nil()
            {
                // The default type of untyped nil is untyped nil.
                last = world.default_type(x.operand_type);
            } else if x.mode == Mode::Constant
                && world.is_integer(x.operand_type)
                && world.all_string(target)
            {
                last = x.operand_type;
            }
            self.update_expr_type(x.expression, last, true);
        }
        x.operand_type = target;
    }

    fn convertible_to(&mut self, x: &Operand, target: TypeId) -> bool {
        if self.assignable_to(x, target) {
            return true;
        }
        let world = self.world;
        let from = world.unalias(x.operand_type);
        let to = world.unalias(target);
        let from_under = world.underlying(from);
        let to_under = world.underlying(to);
        let from_parameter = from.kind() == TypeKind::TypeParameter;
        let to_parameter = to.kind() == TypeKind::TypeParameter;
        if !from_parameter && !to_parameter && world.identical_ignore_tags(from_under, to_under) {
            return true;
        }
        if let (Type::Pointer { base: from_base }, Type::Pointer { base: to_base }) =
            (world.get(from), world.get(to))
            && world.identical_ignore_tags(world.underlying(from_base), world.underlying(to_base))
            && !world.is_type_parameter(from_base)
            && !world.is_type_parameter(to_base)
        {
            return true;
        }
        if world.is_integer_or_float(from_under) && world.is_integer_or_float(to_under) {
            return true;
        }
        if world.is_complex(from_under) && world.is_complex(to_under) {
            return true;
        }
        if (world.is_integer(from_under) || world.is_bytes_or_runes(from_under))
            && world.is_string(to_under)
        {
            return true;
        }
        if world.is_string(from_under) && world.is_bytes_or_runes(to_under) {
            return true;
        }
        if (world.is_pointer(from_under) || world.is_uintptr(from_under))
            && world.is_unsafe_pointer(to_under)
        {
            return true;
        }
        if world.is_unsafe_pointer(from_under)
            && (world.is_pointer(to_under) || world.is_uintptr(to_under))
        {
            return true;
        }
        if let Type::Slice { element } = world.get(from_under) {
            match world.get(to_under) {
                Type::Array { element: other, .. } if world.identical(element, other) => {
                    return self.environment.version.allows(20);
                }
                Type::Pointer { base } => {
                    if let Type::Array { element: other, .. } = world.get(world.underlying(base))
                        && world.identical(element, other)
                    {
                        return self.environment.version.allows(17);
                    }
                }
                _ => {}
            }
        }
        if !from_parameter && !to_parameter {
            return false;
        }
        // Each type of the one must be convertible to each type of the other.
        let sources = if from_parameter {
            world.term_types(from)
        } else {
            Some(vec![x.operand_type])
        };
        let targets = if to_parameter {
            world.term_types(to)
        } else {
            Some(vec![to])
        };
        let (Some(sources), Some(targets)) = (sources, targets) else {
            return false;
        };
        let mut inner = x.clone();
        for source in sources {
            if from_parameter {
                inner.operand_type = source;
            }
            for &goal in &targets {
                if !self.convertible_to(&inner, goal) {
                    return false;
                }
            }
        }
        true
    }

    /// Whether `x` can be assigned to a variable of type `target`.
    pub(crate) fn assignable_to(&mut self, x: &Operand, target: TypeId) -> bool {
        let world = self.world;
        let to = world.unalias(target);
        if x.is_invalid() || !to.is_known() {
            return true;
        }
        let from = world.unalias(x.operand_type);
        if from == to || !from.is_known() || world.identical(from, to) {
            return true;
        }
        let from_under = world.underlying(from);
        let to_under = world.underlying(to);
        let from_parameter = from.kind() == TypeKind::TypeParameter;
        let to_parameter = to.kind() == TypeKind::TypeParameter;
        if from_under.is_untyped() {
            if to_parameter {
                let Some(terms) = world.term_types(to) else {
                    return false;
                };
                return terms
                    .iter()
                    .all(|&term| self.implicit_type_and_value(x, term).is_ok());
            }
            return self.implicit_type_and_value(x, to).is_ok();
        }
        // What is unknown absorbs.
        if !from_under.is_known() || !to_under.is_known() {
            return true;
        }
        let dynamic = self.environment.version.allows(20);
        let unnamed = !world.has_name(from) || !world.has_name(to);
        if unnamed && !from_parameter && !to_parameter && world.identical(from_under, to_under) {
            return true;
        }
        if (to_under.kind() == TypeKind::Interface && !to_parameter)
            || world.is_interface_pointer(to_under)
        {
            if world
                .implements(from, to, false, dynamic, &mut |method| {
                    self.obj_decl(method)
                })
                .is_ok()
            {
                return true;
            }
            if !from_parameter {
                return false;
            }
        }
        if from_under.kind() == TypeKind::Interface
            && !from_parameter
            && world
                .implements(to, from, false, dynamic, &mut |method| {
                    self.obj_decl(method)
                })
                .is_ok()
        {
            // A type assertion is missing.
            return false;
        }
        if let Type::Channel {
            direction: ChannelDirection::Both,
            element,
        } = world.get(from_under)
            && let Type::Channel { element: other, .. } = world.get(to_under)
            && world.identical(element, other)
        {
            return unnamed;
        }
        if !from_parameter && !to_parameter {
            return false;
        }
        if to_parameter && !world.has_name(from) {
            let Some(terms) = world.term_types(to) else {
                return false;
            };
            return terms.iter().all(|&term| self.assignable_to(x, term));
        }
        if from_parameter && !world.has_name(to) {
            let Some(terms) = world.term_types(from) else {
                return false;
            };
            let mut inner = x.clone();
            return terms.iter().all(|&term| {
                inner.operand_type = term;
                self.assignable_to(&inner, target)
            });
        }
        false
    }
}
