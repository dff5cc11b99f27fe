//! Operators on constants, as `UnaryOp`, `BinaryOp`, `Shift` and `Compare` of `go/constant`.

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::Zero;

use super::{BigFloat, LARGEST_INTEGER, Rational, Value, ones};

/// An operator on constants.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Operator {
    /// `+`, as a unary operator too.
    Add,
    /// `-`, as a unary operator too.
    Sub,
    /// `*`
    Mul,
    /// `/` that gives a fraction for integers (1/2 is 0.5).
    Quo,
    /// `/` that truncates, for integers only.
    IntQuo,
    /// `%`
    Rem,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`, as a unary operator too.
    Xor,
    /// `&^`
    AndNot,
    /// `&&`
    LogicalAnd,
    /// `||`
    LogicalOr,
    /// `!`
    Not,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// The result of `op y` for `+`, `-`, `^` and `!`; unknown if `y` is or has no such operator.
///
/// For `^` on an unsigned type, `prec` is the size of the type in bits; otherwise it is 0.
pub fn unary_op(op: Operator, y: &Value, prec: u32) -> Value {
    match (op, y) {
        (
            Operator::Add,
            Value::Int(_) | Value::BigInt(_) | Value::Rat(_) | Value::Float(_) | Value::Complex(_),
        ) => y.clone(),
        (Operator::Sub, Value::Int(y)) => match y.checked_neg() {
            Some(z) => Value::Int(z),
            None => Value::make_integer(-BigInt::from(*y)),
        },
        (Operator::Sub, Value::BigInt(y)) => Value::make_integer(-&**y),
        (Operator::Sub, Value::Rat(y)) => Value::make_rational(y.negated()),
        (Operator::Sub, Value::Float(y)) => Value::Float(Arc::new(y.negated())),
        (Operator::Sub, Value::Complex(y)) => Value::make_complex(
            unary_op(Operator::Sub, &y.0, 0),
            unary_op(Operator::Sub, &y.1, 0),
        ),
        (Operator::Xor, Value::Int(y)) => match prec {
            0 => Value::Int(!y),
            1..64 => Value::Int(!y & (i64::MAX >> (63 - prec))),
            64 => Value::make_uint64(!*y as u64),
            _ => limited_complement(&BigInt::from(*y), prec),
        },
        (Operator::Xor, Value::BigInt(y)) if prec == 0 => Value::make_integer(!&**y),
        (Operator::Xor, Value::BigInt(y)) => limited_complement(y, prec),
        (Operator::Not, Value::Bool(y)) => Value::Bool(!y),
        _ => Value::Unknown,
    }
}

fn limited_complement(y: &BigInt, bits: u32) -> Value {
    if u64::from(bits) > LARGEST_INTEGER {
        return Value::Unknown;
    }
    Value::make_integer(!y & ones(bits))
}

/// Two operands brought to the same representation, the simplest that holds both.
enum Pair {
    Bool(bool, bool),
    BigInt(Arc<BigInt>, Arc<BigInt>),
    Rat(Arc<Rational>, Arc<Rational>),
    Float(Arc<BigFloat>, Arc<BigFloat>),
    Complex(Arc<(Value, Value)>, Arc<(Value, Value)>),
}

/// Orders the representations of numbers; a value can be widened to any later one.
fn width(x: &Value) -> Option<u8> {
    match x {
        Value::Int(_) => Some(0),
        Value::BigInt(_) => Some(1),
        Value::Rat(_) => Some(2),
        Value::Float(_) => Some(3),
        Value::Complex(_) => Some(4),
        Value::Unknown | Value::Bool(_) | Value::String(_) => None,
    }
}

/// Matches two numbers or two booleans; nothing for any other pair. The callers have dealt with
/// pairs of `Int` before, which need no matching and are nearly all.
fn matched(x: &Value, y: &Value) -> Option<Pair> {
    if let (Value::Bool(x), Value::Bool(y)) = (x, y) {
        return Some(Pair::Bool(*x, *y));
    }
    match width(x)?.max(width(y)?) {
        0 | 1 => Some(Pair::BigInt(as_integer(x)?, as_integer(y)?)),
        2 => Some(Pair::Rat(as_rational(x)?, as_rational(y)?)),
        3 => Some(Pair::Float(as_float(x)?, as_float(y)?)),
        _ => Some(Pair::Complex(as_complex(x)?, as_complex(y)?)),
    }
}

fn as_integer(x: &Value) -> Option<Arc<BigInt>> {
    match x {
        Value::Int(x) => Some(Arc::new(BigInt::from(*x))),
        Value::BigInt(x) => Some(Arc::clone(x)),
        _ => None,
    }
}

fn as_rational(x: &Value) -> Option<Arc<Rational>> {
    match x {
        Value::Int(x) => Some(Arc::new(Rational::from_integer(BigInt::from(*x)))),
        Value::BigInt(x) => Some(Arc::new(Rational::from_integer(BigInt::clone(x)))),
        Value::Rat(x) => Some(Arc::clone(x)),
        _ => None,
    }
}

fn as_float(x: &Value) -> Option<Arc<BigFloat>> {
    match x {
        Value::Int(x) => BigFloat::from_integer(&BigInt::from(*x)).map(Arc::new),
        Value::BigInt(x) => BigFloat::from_integer(x).map(Arc::new),
        Value::Rat(x) => BigFloat::from_ratio(x.numerator(), x.denominator()).map(Arc::new),
        Value::Float(x) => Some(Arc::clone(x)),
        _ => None,
    }
}

fn as_complex(x: &Value) -> Option<Arc<(Value, Value)>> {
    match x {
        Value::Complex(parts) => Some(Arc::clone(parts)),
        Value::Unknown | Value::Bool(_) | Value::String(_) => None,
        real => Some(Arc::new((real.clone(), Value::Int(0)))),
    }
}

/// The result of `x op y` for arithmetic and logical operators.
///
/// Unknown if an operand is, if the operands have no such operator, if the divisor is zero, and if
/// the result is too large. Comparisons have [`compare`], shifts [`shift_left`] and
/// [`shift_right`].
pub fn binary_op(x: &Value, op: Operator, y: &Value) -> Value {
    if let (Value::Int(x), Value::Int(y)) = (x, y) {
        return int_op(*x, op, *y);
    }
    if let (Value::String(x), Operator::Add, Value::String(y)) = (x, op, y) {
        return x.concatenate(y).map_or(Value::Unknown, Value::String);
    }
    match matched(x, y) {
        Some(Pair::Bool(x, y)) => match op {
            Operator::LogicalAnd => Value::Bool(x && y),
            Operator::LogicalOr => Value::Bool(x || y),
            _ => Value::Unknown,
        },
        Some(Pair::BigInt(x, y)) => integer_op(&x, op, &y),
        Some(Pair::Rat(x, y)) => {
            rational_op(&x, op, &y).map_or(Value::Unknown, Value::make_rational)
        }
        Some(Pair::Float(x, y)) => Value::from_rounded(match op {
            Operator::Add => x.add(&y),
            Operator::Sub => x.subtract(&y),
            Operator::Mul => x.multiply(&y),
            Operator::Quo => x.divide(&y),
            _ => None,
        }),
        Some(Pair::Complex(x, y)) => complex_op(&x, op, &y),
        None => Value::Unknown,
    }
}

fn int_op(x: i64, op: Operator, y: i64) -> Value {
    let exact = match op {
        Operator::Add => x.checked_add(y),
        Operator::Sub => x.checked_sub(y),
        Operator::Mul => x.checked_mul(y),
        Operator::Quo => {
            let (numerator, denominator) = (BigInt::from(x), BigInt::from(y));
            let numerator = if y < 0 { -numerator } else { numerator };
            let quotient = Rational::new(numerator, denominator.into_parts().1);
            return quotient.map_or(Value::Unknown, Value::make_rational);
        }
        // go/constant divides machine words, so the smallest integer by -1 stays as it is.
        Operator::IntQuo if y != 0 => Some(x.wrapping_div(y)),
        Operator::Rem if y != 0 => Some(x.wrapping_rem(y)),
        Operator::And => Some(x & y),
        Operator::Or => Some(x | y),
        Operator::Xor => Some(x ^ y),
        Operator::AndNot => Some(x & !y),
        _ => return Value::Unknown,
    };
    match exact {
        Some(result) => Value::Int(result),
        None => integer_op(&BigInt::from(x), op, &BigInt::from(y)),
    }
}

fn integer_op(x: &BigInt, op: Operator, y: &BigInt) -> Value {
    Value::make_integer(match op {
        Operator::Add => x + y,
        Operator::Sub => x - y,
        Operator::Mul if x.bits() + y.bits() > LARGEST_INTEGER + 1 => return Value::Unknown,
        Operator::Mul => x * y,
        Operator::Quo | Operator::IntQuo | Operator::Rem if y.is_zero() => return Value::Unknown,
        Operator::Quo => {
            let (sign, denominator) = y.clone().into_parts();
            let numerator = if sign == num_bigint::Sign::Minus {
                -x
            } else {
                x.clone()
            };
            let quotient = Rational::new(numerator, denominator);
            return quotient.map_or(Value::Unknown, Value::make_rational);
        }
        Operator::IntQuo => x / y,
        Operator::Rem => x % y,
        Operator::And => x & y,
        Operator::Or => x | y,
        Operator::Xor => x ^ y,
        Operator::AndNot => x & !y,
        _ => return Value::Unknown,
    })
}

fn rational_op(x: &Rational, op: Operator, y: &Rational) -> Option<Rational> {
    match op {
        Operator::Add => Some(x.add(y)),
        Operator::Sub => Some(x.subtract(y)),
        Operator::Mul => Some(x.multiply(y)),
        Operator::Quo => x.divide(y),
        _ => None,
    }
}

fn complex_op(x: &(Value, Value), op: Operator, y: &(Value, Value)) -> Value {
    let add = |x: &Value, y: &Value| binary_op(x, Operator::Add, y);
    let sub = |x: &Value, y: &Value| binary_op(x, Operator::Sub, y);
    let mul = |x: &Value, y: &Value| binary_op(x, Operator::Mul, y);
    let quo = |x: &Value, y: &Value| binary_op(x, Operator::Quo, y);
    let ((a, b), (c, d)) = (x, y);
    let (real, imag) = match op {
        Operator::Add => (add(a, c), add(b, d)),
        Operator::Sub => (sub(a, c), sub(b, d)),
        Operator::Mul => (sub(&mul(a, c), &mul(b, d)), add(&mul(b, c), &mul(a, d))),
        Operator::Quo => {
            let square = add(&mul(c, c), &mul(d, d));
            let real = add(&mul(a, c), &mul(b, d));
            let imag = sub(&mul(b, c), &mul(a, d));
            (quo(&real, &square), quo(&imag, &square))
        }
        _ => return Value::Unknown,
    };
    Value::make_complex(real, imag)
}

/// `x << count` for an integer; unknown for anything else, and if the result is too large.
pub fn shift_left(x: &Value, count: u32) -> Value {
    match x {
        _ if count == 0 && matches!(x, Value::Int(_) | Value::BigInt(_)) => x.clone(),
        Value::Int(0) => Value::Int(0),
        Value::Int(x) if count < 64 && (x << count) >> count == *x => Value::Int(x << count),
        Value::Int(_) | Value::BigInt(_) if x.bit_len() + u64::from(count) > LARGEST_INTEGER => {
            Value::Unknown
        }
        Value::Int(x) => Value::make_integer(BigInt::from(*x) << count),
        Value::BigInt(x) => Value::make_integer(&**x << count),
        _ => Value::Unknown,
    }
}

/// `x >> count` for an integer, rounding down; unknown for anything else.
pub fn shift_right(x: &Value, count: u32) -> Value {
    match x {
        Value::Int(x) => Value::Int(x >> count.min(63)),
        Value::BigInt(x) => Value::make_integer(&**x >> count),
        _ => Value::Unknown,
    }
}

/// The result of the comparison `x op y`; false if an operand is unknown or if the operands do not
/// have the operator.
pub fn compare(x: &Value, op: Operator, y: &Value) -> bool {
    if let (Value::Int(x), Value::Int(y)) = (x, y) {
        return holds(x.cmp(y), op);
    }
    if let (Value::String(x), Value::String(y)) = (x, y) {
        return holds(x.bytes().cmp(y.bytes()), op);
    }
    match matched(x, y) {
        Some(Pair::Bool(x, y)) => match op {
            Operator::Equal => x == y,
            Operator::NotEqual => x != y,
            _ => false,
        },
        Some(Pair::BigInt(x, y)) => holds(x.cmp(&y), op),
        Some(Pair::Rat(x, y)) => holds(x.cmp(&y), op),
        Some(Pair::Float(x, y)) => holds(x.cmp(&y), op),
        Some(Pair::Complex(x, y)) => {
            let equal =
                compare(&x.0, Operator::Equal, &y.0) && compare(&x.1, Operator::Equal, &y.1);
            match op {
                Operator::Equal => equal,
                Operator::NotEqual => !equal,
                _ => false,
            }
        }
        None => false,
    }
}

fn holds(ordering: Ordering, op: Operator) -> bool {
    match op {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Less => ordering.is_lt(),
        Operator::LessEqual => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterEqual => ordering.is_ge(),
        _ => false,
    }
}
