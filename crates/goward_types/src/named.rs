//! Defined types: what is under their names, their instances, and their methods.
//!
//! An instance of a generic type is only a pair of origin and arguments until somebody looks at what
//! it stands for. Then its right-hand side is made by substitution, and published once: whichever
//! thread is first wins, and all see the same fields and methods.
//!
//! Source: `go/types/named.go`, `go/types/typeparam.go`.

use goward_syntax::Symbol;

use crate::ids::{ObjectId, PackageId, TypeId, TypeKind};
use crate::object::ObjectKind;
use crate::subst::Substitution;
use crate::types::{Named, Signature, Type};
use crate::world::World;

/// Longest chain `type A B; type B C; …` that is followed; only invalid programs have longer ones.
const CHAIN_LIMIT: usize = 1000;

impl World {
    /// The underlying type: never a name, an alias or a type parameter. Unknown while the
    /// declaration of a name on the way is not complete.
    pub fn underlying(&self, id: TypeId) -> TypeId {
        match id.kind() {
            TypeKind::Named => match self.as_named(id).and_then(|named| named.underlying.get()) {
                Some(underlying) => underlying,
                None => self.resolve_underlying(id).unwrap_or(TypeId::UNKNOWN),
            },
            TypeKind::Alias => self.underlying(self.unalias(id)),
            TypeKind::TypeParameter => self.constraint_interface(id),
            _ => id,
        }
    }

    /// Like [`World::underlying`], but `None` while a declaration on the way is not complete.
    pub(crate) fn complete_underlying(&self, id: TypeId) -> Option<TypeId> {
        match id.kind() {
            TypeKind::Named | TypeKind::Alias => self.resolve_underlying(id),
            _ => Some(self.underlying(id)),
        }
    }

    fn resolve_underlying(&self, first: TypeId) -> Option<TypeId> {
        let mut current = first;
        let mut found = None;
        for _ in 0..CHAIN_LIMIT {
            current = match self.get(current) {
                Type::Alias(alias) => self.alias_right_hand_side(alias)?,
                Type::Named(named) => match named.underlying.get() {
                    Some(underlying) => {
                        found = Some(underlying);
                        break;
                    }
                    None => self.right_hand_side(current)?,
                },
                // `type T[P any] P` is an error that is reported at the declaration.
                Type::TypeParameter(_) => {
                    found = Some(TypeId::UNKNOWN);
                    break;
                }
                _ => {
                    found = Some(current);
                    break;
                }
            };
        }
        // Without an end there is a cycle, which is reported at the declaration.
        let found = found?;
        current = first;
        for _ in 0..CHAIN_LIMIT {
            current = match self.get(current) {
                Type::Alias(alias) => self.alias_right_hand_side(alias)?,
                Type::Named(named) if named.underlying.get().is_none() => {
                    named.underlying.set(found);
                    self.right_hand_side(current)?
                }
                _ => break,
            };
        }
        Some(found)
    }

    /// The type on the right-hand side of the declaration of a defined type or alias; of an instance,
    /// with the arguments put in. `None` while it is not declared completely, and for other types.
    pub fn right_hand_side(&self, id: TypeId) -> Option<TypeId> {
        match self.get(id) {
            Type::Alias(alias) => self.alias_right_hand_side(alias),
            Type::Named(named) => match (named.right_hand_side.get(), named.origin) {
                (Some(right_hand_side), _) => Some(right_hand_side),
                (None, Some(origin)) => self.expand_right_hand_side(id, named, origin),
                (None, None) => {
                    self.complete_declaration(named.object);
                    named.right_hand_side.get()
                }
            },
            _ => None,
        }
    }

    fn expand_right_hand_side(&self, id: TypeId, named: &Named, origin: TypeId) -> Option<TypeId> {
        let generic = self.as_named(origin)?;
        if generic.right_hand_side.get().is_none() {
            self.complete_declaration(generic.object);
        }
        let parameters = generic.type_parameters.get()?;
        if parameters.len() != named.arguments.len() {
            return Some(named.right_hand_side.set_once(TypeId::UNKNOWN));
        }
        let generic_side = generic.right_hand_side.get()?;
        let substitution = Substitution::new(parameters, &named.arguments);
        let mut expanded = self.subst(generic_side, &substitution);
        // The methods of an interface know their receiver, which is now the instance.
        if let Type::Interface(interface) = self.get(expanded)
            && let Some(methods) = self.replace_receiver(&interface.methods, origin, id)
        {
            let implicit = expanded != generic_side && interface.is_implicit();
            expanded = self.new_interface(methods, interface.embeddeds.clone(), implicit);
        }
        Some(named.right_hand_side.set_once(expanded))
    }

    /// The constraint of a type parameter as an interface: the bound itself, or an implicit
    /// interface around it. Where the bound is unknown, the empty interface.
    pub fn constraint_interface(&self, type_parameter: TypeId) -> TypeId {
        let Type::TypeParameter(parameter) = self.get(type_parameter) else {
            return self.universe().empty_interface;
        };
        let bound = parameter.bound.get().unwrap_or(TypeId::UNKNOWN);
        if bound.kind() == TypeKind::Interface {
            return bound;
        }
        // A type parameter as a bound is an error that is reported at the declaration.
        if self.unalias(bound).kind() == TypeKind::TypeParameter {
            return self.universe().empty_interface;
        }
        let underlying = self.underlying(bound);
        match underlying.kind() {
            TypeKind::Interface => underlying,
            TypeKind::Basic if underlying == TypeId::UNKNOWN => self.universe().empty_interface,
            _ => {
                let wrapper = self.new_interface(Box::default(), Box::new([bound]), true);
                parameter.bound.replace(bound, wrapper)
            }
        }
    }

    /// The generic type that a defined type or alias is an instance of, or the type itself.
    pub fn origin(&self, id: TypeId) -> TypeId {
        match self.get(id) {
            Type::Named(named) => named.origin.unwrap_or(id),
            Type::Alias(alias) => alias.origin.unwrap_or(id),
            _ => id,
        }
    }

    /// The methods declared for a defined type or, of an instance, for its origin.
    pub fn declared_methods(&self, id: TypeId) -> &[ObjectId] {
        let Some(named) = self.as_named(self.origin(id)) else {
            return &[];
        };
        if named.methods.get().is_none() {
            self.complete_declaration(named.object);
        }
        named.methods.get().map_or(&[], |methods| methods)
    }

    /// How many methods are declared for a defined type.
    pub fn method_count(&self, id: TypeId) -> usize {
        self.declared_methods(id).len()
    }

    /// The `index`th declared method of a defined type, with the arguments of an instance put in.
    /// There must be one of that number.
    pub fn method(&self, id: TypeId, index: usize) -> ObjectId {
        let declared = self.declared_methods(id);
        let original = declared[index];
        let Some(named) = self.as_named(id).filter(|named| named.origin.is_some()) else {
            return original;
        };
        let expanded = named.expanded_methods.get_or_init(|| {
            (0..declared.len())
                .map(|_| std::sync::OnceLock::new())
                .collect()
        });
        if let Some(&method) = expanded[index].get() {
            return method;
        }
        // In `func (r T[P]) m() { r.m() }` the type of `r` is the very receiver of `m`.
        if let Some(receiver) = self.object(original).receiver()
            && self.deref(receiver).0 == id
        {
            return *expanded[index].get_or_init(|| original);
        }
        *expanded[index].get_or_init(|| {
            let receiver = match self.has_pointer_receiver(original) {
                true => self.new_pointer(id),
                false => id,
            };
            let method = self.copy_object(original, None);
            self.object(method).set_receiver(receiver);
            method
        })
    }

    /// Whether a method is declared for a pointer.
    pub fn has_pointer_receiver(&self, method: ObjectId) -> bool {
        let method = self.object(method);
        match method.receiver() {
            Some(receiver) => self.deref(receiver).1,
            None => method.has_pointer_receiver(),
        }
    }

    /// The number of the method called `name` of a defined type, without regard to packages.
    pub fn method_index(&self, id: TypeId, name: Symbol) -> Option<usize> {
        if name.is_blank() {
            return None;
        }
        self.declared_methods(id)
            .iter()
            .position(|&method| self.object(method).name == name)
    }

    /// Number and object of the method of a defined type that `name` means in `package`.
    pub fn lookup_method(
        &self,
        id: TypeId,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Option<(usize, ObjectId)> {
        let index = self
            .declared_methods(id)
            .iter()
            .position(|&method| self.object(method).name == name)?;
        let owner = self.object(self.as_named(id)?.object).package;
        if owner != package && !crate::object::is_exported(name) || name.is_blank() {
            return None;
        }
        Some((index, self.method(id, index)))
    }

    /// The type of an object; unknown while it is not declared. The signature of a method of an
    /// instance is made from that of its origin.
    pub fn object_type(&self, id: ObjectId) -> TypeId {
        let object = self.object(id);
        if let Some(object_type) = object.raw_type() {
            return object_type;
        }
        if object.kind == ObjectKind::Function
            && let (Some(origin), Some(receiver)) = (object.origin(), object.receiver())
            && let Some(original) = self.object(origin).raw_type()
        {
            let signature = self.method_signature(original, receiver);
            return object.set_type_once(signature);
        }
        self.complete_declaration(id);
        object.raw_type().unwrap_or(TypeId::UNKNOWN)
    }

    /// The signature of a method of a generic type, for the instance that `receiver` is or points to.
    fn method_signature(&self, original: TypeId, receiver: TypeId) -> TypeId {
        let Some(signature) = self.as_signature(original) else {
            return TypeId::UNKNOWN;
        };
        let arguments = self.type_arguments(self.unalias(self.deref(receiver).0));
        // Only invalid programs have another number of receiver type parameters.
        let substituted = match signature.receiver_type_parameters.len() == arguments.len() {
            true => {
                let map = Substitution::new(&signature.receiver_type_parameters, arguments);
                self.subst(original, &map)
            }
            false => original,
        };
        match self.as_signature(substituted) {
            Some(signature) if !signature.receiver_type_parameters.is_empty() => self
                .new_signature(Signature {
                    receiver_type_parameters: Box::default(),
                    ..signature.clone()
                }),
            _ => substituted,
        }
    }
}
