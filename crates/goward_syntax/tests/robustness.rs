//! Any bytes give a tree and complaints, soon and in little memory: files cut at every byte, files
//! with random changes, random bytes, and deep nesting.

use goward_syntax::{MAX_CHAIN, MAX_SOURCE_LENGTH, Mode, Tree, dump, parse};

const EVERYTHING: &str = include_str!("data/everything.go");

/// Parses in all modes and looks at all of each tree.
fn check(source: &[u8]) -> Tree {
    for mode in [Mode::ImportsOnly, Mode::DeclarationsOnly] {
        inspect(source, &parse(source, mode));
    }
    let tree = parse(source, Mode::Full);
    inspect(source, &tree);
    tree
}

fn inspect(source: &[u8], tree: &Tree) {
    let length = source.len() as u32;
    let mut visited = 0;
    for &declaration in tree.declarations() {
        for node in tree.preorder(declaration) {
            let span = tree.span(node);
            assert!(
                span.start <= span.end && span.end <= length,
                "{:?} {span:?} in {:?}",
                tree.kind(node),
                String::from_utf8_lossy(source)
            );
            visited += 1;
        }
    }
    // Blank names and types shared by several names may be reached more than once, but a tree
    // is no larger than its nodes.
    assert!(visited <= tree.node_count());
    let mut last = 0;
    for diagnostic in tree.diagnostics() {
        let span = diagnostic.span;
        assert!(
            span.start <= span.end && span.end <= length,
            "{diagnostic:?}"
        );
        assert!(last <= span.start, "complaints are in source order");
        assert!(!diagnostic.message.is_empty());
        last = span.start;
    }
    for comment in tree.comments() {
        assert!(source[comment.span.range()].starts_with(b"/"));
    }
    let _ = dump(tree);
}

/// The generator xorshift64*: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }
}

#[test]
fn a_file_cut_at_any_byte() {
    let source = EVERYTHING.as_bytes();
    for end in 0..source.len() {
        check(&source[..end]);
    }
}

#[test]
fn a_file_with_random_changes() {
    const PIECES: [&str; 60] = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ";",
        ":",
        ".",
        "...",
        "=",
        ":=",
        "<-",
        "*",
        "&",
        "|",
        "~",
        "+",
        "++",
        "!",
        "\n",
        "\nfunc ",
        "\nvar ",
        " func ",
        " if ",
        " else ",
        " for ",
        " range ",
        " switch ",
        " case ",
        " default ",
        " select ",
        " struct ",
        " interface ",
        " map ",
        " chan ",
        " go ",
        " defer ",
        " return ",
        " type ",
        " var ",
        " const ",
        " import ",
        " package ",
        " goto ",
        " x ",
        " 1 ",
        " 0x ",
        " 1e ",
        "\"",
        "`",
        "'",
        "\\",
        "//",
        "/*",
        "*/",
        "\0",
        "é",
        "\u{FEFF}",
    ];
    let mut numbers = Numbers(1);
    for _ in 0..1000 {
        let mut source = EVERYTHING.as_bytes().to_vec();
        for _ in 0..1 + numbers.below(6) {
            let at = numbers.below(source.len());
            let removed = numbers.below(8).min(source.len() - at);
            let piece = PIECES[numbers.below(PIECES.len())].as_bytes();
            source.splice(at..at + removed, piece.iter().copied());
        }
        check(&source);
    }
}

#[test]
fn random_bytes() {
    let mut numbers = Numbers(2);
    for _ in 0..300 {
        let length = numbers.below(600);
        let mut source = b"package p\n".to_vec();
        source.extend((0..length).map(|_| numbers.below(256) as u8));
        assert!(length < 3 || !check(&source).diagnostics().is_empty());
        check(&source[10..]);
    }
}

/// Nesting that the parser follows by recursion: the opening part, what stands inside, and the
/// closing part. All are Go when they are not too deep.
const NESTED: [(&str, &str, &str); 16] = [
    ("var _ = ", "(", ")"),
    ("var _ = ", "- ", ""),
    ("var _ = ", "*", ""),
    ("var _ = ", "<-", ""),
    ("var _ = ", "a[", "]"),
    ("var _ = ", "f(", ")"),
    ("var _ = ", "func() { _ = ", " }"),
    ("var _ = T", "{", "}"),
    ("var _ ", "[]", ""),
    ("var _ ", "map[int]", ""),
    ("var _ ", "chan ", ""),
    ("var _ ", "func(", ")"),
    ("var _ ", "struct { f ", " }"),
    ("var _ ", "interface { m(", ") }"),
    ("var _ ", "T[", "]"),
    ("func f() ", "{", "}"),
];

fn nested(kind: (&str, &str, &str), depth: usize, closed: bool) -> Vec<u8> {
    let (start, open, close) = kind;
    let inner = if open == "{" { "" } else { "x" };
    let mut source = format!("package p\n{start}{}{inner}", open.repeat(depth));
    if closed {
        source.push_str(&close.repeat(depth));
    }
    source.into_bytes()
}

#[test]
fn shallow_nesting_is_accepted() {
    for kind in NESTED {
        let tree = parse(&nested(kind, 200, true), Mode::Full);
        assert_eq!(tree.diagnostics(), [], "{kind:?}");
    }
}

/// Runs `test` on a stack of the size that the main thread of a program has by default.
fn on_main_stack(test: fn()) {
    let thread = std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(test)
        .expect("a thread starts");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn deep_nesting_is_a_complaint() {
    on_main_stack(|| {
        for kind in NESTED {
            for closed in [true, false] {
                let source = nested(kind, 50_000, closed);
                let tree = check(&source);
                let first = &tree.diagnostics()[0];
                assert!(
                    first.message.contains("nested too deeply"),
                    "{kind:?} {first:?}"
                );
                assert_eq!(tree.diagnostics().len(), 1, "{kind:?}");
            }
        }
    });
}

#[test]
fn long_chains_are_accepted() {
    on_main_stack(|| {
        for (start, link, end) in [
            ("var _ = a", " + a", ""),
            ("var _ = a", ".b", ""),
            ("var _ = a", "()", ""),
            ("var _ = a", "[1]", ""),
            ("type T interface { int", " | int", " }"),
            ("func f() { if a {}", " else if a {}", " }"),
        ] {
            let long = |links: u32| {
                let links = link.repeat(links as usize);
                check(format!("package p\n{start}{links}{end}\n").as_bytes())
            };
            assert_eq!(long(20_000).diagnostics(), [], "{start}{link}");
            let too_long = long(MAX_CHAIN + 10);
            assert_eq!(too_long.diagnostics().len(), 1, "{start}{link}");
        }
    });
}

#[test]
fn a_hundred_megabytes_of_parentheses() {
    on_main_stack(|| {
        let mut source = b"package p\nvar _ = ".to_vec();
        source.resize(100 << 20, b'(');
        let tree = parse(&source, Mode::Full);
        assert_eq!(tree.diagnostics().len(), 1);
        assert!(tree.node_count() < 10_000);
    });
}

#[test]
fn complaints_are_limited() {
    let source = format!("package p\n{}", "? x y )\n".repeat(100_000));
    let tree = parse(source.as_bytes(), Mode::Full);
    assert!((10..1000).contains(&tree.diagnostics().len()));
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let source = vec![b' '; MAX_SOURCE_LENGTH + 1];
    let tree = parse(&source, Mode::Full);
    assert_eq!(tree.diagnostics().len(), 1);
    assert!(tree.diagnostics()[0].message.contains("too large"));
    assert_eq!(tree.node_count(), 0);
}

#[test]
fn threads_agree_about_names() {
    let source = EVERYTHING.as_bytes();
    let symbols = |tree: &Tree| -> Vec<goward_syntax::Symbol> {
        tree.declarations()
            .iter()
            .flat_map(|&declaration| tree.preorder(declaration))
            .map(|node| tree.symbol(node))
            .collect()
    };
    let here = symbols(&parse(source, Mode::Full));
    let there: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(move || symbols(&parse(source, Mode::Full))))
        .collect();
    for thread in there {
        assert_eq!(thread.join().expect("no panic"), here);
    }
}
