//! Any bytes are read as dumps without a panic, and what comes out is consistent.

#![no_main]

use goward_trace::dump;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let sieve = dump::Sieve::read(bytes, bytes.len(), 1 << 20).expect("bytes can be read");
    let text = sieve.text();
    let documents = dump::documents(&text, &sieve.steps);
    let report = dump::read(&documents);
    for one in &report.dumps {
        assert!(one.original.is_none_or(|index| index < one.panics.len()));
        dump::cluster::clusters(&report, one);
        dump::wait::Waits::find(&report, one, 0..one.goroutines.len());
        dump::access::other_sides(&report, one, &|_| None);
        for goroutine in &one.goroutines {
            dump::under_way(&report, goroutine);
        }
    }
});
