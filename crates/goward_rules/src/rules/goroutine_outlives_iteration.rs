//! `goroutine-outlives-iteration`: an endless loop leaves a goroutine behind in each turn.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::{ControlFlowGraph, StartKind, Step, Unit, UnitId};
use goward_syntax::{NodeId, NodeKind, Statement};
use goward_types::TypedFile;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::waiting::{Signal, first_waits};
use crate::walk::walk;

rule! {
    /// Reports goroutines of an endless loop that wait for something from outside of the loop.
    ///
    /// ## What it reports
    ///
    /// A `go` statement with a function literal in a `for` loop without a condition, where the literal
    /// begins to wait for channels, or for `Done` of contexts, that were all made outside of the loop,
    /// and that nobody sends on in the package.
    ///
    /// ## Why it matters
    ///
    /// The goroutine of one turn is still there when the next turn starts another one. They pile up
    /// until the signal comes that ends all of them, often the end of the process.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "context"
    ///
    /// func lead(stop chan struct{}, run func(context.Context)) {
    /// 	for {
    /// 		ctx, cancel := context.WithCancel(context.Background())
    /// 		go func() { // want goroutine-outlives-iteration
    /// 			<-stop
    /// 			cancel()
    /// 		}()
    /// 		run(ctx)
    /// 		select {
    /// 		case <-stop:
    /// 			return
    /// 		default:
    /// 			cancel()
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "context"
    ///
    /// func lead(stop chan struct{}, run func(context.Context)) {
    /// 	for {
    /// 		ctx, cancel := context.WithCancel(context.Background())
    /// 		go func() {
    /// 			select {
    /// 			case <-stop:
    /// 				cancel()
    /// 			case <-ctx.Done():
    /// 			}
    /// 		}()
    /// 		run(ctx)
    /// 		select {
    /// 		case <-stop:
    /// 			return
    /// 		default:
    /// 			cancel()
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: what tells the goroutine that the turn is over is your decision.
    pub(crate) const RULE: Rule = Rule {
        name: "goroutine-outlives-iteration",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, starts) in context.flow.launches().iter() {
        let unit = context.flow.units.get(id);
        let &[start] = starts else { continue };
        let starter = context.flow.units.get(start.unit);
        let file = context.file(unit.file);
        // A literal is started in its own file.
        if !unit.is_literal()
            || start.kind != StartKind::Go
            || file.tree.kind(start.node) != NodeKind::GoStmt
        {
            continue;
        }
        let Some(around) = endless_loop_around(file, starter, start.node) else {
            continue;
        };
        let Some(waits) = first_waits(context, unit) else {
            continue;
        };
        let outside = waits.iter().all(|wait| {
            is_from_outside(context, wait, id, file.tree.span(around)) && !wait.is_sent_to(context)
        });
        if !outside || !comes_back(&starter.graph, start.node) {
            continue;
        }
        let launch = context.span(unit.file, start.node);
        let span = Span::new(launch.start, launch.start + 2);
        let wait = &waits[0];
        let name = context.text(unit.file, wait.node);
        let path = context.path(unit.file);
        let head = context.span(unit.file, around);
        findings.push(
            RULE.diagnostic(
                path.clone(),
                span,
                format!("each turn of the loop leaves a goroutine that waits for `{name}`"),
            )
            .in_function(context.function(start.unit))
            .operation(format!("go, waits for {name}"))
            .step(
                path.clone(),
                Span::new(head.start, head.start + 3),
                "the loop goes round without end",
            )
            .step(
                path,
                context.span(unit.file, wait.node),
                format!("the goroutine waits here, and a new turn is nothing to `{name}`"),
            )
            .help("wait in a `select`, also for something that ends with the turn"),
        );
    }
}

/// The innermost `for` loop around a statement, if it has no condition.
fn endless_loop_around(file: &TypedFile<'_>, unit: &Unit, statement: NodeId) -> Option<NodeId> {
    let tree = file.tree;
    let inner = tree.span(statement);
    let mut found: Option<NodeId> = None;
    walk(unit, |node, _| {
        let span = tree.span(node);
        let is_loop = matches!(tree.kind(node), NodeKind::ForStmt | NodeKind::RangeStmt);
        if is_loop && span.start <= inner.start && inner.end <= span.end {
            // Nodes come from the outside to the inside.
            found = Some(node);
        }
    });
    let found = found?;
    match tree.statement(found) {
        Statement::For {
            condition: None, ..
        } => Some(found),
        _ => None,
    }
}

/// Whether what is waited for was there before the loop, and is the same in each turn.
fn is_from_outside(context: &Context<'_>, wait: &Signal, goroutine: UnitId, around: Span) -> bool {
    let file = context.flow.units.get(goroutine).file;
    let root = context.world().object(wait.root);
    let inside = root.package == Some(context.package.package)
        && root.file as usize == file
        && !root.is_package_level()
        && around.contains(root.offset);
    if inside || context.flow.declared_inside(wait.root, goroutine) {
        return false;
    }
    // Set anew in the loop.
    let tree = context.file(file).tree;
    let facts = context.file(file).facts;
    let mut set = false;
    crate::walk::walk_all(
        tree,
        context
            .flow
            .units
            .get(context.flow.units.outermost(goroutine))
            .body,
        |node| {
            if let Statement::Assign { left, .. } = tree.statement(node)
                && around.contains(tree.span(node).start)
            {
                set |= left.iter().any(|&place| {
                    crate::standard_library::named(context, context.file(file), place)
                        .is_some_and(|place| place.last == wait.last || place.last == wait.root)
                        || facts.object_of(place) == Some(wait.root)
                });
            }
        },
    );
    !set
}

/// Whether control can come back to a statement.
fn comes_back(graph: &ControlFlowGraph, statement: NodeId) -> bool {
    let steps = crate::walk::steps_after(graph, |step| step == Step::Statement(statement));
    steps.contains(&Step::Statement(statement))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn loops_and_what_their_goroutines_wait_for() {
        check(
            &RULE,
            r#"
package p

import "context"

type conn struct{}

func (conn) Close()           {}
func accept() (conn, error)   { return conn{}, nil }
func serve(conn)              {}
func ready() (chan bool, bool) { return nil, true }

func server(ctx context.Context) error {
	for {
		c, err := accept()
		if err != nil {
			return err
		}
		go func() { // want "waits for `ctx.Done()`"
			<-ctx.Done()
			c.Close()
		}()
		serve(c)
	}
}

func either(ctx context.Context, stop chan bool) {
	for {
		c, _ := accept()
		go func() { // want "waits for"
			select {
			case <-ctx.Done():
			case <-stop:
			}
			c.Close()
		}()
	}
}

func ofTheTurn() {
	for {
		done, ok := ready()
		if !ok {
			return
		}
		go func() {
			<-done
		}()
	}
}

func semaphore(limit chan bool) {
	for {
		limit <- true
		c, _ := accept()
		go func() {
			<-limit
			serve(c)
		}()
	}
}

func finite(stop chan bool, list []conn) {
	for _, c := range list {
		go func() {
			<-stop
			c.Close()
		}()
	}
}

func once(stop chan bool) {
	for {
		c, err := accept()
		if err != nil {
			continue
		}
		go func() {
			<-stop
			c.Close()
		}()
		return
	}
}
"#,
        );
    }
}
