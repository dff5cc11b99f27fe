//! `cargo xtask bench types`: the checker with function bodies against go/types with all its facts,
//! both from sources, on one thread, by CPU time, in one run. Parsing is not counted.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::path::PathBuf;

use anyhow::{Context, ensure};
use goward_project::{
    Environment, ImportTarget, LoadOptions, OsFileSystem, PackageIndex, PackageSource, Workspace,
    load,
};
use goward_syntax::{Mode, Tree, parse};
use goward_types::{
    Checker, File, GoVersion, Importer, PackageId, Settings, Sizes, TypeError, World,
};

use crate::bench_parse::thread_nanoseconds;
use crate::go_program;
use crate::go_types::{self, Listed};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `std`, or patterns inside of `--dir`.
    #[arg(default_value = "std")]
    patterns: Vec<String>,
    /// The folder of a module.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Rounds for each side; the best one counts.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Do not run go/types.
    #[arg(long)]
    alone: bool,
}

/// A package ready to be checked.
struct Parsed<'w> {
    index: PackageIndex,
    source: &'w PackageSource,
    files: Vec<File<'w>>,
    names: Vec<String>,
}

/// The packages that have been checked so far.
struct Checked<'w> {
    source: &'w PackageSource,
    ids: &'w [Option<PackageId>],
}

impl Importer for Checked<'_> {
    fn import(&self, path: &str) -> Option<PackageId> {
        if path == "unsafe" {
            return Some(PackageId::UNSAFE);
        }
        match self.source.import(path)?.target {
            ImportTarget::Package(target) => self.ids[target.0 as usize],
            _ => None,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let directory = match &arguments.dir {
        Some(directory) => directory.canonicalize().context("no such folder")?,
        None => std::env::temp_dir(),
    };
    let mut environment = Environment::from_process(&OsFileSystem);
    environment.set("CGO_ENABLED", "0");
    let mut options = LoadOptions::new(&directory).patterns(arguments.patterns.clone());
    options.tests = false;
    options.cgo = Some(false);
    let workspace = load(&options, &environment, &OsFileSystem);
    let trees: Vec<Vec<Option<Tree>>> = workspace
        .packages
        .iter()
        .map(|package| {
            let contents = package.files.iter().map(|file| file.contents.as_deref());
            contents
                .map(|contents| Some(parse(contents?, Mode::Full)))
                .collect()
        })
        .collect();
    let packages: Vec<Parsed<'_>> = workspace
        .order()
        .iter()
        .filter(|&&index| *workspace.package(index).import_path != *"unsafe")
        .map(|&index| parsed(&workspace, index, &trees[index.0 as usize]))
        .collect();
    let lines: usize = packages
        .iter()
        .flat_map(|package| &package.files)
        .map(|file| memchr::memchr_iter(b'\n', file.source).count())
        .sum();
    println!(
        "{}: {} packages, {lines} lines, best of {} rounds",
        arguments.patterns.join(" "),
        packages.len(),
        arguments.rounds
    );
    // Deeply nested source is checked recursively.
    let ours = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(1 << 28)
            .spawn_scoped(scope, || {
                best_round(&workspace, &packages, arguments.rounds)
            })?
            .join()
            .map_err(|_| anyhow::anyhow!("the checker panicked"))?
    })?;
    report("goward", lines, ours);
    if arguments.alone {
        return Ok(());
    }
    let listed: Vec<Listed> = packages
        .iter()
        .map(|package| Listed::from_workspace(&workspace, package.index))
        .collect();
    let rounds = arguments.rounds.to_string();
    let said = go_types::run(&listed, &["-quiet", "-rounds", &rounds], |_, _| {})?;
    let (_, version) = go_program::installation()?;
    let line = said.lines().last().context("no figure from go/types")?;
    let counted: usize = between(line, "go/types: ", " lines")?.parse()?;
    ensure!(
        counted == lines,
        "go/types read {counted} lines, goward {lines}"
    );
    let theirs = between(line, "check ", " CPU s")?.parse::<f64>()? * 1e9;
    report(&format!("go/types of {version}"), lines, theirs);
    println!("ratio: {:.2}", theirs / ours);
    Ok(())
}

fn parsed<'w>(
    workspace: &'w Workspace,
    index: PackageIndex,
    trees: &'w [Option<Tree>],
) -> Parsed<'w> {
    let source = workspace.package(index);
    let (mut files, mut names) = (Vec::new(), Vec::new());
    for (file, tree) in source.files.iter().zip(trees) {
        if let (Some(tree), Some(contents)) = (tree, &file.contents) {
            files.push(File {
                tree,
                source: contents,
                version: GoVersion(file.go_version.0),
            });
            let name = file.path.file_name().unwrap_or_default();
            names.push(name.to_string_lossy().into_owned());
        }
    }
    Parsed {
        index,
        source,
        files,
        names,
    }
}

/// Checks all packages, each time in a new world, and returns the nanoseconds of the best time.
fn best_round(workspace: &Workspace, packages: &[Parsed<'_>], rounds: u32) -> anyhow::Result<f64> {
    let mut best = u64::MAX;
    for _ in 0..rounds {
        let before = thread_nanoseconds()?;
        let world = World::new(Sizes::for_architecture(&workspace.build.arch));
        let mut ids = vec![None; workspace.packages.len()];
        let mut results = Vec::new();
        let mut errors: Vec<TypeError> = Vec::new();
        for package in packages {
            let names = package.names.clone();
            let id = world.new_package(&package.source.import_path, names, false);
            let importer = Checked {
                source: package.source,
                ids: &ids,
            };
            let files = package.files.clone();
            let mut checked = Checker::check(&world, id, files, &importer, Settings::default());
            ids[package.index.0 as usize] = Some(id);
            errors.append(&mut checked.errors);
            results.push(checked);
        }
        best = best.min(thread_nanoseconds()? - before);
        if let Some(error) = errors.first() {
            println!("{} errors, the first is: {}", errors.len(), error.message);
        }
    }
    Ok(best as f64)
}

fn report(name: &str, lines: usize, nanoseconds: f64) {
    println!(
        "{name}: {:.1} ms, {:.3} million lines a second",
        nanoseconds / 1e6,
        lines as f64 * 1e3 / nanoseconds
    );
}

/// The text between two others.
fn between<'t>(text: &'t str, before: &str, after: &str) -> anyhow::Result<&'t str> {
    let found = text
        .split_once(before)
        .and_then(|(_, rest)| rest.split_once(after));
    Ok(found
        .with_context(|| format!("the Go program says: {text}"))?
        .0)
}
