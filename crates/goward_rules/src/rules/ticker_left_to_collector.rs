//! `ticker-left-to-collector`: a ticker that only the garbage collector stops.

use goward_diagnostics::{Category, Diagnostic, Safety, Severity};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::rules::ticker_not_stopped::{collects_tickers, tickers};

rule! {
    /// Reports tickers that nobody stops, in modules whose Go version collects them.
    ///
    /// ## What it reports
    ///
    /// What `ticker-not-stopped` reports, where the `go` line of the module is 1.23 or newer.
    ///
    /// ## Why it matters
    ///
    /// From `go 1.23` on, the garbage collector frees a ticker that nothing refers to. Until then it
    /// ticks on; and with `GODEBUG=asynctimerchan=1`, or in a program whose own module has an older `go`
    /// line, it is never freed.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "time"
    ///
    /// func wait(ready func() bool) {
    /// 	ticker := time.NewTicker(time.Second) // want ticker-left-to-collector
    /// 	for range ticker.C {
    /// 		if ready() {
    /// 			return
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "time"
    ///
    /// func wait(ready func() bool) {
    /// 	ticker := time.NewTicker(time.Second)
    /// 	defer ticker.Stop()
    /// 	for range ticker.C {
    /// 		if ready() {
    /// 			return
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// `defer ticker.Stop()` is added after the statement that makes the ticker, where the same
    /// function uses it and the statement is in no loop. That is safe.
    pub(crate) const RULE: Rule = Rule {
        name: "ticker-left-to-collector",
        category: Category::Leak,
        group: Group::Nursery,
        severity: Severity::Info,
        since: "0.1",
        fix_safety: Some(Safety::Safe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    if collects_tickers(context) {
        tickers(context, &RULE, findings);
    }
}
