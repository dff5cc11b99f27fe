//! Commands of their own, which `goward` starts as git starts its external ones: what they need costs
//! too much to build for those who do not use them.

#![expect(clippy::disallowed_methods, reason = "starts goward's own commands")]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// Starts `goward-NAME` with its standard input open for writing.
pub(crate) fn start(
    name: &str,
    arguments: &[&std::ffi::OsStr],
    without: &str,
) -> anyhow::Result<Child> {
    let program = find(name).with_context(|| {
        format!("the command goward-{name} is not installed (cargo build --release -p goward_{name}, or cargo install); {without}")
    })?;
    Command::new(&program)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))
}

/// Beside this program first: the two belong together. Then in the folders of PATH.
fn find(name: &str) -> Option<PathBuf> {
    let file = format!("goward-{name}{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().ok();
    let beside = own
        .as_deref()
        .and_then(|own| own.parent())
        .map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(std::env::split_paths(&path).filter(|folder| folder.is_absolute()))
        .map(|folder| folder.join(&file))
        .find(|program| program.is_file())
}
