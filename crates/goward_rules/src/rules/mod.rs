//! The list of rules. Adding one is a `mod` line and an entry in [`RULES`]; a test finds a file
//! that is not listed.

use crate::Rule;

pub(crate) mod bad_suppression;
pub(crate) mod defer_tests_wrong_error;
pub(crate) mod deferred_panic_masks;
mod double_lock;
mod guard_comment_ignored;
pub(crate) mod guarded_field_without_lock;
mod internal_failure;
pub(crate) mod map_race;
mod map_read_in_defer;
mod map_write_in_defer;
pub(crate) mod nil_map_write;
mod panic_with_lock_held;
pub(crate) mod recover_has_no_effect;
mod rlock_reentry;
pub(crate) mod send_abandoned;
pub(crate) mod send_more_than_received;
pub(crate) mod stale_defer_argument;
pub(crate) mod syntax_error;
mod unlock_missing_on_path;
pub(crate) mod unused_suppression;
mod write_under_rlock;

/// Every rule, in the order of the names.
pub const RULES: &[Rule] = &[
    bad_suppression::RULE,
    defer_tests_wrong_error::RULE,
    deferred_panic_masks::RULE,
    double_lock::RULE,
    guard_comment_ignored::RULE,
    guarded_field_without_lock::RULE,
    internal_failure::RULE,
    map_race::RULE,
    map_read_in_defer::RULE,
    map_write_in_defer::RULE,
    nil_map_write::RULE,
    panic_with_lock_held::RULE,
    recover_has_no_effect::RULE,
    rlock_reentry::RULE,
    send_abandoned::RULE,
    send_more_than_received::RULE,
    stale_defer_argument::RULE,
    syntax_error::RULE,
    unlock_missing_on_path::RULE,
    unused_suppression::RULE,
    write_under_rlock::RULE,
];
