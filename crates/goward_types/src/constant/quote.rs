//! Go's quoted strings: writing them as `strconv.Quote` does, reading them as `strconv.Unquote`.
//!
//! The rules are those of `strconv/quote.go`.

use std::borrow::Cow;
use std::fmt::Write;

use super::printable::PRINTABLE;

/// Whether Go's `strconv` calls the character printable: letters, marks, numbers, punctuation,
/// symbols and the ASCII space.
pub fn is_print(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    let code = u32::from(character);
    let after = PRINTABLE.partition_point(|range| range.0 <= code);
    after > 0 && code <= PRINTABLE[after - 1].1
}

/// The bytes as a double-quoted Go string literal; what is not printable or not UTF-8 is escaped.
pub fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_escaped(&mut quoted, character);
        }
        for byte in chunk.invalid() {
            push_formatted(&mut quoted, format_args!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

fn push_escaped(quoted: &mut String, character: char) {
    match character {
        '"' => quoted.push_str("\\\""),
        '\\' => quoted.push_str("\\\\"),
        _ if is_print(character) => quoted.push(character),
        '\x07' => quoted.push_str("\\a"),
        '\x08' => quoted.push_str("\\b"),
        '\x0c' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\x0b' => quoted.push_str("\\v"),
        _ => {
            let code = u32::from(character);
            match code {
                0..0x80 => push_formatted(quoted, format_args!("\\x{code:02x}")),
                0x80..0x10000 => push_formatted(quoted, format_args!("\\u{code:04x}")),
                _ => push_formatted(quoted, format_args!("\\U{code:08x}")),
            }
        }
    }
}

fn push_formatted(quoted: &mut String, arguments: std::fmt::Arguments<'_>) {
    quoted
        .write_fmt(arguments)
        .expect("writing to a string cannot fail");
}

/// The first character of the UTF-8 text and its length; U+FFFD and 1 where it is no UTF-8.
fn decode(text: &[u8]) -> (char, usize) {
    let length = match text.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let valid = text
        .get(..length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    match valid.and_then(|valid| valid.chars().next()) {
        Some(character) => (character, length),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// One character of a literal: what it stands for, whether that is to be written as UTF-8 (and not
/// as a single byte), and its length in the source.
pub(super) struct Unquoted {
    pub(super) code: u32,
    pub(super) is_character: bool,
    pub(super) length: usize,
}

/// Reads one character or escape sequence of a literal that `delimiter` (`'` or `"`) surrounds;
/// nothing if it is not valid there.
pub(super) fn unquote_character(text: &[u8], delimiter: u8) -> Option<Unquoted> {
    match *text.first()? {
        first if first == delimiter => return None,
        b'\\' => {}
        first if first.is_ascii() => {
            return Some(Unquoted {
                code: first.into(),
                is_character: false,
                length: 1,
            });
        }
        _ => {
            let (character, length) = decode(text);
            return Some(Unquoted {
                code: character.into(),
                is_character: true,
                length,
            });
        }
    }
    let digits = |start: usize, count: usize, radix: u32| {
        let digits = text.get(start..start + count)?;
        digits.iter().try_fold(0u32, |code, digit| {
            Some(code.wrapping_mul(radix) | char::from(*digit).to_digit(radix)?)
        })
    };
    let escape = *text.get(1)?;
    let (code, is_character, length) = match escape {
        b'a' => (0x07, false, 2),
        b'b' => (0x08, false, 2),
        b'f' => (0x0c, false, 2),
        b'n' => (0x0a, false, 2),
        b'r' => (0x0d, false, 2),
        b't' => (0x09, false, 2),
        b'v' => (0x0b, false, 2),
        b'\\' => (b'\\'.into(), false, 2),
        b'\'' | b'"' if escape == delimiter => (escape.into(), false, 2),
        b'x' => (digits(2, 2, 16)?, false, 4),
        b'u' => (char::from_u32(digits(2, 4, 16)?)?.into(), true, 6),
        b'U' => (char::from_u32(digits(2, 8, 16)?)?.into(), true, 10),
        b'0'..=b'7' => (digits(1, 3, 8).filter(|code| *code <= 255)?, false, 4),
        _ => return None,
    };
    Some(Unquoted {
        code,
        is_character,
        length,
    })
}

/// The bytes that a Go string literal in double quotes or backquotes stands for; nothing if it is
/// not a valid one. As in Go, a character literal is taken too.
pub fn unquote(literal: &str) -> Option<Cow<'_, [u8]>> {
    let literal = literal.as_bytes();
    let [delimiter @ (b'`' | b'"' | b'\''), inner @ .., last] = literal else {
        return None;
    };
    if last != delimiter {
        return None;
    }
    if *delimiter == b'`' {
        if inner.contains(delimiter) {
            return None;
        }
        // Carriage returns are no part of a raw string.
        return Some(if inner.contains(&b'\r') {
            Cow::Owned(
                inner
                    .iter()
                    .copied()
                    .filter(|byte| *byte != b'\r')
                    .collect(),
            )
        } else {
            Cow::Borrowed(inner)
        });
    }
    let is_plain = |byte: &u8| !matches!(byte, b'\\' | b'\n') && byte != delimiter;
    if *delimiter == b'"' && inner.iter().all(is_plain) {
        return Some(Cow::Borrowed(inner));
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while !rest.is_empty() {
        let character = unquote_character(rest, *delimiter).filter(|_| rest[0] != b'\n')?;
        match char::from_u32(character.code).filter(|_| character.is_character) {
            Some(decoded) => bytes.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes()),
            None => bytes.push(character.code as u8),
        }
        rest = &rest[character.length..];
        if *delimiter == b'\'' && !rest.is_empty() {
            return None;
        }
    }
    Some(Cow::Owned(bytes))
}
