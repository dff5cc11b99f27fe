//! Dumps in what carries them, and the same dumps taken out.

use super::super::sieve::Sieve;
use super::*;

const DUMP: &str =
    "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/srv/app/main.go:7 +0x1d\n";

/// Puts `before(line number)` on each line and expects the dump to come out unchanged.
fn check_prefix(before: impl Fn(usize) -> String) {
    let wrapped: String = DUMP
        .lines()
        .enumerate()
        .map(|(number, line)| format!("{}{line}\n", before(number)))
        .collect();
    let found = documents(&wrapped, &[]);
    assert!(
        found.iter().any(|document| document.text == DUMP),
        "{wrapped}\n{found:#?}"
    );
}

#[test]
fn prefixes() {
    check_prefix(|n| format!("2026-11-23T05:39:0{n}.12345{n}Z stderr F "));
    check_prefix(|n| {
        format!(
            "2026-11-23T05:39:01.{}Z stderr F ",
            "1234567".repeat(1 + n % 2)
        )
    });
    check_prefix(|n| format!("Nov 23 05:39:0{n} host app[4711]: "));
    check_prefix(|_| "[pod/web-1/app] ".to_owned());
    check_prefix(|_| "web-1  | ".to_owned());
    check_prefix(|n| format!("[    1{n}.345678] app: "));
    check_prefix(|n| format!("1763876341.12345{n} host "));
    check_prefix(|n| format!("E1123 05:39:01.12345{n}   77 main.go:3] "));
    check_prefix(|n| format!("2026-11-23T05:39:0{n}.123Z\t"));
}

#[test]
fn other_encodings() {
    let little: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(DUMP.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let big: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(DUMP.encode_utf16())
        .flat_map(u16::to_be_bytes)
        .collect();
    let marked = format!("\u{feff}{DUMP}").into_bytes();
    for bytes in [little, big, marked] {
        let sieve = Sieve::read(bytes.as_slice(), 0, 1 << 30).unwrap();
        assert_eq!(sieve.text(), DUMP);
    }
}

#[test]
fn colours() {
    let coloured: String = DUMP
        .lines()
        .map(|line| format!("\u{1b}[1;31m{line}\u{1b}[0m\n"))
        .collect();
    assert_eq!(documents(&coloured, &[])[0].text, DUMP);
    // A value's own codes stay where they are.
    let own = DUMP.replace("boom", "\u{1b}[31mboom\u{1b}[0m");
    assert_eq!(documents(&own, &[])[0].text, own);
}

#[test]
fn tabs_that_became_blanks() {
    let two = DUMP.replace("boom\n", "boom\n\tpanic: again\n");
    let blanks = two.replace('\t', "        ");
    assert_eq!(documents(&blanks, &[])[0].text, two);
    let logged: String = blanks
        .lines()
        .map(|line| format!("Nov 23 05:39:01 host app[4711]: {line}\n"))
        .collect();
    let found = documents(&logged, &[]);
    assert!(
        found.iter().any(|document| document.text == two),
        "{found:#?}"
    );
}

/// A value may hold what looks like a goroutine, and its tabs may be lost, too.
#[test]
fn a_prefix_ends_before_the_blanks_of_a_value() {
    let value = "boom\n\tgoroutine 9 [running]:\n\tmain.fake()\n\t\t/x.go:1 +0x1\n";
    let dump = DUMP.replace("boom\n", value);
    for blank in ["\t", "        "] {
        let logged: String = dump
            .lines()
            .map(|line| {
                let line = line.replace('\t', blank);
                format!("Nov 23 05:39:01 host app[4711]: {line}\n")
            })
            .collect();
        let found = documents(&logged, &[]);
        assert!(
            found.iter().any(|document| document.text == dump),
            "{found:#?}"
        );
    }
}

/// Entries of a log as a list with a field a line; braces in the text are no objects.
#[test]
fn json_over_many_lines() {
    let dump = DUMP.replace("main.main()", "main.main({0x1, 0x2})");
    let pretty: String = dump
        .lines()
        .map(|line| {
            let line = line.replace('\t', "\\t");
            format!("  {{\n    \"id\": \"x\",\n    \"textPayload\": \"{line}\",\n    \"severity\": \"INFO\"\n  }},\n")
        })
        .collect();
    let found = documents(&pretty, &[]);
    assert!(
        found.iter().any(|document| document.text == dump),
        "{found:#?}"
    );
}

#[test]
fn json() {
    let escaped = DUMP.replace('\n', "\\n").replace('\t', "\\t");
    for whole in [
        format!("{{\"level\":\"error\",\"stack\":\"{escaped}\"}}\n"),
        format!("time=05:39:01 level=error stack=\"{escaped}\" more=1\n"),
    ] {
        let found = documents(&whole, &[]);
        assert!(
            found.iter().any(|document| document.text == DUMP),
            "{found:#?}"
        );
    }
    let docker: String = DUMP
        .lines()
        .enumerate()
        .map(|(n, line)| format!("{{\"log\":\"{}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-23T05:39:0{n}.1Z\"}}\n", line.replace('\t', "\\t")))
        .collect();
    let found = documents(&docker, &[]);
    assert!(
        found.iter().any(|document| document.text == DUMP),
        "{found:#?}"
    );
}

#[test]
fn the_text_of_a_message_is_no_prefix() {
    let text = "2026/11/23 01:34:04 panic: x\n2026/11/23 01:34:04 more\n";
    assert_eq!(documents(text, &[])[0].text, text);
    let text = "note: goroutine 1 [running]:\nmain.main()\n\tx.go:1\n";
    assert_eq!(documents(text, &[]).len(), 1);
}

#[test]
fn two_pods_in_one_file() {
    let text: String = DUMP
        .lines()
        .flat_map(|line| [format!("a | {line}\n"), format!("b | {line}\n")])
        .collect();
    let found = documents(&text, &[]);
    assert_eq!(
        found
            .iter()
            .filter(|document| document.text == DUMP)
            .count(),
        2
    );
    assert_eq!(found.last().unwrap().file_line(2), 6);
}

#[test]
fn the_sieve_drops_what_has_no_dump() {
    let noise = "nothing of interest in this line\n".repeat(100_000);
    let text = format!("{noise}{DUMP}{noise}");
    let sieve = Sieve::read(text.as_bytes(), 0, 1 << 30).unwrap();
    assert!(sieve.bytes.len() < 3 << 20, "{}", sieve.bytes.len());
    let kept = sieve.text();
    let found = documents(&kept, &sieve.steps);
    let at = kept.lines().position(|line| line == "panic: boom").unwrap();
    assert_eq!(found[0].file_line(u32::try_from(at).unwrap()), 100_001);
}

#[test]
fn escapes() {
    assert_eq!(unescape("a\\u00e9\\x41\\ud83d\\ude00\\q\\\\"), "aéA😀q\\");
}

/// Found by the fuzz target: the string ends inside what looks like a header.
#[test]
fn a_quote_within_a_header() {
    let text = "\"goroutine 1 [\"]:\\";
    assert_eq!(documents(text, &[])[0].text, text);
}

/// Puts a dump into one text and expects it to come out unchanged.
fn check_text(wrapped: &str, dump: &str) {
    let found = documents(wrapped, &[]);
    assert!(
        found.iter().any(|document| document.text == dump),
        "{wrapped}\n{found:#?}"
    );
}

const CHAIN: &str = "panic: one\n\tpanic: two\n";

fn each(dump: &str, wrap: impl Fn(usize, &str) -> String) -> String {
    dump.lines()
        .enumerate()
        .map(|(number, line)| wrap(number, line) + "\n")
        .collect()
}

#[test]
fn numbered_lines() {
    check_prefix(|n| format!("{:6}\t", n + 8));
    check_prefix(|n| format!("app.log:{}:", n + 98));
    check_prefix(|n| format!("<11>1 2026-11-23T05:39:0{n}Z host app 77 - [meta seq=\"{n}\"] "));
}

#[test]
fn lines_in_pieces() {
    let wrapped: String = DUMP
        .lines()
        .flat_map(|line| {
            let mut pieces: Vec<(char, &str)> = (0..line.len().max(1))
                .step_by(5)
                .map(|at| ('P', &line[at..line.len().min(at + 5)]))
                .collect();
            pieces.last_mut().unwrap().0 = 'F';
            pieces
        })
        .map(|(flag, piece)| format!("2026-11-23T05:39:01.5Z stderr {flag} {piece}\n"))
        .collect();
    check_text(&wrapped, DUMP);
    let sieve = Sieve::read(wrapped.as_bytes(), 0, 1 << 30).unwrap();
    check_text(&sieve.text(), DUMP);
}

#[test]
fn fields_of_logfmt() {
    // Quotes stand where they are needed only.
    let wrapped = each(DUMP, |n, line| {
        if line.contains([' ', '\t']) || line.is_empty() {
            format!("time=05:39:0{n} level=ERROR msg={line:?} pid=7")
        } else {
            format!("time=05:39:0{n} level=ERROR msg={line} pid=7")
        }
    });
    check_text(&wrapped, DUMP);
}

#[test]
fn entries_on_one_line() {
    let entries: Vec<String> = DUMP
        .lines()
        .map(|line| format!("{{\"timestamp\":179,\"message\":{line:?}}}"))
        .collect();
    check_text(&format!("{{\"events\":[{}]}}\n", entries.join(",")), DUMP);
}

#[test]
fn a_field_called_log_without_line_ends() {
    check_text(
        &each(DUMP, |_, line| {
            format!("{{\"source\":\"stderr\",\"log\":{line:?}}}")
        }),
        DUMP,
    );
}

#[test]
fn a_chain_without_stacks() {
    check_text(&each(CHAIN, |_, line| format!("web 1: {line}")), CHAIN);
    check_text(
        &each(CHAIN, |_, line| format!("{{\"message\":{line:?}}}")),
        CHAIN,
    );
    check_text(&format!("level=fatal msg={CHAIN:?}\n"), CHAIN);
    // What a program says of itself is no dump.
    let log = "{\"message\":\"panic: one\"}\n{\"message\":\"ready\"}\n";
    assert!(
        documents(log, &[])
            .iter()
            .all(|document| document.text == log)
    );
}

#[test]
fn blanks_and_line_ends() {
    check_text(&each(DUMP, |_, line| format!("{line}   ")), DUMP);
    check_text(&each(DUMP, |_, line| format!("{line}\n")), DUMP);
    // The number of a line is that of the file.
    let doubled = each(DUMP, |_, line| format!("{line}\n"));
    assert_eq!(documents(&doubled, &[])[0].file_line(2), 5);
}

#[test]
fn a_tab_of_a_value_is_no_part_of_a_prefix() {
    let dump = "panic: one\n\tgoroutine 9 [running]:\n\tmain.x()\n\ngoroutine 1 [running]:\nmain.main()\n\t/srv/app/main.go:7 +0x1d\n";
    check_text(&each(dump, |_, line| format!("+{line}")), dump);
}

#[test]
fn a_string_behind_a_prefix_is_taken_out_once() {
    let log = format!("{{\"msg\":{DUMP:?}}}\n");
    let wrapped = each(&format!("{log}{DUMP}"), |n, line| {
        format!("Nov 23 05:39:0{n} host app[4711]: {line}")
    });
    let found = documents(&wrapped, &[]);
    let dumps = found.iter().filter(|document| document.text == DUMP);
    assert_eq!(dumps.count(), 1, "{found:#?}");
}

#[test]
fn races_keep_their_blanks() {
    let race = "==================\nWARNING: DATA RACE\nRead at 0x00c0 by goroutine 9:\n  main.f()\n      /srv/app/main.go:7 +0x1d\n==================\n";
    let text = format!("{race}{DUMP}");
    check_text(&text.replace('\t', "    "), &text);
}

/// Many hits on one line: going through the line for each would take minutes.
#[test]
fn long_lines_with_many_hits_take_no_square_time() {
    let start = std::time::Instant::now();
    for hit in [
        "goroutine 1 [running]:\\nx",
        "goroutine 1 [run ",
        "{\"m\":\"panic: a\"}",
        "\"panic: a\\n\\tpanic: b\"",
    ] {
        let text = hit.repeat(20_000);
        assert!(!documents(&text, &[]).is_empty());
    }
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}
