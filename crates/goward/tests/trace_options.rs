//! How `goward trace` takes its options.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests run the command on recorded traces"
)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

const TRACE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../goward_trace/tests/traces/known/plainCancel.trace"
);

fn goward(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goward"))
        .arg("trace")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_page_is_not_promised_where_events_are_printed() {
    for mode in ["--parsed", "--wire"] {
        for option in ["--html=page", "--perfetto=page", "--chrome=page", "--serve"] {
            let output = goward(&[mode, option, TRACE]);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{errors}");
            assert!(errors.contains("cannot be used with"), "{errors}");
        }
    }
}

#[test]
fn a_file_behind_serve_is_the_trace() {
    for option in ["--serve", "--serve=:0", "--serve=127.0.0.1:0"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_goward"))
            .args(["trace", option, TRACE])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(line.starts_with("http://127.0.0.1:"), "{line} {output:?}");
        assert!(!line.contains("token"), "{line}");
    }
}

#[test]
fn a_dump_from_outside_the_trace_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.txt");
    let listing = "goroutine 1 [sleep]:\nmain.main()\n\t/srv/app/main.go:9 +0x1\n";
    std::fs::write(&dump, listing).unwrap();
    let dump = dump.display().to_string();
    for (time, expected) in [
        ("9999", "after the end of the trace (given)"),
        ("-5", "5.00 s before the trace (given)"),
        ("1e300", "after the end of the trace (given)"),
        ("0.001", "+1.0 ms (given)"),
    ] {
        let option = format!("--profile-time={time}");
        let output = goward(&[TRACE, "--dump", &dump, &option]);
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(expected), "{time}: {text} {errors}");
        // What the trace knows, it knows until its end.
        assert!(!text.contains("for 999"), "{text}");
    }
    let output = goward(&[TRACE, "--dump", &dump, "--profile-time=nan"]);
    assert_eq!(output.status.code(), Some(2));
}
