//! A chart of a map benchmark as SVG: one group of bars a mix, one bar a map.

use std::fmt::Write as _;

use super::Benchmark;
use super::summary;

/// Colours that stay apart for colour-blind readers (after Okabe and Ito).
const COLOURS: [&str; 7] = [
    "#999999", "#56b4e9", "#0072b2", "#009e73", "#d55e00", "#e69f00", "#cc79a7",
];

const BAR: f64 = 14.0;
const GAP: f64 = 22.0;
const LEFT: f64 = 90.0;
const WIDTH: f64 = 900.0;

/// Draws the mean times of all cells.
pub(crate) fn svg(benchmark: &Benchmark) -> String {
    let rows = summary::rows(benchmark, |_| true);
    let longest = rows
        .iter()
        .flat_map(|row| &row.means)
        .flatten()
        .copied()
        .fold(1.0, f64::max);
    let group = BAR * benchmark.maps.len() as f64 + GAP;
    let top = 70.0 + 18.0 * benchmark.maps.len().div_ceil(4) as f64;
    let height = top + group * rows.len() as f64 + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>Processor time per map operation</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"10\" y=\"24\" font-size=\"16\">Processor time per operation, nanoseconds (shorter is better)</text>\n\
         <text x=\"10\" y=\"44\" fill=\"#555555\">{}</text>\n",
        escape(&format!(
            "{} {}/{}, {} processors; geometric mean over sizes, goroutines and key types",
            benchmark.go, benchmark.os, benchmark.arch, benchmark.processors
        ))
    );
    for (index, map) in benchmark.maps.iter().enumerate() {
        let (x, y) = (
            10.0 + 220.0 * (index % 4) as f64,
            66.0 + 18.0 * (index / 4) as f64,
        );
        _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{}\"/><text x=\"{}\" y=\"{y}\">{}</text>",
            y - 11.0,
            COLOURS[index % COLOURS.len()],
            x + 18.0,
            escape(map)
        );
    }
    let scale = (WIDTH - LEFT - 60.0) / longest;
    for (number, row) in rows.iter().enumerate() {
        let start = top + group * number as f64;
        _ = writeln!(
            svg,
            "<text x=\"10\" y=\"{:.1}\">{}</text>",
            start + (group - GAP) / 2.0 + 4.0,
            escape(&row.mix)
        );
        for (index, mean) in row.means.iter().enumerate() {
            let Some(mean) = mean else { continue };
            let y = start + BAR * index as f64;
            _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"><title>{}, {}: {mean:.1} ns</title></rect>\
                 <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\">{mean:.0}</text>",
                mean * scale,
                BAR - 2.0,
                COLOURS[index % COLOURS.len()],
                escape(&row.mix),
                escape(benchmark.maps.get(index).map_or("", String::as_str)),
                LEFT + mean * scale + 4.0,
                y + BAR - 4.0
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .fold(String::new(), |mut escaped, c| {
            match c {
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '&' => escaped.push_str("&amp;"),
                '"' => escaped.push_str("&quot;"),
                c => escaped.push(c),
            }
            escaped
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::maps::Cell;

    #[test]
    fn names_are_escaped_and_bars_fit() {
        let cell = Cell {
            map: "<a>&\"".into(),
            mix: "read-100".into(),
            loads_percent: 100,
            stores_percent: 0,
            deletes_percent: 0,
            key: "int".into(),
            size: 1,
            goroutines: 1,
            operations: 1,
            rounds: 1,
            cpu_ns_per_operation: 1e9,
            wall_ns_per_operation: 1.0,
        };
        let benchmark = Benchmark {
            schema: 1,
            go: "go".into(),
            os: "o".into(),
            arch: "a".into(),
            processors: 1,
            no_peers: None,
            maps: vec![cell.map.clone()],
            cells: vec![cell],
        };
        let svg = svg(&benchmark);
        assert!(
            svg.contains("&lt;a&gt;&amp;&quot;") && !svg.contains("<a>"),
            "{svg}"
        );
        assert!(svg.contains("width=\"750.0\""), "{svg}");
    }
}
