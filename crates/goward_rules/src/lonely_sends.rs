//! Sends on a channel without a buffer that nobody else has yet: they block for ever where they stand.

use goward_diagnostics::Span;
use goward_flow::{LocalChannel, UseKind};
use goward_syntax::{NodeId, NodeKind};

use crate::context::Context;

/// The first send of a function on a channel that it has made without a buffer, where no use of the
/// channel that could lead to a receive comes before it, nor in the loop around it.
pub(crate) fn lonely_send(context: &Context<'_>, channel: &LocalChannel) -> Option<NodeId> {
    if channel.capacity != Some(0) {
        return None;
    }
    let flow = context.flow;
    let unit = flow.units.get(channel.unit);
    let tree = context.file(unit.file).tree;
    let is_send = |kind: &UseKind| *kind == UseKind::Send { select: None };
    let mut own: Vec<_> = channel
        .uses
        .iter()
        .filter(|one| flow.units.chain(one.unit).any(|unit| unit == channel.unit))
        .collect();
    own.sort_by_key(|one| tree.span(one.node).start);
    let first = own.first()?;
    if first.unit != channel.unit || !is_send(&first.kind) {
        return None;
    }
    let at = tree.span(first.node);
    let made = tree.span(channel.made).start;
    // What a later turn of a loop does comes before this one as well.
    let until = unit
        .nodes
        .iter()
        .map(|entry| entry.0)
        .filter(|&node| matches!(tree.kind(node), NodeKind::ForStmt | NodeKind::RangeStmt))
        .map(|node| tree.span(node))
        .filter(|span: &Span| span.contains(at.start) && !span.contains(made))
        .map(|span| span.end)
        .max()
        .unwrap_or(at.end);
    // A label may be where others jump back to.
    let jumps = unit
        .nodes
        .iter()
        .any(|&(node, _)| tree.kind(node) == NodeKind::LabeledStmt);
    let alone = own
        .iter()
        .take_while(|one| tree.span(one.node).start < until)
        .all(|one| one.unit == channel.unit && is_send(&one.kind));
    (alone && !jumps).then_some(first.node)
}
