//! `goward-parquet leaks FILE`: writes the rows of `goward leaks --out FILE.parquet`, which come as
//! lines of JSON on standard input.
//!
//! A command of its own, which `goward` starts as git starts its external ones: the parquet crate
//! costs 54 CPU seconds of a cold release build (without arrow; the whole of `goward` costs 180),
//! which nobody who only checks source should pay. Rows are written in groups, so that memory does
//! not grow with their number.

mod leaks;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

fn main() -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    let [table, path] = arguments.as_slice() else {
        anstream::eprintln!(
            "usage: goward-parquet leaks FILE < ROWS (goward starts it: `goward leaks … --out FILE.parquet`)"
        );
        return ExitCode::from(2);
    };
    match run(&table.to_string_lossy(), Path::new(path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = format!("{error:#}");
            anstream::eprintln!(
                "goward-parquet: {}",
                goward_diagnostics::neutralise_lines(&text)
            );
            ExitCode::from(2)
        }
    }
}

/// Writes through a temporary file in the same folder.
fn run(table: &str, path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(table == "leaks", "unknown table {table}; there is `leaks`");
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What the user's mask forbids is taken off by the system.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder
        .tempfile_in(folder)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    leaks::write(std::io::stdin().lock(), file.as_file_mut())?;
    file.persist(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}
