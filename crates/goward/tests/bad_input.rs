//! `goward check` on what no compiler would take: a place and a cause each time, no panic, and no
//! more memory than the input deserves.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start the command, and write what it checks"
)]

use std::path::Path;
use std::process::{Command, Stdio};

/// What a run of goward gave.
struct Run {
    code: Option<i32>,
    /// Findings, then everything else.
    text: String,
    /// Most memory that it had, in MiB; zero where the system does not tell.
    peak: u64,
}

/// Runs `goward check` in a folder, without any Go installation.
fn check(folder: &Path) -> Run {
    let out = tempfile::tempdir().unwrap();
    let file = |name: &str| std::fs::File::create(out.path().join(name)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_goward"))
        .args(["check", "--output-format", "concise", "--no-cache"])
        .env("GOROOT", "off")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file("out"))
        .stderr(file("err"))
        .spawn()
        .unwrap();
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        peak = peak.max(high_water(&status_file).unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(1));
    };
    let text = ["out", "err"].map(|name| std::fs::read(out.path().join(name)).unwrap());
    Run {
        code: status.code(),
        text: String::from_utf8_lossy(&text.concat()).into_owned(),
        peak: peak / 1024,
    }
}

/// What Linux says about the most memory that a process had, in KiB.
fn high_water(status_file: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status_file).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A module with these files, without and with what a test adds to it.
fn module(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("go.mod"), "module m\n\ngo 1.24\n").unwrap();
    for (name, contents) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }
    folder
}

/// Checks a module and compares: the exit code, texts that must be said, and a limit in MiB.
#[track_caller]
fn expect(folder: &Path, code: i32, said: &[&str], limit: u64) {
    let run = check(folder);
    assert_eq!(run.code, Some(code), "{}", run.text);
    for text in said {
        assert!(run.text.contains(text), "{text:?} is not in:\n{}", run.text);
    }
    assert!(!run.text.contains("panicked"), "{}", run.text);
    let hidden = |character: char| character.is_control() && character != '\n';
    assert!(!run.text.contains(hidden), "{:?}", run.text);
    assert!(run.peak <= limit, "{} MiB, more than {limit}", run.peak);
    if cfg!(target_os = "linux") {
        assert!(run.peak > 0, "the memory was never measured");
    }
}

/// What a small program needs, and much room: debug builds keep more.
const SMALL: u64 = 100;

#[test]
fn imports_in_a_circle() {
    let folder = module(&[
        ("a/a.go", b"package a\n\nimport _ \"m/b\"\n"),
        ("b/b.go", b"package b\n\nimport _ \"m/c\"\n"),
        ("c/c.go", b"package c\n\nimport _ \"m/a\"\n"),
        ("self/self.go", b"package self\n\nimport _ \"m/self\"\n"),
    ]);
    let said = [
        "c/c.go:3:10: import cycle not allowed: m/a -> m/b -> m/c -> m/a",
        "self/self.go:3:10: import cycle not allowed: m/self -> m/self",
    ];
    expect(folder.path(), 2, &said, SMALL);
}

#[test]
fn module_files_that_are_wrong() {
    let folder = module(&[
        ("a.go", b"package m\n"),
        (
            "go.mod",
            b"module m\n\ngo 1.24\n\nrequires example.com/x v1.0.0\nfrob (\n\tx\n)\n",
        ),
        ("vendor/modules.txt", b"\x01\x02 nothing\n"),
    ]);
    let said = [
        "go.mod:5:1: unknown directive: requires",
        "go.mod:6:1: unknown directive: frob",
        "vendor/modules.txt:1:1: ",
    ];
    expect(folder.path(), 2, &said, SMALL);

    let folder = module(&[("a.go", b"package m\n"), ("go.work", &random(100_000))]);
    expect(folder.path(), 2, &["go.work:1:1: "], SMALL);

    let folder = module(&[("a.go", b"package m\n"), ("go.mod", &vec![b'x'; 20 << 20])]);
    expect(
        folder.path(),
        2,
        &["go.mod: cannot read it: the file has 20971520 bytes"],
        SMALL,
    );
}

#[test]
fn build_tags_that_contradict_each_other() {
    let never = b"//go:build linux && !linux\n\npackage m\n\nvar X int = \"\"\n";
    let folder = module(&[
        ("never.go", never),
        ("broken.go", b"//go:build (linux\n\npackage m\n"),
        (
            "two.go",
            b"//go:build linux\n//go:build windows\n\npackage m\n",
        ),
        ("name_windows.go", b"//go:build linux\n\npackage m\n"),
        ("a.go", b"package m\n"),
    ]);
    let said = [
        "broken.go:1:1: the file is left out: //go:build: missing close paren",
        "two.go:2:1: the file is left out: multiple //go:build comments",
        "no findings in 1 package",
    ];
    expect(folder.path(), 2, &said, SMALL);

    let folder = module(&[("sub/never.go", never)]);
    expect(
        folder.path(),
        0,
        &["sub: build constraints exclude all Go files for"],
        SMALL,
    );
}

/// Types whose instances ask for ever larger instances.
#[test]
fn generics_that_never_end() {
    let source = "package m

import \"unsafe\"

type T[P any] struct{ f *T[T[P]] }
type W[P any] struct{ w W[*P] }
type V[P any] [1]V[V[P]]
type U[P any] struct{ U[U[P]] }
type L[P any] interface{ M() L[L[P]] }
type A[P any] = B[A[P]]
type B[P any] struct{ a A[P] }
type S[P S[P]] struct{}
type R[P interface{ ~[]P }] []R[P]

func F[P any](p P)                     { F[*P](&p) }
func G[P any](p P)                     { G(struct{ a, b P }{p, p}) }
func H[P interface{ m(P) }](p P)       { H(w) }
func I[P any, Q interface{ *P; m(Q) }]() { I[Q, *Q]() }

var (
	t T[int]
	u U[int]
	v V[int]
	w W[int]
	l L[int]
	_ = t.f.f.f.f.f.f
	_ = u.nothing
	_ = v == v
	_ = w == w
	_ = l.M().M().M().M().M()
)

const size = unsafe.Sizeof(w) + unsafe.Sizeof(v)
";
    let folder = module(&[("a.go", source.as_bytes())]);
    expect(folder.path(), 0, &["no findings in 1 package"], SMALL);
}

#[test]
fn types_and_calls_that_are_nested_deeply() {
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let deep = format!(
        "package m\n\ntype T[P any] struct{{ p P }}\n\nvar x {}\nvar y {}\n\nfunc f[P any](p P) P {{ return p }}\n\nvar z = {}\n",
        nested("T[", "int", "]", 450),
        nested("[]", "int", "", 900),
        nested("f(", "y", ")", 450),
    );
    let folder = module(&[("a.go", deep.as_bytes())]);
    expect(folder.path(), 0, &["no findings in 1 package"], SMALL);

    let too_deep = format!("package m\n\nvar x {}\n", nested("T[", "int", "]", 100_000));
    let folder = module(&[("a.go", too_deep.as_bytes())]);
    expect(
        folder.path(),
        1,
        &["a.go:3:2009: syntax-error: nested too deeply"],
        SMALL,
    );
}

#[test]
fn bytes_that_are_no_text() {
    let folder = module(&[
        ("random.go", &random(1_000_000)),
        (
            "invalid.go",
            b"package m\n\nvar s = \"\xff\xfe\"\nvar \xff int\n",
        ),
        ("zero.go", &[0; 1000]),
    ]);
    let said = [
        "random.go:1:",
        "invalid.go:3:10: syntax-error: illegal UTF-8 encoding",
        "zero.go:1:1: ",
    ];
    expect(folder.path(), 1, &said, SMALL);
}

/// Below the limit for files a parenthesis costs a byte or two; above it a file is not read at all.
#[test]
fn files_that_are_far_too_large() {
    let mut parentheses = b"package m\n\nvar _ = ".to_vec();
    parentheses.resize(31 << 20, b'(');
    let folder = module(&[("a.go", &parentheses)]);
    expect(
        folder.path(),
        1,
        &["a.go:3:1009: syntax-error: nested too deeply"],
        200,
    );

    parentheses.resize(100 << 20, b'(');
    let folder = module(&[("a.go", &parentheses), ("b.go", b"package m\n")]);
    let giga = std::fs::File::create(folder.path().join("giga.go")).unwrap();
    giga.set_len(1 << 30).unwrap();
    let said = [
        "a.go: the file is left out: the file has 104857600 bytes, more than the limit of 33554432",
        "giga.go: the file is left out: the file has 1073741824 bytes, more than the limit of 33554432",
    ];
    expect(folder.path(), 2, &said, SMALL);
}

#[cfg(unix)]
#[test]
fn links_and_folders_that_lead_nowhere() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = module(&[
        ("a.go", b"package m\n"),
        ("sub/b.go", b"package sub\n"),
        ("closed/c.go", b"package closed\n"),
    ]);
    let path = folder.path();
    symlink(path, path.join("sub/up")).unwrap();
    symlink(path.join("loop.go"), path.join("loop.go")).unwrap();
    symlink("missing.go", path.join("dangling.go")).unwrap();
    let closed = path.join("closed");
    let rights = |mode| std::fs::set_permissions(&closed, PermissionsExt::from_mode(mode)).unwrap();
    rights(0);
    // The superuser may read everything.
    let refused = std::fs::read_dir(&closed).is_err();
    let mut said = vec![
        "loop.go: the file is left out: ",
        "dangling.go: the file is left out: ",
    ];
    if refused {
        said.push("closed: the folder is left out: ");
    }
    expect(path, 2, &said, SMALL);
    rights(0o755);
}

/// Bytes without any order, the same in every run.
fn random(length: u32) -> Vec<u8> {
    (0..length)
        .map(|number| (number.wrapping_mul(2_654_435_761).rotate_left(7) >> 13) as u8)
        .collect()
}
