//! Which packages of a program are checked, and how: as a whole, or only what they declare.

use std::sync::Mutex;

use goward_project::{
    EmptyFileSystem, Environment, LoadOptions, OverlayFileSystem, Program, ProgramOptions,
    ProgramPackage, Visitor, load,
};

/// Remembers the packages that it is shown.
#[derive(Default)]
struct Seen {
    lines: Mutex<Vec<String>>,
}

impl Seen {
    fn note(&self, program: &Program, package: &ProgramPackage, how: &str) {
        let path = &program.source(package.index).import_path;
        let mut line = format!("{path} {how}");
        for error in &package.errors {
            line.push_str(&format!(": {}", error.message));
        }
        self.lines.lock().unwrap().push(line);
    }
}

impl Visitor for Seen {
    fn visit(&self, program: &Program, package: ProgramPackage) {
        self.note(program, &package, "whole");
    }

    fn visit_imported(&self, program: &Program, package: ProgramPackage) {
        self.note(program, &package, "declarations");
    }
}

/// Checks the package in `/w/root` of a module `m` without any standard library.
#[track_caller]
fn check(files: &[(&str, &str)], want: &[&str]) {
    let mut overlay: OverlayFileSystem<EmptyFileSystem> =
        OverlayFileSystem::in_memory([("/w/go.mod", "module m\n\ngo 1.24\n")]);
    for (path, text) in files {
        overlay.insert(std::path::Path::new(&format!("/w/{path}")), *text);
    }
    let environment = Environment::new([("GOOS", "linux"), ("GOARCH", "amd64")], &overlay);
    let options = LoadOptions::new("/w").patterns(["./root"]);
    let workspace = load(&options, &environment, &overlay);
    let seen = Seen::default();
    Program::check(workspace, &overlay, ProgramOptions::default(), &seen);
    let mut lines = seen.lines.into_inner().unwrap();
    lines.sort();
    assert_eq!(lines, want);
}

#[test]
fn what_only_bodies_of_imported_packages_use_is_not_checked() {
    check(
        &[
            (
                "root/root.go",
                "package root\nimport (\"m/shown\"; \"m/used\")\nvar V shown.T\nfunc F() int { return used.G() + int(V.B) }\n",
            ),
            (
                "shown/shown.go",
                "package shown\nimport (\"m/below\"; \"m/hidden\")\ntype T struct{ B below.B }\nfunc F() { hidden.H() }\n",
            ),
            ("below/below.go", "package below\ntype B int\n"),
            ("hidden/hidden.go", "package hidden\nfunc H() {}\n"),
            (
                "used/used.go",
                "package used\nimport \"m/hidden\"\nfunc G() int { hidden.H(); return 1 }\n",
            ),
        ],
        &[
            "m/below declarations",
            "m/root whole",
            "m/shown declarations",
            "m/used declarations",
        ],
    );
}

#[test]
fn a_name_that_an_imported_package_lacks_is_an_error_in_who_uses_it() {
    check(
        &[
            (
                "root/root.go",
                "package root\nimport \"m/shown\"\nvar V shown.Gone\n",
            ),
            ("shown/shown.go", "package shown\ntype T int\n"),
        ],
        &[
            "m/root whole: undefined: shown.Gone",
            "m/shown declarations",
        ],
    );
}

#[test]
fn packages_that_import_each_other_end() {
    check(
        &[
            (
                "root/root.go",
                "package root\nimport \"m/other\"\ntype A struct{ B *other.B }\n",
            ),
            (
                "other/other.go",
                "package other\nimport \"m/root\"\ntype B struct{ A *root.A }\n",
            ),
        ],
        &["m/root whole: package m/other is missing"],
    );
}
