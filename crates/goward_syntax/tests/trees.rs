//! What trees look like: Go in, one line a node out. The comparison with go/parser over all of Go's
//! own files is `cargo xtask oracle-parse`; these are the places where it is easy to go wrong.

use goward_syntax::{Mode, dump, parse};

/// Parses declarations after a package clause and compares the dump from the second node on.
/// Offsets count from the first byte of `source`.
#[track_caller]
fn check(source: &str, expected: &str) {
    check_mode(Mode::Full, source, expected);
}

#[track_caller]
fn check_mode(mode: Mode, source: &str, expected: &str) {
    const CLAUSE: &str = "package p;";
    let tree = parse(format!("{CLAUSE}{source}").as_bytes(), mode);
    assert_eq!(tree.diagnostics(), [], "in {source}");
    let shift = |number: &str| match number.parse::<usize>() {
        Ok(number) => number.saturating_sub(CLAUSE.len()).to_string(),
        Err(_) => number.to_owned(),
    };
    let actual: String = dump(&tree)
        .lines()
        .skip(1)
        .map(|line| {
            let mut words = line.split(' ');
            let mut shifted = words.next().unwrap_or_default().to_owned();
            for word in words.by_ref().take(2) {
                shifted.push(' ');
                shifted.push_str(&shift(word));
            }
            // Of the rest, only what is no offset is compared here.
            for word in words.filter(|word| word.parse::<usize>().is_err()) {
                shifted.push(' ');
                shifted.push_str(word);
            }
            shifted + "\n"
        })
        .collect();
    let expected: String = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(actual, expected, "in {source}");
}

#[test]
fn a_function_type_starts_at_its_keyword_or_else_at_its_parameters() {
    check(
        "func f() (int)",
        "FuncDecl 0 14 false false
         Ident 5 6 f
         FuncType 0 14
         Field 10 13 false
         Ident 10 13 int",
    );
    check(
        "type I interface{ m(int) }",
        "GenDecl 0 26 type
         TypeSpec 5 26 false
         Ident 5 6 I
         InterfaceType 7 26
         Field 18 24 false
         Ident 18 19 m
         FuncType 19 24
         Field 20 23 false
         Ident 20 23 int",
    );
}

#[test]
fn an_array_length_is_told_from_a_type_parameter() {
    check(
        "type T [P]E",
        "GenDecl 0 11 type
         TypeSpec 5 11 false
         Ident 5 6 T
         ArrayType 7 11 true
         Ident 8 9 P
         Ident 10 11 E",
    );
    check(
        "type T [P *E]int",
        "GenDecl 0 16 type
         TypeSpec 5 16 false
         Ident 5 6 T
         ArrayType 7 16 true
         BinaryExpr 8 12 *
         Ident 8 9 P
         Ident 11 12 E
         Ident 13 16 int",
    );
    check(
        "type T[P *E,] int",
        "GenDecl 0 17 type
         TypeSpec 5 17 false
         Ident 5 6 T
         Field 7 11 false
         Ident 7 8 P
         StarExpr 9 11
         Ident 10 11 E
         Ident 14 17 int",
    );
    check(
        "type T[P *[]int|~E] int",
        "GenDecl 0 23 type
         TypeSpec 5 23 false
         Ident 5 6 T
         Field 7 18 false
         Ident 7 8 P
         BinaryExpr 9 18 |
         StarExpr 9 15
         ArrayType 10 15 false
         Ident 12 15 int
         UnaryExpr 16 18 ~
         Ident 17 18 E
         Ident 20 23 int",
    );
    check(
        "type T[P (interface{})] int",
        "GenDecl 0 27 type
         TypeSpec 5 27 false
         Ident 5 6 T
         Field 7 22 false
         Ident 7 8 P
         ParenExpr 9 22
         InterfaceType 10 21
         Ident 24 27 int",
    );
    check(
        "type T[P any] = []P",
        "GenDecl 0 19 type
         TypeSpec 5 19 true
         Ident 5 6 T
         Field 7 12 false
         Ident 7 8 P
         Ident 9 12 any
         ArrayType 16 19 false
         Ident 18 19 P",
    );
}

#[test]
fn an_arrow_before_a_conversion_is_a_receive() {
    check(
        "var _ = <-chan<- chan int(nil)",
        "GenDecl 0 30 var
         ValueSpec 4 30
         Ident 4 5 _
         UnaryExpr 8 30 <-
         CallExpr 10 30 -
         ChanType 10 25
         ChanType 17 25
         Ident 22 25 int
         Ident 26 29 nil",
    );
}

#[test]
fn a_brace_in_a_header_opens_the_block() {
    check(
        "func f() { if x == T {} }",
        "FuncDecl 0 25 false true
         Ident 5 6 f
         FuncType 0 8
         BlockStmt 9 25
         IfStmt 11 23 false
         BinaryExpr 14 20 ==
         Ident 14 15 x
         Ident 19 20 T
         BlockStmt 21 23",
    );
    check(
        "func f() { for _ = range []T{} {} }",
        "FuncDecl 0 35 false true
         Ident 5 6 f
         FuncType 0 8
         BlockStmt 9 35
         RangeStmt 11 33 true false =
         Ident 15 16 _
         CompositeLit 25 30
         ArrayType 25 28 false
         Ident 27 28 T
         BlockStmt 31 33",
    );
}

#[test]
fn a_label_before_a_brace_has_an_empty_statement() {
    check(
        "func f() { l: }",
        "FuncDecl 0 15 false true
         Ident 5 6 f
         FuncType 0 8
         BlockStmt 9 15
         LabeledStmt 11 14
         Ident 11 12 l
         EmptyStmt 14 14",
    );
}

#[test]
fn names_share_a_type_in_one_field() {
    check(
        "func f(a, b int, c ...T)",
        "FuncDecl 0 24 false false
         Ident 5 6 f
         FuncType 0 24
         Field 7 15 false
         Ident 7 8 a
         Ident 10 11 b
         Ident 12 15 int
         Field 17 23 false
         Ident 17 18 c
         Ellipsis 19 23
         Ident 22 23 T",
    );
}

#[test]
fn a_far_operator_is_found() {
    let comment = format!("/*{}*/", "x".repeat(100_000));
    let source = format!("package p; var _ = a {comment} + b {comment} + c");
    let tree = parse(source.as_bytes(), Mode::Full);
    let operators: Vec<usize> = dump(&tree)
        .lines()
        .filter_map(|line| {
            line.strip_prefix("BinaryExpr ")?
                .split(' ')
                .nth(3)?
                .parse()
                .ok()
        })
        .collect();
    let plus: Vec<usize> = source.match_indices('+').map(|(at, _)| at).collect();
    assert_eq!(operators, [plus[1], plus[0]]);
}

#[test]
fn without_bodies_declarations_stay_as_they_are() {
    let source = include_str!("data/everything.go");
    let full = parse(source.as_bytes(), Mode::Full);
    let short = parse(source.as_bytes(), Mode::DeclarationsOnly);
    assert_eq!(full.diagnostics(), []);
    assert_eq!(short.diagnostics(), []);
    assert_eq!(full.declarations().len(), short.declarations().len());
    for (&long, &short_one) in full.declarations().iter().zip(short.declarations()) {
        assert_eq!(full.span(long), short.span(short_one));
    }
    // Nothing but what is in blocks is missing.
    let outline = |tree: &goward_syntax::Tree, source: &str| -> Vec<String> {
        let mut lines = Vec::new();
        let mut skip_to = 0;
        for &declaration in tree.declarations() {
            for node in tree.preorder(declaration) {
                let span = tree.span(node);
                if span.start < skip_to {
                    continue;
                }
                if tree.kind(node) == goward_syntax::NodeKind::BlockStmt {
                    skip_to = span.end;
                    continue;
                }
                lines.push(format!("{:?} {}", tree.kind(node), &source[span.range()]));
            }
        }
        lines
    };
    assert_eq!(outline(&full, source), outline(&short, source));
    assert!(short.node_count() * 2 < full.node_count());
}

#[test]
fn a_body_ends_at_its_brace_whatever_it_holds() {
    for body in [
        "{}",
        "{ {} {{}} }",
        "{ _ = \"}\" }",
        "{ _ = \"\\\"}\" }",
        "{ _ = `}\n\\` }",
        "{ _ = '}'; _ = '\\''; _ = '{' ; _ = '\"' }",
        "{ // }\n }",
        "{ /* } ** */ }",
        "{ _ = a / b }",
        "{ _ = a /* ' */ / b // '\n }",
    ] {
        let source = format!("package p; func f() {body}\nvar after int");
        let tree = parse(source.as_bytes(), Mode::DeclarationsOnly);
        assert_eq!(tree.diagnostics(), [], "{body}");
        let spans: Vec<&str> = tree
            .declarations()
            .iter()
            .map(|&declaration| &source[tree.span(declaration).range()])
            .collect();
        assert_eq!(spans, [&format!("func f() {body}"), "var after int"]);
    }
}

#[test]
fn only_imports_are_read_when_only_they_are_wanted() {
    let source = b"package p\nimport \"a\"\nimport ( b \"c\"; . \"d\" )\nfunc f() { ??? \x00";
    let tree = parse(source, Mode::ImportsOnly);
    assert_eq!(tree.diagnostics(), []);
    assert_eq!(tree.imports().len(), 3);
    assert_eq!(tree.declarations().len(), 2);
}

#[test]
fn comments_are_kept_in_order() {
    let source = "//go:build x\r\n\npackage p /* a\n*/ // b\nfunc f() { /**/ } // c";
    let tree = parse(source.as_bytes(), Mode::Full);
    let comments: Vec<&str> = tree
        .comments()
        .iter()
        .map(|comment| &source[comment.span.range()])
        .collect();
    assert_eq!(
        comments,
        ["//go:build x", "/* a\n*/", "// b", "/**/", "// c"]
    );
}
