//! The facts of goward about one package against those of go/types, line by line.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use goward_diagnostics::LineIndex;

use super::groups::Group;

/// A longer text of a failing line is cut.
const LONGEST: usize = 240;

/// How go/types and goward write a type that is not known.
const UNKNOWN: &str = "invalid type";

/// A line of a package: index of the file, number of the line.
type Line = (usize, u32);

/// What is known of a package, and in the end how it went.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    shown: String,
    files: Vec<(String, LineIndex)>,
    marked: BTreeSet<Line>,
    errors: BTreeMap<Line, (u32, String)>,
    ours: Vec<String>,
    /// Marks in the source.
    pub(super) marks: usize,
    pub(super) marked_lines: usize,
    /// Marked lines on which goward reports something.
    pub(super) noticed: usize,
    /// Lines without a mistake for which go/types has facts.
    pub(super) lines: usize,
    pub(super) failing_lines: usize,
    /// Facts of go/types on these lines.
    pub(super) facts: usize,
    pub(super) equal: usize,
    /// Whether go/types reports an error where no mark is.
    pub(super) refused: bool,
    /// One text for each failing line.
    pub(super) failures: Vec<String>,
}

/// `file:start-end<TAB>kind<TAB>text`
struct Fact<'f> {
    file: &'f str,
    start: u32,
    /// Everything up to the text.
    place: &'f str,
    kind: &'f str,
    text: &'f str,
}

fn fact(line: &str) -> Option<Fact<'_>> {
    let (range, rest) = line.split_once('\t')?;
    let (kind, text) = rest.split_once('\t')?;
    let (file, offsets) = range.rsplit_once(':')?;
    let (start, _) = offsets.split_once('-')?;
    Some(Fact {
        file,
        start: start.parse().ok()?,
        place: &line[..line.len() - text.len()],
        kind,
        text,
    })
}

impl Verdict {
    pub(super) fn new(group: &Group) -> Verdict {
        Verdict {
            shown: group.shown.clone(),
            ..Verdict::default()
        }
    }

    /// Takes in a file and the offsets of its marks.
    pub(super) fn add_file(&mut self, name: &str, lines: &LineIndex, marks: &[u32]) {
        self.files.push((name.to_owned(), lines.clone()));
        self.marks += marks.len();
        for &offset in marks {
            self.marked.extend(self.line(name, offset));
        }
    }

    /// Takes in something that goward reports; of a line the first counts.
    pub(super) fn add_error(&mut self, file: &str, offset: u32, message: &str) {
        if let Some(line) = self.line(file, offset) {
            let entry = (offset, format!("goward reports: {message}"));
            let kept = self.errors.entry(line).or_insert_with(|| entry.clone());
            if entry.0 < kept.0 {
                *kept = entry;
            }
        }
    }

    pub(super) fn set_facts(&mut self, facts: Vec<String>) {
        self.ours = facts;
    }

    fn line(&self, file: &str, offset: u32) -> Option<Line> {
        let index = self.files.iter().position(|(name, _)| name == file)?;
        Some((index, self.files[index].1.line_column(offset).line))
    }

    /// Compares with what go/types says.
    pub(super) fn compare(&mut self, theirs: &[String]) {
        let mut mistakes = self.marked.clone();
        for error in theirs.iter().filter_map(|line| fact(line)) {
            if error.kind == "E"
                && let Some(line) = self.line(error.file, error.start)
                && mistakes.insert(line)
            {
                self.refused = true;
            }
        }
        self.marked_lines = self.marked.len();
        self.noticed = self
            .marked
            .iter()
            .filter(|line| self.errors.contains_key(line))
            .count();
        let ours: HashSet<&str> = self.ours.iter().map(String::as_str).collect();
        let mut lines = BTreeSet::new();
        let mut failing: BTreeMap<Line, (u32, String)> = BTreeMap::new();
        for text in theirs {
            let Some(their) = fact(text) else { continue };
            let Some(line) = self.line(their.file, their.start) else {
                continue;
            };
            if their.kind == "E" || mistakes.contains(&line) || their.text.contains(UNKNOWN) {
                continue;
            }
            lines.insert(line);
            self.facts += 1;
            if ours.contains(text.as_str()) {
                self.equal += 1;
            } else {
                let our = self.ours.iter().find(|our| our.starts_with(their.place));
                let our = our
                    .and_then(|our| fact(our))
                    .map_or("nothing", |our| our.text);
                let (kind, text) = (their.kind, their.text);
                let text = format!("{kind}: go/types has {text}; goward {our}").replace('\t', " ");
                let entry = (their.start, text);
                let first = failing.entry(line).or_insert_with(|| entry.clone());
                if entry.0 < first.0 {
                    *first = entry;
                }
            }
        }
        for (&line, error) in &self.errors {
            if !mistakes.contains(&line) {
                lines.insert(line);
                failing.insert(line, error.clone());
            }
        }
        self.lines = lines.len();
        self.failing_lines = failing.len();
        for ((file, line), (offset, mut text)) in failing {
            if text.len() > LONGEST {
                let cut = (0..=LONGEST).rev().find(|&cut| text.is_char_boundary(cut));
                text.truncate(cut.unwrap_or(0));
                text.push('…');
            }
            let (name, index) = &self.files[file];
            let column = index.line_column(offset).column;
            let shown = &self.shown;
            self.failures
                .push(format!("{shown}/{name}:{line}:{column}: {text}"));
        }
    }

    /// Adds the figures of another package.
    pub(super) fn add(&mut self, other: &Verdict) {
        self.marks += other.marks;
        self.marked_lines += other.marked_lines;
        self.noticed += other.noticed;
        self.lines += other.lines;
        self.failing_lines += other.failing_lines;
        self.facts += other.facts;
        self.equal += other.equal;
    }
}
