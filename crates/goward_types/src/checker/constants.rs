//! Constants: what can be represented, and the conversion of untyped operands.
//!
//! Source: `go/types/const.go`.

use goward_diagnostics::Span;
use goward_syntax::NodeId;

use crate::checker::{Checker, Mode, Operand};
use crate::constant::{self, Kind, Value};
use crate::ids::TypeId;
use crate::types::BasicKind;
use crate::world::World;

/// Untyped integer constants must fit into this many bits.
const PRECISION: u64 = 512;

/// Why an untyped operand cannot become a value of another type.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConversionError {
    TruncatedFloat,
    NumericOverflow,
    Invalid,
}

impl World {
    /// `value` as a value of the basic type `target` (rounded where that is a float), if it can be one.
    pub(crate) fn represent(&self, value: &Value, target: TypeId) -> Option<Value> {
        if matches!(value, Value::Unknown) {
            return Some(Value::Unknown);
        }
        let kind = target.basic_kind()?;
        let word = self.sizes().word as u32 * 8;
        match kind {
            BasicKind::Int
            | BasicKind::Int8
            | BasicKind::Int16
            | BasicKind::Int32
            | BasicKind::Int64
            | BasicKind::Uint
            | BasicKind::Uint8
            | BasicKind::Uint16
            | BasicKind::Uint32
            | BasicKind::Uint64
            | BasicKind::Uintptr
            | BasicKind::UntypedInt
            | BasicKind::UntypedRune => {
                let value = constant::to_int(value);
                if value.kind() != Kind::Int {
                    return None;
                }
                let (signed, bits) = match kind {
                    BasicKind::Int => (true, word),
                    BasicKind::Int8 => (true, 8),
                    BasicKind::Int16 => (true, 16),
                    BasicKind::Int32 => (true, 32),
                    BasicKind::Int64 => (true, 64),
                    BasicKind::Uint | BasicKind::Uintptr => (false, word),
                    BasicKind::Uint8 => (false, 8),
                    BasicKind::Uint16 => (false, 16),
                    BasicKind::Uint32 => (false, 32),
                    BasicKind::Uint64 => (false, 64),
                    _ => return Some(value),
                };
                let fits = match value.int64_value() {
                    Some(small) if signed => {
                        bits == 64 || (-1i64 << (bits - 1) <= small && small < 1i64 << (bits - 1))
                    }
                    Some(small) => small >= 0 && (bits == 64 || small < 1i64 << bits),
                    None => !signed && value.sign() >= 0 && value.bit_len() <= u64::from(bits),
                };
                fits.then_some(value)
            }
            BasicKind::Float32 | BasicKind::Float64 | BasicKind::UntypedFloat => {
                let float = constant::to_float(value);
                if float.kind() != Kind::Float {
                    return None;
                }
                match kind {
                    BasicKind::Float32 => constant::round_float32(&float),
                    BasicKind::Float64 => constant::round_float64(&float),
                    _ => Some(value.clone()),
                }
            }
            BasicKind::Complex64 | BasicKind::Complex128 | BasicKind::UntypedComplex => {
                let complex = constant::to_complex(value);
                if complex.kind() != Kind::Complex {
                    return None;
                }
                let round = match kind {
                    BasicKind::Complex64 => constant::round_float32,
                    BasicKind::Complex128 => constant::round_float64,
                    _ => return Some(value.clone()),
                };
                let real = round(&complex.real())?;
                let imaginary = round(&complex.imag())?;
                Some(constant::binary_op(
                    &real,
                    constant::Operator::Add,
                    &Value::make_imag(&imaginary),
                ))
            }
            BasicKind::String | BasicKind::UntypedString => {
                (value.kind() == Kind::String).then(|| value.clone())
            }
            BasicKind::Bool | BasicKind::UntypedBool => {
                (value.kind() == Kind::Bool).then(|| value.clone())
            }
            BasicKind::Invalid | BasicKind::UnsafePointer | BasicKind::UntypedNil => None,
        }
    }

    /// Whether `value` can be represented as a value of the basic type `target`.
    pub(crate) fn representable_const(&self, value: &Value, target: TypeId) -> bool {
        self.represent(value, target).is_some()
    }
}

impl Checker<'_> {
    /// Checks a constant result against its type, or against the precision of untyped constants.
    pub(crate) fn overflow(&mut self, x: &mut Operand, offset: u32) {
        if matches!(x.value, Value::Unknown) {
            self.error_at(Span::at(offset), "constant result is not representable");
            return;
        }
        if !x.operand_type.is_untyped() {
            let target = self.world.underlying(x.operand_type);
            self.representable(x, target);
            return;
        }
        // Small integers are by far the most common.
        if matches!(x.value, Value::Int(_)) {
            return;
        }
        if x.value.kind() == Kind::Int && x.value.bit_len() > PRECISION {
            self.error_at(Span::at(offset), "constant overflow");
            x.value = Value::Unknown;
        }
    }

    /// Makes the constant `x` a value of the basic type `target`, or invalid.
    pub(crate) fn representable(&mut self, x: &mut Operand, target: TypeId) {
        match self.representation(x, target) {
            Ok(value) => x.value = value,
            Err(error) => {
                self.invalid_conversion(x, error);
                x.invalidate();
            }
        }
    }

    pub(crate) fn representation(
        &mut self,
        x: &Operand,
        target: TypeId,
    ) -> Result<Value, ConversionError> {
        let world = self.world;
        match world.represent(&x.value, target) {
            Some(value) => Ok(value),
            None if world.is_numeric(x.operand_type) && world.is_numeric(target) => {
                if !world.is_integer(x.operand_type) && world.is_integer(target) {
                    Err(ConversionError::TruncatedFloat)
                } else {
                    Err(ConversionError::NumericOverflow)
                }
            }
            None => Err(ConversionError::Invalid),
        }
    }

    fn invalid_conversion(&mut self, x: &Operand, error: ConversionError) {
        let message = match error {
            ConversionError::TruncatedFloat => "constant truncated",
            ConversionError::NumericOverflow => "constant overflows its type",
            ConversionError::Invalid => "cannot convert to the required type",
        };
        match x.expression {
            Some(node) => self.error(node, message),
            None => {
                let place = self.environment.error_place;
                self.error_at(place.unwrap_or(Span::at(0)), message);
            }
        }
    }

    /// Gives an untyped `x` the type `target`.
    pub(crate) fn convert_untyped(&mut self, x: &mut Operand, target: TypeId) {
        match self.implicit_type_and_value(x, target) {
            Err(error) => {
                self.invalid_conversion(x, error);
                x.invalidate();
            }
            Ok((new_type, value)) => {
                if let Some(value) = value {
                    self.update_expr_val(x.expression, &value);
                    x.value = value;
                }
                if new_type != x.operand_type {
                    x.operand_type = new_type;
                    self.update_expr_type(x.expression, new_type, false);
                }
            }
        }
    }

    /// The type that an untyped `x` takes on where a `target` is wanted, and its value in that type.
    pub(crate) fn implicit_type_and_value(
        &mut self,
        x: &Operand,
        target: TypeId,
    ) -> Result<(TypeId, Option<Value>), ConversionError> {
        use crate::ids::TypeKind;
        let world = self.world;
        if x.is_invalid() || !x.operand_type.is_untyped() || !world.unalias(target).is_known() {
            return Ok((x.operand_type, None));
        }
        if target.is_untyped() {
            return match world.max_type(x.operand_type, target) {
                Some(larger) => Ok((larger, None)),
                None => Err(ConversionError::Invalid),
            };
        }
        let underlying = world.underlying(target);
        match underlying.kind() {
            TypeKind::Basic => {
                if x.mode == Mode::Constant {
                    let value = self.representation(x, underlying)?;
                    return Ok((target, Some(value)));
                }
                let fits = match x.operand_type.basic_kind() {
                    Some(BasicKind::UntypedBool) => world.is_boolean(target),
                    Some(
                        BasicKind::UntypedInt
                        | BasicKind::UntypedRune
                        | BasicKind::UntypedFloat
                        | BasicKind::UntypedComplex,
                    ) => world.is_numeric(target),
                    // A string that is not constant can be untyped too: "foo"[i:j].
                    Some(BasicKind::UntypedString) => world.is_string(target),
                    Some(BasicKind::UntypedNil) => {
                        return if world.has_nil(target) {
                            Ok((TypeId::UNTYPED_NIL, None))
                        } else {
                            Err(ConversionError::Invalid)
                        };
                    }
                    _ => false,
                };
                if fits {
                    Ok((target, None))
                } else {
                    Err(ConversionError::Invalid)
                }
            }
            TypeKind::Interface => {
                if world.is_type_parameter(target) {
                    let mut members = Vec::new();
                    let specific = world.under_is(target, |under| {
                        members.extend(under);
                        under.is_some()
                    });
                    let all = specific
                        && members
                            .iter()
                            .all(|&member| self.implicit_type_and_value(x, member).is_ok());
                    if !all {
                        return Err(ConversionError::Invalid);
                    }
                    return Ok((
                        if x.is_nil() {
                            TypeId::UNTYPED_NIL
                        } else {
                            target
                        },
                        None,
                    ));
                }
                if x.is_nil() {
                    return Ok((TypeId::UNTYPED_NIL, None));
                }
                if !world.type_set(underlying).is_all() {
                    return Err(ConversionError::Invalid);
                }
                Ok((world.default_type(x.operand_type), None))
            }
            TypeKind::Pointer
            | TypeKind::Signature
            | TypeKind::Slice
            | TypeKind::Map
            | TypeKind::Channel => {
                if x.is_nil() {
                    Ok((TypeId::UNTYPED_NIL, None))
                } else {
                    Err(ConversionError::Invalid)
                }
            }
            _ => Err(ConversionError::Invalid),
        }
    }

    /// Changes the value of a constant expression whose type is still open.
    pub(crate) fn update_expr_val(&mut self, node: Option<NodeId>, value: &Value) {
        if let Some(node) = node
            && let Some((mode, open_type)) = self.untyped_mode(node)
        {
            self.file_facts().update_value(node, mode, open_type, value);
        }
    }

    fn untyped_mode(&self, node: NodeId) -> Option<(Mode, TypeId)> {
        let fact = self.facts[self.environment.file].get(node)?;
        fact.expression_type
            .is_untyped()
            .then_some((fact.mode, fact.expression_type))
    }

    /// Mode, type and value of an expression whose type is still open (go/types: `check.untyped`).
    pub(crate) fn untyped_record(&mut self, node: NodeId) -> Option<(Mode, TypeId, Option<Value>)> {
        let facts = &self.facts[self.environment.file];
        let fact = facts.get(node)?;
        let basic = fact.expression_type.basic_kind()?;
        (basic.info() & crate::types::basic_info::UNTYPED != 0)
            .then(|| (fact.mode, fact.expression_type, fact.value.cloned()))
    }
}
