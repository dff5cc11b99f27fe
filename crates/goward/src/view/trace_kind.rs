//! What a file is that is no execution trace, so that the error can say it.

use std::path::Path;

use crate::forensics::snapshots;

/// How many bytes are looked at, decompressed.
const MOST: usize = 1 << 24;

/// What the file looks like and what reads it; nothing where it looks like nothing known.
pub(crate) fn what_it_is(path: &Path) -> Option<String> {
    let bytes = snapshots::bytes(path, MOST).ok()?;
    if let Some(Ok(profile)) = snapshots::profile(&bytes) {
        return Some(format!(
            "it is a {} profile; try `goward profile`",
            profile.kind().name()
        ));
    }
    if bytes.starts_with(b"go 1.") {
        return Some("it is a packed trace; unpack it first".to_owned());
    }
    let first = bytes.trim_ascii_start();
    for (start, what) in [
        (&b"\x7fELF"[..], "it is a program"),
        (b"MZ", "it is a program"),
        (b"PK\x03\x04", "it is a zip archive; unpack it first"),
        (b"{", "it is JSON"),
        (b"[", "it is JSON"),
        (b"<", "it is HTML or XML"),
    ] {
        if first.starts_with(start) {
            return Some(what.to_owned());
        }
    }
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 20)]);
    let dump = ["panic: ", "fatal error: ", "goroutine ", "SIGQUIT"]
        .iter()
        .any(|sign| text.lines().any(|line| line.starts_with(sign)));
    if dump {
        return Some("it is a goroutine dump; try `goward crash`".to_owned());
    }
    (!bytes.is_empty() && !bytes.contains(&0)).then(|| "it is text".to_owned())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test writes the files")]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_trace_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../goward_trace/tests/traces");
        let of = |content: &[u8]| {
            let path = folder.path().join("file");
            std::fs::write(&path, content).expect("a file");
            what_it_is(&path)
        };
        let named = |content: &[u8]| of(content).unwrap_or_default();
        assert_eq!(
            what_it_is(&traces.join("service-go126-fused.pb.gz")).as_deref(),
            Some("it is a goroutine profile; try `goward profile`")
        );
        assert_eq!(
            named(b"panic: boom\n\ngoroutine 1 [running]:\n"),
            "it is a goroutine dump; try `goward crash`"
        );
        assert_eq!(named(b"\x7fELF\x02"), "it is a program");
        assert_eq!(named(b" {\"a\": 1}"), "it is JSON");
        assert_eq!(named(b"<!doctype html>"), "it is HTML or XML");
        assert_eq!(named(b"one line of a log\n"), "it is text");
        assert_eq!(of(b""), None);
        assert_eq!(of(b"\x00\x01\x02"), None);
    }
}
