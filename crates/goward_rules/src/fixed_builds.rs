//! In the slow suite, every test text with a fix is fixed until nothing changes and built with the
//! real Go: a fix that does not compile is worse than none.
//!
//! `cargo xtask test --slow` sets the variable that turns this on.

#![expect(
    clippy::disallowed_methods,
    reason = "a test writes files and starts Go"
)]

use std::process::Command;

use goward_diagnostics::{Diagnostic, Fix, Safety, SourceFile, Sources, apply_fixes};

/// Set to anything to build.
const VARIABLE: &str = "GOWARD_BUILD_FIXES";

/// Fixes after which one that still changes something goes in circles.
const MOST_ROUNDS: usize = 20;

/// Panics if the fixes of `found` leave something that Go does not build. `findings` finds what is
/// left after a round of them.
#[track_caller]
pub(crate) fn check(
    sources: &Sources,
    found: &[Diagnostic],
    findings: impl Fn(&Sources) -> Vec<Diagnostic>,
) {
    let fixes: Vec<Fix> = applicable(found);
    if fixes.is_empty() || std::env::var_os(VARIABLE).is_none() {
        return;
    }
    let rules: Vec<_> = found.iter().map(|finding| finding.rule.clone()).collect();
    let mut fixed = sources.clone();
    let mut fixes = fixes;
    let mut rounds = 0;
    loop {
        let applied = apply_fixes(&fixed, &fixes);
        if applied.files.is_empty() {
            break;
        }
        for (file, text) in applied.files {
            fixed.insert(SourceFile::new(file, text));
        }
        rounds += 1;
        assert!(
            rounds < MOST_ROUNDS,
            "the fixes go in circles:\n{}",
            text(&fixed)
        );
        let mut left = findings(&fixed);
        left.retain(|finding| rules.contains(&finding.rule));
        fixes = applicable(&left);
    }
    if let Err(cause) = build(&fixed) {
        match build(sources) {
            Ok(()) => panic!(
                "after its fixes this does not build:\n{}\n{cause}",
                text(&fixed)
            ),
            Err(cause) => panic!("this does not build:\n{}\n{cause}", text(sources)),
        }
    }
}

fn applicable(found: &[Diagnostic]) -> Vec<Fix> {
    let fixes = found.iter().filter_map(|finding| finding.fix.clone());
    fixes
        .filter(|fix| fix.safety != Safety::DisplayOnly)
        .collect()
}

fn text(sources: &Sources) -> String {
    let file = |file: &SourceFile| {
        let text = String::from_utf8_lossy(file.bytes()).into_owned();
        format!("-- {} --\n{text}", file.path())
    };
    sources.iter().map(|source| file(source)).collect()
}

/// Builds a module of these files, tests included.
fn build(sources: &Sources) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        let parent = path.parent().unwrap_or(folder.path());
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, bytes))
            .map_err(|error| error.to_string())
    };
    if sources.get("go.mod").is_none() {
        write("go.mod", b"module example.com/app\n\ngo 1.25\n")?;
    }
    for source in sources.iter() {
        write(source.path(), source.bytes())?;
    }
    let output = Command::new("go")
        .args(["test", "-run", "^$", "-vet", "off", "./..."])
        .current_dir(folder.path())
        .env("GOWORK", "off")
        .env("GOTOOLCHAIN", "local")
        .output()
        .map_err(|error| format!("cannot start go: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout)),
    }
}
