//! What one function does, one after the other, to channels that it has closed: what `double-close` and
//! `send-on-closed-channel` share.
//!
//! A forward analysis keeps the channels that have been closed on the way, on all paths or on some.
//! Literals that are called or deferred where they stand, and functions of the package that are given the
//! channel or its object, are looked into one level deep; of what they do under conditions nothing is
//! concluded, and where they recover they are prepared for what they do.

use goward_diagnostics::{Diagnostic, Span};
use goward_flow::{Analysis, BlockId, Callee, Step, Unit, UnitId, callee, solve, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, TypeKind, TypedFile};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::rule::Rule;
use crate::standard_library::named;
use crate::walk::walk;

/// What is done to a channel.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Close,
    Send,
}

/// A channel that is closed or sent on after it has been closed.
pub(crate) struct Misuse {
    /// The function in which the order shows.
    pub(crate) unit: UnitId,
    pub(crate) operation: Operation,
    pub(crate) text: String,
    /// The function with the operation, and the operation.
    pub(crate) place: (UnitId, NodeId),
    /// The same of the close before it.
    pub(crate) closed: (UnitId, NodeId),
    /// The close before it happens on every path that leads here.
    pub(crate) certain: bool,
    /// The `defer` statement that it belongs to.
    pub(crate) deferred: Option<NodeId>,
}

/// What a rule says of a misuse.
pub(crate) struct Words {
    pub(crate) message: String,
    pub(crate) operation: String,
    /// Of the `defer` statement, where the operation belongs to one.
    pub(crate) deferred: &'static str,
    pub(crate) panics: &'static str,
    pub(crate) help: String,
}

impl Misuse {
    /// The finding of a rule: the close, the `defer` statement if there is one, and what panics.
    pub(crate) fn finding(&self, context: &Context<'_>, rule: &Rule, words: Words) -> Diagnostic {
        let units = &context.flow.units;
        let place = |(unit, node): (UnitId, NodeId)| {
            let file = units.get(unit).file;
            (context.path(file), context.span(file, node))
        };
        let (path, span) = place(self.place);
        let (closed_path, closed_span) = place(self.closed);
        let mut finding = rule
            .diagnostic(path.clone(), span, words.message)
            .in_function(context.function(self.unit))
            .operation(words.operation)
            .step(closed_path, closed_span, "the channel is closed here");
        if let Some(statement) = self.deferred {
            let (path, span) = place((self.unit, statement));
            let keyword = Span::new(span.start, span.start + 5);
            finding = finding.step(path, keyword, words.deferred);
        }
        finding.step(path, span, words.panics).help(words.help)
    }
}

/// A channel: the variable that it starts at, the variable or field that holds it, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Channel {
    root: ObjectId,
    last: ObjectId,
    text: String,
}

/// A channel that has been closed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Closed {
    channel: Channel,
    by: (UnitId, NodeId),
    certain: bool,
}

/// Something that a step does to a channel.
struct Done {
    channel: Channel,
    operation: Operation,
    place: (UnitId, NodeId),
}

/// All misuses in a package, each operation once.
pub(crate) fn misuses(context: &Context<'_>) -> Vec<Misuse> {
    let mut found: Vec<Misuse> = Vec::new();
    let closing = context.files_that_mention("close");
    let closers: FxHashSet<UnitId> = context
        .flow
        .units
        .iter()
        .filter(|(_, unit)| closing[unit.file] && closes_anything(context, unit))
        .map(|(id, _)| id)
        .collect();
    if closers.is_empty() {
        return found;
    }
    for (id, unit) in context.flow.units.iter() {
        if !closers.contains(&id) && !calls_any(context, unit, &closers) {
            continue;
        }
        let analysis = Order { context, id, unit };
        let solution = solve(&unit.graph, &analysis);
        if !solution.complete {
            continue;
        }
        let mut seen = FxHashSet::default();
        for (index, entry) in solution.entry.iter().enumerate() {
            let Some(mut state) = entry.clone() else {
                continue;
            };
            for &step in unit.graph.block(BlockId(index as u32)).steps {
                for done in analysis.done(step) {
                    let closed = state.iter().find(|known| known.channel == done.channel);
                    if let Some(closed) = closed
                        && (closed.certain || analysis.is_unconditional(step, &done, closed))
                        && seen.insert(done.place)
                    {
                        found.push(Misuse {
                            unit: id,
                            operation: done.operation,
                            text: done.channel.text.clone(),
                            place: done.place,
                            closed: closed.by,
                            certain: closed.certain,
                            deferred: match step {
                                Step::RunDeferred(statement) => Some(statement),
                                _ => None,
                            },
                        });
                    }
                    apply(&mut state, &done);
                }
                analysis.forget(&mut state, step);
            }
        }
    }
    found
}

/// Whether a function calls one of these.
fn calls_any(context: &Context<'_>, unit: &Unit, wanted: &FxHashSet<UnitId>) -> bool {
    let file = context.file(unit.file);
    unit.nodes.iter().any(|&(node, _)| {
        file.tree.kind(node) == NodeKind::CallExpr
            && matches!(file.tree.expression(node), Expression::Call { function, .. }
                if matches!(callee(context.world(), file, function), Callee::Function(object)
                    if context.flow.units.of_object(object).is_some_and(|target| wanted.contains(&target))))
    })
}

/// Whether a call of `close` stands anywhere in a function, its literals included.
fn closes_anything(context: &Context<'_>, unit: &Unit) -> bool {
    let file = context.file(unit.file);
    file.tree.preorder(unit.body).any(|node| {
        file.tree.kind(node) == NodeKind::CallExpr
            && matches!(file.tree.expression(node), Expression::Call { function, .. }
                if callee(context.world(), file, function) == Callee::Builtin("close"))
    })
}

fn apply(state: &mut Vec<Closed>, done: &Done) {
    let known = state.iter().any(|known| known.channel == done.channel);
    if done.operation == Operation::Close && !known {
        state.push(Closed {
            channel: done.channel.clone(),
            by: done.place,
            certain: true,
        });
    } else if done.operation == Operation::Close {
        // Whoever comes here has not closed it before, else it would have panicked.
        for known in state
            .iter_mut()
            .filter(|known| known.channel == done.channel)
        {
            known.certain = true;
        }
    }
}

struct Order<'c, 'a> {
    context: &'c Context<'a>,
    id: UnitId,
    unit: &'c Unit,
}

impl Order<'_, '_> {
    fn file(&self) -> &TypedFile<'_> {
        self.context.file(self.unit.file)
    }

    /// What a step does to channels, in order.
    fn done(&self, step: Step) -> Vec<Done> {
        let file = self.file();
        match step {
            Step::Expression(node) if file.tree.kind(node) == NodeKind::CallExpr => self.call(node),
            Step::RunDeferred(statement) => match file.tree.statement(statement) {
                Statement::Defer { call } => self.call(unparenthesized(file, call)),
                _ => Vec::new(),
            },
            Step::Statement(node) | Step::Communicate(node)
                if file.tree.kind(node) == NodeKind::SendStmt =>
            {
                send(self.context, self.id, node).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn call(&self, call: NodeId) -> Vec<Done> {
        if let Some(done) = close(self.context, self.id, call) {
            return vec![done];
        }
        let file = self.file();
        let Expression::Call {
            function,
            arguments,
            ..
        } = file.tree.expression(call)
        else {
            return Vec::new();
        };
        let function = unparenthesized(file, function);
        let units = &self.context.flow.units;
        let target = match callee(self.context.world(), file, function) {
            Callee::Function(object) => units.of_object(object),
            _ => units.of_literal(self.unit.file, function),
        };
        let Some(target) = target.filter(|&target| target != self.id) else {
            return Vec::new();
        };
        let receiver = match file.tree.expression(function) {
            Expression::Selector { operand, .. } => Some(operand),
            _ => None,
        };
        let mut inside = unconditional(self.context, target);
        inside.retain_mut(|done| self.translate(target, receiver, arguments, &mut done.channel));
        inside
    }

    /// Says a channel of a called function in terms of this one.
    fn translate(
        &self,
        target: UnitId,
        receiver: Option<NodeId>,
        arguments: &[NodeId],
        channel: &mut Channel,
    ) -> bool {
        let file = self.file();
        let called = self.context.flow.units.get(target);
        let given = if called.receiver == Some(channel.root) {
            receiver
        } else if let Some(position) = called
            .parameters
            .iter()
            .position(|&parameter| parameter == Some(channel.root))
        {
            arguments.get(position).copied()
        } else {
            // Captured, or of the package.
            return called.is_literal() && !self.context.flow.declared_inside(channel.root, target)
                || self.context.world().object(channel.root).is_package_level();
        };
        let Some(given) = given.map(|given| unparenthesized(file, given)) else {
            return false;
        };
        let Some(place) = named(self.context, file, given) else {
            return false;
        };
        let text = self.context.text(self.unit.file, given);
        let rest = channel
            .text
            .find('.')
            .map(|dot| channel.text[dot..].to_owned());
        if channel.last == channel.root {
            channel.last = place.last;
        }
        channel.root = place.root;
        channel.text = text + rest.as_deref().unwrap_or("");
        true
    }

    /// Forgets channels whose variable or field a step sets.
    fn forget(&self, state: &mut Vec<Closed>, step: Step) {
        let file = self.file();
        let tree = file.tree;
        let targets: Vec<NodeId> = match step {
            Step::Statement(node) if tree.kind(node) == NodeKind::AssignStmt => {
                match tree.statement(node) {
                    Statement::Assign { left, .. } => left.to_vec(),
                    _ => Vec::new(),
                }
            }
            Step::Statement(node) if tree.kind(node) == NodeKind::ValueSpec => {
                match tree.specification(node) {
                    Specification::Value { names, .. } => names.to_vec(),
                    _ => Vec::new(),
                }
            }
            Step::RangeAssign(node) => match tree.statement(node) {
                Statement::Range { key, value, .. } => [key, value].into_iter().flatten().collect(),
                _ => Vec::new(),
            },
            _ => return,
        };
        for target in targets {
            let target = unparenthesized(file, target);
            if let Some(place) = named(self.context, file, target) {
                let whole = tree.kind(target) == NodeKind::Ident;
                state.retain(|known| {
                    !(whole && known.channel.root == place.root) && known.channel.last != place.last
                });
            }
        }
    }

    /// Whether an operation on a channel that some paths have closed happens whatever path it was.
    fn is_unconditional(&self, step: Step, done: &Done, closed: &Closed) -> bool {
        let tree = self.file().tree;
        let at = match step {
            Step::RunDeferred(statement) => tree.span(statement),
            _ if done.place.0 == self.id => tree.span(done.place.1),
            _ => return false,
        };
        let deferred = matches!(step, Step::RunDeferred(_));
        let first = match closed.by.0 == self.id {
            true => tree.span(closed.by.1),
            false => return false,
        };
        let mut unconditional = true;
        walk(self.unit, |node, _| {
            let span = tree.span(node);
            let around = span.start <= at.start && at.end <= span.end;
            match tree.kind(node) {
                NodeKind::IfStmt => {
                    unconditional &= !around;
                    // A way out between the two may belong to the first one.
                    let between = span.start >= first.end && span.end <= at.start;
                    unconditional &= deferred || !between || !leaves(self.file(), node);
                }
                NodeKind::ForStmt
                | NodeKind::RangeStmt
                | NodeKind::CaseClause
                | NodeKind::CommClause => unconditional &= !around,
                // What may not return, as far as its name tells.
                NodeKind::CallExpr if span.start >= first.end && span.end <= at.start => {
                    if let Expression::Call { function, .. } = tree.expression(node) {
                        let name = self.context.text(self.unit.file, function);
                        let name = name.to_ascii_lowercase();
                        let ends = ["fatal", "panic", "exit", "fail", "abort", "skip"];
                        unconditional &= !ends.iter().any(|word| name.contains(word));
                    }
                }
                _ => {}
            }
        });
        unconditional
    }
}

impl Analysis for Order<'_, '_> {
    type State = Vec<Closed>;

    fn entry(&self) -> Vec<Closed> {
        Vec::new()
    }

    fn step(&self, state: &mut Vec<Closed>, _: BlockId, _: usize, step: Step) {
        for done in self.done(step) {
            apply(state, &done);
        }
        self.forget(state, step);
    }

    fn join(&self, into: &mut Vec<Closed>, from: &Vec<Closed>) -> bool {
        let before = into.clone();
        for known in into.iter_mut() {
            let there = from.iter().find(|other| other.channel == known.channel);
            known.certain &= there.is_some_and(|there| there.certain);
        }
        for other in from {
            if !into.iter().any(|known| known.channel == other.channel) {
                into.push(Closed {
                    certain: false,
                    ..other.clone()
                });
            }
        }
        *into != before
    }
}

/// The channel that an expression names.
fn channel(context: &Context<'_>, file: usize, node: NodeId) -> Option<Channel> {
    let typed = context.file(file);
    let node = unparenthesized(typed, node);
    let is_channel =
        context.world().underlying(typed.facts.type_of(node)).kind() == TypeKind::Channel;
    let place = named(context, typed, node).filter(|_| is_channel)?;
    Some(Channel {
        root: place.root,
        last: place.last,
        text: context.text(file, node),
    })
}

fn close(context: &Context<'_>, id: UnitId, call: NodeId) -> Option<Done> {
    let index = context.flow.units.get(id).file;
    let file = context.file(index);
    let Expression::Call {
        function,
        arguments: &[closed],
        ..
    } = file.tree.expression(call)
    else {
        return None;
    };
    if callee(context.world(), file, function) != Callee::Builtin("close") {
        return None;
    }
    Some(Done {
        channel: channel(context, index, closed)?,
        operation: Operation::Close,
        place: (id, call),
    })
}

fn send(context: &Context<'_>, id: UnitId, statement: NodeId) -> Option<Done> {
    let index = context.flow.units.get(id).file;
    let Statement::Send { channel: to, .. } = context.file(index).tree.statement(statement) else {
        return None;
    };
    Some(Done {
        channel: channel(context, index, to)?,
        operation: Operation::Send,
        place: (id, statement),
    })
}

/// What a function does to channels in statements of its own that stand under no condition, if it does
/// not recover.
fn unconditional(context: &Context<'_>, id: UnitId) -> Vec<Done> {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let tree = file.tree;
    let recovers = tree.preorder(unit.body).any(|node| {
        tree.kind(node) == NodeKind::CallExpr
            && matches!(tree.expression(node), Expression::Call { function, .. }
                if callee(context.world(), file, function) == Callee::Builtin("recover"))
    });
    let Statement::Block { statements } = tree.statement(unit.body) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for &statement in statements.iter().filter(|_| !recovers) {
        match tree.statement(statement) {
            Statement::Expression { expression } if tree.kind(statement) == NodeKind::ExprStmt => {
                found.extend(close(context, id, unparenthesized(file, expression)));
            }
            Statement::Send { .. } if tree.kind(statement) == NodeKind::SendStmt => {
                found.extend(send(context, id, statement));
            }
            // Behind a way out nothing is certain any more.
            Statement::If { .. } if leaves(file, statement) => break,
            Statement::Return { .. } | Statement::Select { .. } => break,
            _ => {}
        }
    }
    // Where it gets another channel, the next call closes that one.
    found.retain(|done| {
        !tree.preorder(unit.body).any(|node| {
            tree.kind(node) == NodeKind::AssignStmt
                && matches!(tree.statement(node), Statement::Assign { left, .. }
                    if left.iter().any(|&target| named(context, file, target)
                        .is_some_and(|place| place.last == done.channel.last)))
        })
    });
    found
}

/// Whether something in a statement leaves the function or loop around it.
fn leaves(file: &TypedFile<'_>, statement: NodeId) -> bool {
    let tree = file.tree;
    tree.preorder(statement).any(|node| {
        matches!(tree.kind(node), NodeKind::ReturnStmt | NodeKind::BranchStmt)
            || tree.kind(node) == NodeKind::CallExpr
                && matches!(tree.expression(node), Expression::Call { function, .. }
                    if tree.kind(function) == NodeKind::Ident
                        && tree.symbol(function).as_str() == "panic")
    })
}
