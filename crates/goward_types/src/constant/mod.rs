//! Values of Go constants and exact arithmetic on them.
//!
//! The rules are those of Go's package `go/constant` (`go/constant/value.go`, on top of
//! `math/big`), down to the last bit and the printed text: integers of any size, fractions while
//! their components stay below 4096 bits, and 512-bit binary floats beyond that. Integers that fit
//! 64 bits, by far the most frequent constants, live in the [`Value`] itself.
//!
//! Two things differ on purpose. What makes `go/constant` panic (a division by zero, an operator
//! that the operands do not have) gives [`Value::Unknown`] here, or `false` from [`compare`]. And
//! what would take unbounded memory does so too: integers beyond 65,536 bits, numeric literals
//! beyond [`LONGEST_NUMBER`] bytes, sums of strings beyond 64 MiB. The checker has to refuse all of
//! these anyway.

mod big_float;
mod byte_string;
mod format;
mod literal;
mod operation;
mod printable;
mod quote;
mod rational;

use std::sync::Arc;

use num_bigint::{BigInt, BigUint};
use num_traits::{One, ToPrimitive};

pub use big_float::BigFloat;
pub use byte_string::ByteString;
pub use literal::{LONGEST_NUMBER, LiteralKind, make_from_literal};
pub use operation::{Operator, binary_op, compare, shift_left, shift_right, unary_op};
pub use quote::{is_print, quote, unquote};
pub use rational::Rational;

use big_float::Rounding;

/// Fractions have components below this many bits; larger ones become floats.
const LARGEST_FRACTION: i64 = 4 << 10;

/// Integers have at most this many bits; larger ones become unknown.
const LARGEST_INTEGER: u64 = 1 << 16;

/// The value of a constant.
///
/// Built by the functions of this module, every value has one form only: an integer is `Int` if it
/// fits and `BigInt` if it does not.
#[derive(Clone, Debug)]
pub enum Value {
    /// Not known, because of an error elsewhere or because it is too large.
    Unknown,
    /// A boolean.
    Bool(bool),
    /// A string of any bytes.
    String(ByteString),
    /// An integer that fits 64 bits.
    Int(i64),
    /// Any other integer.
    BigInt(Arc<BigInt>),
    /// A floating-point value that is exact as a fraction; may be a whole number.
    Rat(Arc<Rational>),
    /// A floating-point value too large, too small or too long for a fraction.
    Float(Arc<BigFloat>),
    /// Real and imaginary part, each an integer or a floating-point value.
    Complex(Arc<(Value, Value)>),
}

/// What a constant is, apart from its representation.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Not known.
    Unknown,
    /// A boolean.
    Bool,
    /// A string.
    String,
    /// An integer.
    Int,
    /// A floating-point value, even if it is whole.
    Float,
    /// A complex value, even if its imaginary part is zero.
    Complex,
}

impl Value {
    /// The value of `b`.
    pub fn make_bool(b: bool) -> Self {
        Self::Bool(b)
    }

    /// The string of these bytes.
    pub fn make_string(bytes: &[u8]) -> Self {
        Self::String(ByteString::new(bytes))
    }

    /// The integer `x`.
    pub fn make_int64(x: i64) -> Self {
        Self::Int(x)
    }

    /// The integer `x`.
    pub fn make_uint64(x: u64) -> Self {
        match i64::try_from(x) {
            Ok(x) => Self::Int(x),
            Err(_) => Self::BigInt(Arc::new(BigInt::from(x))),
        }
    }

    /// The floating-point value `x`; zero for a negative zero, unknown for infinities and NaN.
    pub fn make_float64(x: f64) -> Self {
        // Every finite float64 has components far below the limit of fractions.
        match Rational::from_f64(x) {
            Some(fraction) => Self::Rat(Arc::new(fraction)),
            None => Self::Unknown,
        }
    }

    /// The complex value `x·i`, for an integer or floating-point `x`; unknown for anything else.
    pub fn make_imag(x: &Self) -> Self {
        match x.kind() {
            Kind::Int | Kind::Float => Self::make_complex(Self::Int(0), x.clone()),
            _ => Self::Unknown,
        }
    }

    fn make_complex(real: Self, imag: Self) -> Self {
        if real.kind() == Kind::Unknown || imag.kind() == Kind::Unknown {
            return Self::Unknown;
        }
        Self::Complex(Arc::new((real, imag)))
    }

    /// The integer in its smallest form; unknown if it is too large to go on with.
    fn make_integer(x: BigInt) -> Self {
        match x.to_i64() {
            Some(x) => Self::Int(x),
            None if x.bits() > LARGEST_INTEGER => Self::Unknown,
            None => Self::BigInt(Arc::new(x)),
        }
    }

    /// A fraction, or a float if its components are too large.
    fn make_rational(x: Rational) -> Self {
        if x.bits() < LARGEST_FRACTION as u64 {
            return Self::Rat(Arc::new(x));
        }
        Self::from_rounded(BigFloat::from_ratio(x.numerator(), x.denominator()))
    }

    /// A float as it comes out of rounding; unknown for an infinity.
    fn from_rounded(x: Option<BigFloat>) -> Self {
        x.map_or(Self::Unknown, |x| Self::Float(Arc::new(x)))
    }

    /// What the value is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::Unknown,
            Self::Bool(_) => Kind::Bool,
            Self::String(_) => Kind::String,
            Self::Int(_) | Self::BigInt(_) => Kind::Int,
            Self::Rat(_) | Self::Float(_) => Kind::Float,
            Self::Complex(_) => Kind::Complex,
        }
    }

    /// Whether the value is [`Value::Unknown`].
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// The text of `go/constant`'s `ExactString`: strings quoted, fractions as `a/b`, floats as
    /// `0x.`hexadecimal mantissa`p`exponent.
    pub fn exact_string(&self) -> String {
        match self {
            Self::Unknown => "unknown".to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::String(string) => quote(string.bytes()),
            Self::Int(x) => x.to_string(),
            Self::BigInt(x) => x.to_string(),
            Self::Rat(x) if x.is_integer() => x.numerator().to_string(),
            Self::Rat(x) => format!("{}/{}", x.numerator(), x.denominator()),
            Self::Float(x) => x.to_hexadecimal(),
            Self::Complex(parts) => {
                format!("({} + {}i)", parts.0.exact_string(), parts.1.exact_string())
            }
        }
    }

    /// The text of `go/constant`'s `String`, meant for messages: floats with six digits, strings
    /// quoted and cut after 72 characters.
    pub fn string(&self) -> String {
        const LONGEST: usize = 72;
        match self {
            Self::String(string) => {
                // A quoted string has at least one character for four bytes, so no more are looked
                // at than can show; one more character tells whether there is more.
                let bytes = string.bytes();
                let quoted = quote(&bytes[..bytes.len().min(4 * LONGEST)]);
                if quoted.chars().count() <= LONGEST {
                    return quoted;
                }
                quoted
                    .chars()
                    .take(LONGEST - 3)
                    .chain("...".chars())
                    .collect()
            }
            Self::Rat(x) => match BigFloat::from_ratio(x.numerator(), x.denominator()) {
                Some(x) => format::short_float(&x),
                None => "unknown".to_owned(),
            },
            Self::Float(x) => format::short_float(x),
            Self::Complex(parts) => format!("({} + {}i)", parts.0.string(), parts.1.string()),
            _ => self.exact_string(),
        }
    }

    /// The boolean; false for anything else.
    pub fn bool_value(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// The bytes of the string; empty for anything else.
    pub fn string_value(&self) -> &[u8] {
        match self {
            Self::String(string) => string.bytes(),
            _ => &[],
        }
    }

    /// The integer, if this is one and it fits.
    pub fn int64_value(&self) -> Option<i64> {
        match self {
            Self::Int(x) => Some(*x),
            _ => None,
        }
    }

    /// The integer, if this is one and it fits.
    pub fn uint64_value(&self) -> Option<u64> {
        match self {
            Self::Int(x) => u64::try_from(*x).ok(),
            Self::BigInt(x) => x.to_u64(),
            _ => None,
        }
    }

    /// The nearest float64 of an integer or floating-point value, and whether it is exact; an
    /// infinity if the value is too large, `(0, false)` for anything that is not such a number.
    pub fn float64_value(&self) -> (f64, bool) {
        match self {
            Self::Int(x) => (*x as f64, (*x as f64) as i128 == i128::from(*x)),
            Self::BigInt(x) => BigFloat::from_integer(x).map_or((0.0, false), |x| x.to_f64()),
            Self::Rat(x) => x.to_f64(),
            Self::Float(x) => x.to_f64(),
            _ => (0.0, false),
        }
    }

    /// As [`Value::float64_value`], for float32.
    pub fn float32_value(&self) -> (f32, bool) {
        match self {
            Self::Int(x) => (*x as f32, (*x as f32) as i128 == i128::from(*x)),
            Self::BigInt(x) => BigFloat::from_integer(x).map_or((0.0, false), |x| x.to_f32()),
            Self::Rat(x) => x.to_f32(),
            Self::Float(x) => x.to_f32(),
            _ => (0.0, false),
        }
    }

    /// The number of bits of an integer's magnitude; 0 for anything else.
    pub fn bit_len(&self) -> u64 {
        match self {
            Self::Int(x) => u64::from(64 - x.unsigned_abs().leading_zeros()),
            Self::BigInt(x) => x.bits(),
            _ => 0,
        }
    }

    /// -1, 0 or 1 for a number below, equal to or above zero. A complex value has 0 if it is zero
    /// and something else if it is not; an unknown one has 1, so that nobody reports a division by
    /// it, and so have booleans and strings.
    pub fn sign(&self) -> i32 {
        match self {
            Self::Int(x) => x.signum() as i32,
            Self::BigInt(x) => integer_sign(x),
            Self::Rat(x) => integer_sign(x.numerator()),
            Self::Float(x) => x.sign(),
            Self::Complex(parts) => parts.0.sign() | parts.1.sign(),
            Self::Unknown | Self::Bool(_) | Self::String(_) => 1,
        }
    }

    /// The real part of a number; unknown for anything else.
    pub fn real(&self) -> Self {
        match self {
            Self::Complex(parts) => parts.0.clone(),
            Self::Int(_) | Self::BigInt(_) | Self::Rat(_) | Self::Float(_) => self.clone(),
            Self::Unknown | Self::Bool(_) | Self::String(_) => Self::Unknown,
        }
    }

    /// The imaginary part of a number; unknown for anything else.
    pub fn imag(&self) -> Self {
        match self {
            Self::Complex(parts) => parts.1.clone(),
            Self::Int(_) | Self::BigInt(_) | Self::Rat(_) | Self::Float(_) => Self::Int(0),
            Self::Unknown | Self::Bool(_) | Self::String(_) => Self::Unknown,
        }
    }

    /// The numerator of an integer or floating-point value in lowest terms; unknown for anything
    /// else, and for floats too large or small to write as a fraction.
    pub fn num(&self) -> Self {
        match self {
            Self::Int(_) | Self::BigInt(_) => self.clone(),
            Self::Rat(x) => Self::make_integer(x.numerator().clone()),
            Self::Float(x) if is_small(x) => Self::make_integer(x.to_ratio().0),
            _ => Self::Unknown,
        }
    }

    /// The denominator of an integer or floating-point value in lowest terms; unknown where
    /// [`Value::num`] is.
    pub fn denom(&self) -> Self {
        match self {
            Self::Int(_) | Self::BigInt(_) => Self::Int(1),
            Self::Rat(x) => Self::make_integer(BigInt::from(x.denominator().clone())),
            Self::Float(x) if is_small(x) => Self::make_integer(BigInt::from(x.to_ratio().1)),
            _ => Self::Unknown,
        }
    }
}

fn integer_sign(x: &BigInt) -> i32 {
    match x.sign() {
        num_bigint::Sign::Minus => -1,
        num_bigint::Sign::NoSign => 0,
        num_bigint::Sign::Plus => 1,
    }
}

/// Whether the float would make a fraction of reasonable size.
fn is_small(x: &BigFloat) -> bool {
    x.top().abs() < LARGEST_FRACTION
}

/// The value as an integer, if it is one; unknown otherwise.
///
/// A float is also taken as an integer if it becomes one when its last four bits are rounded down
/// or up: it is assumed to have been one before earlier operations rounded it.
pub fn to_int(x: &Value) -> Value {
    match x {
        Value::Int(_) | Value::BigInt(_) => x.clone(),
        Value::Rat(fraction) if fraction.is_integer() => {
            Value::make_integer(fraction.numerator().clone())
        }
        Value::Float(float) if is_small(float) => {
            const FEWER: u64 = big_float::PRECISION - 4;
            float
                .to_integer()
                .or_else(|| {
                    float
                        .to_precision(FEWER, Rounding::TowardZero)?
                        .to_integer()
                })
                .or_else(|| {
                    float
                        .to_precision(FEWER, Rounding::AwayFromZero)?
                        .to_integer()
                })
                .map_or(Value::Unknown, Value::make_integer)
        }
        Value::Complex(_) => match to_float(x) {
            Value::Unknown => Value::Unknown,
            real => to_int(&real),
        },
        _ => Value::Unknown,
    }
}

/// The value as a floating-point value, if it is one; unknown otherwise.
pub fn to_float(x: &Value) -> Value {
    match x {
        Value::Int(integer) => rational_of(BigInt::from(*integer)),
        Value::BigInt(integer) if integer.bits() < LARGEST_FRACTION as u64 => {
            rational_of(BigInt::clone(integer))
        }
        Value::BigInt(integer) => Value::from_rounded(BigFloat::from_integer(integer)),
        Value::Rat(_) | Value::Float(_) => x.clone(),
        Value::Complex(parts) if parts.1.sign() == 0 => to_float(&parts.0),
        _ => Value::Unknown,
    }
}

fn rational_of(integer: BigInt) -> Value {
    Value::Rat(Arc::new(Rational::from_integer(integer)))
}

/// The value as a complex value, if it is a number; unknown otherwise.
pub fn to_complex(x: &Value) -> Value {
    match x {
        Value::Int(_) | Value::BigInt(_) | Value::Rat(_) | Value::Float(_) => {
            Value::make_complex(x.clone(), Value::Int(0))
        }
        Value::Complex(_) => x.clone(),
        Value::Unknown | Value::Bool(_) | Value::String(_) => Value::Unknown,
    }
}

/// The value rounded to a float32, as a floating-point value; nothing if it is too large for one.
pub fn round_float32(x: &Value) -> Option<Value> {
    let (value, _) = x.float32_value();
    value
        .is_finite()
        .then(|| Value::make_float64(f64::from(value)))
}

/// The value rounded to a float64, as a floating-point value; nothing if it is too large for one.
pub fn round_float64(x: &Value) -> Option<Value> {
    let (value, _) = x.float64_value();
    value.is_finite().then(|| Value::make_float64(value))
}

/// An unsigned number of `bits` ones.
fn ones(bits: u32) -> BigInt {
    BigInt::from((BigUint::one() << bits) - 1u32)
}

#[cfg(test)]
mod tests;
