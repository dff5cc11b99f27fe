//! `cargo xtask new-rule NAME`: a file with a page to fill in, registered in the list.

#![expect(clippy::disallowed_methods, reason = "xtask writes files")]
#![expect(clippy::print_stdout, reason = "says what to do next")]

use anyhow::{Context, ensure};

use crate::go_program::workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Says what is wrong, in kebab case: `nil-map-write`.
    name: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let name = &arguments.name;
    let letter = |character: char| character.is_ascii_lowercase() || character == '-';
    ensure!(
        name.chars().all(letter) && !name.split('-').any(str::is_empty),
        "`{name}` is no name for a rule: lower-case words joined by `-`"
    );
    let module = name.replace('-', "_");
    let folder = workspace().join("crates/goward_rules/src/rules");
    let file = folder.join(format!("{module}.rs"));
    ensure!(!file.exists(), "{} exists already", file.display());
    let list_file = folder.join("mod.rs");
    let list = std::fs::read_to_string(&list_file)?;
    let list = register(&list, &module).context("rules/mod.rs has an unexpected form")?;
    std::fs::write(&file, page(name))?;
    std::fs::write(&list_file, list)?;
    println!("wrote {}", file.display());
    println!("next: fill in the page, write the logic, `cargo test -p goward_rules`,");
    println!("      `cargo xtask docs`, a line in CHANGELOG.md (CONTRIBUTING.md has an example)");
    Ok(())
}

/// The list with one more module, in the order of the names.
fn register(list: &str, module: &str) -> Option<String> {
    let mut lines: Vec<String> = list.lines().map(str::to_owned).collect();
    insert_sorted(&mut lines, &format!("mod {module};"), |line| {
        let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    })?;
    insert_sorted(&mut lines, &format!("    {module}::RULE,"), |line| {
        line.trim_start().strip_suffix("::RULE,")
    })?;
    Some(lines.join("\n") + "\n")
}

/// Puts `new` among the lines that have a `key`, which are sorted by it.
fn insert_sorted(
    lines: &mut Vec<String>,
    new: &str,
    key: impl Fn(&str) -> Option<&str>,
) -> Option<()> {
    let name = key(new)?;
    let after = lines
        .iter()
        .position(|line| key(line).is_some_and(|other| other > name));
    let last = lines.iter().rposition(|line| key(line).is_some());
    let position = after.or(last.map(|last| last + 1))?;
    lines.insert(position, new.to_owned());
    Some(())
}

/// The file of a new rule. Its examples fail until they are written, so nothing can be forgotten.
fn page(name: &str) -> String {
    format!(
        r#"//! `{name}`.

use goward_diagnostics::{{Category, Severity}};

use crate::rule::{{Group, rule}};

rule! {{
    /// Reports TODO.
    ///
    /// ## What it reports
    ///
    /// TODO: what is found, and what is left alone.
    ///
    /// ## Why it matters
    ///
    /// TODO: what happens at run time, as a scenario has shown.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package example
    ///
    /// func example() {{
    /// 	panic("TODO") // want {name}
    /// }}
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package example
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix.
    pub(crate) const RULE: Rule = Rule {{
        name: "{name}",
        category: Category::Panic,
        group: Group::Nursery,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: None,
    }};
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::register;

    #[test]
    fn a_rule_is_registered_in_order() {
        let list = "mod b;\npub(crate) mod d;\n\n&[\n    b::RULE,\n    d::RULE,\n];\n";
        let expected = "mod b;\nmod c;\npub(crate) mod d;\n\n&[\n    b::RULE,\n    c::RULE,\n    d::RULE,\n];\n";
        assert_eq!(register(list, "c").as_deref(), Some(expected));
        let last = "mod b;\npub(crate) mod d;\nmod e;\n\n&[\n    b::RULE,\n    d::RULE,\n    e::RULE,\n];\n";
        assert_eq!(register(list, "e").as_deref(), Some(last));
        assert_eq!(register("nothing", "e"), None);
    }
}
