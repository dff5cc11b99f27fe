//! `wait-group-add-without-done`: a group is told of a goroutine that is then not started.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{
    BlockId, Callee, ControlFlowGraph, EdgeKind, StartKind, Step, Unit, UnitId, callee,
    unparenthesized,
};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::sharing::innermost_loop;
use crate::wait_groups::{GroupCall, WaitGroups};
use crate::walk::{walk, walk_all};

rule! {
    /// Reports `WaitGroup.Add` that is followed by a path on which nobody is started who calls `Done`.
    ///
    /// ## What it reports
    ///
    /// - `Add` in the same block as what answers it with `Done`, with a way between the two that leads
    ///   back to the `Add`, or to `Wait`;
    /// - `Add(len(list))` before a loop over `list` that starts a goroutine with `Done` in each turn,
    ///   and passes over some;
    /// - `Add` with a constant that is more than the calls of `Done`, for a group that nobody else has;
    /// - `Add` before a call of a function of the package that is given the function with `Done`, may
    ///   not run it, and says so in a result that is ignored.
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
    /// func all(items []string, work func(string)) {
    /// 	var group sync.WaitGroup
    /// 	group.Add(len(items)) // want wait-group-add-without-done
    /// 	for _, item := range items {
    /// 		if item == "" {
    /// 			continue
    /// 		}
    /// 		go func() {
    /// 			defer group.Done()
    /// 			work(item)
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
    /// func all(items []string, work func(string)) {
    /// 	var group sync.WaitGroup
    /// 	for _, item := range items {
    /// 		if item == "" {
    /// 			continue
    /// 		}
    /// 		group.Add(1)
    /// 		go func() {
    /// 			defer group.Done()
    /// 			work(item)
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: `Add` may have to move, or `Done` to be called on the other way.
    pub(crate) const RULE: Rule = Rule {
        name: "wait-group-add-without-done",
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
    for add in groups.calls.iter().filter(|call| call.name == "Add") {
        if !groups.is_waited_for(add.group) {
            continue;
        }
        let unit = context.flow.units.get(add.unit);
        let judge = Judge {
            context,
            groups: &groups,
            add,
            unit,
            file: context.file(unit.file),
        };
        findings.extend(judge.judge());
    }
}

struct Judge<'j, 'a> {
    context: &'j Context<'a>,
    groups: &'j WaitGroups,
    add: &'j GroupCall,
    unit: &'j Unit,
    file: &'j TypedFile<'a>,
}

impl Judge<'_, '_> {
    fn judge(&self) -> Option<Diagnostic> {
        if let Some((told, answered)) = self.constant_counts() {
            let name = &self.add.text;
            let times = match answered {
                1 => "once".to_owned(),
                _ => format!("{answered} times"),
            };
            return Some(self.finding(
                format!(
                    "`{name}` is told of {told} goroutines, and `Done` is called {times} at most"
                ),
                self.add.node,
                "nothing else in the function has the group",
            ));
        }
        let after = self.statements_after()?;
        let name = &self.add.text;
        if let Some((call, helper)) = after
            .iter()
            .find_map(|&statement| self.may_refuse(statement))
        {
            let helper = &self.context.flow.units.get(helper).name;
            return Some(self.finding(
                format!("`{name}.Done` never comes if `{helper}` does not start the goroutine"),
                call,
                &format!(
                    "`{helper}` may return without it, and the result that says so is ignored"
                ),
            ));
        }
        if let Some((range, answer)) = self.counted_loop(&after) {
            return self.passes_over(range, answer).then(|| {
                self.finding(
                    format!("`{name}` is told of more goroutines than the loop starts"),
                    answer,
                    "a turn of the loop may come round without this",
                )
            });
        }
        let answer = after
            .iter()
            .copied()
            .find(|&statement| self.answers(statement))
            // A loop may have no turn, and a branch has its own reasons.
            .filter(|&statement| {
                matches!(
                    self.file.tree.kind(statement),
                    NodeKind::GoStmt | NodeKind::ExprStmt | NodeKind::DeferStmt
                )
            })?;
        self.escapes(answer).then(|| {
            self.finding(
                format!("`{name}.Add` is not answered by `{name}.Done` on every path"),
                answer,
                "there is a way past this",
            )
        })
    }

    /// The constant of `Add`, and how often `Done` is called at most, where that is less: of a group of
    /// this function that nobody else has, with each `Done` and the goroutines around it outside of
    /// loops.
    fn constant_counts(&self) -> Option<(i64, i64)> {
        let flow = self.context.flow;
        let world = self.context.world();
        let tree = self.file.tree;
        let group = self.add.group;
        let local = self.add.root == group
            && world.object(group).kind == ObjectKind::Variable(VariableKind::Local)
            && flow.declared_inside(group, self.add.unit);
        let Expression::Call {
            arguments: [count], ..
        } = tree.expression(self.add.node)
        else {
            return None;
        };
        let told = self.file.facts.get(*count)?.value?.int64_value()?;
        if !local
            || told < 2
            || innermost_loop(self.context, self.add.unit, self.add.node).is_some()
        {
            return None;
        }
        let calls: Vec<_> = self
            .groups
            .calls
            .iter()
            .filter(|call| call.group == group)
            .collect();
        // Every use is one of these calls, but for the declaration.
        let mut uses = 0;
        walk_all(tree, self.unit.body, |node| {
            let definition = tree.span(node).start == world.object(group).offset;
            uses += usize::from(
                tree.kind(node) == NodeKind::Ident
                    && !definition
                    && self.file.facts.object_of(node) == Some(group),
            );
        });
        let adds = calls.iter().filter(|call| call.name == "Add").count();
        if uses != calls.len() || adds != 1 || calls.iter().any(|call| call.name == "Go") {
            return None;
        }
        let mut answered = 0;
        for done in calls.iter().filter(|call| call.name == "Done") {
            let mut at = (done.unit, done.node);
            loop {
                if innermost_loop(self.context, at.0, at.1).is_some() {
                    return None;
                }
                if at.0 == self.add.unit {
                    break;
                }
                // A literal that is started where it stands, and nowhere else.
                let start = flow.launches().only(at.0)?;
                let starter = self.context.file(flow.units.get(start.unit).file);
                let in_place = matches!(starter.tree.expression(start.call),
                    Expression::Call { function, .. }
                        if unparenthesized(starter, function) == flow.units.get(at.0).node);
                if start.kind == StartKind::Unknown || !in_place {
                    return None;
                }
                at = (start.unit, start.node);
            }
            answered += 1;
        }
        (answered > 0 && answered < told).then_some((told, answered))
    }

    fn finding(&self, message: String, at: NodeId, step: &str) -> Diagnostic {
        let context = self.context;
        let path = context.path(self.unit.file);
        RULE.diagnostic(
            path.clone(),
            context.span(self.unit.file, self.add.node),
            message,
        )
        .in_function(context.function(self.add.unit))
        .step(path, first_line(context, self.unit.file, at), step)
        .help("call `Add` right before the goroutine is started, or `Done` on the other ways")
    }

    /// The statements after `Add` in its block.
    fn statements_after(&self) -> Option<Vec<NodeId>> {
        let mut found = None;
        walk(self.unit, |node, _| {
            let (Statement::Block { statements: list }
            | Statement::CaseClause { body: list, .. }
            | Statement::CommunicationClause { body: list, .. }) = self.file.tree.statement(node)
            else {
                return;
            };
            if let Some(position) = list.iter().position(|&entry| entry == self.add.parent) {
                found = Some(list[position + 1..].to_vec());
            }
        });
        found
    }

    /// Whether a node does something with the group other than to add to it or wait for it: calls
    /// `Done`, starts who does, or gives it to somebody.
    fn answers(&self, node: NodeId) -> bool {
        let mut found = false;
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            // `group.Add` and `group.Wait` are steps of their own, before their calls.
            let known = matches!(self.file.tree.expression(node),
                Expression::Selector { operand, name }
                    if matches!(self.file.tree.symbol(name).as_str(), "Add" | "Wait")
                        && self.context.text(self.unit.file, operand) == self.add.text);
            let names = matches!(
                self.file.tree.kind(node),
                NodeKind::Ident | NodeKind::SelectorExpr
            );
            found |= names && self.context.text(self.unit.file, node) == self.add.text;
            if !known {
                self.file
                    .tree
                    .for_each_child(node, |child| pending.push(child));
            }
        }
        found
    }

    /// Whether control can come from `Add` to the same `Add` or to `Wait` past what answers it.
    fn escapes(&self, answer: NodeId) -> bool {
        // Something earlier may answer as well.
        let deferred_before = self
            .unit
            .graph
            .blocks()
            .flat_map(|block| block.steps)
            .any(|step| matches!(step, Step::Register(node) if self.answers(*node)));
        if deferred_before || self.answers_elsewhere(answer) {
            return false;
        }
        let graph = &self.unit.graph;
        let Some(start) = position(graph, Step::Expression(self.add.node)) else {
            return false;
        };
        let waits: Vec<NodeId> = self
            .groups
            .calls
            .iter()
            .filter(|call| {
                call.unit == self.add.unit && call.name == "Wait" && call.text == self.add.text
            })
            .map(|call| call.node)
            .collect();
        let mut found = false;
        search(graph, start, |step| match step {
            Step::Expression(node) if node == self.add.node || waits.contains(&node) => {
                found = true;
                false
            }
            Step::Expression(node)
            | Step::Statement(node)
            | Step::RunDeferred(node)
            | Step::Communicate(node)
            | Step::Return(node) => !self.answers(node),
            _ => true,
        });
        found
    }

    /// Whether the group is answered before the `Add`, by literals that anything may run, or added to
    /// elsewhere in the function: then the counts are not those of one place.
    fn answers_elsewhere(&self, answer: NodeId) -> bool {
        let tree = self.file.tree;
        let own = tree.span(self.add.node);
        let mut found = false;
        walk(self.unit, |node, _| {
            found |= tree.kind(node) == NodeKind::FuncLit
                && tree.span(node).start < own.start
                && self.answers(node);
        });
        found
            || self.groups.calls.iter().any(|call| {
                call.name == "Add"
                    && call.group == self.add.group
                    && call.node != self.add.node
                    && call.unit == self.add.unit
            })
            || tree.span(answer).start < own.start
    }

    /// For `Add(len(list))` the loop over the list, and the statement in its body that answers.
    fn counted_loop(&self, after: &[NodeId]) -> Option<(NodeId, NodeId)> {
        let tree = self.file.tree;
        let Expression::Call {
            arguments: [count], ..
        } = tree.expression(self.add.node)
        else {
            return None;
        };
        let Expression::Call {
            function,
            arguments: [list],
            ..
        } = tree.expression(unparenthesized(self.file, *count))
        else {
            return None;
        };
        if callee(self.context.world(), self.file, function) != Callee::Builtin("len") {
            return None;
        }
        let wanted = self.context.text(self.unit.file, *list);
        after.iter().find_map(|&statement| {
            let Statement::Range { operand, body, .. } = tree.statement(statement) else {
                return None;
            };
            let Statement::Block { statements } = tree.statement(body) else {
                return None;
            };
            let answer = statements
                .iter()
                .find(|&&entry| tree.kind(entry) == NodeKind::GoStmt && self.answers(entry))?;
            (self.context.text(self.unit.file, operand) == wanted).then_some((statement, *answer))
        })
    }

    /// Whether a turn of a loop can come round without anything that answers.
    fn passes_over(&self, range: NodeId, _: NodeId) -> bool {
        let graph = &self.unit.graph;
        let edges = graph.blocks().flat_map(|block| block.successors);
        let starts: Vec<BlockId> = edges
            .filter(|edge| edge.kind == EdgeKind::Range(range))
            .map(|edge| edge.to)
            .collect();
        let mut found = false;
        for start in starts {
            search(graph, (start, 0), |step| match step {
                Step::RangeNext(node) if node == range => {
                    found = true;
                    false
                }
                Step::Expression(node)
                | Step::Statement(node)
                | Step::Register(node)
                | Step::RunDeferred(node)
                | Step::Return(node) => !self.answers(node),
                _ => true,
            });
        }
        found
    }

    /// A call that is given the function that answers, of a function of the package that may not run
    /// it and whose result is ignored.
    fn may_refuse(&self, statement: NodeId) -> Option<(NodeId, UnitId)> {
        let flow = self.context.flow;
        let Statement::Expression { expression } = self.file.tree.statement(statement) else {
            return None;
        };
        let Expression::Call {
            function,
            arguments,
            ..
        } = self.file.tree.expression(expression)
        else {
            return None;
        };
        let Callee::Function(object) = callee(self.context.world(), self.file, function) else {
            return None;
        };
        let helper = flow.units.of_object(object)?;
        let target = flow.units.get(helper);
        let position = arguments.iter().position(|&argument| {
            self.file.tree.kind(argument) == NodeKind::FuncLit && self.answers(argument)
        })?;
        let parameter = target.parameters.get(position).copied().flatten()?;
        let file = self.context.file(target.file);
        let says_so = !target.results.is_empty();
        let uses = |node: NodeId| {
            let mut found = false;
            walk_all(file.tree, node, |part| {
                found |= file.tree.kind(part) == NodeKind::Ident
                    && file.facts.object_of(part) == Some(parameter);
            });
            found
        };
        let mut refuses = false;
        search(
            &target.graph,
            (ControlFlowGraph::ENTRY, 0),
            |step| match step {
                Step::Expression(node)
                | Step::Statement(node)
                | Step::Register(node)
                | Step::Communicate(node)
                | Step::Return(node)
                    if uses(node) =>
                {
                    false
                }
                Step::Return(_) => {
                    refuses = true;
                    false
                }
                _ => true,
            },
        );
        (says_so && refuses).then_some((expression, helper))
    }
}

/// The part of a node on its first line.
fn first_line(context: &Context<'_>, file: usize, node: NodeId) -> goward_diagnostics::Span {
    let mut span = context.span(file, node);
    let text = &context.file(file).source[span.range()];
    if let Some(end) = text.iter().position(|&byte| byte == b'\n') {
        span.end = span.start + end as u32;
    }
    span
}

/// The place after a step.
fn position(graph: &ControlFlowGraph, wanted: Step) -> Option<(BlockId, usize)> {
    graph.reverse_postorder().iter().copied().find_map(|block| {
        let index = graph
            .block(block)
            .steps
            .iter()
            .position(|&step| step == wanted)?;
        Some((block, index + 1))
    })
}

/// Calls `visit` with the steps that control can come to, and goes no further where it says `false`.
fn search(graph: &ControlFlowGraph, start: (BlockId, usize), mut visit: impl FnMut(Step) -> bool) {
    let mut seen = vec![false; graph.block_count()];
    let mut pending = vec![start];
    'blocks: while let Some((block, from)) = pending.pop() {
        for &step in &graph.block(block).steps[from..] {
            if !visit(step) {
                continue 'blocks;
            }
        }
        for edge in graph.block(block).successors {
            if !std::mem::replace(&mut seen[edge.to.index()], true) {
                pending.push((edge.to, 0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn adds_and_what_answers_them() {
        check(
            &RULE,
            r#"
package p

import "sync"

func bad(int) bool { return true }
func work(int)     {}

func tooMany() {
	var group sync.WaitGroup
	group.Add(2) // want "`group` is told of 2 goroutines, and `Done` is called once at most"
	go func() {
		defer group.Done()
		work(1)
	}()
	group.Wait()
}
func two() {
	var group sync.WaitGroup
	group.Add(2)
	go func() { defer group.Done(); work(1) }()
	go func() { defer group.Done(); work(2) }()
	group.Wait()
}
func inTurns() {
	var group sync.WaitGroup
	group.Add(2)
	for range 2 {
		go func() { defer group.Done(); work(1) }()
	}
	group.Wait()
}
func stored() {
	var group sync.WaitGroup
	group.Add(2)
	step := func() { defer group.Done(); work(1) }
	go step()
	go step()
	group.Wait()
}
func handed(run func(func())) {
	var group sync.WaitGroup
	group.Add(2)
	handler := func() { work(1); group.Done() }
	run(handler)
	group.Wait()
}
func each(run func()) {
	for range 2 {
		go run()
	}
}
func handedOn() {
	var group sync.WaitGroup
	group.Add(2)
	handler := func() { work(1); group.Done() }
	each(handler)
	group.Wait()
}
func given(run func(*sync.WaitGroup)) {
	var group sync.WaitGroup
	group.Add(2)
	go func() { defer group.Done(); work(1) }()
	run(&group)
	group.Wait()
}

func goesRound(items []int) {
	var group sync.WaitGroup
	for _, item := range items {
		group.Add(1) // want "not answered"
		if bad(item) {
			continue
		}
		go func() {
			defer group.Done()
			work(item)
		}()
	}
	group.Wait()
}

func leavesLoop(items []int) {
	var group sync.WaitGroup
	for _, item := range items {
		group.Add(1) // want "not answered"
		if bad(item) {
			break
		}
		go func() {
			defer group.Done()
			work(item)
		}()
	}
	group.Wait()
}

func answeredThere(items []int) {
	var group sync.WaitGroup
	for _, item := range items {
		group.Add(1)
		if bad(item) {
			group.Done()
			continue
		}
		go func() {
			defer group.Done()
			work(item)
		}()
	}
	group.Wait()
}

func returns(items []int) {
	var group sync.WaitGroup
	for _, item := range items {
		group.Add(1)
		if bad(item) {
			return
		}
		go func() {
			defer group.Done()
			work(item)
		}()
	}
	group.Wait()
}

func several(n int) {
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			defer group.Done()
			work(i)
		}()
	}
	group.Wait()
}

func everyTurn(items []int) {
	var group sync.WaitGroup
	group.Add(len(items))
	for _, item := range items {
		go func() {
			defer group.Done()
			if bad(item) {
				return
			}
			work(item)
		}()
	}
	group.Wait()
}

func doneInTurn(items []int) {
	var group sync.WaitGroup
	group.Add(len(items))
	for _, item := range items {
		if bad(item) {
			group.Done()
			continue
		}
		go func() {
			defer group.Done()
			work(item)
		}()
	}
	group.Wait()
}

type server struct {
	group   sync.WaitGroup
	running bool
}

func (s *server) start(f func()) bool {
	if s.running {
		go f()
		return true
	}
	return false
}

func (s *server) always(f func()) bool {
	go f()
	return s.running
}

func (s *server) ignores() {
	s.group.Add(1) // want "never comes if `server.start`"
	s.start(func() {
		defer s.group.Done()
		work(1)
	})
	s.group.Wait()
}

func (s *server) looks() {
	s.group.Add(1)
	if !s.start(func() { s.group.Done() }) {
		s.group.Done()
	}
	s.group.Wait()
}

func (s *server) starts() {
	s.group.Add(1)
	s.always(func() { s.group.Done() })
	s.group.Wait()
}
"#,
        );
    }
}
