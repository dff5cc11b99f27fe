//! Holds ARCHITECTURE.md against the crates: a page that describes what is not there is worse than
//! none.

#![expect(clippy::disallowed_methods, reason = "tests read files")]

use std::collections::{BTreeMap, BTreeSet};

use crate::go_program::workspace;

/// The names in backticks in a text.
fn names(text: &str) -> BTreeSet<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn page() -> String {
    std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap()
}

/// The folders of `crates/`.
fn crates() -> BTreeSet<String> {
    let entries = std::fs::read_dir(workspace().join("crates")).unwrap();
    let entries = entries
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir());
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

/// Rows of the table: a crate and those that it may use.
fn table(page: &str) -> Vec<(String, BTreeSet<String>)> {
    let rows = page.lines().filter(|line| line.starts_with("| `goward"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let name = names(cells[1]).into_iter().next().unwrap();
        (name, names(cells[3]))
    })
    .collect()
}

/// The crates of goward that a manifest uses outside of tests.
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = workspace().join("crates").join(name).join("Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let mut found = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if let Some((name, _)) = line.split_once(['.', ' ', '=']).filter(|_| inside)
            && name.starts_with("goward")
        {
            found.insert(name.to_owned());
        }
    }
    found
}

#[test]
fn every_crate_has_a_row_and_a_paragraph() {
    let page = page();
    let rows: BTreeSet<String> = table(&page).into_iter().map(|(name, _)| name).collect();
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let headings: BTreeSet<String> = headings.flat_map(names).collect();
    assert_eq!(rows, crates(), "the table of ARCHITECTURE.md");
    assert_eq!(headings, crates(), "the headings of ARCHITECTURE.md");
}

#[test]
fn dependencies_point_up_the_table() {
    let mut closure: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, named) in table(&page()) {
        let mut allowed = named.clone();
        for above in &named {
            let more = closure.get(above);
            let more =
                more.unwrap_or_else(|| panic!("{name} names {above}, which is not above it"));
            allowed.extend(more.iter().cloned());
        }
        // `all` is for the command, the last row.
        if name == "goward" {
            allowed = closure.keys().cloned().collect();
        }
        for used in dependencies(&name) {
            assert!(
                allowed.contains(&used),
                "{name} uses {used}, which the table does not allow"
            );
        }
        closure.insert(name, allowed);
    }
}

#[test]
fn paths_that_the_pages_name_exist() {
    for page in [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "README.md",
        "STYLE.md",
    ] {
        let text = std::fs::read_to_string(workspace().join(page)).unwrap();
        for name in names(&text) {
            let folders = [
                "crates/",
                "docs/",
                "examples/",
                "fuzz/",
                "runtime/",
                "xtask/",
                "bench/",
            ];
            let is_path = folders.iter().any(|folder| name.starts_with(folder));
            // The rule that CONTRIBUTING.md adds does not exist.
            if is_path && !name.contains("exit_in_defer") {
                assert!(workspace().join(&name).exists(), "{page} names {name}");
            }
        }
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            if !target.starts_with("http") {
                assert!(
                    workspace().join(target).exists(),
                    "{page} links to {target}"
                );
            }
        }
    }
}

/// Files that are to be split. The list may only become shorter.
const TOO_LONG: &[&str] = &[];

#[test]
fn no_file_is_longer_than_a_thousand_lines() {
    let mut folders = vec![workspace().join("crates"), workspace().join("xtask")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                let name = path.strip_prefix(workspace()).unwrap().to_str().unwrap();
                let known = TOO_LONG.contains(&name);
                assert!(lines <= 1000 || known, "{name} has {lines} lines");
                assert!(
                    lines > 1000 || !known,
                    "{name} is short enough: take it out of TOO_LONG"
                );
            }
        }
    }
}
