//! Checks that end badly inside, and checks that are answered from the cache: what they find is what
//! a check without it finds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use goward_rules::{Checked, Selection};
use goward_types::TypedPackage;

use super::{Outcome, Request, Rules, check};
use crate::progress::Progress;

/// A module on disk with a cache beside it.
struct Module {
    folder: tempfile::TempDir,
    cache: tempfile::TempDir,
    tags: Vec<String>,
    overlay: BTreeMap<PathBuf, Vec<u8>>,
    rules: Rules,
}

impl Module {
    fn new(files: &[(&str, &str)]) -> Module {
        let module = Module {
            folder: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
            tags: Vec::new(),
            overlay: BTreeMap::new(),
            rules: goward_rules::check_package,
        };
        module.write("go.mod", "module example.com/m\n\ngo 1.26\n");
        for (name, text) in files {
            module.write(name, text);
        }
        module
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder
            .path()
            .canonicalize()
            .unwrap()
            .join("m")
            .join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        crate::files::write(&path, text.as_bytes()).unwrap();
    }

    fn run(&self, cache: Option<&Path>) -> Outcome {
        let progress = Progress::new(false);
        check(&Request {
            directory: self.path(""),
            patterns: vec!["./...".to_owned()],
            overlay: self.overlay.clone(),
            only: None,
            selection: None,
            configuration: Vec::new(),
            os: None,
            arch: None,
            tags: self.tags.clone(),
            cache: cache.map(Path::to_owned),
            rules: self.rules,
            generated: false,
            progress: &progress,
        })
        .unwrap()
    }

    /// Checks that a run with the cache says what one without it does; of how many packages it knew
    /// the findings, and these.
    #[track_caller]
    fn check(&self, known: usize, findings: &[&str]) {
        let cold = self.run(None);
        let warm = self.run(Some(self.cache.path()));
        assert_eq!(warm.diagnostics, cold.diagnostics);
        assert_eq!(warm.statistics, cold.statistics);
        assert_eq!(warm.warnings, cold.warnings);
        assert_eq!(warm.errors, cold.errors);
        let texts = |outcome: &Outcome| -> Vec<(String, Vec<u8>)> {
            let named = outcome
                .diagnostics
                .iter()
                .flat_map(super::package::files_of);
            named
                .map(|name| {
                    let source = outcome.sources.get(name).unwrap();
                    (name.to_owned(), source.bytes().to_vec())
                })
                .collect()
        };
        assert_eq!(texts(&warm), texts(&cold));
        assert_eq!(shown(&warm), findings);
        assert_eq!(warm.known, known, "packages known");
    }
}

fn shown(outcome: &Outcome) -> Vec<String> {
    outcome
        .diagnostics
        .iter()
        .map(|finding| format!("{}: {}", finding.file, finding.rule))
        .collect()
}

const TYPE: &str = "package a\n\ntype T map[string]int\n\nfunc Make() T { return T{} }\n";
const USE: &str = "package b\n\nimport \"example.com/m/a\"\n\n\
    func F() {\n\tvar t a.T\n\tt[\"x\"] = 1\n}\n";
const USER_OF_USE: &str = "package c\n\nimport \"example.com/m/b\"\n\nfunc F() { b.F() }\n";

fn three_packages() -> Module {
    Module::new(&[("a/a.go", TYPE), ("b/b.go", USE), ("c/c.go", USER_OF_USE)])
}

const FOUND: &[&str] = &["b/b.go: nil-map-write"];

#[test]
fn nothing_changed() {
    let module = three_packages();
    module.check(0, FOUND);
    module.check(3, FOUND);
    module.check(3, FOUND);
}

#[test]
fn a_changed_body_costs_a_check_of_its_package_and_no_other() {
    let module = three_packages();
    module.check(0, FOUND);
    let changed = TYPE.replace("T{}", "T{\"one\": 1}");
    module.write("a/a.go", &changed);
    module.check(2, FOUND);
    module.write("a/a.go", TYPE);
    module.check(3, FOUND);
    module.write("b/b.go", &USE.replace("var t a.T", "t := a.Make()"));
    module.check(2, &[]);
}

#[test]
fn what_a_changed_body_does_counts_for_those_who_call_it() {
    let module = three_packages();
    module.write("b/b.go", &USE.replace("var t a.T", "t := a.Make()"));
    // What tests import is not known in time.
    let test = "package a\n\nimport \"example.com/m/d\"\n\n\
        func g() {\n\tm := d.Make()\n\tm[1] = 1\n}\n";
    let imported = "package d\n\nimport \"example.com/m/a\"\n\nvar T a.T\n\n\
        func Make() map[int]int { return nil }\n";
    module.write("a/a_test.go", test);
    module.write("d/d.go", imported);
    module.check(0, &[]);
    let changed = TYPE.replace("return T{}", "return nil");
    module.write("a/a.go", &changed);
    module.check(0, FOUND);
    module.check(4, FOUND);
    // Its own package only: `Make` still gives nil.
    module.write(
        "a/a.go",
        &changed.replace("return nil", "println(); return nil"),
    );
    module.check(3, FOUND);
    module.write("a/a.go", TYPE);
    module.check(4, &[]);
}

#[test]
fn a_changed_type_counts_for_all_that_import_it() {
    let module = three_packages();
    module.check(0, FOUND);
    module.write("a/a.go", &TYPE.replace("map[string]int", "struct{ X int }"));
    module.check(0, &[]);
    module.write("a/a.go", TYPE);
    module.check(3, FOUND);
    // Same length, same moment.
    module.write("a/a.go", &TYPE.replace("map[string]int", "map[string]any"));
    module.check(0, FOUND);
}

#[test]
fn stamps_save_reading_and_do_not_hide_changes() {
    let module = three_packages();
    // Old enough for stamps to be trusted.
    std::thread::sleep(Duration::from_millis(2_300));
    module.check(0, FOUND);
    module.check(3, FOUND);
    module.write("b/b.go", &USE.replace("var t a.T", "t := a.Make()"));
    module.check(2, &[]);
    module.write("b/b.go", USE);
    // As `touch` and `git checkout` do: new stamps, same text.
    module.write("a/a.go", TYPE);
    module.check(3, FOUND);
    module.check(3, FOUND);
}

#[test]
fn files_that_come_and_go() {
    let module = three_packages();
    module.check(0, FOUND);
    let test = "package b\n\nfunc g() {\n\tvar m map[int]int\n\tm[1] = 2\n}\n";
    module.write("b/b_test.go", test);
    module.check(2, &["b/b.go: nil-map-write", "b/b_test.go: nil-map-write"]);
    std::fs::remove_file(module.path("b/b_test.go")).unwrap();
    module.check(3, FOUND);
    let external = "package b_test\n\nimport \"example.com/m/b\"\n\nfunc g() { b.F() }\n";
    module.write("b/b_test.go", external);
    module.check(3, FOUND);
    module.write("d/d.go", &USE.replace("package b", "package d"));
    module.check(4, &["b/b.go: nil-map-write", "d/d.go: nil-map-write"]);
    std::fs::remove_dir_all(module.path("d")).unwrap();
    module.check(4, FOUND);
    module.write("b/b.go", "package b\n\nfunc F( {}\n");
    module.check(1, &["b/b.go: syntax-error"]);
}

#[test]
fn settings_of_the_build_and_of_goward_count() {
    let mut module = three_packages();
    let extra = "//go:build extra\n\npackage c\n\nfunc g() {\n\tvar m map[int]int\n\tm[1] = 2\n}\n";
    module.write("c/extra.go", extra);
    module.check(0, FOUND);
    module.tags = vec!["extra".to_owned()];
    // Another command line: it has no earlier run that knew the files.
    module.check(0, &["b/b.go: nil-map-write", "c/extra.go: nil-map-write"]);
    module.check(3, &["b/b.go: nil-map-write", "c/extra.go: nil-map-write"]);
    module.tags.clear();
    module.check(3, FOUND);
    module.write("goward.toml", "ignore = [\"nil-map-write\"]\n");
    module.check(0, &[]);
    module.check(3, &[]);
    module.write(
        "goward.toml",
        "[per-file-ignores]\n\"b/*\" = [\"nil-map-write\"]\n",
    );
    module.check(2, &[]);
    std::fs::remove_file(module.path("goward.toml")).unwrap();
    module.check(3, FOUND);
    module.write("go.mod", "module example.com/m\n\ngo 1.22\n");
    module.check(0, FOUND);
    module.write("go.mod", "module example.com/m\n\ngo 1.26\n");
    module.check(3, FOUND);
}

#[test]
fn another_version_of_a_dependency_counts() {
    let module = Module::new(&[
        ("b.go", &USE.replace("example.com/m/a", "example.com/a")),
        ("../one/go.mod", "module example.com/a\n"),
        ("../one/a.go", TYPE),
        ("../two/go.mod", "module example.com/a\n"),
        ("../two/a.go", &TYPE.replace("map[string]int", "struct{}")),
    ]);
    let go_mod = |folder: &str| {
        format!(
            "module example.com/m\n\ngo 1.26\n\nrequire example.com/a v1.0.0\n\n\
             replace example.com/a => ../{folder}\n"
        )
    };
    module.write("go.mod", &go_mod("one"));
    module.check(0, &["b.go: nil-map-write"]);
    module.write("go.mod", &go_mod("two"));
    module.check(0, &[]);
    module.write("go.mod", &go_mod("one"));
    module.check(1, &["b.go: nil-map-write"]);
    module.write("go.mod", "module example.com/m\n\ngo 1.26\n");
    module.check(0, &[]);
}

#[test]
fn texts_that_are_not_on_the_disk_yet_count() {
    let mut module = three_packages();
    module.check(0, FOUND);
    let path = module.path("a/a.go");
    let other = TYPE.replace("map[string]int", "struct{ X int }");
    module.overlay.insert(path.clone(), other.into_bytes());
    module.check(0, &[]);
    module.check(3, &[]);
    module.overlay.insert(path, TYPE.as_bytes().to_vec());
    module.check(3, FOUND);
    module.overlay.clear();
    module.check(3, FOUND);
}

#[test]
fn damaged_entries_are_made_again() {
    let module = three_packages();
    module.check(0, FOUND);
    let damage = |kind: &str| {
        let files = entries(&module, kind);
        for path in &files {
            let mut bytes = crate::files::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x55;
            crate::files::write(path, &bytes).unwrap();
        }
        files.len()
    };
    assert_eq!((damage("runs"), damage("packages")), (1, 3));
    module.check(0, FOUND);
    module.check(3, FOUND);
    assert_eq!(damage("packages"), 3);
    module.write("c/new.go", "package c\n");
    module.check(0, FOUND);
    module.write("c/new.go", "package c\n\nconst C = 1\n");
    module.check(2, FOUND);
}

/// The files of one kind in the cache of a module.
fn entries(module: &Module, kind: &str) -> Vec<PathBuf> {
    let mut open = vec![module.cache.path().join(kind)];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

#[test]
fn imported_packages_are_known_by_what_an_earlier_run_wrote() {
    let with_both = |body: &str| {
        format!(
            "package c\n\nimport (\n\t\"example.com/m/a\"\n\t\"example.com/m/b\"\n)\n\n\
             func F() {{ b.F(); var t a.T; {body} }}\n"
        )
    };
    let module = three_packages();
    module.write("c/c.go", &with_both("t[\"x\"] = 1"));
    let found = &["b/b.go: nil-map-write", "c/c.go: nil-map-write"];
    module.check(0, found);
    let [file] = &*entries(&module, "declarations") else {
        panic!("there is one file of declarations");
    };
    let good = crate::files::read(file).unwrap();
    module.write("c/c.go", &with_both("_ = t[\"x\"]"));
    module.check(2, FOUND);
    assert_eq!(crate::files::read(file).unwrap(), good);
    // What is read and found to be damaged is made again, so it must have been read.
    let mut damaged = good.clone();
    for byte in damaged.iter_mut().rev().take(3) {
        *byte ^= 0x55;
    }
    crate::files::write(file, &damaged).unwrap();
    module.write("c/c.go", &with_both("clear(t); t[\"x\"]++"));
    module.check(2, found);
    assert_eq!(crate::files::read(file).unwrap(), good);
    // Another type under the same name is another declaration.
    module.write(
        "a/a.go",
        "package a\n\ntype T [9]int\n\nfunc Make() (t T) { return }\n",
    );
    module.write("b/b.go", &USE.replace("\"x\"", "1"));
    module.write("c/c.go", &with_both("t[1]++"));
    module.check(0, &[]);
    module.write("c/c.go", &with_both("t[2]++"));
    module.check(2, &[]);
    assert_ne!(crate::files::read(file).unwrap(), good);
}

fn panics_on_b(package: &TypedPackage<'_>, selection: &Selection) -> Checked {
    assert!(!package.files[0].name.starts_with('b'), "the rule gives up");
    goward_rules::check_package(package, selection)
}

#[test]
fn a_panic_in_one_package_becomes_a_finding_and_the_rest_goes_on() {
    let mut module = three_packages();
    module.write("c/c.go", &USE.replace("package b", "package c"));
    module.rules = panics_on_b;
    let findings = ["b/b.go: internal-failure", "c/c.go: nil-map-write"];
    module.check(0, &findings);
    // What failed is not kept: it may have been for lack of memory.
    module.check(2, &findings);
    let outcome = module.run(Some(module.cache.path()));
    assert_eq!(
        outcome.diagnostics[0].message,
        "goward failed on package example.com/m/b: the rule gives up"
    );
    module.rules = goward_rules::check_package;
    module.check(2, &["b/b.go: nil-map-write", "c/c.go: nil-map-write"]);
}
