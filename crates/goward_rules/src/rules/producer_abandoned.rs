//! `producer-abandoned`: a goroutine sends in a loop, and its receiver may stop before it.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::Sends;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::rules::send_abandoned;
use crate::rules::send_more_than_received::is_short_of_turns;

rule! {
    /// Reports channels whose receiver may return while goroutines still send in a loop.
    ///
    /// ## What it reports
    ///
    /// A channel of a function on which a goroutine sends in a loop, or on which goroutines send that
    /// are started in a loop, where the function can return before it has received everything: by an
    /// early return or `break` from the loop that receives, or without one. Silent where the loop is
    /// left only on account of a received value, in a `select`: the values may say which one is the
    /// last.
    ///
    /// ## Why it matters
    ///
    /// When nobody receives any more, the next send waits for ever, and the goroutine stays with
    /// everything that it refers to. Each call can leave one more.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// func read(lines []string, use func(string) error) error {
    /// 	ch := make(chan string)
    /// 	go func() {
    /// 		defer close(ch)
    /// 		for _, line := range lines {
    /// 			ch <- line // want producer-abandoned
    /// 		}
    /// 	}()
    /// 	for line := range ch {
    /// 		if err := use(line); err != nil {
    /// 			return err
    /// 		}
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
    /// func read(lines []string, use func(string) error) error {
    /// 	ch := make(chan string)
    /// 	done := make(chan struct{})
    /// 	defer close(done)
    /// 	go func() {
    /// 		defer close(ch)
    /// 		for _, line := range lines {
    /// 			select {
    /// 			case ch <- line:
    /// 			case <-done:
    /// 				return
    /// 			}
    /// 		}
    /// 	}()
    /// 	for line := range ch {
    /// 		if err := use(line); err != nil {
    /// 			return err
    /// 		}
    /// 	}
    /// 	return nil
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: how the goroutine learns that it should stop is your decision.
    pub(crate) const RULE: Rule = Rule {
        name: "producer-abandoned",
        category: Category::Leak,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for send in context.flow.abandoned_sends() {
        if is_short_of_turns(context, send) {
            continue;
        }
        let name = context.world().object(send.channel).name;
        let who = match send.sends {
            Sends::Finite(_) => continue,
            Sends::InLoop => "a goroutine sends in a loop",
            Sends::StartedInLoop => "goroutines send that are started in a loop",
        };
        let message =
            format!("on `{name}` {who}, and the function can return before it has received all");
        findings.push(
            send_abandoned::diagnostic(&RULE, context, send, message).help(format!(
                "let the goroutine wait in a `select` for `{name}` and for the end of the function"
            )),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn loops_of_senders_and_receivers() {
        check(
            &RULE,
            r#"
package p

func get(int) (int, error) { return 0, nil }
func bad(int) bool { return true }

func firstError(n int) error {
	errs := make(chan error)
	for i := 0; i < n; i++ {
		go func() {
			_, err := get(i)
			errs <- err // want "started in a loop"
		}()
	}
	for {
		if err := <-errs; err != nil {
			return err
		}
	}
}

func all(n int) (last error) {
	errs := make(chan error)
	for i := 0; i < n; i++ {
		go func() {
			_, err := get(i)
			errs <- err
		}()
	}
	for i := 0; i < n; i++ {
		if err := <-errs; err != nil {
			last = err
		}
	}
	return last
}

func untilLast(stop chan bool) {
	ch := make(chan int)
	go func() {
		for i := 0; ; i++ {
			ch <- i
		}
	}()
	for {
		select {
		case v := <-ch:
			if bad(v) {
				return
			}
		}
	}
}

func counted() {
	ch := make(chan int)
	go func() {
		for i := 0; i < 10; i++ {
			ch <- i
		}
		close(ch)
	}()
	for {
		select {
		case v, ok := <-ch:
			if !ok {
				return
			}
			bad(v)
		case <-make(chan int):
		}
	}
}
"#,
        );
    }
}
