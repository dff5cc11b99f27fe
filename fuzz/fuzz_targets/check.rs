//! Any bytes as a Go package: the checker comes to an end, and what it says can be printed. Programs
//! that almost compile are the best start; Go has some:
//!
//!     mkdir -p corpus/check
//!     cargo +nightly fuzz run check corpus/check $(go env GOROOT)/src/internal/types/testdata/fixedbugs

#![no_main]

use goward_syntax::{Mode, parse};
use goward_types::{
    Checker, File, GoVersion, Importer, PackageId, Settings, Sizes, World, dump_facts,
};
use libfuzzer_sys::fuzz_target;

/// Only package `unsafe` is there.
struct UnsafeOnly;

impl Importer for UnsafeOnly {
    fn import(&self, path: &str) -> Option<PackageId> {
        (path == "unsafe").then_some(PackageId::UNSAFE)
    }
}

fn check(source: &[u8]) {
    let world = World::new(Sizes::for_architecture("amd64"));
    for (mode, no_facts) in [(Mode::DeclarationsOnly, true), (Mode::Full, false)] {
        let tree = parse(source, mode);
        let package = world.new_package("p", vec!["source.go".to_owned()], false);
        let file = File {
            tree: &tree,
            source,
            version: GoVersion(26),
        };
        let settings = Settings {
            ignore_function_bodies: no_facts,
            no_facts,
        };
        let checked = Checker::check(&world, package, vec![file], &UnsafeOnly, settings);
        let length = source.len() as u32;
        for error in &checked.errors {
            assert!(error.span.start <= error.span.end && error.span.end <= length);
        }
        dump_facts(&world, package, &checked.facts, &[&tree]);
    }
}

fuzz_target!(|source: &[u8]| {
    // With sanitizers frames are large; goward itself checks on stacks of this size, too.
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(1 << 30)
            .spawn_scoped(scope, || check(source))
            .expect("a thread starts")
            .join()
            .expect("no panic");
    });
});
