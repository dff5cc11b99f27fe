//! `nil-map-write-exported-field`: an exported field is written that nothing in the package makes.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::Origin;

use crate::context::Context;
use crate::nil_maps::left_nil;
use crate::rule::{Group, rule};

rule! {
    /// Reports writes to an exported map field that nothing in the package makes.
    ///
    /// ## What it reports
    ///
    /// A write to an exported field, or to an exported variable of a package that is not `main`, which the
    /// package itself never gives a map. Users of the package may do so, who are not looked at: the rule is
    /// in the nursery.
    ///
    /// ## Why it matters
    ///
    /// A write to a nil map panics with `assignment to entry in nil map`; reading it gives the zero value,
    /// so nothing shows until then.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// type Config struct {
    /// 	Labels map[string]string
    /// }
    ///
    /// func (c *Config) Label(key, value string) {
    /// 	c.Labels[key] = value // want nil-map-write-exported-field
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// type Config struct {
    /// 	Labels map[string]string
    /// }
    ///
    /// func (c *Config) Label(key, value string) {
    /// 	if c.Labels == nil {
    /// 		c.Labels = map[string]string{}
    /// 	}
    /// 	c.Labels[key] = value
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: where the map should be made is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "nil-map-write-exported-field",
        category: Category::Panic,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for write in &context.flow.nil_maps().never_made {
        if write.origin == Origin::NeverHere {
            findings.push(left_nil(context, &RULE, write));
        }
    }
}
