//! `goward completions SHELL`.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The shell to write for.
    shell: clap_complete::Shell,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    let mut command = crate::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "goward", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
