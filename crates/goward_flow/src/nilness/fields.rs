//! Maps that other functions of the package leave nil where this one writes them: package variables
//! and fields that nothing makes, fields that a sibling function makes when they are missing, that a
//! constructor makes on some paths only, or that a closing function gives up.

use goward_diagnostics::Span;
use goward_syntax::{
    BinaryOperator, Declaration, Expression, NodeId, NodeKind, Specification, Statement, Symbol,
    UnaryOperator,
};
use goward_types::{
    IdentifierFact, ObjectId, ObjectKind, SelectionKind, Type, TypeKind, TypedFile, TypedPackage,
    VariableKind, World,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{Callee, callee, origin, unparenthesized};
use crate::nilness::Found;
use crate::nilness::shape::is_text;
use crate::path::text_of;
use crate::unit::{UnitId, Units, named_behind};

/// What shows that a map may be nil where it is written.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nothing in the package makes it, and nobody else can.
    Never,
    /// Nothing in the package makes it, but others could.
    NeverHere,
    /// This function makes it when it is nil.
    Sibling(UnitId),
    /// This function gives the object back without it on some paths; the literal that leaves it out.
    Constructor(UnitId, NodeId),
    /// This function sets it to nil there.
    Closed(UnitId, NodeId),
    /// It belongs to a parameter, whose type is one of another package.
    Parameter,
}

/// A write to a map that is left nil elsewhere.
#[derive(Clone, Debug)]
pub struct NeverMade {
    pub unit: UnitId,
    /// The map that is written.
    pub map: NodeId,
    /// The index expression.
    pub node: NodeId,
    /// The field or package variable, if it is known.
    pub object: Option<ObjectId>,
    pub origin: Origin,
}

/// What evidence is collected of.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
enum Slot {
    /// A declared field or package variable.
    Object(ObjectId),
    /// A field of this name of a declared field whose type is unknown.
    Below(ObjectId, Symbol),
}

/// A write: the function, the map, the index expression, the variable at the root.
#[derive(Copy, Clone, Debug)]
struct Write {
    unit: UnitId,
    map: NodeId,
    node: NodeId,
    root: Option<ObjectId>,
}

/// What the package does with one field or variable. Functions are the outermost ones.
#[derive(Default)]
struct Evidence {
    /// It is given a map, or its address is taken, or it is set in a way that is not understood.
    made: bool,
    /// A struct literal sets it, so that its constructor may keep it made.
    literal: bool,
    /// Functions that compare it with nil, and functions that assign it.
    compared: FxHashSet<UnitId>,
    /// The functions and literals that compare it themselves.
    compared_in: FxHashSet<UnitId>,
    assigned: FxHashSet<UnitId>,
    /// Where it is set to nil.
    emptied: Vec<(UnitId, NodeId)>,
    /// Loops over it, and from where on an element has been read as if it were there.
    ranged: Vec<(UnitId, Span)>,
    read: Vec<(UnitId, u32)>,
    writes: Vec<Write>,
}

impl Evidence {
    /// The functions that test the map and make it.
    fn makers(&self) -> impl Iterator<Item = UnitId> {
        self.compared.intersection(&self.assigned).copied()
    }
}

/// Finds writes to maps that are nil by what other functions do.
pub(crate) fn never_made(
    package: &TypedPackage<'_>,
    units: &Units,
    found: &Found,
) -> Vec<NeverMade> {
    let mut collector = Collector {
        package,
        units,
        evidence: FxHashMap::default(),
        lazy: FxHashSet::default(),
        unmade: FxHashSet::default(),
        anonymous: FxHashSet::default(),
    };
    collector.find_unmade();
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
    let unguarded: FxHashSet<(UnitId, NodeId)> = found
        .unguarded
        .iter()
        .map(|write| (write.unit, write.node))
        .collect();
    let mut writes = Vec::new();
    // The findings are sorted below, so that the order of the table does not show.
    collector.evidence.iter().for_each(|(&slot, evidence)| {
        collector.judge(slot, evidence, &unguarded, found, &mut writes)
    });
    collector.parameters(found, &mut writes);
    writes.sort_by_key(|write| (write.unit, write.node, write.origin));
    writes
}

struct Collector<'a> {
    package: &'a TypedPackage<'a>,
    units: &'a Units,
    evidence: FxHashMap<Slot, Evidence>,
    /// Struct literals that fill what was nil: `if x.s == nil { x.s = &T{m: …} }`.
    lazy: FxHashSet<(usize, NodeId)>,
    /// Maps that literals of structures without a name set. The type may be written out again where it
    /// is declared, and its fields are others there.
    anonymous: FxHashSet<Symbol>,
    /// Fields of types that only this package could make values of, and does not.
    unmade: FxHashSet<ObjectId>,
}

impl<'a> Collector<'a> {
    fn world(&self) -> &'a World {
        self.package.world
    }

    /// Finds the types of the package of which it makes no value: those are named as receivers and behind
    /// pointers only. What their methods would do to a map that nobody makes does not happen.
    fn find_unmade(&mut self) {
        let world = self.world();
        let main = world.package(self.package.package).name().as_str() == "main";
        let mut structures: FxHashMap<ObjectId, Vec<ObjectId>> = FxHashMap::default();
        let mut named: FxHashSet<ObjectId> = FxHashSet::default();
        for file in &self.package.files {
            let tree = file.tree;
            for &declaration in tree.declarations() {
                let receiver = match tree.declaration(declaration) {
                    Declaration::Function(function) => function.receiver,
                    _ => &[],
                };
                let mut pending = vec![(declaration, declaration)];
                while let Some((node, parent)) = pending.pop() {
                    if receiver.contains(&node) {
                        continue;
                    }
                    if tree.kind(node) == NodeKind::TypeSpec
                        && let Specification::Type { name, .. } = tree.specification(node)
                        && let Some(object) = file.facts.object_of(name)
                        && (main || !world.object(object).is_exported())
                        && let Type::Struct(structure) =
                            world.get(world.underlying(world.object_type(object)))
                    {
                        let fields = structure.fields.iter();
                        let fields = fields.map(|&field| origin(world, field)).collect();
                        structures.insert(object, fields);
                    }
                    if tree.kind(node) == NodeKind::Ident
                        && tree.kind(parent) != NodeKind::StarExpr
                        && let Some(IdentifierFact::Use(object)) = file.facts.identifier(node)
                    {
                        named.insert(origin(world, object));
                    }
                    // Also `{…}` within a literal of pointers.
                    if tree.kind(node) == NodeKind::CompositeLit {
                        named.extend(named_behind(world, file.facts.type_of(node)));
                    }
                    // Of a generic type behind a pointer, `*T[K]`.
                    let around = match tree.kind(node) {
                        NodeKind::IndexExpr if tree.kind(parent) == NodeKind::StarExpr => parent,
                        _ => node,
                    };
                    tree.for_each_child(node, |child| pending.push((child, around)));
                }
            }
        }
        structures.retain(|object, _| !named.contains(object));
        self.unmade = structures.into_values().flatten().collect();
    }

    /// The field or package variable of map type that an expression stands for.
    fn slot(&self, file: &TypedFile<'_>, node: NodeId) -> Option<Slot> {
        let world = self.world();
        let node = unparenthesized(file, node);
        let object = match file.tree.expression(node) {
            Expression::Identifier => file.facts.object_of(node)?,
            Expression::Selector { name, operand } => match file.facts.selections.get(&node) {
                Some(selection) if selection.kind == SelectionKind::FieldValue => selection.object,
                Some(_) => return None,
                None => match file.facts.object_of(name) {
                    Some(object) => object,
                    None => {
                        let base = unparenthesized(file, operand);
                        let known = file.facts.selections.get(&base)?;
                        return (known.kind == SelectionKind::FieldValue).then(|| {
                            Slot::Below(origin(world, known.object), file.tree.symbol(name))
                        });
                    }
                },
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
        (kind && map).then_some(Slot::Object(object))
    }

    fn entry(&mut self, slot: Slot) -> &mut Evidence {
        self.evidence.entry(slot).or_default()
    }

    /// A unit, and the top-level function that it is in: a closure's evidence counts for it.
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
            NodeKind::AssignStmt => self.assignment(unit, file, node),
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
                    if let Some(slot) = self.slot(file, target) {
                        self.entry(slot).made = true;
                    }
                }
                if let (Some(slot), Some((_, outermost))) = (self.slot(file, operand), unit) {
                    let span = tree.span(node);
                    self.entry(slot).ranged.push((outermost, span));
                }
            }
            NodeKind::IfStmt => self.lazy_literals(file_index, node),
            NodeKind::IndexExpr => self.read(unit, file, node),
            NodeKind::UnaryExpr => {
                if let Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } = tree.expression(node)
                    && let Some(slot) = self.slot(file, operand)
                {
                    self.entry(slot).made = true;
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
                        && let (Some(slot), Some((id, outermost))) = (self.slot(file, value), unit)
                    {
                        self.entry(slot).compared.insert(outermost);
                        self.entry(slot).compared_in.insert(id);
                    }
                }
            }
            NodeKind::CompositeLit => self.literal(file_index, node),
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
                        self.entry(Slot::Object(object)).made = true;
                    }
                }
            }
            _ => {}
        }
    }

    fn assignment(&mut self, unit: Option<(UnitId, UnitId)>, file: &TypedFile<'_>, node: NodeId) {
        let Statement::Assign { left, right, .. } = file.tree.statement(node) else {
            return;
        };
        for (position, &target) in left.iter().enumerate() {
            if let Some(slot) = self.slot(file, target) {
                let value = if left.len() == right.len() {
                    right.get(position)
                } else {
                    None
                };
                let nil = value.is_some_and(|&value| is_nil(file, self.world(), value));
                let entry = self.entry(slot);
                match unit {
                    Some((_, outermost)) if nil => entry.emptied.push((outermost, node)),
                    _ if nil => {}
                    _ => {
                        entry.made = true;
                        entry.assigned.extend(unit.map(|unit| unit.1));
                    }
                }
            }
            self.write(unit, file, target);
        }
    }

    /// `if x.s == nil { x.s = &T{m: …} }` fills what is missing, and says nothing of the map of an
    /// `x.s` that is there.
    fn lazy_literals(&mut self, file_index: usize, node: NodeId) {
        let file = &self.package.files[file_index];
        let tree = file.tree;
        let Statement::If {
            condition, then, ..
        } = tree.statement(node)
        else {
            return;
        };
        let Expression::Binary {
            operator: BinaryOperator::Equal,
            left,
            right,
            ..
        } = tree.expression(unparenthesized(file, condition))
        else {
            return;
        };
        let Statement::Block { statements } = tree.statement(then) else {
            return;
        };
        if !is_nil(file, self.world(), right) {
            return;
        }
        for &statement in statements {
            if tree.kind(statement) == NodeKind::AssignStmt
                && let Statement::Assign {
                    left: &[target],
                    right: &[value],
                    ..
                } = tree.statement(statement)
                && text_of(file, target) == text_of(file, left)
            {
                let below = tree.preorder(value);
                let literals = below.filter(|&node| tree.kind(node) == NodeKind::CompositeLit);
                self.lazy
                    .extend(literals.map(|literal| (file_index, literal)));
            }
        }
    }

    fn literal(&mut self, file_index: usize, node: NodeId) {
        let file = &self.package.files[file_index];
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
        let literal_type = world.unalias(file.facts.type_of(node));
        let anonymous = literal_type.kind() == TypeKind::Struct;
        // A test makes its own objects, whatever the package does.
        let constructs = !file.test && !self.lazy.contains(&(file_index, node));
        for (position, &element) in elements.iter().enumerate() {
            let (field, value) = match file.tree.expression(element) {
                Expression::KeyValue { key, value } => (file.facts.object_of(key), value),
                _ => (structure.fields.get(position).copied(), element),
            };
            if let Some(field) = field
                && !is_nil(file, world, value)
            {
                if anonymous && world.underlying(world.object_type(field)).kind() == TypeKind::Map {
                    self.anonymous.insert(world.object(field).name);
                }
                let entry = self.entry(Slot::Object(origin(world, field)));
                entry.made = true;
                entry.literal |= constructs;
            }
        }
    }

    /// An element that is read, but for `v, ok := m[k]`: whoever does so takes the map to be there.
    fn read(&mut self, unit: Option<(UnitId, UnitId)>, file: &TypedFile<'_>, node: NodeId) {
        let Expression::Index { operand, .. } = file.tree.expression(node) else {
            return;
        };
        let (Some(slot), Some((_, outermost))) = (self.slot(file, operand), unit) else {
            return;
        };
        let at = file.tree.span(node).start;
        self.entry(slot).read.push((outermost, at));
    }

    fn write(&mut self, unit: Option<(UnitId, UnitId)>, file: &TypedFile<'_>, target: NodeId) {
        let target = unparenthesized(file, target);
        let Expression::Index {
            operand,
            indices: &[index],
            ..
        } = file.tree.expression(target)
        else {
            return;
        };
        let (Some(slot), Some((unit, _))) = (self.slot(file, operand), unit) else {
            return;
        };
        if matches!(slot, Slot::Below(..)) && !is_text(self.world(), file, index) {
            return;
        }
        let root = root_variable(file, operand);
        self.entry(slot).writes.push(Write {
            unit,
            map: operand,
            node: target,
            root,
        });
    }

    fn judge(
        &self,
        slot: Slot,
        evidence: &Evidence,
        unguarded: &FxHashSet<(UnitId, NodeId)>,
        found: &Found,
        writes: &mut Vec<NeverMade>,
    ) {
        let world = self.world();
        let (object, field, own, exported) = match slot {
            Slot::Object(object) => {
                let entry = world.object(object);
                let own = entry.package == Some(self.package.package);
                let field = entry.kind == ObjectKind::Variable(VariableKind::Field);
                (Some(object), field, own, entry.is_exported())
            }
            Slot::Below(..) => (None, true, false, true),
        };
        let elsewhere = |object| field && self.anonymous.contains(&world.object(object).name);
        if object.is_some_and(elsewhere) {
            return;
        }
        let mut report = |write: &Write, origin: Origin| {
            writes.push(NeverMade {
                unit: write.unit,
                map: write.map,
                node: write.node,
                object,
                origin,
            });
        };
        let candidates = || {
            evidence
                .writes
                .iter()
                .filter(|write| unguarded.contains(&(write.unit, write.node)))
        };
        if !evidence.made && own {
            let main = world.package(self.package.package).name().as_str() == "main";
            let unmade = object.is_some_and(|object| self.unmade.contains(&object));
            let origin = match (!exported || (main && !field)) && !unmade {
                true => Origin::Never,
                false => Origin::NeverHere,
            };
            candidates().for_each(|write| report(write, origin));
            return;
        }
        if !field {
            return;
        }
        if !evidence.literal {
            // What nobody but this package sees is mostly made by somebody who runs before. Only where
            // all who make it do so in order to write it, it is not: anybody may call this one first.
            let first = |write: &&Write| {
                let outermost = self.units.outermost(write.unit);
                let makes_to_write = |&unit: &UnitId| {
                    let mut writes = evidence.writes.iter();
                    evidence.compared.contains(&unit)
                        && writes.any(|other| self.units.outermost(other.unit) == unit)
                };
                exported
                    || self.may_be_called_first(outermost)
                        && !self.leads_to_any(outermost, &evidence.assigned)
                        && evidence.assigned.iter().all(makes_to_write)
            };
            for write in candidates().filter(first) {
                if let Some(sibling) = self.sibling(evidence, write) {
                    report(write, Origin::Sibling(sibling));
                }
            }
        }
        let closed = evidence.emptied.iter().find(|(unit, _)| {
            let name = self.units.get(*unit).name.to_ascii_lowercase();
            let name = name.rsplit('.').next().unwrap_or_default();
            [
                "close", "stop", "shutdown", "abort", "cancel", "kill", "destroy",
            ]
            .iter()
            .any(|word| name.contains(word))
        });
        if let Some(&(closer, node)) = closed {
            let writes = candidates().filter(|write| {
                let outermost = self.units.outermost(write.unit);
                // What another goroutine of the same function has tested may have changed since.
                outermost != closer
                    && !evidence.compared_in.contains(&write.unit)
                    && !evidence.assigned.contains(&outermost)
            });
            writes.for_each(|write| report(write, Origin::Closed(closer, node)));
        }
        let constructor = object.and_then(|object| {
            found.constructed.iter().find(|constructed| {
                origin(world, constructed.field) == object
                    && evidence
                        .assigned
                        .iter()
                        .all(|&unit| unit == self.units.outermost(constructed.unit))
            })
        });
        if let Some(constructor) = constructor {
            let conditions = self.condition_names(constructor.unit);
            let writes = candidates().filter(|write| {
                let outermost = self.units.outermost(write.unit);
                outermost != self.units.outermost(constructor.unit)
                    && !evidence.compared.contains(&outermost)
                    && self.condition_names(outermost).is_disjoint(&conditions)
            });
            let origin = Origin::Constructor(constructor.unit, constructor.made);
            writes.for_each(|write| report(write, origin));
        }
    }

    /// Whether a function is an exported method that no function of the package calls.
    fn may_be_called_first(&self, unit: UnitId) -> bool {
        let outermost = self.units.outermost(unit);
        let only = FxHashSet::from_iter([outermost]);
        let exported = self
            .units
            .get(outermost)
            .object
            .is_some_and(|object| self.world().object(object).is_exported());
        let called = || {
            self.units
                .iter()
                .any(|(caller, unit)| !unit.is_literal() && self.calls_any(caller, &only))
        };
        exported && !called()
    }

    /// The function that makes the map of a parameter or receiver when it is nil, where the one that
    /// writes it does not.
    fn sibling(&self, evidence: &Evidence, write: &Write) -> Option<UnitId> {
        let outermost = self.units.outermost(write.unit);
        let writer = self.units.get(outermost);
        let at = self.package.files[writer.file].tree.span(write.node).start;
        let knows = evidence.compared.contains(&outermost)
            || evidence.assigned.contains(&outermost)
            || evidence
                .ranged
                .iter()
                .any(|(unit, span)| *unit == outermost && span.contains(at))
            || evidence
                .read
                .iter()
                .any(|&(unit, read)| unit == outermost && read < at);
        let from_caller = write.root.is_some_and(|root| {
            writer.receiver == Some(root) || writer.parameters.contains(&Some(root))
        });
        if knows || !from_caller {
            return None;
        }
        let receiver = |unit: UnitId| {
            let name = &self.units.get(unit).name;
            name.split_once('.')
                .map(|(receiver, _)| receiver.to_owned())
        };
        // A function that makes several maps where they are missing sets the object up.
        let makers = evidence.makers().filter(|maker| {
            let made = self.evidence.values();
            made.filter(|other| other.makers().any(|other| other == *maker))
                .count()
                == 1
        });
        // So does one that is called so; and what is also made without a test, is made there first.
        let sets_up = |maker: UnitId| {
            let name = self.units.get(maker).name.to_ascii_lowercase();
            let name = name.rsplit('.').next().unwrap_or_default();
            [
                "init",
                "setup",
                "new",
                "open",
                "start",
                "prepare",
                "configure",
            ]
            .iter()
            .any(|word| name.starts_with(word))
        };
        if !evidence.assigned.is_subset(&evidence.compared) {
            return None;
        }
        let sibling = makers.filter(|&maker| !sets_up(maker)).filter(|&maker| {
            let same_file = self.units.get(maker).file == writer.file;
            same_file || (receiver(maker).is_some() && receiver(maker) == receiver(outermost))
        });
        // A helper whose callers make the map, or that calls a maker itself, is fine.
        sibling.min().filter(|_| {
            !self.calls_any(outermost, &evidence.assigned)
                && !self.called_by_any(outermost, evidence)
        })
    }

    /// Writes to fields of parameters whose types other packages declare.
    fn parameters(&self, found: &Found, writes: &mut Vec<NeverMade>) {
        let world = self.world();
        for write in found.unguarded.iter().filter(|write| write.tracked) {
            let unit = self.units.get(write.unit);
            let file = &self.package.files[unit.file];
            let map = unparenthesized(file, write.map);
            let Expression::Selector { name, .. } = file.tree.expression(map) else {
                continue;
            };
            let outermost = self.units.get(self.units.outermost(write.unit));
            let root = root_variable(file, map);
            let parameter = root.is_some_and(|root| outermost.parameters.contains(&Some(root)));
            let field = match file.facts.selections.get(&map) {
                Some(selection) => Some(origin(world, selection.object)),
                None => file.facts.object_of(name),
            };
            let foreign = field.is_none_or(|field| {
                let field = world.object(field);
                field.is_field() && field.package != Some(self.package.package)
            });
            // Headers come from constructors of the standard library.
            let map_type = world.unalias(file.facts.type_of(map));
            let standard = world.as_named(map_type).is_some_and(|named| {
                let package = world.object(named.object).package;
                package.is_some_and(|package| {
                    matches!(
                        world.package(package).path.as_str(),
                        "net/http" | "net/url" | "net/textproto"
                    )
                })
            });
            if parameter && foreign && !standard && !file.test {
                writes.push(NeverMade {
                    unit: write.unit,
                    map: write.map,
                    node: write.node,
                    object: None,
                    origin: Origin::Parameter,
                });
            }
        }
    }

    /// The names in the conditions of a function.
    fn condition_names(&self, unit: UnitId) -> FxHashSet<Symbol> {
        let unit = self.units.get(unit);
        let tree = self.package.files[unit.file].tree;
        let mut names = FxHashSet::default();
        for node in tree.preorder(unit.body) {
            if tree.kind(node) == NodeKind::IfStmt
                && let Statement::If { condition, .. } = tree.statement(node)
            {
                super::correlation::collect_names(tree, condition, &mut names);
            }
        }
        names
    }

    /// Whether a function calls one of these, directly.
    fn calls_any(&self, caller: UnitId, callees: &FxHashSet<UnitId>) -> bool {
        let unit = self.units.get(caller);
        let file = &self.package.files[unit.file];
        file.tree.preorder(unit.body).any(|node| {
            file.tree.kind(node) == NodeKind::CallExpr
                && matches!(file.tree.expression(node), Expression::Call { function, .. }
                    if matches!(callee(self.world(), file, function), Callee::Function(object)
                        if self.units.of_object(object).is_some_and(|callee| callees.contains(&callee))))
        })
    }

    /// Whether a function calls one of these, itself or through others.
    fn leads_to_any(&self, caller: UnitId, callees: &FxHashSet<UnitId>) -> bool {
        let mut seen = FxHashSet::from_iter([caller]);
        let mut pending = vec![caller];
        while let Some(caller) = pending.pop() {
            let unit = self.units.get(caller);
            let file = &self.package.files[unit.file];
            for node in file.tree.preorder(unit.body) {
                if file.tree.kind(node) == NodeKind::CallExpr
                    && let Expression::Call { function, .. } = file.tree.expression(node)
                    && let Callee::Function(object) = callee(self.world(), file, function)
                    && let Some(target) = self.units.of_object(object)
                {
                    if callees.contains(&target) {
                        return true;
                    }
                    if seen.insert(target) {
                        pending.push(target);
                    }
                }
            }
        }
        false
    }

    /// Whether a function calls this one that tests or makes the map, or calls another one that does.
    fn called_by_any(&self, callee: UnitId, evidence: &Evidence) -> bool {
        let only = FxHashSet::from_iter([callee]);
        let knows = |caller: UnitId| {
            evidence.compared.contains(&caller)
                || evidence.assigned.contains(&caller)
                || self.calls_any(caller, &evidence.assigned)
        };
        self.units.iter().any(|(caller, unit)| {
            caller != callee && !unit.is_literal() && self.calls_any(caller, &only) && knows(caller)
        })
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
