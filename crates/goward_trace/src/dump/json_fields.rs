//! The fields of structured logs that carry a line of a dump each.
//!
//! [`StreamFields`] tells the streams of a structured log apart: lines of one process belong together, whatever
//! numbers, cursors and times its log shipper adds to each.
//!
//! A field whose value differs from line to line names the line; one with few values over many
//! lines (pod, container, process) names the stream. Which is which is counted.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use super::unwrap::string_end;

/// A field with more values than this names no stream.
const MOST_STREAMS: usize = 64;

/// A field that carries text: `"msg": "…"` of JSON, or `msg=…` of logfmt, where quotes stand only if
/// they are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// With what comes behind it: `"msg":` or `msg=`.
    mark: String,
}

impl Field {
    /// The field whose string opens behind this text.
    pub(super) fn before(text: &str) -> Option<Field> {
        if let Some(text) = text.strip_suffix('=') {
            let start = text.rfind([' ', '\t']).map_or(0, |blank| blank + 1);
            let name = &text[start..];
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
            return (!name.is_empty() && name.bytes().all(plain)).then(|| Field {
                mark: format!("{name}="),
            });
        }
        let text = text.trim_end().strip_suffix(':')?.trim_end();
        let (_, name) = text.strip_suffix('"')?.rsplit_once('"')?;
        Some(Field {
            mark: format!("\"{name}\":"),
        })
    }

    pub(super) fn name(&self) -> &str {
        self.mark.trim_matches(['"', ':', '='])
    }

    /// Whether it is one of logfmt.
    pub(super) fn is_bare(&self) -> bool {
        self.mark.ends_with('=')
    }

    /// Where the strings of this field are on a line.
    pub(super) fn strings<'l>(
        &self,
        line: &'l str,
    ) -> impl Iterator<Item = Range<usize>> + use<'l, '_> {
        let bytes = line.as_bytes();
        let mut from = 0;
        std::iter::from_fn(move || {
            loop {
                let at = from + memchr::memmem::find(&bytes[from..], self.mark.as_bytes())?;
                let behind = at + self.mark.len();
                from = behind;
                let start = if self.is_bare() {
                    if at > 0 && !matches!(bytes[at - 1], b' ' | b'\t') {
                        continue;
                    }
                    behind
                } else {
                    let rest = &line[behind..];
                    behind + rest.len() - rest.trim_start().len()
                };
                if bytes.get(start) == Some(&b'"') {
                    let end = string_end(bytes, start + 1);
                    from = (end + 1).min(bytes.len());
                    return Some(start + 1..end);
                }
                if self.is_bare() {
                    let end = line[start..]
                        .find(' ')
                        .map_or(line.len(), |end| start + end);
                    from = end;
                    return Some(start..end);
                }
            }
        })
    }
}

/// The names and values of a line's fields, those of inner objects among them.
fn pairs(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let bytes = line.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let open = at + memchr::memchr(b'"', bytes.get(at..)?)?;
            let close = string_end(bytes, open + 1);
            at = close + 1;
            let rest = line.get(at..)?;
            let Some(value) = rest.trim_start().strip_prefix(':') else {
                continue;
            };
            let value = value.trim_start();
            let start = line.len() - value.len();
            let end = match bytes.get(start)? {
                b'{' | b'[' => {
                    at = start + 1;
                    continue;
                }
                b'"' => string_end(bytes, start + 1) + 1,
                _ => start + value.find([',', '}', ']']).unwrap_or(value.len()),
            };
            at = end;
            return Some((line.get(open + 1..close)?, line.get(start..end)?));
        }
    })
}

/// Which fields name the stream that a line belongs to.
#[derive(Debug, Default)]
pub(super) struct StreamFields {
    names: FxHashSet<String>,
}

impl StreamFields {
    /// Counts the values of each field over the lines that carry something. `plain` takes times
    /// out of a value.
    pub(super) fn learn<'l>(
        lines: impl Iterator<Item = &'l str>,
        carrying: &[&str],
        plain: impl Fn(&str) -> String,
    ) -> StreamFields {
        let mut count = 0usize;
        let mut values: FxHashMap<&str, FxHashSet<String>> = FxHashMap::default();
        for line in lines {
            count += 1;
            for (name, value) in pairs(line) {
                let known = values.entry(name).or_default();
                if known.len() <= MOST_STREAMS {
                    known.insert(plain(value));
                }
            }
        }
        let names = values
            .into_iter()
            .filter(|(name, values)| {
                let few = values.len() <= MOST_STREAMS && values.len() * 3 <= count;
                few && !carrying.contains(name)
            })
            .map(|(name, _)| name.to_owned())
            .collect();
        StreamFields { names }
    }

    /// The stream of a line.
    pub(super) fn stream(&self, line: &str, plain: impl Fn(&str) -> String) -> String {
        let mut key = String::new();
        for (name, value) in pairs(line) {
            if self.names.contains(name) {
                key.push_str(name);
                key.push('=');
                key.push_str(&plain(value));
                key.push('\n');
            }
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_line() {
        let line = r#"{"log":"a \" b","n":7 , "inner": {"pod":"web-1","list":[1,2]},"last":true}"#;
        let found: Vec<_> = pairs(line).collect();
        assert_eq!(
            found,
            [
                ("log", r#""a \" b""#),
                ("n", "7 "),
                ("pod", "\"web-1\""),
                ("last", "true")
            ]
        );
        for damaged in [r#"{"a"#, r#"{"a":"#, r#"{"a":""#, "\"", r#"{"a":{"#] {
            let _ = pairs(damaged).count();
        }
    }

    #[test]
    fn what_differs_from_line_to_line_names_no_stream() {
        let lines: Vec<String> = (0..12)
            .map(|n| {
                format!(
                    r#"{{"MESSAGE":"x{n}","__CURSOR":"s=1;i={n}","_PID":"{}"}}"#,
                    n % 2
                )
            })
            .collect();
        let plain = str::to_owned;
        let fields = StreamFields::learn(lines.iter().map(String::as_str), &["MESSAGE"], plain);
        assert_eq!(fields.stream(&lines[0], plain), "_PID=\"0\"\n");
        assert_eq!(fields.stream(&lines[3], plain), "_PID=\"1\"\n");
    }
}
