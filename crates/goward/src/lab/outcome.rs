//! Reads what a Go program printed: what it died of, when, and whose stacks it showed.

use super::process::Finished;
use super::results::{Detected, Goroutine};

/// What one run showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// The lines from `panic:` or `fatal error:` on to the first stack, each trimmed; several when
    /// panics are nested. Empty if the program said nothing of that kind.
    pub(crate) messages: Vec<String>,
    /// Whether the race detector reported a race.
    pub(crate) race: bool,
    pub(crate) exit_code: Option<i32>,
    /// Why there is no exit code: killed by a signal, or by the time limit.
    pub(crate) ended: Option<String>,
    /// What the program printed itself, the marks of its progress left out.
    pub(crate) output: Vec<String>,
    /// The value that a recover got, with its type.
    pub(crate) recovered: Option<String>,
    pub(crate) goroutines: Vec<Goroutine>,
    /// The last mark of progress.
    mark: Option<Detected>,
}

impl Outcome {
    /// Whether the program died, or would have without its recover.
    pub(crate) fn died(&self) -> bool {
        !self.messages.is_empty() || self.recovered.is_some()
    }

    /// When the program died: before, in or after the body of the function with the hazard. The
    /// scenarios print where they are as lines `at registration`, `at body` and `at exit`.
    pub(crate) fn detected(&self) -> Option<Detected> {
        self.died().then(|| self.mark.unwrap_or(Detected::Run))
    }

    /// The message in one line.
    pub(crate) fn headline(&self) -> Option<String> {
        (!self.messages.is_empty()).then(|| self.messages.join(" / "))
    }
}

pub(crate) fn read(finished: &Finished) -> Outcome {
    let mut outcome = Outcome {
        exit_code: finished.status.and_then(|status| status.code()),
        ..Outcome::default()
    };
    if outcome.exit_code.is_none() {
        outcome.ended = Some(finished.describe());
    }
    for line in finished.stdout.lines() {
        match line {
            "at registration" => outcome.mark = Some(Detected::Registration),
            "at body" => outcome.mark = Some(Detected::Run),
            "at exit" => outcome.mark = Some(Detected::Exit),
            _ => match line.strip_prefix("RECOVERED ") {
                Some(value) => outcome.recovered = Some(value.to_owned()),
                None => outcome.output.push(line.to_owned()),
            },
        }
    }
    read_stderr(&finished.stderr, &mut outcome);
    outcome
}

fn read_stderr(stderr: &str, outcome: &mut Outcome) {
    let mut lines = stderr.lines().peekable();
    let mut in_race_report = false;
    while let Some(line) = lines.next() {
        if line.starts_with("WARNING: DATA RACE") {
            outcome.race = true;
            in_race_report = true;
        } else if line.starts_with("==================") {
            in_race_report = false;
        } else if in_race_report {
            // Its stacks have a format of their own.
        } else if let Some(header) = goroutine_header(line) {
            let mut functions = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.is_empty()) {
                if line.starts_with("created by ") {
                    break;
                }
                // Functions and their places alternate; places begin with a tab.
                if !line.starts_with('\t') && !line.starts_with("...") {
                    functions.push(function_name(line));
                }
            }
            outcome.goroutines.push(Goroutine {
                entry: functions.last().cloned().unwrap_or_default(),
                state: header,
            });
        } else if outcome.goroutines.is_empty() && is_message(line.trim_start()) {
            outcome.messages.push(line.trim().to_owned());
        }
    }
}

fn is_message(line: &str) -> bool {
    line.starts_with("panic: ") || line.starts_with("fatal error: ")
}

/// `chan receive` of `goroutine 18 [chan receive, 2 minutes]:`.
fn goroutine_header(line: &str) -> Option<String> {
    let rest = line.strip_prefix("goroutine ")?;
    let (_, rest) = rest.split_once(" [")?;
    let state = rest.strip_suffix("]:")?;
    Some(state.split(',').next().unwrap_or(state).to_owned())
}

/// `main.main.func1` of `main.main.func1(0xc000, ...)`.
fn function_name(line: &str) -> String {
    // The arguments are in the last parentheses; those of a receiver come earlier.
    match line.rfind('(') {
        Some(end) => line[..end].to_owned(),
        None => line.to_owned(),
    }
}

/// What the goroutine leak profile counted, from the first line of its text form:
/// `goroutineleak profile: total 2`.
pub(crate) fn leaks_reported(output: &[String]) -> Option<u32> {
    output.iter().find_map(|line| {
        line.strip_prefix("goroutineleak profile: total ")?
            .trim()
            .parse()
            .ok()
    })
}

/// How many goroutines the scenario says are left.
pub(crate) fn goroutines_left(output: &[String]) -> Option<u32> {
    output
        .iter()
        .find_map(|line| line.strip_prefix("goroutines left: ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stdout: &str, stderr: &str) -> Outcome {
        read(&Finished {
            status: None,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        })
    }

    #[test]
    fn nested_panics() {
        let outcome = of(
            "at registration\nat exit\n",
            "panic: original bug\n\tpanic: assignment to entry in nil map [recovered]\n[signal SIGSEGV]\n\n\
             goroutine 1 [running]:\nmain.main.func1()\n\tmain.go:9 +0x2d\npanic({0x1?, 0x2?})\n\tpanic.go:860 +0x13a\n\
             main.main()\n\tmain.go:12 +0x6f\n\nexit status 2\n",
        );
        assert_eq!(
            outcome.messages,
            [
                "panic: original bug",
                "panic: assignment to entry in nil map [recovered]"
            ]
        );
        assert_eq!(outcome.detected(), Some(Detected::Exit));
        assert_eq!(outcome.goroutines.len(), 1);
        assert_eq!(outcome.goroutines[0].entry, "main.main");
    }

    #[test]
    fn several_goroutines() {
        let outcome = of(
            "",
            "fatal error: concurrent map writes\n\ngoroutine 7 [running]:\ninternal/runtime/maps.fatal({0x1, 0x2})\n\tx.go:1\n\
             main.(*T).work(0xc0000)\n\tmain.go:3 +0x1\ncreated by main.main in goroutine 1\n\tmain.go:9\n\n\
             goroutine 1 [sync.WaitGroup.Wait, 2 minutes]:\nmain.main()\n\tmain.go:4 +0x1\n",
        );
        let seen: Vec<_> = outcome
            .goroutines
            .iter()
            .map(|g| (g.entry.as_str(), g.state.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("main.(*T).work", "running"),
                ("main.main", "sync.WaitGroup.Wait")
            ]
        );
    }

    #[test]
    fn race_reports_are_no_stacks() {
        let outcome = of(
            "not noticed\n",
            "==================\nWARNING: DATA RACE\nRead at 0x1 by goroutine 8:\n  main.main.func1()\n\nGoroutine 8 (running) created at:\n\
             ==================\nFound 1 data race(s)\n",
        );
        assert!(outcome.race && outcome.goroutines.is_empty() && outcome.messages.is_empty());
    }

    #[test]
    fn profile_counts() {
        let lines = [
            "goroutines left: 2".to_owned(),
            "goroutineleak profile: total 1".to_owned(),
        ];
        assert_eq!(
            (goroutines_left(&lines), leaks_reported(&lines)),
            (Some(2), Some(1))
        );
    }
}
