//! Fixed expectations. The texts of the three tables were printed by Go's `go/constant`; the oracle
//! in `tests/` compares far more where there is a Go.

use std::cmp::Ordering;

use num_bigint::BigUint;
use num_integer::Integer;

use super::{
    LONGEST_NUMBER, LiteralKind, Operator, Value, binary_op, compare, is_print, make_from_literal,
    rational, round_float32, round_float64, shift_left, shift_right, to_complex, to_float, to_int,
    unary_op,
};

/// A value as text: a literal, `true`, `false`, `-x`, or `x + y`.
fn value(text: &str) -> Value {
    let is_quoted = text.starts_with(['"', '`', '\'']);
    match text {
        "true" | "false" => return Value::make_bool(text == "true"),
        _ if is_quoted => {}
        _ => {
            if let Some((x, y)) = text.split_once(" + ") {
                return binary_op(&value(x), Operator::Add, &value(y));
            }
            if let Some(y) = text.strip_prefix('-') {
                return unary_op(Operator::Sub, &value(y), 0);
            }
        }
    }
    let kind = match text.as_bytes()[0] {
        b'\'' => LiteralKind::Char,
        b'"' | b'`' => LiteralKind::String,
        _ if text.ends_with('i') => LiteralKind::Imaginary,
        _ if text.starts_with("0x") && !text.contains(['.', 'p']) => LiteralKind::Int,
        _ if text.contains(['.', 'e', 'p']) => LiteralKind::Float,
        _ => LiteralKind::Int,
    };
    make_from_literal(text, kind)
}

#[test]
fn literals_have_the_values_of_go() {
    let check = |text: &str, exact: &str, short: &str| {
        let value = value(text);
        assert_eq!(
            (value.exact_string().as_str(), value.string().as_str()),
            (exact, short),
            "{text}"
        );
    };
    let table = [
        ("0", "0", "0"),
        ("42", "42", "42"),
        ("0b101", "5", "5"),
        ("0O17", "15", "15"),
        ("017", "15", "15"),
        ("0x_fF", "255", "255"),
        ("1_000_000", "1000000", "1000000"),
        (
            "9223372036854775807",
            "9223372036854775807",
            "9223372036854775807",
        ),
        (
            "9223372036854775808",
            "9223372036854775808",
            "9223372036854775808",
        ),
        (
            "-9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775808",
        ),
        (
            "-9223372036854775809",
            "-9223372036854775809",
            "-9223372036854775809",
        ),
        (
            "0xffffffffffffffff",
            "18446744073709551615",
            "18446744073709551615",
        ),
        ("08", "unknown", "unknown"),
        ("1__0", "unknown", "unknown"),
        ("0x", "unknown", "unknown"),
        ("_1", "unknown", "unknown"),
        ("1_", "unknown", "unknown"),
        ("1.5", "3/2", "1.5"),
        (".5", "1/2", "0.5"),
        ("1.", "1", "1"),
        ("1e3", "1000", "1000"),
        ("1e-9", "1/1000000000", "1e-09"),
        ("0.1e+1", "1", "1"),
        ("0x1p-2", "1/4", "0.25"),
        ("0x1.8p1", "3", "3"),
        ("0x.8", "1/2", "0.5"),
        ("1_0.2_5", "41/4", "10.25"),
        ("1_.5", "unknown", "unknown"),
        ("1e", "unknown", "unknown"),
        ("1e+", "unknown", "unknown"),
        (
            "3.14159265358979323846",
            "157079632679489661923/50000000000000000000",
            "3.14159",
        ),
        ("100000.5", "200001/2", "100000.5"),
        ("1234567.0", "1234567", "1.23457e+06"),
        ("1234567.5", "2469135/2", "1.23457e+06"),
        (
            "1e100",
            "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
            "1e+100",
        ),
        ("1e-7", "1/10000000", "1e-07"),
        (
            "1e1233",
            "0x.f51e928179013fd3de4bd12cde4d985c4a573ca6f94bff13d44b7df7ab2a4b04cf7d74fb200343dfb684f73be4f4096059b768d22b4664d48010641420ee9076p+4096",
            "1e+1233",
        ),
        (
            "1e5000",
            "0x.c78820040d9443cf1647f794d877186661e259c03d11478721738640a451aba2200ffeaefaac52e8fcf82b4d9d0d238a8cf9db72407cfb4f87703844a2663acp+16610",
            "1e+5000",
        ),
        (
            "-1e-5000",
            "-0x.a43978d593b68f3f4485e2694f9f29eef41ea50773490ef5ac03cff6c6119dedf2ed54c69b87c3c8c6d5bad7346db47a5775f81ca189fb11fea6418033cf435bp-16609",
            "-1e-5000",
        ),
        ("0x1p2147483646", "0x.8p+2147483647", "4.40403e+646456992"),
        ("0x1p2147483647", "unknown", "unknown"),
        ("1e1000000000", "unknown", "unknown"),
        ("1e-1000000000", "0", "0"),
        ("0e99999999999", "0", "0"),
        ("2i", "(0 + 2i)", "(0 + 2i)"),
        ("0.5i", "(0 + 1/2i)", "(0 + 0.5i)"),
        ("0123i", "(0 + 123i)", "(0 + 123i)"),
        ("0b11i", "(0 + 3i)", "(0 + 3i)"),
        (
            "1e5000i",
            "(0 + 0x.c78820040d9443cf1647f794d877186661e259c03d11478721738640a451aba2200ffeaefaac52e8fcf82b4d9d0d238a8cf9db72407cfb4f87703844a2663acp+16610i)",
            "(0 + 1e+5000i)",
        ),
        ("'a'", "97", "97"),
        ("'é'", "233", "233"),
        ("'\\n'", "10", "10"),
        ("'\\''", "39", "39"),
        ("'\\\"'", "unknown", "unknown"),
        ("'\\x41'", "65", "65"),
        ("'\\377'", "255", "255"),
        ("'\\400'", "unknown", "unknown"),
        ("'\\u00e9'", "233", "233"),
        ("'\\U0001F600'", "128512", "128512"),
        ("'\\U00110000'", "unknown", "unknown"),
        ("'\\ud800'", "unknown", "unknown"),
        ("''", "unknown", "unknown"),
        ("\"text\"", "\"text\"", "\"text\""),
        ("\"\"", "\"\"", "\"\""),
        (
            "\"a\\tb\\\\\\\"\\a\\x00\\xff\\u00ad\\u2028😀\"",
            "\"a\\tb\\\\\\\"\\a\\x00\\xff\\u00ad\\u2028😀\"",
            "\"a\\tb\\\\\\\"\\a\\x00\\xff\\u00ad\\u2028😀\"",
        ),
        ("\"\\'\"", "unknown", "unknown"),
        ("\"open", "unknown", "unknown"),
        ("\"a\nb\"", "unknown", "unknown"),
        ("`raw\\n\r\n`", "\"raw\\\\n\\n\"", "\"raw\\\\n\\n\""),
        ("`a`b`", "unknown", "unknown"),
        (
            "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
            "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
            "\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
        ),
        (
            "\"01234567890123456789012345678901234567890123456789012345678901234567890\"",
            "\"01234567890123456789012345678901234567890123456789012345678901234567890\"",
            "\"01234567890123456789012345678901234567890123456789012345678901234567...",
        ),
        (
            "\"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\"",
            "\"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\"",
            "\"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé...",
        ),
    ];
    for (text, exact, short) in table {
        check(text, exact, short);
    }
}

#[test]
fn operators_have_the_results_of_go() {
    let check = |x: &str, operator: &str, y: &str, expected: &str| {
        let op = match operator {
            "+" => Operator::Add,
            "-" => Operator::Sub,
            "*" => Operator::Mul,
            "/" => Operator::Quo,
            "//" => Operator::IntQuo,
            "%" => Operator::Rem,
            "&" => Operator::And,
            "|" => Operator::Or,
            "^" => Operator::Xor,
            "&^" => Operator::AndNot,
            "&&" => Operator::LogicalAnd,
            "||" => Operator::LogicalOr,
            _ => panic!("no operator {operator}"),
        };
        let result = binary_op(&value(x), op, &value(y));
        assert_eq!(result.exact_string(), expected, "{x} {operator} {y}");
    };
    let table = [
        ("1", "+", "2", "3"),
        ("9223372036854775807", "+", "1", "9223372036854775808"),
        ("-9223372036854775808", "-", "1", "-9223372036854775809"),
        ("9223372036854775808", "-", "1", "9223372036854775807"),
        ("4294967296", "*", "4294967296", "18446744073709551616"),
        ("3", "/", "2", "3/2"),
        ("4", "/", "2", "2"),
        ("3", "/", "-2", "-3/2"),
        ("7", "//", "-2", "-3"),
        ("-7", "%", "3", "-1"),
        ("-9223372036854775808", "//", "-1", "-9223372036854775808"),
        ("-9223372036854775808", "%", "-1", "0"),
        ("18446744073709551616", "//", "3", "6148914691236517205"),
        ("18446744073709551616", "%", "-5", "1"),
        ("-18446744073709551616", "/", "-4", "4611686018427387904"),
        ("12", "&", "10", "8"),
        ("12", "|", "3", "15"),
        ("12", "^", "10", "6"),
        ("12", "&^", "10", "4"),
        ("-18446744073709551617", "&", "255", "255"),
        ("18446744073709551616", "|", "-1", "-1"),
        ("-18446744073709551616", "^", "1", "-18446744073709551615"),
        ("18446744073709551617", "&^", "1", "18446744073709551616"),
        ("1", "/", "0", "unknown"),
        ("1", "//", "0", "unknown"),
        ("1", "%", "0", "unknown"),
        ("18446744073709551616", "//", "0", "unknown"),
        ("1.5", "/", "0", "unknown"),
        ("1e5000", "/", "0", "unknown"),
        ("1i", "/", "0", "unknown"),
        ("1.5", "+", "1", "5/2"),
        ("0.1", "+", "0.2", "3/10"),
        ("1.5", "*", "2", "3"),
        (
            "1e1000",
            "*",
            "1e1000",
            "0x.e7b64e4de2fc42514a729f6e4aafabe8f7d3c138c0b557e9ab8dce4bbb1a58f842197134983b0ae336cbdf3d970be9e0232b92c760800b8e55a5cf5c4ad31f78p+6644",
        ),
        (
            "1e1000",
            "/",
            "1e-1000",
            "0x.e7b64e4de2fc42514a729f6e4aafabe8f7d3c138c0b557e9ab8dce4bbb1a58f842197134983b0ae336cbdf3d970be9e0232b92c760800b8e55a5cf5c4ad31f78p+6644",
        ),
        (
            "1e5000",
            "+",
            "1",
            "0x.c78820040d9443cf1647f794d877186661e259c03d11478721738640a451aba2200ffeaefaac52e8fcf82b4d9d0d238a8cf9db72407cfb4f87703844a2663acp+16610",
        ),
        ("1e5000", "-", "1e5000", "0"),
        (
            "1e5000",
            "/",
            "3",
            "0x.85056aad5e62d7df642ffa633afa10444141912ad360da5a164d042b1836726c155fff1f51c83745fdfac789135e17b1b3513cf6d5a8a78a5a4ad02dc1997c8p+16609",
        ),
        ("1e5000", "*", "1e-5000", "0x.8p+1"),
        ("1e600000000", "*", "1e600000000", "unknown"),
        ("1e-600000000", "*", "1e-600000000", "0"),
        ("1 + 2i", "*", "3 + -4i", "(11 + 2i)"),
        ("1 + 2i", "/", "3 + -4i", "(-1/5 + 2/5i)"),
        ("1 + 2i", "-", "1.5", "(-1/2 + 2i)"),
        (
            "2i",
            "+",
            "1e5000",
            "(0x.c78820040d9443cf1647f794d877186661e259c03d11478721738640a451aba2200ffeaefaac52e8fcf82b4d9d0d238a8cf9db72407cfb4f87703844a2663acp+16610 + 2i)",
        ),
        ("\"a\"", "+", "\"b\"", "\"ab\""),
        ("\"a\"", "-", "\"b\"", "unknown"),
        ("true", "&&", "false", "false"),
        ("true", "||", "false", "true"),
        ("1.5", "%", "1", "unknown"),
    ];
    for (x, operator, y, expected) in table {
        check(x, operator, y, expected);
    }
}

#[test]
fn conversions_have_the_results_of_go() {
    let check = |text: &str, int: &str, float: &str, complex: &str| {
        let value = value(text);
        assert_eq!(to_int(&value).exact_string(), int, "{text} to an integer");
        assert_eq!(to_float(&value).exact_string(), float, "{text} to a float");
        assert_eq!(
            to_complex(&value).exact_string(),
            complex,
            "{text} to a complex"
        );
    };
    let table = [
        ("1", "1", "1", "(1 + 0i)"),
        ("1.0", "1", "1", "(1 + 0i)"),
        ("1.5", "unknown", "3/2", "(3/2 + 0i)"),
        (
            "-3e20",
            "-300000000000000000000",
            "-300000000000000000000",
            "(-300000000000000000000 + 0i)",
        ),
        (
            "1e5000",
            "unknown",
            "0x.c78820040d9443cf1647f794d877186661e259c03d11478721738640a451aba2200ffeaefaac52e8fcf82b4d9d0d238a8cf9db72407cfb4f87703844a2663acp+16610",
            "(0x.c78820040d9443cf1647f794d877186661e259c03d11478721738640a451aba2200ffeaefaac52e8fcf82b4d9d0d238a8cf9db72407cfb4f87703844a2663acp+16610 + 0i)",
        ),
        (
            "18446744073709551616",
            "18446744073709551616",
            "18446744073709551616",
            "(18446744073709551616 + 0i)",
        ),
        ("2i", "unknown", "unknown", "(0 + 2i)"),
        ("5 + 0i", "5", "5", "(5 + 0i)"),
        ("1.5 + 0i", "unknown", "3/2", "(3/2 + 0i)"),
        (
            "1e1300",
            "unknown",
            "0x.b5d6f63476b4ae830450cdc5fc6c12e7866ada7924272e875304dfaa4d0c02df31ebf85a185476feb10f881751b14d6cb98ab51f4f85976eeb341112d500b631p+4319",
            "(0x.b5d6f63476b4ae830450cdc5fc6c12e7866ada7924272e875304dfaa4d0c02df31ebf85a185476feb10f881751b14d6cb98ab51f4f85976eeb341112d500b631p+4319 + 0i)",
        ),
        ("true", "unknown", "unknown", "unknown"),
        ("\"1\"", "unknown", "unknown", "unknown"),
    ];
    for (text, int, float, complex) in table {
        check(text, int, float, complex);
    }
}

#[test]
fn unary_operators_and_shifts() {
    let check = |result: Value, expected: &str| assert_eq!(result.exact_string(), expected);
    check(
        unary_op(Operator::Sub, &value("-9223372036854775808"), 0),
        "9223372036854775808",
    );
    check(
        unary_op(Operator::Sub, &value("9223372036854775808"), 0),
        "-9223372036854775808",
    );
    check(unary_op(Operator::Sub, &value("1 + 2i"), 0), "(-1 + -2i)");
    check(unary_op(Operator::Xor, &value("5"), 0), "-6");
    check(unary_op(Operator::Xor, &value("5"), 8), "250");
    check(
        unary_op(Operator::Xor, &value("0"), 63),
        "9223372036854775807",
    );
    check(
        unary_op(Operator::Xor, &value("0"), 64),
        "18446744073709551615",
    );
    check(
        unary_op(Operator::Xor, &value("18446744073709551615"), 64),
        "0",
    );
    check(unary_op(Operator::Not, &value("true"), 0), "false");
    check(unary_op(Operator::Not, &value("1"), 0), "unknown");
    check(unary_op(Operator::Xor, &value("1.5"), 0), "unknown");
    check(shift_left(&value("1"), 62), "4611686018427387904");
    check(shift_left(&value("1"), 63), "9223372036854775808");
    check(shift_left(&value("-1"), 63), "-9223372036854775808");
    check(shift_left(&value("3"), 64), "55340232221128654848");
    check(shift_right(&value("-5"), 1), "-3");
    check(shift_right(&value("-5"), 4_000_000_000), "-1");
    check(shift_right(&value("55340232221128654848"), 64), "3");
    check(shift_right(&value("-55340232221128654849"), 64), "-4");
    check(shift_right(&value("1.0"), 1), "unknown");
}

#[test]
fn comparisons_match_representations() {
    let check = |x: &str, y: &str, expected: Ordering| {
        let (x_value, y_value) = (value(x), value(y));
        for (op, holds) in [
            (Operator::Equal, expected.is_eq()),
            (Operator::NotEqual, expected.is_ne()),
            (Operator::Less, expected.is_lt()),
            (Operator::LessEqual, expected.is_le()),
            (Operator::Greater, expected.is_gt()),
            (Operator::GreaterEqual, expected.is_ge()),
        ] {
            assert_eq!(compare(&x_value, op, &y_value), holds, "{x} {op:?} {y}");
        }
    };
    check("1", "2", Ordering::Less);
    check("1", "1.0", Ordering::Equal);
    check("-18446744073709551616", "1", Ordering::Less);
    check("1e5000", "18446744073709551616", Ordering::Greater);
    check("-1e5000", "-1e5001", Ordering::Greater);
    check("1e-5000", "0", Ordering::Greater);
    check("0.1", "0.10000000000000000001", Ordering::Less);
    check("\"a\"", "\"b\"", Ordering::Less);
    check("\"ab\"", "\"a\"", Ordering::Greater);
    let equal = |x: &str, y: &str| compare(&value(x), Operator::Equal, &value(y));
    assert!(equal("1 + 2i", "1.0 + 2i"));
    assert!(equal("1 + 0i", "1"));
    assert!(!equal("1 + 2i", "1"));
    assert!(
        !equal("1", "true"),
        "operands of different kinds compare as false"
    );
    assert!(!compare(&Value::Unknown, Operator::NotEqual, &value("1")));
}

#[test]
fn floats_round_to_the_nearest_even() {
    let check = |text: &str, expected: f64, exact: bool| {
        let (actual, actual_exact) = value(text).float64_value();
        assert_eq!(
            (actual.to_bits(), actual_exact),
            (expected.to_bits(), exact),
            "{text}"
        );
    };
    check("0.1", 0.1, false);
    check("-2.5", -2.5, true);
    check("9007199254740993", 9007199254740992.0, false);
    check("9007199254740995", 9007199254740996.0, false);
    check("9223372036854775807", 9223372036854775808.0, false);
    check("0x1.fffffffffffffp1023", f64::MAX, true);
    check("0x1.fffffffffffff7p1023", f64::MAX, false);
    check("0x1.fffffffffffff8p1023", f64::INFINITY, false);
    check("1e5000", f64::INFINITY, false);
    check("-1e5000", f64::NEG_INFINITY, false);
    check("4.9e-324", 5e-324, false);
    check("0x1p-1074", 5e-324, true);
    check("0x1p-1075", 0.0, false);
    check("0x1.8p-1075", 5e-324, false);
    check("1e-5000", 0.0, false);
    check("-1e-5000", -0.0, false);
    check("2.2250738585072011e-308", 2.225073858507201e-308, false);
    assert_eq!(value("16777217").float32_value(), (16777216.0, false));
    assert_eq!(value("0x1p-150").float32_value(), (0.0, false));
    assert_eq!(
        value("0x1.000001p-150").float32_value(),
        (f32::from_bits(1), false)
    );
    assert_eq!(
        round_float32(&value("3.5e38")).map(|x| x.exact_string()),
        None
    );
    assert_eq!(
        round_float32(&value("0.1"))
            .map(|x| x.exact_string())
            .as_deref(),
        Some("13421773/134217728")
    );
    assert!(round_float64(&value("1e309")).is_none());
    assert!(Value::make_float64(f64::NAN).is_unknown());
    assert!(Value::make_float64(f64::INFINITY).is_unknown());
    assert_eq!(Value::make_float64(-0.0).float64_value().0.to_bits(), 0);
}

#[test]
fn a_float_that_was_an_integer_before_rounding_becomes_one_again() {
    let third = binary_op(&value("1e1300"), Operator::Quo, &value("3e1299"));
    let nearly_ten = binary_op(&third, Operator::Mul, &value("3"));
    assert!(matches!(nearly_ten, Value::Float(_)));
    assert_eq!(to_int(&nearly_ten).exact_string(), "10");
    assert!(to_int(&third).is_unknown());
}

#[test]
fn accessors_of_other_kinds_say_nothing() {
    let string = value("\"text\"");
    assert_eq!(string.int64_value(), None);
    assert_eq!(string.uint64_value(), None);
    assert_eq!(string.float64_value(), (0.0, false));
    assert_eq!((string.bit_len(), string.sign()), (0, 1));
    assert!(string.real().is_unknown() && string.imag().is_unknown());
    assert!(string.num().is_unknown() && string.denom().is_unknown());
    assert!(Value::make_imag(&string).is_unknown());
    assert!(value("1").string_value().is_empty() && !value("1").bool_value());
    assert_eq!(value("-1").uint64_value(), None);
    assert_eq!(value("18446744073709551615").uint64_value(), Some(u64::MAX));
    assert_eq!(value("-9223372036854775808").bit_len(), 64);
    assert_eq!(
        Value::Unknown.sign(),
        1,
        "no division by an unknown value is reported"
    );
    assert_eq!(value("0.75").num().exact_string(), "3");
    assert_eq!(value("0.75").denom().exact_string(), "4");
}

#[test]
fn what_is_too_large_is_unknown_and_costs_nothing() {
    assert!(shift_left(&value("1"), u32::MAX).is_unknown());
    assert_eq!(shift_left(&value("0"), u32::MAX).exact_string(), "0");
    assert_eq!(shift_left(&value("1"), 65_535).bit_len(), 65_536);
    assert!(shift_left(&value("1"), 65_536).is_unknown());
    assert!(unary_op(Operator::Xor, &value("1"), u32::MAX).is_unknown());
    let mut power = value("3");
    while !power.is_unknown() {
        assert!(power.bit_len() <= 65_536);
        power = binary_op(&power, Operator::Mul, &power);
    }
    let far = value("1e600000000");
    let sum = binary_op(&far, Operator::Add, &value("1e-600000000"));
    assert!(compare(&sum, Operator::Equal, &far));
    assert!(to_int(&far).is_unknown() && far.num().is_unknown() && far.denom().is_unknown());
    assert_eq!(far.string(), "1e+600000000");
    for length in [LONGEST_NUMBER, LONGEST_NUMBER + 1, 50_000_000] {
        let digits = format!("1.{}", "3".repeat(length - 2));
        let literal = make_from_literal(&digits, LiteralKind::Float);
        assert_eq!(literal.is_unknown(), length > LONGEST_NUMBER);
        let integer = make_from_literal(&digits.replace('.', "2"), LiteralKind::Int);
        assert_eq!(integer.is_unknown(), length > LONGEST_NUMBER);
    }
}

#[test]
fn common_divisors_are_those_of_another_algorithm() {
    let mut state = 88_172_645_463_325_252u64;
    let mut word = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut number = move |words: u64| {
        let mut number = BigUint::from(word() | 1);
        for _ in 0..words {
            // Long runs of zeros and ones are where estimates of quotients go wrong.
            let next = match word() % 4 {
                0 => 0,
                1 => u64::MAX,
                _ => word(),
            };
            number = (number << 64u32) + next;
        }
        number >> (word() % 64)
    };
    for round in 0..600u64 {
        let (a, b, common) = (number(round % 9), number(round % 7), number(round % 5));
        let (a, b) = ((a + 1u32) * (&common + 1u32), (b + 1u32) * (common + 1u32));
        assert_eq!(
            rational::greatest_common_divisor(&a, &b),
            a.gcd(&b),
            "{a} {b}"
        );
        assert_eq!(
            rational::greatest_common_divisor(&b, &a),
            b.gcd(&a),
            "{b} {a}"
        );
    }
}

#[test]
fn characters_are_printable_as_in_go() {
    let check = |character: char, expected: bool| {
        assert_eq!(is_print(character), expected, "{character:?}")
    };
    check(' ', true);
    check('~', true);
    check('\x7f', false);
    check('\u{a0}', false);
    check('\u{a1}', true);
    check('\u{ad}', false);
    check('\u{3000}', false);
    check('é', true);
    check('\u{e000}', false);
    check('\u{feff}', false);
    check('\u{1f600}', true);
    check('\u{10ffff}', false);
}
