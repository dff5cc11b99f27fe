//! Reads the sources of `goward leaks`: profiles, texts, dumps, bundles, gctrace logs, folders.

#![expect(
    clippy::disallowed_methods,
    reason = "the sources that the user named are read here"
)]

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use goward_trace::dump;
use goward_trace::leaks::gctrace::{self, Cycle};
use goward_trace::leaks::{Snapshot, from_profile, from_report};
use goward_trace::profile::{self, Profile};

use super::{bundle, input, unpack};

/// What one source gave.
pub(crate) enum Source {
    /// Goroutines at one or more moments.
    Snapshots(Vec<Snapshot>),
    /// Garbage collections.
    Collections(Vec<Cycle>),
}

/// Folders in folders deeper than this are passed over.
const DEEPEST: usize = 8;

/// The files behind the sources: folders are listed by name, with the folders in them (one for each
/// instance or day, say), and bundles stand for themselves.
pub(crate) fn files(sources: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for source in sources {
        list(source, 0, &mut found)?;
    }
    Ok(found)
}

fn list(source: &Path, depth: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    {
        if !source.is_dir() || is_bundle(source) {
            found.push(source.to_owned());
            return Ok(());
        }
        let entries = std::fs::read_dir(source)
            .with_context(|| format!("cannot list {}", source.display()))?;
        let inside: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let hidden = path
                    .file_name()
                    .is_none_or(|name| name.to_string_lossy().starts_with('.'));
                // A link to a folder could lead back to where it came from.
                let folder = path.is_dir() && !path.is_symlink() && depth < DEEPEST;
                !hidden && (path.is_file() || is_bundle(path) || folder)
            })
            .collect();
        let inside = one_form_each(inside);
        anyhow::ensure!(
            !inside.is_empty() || depth > 0,
            "{} has no files",
            source.display()
        );
        for path in inside {
            list(&path, depth + 1, found)?;
        }
    }
    Ok(())
}

/// The same moment is often kept in several forms (`goroutine-03.pb.gz`, `.debug2.txt`): only the
/// one that says most is taken, else each moment would count several times. Numbers in names are
/// ordered as numbers.
fn one_form_each(files: Vec<PathBuf>) -> Vec<PathBuf> {
    // Best first: listings have states and ages, profiles have times.
    const FORMS: [&str; 6] = [".debug2.txt", ".pb.gz", ".pb", ".pprof", ".debug1.txt", ""];
    let mut keyed: Vec<(Natural, usize, PathBuf)> = files
        .into_iter()
        .map(|file| {
            let name = file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let form = FORMS
                .iter()
                .position(|form| name.ends_with(form))
                .unwrap_or(FORMS.len() - 1);
            (natural(&name[..name.len() - FORMS[form].len()]), form, file)
        })
        .collect();
    keyed.sort();
    keyed.dedup_by(|later, earlier| later.0 == earlier.0);
    keyed.into_iter().map(|(_, _, file)| file).collect()
}

type Natural = Vec<(String, u64)>;

/// A name as text and numbers by turns.
fn natural(name: &str) -> Natural {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest
            .find(|character: char| character.is_ascii_digit())
            .unwrap_or(rest.len());
        let (before, after) = rest.split_at(text);
        let digits = after
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(after.len());
        parts.push((
            before.to_owned(),
            after[..digits].parse().unwrap_or(u64::MAX),
        ));
        rest = &after[digits..];
    }
    parts
}

fn is_bundle(path: &Path) -> bool {
    path.join(bundle::DUMP).is_file() || path.join(bundle::GOROUTINES).is_file()
}

/// Reads one file or bundle.
pub(crate) fn read(path: &Path, most: usize) -> anyhow::Result<Source> {
    let name = path.display().to_string();
    if path.is_dir() {
        // The text has states and ages, but may be of one goroutine only where there were many.
        let text = path.join(bundle::DUMP);
        if text.is_file()
            && let Source::Snapshots(mut found) = from_bytes(&bytes(&text, most)?, &name)?
            && let Some(snapshot) = found.pop()
            && snapshot.total() > 1
        {
            return Ok(Source::Snapshots(vec![snapshot]));
        }
        return from_bytes(&bytes(&path.join(bundle::GOROUTINES), most)?, &name);
    }
    from_bytes(&bytes(path, most)?, &name)
}

/// A file's bytes, decompressed, up to a limit.
pub(crate) fn bytes(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    if path == Path::new("-") {
        return limited(std::io::stdin().lock(), most).context("cannot read standard input");
    }
    let file =
        std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    limited(file, most).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads and decompresses up to a limit: a small file can decompress to any size.
pub(crate) fn limited(input: impl Read, most: usize) -> anyhow::Result<Vec<u8>> {
    let mut plain = Vec::new();
    unpack::plain(input)?
        .take(most as u64 + 1)
        .read_to_end(&mut plain)?;
    anyhow::ensure!(
        plain.len() <= most,
        "more than {} MiB (raise --max-size)",
        most >> 20
    );
    Ok(plain)
}

/// Reads a profile in either form; `None` if the bytes are no profile at all.
pub(crate) fn profile(bytes: &[u8]) -> Option<anyhow::Result<Profile>> {
    match profile::read(bytes) {
        Ok(profile) => return Some(Ok(profile)),
        // Text is no profile; bytes that no text has are a damaged one, or something else.
        Err(error) if is_field(bytes) && bytes.contains(&0) => return Some(Err(error.into())),
        Err(_) => {}
    }
    let start = &bytes[..bytes.len().min(64)];
    if String::from_utf8_lossy(start).contains(" profile: total ") {
        return profile::read_text(&String::from_utf8_lossy(bytes)).map(Ok);
    }
    None
}

/// Whether the bytes start like one of a profile's fields.
fn is_field(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0x0a | 0x12 | 0x1a | 0x22 | 0x2a | 0x32))
}

/// Reads a source's bytes, whatever it is.
pub(crate) fn from_bytes(bytes: &[u8], name: &str) -> anyhow::Result<Source> {
    if let Some(profile) = profile(bytes) {
        let profile = profile.with_context(|| format!("cannot read {name}"))?;
        let snapshot = from_profile(&profile, name).with_context(|| {
            format!(
                "{name} is a {} profile; leaks need goroutine profiles",
                profile.kind().name()
            )
        })?;
        return Ok(Source::Snapshots(vec![snapshot]));
    }
    if let Some(what) = input::wrong_format(bytes) {
        anyhow::bail!("{name} is {what}");
    }
    let text = String::from_utf8_lossy(bytes);
    let documents = dump::documents(&text, &[]);
    let report = dump::read(&documents);
    let mut snapshots: Vec<Snapshot> = report
        .dumps
        .iter()
        .filter(|dump| dump.goroutines.len() > 1)
        .map(|dump| from_report(&report, dump, &format!("{name}:{}", dump.at_line)))
        .collect();
    if !snapshots.is_empty() {
        // The listing of the leak detector has all goroutines, the leaked ones marked. It is
        // evidence beside the ordinary snapshots, not one of them.
        let file = Path::new(name)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        if file.contains("goroutineleak") {
            for snapshot in &mut snapshots {
                snapshot.only_leaked = true;
                snapshot.seen.retain(|seen| seen.found_leaked > 0);
            }
        }
        return Ok(Source::Snapshots(snapshots));
    }
    let cycles = gctrace::read(&text);
    if !cycles.is_empty() {
        return Ok(Source::Collections(cycles));
    }
    if let Some(dump) = report.dumps.iter().find(|dump| !dump.goroutines.is_empty()) {
        return Ok(Source::Snapshots(vec![from_report(&report, dump, name)]));
    }
    anyhow::bail!(
        "{name} holds no goroutines: neither a profile, a listing, a dump nor a gctrace log"
    )
}

/// Reads many files on all processors, in their order.
pub(crate) fn read_all(files: &[PathBuf], most: usize) -> Vec<anyhow::Result<Source>> {
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(files.len().max(1));
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut found: Vec<Option<anyhow::Result<Source>>> = files.iter().map(|_| None).collect();
    let parts: Vec<Vec<(usize, anyhow::Result<Source>)>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    loop {
                        let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some(file) = files.get(at) else {
                            return done;
                        };
                        done.push((at, read(file, most)));
                    }
                })
            })
            .collect();
        running
            .into_iter()
            .filter_map(|worker| worker.join().ok())
            .collect()
    });
    for (at, result) in parts.into_iter().flatten() {
        found[at] = Some(result);
    }
    found
        .into_iter()
        .map(|result| {
            result.unwrap_or_else(|| Err(anyhow::anyhow!("a reader ended before its time")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_of_each_moment() {
        let files = [
            "g-10.pb.gz",
            "g-9.debug1.txt",
            "g-9.debug2.txt",
            "g-9.pb.gz",
            "other",
        ];
        let chosen = one_form_each(files.iter().map(PathBuf::from).collect());
        assert_eq!(
            chosen,
            ["g-9.debug2.txt", "g-10.pb.gz", "other"].map(PathBuf::from)
        );
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packed, &vec![0; 8 << 20]).unwrap();
        let packed = packed.finish().unwrap();
        let error = limited(packed.as_slice(), 1 << 20).unwrap_err();
        assert!(error.to_string().contains("--max-size"), "{error}");
    }
}
