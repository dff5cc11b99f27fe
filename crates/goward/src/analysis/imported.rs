//! What imported packages declare, as earlier runs of the same command line found out: taken from the
//! cache before a run, and brought up to date after it.

use std::collections::HashMap;

use goward_project::{
    Hash, ImportTarget, PackageIndex, Program, StoredEntry, StoredProgram, Workspace,
};
use goward_types::{StoredDeclarations, write_declarations};
use rayon::prelude::*;

use crate::cache::{Cache, Declarations, NewEntry};

/// The number of no entry.
const NONE: u32 = u32::MAX;

/// The declarations that the cache has for the packages of a workspace. `fingerprints` says what
/// decides the declarations of each.
pub(super) fn stored(
    kept: &Declarations,
    workspace: &Workspace,
    fingerprints: &[Option<Hash>],
) -> StoredProgram {
    let numbers = numbers(kept);
    let entries = fingerprints
        .iter()
        .enumerate()
        .filter_map(|(position, fingerprint)| {
            let number = *numbers.get(&(*fingerprint)?)?;
            let entry = &kept.entries()[number];
            let package = PackageIndex(position as u32);
            let single = workspace.package(package).external_test_of.is_none();
            single.then(|| StoredEntry {
                package,
                number,
                names: entry.names.iter().map(|&name| name as usize).collect(),
            })
        })
        .collect();
    StoredProgram {
        entries,
        source: Box::new(kept.clone()),
    }
}

/// The entries by what decided the declarations of their packages.
fn numbers(kept: &Declarations) -> HashMap<Hash, usize> {
    let entries = kept.entries().iter().enumerate();
    entries
        .map(|(number, entry)| (entry.fingerprint, number))
        .collect()
}

/// Keeps what a run found out about the packages that others import, if the cache does not have all
/// of it.
pub(super) fn keep(
    cache: &Cache,
    part: usize,
    kept: Option<&Declarations>,
    program: &Program,
    fingerprints: &[Option<Hash>],
) {
    let workspace = &program.workspace;
    let numbers = kept.map(numbers).unwrap_or_default();
    let known = |hash: &Hash| numbers.get(hash).copied();
    let mut imported = vec![false; workspace.packages.len()];
    for package in &workspace.packages {
        for import in &package.imports {
            if let ImportTarget::Package(target) = import.target {
                imported[target.0 as usize] = true;
            }
        }
    }
    let candidates: Vec<(PackageIndex, Hash)> = (0..workspace.packages.len())
        .filter(|&position| imported[position])
        .filter_map(|position| Some((PackageIndex(position as u32), fingerprints[position]?)))
        .collect();
    let is_new = |(package, hash): &(PackageIndex, Hash)| {
        known(hash).is_none() && program.declared(*package).is_some()
    };
    if !candidates.iter().any(is_new) {
        return;
    }
    let by_path: HashMap<&str, Option<Hash>> = candidates
        .iter()
        .map(|(package, hash)| (&*workspace.package(*package).import_path, Some(*hash)))
        .collect();
    // The bytes of each, and the packages that they name by what decides their declarations.
    let entries: Vec<(Hash, Vec<u8>, Vec<Option<Hash>>)> = candidates
        .par_iter()
        .filter_map(|(package, hash)| {
            if let (Some(kept), Some(number)) = (kept, known(hash)) {
                let names = kept.entries()[number].names.iter();
                let names = names.map(|&name| {
                    let entry = kept.entries().get(name as usize)?;
                    Some(entry.fingerprint)
                });
                return Some((*hash, kept.read(number)?, names.collect()));
            }
            let id = program.declared(*package)?;
            let (bytes, names) = write_declarations(&program.world, id).ok()?;
            let names = names.iter().map(|path| by_path.get(path.as_str()).copied());
            Some((*hash, bytes, names.map(Option::flatten).collect()))
        })
        .collect();
    let places: HashMap<Hash, u32> = entries
        .iter()
        .enumerate()
        .map(|(place, (hash, _, _))| (*hash, place as u32))
        .collect();
    let place = |name: Option<Hash>| name.and_then(|name| places.get(&name).copied());
    let new: Vec<NewEntry> = entries
        .into_iter()
        .map(|(fingerprint, bytes, names)| NewEntry {
            fingerprint,
            names: names
                .into_iter()
                .map(|name| place(name).unwrap_or(NONE))
                .collect(),
            bytes,
        })
        .collect();
    cache.keep_declarations(part, &new);
}
