//! `goward check` from the outside: what it prints, writes and exits with.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write files and start the command"
)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// One run of the command.
struct Run {
    code: i32,
    out: String,
    err: String,
}

/// Runs `goward` in a folder.
fn goward(folder: &Path, arguments: &[&str], stdin: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_goward"))
        .args(arguments)
        .current_dir(folder)
        .env(
            "GOWARD_CACHE_DIR",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command may end without reading all of it.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

const GOOD: &str = "package a\n\nfunc f() {}\n";
const BAD: &str = "package a\n\nfunc f( {}\n";

/// A module with these files.
fn module(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("go.mod"),
        "module example.com/a\n\ngo 1.26\n",
    )
    .unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn clean_code_prints_nothing_and_exits_with_0() {
    let folder = module(&[("a.go", GOOD)]);
    for patterns in [&[][..], &["./..."], &["."], &["a.go"]] {
        let run = goward(folder.path(), &[&["check"], patterns].concat(), "");
        assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
        assert!(run.err.contains("no findings"), "{}", run.err);
    }
    let run = goward(folder.path(), &["check", "--quiet"], "");
    assert_eq!(run.err, "");
}

#[test]
fn findings_exit_with_1_unless_told_otherwise() {
    let folder = module(&[("a.go", GOOD), ("sub/b.go", BAD)]);
    let run = goward(folder.path(), &["check", "--output-format", "concise"], "");
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(
        run.out.starts_with("sub/b.go:3:9: syntax-error: "),
        "{}",
        run.out
    );
    assert!(run.err.contains("finding"), "{}", run.err);
    let full = goward(folder.path(), &["check"], "");
    assert!(full.out.contains("--> sub/b.go:3:9\n"), "{}", full.out);
    assert!(!full.out.contains('\x1b'), "{}", full.out);
    let color = goward(folder.path(), &["check", "--color", "always"], "");
    assert!(color.out.contains("\x1b["), "{}", color.out);
    assert_eq!(goward(folder.path(), &["check", "--exit-zero"], "").code, 0);
    let ignored = goward(folder.path(), &["check", "--ignore", "syntax-error"], "");
    assert_eq!((ignored.code, ignored.out.as_str()), (0, ""));
}

#[test]
fn wrong_use_exits_with_2_and_says_what_to_do() {
    let folder = module(&[("a.go", GOOD)]);
    for (arguments, advice) in [
        (&["check", "no/such/folder"][..], "no/such/folder"),
        (
            &["check", "./no/such/folder/..."],
            "there is no such folder",
        ),
        (
            &["check", "--config", "none.toml"],
            "none.toml: cannot read it",
        ),
        (
            &["check", "--select", "sintax-error"],
            "did you mean `syntax-error`?",
        ),
        (&["check", "-"], "--stdin-filename"),
        (&["check", "--stdin-filename", "a.txt"], "*.go"),
        (
            &["check", "--stdin-filename", "a.go", "b.go"],
            "checked alone",
        ),
        (&["check", "--unsafe-fixes"], "--diff"),
        (&["check", "--baseline", "none.json"], "--write-baseline"),
        (&["check", "--baseline", "go.mod"], "is no baseline"),
        (&["check", "--write-baseline"], "--baseline"),
        (&["check", "--no-such-flag"], "--no-such-flag"),
        (&["explain", "sintax-error"], "did you mean `syntax-error`?"),
    ] {
        let run = goward(folder.path(), arguments, "");
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?}");
        assert!(run.err.contains(advice), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn standard_input_stands_in_place_of_a_file() {
    let folder = module(&[("a.go", GOOD)]);
    let format = ["--output-format", "json"];
    let arguments = [&["check", "-", "--stdin-filename", "a.go"], &format[..]].concat();
    let run = goward(folder.path(), &arguments, BAD);
    assert_eq!(run.code, 1, "{}", run.err);
    let findings: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(findings[0]["file"], "a.go");
    assert_eq!(findings[0]["line"], 3);
    let run = goward(folder.path(), &arguments, GOOD);
    assert_eq!((run.code, run.out.as_str()), (0, "[]\n"), "{}", run.err);
    // Fixed text goes to standard output, findings to standard error.
    let fix = ["check", "--stdin-filename", "a.go", "--fix"];
    let run = goward(folder.path(), &fix, BAD);
    assert_eq!((run.code, run.out.as_str()), (1, BAD));
    assert!(run.err.contains("syntax-error"), "{}", run.err);
}

#[test]
fn a_baseline_hides_what_it_knows_even_when_lines_shift() {
    let folder = module(&[("a.go", BAD)]);
    let file = folder.path().join("a.go");
    let baseline = ["check", "--baseline", "known.json"];
    let write = goward(
        folder.path(),
        &[&baseline[..], &["--write-baseline"]].concat(),
        "",
    );
    assert_eq!((write.code, write.out.as_str()), (0, ""), "{}", write.err);
    std::fs::write(&file, BAD.replace("func", "// A comment.\nfunc")).unwrap();
    let run = goward(folder.path(), &baseline, "");
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
    assert!(run.err.contains("known to the baseline"), "{}", run.err);
    std::fs::write(&file, format!("{BAD}\nvar x = = 1\n")).unwrap();
    let run = goward(folder.path(), &baseline, "");
    assert_eq!(run.code, 1, "{}", run.err);
    std::fs::write(&file, GOOD).unwrap();
    let run = goward(folder.path(), &baseline, "");
    assert_eq!(run.code, 0);
    assert!(
        run.err.contains("1 finding of the baseline is gone"),
        "{}",
        run.err
    );
}

#[test]
fn suppressions_are_counted_and_judged() {
    let suppressed = BAD.replace("func", "//goward:ignore syntax-error to be written\nfunc");
    let folder = module(&[("a.go", &suppressed)]);
    let run = goward(folder.path(), &["check"], "");
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
    assert!(run.err.contains("suppressed in the source"), "{}", run.err);
    std::fs::write(
        folder.path().join("a.go"),
        suppressed.replace("f( {", "f() {"),
    )
    .unwrap();
    let run = goward(folder.path(), &["check", "--output-format", "concise"], "");
    assert!(run.out.contains("unused-suppression"), "{}", run.out);
    assert_eq!(run.code, 1);
}

#[test]
fn statistics_count_the_findings_of_each_rule() {
    let folder = module(&[("a.go", BAD), ("b.go", "package a\n\n//goward:ignore\n")]);
    let run = goward(
        folder.path(),
        &["check", "--statistics", "--output-format", "json"],
        "",
    );
    let counts: Value = serde_json::from_str(&run.out).unwrap();
    let rules: Vec<&str> = counts
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["rule"].as_str().unwrap())
        .collect();
    assert!(
        rules.contains(&"syntax-error") && rules.contains(&"bad-suppression"),
        "{}",
        run.out
    );
    let run = goward(folder.path(), &["check", "--statistics"], "");
    assert!(run.out.contains("1  bad-suppression\n"), "{}", run.out);
    assert_eq!(run.code, 1);
}

#[test]
fn findings_go_to_a_file_on_request() {
    let folder = module(&[("a.go", BAD)]);
    let arguments = [
        "check",
        "--output-format",
        "sarif",
        "--output-file",
        "out.sarif",
    ];
    let run = goward(folder.path(), &arguments, "");
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (1, "", ""));
    let log = std::fs::read_to_string(folder.path().join("out.sarif")).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "syntax-error");
}

#[test]
fn rules_are_listed_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let list = goward(folder.path(), &["rules"], "");
    let lines: Vec<&str> = list.out.lines().collect();
    let json = goward(folder.path(), &["rules", "--output-format", "json"], "");
    let rules: Value = serde_json::from_str(&json.out).unwrap();
    let rules = rules.as_array().unwrap();
    assert_eq!(lines.len(), rules.len());
    for (line, rule) in lines.iter().zip(rules) {
        let name = rule["name"].as_str().unwrap();
        assert!(line.starts_with(name), "{line}");
        let text = goward(folder.path(), &["explain", name], "");
        assert_eq!(text.code, 0);
        assert!(text.out.starts_with(&format!("# {name}\n")), "{}", text.out);
        assert!(
            text.out.contains(rule["documentation"].as_str().unwrap()),
            "{}",
            text.out
        );
        let explained = goward(
            folder.path(),
            &["explain", name, "--output-format", "json"],
            "",
        );
        let explained: Value = serde_json::from_str(&explained.out).unwrap();
        assert_eq!(&explained, rule);
    }
    let by_id = goward(
        folder.path(),
        &["explain", "syntax-error@a.go:f#00000000"],
        "",
    );
    assert!(by_id.out.starts_with("# syntax-error\n"), "{}", by_id.err);
}

#[test]
fn every_shell_gets_completions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = goward(folder.path(), &["completions", shell], "");
        assert!(
            run.code == 0 && run.out.contains("output-format"),
            "{shell}: {}",
            run.err
        );
    }
}

#[test]
fn the_documented_configuration_is_understood() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = page
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let legacy = "package a\n\n//goward:ignore\n";
    let folder = module(&[
        ("goward.toml", block),
        ("a.go", legacy),
        ("internal/legacy/b.go", legacy),
        ("third_party/c.go", legacy),
    ]);
    let run = goward(folder.path(), &["check", "--output-format", "concise"], "");
    assert_eq!(run.code, 1, "{}", run.err);
    assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    assert!(
        run.out.starts_with("a.go:3:1: bad-suppression"),
        "{}",
        run.out
    );
}

#[test]
fn what_is_left_out_is_said() {
    let text = "package a\n\nimport \"example.com/none\"\n\nvar X = none.X\n";
    let folder = module(&[("a.go", text)]);
    let run = goward(folder.path(), &["check"], "");
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
    let warning = "goward: warning: a.go:3:8: package example.com/none is not found";
    assert!(run.err.contains(warning), "{}", run.err);
    let run = goward(folder.path(), &["check", "--quiet"], "");
    assert_eq!(run.err, "");
}

#[test]
fn bad_input_ends_in_a_finding_or_an_error_and_never_in_a_panic() {
    let random: Vec<u8> = (0..20_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let folder = module(&[("a.go", ""), ("b.go", &"(".repeat(1_000_000))]);
    std::fs::write(folder.path().join("c.go"), &random).unwrap();
    std::fs::create_dir(folder.path().join("folder.go")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(".", folder.path().join("loop")).unwrap();
        std::os::unix::fs::symlink("missing.go", folder.path().join("dangling.go")).unwrap();
    }
    let run = goward(folder.path(), &["check", "--output-format", "concise"], "");
    assert!(run.code == 1 || run.code == 2, "{}", run.err);
    assert!(!run.err.contains("panicked"), "{}", run.err);
    for file in ["a.go", "b.go", "c.go"] {
        let found = run.out.contains(&format!("{file}:")) || run.err.contains(&format!("{file}:"));
        assert!(found, "{file} is not mentioned:\n{}\n{}", run.out, run.err);
    }
    let hidden = |character: char| character.is_control() && character != '\n';
    assert!(
        !run.out.contains(hidden) && !run.err.contains(hidden),
        "{:?}",
        run.err
    );
}

const FIXABLE: &str =
    "package a\n\nfunc f() {\n\tvar counts map[string]int\n\tcounts[\"a\"] = 1\n}\n";

#[test]
fn nothing_is_fixed_when_a_configuration_does_not_read() {
    for configuration in [
        "exlude = [\"a.go\"]\n",
        "exclude = [\"[a\"]\n",
        "exclude = \n",
    ] {
        let folder = module(&[("a.go", FIXABLE), ("goward.toml", configuration)]);
        for option in ["--fix", "--diff"] {
            let run = goward(folder.path(), &["check", option], "");
            assert_eq!((run.code, run.out.as_str()), (2, ""), "{}", run.err);
            assert!(run.err.contains("goward.toml:1:"), "{}", run.err);
            assert!(run.err.contains("nothing was fixed"), "{}", run.err);
            let text = std::fs::read_to_string(folder.path().join("a.go")).unwrap();
            assert_eq!(text, FIXABLE);
        }
    }
    // The same file is fixed where nothing is wrong.
    let folder = module(&[("a.go", FIXABLE), ("goward.toml", "exclude = [\"b.go\"]\n")]);
    let run = goward(folder.path(), &["check", "--fix"], "");
    assert_eq!(run.code, 0, "{}", run.err);
    let text = std::fs::read_to_string(folder.path().join("a.go")).unwrap();
    assert!(text.contains("make(map[string]int)"), "{text}");
}

/// A module whose two dependencies, one vendored or replaced, are checked with it.
#[test]
fn only_own_files_are_fixed() {
    let main = "package a\n\nimport _ \"example.com/dep\"\n";
    let dep = FIXABLE.replace("package a", "package dep");
    let require = "module example.com/a\n\ngo 1.26\n\nrequire example.com/dep v1.0.0\n";
    let vendored = module(&[
        ("m/main.go", main),
        ("m/a.go", FIXABLE),
        ("m/go.mod", require),
        (
            "m/vendor/modules.txt",
            "# example.com/dep v1.0.0\n## explicit; go 1.26\nexample.com/dep\n",
        ),
        ("m/vendor/example.com/dep/dep.go", &dep),
    ]);
    let replace = format!("{require}\nreplace example.com/dep => ../dep\n");
    let replaced = module(&[
        ("m/main.go", main),
        ("m/a.go", FIXABLE),
        ("m/go.mod", &replace),
        ("dep/go.mod", "module example.com/dep\n\ngo 1.26\n"),
        ("dep/dep.go", &dep),
    ]);
    for (folder, other) in [
        (vendored, "m/vendor/example.com/dep/dep.go"),
        (replaced, "dep/dep.go"),
    ] {
        let own = folder.path().join("m");
        let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
        let found = goward(
            &own,
            &[
                "check",
                "all",
                "--output-format",
                "concise",
                "--select",
                "nil-map-write",
            ],
            "",
        );
        assert!(
            found.out.contains("dep.go:5"),
            "{} {}",
            found.out,
            found.err
        );
        let arguments = ["check", "all", "--select", "nil-map-write"];
        assert!(found.err.contains("; --fix repairs 1\n"), "{}", found.err);
        let diff = goward(&own, &[&arguments[..], &["--diff"]].concat(), "");
        assert!(
            diff.out.contains("+++ b/a.go") && !diff.out.contains("dep.go"),
            "{}",
            diff.out
        );
        assert!(
            diff.err
                .contains("\n1 fix in files that are not yours left alone"),
            "{}",
            diff.err
        );
        let fix = goward(&own, &[&arguments[..], &["--fix"]].concat(), "");
        assert_eq!(fix.code, 1, "{}", fix.err);
        assert!(
            fix.err
                .contains("\n1 fix in files that are not yours left alone"),
            "{}",
            fix.err
        );
        assert_eq!(read(other), dep);
        assert_ne!(read("m/a.go"), FIXABLE);
        // A folder that is named is meant, unless `go` made it.
        let named = format!("../{}", other.rsplit_once('/').unwrap().0);
        let run = goward(&own, &["check", "--fix", &named], "");
        assert_eq!(read(other) == dep, other.contains("vendor"), "{}", run.err);
    }
}

#[test]
fn a_patch_goes_where_it_is_told() {
    let folder = module(&[("a.go", FIXABLE)]);
    let patch = goward(folder.path(), &["check", "--diff"], "");
    let arguments = ["check", "--diff", "--output-file", "fix.patch"];
    let run = goward(folder.path(), &arguments, "");
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    let written = std::fs::read_to_string(folder.path().join("fix.patch")).unwrap();
    assert_eq!(written, patch.out);
    assert!(
        written.starts_with("--- a/a.go\n+++ b/a.go\n@@"),
        "{written}"
    );
}

#[test]
fn reports_for_machines_say_what_went_wrong() {
    let folder = module(&[("a.go", GOOD), ("goward.toml", "exlude = []\n")]);
    for (arguments, message) in [
        (&["./..."][..], "unknown field"),
        (&["--config", "none.toml"], "cannot read it"),
        (&["--select", "nope"], "is no rule"),
        (&["./none/..."], "there is no such folder"),
    ] {
        for (format, expected) in [
            ("junit", "<error type=\"goward\" message="),
            ("github", "::error title=goward::"),
            ("sarif", "\"executionSuccessful\": false"),
        ] {
            let options = ["check", "--output-format", format];
            let run = goward(folder.path(), &[&options, arguments].concat(), "");
            assert_eq!(run.code, 2, "{}", run.err);
            assert!(run.out.contains(expected), "{format}: {}", run.out);
            assert!(run.out.contains(message), "{format}: {}", run.out);
            assert!(!run.out.contains("no findings"), "{format}: {}", run.out);
        }
    }
    let arguments = ["check", "--select", "nope", "--output-format", "junit"];
    let output = ["--output-file", "report.xml"];
    goward(folder.path(), &[&arguments[..], &output].concat(), "");
    let written = std::fs::read_to_string(folder.path().join("report.xml")).unwrap();
    assert!(written.contains("errors=\"1\""), "{written}");
}

#[test]
fn per_file_ignores_take_what_ignore_takes() {
    for (glob, name, left) in [
        ("store/", "nil-map-write", false),
        ("store/", "panic", false),
        ("store/**", "default", false),
        ("/store", "all", false),
        ("store/b.go", "all", false),
        ("b.go", "race", true),
        ("/b.go", "all", true),
        ("other/", "all", true),
    ] {
        let settings = format!("[per-file-ignores]\n\"{glob}\" = [\"{name}\"]\n");
        let folder = module(&[("store/b.go", FIXABLE), ("goward.toml", &settings)]);
        let run = goward(folder.path(), &["check", "--output-format", "concise"], "");
        let found = run.out.contains("store/b.go:5:2: nil-map-write");
        assert_eq!(found, left, "{glob} {name}: {} {}", run.out, run.err);
        assert_eq!(run.code, i32::from(left), "{}", run.err);
    }
}

#[test]
fn unknown_names_in_a_configuration_are_refused_once_with_their_place() {
    for (settings, message) in [
        (
            "select = [\"nope\"]\n",
            "goward.toml:1:11: `nope` is no rule, category or group",
        ),
        (
            "select = [\"all\"]\nignore = [\n  \"nil-map-wriet\",\n]\n",
            "goward.toml:3:3: `nil-map-wriet` is no rule, category or group; did you mean `nil-map-write`?",
        ),
        (
            "[per-file-ignores]\n\"c.go\" = [\"nope\"]\n",
            "goward.toml:2:11: `nope` is no rule",
        ),
    ] {
        let files = [("a.go", GOOD), ("b/b.go", GOOD), ("goward.toml", settings)];
        let folder = module(&files);
        let run = goward(folder.path(), &["check"], "");
        assert_eq!((run.code, run.out.as_str()), (2, ""));
        assert_eq!(run.err.matches(message).count(), 1, "{}", run.err);
    }
    let folder = module(&[("a.go", GOOD)]);
    for (option, message) in [
        (
            "--os=windos",
            "--os: \"windos\" is no operating system of Go; it has aix, ",
        ),
        (
            "--arch=x86",
            "--arch: \"x86\" is no architecture of Go; it has 386, amd64, ",
        ),
    ] {
        let run = goward(folder.path(), &["check", option], "");
        assert_eq!(run.code, 2);
        assert!(run.err.contains(message), "{}", run.err);
    }
    let arguments = ["check", "--config", "select = ['nope']"];
    let run = goward(folder.path(), &arguments, "");
    assert!(run.err.contains("--config:1:11: `nope`"), "{}", run.err);
}

#[test]
fn what_was_asked_for_and_not_checked_is_said() {
    const C: &str = "package a\n\nimport \"C\"\n\nvar X C.int\n";
    let folder = module(&[
        ("a.go", GOOD),
        ("a_plan9.go", GOOD),
        ("c/c.go", C),
        ("both/a.go", GOOD),
        ("both/c.go", C),
    ]);
    let run = goward(
        folder.path(),
        &["check", "--os=linux", "--arch=amd64", "a_plan9.go"],
        "",
    );
    let said = "a_plan9.go: build constraints exclude the file for linux/amd64 (choose another";
    assert!(run.err.contains(said), "{}", run.err);
    let off = ["check", "--config", "build.cgo = false"];
    let run = goward(folder.path(), &[&off[..], &["./c"]].concat(), "");
    assert!(
        run.err.contains(" without cgo (set CGO_ENABLED=1"),
        "{}",
        run.err
    );
    assert!(run.err.ends_with("nothing was checked\n"), "{}", run.err);
    let run = goward(folder.path(), &[&off[..], &["both/c.go"]].concat(), "");
    let said = "both/c.go: the file imports \"C\", and cgo is off (set CGO_ENABLED=1";
    assert!(run.err.contains(said), "{}", run.err);
    let run = goward(folder.path(), &["check", "both/a.go"], "");
    assert!(!run.err.contains("warning"), "{}", run.err);
    let run = goward(folder.path(), &["check", "./none"], "");
    assert!(run.err.ends_with("nothing was checked\n"), "{}", run.err);
}

/// Methods with type parameters of their own came with Go 1.27: their callers are followed, and a
/// module of an earlier version is told.
#[test]
fn generic_methods_are_those_of_go_1_27() {
    let text = "package a

import \"sync\"

type Cache[K comparable] struct {
\tmu sync.Mutex
\tm  map[K]int
}

func (c *Cache[K]) Add[V ~int](k K, v V) {
\tc.mu.Lock()
\tdefer c.mu.Unlock()
\tc.m[k] = int(v)
}

func (c *Cache[K]) Twice[V ~int](k K, v V) {
\tc.mu.Lock()
\tdefer c.mu.Unlock()
\tc.Add(k, v)
}
";
    let folder = module(&[("a.go", text)]);
    let arguments = ["check", "--output-format", "concise"];
    let places = |run: Run| -> Vec<String> {
        let lines = run
            .out
            .lines()
            .map(|line| line.splitn(4, ':').collect::<Vec<_>>());
        lines
            .map(|parts| {
                format!(
                    "{}:{}",
                    parts[1],
                    parts[3].split(':').next().unwrap().trim()
                )
            })
            .collect()
    };
    let early = goward(folder.path(), &arguments, "");
    assert!(
        early
            .out
            .contains("method must have no type parameters before Go 1.27"),
        "{}",
        early.out
    );
    std::fs::write(
        folder.path().join("go.mod"),
        "module example.com/a\n\ngo 1.27\n",
    )
    .unwrap();
    let late = goward(folder.path(), &arguments, "");
    assert_eq!(places(late), ["13:nil-map-write", "19:double-lock"]);
}
