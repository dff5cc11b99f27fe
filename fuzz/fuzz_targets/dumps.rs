//! Any text is read as dumps without a panic, and what comes out is consistent.

#![no_main]

use goward_trace::dump;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let documents = dump::documents(text, &[]);
    let report = dump::read(&documents);
    for one in &report.dumps {
        assert!(one.original.is_none_or(|index| index < one.panics.len()));
        dump::cluster::clusters(&report, one);
        dump::wait::waits(&report, one);
        dump::access::other_sides(&report, one, &|_| None);
        for goroutine in &one.goroutines {
            dump::under_way(&report, goroutine);
        }
    }
});
