//! Collecting what a package declares, before anything is checked.
//!
//! Source: `go/types/resolver.go`.

use std::rc::Rc;

use goward_syntax::{
    Declaration, DeclarationKeyword, Expression, FunctionDeclaration, NodeId, NodeKind,
    Specification, Symbol,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::checker::{Checker, DeclInfo, ScopeId};
use crate::ids::{ObjectId, TypeId};
use crate::object::{Object, ObjectKind, VariableKind, is_exported};

/// One declaration of a file, as [`Checker::walk_declaration`] hands it out.
#[derive(Copy, Clone)]
pub(crate) enum Declared<'t> {
    Import {
        specification: NodeId,
        name: Option<NodeId>,
        path: NodeId,
    },
    Constant {
        names: &'t [NodeId],
        iota: u32,
        /// Type and values, of this specification or inherited from an earlier one.
        value_type: Option<NodeId>,
        values: &'t [NodeId],
        inherited: bool,
    },
    Variable {
        names: &'t [NodeId],
        value_type: Option<NodeId>,
        values: &'t [NodeId],
    },
    Type {
        name: NodeId,
        specification: NodeId,
    },
    Function {
        declaration: NodeId,
    },
}

/// The parts of a receiver type: whether it is a pointer, its base, and the names of its type parameters.
pub(crate) struct Receiver {
    pub(crate) pointer: bool,
    pub(crate) base: NodeId,
    pub(crate) type_parameters: Option<Vec<NodeId>>,
}

/// A method with a receiver that may name a type of this package.
struct MethodInfo {
    object: ObjectId,
    pointer: bool,
    receiver: Symbol,
}

impl<'w> Checker<'w> {
    /// Calls `visit` for each thing that a declaration declares.
    pub(crate) fn walk_declaration(
        &mut self,
        node: NodeId,
        visit: &mut dyn FnMut(&mut Self, Declared<'w>),
    ) {
        let tree = self.tree();
        let (keyword, specifications) = match tree.declaration(node) {
            Declaration::Bad => return,
            Declaration::Function(_) => {
                return visit(self, Declared::Function { declaration: node });
            }
            Declaration::General {
                keyword,
                specifications,
            } => (keyword, specifications),
        };
        let mut last: (Option<NodeId>, &'w [NodeId]) = (None, &[]);
        let mut seen_values = false;
        for &specification in specifications {
            match (keyword, tree.specification(specification)) {
                (DeclarationKeyword::Import, Specification::Import { name, path }) => {
                    visit(
                        self,
                        Declared::Import {
                            specification,
                            name,
                            path,
                        },
                    );
                }
                (
                    DeclarationKeyword::Const,
                    Specification::Value {
                        names,
                        value_type,
                        values,
                        iota,
                    },
                ) => {
                    let mut inherited = true;
                    if value_type.is_some() || !values.is_empty() {
                        last = (value_type, values);
                        inherited = false;
                        seen_values = true;
                    } else if !seen_values {
                        inherited = false;
                    }
                    self.arity_match(specification, names, value_type, last.1, true, inherited);
                    let (value_type, values) = last;
                    let constant = Declared::Constant {
                        names,
                        iota,
                        value_type,
                        values,
                        inherited,
                    };
                    visit(self, constant);
                }
                (
                    DeclarationKeyword::Var,
                    Specification::Value {
                        names,
                        value_type,
                        values,
                        ..
                    },
                ) => {
                    self.arity_match(specification, names, value_type, values, false, false);
                    visit(
                        self,
                        Declared::Variable {
                            names,
                            value_type,
                            values,
                        },
                    );
                }
                (DeclarationKeyword::Type, Specification::Type { name, .. }) => {
                    visit(
                        self,
                        Declared::Type {
                            name,
                            specification,
                        },
                    );
                }
                _ => {}
            }
        }
    }

    fn arity_match(
        &mut self,
        specification: NodeId,
        names: &[NodeId],
        value_type: Option<NodeId>,
        values: &[NodeId],
        constant: bool,
        inherited: bool,
    ) {
        let (left, right) = (names.len(), values.len());
        if !constant && right == 0 {
            if value_type.is_none() {
                self.error(specification, "missing type or initial value");
            }
        } else if left < right {
            if inherited {
                self.error(specification, "more initial values than names");
            } else {
                self.error(values[left], "more initial values than names");
            }
        } else if left > right && (constant || right != 1) {
            self.error(names[right], "missing initial value");
        }
    }

    /// The import path of a string literal, if it is a sensible one.
    fn import_path(&mut self, literal: NodeId) -> Option<&'w str> {
        let text = self.text(literal);
        let path = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
        if path.is_empty()
            || path.contains(|c: char| {
                c.is_whitespace()
                    || c.is_control()
                    || "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{FFFD}".contains(c)
            })
        {
            self.error(literal, "invalid import path");
            return None;
        }
        Some(path)
    }

    fn declare_package_object(&mut self, identifier: NodeId, object: ObjectId, info: DeclInfo) {
        let name = self.world.object(object).name;
        if name.as_str() == "init" {
            self.error(identifier, "cannot declare init - must be func");
            return;
        }
        if name.as_str() == "main" && self.world.package(self.package).name().as_str() == "main" {
            self.error(identifier, "cannot declare main - must be func");
            return;
        }
        self.world.object(object).set_package_level();
        self.declare(self.package_scope, Some(identifier), object);
        self.declarations.insert(object, info);
        self.object_list.push(object);
    }

    fn new_object(&mut self, kind: ObjectKind, identifier: NodeId) -> ObjectId {
        let name = self.symbol(identifier);
        let place = self.place(identifier);
        self.world
            .add_object(Object::new(kind, name, Some(self.package), place, None))
    }

    /// Makes the objects of all package-level declarations, and of methods.
    pub(crate) fn collect_objects(&mut self) {
        let mut methods: Vec<MethodInfo> = Vec::new();
        for file in 0..self.files.len() {
            self.environment.file = file;
            self.environment.version = self.files[file].version;
            let scope = self.new_scope(Some(self.package_scope));
            self.file_scopes.push(scope);
            let tree = self.tree();
            if let Some(name) = tree.package_name() {
                self.record_definition(name, None);
            }
            for &declaration in tree.declarations() {
                self.walk_declaration(declaration, &mut |checker, declared| match declared {
                    Declared::Import {
                        specification,
                        name,
                        path,
                    } => {
                        checker.collect_import(scope, specification, name, path);
                    }
                    Declared::Function { declaration } => {
                        checker.collect_function(declaration, &mut methods)
                    }
                    other => checker.collect_values_and_types(other),
                });
            }
        }
        self.report_file_scope_conflicts();
        self.publish_package_scope();
        // Methods belong to the type name behind their receiver, which may be an alias.
        for method in methods {
            if let Some((pointer, base)) =
                self.resolve_base_type_name(method.pointer, method.receiver)
            {
                if pointer {
                    self.world.object(method.object).set_pointer_receiver();
                }
                self.methods.entry(base).or_default().push(method.object);
            }
        }
    }

    fn collect_import(
        &mut self,
        scope: ScopeId,
        specification: NodeId,
        name: Option<NodeId>,
        path_node: NodeId,
    ) {
        let Some(path) = self.import_path(path_node) else {
            return;
        };
        let world = self.world;
        let imported = match self.importer.import(path) {
            Some(package) => package,
            None => {
                if path != "C" {
                    self.error(path_node, format!("package {path} is missing"));
                }
                let package = world.new_package(path, Vec::new(), true);
                let last = path.rsplit('/').next().unwrap_or(path);
                world
                    .package(package)
                    .set_name(Symbol::intern(fake_package_name(path, last)));
                package
            }
        };
        let local_name = match name {
            Some(identifier) => self.symbol(identifier),
            None => world.package(imported).name(),
        };
        if local_name.as_str() == "init" {
            self.error(
                specification,
                "cannot import package as init - init must be a func",
            );
            return;
        }
        // Where the name is written, the specification starts with it; else with the path.
        let place = (
            self.environment.file as u32,
            self.tree().span(specification).start,
        );
        let object = Object::new(
            ObjectKind::PackageName,
            local_name,
            Some(self.package),
            place,
            Some(TypeId::UNKNOWN),
        );
        object.set_detail(imported.raw());
        let object = world.add_object(object);
        match name {
            Some(identifier) => self.record_definition(identifier, Some(object)),
            None => self.record_implicit(specification, object),
        }
        if local_name.as_str() == "." {
            if !world.package(imported).is_settled() {
                self.importer.settle(imported);
            }
            world.complete(imported);
            for (name, object) in world.package(imported).names() {
                if is_exported(name) && self.scope_mut(scope).insert(name, object).is_some() {
                    self.error(specification, format!("{name} redeclared in this file"));
                }
            }
        } else {
            self.declare(scope, None, object);
        }
    }

    fn collect_values_and_types(&mut self, declared: Declared<'w>) {
        let file = self.environment.file;
        let info = DeclInfo {
            file,
            left: None,
            value_type: None,
            initial: None,
            inherited: false,
            iota: 0,
            type_specification: None,
            function: None,
        };
        match declared {
            Declared::Constant {
                names,
                iota,
                value_type,
                values,
                inherited,
                ..
            } => {
                for (index, &name) in names.iter().enumerate() {
                    let object = self.new_object(ObjectKind::Constant, name);
                    let initial = values.get(index).copied();
                    let info = DeclInfo {
                        value_type,
                        initial,
                        inherited,
                        iota,
                        ..info.clone()
                    };
                    self.declare_package_object(name, object, info);
                }
            }
            Declared::Variable {
                names,
                value_type,
                values,
                ..
            } => {
                let kind = ObjectKind::Variable(VariableKind::Package);
                let objects: Vec<ObjectId> = names
                    .iter()
                    .map(|&name| self.new_object(kind, name))
                    .collect();
                let left: Option<Rc<[ObjectId]>> =
                    (values.len() == 1).then(|| objects.as_slice().into());
                for (index, (&name, &object)) in names.iter().zip(&objects).enumerate() {
                    let initial = match values {
                        [only] => Some(*only),
                        _ => values.get(index).copied(),
                    };
                    let info = DeclInfo {
                        left: left.clone(),
                        value_type,
                        initial,
                        ..info.clone()
                    };
                    self.declare_package_object(name, object, info);
                }
            }
            Declared::Type {
                name,
                specification,
            } => {
                let object = self.new_object(ObjectKind::TypeName, name);
                let info = DeclInfo {
                    type_specification: Some(specification),
                    ..info
                };
                if self.is_alias_specification(specification) {
                    self.world.object(object).set_alias_declaration();
                }
                self.declare_package_object(name, object, info);
            }
            Declared::Import { .. } | Declared::Function { .. } => {}
        }
    }

    pub(crate) fn is_alias_specification(&self, specification: NodeId) -> bool {
        matches!(
            self.tree().specification(specification),
            Specification::Type { is_alias: true, .. }
        )
    }

    fn collect_function(&mut self, node: NodeId, methods: &mut Vec<MethodInfo>) {
        let tree = self.tree();
        let Declaration::Function(FunctionDeclaration {
            receiver,
            is_method,
            name,
            ..
        }) = tree.declaration(node)
        else {
            return;
        };
        let object = self.new_object(ObjectKind::Function, name);
        let text = self.symbol(name);
        match receiver.first() {
            None => {
                if is_method {
                    self.error(name, "method has no receiver");
                }
                if text.as_str() == "init" {
                    self.record_definition(name, Some(object));
                } else {
                    self.world.object(object).set_package_level();
                    self.declare(self.package_scope, Some(name), object);
                }
            }
            Some(&field) => {
                self.world.object(object).set_method();
                let parts = self.unpack_receiver(tree.field(field).field_type, false);
                if tree.is_identifier(parts.base) && !text.is_blank() {
                    methods.push(MethodInfo {
                        object,
                        pointer: parts.pointer,
                        receiver: self.symbol(parts.base),
                    });
                }
                self.record_definition(name, Some(object));
            }
        }
        let info = DeclInfo {
            file: self.environment.file,
            left: None,
            value_type: None,
            initial: None,
            inherited: false,
            iota: 0,
            type_specification: None,
            function: Some(node),
        };
        self.declarations.insert(object, info);
        self.object_list.push(object);
    }

    /// A name of a file scope (an import) must not be one of the package.
    fn report_file_scope_conflicts(&mut self) {
        for file in 0..self.file_scopes.len() {
            self.environment.file = file;
            let entries = self.scope(self.file_scopes[file]).entries().to_vec();
            for (name, object) in entries {
                if let Some(other) = self.scope(self.package_scope).lookup(name) {
                    let place = self.world.object(other);
                    let (file, offset) = (place.file as usize, place.offset);
                    let _ = object;
                    self.environment.file = file;
                    self.error_at(
                        goward_diagnostics::Span::at(offset),
                        format!("{name} already declared by an import"),
                    );
                }
            }
        }
    }

    fn publish_package_scope(&mut self) {
        let scope: FxHashMap<Symbol, ObjectId> = self
            .scope(self.package_scope)
            .entries()
            .iter()
            .copied()
            .collect();
        self.world.package(self.package).set_scope(scope);
    }

    /// Takes a receiver type apart: `*T[P, Q]` and the like.
    pub(crate) fn unpack_receiver(
        &mut self,
        receiver_type: NodeId,
        unpack_parameters: bool,
    ) -> Receiver {
        let tree = self.tree();
        let mut base = self.unparen(receiver_type);
        let mut pointer = false;
        if let Expression::Star { operand } = tree.expression(base) {
            pointer = true;
            base = self.unparen(operand);
        }
        let mut type_parameters = None;
        if let Expression::Index {
            operand, indices, ..
        } = tree.expression(base)
        {
            base = operand;
            if unpack_parameters {
                for &argument in indices {
                    if !tree.is_identifier(argument) {
                        self.error(argument, "a receiver type parameter must be an identifier");
                    }
                }
                type_parameters = Some(indices.to_vec());
            }
        }
        Receiver {
            pointer,
            base,
            type_parameters,
        }
    }

    /// The node inside all parentheses.
    pub(crate) fn unparen(&self, mut node: NodeId) -> NodeId {
        let tree = self.tree();
        while tree.kind(node) == NodeKind::ParenExpr
            && let Expression::Parenthesized { inner } = tree.expression(node)
        {
            node = inner;
        }
        node
    }

    /// The declared type name behind a receiver, through aliases of this package, and whether the
    /// receiver is a pointer after all.
    fn resolve_base_type_name(
        &mut self,
        mut pointer: bool,
        name: Symbol,
    ) -> Option<(bool, ObjectId)> {
        let mut name = name;
        let mut seen = FxHashSet::default();
        loop {
            let object = self.scope(self.package_scope).lookup(name)?;
            if self.world.object(object).kind != ObjectKind::TypeName || !seen.insert(object) {
                return None;
            }
            let info = self.declarations.get(&object)?;
            let (file, specification) = (info.file, info.type_specification?);
            let tree = self.files[file].tree;
            let Specification::Type {
                type_parameters,
                is_alias,
                specified,
                ..
            } = tree.specification(specification)
            else {
                return None;
            };
            if !is_alias {
                return Some((pointer, object));
            }
            if !type_parameters.is_empty() {
                return None;
            }
            let unparen = |mut node| {
                while let Expression::Parenthesized { inner } = tree.expression(node) {
                    node = inner;
                }
                node
            };
            let mut next = unparen(specified);
            if let Expression::Star { operand } = tree.expression(next) {
                if pointer {
                    return None;
                }
                pointer = true;
                next = unparen(operand);
            }
            if !tree.is_identifier(next) {
                return None;
            }
            name = tree.symbol(next);
        }
    }

    /// Checks all package-level declarations: types first, then aliases, then the rest.
    pub(crate) fn package_objects(&mut self) {
        let objects = self.object_list.clone();
        let is_type =
            |checker: &Self, object| checker.world.object(object).kind == ObjectKind::TypeName;
        for &object in &objects {
            if is_type(self, object) && self.world.object(object).raw_type().is_some() {
                self.collect_methods(object);
            }
        }
        for &object in &objects {
            if is_type(self, object) && !self.world.object(object).is_alias_declaration() {
                self.obj_decl(object);
            }
        }
        for &object in &objects {
            if is_type(self, object) && self.world.object(object).is_alias_declaration() {
                self.obj_decl(object);
            }
        }
        for &object in &objects {
            if !is_type(self, object) {
                self.obj_decl(object);
            }
        }
        self.methods.clear();
    }
}

/// The name that a missing package most likely has: the last part of its path, but for version suffixes.
fn fake_package_name<'p>(path: &'p str, last: &'p str) -> &'p str {
    let is_version = last.strip_prefix('v').is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let name = match path
        .strip_suffix(last)
        .map(|rest| rest.trim_end_matches('/'))
    {
        Some(rest) if is_version && !rest.is_empty() => rest.rsplit('/').next().unwrap_or(last),
        _ => last,
    };
    // `gopkg.in/yaml.v3` is package yaml, `go-redis` most often redis.
    let name = name.split(".v").next().unwrap_or(name);
    let name = name.strip_prefix("go-").unwrap_or(name);
    name.strip_suffix("-go").unwrap_or(name)
}
