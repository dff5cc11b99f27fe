//! The result of `goward crash` as one self-contained page: no network, no script but the filter.

use std::io::Write;

use goward_trace::dump::cluster::clusters;
use goward_trace::dump::wait::Waits;
use goward_trace::dump::{Dump, FrameId, Kind};

use super::crash_text::{Shown, explain, findings, plural, title};
use super::escape::Html;
use super::finding_view;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c1c1c;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.15rem;margin-top:2rem;border-top:1px solid #ddd;padding-top:1rem}
.panic{border-left:4px solid #b00;padding:.3rem 1rem;margin:.8rem 0;background:#fbf3f3}
.panic.original{background:#fdeaea}.later{border-color:#c80;background:#fdf7ec}
pre{margin:.2rem 0;white-space:pre-wrap;word-break:break-word;font-size:13px}
details{border:1px solid #ddd;border-radius:4px;margin:.4rem 0;padding:.3rem .7rem}summary{cursor:pointer}
.dim{color:#666}.at{color:#666;font-size:13px}input{font:inherit;width:100%;padding:.3rem .5rem;box-sizing:border-box}
code{font-size:13px}@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}.panic{background:#2a1818}.later{background:#2a2415}details,h2{border-color:#444}.dim,.at{color:#999}input{background:#222;color:#ddd;border:1px solid #555}}";

const SCRIPT: &str = "addEventListener('input',e=>{if(e.target.type!=='search')return;const w=e.target.value.toLowerCase();for(const d of e.target.closest('section').querySelectorAll('details'))d.hidden=!d.textContent.toLowerCase().includes(w)})";

/// So many clusters need no filter.
const FEW: usize = 5;

/// Writes the page.
pub(crate) fn write(out: &mut dyn Write, shown: &[Shown<'_>]) -> std::io::Result<()> {
    writeln!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\"><title>Go crash</title><style>{STYLE}{}</style></head><body><h1>Go crash report</h1>",
        finding_view::STYLE
    )?;
    for one in shown {
        for dump in &one.report.dumps {
            write_dump(out, one, dump)?;
        }
    }
    writeln!(out, "<script>{SCRIPT}</script></body></html>")
}

fn write_dump(out: &mut dyn Write, shown: &Shown<'_>, dump: &Dump<'_>) -> std::io::Result<()> {
    let report = shown.report;
    writeln!(
        out,
        "<section><h2>{} <span class=\"dim\">{}:{}</span></h2>",
        title(dump),
        Html(shown.name),
        dump.at_line
    )?;
    for sentence in explain(shown, dump) {
        writeln!(out, "<p>{}</p>", Html(&sentence))?;
    }
    for (index, panic) in dump.panics.iter().enumerate() {
        let original = dump.original == Some(index);
        let class = if original {
            "panic original"
        } else {
            "panic later"
        };
        let name = if dump.panics.len() == 1 {
            "panic"
        } else if original {
            "original panic"
        } else {
            "later panic"
        };
        writeln!(
            out,
            "<div class=\"{class}\"><b>{name}</b><pre>{}</pre>",
            Html(
                panic
                    .text
                    .as_deref()
                    .unwrap_or("value unknown: the dump does not print it")
            )
        )?;
        match panic.raised_by {
            Some(id) => write_place(out, shown, "raised by", id)?,
            None => writeln!(
                out,
                "<div>raised by: unknown: {}</div>",
                Html(panic.unknown.unwrap_or("the dump does not show it"))
            )?,
        }
        if let Some(id) = panic.during {
            writeln!(
                out,
                "<div>in deferred <code>{}</code></div>",
                Html(report.frame(id).function)
            )?;
        }
        writeln!(out, "</div>")?;
    }
    if let Some(fatal) = &dump.fatal {
        writeln!(
            out,
            "<div class=\"panic\"><b>fatal error</b><pre>{}</pre>",
            Html(fatal.text)
        )?;
        if let Some(id) = fatal.raised_by {
            write_place(out, shown, "raised by", id)?;
        }
        if let Some(id) = fatal.during {
            writeln!(
                out,
                "<div>in deferred <code>{}</code></div>",
                Html(report.frame(id).function)
            )?;
        }
        writeln!(out, "</div>")?;
    }
    if let Some(signal) = dump.signal {
        writeln!(out, "<p>signal: <code>{}</code></p>", Html(signal))?;
    }
    for access in &dump.accesses {
        let goroutine = &dump.goroutines[access.goroutine];
        writeln!(
            out,
            "<div class=\"panic\"><b>{}{} by goroutine {}</b>",
            if access.previous { "earlier " } else { "" },
            Html(&access.operation.to_lowercase()),
            goroutine.id
        )?;
        for call in report.stack(goroutine) {
            write_place(out, shown, "", call.frame)?;
        }
        writeln!(out, "</div>")?;
    }
    for explained in &findings(shown, dump) {
        finding_view::html(out, shown.hazards, explained)?;
    }
    for doubt in &dump.doubts {
        writeln!(out, "<p class=\"dim\">doubt: {}</p>", Html(doubt))?;
    }
    if dump.kind != Kind::Race && !dump.goroutines.is_empty() {
        let clusters = clusters(report, dump);
        let firsts = clusters.iter().map(|cluster| cluster.members[0] as usize);
        let waits = Waits::find(report, dump, firsts);
        writeln!(
            out,
            "<h3>{} goroutine{} in {} cluster{}</h3>",
            dump.goroutines.len(),
            plural(dump.goroutines.len()),
            clusters.len(),
            plural(clusters.len())
        )?;
        if clusters.len() > FEW {
            writeln!(
                out,
                "<input type=\"search\" placeholder=\"filter by state, function or file\" aria-label=\"filter goroutines\">"
            )?;
        }
        for cluster in &clusters {
            let first = cluster.members[0] as usize;
            let goroutine = &dump.goroutines[first];
            let stack = report.stack(goroutine);
            let own = report
                .own_frame(stack)
                .or(stack.first().map(|call| call.frame))
                .map_or("", |id| report.frame(id).function);
            let wait = cluster
                .wait_minutes
                .map(|(least, most)| format!(", {least}–{most} min"))
                .unwrap_or_default();
            writeln!(
                out,
                "<details{}><summary><b>{}</b> × {}{wait} <code>{}</code></summary>",
                if dump.crashed == Some(first) {
                    " open"
                } else {
                    ""
                },
                cluster.members.len(),
                Html(goroutine.state),
                Html(own)
            )?;
            if let Some(wait) = waits.wait(first) {
                writeln!(
                    out,
                    "<div>waits {}{}</div>",
                    wait.operation.describe(),
                    wait.operation
                        .woken_by()
                        .map(|by| format!("; woken by {by}"))
                        .unwrap_or_default()
                )?;
            }
            for call in stack {
                write_place(out, shown, "", call.frame)?;
            }
            if let Some(id) = goroutine.created_by {
                write_place(out, shown, "created by", id)?;
            }
            let ids: Vec<String> = cluster
                .members
                .iter()
                .take(200)
                .map(|&index| dump.goroutines[index as usize].id.to_string())
                .collect();
            let more = cluster.members.len() - ids.len();
            writeln!(
                out,
                "<div class=\"dim\">goroutine{} {}{}</div></details>",
                plural(cluster.members.len()),
                ids.join(", "),
                if more > 0 {
                    format!(" and {more} more")
                } else {
                    String::new()
                }
            )?;
        }
    }
    writeln!(out, "</section>")
}

fn write_place(
    out: &mut dyn Write,
    shown: &Shown<'_>,
    what: &str,
    id: FrameId,
) -> std::io::Result<()> {
    let frame = shown.report.frame(id);
    write!(
        out,
        "<div>{what} <code>{}</code> <span class=\"at\">{}:{}</span>",
        Html(frame.function),
        Html(frame.file),
        frame.line
    )?;
    if let Some(text) = shown.sources.line(frame) {
        write!(out, "<pre>{:>5} | {}</pre>", frame.line, Html(&text))?;
    }
    writeln!(out, "</div>")
}
