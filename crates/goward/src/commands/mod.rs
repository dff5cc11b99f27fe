//! The list of commands. One file a command: its arguments and what it does.

mod version;

use std::process::ExitCode;

/// Every command of `goward`, in the order in which `goward help` shows them.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Print the version of goward.
    Version(version::Arguments),
}

/// Runs one command and returns its exit code; an error means that goward itself failed (code 2).
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Version(arguments) => version::run(&arguments),
    }
}
