//! A summary of a library that is changed in any places is read, or refused, without a panic; so are
//! packages that were written by themselves.

#![no_main]

use std::sync::LazyLock;

use goward_syntax::{Mode, parse};
use goward_types::{
    Checker, File, GoVersion, Importer, PackageId, Packing, Settings, Sizes, StoredDeclarations,
    Summary, SummaryBuilder, SummaryPackages, World, write_declarations,
};
use libfuzzer_sys::fuzz_target;

const PLATFORM: &str = "linux/amd64";

/// Packages of which each may import those before it.
const LIBRARY: [(&str, &str); 2] = [
    (
        "low",
        "package low
const (A = 1 << 100; B = 1.0 / 3; C = \"a\\xff\"; D = 2 + 3i; E Kind = 7)
type Kind uint8
func (Kind) String() string { return \"\" }
type Node struct { Next *Node `json:\"next\"`; Kind; *inner; f func(n ...Kind) (int, error) }
type inner struct { _ [4]int; in <-chan map[string]any }
func (i *inner) m(x, y int) {}
type Reader interface { Read(p []byte) (n int, err error); interface{ close() } }
type Number interface { ~int | ~float64; comparable }
type List[T any] struct { next *List[T] }
func (l *List[E]) Push(e E) *List[E] { return l }
type Pair[K comparable, V ~[]K] = struct { k K; v V }
type Self[T interface{ Less(T) bool }] interface { Use(T) }
func Map[K comparable, M ~map[K]Kind](m M) (_ Pair[K, []K]) { return }
var V struct { a, b List[int] }
",
    ),
    (
        "high",
        "package high
import \"low\"
type Embeds struct { low.Node; low.List[low.Kind] }
type Alias[T any] = low.List[T]
var W Alias[int]
var X = low.V
func F(low.Reader) (low.Pair[string, []string], error) { panic(0) }
",
    ),
];

struct Imports(Vec<(&'static str, PackageId)>);

impl Importer for Imports {
    fn import(&self, path: &str) -> Option<PackageId> {
        self.0
            .iter()
            .find(|(known, _)| *known == path)
            .map(|(_, id)| *id)
    }
}

/// The summary, and its packages by themselves.
static BYTES: LazyLock<(Vec<u8>, [Vec<u8>; 2])> = LazyLock::new(|| {
    let world = World::new(Sizes::for_architecture("amd64"));
    let mut imports = Imports(Vec::new());
    for (path, source) in LIBRARY {
        let tree = parse(source.as_bytes(), Mode::DeclarationsOnly);
        let id = world.new_package(path, vec!["file.go".to_owned()], false);
        let file = File {
            tree: &tree,
            source: source.as_bytes(),
            version: GoVersion(26),
        };
        let settings = Settings {
            ignore_function_bodies: true,
            no_facts: true,
        };
        Checker::check(&world, id, vec![file], &imports, settings);
        imports.0.push((path, id));
    }
    let packages: Vec<PackageId> = imports.0.iter().map(|(_, id)| *id).collect();
    let mut builder = SummaryBuilder::new("1.26.0");
    builder
        .add_platform(PLATFORM, &world, &packages)
        .expect("the library can be written");
    let summary = builder
        .finish(Packing::Plain)
        .expect("the library has a summary");
    let stored = [packages[0], packages[1]].map(|package| {
        write_declarations(&world, package)
            .expect("it can be written")
            .0
    });
    (summary, stored)
});

struct Stored([Vec<u8>; 2]);

impl StoredDeclarations for Stored {
    fn read(&self, number: usize) -> Option<Vec<u8>> {
        Some(self.0[number].clone())
    }
}

fuzz_target!(|input: &[u8]| {
    // Each change is a place (two bytes) and what is put there.
    let (mut bytes, mut stored) = BYTES.clone();
    let change = |bytes: &mut [u8]| {
        for change in input.chunks_exact(3) {
            let place = usize::from(change[0]) << 8 | usize::from(change[1]);
            bytes[place % bytes.len()] = change[2];
        }
    };
    change(&mut bytes);
    stored.iter_mut().for_each(|package| change(package));
    read(&bytes);
    read(input);
    read_stored(stored);
    read_stored([input.to_vec(), BYTES.1[1].clone()]);
});

fn read(bytes: &[u8]) {
    let Ok(summary) = Summary::open(bytes) else {
        return;
    };
    let world = World::new(Sizes::for_architecture("amd64"));
    let packages = SummaryPackages::new(&summary, 0);
    let paths: Vec<&str> = summary.packages(0).collect();
    for path in paths {
        let Ok(Some(package)) = packages.import(&world, path) else {
            continue;
        };
        for (_, object) in world.package(package).names() {
            world.object_string(object, &|package| world.package(package).path);
        }
    }
}

fn read_stored(packages: [Vec<u8>; 2]) {
    let world = World::new(Sizes::for_architecture("amd64"));
    let ids = LIBRARY.map(|(path, _)| world.new_package(path, Vec::new(), false));
    let numbered: Vec<(PackageId, usize)> = ids.iter().copied().zip(0..).collect();
    world.set_stored(&numbered, Box::new(Stored(packages)));
    for id in ids {
        world.announce(id);
        for (_, object) in world.package(id).names() {
            world.object_string(object, &|package| world.package(package).path);
            world.method_set(world.object_type(object));
        }
    }
}
