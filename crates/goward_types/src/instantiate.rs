//! Instances of generic types and functions, and whether a type satisfies a constraint.
//!
//! Source: `go/types/instantiate.go`.

use crate::identical::Comparer;
use crate::ids::{ObjectId, TypeId};
use crate::lookup::MissingMethod;
use crate::subst::Substitution;
use crate::types::{Signature, Type};
use crate::typeset::TypeSet;
use crate::world::World;

/// Why a type does not implement an interface or satisfy a constraint.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum NotImplemented {
    /// What should be an interface is none.
    NotAnInterface,
    /// No type is in the type set.
    EmptyTypeSet,
    Method(MissingMethod),
    NotComparable,
    /// Comparable only at run time, which needs Go 1.20.
    ComparableNeedsVersion,
    /// The type, or one of its types, is not among those that the constraint names.
    NotInTypeSet,
}

impl NotImplemented {
    /// The cause in words, to go in parentheses after a message.
    pub fn describe(&self, world: &World) -> String {
        match self {
            NotImplemented::NotAnInterface => "not an interface".to_owned(),
            NotImplemented::EmptyTypeSet => "empty type set".to_owned(),
            NotImplemented::Method(missing) => missing.describe(world),
            NotImplemented::NotComparable => "not comparable".to_owned(),
            NotImplemented::ComparableNeedsVersion => {
                "comparable only at run time, which requires go1.20 or later".to_owned()
            }
            NotImplemented::NotInTypeSet => "not in the type set".to_owned(),
        }
    }
}

impl World {
    /// The instance of a generic defined type, alias or function type with these arguments. Nothing
    /// is verified; unknown if an alias or function is given a wrong number of them.
    pub fn instantiate(&self, origin: TypeId, arguments: &[TypeId]) -> TypeId {
        match self.get(origin) {
            Type::Named(_) => self.new_instance(origin, arguments.into()),
            Type::Alias(_) => match self.type_parameters(origin).len() {
                count if count != arguments.len() => TypeId::UNKNOWN,
                0 => origin,
                _ => self.new_alias_instance(origin, arguments.into(), 0),
            },
            Type::Signature(signature) => match signature.type_parameters.len() {
                count if count != arguments.len() => TypeId::UNKNOWN,
                0 => origin,
                _ => self.instantiate_signature(origin, signature, arguments),
            },
            _ => TypeId::UNKNOWN,
        }
    }

    fn instantiate_signature(
        &self,
        origin: TypeId,
        signature: &Signature,
        arguments: &[TypeId],
    ) -> TypeId {
        if let Some(known) = self.known_signature_instance(origin, arguments) {
            return known;
        }
        let map = Substitution::new(&signature.type_parameters, arguments);
        let instance = self.new_signature(Signature {
            type_parameters: Box::default(),
            receiver_type_parameters: signature.receiver_type_parameters.clone(),
            parameters: self.subst(signature.parameters, &map),
            results: self.subst(signature.results, &map),
            variadic: signature.variadic,
        });
        self.keep_signature_instance(origin, arguments, instance)
    }

    /// Whether each argument satisfies the constraint of its parameter; if not, the number of the
    /// first that does not. `dynamic` says that interfaces count as comparable (since Go 1.20).
    pub fn verify(
        &self,
        parameters: &[TypeId],
        arguments: &[TypeId],
        dynamic: bool,
        resolve: &mut dyn FnMut(ObjectId),
    ) -> Result<(), (usize, NotImplemented)> {
        let map = Substitution::new(parameters, arguments);
        for (index, (&parameter, &argument)) in parameters.iter().zip(arguments).enumerate() {
            // Makes the bound an interface, if it is not written as one.
            self.constraint_interface(parameter);
            let bound = self.subst(self.bound(parameter), &map);
            self.implements(argument, bound, true, dynamic, resolve)
                .map_err(|cause| (index, cause))?;
        }
        Ok(())
    }

    /// Whether `id` implements `interface` or, with `constraint`, satisfies it. Where something
    /// is unknown it does. `dynamic`: see [`World::verify`].
    pub fn implements(
        &self,
        id: TypeId,
        interface: TypeId,
        constraint: bool,
        dynamic: bool,
        resolve: &mut dyn FnMut(ObjectId),
    ) -> Result<(), NotImplemented> {
        let (under, interface_under) = (self.underlying(id), self.underlying(interface));
        if under == TypeId::UNKNOWN || interface_under == TypeId::UNKNOWN {
            return Ok(());
        }
        if let Type::Pointer { base } = self.get(under)
            && self.underlying(base) == TypeId::UNKNOWN
        {
            return Ok(());
        }
        let Type::Interface(_) = self.get(interface_under) else {
            return Err(NotImplemented::NotAnInterface);
        };
        let wanted = self.type_set(interface_under);
        if wanted.is_all() {
            return Ok(());
        }
        let own = match self.get(under) {
            Type::Interface(_) => Some(self.type_set(under)),
            _ => None,
        };
        if own.is_some_and(TypeSet::is_empty) {
            return Ok(());
        }
        if wanted.is_empty() {
            return Err(NotImplemented::EmptyTypeSet);
        }
        let mut equivalent = |x, y| self.identical(x, y);
        if let Some(missing) = self.missing_method(id, interface, true, &mut equivalent, resolve)
            && !self.has_unknown_embedded_fields(id)
        {
            return Err(NotImplemented::Method(missing));
        }
        if wanted.has_terms() {
            let is_included = match own {
                Some(own) => self.terms_subset(&own.term_list, &wanted.term_list),
                None => wanted
                    .terms()
                    .iter()
                    .any(|&term| self.term_includes(term, id)),
            };
            if !is_included && !self.mentions_unknown(id) {
                return Err(NotImplemented::NotInTypeSet);
            }
        }
        if !self.is_comparable_type_set(wanted) || self.strictly_comparable(id) {
            return Ok(());
        }
        match constraint && self.comparable(id) {
            true if dynamic => Ok(()),
            true => Err(NotImplemented::ComparableNeedsVersion),
            false => Err(NotImplemented::NotComparable),
        }
    }

    /// Whether something in a type literal is unknown, so that nothing can be said about it.
    fn mentions_unknown(&self, id: TypeId) -> bool {
        match self.get(self.underlying(id)) {
            Type::Basic(_) => id == TypeId::UNKNOWN,
            Type::Array { element, .. }
            | Type::Slice { element }
            | Type::Channel { element, .. } => !self.is_valid(element),
            Type::Map { key, element } => !self.is_valid(key) || !self.is_valid(element),
            Type::Pointer { base } => !self.is_valid(base),
            Type::Struct(structure) => structure
                .fields
                .iter()
                .any(|&field| !self.is_valid(self.object_type(field))),
            _ => false,
        }
    }

    /// Whether two types are identical, or would be if what is unknown were known.
    pub fn identical_or_unknown(&self, x: TypeId, y: TypeId) -> bool {
        let comparer = Comparer {
            ignore_unknown: true,
            ..Comparer::default()
        };
        self.identical_if(x, y, comparer)
    }
}
