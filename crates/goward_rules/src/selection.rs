//! Which rules run: `--select` and `--ignore` on the command line and in the configuration.
//!
//! A selector is the name of a rule, a category, a group, or `all`. Where one rule is both selected
//! and ignored, the more specific selector wins, and of two equal ones the ignoring one.

use std::fmt;

use crate::{Group, RULES, Rule};

/// What was selected and ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    select: Vec<Selector>,
    ignore: Vec<Selector>,
}

/// A selector that names nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSelector {
    /// As it was written.
    pub name: String,
    /// A name that was perhaps meant.
    pub meant: Option<&'static str>,
}

impl fmt::Display for UnknownSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is no rule, category or group", self.name)?;
        match self.meant {
            Some(meant) => write!(formatter, "; did you mean `{meant}`?"),
            None => write!(formatter, "; `goward rules` lists them"),
        }
    }
}

impl std::error::Error for UnknownSelector {}

/// In the order of how specific they are.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Selector {
    All,
    Group(&'static str),
    Category(&'static str),
    Rule(&'static str),
}

impl Selector {
    fn parse(name: &str) -> Result<Selector, UnknownSelector> {
        let selectors = Selector::known();
        let found = selectors.iter().find(|selector| selector.name() == name);
        found.copied().ok_or_else(|| UnknownSelector {
            name: name.to_owned(),
            meant: nearest(name, selectors.iter().map(|selector| selector.name())),
        })
    }

    fn known() -> Vec<Selector> {
        let mut selectors = vec![Selector::All];
        selectors
            .extend([Group::Default, Group::Nursery].map(|group| Selector::Group(group.name())));
        selectors.extend(
            RULES
                .iter()
                .map(|rule| Selector::Category(rule.category.name())),
        );
        selectors.extend(RULES.iter().map(|rule| Selector::Rule(rule.name)));
        selectors
    }

    fn name(self) -> &'static str {
        match self {
            Selector::All => "all",
            Selector::Group(name) | Selector::Category(name) | Selector::Rule(name) => name,
        }
    }

    fn holds(self, rule: &Rule) -> bool {
        match self {
            Selector::All => true,
            Selector::Group(name) => rule.group.name() == name,
            Selector::Category(name) => rule.category.name() == name,
            Selector::Rule(name) => rule.name == name,
        }
    }
}

/// The candidate that differs least from `name`, if it is near enough to be meant.
pub(crate) fn nearest(
    name: &str,
    candidates: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let scored = candidates.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then_some(best.1)
}

impl Default for Selection {
    /// Every rule of the default group.
    fn default() -> Selection {
        Selection {
            select: vec![Selector::Group(Group::Default.name())],
            ignore: Vec::new(),
        }
    }
}

impl Selection {
    /// A selection; an empty `select` stands for the default group, to which `extend` is added.
    pub fn new(
        select: &[impl AsRef<str>],
        extend: &[impl AsRef<str>],
        ignore: &[impl AsRef<str>],
    ) -> Result<Selection, UnknownSelector> {
        let mut selection = Selection::default();
        if !select.is_empty() {
            selection.select.clear();
        }
        for name in select {
            selection.select.push(Selector::parse(name.as_ref())?);
        }
        for name in extend {
            selection.select.push(Selector::parse(name.as_ref())?);
        }
        for name in ignore {
            selection.ignore.push(Selector::parse(name.as_ref())?);
        }
        Ok(selection)
    }

    /// Whether `rule` runs. What goward says of its own failures cannot be turned off.
    pub fn enables(&self, rule: &Rule) -> bool {
        let most_specific = |selectors: &[Selector]| {
            let holding = selectors.iter().filter(|selector| selector.holds(rule));
            // Rank only: two categories are equally specific.
            holding
                .map(|selector| match selector {
                    Selector::All => 0,
                    Selector::Group(_) => 1,
                    Selector::Category(_) => 2,
                    Selector::Rule(_) => 3,
                })
                .max()
        };
        rule.category == goward_diagnostics::Category::Internal
            || most_specific(&self.select) > most_specific(&self.ignore)
    }

    /// Whether the rule of that name runs.
    pub fn enables_name(&self, rule: &str) -> bool {
        crate::rule(rule).is_some_and(|rule| self.enables(rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules about suppressions that a selection enables.
    fn check(select: &[&str], ignore: &[&str]) -> Vec<&'static str> {
        let selection = Selection::new(select, &[] as &[&str], ignore).unwrap();
        let names = ["bad-suppression", "unused-suppression"];
        names
            .into_iter()
            .filter(|name| selection.enables_name(name))
            .collect()
    }

    #[test]
    fn the_more_specific_selector_wins() {
        let both = ["bad-suppression", "unused-suppression"];
        assert_eq!(check(&[], &[]), both);
        assert_eq!(check(&["nursery"], &[]), [""; 0]);
        assert_eq!(check(&["all"], &["source"]), [""; 0]);
        assert_eq!(
            check(&["bad-suppression"], &["source"]),
            ["bad-suppression"]
        );
        assert_eq!(check(&["source"], &["default"]), both);
        assert_eq!(
            check(&["source"], &["bad-suppression"]),
            ["unused-suppression"]
        );
        assert_eq!(check(&["bad-suppression"], &["bad-suppression"]), [""; 0]);
    }

    #[test]
    fn an_unknown_name_is_an_error_with_a_suggestion() {
        let error =
            Selection::new(&["bad-supression"], &[] as &[&str], &[] as &[&str]).unwrap_err();
        assert_eq!(error.meant, Some("bad-suppression"));
        let error = Selection::new(&["xyz"], &[] as &[&str], &[] as &[&str]).unwrap_err();
        assert!(error.to_string().contains("goward rules"), "{error}");
    }

    #[test]
    fn failures_of_goward_cannot_be_ignored() {
        let selection = Selection::new(&["nursery"], &[] as &[&str], &["all"]).unwrap();
        assert!(selection.enables_name("internal-failure"));
    }
}
