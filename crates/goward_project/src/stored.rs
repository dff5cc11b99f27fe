//! Declarations that an earlier run wrote, so that packages which are only imported need not be
//! parsed and checked again.

use goward_types::StoredDeclarations;
use rustc_hash::FxHashMap;

use crate::graph::{PackageIndex, Workspace};

/// Stored declarations of packages of a workspace.
pub struct StoredProgram {
    pub entries: Vec<StoredEntry>,
    pub source: Box<dyn StoredDeclarations>,
}

/// The stored declarations of a package.
pub struct StoredEntry {
    /// Whose they are.
    pub package: PackageIndex,
    /// Their number in the source.
    pub number: usize,
    /// The numbers of those that they name types of.
    pub names: Vec<usize>,
}

impl StoredProgram {
    /// The packages whose stored declarations can be used, with their numbers: those for which
    /// `wanted` holds and which name only others that can be used. Packages go by their paths there,
    /// so each path must belong to one package.
    pub(crate) fn usable(
        &self,
        workspace: &Workspace,
        wanted: &dyn Fn(PackageIndex) -> bool,
    ) -> Vec<(PackageIndex, usize)> {
        let mut owners: FxHashMap<&str, u32> = FxHashMap::default();
        for package in &workspace.packages {
            if package.external_test_of.is_none() {
                *owners.entry(&package.import_path).or_default() += 1;
            }
        }
        let mut usable: FxHashMap<usize, PackageIndex> = self
            .entries
            .iter()
            .filter(|entry| {
                let path = &*workspace.package(entry.package).import_path;
                owners.get(path) == Some(&1) && wanted(entry.package)
            })
            .map(|entry| (entry.number, entry.package))
            .collect();
        // What names something unusable is not usable either, nor is what names that.
        let mut users: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        let mut unusable: Vec<usize> = Vec::new();
        for entry in &self.entries {
            for name in &entry.names {
                users.entry(*name).or_default().push(entry.number);
                if !usable.contains_key(name) {
                    unusable.push(entry.number);
                }
            }
        }
        while let Some(number) = unusable.pop() {
            if usable.remove(&number).is_some() {
                unusable.extend(users.get(&number).into_iter().flatten());
            }
        }
        let used = self.entries.iter().filter_map(|entry| {
            let package = *usable.get(&entry.number)?;
            (package == entry.package).then_some((package, entry.number))
        });
        used.collect()
    }
}
