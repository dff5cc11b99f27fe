//! `cargo xtask counts`: how much work the parts of goward do, in counts that no clock can blur.
//!
//! The counting happens in a program of its own (`src/bin/counts.rs`), because counting allocations
//! would slow down everything else here.

#![expect(clippy::disallowed_methods, reason = "xtask starts programs")]
#![expect(clippy::print_stdout, reason = "says what it did")]

use std::process::Command;

use anyhow::{bail, ensure};

use crate::go_program::workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail if a count differs from the committed one.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let output = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "xtask",
            "--bin",
            "counts",
        ])
        .current_dir(workspace())
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "counting failed");
    let counts = String::from_utf8(output.stdout)?;
    let file = workspace().join("bench/counts.txt");
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    print!("{counts}");
    if counts == committed {
        println!("as committed in bench/counts.txt");
    } else if arguments.check {
        bail!("bench/counts.txt says:\n{committed}run `cargo xtask counts` if that is meant");
    } else {
        std::fs::create_dir_all(workspace().join("bench"))?;
        std::fs::write(file, counts)?;
        println!("wrote bench/counts.txt");
    }
    Ok(())
}
