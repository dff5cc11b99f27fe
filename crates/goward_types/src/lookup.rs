//! Finding fields and methods, and whether a type has the methods of an interface.
//!
//! The type of a method that is found may not be known yet: the checker declares methods when
//! they are first needed. Functions that compare signatures therefore take a function `resolve` that
//! is called with a method before its type is read.
//!
//! Source: `go/types/lookup.go`.

use goward_syntax::Symbol;

use crate::ids::{ObjectId, PackageId, TypeId, TypeKind};
use crate::object::ObjectKind;
use crate::types::{StructType, Type};
use crate::world::World;

/// Embedded types within embedded types: only infinitely growing instances nest deeper.
const DEPTH_LIMIT: usize = 64;
/// Named types that are searched for one name: only infinitely growing instances have more.
pub(crate) const SEARCH_LIMIT: usize = 500;

/// What a selector finds.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// The field or method. If there is none, a path in `index` says that the name is ambiguous, and
    /// `indirect` that a method was found that needs a pointer or an addressable operand.
    pub object: Option<ObjectId>,
    /// The numbers of the embedded fields that lead to it, then its own: of a field in its struct,
    /// of a method among the declared ones or in the type set of its interface.
    pub index: Vec<u32>,
    /// Whether a pointer is followed on the way.
    pub indirect: bool,
}

/// A method of an interface that another type lacks.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MissingMethod {
    /// The method of the interface.
    pub method: ObjectId,
    /// Whether there is one of that name, but with another signature or a pointer receiver.
    pub wrong_type: bool,
    pub cause: MissingCause,
}

/// Why a method is missing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MissingCause {
    NotFound,
    WrongSignature,
    Ambiguous,
    PointerReceiver,
    /// A field has that name.
    Field,
}

impl MissingMethod {
    /// The cause in words, to go in parentheses after a message.
    pub fn describe(&self, world: &World) -> String {
        let name = world.object(self.method).name;
        match self.cause {
            MissingCause::NotFound => format!("missing method {name}"),
            MissingCause::WrongSignature => format!("wrong type for method {name}"),
            MissingCause::Ambiguous => format!("ambiguous method {name}"),
            MissingCause::PointerReceiver => format!("method {name} has a pointer receiver"),
            MissingCause::Field => format!("{name} is a field, not a method"),
        }
    }
}

/// An embedded type at the depth that is being searched.
pub(crate) struct Embedded {
    pub(crate) embedded_type: TypeId,
    /// Its place in [`Paths`].
    pub(crate) path: u32,
    /// Whether a pointer was followed on the way to it.
    pub(crate) indirect: bool,
    /// Whether the type is there several times at this depth.
    pub(crate) multiples: bool,
}

/// The ways to embedded types: each entry is a field number and the entry of the way before it.
#[derive(Default)]
pub(crate) struct Paths(Vec<(u32, u32)>);

const ROOT: u32 = u32::MAX;

impl Paths {
    pub(crate) fn root() -> u32 {
        ROOT
    }

    pub(crate) fn extend(&mut self, path: u32, index: usize) -> u32 {
        self.0.push((path, index as u32));
        self.0.len() as u32 - 1
    }

    /// The field numbers of a way, and `last` at the end.
    pub(crate) fn with(&self, mut path: u32, last: usize) -> Vec<u32> {
        if path == ROOT {
            return vec![last as u32];
        }
        let mut index = vec![last as u32];
        while let Some(&(previous, field)) = self.0.get(path as usize) {
            index.push(field);
            path = previous;
        }
        index.reverse();
        index
    }
}

impl World {
    /// What a pointer type points to, and whether it is one; names are not looked through.
    pub fn deref(&self, id: TypeId) -> (TypeId, bool) {
        match self.get(self.unalias(id)) {
            Type::Pointer { base } => (base, true),
            _ => (id, false),
        }
    }

    /// What a pointer to a struct points to, names looked through; other types as they are.
    pub fn deref_struct_pointer(&self, id: TypeId) -> TypeId {
        match self.get(self.underlying(id)) {
            Type::Pointer { base } if self.underlying(base).kind() == TypeKind::Struct => base,
            _ => id,
        }
    }

    /// Whether this is a pointer to an interface or type parameter.
    pub fn is_interface_pointer(&self, id: TypeId) -> bool {
        matches!(self.get(self.underlying(id)), Type::Pointer { base } if self.is_interface(base))
    }

    /// The number of the field that `name` means in `package`.
    pub fn field_index(
        &self,
        structure: &StructType,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Option<usize> {
        if name.is_blank() {
            return None;
        }
        structure
            .fields
            .iter()
            .position(|&field| self.object(field).same_id(package, name))
    }

    /// The field or method that `.name` selects, written in `package`, on a value of type `id`;
    /// `addressable` says that the value is a variable.
    pub fn lookup_field_or_method(
        &self,
        id: TypeId,
        addressable: bool,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Lookup {
        // A defined pointer type has the fields that its base has, but no methods.
        let actual = self.unalias(id);
        if actual.kind() == TypeKind::Named {
            let underlying = self.underlying(actual);
            if underlying.kind() == TypeKind::Pointer {
                let found = self.lookup_in(underlying, false, package, name);
                let is_method = found
                    .object
                    .is_some_and(|object| self.object(object).kind == ObjectKind::Function);
                return if is_method { Lookup::default() } else { found };
            }
        }
        self.lookup_in(id, addressable, package, name)
    }

    fn lookup_in(
        &self,
        id: TypeId,
        addressable: bool,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Lookup {
        if name.is_blank() {
            return Lookup::default();
        }
        // The underlying type must not be taken before: a defined pointer type has no methods.
        let (base, is_pointer) = self.deref(id);
        if is_pointer && self.is_interface(base) {
            return Lookup::default();
        }
        let first = [Embedded {
            embedded_type: base,
            path: ROOT,
            indirect: is_pointer,
            multiples: false,
        }];
        let mut paths = Paths::default();
        let mut deeper: Vec<Embedded> = Vec::new();
        let mut seen: Vec<TypeId> = Vec::new();
        for depth in 0..DEPTH_LIMIT {
            let level = if depth == 0 { &first[..] } else { &deeper[..] };
            if level.is_empty() || seen.len() > SEARCH_LIMIT {
                break;
            }
            let mut next = Vec::new();
            let mut found: Option<(ObjectId, bool)> = None;
            let mut index = Vec::new();
            for entry in level {
                let actual = self.unalias(entry.embedded_type);
                if actual.kind() == TypeKind::Named {
                    // The same type at a lesser depth hides this one.
                    if self.seen_before(&seen, actual) {
                        continue;
                    }
                    seen.push(actual);
                    if let Some((number, method)) = self.lookup_method(actual, package, name) {
                        index = paths.with(entry.path, number);
                        if found.is_some() || entry.multiples {
                            return Lookup {
                                index,
                                ..Lookup::default()
                            };
                        }
                        found = Some((method, entry.indirect));
                        continue;
                    }
                }
                let underlying = self.underlying(actual);
                match self.get(underlying) {
                    Type::Struct(structure) => {
                        for (number, &field) in structure.fields.iter().enumerate() {
                            let object = self.object(field);
                            if object.same_id(package, name) {
                                index = paths.with(entry.path, number);
                                if found.is_some() || entry.multiples {
                                    return Lookup {
                                        index,
                                        ..Lookup::default()
                                    };
                                }
                                found = Some((field, entry.indirect));
                            } else if found.is_none() && object.is_embedded() {
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
                        let set = self.type_set(underlying);
                        if let Some((number, method)) = self.lookup_in_type_set(set, package, name)
                        {
                            index = paths.with(entry.path, number);
                            if found.is_some() || entry.multiples {
                                return Lookup {
                                    index,
                                    ..Lookup::default()
                                };
                            }
                            found = Some((method, entry.indirect));
                        }
                    }
                    _ => {}
                }
            }
            if let Some((object, indirect)) = found {
                let is_method = self.object(object).kind == ObjectKind::Function;
                if is_method && !indirect && !addressable && self.has_pointer_receiver(object) {
                    return Lookup {
                        indirect: true,
                        ..Lookup::default()
                    };
                }
                return Lookup {
                    object: Some(object),
                    index,
                    indirect,
                };
            }
            self.consolidate_multiples(&mut next);
            deeper = next;
        }
        Lookup::default()
    }

    pub(crate) fn seen_before(&self, seen: &[TypeId], named: TypeId) -> bool {
        seen.iter().any(|&other| self.identical(other, named))
    }

    /// Merges entries of the same type into one that is marked.
    pub(crate) fn consolidate_multiples(&self, list: &mut Vec<Embedded>) {
        if list.len() <= 1 {
            return;
        }
        let mut kept: Vec<Embedded> = Vec::with_capacity(list.len());
        for entry in list.drain(..) {
            let same =
                |other: &&mut Embedded| self.identical(other.embedded_type, entry.embedded_type);
            match kept.iter_mut().find(same) {
                Some(other) => other.multiples = true,
                None => kept.push(entry),
            }
        }
        *list = kept;
    }

    /// The first method of interface `interface` (a type with an interface under it) that `id` lacks.
    ///
    /// If `id` is an interface and `is_static` is not set, only methods that both have are
    /// compared, as for a type assertion. `equivalent` compares signatures.
    pub fn missing_method(
        &self,
        id: TypeId,
        interface: TypeId,
        is_static: bool,
        equivalent: &mut dyn FnMut(TypeId, TypeId) -> bool,
        resolve: &mut dyn FnMut(ObjectId),
    ) -> Option<MissingMethod> {
        let methods = &self.type_set(self.underlying(interface)).methods;
        if methods.is_empty() {
            return None;
        }
        let missing = |method, cause| {
            Some(MissingMethod {
                method,
                wrong_type: matches!(
                    cause,
                    MissingCause::WrongSignature | MissingCause::PointerReceiver
                ),
                cause,
            })
        };
        let underlying = self.underlying(id);
        if underlying.kind() == TypeKind::Interface {
            let set = self.type_set(underlying);
            for &method in methods {
                let wanted = self.object(method);
                match self.lookup_in_type_set(set, wanted.package, wanted.name) {
                    None if !is_static => {}
                    None => return missing(method, MissingCause::NotFound),
                    Some((_, found)) if found == method => {}
                    Some((_, found)) => {
                        if !equivalent(self.object_type(found), self.object_type(method)) {
                            return missing(method, MissingCause::WrongSignature);
                        }
                    }
                }
            }
            return None;
        }
        for &method in methods {
            let wanted = self.object(method);
            let found = self.lookup_in(id, false, wanted.package, wanted.name);
            let Some(object) = found.object else {
                let cause = if !found.index.is_empty() {
                    MissingCause::Ambiguous
                } else if found.indirect {
                    MissingCause::PointerReceiver
                } else {
                    MissingCause::NotFound
                };
                return missing(method, cause);
            };
            if self.object(object).kind != ObjectKind::Function {
                return missing(method, MissingCause::Field);
            }
            resolve(object);
            if !equivalent(self.object_type(object), self.object_type(method)) {
                return missing(method, MissingCause::WrongSignature);
            }
        }
        None
    }

    /// Whether `id` has all methods of `interface`. It is taken to have them where that is not
    /// known: if it is unknown itself or embeds something unknown.
    pub fn has_all_methods(
        &self,
        id: TypeId,
        interface: TypeId,
        is_static: bool,
        equivalent: &mut dyn FnMut(TypeId, TypeId) -> bool,
        resolve: &mut dyn FnMut(ObjectId),
    ) -> bool {
        !self.is_valid(id)
            || self
                .missing_method(id, interface, is_static, equivalent, resolve)
                .is_none()
            || self.has_unknown_embedded_fields(id)
    }

    /// Whether a struct, or what a pointer to one points to, embeds something unknown.
    pub fn has_unknown_embedded_fields(&self, id: TypeId) -> bool {
        self.embeds_unknown(id, &mut Vec::new())
    }

    fn embeds_unknown(&self, id: TypeId, seen: &mut Vec<TypeId>) -> bool {
        let underlying = self.underlying(self.deref_struct_pointer(id));
        let Type::Struct(structure) = self.get(underlying) else {
            return false;
        };
        if seen.contains(&underlying) || seen.len() > DEPTH_LIMIT {
            return false;
        }
        seen.push(underlying);
        structure.fields.iter().any(|&field| {
            let field_type = self.object_type(field);
            self.object(field).is_embedded()
                && (!self.is_valid(field_type)
                    // An embedded pointer to, or name for, something that is not known.
                    || !self.is_valid(self.deref(field_type).0)
                    || self.underlying(self.deref(field_type).0) == TypeId::UNKNOWN
                    || self.embeds_unknown(field_type, seen))
        })
    }

    /// Whether a value of interface type `interface` may be asserted to have type `id`.
    pub fn assertable_to(
        &self,
        interface: TypeId,
        id: TypeId,
        resolve: &mut dyn FnMut(ObjectId),
    ) -> bool {
        self.is_interface(id)
            || self.has_all_methods(
                id,
                interface,
                false,
                &mut |x, y| self.identical(x, y),
                resolve,
            )
    }

    /// Like [`World::assertable_to`], and the type must be in the type set of the interface.
    pub fn assertable_to_constraint(
        &self,
        interface: TypeId,
        id: TypeId,
        resolve: &mut dyn FnMut(ObjectId),
    ) -> bool {
        self.is_interface(id) || self.implements(id, interface, false, true, resolve).is_ok()
    }
}
