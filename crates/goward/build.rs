//! Embeds the Go sources that `goward lab` needs, so that the binary works outside of the repository:
//! the scenarios with their measured results, the runtime module and the map benchmark.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script reads the files that it embeds"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = manifest.join("../..");
    let mut code = String::new();
    for (constant, folder) in [
        ("SCENARIOS", "scenarios"),
        ("RUNTIME", "runtime/safemap"),
        ("MAPBENCH", "runtime/mapbench"),
    ] {
        let folder = root.join(folder).canonicalize()?;
        let mut files = Vec::new();
        collect(&folder, &mut files)?;
        files.sort();
        _ = writeln!(code, "pub(crate) static {constant}: &[(&str, &str)] = &[");
        for file in files {
            let name = file
                .strip_prefix(&folder)
                .unwrap_or(&file)
                .to_string_lossy()
                .replace('\\', "/");
            _ = writeln!(
                code,
                "    ({name:?}, include_str!({:?})),",
                file.display().to_string()
            );
        }
        code.push_str("];\n");
    }
    let target = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("embedded.rs");
    fs::write(target, code)
}

/// Lists the files that are needed at run time, and tells cargo to look at each folder again.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if name != "testdata" {
                collect(&path, files)?;
            }
        } else if (name.ends_with(".go") && !name.ends_with("_test.go"))
            || ["go.mod", "go.sum", "order.txt", "RESULTS.json"].contains(&name.as_str())
        {
            files.push(path);
        }
    }
    Ok(())
}
