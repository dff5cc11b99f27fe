//! Access paths: which place an expression means, as far as it can be told without running it.
//!
//! A path is a root (a variable, or a call by its text) and the fields and indices that lead from
//! it. Following a pointer, taking an address and parentheses do not show; embedded fields are
//! written out. A local variable that is defined once, from another path, stands for that path.

use goward_diagnostics::Span;
use goward_syntax::{
    AssignOperator, Expression, NodeId, NodeKind, Specification, Statement, Symbol, UnaryOperator,
};
use goward_types::{
    Mode, ObjectId, ObjectKind, SelectionKind, Type, TypeId, TypeKind, TypedFile, TypedPackage,
    VariableKind, World,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{Callee, callee, origin, unparenthesized};
use crate::unit::UnitId;

mod table;

pub use table::{AccessPath, Element, PathId, Paths, Root};

/// How a local variable got its value.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// Expressions that it is set to, with the file they are in.
    pub values: Vec<(usize, NodeId)>,
    /// It was declared without a value.
    pub zero: bool,
    /// It is set in a way that gives no single expression: by `range`, several results, `++`.
    pub other: bool,
    /// Its address is taken.
    pub address_taken: bool,
}

/// The definitions of all variables of a package that are not fields.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    definitions: FxHashMap<ObjectId, Definitions>,
    single_values: FxHashSet<(usize, NodeId)>,
    /// Fields that are set, with the file and range of the declaration in which they are.
    field_sets: Vec<(ObjectId, usize, Span)>,
}

impl Variables {
    /// Looks through all files.
    pub fn new(package: &TypedPackage<'_>) -> Variables {
        let mut variables = Variables::default();
        for (index, file) in package.files.iter().enumerate() {
            for &declaration in file.tree.declarations() {
                for node in file.tree.preorder(declaration) {
                    variables.node(file, index, node);
                    variables.fields_set(package.world, file, index, declaration, node);
                }
            }
        }
        let single = variables.definitions.values().filter_map(|definitions| {
            match definitions.values.as_slice() {
                [value] if !definitions.other && !definitions.address_taken => Some(*value),
                _ => None,
            }
        });
        variables.single_values = single.collect();
        variables
    }

    /// What is known of a variable.
    pub fn get(&self, object: ObjectId) -> Option<&Definitions> {
        self.definitions.get(&object)
    }

    fn of(&mut self, file: &TypedFile<'_>, place: NodeId) -> Option<&mut Definitions> {
        let place = unparenthesized(file, place);
        if file.tree.kind(place) != NodeKind::Ident {
            return None;
        }
        Some(
            self.definitions
                .entry(file.facts.object_of(place)?)
                .or_default(),
        )
    }

    fn node(&mut self, file: &TypedFile<'_>, index: usize, node: NodeId) {
        let tree = file.tree;
        match tree.kind(node) {
            NodeKind::AssignStmt => {
                let Statement::Assign {
                    left,
                    right,
                    operator,
                    ..
                } = tree.statement(node)
                else {
                    return;
                };
                let plain = !matches!(operator, AssignOperator::Update(_));
                for (position, &place) in left.iter().enumerate() {
                    if let Some(definitions) = self.of(file, place) {
                        if plain && left.len() == right.len() {
                            definitions.values.push((index, right[position]));
                        } else if plain
                            && position == 0
                            && right.len() == 1
                            && tree.kind(right[0]) == NodeKind::IndexExpr
                        {
                            // `v, ok := m[k]`
                            definitions.values.push((index, right[0]));
                        } else {
                            definitions.other = true;
                        }
                    }
                }
            }
            NodeKind::ValueSpec => {
                if let Specification::Value { names, values, .. } = tree.specification(node) {
                    for (position, &name) in names.iter().enumerate() {
                        if let Some(definitions) = self.of(file, name) {
                            if values.is_empty() {
                                definitions.zero = true;
                            } else if values.len() == names.len() {
                                definitions.values.push((index, values[position]));
                            } else {
                                definitions.other = true;
                            }
                        }
                    }
                }
            }
            NodeKind::RangeStmt => {
                if let Statement::Range { key, value, .. } = tree.statement(node) {
                    for place in [key, value].into_iter().flatten() {
                        if let Some(definitions) = self.of(file, place) {
                            definitions.other = true;
                        }
                    }
                }
            }
            NodeKind::IncDecStmt => {
                if let Statement::IncrementDecrement { operand, .. } = tree.statement(node)
                    && let Some(definitions) = self.of(file, operand)
                {
                    definitions.other = true;
                }
            }
            NodeKind::UnaryExpr => {
                if let Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } = tree.expression(node)
                    && let Some(definitions) = self.of(file, operand)
                {
                    definitions.address_taken = true;
                }
            }
            _ => {}
        }
    }

    /// The one expression that a local variable is ever set to.
    pub fn single(&self, object: ObjectId) -> Option<(usize, NodeId)> {
        let definitions = self.definitions.get(&object)?;
        match definitions.values.as_slice() {
            [value] if !definitions.other && !definitions.address_taken => Some(*value),
            _ => None,
        }
    }

    /// Remembers the fields that an assignment sets.
    fn fields_set(
        &mut self,
        world: &World,
        file: &TypedFile<'_>,
        index: usize,
        declaration: NodeId,
        node: NodeId,
    ) {
        if file.tree.kind(node) != NodeKind::AssignStmt {
            return;
        }
        if let Statement::Assign { left, .. } = file.tree.statement(node) {
            for &place in left {
                if let Some(selection) = file.facts.selections.get(&place) {
                    let field = origin(world, selection.object);
                    self.field_sets
                        .push((field, index, file.tree.span(declaration)));
                }
            }
        }
    }

    /// Whether the declaration around an offset sets a field.
    fn sets_field(&self, field: ObjectId, file: usize, offset: u32) -> bool {
        self.field_sets
            .iter()
            .any(|set| set.0 == field && set.1 == file && set.2.contains(offset))
    }

    /// Whether an expression is the one value of some variable.
    pub fn is_single_value(&self, file: usize, value: NodeId) -> bool {
        self.single_values.contains(&(file, value))
    }

    /// Whether a variable is never set after it was declared.
    pub fn is_constant(&self, object: ObjectId) -> bool {
        match self.definitions.get(&object) {
            None => true,
            Some(definitions) => {
                !definitions.other && definitions.values.len() + usize::from(definitions.zero) <= 1
            }
        }
    }
}

/// Finds the paths of expressions of one unit.
pub(crate) struct Resolver<'r, 'a> {
    pub package: &'r TypedPackage<'a>,
    pub variables: &'r Variables,
    pub paths: &'r mut Paths,
    pub unit: UnitId,
}

/// Aliases of aliases are followed this far.
const MAX_ALIASES: usize = 8;

impl Resolver<'_, '_> {
    /// The place that an expression means.
    pub(crate) fn path(&mut self, file: usize, node: NodeId) -> Option<PathId> {
        self.resolve(file, node, MAX_ALIASES)
    }

    fn resolve(&mut self, index: usize, node: NodeId, aliases: usize) -> Option<PathId> {
        let file = &self.package.files[index];
        let world = self.package.world;
        match file.tree.expression(node) {
            Expression::Parenthesized { inner } => self.resolve(index, inner, aliases),
            Expression::Star { operand }
            | Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } => self.resolve(index, operand, aliases),
            Expression::Identifier => {
                let object = file.facts.object_of(node)?;
                if !world.object(object).is_variable() || file.tree.symbol(node).is_blank() {
                    return None;
                }
                if aliases > 0
                    && let Some(path) = self.alias(object, aliases - 1)
                {
                    return Some(path);
                }
                Some(self.paths.variable(object))
            }
            Expression::Selector { operand, name } => {
                match file.facts.selections.get(&node) {
                    Some(selection) if selection.kind == SelectionKind::FieldValue => {
                        let base = self.resolve(index, operand, aliases)?;
                        let path = self.fields(base, selection.receiver, &selection.index)?;
                        Some(path)
                    }
                    Some(_) => None,
                    None => {
                        let object = file.facts.object_of(name);
                        if let Some(object) = object {
                            // A variable of another package.
                            return world
                                .object(object)
                                .is_variable()
                                .then(|| self.paths.variable(object));
                        }
                        let base = self.resolve(index, operand, aliases)?;
                        let name = file.tree.symbol(name);
                        self.paths.extend(base, Element::Name(name), &[])
                    }
                }
            }
            Expression::Index {
                operand, indices, ..
            } => {
                let &[position] = indices else {
                    return None;
                };
                let known = file.facts.get(operand)?;
                if known.mode == Mode::TypeExpression {
                    return None;
                }
                let base = self.resolve(index, operand, aliases)?;
                let mut mentions = Vec::new();
                for below in file.tree.preorder(position) {
                    match file.tree.kind(below) {
                        NodeKind::Ident => {
                            if let Some(object) = file.facts.object_of(below)
                                && world.object(object).is_variable()
                                && !world.object(object).is_field()
                            {
                                mentions.push(object);
                            }
                        }
                        NodeKind::FuncLit => return None,
                        _ => {}
                    }
                }
                let text = text_of(file, position);
                self.paths.extend(base, Element::Index(text), &mentions)
            }
            Expression::Call {
                function,
                arguments,
                ..
            } if arguments.len() <= 1 => {
                if callee(world, file, function) == Callee::Conversion {
                    return self.resolve(index, *arguments.first()?, aliases);
                }
                if file
                    .tree
                    .preorder(node)
                    .any(|below| file.tree.kind(below) == NodeKind::FuncLit)
                {
                    return None;
                }
                let mut mentions = Vec::new();
                for below in file.tree.preorder(node) {
                    if let Some(object) = file.facts.object_of(below)
                        && world.object(object).is_variable()
                    {
                        mentions.push(object);
                    }
                }
                let path = AccessPath {
                    root: Root::Call(self.unit, text_of(file, node)),
                    elements: &[],
                };
                Some(self.paths.intern(path, &mentions))
            }
            _ => None,
        }
    }

    /// The fields that `index` leads through from a value of type `from`.
    pub(crate) fn fields(&mut self, base: PathId, from: TypeId, index: &[u32]) -> Option<PathId> {
        let world = self.package.world;
        let mut path = base;
        let mut current = from;
        for &position in index {
            let (behind, _) = world.deref(current);
            let Type::Struct(structure) = world.get(world.underlying(behind)) else {
                return None;
            };
            let field = *structure.fields.get(position as usize)?;
            path = self
                .paths
                .extend(path, Element::Field(origin(world, field)), &[])?;
            current = world.object_type(field);
        }
        Some(path)
    }

    /// The path that a local variable stands for.
    fn alias(&mut self, object: ObjectId, aliases: usize) -> Option<PathId> {
        let world = self.package.world;
        if world.object(object).kind != ObjectKind::Variable(VariableKind::Local) {
            return None;
        }
        let (file, value) = self.variables.single(object)?;
        let object_type = world.object_type(object);
        let refers = matches!(
            world.underlying(object_type).kind(),
            TypeKind::Pointer | TypeKind::Interface | TypeKind::Map
        ) || !object_type.is_known();
        if !refers {
            return None;
        }
        let tree = self.package.files[file].tree;
        let mut inner = value;
        while let Expression::Parenthesized { inner: below } = tree.expression(inner) {
            inner = below;
        }
        if matches!(
            tree.kind(inner),
            NodeKind::CallExpr | NodeKind::CompositeLit | NodeKind::TypeAssertExpr
        ) {
            return None;
        }
        let path = self.resolve(file, value, aliases)?;
        // A map that is taken out of its field, `m := s.m; s.m = nil`, belongs to this function.
        if world.underlying(object_type).kind() == TypeKind::Map
            && let Some(field) = self.paths.last_field(path)
            && self
                .variables
                .sets_field(field, file, tree.span(value).start)
        {
            return None;
        }
        // Only while nothing on the way can have changed.
        let stable = self
            .paths
            .mentions(path)
            .iter()
            .all(|&mentioned| self.variables.is_constant(mentioned));
        (stable && matches!(self.paths.get(path).root, Root::Variable(_))).then_some(path)
    }
}

/// The source text of a node, on one line.
pub(crate) fn text_of(file: &TypedFile<'_>, node: NodeId) -> Symbol {
    let text = String::from_utf8_lossy(&file.source[file.tree.span(node).range()]);
    Symbol::intern(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether the declaration of `object` lies in `span` of file `file` of the package.
pub(crate) fn declared_in(
    package: &TypedPackage<'_>,
    object: ObjectId,
    file: usize,
    span: Span,
) -> bool {
    let object = package.world.object(object);
    object.package == Some(package.package)
        && object.file as usize == file
        && span.contains(object.offset)
}

/// Whether a declaration is one of package variables.
pub(crate) fn is_package_variable(world: &World, object: ObjectId) -> bool {
    world.object(object).kind == ObjectKind::Variable(VariableKind::Package)
}
