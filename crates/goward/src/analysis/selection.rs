//! Which rules run on a package, and which are off in a file of it: what the command line and the
//! configuration say, with the place of a name that means nothing.

use std::path::Path;

use goward_project::{Configuration, RuleName};
use goward_rules::Selection;

use super::{Request, shown};

/// The rules that run on a package: what the command line says, else its configuration. All names of
/// the configuration must be known, also those for files of other packages.
pub(super) fn selection_for(
    request: &Request<'_>,
    configuration: &Configuration,
) -> Result<Selection, String> {
    let per_file = &configuration.per_file_ignores;
    for (_, rules) in per_file {
        names(rules, request)?;
    }
    if let Some(selection) = &request.selection {
        return Ok(selection.clone());
    }
    let selection = Selection::new(
        &names(configuration.select.as_deref().unwrap_or_default(), request)?,
        &names(&configuration.extend_select, request)?,
        &names(&configuration.ignore, request)?,
    );
    selection.map_err(|error| error.to_string())
}

/// The names of rules, categories and groups, all of which there are.
fn names<'c>(rules: &'c [RuleName], request: &Request<'_>) -> Result<Vec<&'c str>, String> {
    let name = |rule: &'c RuleName| {
        let nothing: &[&str] = &[];
        match Selection::new(&[&rule.name], nothing, nothing) {
            Ok(_) => Ok(rule.name.as_str()),
            Err(error) => Err(format!(
                "{}:{}:{}: {error}",
                shown(&rule.path, &request.directory),
                rule.line,
                rule.column
            )),
        }
    };
    rules.iter().map(name).collect()
}

/// What `per-file-ignores` switches off in one file.
pub(super) struct Ignored(Option<Selection>);

impl Ignored {
    pub(super) fn new(configuration: &Configuration, file: &Path) -> Ignored {
        let names: Vec<&str> = configuration
            .ignored_in(file)
            .map(|rule| rule.name.as_str())
            .collect();
        if names.is_empty() {
            return Ignored(None);
        }
        let nothing: &[&str] = &[];
        // The names are known: `selection_for` comes first.
        Ignored(Selection::new(&["all"], nothing, &names).ok())
    }

    /// Whether the rule of that name is off.
    pub(super) fn holds(&self, rule: &str) -> bool {
        let selection = self.0.as_ref();
        selection.is_some_and(|selection| !selection.enables_name(rule))
    }
}
