//! `--baseline FILE`: adopting goward in an old repository. Findings that the file knows are not
//! reported; new ones are.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use goward_diagnostics::Diagnostic;
use serde::{Deserialize, Serialize};

use crate::files;

/// The known findings, by id.
#[derive(Debug, Default)]
pub(crate) struct Baseline {
    known: BTreeMap<String, Entry>,
}

/// One known finding. Only the id counts; the rest is for people who read the file.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    id: String,
    message: String,
}

/// The file's content. The version guards against reading ids of another scheme.
#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    findings: Vec<Entry>,
}

const VERSION: u32 = 1;

impl Baseline {
    /// Reads a baseline.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Baseline> {
        let shown = path.display();
        let text = files::read(path).with_context(|| {
            format!("cannot read the baseline {shown} (--write-baseline makes one)")
        })?;
        let content: Content = serde_json::from_slice(&text)
            .with_context(|| format!("{shown} is no baseline; --write-baseline makes a new one"))?;
        anyhow::ensure!(
            content.version == VERSION,
            "the baseline {shown} has version {}, this goward reads {VERSION}; --write-baseline \
             makes a new one",
            content.version
        );
        let entries = content.findings.into_iter();
        let known = entries.map(|entry| (entry.id.clone(), entry)).collect();
        Ok(Baseline { known })
    }

    /// Writes the findings as a baseline.
    pub(crate) fn write(path: &Path, diagnostics: &[Diagnostic]) -> anyhow::Result<()> {
        let mut findings: Vec<Entry> = diagnostics
            .iter()
            .map(|diagnostic| Entry {
                id: diagnostic.id.clone(),
                message: diagnostic.message.clone(),
            })
            .collect();
        findings.sort_by(|a, b| a.id.cmp(&b.id));
        let content = Content {
            version: VERSION,
            findings,
        };
        let text = serde_json::to_string_pretty(&content)? + "\n";
        let shown = path.display();
        files::write(path, text.as_bytes()).with_context(|| format!("cannot write {shown}"))
    }

    /// Takes the known ones out of the findings. The numbers are how many those were, and how many
    /// known ones are gone.
    pub(crate) fn apply(&self, diagnostics: &mut Vec<Diagnostic>) -> (usize, usize) {
        let before = diagnostics.len();
        let mut gone: BTreeMap<&str, &Entry> = self
            .known
            .iter()
            .map(|(id, entry)| (id.as_str(), entry))
            .collect();
        diagnostics.retain(|diagnostic| {
            gone.remove(diagnostic.id.as_str());
            !self.known.contains_key(&diagnostic.id)
        });
        (before - diagnostics.len(), gone.len())
    }
}
