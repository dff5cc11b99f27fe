//! Calls: which function of the package runs, when, and what its parameters stand for.

use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{
    Mode, ObjectId, ObjectKind, SelectionKind, TypeId, TypeKind, TypedFile, TypedPackage,
    VariableKind, World,
};
use rustc_hash::FxHashSet;

use crate::calls::{Callee, callee, unparenthesized};
use crate::event::{AccessKind, ChannelOperation, EventKind, How, Spawn, SpawnId, Tested};
use crate::path::{PathId, Resolver};
use crate::unit::{Unit, UnitId, Units};

use super::Lowering;
use super::mutexes::LockCall;

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
/// How the names of methods start that change a map.
const WRITING_METHODS: &[&str] = &[
    "Add", "Set", "Put", "Insert", "Del", "Remove", "Pop", "Push", "Clear", "Store", "Update",
    "Merge",
];
/// Names of functions that register a handler.
const HANDLER_NAMES: &[&str] = &["HandleFunc", "HandlerFunc", "Handle"];
impl Lowering<'_, '_> {
    /// A call is made, in a goroutine of its own where `spawn` is the `go` statement.
    pub(super) fn call(&mut self, call: NodeId, spawn: Option<NodeId>) {
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
        if spawn.is_none()
            && let Some(path) = self.guarded_lock(call)
        {
            self.emit(call, EventKind::TryLock { path });
        }
        if let Some(name) = method_name(self.file, function)
            && spawn.is_none()
            && name == "Wait"
            && arguments.is_empty()
            && !self.is_condition_variable(function)
        {
            self.emit(call, EventKind::Join);
        }
        if spawn.is_none() && self.reads_to_the_end(called, arguments) {
            self.emit(call, EventKind::Join);
        }
        self.emit(call, EventKind::Called);
        self.map_function(call, called, arguments);
        self.slice_function(call, called, arguments);
        self.map_shown(call, called, arguments);
        self.map_method(call, called, function);
        let target = self.target(called);
        let bindings = match target {
            Some(target) => {
                let function = self.function_behind(called, function);
                self.bindings(target, function, arguments)
            }
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
                    bindings: bindings.into(),
                },
            );
            if spawn.is_none() && self.gives_own_context(arguments) {
                self.emit(call, EventKind::Join);
            }
        } else {
            self.functions_given(call, function, arguments, None, spawn);
            if let Some(statement) = spawn {
                self.imported_start(statement, call, called, function, arguments);
            } else {
                let behind = self.function_behind(called, function);
                let called = callee(world, self.file, behind);
                self.imported_call(call, called, behind, arguments);
            }
            // What `go f()` runs does not run here, under the locks of here.
            if let Callee::Variable(object) = called
                && spawn.is_none()
                && matches!(
                    world.object(object).kind,
                    ObjectKind::Variable(VariableKind::Parameter | VariableKind::Field)
                )
            {
                self.emit(call, EventKind::ValueCall { object });
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
                tested: None,
                channels: Vec::new(),
                ends: Vec::new(),
                passes_on: Vec::new(),
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
                let value_file = &self.package.files[file];
                match callee(self.package.world, value_file, value) {
                    Callee::Function(object) => self.units.of_object(object),
                    _ => self.units.of_literal(file, value),
                }
            }
            _ => None,
        }
    }

    /// What a variable that is called holds, if it is a function or method of this file.
    fn function_behind(&self, called: Callee<'_>, function: NodeId) -> NodeId {
        let Callee::Variable(object) = called else {
            return function;
        };
        match self.lowered.variables.single(object) {
            Some((file, value)) if file == self.unit.file => unparenthesized(self.file, value),
            _ => function,
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
        // Of `(*T).m(t, a)` the receiver is the first argument.
        let selection = self.file.facts.selections.get(&function);
        let expression =
            selection.is_some_and(|known| known.kind == SelectionKind::MethodExpression);
        let (first, arguments) = match arguments {
            [first, rest @ ..] if expression => (Some(*first), rest),
            _ => (None, arguments),
        };
        if let Some(receiver) = unit.receiver
            && let Some(path) = match first {
                Some(first) => self.path(first),
                None => self.receiver_path(function),
            }
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
    pub(super) fn receiver_path(&mut self, function: NodeId) -> Option<PathId> {
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
                    Some(&Some(parameter)) if self.lowered.asynchronous.contains(&parameter) => {
                        How::Spawn(self.spawn(argument, given, false))
                    }
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
            let waits = matches!(how, How::Spawn(id)
                if self.lowered.spawns[id.0 as usize].tested == Some(Tested::Benchmark));
            self.emit(
                call,
                EventKind::Run {
                    target,
                    how,
                    bindings: bindings.into(),
                },
            );
            if waits {
                self.emit(call, EventKind::Join);
            }
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
        let called = callee(world, self.file, function);
        // `images.HandlerFunc(f)` says nothing of who calls `f`, unless it has the shape of a handler.
        let is_conversion = called == Callee::Conversion;
        let package = match called {
            Callee::Function(object) => world.object(object).package,
            _ => None,
        };
        let package = package.map_or("", |package| world.package(package).path.as_str());
        let last = package.rsplit('/').next().unwrap_or_default();
        if handler || HANDLER_NAMES.contains(&name) && !is_conversion {
            if self.file.test && !has_goroutines(self.file) {
                // The server of a test whose requests come one after the other.
                return How::Kept;
            }
            How::Spawn(self.spawn(argument, given, handler))
        } else if ASYNCHRONOUS_NAMES.contains(&name) {
            How::Spawn(self.spawn(argument, given, false))
        } else if package == "sync" && (name == "Do" || name.starts_with("Once")) {
            match self.receiver_path(function) {
                Some(path) if name == "Do" => How::Once(path),
                _ => How::Kept,
            }
        } else if package == "testing" && name == "RunParallel" {
            let id = self.spawn(argument, given, true);
            self.lowered.spawns[id.0 as usize].tested = Some(Tested::Benchmark);
            How::Spawn(id)
        } else if package == "testing" && name == "Run" && self.is_parallel_test(given) {
            let id = self.spawn(argument, given, false);
            self.lowered.spawns[id.0 as usize].tested = Some(Tested::Subtest);
            How::Spawn(id)
        } else if name == "Run" && package == "testing" {
            How::Unknown
        } else if SYNCHRONOUS.contains(&last) || SYNCHRONOUS_NAMES.contains(&name) {
            How::Call
        } else {
            How::Unknown
        }
    }

    /// Whether a test begins with `t.Parallel()`: what it does before that it does alone.
    fn is_parallel_test(&self, test: UnitId) -> bool {
        let unit = self.units.get(test);
        let tree = self.package.files[unit.file].tree;
        let Statement::Block { statements } = tree.statement(unit.body) else {
            return false;
        };
        statements.first().is_some_and(|&first| {
            let Statement::Expression { expression } = tree.statement(first) else {
                return false;
            };
            tree.kind(first) == NodeKind::ExprStmt
                && matches!(tree.expression(expression), Expression::Call { function, .. }
                    if matches!(tree.expression(function), Expression::Selector { name, .. }
                        if tree.symbol(name).as_str() == "Parallel"))
        })
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
            "close" => return self.channel(first, call, ChannelOperation::Close, false),
            "delete" => AccessKind::Delete,
            "clear" if self.is_map(self.file.facts.type_of(first)) => AccessKind::Clear,
            "len" if self.is_map(self.file.facts.type_of(first)) => AccessKind::Length,
            _ => return,
        };
        if let Some(path) = self.path(first) {
            self.access_of(first, path, kind, call);
        }
    }

    /// Methods of map types of other packages, as `http.Header.Set`: what they do shows in their
    /// name.
    fn map_method(&mut self, call: NodeId, called: Callee<'_>, function: NodeId) {
        let Callee::Function(method) = called else {
            return;
        };
        let world = self.package.world;
        let Some(receiver) = world.object(method).receiver() else {
            return;
        };
        let Expression::Selector { operand, .. } = self.file.tree.expression(function) else {
            return;
        };
        if self.units.of_object(method).is_some() || !self.is_map(world.deref(receiver).0) {
            return;
        }
        let name = world.object(method).name.as_str();
        let kind = match WRITING_METHODS.iter().any(|verb| name.starts_with(verb)) {
            true => AccessKind::Write,
            false => AccessKind::Read,
        };
        if let Some(path) = self.receiver_path(function) {
            self.access_of(operand, path, kind, call);
        }
    }

    /// Functions that write down what they are given, and so go through a map.
    fn map_shown(&mut self, call: NodeId, called: Callee<'_>, arguments: &[NodeId]) {
        let Callee::Function(object) = called else {
            return;
        };
        let world = self.package.world;
        let object = world.object(object);
        let Some(package) = object.package else {
            return;
        };
        let name = object.name.as_str();
        let shows = match world.package(package).path.as_str() {
            "fmt" => {
                name.contains("rint")
                    || matches!(name, "Append" | "Appendf" | "Appendln" | "Errorf")
            }
            "log" => ["Print", "Fatal", "Panic"]
                .iter()
                .any(|verb| name.starts_with(verb)),
            "encoding/json" => matches!(name, "Marshal" | "MarshalIndent" | "Encode"),
            _ => false,
        };
        if !shows {
            return;
        }
        for &argument in arguments {
            if self.is_map(self.file.facts.type_of(argument))
                && let Some(path) = self.path(argument)
            {
                self.access_of(argument, path, AccessKind::Iterate, call);
            }
        }
    }

    /// `io.ReadAll(r)` or `io.Copy(w, r)` of a reader that one call gave together with something else, as
    /// `io.Pipe` does: whoever writes there has closed the other end by then.
    fn reads_to_the_end(&self, called: Callee<'_>, arguments: &[NodeId]) -> bool {
        let Callee::Function(object) = called else {
            return false;
        };
        let world = self.package.world;
        let object = world.object(object);
        let of_io = object
            .package
            .is_some_and(|package| world.package(package).path.as_str() == "io");
        let reader = match object.name.as_str() {
            "ReadAll" if of_io => arguments.first(),
            "Copy" if of_io => arguments.get(1),
            _ => None,
        };
        let Some(&reader) = reader else {
            return false;
        };
        let reader = unparenthesized(self.file, reader);
        let Some(variable) = self.file.facts.object_of(reader) else {
            return false;
        };
        let error = world.universe().error;
        let tree = self.file.tree;
        tree.kind(reader) == NodeKind::Ident
            && self.unit.nodes.iter().any(|&(node, _)| {
                tree.kind(node) == NodeKind::AssignStmt
                    && matches!(tree.statement(node), Statement::Assign { left, right: [_], .. }
                        if left.iter().any(|&name| self.file.facts.object_of(name) == Some(variable))
                            && left
                                .iter()
                                .filter_map(|&name| self.file.facts.object_of(name))
                                .filter(|&name| world.object_type(name) != error)
                                .count() > 1)
            })
    }

    /// `slices.Sort(x.s)`, `sort.Strings(x.s)`, `sort.Sort(byName(x.s))`: a field whose slice is changed
    /// where it lies.
    fn slice_function(&mut self, call: NodeId, called: Callee<'_>, arguments: &[NodeId]) {
        let (Callee::Function(object), Some(&first)) = (called, arguments.first()) else {
            return;
        };
        let world = self.package.world;
        let object = world.object(object);
        let package = object.package.map(|package| world.package(package));
        let sorts = match package.as_ref().map(|package| package.path.as_str()) {
            Some("slices") => &["Sort", "SortFunc", "SortStableFunc", "Reverse"][..],
            Some("sort") => &[
                "Strings",
                "Ints",
                "Float64s",
                "Slice",
                "SliceStable",
                "Sort",
                "Stable",
            ][..],
            _ => return,
        };
        if !sorts.contains(&object.name.as_str()) {
            return;
        }
        let mut slice = unparenthesized(self.file, first);
        if let Expression::Call {
            function,
            arguments: &[converted],
            ..
        } = self.file.tree.expression(slice)
            && callee(world, self.file, function) == Callee::Conversion
        {
            slice = unparenthesized(self.file, converted);
        }
        let known = world.underlying(self.file.facts.type_of(slice));
        if known.kind() == TypeKind::Slice
            && self.file.tree.kind(slice) == NodeKind::SelectorExpr
            && let Some(path) = self.path(slice)
        {
            self.access(path, AccessKind::Count, call);
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
                self.access_of(argument, path, kind, call);
            }
        }
    }
}

/// Parameters that a function calls in one goroutine that it starts, without a lock and without waiting
/// for it: whoever gives it a function starts a goroutine.
pub(super) fn asynchronous_parameters(
    package: &TypedPackage<'_>,
    units: &Units,
) -> FxHashSet<ObjectId> {
    let mut found = FxHashSet::default();
    for (_, unit) in units.iter().filter(|(_, unit)| !unit.is_literal()) {
        let file = &package.files[unit.file];
        let holds_function = |parameter: &ObjectId| {
            let world = package.world;
            let kind = world.underlying(world.object_type(*parameter)).kind();
            kind == TypeKind::Signature
        };
        for parameter in unit
            .parameters
            .iter()
            .flatten()
            .filter(|&parameter| holds_function(parameter))
        {
            if starts_goroutine(file, unit, *parameter) {
                found.insert(*parameter);
            }
        }
    }
    found
}

/// Whether all that a function does with a parameter is to call it in a goroutine of its own.
fn starts_goroutine(file: &TypedFile<'_>, unit: &Unit, parameter: ObjectId) -> bool {
    let tree = file.tree;
    let is_parameter = |node: NodeId| {
        tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(parameter)
    };
    let mut uses = tree.preorder(unit.body).filter(|&node| is_parameter(node));
    let (Some(used), None) = (uses.next(), uses.next()) else {
        return false;
    };
    let at = tree.span(used);
    let around = |node: NodeId| {
        let span = tree.span(node);
        span.start <= at.start && at.end <= span.end
    };
    let (mut started, mut called, mut otherwise) = (None, false, false);
    for node in tree.preorder(unit.body) {
        match tree.kind(node) {
            NodeKind::GoStmt if around(node) => started = Some(node),
            NodeKind::ForStmt | NodeKind::RangeStmt if around(node) => otherwise = true,
            NodeKind::CallExpr => {
                if let Expression::Call { function, .. } = tree.expression(node) {
                    called |= unparenthesized(file, function) == used;
                    // It waits for the goroutine, or the call is guarded.
                    otherwise |= matches!(
                        method_name(file, function),
                        Some("Wait" | "Lock" | "RLock" | "Do")
                    );
                }
            }
            NodeKind::UnaryExpr => {
                let received = matches!(
                    tree.expression(node),
                    Expression::Unary {
                        operator: UnaryOperator::Receive,
                        ..
                    }
                );
                // What the goroutine itself waits for comes before the function, or after it.
                otherwise |= received
                    && !started.is_some_and(|start| {
                        let span = tree.span(start);
                        span.contains(tree.span(node).start)
                    });
            }
            NodeKind::DeferStmt => otherwise |= started.is_none() && around(node),
            _ => {}
        }
    }
    // What comes after the start of the goroutine may wait for it.
    let last = match tree.statement(unit.body) {
        Statement::Block { statements } => statements.iter().rev().copied().find(|&statement| {
            !matches!(tree.statement(statement), Statement::Return { results } if results.is_empty())
                || tree.kind(statement) != NodeKind::ReturnStmt
        }),
        _ => None,
    };
    started.is_some() && started == last && called && !otherwise
}

/// Whether a file starts goroutines, or tests that run side by side.
fn has_goroutines(file: &TypedFile<'_>) -> bool {
    let tree = file.tree;
    tree.declarations().iter().any(|&declaration| {
        tree.preorder(declaration)
            .any(|node| match tree.kind(node) {
                NodeKind::GoStmt => true,
                NodeKind::CallExpr => match tree.expression(node) {
                    Expression::Call { function, .. } => method_name(file, function)
                        .is_some_and(|name| matches!(name, "Parallel" | "RunParallel" | "Go")),
                    _ => false,
                },
                _ => false,
            })
    })
}

/// The name in `x.name` or `name`.
pub(super) fn method_name(file: &TypedFile<'_>, function: NodeId) -> Option<&'static str> {
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
