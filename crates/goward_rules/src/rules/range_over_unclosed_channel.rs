//! `range-over-unclosed-channel`: a goroutine that ranges over a channel that nobody closes.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{ChannelUse, LocalChannel, StartKind, UnitId, UseKind};
use goward_syntax::Statement;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::has_way_out;

rule! {
    /// Reports goroutines that range over a local channel that is never closed.
    ///
    /// ## What it reports
    ///
    /// A channel that a function makes, that only it and the goroutines it starts use, and that none
    /// of them closes; where one of the goroutines ranges over it without another way out of the loop,
    /// and the function can return; or where the function itself does, and each of its goroutines that
    /// send on the channel comes to an end.
    ///
    /// ## Why it matters
    ///
    /// After the last value the loop waits for the next one for ever. Each call of the function leaves
    /// one more goroutine.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// func all(items []string, use func(string)) {
    /// 	queue := make(chan string)
    /// 	go func() {
    /// 		for item := range queue { // want range-over-unclosed-channel
    /// 			use(item)
    /// 		}
    /// 	}()
    /// 	for _, item := range items {
    /// 		queue <- item
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// func all(items []string, use func(string)) {
    /// 	queue := make(chan string)
    /// 	go func() {
    /// 		for item := range queue {
    /// 			use(item)
    /// 		}
    /// 	}()
    /// 	for _, item := range items {
    /// 		queue <- item
    /// 	}
    /// 	close(queue)
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: who sends last is not always to be seen.
    pub(crate) const RULE: Rule = Rule {
        name: "range-over-unclosed-channel",
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
        in_function(context, channel, findings);
        if !channel.is_understood()
            || channel.is_closed()
            || !own.graph.returns()
            || (main && own.name == "main")
        {
            continue;
        }
        for one in &channel.uses {
            let unit = context.flow.units.get(one.unit);
            let goroutine = context
                .flow
                .launches()
                .of(one.unit)
                .iter()
                .any(|start| start.kind == StartKind::Go && start.unit == channel.unit);
            if one.kind != UseKind::Range || !goroutine || has_way_out(&unit.graph, one.node) {
                continue;
            }
            findings.push(finding(context, channel, one));
        }
    }
}

fn finding(context: &Context<'_>, channel: &LocalChannel, one: &ChannelUse) -> Diagnostic {
    let unit = context.flow.units.get(one.unit);
    let own = context.flow.units.get(channel.unit);
    let tree = context.file(unit.file).tree;
    let mut span = context.span(unit.file, one.node);
    if let Statement::Range { operand, .. } = tree.statement(one.node) {
        span.end = tree.span(operand).end;
    }
    let name = context.world().object(channel.object).name;
    RULE.diagnostic(
        context.path(unit.file),
        span,
        format!("this loop never ends: nobody closes `{name}`"),
    )
    .in_function(context.function(one.unit))
    .operation(format!("range {name}"))
    .step(
        context.path(own.file),
        context.span(own.file, channel.made),
        format!("`{name}` is made here"),
    )
    .help(format!("`close({name})` after the last send"))
}

/// The function itself ranges over a channel that nobody closes, while all who send on it end.
fn in_function(context: &Context<'_>, channel: &LocalChannel, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let own = flow.units.get(channel.unit);
    if !channel.is_understood() || channel.is_closed() {
        return;
    }
    let ends = |unit: UnitId| flow.units.get(unit).graph.returns();
    let sends = || {
        let sends = channel.uses.iter();
        sends.filter(|one| matches!(one.kind, UseKind::Send { .. }))
    };
    let by_goroutines = sends().all(|one| {
        let starts = flow.launches().of(one.unit);
        let started = starts
            .iter()
            .all(|start| start.kind == StartKind::Go && start.unit == channel.unit);
        !starts.is_empty() && started && ends(one.unit)
    });
    if sends().next().is_none() || !by_goroutines {
        return;
    }
    for one in &channel.uses {
        if one.kind == UseKind::Range
            && one.unit == channel.unit
            && !has_way_out(&own.graph, one.node)
        {
            findings.push(finding(context, channel, one));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn channels_and_who_closes_them() {
        check(
            &RULE,
            r#"
package p

func use(int)       {}
func give(chan int) {}
func bad() bool     { return true }

func helper() {
	ch := make(chan int, 8)
	go consume(ch)
	ch <- 1
}

func consume(ch <-chan int) {
	for v := range ch { // want "nobody closes `ch`"
		use(v)
	}
}

func itself(n int) {
	ch := make(chan int)
	for i := range n {
		go func() { ch <- i }()
	}
	for v := range ch { // want "nobody closes `ch`"
		use(v)
	}
}

func itselfCounted(n int) {
	ch := make(chan int)
	for i := range n {
		go func() { ch <- i }()
	}
	left := n
	for v := range ch {
		use(v)
		if left--; left == 0 {
			break
		}
	}
}

func itselfEndless() {
	ch := make(chan int)
	go func() {
		for i := 0; ; i++ {
			ch <- i
		}
	}()
	for v := range ch {
		use(v)
	}
}

func leaves() {
	ch := make(chan int)
	go func() {
		for v := range ch {
			if bad() {
				return
			}
			use(v)
		}
	}()
	ch <- 1
}

func closedElsewhere() {
	ch := make(chan int)
	go func() {
		for v := range ch {
			use(v)
		}
	}()
	defer func() { close(ch) }()
	ch <- 1
}

func given() {
	ch := make(chan int)
	go func() {
		for v := range ch {
			use(v)
		}
	}()
	var sink any = ch
	_ = sink
}

func returned() chan<- int {
	ch := make(chan int)
	go func() {
		for v := range ch {
			use(v)
		}
	}()
	return ch
}

func endless() {
	ch := make(chan int)
	go func() {
		for v := range ch {
			use(v)
		}
	}()
	for {
		ch <- 1
	}
}
"#,
        );
    }
}
