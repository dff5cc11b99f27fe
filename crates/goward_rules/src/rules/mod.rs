//! The list of rules. Adding one is a `mod` line and an entry in [`RULES`]; a test finds a file
//! that is not listed.

use crate::Rule;

pub(crate) mod bad_suppression;
mod captured_variable_race;
mod check_then_act;
mod close_under_rlock;
mod defer_before_error_check;
mod defer_in_loop;
mod defer_in_loop_other;
pub(crate) mod defer_tests_wrong_error;
mod deferred_exit;
mod deferred_nil_function;
mod deferred_overwrites_error;
pub(crate) mod deferred_panic_masks;
mod deferred_result_not_called;
mod double_close;
mod double_lock;
mod double_unlock;
mod empty_critical_section;
mod exit_skips_deferred;
mod goroutine_outlives_call;
mod goroutine_outlives_iteration;
mod guard_comment_ignored;
pub(crate) mod guarded_field_without_lock;
pub(crate) mod guarded_field_without_lock_other;
mod guarded_map_returned;
mod internal_failure;
mod lock_copied;
mod lock_never_released;
pub(crate) mod lost_cancel;
pub(crate) mod lost_context_error;
mod lost_error_wrap;
mod lost_receiver_assignment;
mod map_insert_during_range;
pub(crate) mod map_race;
pub(crate) mod map_read_in_defer;
pub(crate) mod map_write_in_defer;
mod mismatched_unlock;
mod nil_error_after_recover;
pub(crate) mod nil_map_write;
mod nil_map_write_after_close;
mod nil_map_write_after_decode;
mod nil_map_write_conditional_constructor;
mod nil_map_write_exported_field;
mod nil_map_write_foreign_field;
mod panic_in_goroutine;
mod panic_with_lock_held;
mod producer_abandoned;
mod range_over_unclosed_channel;
pub(crate) mod recover_has_no_effect;
mod recover_in_other_goroutine;
mod recovered_panic_discarded;
mod recovered_value_assertion;
mod repanic_as_string;
mod response_body_not_closed;
mod rlock_reentry;
pub(crate) mod send_abandoned;
pub(crate) mod send_more_than_received;
mod send_on_closed_channel;
mod send_on_returned_channel;
mod shared_map_without_lock;
pub(crate) mod stale_defer_argument;
mod switch_on_error_identity;
pub(crate) mod syntax_error;
mod ticker_left_to_collector;
pub(crate) mod ticker_not_stopped;
mod ticker_range_never_ends;
pub(crate) mod unlock_missing_on_path;
pub(crate) mod unused_suppression;
mod wait_group_add_in_goroutine;
mod wait_group_add_without_done;
mod wait_group_copied;
mod wait_group_done_missed;
mod wait_group_done_not_deferred;
mod wait_with_lock_held;
mod watch_not_stopped;
mod worker_early_return;
mod write_under_rlock;

/// Every rule, in the order of the names.
pub const RULES: &[Rule] = &[
    bad_suppression::RULE,
    captured_variable_race::RULE,
    check_then_act::RULE,
    close_under_rlock::RULE,
    defer_before_error_check::RULE,
    defer_in_loop::RULE,
    defer_in_loop_other::RULE,
    defer_tests_wrong_error::RULE,
    deferred_exit::RULE,
    deferred_nil_function::RULE,
    deferred_overwrites_error::RULE,
    deferred_panic_masks::RULE,
    deferred_result_not_called::RULE,
    double_close::RULE,
    double_lock::RULE,
    double_unlock::RULE,
    empty_critical_section::RULE,
    exit_skips_deferred::RULE,
    goroutine_outlives_call::RULE,
    goroutine_outlives_iteration::RULE,
    guard_comment_ignored::RULE,
    guarded_field_without_lock::RULE,
    guarded_field_without_lock_other::RULE,
    guarded_map_returned::RULE,
    internal_failure::RULE,
    lock_copied::RULE,
    lock_never_released::RULE,
    lost_cancel::RULE,
    lost_context_error::RULE,
    lost_error_wrap::RULE,
    lost_receiver_assignment::RULE,
    map_insert_during_range::RULE,
    map_race::RULE,
    map_read_in_defer::RULE,
    map_write_in_defer::RULE,
    mismatched_unlock::RULE,
    nil_error_after_recover::RULE,
    nil_map_write::RULE,
    nil_map_write_after_close::RULE,
    nil_map_write_after_decode::RULE,
    nil_map_write_conditional_constructor::RULE,
    nil_map_write_exported_field::RULE,
    nil_map_write_foreign_field::RULE,
    panic_in_goroutine::RULE,
    panic_with_lock_held::RULE,
    producer_abandoned::RULE,
    range_over_unclosed_channel::RULE,
    recover_has_no_effect::RULE,
    recover_in_other_goroutine::RULE,
    recovered_panic_discarded::RULE,
    recovered_value_assertion::RULE,
    repanic_as_string::RULE,
    response_body_not_closed::RULE,
    rlock_reentry::RULE,
    send_abandoned::RULE,
    send_more_than_received::RULE,
    send_on_closed_channel::RULE,
    send_on_returned_channel::RULE,
    shared_map_without_lock::RULE,
    stale_defer_argument::RULE,
    switch_on_error_identity::RULE,
    syntax_error::RULE,
    ticker_left_to_collector::RULE,
    ticker_not_stopped::RULE,
    ticker_range_never_ends::RULE,
    unlock_missing_on_path::RULE,
    unused_suppression::RULE,
    wait_group_add_in_goroutine::RULE,
    wait_group_add_without_done::RULE,
    wait_group_copied::RULE,
    wait_group_done_missed::RULE,
    wait_group_done_not_deferred::RULE,
    wait_with_lock_held::RULE,
    watch_not_stopped::RULE,
    worker_early_return::RULE,
    write_under_rlock::RULE,
];
