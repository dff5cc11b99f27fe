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

const STYLE: &str = "body{font:13px system-ui,sans-serif;margin:1rem;color:#1c1c1c;background:#fff}h1{font-size:1.25rem;margin:0 0 .5rem}#g{margin-top:.4rem}.r{display:flex}.n{min-width:0;overflow:hidden}
.f{border:1px solid #fff;border-radius:2px;height:18px;line-height:17px;padding:0 3px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;cursor:pointer;color:#1c1c1c}
.f:hover,.f:focus{outline:2px solid #06c;outline-offset:-2px}.f.hit{background:#b06ad0!important;color:#fff}.n.z{flex-grow:9999!important}
input{font:inherit;width:24rem;max-width:100%;padding:.2rem .4rem}#s{color:#555;min-height:1.5em;margin-top:.4rem;overflow-wrap:anywhere}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}.f{border-color:#161616}#s{color:#aaa}input{background:#222;color:#ddd;border:1px solid #555}}";

const SCRIPT: &str = "const s=document.getElementById('s'),hint=s.textContent;function zoom(b){document.querySelectorAll('.z').forEach(x=>x.classList.remove('z'));for(let n=b.parentElement;n&&n.id!=='g';n=n.parentElement)if(n.classList.contains('n'))n.classList.add('z')}
addEventListener('click',e=>{const b=e.target.closest('.f');if(b)zoom(b)});addEventListener('keydown',e=>{if(e.key==='Escape')zoom(document.querySelector('.f'));if(e.key==='Enter'&&e.target.classList.contains('f'))zoom(e.target)});
for(const w of['mouseover','focusin'])addEventListener(w,e=>{const b=e.target.closest&&e.target.closest('.f');s.textContent=b?b.title:hint});
document.querySelector('input').addEventListener('input',e=>{const w=e.target.value.toLowerCase();document.querySelectorAll('.f').forEach(f=>f.classList.toggle('hit',w!==''&&f.title.toLowerCase().includes(w)))})";

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
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\"><title>{0}</title><style>{STYLE}</style></head><body><h1>{0}: {1} in all</h1><input type=\"search\" placeholder=\"highlight functions\" aria-label=\"highlight functions\"><div id=\"s\">click to zoom, Escape to see all; colours are packages, grey is the runtime</div><div id=\"g\">",
        Html(title),
        Html(&amount(root.value, unit))
    )?;
    let whole = root.value.max(1) as f64;
    node(out, "all", &root, whole, unit, 0)?;
    writeln!(out, "</div><script>{SCRIPT}</script></body></html>")
}

/// A value in a unit that people read.
fn amount(value: i64, unit: &str) -> String {
    let (steps, base): (&[&str], f64) = match unit {
        "nanoseconds" => (&["ns", "µs", "ms", "s"], 1000.0),
        "bytes" => (&["B", "KiB", "MiB", "GiB", "TiB"], 1024.0),
        _ => return format!("{value} {unit}"),
    };
    let mut shown = value as f64;
    let mut step = 0;
    while shown.abs() >= base && step + 1 < steps.len() {
        shown /= base;
        step += 1;
    }
    let digits = usize::from(step > 0 && shown.abs() < 100.0);
    format!("{shown:.digits$} {}", steps[step])
}

/// The colour of a function: one for each package, so that borders between packages are seen.
fn colour(function: &str) -> String {
    let slash = function.rfind('/').map_or(0, |at| at + 1);
    let dot = function[slash..]
        .find('.')
        .map_or(function.len(), |at| slash + at);
    let package = &function[..dot];
    // Assembly of the runtime has names without a package.
    if !function.contains('.')
        || package == "runtime"
        || package.starts_with("runtime/")
        || package.starts_with("internal/")
    {
        return "hsl(30,6%,80%)".to_owned();
    }
    let mut hash = 0u32;
    for byte in package.bytes() {
        hash = hash.wrapping_mul(31).wrapping_add(u32::from(byte));
    }
    format!(
        "hsl({},65%,{}%)",
        hash.wrapping_mul(47) % 360,
        70 + hash % 9
    )
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
        "<div class=\"n\" style=\"flex:{} 1 0\"><div class=\"f\" tabindex=\"0\" style=\"background:{}\" title=\"{}: {} ({:.2} %)\">{}</div>",
        of.value,
        colour(name),
        Html(name),
        Html(&amount(of.value, unit)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (value, unit, text) in [
            (230_000_000, "nanoseconds", "230 ms"),
            (1_500, "nanoseconds", "1.5 µs"),
            (12, "nanoseconds", "12 ns"),
            (5 << 20, "bytes", "5.0 MiB"),
            (7, "count", "7 count"),
        ] {
            assert_eq!(amount(value, unit), text);
        }
    }
}
