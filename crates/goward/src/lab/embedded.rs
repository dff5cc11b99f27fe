//! The Go files that the build script embedded, as pairs of relative path and text.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The text of an embedded file of the scenarios, such as `RESULTS.json`.
pub(crate) fn scenario_file(path: &str) -> Option<&'static str> {
    SCENARIOS
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, text)| *text)
}
