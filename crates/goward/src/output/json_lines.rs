//! `json-lines`: one finding a line, with the fields of `json`.

use std::io::{self, Write};

use goward_diagnostics::neutralise_json;

use super::json::Finding;
use super::{Output, Report};

pub(super) struct JsonLines;

impl Output for JsonLines {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        for diagnostic in report.diagnostics {
            let text = serde_json::to_string(&Finding::new(diagnostic, report.sources))?;
            writeln!(out, "{}", neutralise_json(&text))?;
        }
        Ok(())
    }
}
