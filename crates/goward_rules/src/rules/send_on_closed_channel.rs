//! `send-on-closed-channel`: a function closes a channel on which its goroutines may still send.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::{
    Callee, ChannelUse, EdgeKind, LocalChannel, StartKind, Step, Unit, UnitId, UseKind, callee,
    unparenthesized,
};
use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, TypeKind, TypedFile, VariableKind};

use crate::closed_channels::{Misuse, Operation, Words};
use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::{defer_statements, walk, walk_all};

rule! {
    /// Reports sends on channels that are closed, and channels that are closed while a goroutine may send.
    ///
    /// ## What it reports
    ///
    /// `defer close(ch)` in a function that made `ch` and started a goroutine which sends on it, where some path
    /// from the start of the goroutine to a return waits for nothing: no receive but those that give up
    /// (`ctx.Done()`, `time.After`), no `Wait`, no lock; or a plain `close(ch)` on such a path. Also a send of the function itself, or of one that it
    /// calls or defers, on a channel that it has closed before.
    ///
    /// ## Why it matters
    ///
    /// A send on a closed channel panics, in the goroutine, where no `recover` of the function helps: the process
    /// ends. It happens on the path on which the function gives up early. Deferred calls run last in, first out: what
    /// was deferred before `defer close(ch)` comes after it.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "context"
    ///
    /// func first(ctx context.Context, fetch func() string) (string, error) {
    /// 	results := make(chan string, 1)
    /// 	defer close(results) // want send-on-closed-channel
    /// 	go func() {
    /// 		results <- fetch()
    /// 	}()
    /// 	select {
    /// 	case result := <-results:
    /// 		return result, nil
    /// 	case <-ctx.Done():
    /// 		return "", ctx.Err()
    /// 	}
    /// }
    ///
    /// func report(results chan<- string) {
    /// 	defer func() {
    /// 		results <- "done" // want send-on-closed-channel
    /// 	}()
    /// 	defer close(results)
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
    /// 	"sync"
    /// )
    ///
    /// func first(ctx context.Context, fetch func() string) (string, error) {
    /// 	results := make(chan string, 1)
    /// 	go func() {
    /// 		defer close(results)
    /// 		results <- fetch()
    /// 	}()
    /// 	select {
    /// 	case result := <-results:
    /// 		return result, nil
    /// 	case <-ctx.Done():
    /// 		return "", ctx.Err()
    /// 	}
    /// }
    ///
    /// func all(jobs []func() int) (sum int) {
    /// 	results := make(chan int, len(jobs))
    /// 	defer close(results)
    /// 	var group sync.WaitGroup
    /// 	for _, job := range jobs {
    /// 		group.Add(1)
    /// 		go func() {
    /// 			defer group.Done()
    /// 			results <- job()
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// 	for range jobs {
    /// 		sum += <-results
    /// 	}
    /// 	return sum
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: mostly the goroutine should close the channel, or nobody, but that changes who may receive.
    pub(crate) const RULE: Rule = Rule {
        name: "send-on-closed-channel",
        category: Category::Panic,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for misuse in context.channel_misuses() {
        if misuse.operation == Operation::Send {
            findings.push(after_close(context, misuse));
        }
    }
    for channel in context.flow.local_channels() {
        closed_beside(context, channel, findings);
    }
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        let closers = defer_statements(unit)
            .into_iter()
            .filter_map(|defer| closed_channels(context, file, unit, defer));
        for (defer, close, channel) in closers {
            let mut starts = Vec::new();
            walk(unit, |node, _| {
                if let Some(send) = sending_goroutine(file, node, channel) {
                    starts.push((node, send));
                }
            });
            let reached = starts
                .into_iter()
                .find(|&(start, _)| returns_without_waiting(context, file, unit, start, defer));
            if let Some((start, send)) = reached {
                findings.push(finding(context, id, close, start, send, channel));
            }
        }
    }
}

fn after_close(context: &Context<'_>, misuse: &Misuse) -> Diagnostic {
    let text = &misuse.text;
    let is = if misuse.certain { "is" } else { "may be" };
    let words = Words {
        message: format!("`{text}` {is} closed when this sends on it, which panics"),
        operation: format!("send on closed {text}"),
        deferred: "this call was deferred earlier, so it runs later",
        panics: "a send on a closed channel panics",
        help: format!("close `{text}` after the last send"),
    };
    misuse.finding(context, &RULE, words)
}

fn finding(
    context: &Context<'_>,
    id: UnitId,
    close: NodeId,
    start: NodeId,
    send: NodeId,
    channel: ObjectId,
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let path = context.path(file);
    let name = context.world().object(channel).name;
    let begin = context.span(file, start).start;
    let keyword = Span::new(begin, begin + 2);
    RULE.diagnostic(
        path.clone(),
        context.span(file, close),
        format!(
            "`{name}` is closed when `{}` returns, and a goroutine may send on it after that",
            context.function(id)
        ),
    )
    .in_function(context.function(id))
    .operation(format!("close {name}"))
    .step(
        path.clone(),
        keyword,
        "the goroutine starts here; a path from here returns without waiting for it",
    )
    .step(
        path.clone(),
        context.span(file, close),
        "the channel is closed at that return",
    )
    .step(
        path,
        context.span(file, send),
        "a send on a closed channel panics",
    )
    .help(format!(
        "close `{name}` in the goroutine that sends, or wait for it before the return"
    ))
}

/// `defer close(ch)`, or a deferred literal with that call at its top, where the function made `ch`:
/// the statement, the call, the channel.
fn closed_channels(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    defer: NodeId,
) -> Option<(NodeId, NodeId, ObjectId)> {
    let tree = file.tree;
    let Statement::Defer { call } = tree.statement(defer) else {
        return None;
    };
    let mut calls = vec![call];
    if let Expression::Call { function, .. } = tree.expression(call)
        && let Expression::FunctionLiteral { body, .. } =
            tree.expression(unparenthesized(file, function))
        && let Statement::Block { statements } = tree.statement(body)
    {
        // A literal that waits first is one that knows.
        let waits = statements
            .iter()
            .any(|&statement| waits_below(file, statement));
        calls = Vec::new();
        for &statement in statements.iter().filter(|_| !waits) {
            if let Statement::Expression { expression } = tree.statement(statement)
                && tree.kind(statement) == NodeKind::ExprStmt
            {
                calls.push(expression);
            }
        }
    }
    calls.into_iter().find_map(|call| {
        let Expression::Call {
            function,
            arguments: &[argument],
            ..
        } = tree.expression(call)
        else {
            return None;
        };
        let argument = unparenthesized(file, argument);
        if callee(context.world(), file, function) != Callee::Builtin("close")
            || tree.kind(argument) != NodeKind::Ident
        {
            return None;
        }
        let channel = file.facts.object_of(argument)?;
        let entry = context.world().object(channel);
        let local = entry.kind == ObjectKind::Variable(VariableKind::Local)
            && tree.span(unit.body).contains(entry.offset)
            && context
                .world()
                .underlying(context.world().object_type(channel))
                .kind()
                == TypeKind::Channel;
        local.then_some((defer, call, channel))
    })
}

/// The send in a goroutine that is started by a literal.
fn sending_goroutine(file: &TypedFile<'_>, node: NodeId, channel: ObjectId) -> Option<NodeId> {
    if file.tree.kind(node) != NodeKind::GoStmt {
        return None;
    }
    let Statement::Go { call } = file.tree.statement(node) else {
        return None;
    };
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let literal = unparenthesized(file, function);
    if file.tree.kind(literal) != NodeKind::FuncLit {
        return None;
    }
    let mut send = None;
    // A goroutine that recovers what its send panics with is prepared for it.
    let mut recovers = false;
    walk_all(file.tree, literal, |below| {
        if file.tree.kind(below) == NodeKind::SendStmt
            && let Statement::Send {
                channel: target, ..
            } = file.tree.statement(below)
            && file.facts.object_of(unparenthesized(file, target)) == Some(channel)
        {
            send.get_or_insert(below);
        }
        recovers |= file.tree.kind(below) == NodeKind::Ident
            && file.tree.symbol(below).as_str() == "recover";
    });
    send.filter(|_| !recovers)
}

/// Channels that a function closes in the middle, or in a deferred call, while a goroutine may send on
/// them that it has started and not waited for.
fn closed_beside(context: &Context<'_>, channel: &LocalChannel, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let unit = flow.units.get(channel.unit);
    let file = context.file(unit.file);
    let closes = channel
        .uses
        .iter()
        .filter(|one| one.kind == UseKind::Close && one.unit == channel.unit);
    for close in closes {
        let mut nodes = unit.nodes.iter();
        let deferred = nodes.find_map(|&(node, parent)| {
            let own = node == close.node && file.tree.kind(parent) == NodeKind::DeferStmt;
            own.then_some(parent)
        });
        let end = match deferred {
            Some(defer) => Step::RunDeferred(defer),
            None => Step::Expression(close.node),
        };
        let sends = channel
            .uses
            .iter()
            .filter(|one| one.kind == UseKind::Send { select: None } && one.unit != channel.unit);
        for send in sends {
            let Some(start) = started_by(context, channel, send) else {
                continue;
            };
            // A goroutine of a literal with a deferred close is the business of the other search.
            let literal = flow.units.get(send.unit).is_literal();
            if deferred.is_some() && literal
                || !reaches_without_waiting(context, file, unit, start, end)
            {
                continue;
            }
            findings.push(beside(context, channel, close.node, start, send));
            return;
        }
    }
}

/// The one statement of the function that makes the channel which starts the goroutine that sends.
fn started_by(context: &Context<'_>, channel: &LocalChannel, send: &ChannelUse) -> Option<NodeId> {
    let flow = context.flow;
    let sender = flow.units.get(send.unit);
    let file = context.file(sender.file);
    let recovers = file.tree.preorder(sender.body).any(|below| {
        file.tree.kind(below) == NodeKind::Ident && file.tree.symbol(below).as_str() == "recover"
    });
    let mut starts = flow
        .launches()
        .of(send.unit)
        .iter()
        .filter(|start| start.unit == channel.unit);
    let start = starts.next()?;
    let only = starts.next().is_none() && start.kind == StartKind::Go && !recovers;
    only.then_some(start.node)
}

fn beside(
    context: &Context<'_>,
    channel: &LocalChannel,
    close: NodeId,
    start: NodeId,
    send: &ChannelUse,
) -> Diagnostic {
    let units = &context.flow.units;
    let file = units.get(channel.unit).file;
    let there = units.get(send.unit).file;
    let name = context.world().object(channel.object).name;
    let path = context.path(file);
    let begin = context.span(file, start).start;
    RULE.diagnostic(
        path.clone(),
        context.span(file, close),
        format!("`{name}` is closed while a goroutine may still send on it"),
    )
    .in_function(context.function(channel.unit))
    .operation(format!("close {name}"))
    .step(
        path.clone(),
        Span::new(begin, begin + 2),
        "the goroutine starts here; a path from here comes to the close without waiting for it",
    )
    .step(
        path,
        context.span(file, close),
        "the channel is closed here",
    )
    .step(
        context.path(there),
        context.span(there, send.node),
        "a send on a closed channel panics",
    )
    .help(format!(
        "close `{name}` when all goroutines that send have been waited for"
    ))
}

/// Whether a path from the start of the goroutine to the deferred call waits for nothing.
fn returns_without_waiting(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    start: NodeId,
    defer: NodeId,
) -> bool {
    reaches_without_waiting(context, file, unit, start, Step::RunDeferred(defer))
}

fn reaches_without_waiting(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    start: NodeId,
    end: Step,
) -> bool {
    let graph = &unit.graph;
    let mut pending = Vec::new();
    for &block in graph.reverse_postorder() {
        let steps = graph.block(block).steps;
        if let Some(index) = steps
            .iter()
            .position(|&step| step == Step::Statement(start))
        {
            pending.push((block, index + 1));
        }
    }
    let mut seen = vec![false; graph.block_count()];
    while let Some((block, from)) = pending.pop() {
        let mut ended = false;
        for &step in &graph.block(block).steps[from..] {
            if step == end {
                return true;
            }
            if waits(context, file, step) {
                ended = true;
                break;
            }
        }
        if ended {
            continue;
        }
        for edge in graph.block(block).successors {
            let deferred = matches!(end, Step::RunDeferred(_));
            if !deferred && passes_over_waits(file, unit, edge.kind) {
                continue;
            }
            if !std::mem::replace(&mut seen[edge.to.index()], true) {
                pending.push((edge.to, 0));
            }
        }
    }
    false
}

/// Whether an edge leaves a loop whose turns wait: as many as there are goroutines, as far as can be seen.
fn passes_over_waits(file: &TypedFile<'_>, unit: &Unit, edge: EdgeKind) -> bool {
    let tree = file.tree;
    let body = match edge {
        EdgeKind::RangeDone(range) => match tree.statement(range) {
            Statement::Range { body, .. } => Some(body),
            _ => None,
        },
        EdgeKind::False(node) => unit.nodes.iter().find_map(|&(below, parent)| {
            let tested = below == node && tree.kind(parent) == NodeKind::ForStmt;
            match tree.statement(parent) {
                Statement::For {
                    condition: Some(condition),
                    body,
                    ..
                } if tested && condition == node => Some(body),
                _ => None,
            }
        }),
        _ => None,
    };
    body.is_some_and(|body| {
        tree.preorder(body).any(|node| {
            matches!(
                tree.expression(node),
                Expression::Unary {
                    operator: UnaryOperator::Receive,
                    ..
                }
            )
        })
    })
}

/// Whether a step may wait for the goroutine: a receive that does not give up, or a call that could.
fn waits(context: &Context<'_>, file: &TypedFile<'_>, step: Step) -> bool {
    let tree = file.tree;
    match step {
        Step::Expression(node) => match tree.expression(node) {
            Expression::Unary {
                operator: UnaryOperator::Receive,
                operand,
            } => !gives_up(file, operand),
            Expression::Call { function, .. } => may_wait(context, file, function),
            _ => false,
        },
        Step::RangeNext(node) => matches!(tree.statement(node), Statement::Range { operand, .. }
            if context.world().underlying(file.facts.type_of(operand)).kind() == TypeKind::Channel),
        Step::Communicate(node) => {
            let mut received = false;
            walk_all(tree, node, |below| {
                received |= matches!(tree.expression(below), Expression::Unary {
                    operator: UnaryOperator::Receive,
                    operand,
                } if !gives_up(file, operand));
            });
            received
        }
        Step::RunDeferred(node) => match tree.statement(node) {
            Statement::Defer { call } => waits_below(file, call),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a channel is one of those that end a wait: `ctx.Done()`, `time.After(d)`, `timer.C`.
fn gives_up(file: &TypedFile<'_>, channel: NodeId) -> bool {
    let channel = unparenthesized(file, channel);
    let name = |node: NodeId| match file.tree.expression(unparenthesized(file, node)) {
        Expression::Selector { name, .. } => Some(file.tree.symbol(name)),
        _ => None,
    };
    match file.tree.expression(channel) {
        Expression::Call { function, .. } => {
            name(function).is_some_and(|name| matches!(name.as_str(), "Done" | "After"))
        }
        Expression::Selector { .. } => name(channel).is_some_and(|name| name.as_str() == "C"),
        _ => false,
    }
}

/// Calls that may wait: of what is not known, of function values, and of `Wait` and locks.
fn may_wait(context: &Context<'_>, file: &TypedFile<'_>, function: NodeId) -> bool {
    match callee(context.world(), file, function) {
        Callee::Builtin(_) | Callee::Conversion => false,
        Callee::Function(object) | Callee::Interface(object) => {
            let object = context.world().object(object);
            let package = object
                .package
                .map_or("", |package| context.world().package(package).path.as_str());
            // What package fmt, errors, log and their like do has nothing to do with the goroutine.
            let harmless = matches!(
                package,
                "fmt" | "errors" | "log" | "log/slog" | "strings" | "strconv" | "context" | "time"
            ) && object.name.as_str() != "Sleep";
            !harmless
        }
        Callee::Literal(_) | Callee::Variable(_) | Callee::Unknown => true,
    }
}

/// Whether something below a node waits: a receive, a range over something, a call of `Wait`.
fn waits_below(file: &TypedFile<'_>, root: NodeId) -> bool {
    let tree = file.tree;
    let mut found = false;
    walk_all(tree, root, |node| {
        found |= match tree.expression(node) {
            Expression::Unary {
                operator: UnaryOperator::Receive,
                ..
            } => true,
            Expression::Selector { name, .. } => {
                matches!(tree.symbol(name).as_str(), "Wait" | "Lock" | "RLock")
            }
            _ => tree.kind(node) == NodeKind::RangeStmt,
        };
    });
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn closed_beside_goroutines() {
        check(
            &RULE,
            r#"
package p

import (
	"sync"
	"time"
)

func produce(to chan<- int, n int) {
	for i := 0; i < n; i++ {
		to <- i
	}
}
func answer(to chan<- int) {
	select {
	case to <- 1:
	default:
	}
}
func careful(to chan<- int) {
	defer func() { recover() }()
	to <- 1
}

func function(n int) {
	ch := make(chan int)
	go produce(ch, n)
	close(ch) // want "`ch` is closed while a goroutine may still send on it"
	for range ch {
	}
}
func literals(fs []func() int) {
	ch := make(chan int, len(fs))
	for _, f := range fs {
		go func() { ch <- f() }()
	}
	close(ch) // want "`ch` is closed while"
}
func deferred(n int) int {
	ch := make(chan int)
	defer close(ch) // want "`ch` is closed while"
	go produce(ch, n)
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Second):
		return -1
	}
}

func waited(fs []func() int) {
	ch := make(chan int, len(fs))
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			ch <- f()
		}()
	}
	wg.Wait()
	close(ch)
}
func received(fs []func() int) (sum int) {
	ch := make(chan int)
	for _, f := range fs {
		go func() { ch <- f() }()
	}
	for range fs {
		sum += <-ch
	}
	close(ch)
	return sum
}
func closedThere(n int) {
	ch := make(chan int)
	go func() {
		produce(ch, n)
		close(ch)
	}()
	for range ch {
	}
}
func lossy() {
	ch := make(chan int)
	go answer(ch)
	close(ch)
}
func prepared() {
	ch := make(chan int)
	go careful(ch)
	close(ch)
}
func receiver(n int) {
	ch := make(chan int)
	go func() {
		for range ch {
		}
	}()
	produce(ch, n)
	close(ch)
}
"#,
        );
    }

    #[test]
    fn after_close() {
        check(
            &RULE,
            r#"
package p

type feed struct{ out chan string }

func inBody() {
	ch := make(chan int, 1)
	close(ch)
	ch <- 1 // want "`ch` is closed when this sends"
}
func inDefer() {
	ch := make(chan int, 1)
	defer func() {
		ch <- 1 // want "`ch` is closed when this sends"
	}()
	close(ch)
}
func (f *feed) run() {
	defer f.goodbye()
	close(f.out)
}
func (f *feed) goodbye() {
	f.out <- "bye" // want "`f.out` is closed when this sends"
}
func selected(ch, other chan int) {
	close(ch)
	select {
	case ch <- 1: // want "`ch` is closed when this sends"
	case <-other:
	}
}

func receivesBoth() {
	done := make(chan bool)
	defer close(done)
	go func() { done <- true }()
	go func() { done <- true }()
	for range 2 {
		<-done
	}
}
func receivesAsOftenAsSaid(n int) {
	done := make(chan bool)
	defer close(done) // want "a goroutine may send on it after that"
	go func() { done <- true }()
	for i := 0; i < n; i++ {
		<-done
	}
}

func order(results chan string) {
	defer close(results)
	defer func() { results <- "done" }()
}
func other(a, b chan int) { close(a); b <- 1 }
func anew() { ch := make(chan int, 1); close(ch); ch = make(chan int, 1); ch <- 1 }
func condition(ch chan int, b bool) {
	if b {
		close(ch)
	}
	if !b {
		ch <- 1
	}
}
"#,
        );
    }

    #[test]
    fn who_waits() {
        check(
            &RULE,
            r#"
package p

import (
	"context"
	"errors"
	"sync"
	"time"
)

func work() int { return 1 }

func timeout() (int, error) {
	ch := make(chan int, 1)
	defer close(ch) // want "`ch` is closed when `timeout` returns"
	go func() { ch <- work() }()
	select {
	case n := <-ch:
		return n, nil
	case <-time.After(time.Second):
		return 0, errors.New("late")
	}
}
func early(ready bool) int {
	ch := make(chan int)
	go func() { ch <- work() }()
	defer func() { close(ch) }() // want "`ch` is closed when `early` returns"
	if !ready {
		return 0
	}
	return <-ch
}
func selected(ctx context.Context) {
	ch := make(chan int)
	defer close(ch) // want "`ch` is closed when `selected` returns"
	go func() {
		select {
		case ch <- work():
		case <-ctx.Done():
		}
	}()
	<-ctx.Done()
}

func received() int {
	ch := make(chan int)
	defer close(ch)
	go func() { ch <- work() }()
	return <-ch
}
func waited() {
	ch := make(chan int, 1)
	defer close(ch)
	var group sync.WaitGroup
	group.Add(1)
	go func() { defer group.Done(); ch <- work() }()
	group.Wait()
}
func waitedLater() {
	ch := make(chan int, 1)
	defer close(ch)
	var group sync.WaitGroup
	defer group.Wait()
	group.Add(1)
	go func() { defer group.Done(); ch <- work() }()
}
func otherChannel() {
	ch := make(chan int, 1)
	done := make(chan bool)
	defer close(ch)
	go func() { ch <- work(); close(done) }()
	<-done
}
func byCall(run func()) {
	ch := make(chan int, 1)
	defer close(ch)
	go func() { ch <- work() }()
	run()
}
func notSending() {
	ch := make(chan int)
	defer close(ch)
	go func() { <-ch }()
}
func closedBySender() {
	ch := make(chan int, 1)
	go func() { defer close(ch); ch <- work() }()
}
func parameter(ch chan int) {
	defer close(ch)
	go func() { ch <- work() }()
}
func recovering() {
	ch := make(chan int)
	defer close(ch)
	go func() { defer func() { recover() }(); ch <- work() }()
}
"#,
        );
    }
}
