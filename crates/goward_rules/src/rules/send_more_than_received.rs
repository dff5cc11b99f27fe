//! `send-more-than-received`: goroutines send more values than the function receives.

use goward_diagnostics::{Category, Diagnostic, Safety, Severity};
use goward_flow::Sends;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::rules::send_abandoned;

rule! {
    /// Reports goroutines that send more values than are received before the function returns.
    ///
    /// ## What it reports
    ///
    /// A channel of a function on which the goroutines that it starts send more values, counted on
    /// the path with the most, than the function receives on the path to a return with the fewest,
    /// and more than the buffer takes. Where the function may return without any receive, it is
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
            send_abandoned::add_fix(context, send, sends, &mut diagnostic);
            findings.push(diagnostic);
        }
    }
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

func bad() bool { return true }

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
