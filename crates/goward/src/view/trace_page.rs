//! The trace as one self-contained page: own canvas timeline, no network, no framework.
//!
//! What a page can hold is limited, so lanes are merged to a level of detail that fits
//! ([`goward_trace::trace::detail`]); around exceptions nothing is merged. The data goes into the
//! page as JSON, deflated and in base64; the script inflates it with what every browser has.

use goward_trace::trace::detail::{self, Span};
use goward_trace::trace::exception;
use goward_trace::trace::timeline::{Log, NOBODY, state_index};
use goward_trace::trace::{StackId, Timeline, interesting_goroutines, processor_lanes};
use serde_json::{Value, json};

use super::Analysis;

const PAGE: &str = include_str!("trace_page/page.html");
const STYLE: &str = include_str!("trace_page/style.css");
const SCRIPT: &str = include_str!("trace_page/script.js");

/// How many logs go into a page.
const LOGS: usize = 20_000;

/// How much goes into a page.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) goroutines: usize,
    pub(crate) spans_per_lane: usize,
    pub(crate) processor_spans: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            goroutines: 300,
            spans_per_lane: 1500,
            processor_spans: 12_000,
        }
    }
}

/// Collects the stacks that the page refers to and numbers them anew.
struct Stacks {
    numbers: Vec<u32>,
    used: Vec<StackId>,
}

impl Stacks {
    fn number(&mut self, stack: StackId) -> u32 {
        let place = &mut self.numbers[stack as usize];
        if *place == u32::MAX {
            *place = self.used.len() as u32;
            self.used.push(stack);
        }
        *place
    }
}

/// A lane's spans as flat numbers: length of the gap before, length, state, reason, stack, who woke
/// it (the goroutine's number, or -1), how many spans it stands for.
fn flat(timeline: &Timeline, spans: &[Span], stacks: &mut Stacks) -> Vec<i64> {
    let mut numbers = Vec::with_capacity(spans.len() * 7);
    let mut at = timeline.start;
    for span in spans {
        let by = timeline
            .goroutines
            .get(span.by as usize)
            .map_or(-1, |goroutine| goroutine.id);
        numbers.extend([
            span.begin - at,
            span.end - span.begin,
            state_index(span.state).map_or(4, |state| state as i64),
            i64::from(span.reason),
            i64::from(stacks.number(span.stack)),
            by,
            i64::from(span.merged),
        ]);
        at = span.end;
    }
    numbers
}

/// The spans of one goroutine in a window, for the server.
pub(crate) fn window(
    timeline: &Timeline,
    goroutine: u32,
    from: i64,
    to: i64,
    limit: usize,
) -> Value {
    let spans = detail::merge(
        detail::goroutine_spans(timeline, goroutine, from, to),
        limit,
        &[],
    );
    let mut stacks = Stacks {
        numbers: vec![u32::MAX; timeline.symbols.stack_count()],
        used: Vec::new(),
    };
    let numbers = flat(timeline, &spans, &mut stacks);
    let known = &timeline.goroutines[goroutine as usize];
    json!({
        "id": known.id,
        "name": timeline.name(goroutine),
        "index": goroutine,
        "exact": spans.iter().all(|span| span.merged == 1),
        "spans": numbers,
        "stacks": stack_texts(timeline, &stacks),
    })
}

fn stack_texts(timeline: &Timeline, stacks: &Stacks) -> Vec<Vec<String>> {
    let symbols = &timeline.symbols;
    stacks
        .used
        .iter()
        .map(|&stack| {
            symbols
                .stack(stack)
                .iter()
                .map(|&frame| {
                    let place = symbols.place(frame);
                    format!(
                        "{}\n{}:{}",
                        symbols.text(place.function),
                        symbols.text(place.file),
                        place.line
                    )
                })
                .collect()
        })
        .collect()
}

/// The data of the page.
pub(crate) fn data(analysis: &Analysis, limits: Limits, title: &str, served: bool) -> Value {
    let Analysis {
        timeline,
        summary,
        exceptions: all,
        groups,
        markers,
    } = analysis;
    let mut stacks = Stacks {
        numbers: vec![u32::MAX; timeline.symbols.stack_count()],
        used: Vec::new(),
    };
    stacks.number(0);
    const AROUND: i64 = 2_000_000;
    let windows: Vec<(i64, i64)> = groups
        .iter()
        .take(12)
        .map(|group| {
            (
                timeline.start + group.at - AROUND,
                timeline.start + group.at + AROUND / 4,
            )
        })
        .collect();
    let chosen = interesting_goroutines(timeline, all, limits.goroutines);
    let lanes: Vec<Value> = chosen
        .iter()
        .zip(detail::spans_of(timeline, &chosen))
        .map(|(&index, spans)| {
            let known = &timeline.goroutines[index as usize];
            let spans = detail::merge(spans, limits.spans_per_lane, &windows);
            let creation = timeline.creation(known);
            let creator =
                creation.and_then(|creation| timeline.goroutines.get(creation.by as usize));
            json!({
                "id": known.id,
                "index": index,
                "name": timeline.name(index),
                "label": timeline.symbols.text(known.label),
                "totals": known.totals,
                "creator": creator.map_or(-1, |creator| creator.id),
                "created": creation.map(|creation| creation.time - timeline.start),
                "ended": timeline.ended(known).map(|time| time - timeline.start),
                "createdAt": stacks.number(creation.map_or(0, |creation| creation.stack)),
                "spans": flat(timeline, &spans, &mut stacks),
            })
        })
        .collect();
    let duration = timeline.end - timeline.start;
    let mut names: Vec<&str> = Vec::new();
    let mut name_numbers = rustc_hash::FxHashMap::default();
    let processors: Vec<Value> = processor_lanes(timeline)
        .iter()
        .map(|lane| {
            let mut numbers = Vec::new();
            let mut at = timeline.start;
            for (begin, end, goroutine, merged) in lane.merged(timeline, limits.processor_spans) {
                let name = timeline.name(goroutine);
                let number = *name_numbers.entry(name).or_insert_with(|| {
                    names.push(name);
                    names.len() - 1
                });
                let id = timeline
                    .goroutines
                    .get(goroutine as usize)
                    .map_or(-1, |known| known.id);
                numbers.extend([
                    begin - at,
                    end - begin,
                    number as i64,
                    id,
                    i64::from(merged),
                ]);
                at = end;
            }
            json!(numbers)
        })
        .collect();
    let densities: Vec<Value> = detail::densities(timeline, 600, 40)
        .into_iter()
        .map(|density| {
            let buckets: Vec<i64> = density
                .buckets
                .iter()
                .flatten()
                // Hundredths are enough for a picture, and short as text.
                .map(|&value| (value * 100.0).round() as i64)
                .collect();
            json!({
                "name": if density.function == 0 { "(started before the trace)" } else { timeline.symbols.text(density.function) },
                "goroutines": density.goroutines,
                "buckets": buckets,
            })
        })
        .collect();
    let shown: rustc_hash::FxHashSet<i64> = lanes
        .iter()
        .filter_map(|lane| lane["id"].as_i64())
        .collect();
    let telling: rustc_hash::FxHashSet<(i64, u32)> = all
        .iter()
        .map(|exception| (exception.time, exception.goroutine))
        .collect();
    let tells = |log: &Log| telling.contains(&(log.time, log.goroutine));
    let of_lanes: Vec<&Log> = timeline
        .logs
        .iter()
        .filter(|log| {
            timeline
                .goroutines
                .get(log.goroutine as usize)
                .is_some_and(|known| shown.contains(&known.id))
        })
        .collect();
    // Where there are too many, what is left out is left out evenly over time.
    let step = |telling: bool, room: usize| {
        let count = of_lanes.iter().filter(|log| tells(log) == telling).count();
        count.div_ceil(room).max(1)
    };
    let steps = [step(false, LOGS / 2), step(true, LOGS / 2)];
    let mut counts = [0usize; 2];
    let logs: Vec<Value> = of_lanes
        .iter()
        .filter(|log| {
            let kind = usize::from(tells(log));
            counts[kind] += 1;
            (counts[kind] - 1).is_multiple_of(steps[kind])
        })
        .map(|log| {
            json!([
                log.time - timeline.start,
                timeline.goroutines[log.goroutine as usize].id,
                timeline.symbols.text(log.category),
                timeline.symbols.text(log.message),
                stacks.number(log.stack),
                u8::from(tells(log)),
            ])
        })
        .collect();
    let logs_left_out = of_lanes.len() - logs.len();
    let samples: Vec<i64> = timeline
        .samples
        .iter()
        .take(100_000)
        .flat_map(|sample| {
            let id = timeline
                .goroutines
                .get(sample.goroutine as usize)
                .map_or(-1, |known| known.id);
            [
                sample.time - timeline.start,
                id,
                i64::from(stacks.number(sample.stack)),
            ]
        })
        .collect();
    let paths: Vec<Value> = groups
        .iter()
        .take(12)
        .map(|group| json!({"group": group, "path": exception::path(timeline, &all[group.first])}))
        .collect();
    let stretches = |all: &[goward_trace::trace::timeline::Stretch]| -> Vec<Value> {
        all.iter()
            .take(50_000)
            .map(|one| {
                json!([
                    one.begin - timeline.start,
                    one.end - one.begin,
                    timeline.symbols.text(one.kind)
                ])
            })
            .collect()
    };
    let series = |all: &[(i64, u64)]| -> Vec<Value> {
        let step = all.len() / 2000 + 1;
        all.iter()
            .step_by(step)
            .map(|&(time, value)| json!([time - timeline.start, value]))
            .collect()
    };
    json!({
        "title": title,
        "served": served,
        "duration": duration,
        "wall": summary.started,
        "summary": summary,
        "lanes": lanes,
        "processors": processors,
        "names": names,
        "densities": densities,
        "reasons": timeline.reasons.iter().map(|&reason| timeline.symbols.text(reason)).collect::<Vec<_>>(),
        "stacks": stack_texts(timeline, &stacks),
        "logs": logs,
        "logsLeftOut": logs_left_out,
        "samples": samples,
        "exceptions": paths,
        "moreExceptions": groups.len().saturating_sub(12),
        "markers": markers,
        "collections": stretches(&timeline.collections),
        "stops": stretches(&timeline.stops),
        "heap": series(&timeline.heap),
        "goal": series(&timeline.goal),
        "hidden": timeline.goroutines.len().saturating_sub(shown.len()),
        "nobody": NOBODY,
    })
}

/// The whole page.
pub(crate) fn page(data: &Value) -> anyhow::Result<String> {
    let encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    // JSON comes in pieces of a few bytes, for which the encoder is not made.
    let mut out = std::io::BufWriter::with_capacity(1 << 16, encoder);
    serde_json::to_writer(&mut out, data)?;
    let encoder = out
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error)?;
    let packed = base64(&encoder.finish()?);
    let title = data["title"].as_str().unwrap_or_default();
    let escaped: String = title
        .chars()
        .map(|character| match character {
            '<' | '>' | '&' | '"' | '\'' => '_',
            character if character.is_control() => '_',
            character => character,
        })
        .collect();
    Ok(PAGE
        .replace("@TITLE@", &escaped)
        .replace("@STYLE@", STYLE)
        .replace("@SCRIPT@", SCRIPT)
        .replace("@DATA@", &packed))
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0u32, |word, (index, &byte)| {
            word | u32::from(byte) << (16 - 8 * index)
        });
        for digit in 0..4 {
            if digit <= chunk.len() {
                out.push(char::from(
                    ALPHABET[(word >> (18 - 6 * digit)) as usize & 63],
                ));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standard_one() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
