//! `wait-group-done-missed`: a goroutine that can end without telling its waiter.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{
    BlockId, ControlFlowGraph, FlagState, Flags, Start, StartKind, Step, Unit, UnitId,
};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::constant::Value;
use goward_types::{ObjectId, TypedFile};
use rustc_hash::FxHashSet;

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
    /// and can return on a path without it; where somebody calls `Wait`. Silent where `Add` does not
    /// count just the goroutines that are started there: where it adds a number that is not known, where
    /// a value is sent on a channel between it and the `go` statement, and where functions that were not
    /// counted call `Done` too.
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
        if dones.iter().any(|done| done.text != first.text) || is_handed_on(context, first, id) {
            continue;
        }
        let unit = context.flow.units.get(id);
        let nodes: Vec<NodeId> = dones.iter().map(|done| done.node).collect();
        let Some(exit) = exit_without(context, unit, &nodes) else {
            continue;
        };
        if !is_counted(context, &groups, first, id, start) {
            continue;
        }
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

/// Whether the goroutine is started next to `Add` on a group that somebody waits for, and is what is
/// counted there.
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
    groups.is_waited_for(group)
        && counts_goroutines(context, groups, group, start)
        && groups.calls.iter().all(|call| {
            call.name != "Done"
                || call.group != group && call.group != done.group
                || is_counted_itself(context, groups, group, call)
        })
}

/// Whether the function with this call of `Done` is a goroutine, or stands in one, that is counted
/// where it is started. Any other may call it for somebody else.
fn is_counted_itself(
    context: &Context<'_>,
    groups: &WaitGroups,
    group: ObjectId,
    done: &GroupCall,
) -> bool {
    context.flow.units.chain(done.unit).any(|unit| {
        let mut starts = context.flow.launches().of(unit).iter();
        starts.any(|&start| {
            start.kind == StartKind::Go && counts_goroutines(context, groups, group, start)
        })
    })
}

/// Whether a goroutine is started next to `Add` of the number of goroutines that are started there and
/// call `Done`.
fn counts_goroutines(
    context: &Context<'_>,
    groups: &WaitGroups,
    group: ObjectId,
    start: Start,
) -> bool {
    let starter = context.flow.units.get(start.unit);
    let file = context.file(starter.file);
    let tree = file.tree;
    let mut counted = false;
    walk(starter, |node, _| {
        let (Statement::Block { statements: list }
        | Statement::CaseClause { body: list, .. }
        | Statement::CommunicationClause { body: list, .. }) = tree.statement(node)
        else {
            return;
        };
        let Some(position) = list.iter().position(|&node| node == start.node) else {
            return;
        };
        let added = |statement: &NodeId| {
            groups.calls.iter().find(|call| {
                call.name == "Add"
                    && call.group == group
                    && call.unit == start.unit
                    && call.parent == *statement
            })
        };
        // `Add` may also stand after the start, which is another rule's matter.
        let before = list[..position]
            .iter()
            .rposition(|node| added(node).is_some());
        let Some(add) = before.or_else(|| list.iter().position(|node| added(node).is_some()))
        else {
            return;
        };
        let next = list[add + 1..]
            .iter()
            .position(|node| added(node).is_some())
            .map_or(list.len(), |next| add + 1 + next);
        let between = &list[add.min(position)..position.max(add)];
        let sends = between
            .iter()
            .any(|&statement| tree.kind(statement) == NodeKind::SendStmt);
        let Some(number) = added(&list[add]).and_then(|call| number_added(file, call.node)) else {
            return;
        };
        let starts = list[add..next]
            .iter()
            .filter(|&&statement| calls_done(context, groups, starter, statement))
            .count();
        counted |= !sends && (number == 1 || usize::try_from(number) == Ok(starts));
    });
    counted
}

/// The argument of `Add`, if it is a constant.
fn number_added(file: &TypedFile<'_>, call: NodeId) -> Option<i64> {
    let Expression::Call {
        arguments: [number],
        ..
    } = file.tree.expression(call)
    else {
        return None;
    };
    match file.facts.get(*number)?.value {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    }
}

/// Whether a statement starts a goroutine that calls `Done` on some group.
fn calls_done(
    context: &Context<'_>,
    groups: &WaitGroups,
    starter: &Unit,
    statement: NodeId,
) -> bool {
    let units = &context.flow.units;
    context.flow.launches().iter().any(|(unit, starts)| {
        starts.iter().any(|start| {
            start.kind == StartKind::Go
                && start.node == statement
                && units.get(start.unit).node == starter.node
                && units.get(start.unit).file == starter.file
        }) && groups
            .calls
            .iter()
            .any(|call| call.name == "Done" && units.chain(call.unit).any(|around| around == unit))
    })
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
fn exit_without(context: &Context<'_>, unit: &Unit, calls: &[NodeId]) -> Option<Option<NodeId>> {
    let graph = &unit.graph;
    let flags = Flags::new(context.world(), context.file(unit.file), unit);
    let mut seen = FxHashSet::default();
    let mut pending: Vec<(BlockId, FlagState)> = vec![(ControlFlowGraph::ENTRY, 0)];
    while let Some((block, mut state)) = pending.pop() {
        if !seen.insert((block, state)) {
            continue;
        }
        let steps = graph.block(block).steps;
        let called = steps
            .iter()
            .any(|step| matches!(step, Step::Expression(node) if calls.contains(node)));
        if called {
            continue;
        }
        let mut exits = graph.exits.iter();
        if let Some(exit) = exits.find(|exit| exit.from == block && exit.kind.returns()) {
            return Some(exit.node);
        }
        for &step in steps {
            state = flags.after(state, step);
        }
        let successors = graph.block(block).successors.iter();
        pending.extend(
            successors
                .filter(|edge| flags.allows(state, edge.kind))
                .map(|edge| (edge.to, state)),
        );
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

import (
	"sync"
	"time"
)

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

func ticks(t *time.Ticker, quit chan bool) {
	var group sync.WaitGroup
	group.Add(2)
	go func() {
		for range t.C {
			select {
			case <-quit:
				group.Done()
				return
			default:
			}
		}
	}()
	go func() {
		for range time.Tick(time.Second) {
			if bad() {
				group.Done()
				break // the loop ends here only
			}
		}
	}()
	group.Wait()
}

func leavesTicks(t *time.Ticker, quit chan bool) {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		for range t.C {
			if bad() {
				break
			}
			select {
			case <-quit:
				group.Done() // want "not called on every path"
				return
			default:
			}
		}
	}()
	group.Wait()
}

func two() {
	var group sync.WaitGroup
	group.Add(2)
	go func() {
		if bad() {
			return // want "can end here without `group.Done`"
		}
		group.Done()
	}()
	go func() {
		defer group.Done()
	}()
	group.Wait()
}

func oneForEachTurn(count int) {
	var group sync.WaitGroup
	group.Add(count)
	go func() {
		for range count {
			group.Done()
		}
	}()
	group.Wait()
}

func handedOnByChannel(jobs chan int, quit chan bool) {
	var group sync.WaitGroup
	group.Add(1)
	jobs <- 1
	go func() {
		select {
		case <-quit:
			group.Done()
		case <-jobs:
		}
	}()
	group.Wait()
}

func doneElsewhere(jobs chan int, quit chan bool) {
	var group sync.WaitGroup
	finish := func() { group.Done() }
	group.Add(1)
	go func() {
		select {
		case jobs <- 1:
		case <-quit:
			group.Done()
		}
	}()
	finish()
	group.Wait()
}

func flagged(jobs chan int, quit chan bool) {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		over := false
		for {
			select {
			case <-jobs:
			case <-quit:
				over = true
				group.Done()
			}
			if over {
				break
			}
		}
	}()
	group.Wait()
}

func flaggedElsewhere(jobs chan int, quit chan bool) {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		over := false
		for !over {
			select {
			case <-jobs:
				over = true
			case <-quit:
				over = true
				group.Done() // want "not called on every path"
			}
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
