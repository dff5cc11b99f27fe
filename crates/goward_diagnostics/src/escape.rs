//! Nothing from a file reaches a terminal as a command: control characters become visible ones.

use std::borrow::Cow;

/// Makes `text` safe to print on one line.
pub fn neutralise(text: &str) -> Cow<'_, str> {
    replace(text, visible)
}

/// Makes `text` safe to print where several lines are welcome: line feeds and tabs stay.
pub fn neutralise_lines(text: &str) -> Cow<'_, str> {
    replace(text, |character| match character {
        '\n' | '\t' => None,
        _ => visible(character),
    })
}

/// What is printed in place of a character that a terminal would obey or hide; `None` when it is
/// harmless.
pub(crate) fn visible(character: char) -> Option<char> {
    match character {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + character as u32),
        '\u{7f}' => Some('\u{2421}'),
        // C1 controls (U+009B starts a command on its own), line separators, marks that reorder or
        // hide text.
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => Some('\u{fffd}'),
        _ => None,
    }
}

/// Escapes the same characters in a JSON text as `\\uXXXX`. JSON itself escapes only those below
/// U+0020; the others can stand only inside of its strings, so the value stays the same.
pub fn neutralise_json(json: &str) -> Cow<'_, str> {
    let bad = |character: char| !character.is_ascii_whitespace() && visible(character).is_some();
    if !json.contains(bad) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if bad(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(character);
        }
    }
    Cow::Owned(text)
}

fn replace(text: &str, visible: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if text.chars().all(|character| visible(character).is_none()) {
        return Cow::Borrowed(text);
    }
    let characters = text.chars();
    Cow::Owned(
        characters
            .map(|character| visible(character).unwrap_or(character))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_visible() {
        assert_eq!(neutralise("a\x1b[31mb\x07\u{9b}2J"), "a␛[31mb␇\u{fffd}2J");
        assert_eq!(neutralise("one\ntwo\u{202e}"), "one␊two\u{fffd}");
        assert_eq!(neutralise_lines("one\n\ttwo\r"), "one\n\ttwo␍");
        let json = "\"\u{9b}2J\u{e0041}\"";
        assert_eq!(neutralise_json(json), r#""\u009b2J\udb40\udc41""#);
        assert!(matches!(neutralise("größe 地図"), Cow::Borrowed(_)));
    }
}
