//! The trace in figures: where goroutines spend their time, what blocks whom, what the collector and
//! the scheduler cost, how long tasks take.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::symbols::{StackId, StringId, Symbols};
use super::timeline::{STATES, Stretch, Timeline};

/// Goroutines with the same first function.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    pub function: String,
    pub goroutines: u64,
    /// How many were alive at the end of the trace.
    pub alive: u64,
    /// Nanoseconds.
    pub running: i64,
    pub runnable: i64,
    pub waiting: i64,
    pub syscall: i64,
}

/// One frame of a stack in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrameText {
    pub function: String,
    pub file: String,
    pub line: u32,
}

/// Goroutines that wait at one place and are woken from another.
#[derive(Clone, Debug, Serialize)]
pub struct Blocking {
    pub reason: String,
    pub count: u64,
    /// Nanoseconds waited in all.
    pub waited: i64,
    pub waiting_at: Vec<FrameText>,
    /// Empty where the runtime itself woke them (timers, network).
    pub woken_at: Vec<FrameText>,
}

/// How long something took, over many times.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Durations {
    pub name: String,
    pub count: u64,
    /// Nanoseconds.
    pub total: i64,
    pub median: i64,
    pub longest: i64,
    /// How many had not ended when the trace did.
    pub open: u64,
}

/// Figures of a whole trace.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Nanoseconds from the first to the last event.
    pub duration: i64,
    /// Wall clock at the beginning, nanoseconds since 1970.
    pub started: Option<i64>,
    pub events: u64,
    pub generations: u64,
    pub goroutines: u64,
    pub created: u64,
    pub ended: u64,
    pub processors: u64,
    pub groups: Vec<Group>,
    pub blocking: Vec<Blocking>,
    pub syscalls: Vec<Blocking>,
    /// Nanoseconds that goroutines waited for a processor: median, 99 in 100, longest (to the next
    /// power of two).
    pub latency: [i64; 3],
    pub collections: Durations,
    pub stops: Vec<Durations>,
    /// Nanoseconds.
    pub assist: i64,
    pub sweep: i64,
    pub heap_largest: u64,
    pub tasks: Vec<Durations>,
    pub regions: Vec<Durations>,
    pub logs: Vec<(String, u64)>,
    pub samples: u64,
    /// Why the trace ends early, if it does.
    pub failure: Option<String>,
}

/// The frames of a stack in words, innermost first.
pub fn frames(timeline: &Timeline, stack: StackId) -> Vec<FrameText> {
    let symbols = &timeline.symbols;
    symbols
        .stack(stack)
        .iter()
        .map(|&frame| {
            let place = symbols.place(frame);
            FrameText {
                function: symbols.text(place.function).to_owned(),
                file: symbols.text(place.file).to_owned(),
                line: place.line,
            }
        })
        .collect()
}

fn durations(name: &str, mut all: Vec<i64>, open: u64) -> Durations {
    all.sort_unstable();
    Durations {
        name: name.to_owned(),
        count: all.len() as u64,
        total: all.iter().copied().fold(0, i64::saturating_add),
        median: all.get(all.len() / 2).copied().unwrap_or(0),
        longest: all.last().copied().unwrap_or(0),
        open,
    }
}

fn stretches(name: &str, all: &[&Stretch]) -> Durations {
    durations(
        name,
        all.iter()
            .map(|stretch| stretch.end - stretch.begin)
            .collect(),
        0,
    )
}

/// Lengths of time, and how many have no end, by the name of what took them.
type ByString = FxHashMap<StringId, (Vec<i64>, u64)>;

fn by_name(symbols: &Symbols, names: ByString) -> Vec<Durations> {
    let mut all: Vec<Durations> = names
        .into_iter()
        .map(|(name, (times, open))| durations(symbols.text(name), times, open))
        .collect();
    all.sort_by(|one, other| {
        other
            .total
            .cmp(&one.total)
            .then_with(|| one.name.cmp(&other.name))
    });
    all
}

impl Summary {
    /// Sums up a timeline; at most `limit` entries in each list of places.
    pub fn of(timeline: &Timeline, limit: usize) -> Summary {
        let symbols = &timeline.symbols;
        let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
        let (mut created, mut ended) = (0, 0);
        for (index, goroutine) in timeline.goroutines.iter().enumerate() {
            created += u64::from(goroutine.is_created());
            ended += u64::from(goroutine.has_ended());
            let group = groups.entry(goroutine.name).or_insert_with(|| Group {
                function: timeline.name(index as u32).to_owned(),
                goroutines: 0,
                alive: 0,
                running: 0,
                runnable: 0,
                waiting: 0,
                syscall: 0,
            });
            group.goroutines += 1;
            group.alive += u64::from(!goroutine.has_ended());
            let [running, runnable, waiting, syscall] = goroutine.totals;
            group.running = group.running.saturating_add(running);
            group.runnable = group.runnable.saturating_add(runnable);
            group.waiting = group.waiting.saturating_add(waiting);
            group.syscall = group.syscall.saturating_add(syscall);
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by(|one, other| {
            (other.running, other.goroutines, &one.function).cmp(&(
                one.running,
                one.goroutines,
                &other.function,
            ))
        });

        let mut wakes: Vec<_> = timeline.wakes.iter().collect();
        wakes.sort_by_key(|&(key, wake)| (std::cmp::Reverse(wake.waited), *key));
        let blocking = wakes
            .into_iter()
            .take(limit)
            .map(|(&(waiter, waker, reason), wake)| Blocking {
                reason: timeline.reason(reason).to_owned(),
                count: wake.count,
                waited: wake.waited,
                waiting_at: frames(timeline, waiter),
                woken_at: frames(timeline, waker),
            })
            .collect();
        let mut syscalls: Vec<_> = timeline.syscalls.iter().collect();
        syscalls.sort_by_key(|&(stack, calls)| (std::cmp::Reverse(calls.waited), *stack));
        let syscalls = syscalls
            .into_iter()
            .take(limit)
            .map(|(&stack, calls)| Blocking {
                reason: "syscall".to_owned(),
                count: calls.count,
                waited: calls.waited,
                waiting_at: frames(timeline, stack),
                woken_at: Vec::new(),
            })
            .collect();

        let mut tasks = ByString::default();
        for task in &timeline.tasks {
            let entry = tasks.entry(task.name).or_default();
            match (task.begin, task.end) {
                (Some(begin), Some(end)) => entry.0.push(end - begin),
                _ => entry.1 += 1,
            }
        }
        let mut regions = ByString::default();
        for region in &timeline.regions {
            let entry = regions.entry(region.name).or_default();
            entry.0.push(region.end - region.begin);
        }
        let mut stops: BTreeMap<&str, Vec<&Stretch>> = BTreeMap::new();
        for stop in &timeline.stops {
            stops.entry(symbols.text(stop.kind)).or_default().push(stop);
        }
        let mut logs: FxHashMap<StringId, u64> = FxHashMap::default();
        for log in &timeline.logs {
            *logs.entry(log.category).or_default() += 1;
        }
        let mut logs: Vec<(String, u64)> = logs
            .into_iter()
            .map(|(name, count)| (symbols.text(name).to_owned(), count))
            .collect();
        logs.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        Summary {
            duration: timeline.end - timeline.start,
            started: timeline.wall(timeline.start),
            events: timeline.events,
            generations: timeline.generations,
            goroutines: timeline.goroutines.len() as u64,
            created,
            ended,
            processors: timeline.processors,
            groups,
            blocking,
            syscalls,
            latency: latency(&timeline.latency),
            collections: stretches("GC", &timeline.collections.iter().collect::<Vec<_>>()),
            stops: stops
                .into_iter()
                .map(|(name, all)| stretches(name, &all))
                .collect(),
            assist: timeline.assist,
            sweep: timeline.sweep,
            heap_largest: timeline.heap.iter().map(|point| point.1).max().unwrap_or(0),
            tasks: by_name(symbols, tasks),
            regions: by_name(symbols, regions),
            logs,
            samples: timeline.samples.len() as u64,
            failure: timeline.failure.clone(),
        }
    }
}

/// The median, the 99th of 100 and the longest of a histogram by powers of two.
fn latency(counts: &[u64]) -> [i64; 3] {
    let total: u64 = counts.iter().sum();
    let at = |rank: u64| {
        let mut seen = 0;
        for (power, &count) in counts.iter().enumerate() {
            seen += count;
            if seen > rank {
                return 1i64 << power.min(62);
            }
        }
        0
    };
    if total == 0 {
        [0; 3]
    } else {
        [at(total / 2), at(total - 1 - total / 100), at(total - 1)]
    }
}

/// The innermost frame that is not the runtime's or the library's own business: where a reader looks
/// first.
pub fn telling_frame(frames: &[FrameText]) -> Option<&FrameText> {
    const INNER: [&str; 6] = [
        "runtime.",
        "sync.",
        "internal/",
        "context.",
        "runtime/",
        "sync/",
    ];
    frames
        .iter()
        .find(|frame| {
            !INNER
                .iter()
                .any(|prefix| frame.function.starts_with(prefix))
        })
        .or(frames.first())
}

/// The names of the states in the order of totals.
pub fn state_names() -> [&'static str; 4] {
    STATES.map(super::event::GoState::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_times_that_no_clock_shows_stop_at_the_largest() {
        let durations = durations("hostile", vec![i64::MAX, 7, i64::MAX], 0);
        assert_eq!((durations.total, durations.median), (i64::MAX, i64::MAX));
    }
}
