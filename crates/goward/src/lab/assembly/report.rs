//! Shows what map operations compile to: text with the source line beside the instruction.

#![expect(
    clippy::disallowed_methods,
    reason = "shows lines of the reader's own source"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::matching::{Compiled, CompiledOperation};
use crate::lab::text::visible;

const PLACE: Style = Style::new().bold();
const CALLED: Style = AnsiColor::Cyan.on_default();
const NOTE: Style = Style::new().dimmed();

/// Prints all operations in the order of the source, then the checks of the functions they call.
pub(crate) fn text(
    out: &mut impl Write,
    compiled: &Compiled,
    folder: &std::path::Path,
) -> io::Result<()> {
    let mut sources: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for operation in &compiled.operations {
        sources.entry(&operation.file).or_insert_with(|| {
            fs::read_to_string(&operation.file)
                .map(|text| text.lines().map(str::to_owned).collect())
                .unwrap_or_default()
        });
    }
    writeln!(
        out,
        "{PLACE}{} on {}{PLACE:#}\n",
        visible(&compiled.packages.join(", ")),
        compiled.architecture
    )?;
    let mut shown: Option<(&str, u32)> = None;
    for operation in &compiled.operations {
        let place = (operation.file.as_str(), operation.line);
        if shown != Some(place) {
            shown = Some(place);
            let source = sources
                .get(operation.file.as_str())
                .and_then(|lines| lines.get(operation.line as usize - 1));
            let name = std::path::Path::new(&operation.file);
            let name = name.strip_prefix(folder).unwrap_or(name);
            writeln!(
                out,
                "{PLACE}{}:{}{PLACE:#}  {}",
                visible(&name.display().to_string()),
                operation.line,
                visible(source.map_or("", |line| line.trim()))
            )?;
        }
        print_operation(out, operation)?;
    }
    if compiled.operations.is_empty() {
        writeln!(out, "no map operations")?;
    }
    for call in &compiled.other_calls {
        writeln!(
            out,
            "{}:{}  {} calls {CALLED}{}{CALLED:#} {NOTE}(no operation of the source here){NOTE:#}",
            visible(&call.file),
            call.line,
            visible(&call.caller),
            call.runtime
        )?;
    }
    if !compiled.runtime.is_empty() {
        writeln!(
            out,
            "\n{PLACE}checks on the way, from the source of this Go's runtime{PLACE:#}"
        )?;
    }
    for (name, function) in &compiled.runtime {
        writeln!(out, "{CALLED}{name}{CALLED:#}")?;
        if function.checks.is_empty() {
            writeln!(out, "    none")?;
        }
        for check in &function.checks {
            let file = check.file.rsplit(['/', '\\']).next().unwrap_or_default();
            let kind = if check.kind == "nil" {
                "nil map"
            } else {
                "concurrent use"
            };
            writeln!(
                out,
                "    {kind:<15} {}  {NOTE}{file}:{}{NOTE:#}",
                visible(&check.effect),
                check.line
            )?;
        }
    }
    for problem in &compiled.problems {
        writeln!(out, "not read: {}", visible(problem))?;
    }
    Ok(())
}

fn print_operation(out: &mut impl Write, operation: &CompiledOperation) -> io::Result<()> {
    writeln!(
        out,
        "    {} of {}, column {}: {}",
        operation.operation,
        visible(&operation.map_type),
        operation.column,
        operation.treatment.name()
    )?;
    for call in &operation.calls {
        writeln!(
            out,
            "        {} {CALLED}{}{CALLED:#}  {NOTE}{}{NOTE:#}",
            call.offset,
            visible(&call.instruction),
            visible(&call.caller)
        )?;
    }
    Ok(())
}
