//! `unused-suppression`. Its logic is in [`crate::suppression`].

use goward_diagnostics::{Category, Severity};

use crate::rule::{Group, rule};

rule! {
    /// Reports suppressions that suppress nothing.
    ///
    /// ## What it reports
    ///
    /// A `//goward:ignore RULE reason` on a line where RULE finds nothing, and a
    /// `//goward:ignore-file RULE reason` in a file where it finds nothing. Rules that are not
    /// selected in a run are not looked at.
    ///
    /// ## Why it matters
    ///
    /// The hazard is gone, or was never there. What remains hides the next one on that line.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package cache
    ///
    /// //goward:ignore internal-failure the generator is old // want "suppresses nothing"
    /// var hits = map[string]int{}
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package cache
    ///
    /// var hits = map[string]int{}
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: read the reason before you delete it.
    pub(crate) const RULE: Rule = Rule {
        name: "unused-suppression",
        category: Category::Source,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: None,
    };
}
