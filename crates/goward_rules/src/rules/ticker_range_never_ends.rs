//! `ticker-range-never-ends`: a loop over the channel of a ticker that is stopped, which does not close it.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::ObjectId;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::standard_library::{named, type_name};
use crate::walk::{has_way_out, walk};

rule! {
    /// Reports loops over the channel of a ticker that wait for ever once the ticker is stopped.
    ///
    /// ## What it reports
    ///
    /// `for range t.C`, where `t` is a `*time.Ticker` and the body of the loop has no way out, and some
    /// function of the package calls `t.Stop()`.
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
    /// func (m *monitor) stop() { m.ticker.Stop() }
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
    /// func (m *monitor) stop() {
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
    let mut stops: Vec<(ObjectId, usize, NodeId)> = Vec::new();
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
                    stops.push((place.last, unit.file, node));
                }
            }
            _ => {}
        });
    }
    for (id, node, operand, ticker, place) in loops {
        let Some(&(_, stop_file, stop)) = stops.iter().find(|stop| stop.0 == place) else {
            continue;
        };
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

func forEver() {
	t := time.NewTicker(time.Second)
	for range t.C {
		work()
	}
}
"#,
        );
    }
}
