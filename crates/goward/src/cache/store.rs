//! Files of the cache: written whole or not at all, and believed only if nothing in them changed.
//!
//! An entry is named by the hash of what it was made from and carries the hash of what is in it. A
//! file that is cut off, damaged or of another format counts as absent and is replaced. Several runs
//! at once do not disturb each other: an entry appears by renaming, and two runs that write the same
//! entry write the same bytes.

#![expect(
    clippy::disallowed_methods,
    reason = "what it reads and writes is the cache alone"
)]

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use goward_project::Hash;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Begins every file of the cache; another number means another format.
const MAGIC: &[u8] = b"goward cache 1\n";

/// When the cache holds more than this, what was not used for longest goes.
const MOST_BYTES: u64 = 512 << 20;

/// How often the size is looked at.
const TRIM_EVERY: Duration = Duration::from_secs(60 * 60);

/// An entry that is used is marked so at most this often.
const MARK_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Temporary files older than this were left by a run that was ended.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// A folder of entries.
pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in a folder, which is made when the first entry is written.
    pub(super) fn new(folder: PathBuf) -> Store {
        Store { folder }
    }

    /// Where an entry is kept.
    pub(super) fn path(&self, kind: &str, key: Hash) -> PathBuf {
        let name = key.hexadecimal();
        self.folder.join(kind).join(&name[..2]).join(&name[2..])
    }

    /// An entry, if it is there and undamaged.
    pub(super) fn read<T: DeserializeOwned>(&self, kind: &str, key: Hash) -> Option<T> {
        let path = self.path(kind, key);
        let bytes = std::fs::read(&path).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?;
        let (hash, contents) = rest.split_at_checked(32)?;
        if Hash::of(contents).bytes() != hash {
            return None;
        }
        let value = postcard::from_bytes(contents).ok()?;
        mark_used(&path);
        Some(value)
    }

    /// Writes an entry.
    pub(super) fn write<T: Serialize>(&self, kind: &str, key: Hash, value: &T) -> io::Result<()> {
        let contents = postcard::to_stdvec(value).map_err(io::Error::other)?;
        replace(&self.path(kind, key), |file| {
            file.write_all(MAGIC)?;
            file.write_all(Hash::of(&contents).bytes())?;
            file.write_all(&contents)
        })
    }

    /// Takes out what was not used for longest when the cache is too large. Looks only now and then.
    pub(super) fn trim(&self) {
        let marker = self.folder.join("trimmed");
        if age(&marker).is_some_and(|age| age < TRIM_EVERY) {
            return;
        }
        // Tells backup programs that everything here can be made again (bford.info/cachedir).
        let tag = self.folder.join("CACHEDIR.TAG");
        if !tag.exists() {
            let text = "Signature: 8a477f597d28d172789f06886806bc55\n# Results of goward check.\n";
            let _ = std::fs::write(tag, text);
        }
        if std::fs::write(&marker, "").is_ok() {
            trim_to(&self.folder, MOST_BYTES);
        }
    }
}

const TEMPORARY: &str = ".writing-";

/// Writes a file and its folder, whole or not at all.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut io::BufWriter<&mut std::fs::File>) -> io::Result<()>,
) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(folder)?;
    let mut buffered = io::BufWriter::with_capacity(1 << 16, file.as_file_mut());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Since when a file has not changed.
fn age(path: &Path) -> Option<Duration> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    SystemTime::now().duration_since(modified).ok()
}

/// Says that an entry was used.
pub(super) fn mark_used(path: &Path) {
    if age(path).is_some_and(|age| age > MARK_EVERY)
        && let Ok(file) = std::fs::File::open(path)
    {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Deletes entries, those unused for longest first, until at most `most` bytes are left; a quarter
/// more, so that the next run need not do it again.
fn trim_to(folder: &Path, most: u64) {
    let mut entries: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                open.push(entry.path());
                continue;
            }
            let name = entry.file_name();
            if name == "trimmed" || name == "CACHEDIR.TAG" {
                continue;
            }
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let abandoned = name.to_string_lossy().starts_with(TEMPORARY)
                && SystemTime::now()
                    .duration_since(modified)
                    .is_ok_and(|age| age > ABANDONED);
            if abandoned {
                let _ = std::fs::remove_file(entry.path());
                continue;
            }
            // What a small file takes on the disk.
            let size = metadata.len().next_multiple_of(4096);
            entries.push((modified, size, entry.path()));
        }
    }
    let mut total: u64 = entries.iter().map(|(_, size, _)| size).sum();
    if total <= most {
        return;
    }
    entries.sort();
    for (_, size, path) in entries {
        if total <= most / 4 * 3 {
            break;
        }
        if std::fs::remove_file(path).is_ok() {
            total -= size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Hash {
        Hash::of(text.as_bytes())
    }

    #[test]
    fn a_damaged_entry_counts_as_absent_and_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("cache"));
        let value = vec!["one".to_owned(), "two".to_owned()];
        assert_eq!(store.read::<Vec<String>>("packages", key("a")), None);
        store.write("packages", key("a"), &value).unwrap();
        assert_eq!(store.read("packages", key("a")), Some(value.clone()));
        assert_eq!(store.read::<Vec<String>>("packages", key("b")), None);
        let path = store.path("packages", key("a"));
        let good = std::fs::read(&path).unwrap();
        for cut in 0..good.len() {
            std::fs::write(&path, &good[..cut]).unwrap();
            assert_eq!(store.read::<Vec<String>>("packages", key("a")), None);
            let mut bad = good.clone();
            bad[cut] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(store.read::<Vec<String>>("packages", key("a")), None);
        }
        store.write("packages", key("a"), &value).unwrap();
        assert_eq!(store.read("packages", key("a")), Some(value));
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_owned());
        let now = SystemTime::now();
        for (name, hours) in [("old", 30), ("older", 40), ("new", 0)] {
            store
                .write("packages", key(name), &vec![7u8; 5000])
                .unwrap();
            let file = std::fs::File::open(store.path("packages", key(name))).unwrap();
            file.set_modified(now - Duration::from_secs(hours * 60 * 60))
                .unwrap();
        }
        let left =
            || ["old", "older", "new"].map(|name| store.path("packages", key(name)).exists());
        trim_to(folder.path(), 3 * 8192);
        assert_eq!(left(), [true, true, true]);
        // Reading marks as used.
        assert!(store.read::<Vec<u8>>("packages", key("older")).is_some());
        trim_to(folder.path(), 3 * 8192 - 1);
        assert_eq!(left(), [false, true, true]);
    }
}
