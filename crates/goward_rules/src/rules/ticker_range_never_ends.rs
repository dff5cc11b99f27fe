//! `ticker-range-never-ends`: a loop over the channel of a ticker that is stopped, which does not close it.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{StartKind, Step, UnitId};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::ObjectId;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::standard_library::{named, type_name};
use crate::walk::{defer_statements, has_way_out, walk};

rule! {
    /// Reports loops over the channel of a ticker that wait for ever once the ticker is stopped.
    ///
    /// ## What it reports
    ///
    /// `for range t.C`, where `t` is a `*time.Ticker` and the body of the loop has no way out, and some
    /// function of the package calls `t.Stop()`. Silent where no call of `Stop` can be reached (deferred
    /// in front of the loop that never ends, or in an unexported function that nobody uses), and where it
    /// is deferred in the function `main` of a program.
    ///
    /// ## Why it matters
    ///
    /// `Stop` does not close the channel: the loop gets no more ticks and no end, and its goroutine
    /// stays. Who stopped the ticker meant it to end.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "time"
    ///
    /// type monitor struct{ ticker *time.Ticker }
    ///
    /// func (m *monitor) start(check func()) {
    /// 	go func() {
    /// 		for range m.ticker.C { // want ticker-range-never-ends
    /// 			check()
    /// 		}
    /// 	}()
    /// }
    ///
    /// func (m *monitor) Stop() { m.ticker.Stop() }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "time"
    ///
    /// type monitor struct {
    /// 	ticker *time.Ticker
    /// 	closed chan struct{}
    /// }
    ///
    /// func (m *monitor) start(check func()) {
    /// 	go func() {
    /// 		for {
    /// 			select {
    /// 			case <-m.ticker.C:
    /// 				check()
    /// 			case <-m.closed:
    /// 				return
    /// 			}
    /// 		}
    /// 	}()
    /// }
    ///
    /// func (m *monitor) Stop() {
    /// 	m.ticker.Stop()
    /// 	close(m.closed)
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: how the goroutine learns that it should stop is your decision.
    pub(crate) const RULE: Rule = Rule {
        name: "ticker-range-never-ends",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let mut loops = Vec::new();
    let mut stops: Vec<(ObjectId, UnitId, NodeId)> = Vec::new();
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        walk(unit, |node, _| match file.tree.kind(node) {
            NodeKind::RangeStmt => {
                if let Statement::Range { operand, .. } = file.tree.statement(node)
                    && let Expression::Selector {
                        operand: ticker,
                        name,
                    } = file.tree.expression(operand)
                    && file.tree.symbol(name).as_str() == "C"
                    && type_name(context, file.facts.type_of(ticker)) == Some(("time", "Ticker"))
                    && let Some(place) = named(context, file, ticker)
                    && !has_way_out(&unit.graph, node)
                {
                    loops.push((id, node, operand, ticker, place.last));
                }
            }
            NodeKind::SelectorExpr => {
                if let Expression::Selector { operand, name } = file.tree.expression(node)
                    && file.tree.symbol(name).as_str() == "Stop"
                    && type_name(context, file.facts.type_of(operand)) == Some(("time", "Ticker"))
                    && let Some(place) = named(context, file, operand)
                {
                    stops.push((place.last, id, node));
                }
            }
            _ => {}
        });
    }
    for (id, node, operand, ticker, place) in loops {
        let reached = |&&(of, unit, stop): &&(ObjectId, UnitId, NodeId)| {
            of == place
                && is_reached(context, unit, stop)
                && (is_used(context, unit)
                    || context.flow.units.outermost(unit) == context.flow.units.outermost(id))
        };
        let Some(&(_, stop_unit, stop)) = stops.iter().find(reached) else {
            continue;
        };
        let stop_file = context.flow.units.get(stop_unit).file;
        let file = context.flow.units.get(id).file;
        let name = context.text(file, ticker);
        let mut span = context.span(file, node);
        span.end = context.span(file, operand).end;
        let message =
            format!("this loop waits for ever once `{name}` is stopped: `Stop` does not close `C`");
        findings.push(
            RULE.diagnostic(context.path(file), span, message)
                .in_function(context.function(id))
                .operation(format!("range {name}.C"))
                .step(
                    context.path(stop_file),
                    context.span(stop_file, stop),
                    "the ticker is stopped here",
                )
                .step(context.path(file), span, "there is no next tick, and no end")
                .help("wait in a `select`, also for a channel that is closed when the ticker is stopped"),
        );
    }
}

/// Whether a use of `Stop` can come to run while the process goes on.
fn is_reached(context: &Context<'_>, id: UnitId, stop: NodeId) -> bool {
    let unit = context.flow.units.get(id);
    let tree = context.file(unit.file).tree;
    let inside = |node: NodeId| tree.span(node).contains(tree.span(stop).start);
    let deferred = defer_statements(unit)
        .into_iter()
        .find(|&node| inside(node));
    if let Some(defer) = deferred {
        return is_run(context, id, defer);
    }
    // What is in a deferred literal.
    if let Some(start) = context.flow.launches().only(id)
        && start.kind == StartKind::Defer
        && unit.is_literal()
        && !is_run(context, start.unit, start.node)
    {
        return false;
    }
    let graph = &unit.graph;
    let blocks = graph.reverse_postorder().iter();
    blocks
        .flat_map(|&block| graph.block(block).steps)
        .any(|&step| step == Step::Expression(stop))
}

/// Whether control can come to the run of a deferred call, and the process does not end then.
fn is_run(context: &Context<'_>, id: UnitId, defer: NodeId) -> bool {
    let unit = context.flow.units.get(id);
    let graph = &unit.graph;
    let ends_process = context.is_command() && unit.name == "main";
    let blocks = graph.reverse_postorder().iter();
    !ends_process
        && blocks
            .flat_map(|&block| graph.block(block).steps)
            .any(|&step| step == Step::RunDeferred(defer))
}

/// Whether the declared function that this is or stands in may be called: it is exported, the language
/// calls it, or its name stands somewhere in the package.
fn is_used(context: &Context<'_>, id: UnitId) -> bool {
    let units = &context.flow.units;
    let outermost = units.get(units.outermost(id));
    let Some(object) = outermost.object else {
        return true;
    };
    let name = context.world().object(object).name;
    if context.world().object(object).is_exported() || ["main", "init"].contains(&name.as_str()) {
        return true;
    }
    // By name: a method may be called by way of an interface.
    context
        .package
        .files
        .iter()
        .enumerate()
        .any(|(index, file)| {
            let own = (index == outermost.file).then(|| file.tree.span(outermost.node));
            let mut roots = file.tree.declarations().iter();
            file.mentions(name.as_str())
                && roots.any(|&root| {
                    own != Some(file.tree.span(root))
                        && file.tree.preorder(root).any(|node| {
                            file.tree.kind(node) == NodeKind::Ident
                                && file.tree.symbol(node) == name
                        })
                })
        })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn loops_with_and_without_a_way_out() {
        check(
            &RULE,
            r#"
package p

import "time"

func work() bool { return true }

func local() (stop func()) {
	t := time.NewTicker(time.Second)
	go func() {
		for range t.C { // want "once `t` is stopped"
			work()
		}
	}()
	return t.Stop
}

func called() {
	t := time.NewTicker(time.Second)
	go func() {
		for range t.C { // want "once `t` is stopped"
			work()
		}
	}()
	work()
	t.Stop()
}

func leaves() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for range t.C {
		if work() {
			break
		}
	}
}

func fails() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for range t.C {
		if work() {
			panic("no")
		}
	}
}

func unreachable() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for range t.C {
		work()
	}
}

func unreachableInLiteral() {
	t := time.NewTicker(time.Second)
	defer func() { t.Stop() }()
	for range t.C {
		work()
	}
}

type loader struct{ first, second *time.Ticker }

func (l *loader) run() {
	for range l.first.C {
		work()
	}
}

func (l *loader) stopAll() {
	l.first.Stop()
}

func (l *loader) runOther() {
	for range l.second.C { // want "once `l.second` is stopped"
		work()
	}
}

func (l *loader) stopOther() {
	l.second.Stop()
}

type stopper interface{ stopOther() }

func forEver() {
	t := time.NewTicker(time.Second)
	for range t.C {
		work()
	}
}
"#,
        );
    }

    #[test]
    fn stops_at_the_end_of_the_process() {
        check(
            &RULE,
            r#"
package main

import "time"

func main() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	go func() {
		for range t.C {
			println("tick")
		}
	}()
	time.Sleep(time.Second)
}
"#,
        );
    }
}
