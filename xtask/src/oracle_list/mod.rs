//! `cargo xtask oracle-list`: packages, files and imports as goward finds them, against what
//! `go list -deps -test` says.

#![expect(clippy::disallowed_methods, reason = "xtask starts programs")]
#![expect(clippy::print_stdout, reason = "the figures are the output")]

mod scripts;
mod subjects;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use goward_project::{
    Environment, ImportTarget, LoadOptions, OsFileSystem, PackageSource, TestKind, Workspace, load,
};
use serde::Deserialize;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `std`, `cmd`, `vendored`, `workspace`, `scripts`, `all` of these, or the folder of a module
    /// or workspace.
    #[arg(default_value = "std")]
    subject: String,
    /// Patterns inside the folder.
    #[arg(default_value = "./...")]
    patterns: Vec<String>,
    /// CGO_ENABLED; both when not given.
    #[arg(long)]
    cgo: Option<u8>,
    /// How many differences to print.
    #[arg(long, default_value_t = 20)]
    differences: usize,
    /// Write the figures of `all` into conformance/list.txt.
    #[arg(long)]
    write: bool,
}

/// A folder and patterns that both sides list.
struct Subject {
    directory: PathBuf,
    patterns: Vec<String>,
    /// Environment variables for both sides.
    variables: Vec<(String, String)>,
}

impl Subject {
    fn new(directory: impl Into<PathBuf>, patterns: &[&str]) -> Self {
        Self {
            directory: directory.into(),
            patterns: patterns
                .iter()
                .map(|pattern| (*pattern).to_owned())
                .collect(),
            variables: Vec::new(),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let names = match arguments.subject.as_str() {
        "all" => vec!["std", "cmd", "vendored", "workspace", "scripts"],
        name => vec![name],
    };
    let mut report = String::new();
    let mut all_equal = true;
    for name in names {
        let text = if name == "scripts" {
            scripts::run(arguments.differences)?
        } else {
            compare_named(name, arguments, &mut all_equal)?
        };
        print!("{text}");
        report += &text;
    }
    if arguments.write {
        let path = crate::go_program::workspace().join("conformance/list.txt");
        let (_, version) = crate::go_program::installation()?;
        let text = format!(
            "Packages, files and imports against go list -deps -test -json of {version}\n{report}"
        );
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    anyhow::ensure!(all_equal, "the lists differ");
    Ok(())
}

fn compare_named(
    name: &str,
    arguments: &Arguments,
    all_equal: &mut bool,
) -> anyhow::Result<String> {
    let mut subject = match name {
        "std" | "cmd" => Subject::new(std::env::temp_dir(), &[name]),
        "vendored" => subjects::vendored()?,
        "workspace" => subjects::workspace()?,
        folder => {
            let directory = Path::new(folder)
                .canonicalize()
                .with_context(|| format!("no folder {folder}"))?;
            let mut subject = Subject::new(directory, &[]);
            subject.patterns.clone_from(&arguments.patterns);
            subject
        }
    };
    let switches = match arguments.cgo {
        Some(cgo) => vec![cgo],
        None => vec![0, 1],
    };
    let mut text = String::new();
    for cgo in switches {
        subject
            .variables
            .push(("CGO_ENABLED".to_owned(), cgo.to_string()));
        let theirs = go_list(&subject)?.map_err(anyhow::Error::msg)?;
        let comparison = Comparison::new(
            &ours(&subject, &theirs.broken).unwrap_or_default(),
            &theirs.facts,
        );
        text += &format!(
            "{name}, CGO_ENABLED={cgo}: {} / {} facts equal ({} packages; not compared: {} that only \
             the linker or the test driver adds, {} that go calls broken)\n",
            comparison.equal,
            comparison.total,
            theirs.packages,
            theirs.unreachable,
            theirs.broken.len()
        );
        text += &comparison.differences(arguments.differences);
        *all_equal &= comparison.equal == comparison.total;
    }
    Ok(text)
}

/// Two sets of facts side by side.
struct Comparison {
    equal: usize,
    total: usize,
    only_theirs: Vec<String>,
    only_ours: Vec<String>,
}

impl Comparison {
    fn new(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Self {
        Self {
            equal: ours.intersection(theirs).count(),
            total: ours.union(theirs).count(),
            only_theirs: theirs.difference(ours).cloned().collect(),
            only_ours: ours.difference(theirs).cloned().collect(),
        }
    }

    fn differences(&self, most: usize) -> String {
        let mut text = String::new();
        for missing in self.only_theirs.iter().take(most) {
            text += &format!("  only go list: {missing}\n");
        }
        for extra in self.only_ours.iter().take(most) {
            text += &format!("  only goward:  {extra}\n");
        }
        text
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Listed {
    import_path: String,
    name: String,
    dir: PathBuf,
    standard: bool,
    dep_only: bool,
    for_test: String,
    go_files: Vec<String>,
    cgo_files: Vec<String>,
    test_go_files: Vec<String>,
    #[serde(rename = "XTestGoFiles")]
    external_test_go_files: Vec<String>,
    imports: Vec<String>,
    test_imports: Vec<String>,
    #[serde(rename = "XTestImports")]
    external_test_imports: Vec<String>,
    import_map: BTreeMap<String, String>,
    module: Option<ListedModule>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ListedModule {
    path: String,
    version: Option<String>,
    main: bool,
    go_version: String,
}

struct Theirs {
    facts: BTreeSet<String>,
    packages: usize,
    /// Packages with an error, by import path.
    broken: BTreeSet<String>,
    unreachable: usize,
}

/// Runs `go list`; the inner error is what go says when it refuses as a whole.
fn go_list(subject: &Subject) -> anyhow::Result<Result<Theirs, String>> {
    let output = Command::new("go")
        .args(["list", "-e", "-deps", "-test"])
        .arg(
            "-json=ImportPath,Name,Dir,Standard,DepOnly,ForTest,GoFiles,CgoFiles,TestGoFiles,\
             XTestGoFiles,Imports,TestImports,XTestImports,ImportMap,Module,Error",
        )
        .args(&subject.patterns)
        .current_dir(&subject.directory)
        .envs(subject.variables.iter().map(|(name, value)| (name, value)))
        .output()
        .context("cannot start go: is it on PATH?")?;
    if !output.status.success() {
        return Ok(Err(format!(
            "go list failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    let mut packages: BTreeMap<String, Listed> = BTreeMap::new();
    let mut variants: BTreeMap<String, Listed> = BTreeMap::new();
    for listed in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Listed>() {
        let listed = listed?;
        // The generated test program has no source files, and a package that is compiled again for
        // a test or (`fmt [cmd/compile]`) with a profile has the same ones.
        let generated = listed.import_path.ends_with(".test") && listed.name == "main";
        match listed.import_path.split_once(" [") {
            Some((path, _)) => {
                let external = listed.for_test.clone() + "_test";
                if path != listed.for_test && path != external {
                    let path = path.to_owned();
                    variants.insert(
                        path.clone(),
                        Listed {
                            import_path: path,
                            ..listed
                        },
                    );
                }
            }
            None if generated => {}
            None => {
                packages.insert(listed.import_path.clone(), listed);
            }
        }
    }
    for (path, listed) in variants {
        packages.entry(path).or_insert(listed);
    }
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = packages
        .values()
        .filter(|listed| !listed.dep_only)
        .map(|listed| &*listed.import_path)
        .collect();
    let mapped = |listed: &Listed, path: &str| {
        let found = listed.import_map.get(path).map_or(path, |path| path);
        let found = found.split(" [").next().unwrap_or(found);
        packages.get_key_value(found).map(|(path, _)| path.as_str())
    };
    while let Some(path) = open.pop() {
        if !reached.insert(path) {
            continue;
        }
        let listed = &packages[path];
        let tests = if listed.dep_only {
            [&[][..], &[][..]]
        } else {
            [&listed.test_imports[..], &listed.external_test_imports[..]]
        };
        for import in listed.imports.iter().chain(tests[0]).chain(tests[1]) {
            open.extend(mapped(listed, import));
        }
    }
    let mut facts = BTreeSet::new();
    let mut broken = BTreeSet::new();
    let unreachable = packages.len() - reached.len();
    for path in &reached {
        let listed = &packages[*path];
        // What go itself calls broken has no agreed contents.
        if listed.error.is_some() {
            broken.insert((*path).to_owned());
            continue;
        }
        let mut fact = |text: String| facts.insert(format!("{path} {text}"));
        fact(format!("name {}", listed.name));
        fact(format!("dir {}", listed.dir.display()));
        fact(format!("standard {}", listed.standard));
        fact(format!("dependency only {}", listed.dep_only));
        if let Some(module) = &listed.module {
            let version = module.version.as_deref().unwrap_or_default();
            fact(format!(
                "module {}@{version} main={}",
                module.path, module.main
            ));
            // A module without a go line is read as Go 1.16.
            let version = match module.go_version.as_str() {
                "" => "1.16".to_owned(),
                version => minor(version),
            };
            fact(format!("go {version}"));
        }
        let mut imports = |kind: &str, paths: &[String]| {
            for path in paths {
                let path = listed.import_map.get(path).unwrap_or(path);
                let path = path.split(" [").next().unwrap_or(path);
                fact(format!("{kind} {path}"));
            }
        };
        imports("imports", &listed.imports);
        if !listed.dep_only {
            imports("test imports", &listed.test_imports);
            imports("external test imports", &listed.external_test_imports);
        }
        let mut files = |kind: &str, names: &[String]| {
            for name in names {
                fact(format!("{kind} {name}"));
            }
        };
        files("file", &listed.go_files);
        files("cgo file", &listed.cgo_files);
        if !listed.dep_only {
            files("test file", &listed.test_go_files);
            files("external test file", &listed.external_test_go_files);
        }
    }
    Ok(Ok(Theirs {
        facts,
        packages: reached.len() - broken.len(),
        broken,
        unreachable,
    }))
}

/// `1.24` of `1.24.1` and of `1.24rc1`.
fn minor(version: &str) -> String {
    goward_project::GoVersion::parse(version).map_or_else(String::new, |go| go.to_string())
}

/// Loads with goward; gives the facts of all packages that go does not call broken. `None` where a
/// module lies beside a workspace: go refuses it, and goward reads it by itself.
fn ours(subject: &Subject, broken: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let mut environment = Environment::from_process(&OsFileSystem);
    for (name, value) in &subject.variables {
        environment.set(name, value);
    }
    let mut options = LoadOptions::new(&subject.directory).patterns(&subject.patterns);
    options.folders_are_trees = false;
    options.pure_standard_library = false;
    options.contents = goward_project::Contents::Discard;
    let workspace = load(&options, &environment, &OsFileSystem);
    let beside = workspace
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.code == "module-not-in-workspace");
    if beside {
        return None;
    }
    let mut facts = BTreeSet::new();
    for package in &workspace.packages {
        let tested = package
            .external_test_of
            .map(|index| workspace.package(index));
        let path = tested.map_or(&package.import_path, |tested| &tested.import_path);
        if broken.contains(&**path) {
            continue;
        }
        describe(&workspace, package, tested, &mut facts);
    }
    Some(facts)
}

fn describe(
    workspace: &Workspace,
    package: &PackageSource,
    tested: Option<&PackageSource>,
    facts: &mut BTreeSet<String>,
) {
    let path = tested.map_or(&package.import_path, |tested| &tested.import_path);
    let mut fact = |text: String| facts.insert(format!("{path} {text}"));
    let name = tested.map_or(&package.name, |tested| &tested.name);
    fact(format!("name {name}"));
    fact(format!("dir {}", package.directory.display()));
    fact(format!("standard {}", package.standard));
    fact(format!("dependency only {}", package.dependency_only));
    if let Some(module) = package.module {
        let module = &workspace.modules[module.0 as usize];
        let version = module.version.as_deref().unwrap_or_default();
        fact(format!(
            "module {}@{version} main={}",
            module.path, module.main
        ));
        fact(format!("go {}", module.go_version));
    }
    for import in &package.imports {
        let target = match &import.target {
            ImportTarget::Package(index) => &*workspace.package(*index).import_path,
            ImportTarget::C => "C",
            ImportTarget::Standard | ImportTarget::Missing(_) => &*import.path,
        };
        if tested.is_some() {
            fact(format!("external test imports {target}"));
            continue;
        }
        if import.in_package {
            fact(format!("imports {target}"));
        }
        if import.in_tests {
            fact(format!("test imports {target}"));
        }
    }
    for file in &package.files {
        let kind = match (file.test, file.is_cgo) {
            (TestKind::No, false) => "file",
            (TestKind::No, true) => "cgo file",
            (TestKind::InPackage, _) => "test file",
            (TestKind::External, _) => "external test file",
        };
        let name = file.path.file_name().unwrap_or_default();
        fact(format!("{kind} {}", name.display()));
    }
}
