//! The marks of go/types' own tests: a comment `ERROR "…"` or `ERRORx "…"` stands behind the token
//! at which an error is reported.

use goward_syntax::Tree;

/// The offsets of the last bytes of the marked tokens, one for each mark.
pub(super) fn error_marks(source: &[u8], tree: &Tree) -> Vec<u32> {
    let mut marks = Vec::new();
    let comments = tree.comments();
    for (index, comment) in comments.iter().enumerate() {
        let text = &source[comment.span.range()];
        let is_mark = [b" ERROR ".as_slice(), b" ERRORx "]
            .iter()
            .any(|mark| text.get(2..).is_some_and(|text| text.starts_with(mark)));
        if !is_mark {
            continue;
        }
        // Back over blanks and other comments to the token before.
        let mut end = comment.span.start as usize;
        let mut before = comments[..index].iter().rev().peekable();
        loop {
            end = source[..end].trim_ascii_end().len();
            match before.peek() {
                Some(other) if other.span.end as usize == end => {
                    end = other.span.start as usize;
                    before.next();
                }
                _ => break,
            }
        }
        marks.push(end.saturating_sub(1) as u32);
    }
    marks
}

#[cfg(test)]
mod tests {
    use goward_syntax::{Mode, parse};

    fn check(source: &str, expected: &[&str]) {
        let tree = parse(source.as_bytes(), Mode::Full);
        let marks: Vec<String> = super::error_marks(source.as_bytes(), &tree)
            .into_iter()
            .map(|offset| {
                let upto = &source[..=offset as usize];
                format!(
                    "{}:{}",
                    upto.matches('\n').count() + 1,
                    &upto[upto.len() - 1..]
                )
            })
            .collect();
        assert_eq!(marks, expected);
    }

    #[test]
    fn a_mark_is_for_the_token_before() {
        check(
            "package p\n\nvar x /* ERROR \"one\" */ /* ERRORx `two` */ = y // ERROR \"three\"\n",
            &["3:x", "3:x", "3:y"],
        );
    }

    #[test]
    fn a_mark_may_stand_on_a_line_of_its_own() {
        check(
            "package p\nvar a = b\n// a note\n// ERROR \"c\"\n",
            &["2:b"],
        );
    }

    #[test]
    fn other_comments_are_no_marks() {
        check("package p // ERRORS \"a\"\n//ERROR \"b\"\n", &[]);
    }
}
