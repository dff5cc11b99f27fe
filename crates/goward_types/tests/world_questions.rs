//! Questions about types, written into Go files as lines `//= question(arguments): answer`. The
//! answers are those of go/types, by `go run tests/world_questions.go` in this crate's folder.

use std::fmt::Write as _;

use goward_syntax::{Symbol, parse};
use goward_types::{
    Checker, File, GoVersion, Importer, ObjectKind, PackageId, Settings, Sizes, Type, TypeId, World,
};

/// Only package `unsafe` can be imported.
struct UnsafeOnly;

impl Importer for UnsafeOnly {
    fn import(&self, path: &str) -> Option<PackageId> {
        (path == "unsafe").then_some(PackageId::UNSAFE)
    }
}

struct Questioned<'w> {
    world: &'w World,
    package: PackageId,
}

impl Questioned<'_> {
    /// The type of a name in the package, or a pointer to it.
    fn named_type(&self, text: &str) -> TypeId {
        if let Some(base) = text.strip_prefix('*') {
            return self.world.new_pointer(self.named_type(base));
        }
        let object = self
            .world
            .package(self.package)
            .lookup(Symbol::intern(text));
        self.world
            .object_type(object.unwrap_or_else(|| panic!("no {text} in the package")))
    }

    fn object_text(&self, object: goward_types::ObjectId) -> String {
        self.world
            .object_string(object, &|package| self.world.package(package).path)
    }

    fn answer(&self, question: &str, arguments: &[&str]) -> String {
        let world = self.world;
        let first = self.named_type(arguments[0]);
        let second = || self.named_type(arguments[1]);
        match question {
            "type" => world.type_text(first),
            "underlying" => world.type_text(world.underlying(first)),
            "object" => {
                let name = Symbol::intern(arguments[0]);
                self.object_text(world.package(self.package).lookup(name).expect("looked up"))
            }
            "identical" => world.identical(first, second()).to_string(),
            "comparable" => world.comparable(first).to_string(),
            "implements" => world
                .implements(first, second(), false, true, &mut |_| ())
                .is_ok()
                .to_string(),
            "satisfies" => world
                .implements(first, second(), true, true, &mut |_| ())
                .is_ok()
                .to_string(),
            "assertable" => world
                .assertable_to(first, second(), &mut |_| ())
                .to_string(),
            "lookup" => self.lookup(first, arguments[1]),
            "methods" => self.methods(first),
            "size" => format!("{} {}", world.sizeof(first), world.alignof(first)),
            "offsets" => match world.get(world.underlying(first)) {
                Type::Struct(structure) => {
                    let offsets = world.offsetsof(structure);
                    let texts: Vec<String> = offsets.iter().map(i64::to_string).collect();
                    texts.join(" ")
                }
                _ => "not a struct".to_owned(),
            },
            _ => panic!("unknown question {question}"),
        }
    }

    fn lookup(&self, id: TypeId, name: &str) -> String {
        let name = Symbol::intern(name);
        let found = self
            .world
            .lookup_field_or_method(id, false, Some(self.package), name);
        let index = path(&found.index);
        match found.object {
            Some(object) => format!("{} {index} {}", self.object_text(object), found.indirect),
            None if !found.index.is_empty() => format!("ambiguous {index}"),
            None if found.indirect => "needs a pointer".to_owned(),
            None => "none".to_owned(),
        }
    }

    fn methods(&self, id: TypeId) -> String {
        let mut text = String::new();
        for selection in self.world.method_set(id) {
            let object = self.world.object(selection.method);
            assert_eq!(object.kind, ObjectKind::Function);
            let separator = if text.is_empty() { "" } else { ", " };
            let name = self.world.unique_id(selection.method);
            let index = path(&selection.index);
            let _ = write!(text, "{separator}{name} {index} {}", selection.indirect);
        }
        match text.is_empty() {
            true => "none".to_owned(),
            false => text,
        }
    }
}

fn path(index: &[u32]) -> String {
    let texts: Vec<String> = index.iter().map(u32::to_string).collect();
    format!("[{}]", texts.join(" "))
}

/// Checks a Go file and answers the questions in it.
fn check(source: &str) {
    let world = World::new(Sizes::for_architecture("amd64"));
    let tree = parse(source.as_bytes(), goward_syntax::Mode::Full);
    let name = source
        .strip_prefix("package ")
        .and_then(|rest| rest.lines().next())
        .expect("starts with its package clause");
    let package = world.new_package(name, vec!["source.go".to_owned()], false);
    let file = File {
        tree: &tree,
        source: source.as_bytes(),
        version: GoVersion(26),
    };
    let checked = Checker::check(
        &world,
        package,
        vec![file],
        &UnsafeOnly,
        Settings::default(),
    );
    let errors: Vec<&str> = checked
        .errors
        .iter()
        .map(|error| error.message.as_str())
        .collect();
    assert_eq!(errors, [""; 0], "the file has no errors");
    let questioned = Questioned {
        world: &world,
        package,
    };
    let mut count = 0;
    let mut wrong = String::new();
    for line in source.lines() {
        let Some(rest) = line.strip_prefix("//= ") else {
            continue;
        };
        let (question, rest) = rest.split_once('(').expect("a question");
        let (arguments, answer) = rest.split_once("): ").expect("an answer");
        let arguments: Vec<&str> = arguments.split(", ").collect();
        let given = questioned.answer(question, &arguments);
        if given != answer {
            let _ = writeln!(wrong, "{line}\n    but it is: {given}");
        }
        count += 1;
    }
    assert!(count > 10, "{count} questions");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn identity() {
    check(include_str!("questions/identity.go"));
}

#[test]
fn methods() {
    check(include_str!("questions/methods.go"));
}

#[test]
fn generics() {
    check(include_str!("questions/generics.go"));
}

#[test]
fn layout() {
    check(include_str!("questions/layout.go"));
}

#[test]
fn contexts() {
    check(include_str!("questions/contexts.go"));
}
