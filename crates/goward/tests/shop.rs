//! The example service: what `goward check examples/shop` finds is what its marks say.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read files and start the command"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use goward_diagnostics::{Category, Diagnostic, LineColumn, Severity, SourceFile, Sources, Span};
use serde_json::Value;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The Go files of the example by the path that findings name.
fn sources() -> Sources {
    let mut sources = Sources::new();
    let mut folders = vec![workspace().join("examples/shop")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "go") {
                let text = std::fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(workspace()).unwrap().to_str().unwrap();
                sources.insert(SourceFile::new(name, text));
            }
        }
    }
    sources
}

#[test]
fn findings_agree_with_the_marks() {
    let output = Command::new(env!("CARGO_BIN_EXE_goward"))
        .env(
            "GOWARD_CACHE_DIR",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
        )
        .args([
            "check",
            "examples/shop",
            "--output-format",
            "json",
            "--no-cache",
        ])
        .current_dir(workspace())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{errors}");
    let sources = sources();
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let diagnostics: Vec<Diagnostic> = findings
        .iter()
        .map(|finding| {
            let text = |field: &str| finding[field].as_str().unwrap().to_owned();
            let line = finding["line"].as_u64().unwrap() as u32;
            let source = sources
                .get(&text("file"))
                .expect("a finding outside of the example");
            let start = source
                .lines()
                .offset(LineColumn { line, column: 1 })
                .unwrap();
            let (category, severity) = (Category::Panic, Severity::Error);
            let file = source.path().clone();
            let span = Span::at(start);
            Diagnostic::new(
                text("rule"),
                category,
                severity,
                file,
                span,
                text("message"),
            )
        })
        .collect();
    if let Err(differences) = goward_diagnostics::check_wants(&sources, &diagnostics) {
        panic!("\n{differences}");
    }
}
