//! The declarations of packages that a command line imports, all in one file: a run that looks at
//! one changed package reads a few of them, here and there, and none is parsed and checked again.
//!
//! The file begins with an index, behind its hash; every package has a hash of its own, so that what
//! is not looked at need not be read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use goward_project::Hash;
use goward_types::StoredDeclarations;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8] = b"goward declarations 1\n";

/// No index is larger; more is a sign of damage.
const LARGEST_INDEX: u64 = 256 << 20;

/// What the index says about a package.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// What decided its declarations (`goward_project::Fingerprints::declarations`).
    pub(crate) fingerprint: Hash,
    /// The packages whose types it names: numbers of entries.
    pub(crate) names: Vec<u32>,
    offset: u64,
    length: u32,
    contents: Hash,
}

/// A package to be written.
pub(crate) struct NewEntry {
    pub(crate) fingerprint: Hash,
    /// Indices into the list that it is written in.
    pub(crate) names: Vec<u32>,
    pub(crate) bytes: Vec<u8>,
}

/// The file of a command line, opened.
#[derive(Clone)]
pub(crate) struct Declarations {
    file: Arc<Mutex<File>>,
    /// Where the packages begin.
    start: u64,
    entries: Arc<[Entry]>,
}

impl Declarations {
    /// Opens a file; none where it is not there, damaged, or of another format.
    pub(super) fn open(path: &Path) -> Option<Declarations> {
        let mut file = File::open(path).ok()?;
        let mut head = [0; MAGIC.len() + 32 + 8];
        file.read_exact(&mut head).ok()?;
        let (hash, length) = head.strip_prefix(MAGIC)?.split_at(32);
        let length = u64::from_le_bytes(length.try_into().ok()?);
        if length > LARGEST_INDEX || length > file.metadata().ok()?.len() {
            return None;
        }
        let mut index = vec![0; length as usize];
        file.read_exact(&mut index).ok()?;
        if Hash::of(&index).bytes() != hash {
            return None;
        }
        let entries: Vec<Entry> = postcard::from_bytes(&index).ok()?;
        Some(Declarations {
            file: Arc::new(Mutex::new(file)),
            start: head.len() as u64 + length,
            entries: entries.into(),
        })
    }

    /// Writes a file, whole or not at all.
    pub(super) fn write(path: &Path, packages: &[NewEntry]) -> io::Result<()> {
        let mut offset = 0;
        let entries: Vec<Entry> = packages
            .iter()
            .map(|package| {
                let length = package.bytes.len() as u32;
                offset += u64::from(length);
                Entry {
                    fingerprint: package.fingerprint,
                    names: package.names.clone(),
                    offset: offset - u64::from(length),
                    length,
                    contents: Hash::of(&package.bytes),
                }
            })
            .collect();
        let index = postcard::to_stdvec(&entries).map_err(io::Error::other)?;
        super::store::replace(path, |file| {
            file.write_all(MAGIC)?;
            file.write_all(Hash::of(&index).bytes())?;
            file.write_all(&(index.len() as u64).to_le_bytes())?;
            file.write_all(&index)?;
            for package in packages {
                file.write_all(&package.bytes)?;
            }
            Ok(())
        })
    }

    /// The packages.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl StoredDeclarations for Declarations {
    fn read(&self, number: usize) -> Option<Vec<u8>> {
        let entry = self.entries.get(number)?;
        let start = self.start.checked_add(entry.offset)?;
        let mut bytes = Vec::new();
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(start)).ok()?;
            // No more room than there is to read, whatever the index says.
            let length = u64::from(entry.length);
            (&mut *file).take(length).read_to_end(&mut bytes).ok()?;
        }
        (Hash::of(&bytes) == entry.contents).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_counts_as_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("declarations");
        let entry = |text: &str, names: &[u32]| NewEntry {
            fingerprint: Hash::of(text.as_bytes()),
            names: names.to_vec(),
            bytes: text.as_bytes().to_vec(),
        };
        assert!(Declarations::open(&path).is_none());
        Declarations::write(&path, &[entry("one", &[]), entry("two", &[0])]).unwrap();
        let read = |path: &Path| {
            let opened = Declarations::open(path)?;
            let entries = opened.entries().iter().enumerate();
            let read =
                entries.map(|(number, entry)| Some((opened.read(number)?, entry.names.clone())));
            read.collect::<Option<Vec<_>>>()
        };
        let both = vec![(b"one".to_vec(), vec![]), (b"two".to_vec(), vec![0])];
        assert_eq!(read(&path), Some(both));
        let good = crate::files::read(&path).unwrap();
        for position in 0..good.len() {
            crate::files::write(&path, &good[..position]).unwrap();
            assert_eq!(read(&path), None, "cut after {position} bytes");
            let mut changed = good.clone();
            changed[position] ^= 0x41;
            crate::files::write(&path, &changed).unwrap();
            assert_eq!(read(&path), None, "changed at {position}");
        }
    }
}
