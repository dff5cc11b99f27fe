//! `full`: source excerpts with the path of evidence, help and fix.

use std::io::{self, Write};

use goward_diagnostics::{Rendering, render};

use super::{Output, Report};

pub(super) struct Full {
    pub(super) color: bool,
    pub(super) width: usize,
}

impl Output for Full {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        let rendering = Rendering {
            color: self.color,
            width: self.width,
        };
        for diagnostic in report.diagnostics {
            writeln!(out, "{}", render(diagnostic, report.sources, rendering))?;
        }
        Ok(())
    }
}
