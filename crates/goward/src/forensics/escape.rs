//! Names and values come from programs that may be hostile: nothing of them reaches a terminal or
//! a page as it is.

use std::fmt;
use std::io;

pub(crate) use goward_diagnostics::{neutralise as one_line, neutralise_lines as terminal};

/// Writes JSON whose strings hold nothing that a terminal would obey, as JSON's own escapes.
pub(crate) struct HarmlessJson;

impl serde_json::ser::Formatter for HarmlessJson {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        writer.write_all(goward_diagnostics::neutralise_json(fragment).as_bytes())
    }
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
            Html("<b a='\"'>&\x1b").to_string(),
            "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{241b}"
        );
        let mut serializer = serde_json::Serializer::with_formatter(Vec::new(), HarmlessJson);
        serde::Serialize::serialize("a\u{9b}b\u{202e}\x1b\n", &mut serializer).unwrap();
        assert_eq!(serializer.into_inner(), br#""a\u009bb\u202e\u001b\n""#);
    }
}
