//! Decodes the bytes of `profile.proto` (field numbers from
//! `github.com/google/pprof/proto/profile.proto`).

use std::fmt;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::{Function, Label, Line, Profile, Sample, ValueType};

/// Why bytes are no profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// Offset in the decompressed bytes.
    pub at: usize,
    /// What is wrong there.
    pub cause: &'static str,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "not a pprof profile: {} at byte {}",
            self.cause, self.at
        )
    }
}

impl std::error::Error for Error {}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Offset of `bytes` in the whole.
    base: usize,
}

enum Value<'b> {
    Number(u64),
    Bytes(Reader<'b>),
}

impl<'b> Reader<'b> {
    fn error<T>(&self, cause: &'static str) -> Result<T, Error> {
        Err(Error {
            at: self.base + self.at,
            cause,
        })
    }

    fn varint(&mut self) -> Result<u64, Error> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let Some(&byte) = self.bytes.get(self.at) else {
                return self.error("the file ends within a number");
            };
            self.at += 1;
            if shift == 63 && byte > 1 {
                return self.error("a number is too large");
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        self.error("a number is too long")
    }

    fn field(&mut self) -> Result<Option<(u32, Value<'b>)>, Error> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let Ok(field) = u32::try_from(tag >> 3) else {
            return self.error("a field number is too large");
        };
        if field == 0 {
            return self.error("a field has number 0");
        }
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                let end = self
                    .at
                    .checked_add(length)
                    .filter(|&end| end <= self.bytes.len());
                let Some(end) = end else {
                    return self.error("a field is longer than the file");
                };
                let inner = Reader {
                    bytes: &self.bytes[self.at..end],
                    at: 0,
                    base: self.base + self.at,
                };
                self.at = end;
                Value::Bytes(inner)
            }
            kind @ (1 | 5) => {
                let length = if kind == 1 { 8 } else { 4 };
                if self.bytes.len() - self.at < length {
                    return self.error("the file ends within a number");
                }
                self.at += length;
                Value::Number(0)
            }
            _ => return self.error("a field has an unknown type"),
        };
        Ok(Some((field, value)))
    }
}

impl<'b> Value<'b> {
    fn number(&self) -> u64 {
        match self {
            Value::Number(number) => *number,
            Value::Bytes(_) => 0,
        }
    }

    /// Repeated numbers come packed or one by one.
    fn each(self, mut take: impl FnMut(u64)) -> Result<(), Error> {
        match self {
            Value::Number(number) => take(number),
            Value::Bytes(mut inner) => {
                while inner.at < inner.bytes.len() {
                    take(inner.varint()?);
                }
            }
        }
        Ok(())
    }
}

/// Stacks with their names may take so many times the bytes of the profile, and [`FLOOR`]. Real ones
/// take up to 60 times.
const UNFOLDED: u64 = 256;
const FLOOR: u64 = 16 << 20;

/// Reads a decompressed profile.
pub fn read(bytes: &[u8]) -> Result<Profile, Error> {
    let mut profile = Profile::default();
    let mut strings: Vec<&[u8]> = Vec::new();
    let mut types: Vec<(u64, u64)> = Vec::new();
    let mut functions: FxHashMap<u64, (u64, u64)> = FxHashMap::default();
    let mut locations: FxHashMap<u64, Range<u32>> = FxHashMap::default();
    let mut location_lines: Vec<(u64, u32)> = Vec::new();
    let mut stacks: FxHashMap<u64, Vec<u32>> = FxHashMap::default();
    let mut stack_ids: Vec<u64> = Vec::new();
    let mut stack_ranges: Vec<Range<u32>> = Vec::new();
    let mut default_type = 0;
    let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut reader = Reader {
        bytes,
        at: 0,
        base: 0,
    };
    let mut ids: Vec<u64> = Vec::new();
    let mut value_counts: Vec<u32> = Vec::new();
    while let Some((field, value)) = reader.field()? {
        match (field, value) {
            (1, Value::Bytes(mut inner)) => {
                let mut column = (0, 0);
                while let Some((field, value)) = inner.field()? {
                    match field {
                        1 => column.0 = value.number(),
                        2 => column.1 = value.number(),
                        _ => {}
                    }
                }
                types.push(column);
            }
            (2, Value::Bytes(mut inner)) => {
                ids.clear();
                let values_before = profile.values.len();
                let labels_before = profile.labels.len();
                while let Some((field, value)) = inner.field()? {
                    match (field, value) {
                        (1, value) => value.each(|id| ids.push(id))?,
                        (2, value) => {
                            value.each(|number| profile.values.push(number.cast_signed()))?
                        }
                        (3, Value::Bytes(mut inner)) => {
                            let (mut key, mut text, mut number) = (0, 0, 0);
                            while let Some((field, value)) = inner.field()? {
                                match field {
                                    1 => key = value.number(),
                                    2 => text = value.number(),
                                    3 => number = value.number(),
                                    _ => {}
                                }
                            }
                            let label = if text != 0 {
                                Label::Text(u32::try_from(text).unwrap_or(0))
                            } else {
                                Label::Number(number.cast_signed())
                            };
                            profile
                                .labels
                                .push((u32::try_from(key).unwrap_or(0), label));
                        }
                        _ => {}
                    }
                }
                value_counts.push(index(profile.values.len() - values_before));
                let hash = hash(&ids);
                let known = stacks.entry(hash).or_default();
                let same = known.iter().copied().find(|&stack| {
                    let range: &Range<u32> = &stack_ranges[stack as usize];
                    stack_ids[range.start as usize..range.end as usize] == ids[..]
                });
                let stack = same.unwrap_or_else(|| {
                    let start = index(stack_ids.len());
                    stack_ids.extend_from_slice(&ids);
                    known.push(index(stack_ranges.len()));
                    stack_ranges.push(start..index(stack_ids.len()));
                    index(stack_ranges.len() - 1)
                });
                profile.samples.push(Sample {
                    stack,
                    labels: index(labels_before)..index(profile.labels.len()),
                });
            }
            (4, Value::Bytes(mut inner)) => {
                let (mut id, start) = (0, location_lines.len());
                while let Some((field, value)) = inner.field()? {
                    match (field, value) {
                        (1, value) => id = value.number(),
                        (4, Value::Bytes(mut inner)) => {
                            let (mut function, mut line) = (0, 0);
                            while let Some((field, value)) = inner.field()? {
                                match field {
                                    1 => function = value.number(),
                                    2 => line = value.number(),
                                    _ => {}
                                }
                            }
                            location_lines.push((function, u32::try_from(line).unwrap_or(0)));
                        }
                        _ => {}
                    }
                }
                locations.insert(id, index(start)..index(location_lines.len()));
            }
            (5, Value::Bytes(mut inner)) => {
                let (mut id, mut name, mut file) = (0, 0, 0);
                while let Some((field, value)) = inner.field()? {
                    match field {
                        1 => id = value.number(),
                        2 => name = value.number(),
                        4 => file = value.number(),
                        _ => {}
                    }
                }
                functions.insert(id, (name, file));
            }
            (6, Value::Bytes(inner)) => strings.push(inner.bytes),
            (9, value) => profile.time_nanos = value.number().cast_signed(),
            (10, value) => profile.duration_nanos = value.number().cast_signed(),
            (14, value) => default_type = value.number(),
            _ => {}
        }
    }
    if types.is_empty() {
        return Err(Error {
            at: 0,
            cause: "it names no values",
        });
    }
    if value_counts
        .iter()
        .any(|&count| count as usize != types.len())
    {
        return Err(Error {
            at: 0,
            cause: "a sample has more or fewer values than the profile has columns",
        });
    }
    let string = |number: u64| -> String {
        usize::try_from(number)
            .ok()
            .and_then(|number| strings.get(number))
            .map_or_else(String::new, |bytes| {
                String::from_utf8_lossy(bytes).into_owned()
            })
    };
    profile.types = types
        .iter()
        .map(|&(name, unit)| ValueType {
            name: string(name),
            unit: string(unit),
        })
        .collect();
    profile.default_type = (default_type != 0).then(|| string(default_type));
    let mut numbers: FxHashMap<u64, u32> = FxHashMap::default();
    // Locations of many lines on stacks of many locations, and long names that many functions
    // share, would unfold to any size.
    let most = FLOOR + UNFOLDED * bytes.len() as u64;
    let mut unfolded = 0u64;
    for range in &stack_ranges {
        let start = index(profile.lines.len());
        for id in &stack_ids[range.start as usize..range.end as usize] {
            let Some(lines) = locations.get(id) else {
                continue;
            };
            for &(function, line) in &location_lines[lines.start as usize..lines.end as usize] {
                let number = *numbers.entry(function).or_insert_with(|| {
                    let (name, file) = functions.get(&function).copied().unwrap_or((0, 0));
                    profile.functions.push(Function {
                        name: string(name),
                        file: string(file),
                    });
                    index(profile.functions.len() - 1)
                });
                let named = &profile.functions[number as usize];
                unfolded += (named.name.len() + named.file.len() + 16) as u64;
                if unfolded > most {
                    return Err(Error {
                        at: bytes.len(),
                        cause: "its stacks unfold to more than any profile of this size holds",
                    });
                }
                profile.lines.push(Line {
                    function: number,
                    line,
                });
            }
        }
        profile.stacks.push(start..index(profile.lines.len()));
    }
    if !profile.labels.is_empty() {
        profile.strings = (0..strings.len() as u64).map(string).collect();
    }
    Ok(profile)
}

fn hash(ids: &[u64]) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = rustc_hash::FxHasher::default();
    ids.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_bytes_are_errors() {
        assert_eq!(read(b"").unwrap_err().cause, "it names no values");
        assert_eq!(
            read(&[0x0a, 0x05, 0x01]).unwrap_err().cause,
            "a field is longer than the file"
        );
        assert_eq!(
            read(&[0x48, 0xff]).unwrap_err().cause,
            "the file ends within a number"
        );
        assert_eq!(read(&[0x07]).unwrap_err().cause, "a field has number 0");
        assert_eq!(
            read(&[0x0b]).unwrap_err().cause,
            "a field has an unknown type"
        );
        assert_eq!(
            read(&[0x0a, 0, 0x12, 0]).unwrap_err().cause,
            "a sample has more or fewer values than the profile has columns"
        );
    }

    fn varint(out: &mut Vec<u8>, mut value: u64) {
        while value >= 0x80 {
            out.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }

    fn field(out: &mut Vec<u8>, number: u64, content: &[u8]) {
        varint(out, number << 3 | 2);
        varint(out, content.len() as u64);
        out.extend_from_slice(content);
    }

    /// One column, two samples of one stack, a location with an inlined frame, a label.
    fn small() -> Vec<u8> {
        let mut out = Vec::new();
        field(&mut out, 1, &[0x08, 1, 0x10, 2]);
        let mut sample = vec![0x0a, 1, 7, 0x12, 1, 3];
        field(&mut sample, 3, &[0x08, 5, 0x10, 6]);
        field(&mut out, 2, &sample);
        field(&mut out, 2, &[0x08, 7, 0x10, 4]);
        let mut location = vec![0x08, 7];
        field(&mut location, 4, &[0x08, 1, 0x10, 10]);
        field(&mut location, 4, &[0x08, 2, 0x10, 20]);
        field(&mut out, 4, &location);
        field(&mut out, 5, &[0x08, 1, 0x10, 3]);
        field(&mut out, 5, &[0x08, 2, 0x10, 4]);
        for text in [
            "",
            "goroutine",
            "count",
            "main.inner",
            "main.outer",
            "key",
            "value",
        ] {
            field(&mut out, 6, text.as_bytes());
        }
        out
    }

    #[test]
    fn a_small_profile() {
        let profile = read(&small()).unwrap();
        assert_eq!(profile.kind(), super::super::Kind::Goroutine);
        assert_eq!(profile.by_stack(0), [(0, 7)]);
        let names: Vec<_> = profile
            .stack(0)
            .iter()
            .map(|&line| (profile.function(line).name.as_str(), line.line))
            .collect();
        assert_eq!(names, [("main.inner", 10), ("main.outer", 20)]);
        assert_eq!(profile.labels, [(5, Label::Text(6))]);
        let rows = super::super::top::top(&profile, 0);
        assert_eq!(
            (rows[0].function.as_str(), rows[0].flat, rows[0].cumulative),
            ("main.inner", 7, 7)
        );
        assert_eq!(
            super::super::top::folded(&profile, 0),
            [("main.outer;main.inner".to_owned(), 7)]
        );
    }

    /// A location of many lines on stacks that name it many times, and a function without end.
    #[test]
    fn what_unfolds_without_bound_is_refused() {
        let mut out = Vec::new();
        field(&mut out, 1, &[0x08, 1, 0x10, 2]);
        let ids = vec![7; 20_000];
        let mut sample = Vec::new();
        field(&mut sample, 1, &ids);
        field(&mut sample, 2, &[1]);
        field(&mut out, 2, &sample);
        let mut location = vec![0x08, 7];
        for _ in 0..20_000 {
            field(&mut location, 4, &[0x08, 1]);
        }
        field(&mut out, 4, &location);
        field(&mut out, 5, &[0x08, 1, 0x10, 1]);
        field(&mut out, 6, b"");
        field(&mut out, 6, b"main.inner");
        let error = read(&out).unwrap_err();
        assert!(error.cause.starts_with("its stacks unfold"), "{error}");
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_survived() {
        let whole = small();
        for at in 0..whole.len() {
            let _ = read(&whole[..at]);
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                if let Ok(profile) = read(&changed) {
                    for column in 0..profile.types.len() {
                        super::super::top::top(&profile, column);
                        super::super::top::folded(&profile, column);
                    }
                }
            }
        }
    }
}
