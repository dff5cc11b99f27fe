//! `// want` marks: what a test file says must be found on a line.
//!
//! A mark is a comment at the end of its line. Each quoted text in it is a part of `rule: message`
//! of one finding on that line, each bare word the exact name of its rule:
//!
//! ```go
//! m["a"] = 1 // want "m is nil"
//! n["a"] = 1 // want nil-map-write
//! ```
//!
//! Findings without a mark fail as well as marks without a finding.

use std::fmt::Write;

use crate::{Diagnostic, SourceFile, Sources};

/// What one mark asks for.
#[derive(Debug, PartialEq, Eq)]
enum Want {
    Rule(String),
    Text(String),
}

impl Want {
    fn accepts(&self, diagnostic: &Diagnostic) -> bool {
        match self {
            Want::Rule(rule) => diagnostic.rule == rule.as_str(),
            Want::Text(text) => {
                format!("{}: {}", diagnostic.rule, diagnostic.message).contains(text.as_str())
            }
        }
    }
}

/// Compares findings with the marks in `sources`. The error lists every difference, one a line.
pub fn check_wants(sources: &Sources, diagnostics: &[Diagnostic]) -> Result<(), String> {
    let mut differences = String::new();
    let mut matched = vec![false; diagnostics.len()];
    for file in sources.iter() {
        for (line, wants) in marks(file, &mut differences) {
            for want in wants {
                let found = diagnostics
                    .iter()
                    .enumerate()
                    .position(|(index, diagnostic)| {
                        !matched[index]
                            && diagnostic.file == *file.path()
                            && file.lines().line_column(diagnostic.span.start).line == line
                            && want.accepts(diagnostic)
                    });
                match found {
                    Some(index) => matched[index] = true,
                    None => {
                        let (Want::Rule(text) | Want::Text(text)) = want;
                        let path = file.path();
                        let _ = writeln!(differences, "{path}:{line}: not found: {text}");
                    }
                }
            }
        }
    }
    for (diagnostic, _) in diagnostics
        .iter()
        .zip(&matched)
        .filter(|(_, matched)| !**matched)
    {
        let line = match sources.get(&diagnostic.file) {
            Some(file) => file.lines().line_column(diagnostic.span.start).line,
            None => 0,
        };
        let Diagnostic {
            file,
            rule,
            message,
            ..
        } = diagnostic;
        let _ = writeln!(differences, "{file}:{line}: not wanted: {rule}: {message}");
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences)
    }
}

/// The marks of a file by line. On each line the longest text comes first, so that a short one
/// does not take the finding that only the long one fits.
fn marks(file: &SourceFile, differences: &mut String) -> Vec<(u32, Vec<Want>)> {
    let mut marks = Vec::new();
    for (index, line) in file.bytes().split(|&byte| byte == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let Some((_, mark)) = line.rsplit_once("// want ") else {
            continue;
        };
        let number = index as u32 + 1;
        match parse(mark) {
            Ok(mut wants) => {
                wants.sort_by_key(|want| match want {
                    Want::Rule(_) => 0,
                    Want::Text(text) => -(text.len() as i64),
                });
                marks.push((number, wants));
            }
            Err(cause) => {
                let _ = writeln!(differences, "{}:{number}: bad mark: {cause}", file.path());
            }
        }
    }
    marks
}

fn parse(mark: &str) -> Result<Vec<Want>, &'static str> {
    let mut wants = Vec::new();
    let mut rest = mark.trim();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = quoted.split_once('"').ok_or("a quote is not closed")?;
            if text.is_empty() {
                return Err("an empty text fits everything");
            }
            wants.push(Want::Text(text.to_owned()));
            rest = after.trim_start();
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            wants.push(Want::Rule(rest[..end].to_owned()));
            rest = rest[end..].trim_start();
        }
    }
    if wants.is_empty() {
        Err("nothing is wanted")
    } else {
        Ok(wants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Category, Severity, Span};

    /// Findings at each line number with a message, against the marks in `text`.
    fn check(text: &str, findings: &[(u32, &str)]) -> Result<(), String> {
        let sources: Sources = [SourceFile::new("a.go", text)].into_iter().collect();
        let file = sources.get("a.go").unwrap();
        let diagnostics: Vec<Diagnostic> = findings
            .iter()
            .map(|&(line, message)| {
                let start = file.lines().line_range(line).unwrap().start;
                let span = Span::at(start);
                let (category, severity) = (Category::Panic, Severity::Error);
                Diagnostic::new(
                    "nil-map-write",
                    category,
                    severity,
                    "a.go".into(),
                    span,
                    message,
                )
            })
            .collect();
        check_wants(&sources, &diagnostics)
    }

    #[test]
    fn marks_and_findings_must_agree_both_ways() {
        let text = "x\nm[1] = 2 // want \"m is nil\"\n";
        assert_eq!(check(text, &[(2, "m is nil here")]), Ok(()));
        assert_eq!(
            check(text, &[]),
            Err("a.go:2: not found: m is nil\n".to_owned())
        );
        assert_eq!(
            check(text, &[(2, "m is nil here"), (1, "other")]),
            Err("a.go:1: not wanted: nil-map-write: other\n".to_owned())
        );
        assert!(check(text, &[(2, "m is nil here"), (2, "m is nil here")]).is_err());
    }

    #[test]
    fn names_of_rules_and_several_marks_on_a_line() {
        let text = "m[1] = 2 // want nil-map-write \"m\" \"m is nil twice\"\n";
        let all = [(1, "m is nil twice"), (1, "m is nil"), (1, "x")];
        assert_eq!(check(text, &all), Ok(()));
        assert!(check("m // want other-rule", &[(1, "x")]).is_err());
    }

    #[test]
    fn a_bad_mark_is_an_error_and_not_ignored() {
        assert!(
            check("m // want \"open", &[])
                .unwrap_err()
                .contains("not closed")
        );
        assert!(
            check("m // want \"\"", &[(1, "x")])
                .unwrap_err()
                .contains("everything")
        );
    }
}
