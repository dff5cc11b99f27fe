//! `junit`: XML with a suite a file and a failed case a finding; a case with an error for each thing
//! that went wrong; one passed case when all is clean.

use std::io::{self, Write};

use goward_diagnostics::{Diagnostic, neutralise, neutralise_lines};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{Output, Region, Report};

pub(super) struct JUnit;

impl Output for JUnit {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        let findings = report.diagnostics;
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let failures = findings.len().to_string();
        let tests = (findings.len() + report.errors.len()).max(1).to_string();
        let errors = report.errors.len().to_string();
        writer
            .create_element("testsuites")
            .with_attribute(("name", "goward"))
            .with_attribute(("tests", tests.as_str()))
            .with_attribute(("failures", failures.as_str()))
            .with_attribute(("errors", errors.as_str()))
            .write_inner_content(|writer| {
                if !report.errors.is_empty() {
                    write_errors(writer, report.errors)?;
                } else if findings.is_empty() {
                    writer
                        .create_element("testsuite")
                        .with_attributes([("name", "goward"), ("tests", "1"), ("failures", "0")])
                        .write_inner_content(|writer| {
                            let case = writer.create_element("testcase");
                            let case = case.with_attribute(("name", "no findings"));
                            case.with_attribute(("classname", "goward")).write_empty()?;
                            Ok(())
                        })?;
                }
                for suite in findings.chunk_by(|a, b| a.file == b.file) {
                    write_suite(writer, report, suite)?;
                }
                Ok(())
            })?;
        out.write_all(&writer.into_inner())?;
        writeln!(out)
    }
}

/// What CI servers show as red although no finding failed.
fn write_errors(writer: &mut Writer<Vec<u8>>, errors: &[String]) -> io::Result<()> {
    let count = errors.len().to_string();
    let element = writer
        .create_element("testsuite")
        .with_attribute(("name", "goward"))
        .with_attribute(("tests", count.as_str()))
        .with_attribute(("failures", "0"))
        .with_attribute(("errors", count.as_str()));
    element.write_inner_content(|writer| {
        for (index, error) in errors.iter().enumerate() {
            let name = format!("goward failed {}", index + 1);
            writer
                .create_element("testcase")
                .with_attribute(("name", name.as_str()))
                .with_attribute(("classname", "goward"))
                .write_inner_content(|writer| {
                    writer
                        .create_element("error")
                        .with_attribute(("type", "goward"))
                        .with_attribute(("message", &*neutralise(error)))
                        .write_text_content(BytesText::new(&neutralise_lines(error)))?;
                    Ok(())
                })?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_suite(
    writer: &mut Writer<Vec<u8>>,
    report: &Report<'_>,
    findings: &[Diagnostic],
) -> io::Result<()> {
    let count = findings.len().to_string();
    let element = writer
        .create_element("testsuite")
        .with_attribute(("name", &*neutralise(&findings[0].file)))
        .with_attribute(("tests", count.as_str()))
        .with_attribute(("failures", count.as_str()));
    element.write_inner_content(|writer| {
        for finding in findings {
            let region = Region::new(report.sources, &finding.file, finding.span);
            let (line, column) = (region.line.to_string(), region.column.to_string());
            let file = neutralise(&finding.file);
            let place = format!("{file}:{line}:{column}");
            let mut text = format!("{place}: {}", finding.message);
            for (index, step) in finding.path.iter().enumerate() {
                let Region { line, column, .. } =
                    Region::new(report.sources, &step.file, step.span);
                let (number, file, message) = (index + 1, &step.file, &step.message);
                text.push_str(&format!("\n{number}. {file}:{line}:{column}: {message}"));
            }
            if !finding.help.is_empty() {
                text.push_str(&format!("\nhelp: {}", finding.help));
            }
            text.push_str(&format!("\nid: {}", finding.id));
            let name = format!("{} {line}:{column}", neutralise(&finding.rule));
            writer
                .create_element("testcase")
                .with_attribute(("name", name.as_str()))
                .with_attribute(("classname", &*file))
                .with_attribute(("file", &*file))
                .with_attribute(("line", line.as_str()))
                .write_inner_content(|writer| {
                    writer
                        .create_element("failure")
                        .with_attribute(("type", &*neutralise(&finding.rule)))
                        .with_attribute(("message", &*neutralise(&finding.message)))
                        .write_text_content(BytesText::new(&neutralise_lines(&text)))?;
                    Ok(())
                })?;
        }
        Ok(())
    })?;
    Ok(())
}
