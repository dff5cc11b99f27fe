//! `double-close`: a channel is closed that the function has closed already.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::{Callee, StartKind, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};

use crate::closed_channels::{Misuse, Operation, Words};
use crate::context::Context;
use crate::rule::{Group, rule};
use crate::sharing::innermost_loop;
use crate::turns::is_of_one_turn;

rule! {
    /// Reports channels that are closed twice.
    ///
    /// ## What it reports
    ///
    /// A call of `close`, also a deferred one, or one in a literal or function that the function calls or defers,
    /// on a channel that the function has closed before, on all paths or on some. And a `close` that each turn of a
    /// loop starts in a goroutine of its own, on a channel from outside of the loop.
    ///
    /// Silent where the second one stands under a condition and the channel is closed on some paths only, and where
    /// the variable gets another channel in between.
    ///
    /// ## Why it matters
    ///
    /// Closing a closed channel panics with `close of closed channel`, mostly on the path on which the function
    /// gives up early.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "errors"
    ///
    /// func feed(items []string, out chan<- string) error {
    /// 	defer close(out) // want double-close
    /// 	for _, item := range items {
    /// 		if item == "" {
    /// 			close(out)
    /// 			return errors.New("empty item")
    /// 		}
    /// 		out <- item
    /// 	}
    /// 	return nil
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "errors"
    ///
    /// func feed(items []string, out chan<- string) error {
    /// 	defer close(out)
    /// 	for _, item := range items {
    /// 		if item == "" {
    /// 			return errors.New("empty item")
    /// 		}
    /// 		out <- item
    /// 	}
    /// 	return nil
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: which of the two is one too many is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "double-close",
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
        if misuse.operation == Operation::Close {
            findings.push(finding(context, misuse));
        }
    }
    for (id, starts) in context.flow.launches().iter() {
        for start in starts.iter().filter(|start| start.kind == StartKind::Go) {
            if let Some((close, channel)) = closes_from_around(context, id)
                && let Some(around) = innermost_loop(context, start.unit, start.node)
                && !is_declared_in(context, start.unit, channel, around)
                && !leaves_after(context, start.unit, start.node, around)
                && !is_of_one_turn(context, (start.unit, start.node), start.unit, start.node)
            {
                findings.push(in_loop(context, id, close, (start.unit, start.node)));
            }
        }
    }
}

fn finding(context: &Context<'_>, misuse: &Misuse) -> Diagnostic {
    let text = &misuse.text;
    let is = if misuse.certain { "is" } else { "may be" };
    let when = match misuse.deferred {
        Some(_) => "this deferred call closes it",
        None => "it is closed here",
    };
    let words = Words {
        message: format!("`{text}` {is} closed already when {when}"),
        operation: format!("close {text}"),
        deferred: "this call runs after that",
        panics: "the second close panics",
        help: format!("close `{text}` once on each path"),
    };
    misuse.finding(context, &RULE, words)
}

/// The first `close` of a goroutine's literal that stands under no condition, of a captured channel.
fn closes_from_around(context: &Context<'_>, id: UnitId) -> Option<(NodeId, ObjectId)> {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let tree = file.tree;
    if !unit.is_literal() {
        return None;
    }
    let Statement::Block { statements } = tree.statement(unit.body) else {
        return None;
    };
    for &statement in statements {
        let call = match tree.statement(statement) {
            Statement::Expression { expression } if tree.kind(statement) == NodeKind::ExprStmt => {
                expression
            }
            Statement::Defer { call } if tree.kind(statement) == NodeKind::DeferStmt => call,
            // Behind a condition or a wait another rule may hold. A loop ends, if nothing in it
            // leaves the function.
            Statement::Declaration { .. } | Statement::Assign { .. } => continue,
            Statement::Range { .. } if !returns(file, statement) => continue,
            _ => return None,
        };
        if let Expression::Call {
            function,
            arguments: &[closed],
            ..
        } = tree.expression(call)
            && callee(context.world(), file, function) == Callee::Builtin("close")
        {
            let closed = unparenthesized(file, closed);
            let channel = file.facts.object_of(closed)?;
            let captured = tree.kind(closed) == NodeKind::Ident
                && context.world().object(channel).is_variable()
                && !context.flow.declared_inside(channel, id);
            return captured.then_some((call, channel));
        }
    }
    None
}

/// Whether something in a statement leaves the function, or goes elsewhere in it.
fn returns(file: &TypedFile<'_>, statement: NodeId) -> bool {
    let tree = file.tree;
    tree.preorder(statement).any(|node| match tree.kind(node) {
        NodeKind::ReturnStmt => true,
        NodeKind::BranchStmt => matches!(
            tree.statement(node),
            Statement::Branch { label: Some(_), .. }
        ),
        _ => false,
    })
}

fn is_declared_in(context: &Context<'_>, unit: UnitId, object: ObjectId, around: Span) -> bool {
    let object = context.world().object(object);
    object.file as usize == context.flow.units.get(unit).file && around.contains(object.offset)
}

/// Whether the turn that starts the goroutine is the last one.
fn leaves_after(context: &Context<'_>, unit: UnitId, start: NodeId, turn: Span) -> bool {
    let unit = context.flow.units.get(unit);
    let tree = context.file(unit.file).tree;
    let in_turn = |&block: &NodeId| turn.contains(tree.span(block).start);
    tree.preorder(unit.body).filter(in_turn).any(|block| {
        let (Statement::Block { statements }
        | Statement::CaseClause {
            body: statements, ..
        }
        | Statement::CommunicationClause {
            body: statements, ..
        }) = tree.statement(block)
        else {
            return false;
        };
        let after = statements.iter().skip_while(|&&statement| {
            let span = tree.span(statement);
            !(span.start <= tree.span(start).start && tree.span(start).end <= span.end)
        });
        let leaves = |&statement: &NodeId| {
            matches!(
                tree.kind(statement),
                NodeKind::ReturnStmt | NodeKind::BranchStmt
            )
        };
        after.skip(1).any(leaves)
    })
}

fn in_loop(
    context: &Context<'_>,
    id: UnitId,
    close: NodeId,
    (starter, start): (UnitId, NodeId),
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let text = context.text(file, close);
    let path = context.path(file);
    let span = context.span(file, close);
    let own = context.flow.units.get(starter).file;
    let begin = context.span(own, start).start;
    RULE.diagnostic(
        path.clone(),
        span,
        format!("each turn of the loop starts a goroutine that runs `{text}`"),
    )
    .in_function(context.function(id))
    .operation(text)
    .step(
        context.path(own),
        Span::new(begin, begin + 2),
        "a goroutine starts here in each turn",
    )
    .step(path, span, "the second one that comes here panics")
    .help("let one goroutine close the channel, when all others are done")
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn orders() {
        check(
            &RULE,
            r#"
package p

import "sync"

type T struct{ quit, done chan struct{} }

func branch(n int) {
	ch := make(chan int)
	if n < 0 {
		close(ch)
	}
	close(ch) // want "`ch` may be closed already"
}
func (t *T) shutdown(err error) {
	defer close(t.quit) // want "`t.quit` may be closed already"
	if err != nil {
		close(t.quit)
	}
}
func (t *T) byMethod() {
	close(t.quit)
	t.stop()
}
func (t *T) stop() {
	close(t.quit) // want "`t.quit` is closed already"
}
func literal(ch chan int) {
	defer func() {
		close(ch) // want "`ch` is closed already"
	}()
	close(ch)
}
func byParameter(ch chan int) {
	close(ch)
	end(ch)
}
func end(c chan int) {
	close(c) // want "`ch` is closed already"
}
func each(n int) {
	done := make(chan struct{})
	for range n {
		go func() {
			close(done) // want "each turn of the loop"
		}()
	}
	<-done
}

func workers(srcs [][]int) (all []int) {
	out := make(chan int, 16)
	var wg sync.WaitGroup
	for _, src := range srcs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer close(out) // want "each turn of the loop"
			for _, v := range src {
				out <- v
			}
		}()
	}
	wg.Wait()
	for v := range out {
		all = append(all, v)
	}
	return all
}
func closeAtEnd(jobs chan int, n int) chan int {
	out := make(chan int)
	for range n {
		go func() {
			for j := range jobs {
				out <- j
			}
			close(out) // want "each turn of the loop"
		}()
	}
	return out
}
func lastCloses(jobs chan int, quit chan bool, n int) chan int {
	out := make(chan int)
	for range n {
		go func() {
			for j := range jobs {
				if j < 0 {
					return
				}
				out <- j
			}
			close(out)
		}()
	}
	return out
}

type runner struct{ done chan struct{} }

func (r *runner) Stop() {
	close(r.done) // want "`r.done` is closed already"
}
func (r *runner) Run(work func() bool) {
	defer r.Stop()
	for work() {
	}
	r.Stop()
}

type careful struct{ done chan struct{} }

func (c *careful) Stop() {
	select {
	case <-c.done:
	default:
		close(c.done)
	}
}
func (c *careful) Run(work func() bool) {
	defer c.Stop()
	for work() {
	}
	c.Stop()
}

func either(n int) {
	ch := make(chan int)
	if n < 0 {
		close(ch)
		return
	}
	close(ch)
}
func conditions(a bool) {
	ch := make(chan int)
	if a {
		close(ch)
	}
	if !a {
		close(ch)
	}
}
func leaves(a, b bool) {
	ch := make(chan int)
	if a {
		close(ch)
	}
	if b {
		return
	}
	close(ch)
}
func again(n int) {
	ch := make(chan int)
	for range n {
		close(ch)
		ch = make(chan int)
	}
	close(ch)
}
func (t *T) two() { close(t.quit); close(t.done) }
func asks(ch chan int) {
	closed := false
	defer func() {
		if !closed {
			close(ch)
		}
	}()
	close(ch)
	closed = true
}
func once(n int) {
	done := make(chan struct{})
	var o sync.Once
	for range n {
		go func() { o.Do(func() { close(done) }) }()
	}
}
func own(n int) {
	for range n {
		done := make(chan struct{})
		go func() { close(done) }()
		<-done
	}
}
func first(n int) {
	done := make(chan struct{})
	for range n {
		go func() { close(done) }()
		break
	}
}
func (t *T) renewed() {
	t.renew()
	t.renew()
}
func (t *T) renew() {
	close(t.quit)
	t.quit = make(chan struct{})
}
func timeout(ch chan int, late bool, stackFatal func()) {
	if late {
		close(ch)
		stackFatal()
	}
	close(ch)
}
func safe(ch chan int) {
	close(ch)
	quietly(ch)
}
func quietly(ch chan int) {
	defer func() { recover() }()
	close(ch)
}
"#,
        );
    }
}
