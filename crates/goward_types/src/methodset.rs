//! Method sets: all methods that a value of a type has, those of embedded fields included.
//!
//! Source: `go/types/methodset.go`.

use goward_syntax::Symbol;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::ids::{ObjectId, PackageId, TypeId, TypeKind};
use crate::lookup::{Embedded, Paths, SEARCH_LIMIT};
use crate::types::Type;
use crate::world::World;

/// A method in a method set.
#[derive(Clone, Debug)]
pub struct MethodSelection {
    pub method: ObjectId,
    /// The numbers of the embedded fields that lead to it, then its own.
    pub index: Vec<u32>,
    /// Whether a pointer is followed on the way.
    pub indirect: bool,
}

/// What tells one identifier from another: unexported ones belong to their package.
type Identifier = (Symbol, Option<PackageId>);

/// The methods and collisions (as `None`) of a depth or of all depths so far.
type Set = FxHashMap<Identifier, Option<MethodSelection>>;

impl World {
    /// The method set of a type, sorted by name; unexported methods come under their package.
    pub fn method_set(&self, id: TypeId) -> Vec<MethodSelection> {
        // A defined pointer type has no methods, nor has a pointer to an interface.
        if self.unalias(id).kind() == TypeKind::Named && self.is_pointer(id) {
            return Vec::new();
        }
        let (base, is_pointer) = self.deref(id);
        if is_pointer && self.is_interface(base) {
            return Vec::new();
        }
        let mut all = Set::default();
        let mut paths = Paths::default();
        let mut seen: Vec<TypeId> = Vec::new();
        let mut level = vec![Embedded {
            embedded_type: base,
            path: Paths::root(),
            indirect: is_pointer,
            multiples: false,
        }];
        while !level.is_empty() && seen.len() <= SEARCH_LIMIT {
            let mut next = Vec::new();
            let mut fields = FxHashSet::default();
            let mut methods = Set::default();
            for entry in &level {
                let actual = self.unalias(entry.embedded_type);
                if actual.kind() == TypeKind::Named {
                    if self.seen_before(&seen, actual) {
                        continue;
                    }
                    seen.push(actual);
                    for number in 0..self.method_count(actual) {
                        let method = self.method(actual, number);
                        let index = paths.with(entry.path, number);
                        self.add_method(&mut methods, method, index, entry.indirect, entry);
                    }
                }
                let underlying = self.underlying(actual);
                match self.get(underlying) {
                    Type::Struct(structure) => {
                        for (number, &field) in structure.fields.iter().enumerate() {
                            fields.insert(self.identifier(field));
                            if self.object(field).is_embedded() {
                                let (embedded_type, pointer) = self.deref(self.object_type(field));
                                next.push(Embedded {
                                    embedded_type,
                                    path: paths.extend(entry.path, number),
                                    indirect: entry.indirect || pointer,
                                    multiples: entry.multiples,
                                });
                            }
                        }
                    }
                    Type::Interface(_) => {
                        for (number, &method) in
                            self.type_set(underlying).methods.iter().enumerate()
                        {
                            let index = paths.with(entry.path, number);
                            self.add_method(&mut methods, method, index, true, entry);
                        }
                    }
                    _ => {}
                }
            }
            // What was found at a lesser depth hides what is deeper. Fields hide methods.
            #[expect(
                clippy::iter_over_hash_type,
                reason = "the order is that of the identifiers at the end"
            )]
            for (identifier, method) in methods {
                let collides = fields.contains(&identifier);
                all.entry(identifier)
                    .or_insert(method.filter(|_| !collides));
            }
            #[expect(clippy::iter_over_hash_type, reason = "see above")]
            for identifier in fields {
                all.entry(identifier).or_insert(None);
            }
            self.consolidate_multiples(&mut next);
            level = next;
        }
        let mut list: Vec<MethodSelection> = all.into_values().flatten().collect();
        list.sort_by_cached_key(|selection| self.unique_id(selection.method));
        list
    }

    fn add_method(
        &self,
        set: &mut Set,
        method: ObjectId,
        index: Vec<u32>,
        indirect: bool,
        entry: &Embedded,
    ) {
        let identifier = self.identifier(method);
        let usable = !entry.multiples
            && !set.contains_key(&identifier)
            && (indirect || !self.has_pointer_receiver(method));
        let selection = usable.then_some(MethodSelection {
            method,
            index,
            indirect,
        });
        set.insert(identifier, selection);
    }

    fn identifier(&self, id: ObjectId) -> Identifier {
        let object = self.object(id);
        match object.is_exported() {
            true => (object.name, None),
            false => (object.name, object.package),
        }
    }

    /// The text by which go/types sorts fields and methods: the name, with the path of the package
    /// before it if it is not exported.
    pub fn unique_id(&self, id: ObjectId) -> String {
        let object = self.object(id);
        if object.is_exported() {
            return object.name.as_str().to_owned();
        }
        let path = object
            .package
            .map_or("", |package| self.package(package).path.as_str());
        let path = if path.is_empty() { "_" } else { path };
        format!("{path}.{}", object.name)
    }
}
