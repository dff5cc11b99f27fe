//! `goward crash`, `leaks` and `profile` as a user runs them.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests run the command on files that they write"
)]

use std::path::Path;
use std::process::{Command, Output};

fn goward(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goward"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(folder: &Path, name: &str, content: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

const MASKED: &str = "panic: index \x1b[31m<script>\n\tpanic: nil pointer\n\ngoroutine 1 [running]:\nmain.(*db).Close(...)\n\t/srv/app/main.go:2\npanic({0x1, 0x2})\n\t/opt/go/src/runtime/panic.go:860 +0x13a\nmain.query(0x4)\n\t/srv/app/main.go:3 +0x92\nmain.main()\n\t/srv/app/main.go:4 +0x8d\n";

#[test]
fn crash_follows_its_schema_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let dump = file(folder.path(), "dump.txt", MASKED.as_bytes());
    let output = goward(&["crash", "--output-format", "json", &dump]);
    assert_eq!(output.status.code(), Some(1));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = &result["dumps"][0];
    assert_eq!(found["kind"], "panic");
    assert_eq!(found["original"], 0);
    assert_eq!(found["fatal"], serde_json::Value::Null);
    assert_eq!(found["panics"][0]["raised_by"]["function"], "main.query");
    assert_eq!(found["panics"][0]["raised_by"]["line"], 3);
    assert_eq!(found["panics"][0]["during"], serde_json::Value::Null);
    assert_eq!(
        found["panics"][1]["raised_by"]["function"],
        "main.(*db).Close"
    );
    assert_eq!(found["panics"][1]["during"]["function"], "main.(*db).Close");
    assert_eq!(found["goroutines"].as_array().unwrap().len(), 1);
    assert_eq!(found["clusters"][0]["count"], 1);
}

#[test]
fn hostile_values_reach_no_output_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let dump = file(folder.path(), "dump.txt", MASKED.as_bytes());
    for format in ["text", "json", "html", "sarif"] {
        let output = text(&goward(&["crash", "--output-format", format, &dump]).stdout);
        assert!(!output.contains('\x1b'), "{format}: {output}");
        assert!(
            format != "html" || !output.contains("<script>\n") && output.contains("&lt;script&gt;"),
            "{output}"
        );
        assert!(output.contains("main.query"), "{format}: {output}");
    }
}

#[test]
fn source_lines_are_shown_from_the_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    let dump = file(folder.path(), "dump.txt", MASKED.as_bytes());
    file(folder.path(), "main.go", b"package main\nfunc (d *db) Close() { *d.p = 1 }\nfunc query(n int) int { return rows[n] }\n");
    let output = text(
        &goward(&[
            "crash",
            "--source",
            &folder.path().display().to_string(),
            &dump,
        ])
        .stdout,
    );
    assert!(output.contains("return rows[n]"), "{output}");
    let output = text(&goward(&["crash", &dump]).stdout);
    assert!(!output.contains("return rows[n]"), "{output}");
}

#[test]
fn what_is_no_dump_is_named_or_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let trace = file(folder.path(), "t", b"go 1.26 trace\0\0\0more");
    let output = goward(&["crash", &trace]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("an execution trace"),
        "{output:?}"
    );
    let plain = file(folder.path(), "log", b"nothing here\n");
    let output = goward(&["crash", &plain]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stdout).contains("no Go dump found"),
        "{output:?}"
    );
    assert_eq!(goward(&["crash", "/no/such/file"]).status.code(), Some(2));
    assert_eq!(goward(&["leaks", &plain]).status.code(), Some(2));
    assert_eq!(goward(&["profile", &plain]).status.code(), Some(2));
}

fn listing(leaked: usize) -> String {
    let mut text = "goroutine 1 [sleep]:\nmain.main()\n\t/srv/app/main.go:9 +0x1\n\n".to_owned();
    for id in 0..leaked {
        text.push_str(&format!("goroutine {} [chan send, 7 minutes]:\nmain.send.func1()\n\t/srv/app/main.go:3 +0x1\ncreated by main.send in goroutine 1\n\t/srv/app/main.go:3 +0x2\n\n", id + 10));
    }
    for id in 0..50 {
        text.push_str(&format!("goroutine {} [select]:\nmain.worker()\n\t/srv/app/main.go:6 +0x1\ncreated by main.main in goroutine 1\n\t/srv/app/main.go:8 +0x2\n\n", id + 1000));
    }
    text
}

#[test]
fn leaks_names_what_grows_and_only_that() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<String> = [3, 9, 20, 31]
        .iter()
        .enumerate()
        .map(|(number, &count)| {
            file(
                folder.path(),
                &format!("g-{number}.txt"),
                listing(count).as_bytes(),
            )
        })
        .collect();
    let mut arguments = vec!["leaks", "--output-format", "json"];
    arguments.extend(files.iter().map(String::as_str));
    let output = goward(&arguments);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let growing: Vec<_> = result["groups"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|group| group["verdict"] == "grows")
        .collect();
    assert_eq!(growing.len(), 1);
    assert_eq!(growing[0]["blocked_at"]["function"], "main.send.func1");
    assert_eq!(growing[0]["counts"], serde_json::json!([3, 9, 20, 31]));
    assert_eq!(growing[0]["longest_wait_minutes"], 7);
    arguments.extend(["--fail-over", "100"]);
    assert_eq!(goward(&arguments).status.code(), Some(0));
}
