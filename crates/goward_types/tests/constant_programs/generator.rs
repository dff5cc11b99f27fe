//! Makes programs: all pairs of values at the edges, and random ones.

use goward_types::constant::{Kind, Value};

use super::{encode, run};

/// Literals and values where representations, rounding or limits change.
const EDGES: &[&str] = &[
    "I0",
    "I1",
    "I-1",
    "I2",
    "I-7",
    "I10",
    "I2147483647",
    "I2147483648",
    "I-2147483649",
    "I4611686018427387904",
    "I9007199254740993",
    "I9223372036854775807",
    "I-9223372036854775808",
    "U9223372036854775808",
    "U18446744073709551615",
    "U18446744073709551615 I1 +",
    "I-9223372036854775808 I1 -",
    "I1 L511",
    "I1 L512 I1 -",
    "I1 L513 I1 +",
    "I1 L4094",
    "I1 L4095",
    "I1 L4096 neg",
    "I0 tofloat",
    "I7 tofloat",
    "I1 I3 /",
    "I-22 I7 /",
    "F7fefffffffffffff",
    "F0000000000000001",
    "F8000000000000001 I2 /",
    "F0000000000000003 I2 /",
    "F000fffffffffffff",
    "F36a0000000000000",
    "F3690000000000000",
    "F36a8000000000000 I2 /",
    "F47efffffe0000000",
    "F47effffff0000000",
    "F7fefffffffffffff I1 L971 +",
    "I1 L1100 I1 swap /",
    "I1 L1074 I1 swap /",
    "I1 L1075 I3 swap /",
    "I1 L4095 I1 swap /",
    "I1 L4097 I3 swap /",
    "I1 L4100 I3 - tofloat",
    "I1 L5000 tofloat I3 /",
    "I1 L5000 tofloat I1 L5000 I1 + /",
    "I1 L5000 tofloat copy copy - *",
    "I1 L5000 tofloat I3 / I3 * I1 L4990 /",
    "I1 L6000 tofloat I7 / neg I1 L5900 /",
    "I3 makeimag",
    "I1 I2 makeimag +",
    "I1 I3 / I-2 I5 / makeimag +",
    "I5 I0 makeimag +",
    "I1 L5000 tofloat I4 makeimag +",
];

const ARITHMETIC: &[&str] = &["+", "-", "*", "/"];
const INTEGER_ONLY: &[&str] = &["//", "%", "&", "|", "^", "&^"];
const ORDERED: &[&str] = &["==", "!=", "<", "<=", ">", ">="];
const UNARY: &[&str] = &[
    "neg",
    "plus",
    "toint",
    "tofloat",
    "tocomplex",
    "real",
    "imag",
];
const REAL_UNARY: &[&str] = &["makeimag", "num", "denom", "round32", "round64"];

/// The kind of the value that a program leaves.
fn kind_of(program: &str) -> Kind {
    value_of(program).kind()
}

fn value_of(program: &str) -> Value {
    let mut stack = Vec::new();
    for word in program.split(' ') {
        run(&mut stack, word);
    }
    stack.pop().expect("a program leaves a value")
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Int | Kind::Float | Kind::Complex)
}

/// The words that operate on two values of these kinds.
fn binary_words(x: Kind, y: Kind) -> Vec<&'static str> {
    match (x, y) {
        (Kind::Bool, Kind::Bool) => vec!["&&", "||", "==", "!="],
        (Kind::String, Kind::String) => [&["+"], ORDERED].concat(),
        (Kind::Int, Kind::Int) => [ARITHMETIC, INTEGER_ONLY, ORDERED].concat(),
        (Kind::Complex, y) if is_number(y) => [ARITHMETIC, &["==", "!="]].concat(),
        (x, Kind::Complex) if is_number(x) => [ARITHMETIC, &["==", "!="]].concat(),
        (x, y) if is_number(x) && is_number(y) => [ARITHMETIC, ORDERED].concat(),
        (Kind::Unknown, _) | (_, Kind::Unknown) => vec!["+", "=="],
        _ => vec![],
    }
}

/// The words that operate on one value of this kind.
fn unary_words(x: Kind) -> Vec<&'static str> {
    match x {
        Kind::Bool => vec!["not", "toint", "tofloat", "tocomplex"],
        Kind::String => vec!["toint", "tofloat", "tocomplex"],
        Kind::Int => [
            UNARY,
            REAL_UNARY,
            &["~0", "~1", "~8", "~63", "~64", "~65", "~128"],
        ]
        .concat(),
        Kind::Float => [UNARY, REAL_UNARY].concat(),
        Kind::Complex | Kind::Unknown => UNARY.to_vec(),
    }
}

/// Every edge value alone, under every unary operation, shifted, and with every other edge value
/// under every binary operation.
pub(crate) fn edge_programs() -> Vec<String> {
    let kinds: Vec<Kind> = EDGES.iter().map(|program| kind_of(program)).collect();
    let mut programs = Vec::new();
    for (x, x_kind) in EDGES.iter().zip(&kinds) {
        programs.push((*x).to_owned());
        programs.extend(
            unary_words(*x_kind)
                .iter()
                .map(|word| format!("{x} {word}")),
        );
        if *x_kind == Kind::Int {
            for count in [0, 1, 31, 62, 63, 64, 65, 600] {
                programs.push(format!("{x} L{count}"));
                programs.push(format!("{x} R{count}"));
            }
            programs.push(format!("{x} R4294967295"));
        }
        for (y, y_kind) in EDGES.iter().zip(&kinds) {
            let words = binary_words(*x_kind, *y_kind);
            programs.extend(words.iter().map(|word| format!("{x} {y} {word}")));
        }
    }
    programs.extend(huge_programs());
    programs
}

/// Exponents near the limits of big.Float; only what costs go/constant no time.
fn huge_programs() -> Vec<String> {
    let literals = [
        "1e1000000000",
        "1e-1000000000",
        "1e646456993",
        "1e646456992",
        "1e-646456993",
        "1e-646456994",
        "0x1p2147483647",
        "0x1p2147483646",
        "0x1p-2147483648",
        "0x1p-2147483649",
        "0x1p-2147483647",
        "0x.8p-2147483647",
        "0x1p9223372036854775807",
        "0x1p9223372036854775808",
        "0x1p-9223372036854775808",
        "1e9223372036854775807",
        "1e-9223372036854775808",
        "0e99999999999999999999",
        "0e9999999999",
        "1e5000",
        "1e-5000",
        "0x1p4094",
        "0x1p4095",
        "0x1p4096",
        "0x1p-4096",
        "0x1p-4095",
        "0x1p-4097",
        "1e1233",
        "1e-1233",
        "1e-1232",
        "1e100000",
        "-1e-100000",
        "123456789e-99999999",
        "1e+1233",
        "9.99999999e99999",
        "1.0000001e-123457",
    ];
    let mut programs = Vec::new();
    for x in literals {
        let x = format!("f{}", encode(x.as_bytes()));
        for word in unary_words(Kind::Float) {
            programs.push(format!("{x} {word}"));
        }
        for y in literals {
            let y = format!("f{}", encode(y.as_bytes()));
            for word in ["*", "/", "<", "=="] {
                programs.push(format!("{x} {y} {word}"));
            }
        }
    }
    programs
}

/// A source of random programs; the same seed gives the same ones.
pub(crate) struct Generator {
    state: u64,
}

impl Generator {
    /// A generator with a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    /// The next number below `limit` (xorshift64*).
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// A literal or an expression of a few operators.
    pub(crate) fn program(&mut self) -> String {
        let mut program = self.operand();
        for _ in 0..self.below(6) {
            let x = value_of(&program);
            // Keeps chains of multiplications below what goward refuses and go/constant computes.
            if x.bit_len() > 8000 {
                break;
            }
            if self.below(3) == 0 {
                let words = unary_words(x.kind());
                let word = if x.kind() == Kind::Int && self.below(2) == 0 {
                    format!("{}{}", self.pick(&["L", "R"]), self.below(200))
                } else {
                    self.pick(&words).to_owned()
                };
                program = format!("{program} {word}");
                continue;
            }
            let y = self.operand();
            let words = binary_words(x.kind(), kind_of(&y));
            if !words.is_empty() {
                let word = self.pick(&words);
                program = format!("{program} {y} {word}");
            }
        }
        program
    }

    fn operand(&mut self) -> String {
        let literal = match self.below(16) {
            0 => return self.pick(EDGES).to_owned(),
            1 => return self.pick(&["true", "false"]).to_owned(),
            2 => {
                let bits = (self.below(1 << 31) as u64) << 33 ^ (self.below(1 << 31) as u64) << 3;
                return format!("F{bits:016x}");
            }
            3 => {
                let length = self.below(12);
                let bytes: Vec<u8> = (0..length).map(|_| self.byte()).collect();
                return format!("S{}", encode(&bytes));
            }
            4 => return format!("I{}", self.below(1 << 31) as i64 - (1 << 30)),
            5 => ('c', self.character_literal()),
            6 => ('s', self.string_literal()),
            7 | 8 => ('m', self.number_literal() + "i"),
            9..12 => ('i', self.integer_literal()),
            _ => ('f', self.number_literal()),
        };
        let (letter, mut text) = literal;
        if self.below(8) == 0 {
            text = self.mutated(&text);
        }
        format!("{letter}{}", encode(text.as_bytes()))
    }

    /// Any literal, mostly a valid one.
    pub(crate) fn literal(&mut self) -> String {
        match self.below(5) {
            0 => self.character_literal(),
            1 => self.string_literal(),
            2 => self.integer_literal(),
            3 => self.number_literal() + "i",
            _ => self.number_literal(),
        }
    }

    /// A byte that makes UTF-8 likely to be valid, cut or wrong.
    fn byte(&mut self) -> u8 {
        match self.below(4) {
            0 => self.below(256) as u8,
            1 => *self.pick(&[
                &0xc3, &0xa9, &0xe2, &0x82, &0xac, &0xf0, &0x9f, &0x98, &0x80, &0xed,
            ]),
            _ => 32 + self.below(95) as u8,
        }
    }

    fn digits(&mut self, radix: u32) -> String {
        let length = match self.below(8) {
            0 => 1 + self.below(300),
            1 | 2 => 1 + self.below(40),
            _ => 1 + self.below(8),
        };
        let mut text = String::new();
        for at in 0..length {
            if at > 0 && self.below(24) == 0 {
                text.push('_');
            }
            let digit = self.below(radix as usize) as u32;
            text.push(char::from_digit(digit, radix).expect("a digit is below the radix"));
        }
        if self.below(4) == 0 {
            text.to_uppercase()
        } else {
            text
        }
    }

    fn integer_literal(&mut self) -> String {
        let (prefix, radix) = match self.below(8) {
            0 => (self.pick(&["0b", "0B", "0b_"]), 2),
            1 => (self.pick(&["0o", "0O", "0_", "0"]), 8),
            2 | 3 => (self.pick(&["0x", "0X", "0x_"]), 16),
            _ => ("", 10),
        };
        format!("{prefix}{}", self.digits(radix))
    }

    fn number_literal(&mut self) -> String {
        if self.below(4) == 0 {
            return self.integer_literal();
        }
        let (prefix, radix, letter) = if self.below(4) == 0 {
            ("0x", 16, "p")
        } else {
            ("", 10, "e")
        };
        let point = self.pick(&["", ".", "."]);
        let mut text = match self.below(3) {
            0 => format!(
                "{prefix}{}{point}{}",
                self.digits(radix),
                self.digits(radix)
            ),
            1 => format!("{prefix}{}.", self.digits(radix)),
            _ => format!("{prefix}.{}", self.digits(radix)),
        };
        if radix == 16 || self.below(2) == 0 {
            let limit = self.pick(&[&10, &100, &400, &1300, &5000, &20_000]);
            let exponent = self.below(*limit);
            let sign = self.pick(&["", "-", "+"]);
            text = format!("{text}{letter}{sign}{exponent}");
        }
        text
    }

    fn escape(&mut self) -> String {
        match self.below(12) {
            0 => format!("\\x{:02x}", self.below(256)),
            1 => format!("\\{:03o}", self.below(300)),
            2 => format!("\\u{:04x}", self.below(0x10000)),
            3 => format!("\\U{:08X}", self.below(0x120000)),
            4 => format!(
                "\\{}",
                self.pick(&["a", "b", "f", "n", "r", "t", "v", "\\", "'", "\"", "q"])
            ),
            5 => char::from_u32(self.below(0x11_0000) as u32)
                .unwrap_or('é')
                .to_string(),
            6 => self
                .pick(&["é", "€", "😀", "\u{feff}", "\u{ad}", "\u{2028}", "'", "\""])
                .to_owned(),
            _ => char::from(32 + self.below(95) as u8).to_string(),
        }
    }

    fn character_literal(&mut self) -> String {
        format!("'{}'", self.escape())
    }

    fn string_literal(&mut self) -> String {
        let longest = if self.below(4) == 0 { 80 } else { 8 };
        let length = self.below(longest);
        if self.below(4) == 0 {
            let pieces = ["a", "\r", "\n", "\\", "\"", "é", "\t"];
            let inner: String = (0..length).map(|_| self.pick(&pieces)).collect();
            return format!("`{inner}`");
        }
        let inner: String = (0..length).map(|_| self.escape()).collect();
        format!("\"{inner}\"")
    }

    /// The text with a character inserted, removed or replaced.
    pub(crate) fn mutated(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let at = self.below(characters.len() + 1);
        let new = self.pick(&[
            "_", ".", "e", "p", "x", "0", "9", "-", "'", "\"", "\\", "\n", "i", "é",
        ]);
        match self.below(3) {
            0 if at < characters.len() => {
                characters.remove(at);
            }
            1 if at < characters.len() => characters[at] = new.chars().next().unwrap_or('_'),
            _ => characters.insert(at, new.chars().next().unwrap_or('_')),
        }
        characters.into_iter().collect()
    }
}
