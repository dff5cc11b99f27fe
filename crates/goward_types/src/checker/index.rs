//! Index and slice expressions.
//!
//! Source: `go/types/index.go`.

use goward_syntax::NodeId;

use crate::checker::{Checker, Mode, Operand};
use crate::constant::Value;
use crate::ids::{TypeId, TypeKind};
use crate::types::Type;

impl<'w> Checker<'w> {
    /// Checks `operand[indices]`, the whole of which is `node`. True if it instantiates a generic
    /// function: `x` is that function then, and the indices are still to be looked at.
    pub(crate) fn index_expr(
        &mut self,
        x: &mut Operand,
        node: NodeId,
        operand: NodeId,
        indices: &'w [NodeId],
    ) -> bool {
        let world = self.world;
        self.expr_or_type(x, operand, true);
        match x.mode {
            Mode::Invalid => {
                self.use_exprs(indices);
                return false;
            }
            Mode::TypeExpression => {
                // A type instantiation.
                x.mode = Mode::Invalid;
                x.operand_type = self.var_type(node);
                if world.unalias(x.operand_type).is_known() {
                    x.mode = Mode::TypeExpression;
                }
                return false;
            }
            Mode::Value => {
                let signature = world.as_signature(world.underlying(x.operand_type));
                if signature.is_some_and(|signature| !signature.type_parameters.is_empty()) {
                    return true;
                }
            }
            _ => {}
        }
        self.non_generic(None, x);
        if x.is_invalid() {
            return false;
        }
        let mut length = -1;
        let mut valid = true;
        let underlying = world.underlying(x.operand_type);
        match world.get(underlying) {
            Type::Basic(_) if world.is_string(underlying) => {
                if x.mode == Mode::Constant {
                    length = x.value.string_value().len() as i64;
                }
                // An indexed string is never a constant.
                x.mode = Mode::Value;
                x.operand_type = TypeId::BYTE;
            }
            Type::Array {
                length: size,
                element,
            } => {
                length = size;
                if x.mode != Mode::Variable {
                    x.mode = Mode::Value;
                }
                x.operand_type = element;
            }
            Type::Pointer { base } => match world.get(world.underlying(base)) {
                Type::Array {
                    length: size,
                    element,
                } => {
                    length = size;
                    x.mode = Mode::Variable;
                    x.operand_type = element;
                }
                _ => valid = false,
            },
            Type::Slice { element } => {
                x.mode = Mode::Variable;
                x.operand_type = element;
            }
            Type::Map { key, element } => {
                self.map_index(x, node, indices, key, element);
                return false;
            }
            Type::Interface(_) if world.is_type_parameter(x.operand_type) => {
                match self.type_parameter_elements(x) {
                    Some((Some(key), element, ..)) => {
                        self.map_index(x, node, indices, key, element);
                        return false;
                    }
                    Some((None, element, mode, size)) => {
                        length = size;
                        x.mode = mode;
                        x.operand_type = element;
                    }
                    None => valid = false,
                }
            }
            _ => valid = false,
        }
        if !valid {
            if underlying.is_known() {
                self.error(x.node(), "cannot index this operand");
            }
            self.use_exprs(indices);
            x.invalidate();
            return false;
        }
        match self.single_index(node, indices) {
            Some(index) => drop(self.index(index, length)),
            None => x.invalidate(),
        }
        false
    }

    fn map_index(
        &mut self,
        x: &mut Operand,
        node: NodeId,
        indices: &[NodeId],
        key: TypeId,
        element: TypeId,
    ) {
        let Some(index) = self.single_index(node, indices) else {
            x.invalidate();
            return;
        };
        let mut operand = Operand::default();
        self.generic_expr(&mut operand, index, None);
        // Even a wrong key gives an element.
        self.assignment(&mut operand, Some(key), "map index");
        x.mode = Mode::MapIndex;
        x.operand_type = element;
        x.expression = Some(node);
    }

    /// Key (maps only), element, mode and least length of what a type parameter can be indexed as.
    fn type_parameter_elements(
        &mut self,
        x: &Operand,
    ) -> Option<(Option<TypeId>, TypeId, Mode, i64)> {
        let world = self.world;
        let mut mode = Mode::Variable;
        let mut found: Option<(Option<TypeId>, TypeId)> = None;
        let mut length = -1;
        let all = world.under_is(x.operand_type, |under| {
            let Some(under) = under else { return false };
            let (mut size, mut key) = (-1, None);
            let element = match world.get(under) {
                Type::Basic(_) if world.is_string(under) => {
                    mode = Mode::Value;
                    TypeId::BYTE
                }
                Type::Array { length, element } => {
                    size = length;
                    if x.mode != Mode::Variable {
                        mode = Mode::Value;
                    }
                    element
                }
                Type::Pointer { base } => match world.get(world.underlying(base)) {
                    Type::Array { length, element } => {
                        size = length;
                        element
                    }
                    _ => return false,
                },
                Type::Slice { element } => element,
                Type::Map {
                    key: map_key,
                    element,
                } => {
                    key = Some(map_key);
                    element
                }
                _ => return false,
            };
            match found {
                None => {
                    length = size;
                    found = Some((key, element));
                    true
                }
                Some((first_key, first_element)) => {
                    let same_keys = match (first_key, key) {
                        (Some(first), Some(other)) => world.identical(first, other),
                        (None, None) => true,
                        _ => false,
                    };
                    if size >= 0 && size < length {
                        length = size;
                    }
                    same_keys && world.identical(first_element, element)
                }
            }
        });
        let (key, element) = found?;
        all.then_some((key, element, mode, length))
    }

    pub(crate) fn slice_expr(&mut self, x: &mut Operand, node: NodeId) {
        use goward_syntax::Expression;
        let world = self.world;
        let Expression::Slice {
            operand,
            low,
            high,
            max,
            three,
        } = self.tree().expression(node)
        else {
            return;
        };
        self.expr(None, x, operand);
        let indices = [low, high, max];
        if x.is_invalid() {
            for index in indices.into_iter().flatten() {
                self.use_exprs(&[index]);
            }
            return;
        }
        // The type that all types of the operand share; strings count as byte slices.
        let mut common: Option<TypeId> = None;
        let mut has_string = false;
        let all = world.under_is(x.operand_type, |under| {
            let Some(mut under) = under else { return false };
            if world.is_string(under) {
                under = world.new_slice(TypeId::BYTE);
                has_string = true;
            }
            match common {
                None => {
                    common = Some(under);
                    true
                }
                Some(first) => world.identical(first, under),
            }
        });
        let Some(mut common) = common.filter(|_| all) else {
            self.error(x.node(), "cannot slice: no common underlying type");
            x.invalidate();
            return;
        };
        if has_string {
            common = TypeId::STRING;
            if !world.is_type_parameter(x.operand_type) {
                common = world.underlying(x.operand_type);
            }
        }
        let mut length = -1;
        let mut valid = true;
        match world.get(common) {
            Type::Basic(_) if world.is_string(common) => {
                if three {
                    self.error(node, "3-index slice of string");
                    x.invalidate();
                    return;
                }
                if x.mode == Mode::Constant {
                    length = x.value.string_value().len() as i64;
                }
                if x.operand_type.is_untyped() {
                    x.operand_type = TypeId::STRING;
                }
            }
            Type::Array {
                length: size,
                element,
            } => {
                length = size;
                if x.mode != Mode::Variable {
                    self.error(x.node(), "cannot slice an array that has no address");
                    x.invalidate();
                    return;
                }
                x.operand_type = world.new_slice(element);
            }
            Type::Pointer { base } => match world.get(world.underlying(base)) {
                Type::Array {
                    length: size,
                    element,
                } => {
                    length = size;
                    x.operand_type = world.new_slice(element);
                }
                _ => valid = false,
            },
            Type::Slice { .. } => {}
            _ => valid = false,
        }
        if !valid {
            if common.is_known() {
                self.error(x.node(), "cannot slice this operand");
            }
            x.invalidate();
            return;
        }
        x.mode = Mode::Value;
        if three && (high.is_none() || max.is_none()) {
            self.error(node, "2nd and 3rd index required in 3-index slice");
            x.invalidate();
            return;
        }
        let limit = if length >= 0 { length + 1 } else { -1 };
        let mut values = [-1; 3];
        for (position, index) in indices.into_iter().enumerate() {
            values[position] = match index {
                Some(index) => self.index(index, limit).map_or(-1, |(_, value)| value),
                None if position == 0 => 0,
                None => length,
            };
        }
        for (position, &value) in values[..2].iter().enumerate() {
            let later = values[position + 1..]
                .iter()
                .position(|&other| value > 0 && other >= 0 && other < value);
            if let Some(offset) = later {
                let at = indices[position + 1 + offset].unwrap_or(node);
                self.error(at, "invalid slice indices");
                break;
            }
        }
    }

    fn single_index(&mut self, node: NodeId, indices: &[NodeId]) -> Option<NodeId> {
        match indices {
            [] => {
                self.error(node, "missing index");
                None
            }
            [only] => Some(*only),
            [first, second, ..] => {
                self.error(*second, "more than one index");
                Some(*first)
            }
        }
    }

    /// Checks an index; its type, and its value (-1 if not constant). `max` of -1: no limit.
    pub(crate) fn index(&mut self, node: NodeId, max: i64) -> Option<(TypeId, i64)> {
        let mut x = Operand::default();
        self.expr(None, &mut x, node);
        if !self.is_valid_index(&mut x, "index", false) {
            return None;
        }
        if x.mode != Mode::Constant {
            return Some((x.operand_type, -1));
        }
        if matches!(x.value, Value::Unknown) {
            return None;
        }
        let value = x.value.int64_value()?;
        if max >= 0 && value >= max {
            self.error(node, "index out of bounds");
            return None;
        }
        Some((x.operand_type, value))
    }

    pub(crate) fn is_valid_index(
        &mut self,
        x: &mut Operand,
        what: &str,
        allow_negative: bool,
    ) -> bool {
        if x.is_invalid() {
            return false;
        }
        self.convert_untyped(x, TypeId::INT);
        if x.is_invalid() {
            return false;
        }
        if !self.world.all_integer(x.operand_type) {
            if self.world.underlying(x.operand_type).is_known() {
                self.error(x.node(), format!("{what} must be integer"));
            }
            return false;
        }
        if x.mode == Mode::Constant {
            if !allow_negative && x.value.sign() < 0 {
                self.error(x.node(), format!("{what} must not be negative"));
                return false;
            }
            match self.world.represent(&x.value, TypeId::INT) {
                Some(value) => x.value = value,
                None => {
                    self.error(x.node(), format!("{what} overflows int"));
                    return false;
                }
            }
        }
        true
    }

    /// The array that a pointer to one points to; any other type as it is.
    pub(crate) fn array_pointer_deref(&self, id: TypeId) -> TypeId {
        if let Type::Pointer { base } = self.world.get(self.world.unalias(id)) {
            let array = self.world.underlying(base);
            if array.kind() == TypeKind::Array {
                return array;
            }
        }
        id
    }
}
