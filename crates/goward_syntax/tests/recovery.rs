//! What is left of a file that is being typed: the declarations around the broken one.

use goward_syntax::{Declaration, Mode, Specification, Tree, parse};

/// Lists the declarations of a tree, functions with the number of their statements.
fn outline(tree: &Tree) -> String {
    let mut parts = Vec::new();
    for &declaration in tree.declarations() {
        match tree.declaration(declaration) {
            Declaration::Bad => parts.push("?".to_owned()),
            Declaration::Function(function) => {
                let mut statements = 0;
                if let Some(body) = function.body
                    && let goward_syntax::Statement::Block { statements: list } =
                        tree.statement(body)
                {
                    statements = list.len();
                }
                let name = tree.symbol(function.name);
                parts.push(format!("{name}:{statements}"));
            }
            Declaration::General { specifications, .. } => {
                for &specification in specifications {
                    let name = match tree.specification(specification) {
                        Specification::Value { names, .. } => names[0],
                        Specification::Type { name, .. } => name,
                        Specification::Import { path, .. } => path,
                        Specification::Bad => continue,
                    };
                    parts.push(tree.symbol(name).to_string());
                }
            }
        }
    }
    parts.join(" ")
}

/// Parses a broken file between two sound functions and compares the outline and the number of
/// complaints.
#[track_caller]
fn check(broken: &str, expected: &str, complaints: usize) {
    let source = format!(
        "package p\n\nfunc before() {{ a() }}\n\n{broken}\n\nfunc (t T) after() {{\n\ta()\n\tb()\n}}\n\nvar last int\n"
    );
    let tree = parse(source.as_bytes(), Mode::Full);
    assert_eq!(
        outline(&tree),
        format!("before:1 {expected} after:2 last"),
        "{broken}\n{:?}",
        tree.diagnostics()
    );
    assert_eq!(
        tree.diagnostics().len(),
        complaints,
        "{broken}\n{:?}",
        tree.diagnostics()
    );
}

#[test]
fn a_missing_brace_costs_one_declaration() {
    check("func f() {\n\ta()\n\tb()", "f:2", 1);
    check("func f() {\n\tif x {\n\t\ta()\n\tb()\n}", "f:1", 1);
    check("func f() {\n\tfor _, x := range y {", "f:1", 1);
    check("func f() {\n\tswitch x {\n\tcase 1:\n\t\ta()", "f:1", 1);
    check("func f() {\n\tg(func() {\n\t\ta()", "f:1", 1);
    check("type S struct {\n\ta int", "S", 1);
    check("type I interface {\n\tm()", "I", 1);
    check("var x = []int{\n\t1,\n\t2,", "x", 1);
    check("const (\n\tc = 1", "c", 1);
}

#[test]
fn a_brace_too_many_costs_nothing() {
    check("func f() {\n\ta()\n}\n}", "f:1 ?", 1);
}

#[test]
fn a_statement_in_the_middle_of_being_typed() {
    check("func f() {\n\tx.\n\ta()\n}", "f:1", 0);
    check("func f() {\n\ta()\n\tx.\n}", "f:2", 1);
    check("func f() {\n\tx :=\n}", "f:1", 1);
    check("func f() {\n\tfoo(a,\n}", "f:1", 1);
    check("func f() {\n\tfoo(\n}", "f:1", 1);
    check("func f() {\n\tfoo(a\n\tb()\n}", "f:2", 1);
    check("func f() {\n\tif x.\n\ta()\n}", "f:1", 1);
    check("func f() {\n\tif x\n\ta()\n}", "f:1", 1);
    check("func f() {\n\tif\n}", "f:1", 1);
    check("func f() {\n\tfor\n}", "f:1", 1);
    check("func f() {\n\tfor i := 0; i <\n}", "f:1", 1);
    check("func f() {\n\tswitch x.\n}", "f:1", 1);
    check("func f() {\n\treturn a +\n}", "f:1", 1);
    check("func f() {\n\tvar x =\n\tb()\n}", "f:1", 0);
    check("func f() {\n\tvar x\n\tb()\n}", "f:2", 1);
    check("func f() {\n\tx := T{a: 1, b:\n}", "f:1", 2);
    check("func f() {\n\tx := []int{1, 2\n\tb()\n}", "f:1", 3);
    check("func f() {\n\tm[\"a\n\tb()\n}", "f:2", 1);
    check("func f() {\n\tdefer\n}", "f:1", 1);
    check("func f() {\n\tdefer mu.\n}", "f:1", 1);
    check("func f() {\n\tx = y z\n\tb()\n}", "f:2", 1);
    check("func f() {\n\t)\n\tb()\n}", "f:2", 1);
    check("func f() {\n\telse {\n\t\ta()\n\t}\n\tb()\n}", "f:3", 1);
}

#[test]
fn a_declaration_in_the_middle_of_being_typed() {
    check("func", "_:0", 1);
    check("func f", "f:0", 1);
    check("func f(", "f:0", 1);
    check("func f(a int, b", "f:0", 1);
    check("func (s *S", "_:0", 1);
    check("func (s *S)", "_:0", 1);
    check("func (s *S) m", "m:0", 1);
    check("func f() int, error {\n\ta()\n}", "f:1", 1);
    check("var", "_", 1);
    check("var x", "x", 1);
    check("var x =", "x", 1);
    check("type", "_", 1);
    check("type T", "T", 1);
    check("type T[P", "T", 1);
    check("type T struct {\n\ta\n\tb.\n}", "T", 1);
    check("type T struct {\n\tx := 1\n\tb int\n}", "T", 1);
    check("type T struct {\n\tm() int\n\tb int\n}", "T", 1);
    check("x := 1", "?", 1);
    check("if x {\n\ta()\n}", "?", 1);
}

#[test]
fn the_package_clause_may_be_missing() {
    let tree = parse(b"import \"a\"\nfunc f() { a() }\n", Mode::Full);
    assert_eq!(tree.imports().len(), 1);
    assert_eq!(outline(&tree), " f:1");
    assert_eq!(tree.package_name(), None);
}

#[test]
fn the_second_broken_declaration_is_contained_as_well() {
    let mut source = "package p\n".to_owned();
    for number in 0..50 {
        source.push_str(&format!("func f{number}() {{\n\tif x {{\n\t\ta()\n"));
    }
    let tree = parse(source.as_bytes(), Mode::Full);
    assert_eq!(tree.declarations().len(), 50);
    assert_eq!(tree.diagnostics().len(), 50);
}
