//! Everything the loader reads must come through on any text: go.mod, go.work, modules.txt, headers
//! of Go files with their build constraints, goward.toml. Places must lie in the text.

#![no_main]

use std::path::Path;

use goward_project::{
    BuildContext, Configuration, ModFileKind, parse_mod_file, parse_vendor_list, scan_header,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let header = scan_header(input);
    let build = BuildContext::new("linux", "amd64");
    for constraint in &header.constraints {
        constraint.evaluate(&|tag| build.has_tag(tag));
        constraint.go_version();
    }
    for import in &header.imports {
        assert!((import.offset as usize) < input.len());
    }
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let lines = text.split('\n').count();
    for kind in [
        ModFileKind::Main,
        ModFileKind::Dependency,
        ModFileKind::Work,
    ] {
        for error in parse_mod_file(text, kind).1 {
            assert!((1..=lines).contains(&(error.line as usize)));
        }
    }
    for (_, module) in parse_vendor_list(text).packages {
        assert!(module < parse_vendor_list(text).modules.len());
    }
    build.matches_file_name(text);
    if let Err(error) = Configuration::parse(text, Path::new("/p/goward.toml"), Path::new("/p")) {
        assert!(error.line as usize <= lines + 1);
    }
});
