//! Suppressions: `//goward:ignore RULE reason`.
//!
//! At the end of a line it speaks of that line; on a line of its own, of the next line that holds
//! code. `//goward:ignore-file RULE reason` speaks of the whole file. Several rules are joined by
//! commas. A reason is mandatory, and a suppression that suppresses nothing is itself reported: it
//! would hide the next real finding.

use goward_diagnostics::{Diagnostic, FilePath, SourceFile, Span};

use crate::rules::{bad_suppression, unused_suppression};

/// The suppressions of one file.
#[derive(Debug)]
pub struct Suppressions {
    file: FilePath,
    entries: Vec<Entry>,
    bad: Vec<Diagnostic>,
}

/// What [`Suppressions::apply`] leaves.
#[derive(Debug, Default)]
pub struct Suppressed {
    /// Findings that stay, and those about the suppressions themselves.
    pub diagnostics: Vec<Diagnostic>,
    /// How many were suppressed.
    pub suppressed: usize,
}

/// One rule in one suppression.
#[derive(Debug)]
struct Entry {
    rule: String,
    /// The name of the rule in the comment.
    span: Span,
    /// The line it speaks of, from 1; `None` for the whole file.
    line: Option<u32>,
    used: bool,
}

impl Suppressions {
    /// Reads the suppressions among the comments of a file. `comments` are the places of all its
    /// comments in source order.
    pub fn new(file: &SourceFile, comments: impl IntoIterator<Item = Span>) -> Suppressions {
        let mut suppressions = Suppressions {
            file: file.path().clone(),
            entries: Vec::new(),
            bad: Vec::new(),
        };
        let comments: Vec<Span> = comments.into_iter().collect();
        for &span in &comments {
            let Some(directive) = file.slice(span).strip_prefix(b"//goward:") else {
                suppressions.bad.extend(spaced(file, span));
                continue;
            };
            let directive = String::from_utf8_lossy(directive).into_owned();
            suppressions.read(file, span, &directive, &comments);
        }
        suppressions
    }

    fn read(&mut self, file: &SourceFile, comment: Span, directive: &str, comments: &[Span]) {
        let (verb, rest) = directive
            .split_once(char::is_whitespace)
            .unwrap_or((directive, ""));
        let line = match verb {
            "ignore" => Some(target_line(file, comment, comments)),
            "ignore-file" => None,
            _ => {
                let message = format!("`//goward:{verb}` means nothing to goward");
                let help = "write `//goward:ignore RULE reason`";
                self.bad.push(bad(file, comment, message).help(help));
                return;
            }
        };
        // A comment in the comment is not the reason, so that a test can mark the line.
        let rest = match rest.strip_prefix("//") {
            Some(_) => "",
            None => rest.split(" //").next().unwrap_or_default().trim(),
        };
        let (rules, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if rules.is_empty() {
            let message = format!("`//goward:{verb}` names no rule");
            let help = format!("write `//goward:{verb} RULE reason`");
            self.bad.push(bad(file, comment, message).help(help));
            return;
        }
        if reason.trim().is_empty() {
            let message = format!("the suppression of {rules} gives no reason");
            let help = format!("say why it is safe: `//goward:{verb} {rules} reason`");
            self.bad.push(bad(file, comment, message).help(help));
            return;
        }
        let offset = directive.find(rules).unwrap_or_default() + "//goward:".len();
        let mut start = comment.start + offset as u32;
        for rule in rules.split(',') {
            let span = Span::new(start, start + rule.len() as u32);
            start = span.end + 1;
            if crate::rule(rule).is_none() {
                let message = format!("the suppression names `{rule}`, which is no rule");
                let help = "`goward rules` lists the names";
                self.bad.push(bad(file, span, message).help(help));
                continue;
            }
            self.entries.push(Entry {
                rule: rule.to_owned(),
                span,
                line,
                used: false,
            });
        }
    }

    /// Takes the suppressed ones out of the findings of this file and adds those about the
    /// suppressions. A suppression of a rule that was not `active` in this run is not called
    /// unused.
    pub fn apply(
        mut self,
        file: &SourceFile,
        diagnostics: Vec<Diagnostic>,
        active: impl Fn(&str) -> bool,
    ) -> Suppressed {
        let mut outcome = Suppressed::default();
        for diagnostic in diagnostics {
            let line = file.lines().line_column(diagnostic.span.start).line;
            let mut found = false;
            for entry in &mut self.entries {
                let here = entry.line.is_none_or(|of| of == line);
                if here && entry.rule == diagnostic.rule && self.file == diagnostic.file {
                    entry.used = true;
                    found = true;
                }
            }
            if found {
                outcome.suppressed += 1;
            } else {
                outcome.diagnostics.push(diagnostic);
            }
        }
        outcome.diagnostics.extend(
            self.bad
                .into_iter()
                .filter(|diagnostic| active(&diagnostic.rule)),
        );
        if active(unused_suppression::RULE.name) {
            let unused = self
                .entries
                .iter()
                .filter(|entry| !entry.used && active(&entry.rule));
            outcome.diagnostics.extend(unused.map(|entry| {
                let message = format!("the suppression of {} suppresses nothing", entry.rule);
                unused_suppression::RULE
                    .diagnostic(self.file.clone(), entry.span, message)
                    .help("delete it: it would hide the next real finding on its line")
            }));
        }
        outcome
    }
}

/// A comment that would be a suppression if it did not begin with a space: it is an ordinary one, as
/// with the directives of Go. Prose about suppressions names no rule there.
fn spaced(file: &SourceFile, comment: Span) -> Option<Diagnostic> {
    let text = String::from_utf8_lossy(file.slice(comment).strip_prefix(b"//")?);
    let directive = text.trim_start().strip_prefix("goward:")?;
    let mut words = directive.split_whitespace();
    let verb = words.next()?;
    let known = |name| crate::rule(name).is_some();
    if !["ignore", "ignore-file"].contains(&verb) || !words.next()?.split(',').all(known) {
        return None;
    }
    let message = format!("a space before `goward:{verb}` makes it an ordinary comment");
    let help = format!("write `//goward:{verb} RULE reason`, without a space after the slashes");
    Some(bad(file, comment, message).help(help))
}

fn bad(file: &SourceFile, span: Span, message: String) -> Diagnostic {
    bad_suppression::RULE.diagnostic(file.path().clone(), span, message)
}

/// The line that a suppression speaks of: its own when code stands before it, else the next one
/// with something else than comments.
fn target_line(file: &SourceFile, comment: Span, comments: &[Span]) -> u32 {
    let lines = file.lines();
    let own = lines.line_column(comment.start).line;
    let start = lines.line_range(own).map_or(0, |range| range.start);
    if !file
        .slice(Span::new(start, comment.start))
        .trim_ascii()
        .is_empty()
    {
        return own;
    }
    let mut offset = comment.end;
    let mut following = comments
        .iter()
        .filter(|span| span.start >= comment.end)
        .peekable();
    loop {
        let rest = file.slice(Span::new(offset, u32::MAX));
        offset += rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count() as u32;
        match following.next_if(|span| span.start == offset) {
            Some(span) => offset = span.end,
            None => return lines.line_column(offset).line,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::check_suppressions;

    #[test]
    fn a_suppression_speaks_of_its_line_or_the_next_line_of_code() {
        check_suppressions(
            "\
package a

func f() {
	§m[1] = 1 //goward:ignore bad-suppression the map is made by the caller
	//goward:ignore bad-suppression two findings, one reason

	// A comment and a blank line do not count. /* nor does this */
	/* nor
	   this */ §m[2] = §m[3]
	§m[4] = 1 // want bad-suppression
	// goward:ignore bad-suppression a space before it // want \"makes it an ordinary comment\"
	§m[5] = 1 // want bad-suppression
}
",
        );
    }

    #[test]
    fn a_whole_file_and_several_rules() {
        check_suppressions(
            "\
//goward:ignore-file bad-suppression,internal-failure generated by hand // want \"suppression of internal-failure\"
package a

var x = §f()
var y = §f()
",
        );
    }

    #[test]
    fn suppressions_that_cannot_be_right_are_reported() {
        check_suppressions(
            "\
package a

//goward:ignore // want \"names no rule\"
//goward:ignore bad-suppression // want \"gives no reason\"
//goward:ignore no-such-rule because // want \"which is no rule\"
//goward:ignoer bad-suppression because // want \"`//goward:ignoer` means nothing\"
// goward:ignore-file bad-suppression,bad-suppression two // want \"a space before `goward:ignore-file`\"
// goward:ignore comments speak of the next line
//goward:ignore bad-suppression there is nothing here // want \"suppresses nothing\"
var x = 1
",
        );
    }
}
