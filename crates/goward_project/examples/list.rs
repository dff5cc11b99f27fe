//! Prints what the loader finds: `cargo run --release -p goward_project --example list -- ./...`

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is there to print"
)]

use goward_project::{Contents, Environment, LoadOptions, OsFileSystem, load};

fn main() {
    let directory = std::env::current_dir().expect("the current folder can be read");
    let environment = Environment::from_process(&OsFileSystem);
    let mut options = LoadOptions::new(directory).patterns(std::env::args().skip(1));
    options.contents = Contents::Keep;
    let workspace = load(&options, &environment, &OsFileSystem);
    for package in &workspace.packages {
        if !package.dependency_only {
            println!("{} {}", package.import_path, package.files.len());
        }
    }
    for diagnostic in &workspace.diagnostics {
        eprintln!("{diagnostic}");
    }
    let files = workspace.packages.iter().flat_map(|package| &package.files);
    let (count, bytes) = files.fold((0, 0), |(count, bytes), file| {
        let length = file.contents.as_ref().map_or(0, |contents| contents.len());
        (count + 1, bytes + length)
    });
    eprintln!(
        "{} packages, {count} files, {bytes} bytes; {}",
        workspace.packages.len(),
        workspace.goroot.as_ref().map_or_else(
            || "no Go installation".to_owned(),
            |goroot| format!("Go {} in {}", goroot.release, goroot.path.display())
        )
    );
}
