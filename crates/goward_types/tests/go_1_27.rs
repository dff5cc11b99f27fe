//! What Go 1.27 added to the language: methods with type parameters, fields of embedded structs in
//! literals, and generic functions as values of a known type in more places. The types are those that
//! go/types of Go 1.27.3 gives for the same text.

use goward_syntax::parse;
use goward_types::{Checker, File, GoVersion, Importer, PackageId, Settings, Sizes, World};

struct NoImports;

impl Importer for NoImports {
    fn import(&self, _path: &str) -> Option<PackageId> {
        None
    }
}

/// Checks declarations; after `// =`, the objects declared at the level of the package that the line
/// begins with must read so. Returns the errors.
fn check(version: u16, source: &str) -> Vec<String> {
    let source = format!("package p\n{source}");
    let tree = parse(source.as_bytes(), goward_syntax::Mode::Full);
    let syntax: Vec<_> = tree.diagnostics_for(version).collect();
    assert!(syntax.is_empty(), "{syntax:?}");
    let world = World::new(Sizes::for_architecture("amd64"));
    let package = world.new_package("p", vec!["source.go".to_owned()], false);
    let file = File {
        tree: &tree,
        source: source.as_bytes(),
        version: GoVersion(version),
    };
    let settings = Settings::default();
    let checked = Checker::check(&world, package, vec![file], &NoImports, settings);
    let mut declared = Vec::new();
    for (_, object) in world.package(package).names() {
        let text = world.object_string(object, &|package| world.package(package).path);
        declared.push(text.replace("p.", ""));
    }
    for wanted in source.lines().filter_map(|line| line.split_once("// = ")) {
        let wanted = wanted.1.to_owned();
        assert!(declared.contains(&wanted), "{wanted} in {declared:#?}");
    }
    checked
        .errors
        .into_iter()
        .map(|error| error.message)
        .collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn methods_have_type_parameters() {
    let errors = check(
        27,
        r#"
type List[T any] struct{ items []T }
func (l *List[T]) Map[U any](f func(T) U) *List[U] { return &List[U]{items: []U{f(l.items[0])}} }
func (l List[T]) Fold[A any](start A, f func(A, T) A) A { return f(start, l.items[0]) }
func (l List[T]) Pick[P interface{ ~*T }](p P) P { return p }
type Plain struct{}
func (Plain) Pair[A, B any](a A, b B) (B, A) { return b, a }

var list = &List[int]{}
var number int
var inferred = list.Map(func(i int) string { return "" }) // = var inferred *List[string]
var again = inferred.Map(func(s string) bool { return s == "" }) // = var again *List[bool]
var folded = inferred.Fold(1.5, func(sum float64, s string) float64 { return sum }) // = var folded float64
var picked = list.Pick(&number) // = var picked *int
var explicit = list.Map[uint8] // = var explicit func(f func(int) uint8) *List[uint8]
var expression = (*List[int]).Map[string] // = var expression func(l *List[int], f func(int) string) *List[string]
var plain = Plain.Pair[int, bool] // = var plain func(_ Plain, a int, b bool) (bool, int)
var target func(func(int) rune) *List[rune] = list.Map
var first, second = Plain{}.Pair(1, "x") // = var first string
"#,
    );
    assert_eq!(errors, NOTHING);
}

#[test]
fn a_generic_method_is_none_of_an_interface() {
    let errors = check(
        27,
        r#"
type I interface{ M(int) }
type T struct{}
func (T) M[P any](P) {}
var _ I = T{}
"#,
    );
    assert_eq!(errors.len(), 1, "{errors:?}");
    // The bound of a type parameter may name those of the receiver: `*string` is no `~*int`.
    let errors = check(
        27,
        r#"
type List[T any] struct{}
func (l List[T]) Pick[P interface{ ~*T }](p P) {}
func f(s *string) { List[int]{}.Pick(s) }
"#,
    );
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn literals_name_fields_of_embedded_structs() {
    let source = r#"
type Inner struct{ Depth int }
type Middle struct { Inner; Name string }
type Outer struct { Middle; *Pointed; Extra []string }
type Pointed struct { Far int }
var whole = Outer{Depth: 3, Name: "n", Extra: nil}
"#;
    assert_eq!(check(27, source), NOTHING);
    assert_eq!(check(26, source).len(), 2);
    let behind_a_pointer = format!("{source}var wrong = Outer{{Far: 1}}\n");
    assert_eq!(check(27, &behind_a_pointer).len(), 1);
}

#[test]
fn generic_functions_are_values_of_a_known_type() {
    let errors = check(
        27,
        r#"
func same[T any](x T) T { return x }
type Op func(int) int
var list = []func(int) int{same, 1: same}
var table = map[string]func(string) string{"a": same}
var structure = struct{ f func(int) int }{f: same}
var unkeyed = struct{ f func(int) int }{same}
var converted = Op(same) // = var converted Op
func send(ch chan func(bool) bool) { ch <- same }
"#,
    );
    assert_eq!(errors, NOTHING);
}
