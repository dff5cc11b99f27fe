//! A library of two packages and a program that imports them, and what can be said about both.

use std::fmt::Write as _;

use goward_syntax::{Tree, parse};
use goward_types::{
    CheckedPackage, Checker, File, GoVersion, Importer, ObjectKind, PackageId, Settings, Sizes,
    World, dump_facts,
};

pub(crate) const PLATFORMS: [&str; 2] = ["linux/amd64", "windows/386"];

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

/// Finds packages by path, and settles them if it was told how.
pub(crate) struct Packages<'a> {
    find: &'a dyn Fn(&str) -> Option<PackageId>,
    settle: Option<&'a dyn Fn(PackageId)>,
}

impl<'a> Packages<'a> {
    pub(crate) fn new(find: &'a dyn Fn(&str) -> Option<PackageId>) -> Packages<'a> {
        Packages { find, settle: None }
    }

    pub(crate) fn settling(self, settle: &'a dyn Fn(PackageId)) -> Packages<'a> {
        Packages {
            settle: Some(settle),
            ..self
        }
    }
}

impl Importer for Packages<'_> {
    fn import(&self, path: &str) -> Option<PackageId> {
        match path {
            "unsafe" => Some(PackageId::UNSAFE),
            _ => (self.find)(path),
        }
    }

    fn settle(&self, package: PackageId) {
        if let Some(settle) = self.settle {
            settle(package);
        }
    }
}

pub(crate) fn check(
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

pub(crate) fn world_for(platform: &str) -> World {
    let (_, architecture) = platform.split_once('/').unwrap();
    World::new(Sizes::for_architecture(architecture))
}

/// The library as a platform has it, checked from source.
pub(crate) fn library(world: &World, platform: &str) -> Vec<PackageId> {
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
        let (checked, _) = check(world, wanted, &sources, &Packages::new(&find));
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

/// All that can be said about the declarations of a package that others can see.
pub(crate) fn describe(world: &World, package: PackageId) -> String {
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
pub(crate) fn facts(world: &World, importer: &Packages<'_>) -> String {
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
