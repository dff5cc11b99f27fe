//! `concise`: `file:line:column: rule: message`, as Go's own tools write, so that editors find the
//! place.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use goward_diagnostics::{Severity, neutralise};

use super::{Output, Region, Report};

pub(super) struct Concise {
    pub(super) color: bool,
}

impl Output for Concise {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        for diagnostic in report.diagnostics {
            let style = match diagnostic.severity {
                _ if !self.color => Style::new(),
                Severity::Error => AnsiColor::BrightRed.on_default().bold(),
                Severity::Warning => AnsiColor::Yellow.on_default().bold(),
                Severity::Info => AnsiColor::BrightBlue.on_default().bold(),
            };
            let region = Region::new(report.sources, &diagnostic.file, diagnostic.span);
            writeln!(
                out,
                "{}:{}:{}: {style}{}{style:#}: {}",
                neutralise(&diagnostic.file),
                region.line,
                region.column,
                neutralise(&diagnostic.rule),
                neutralise(&diagnostic.message),
            )?;
        }
        Ok(())
    }
}
