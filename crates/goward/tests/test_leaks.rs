//! `goward leaks test`, with a Go toolchain.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests run the command on packages that they write"
)]

use std::process::Command;

const TESTS: &str = r#"package a

import "testing"

func TestOK(t *testing.T) {}

func TestFail(t *testing.T) { t.Fatal("boom") }

func TestPanic(t *testing.T) {
	var m map[string]int
	m["a"] = 1
}

func TestLeak(t *testing.T) {
	c := make(chan int)
	go func() { c <- 1 }()
	t.Run("sub", func(t *testing.T) {})
}
"#;

/// Without Go these tests say nothing; CI has it.
fn has_go() -> bool {
    let output = Command::new("go").arg("version").output();
    output.is_ok_and(|output| output.status.success())
}

/// What `goward leaks test -- go test` with these arguments prints, and its exit code.
fn leaks(arguments: &[&str]) -> (String, i32) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("go.mod", "module example.com/a\n\ngo 1.24\n");
    write("a.go", "package a\n");
    write("a_test.go", TESTS);
    let output = Command::new(env!("CARGO_BIN_EXE_goward"))
        .args(["leaks", "test", "--", "go", "test"])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    (text, output.status.code().unwrap())
}

#[test]
fn failures_are_shown_and_count() {
    if !has_go() {
        return;
    }
    let (text, code) = leaks(&["."]);
    assert_eq!(code, 2, "{text}");
    for expected in [
        "example.com/a TestFail: failed\n",
        "boom\n",
        "example.com/a TestPanic: ended with exit status: 2 before its goroutines could be listed\n",
        "  panic: assignment to entry in nil map",
        "example.com/a TestLeak\n  1 goroutine waiting",
        "4 tests run, 1 left goroutines behind, 2 failed, 1 could not be examined\n",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn flags_choose_tests() {
    if !has_go() {
        return;
    }
    for (arguments, summary, code) in [
        (
            &["-run", "TestOK", "-count", "1", "."][..],
            "1 test run, 0 left goroutines behind\n",
            0,
        ),
        (
            &["-run=TestFail"],
            "1 test run, 0 left goroutines behind, 1 failed\n",
            1,
        ),
        (
            &["-v", "-run", "TestLeak/sub", "-timeout", "60s"],
            "1 test run, 1 left goroutines behind\n",
            1,
        ),
    ] {
        let (text, found) = leaks(arguments);
        assert!(text.ends_with(summary), "{text}");
        assert_eq!(found, code, "{text}");
    }
}
