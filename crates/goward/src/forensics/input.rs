//! Reads the commands' inputs: files, standard input, gzip and zstd, with a limit on memory.

use std::path::Path;

use anyhow::Context;
use goward_trace::dump::Sieve;

/// Reads what a dump reader needs of a file, or of standard input for `-`.
pub(crate) fn sieve(path: &Path, most: usize) -> anyhow::Result<Sieve> {
    let name = path.display();
    if path == Path::new("-") {
        return super::unpack::plain(std::io::stdin().lock())
            .and_then(|plain| Sieve::read(plain, 0, most))
            .context("cannot read standard input");
    }
    let size = std::fs::metadata(path)
        .with_context(|| format!("cannot read {name}"))?
        .len();
    anyhow::ensure!(
        !path.is_dir(),
        "{name} is a folder without {}; give a file, or a bundle that blackbox wrote",
        super::bundle::DUMP
    );
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
    // The plain size is the file's unless it is compressed; then it is not known.
    let sieve = super::unpack::plain(file)
        .and_then(|plain| Sieve::read(plain, usize::try_from(size).unwrap_or(0), most))
        .with_context(|| format!("cannot read {name}"))?;
    Ok(sieve)
}

/// Names a file that holds something else than text, from its first bytes.
pub(crate) fn wrong_format(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"go 1.") && bytes[..bytes.len().min(16)].ends_with(b"\0") {
        Some("an execution trace: use `goward trace`")
    } else if bytes.starts_with(&[0x1f, 0x8b]) || bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Some("compressed twice")
    } else if let Some(what) = profile(bytes) {
        Some(what)
    } else if bytes.starts_with(b"\x7fELF") {
        Some("a program, not its output (for a core file, run `go tool nm` or a debugger)")
    } else if bytes.starts_with(b"PK\x03\x04") {
        Some("a zip archive: unpack it first")
    } else {
        None
    }
}

/// Names a profile, also from its first part only.
fn profile(bytes: &[u8]) -> Option<&'static str> {
    use goward_trace::profile::{Kind, read};
    if !bytes.contains(&0) {
        return None;
    }
    match read(bytes) {
        Ok(profile) => Some(match profile.kind() {
            Kind::Cpu => "a CPU profile: use `goward profile`",
            Kind::Heap => "a heap profile: use `goward profile`",
            Kind::Block => "a block profile: use `goward profile`",
            Kind::Mutex => "a mutex profile: use `goward profile`",
            Kind::BlockOrMutex => "a block or mutex profile: use `goward profile`",
            Kind::Goroutine | Kind::GoroutineLeak => {
                "a goroutine profile: use `goward leaks` or `goward profile`"
            }
            Kind::Other => "a pprof profile: use `goward profile`",
        }),
        // Every field up to there was well formed.
        Err(error) if error.at > 256 => Some("a pprof profile: use `goward profile`"),
        Err(_) => None,
    }
}
