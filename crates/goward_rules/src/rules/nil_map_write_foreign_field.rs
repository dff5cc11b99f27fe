//! `nil-map-write-foreign-field`: a field of a parameter whose type is foreign is written untested.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::Origin;

use crate::context::Context;
use crate::nil_maps::left_nil;
use crate::rule::{Group, rule};

rule! {
    /// Reports writes to a map field of a parameter whose type another package declares.
    ///
    /// ## What it reports
    ///
    /// A write to a map that is a field of a parameter, or of something reached from it, where another package
    /// declares the field and the function does not test it. Such objects are decoded or built by somebody
    /// else, who may leave the map out. Often every caller makes it, which is why the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// A write to a nil map panics with `assignment to entry in nil map`; reading it gives the zero value,
    /// so nothing shows until then.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// -- api/api.go --
    /// package api
    ///
    /// type Object struct {
    /// 	Annotations map[string]string
    /// }
    /// -- a.go --
    /// package p
    ///
    /// import "example.com/app/api"
    ///
    /// func mark(object *api.Object, when string) {
    /// 	object.Annotations["marked"] = when // want nil-map-write-foreign-field
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// -- api/api.go --
    /// package api
    ///
    /// type Object struct {
    /// 	Annotations map[string]string
    /// }
    /// -- a.go --
    /// package p
    ///
    /// import "example.com/app/api"
    ///
    /// func mark(object *api.Object, when string) {
    /// 	if object.Annotations == nil {
    /// 		object.Annotations = map[string]string{}
    /// 	}
    /// 	object.Annotations["marked"] = when
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: where the map should be made is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "nil-map-write-foreign-field",
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
        if write.origin == Origin::Parameter {
            findings.push(left_nil(context, &RULE, write));
        }
    }
}
