//! `worker-early-return`: workers that stop receiving while somebody still sends to them.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::{ChannelUse, LocalChannel, StartKind, UnitId, UseKind, unparenthesized};
use goward_syntax::{BinaryOperator, BranchKeyword, Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::sharing::innermost_loop;
use crate::standard_library::named;
use crate::waiting::signal;
use crate::walk::{walk, walk_all};

rule! {
    /// Reports producers that block for ever once all their workers have returned early.
    ///
    /// ## What it reports
    ///
    /// A channel of a function that only goroutines which it starts receive from, each of them in a
    /// `range` that it can leave by `return` or `break` before the channel is closed; and a send on it in
    /// a loop without another way out, or with none but a context that the function was given and that
    /// the workers do not cancel.
    ///
    /// ## Why it matters
    ///
    /// When each worker has met an error and returned, nobody receives: the next send waits for ever,
    /// or until the caller gives up, and the error is never seen.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "golang.org/x/sync/errgroup"
    ///
    /// func all(items []string, work func(string) error) error {
    /// 	var group errgroup.Group
    /// 	queue := make(chan string)
    /// 	for range 4 {
    /// 		group.Go(func() error {
    /// 			for item := range queue {
    /// 				if err := work(item); err != nil {
    /// 					return err
    /// 				}
    /// 			}
    /// 			return nil
    /// 		})
    /// 	}
    /// 	for _, item := range items {
    /// 		queue <- item // want worker-early-return
    /// 	}
    /// 	close(queue)
    /// 	return group.Wait()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"context"
    ///
    /// 	"golang.org/x/sync/errgroup"
    /// )
    ///
    /// func all(ctx context.Context, items []string, work func(string) error) error {
    /// 	group, ctx := errgroup.WithContext(ctx)
    /// 	queue := make(chan string)
    /// 	for range 4 {
    /// 		group.Go(func() error {
    /// 			for item := range queue {
    /// 				if err := work(item); err != nil {
    /// 					return err
    /// 				}
    /// 			}
    /// 			return nil
    /// 		})
    /// 	}
    /// 	group.Go(func() error {
    /// 		defer close(queue)
    /// 		for _, item := range items {
    /// 			select {
    /// 			case queue <- item:
    /// 			case <-ctx.Done():
    /// 				return ctx.Err()
    /// 			}
    /// 		}
    /// 		return nil
    /// 	})
    /// 	return group.Wait()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: the workers could go on, or the producer could be told.
    pub(crate) const RULE: Rule = Rule {
        name: "worker-early-return",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let main = context.is_command();
    for channel in context.flow.local_channels() {
        let own = context.flow.units.get(channel.unit);
        let workers = Workers { context, channel };
        if (main && own.name == "main") || !channel.is_understood() || workers.has_room_for_all() {
            continue;
        }
        findings.extend(workers.judge());
    }
}

struct Workers<'w, 'a> {
    context: &'w Context<'a>,
    channel: &'w LocalChannel,
}

impl Workers<'_, '_> {
    fn judge(&self) -> Option<Diagnostic> {
        let context = self.context;
        let flow = context.flow;
        let mut early = None;
        let mut started = 0;
        for one in &self.channel.uses {
            match one.kind {
                UseKind::Range => {
                    // Who only stops for the context of the caller is no reason.
                    let start = self.launch(one.unit)?;
                    let exit = self.early_exit(one)?;
                    let own_file = flow.units.get(self.channel.unit).file;
                    let launch = context.span(own_file, start);
                    started = launch.start.max(started);
                    early = early.or(Some((one.unit, exit, launch)));
                }
                UseKind::Receive { .. } => return None,
                _ => {}
            }
        }
        let (worker, exit, launch) = early?;
        let mut sends = self.channel.uses.iter();
        let (send, guarded) = sends.find_map(|one| self.blocks(one, started))?;
        if self.reads_answers(send) {
            return None;
        }
        let name = context.world().object(self.channel.object).name;
        let worker_file = flow.units.get(worker).file;
        let send_file = flow.units.get(send.unit).file;
        let own_file = flow.units.get(self.channel.unit).file;
        let (place, file, function, message) = if guarded {
            (
                exit,
                worker_file,
                worker,
                format!(
                    "when all workers have returned here, the send on `{name}` only ends with the caller's context"
                ),
            )
        } else {
            (
                send.node,
                send_file,
                send.unit,
                format!(
                    "this send on `{name}` blocks for ever when all workers have returned early"
                ),
            )
        };
        Some(
            RULE.diagnostic(context.path(file), context.span(file, place), message)
                .in_function(context.function(function))
                .operation(format!("send on {name}"))
                .step(
                    context.path(own_file),
                    Span::new(launch.start, launch.start + 2),
                    "the workers are started here",
                )
                .step(
                    context.path(worker_file),
                    context.span(worker_file, exit),
                    format!("a worker stops here and leaves what is sent on `{name}`"),
                )
                .step(
                    context.path(send_file),
                    context.span(send_file, send.node),
                    "the producer waits here for a worker",
                )
                .help("let the producer wait in a `select`, also for a context that a worker's error cancels"),
        )
    }

    /// Whether the loop that sends reads something after each send, and leaves where that fails: whoever
    /// waits for an answer each time sees that the workers are gone before it sends again.
    fn reads_answers(&self, send: &ChannelUse) -> bool {
        let unit = self.context.flow.units.get(send.unit);
        let file = self.context.file(unit.file);
        let tree = file.tree;
        let at = tree.span(send.node);
        let Some(around) = innermost_loop(self.context, send.unit, send.node) else {
            return false;
        };
        let behind = |node: NodeId| {
            let span = tree.span(node);
            span.start >= at.end && span.end <= around.end
        };
        let reads = |function: NodeId| {
            matches!(tree.expression(unparenthesized(file, function)), Expression::Selector { name, .. }
                if ["Read", "Recv", "Receive", "Scan"]
                    .iter()
                    .any(|verb| tree.symbol(name).as_str().starts_with(verb)))
        };
        let mut answer = None;
        walk(unit, |node, _| {
            if tree.kind(node) == NodeKind::CallExpr
                && behind(node)
                && let Expression::Call { function, .. } = tree.expression(node)
                && reads(function)
            {
                answer = answer.or(Some(tree.span(node).end));
            }
        });
        let Some(answer) = answer else { return false };
        // Out of the loop: a return, a break, or a test that gives up.
        unit.graph
            .exits
            .iter()
            .filter_map(|exit| exit.node)
            .any(|node| behind(node) && tree.span(node).start >= answer)
    }

    /// Whether the buffer is made as large as something that is sent whole.
    fn has_room_for_all(&self) -> bool {
        let file = self
            .context
            .file(self.context.flow.units.get(self.channel.unit).file);
        let Expression::Call {
            arguments: [_, size],
            ..
        } = file.tree.expression(self.channel.made)
        else {
            return false;
        };
        if self.has_room_for_each_turn(file, *size) {
            return true;
        }
        let mut counted = false;
        walk_all(file.tree, *size, |node| {
            if let Expression::Call { function, .. } = file.tree.expression(node) {
                counted |= goward_flow::callee(self.context.world(), file, function)
                    == goward_flow::Callee::Builtin("len");
            }
        });
        counted
    }

    /// Whether the only send stands in a loop with as many turns as the buffer has room for: both are
    /// said by the same variable, which does not change, and the loop stands in no other.
    fn has_room_for_each_turn(&self, made_in: &TypedFile<'_>, size: NodeId) -> bool {
        let mut sends = self
            .channel
            .uses
            .iter()
            .filter(|one| matches!(one.kind, UseKind::Send { .. }));
        let (Some(send), None) = (sends.next(), sends.next()) else {
            return false;
        };
        let size = made_in.facts.object_of(unparenthesized(made_in, size));
        let variables = &self.context.flow.lowered.variables;
        let Some(size) = size.filter(|&size| variables.single(size).is_some()) else {
            return false;
        };
        let unit = self.context.flow.units.get(send.unit);
        let file = self.context.file(unit.file);
        let tree = file.tree;
        let at = tree.span(send.node).start;
        let around: Vec<NodeId> = tree
            .preorder(unit.body)
            .filter(|&node| matches!(tree.kind(node), NodeKind::ForStmt | NodeKind::RangeStmt))
            .filter(|&node| tree.span(node).contains(at))
            .collect();
        let &[around] = around.as_slice() else {
            return false;
        };
        let bound = match tree.statement(around) {
            Statement::Range { operand, .. } => operand,
            Statement::For {
                condition: Some(condition),
                post: Some(post),
                ..
            } => {
                let Expression::Binary {
                    operator: BinaryOperator::Less,
                    right,
                    ..
                } = tree.expression(unparenthesized(file, condition))
                else {
                    return false;
                };
                let counts_up = matches!(
                    tree.statement(post),
                    Statement::IncrementDecrement {
                        increment: true,
                        ..
                    }
                );
                if !counts_up {
                    return false;
                }
                right
            }
            _ => return false,
        };
        file.facts.object_of(unparenthesized(file, bound)) == Some(size)
            && (send.unit == self.channel.unit || self.is_started_once(send.unit))
    }

    /// Whether a function literal is started or called in one place, that stands in no loop.
    fn is_started_once(&self, unit: UnitId) -> bool {
        let starts = self.context.flow.launches().of(unit);
        let [start] = starts else { return false };
        innermost_loop(self.context, start.unit, start.node).is_none()
            && start.unit == self.channel.unit
    }

    /// Where the function that makes the channel starts another one as a goroutine.
    fn launch(&self, unit: UnitId) -> Option<NodeId> {
        let starts = self.context.flow.launches().of(unit);
        let start = starts
            .iter()
            .find(|start| start.kind == StartKind::Go && start.unit == self.channel.unit)?;
        Some(start.node)
    }

    /// A `return` or `break` out of a `range` over the channel, other than on account of a context.
    fn early_exit(&self, range: &ChannelUse) -> Option<NodeId> {
        let unit = self.context.flow.units.get(range.unit);
        let file = self.context.file(unit.file);
        let tree = file.tree;
        let Statement::Range { body, .. } = tree.statement(range.node) else {
            return None;
        };
        let loop_span = tree.span(body);
        let mut found = None;
        walk(unit, |node, _| {
            let span = tree.span(node);
            if found.is_some() || span.start < loop_span.start || span.end > loop_span.end {
                return;
            }
            let leaves = match tree.statement(node) {
                Statement::Return { .. } => true,
                Statement::Branch {
                    keyword: BranchKeyword::Break,
                    label: None,
                } => !self.is_in_inner(range, node),
                _ => false,
            };
            if leaves && !self.is_for_context(range, node) && self.is_for_a_value(range, node) {
                found = Some(node);
            }
        });
        found
    }

    /// Whether a `break` belongs to a statement inside of the loop.
    fn is_in_inner(&self, range: &ChannelUse, node: NodeId) -> bool {
        self.between(range, node).iter().any(|&around| {
            matches!(
                self.tree(range).kind(around),
                NodeKind::ForStmt
                    | NodeKind::RangeStmt
                    | NodeKind::SelectStmt
                    | NodeKind::SwitchStmt
                    | NodeKind::TypeSwitchStmt
            )
        })
    }

    /// Whether a worker only stops here because a context has ended.
    fn is_for_context(&self, range: &ChannelUse, node: NodeId) -> bool {
        let unit = self.context.flow.units.get(range.unit);
        let file = self.context.file(unit.file);
        self.between(range, node)
            .iter()
            .any(|&around| match file.tree.statement(around) {
                Statement::CommunicationClause {
                    communication: Some(communication),
                    ..
                } => signal(self.context, file, communication).is_some(),
                Statement::If {
                    initial, condition, ..
                } => [Some(condition), initial]
                    .into_iter()
                    .flatten()
                    .any(|part| {
                        let text = self.context.text(unit.file, part);
                        text.contains(".Err()") || text.contains("Canceled")
                    }),
                _ => false,
            })
    }

    /// Whether what is received, or done with it, decides that the worker stops here: not only what it
    /// was told at its start.
    fn is_for_a_value(&self, range: &ChannelUse, node: NodeId) -> bool {
        let unit = self.context.flow.units.get(range.unit);
        let file = self.context.file(unit.file);
        let tree = file.tree;
        let between = self.between(range, node);
        let innermost = between
            .iter()
            .rev()
            .find_map(|&around| match tree.statement(around) {
                Statement::If {
                    initial, condition, ..
                } => Some((initial, condition)),
                _ => None,
            });
        let Some((initial, condition)) = innermost else {
            return true;
        };
        let looped = tree.span(range.node);
        let mut set_in_loop = Vec::new();
        walk(unit, |inner, _| {
            if let Statement::Assign { left, .. } = tree.statement(inner)
                && looped.contains(tree.span(inner).start)
            {
                set_in_loop.extend(left.iter().filter_map(|&place| file.facts.object_of(place)));
            }
        });
        let mut found = initial.is_some();
        walk_all(tree, condition, |part| {
            found |= match tree.kind(part) {
                NodeKind::CallExpr => true,
                NodeKind::Ident => file.facts.object_of(part).is_some_and(|object| {
                    looped.contains(self.context.world().object(object).offset)
                        || set_in_loop.contains(&object)
                }),
                _ => false,
            };
        });
        found
    }

    /// The nodes between the loop and a node in it.
    fn between(&self, range: &ChannelUse, node: NodeId) -> Vec<NodeId> {
        let unit = self.context.flow.units.get(range.unit);
        let tree = self.tree(range);
        let (outer, inner) = (tree.span(range.node), tree.span(node));
        let mut found = Vec::new();
        walk(unit, |around, _| {
            let span = tree.span(around);
            let inside = outer.start <= span.start && span.end <= outer.end;
            let holds = span.start <= inner.start && inner.end <= span.end;
            if inside && holds && around != node && around != range.node {
                found.push(around);
            }
        });
        found
    }

    fn tree(&self, one: &ChannelUse) -> &goward_syntax::Tree {
        self.context
            .file(self.context.flow.units.get(one.unit).file)
            .tree
    }

    /// Whether a use is a send in a loop, after the workers have been started, that is not told when
    /// they are gone; and whether the caller's context ends it.
    fn blocks<'u>(&self, one: &'u ChannelUse, started: u32) -> Option<(&'u ChannelUse, bool)> {
        let UseKind::Send { select } = one.kind else {
            return None;
        };
        let flow = self.context.flow;
        let unit = flow.units.get(one.unit);
        let file = self.context.file(unit.file);
        let tree = file.tree;
        let place = if one.unit == self.channel.unit {
            one.node
        } else {
            self.launch(one.unit)?
        };
        // A producer that is started before the workers may come after them all the same.
        if one.unit == self.channel.unit && tree.span(place).start < started {
            return None;
        }
        let span = tree.span(one.node);
        let mut in_loop = false;
        walk(unit, |node, _| {
            let around = tree.span(node);
            in_loop |= matches!(tree.kind(node), NodeKind::ForStmt | NodeKind::RangeStmt)
                && around.start <= span.start
                && span.end <= around.end;
        });
        if !in_loop {
            return None;
        }
        let Some(select) = select else {
            return Some((one, false));
        };
        let Statement::Select { body } = tree.statement(select) else {
            return None;
        };
        let Statement::Block { statements } = tree.statement(body) else {
            return None;
        };
        let told_by_caller = statements
            .iter()
            .all(|&clause| match tree.statement(clause) {
                Statement::CommunicationClause {
                    communication: Some(communication),
                    ..
                } => {
                    communication == one.node
                        || signal(self.context, file, communication).is_some_and(|signal| {
                            signal.is_context
                                && signal.last == signal.root
                                && self.is_given(signal.root)
                        })
                }
                _ => false,
            });
        told_by_caller.then_some((one, true))
    }

    /// Whether a variable is a parameter of the function or of one around it that is never set anew.
    fn is_given(&self, variable: ObjectId) -> bool {
        let flow = self.context.flow;
        if self.context.world().object(variable).kind
            != ObjectKind::Variable(VariableKind::Parameter)
        {
            return false;
        }
        let Some(owner) = flow
            .units
            .chain(self.channel.unit)
            .find(|&unit| flow.units.get(unit).parameters.contains(&Some(variable)))
        else {
            return false;
        };
        let unit = flow.units.get(owner);
        let file = self.context.file(unit.file);
        let mut set = false;
        walk_all(file.tree, unit.body, |node| {
            if let Statement::Assign { left, .. } = file.tree.statement(node) {
                set |= left.iter().any(|&place| {
                    named(self.context, file, unparenthesized(file, place))
                        .is_some_and(|place| place.last == variable)
                });
            }
        });
        !set
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn workers_and_producers() {
        check(
            &RULE,
            r#"
package p

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

func work(int) error { return nil }
func last(int) bool  { return false }

type line interface{ ReadLine() (string, error) }

func answers(l line) error {
	queue := make(chan int, 1)
	go func() {
		for item := range queue {
			if err := work(item); err != nil {
				return
			}
		}
	}()
	for i := 0; i < 3; i++ {
		queue <- i
		if _, err := l.ReadLine(); err != nil {
			return err
		}
	}
	close(queue)
	return nil
}
func readsOnly(l line) error {
	queue := make(chan int, 1)
	go func() {
		for item := range queue {
			if err := work(item); err != nil {
				return
			}
		}
	}()
	for i := 0; i < 3; i++ {
		queue <- i // want "blocks for ever"
		l.ReadLine()
	}
	close(queue)
	return nil
}

func roomForEachTurn(iters int) {
	n := iters * 2
	queue := make(chan int, n)
	var group errgroup.Group
	group.Go(func() error {
		for i := range n {
			queue <- i
		}
		close(queue)
		return nil
	})
	group.Go(func() error {
		for item := range queue {
			if err := work(item); err != nil {
				return err
			}
		}
		return nil
	})
	group.Wait()
}
func roomForOneOfTwo(iters int) {
	n := iters * 2
	queue := make(chan int, n)
	go func() {
		for item := range queue {
			if err := work(item); err != nil {
				return
			}
		}
	}()
	for range 2 {
		for i := 0; i < n; i++ {
			queue <- i // want "blocks for ever"
		}
	}
	close(queue)
}
func roomForEachTurnOnce(iters int) {
	n := iters * 2
	queue := make(chan int, n)
	go func() {
		for item := range queue {
			if err := work(item); err != nil {
				return
			}
		}
	}()
	for i := 0; i < n; i++ {
		queue <- i
	}
	close(queue)
}

func callersContext(ctx context.Context, items []int) error {
	var group errgroup.Group
	queue := make(chan int, 3)
	group.Go(func() error {
		for item := range queue {
			if err := work(item); err != nil {
				return err // want "only ends with the caller's context"
			}
		}
		return nil
	})
	group.Go(func() error {
		defer close(queue)
		for _, item := range items {
			select {
			case queue <- item:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return group.Wait()
}

func named(items []int) {
	queue := make(chan int)
	go worker(queue)
	for _, item := range items {
		queue <- item // want "blocks for ever"
	}
	close(queue)
}

func worker(queue <-chan int) {
	for item := range queue {
		if last(item) {
			break
		}
	}
}

func toldAtTheStart(items []int) {
	queue := make(chan int)
	go once(queue, true)
	for _, item := range items {
		queue <- item
	}
	close(queue)
}

func once(queue <-chan int, single bool) {
	for item := range queue {
		work(item)
		if single {
			return
		}
	}
}

func oneGoesOn(items []int) {
	queue := make(chan int)
	go func() {
		for item := range queue {
			if work(item) != nil {
				return
			}
		}
	}()
	go func() {
		for item := range queue {
			work(item)
		}
	}()
	for _, item := range items {
		queue <- item
	}
	close(queue)
}

func roomForAll(items []int) {
	queue := make(chan int, len(items))
	go func() {
		for item := range queue {
			if work(item) != nil {
				return
			}
		}
	}()
	for _, item := range items {
		queue <- item
	}
	close(queue)
}

func filledBefore(items [3]int) {
	queue := make(chan int, 3)
	for _, item := range items {
		queue <- item
	}
	close(queue)
	var group sync.WaitGroup
	group.Go(func() {
		for item := range queue {
			if work(item) != nil {
				return
			}
		}
	})
	group.Wait()
}

func sameContext(ctx context.Context, items []int) {
	queue := make(chan int)
	go func() {
		for item := range queue {
			if ctx.Err() != nil {
				return
			}
			work(item)
		}
	}()
	for _, item := range items {
		select {
		case queue <- item:
		case <-ctx.Done():
			return
		}
	}
	close(queue)
}

func drains(items []int) {
	queue := make(chan int)
	go func() {
		for item := range queue {
			if work(item) != nil {
				break
			}
		}
		for range queue {
		}
	}()
	for _, item := range items {
		queue <- item
	}
	close(queue)
}
"#,
        );
    }
}
