//! The trace reader on Go's own test traces, on a trace of Go 1.26, and on broken ones.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read files and ask go where it is installed"
)]
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]

use std::path::{Path, PathBuf};

use goward_trace::trace::{self, EventHash, Failure, Reader};

/// What came of reading a trace.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: usize,
    hash: u64,
    failure: Option<String>,
    good_bytes: u64,
}

fn read(bytes: &[u8], threaded: bool) -> Outcome {
    let source = std::io::Cursor::new(bytes.to_vec());
    let text = |failure: Failure| match failure {
        Failure::End => "end".to_owned(),
        Failure::Broken(text) => text,
    };
    let mut hash = EventHash::default();
    let mut events = 0;
    let mut good_bytes = 0;
    let failure = match if threaded {
        Reader::threaded(source)
    } else {
        Reader::new(source)
    } {
        Err(failure) => Some(text(failure)),
        Ok(mut reader) => loop {
            match reader.next_event() {
                Ok(Some(_)) => {}
                Ok(None) => break None,
                Err(failure) => break Some(text(failure)),
            }
            good_bytes = reader.good_bytes();
            if let Err(failure) = hash.add(&reader) {
                break Some(text(failure));
            }
            events += 1;
        },
    };
    Outcome {
        events,
        hash: hash.value(),
        failure,
        good_bytes,
    }
}

fn go_root() -> Option<PathBuf> {
    let output = std::process::Command::new("go")
        .args(["env", "GOROOT"])
        .output()
        .ok()?;
    let root = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    root.join("src/internal/trace/testdata/tests")
        .is_dir()
        .then_some(root)
}

/// Each of Go's test traces says whether it is good, or which error its reader must give.
#[test]
fn go_test_traces_get_the_verdict_that_they_expect() {
    let Some(root) = go_root() else {
        eprintln!("SKIPPED: no Go installation with internal/trace/testdata");
        return;
    };
    let mut checked = 0;
    for entry in std::fs::read_dir(root.join("src/internal/trace/testdata/tests"))
        .expect("the folder of the tests")
    {
        let path = entry.expect("a folder entry").path();
        let text = std::fs::read_to_string(&path).expect("a test trace");
        let (expectation, body) = text
            .strip_prefix("-- expect --\n")
            .and_then(|text| text.split_once("-- trace --\n"))
            .expect("two parts in a test trace");
        let bytes = trace::trace_of_text(body).expect("the text form of a trace");
        let outcome = read(&bytes, false);
        assert_eq!(read(&bytes, true), outcome, "{}", path.display());
        match expectation.trim().strip_prefix("FAILURE ") {
            None => assert_eq!(outcome.failure, None, "{}", path.display()),
            Some(pattern) => {
                let pattern = trace::unquote(pattern).expect("a quoted pattern");
                let pattern = String::from_utf8(pattern)
                    .expect("a pattern in UTF-8")
                    .replace(".*", "");
                let failure = outcome.failure.unwrap_or_default();
                assert!(failure.contains(&pattern), "{}: {failure}", path.display());
            }
        }
        let mut wire = Vec::new();
        if trace::write_wire_text(&bytes, |text| wire.extend_from_slice(text)).is_ok() {
            let header = body.lines().next().unwrap_or_default();
            let again = format!("{header}\n{}", String::from_utf8(wire).expect("text"));
            assert_eq!(
                trace::trace_of_text(&again).expect("our own text form"),
                bytes,
                "{}",
                path.display()
            );
        }
        checked += 1;
    }
    assert!(checked >= 22, "only {checked} test traces found");
}

fn fixture() -> Vec<u8> {
    trace_of("service-go126.trace")
}

fn trace_of(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/traces")
        .join(name);
    std::fs::read(path).expect("the trace of Go 1.26")
}

/// The count and the hash were printed by `xtask/go/tracehash`, which reads with
/// golang.org/x/exp/trace.
#[test]
fn a_trace_of_go_1_26_gives_the_events_of_go() {
    for threaded in [false, true] {
        let outcome = read(&fixture(), threaded);
        assert_eq!(outcome.failure, None);
        assert_eq!((outcome.events, outcome.hash), (3457, 0x17928f6e1d6a2996));
    }
}

/// A cut trace of one generation has nothing but the sync event before the error.
#[test]
fn a_cut_trace_is_refused_and_says_so() {
    let bytes = fixture();
    for length in [20, 1000, bytes.len() / 2, bytes.len() - 1] {
        let outcome = read(&bytes[..length], false);
        assert_eq!(read(&bytes[..length], true), outcome);
        assert_eq!(outcome.events, 1, "cut at {length}");
        assert!(outcome.failure.is_some(), "cut at {length}");
    }
}

/// Whatever the bytes, the reader ends, does not panic, and does the same on one and two threads.
#[test]
fn changed_traces_end_without_a_panic() {
    let bytes = fixture();
    let mut random = 88_172_645_463_325_252u64;
    let mut next = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % limit
    };
    let mut refused = 0;
    for _ in 0..100 {
        let mut changed = bytes.clone();
        for _ in 0..1 + next(4) {
            let place = next(changed.len());
            changed[place] = next(256) as u8;
        }
        let outcome = read(&changed, false);
        refused += usize::from(outcome.failure.is_some());
        assert_eq!(read(&changed, true), outcome);
        let mut reader = match Reader::new(std::io::Cursor::new(changed.clone())) {
            Ok(reader) => reader,
            Err(_) => continue,
        };
        let mut text = Vec::new();
        while let Ok(Some(_)) = reader.next_event() {
            text.clear();
            if trace::write_event(&mut text, &reader, |_| 0).is_err() {
                break;
            }
        }
        let _ = trace::write_wire_text(&changed, |_| {});
    }
    assert!(
        refused > 50,
        "only {refused} of 100 changed traces were refused"
    );
}

/// A trace of many generations, whole and cut anywhere: the second thread may have got as far as it
/// likes, what comes out is the same.
#[test]
fn two_threads_give_what_one_gives() {
    let bytes = trace_of("generations-go126.trace");
    let outcome = read(&bytes, false);
    assert_eq!(outcome.failure, None);
    // By `xtask/go/tracehash`.
    assert_eq!((outcome.events, outcome.hash), (4033, 0x17363c50b0f89f82));
    for _ in 0..20 {
        assert_eq!(read(&bytes, true), outcome);
    }
    for length in (16..bytes.len()).step_by(1009) {
        assert_eq!(read(&bytes[..length], true), read(&bytes[..length], false));
    }
}

#[test]
fn what_is_no_trace_is_named() {
    let failure = |bytes: &[u8]| read(bytes, false).failure.unwrap_or_default();
    assert!(failure(b"").contains("the file is empty"));
    assert!(failure(b"\x1f\x8b\x08\0\0\0\0\0\0\xff and so on").contains("pprof profile"));
    assert!(failure(b"goroutine 1 [running]:\nmain.main()").contains("goward crash"));
    assert!(failure(b"go 1.21 trace\0\0\0").contains("record the trace with Go 1.22"));
    assert!(
        failure(b"go 1.99 trace\0\0\0").contains("unknown or unsupported trace version go 1.99")
    );
    assert!(failure(b"hello, this is some text").contains("not a Go execution trace"));
}
