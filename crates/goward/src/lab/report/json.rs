//! The measurement as one JSON object, with the differences beside it.

use std::io::{self, Write};

use serde::Serialize;

use super::Comparison;
use crate::lab::results::{Difference, Measurement};

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    measurement: &'a Measurement,
    comparisons: Vec<Compared<'a>>,
}

#[derive(Serialize)]
struct Compared<'a> {
    of: &'a str,
    with: &'a str,
    differences: &'a [Difference],
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

pub(super) fn print(
    out: &mut impl Write,
    measurement: &Measurement,
    comparisons: &[Comparison],
) -> io::Result<()> {
    let comparisons = comparisons
        .iter()
        .map(|comparison| Compared {
            of: &comparison.of,
            with: &comparison.with,
            differences: &comparison.differences,
            note: comparison.note.as_deref(),
        })
        .collect();
    serde_json::to_writer_pretty(
        &mut *out,
        &Document {
            measurement,
            comparisons,
        },
    )?;
    writeln!(out)
}
