//! `cargo xtask oracle`: every fact that goward finds about a program against what go/types says.
//!
//! The Go program `xtask/go/oracle` prints the facts of go/types, package by package; ours are made
//! beside them and compared as sorted lists of lines.

#![expect(clippy::disallowed_methods, reason = "xtask starts programs")]
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use goward_project::{Environment, LoadOptions, OsFileSystem, ProgramOptions, WholeProgram, load};
use goward_types::dump_facts;

use crate::go_program;

/// Stack of the threads that check: deeply nested source is checked recursively.
pub(crate) const STACK: usize = 1 << 30;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `std`, or patterns inside of `--dir`.
    #[arg(default_value = "std")]
    patterns: Vec<String>,
    /// The folder of a module.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Print goward's facts instead of comparing them.
    #[arg(long)]
    dump: bool,
    /// Only compare this package.
    #[arg(long)]
    package: Option<String>,
    /// How many differences to print.
    #[arg(long, default_value_t = 20)]
    differences: usize,
}

/// The outcome for one package.
#[derive(Default)]
struct Outcome {
    equal: usize,
    only_go: Vec<String>,
    only_goward: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let directory = match &arguments.dir {
        Some(directory) => directory.canonicalize().context("no such folder")?,
        None => std::env::temp_dir(),
    };
    let program = check(&directory, &arguments.patterns)?;
    if arguments.dump {
        return print_facts(&program, arguments);
    }
    compare(&program, &directory, arguments)
}

/// Loads and checks all packages with their bodies.
pub(crate) fn check(directory: &Path, patterns: &[String]) -> anyhow::Result<WholeProgram> {
    let mut environment = Environment::from_process(&OsFileSystem);
    environment.set("CGO_ENABLED", "0");
    let mut options = LoadOptions::new(directory).patterns(patterns.to_vec());
    options.tests = false;
    options.cgo = Some(false);
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build()?;
    Ok(pool.install(|| {
        let workspace = load(&options, &environment, &OsFileSystem);
        WholeProgram::check(workspace, &OsFileSystem, ProgramOptions { whole: true })
    }))
}

fn facts(program: &WholeProgram, import_path: &str) -> Option<Vec<String>> {
    let package = program.package(program.workspace.find(import_path)?)?;
    let mut lines = dump_facts(&package.world, package.id, &package.facts, &package.trees());
    lines.sort_unstable();
    Some(lines)
}

fn print_facts(program: &WholeProgram, arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for &index in program.workspace.order() {
        let path = &*program.source(index).import_path;
        // go/types has package unsafe built in, and says nothing of its file.
        if path == "unsafe"
            || arguments
                .package
                .as_deref()
                .is_some_and(|only| only != path)
        {
            continue;
        }
        for line in facts(program, path).unwrap_or_default() {
            writeln!(out, "{path}\t{line}")?;
        }
    }
    out.flush()?;
    Ok(())
}

fn compare(program: &WholeProgram, directory: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let binary = go_program::build("oracle")?;
    let mut child = Command::new(binary)
        .args(&arguments.patterns)
        .current_dir(directory)
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .stdout(Stdio::piped())
        .spawn()?;
    let reader = BufReader::with_capacity(1 << 20, child.stdout.take().context("no output")?);
    let mut outcomes: BTreeMap<String, Outcome> = BTreeMap::new();
    let mut current: Option<(String, Vec<String>)> = None;
    let mut finish = |current: Option<(String, Vec<String>)>| {
        let Some((path, theirs)) = current else {
            return;
        };
        if arguments
            .package
            .as_deref()
            .is_some_and(|only| only != path)
        {
            return;
        }
        let ours = facts(program, &path).unwrap_or_default();
        outcomes.insert(path, difference(&theirs, &ours));
    };
    for line in reader.lines() {
        let line = line?;
        if let Some(path) = line.strip_prefix("= ") {
            finish(current.replace((path.to_owned(), Vec::new())));
        } else if let Some((_, lines)) = &mut current {
            lines.push(line);
        }
    }
    finish(current);
    anyhow::ensure!(child.wait()?.success(), "the Go side failed");
    report(&outcomes, program, arguments)
}

fn difference(theirs: &[String], ours: &[String]) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut i, mut j) = (0, 0);
    while i < theirs.len() || j < ours.len() {
        let ordering = match (theirs.get(i), ours.get(j)) {
            (Some(their), Some(our)) => their.cmp(our),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, _) => std::cmp::Ordering::Greater,
        };
        match ordering {
            std::cmp::Ordering::Equal => {
                outcome.equal += 1;
                i += 1;
                j += 1;
            }
            std::cmp::Ordering::Less => {
                outcome.only_go.push(theirs[i].clone());
                i += 1;
            }
            std::cmp::Ordering::Greater => {
                outcome.only_goward.push(ours[j].clone());
                j += 1;
            }
        }
    }
    outcome
}

fn report(
    outcomes: &BTreeMap<String, Outcome>,
    program: &WholeProgram,
    arguments: &Arguments,
) -> anyhow::Result<()> {
    let mut left = arguments.differences;
    let (mut equal, mut total, mut whole) = (0, 0, 0);
    for (path, outcome) in outcomes {
        equal += outcome.equal;
        total += outcome.equal + outcome.only_go.len().max(outcome.only_goward.len());
        whole += usize::from(outcome.only_go.is_empty() && outcome.only_goward.is_empty());
        for (lines, side) in [
            (&outcome.only_go, "go    "),
            (&outcome.only_goward, "goward"),
        ] {
            for line in lines.iter().take(left.min(6)) {
                println!("  only {side}: {path}\t{line}");
            }
        }
        let shown = outcome.only_go.len().min(6) + outcome.only_goward.len().min(6);
        left = left.saturating_sub(shown);
    }
    let mut errors = 0;
    for &index in program.workspace.order() {
        if let Some(package) = program.package(index) {
            errors += package.errors.len();
            for error in package.errors.iter().take(arguments.differences.min(3)) {
                let file = program
                    .world
                    .package(package.id)
                    .files
                    .get(error.file as usize);
                let file = file.map_or("?", String::as_str);
                let path = &program.source(index).import_path;
                println!(
                    "  error: {path}/{file}:{}: {}",
                    error.span.start, error.message
                );
            }
        }
    }
    println!(
        "{whole} / {} packages equal, {errors} errors reported by goward",
        outcomes.len()
    );
    println!("{equal} / {total} facts equal");
    anyhow::ensure!(equal == total, "facts differ from go/types");
    Ok(())
}
