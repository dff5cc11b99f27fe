//! Fingerprints of packages: what of their source, and of all that they import, decides what can be
//! found out about them. Two runs that give a package the same fingerprint give it the same
//! findings.
//!
//! Of an imported package only the declarations count, not the bodies of its functions: nobody
//! looks into those. So a change of a body costs a check of one package and not of all that import
//! it (early cut-off). What a file declares is its text without those bodies; comments and spaces
//! outside of them count, which costs a check too many now and then, and never one too few.

use std::path::Path;

use goward_syntax::{Declaration, Tree};
use serde::{Deserialize, Serialize};

use crate::graph::{ImportTarget, PackageSource, SourceFile, TestKind, Workspace};

/// A BLAKE3 hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of some bytes.
    pub fn of(bytes: &[u8]) -> Hash {
        Hash(blake3::hash(bytes).into())
    }

    /// The hash of a list, in which no two different lists look the same.
    pub fn of_parts<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Hash {
        let mut hasher = Hasher::default();
        for part in parts {
            hasher.bytes(part);
        }
        hasher.finish()
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// In hexadecimal digits, as a name of a file.
    pub fn hexadecimal(&self) -> String {
        blake3::Hash::from(self.0).to_hex().to_string()
    }
}

#[derive(Default)]
struct Hasher(blake3::Hasher);

impl Hasher {
    /// The length goes first, so that `ab` `c` and `a` `bc` differ.
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn hash(&mut self, hash: Hash) {
        self.0.update(&hash.0);
    }

    fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

/// What decides what a file means, to its package and to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHashes {
    /// Of all its bytes.
    pub contents: Hash,
    /// Of its text without function bodies: see [`declarations`].
    pub declarations: Hash,
}

/// The hash of what a file declares. `tree` is the file's, with or without bodies.
pub fn declarations(source: &[u8], tree: &Tree) -> Hash {
    if tree.diagnostics_for(0).next().is_some() {
        // What is not understood counts as a whole, which marks it: the hash of the contents.
        return Hash::of(source);
    }
    let mut hasher = Hasher::default();
    let mut from = 0;
    for &declaration in tree.declarations() {
        let Declaration::Function(function) = tree.declaration(declaration) else {
            continue;
        };
        if function.body.is_none() && !function.body_skipped {
            continue;
        }
        let start = tree.span(function.function_type).end as usize;
        let end = tree.span(declaration).end as usize;
        if let Some(before) = source.get(from..start) {
            hasher.bytes(before);
            from = end.max(start);
        }
    }
    hasher.bytes(source.get(from..).unwrap_or_default());
    hasher.finish()
}

/// What decides what can be found out about packages, in order of the packages of a workspace; none
/// where a file could not be read.
pub struct Fingerprints {
    /// About each package that was asked for, with its tests and the bodies of its functions.
    pub packages: Vec<Option<Hash>>,
    /// About what each package declares for others; none for external tests.
    pub declarations: Vec<Option<Hash>>,
}

/// The fingerprints of the packages of a workspace.
pub fn fingerprints(
    workspace: &Workspace,
    hashes: &dyn Fn(&Path) -> Option<FileHashes>,
) -> Fingerprints {
    let count = workspace.packages.len();
    let mut maker = Maker {
        workspace,
        importable: vec![None; count],
        hashes,
    };
    // Tests import packages that come later in the order, so what is imported is made first.
    for index in workspace.order() {
        let package = workspace.package(*index);
        if package.external_test_of.is_none() {
            maker.importable[index.0 as usize] =
                maker.hash(package, Part::Importable, &maker.importable);
        }
    }
    let mut packages = vec![None; count];
    for (position, package) in workspace.packages.iter().enumerate() {
        if package.dependency_only {
            continue;
        }
        packages[position] = match package.external_test_of {
            None => maker.hash(package, Part::Everything, &maker.importable),
            Some(tested) => {
                // It sees what the in-package tests declare.
                let mut importable = maker.importable.clone();
                importable[tested.0 as usize] = maker.hash(
                    workspace.package(tested),
                    Part::WithTests,
                    &maker.importable,
                );
                maker.hash(package, Part::Everything, &importable)
            }
        };
    }
    Fingerprints {
        packages,
        declarations: maker.importable,
    }
}

/// What of a package counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What others see of it.
    Importable,
    /// What its external test sees of it.
    WithTests,
    /// Bodies and all.
    Everything,
}

struct Maker<'a> {
    workspace: &'a Workspace,
    importable: Vec<Option<Hash>>,
    hashes: &'a dyn Fn(&Path) -> Option<FileHashes>,
}

impl Maker<'_> {
    fn hash(
        &self,
        package: &PackageSource,
        part: Part,
        importable: &[Option<Hash>],
    ) -> Option<Hash> {
        let mut hasher = Hasher::default();
        hasher.text(&self.workspace.build.os);
        hasher.text(&self.workspace.build.arch);
        hasher.text(&package.import_path);
        hasher.text(&package.name);
        let module = package
            .module
            .map(|module| &self.workspace.modules[module.0 as usize]);
        hasher.bytes(&module.map_or(0, |module| module.go_version.0).to_le_bytes());
        hasher.bytes(&[
            part as u8,
            u8::from(package.standard),
            u8::from(package.has_foreign_code),
            u8::from(package.external_test_of.is_some()),
        ]);
        let counts =
            |file: &&SourceFile| part != Part::Importable || file.test != TestKind::InPackage;
        for file in package.files.iter().filter(counts) {
            let hashes = (self.hashes)(&file.path)?;
            hasher.bytes(file.path.file_name().unwrap_or_default().as_encoded_bytes());
            hasher.bytes(&file.go_version.0.to_le_bytes());
            hasher.bytes(&[
                u8::from(file.is_cgo),
                u8::from(file.generated),
                file.test as u8,
                u8::from(file.selected),
            ]);
            if hashes.declarations == hashes.contents {
                // The parser finds its way out of a broken body only if it reads bodies.
                let with_tests = package.files.iter().any(|file| file.test != TestKind::No);
                hasher.bytes(&[u8::from(package.dependency_only), u8::from(with_tests)]);
            }
            hasher.hash(match part {
                Part::Everything => hashes.contents,
                Part::Importable | Part::WithTests => hashes.declarations,
            });
        }
        for import in &package.imports {
            if part == Part::Importable && import.test_only() {
                continue;
            }
            hasher.text(&import.path);
            hasher.bytes(&[u8::from(import.in_package), u8::from(import.in_tests)]);
            match &import.target {
                ImportTarget::Package(target) => {
                    hasher.text("package");
                    hasher.hash(importable[target.0 as usize]?);
                }
                ImportTarget::Standard => hasher.text("standard"),
                ImportTarget::C => hasher.text("C"),
                // Nothing is known of it, whatever the reason.
                ImportTarget::Missing(_) => hasher.text("missing"),
            }
        }
        Some(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use goward_syntax::{Mode, parse};

    /// Whether two texts declare the same, as far as hashes say; bodies read or skipped.
    #[track_caller]
    fn check(one: &str, other: &str, same: bool) {
        let hash = |text: &str, mode| declarations(text.as_bytes(), &parse(text.as_bytes(), mode));
        for text in [one, other] {
            assert_eq!(
                hash(text, Mode::Full),
                hash(text, Mode::DeclarationsOnly),
                "{text}"
            );
        }
        let equal = hash(one, Mode::Full) == hash(other, Mode::Full);
        assert_eq!(equal, same, "{one}\n{other}");
    }

    #[test]
    fn bodies_of_functions_are_no_part_of_what_is_declared() {
        check(
            "package a\nfunc F() int { return 1 }\nfunc (t *T) M() { a() }\ntype T int\n",
            "package a\nfunc F() int { return g(2, 3) }\nfunc (t *T) M() {}\ntype T int\n",
            true,
        );
        check(
            "package a\nfunc F() int { return 1 }\n",
            "package a\nfunc F() int32 { return 1 }\n",
            false,
        );
        check("package a\nfunc F() {}\n", "package a\nfunc F()\n", false);
        // The type of a variable may rest on the literal in its initializer.
        check(
            "package a\nvar F = func() int { return 1 }\n",
            "package a\nvar F = func() int { return 2 }\n",
            false,
        );
        check(
            "package a\nconst C = 1\n",
            "package a\nconst C = 2\n",
            false,
        );
    }

    #[test]
    fn what_is_not_understood_counts_as_a_whole() {
        let text = b"package a\nfunc F() { ( }\n";
        let tree = parse(text, Mode::Full);
        assert_eq!(declarations(text, &tree), Hash::of(text));
        let text = b"package a\nfunc F() { }\n";
        let tree = parse(text, Mode::Full);
        assert_ne!(declarations(text, &tree), Hash::of(text));
    }
}
