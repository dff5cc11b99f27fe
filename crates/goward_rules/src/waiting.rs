//! What a goroutine waits for first.

use goward_flow::{Unit, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectId, TypedFile};

use crate::context::Context;
use crate::standard_library::named;
use crate::wait_groups::statements;
use crate::walk::walk;

/// A channel, or a context of which `Done` is waited for.
pub(crate) struct Signal {
    /// The operand of the receive.
    pub(crate) node: NodeId,
    /// The variable or field that holds the channel or context, and the variable it starts at.
    pub(crate) last: ObjectId,
    pub(crate) root: ObjectId,
    /// A context.
    pub(crate) is_context: bool,
}

impl Signal {
    /// Whether somebody in the package sends on the channel: then it does more than to say that
    /// something is over.
    pub(crate) fn is_sent_to(&self, context: &Context<'_>) -> bool {
        if self.is_context {
            return false;
        }
        context.flow.units.iter().any(|(_, unit)| {
            let file = context.file(unit.file);
            let mut sent = false;
            walk(unit, |node, _| {
                if let NodeKind::SendStmt = file.tree.kind(node)
                    && let Statement::Send { channel, .. } = file.tree.statement(node)
                {
                    sent |= named(context, file, channel)
                        .is_some_and(|channel| channel.last == self.last);
                }
            });
            sent
        })
    }
}

/// What a function waits for in its first statement, if that is a receive, or a `select` of receives
/// only.
pub(crate) fn first_waits(context: &Context<'_>, unit: &Unit) -> Option<Vec<Signal>> {
    let file = context.file(unit.file);
    let &first = statements(file, unit).first()?;
    let Statement::Select { body } = file.tree.statement(first) else {
        return Some(vec![signal(context, file, first)?]);
    };
    let Statement::Block { statements } = file.tree.statement(body) else {
        return None;
    };
    let waits: Option<Vec<Signal>> = statements
        .iter()
        .map(|&clause| match file.tree.statement(clause) {
            Statement::CommunicationClause {
                communication: Some(communication),
                ..
            } => signal(context, file, communication),
            _ => None,
        })
        .collect();
    waits.filter(|waits| !waits.is_empty())
}

/// The channel or context of a statement that receives, if it has a name.
pub(crate) fn signal(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    statement: NodeId,
) -> Option<Signal> {
    let receive = match file.tree.statement(statement) {
        Statement::Expression { expression } => expression,
        Statement::Assign { right: [value], .. } => *value,
        _ => return None,
    };
    let Expression::Unary {
        operator: UnaryOperator::Receive,
        operand,
    } = file.tree.expression(unparenthesized(file, receive))
    else {
        return None;
    };
    let operand = unparenthesized(file, operand);
    if let Expression::Call {
        function,
        arguments: [],
        ..
    } = file.tree.expression(operand)
    {
        let Expression::Selector {
            operand: of, name, ..
        } = file.tree.expression(unparenthesized(file, function))
        else {
            return None;
        };
        let place = named(context, file, of)?;
        return (file.tree.symbol(name).as_str() == "Done").then_some(Signal {
            node: operand,
            last: place.last,
            root: place.root,
            is_context: true,
        });
    }
    let place = named(context, file, operand)?;
    Some(Signal {
        node: operand,
        last: place.last,
        root: place.root,
        is_context: false,
    })
}
