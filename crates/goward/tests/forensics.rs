//! `goward crash`, `leaks` and `profile` as a user runs them.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests run the command on files that they write"
)]

use std::path::Path;
use std::process::{Command, Output};

fn goward(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
}

/// Tests leave the cache of whoever runs them alone.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goward"));
    command.env(
        "GOWARD_CACHE_DIR",
        concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
    );
    command
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

/// Each dump of `examples/crashes` names the finding that it is the outcome of, with the id that
/// `goward check` prints, and no other.
#[test]
fn a_dump_names_the_finding_it_is_the_outcome_of() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/crashes");
    let source = folder.display().to_string();
    let checked = command()
        .args(["check", "--output-format", "json", "./..."])
        .current_dir(&folder)
        .output()
        .unwrap();
    let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    let ids: Vec<&str> = checked
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["id"].as_str().unwrap())
        .collect();
    const TRUTH: [(&str, &str, &str); 8] = [
        ("registry", "nil-map-write", "same-line"),
        ("count", "nil-map-write", "same-line"),
        ("all", "map-race", "same-line"),
        ("replace", "deferred-panic-masks", "same-line"),
        ("quiet", "recover-has-no-effect", "same-function"),
        ("fetch", "send-abandoned", "same-line"),
        ("cache", "double-lock", "on-its-path"),
        ("table", "unlock-missing-on-path", "same-lock"),
    ];
    let dumps: Vec<String> = TRUTH
        .iter()
        .map(|(case, ..)| folder.join(format!("{case}.txt")).display().to_string())
        .collect();
    let crash = |options: &[&str]| {
        let mut arguments = vec!["crash"];
        arguments.extend(options);
        arguments.extend(dumps.iter().map(String::as_str));
        let output = goward(&arguments);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let with_source = |format: &str| crash(&["--source", &source, "--output-format", format]);
    let json: serde_json::Value = serde_json::from_str(&with_source("json")).unwrap();
    let others: Vec<(&str, String)> = ["text", "html", "sarif"]
        .into_iter()
        .map(|format| {
            let shown = with_source(format);
            // Names in backticks are set as code on the page.
            let shown = shown.replace("<code>", "`").replace("</code>", "`");
            (format, shown)
        })
        .collect();
    for ((case, rule, near), dump) in TRUTH.iter().zip(json["dumps"].as_array().unwrap()) {
        let findings = dump["findings"].as_array().unwrap();
        let [finding] = findings.as_slice() else {
            panic!("{case}: {findings:#?}");
        };
        assert_eq!(
            (&finding["rule"], &finding["match"]),
            (&(*rule).into(), &(*near).into()),
            "{case}"
        );
        let id = finding["id"].as_str().unwrap();
        assert!(ids.contains(&id), "{id} is none of {ids:?}");
        let fix = finding["fix"]["message"].as_str();
        assert_eq!(fix.is_some(), finding["patch"].is_string(), "{case}");
        for (format, shown) in &others {
            assert!(shown.contains(id), "{case} {format}: {shown}");
            assert!(fix.is_none_or(|fix| shown.contains(fix)), "{case} {format}");
        }
    }
    // Without the source nothing is claimed.
    let json: serde_json::Value =
        serde_json::from_str(&crash(&["--output-format", "json"])).unwrap();
    for dump in json["dumps"].as_array().unwrap() {
        assert_eq!(dump["findings"], serde_json::json!([]));
    }
    // The goroutines that pile up in the dump of `fetch` are those of the finding.
    let dump = folder.join("fetch.txt").display().to_string();
    let output = goward(&[
        "leaks",
        "--source",
        &source,
        "--output-format",
        "json",
        &dump,
    ]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let named: Vec<&serde_json::Value> = json["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["findings"].as_array().unwrap())
        .map(|finding| &finding["rule"])
        .collect();
    assert_eq!(named, ["send-abandoned"]);
}

#[test]
fn what_cannot_be_read_hides_nothing_and_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let dump = file(folder.path(), "dump.txt", MASKED.as_bytes());
    let other = file(folder.path(), "other.txt", MASKED.as_bytes());
    let output = goward(&["crash", &dump, "/no/such/1", &other, "/no/such/2"]);
    assert_eq!(output.status.code(), Some(2));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("dump.txt:1") && shown.contains("other.txt:1"),
        "{shown}"
    );
    let errors = text(&output.stderr);
    assert!(
        errors.contains("/no/such/1") && errors.contains("/no/such/2"),
        "{errors}"
    );
    for command in ["crash", "leaks"] {
        let output = goward(&[command, "--source", "/no/such/folder", &dump]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let errors = text(&output.stderr);
        let expected = "goward: --source /no/such/folder: there is no such folder\n";
        assert_eq!(errors, expected);
        assert!(output.stdout.is_empty());
    }
    let arguments = [
        "crash",
        "--source",
        "/no/such/folder",
        "--watch",
        "--",
        "echo",
        "started",
    ];
    let output = goward(&arguments);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(2), String::new())
    );
}

#[test]
fn standard_input_is_a_source() {
    use std::io::Write;
    use std::process::Stdio;
    let trace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../goward_trace/tests/traces/known/plainCancel.trace");
    let trace = std::fs::read(trace).unwrap();
    let profile = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../goward_trace/tests/traces/service-go126-fused.pb.gz");
    let profile = std::fs::read(profile).unwrap();
    for (arguments, input, expected) in [
        (&["trace", "-"][..], &trace[..], "cancelled by main.giveUp"),
        (
            &["trace", "--threads=1", "-"],
            &trace,
            "cancelled by main.giveUp",
        ),
        (&["trace", "--parsed", "-"], &trace, "Sync"),
        (&["trace", "--wire", "-"], &trace, "EndOfGeneration"),
        (&["profile", "-"], &profile, "goroutine profile"),
        (&["leaks", "-"], &profile, "goroutines in 1 snapshot"),
        (
            &["leaks", "-"],
            listing(3).as_bytes(),
            "goroutines in 1 snapshot",
        ),
    ] {
        let mut child = command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = input.to_vec();
        let mut pipe = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || pipe.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        let shown = text(&output.stdout);
        assert!(
            shown.contains(expected),
            "{arguments:?}: {shown} {}",
            text(&output.stderr)
        );
    }
}
