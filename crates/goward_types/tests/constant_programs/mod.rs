//! Small programs on constants: making them and evaluating them with goward.
//!
//! A program is a line of words in postfix order; `oracle_constant.go` reads the same words.

mod generator;

use std::fmt::Write as _;

use goward_types::constant::{
    Kind, LiteralKind, Operator, Value, binary_op, compare, make_from_literal, round_float32,
    round_float64, shift_left, shift_right, to_complex, to_float, to_int, unary_op,
};

pub(crate) use generator::{Generator, edge_programs};

/// The facts about the value that is left when the program has run, as the oracle prints them.
pub(crate) fn evaluate(program: &str) -> String {
    let mut stack = Vec::new();
    for word in program.split(' ') {
        run(&mut stack, word);
    }
    describe(&stack.pop().expect("a program leaves a value"))
}

/// The arithmetic operator that a word stands for.
fn binary_operator(word: &str) -> Option<Operator> {
    Some(match word {
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
        _ => return None,
    })
}

/// The comparison that a word stands for.
fn comparison(word: &str) -> Option<Operator> {
    Some(match word {
        "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterEqual,
        _ => return None,
    })
}

fn literal_kind(letter: char) -> LiteralKind {
    match letter {
        'i' => LiteralKind::Int,
        'f' => LiteralKind::Float,
        'm' => LiteralKind::Imaginary,
        'c' => LiteralKind::Char,
        's' => LiteralKind::String,
        _ => panic!("unknown letter {letter}"),
    }
}

/// Runs one word on the stack.
fn run(stack: &mut Vec<Value>, word: &str) {
    let mut pop = || stack.pop().expect("the stack has an operand");
    let value = if let Some(op) = binary_operator(word) {
        let y = pop();
        binary_op(&pop(), op, &y)
    } else if let Some(op) = comparison(word) {
        let y = pop();
        Value::make_bool(compare(&pop(), op, &y))
    } else {
        match word {
            "neg" => unary_op(Operator::Sub, &pop(), 0),
            "plus" => unary_op(Operator::Add, &pop(), 0),
            "not" => unary_op(Operator::Not, &pop(), 0),
            "toint" => to_int(&pop()),
            "tofloat" => to_float(&pop()),
            "tocomplex" => to_complex(&pop()),
            "real" => pop().real(),
            "imag" => pop().imag(),
            "makeimag" => Value::make_imag(&pop()),
            "num" => pop().num(),
            "denom" => pop().denom(),
            "round32" => round_float32(&pop()).unwrap_or(Value::Unknown),
            "round64" => round_float64(&pop()).unwrap_or(Value::Unknown),
            "swap" => {
                let (y, x) = (pop(), pop());
                stack.push(y);
                x
            }
            "copy" => stack.last().expect("there is something to copy").clone(),
            "true" | "false" => Value::make_bool(word == "true"),
            _ => run_letter(stack, word),
        }
    };
    stack.push(value);
}

/// Runs a word that is a letter with an argument.
fn run_letter(stack: &mut Vec<Value>, word: &str) -> Value {
    let (letter, rest) = (
        word.chars().next().expect("words are not empty"),
        &word[1..],
    );
    let mut pop = || stack.pop().expect("the stack has an operand");
    let number = || rest.parse::<u32>().expect("the argument is a number");
    match letter {
        '~' => unary_op(Operator::Xor, &pop(), number()),
        'L' => shift_left(&pop(), number()),
        'R' => shift_right(&pop(), number()),
        'I' => Value::make_int64(rest.parse().expect("the argument is an integer")),
        'U' => Value::make_uint64(rest.parse().expect("the argument is an integer")),
        'F' => {
            let bits = u64::from_str_radix(rest, 16).expect("the argument is hexadecimal");
            Value::make_float64(f64::from_bits(bits))
        }
        'S' => Value::make_string(&decode(rest)),
        _ => {
            let text = String::from_utf8(decode(rest)).expect("literals are UTF-8");
            make_from_literal(&text, literal_kind(letter))
        }
    }
}

/// Hexadecimal digits, two for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn decode(text: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("hexadecimal") as u8;
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

fn describe(x: &Value) -> String {
    let mut facts = vec![format!("{:?}", x.kind()), x.exact_string(), x.string()];
    match x.kind() {
        Kind::Bool => facts.push(x.bool_value().to_string()),
        Kind::String => facts.push(encode(x.string_value())),
        Kind::Int => {
            facts.extend(x.int64_value().map(|n| format!("int64 {n}")));
            facts.extend(x.uint64_value().map(|n| format!("uint64 {n}")));
            facts.push(format!("bits {}", x.bit_len()));
        }
        _ => {}
    }
    if matches!(x.kind(), Kind::Int | Kind::Float) {
        let ((f64, exact64), (f32, exact32)) = (x.float64_value(), x.float32_value());
        let (f64, f32) = (f64.to_bits(), f32.to_bits());
        facts.push(format!("{f64:016x} {exact64} {f32:08x} {exact32}"));
        facts.push(format!(
            "{} / {}",
            x.num().exact_string(),
            x.denom().exact_string()
        ));
    }
    if matches!(x.kind(), Kind::Int | Kind::Float | Kind::Complex) {
        facts.push(format!("sign {}", x.sign()));
        facts.push(format!(
            "{} {}",
            x.real().exact_string(),
            x.imag().exact_string()
        ));
        for converted in [to_int(x), to_float(x), to_complex(x)] {
            facts.push(format!(
                "{:?} {}",
                converted.kind(),
                converted.exact_string()
            ));
        }
    }
    facts.join("\t")
}
