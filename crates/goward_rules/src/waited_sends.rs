//! Sends of goroutines for which the function waits before it receives: `wg.Wait()` and then
//! `for v := range ch`, on a channel without a buffer. Neither side comes any further.

use goward_diagnostics::Diagnostic;
use goward_flow::{ChannelUse, LocalChannel, StartKind, UnitId, UseKind};
use goward_syntax::{NodeId, NodeKind};
use goward_types::ObjectId;

use crate::Rule;
use crate::context::Context;
use crate::wait_groups::{GroupCall, WaitGroups, statements};

/// Reports the sends on local channels that meet a function which waits for their goroutines.
pub(crate) fn report(context: &Context<'_>, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    let mut groups = None;
    for channel in context.flow.local_channels() {
        if channel.capacity != Some(0) || !channel.is_understood() {
            continue;
        }
        // Whoever receives elsewhere takes what is sent meanwhile.
        let receives =
            |one: &&ChannelUse| matches!(one.kind, UseKind::Receive { .. } | UseKind::Range);
        let mut receiving = channel.uses.iter().filter(receives).peekable();
        if receiving.peek().is_none() || receiving.any(|one| one.unit != channel.unit) {
            continue;
        }
        let groups = groups.get_or_insert_with(|| WaitGroups::new(context));
        for one in &channel.uses {
            if one.kind == (UseKind::Send { select: None })
                && one.unit != channel.unit
                && let Some(wait) = awaited(context, groups, channel, one)
            {
                findings.push(describe(context, rule, channel, one, wait));
                break;
            }
        }
    }
}

/// The `Wait` of the function for the goroutine that sends, before it receives.
fn awaited<'g>(
    context: &Context<'_>,
    groups: &'g WaitGroups,
    channel: &LocalChannel,
    send: &ChannelUse,
) -> Option<&'g GroupCall> {
    let unit = context.flow.units.get(channel.unit);
    let file = context.file(unit.file);
    let at = |node: NodeId| file.tree.span(node).start;
    let first = channel
        .uses
        .iter()
        .filter(|one| matches!(one.kind, UseKind::Receive { .. } | UseKind::Range))
        .map(|one| at(one.node))
        .min()?;
    let plain = statements(file, unit);
    groups.calls.iter().find(|wait| {
        wait.name == "Wait"
            && wait.unit == channel.unit
            && file.tree.kind(wait.parent) == NodeKind::ExprStmt
            && plain.contains(&wait.parent)
            && at(channel.made) < at(wait.node)
            && at(wait.node) < first
            && is_counted(context, groups, channel.unit, wait, send)
    })
}

/// Whether the goroutine with the send is started by the function before it waits, and is one that the
/// group counts: it calls `Done` when it has sent, or was started by `Go`.
fn is_counted(
    context: &Context<'_>,
    groups: &WaitGroups,
    function: UnitId,
    wait: &GroupCall,
    send: &ChannelUse,
) -> bool {
    let flow = context.flow;
    let tree = context.file(flow.units.get(function).file).tree;
    let Some(start) = flow.launches().only(send.unit) else {
        return false;
    };
    let before = start.unit == function && tree.span(start.node).end <= tree.span(wait.node).start;
    if !before {
        return false;
    }
    let started_by_group = groups
        .calls
        .iter()
        .any(|call| call.name == "Go" && call.node == start.call && call.group == wait.group);
    let tells = || {
        let own = context.file(flow.units.get(send.unit).file).tree;
        groups.calls.iter().any(|call| {
            // Other calls may stand in other files.
            let after = || {
                own.kind(call.parent) == NodeKind::DeferStmt
                    || own.span(call.node).start > own.span(send.node).start
            };
            call.name == "Done"
                && call.unit == send.unit
                && after()
                && groups.seen_outside(context, call, send.unit, start) == Some(wait.group)
        }) && !is_told_before(groups, send, wait.group, own)
    };
    started_by_group || start.kind == StartKind::Go && tells()
}

/// Whether the goroutine calls `Done` before it sends.
fn is_told_before(
    groups: &WaitGroups,
    send: &ChannelUse,
    group: ObjectId,
    tree: &goward_syntax::Tree,
) -> bool {
    groups.calls.iter().any(|call| {
        call.name == "Done"
            && call.unit == send.unit
            && call.group == group
            && tree.kind(call.parent) != NodeKind::DeferStmt
            && tree.span(call.node).start < tree.span(send.node).start
    })
}

fn describe(
    context: &Context<'_>,
    rule: &Rule,
    channel: &LocalChannel,
    send: &ChannelUse,
    wait: &GroupCall,
) -> Diagnostic {
    let flow = context.flow;
    let name = context.world().object(channel.object).name;
    let own = flow.units.get(channel.unit).file;
    let sender = flow.units.get(send.unit).file;
    rule.diagnostic(
        context.path(sender),
        context.span(sender, send.node),
        format!(
            "this send on `{name}` blocks for ever: the function waits for the goroutine before it receives"
        ),
    )
    .in_function(context.function(send.unit))
    .operation(format!("send {name}"))
    .step(
        context.path(own),
        context.span(own, channel.made),
        "the channel is made here, without a buffer",
    )
    .step(
        context.path(sender),
        context.span(sender, send.node),
        "the goroutine waits here for a receiver",
    )
    .step(
        context.path(own),
        context.span(own, wait.node),
        "the function waits here for the goroutine, and receives further down",
    )
    .help(format!(
        "wait in a goroutine of its own: `go func() {{ {}.Wait(); close({name}) }}()`, or give `{name}` a buffer that takes all that is sent",
        wait.text
    ))
}

#[cfg(test)]
mod tests {
    use crate::rule;
    use crate::testing::check;

    #[test]
    fn waits_before_receives() {
        check(
            rule("send-abandoned").expect("the rule exists"),
            r#"
package p

import "sync"

func collect(fs []func() int) (all []int) {
	ch := make(chan int)
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			ch <- f() // want "the function waits for the goroutine before it receives"
		}()
	}
	wg.Wait()
	close(ch)
	for v := range ch {
		all = append(all, v)
	}
	return all
}
func started(f func() int) int {
	ch := make(chan int)
	var wg sync.WaitGroup
	wg.Go(func() {
		ch <- f() // want "waits for the goroutine before"
	})
	wg.Wait()
	return <-ch
}
func worker(n int, ch chan<- int, wg *sync.WaitGroup) {
	defer wg.Done()
	ch <- n * n // want "waits for the goroutine before"
}
func workers() int {
	ch := make(chan int)
	wg := sync.WaitGroup{}
	for i := range 3 {
		wg.Add(1)
		go worker(i, ch, &wg)
	}
	wg.Wait()
	return <-ch + <-ch + <-ch
}
func failed(fs []func() error) error {
	errs := make(chan error)
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Add(1)
		go func() {
			if err := f(); err != nil {
				errs <- err // want "waits for the goroutine before"
			}
			wg.Done()
		}()
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func closer(fs []func() int) (sum int) {
	ch := make(chan int)
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			ch <- f()
		}()
	}
	go func() {
		wg.Wait()
		close(ch)
	}()
	for v := range ch {
		sum += v
	}
	return sum
}
func buffered(fs []func() int) (sum int) {
	ch := make(chan int, len(fs))
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(func() { ch <- f() })
	}
	wg.Wait()
	close(ch)
	for v := range ch {
		sum += v
	}
	return sum
}
func receiver(fs []func() int) {
	ch := make(chan int)
	go func() {
		for v := range ch {
			println(v)
		}
	}()
	var wg sync.WaitGroup
	for _, f := range fs {
		wg.Go(func() { ch <- f() })
	}
	wg.Wait()
	close(ch)
}
func toldBefore(f func() int) int {
	ch := make(chan int)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		wg.Done()
		ch <- f()
	}()
	wg.Wait()
	return <-ch
}
func receivesFirst(f func() int) int {
	ch := make(chan int)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		ch <- f()
	}()
	v := <-ch
	wg.Wait()
	return v
}
func otherGroup(f func() int) int {
	ch := make(chan int)
	var wg, ready sync.WaitGroup
	ready.Add(1)
	wg.Add(1)
	go func() {
		defer wg.Done()
		ready.Done()
		ch <- f()
	}()
	ready.Wait()
	defer wg.Wait()
	return <-ch
}
func mayLeave(f func() int) int {
	ch := make(chan int)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case ch <- f():
		default:
		}
	})
	wg.Wait()
	return <-ch
}
"#,
        );
    }
}
