//! What is read back from a summary is what the checker had found: packages in, for two platforms,
//! and the same declarations and the same facts about a program that imports them out.

use std::fmt::Write as _;

use goward_syntax::{Tree, parse};
use goward_types::{
    CheckedPackage, Checker, File, GoVersion, Importer, ObjectKind, PackageId, Packing, Settings,
    Sizes, Summary, SummaryBuilder, SummaryPackages, World, dump_facts,
};

const PLATFORMS: [&str; 2] = ["linux/amd64", "windows/386"];

/// Two packages, one of which is another one on each platform.
const LIBRARY: &str = r#"
-- low/low.go --
package low

import "unsafe"

const (
	Truth         = true
	Text          = "a\xffb\x00"
	Small         = -5
	Large         = 1 << 100
	Pi            = 3.14159265358979323846264338327950288419716939937510582097494459
	Third         = 1.0 / 3
	Whole float64 = 2
	Complex       = 2 + 3i
	Rune          = 'x'
	Typed    Kind = 7
	hidden        = 1
)

type Kind uint8

func (k Kind) String() string { return "" }

type Node struct {
	Next   *Node `json:"next"`
	weight int
	Kind
	*inner "tagged"
	_      [Small * -1]unsafe.Pointer
	any    any
	face   interface{}
}

type inner struct{ mu struct{ locked bool } }

func (inner) Promoted(func(x, y int) (err error)) {}
func (i *inner) pointer()                        {}

type Reader interface {
	Read(p []byte) (n int, err error)
	unexported()
}
type ReadCloser interface {
	Reader
	interface{ Close() error }
}
type Same = ReadCloser
type Other Node

type Number interface{ ~int | ~float64 }
type Ordered interface {
	comparable
	Less(Ordered) bool
}

type List[T any] struct {
	head *element[T]
	each map[string][]T
}
type element[T any] struct{ next *element[T] }

func (l *List[E]) Push(value E, more ...E) *List[E] { return l }
func (List[_]) Len() int                            { return 0 }

type Pair[K comparable, V interface{ ~[]K }] = struct {
	Key   K
	Value V
}
type Self[T interface{ Compare(T) int }] interface{ Use(T) }
type Ints = List[int]
type Strings = Pair[string, []string]

func Map[K comparable, V any, M1 ~map[K]V, M2 ~map[K]V](a M1, b M2) (same, other M1) { return }
func Sum[A, B Number](A, B) (_ A)                                                 { return }
func hiddenFunction()                                                            {}

var (
	Channel       chan<- <-chan int
	In            <-chan Node
	Function      func(n ...Node) (int, error)
	Error         = error(nil)
	Anonymous     struct{ A, B int }
	Instance      Pair[int, []int]
	hiddenVariable int
)
-- high/high.go --
package high

import "low"

type Embeds struct {
	low.Node
	low.List[low.Kind]
}
type Alias = low.Same
type Generic[T low.Number] = low.List[T]

var Shared = low.Anonymous
var Made = Generic[int]{}

const Twice = low.Pi * 2
-- high/high_linux.go --
package high

import "low"

const Size = 8

type Handle int

func (h Handle) Close() error { return nil }

func Open(low.Kind) Handle { return 0 }

type onlyLinux struct{}

var Special onlyLinux
-- high/high_windows.go --
package high

const Size = 4

type Handle uintptr

func Open(name string) (*Handle, error) { return nil, nil }

var Windows [Size]Handle
"#;

/// A program that imports them.
const PROGRAM: &str = r#"
package main

import (
	"high"
	"low"
)

type closer struct{ low.ReadCloser }

type number int

func (n number) Compare(other number) int { return int(n - other) }

var _ low.Self[number]

func main() {
	list := new(low.List[string]).Push("a", "b")
	_ = list.Len()
	push := (*low.List[int]).Push
	_ = push
	var e high.Embeds
	e.Promoted(nil)
	e.Kind = low.Typed
	_ = e.Next.Kind.String
	_, _ = low.Map(map[string]int{}, map[string]int{})
	_ = low.Sum(1, 2.0)
	var c low.ReadCloser = closer{}
	c.Close()
	h := high.Open
	_ = h
	_ = high.Size + low.Large>>90 + high.Twice
	var s low.Strings = struct {
		Key   string
		Value []string
	}{}
	_ = s.Value[0]
	var made low.List[int] = high.Made
	made.Push(1)
	_ = high.Shared == low.Anonymous
	for v := range low.In {
		_ = v.Next
	}
	_ = high.Special
}
"#;

/// Finds packages by path.
struct Packages<'a>(&'a dyn Fn(&str) -> Option<PackageId>);

impl Importer for Packages<'_> {
    fn import(&self, path: &str) -> Option<PackageId> {
        match path {
            "unsafe" => Some(PackageId::UNSAFE),
            _ => (self.0)(path),
        }
    }
}

fn check(
    world: &World,
    path: &str,
    sources: &[&str],
    importer: &Packages<'_>,
) -> (CheckedPackage, Vec<Tree>) {
    let trees: Vec<Tree> = sources
        .iter()
        .map(|source| parse(source.as_bytes(), goward_syntax::Mode::Full))
        .collect();
    let files = trees
        .iter()
        .zip(sources)
        .map(|(tree, source)| File {
            tree,
            source: source.as_bytes(),
            version: GoVersion(26),
        })
        .collect();
    let names = sources.iter().map(|_| "file.go".to_owned()).collect();
    let id = world.new_package(path, names, false);
    let checked = Checker::check(world, id, files, importer, Settings::default());
    (checked, trees)
}

fn world_for(platform: &str) -> World {
    let (_, architecture) = platform.split_once('/').unwrap();
    World::new(Sizes::for_architecture(architecture))
}

/// The library as a platform has it, checked from source.
fn library(world: &World, platform: &str) -> Vec<PackageId> {
    let (system, _) = platform.split_once('/').unwrap();
    let mut packages: Vec<(&str, PackageId)> = Vec::new();
    for wanted in ["low", "high"] {
        let sources: Vec<&str> = LIBRARY
            .split("\n-- ")
            .filter_map(|section| section.split_once(" --\n"))
            .filter(|(name, _)| name.starts_with(wanted))
            .filter(|(name, _)| !name.contains('_') || name.contains(system))
            .map(|(_, source)| source)
            .collect();
        let known = packages.clone();
        let find = move |path: &str| {
            known
                .iter()
                .find(|(name, _)| *name == path)
                .map(|(_, id)| *id)
        };
        let (checked, _) = check(world, wanted, &sources, &Packages(&find));
        let errors: Vec<String> = checked
            .errors
            .into_iter()
            .filter(|error| !error.soft)
            .map(|error| error.message)
            .collect();
        assert_eq!(errors, [""; 0]);
        packages.push((wanted, checked.package));
    }
    packages.into_iter().map(|(_, id)| id).collect()
}

fn summary(packing: Packing) -> Vec<u8> {
    let mut builder = SummaryBuilder::new("1.26.0");
    for platform in PLATFORMS {
        let world = world_for(platform);
        let packages = library(&world, platform);
        builder.add_platform(platform, &world, &packages).unwrap();
    }
    builder.finish(packing).unwrap()
}

/// All that can be said about the declarations of a package that others can see.
fn describe(world: &World, package: PackageId) -> String {
    let path = |package: PackageId| world.package(package).path;
    let mut text = String::new();
    for (_, id) in world.package(package).names() {
        let object = world.object(id);
        if object.kind != ObjectKind::TypeName && !object.is_exported() {
            continue;
        }
        let _ = writeln!(text, "{}", world.object_string(id, &path));
        if object.kind == ObjectKind::Constant {
            let _ = writeln!(text, "    = {}", object.constant().exact_string());
        }
        if object.kind != ObjectKind::TypeName {
            continue;
        }
        let declared = world.object_type(id);
        let _ = writeln!(text, "    {}", world.type_text(world.underlying(declared)));
        let _ = writeln!(text, "    comparable {}", world.comparable(declared));
        for &method in world.declared_methods(declared) {
            let receiver = world.object(method).receiver_name();
            let method = world.object_string(method, &path);
            let _ = writeln!(text, "    {method} of {receiver}");
        }
        for of in [declared, world.new_pointer(declared)] {
            for selection in world.method_set(of) {
                let method = world.object_string(selection.method, &path);
                let _ = writeln!(text, "    has {method} {:?}", selection.index);
            }
        }
    }
    text
}

/// What is found in the program that imports the library.
fn facts(world: &World, importer: &Packages<'_>) -> String {
    let (checked, trees) = check(world, "main", &[PROGRAM], importer);
    let mut text = String::new();
    for error in &checked.errors {
        let _ = writeln!(text, "error: {}", error.message);
    }
    let trees: Vec<&Tree> = trees.iter().collect();
    for line in dump_facts(world, checked.package, &checked.facts, &trees) {
        let _ = writeln!(text, "{line}");
    }
    text
}

#[test]
fn what_is_read_is_what_was_written() {
    let bytes = summary(Packing::Compressed);
    let summary = Summary::open(&bytes).unwrap();
    assert_eq!(summary.platforms(), PLATFORMS);
    assert_eq!(summary.release(), "1.26.0");
    for (number, platform) in PLATFORMS.into_iter().enumerate() {
        let source_world = world_for(platform);
        let from_source = library(&source_world, platform);
        let world = world_for(platform);
        let packages = SummaryPackages::new(&summary, number);
        // The package above comes first: the one below is read because of it.
        for (path, source) in [("high", from_source[1]), ("low", from_source[0])] {
            let read = packages.import(&world, path).unwrap().unwrap();
            assert_eq!(world.package(read).name().as_str(), path);
            let described = describe(&world, read);
            assert_eq!(described, describe(&source_world, source));
            assert!(described.lines().count() > 10);
        }
        assert_eq!(packages.import(&world, "middle"), Ok(None));

        let find = |path: &str| packages.import(&world, path).unwrap();
        let find_source = |path: &str| Some(from_source[usize::from(path == "high")]);
        let facts_from_summary = facts(&world, &Packages(&find));
        let facts_from_source = facts(&source_world, &Packages(&find_source));
        assert_eq!(facts_from_summary, facts_from_source);
        let special = facts_from_source.contains("error: ");
        assert_eq!(
            special,
            platform.starts_with("windows"),
            "{facts_from_source}"
        );
    }
}

#[test]
fn packages_are_read_once_whoever_asks() {
    let bytes = summary(Packing::Compressed);
    let summary = Summary::open(&bytes).unwrap();
    let world = world_for(PLATFORMS[0]);
    let packages = SummaryPackages::new(&summary, 0);
    let read: Vec<[PackageId; 2]> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (packages, world) = (&packages, &world);
                scope.spawn(move || {
                    let import = |path| packages.import(world, path).unwrap().unwrap();
                    match number % 2 {
                        0 => [import("low"), import("high")],
                        _ => {
                            let high = import("high");
                            [import("low"), high]
                        }
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(read.iter().all(|ids| *ids == read[0]), "{read:?}");
}

/// Whether everything in these bytes can be read.
fn can_be_read(bytes: &[u8]) -> bool {
    let Ok(summary) = Summary::open(bytes) else {
        return false;
    };
    let world = world_for(PLATFORMS[0]);
    let packages = SummaryPackages::new(&summary, 0);
    let mut read = ["high", "low"]
        .into_iter()
        .map(|path| packages.import(&world, path));
    read.all(|package| matches!(package, Ok(Some(_))))
}

#[test]
fn a_summary_that_is_cut_is_an_error() {
    let bytes = summary(Packing::Compressed);
    assert!(can_be_read(&bytes));
    for length in 0..bytes.len() {
        assert!(!can_be_read(&bytes[..length]), "cut after {length} bytes");
    }
    assert!(!can_be_read(&[&bytes[..], &[0]].concat()));
}

#[test]
fn changed_bytes_are_no_panic() {
    // Without compression, so that the changes are in names and numbers.
    let bytes = summary(Packing::Plain);
    let mut refused = 0;
    for position in 0..bytes.len() {
        for change in [1, 0x80 >> (position % 7), 0xff] {
            let mut changed = bytes.clone();
            changed[position] ^= change;
            refused += usize::from(!can_be_read(&changed));
        }
    }
    assert!(refused > bytes.len() / 2, "{refused} of {}", bytes.len());
}

/// As above, with up to eight changes at once.
#[test]
#[ignore = "takes half a minute"]
fn many_changes_are_no_panic() {
    let bytes = summary(Packing::Plain);
    let mut state = 1u64;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    let mut read = 0;
    for _ in 0..50_000 {
        let mut changed = bytes.clone();
        for _ in 0..=random(8) {
            let position = random(bytes.len());
            // Small numbers are what leads to other types and names.
            let limit = [4, 64, 256][random(3)];
            changed[position] = random(limit) as u8;
        }
        read += usize::from(can_be_read(&changed));
    }
    assert!(read > 100, "{read} could be read");
}

#[test]
fn errors_say_what_is_damaged() {
    let bytes = summary(Packing::Plain);
    let text = |error: goward_types::SummaryError| error.to_string();
    assert_eq!(
        Summary::open(b"goward").map(|_| ()).map_err(text),
        Err("the summary is damaged: it does not begin as one of this version does".to_owned())
    );
    let mut changed = bytes;
    *changed.last_mut().unwrap() ^= 0xff;
    let summary = Summary::open(&changed).unwrap();
    let world = world_for(PLATFORMS[0]);
    let packages = SummaryPackages::new(&summary, 1);
    let error = packages.import(&world, "high").unwrap_err();
    assert_eq!(error.package.as_deref(), Some("high"));
    assert!(text(error).starts_with("the summary of package high is damaged: "));
}
