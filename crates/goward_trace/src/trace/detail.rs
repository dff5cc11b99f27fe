//! Levels of detail: lanes of spans that are short enough to show, whatever the length of the trace.
//!
//! A span that is too short to be seen is merged with its neighbours into one that shows the state
//! which took most of the time, and says that it is merged. The resolution is doubled until a lane
//! fits its limit. Within exact windows (around exceptions) nothing is merged.

use rustc_hash::FxHashMap;

use super::event::GoState;
use super::symbols::{StackId, StringId};
use super::timeline::{NOBODY, Timeline, Transition, state_index};

/// A piece of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub begin: i64,
    pub end: i64,
    pub state: GoState,
    pub reason: u8,
    pub stack: StackId,
    /// Who woke or created it, by index, or [`NOBODY`].
    pub by: u32,
    /// How many spans it stands for.
    pub merged: u32,
}

/// All spans of a goroutine that touch a window, in order.
pub fn goroutine_spans(timeline: &Timeline, goroutine: u32, from: i64, to: i64) -> Vec<Span> {
    let mut spans = Vec::new();
    let Some(known) = timeline.goroutines.get(goroutine as usize) else {
        return spans;
    };
    let (mut at, mut end) = (known.last, timeline.ended(known).unwrap_or(timeline.end));
    while let Some(change) = timeline.transitions.get(at as usize) {
        if end < from {
            break;
        }
        if timeline.since(change) <= to && change.state != GoState::NotExist {
            spans.push(span(timeline, change, end));
        }
        end = change.time;
        at = change.previous;
    }
    spans.reverse();
    spans
}

/// All spans of each of some goroutines. The transitions of all are found in one pass: following the
/// links of one after the other would wait for memory at each step.
pub fn spans_of<'t>(
    timeline: &'t Timeline,
    goroutines: &[u32],
) -> impl Iterator<Item = Vec<Span>> + use<'t> {
    const NO_LANE: u32 = u32::MAX;
    let mut lane_of = vec![NO_LANE; timeline.goroutines.len()];
    for (lane, &goroutine) in (0..).zip(goroutines) {
        if let Some(place) = lane_of.get_mut(goroutine as usize) {
            *place = lane;
        }
    }
    let mut lanes: Vec<Vec<u32>> = vec![Vec::new(); goroutines.len()];
    for (number, change) in (0..).zip(&timeline.transitions) {
        let lane = lane_of[change.goroutine as usize];
        if lane != NO_LANE {
            lanes[lane as usize].push(number);
        }
    }
    lanes.into_iter().map(|numbers| {
        let mut ends = numbers[numbers.len().min(1)..]
            .iter()
            .map(|&next| timeline.transitions[next as usize].time);
        numbers
            .iter()
            .filter_map(|&number| {
                let change = &timeline.transitions[number as usize];
                let end = ends.next().unwrap_or(timeline.end);
                (change.state != GoState::NotExist).then(|| span(timeline, change, end))
            })
            .collect()
    })
}

fn span(timeline: &Timeline, change: &Transition, end: i64) -> Span {
    Span {
        begin: timeline.since(change),
        end,
        state: change.state,
        reason: change.reason,
        stack: change.stack,
        by: change.by,
        merged: 1,
    }
}

/// Merges short spans until at most `limit` are left, except within the windows.
pub fn merge(spans: Vec<Span>, limit: usize, exact: &[(i64, i64)]) -> Vec<Span> {
    let Some(first) = spans.first() else {
        return spans;
    };
    let length = spans.last().map_or(0, |last| last.end - first.begin);
    let mut resolution = (length / (limit.max(1) as i64 * 4)).max(1);
    let mut spans = spans;
    while spans.len() > limit {
        let before = spans.len();
        spans = merge_at(&spans, resolution, exact);
        if resolution > length && spans.len() == before {
            break;
        }
        resolution = resolution.saturating_mul(2);
    }
    spans
}

fn merge_at(spans: &[Span], resolution: i64, exact: &[(i64, i64)]) -> Vec<Span> {
    let is_exact = |span: &Span| {
        exact
            .iter()
            .any(|&(from, to)| span.end >= from && span.begin <= to)
    };
    let mut merged: Vec<Span> = Vec::new();
    // For the open merged span: the time of its dominant span so far.
    let mut weight = 0;
    let mut open = false;
    for span in spans {
        let short = span.end - span.begin < resolution && !is_exact(span);
        if short
            && open
            && let Some(last) = merged.last_mut()
            && last.end == span.begin
            && span.end - last.begin < 2 * resolution
        {
            last.end = span.end;
            last.merged = last.merged.saturating_add(span.merged);
            if span.end - span.begin > weight {
                weight = span.end - span.begin;
                last.state = span.state;
                last.reason = span.reason;
                last.stack = span.stack;
                last.by = NOBODY;
            }
            continue;
        }
        merged.push(*span);
        weight = span.end - span.begin;
        open = short;
    }
    merged
}

/// How many goroutines of one function were in each state over time.
#[derive(Clone, Debug)]
pub struct Density {
    pub function: StringId,
    pub goroutines: u64,
    /// For each bucket the average number of goroutines that were running, runnable, waiting and in
    /// a syscall.
    pub buckets: Vec<[f32; 4]>,
}

/// The densities of all functions, those with the most goroutines first, at most `limit`.
pub fn densities(timeline: &Timeline, buckets: usize, limit: usize) -> Vec<Density> {
    let mut counts: FxHashMap<StringId, u64> = FxHashMap::default();
    for goroutine in &timeline.goroutines {
        *counts.entry(goroutine.name).or_default() += 1;
    }
    let mut functions: Vec<(StringId, u64)> = counts.into_iter().collect();
    functions.sort_by_key(|&(function, count)| (std::cmp::Reverse(count), function));
    functions.truncate(limit.min(usize::from(u16::MAX)));
    let place: FxHashMap<StringId, u16> = functions
        .iter()
        .zip(0..)
        .map(|(&(function, _), index)| (function, index))
        .collect();
    // The lane of each goroutine, found once: transitions are many.
    const NO_LANE: u16 = u16::MAX;
    let lane_of: Vec<u16> = timeline
        .goroutines
        .iter()
        .map(|goroutine| place.get(&goroutine.name).copied().unwrap_or(NO_LANE))
        .collect();
    let width = ((timeline.end - timeline.start) / buckets as i64).max(1);
    // Whole buckets are counted by what changes at their borders, the rest by time.
    let mut partial = vec![vec![[0i64; 4]; buckets + 1]; functions.len()];
    let mut change = vec![vec![[0i64; 4]; buckets + 2]; functions.len()];
    // A product is quicker than a division. Where it is one bucket off at a border, the two parts of
    // the time are counted in the neighbour, and no time gets lost.
    let per_nanosecond = 1.0 / width as f64;
    let bucket_of =
        |time: i64| (((time - timeline.start) as f64 * per_nanosecond) as usize).min(buckets);
    let mut add = |goroutine: u32, state: GoState, begin: i64, end: i64| {
        let lane = lane_of[goroutine as usize];
        let Some(state) = state_index(state).filter(|_| lane != NO_LANE) else {
            return;
        };
        let lane = usize::from(lane);
        let (first, last) = (bucket_of(begin), bucket_of(end));
        if first == last {
            partial[lane][first][state] = partial[lane][first][state].saturating_add(end - begin);
        } else {
            partial[lane][first][state] = partial[lane][first][state].saturating_add(
                timeline
                    .start
                    .saturating_add((first as i64 + 1).saturating_mul(width))
                    - begin,
            );
            partial[lane][last][state] = partial[lane][last][state]
                .saturating_add(end - (timeline.start + last as i64 * width));
            change[lane][first + 1][state] += 1;
            change[lane][last][state] -= 1;
        }
    };
    for next in &timeline.transitions {
        if let Some((state, since)) = timeline.before(next) {
            add(next.goroutine, state, since, next.time);
        }
    }
    for (index, goroutine) in (0..).zip(&timeline.goroutines) {
        add(index, goroutine.state, goroutine.since, timeline.end);
    }
    functions
        .into_iter()
        .zip(partial.iter().zip(&change))
        .map(|((function, goroutines), (partial, change))| {
            let mut level = [0i64; 4];
            let buckets = (0..buckets)
                .map(|bucket| {
                    std::array::from_fn(|state| {
                        level[state] += change[bucket][state];
                        level[state] as f32 + partial[bucket][state] as f32 / width as f32
                    })
                })
                .collect();
            Density {
                function,
                goroutines,
                buckets,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(begin: i64, end: i64, state: GoState) -> Span {
        Span {
            begin,
            end,
            state,
            reason: 0,
            stack: 0,
            by: NOBODY,
            merged: 1,
        }
    }

    /// Merging keeps the covered time and the count, and leaves exact windows alone.
    #[test]
    fn merging_loses_no_time() {
        let spans: Vec<Span> = (0..10_000)
            .map(|index| {
                span(
                    index * 10,
                    index * 10 + 10,
                    if index % 3 == 0 {
                        GoState::Running
                    } else {
                        GoState::Waiting
                    },
                )
            })
            .collect();
        let merged = merge(spans.clone(), 200, &[(50_000, 50_100)]);
        assert!(merged.len() <= 200, "{}", merged.len());
        assert_eq!(
            merged.iter().map(|span| span.end - span.begin).sum::<i64>(),
            100_000
        );
        assert_eq!(merged.iter().map(|span| span.merged).sum::<u32>(), 10_000);
        let exact = merged
            .iter()
            .filter(|span| span.end >= 50_000 && span.begin <= 50_100);
        assert!(exact.clone().count() >= 10 && exact.clone().all(|span| span.merged == 1));
        assert!(merged.windows(2).all(|pair| pair[0].end == pair[1].begin));
        assert_eq!(merge(spans[..50].to_vec(), 200, &[]), spans[..50]);
    }
}
