//! A file system that remembers what it was asked and what it answered, so that a later run can
//! tell whether it would be answered the same, without reading everything again.
//!
//! What counts is contents: a file is the same if its hash is. A *stamp* (size, times, inode) saves
//! reading it: a file whose stamp is the same as before was not written in between. A stamp is only
//! trusted when it was some time old when it was taken, because a file can be written twice within
//! one tick of the clock that stamps are made with (the "racy git" problem).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use goward_syntax::{Mode, Tree, parse};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::filesystem::{DirectoryEntry, EntryKind, FileSystem, GoFile, OsFileSystem, ReadError};
use crate::fingerprint::{FileHashes, Hash, declarations};
use crate::header::{self, Header};

/// How old a stamp must be to be trusted: longer than a tick of the coarsest clock of a file system
/// in use (FAT: two seconds).
const SETTLED: Duration = Duration::from_millis(2_100);

/// What tells a file or folder from what it was before without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, u32),
    changed: (i64, u32),
    inode: u64,
    device: u64,
}

/// A folder that was listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SeenFolder {
    stamp: Option<Stamp>,
    /// Of its entries; none if it could not be listed.
    listing: Option<Hash>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SeenFile {
    stamp: Option<Stamp>,
    /// None if it could not be read.
    contents: Option<Hash>,
    /// The largest size that was accepted, which matters to files that are refused.
    limit: u64,
    /// Of a Go file.
    header: Option<Header>,
    declarations: Option<Hash>,
}

/// All questions of a run with their answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observations {
    folders: FxHashMap<PathBuf, SeenFolder>,
    files: FxHashMap<PathBuf, SeenFile>,
    kinds: FxHashMap<PathBuf, Option<EntryKind>>,
    links: FxHashMap<PathBuf, Option<PathBuf>>,
}

/// What became of what an earlier run saw.
#[derive(Debug)]
pub enum Verdict {
    /// Some answer would be another one now.
    Changed,
    /// All would be the same.
    Same,
    /// All would be the same, but some files had to be read to tell: with new stamps they need not
    /// be the next time.
    SameWithNewStamps(Box<Observations>),
}

impl Observations {
    /// Whether every question would be answered as it was.
    pub fn verify(&self) -> Verdict {
        let kinds = self.kinds.par_iter();
        if !kinds.all(|(path, kind)| OsFileSystem.kind(path).ok() == *kind) {
            return Verdict::Changed;
        }
        let same_links = self
            .links
            .iter()
            .all(|(path, real)| OsFileSystem.canonicalize(path).ok() == *real);
        if !same_links {
            return Verdict::Changed;
        }
        let folders: Option<Vec<_>> = self
            .folders
            .par_iter()
            .map(|(path, seen)| {
                let stamp = settled_stamp(path);
                if stamp.is_some() && stamp == seen.stamp {
                    return Some(None);
                }
                let listing = listing(OsFileSystem.read_directory(path).ok().as_deref());
                (listing == seen.listing).then_some(stamp.map(|stamp| (path, stamp)))
            })
            .collect();
        let Some(folders) = folders else {
            return Verdict::Changed;
        };
        let files: Option<Vec<_>> = self
            .files
            .par_iter()
            .map(|(path, seen)| {
                let stamp = settled_stamp(path);
                if stamp.is_some() && stamp == seen.stamp {
                    return Some(None);
                }
                let read = OsFileSystem.read_file(path, seen.limit).ok();
                let contents = read.map(|contents| Hash::of(&contents));
                (contents == seen.contents).then_some(stamp.map(|stamp| (path, stamp)))
            })
            .collect();
        let Some(files) = files else {
            return Verdict::Changed;
        };
        let new_stamps = folders.iter().chain(&files).any(Option::is_some);
        if !new_stamps {
            return Verdict::Same;
        }
        let mut fresh = Box::new(self.clone());
        for (path, stamp) in folders.into_iter().flatten() {
            if let Some(seen) = fresh.folders.get_mut(path) {
                seen.stamp = Some(stamp);
            }
        }
        for (path, stamp) in files.into_iter().flatten() {
            if let Some(seen) = fresh.files.get_mut(path) {
                seen.stamp = seen.contents.map(|_| stamp);
            }
        }
        Verdict::SameWithNewStamps(fresh)
    }

    /// How many files were read.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }
}

/// The machine's file system, which remembers what it is asked. It uses what an earlier run saw.
pub struct ObservedFileSystem {
    before: Observations,
    seen: Mutex<Observations>,
    /// A file changed between two looks at it: what was found out belongs to no one state of it.
    torn: AtomicBool,
}

impl ObservedFileSystem {
    /// The file system, with what an earlier run saw of it.
    pub fn new(before: Observations) -> ObservedFileSystem {
        ObservedFileSystem {
            before,
            seen: Mutex::default(),
            torn: AtomicBool::new(false),
        }
    }

    /// What was seen; none if files changed meanwhile.
    pub fn finish(self) -> Option<Observations> {
        let seen = self
            .seen
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        (!self.torn.into_inner()).then_some(seen)
    }

    /// Whether a file changed between two looks at it.
    pub fn is_torn(&self) -> bool {
        self.torn.load(Ordering::Relaxed)
    }

    /// Takes note of what a file declares, which saves parsing it for that.
    pub fn parsed(&self, path: &Path, contents: &[u8], tree: &Tree) {
        // A package with tests is parsed twice, and what is wrong in a body shows in one of them.
        let known = self
            .seen()
            .files
            .get(path)
            .is_some_and(|seen| seen.declarations.is_some());
        if known && tree.diagnostics_for(0).next().is_none() {
            return;
        }
        let hash = declarations(contents, tree);
        if let Some(seen) = self.seen().files.get_mut(path) {
            seen.declarations = Some(hash);
        }
    }

    /// The hashes of a Go file that was looked at.
    pub fn hashes(&self, path: &Path) -> Option<FileHashes> {
        let (contents, limit) = {
            let seen = self.seen();
            let file = seen.files.get(path)?;
            let contents = file.contents?;
            if let Some(declarations) = file.declarations {
                return Some(FileHashes {
                    contents,
                    declarations,
                });
            }
            (contents, file.limit)
        };
        let text = self.read_file(path, limit).ok()?;
        self.parsed(path, &text, &parse(&text, Mode::Full));
        let declarations = self.seen().files.get(path)?.declarations?;
        Some(FileHashes {
            contents,
            declarations,
        })
    }

    fn seen(&self) -> MutexGuard<'_, Observations> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a file that was read.
    fn note(
        &self,
        path: &Path,
        limit: u64,
        stamp: Option<Stamp>,
        contents: Option<Hash>,
        header: Option<&Header>,
    ) {
        let before = self.before.files.get(path);
        let mut seen = self.seen();
        match seen.files.get_mut(path) {
            Some(file) => {
                if file.contents != contents {
                    self.torn.store(true, Ordering::Relaxed);
                }
                if file.header.is_none() {
                    file.header = header.cloned();
                }
            }
            None => {
                let declarations = before
                    .filter(|before| contents.is_some() && before.contents == contents)
                    .and_then(|before| before.declarations);
                let file = SeenFile {
                    stamp,
                    contents,
                    limit,
                    header: header.cloned(),
                    declarations,
                };
                seen.files.insert(path.to_owned(), file);
            }
        }
    }
}

impl FileSystem for ObservedFileSystem {
    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let stamp = settled_stamp(path);
        let entries = OsFileSystem.read_directory(path);
        let folder = SeenFolder {
            listing: listing(entries.as_deref().ok()),
            stamp: stamp.filter(|_| entries.is_ok()),
        };
        let mut seen = self.seen();
        let known = seen
            .folders
            .entry(path.to_owned())
            .or_insert_with(|| folder.clone());
        if known.listing != folder.listing {
            self.torn.store(true, Ordering::Relaxed);
        }
        entries
    }

    fn read_file(&self, path: &Path, limit: u64) -> Result<Arc<[u8]>, ReadError> {
        // Taken before: a file that changes while it is read then has another one.
        let stamp = settled_stamp(path);
        let read = OsFileSystem.read_file(path, limit);
        let contents = read.as_ref().ok().map(|contents| Hash::of(contents));
        self.note(
            path,
            limit,
            stamp.filter(|_| contents.is_some()),
            contents,
            None,
        );
        read
    }

    fn kind(&self, path: &Path) -> io::Result<EntryKind> {
        let kind = OsFileSystem.kind(path);
        self.seen()
            .kinds
            .insert(path.to_owned(), kind.as_ref().ok().copied());
        kind
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        let real = OsFileSystem.canonicalize(path);
        self.seen()
            .links
            .insert(path.to_owned(), real.as_ref().ok().cloned());
        real
    }

    fn read_go_file(&self, path: &Path, limit: u64) -> Result<GoFile, ReadError> {
        let stamp = settled_stamp(path);
        if stamp.is_some()
            && let Some(before) = self.before.files.get(path)
            && before.stamp == stamp
            && let Some(header) = &before.header
        {
            self.seen()
                .files
                .entry(path.to_owned())
                .or_insert_with(|| before.clone());
            return Ok(GoFile {
                header: header.clone(),
                contents: None,
            });
        }
        let read = OsFileSystem.read_file(path, limit);
        let contents = read.as_ref().ok().map(|contents| Hash::of(contents));
        let header = read.as_ref().ok().map(|contents| header::scan(contents));
        self.note(
            path,
            limit,
            stamp.filter(|_| contents.is_some()),
            contents,
            header.as_ref(),
        );
        let contents = read?;
        Ok(GoFile {
            header: header.unwrap_or_default(),
            contents: Some(contents),
        })
    }
}

/// The hash of a folder's entries, which come in any order.
fn listing(entries: Option<&[DirectoryEntry]>) -> Option<Hash> {
    let mut names: Vec<(&str, &[u8])> = entries?
        .iter()
        .map(|entry| {
            let kind: &[u8] = match entry.kind {
                EntryKind::File => b"file",
                EntryKind::Directory => b"directory",
                EntryKind::Symlink => b"link",
                EntryKind::Other => b"other",
            };
            (entry.name.as_str(), kind)
        })
        .collect();
    names.sort_unstable();
    Some(Hash::of_parts(
        names
            .into_iter()
            .flat_map(|(name, kind)| [name.as_bytes(), kind]),
    ))
}

/// The stamp of what the path leads to, if it can be trusted.
#[cfg(unix)]
fn settled_stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    let time = |seconds: i64, nanoseconds: i64| {
        let nanoseconds = u32::try_from(nanoseconds).unwrap_or_default();
        (seconds, nanoseconds)
    };
    let stamp = Stamp {
        size: metadata.size(),
        modified: time(metadata.mtime(), metadata.mtime_nsec()),
        changed: time(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
        device: metadata.dev(),
    };
    let (seconds, nanoseconds) = stamp.modified.max(stamp.changed);
    let seconds = u64::try_from(seconds).ok()?;
    let newest = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
    let age = SystemTime::now().duration_since(newest).ok()?;
    (age > SETTLED).then_some(stamp)
}

/// Without the time of the last change of its metadata, contents can change and leave no trace.
#[cfg(not(unix))]
fn settled_stamp(_path: &Path) -> Option<Stamp> {
    None
}
