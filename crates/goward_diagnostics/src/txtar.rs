//! Several files in one text, for tests and for examples in documentation.

/// Splits a text at header lines of the form `-- name --`, as Go's txtar archives do. What stands
/// before the first header is a file called `first`; it is left out when only white space.
pub fn split_txtar(text: &str, first: &str) -> Vec<(String, String)> {
    let mut files = vec![(first.to_owned(), String::new())];
    for line in text.split_inclusive('\n') {
        match header(line) {
            Some(name) => files.push((name.to_owned(), String::new())),
            None => files.last_mut().expect("never empty").1.push_str(line),
        }
    }
    if files[0].1.trim().is_empty() && files.len() > 1 {
        files.remove(0);
    }
    files
}

fn header(line: &str) -> Option<&str> {
    let name = line
        .trim_end()
        .strip_prefix("-- ")?
        .strip_suffix(" --")?
        .trim();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_split_at_their_headers() {
        let files = split_txtar("package a\n-- b/b.go --\npackage b\n", "a.go");
        assert_eq!(
            files,
            [
                ("a.go".to_owned(), "package a\n".to_owned()),
                ("b/b.go".to_owned(), "package b\n".to_owned()),
            ]
        );
        assert_eq!(split_txtar("\n-- b.go --\nx", "a.go").len(), 1);
        assert_eq!(split_txtar("", "a.go").len(), 1);
    }
}
