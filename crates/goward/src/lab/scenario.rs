//! The scenarios: their names, what each shows, and how it is to be run.
//!
//! All of it stands in the header of the Go program: two sentences, then directives.
//!
//! ```text
//! // Reading a nil map gives the zero value. Nothing panics.
//! //
//! //lab:group nil map
//! //lab:concurrent            measured many times, plain and with the race detector
//! //lab:args 1 1000           run with each of these arguments in turn
//! //lab:leak-profile          built with the goroutine leak profile of Go 1.26 as well
//! ```

use anyhow::{Context as _, bail};

use super::embedded;
use super::text;

/// One Go program that shows one hazard.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What it belongs to, such as `nil map`.
    pub(crate) group: &'static str,
    /// The two sentences of the header.
    pub(crate) summary: String,
    /// The Go program.
    pub(crate) source: &'static str,
    /// Whether goroutines race in it, so that one run says little.
    pub(crate) concurrent: bool,
    /// The arguments to run it with, in turn; empty for a program that takes none.
    pub(crate) arguments: Vec<&'static str>,
    /// Whether the goroutine leak profile is to be asked.
    pub(crate) leak_profile: bool,
    /// Whether it lives under `_rejected/`, out of the sight of `go build ./...`, because the compiler
    /// is expected to refuse it.
    pub(crate) rejected: bool,
}

/// All scenarios in the order of `scenarios/order.txt`.
pub(crate) fn all() -> anyhow::Result<Vec<Scenario>> {
    let order =
        embedded::scenario_file("order.txt").context("the list of scenarios is not embedded")?;
    order.lines().map(parse).collect()
}

fn parse(name: &'static str) -> anyhow::Result<Scenario> {
    let plain = embedded::scenario_file(&format!("{name}/main.go"));
    let rejected = plain.is_none();
    let source = plain
        .or_else(|| embedded::scenario_file(&format!("_rejected/{name}/main.go")))
        .with_context(|| format!("scenario {name} is listed in order.txt and not there"))?;
    let mut scenario = Scenario {
        name,
        group: "",
        summary: String::new(),
        source,
        concurrent: false,
        arguments: Vec::new(),
        leak_profile: false,
        rejected,
    };
    for line in source.lines().take_while(|line| line.starts_with("//")) {
        let Some(directive) = line.strip_prefix("//lab:") else {
            let sentence = line.trim_start_matches('/').trim();
            if !sentence.is_empty() {
                if !scenario.summary.is_empty() {
                    scenario.summary.push(' ');
                }
                scenario.summary.push_str(sentence);
            }
            continue;
        };
        match directive.split_once(' ').unwrap_or((directive, "")) {
            ("group", group) => scenario.group = group,
            ("concurrent", "") => scenario.concurrent = true,
            ("args", arguments) => scenario.arguments = arguments.split(' ').collect(),
            ("leak-profile", "") => scenario.leak_profile = true,
            _ => bail!("scenario {name}: unknown directive {line:?}"),
        }
    }
    Ok(scenario)
}

/// The scenarios of these names, or of these groups; all of them if there are no names.
pub(crate) fn select(names: &[String]) -> anyhow::Result<Vec<Scenario>> {
    let all = all()?;
    if names.is_empty() {
        return Ok(all);
    }
    for name in names {
        if !all
            .iter()
            .any(|scenario| scenario.name == name || scenario.group == name)
        {
            let near = text::nearest(name, all.iter().map(|scenario| scenario.name));
            let hint = if near.is_empty() {
                "`goward lab list` shows them all".to_owned()
            } else {
                format!("is it {}?", near.join(" or "))
            };
            bail!(
                "no scenario and no group is called {:?}; {hint}",
                text::visible(name)
            );
        }
    }
    Ok(all
        .into_iter()
        .filter(|scenario| {
            names
                .iter()
                .any(|name| scenario.name == name || scenario.group == name)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_two_sentences_and_a_group() {
        let all = all().unwrap();
        assert!(all.len() > 100, "{} scenarios", all.len());
        for scenario in &all {
            assert!(!scenario.group.is_empty(), "{} has no group", scenario.name);
            // A sentence may hold dots of its own (`fmt.Println`); what counts is that it ends.
            let sentences =
                scenario.summary.matches(". ").count() + scenario.summary.matches("; ").count() + 1;
            assert!(
                sentences >= 2 && scenario.summary.ends_with('.'),
                "{}: {}",
                scenario.name,
                scenario.summary
            );
            assert!(
                scenario.source.contains("\nfunc main() {\n"),
                "{}",
                scenario.name
            );
        }
    }

    #[test]
    fn every_embedded_program_is_listed() {
        let all = all().unwrap();
        for (path, _) in embedded::SCENARIOS {
            if let Some(folder) = path.strip_suffix("/main.go") {
                let name = folder.strip_prefix("_rejected/").unwrap_or(folder);
                assert!(
                    all.iter().any(|scenario| scenario.name == name),
                    "{name} is not in order.txt"
                );
            }
        }
    }

    #[test]
    fn select_by_name_and_group() {
        assert_eq!(select(&["nil_read".into()]).unwrap().len(), 1);
        assert!(select(&["nil map".into()]).unwrap().len() > 5);
        let error = select(&["nil_raed".into()]).unwrap_err().to_string();
        assert!(error.contains("is it nil_read"), "{error}");
    }
}
