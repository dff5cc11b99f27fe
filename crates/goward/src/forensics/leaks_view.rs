//! The results of `goward leaks` as text, JSON, DOT and HTML.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use goward_trace::dump::wait::Operation;
use goward_trace::leaks::gctrace::Convergence;
use goward_trace::leaks::graph::{Mention, Node};
use goward_trace::leaks::{Analysis, Group, History, Ranked, Site, Snapshot, Verdict};
use serde_json::{Value, json};

use super::crash_text::plural;
use super::escape::{Html, one_line};
use super::finding_view::{self, FindingView};
use super::hazards::{Explained, Hazards};

const STRONG: Style = Style::new().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// So many groups are shown before the rest is counted.
const MOST_GROUPS: usize = 15;

/// Everything that there is to show.
pub(crate) struct View<'v> {
    pub(crate) snapshots: &'v [Snapshot],
    pub(crate) analysis: &'v Analysis,
    /// Nodes of the graph; their group is an index into the analysis' groups.
    pub(crate) graph: &'v [Node],
    /// The findings of `goward check` that explain a group, for each of the analysis' groups.
    pub(crate) findings: &'v [Vec<Explained<'v>>],
    pub(crate) hazards: &'v Hazards,
    pub(crate) collections: Option<(usize, Convergence)>,
    pub(crate) all: bool,
}

fn waits(group: &Group) -> String {
    match group.operation {
        Some(operation) => format!("waiting {}", operation.describe()),
        None => "running, or in a state that the source does not name".to_owned(),
    }
}

fn place(site: &Site) -> String {
    format!("{}:{}", site.file, site.line)
}

fn counts(history: &History) -> String {
    let shown: Vec<String> = history.counts.iter().map(u64::to_string).collect();
    if shown.len() > 12 {
        format!(
            "{} … {}",
            shown[..5].join(" "),
            shown[shown.len() - 5..].join(" ")
        )
    } else {
        shown.join(" ")
    }
}

/// Writes the result for a reader.
pub(crate) fn text(out: &mut dyn Write, view: &View<'_>) -> std::io::Result<()> {
    let analysis = view.analysis;
    if !analysis.totals.is_empty() {
        let totals: Vec<String> = analysis.totals.iter().map(u64::to_string).collect();
        let count = totals.len();
        let shown = if count > 12 {
            format!(
                "{} … {}",
                totals[..5].join(" "),
                totals[count - 5..].join(" ")
            )
        } else {
            totals.join(" ")
        };
        writeln!(
            out,
            "{STRONG}goroutines{STRONG:#} in {count} snapshot{}: {shown}",
            plural(count)
        )?;
        if count < 3 {
            writeln!(
                out,
                "  fewer than three snapshots show no trend: no group is called a leak"
            )?;
        }
    }
    let mut section = None;
    let mut hidden = 0;
    for (number, history) in analysis.groups.iter().enumerate() {
        if history.verdict == Verdict::Steady && !view.all && number >= MOST_GROUPS {
            hidden += 1;
            continue;
        }
        if section != Some(history.verdict) {
            section = Some(history.verdict);
            let title = match history.verdict {
                Verdict::Grows => "growing: leaks",
                Verdict::NeverEnds => "not growing, but nothing can end their wait",
                Verdict::FoundLeaked => "not growing, but found by Go's leak detector",
                Verdict::Steady => "steady: pools and idle goroutines",
                Verdict::Unknown => "groups",
            };
            let style = if history.verdict == Verdict::Grows {
                BAD
            } else {
                STRONG
            };
            writeln!(out, "\n{style}{title}{style:#}")?;
        }
        write_group(out, view, number, history)?;
    }
    if hidden > 0 {
        writeln!(
            out,
            "\n{hidden} more steady group{}; --all shows them",
            plural(hidden)
        )?;
    }
    if let Some((count, convergence)) = &view.collections {
        let live = convergence.live;
        writeln!(
            out,
            "\n{STRONG}live heap{STRONG:#} over {count} collections: {:.0} MiB to {:.0} MiB, {:+.3} MiB/s",
            live.first_level, live.last_level, live.slope
        )?;
        writeln!(
            out,
            "  heap goal: {:.0} MiB to {:.0} MiB",
            convergence.goal.first_level, convergence.goal.last_level
        )?;
        match convergence.converges {
            Some(true) if live.confidence >= 0.95 && live.last_level > live.first_level => {
                writeln!(
                    out,
                    "  it has risen, but does not keep rising up to the end"
                )?
            }
            Some(true) => writeln!(
                out,
                "  it comes back to its level after garbage collection (confidence that it rises: {:.0} %)",
                100.0 * live.confidence
            )?,
            Some(false) => writeln!(
                out,
                "  {BAD}it keeps rising after garbage collection{BAD:#} (confidence {:.1} %)",
                100.0 * live.confidence
            )?,
            None => writeln!(
                out,
                "  too few collections to tell whether it comes back to its level"
            )?,
        }
    }
    Ok(())
}

fn write_group(
    out: &mut dyn Write,
    view: &View<'_>,
    number: usize,
    history: &History,
) -> std::io::Result<()> {
    let last = history.counts.last().copied().unwrap_or(0);
    let at = history.group.blocked_at();
    let function = at.map_or("(no frame)", |site| site.function.as_str());
    writeln!(out, "\n  {STRONG}{last} × {}{STRONG:#}", one_line(function))?;
    writeln!(out, "    {}", waits(&history.group))?;
    if let Some(site) = at {
        writeln!(out, "    at {}", one_line(&place(site)))?;
    }
    if let Some(site) = history.created_by.as_ref() {
        writeln!(
            out,
            "    created by {} at {}",
            one_line(&site.function),
            one_line(&place(site))
        )?;
    } else if let Some(site) = history.group.entry().filter(|entry| Some(*entry) != at) {
        writeln!(
            out,
            "    started as {} at {}",
            one_line(&site.function),
            one_line(&place(site))
        )?;
    }
    if history.counts.len() > 1 {
        write!(out, "    {DIM}counts {}", counts(history))?;
        if history.verdict == Verdict::Grows {
            write!(
                out,
                "; confidence {:.0} %",
                100.0 * history.trend.confidence
            )?;
        }
        writeln!(out, "{DIM:#}")?;
    }
    if let Some(minutes) = history.wait_minutes {
        writeln!(out, "    longest wait {minutes} min")?;
    }
    if history.found_leaked > 0 {
        writeln!(out, "    Go's leak detector found {}", history.found_leaked)?;
    }
    if let Some(node) = view.graph.iter().find(|node| node.group == number)
        && let Some(object) = &node.object
    {
        for mention in node.made_at.iter().take(3) {
            writeln!(
                out,
                "    `{}` is made at {}",
                one_line(object),
                mentioned(mention)
            )?;
        }
        if node.ended_by.is_empty() {
            if node.operation != Operation::Select {
                writeln!(
                    out,
                    "    no line of the package would end this wait on `{}`",
                    one_line(object)
                )?;
            }
        } else {
            for mention in node.ended_by.iter().take(5) {
                writeln!(
                    out,
                    "    {} it: {}",
                    mention.role.name(),
                    mentioned(mention)
                )?;
            }
            if node.could_be_woken_by.is_empty() {
                writeln!(
                    out,
                    "    no goroutine of the last snapshot stands at one of these lines"
                )?;
            }
        }
    }
    for explained in view.findings.get(number).into_iter().flatten() {
        finding_view::text(out, view.hazards, explained, "    ")?;
    }
    Ok(())
}

fn mentioned(mention: &Mention) -> String {
    format!(
        "{}:{}: {}",
        one_line(&mention.file),
        mention.line,
        one_line(&mention.text)
    )
}

/// The result as one JSON object.
pub(crate) fn json(view: &View<'_>) -> Value {
    let site =
        |site: &Site| json!({"function": site.function, "file": site.file, "line": site.line});
    let groups: Vec<Value> = view
        .analysis
        .groups
        .iter()
        .enumerate()
        .map(|(number, history)| {
            let findings = view.findings.get(number).into_iter().flatten();
            let findings: Vec<_> = findings
                .map(|explained| FindingView::new(view.hazards, explained))
                .collect();
            json!({
                "findings": findings,
                "verdict": history.verdict.name(),
                "operation": history.group.operation.map(Operation::name),
                "count": history.counts.last(),
                "counts": history.counts,
                "slope": history.trend.slope,
                "confidence": history.trend.confidence,
                "blocked_at": history.group.blocked_at().map(site),
                "entry": history.group.entry().map(site),
                "created_by": history.created_by.as_ref().map(site),
                "longest_wait_minutes": history.wait_minutes,
                "found_by_leak_detector": history.found_leaked,
                "frames": history.group.frames.iter().map(site).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mention = |mention: &Mention| json!({"file": mention.file, "line": mention.line, "source": mention.text, "role": mention.role.name()});
    let graph: Vec<Value> = view
        .graph
        .iter()
        .map(|node| {
            json!({
                "group": node.group,
                "count": node.count,
                "operation": node.operation.name(),
                "at": site(&node.at),
                "object": node.object,
                "made_at": node.made_at.iter().map(mention).collect::<Vec<_>>(),
                "ended_by": node.ended_by.iter().map(mention).collect::<Vec<_>>(),
                "could_be_woken_by": node.could_be_woken_by,
            })
        })
        .collect();
    let snapshots: Vec<Value> = view
        .snapshots
        .iter()
        .map(|snapshot| json!({"name": snapshot.name, "seconds": snapshot.seconds, "total": snapshot.total(), "only_leaked": snapshot.only_leaked}))
        .collect();
    json!({
        "snapshots": snapshots,
        "total": {"counts": view.analysis.totals, "slope": view.analysis.total.slope, "confidence": view.analysis.total.confidence},
        "groups": groups,
        "graph": graph,
        "heap": view.collections.map(|(count, convergence)| json!({
            "collections": count,
            "live_first_mib": convergence.live.first_level,
            "live_last_mib": convergence.live.last_level,
            "live_slope_mib_per_second": convergence.live.slope,
            "confidence_that_it_rises": convergence.live.confidence,
            "converges": convergence.converges,
        })),
    })
}

/// The blocking graph for Graphviz.
pub(crate) fn dot(out: &mut dyn Write, view: &View<'_>) -> std::io::Result<()> {
    let quote = |text: &str| one_line(text).replace('\\', "\\\\").replace('"', "\\\"");
    writeln!(
        out,
        "digraph leaks {{\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];"
    )?;
    for node in view.graph {
        let grows = view
            .analysis
            .groups
            .get(node.group)
            .is_some_and(|history| history.verdict == Verdict::Grows);
        let colour = if grows { ", color=red" } else { "" };
        writeln!(
            out,
            "  g{} [label=\"{} × {}\\n{}\\n{}\"{colour}];",
            node.group,
            node.count,
            quote(&node.at.function),
            quote(node.operation.describe()),
            quote(&place(&node.at))
        )?;
        if let Some(object) = &node.object {
            let made = node
                .made_at
                .first()
                .map(|mention| format!("\\nmade at {}:{}", quote(&mention.file), mention.line))
                .unwrap_or_default();
            writeln!(
                out,
                "  o{} [shape=ellipse, label=\"{}{made}\"];\n  g{} -> o{} [label=\"waits\"];",
                node.group,
                quote(object),
                node.group,
                node.group
            )?;
            for mention in &node.ended_by {
                let name = format!("{}:{}", quote(&mention.file), mention.line);
                writeln!(
                    out,
                    "  \"{name}\" [shape=plaintext];\n  o{} -> \"{name}\" [label=\"{}\", style=dashed];",
                    node.group,
                    mention.role.name()
                )?;
            }
        }
        for other in &node.could_be_woken_by {
            writeln!(
                out,
                "  g{} -> g{other} [label=\"could be woken by\"];",
                node.group
            )?;
        }
    }
    writeln!(out, "}}")
}

/// The result as one self-contained page.
pub(crate) fn html(out: &mut dyn Write, view: &View<'_>) -> std::io::Result<()> {
    writeln!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>Goroutine leaks</title><style>body{{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c1c1c;background:#fff}}h1{{font-size:1.4rem}}article{{border-left:4px solid #999;padding:.2rem 1rem;margin:1rem 0}}article.grows{{border-color:#b00;background:#fdeaea}}article.never-ends,article.found-by-leak-detector{{border-color:#c80}}.dim{{color:#666}}svg{{vertical-align:middle}}code{{font-size:13px}}@media(prefers-color-scheme:dark){{body{{background:#161616;color:#ddd}}article.grows{{background:#2a1818}}.dim{{color:#999}}}}{}</style></head><body><h1>Goroutines over {} snapshot{}</h1>",
        finding_view::STYLE,
        view.analysis.totals.len(),
        plural(view.analysis.totals.len())
    )?;
    for (number, history) in view.analysis.groups.iter().enumerate() {
        let last = history.counts.last().copied().unwrap_or(0);
        let at = history.group.blocked_at();
        writeln!(
            out,
            "<article class=\"{}\"><b>{last} × <code>{}</code></b> {} <span class=\"dim\">{}</span>",
            history.verdict.name(),
            Html(at.map_or("(no frame)", |site| &site.function)),
            sparkline(&history.counts),
            history.verdict.name().replace('-', " ")
        )?;
        if history.counts.len() > 1 {
            write!(out, "<div class=\"dim\">counts {}", counts(history))?;
            if history.verdict == Verdict::Grows {
                let confidence = 100.0 * history.trend.confidence;
                write!(out, "; confidence that it grows {confidence:.0} %")?;
            }
            writeln!(out, "</div>")?;
        }
        writeln!(
            out,
            "<div>{}{}</div>",
            Html(&waits(&history.group)),
            at.map(|site| format!(" at <code>{}</code>", Html(&place(site))))
                .unwrap_or_default()
        )?;
        if let Some(node) = view.graph.iter().find(|node| node.group == number)
            && let Some(object) = &node.object
        {
            for mention in node.made_at.iter().chain(&node.ended_by) {
                writeln!(
                    out,
                    "<div><code>{}:{}: {}</code> <span class=\"dim\">{} <code>{}</code></span></div>",
                    Html(&mention.file),
                    mention.line,
                    Html(&mention.text),
                    mention.role.name(),
                    Html(object)
                )?;
            }
        }
        for explained in view.findings.get(number).into_iter().flatten() {
            finding_view::html(out, view.hazards, explained)?;
        }
        writeln!(out, "<details><summary class=\"dim\">stack</summary>")?;
        for site in &history.group.frames {
            writeln!(
                out,
                "<div><code>{}</code> <span class=\"dim\">{}</span></div>",
                Html(&site.function),
                Html(&place(site))
            )?;
        }
        writeln!(out, "</details></article>")?;
    }
    writeln!(out, "</body></html>")
}

fn sparkline(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    if counts.len() < 2 {
        return String::new();
    }
    let points: Vec<String> = counts
        .iter()
        .enumerate()
        .map(|(at, &count)| {
            format!(
                "{:.1},{:.1}",
                100.0 * at as f64 / (counts.len() - 1) as f64,
                22.0 - 20.0 * count as f64 / most
            )
        })
        .collect();
    format!(
        "<svg width=\"100\" height=\"24\" role=\"img\" aria-label=\"counts over time\"><polyline fill=\"none\" stroke=\"currentColor\" points=\"{}\"/></svg>",
        points.join(" ")
    )
}

/// The ranking over many instances.
pub(crate) fn ranking(
    out: &mut dyn Write,
    ranked: &[Ranked],
    instances: &[Snapshot],
    all: bool,
) -> std::io::Result<()> {
    writeln!(
        out,
        "{STRONG}groups by impact{STRONG:#} (root mean square over {} instances)",
        instances.len()
    )?;
    let most = if all { usize::MAX } else { MOST_GROUPS };
    for row in ranked.iter().take(most) {
        let at = row.group.blocked_at();
        writeln!(
            out,
            "\n  {STRONG}{:.1}{STRONG:#}  {} in {} instance{}, most {} in {}",
            row.impact,
            row.total,
            row.instances,
            plural(row.instances),
            row.most.0,
            one_line(&instances[row.most.1].instance)
        )?;
        writeln!(
            out,
            "    {} {}",
            one_line(at.map_or("(no frame)", |site| &site.function)),
            waits(&row.group)
        )?;
        if let Some(site) = at {
            writeln!(out, "    at {}", one_line(&place(site)))?;
        }
    }
    Ok(())
}

/// The ranking as JSON.
pub(crate) fn ranking_json(ranked: &[Ranked], instances: &[Snapshot]) -> Value {
    let rows: Vec<Value> = ranked
        .iter()
        .map(|row| {
            json!({
                "impact": row.impact,
                "instances": row.instances,
                "total": row.total,
                "most": row.most.0,
                "most_in": instances[row.most.1].instance,
                "operation": row.group.operation.map(Operation::name),
                "blocked_at": row.group.blocked_at().map(|site| json!({"function": site.function, "file": site.file, "line": site.line})),
            })
        })
        .collect();
    json!({"instances": instances.len(), "groups": rows})
}

/// One row per group and snapshot, for tables.
pub(crate) fn rows(snapshots: &[Snapshot]) -> impl Iterator<Item = Value> + '_ {
    snapshots.iter().flat_map(|snapshot| {
        snapshot.seen.iter().map(move |seen| {
            let at = seen.group.blocked_at();
            json!({
                "instance": snapshot.instance,
                "snapshot": snapshot.name,
                "seconds": snapshot.seconds,
                "operation": seen.group.operation.map(Operation::name),
                "function": at.map(|site| site.function.as_str()),
                "file": at.map(|site| site.file.as_str()),
                "line": at.map(|site| site.line),
                "entry": seen.group.entry().map(|site| site.function.as_str()),
                "created_by": seen.created_by.as_ref().map(|site| site.function.as_str()),
                "count": seen.count,
                "wait_minutes": seen.wait_minutes,
                "found_by_leak_detector": seen.found_leaked,
            })
        })
    })
}
