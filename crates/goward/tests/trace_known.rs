//! What `goward trace` says about programs whose exceptions are known (`xtask/go/traceknown`).

#![expect(
    clippy::disallowed_methods,
    reason = "the tests run the command on the traces of known programs"
)]

use std::process::Command;

fn goward(name: &str, arguments: &[&str]) -> (i32, String) {
    let trace = format!(
        "{}/../goward_trace/tests/traces/known/{name}.trace",
        env!("CARGO_MANIFEST_DIR")
    );
    let output = Command::new(env!("CARGO_BIN_EXE_goward"))
        .args(["trace", &trace])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text)
}

/// A text without its times and the numbers of goroutines, which differ from run to run.
fn without_numbers(text: &str) -> String {
    let mut kept = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let number = word.trim_start_matches('+').parse::<f64>().is_ok();
        let unit = words.peek().is_some_and(|next| {
            ["ns", "µs", "ms", "s"].contains(&next.trim_end_matches([':', ',']))
        });
        if number && unit {
            let unit = words.next().unwrap_or_default();
            kept.push(format!("T{}", unit.trim_start_matches(char::is_alphabetic)));
        } else if kept.last().is_some_and(|last| last == "goroutine") {
            kept.push("N".to_owned());
        } else {
            kept.push(word.to_owned());
        }
    }
    kept.join(" ")
}

/// The exit code, and all that is said about exceptions: the list, then each with its path.
fn check(name: &str, code: i32, expected: &[&str]) {
    let (found_code, text) = goward(name, &[]);
    let exceptions = match text.split_once("\nexceptions\n") {
        Some((_, exceptions)) => exceptions.lines().map(without_numbers).collect(),
        None => Vec::new(),
    };
    let found: Vec<&str> = exceptions
        .iter()
        .map(String::as_str)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(found, expected, "{name}: {text}");
    assert_eq!(found_code, code, "{name}");
}

#[test]
fn who_cancelled_and_whom_it_hit() {
    check(
        "plainCancel",
        0,
        &[
            "1 cancel, cancelled by main.giveUp (main.go:42)",
            "cancel in goroutine N main.canceller at T",
            "origin main.giveUp (main.go:42)",
            "woke goroutine N main.victim, which had waited T (chan receive)",
            "woke goroutine N main.victim, which had waited T (chan receive)",
            "woke goroutine N main.victim, which had waited T (chan receive)",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
}

#[test]
fn cancellations_by_a_closure_a_deadline_a_group_and_a_recorded_one() {
    check(
        "nestedCancel",
        0,
        &[
            "1 cancel, cancelled by main.nestedCancel.func2 (main.go:72)",
            "cancel in goroutine N main.nestedCancel.func2 at T",
            "origin main.nestedCancel.func2 (main.go:72)",
            "woke goroutine N main.nestedCancel.func1, which had waited T (select)",
            "woke goroutine N main.nestedCancel.func1, which had waited T (select)",
            "woke goroutine N main.nestedCancel.func1, which had waited T (select)",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
    check(
        "timeout",
        0,
        &[
            "1 cancel, cancelled by its deadline",
            "cancel in goroutine N context.WithDeadlineCause.func2 at T",
            "origin the context's deadline passed",
            "woke goroutine N main.victim, which had waited T (chan receive)",
            "because goroutine N created at T",
        ],
    );
    check(
        "chain",
        0,
        &[
            "1 cancel, cancelled by main.chain.func1 (main.go:175)",
            "cancel in goroutine N main.chain.func1 at T",
            "origin main.chain.func1 (main.go:175)",
            "woke goroutine N main.victim, which had waited T (chan receive)",
            "because goroutine N woken after waiting T (chan receive) by goroutine N main.failing in main.failing (main.go:184) at T",
            "and that goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
    check(
        "groups",
        0,
        &[
            "1 cancel, cancelled by main.(*group).Go.func1.1 (main.go:261)",
            "cancel in goroutine N main.(*group).Go.func1 at T",
            "origin main.(*group).Go.func1.1 (main.go:261)",
            "woke goroutine N main.(*group).Go.func1, which had waited T (chan receive)",
            "woke goroutine N main.(*group).Go.func1, which had waited T (chan receive)",
            "woke goroutine N main.(*group).Go.func1, which had waited T (chan receive)",
            "woke goroutine N main.(*group).Go.func1, which had waited T (chan receive)",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
    check(
        "recorder",
        0,
        &[
            "1 cancel, cancelled by main.recorder.func2 (main.go:315)",
            "cancel in goroutine N main.recorder.func2 at T",
            "origin main.recorder.func2 (main.go:315)",
            "woke goroutine N (started before the trace), which had waited at least T",
            "woke goroutine N (started before the trace), which had waited at least T",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
}

#[test]
fn panics_name_who_raised_them_and_what_was_deferred() {
    check(
        "slowDefer",
        1,
        &[
            "1 panic, raised by main.raise (main.go:87)",
            "panic in goroutine N main.main at T",
            "origin main.raise (main.go:87)",
            "in deferred main.slowDefer.func2 (main.go:91)",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
    check(
        "loggedPanic",
        1,
        &[
            "1 panic \"boom\", raised by main.raise (main.go:87)",
            "panic in goroutine N main.loggedPanic.func1 at T: boom",
            "origin main.raise (main.go:87)",
            "in deferred main.loggedPanic.func1.1 (main.go:102)",
            "woke goroutine N main.main, which had waited T (chan receive)",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
    check(
        "lockedPanic",
        1,
        &[
            "1 panic, raised by main.raise (main.go:87)",
            "panic in goroutine N main.lockedPanic.func1 at T",
            "origin main.raise (main.go:87)",
            "in deferred sync.(*Mutex).Unlock (mutex.go:65)",
            "woke goroutine N main.lockedPanic.func2, which had waited T (sync)",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
    check(
        "nested",
        1,
        &[
            "1 panic \"close failed\", raised by main.(*db).Close (main.go:209), which masks that of main.query (main.go:222)",
            "panic in goroutine N main.main at T: close failed",
            "origin main.query (main.go:222)",
            "masked by main.(*db).Close (main.go:209)",
            "in deferred main.nested.func1 (main.go:214)",
            "in deferred main.(*db).Close (main.go:209)",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
    check(
        "longRun",
        1,
        &[
            "1 panic \"query failed\", raised by main.query (main.go:222)",
            "panic in goroutine N main.longRun.func2 at T: query failed",
            "origin main.query (main.go:222)",
            "in deferred main.longRun.func2.1 (main.go:297)",
            "woke goroutine N main.main, which had waited T (chan receive)",
            "because goroutine N woken after waiting T (chan receive) by goroutine N main.longRun.func1 in main.longRun.func1 (main.go:292) at T",
            "and that goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
}

#[test]
fn a_service_that_panics_and_is_left() {
    check(
        "httpPanic",
        1,
        &[
            "1 panic, raised by main.broken (main.go:248)",
            "1 cancel, cancelled by main.httpPanic.func2 (main.go:239)",
            "1 cancel, cancelled by net/http.(*connReader).handleReadErrorLocked (server.go:773)",
            "panic in goroutine N net/http.(*conn).serve at T",
            "origin main.broken (main.go:248)",
            "in deferred net/http.(*conn).serve.func1 (server.go:1906)",
            "because goroutine N woken by the runtime after waiting T (network) at T",
            "cancel in goroutine N main.httpPanic.func2 at T",
            "origin main.httpPanic.func2 (main.go:239)",
            "woke goroutine N main.main, which had waited T (select)",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
            "cancel in goroutine N net/http.(*connReader).backgroundRead at T",
            "origin net/http.(*connReader).handleReadErrorLocked (server.go:773)",
            "woke goroutine N net/http.(*conn).serve, which had waited T (select)",
            "because goroutine N woken by the runtime after waiting T (network) at T",
        ],
    );
}

#[test]
fn a_logged_error_and_nothing_at_all() {
    check(
        "errorLog",
        1,
        &[
            "1 error \"cannot open x\", logged by main.errorLog (main.go:140)",
            "error in goroutine N main.main at T: cannot open x",
            "origin main.errorLog (main.go:140)",
            "because goroutine N woken by the runtime after waiting T (sleep) at T",
        ],
    );
    check("normal", 0, &[]);
}

/// The chain that a task's end depended on: what it waited for, not who else ran meanwhile.
#[test]
fn the_critical_path_goes_through_whom_was_waited_for() {
    for (name, task, expected) in [
        (
            "critical",
            "critical",
            ["main.main", "main.stepA", "main.stepC", "main.main"],
        ),
        (
            "tasks",
            "import",
            [
                "main.main",
                "main.tasks.func1",
                "main.tasks.func2",
                "main.main",
            ],
        ),
    ] {
        let (_, text) = goward(name, &["--task", task]);
        let (_, pieces) = text.split_once("\ncritical path of task ").unwrap();
        let mut functions: Vec<&str> = pieces
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().nth(4))
            .collect();
        functions.dedup();
        assert_eq!(functions, expected, "{name}: {text}");
    }
}
