//! Short decimal texts of floating-point constants, as Go's `fmt` and `go/constant` print them.

use super::big_float::BigFloat;

/// `%.6g`: six significant digits without trailing zeros.
fn six_digits(value: f64) -> String {
    general(&format!("{value:.5e}"))
}

/// `%g`: the fewest digits that read back as the same float64.
fn shortest(value: f64) -> String {
    general(&format!("{value:e}"))
}

/// Turns Rust's `d.ddde-7` into the form of `%g`: with an exponent, of two digits at least, only
/// where it is below -4 or above 5.
fn general(scientific: &str) -> String {
    let (sign, scientific) = match scientific.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", scientific),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa
        .chars()
        .filter(|character| *character != '.')
        .collect();
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    if !(-4..=5).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!(
            "{sign}{first}{point}{rest}e{exponent_sign}{:02}",
            exponent.abs()
        );
    }
    if exponent < 0 {
        return format!(
            "{sign}0.{}{digits}",
            "0".repeat(exponent.unsigned_abs() as usize - 1)
        );
    }
    let integer_digits = exponent as usize + 1;
    if digits.len() <= integer_digits {
        return format!(
            "{sign}{digits}{}",
            "0".repeat(integer_digits - digits.len())
        );
    }
    let (integer, fraction) = digits.split_at(integer_digits);
    format!("{sign}{integer}.{fraction}")
}

/// The text that `go/constant`'s `Value.String` gives for a Float.
pub(super) fn short_float(number: &BigFloat) -> String {
    let (value, _) = number.to_f64();
    if value.is_finite() && number.is_zero() == (value == 0.0) {
        let text = six_digits(value);
        if !number.is_integer() && !text.contains('.') {
            // Six digits hide the fraction; all of them show it.
            return shortest(value);
        }
        return text;
    }
    // Out of the range of float64: an approximate mantissa and decimal exponent are enough. Go
    // takes its own `math.Pow` here; the two may differ in the last of 53 bits, which shows in six
    // digits only if they fall right between two texts.
    let (mut mantissa, exponent) = number.mantissa_and_exponent();
    let decimal = exponent as f64 * std::f64::consts::LOG10_2;
    let mut decimal_exponent = decimal as i64;
    mantissa *= 10f64.powf(decimal - decimal_exponent as f64);
    if mantissa.abs() < 1.0 - 0.5e-6 {
        mantissa *= 10.0;
        decimal_exponent -= 1;
    } else if mantissa.abs() >= 10.0 {
        mantissa /= 10.0;
        decimal_exponent += 1;
    }
    format!("{}e{decimal_exponent:+}", six_digits(mantissa))
}
