//! `defer-in-loop-other`: any other deferred call in a loop.

use goward_diagnostics::{Category, Diagnostic, Severity};

use crate::context::Context;
use crate::loops::{finding, is_over_soon, looped_defers};
use crate::rule::{Group, rule};

rule! {
    /// Reports deferred calls that a loop registers again in each turn.
    ///
    /// ## What it reports
    ///
    /// Any `defer` statement that its loop can come to again, but for those of `defer-in-loop`. Often that is
    /// meant: locks that are taken in order, clean-ups that undo all turns, loops of few turns. The rule is in
    /// the nursery.
    ///
    /// ## Why it matters
    ///
    /// Deferred calls run when the function returns, not at the end of the turn. A lock stays taken, a clean-up
    /// happens late, and each turn adds to the memory that the function holds.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// func each(items []int, mu *sync.Mutex, do func(int)) {
    /// 	for _, item := range items {
    /// 		release := func() {}
    /// 		defer release() // want defer-in-loop-other
    /// 		do(item)
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// func each(items []int, release func(), do func(int)) {
    /// 	defer release()
    /// 	for _, item := range items {
    /// 		func() {
    /// 			defer release()
    /// 			do(item)
    /// 		}()
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: whether the calls should run at the end of the turn is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "defer-in-loop-other",
        category: Category::Leak,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for looped in looped_defers(context) {
        if looped.closes.is_some() && !is_over_soon(context, looped.unit) {
            continue;
        }
        findings.push(
            finding(
                context,
                &RULE,
                &looped,
                "this call is deferred again in each turn of the loop".to_owned(),
            )
            .help("put the body of the loop into a function of its own, if the call belongs to the turn"),
        );
    }
}
