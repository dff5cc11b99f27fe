//! The identity of a hazard: the same string from every command that meets it, whatever lines were
//! added above it since.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher;

use crate::{Diagnostic, Sources};

/// Where a file lies in its module; what identities are made of must not depend on the folder in
/// which goward was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Path of the module; empty outside modules.
    pub module: String,
    /// Path of the file from the module's root, with `/` between the parts.
    pub file: String,
}

/// The parts of an identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hazard<'a> {
    /// Name of the rule.
    pub rule: &'a str,
    /// Path of the module.
    pub module: &'a str,
    /// Path of the file in the module.
    pub file: &'a str,
    /// The function: `F`, `T.M`, `F.func1`.
    pub function: &'a str,
    /// The operation in the words of the source, with single spaces.
    pub operation: &'a str,
    /// How many equal hazards stand before it in the function.
    pub ordinal: u32,
}

impl fmt::Display for Hazard<'_> {
    /// `rule@file:function#hash`. The hash is FNV-1a (64 bits, folded to 32) over the parts with a
    /// zero byte after each, so that the run-time library gets the same from Go's `hash/fnv`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hasher = fnv::FnvHasher::default();
        let ordinal = self.ordinal.to_string();
        let parts = [
            self.rule,
            self.module,
            self.file,
            self.function,
            self.operation,
            &ordinal,
        ];
        for part in parts {
            hasher.write(part.as_bytes());
            hasher.write(&[0]);
        }
        let hash = hasher.finish();
        let hash = (hash >> 32) as u32 ^ hash as u32;
        write!(formatter, "{}@{}", self.rule, self.file)?;
        if !self.function.is_empty() {
            write!(formatter, ":{}", self.function)?;
        }
        write!(formatter, "#{hash:08x}")
    }
}

/// Sets the id of each finding. `place` says where the file of a path lies; `sources` give the text
/// of operations that the rule left out. Findings must be in the order of their places: equal
/// operations in one function are told apart by it.
pub fn assign_identities(
    diagnostics: &mut [Diagnostic],
    sources: &Sources,
    mut place: impl FnMut(&str) -> Place,
) {
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for diagnostic in diagnostics {
        let place = places
            .entry(diagnostic.file.to_string())
            .or_insert_with(|| place(&diagnostic.file));
        let operation = if diagnostic.operation.is_empty() {
            let text = sources
                .get(&diagnostic.file)
                .map(|file| file.slice(diagnostic.span));
            String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
        } else {
            diagnostic.operation.clone()
        };
        let operation = operation.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut hazard = Hazard {
            rule: &diagnostic.rule,
            module: &place.module,
            file: &place.file,
            function: &diagnostic.function,
            operation: &operation,
            ordinal: 0,
        };
        let count = seen.entry(hazard.to_string()).or_default();
        hazard.ordinal = *count;
        *count += 1;
        diagnostic.id = hazard.to_string();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Category, Severity, SourceFile, Span};

    /// The ids of a finding at each `§` (which is taken out), in function `F`.
    fn ids(marked: &str) -> Vec<String> {
        let mut text = String::new();
        let mut spans = Vec::new();
        for (index, part) in marked.split('§').enumerate() {
            if index > 0 {
                let end = text.len() + part.find(';').unwrap();
                spans.push(Span::new(text.len() as u32, end as u32));
            }
            text.push_str(part);
        }
        let sources: Sources = [SourceFile::new("shop/a.go", text)].into_iter().collect();
        let mut diagnostics: Vec<Diagnostic> = spans
            .into_iter()
            .map(|span| {
                Diagnostic::new(
                    "nil-map-write",
                    Category::Panic,
                    Severity::Error,
                    "shop/a.go".into(),
                    span,
                    "m is nil",
                )
                .in_function("F")
            })
            .collect();
        assign_identities(&mut diagnostics, &sources, |_| Place {
            module: "example.com/shop".to_owned(),
            file: "a.go".to_owned(),
        });
        diagnostics
            .into_iter()
            .map(|diagnostic| diagnostic.id)
            .collect()
    }

    #[test]
    fn line_shifts_and_spacing_do_not_change_it() {
        assert_eq!(ids("§m[1] = 2;"), ids("\n\n// new comment\n\t§m[1]  =\t2;"));
        assert_ne!(ids("§m[1] = 2;"), ids("§m[1] = 3;"));
    }

    #[test]
    fn equal_operations_are_told_apart_by_their_order() {
        let both = ids("§m[1] = 2; §m[1] = 2;");
        assert_ne!(both[0], both[1]);
        assert_eq!(both[0], ids("§m[1] = 2;")[0]);
    }

    #[test]
    fn the_format_is_fixed() {
        // Go's hash/fnv.New64a over "nil-map-write\0example.com/shop\0a.go\0F\0m[1] = 2\0" "0\0",
        // folded to 32 bits.
        assert_eq!(ids("§m[1] = 2;"), ["nil-map-write@a.go:F#0df87990"]);
    }
}
