//! `nil-map-write-after-decode`: a map is written after it was decoded from JSON.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::NilReason;

use crate::context::Context;
use crate::nil_maps::nil_write;
use crate::rule::{Group, rule};

rule! {
    /// Reports writes to a map that has been decoded from JSON, where `null` leaves it nil.
    ///
    /// ## What it reports
    ///
    /// A write to a map variable after `json.Unmarshal` or `Decode` of package encoding/json was given its
    /// address, without a test against nil in between. Documents that are `null` are rare, which is why the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// Decoding `null` into a map sets the map to nil and gives no error, also where a map was there before.
    /// The next write panics with `assignment to entry in nil map`.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "encoding/json"
    ///
    /// func patch(data []byte, name string) ([]byte, error) {
    /// 	config := map[string]any{}
    /// 	if err := json.Unmarshal(data, &config); err != nil {
    /// 		return nil, err
    /// 	}
    /// 	config["name"] = name // want nil-map-write-after-decode
    /// 	return json.Marshal(config)
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "encoding/json"
    ///
    /// func patch(data []byte, name string) ([]byte, error) {
    /// 	config := map[string]any{}
    /// 	if err := json.Unmarshal(data, &config); err != nil {
    /// 		return nil, err
    /// 	}
    /// 	if config == nil {
    /// 		config = map[string]any{}
    /// 	}
    /// 	config["name"] = name
    /// 	return json.Marshal(config)
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: where the map should be made is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "nil-map-write-after-decode",
        category: Category::Panic,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for write in &context.flow.nil_maps().writes {
        if write.deferred.is_none() && write.reason == NilReason::Decoded {
            findings.push(nil_write(context, &RULE, write));
        }
    }
}
