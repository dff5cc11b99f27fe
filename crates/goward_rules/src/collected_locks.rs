//! Loops that keep the locks of what they collect, for another loop to give them back.

use goward_diagnostics::Span;
use goward_flow::{Callee, PathId, UnitId, callee};
use goward_syntax::{Expression, NodeId, NodeKind};

use crate::context::Context;

/// Whether the turns of a loop collect what they have locked, and the function gives the locks of what it has
/// collected back further down.
pub(crate) fn is_kept_for_later(
    context: &Context<'_>,
    id: UnitId,
    path: PathId,
    around: Option<Span>,
) -> bool {
    let flow = context.flow;
    let paths = flow.locks.paths();
    let (Some(root), Some(mutex), Some(around)) =
        (paths.root(path), paths.last_field(path), around)
    else {
        return false;
    };
    let unit = flow.units.get(id);
    let file = context.file(unit.file);
    let tree = file.tree;
    if !around.contains(context.world().object(root).offset) {
        return false;
    }
    let collected = unit.nodes.iter().any(|&(node, _)| {
        let stores = match tree.kind(node) {
            NodeKind::CompositeLit => true,
            NodeKind::CallExpr => matches!(tree.expression(node), Expression::Call { function, .. }
                if callee(context.world(), file, function) == Callee::Builtin("append")),
            _ => false,
        };
        let arguments = match tree.expression(node) {
            Expression::Call { arguments, .. } => arguments,
            Expression::CompositeLiteral { elements, .. } => elements,
            _ => &[],
        };
        // The object itself, not something of it.
        let is_it = |value: NodeId| {
            let value = match tree.expression(value) {
                Expression::KeyValue { value, .. } => value,
                _ => value,
            };
            tree.kind(value) == NodeKind::Ident && file.facts.object_of(value) == Some(root)
        };
        stores
            && around.contains(tree.span(node).start)
            && arguments.iter().any(|&value| is_it(value))
    });
    collected
        && flow.observed.iter().any(|observed| {
            flow.units.chain(observed.unit).any(|unit| unit == id)
                && observed.event.kind.unlocks().is_some_and(|other| {
                    paths.last_field(other) == Some(mutex)
                        && paths.root(other) != Some(root)
                        && context.span(unit.file, observed.event.node).start >= around.end
                })
        })
}

#[cfg(test)]
mod tests {
    use crate::rule as named;
    use crate::testing::check;

    #[test]
    fn locks_that_are_collected() {
        check(
            named("unlock-missing-on-path").expect("the rule exists"),
            r#"
package p

import "sync"

type record struct {
	mu   sync.Mutex
	dead bool
}

func prune(records []*record) {
	var doomed []*record
	for _, r := range records {
		r.mu.Lock()
		if r.dead {
			doomed = append(doomed, r)
			continue
		}
		r.mu.Unlock()
	}
	for _, d := range doomed {
		d.mu.Unlock()
	}
}
func count(records []*record) (n int) {
	for _, r := range records {
		r.mu.Lock()
		if r.dead {
			n++
			continue // want "`r.mu` is still locked when the next turn"
		}
		r.mu.Unlock()
	}
	return n
}
func collect(records []*record) (doomed []*record) {
	for _, r := range records {
		r.mu.Lock()
		if r.dead {
			doomed = append(doomed, r)
			continue // want "`r.mu` is still locked when the next turn"
		}
		r.mu.Unlock()
	}
	return doomed
}
"#,
        );
    }
}
