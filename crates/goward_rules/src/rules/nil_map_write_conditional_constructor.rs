//! `nil-map-write-conditional-constructor`: a constructor makes the map on some paths only.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::Origin;

use crate::context::Context;
use crate::nil_maps::left_nil;
use crate::rule::{Group, rule};

rule! {
    /// Reports writes to a map field that its constructor makes on some paths only.
    ///
    /// ## What it reports
    ///
    /// A write to a field that the function which builds the object leaves out of the literal and makes under
    /// a condition, where nothing else ever makes it and no condition of the writer has a name in common with
    /// one of the constructor. Whether the writer runs for such objects is not known: the rule is in the nursery.
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
    /// type section struct {
    /// 	columns map[string]int
    /// }
    ///
    /// func newSection(column string) *section {
    /// 	s := &section{}
    /// 	if column != "" {
    /// 		s.columns = map[string]int{column: 1}
    /// 	}
    /// 	return s
    /// }
    ///
    /// func (s *section) merge(other *section) {
    /// 	for name, count := range other.columns {
    /// 		s.columns[name] += count // want nil-map-write-conditional-constructor
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// type section struct {
    /// 	columns map[string]int
    /// }
    ///
    /// func newSection(column string) *section {
    /// 	s := &section{columns: map[string]int{}}
    /// 	if column != "" {
    /// 		s.columns[column] = 1
    /// 	}
    /// 	return s
    /// }
    ///
    /// func (s *section) merge(other *section) {
    /// 	for name, count := range other.columns {
    /// 		s.columns[name] += count
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: where the map should be made is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "nil-map-write-conditional-constructor",
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
        if matches!(write.origin, Origin::Constructor(..)) {
            findings.push(left_nil(context, &RULE, write));
        }
    }
}
