//! The trace reader and its two printers on arbitrary bytes: they must end without a panic, and two
//! threads must give what one gives.
#![no_main]

use goward_trace::trace::{EventHash, Reader, Timeline, write_event, write_wire_text};
use libfuzzer_sys::fuzz_target;

fn hash(mut reader: Reader) -> u64 {
    let mut hash = EventHash::default();
    while let Ok(Some(_)) = reader.next_event() {
        if hash.add(&reader).is_err() {
            break;
        }
    }
    hash.value()
}

fuzz_target!(|data: &[u8]| {
    let source = || std::io::Cursor::new(data.to_vec());
    let _ = write_wire_text(data, |_| {});
    let (Ok(one), Ok(two), Ok(mut printed), Ok(mut summed)) =
        (Reader::new(source()), Reader::threaded(source()), Reader::new(source()), Reader::new(source()))
    else {
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
    let _ = Timeline::read(&mut summed);
});
