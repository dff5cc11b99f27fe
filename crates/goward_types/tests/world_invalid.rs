//! Types of invalid programs: every question about them has an end, and none panics. And types that
//! several threads ask about at once: all get the same answer.

use goward_syntax::{Symbol, parse};
use goward_types::{
    Checker, File, GoVersion, Importer, PackageId, Settings, Sizes, Type, TypeId, World,
};

/// Only package `unsafe` can be imported.
struct UnsafeOnly;

impl Importer for UnsafeOnly {
    fn import(&self, path: &str) -> Option<PackageId> {
        (path == "unsafe").then_some(PackageId::UNSAFE)
    }
}

/// Checks a Go file; returns the number of errors and the package.
fn check_package(world: &World, source: &str) -> (usize, PackageId) {
    let tree = parse(source.as_bytes(), goward_syntax::Mode::Full);
    let package = world.new_package("p", vec!["source.go".to_owned()], false);
    let file = File {
        tree: &tree,
        source: source.as_bytes(),
        version: GoVersion(26),
    };
    let checked = Checker::check(world, package, vec![file], &UnsafeOnly, Settings::default());
    (checked.errors.len(), package)
}

/// Asks everything about every type of the package, and about pointers to it.
fn ask_everything(world: &World, package: PackageId) {
    let mut types: Vec<TypeId> = Vec::new();
    for (_, object) in world.package(package).names() {
        let declared = world.object_type(object);
        types.push(declared);
        types.push(world.new_pointer(declared));
        let text = world.object_string(object, &|package| world.package(package).path);
        assert!(!text.is_empty());
    }
    let name = Symbol::intern("Nowhere");
    for &id in &types {
        let underlying = world.underlying(id);
        assert_eq!(world.underlying(underlying), underlying);
        assert!(world.alignof(id) >= 1);
        world.sizeof(id);
        world.has_variable_size(id);
        world.comparable(id);
        world.has_nil(id);
        world.type_set(underlying);
        world.method_set(id);
        world.has_unknown_embedded_fields(id);
        if let Type::Struct(structure) = world.get(underlying) {
            assert_eq!(
                world.offsetsof(structure).len(),
                structure.fields.len(),
                "one offset a field"
            );
        }
        assert!(
            world
                .lookup_field_or_method(id, true, Some(package), name)
                .object
                .is_none()
        );
        assert!(world.identical(id, id));
        for &other in &types {
            assert_eq!(world.identical(id, other), world.identical(other, id));
            let _ = world.implements(id, other, false, true, &mut |_| ());
            let _ = world.implements(id, other, true, true, &mut |_| ());
            world.assertable_to(other, id, &mut |_| ());
        }
    }
}

/// Checks an invalid program; small stacks are enough, for nothing nests deeply without end.
fn check_invalid(source: &str) {
    let source = format!("package p\n{source}\n");
    let run = move || {
        let world = World::new(Sizes::for_architecture("amd64"));
        let (_, package) = check_package(&world, &source);
        ask_everything(&world, package);
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(run);
    thread.expect("a thread").join().expect("no panic");
}

#[test]
fn names_in_circles() {
    check_invalid("type T T");
    check_invalid("type A B; type B C; type C A");
    check_invalid("type A = B; type B = A");
    check_invalid("type A = []A");
    check_invalid("type A = struct{ next *A }");
    check_invalid("type A[P any] = A[*P]; type X = A[int]");
    check_invalid("type A[P any] = struct{ a A[*P] }; type X = A[int]");
}

#[test]
fn types_that_contain_themselves() {
    check_invalid("type S struct{ a, b S }");
    check_invalid("type S struct{ a, b R }; type R struct{ a, b S }");
    check_invalid("type S [2]S");
    check_invalid("type S struct{ S; f int }");
    check_invalid("import \"unsafe\"\ntype S [unsafe.Sizeof(S{})]int");
    check_invalid("type S [len(x)]int; var x S");
}

#[test]
fn instances_that_grow() {
    check_invalid("type G[P any] struct{ next *G[[]P] }; type X = G[int]; var x G[X]");
    check_invalid("type G[P any] struct{ a, b G[[]P] }; type X = G[int]");
    check_invalid("type G[P any] struct{ a G[[]P]; b G[*P] }; type X = G[int]");
    check_invalid("type G[P any] struct{ *G[[]P] }; type X = G[int]");
    check_invalid(
        "type G[P any] struct{ *G[[]P]; H[P] }; type H[P any] struct{ *G[*P] }; type X = G[int]",
    );
    check_invalid("type G[P any] [2]G[[]P]; type X = G[int]");
    check_invalid("type G[P any] G[[]P]; type X = G[int]");
    check_invalid("type G[P any] interface{ G[[]P] }; type X = G[int]");
    check_invalid("type G[P any] interface{ m() G[[]P] }; type X = G[int]; type Y = G[string]");
    check_invalid("type G[P any] func(G[[]P]) G[*P]; type X = G[int]; type Y = G[string]");
}

#[test]
fn interfaces_that_embed_themselves() {
    check_invalid("type I interface{ I }");
    check_invalid("type I interface{ J; m() }; type J interface{ I; m() int }");
    check_invalid("type I interface{ ~I | int }");
    check_invalid("type I interface{ []I | map[string]I }");
    check_invalid("type I interface{ comparable; I2 }; type I2 interface{ I | string }");
    check_invalid("type I interface{ m() interface{ I } }; type J interface{ m() interface{ J } }");
}

#[test]
fn constraints_in_circles() {
    check_invalid("type T[P T[P]] struct{}");
    check_invalid("type T[P Q, Q P] struct{ p P; q Q }; type X = T[int, int]");
    check_invalid("type T[P any] P; type X = T[int]");
    check_invalid("type T[P interface{ *P }] struct{ p P }; type X = T[int]");
    check_invalid("func f[P interface{ *Q }, Q interface{ *P }]() {}; var x = f");
    check_invalid("func f[P interface{ *P }](p P) {}; func g() { f(nil); f(1) }");
    check_invalid("type T[P any] struct{}; type X T; type Y = T[int, string]; type Z T[]");
    check_invalid("type T[P comparable] struct{ T[T[P]] }; type X = T[func()]");
}

#[test]
fn names_that_are_missing() {
    check_invalid(
        "type S struct{ Missing; m map[Missing]missing.T }; type I interface{ Missing; m(Missing) }",
    );
    check_invalid("type T[P Missing] struct{ p P }; type X = T[Missing]");
    check_invalid("func (Missing) m() {}; func (t *T[P]) n() {}; type T int");
}

/// Instances are expanded by whoever is first, and all threads see the same fields.
#[test]
fn threads_see_the_same_fields() {
    let world = World::new(Sizes::for_architecture("amd64"));
    let (errors, package) = check_package(
        &world,
        "package p
        type List[T any] struct{ next *List[T]; inner struct{ value T }; i interface{ m(T) } }
        func (l *List[T]) Method(value struct{ T T }) interface{ m() T } { return nil }
        type Set[T any] = struct{ List[T]; set map[string]T }",
    );
    assert_eq!(errors, 0);
    let name = |text| world.package(package).lookup(Symbol::intern(text));
    let generic = |text| world.object_type(name(text).expect("declared"));
    let (list, set) = (generic("List"), generic("Set"));
    for round in 0..50 {
        let argument = world.new_array(round, TypeId::INT);
        let ask = || {
            let instance = world.instantiate(list, &[argument]);
            let Type::Struct(structure) = world.get(world.underlying(instance)) else {
                panic!("a list is a struct")
            };
            let fields = structure.fields.to_vec();
            let types: Vec<TypeId> = fields
                .iter()
                .map(|&field| world.object_type(field))
                .collect();
            let method = world.method(instance, 0);
            let alias = world.underlying(world.instantiate(set, &[argument]));
            (fields, types, method, world.object_type(method), alias)
        };
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(ask);
            let mine = ask();
            (mine, other.join().expect("no panic"))
        });
        assert_eq!(first, second);
    }
}
