//! Any bytes are read as a profile, or refused, without a panic.

#![no_main]

use goward_trace::{leaks, profile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = profile::read(bytes) {
        for column in 0..read.types.len() {
            profile::top::top(&read, column);
        }
        profile::top::folded(&read, 0);
        leaks::from_profile(&read, "fuzz");
    }
    let text = String::from_utf8_lossy(bytes);
    profile::read_text(&text);
    leaks::gctrace::convergence(&leaks::gctrace::read(&text));
});
