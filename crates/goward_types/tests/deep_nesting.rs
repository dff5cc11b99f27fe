//! Programs that nest without sense: checking them comes to an end on the stack that goward's threads
//! have, and says what was not looked at.

use goward_syntax::parse;
use goward_types::{Checker, File, GoVersion, Importer, PackageId, Settings, Sizes, World};

struct Nothing;

impl Importer for Nothing {
    fn import(&self, _path: &str) -> Option<PackageId> {
        None
    }
}

/// Checks a package; the first message must contain `expected`, and there must be none for "".
fn check(source: String, expected: &str) {
    let run = move || {
        let source = format!("package p\n{source}\n");
        let tree = parse(source.as_bytes(), goward_syntax::Mode::Full);
        assert_eq!(tree.diagnostics(), []);
        let world = World::new(Sizes::for_architecture("amd64"));
        let package = world.new_package("p", vec!["source.go".to_owned()], false);
        let file = File {
            tree: &tree,
            source: source.as_bytes(),
            version: GoVersion(26),
        };
        let checked = Checker::check(&world, package, vec![file], &Nothing, Settings::default());
        let first = checked.errors.into_iter().next();
        first.map_or_else(String::new, |error| error.message)
    };
    let thread = std::thread::Builder::new().stack_size(1 << 30).spawn(run);
    let message = thread.expect("a thread").join().expect("no panic");
    if expected.is_empty() {
        assert_eq!(message, "");
    } else {
        assert!(message.contains(expected), "{message}");
    }
}

/// `count` declarations of which each needs the next, and one that ends it.
fn each_needs_the_next(count: usize, declare: fn(usize) -> String, last: &str) -> String {
    let mut source: String = (0..count).map(declare).collect();
    source.push_str(&last.replace("LAST", &format!("c{count}")));
    source
}

#[test]
fn declarations_that_need_each_other() {
    for (declare, last) in [
        (
            (|index| format!("const c{index} = c{} + 1\n", index + 1)) as fn(usize) -> String,
            "const LAST = 1",
        ),
        (
            |index| format!("var c{index} = c{} + 1\n", index + 1),
            "var LAST = 1",
        ),
        (
            |index| format!("type c{index} c{}\n", index + 1),
            "type LAST int",
        ),
        (
            |index| format!("type c{index} = c{}\n", index + 1),
            "type LAST int",
        ),
        (
            |index| format!("type c{index} struct {{ a, b c{} }}\n", index + 1),
            "type LAST int",
        ),
        (
            |index| format!("type c{index} interface {{ c{} }}\n", index + 1),
            "type LAST interface{}",
        ),
    ] {
        check(each_needs_the_next(1_000, declare, last), "");
        let long = each_needs_the_next(20_000, declare, last);
        check(long, "too many declarations need each other");
    }
}

#[test]
fn declarations_that_need_each_other_deep_inside() {
    let declare = |index: usize| {
        let (open, close) = ("(".repeat(500), ")".repeat(500));
        format!("const c{index} = {open}c{}{close} + 1\n", index + 1)
    };
    let source = each_needs_the_next(1_000, declare, "const LAST = 1");
    check(source, "nested too deeply: its type is not known");
}

#[test]
fn long_chains_are_no_mistake() {
    let chain = |start: &str, link: &str| format!("{start}{}", link.repeat(20_000));
    check(format!("const x = 1{}", chain("", "+1")), "");
    check(format!("var s = \"\"\nvar x = s{}", chain("", "+s")), "");
    check(
        format!(
            "type T struct{{ n *T }}\nvar t T\nvar x = t{}",
            chain("", ".n")
        ),
        "",
    );
    check(
        format!("type F func() F\nvar f F\nvar x = f{}", chain("", "()")),
        "",
    );
}

#[test]
fn types_that_grow_from_call_to_call() {
    let source = |count| {
        let mut source = "func f[T any](x T) []T { return nil }\nvar a0 int\n".to_owned();
        for index in 0..count {
            source.push_str(&format!("var a{} = f(a{index})\n", index + 1));
        }
        source
    };
    check(source(200), "");
    check(source(20_000), "type nested too deeply to infer");
}

#[test]
fn statements_in_statements() {
    let source = |count| {
        let more = " else if c {}".repeat(count);
        format!("var c bool\nfunc f() {{ if c {{}}{more} }}")
    };
    check(source(1_000), "");
    check(source(20_000), "nested too deeply: this statement");
}
