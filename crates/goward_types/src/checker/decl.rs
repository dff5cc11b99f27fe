//! Declarations: constants, variables, types, functions; lazily, with cycles found on the way.
//!
//! Source: `go/types/decl.go`.

use std::rc::Rc;

use goward_syntax::{
    BinaryOperator, Declaration, Expression, NodeId, Specification, UnaryOperator,
};

use crate::checker::resolver::Declared;
use crate::checker::{Checker, Environment, FunctionContext, Operand, PATH_LIMIT, ScopeId};
use crate::constant::Value;
use crate::ids::{ObjectId, TypeId};
use crate::object::{Object, ObjectKind, VariableKind};
use crate::types::basic_info;

impl<'w> Checker<'w> {
    /// Puts an object into a scope and records it at its identifier.
    pub(crate) fn declare(&mut self, scope: ScopeId, identifier: Option<NodeId>, object: ObjectId) {
        let name = self.world.object(object).name;
        if !name.is_blank() && self.scope_mut(scope).insert(name, object).is_some() {
            let message = format!("{name} redeclared in this block");
            match identifier {
                Some(identifier) => self.error(identifier, message),
                None => {
                    let offset = self.world.object(object).offset;
                    self.error_at(goward_diagnostics::Span::at(offset), message);
                }
            }
            return;
        }
        if let Some(identifier) = identifier {
            self.record_definition(identifier, Some(object));
        }
    }

    /// Makes sure that `object` has its type; of a package-level object of this package by checking
    /// its declaration, of an instantiated method by that of its origin.
    pub(crate) fn obj_decl(&mut self, object: ObjectId) {
        let entry = self.world.object(object);
        if entry.kind == ObjectKind::Function
            && let Some(origin) = entry.origin()
        {
            return self.obj_decl(origin);
        }
        if self.object_path.contains(&object) {
            self.declaration_cycle(object);
            return;
        }
        if entry.raw_type().is_some() {
            return;
        }
        let Some(info) = self.declarations.get(&object).cloned() else {
            // Local objects get their type where they are declared; being here is an error elsewhere.
            entry.set_type(TypeId::UNKNOWN);
            return;
        };
        if self.object_path.len() >= PATH_LIMIT {
            self.path_too_long(object);
            return;
        }
        self.object_path.push(object);
        let environment = Environment {
            file: info.file,
            scope: self.file_scopes[info.file],
            version: self.files[info.file].version,
            iota: None,
            error_place: None,
            in_type_parameter_list: false,
            function: None,
            has_call_or_receive: false,
        };
        let saved = std::mem::replace(&mut self.environment, environment);
        match entry.kind {
            ObjectKind::Constant => {
                self.const_decl(
                    object,
                    info.value_type,
                    info.initial,
                    info.inherited,
                    info.iota,
                );
            }
            ObjectKind::Variable(_) => {
                self.var_decl(object, info.left.as_deref(), info.value_type, info.initial);
            }
            ObjectKind::TypeName => {
                if let Some(specification) = info.type_specification {
                    self.type_decl(object, specification);
                }
                self.collect_methods(object);
            }
            ObjectKind::Function => {
                if let Some(function) = info.function {
                    self.func_decl(object, function);
                }
            }
            ObjectKind::PackageName | ObjectKind::Builtin | ObjectKind::Nil | ObjectKind::Label => {
            }
        }
        self.environment = saved;
        self.object_path.pop();
        if entry.raw_type().is_none() {
            entry.set_type(TypeId::UNKNOWN);
        }
    }

    pub(crate) fn const_decl(
        &mut self,
        object: ObjectId,
        value_type: Option<NodeId>,
        initial: Option<NodeId>,
        inherited: bool,
        iota: u32,
    ) {
        let saved = (self.environment.iota, self.environment.error_place);
        self.environment.iota = Some(i64::from(iota));
        self.environment.error_place = None;
        let entry = self.world.object(object);
        let mut valid = true;
        if let Some(node) = value_type {
            let declared = self.typ(node);
            if self.world.is_const_type(declared) {
                entry.set_type(declared);
            } else {
                if self.world.underlying(declared).is_known() {
                    self.error(node, "invalid constant type");
                }
                entry.set_type(TypeId::UNKNOWN);
                valid = false;
            }
        }
        if valid {
            let mut x = Operand::default();
            if let Some(initial) = initial {
                if inherited {
                    self.environment.error_place = Some(goward_diagnostics::Span::at(entry.offset));
                }
                self.expr(None, &mut x, initial);
            }
            self.init_const(object, &mut x);
        }
        (self.environment.iota, self.environment.error_place) = saved;
    }

    pub(crate) fn var_decl(
        &mut self,
        object: ObjectId,
        left: Option<&[ObjectId]>,
        value_type: Option<NodeId>,
        initial: Option<NodeId>,
    ) {
        let entry = self.world.object(object);
        if let Some(node) = value_type {
            let declared = self.var_type(node);
            entry.set_type(declared);
        }
        let Some(initial) = initial else {
            if value_type.is_none() {
                entry.set_type(TypeId::UNKNOWN);
            }
            return;
        };
        match left {
            Some(left) if left.len() != 1 => {
                if let (Some(_), Some(declared)) = (value_type, entry.raw_type()) {
                    for &other in left {
                        self.world.object(other).set_type(declared);
                    }
                }
                self.init_vars(left, &[initial], None);
            }
            _ => {
                let mut x = Operand::default();
                let target = self.new_target(entry.raw_type());
                self.expr(target, &mut x, initial);
                self.init_var(object, &mut x, "variable declaration");
            }
        }
    }

    pub(crate) fn type_decl(&mut self, object: ObjectId, specification: NodeId) {
        let world = self.world;
        let tree = self.tree();
        let Specification::Type {
            type_parameters,
            is_alias,
            specified,
            ..
        } = tree.specification(specification)
        else {
            return;
        };
        let entry = world.object(object);
        let own = if is_alias {
            world.new_alias(object)
        } else {
            world.new_named(object)
        };
        entry.set_type(own);
        let generic = !type_parameters.is_empty();
        if generic {
            self.open_scope();
            self.collect_type_parameters(type_parameters, Some(own));
        }
        let mut right = self.declared_type(specified, Some(object));
        if world.is_type_parameter(right) {
            let own_parameter =
                !is_alias || world.type_parameters(own).contains(&world.unalias(right));
            if own_parameter {
                self.error(
                    specified,
                    "cannot use a type parameter as the type of a declaration",
                );
                right = TypeId::UNKNOWN;
            }
        }
        world.set_right_hand_side(own, right);
        if generic {
            self.close_scope();
        }
    }

    /// Declares the type parameters of a list; `owner` is the type or alias that they belong to.
    pub(crate) fn collect_type_parameters(
        &mut self,
        list: &'w [NodeId],
        owner: Option<TypeId>,
    ) -> Vec<TypeId> {
        let world = self.world;
        let tree = self.tree();
        let mut parameters = Vec::new();
        for &field in list {
            for &name in tree.field(field).names {
                parameters.push(self.declare_type_parameter(name));
            }
        }
        // The list is bound before the constraints are looked at: they may refer to it.
        match owner {
            Some(owner) => world.set_type_parameters(owner, parameters.as_slice().into()),
            None => world.bind_type_parameters(&parameters),
        }
        let saved = std::mem::replace(&mut self.environment.in_type_parameter_list, true);
        let mut index = 0;
        for &field in list {
            let field = tree.field(field);
            let mut bound = self.bound(field.field_type);
            if world.is_type_parameter(bound) {
                self.error(
                    field.field_type,
                    "cannot use a type parameter as constraint",
                );
                bound = TypeId::UNKNOWN;
            }
            for _ in field.names {
                world.set_bound(parameters[index], bound);
                index += 1;
            }
        }
        self.environment.in_type_parameter_list = saved;
        parameters
    }

    /// A constraint; `~T` and `A|B` alone stand for the interface that has them as its element.
    fn bound(&mut self, node: NodeId) -> TypeId {
        let wrap = matches!(
            self.tree().expression(node),
            Expression::Unary {
                operator: UnaryOperator::Tilde,
                ..
            } | Expression::Binary {
                operator: BinaryOperator::Or,
                ..
            }
        );
        if !wrap {
            return self.typ(node);
        }
        let element = self.parse_union(node);
        let interface = self
            .world
            .new_interface(Box::default(), Box::new([element]), true);
        self.compute_type_set_later(interface);
        let end = self.tree().span(node).end;
        self.file_facts().implied_interfaces.push((end, interface));
        interface
    }

    pub(crate) fn declare_type_parameter(&mut self, name: NodeId) -> TypeId {
        let place = self.place(name);
        let object = Object::new(
            ObjectKind::TypeName,
            self.symbol(name),
            Some(self.package),
            place,
            None,
        );
        let object = self.world.add_object(object);
        let parameter = self.world.new_type_parameter(object, TypeId::UNKNOWN);
        self.world.object(object).set_type(parameter);
        self.declare(self.environment.scope, Some(name), object);
        parameter
    }

    /// Gives a type name its methods.
    pub(crate) fn collect_methods(&mut self, object: ObjectId) {
        let Some(methods) = self.methods.remove(&object) else {
            return;
        };
        let mut unique: Vec<ObjectId> = Vec::with_capacity(methods.len());
        for method in methods {
            let entry = self.world.object(method);
            if unique
                .iter()
                .any(|&other| self.world.object(other).name == entry.name)
            {
                let (file, offset, name) = (entry.file as usize, entry.offset, entry.name);
                let current = std::mem::replace(&mut self.environment.file, file);
                self.error_at(
                    goward_diagnostics::Span::at(offset),
                    format!("method {name} already declared"),
                );
                self.environment.file = current;
                continue;
            }
            unique.push(method);
        }
        if let Some(declared) = self.world.object(object).raw_type()
            && let Some(named) = self.world.as_named(declared)
        {
            let _ = named.methods.set(unique.into());
        }
    }

    fn func_decl(&mut self, object: ObjectId, node: NodeId) {
        let Declaration::Function(function) = self.tree().declaration(node) else {
            return;
        };
        let receiver = function.receiver.first().copied();
        let entry = self.world.object(object);
        // Until its type is known the function is one without parameters, for those cycles that are
        // no mistake: `func f([unsafe.Sizeof(f)]int)`.
        let declared = (!function.is_method).then_some(object);
        entry.set_type(self.plain_function);
        let checked = self.func_type(declared, receiver, function.function_type);
        if let Some(receiver) = checked.receiver_type {
            entry.set_receiver(receiver);
            entry.set_receiver_name(checked.receiver_name);
        }
        entry.set_type(checked.signature);
        let Some(body) = function.body else { return };
        if self.settings.ignore_function_bodies || function.body_skipped {
            return;
        }
        let context = Rc::new(FunctionContext {
            results: checked.results,
            named_results: checked.named_results,
        });
        self.later(move |checker| checker.func_body(checked.scope, context, body, None));
    }

    /// A declaration inside a function.
    pub(crate) fn decl_stmt(&mut self, declaration: NodeId) {
        self.walk_declaration(declaration, &mut |checker, declared| match declared {
            Declared::Constant {
                names,
                iota,
                value_type,
                values,
                inherited,
                ..
            } => {
                let top = checker.delayed_count();
                let mut objects = Vec::with_capacity(names.len());
                for (index, &name) in names.iter().enumerate() {
                    let object = checker.new_local(ObjectKind::Constant, name);
                    objects.push(object);
                    checker.const_decl(
                        object,
                        value_type,
                        values.get(index).copied(),
                        inherited,
                        iota,
                    );
                }
                // Function literals in initialisers must not see the new names.
                checker.process_delayed(top);
                for (&name, object) in names.iter().zip(objects) {
                    checker.declare(checker.environment.scope, Some(name), object);
                }
            }
            Declared::Variable {
                names,
                value_type,
                values,
                ..
            } => {
                let top = checker.delayed_count();
                let kind = ObjectKind::Variable(VariableKind::Local);
                let objects: Vec<ObjectId> = names
                    .iter()
                    .map(|&name| checker.new_local(kind, name))
                    .collect();
                for (index, &object) in objects.iter().enumerate() {
                    let (left, initial) = if values.len() == names.len() {
                        (None, Some(values[index]))
                    } else if let [only] = values {
                        (Some(objects.as_slice()), Some(*only))
                    } else {
                        (None, values.get(index).copied())
                    };
                    checker.var_decl(object, left, value_type, initial);
                    if values.len() == 1 {
                        break;
                    }
                }
                for &object in &objects {
                    if checker.world.object(object).raw_type().is_none() {
                        checker.world.object(object).set_type(TypeId::UNKNOWN);
                    }
                }
                checker.process_delayed(top);
                for (&name, object) in names.iter().zip(objects) {
                    checker.declare(checker.environment.scope, Some(name), object);
                }
            }
            Declared::Type {
                name,
                specification,
            } => {
                let object = checker.new_local(ObjectKind::TypeName, name);
                if checker.is_alias_specification(specification) {
                    checker.world.object(object).set_alias_declaration();
                }
                checker.declare(checker.environment.scope, Some(name), object);
                checker.object_path.push(object);
                checker.type_decl(object, specification);
                checker.object_path.pop();
            }
            Declared::Import { .. } | Declared::Function { .. } => {}
        });
    }

    pub(crate) fn new_local(&mut self, kind: ObjectKind, identifier: NodeId) -> ObjectId {
        let (name, place) = (self.symbol(identifier), self.place(identifier));
        self.world
            .add_object(Object::new(kind, name, Some(self.package), place, None))
    }

    pub(crate) fn init_const(&mut self, object: ObjectId, x: &mut Operand) {
        use crate::checker::Mode;
        let entry = self.world.object(object);
        let declared = entry.raw_type();
        let unknown =
            x.is_invalid() || !x.operand_type.is_known() || declared == Some(TypeId::UNKNOWN);
        if unknown || x.mode != Mode::Constant {
            if !unknown {
                self.error(x.node(), "not a constant");
            }
            if declared.is_none() {
                entry.set_type(TypeId::UNKNOWN);
            }
            return;
        }
        debug_assert!(self.world.all_basic(x.operand_type, basic_info::CONST_TYPE));
        let target = declared.unwrap_or(x.operand_type);
        entry.set_type(target);
        self.assignment(x, Some(target), "constant declaration");
        if !x.is_invalid() {
            entry.set_constant(std::mem::replace(&mut x.value, Value::Unknown));
        }
    }
}
