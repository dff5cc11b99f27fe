//! Counts what the parts of goward do over the Go files of this repository; `cargo xtask counts`
//! runs it. Only what is the same in each run and on each machine is counted.

#![expect(clippy::disallowed_methods, reason = "xtask reads files")]
#![expect(clippy::print_stdout, reason = "the counts are the output")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use anyhow::Context;
use goward_flow::Units;
use goward_project::scan_header;
use goward_rules::{RULES, Selection, check_package};
use goward_syntax::{Mode, Tree, parse};
use goward_types::{
    CheckedPackage, Checker, File, GoVersion, Importer, PackageId, Settings, Sizes, TypedFile,
    TypedPackage, World,
};

fn main() -> anyhow::Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("no workspace")?;
    println!("# Made by `cargo xtask counts`.");
    println!("# The parser over the Go files of each folder:");
    println!("# folder, mode: files, bytes, nodes, allocations, most bytes held");
    count_parser(workspace, "examples")?;
    println!(
        "# The checker with function bodies over folders against the declarations in ministd:"
    );
    println!("# folders: packages, nodes, errors, allocations, most bytes held");
    count_checker(workspace)
}

fn count_parser(workspace: &Path, folder: &str) -> anyhow::Result<()> {
    let mut files = Vec::new();
    collect(&workspace.join(folder), &mut files)?;
    files.sort();
    let mut texts = Vec::new();
    for file in &files {
        texts.push(std::fs::read(file)?);
    }
    let bytes: usize = texts.iter().map(Vec::len).sum();
    for (mode, name) in [
        (Mode::Full, "full"),
        (Mode::DeclarationsOnly, "declarations"),
    ] {
        // What is made once in a process, as interned names, is made before.
        let nodes: usize = texts
            .iter()
            .map(|text| parse(text, mode).node_count())
            .sum();
        let (mut allocations, mut most) = (0, 0);
        for text in &texts {
            let info = allocation_counter::measure(|| {
                black_box(parse(text, mode));
            });
            allocations += info.count_total;
            most = most.max(info.bytes_max);
        }
        let count = texts.len();
        println!("{folder}, {name}: {count}, {bytes}, {nodes}, {allocations}, {most}");
    }
    Ok(())
}

/// A package that is to be checked.
struct Package {
    path: String,
    names: Vec<String>,
    sources: Vec<Vec<u8>>,
    trees: Vec<Tree>,
}

fn count_checker(workspace: &Path) -> anyhow::Result<()> {
    let roots = [
        ("ministd", ""),
        ("examples/shop", "example.com/shop"),
        ("runtime", "goward.dev/runtime"),
    ];
    let mut packages = BTreeMap::new();
    for (folder, module) in roots {
        find_packages(&workspace.join(folder), module, &mut packages)?;
    }
    let mut order = Vec::new();
    for path in packages.keys() {
        visit(path, &packages, &mut order);
    }
    let order: Vec<&Package> = order
        .iter()
        .filter_map(|path| packages.get(*path))
        .collect();
    let trees = order.iter().flat_map(|package| &package.trees);
    let nodes: usize = trees.map(Tree::node_count).sum();
    // What is made once in a process, as interned names, is made before.
    let errors = |(_, results): &(World, Vec<CheckedPackage>)| -> usize {
        results.iter().map(|result| result.errors.len()).sum()
    };
    let errors = errors(&check(&order));
    let info = allocation_counter::measure(|| {
        black_box(check(&order));
    });
    let folders = roots.map(|(folder, _)| folder).join(" ");
    println!(
        "{folders}: {}, {nodes}, {errors}, {}, {}",
        order.len(),
        info.count_total,
        info.bytes_max
    );
    count_rules(&order);
    Ok(())
}

/// What the rules of the default group do with each package.
fn count_rules(order: &[&Package]) {
    let (world, results) = check(order);
    let selection = Selection::default();
    let rules = RULES
        .iter()
        .filter(|rule| rule.check.is_some() && selection.enables(rule))
        .count();
    let (mut functions, mut blocks, mut findings) = (0, 0, 0);
    let (mut allocations, mut most) = (0, 0);
    for (package, result) in order.iter().zip(&results) {
        let files = package.trees.iter().zip(&package.sources);
        let files = files.zip(&package.names).zip(&result.facts);
        let typed = TypedPackage {
            world: &world,
            package: result.package,
            module_version: Some(GoVersion(26)),
            imported: None,
            files: files
                .map(|(((tree, source), name), facts)| TypedFile {
                    name,
                    tree,
                    source,
                    facts,
                    generated: false,
                    test: false,
                })
                .collect(),
        };
        let units = Units::new(&typed);
        functions += units.list.len();
        blocks += units
            .list
            .iter()
            .map(|unit| unit.graph.block_count())
            .sum::<usize>();
        findings += check_package(&typed, &selection).findings.len();
        let info = allocation_counter::measure(|| {
            black_box(check_package(&typed, &selection));
        });
        allocations += info.count_total;
        most = most.max(info.bytes_max);
    }
    println!("# The rules of the default group over the same packages:");
    println!(
        "# calls of rules, functions, blocks of their graphs, findings, allocations, most bytes held"
    );
    let calls = rules * order.len();
    println!("rules: {calls}, {functions}, {blocks}, {findings}, {allocations}, {most}");
}

/// Each folder with Go files that are no tests is a package.
fn find_packages(
    folder: &Path,
    path: &str,
    packages: &mut BTreeMap<String, Package>,
) -> anyhow::Result<()> {
    let mut package = Package {
        path: path.to_owned(),
        names: Vec::new(),
        sources: Vec::new(),
        trees: Vec::new(),
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        entries.push(entry?.path());
    }
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if entry.is_dir() {
            let path = if path.is_empty() {
                name.into_owned()
            } else {
                format!("{path}/{name}")
            };
            find_packages(&entry, &path, packages)?;
        } else if name.ends_with(".go") && !name.ends_with("_test.go") {
            let source = std::fs::read(&entry)?;
            package.trees.push(parse(&source, Mode::Full));
            package.sources.push(source);
            package.names.push(name.into_owned());
        }
    }
    if !package.names.is_empty() {
        packages.insert(path.to_owned(), package);
    }
    Ok(())
}

/// Adds a package to `order` behind those that it imports.
fn visit<'p>(path: &str, packages: &'p BTreeMap<String, Package>, order: &mut Vec<&'p str>) {
    let Some((path, package)) = packages.get_key_value(path) else {
        return;
    };
    if order.contains(&path.as_str()) {
        return;
    }
    for source in &package.sources {
        for import in scan_header(source).imports {
            visit(&import.path, packages, order);
        }
    }
    order.push(path);
}

struct Checked(BTreeMap<String, PackageId>);

impl Importer for Checked {
    fn import(&self, path: &str) -> Option<PackageId> {
        match path {
            "unsafe" => Some(PackageId::UNSAFE),
            _ => self.0.get(path).copied(),
        }
    }
}

/// Checks all packages in a new world.
fn check(packages: &[&Package]) -> (World, Vec<CheckedPackage>) {
    let world = World::new(Sizes::for_architecture("amd64"));
    let mut checked = Checked(BTreeMap::new());
    let mut results = Vec::new();
    for package in packages {
        let id = world.new_package(&package.path, package.names.clone(), false);
        let files = package
            .trees
            .iter()
            .zip(&package.sources)
            .map(|(tree, source)| File {
                tree,
                source,
                version: GoVersion(26),
            })
            .collect();
        results.push(Checker::check(
            &world,
            id,
            files,
            &checked,
            Settings::default(),
        ));
        checked.0.insert(package.path.clone(), id);
    }
    (world, results)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "go") {
            files.push(path);
        }
    }
    Ok(())
}
