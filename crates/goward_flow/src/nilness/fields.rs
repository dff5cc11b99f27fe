//! Maps that nothing in the package ever makes: package variables and unexported fields, and fields
//! of parameters that a sibling function tests and makes before it writes them.

use goward_syntax::{
    BinaryOperator, Expression, NodeId, NodeKind, Specification, Statement, UnaryOperator,
};
use goward_types::{
    IdentifierFact, ObjectId, ObjectKind, SelectionKind, Type, TypeKind, TypedFile, TypedPackage,
    VariableKind, World,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{origin, unparenthesized};
use crate::unit::{UnitId, Units};

/// A write to a map that nothing makes.
#[derive(Clone, Debug)]
pub struct NeverMade {
    pub unit: UnitId,
    /// The map that is written.
    pub map: NodeId,
    /// The index expression.
    pub node: NodeId,
    /// The field or package variable.
    pub object: ObjectId,
    /// For fields of parameters: the function that makes the map where this one does not.
    pub sibling: Option<UnitId>,
}

/// What the package does with one field or variable.
#[derive(Default)]
struct Evidence {
    /// It is given a map, or its address is taken, or it is set in a way that is not understood.
    made: bool,
    /// A struct literal sets it.
    literal: bool,
    /// Functions that compare it with nil, and functions that assign it.
    compared: FxHashSet<UnitId>,
    assigned: FxHashSet<UnitId>,
    /// Functions that read an element or range over it: they take it to be there.
    ranged: FxHashSet<UnitId>,
    writes: Vec<(UnitId, NodeId, NodeId, Option<ObjectId>)>,
}

/// Finds writes to maps that nothing makes.
pub(crate) fn never_made(package: &TypedPackage<'_>, units: &Units) -> Vec<NeverMade> {
    let mut collector = Collector {
        package,
        units,
        evidence: FxHashMap::default(),
    };
    for (id, unit) in units.iter() {
        collector.unit(id, unit.file, unit.body);
    }
    for (index, file) in package.files.iter().enumerate() {
        for &declaration in file.tree.declarations() {
            if file.tree.kind(declaration) == NodeKind::GenDecl {
                collector.declaration(index, declaration);
            }
        }
    }
    let mut found = Vec::new();
    // The findings are sorted below, so that the order of the table does not show.
    collector
        .evidence
        .iter()
        .for_each(|(object, evidence)| collector.judge(*object, evidence, &mut found));
    found.sort_by_key(|write| (write.unit, write.node));
    found
}

struct Collector<'a> {
    package: &'a TypedPackage<'a>,
    units: &'a Units,
    evidence: FxHashMap<ObjectId, Evidence>,
}

impl<'a> Collector<'a> {
    fn world(&self) -> &'a World {
        self.package.world
    }

    /// The field or package variable of map type that an expression stands for.
    fn object(&self, file: &TypedFile<'_>, node: NodeId) -> Option<ObjectId> {
        let world = self.world();
        let node = unparenthesized(file, node);
        let object = match file.tree.expression(node) {
            Expression::Identifier => file.facts.object_of(node)?,
            Expression::Selector { name, .. } => match file.facts.selections.get(&node) {
                Some(selection) if selection.kind == SelectionKind::FieldValue => selection.object,
                Some(_) => return None,
                None => file.facts.object_of(name)?,
            },
            _ => return None,
        };
        let object = origin(world, object);
        let entry = world.object(object);
        let kind = matches!(
            entry.kind,
            ObjectKind::Variable(VariableKind::Field | VariableKind::Package)
        );
        let map = world.underlying(world.object_type(object)).kind() == TypeKind::Map;
        (kind && map && entry.package == Some(self.package.package)).then_some(object)
    }

    fn entry(&mut self, object: ObjectId) -> &mut Evidence {
        self.evidence.entry(object).or_default()
    }

    /// The top-level function that a unit is in: a closure's evidence counts for it.
    fn unit(&mut self, id: UnitId, file: usize, body: NodeId) {
        let outermost = self.units.outermost(id);
        let mut pending = vec![body];
        while let Some(node) = pending.pop() {
            let tree = self.package.files[file].tree;
            // Literals are units of their own.
            if tree.kind(node) == NodeKind::FuncLit && node != self.units.get(id).node {
                continue;
            }
            self.node(Some((id, outermost)), file, node);
            tree.for_each_child(node, |child| pending.push(child));
        }
    }

    fn declaration(&mut self, file: usize, declaration: NodeId) {
        let mut pending = vec![declaration];
        while let Some(node) = pending.pop() {
            self.node(None, file, node);
            self.package.files[file]
                .tree
                .for_each_child(node, |child| pending.push(child));
        }
    }

    fn node(&mut self, unit: Option<(UnitId, UnitId)>, file_index: usize, node: NodeId) {
        let file = &self.package.files[file_index];
        let tree = file.tree;
        match tree.kind(node) {
            NodeKind::AssignStmt => {
                let Statement::Assign { left, right, .. } = tree.statement(node) else {
                    return;
                };
                for (position, &target) in left.iter().enumerate() {
                    if let Some(object) = self.object(file, target) {
                        let value = if left.len() == right.len() {
                            right.get(position)
                        } else {
                            None
                        };
                        let nil = value.is_some_and(|&value| is_nil(file, self.world(), value));
                        if !nil {
                            self.entry(object).made = true;
                            if let Some((_, outermost)) = unit {
                                self.entry(object).assigned.insert(outermost);
                            }
                        }
                    }
                    self.write(unit, file, target);
                }
            }
            NodeKind::IncDecStmt => {
                if let Statement::IncrementDecrement { operand, .. } = tree.statement(node) {
                    self.write(unit, file, operand);
                }
            }
            NodeKind::RangeStmt => {
                let Statement::Range {
                    key,
                    value,
                    operand,
                    ..
                } = tree.statement(node)
                else {
                    return;
                };
                for target in [key, value].into_iter().flatten() {
                    if let Some(object) = self.object(file, target) {
                        self.entry(object).made = true;
                    }
                }
                if let (Some(object), Some((_, outermost))) = (self.object(file, operand), unit) {
                    self.entry(object).ranged.insert(outermost);
                }
            }
            NodeKind::UnaryExpr => {
                if let Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } = tree.expression(node)
                    && let Some(object) = self.object(file, operand)
                {
                    self.entry(object).made = true;
                }
            }
            NodeKind::BinaryExpr => {
                let Expression::Binary {
                    operator: BinaryOperator::Equal | BinaryOperator::NotEqual,
                    left,
                    right,
                    ..
                } = tree.expression(node)
                else {
                    return;
                };
                for (value, other) in [(left, right), (right, left)] {
                    if is_nil(file, self.world(), other)
                        && let (Some(object), Some((_, outermost))) =
                            (self.object(file, value), unit)
                    {
                        self.entry(object).compared.insert(outermost);
                    }
                }
            }
            NodeKind::CompositeLit => self.literal(file, node),
            NodeKind::ValueSpec => {
                let Specification::Value { names, values, .. } = tree.specification(node) else {
                    return;
                };
                for &name in names {
                    if !values.is_empty()
                        && let Some(IdentifierFact::Definition(Some(object))) =
                            file.facts.identifier(name)
                        && self.world().object(object).is_package_level()
                    {
                        self.entry(object).made = true;
                    }
                }
            }
            _ => {}
        }
    }

    fn literal(&mut self, file: &TypedFile<'_>, node: NodeId) {
        let Expression::CompositeLiteral { elements, .. } = file.tree.expression(node) else {
            return;
        };
        let world = self.world();
        let mut under = world.underlying(file.facts.type_of(node));
        if let Type::Pointer { base } = world.get(under) {
            under = world.underlying(base);
        }
        let Type::Struct(structure) = world.get(under) else {
            return;
        };
        for (position, &element) in elements.iter().enumerate() {
            let (field, value) = match file.tree.expression(element) {
                Expression::KeyValue { key, value } => (file.facts.object_of(key), value),
                _ => (structure.fields.get(position).copied(), element),
            };
            if let Some(field) = field
                && !is_nil(file, world, value)
            {
                let entry = self.entry(origin(world, field));
                entry.made = true;
                entry.literal = true;
            }
        }
    }

    fn write(&mut self, unit: Option<(UnitId, UnitId)>, file: &TypedFile<'_>, target: NodeId) {
        let target = unparenthesized(file, target);
        let Expression::Index { operand, .. } = file.tree.expression(target) else {
            return;
        };
        let (Some(object), Some((unit, _))) = (self.object(file, operand), unit) else {
            return;
        };
        let root = root_variable(file, operand);
        self.entry(object)
            .writes
            .push((unit, operand, target, root));
    }

    fn judge(&self, object: ObjectId, evidence: &Evidence, found: &mut Vec<NeverMade>) {
        let world = self.world();
        let entry = world.object(object);
        let main = world.package(self.package.package).name().as_str() == "main";
        let hidden = !entry.is_exported() || (main && !entry.is_field());
        if !evidence.made && hidden {
            for &(unit, map, node, _) in &evidence.writes {
                found.push(NeverMade {
                    unit,
                    map,
                    node,
                    object,
                    sibling: None,
                });
            }
            return;
        }
        // An exported field that users of the package fill: one function makes the map when it is
        // missing, another one writes it as it is.
        if entry.kind != ObjectKind::Variable(VariableKind::Field)
            || !entry.is_exported()
            || evidence.literal
        {
            return;
        }
        let makers: Vec<UnitId> = evidence
            .compared
            .intersection(&evidence.assigned)
            .copied()
            .collect();
        for &(unit, map, node, root) in &evidence.writes {
            let outermost = self.units.outermost(unit);
            if [&evidence.compared, &evidence.assigned, &evidence.ranged]
                .iter()
                .any(|set| set.contains(&outermost))
            {
                continue;
            }
            let writer = self.units.get(outermost);
            let from_caller = root.is_some_and(|root| {
                writer.receiver == Some(root) || writer.parameters.contains(&Some(root))
            });
            let receiver = |unit: UnitId| {
                let name = &self.units.get(unit).name;
                name.split_once('.')
                    .map(|(receiver, _)| receiver.to_owned())
            };
            let sibling = makers.iter().copied().filter(|&maker| {
                let same_file = self.units.get(maker).file == writer.file;
                same_file || (receiver(maker).is_some() && receiver(maker) == receiver(outermost))
            });
            let Some(sibling) = sibling.min() else {
                continue;
            };
            // A helper whose callers make the map, or that calls a maker itself, is fine.
            if !from_caller
                || self.calls_any(outermost, &evidence.assigned)
                || self.called_by_any(outermost, evidence)
            {
                continue;
            }
            found.push(NeverMade {
                unit,
                map,
                node,
                object,
                sibling: Some(sibling),
            });
        }
    }

    /// Whether a function calls one of these, directly.
    fn calls_any(&self, caller: UnitId, callees: &FxHashSet<UnitId>) -> bool {
        let unit = self.units.get(caller);
        let file = &self.package.files[unit.file];
        let mut pending = vec![unit.body];
        while let Some(node) = pending.pop() {
            if let NodeKind::CallExpr = file.tree.kind(node)
                && let Expression::Call { function, .. } = file.tree.expression(node)
                && let crate::calls::Callee::Function(object) =
                    crate::calls::callee(self.world(), file, function)
                && self
                    .units
                    .of_object(object)
                    .is_some_and(|callee| callees.contains(&callee))
            {
                return true;
            }
            file.tree.for_each_child(node, |child| pending.push(child));
        }
        false
    }

    /// Whether one of the functions that test or make the map calls this one.
    fn called_by_any(&self, callee: UnitId, evidence: &Evidence) -> bool {
        let only = FxHashSet::from_iter([callee]);
        evidence
            .compared
            .union(&evidence.assigned)
            .any(|&caller| caller != callee && self.calls_any(caller, &only))
    }
}

fn is_nil(file: &TypedFile<'_>, world: &World, node: NodeId) -> bool {
    let node = unparenthesized(file, node);
    file.tree.kind(node) == NodeKind::Ident
        && file
            .facts
            .object_of(node)
            .is_some_and(|object| world.object(object).kind == ObjectKind::Nil)
}

/// The variable at the beginning of `a.b.c`.
fn root_variable(file: &TypedFile<'_>, mut node: NodeId) -> Option<ObjectId> {
    loop {
        node = match file.tree.expression(node) {
            Expression::Identifier => return file.facts.object_of(node),
            Expression::Selector { operand, .. } | Expression::Star { operand } => operand,
            Expression::Parenthesized { inner } => inner,
            _ => return None,
        };
    }
}
