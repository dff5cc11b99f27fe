//! Tests of the full text, as whole pictures.

use super::*;
use crate::{Category, Edit, Safety};

const CACHE: &str = "\
package cache

func (c *Cache) Flush() {
\tc.mu.Lock()
\tdefer delete(c.items, \"größe\")
\tdefer c.mu.Unlock()
}
";

/// The span of the first `needle` in `text`.
fn at(text: &str, needle: &str) -> Span {
    let start = text.find(needle).unwrap() as u32;
    Span::new(start, start + needle.len() as u32)
}

fn finding(file: &str, span: Span, message: &str) -> Diagnostic {
    let (category, severity) = (Category::Race, Severity::Error);
    Diagnostic::new(
        "map-write-in-defer",
        category,
        severity,
        file.into(),
        span,
        message,
    )
}

fn plain(diagnostic: &Diagnostic, files: &[(&str, &[u8])]) -> String {
    let sources = files
        .iter()
        .map(|(path, bytes)| SourceFile::new(*path, *bytes))
        .collect();
    render(diagnostic, &sources, Rendering::default())
}

#[test]
fn the_path_of_evidence_is_numbered_over_several_files() {
    let other = "package cache\n\nfunc serve(c *Cache) {\n\tgo c.Flush()\n}\n";
    let mut diagnostic = finding(
        "cache.go",
        at(CACHE, "delete(c.items, \"größe\")"),
        "c.items is written in a deferred call after c.mu is released",
    )
    .step(
        "serve.go".into(),
        at(other, "go c.Flush()"),
        "started here in a goroutine",
    )
    .step(
        "cache.go".into(),
        at(CACHE, "c.mu.Unlock()"),
        "runs first and releases c.mu",
    )
    .step(
        "cache.go".into(),
        at(CACHE, "delete(c.items, \"größe\")"),
        "runs last, without a lock",
    )
    .help("register the write after `defer c.mu.Unlock()`")
    .fix(Fix {
        safety: Safety::Unsafe,
        message: "unlock last".to_owned(),
        edits: vec![Edit {
            file: "cache.go".into(),
            span: at(CACHE, "\tdefer c.mu.Unlock()\n"),
            replacement: String::new(),
        }],
    });
    diagnostic.id = "map-write-in-defer@cache.go:Cache.Flush#12345678".to_owned();
    let text = plain(
        &diagnostic,
        &[
            ("cache.go", CACHE.as_bytes()),
            ("serve.go", other.as_bytes()),
        ],
    );
    let expected = r#"
error[map-write-in-defer]: c.items is written in a deferred call after c.mu is released
 --> cache.go:5:8
  |
5 |     defer delete(c.items, "größe")
  |           ^^^^^^^^^^^^^^^^^^^^^^^^ 3. runs last, without a lock
6 |     defer c.mu.Unlock()
  |           ------------- 2. runs first and releases c.mu
  |
 ::: serve.go:4:2
  |
4 |     go c.Flush()
  |     ------------ 1. started here in a goroutine
  |
  = help: register the write after `defer c.mu.Unlock()`
  = id: map-write-in-defer@cache.go:Cache.Flush#12345678
help: unsafe fix: unlock last
  |
6 -     defer c.mu.Unlock()
  |
"#;
    assert_eq!(text, expected.trim_start_matches('\n'), "{text}");
}

#[test]
fn wide_characters_and_tabs_keep_the_marks_under_the_text() {
    let text = "package a\n\tx := \"地図\"; m[\"😀\"] = 1\n";
    let drawn = plain(
        &finding("a.go", at(text, "m[\"😀\"]"), "m is nil"),
        &[("a.go", text.as_bytes())],
    );
    let lines: Vec<&str> = drawn.lines().collect();
    assert!(drawn.contains("--> a.go:2:17\n"), "{drawn}");
    // Columns on a terminal: `2 |     x := "` is 14 wide, each ideograph and the emoji 2.
    let marks = lines.iter().find(|line| line.contains('^')).unwrap();
    assert_eq!(
        marks.find('^'),
        Some("2 |     x := \"".len() + 4 + "\"; ".len()),
        "{drawn}"
    );
    assert_eq!(marks.matches('^').count(), "m[\"..\"]".len(), "{drawn}");
}

#[test]
fn nothing_from_the_source_reaches_the_terminal_as_a_command() {
    let text = "package a // \x1b[31m\u{9b}2J\u{202e}\n";
    let span = Span::new(0, 7);
    let mut diagnostic = finding(
        "a\x1b]0;title\x07.go",
        span,
        "evil \x1b[2J name\nsecond line",
    )
    .step("a\x1b]0;title\x07.go".into(), span, "step \x1b[2J")
    .help("help \x1b[2J");
    diagnostic.id = "id \x1b[2J".to_owned();
    diagnostic.fix = Some(Fix {
        safety: Safety::Safe,
        message: "fix \x1b[2J".to_owned(),
        edits: vec![Edit {
            file: diagnostic.file.clone(),
            span,
            replacement: "new \x1b[2J\n".to_owned(),
        }],
    });
    let drawn = plain(&diagnostic, &[("a\x1b]0;title\x07.go", text.as_bytes())]);
    let bad = |character: char| character.is_control() && character != '\n';
    assert!(!drawn.contains(bad), "{drawn:?}");
    assert!(!drawn.contains('\u{202e}'), "{drawn:?}");
}

#[test]
fn long_lines_long_files_and_bad_bytes_stay_small() {
    let mut text = b"package a\n".to_vec();
    text.extend(std::iter::repeat_n(b'(', 3_000_000));
    text.extend(b"\xff\xfehere");
    text.extend(std::iter::repeat_n(b')', 3_000_000));
    text.extend(b"\n");
    text.extend(std::iter::repeat_n(b'\n', 1_000_000));
    text.extend(b"far away");
    let here = Span::new(3_000_010 + 2, 3_000_010 + 6);
    let end = text.len() as u32;
    let diagnostic = finding("a.go", here, "x")
        .step("a.go".into(), Span::new(end - 8, end), "there")
        .step("a.go".into(), Span::new(0, end), "the whole file")
        .step("missing.go".into(), Span::new(3, 4), "not read")
        .step(
            "a.go".into(),
            Span::new(u32::MAX - 1, u32::MAX),
            "past the end",
        );
    let drawn = plain(&diagnostic, &[("a.go", &text)]);
    assert!(drawn.len() < 5_000, "{} bytes", drawn.len());
    assert!(drawn.contains("here"), "{drawn}");
    assert!(drawn.contains("--> a.go:2:3000003\n"), "{drawn}");
    assert!(drawn.contains("far away"), "{drawn}");
    assert!(drawn.contains("missing.go"), "{drawn}");
}

#[test]
fn an_empty_file_and_every_empty_span_can_be_drawn() {
    for text in ["", "\n", "x", "x\r\n"] {
        for offset in 0..=text.len() as u32 {
            let drawn = plain(
                &finding("a.go", Span::at(offset), "odd"),
                &[("a.go", text.as_bytes())],
            );
            assert!(drawn.contains("odd"), "{drawn}");
        }
    }
}

#[test]
fn colours_only_on_request() {
    let diagnostic = finding("cache.go", at(CACHE, "c.mu.Lock()"), "x");
    let sources: Sources = [SourceFile::new("cache.go", CACHE)].into_iter().collect();
    let rendering = Rendering {
        color: true,
        ..Rendering::default()
    };
    assert!(render(&diagnostic, &sources, rendering).contains("\x1b["));
    assert!(!render(&diagnostic, &sources, Rendering::default()).contains('\x1b'));
}

#[test]
fn any_bytes_and_any_spans_can_be_drawn() {
    let mut state = 1u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let pieces: [&[u8]; 12] = [
        b"x := 1",
        b"\n",
        b"\r\n",
        b"\t",
        b"\xff",
        b"\xe5\x9c",
        "地".as_bytes(),
        "😀".as_bytes(),
        b"\x1b[2J",
        b"\0",
        "\u{202e}".as_bytes(),
        "e\u{301}".as_bytes(),
    ];
    for _ in 0..2_000 {
        let mut text = Vec::new();
        for _ in 0..random(12) {
            text.extend_from_slice(pieces[random(12) as usize]);
        }
        let length = text.len() as u64 + 2;
        let mut span = || {
            let (a, b) = (random(length) as u32, random(length) as u32);
            Span::new(a.min(b), a.max(b))
        };
        let (first, second) = (span(), span());
        let edits = [span(), span()].map(|span| Edit {
            file: "a.go".into(),
            span,
            replacement: String::from_utf8_lossy(&text).into_owned(),
        });
        let diagnostic = finding("a.go", first, "odd")
            .step("a.go".into(), second, "step")
            .fix(Fix {
                safety: Safety::Safe,
                message: "change".to_owned(),
                edits: edits.into(),
            });
        let drawn = plain(&diagnostic, &[("a.go", &text)]);
        let bad = |character: char| character.is_control() && character != '\n';
        assert!(!drawn.contains(bad), "{text:?} gives {drawn:?}");
    }
}

/// Edits on one line of text whose bytes are more than its columns.
#[test]
fn several_edits_after_bytes_that_are_no_text() {
    let edit = |start, end| Edit {
        file: "a.go".into(),
        span: Span::new(start, end),
        replacement: String::new(),
    };
    for text in [&b"/\n/"[..], b"/\n/\n]", b"/\n\0\xf3", b"\xff\xe2"] {
        for edits in [
            vec![edit(0, 1), edit(2, 3), edit(4, 4)],
            vec![edit(0, 1), edit(1, 3), edit(3, 4)],
            vec![edit(0, 2), edit(2, 3), edit(3, 4)],
            vec![edit(1, 2), edit(2, 4)],
            vec![edit(0, 3), edit(1, 4)],
        ] {
            let diagnostic = finding("a.go", Span::new(0, 1), "odd").fix(Fix {
                safety: Safety::Safe,
                message: "change".to_owned(),
                edits,
            });
            let drawn = plain(&diagnostic, &[("a.go", text)]);
            assert!(drawn.contains("safe fix: change"), "{drawn:?}");
        }
    }
}
