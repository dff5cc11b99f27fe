//! `vendor/modules.txt`: which packages are vendored, from which module version, with which
//! language version. Follows cmd/go/internal/modload/vendor.go.

use rustc_hash::FxHashMap;

use crate::modfile::ModuleVersion;
use crate::version::{GoVersion, is_module_version};

/// A module in modules.txt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendoredModule {
    /// Path and version; the version is empty for a replacement of all versions.
    pub module: ModuleVersion,
    /// Whether go.mod requires it itself.
    pub explicit: bool,
    /// Its language version.
    pub go: Option<GoVersion>,
    /// `=>` path and version, or a folder with an empty version.
    pub replacement: Option<ModuleVersion>,
}

/// What modules.txt says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorList {
    /// Modules in file order.
    pub modules: Vec<VendoredModule>,
    /// Import path of each vendored package, with the index of its module.
    pub packages: FxHashMap<String, usize>,
    /// Whether `go work vendor` wrote it.
    pub workspace: bool,
    /// One-based lines that are neither a module, an annotation nor a package.
    pub unknown_lines: Vec<u32>,
}

/// Reads modules.txt; lines that are not understood are counted and skipped, as Go does.
pub fn parse(text: &str) -> VendorList {
    let mut list = VendorList::default();
    let mut current: Option<usize> = None;
    for (index, line) in text.lines().enumerate() {
        let mut unknown = || {
            list.unknown_lines
                .push(u32::try_from(index + 1).unwrap_or(u32::MAX))
        };
        if let Some(rest) = line.strip_prefix("# ") {
            let fields: Vec<&str> = rest.split_whitespace().collect();
            let (path, version, rest) = match fields.as_slice() {
                [path, version, rest @ ..] if is_module_version(version) => (path, *version, rest),
                [path, rest @ ..] if rest.first() == Some(&"=>") => (path, "", rest),
                _ => {
                    unknown();
                    current = None;
                    continue;
                }
            };
            let replacement = match rest {
                ["=>", folder] => Some((*folder, "")),
                ["=>", path, version] if is_module_version(version) => Some((*path, *version)),
                _ => None,
            };
            let replacement = replacement.map(|(path, version)| ModuleVersion {
                path: path.to_owned(),
                version: version.to_owned(),
            });
            current = Some(list.modules.len());
            list.modules.push(VendoredModule {
                module: ModuleVersion {
                    path: (*path).to_owned(),
                    version: version.to_owned(),
                },
                explicit: false,
                go: None,
                replacement,
            });
        } else if let Some(annotations) = line.strip_prefix("## ") {
            for entry in annotations.split(';').map(str::trim) {
                match current {
                    None if index == 0 => list.workspace |= entry == "workspace",
                    None => {}
                    Some(module) => {
                        let module = &mut list.modules[module];
                        module.explicit |= entry == "explicit";
                        if let Some(version) = entry.strip_prefix("go ") {
                            module.go = GoVersion::parse(version);
                        }
                    }
                }
            }
        } else if let Some(module) = current {
            let mut fields = line.split_whitespace();
            match (fields.next(), fields.next()) {
                (Some(path), None) => {
                    list.packages.insert(path.to_owned(), module);
                }
                (None, _) => {}
                _ => unknown(),
            }
        } else if !line.trim().is_empty() {
            unknown();
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_and_packages_are_read() {
        let list = parse(
            "## workspace\n# a.b/c v1.2.3\n## explicit; go 1.21\na.b/c\na.b/c/d\n# a.b/e v1.0.0 => ../e\n## explicit\na.b/e\n# a.b/f => x.y/f v1.1.0\nstray words here\n",
        );
        assert!(list.workspace);
        assert_eq!(list.modules.len(), 3);
        assert_eq!(list.modules[0].go, Some(GoVersion(21)));
        assert_eq!(list.packages["a.b/c/d"], 0);
        assert_eq!(list.packages["a.b/e"], 1);
        assert_eq!(list.modules[1].replacement.as_ref().unwrap().path, "../e");
        assert_eq!(list.modules[2].module.version, "");
        assert_eq!(list.unknown_lines, [10]);
    }
}
