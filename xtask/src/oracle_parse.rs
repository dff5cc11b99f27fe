//! `cargo xtask oracle-parse`: goward's parser against go/parser, file by file: which files are
//! accepted, and for those that are, every node of the tree with its range.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use goward_syntax::{Mode, dump, parse};

use crate::go_program;
use crate::oracle_parse_mutants as mutants;

/// So many differences are printed.
const SHOWN: usize = 10;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folders with Go files; without any, `src` and `test` of the Go installation.
    folders: Vec<PathBuf>,
    /// Write the figures to this file, too.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Instead, compare so many changed pieces of the files: which of them are accepted.
    #[arg(long)]
    mutants: Option<usize>,
    /// Where the random changes start.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What go/parser says about a file.
struct Verdict {
    accepted: bool,
    hash: u64,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let program = go_program::build("oracle_parse")?;
    let (root, version) = go_program::installation()?;
    let of_installation = arguments.folders.is_empty();
    let folders = if of_installation {
        vec![root.join("src"), root.join("test")]
    } else {
        arguments.folders
    };
    let files = go_program::go_files(&folders)?;
    if let Some(count) = arguments.mutants {
        return mutants::compare(&program, &files, count, arguments.seed);
    }
    let verdicts = ask_go(&program, &files)?;
    let mut equal_verdicts = 0;
    let mut accepted = 0;
    let mut equal_trees = 0;
    let mut nodes = 0;
    let mut differences = Vec::new();
    for path in &files {
        let verdict = verdicts
            .get(path)
            .with_context(|| format!("no verdict about {}", path.display()))?;
        accepted += usize::from(verdict.accepted);
        let tree = parse(&read(path)?, Mode::Full);
        let ours = tree.diagnostics().is_empty();
        if ours != verdict.accepted {
            let reason = match tree.diagnostics().first() {
                Some(first) => format!("rejected here at {}: {}", first.span.start, first.message),
                None => "accepted here, rejected by go/parser".to_owned(),
            };
            differences.push(format!("{}: {reason}", path.display()));
            continue;
        }
        equal_verdicts += 1;
        if !ours {
            continue;
        }
        nodes += tree.node_count();
        let text = dump(&tree);
        if hash(text.as_bytes()) == verdict.hash {
            equal_trees += 1;
        } else if differences.len() < SHOWN {
            differences.push(first_difference(&program, path, &text)?);
        } else {
            differences.push(format!("{}: the trees differ", path.display()));
        }
    }
    let total = files.len();
    let rejected = total - accepted;
    let report = format!(
        "go/parser of {version} over {}\n\
         {equal_verdicts} / {total} files accepted or rejected alike \
         ({accepted} accepted, {rejected} rejected by go/parser)\n\
         {equal_trees} / {accepted} trees equal, {nodes} nodes\n",
        if of_installation {
            "GOROOT/src and GOROOT/test"
        } else {
            "the folders given"
        },
    );
    write_out(&report)?;
    for difference in differences.iter().take(SHOWN) {
        write_out(&format!("{difference}\n"))?;
    }
    if let Some(path) = arguments.write {
        save(&path, &report)?;
    }
    ensure!(
        differences.is_empty(),
        "{} files differ from go/parser",
        differences.len()
    );
    Ok(())
}

/// Runs the Go program over all files.
#[expect(clippy::disallowed_methods, reason = "xtask starts programs")]
fn ask_go(program: &Path, files: &[PathBuf]) -> anyhow::Result<HashMap<PathBuf, Verdict>> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("no input pipe")?;
    let list: Vec<u8> = files
        .iter()
        .flat_map(|path| [path.as_os_str().as_encoded_bytes(), b"\n"].concat())
        .collect();
    let writer = std::thread::spawn(move || input.write_all(&list));
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the Go program failed");
    writer
        .join()
        .map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    let mut verdicts = HashMap::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let mut columns = line.split('\t');
        let (Some(path), Some(accepted), Some(hash)) =
            (columns.next(), columns.next(), columns.next())
        else {
            anyhow::bail!("unexpected line from the Go program: {line}");
        };
        let verdict = Verdict {
            accepted: accepted == "true",
            hash: u64::from_str_radix(hash, 16)?,
        };
        verdicts.insert(PathBuf::from(path), verdict);
    }
    Ok(verdicts)
}

/// The first lines in which the two trees of a file differ.
#[expect(clippy::disallowed_methods, reason = "xtask starts programs")]
fn first_difference(program: &Path, path: &Path, ours: &str) -> anyhow::Result<String> {
    let output = Command::new(program).arg("-dump").arg(path).output()?;
    let theirs = String::from_utf8_lossy(&output.stdout);
    let mut ours = ours.lines();
    let mut theirs = theirs.lines();
    loop {
        let (our, their) = (ours.next(), theirs.next());
        if our != their {
            return Ok(format!(
                "{}: goward: {}; go/parser: {}",
                path.display(),
                our.unwrap_or("nothing"),
                their.unwrap_or("nothing")
            ));
        }
        if our.is_none() {
            return Ok(format!("{}: only the hashes differ", path.display()));
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(14_695_981_039_346_656_037, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
        })
}

#[expect(clippy::disallowed_methods, reason = "xtask reads files")]
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "xtask writes files")]
pub(crate) fn save(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

pub(crate) fn write_out(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
