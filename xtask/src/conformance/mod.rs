//! `cargo xtask conformance`: the checker on Go's own tests of type checkers and compilers, read
//! where the Go installation has them: `src/internal/types/testdata`, whose mistakes are marked with
//! `ERROR`, and the programs of `test` that must compile.
//!
//! go/types checks the same packages, and every fact that it has on a line without a mistake must be
//! goward's too: no type may be missing or unknown, and nothing may be reported there. What goward
//! itself notices of the mistakes is told beside, without being a goal. Rates and failing lines are
//! committed as conformance/types.txt.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

mod compare;
mod groups;
mod marks;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{bail, ensure};
use goward_diagnostics::LineIndex;
use goward_project::{WholeProgram, scan_header};
use goward_syntax::{Mode, Tree, parse};
use goward_types::{
    CheckedPackage, Checker, File, GoVersion, Importer, PackageId, Settings, dump_facts,
};

use crate::go_program;
use crate::go_types::{self, Listed, ListedModule};
use crate::oracle;
use crate::oracle_parse::read;
use compare::Verdict;
use groups::{Group, Suite};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail if the outcome differs from the committed one.
    #[arg(long)]
    check: bool,
    /// Only packages whose path contains this; writes nothing.
    #[arg(long)]
    only: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let report = report(arguments.only.as_deref())?;
    print!("{report}");
    if arguments.only.is_some() {
        return Ok(());
    }
    let file = go_program::workspace().join("conformance/types.txt");
    if read(&file).unwrap_or_default() == report.as_bytes() {
        println!("as committed in conformance/types.txt");
    } else if arguments.check {
        bail!("conformance/types.txt says something else; `cargo xtask conformance` writes it");
    } else {
        write(&file, &report)?;
        println!("wrote conformance/types.txt");
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "xtask writes files")]
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    Ok(std::fs::write(file, text)?)
}

/// What goward makes of one file.
struct Parsed {
    name: String,
    contents: Vec<u8>,
    lines: LineIndex,
    tree: Tree,
    version: GoVersion,
}

fn report(only: Option<&str>) -> anyhow::Result<String> {
    let (root, version) = go_program::installation()?;
    let mut groups = groups::testdata(&root)?;
    groups.extend(groups::tests(&root)?);
    if let Some(only) = only {
        groups.retain(|group| group.path.contains(only));
    }
    let program = oracle::check(&std::env::temp_dir(), &["std".to_owned()])?;
    let mut verdicts = ours(&program, &groups)?;
    let mut listed: Vec<Listed> = program
        .workspace
        .order()
        .iter()
        .map(|&index| Listed {
            silent: true,
            ..Listed::from_workspace(&program.workspace, index)
        })
        .collect();
    listed.extend(groups.iter().map(for_go));
    let mut answered = 0;
    go_types::run(&listed, &[], |path, facts| {
        if let Some(verdict) = verdicts.get_mut(&path) {
            verdict.compare(&facts);
            answered += 1;
        }
    })?;
    ensure!(
        answered == groups.len(),
        "go/types answered for {answered} of {} packages",
        groups.len()
    );
    let mut text = format!("The checker on the tests of {version}, against go/types\n");
    let mut failures = String::new();
    for (suite, title) in [
        (Suite::Testdata, "src/internal/types/testdata"),
        (Suite::Test, "test (what must compile)"),
    ] {
        summarise(suite, title, &groups, &verdicts, &mut text);
        for group in groups.iter().filter(|group| group.suite == suite) {
            if let Some(verdict) = verdicts.get(&group.path) {
                for failure in &verdict.failures {
                    writeln!(failures, "{failure}")?;
                }
            }
        }
    }
    if !failures.is_empty() {
        write!(
            text,
            "Failing lines, with the first that fails on each:\n{failures}"
        )?;
    }
    Ok(text)
}

fn summarise(
    suite: Suite,
    title: &str,
    groups: &[Group],
    verdicts: &BTreeMap<String, Verdict>,
    text: &mut String,
) {
    let mut sum = Verdict::default();
    let (mut packages, mut files, mut refused) = (0, 0, 0);
    for group in groups.iter().filter(|group| group.suite == suite) {
        packages += 1;
        files += group.files.len();
        if let Some(verdict) = verdicts.get(&group.path) {
            sum.add(verdict);
            refused += usize::from(verdict.refused);
        }
    }
    let _ = writeln!(
        text,
        "{title}: {} / {} lines without a mistake typed as go/types does ({} / {} facts; {files} files, {packages} packages)",
        sum.lines - sum.failing_lines,
        sum.lines,
        sum.equal,
        sum.facts,
    );
    let _ = match suite {
        Suite::Testdata => writeln!(
            text,
            "    {} ERROR marks on {} lines; goward itself notices something on {} of these lines",
            sum.marks, sum.marked_lines, sum.noticed
        ),
        Suite::Test => writeln!(
            text,
            "    {refused} packages have lines that go/types refuses (other build, no cgo); these lines are left out"
        ),
    };
}

fn for_go(group: &Group) -> Listed {
    Listed {
        import_path: group.path.clone(),
        dir: group.directory.display().to_string(),
        compiled_go_files: group.files.clone(),
        import_map: group.siblings.clone(),
        module: group.language.as_ref().map(|version| ListedModule {
            go_version: version.clone(),
        }),
        fake_import_c: group.fake_import_c,
        silent: false,
    }
}

/// Checks all groups with goward.
fn ours(program: &WholeProgram, groups: &[Group]) -> anyhow::Result<BTreeMap<String, Verdict>> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .stack_size(oracle::STACK)
        .build()?;
    pool.install(|| {
        let mut checked = BTreeMap::new();
        let mut verdicts = BTreeMap::new();
        for group in groups {
            verdicts.insert(group.path.clone(), check(program, group, &mut checked)?);
        }
        Ok(verdicts)
    })
}

/// Finds the packages of the standard library and those of the same folder.
struct Imports<'p> {
    program: &'p WholeProgram,
    group: &'p Group,
    checked: &'p BTreeMap<String, PackageId>,
}

impl Importer for Imports<'_> {
    fn import(&self, path: &str) -> Option<PackageId> {
        if path == "unsafe" {
            return Some(PackageId::UNSAFE);
        }
        if let Some(sibling) = self.group.siblings.get(path) {
            return self.checked.get(sibling).copied();
        }
        let index = self.program.workspace.find(path)?;
        Some(self.program.package(index)?.importable)
    }
}

fn check(
    program: &WholeProgram,
    group: &Group,
    checked: &mut BTreeMap<String, PackageId>,
) -> anyhow::Result<Verdict> {
    let mut files = Vec::new();
    for name in &group.files {
        files.push(parsed(group, name)?);
    }
    let id = program
        .world
        .new_package(&group.path, group.files.clone(), false);
    let inputs = files
        .iter()
        .map(|file| File {
            tree: &file.tree,
            source: &file.contents,
            version: file.version,
        })
        .collect();
    let imports = Imports {
        program,
        group,
        checked,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let result = Checker::check(&program.world, id, inputs, &imports, Settings::default());
        let trees: Vec<&Tree> = files.iter().map(|file| &file.tree).collect();
        let facts = dump_facts(&program.world, id, &result.facts, &trees);
        (facts, result)
    }));
    checked.insert(group.path.clone(), id);
    let mut verdict = Verdict::new(group);
    for file in &files {
        let marks = match group.suite {
            Suite::Testdata => marks::error_marks(&file.contents, &file.tree),
            Suite::Test => Vec::new(),
        };
        verdict.add_file(&file.name, &file.lines, &marks);
        for diagnostic in file.tree.diagnostics() {
            verdict.add_error(&file.name, diagnostic.span.start, &diagnostic.message);
        }
    }
    match outcome {
        Ok((facts, CheckedPackage { errors, .. })) => {
            verdict.set_facts(facts);
            for error in errors {
                if let Some(name) = group.files.get(error.file as usize) {
                    verdict.add_error(name, error.span.start, &error.message);
                }
            }
        }
        Err(_) => verdict.add_error(&group.files[0], 0, "the checker panicked"),
    }
    Ok(verdict)
}

fn parsed(group: &Group, name: &str) -> anyhow::Result<Parsed> {
    let contents = read(&group.directory.join(name))?;
    let package_version = group
        .language
        .as_deref()
        .and_then(goward_project::GoVersion::parse)
        .map_or(0, |version| version.0);
    // As in go/types: a file may say its version, but no older one than the first that could.
    let version = scan_header(&contents)
        .go_version
        .map_or(package_version, |version| version.max(21));
    Ok(Parsed {
        name: name.to_owned(),
        lines: LineIndex::new(&contents),
        tree: parse(&contents, Mode::Full),
        contents,
        version: GoVersion(version),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    #[ignore = "checks some three thousand packages; run by cargo xtask test --slow"]
    fn the_committed_outcome_is_that_of_a_fresh_run() {
        let committed = include_str!("../../../conformance/types.txt");
        assert_eq!(super::report(None).unwrap(), committed);
    }
}
