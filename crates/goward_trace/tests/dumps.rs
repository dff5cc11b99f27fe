//! What the reader makes of the dumps in `tests/dumps`: the program's lines say what is true.

#![expect(clippy::disallowed_methods, reason = "tests read their fixtures")]

use goward_trace::dump::{self, Dump, Kind, Report};

/// The parts of all fixtures: Go version, case, level, text.
fn parts() -> Vec<(String, String, String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dumps");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(version) = name
            .strip_prefix("go")
            .and_then(|name| name.strip_suffix(".txt"))
        else {
            continue;
        };
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        for part in text
            .split("\n-- ")
            .map(|part| part.trim_start_matches("-- "))
        {
            let (title, body) = part.split_once(" --\n").unwrap();
            let (case, level) = title.split_once('.').unwrap();
            found.push((
                version.to_owned(),
                case.to_owned(),
                level.to_owned(),
                format!("{body}\n"),
            ));
        }
    }
    assert!(found.len() > 150, "{}", found.len());
    found
}

fn with<T>(text: &str, look: impl FnOnce(&Report<'_>) -> T) -> T {
    let documents = dump::documents(text, &[]);
    look(&dump::read(&documents))
}

/// `text @ line (in deferred line)` per panic, then the fatal error.
fn summary(report: &Report<'_>, dump: &Dump<'_>) -> String {
    let line = |id: Option<dump::FrameId>| {
        id.map_or("?".to_owned(), |id| report.frame(id).line.to_string())
    };
    let mut said: Vec<String> = dump
        .panics
        .iter()
        .map(|panic| {
            let text = panic
                .text
                .as_deref()
                .unwrap_or("?")
                .replace('\n', "\\n")
                .replace('\t', "\\t");
            let during = panic
                .during
                .map(|id| format!(" in {}", report.frame(id).line))
                .unwrap_or_default();
            let again = panic
                .raised_again_by
                .map(|id| format!(" again {}", report.frame(id).line))
                .unwrap_or_default();
            let recovered = if panic.recovered { " recovered" } else { "" };
            format!(
                "{text}{recovered} @ {}{during}{again}",
                line(panic.raised_by)
            )
        })
        .collect();
    if let Some(fatal) = &dump.fatal {
        said.push(format!("FATAL {} @ {}", fatal.text, line(fatal.raised_by)));
    }
    if !dump.panics.is_empty() && dump.original != Some(0) {
        said.push("original unknown".to_owned());
    }
    said.join("; ")
}

/// What is true of each case, by the lines of `main.go`. Where Go's versions differ, all forms are
/// listed.
const TRUTH: &[(&str, &[&str])] = &[
    ("plain", &["plain @ 68"]),
    (
        "nested2",
        &[
            "runtime error: index out of range [7] with length 1 @ 27; runtime error: invalid memory address or nil pointer dereference @ 22 in 22",
        ],
    ),
    (
        "nested3",
        &["first @ 57; second @ 52 in 52; third @ 48 in 48"],
    ),
    (
        "nested3closures",
        &["a @ 76; b @ 74 in 74; c: b @ 73 in 73"],
    ),
    ("between", &["before @ 83; after swallowing @ 81 in 81"]),
    (
        "recovernew",
        &["original recovered @ 91; wrapped: original @ 88 in 88"],
    ),
    (
        "repanic",
        &[
            "again recovered @ 95 again 94",
            "again recovered @ 95; again @ 94 in 94",
        ],
    ),
    (
        "repanictwice",
        &[
            "again recovered @ 100 again 98",
            "again recovered @ 100; again recovered @ 99 in 99; again @ 98 in 98",
        ],
    ),
    (
        "repanicmiddle",
        &[
            "again recovered @ 105 again 104; last @ 103 in 103",
            "again recovered @ 105; again @ 104 in 104; last @ 103 in 103",
        ],
    ),
    // Go 1.25 claims that this one was recovered, Go 1.26 does not print the second panic at all.
    (
        "samevalue",
        &[
            "shared @ 109 again 108",
            "shared recovered @ 109 again 108",
            "shared @ 109; shared @ 108 in 108",
        ],
    ),
    (
        "samevaluemiddle",
        &[
            "shared @ 114; last @ ?",
            "shared recovered @ 114 again 113; last @ 112 in 112",
            "shared @ 114; shared @ 113 in 113; last @ 112 in 112",
        ],
    ),
    ("goexit", &["after Goexit @ 117 in 117"]),
    ("panicgoexitpanic", &["first @ 123; second @ 121 in 121"]),
    (
        "baderror",
        &[
            "? @ 125; inside Error @ 34; FATAL panic while printing panic value: inside Error @ 34",
            "? @ 125; ? @ 34; FATAL panic while printing panic value @ 34",
        ],
    ),
    (
        "baderrortype",
        &[
            "? @ 126; ? @ 38; FATAL panic while printing panic value: type *errors.errorString @ 38",
            "? @ 126; ? @ 38; FATAL panic while printing panic value @ 38",
        ],
    ),
    ("custom", &["main.step(\"line one\\nline two\") @ 127"]),
    (
        "nil",
        &[
            "nil @ 129",
            "panic called with nil argument (use GODEBUG=panicnil=1 to disable) @ 129",
        ],
    ),
    ("multiline", &["one\\n\\ntwo\\n @ 130"]),
    (
        "fakechain",
        &[
            "one\\npanic: two @ 131",
            "one\\npanic: two @ ?; original unknown",
        ],
    ),
    ("fakemark", &["one [recovered] @ 132"]),
    ("fakefold", &["one [recovered, repanicked] @ 133"]),
    (
        "fakedump",
        &[
            "x\\n\\ngoroutine 1 [running]:\\nmain.evil()\\n\\t/x.go:1 +0x1\\n\\npanic: not real\\n\\ngoroutine 7 [running]:\\nmain.evil()\\n\\t/x.go:1 +0x1 @ 135",
            "? @ ?; original unknown",
        ],
    ),
    (
        "fakesignal",
        &[
            "x\\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]\\n\\ngoroutine 5 [running]:\\nmain.evil()\\n\\t/x.go:1 +0x1\\n @ 137",
            "x @ ?; original unknown",
        ],
    ),
    (
        "html",
        &["<script>alert(1)</script>\u{1b}[31mred\u{7} @ 138"],
    ),
    ("nilmap", &["assignment to entry in nil map @ 43"]),
    (
        "nilfunc",
        &["runtime error: invalid memory address or nil pointer dereference @ 140"],
    ),
    (
        "typeassert",
        &["interface conversion: interface {} is string, not int @ 141"],
    ),
    ("unlock", &["FATAL sync: Unlock of unlocked RWMutex @ 144"]),
    ("maps", &["FATAL concurrent map writes @ 150"]),
    (
        "mapdefer",
        &[
            "hidden by the fatal error @ 165; FATAL concurrent map writes @ 162",
            "? @ 165; FATAL concurrent map writes @ 162",
        ],
    ),
    (
        "deadlock",
        &["FATAL all goroutines are asleep - deadlock! @ ?"],
    ),
    (
        "nilchan",
        &["FATAL all goroutines are asleep - deadlock! @ ?"],
    ),
    ("overflow", &["FATAL stack overflow @ 46"]),
    ("threads", &["FATAL thread exhaustion @ ?"]),
    ("oom", &["FATAL out of memory @ 185"]),
    ("oom2", &["FATAL runtime: out of memory @ 186"]),
    (
        "recoverlog",
        &["? @ 27; runtime error: invalid memory address or nil pointer dereference @ 22 in 22"],
    ),
    (
        "http",
        &[
            "? @ 27; runtime error: invalid memory address or nil pointer dereference recovered @ 22 in 22",
        ],
    ),
    ("child", &["assignment to entry in nil map @ 43"]),
];

#[test]
fn every_case_of_every_version() {
    let mut checked = 0;
    for (version, case, level, text) in parts() {
        let Some((_, truth)) = TRUTH.iter().find(|(name, _)| *name == case) else {
            continue;
        };
        if level == "none" && !text.contains("goroutine 1 [") {
            continue;
        }
        with(&text, |report| {
            let found: Vec<String> = report
                .dumps
                .iter()
                .map(|dump| summary(report, dump))
                .collect();
            let [found] = found.as_slice() else {
                panic!("go{version} {case}.{level}: {found:#?}");
            };
            // The deferred call of `use` is a wrapper at line 26 where it was not inlined.
            let found = found.replace("@ 22 in 26", "@ 22 in 22");
            // Frames inside the value of a fake dump have no stack to check against.
            if case == "fakedump" && level == "none" {
                assert!(found.ends_with("@ ?; original unknown"), "{found}");
                return;
            }
            assert!(
                truth.contains(&found.as_str()),
                "go{version} {case}.{level}\n  is {found}\n  wants {truth:?}"
            );
        });
        checked += 1;
    }
    assert!(checked > 150, "{checked}");
}

#[test]
fn without_a_stack_the_frames_are_unknown() {
    for (version, case, level, text) in parts() {
        if level != "none" || text.contains("goroutine 1 [") {
            continue;
        }
        with(&text, |report| {
            assert_eq!(report.dumps.len(), 1, "go{version} {case}");
            for panic in &report.dumps[0].panics {
                assert_eq!(
                    (panic.raised_by, panic.during),
                    (None, None),
                    "go{version} {case}"
                );
                assert!(panic.unknown.is_some());
            }
        });
    }
}

#[test]
fn goroutines_are_complete() {
    for (version, case, level, text) in parts() {
        if case.starts_with("fake") || level == "crash" || text.contains("stack unavailable") {
            continue;
        }
        // Header lines at the start of a line, less those that are printed twice because their
        // thread was running.
        let ids: std::collections::BTreeSet<&str> = text
            .lines()
            .filter(|line| line.starts_with("goroutine ") && line.ends_with("]:"))
            .map(|line| line.split(' ').nth(1).unwrap())
            .collect();
        with(&text, |report| {
            let read: std::collections::BTreeSet<String> = report
                .dumps
                .iter()
                .flat_map(|dump| &dump.goroutines)
                .map(|goroutine| goroutine.id.to_string())
                .collect();
            assert_eq!(read.len(), ids.len(), "go{version} {case}.{level}");
            let frames = report.calls.len();
            let positions = text
                .lines()
                .filter(|line| {
                    line.starts_with('\t') && line.contains(".go:")
                        || line.starts_with("\t<auto")
                        || line.contains(".s:")
                })
                .count();
            let creators = report
                .dumps
                .iter()
                .flat_map(|dump| &dump.goroutines)
                .filter(|goroutine| goroutine.created_by.is_some())
                .count();
            assert!(
                frames + creators >= positions,
                "go{version} {case}.{level}: {frames} + {creators} < {positions}"
            );
        });
    }
}

#[test]
fn kinds() {
    for (version, case, level, text) in parts() {
        let expected = match case.as_str() {
            "quit" | "abort" => Kind::Signal,
            "listing" => Kind::Listing,
            "stack" | "recoverlog" => Kind::Stack,
            "http" => Kind::Recovered,
            "baderror" | "baderrortype" | "unlock" | "maps" | "mapdefer" | "deadlock"
            | "nilchan" | "overflow" | "threads" | "oom" | "oom2" => Kind::Fatal,
            _ => Kind::Panic,
        };
        with(&text, |report| {
            assert!(
                report.dumps.iter().all(|dump| dump.kind == expected),
                "go{version} {case}.{level}"
            );
        });
    }
}

#[test]
fn the_other_side_of_a_map_access() {
    for (version, case, level, text) in parts() {
        if case != "maps" || level == "none" {
            continue;
        }
        with(&text, |report| {
            let dump = &report.dumps[0];
            let others = dump::access::other_sides(report, dump, &|_| None);
            assert!(!others.is_empty(), "go{version} {level}");
            assert!(
                others
                    .iter()
                    .all(|other| dump.crashed != Some(other.goroutine))
            );
        });
    }
}

#[test]
fn waits_and_who_could_end_them() {
    for (version, case, level, text) in parts() {
        if case != "deadlock" || level != "all" {
            continue;
        }
        with(&text, |report| {
            let dump = &report.dumps[0];
            let waits = dump::wait::Waits::find(report, dump, 0..dump.goroutines.len());
            for index in 0..dump.goroutines.len() {
                let wait = waits.wait(index).expect("both goroutines wait");
                assert_eq!(
                    wait.operation,
                    dump::wait::Operation::MutexLock,
                    "go{version}"
                );
                assert!(
                    waits.wakers(index).is_empty(),
                    "both wait for it, nobody else knows it"
                );
            }
        });
    }
}

const RACE: &str = "==================
WARNING: DATA RACE
Read at 0x00c00007ec30 by goroutine 7:
  runtime.mapaccess1_faststr()
      /opt/go/src/internal/runtime/maps/runtime_faststr.go:101 +0x0
  main.(*cache).add()
      /srv/app/main.go:11 +0x5e

Previous write at 0x00c00007ec30 by main goroutine:
  main.(*cache).add()
      /srv/app/main.go:11 +0x92
  main.main()
      /srv/app/main.go:17 +0x12

Goroutine 7 (running) created at:
  main.main()
      /srv/app/main.go:17 +0xa7
==================
";

#[test]
fn race_reports() {
    with(&format!("{RACE}{RACE}Found 2 data race(s)\n"), |report| {
        assert_eq!(report.dumps.len(), 2);
        let dump = &report.dumps[1];
        assert_eq!((dump.kind, dump.at_line), (Kind::Race, 20));
        let sides: Vec<_> = dump
            .accesses
            .iter()
            .map(|access| {
                (
                    access.operation,
                    access.previous,
                    dump.goroutines[access.goroutine].id,
                )
            })
            .collect();
        assert_eq!(sides, [("Read", false, 7), ("write", true, 1)]);
        assert_eq!(dump.goroutines[0].state, "running");
        assert_eq!(
            report.frame(dump.goroutines[0].created_by.unwrap()).line,
            17
        );
        assert_eq!(report.stack(&dump.goroutines[1]).len(), 2);
    });
}

#[test]
fn several_dumps_in_one_log() {
    let find = |case: &str| {
        parts()
            .into_iter()
            .find(|part| part.0 == "1.26.8" && part.1 == case && part.2 == "all")
            .unwrap()
            .3
    };
    let text = format!(
        "starting\n{}restarting\n{}\n{}exit status 2\n{RACE}",
        find("http"),
        find("nested2"),
        find("maps")
    );
    with(&text, |report| {
        let kinds: Vec<Kind> = report.dumps.iter().map(|dump| dump.kind).collect();
        assert_eq!(
            kinds,
            [Kind::Recovered, Kind::Panic, Kind::Fatal, Kind::Race]
        );
    });
}

/// Each dump comes out the same when a log put something before each line, or put it into JSON.
#[test]
fn carried_by_logs() {
    for (version, case, level, text) in parts() {
        // Lines that net/http logs start with a time themselves.
        if case == "http" || case == "recoverlog" {
            continue;
        }
        let plain = with(&text, |report| {
            report
                .dumps
                .iter()
                .map(|dump| summary(report, dump))
                .collect::<Vec<_>>()
        });
        let each = |wrap: &dyn Fn(usize, &str) -> String| -> String {
            text.lines()
                .enumerate()
                .map(|(number, line)| wrap(number, line) + "\n")
                .collect()
        };
        let escape = |line: &str| {
            line.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\t', "\\t")
                .replace('\u{1b}', "\\u001b")
                .replace('\u{7}', "\\u0007")
        };
        let carried = [
            each(&|number, line| format!("2026-11-23T05:39:01.{number}Z stderr F {line}")),
            each(&|number, line| format!("Nov 23 05:{:02}:01 host app[77]: {line}", number % 60)),
            each(&|_, line| format!("web-1  | {line}")),
            each(&|number, line| {
                format!(
                    "{{\"log\":\"{}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-23T05:39:01.{number}Z\"}}",
                    escape(line)
                )
            }),
            text.replace('\n', "\r\n"),
        ];
        for (form, carried) in carried.iter().enumerate() {
            with(carried, |report| {
                let found: Vec<_> = report
                    .dumps
                    .iter()
                    .map(|dump| summary(report, dump))
                    .collect();
                assert_eq!(
                    found, plain,
                    "go{version} {case}.{level} form {form}\n{carried:.2000}"
                );
            });
        }
        if text.contains("goroutine 1 [") {
            let whole = format!(
                "{{\"level\":\"error\",\"msg\":\"died\",\"stack\":\"{}\"}}\n",
                text.lines()
                    .map(|line| escape(line) + "\\n")
                    .collect::<String>()
            );
            with(&whole, |report| {
                let found: Vec<_> = report
                    .dumps
                    .iter()
                    .map(|dump| summary(report, dump))
                    .collect();
                assert_eq!(found, plain, "go{version} {case}.{level} in JSON");
            });
        }
    }
}

/// Cut and changed dumps: no panic, no hang, and no frame that is not in the text.
#[test]
fn damaged_dumps() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let all: Vec<String> = parts()
        .into_iter()
        .map(|part| part.3)
        .chain([RACE.to_owned()])
        .collect();
    for text in &all {
        for _ in 0..6 {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                match random(5) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes[at] = b"\n\t \":(){}[]\\0gp"[random(15)],
                    2 => {
                        let end = (at + random(200)).min(bytes.len());
                        bytes.drain(at..end);
                    }
                    3 => {
                        let end = (at + random(400)).min(bytes.len());
                        let piece = bytes[at..end].to_vec();
                        let to = random(bytes.len());
                        bytes.splice(to..to, piece);
                    }
                    _ => bytes[at] = u8::try_from(random(256)).unwrap(),
                }
                if bytes.is_empty() {
                    bytes.push(b'p');
                }
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            with(&text, |report| {
                for dump in &report.dumps {
                    assert!(dump.original.is_none_or(|index| index < dump.panics.len()));
                    dump::cluster::clusters(report, dump);
                    dump::wait::Waits::find(report, dump, 0..dump.goroutines.len());
                    dump::access::other_sides(report, dump, &|_| None);
                }
            });
        }
    }
}

/// What net/http logs of a panic is not indented: a value of several lines may look like a stack, and
/// HTTP/2 has words of its own.
#[test]
fn panics_that_servers_recover() {
    let stack = |server: &str| {
        format!(
            "goroutine 26 [running]:\n{server}()\n\t/opt/go/src/net/http/server.go:1 +0x1\npanic({{0x1, 0x2}})\n\t/opt/go/src/runtime/panic.go:860 +0x13a\nmain.handle()\n\t/srv/app/main.go:27 +0x1\ncreated by net/http.(*Server).Serve in goroutine 1\n\t/opt/go/src/net/http/server.go:3516 +0x485\n"
        )
    };
    let http = stack("net/http.(*conn).serve.func1");
    let http2 = stack("net/http.(*http2serverConn).runHandler.func1");
    let time = "2026/11/27 21:24:38";
    let fake = "goroutine 1 [running]:\nmain.x()\n\t/x.go:1 +0x1";
    for (text, wanted) in [
        (
            format!("{time} http2: panic serving 127.0.0.1:60418: boom\n{http2}"),
            "boom recovered @ 27",
        ),
        (
            format!("{time} http: panic serving [::1]:60418: one\ntwo\n\n{fake}\n{http}"),
            "one\\ntwo\\n\\ngoroutine 1 [running]:\\nmain.x()\\n\\t/x.go:1 +0x1 recovered @ 27",
        ),
    ] {
        with(&text, |report| {
            let [dump] = report.dumps.as_slice() else {
                panic!("{:#?}", report.dumps);
            };
            assert_eq!(dump.kind, Kind::Recovered);
            assert_eq!(summary(report, dump), wanted);
        });
    }
}

/// One dump that has to be read from a text, and what is looked for in it.
fn single<T>(text: &str, look: impl FnOnce(&Report<'_>, &Dump<'_>) -> T) -> T {
    with(text, |report| {
        let [dump] = report.dumps.as_slice() else {
            panic!("{:#?}", report.dumps);
        };
        look(report, dump)
    })
}

const ABORT: &str = "libfoo: invariant violated
SIGABRT: abort
PC=0x7fd800420eec m=0 sigcode=18446744073709551610
signal arrived during cgo execution

goroutine 0 gp=0x844c00 m=0 mp=0x845c00 [idle]:
runtime: g 0 gp=0x844c00: unknown pc 0x7f84f9589eec
stack: frame={sp:0x7ffc41a03fb0, fp:0x0} stack=[0x7ffc41205000,0x7ffc41a04370)
                   7 6 5 4  3 2 1 0   f e d c  b a 9 8  0123456789abcdef
00007ffc41a03eb0: 00000000 00000000  00000000 00000000  ................
00007ffc41a03fb0: 00000000 00000000  903dbfce c5ec4800  .........H....=.
                  ^ SP

goroutine 1 gp=0x333a8220c1e0 m=0 mp=0x593200 [running]:
main._Cfunc_callabort()
\t_cgo_gotypes.go:72 +0x3a fp=0x1 sp=0x1 pc=0x4a2fba
main.main()
\t/srv/app/main.go:53 +0x1b fp=0x1 sp=0x1 pc=0x4a267b
";

#[test]
fn a_signal_out_of_c_code() {
    single(ABORT, |report, dump| {
        assert_eq!(dump.kind, Kind::Signal);
        assert_eq!(dump.signal_code, Some(Dump::SENT_BY_ITSELF));
        assert_eq!(dump.notes[0], "libfoo: invariant violated");
        assert!(dump.in_c_code());
        let goroutine = &dump.goroutines[dump.crashed.unwrap()];
        let own = report.own_frame(report.stack(goroutine)).unwrap();
        assert_eq!((goroutine.id, report.frame(own).line), (1, 53));
    });
    // One that was sent by somebody else has no last words.
    let sent = ABORT.replace("18446744073709551610", "0");
    single(&sent, |_, dump| {
        assert!(!dump.notes.contains(&"libfoo: invariant violated"));
    });
}

#[test]
fn the_value_that_a_program_logged_with_a_stack() {
    let stack = "goroutine 20 [running]:\nruntime/debug.Stack()\n\t/opt/go/src/runtime/debug/stack.go:26 +0x5e\nmain.recovered()\n\t/srv/app/main.go:20 +0x1\npanic({0x1, 0x2})\n\t/opt/go/src/runtime/panic.go:860 +0x13a\nmain.main()\n\t/srv/app/main.go:7 +0x1\n";
    let quoted = format!("{stack:?}");
    for (text, wanted) in [
        (
            format!("2026/11/27 21:24:38 panic: boom\n{stack}"),
            "boom @ 7",
        ),
        (format!("panic recovered: boom\n\n{stack}"), "boom @ 7"),
        (
            format!("2026/11/27 21:24:38 [PANIC RECOVER] boom {stack}"),
            "boom @ 7",
        ),
        (format!("2026/11/27 21:24:38 ready\n{stack}"), "? @ 7"),
        (
            format!("2026/11/27 21:24:38 no panic here, as far as anybody can see: no\n{stack}"),
            "? @ 7",
        ),
        (
            format!("{{\"msg\":\"recovered\",\"panic\":\"boom\",\"stack\":{quoted}}}\n"),
            "boom @ 7",
        ),
        (
            format!("level=ERROR msg=recovered panic=boom stack={quoted}\n"),
            "boom @ 7",
        ),
    ] {
        single(&text, |report, dump| {
            assert_eq!(
                (dump.kind, summary(report, dump).as_str()),
                (Kind::Stack, wanted),
                "{text}"
            );
        });
    }
}

#[test]
fn a_goroutine_that_was_not_blocked_may_be_the_other_side() {
    let goroutine = |id: u32, state: &str| {
        format!(
            "\ngoroutine {id} [{state}]:\nmain.churn()\n\t/srv/app/main.go:29 +0x1\ncreated by main.main in goroutine 1\n\t/srv/app/main.go:3 +0x1\n"
        )
    };
    let head = "fatal error: concurrent map read and map write\n\ngoroutine 1 [running]:\ninternal/runtime/maps.fatal({0x1, 0x2})\n\t/opt/go/src/runtime/panic.go:1181 +0x18\nmain.main()\n\t/srv/app/main.go:20 +0x1\n";
    let sides = |text: &str| {
        single(text, |report, dump| {
            dump::access::other_sides(report, dump, &|_| None)
                .iter()
                .map(|side| (dump.goroutines[side.goroutine].id, side.reason))
                .collect::<Vec<_>>()
        })
    };
    let one = format!(
        "{head}{}{}",
        goroutine(8, "chan receive"),
        goroutine(9, "runnable")
    );
    assert_eq!(sides(&one), [(9, dump::access::Reason::NotBlocked)]);
    let many: String = (10..20).map(|id| goroutine(id, "runnable")).collect();
    assert_eq!(sides(&format!("{head}{many}")), []);
}
