//! Reader of `GODEBUG=gctrace=1` logs, and whether the live heap comes back.
//!
//! A line reads `gc 7 @1.234s 2%: …, 4->5->2 MB, 5 MB goal, …`: the heap at the start of the cycle,
//! at its end, and what is live.

use super::trend::Trend;

/// One garbage collection.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cycle {
    /// Its number.
    pub number: u64,
    /// Seconds since the program started.
    pub seconds: f64,
    /// Heap that is live after it, in MiB.
    pub live: f64,
    /// The heap goal, in MiB.
    pub goal: f64,
}

/// The collections of a log, in its order; other lines are passed over.
pub fn read(text: &str) -> Vec<Cycle> {
    text.lines().filter_map(cycle).collect()
}

fn cycle(line: &str) -> Option<Cycle> {
    // The log may put a prefix before it.
    let at = line
        .find("gc ")
        .filter(|&at| at == 0 || line.as_bytes()[at - 1] == b' ')?;
    let (number, rest) = line[at + 3..].split_once(" @")?;
    let (seconds, rest) = rest.split_once("s ")?;
    let (before, rest) = rest.split_once(" MB, ")?;
    let sizes = before.rsplit(' ').next()?;
    let live = sizes.rsplit("->").next()?;
    let (goal, _) = rest.split_once(" MB goal")?;
    Some(Cycle {
        number: number.parse().ok()?,
        seconds: seconds.parse().ok()?,
        live: live.parse().ok()?,
        goal: goal.rsplit(' ').next()?.parse().ok()?,
    })
}

/// Whether the live heap comes back to where it was.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Convergence {
    /// How the live heap develops, in MiB per second.
    pub live: Trend,
    /// How the goal develops.
    pub goal: Trend,
    /// `Some(true)` if the live heap does not rise, `Some(false)` if it does with at least 95 %
    /// confidence, by a tenth and up to the end; `None` if there are fewer than eight collections.
    pub converges: Option<bool>,
}

/// Judges a log.
pub fn convergence(cycles: &[Cycle]) -> Convergence {
    let times: Vec<f64> = cycles.iter().map(|cycle| cycle.seconds).collect();
    let series = |value: fn(&Cycle) -> f64| -> Trend {
        Trend::of(&times, &cycles.iter().map(value).collect::<Vec<_>>())
    };
    let live = series(|cycle| cycle.live);
    // A heap that fills its caches first and then stays has no leak.
    let rises = live.confidence >= 0.95
        && live.last_level >= live.first_level * 1.1 + 1.0
        && live.late >= super::LEAST_LATE;
    Convergence {
        live,
        goal: series(|cycle| cycle.goal),
        converges: (cycles.len() >= 8).then_some(!rises),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_log() {
        let line = "gc 12 @3.456s 1%: 0.018+1.2+0.004 ms clock, 0.036+0.5/1.0/0+0.008 ms cpu, 14->15->9 MB, 16 MB goal, 0 MB stacks, 0 MB globals, 2 P";
        let expected = Cycle {
            number: 12,
            seconds: 3.456,
            live: 9.0,
            goal: 16.0,
        };
        assert_eq!(
            read(&format!(
                "hello\n{line}\napp gc x\n2026 host {line} (forced)\n"
            )),
            [expected, expected]
        );
    }

    #[test]
    fn rising_and_steady_heaps() {
        let cycles = |live: fn(u32) -> f64| -> Vec<Cycle> {
            (0..20)
                .map(|n| Cycle {
                    number: u64::from(n),
                    seconds: f64::from(n),
                    live: live(n),
                    goal: 2.0 * live(n),
                })
                .collect()
        };
        assert_eq!(
            convergence(&cycles(|n| 10.0 + f64::from(n))).converges,
            Some(false)
        );
        assert_eq!(
            convergence(&cycles(|n| 10.0 + f64::from(n % 3))).converges,
            Some(true)
        );
        assert_eq!(
            convergence(&cycles(|n| 10.0 + f64::from(n.min(8)) * 5.0)).converges,
            Some(true)
        );
        assert_eq!(
            convergence(&cycles(|n| 10.0 + f64::from(n))[..5]).converges,
            None
        );
    }
}
