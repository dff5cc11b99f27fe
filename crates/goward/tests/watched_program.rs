//! `goward crash --watch`: what reaches the program, what reaches the caller.

#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    reason = "the tests run the command on programs that they write"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Starts a shell script under `goward crash --watch`.
fn watched(script: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_goward"))
        .args(["crash", "--watch", "--", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads up to a line of standard output, and says which it was.
fn line(child: &mut Child) -> String {
    let mut line = String::new();
    let mut out = BufReader::with_capacity(1, child.stdout.as_mut().unwrap());
    out.read_line(&mut line).unwrap();
    line
}

/// The rest of both outputs, and the exit code.
fn finish(mut child: Child) -> (String, String, i32) {
    let (mut out, mut err) = (String::new(), String::new());
    let mut errors = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        errors.read_to_string(&mut err).unwrap();
        err
    });
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    let err = reader.join().unwrap();
    (out, err, child.wait().unwrap().code().unwrap())
}

#[test]
fn signals_are_passed_on_and_the_end_is_awaited() {
    for (signal, name) in [
        (Signal::TERM, "TERM"),
        (Signal::INT, "INT"),
        (Signal::QUIT, "QUIT"),
        (Signal::HUP, "HUP"),
        (Signal::USR1, "USR1"),
    ] {
        let mut child = watched(&format!(
            "trap 'echo graceful; sleep 0.2; echo done; exit 7' {name}; echo ready; \
             while :; do sleep 0.05; done"
        ));
        assert_eq!(line(&mut child), "ready\n");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let (out, err, code) = finish(child);
        assert_eq!((out.as_str(), code), ("graceful\ndone\n", 7), "{err}");
    }
}

#[test]
fn a_program_that_does_not_handle_a_signal_ends_with_it() {
    let mut child = watched("echo ready; exec sleep 30");
    assert_eq!(line(&mut child), "ready\n");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let (_, err, code) = finish(child);
    assert_eq!(code, 128 + 15, "{err}");
}

#[test]
fn the_dump_after_sigquit_is_reported() {
    let mut child = watched(
        "trap 'echo \"SIGQUIT: quit\nPC=0x1 m=0 sigcode=0\n\ngoroutine 1 [select]:\nmain.main()\n\t/srv/app/main.go:9 +0x1\n\" >&2; exit 2' QUIT; \
         echo ready; while :; do sleep 0.05; done",
    );
    assert_eq!(line(&mut child), "ready\n");
    kill_process(Pid::from_child(&child), Signal::QUIT).unwrap();
    let (_, err, code) = finish(child);
    assert_eq!(code, 2, "{err}");
    let report = err.split("--- goward crash").nth(1).unwrap();
    assert!(report.contains("main.main  /srv/app/main.go:9"), "{err}");
}

#[test]
fn a_signal_ends_the_wait_for_what_the_program_left_behind() {
    let mut child = watched("sleep 30 & echo $!; exit 3");
    let left: i32 = line(&mut child).trim().parse().unwrap();
    // Time enough to see that the program has ended.
    std::thread::sleep(std::time::Duration::from_millis(300));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    kill_process(Pid::from_raw(left).unwrap(), Signal::KILL).unwrap();
    assert_eq!(status.code(), Some(3));
}

const PANIC: &str =
    "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/srv/app/main.go:9 +0x1\n";

#[test]
fn a_dump_on_either_output_is_reported_and_both_pass_through() {
    for (to, other) in [("1", "2"), ("2", "1")] {
        let folder = tempfile::tempdir().unwrap();
        let dump = folder.path().join("dump");
        std::fs::write(&dump, PANIC).unwrap();
        let script = format!(
            "echo other >&{other}; cat {} >&{to}; exit 1",
            dump.display()
        );
        let (out, err, code) = finish(watched(&script));
        assert_eq!(code, 1);
        let (passed, report) = err.split_once("\n--- goward crash: ").unwrap();
        let outputs = if to == "1" {
            (&*out, passed)
        } else {
            (passed, &*out)
        };
        assert_eq!(outputs, (PANIC, "other\n"));
        assert!(report.contains("main.main  /srv/app/main.go:9"), "{err}");
        assert!(!report.contains("no Go dump found"), "{err}");
    }
    let (_, err, code) = finish(watched("echo some; echo more >&2; exit 4"));
    assert_eq!(code, 4);
    assert!(err.contains("sh: no Go dump found in 10 bytes"), "{err}");
}

#[test]
fn output_arrives_as_it_is_written() {
    // It ends only when told to.
    let mut child = watched("printf begun; exec sleep 30");
    let mut begun = [0; 5];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut begun)
        .unwrap();
    assert_eq!(&begun, b"begun");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    finish(child);
}
