//! `wait-group-done-missed`: a goroutine that can end without telling its waiter.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{BlockId, ControlFlowGraph, Start, StartKind, Step, UnitId};
use goward_syntax::{NodeId, NodeKind, Statement};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::wait_groups::{GroupCall, WaitGroups};
use crate::walk::{walk, walk_all};

rule! {
    /// Reports goroutines that can return without the `WaitGroup.Done` that they are waited for by.
    ///
    /// ## What it reports
    ///
    /// A function that is started as a goroutine right after `Add`, that calls `Done` without a `defer`,
    /// and can return on a path without it; where somebody calls `Wait`.
    ///
    /// ## Why it matters
    ///
    /// The counter never comes to zero: `Wait` waits for ever, and its goroutine stays.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// func all(work []func() error) {
    /// 	var group sync.WaitGroup
    /// 	for _, f := range work {
    /// 		group.Add(1)
    /// 		go func() {
    /// 			if err := f(); err != nil {
    /// 				return // want wait-group-done-missed
    /// 			}
    /// 			group.Done()
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// func all(work []func() error) {
    /// 	var group sync.WaitGroup
    /// 	for _, f := range work {
    /// 		group.Add(1)
    /// 		go func() {
    /// 			defer group.Done()
    /// 			if err := f(); err != nil {
    /// 				return
    /// 			}
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: `Done` may stand where it does for a reason.
    pub(crate) const RULE: Rule = Rule {
        name: "wait-group-done-missed",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let groups = WaitGroups::new(context);
    for (id, starts) in context.flow.launches().iter() {
        let &[start] = starts else { continue };
        if start.kind != StartKind::Go {
            continue;
        }
        let dones: Vec<&GroupCall> = groups
            .calls
            .iter()
            .filter(|call| call.unit == id && call.name == "Done")
            .collect();
        let Some(&first) = dones.first() else {
            continue;
        };
        if dones.iter().any(|done| done.text != first.text)
            || !is_counted(context, &groups, first, id, start)
            || is_handed_on(context, first, id)
        {
            continue;
        }
        let unit = context.flow.units.get(id);
        let nodes: Vec<NodeId> = dones.iter().map(|done| done.node).collect();
        let Some(exit) = exit_without(&unit.graph, &nodes) else {
            continue;
        };
        let name = &first.text;
        let message = format!("the goroutine can end here without `{name}.Done`");
        let place = exit.unwrap_or(first.node);
        let message = match exit {
            Some(_) => message,
            None => format!("`{name}.Done` is not called on every path of the goroutine"),
        };
        findings.push(
            RULE.diagnostic(
                context.path(unit.file),
                context.span(unit.file, place),
                message,
            )
            .in_function(context.function(id))
            .operation(format!("{name}.Done"))
            .step(
                context.path(unit.file),
                context.span(unit.file, first.node),
                format!("`{name}.Done` is called here, and not deferred"),
            )
            .help(format!(
                "`defer {name}.Done()`, first thing in the goroutine"
            )),
        );
    }
}

/// Whether the goroutine is started next to `Add` on a group that somebody waits for.
fn is_counted(
    context: &Context<'_>,
    groups: &WaitGroups,
    done: &GroupCall,
    goroutine: UnitId,
    start: Start,
) -> bool {
    let Some(group) = groups.seen_outside(context, done, goroutine, start) else {
        return false;
    };
    let starter = context.flow.units.get(start.unit);
    let tree = context.file(starter.file).tree;
    let mut beside = false;
    walk(starter, |node, _| {
        let (Statement::Block { statements: list }
        | Statement::CaseClause { body: list, .. }
        | Statement::CommunicationClause { body: list, .. }) = tree.statement(node)
        else {
            return;
        };
        let added = groups.calls.iter().any(|call| {
            call.name == "Add"
                && call.group == group
                && call.unit == start.unit
                && list.contains(&call.parent)
        });
        beside |= added && list.contains(&start.node);
    });
    beside && groups.is_waited_for(group)
}

/// Whether the goroutine does anything with the group but call it: then somebody else may call `Done`.
fn is_handed_on(context: &Context<'_>, done: &GroupCall, goroutine: UnitId) -> bool {
    let unit = context.flow.units.get(goroutine);
    let file = context.file(unit.file);
    let mut uses = 0;
    walk_all(file.tree, unit.body, |node| {
        let named = matches!(
            file.tree.kind(node),
            NodeKind::Ident | NodeKind::SelectorExpr
        );
        if named && context.text(unit.file, node) == done.text {
            uses += 1;
        }
    });
    let mut calls = 0;
    walk(unit, |node, parent| {
        let known = file.tree.kind(node) == NodeKind::CallExpr
            && file.tree.kind(parent) == NodeKind::ExprStmt;
        if known && context.text(unit.file, node) == format!("{}.Done()", done.text) {
            calls += 1;
        }
    });
    // A selector and its last name do not have the same text, so each use counts once.
    uses != calls
}

/// A return that control can come to without one of these calls: the `return`, or the end of the body.
fn exit_without(graph: &ControlFlowGraph, calls: &[NodeId]) -> Option<Option<NodeId>> {
    let mut seen = vec![false; graph.blocks.len()];
    let mut pending: Vec<BlockId> = vec![ControlFlowGraph::ENTRY];
    while let Some(block) = pending.pop() {
        if std::mem::replace(&mut seen[block.index()], true) {
            continue;
        }
        let called = graph
            .block(block)
            .steps
            .iter()
            .any(|step| matches!(step, Step::Expression(node) if calls.contains(node)));
        if called {
            continue;
        }
        let mut exits = graph.exits.iter();
        if let Some(exit) = exits.find(|exit| exit.from == block && exit.kind.returns()) {
            return Some(exit.node);
        }
        pending.extend(graph.block(block).successors.iter().map(|edge| edge.to));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn paths_through_goroutines() {
        check(
            &RULE,
            r#"
package p

import "sync"

func bad() bool { return true }
func finish(group *sync.WaitGroup) { group.Done() }

func inLoop(jobs chan int, quit chan bool) {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		for {
			select {
			case <-jobs:
				if bad() {
					return // want "can end here without `group.Done`"
				}
			case <-quit:
				group.Done()
				return
			}
		}
	}()
	group.Wait()
}

func everyPath() {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		if bad() {
			group.Done()
			return
		}
		group.Done()
	}()
	group.Wait()
}

func handedOn() {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		if bad() {
			finish(&group)
			return
		}
		group.Done()
	}()
	group.Wait()
}

func conditionalAdd(b bool) {
	var group sync.WaitGroup
	if b {
		group.Add(1)
	}
	go func() {
		if b {
			group.Done()
		}
	}()
	group.Wait()
}

func atTheEnd() {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		if bad() {
			group.Done() // want "not called on every path"
		}
	}()
	group.Wait()
}
"#,
        );
    }
}
