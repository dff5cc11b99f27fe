//! From steps to events.

mod calls;
mod conditions;
mod imported;
mod mutexes;
mod signals;

use goward_syntax::{
    AssignOperator, Expression, NodeId, NodeKind, Specification, Statement, UnaryOperator,
};
use goward_types::{
    ObjectId, ObjectKind, TypeId, TypeKind, TypedFile, TypedPackage, VariableKind, World,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{Callee, callee, unparenthesized};
use crate::event::{
    Access, AccessKind, ChannelOperation, Event, EventKind, NewValue, Spawn, UnitEvents,
};
use crate::graph::{EdgeKind, Step};
use crate::path::{PathId, Paths, Resolver, Variables};
use crate::unit::{Unit, UnitId, Units};
use crate::written_guards::written_guards;

pub(crate) use calls::is_handler;

/// The events of all units of a package.
#[derive(Debug, Default)]
pub struct Lowered {
    pub units: Vec<UnitEvents>,
    pub paths: Paths,
    pub variables: Variables,
    pub spawns: Vec<Spawn>,
    /// What functions of other packages do with maps in goroutines that a `go` statement starts with them.
    pub imported_starts: Vec<ImportedStart>,
    /// Variables that are set by a function literal around which they are declared.
    pub assigned_elsewhere: FxHashSet<ObjectId>,
    /// Units that may be run in ways that no event shows.
    pub escaping: FxHashSet<UnitId>,
    /// Parameters that are called in a goroutine that their function starts.
    pub asynchronous: FxHashSet<ObjectId>,
    /// Fields whose comment names the mutex that guards them.
    pub written_guards: FxHashMap<ObjectId, ObjectId>,
}

/// A use of a map by a function of another package that runs in a goroutine: `go store.Put(m, k)`.
#[derive(Copy, Clone, Debug)]
pub struct ImportedStart {
    pub unit: UnitId,
    /// The `go` statement, and the call in it.
    pub statement: NodeId,
    pub call: NodeId,
    /// The map, in terms of the function with the statement.
    pub path: PathId,
    pub kind: AccessKind,
}

/// Turns the steps of all units into events.
pub(crate) fn lower(package: &TypedPackage<'_>, units: &Units) -> Lowered {
    let mut lowered = Lowered {
        variables: Variables::new(package),
        written_guards: written_guards(package),
        asynchronous: calls::asynchronous_parameters(package, units),
        ..Lowered::default()
    };
    let mut consumed = FxHashSet::default();
    for (id, unit) in units.iter() {
        let mut lowering = Lowering {
            package,
            units,
            unit,
            id,
            file: &package.files[unit.file],
            lowered: &mut lowered,
            consumed: &mut consumed,
            events: Vec::new(),
        };
        let events = lowering.unit();
        lowered.units.push(events);
    }
    escaping(package, units, &consumed, &mut lowered);
    for spawn in &mut lowered.spawns {
        spawn.channels = channels(package, units, spawn);
        if !spawn.channels.is_empty() {
            spawn.ends = signals::ends(package, units, &lowered.variables, spawn);
            spawn.passes_on = signals::passes_on(package, units, spawn);
        }
    }
    lowered
}

/// The channels that a goroutine mentions where it starts and in the body of its function.
fn channels(package: &TypedPackage<'_>, units: &Units, spawn: &Spawn) -> Vec<ObjectId> {
    let target = units.get(spawn.target);
    let places = [
        (units.get(spawn.unit).file, spawn.node),
        (target.file, target.body),
    ];
    let world = package.world;
    let mut channels: Vec<ObjectId> = Vec::new();
    for (file, root) in places {
        let file = &package.files[file];
        for node in file.tree.preorder(root) {
            if file.tree.kind(node) != NodeKind::Ident {
                continue;
            }
            let Some(object) = file.facts.object_of(node) else {
                continue;
            };
            let object = crate::calls::origin(world, object);
            let known = world.object(object);
            if known.is_variable()
                && world.underlying(world.object_type(object)).kind() == TypeKind::Channel
                && !channels.contains(&object)
            {
                channels.push(object);
            }
        }
    }
    channels
}

/// Function values that are used in any way but those that events show.
fn escaping(
    package: &TypedPackage<'_>,
    units: &Units,
    consumed: &FxHashSet<(usize, NodeId)>,
    lowered: &mut Lowered,
) {
    let mut consumed_of = vec![Vec::new(); package.files.len()];
    // The nodes become marks below, so that their order does not show.
    consumed
        .iter()
        .for_each(|&(file, node)| consumed_of[file].push(node));
    for (index, file) in package.files.iter().enumerate() {
        let tree = file.tree;
        // By node: the operand of a call, or a use that events show.
        let mut shown = vec![false; tree.node_count()];
        for node in &consumed_of[index] {
            shown[node.index()] = true;
        }
        for &declaration in tree.declarations() {
            for node in tree.preorder(declaration) {
                let kind = tree.kind(node);
                match kind {
                    NodeKind::CallExpr => {
                        if let Expression::Call { function, .. } = tree.expression(node) {
                            shown[unparenthesized(file, function).index()] = true;
                        }
                    }
                    // The name alone is no use of the function.
                    NodeKind::SelectorExpr if shown[node.index()] => {
                        if let Expression::Selector { name, .. } = tree.expression(node) {
                            shown[name.index()] = true;
                        }
                    }
                    _ => {}
                }
                if shown[node.index()] {
                    continue;
                }
                let target = match kind {
                    NodeKind::FuncLit => match units.of_literal(index, node) {
                        // Bound to a variable: the variable tells.
                        Some(_) if lowered.variables.is_single_value(index, node) => None,
                        unit => unit,
                    },
                    NodeKind::Ident => match file.facts.identifier(node) {
                        Some(goward_types::IdentifierFact::Use(object)) => {
                            let object = crate::calls::origin(package.world, object);
                            units.of_object(object).or_else(|| {
                                let (file, value) = lowered.variables.single(object)?;
                                units.of_literal(file, value)
                            })
                        }
                        _ => None,
                    },
                    _ => None,
                };
                lowered.escaping.extend(target);
            }
        }
    }
}

struct Lowering<'l, 'a> {
    package: &'l TypedPackage<'a>,
    units: &'l Units,
    unit: &'l Unit,
    id: UnitId,
    file: &'l TypedFile<'a>,
    lowered: &'l mut Lowered,
    consumed: &'l mut FxHashSet<(usize, NodeId)>,
    events: Vec<Event>,
}

impl<'a> Lowering<'_, 'a> {
    fn world(&self) -> &'a World {
        self.package.world
    }

    fn path(&mut self, node: NodeId) -> Option<PathId> {
        let mut resolver = Resolver {
            package: self.package,
            variables: &self.lowered.variables,
            paths: &mut self.lowered.paths,
            unit: self.id,
        };
        resolver.path(self.unit.file, node)
    }

    fn emit(&mut self, node: NodeId, kind: EventKind) {
        self.events.push(Event { node, kind });
    }

    fn unit(&mut self) -> UnitEvents {
        let mut result = UnitEvents::default();
        let graph = &self.unit.graph;
        let mut events = Vec::new();
        for block in graph.blocks() {
            for (index, &step) in block.steps.iter().enumerate() {
                self.step(step);
                events.extend(self.events.drain(..).map(|event| (index as u32, event)));
            }
            result.add_block(events.drain(..));
            for edge in block.successors {
                if let EdgeKind::True(node) = edge.kind {
                    self.condition(node, &mut result);
                }
            }
        }
        result.shrink();
        result
    }

    fn is_map(&self, id: TypeId) -> bool {
        id.is_known() && self.world().underlying(id).kind() == TypeKind::Map
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Expression(node) => self.expression(node),
            Step::Statement(node) => self.statement(node),
            Step::RunDeferred(node) => {
                if let Statement::Defer { call } = self.file.tree.statement(node) {
                    self.call(unparenthesized(self.file, call), None);
                }
            }
            Step::RangeNext(node) => {
                if let Statement::Range { operand, .. } = self.file.tree.statement(node) {
                    let ranged = self.file.facts.type_of(operand);
                    if self.is_map(ranged)
                        && let Some(path) = self.path(operand)
                    {
                        self.access_of(operand, path, AccessKind::Iterate, operand);
                    } else if ranged.is_known()
                        && self.world().underlying(ranged).kind() == TypeKind::Channel
                    {
                        self.channel(operand, operand, ChannelOperation::Receive, true);
                    }
                }
            }
            Step::RangeAssign(node) => {
                if let Statement::Range { key, value, .. } = self.file.tree.statement(node) {
                    for place in [key, value].into_iter().flatten() {
                        self.set(place, None, node);
                    }
                }
            }
            Step::Communicate(node) => {
                if let Statement::Send { channel, .. } = self.file.tree.statement(node)
                    && self.file.tree.kind(node) == NodeKind::SendStmt
                {
                    self.channel(channel, node, ChannelOperation::Send, false);
                }
                let received = match self.file.tree.statement(node) {
                    Statement::Expression { expression } => Some(expression),
                    Statement::Assign { right, .. } => right.first().copied(),
                    _ => None,
                };
                if let Some(received) = received
                    && let Expression::Unary {
                        operator: UnaryOperator::Receive,
                        operand,
                    } = self
                        .file
                        .tree
                        .expression(unparenthesized(self.file, received))
                    && let Some(channel) = self.path(operand)
                {
                    self.channel(operand, received, ChannelOperation::Receive, false);
                    if !self.is_clock(operand) {
                        self.emit(received, EventKind::Received { channel });
                    }
                }
                if let Statement::Assign { left, .. } = self.file.tree.statement(node) {
                    for &place in left {
                        self.set(place, None, node);
                    }
                }
            }
            Step::Return(node) => {
                if let Statement::Return { results } = self.file.tree.statement(node)
                    && results.len() == self.unit.results.len()
                {
                    for (position, &value) in results.iter().enumerate() {
                        if let Some(object) = self.unit.results[position] {
                            let path = self.lowered.paths.variable(object);
                            if self.path(value) != Some(path) {
                                let value = self.new_value(value);
                                self.emit(node, EventKind::Set { path, value });
                            }
                        }
                    }
                }
            }
            Step::Register(_) | Step::Branch(_) => {}
        }
    }

    /// `channel` is used at `node`.
    fn channel(&mut self, channel: NodeId, node: NodeId, operation: ChannelOperation, alone: bool) {
        if let Some(channel) = self.path(channel) {
            let kind = EventKind::Channel {
                channel,
                operation,
                alone,
            };
            self.emit(node, kind);
        }
    }

    fn access(&mut self, path: PathId, kind: AccessKind, node: NodeId) {
        self.access_as(path, kind, node, false);
    }

    /// The same of a map that `operand` means, perhaps through a local variable.
    fn access_of(&mut self, operand: NodeId, path: PathId, kind: AccessKind, node: NodeId) {
        let operand = unparenthesized(self.file, operand);
        let alias = self.file.tree.kind(operand) == NodeKind::Ident
            && self.lowered.paths.root(path) != self.file.facts.object_of(operand);
        self.access_as(path, kind, node, alias);
    }

    fn access_as(&mut self, path: PathId, kind: AccessKind, node: NodeId, alias: bool) {
        let access = Access {
            path,
            kind,
            alias,
            node,
        };
        self.emit(node, EventKind::Access(access));
    }

    /// A field is used whose comment names its mutex.
    fn touch(&mut self, place: NodeId) {
        let place = unparenthesized(self.file, place);
        if self.lowered.written_guards.is_empty() {
            return;
        }
        let field = self
            .file
            .facts
            .selections
            .get(&place)
            .map(|selection| crate::calls::origin(self.package.world, selection.object));
        if field.is_some_and(|field| self.lowered.written_guards.contains_key(&field))
            && let Some(path) = self.path(place)
        {
            self.emit(place, EventKind::Touch { path });
        }
    }

    fn new_value(&mut self, value: NodeId) -> NewValue {
        let value = unparenthesized(self.file, value);
        let tree = self.file.tree;
        if self.file.facts.type_of(value) == TypeId::UNTYPED_NIL
            || tree.kind(value) == NodeKind::Ident
                && self
                    .file
                    .facts
                    .object_of(value)
                    .is_some_and(|object| self.world().object(object).kind == ObjectKind::Nil)
        {
            return NewValue::Nil;
        }
        match tree.expression(value) {
            Expression::CompositeLiteral { .. }
            | Expression::FunctionLiteral { .. }
            | Expression::Unary {
                operator: UnaryOperator::Address,
                ..
            } => NewValue::NotNil,
            Expression::Call { function, .. } => {
                match callee(self.package.world, self.file, function) {
                    Callee::Builtin("make" | "new") => NewValue::NotNil,
                    _ => NewValue::Unknown,
                }
            }
            _ => NewValue::Unknown,
        }
    }

    /// `place` is set, to `value` if that is one expression.
    fn set(&mut self, place: NodeId, value: Option<NodeId>, node: NodeId) {
        let place = unparenthesized(self.file, place);
        let tree = self.file.tree;
        let updates = value.is_some_and(|value| self.is_update(place, value));
        let value = value.map_or(NewValue::Unknown, |value| self.new_value(value));
        if let Expression::Index { operand, .. } = tree.expression(place) {
            let operand_type = self.file.facts.type_of(operand);
            if self.is_map(operand_type) {
                if let Some(path) = self.path(operand) {
                    self.access_of(operand, path, AccessKind::Write, place);
                }
                return;
            }
        }
        self.touch(place);
        // An alias is the place that it stands for, but setting it does not change that place.
        let path = match tree.kind(place) {
            NodeKind::Ident => {
                let Some(object) = self.file.facts.object_of(place) else {
                    return;
                };
                if tree.symbol(place).is_blank() || !self.world().object(object).is_variable() {
                    return;
                }
                Some(self.lowered.paths.variable(object))
            }
            _ => self.path(place),
        };
        let Some(path) = path else { return };
        let defined = matches!(
            self.file.facts.identifier(place),
            Some(goward_types::IdentifierFact::Definition(_))
        );
        let place_type = match self.file.facts.get(place) {
            Some(known) => known.expression_type,
            None => self
                .file
                .facts
                .object_of(place)
                .map_or(TypeId::UNKNOWN, |object| self.world().object_type(object)),
        };
        if self.is_map(place_type) && !defined {
            self.access(path, AccessKind::Replace, node);
        } else if updates {
            self.access(path, AccessKind::Count, node);
        }
        self.note_assignment(path);
        self.emit(node, EventKind::Set { path, value });
    }

    /// Remembers variables that a function sets which did not declare them.
    fn note_assignment(&mut self, path: PathId) {
        let span = self.file.tree.span(self.unit.node);
        if self.lowered.paths.get(path).elements.is_empty()
            && let Some(object) = self.lowered.paths.root(path)
            && !crate::path::declared_in(self.package, object, self.unit.file, span)
        {
            self.lowered.assigned_elsewhere.insert(object);
        }
    }

    fn statement(&mut self, node: NodeId) {
        let tree = self.file.tree;
        if tree.kind(node) == NodeKind::ValueSpec {
            if let Specification::Value { names, values, .. } = tree.specification(node) {
                for (position, &name) in names.iter().enumerate() {
                    if values.is_empty() {
                        if let Some(object) = self.file.facts.object_of(name) {
                            let path = self.lowered.paths.variable(object);
                            let value = NewValue::Nil;
                            self.emit(node, EventKind::Set { path, value });
                        }
                    } else {
                        let value = (values.len() == names.len()).then(|| values[position]);
                        self.set(name, value, node);
                    }
                }
            }
            return;
        }
        match tree.statement(node) {
            Statement::Assign {
                operator,
                left,
                right,
                ..
            } => {
                for (position, &place) in left.iter().enumerate() {
                    if let AssignOperator::Update(_) = operator {
                        self.count(place, node);
                        continue;
                    }
                    let value = (left.len() == right.len()).then(|| right[position]);
                    self.set(place, value, node);
                }
            }
            Statement::IncrementDecrement { operand, .. } => self.count(operand, node),
            Statement::Send { channel, .. } => {
                self.channel(channel, node, ChannelOperation::Send, true);
            }
            Statement::Go { call } => {
                let spawn = Some(node);
                self.call(unparenthesized(self.file, call), spawn);
            }
            _ => {}
        }
    }

    /// Whether a field gets a value that is made of its old one: `x.s = append(x.s, v)`, `x.s = x.s[1:]`.
    fn is_update(&self, place: NodeId, value: NodeId) -> bool {
        let tree = self.file.tree;
        let is_field = |node: NodeId| tree.kind(node) == NodeKind::SelectorExpr;
        let text = |node: NodeId| &self.file.source[tree.span(node).range()];
        is_field(place)
            && !is_field(unparenthesized(self.file, value))
            && tree
                .preorder(value)
                .any(|node| is_field(node) && text(node) == text(place))
    }

    /// `place++` or `place op= …`.
    fn count(&mut self, place: NodeId, node: NodeId) {
        let inner = unparenthesized(self.file, place);
        if let Expression::Index { operand, .. } = self.file.tree.expression(inner)
            && self.is_map(self.file.facts.type_of(operand))
        {
            if let Some(path) = self.path(operand) {
                self.access_of(operand, path, AccessKind::Write, inner);
            }
            return;
        }
        self.touch(inner);
        let Some(path) = self.path(inner) else { return };
        let numeric = self.file.facts.type_of(inner);
        if numeric.is_known() && self.world().is_numeric(numeric) {
            self.access(path, AccessKind::Count, node);
        }
        self.emit(
            node,
            EventKind::Set {
                path,
                value: NewValue::Unknown,
            },
        );
    }

    /// Whether a channel of a `select` tells the time, or that the context is over which a caller has
    /// given: whoever receives from it has met nobody.
    fn is_clock(&self, channel: NodeId) -> bool {
        let text = crate::path::text_of(self.file, channel);
        let text = text.as_str();
        text.ends_with(".C") || text.contains("time.") || self.is_over_for_callers(channel)
    }

    /// `ctx.Done()` of a parameter: no goroutine that is started here ends that context.
    fn is_over_for_callers(&self, channel: NodeId) -> bool {
        let Expression::Call { function, .. } = self
            .file
            .tree
            .expression(unparenthesized(self.file, channel))
        else {
            return false;
        };
        let Expression::Selector { operand, name } = self.file.tree.expression(function) else {
            return false;
        };
        let of_parameter = self
            .file
            .facts
            .object_of(unparenthesized(self.file, operand))
            .is_some_and(|object| {
                let set = self.lowered.variables.get(object).is_some_and(|known| {
                    !known.values.is_empty() || known.other || known.address_taken
                });
                self.world().object(object).kind == ObjectKind::Variable(VariableKind::Parameter)
                    && !set
            });
        self.file.tree.symbol(name).as_str() == "Done" && of_parameter
    }

    /// Whether one of the arguments is a context that a function literal here can end: a function that
    /// waits for it waits for the goroutine.
    fn gives_own_context(&self, arguments: &[NodeId]) -> bool {
        let world = self.world();
        let tree = self.file.tree;
        arguments.iter().any(|&argument| {
            let is_context = world
                .as_named(world.unalias(self.file.facts.type_of(argument)))
                .is_some_and(|named| world.object(named.object).name.as_str() == "Context");
            let Some(context) = self
                .file
                .facts
                .object_of(unparenthesized(self.file, argument))
                .filter(|_| is_context)
            else {
                return false;
            };
            let is_context = |&place: &NodeId| self.file.facts.object_of(place) == Some(context);
            let ends = |node: NodeId| match tree.statement(node) {
                Statement::Assign {
                    left: [made, end], ..
                } if is_context(made) => self.file.facts.object_of(*end),
                _ => None,
            };
            let nodes = || self.unit.nodes.iter().map(|entry| entry.0);
            let cancel = nodes()
                .filter(|&node| tree.kind(node) == NodeKind::AssignStmt)
                .find_map(ends)
                .filter(|&cancel| {
                    let kind = world.underlying(world.object_type(cancel)).kind();
                    kind == TypeKind::Signature
                });
            let parent = |node: NodeId| {
                let entry = self.unit.nodes.iter().find(|entry| entry.0 == node);
                entry.map(|entry| entry.1)
            };
            // A deferred literal runs when the function is over.
            let is_deferred = |literal: NodeId| {
                parent(literal)
                    .and_then(parent)
                    .is_some_and(|around| tree.kind(around) == NodeKind::DeferStmt)
            };
            cancel.is_some_and(|cancel| {
                nodes()
                    .filter(|&node| tree.kind(node) == NodeKind::FuncLit && !is_deferred(node))
                    .flat_map(|literal| tree.preorder(literal))
                    .any(|node| {
                        tree.kind(node) == NodeKind::Ident
                            && self.file.facts.object_of(node) == Some(cancel)
                    })
            })
        })
    }

    /// A receive that stands as a statement or as the value of an assignment waits for somebody.
    fn receive(&mut self, value: NodeId) {
        if let Expression::Unary {
            operator: UnaryOperator::Receive,
            operand,
        } = self.file.tree.expression(unparenthesized(self.file, value))
        {
            let called = crate::path::text_of(self.file, operand)
                .as_str()
                .ends_with(')');
            if !called && !self.is_clock(operand) {
                self.channel(operand, value, ChannelOperation::Receive, true);
                self.emit(value, EventKind::Join);
            }
        }
    }

    fn expression(&mut self, node: NodeId) {
        let tree = self.file.tree;
        match tree.expression(node) {
            Expression::Index { operand, .. } => {
                if self.is_map(self.file.facts.type_of(operand))
                    && let Some(path) = self.path(operand)
                {
                    self.access_of(operand, path, AccessKind::Read, node);
                }
            }
            Expression::Call { .. } => self.call(node, None),
            Expression::Selector { .. } => self.touch(node),
            Expression::Unary {
                operator: UnaryOperator::Receive,
                ..
            } => {
                // In a `select` this step does not occur: there the wait may end in another way.
                self.receive(node);
            }
            Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } => {
                if let Some(path) = self.path(operand) {
                    self.emit(node, EventKind::Forget { path });
                }
            }
            _ => {}
        }
    }
}
