//! The `goward` command: parses arguments, runs one command, sets the exit code.
//!
//! Exit codes: 0 clean, 1 findings, 2 goward itself failed.

mod allocator;
mod analysis;
mod baseline;
mod cache;
mod commands;
mod external;
mod files;
mod forensics;
mod lab;
mod left_out;
mod output;
mod own_files;
mod progress;
mod repair;
mod view;
mod watch;

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
            // A reader that has seen enough, as in `goward rules | head`.
            let io_error = error
                .downcast_ref::<std::io::Error>()
                .map(std::io::Error::kind);
            if io_error == Some(std::io::ErrorKind::BrokenPipe) {
                return ExitCode::SUCCESS;
            }
            print_error(&error);
            ExitCode::from(2)
        }
    }
}

/// Says what went wrong, harmless for the terminal whatever names it quotes.
fn print_error(error: &anyhow::Error) {
    let text = format!("{error:#}");
    anstream::eprintln!("goward: {}", goward_diagnostics::neutralise_lines(&text));
}
