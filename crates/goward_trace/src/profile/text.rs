//! Reader of the text form of goroutine profiles (`debug=1`).
//!
//! `goroutine profile: total 12`, then per stack `3 @ 0x1 0x2`, an optional `# labels: {…}`, and
//! one line per frame: `#\t0x1\tmain.f+0x1d\t\t/srv/app/main.go:7`.

use rustc_hash::FxHashMap;

use super::{Function, Line, Profile, Sample, ValueType};

/// Reads a goroutine profile's text; `None` if it is none.
pub fn read_text(text: &str) -> Option<Profile> {
    let mut lines = text.lines();
    let (name, _) = lines.next()?.split_once(" profile: total ")?;
    let mut profile = Profile {
        types: vec![ValueType {
            name: name.to_owned(),
            unit: "count".to_owned(),
        }],
        ..Profile::default()
    };
    let mut functions: FxHashMap<(String, String), u32> = FxHashMap::default();
    let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    for line in lines {
        if let Some((count, _)) = line.split_once(" @")
            && let Ok(count) = count.parse::<i64>()
        {
            let start = index(profile.lines.len());
            profile.stacks.push(start..start);
            profile.samples.push(Sample {
                stack: index(profile.stacks.len() - 1),
                labels: 0..0,
            });
            profile.values.push(count);
        } else if let Some(rest) = line.strip_prefix("#\t")
            && let Some(stack) = profile.stacks.last_mut()
        {
            let mut words = rest.split('\t').filter(|word| !word.is_empty());
            let (Some(_address), Some(function), Some(place)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let function = function
                .rsplit_once("+0x")
                .map_or(function, |(name, _)| name);
            let (file, line) = place.rsplit_once(':').unwrap_or((place, "0"));
            let number = *functions
                .entry((function.to_owned(), file.to_owned()))
                .or_insert_with(|| {
                    profile.functions.push(Function {
                        name: function.to_owned(),
                        file: file.to_owned(),
                    });
                    index(profile.functions.len() - 1)
                });
            profile.lines.push(Line {
                function: number,
                line: line.parse().unwrap_or(0),
            });
            stack.end = index(profile.lines.len());
        }
    }
    Some(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_one() {
        let text = "goroutine profile: total 5\n3 @ 0x1 0x2\n#\t0x1\tmain.(*pool).wait+0x1d\t\t/srv/app/pool.go:7\n#\t0x2\tmain.main+0x2\t/srv/app/main.go:9\n\n2 @ 0x3\n# labels: {\"a\":\"b\"}\n#\t0x3\tmain.f+0x1\t/srv/app/main.go:3\n";
        let profile = read_text(text).unwrap();
        assert_eq!(profile.by_stack(0), [(0, 3), (1, 2)]);
        let first = profile.stack(0)[0];
        assert_eq!(
            (profile.function(first).name.as_str(), first.line),
            ("main.(*pool).wait", 7)
        );
        assert!(read_text("something else\n").is_none());
    }
}
