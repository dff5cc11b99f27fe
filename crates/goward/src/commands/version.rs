//! `goward version`.

use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_arguments: &Arguments) -> anyhow::Result<ExitCode> {
    anstream::println!("goward {}", env!("CARGO_PKG_VERSION"));
    Ok(ExitCode::SUCCESS)
}
