//! Putting type arguments in for type parameters.
//!
//! Source: `go/types/subst.go`.

use crate::ids::{ObjectId, TypeId};
use crate::types::{Parameter, Signature, Type, UnionTerm};
use crate::world::World;

/// Generic aliases within generic aliases: deeper ones are a cycle in an invalid program.
const DEPTH_LIMIT: usize = 100;

/// How deep type arguments made by substitution may nest, and how many types they may be made of.
/// `type G[P any] struct{ next *G[[]P] }`, which is invalid, would grow for ever: beyond, the type
/// is unknown.
const NESTING_LIMIT: usize = 64;
const PARTS_LIMIT: usize = 10_000;

/// Type parameters and what to put in for them.
#[derive(Clone, Debug)]
pub struct Substitution<'a> {
    parameters: &'a [TypeId],
    arguments: std::borrow::Cow<'a, [TypeId]>,
}

impl<'a> Substitution<'a> {
    /// Puts `arguments[i]` in for `parameters[i]`; parameters without an argument stay.
    pub fn new(parameters: &'a [TypeId], arguments: &'a [TypeId]) -> Substitution<'a> {
        Substitution {
            parameters,
            arguments: arguments.into(),
        }
    }

    /// The same, where arguments may be missing.
    pub fn partial(parameters: &'a [TypeId], arguments: &[Option<TypeId>]) -> Substitution<'a> {
        let arguments = parameters
            .iter()
            .zip(arguments)
            .map(|(&parameter, argument)| argument.unwrap_or(parameter))
            .collect();
        Substitution {
            parameters,
            arguments: std::borrow::Cow::Owned(arguments),
        }
    }

    /// Whether something is put in for this type parameter.
    fn has(&self, parameter: TypeId) -> bool {
        self.parameters.contains(&parameter)
    }

    fn lookup(&self, parameter: TypeId) -> TypeId {
        let place = self.parameters.iter().position(|&p| p == parameter);
        let argument = place.and_then(|place| self.arguments.get(place));
        argument.copied().unwrap_or(parameter)
    }
}

impl World {
    /// `id` with type arguments put in for type parameters: the same id if none occurs in it.
    pub fn subst(&self, id: TypeId, substitution: &Substitution<'_>) -> TypeId {
        if substitution.parameters.is_empty() {
            return id;
        }
        Subster {
            world: self,
            map: substitution,
            depth: 0,
        }
        .typ(id)
    }

    /// Copies of `methods` with receiver `new` where it was `old`; `None` if there are none.
    pub(crate) fn replace_receiver(
        &self,
        methods: &[ObjectId],
        old: TypeId,
        new: TypeId,
    ) -> Option<Box<[ObjectId]>> {
        let mut replaced: Option<Box<[ObjectId]>> = None;
        for (index, &method) in methods.iter().enumerate() {
            if self.object(method).receiver() != Some(old) {
                continue;
            }
            let copy = self.copy_object(method, self.object(method).raw_type());
            self.object(copy).set_receiver(new);
            replaced.get_or_insert_with(|| methods.into())[index] = copy;
        }
        replaced
    }

    /// A copy of a variable or function with another type, that knows its origin.
    pub(crate) fn copy_object(&self, id: ObjectId, object_type: Option<TypeId>) -> ObjectId {
        let original = self.object(id);
        let copy = original.copy_with_type(object_type);
        copy.set_origin(original.origin().unwrap_or(id));
        self.add_object(copy)
    }
}

struct Subster<'w, 'm> {
    world: &'w World,
    map: &'m Substitution<'m>,
    depth: usize,
}

impl Subster<'_, '_> {
    fn typ(&mut self, id: TypeId) -> TypeId {
        let world = self.world;
        match world.get(id) {
            Type::Basic(_) => id,
            Type::TypeParameter(_) => self.map.lookup(id),
            Type::Array { length, element } => match self.typ(element) {
                new if new == element => id,
                new => world.new_array(length, new),
            },
            Type::Slice { element } => match self.typ(element) {
                new if new == element => id,
                new => world.new_slice(new),
            },
            Type::Pointer { base } => match self.typ(base) {
                new if new == base => id,
                new => world.new_pointer(new),
            },
            Type::Map { key, element } => match (self.typ(key), self.typ(element)) {
                new if new == (key, element) => id,
                (key, element) => world.new_map(key, element),
            },
            Type::Channel { direction, element } => match self.typ(element) {
                new if new == element => id,
                new => world.new_channel(direction, new),
            },
            Type::Struct(structure) => match self.list(&structure.fields, Subster::object) {
                None => id,
                Some(fields) => world.new_struct(fields, structure.tags.clone()),
            },
            Type::Tuple(parameters) => match self.list(parameters, Subster::parameter) {
                None => id,
                Some(parameters) => world.new_tuple(parameters),
            },
            // The receiver is not part of the type: see replace_receiver.
            Type::Signature(signature)
                if !signature.type_parameters.is_empty()
                    && !self.map.has(signature.type_parameters[0]) =>
            {
                self.generic_method(signature)
            }
            Type::Signature(signature) => {
                let parameters = self.typ(signature.parameters);
                let results = self.typ(signature.results);
                match (parameters, results) == (signature.parameters, signature.results) {
                    true => id,
                    false => world.new_signature(Signature {
                        parameters,
                        results,
                        ..signature.clone()
                    }),
                }
            }
            Type::Union(terms) => match self.list(terms, Subster::term) {
                None => id,
                Some(terms) => world.new_union(terms),
            },
            Type::Interface(interface) => {
                let methods = self.list(&interface.methods, Subster::object);
                let embeddeds = self.list(&interface.embeddeds, Subster::typ);
                if methods.is_none() && embeddeds.is_none() {
                    return id;
                }
                world.new_interface_for(
                    methods.unwrap_or_else(|| interface.methods.clone()),
                    embeddeds.unwrap_or_else(|| interface.embeddeds.clone()),
                    interface.is_implicit(),
                    id,
                )
            }
            Type::Named(named) => {
                let origin = named.origin.unwrap_or(id);
                match self.arguments(origin, &named.arguments) {
                    Arguments::Same => id,
                    Arguments::Wrong => TypeId::UNKNOWN,
                    Arguments::Replaced(arguments) => world.new_instance(origin, arguments),
                }
            }
            Type::Alias(alias) => {
                let origin = alias.origin.unwrap_or(id);
                match self.arguments(origin, &alias.arguments) {
                    Arguments::Same => id,
                    Arguments::Wrong => TypeId::UNKNOWN,
                    Arguments::Replaced(_) if self.depth > DEPTH_LIMIT => TypeId::UNKNOWN,
                    Arguments::Replaced(arguments) => {
                        world.new_alias_instance(origin, arguments, self.depth + 1)
                    }
                }
            }
        }
    }

    /// Substitutes in the arguments of an instance of `origin`.
    fn arguments(&mut self, origin: TypeId, arguments: &[TypeId]) -> Arguments {
        let count = self.world.type_parameters(origin).len();
        if count == 0 {
            return Arguments::Same;
        }
        if arguments.len() != count {
            // An error that is reported elsewhere.
            return Arguments::Wrong;
        }
        match self.list(arguments, Subster::typ) {
            None => Arguments::Same,
            Some(arguments) if self.world.are_too_deep(&arguments) => Arguments::Wrong,
            Some(arguments) => Arguments::Replaced(arguments),
        }
    }

    /// The signature of a generic method of an instance of a generic type. Its type parameters are its
    /// own ones: their bounds may mention those of the type.
    fn generic_method(&self, signature: &Signature) -> TypeId {
        let world = self.world;
        let fresh = world.copy_type_parameters(&signature.type_parameters);
        let parameters = [self.map.parameters, &*signature.type_parameters].concat();
        let outer = self.map.parameters.iter();
        let mut arguments: Vec<TypeId> = outer.map(|&outer| self.map.lookup(outer)).collect();
        arguments.extend_from_slice(&fresh);
        let mut inner = Subster {
            world,
            map: &Substitution::new(&parameters, &arguments),
            depth: self.depth,
        };
        for (&old, &new) in signature.type_parameters.iter().zip(&fresh) {
            world.set_bound(new, inner.typ(world.bound(old)));
        }
        world.new_signature(Signature {
            parameters: inner.typ(signature.parameters),
            results: inner.typ(signature.results),
            type_parameters: fresh.into(),
            ..signature.clone()
        })
    }

    fn object(&mut self, id: ObjectId) -> ObjectId {
        let old = self.world.object_type(id);
        match self.typ(old) {
            new if new == old => id,
            new => self.world.copy_object(id, Some(new)),
        }
    }

    fn parameter(&mut self, parameter: Parameter) -> Parameter {
        Parameter {
            parameter_type: self.typ(parameter.parameter_type),
            ..parameter
        }
    }

    fn term(&mut self, term: UnionTerm) -> UnionTerm {
        UnionTerm {
            term_type: self.typ(term.term_type),
            ..term
        }
    }

    /// Substitutes in each element; `None` if nothing changes.
    fn list<T: Copy + PartialEq>(
        &mut self,
        list: &[T],
        mut substitute: impl FnMut(&mut Self, T) -> T,
    ) -> Option<Box<[T]>> {
        let mut result: Option<Box<[T]>> = None;
        for (index, &old) in list.iter().enumerate() {
            let new = substitute(self, old);
            if new != old {
                result.get_or_insert_with(|| list.into())[index] = new;
            }
        }
        result
    }
}

enum Arguments {
    Same,
    Wrong,
    Replaced(Box<[TypeId]>),
}

impl World {
    /// Whether type arguments have grown so much that there must be no end to it.
    fn are_too_deep(&self, arguments: &[TypeId]) -> bool {
        let mut parts = PARTS_LIMIT;
        arguments
            .iter()
            .any(|&argument| self.is_too_deep(argument, NESTING_LIMIT, &mut parts))
    }

    /// Whether a type is nested deeper than `depth`, names not looked through.
    pub(crate) fn is_nested_deeper_than(&self, id: TypeId, depth: usize) -> bool {
        self.is_too_deep(id, depth, &mut { PARTS_LIMIT })
    }

    fn is_too_deep(&self, id: TypeId, depth: usize, parts: &mut usize) -> bool {
        if depth == 0 || *parts == 0 {
            return true;
        }
        *parts -= 1;
        let mut deeper = |id| self.is_too_deep(id, depth - 1, parts);
        match self.get(id) {
            Type::Basic(_) | Type::TypeParameter(_) | Type::Interface(_) | Type::Union(_) => false,
            Type::Array { element, .. }
            | Type::Slice { element }
            | Type::Channel { element, .. }
            | Type::Pointer { base: element } => deeper(element),
            Type::Map { key, element } => deeper(key) || deeper(element),
            Type::Struct(structure) => structure
                .fields
                .iter()
                .any(|&field| deeper(self.object_type(field))),
            Type::Tuple(list) => list
                .iter()
                .any(|parameter| deeper(parameter.parameter_type)),
            Type::Signature(signature) => deeper(signature.parameters) || deeper(signature.results),
            Type::Named(named) => named.arguments.iter().any(|&argument| deeper(argument)),
            Type::Alias(alias) => alias.arguments.iter().any(|&argument| deeper(argument)),
        }
    }

    /// A copy of interface `old` with other methods and elements. Methods whose receiver was the
    /// interface itself get the new one as theirs.
    fn new_interface_for(
        &self,
        methods: Box<[ObjectId]>,
        embeddeds: Box<[TypeId]>,
        implicit: bool,
        old: TypeId,
    ) -> TypeId {
        // The receiver is the interface, whose id is only known when it has its methods: the
        // methods are copied first and told their receiver afterwards.
        let mut methods = methods;
        let mut copied = Vec::new();
        for method in &mut methods {
            if self.object(*method).receiver() == Some(old) {
                *method = self.copy_object(*method, self.object(*method).raw_type());
                copied.push(*method);
            }
        }
        let new = self.new_interface(methods, embeddeds, implicit);
        for method in copied {
            self.object(method).set_receiver(new);
        }
        new
    }

    /// The instance of a generic alias, with its right-hand side if that of the alias is known.
    pub(crate) fn new_alias_instance(
        &self,
        origin: TypeId,
        arguments: Box<[TypeId]>,
        depth: usize,
    ) -> TypeId {
        let instance = self.new_instance(origin, arguments);
        if let (Type::Alias(generic), Type::Alias(alias)) = (self.get(origin), self.get(instance))
            && alias.right_hand_side.get().is_none()
            && let Some(right_hand_side) = self.alias_right_hand_side(generic)
            && let Some(parameters) = generic.type_parameters.get()
        {
            let expanded = Subster {
                world: self,
                map: &Substitution::new(parameters, &alias.arguments),
                depth,
            }
            .typ(right_hand_side);
            alias.right_hand_side.set_once(expanded);
        }
        instance
    }
}
