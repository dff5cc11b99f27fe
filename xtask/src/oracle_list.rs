//! `cargo xtask oracle-list`: packages, files and imports as goward finds them, against what
//! `go list -deps -test` says.

#![expect(clippy::disallowed_methods, reason = "xtask starts programs")]
#![expect(clippy::print_stdout, reason = "the figures are the output")]

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
    /// `std`, or the folder of a module or workspace.
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
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (directory, patterns) = if arguments.subject == "std" {
        (std::env::temp_dir(), vec!["std".to_owned()])
    } else {
        let directory = Path::new(&arguments.subject)
            .canonicalize()
            .with_context(|| format!("no folder {}", arguments.subject))?;
        (directory, arguments.patterns.clone())
    };
    let switches = match arguments.cgo {
        Some(cgo) => vec![cgo],
        None => vec![0, 1],
    };
    let mut all_equal = true;
    for cgo in switches {
        let cgo = cgo.to_string();
        let theirs = go_list(&directory, &patterns, &cgo)?;
        let ours = ours(&directory, &patterns, &cgo);
        let equal = ours.intersection(&theirs.facts).count();
        let total = ours.union(&theirs.facts).count();
        println!(
            "CGO_ENABLED={cgo}: {equal} / {total} facts equal ({} packages; {} more that only the \
             linker or the test driver adds are not compared)",
            theirs.packages, theirs.unreachable
        );
        for missing in theirs.facts.difference(&ours).take(arguments.differences) {
            println!("  only go list: {missing}");
        }
        for extra in ours.difference(&theirs.facts).take(arguments.differences) {
            println!("  only goward:  {extra}");
        }
        all_equal &= equal == total;
    }
    anyhow::ensure!(all_equal, "the lists differ");
    Ok(())
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
    unreachable: usize,
}

fn go_list(directory: &Path, patterns: &[String], cgo: &str) -> anyhow::Result<Theirs> {
    let output = Command::new("go")
        .args(["list", "-e", "-deps", "-test"])
        .arg(
            "-json=ImportPath,Name,Dir,Standard,DepOnly,ForTest,GoFiles,CgoFiles,TestGoFiles,\
             XTestGoFiles,Imports,TestImports,XTestImports,ImportMap,Module,Error",
        )
        .args(patterns)
        .current_dir(directory)
        .env("CGO_ENABLED", cgo)
        .output()
        .context("cannot start go: is it on PATH?")?;
    anyhow::ensure!(
        output.status.success(),
        "go list failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
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
    let unreachable = packages.len() - reached.len();
    for path in &reached {
        let listed = &packages[*path];
        if listed.error.is_some() && listed.dir.as_os_str().is_empty() {
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
    Ok(Theirs {
        facts,
        packages: reached.len(),
        unreachable,
    })
}

/// `1.24` of `1.24.1`.
fn minor(version: &str) -> String {
    let parts: Vec<&str> = version.split('.').take(2).collect();
    parts.join(".")
}

fn ours(directory: &Path, patterns: &[String], cgo: &str) -> BTreeSet<String> {
    let mut environment = Environment::from_process(&OsFileSystem);
    environment.set("CGO_ENABLED", cgo);
    let mut options = LoadOptions::new(directory).patterns(patterns);
    options.folders_are_trees = false;
    options.pure_standard_library = false;
    options.contents = goward_project::Contents::Discard;
    let workspace = load(&options, &environment, &OsFileSystem);
    let mut facts = BTreeSet::new();
    for package in &workspace.packages {
        let tested = package
            .external_test_of
            .map(|index| workspace.package(index));
        describe(&workspace, package, tested, &mut facts);
    }
    facts
}

fn describe(
    workspace: &Workspace,
    package: &PackageSource,
    tested: Option<&PackageSource>,
    facts: &mut BTreeSet<String>,
) {
    let path = tested.map_or(&package.import_path, |tested| &tested.import_path);
    let mut fact = |text: String| facts.insert(format!("{path} {text}"));
    let name = match tested {
        Some(tested) if !tested.files.is_empty() => &tested.name,
        Some(_) => &package.name,
        None => &package.name,
    };
    fact(format!(
        "name {}",
        name.strip_suffix("_test")
            .filter(|_| tested.is_some())
            .unwrap_or(name)
    ));
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
