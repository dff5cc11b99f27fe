//! `goward version`.

use std::process::ExitCode;

use goward_project::BuiltInLibrary;

#[derive(clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_arguments: &Arguments) -> anyhow::Result<ExitCode> {
    anstream::println!("goward {}", env!("CARGO_PKG_VERSION"));
    if let Some(release) = BuiltInLibrary::release() {
        anstream::println!("built-in standard library: Go {release}");
    }
    Ok(ExitCode::SUCCESS)
}
