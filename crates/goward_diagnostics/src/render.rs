//! The full text of a finding: source excerpts with the path of evidence as numbered labels, help,
//! identity and fix.
//!
//! Drawing is annotate-snippets' work. What is done here is to hand it a small, clean piece of each
//! file: valid UTF-8, no control characters, no line of a megabyte, not the whole of a long file.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Patch, Renderer, Snippet};

use crate::escape::visible;
use crate::{Diagnostic, Edit, FilePath, Fix, Severity, SourceFile, Sources, Span, neutralise};

/// How to draw.
#[derive(Copy, Clone, Debug)]
pub struct Rendering {
    /// Colours as ANSI escapes.
    pub color: bool,
    /// Columns of the terminal; longer source lines are trimmed around the labels.
    pub width: usize,
}

impl Default for Rendering {
    fn default() -> Rendering {
        Rendering {
            color: false,
            width: 140,
        }
    }
}

/// Places further apart than this many lines are shown as separate excerpts.
const CLUSTER_LINES: u32 = 200;
/// Source lines longer than this many bytes are cut.
const LINE_BYTES: u32 = 2000;
/// Bytes of a cut line that are kept before its first label.
const LINE_BEFORE: u32 = 200;
/// A span over more lines than this is shown as its first line.
const SPAN_LINES: u32 = 6;

/// Draws one finding; ends with a line feed.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, rendering: Rendering) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level
        .primary_title(neutralise(&diagnostic.message))
        .id(neutralise(&diagnostic.rule));
    let mut elements: Vec<Element<'_>> = Vec::new();
    for (file, labels) in labels_by_file(diagnostic) {
        excerpts(
            &mut elements,
            sources.get(&file).map(|file| &**file),
            &file,
            &labels,
        );
    }
    if !diagnostic.help.is_empty() {
        elements.push(Level::HELP.message(neutralise(&diagnostic.help)).into());
    }
    if !diagnostic.id.is_empty() {
        let id = neutralise(&diagnostic.id);
        elements.push(Level::NOTE.with_name("id").message(id).into());
    }
    let mut report = vec![title.elements(elements)];
    if let Some(fix) = &diagnostic.fix {
        report.push(fix_group(fix, sources));
    }
    let renderer = if rendering.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = renderer.term_width(rendering.width).render(&report);
    text.push('\n');
    text
}

/// One place to mark in a file.
struct Label {
    span: Span,
    text: Option<String>,
    primary: bool,
}

/// What to mark in each file: the file of the finding first, then the others in the order in which
/// the path comes to them.
fn labels_by_file(diagnostic: &Diagnostic) -> Vec<(FilePath, Vec<Label>)> {
    let mut files = vec![(
        diagnostic.file.clone(),
        vec![Label {
            span: diagnostic.span,
            text: None,
            primary: true,
        }],
    )];
    let numbered = diagnostic.path.len() > 1;
    for (index, step) in diagnostic.path.iter().enumerate() {
        let mut text = neutralise(&step.message).into_owned();
        if numbered {
            text = format!("{}. {text}", index + 1);
        }
        let position = files.iter().position(|(file, _)| *file == step.file);
        let position = position.unwrap_or_else(|| {
            files.push((step.file.clone(), Vec::new()));
            files.len() - 1
        });
        let labels = &mut files[position].1;
        let same = labels.iter_mut().find(|label| label.span == step.span);
        match same {
            // Two steps at one place would be drawn as two rows of marks under it.
            Some(label) => match &mut label.text {
                Some(before) => {
                    before.push_str("; ");
                    before.push_str(&text);
                }
                none => *none = Some(text),
            },
            None => labels.push(Label {
                span: step.span,
                text: Some(text),
                primary: false,
            }),
        }
    }
    files
}

/// Draws the marked places of one file.
fn excerpts(
    elements: &mut Vec<Element<'_>>,
    source: Option<&SourceFile>,
    file: &FilePath,
    labels: &[Label],
) {
    let Some(source) = source else {
        elements.push(Origin::path(neutralise(file).into_owned()).into());
        return;
    };
    let mut clusters = clusters(source, labels.iter().map(|label| label.span));
    // The excerpt with the culprit comes first: its place is what people look for.
    clusters.sort_by_key(|cluster| !cluster.members.iter().any(|&member| labels[member].primary));
    for cluster in clusters {
        let excerpt = Excerpt::new(source, &cluster);
        let places = cluster.members.iter().zip(&excerpt.spans);
        let place = places
            .map(|(&member, span)| (!labels[member].primary, labels[member].span, span.start))
            .min();
        let (_, place, shown) = place.expect("a cluster has members");
        let columns = excerpt.text[..shown].chars().rev();
        let column = columns.take_while(|&character| character != '\n').count() as u32 + 1;
        let annotations = cluster
            .members
            .iter()
            .zip(&excerpt.spans)
            .map(|(&member, span)| {
                let label = &labels[member];
                let kind = if label.primary {
                    AnnotationKind::Primary
                } else {
                    AnnotationKind::Context
                };
                kind.span(span.clone()).label(label.text.clone())
            });
        let mut snippet = Snippet::source(excerpt.text.clone())
            .line_start(excerpt.first_line as usize)
            .annotations(annotations.collect::<Vec<_>>());
        // annotate-snippets counts characters of the excerpt; all other formats print the byte
        // column of the file. Where they differ, the header is ours.
        if source.lines().line_column(place.start).column == column {
            snippet = snippet.path(neutralise(file).into_owned());
        } else {
            elements.push(origin(source, file, place.start));
        }
        elements.push(snippet.into());
    }
}

/// `--> file:line:column`, with the byte column that all other formats print.
fn origin<'a>(source: &SourceFile, file: &FilePath, offset: u32) -> Element<'a> {
    let place = source.lines().line_column(offset);
    Origin::path(neutralise(file).into_owned())
        .line(place.line as usize)
        .char_column(place.column as usize)
        .into()
}

/// Draws a fix as added and removed lines.
fn fix_group<'a>(fix: &Fix, sources: &Sources) -> Group<'a> {
    let safety = fix.safety.name();
    let title = format!("{safety} fix: {}", neutralise(&fix.message));
    let mut elements: Vec<Element<'_>> = Vec::new();
    // Nobody could apply edits that overlap, and nobody can draw them.
    let all = fix.sorted_edits().unwrap_or_default();
    for edits in all.chunk_by(|one, next| one.file == next.file) {
        let file = &edits[0].file;
        let Some(source) = sources.get(file) else {
            elements.push(Origin::path(neutralise(file).into_owned()).into());
            continue;
        };
        let together = clusters(source, edits.iter().map(|edit| edit.span));
        for cluster in together
            .into_iter()
            .flat_map(|cluster| apart(source, cluster, edits))
        {
            let excerpt = Excerpt::new(source, &cluster);
            let patches = cluster
                .members
                .iter()
                .zip(excerpt.spans)
                .map(|(&member, span)| {
                    Patch::new(
                        span,
                        crate::neutralise_lines(&edits[member].replacement).into_owned(),
                    )
                });
            elements.push(
                Snippet::source(excerpt.text)
                    .line_start(excerpt.first_line as usize)
                    .path(neutralise(file).into_owned())
                    .patches(patches.collect::<Vec<_>>())
                    .into(),
            );
        }
    }
    Level::HELP.secondary_title(title).elements(elements)
}

/// Places of one file that are shown together.
struct Cluster {
    /// Indices of the places, in the order of the text.
    members: Vec<usize>,
    /// Their spans, clipped to what is shown.
    spans: Vec<Span>,
    /// First and last line, from 1.
    lines: (u32, u32),
}

/// Groups places that lie near each other.
fn clusters(source: &SourceFile, spans: impl Iterator<Item = Span>) -> Vec<Cluster> {
    let lines = source.lines();
    let length = source.bytes().len().min(u32::MAX as usize) as u32;
    let mut sorted: Vec<(Span, usize)> = spans
        .enumerate()
        .map(|(index, span)| {
            let start = span.start.min(length);
            (Span::new(start, span.end.clamp(start, length)), index)
        })
        .collect();
    sorted.sort();
    let mut clusters: Vec<Cluster> = Vec::new();
    for (mut span, index) in sorted {
        let first = lines.line_column(span.start).line;
        let mut last = lines.line_column(span.end.max(span.start + 1) - 1).line;
        if last - first >= SPAN_LINES {
            last = first;
            let end = lines.line_range(first).map_or(span.end, |range| range.end);
            let line = source.slice(Span::new(span.start, end));
            span.end = span.start + line.trim_ascii_end().len() as u32;
        }
        match clusters.last_mut() {
            Some(cluster) if first - cluster.lines.1.min(first) <= CLUSTER_LINES => {
                cluster.members.push(index);
                cluster.spans.push(span);
                cluster.lines.1 = cluster.lines.1.max(last);
            }
            _ => clusters.push(Cluster {
                members: vec![index],
                spans: vec![span],
                lines: (first, last),
            }),
        }
    }
    clusters
}

/// Edits that cannot be drawn in one excerpt, each by itself. annotate-snippets 0.12 moves an edit to
/// the left by what edits before it take out, on whatever line, and panics where that leads out of the
/// line; it also takes bytes for columns. Edits that only add go together.
fn apart(source: &SourceFile, cluster: Cluster, edits: &[&Edit]) -> Vec<Cluster> {
    let adds = |(&member, span): (&usize, &Span)| {
        let replacement = &edits[member].replacement;
        replacement.is_ascii() && replacement.len() >= (span.end - span.start) as usize
    };
    let mut places = cluster.members.iter().zip(&cluster.spans);
    let together = places.all(adds) && Excerpt::new(source, &cluster).text.is_ascii();
    if cluster.members.len() < 2 || together {
        return vec![cluster];
    }
    let places = cluster.members.iter().zip(&cluster.spans);
    places
        .map(|(&member, &span)| Cluster {
            members: vec![member],
            spans: vec![span],
            ..cluster
        })
        .collect()
}

/// A printable piece of a file, and where the spans of its cluster lie in it.
struct Excerpt {
    text: String,
    first_line: u32,
    spans: Vec<Range<usize>>,
}

impl Excerpt {
    fn new(source: &SourceFile, cluster: &Cluster) -> Excerpt {
        // Offsets of the spans' ends in the file, and where each lands in the text.
        let mut marks: Vec<(u32, usize)> = cluster
            .spans
            .iter()
            .flat_map(|span| [(span.start, 0), (span.end, 0)])
            .collect();
        marks.sort();
        marks.dedup();
        let mut text = String::new();
        let mut next = 0;
        for line in cluster.lines.0..=cluster.lines.1 {
            let Some(range) = source.lines().line_range(line) else {
                break;
            };
            let inside = |offset: u32| range.start <= offset && offset < range.end;
            let first_mark = marks.iter().map(|mark| mark.0).find(|&mark| inside(mark));
            let kept = cut(range.clone(), first_mark.unwrap_or(range.start));
            if kept.start > range.start {
                text.push('…');
            }
            let mut offset = kept.start;
            for chunk in source.slice(Span::new(kept.start, kept.end)).utf8_chunks() {
                for character in chunk.valid().chars() {
                    settle(&mut marks, &mut next, offset, text.len());
                    push_visible(&mut text, character);
                    offset += character.len_utf8() as u32;
                }
                if !chunk.invalid().is_empty() {
                    settle(&mut marks, &mut next, offset, text.len());
                    text.push('\u{fffd}');
                    offset += chunk.invalid().len() as u32;
                }
            }
            if kept.end < range.end {
                settle(&mut marks, &mut next, range.end - 1, text.len());
                text.push_str("…\n");
            }
        }
        settle(&mut marks, &mut next, u32::MAX, text.len());
        let landed = |offset: u32| match marks.binary_search_by_key(&offset, |mark| mark.0) {
            Ok(index) => marks[index].1,
            Err(_) => text.len(),
        };
        let spans = cluster.spans.iter();
        Excerpt {
            spans: spans
                .map(|span| landed(span.start)..landed(span.end))
                .collect(),
            first_line: cluster.lines.0,
            text,
        }
    }
}

/// The marks up to `offset` land at `position`.
fn settle(marks: &mut [(u32, usize)], next: &mut usize, offset: u32, position: usize) {
    while let Some(mark) = marks.get_mut(*next).filter(|mark| mark.0 <= offset) {
        mark.1 = position;
        *next += 1;
    }
}

/// What is kept of a line whose first mark lies at `mark`.
fn cut(line: Range<u32>, mark: u32) -> Range<u32> {
    if line.end - line.start <= LINE_BYTES {
        return line;
    }
    let start = mark.saturating_sub(LINE_BEFORE).max(line.start);
    start..line.end.min(start + LINE_BYTES)
}

fn push_visible(text: &mut String, character: char) {
    match character {
        '\n' | '\t' => text.push(character),
        // A carriage return before the line feed is not worth a mark.
        '\r' => {}
        _ => text.push(visible(character).unwrap_or(character)),
    }
}

#[cfg(test)]
mod tests;
