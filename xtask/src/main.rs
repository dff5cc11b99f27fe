//! `cargo xtask`: the project's own chores. One file a chore.

mod go_program;
mod oracle;
mod oracle_list;
mod oracle_parse;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(clap::Subcommand)]
enum Chore {
    /// Run all tests; `--slow` adds the checks that take longer than the default suite may.
    Test {
        /// Also run what takes longer than fifteen minutes.
        #[arg(long)]
        slow: bool,
    },
    /// Compare the parser with go/parser over all files of a Go installation.
    OracleParse(oracle_parse::Arguments),
    /// Compare every fact of the type checker with go/types.
    Oracle(oracle::Arguments),
    /// Compare packages, files and imports with `go list -deps -test`.
    OracleList(oracle_list::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().chore {
        Chore::Test { slow } => test(slow),
        Chore::OracleParse(arguments) => oracle_parse::run(arguments),
        Chore::Oracle(arguments) => oracle::run(&arguments),
        Chore::OracleList(arguments) => oracle_list::run(&arguments),
    }
}

#[expect(clippy::disallowed_methods, reason = "xtask starts programs")]
fn test(_slow: bool) -> anyhow::Result<()> {
    let status = std::process::Command::new("cargo")
        .args(["test", "--workspace"])
        .status()?;
    anyhow::ensure!(status.success(), "cargo test failed");
    Ok(())
}
