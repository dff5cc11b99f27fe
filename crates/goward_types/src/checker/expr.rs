//! Expressions: the entry points, operators, and how untyped operands get their types.
//!
//! Source: `go/types/expr.go`. Untyped expressions are recorded with their untyped type at once; when
//! the context fixes the type, [`Checker::update_expr_type`] walks back into the operands.

use goward_syntax::{BinaryOperator, Expression, NodeId, UnaryOperator};

use crate::checker::{Checker, Mode, Operand, Target};
use crate::constant::{self, Kind, Operator, Value};
use crate::ids::{TypeId, TypeKind};
use crate::types::Type;
use crate::universe::CallKind;

/// Constant shifts by more than this are refused, so that the smallest float can still be written.
const SHIFT_BOUND: u64 = 1023 - 1 + 52;

pub(crate) fn is_comparison(operator: BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(
        operator,
        B::Equal | B::NotEqual | B::Less | B::LessEqual | B::Greater | B::GreaterEqual
    )
}

fn is_shift(operator: BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight
    )
}

/// The constant operation of a binary operator (not a shift).
pub(crate) fn constant_operator(operator: BinaryOperator) -> Operator {
    match operator {
        BinaryOperator::Add => Operator::Add,
        BinaryOperator::Subtract => Operator::Sub,
        BinaryOperator::Multiply => Operator::Mul,
        BinaryOperator::Divide => Operator::Quo,
        BinaryOperator::Remainder => Operator::Rem,
        BinaryOperator::And => Operator::And,
        BinaryOperator::Or => Operator::Or,
        BinaryOperator::Xor => Operator::Xor,
        BinaryOperator::AndNot => Operator::AndNot,
        BinaryOperator::LogicalAnd => Operator::LogicalAnd,
        BinaryOperator::LogicalOr => Operator::LogicalOr,
        BinaryOperator::Equal => Operator::Equal,
        BinaryOperator::NotEqual => Operator::NotEqual,
        BinaryOperator::Less => Operator::Less,
        BinaryOperator::LessEqual => Operator::LessEqual,
        BinaryOperator::Greater => Operator::Greater,
        BinaryOperator::GreaterEqual => Operator::GreaterEqual,
        BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight => unreachable!("shifts are apart"),
    }
}

impl<'w> Checker<'w> {
    fn unary(&mut self, x: &mut Operand, node: NodeId, operator: UnaryOperator, operand: NodeId) {
        let world = self.world;
        self.expr(None, x, operand);
        if x.is_invalid() {
            return;
        }
        let (operation, allowed) = match operator {
            UnaryOperator::Address => {
                let literal = matches!(
                    self.tree().expression(self.unparen(operand)),
                    Expression::CompositeLiteral { .. }
                );
                if !literal && x.mode != Mode::Variable {
                    self.error(x.node(), "cannot take address of this operand");
                    x.invalidate();
                    return;
                }
                x.mode = Mode::Value;
                x.operand_type = world.new_pointer(x.operand_type);
                return;
            }
            UnaryOperator::Receive => {
                match self.channel_element(x.node(), x, true) {
                    Some(element) => {
                        x.mode = Mode::CommaOk;
                        x.operand_type = element;
                        self.environment.has_call_or_receive = true;
                    }
                    None => x.invalidate(),
                }
                return;
            }
            UnaryOperator::Tilde => {
                self.error(node, "cannot use ~ outside of interface or type constraint");
                if !world.all_integer(x.operand_type) {
                    x.invalidate();
                    return;
                }
                (Operator::Xor, true)
            }
            UnaryOperator::Plus => (Operator::Add, world.all_numeric(x.operand_type)),
            UnaryOperator::Minus => (Operator::Sub, world.all_numeric(x.operand_type)),
            UnaryOperator::Complement => (Operator::Xor, world.all_integer(x.operand_type)),
            UnaryOperator::Not => (Operator::Not, world.all_boolean(x.operand_type)),
        };
        if !allowed {
            self.operator_error(x);
            x.invalidate();
            return;
        }
        if x.mode == Mode::Constant {
            if matches!(x.value, Value::Unknown) {
                return;
            }
            let precision = if world.is_unsigned(x.operand_type) {
                (world.sizeof(x.operand_type) * 8) as u32
            } else {
                0
            };
            x.value = constant::unary_op(operation, &x.value, precision);
            x.expression = Some(node);
            let offset = self.tree().span(node).start;
            self.overflow(x, offset);
            return;
        }
        x.mode = Mode::Value;
    }

    fn operator_error(&mut self, x: &Operand) {
        if self.world.underlying(x.operand_type).is_known()
            && let Some(node) = x.expression
        {
            self.error(node, "operator not defined on this operand");
        }
    }

    /// The element type of a channel operand, for receiving or sending.
    pub(crate) fn channel_element(
        &mut self,
        node: NodeId,
        x: &Operand,
        receive: bool,
    ) -> Option<TypeId> {
        use goward_syntax::ChannelDirection as D;
        let world = self.world;
        let wrong = if receive { D::Send } else { D::Receive };
        let common = world.common_under_where(x.operand_type, |under| {
            matches!(world.get(under), Type::Channel { direction, .. } if direction != wrong)
        });
        if let Some(Type::Channel { element, .. }) = common.map(|common| world.get(common)) {
            return Some(element);
        }
        if world.underlying(x.operand_type).is_known() {
            self.error(
                node,
                if receive {
                    "cannot receive from this operand"
                } else {
                    "cannot send to this operand"
                },
            );
        }
        None
    }

    /// Gives an expression whose type is still open the type `new_type`, and its operands with it.
    pub(crate) fn update_expr_type(&mut self, node: Option<NodeId>, new_type: TypeId, last: bool) {
        let Some(node) = node else { return };
        let Some((mode, old_type, value)) = self.untyped_record(node) else {
            return;
        };
        let world = self.world;
        match self.tree().expression(node) {
            Expression::Parenthesized { inner } => {
                self.update_expr_type(Some(inner), new_type, last)
            }
            // The operands of a constant expression keep their untyped types.
            Expression::Unary { operand, .. } if value.is_none() => {
                self.update_expr_type(Some(operand), new_type, last);
            }
            Expression::Binary {
                operator,
                left,
                right,
                ..
            } if value.is_none() => {
                if is_comparison(operator) {
                    // The result does not depend on the operand types.
                } else if is_shift(operator) {
                    self.update_expr_type(Some(left), new_type, last);
                } else {
                    self.update_expr_type(Some(left), new_type, last);
                    self.update_expr_type(Some(right), new_type, last);
                }
            }
            Expression::Unary { .. }
            | Expression::Binary { .. }
            | Expression::Call { .. }
            | Expression::Identifier
            | Expression::BasicLiteral(_)
            | Expression::Selector { .. } => {}
            _ => return,
        }
        if !last && new_type.is_untyped() {
            let open_type = world.underlying(new_type);
            let shift_left_side = self.facts[self.environment.file].is_shift_left_side(node);
            self.file_facts()
                .record(node, mode, open_type, value.as_ref());
            if shift_left_side {
                self.file_facts().set_shift_left_side(node);
            }
            return;
        }
        if self.facts[self.environment.file].is_shift_left_side(node)
            && !world.all_integer(new_type)
        {
            self.error(node, "shifted operand must be integer");
            self.file_facts().forget(node);
            return;
        }
        if value.is_some() {
            // The value must fit the type that it takes on at last. The operand has no expression,
            // so that this does not come here again.
            let mut constant = Operand {
                mode,
                expression: None,
                operand_type: old_type,
                value: value.clone().unwrap_or(Value::Unknown),
                builtin: None,
            };
            let place = self.environment.error_place;
            let span = place.unwrap_or_else(|| self.tree().span(node));
            self.environment.error_place = Some(span);
            self.convert_untyped(&mut constant, new_type);
            self.environment.error_place = place;
            if constant.is_invalid() {
                self.file_facts().forget(node);
                return;
            }
        }
        self.record_type_and_value(node, mode, new_type, value.as_ref());
    }

    /// Checks the comparison of `x` and `y`; `x` becomes an untyped boolean.
    pub(crate) fn comparison(
        &mut self,
        x: &mut Operand,
        y: &mut Operand,
        operator: BinaryOperator,
        switch_case: bool,
    ) {
        let world = self.world;
        if !world.unalias(x.operand_type).is_known() || !world.unalias(y.operand_type).is_known() {
            x.invalidate();
            return;
        }
        let operator = if switch_case {
            BinaryOperator::Equal
        } else {
            operator
        };
        let mut ok = self.assignable_to(x, y.operand_type) || self.assignable_to(y, x.operand_type);
        if ok {
            ok = match operator {
                BinaryOperator::Equal | BinaryOperator::NotEqual => {
                    if x.is_nil() || y.is_nil() {
                        world.has_nil(if x.is_nil() {
                            y.operand_type
                        } else {
                            x.operand_type
                        })
                    } else {
                        world.comparable(x.operand_type) && world.comparable(y.operand_type)
                    }
                }
                _ => world.all_ordered(x.operand_type) && world.all_ordered(y.operand_type),
            };
        }
        if !ok {
            if world.underlying(x.operand_type).is_known()
                && world.underlying(y.operand_type).is_known()
            {
                let at = x.expression.or(y.expression);
                if let Some(node) = at {
                    self.error(node, "invalid comparison");
                }
            }
            x.invalidate();
            return;
        }
        if x.mode == Mode::Constant && y.mode == Mode::Constant {
            let result = constant::compare(&x.value, constant_operator(operator), &y.value);
            x.value = Value::Bool(result);
        } else {
            x.mode = Mode::Value;
            // The operands are not constant, or were typed before: their types are final now.
            self.update_expr_type(x.expression, world.default_type(x.operand_type), true);
            self.update_expr_type(y.expression, world.default_type(y.operand_type), true);
        }
        x.operand_type = TypeId::UNTYPED_BOOL;
    }

    fn shift(
        &mut self,
        x: &mut Operand,
        y: &mut Operand,
        node: Option<NodeId>,
        operator: BinaryOperator,
    ) {
        let world = self.world;
        let x_value = (x.mode == Mode::Constant).then(|| constant::to_int(&x.value));
        let untyped_integer = x.operand_type.is_untyped()
            && x_value
                .as_ref()
                .is_some_and(|value| value.kind() == Kind::Int);
        if !world.all_integer(x.operand_type) && !untyped_integer {
            // The left operand must be an integer, or a constant that is one.
            if world.underlying(x.operand_type).is_known() {
                self.error(x.node(), "shifted operand must be integer");
            }
            x.invalidate();
            return;
        }
        let mut y_value = Value::Unknown;
        if y.mode == Mode::Constant {
            y_value = constant::to_int(&y.value);
            if y_value.kind() == Kind::Int && y_value.sign() < 0 {
                self.error(y.node(), "negative shift count");
                x.invalidate();
                return;
            }
            if y.operand_type.is_untyped() {
                // Counts are representable as uint even where their type stays open.
                self.representable(y, TypeId::UINT);
                if y.is_invalid() {
                    x.invalidate();
                    return;
                }
            }
        } else if world.all_integer(y.operand_type) {
            if !world.all_unsigned(y.operand_type) && !self.environment.version.allows(13) {
                self.error(y.node(), "signed shift count requires go1.13 or later");
                x.invalidate();
                return;
            }
        } else if y.operand_type.is_untyped() {
            self.convert_untyped(y, TypeId::UINT);
            if y.is_invalid() {
                x.invalidate();
                return;
            }
        } else {
            if world.underlying(y.operand_type).is_known() {
                self.error(y.node(), "shift count must be integer");
            }
            x.invalidate();
            return;
        }
        if x.mode == Mode::Constant {
            if y.mode == Mode::Constant {
                if matches!(x.value, Value::Unknown) || matches!(y.value, Value::Unknown) {
                    x.value = Value::Unknown;
                    if !world.is_integer(x.operand_type) {
                        x.operand_type = TypeId::UNTYPED_INT;
                    }
                    return;
                }
                let Some(count) = y_value.uint64_value().filter(|&count| count <= SHIFT_BOUND)
                else {
                    self.error(y.node(), "invalid shift count");
                    x.invalidate();
                    return;
                };
                // A float constant that is an integer becomes one.
                if !world.is_integer(x.operand_type) {
                    x.operand_type = TypeId::UNTYPED_INT;
                }
                let value = x_value.unwrap_or(Value::Unknown);
                x.value = match operator {
                    BinaryOperator::ShiftLeft => constant::shift_left(&value, count as u32),
                    _ => constant::shift_right(&value, count as u32),
                };
                let offset = self.operator_offset(node.or(x.expression));
                x.expression = node;
                self.overflow(x, offset);
                return;
            }
            // `1 << s`: the 1 takes its type from the context, and must turn out to be an integer.
            if x.operand_type.is_untyped() {
                if let Some(left) = x.expression
                    && self.untyped_record(left).is_some()
                {
                    self.file_facts().set_shift_left_side(left);
                }
                x.mode = Mode::Value;
                return;
            }
        }
        if !world.all_integer(x.operand_type) {
            self.error(x.node(), "shifted operand must be integer");
            x.invalidate();
            return;
        }
        x.mode = Mode::Value;
    }

    fn operator_offset(&self, node: Option<NodeId>) -> u32 {
        match node.map(|node| (node, self.tree().expression(node))) {
            Some((
                _,
                Expression::Binary {
                    operator_offset, ..
                },
            )) => operator_offset,
            Some((node, _)) => self.tree().span(node).start,
            None => 0,
        }
    }

    /// Checks `left operator right`; without `right` the literal 1 of `x++`. `node` is the binary
    /// expression, none for an assignment `x op= y`.
    pub(crate) fn binary(
        &mut self,
        x: &mut Operand,
        node: Option<NodeId>,
        left: NodeId,
        right: Option<NodeId>,
        operator: BinaryOperator,
        operator_offset: u32,
    ) {
        let world = self.world;
        let mut y = Operand::default();
        self.expr(None, x, left);
        match right {
            Some(right) => self.expr(None, &mut y, right),
            None => {
                y.mode = Mode::Constant;
                y.operand_type = TypeId::UNTYPED_INT;
                y.value = Value::Int(1);
            }
        }
        if x.is_invalid() {
            return;
        }
        if y.is_invalid() {
            x.invalidate();
            x.expression = y.expression;
            return;
        }
        if is_shift(operator) {
            self.shift(x, &mut y, node, operator);
            return;
        }
        self.match_types(x, &mut y);
        if x.is_invalid() {
            return;
        }
        if is_comparison(operator) {
            self.comparison(x, &mut y, operator, false);
            return;
        }
        if !world.identical(x.operand_type, y.operand_type) {
            // What is unknown absorbs: nothing is reported of it.
            if world.underlying(x.operand_type).is_known()
                && world.underlying(y.operand_type).is_known()
            {
                let (one, other) = (
                    world.type_text_in(x.operand_type, self.package),
                    world.type_text_in(y.operand_type, self.package),
                );
                self.error(
                    node.unwrap_or(left),
                    format!("mismatched types {one} and {other}"),
                );
            }
            x.invalidate();
            return;
        }
        let operand_type = x.operand_type;
        let allowed = match operator {
            BinaryOperator::Add => world.all_numeric_or_string(operand_type),
            BinaryOperator::Subtract | BinaryOperator::Multiply | BinaryOperator::Divide => {
                world.all_numeric(operand_type)
            }
            BinaryOperator::LogicalAnd | BinaryOperator::LogicalOr => {
                world.all_boolean(operand_type)
            }
            _ => world.all_integer(operand_type),
        };
        if !allowed {
            self.operator_error(x);
            x.invalidate();
            return;
        }
        if matches!(operator, BinaryOperator::Divide | BinaryOperator::Remainder)
            && self.divides_by_zero(x, &y)
        {
            self.error(right.unwrap_or(left), "division by zero");
            x.invalidate();
            return;
        }
        if x.mode == Mode::Constant && y.mode == Mode::Constant {
            if matches!(x.value, Value::Unknown) || matches!(y.value, Value::Unknown) {
                x.value = Value::Unknown;
                return;
            }
            let mut operation = constant_operator(operator);
            if operation == Operator::Quo && world.is_integer(operand_type) {
                operation = Operator::IntQuo;
            }
            x.value = constant::binary_op(&x.value, operation, &y.value);
            x.expression = node;
            self.overflow(x, operator_offset);
            return;
        }
        x.mode = Mode::Value;
    }

    fn divides_by_zero(&self, x: &Operand, y: &Operand) -> bool {
        if y.mode != Mode::Constant {
            return false;
        }
        let world = self.world;
        if (x.mode == Mode::Constant || world.all_integer(x.operand_type)) && y.value.sign() == 0 {
            return !matches!(y.value, Value::Unknown);
        }
        if x.mode == Mode::Constant && world.is_complex(x.operand_type) {
            let square = |part: Value| constant::binary_op(&part, Operator::Mul, &part);
            return square(y.value.real()).sign() == 0 && square(y.value.imag()).sign() == 0;
        }
        false
    }

    /// Converts an untyped operand to the type of the other one, where both may be mixed at all.
    pub(crate) fn match_types(&mut self, x: &mut Operand, y: &mut Operand) {
        if !self.may_convert(x, y) {
            return;
        }
        self.convert_untyped(x, y.operand_type);
        if x.is_invalid() {
            return;
        }
        self.convert_untyped(y, x.operand_type);
        if y.is_invalid() {
            x.invalidate();
        }
    }

    fn may_convert(&self, x: &Operand, y: &Operand) -> bool {
        let world = self.world;
        let (one, other) = (x.operand_type, y.operand_type);
        if !one.is_untyped() && !other.is_untyped() {
            return false;
        }
        if world.all_numeric(one) != world.all_numeric(other) {
            return false;
        }
        if world.is_non_type_parameter_interface(one)
            || world.is_non_type_parameter_interface(other)
        {
            return true;
        }
        if world.all_boolean(one) != world.all_boolean(other)
            || world.all_string(one) != world.all_string(other)
        {
            return false;
        }
        if x.is_nil() {
            return world.has_nil(other);
        }
        if y.is_nil() {
            return world.has_nil(one);
        }
        !world.is_pointer(one) && !world.is_pointer(other)
    }

    /// Checks an expression of any kind. `target`: the function type that a generic function is
    /// assigned to. `hint`: the type of a composite literal without one.
    pub(crate) fn raw_expr(
        &mut self,
        target: Option<Target>,
        x: &mut Operand,
        node: NodeId,
        hint: Option<TypeId>,
        allow_generic: bool,
    ) -> CallKind {
        if !self.enter(node) {
            *x = Operand::invalid(node);
            return CallKind::Statement;
        }
        let kind = self.expr_internal(target, x, node, hint);
        self.leave();
        if !allow_generic {
            self.non_generic(target, x);
        }
        if !self.object_path.is_empty() {
            self.pending_type(x);
        }
        self.record(x);
        kind
    }

    /// Makes `x` invalid if it is generic and no target tells its type arguments.
    pub(crate) fn non_generic(&mut self, target: Option<Target>, x: &mut Operand) {
        if x.is_invalid() || x.mode == Mode::NoValue {
            return;
        }
        let world = self.world;
        match x.operand_type.kind() {
            TypeKind::Alias | TypeKind::Named => {
                if !world.is_generic(x.operand_type) {
                    return;
                }
            }
            TypeKind::Signature => {
                if world.type_parameters(x.operand_type).is_empty() {
                    return;
                }
                if let Some(target) = target {
                    self.func_inst(Some(target), x, None, true);
                    return;
                }
            }
            _ => return,
        }
        if let Some(node) = x.expression {
            self.error(
                node,
                "cannot use this generic type or function without instantiation",
            );
        }
        x.invalidate();
        x.operand_type = TypeId::UNKNOWN;
    }

    fn expr_internal(
        &mut self,
        target: Option<Target>,
        x: &mut Operand,
        node: NodeId,
        hint: Option<TypeId>,
    ) -> CallKind {
        *x = Operand::default();
        let world = self.world;
        match self.tree().expression(node) {
            Expression::Bad => {}
            Expression::Identifier => self.ident(x, node, false),
            Expression::Ellipsis { .. } => self.error(node, "invalid use of ..."),
            Expression::BasicLiteral(kind) => self.basic_lit(x, node, kind),
            Expression::FunctionLiteral {
                function_type,
                body,
            } => self.func_lit(x, function_type, body),
            Expression::CompositeLiteral {
                literal_type,
                elements,
                ..
            } => {
                self.composite_lit(x, node, literal_type, elements, hint);
            }
            Expression::Parenthesized { inner } => {
                let kind = self.raw_expr(None, x, inner, None, false);
                x.expression = Some(node);
                return kind;
            }
            Expression::Selector { .. } => self.selector(x, node, false),
            Expression::Index {
                operand, indices, ..
            } => {
                if self.index_expr(x, node, operand, indices) {
                    self.func_inst(target, x, Some((node, indices)), true);
                }
            }
            Expression::Slice { .. } => self.slice_expr(x, node),
            Expression::TypeAssertion { operand, asserted } => {
                self.type_assertion_expr(x, node, operand, asserted);
            }
            Expression::Call { .. } => return self.call_expr(x, node),
            Expression::Star { operand } => {
                self.expr_or_type(x, operand, false);
                match x.mode {
                    Mode::Invalid => {}
                    Mode::TypeExpression => x.operand_type = world.new_pointer(x.operand_type),
                    _ => self.indirection(x),
                }
            }
            Expression::Unary { operator, operand } => {
                self.unary(x, node, operator, operand);
                if !x.is_invalid() && operator == UnaryOperator::Receive {
                    x.expression = Some(node);
                    // A receive may stand alone as a statement.
                    return CallKind::Statement;
                }
            }
            Expression::Binary {
                operator,
                left,
                right,
                operator_offset,
            } => {
                self.binary(x, Some(node), left, Some(right), operator, operator_offset);
            }
            Expression::KeyValue { .. } => self.error(node, "no key:value expected"),
            Expression::ArrayType { .. }
            | Expression::StructType { .. }
            | Expression::FunctionType { .. }
            | Expression::InterfaceType { .. }
            | Expression::MapType { .. }
            | Expression::ChannelType { .. } => {
                x.mode = Mode::TypeExpression;
                x.operand_type = self.typ(node);
                // An unknown type is still a type.
            }
        }
        x.expression = Some(node);
        // An expression in error raises no further errors as a statement.
        if x.is_invalid() {
            CallKind::Statement
        } else {
            CallKind::Expression
        }
    }

    fn indirection(&mut self, x: &mut Operand) {
        let world = self.world;
        let mut common: Option<TypeId> = None;
        let ok = world.under_is(x.operand_type, |under| {
            match under.map(|under| world.get(under)) {
                Some(Type::Pointer { base }) => match common {
                    Some(first) => world.identical(first, base),
                    None => {
                        common = Some(base);
                        true
                    }
                },
                _ => false,
            }
        });
        match common.filter(|_| ok) {
            Some(base) => {
                x.mode = Mode::Variable;
                x.operand_type = base;
            }
            None => {
                if world.underlying(x.operand_type).is_known() {
                    self.error(x.node(), "cannot indirect this operand");
                }
                x.invalidate();
            }
        }
    }

    fn type_assertion_expr(
        &mut self,
        x: &mut Operand,
        node: NodeId,
        operand: NodeId,
        asserted: Option<NodeId>,
    ) {
        let world = self.world;
        self.expr(None, x, operand);
        if x.is_invalid() {
            return;
        }
        let Some(asserted) = asserted else {
            self.error(node, "use of .(type) outside type switch");
            x.invalidate();
            return;
        };
        if world.is_type_parameter(x.operand_type) || !world.is_interface(x.operand_type) {
            if world.underlying(x.operand_type).is_known() {
                self.error(operand, "type assertion needs an interface");
            }
            x.invalidate();
            return;
        }
        let wanted = self.var_type(asserted);
        if !world.unalias(wanted).is_known() {
            x.invalidate();
            return;
        }
        self.type_assertion(node, x, wanted, false);
        x.mode = Mode::CommaOk;
        x.operand_type = wanted;
    }

    /// Reports an assertion that can never succeed.
    pub(crate) fn type_assertion(
        &mut self,
        node: NodeId,
        x: &Operand,
        wanted: TypeId,
        type_switch: bool,
    ) {
        let world = self.world;
        if !world.assertable_to(x.operand_type, wanted, &mut |method| self.obj_decl(method)) {
            let what = if type_switch {
                "impossible type switch case"
            } else {
                "impossible type assertion"
            };
            self.error(node, what);
        }
    }

    /// Checks an expression that must be a single value.
    pub(crate) fn expr(&mut self, target: Option<Target>, x: &mut Operand, node: NodeId) {
        self.raw_expr(target, x, node, None, false);
        self.exclude(x, true);
        self.single_value(x);
    }

    /// Like [`Checker::expr`], but the value may be a generic function, or a composite literal without
    /// its type, which is then `hint`.
    pub(crate) fn generic_expr(&mut self, x: &mut Operand, node: NodeId, hint: Option<TypeId>) {
        self.raw_expr(None, x, node, hint, true);
        self.exclude(x, true);
        self.single_value(x);
    }

    /// The values of an expression: those of a call, or value and `ok`.
    pub(crate) fn multi_expr(
        &mut self,
        node: NodeId,
        allow_comma_ok: bool,
    ) -> (Vec<Operand>, bool) {
        let mut x = Operand::default();
        self.raw_expr(None, &mut x, node, None, false);
        self.exclude(&mut x, true);
        if let Some(values) = self.unpack_tuple(&x, node) {
            return (values, false);
        }
        if allow_comma_ok && matches!(x.mode, Mode::MapIndex | Mode::CommaOk | Mode::CommaError) {
            let second_type = if x.mode == Mode::CommaError {
                self.world.universe().error
            } else {
                TypeId::UNTYPED_BOOL
            };
            let second = Operand {
                mode: Mode::Value,
                expression: Some(node),
                operand_type: second_type,
                ..Operand::default()
            };
            return (vec![x, second], true);
        }
        (vec![x], false)
    }

    pub(crate) fn unpack_tuple(&self, x: &Operand, node: NodeId) -> Option<Vec<Operand>> {
        if x.is_invalid() || x.operand_type.kind() != TypeKind::Tuple {
            return None;
        }
        let values = self
            .world
            .tuple(x.operand_type)
            .iter()
            .map(|parameter| Operand {
                mode: Mode::Value,
                expression: Some(node),
                operand_type: parameter.parameter_type,
                ..Operand::default()
            });
        Some(values.collect())
    }

    /// Checks a single value or a type.
    pub(crate) fn expr_or_type(&mut self, x: &mut Operand, node: NodeId, allow_generic: bool) {
        self.raw_expr(None, x, node, None, allow_generic);
        if x.mode == Mode::NoValue {
            self.error(node, "used as value or type");
            x.invalidate();
        }
        self.single_value(x);
    }

    /// Makes `x` invalid if it has no value, is a built-in function that is not called, or (with
    /// `types`) a type.
    pub(crate) fn exclude(&mut self, x: &mut Operand, types: bool) {
        let message = match x.mode {
            Mode::NoValue => "used as value",
            Mode::Builtin => "must be called",
            Mode::TypeExpression if types => "is a type, not an expression",
            _ => return,
        };
        if let Some(node) = x.expression {
            self.error(node, message);
        }
        x.invalidate();
    }

    pub(crate) fn single_value(&mut self, x: &mut Operand) {
        if x.mode == Mode::Value && x.operand_type.kind() == TypeKind::Tuple {
            if let Some(node) = x.expression {
                self.error(node, "multiple values in single-value context");
            }
            x.invalidate();
        }
    }
}
