//! `cargo xtask unicode-tables`: the letters and digits of Go's package unicode, for the lexer.

#![expect(
    clippy::disallowed_methods,
    reason = "xtask starts programs and reads files"
)]

use std::process::Command;

use anyhow::{bail, ensure};

use crate::go_program;
use crate::oracle_parse::{save, write_out};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail if the tables are not those of the Go installation.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let program = go_program::build("unicode_tables")?;
    let output = Command::new(program).output()?;
    ensure!(output.status.success(), "the Go program failed");
    let tables = String::from_utf8(output.stdout)?;
    let file = go_program::workspace().join("crates/goward_syntax/src/unicode.rs");
    if std::fs::read_to_string(&file)? == tables {
        return write_out("the tables are those of this Go\n");
    }
    if arguments.check {
        bail!(
            "{} is out of date: run `cargo xtask unicode-tables`",
            file.display()
        );
    }
    save(&file, &tables)?;
    write_out("wrote crates/goward_syntax/src/unicode.rs\n")
}
