//! What goward says about a program: one finding with its path of evidence.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{FilePath, Fix, Span};

/// The name of a rule: static from the rules themselves, owned when read back from a cache.
pub type RuleName = Cow<'static, str>;

/// How much a finding matters when it strikes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing breaks by itself.
    Info,
    /// Goes wrong under conditions that a program may never meet.
    Warning,
    /// The process dies, hangs or loses data when the path is taken.
    Error,
}

impl Severity {
    /// The name in every output format.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What goes wrong at run time. A rule has one.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Two goroutines use the same memory without order.
    Race,
    /// A panic that ends the goroutine, or the process.
    Panic,
    /// Goroutines wait for each other, or for themselves.
    Deadlock,
    /// A goroutine or another resource is never given back.
    Leak,
    /// An error or a panic is lost, or another one is seen in its place.
    LostError,
    /// A value is used that is older or newer than the one meant.
    StaleValue,
    /// The source cannot be understood, or speaks to goward wrongly (suppressions).
    Source,
    /// goward itself failed.
    Internal,
}

impl Category {
    /// The name in every output format.
    pub const fn name(self) -> &'static str {
        match self {
            Category::Race => "race",
            Category::Panic => "panic",
            Category::Deadlock => "deadlock",
            Category::Leak => "leak",
            Category::LostError => "lost-error",
            Category::StaleValue => "stale-value",
            Category::Source => "source",
            Category::Internal => "internal",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One step of the evidence: what happens at a place, in the order of the story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The file of the place.
    pub file: FilePath,
    /// The place.
    pub span: Span,
    /// What happens there: lower case, no final dot.
    pub message: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The rule that found it.
    pub rule: RuleName,
    /// What goes wrong at run time.
    pub category: Category,
    /// How much that matters.
    pub severity: Severity,
    /// The file of the hazard.
    pub file: FilePath,
    /// The culprit in it; empty spans are allowed.
    pub span: Span,
    /// The function that holds the hazard, as `F`, `T.M` or `F.func1`; empty outside functions.
    pub function: String,
    /// The operation that is hazardous, in the words of the source (`delete(s.items, id)`): part
    /// of the hazard's identity, so it must not mention line numbers. Empty: the text of `span`.
    pub operation: String,
    /// What is wrong, understandable alone: lower case, no final dot, names the variable.
    pub message: String,
    /// What to do; empty when there is nothing short to say.
    pub help: String,
    /// How the program comes to the hazard, first step first.
    pub path: Vec<Step>,
    /// A change that removes the hazard.
    pub fix: Option<Fix>,
    /// The hazard's identity, stable when lines shift; set by
    /// [`assign_identities`](crate::assign_identities).
    pub id: String,
}

impl Diagnostic {
    /// A finding with the fields that each must have; the others are added with the methods below.
    pub fn new(
        rule: impl Into<RuleName>,
        category: Category,
        severity: Severity,
        file: FilePath,
        span: Span,
        message: impl Into<String>,
    ) -> Diagnostic {
        Diagnostic {
            rule: rule.into(),
            category,
            severity,
            file,
            span,
            function: String::new(),
            operation: String::new(),
            message: message.into(),
            help: String::new(),
            path: Vec::new(),
            fix: None,
            id: String::new(),
        }
    }

    /// Names the function that holds the hazard.
    #[must_use]
    pub fn in_function(mut self, function: impl Into<String>) -> Diagnostic {
        self.function = function.into();
        self
    }

    /// Names the operation where the text of the span would not be stable or telling.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<String>) -> Diagnostic {
        self.operation = operation.into();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = help.into();
        self
    }

    /// Adds the next step of the evidence.
    #[must_use]
    pub fn step(mut self, file: FilePath, span: Span, message: impl Into<String>) -> Diagnostic {
        self.path.push(Step {
            file,
            span,
            message: message.into(),
        });
        self
    }

    /// Offers a fix.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Diagnostic {
        self.fix = Some(fix);
        self
    }

    /// The order of all output: by place, then rule, then message, so that it never depends on
    /// which thread found what first.
    pub fn sort(diagnostics: &mut [Diagnostic]) {
        diagnostics.sort_by(|a, b| {
            (&a.file, a.span, &a.rule, &a.message).cmp(&(&b.file, b.span, &b.rule, &b.message))
        });
    }
}
