//! The `goward` command: parses arguments, runs one command, sets the exit code.
//!
//! Exit codes: 0 clean, 1 findings, 2 goward itself failed.

mod commands;

use std::process::ExitCode;

use clap::Parser;

/// Finds, proves, explains and fixes the run-time hazards of Go programs.
#[derive(Parser)]
#[command(name = "goward", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    match commands::run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("goward: {error:#}");
            ExitCode::from(2)
        }
    }
}
