//! `send-abandoned`: a goroutine sends on a channel that nobody receives from any more.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::AbandonedSend;
use goward_syntax::Expression;

use crate::Rule;
use crate::context::Context;
use crate::rule::{Group, rule};

rule! {
    /// Reports goroutines that are left behind because nobody receives what they send.
    ///
    /// ## What it reports
    ///
    /// A goroutine that sends on a channel of the function that starts it, where the function can
    /// return without a receive: by a timeout, a cancelled context, or an early return. The channel
    /// is seen by nobody else, and its capacity does not take the value.
    ///
    /// ## Why it matters
    ///
    /// The goroutine waits for ever, and with it stays everything that it refers to. Each call leaves
    /// one more.
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
    for send in context.flow.abandoned_sends() {
        if send.receives == 0 {
            let name = context.world().object(send.channel).name;
            let message =
                format!("this send on `{name}` blocks for ever when the function returns first");
            findings.push(diagnostic(&RULE, context, &send, message));
        }
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
    let mut diagnostic = rule
        .diagnostic(path.clone(), context.span(file, send.send), message)
        .in_function(context.function(send.sender))
        .operation(format!("send on {name}"))
        .step(path.clone(), context.span(file, send.made), made)
        .step(
            path.clone(),
            Span::new(launch.start, launch.start + 2),
            "the goroutine is started here",
        )
        .step(
            path.clone(),
            context.span(file, send.send),
            "it waits here for a receiver",
        );
    if let Some(exit) = send.exit {
        let times = match send.receives {
            0 => "without a receive".to_owned(),
            1 => "after one receive".to_owned(),
            receives => format!("after {receives} receives"),
        };
        diagnostic = diagnostic.step(
            path.clone(),
            context.span(file, exit),
            format!("the function can return here {times}"),
        );
    }
    let room = send.sends.saturating_sub(send.receives);
    diagnostic = diagnostic.help(format!(
        "give `{name}` a buffer of {room}, or let the goroutine stop waiting in a `select`"
    ));
    if send.capacity == 0
        && let Expression::Call {
            arguments: [element],
            ..
        } = context.file(file).tree.expression(send.made)
    {
        let end = context.span(file, *element).end;
        diagnostic = diagnostic.fix(Fix {
            safety: Safety::Unsafe,
            message: format!("give `{name}` a buffer"),
            edits: vec![Edit {
                file: path,
                span: Span::at(end),
                replacement: format!(", {room}"),
            }],
        });
    }
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn ways_to_return_without_a_receive() {
        check(
            &RULE,
            r#"
package p

import (
	"context"
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
	ch := make(chan int)
	go func() {
		if b {
			ch <- 1 // want "blocks for ever"
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

func drained() {
	ch := make(chan int)
	go func() { ch <- get(); close(ch) }()
	for range ch {
	}
}
"#,
        );
    }
}
