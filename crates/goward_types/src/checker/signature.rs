//! Function types and receivers.
//!
//! Source: `go/types/signature.go`.

use goward_syntax::{Expression, NodeId, Symbol};

use crate::checker::{Checker, Mode, ScopeId};
use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::object::VariableKind;
use crate::subst::Substitution;
use crate::types::{Parameter, Signature, Type};

/// What checking a function type gave.
pub(crate) struct FunctionType {
    pub(crate) signature: TypeId,
    /// The scope with receiver, type parameters, parameters and results, for the body.
    pub(crate) scope: ScopeId,
    pub(crate) results: Vec<ObjectId>,
    pub(crate) named_results: bool,
    pub(crate) receiver_type: Option<TypeId>,
    pub(crate) receiver_name: Symbol,
}

/// A parameter list: its variables, with their identifiers where they have one.
struct Parameters {
    variables: Vec<(Option<NodeId>, ObjectId)>,
    types: Vec<Parameter>,
    variadic: bool,
}

impl<'w> Checker<'w> {
    /// Checks a function type, with the receiver of a method declaration. `declared` is the function
    /// that it is the type of, if it is no method.
    pub(crate) fn func_type(
        &mut self,
        declared: Option<ObjectId>,
        receiver: Option<NodeId>,
        node: NodeId,
    ) -> FunctionType {
        let world = self.world;
        let tree = self.tree();
        self.open_scope();
        let scope = self.environment.scope;
        let Expression::FunctionType {
            type_parameters,
            parameters,
            results,
        } = tree.expression(node)
        else {
            self.close_scope();
            return FunctionType {
                signature: self.plain_function,
                scope,
                results: Vec::new(),
                named_results: false,
                receiver_type: None,
                receiver_name: Symbol::EMPTY,
            };
        };
        let mut receiver_type = None;
        let mut receiver_variable = None;
        let mut receiver_type_parameters = Vec::new();
        if let Some(field) = receiver {
            let (variable, declared, list) = self.collect_receiver(field);
            receiver_type = Some(declared);
            receiver_variable = Some(variable);
            receiver_type_parameters = list;
        }
        let mut own_type_parameters = Vec::new();
        if !type_parameters.is_empty() {
            own_type_parameters = self.collect_type_parameters(type_parameters, None);
            if let Some(object) = declared {
                let so_far = Signature::without_parameters(world, &own_type_parameters);
                world.object(object).set_type(world.new_signature(so_far));
            }
        }
        let inputs = self.collect_parameters(VariableKind::Parameter, parameters);
        let outputs = self.collect_parameters(VariableKind::Result, results);
        // Parameters come into scope after the whole signature.
        if let (Some(variable), Some(field)) = (receiver_variable, receiver)
            && let Some(&name) = tree.field(field).names.first()
        {
            self.declare(scope, Some(name), variable);
        }
        for &(name, variable) in inputs.variables.iter().chain(&outputs.variables) {
            if let Some(name) = name {
                self.declare(scope, Some(name), variable);
            }
        }
        self.close_scope();
        let named_results = outputs
            .variables
            .first()
            .is_some_and(|first| first.0.is_some());
        let signature = world.new_signature(Signature {
            type_parameters: own_type_parameters.into(),
            receiver_type_parameters: receiver_type_parameters.into(),
            parameters: world.new_tuple(inputs.types.into()),
            results: world.new_tuple(outputs.types.into()),
            variadic: inputs.variadic,
        });
        let results = outputs
            .variables
            .into_iter()
            .map(|(_, variable)| variable)
            .collect();
        let receiver_name =
            receiver_variable.map_or(Symbol::EMPTY, |variable| world.object(variable).name);
        FunctionType {
            signature,
            scope,
            results,
            named_results,
            receiver_type,
            receiver_name,
        }
    }

    /// The receiver of a method declaration: its variable, type, and declared type parameters.
    fn collect_receiver(&mut self, field: NodeId) -> (ObjectId, TypeId, Vec<TypeId>) {
        let world = self.world;
        let tree = self.tree();
        let entry = tree.field(field);
        let parts = self.unpack_receiver(entry.field_type, true);
        let mut receiver_type = TypeId::UNKNOWN;
        let mut parameters = Vec::new();
        match parts.type_parameters {
            None => {
                receiver_type = self.var_type(entry.field_type);
                self.check_receiver_alias(parts.base, &mut receiver_type);
            }
            Some(names) => {
                let base = self.generic_type(parts.base);
                let base = match base.kind() {
                    TypeKind::Named => Some(base),
                    TypeKind::Alias if !world.unalias(base).is_known() => None,
                    TypeKind::Alias => {
                        self.error(
                            parts.base,
                            "cannot define new methods on generic alias type",
                        );
                        None
                    }
                    _ => None,
                };
                for &name in &names {
                    let parameter = self.declare_type_parameter(name);
                    if let Type::TypeParameter(declared) = world.get(parameter) {
                        self.record_use(name, declared.object);
                    }
                    self.record_type_and_value(name, Mode::TypeExpression, parameter, None);
                    parameters.push(parameter);
                }
                world.bind_type_parameters(&parameters);
                if let Some(base) = base {
                    let base_parameters = world.type_parameters(base);
                    if base_parameters.len() == parameters.len() {
                        for (index, &parameter) in parameters.iter().enumerate() {
                            let bound = world.bound(base_parameters[index]);
                            let bound = world
                                .subst(bound, &Substitution::new(base_parameters, &parameters));
                            world.set_bound(parameter, bound);
                        }
                        receiver_type = world.instantiate(base, &parameters);
                    } else {
                        self.error(parts.base, "wrong number of receiver type parameters");
                    }
                    self.record_instance(parts.base, &parameters, receiver_type);
                    if parts.pointer && receiver_type.is_known() {
                        receiver_type = world.new_pointer(receiver_type);
                    }
                    self.record_parenthesized_receiver_types(entry.field_type, receiver_type);
                }
            }
        }
        let package = Some(self.package);
        let variable = match entry.names.first() {
            Some(&name) => {
                let (symbol, place) = (self.symbol(name), self.place(name));
                world.new_variable(
                    VariableKind::Receiver,
                    symbol,
                    package,
                    place,
                    Some(receiver_type),
                )
            }
            None => {
                let place = self.place(field);
                let variable = world.new_variable(
                    VariableKind::Receiver,
                    Symbol::EMPTY,
                    package,
                    place,
                    Some(receiver_type),
                );
                self.record_implicit(field, variable);
                variable
            }
        };
        (variable, receiver_type, parameters)
    }

    /// Methods cannot be added to an instance by way of an alias for it.
    fn check_receiver_alias(&mut self, base: NodeId, receiver_type: &mut TypeId) {
        let world = self.world;
        let unpointer = |mut id: TypeId| {
            while let Type::Pointer { base } = world.get(id) {
                id = base;
            }
            id
        };
        let mut current = unpointer(*receiver_type);
        while let Type::Alias(alias) = world.get(current) {
            let Some(next) = world.alias_right_hand_side(alias) else {
                return;
            };
            let next = unpointer(next);
            if !world.type_parameters(next).is_empty() {
                self.error(base, "cannot define new methods on an instantiated type");
                *receiver_type = TypeId::UNKNOWN;
                return;
            }
            current = next;
        }
    }

    fn record_parenthesized_receiver_types(&mut self, mut node: NodeId, mut receiver_type: TypeId) {
        loop {
            self.record_type_and_value(node, Mode::TypeExpression, receiver_type, None);
            match self.tree().expression(node) {
                Expression::Parenthesized { inner } => node = inner,
                Expression::Star { operand } => {
                    let Type::Pointer { base } = self.world.get(receiver_type) else {
                        return;
                    };
                    node = operand;
                    receiver_type = base;
                }
                _ => return,
            }
        }
    }

    fn collect_parameters(&mut self, kind: VariableKind, list: &'w [NodeId]) -> Parameters {
        let world = self.world;
        let tree = self.tree();
        let package = Some(self.package);
        let mut collected = Parameters {
            variables: Vec::new(),
            types: Vec::with_capacity(list.len()),
            variadic: false,
        };
        let (mut named, mut anonymous) = (false, false);
        for (index, &field_node) in list.iter().enumerate() {
            let field = tree.field(field_node);
            let mut type_node = field.field_type;
            let mut variadic = false;
            if let Expression::Ellipsis { element } = tree.expression(type_node) {
                if kind == VariableKind::Parameter
                    && index + 1 == list.len()
                    && field.names.len() <= 1
                {
                    variadic = true;
                } else {
                    self.soft_error(type_node, "invalid use of ...");
                }
                match element {
                    Some(element) => type_node = element,
                    None => continue,
                }
            }
            let mut declared = self.var_type(type_node);
            if variadic {
                collected.variadic = true;
                declared = world.new_slice(declared);
                self.record_type_and_value(field.field_type, Mode::TypeExpression, declared, None);
            }
            for &name in field.names {
                let (symbol, place) = (self.symbol(name), self.place(name));
                let variable = world.new_variable(kind, symbol, package, place, Some(declared));
                collected.variables.push((Some(name), variable));
                collected.types.push(Parameter {
                    name: symbol,
                    parameter_type: declared,
                });
                named = true;
            }
            if field.names.is_empty() {
                let place = self.place(type_node);
                let variable =
                    world.new_variable(kind, Symbol::EMPTY, package, place, Some(declared));
                self.record_implicit(field_node, variable);
                collected.variables.push((None, variable));
                collected.types.push(Parameter {
                    name: Symbol::EMPTY,
                    parameter_type: declared,
                });
                anonymous = true;
            }
        }
        if named && anonymous {
            self.error(list[0], "list contains both named and anonymous parameters");
        }
        collected
    }
}
