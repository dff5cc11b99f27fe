//! `syntax-error`: what the parser says, as findings. Made where files are parsed.

use goward_diagnostics::{Category, Severity};

use crate::rule::{Group, rule};

rule! {
    /// Reports source that Go does not accept.
    ///
    /// ## What it reports
    ///
    /// The errors that Go's own parser reports. Everything in the file that can still be understood
    /// is checked all the same.
    ///
    /// ## Why it matters
    ///
    /// The package does not build, and hazards in what cannot be understood are not seen.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package cache
    ///
    /// func count( { // want syntax-error
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package cache
    ///
    /// func count() {
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix.
    pub(crate) const RULE: Rule = Rule {
        name: "syntax-error",
        category: Category::Source,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: None,
    };
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn each_file_of_a_package_is_looked_at() {
        check(
            &RULE,
            "-- a/a.go --\npackage a\n\nvar x = ) // want syntax-error\n-- b/b.go --\npackage b\n",
        );
    }
}
