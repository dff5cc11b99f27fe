//! Tests of the formats on one report with everything in it.

use goward_diagnostics::{Category, Edit, Fix, Safety, Severity, SourceFile};
use serde_json::Value;

use super::*;

const SOURCE: &str = "package a\n\nfunc f() {\n\tπ := \"😀\"; m[π] = 1\n}\n";

/// A file with a finding that has every field and hostile names, and one with the least.
fn report(format: Format, empty: bool) -> String {
    let hostile = "sub dir/a\x1b[31m%&<b>.go";
    let sources: Sources = [
        SourceFile::new(hostile, SOURCE),
        SourceFile::new("b.go", "x"),
    ]
    .into_iter()
    .collect();
    let start = SOURCE.find("m[π]").unwrap() as u32;
    let span = Span::new(start, start + "m[π]".len() as u32);
    let (category, severity) = (Category::Panic, Severity::Error);
    let mut full = Diagnostic::new(
        "nil-map-write",
        category,
        severity,
        hostile.into(),
        span,
        "m is nil: 100% \x1b[2J\u{9b}<&\"'>, ]]>\nsecond line",
    )
    .in_function("f")
    .help("make the map")
    .step(hostile.into(), Span::new(11, 15), "m is declared here")
    .step("gone.go".into(), Span::new(1, 2), "the file is not at hand")
    .fix(Fix {
        safety: Safety::Safe,
        message: "make the map first".to_owned(),
        edits: vec![Edit {
            file: hostile.into(),
            span: Span::at(start),
            replacement: "m = map[string]int{}\n\t".to_owned(),
        }],
    });
    full.id = "nil-map-write@a.go:f#12345678".to_owned();
    let (category, severity) = (Category::Source, Severity::Info);
    let small = Diagnostic::new(
        "bad-suppression",
        category,
        severity,
        "b.go".into(),
        Span::at(1),
        "odd",
    );
    let diagnostics = if empty { vec![] } else { vec![small, full] };
    let errors = if empty {
        vec![]
    } else {
        vec!["c.go: permission denied".to_owned()]
    };
    let report = Report {
        diagnostics: &diagnostics,
        sources: &sources,
        errors: &errors,
    };
    let mut out = Vec::new();
    format.output(false, 100).write(&report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn no_format_lets_a_terminal_command_through() {
    use clap::ValueEnum;
    for &format in Format::value_variants() {
        let text = report(format, false);
        let bad = |character: char| character.is_control() && character != '\n';
        assert!(!text.contains(bad), "{format:?}: {text:?}");
    }
}

#[test]
fn json_has_the_documented_fields() {
    let findings: Value = serde_json::from_str(&report(Format::Json, false)).unwrap();
    let finding = findings[1].as_object().unwrap();
    let mut fields: Vec<&str> = finding.keys().map(String::as_str).collect();
    fields.sort();
    let expected = [
        "category",
        "column",
        "end_column",
        "end_line",
        "file",
        "fix",
        "function",
        "help",
        "id",
        "line",
        "message",
        "path",
        "rule",
        "severity",
    ];
    assert_eq!(fields, expected);
    // Byte columns: the tab is 1, `π := "😀"; ` 14.
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&4.into(), &16.into())
    );
    assert_eq!(
        (&finding["end_line"], &finding["end_column"]),
        (&4.into(), &21.into())
    );
    assert_eq!(finding["category"], "panic");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["path"][0]["line"], 3);
    assert_eq!(finding["path"][1]["line"], 0);
    assert_eq!(finding["fix"]["safety"], "safe");
    assert_eq!(finding["fix"]["edits"][0]["end_column"], 16);
    assert_eq!(findings[0]["fix"], Value::Null);
    assert!(
        finding["message"]
            .as_str()
            .unwrap()
            .contains("\x1b[2J\u{9b}<&")
    );
    assert_eq!(report(Format::Json, true), "[]\n");
}

#[test]
fn json_lines_has_the_same_findings() {
    let array: Vec<Value> = serde_json::from_str(&report(Format::Json, false)).unwrap();
    let text = report(Format::JsonLines, false);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, array);
    assert_eq!(report(Format::JsonLines, true), "");
}

#[test]
fn concise_is_one_line_a_finding() {
    let text = report(Format::Concise, false);
    let expected = "b.go:1:2: bad-suppression: odd\n\
        sub dir/a␛[31m%&<b>.go:4:16: nil-map-write: m is nil: 100% ␛[2J\u{fffd}<&\"'>, ]]>␊second line\n";
    assert_eq!(text, expected);
}

#[test]
fn github_escapes_its_commands() {
    let text = report(Format::Github, false);
    let expected = "::notice title=goward (bad-suppression),file=b.go,line=1,endLine=1,col=2,endColumn=2::odd\n\
        ::error title=goward (nil-map-write),file=sub dir/a␛[31m%25&<b>.go,line=4,endLine=4,col=16,endColumn=20::\
        m is nil: 100%25 ␛[2J\u{fffd}<&\"'>, ]]>␊second line%0Ahelp: make the map\n::error title=goward::c.go: permission denied\n";
    assert_eq!(text, expected);
}

#[test]
fn junit_is_well_formed_and_complete() {
    for empty in [false, true] {
        let text = report(Format::Junit, empty);
        let mut reader = quick_xml::Reader::from_str(&text);
        let (mut cases, mut failures, mut errors) = (0, 0, 0);
        loop {
            use quick_xml::events::Event;
            match reader.read_event().unwrap() {
                Event::Start(tag) | Event::Empty(tag) => {
                    cases += usize::from(tag.name().as_ref() == "testcase");
                    failures += usize::from(tag.name().as_ref() == "failure");
                    errors += usize::from(tag.name().as_ref() == "error");
                    for attribute in tag.attributes() {
                        attribute.unwrap();
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(
            (cases, failures, errors),
            if empty { (1, 0, 0) } else { (3, 2, 1) },
            "{text}"
        );
    }
}

/// Finds the official schema in the package of a crate that is never built: it is a dependency for
/// a target that does not exist, so that cargo knows it and `cargo metadata` fetches it.
#[expect(clippy::disallowed_methods, reason = "a test reads a package")]
fn sarif_schema() -> Value {
    let metadata = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&metadata.stderr);
    assert!(metadata.status.success(), "{error}");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let package = packages
        .find(|package| package["name"] == "serde-sarif")
        .unwrap();
    let manifest = std::path::Path::new(package["manifest_path"].as_str().unwrap());
    let schema = manifest.parent().unwrap().join("src/schema.json");
    serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap()
}

#[test]
fn sarif_follows_the_official_schema() {
    let mut compiler = boon::Compiler::new();
    let mut schemas = boon::Schemas::new();
    compiler.add_resource("sarif.json", sarif_schema()).unwrap();
    let schema = compiler.compile("sarif.json", &mut schemas).unwrap();
    for empty in [false, true] {
        let log: Value = serde_json::from_str(&report(Format::Sarif, empty)).unwrap();
        if let Err(error) = schemas.validate(&log, schema) {
            panic!("{error:#}");
        }
    }
    // The schema is not so loose that anything passes.
    let mut log: Value = serde_json::from_str(&report(Format::Sarif, false)).unwrap();
    log["runs"][0]["results"][0]["message"] = Value::Null;
    assert!(schemas.validate(&log, schema).is_err());
}

#[test]
fn sarif_counts_in_utf16_and_escapes_paths() {
    let log: Value = serde_json::from_str(&report(Format::Sarif, false)).unwrap();
    let result = &log["runs"][0]["results"][1];
    let physical = &result["locations"][0]["physicalLocation"];
    assert_eq!(physical["region"]["startColumn"], 13);
    assert_eq!(physical["region"]["endColumn"], 17);
    let uri = &physical["artifactLocation"]["uri"];
    assert_eq!(uri, "sub%20dir/a%1B%5B31m%25%26%3Cb%3E.go");
    let steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
        .as_array()
        .unwrap();
    assert_eq!(steps.len(), 2);
    assert!(steps[1]["location"]["physicalLocation"]["region"].is_null());
    assert_eq!(
        result["partialFingerprints"]["goward/v1"],
        "nil-map-write@a.go:f#12345678"
    );
}
