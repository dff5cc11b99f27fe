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

/// Runs the command's tests one by one.
pub(crate) fn run(command: &[String]) -> anyhow::Result<ExitCode> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let ["go", "test", rest @ ..] = words.as_slice() else {
        anyhow::bail!("give a `go test` command behind --");
    };
    // Flags without a value, or with it behind =, go to the build; the rest are packages.
    let (flags, mut packages): (Vec<&str>, Vec<&str>) =
        rest.iter().copied().partition(|word| word.starts_with('-'));
    if packages.is_empty() {
        packages.push(".");
    }
    let scratch = tempfile::tempdir()?;
    let listed = go(
        &[
            "list",
            "-f",
            "{{.ImportPath}}\t{{.Dir}}\t{{.Name}}\t{{join .TestGoFiles \",\"}}\t{{join .XTestGoFiles \",\"}}",
        ],
        &packages,
    )?;
    let (mut tests, mut leaks) = (0, 0);
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
        let (ran, found) = one_package(scratch.path(), path, folder, &package, &flags)?;
        tests += ran;
        leaks += found;
    }
    anstream::println!(
        "{tests} test{} run, {leaks} left goroutines behind",
        super::crash_text::plural(tests)
    );
    Ok(ExitCode::from(u8::from(leaks > 0)))
}

fn one_package(
    scratch: &Path,
    path: &str,
    folder: &str,
    package: &str,
    flags: &[&str],
) -> anyhow::Result<(usize, usize)> {
    let added = scratch.join("main.go.txt");
    std::fs::write(&added, test_main(package))?;
    let overlay = scratch.join("overlay.json");
    let replaced = Path::new(folder).join(FILE);
    std::fs::write(
        &overlay,
        serde_json::json!({"Replace": {replaced.display().to_string(): added}}).to_string(),
    )?;
    let binary = scratch.join("tests");
    let mut arguments = vec![
        "test".to_owned(),
        "-c".to_owned(),
        format!("-overlay={}", overlay.display()),
        format!("-o={}", binary.display()),
    ];
    let (for_build, for_run): (Vec<&str>, Vec<&str>) = flags.iter().partition(|flag| {
        let name = flag.trim_start_matches('-').split('=').next().unwrap_or("");
        !matches!(
            name,
            "v" | "run" | "count" | "short" | "timeout" | "parallel" | "failfast" | "json"
        )
    });
    arguments.extend(for_build.iter().map(|flag| (*flag).to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    go(&arguments, &[path])?;
    let chosen = for_run
        .iter()
        .find_map(|flag| flag.trim_start_matches('-').strip_prefix("run="))
        .unwrap_or(".");
    let list = Command::new(&binary)
        .arg("-test.list")
        .arg(chosen)
        .current_dir(folder)
        .output()?;
    let (mut ran, mut found) = (0, 0);
    for name in String::from_utf8_lossy(&list.stdout)
        .lines()
        .filter(|line| line.starts_with("Test"))
    {
        let out = scratch.join("goroutines.txt");
        let _ = std::fs::remove_file(&out);
        let status = Command::new(&binary)
            .arg(format!("-test.run=^{name}$"))
            .arg("-test.timeout=10m")
            .env("GOWARD_LEAKS_OUT", &out)
            .current_dir(folder)
            .output()
            .with_context(|| format!("cannot run the tests of {path}"))?;
        ran += 1;
        let left = left_behind(&out)?;
        if left.is_empty() {
            if !status.status.success() && !out.is_file() {
                anstream::println!(
                    "{} {}: ended with {} before its goroutines could be listed",
                    one_line(path),
                    one_line(name),
                    status.status
                );
            }
            continue;
        }
        found += 1;
        anstream::println!("{} {}", one_line(path), one_line(name));
        for line in left {
            anstream::println!("  {}", one_line(&line));
        }
    }
    Ok((ran, found))
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
