//! Any bytes as a Go file, in each mode: a tree whose nodes lie in the file, and complaints.

#![no_main]

use goward_syntax::{Mode, dump, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| {
    for mode in [Mode::ImportsOnly, Mode::DeclarationsOnly, Mode::Full] {
        let tree = parse(source, mode);
        let length = source.len() as u32;
        for &declaration in tree.declarations() {
            for node in tree.preorder(declaration) {
                let span = tree.span(node);
                assert!(span.start <= span.end && span.end <= length);
            }
        }
        for diagnostic in tree.diagnostics() {
            assert!(diagnostic.span.start <= diagnostic.span.end);
            assert!(diagnostic.span.end <= length);
        }
        for comment in tree.comments() {
            assert!(source[comment.span.range()].starts_with(b"/"));
        }
        let _ = dump(&tree);
    }
});
