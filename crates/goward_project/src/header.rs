//! A fast look at the top of a Go file: package clause, imports, build constraint, generated-code
//! marker. Function bodies are never looked at.
//!
//! The tolerance is that of go/build (read.go, `parseFileHeader` and `shouldBuild` in build.go):
//! semicolons are white space, and what cannot be read is reported without losing what came before.

use serde::{Deserialize, Serialize};

use crate::constraint::{self, Constraint};

/// One import of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderImport {
    /// The path between the quotes, escapes resolved.
    pub path: String,
    /// Byte offset of the opening quote.
    pub offset: u32,
}

/// Why a header does not read, with the byte offset of the place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderError {
    /// Byte offset in the file.
    pub offset: u32,
    /// What is wrong.
    pub message: String,
}

/// What the top of a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Name in the package clause; empty when there is none.
    pub package: String,
    /// Byte offset of the package's name.
    pub package_offset: u32,
    /// Imports in source order, duplicates kept.
    pub imports: Vec<HeaderImport>,
    /// Constraints that must all hold: one `//go:build`, or any number of `// +build` lines.
    pub constraints: Vec<Constraint>,
    /// The language version N of 1.N that a `//go:build` line implies.
    pub go_version: Option<u16>,
    /// Whether a `// Code generated … DO NOT EDIT.` line stands before the package clause.
    pub generated: bool,
    /// The first thing that could not be read.
    pub error: Option<HeaderError>,
    /// Whether `error` is about the build constraint: the file then belongs to no build at all.
    pub constraint_error: bool,
}

impl Header {
    /// Whether the file imports "C".
    pub fn imports_c(&self) -> bool {
        self.imports.iter().any(|import| import.path == "C")
    }
}

/// Reads the header of a Go file.
pub fn scan(source: &[u8]) -> Header {
    let mut scanner = Scanner {
        source,
        // A byte order mark at the very start is no part of the text.
        next: if source.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        },
        generated: false,
        saw_build_comment: false,
        in_header: true,
        error: None,
    };
    let mut header = Header::default();
    scanner.package_clause(&mut header);
    let header_end = scanner.next;
    if scanner.error.is_none() {
        scanner.imports(&mut header);
    }
    header.generated = scanner.generated;
    header.error = scanner.error.take();
    if scanner.saw_build_comment {
        read_constraints(source, header_end, &mut header);
    }
    header
}

struct Scanner<'a> {
    source: &'a [u8],
    next: usize,
    generated: bool,
    saw_build_comment: bool,
    /// Still before the package clause.
    in_header: bool,
    error: Option<HeaderError>,
}

impl Scanner<'_> {
    fn fail(&mut self, offset: usize, message: &str) {
        if self.error.is_none() {
            self.error = Some(HeaderError {
                offset: to_u32(offset),
                message: message.to_owned(),
            });
        }
    }

    /// The next byte after spaces, semicolons and comments; 0 at the end of the file.
    fn peek(&mut self) -> u8 {
        loop {
            let Some(&byte) = self.source.get(self.next) else {
                return 0;
            };
            match byte {
                b' ' | b'\x0c' | b'\t' | b'\r' | b'\n' | b';' => self.next += 1,
                b'/' => match self.source.get(self.next + 1) {
                    Some(b'/') => {
                        let start = self.next;
                        let length = self.source[start..]
                            .iter()
                            .position(|byte| *byte == b'\n')
                            .unwrap_or(self.source.len() - start);
                        self.next = start + length;
                        if self.in_header {
                            self.line_comment(start, start + length);
                        }
                    }
                    Some(b'*') => {
                        let start = self.next;
                        let Some(end) = find(&self.source[start + 2..], b"*/") else {
                            self.fail(start, "comment not terminated");
                            self.next = self.source.len();
                            return 0;
                        };
                        self.next = start + 2 + end + 2;
                        if self.in_header {
                            let comment = &self.source[start..self.next];
                            self.generated |= comment.split(|byte| *byte == b'\n').any(is_marker);
                        }
                    }
                    _ => return byte,
                },
                _ => return byte,
            }
        }
    }

    fn line_comment(&mut self, start: usize, end: usize) {
        let comment = &self.source[start..end];
        let comment = comment.strip_suffix(b"\r").unwrap_or(comment);
        self.generated |= is_marker(comment);
        self.saw_build_comment |=
            comment.starts_with(b"//go:build") || find(comment, b"+build").is_some();
    }

    /// An identifier at the current place, empty when there is none.
    fn identifier(&mut self) -> &[u8] {
        self.peek();
        let start = self.next;
        while self
            .source
            .get(self.next)
            .is_some_and(|byte| is_identifier(*byte))
        {
            self.next += 1;
        }
        &self.source[start..self.next]
    }

    fn package_clause(&mut self, header: &mut Header) {
        self.peek();
        self.in_header = false;
        let start = self.next;
        if self.identifier() != b"package" {
            self.next = start;
            self.fail(start, "expected 'package'");
            return;
        }
        self.peek();
        let offset = self.next;
        let name = String::from_utf8_lossy(self.identifier()).into_owned();
        if name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
            self.fail(offset, "expected the name of the package");
            return;
        }
        header.package = name;
        header.package_offset = to_u32(offset);
    }

    fn imports(&mut self, header: &mut Header) {
        while self.peek() == b'i' && self.error.is_none() {
            let start = self.next;
            if self.identifier() != b"import" {
                self.next = start;
                return;
            }
            if self.peek() == b'(' {
                self.next += 1;
                while self.error.is_none() {
                    match self.peek() {
                        b')' => {
                            self.next += 1;
                            break;
                        }
                        0 => {
                            self.fail(self.next, "expected ')' after imports");
                        }
                        _ => self.import(header),
                    }
                }
            } else {
                self.import(header);
            }
        }
    }

    fn import(&mut self, header: &mut Header) {
        match self.peek() {
            b'.' => self.next += 1,
            byte if is_identifier(byte) => {
                self.identifier();
            }
            _ => {}
        }
        let quote = self.peek();
        let start = self.next;
        if quote != b'"' && quote != b'`' {
            self.fail(start, "expected an import path in quotes");
            return;
        }
        let mut end = start + 1;
        loop {
            match self.source.get(end) {
                None => {
                    self.fail(start, "import path not terminated");
                    return;
                }
                Some(byte) if *byte == quote => break,
                Some(b'\n') if quote == b'"' => {
                    self.fail(start, "import path not terminated");
                    return;
                }
                Some(b'\\') if quote == b'"' => end += 2,
                Some(_) => end += 1,
            }
        }
        self.next = end + 1;
        let text = String::from_utf8_lossy(&self.source[start + 1..end]);
        let path = if quote == b'"' {
            unescape(&text)
        } else {
            Some(text.replace('\r', ""))
        };
        match path.filter(|path| is_valid_import(path)) {
            Some(path) => header.imports.push(HeaderImport {
                path,
                offset: to_u32(start),
            }),
            None => self.fail(start, &format!("invalid import path {text:?}")),
        }
    }
}

fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The marker of generated files (go/ast `IsGenerated`); `line` is a whole comment or a line of one.
fn is_marker(line: &[u8]) -> bool {
    line.strip_prefix(b"// Code generated ")
        .is_some_and(|rest| rest.ends_with(b" DO NOT EDIT."))
}

/// The implementation restriction on import paths that the gc toolchain applies.
fn is_valid_import(path: &str) -> bool {
    const ILLEGAL: &str = "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{FFFD}";
    !path.is_empty()
        && !path.chars().any(|character| {
            character.is_whitespace() || character.is_control() || ILLEGAL.contains(character)
        })
}

/// Resolves the escapes of an interpreted string; `None` when one is malformed.
fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let kind = rest.next()?;
        let mut digits = |count: usize, radix: u32, first: &str| {
            let mut text = first.to_owned();
            while text.len() < count {
                text.push(rest.next()?);
            }
            u32::from_str_radix(&text, radix).ok()
        };
        match kind {
            'a' => bytes.push(7),
            'b' => bytes.push(8),
            'f' => bytes.push(12),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(11),
            '\\' | '"' => bytes.push(kind as u8),
            'x' => bytes.push(u8::try_from(digits(2, 16, "")?).ok()?),
            '0'..='7' => {
                bytes.push(u8::try_from(digits(3, 8, kind.encode_utf8(&mut [0; 4]))?).ok()?)
            }
            'u' | 'U' => {
                let value = digits(if kind == 'u' { 4 } else { 8 }, 16, "")?;
                bytes.extend(char::from_u32(value)?.encode_utf8(&mut [0; 4]).bytes());
            }
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

/// Finds the build constraint in the comments before the package clause, line by line, because
/// where a blank line stands decides whether a `// +build` line counts.
fn read_constraints(source: &[u8], header_end: usize, header: &mut Header) {
    let text = &source[..header_end];
    let mut go_build: Option<(usize, &str)> = None;
    // Where `// +build` lines stop counting: at the last blank line before the first line that is
    // neither blank nor a `//` comment.
    let mut legacy_end = 0;
    let mut ended = false;
    let mut in_block_comment = false;
    let mut position = 0;
    'lines: while position < text.len() {
        let start = position;
        let length = memchr::memchr(b'\n', &text[start..]);
        position = length.map_or(text.len(), |length| start + length + 1);
        let raw = &text[start..length.map_or(text.len(), |length| start + length)];
        let mut line = raw.trim_ascii();
        if line.is_empty() && !ended {
            legacy_end = position;
            continue;
        }
        if !line.starts_with(b"//") {
            ended = true;
        }
        if !in_block_comment
            && line.starts_with(b"//go:build")
            && let Ok(text) = std::str::from_utf8(line)
            && let Some(expression) = constraint::split_go_build(text)
        {
            if go_build.is_some() {
                fail_constraint(header, start, "multiple //go:build comments".to_owned());
                return;
            }
            go_build = Some((start, expression));
        }
        while !line.is_empty() {
            if in_block_comment {
                let Some(end) = find(line, b"*/") else {
                    continue 'lines;
                };
                in_block_comment = false;
                line = line[end + 2..].trim_ascii();
            } else if line.starts_with(b"//") {
                continue 'lines;
            } else if line.starts_with(b"/*") {
                in_block_comment = true;
                line = line[2..].trim_ascii();
            } else {
                break 'lines;
            }
        }
    }
    if let Some((start, expression)) = go_build {
        match constraint::parse_expression(expression) {
            Ok(expression) => {
                header.go_version = expression.go_version();
                header.constraints.push(expression);
            }
            Err(error) => {
                fail_constraint(header, start, format!("//go:build: {}", error.message));
            }
        }
        return;
    }
    for line in text[..legacy_end].split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if line.starts_with(b"//")
            && let Ok(line) = std::str::from_utf8(line)
            && let Some(options) = constraint::split_plus_build(line)
            && let Ok(expression) = constraint::parse_legacy_line(options)
        {
            header.constraints.push(expression);
        }
    }
}

fn fail_constraint(header: &mut Header, offset: usize, message: String) {
    header.constraint_error = true;
    header.error = Some(HeaderError {
        offset: to_u32(offset),
        message,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints a header in one line.
    #[track_caller]
    fn check(source: &str, expected: &str) {
        let header = scan(source.as_bytes());
        let mut text = format!("package {}", header.package);
        for import in &header.imports {
            text += &format!(" {}@{}", import.path, import.offset);
        }
        if header.generated {
            text += " generated";
        }
        if let Some(version) = header.go_version {
            text += &format!(" go1.{version}");
        }
        if !header.constraints.is_empty() {
            let linux = |tag: &str| tag == "linux";
            let holds = header.constraints.iter().all(|c| c.evaluate(&linux));
            text += if holds { " on-linux" } else { " not-on-linux" };
        }
        if let Some(error) = &header.error {
            text += &format!(" error@{}: {}", error.offset, error.message);
        }
        assert_eq!(text, expected, "{source}");
    }

    #[test]
    fn imports_are_read_in_every_form() {
        check(
            "package p\nimport \"fmt\"\nimport (\n\tx `a/b` // c\n\t. \"c\"; _ \"d\"\n)\nfunc f() {}\nimport \"no\"",
            "package p fmt@17 a/b@35 c@49 d@56",
        );
        check("\u{feff}// c\npackage p; import \"C\"", "package p C@26");
        check("package p /* x */ import /* y */ n \"q\"", "package p q@35");
        check("package p\nimport ()\nvar x = 1", "package p");
        check(
            "package p\nimport \"\\x61\\u0062\\143\"",
            "package p abc@17",
        );
        check("package p\nimportant := 1", "package p");
    }

    #[test]
    fn broken_headers_keep_what_was_read() {
        check("", "package  error@0: expected 'package'");
        check("packages p", "package  error@0: expected 'package'");
        check(
            "package 1",
            "package  error@8: expected the name of the package",
        );
        check(
            "package p\nimport \"a\"\nimport x",
            "package p a@17 error@29: expected an import path in quotes",
        );
        check(
            "package p\nimport \"a",
            "package p error@17: import path not terminated",
        );
        check(
            "package p\nimport (\"a\"",
            "package p a@18 error@21: expected ')' after imports",
        );
        check(
            "package p\nimport \"a b\"",
            "package p error@17: invalid import path \"a b\"",
        );
        check(
            "package p /* x",
            "package p error@10: comment not terminated",
        );
    }

    #[test]
    fn constraints_follow_the_placement_rules() {
        check("//go:build linux\n\npackage p", "package p on-linux");
        check("//go:build !linux\npackage p", "package p not-on-linux");
        check("// +build !linux\n\npackage p", "package p not-on-linux");
        // No blank line behind it: part of the package comment.
        check("// +build !linux\npackage p", "package p");
        check(
            "// +build !linux\n\n//go:build linux\npackage p",
            "package p on-linux",
        );
        check("/*\n//go:build !linux\n*/\npackage p", "package p");
        check(
            "/* x */\n//go:build !linux\n\npackage p",
            "package p not-on-linux",
        );
        check(
            "// +build linux\n// +build cgo\n\npackage p",
            "package p not-on-linux",
        );
        check("package p\n//go:build !linux", "package p");
        check(
            "//go:build linux && go1.21\n\npackage p",
            "package p go1.21 not-on-linux",
        );
        check(
            "//go:build a\n//go:build b\n\npackage p",
            "package p error@13: multiple //go:build comments",
        );
        check(
            "//go:build a &&\n\npackage p",
            "package p error@0: //go:build: unexpected end of expression",
        );
    }

    #[test]
    fn generated_files_are_recognised() {
        check(
            "// Code generated by x. DO NOT EDIT.\npackage p",
            "package p generated",
        );
        check(
            "// Code generated by x. DO NOT EDIT.\r\n\r\npackage p",
            "package p generated",
        );
        check(
            "/* a\n// Code generated by x. DO NOT EDIT.\n*/ package p",
            "package p generated",
        );
        check(
            "//Code generated by x. DO NOT EDIT.\npackage p",
            "package p",
        );
        check(
            "// Code generated by x. DO NOT EDIT!\npackage p",
            "package p",
        );
        check(
            "package p\n// Code generated by x. DO NOT EDIT.\n",
            "package p",
        );
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let seed = "// +build a\n//go:build b && (c || !d)\n\n/* x */ package p; import (\n\tx \"a\\x41\"\n\t. `b`\n)\n";
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap_or(0)
        };
        for cut in 0..=seed.len() {
            scan(&seed.as_bytes()[..cut]);
        }
        for _ in 0..5_000 {
            let mut bytes = seed.as_bytes().to_vec();
            for _ in 0..1 + random(4) {
                let at = random(bytes.len());
                bytes[at] = [b'"', b'`', b'/', b'*', b'\n', b'(', b'\\', 0, 0xff, b'!'][random(10)];
            }
            let header = scan(&bytes);
            assert!(
                header
                    .imports
                    .iter()
                    .all(|import| (import.offset as usize) < bytes.len())
            );
        }
    }
}
