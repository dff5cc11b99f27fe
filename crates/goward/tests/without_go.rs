//! `goward check` where no Go can be found: the standard library that is built in gives the same
//! findings as an installed one.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the command, and write what it checks"
)]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs goward in a folder where nothing leads to a Go installation; not even one in a usual place
/// is looked for.
fn without_go(folder: &Path, arguments: &[&str]) -> Run {
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_goward"));
    command
        .env_clear()
        .env("PATH", "")
        .env("HOME", nowhere.path())
        .env("GOROOT", "off");
    run(command.args(arguments).current_dir(folder))
}

fn with_go(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goward"));
    run(command.args(arguments).current_dir(folder))
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn has_go() -> bool {
    let output = Command::new("go").arg("version").output();
    output.is_ok_and(|output| output.status.success())
}

/// Compares the findings of all rules, to the last character.
#[track_caller]
fn compare(folder: &str, at_least: usize) {
    let arguments = [
        "check",
        folder,
        "--select",
        "all",
        "--output-format",
        "json",
        "--no-cache",
    ];
    let without = without_go(&workspace(), &arguments);
    assert!(matches!(without.code, Some(0 | 1)), "{}", without.err);
    let findings: Vec<serde_json::Value> = serde_json::from_str(&without.out).unwrap();
    assert!(findings.len() >= at_least, "{} findings", findings.len());
    if !has_go() {
        eprintln!("skipped the comparison: there is no Go on PATH");
        return;
    }
    let with = with_go(&workspace(), &arguments);
    assert_eq!(with.code, without.code);
    assert!(with.out == without.out, "{}\n{}", with.out, without.out);
}

#[test]
fn the_example_has_the_same_findings() {
    compare("examples/shop", 17);
}

#[test]
fn the_scenarios_have_the_same_findings() {
    compare("scenarios", 30);
}

#[test]
fn the_runtime_module_has_the_same_findings() {
    compare("runtime", 0);
}

/// The marks on the source say what must be found, also where Go cannot be asked.
#[test]
fn the_marks_of_the_example_are_found() {
    let run = without_go(
        &workspace(),
        &["check", "examples/shop", "--output-format", "concise"],
    );
    let mut marks = 0;
    let mut folders = vec![workspace().join("examples/shop")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "go") {
                continue;
            }
            let text = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&text);
            let name = path
                .strip_prefix(workspace())
                .unwrap()
                .display()
                .to_string();
            for (index, line) in text.lines().enumerate() {
                if line.contains("// want ") {
                    marks += 1;
                    let place = format!("{name}:{}:", index + 1);
                    assert!(run.out.contains(&place), "{place} is missing\n{}", run.out);
                }
            }
        }
    }
    assert!(marks >= 17, "{marks} marks");
    assert_eq!(run.out.lines().count(), marks, "{}", run.out);
}

#[test]
fn it_says_which_standard_library_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("go.mod", "module m\n\ngo 1.24\n");
    write(
        "a.go",
        "package m\n\nimport \"net/http\"\n\nvar Client http.Client\n",
    );
    let quiet = without_go(folder.path(), &["check"]);
    assert_eq!(quiet.code, Some(0), "{}", quiet.err);
    assert!(!quiet.err.contains("standard library"), "{}", quiet.err);
    let verbose = without_go(folder.path(), &["check", "--verbose"]);
    assert!(
        verbose
            .err
            .contains("the standard library of Go 1.26.8 built into goward is used"),
        "{}",
        verbose.err
    );
    let version = without_go(folder.path(), &["version"]);
    assert!(
        version.out.contains("built-in standard library: Go 1.26.8"),
        "{}",
        version.out
    );

    write("go.mod", "module m\n\ngo 1.99\n");
    let newer = without_go(folder.path(), &["check"]);
    assert_eq!(newer.code, Some(0), "{}", newer.err);
    assert!(
        newer.err.contains(
            "go.mod: it asks for Go 1.99; what is known is the standard library of Go 1.26.8"
        ),
        "{}",
        newer.err
    );
}

/// A system that Go does not have: what comes from the standard library is unknown, and all that
/// rests on it is silent.
#[test]
fn an_unknown_system_has_no_standard_library() {
    let arguments = [
        "check",
        "examples/shop",
        "--os",
        "windows",
        "--arch",
        "mips",
    ];
    let run = without_go(&workspace(), &arguments);
    assert!(
        run.err.contains(
            "there is no Go installation, and Go 1.26.8 for windows/mips is not built into goward"
        ),
        "{}",
        run.err
    );
}

#[test]
fn the_files_of_the_standard_library_need_go() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("go.mod"), "module m\n\ngo 1.24\n").unwrap();
    for (pattern, code, said) in [
        (
            "fmt",
            2,
            "\"fmt\" is of the standard library, whose files are in a Go installation",
        ),
        ("std", 2, "'std' needs a Go installation"),
        (
            "fnt",
            2,
            "\"fnt\" is neither a package nor a folder: it is not in the standard library",
        ),
        ("net/...", 0, ".: \"net/...\" matches no packages"),
    ] {
        let run = without_go(folder.path(), &["check", pattern]);
        assert_eq!(run.code, Some(code), "{}", run.err);
        assert!(run.err.contains(said), "{}", run.err);
    }
}
