//! The rules: one file each under `rules/`, the list of them, and the suppressions that users write
//! into their source.
//!
//! A rule's doc comment is the page that users read; a test runs its examples.

mod channel_fields;
mod channel_mutexes;
mod closed_channels;
mod collected_locks;
mod context;
mod deferred_conditions;
mod deferred_maps;
mod dependence;
mod documentation;
mod errors;
mod exclusive;
mod field_vote;
mod function_values;
mod gates;
mod goroutine_panics;
mod guard_evidence;
mod guards;
mod handshake;
mod lock_order;
mod lonely_sends;
mod loops;
mod meetings;
mod nil_maps;
mod origins;
mod parent_contexts;
mod pipes;
mod relock;
mod renewal;
mod response_ends;
mod response_paths;
mod rule;
mod rules;
mod selection;
mod services;
mod sharing;
mod stale_constants;
mod stale_empty;
mod stale_times;
mod standard_library;
mod suppression;
mod ticker_fields;
mod turns;
mod unlocked_early;
mod unlocked_goroutines;
mod wait_groups;
mod waited_sends;
mod waiting;
mod walk;

pub use context::{Checked, Context, check_package};
pub use documentation::{Example, HEADINGS, Section};
pub use rule::{Group, Rule};
pub use rules::RULES;
pub use selection::{Selection, UnknownSelector};
pub use suppression::{Suppressed, Suppressions};

/// The rule of that name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// A rule whose name is so near to `name` that it was perhaps meant.
pub fn nearest_rule(name: &str) -> Option<&'static str> {
    selection::nearest(name, RULES.iter().map(|rule| rule.name))
}

#[cfg(test)]
mod abandoned_tests;
#[cfg(test)]
mod channel_mutex_tests;
#[cfg(test)]
mod deferred_condition_tests;
#[cfg(test)]
mod deferred_map_tests;
#[cfg(test)]
mod deferred_run_tests;
#[cfg(test)]
mod end_tests;
#[cfg(test)]
mod fixed_builds;
#[cfg(test)]
mod gate_tests;
#[cfg(test)]
mod guard_evidence_tests;
#[cfg(test)]
mod handshake_tests;
#[cfg(test)]
mod imported_tests;
#[cfg(test)]
mod lock_guard_tests;
#[cfg(test)]
mod lock_tests;
#[cfg(test)]
mod map_race_tests;
#[cfg(test)]
mod nil_map_tests;
#[cfg(test)]
mod parallel_test_tests;
#[cfg(test)]
mod relock_tests;
#[cfg(test)]
mod renewal_tests;
#[cfg(test)]
mod stale_argument_tests;
#[cfg(test)]
mod stale_constants_tests;
#[cfg(test)]
mod stale_empty_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod turn_tests;
#[cfg(test)]
mod unknown_lock_tests;
#[cfg(test)]
mod unlock_fix_tests;
#[cfg(test)]
mod unlocker_tests;
