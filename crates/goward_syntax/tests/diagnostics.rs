//! What is said about broken Go, and where: `// want` marks on the line.

use goward_diagnostics::{Category, Diagnostic, Severity, SourceFile, Sources, check_wants};
use goward_syntax::{Mode, parse};

/// Compares the complaints about `source` with the marks in it.
#[track_caller]
fn check(source: &[u8]) {
    let found: Vec<Diagnostic> = parse(source, Mode::Full)
        .diagnostics()
        .iter()
        .map(|diagnostic| {
            Diagnostic::new(
                "syntax",
                Category::Source,
                Severity::Error,
                "a.go".into(),
                diagnostic.span,
                diagnostic.message.clone(),
            )
        })
        .collect();
    let mut sources = Sources::new();
    sources.insert(SourceFile::new("a.go", source));
    if let Err(differences) = check_wants(&sources, &found) {
        panic!("{}\n{differences}", String::from_utf8_lossy(source));
    }
}

#[test]
fn literals() {
    check(
        br#"package p
var _ = 0b12 // want "invalid digit '2' in binary literal"
var _ = 08 // want "invalid digit '8' in octal literal"
var _ = 0x // want "hexadecimal literal has no digits"
var _ = 0x1.0 // want "hexadecimal mantissa requires a 'p' exponent"
var _ = 1p2 // want "'p' exponent requires hexadecimal mantissa"
var _ = 0b1e3 // want "'e' exponent requires decimal mantissa"
var _ = 0o1.5 // want "invalid radix point in octal literal"
var _ = 1e // want "exponent has no digits"
var _ = 1__0 // want "'_' must separate successive digits"
var _ = 1_ // want "'_' must separate successive digits"
var _ = 0_x // want "'_' must separate successive digits"
var _ = 08.5 + 09i + 0_7
var _ = '' // want "illegal rune literal"
var _ = 'ab' // want "illegal rune literal"
var _ = '\"' // want "unknown escape sequence"
var _ = "\'" // want "unknown escape sequence"
var _ = "\400" // want "escape sequence is invalid Unicode code point"
var _ = "\uD800" // want "escape sequence is invalid Unicode code point"
var _ = "\xg0" // want "illegal character U+0067 'g' in escape sequence"
"#,
    );
    check(b"package p\nvar _ = 'a // want \"rune literal not terminated\"\n");
    check(b"package p\nvar _ = `a // want \"raw string literal not terminated\"\n");
    check(b"package p\n/* // want \"comment not terminated\"\n");
    // A mark would end the string.
    let tree = parse(b"package p\nvar _ = \"a\nvar b int\n", Mode::Full);
    assert_eq!(tree.diagnostics().len(), 1);
    assert_eq!(
        tree.diagnostics()[0].message,
        "string literal not terminated"
    );
    assert_eq!(tree.declarations().len(), 2);
}

#[test]
fn encoding() {
    check(b"\xEF\xBB\xBFpackage p\n");
    check(b"package p\nvar a\xFF int // want \"illegal UTF-8 encoding\"\n");
    check(
        b"package p\n// \xC0\x80 // want \"illegal UTF-8 encoding\" \"illegal UTF-8 encoding\"\n",
    );
    check(b"package p\n// \0 // want \"illegal character NUL\"\n");
    check(b"package p\n// \xEF\xBB\xBF // want \"illegal byte order mark\"\n");
    check(
        "package p\nvar _ = “a” // want \"curly quotation mark\" \"curly quotation mark\"\n"
            .as_bytes(),
    );
    check(b"package p\nvar a? int // want \"illegal character U+003F '?'\"\n");
    let utf16 = b"\xFE\xFF\x00p";
    let tree = parse(utf16, Mode::Full);
    assert!(tree.diagnostics()[0].message.contains("UTF-16"));
}

#[test]
fn line_directives() {
    check(
        br#"package p
//line a.go:10
//line a.go:10:5
//line :10:5
/*line b.go:3*/
//line no number
//line 1 a.go
//lineage a.go:x
 //line a.go:x
"#,
    );
    // These marks would be part of the number.
    for (directive, message) in [
        ("//line a.go:x", "invalid line number: x"),
        ("//line a.go:", "invalid line number: "),
        ("//line a.go:0", "invalid line number: 0"),
        ("//line a.go:1:0", "invalid column number: 0"),
        ("//line a.go:0:1", "invalid line number: 0:1"),
        ("//line a.go:1073741825", "invalid line number: 1073741825"),
        ("/*line a.go:+1*/", "invalid line number: +1"),
    ] {
        let source = format!("package p\n{directive}\n");
        let tree = parse(source.as_bytes(), Mode::Full);
        let messages: Vec<&str> = tree
            .diagnostics()
            .iter()
            .map(|diagnostic| diagnostic.message.as_str())
            .collect();
        assert_eq!(messages, [message], "{directive}");
    }
}

#[test]
fn declarations() {
    check(
        br#"package p
var a int
import "late" // want "imports must appear before other declarations"
func (t T) m[P any]() {} // want "method must have no type parameters before Go 1.27"
func f[]() {} // want "empty type parameter list"
type I interface { m[P any]() } // want "interface method must have no type parameters"
type F func[P any]() // want "function type must have no type parameters"
func g(a, b) int { return a } // ordinary: these are types
func h(a int, b) {} // want "missing parameter type"
func i(a int, []b) {} // want "missing parameter name"
func j(a ...int, b int) {} // want "can only use ... with final parameter"
func k() (a ...int) // want "invalid use of ..."
type G[P] struct{} // an array of length P
type H[P any, Q] struct{} // want "missing type constraint"
type S struct { (T) } // want "cannot parenthesize embedded type"
type U struct { a int b int } // want "expected ';', found b"
var _ = ([]int){} // want "cannot parenthesize type in composite literal"
var _ = a[] // want "expected operand, found ']'"
var _ = a[::] // want "middle index required in 3-index slice"
x := 1 // want "expected declaration, found x"
"#,
    );
}

#[test]
fn statements() {
    check(
        br#"package p
func f() {
	if x := 1 { // want "expected boolean expression, found assignment"
	}
	if x // want "unexpected newline, expecting { after if clause"
	{
	}
}
func g() {
	for i := 0; i < 3 { // want "expected for loop condition"
	}
	for a, b, c := range x { // want "expected at most 2 expressions"
	}
	defer x // want "expression in defer must be function call"
	go (f()) // want "expression in go must not be parenthesized"
	a, b // want "expected 1 expression"
	1: // want "illegal label declaration"
	if a = 1; a == 2 {
	} else a = 3 // want "expected if statement or block, found a"
	switch x = y.(type) { // want "expected ':=', found '='"
	}
	var s = T{ a, b // want "missing ',' before newline in composite literal"
	}
	f(a, b // want "missing ',' before newline in argument list"
	)
	f(a b) // want "missing ',' in argument list"
	func h() {} // want "expected '(', found h"
}
"#,
    );
}

#[test]
fn what_a_later_go_allows_is_wrong_for_earlier_ones_only() {
    let tree = parse(
        b"package p\nfunc (t T) m[P any]() {}\nfunc f( {}\n",
        Mode::Full,
    );
    let of = |version| tree.diagnostics_for(version).count();
    assert_eq!([of(26), of(27), of(28)], [2, 1, 1]);
    assert_eq!(of(0), 1, "an unknown version allows all");
    assert_eq!(tree.diagnostics().len(), 2);
}
