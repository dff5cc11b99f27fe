//! The part of the lexer that reads numbers, strings and characters, and says what is wrong with
//! them, as `go/scanner` does.

use goward_diagnostics::Span;

use crate::lexer::{Lexer, WORD, class, decode};
use crate::token::Token;

/// Digits were seen.
const DIGITS: u8 = 1;
/// Separators `_` were seen.
const SEPARATORS: u8 = 2;

/// The prefix of a number.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Prefix {
    None,
    /// `0` before other digits
    Zero,
    /// `0o`
    Octal,
    /// `0b`
    Binary,
    /// `0x`
    Hexadecimal,
}

impl Prefix {
    fn literal(self) -> &'static str {
        match self {
            Prefix::None => "decimal literal",
            Prefix::Zero | Prefix::Octal => "octal literal",
            Prefix::Binary => "binary literal",
            Prefix::Hexadecimal => "hexadecimal literal",
        }
    }
}

impl Lexer<'_> {
    fn complain(&mut self, at: usize, message: impl Into<String>) {
        let end = (at + 1).min(self.source.len()).max(at);
        self.errors.add(Span::new(at as u32, end as u32), message);
    }

    /// A number, at a digit or at a period before a digit.
    #[inline(never)]
    pub(crate) fn number(&mut self, start: usize) -> bool {
        // Nearly all numbers are short decimal ones.
        let mut end = start;
        while self.byte(end).is_ascii_digit() {
            end += 1;
        }
        let next = self.byte(end);
        let decimal = self.byte(start) != b'0' || end == start + 1;
        if decimal && end > start && next != b'.' && class(next) & WORD == 0 {
            self.emit(Token::Int, start, end)
        } else {
            self.any_number(start)
        }
    }

    #[inline(never)]
    fn any_number(&mut self, start: usize) -> bool {
        let mut at = start;
        let mut token = Token::Float;
        let mut base = 10;
        let mut prefix = Prefix::None;
        let mut seen = 0;
        let mut invalid = None;
        if self.byte(at) != b'.' {
            token = Token::Int;
            if self.byte(at) == b'0' {
                at += 1;
                (base, prefix) = match self.byte(at) | 0x20 {
                    b'x' => (16, Prefix::Hexadecimal),
                    b'o' => (8, Prefix::Octal),
                    b'b' => (2, Prefix::Binary),
                    _ => (8, Prefix::Zero),
                };
                if prefix == Prefix::Zero {
                    seen = DIGITS;
                } else {
                    at += 1;
                }
            }
            seen |= self.digits(&mut at, base, &mut invalid);
        }
        if self.byte(at) == b'.' {
            token = Token::Float;
            if matches!(prefix, Prefix::Octal | Prefix::Binary) {
                self.complain(at, format!("invalid radix point in {}", prefix.literal()));
            }
            at += 1;
            seen |= self.digits(&mut at, base, &mut invalid);
        }
        if seen & DIGITS == 0 {
            self.complain(at, format!("{} has no digits", prefix.literal()));
        }
        let exponent = self.byte(at) | 0x20;
        if exponent == b'e' || exponent == b'p' {
            let letter = char::from(self.byte(at));
            if exponent == b'e' && !matches!(prefix, Prefix::None | Prefix::Zero) {
                self.complain(at, format!("'{letter}' exponent requires decimal mantissa"));
            } else if exponent == b'p' && prefix != Prefix::Hexadecimal {
                self.complain(
                    at,
                    format!("'{letter}' exponent requires hexadecimal mantissa"),
                );
            }
            at += 1;
            token = Token::Float;
            if matches!(self.byte(at), b'+' | b'-') {
                at += 1;
            }
            let exponent_seen = self.digits(&mut at, 10, &mut None);
            seen |= exponent_seen;
            if exponent_seen & DIGITS == 0 {
                self.complain(at, "exponent has no digits");
            }
        } else if prefix == Prefix::Hexadecimal && token == Token::Float {
            self.complain(at, "hexadecimal mantissa requires a 'p' exponent");
        }
        if self.byte(at) == b'i' {
            token = Token::Imaginary;
            at += 1;
        }
        if let Some(invalid) = invalid
            && token == Token::Int
        {
            let digit = char::from(self.byte(invalid));
            self.complain(
                invalid,
                format!("invalid digit '{digit}' in {}", prefix.literal()),
            );
        }
        if seen & SEPARATORS != 0
            && let Some(index) = misplaced_separator(&self.source[start..at])
        {
            self.complain(start + index, "'_' must separate successive digits");
        }
        self.emit(token, start, at)
    }

    /// Digits and separators. For bases up to ten all decimal digits are read and the first that
    /// does not fit is kept in `invalid`.
    fn digits(&mut self, at: &mut usize, base: u8, invalid: &mut Option<usize>) -> u8 {
        let mut seen = 0;
        loop {
            let byte = self.byte(*at);
            if byte == b'_' {
                seen |= SEPARATORS;
            } else if byte.is_ascii_digit() || base == 16 && byte.is_ascii_hexdigit() {
                if base <= 10 && byte - b'0' >= base && invalid.is_none() {
                    *invalid = Some(*at);
                }
                seen |= DIGITS;
            } else {
                return seen;
            }
            *at += 1;
        }
    }

    /// A string in double quotes.
    #[inline(never)]
    pub(crate) fn string(&mut self, start: usize) -> bool {
        let mut at = start + 1;
        loop {
            match self.byte(at) {
                b'"' => {
                    return self.emit(Token::String, start, at + 1);
                }
                b'\\' => at = self.escape(at + 1, b'"').0,
                b'\n' => break,
                0 if at >= self.source.len() => break,
                _ => at += 1,
            }
        }
        self.complain(start, "string literal not terminated");
        self.emit(Token::String, start, at)
    }

    /// A string in back quotes.
    #[inline(never)]
    pub(crate) fn raw_string(&mut self, start: usize) -> bool {
        let end = match memchr::memchr(b'`', &self.source[start + 1..]) {
            Some(length) => start + length + 2,
            None => {
                self.complain(start, "raw string literal not terminated");
                self.source.len()
            }
        };
        self.emit(Token::String, start, end)
    }

    /// A character in single quotes.
    #[inline(never)]
    pub(crate) fn character(&mut self, start: usize) -> bool {
        let mut at = start + 1;
        let mut valid = true;
        let mut count = 0;
        loop {
            let byte = self.byte(at);
            if byte == b'\n' || at >= self.source.len() {
                if valid {
                    self.complain(start, "rune literal not terminated");
                    valid = false;
                }
                break;
            }
            if byte == b'\'' {
                at += 1;
                break;
            }
            count += 1;
            if byte == b'\\' {
                let (end, good) = self.escape(at + 1, b'\'');
                at = end;
                valid &= good;
            } else if byte < 0x80 {
                at += 1;
            } else {
                at += decode(self.source, at).1;
            }
        }
        if valid && count != 1 {
            self.complain(start, "illegal rune literal");
        }
        self.emit(Token::Char, start, at)
    }

    /// What follows a backslash. Returns where to go on and whether the sequence is valid; an
    /// offending character is not consumed.
    fn escape(&mut self, start: usize, quote: u8) -> (usize, bool) {
        let (mut at, count, base, most) = match self.byte(start) {
            b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\' => return (start + 1, true),
            byte if byte == quote => return (start + 1, true),
            b'0'..=b'7' => (start, 3, 8, 255),
            b'x' => (start + 1, 2, 16, 255),
            b'u' => (start + 1, 4, 16, 0x10_FFFF),
            b'U' => (start + 1, 8, 16, 0x10_FFFF),
            _ => {
                let message = if start >= self.source.len() {
                    "escape sequence not terminated"
                } else {
                    "unknown escape sequence"
                };
                self.complain(start, message);
                return (start, false);
            }
        };
        let mut value: u32 = 0;
        for _ in 0..count {
            let Some(digit) = char::from(self.byte(at)).to_digit(base) else {
                let message = if at >= self.source.len() {
                    "escape sequence not terminated".to_owned()
                } else {
                    let character = decode(self.source, at).0;
                    format!(
                        "illegal character U+{:04X} '{}' in escape sequence",
                        u32::from(character),
                        character.escape_debug()
                    )
                };
                self.complain(at, message);
                return (at, false);
            };
            value = value.wrapping_mul(base).wrapping_add(digit);
            at += 1;
        }
        if value > most || (0xD800..0xE000).contains(&value) {
            self.complain(start, "escape sequence is invalid Unicode code point");
            return (at, false);
        }
        (at, true)
    }
}

/// The position of the first `_` in a number that does not stand between digits or between a
/// prefix and a digit.
fn misplaced_separator(number: &[u8]) -> Option<usize> {
    let mut start = 0;
    let mut hexadecimal = false;
    let mut previous = b'.';
    if let [b'0', letter, ..] = number
        && matches!(letter | 0x20, b'x' | b'o' | b'b')
    {
        hexadecimal = letter | 0x20 == b'x';
        previous = b'0';
        start = 2;
    }
    for (index, &byte) in number.iter().enumerate().skip(start) {
        let current = if byte == b'_' {
            if previous != b'0' {
                return Some(index);
            }
            b'_'
        } else if byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit() {
            b'0'
        } else {
            if previous == b'_' {
                return Some(index - 1);
            }
            b'.'
        };
        previous = current;
    }
    (previous == b'_').then(|| number.len() - 1)
}
