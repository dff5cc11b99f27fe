//! Small text helpers: what a program printed must not steer the terminal that shows it.

/// Replaces control characters by a visible form, so that output of a measured program cannot move
/// the cursor, change colours or forge lines.
pub(crate) fn visible(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => safe.push_str("    "),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.extend(c.escape_unicode()),
            c if c.is_control() => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// A cell of a Markdown table: no line breaks, no characters that mean something to Markdown.
pub(crate) fn markdown_cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\' | '&' => {
                cell.push('\\');
                cell.push(c);
            }
            c => cell.push(c),
        }
    }
    cell
}

/// Up to `limit` characters of a text, with an ellipsis where something was cut.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars()
        .take(limit.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// Names closest to a misspelled one, for an error message.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ranked: Vec<(usize, &str)> = names
        .map(|name| {
            let contained = name.contains(wrong) || wrong.contains(name);
            (if contained { 0 } else { distance(wrong, name) }, name)
        })
        .filter(|(distance, _)| *distance <= wrong.len().div_ceil(3))
        .collect();
    ranked.sort();
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The number of insertions, deletions and replacements that turn one text into the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(
            visible("a\u{1b}[31mb\r\n\tc\u{202e}"),
            "a\\u{1b}[31mb\\u{d}\\u{a}    c\\u{202e}"
        );
    }

    #[test]
    fn markdown_is_neutralised() {
        assert_eq!(
            markdown_cell("a|b *c* <d>\n"),
            "a\\|b \\*c\\* \\<d\\>\\\\u{a}"
        );
    }

    #[test]
    fn nearest_names() {
        let names = ["nil_read", "nil_write", "goexit_main"];
        assert_eq!(nearest("nil_raed", names.into_iter()), ["nil_read"]);
        assert_eq!(nearest("goexit", names.into_iter()), ["goexit_main"]);
        assert!(nearest("zzzzzzzz", names.into_iter()).is_empty());
    }
}
