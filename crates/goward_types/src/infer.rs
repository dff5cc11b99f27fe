//! Inference: finding the type arguments that a call or an assignment leaves out.
//!
//! Source: `go/types/infer.go`.

use crate::checker::Operand;
use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::object::{Object, ObjectKind};
use crate::subst::Substitution;
use crate::types::{Signature, Type, UnionTerm};
use crate::unify::{Unifier, UnifyMode};
use crate::world::World;

/// Why type arguments could not be inferred.
#[derive(Debug)]
pub(crate) struct InferenceError {
    /// The number of the argument that does not fit; none where the call as a whole is to blame.
    pub(crate) argument: Option<usize>,
    /// Empty where an error was reported before.
    pub(crate) message: String,
}

impl InferenceError {
    fn call(message: String) -> InferenceError {
        InferenceError {
            argument: None,
            message,
        }
    }
}

impl World {
    /// Finds the type arguments for `parameters` that are not `given`, from the types of the
    /// function's parameters (a tuple) and of the operands passed for them, one each.
    ///
    /// The type parameters must not occur in the operands: see [`World::rename_type_parameters`].
    /// `interface_inference` says that methods of interfaces are used too (since Go 1.21).
    pub(crate) fn infer(
        &self,
        parameters: &[TypeId],
        given: &[Option<TypeId>],
        function_parameters: TypeId,
        operands: &[Operand],
        interface_inference: bool,
        resolve: &mut dyn FnMut(ObjectId),
    ) -> Result<Vec<TypeId>, InferenceError> {
        if given.len() == parameters.len()
            && let Some(all) = given.iter().copied().collect()
        {
            return Ok(all);
        }
        if operands.iter().any(Operand::is_invalid) {
            return Err(InferenceError::call(String::new()));
        }
        let mut given = given.to_vec();
        given.resize(parameters.len(), None);
        let function_parameters = match operands.is_empty() || given.iter().all(Option::is_none) {
            true => function_parameters,
            false => {
                let map = Substitution::partial(parameters, &given);
                self.subst(function_parameters, &map)
            }
        };
        let mut unifier = Unifier::new(self, parameters, &given, interface_inference);

        // First: the types of arguments. Untyped constants come last.
        let mut untyped = Vec::new();
        for (index, (parameter, operand)) in self
            .tuple(function_parameters)
            .iter()
            .zip(operands)
            .enumerate()
        {
            let (wanted, operand_type) = (parameter.parameter_type, operand.operand_type);
            if !self.is_parameterized(parameters, wanted)
                && !self.is_parameterized(parameters, operand_type)
            {
                continue;
            }
            if operand_type.is_typed() {
                if !unifier.unify(wanted, operand_type, UnifyMode::ASSIGN, resolve) {
                    return Err(InferenceError {
                        argument: Some(index),
                        message: format!(
                            "type {} does not match {}",
                            self.type_text(operand_type),
                            self.type_text(wanted)
                        ),
                    });
                }
            } else if wanted.kind() == TypeKind::TypeParameter && !operand.is_nil() {
                untyped.push((index, wanted));
            }
        }

        // Second: the constraints, as long as that brings something.
        loop {
            let before = unifier.unknowns();
            for &parameter in parameters {
                self.use_constraint(&mut unifier, parameters, parameter, resolve)?;
            }
            if unifier.unknowns() == before {
                break;
            }
        }

        // Third: untyped constants, the greatest kind for each parameter.
        let mut greatest: Vec<(TypeId, TypeId)> = Vec::new();
        for (index, parameter) in untyped {
            if unifier.at(parameter).is_some() {
                continue;
            }
            let operand_type = operands[index].operand_type;
            match greatest.iter_mut().find(|entry| entry.0 == parameter) {
                None => greatest.push((parameter, operand_type)),
                Some(entry) => match self.max_type(entry.1, operand_type) {
                    Some(greater) => entry.1 = greater,
                    None => {
                        return Err(InferenceError {
                            argument: Some(index),
                            message: format!(
                                "mismatched types {} and {}",
                                self.type_text(entry.1),
                                self.type_text(operand_type)
                            ),
                        });
                    }
                },
            }
        }
        for (parameter, untyped) in greatest {
            unifier.set(parameter, self.default_type(untyped));
        }

        let mut inferred = unifier.inferred(parameters);
        self.simplify(parameters, &given, &mut inferred);
        // What is left open, or still mentions an open parameter, is not found.
        let open = inferred
            .iter()
            .position(|found| found.is_none_or(|found| self.is_parameterized(parameters, found)));
        if let Some(index) = open {
            let name = match self.get(parameters[index]) {
                Type::TypeParameter(parameter) => self.object(parameter.object).name.as_str(),
                _ => "_",
            };
            return Err(InferenceError::call(format!("cannot infer {name}")));
        }
        Ok(inferred.into_iter().flatten().collect())
    }

    /// Unifies what is known of a type parameter with its constraint.
    fn use_constraint(
        &self,
        unifier: &mut Unifier<'_>,
        parameters: &[TypeId],
        parameter: TypeId,
        resolve: &mut dyn FnMut(ObjectId),
    ) -> Result<(), InferenceError> {
        let unsatisfied = |found: TypeId| {
            InferenceError::call(format!(
                "{} (type {}) does not satisfy {}",
                self.type_text(parameter),
                self.type_text(found),
                self.type_text(self.bound(parameter))
            ))
        };
        let found = unifier.at(parameter);
        if let Some((core, single)) = self.core_term(parameter) {
            match found {
                Some(found)
                    if !unifier.unify(found, core.term_type, UnifyMode::INEXACT, resolve) =>
                {
                    return Err(unsatisfied(found));
                }
                Some(_) => {}
                None if single && !core.tilde => unifier.set(parameter, core.term_type),
                None => {}
            }
        }
        if let Some(found) = found
            && !self.is_parameterized(parameters, found)
        {
            let constraint = self.constraint_interface(parameter);
            // Signatures are compared exactly, where no further method is asked for.
            let mut equivalent = |x, y| unifier.unify(x, y, UnifyMode::EXACT, &mut |_| ());
            if !self.has_all_methods(found, constraint, true, &mut equivalent, resolve) {
                return Err(unsatisfied(found));
            }
        }
        Ok(())
    }

    /// The core type of a type parameter, as a term, and whether it is its one and only type.
    fn core_term(&self, parameter: TypeId) -> Option<(UnionTerm, bool)> {
        let set = self.type_set(self.constraint_interface(parameter));
        if let [single] = set.terms() {
            return Some((*single, true));
        }
        if !set.has_terms() {
            return None;
        }
        let core = UnionTerm {
            tilde: set.terms().iter().any(|term| term.tilde),
            term_type: self.common_under(parameter)?,
        };
        Some((core, false))
    }

    /// Puts types that were found into those that mention their parameters, until none does.
    fn simplify(
        &self,
        parameters: &[TypeId],
        given: &[Option<TypeId>],
        inferred: &mut [Option<TypeId>],
    ) {
        CycleFinder {
            world: self,
            parameters,
            inferred,
            seen: Vec::new(),
        }
        .kill_cycles();
        let mut dirty: Vec<usize> = (0..inferred.len())
            .filter(|&index| inferred[index].is_some() && given[index].is_none())
            .collect();
        while !dirty.is_empty() {
            let current = inferred.to_vec();
            let map = Substitution::partial(parameters, &current);
            dirty.retain(|&index| {
                let Some(old) = inferred[index] else {
                    return false;
                };
                let new = self.subst(old, &map);
                if new == old {
                    return false;
                }
                inferred[index] = Some(self.without_type_parameters(parameters, new));
                true
            });
        }
    }

    /// A generic function whose parameters no longer mention `parameters` is not generic any more.
    fn without_type_parameters(&self, parameters: &[TypeId], id: TypeId) -> TypeId {
        match self.as_signature(id) {
            Some(signature)
                if !signature.type_parameters.is_empty()
                    && !self.is_parameterized(parameters, id) =>
            {
                self.new_signature(Signature {
                    type_parameters: Box::default(),
                    ..signature.clone()
                })
            }
            _ => id,
        }
    }

    /// New type parameters with the names of these, in one list, without their bounds.
    pub(crate) fn copy_type_parameters(&self, parameters: &[TypeId]) -> Vec<TypeId> {
        let copies: Vec<TypeId> = parameters
            .iter()
            .map(|&parameter| match self.get(parameter) {
                Type::TypeParameter(old) => {
                    let object = self.object(old.object);
                    let name = self.add_object(Object::new(
                        ObjectKind::TypeName,
                        object.name,
                        object.package,
                        (object.file, object.offset),
                        None,
                    ));
                    let new = self.new_type_parameter(name, TypeId::UNKNOWN);
                    self.object(name).set_type(new);
                    new
                }
                _ => parameter,
            })
            .collect();
        self.bind_type_parameters(&copies);
        copies
    }

    /// `id` with new type parameters in place of `parameters`, and these. Without this, a generic
    /// function that calls itself would have the same type parameters on both sides.
    pub(crate) fn rename_type_parameters(
        &self,
        parameters: &[TypeId],
        id: TypeId,
    ) -> (Vec<TypeId>, TypeId) {
        let renamed = self.copy_type_parameters(parameters);
        let map = Substitution::new(parameters, &renamed);
        for (&old, &new) in parameters.iter().zip(&renamed) {
            self.set_bound(new, self.subst(self.bound(old), &map));
        }
        let id = self.subst(id, &map);
        (renamed, id)
    }

    /// Whether `id` mentions one of the type parameters. Those that a generic function itself
    /// declares do not count, only what its parameters and results mention.
    pub(crate) fn is_parameterized(&self, parameters: &[TypeId], id: TypeId) -> bool {
        ParameterWalker {
            world: self,
            parameters,
            seen: Vec::new(),
        }
        .is_parameterized(id)
    }
}

struct ParameterWalker<'w, 'p> {
    world: &'w World,
    parameters: &'p [TypeId],
    /// Interfaces, which alone can be cyclic without a name, and what is known of them.
    seen: Vec<(TypeId, bool)>,
}

impl ParameterWalker<'_, '_> {
    fn is_parameterized(&mut self, id: TypeId) -> bool {
        let world = self.world;
        match world.get(id) {
            Type::Basic(_) | Type::Union(_) => false,
            Type::Alias(_) => self.is_parameterized(world.unalias(id)),
            Type::Array { element, .. }
            | Type::Slice { element }
            | Type::Channel { element, .. }
            | Type::Pointer { base: element } => self.is_parameterized(element),
            Type::Map { key, element } => {
                self.is_parameterized(key) || self.is_parameterized(element)
            }
            Type::Struct(structure) => structure
                .fields
                .iter()
                .any(|&field| self.is_parameterized(world.object_type(field))),
            Type::Tuple(parameters) => parameters
                .iter()
                .any(|parameter| self.is_parameterized(parameter.parameter_type)),
            Type::Signature(signature) => {
                self.is_parameterized(signature.parameters)
                    || self.is_parameterized(signature.results)
            }
            Type::Interface(_) => self.interface(id),
            Type::Named(named) => named
                .arguments
                .iter()
                .any(|&argument| self.is_parameterized(argument)),
            Type::TypeParameter(_) => self.parameters.contains(&id),
        }
    }

    fn interface(&mut self, id: TypeId) -> bool {
        if let Some(&(_, known)) = self.seen.iter().find(|entry| entry.0 == id) {
            return known;
        }
        let place = self.seen.len();
        self.seen.push((id, false));
        let world = self.world;
        let set = world.type_set(id);
        let result = set
            .methods
            .iter()
            .any(|&method| self.is_parameterized(world.object_type(method)))
            || set.has_terms()
                && set
                    .terms()
                    .iter()
                    .all(|term| self.is_parameterized(term.term_type));
        self.seen[place].1 = result;
        result
    }
}

/// Finds types that mention their own parameter, which would grow for ever.
struct CycleFinder<'w, 'i> {
    world: &'w World,
    parameters: &'i [TypeId],
    inferred: &'i mut [Option<TypeId>],
    /// The types on the way from the start.
    seen: Vec<TypeId>,
}

impl CycleFinder<'_, '_> {
    /// Forgets the types of parameters that are part of a cycle.
    fn kill_cycles(&mut self) {
        for &parameter in self.parameters {
            self.typ(parameter);
        }
    }

    fn typ(&mut self, id: TypeId) {
        let world = self.world;
        let id = world.unalias(id);
        let place = self.parameters.iter().position(|&p| p == id);
        if self.seen.contains(&id) {
            if let Some(place) = place {
                self.inferred[place] = None;
            }
            return;
        }
        self.seen.push(id);
        match world.get(id) {
            Type::Basic(_) | Type::Alias(_) => {}
            Type::Array { element, .. }
            | Type::Slice { element }
            | Type::Channel { element, .. }
            | Type::Pointer { base: element } => self.typ(element),
            Type::Map { key, element } => {
                self.typ(key);
                self.typ(element);
            }
            Type::Struct(structure) => {
                for &field in &structure.fields {
                    self.typ(world.object_type(field));
                }
            }
            Type::Tuple(parameters) => {
                for parameter in parameters {
                    self.typ(parameter.parameter_type);
                }
            }
            Type::Signature(signature) => {
                self.typ(signature.parameters);
                self.typ(signature.results);
            }
            Type::Union(terms) => {
                for term in terms {
                    self.typ(term.term_type);
                }
            }
            Type::Interface(interface) => {
                for &method in &interface.methods {
                    self.typ(world.object_type(method));
                }
                for &embedded in &interface.embeddeds {
                    self.typ(embedded);
                }
            }
            Type::Named(named) => {
                for &argument in &named.arguments {
                    self.typ(argument);
                }
            }
            Type::TypeParameter(_) => {
                if let Some(found) = place.and_then(|place| self.inferred[place]) {
                    self.typ(found);
                }
            }
        }
        self.seen.pop();
    }
}
