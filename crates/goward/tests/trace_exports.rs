//! What `goward trace --chrome` and `--perfetto` write, read again by the rules of the two formats.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests run the command on files that they write"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const TRACE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../goward_trace/tests/traces/service-go126.trace"
);

fn exported(option: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_goward"))
        .args(["trace", TRACE, option])
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2));
    std::fs::read(path).unwrap()
}

#[test]
fn chrome_json_follows_its_schema() {
    let value: Value = serde_json::from_slice(&exported("--chrome")).unwrap();
    let schema: Value = serde_json::from_str(include_str!("trace_event.schema.json")).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource("file:///trace_event.schema.json", schema)
        .unwrap();
    let schema = compiler
        .compile("file:///trace_event.schema.json", &mut schemas)
        .unwrap();
    if let Err(error) = schemas.validate(&value, schema) {
        panic!("{error:#}");
    }
    let events = value["traceEvents"].as_array().unwrap();
    let number = |event: &Value, name: &str| event[name].as_i64().unwrap();
    // Each lane has a name, and each arrow both of its ends.
    let named: BTreeSet<(i64, i64)> = events
        .iter()
        .filter(|event| event["ph"] == "M" && event["name"] == "thread_name")
        .map(|event| (number(event, "pid"), number(event, "tid")))
        .collect();
    let mut arrows = [BTreeSet::new(), BTreeSet::new()];
    for event in events {
        match event["ph"].as_str().unwrap() {
            "X" => assert!(named.contains(&(number(event, "pid"), number(event, "tid")))),
            "s" => assert!(arrows[0].insert(number(event, "id"))),
            "f" => assert!(arrows[1].insert(number(event, "id"))),
            _ => {}
        }
    }
    assert!(!arrows[0].is_empty());
    assert_eq!(arrows[0], arrows[1]);
}

/// A field of a protobuf message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message, by the encoding's rules.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut position = 0;
        let value = goward_trace::trace::wire::varint(bytes, &mut position).unwrap();
        *bytes = &bytes[position..];
        value
    }
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => {
                let (value, rest) = bytes.split_first_chunk::<8>().unwrap();
                bytes = rest;
                Field::Number(u64::from_le_bytes(*value))
            }
            2 => {
                let length = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(value)
            }
            kind => panic!("wire type {kind}"),
        };
        all.push((key >> 3, field));
    }
    all
}

fn number(message: &[u8], wanted: u64) -> Option<u64> {
    numbers(message, wanted).first().copied()
}

fn numbers(message: &[u8], wanted: u64) -> Vec<u64> {
    let all = fields(message).into_iter();
    all.filter_map(|(field, value)| match value {
        Field::Number(number) if field == wanted => Some(number),
        _ => None,
    })
    .collect()
}

fn messages(message: &[u8], wanted: u64) -> Vec<&[u8]> {
    let all = fields(message).into_iter();
    all.filter_map(|(field, value)| match value {
        Field::Bytes(bytes) if field == wanted => Some(bytes),
        _ => None,
    })
    .collect()
}

/// The numbers are those of `TracePacket`, `TrackEvent`, `TrackDescriptor`, `InternedData` and
/// `DebugAnnotation` in Perfetto's protos.
#[test]
fn perfetto_packets_refer_to_what_they_have_introduced() {
    let trace = exported("--perfetto");
    let (mut tracks, mut names, mut details) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut open: BTreeMap<u64, i64> = BTreeMap::new();
    let mut arrows = [BTreeSet::new(), BTreeSet::new()];
    let mut slices = 0;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    for packet in messages(&trace, 1) {
        assert_eq!(number(packet, 10), Some(1), "the sequence");
        for interned in messages(packet, 12) {
            for (table, field) in [(&mut names, 2), (&mut details, 29)] {
                for entry in messages(interned, field) {
                    let value = text(messages(entry, 2)[0]);
                    assert!(table.insert(number(entry, 1).unwrap(), value).is_none());
                }
            }
        }
        for track in messages(packet, 60) {
            if let Some(parent) = number(track, 5) {
                assert!(tracks.contains_key(&parent));
            }
            let name = text(messages(track, 2)[0]);
            assert!(tracks.insert(number(track, 1).unwrap(), name).is_none());
        }
        for event in messages(packet, 11) {
            assert!(number(packet, 8).is_some(), "a time");
            let track = number(event, 11).unwrap();
            assert!(tracks.contains_key(&track));
            match number(event, 9).unwrap() {
                1 => *open.entry(track).or_default() += 1,
                2 => *open.entry(track).or_default() -= 1,
                _ => {}
            }
            if matches!(number(event, 9), Some(1 | 3)) {
                slices += 1;
                assert!(names.contains_key(&number(event, 10).unwrap()));
            }
            for annotation in messages(event, 4) {
                assert_eq!(number(annotation, 1), Some(1));
                match number(annotation, 17) {
                    Some(detail) => assert!(details.contains_key(&detail)),
                    None => assert!(!messages(annotation, 6).is_empty()),
                }
            }
            arrows[0].extend(numbers(event, 47));
            arrows[1].extend(numbers(event, 48));
        }
    }
    assert!(slices > 500, "{slices} slices and instants");
    assert!(open.values().all(|&count| count == 0), "{open:?}");
    assert!(!arrows[0].is_empty());
    assert_eq!(arrows[0], arrows[1]);
    assert!(tracks.values().any(|name| name == "P 0"));
    assert!(tracks.values().any(|name| name.ends_with("main.main")));
}
