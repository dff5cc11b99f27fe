//! Source files by their path.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::{LineIndex, Span};

/// What names a file in every diagnostic: its path as users see it, with `/` between the parts.
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FilePath(Arc<str>);

impl FilePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for FilePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for FilePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for FilePath {
    fn from(path: &str) -> FilePath {
        FilePath(path.into())
    }
}

impl From<String> for FilePath {
    fn from(path: String) -> FilePath {
        FilePath(path.into())
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

/// One file's bytes, which need not be valid UTF-8, with its line index made on first use.
#[derive(Debug)]
pub struct SourceFile {
    path: FilePath,
    bytes: Arc<[u8]>,
    lines: OnceLock<LineIndex>,
}

impl SourceFile {
    /// A file of these bytes.
    pub fn new(path: impl Into<FilePath>, bytes: impl Into<Vec<u8>>) -> SourceFile {
        SourceFile::shared(path, bytes.into().into())
    }

    /// A file of bytes that others use, too.
    pub fn shared(path: impl Into<FilePath>, bytes: Arc<[u8]>) -> SourceFile {
        SourceFile {
            path: path.into(),
            bytes,
            lines: OnceLock::new(),
        }
    }

    /// The path under which diagnostics name the file.
    pub fn path(&self) -> &FilePath {
        &self.path
    }

    /// The whole text.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Lines and columns.
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.bytes))
    }

    /// The bytes of `span`, cut at the end of the file.
    pub fn slice(&self, span: Span) -> &[u8] {
        let end = (span.end as usize).min(self.bytes.len());
        let start = (span.start as usize).min(end);
        &self.bytes[start..end]
    }
}

/// The files that a run has read, by path.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: BTreeMap<FilePath, Arc<SourceFile>>,
}

impl Sources {
    /// No files.
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Adds a file, or replaces the one of the same path.
    pub fn insert(&mut self, file: impl Into<Arc<SourceFile>>) {
        let file = file.into();
        self.files.insert(file.path().clone(), file);
    }

    /// The file of that path.
    pub fn get(&self, path: &str) -> Option<&Arc<SourceFile>> {
        self.files.get(path)
    }

    /// All files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.files.values()
    }
}

impl FromIterator<SourceFile> for Sources {
    fn from_iter<I: IntoIterator<Item = SourceFile>>(files: I) -> Sources {
        let mut sources = Sources::new();
        for file in files {
            sources.insert(file);
        }
        sources
    }
}
