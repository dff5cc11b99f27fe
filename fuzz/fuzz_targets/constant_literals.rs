//! Any text as a literal of any kind, and operators on the values of two of them.

#![no_main]

use goward_types::constant::{
    Kind, LiteralKind, Operator, Value, binary_op, compare, make_from_literal, quote, shift_left,
    to_complex, to_float, to_int, unquote,
};
use libfuzzer_sys::fuzz_target;

const KINDS: [LiteralKind; 5] = [
    LiteralKind::Int,
    LiteralKind::Float,
    LiteralKind::Imaginary,
    LiteralKind::Char,
    LiteralKind::String,
];

const OPERATORS: [Operator; 10] = [
    Operator::Add,
    Operator::Sub,
    Operator::Mul,
    Operator::Quo,
    Operator::IntQuo,
    Operator::Rem,
    Operator::And,
    Operator::Or,
    Operator::Xor,
    Operator::AndNot,
];

fn known_value(text: &str) -> Option<Value> {
    KINDS
        .iter()
        .map(|kind| make_from_literal(text, *kind))
        .find(|value| !value.is_unknown())
}

fuzz_target!(|bytes: &[u8]| {
    // Whatever is quoted reads back as it was.
    assert_eq!(unquote(&quote(bytes)).as_deref(), Some(bytes));

    let text = String::from_utf8_lossy(bytes);
    let (x, y) = text.split_once('\n').unwrap_or((&text, "3"));
    let (Some(x), Some(y)) = (known_value(x), known_value(y)) else {
        return;
    };
    for value in [&x, &y] {
        let _ = (value.string(), value.float32_value(), value.float64_value());
        let _ = (
            to_int(value),
            to_float(value),
            to_complex(value),
            shift_left(value, 700),
        );
        // The text of an integer is a literal of the same integer.
        if value.kind() == Kind::Int && value.sign() >= 0 {
            let again = make_from_literal(&value.exact_string(), LiteralKind::Int);
            let is_short = value.bit_len() < 33_000;
            assert!(!is_short || compare(&again, Operator::Equal, value));
        }
    }
    for op in OPERATORS {
        let _ = binary_op(&x, op, &y).exact_string();
    }
    let _ = compare(&x, Operator::Less, &y);
});
