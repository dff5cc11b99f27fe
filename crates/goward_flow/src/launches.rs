//! Where each function of a package is started: called, deferred, or run as a goroutine.
//!
//! Only starts that can be seen are understood. A literal that is stored and used otherwise, given to
//! a function that is not known to run it as a goroutine, or put into a structure, has a start of
//! unknown kind, so that nothing is concluded about it. Declared functions may have more starts than
//! those listed here.

use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{TypedFile, TypedPackage};
use rustc_hash::FxHashMap;

use crate::calls::{Callee, callee, unparenthesized};
use crate::path::Variables;
use crate::unit::{Unit, UnitId, Units};

/// How a function is started.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum StartKind {
    /// By a `go` statement, or by `Go` and `TryGo` of a `WaitGroup` or an errgroup.
    Go,
    Defer,
    Call,
    /// It is used as a value.
    Unknown,
}

/// A place where a function is started.
#[derive(Copy, Clone, Debug)]
pub struct Start {
    /// The function that starts it.
    pub unit: UnitId,
    /// The `go` or `defer` statement, or the call.
    pub node: NodeId,
    /// The call: that of the function, or that which it is given to.
    pub call: NodeId,
    pub kind: StartKind,
}

/// The starts of all functions of a package.
#[derive(Clone, Debug, Default)]
pub struct Launches {
    of: FxHashMap<UnitId, Vec<Start>>,
}

impl Launches {
    pub(crate) fn new(
        package: &TypedPackage<'_>,
        units: &Units,
        variables: &Variables,
    ) -> Launches {
        let mut launches = Launches::default();
        for (id, unit) in units.iter() {
            let collector = Collector {
                package,
                units,
                variables,
                file: &package.files[unit.file],
                unit,
                id,
            };
            collector.collect(&mut launches);
        }
        launches
    }

    /// The known starts of a function.
    pub fn of(&self, unit: UnitId) -> &[Start] {
        self.of.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// The one start of a function, where there is just one.
    pub fn only(&self, unit: UnitId) -> Option<Start> {
        match self.of(unit) {
            [start] => Some(*start),
            _ => None,
        }
    }

    /// All functions that are started, with their starts, in the order of the functions.
    pub fn iter(&self) -> impl Iterator<Item = (UnitId, &[Start])> {
        let mut list: Vec<(UnitId, &[Start])> = self
            .of
            .iter()
            .map(|(&unit, starts)| (unit, starts.as_slice()))
            .collect();
        list.sort_by_key(|(unit, _)| *unit);
        list.into_iter()
    }
}

/// The function that an operand of a call stands for, where the package shows just one.
pub(crate) fn target(
    package: &TypedPackage<'_>,
    units: &Units,
    variables: &Variables,
    unit: &Unit,
    function: NodeId,
) -> Option<UnitId> {
    match callee(package.world, &package.files[unit.file], function) {
        Callee::Function(object) => units.of_object(object),
        Callee::Literal(literal) => units.of_literal(unit.file, literal),
        Callee::Variable(object) => {
            let (file, value) = variables.single(object)?;
            let value = unparenthesized(&package.files[file], value);
            units.of_literal(file, value)
        }
        _ => None,
    }
}

/// Whether a function of another package runs the function that it is given as a goroutine, by its
/// name: `Go`, `TryGo`, `GoSafe`, `SafeGo`, `startGoroutine`.
fn is_named_for_goroutines(file: &TypedFile<'_>, function: NodeId) -> bool {
    let Expression::Selector { name, .. } = file.tree.expression(unparenthesized(file, function))
    else {
        return false;
    };
    let name = file.tree.symbol(name).as_str();
    let lower = name.to_ascii_lowercase();
    let after_go = name.strip_prefix("Go");
    after_go.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_uppercase))
        || name.ends_with("Go")
        || lower.starts_with("startgo")
        || lower.starts_with("goattach")
}

struct Collector<'c, 'a> {
    package: &'c TypedPackage<'a>,
    units: &'c Units,
    variables: &'c Variables,
    file: &'c TypedFile<'a>,
    unit: &'c Unit,
    id: UnitId,
}

impl Collector<'_, '_> {
    fn collect(&self, launches: &mut Launches) {
        let tree = self.file.tree;
        let mut add = |target: UnitId, start: Start| {
            launches.of.entry(target).or_default().push(start);
        };
        let mut pending = vec![(self.unit.body, self.unit.node)];
        while let Some((node, parent)) = pending.pop() {
            match tree.expression(node) {
                Expression::Call {
                    function,
                    arguments,
                    ..
                } => self.call(node, parent, function, arguments, &mut add),
                Expression::FunctionLiteral { .. } => {
                    if let Some(target) = self.units.of_literal(self.unit.file, node)
                        && !self.is_understood(node, parent)
                    {
                        add(target, self.unknown(node));
                    }
                    continue;
                }
                Expression::Identifier => {
                    if let Some(target) = self.stored_literal(node)
                        && !self.is_understood(node, parent)
                    {
                        add(target, self.unknown(node));
                    }
                }
                _ => {}
            }
            let below = pending.len();
            tree.for_each_child(node, |child| pending.push((child, node)));
            pending[below..].reverse();
        }
    }

    fn unknown(&self, node: NodeId) -> Start {
        Start {
            unit: self.id,
            node,
            call: node,
            kind: StartKind::Unknown,
        }
    }

    /// The literal that a variable always holds.
    fn stored_literal(&self, identifier: NodeId) -> Option<UnitId> {
        let object = self.file.facts.object_of(identifier)?;
        let (file, value) = self.variables.single(object)?;
        let value = unparenthesized(&self.package.files[file], value);
        self.units.of_literal(file, value)
    }

    /// Whether a function value stands where [`Collector::call`] or [`Variables`] sees it.
    fn is_understood(&self, node: NodeId, parent: NodeId) -> bool {
        let tree = self.file.tree;
        match tree.kind(parent) {
            NodeKind::CallExpr => {
                let Expression::Call { function, .. } = tree.expression(parent) else {
                    return false;
                };
                unparenthesized(self.file, function) == node || self.runs_as_goroutine(parent, node)
            }
            NodeKind::AssignStmt => {
                let Statement::Assign { left, right, .. } = tree.statement(parent) else {
                    return false;
                };
                // Where the variable is set. The variable itself is counted where it is used.
                left.contains(&node)
                    || left.len() == right.len()
                        && left.iter().zip(right).any(|(&place, &value)| {
                            value == node
                                && tree.kind(place) == NodeKind::Ident
                                && tree.kind(node) == NodeKind::FuncLit
                                && self.stored_literal(place).is_some()
                        })
            }
            NodeKind::ValueSpec => match tree.kind(node) {
                NodeKind::FuncLit => matches!(
                    tree.specification(parent),
                    goward_syntax::Specification::Value { names: [name], .. }
                        if self.stored_literal(*name).is_some()
                ),
                _ => matches!(
                    tree.specification(parent),
                    goward_syntax::Specification::Value { names, .. } if names.contains(&node)
                ),
            },
            _ => false,
        }
    }

    fn call(
        &self,
        call: NodeId,
        parent: NodeId,
        function: NodeId,
        arguments: &[NodeId],
        add: &mut dyn FnMut(UnitId, Start),
    ) {
        let (kind, node) = match self.file.tree.kind(parent) {
            NodeKind::GoStmt => (StartKind::Go, parent),
            NodeKind::DeferStmt => (StartKind::Defer, parent),
            _ => (StartKind::Call, call),
        };
        let start = Start {
            unit: self.id,
            node,
            call,
            kind,
        };
        if let Some(target) = self.target(function) {
            add(target, start);
        }
        if kind == StartKind::Call {
            for &argument in arguments {
                let argument = unparenthesized(self.file, argument);
                let is_function = matches!(
                    self.file.tree.kind(argument),
                    NodeKind::FuncLit | NodeKind::Ident | NodeKind::SelectorExpr
                );
                if is_function
                    && let Some(target) = self.target(argument)
                    && self.runs_as_goroutine(call, argument)
                {
                    let kind = StartKind::Go;
                    add(target, Start { kind, ..start });
                }
            }
        }
    }

    /// Whether a call runs the function that is this argument as a goroutine.
    fn runs_as_goroutine(&self, call: NodeId, argument: NodeId) -> bool {
        let Expression::Call {
            function,
            arguments,
            ..
        } = self.file.tree.expression(call)
        else {
            return false;
        };
        if is_named_for_goroutines(self.file, function) {
            return true;
        }
        let position = arguments
            .iter()
            .position(|&given| unparenthesized(self.file, given) == argument);
        let (Some(position), Some(target)) = (position, self.target(function)) else {
            return false;
        };
        let target = self.units.get(target);
        let file = &self.package.files[target.file];
        let Some(&Some(parameter)) = target.parameters.get(position) else {
            return false;
        };
        // The parameter is called, each time below a `go` statement, and not used otherwise.
        let mut called = false;
        let mut otherwise = false;
        let mut pending = vec![(target.body, target.node, false)];
        while let Some((node, parent, goroutine)) = pending.pop() {
            let tree = file.tree;
            if tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(parameter) {
                let calls = matches!(tree.expression(parent),
                    Expression::Call { function, .. } if function == node);
                called |= calls && goroutine;
                otherwise |= !(calls && goroutine);
            }
            let goroutine = goroutine || tree.kind(node) == NodeKind::GoStmt;
            tree.for_each_child(node, |child| pending.push((child, node, goroutine)));
        }
        called && !otherwise
    }

    fn target(&self, function: NodeId) -> Option<UnitId> {
        target(
            self.package,
            self.units,
            self.variables,
            self.unit,
            function,
        )
    }
}
