//! Sums over a profile: by function, and folded stacks for flame graphs.

use rustc_hash::FxHashMap;

use super::Profile;

/// What one function took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The function's name.
    pub function: String,
    /// Where the function itself was on top.
    pub flat: i64,
    /// Where it was anywhere on the stack, recursion counted once.
    pub cumulative: i64,
}

/// The functions of a column, largest flat value first, then by name.
pub fn top(profile: &Profile, column: usize) -> Vec<Row> {
    let mut rows: FxHashMap<&str, (i64, i64)> = FxHashMap::default();
    let mut seen: Vec<&str> = Vec::new();
    for (stack, value) in profile.by_stack(column) {
        seen.clear();
        for (depth, &line) in profile.stack(stack).iter().enumerate() {
            let name = profile.function(line).name.as_str();
            let row = rows.entry(name).or_default();
            if depth == 0 {
                row.0 = row.0.saturating_add(value);
            }
            if !seen.contains(&name) {
                seen.push(name);
                row.1 = row.1.saturating_add(value);
            }
        }
    }
    sorted(rows.into_iter().map(|(name, sums)| (name.to_owned(), sums)))
}

/// What grew from one profile to another: rows of the second less those of the first.
pub fn difference(
    before: &Profile,
    before_column: usize,
    after: &Profile,
    after_column: usize,
) -> Vec<Row> {
    let mut rows: FxHashMap<String, (i64, i64)> = FxHashMap::default();
    for row in top(after, after_column) {
        rows.insert(row.function, (row.flat, row.cumulative));
    }
    for row in top(before, before_column) {
        let known = rows.entry(row.function).or_default();
        known.0 = known.0.saturating_sub(row.flat);
        known.1 = known.1.saturating_sub(row.cumulative);
    }
    sorted(rows.into_iter().filter(|(_, sums)| *sums != (0, 0)))
}

fn sorted(rows: impl Iterator<Item = (String, (i64, i64))>) -> Vec<Row> {
    let mut rows: Vec<Row> = rows
        .map(|(function, (flat, cumulative))| Row {
            function,
            flat,
            cumulative,
        })
        .collect();
    rows.sort_by(|a, b| {
        b.flat
            .abs()
            .cmp(&a.flat.abs())
            .then(b.cumulative.abs().cmp(&a.cumulative.abs()))
            .then(a.function.cmp(&b.function))
    });
    rows
}

/// Stacks as `root;…;leaf value`, sorted, equal ones summed: the input of flame graph tools.
pub fn folded(profile: &Profile, column: usize) -> Vec<(String, i64)> {
    let mut sums: FxHashMap<String, i64> = FxHashMap::default();
    for (stack, value) in profile.by_stack(column) {
        let names: Vec<String> = profile
            .stack(stack)
            .iter()
            .rev()
            // The separators of the format cannot stand in a name.
            .map(|&line| profile.function(line).name.replace([';', '\n'], ":"))
            .collect();
        let sum = sums.entry(names.join(";")).or_default();
        *sum = sum.saturating_add(value);
    }
    let mut folded: Vec<(String, i64)> = sums.into_iter().collect();
    folded.sort();
    folded
}
