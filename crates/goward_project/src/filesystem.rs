//! The one door to the disk: a small trait, the real file system behind it, and overlays that let
//! editors and tests put files in front of it.

#![expect(
    clippy::disallowed_methods,
    reason = "goward_project is the library that reads files and folders"
)]

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::header::{self, Header};

/// What a directory entry is, before symbolic links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link; [`FileSystem::kind`] says to what.
    Symlink,
    /// A pipe, socket or device: never read, because reading one may never end.
    Other,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The entry's name without its folder. Entries whose names are not UTF-8 are not listed: the
    /// go command refuses them too.
    pub name: String,
    /// What it is, links not followed.
    pub kind: EntryKind,
}

/// Why a file was not read.
#[derive(Debug)]
pub enum ReadError {
    /// The operating system refused.
    Io(io::Error),
    /// The file is larger than the limit; both in bytes.
    TooLarge {
        /// The file's size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A pipe, socket, device or folder.
    NotRegular,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(formatter, "{error}"),
            Self::TooLarge { size, limit } => write!(
                formatter,
                "the file has {size} bytes, more than the limit of {limit}"
            ),
            Self::NotRegular => formatter.write_str("it is not a regular file"),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What the loader wants to know of a Go file.
pub struct GoFile {
    /// Its package clause, imports and constraints.
    pub header: Header,
    /// Its bytes, if they had to be read for that.
    pub contents: Option<Arc<[u8]>>,
}

/// Everything the loader asks of a file system. Paths are absolute.
pub trait FileSystem: Send + Sync {
    /// The entries of a folder, in any order.
    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>>;
    /// A regular file's bytes, refused when there are more than `limit`.
    fn read_file(&self, path: &Path, limit: u64) -> Result<Arc<[u8]>, ReadError>;
    /// What the path leads to, links followed: never [`EntryKind::Symlink`].
    fn kind(&self, path: &Path) -> io::Result<EntryKind>;
    /// The path with all links resolved.
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf>;
    /// The top of a Go file. Who knows it from an earlier run need not read the file.
    fn read_go_file(&self, path: &Path, limit: u64) -> Result<GoFile, ReadError> {
        let contents = self.read_file(path, limit)?;
        Ok(GoFile {
            header: header::scan(&contents),
            contents: Some(contents),
        })
    }
}

/// The machine's own file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsFileSystem;

impl FileSystem for OsFileSystem {
    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            // `file_type` costs no system call where the folder itself stores the type.
            let kind = entry.file_type().map_or(EntryKind::Other, entry_kind);
            if let Ok(name) = entry.file_name().into_string() {
                entries.push(DirectoryEntry { name, kind });
            }
        }
        Ok(entries)
    }

    fn read_file(&self, path: &Path, limit: u64) -> Result<Arc<[u8]>, ReadError> {
        let mut file = std::fs::File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(ReadError::NotRegular);
        }
        let size = metadata.len();
        if size > limit {
            return Err(ReadError::TooLarge { size, limit });
        }
        // The shared buffer is filled in place: reading into a vector first would copy every file.
        let mut contents: Arc<[u8]> =
            std::iter::repeat_n(0, usize::try_from(size).unwrap_or(usize::MAX)).collect();
        let buffer = Arc::get_mut(&mut contents).expect("nobody else has seen the buffer");
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if filled < buffer.len() {
            // The file shrank between the two calls.
            contents = contents[..filled].into();
        } else if size == 0 {
            // Files under /proc report no size and yet have contents.
            let mut rest = Vec::new();
            (&mut file).take(limit + 1).read_to_end(&mut rest)?;
            if rest.len() as u64 > limit {
                return Err(ReadError::TooLarge {
                    size: rest.len() as u64,
                    limit,
                });
            }
            contents = rest.into();
        }
        Ok(contents)
    }

    fn kind(&self, path: &Path) -> io::Result<EntryKind> {
        std::fs::metadata(path).map(|metadata| entry_kind(metadata.file_type()))
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }
}

fn entry_kind(kind: std::fs::FileType) -> EntryKind {
    if kind.is_file() {
        EntryKind::File
    } else if kind.is_dir() {
        EntryKind::Directory
    } else if kind.is_symlink() {
        EntryKind::Symlink
    } else {
        EntryKind::Other
    }
}

/// A file system with nothing in it, to put an overlay over.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyFileSystem;

impl FileSystem for EmptyFileSystem {
    fn read_directory(&self, _path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn read_file(&self, _path: &Path, _limit: u64) -> Result<Arc<[u8]>, ReadError> {
        Err(ReadError::Io(io::ErrorKind::NotFound.into()))
    }

    fn kind(&self, _path: &Path) -> io::Result<EntryKind> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn canonicalize(&self, _path: &Path) -> io::Result<PathBuf> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Files held in memory in front of another file system: an editor's unsaved buffers, standard
/// input, or a whole test.
pub struct OverlayFileSystem<F> {
    below: F,
    files: BTreeMap<PathBuf, Arc<[u8]>>,
    /// Every folder that holds an overlaid file, with what the overlay adds to it.
    folders: BTreeMap<PathBuf, BTreeMap<String, EntryKind>>,
}

impl OverlayFileSystem<EmptyFileSystem> {
    /// A file system that holds only the given files.
    pub fn in_memory<P: AsRef<Path>, C: Into<Vec<u8>>>(
        files: impl IntoIterator<Item = (P, C)>,
    ) -> Self {
        let mut overlay = Self::new(EmptyFileSystem);
        for (path, contents) in files {
            overlay.insert(path.as_ref(), contents);
        }
        overlay
    }
}

impl<F: FileSystem> OverlayFileSystem<F> {
    /// An overlay with nothing in it yet.
    pub fn new(below: F) -> Self {
        Self {
            below,
            files: BTreeMap::new(),
            folders: BTreeMap::new(),
        }
    }

    /// Puts a file in front of what is below; `path` is absolute.
    pub fn insert(&mut self, path: &Path, contents: impl Into<Vec<u8>>) {
        let path = normalized(path);
        let contents: Vec<u8> = contents.into();
        let mut kind = EntryKind::File;
        let mut child = path.as_path();
        while let (Some(parent), Some(name)) = (child.parent(), child.file_name()) {
            self.folders
                .entry(parent.to_path_buf())
                .or_default()
                .insert(name.to_string_lossy().into_owned(), kind);
            kind = EntryKind::Directory;
            child = parent;
        }
        self.files.insert(path, contents.into());
    }
}

impl<F: FileSystem> FileSystem for OverlayFileSystem<F> {
    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        let added = self.folders.get(path);
        let mut entries = match (self.below.read_directory(path), added) {
            (Ok(entries), _) => entries,
            (Err(_), Some(_)) => Vec::new(),
            (Err(error), None) => return Err(error),
        };
        if let Some(added) = added {
            entries.retain(|entry| !added.contains_key(&entry.name));
            entries.extend(added.iter().map(|(name, kind)| DirectoryEntry {
                name: name.clone(),
                kind: *kind,
            }));
        }
        Ok(entries)
    }

    fn read_file(&self, path: &Path, limit: u64) -> Result<Arc<[u8]>, ReadError> {
        match self.files.get(path) {
            Some(contents) if contents.len() as u64 > limit => Err(ReadError::TooLarge {
                size: contents.len() as u64,
                limit,
            }),
            Some(contents) => Ok(Arc::clone(contents)),
            None if self.folders.contains_key(path) => Err(ReadError::NotRegular),
            None => self.below.read_file(path, limit),
        }
    }

    fn kind(&self, path: &Path) -> io::Result<EntryKind> {
        if self.files.contains_key(path) {
            Ok(EntryKind::File)
        } else if self.folders.contains_key(path) {
            Ok(EntryKind::Directory)
        } else {
            self.below.kind(path)
        }
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        if self.files.contains_key(path) || self.folders.contains_key(path) {
            Ok(path.to_path_buf())
        } else {
            self.below.canonicalize(path)
        }
    }

    fn read_go_file(&self, path: &Path, limit: u64) -> Result<GoFile, ReadError> {
        if !self.files.contains_key(path) && !self.folders.contains_key(path) {
            return self.below.read_go_file(path, limit);
        }
        let contents = self.read_file(path, limit)?;
        Ok(GoFile {
            header: header::scan(&contents),
            contents: Some(contents),
        })
    }
}

/// The path without `.` and with `..` resolved by name alone, as Go's `filepath.Clean` does it.
pub fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                let last = out.components().next_back();
                match last {
                    Some(Component::Normal(_)) => {
                        out.pop();
                    }
                    Some(Component::RootDir | Component::Prefix(_)) => {}
                    _ => out.push(".."),
                }
            }
            other => out.push(other),
        }
    }
    out
}

impl<T: FileSystem + ?Sized> FileSystem for Arc<T> {
    fn read_directory(&self, path: &Path) -> io::Result<Vec<DirectoryEntry>> {
        (**self).read_directory(path)
    }

    fn read_file(&self, path: &Path, limit: u64) -> Result<Arc<[u8]>, ReadError> {
        (**self).read_file(path, limit)
    }

    fn kind(&self, path: &Path) -> io::Result<EntryKind> {
        (**self).kind(path)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        (**self).canonicalize(path)
    }

    fn read_go_file(&self, path: &Path, limit: u64) -> Result<GoFile, ReadError> {
        (**self).read_go_file(path, limit)
    }
}
