//! Calls of built-in functions.
//!
//! Source: `go/types/builtins.go`.

use goward_syntax::{BinaryOperator, ChannelDirection, Expression, NodeId, Symbol};

use crate::checker::expr::constant_operator;
use crate::checker::{Checker, Mode, Operand};
use crate::constant::{self, Operator, Value};
use crate::facts::SelectionKind;
use crate::ids::{TypeId, TypeKind};
use crate::object::ObjectKind;
use crate::types::{BasicKind, Parameter, Signature, Type};
use crate::universe::Builtin;
use crate::world::World;

impl World {
    /// The signature that a call of a built-in function is recorded with.
    fn builtin_signature(
        &self,
        result: Option<TypeId>,
        arguments: &[TypeId],
        variadic: bool,
    ) -> TypeId {
        let unnamed = |parameter_type| Parameter {
            name: Symbol::EMPTY,
            parameter_type,
        };
        let parameters = arguments
            .iter()
            .map(|&argument| unnamed(self.default_type(argument)))
            .collect();
        let results = result.map(unnamed).into_iter().collect();
        self.new_signature(Signature {
            type_parameters: Box::default(),
            receiver_type_parameters: Box::default(),
            parameters: self.new_tuple(parameters),
            results: self.new_tuple(results),
            variadic,
        })
    }
}

/// The type of `complex(x, y)` for floats of this type.
fn complex_of(basic: Option<BasicKind>) -> Option<TypeId> {
    match basic? {
        BasicKind::Float32 => Some(TypeId::COMPLEX64),
        BasicKind::Float64 => Some(TypeId::COMPLEX128),
        BasicKind::UntypedFloat => Some(TypeId::UNTYPED_COMPLEX),
        _ => None,
    }
}

/// The type of the parts of a complex number of this type.
fn float_of(basic: Option<BasicKind>) -> Option<TypeId> {
    match basic? {
        BasicKind::Complex64 => Some(TypeId::FLOAT32),
        BasicKind::Complex128 => Some(TypeId::FLOAT64),
        BasicKind::UntypedComplex => Some(TypeId::UNTYPED_FLOAT),
        _ => None,
    }
}

impl<'w> Checker<'w> {
    /// Checks a call of a built-in function; its result is `x`. False in error.
    pub(crate) fn builtin(&mut self, x: &mut Operand, call: NodeId, builtin: Builtin) -> bool {
        let Expression::Call {
            function,
            arguments,
            ellipsis,
            ..
        } = self.tree().expression(call)
        else {
            return false;
        };
        if ellipsis.is_some() && builtin != Builtin::Append {
            self.error(call, "invalid use of ... with a built-in function");
            self.use_exprs(arguments);
            return false;
        }
        // For len and cap: whether their operand contains a call decides if they are constant.
        let has_call = self.environment.has_call_or_receive;
        if matches!(builtin, Builtin::Len | Builtin::Cap) {
            self.environment.has_call_or_receive = false;
        }
        let ok = self.builtin_call(x, call, function, arguments, ellipsis.is_some(), builtin);
        if matches!(builtin, Builtin::Len | Builtin::Cap) {
            self.environment.has_call_or_receive = has_call;
        }
        ok
    }

    fn builtin_call(
        &mut self,
        x: &mut Operand,
        call: NodeId,
        function: NodeId,
        nodes: &'w [NodeId],
        dots: bool,
        builtin: Builtin,
    ) -> bool {
        let mut arguments = Vec::new();
        let mut count = nodes.len();
        let unevaluated = matches!(
            builtin,
            Builtin::Make | Builtin::New | Builtin::UnsafeOffsetof | Builtin::TestTrace
        );
        if !unevaluated {
            arguments = self.expr_list(nodes);
            count = arguments.len();
            if arguments.iter().any(Operand::is_invalid) {
                return false;
            }
            if let Some(first) = arguments.first() {
                *x = first.clone();
            }
        }
        let (least, variadic) = builtin.arity();
        if count < least || (!variadic && count > least) {
            self.error(
                call,
                format!("wrong number of arguments for {}", builtin.name()),
            );
            return false;
        }
        match builtin {
            Builtin::Append => self.builtin_append(x, call, function, arguments, dots),
            Builtin::Cap | Builtin::Len => self.builtin_len(x, function, builtin),
            Builtin::Clear | Builtin::Close => self.builtin_clear_or_close(x, function, builtin),
            Builtin::Complex => self.builtin_complex(x, function, arguments),
            Builtin::Copy => self.builtin_copy(x, function, arguments),
            Builtin::Delete => self.builtin_delete(x, function, arguments),
            Builtin::Imag | Builtin::Real => self.builtin_part(x, function, builtin),
            Builtin::Make => self.builtin_make(x, call, function, nodes),
            Builtin::Max | Builtin::Min => self.builtin_min_max(x, function, arguments, builtin),
            Builtin::New => self.builtin_new(x, function, nodes[0]),
            Builtin::Panic => {
                let any = self.world.universe().written_empty_interface;
                self.assignment(x, Some(any), "argument to panic");
                self.statement_result(x, function, &[any])
            }
            Builtin::Print | Builtin::Println => {
                let mut types = Vec::with_capacity(arguments.len());
                for argument in &mut arguments {
                    self.assignment(argument, None, "argument to print");
                    if argument.is_invalid() {
                        return false;
                    }
                    types.push(argument.operand_type);
                }
                x.mode = Mode::NoValue;
                self.record_builtin(function, None, &types, false);
                true
            }
            Builtin::Recover => {
                let any = self.world.universe().written_empty_interface;
                self.value_result(x, function, any, &[])
            }
            Builtin::UnsafeOffsetof => self.unsafe_offsetof(x, function, nodes[0]),
            Builtin::TestAssert => true,
            Builtin::TestTrace => {
                x.mode = Mode::NoValue;
                true
            }
            _ => self.unsafe_builtin(x, function, arguments, builtin),
        }
    }

    fn record_builtin(
        &mut self,
        function: NodeId,
        result: Option<TypeId>,
        arguments: &[TypeId],
        variadic: bool,
    ) {
        if !self.settings.no_facts {
            let signature = self.world.builtin_signature(result, arguments, variadic);
            self.record_builtin_type(function, signature);
        }
    }

    /// The result is a value of type `result`.
    fn value_result(
        &mut self,
        x: &mut Operand,
        function: NodeId,
        result: TypeId,
        arguments: &[TypeId],
    ) -> bool {
        x.mode = Mode::Value;
        x.operand_type = result;
        self.record_builtin(function, Some(result), arguments, false);
        true
    }

    /// There is no result, unless `x` is in error already.
    fn statement_result(
        &mut self,
        x: &mut Operand,
        function: NodeId,
        arguments: &[TypeId],
    ) -> bool {
        if x.is_invalid() {
            return false;
        }
        x.mode = Mode::NoValue;
        self.record_builtin(function, None, arguments, false);
        true
    }

    /// Reports a wrong argument, unless its type is unknown.
    fn argument_error(&mut self, x: &Operand, message: &str) -> bool {
        if self.world.underlying(x.operand_type).is_known()
            && let Some(node) = x.expression
        {
            self.error(node, message);
        }
        false
    }

    /// The element type that all slice types of the operand share.
    fn slice_element(&self, x: &Operand) -> Option<TypeId> {
        let world = self.world;
        let mut element_type: Option<TypeId> = None;
        let all = world.under_is(x.operand_type, |under| {
            match under.map(|under| world.get(under)) {
                Some(Type::Slice { element }) => match element_type {
                    Some(first) => world.identical(first, element),
                    None => {
                        element_type = Some(element);
                        true
                    }
                },
                _ => false,
            }
        });
        element_type.filter(|_| all)
    }

    /// Whether all types of the operand are byte slices or strings, and whether one is a string.
    fn bytes_or_string(&self, x: &Operand) -> (bool, bool) {
        let world = self.world;
        let mut has_string = false;
        let all = world.under_is(x.operand_type, |under| {
            let Some(under) = under else { return false };
            match world.get(under) {
                Type::Slice { element } => world.identical(element, TypeId::BYTE),
                _ => {
                    let string = world.is_string(under);
                    has_string |= string;
                    string
                }
            }
        });
        (all, has_string)
    }

    fn builtin_append(
        &mut self,
        x: &mut Operand,
        call: NodeId,
        function: NodeId,
        mut arguments: Vec<Operand>,
        dots: bool,
    ) -> bool {
        let world = self.world;
        let Some(element) = self.slice_element(x) else {
            return self.argument_error(x, "append needs a slice");
        };
        let slice = x.operand_type;
        // append([]byte, string...) is a case of its own.
        if arguments.len() == 2 && dots {
            let bytes = world.new_slice(TypeId::BYTE);
            if self.assignable_to(x, bytes) && self.bytes_or_string(&arguments[1]) == (true, true) {
                let second = arguments[1].operand_type;
                self.record_builtin(function, Some(slice), &[slice, second], true);
                x.mode = Mode::Value;
                if second.is_untyped() {
                    // go/types leaves the string untyped.
                }
                return true;
            }
        }
        let rest = world.new_slice(element);
        let signature = world.builtin_signature(Some(slice), &[slice, rest], true);
        self.arguments(call, signature, Vec::new(), &[], &mut arguments, &[]);
        self.record_builtin_type(function, signature);
        x.mode = Mode::Value;
        true
    }

    fn builtin_len(&mut self, x: &mut Operand, function: NodeId, builtin: Builtin) -> bool {
        let world = self.world;
        let is_len = builtin == Builtin::Len;
        let measured = self.array_pointer_deref(world.underlying(x.operand_type));
        let mut value = Value::Unknown;
        let mode = match world.get(measured) {
            Type::Basic(_) if is_len && world.is_string(measured) => {
                if x.mode == Mode::Constant {
                    value = Value::Int(x.value.string_value().len() as i64);
                    Mode::Constant
                } else {
                    Mode::Value
                }
            }
            // The length of an array is constant unless computing the array takes a call.
            Type::Array { length, .. } => {
                if self.environment.has_call_or_receive {
                    Mode::Value
                } else {
                    if length >= 0 {
                        value = Value::Int(length);
                    }
                    Mode::Constant
                }
            }
            Type::Slice { .. } | Type::Channel { .. } => Mode::Value,
            Type::Map { .. } if is_len => Mode::Value,
            Type::Interface(_) if world.is_type_parameter(x.operand_type) => {
                let all = world.under_is(x.operand_type, |under| {
                    let Some(under) = under else { return false };
                    match self.array_pointer_deref(under).kind() {
                        TypeKind::Basic => is_len && world.is_string(under),
                        TypeKind::Array | TypeKind::Slice | TypeKind::Channel => true,
                        TypeKind::Map => is_len,
                        _ => false,
                    }
                });
                if all { Mode::Value } else { Mode::Invalid }
            }
            _ => Mode::Invalid,
        };
        if mode == Mode::Invalid {
            return self.argument_error(x, "this operand has no length or capacity");
        }
        if mode != Mode::Constant {
            self.record_builtin(function, Some(TypeId::INT), &[x.operand_type], false);
        }
        x.mode = mode;
        x.operand_type = TypeId::INT;
        x.value = value;
        true
    }

    fn builtin_clear_or_close(
        &mut self,
        x: &mut Operand,
        function: NodeId,
        builtin: Builtin,
    ) -> bool {
        let world = self.world;
        let clear = builtin == Builtin::Clear;
        if clear {
            self.verify_version(function, 21, "clear");
        }
        let all = world.under_is(x.operand_type, |under| {
            match under.map(|under| world.get(under)) {
                Some(Type::Map { .. } | Type::Slice { .. }) => clear,
                Some(Type::Channel { direction, .. }) => {
                    !clear && direction != ChannelDirection::Receive
                }
                _ => false,
            }
        });
        if !all {
            let message = if clear {
                "clear needs a map or slice"
            } else {
                "close needs a channel that can be sent to"
            };
            return self.argument_error(x, message);
        }
        let argument = x.operand_type;
        self.statement_result(x, function, &[argument])
    }

    fn builtin_complex(
        &mut self,
        x: &mut Operand,
        function: NodeId,
        mut arguments: Vec<Operand>,
    ) -> bool {
        let world = self.world;
        let mut y = arguments.swap_remove(1);
        match (x.operand_type.is_untyped(), y.operand_type.is_untyped()) {
            (false, false) => {}
            (true, false) => self.convert_untyped(x, y.operand_type),
            (false, true) => self.convert_untyped(&mut y, x.operand_type),
            (true, true) => {
                if x.mode == Mode::Constant && y.mode == Mode::Constant {
                    for operand in [&mut *x, &mut y] {
                        if world.is_numeric(operand.operand_type)
                            && operand.value.imag().sign() == 0
                        {
                            operand.operand_type = TypeId::UNTYPED_FLOAT;
                        }
                    }
                } else {
                    // The operands stem from untyped shifts.
                    self.convert_untyped(x, TypeId::FLOAT64);
                    self.convert_untyped(&mut y, TypeId::FLOAT64);
                }
            }
        }
        if x.is_invalid() || y.is_invalid() {
            return false;
        }
        if !world.identical(x.operand_type, y.operand_type) {
            return self.argument_error(x, "complex needs two operands of one type");
        }
        let Some(result) = self.apply_type_function(complex_of, x) else {
            return self.argument_error(x, "complex needs floating-point operands");
        };
        if x.mode == Mode::Constant && y.mode == Mode::Constant {
            let imaginary = Value::make_imag(&constant::to_float(&y.value));
            x.value = constant::binary_op(&constant::to_float(&x.value), Operator::Add, &imaginary);
        } else {
            x.mode = Mode::Value;
            self.record_builtin(
                function,
                Some(result),
                &[x.operand_type, x.operand_type],
                false,
            );
        }
        x.operand_type = result;
        true
    }

    /// What `function` makes of the basic type of `x`. Type parameters are refused, as in go/types
    /// (with an error that leaves the type unknown here).
    fn apply_type_function(
        &mut self,
        function: fn(Option<BasicKind>) -> Option<TypeId>,
        x: &Operand,
    ) -> Option<TypeId> {
        if self.world.is_type_parameter(x.operand_type) {
            if let Some(node) = x.expression {
                self.soft_error(
                    node,
                    "type parameters are not supported as argument of this built-in function",
                );
            }
            return None;
        }
        function(self.world.underlying(x.operand_type).basic_kind())
    }

    fn builtin_copy(&mut self, x: &mut Operand, function: NodeId, arguments: Vec<Operand>) -> bool {
        let world = self.world;
        let y = &arguments[1];
        let bytes = world.new_slice(TypeId::BYTE);
        let special = self.assignable_to(x, bytes) && self.bytes_or_string(y).0;
        if !special {
            let Some(target) = self.slice_element(x) else {
                return self.argument_error(x, "copy needs a slice");
            };
            let source = match self.slice_element(y) {
                Some(element) => element,
                None if world.all_string(y.operand_type) => TypeId::BYTE,
                None => return self.argument_error(y, "copy needs a slice or a string"),
            };
            if !world.identical(target, source) {
                return self.argument_error(x, "copy needs slices of one element type");
            }
        }
        let types = [x.operand_type, y.operand_type];
        self.value_result(x, function, TypeId::INT, &types)
    }

    fn builtin_delete(
        &mut self,
        x: &mut Operand,
        function: NodeId,
        mut arguments: Vec<Operand>,
    ) -> bool {
        let world = self.world;
        let map = x.operand_type;
        let mut key: Option<TypeId> = None;
        let all = world.under_is(map, |under| match under.map(|under| world.get(under)) {
            Some(Type::Map { key: other, .. }) => match key {
                Some(first) => world.identical(first, other),
                None => {
                    key = Some(other);
                    true
                }
            },
            _ => false,
        });
        let Some(key) = key.filter(|_| all) else {
            return self.argument_error(x, "delete needs a map");
        };
        *x = arguments.swap_remove(1);
        self.assignment(x, Some(key), "argument to delete");
        self.statement_result(x, function, &[map, key])
    }

    fn builtin_part(&mut self, x: &mut Operand, function: NodeId, builtin: Builtin) -> bool {
        let world = self.world;
        if x.operand_type.is_untyped() {
            if x.mode == Mode::Constant {
                if world.is_numeric(x.operand_type) {
                    x.operand_type = TypeId::UNTYPED_COMPLEX;
                }
            } else {
                // An untyped value that is not constant stems from a shift.
                self.convert_untyped(x, TypeId::COMPLEX128);
                if x.is_invalid() {
                    return false;
                }
            }
        }
        let Some(result) = self.apply_type_function(float_of, x) else {
            return self.argument_error(x, "the operand must be a complex number");
        };
        if x.mode == Mode::Constant {
            x.value = if builtin == Builtin::Real {
                x.value.real()
            } else {
                x.value.imag()
            };
        } else {
            x.mode = Mode::Value;
            self.record_builtin(function, Some(result), &[x.operand_type], false);
        }
        x.operand_type = result;
        true
    }

    fn builtin_make(
        &mut self,
        x: &mut Operand,
        call: NodeId,
        function: NodeId,
        nodes: &[NodeId],
    ) -> bool {
        let world = self.world;
        let made = self.var_type(nodes[0]);
        if !world.unalias(made).is_known() {
            return false;
        }
        let common = world.common_under_where(made, |under| {
            matches!(
                under.kind(),
                TypeKind::Slice | TypeKind::Map | TypeKind::Channel
            )
        });
        let least = match common.map(TypeId::kind) {
            Some(TypeKind::Slice) => 2,
            Some(TypeKind::Map | TypeKind::Channel) => 1,
            _ => {
                if world.underlying(made).is_known() {
                    self.error(nodes[0], "make needs a slice, map or channel type");
                }
                return false;
            }
        };
        if nodes.len() < least || least + 1 < nodes.len() {
            self.error(call, "wrong number of arguments for make");
            return false;
        }
        let mut types = vec![made];
        for &node in &nodes[1..] {
            let size = self.index(node, -1);
            types.push(size.map_or(TypeId::UNKNOWN, |(size_type, _)| size_type));
        }
        self.value_result(x, function, made, &types)
    }

    fn builtin_min_max(
        &mut self,
        x: &mut Operand,
        function: NodeId,
        mut arguments: Vec<Operand>,
        builtin: Builtin,
    ) -> bool {
        let world = self.world;
        self.verify_version(function, 21, "min and max");
        let operator = if builtin == Builtin::Max {
            BinaryOperator::Greater
        } else {
            BinaryOperator::Less
        };
        for (position, argument) in arguments.iter_mut().enumerate() {
            if !world.all_ordered(argument.operand_type) {
                return self
                    .argument_error(argument, "min and max need operands that can be ordered");
            }
            if position == 0 {
                continue;
            }
            self.match_types(x, argument);
            if x.is_invalid() {
                return false;
            }
            if !world.identical(x.operand_type, argument.operand_type) {
                return self.argument_error(argument, "min and max need operands of one type");
            }
            if x.mode == Mode::Constant && argument.mode == Mode::Constant {
                if constant::compare(&argument.value, constant_operator(operator), &x.value) {
                    *x = argument.clone();
                }
            } else {
                x.mode = Mode::Value;
            }
        }
        if x.mode != Mode::Constant {
            // A shift among the arguments must get its type.
            x.mode = Mode::Value;
            let any = world.universe().written_empty_interface;
            self.assignment(x, Some(any), "argument to min or max");
            if x.is_invalid() {
                return false;
            }
        }
        for argument in &arguments {
            self.update_expr_type(argument.expression, x.operand_type, true);
        }
        if x.mode != Mode::Constant {
            let types = vec![x.operand_type; arguments.len()];
            self.record_builtin(function, Some(x.operand_type), &types, false);
        }
        true
    }

    fn builtin_new(&mut self, x: &mut Operand, function: NodeId, node: NodeId) -> bool {
        let world = self.world;
        self.expr_or_type(x, node, false);
        self.exclude(x, false);
        match x.mode {
            Mode::Invalid => return false,
            Mode::TypeExpression => {}
            _ => {
                if x.operand_type.is_untyped() {
                    self.assignment(x, None, "argument to new");
                    if x.is_invalid() {
                        return false;
                    }
                }
                self.verify_version(function, 26, "new with a value");
            }
        }
        let made = x.operand_type;
        let pointer = world.new_pointer(made);
        self.value_result(x, function, pointer, &[made])
    }

    fn unsafe_offsetof(&mut self, x: &mut Operand, function: NodeId, node: NodeId) -> bool {
        let world = self.world;
        let selector = self.unparen(node);
        let Expression::Selector { operand, name } = self.tree().expression(selector) else {
            self.error(
                node,
                "the argument of unsafe.Offsetof must be a selector expression",
            );
            self.use_exprs(&[node]);
            return false;
        };
        self.expr(None, x, operand);
        if x.is_invalid() {
            return false;
        }
        let mut base = x.operand_type;
        if let Type::Pointer { base: pointed } = world.get(world.underlying(base))
            && world.underlying(pointed).kind() == TypeKind::Struct
        {
            base = pointed;
        }
        let found =
            world.lookup_field_or_method(base, false, Some(self.package), self.symbol(name));
        let Some(field) = found
            .object
            .filter(|&object| world.object(object).kind != ObjectKind::Function)
        else {
            return self.argument_error(x, "unsafe.Offsetof needs a field");
        };
        if found.indirect {
            return self.argument_error(x, "the field is embedded through a pointer");
        }
        self.record_selection(
            selector,
            SelectionKind::FieldValue,
            base,
            field,
            &found.index,
            false,
        );
        let mode = if x.mode == Mode::Variable {
            Mode::Variable
        } else {
            Mode::Value
        };
        let field_type = world.object_type(field);
        self.record_type_and_value(selector, mode, field_type, None);
        if world.has_variable_size(base) {
            return self.value_result(x, function, TypeId::UINTPTR, &[field_type]);
        }
        self.size_result(x, world.offsetof(base, &found.index))
    }

    /// A constant of type uintptr; an error where the size is too large to be told.
    fn size_result(&mut self, x: &mut Operand, size: i64) -> bool {
        if size < 0 {
            return self.argument_error(x, "the type is too large");
        }
        x.mode = Mode::Constant;
        x.value = Value::Int(size);
        x.operand_type = TypeId::UINTPTR;
        true
    }

    fn unsafe_builtin(
        &mut self,
        x: &mut Operand,
        function: NodeId,
        mut arguments: Vec<Operand>,
        builtin: Builtin,
    ) -> bool {
        let world = self.world;
        let byte_pointer = world.new_pointer(TypeId::BYTE);
        match builtin {
            Builtin::UnsafeAlignof | Builtin::UnsafeSizeof => {
                self.assignment(x, None, "argument to unsafe function");
                if x.is_invalid() {
                    return false;
                }
                let measured = x.operand_type;
                if world.has_variable_size(measured) {
                    return self.value_result(x, function, TypeId::UINTPTR, &[measured]);
                }
                let size = if builtin == Builtin::UnsafeSizeof {
                    world.sizeof(measured)
                } else {
                    world.alignof(measured)
                };
                self.size_result(x, size)
            }
            Builtin::UnsafeAdd => {
                self.assignment(x, Some(TypeId::UNSAFE_POINTER), "argument to unsafe.Add");
                if x.is_invalid() || !self.is_valid_index(&mut arguments[1], "length", true) {
                    return false;
                }
                let pointer = TypeId::UNSAFE_POINTER;
                let length = arguments[1].operand_type;
                self.value_result(x, function, pointer, &[pointer, length])
            }
            Builtin::UnsafeSlice => {
                let common = world.common_under(x.operand_type);
                let Some((pointer, Type::Pointer { base })) =
                    common.map(|common| (common, world.get(common)))
                else {
                    return self.argument_error(x, "unsafe.Slice needs a pointer");
                };
                if !self.is_valid_index(&mut arguments[1], "length", false) {
                    return false;
                }
                let length = arguments[1].operand_type;
                self.value_result(x, function, world.new_slice(base), &[pointer, length])
            }
            Builtin::UnsafeSliceData => {
                let common = world.common_under(x.operand_type);
                let Some((slice, Type::Slice { element })) =
                    common.map(|common| (common, world.get(common)))
                else {
                    return self.argument_error(x, "unsafe.SliceData needs a slice");
                };
                self.value_result(x, function, world.new_pointer(element), &[slice])
            }
            Builtin::UnsafeString => {
                self.assignment(x, Some(byte_pointer), "argument to unsafe.String");
                if x.is_invalid() || !self.is_valid_index(&mut arguments[1], "length", false) {
                    return false;
                }
                let length = arguments[1].operand_type;
                self.value_result(x, function, TypeId::STRING, &[byte_pointer, length])
            }
            Builtin::UnsafeStringData => {
                self.assignment(x, Some(TypeId::STRING), "argument to unsafe.StringData");
                if x.is_invalid() {
                    return false;
                }
                self.value_result(x, function, byte_pointer, &[TypeId::STRING])
            }
            _ => false,
        }
    }
}
