//! The instances that one package writes: those with identical arguments are one, the first.
//!
//! The world tells instances apart by how their arguments are written, so that `L[func(x int)]`
//! prints as it was written. Within a package go/types takes the first such instance for all later
//! ones with identical arguments, whatever the names of their parameters and wherever their struct
//! types were written: then `L[func(int)]` prints with the `x` of the first. This is the table for
//! that. As there, `byte` and `uint8`, and an alias and what it stands for, remain apart.
//!
//! Source: `go/types/context.go`, and the type hasher in `go/types/typestring.go`.

use std::fmt::Write as _;

use rustc_hash::FxHashMap;

use crate::ids::TypeId;
use crate::types::{Signature, StructType, Type};
use crate::world::World;

/// Instances by a text that is the same for identical ones.
#[derive(Debug, Default)]
pub(crate) struct Context {
    instances: FxHashMap<String, Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    arguments: Box<[TypeId]>,
    instance: TypeId,
}

impl Context {
    /// The instance of `origin` with these arguments: see [`World::instantiate`].
    pub(crate) fn instantiate(
        &mut self,
        world: &World,
        origin: TypeId,
        arguments: &[TypeId],
    ) -> TypeId {
        if arguments
            .iter()
            .all(|&argument| is_plain(world, argument, 0))
        {
            return world.instantiate(origin, arguments);
        }
        let mut hasher = Hasher {
            world,
            text: String::new(),
            type_parameters: Vec::new(),
            seen: Vec::new(),
        };
        let _ = write!(hasher.text, "{:x}", origin.raw());
        hasher.list(arguments);
        let entries = self.instances.entry(hasher.text).or_default();
        if let Some(entry) = entries
            .iter()
            .find(|entry| world.identical_lists(&entry.arguments, arguments))
        {
            return entry.instance;
        }
        let instance = world.instantiate(origin, arguments);
        entries.push(Entry {
            arguments: arguments.into(),
            instance,
        });
        instance
    }
}

/// Types nested deeper than this are looked at closely.
const PLAIN_DEPTH: usize = 8;

/// Whether there is only one way to write a type, so that identical ones have equal ids.
fn is_plain(world: &World, id: TypeId, depth: usize) -> bool {
    if depth > PLAIN_DEPTH {
        return false;
    }
    let plain = |id| is_plain(world, id, depth + 1);
    match world.get(id) {
        Type::Basic(_) | Type::TypeParameter(_) => true,
        Type::Array { element, .. }
        | Type::Slice { element }
        | Type::Channel { element, .. }
        | Type::Pointer { base: element } => plain(element),
        Type::Map { key, element } => plain(key) && plain(element),
        Type::Named(named) => named.arguments.iter().copied().all(plain),
        Type::Alias(alias) => alias.arguments.iter().copied().all(plain),
        Type::Struct(_)
        | Type::Tuple(_)
        | Type::Signature(_)
        | Type::Union(_)
        | Type::Interface(_) => false,
    }
}

/// Writes types as texts that do not depend on names which do not matter.
struct Hasher<'w> {
    world: &'w World,
    text: String,
    /// Those that the function type declares which is being written.
    type_parameters: Vec<TypeId>,
    /// The types that are being written.
    seen: Vec<TypeId>,
}

impl Hasher<'_> {
    fn list(&mut self, list: &[TypeId]) {
        self.text.push('[');
        for &id in list {
            self.typ(id);
            self.text.push(',');
        }
        self.text.push(']');
    }

    fn typ(&mut self, id: TypeId) {
        if self.seen.contains(&id) {
            self.text.push('@');
            return;
        }
        self.seen.push(id);
        self.form(id);
        self.seen.pop();
    }

    fn form(&mut self, id: TypeId) {
        let world = self.world;
        match world.get(id) {
            Type::Basic(_) => {
                let _ = write!(self.text, "{}", id.basic_name());
            }
            Type::Array { length, element } => {
                let _ = write!(self.text, "[{length}]");
                self.typ(element);
            }
            Type::Slice { element } => {
                self.text.push_str("[]");
                self.typ(element);
            }
            Type::Pointer { base } => {
                self.text.push('*');
                self.typ(base);
            }
            Type::Map { key, element } => {
                self.text.push_str("map ");
                self.typ(key);
                self.typ(element);
            }
            Type::Channel { direction, element } => {
                let _ = write!(self.text, "chan {direction:?} ");
                self.typ(element);
            }
            Type::Struct(structure) => self.structure(structure),
            Type::Tuple(parameters) => {
                self.text.push('(');
                for parameter in parameters {
                    self.typ(parameter.parameter_type);
                    self.text.push(',');
                }
                self.text.push(')');
            }
            Type::Signature(signature) => self.signature(signature),
            Type::Union(terms) => {
                for term in terms {
                    self.text.push_str(if term.tilde { "|~" } else { "|" });
                    self.typ(term.term_type);
                }
            }
            Type::Interface(_) => self.interface(id),
            Type::Named(named) => {
                let _ = write!(self.text, "n{:x}", named.object.raw());
                self.list(&named.arguments);
            }
            Type::Alias(alias) => {
                let _ = write!(self.text, "a{:x}", alias.object.raw());
                self.list(&alias.arguments);
            }
            Type::TypeParameter(_) => {
                match self.type_parameters.iter().position(|&own| own == id) {
                    Some(index) => drop(write!(self.text, "${index}")),
                    None => drop(write!(self.text, "p{:x}", id.raw())),
                }
            }
        }
    }

    fn structure(&mut self, structure: &StructType) {
        self.text.push_str("struct{");
        for (index, &field) in structure.fields.iter().enumerate() {
            let object = self.world.object(field);
            if !object.is_embedded() {
                self.text.push_str(object.name.as_str());
                self.text.push(' ');
            }
            self.typ(self.world.object_type(field));
            let tag = structure.tag(index);
            if !tag.is_empty() {
                let _ = write!(self.text, "{tag:?}");
            }
            self.text.push(';');
        }
        self.text.push('}');
    }

    fn signature(&mut self, signature: &Signature) {
        self.text.push_str("func");
        let outer = self.type_parameters.len();
        self.type_parameters
            .extend_from_slice(&signature.type_parameters);
        for &parameter in &signature.type_parameters {
            self.typ(self.world.bound(parameter));
            self.text.push(',');
        }
        self.typ(signature.parameters);
        self.text
            .push_str(if signature.variadic { "..." } else { "" });
        self.typ(signature.results);
        self.type_parameters.truncate(outer);
    }

    fn interface(&mut self, id: TypeId) {
        let world = self.world;
        let set = world.type_set(id);
        self.text.push_str("interface{");
        if set.comparable {
            self.text.push_str("comparable;");
        }
        for &method in &set.methods {
            self.text.push_str(world.object(method).name.as_str());
            self.typ(world.object_type(method));
            self.text.push(';');
        }
        // Terms come in any order.
        let start = self.text.len();
        let mut terms: Vec<String> = Vec::new();
        for term in set.terms() {
            self.text.push_str(if term.tilde { "~" } else { "" });
            self.typ(term.term_type);
            terms.push(self.text.split_off(start));
        }
        terms.sort_unstable();
        for term in terms {
            self.text.push('|');
            self.text.push_str(&term);
        }
        self.text.push('}');
    }
}
