//! Any bytes as a Go file: goward accepts what go/parser accepts. go/parser runs in a process of
//! its own, for which this target builds `xtask/go/oracle_parse`; it needs Go on PATH.

#![no_main]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use goward_syntax::{Mode, parse};
use libfuzzer_sys::fuzz_target;

static SERVER: LazyLock<Mutex<Child>> = LazyLock::new(|| {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binary = fuzz.join("target/oracle_parse");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&binary)
        .arg(".")
        .current_dir(fuzz.join("../xtask/go/oracle_parse"))
        .status()
        .expect("Go is on PATH");
    assert!(built.success());
    Mutex::new(
        Command::new(binary)
            .arg("-serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("go/parser starts"),
    )
});

/// Whether go/parser accepts `source`.
fn accepted_by_go(source: &[u8]) -> bool {
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let input = server.stdin.as_mut().expect("an input pipe");
    let mut message = (source.len() as u32).to_le_bytes().to_vec();
    message.extend_from_slice(source);
    input.write_all(&message).expect("go/parser reads");
    let mut answer = [0];
    let output = server.stdout.as_mut().expect("an output pipe");
    output.read_exact(&mut answer).expect("go/parser answers");
    answer[0] == 1
}

fuzz_target!(|source: &[u8]| {
    let tree = parse(source, Mode::Full);
    // The limit of nesting is lower here.
    let too_deep = |diagnostic: &goward_syntax::SyntaxDiagnostic| {
        diagnostic.message.contains("nested too deeply")
    };
    if !tree.diagnostics().iter().any(too_deep) {
        assert_eq!(tree.diagnostics().is_empty(), accepted_by_go(source));
    }
});
