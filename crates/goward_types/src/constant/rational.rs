//! Exact fractions, as Go's `math/big.Rat`: always in lowest terms, the denominator positive.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};

use super::big_float::{nearest_f32, nearest_f64};

/// A fraction in lowest terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rational {
    numerator: BigInt,
    denominator: BigUint,
}

impl Rational {
    /// `numerator / denominator` in lowest terms; nothing for a denominator of zero.
    pub(super) fn new(numerator: BigInt, denominator: BigUint) -> Option<Self> {
        if denominator.is_zero() {
            return None;
        }
        Some(Self::reduced(numerator, denominator))
    }

    fn reduced(numerator: BigInt, denominator: BigUint) -> Self {
        if denominator.is_one() {
            return Self {
                numerator,
                denominator,
            };
        }
        if numerator.is_zero() {
            return Self {
                numerator,
                denominator: BigUint::one(),
            };
        }
        let divisor = greatest_common_divisor(numerator.magnitude(), &denominator);
        if divisor.is_one() {
            return Self {
                numerator,
                denominator,
            };
        }
        let (sign, magnitude) = numerator.into_parts();
        let numerator = BigInt::from_biguint(sign, magnitude / &divisor);
        Self {
            numerator,
            denominator: denominator / divisor,
        }
    }

    /// A fraction whose components are known to have no common factor; `denominator` is not zero.
    pub(super) fn in_lowest_terms(numerator: BigInt, denominator: BigUint) -> Self {
        Self {
            numerator,
            denominator,
        }
    }

    pub(super) fn from_integer(numerator: BigInt) -> Self {
        Self {
            numerator,
            denominator: BigUint::one(),
        }
    }

    /// The exact value of a finite number.
    pub(super) fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.to_bits();
        let biased = (bits >> 52 & 0x7ff) as i64;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, exponent) = if biased == 0 {
            (fraction, -1074)
        } else {
            (fraction | 1 << 52, biased - 1075)
        };
        if mantissa == 0 {
            return Some(Self::from_integer(BigInt::ZERO));
        }
        let zeros = i64::from(mantissa.trailing_zeros());
        let (mantissa, exponent) = (BigUint::from(mantissa >> zeros), exponent + zeros);
        let sign = if value < 0.0 { Sign::Minus } else { Sign::Plus };
        let shift = exponent.unsigned_abs();
        Some(if exponent >= 0 {
            Self::from_integer(BigInt::from_biguint(sign, mantissa << shift))
        } else {
            let denominator = BigUint::one() << shift;
            Self {
                numerator: BigInt::from_biguint(sign, mantissa),
                denominator,
            }
        })
    }

    /// The numerator, with the sign of the fraction.
    pub fn numerator(&self) -> &BigInt {
        &self.numerator
    }

    /// The denominator, at least 1.
    pub fn denominator(&self) -> &BigUint {
        &self.denominator
    }

    pub(super) fn is_integer(&self) -> bool {
        self.denominator.is_one()
    }

    /// The size of the larger component in bits.
    pub(super) fn bits(&self) -> u64 {
        self.numerator.bits().max(self.denominator.bits())
    }

    pub(super) fn negated(&self) -> Self {
        Self {
            numerator: -&self.numerator,
            denominator: self.denominator.clone(),
        }
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        self.sum(other, |left, right| left + right)
    }

    pub(super) fn subtract(&self, other: &Self) -> Self {
        self.sum(other, |left, right| left - right)
    }

    fn sum(&self, other: &Self, combine: impl Fn(BigInt, BigInt) -> BigInt) -> Self {
        if self.denominator == other.denominator {
            let numerator = combine(self.numerator.clone(), other.numerator.clone());
            return Self::reduced(numerator, self.denominator.clone());
        }
        let left = scale(&self.numerator, &other.denominator);
        let right = scale(&other.numerator, &self.denominator);
        Self::reduced(combine(left, right), &self.denominator * &other.denominator)
    }

    pub(super) fn multiply(&self, other: &Self) -> Self {
        let numerator = &self.numerator * &other.numerator;
        Self::reduced(numerator, &self.denominator * &other.denominator)
    }

    /// The quotient; nothing for a division by zero.
    pub(super) fn divide(&self, other: &Self) -> Option<Self> {
        let numerator = scale(&self.numerator, &other.denominator);
        let denominator = other.numerator.magnitude() * &self.denominator;
        let negative = other.numerator.sign() == Sign::Minus;
        Self::new(if negative { -numerator } else { numerator }, denominator)
    }

    /// The nearest float64, and whether it is exact by the rules of `math/big.Rat.Float64`.
    pub(super) fn to_f64(&self) -> (f64, bool) {
        if let (Some(numerator), Some(denominator)) = self.small_components(53) {
            // Both are exact, and IEEE 754 rounds a quotient correctly.
            let quotient = numerator as f64 / denominator as f64;
            return (quotient, denominator.is_power_of_two());
        }
        let (mantissa, exponent, sticky) = self.quotient();
        let (value, exact) = nearest_f64(self.is_negative(), &mantissa, exponent, sticky);
        (
            value,
            exact || value == 0.0 && self.passes_for_exact_zero(54),
        )
    }

    /// The nearest float32, and whether it is exact by the rules of `math/big.Rat.Float32`.
    pub(super) fn to_f32(&self) -> (f32, bool) {
        if let (Some(numerator), Some(denominator)) = self.small_components(24) {
            let quotient = numerator as f32 / denominator as f32;
            return (quotient, denominator.is_power_of_two());
        }
        let (mantissa, exponent, sticky) = self.quotient();
        let (value, exact) = nearest_f32(self.is_negative(), &mantissa, exponent, sticky);
        (
            value,
            exact || value == 0.0 && self.passes_for_exact_zero(25),
        )
    }

    fn is_negative(&self) -> bool {
        self.numerator.sign() == Sign::Minus
    }

    /// Numerator and denominator where they are below `2^bits`.
    fn small_components(&self, bits: u32) -> (Option<i64>, Option<u64>) {
        let limit = 1u64 << bits;
        let numerator = self
            .numerator
            .to_i64()
            .filter(|value| value.unsigned_abs() < limit);
        (
            numerator,
            self.denominator.to_u64().filter(|value| *value < limit),
        )
    }

    /// The quotient's magnitude as `mantissa × 2^exponent` and whether bits were cut off; if so,
    /// the mantissa has at least 64.
    fn quotient(&self) -> (BigUint, i64, bool) {
        let numerator = self.numerator.magnitude();
        if let Some(exponent) = exponent_of_two(&self.denominator) {
            return (numerator.clone(), -(exponent as i64), false);
        }
        let shift = (65 + self.denominator.bits()).saturating_sub(numerator.bits());
        let (mantissa, rest) = (numerator << shift).div_rem(&self.denominator);
        (mantissa, -(shift as i64), !rest.is_zero())
    }

    /// math/big calls the zero to which a far too small fraction rounds exact if the fraction has
    /// no more bits than the format's mantissa: it looks for lost bits before it scales.
    fn passes_for_exact_zero(&self, bits: u64) -> bool {
        exponent_of_two(&self.denominator).is_some() && self.numerator.bits() < bits && {
            let exponent = self.numerator.bits() as i64 - self.denominator.bits() as i64 + 1;
            exponent < if bits == 54 { -1074 } else { -149 }
        }
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.denominator == other.denominator {
            return self.numerator.cmp(&other.numerator);
        }
        let left = scale(&self.numerator, &other.denominator);
        left.cmp(&scale(&other.numerator, &self.denominator))
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn scale(integer: &BigInt, factor: &BigUint) -> BigInt {
    BigInt::from_biguint(integer.sign(), integer.magnitude() * factor)
}

/// The exponent, if the number is a power of two.
fn exponent_of_two(number: &BigUint) -> Option<u64> {
    number
        .trailing_zeros()
        .filter(|zeros| zeros + 1 == number.bits())
}

/// The greatest common divisor of two numbers that are not zero.
pub(super) fn greatest_common_divisor(a: &BigUint, b: &BigUint) -> BigUint {
    // Denominators are powers of two more often than not: those need no division.
    if let Some(exponent) = exponent_of_two(b) {
        return BigUint::one() << exponent.min(a.trailing_zeros().unwrap_or(0));
    }
    let (mut a, mut b) = if a >= b {
        (a.clone(), b.clone())
    } else {
        (b.clone(), a.clone())
    };
    // Lehmer's algorithm: the leading words of both numbers tell most quotients of Euclid's
    // algorithm, so that many of its steps on words are one step on the numbers. (The algorithm of
    // num-bigint takes one pass over the numbers for each bit.)
    loop {
        if let (Some(a), Some(b)) = (a.to_u64(), b.to_u64()) {
            return BigUint::from(a.gcd(&b));
        }
        if b.is_zero() {
            return a;
        }
        let steps = simulate(&a, &b);
        if steps.b_in_a == 0 {
            let rest = &a % &b;
            a = std::mem::replace(&mut b, rest);
            continue;
        }
        let new_a = difference(&a, steps.a_in_a, &b, steps.b_in_a);
        b = difference(&a, steps.a_in_b, &b, steps.b_in_b);
        a = new_a;
    }
}

/// What some steps of Euclid's algorithm do: the new numbers are `|a_in_a·a − b_in_a·b|` and
/// `|a_in_b·a − b_in_b·b|`. No step at all leaves `b_in_a` zero.
struct Steps {
    a_in_a: u64,
    b_in_a: u64,
    a_in_b: u64,
    b_in_b: u64,
}

/// Runs Euclid's algorithm on the leading 63 bits while its quotients are sure to be those of the
/// whole numbers `a >= b` (Collins' condition).
fn simulate(a: &BigUint, b: &BigUint) -> Steps {
    let shift = a.bits().saturating_sub(63);
    let leading = |number: &BigUint| (number >> shift).to_u64().unwrap_or(0);
    let (mut high, mut low) = (leading(a), leading(b));
    let mut steps = Steps {
        a_in_a: 1,
        b_in_a: 0,
        a_in_b: 0,
        b_in_b: 1,
    };
    loop {
        // The true numbers lie up to the sum of the factors off; the factors stay below 32 bits.
        let Some(quotient) = high.checked_div(low) else {
            return steps;
        };
        let a_next = steps
            .a_in_a
            .saturating_add(quotient.saturating_mul(steps.a_in_b));
        let b_next = steps
            .b_in_a
            .saturating_add(quotient.saturating_mul(steps.b_in_b));
        let rest = high % low;
        if b_next >= 1 << 31 || rest < b_next || low - rest < b_next + steps.b_in_b {
            return steps;
        }
        (high, low) = (low, rest);
        steps = Steps {
            a_in_a: steps.a_in_b,
            b_in_a: steps.b_in_b,
            a_in_b: a_next,
            b_in_b: b_next,
        };
    }
}

/// `|x·a − y·b|`
fn difference(a: &BigUint, x: u64, b: &BigUint, y: u64) -> BigUint {
    let (left, right) = (a * x, b * y);
    if left >= right {
        left - right
    } else {
        right - left
    }
}
