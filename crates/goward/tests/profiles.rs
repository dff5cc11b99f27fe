//! `goward profile`: which kind a profile is, and which can be compared.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests run the command on profiles that they write"
)]

use std::path::Path;
use std::process::{Command, Output};

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 127 {
        out.push((value & 127) as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn message(field: u64, content: &[u8]) -> Vec<u8> {
    let head = [varint(field << 3 | 2), varint(content.len() as u64)].concat();
    [&head, content].concat()
}

/// A profile with these columns (name and unit), in which each function was sampled once, with 5 in
/// every column.
fn profile(columns: &[(&str, &str)], functions: &[&str]) -> Vec<u8> {
    let mut strings = vec![""];
    let mut out = Vec::new();
    for (name, unit) in columns {
        let at = strings.len() as u64;
        strings.extend([name, unit]);
        out.extend(message(1, &[number(1, at), number(2, at + 1)].concat()));
    }
    for (index, name) in functions.iter().enumerate() {
        let id = index as u64 + 1;
        let value: Vec<u8> = columns.iter().flat_map(|_| number(2, 5)).collect();
        out.extend(message(2, &[number(1, id), value].concat()));
        let line = message(4, &number(1, id));
        out.extend(message(4, &[number(1, id), line].concat()));
        let name_at = strings.len() as u64;
        strings.push(name);
        out.extend(message(5, &[number(1, id), number(2, name_at)].concat()));
    }
    for string in strings {
        out.extend(message(6, string.as_bytes()));
    }
    out
}

fn goward(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goward"))
        .arg("profile")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

const BLOCKED: &[(&str, &str)] = &[("contentions", "count"), ("delay", "nanoseconds")];
const CPU: &[(&str, &str)] = &[("samples", "count"), ("cpu", "nanoseconds")];
const HEAP: &[(&str, &str)] = &[("alloc_space", "bytes"), ("inuse_space", "bytes")];

/// The first line, and the kind in JSON.
#[track_caller]
fn titled(functions: &[&str], title: &str, kind: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p"), profile(BLOCKED, functions)).unwrap();
    let text = goward(folder.path(), &["p"]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with(title), "{text}");
    let json = goward(folder.path(), &["p", "--output-format", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["kind"], kind);
}

#[test]
fn block_and_mutex_profiles_are_told_apart_by_what_was_sampled() {
    titled(&["sync.(*Mutex).Lock"], "block profile, ", "block");
    titled(
        &["runtime.selectgo", "sync.(*WaitGroup).Wait"],
        "block profile, ",
        "block",
    );
    titled(&["sync.(*Mutex).Unlock"], "mutex profile, ", "mutex");
    titled(&["sync.(*RWMutex).RUnlock"], "mutex profile, ", "mutex");
    titled(&["runtime.unlock"], "mutex profile, ", "mutex");
    titled(
        &["runtime._LostContendedRuntimeLock"],
        "mutex profile, ",
        "mutex",
    );
    titled(&[], "block or mutex profile, ", "block or mutex");
}

#[test]
fn only_profiles_of_the_same_values_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: Vec<u8>| {
        std::fs::write(folder.path().join(name), content).unwrap();
    };
    write("cpu", profile(CPU, &["main.a"]));
    write("cpu2", profile(CPU, &["main.a", "main.b"]));
    write("heap", profile(HEAP, &["main.a"]));
    write("block", profile(BLOCKED, &["runtime.selectgo"]));
    write("mutex", profile(BLOCKED, &["runtime.unlock"]));
    write("none", profile(BLOCKED, &[]));
    let swapped: Vec<_> = HEAP.iter().rev().copied().collect();
    write("allocs", profile(&swapped, &["main.a"]));
    for (file, base, message) in [
        (
            "cpu",
            "heap",
            "cpu is a cpu profile and heap a heap profile: they cannot be compared",
        ),
        (
            "block",
            "mutex",
            "block is a block profile and mutex a mutex profile",
        ),
        (
            "heap",
            "allocs",
            "inuse_space (bytes) of heap and alloc_space (bytes) of allocs",
        ),
    ] {
        for format in ["text", "json"] {
            let output = goward(
                folder.path(),
                &[file, "--base", base, "--output-format", format],
            );
            let errors = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{errors}");
            assert!(errors.contains(message), "{errors}");
            assert!(output.stdout.is_empty());
        }
    }
    let text = |file: &str, base: &str| {
        let output = goward(folder.path(), &[file, "--base", base]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = text("cpu2", "cpu");
    let first =
        "cpu profile, difference to cpu, cpu (nanoseconds), 2 samples, total 10 (5 in cpu)\n";
    assert!(shown.starts_with(first), "{shown}");
    text("none", "mutex");
    let arguments = ["heap", "--base", "allocs", "--sample-type", "inuse_space"];
    assert_eq!(goward(folder.path(), &arguments).status.code(), Some(0));
}
