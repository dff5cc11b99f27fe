//! `goward lab`: what Go really does, measured on the reader's machine. One file a subcommand.

mod asm;
mod list;
mod maps;
mod run;
mod show;

use std::process::ExitCode;

/// Show, run and measure what Go really does.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the scenarios: small Go programs that show one hazard each.
    List(list::Arguments),
    /// Print the Go program of a scenario and what was measured of it.
    Show(show::Arguments),
    /// Build and run scenarios with your Go and report what it does.
    Run(run::Arguments),
    /// Show which runtime functions the map operations of your code compile to.
    Asm(asm::Arguments),
    /// Measure maps that goroutines share on your machine, and say which to choose.
    Maps(maps::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::List(arguments) => list::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Asm(arguments) => asm::run(&arguments),
        Command::Maps(arguments) => maps::run(&arguments),
    }
}

/// The end of a command whose output nobody reads any more (`goward lab list | head`) is no error.
fn unless_closed(result: std::io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
