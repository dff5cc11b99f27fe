//! Build constraints: `//go:build` expressions and the older `// +build` lines.
//!
//! The grammar and the limits are those of go/build/constraint (expr.go, vers.go).

use serde::{Deserialize, Serialize};

/// A boolean expression over build tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Constraint {
    /// A tag such as `linux`, `go1.22` or `goexperiment.greenteagc`.
    Tag(String),
    /// `!x`
    Not(Box<Constraint>),
    /// `x && y`
    And(Box<Constraint>, Box<Constraint>),
    /// `x || y`
    Or(Box<Constraint>, Box<Constraint>),
}

/// Why a constraint does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstraintError {
    /// Byte offset in the expression, without its `//go:build` prefix.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
}

/// Go refuses expressions with more than this many operands; it also bounds the depth of the tree.
const MAXIMUM_SIZE: usize = 1000;
/// Go stops reading `// +build` lines after this many operators.
const MAXIMUM_LEGACY_SIZE: usize = 100;

impl Constraint {
    fn negated_if(self, negated: bool) -> Self {
        if negated {
            Self::Not(Box::new(self))
        } else {
            self
        }
    }

    /// The value of the expression where `has_tag` says which tags are set.
    pub fn evaluate(&self, has_tag: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Tag(tag) => has_tag(tag),
            Self::Not(inner) => !inner.evaluate(has_tag),
            Self::And(left, right) => left.evaluate(has_tag) && right.evaluate(has_tag),
            Self::Or(left, right) => left.evaluate(has_tag) || right.evaluate(has_tag),
        }
    }

    /// The least Go language version (the N of 1.N) that the expression implies, when it does.
    pub fn go_version(&self) -> Option<u16> {
        u16::try_from(self.minimum_version(true)).ok()
    }

    /// −1 where nothing is implied, so that minimum and maximum work as in Go's vers.go.
    fn minimum_version(&self, positive: bool) -> i32 {
        match self {
            Self::Not(inner) => inner.minimum_version(!positive),
            Self::And(left, right) | Self::Or(left, right) => {
                let (left, right) = (
                    left.minimum_version(positive),
                    right.minimum_version(positive),
                );
                if matches!(self, Self::And(..)) == positive {
                    left.max(right)
                } else {
                    left.min(right)
                }
            }
            Self::Tag(_) if !positive => -1,
            Self::Tag(tag) if tag == "go1" => 0,
            Self::Tag(tag) => tag
                .strip_prefix("go1.")
                .and_then(|minor| minor.parse::<u16>().ok())
                .map_or(-1, i32::from),
        }
    }
}

/// The expression of a `//go:build` line, or `None` when the line is none. The line has no line end.
pub(crate) fn split_go_build(line: &str) -> Option<&str> {
    split_directive(line.trim().strip_prefix("//go:build")?)
}

/// The expression of a `// +build` line, or `None` when the line is none. The line has no line end.
pub(crate) fn split_plus_build(line: &str) -> Option<&str> {
    split_directive(line.strip_prefix("//")?.trim().strip_prefix("+build")?)
}

/// A directive's arguments must be set off by a space, or be empty.
fn split_directive(rest: &str) -> Option<&str> {
    let trimmed = rest.trim();
    (rest.is_empty() || trimmed.len() < rest.len()).then_some(trimmed)
}

/// Parses the expression of a `//go:build` line.
pub(crate) fn parse_expression(text: &str) -> Result<Constraint, ConstraintError> {
    let mut parser = Parser {
        text,
        next: 0,
        token: "",
        is_tag: false,
        position: 0,
    };
    // Open parentheses are kept in a vector: input decides how many there are.
    let mut open = vec![Level::default()];
    let mut size = 0;
    loop {
        size += 1;
        if size > MAXIMUM_SIZE {
            return Err(parser.error("build expression too large"));
        }
        parser.lex()?;
        let negated = parser.token == "!";
        if negated {
            parser.lex()?;
            if parser.token == "!" {
                return Err(parser.error("double negation not allowed"));
            }
        }
        if parser.token == "(" {
            open.push(Level {
                negated,
                position: parser.position,
                ..Level::default()
            });
            continue;
        }
        if !parser.is_tag {
            return Err(match (parser.token.is_empty(), open.len()) {
                (true, 1) => parser.error("unexpected end of expression"),
                (true, _) => parser.error("missing close paren"),
                (false, _) => parser.error(format!("unexpected token {}", parser.token)),
            });
        }
        let mut operand = Constraint::Tag(parser.token.to_owned()).negated_if(negated);
        // Closing parentheses make what is inside an operand of the level outside.
        loop {
            let outermost = open.len() == 1;
            let level = open.last_mut().expect("the outermost level stays");
            level.add(operand);
            parser.lex()?;
            match parser.token {
                "&&" => break,
                "||" => {
                    level.close_and();
                    break;
                }
                ")" if !outermost => {
                    let level = open.pop().expect("there are at least two");
                    let negated = level.negated;
                    operand = level.finish().negated_if(negated);
                }
                "" if outermost => {
                    return Ok(open.pop().expect("there is one").finish());
                }
                token if outermost => {
                    return Err(parser.error(format!("unexpected token {token}")));
                }
                _ => {
                    return Err(ConstraintError {
                        offset: level.position,
                        message: "missing close paren".to_owned(),
                    });
                }
            }
        }
    }
}

/// What stands between two parentheses, as far as it was read.
#[derive(Default)]
struct Level {
    /// A `!` stands before the opening parenthesis.
    negated: bool,
    /// Byte offset of the opening parenthesis.
    position: usize,
    /// The operands of `||` that are complete.
    or: Option<Constraint>,
    /// The operands of `&&` read since the last `||`.
    and: Option<Constraint>,
}

impl Level {
    fn add(&mut self, operand: Constraint) {
        self.and = Some(match self.and.take() {
            None => operand,
            Some(before) => Constraint::And(Box::new(before), Box::new(operand)),
        });
    }

    fn close_and(&mut self) {
        if let Some(and) = self.and.take() {
            self.or = Some(match self.or.take() {
                None => and,
                Some(before) => Constraint::Or(Box::new(before), Box::new(and)),
            });
        }
    }

    fn finish(mut self) -> Constraint {
        self.close_and();
        self.or.expect("a level is only left after an operand")
    }
}

/// Parses the options of a `// +build` line; what is malformed reads as the unset tag `ignore`.
pub(crate) fn parse_legacy_line(text: &str) -> Result<Constraint, ConstraintError> {
    let mut size = 0;
    let mut count = |operators: bool| {
        size += usize::from(operators);
        if size > MAXIMUM_LEGACY_SIZE {
            return Err(ConstraintError {
                offset: 0,
                message: "expression too complex for // +build lines".to_owned(),
            });
        }
        Ok(())
    };
    let mut any = None;
    for clause in text.split_whitespace() {
        let mut all = None;
        for literal in clause.split(',') {
            let parsed = if literal.starts_with("!!") || literal == "!" {
                Constraint::Tag("ignore".to_owned())
            } else {
                let (negated, name) = match literal.strip_prefix('!') {
                    Some(name) => (true, name),
                    None => (false, literal),
                };
                let valid = !name.is_empty() && name.chars().all(is_tag_character);
                let tag = Constraint::Tag(if valid { name } else { "ignore" }.to_owned());
                if negated {
                    Constraint::Not(Box::new(tag))
                } else {
                    tag
                }
            };
            count(all.is_some())?;
            all = Some(match all {
                None => parsed,
                Some(before) => Constraint::And(Box::new(before), Box::new(parsed)),
            });
        }
        let all = all.expect("a split has at least one part");
        count(any.is_some())?;
        any = Some(match any {
            None => all,
            Some(before) => Constraint::Or(Box::new(before), Box::new(all)),
        });
    }
    Ok(any.unwrap_or_else(|| Constraint::Tag("ignore".to_owned())))
}

fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '.'
}

struct Parser<'a> {
    text: &'a str,
    next: usize,
    token: &'a str,
    is_tag: bool,
    position: usize,
}

impl<'a> Parser<'a> {
    fn error(&self, message: impl Into<String>) -> ConstraintError {
        ConstraintError {
            offset: self.position,
            message: message.into(),
        }
    }

    fn lex(&mut self) -> Result<(), ConstraintError> {
        self.is_tag = false;
        let rest = self.text[self.next..].trim_start_matches([' ', '\t']);
        self.position = self.text.len() - rest.len();
        let length = match rest.as_bytes() {
            [] => 0,
            [b'(' | b')' | b'!', ..] => 1,
            [b'&', b'&', ..] | [b'|', b'|', ..] => 2,
            _ => {
                let length = rest
                    .find(|character| !is_tag_character(character))
                    .unwrap_or(rest.len());
                if length == 0 {
                    let bad = rest.chars().next().unwrap_or_default();
                    return Err(self.error(format!("invalid syntax at {bad}")));
                }
                self.is_tag = true;
                length
            }
        };
        self.token = &rest[..length];
        self.next = self.position + length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, tags: &str, expected: bool) {
        let expression = parse_expression(text).unwrap();
        assert_eq!(
            expression.evaluate(&|tag| tags.split(' ').any(|set| set == tag)),
            expected,
            "{text} with {tags}"
        );
    }

    #[test]
    fn expressions_evaluate_with_go_precedence() {
        check("a || b && !c", "a c", true);
        check("(a || b) && !c", "a c", false);
        check("!(a && b)", "a", true);
        check(
            "386 && go1.21 && goexperiment.x",
            "386 go1.21 goexperiment.x",
            true,
        );
    }

    #[test]
    fn malformed_expressions_name_place_and_cause() {
        for (text, offset, message) in [
            ("", 0, "unexpected end of expression"),
            ("a &", 2, "invalid syntax at &"),
            ("a b", 2, "unexpected token b"),
            ("!!a", 1, "double negation not allowed"),
            ("(a", 0, "missing close paren"),
            ("(a ||", 5, "missing close paren"),
            ("!(a && (b)", 1, "missing close paren"),
            ("(a b)", 0, "missing close paren"),
            ("a || )", 5, "unexpected token )"),
            ("a-b", 1, "invalid syntax at -"),
        ] {
            let error = parse_expression(text).unwrap_err();
            assert_eq!(
                (error.offset, error.message.as_str()),
                (offset, message),
                "{text}"
            );
        }
        let deep = "(".repeat(100_000);
        assert_eq!(
            parse_expression(&deep).unwrap_err().message,
            "build expression too large"
        );
    }

    #[test]
    fn versions_are_implied_as_in_vers_go() {
        for (text, version) in [
            ("go1.60", Some(60)),
            ("ignore && go1.60", Some(60)),
            ("ignore || go1.60", None),
            ("go1.50 || (ignore && go1.60)", Some(50)),
            ("!go1.60", None),
            ("!(!a || go1.60)", None),
            ("linux && go1", Some(0)),
            ("go1.18beta1", None),
        ] {
            assert_eq!(
                parse_expression(text).unwrap().go_version(),
                version,
                "{text}"
            );
        }
    }

    #[test]
    fn legacy_lines_read_as_or_of_ands() {
        let expression = parse_legacy_line("linux,!cgo darwin").unwrap();
        assert!(expression.evaluate(&|tag| tag == "linux"));
        assert!(expression.evaluate(&|tag| tag == "darwin" || tag == "cgo"));
        assert!(!expression.evaluate(&|tag| tag == "linux" || tag == "cgo"));
        assert_eq!(
            parse_legacy_line("").unwrap(),
            Constraint::Tag("ignore".to_owned())
        );
        assert_eq!(
            parse_legacy_line("a-b").unwrap(),
            Constraint::Tag("ignore".to_owned())
        );
        assert!(parse_legacy_line(&"a ".repeat(200)).is_err());
        assert_eq!(split_plus_build("//+build x"), Some("x"));
        assert_eq!(split_plus_build("// +buildx"), None);
        assert_eq!(split_go_build("//go:build  x "), Some("x"));
        assert_eq!(split_go_build("//go:buildx"), None);
    }
}
