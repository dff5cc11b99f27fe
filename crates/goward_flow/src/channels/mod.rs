//! Channels that a function makes, with everything that is done with each of them.
//!
//! # How it works
//!
//! A channel is followed by its variable: in the function that makes it, in the literals there, and,
//! where it is an argument of a call of a function of the package, by the parameter that it becomes.
//! What is done with it is a list of [`ChannelUse`]s. A use that is not understood (it is stored,
//! sent, compared, given to a function of another package) is [`UseKind::Other`]; who finds one knows
//! that there may be uses that are not in the list.
//!
//! # What is absent
//!
//! Channels in fields, maps and package variables, and channels that a function is given.

mod counting;
mod sends;

use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, TypeKind, TypedFile, TypedPackage, VariableKind};
use rustc_hash::FxHashMap;

use crate::calls::{Callee, callee, unparenthesized};
use crate::launches::target;
use crate::path::Variables;
use crate::unit::{Unit, UnitId, Units};

pub(crate) use sends::abandoned_sends;
pub use sends::{AbandonedSend, Sends};

/// How many calls deep a channel is followed through parameters.
const DEPTH: usize = 3;

/// A channel that a function makes and keeps in a local variable.
#[derive(Clone, Debug)]
pub struct LocalChannel {
    /// The function that makes the channel.
    pub unit: UnitId,
    /// The variable.
    pub object: ObjectId,
    /// The call of `make`.
    pub made: NodeId,
    /// The size of the buffer where it is constant.
    pub capacity: Option<i64>,
    /// What is done with it, in the order of the source of each function.
    pub uses: Vec<ChannelUse>,
}

/// Something that is done with a channel.
#[derive(Clone, Debug)]
pub struct ChannelUse {
    /// The function in which it is done.
    pub unit: UnitId,
    /// The variable that stands for the channel there: its own, or a parameter.
    pub variable: ObjectId,
    /// The send statement, receive expression, range statement, call or other node.
    pub node: NodeId,
    pub kind: UseKind,
}

/// What is done with a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UseKind {
    /// A send; `select` is the `select` statement, where it has other clauses.
    Send {
        select: Option<NodeId>,
    },
    /// A receive; `select` as above.
    Receive {
        select: Option<NodeId>,
    },
    /// `range ch`.
    Range,
    Close,
    /// `len` and `cap`.
    Length,
    /// It is an argument of a call of this function of the package, whose uses are in the list too.
    Passed {
        target: UnitId,
    },
    /// It is a result.
    Returned,
    /// Something that is not understood.
    Other,
}

impl LocalChannel {
    /// Whether everything that is done with the channel is known.
    pub fn is_understood(&self) -> bool {
        self.uses
            .iter()
            .all(|one| !matches!(one.kind, UseKind::Other | UseKind::Returned))
    }

    /// Whether it is closed somewhere.
    pub fn is_closed(&self) -> bool {
        self.uses.iter().any(|one| one.kind == UseKind::Close)
    }
}

/// The channels that the functions of a package make and keep in local variables.
pub(crate) fn local_channels(
    package: &TypedPackage<'_>,
    units: &Units,
    variables: &Variables,
) -> Vec<LocalChannel> {
    let mut found = Vec::new();
    for (id, unit) in units.iter() {
        let file = &package.files[unit.file];
        let made = made_channels(package, file, id, unit);
        if made.is_empty() {
            continue;
        }
        let follow = Follow {
            package,
            units,
            variables,
        };
        let mut list: Vec<LocalChannel> = made.into_values().collect();
        list.sort_by_key(|channel| file.tree.span(channel.made).start);
        for channel in &mut list {
            follow.uses(id, channel.object, Some(channel.made), 0, &mut channel.uses);
        }
        found.extend(list);
    }
    found
}

/// `ch := make(chan T)` in the function itself.
fn made_channels(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    id: UnitId,
    unit: &Unit,
) -> FxHashMap<ObjectId, LocalChannel> {
    let mut channels: FxHashMap<ObjectId, LocalChannel> = FxHashMap::default();
    let mut consider = |name: NodeId, value: NodeId| {
        let value = unparenthesized(file, value);
        let Some(object) = file.facts.object_of(name) else {
            return;
        };
        let local = package.world.object(object).kind == ObjectKind::Variable(VariableKind::Local);
        let Some(capacity) = capacity(package, file, value).filter(|_| local) else {
            return;
        };
        // A variable that is made twice keeps the first one: the second is a use of unknown kind.
        channels.entry(object).or_insert(LocalChannel {
            unit: id,
            object,
            made: value,
            capacity,
            uses: Vec::new(),
        });
    };
    each_own_node(file, unit, &mut |node| match file.tree.kind(node) {
        NodeKind::AssignStmt => {
            if let Statement::Assign { left, right, .. } = file.tree.statement(node)
                && left.len() == right.len()
            {
                for (&name, &value) in left.iter().zip(right) {
                    if file.tree.kind(name) == NodeKind::Ident {
                        consider(name, value);
                    }
                }
            }
        }
        NodeKind::ValueSpec => {
            if let Specification::Value { names, values, .. } = file.tree.specification(node)
                && names.len() == values.len()
            {
                names
                    .iter()
                    .zip(values)
                    .for_each(|(&name, &value)| consider(name, value));
            }
        }
        _ => {}
    });
    channels
}

/// Calls `visit` with the nodes of a function, without those of the literals in it.
pub(crate) fn each_own_node(file: &TypedFile<'_>, unit: &Unit, visit: &mut dyn FnMut(NodeId)) {
    let mut pending = vec![unit.body];
    while let Some(node) = pending.pop() {
        visit(node);
        if file.tree.kind(node) != NodeKind::FuncLit {
            file.tree.for_each_child(node, |child| pending.push(child));
        }
    }
}

/// The capacity of a channel that an expression makes, if it makes one; none where it is no constant.
fn capacity(
    package: &TypedPackage<'_>,
    file: &TypedFile<'_>,
    value: NodeId,
) -> Option<Option<i64>> {
    let Expression::Call {
        function,
        arguments,
        ..
    } = file.tree.expression(value)
    else {
        return None;
    };
    let made = package.world.underlying(file.facts.type_of(value));
    if callee(package.world, file, function) != Callee::Builtin("make")
        || made.kind() != TypeKind::Channel
    {
        return None;
    }
    match arguments {
        [_] => Some(Some(0)),
        [_, size] => Some(
            file.facts
                .get(*size)
                .and_then(|known| known.value?.int64_value()),
        ),
        _ => None,
    }
}

struct Follow<'f, 'a> {
    package: &'f TypedPackage<'a>,
    units: &'f Units,
    variables: &'f Variables,
}

/// An identifier that stands for the channel, and where.
struct Place<'p> {
    /// The innermost function around it.
    unit: UnitId,
    identifier: NodeId,
    variable: ObjectId,
    /// The nodes around it, outermost first.
    around: &'p [NodeId],
    made: Option<NodeId>,
}

impl Follow<'_, '_> {
    /// Adds what a function and the literals in it do with a variable. `made` is the call that sets it.
    fn uses(
        &self,
        id: UnitId,
        object: ObjectId,
        made: Option<NodeId>,
        depth: usize,
        found: &mut Vec<ChannelUse>,
    ) {
        let unit = self.units.get(id);
        let file = &self.package.files[unit.file];
        let tree = file.tree;
        let mut around: Vec<NodeId> = vec![unit.node];
        let mut inside = vec![id];
        // A node on the way down, or the way back up from one.
        let mut pending = vec![(unit.body, false)];
        while let Some((node, done)) = pending.pop() {
            let literal = self.units.of_literal(unit.file, node);
            if done {
                around.pop();
                if literal.is_some() {
                    inside.pop();
                }
                continue;
            }
            if tree.kind(node) == NodeKind::Ident {
                if file.facts.object_of(node) == Some(object) {
                    let place = Place {
                        unit: inside.last().copied().unwrap_or(id),
                        identifier: node,
                        variable: object,
                        around: &around,
                        made,
                    };
                    self.classify(file, &place, depth, found);
                }
                continue;
            }
            if let Some(literal) = literal {
                inside.push(literal);
            }
            around.push(node);
            pending.push((node, true));
            let below = pending.len();
            tree.for_each_child(node, |child| pending.push((child, false)));
            pending[below..].reverse();
        }
    }

    fn classify(
        &self,
        file: &TypedFile<'_>,
        place: &Place<'_>,
        depth: usize,
        found: &mut Vec<ChannelUse>,
    ) {
        let tree = file.tree;
        let identifier = place.identifier;
        let Some(&parent) = place.around.last() else {
            return;
        };
        let mut node = parent;
        let kind = match tree.kind(parent) {
            NodeKind::SendStmt => match tree.statement(parent) {
                Statement::Send { channel, .. } if channel == identifier => UseKind::Send {
                    select: select_around(file, parent, place.around),
                },
                _ => UseKind::Other,
            },
            NodeKind::UnaryExpr => match tree.expression(parent) {
                Expression::Unary {
                    operator: UnaryOperator::Receive,
                    ..
                } => UseKind::Receive {
                    select: select_around(file, parent, place.around),
                },
                _ => UseKind::Other,
            },
            NodeKind::RangeStmt => match tree.statement(parent) {
                Statement::Range { operand, .. } if operand == identifier => UseKind::Range,
                _ => UseKind::Other,
            },
            NodeKind::CallExpr => match tree.expression(parent) {
                Expression::Call {
                    function,
                    arguments,
                    ..
                } => match callee(self.package.world, file, function) {
                    Callee::Builtin("close") => UseKind::Close,
                    Callee::Builtin("len" | "cap") => UseKind::Length,
                    _ => self.passed(place, function, arguments, depth, found),
                },
                _ => UseKind::Other,
            },
            NodeKind::ReturnStmt => UseKind::Returned,
            NodeKind::AssignStmt => {
                let made = matches!(tree.statement(parent), Statement::Assign { left, right, .. }
                    if left.len() == right.len()
                        && left.iter().zip(right).any(|(&target, &value)| target == identifier
                            && Some(unparenthesized(file, value)) == place.made));
                if made {
                    return;
                }
                UseKind::Other
            }
            NodeKind::ValueSpec => {
                let made = matches!(tree.specification(parent), Specification::Value { names, values, .. }
                    if names.contains(&identifier) && (values.is_empty() || values.iter().any(|&value| Some(unparenthesized(file, value)) == place.made)));
                if made {
                    return;
                }
                UseKind::Other
            }
            _ => {
                node = identifier;
                UseKind::Other
            }
        };
        found.push(ChannelUse {
            unit: place.unit,
            variable: place.variable,
            node,
            kind,
        });
    }

    /// The channel is an argument: goes on with the parameter that it becomes.
    fn passed(
        &self,
        place: &Place<'_>,
        function: NodeId,
        arguments: &[NodeId],
        depth: usize,
        found: &mut Vec<ChannelUse>,
    ) -> UseKind {
        let unit = self.units.get(place.unit);
        let position = arguments
            .iter()
            .position(|&argument| argument == place.identifier);
        let target = target(self.package, self.units, self.variables, unit, function);
        let (Some(position), Some(target), true) = (position, target, depth < DEPTH) else {
            return UseKind::Other;
        };
        let parameter = self.units.get(target).parameters.get(position);
        match parameter {
            // A parameter without a name: nothing is done with it.
            Some(None) => UseKind::Passed { target },
            Some(&Some(parameter)) => {
                let world = self.package.world;
                let known = world.underlying(world.object_type(parameter)).kind();
                if known != TypeKind::Channel {
                    return UseKind::Other;
                }
                self.uses(target, parameter, None, depth + 1, found);
                UseKind::Passed { target }
            }
            None => UseKind::Other,
        }
    }
}

/// The `select` statement that a send or receive is the communication of, if it has other clauses.
fn select_around(file: &TypedFile<'_>, operation: NodeId, around: &[NodeId]) -> Option<NodeId> {
    let tree = file.tree;
    let mut outwards = around.iter().rev().copied();
    let mut inner = operation;
    // Between a receive and its clause stand the assignment and parentheses.
    let clause = loop {
        let node = outwards.next()?;
        if node == operation {
            continue;
        }
        match tree.kind(node) {
            NodeKind::CommClause => break node,
            NodeKind::ExprStmt | NodeKind::AssignStmt | NodeKind::ParenExpr => inner = node,
            _ => return None,
        }
    };
    let Statement::CommunicationClause {
        communication: Some(communication),
        ..
    } = tree.statement(clause)
    else {
        return None;
    };
    if communication != inner {
        return None;
    }
    let block = outwards.next()?;
    let Statement::Block { statements } = tree.statement(block) else {
        return None;
    };
    let select = outwards.next()?;
    (statements.len() > 1).then_some(select)
}
