//! `send-more-than-received`: goroutines send more values than the function receives.

use goward_diagnostics::{Category, Diagnostic, Safety, Severity, Span};
use goward_flow::{AbandonedSend, Sends, UnitId, UseKind};
use goward_syntax::{NodeKind, Statement};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::rules::send_abandoned;
use crate::sharing::innermost_loop;

rule! {
    /// Reports goroutines that send more values than are received before the function returns.
    ///
    /// ## What it reports
    ///
    /// A channel of a function on which the goroutines that it starts send more values, counted on
    /// the path with the most, than the function receives on the path to a return with the fewest,
    /// and more than the buffer takes. Of goroutines that a loop starts the number is not known: they are
    /// too many for receives outside of a loop, and for a loop that the function can leave early. Where the function may return without any receive, it is
    /// `send-abandoned`.
    ///
    /// ## Why it matters
    ///
    /// The last goroutine waits for ever, and with it stays everything that it refers to.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// func first(a, b func() string) string {
    /// 	results := make(chan string)
    /// 	go func() { results <- a() }()
    /// 	go func() { results <- b() }() // want send-more-than-received
    /// 	return <-results
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// func first(a, b func() string) string {
    /// 	results := make(chan string, 2)
    /// 	go func() { results <- a() }()
    /// 	go func() { results <- b() }()
    /// 	return <-results
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// A channel without a buffer gets one that takes the values that nobody receives. The fix is
    /// unsafe: a goroutine may then end before its value is received.
    pub(crate) const RULE: Rule = Rule {
        name: "send-more-than-received",
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
        if send.receives > 0
            && let Sends::Finite(sends) = send.sends
        {
            let name = context.world().object(send.channel).name;
            let message = format!(
                "`{name}` is sent {sends} values, and the function may receive only {}",
                send.receives
            );
            let mut diagnostic = send_abandoned::diagnostic(&RULE, context, send, message);
            send_abandoned::add_fix(context, send, &mut diagnostic);
            findings.push(diagnostic);
        } else if is_short_of_turns(context, send) {
            let name = context.world().object(send.channel).name;
            let message = format!(
                "each turn of a loop starts a goroutine that sends on `{name}`, and the function may \
                 receive only {}",
                send.receives
            );
            findings.push(
                send_abandoned::diagnostic(&RULE, context, send, message).help(format!(
                    "give `{name}` a buffer for the values of all goroutines, or receive them all"
                )),
            );
        }
    }
}

/// Whether goroutines that a loop starts send one value each, and the function can return after some
/// of them for sure: it receives outside of any loop, or returns from within a loop with an end that
/// receives one value a turn.
pub(crate) fn is_short_of_turns(context: &Context<'_>, send: &AbandonedSend) -> bool {
    if send.sends != Sends::StartedInLoop || send.receives == 0 {
        return false;
    }
    let file = context.file(context.flow.units.get(send.unit).file);
    let Some(channel) = context
        .flow
        .local_channels()
        .iter()
        .find(|channel| channel.object == send.channel && channel.unit == send.unit)
    else {
        return false;
    };
    // Who makes room for more than one has counted them.
    if channel.capacity.is_some_and(|capacity| capacity > 1) {
        return false;
    }
    let mut receives = 0;
    for one in &channel.uses {
        match one.kind {
            UseKind::Range => return false,
            // Another case of a `select` may be what the function goes by.
            UseKind::Receive { select: Some(_) } => return false,
            UseKind::Receive { select: None } => {}
            _ => continue,
        }
        receives += 1;
        let Some(around) = innermost_loop(context, one.unit, one.node) else {
            continue;
        };
        let leaves = send
            .exit
            .is_some_and(|exit| around.contains(file.tree.span(exit).start));
        if !leaves || !has_end(context, one.unit, around) {
            return false;
        }
    }
    receives > 0
}

/// Whether a loop is over a range or has a condition.
fn has_end(context: &Context<'_>, unit: UnitId, span: Span) -> bool {
    let unit = context.flow.units.get(unit);
    let tree = context.file(unit.file).tree;
    unit.nodes.iter().any(|&(node, _)| {
        tree.span(node) == span
            && match tree.kind(node) {
                NodeKind::RangeStmt => true,
                NodeKind::ForStmt => matches!(
                    tree.statement(node),
                    Statement::For {
                        condition: Some(_),
                        ..
                    }
                ),
                _ => false,
            }
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn counts_of_sends_and_receives() {
        check(
            &RULE,
            r#"
package p

import "sync"

func bad() bool { return true }

func stages() error {
	var first sync.WaitGroup
	first.Add(1)
	errs := make(chan error)
	one := func() {
		if bad() {
			errs <- nil
			return
		}
		first.Done()
	}
	other := func() {
		first.Wait()
		errs <- nil
	}
	go one()
	go other()
	return <-errs
}

func twoForOne() int {
	ch := make(chan int)
	go func() {
		ch <- 1
		ch <- 2 // want "is sent 2 values"
	}()
	return <-ch
}

func twoForTwo() int {
	ch := make(chan int)
	go func() {
		ch <- 1
		ch <- 2
	}()
	return <-ch + <-ch
}

func oneAfterTheOther() {
	ch := make(chan int)
	go func() { ch <- 1 }()
	<-ch
	go func() { ch <- 2 }()
	<-ch
}

func loop() (sum int) {
	ch := make(chan int)
	go func() {
		ch <- 1
		ch <- 2
	}()
	for i := 0; i < 2; i++ {
		sum += <-ch
	}
	return sum
}

func first(out chan<- int)  { out <- 1 }
func second(out chan<- int) { out <- 2 }

func asManyAsStarted() {
	done := make(chan bool)
	for i := 0; i < 2; i++ {
		go func() { done <- true }()
	}
	<-done
	<-done
}

func moreThanStarted() {
	done := make(chan bool)
	for range 3 {
		go func() { done <- true }() // want "is sent 3 values"
	}
	<-done
	<-done
}

func twoChannels() {
	first, second := make(chan bool), make(chan bool)
	work := func(ready chan bool) { ready <- true }
	go work(first)
	go work(second)
	<-first
	<-second
}

func onlyOnce() error {
	errs := make(chan error, 1)
	go func() {
		sent := false
		send := func(err error) {
			if !sent {
				errs <- err
				sent = true
			}
		}
		if bad() {
			send(nil)
		}
		send(nil)
	}()
	return <-errs
}

func helpers() int {
	ch := make(chan int) // want "may receive only 1"
	go first(ch)
	go second(ch)
	return <-ch
}

func fastest(urls []string) string {
	ch := make(chan string)
	for _, url := range urls {
		go func() { ch <- url }() // want "each turn of a loop starts a goroutine"
	}
	return <-ch
}

func oneOfTwo(families []string) string {
	ch := make(chan string, 2)
	for _, family := range families {
		go func() { ch <- family }()
	}
	return <-ch
}

func firstError(n int) error {
	errs := make(chan error)
	for range n {
		go func() { errs <- nil }() // want "each turn of a loop starts a goroutine"
	}
	for range n {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func buffered(urls []string) string {
	ch := make(chan string, len(urls))
	for _, url := range urls {
		go func() { ch <- url }()
	}
	return <-ch
}

func allErrors(n int) (last error) {
	errs := make(chan error)
	for range n {
		go func() { errs <- nil }()
	}
	for range n {
		if err := <-errs; err != nil {
			last = err
		}
	}
	return last
}

func untilOver(urls []string) string {
	ch, active := make(chan string), 0
	for _, url := range urls {
		active++
		go func() { ch <- url }()
	}
	for {
		last := <-ch
		active--
		if active == 0 {
			return last
		}
	}
}

func drained(urls []string) string {
	ch := make(chan string)
	for _, url := range urls {
		go func() { ch <- url }()
	}
	first := <-ch
	go func() {
		for range len(urls) - 1 {
			<-ch
		}
	}()
	return first
}

func earlyInLoop() (sum int) {
	ch := make(chan int)
	go func() {
		ch <- 1
		ch <- 2 // want "may receive only 1"
	}()
	for i := 0; i < 2; i++ {
		sum += <-ch
		if bad() {
			return sum
		}
	}
	return sum
}
"#,
        );
    }
}
