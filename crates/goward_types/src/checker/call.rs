//! Calls, instantiations of functions, and selectors.
//!
//! Source: `go/types/call.go`.

use goward_syntax::{Expression, NodeId, Symbol};

use crate::checker::{Checker, Mode, Operand, Target};
use crate::facts::SelectionKind;
use crate::ids::{ObjectId, PackageId, TypeId, TypeKind};
use crate::object::ObjectKind;
use crate::subst::Substitution;
use crate::types::{Parameter, Signature, Type};
use crate::universe::{Builtin, CallKind};
use crate::world::World;

/// Type arguments given for some of the type parameters of an argument that is a generic function.
type PartialArguments = Vec<TypeId>;

impl World {
    /// The type of `T.method`: the receiver becomes the first parameter, called `name`.
    pub(crate) fn method_expression(
        &self,
        method: ObjectId,
        receiver: TypeId,
        name: Symbol,
    ) -> TypeId {
        let Some(signature) = self.as_signature(self.object_type(method)) else {
            return TypeId::UNKNOWN;
        };
        let parameters = self.tuple(signature.parameters);
        let mut list = Vec::with_capacity(parameters.len() + 1);
        list.push(Parameter {
            name,
            parameter_type: receiver,
        });
        list.extend_from_slice(parameters);
        self.new_signature(Signature {
            type_parameters: signature.type_parameters.clone(),
            receiver_type_parameters: Box::default(),
            parameters: self.new_tuple(list.into()),
            results: signature.results,
            variadic: signature.variadic,
        })
    }
}

impl<'w> Checker<'w> {
    /// Instantiates the generic function `x` with the type arguments of the index expression `index`
    /// and, with `infer`, with those that the target tells. Without `infer` the arguments given are
    /// returned where some are missing.
    pub(crate) fn func_inst(
        &mut self,
        target: Option<Target>,
        x: &mut Operand,
        index: Option<(NodeId, &'w [NodeId])>,
        infer: bool,
    ) -> Option<PartialArguments> {
        let world = self.world;
        if let Some((node, _)) = index {
            // Without an index expression the expression of x stays.
            x.expression = Some(node);
            self.verify_version(node, 18, "function instantiation");
        }
        let indices = index.map_or(&[] as &[NodeId], |(_, indices)| indices);
        let mut arguments = Vec::new();
        if !indices.is_empty() {
            match self.type_list(indices) {
                Some(list) => arguments = list,
                None => {
                    x.invalidate();
                    return None;
                }
            }
        }
        // Defined types are never generic functions, so the type is the signature itself.
        let generic = x.operand_type;
        let Some(signature) = world.as_signature(world.underlying(generic)) else {
            x.invalidate();
            return None;
        };
        let wanted = signature.type_parameters.len();
        if arguments.len() > wanted {
            self.error(indices[wanted], "too many type arguments");
            x.invalidate();
            return None;
        }
        if arguments.len() < wanted {
            if !infer {
                return Some(arguments);
            }
            // The function is assigned to a function variable: as if it were passed as an argument.
            let (mut parameters, mut operands) = (Vec::new(), Vec::new());
            let reverse = target.is_some();
            if let Some(target) = target {
                let plain = Signature {
                    type_parameters: Box::default(),
                    ..signature.clone()
                };
                let plain = world.new_signature(plain);
                parameters.push(Parameter {
                    name: Symbol::EMPTY,
                    parameter_type: plain,
                });
                operands.push(Operand {
                    mode: Mode::Value,
                    expression: x.expression,
                    operand_type: target.signature,
                    ..Operand::default()
                });
            }
            let node = x.node();
            let tuple = world.new_tuple(parameters.into());
            let (type_parameters, tuple) =
                world.rename_type_parameters(&signature.type_parameters, tuple);
            let given: Vec<Option<TypeId>> = (0..wanted)
                .map(|position| arguments.get(position).copied())
                .collect();
            match self.infer(node, &type_parameters, &given, tuple, &operands, reverse) {
                Some(list) => arguments = list,
                None => {
                    x.invalidate();
                    return None;
                }
            }
        }
        x.operand_type = self.instantiate_signature(
            x.expression,
            world.underlying(generic),
            &arguments,
            indices,
        );
        x.mode = Mode::Value;
        None
    }

    /// The signature `generic` with all its type arguments put in; recorded at `node`.
    fn instantiate_signature(
        &mut self,
        node: Option<NodeId>,
        generic: TypeId,
        arguments: &[TypeId],
        indices: &'w [NodeId],
    ) -> TypeId {
        let instance = self.context.instantiate(self.world, generic, arguments);
        if let Some(node) = node {
            self.record_instance(node, arguments, instance);
            let arguments = arguments.to_vec();
            self.later(move |checker| {
                if let Err(index) = checker.verify_instance(generic, &arguments) {
                    let at = indices.get(index).copied().unwrap_or(node);
                    checker.soft_error(at, "type argument does not satisfy its constraint");
                }
            });
        }
        instance
    }

    pub(crate) fn call_expr(&mut self, x: &mut Operand, node: NodeId) -> CallKind {
        let world = self.world;
        let tree = self.tree();
        let Expression::Call {
            function,
            arguments,
            ellipsis,
            ..
        } = tree.expression(node)
        else {
            return CallKind::Statement;
        };
        let mut index = None;
        if let Expression::Index {
            operand, indices, ..
        } = tree.expression(function)
        {
            if self.index_expr(x, function, operand, indices) {
                // The instantiation is completed below, with the arguments.
                index = Some(indices);
            }
            x.expression = Some(function);
            self.record(x);
        } else {
            self.expr_or_type(x, function, true);
        }
        match x.mode {
            Mode::Invalid => {
                self.use_exprs(arguments);
                x.expression = Some(node);
                return CallKind::Statement;
            }
            Mode::TypeExpression => {
                self.conversion_call(x, node, arguments, ellipsis.is_some());
                x.expression = Some(node);
                return CallKind::Conversion;
            }
            Mode::Builtin => {
                let builtin = x.builtin.unwrap_or(Builtin::Panic);
                if !self.builtin(x, node, builtin) {
                    x.invalidate();
                }
                x.expression = Some(node);
                if !matches!(x.mode, Mode::Invalid | Mode::Constant) {
                    self.environment.has_call_or_receive = true;
                }
                return builtin.call_kind();
            }
            _ => {}
        }
        let cgo_call = x.mode == Mode::CgoFunction;
        let common =
            world.common_under_where(x.operand_type, |under| under.kind() == TypeKind::Signature);
        let Some(signature) = common.filter(|common| common.kind() == TypeKind::Signature) else {
            if world.underlying(x.operand_type).is_known() {
                self.error(x.node(), "cannot call this operand: it is not a function");
            }
            self.use_exprs(arguments);
            x.invalidate();
            x.expression = Some(node);
            return CallKind::Statement;
        };
        let mut signature = signature;
        let was_generic = !world.type_parameters(signature).is_empty();
        let mut given = Vec::new();
        let mut indices: &'w [NodeId] = &[];
        if let Some(list) = index {
            indices = list;
            let wanted = world.type_parameters(signature).len();
            let types = self.type_list(list);
            match types {
                Some(types) if types.len() <= wanted => given = types,
                _ => {
                    if let (Some(_), Some(&extra)) = (types, list.get(wanted)) {
                        self.error(extra, "too many type arguments");
                    }
                    self.use_exprs(arguments);
                    x.invalidate();
                    x.expression = Some(node);
                    return CallKind::Statement;
                }
            }
            if given.len() == wanted && wanted > 0 {
                signature = self.instantiate_signature(Some(function), signature, &given, list);
                given = Vec::new();
                indices = &[];
            }
        }
        let (mut operands, partial) = self.generic_expr_list(arguments);
        signature = self.arguments(node, signature, given, indices, &mut operands, &partial);
        if was_generic && world.type_parameters(signature).is_empty() {
            self.record_type_and_value(function, Mode::Value, signature, None);
        }
        let Some(checked) = world.as_signature(signature) else {
            x.invalidate();
            x.expression = Some(node);
            return CallKind::Statement;
        };
        match world.tuple(checked.results) {
            [] => x.mode = Mode::NoValue,
            [only] => {
                x.mode = if cgo_call {
                    Mode::CommaError
                } else {
                    Mode::Value
                };
                x.operand_type = only.parameter_type;
            }
            _ => {
                x.mode = Mode::Value;
                x.operand_type = checked.results;
            }
        }
        x.expression = Some(node);
        self.environment.has_call_or_receive = true;
        // Type parameters that could not be inferred must not get out.
        if x.mode == Mode::Value
            && !checked.type_parameters.is_empty()
            && world.is_parameterized(&checked.type_parameters, x.operand_type)
        {
            x.invalidate();
        }
        CallKind::Statement
    }

    fn conversion_call(&mut self, x: &mut Operand, node: NodeId, arguments: &[NodeId], dots: bool) {
        self.non_generic(None, x);
        if x.is_invalid() {
            return;
        }
        let target = x.operand_type;
        x.invalidate();
        match arguments {
            [] => self.error(node, "missing argument in conversion"),
            &[argument] => {
                self.expr(self.new_target(Some(target)), x, argument);
                if x.is_invalid() {
                    return;
                }
                if dots {
                    self.error(argument, "invalid use of ... in conversion");
                    x.invalidate();
                    return;
                }
                let underlying = self.world.underlying(target);
                if self.world.is_non_type_parameter_interface(target)
                    && !self.world.type_set(underlying).is_method_set()
                {
                    self.error(node, "cannot use a constraint interface in a conversion");
                    x.invalidate();
                    return;
                }
                self.conversion(x, target);
            }
            [.., last] => {
                self.use_exprs(arguments);
                self.error(*last, "too many arguments in conversion");
            }
        }
    }

    /// The values of a list of expressions; a single call may give several.
    pub(crate) fn expr_list(&mut self, nodes: &[NodeId]) -> Vec<Operand> {
        match nodes {
            [] => Vec::new(),
            &[only] => self.multi_expr(only, false).0,
            _ => nodes
                .iter()
                .map(|&node| {
                    let mut x = Operand::default();
                    self.expr(None, &mut x, node);
                    x
                })
                .collect(),
        }
    }

    /// Like [`Checker::expr_list`], but values may be generic functions, also ones with some of their
    /// type arguments: those are returned too, by value.
    fn generic_expr_list(&mut self, nodes: &'w [NodeId]) -> (Vec<Operand>, Vec<PartialArguments>) {
        let infer = nodes.is_empty() || !self.environment.version.allows(21);
        let single = nodes.len() == 1;
        let mut operands = Vec::with_capacity(nodes.len());
        let mut partial = Vec::new();
        for (position, &node) in nodes.iter().enumerate() {
            let mut x = Operand::default();
            if let Expression::Index {
                operand, indices, ..
            } = self.tree().expression(node)
            {
                if self.index_expr(&mut x, node, operand, indices) {
                    match self.func_inst(None, &mut x, Some((node, indices)), infer) {
                        Some(arguments) => {
                            partial.resize(position, PartialArguments::new());
                            partial.push(arguments);
                            x.expression = Some(node);
                        }
                        None => self.record(&x),
                    }
                    operands.push(x);
                    continue;
                }
                // Not an instantiation: finish as any other index expression.
                x.expression = Some(node);
                self.record(&x);
                self.exclude(&mut x, true);
                self.single_value(&mut x);
                operands.push(x);
                continue;
            }
            if single {
                self.raw_expr(None, &mut x, node, None, true);
                self.exclude(&mut x, true);
                if let Some(values) = self.unpack_tuple(&x, node) {
                    return (values, partial);
                }
            } else {
                self.generic_expr(&mut x, node, None);
            }
            operands.push(x);
        }
        (operands, partial)
    }

    /// Checks arguments against a signature and infers what type arguments are missing. The
    /// signature as it was called: instantiated if it was generic and all went well.
    pub(crate) fn arguments(
        &mut self,
        call: NodeId,
        signature_type: TypeId,
        given: Vec<TypeId>,
        indices: &'w [NodeId],
        operands: &mut [Operand],
        partial: &[PartialArguments],
    ) -> TypeId {
        let world = self.world;
        let (
            Some(signature),
            Expression::Call {
                function,
                arguments,
                ellipsis,
                ..
            },
        ) = (
            world.as_signature(signature_type),
            self.tree().expression(call),
        )
        else {
            return signature_type;
        };
        let parameters = world.tuple(signature.parameters);
        let mut parameter_tuple = signature.parameters;
        let mut wanted = parameters.len();
        let mut adjusted = false;
        if signature.variadic {
            if ellipsis.is_some() {
                if arguments.len() == 1 && operands.len() > 1 {
                    self.error(call, "cannot use ... with a call of several values");
                    return signature_type;
                }
            } else if operands.len() + 1 >= wanted {
                // Each further argument is one of the element type.
                let last = parameters[wanted - 1];
                let element = match world.get(last.parameter_type) {
                    Type::Slice { element } => element,
                    _ => last.parameter_type,
                };
                let mut list = parameters[..wanted - 1].to_vec();
                list.resize(
                    operands.len(),
                    Parameter {
                        name: last.name,
                        parameter_type: element,
                    },
                );
                parameter_tuple = world.new_tuple(list.into());
                adjusted = true;
                wanted = operands.len();
            } else {
                wanted -= 1;
            }
        } else if ellipsis.is_some() {
            self.error(
                call,
                "cannot use ... in call to a function that is not variadic",
            );
            return signature_type;
        }
        if operands.len() != wanted {
            let at = operands
                .get(wanted)
                .and_then(|extra| extra.expression)
                .unwrap_or(call);
            self.error(
                at,
                format!(
                    "wrong number of arguments: have {}, want {wanted}",
                    operands.len()
                ),
            );
            return signature_type;
        }
        let count = signature.type_parameters.len();
        let mut type_parameters: Vec<TypeId> = Vec::new();
        let mut type_arguments: Vec<Option<TypeId>> = Vec::new();
        if count > 0 {
            (type_parameters, parameter_tuple) =
                world.rename_type_parameters(&signature.type_parameters, parameter_tuple);
            type_arguments = (0..count)
                .map(|position| given.get(position).copied())
                .collect();
        }
        let generic_arguments = self.collect_generic_arguments(
            operands,
            partial,
            &mut type_parameters,
            &mut type_arguments,
        );
        let mut result = signature_type;
        if !type_parameters.is_empty() {
            let inferred = self.infer(
                call,
                &type_parameters,
                &type_arguments,
                parameter_tuple,
                operands,
                false,
            );
            let Some(inferred) = inferred else {
                return signature_type;
            };
            if count > 0 {
                result = self.instantiate_signature(
                    Some(function),
                    signature_type,
                    &inferred[..count],
                    indices,
                );
                parameter_tuple = if adjusted {
                    world.subst(
                        parameter_tuple,
                        &Substitution::new(&type_parameters[..count], &inferred[..count]),
                    )
                } else {
                    world
                        .as_signature(result)
                        .map_or(parameter_tuple, |instance| instance.parameters)
                };
            }
            let mut next = count;
            for position in generic_arguments {
                let operand = &mut operands[position];
                let generic = operand.operand_type;
                let last = next + world.type_parameters(generic).len();
                let Some(list) = inferred.get(next..last) else {
                    break;
                };
                operand.operand_type =
                    self.instantiate_signature(operand.expression, generic, list, &[]);
                self.record(operand);
                next = last;
            }
        }
        for (operand, parameter) in operands.iter_mut().zip(world.tuple(parameter_tuple)) {
            self.assignment(operand, Some(parameter.parameter_type), "argument");
        }
        result
    }

    /// Generic functions among the arguments: their type parameters are inferred together with
    /// those of the function called. The positions of these arguments.
    fn collect_generic_arguments(
        &mut self,
        operands: &mut [Operand],
        partial: &[PartialArguments],
        type_parameters: &mut Vec<TypeId>,
        type_arguments: &mut Vec<Option<TypeId>>,
    ) -> Vec<usize> {
        let world = self.world;
        let mut positions = Vec::new();
        for (position, operand) in operands.iter_mut().enumerate() {
            let Some(signature) = world.as_signature(operand.operand_type) else {
                continue;
            };
            if signature.type_parameters.is_empty() {
                continue;
            }
            // Renamed, so that a function passed to itself is no cycle.
            let (renamed, renamed_type) =
                world.rename_type_parameters(&signature.type_parameters, operand.operand_type);
            let mut copy = world
                .as_signature(renamed_type)
                .unwrap_or(signature)
                .clone();
            copy.type_parameters = renamed.as_slice().into();
            operand.operand_type = world.new_signature(copy);
            type_parameters.extend(renamed);
            if let Some(arguments) = partial.get(position) {
                type_arguments.extend(arguments.iter().copied().map(Some));
            }
            type_arguments.resize(type_parameters.len(), None);
            positions.push(position);
        }
        positions
    }

    /// `operand.name`: a qualified identifier, a field or a method.
    pub(crate) fn selector(&mut self, x: &mut Operand, node: NodeId, want_type: bool) {
        *x = Operand::invalid(node);
        let Expression::Selector { operand, name } = self.tree().expression(node) else {
            return;
        };
        if self.tree().is_identifier(operand)
            && let Some(object) = self.lookup(self.symbol(operand))
            && self.world.object(object).kind == ObjectKind::PackageName
        {
            self.record_use(operand, object);
            let imported = self.world.object(object).imported();
            self.qualified_identifier(x, name, imported);
            return;
        }
        self.expr_or_type(x, operand, false);
        let ok = match x.mode {
            Mode::Builtin => {
                self.error(
                    name,
                    "invalid use of a built-in function in a selector expression",
                );
                false
            }
            Mode::Invalid => false,
            _ if want_type => {
                self.error(name, "not a type");
                false
            }
            _ => self.select(x, node, name),
        };
        if !ok {
            x.invalidate();
            x.operand_type = TypeId::UNKNOWN;
        }
        x.expression = Some(node);
    }

    fn qualified_identifier(&mut self, x: &mut Operand, name_node: NodeId, imported: PackageId) {
        let world = self.world;
        let package = world.package(imported);
        if !package.is_settled() {
            self.importer.settle(imported);
        }
        let name = self.symbol(name_node);
        let Some(object) = package.lookup(name) else {
            if !package.is_missing() {
                self.error(name_node, format!("undefined: {}.{name}", package.name()));
            }
            return;
        };
        let entry = world.object(object);
        if !entry.is_exported() {
            self.error(
                name_node,
                format!("{name} is not exported by package {}", package.name()),
            );
        }
        self.record_use(name_node, object);
        if entry.raw_type().is_none() {
            world.complete(imported);
        }
        x.operand_type = entry.raw_type().unwrap_or(TypeId::UNKNOWN);
        x.mode = match entry.kind {
            ObjectKind::Constant => {
                x.value = entry.constant().clone();
                Mode::Constant
            }
            ObjectKind::TypeName => Mode::TypeExpression,
            ObjectKind::Variable(_) => Mode::Variable,
            ObjectKind::Function => Mode::Value,
            ObjectKind::Builtin => {
                x.builtin = Some(Builtin::of(entry));
                Mode::Builtin
            }
            ObjectKind::PackageName | ObjectKind::Nil | ObjectKind::Label => Mode::Invalid,
        };
        // What the exporting package could not type is unknown here too.
        if x.operand_type == TypeId::UNKNOWN && x.mode != Mode::Builtin {
            x.mode = Mode::Invalid;
        }
    }

    /// Selects a field or method of `x`. False in error.
    fn select(&mut self, x: &mut Operand, node: NodeId, name_node: NodeId) -> bool {
        let world = self.world;
        let name = self.symbol(name_node);
        let addressable = x.mode == Mode::Variable;
        let found =
            world.lookup_field_or_method(x.operand_type, addressable, Some(self.package), name);
        let Some(object) = found.object else {
            if world.underlying(x.operand_type).is_known()
                && !world.has_unknown_embedded_fields(x.operand_type)
            {
                let owner = world.type_text_in(x.operand_type, self.package);
                let message = if !found.index.is_empty() {
                    format!("ambiguous selector {name}")
                } else if found.indirect {
                    format!("method {name} needs a pointer receiver")
                } else {
                    format!("{name} undefined (type {owner} has no such field or method)")
                };
                self.error(name_node, message);
            }
            return false;
        };
        let entry = world.object(object);
        let is_method = entry.kind == ObjectKind::Function;
        if is_method {
            self.obj_decl(object);
        }
        let object_type = world.object_type(object);
        if x.mode == Mode::TypeExpression {
            if !is_method {
                self.error(name_node, format!("{name} is not a method of this type"));
                return false;
            }
            let receiver = x.operand_type;
            self.record_selection(
                node,
                SelectionKind::MethodExpression,
                receiver,
                object,
                &found.index,
                found.indirect,
            );
            let Some(signature) = world.as_signature(object_type) else {
                return false;
            };
            // The receiver becomes the first parameter, named if the others are.
            let mut name = Symbol::EMPTY;
            let first = world.tuple(signature.parameters).first();
            if first.is_some_and(|first| first.name != Symbol::EMPTY) {
                name = entry.receiver_name();
                if name == Symbol::EMPTY {
                    name = Symbol::intern("_");
                }
            }
            x.mode = Mode::Value;
            x.operand_type = world.method_expression(object, receiver, name);
            return true;
        }
        if is_method {
            self.record_selection(
                node,
                SelectionKind::MethodValue,
                x.operand_type,
                object,
                &found.index,
                found.indirect,
            );
            x.mode = Mode::Value;
            x.operand_type = self.without_receiver(object_type);
        } else {
            self.record_selection(
                node,
                SelectionKind::FieldValue,
                x.operand_type,
                object,
                &found.index,
                found.indirect,
            );
            x.mode = if x.mode == Mode::Variable || found.indirect {
                Mode::Variable
            } else {
                Mode::Value
            };
            x.operand_type = object_type;
        }
        true
    }

    /// The type of a method value: its signature without what belongs to the receiver.
    fn without_receiver(&self, signature_type: TypeId) -> TypeId {
        match self.world.as_signature(signature_type) {
            Some(signature) if !signature.receiver_type_parameters.is_empty() => {
                let plain = Signature {
                    receiver_type_parameters: Box::default(),
                    ..signature.clone()
                };
                self.world.new_signature(plain)
            }
            _ => signature_type,
        }
    }

    /// Checks expressions for their own sake, after an error around them. False if one is in error.
    pub(crate) fn use_exprs(&mut self, nodes: &[NodeId]) -> bool {
        let mut ok = true;
        for &node in nodes {
            let mut x = Operand {
                mode: Mode::Value,
                ..Operand::default()
            };
            let inner = self.unparen(node);
            if self.tree().is_identifier(inner) {
                // `_` is fine on the left side of an assignment.
                if !self.symbol(inner).is_blank() {
                    self.expr_or_type(&mut x, inner, true);
                }
            } else {
                self.raw_expr(None, &mut x, node, None, true);
            }
            ok &= !x.is_invalid();
        }
        ok
    }

    /// The same for the left side of an assignment.
    pub(crate) fn use_lhs(&mut self, nodes: &[NodeId]) -> bool {
        self.use_exprs(nodes)
    }
}
