//! What a rule is: plain data that commands list, explain and select by.

use crate::context::Context;
use goward_diagnostics::{Category, Diagnostic, FilePath, Safety, Severity, Span};

/// Whether a rule runs when nobody asks for it by name.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// On by default: silent on correct programs, as far as has been measured.
    Default,
    /// Off by default: useful, but with false alarms still.
    Nursery,
}

impl Group {
    /// The name that `--select` and every output use.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Default => "default",
            Group::Nursery => "nursery",
        }
    }
}

/// A rule, apart from its logic.
#[derive(Debug)]
pub struct Rule {
    /// Says what is wrong, in kebab case.
    pub name: &'static str,
    /// What goes wrong at run time.
    pub category: Category,
    /// Whether it is on by default.
    pub group: Group,
    /// How much a finding matters.
    pub severity: Severity,
    /// The version that brought it.
    pub since: &'static str,
    /// The most that a fix of it promises; `None` when it offers none.
    pub fix_safety: Option<Safety>,
    /// Its logic, where it looks at one checked package.
    pub check: Option<fn(&Context<'_>, &mut Vec<Diagnostic>)>,
    /// The first paragraph of its doc comment, as written: read it through [`Rule::summary`].
    pub raw_summary: &'static str,
    /// The rest of its doc comment, as written: read it through [`Rule::documentation`].
    pub raw_documentation: &'static str,
}

impl Rule {
    /// One sentence: what it reports.
    pub fn summary(&self) -> String {
        without_margin(self.raw_summary).trim().to_owned()
    }

    /// The user's page after the summary, in Markdown, under [`crate::HEADINGS`].
    pub fn documentation(&self) -> String {
        without_margin(self.raw_documentation).trim().to_owned() + "\n"
    }

    /// A finding of this rule, with its name, category and severity filled in.
    pub fn diagnostic(&self, file: FilePath, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.name, self.category, self.severity, file, span, message)
    }
}

/// Takes away the space that stands after `///` on each line.
fn without_margin(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect()
}

/// Declares a rule as a constant and takes its documentation from the doc comment, whose first line
/// is the summary:
///
/// ```ignore
/// rule! {
///     /// A map that is nil is written, which panics.
///     ///
///     /// ## What it reports
///     /// …
///     pub(crate) const RULE: Rule = Rule {
///         name: "nil-map-write",
///         category: Category::Panic,
///         …
///     };
/// }
/// ```
macro_rules! rule {
    (
        #[doc = $summary:literal]
        $(#[doc = $line:literal])*
        pub(crate) const $name:ident: Rule = Rule { $($field:ident: $value:expr),* $(,)? };
    ) => {
        #[doc = $summary]
        $(#[doc = $line])*
        pub(crate) const $name: $crate::Rule = $crate::Rule {
            raw_summary: $summary,
            raw_documentation: concat!($($line, "\n"),*),
            $($field: $value),*
        };
    };
}

pub(crate) use rule;
