//! Which goroutines pile up, where they wait, and who would have to end that.
//!
//! Sources of different kinds (profiles, listings, dumps) become [`Snapshot`]s of the same shape:
//! goroutines grouped by where they wait and how they got there. [`analyse`] follows each group
//! over the snapshots. A group that grows steadily is a leak; one that stays is a pool, however
//! large it is; one that waits in an operation that nothing can ever end is told apart from both.

pub mod gctrace;
pub mod graph;
mod snapshot;
pub mod trend;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::dump::wait::Operation;
use trend::Trend;

pub use snapshot::{from_profile, from_report};

/// A function at a line, by name: groups outlive the sources that they were read from.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Site {
    /// The function.
    pub function: String,
    /// Its file.
    pub file: String,
    /// The line, 0 if unknown.
    pub line: u32,
}

/// Goroutines that wait in the same operation with the same stack. [`analyse`] takes those together
/// that wait at the same line and were started with the same function, however they got there.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Group {
    /// What they wait in; `None` if they run or the source does not say.
    pub operation: Option<Operation>,
    /// The stack without the runtime's frames, newest first.
    pub frames: Vec<Site>,
}

impl Group {
    /// Where the goroutines wait: the newest frame outside the packages that implement waiting.
    pub fn blocked_at(&self) -> Option<&Site> {
        self.frames
            .iter()
            .find(|site| !is_plumbing(&site.function))
            .or(self.frames.first())
    }

    /// The function that the goroutines were started with.
    pub fn entry(&self) -> Option<&Site> {
        self.frames.last()
    }
}

fn is_plumbing(function: &str) -> bool {
    [
        "sync.",
        "internal/sync.",
        "internal/poll.",
        "time.",
        "syscall.",
        "net.",
        "io.",
        "bufio.",
        "os.",
        "crypto/tls.",
        "golang.org/x/sync/",
    ]
    .iter()
    .any(|package| function.starts_with(package))
}

/// One group in one snapshot.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which goroutines.
    pub group: Group,
    /// How many.
    pub count: u64,
    /// The longest wait in minutes, where the source has one.
    pub wait_minutes: Option<u32>,
    /// Whether the source says that nothing can end the wait (nil channel, `select {}`).
    pub never_ends: bool,
    /// How many Go's own leak detector found.
    pub found_leaked: u64,
    /// Where they were created, where the source has it.
    pub created_by: Option<Site>,
    /// Which ones, where the source has their numbers.
    pub ids: Vec<u64>,
}

/// All goroutines at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The file, bundle label or address that it came from.
    pub name: String,
    /// The process or machine that it is of, where many are looked at; else the name.
    pub instance: String,
    /// When, in seconds since 1970, where the source has it.
    pub seconds: Option<f64>,
    /// The groups.
    pub seen: Vec<Seen>,
    /// Whether this is a profile of Go's leak detector: it lists leaked goroutines only.
    pub only_leaked: bool,
}

impl Snapshot {
    /// How many goroutines there are.
    pub fn total(&self) -> u64 {
        self.seen.iter().map(|seen| seen.count).sum()
    }
}

/// What a group's counts say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It grows from snapshot to snapshot.
    Grows,
    /// Nothing in the program can end its wait, but it does not grow.
    NeverEnds,
    /// Go's leak detector found it, but it does not grow.
    FoundLeaked,
    /// It stays or comes and goes.
    Steady,
    /// There are too few snapshots to tell.
    Unknown,
}

impl Verdict {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Grows => "grows",
            Verdict::NeverEnds => "never-ends",
            Verdict::FoundLeaked => "found-by-leak-detector",
            Verdict::Steady => "steady",
            Verdict::Unknown => "unknown",
        }
    }
}

/// A group over all snapshots.
#[derive(Clone, Debug)]
pub struct History {
    /// Which goroutines.
    pub group: Group,
    /// How many in each snapshot.
    pub counts: Vec<u64>,
    /// How the counts develop.
    pub trend: Trend,
    /// What that says.
    pub verdict: Verdict,
    /// The longest wait in minutes that was seen.
    pub wait_minutes: Option<u32>,
    /// The largest number that Go's leak detector found.
    pub found_leaked: u64,
    /// Where they were created, where a source has it.
    pub created_by: Option<Site>,
}

/// The groups over the snapshots, leaks first, then by their last count.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// The groups.
    pub groups: Vec<History>,
    /// The number of goroutines per snapshot.
    pub totals: Vec<u64>,
    /// How that number develops.
    pub total: Trend,
}

/// A group has to gain so many goroutines before it is called a leak: fewer is noise.
const LEAST_GROWTH: f64 = 2.0;
/// So sure the trend has to be; three snapshots that rise reach 0.83.
const LEAST_CONFIDENCE: f64 = 0.8;
/// From so many snapshots on, there has to be more than luck.
const CONFIDENCE_OF_MANY: f64 = 0.95;

/// A group that gains so many and never loses one grows, however large it is.
const SURE_GROWTH: f64 = 20.0;
/// A group of which less than this share of the growth came in the second half has reached its level.
const LEAST_LATE: f64 = 0.15;

/// Three values often rise by chance, but seldom at much the same rate.
const LEAST_EVENNESS: f64 = 0.25;

/// A group that loses more than this share of what it gains follows the load.
const MOST_LOST: f64 = 0.25;

/// What goroutines of different snapshots have in common if they are of one group: the operation, the
/// line where they wait, and the function that they were started with.
type Key<'s> = (Option<Operation>, Option<&'s Site>, Option<&'s str>);

fn key(group: &Group) -> Key<'_> {
    (
        group.operation,
        group.blocked_at(),
        group.entry().map(|site| site.function.as_str()),
    )
}

/// The operations of the groups of one line and function, over all snapshots.
type Operations<'s> = FxHashMap<(Option<&'s Site>, Option<&'s str>), FxHashSet<Operation>>;

fn operations(snapshots: &[Snapshot]) -> Operations<'_> {
    let mut all = Operations::default();
    for seen in snapshots.iter().flat_map(|snapshot| &snapshot.seen) {
        let (operation, site, entry) = key(&seen.group);
        if let Some(operation) = operation {
            all.entry((site, entry)).or_default().insert(operation);
        }
    }
    all
}

/// Whether the source has no operations at all, as the text of `debug=1`: then a group without one is
/// that of the only operation that other snapshots have there.
fn without_operations(snapshot: &Snapshot) -> bool {
    let mut groups = snapshot.seen.iter().map(|seen| &seen.group);
    groups.all(|group| group.operation.is_none())
}

/// What is known of a group while the snapshots are gone through.
#[derive(Default)]
struct Gathered {
    turnover: Turnover,
    /// The numbers of the goroutines of this snapshot.
    ids_now: Vec<u64>,
    /// The largest count of one stack.
    most: u64,
    /// How many of this snapshot the leak detector found.
    leaked_now: u64,
    never_ends: bool,
}

/// Follows every group over the snapshots, which have to be in the order of time.
pub fn analyse(snapshots: &[Snapshot]) -> Analysis {
    let ordinary: Vec<&Snapshot> = snapshots
        .iter()
        .filter(|snapshot| !snapshot.only_leaked)
        .collect();
    let times = times(&ordinary);
    let mut index: FxHashMap<Key<'_>, usize> = FxHashMap::default();
    let mut groups: Vec<History> = Vec::new();
    let mut gathered: Vec<Gathered> = Vec::new();
    let operations = operations(snapshots);
    let mut at = 0;
    for snapshot in snapshots {
        let unnamed = without_operations(snapshot);
        for seen in &snapshot.seen {
            let (mut operation, site, entry) = key(&seen.group);
            if unnamed
                && let Some(known) = operations.get(&(site, entry))
                && known.len() == 1
            {
                operation = known.iter().next().copied();
            }
            let number = *index.entry((operation, site, entry)).or_insert_with(|| {
                groups.push(History {
                    group: seen.group.clone(),
                    counts: vec![0; ordinary.len()],
                    trend: Trend::default(),
                    verdict: Verdict::Unknown,
                    wait_minutes: None,
                    found_leaked: 0,
                    created_by: None,
                });
                gathered.push(Gathered::default());
                groups.len() - 1
            });
            let (history, gathered) = (&mut groups[number], &mut gathered[number]);
            if seen.count > gathered.most {
                // The way that most of them went stands for all.
                gathered.most = seen.count;
                history.group.clone_from(&seen.group);
                history.group.operation = operation;
            }
            if !snapshot.only_leaked {
                history.counts[at] += seen.count;
                gathered.ids_now.extend(&seen.ids);
            }
            history.wait_minutes = history.wait_minutes.max(seen.wait_minutes);
            gathered.leaked_now += seen.found_leaked;
            if history.created_by.is_none() {
                history.created_by.clone_from(&seen.created_by);
            }
            gathered.never_ends |= seen.never_ends;
        }
        for (history, gathered) in groups.iter_mut().zip(&mut gathered) {
            let leaked = std::mem::take(&mut gathered.leaked_now);
            history.found_leaked = history.found_leaked.max(leaked);
            if !snapshot.only_leaked {
                gathered
                    .turnover
                    .next(history.counts[at], &gathered.ids_now);
                gathered.ids_now.clear();
            }
        }
        at += usize::from(!snapshot.only_leaked);
    }
    for (history, gathered) in groups.iter_mut().zip(&gathered) {
        let counts: Vec<f64> = history.counts.iter().map(|&count| count as f64).collect();
        history.trend = Trend::of(&times, &counts);
        let load = gathered.turnover.is_load();
        history.verdict = if grows(&history.trend, counts.len()) && !load {
            Verdict::Grows
        } else if gathered.never_ends {
            Verdict::NeverEnds
        } else if history.found_leaked > 0 {
            Verdict::FoundLeaked
        } else if counts.len() < 3 {
            Verdict::Unknown
        } else {
            Verdict::Steady
        };
    }
    groups.sort_by(|a, b| {
        let key = |history: &History| {
            (
                history.verdict as u8,
                std::cmp::Reverse(history.counts.last().copied().unwrap_or(0)),
            )
        };
        key(a)
            .cmp(&key(b))
            .then_with(|| a.group.frames.cmp(&b.group.frames))
    });
    let totals: Vec<u64> = ordinary.iter().map(|snapshot| snapshot.total()).collect();
    let values: Vec<f64> = totals.iter().map(|&total| total as f64).collect();
    Analysis {
        groups,
        total: Trend::of(&times, &values),
        totals,
    }
}

/// Whether a trend is one of growth.
pub fn grows(trend: &Trend, count: usize) -> bool {
    let needed = if count >= 6 {
        CONFIDENCE_OF_MANY
    } else {
        LEAST_CONFIDENCE
    };
    let mut least = LEAST_GROWTH.max(trend.first_level * 0.05);
    if count >= 6 && trend.lost == 0.0 {
        // A large group that never loses one does not have to grow by hundreds.
        least = least.min(SURE_GROWTH);
    }
    count >= 3
        && trend.slope > 0.0
        && trend.confidence >= needed
        && (trend.lost <= MOST_LOST || trend.floor_rises)
        && trend.late >= LEAST_LATE
        && (count >= 6 || trend.evenness >= LEAST_EVENNESS)
        && trend.last_level - trend.first_level >= least
}

/// Which goroutines a group had, from snapshot to snapshot.
#[derive(Clone, Debug, Default)]
struct Turnover {
    /// Those of the snapshot before.
    last: FxHashSet<u64>,
    /// How many could have been there in the next snapshot too.
    before: usize,
    /// How many were.
    stayed: usize,
}

impl Turnover {
    /// The next snapshot has `count` goroutines of the group; their numbers, as far as they are known.
    fn next(&mut self, count: u64, ids: &[u64]) {
        if count as usize == ids.len() {
            self.before += self.last.len();
            self.stayed += ids.iter().filter(|id| self.last.contains(id)).count();
        }
        self.last.clear();
        self.last.extend(ids);
    }

    /// Whether nearly all goroutines end and others take their place: that is load and no leak.
    fn is_load(&self) -> bool {
        self.before >= 3 && self.stayed * 5 < self.before
    }
}

/// The snapshots' times if every one has its own and they rise, else their order.
fn times(snapshots: &[&Snapshot]) -> Vec<f64> {
    let known: Option<Vec<f64>> = snapshots.iter().map(|snapshot| snapshot.seconds).collect();
    match known {
        Some(times) if times.windows(2).all(|pair| pair[0] < pair[1]) => {
            times.iter().map(|time| time - times[0]).collect()
        }
        _ => (0..snapshots.len()).map(|number| number as f64).collect(),
    }
}

/// A group over many instances of a program, as one snapshot each: how LeakProf ranks (Uber,
/// 2022): a leak shows as one instance, or a few, with far more goroutines at one operation.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// Which goroutines.
    pub group: Group,
    /// In how many instances.
    pub instances: usize,
    /// All together.
    pub total: u64,
    /// The largest count, and the index of the instance that has it.
    pub most: (u64, usize),
    /// The root of the mean of the squared counts over all instances: the rank.
    pub impact: f64,
    /// Where they were created.
    pub created_by: Option<Site>,
}

/// Ranks the groups of many instances.
pub fn rank(instances: &[Snapshot]) -> Vec<Ranked> {
    let mut index: FxHashMap<&Group, usize> = FxHashMap::default();
    let mut ranked: Vec<Ranked> = Vec::new();
    for (number, snapshot) in instances.iter().enumerate() {
        for seen in &snapshot.seen {
            if seen.group.operation.is_none() {
                continue;
            }
            let at = *index.entry(&seen.group).or_insert_with(|| {
                ranked.push(Ranked {
                    group: seen.group.clone(),
                    instances: 0,
                    total: 0,
                    most: (0, number),
                    impact: 0.0,
                    created_by: seen.created_by.clone(),
                });
                ranked.len() - 1
            });
            let row = &mut ranked[at];
            row.instances += 1;
            row.total += seen.count;
            row.impact += (seen.count as f64).powi(2);
            if seen.count > row.most.0 {
                row.most = (seen.count, number);
            }
        }
    }
    for row in &mut ranked {
        row.impact = (row.impact / instances.len().max(1) as f64).sqrt();
    }
    ranked.sort_by(|a, b| {
        b.impact
            .total_cmp(&a.impact)
            .then_with(|| a.group.frames.cmp(&b.group.frames))
    });
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(counts: &[(&str, u64)]) -> Snapshot {
        let seen = counts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|&(function, count)| Seen {
                group: Group {
                    operation: Some(Operation::ChannelSend),
                    frames: vec![Site {
                        function: function.to_owned(),
                        file: "x.go".to_owned(),
                        line: 1,
                    }],
                },
                count,
                wait_minutes: None,
                never_ends: function == "stuck",
                found_leaked: 0,
                created_by: None,
                ids: Vec::new(),
            })
            .collect();
        Snapshot {
            seen,
            ..Snapshot::default()
        }
    }

    fn verdicts(rows: &[&[(&str, u64)]]) -> Vec<(String, Verdict)> {
        let snapshots: Vec<Snapshot> = rows.iter().map(|row| snapshot(row)).collect();
        let mut found: Vec<_> = analyse(&snapshots)
            .groups
            .iter()
            .map(|history| (history.group.frames[0].function.clone(), history.verdict))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    #[test]
    fn growth_is_told_from_pools_bursts_and_noise() {
        let found = verdicts(&[
            &[
                ("burst", 1),
                ("leak", 0),
                ("noise", 10),
                ("pool", 400),
                ("stuck", 3),
            ],
            &[
                ("burst", 90),
                ("leak", 40),
                ("noise", 12),
                ("pool", 400),
                ("stuck", 3),
            ],
            &[
                ("burst", 3),
                ("leak", 85),
                ("noise", 9),
                ("pool", 400),
                ("stuck", 3),
            ],
            &[
                ("burst", 1),
                ("leak", 120),
                ("noise", 11),
                ("pool", 400),
                ("stuck", 3),
            ],
        ]);
        assert_eq!(
            found,
            [
                ("burst".to_owned(), Verdict::Steady),
                ("leak".to_owned(), Verdict::Grows),
                ("noise".to_owned(), Verdict::Steady),
                ("pool".to_owned(), Verdict::Steady),
                ("stuck".to_owned(), Verdict::NeverEnds),
            ]
        );
        // Two snapshots are too few for a verdict.
        assert_eq!(
            verdicts(&[&[("leak", 1)], &[("leak", 900)]])[0].1,
            Verdict::Unknown
        );
    }

    #[test]
    fn a_pool_that_has_reached_its_size_is_no_leak() {
        let verdict = |counts: &[u64]| {
            let rows: Vec<Vec<(&str, u64)>> =
                counts.iter().map(|&count| vec![("group", count)]).collect();
            let rows: Vec<&[(&str, u64)]> = rows.iter().map(Vec::as_slice).collect();
            verdicts(&rows)[0].1
        };
        assert_eq!(verdict(&[5, 10, 30, 50, 50, 50, 50, 50]), Verdict::Steady);
        assert_eq!(
            verdict(&[2, 20, 41, 60, 58, 62, 59, 61, 60, 63, 58, 61]),
            Verdict::Steady
        );
        assert_eq!(verdict(&[1, 1, 2, 2, 3, 3, 4, 4, 5, 5]), Verdict::Grows);
        // Half a percent a snapshot, and never one less.
        let large: Vec<u64> = (0..12).map(|n| 10_000 + 50 * n).collect();
        assert_eq!(verdict(&large), Verdict::Grows);
    }

    #[test]
    fn goroutines_that_others_replace_are_load() {
        let rows = |ids: fn(u64) -> Vec<u64>| -> Vec<Snapshot> {
            (0..6)
                .map(|n| {
                    let mut one = snapshot(&[("request", ids(n).len() as u64)]);
                    one.seen[0].ids = ids(n);
                    one
                })
                .collect()
        };
        let replaced = rows(|n| (n * 100..n * 100 + 3 * (n + 1)).collect());
        assert_eq!(analyse(&replaced).groups[0].verdict, Verdict::Steady);
        let kept = rows(|n| (0..3 * (n + 1)).collect());
        assert_eq!(analyse(&kept).groups[0].verdict, Verdict::Grows);
    }

    #[test]
    fn ways_to_the_same_line_are_one_group() {
        let snapshots: Vec<Snapshot> = (1..=4u64)
            .map(|n| {
                let mut one = snapshot(&[("wait", 1), ("wait", 2 * n)]);
                for (seen, way) in one.seen.iter_mut().zip(["short", "long"]) {
                    for function in [way, "serve"] {
                        seen.group.frames.push(Site {
                            function: function.to_owned(),
                            ..Site::default()
                        });
                    }
                }
                one
            })
            .collect();
        let groups = analyse(&snapshots).groups;
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].counts, [3, 5, 7, 9]);
        assert_eq!(groups[0].group.frames[1].function, "long");
    }

    #[test]
    fn instances_rank_by_impact() {
        let instances = [
            snapshot(&[("a", 10), ("b", 1)]),
            snapshot(&[("a", 10), ("b", 900)]),
            snapshot(&[("a", 10)]),
        ];
        let ranked = rank(&instances);
        assert_eq!(ranked[0].group.frames[0].function, "b");
        assert_eq!((ranked[0].most, ranked[0].instances), ((900, 1), 2));
    }

    #[test]
    fn the_text_of_profiles_joins_the_groups_that_other_forms_name() {
        let mut snapshots: Vec<Snapshot> = [5, 5, 5, 5, 5, 5]
            .map(|count| snapshot(&[("pool", count), ("other", 1)]))
            .into();
        // As debug=1 has it: without operations.
        for snapshot in &mut snapshots[3..] {
            for seen in &mut snapshot.seen {
                seen.group.operation = None;
            }
        }
        let found = analyse(&snapshots).groups;
        assert_eq!(found.len(), 2);
        let pool = &found[0];
        assert_eq!(pool.counts, [5, 5, 5, 5, 5, 5]);
        assert_eq!(pool.group.operation, Some(Operation::ChannelSend));
        assert_eq!(pool.verdict, Verdict::Steady);
        // Where another group of the same snapshot has one, this one runs.
        let running = &mut snapshots[2].seen[0].group;
        assert_eq!(running.frames[0].function, "pool");
        running.operation = None;
        assert_eq!(analyse(&snapshots).groups.len(), 3);
    }
}
