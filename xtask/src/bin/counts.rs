//! Counts what the parts of goward do over the Go files of this repository; `cargo xtask counts`
//! runs it. Only what is the same in each run and on each machine is counted.

#![expect(clippy::disallowed_methods, reason = "xtask reads files")]
#![expect(clippy::print_stdout, reason = "the counts are the output")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use anyhow::Context;
use goward_syntax::{Mode, parse};

fn main() -> anyhow::Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("no workspace")?;
    println!("# Made by `cargo xtask counts`: the parser over the Go files of each folder.");
    println!("# folder, mode: files, bytes, nodes, allocations, most bytes held");
    for folder in ["examples"] {
        let mut files = Vec::new();
        collect(&workspace.join(folder), &mut files)?;
        files.sort();
        let mut texts = Vec::new();
        for file in &files {
            texts.push(std::fs::read(file)?);
        }
        if texts.is_empty() {
            continue;
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
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
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
