//! `send-abandoned`: a goroutine sends on a channel that nobody receives from any more.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{AbandonedSend, LocalChannel, Sends, UseKind};
use goward_syntax::{Expression, NodeId, NodeKind};

use crate::Rule;
use crate::context::Context;
use crate::lonely_sends::lonely_send;
use crate::rule::{Group, rule};
use crate::waited_sends;

rule! {
    /// Reports goroutines that are left behind because nobody receives what they send.
    ///
    /// ## What it reports
    ///
    /// A goroutine that sends on a channel of the function that starts it, where the function can
    /// return without a receive: by a timeout, a cancelled context, or an early return. The channel
    /// is seen by nobody else, and its capacity does not take the value. Also a send of the function itself
    /// on a channel without a buffer that nobody else has yet, and sends on such a channel of goroutines
    /// which the function waits for with a `sync.WaitGroup` before it receives.
    ///
    /// ## Why it matters
    ///
    /// The goroutine waits for ever, and with it stays everything that it refers to. Each call leaves
    /// one more. Where the function closes the channel in a deferred call, the send panics instead.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"context"
    /// )
    ///
    /// func fetch(ctx context.Context, get func() error) error {
    /// 	done := make(chan error)
    /// 	go func() {
    /// 		done <- get() // want send-abandoned
    /// 	}()
    /// 	select {
    /// 	case err := <-done:
    /// 		return err
    /// 	case <-ctx.Done():
    /// 		return ctx.Err()
    /// 	}
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
    /// )
    ///
    /// func fetch(ctx context.Context, get func() error) error {
    /// 	done := make(chan error, 1)
    /// 	go func() {
    /// 		done <- get()
    /// 	}()
    /// 	select {
    /// 	case err := <-done:
    /// 		return err
    /// 	case <-ctx.Done():
    /// 		return ctx.Err()
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// A channel without a buffer gets one that takes all values. The fix is unsafe: the goroutine no
    /// longer waits for its receiver, which other code may rely on.
    pub(crate) const RULE: Rule = Rule {
        name: "send-abandoned",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: Some(Safety::Unsafe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for channel in context.flow.local_channels() {
        if let Some(send) = lonely_send(context, channel) {
            findings.push(alone(context, channel, send));
        }
    }
    waited_sends::report(context, &RULE, findings);
    for send in context.flow.abandoned_sends() {
        if send.receives == 0
            && let Sends::Finite(_) = send.sends
        {
            let name = context.world().object(send.channel).name;
            let this = match place(context, send).1 {
                true => "this send",
                false => "a send",
            };
            if closes_when_left(context, send) {
                let message = format!(
                    "{this} on `{name}` panics when the function returns first: a deferred call closes the channel"
                );
                let finding = diagnostic(&RULE, context, send, message);
                findings.push(finding.help(format!(
                    "let the goroutine close `{name}` when it has sent, or wait for it first"
                )));
                continue;
            }
            let message =
                format!("{this} on `{name}` blocks for ever when the function returns first");
            let mut diagnostic = diagnostic(&RULE, context, send, message);
            add_fix(context, send, &mut diagnostic);
            findings.push(diagnostic);
        }
    }
}

/// A send of the function itself, before anybody else has the channel.
fn alone(context: &Context<'_>, channel: &LocalChannel, send: NodeId) -> Diagnostic {
    let file = context.flow.units.get(channel.unit).file;
    let name = context.world().object(channel.object).name;
    let path = context.path(file);
    RULE.diagnostic(
        path.clone(),
        context.span(file, send),
        format!("this send on `{name}` blocks for ever: nobody else has the channel yet"),
    )
    .in_function(context.function(channel.unit))
    .operation(format!("send {name}"))
    .step(
        path.clone(),
        context.span(file, channel.made),
        "the channel is made here, without a buffer",
    )
    .step(
        path,
        context.span(file, send),
        "the function waits here for a receiver that it has not started",
    )
    .help(format!(
        "start the receiver before, or give `{name}` a buffer that takes all that is sent"
    ))
}

/// Whether the function that is left closes the channel in a deferred call.
fn closes_when_left(context: &Context<'_>, send: &AbandonedSend) -> bool {
    let flow = context.flow;
    let unit = flow.units.get(send.unit);
    let tree = context.file(unit.file).tree;
    let deferred = |close: NodeId| {
        let mut nodes = unit.nodes.iter();
        nodes.any(|&(node, parent)| node == close && tree.kind(parent) == NodeKind::DeferStmt)
    };
    let mut channels = flow.local_channels().iter();
    channels
        .find(|channel| channel.object == send.channel && channel.unit == send.unit)
        .is_some_and(|channel| {
            let mut uses = channel.uses.iter();
            uses.any(|one| {
                one.kind == UseKind::Close && one.unit == send.unit && deferred(one.node)
            })
        })
}

/// Where a finding stands, and whether that is the send. Of several sends of which one happens, none is
/// the wrong one, and what they have in common is the channel.
fn place(context: &Context<'_>, send: &AbandonedSend) -> (Span, bool) {
    let units = &context.flow.units;
    let file = units.get(send.unit).file;
    let is_inside = units.chain(send.sender).any(|unit| unit == send.unit);
    let all_happen = match send.sends {
        Sends::Finite(sends) => send.statements <= sends as usize,
        Sends::InLoop | Sends::StartedInLoop => send.statements == 1,
    };
    if all_happen && is_inside {
        (context.span(file, send.send), true)
    } else {
        (context.span(file, send.made), false)
    }
}

/// A finding about a goroutine that is left behind.
pub(crate) fn diagnostic(
    rule: &Rule,
    context: &Context<'_>,
    send: &AbandonedSend,
    message: String,
) -> Diagnostic {
    let file = context.flow.units.get(send.unit).file;
    let path = context.path(file);
    let name = context.world().object(send.channel).name;
    let launch = context.span(file, send.launch);
    let made = match send.capacity {
        0 => format!("`{name}` is made here, without a buffer"),
        1 => format!("`{name}` is made here; its buffer takes one value"),
        capacity => format!("`{name}` is made here; its buffer takes {capacity} values"),
    };
    let (span, at_send) = place(context, send);
    let function = if at_send { send.sender } else { send.unit };
    let sender_file = context.flow.units.get(send.sender).file;
    let mut diagnostic = rule
        .diagnostic(path.clone(), span, message)
        .in_function(context.function(function))
        .operation(format!("send on {name}"))
        .step(path.clone(), context.span(file, send.made), made)
        .step(
            path.clone(),
            Span::new(launch.start, launch.start + 2),
            "the goroutine is started here",
        )
        .step(
            context.path(sender_file),
            context.span(sender_file, send.send),
            "it waits here for a receiver",
        );
    if let Some(exit) = send.exit {
        let times = match send.receives {
            0 => "without a receive".to_owned(),
            1 => "after one receive".to_owned(),
            receives => format!("after {receives} receives"),
        };
        diagnostic = diagnostic.step(
            path,
            context.span(file, exit),
            format!("the function can return here {times}"),
        );
    }
    diagnostic
}

/// A buffer that is larger than this hides that nobody receives.
const LARGEST_BUFFER: u32 = 8;

/// Says how large a buffer would have to be for all that is sent, and gives a channel without one such a
/// buffer. Where it would be very large, or the number is not known, it is no advice.
pub(crate) fn add_fix(context: &Context<'_>, send: &AbandonedSend, diagnostic: &mut Diagnostic) {
    let file = context.flow.units.get(send.unit).file;
    let name = context.world().object(send.channel).name;
    let room = send.all.map(|all| all.saturating_sub(send.receives));
    let Some(room) = room.filter(|room| (1..=LARGEST_BUFFER).contains(room)) else {
        diagnostic.help = format!(
            "let the goroutines stop waiting for `{name}` in a `select`, or receive all that they send"
        );
        return;
    };
    diagnostic.help = format!(
        "give `{name}` a buffer of {room}, or let the goroutine stop waiting in a `select`"
    );
    if send.capacity == 0
        && let Expression::Call {
            arguments: [element],
            ..
        } = context.file(file).tree.expression(send.made)
    {
        let end = context.span(file, *element).end;
        diagnostic.fix = Some(Fix {
            safety: Safety::Unsafe,
            message: format!("give `{name}` a buffer"),
            edits: vec![Edit {
                file: context.path(file),
                span: Span::at(end),
                replacement: format!(", {room}"),
            }],
        });
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::{check, findings};

    #[test]
    fn sends_before_anybody_else_has_the_channel() {
        check(
            &RULE,
            r#"
package p

type holder struct{ ch chan int }

func use(chan int) {}

func toItself() int {
	ch := make(chan int)
	ch <- 1 // want "this send on `ch` blocks for ever: nobody else has the channel yet"
	return <-ch
}
func inTurns(items []int) (sum int) {
	ch := make(chan int)
	for _, item := range items {
		ch <- item // want "nobody else has the channel yet"
	}
	close(ch)
	for item := range ch {
		sum += item
	}
	return sum
}
func tooLate() {
	done := make(chan struct{})
	done <- struct{}{} // want "nobody else has the channel yet"
	go func() { <-done }()
}

func buffered() int {
	ch := make(chan int, 1)
	ch <- 1
	return <-ch
}
func started() {
	ch := make(chan int)
	go func() { <-ch }()
	ch <- 1
}
func startedInTurns(items []int) {
	ch := make(chan int)
	for i, item := range items {
		if i > 0 {
			ch <- item
		}
		go func() { <-ch }()
	}
}
func given() {
	ch := make(chan int)
	use(ch)
	ch <- 1
}
func kept() *holder {
	ch := make(chan int)
	h := &holder{ch}
	ch <- 1
	return h
}
func inLiteral() func() {
	ch := make(chan int)
	return func() { ch <- 1 }
}
func maybe() {
	ch := make(chan int)
	select {
	case ch <- 1:
	default:
	}
}
"#,
        );
    }

    #[test]
    fn buffers_that_are_advised() {
        let sources = goward_flow::testing::sources(
            r#"
package p

func bad() bool { return true }

func two() {
	errs := make(chan error)
	go func() { errs <- nil }()
	println("between")
	go func() { errs <- nil }()
	if bad() {
		return
	}
	<-errs
	<-errs
}

func many(works []func() error) {
	errs := make(chan error)
	for range 100 {
		go func() { errs <- nil }()
	}
	if bad() {
		return
	}
	for range 100 {
		<-errs
	}
}
"#,
        );
        let found = findings(&sources);
        let help: Vec<&str> = found
            .iter()
            .filter(|found| found.rule == RULE.name)
            .map(|found| found.help.as_str())
            .collect();
        assert_eq!(
            help,
            [
                "give `errs` a buffer of 2, or let the goroutine stop waiting in a `select`",
                "let the goroutines stop waiting for `errs` in a `select`, or receive all that they send",
            ]
        );
    }

    #[test]
    fn ways_to_return_without_a_receive() {
        check(
            &RULE,
            r#"
package p

import (
	"context"
	"sync"
	"time"
)

func get() int { return 1 }
func use(ch chan int) {}
func bad() bool { return true }

func timeout() int {
	ch := make(chan int)
	go func() { ch <- get() }() // want "blocks for ever"
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Second):
		return 0
	}
}

func early() int {
	ch := make(chan int)
	go func() { ch <- get() }() // want "blocks for ever"
	if bad() {
		return 0
	}
	return <-ch
}

func branches(b bool) int {
	ch := make(chan int) // want "a send on `ch` blocks for ever"
	go func() {
		if b {
			ch <- 1
		} else {
			ch <- 2
		}
	}()
	if bad() {
		return 0
	}
	return <-ch
}

func buffered(ctx context.Context) int {
	ch := make(chan int, 1)
	go func() { ch <- get() }()
	select {
	case v := <-ch:
		return v
	case <-ctx.Done():
		return 0
	}
}

func flagged(quit chan int) {
	done := false
	ch := make(chan int)
	go func() { ch <- get() }()
	for !done {
		select {
		case <-ch:
			done = true
		case <-quit:
			println("again")
		}
	}
}

func flaggedTwice(quit chan int) {
	done := false
	ch := make(chan int)
	go func() { ch <- get() }() // want "blocks for ever"
	for !done {
		select {
		case <-ch:
			done = true
		case <-quit:
			done = true
		}
	}
}

func untilClosed(group *sync.WaitGroup, works []func() int) (sum int) {
	group.Add(2)
	a, b := make(chan int), make(chan int)
	go func() {
		defer group.Done()
		a <- get()
	}()
	go func() {
		defer group.Done()
		b <- get()
	}()
	go func() {
		group.Wait()
		close(a)
		close(b)
	}()
	for {
		select {
		case v, ok := <-a:
			if !ok {
				return sum
			}
			sum += v
		case v, ok := <-b:
			if !ok {
				return sum
			}
			sum += v
		}
	}
}

func notUntilClosed(group *sync.WaitGroup) (sum int) {
	group.Add(1)
	a, b := make(chan int), make(chan int)
	go func() {
		defer group.Done()
		a <- get()
	}()
	go func() { b <- get() }() // want "blocks for ever"
	go func() {
		group.Wait()
		close(a)
	}()
	for {
		select {
		case v, ok := <-a:
			if !ok {
				return sum
			}
			sum += v
		case v := <-b:
			sum += v
		}
	}
}

func surely() {
	ch := make(chan int)
	go func() { ch <- get() }()
	for range 2 {
		<-ch
		if bad() {
			return
		}
	}
}

func always() int {
	ch := make(chan int)
	go func() { ch <- get() }()
	return <-ch
}

func wayOut(ctx context.Context) int {
	ch := make(chan int)
	go func() {
		select {
		case ch <- get():
		case <-ctx.Done():
		}
	}()
	if bad() {
		return 0
	}
	return <-ch
}

func passedOn() {
	ch := make(chan int)
	go func() { ch <- get() }()
	use(ch)
}

func otherReceiver() {
	ch := make(chan int)
	go func() { ch <- get() }()
	go func() { <-ch }()
}

func deferredReceiver() {
	ch := make(chan int)
	go func() { ch <- get() }()
	defer func() { <-ch }()
	if bad() {
		return
	}
}

func panics() int {
	ch := make(chan int)
	go func() { ch <- get() }()
	if bad() {
		panic("no")
	}
	return <-ch
}

func returned() chan int {
	ch := make(chan int)
	go func() { ch <- get() }()
	return ch
}

func helper(out chan<- int) { out <- get() }

func throughHelper() int {
	ch := make(chan int) // want "a send on `ch` blocks for ever"
	go helper(ch)
	if bad() {
		return 0
	}
	return <-ch
}

func throughArgument() int {
	ch := make(chan int)
	go func(out chan<- int) { out <- get() }(ch) // want "this send on `ch`"
	if bad() {
		return 0
	}
	return <-ch
}

func throughVariable() int {
	ch := make(chan int)
	work := func() { ch <- get() } // want "this send on `ch`"
	go work()
	if bad() {
		return 0
	}
	return <-ch
}

func inDeferred() int {
	ch := make(chan int)
	go func() {
		defer func() { ch <- 1 }() // want "this send on `ch`"
		get()
	}()
	if bad() {
		return 0
	}
	return <-ch
}

func onlyIfNothingWasSent() int {
	ch := make(chan int, 1)
	go func() {
		sent := false
		defer func() {
			if !sent {
				ch <- 0
			}
		}()
		ch <- get()
		sent = true
	}()
	if bad() {
		return 0
	}
	return <-ch
}

func bothAreSent() int {
	ch := make(chan int, 1)
	go func() {
		defer func() { ch <- 0 }()
		ch <- get() // want "this send on `ch`"
	}()
	if bad() {
		return 0
	}
	return <-ch
}

func safely(f func()) {
	go func() {
		defer func() { recover() }()
		f()
	}()
}

func throughStarter() int {
	ch := make(chan int)
	safely(func() { ch <- get() }) // want "this send on `ch`"
	if bad() {
		return 0
	}
	return <-ch
}

func callback(each func(func())) int {
	ch := make(chan int)
	go func() {
		each(func() { ch <- 1 })
	}()
	if bad() {
		return 0
	}
	return <-ch
}

func eitherOr() (int, error) {
	results, errs := make(chan int), make(chan error)
	go func() {
		if bad() {
			errs <- nil
			return
		}
		results <- get()
	}()
	select {
	case v := <-results:
		return v, nil
	case err := <-errs:
		return 0, err
	}
}

func oneThenTheOther() (int, error) {
	results, errs := make(chan int), make(chan error)
	go func() {
		results <- get()
		if bad() {
			errs <- nil // want "this send on `errs`"
		}
	}()
	select {
	case v := <-results:
		return v, nil
	case err := <-errs:
		return 0, err
	}
}

func saysWhenDone() int {
	ch, done := make(chan int), make(chan bool)
	go func() {
		defer close(done)
		ch <- get()
	}()
	select {
	case v := <-ch:
		return v
	case <-done:
		return 0
	}
}

func waited(group *sync.WaitGroup) int {
	ch := make(chan int)
	group.Add(1)
	go func() {
		defer group.Done()
		ch <- get()
	}()
	defer group.Wait()
	if bad() {
		return 0
	}
	return <-ch
}

func drained() {
	ch := make(chan int)
	go func() { ch <- get(); close(ch) }()
	for range ch {
	}
}

func calledByItself(n int, timeout <-chan int) int {
	ch := make(chan int)
	var down func(int)
	down = func(n int) {
		if n == 0 {
			ch <- 1 // want "blocks for ever"
			return
		}
		defer down(n - 2)
		down(n - 1)
	}
	send := func() {
		var again func(int)
		again = func(n int) {
			if n > 0 {
				again(n - 1)
			}
			ch <- n
		}
		again(n)
	}
	go send()
	go down(n)
	select {
	case v := <-ch:
		return v
	case <-timeout:
		return 0
	}
}
"#,
        );
    }
}
