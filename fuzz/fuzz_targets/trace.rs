//! The trace reader, its two printers, the analyses and the exports on arbitrary bytes: they must end
//! without a panic, and two threads must give what one gives. Nothing but a header is read of bytes that
//! have none, so these get one; traces to start from are in `crates/goward_trace/tests/traces`.
#![no_main]

use goward_trace::trace::summary::Summary;
use goward_trace::trace::{
    EventHash, Failure, Reader, Timeline, detail, exception, write_chrome, write_event,
    write_perfetto, write_wire_text,
};
use libfuzzer_sys::fuzz_target;

/// The hash of all events, and the verdict.
fn hash(mut reader: Reader) -> (u64, Option<Failure>) {
    let mut hash = EventHash::default();
    loop {
        match reader.next_event() {
            Ok(Some(_)) => {}
            Ok(None) => return (hash.value(), None),
            Err(failure) => return (hash.value(), Some(failure)),
        }
        if let Err(failure) = hash.add(&reader) {
            return (hash.value(), Some(failure));
        }
    }
}

/// The bytes with the header of a trace before them, if they have none.
fn with_header(data: &[u8]) -> Vec<u8> {
    if data.starts_with(b"go 1.") {
        return data.to_vec();
    }
    let version = ["22", "23", "25", "26"][usize::from(data.first().copied().unwrap_or(3)) % 4];
    let header = format!("go 1.{version} trace\0\0\0");
    [header.as_bytes(), data.get(1..).unwrap_or_default()].concat()
}

fuzz_target!(|data: &[u8]| {
    let data = &with_header(data);
    let source = || std::io::Cursor::new(data.to_vec());
    let _ = write_wire_text(data, |_| {});
    let (Ok(one), Ok(two), Ok(mut printed), Ok(mut summed)) = (
        Reader::new(source()),
        Reader::threaded(source()),
        Reader::new(source()),
        Reader::new(source()),
    ) else {
        return;
    };
    assert_eq!(hash(one), hash(two));
    let mut text = Vec::new();
    while let Ok(Some(_)) = printed.next_event() {
        text.clear();
        if write_event(&mut text, &printed, |_| 0).is_err() {
            break;
        }
    }
    let Ok(timeline) = Timeline::read(&mut summed) else {
        return;
    };
    let exceptions = exception::exceptions(&timeline);
    for group in exception::group(&timeline, &exceptions) {
        let _ = exception::path(&timeline, &exceptions[group.first]);
    }
    for task in 0..timeline.tasks.len() {
        let _ = exception::critical_path(&timeline, task);
    }
    let _ = Summary::of(&timeline, 40);
    let _ = detail::densities(&timeline, 100, 10);
    for goroutine in 0..timeline.goroutines.len() as u32 {
        let spans = detail::goroutine_spans(&timeline, goroutine, timeline.start, timeline.end);
        let _ = detail::merge(spans, 50, &[]);
    }
    write_perfetto(&timeline, &exceptions, 50, &mut std::io::sink()).expect("a write to nowhere");
    write_chrome(&timeline, &exceptions, 50, &mut std::io::sink()).expect("a write to nowhere");
});
