//! What the reader makes of the dumps in the folders of `tests/dumps`, held against the marks in the
//! programs that printed them: a line `// wants CASE: TEXT @line in @line; …` says what is true, and
//! `// :name` at the end of a line names the line.

#![expect(clippy::disallowed_methods, reason = "tests read their fixtures")]

use std::collections::BTreeMap;
use std::path::Path;

use goward_trace::dump::{self, Dump, FrameId, Kind, Report};

/// A program: what is wanted of each case with line numbers for names, and its dumps.
struct Program {
    name: &'static str,
    wants: BTreeMap<String, Vec<String>>,
    /// Case, level, text.
    dumps: Vec<(String, String, String)>,
}

fn program(name: &'static str, source: &str) -> Program {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/dumps")
        .join(name);
    let source = std::fs::read_to_string(folder.join(source)).unwrap();
    let lines: BTreeMap<&str, usize> = source
        .lines()
        .enumerate()
        .filter_map(|(index, line)| Some((line.rsplit_once("// :")?.1, index + 1)))
        .collect();
    let wants = source
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("// wants "))
        .map(|want| {
            let (case, forms) = want.split_once(": ").unwrap();
            let forms = forms.split(" | ").map(|form| with_numbers(form, &lines));
            (case.to_owned(), forms.collect())
        })
        .collect();
    let printed = std::fs::read(folder.join("go1.26.8.txt")).unwrap();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    let dumps = format!("\n{printed}")
        .split("\n-- ")
        .skip(1)
        .map(|part| {
            let (title, text) = part.split_once(" --\n").unwrap();
            let (case, level) = title.split_once('.').unwrap();
            (case.to_owned(), level.to_owned(), format!("{text}\n"))
        })
        .collect();
    Program { name, wants, dumps }
}

/// `boom @raise` becomes `boom @17`.
fn with_numbers(form: &str, lines: &BTreeMap<&str, usize>) -> String {
    let mut text = String::new();
    for (index, part) in form.split(" @").enumerate() {
        if index == 0 {
            text.push_str(part);
            continue;
        }
        let end = part
            .find(|character: char| !character.is_alphanumeric() && character != '?')
            .unwrap_or(part.len());
        let number = match lines.get(&part[..end]) {
            Some(line) => line.to_string(),
            None => {
                let number = &part[..end];
                assert!(number == "?" || number.parse::<u32>().is_ok(), "{form}");
                number.to_owned()
            }
        };
        text.push_str(&format!(" @{number}{}", &part[end..]));
    }
    text
}

fn summary(report: &Report<'_>, dump: &Dump<'_>) -> String {
    let line =
        |id: Option<FrameId>| id.map_or("?".to_owned(), |id| report.frame(id).line.to_string());
    let mut said: Vec<String> = Vec::new();
    for panic in &dump.panics {
        let text = panic.text.as_deref().unwrap_or("?");
        let text = text
            .replace('\n', "\\n")
            .replace('\t', "\\t")
            .replace('\r', "\\r")
            .replace('\0', "\\x00")
            .replace('\u{1b}', "\\x1b");
        let recovered = if panic.recovered { " recovered" } else { "" };
        let mut one = format!("{text}{recovered} @{}", line(panic.raised_by));
        if panic.during.is_some() {
            one.push_str(&format!(" in @{}", line(panic.during)));
        }
        if panic.raised_again_by.is_some() {
            one.push_str(&format!(" again @{}", line(panic.raised_again_by)));
        }
        said.push(one);
    }
    if let Some(fatal) = &dump.fatal {
        said.push(format!("FATAL {} @{}", fatal.text, line(fatal.raised_by)));
    }
    if dump.kind == Kind::Signal {
        said.push(format!("SIGNAL {}", dump.signal.unwrap_or("?")));
    }
    if !dump.panics.is_empty() && dump.original != Some(0) {
        said.push("original unknown".to_owned());
    }
    said.join("; ")
}

fn read<T>(text: &str, look: impl FnOnce(&Report<'_>) -> T) -> T {
    let documents = dump::documents(text, &[]);
    look(&dump::read(&documents))
}

/// Whether a text is as wanted, where `…` stands for anything.
fn fits(found: &str, wanted: &str) -> bool {
    match wanted.split_once('…') {
        Some((start, end)) => found.starts_with(start) && found.ends_with(end),
        None => found == wanted,
    }
}

fn check(program: &Program) {
    let mut wrong = Vec::new();
    for (case, level, text) in &program.dumps {
        let Some(wanted) = program.wants.get(case) else {
            continue;
        };
        let found = read(text, |report| {
            let dumps: Vec<String> = report
                .dumps
                .iter()
                .map(|dump| summary(report, dump))
                .collect();
            dumps.join(" & ")
        });
        if !wanted.iter().any(|wanted| fits(&found, wanted)) {
            wrong.push(format!(
                "{}: {case}.{level}\n    is {found}\n wants {}",
                program.name,
                wanted.join("\n    or ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for case in program.wants.keys() {
        assert!(
            program.dumps.iter().any(|dump| dump.0 == *case),
            "no dump of {case}"
        );
    }
}

#[test]
fn every_marked_case() {
    check(&program("chains", "main.go"));
    check(&program("go_test", "main_test.go"));
    check(&program("cgo", "main.go"));
}

/// Each dump comes out the same when a log put something before each line or put it into a string.
#[test]
fn carried_by_logs() {
    for (case, level, text) in program("chains", "main.go").dumps {
        let summaries = |text: &str| {
            read(text, |report| {
                report
                    .dumps
                    .iter()
                    .map(|dump| summary(report, dump))
                    .collect::<Vec<_>>()
            })
        };
        let plain = summaries(&text);
        let each = |wrap: &dyn Fn(usize, &str) -> String| -> String {
            text.lines()
                .enumerate()
                .map(|(number, line)| wrap(number, line) + "\n")
                .collect()
        };
        let quoted = |text: &str| {
            let text = serde_json::to_string(text).unwrap();
            text[1..text.len() - 1].to_owned()
        };
        let mut forms = vec![
            each(&|number, line| format!("2026-11-23T05:39:01.{number}Z stderr F {line}")),
            each(&|number, line| {
                format!("Nov 23 05:{:02}:01 node-1 shop[77]: {line}", number % 60)
            }),
            each(&|_, line| format!("[pod/shop-7d4b9c-x2x/shop] {line}")),
            each(&|number, line| format!("2026-11-23T05:39:01.{number:09}Z {line}")),
            each(&|_, line| format!("shop-1  | {line}")),
            each(&|number, line| {
                format!(
                    "{{\"log\":\"{}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-23T05:39:01.{number}Z\"}}",
                    quoted(line)
                )
            }),
            each(&|number, line| {
                format!(
                    "{{\"timestamp\":\"2026-11-23T05:39:01.{number}Z\",\"severity\":\"ERROR\",\"message\":\"{}\"}}",
                    quoted(line)
                )
            }),
        ];
        // As `journalctl -o json` and Filebeat write it: each line has a cursor and an offset.
        forms.push(each(&|number, line| {
            format!(
                "{{\"__CURSOR\":\"s=ab12;i={number:x};b=77\",\"_PID\":\"77\",\"MESSAGE\":\"{}\",\"__MONOTONIC_TIMESTAMP\":\"{}\"}}",
                quoted(line),
                4_000_000 + number * 31
            )
        }));
        forms.push(each(&|number, line| {
            format!(
                "{{\"@timestamp\":\"2026-11-23T05:39:01.{number}Z\",\"log\":{{\"offset\":{},\"file\":\"/var/log/shop.log\"}},\"message\":\"{}\",\"kubernetes\":{{\"pod\":{{\"name\":\"shop-1\"}}}}}}",
                number * 117,
                quoted(line)
            )
        }));
        if !text.contains('\r') {
            forms.push(text.replace('\n', "\r\n"));
        }
        if text.contains("\ngoroutine ") {
            forms.push(format!(
                "{{\"level\":\"error\",\"msg\":\"{}\"}}\n",
                quoted(&text)
            ));
        }
        for (number, form) in forms.iter().enumerate() {
            assert_eq!(
                summaries(form),
                plain,
                "{case}.{level} in form {number}\n{form:.1500}"
            );
        }
    }
}

/// Which goroutine panics while it waits in a deferred call.
#[test]
fn panics_under_way_elsewhere() {
    let program = program("chains", "main.go");
    for case in ["hangs", "deadlockdefer"] {
        let (_, _, text) = program.dumps.iter().find(|dump| dump.0 == case).unwrap();
        read(text, |report| {
            let dump = &report.dumps[0];
            let found: Vec<_> = dump
                .goroutines
                .iter()
                .filter(|one| !dump::under_way(report, one).is_empty())
                .collect();
            let [one] = found.as_slice() else {
                panic!("{case}: {found:#?}");
            };
            let panics = dump::under_way(report, one);
            let raised_by = panics[0].raised_by.map(|id| report.frame(id).function);
            assert_eq!((one.id, panics.len()), (1, 1), "{case}");
            assert!(
                raised_by.is_some_and(|function| function.starts_with("main.init.func")),
                "{case}"
            );
        });
    }
}

/// Goroutines that die at the same time print one after the other.
#[test]
fn two_that_die_at_once() {
    let program = program("chains", "main.go");
    for (_, level, text) in program.dumps.iter().filter(|dump| dump.0 == "twodie") {
        let printed = text.matches("panic: goroutine ").count();
        read(text, |report| {
            assert_eq!(report.dumps.len(), printed, "{level}");
            assert!(
                report
                    .dumps
                    .iter()
                    .all(|dump| { dump.original == Some(0) && dump.panics[0].raised_by.is_some() })
            );
        });
    }
}

/// Two processes that write into one structured log, line by line in turn.
#[test]
fn two_pods_in_one_json_log() {
    let program = program("chains", "main.go");
    let (_, _, text) = program
        .dumps
        .iter()
        .find(|dump| dump.0 == "tree" && dump.1 == "system")
        .unwrap();
    let mut log = String::new();
    for (number, line) in text.lines().enumerate() {
        for pod in ["shop-1", "shop-2"] {
            let line = serde_json::to_string(line).unwrap();
            log.push_str(&format!(
                "{{\"ts\":{}.25,\"pod\":\"{pod}\",\"offset\":{},\"msg\":{line}}}\n",
                1_732_000_000 + number,
                log.len()
            ));
        }
    }
    let wanted = read(text, |report| summary(report, &report.dumps[0]));
    read(&log, |report| {
        let found: Vec<String> = report
            .dumps
            .iter()
            .map(|dump| summary(report, dump))
            .collect();
        assert_eq!(found, [wanted.clone(), wanted.clone()]);
    });
}

/// Wherever a dump is cut, what it still says of the original panic is what the whole one says.
#[test]
fn a_cut_never_moves_the_original_panic() {
    let mut checked = 0;
    let mut wrong = Vec::new();
    for (case, level, text) in program("chains", "main.go").dumps {
        let wanted = read(&text, original);
        let Some(wanted) = wanted.filter(|_| !case.starts_with("fake")) else {
            continue;
        };
        // At the end of each line and in the middle of it, alone and with another log line behind.
        for (at, line) in text.lines().scan(0, |at, line| {
            *at += line.len() + 1;
            Some((*at, line))
        }) {
            let mut middle = at - 1 - line.len() / 2;
            while !text.is_char_boundary(middle) {
                middle += 1;
            }
            let digits = line
                .rfind(".go:")
                .map_or(middle, |go| at - 1 - line.len() + go + 5);
            for end in [at, middle, digits] {
                for behind in ["", "\n\n2026/11/23 05:39:01 ready\n"] {
                    let cut = format!("{}{behind}", &text[..end]);
                    let Some(found) = read(&cut, original) else {
                        continue;
                    };
                    // A cut number is not known, unless a line of others makes it look whole.
                    let same_line = found.1 == wanted.1 || found.1 == 0 || !behind.is_empty();
                    if found.0 != wanted.0 || !same_line {
                        wrong.push(format!(
                            "{case}.{level} is {found:?}, wants {wanted:?}:\n{cut}"
                        ));
                    }
                    checked += 1;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 2000, "{checked}");
}

/// The function that raised the original panic, and the line if it is known.
fn original(report: &Report<'_>) -> Option<(String, u32)> {
    let dump = report.dumps.first()?;
    let panic = &dump.panics[dump.original?];
    let frame = report.frame(panic.raised_by?);
    Some((frame.function.to_owned(), frame.line))
}
