//! Minimal version selection over go.mod files, with the graph pruning of Go 1.17.
//!
//! Follows cmd/go/internal/modload/buildlist.go (`readModGraph`): a module at Go 1.17 or later lists
//! all it needs, so its requirements count but are not followed further; one from before that is
//! followed all the way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rustc_hash::{FxHashMap, FxHashSet};

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

/// A main module and its requirements.
pub(crate) struct Main {
    pub(crate) path: String,
    pub(crate) requirements: Requirements,
}

/// How far the requirements of a module are followed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Follow {
    /// They count, but are followed only where the module is from before pruning.
    Pruned,
    /// They are followed, and so is everything behind them.
    All,
    /// They are followed one step: packages of the main modules may come from them.
    Step,
}

/// Minimal version selection: the highest version of each module that anything in the graph asks
/// for.
///
/// `read` gives a dependency's requirements, and may fail to: then nothing is followed behind it.
/// With more than one main module the selected versions of what they need are followed too, because
/// no single go.mod lists all of it.
pub(crate) fn select(
    mains: &[Main],
    read: impl FnMut(&ModuleVersion) -> Option<Requirements>,
) -> BTreeMap<String, String> {
    let mut graph = Graph {
        selected: BTreeMap::new(),
        known: FxHashMap::default(),
        queued: FxHashSet::default(),
        queue: VecDeque::new(),
        read,
    };
    for main in mains {
        let node = main_node(&main.path);
        let follow = if main.requirements.is_pruned() {
            Follow::Pruned
        } else {
            Follow::All
        };
        for module in &main.requirements.require {
            graph.raise(module);
            graph.queue.push_back((module.clone(), follow));
        }
        graph.known.insert(node, Some(main.requirements.clone()));
    }
    graph.run();
    if mains.len() > 1 {
        graph.follow_selected(mains);
    }
    // A main module stands for itself, whatever version of it others ask for.
    for main in mains {
        graph.selected.remove(&main.path);
    }
    graph.selected
}

/// Main modules have no version.
fn main_node(path: &str) -> ModuleVersion {
    ModuleVersion {
        path: path.to_owned(),
        version: String::new(),
    }
}

struct Graph<R> {
    selected: BTreeMap<String, String>,
    known: FxHashMap<ModuleVersion, Option<Requirements>>,
    queued: FxHashSet<(ModuleVersion, Follow)>,
    queue: VecDeque<(ModuleVersion, Follow)>,
    read: R,
}

impl<R: FnMut(&ModuleVersion) -> Option<Requirements>> Graph<R> {
    fn raise(&mut self, module: &ModuleVersion) {
        match self.selected.get_mut(&module.path) {
            Some(version) if compare_module_versions(version, &module.version).is_ge() => {}
            Some(version) => version.clone_from(&module.version),
            None => {
                self.selected
                    .insert(module.path.clone(), module.version.clone());
            }
        }
    }

    fn run(&mut self) {
        while let Some((module, follow)) = self.queue.pop_front() {
            if !self.queued.insert((module.clone(), follow)) {
                continue;
            }
            let read = &mut self.read;
            let requirements = self
                .known
                .entry(module)
                .or_insert_with_key(|module| read(module));
            let Some(requirements) = requirements.clone() else {
                continue;
            };
            let pruned = requirements.is_pruned();
            let next = if pruned && follow != Follow::All {
                Follow::Pruned
            } else {
                Follow::All
            };
            for required in requirements.require {
                self.raise(&required);
                if follow != Follow::Pruned || !pruned {
                    self.queue.push_back((required, next));
                }
            }
        }
    }

    /// Follows modules that were raised above what a main module, or one behind it, asks for.
    fn follow_selected(&mut self, mains: &[Main]) {
        let mut paths: BTreeSet<String> = mains.iter().map(|main| main.path.clone()).collect();
        let mut seen: FxHashSet<ModuleVersion> = FxHashSet::default();
        let is_main = |path: &str| mains.iter().any(|main| main.path == path);
        loop {
            let mut next: BTreeSet<ModuleVersion> = BTreeSet::new();
            for path in &paths {
                let module = if is_main(path) {
                    main_node(path)
                } else {
                    ModuleVersion {
                        path: path.clone(),
                        version: self.selected.get(path).cloned().unwrap_or_default(),
                    }
                };
                if !seen.contains(&module) {
                    next.insert(module);
                    continue;
                }
                let Some(Some(requirements)) = self.known.get(&module) else {
                    continue;
                };
                for required in &requirements.require {
                    let Some(version) = self.selected.get(&required.path) else {
                        continue;
                    };
                    let selected = ModuleVersion {
                        path: required.path.clone(),
                        version: version.clone(),
                    };
                    if !is_main(&required.path)
                        && compare_module_versions(version, &required.version).is_gt()
                        && !seen.contains(&selected)
                    {
                        next.insert(selected);
                    }
                }
            }
            if next.is_empty() {
                return;
            }
            for module in next {
                self.queue.push_back((module.clone(), Follow::Step));
                paths.insert(module.path.clone());
                seen.insert(module);
            }
            self.run();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Graph lines read `module@version go requirement…`; main modules have no version.
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
        let mut mains = Vec::new();
        for line in graph.lines() {
            let mut words = line.split_whitespace();
            let Some(name) = words.next() else { continue };
            let requirements = Requirements {
                go: GoVersion::parse(words.next().unwrap()),
                require: words.map(module).collect(),
            };
            if name.contains('@') {
                nodes.insert(module(name), requirements);
            } else {
                mains.push(Main {
                    path: name.to_owned(),
                    requirements,
                });
            }
        }
        let selected = select(&mains, |module| nodes.get(module).cloned());
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
    fn an_older_version_of_the_main_module_counts_with_what_it_requires() {
        check(
            "main 1.12 a@v1.0.0\na@v1.0.0 1.12 main@v0.1.0\nmain@v0.1.0 1.12 b@v1.0.0",
            "a@v1.0.0 b@v1.0.0",
        );
    }

    #[test]
    fn a_workspace_follows_what_it_selects() {
        // One module asks for q v1.0.0, another for v1.1.0, which needs what nobody else lists.
        check(
            "m 1.18 p@v1.0.0 q@v1.0.0\nn 1.18 q@v1.1.0\np@v1.0.0 1.18 q@v1.0.0\nq@v1.0.0 1.18\nq@v1.1.0 1.18 z@v1.0.0\nz@v1.0.0 1.18 w@v1.0.0",
            "p@v1.0.0 q@v1.1.0 w@v1.0.0 z@v1.0.0",
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
