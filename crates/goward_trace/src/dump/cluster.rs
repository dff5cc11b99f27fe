//! Goroutines that are alike: same state, same creator, same stack.
//!
//! Recursion counts once, so that goroutines at different depths of the same recursion fall
//! together.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use super::{Dump, FrameId, Goroutine, Report};

/// Goroutines that are alike.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Indices into [`Dump::goroutines`], in the order of the dump.
    pub members: Vec<u32>,
    /// The shortest and the longest wait in minutes, of those members that have one.
    pub wait_minutes: Option<(u32, u32)>,
}

/// The clusters of a dump, largest first, then in the order of the dump.
pub fn clusters(report: &Report<'_>, dump: &Dump<'_>) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut index: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    for (number, goroutine) in dump.goroutines.iter().enumerate() {
        let mut hasher = FxHasher::default();
        goroutine.state.hash(&mut hasher);
        goroutine.created_by.hash(&mut hasher);
        for frame in shape(report, goroutine) {
            frame.hash(&mut hasher);
        }
        let candidates = index.entry(hasher.finish()).or_default();
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let known = candidates.iter().copied().find(|&at| {
            let other = &dump.goroutines[clusters[at].members[0] as usize];
            other.state == goroutine.state
                && other.created_by == goroutine.created_by
                && shape(report, other).eq(shape(report, goroutine))
        });
        let at = known.unwrap_or_else(|| {
            candidates.push(clusters.len());
            clusters.push(Cluster {
                members: Vec::new(),
                wait_minutes: None,
            });
            clusters.len() - 1
        });
        clusters[at].members.push(number);
        if let Some(minutes) = goroutine.wait_minutes {
            let (least, most) = clusters[at].wait_minutes.unwrap_or((minutes, minutes));
            clusters[at].wait_minutes = Some((least.min(minutes), most.max(minutes)));
        }
    }
    clusters.sort_by_key(|cluster| (std::cmp::Reverse(cluster.members.len()), cluster.members[0]));
    clusters
}

/// The stack with each run of the same frame once.
fn shape<'r>(
    report: &'r Report<'_>,
    goroutine: &Goroutine<'_>,
) -> impl Iterator<Item = FrameId> + use<'r> {
    let stack = &report.calls[goroutine.calls.start as usize..goroutine.calls.end as usize];
    stack
        .iter()
        .enumerate()
        .filter(move |(at, call)| *at == 0 || stack[at - 1].frame != call.frame)
        .map(|(_, call)| call.frame)
}
