//! What brings a function and a goroutine that it started together, so that what the goroutine did
//! before has happened for the function after: a channel on which both work, or a group that the
//! goroutine tells and the function waits for.

use goward_flow::{BlockId, Callee, Step, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectId, Type, TypeId, TypeKind, TypedFile};

use crate::context::Context;
use crate::standard_library::named;
use crate::wait_groups::WaitGroups;
use crate::walk::{steps_after, walk};

/// How many calls deep a channel is followed.
const DEEPEST: usize = 3;

/// What a goroutine does after a place, as far as others can wait for it.
pub(crate) struct Meetings<'c, 'a> {
    context: &'c Context<'a>,
    groups: &'c WaitGroups,
    /// The function that waits.
    unit: UnitId,
    /// Groups on which the goroutine calls `Done`.
    told: Vec<ObjectId>,
    channels: Vec<Used>,
    /// There are several of the goroutine: one meeting on a channel is one with one of them.
    several: bool,
}

/// A channel that the goroutine uses.
struct Used {
    object: ObjectId,
    /// The type of its elements.
    element: TypeId,
    /// It sends or closes; else it receives.
    gives: bool,
}

impl<'c, 'a> Meetings<'c, 'a> {
    /// What `goroutine` does after `place` that the function `unit` may wait for.
    pub(crate) fn new(
        context: &'c Context<'a>,
        groups: &'c WaitGroups,
        goroutine: UnitId,
        place: NodeId,
        unit: UnitId,
    ) -> Self {
        let worker = context.flow.units.get(goroutine);
        let file = context.file(worker.file);
        let after = file.tree.span(place).end;
        let mut channels = Vec::new();
        walk(worker, |node, parent| {
            let deferred = file.tree.kind(parent) == NodeKind::DeferStmt;
            if (deferred || file.tree.span(node).start >= after)
                && let Some((channel, gives)) = channel_used(context, file, node)
                && let Some(place) = named(context, file, channel)
            {
                channels.push(Used {
                    object: place.last,
                    element: element(context, file.facts.type_of(channel)),
                    gives,
                });
            }
        });
        let told = groups.calls.iter().filter(|call| {
            call.unit == goroutine
                && call.name == "Done"
                && file.tree.span(call.node).start >= after
        });
        let told = told.map(|call| call.group).collect();
        let starts = context.flow.launches().of(goroutine).iter();
        let mut here = starts.filter(|start| start.unit == unit);
        let several = here.next().is_some_and(|start| {
            let is_start = |step: Step| is_at(step, start.node);
            let graph = &context.flow.units.get(unit).graph;
            steps_after(graph, is_start).into_iter().any(is_start)
        }) || here.next().is_some();
        Meetings {
            several,
            context,
            groups,
            unit,
            told,
            channels,
        }
    }

    /// Whether every way from the start of the goroutine to a wait comes by a meeting with it.
    pub(crate) fn precede(&self, start: NodeId, wait: NodeId) -> bool {
        let unit = self.context.flow.units.get(self.unit);
        let tree = self.context.file(unit.file).tree;
        let graph = &unit.graph;
        let mut pending: Vec<(BlockId, usize)> = Vec::new();
        for &block in graph.reverse_postorder() {
            let steps = graph.block(block).steps;
            if let Some(index) = steps.iter().position(|&step| is_at(step, start)) {
                pending.push((block, index + 1));
            }
        }
        let mut seen = vec![false; graph.block_count()];
        'blocks: while let Some((block, from)) = pending.pop() {
            for &step in &graph.block(block).steps[from..] {
                let node = match step {
                    Step::Expression(node)
                    | Step::Statement(node)
                    | Step::Communicate(node)
                    | Step::RangeNext(node)
                    | Step::RunDeferred(node) => node,
                    _ => continue,
                };
                let waits = match step {
                    Step::RunDeferred(_) => tree.span(node).contains(tree.span(wait).start),
                    _ => node == wait,
                };
                if waits {
                    return false;
                }
                if !matches!(step, Step::RunDeferred(_)) && self.is_meeting(step, node) {
                    continue 'blocks;
                }
            }
            for edge in graph.block(block).successors {
                if !std::mem::replace(&mut seen[edge.to.index()], true) {
                    pending.push((edge.to, 0));
                }
            }
        }
        true
    }

    fn is_meeting(&self, step: Step, node: NodeId) -> bool {
        let context = self.context;
        let unit = context.flow.units.get(self.unit);
        let file = context.file(unit.file);
        let waited = self.groups.calls.iter().any(|call| {
            call.unit == self.unit
                && call.node == node
                && call.name == "Wait"
                && self.told.contains(&call.group)
        });
        if waited || self.several {
            return waited;
        }
        let inside = match (step, file.tree.statement(node)) {
            (Step::Communicate(_), Statement::Expression { expression }) => expression,
            (Step::Communicate(_), Statement::Assign { right: [value], .. }) => *value,
            _ => node,
        };
        if let Some((channel, gives)) = channel_used(context, file, inside) {
            // A close waits for nobody.
            let waits = file.tree.kind(inside) != NodeKind::CallExpr;
            return waits && self.is_shared(file, channel, gives);
        }
        match file.tree.kind(node) {
            NodeKind::CallExpr => self.is_meeting_in_call(file, node),
            _ => false,
        }
    }

    /// Whether the goroutine uses the channel from the other side.
    fn is_shared(&self, file: &TypedFile<'_>, channel: NodeId, gives: bool) -> bool {
        let Some(place) = named(self.context, file, channel) else {
            return false;
        };
        // What is sent into a buffer meets nobody.
        if gives && self.has_buffer(place.last) {
            return false;
        }
        let carried = element(self.context, file.facts.type_of(channel));
        self.channels.iter().any(|used| {
            // One variable here may be another one there: what carries a type of this package is taken
            // for the same.
            let same = used.object == place.last || carried == used.element && self.is_own(carried);
            same && used.gives != gives
        })
    }

    fn has_buffer(&self, channel: ObjectId) -> bool {
        let channels = self.context.flow.local_channels().iter();
        channels
            .filter(|known| known.object == channel)
            .any(|known| known.capacity != Some(0))
    }

    fn is_own(&self, carried: TypeId) -> bool {
        let world = self.context.world();
        carried.is_known()
            && goward_flow::named_behind(world, carried).is_some_and(|object| {
                world.object(object).package == Some(self.context.package.package)
            })
    }

    /// Whether a call is given a channel of the goroutine, and uses it.
    fn is_meeting_in_call(&self, file: &TypedFile<'_>, call: NodeId) -> bool {
        let Expression::Call {
            function,
            arguments,
            ..
        } = file.tree.expression(call)
        else {
            return false;
        };
        let called = callee(self.context.world(), file, function);
        if matches!(called, Callee::Builtin(_) | Callee::Conversion) {
            return false;
        }
        arguments.iter().enumerate().any(|(position, &argument)| {
            let shared = named(self.context, file, argument)
                .is_some_and(|place| self.channels.iter().any(|used| used.object == place.last));
            shared
                && match called {
                    Callee::Function(object) => match self.context.flow.units.of_object(object) {
                        Some(target) => uses_parameter(self.context, target, position, DEEPEST),
                        None => true,
                    },
                    _ => true,
                }
        })
    }
}

fn is_at(step: Step, wanted: NodeId) -> bool {
    matches!(step, Step::Statement(node) | Step::Expression(node) if node == wanted)
}

/// Whether a function sends on a channel that it is given or receives from it, or gives it to one that
/// does.
fn uses_parameter(context: &Context<'_>, id: UnitId, position: usize, depth: usize) -> bool {
    let unit = context.flow.units.get(id);
    let Some(&Some(parameter)) = unit.parameters.get(position) else {
        return false;
    };
    let file = context.file(unit.file);
    let is_parameter =
        |node: NodeId| file.facts.object_of(unparenthesized(file, node)) == Some(parameter);
    let mut used = false;
    walk(unit, |node, _| {
        if let Some((channel, _)) = channel_used(context, file, node) {
            used |= file.tree.kind(node) != NodeKind::CallExpr && is_parameter(channel);
            return;
        }
        // Under another name it may be used as well.
        if file.tree.kind(node) == NodeKind::AssignStmt
            && let Statement::Assign { right, .. } = file.tree.statement(node)
        {
            used |= right.iter().any(|&value| is_parameter(value));
            return;
        }
        if depth > 0
            && file.tree.kind(node) == NodeKind::CallExpr
            && let Expression::Call {
                function,
                arguments,
                ..
            } = file.tree.expression(node)
            && let Some(place) = arguments
                .iter()
                .position(|&argument| is_parameter(argument))
        {
            used |= match callee(context.world(), file, function) {
                Callee::Function(object) => match context.flow.units.of_object(object) {
                    Some(target) => uses_parameter(context, target, place, depth - 1),
                    None => true,
                },
                Callee::Builtin(_) | Callee::Conversion => false,
                _ => true,
            };
        }
    });
    used
}

/// The channel that a node sends on, closes or receives from; whether it does not receive.
fn channel_used(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
) -> Option<(NodeId, bool)> {
    let tree = file.tree;
    match tree.kind(node) {
        NodeKind::SendStmt => match tree.statement(node) {
            Statement::Send { channel, .. } => Some((channel, true)),
            _ => None,
        },
        NodeKind::RangeStmt => match tree.statement(node) {
            Statement::Range { operand, .. } => {
                let ranged = file.facts.type_of(operand);
                let channel = ranged.is_known()
                    && context.world().underlying(ranged).kind() == TypeKind::Channel;
                channel.then_some((operand, false))
            }
            _ => None,
        },
        NodeKind::UnaryExpr => match tree.expression(node) {
            Expression::Unary {
                operator: UnaryOperator::Receive,
                operand,
            } => Some((operand, false)),
            _ => None,
        },
        NodeKind::CallExpr => match tree.expression(node) {
            Expression::Call {
                function,
                arguments: &[channel],
                ..
            } if callee(context.world(), file, function) == Callee::Builtin("close") => {
                Some((channel, true))
            }
            _ => None,
        },
        _ => None,
    }
}

/// What a channel carries.
fn element(context: &Context<'_>, channel: TypeId) -> TypeId {
    if !channel.is_known() {
        return TypeId::UNKNOWN;
    }
    match context.world().get(context.world().underlying(channel)) {
        Type::Channel { element, .. } => element,
        _ => TypeId::UNKNOWN,
    }
}
