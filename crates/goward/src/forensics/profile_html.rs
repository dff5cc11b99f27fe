//! A flame graph as one self-contained page.

use std::collections::BTreeMap;
use std::io::Write;

use super::escape::Html;

#[derive(Default)]
struct Node {
    value: i64,
    children: BTreeMap<String, Node>,
}

/// A frame narrower than this share of the whole is left out.
const LEAST: f64 = 0.0005;
/// Deeper frames are left out: the page has to stay usable.
const DEEPEST: usize = 200;

const SCRIPT: &str = "document.addEventListener('click',e=>{const b=e.target.closest('.f');if(!b)return;document.querySelectorAll('.z').forEach(x=>x.classList.remove('z'));for(let n=b.parentElement;n&&n.id!=='g';n=n.parentElement)if(n.classList.contains('n'))n.classList.add('z')});document.querySelector('input').addEventListener('input',e=>{const w=e.target.value.toLowerCase();document.querySelectorAll('.f').forEach(f=>f.classList.toggle('hit',w!==''&&f.title.toLowerCase().includes(w)))})";

/// Writes the page of folded stacks.
pub(crate) fn write(
    out: &mut dyn Write,
    title: &str,
    unit: &str,
    folded: &[(String, i64)],
) -> std::io::Result<()> {
    let mut root = Node::default();
    for (stack, value) in folded.iter().filter(|(_, value)| *value > 0) {
        root.value += value;
        let mut node = &mut root;
        for name in stack.split(';').take(DEEPEST) {
            node = node.children.entry(name.to_owned()).or_default();
            node.value += value;
        }
    }
    writeln!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\"><title>{0}</title><style>body{{font:13px system-ui,sans-serif;margin:1rem}}#g{{margin-top:.6rem}}.r{{display:flex}}.n{{min-width:0;overflow:hidden}}.f{{background:#e9a15b;border:1px solid #fff;border-radius:2px;height:18px;line-height:17px;padding:0 3px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;cursor:pointer}}.f.hit{{background:#b06ad0;color:#fff}}.n.z{{flex-grow:9999!important}}input{{width:24rem}}</style></head><body><h1>{0}</h1><input type=\"search\" placeholder=\"highlight functions\" aria-label=\"highlight functions\"><div id=\"g\">",
        Html(title)
    )?;
    let whole = root.value.max(1) as f64;
    node(out, "all", &root, whole, unit, 0)?;
    writeln!(out, "</div><script>{SCRIPT}</script></body></html>")
}

fn node(
    out: &mut dyn Write,
    name: &str,
    of: &Node,
    whole: f64,
    unit: &str,
    depth: usize,
) -> std::io::Result<()> {
    let share = of.value as f64 / whole;
    writeln!(
        out,
        "<div class=\"n\" style=\"flex:{} 1 0\"><div class=\"f\" title=\"{} {} {} ({:.2} %)\">{}</div>",
        of.value,
        Html(name),
        of.value,
        Html(unit),
        100.0 * share,
        Html(name)
    )?;
    if depth < DEEPEST
        && of
            .children
            .values()
            .any(|child| child.value as f64 / whole >= LEAST)
    {
        write!(out, "<div class=\"r\">")?;
        let mut rest = of.value;
        for (name, child) in &of.children {
            if child.value as f64 / whole >= LEAST {
                rest -= child.value;
                node(out, name, child, whole, unit, depth + 1)?;
            }
        }
        if rest > 0 {
            write!(out, "<div class=\"n\" style=\"flex:{rest} 1 0\"></div>")?;
        }
        write!(out, "</div>")?;
    }
    writeln!(out, "</div>")
}
