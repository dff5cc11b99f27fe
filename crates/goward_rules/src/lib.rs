//! The rules: one file each under `rules/`, the list of them, and the suppressions that users write
//! into their source.
//!
//! A rule's doc comment is the page that users read; a test runs its examples.

mod documentation;
mod rule;
mod rules;
mod suppression;

pub use documentation::{Example, HEADINGS, Section};
pub use rule::{Group, Rule};
pub use rules::RULES;
pub use suppression::{Suppressed, Suppressions};

/// The rule of that name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

#[cfg(test)]
mod testing;
