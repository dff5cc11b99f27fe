//! Writes a timeline in the formats of other viewers.
//!
//! Both formats get the same lanes: what each processor runs (all of the trace), the states of the
//! goroutines that matter most (viewers do not survive a lane for each of a million), collections,
//! stops, tasks, regions, logs, CPU samples and the heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use rustc_hash::FxHashSet;

use super::event::{GoState, NONE};
use super::exception::Exception;
use super::processor_lanes::processor_lanes;
use super::symbols::StringId;
use super::timeline::{NOBODY, Timeline, Transition};

mod chrome;
mod perfetto;

/// A lane of the exported trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    Processor(u16),
    /// By index of the goroutine.
    Goroutine(u32),
    /// The regions of a goroutine.
    Regions(u32),
    /// By index of the task.
    Task(u32),
    Collector,
    Stops,
}

/// A text of an event. Formats with tables of texts go by its number, which is quicker.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    /// The same for the same text, and not much larger than how many texts there are.
    pub(crate) number: Option<u32>,
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Text { text, number: None }
    }
}

/// What a format must write.
pub(crate) trait Sink {
    fn lane(&mut self, lane: Lane, name: &str) -> io::Result<()>;
    /// A stretch of time; `detail` may be empty.
    fn slice(
        &mut self,
        lane: Lane,
        begin: i64,
        end: i64,
        name: Text<'_>,
        detail: Text<'_>,
    ) -> io::Result<()>;
    fn instant(
        &mut self,
        lane: Lane,
        time: i64,
        name: Text<'_>,
        detail: Text<'_>,
    ) -> io::Result<()>;
    fn counter(&mut self, name: &str, time: i64, value: u64) -> io::Result<()>;
    /// An arrow from one lane to another.
    fn arrow(&mut self, number: u64, from: (Lane, i64), to: (Lane, i64)) -> io::Result<()>;
    fn finish(&mut self) -> io::Result<()>;
}

/// Writes the timeline in the format of Chrome's trace viewer (JSON).
///
/// # Errors
///
/// If writing fails.
pub fn write_chrome(
    timeline: &Timeline,
    exceptions: &[Exception],
    goroutines: usize,
    // Not generic: then it would be compiled in crates that are built for size.
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut sink = chrome::Chrome::new(timeline.start, out)?;
    write(timeline, exceptions, goroutines, &mut sink)
}

/// Writes the timeline as a Perfetto trace (protobuf).
///
/// # Errors
///
/// If writing fails.
pub fn write_perfetto(
    timeline: &Timeline,
    exceptions: &[Exception],
    goroutines: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut sink = perfetto::Perfetto::new(out)?;
    write(timeline, exceptions, goroutines, &mut sink)
}

/// The goroutines that matter most, at most `limit`: those of exceptions and of the causes of the
/// rarest exceptions, then by how much they did.
pub fn interesting_goroutines(
    timeline: &Timeline,
    exceptions: &[Exception],
    limit: usize,
) -> Vec<u32> {
    let mut chosen = Vec::new();
    let mut known = FxHashSet::default();
    let mut choose = |goroutine: u32, chosen: &mut Vec<u32>| {
        if goroutine != NOBODY && chosen.len() < limit && known.insert(goroutine) {
            chosen.push(goroutine);
        }
    };
    for group in super::exception::group(timeline, exceptions)
        .iter()
        .take(20)
    {
        let exception = &exceptions[group.first];
        choose(exception.goroutine, &mut chosen);
        let path = super::exception::path(timeline, exception);
        for id in path
            .steps
            .iter()
            .filter_map(|step| step.by)
            .chain(path.hits.iter().map(|hit| hit.goroutine))
        {
            choose(timeline.find(id).unwrap_or(NOBODY), &mut chosen);
        }
    }
    for exception in exceptions.iter().take(limit / 4) {
        choose(exception.goroutine, &mut chosen);
    }
    // The busiest so far, the least busy of them on top. Nearly all goroutines are compared with that
    // one and left.
    let mut busiest = BinaryHeap::new();
    for (index, goroutine) in (0u32..).zip(&timeline.goroutines) {
        let key = (
            Reverse(goroutine.totals[0]),
            Reverse(goroutine.transitions),
            index,
        );
        if busiest.len() < limit {
            busiest.push(key);
        } else if let Some(mut last) = busiest.peek_mut()
            && key < *last
        {
            *last = key;
        }
    }
    for (_, _, index) in busiest.into_sorted_vec() {
        choose(index, &mut chosen);
    }
    chosen
}

fn write(
    timeline: &Timeline,
    exceptions: &[Exception],
    limit: usize,
    sink: &mut impl Sink,
) -> io::Result<()> {
    let symbols = &timeline.symbols;
    let chosen = interesting_goroutines(timeline, exceptions, limit);
    let mut shown = vec![false; timeline.goroutines.len()];
    for processor in 0..timeline.processors.min(u64::from(u16::MAX)) as u16 {
        sink.lane(Lane::Processor(processor), &format!("P {processor}"))?;
    }
    // Viewers get slow with millions of slices, so what is too short to be seen is merged.
    const PIECES: usize = 200_000;
    for (processor, pieces) in processor_lanes(timeline).iter().enumerate() {
        let lane = Lane::Processor(processor as u16);
        for (begin, end, goroutine, merged) in pieces.merged(timeline, PIECES) {
            let id = timeline
                .goroutines
                .get(goroutine as usize)
                .map_or(NONE, |known| known.id);
            let detail = if merged > 1 {
                format!("G {id} and {} more", merged - 1)
            } else {
                format!("G {id}")
            };
            sink.slice(
                lane,
                begin,
                end,
                timeline.name(goroutine).into(),
                detail.as_str().into(),
            )?;
        }
    }
    sink.lane(Lane::Collector, "GC mark phase")?;
    sink.lane(Lane::Stops, "Stop the world")?;
    for &index in &chosen {
        shown[index as usize] = true;
        let id = timeline.goroutines[index as usize].id;
        sink.lane(
            Lane::Goroutine(index),
            &format!("G {id} {}", timeline.name(index)),
        )?;
    }
    for (number, change) in timeline.transitions.iter().enumerate() {
        if !shown[change.goroutine as usize] {
            continue;
        }
        if let Some(before) = timeline.transitions.get(change.previous as usize) {
            goroutine_slice(timeline, before, change.time, sink)?;
        }
        if change.by != NOBODY && shown[change.by as usize] {
            let from = (Lane::Goroutine(change.by), change.time);
            sink.arrow(
                number as u64 + 1,
                from,
                (Lane::Goroutine(change.goroutine), change.time),
            )?;
        }
    }
    for (goroutine, &shown) in timeline.goroutines.iter().zip(&shown) {
        if shown && let Some(last) = timeline.transitions.get(goroutine.last as usize) {
            goroutine_slice(timeline, last, timeline.end, sink)?;
        }
    }
    for stretch in &timeline.collections {
        sink.slice(
            Lane::Collector,
            stretch.begin,
            stretch.end,
            "GC mark phase".into(),
            "".into(),
        )?;
    }
    for stretch in &timeline.stops {
        sink.slice(
            Lane::Stops,
            stretch.begin,
            stretch.end,
            symbols.text(stretch.kind).into(),
            "".into(),
        )?;
    }
    for (index, task) in timeline.tasks.iter().enumerate().take(limit) {
        let lane = Lane::Task(index as u32);
        let name = symbols.text(task.name);
        sink.lane(lane, &format!("Task {} {name}", task.id))?;
        sink.slice(
            lane,
            task.begin.unwrap_or(timeline.start),
            task.end.unwrap_or(timeline.end),
            name.into(),
            "".into(),
        )?;
    }
    let mut with_regions = FxHashSet::default();
    for region in timeline.regions.iter().filter(|region| {
        shown
            .get(region.goroutine as usize)
            .is_some_and(|&shown| shown)
    }) {
        let lane = Lane::Regions(region.goroutine);
        if with_regions.insert(region.goroutine) {
            let id = timeline.goroutines[region.goroutine as usize].id;
            sink.lane(lane, &format!("G {id} regions"))?;
        }
        sink.slice(
            lane,
            region.begin,
            region.end,
            string(timeline, region.name),
            "".into(),
        )?;
    }
    for log in timeline.logs.iter().filter(|log| {
        shown
            .get(log.goroutine as usize)
            .is_some_and(|&shown| shown)
    }) {
        let lane = Lane::Goroutine(log.goroutine);
        sink.instant(
            lane,
            log.time,
            symbols.text(log.category).into(),
            symbols.text(log.message).into(),
        )?;
    }
    for sample in timeline
        .samples
        .iter()
        .filter(|sample| sample.processor != u16::MAX)
    {
        let place = symbols
            .stack(sample.stack)
            .first()
            .map_or("", |&frame| symbols.function(frame));
        sink.instant(
            Lane::Processor(sample.processor),
            sample.time,
            "CPU sample".into(),
            place.into(),
        )?;
    }
    for &(time, value) in &timeline.heap {
        sink.counter("Heap in use (bytes)", time, value)?;
    }
    for &(time, value) in &timeline.goal {
        sink.counter("Heap goal (bytes)", time, value)?;
    }
    sink.finish()
}

/// The state of a goroutine between two of its transitions.
fn goroutine_slice(
    timeline: &Timeline,
    before: &Transition,
    end: i64,
    sink: &mut impl Sink,
) -> io::Result<()> {
    if before.state == GoState::NotExist {
        return Ok(());
    }
    let symbols = &timeline.symbols;
    let place = symbols
        .stack(before.stack)
        .first()
        .map_or(0, |&frame| symbols.place(frame).function);
    let reason = timeline
        .reasons
        .get(usize::from(before.reason))
        .copied()
        .unwrap_or(0);
    let name = if before.state == GoState::Waiting && reason != 0 {
        string(timeline, reason)
    } else {
        Text {
            text: before.state.name(),
            number: Some(symbols.string_count() as u32 + before.state as u32),
        }
    };
    sink.slice(
        Lane::Goroutine(before.goroutine),
        timeline.since(before),
        end,
        name,
        string(timeline, place),
    )
}

fn string(timeline: &Timeline, id: StringId) -> Text<'_> {
    Text {
        text: timeline.symbols.text(id),
        number: Some(id),
    }
}
