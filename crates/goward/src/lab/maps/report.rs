//! Shows a map benchmark: tables, recommendation and ratios, for a terminal or as Markdown.

use std::io::{self, Write};

use anstyle::Style;
use comfy_table::{CellAlignment, Table, TableComponent, presets};

use super::Benchmark;
use super::summary::{self, Row};
use crate::lab::text::visible;

const TITLE: Style = Style::new().bold();

fn heading(benchmark: &Benchmark) -> String {
    format!(
        "{} {}/{}, {} processors",
        benchmark.go, benchmark.os, benchmark.arch, benchmark.processors
    )
}

const UNIT: &str = "processor time per operation in nanoseconds, geometric mean over sizes, goroutines and key types";

fn cells(row: &Row) -> Vec<String> {
    let best = row.best(|_| true);
    row.means
        .iter()
        .enumerate()
        .map(|(index, mean)| match mean {
            None => "not measured".to_owned(),
            Some(mean) if Some(index) == best => format!("*{mean:.1}"),
            Some(mean) => format!("{mean:.1}"),
        })
        .collect()
}

/// The numbers of goroutines that were measured.
fn goroutines(benchmark: &Benchmark) -> Vec<u32> {
    let mut numbers: Vec<u32> = benchmark.cells.iter().map(|cell| cell.goroutines).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

pub(crate) fn table(out: &mut impl Write, benchmark: &Benchmark) -> io::Result<()> {
    writeln!(out, "{TITLE}{}{TITLE:#}", visible(&heading(benchmark)))?;
    writeln!(out, "{UNIT}; * is the fastest")?;
    if let Some(reason) = &benchmark.no_peers {
        writeln!(
            out,
            "xsync and orcaman/concurrent-map: not measured: {}",
            visible(reason)
        )?;
    }
    for number in goroutines(benchmark) {
        writeln!(
            out,
            "\n{TITLE}{number} goroutine{}{TITLE:#}",
            if number == 1 { "" } else { "s" }
        )?;
        let mut table = Table::new();
        table
            .load_preset(presets::UTF8_HORIZONTAL_ONLY)
            .remove_style(TableComponent::HorizontalLines)
            .remove_style(TableComponent::MiddleIntersections)
            .set_header(
                std::iter::once("mix".to_owned())
                    .chain(benchmark.maps.iter().map(|map| visible(map))),
            );
        for row in summary::rows(benchmark, |cell| cell.goroutines == number) {
            table.add_row(std::iter::once(row.mix.clone()).chain(cells(&row)));
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(out, "{table}")?;
    }
    writeln!(out, "\n{TITLE}which to choose{TITLE:#}")?;
    for sentence in summary::recommendations(benchmark) {
        writeln!(out, "  {}", visible(&sentence))?;
    }
    writeln!(out, "\n{TITLE}ratios{TITLE:#}")?;
    for ratio in summary::ratios(benchmark) {
        writeln!(
            out,
            "  {:<52} {:.2} (goal at most {:.2}); worst {:.2}: {}",
            visible(&ratio.what),
            ratio.mean,
            ratio.goal,
            ratio.worst,
            visible(&ratio.worst_cell)
        )?;
    }
    Ok(())
}

pub(crate) fn markdown(out: &mut impl Write, benchmark: &Benchmark) -> io::Result<()> {
    writeln!(out, "# Maps that goroutines share, measured\n")?;
    writeln!(
        out,
        "Made by `goward lab maps --output-format markdown` with {}. Figures are {UNIT}; the fastest is bold.\n",
        heading(benchmark)
    )?;
    if let Some(reason) = &benchmark.no_peers {
        writeln!(
            out,
            "xsync and orcaman/concurrent-map were not measured: {}\n",
            visible(reason)
        )?;
    }
    for number in goroutines(benchmark) {
        writeln!(
            out,
            "## {number} goroutine{}\n",
            if number == 1 { "" } else { "s" }
        )?;
        writeln!(out, "| mix | {} |", benchmark.maps.join(" | "))?;
        writeln!(out, "|---|{}", "--:|".repeat(benchmark.maps.len()))?;
        for row in summary::rows(benchmark, |cell| cell.goroutines == number) {
            let cells: Vec<String> = cells(&row)
                .into_iter()
                .map(|cell| {
                    cell.strip_prefix('*')
                        .map_or_else(|| cell.clone(), |best| format!("**{best}**"))
                })
                .collect();
            writeln!(out, "| {} | {} |", row.mix, cells.join(" | "))?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "`read-N`: N % reads, the rest overwrites entries. `churn-N`: N % reads, the rest half inserts and half deletes.\n"
    )?;
    writeln!(out, "## Which to choose\n")?;
    for sentence in summary::recommendations(benchmark) {
        writeln!(out, "- {sentence}")?;
    }
    writeln!(out, "\n## Ratios\n")?;
    writeln!(out, "| ratio | mean | goal at most | met | worst | where |")?;
    writeln!(out, "|---|--:|--:|---|--:|---|")?;
    for ratio in summary::ratios(benchmark) {
        writeln!(
            out,
            "| {} | {:.2} | {:.2} | {} | {:.2} | {} |",
            ratio.what,
            ratio.mean,
            ratio.goal,
            if ratio.mean <= ratio.goal + 0.005 {
                "yes"
            } else {
                "no"
            },
            ratio.worst,
            ratio.worst_cell
        )?;
    }
    Ok(())
}
