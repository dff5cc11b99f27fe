//! What analyses take: a checked package as plain references, whoever loaded it.

use goward_syntax::Tree;

use crate::checker::GoVersion;
use crate::facts::FileFacts;
use crate::ids::PackageId;
use crate::world::World;

/// One file of a checked package.
#[derive(Copy, Clone, Debug)]
pub struct TypedFile<'a> {
    /// The path that diagnostics show.
    pub name: &'a str,
    pub tree: &'a Tree,
    pub source: &'a [u8],
    pub facts: &'a FileFacts,
    /// Whether a comment says that a program wrote it.
    pub generated: bool,
    /// Whether only tests see it.
    pub test: bool,
}

impl TypedFile<'_> {
    /// Whether a text stands anywhere in the source: what is about a name need not look for it, node
    /// by node, in files that do not have it.
    pub fn mentions(&self, text: &str) -> bool {
        memchr::memmem::find(self.source, text.as_bytes()).is_some()
    }
}

/// A checked package. [`Object::file`](crate::Object::file) is an index into `files`.
pub struct TypedPackage<'a> {
    pub world: &'a World,
    pub package: PackageId,
    /// What the `go` line of its module says; of the standard library, its own version. None outside
    /// of modules.
    pub module_version: Option<GoVersion>,
    pub files: Vec<TypedFile<'a>>,
}
