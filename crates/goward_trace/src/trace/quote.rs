//! Quotes strings as Go's `%q` does.

use super::printable::CHANGES;

fn printable(character: char) -> bool {
    // The table lists the code points at which the answer changes, so an odd count of changes
    // up to the character means yes.
    CHANGES.partition_point(|&change| change <= character as u32) % 2 == 1
}

/// Appends `text` in double quotes, escaped as by Go's `strconv.Quote`.
pub(crate) fn quote(out: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => out.extend([b'\\', character as u8]),
                '\x07' => out.extend(b"\\a"),
                '\x08' => out.extend(b"\\b"),
                '\x0c' => out.extend(b"\\f"),
                '\n' => out.extend(b"\\n"),
                '\r' => out.extend(b"\\r"),
                '\t' => out.extend(b"\\t"),
                '\x0b' => out.extend(b"\\v"),
                ' '..='~' => out.push(character as u8),
                character if printable(character) => {
                    out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                character if character < ' ' || character == '\x7f' => {
                    out.extend(b"\\x");
                    out.extend([HEX[character as usize >> 4], HEX[character as usize & 15]]);
                }
                character => {
                    let code = character as u32;
                    let digits = if code < 0x10000 { 4 } else { 8 };
                    out.extend(if digits == 4 { b"\\u" } else { b"\\U" });
                    for digit in (0..digits).rev() {
                        out.push(HEX[(code >> (4 * digit)) as usize & 15]);
                    }
                }
            }
        }
        for &byte in chunk.invalid() {
            out.extend(b"\\x");
            out.extend([HEX[usize::from(byte) >> 4], HEX[usize::from(byte) & 15]]);
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expected: &str) {
        let mut out = Vec::new();
        quote(&mut out, text);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    /// The expected texts were printed by Go 1.26's `strconv.Quote`.
    #[test]
    fn quotes_as_go_does() {
        check(b"plain text", r#""plain text""#);
        check(
            b"a\"b\\c\n\t\x07\x00\x1b[0m\x7f",
            r#""a\"b\\c\n\t\a\x00\x1b[0m\x7f""#,
        );
        check(
            "ünï 世界 \u{a0}\u{200b}\u{1f600}\u{ad}".as_bytes(),
            r#""ünï 世界 \u00a0\u200b😀\u00ad""#,
        );
        check(b"\xff\xc3(\xe4\xb8", r#""\xff\xc3(\xe4\xb8""#);
        check(
            "\u{e0001}\u{10ffff}\u{fffd}\u{2028}".as_bytes(),
            r#""\U000e0001\U0010ffff�\u2028""#,
        );
    }
}
