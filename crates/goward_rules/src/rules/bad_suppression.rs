//! `bad-suppression`. Its logic is in [`crate::suppression`].

use goward_diagnostics::{Category, Severity};

use crate::rule::{Group, rule};

rule! {
    /// Reports suppressions that goward cannot accept.
    ///
    /// ## What it reports
    ///
    /// A comment that starts with `//goward:` but is not `//goward:ignore RULE reason` or
    /// `//goward:ignore-file RULE reason`, names a rule that does not exist, or gives no reason;
    /// and one that only a space after the slashes keeps from being a suppression.
    /// Several rules are joined by commas. At the end of a line a suppression speaks of that line,
    /// on a line of its own of the next line of code.
    ///
    /// ## Why it matters
    ///
    /// A suppression with a typing error suppresses nothing, and one without a reason cannot be
    /// judged by whoever reads it a year later.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package cache
    ///
    /// var hits = map[string]int{}
    ///
    /// func count(key string) {
    /// 	hits[key]++ //goward:ignore nil-map-wirte init has made the map // want "no rule"
    /// 	hits[key]++ //goward:ignore internal-failure // want "gives no reason"
    /// 	hits[key]++ // goward:ignore map-race only init runs // want "an ordinary comment"
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package cache
    ///
    /// // goward:ignore with a space after the slashes is an ordinary comment.
    /// var hits = map[string]int{}
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: only you know the reason.
    pub(crate) const RULE: Rule = Rule {
        name: "bad-suppression",
        category: Category::Source,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: None,
    };
}
