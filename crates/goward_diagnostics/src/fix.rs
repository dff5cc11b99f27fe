//! Fixes as data, and applying them.
//!
//! All edits of a fix are applied or none. A fix that touches what an earlier one has changed is
//! skipped: the caller checks the result again and gets it in the next round, in fresh offsets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FilePath, Sources, Span};

/// What a fix promises.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// Shown to read; never applied by goward.
    DisplayOnly,
    /// May change what the program does beyond the hazard: applied only on request.
    Unsafe,
    /// Keeps behaviour apart from the hazard, and still compiles.
    Safe,
}

impl Safety {
    /// The name in every output format.
    pub const fn name(self) -> &'static str {
        match self {
            Safety::DisplayOnly => "display-only",
            Safety::Unsafe => "unsafe",
            Safety::Safe => "safe",
        }
    }
}

/// One replacement of text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edit {
    /// The file to change.
    pub file: FilePath,
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

/// A change that removes a hazard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// What it promises.
    pub safety: Safety,
    /// What it does, as an instruction: lower case, no final dot.
    pub message: String,
    /// Its edits, in any order; they may lie in several files and must not overlap.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// The edits by file and place, each once; none where they overlap.
    pub(crate) fn sorted_edits(&self) -> Option<Vec<&Edit>> {
        let mut edits: Vec<&Edit> = self.edits.iter().collect();
        edits.sort();
        edits.dedup();
        let mut pairs = edits.windows(2);
        let conflict =
            pairs.any(|pair| pair[0].file == pair[1].file && overlaps(pair[0].span, pair[1].span));
        (!conflict).then_some(edits)
    }
}

/// Why a fix was left out.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Skipped {
    /// An earlier fix, or another edit of the same one, changes the same text.
    Conflict,
    /// An edit names a file that is not there, or a place outside it.
    NoSuchPlace,
}

/// What [`apply_fixes`] did.
#[derive(Debug, Default)]
pub struct Fixed {
    /// The new text of each changed file.
    pub files: BTreeMap<FilePath, Vec<u8>>,
    /// Indices of the fixes that were applied.
    pub applied: Vec<usize>,
    /// Indices of the others, each with its reason.
    pub skipped: Vec<(usize, Skipped)>,
}

/// Edits that were accepted for one file: end and replacement by start.
type Accepted = BTreeMap<u32, (u32, String)>;

/// Applies as many of `fixes` as go together, earlier ones first. Two fixes may share an edit that
/// is the same to the byte, as when both add one import.
pub fn apply_fixes<'a>(sources: &Sources, fixes: impl IntoIterator<Item = &'a Fix>) -> Fixed {
    let mut accepted: BTreeMap<FilePath, Accepted> = BTreeMap::new();
    let mut fixed = Fixed::default();
    for (index, fix) in fixes.into_iter().enumerate() {
        match accept(sources, fix, &mut accepted) {
            Ok(()) => fixed.applied.push(index),
            Err(reason) => fixed.skipped.push((index, reason)),
        }
    }
    for (file, edits) in accepted {
        let Some(source) = sources.get(&file) else {
            continue;
        };
        let mut text = Vec::with_capacity(source.bytes().len());
        let mut done = 0;
        for (start, (end, replacement)) in edits {
            text.extend_from_slice(&source.bytes()[done..start as usize]);
            text.extend_from_slice(replacement.as_bytes());
            done = end as usize;
        }
        text.extend_from_slice(&source.bytes()[done..]);
        if text != source.bytes() {
            fixed.files.insert(file, text);
        }
    }
    fixed
}

/// Adds the edits of one fix to those accepted so far, all or none.
fn accept(
    sources: &Sources,
    fix: &Fix,
    accepted: &mut BTreeMap<FilePath, Accepted>,
) -> Result<(), Skipped> {
    let edits = fix.sorted_edits().ok_or(Skipped::Conflict)?;
    let mut new = Vec::new();
    for edit in edits {
        let source = sources.get(&edit.file).ok_or(Skipped::NoSuchPlace)?;
        if edit.span.start > edit.span.end || edit.span.end as usize > source.bytes().len() {
            return Err(Skipped::NoSuchPlace);
        }
        if let Some(taken) = accepted.get(&edit.file) {
            let same = taken.get(&edit.span.start);
            if same.is_some_and(|(end, text)| *end == edit.span.end && *text == edit.replacement) {
                continue;
            }
            // Accepted edits do not overlap, so only the nearest on each side can be in the way.
            let before = taken.range(..=edit.span.start).next_back();
            let after = taken.range(edit.span.start..).next();
            let in_the_way = before
                .into_iter()
                .chain(after)
                .any(|(&start, &(end, _))| overlaps(Span::new(start, end), edit.span));
            if in_the_way {
                return Err(Skipped::Conflict);
            }
        }
        new.push(edit);
    }
    for edit in new {
        accepted
            .entry(edit.file.clone())
            .or_default()
            .insert(edit.span.start, (edit.span.end, edit.replacement.clone()));
    }
    Ok(())
}

/// Whether two edits touch the same text. Edits that start at the same offset always do: the
/// result would depend on their order.
fn overlaps(a: Span, b: Span) -> bool {
    a.start == b.start || (a.start < b.end && b.start < a.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceFile;

    /// Applies edits of `a.go`, one fix each, and gives the new text and what was skipped.
    fn check(text: &str, edits: &[&[(u32, u32, &str)]]) -> (String, Vec<(usize, Skipped)>) {
        let sources: Sources = [SourceFile::new("a.go", text)].into_iter().collect();
        let fixes: Vec<Fix> = edits
            .iter()
            .map(|edits| Fix {
                safety: Safety::Safe,
                message: "change".to_owned(),
                edits: edits
                    .iter()
                    .map(|&(start, end, replacement)| Edit {
                        file: "a.go".into(),
                        span: Span::new(start, end),
                        replacement: replacement.to_owned(),
                    })
                    .collect(),
            })
            .collect();
        let fixed = apply_fixes(&sources, &fixes);
        let text = match fixed.files.get("a.go") {
            Some(text) => String::from_utf8(text.clone()).unwrap(),
            None => text.to_owned(),
        };
        (text, fixed.skipped)
    }

    #[test]
    fn edits_are_applied_in_the_order_of_the_text() {
        let (text, skipped) = check("abcdef", &[&[(4, 5, "E"), (0, 1, "A")], &[(2, 2, "-")]]);
        assert_eq!(text, "Ab-cdEf");
        assert!(skipped.is_empty());
    }

    #[test]
    fn a_conflicting_fix_is_skipped_as_a_whole() {
        let (text, skipped) = check("abcdef", &[&[(1, 3, "X")], &[(2, 4, "Y"), (5, 6, "Z")]]);
        assert_eq!(text, "aXdef");
        assert_eq!(skipped, [(1, Skipped::Conflict)]);
    }

    #[test]
    fn an_edit_that_swallows_an_earlier_one_conflicts() {
        let (text, skipped) = check("abcdef", &[&[(2, 3, "C")], &[(0, 6, "")]]);
        assert_eq!(text, "abCdef");
        assert_eq!(skipped, [(1, Skipped::Conflict)]);
    }

    #[test]
    fn two_fixes_share_an_equal_edit_but_not_an_insertion_point() {
        let (text, skipped) = check(
            "abc",
            &[
                &[(0, 0, "import\n")],
                &[(0, 0, "import\n"), (2, 3, "C")],
                &[(0, 0, "x")],
            ],
        );
        assert_eq!(text, "import\nabC");
        assert_eq!(skipped, [(2, Skipped::Conflict)]);
    }

    #[test]
    fn neighbouring_edits_do_not_conflict() {
        let (text, skipped) = check("abcd", &[&[(0, 2, "x")], &[(2, 4, "y")]]);
        assert_eq!(text, "xy");
        assert!(skipped.is_empty());
    }

    #[test]
    fn places_outside_the_file_are_refused() {
        let (text, skipped) = check("ab", &[&[(1, 9, "")], &[(2, 1, "")]]);
        assert_eq!(text, "ab");
        assert_eq!(
            skipped,
            [(0, Skipped::NoSuchPlace), (1, Skipped::NoSuchPlace)]
        );
    }
}
