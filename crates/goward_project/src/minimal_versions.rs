//! Minimal version selection over go.mod files, with the graph pruning of Go 1.17.
//!
//! Follows cmd/go/internal/modload/buildlist.go (`readModGraph`): a module at Go 1.17 or later lists
//! all it needs, so its requirements count but are not followed further; one from before that is
//! followed all the way.

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::FxHashSet;

use crate::modfile::ModuleVersion;
use crate::version::{GoVersion, compare_module_versions};

/// What one go.mod file contributes to the graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requirements {
    /// Its language version, which decides on pruning.
    pub(crate) go: Option<GoVersion>,
    /// What it requires, exclusions already taken out.
    pub(crate) require: Vec<ModuleVersion>,
}

/// The first language version whose go.mod files list all that is needed.
const PRUNED_SINCE: GoVersion = GoVersion(17);

impl Requirements {
    fn is_pruned(&self) -> bool {
        self.go.is_some_and(|go| go >= PRUNED_SINCE)
    }
}

/// The highest version of each module that anything in the graph asks for.
///
/// `mains` are the main modules' requirements; `read` gives a dependency's, and may fail to: then
/// nothing is followed behind it.
pub(crate) fn select(
    mains: &[Requirements],
    main_paths: &FxHashSet<String>,
    mut read: impl FnMut(&ModuleVersion) -> Option<Requirements>,
) -> BTreeMap<String, String> {
    let mut selected: BTreeMap<String, String> = BTreeMap::new();
    let mut queued: FxHashSet<(ModuleVersion, bool)> = FxHashSet::default();
    let mut read_already: BTreeMap<ModuleVersion, Option<Requirements>> = BTreeMap::new();
    // Each entry says whether everything behind it must be followed.
    let mut queue: VecDeque<(ModuleVersion, bool)> = VecDeque::new();
    let raise = |selected: &mut BTreeMap<String, String>, module: &ModuleVersion| match selected
        .get_mut(&module.path)
    {
        Some(version) if compare_module_versions(version, &module.version).is_ge() => {}
        Some(version) => version.clone_from(&module.version),
        None => {
            selected.insert(module.path.clone(), module.version.clone());
        }
    };
    for main in mains {
        for module in &main.require {
            raise(&mut selected, module);
            queue.push_back((module.clone(), !main.is_pruned()));
        }
    }
    while let Some((module, follow_all)) = queue.pop_front() {
        // A main module is never replaced by a published version of itself.
        if main_paths.contains(&module.path) || !queued.insert((module.clone(), follow_all)) {
            continue;
        }
        let requirements = read_already
            .entry(module.clone())
            .or_insert_with(|| read(&module));
        let Some(requirements) = requirements else {
            continue;
        };
        let follow = follow_all || !requirements.is_pruned();
        for required in &requirements.require {
            raise(&mut selected, required);
            if follow {
                queue.push_back((required.clone(), follow));
            }
        }
    }
    selected.retain(|path, _| !main_paths.contains(path));
    selected
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Graph lines read `module@version go requirement…`; the first line is the main module.
    #[track_caller]
    fn check(graph: &str, expected: &str) {
        let module = |text: &str| {
            let (path, version) = text.split_once('@').unwrap();
            ModuleVersion {
                path: path.to_owned(),
                version: version.to_owned(),
            }
        };
        let mut nodes = BTreeMap::new();
        let mut main = None;
        for line in graph.lines() {
            let mut words = line.split_whitespace();
            let Some(name) = words.next() else { continue };
            let requirements = Requirements {
                go: GoVersion::parse(words.next().unwrap()),
                require: words.map(module).collect(),
            };
            if name == "main" {
                main = Some(requirements);
            } else {
                nodes.insert(module(name), requirements);
            }
        }
        let mains = FxHashSet::from_iter(["main".to_owned()]);
        let selected = select(&[main.unwrap()], &mains, |module| {
            nodes.get(module).cloned()
        });
        let text: Vec<String> = selected
            .iter()
            .map(|(path, version)| format!("{path}@{version}"))
            .collect();
        assert_eq!(text.join(" "), expected);
    }

    #[test]
    fn the_highest_requested_version_wins() {
        check(
            "main 1.16 a@v1.0.0 b@v1.0.0\na@v1.0.0 1.16 c@v1.1.0\nb@v1.0.0 1.16 c@v1.10.0\nc@v1.10.0 1.16 d@v1.0.0",
            "a@v1.0.0 b@v1.0.0 c@v1.10.0 d@v1.0.0",
        );
    }

    #[test]
    fn pruned_modules_are_not_followed_further_unless_an_older_one_leads_there() {
        check(
            "main 1.17 a@v1.0.0\na@v1.0.0 1.17 b@v1.0.0\nb@v1.0.0 1.17 c@v1.0.0",
            "a@v1.0.0 b@v1.0.0",
        );
        check(
            "main 1.17 a@v1.0.0\na@v1.0.0 1.16 b@v1.0.0\nb@v1.0.0 1.17 c@v1.0.0\nc@v1.0.0 1.17 d@v1.0.0",
            "a@v1.0.0 b@v1.0.0 c@v1.0.0 d@v1.0.0",
        );
    }

    #[test]
    fn cycles_and_missing_files_end() {
        check(
            "main 1.16 a@v1.0.0\na@v1.0.0 1.16 b@v1.0.0 main@v1.0.0\nb@v1.0.0 1.16 a@v1.1.0\na@v1.1.0 1.16 b@v1.0.0",
            "a@v1.1.0 b@v1.0.0",
        );
        check("main 1.16 a@v1.0.0", "a@v1.0.0");
    }
}
