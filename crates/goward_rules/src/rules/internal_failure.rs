//! `internal-failure`: goward itself failed on a package. Made where packages are checked.

use goward_diagnostics::{Category, Severity};

use crate::rule::{Group, rule};

rule! {
    /// Reports that goward itself failed on a package.
    ///
    /// ## What it reports
    ///
    /// The analysis of one package panicked. The other packages are checked all the same, and the
    /// run ends with exit code 2, because hazards in this package may be missing from the output.
    ///
    /// ## Why it matters
    ///
    /// It is a defect of goward, not of your program. Please report it with the message and, where
    /// you can, the file at which it happened.
    pub(crate) const RULE: Rule = Rule {
        name: "internal-failure",
        category: Category::Internal,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: None,
    };
}
