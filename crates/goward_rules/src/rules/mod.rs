//! The list of rules. Adding one is a `mod` line and an entry in [`RULES`]; a test finds a file
//! that is not listed.

use crate::Rule;

pub(crate) mod bad_suppression;
mod internal_failure;
pub(crate) mod nil_map_write;
pub(crate) mod syntax_error;
pub(crate) mod unused_suppression;

/// Every rule, in the order of the names.
pub const RULES: &[Rule] = &[
    bad_suppression::RULE,
    internal_failure::RULE,
    nil_map_write::RULE,
    syntax_error::RULE,
    unused_suppression::RULE,
];
