//! Literals to values, as `MakeFromLiteral` of `go/constant`.
//!
//! The syntax of numbers is that of `math/big` with base 0 (`natconv.go`, `floatconv.go`,
//! `ratconv.go`), a little wider than the language's own; the parser has refused the rest before.

use std::sync::Arc;

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, Zero};

use super::big_float::Rounding;
use super::quote::{unquote, unquote_character};
use super::{BigFloat, Rational, Value, is_small};

/// Which literal a text is.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum LiteralKind {
    /// `42`, `0b11`, `0o17`, `017`, `0xff`, `1_000`
    Int,
    /// `1.5`, `1e9`, `0x1p-2`
    Float,
    /// `2i`, `0.5i`, `0123i`
    Imaginary,
    /// `'x'`, `'\n'`
    Char,
    /// `"text"`, `` `raw` ``
    String,
}

/// The longest number, in bytes of source, that has a value; go/types refuses longer ones.
pub const LONGEST_NUMBER: usize = 10_000;

/// The value of a literal; unknown if the text is not a valid literal of that kind, or if its value
/// is too large.
pub fn make_from_literal(text: &str, kind: LiteralKind) -> Value {
    let value = match kind {
        LiteralKind::Int => integer(text.as_bytes()),
        LiteralKind::Float => float(text.as_bytes()),
        LiteralKind::Imaginary => text.strip_suffix('i').and_then(|text| {
            let imag = float(text.as_bytes())?;
            Some(Value::make_complex(Value::Int(0), imag))
        }),
        LiteralKind::Char => {
            let inner = text.as_bytes().get(1..text.len().wrapping_sub(1));
            let character = inner.and_then(|inner| unquote_character(inner, b'\''));
            character.map(|character| Value::Int(character.code.into()))
        }
        LiteralKind::String => unquote(text).map(|bytes| Value::make_string(&bytes)),
    };
    value.unwrap_or(Value::Unknown)
}

fn integer(text: &[u8]) -> Option<Value> {
    if let Some(value) = small_integer(text) {
        return Some(Value::Int(value));
    }
    let (negative, text) = sign(text)?;
    let (mantissa, []) = scan_mantissa(text, false)? else {
        return None;
    };
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    Some(Value::make_integer(BigInt::from_biguint(
        sign,
        mantissa.value,
    )))
}

/// The value of digits alone, with a prefix or without, that are so few that it fits. Nearly all
/// literals are of this kind; tables of Unicode and of ciphers consist of them.
fn small_integer(text: &[u8]) -> Option<i64> {
    let (base, most, digits) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (16, 15, digits),
        [b'0', b'b' | b'B', digits @ ..] => (2, 62, digits),
        [b'0', b'o' | b'O', digits @ ..] => (8, 20, digits),
        [b'0', digits @ ..] if !digits.is_empty() => (8, 20, digits),
        digits => (10, 18, digits),
    };
    if digits.is_empty() || digits.len() > most {
        return None;
    }
    let mut value = 0;
    for &byte in digits {
        value = value * i64::from(base) + i64::from(char::from(byte).to_digit(base)?);
    }
    Some(value)
}

/// Splits off a sign; nothing if the text is too long for a number.
fn sign(text: &[u8]) -> Option<(bool, &[u8])> {
    if text.len() > LONGEST_NUMBER {
        return None;
    }
    Some(match text {
        [b'+', rest @ ..] => (false, rest),
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    })
}

/// Digits with an optional radix prefix and point: `value × base^-fraction_digits`.
struct Mantissa {
    value: BigUint,
    base: u32,
    fraction_digits: i64,
}

/// Where an underscore may come next: after a digit or the prefix only.
#[derive(PartialEq)]
enum Previous {
    Digit,
    Underscore,
    Other,
}

/// Reads the longest mantissa at the start of the text, and gives the rest with it. With
/// `is_float`, there may be a point, and a leading zero does not mean octal.
fn scan_mantissa(text: &[u8], is_float: bool) -> Option<(Mantissa, &[u8])> {
    let (base, prefix) = match text {
        [b'0', b'b' | b'B', ..] => (2, 2),
        [b'0', b'o' | b'O', ..] => (8, 2),
        [b'0', b'x' | b'X', ..] => (16, 2),
        [b'0', _, ..] if !is_float => (8, 1),
        _ => (10, 0),
    };
    let mut previous = if prefix > 0 {
        Previous::Digit
    } else {
        Previous::Other
    };
    let mut digits = Vec::with_capacity(text.len());
    let mut point = None;
    let mut at = prefix;
    while let Some(byte) = text.get(at) {
        match byte {
            b'.' if is_float && point.is_none() => {
                if previous == Previous::Underscore {
                    return None;
                }
                previous = Previous::Other;
                point = Some(digits.len());
            }
            b'_' => {
                if previous != Previous::Digit {
                    return None;
                }
                previous = Previous::Underscore;
            }
            _ => match char::from(*byte).to_digit(base) {
                Some(digit) => {
                    previous = Previous::Digit;
                    digits.push(digit as u8);
                }
                None => break,
            },
        }
        at += 1;
    }
    if previous == Previous::Underscore || digits.is_empty() && prefix != 1 {
        return None;
    }
    let fraction_digits = point.map_or(0, |point| (digits.len() - point) as i64);
    let value = if digits.is_empty() {
        BigUint::zero()
    } else {
        BigUint::from_radix_be(&digits, base)?
    };
    Some((
        Mantissa {
            value,
            base,
            fraction_digits,
        },
        &text[at..],
    ))
}

/// Reads an exponent, which has to end the text: the powers of two and of five it stands for.
fn scan_exponent(text: &[u8]) -> Option<(i64, i64)> {
    let (is_decimal, text) = match text {
        [] => return Some((0, 0)),
        [b'e' | b'E', rest @ ..] => (true, rest),
        [b'p' | b'P', rest @ ..] => (false, rest),
        _ => return None,
    };
    let (negative, text) = sign(text)?;
    let mut value = 0i64;
    let mut previous = Previous::Other;
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                let digit = i64::from(byte - b'0');
                // Counting downwards keeps the smallest number in range.
                value = value.checked_mul(10)?.checked_sub(digit)?;
                previous = Previous::Digit;
            }
            b'_' if previous == Previous::Digit => previous = Previous::Underscore,
            _ => return None,
        }
    }
    if previous != Previous::Digit {
        return None;
    }
    let value = if negative {
        value
    } else {
        value.checked_neg()?
    };
    Some((value, if is_decimal { value } else { 0 }))
}

/// A floating-point literal: `±mantissa × 2^twos × 5^fives`.
struct Decomposed {
    negative: bool,
    mantissa: BigUint,
    twos: i64,
    fives: i64,
}

fn float(text: &[u8]) -> Option<Value> {
    let (negative, text) = sign(text)?;
    let (mantissa, rest) = scan_mantissa(text, true)?;
    let (twos, fives) = scan_exponent(rest)?;
    if mantissa.value.is_zero() {
        return Some(Value::Rat(Arc::new(Rational::from_integer(BigInt::ZERO))));
    }
    let fraction = -mantissa.fraction_digits;
    let (fraction_twos, fraction_fives) = match mantissa.base {
        2 => (fraction, 0),
        8 => (3 * fraction, 0),
        16 => (4 * fraction, 0),
        _ => (fraction, fraction),
    };
    let literal = Decomposed {
        negative,
        mantissa: mantissa.value,
        twos: fraction_twos.wrapping_add(twos),
        fives: fraction_fives.wrapping_add(fives),
    };
    // Nearly all literals are so short that they make a small fraction for sure; the others are
    // measured as floats first.
    let is_short = literal.mantissa.bits() < 1024
        && literal.twos.unsigned_abs() < 1024
        && literal.fives.unsigned_abs() < 800;
    if is_short {
        return literal.to_fraction();
    }
    let float = literal.to_float();
    match float {
        Some(float) if float.is_zero() => {
            Some(Value::Rat(Arc::new(Rational::from_integer(BigInt::ZERO))))
        }
        Some(float) if is_small(&float) => literal
            .to_fraction()
            .or_else(|| Some(Value::Float(Arc::new(float)))),
        _ => Some(Value::from_rounded(float)),
    }
}

impl Decomposed {
    /// The literal as a 512-bit float; nothing for an infinity and an exponent out of range.
    fn to_float(&self) -> Option<BigFloat> {
        let top = self.twos.checked_add(self.mantissa.bits() as i64)?;
        if i32::try_from(top).is_err() {
            return None;
        }
        // The mantissa takes part with all its bits; only the result is rounded.
        let precision = if self.fives == 0 {
            super::big_float::PRECISION
        } else {
            u64::MAX
        };
        let mantissa = self.mantissa.clone();
        let nearest = Rounding::NearestEven;
        BigFloat::rounded(
            self.negative,
            mantissa,
            self.twos,
            false,
            precision,
            nearest,
        )?
        .scale_by_power_of_five(self.fives)
    }

    /// The literal as a fraction, of any size; nothing for the exponents that `math/big.Rat`
    /// refuses.
    fn to_fraction(&self) -> Option<Value> {
        if self.fives.unsigned_abs() > 1_000_000 || self.twos.unsigned_abs() > 10_000_000 {
            return None;
        }
        // The denominator has no prime factors but two and five, so lowest terms take no greatest
        // common divisor.
        let zeros = self.mantissa.trailing_zeros().unwrap_or(0);
        let mut mantissa = &self.mantissa >> zeros;
        let twos = self.twos + zeros as i64;
        let fives = self.fives + strip_fives(&mut mantissa, -self.fives);
        let power = BigUint::from(5u32).pow(fives.unsigned_abs() as u32);
        let mut denominator = BigUint::one();
        if fives > 0 {
            mantissa *= power;
        } else {
            denominator = power;
        }
        if twos > 0 {
            mantissa <<= twos.unsigned_abs();
        } else {
            denominator <<= twos.unsigned_abs();
        }
        let sign = if self.negative {
            Sign::Minus
        } else {
            Sign::Plus
        };
        let numerator = BigInt::from_biguint(sign, mantissa);
        Some(Value::Rat(Arc::new(Rational::in_lowest_terms(
            numerator,
            denominator,
        ))))
    }
}

/// Divides by five as often as that leaves no rest, but at most `limit` times; gives the number of
/// times.
fn strip_fives(mantissa: &mut BigUint, limit: i64) -> i64 {
    /// As many fives as fit a word.
    const MANY: i64 = 27;
    let mut stripped = 0;
    for (fives, divisor) in [(MANY, 5u64.pow(MANY as u32)), (1, 5)] {
        while stripped + fives <= limit {
            let (quotient, rest) = mantissa.div_rem(&BigUint::from(divisor));
            if !rest.is_zero() {
                break;
            }
            *mantissa = quotient;
            stripped += fives;
        }
    }
    stripped
}
