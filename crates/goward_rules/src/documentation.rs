//! Reading a rule's page: its sections and the Go examples in them.

use goward_diagnostics::split_txtar;

use crate::Rule;

/// The headings of a rule's page, in this order, each as `## …`.
pub const HEADINGS: [&str; 5] = [
    "What it reports",
    "Why it matters",
    "Flagged",
    "Accepted",
    "Fix safety",
];

/// The text under one heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading without its `## `.
    pub heading: String,
    /// What follows, up to the next heading.
    pub text: String,
}

/// A fenced `go` block: one or, with `-- name --` headers, several whole files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The heading under which it stands.
    pub heading: String,
    /// Paths and texts; a single file is called `example.go`.
    pub files: Vec<(String, String)>,
}

impl Rule {
    /// The page cut at its headings. What stands before the first has an empty heading.
    pub fn sections(&self) -> Vec<Section> {
        let mut sections = vec![Section {
            heading: String::new(),
            text: String::new(),
        }];
        let mut fenced = false;
        for line in self.documentation().split_inclusive('\n') {
            fenced ^= line.starts_with("```");
            match line.strip_prefix("## ").filter(|_| !fenced) {
                Some(heading) => sections.push(Section {
                    heading: heading.trim().to_owned(),
                    text: String::new(),
                }),
                None => sections
                    .last_mut()
                    .expect("never empty")
                    .text
                    .push_str(line),
            }
        }
        if sections[0].text.trim().is_empty() {
            sections.remove(0);
        }
        sections
    }

    /// The examples of the page, in order.
    pub fn examples(&self) -> Vec<Example> {
        let mut examples = Vec::new();
        for section in self.sections() {
            let mut rest = section.text.as_str();
            while let Some((_, after)) = rest.split_once("```go\n") {
                let (block, after) = after.split_once("```").unwrap_or((after, ""));
                examples.push(Example {
                    heading: section.heading.clone(),
                    files: split_txtar(block, "example.go"),
                });
                rest = after;
            }
        }
        examples
    }
}
