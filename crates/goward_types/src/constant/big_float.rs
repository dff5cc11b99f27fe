//! Binary floating-point numbers of 512 bits, rounded as Go's `math/big.Float` rounds them.
//!
//! Constants that do not fit a fraction of reasonable size become such numbers. They are rare, so
//! this favours being evidently right over speed. The rounding rules and the limits of the exponent
//! follow `math/big/float.go`.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, Zero};

/// The bits of a mantissa.
pub(super) const PRECISION: u64 = 512;

/// The exponents of math/big (those of a mantissa in [½, 1)): 32 bits with sign.
const LARGEST_EXPONENT: i64 = i32::MAX as i64;
const SMALLEST_EXPONENT: i64 = i32::MIN as i64;

/// A finite number, `±mantissa × 2^exponent`.
///
/// The mantissa is odd, or zero with exponent zero and no sign; so equal numbers are equal fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BigFloat {
    negative: bool,
    mantissa: BigUint,
    exponent: i64,
}

/// Which neighbour an inexact result becomes.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(super) enum Rounding {
    NearestEven,
    TowardZero,
    AwayFromZero,
}

impl BigFloat {
    pub(super) fn zero() -> Self {
        Self {
            negative: false,
            mantissa: BigUint::zero(),
            exponent: 0,
        }
    }

    /// Rounds `±mantissa × 2^exponent` to `precision` bits; `sticky` says that the exact value is a
    /// little larger in magnitude, by less than the last bit. Nothing stands for an infinity.
    pub(super) fn rounded(
        negative: bool,
        mut mantissa: BigUint,
        mut exponent: i64,
        sticky: bool,
        precision: u64,
        rounding: Rounding,
    ) -> Option<Self> {
        let bits = mantissa.bits();
        if bits == 0 {
            return Some(Self::zero());
        }
        // math/big looks at the exponent before it rounds, and once more if rounding carries.
        let top = exponent + bits as i64;
        if top < SMALLEST_EXPONENT {
            return Some(Self::zero());
        }
        if top > LARGEST_EXPONENT {
            return None;
        }
        if bits > precision {
            let dropped = bits - precision;
            let half = mantissa.bit(dropped - 1);
            let rest = sticky
                || mantissa
                    .trailing_zeros()
                    .is_some_and(|zeros| zeros < dropped - 1);
            mantissa >>= dropped;
            exponent += dropped as i64;
            let up = match rounding {
                Rounding::NearestEven => half && (rest || mantissa.bit(0)),
                Rounding::TowardZero => false,
                Rounding::AwayFromZero => half || rest,
            };
            if up {
                mantissa += 1u32;
            }
        }
        let zeros = mantissa.trailing_zeros().unwrap_or(0);
        mantissa >>= zeros;
        exponent += zeros as i64;
        if exponent + mantissa.bits() as i64 > LARGEST_EXPONENT {
            return None;
        }
        Some(Self {
            negative,
            mantissa,
            exponent,
        })
    }

    /// `±mantissa × 2^exponent` at the usual 512 bits.
    pub(super) fn new(negative: bool, mantissa: BigUint, exponent: i64) -> Option<Self> {
        Self::rounded(
            negative,
            mantissa,
            exponent,
            false,
            PRECISION,
            Rounding::NearestEven,
        )
    }

    /// The nearest number to an integer.
    pub(super) fn from_integer(integer: &BigInt) -> Option<Self> {
        Self::new(
            integer.sign() == Sign::Minus,
            integer.magnitude().clone(),
            0,
        )
    }

    /// The nearest number to `numerator / denominator`; nothing for a denominator of zero.
    pub(super) fn from_ratio(numerator: &BigInt, denominator: &BigUint) -> Option<Self> {
        let negative = numerator.sign() == Sign::Minus;
        divide(negative, numerator.magnitude(), 0, denominator, 0)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    /// -1, 0 or 1.
    pub(super) fn sign(&self) -> i32 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// The exponent of the number written as a mantissa in [½, 1); 0 for zero.
    pub(super) fn top(&self) -> i64 {
        if self.is_zero() {
            0
        } else {
            self.exponent + self.mantissa.bits() as i64
        }
    }

    pub(super) fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    pub(super) fn negated(&self) -> Self {
        Self {
            negative: !self.negative && !self.is_zero(),
            ..self.clone()
        }
    }

    /// The number rounded again, to fewer bits.
    pub(super) fn to_precision(&self, precision: u64, rounding: Rounding) -> Option<Self> {
        let mantissa = self.mantissa.clone();
        Self::rounded(
            self.negative,
            mantissa,
            self.exponent,
            false,
            precision,
            rounding,
        )
    }

    /// The integer that this number is, if it is one. The caller bounds the exponent.
    pub(super) fn to_integer(&self) -> Option<BigInt> {
        let exponent = u64::try_from(self.exponent).ok()?;
        Some(signed(self.negative, &self.mantissa << exponent))
    }

    /// Numerator and denominator in lowest terms. The caller bounds the exponent.
    pub(super) fn to_ratio(&self) -> (BigInt, BigUint) {
        match u64::try_from(self.exponent) {
            Ok(exponent) => (
                signed(self.negative, &self.mantissa << exponent),
                BigUint::one(),
            ),
            Err(_) => {
                let denominator = BigUint::one() << self.exponent.unsigned_abs();
                (signed(self.negative, self.mantissa.clone()), denominator)
            }
        }
    }

    pub(super) fn add(&self, other: &Self) -> Option<Self> {
        if self.is_zero() {
            return Some(other.clone());
        }
        if other.is_zero() {
            return Some(self.clone());
        }
        let (high, low) = if self.top() >= other.top() {
            (self, other)
        } else {
            (other, self)
        };
        // A summand far below the last bit only decides that the result is inexact; the true shift
        // could take gigabytes. Any tiny stand-in of the same sign rounds to the same result.
        let far_below = high.top() - 2 * PRECISION as i64;
        let stand_in;
        let low = if low.top() < far_below {
            let negative = low.negative;
            stand_in = Self {
                negative,
                mantissa: BigUint::one(),
                exponent: far_below,
            };
            &stand_in
        } else {
            low
        };
        let exponent = high.exponent.min(low.exponent);
        let high = signed(
            high.negative,
            &high.mantissa << (high.exponent - exponent) as u64,
        );
        let low = signed(
            low.negative,
            &low.mantissa << (low.exponent - exponent) as u64,
        );
        let (sign, mantissa) = (high + low).into_parts();
        Self::new(sign == Sign::Minus, mantissa, exponent)
    }

    pub(super) fn subtract(&self, other: &Self) -> Option<Self> {
        self.add(&other.negated())
    }

    pub(super) fn multiply(&self, other: &Self) -> Option<Self> {
        self.multiply_to(other, PRECISION)
    }

    fn multiply_to(&self, other: &Self, precision: u64) -> Option<Self> {
        let negative = self.negative != other.negative;
        let mantissa = &self.mantissa * &other.mantissa;
        let exponent = self.exponent + other.exponent;
        Self::rounded(
            negative,
            mantissa,
            exponent,
            false,
            precision,
            Rounding::NearestEven,
        )
    }

    pub(super) fn divide(&self, other: &Self) -> Option<Self> {
        let negative = self.negative != other.negative;
        divide(
            negative,
            &self.mantissa,
            self.exponent,
            &other.mantissa,
            other.exponent,
        )
    }

    /// `self × 5^power`. Rounds where `math/big` rounds when it reads a decimal literal: the power
    /// at 576 bits and its squares at 640, so that the last bit is the same.
    pub(super) fn scale_by_power_of_five(&self, power: i64) -> Option<Self> {
        if power == 0 || self.is_zero() {
            return Some(self.clone());
        }
        let factor = power_of_five(power.unsigned_abs());
        match (power > 0, factor) {
            (true, Some(factor)) => self.multiply(&factor),
            (false, Some(factor)) => self.divide(&factor),
            (true, None) => None,
            (false, None) => Some(Self::zero()),
        }
    }

    /// The nearest float64 and whether it is exact.
    ///
    /// At the very smallest exponent math/big computes with one that overflows to the largest, and
    /// gets an infinity; so Go's checker refuses such a float64, and so do we.
    pub(super) fn to_f64(&self) -> (f64, bool) {
        if self.top() == SMALLEST_EXPONENT {
            return (f64::INFINITY.copysign(f64::from(self.sign())), false);
        }
        nearest_f64(self.negative, &self.mantissa, self.exponent, false)
    }

    /// The nearest float32 and whether it is exact; see [`BigFloat::to_f64`].
    pub(super) fn to_f32(&self) -> (f32, bool) {
        if self.top() == SMALLEST_EXPONENT {
            return (f32::INFINITY.copysign(self.sign() as f32), false);
        }
        nearest_f32(self.negative, &self.mantissa, self.exponent, false)
    }

    /// The mantissa as a float64 in [½, 1) with the sign of the number, and the exponent.
    pub(super) fn mantissa_and_exponent(&self) -> (f64, i64) {
        let exponent = self.exponent - self.top();
        (
            nearest_f64(self.negative, &self.mantissa, exponent, false).0,
            self.top(),
        )
    }

    /// The exact text of format 'p': `0x.` hexadecimal mantissa `p` binary exponent.
    pub(super) fn to_hexadecimal(&self) -> String {
        if self.is_zero() {
            return "0".to_owned();
        }
        let sign = if self.negative { "-" } else { "" };
        let padding = (4 - self.mantissa.bits() % 4) % 4;
        let digits = (&self.mantissa << padding).to_str_radix(16);
        format!("{sign}0x.{}p{:+}", digits.trim_end_matches('0'), self.top())
    }
}

impl Ord for BigFloat {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_sign = self.sign().cmp(&other.sign());
        if by_sign != Ordering::Equal || self.is_zero() {
            return by_sign;
        }
        let magnitude = self.top().cmp(&other.top()).then_with(|| {
            // Equal tops: the lengths of the mantissas bound the shift.
            let exponent = self.exponent.min(other.exponent);
            let left = &self.mantissa << (self.exponent - exponent) as u64;
            let right = &other.mantissa << (other.exponent - exponent) as u64;
            left.cmp(&right)
        });
        if self.negative {
            magnitude.reverse()
        } else {
            magnitude
        }
    }
}

impl PartialOrd for BigFloat {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn signed(negative: bool, magnitude: BigUint) -> BigInt {
    BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, magnitude)
}

/// `±(a × 2^a_exponent) / (b × 2^b_exponent)`, nothing for an infinity and for `b` zero.
fn divide(
    negative: bool,
    a: &BigUint,
    a_exponent: i64,
    b: &BigUint,
    b_exponent: i64,
) -> Option<BigFloat> {
    if b.is_zero() {
        return None;
    }
    // Enough bits that the quotient has one to round by even when a is much shorter than b.
    let shift = (PRECISION + 2 + b.bits()).saturating_sub(a.bits());
    let shifted = a << shift;
    let quotient = &shifted / b;
    let sticky = &quotient * b != shifted;
    let exponent = a_exponent - b_exponent - shift as i64;
    BigFloat::rounded(
        negative,
        quotient,
        exponent,
        sticky,
        PRECISION,
        Rounding::NearestEven,
    )
}

/// `5^power` at 576 bits; nothing if the exponent overflows.
fn power_of_five(power: u64) -> Option<BigFloat> {
    /// The largest power of five that fits 64 bits, from which math/big starts as well.
    const FIRST: u64 = 27;
    let at = |value: u64, precision| {
        let mantissa = BigUint::from(value);
        BigFloat::rounded(false, mantissa, 0, false, precision, Rounding::NearestEven)
    };
    if power <= FIRST {
        return at(5u64.pow(power as u32), PRECISION + 64);
    }
    let mut result = at(5u64.pow(FIRST as u32), PRECISION + 64)?;
    let mut square = at(5, PRECISION + 128)?;
    let mut left = power - FIRST;
    loop {
        if left & 1 != 0 {
            result = result.multiply_to(&square, PRECISION + 64)?;
        }
        left >>= 1;
        if left == 0 {
            return Some(result);
        }
        square = square.multiply_to(&square, PRECISION + 128)?;
    }
}

/// The nearest multiple of a format's last bit: mantissa, exponent of its last bit, exactness.
fn nearest(
    mantissa: &BigUint,
    exponent: i64,
    sticky: bool,
    precision: i64,
    smallest_exponent: i64,
) -> (u64, i64, bool) {
    let bits = mantissa.bits() as i64;
    let last = (exponent + bits - precision).max(smallest_exponent);
    let dropped = last - exponent;
    let low_word = |value: &BigUint| value.iter_u64_digits().next().unwrap_or(0);
    if dropped <= 0 {
        // At most `precision` bits are left, so the shift stays within a word.
        return (low_word(mantissa) << -dropped as u64, last, !sticky);
    }
    if dropped > bits {
        return (0, last, mantissa.is_zero() && !sticky);
    }
    let dropped = dropped as u64;
    let half = mantissa.bit(dropped - 1);
    let rest = sticky
        || mantissa
            .trailing_zeros()
            .is_some_and(|zeros| zeros < dropped - 1);
    let mut kept = low_word(&(mantissa >> dropped));
    if half && (rest || kept & 1 == 1) {
        kept += 1;
    }
    (kept, last, !half && !rest)
}

/// `±mantissa × 2^exponent` as the nearest float64, and whether that is exact; `sticky` says that
/// the exact value is a little larger in magnitude.
pub(super) fn nearest_f64(
    negative: bool,
    mantissa: &BigUint,
    exponent: i64,
    sticky: bool,
) -> (f64, bool) {
    let sign = u64::from(negative) << 63;
    let (mut kept, mut last, exact) = nearest(mantissa, exponent, sticky, 53, -1074);
    if kept == 1 << 53 {
        kept >>= 1;
        last += 1;
    }
    if last > 1023 - 52 {
        return (f64::from_bits(sign | f64::INFINITY.to_bits()), false);
    }
    let biased = if kept >> 52 == 0 {
        0
    } else {
        (last + 1075) as u64
    };
    (
        f64::from_bits(sign | biased << 52 | kept & ((1 << 52) - 1)),
        exact,
    )
}

/// As [`nearest_f64`], for float32.
pub(super) fn nearest_f32(
    negative: bool,
    mantissa: &BigUint,
    exponent: i64,
    sticky: bool,
) -> (f32, bool) {
    let sign = u32::from(negative) << 31;
    let (mut kept, mut last, exact) = nearest(mantissa, exponent, sticky, 24, -149);
    if kept == 1 << 24 {
        kept >>= 1;
        last += 1;
    }
    if last > 127 - 23 {
        return (f32::from_bits(sign | f32::INFINITY.to_bits()), false);
    }
    let biased = if kept >> 23 == 0 {
        0
    } else {
        (last + 150) as u32
    };
    (
        f32::from_bits(sign | biased << 23 | kept as u32 & ((1 << 23) - 1)),
        exact,
    )
}
