//! Looks at the packages of a workspace while they are checked, each after those that it imports.
//!
//! What was found in a package is kept under a name that is made of all that decides it: its source,
//! what its imports declare, how it is looked at, and what the functions do that it may call. The last
//! is known only when its imports have been looked at. So after a change in the body of a function the
//! packages that import it wait for their turn, and are known again if the change does not show.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use goward_project::{
    Configurations, FileSystem, Hash, PackageIndex, Program, ProgramPackage, StoredProgram,
    Visitor, Workspace,
};
use goward_syntax::Tree;
use goward_types::{Bodies, ImportedBodies, PackageId};
use rayon::prelude::*;

use crate::cache::Declarations;

use super::{PackageOutcome, Request, Results, imported, package};

/// What the names of packages in the cache are made of, in order of the packages.
struct Keys {
    /// Source, declarations of imports and settings.
    packages: Vec<Option<Hash>>,
    /// What decides their declarations.
    declarations: Vec<Option<Hash>>,
}

/// After so many bytes of source the allocator is asked to give back what is free. What stays of
/// packages lies between what went with them: without this the standard library took some 8 MiB more.
const GIVEN_BACK_AFTER: usize = 1 << 20;

/// Looks at the packages of a workspace while they are checked.
pub(super) struct Examination<'a> {
    request: &'a Request<'a>,
    configurations: &'a Configurations<'a>,
    filesystem: &'a dyn FileSystem,
    results: Option<&'a Results<'a>>,
    /// In order of the packages; those that were asked for get filled.
    outcomes: Vec<OnceLock<PackageOutcome>>,
    /// What stands for the bodies of each package and of those that it imports, once it is known.
    bodies: Vec<OnceLock<Hash>>,
    /// What names in the cache are made of, once it was looked for.
    keys: Option<Keys>,
    /// Which of the workspaces of the request this is.
    part: usize,
    /// What the cache knows about imported packages.
    kept: Option<Declarations>,
    /// Whether each was known before.
    known: Vec<AtomicBool>,
    /// How many were asked for.
    asked: usize,
    /// How many bytes of source have been looked at.
    done: AtomicUsize,
}

impl<'a> Examination<'a> {
    pub(super) fn new(
        request: &'a Request<'a>,
        configurations: &'a Configurations<'a>,
        filesystem: &'a dyn FileSystem,
        results: Option<&'a Results<'a>>,
        part: usize,
        workspace: &Workspace,
    ) -> Examination<'a> {
        let count = workspace.packages.len();
        let mut examination = Examination {
            request,
            configurations,
            filesystem,
            results,
            outcomes: (0..count).map(|_| OnceLock::new()).collect(),
            bodies: (0..count).map(|_| OnceLock::new()).collect(),
            keys: None,
            part,
            kept: None,
            known: (0..count).map(|_| AtomicBool::new(false)).collect(),
            asked: workspace.roots().count(),
            done: AtomicUsize::new(0),
        };
        if let Some(results) = results.filter(|results| results.known) {
            examination.keys = Some(examination.keys(results, workspace));
            // What is imported comes first, external tests last.
            for &index in workspace.order() {
                if !workspace.package(index).dependency_only {
                    examination.look_up(workspace, index, false);
                }
            }
            if examination.open() > 0 {
                examination.kept = results.cache.declarations(part);
            }
        }
        examination
    }

    /// How many packages an earlier run knew.
    pub(super) fn hits(&self) -> usize {
        let known = self.known.iter();
        known.filter(|known| known.load(Ordering::Relaxed)).count()
    }

    /// How many packages are to be looked at.
    pub(super) fn open(&self) -> usize {
        self.asked - self.hits()
    }

    fn keys(&self, results: &Results<'_>, workspace: &Workspace) -> Keys {
        let fingerprints = results.fingerprints(workspace);
        let mut keys = Vec::with_capacity(fingerprints.packages.len());
        for (package, fingerprint) in workspace.packages.iter().zip(fingerprints.packages) {
            let key = fingerprint.and_then(|fingerprint| {
                let settings =
                    package::settings(self.request, self.configurations, package).ok()?;
                Some(results.cache.package_key(fingerprint, &settings))
            });
            keys.push(key);
        }
        Keys {
            packages: keys,
            declarations: fingerprints.declarations,
        }
    }

    /// The name of a package's entry in the cache; none while it cannot be known. `done`: the turns
    /// of all packages that it imports are over.
    fn key(
        &self,
        keys: &Keys,
        workspace: &Workspace,
        index: PackageIndex,
        done: bool,
    ) -> Option<Hash> {
        let key = keys.packages[index.0 as usize]?;
        let imports = self.bodies_of_imports(workspace, index, done)?;
        let parts = std::iter::once(&key).chain(&imports);
        Some(Hash::of_parts(parts.map(|hash| &hash.bytes()[..])))
    }

    fn bodies_of_imports(
        &self,
        workspace: &Workspace,
        index: PackageIndex,
        done: bool,
    ) -> Option<Vec<Hash>> {
        let package = workspace.package(index);
        let imports = package.imported_packages().chain(package.external_test_of);
        imports
            .map(|imported| self.bodies_hash(workspace, imported, done))
            .collect()
    }

    /// What stands for the bodies of a package and of those that it imports.
    fn bodies_hash(&self, workspace: &Workspace, index: PackageIndex, done: bool) -> Option<Hash> {
        let position = index.0 as usize;
        if let Some(&known) = self.bodies[position].get() {
            return Some(known);
        }
        let own = match self.outcomes[position].get() {
            Some(outcome) => outcome.bodies.functions.iter().collect(),
            // Nobody looks at it, or there is nothing in it.
            None if workspace.package(index).dependency_only || done => Vec::new(),
            None => return None,
        };
        let mut parts = Vec::new();
        for (name, body) in own {
            parts.push(name.as_bytes().to_vec());
            parts.push(postcard::to_stdvec(body).ok()?);
        }
        for imported in self.bodies_of_imports(workspace, index, done)? {
            parts.push(imported.bytes().to_vec());
        }
        let hash = Hash::of_parts(parts.iter().map(Vec::as_slice));
        Some(*self.bodies[position].get_or_init(|| hash))
    }

    /// Looks in the cache for what was found in a package; whether it is there.
    fn look_up(&self, workspace: &Workspace, index: PackageIndex, done: bool) -> bool {
        let (Some(results), Some(keys)) = (self.results, &self.keys) else {
            return false;
        };
        let found = self
            .key(keys, workspace, index, done)
            .and_then(|key| results.cache.package(key, self.request, self.filesystem));
        let position = index.0 as usize;
        let known = found.is_some_and(|found| self.outcomes[position].set(found).is_ok());
        if known {
            self.known[position].store(true, Ordering::Relaxed);
        }
        known
    }

    /// The outcomes in order of the packages, the new ones kept for later runs.
    pub(super) fn finish(mut self, program: &Program) -> Vec<PackageOutcome> {
        // Packages without files have none.
        let keep = self
            .results
            .filter(|results| self.open() > 0 && !results.observed.is_torn());
        if let Some(results) = keep {
            let workspace = &program.workspace;
            let keys = match self.keys.take() {
                None => self.keys(results, workspace),
                Some(keys) => keys,
            };
            if !results.observed.is_torn() {
                // One after the other: each needs what its imports have given.
                let names: Vec<Option<Hash>> = (0..workspace.packages.len())
                    .map(|position| {
                        let index = PackageIndex(position as u32);
                        self.outcomes[position].get()?;
                        self.key(&keys, workspace, index, true)
                    })
                    .collect();
                self.outcomes
                    .par_iter()
                    .zip(&self.known)
                    .zip(names)
                    .for_each(|((outcome, known), key)| {
                        if let (Some(outcome), Some(key)) = (outcome.get(), key)
                            && !known.load(Ordering::Relaxed)
                            && outcome.may_be_kept()
                        {
                            results.cache.keep_package(key, outcome);
                        }
                    });
                imported::keep(
                    results.cache,
                    self.part,
                    self.kept.as_ref(),
                    program,
                    &keys.declarations,
                );
            }
        }
        self.outcomes
            .into_iter()
            .filter_map(OnceLock::into_inner)
            .collect()
    }
}

impl Visitor for Examination<'_> {
    fn wants(&self, package: PackageIndex) -> bool {
        self.outcomes[package.0 as usize].get().is_none()
    }

    fn still_wants(&self, program: &Program, package: PackageIndex) -> bool {
        let known = self.look_up(&program.workspace, package, true);
        if known {
            let source = program.source(package);
            self.request.progress.step(&source.import_path);
        }
        !known
    }

    fn stored(&self, workspace: &Workspace) -> Option<StoredProgram> {
        let (kept, keys) = (self.kept.as_ref()?, self.keys.as_ref()?);
        Some(imported::stored(kept, workspace, &keys.declarations))
    }

    fn parsed(&self, path: &Path, contents: &[u8], tree: &Tree) {
        if let Some(results) = self.results
            && !results.overlay.contains_key(path)
        {
            results.observed.parsed(path, contents, tree);
        }
    }

    fn visit(&self, program: &Program, package: ProgramPackage) {
        let index = package.index;
        self.request
            .progress
            .step(&program.source(index).import_path);
        let bodies = BodiesOfImports {
            examination: self,
            program,
            package: index,
            reached: OnceLock::new(),
        };
        let outcome = package::check(
            self.request,
            self.configurations,
            program,
            &package,
            &bodies,
        );
        let _ = self.outcomes[index.0 as usize].set(outcome);
    }

    fn given_back(&self, size: usize) {
        let before = self.done.fetch_add(size, Ordering::Relaxed);
        if (before + size) / GIVEN_BACK_AFTER > before / GIVEN_BACK_AFTER {
            crate::allocator::give_back();
        }
    }

    fn failed(&self, program: &Program, package: PackageIndex, cause: &str) {
        let source = program.source(package);
        let outcome = package::failure(self.request, source, cause);
        let _ = self.outcomes[package.0 as usize].set(outcome);
    }
}

/// The bodies that a package may know: of packages that it imports, through however many others, but
/// not by its in-package tests. Whether the turn of those has come is chance.
struct BodiesOfImports<'e> {
    examination: &'e Examination<'e>,
    program: &'e Program,
    package: PackageIndex,
    /// Found when somebody asks for the first time.
    reached: OnceLock<BTreeSet<PackageIndex>>,
}

impl BodiesOfImports<'_> {
    fn reached(&self) -> BTreeSet<PackageIndex> {
        let mut reached = BTreeSet::new();
        let mut open = vec![self.package];
        while let Some(index) = open.pop() {
            let source = self.program.source(index);
            let imports = source.imported_packages().chain(source.external_test_of);
            open.extend(imports.filter(|&imported| reached.insert(imported)));
        }
        reached
    }
}

impl ImportedBodies for BodiesOfImports<'_> {
    fn of(&self, package: PackageId) -> Option<&Bodies> {
        let path = self.program.world.package(package).path.as_str();
        let index = self.program.workspace.find(path)?;
        let outcome = self.examination.outcomes[index.0 as usize].get()?;
        if outcome.bodies.functions.is_empty() {
            return None;
        }
        let reached = self.reached.get_or_init(|| self.reached());
        reached.contains(&index).then_some(&outcome.bodies)
    }
}
