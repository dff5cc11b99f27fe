//! `ticker-not-stopped`: a ticker that runs on after the function that made it has returned.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{ControlFlowGraph, EdgeKind, Step, Unit, UnitId};
use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, TypedFile};
use rustc_hash::FxHashMap;

use crate::Rule;
use crate::context::Context;
use crate::rule::{Group, rule};
use crate::standard_library::called_function;
use crate::ticker_fields::never_stopped;
use crate::walk::{walk, walk_all};

rule! {
    /// Reports tickers that nobody stops, in modules whose Go version never collects them.
    ///
    /// ## What it reports
    ///
    /// A `time.NewTicker` kept in a local variable that the function does not pass on, and that it can
    /// return without having stopped; and a `time.Tick` in a function that can return; where the `go` line of the module is
    /// older than 1.23, or there is no go.mod. From `go 1.23` on, it is `ticker-left-to-collector`.
    ///
    /// ## Why it matters
    ///
    /// With a `go` line before 1.23, a ticker that is not stopped is never freed, also when nothing
    /// refers to it: it ticks until the process ends. Each call of the function leaves one more.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// -- go.mod --
    /// module example.com/app
    ///
    /// go 1.22
    /// -- poll.go --
    /// package poll
    ///
    /// import (
    /// 	"context"
    /// 	"time"
    /// )
    ///
    /// func poll(ctx context.Context, check func()) {
    /// 	ticker := time.NewTicker(time.Second) // want ticker-not-stopped
    /// 	for {
    /// 		select {
    /// 		case <-ctx.Done():
    /// 			return
    /// 		case <-ticker.C:
    /// 			check()
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// -- go.mod --
    /// module example.com/app
    ///
    /// go 1.22
    /// -- poll.go --
    /// package poll
    ///
    /// import (
    /// 	"context"
    /// 	"time"
    /// )
    ///
    /// func poll(ctx context.Context, check func()) {
    /// 	ticker := time.NewTicker(time.Second)
    /// 	defer ticker.Stop()
    /// 	for {
    /// 		select {
    /// 		case <-ctx.Done():
    /// 			return
    /// 		case <-ticker.C:
    /// 			check()
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// `defer ticker.Stop()` is added after the statement that makes the ticker, where the same
    /// function uses it and the statement is in no loop: the ticker is then of no use after the
    /// return. That is safe.
    pub(crate) const RULE: Rule = Rule {
        name: "ticker-not-stopped",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: Some(Safety::Safe),
        check: Some(check),
    };
}

/// The first minor version of Go whose modules have their tickers collected.
const COLLECTED_SINCE: u16 = 23;

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    if !collects_tickers(context) {
        tickers(context, &RULE, findings);
    }
}

/// Whether the garbage collector frees the tickers of programs in this module.
pub(crate) fn collects_tickers(context: &Context<'_>) -> bool {
    match context.package.module_version {
        Some(version) => version.0 >= COLLECTED_SINCE,
        // Outside of modules, a file that is run by its name has the newest version, and a package
        // can only be built in GOPATH mode, which has old ones. Programs may be either.
        None => context.is_command(),
    }
}

/// Finds the tickers that nobody stops.
pub(crate) fn tickers(context: &Context<'_>, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    never_stopped(context, rule, findings);
    let main = context.is_command();
    for (id, unit) in context.flow.units.iter() {
        if main && unit.name == "main" {
            // The process ends with it.
            continue;
        }
        let file = context.file(unit.file);
        if file.test {
            continue;
        }
        let mut made = Vec::new();
        walk(unit, |node, _| {
            if file.tree.kind(node) != NodeKind::CallExpr {
                return;
            }
            match called_function(context, file, node) {
                Some(("time", "NewTicker")) => made.push((node, true)),
                // A program needs such a ticker until its end.
                Some(("time", "Tick")) if !main => made.push((node, false)),
                _ => {}
            }
        });
        for (call, stoppable) in made {
            let ticker = Ticker {
                context,
                rule,
                id,
                unit,
                file,
                call,
            };
            findings.extend(if stoppable {
                ticker.not_stopped()
            } else {
                ticker.not_stoppable()
            });
        }
    }
}

/// What is done with a ticker.
#[derive(Default)]
struct Uses {
    users: Vec<UnitId>,
    /// Calls of `Stop`.
    stops: Vec<NodeId>,
}

struct Ticker<'t, 'a> {
    context: &'t Context<'a>,
    rule: &'t Rule,
    id: UnitId,
    unit: &'t Unit,
    file: &'t TypedFile<'a>,
    call: NodeId,
}

impl Ticker<'_, '_> {
    fn not_stoppable(&self) -> Option<Diagnostic> {
        leaves_after(&self.unit.graph, self.file, self.call, &[])?;
        let diagnostic = self.diagnostic("nobody can stop the ticker of `time.Tick`");
        Some(diagnostic.help("use `time.NewTicker` and stop it"))
    }

    fn not_stopped(&self) -> Option<Diagnostic> {
        let (variable, statement) = self.variable()?;
        let name = self.context.world().object(variable).name;
        let uses = self.uses(variable)?;
        // The function that makes it and those that use it all end.
        let ends = uses
            .users
            .iter()
            .all(|&user| user == self.id || self.context.flow.units.get(user).graph.returns());
        let exit = leaves_after(&self.unit.graph, self.file, self.call, &uses.stops)?;
        if !ends {
            return None;
        }
        let message = match uses.stops.first() {
            None => format!("the ticker `{name}` is not stopped"),
            Some(_) => format!("the ticker `{name}` is not stopped on every path"),
        };
        let mut diagnostic = self
            .diagnostic(message)
            .help(format!("`defer {name}.Stop()`"));
        if let Some(exit) = exit {
            diagnostic = diagnostic.step(
                self.context.path(self.unit.file),
                self.context.span(self.unit.file, exit),
                "the function can return here, and the ticker runs on",
            );
        }
        if uses.users.iter().all(|&user| user == self.id) {
            diagnostic.fix = self.fix(name.as_str(), statement);
        }
        Some(diagnostic)
    }

    fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        let context = self.context;
        let span = context.span(self.unit.file, self.call);
        let path = context.path(self.unit.file);
        self.rule
            .diagnostic(path, span, message)
            .in_function(context.function(self.id))
    }

    /// The local variable that the ticker is kept in, and the statement that sets it.
    fn variable(&self) -> Option<(ObjectId, NodeId)> {
        let tree = self.file.tree;
        let mut found = None;
        walk(self.unit, |node, parent| {
            let set = match tree.kind(node) {
                NodeKind::AssignStmt => match tree.statement(node) {
                    Statement::Assign {
                        left: [name],
                        right: [value],
                        ..
                    } if *value == self.call => Some((*name, node)),
                    _ => None,
                },
                NodeKind::ValueSpec => match tree.specification(node) {
                    Specification::Value { names, values, .. } if names.len() == values.len() => {
                        let position = values.iter().position(|&value| value == self.call);
                        position.map(|position| (names[position], parent))
                    }
                    _ => None,
                },
                _ => None,
            };
            found = found.or(set);
        });
        let (name, statement) = found?;
        let object = self.file.facts.object_of(name)?;
        // Set once, and a variable of this function.
        self.context.flow.lowered.variables.single(object)?;
        (tree.kind(name) == NodeKind::Ident && self.context.flow.declared_inside(object, self.id))
            .then_some((object, statement))
    }

    /// What is done with the ticker, if it is only read, reset, and stopped in a statement of its own.
    fn uses(&self, variable: ObjectId) -> Option<Uses> {
        let flow = self.context.flow;
        let file = self.file;
        let tree = file.tree;
        let mut uses = Uses::default();
        let mut understood = Vec::new();
        for (id, unit) in flow.units.iter() {
            if unit.file != self.unit.file || !flow.units.chain(id).any(|around| around == self.id)
            {
                continue;
            }
            let mut parents = FxHashMap::default();
            walk(unit, |node, parent| {
                parents.insert(node, parent);
                let Expression::Selector { operand, name } = tree.expression(node) else {
                    return;
                };
                if file.facts.object_of(operand) != Some(variable) {
                    return;
                }
                let around = tree.kind(parent);
                let known = match tree.symbol(name).as_str() {
                    // It must be received from there, not kept.
                    "C" => {
                        around == NodeKind::UnaryExpr
                            || matches!(tree.statement(parent),
                                Statement::Range { operand, .. } if operand == node)
                    }
                    "Reset" => true,
                    "Stop" => {
                        let plain = around == NodeKind::CallExpr
                            && parents.get(&parent).is_some_and(|&statement| {
                                tree.kind(statement) == NodeKind::ExprStmt
                            });
                        uses.stops.push(parent);
                        plain && id == self.id
                    }
                    _ => false,
                };
                if known {
                    understood.push(operand);
                    uses.users.push(id);
                }
            });
        }
        let mut known = true;
        walk_all(tree, self.unit.body, |node| {
            if tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(variable) {
                let declared = file.facts.identifier(node)
                    == Some(goward_types::IdentifierFact::Definition(Some(variable)));
                known &= declared || understood.contains(&node);
            }
        });
        (known && !uses.users.is_empty()).then_some(uses)
    }

    /// `defer ticker.Stop()` after the statement.
    fn fix(&self, name: &str, statement: NodeId) -> Option<Fix> {
        let tree = self.file.tree;
        let span = tree.span(statement);
        let mut in_loop = false;
        walk(self.unit, |node, _| {
            let around = tree.span(node);
            in_loop |= matches!(tree.kind(node), NodeKind::ForStmt | NodeKind::RangeStmt)
                && around.start <= span.start
                && span.end <= around.end;
        });
        let before = &self.file.source[..span.start as usize];
        let line = before.rsplit(|&byte| byte == b'\n').next()?;
        let indented = line.iter().all(u8::is_ascii_whitespace);
        if in_loop || !indented {
            return None;
        }
        let indent = String::from_utf8_lossy(line);
        Some(Fix {
            safety: Safety::Safe,
            message: format!("stop `{name}` when the function returns"),
            edits: vec![Edit {
                file: self.context.path(self.unit.file),
                span: Span::at(span.end),
                replacement: format!("\n{indent}defer {name}.Stop()"),
            }],
        })
    }
}

/// A return that control can come to from a call without any of these other calls: the `return`
/// statement, or none for the end of the body.
fn leaves_after(
    graph: &ControlFlowGraph,
    file: &TypedFile<'_>,
    call: NodeId,
    stops: &[NodeId],
) -> Option<Option<NodeId>> {
    let (first, index) = graph
        .reverse_postorder()
        .iter()
        .copied()
        .find_map(|block| {
            let mut steps = graph.block(block).steps.iter();
            let index = steps.position(|&step| step == Step::Expression(call))?;
            Some((block, index + 1))
        })?;
    // The channel of a ticker is never closed, so that a loop over it does not end by itself.
    let never = |kind: EdgeKind| match kind {
        EdgeKind::RangeDone(node) => match file.tree.statement(node) {
            Statement::Range { operand, .. } => {
                operand == call || is_channel_of_ticker(file, operand)
            }
            _ => false,
        },
        _ => false,
    };
    let mut seen = vec![false; graph.block_count()];
    let mut pending = vec![(first, index)];
    while let Some((block, from)) = pending.pop() {
        let stopped = graph.block(block).steps[from..]
            .iter()
            .any(|step| matches!(step, Step::Expression(node) if stops.contains(node)));
        if stopped {
            continue;
        }
        let mut exits = graph.exits.iter();
        if let Some(exit) = exits.find(|exit| exit.kind.returns() && exit.from == block) {
            return Some(exit.node);
        }
        for edge in graph.block(block).successors {
            if !never(edge.kind) && !std::mem::replace(&mut seen[edge.to.index()], true) {
                pending.push((edge.to, 0));
            }
        }
    }
    None
}

/// Whether an expression has the form `x.C`.
fn is_channel_of_ticker(file: &TypedFile<'_>, node: NodeId) -> bool {
    matches!(file.tree.expression(node), Expression::Selector { name, .. }
        if file.tree.symbol(name).as_str() == "C")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn tickers_of_functions_that_return() {
        check(
            &RULE,
            r#"
-- go.mod --
module example.com/app

go 1.22
-- a.go --
package p

import "time"

func bad() bool { return true }
func keep(*time.Ticker) {}

func returns() {
	t := time.NewTicker(time.Second) // want "the ticker `t` is not stopped"
	for range t.C {
		if bad() {
			return
		}
	}
}

func grouped() {
	var (
		n int
		t = time.NewTicker(time.Second) // want "the ticker `t` is not stopped"
	)
	for n < 3 {
		<-t.C
		n++
	}
}

func tick() {
	for range time.Tick(time.Second) { // want "nobody can stop"
		if bad() {
			break
		}
	}
}

func onePath() error {
	t := time.NewTicker(time.Second) // want "not stopped on every path"
	for {
		select {
		case <-t.C:
			if bad() {
				return nil
			}
		case <-make(chan bool):
			t.Stop()
			return nil
		}
	}
}

func everyPath() {
	t := time.NewTicker(time.Second)
	<-t.C
	t.Stop()
	if bad() {
		return
	}
	bad()
}

type closer struct {
	slow, fast, shared *time.Ticker
	done         chan bool
}

func newCloser() *closer {
	c := &closer{slow: time.NewTicker(time.Second)} // want "also not by `closer.Close`"
	c.fast = time.NewTicker(time.Second)
	c.shared = time.NewTicker(time.Second)
	keep(c.shared)
	go c.loop()
	return c
}

func (c *closer) loop() {
	for {
		select {
		case <-c.slow.C:
		case <-c.fast.C:
		case <-c.done:
			return
		}
	}
}

func (c *closer) Close() {
	c.fast.Stop()
	close(c.done)
}

type process struct{ ticker *time.Ticker }

func (p *process) start() {
	p.ticker = time.NewTicker(time.Second)
	<-p.ticker.C
}

func endless() {
	t := time.NewTicker(time.Second)
	for range t.C {
		bad()
	}
}

func endlessTick() {
	for range time.Tick(time.Second) {
		bad()
	}
}

func inGoroutine() {
	t := time.NewTicker(time.Second)
	go func() {
		for {
			<-t.C
		}
	}()
}

func stopped() {
	t := time.NewTicker(time.Second)
	go func() {
		<-t.C
		t.Stop()
	}()
}

func given() {
	t := time.NewTicker(time.Second)
	keep(t)
	<-t.C
}

func kept() <-chan time.Time {
	t := time.NewTicker(time.Second)
	c := t.C
	return c
}
"#,
        );
    }
}
