//! Names and values come from programs that may be hostile: nothing of them reaches a terminal or
//! a page as it is.

use std::borrow::Cow;
use std::fmt;

/// Shows a text on a terminal: control characters (escape sequences, bells, carriage returns) and
/// characters that change the direction of writing become `\x1b` or `\u{202e}`. Line ends stay;
/// callers indent what follows them.
pub(crate) fn terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if !is_hostile(character) {
            plain.push(character);
        } else if u32::from(character) < 0x100 {
            plain.push_str(&format!("\\x{:02x}", u32::from(character)));
        } else {
            plain.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
        }
    }
    Cow::Owned(plain)
}

/// The same on one line.
pub(crate) fn one_line(text: &str) -> String {
    terminal(text).replace('\n', "\\n").replace('\t', "\\t")
}

fn is_hostile(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text as content or attribute value of an HTML page.
pub(crate) struct Html<'t>(pub(crate) &'t str);

impl fmt::Display for Html<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in terminal(self.0).chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                _ => write!(formatter, "{character}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_passes() {
        assert_eq!(
            terminal("a\x1b[31mb\rc\u{202e}d\u{7f}\u{9b}"),
            "a\\x1b[31mb\\x0dc\\u{202e}d\\x7f\\x9b"
        );
        assert_eq!(one_line("a\n\tb"), "a\\n\\tb");
        assert_eq!(
            Html("<b a='\"'>&\x1b").to_string(),
            "&lt;b a=&#39;&quot;&#39;&gt;&amp;\\x1b"
        );
    }
}
