//! The list of rules. Adding one is a `mod` line and an entry in [`RULES`]; a test finds a file
//! that is not listed.

use crate::Rule;

pub(crate) mod bad_suppression;
pub(crate) mod defer_tests_wrong_error;
pub(crate) mod deferred_panic_masks;
mod internal_failure;
pub(crate) mod nil_map_write;
pub(crate) mod recover_has_no_effect;
pub(crate) mod syntax_error;
pub(crate) mod unused_suppression;

/// Every rule, in the order of the names.
pub const RULES: &[Rule] = &[
    bad_suppression::RULE,
    defer_tests_wrong_error::RULE,
    deferred_panic_masks::RULE,
    internal_failure::RULE,
    nil_map_write::RULE,
    recover_has_no_effect::RULE,
    syntax_error::RULE,
    unused_suppression::RULE,
];
