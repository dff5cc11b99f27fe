//! `goward leaks test -- go test …`: which goroutines does each test leave behind?
//!
//! Each package's test binary is built with one more file, given to the compiler by `-overlay` so
//! that nothing is written into the source tree. It holds a `TestMain` that prints all goroutines
//! when the tests are over. Then each test runs in a process of its own, and what is still there
//! is what that test left.

#![expect(
    clippy::disallowed_methods,
    reason = "runs the go command that the user gave and reads what it wrote"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;
use goward_trace::dump;
use goward_trace::leaks::from_report;

use super::escape::one_line;
use super::go_test_command::GoTestCommand;

const FILE: &str = "goward_leaks_test.go";

fn test_main(package: &str) -> String {
    format!(
        r#"package {package}

import (
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

func TestMain(m *testing.M) {{
	before := runtime.NumGoroutine()
	code := m.Run()
	// Goroutines that are about to end are given the time to.
	for i := 0; i < 100 && runtime.NumGoroutine() > before; i++ {{
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}}
	if name := os.Getenv("GOWARD_LEAKS_OUT"); name != "" {{
		if file, err := os.Create(name); err == nil {{
			pprof.Lookup("goroutine").WriteTo(file, 2)
			file.Close()
		}}
	}}
	os.Exit(code)
}}
"#
    )
}

/// What came of the tests.
#[derive(Default)]
struct Tally {
    run: usize,
    /// Left goroutines behind.
    leaking: usize,
    /// Failed, or ended the process.
    failed: usize,
    /// Ended the process before its goroutines could be listed.
    not_examined: usize,
}

/// Runs the command's tests one by one. Exit code 1: goroutines are left behind, or tests fail; 2: a
/// test could not be examined.
pub(crate) fn run(command: &[String]) -> anyhow::Result<ExitCode> {
    let command = GoTestCommand::parse(command)?;
    let scratch = tempfile::tempdir()?;
    let mut list = vec![
        "list",
        "-f",
        "{{.ImportPath}}\t{{.Dir}}\t{{.Name}}\t{{join .TestGoFiles \",\"}}\t{{join .XTestGoFiles \",\"}}",
    ];
    list.extend(command.list.iter().map(String::as_str));
    list.push("--");
    let packages: Vec<&str> = command.packages.iter().map(String::as_str).collect();
    let listed = go(&list, &packages)?;
    let mut tally = Tally::default();
    for line in listed.lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [path, folder, name, inside, outside] = parts[..] else {
            continue;
        };
        let files: Vec<&str> = inside
            .split(',')
            .chain(outside.split(','))
            .filter(|file| !file.is_empty())
            .collect();
        if files.is_empty() {
            continue;
        }
        let has_main = files.iter().any(|file| {
            std::fs::read_to_string(Path::new(folder).join(file))
                .is_ok_and(|text| text.contains("func TestMain("))
        });
        if has_main {
            anstream::println!(
                "{}: has a TestMain of its own, not looked at",
                one_line(path)
            );
            continue;
        }
        let package = if inside.is_empty() {
            format!("{name}_test")
        } else {
            name.to_owned()
        };
        one_package(scratch.path(), path, folder, &package, &command, &mut tally)?;
    }
    let mut text = format!(
        "{} test{} run, {} left goroutines behind",
        tally.run,
        super::crash_text::plural(tally.run),
        tally.leaking
    );
    if tally.failed > 0 {
        text.push_str(&format!(", {} failed", tally.failed));
    }
    if tally.not_examined > 0 {
        text.push_str(&format!(", {} could not be examined", tally.not_examined));
    }
    anstream::println!("{text}");
    Ok(ExitCode::from(match tally {
        Tally {
            not_examined: 1.., ..
        } => 2,
        Tally { leaking: 1.., .. } | Tally { failed: 1.., .. } => 1,
        _ => 0,
    }))
}

fn one_package(
    scratch: &Path,
    path: &str,
    folder: &str,
    package: &str,
    command: &GoTestCommand,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let added = scratch.join("main.go.txt");
    std::fs::write(&added, test_main(package))?;
    let overlay = scratch.join("overlay.json");
    let replaced = Path::new(folder).join(FILE);
    std::fs::write(
        &overlay,
        serde_json::json!({"Replace": {replaced.display().to_string(): added}}).to_string(),
    )?;
    let binary = scratch.join("tests");
    let overlay = format!("-overlay={}", overlay.display());
    let output = format!("-o={}", binary.display());
    let mut build = vec!["test", "-c", &overlay, &output];
    build.extend(command.build.iter().map(String::as_str));
    go(&build, &[path])?;
    let (pattern, within) = command.pattern();
    let list = Command::new(&binary)
        .arg("-test.list")
        .arg(pattern)
        .current_dir(folder)
        .output()?;
    for name in String::from_utf8_lossy(&list.stdout)
        .lines()
        .filter(|line| line.starts_with("Test"))
    {
        let out = scratch.join("goroutines.txt");
        let _ = std::fs::remove_file(&out);
        let within = within.map_or_else(String::new, |within| format!("/{within}"));
        let mut test = Command::new(&binary);
        test.arg(format!("-test.run=^{name}${within}"))
            .args(&command.tests)
            .env("GOWARD_LEAKS_OUT", &out)
            .current_dir(folder);
        if !command.timeout {
            test.arg("-test.timeout=10m");
        }
        let output = test
            .args(&command.arguments)
            .output()
            .with_context(|| format!("cannot run the tests of {path}"))?;
        tally.run += 1;
        let listed = out.is_file();
        let left = left_behind(&out)?;
        let title = format!("{} {}", one_line(path), one_line(name));
        if !output.status.success() {
            tally.failed += 1;
            if listed {
                anstream::println!("{title}: failed");
            } else {
                tally.not_examined += 1;
                anstream::println!(
                    "{title}: ended with {} before its goroutines could be listed",
                    output.status
                );
            }
            print_output(&[output.stdout, output.stderr].concat());
        } else if !listed {
            tally.not_examined += 1;
            anstream::println!("{title}: its goroutines could not be listed");
        }
        if left.is_empty() {
            continue;
        }
        tally.leaking += 1;
        anstream::println!("{title}");
        for line in left {
            anstream::println!("  {}", one_line(&line));
        }
    }
    Ok(())
}

/// Shows what a test printed: its beginning and its end, between which a panic can list thousands of
/// goroutines.
fn print_output(text: &[u8]) {
    const EACH: usize = 30;
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let skipped = lines.len().saturating_sub(2 * EACH);
        if skipped > 0 && number == EACH {
            anstream::println!("  … {skipped} more lines");
        }
        if number < EACH || number >= EACH + skipped {
            anstream::println!("  {}", super::escape::terminal(line));
        }
    }
}

/// What a listing has beside the goroutine that wrote it.
fn left_behind(file: &PathBuf) -> anyhow::Result<Vec<String>> {
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let text = std::fs::read(file)?;
    let text = String::from_utf8_lossy(&text);
    let documents = dump::documents(&text, &[]);
    let mut report = dump::read(&documents);
    for dump in &mut report.dumps {
        dump.goroutines
            .retain(|goroutine| goroutine.state != "running");
    }
    let mut lines = Vec::new();
    for dump in &report.dumps {
        for seen in from_report(&report, dump, "").seen {
            // The standard library keeps these for the rest of the process.
            let kept = seen
                .group
                .entry()
                .is_some_and(|site| site.function == "os/signal.loop");
            if kept {
                continue;
            }
            let waits = seen
                .group
                .operation
                .map_or("", |operation| operation.describe());
            let at = seen
                .group
                .blocked_at()
                .map(|site| format!("{} ({}:{})", site.function, site.file, site.line))
                .unwrap_or_default();
            let by = seen
                .created_by
                .map(|site| {
                    format!(
                        ", created by {} ({}:{})",
                        site.function, site.file, site.line
                    )
                })
                .unwrap_or_default();
            lines.push(format!(
                "{} goroutine{} waiting {waits} at {at}{by}",
                seen.count,
                super::crash_text::plural(usize::try_from(seen.count).unwrap_or(2))
            ));
        }
    }
    Ok(lines)
}

fn go(arguments: &[&str], packages: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("go")
        .args(arguments)
        .args(packages)
        .output()
        .context("cannot run go: is it installed?")?;
    anyhow::ensure!(
        output.status.success(),
        "go {} failed:\n{}",
        arguments.first().unwrap_or(&""),
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
