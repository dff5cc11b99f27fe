//! Calls on `sync.WaitGroup`s: which group, where.

use goward_flow::{Start, Unit, UnitId};
use goward_syntax::{Expression, NodeId, NodeKind, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::standard_library::{called_method, named};
use crate::walk::walk;

/// A call of `Add`, `Done`, `Wait` or `Go`.
#[derive(Clone)]
pub(crate) struct GroupCall {
    pub(crate) unit: UnitId,
    pub(crate) node: NodeId,
    /// The node around the call.
    pub(crate) parent: NodeId,
    pub(crate) name: &'static str,
    /// The variable or field that holds the group, and the variable that the expression starts at.
    pub(crate) group: ObjectId,
    pub(crate) root: ObjectId,
    /// The group as written.
    pub(crate) text: String,
}

/// All calls on groups in a package.
pub(crate) struct WaitGroups {
    pub(crate) calls: Vec<GroupCall>,
}

impl WaitGroups {
    pub(crate) fn new(context: &Context<'_>) -> WaitGroups {
        let mut calls = Vec::new();
        for (id, unit) in context.flow.units.iter() {
            let file = context.file(unit.file);
            walk(unit, |node, parent| {
                if file.tree.kind(node) == NodeKind::CallExpr
                    && let Some(method) = called_method(context, file, node)
                    && method.of == ("sync", "WaitGroup")
                    && let Some(place) = named(context, file, method.operand)
                {
                    let name = ["Add", "Done", "Wait", "Go"]
                        .into_iter()
                        .find(|&name| name == method.name);
                    calls.extend(name.map(|name| GroupCall {
                        unit: id,
                        node,
                        parent,
                        name,
                        group: place.last,
                        root: place.root,
                        text: context.text(unit.file, method.operand),
                    }));
                }
            });
        }
        WaitGroups { calls }
    }

    /// Whether somebody waits for a group.
    pub(crate) fn is_waited_for(&self, group: ObjectId) -> bool {
        self.calls
            .iter()
            .any(|call| call.group == group && call.name == "Wait")
    }

    /// The group that a call in a goroutine means, in terms of the function that starts it: what is
    /// passed for a parameter, and what is captured. None for what the goroutine makes itself.
    pub(crate) fn seen_outside(
        &self,
        context: &Context<'_>,
        call: &GroupCall,
        goroutine: UnitId,
        start: Start,
    ) -> Option<ObjectId> {
        let unit = context.flow.units.get(goroutine);
        let root = context.world().object(call.root);
        let given = unit
            .parameters
            .iter()
            .position(|parameter| *parameter == Some(call.root));
        match (root.kind, given) {
            (_, Some(position)) if call.root == call.group => passed(context, start, position),
            (_, Some(_)) | (ObjectKind::Variable(VariableKind::Receiver), _) => Some(call.group),
            (ObjectKind::Variable(_), None) => {
                (!context.flow.declared_inside(call.root, goroutine)).then_some(call.group)
            }
            _ => None,
        }
    }
}

/// The variable or field whose address is an argument of a call.
fn passed(context: &Context<'_>, start: Start, position: usize) -> Option<ObjectId> {
    let file = context.file(context.flow.units.get(start.unit).file);
    let Expression::Call { arguments, .. } = file.tree.expression(start.call) else {
        return None;
    };
    let mut argument = *arguments.get(position)?;
    if let Expression::Unary {
        operator: UnaryOperator::Address,
        operand,
    } = file.tree.expression(argument)
    {
        argument = operand;
    }
    Some(named(context, file, argument)?.last)
}

/// The statements of a function, in order.
pub(crate) fn statements<'t>(file: &TypedFile<'t>, unit: &Unit) -> &'t [NodeId] {
    match file.tree.statement(unit.body) {
        goward_syntax::Statement::Block { statements } => statements,
        _ => &[],
    }
}
