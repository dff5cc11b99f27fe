//! The timeline, its exceptions and its exports on a trace of Go 1.26 (made by
//! `xtask/go/traceload`, in which parts of orders cancel each other).
#![expect(clippy::disallowed_methods, reason = "tests read files")]

use goward_trace::trace::exception::{self, Kind};
use goward_trace::trace::summary::Summary;
use goward_trace::trace::{Reader, Timeline, detail, write_chrome, write_perfetto};

fn timeline() -> Timeline {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/traces/service-go126.trace"
    );
    let source = std::io::Cursor::new(std::fs::read(path).expect("the trace of Go 1.26"));
    Timeline::read(&mut Reader::new(source).expect("a trace")).expect("a timeline")
}

#[test]
fn goroutines_spend_all_their_time_in_some_state() {
    let timeline = timeline();
    assert_eq!(timeline.events, 3457);
    for goroutine in &timeline.goroutines {
        let creation = timeline.creation(goroutine);
        let from = creation.map_or(timeline.start, |creation| creation.time);
        let to = timeline.ended(goroutine).unwrap_or(timeline.end);
        let total: i64 = goroutine.totals.iter().sum();
        assert!(
            total <= to - from,
            "goroutine {} spent {total} of {}",
            goroutine.id,
            to - from
        );
        if creation.is_some() {
            assert_eq!(total, to - from, "goroutine {}", goroutine.id);
        }
        let index = timeline.find(goroutine.id).expect("an index");
        let spans = detail::goroutine_spans(&timeline, index, timeline.start, timeline.end);
        assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].begin));
        let shown: i64 = spans.iter().map(|span| span.end - span.begin).sum();
        assert_eq!(shown, total, "goroutine {}", goroutine.id);
    }
    // The same for all of them in one pass.
    let all: Vec<u32> = (0..timeline.goroutines.len() as u32).rev().collect();
    let mut lanes = 0;
    for (&index, spans) in all.iter().zip(detail::spans_of(&timeline, &all)) {
        let alone = detail::goroutine_spans(&timeline, index, timeline.start, timeline.end);
        assert_eq!(spans, alone, "goroutine {index}");
        lanes += 1;
    }
    assert_eq!(lanes, all.len());
}

#[test]
fn a_cancellation_names_who_cancelled_and_whom_it_woke() {
    let timeline = timeline();
    let all = exception::exceptions(&timeline);
    let groups = exception::group(&timeline, &all);
    let logged = groups
        .iter()
        .find(|group| group.kind == Kind::Cancel && group.message.starts_with("cause=part"))
        .expect("a logged cancellation");
    assert_eq!(logged.count, 4);
    let origin = logged.origin.as_ref().expect("an origin");
    assert_eq!(origin.function, "main.pick.func1");
    let path = exception::path(&timeline, &all[logged.first]);
    assert!(!path.steps.is_empty());
    // Each step goes back in time, and to the one who caused the step before.
    for pair in path.steps.windows(2) {
        assert!(pair[1].from <= pair[0].from);
        assert_eq!(pair[0].by, Some(pair[1].goroutine));
    }
}

#[test]
fn the_summary_counts_what_the_program_did() {
    let summary = Summary::of(&timeline(), 50);
    let count = |all: &[goward_trace::trace::summary::Durations], name: &str| {
        all.iter()
            .find(|one| one.name == name)
            .map_or(0, |one| one.count + one.open)
    };
    let orders = summary
        .logs
        .iter()
        .find(|(category, _)| category == "order")
        .map_or(0, |log| log.1);
    assert!(orders > 0);
    assert_eq!(count(&summary.tasks, "order"), orders);
    assert_eq!(count(&summary.regions, "look up"), orders);
    assert!(summary.groups.iter().any(|group| {
        group
            .function
            .starts_with("main.pick via sync.(*WaitGroup).Go")
    }));
}

#[test]
fn the_critical_path_of_a_task_covers_it_without_gaps() {
    let timeline = timeline();
    let (index, task) = timeline
        .tasks
        .iter()
        .enumerate()
        .filter(|(_, task)| task.begin.is_some() && task.end.is_some())
        .max_by_key(|(_, task)| task.end.unwrap_or(0) - task.begin.unwrap_or(0))
        .expect("a task");
    let pieces = exception::critical_path(&timeline, index);
    assert!(pieces.windows(2).all(|pair| pair[0].to == pair[1].from));
    assert_eq!(
        pieces.last().map(|piece| piece.to + timeline.start),
        task.end
    );
}

#[test]
fn both_exports_hold_every_lane() {
    let timeline = timeline();
    let all = exception::exceptions(&timeline);
    let mut chrome = Vec::new();
    write_chrome(&timeline, &all, 50, &mut chrome).expect("a write to memory");
    let text = String::from_utf8(chrome).expect("JSON is UTF-8");
    assert!(
        text.starts_with("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[") && text.ends_with("]}\n")
    );
    assert!(text.contains("\"P 0\"") && text.contains("main.main") && text.contains("cause=part"));
    let mut perfetto = Vec::new();
    write_perfetto(&timeline, &all, 50, &mut perfetto).expect("a write to memory");
    // The file is nothing but packets: field 1 of the trace, each with its length.
    let (mut position, mut packets) = (0, 0);
    while position < perfetto.len() {
        assert_eq!(perfetto[position], 0x0a);
        position += 1;
        let length = goward_trace::trace::wire::varint(&perfetto, &mut position).expect("a length");
        position += length as usize;
        packets += 1;
    }
    assert_eq!(position, perfetto.len());
    assert!(packets > 1000);
}
