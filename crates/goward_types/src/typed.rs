//! What analyses take: a checked package as plain references, whoever loaded it.

use goward_syntax::Tree;

use crate::bodies::{Body, ImportedBodies};
use crate::checker::GoVersion;
use crate::facts::FileFacts;
use crate::ids::{ObjectId, PackageId};
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
    /// What is known of the bodies of imported packages.
    pub imported: Option<&'a dyn ImportedBodies>,
}

impl<'a> TypedPackage<'a> {
    /// What the body of a function or method of another package does, where it is known.
    pub fn imported_body(&self, function: ObjectId) -> Option<&'a Body> {
        self.imported_sibling(function, self.world.object(function).name.as_str())
    }

    /// The same of the function or method of this name beside it: of the same package, and of the same
    /// type where it is a method.
    pub fn imported_sibling(&self, function: ObjectId, name: &str) -> Option<&'a Body> {
        let world = self.world;
        let object = world.object(function);
        let package = object.package.filter(|&package| package != self.package)?;
        let functions = &self.imported?.of(package)?.functions;
        match object.receiver() {
            None => functions.get(name),
            Some(receiver) => {
                let (base, _) = world.deref(receiver);
                let named = world.as_named(world.unalias(base))?;
                let owner = world.object(named.object).name.as_str();
                functions.get(&format!("{owner}.{name}"))
            }
        }
    }
}
