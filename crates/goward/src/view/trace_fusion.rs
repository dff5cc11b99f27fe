//! Goroutine dumps put on the clock of a trace: each becomes a marker, and each of its groups of
//! goroutines is compared with what the trace knows of the same goroutines at that moment.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use goward_trace::trace::timeline::NOBODY;
use goward_trace::trace::{GoState, Timeline};
use goward_trace::{dump, profile};
use serde::Serialize;

use super::trace_text::duration;
use crate::forensics::{input, snapshots};

/// How many bytes of a dump or profile are read, decompressed.
const MOST: usize = 1 << 28;

/// Goroutines of a dump that wait in the same way at the same place.
#[derive(Serialize)]
pub(crate) struct Group {
    pub(crate) count: usize,
    /// State and function.
    pub(crate) title: String,
    /// What the trace says of them.
    pub(crate) trace: String,
}

/// A dump or profile at its moment.
#[derive(Serialize)]
pub(crate) struct Marker {
    pub(crate) label: String,
    /// Nanoseconds from the start of the trace.
    pub(crate) at: i64,
    pub(crate) when: String,
    pub(crate) matched: String,
    pub(crate) groups: Vec<Group>,
}

/// The state of a goroutine at a moment, and since when.
fn state_at(timeline: &Timeline, goroutine: u32, time: i64) -> Option<(GoState, i64, String)> {
    let behind = timeline
        .transitions
        .partition_point(|change| change.time <= time);
    let last = timeline.last_until(goroutine, u32::try_from(behind).ok()?.checked_sub(1)?);
    let change = timeline.transitions.get(last as usize)?;
    Some((
        change.state,
        change.time,
        timeline.reason(change.reason).to_owned(),
    ))
}

/// The moment in a trace at which a file was written, by the clocks in the trace; or the moment that
/// the user gave in seconds from its start.
fn moment(timeline: &Timeline, path: &Path, given: Option<f64>) -> anyhow::Result<(i64, String)> {
    let (time, how) = match given {
        Some(seconds) => {
            anyhow::ensure!(
                seconds.is_finite(),
                "--profile-time takes seconds from the start of the trace"
            );
            let offset = (seconds * 1e9) as i64;
            (timeline.start.saturating_add(offset), "given")
        }
        None => (time_of_file(timeline, path)?, "by the file's time"),
    };
    let offset = time.saturating_sub(timeline.start);
    let text = if time > timeline.end {
        format!(
            "{} after the end of the trace ({how})",
            duration(time - timeline.end)
        )
    } else if offset < 0 {
        format!(
            "{} before the trace ({how})",
            duration(offset.saturating_neg())
        )
    } else {
        format!("+{} ({how})", duration(offset))
    };
    Ok((time.clamp(timeline.start, timeline.end), text))
}

fn time_of_file(timeline: &Timeline, path: &Path) -> anyhow::Result<i64> {
    let written = path
        .metadata()
        .and_then(|data| data.modified())
        .with_context(|| {
            format!(
                "cannot tell when {} was written; give --profile-time",
                path.display()
            )
        })?;
    let wall = written
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as i64);
    let Some(time) = timeline.time_of_wall(wall) else {
        anyhow::bail!(
            "the trace has no wall clock (only Go 1.25 and later write one); give --profile-time SECONDS for {}",
            path.display()
        );
    };
    Ok(time)
}

/// Reads a dump with goroutine numbers (`debug=2`, a crash, SIGQUIT) and compares it with the trace.
pub(crate) fn dump_marker(
    timeline: &Timeline,
    path: &Path,
    given: Option<f64>,
) -> anyhow::Result<Marker> {
    let sieve = input::sieve(path, MOST)?;
    let text = sieve.text();
    let documents = dump::documents(&text, &sieve.steps);
    let report = dump::read(&documents);
    let (time, when) = moment(timeline, path, given)?;
    let mut groups: std::collections::BTreeMap<(String, String), Vec<u64>> =
        std::collections::BTreeMap::new();
    let (mut total, mut known) = (0, 0);
    for goroutine in report.dumps.iter().flat_map(|dump| &dump.goroutines) {
        let stack = report.stack(goroutine);
        let place = report
            .own_frame(stack)
            .or(stack.last().map(|call| call.frame))
            .map_or_else(String::new, |frame| report.frame(frame).function.to_owned());
        groups
            .entry((goroutine.state.to_owned(), place))
            .or_default()
            .push(goroutine.id);
    }
    if groups.is_empty() {
        anyhow::bail!(
            "{} has no goroutines with numbers; `goward trace` can use debug=2 listings and crash dumps",
            path.display()
        );
    }
    let mut all = Vec::new();
    for ((state, place), ids) in groups {
        total += ids.len();
        let mut same = 0;
        let mut states: std::collections::BTreeMap<String, usize> =
            std::collections::BTreeMap::new();
        let mut longest = 0;
        for id in &ids {
            let found = i64::try_from(*id).ok().and_then(|id| timeline.find(id));
            let Some((trace_state, since, reason)) =
                found.and_then(|index| state_at(timeline, index, time))
            else {
                continue;
            };
            same += 1;
            longest = longest.max(time - since);
            let name = if reason.is_empty() {
                trace_state.name().to_lowercase()
            } else {
                reason
            };
            *states.entry(name).or_default() += 1;
        }
        known += same;
        let states: Vec<String> = states
            .iter()
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        let trace = if same == 0 {
            "not in the trace".to_owned()
        } else {
            format!(
                "in the trace: {}; longest for {}",
                states.join(", "),
                duration(longest)
            )
        };
        all.push(Group {
            count: ids.len(),
            title: format!("{state} in {place}"),
            trace,
        });
    }
    all.sort_by(|one, other| {
        other
            .count
            .cmp(&one.count)
            .then_with(|| one.title.cmp(&other.title))
    });
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Marker {
        label: format!("dump {name}"),
        at: time - timeline.start,
        when,
        matched: format!("{known} of {total} goroutines are in the trace"),
        groups: all,
    })
}

/// Goroutines that wait in the same way.
#[derive(Default)]
struct Waiting {
    count: usize,
    /// Nanoseconds.
    longest: i64,
}

impl Waiting {
    fn add(&mut self, nanoseconds: i64) {
        self.count += 1;
        self.longest = self.longest.max(nanoseconds);
    }
}

/// Reads a goroutine profile (pprof, or the text of debug=1) and compares its stacks with those of the
/// goroutines that wait in the trace at that moment. Profiles have no goroutine numbers.
pub(crate) fn profile_marker(
    timeline: &Timeline,
    path: &Path,
    given: Option<f64>,
) -> anyhow::Result<Marker> {
    let bytes = snapshots::bytes(path, MOST)?;
    let read = snapshots::profile(&bytes)
        .with_context(|| {
            format!(
                "{} is not a pprof profile, nor the text of one",
                path.display()
            )
        })?
        .with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(
        matches!(
            read.kind(),
            profile::Kind::Goroutine | profile::Kind::GoroutineLeak
        ),
        "{} is a {} profile; goward trace compares goroutine profiles",
        path.display(),
        read.kind().name()
    );
    let taken = (read.time_nanos != 0 && given.is_none())
        .then(|| timeline.time_of_wall(read.time_nanos))
        .flatten();
    let (time, when) = match taken {
        Some(time) => (
            time.clamp(timeline.start, timeline.end),
            format!(
                "+{} (by the profile's own time)",
                duration(time - timeline.start)
            ),
        ),
        None => moment(timeline, path, given)?,
    };
    // What the trace's goroutines do at that moment, by the lines of their stacks, and by their
    // functions alone.
    let behind = timeline
        .transitions
        .partition_point(|change| change.time <= time) as u32;
    let mut by_line: HashMap<Vec<(&str, u32)>, Waiting> = HashMap::new();
    let mut by_function: HashMap<Vec<&str>, Waiting> = HashMap::new();
    for index in 0..timeline.goroutines.len() as u32 {
        let last = match behind {
            0 => NOBODY,
            behind => timeline.last_until(index, behind - 1),
        };
        let Some(change) = timeline.transitions.get(last as usize) else {
            continue;
        };
        if change.state != GoState::Waiting {
            continue;
        }
        let symbols = &timeline.symbols;
        let lines: Vec<(&str, u32)> = symbols
            .stack(change.stack)
            .iter()
            .map(|&frame| (symbols.function(frame), symbols.place(frame).line))
            .filter(|(name, _)| !name.starts_with("runtime."))
            .collect();
        let functions = lines.iter().map(|&(name, _)| name).collect();
        by_line.entry(lines).or_default().add(time - change.time);
        by_function
            .entry(functions)
            .or_default()
            .add(time - change.time);
    }
    let column = read.column(None).unwrap_or(0);
    let (mut total, mut known) = (0, 0);
    let mut groups = Vec::new();
    for (stack, count) in read.by_stack(column) {
        let count = usize::try_from(count).unwrap_or(0);
        let lines: Vec<(&str, u32)> = read
            .stack(stack)
            .iter()
            .map(|&line| (read.function(line).name.as_str(), line.line))
            .filter(|(name, _)| !name.starts_with("runtime."))
            .collect();
        let functions: Vec<&str> = lines.iter().map(|&(name, _)| name).collect();
        total += count;
        let found = by_line
            .get(&lines)
            .map(|waiting| (waiting, "at this place"))
            .or_else(|| {
                let waiting = by_function.get(&functions)?;
                Some((waiting, "in these functions"))
            });
        let trace = match found {
            Some((waiting, how)) => {
                known += count.min(waiting.count);
                format!(
                    "in the trace: {} {} {how}; longest for {}",
                    waiting.count,
                    if waiting.count == 1 { "waits" } else { "wait" },
                    duration(waiting.longest)
                )
            }
            None => "nobody in the trace waits with this stack".to_owned(),
        };
        let title = functions
            .iter()
            .find(|name| !name.starts_with("internal/") && !name.starts_with("sync."))
            .or(functions.first())
            .map_or_else(|| "the runtime".to_owned(), |name| (*name).to_owned());
        groups.push(Group {
            count,
            title,
            trace,
        });
    }
    groups.sort_by(|one, other| {
        other
            .count
            .cmp(&one.count)
            .then_with(|| one.title.cmp(&other.title))
    });
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Marker {
        label: format!("profile {name}"),
        at: time - timeline.start,
        when,
        matched: format!("{known} of {total} goroutines wait with the same stack in the trace"),
        groups,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use goward_trace::trace::Reader;

    /// A profile and a dump of the program that wrote the trace, taken while it ran.
    #[test]
    fn profiles_and_dumps_find_their_goroutines_in_the_trace() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../goward_trace/tests/traces");
        let bytes =
            crate::files::read(&folder.join("service-go126-fused.trace")).expect("the trace");
        let mut reader = Reader::new(std::io::Cursor::new(bytes)).expect("a trace");
        let timeline = Timeline::read(&mut reader).expect("a timeline");
        let profile = folder.join("service-go126-fused.pb.gz");
        let marker = profile_marker(&timeline, &profile, None).expect("a profile");
        assert!(
            marker.when.contains("by the profile's own time"),
            "{}",
            marker.when
        );
        assert!((0..=timeline.end - timeline.start).contains(&marker.at));
        let waiting = marker
            .groups
            .iter()
            .find(|group| group.title == "main.wait");
        assert!(waiting.is_some_and(|group| group.trace.starts_with("in the trace:")));
        let dump = dump_marker(
            &timeline,
            &folder.join("service-go126-fused.txt"),
            Some(0.01),
        )
        .expect("a dump");
        assert!(
            dump.groups
                .iter()
                .any(|group| group.trace.starts_with("in the trace:"))
        );
        let refused = profile_marker(&timeline, &folder.join("README.md"), Some(0.0));
        assert!(refused.is_err_and(|error| error.to_string().contains("not a pprof profile")));
    }
}
