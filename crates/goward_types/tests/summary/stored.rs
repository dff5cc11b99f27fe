//! Packages that were written one by one, read back in two steps.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use goward_syntax::Symbol;
use goward_types::{ObjectKind, PackageId, StoredDeclarations, World, write_declarations};

use crate::library::{PLATFORMS, Packages, check, describe, facts, library, world_for};

/// Packages as bytes, and how often each was read.
struct Written {
    packages: Vec<Option<Vec<u8>>>,
    read: Vec<AtomicUsize>,
}

impl Written {
    fn new(packages: Vec<Option<Vec<u8>>>) -> Arc<Written> {
        let read = packages.iter().map(|_| AtomicUsize::new(0)).collect();
        Arc::new(Written { packages, read })
    }

    fn read(&self) -> Vec<usize> {
        let read = self.read.iter();
        read.map(|read| read.load(Ordering::Relaxed)).collect()
    }
}

struct Source(Arc<Written>);

impl StoredDeclarations for Source {
    fn read(&self, number: usize) -> Option<Vec<u8>> {
        self.0.read[number].fetch_add(1, Ordering::Relaxed);
        self.0.packages[number].clone()
    }
}

const PATHS: [&str; 2] = ["low", "high"];

/// A world in which the library is stored.
fn stored(platform: &str, written: &Arc<Written>) -> (World, Vec<PackageId>) {
    let world = world_for(platform);
    let ids = PATHS.map(|path| {
        let id = world.new_package(path, Vec::new(), false);
        world.package(id).set_name(Symbol::intern(path));
        id
    });
    let packages: Vec<_> = ids.iter().copied().zip(0..).collect();
    world.set_stored(&packages, Box::new(Source(Arc::clone(written))));
    (world, ids.to_vec())
}

fn write(world: &World, packages: &[PackageId]) -> Vec<Option<Vec<u8>>> {
    let write = |&package| Some(write_declarations(world, package).unwrap().0);
    packages.iter().map(write).collect()
}

#[test]
fn what_is_read_is_what_was_written() {
    for platform in PLATFORMS {
        let source_world = world_for(platform);
        let from_source = library(&source_world, platform);
        let written = Written::new(write(&source_world, &from_source));

        let (world, packages) = stored(platform, &written);
        for (package, source) in packages.iter().zip(&from_source).rev() {
            assert!(world.announce(*package));
            let described = describe(&world, *package);
            assert_eq!(described, describe(&source_world, *source));
            assert!(described.lines().count() > 10);
        }
        // What was read can be written again.
        assert_eq!(write(&world, &packages), written.packages);

        let (world, packages) = stored(platform, &written);
        let find = |path: &str| Some(packages[usize::from(path == "high")]);
        let settle = |package| assert!(world.announce(package));
        let importer = Packages::new(&find).settling(&settle);
        let facts_from_stored = facts(&world, &importer);
        let find_source = |path: &str| Some(from_source[usize::from(path == "high")]);
        let facts_from_source = facts(&source_world, &Packages::new(&find_source));
        assert_eq!(facts_from_stored, facts_from_source);
        assert_eq!(world.stored_damage(), None);
        assert_eq!(written.read(), [2, 2]);
    }
}

#[test]
fn what_nobody_looks_into_is_not_read() {
    let source_world = world_for(PLATFORMS[0]);
    let from_source = library(&source_world, PLATFORMS[0]);
    let written = Written::new(write(&source_world, &from_source));
    let (world, packages) = stored(PLATFORMS[0], &written);
    let find = |path: &str| Some(packages[usize::from(path == "high")]);
    let settle = |package| assert!(world.announce(package));
    let importer = Packages::new(&find).settling(&settle);
    let program = |world: &World, path, text: &str| {
        let (checked, _) = check(world, path, &[text], &importer);
        assert_eq!(checked.errors.len(), 0, "{:?}", checked.errors);
    };
    program(&world, "one", "package one\nimport _ \"high\"\n");
    assert_eq!(written.read(), [0, 0]);
    program(
        &world,
        "two",
        "package two\nimport \"high\"\nvar v = high.Shared\n",
    );
    assert_eq!(written.read(), [1, 1]);
}

#[test]
fn all_threads_see_the_same() {
    let source_world = world_for(PLATFORMS[0]);
    let from_source = library(&source_world, PLATFORMS[0]);
    let written = Written::new(write(&source_world, &from_source));
    for _ in 0..20 {
        let (world, packages) = stored(PLATFORMS[0], &written);
        let texts = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for number in 0..4 {
                let (world, packages, texts) = (&world, &packages, &texts);
                scope.spawn(move || {
                    let package = packages[number % 2];
                    world.announce(package);
                    let text = describe(world, package);
                    texts.lock().unwrap().push((number % 2, text));
                });
            }
        });
        for (number, text) in texts.into_inner().unwrap() {
            assert_eq!(text, describe(&source_world, from_source[number]));
        }
    }
}

/// Reads packages completely, and says whether they are damaged.
fn is_damaged(packages: Vec<Option<Vec<u8>>>) -> bool {
    let (world, packages) = stored(PLATFORMS[0], &Written::new(packages));
    for &package in &packages {
        world.announce(package);
        for (_, object) in world.package(package).names() {
            if world.object(object).kind == ObjectKind::TypeName {
                world.declared_methods(world.object_type(object));
            }
        }
    }
    world.stored_damage().is_some()
}

#[test]
fn damage_is_noticed_and_no_panic() {
    let source_world = world_for(PLATFORMS[0]);
    let from_source = library(&source_world, PLATFORMS[0]);
    let good = write(&source_world, &from_source);
    assert!(!is_damaged(good.clone()));
    assert!(is_damaged(vec![None, good[1].clone()]));
    let (mut refused, mut tried) = (0, 0);
    for number in 0..2 {
        let bytes = good[number].clone().unwrap();
        for position in 0..bytes.len() {
            let mut cut = good.clone();
            cut[number] = Some(bytes[..position].to_vec());
            assert!(is_damaged(cut), "cut after {position} bytes");
            for change in [1, 0x80 >> (position % 7), 0xff] {
                let mut changed = bytes.clone();
                changed[position] ^= change;
                let mut packages = good.clone();
                packages[number] = Some(changed);
                refused += usize::from(is_damaged(packages));
                tried += 1;
            }
        }
    }
    assert!(refused > tried / 2, "{refused} of {tried}");
}

#[test]
fn what_is_unknown_stays_so() {
    const TEXT: &str = "package p
import \"missing\"
type T struct { a missing.A; b []missing.B }
var V missing.C
func F(missing.D) (int, *missing.E) { panic(0) }
type Alias = missing.F
";
    let world = world_for(PLATFORMS[0]);
    let find = |_: &str| None;
    let (checked, _) = check(&world, "p", &[TEXT], &Packages::new(&find));
    let (bytes, names) = write_declarations(&world, checked.package).unwrap();
    assert_eq!(names, []);
    let read = world_for(PLATFORMS[0]);
    let id = read.new_package("p", Vec::new(), false);
    let written = Written::new(vec![Some(bytes)]);
    read.set_stored(&[(id, 0)], Box::new(Source(written)));
    read.announce(id);
    let described = describe(&read, id);
    assert_eq!(described, describe(&world, checked.package));
    assert!(described.contains("a invalid type"), "{described}");
    assert_eq!(read.stored_damage(), None);
}
