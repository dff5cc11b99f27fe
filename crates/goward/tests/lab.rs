//! Runs `goward lab` as a user does. What needs a Go toolchain is skipped, and says so, where there is
//! none; what takes minutes is ignored by default and run by `cargo xtask test --slow`.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the program and write its input"
)]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

fn goward(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goward"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output of a run that must succeed.
fn successful(arguments: &[&str]) -> String {
    let output = goward(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Standard error of a run that must end with exit code 2.
fn failing(arguments: &[&str]) -> String {
    let output = goward(arguments);
    assert_eq!(
        output.status.code(),
        Some(2),
        "{arguments:?}: {}",
        text(&output.stdout)
    );
    text(&output.stderr)
}

fn has_go() -> bool {
    Command::new("go")
        .arg("version")
        .output()
        .is_ok_and(|output| output.status.success())
}

#[test]
fn list_and_show() {
    let list = successful(&["lab", "list"]);
    assert!(
        list.contains("nil_write") && list.contains("concurrent_read_write_small"),
        "{list}"
    );
    let json: Value = serde_json::from_str(&successful(&["lab", "list", "--json"])).unwrap();
    assert!(json.as_array().unwrap().len() > 100);
    let shown = successful(&["lab", "show", "nil_write"]);
    assert!(shown.contains("m[\"a\"] = 1"), "{shown}");
    assert!(
        shown.contains("panic: assignment to entry in nil map"),
        "{shown}"
    );
    assert!(failing(&["lab", "show", "nil_wriet"]).contains("is it nil_write"));
}

#[test]
fn run_measures_what_go_does() {
    if !has_go() {
        eprintln!("skipped: no go on PATH");
        return;
    }
    let names = [
        "nil_write",
        "nil_read",
        "compile_unhashable_key_type",
        "defer_nil_func_from_map",
        "goexit_main",
    ];
    let mut arguments = vec!["lab", "run", "--output-format", "json"];
    arguments.extend(names);
    let json: Value = serde_json::from_str(&successful(&arguments)).unwrap();
    let of = |name: &str| {
        json["toolchains"][0]["scenarios"]
            .as_array()
            .unwrap()
            .iter()
            .find(|scenario| scenario["name"] == name)
            .unwrap_or_else(|| panic!("{name} is missing"))
            .clone()
    };
    let write = of("nil_write");
    assert_eq!(
        write["messages"][0],
        "panic: assignment to entry in nil map"
    );
    assert_eq!(write["exit_code"], 2);
    assert_eq!(write["recoverable"], true);
    assert_eq!(write["detected"], "run");
    assert_eq!(write["stacks_printed"][0]["entry"], "main.main");
    let read = of("nil_read");
    assert_eq!(read["exit_code"], 0);
    assert!(read["detected"].is_null() && read["recoverable"].is_null());
    assert_eq!(of("compile_unhashable_key_type")["detected"], "compile");
    assert_eq!(of("defer_nil_func_from_map")["detected"], "exit");
    assert_eq!(of("goexit_main")["recoverable"], false);
}

#[test]
fn bad_input_is_named() {
    assert!(
        failing(&["lab", "run", "nosuch"])
            .contains("no scenario and no group is called \"nosuch\"")
    );
    assert!(
        failing(&["lab", "run", "--go", "/no/such/go"]).contains("there is no program /no/such/go")
    );
    assert!(
        failing(&["lab", "run", "--read", "/no/such/file"]).contains("cannot read /no/such/file")
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.json");
    fs::write(&file, "{\"schema\":").unwrap();
    assert!(
        failing(&["lab", "run", "--read", file.to_str().unwrap()])
            .contains("is not the JSON output")
    );
    fs::write(&file, "{\"schema\":99,\"times\":1,\"toolchains\":[]}").unwrap();
    assert!(failing(&["lab", "run", "--read", file.to_str().unwrap()]).contains("schema 99"));
}

#[cfg(unix)]
#[test]
fn toolchains_that_are_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let fake = |name: &str, script: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let old = fake("old", "printf 'go1.16.5\\nlinux\\namd64\\n1\\ngcc\\n'");
    assert!(failing(&["lab", "run", "--go", &old]).contains("go1.16.5 is too old"));
    let other = fake("other", "echo hello");
    assert!(failing(&["lab", "run", "--go", &other]).contains("does not print what Go prints"));
    let broken = fake("broken", "echo 'bad \u{1b}[31mthing' >&2; exit 7");
    let said = failing(&["lab", "run", "--go", &broken]);
    assert!(
        said.contains("exit code 7") && !said.contains('\u{1b}'),
        "{said}"
    );
    // Without any Go on PATH.
    let output = Command::new(env!("CARGO_BIN_EXE_goward"))
        .args(["lab", "run"])
        .env("PATH", folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("install Go 1.21 or later"),
        "{}",
        text(&output.stderr)
    );
}

/// A toolchain whose programs are shell scripts: one hangs, one is killed, one is well.
#[cfg(unix)]
#[test]
fn a_scenario_that_hangs_or_is_killed_does_not_stop_the_rest() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let script = r#"#!/bin/sh
if [ "$1" = env ]; then printf 'go1.26.8\nlinux\namd64\n0\ncc\n'; exit 0; fi
while [ $# -gt 0 ]; do
    case "$1" in
    -o) out=$2; shift ;;
    ./*)
        name=${1##*/}
        case "$name" in
        nil_read) body='echo half; sleep 60' ;;
        nil_len) body='kill -9 $$' ;;
        nil_range) body='printf "done \033[2J\n"' ;;
        esac
        printf '#!/bin/sh\n%s\n' "$body" > "$out/$name"
        chmod +x "$out/$name"
        ;;
    esac
    shift
done
"#;
    fs::write(&go, script).unwrap();
    fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).unwrap();
    let common = [
        "lab",
        "run",
        "nil_read",
        "nil_len",
        "nil_range",
        "--time-limit",
        "1",
        "--go",
        go.to_str().unwrap(),
    ];
    let json: Value = serde_json::from_str(&successful(
        &[&common[..], &["--output-format", "json"]].concat(),
    ))
    .unwrap();
    let scenarios = json["toolchains"][0]["scenarios"].as_array().unwrap();
    let reason = |index: usize| {
        scenarios[index]["not_measured"]
            .as_str()
            .unwrap_or("measured")
            .to_owned()
    };
    assert_eq!(reason(0), "it reached the time limit");
    assert!(reason(1).contains("killed"), "{}", reason(1));
    assert_eq!(reason(2), "measured");
    let table = successful(&common);
    assert!(
        table.contains("not measured") && table.contains("it reached the time limit"),
        "{table}"
    );
    assert!(
        !table.contains("\u{1b}[2J"),
        "an escape sequence of a program reached the terminal"
    );
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written() {
    if !has_go() {
        eprintln!("skipped: no go on PATH");
        return;
    }
    // Root may write anywhere but not into what is no folder.
    let said = failing(&["lab", "run", "nil_read", "--work-dir", "/dev/null"]);
    assert!(said.contains("cannot write into /dev/null"), "{said}");
}

#[test]
fn pages_made_of_the_committed_results_are_up_to_date() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let results = format!("{root}/scenarios/RESULTS.json");
    for (format, page) in [
        ("markdown", "scenarios/RESULTS.md"),
        ("claims", "docs/refuted-claims.md"),
    ] {
        let made = successful(&["lab", "run", "--read", &results, "--output-format", format]);
        let committed = fs::read_to_string(format!("{root}/{page}")).unwrap();
        assert!(
            made == committed,
            "{page} is not what `goward lab run --read scenarios/RESULTS.json --output-format {format}` prints"
        );
    }
}

#[test]
fn asm_names_the_runtime_functions() {
    if !has_go() {
        eprintln!("skipped: no go on PATH");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("main.go");
    fs::write(
        &file,
        "package main\n\ntype key struct{ a, b int }\n\n\
         func f(m map[string]int, n map[int32][]byte, s map[key]bool, k string) int {\n\
         \tm[k]++ // want update mapassign_faststr merged\n\
         \tn[1] = append(n[1], 2) // want append mapassign_fast32 merged\n\
         \tdelete(s, key{1, 2}) // want delete mapdelete call\n\
         \t_, ok := s[key{}] // want read with ok mapaccess2 call\n\
         \tfor k := range n { // want range mapclear mapclear\n\t\tdelete(n, k)\n\t}\n\
         \tif ok {\n\t\treturn len(m) // want len - inlined\n\t}\n\
         \treturn m[\"x\"] // want read mapaccess1_faststr call\n}\n\n\
         func main() { println(f(nil, nil, nil, \"\")) }\n",
    )
    .unwrap();
    for architecture in ["amd64", "arm64"] {
        if architecture
            != std::env::consts::ARCH
                .replace("x86_64", "amd64")
                .replace("aarch64", "arm64")
        {
            continue; // compiling the runtime for another architecture takes half a minute
        }
        let json: Value = serde_json::from_str(&successful(&[
            "lab",
            "asm",
            file.to_str().unwrap(),
            "--output-format",
            "json",
            "--arch",
            architecture,
        ]))
        .unwrap();
        let operations = json["architectures"][0]["operations"]
            .as_array()
            .unwrap()
            .clone();
        let source = fs::read_to_string(&file).unwrap();
        let mut wanted = 0;
        for (number, line) in source.lines().enumerate() {
            let Some((_, want)) = line.split_once("// want ") else {
                continue;
            };
            wanted += 1;
            let operation = operations
                .iter()
                .find(|operation| operation["line"] == number + 1)
                .unwrap_or_else(|| panic!("nothing on line {}: {line}", number + 1));
            let runtime: Vec<&str> = operation["runtime"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap().trim_start_matches("runtime."))
                .collect();
            let called = if runtime.is_empty() {
                "-".to_owned()
            } else {
                runtime.join(" ")
            };
            let seen = format!(
                "{} {called} {}",
                operation["operation"].as_str().unwrap(),
                operation["treatment"].as_str().unwrap()
            );
            assert_eq!(seen, want, "line {}", number + 1);
        }
        assert_eq!(wanted, operations.len());
        let checks = &json["architectures"][0]["runtime"]["runtime.mapassign_faststr"]["checks"];
        let effects: Vec<&str> = checks
            .as_array()
            .unwrap()
            .iter()
            .map(|check| check["effect"].as_str().unwrap())
            .collect();
        assert!(
            effects.contains(&"panic: assignment to entry in nil map"),
            "{effects:?}"
        );
        assert!(
            effects.contains(&"fatal error: concurrent map writes"),
            "{effects:?}"
        );
    }
}

/// Takes minutes: every scenario, against the committed results.
#[test]
#[ignore = "takes minutes; run by cargo xtask test --slow"]
fn go_does_what_the_committed_results_say() {
    assert!(has_go(), "the slow tests need Go");
    let output = goward(&[
        "lab",
        "run",
        "--times",
        "40",
        "--check",
        "--output-format",
        "json",
    ]);
    let json: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    let measured = json["toolchains"][0]["scenarios"].as_array().unwrap();
    let missing: Vec<&Value> = measured
        .iter()
        .filter(|scenario| !scenario["not_measured"].is_null())
        .collect();
    assert!(missing.is_empty(), "not measured: {missing:?}");
    let committed: Value = serde_json::from_str(
        &fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../scenarios/RESULTS.json"
        ))
        .unwrap(),
    )
    .unwrap();
    assert_eq!(
        measured.len(),
        committed["toolchains"][0]["scenarios"]
            .as_array()
            .unwrap()
            .len(),
        "RESULTS.json lacks scenarios"
    );
    if json["toolchains"][0]["version"] != committed["toolchains"][0]["version"] {
        eprintln!("skipped: the committed results are of another Go");
        return;
    }
    let differences = json["comparisons"][0]["differences"].as_array().unwrap();
    assert!(
        differences.is_empty(),
        "{}",
        serde_json::to_string_pretty(differences).unwrap()
    );
    assert_eq!(output.status.code(), Some(0));
}
