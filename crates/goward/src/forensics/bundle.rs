//! Bundles that the Go package `blackbox` writes: folders whose files have fixed names.

use std::path::{Path, PathBuf};

/// The goroutines at the moment of the event, as text.
pub(crate) const DUMP: &str = "dump.txt";
/// The goroutine profile, as `profile.proto`.
pub(crate) const GOROUTINES: &str = "goroutine.pb.gz";

/// The file of a bundle, if the path is a bundle that has it; else the path itself.
pub(crate) fn member(path: &Path, name: &str) -> PathBuf {
    let inside = path.join(name);
    if path.is_dir() && inside.is_file() {
        inside
    } else {
        path.to_owned()
    }
}
