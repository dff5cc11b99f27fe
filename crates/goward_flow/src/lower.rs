//! From steps to events.

use goward_syntax::{
    AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Specification, Statement,
    UnaryOperator,
};
use goward_types::{
    Mode, ObjectId, ObjectKind, SelectionKind, TypeId, TypeKind, TypedFile, TypedPackage,
    VariableKind, World,
};
use rustc_hash::FxHashSet;

use crate::calls::{Callee, callee, unparenthesized};
use crate::event::{
    Access, AccessKind, Event, EventKind, How, LockMode, NewValue, Spawn, SpawnId, UnitEvents,
};
use crate::graph::{EdgeKind, Step};
use crate::path::{PathId, Paths, Resolver, Variables};
use crate::unit::{Unit, UnitId, Units};

/// The events of all units of a package.
#[derive(Debug, Default)]
pub struct Lowered {
    pub units: Vec<UnitEvents>,
    pub paths: Paths,
    pub variables: Variables,
    pub spawns: Vec<Spawn>,
    /// Variables that are set by a function literal around which they are declared.
    pub assigned_elsewhere: FxHashSet<ObjectId>,
    /// Units that may be run in ways that no event shows.
    pub escaping: FxHashSet<UnitId>,
}

/// Turns the steps of all units into events.
pub(crate) fn lower(package: &TypedPackage<'_>, units: &Units) -> Lowered {
    let mut lowered = Lowered {
        variables: Variables::new(package),
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
    lowered
}

/// Function values that are used in any way but those that events show.
fn escaping(
    package: &TypedPackage<'_>,
    units: &Units,
    consumed: &FxHashSet<(usize, NodeId)>,
    lowered: &mut Lowered,
) {
    for (index, file) in package.files.iter().enumerate() {
        let tree = file.tree;
        let mut shown: FxHashSet<NodeId> = FxHashSet::default();
        for &declaration in tree.declarations() {
            for node in tree.preorder(declaration) {
                match tree.expression(node) {
                    Expression::Call { function, .. } => {
                        shown.insert(unparenthesized(file, function));
                    }
                    // The name alone is no use of the function.
                    Expression::Selector { name, .. }
                        if shown.contains(&node) || consumed.contains(&(index, node)) =>
                    {
                        shown.insert(name);
                    }
                    _ => {}
                }
                if shown.contains(&node) || consumed.contains(&(index, node)) {
                    continue;
                }
                let target = match tree.kind(node) {
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

/// Functions of other packages that call their argument before they return.
const SYNCHRONOUS: &[&str] = &[
    "sort", "slices", "strings", "bytes", "maps", "filepath", "fs", "iter", "ast",
];
const SYNCHRONOUS_NAMES: &[&str] = &[
    "Range",
    "Walk",
    "WalkDir",
    "Ascend",
    "Descend",
    "AscendGreaterOrEqual",
    "ForEach",
    "Each",
    "View",
    "Update",
    "Iterate",
    "Visit",
    "VisitAll",
    "Inspect",
    "Do",
];
/// Names of functions that run their argument in another goroutine.
const ASYNCHRONOUS_NAMES: &[&str] = &["Go", "TryGo", "AfterFunc", "Submit"];
/// Names of functions that register a handler.
const HANDLER_NAMES: &[&str] = &["HandleFunc", "HandlerFunc", "Handle"];

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
        for block in &graph.blocks {
            let mut events = Vec::new();
            for (index, &step) in block.steps.iter().enumerate() {
                self.step(step);
                events.extend(self.events.drain(..).map(|event| (index as u32, event)));
            }
            result.blocks.push(events);
            for edge in &block.successors {
                if let EdgeKind::True(node) = edge.kind {
                    self.condition(node, &mut result);
                }
            }
        }
        result
    }

    fn condition(&mut self, node: NodeId, result: &mut UnitEvents) {
        if let Some((path, mode, true, _)) = self.lock_call(node).map(|lock| {
            (
                lock.path,
                lock.mode,
                lock.name.starts_with("Try"),
                lock.sync,
            )
        }) {
            result.try_locks.push((node, path, mode));
            return;
        }
        if let Expression::Binary {
            operator: operator @ (BinaryOperator::Equal | BinaryOperator::NotEqual),
            left,
            right,
            ..
        } = self.file.tree.expression(node)
        {
            let is_nil = |node: NodeId| self.file.facts.type_of(node) == TypeId::UNTYPED_NIL;
            let place = match (is_nil(left), is_nil(right)) {
                (false, true) => left,
                (true, false) => right,
                _ => return,
            };
            let error = self.is_error(self.file.facts.type_of(place));
            let Some(path) = self.path(place) else {
                return;
            };
            if error {
                let with = self.set_with_error(place, node);
                if !with.is_empty() {
                    result
                        .error_tests
                        .push((node, operator == BinaryOperator::NotEqual, with));
                }
            } else {
                result
                    .nil_tests
                    .push((node, path, operator == BinaryOperator::Equal));
            }
        }
    }

    fn is_error(&self, id: TypeId) -> bool {
        id.is_known()
            && self
                .world()
                .as_named(self.world().unalias(id))
                .is_some_and(|named| {
                    let object = self.world().object(named.object);
                    object.package.is_none() && object.name.as_str() == "error"
                })
    }

    /// Pointers that the last assignment before `test` sets together with the error.
    fn set_with_error(&mut self, error: NodeId, test: NodeId) -> Vec<PathId> {
        let file = self.file;
        let error = unparenthesized(file, error);
        let Some(object) = file.facts.object_of(error) else {
            return Vec::new();
        };
        let before = file.tree.span(test).start;
        let mut last = None;
        for node in file.tree.preorder(self.unit.body) {
            if file.tree.kind(node) != NodeKind::AssignStmt || file.tree.span(node).end > before {
                continue;
            }
            if let Statement::Assign { left, right, .. } = file.tree.statement(node)
                && left
                    .iter()
                    .any(|&place| file.facts.object_of(place) == Some(object))
            {
                last = Some((left, right));
            }
        }
        let Some((left, &[value])) = last else {
            return Vec::new();
        };
        if file.tree.kind(value) != NodeKind::CallExpr {
            return Vec::new();
        }
        let mut paths = Vec::new();
        for &place in left {
            let place_type = self
                .file
                .facts
                .object_of(place)
                .map_or(TypeId::UNKNOWN, |object| self.world().object_type(object));
            let pointer = self.world().underlying(place_type).kind() == TypeKind::Pointer;
            if pointer && let Some(path) = self.path(place) {
                paths.push(path);
            }
        }
        paths
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
                if let Statement::Range { operand, .. } = self.file.tree.statement(node)
                    && self.is_map(self.file.facts.type_of(operand))
                    && let Some(path) = self.path(operand)
                {
                    self.access(path, AccessKind::Iterate, operand);
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
                let received = match self.file.tree.statement(node) {
                    Statement::Expression { expression } => Some(expression),
                    Statement::Assign { right, .. } => right.first().copied(),
                    _ => None,
                };
                if let Some(received) = received {
                    self.receive(received);
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

    fn access(&mut self, path: PathId, kind: AccessKind, node: NodeId) {
        self.emit(node, EventKind::Access(Access { path, kind, node }));
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
        let value = value.map_or(NewValue::Unknown, |value| self.new_value(value));
        if let Expression::Index { operand, .. } = tree.expression(place) {
            let operand_type = self.file.facts.type_of(operand);
            if self.is_map(operand_type) {
                if let Some(path) = self.path(operand) {
                    self.access(path, AccessKind::Write, place);
                }
                return;
            }
        }
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
            Statement::Go { call } => {
                let spawn = Some(node);
                self.call(unparenthesized(self.file, call), spawn);
            }
            _ => {}
        }
    }

    /// `place++` or `place op= …`.
    fn count(&mut self, place: NodeId, node: NodeId) {
        let inner = unparenthesized(self.file, place);
        if let Expression::Index { operand, .. } = self.file.tree.expression(inner)
            && self.is_map(self.file.facts.type_of(operand))
        {
            if let Some(path) = self.path(operand) {
                self.access(path, AccessKind::Write, inner);
            }
            return;
        }
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

    /// A receive that stands as a statement or as the value of an assignment waits for somebody.
    fn receive(&mut self, value: NodeId) {
        if let Expression::Unary {
            operator: UnaryOperator::Receive,
            operand,
        } = self.file.tree.expression(unparenthesized(self.file, value))
        {
            let text = crate::path::text_of(self.file, operand);
            let text = text.as_str();
            let clock = text.ends_with(".C") || text.ends_with(')') || text.contains("time.");
            if !clock {
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
                    self.access(path, AccessKind::Read, node);
                }
            }
            Expression::Call { .. } => self.call(node, None),
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

    /// A call is made, in a goroutine of its own where `spawn` is the `go` statement.
    fn call(&mut self, call: NodeId, spawn: Option<NodeId>) {
        let Expression::Call {
            function,
            arguments,
            ..
        } = self.file.tree.expression(call)
        else {
            return;
        };
        let world = self.package.world;
        let function = unparenthesized(self.file, function);
        let called = callee(world, self.file, function);
        if let Callee::Builtin(name) = called {
            self.builtin(name, call, arguments);
            return;
        }
        if called == Callee::Conversion {
            // `http.HandlerFunc(func…)`
            self.functions_given(call, function, arguments, None, spawn);
            return;
        }
        if spawn.is_none()
            && let Some(lock) = self.lock_call(call)
        {
            let LockCall {
                path,
                mode,
                name,
                sync,
            } = lock;
            match name {
                "Lock" | "RLock" => self.emit(call, EventKind::Lock { path, mode, sync }),
                "Unlock" | "RUnlock" => self.emit(call, EventKind::Unlock { path, mode }),
                _ => self.emit(call, EventKind::TryLock { path }),
            }
            return;
        }
        if let Some(name) = method_name(self.file, function)
            && spawn.is_none()
            && name == "Wait"
            && arguments.is_empty()
            && !self.is_condition_variable(function)
        {
            self.emit(call, EventKind::Join);
        }
        self.emit(call, EventKind::Called);
        self.map_function(call, called, arguments);
        let target = self.target(called);
        let bindings = match target {
            Some(target) => self.bindings(target, function, arguments),
            None => Vec::new(),
        };
        if let Some(target) = target {
            self.functions_given(call, function, arguments, Some(target), spawn);
            let how = match spawn {
                Some(node) => How::Spawn(self.spawn(node, target, false)),
                None => How::Call,
            };
            self.emit(
                call,
                EventKind::Run {
                    target,
                    how,
                    bindings,
                },
            );
        } else {
            self.functions_given(call, function, arguments, None, spawn);
            if let Callee::Variable(parameter) = called
                && world.object(parameter).kind == ObjectKind::Variable(VariableKind::Parameter)
            {
                self.emit(call, EventKind::ParameterCall { parameter });
            }
        }
    }

    fn spawn(&mut self, node: NodeId, target: UnitId, many: bool) -> SpawnId {
        // A deferred call has its step at every exit.
        let known = self.lowered.spawns.iter().position(|spawn| {
            spawn.unit == self.id && spawn.node == node && spawn.target == target
        });
        let index = known.unwrap_or_else(|| {
            self.lowered.spawns.push(Spawn {
                unit: self.id,
                node,
                target,
                many,
            });
            self.lowered.spawns.len() - 1
        });
        SpawnId(index as u32)
    }

    /// The unit that is called, where there is just one.
    fn target(&mut self, called: Callee<'_>) -> Option<UnitId> {
        match called {
            Callee::Function(object) => self.units.of_object(object),
            Callee::Literal(literal) => {
                self.consumed.insert((self.unit.file, literal));
                self.units.of_literal(self.unit.file, literal)
            }
            Callee::Variable(object) => {
                let (file, value) = self.lowered.variables.single(object)?;
                self.units.of_literal(file, value)
            }
            _ => None,
        }
    }

    /// What parameters and receiver of `target` stand for in a call.
    fn bindings(
        &mut self,
        target: UnitId,
        function: NodeId,
        arguments: &[NodeId],
    ) -> Vec<(ObjectId, PathId)> {
        let unit = self.units.get(target);
        let mut bindings = Vec::new();
        if let Some(receiver) = unit.receiver
            && let Some(path) = self.receiver_path(function)
        {
            bindings.push((receiver, path));
        }
        for (parameter, &argument) in unit.parameters.iter().zip(arguments) {
            if let Some(parameter) = *parameter
                && let Some(path) = self.path(argument)
            {
                bindings.push((parameter, path));
            }
        }
        bindings
    }

    /// The place of the receiver of a method call or method value.
    fn receiver_path(&mut self, function: NodeId) -> Option<PathId> {
        let Expression::Selector { operand, .. } = self.file.tree.expression(function) else {
            return None;
        };
        let base = self.path(operand)?;
        match self.file.facts.selections.get(&function) {
            Some(selection) if selection.kind == SelectionKind::MethodValue => {
                let (_, embedded) = selection.index.split_last()?;
                let mut resolver = Resolver {
                    package: self.package,
                    variables: &self.lowered.variables,
                    paths: &mut self.lowered.paths,
                    unit: self.id,
                };
                resolver.fields(base, selection.receiver, embedded)
            }
            Some(_) => None,
            None => Some(base),
        }
    }

    /// Function values among the arguments of a call: who runs them, and how.
    fn functions_given(
        &mut self,
        call: NodeId,
        function: NodeId,
        arguments: &[NodeId],
        target: Option<UnitId>,
        spawn: Option<NodeId>,
    ) {
        let mut positions: Vec<(usize, NodeId)> = arguments.iter().copied().enumerate().collect();
        // `http.HandlerFunc(f)` given on.
        for (_, argument) in &mut positions {
            *argument = unparenthesized(self.file, *argument);
        }
        for (position, argument) in positions {
            let Some((given, bindings)) = self.function_value(argument) else {
                continue;
            };
            self.consumed.insert((self.unit.file, argument));
            let unit = self.units.get(given);
            let handler = self.is_handler(unit);
            let how = if spawn.is_some() {
                // Runs in the goroutine that is started here, at a time that is not known.
                How::Spawn(self.spawn(argument, given, handler))
            } else if let Some(target) = target {
                match self.units.get(target).parameters.get(position) {
                    Some(&Some(parameter)) => How::Through {
                        callee: target,
                        parameter,
                    },
                    _ => How::Kept,
                }
            } else {
                self.how_others_run(function, argument, given, handler)
            };
            let target = given;
            self.emit(
                call,
                EventKind::Run {
                    target,
                    how,
                    bindings,
                },
            );
        }
    }

    fn how_others_run(
        &mut self,
        function: NodeId,
        argument: NodeId,
        given: UnitId,
        handler: bool,
    ) -> How {
        let world = self.package.world;
        let name = method_name(self.file, function).unwrap_or_default();
        let package = match callee(world, self.file, function) {
            Callee::Function(object) => world.object(object).package,
            _ => None,
        };
        let package = package.map_or("", |package| world.package(package).path.as_str());
        let last = package.rsplit('/').next().unwrap_or_default();
        if handler || HANDLER_NAMES.contains(&name) {
            How::Spawn(self.spawn(argument, given, handler))
        } else if ASYNCHRONOUS_NAMES.contains(&name) {
            How::Spawn(self.spawn(argument, given, false))
        } else if package == "sync" && (name == "Do" || name.starts_with("Once")) {
            match self.receiver_path(function) {
                Some(path) if name == "Do" => How::Once(path),
                _ => How::Kept,
            }
        } else if name == "Run" && package == "testing" {
            How::Unknown
        } else if SYNCHRONOUS.contains(&last) || SYNCHRONOUS_NAMES.contains(&name) {
            How::Call
        } else {
            How::Unknown
        }
    }

    /// The function of this package that an argument stands for, and what it is bound to.
    fn function_value(&mut self, argument: NodeId) -> Option<(UnitId, Vec<(ObjectId, PathId)>)> {
        let file = self.file;
        match file.tree.expression(argument) {
            Expression::FunctionLiteral { .. } => {
                Some((self.units.of_literal(self.unit.file, argument)?, Vec::new()))
            }
            Expression::Identifier | Expression::Selector { .. } => {
                let called = callee(self.package.world, file, argument);
                let mode = file.facts.get(argument).map(|known| known.mode);
                if mode == Some(Mode::TypeExpression) {
                    return None;
                }
                match called {
                    Callee::Function(_) | Callee::Variable(_) => {
                        let target = self.target(called)?;
                        let bindings = self.bindings(target, argument, &[]);
                        Some((target, bindings))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether a function has the shape of an HTTP handler.
    fn is_handler(&self, unit: &Unit) -> bool {
        is_handler(self.package.world, &self.package.files[unit.file], unit)
    }

    fn is_condition_variable(&self, function: NodeId) -> bool {
        let Some(selection) = self.file.facts.selections.get(&function) else {
            return false;
        };
        let receiver = self.world().object(selection.object).receiver();
        receiver
            .and_then(|receiver| crate::unit::named_behind(self.world(), receiver))
            .is_some_and(|object| self.world().object(object).name.as_str() == "Cond")
    }

    fn builtin(&mut self, name: &str, call: NodeId, arguments: &[NodeId]) {
        let Some(&first) = arguments.first() else {
            return;
        };
        let kind = match name {
            "delete" => AccessKind::Delete,
            "clear" if self.is_map(self.file.facts.type_of(first)) => AccessKind::Clear,
            _ => return,
        };
        if let Some(path) = self.path(first) {
            self.access(path, kind, call);
        }
    }

    /// Functions of package maps.
    fn map_function(&mut self, call: NodeId, called: Callee<'_>, arguments: &[NodeId]) {
        let Callee::Function(object) = called else {
            return;
        };
        let object = self.package.world.object(object);
        let in_maps = object
            .package
            .is_some_and(|package| self.package.world.package(package).path.as_str() == "maps");
        if !in_maps {
            return;
        }
        let name = object.name.as_str();
        for (position, &argument) in arguments.iter().enumerate() {
            if !self.is_map(self.file.facts.type_of(argument)) {
                continue;
            }
            let kind = match (name, position) {
                ("Copy" | "Insert", 0) => AccessKind::Write,
                ("DeleteFunc", 0) => AccessKind::Delete,
                ("Copy" | "Clone" | "Equal" | "EqualFunc", _) => AccessKind::Iterate,
                // Keys, Values and All read when their result is ranged over.
                _ => AccessKind::Read,
            };
            if let Some(path) = self.path(argument) {
                self.access(path, kind, call);
            }
        }
    }

    /// The lock that a call takes or releases.
    fn lock_call(&mut self, call: NodeId) -> Option<LockCall> {
        let Expression::Call {
            function,
            arguments: [],
            ..
        } = self.file.tree.expression(unparenthesized(self.file, call))
        else {
            return None;
        };
        let function = unparenthesized(self.file, function);
        let name = method_name(self.file, function)?;
        let (name, mode) = match name {
            "Lock" => ("Lock", LockMode::Write),
            "RLock" => ("RLock", LockMode::Read),
            "Unlock" => ("Unlock", LockMode::Write),
            "RUnlock" => ("RUnlock", LockMode::Read),
            "TryLock" => ("TryLock", LockMode::Write),
            "TryRLock" => ("TryRLock", LockMode::Read),
            _ => return None,
        };
        let world = self.package.world;
        let sync = match self.file.facts.selections.get(&function) {
            Some(selection) => {
                if selection.kind != SelectionKind::MethodValue {
                    return None;
                }
                let method = crate::calls::origin(world, selection.object);
                let object = world.object(method);
                if self.units.of_object(method).is_some() {
                    // A method of this package: its summary tells.
                    return None;
                }
                let package = object
                    .package
                    .map_or("", |package| world.package(package).path.as_str());
                let results = world
                    .as_signature(world.object_type(method))
                    .map_or(0, |signature| world.tuple(signature.results).len());
                if results > 0 && !name.starts_with("Try") {
                    // A file lock or a distributed one, which may fail.
                    return None;
                }
                let receiver = object
                    .receiver()
                    .and_then(|receiver| crate::unit::named_behind(world, receiver))
                    .map_or("", |object| world.object(object).name.as_str());
                package == "sync" && matches!(receiver, "Mutex" | "RWMutex")
            }
            // A package function is no lock, and of what is unknown the name decides.
            None => {
                let Expression::Selector { operand, .. } = self.file.tree.expression(function)
                else {
                    return None;
                };
                let package = self
                    .file
                    .facts
                    .object_of(operand)
                    .is_some_and(|object| world.object(object).kind == ObjectKind::PackageName);
                if package {
                    return None;
                }
                false
            }
        };
        let path = self.receiver_path(function)?;
        Some(LockCall {
            path,
            mode,
            name,
            sync,
        })
    }
}

struct LockCall {
    path: PathId,
    mode: LockMode,
    name: &'static str,
    sync: bool,
}

/// The name in `x.name` or `name`.
fn method_name(file: &TypedFile<'_>, function: NodeId) -> Option<&'static str> {
    match file.tree.expression(function) {
        Expression::Selector { name, .. } => Some(file.tree.symbol(name).as_str()),
        Expression::Identifier => Some(file.tree.symbol(function).as_str()),
        _ => None,
    }
}

/// Whether a function has the parameters of an HTTP handler.
pub(crate) fn is_handler(world: &World, file: &TypedFile<'_>, unit: &Unit) -> bool {
    let Expression::FunctionType { parameters, .. } = file.tree.expression(unit.function_type)
    else {
        return false;
    };
    let types: Vec<TypeId> = parameters
        .iter()
        .flat_map(|&entry| {
            let field = file.tree.field(entry);
            let count = field.names.len().max(1);
            std::iter::repeat_n(file.facts.type_of(field.field_type), count)
        })
        .collect();
    let names = |id: TypeId| {
        let object = crate::unit::named_behind(world, id)?;
        let object = world.object(object);
        let package = world.package(object.package?).path.as_str();
        (package == "net/http").then(|| object.name.as_str())
    };
    matches!(types.as_slice(), [writer, request]
        if names(*writer) == Some("ResponseWriter") && names(*request) == Some("Request"))
}
