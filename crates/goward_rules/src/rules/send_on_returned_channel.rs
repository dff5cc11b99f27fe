//! `send-on-returned-channel`: a goroutine that stays if the caller does not receive.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::{StartKind, UseKind};

use crate::context::Context;
use crate::rule::{Group, rule};

rule! {
    /// Reports goroutines that send on a channel without a buffer that the function returns.
    ///
    /// ## What it reports
    ///
    /// A channel that a function makes without a buffer and returns, and on which a goroutine that it
    /// starts sends outside of a `select`. Whether all callers receive everything, only they know.
    ///
    /// ## Why it matters
    ///
    /// A caller that stops receiving, by a timeout or an error, leaves the goroutine behind, blocked for
    /// ever.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// func wait(run func() error) <-chan error {
    /// 	result := make(chan error)
    /// 	go func() {
    /// 		result <- run() // want send-on-returned-channel
    /// 	}()
    /// 	return result
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// func wait(run func() error) <-chan error {
    /// 	result := make(chan error, 1)
    /// 	go func() {
    /// 		result <- run()
    /// 	}()
    /// 	return result
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: the callers may rely on being waited for.
    pub(crate) const RULE: Rule = Rule {
        name: "send-on-returned-channel",
        category: Category::Leak,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let launches = context.flow.launches();
    for channel in context.flow.local_channels() {
        let own = context.flow.units.get(channel.unit);
        let returned = channel
            .uses
            .iter()
            .any(|one| one.kind == UseKind::Returned && one.unit == channel.unit);
        // Everything else that is done with it is sending.
        let only_sent = channel.uses.iter().all(|one| {
            !matches!(
                one.kind,
                UseKind::Other | UseKind::Receive { .. } | UseKind::Range
            )
        });
        if channel.capacity != Some(0) || !returned || !only_sent {
            continue;
        }
        let sends: Vec<_> = channel
            .uses
            .iter()
            .filter(|one| one.kind == UseKind::Send { select: None })
            .filter(|one| {
                let starts = launches.of(one.unit);
                starts
                    .iter()
                    .any(|start| start.kind == StartKind::Go && start.unit == channel.unit)
            })
            .collect();
        let Some(first) = sends.first() else {
            continue;
        };
        let Some(start) = launches
            .of(first.unit)
            .iter()
            .find(|start| start.kind == StartKind::Go && start.unit == channel.unit)
        else {
            continue;
        };
        let name = context.world().object(channel.object).name;
        // Of several sends none is the wrong one.
        let file = context.flow.units.get(first.unit).file;
        let (place_file, place, this, function) = match sends.len() {
            1 => (file, first.node, "this send", first.unit),
            _ => (own.file, channel.made, "a send", channel.unit),
        };
        let launch = context.span(own.file, start.node);
        findings.push(
            RULE.diagnostic(
                context.path(place_file),
                context.span(place_file, place),
                format!("{this} on `{name}` blocks for ever if the caller does not receive"),
            )
            .in_function(context.function(function))
            .operation(format!("send on {name}"))
            .step(
                context.path(own.file),
                context.span(own.file, channel.made),
                format!("`{name}` is made here, without a buffer"),
            )
            .step(
                context.path(own.file),
                Span::new(launch.start, launch.start + 2),
                "the goroutine is started here",
            )
            .step(
                context.path(file),
                context.span(file, first.node),
                "it waits here for a receiver",
            )
            .help(format!(
                "give `{name}` a buffer, or wait in a `select`, also for a context"
            )),
        );
    }
}
