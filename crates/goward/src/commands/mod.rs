//! The list of commands. One file a command: its arguments and what it does.

mod check;
mod completions;
mod crash;
mod explain;
mod lab;
mod leaks;
mod profile;
mod rules;
mod trace;
mod version;

use std::process::ExitCode;

/// Every command of `goward`, in the order in which `goward help` shows them.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Find run-time hazards in Go source.
    Check(Box<check::Arguments>),
    /// List the rules.
    Rules(rules::Arguments),
    /// Explain a rule: what it reports, why it matters, examples.
    Explain(explain::Arguments),
    Crash(crash::Arguments),
    /// Show what Go really does: run scenarios, list map operations, measure maps.
    Lab(lab::Arguments),
    Leaks(leaks::Arguments),
    Profile(profile::Arguments),
    /// Print a completion script for a shell.
    Completions(completions::Arguments),
    /// Read execution traces: what ran when, what blocked whom, and what led to a panic.
    Trace(trace::Arguments),
    /// Print the version of goward.
    Version(version::Arguments),
}

/// Runs one command and returns its exit code; an error means that goward itself failed (code 2).
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(arguments) => check::run(*arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Crash(arguments) => crash::run(&arguments),
        Command::Lab(arguments) => lab::run(arguments),
        Command::Leaks(arguments) => leaks::run(&arguments),
        Command::Profile(arguments) => profile::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Trace(arguments) => trace::run(&arguments),
        Command::Version(arguments) => version::run(&arguments),
    }
}
