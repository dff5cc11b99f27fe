//! Holds the constants of goward against Go's own `go/constant`.
//!
//! Thousands of small programs are evaluated here and by `oracle_constant.go`, and every fact about
//! every result has to be equal. What needs no Go, that no text and no operation makes the arithmetic
//! panic, is tested as well. Set `GOWARD_ORACLE_SEED` for other random programs and
//! `GOWARD_ORACLE_CASES` for more of them.

#![expect(
    clippy::disallowed_methods,
    reason = "the oracle is a Go program that has to be started"
)]

mod constant_programs;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use constant_programs::{Generator, encode, evaluate};

/// Writes past the capture of the test harness: the figure and a skipped test have to be seen.
fn announce(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// A command of the Go whose rules and whose Unicode tables goward has; says so if there is none.
fn go(arguments: &[&str]) -> Option<Command> {
    let version = match Command::new("go")
        .arg("version")
        .env("GOTOOLCHAIN", "local")
        .output()
    {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(_) => "no `go`".to_owned(),
    };
    if !version.starts_with("go version go1.26") {
        announce(&format!(
            "SKIPPED: {version} on PATH, so the constants are not held against go/constant of Go 1.26"
        ));
        return None;
    }
    let mut command = Command::new("go");
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments);
    command
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .env("GOFLAGS", "");
    Some(command)
}

fn environment(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        Err(_) => default,
    }
}

#[test]
fn every_fact_equals_go_constant() {
    let Some(mut command) = go(&["run", "tests/oracle_constant.go"]) else {
        return;
    };
    let mut generator = Generator::new(environment("GOWARD_ORACLE_SEED", 1));
    let mut programs = constant_programs::edge_programs();
    for _ in 0..environment("GOWARD_ORACLE_CASES", 10_000) {
        programs.push(generator.program());
    }

    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("go was found a moment ago");
    let mut input = child.stdin.take().expect("the input is piped");
    let text = programs.join("\n") + "\n";
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("the oracle ends");
    writer
        .join()
        .expect("the writer does not panic")
        .expect("the oracle reads its input");
    assert!(output.status.success(), "the oracle failed");
    let answers = String::from_utf8(output.stdout).expect("the oracle prints UTF-8");
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), programs.len(), "one answer a program");

    let mut equal = 0;
    let mut differences = String::new();
    for (program, expected) in programs.iter().zip(&answers) {
        let actual = evaluate(program);
        if actual == *expected {
            equal += 1;
        } else if differences.len() < 20_000 {
            let _ = writeln!(
                differences,
                "{program}\n  go:     {expected}\n  goward: {actual}"
            );
        }
    }
    for kind in ["Unknown", "Bool", "String", "Int", "Float", "Complex"] {
        let answers_of_kind = answers
            .iter()
            .filter(|answer| answer.split('\t').next() == Some(kind));
        assert!(
            answers_of_kind.count() >= 200,
            "the programs hardly ever give {kind}"
        );
    }
    announce(&format!(
        "{equal} / {} constant programs equal to go/constant",
        programs.len()
    ));
    assert_eq!(equal, programs.len(), "differences:\n{differences}");
}

#[test]
fn the_table_of_printable_characters_is_that_of_go() {
    let Some(mut command) = go(&["run", "tests/generate_printable.go"]) else {
        return;
    };
    let output = command.output().expect("go was found a moment ago");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let committed = include_str!("../src/constant/printable.rs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), committed);
}

#[test]
fn no_text_and_no_program_makes_constants_panic() {
    let mut generator = Generator::new(environment("GOWARD_ORACLE_SEED", 2));
    for _ in 0..2000 {
        let program = generator.program();
        assert!(!evaluate(&program).is_empty());
    }
    for _ in 0..5000 {
        let mut text = generator.literal();
        for _ in 0..=generator.below(4) {
            text = generator.mutated(&text);
            for letter in ["i", "f", "m", "c", "s"] {
                let program = format!("{letter}{}", encode(text.as_bytes()));
                assert!(!evaluate(&program).is_empty(), "{text}");
            }
        }
    }
}
