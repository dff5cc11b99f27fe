//! `cargo xtask std-summary`: makes the summary of the standard library that goward carries, from
//! the Go on PATH; with `--check`, compares it with that Go and with go/types, object by object.

#![expect(
    clippy::disallowed_methods,
    reason = "xtask starts programs and reads files"
)]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow, ensure};
use goward_project::{Environment, LoadOptions, OsFileSystem, ProgramOptions, WholeProgram, load};
use goward_types::{
    ObjectId, ObjectKind, PackageId, Packing, Sizes, Summary, SummaryBuilder, SummaryPackages,
    Type, TypeId, World,
};

use crate::go_program;
use crate::oracle_parse::write_out;

/// Stack of the threads that check.
const STACK: usize = 1 << 30;

/// Systems and architectures that the summary knows: all that Go has.
const PLATFORMS: [&str; 47] = [
    "aix/ppc64",
    "android/386",
    "android/amd64",
    "android/arm",
    "android/arm64",
    "darwin/amd64",
    "darwin/arm64",
    "dragonfly/amd64",
    "freebsd/386",
    "freebsd/amd64",
    "freebsd/arm",
    "freebsd/arm64",
    "illumos/amd64",
    "ios/amd64",
    "ios/arm64",
    "js/wasm",
    "linux/386",
    "linux/amd64",
    "linux/arm",
    "linux/arm64",
    "linux/loong64",
    "linux/mips",
    "linux/mips64",
    "linux/mips64le",
    "linux/mipsle",
    "linux/ppc64",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
    "netbsd/386",
    "netbsd/amd64",
    "netbsd/arm",
    "netbsd/arm64",
    "openbsd/386",
    "openbsd/amd64",
    "openbsd/arm",
    "openbsd/arm64",
    "openbsd/ppc64",
    "openbsd/riscv64",
    "plan9/386",
    "plan9/amd64",
    "plan9/arm",
    "solaris/amd64",
    "wasip1/wasm",
    "windows/386",
    "windows/amd64",
    "windows/arm64",
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail if the summary is not that of the Go on PATH, or differs from go/types.
    #[arg(long)]
    check: bool,
    /// How many differences to print.
    #[arg(long, default_value_t = 20)]
    differences: usize,
}

/// Where the summary lies.
fn summary_file() -> PathBuf {
    go_program::workspace().join("crates/goward_project/standard_library/summary.bin")
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (_, version) = go_program::installation()?;
    let release = version.trim_start_matches("go");
    let made = make(release)?;
    let file = summary_file();
    if !arguments.check {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, &made)?;
        return write_out(&format!(
            "wrote {} bytes to {}\n",
            made.len(),
            file.display()
        ));
    }
    let committed = std::fs::read(&file).with_context(|| format!("no {}", file.display()))?;
    let summary = Summary::open(&committed)?;
    ensure!(
        summary.release() != release || committed == made,
        "the summary is not what this Go {release} gives: run `cargo xtask std-summary`"
    );
    compare(&committed, summary.platforms(), arguments.differences)
}

/// Checks the standard library for each platform, and puts it into a summary.
fn make(release: &str) -> anyhow::Result<Vec<u8>> {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build()?;
    let mut builder = SummaryBuilder::new(release);
    for platform in PLATFORMS {
        let (system, architecture) = platform.split_once('/').context("no such platform")?;
        let mut options = LoadOptions::new(std::env::temp_dir()).patterns(["std"]);
        options.tests = false;
        options.cgo = Some(false);
        options.os = Some(system.to_owned());
        options.arch = Some(architecture.to_owned());
        let environment = Environment::from_process(&OsFileSystem);
        let program = pool.install(|| {
            let workspace = load(&options, &environment, &OsFileSystem);
            WholeProgram::check(workspace, &OsFileSystem, ProgramOptions::default())
        });
        let mut packages = Vec::new();
        for &index in program.workspace.order() {
            let Some(package) = program.package(index) else {
                continue;
            };
            let path = &program.source(index).import_path;
            ensure!(
                package.errors.is_empty(),
                "{platform}: {path}: {}",
                package.errors[0].message
            );
            // The world has it from the beginning.
            if &**path != "unsafe" {
                packages.push(package.id);
            }
        }
        builder
            .add_platform(platform, &program.world, &packages)
            .map_err(|cause| anyhow!(cause))?;
    }
    builder
        .finish(Packing::Compressed)
        .map_err(|cause| anyhow!(cause))
}

/// Compares every object of some platforms with what go/types says.
fn compare(bytes: &[u8], platforms: &[&str], most: usize) -> anyhow::Result<()> {
    let binary = go_program::build("std_summary")?;
    let (mut all_equal, mut all_total, mut shown) = (0, 0, 0);
    let summary = Summary::open(bytes)?;
    for &platform in platforms {
        let (system, architecture) = platform.split_once('/').context("no such platform")?;
        let number = summary.platform(system, architecture);
        let number = number.context("no such platform")?;
        let output = Command::new(&binary)
            .env("GOOS", system)
            .env("GOARCH", architecture)
            .env("CGO_ENABLED", "0")
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "")
            .env("GOEXPERIMENT", "")
            .current_dir(std::env::temp_dir())
            .output()?;
        ensure!(
            output.status.success(),
            "the Go side failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let theirs = String::from_utf8(output.stdout)?;
        let (theirs, left) = theirs
            .trim_end()
            .rsplit_once("left\t")
            .context("the Go side ended too early")?;
        let mut theirs: Vec<&str> = theirs.lines().collect();
        let world = World::new(Sizes::for_architecture(architecture));
        let packages = SummaryPackages::new(&summary, number);
        let mut ours = Vec::new();
        for path in summary.packages(number) {
            let package = packages.import(&world, path)?.context("no package")?;
            for (_, object) in world.package(package).names() {
                ours.push(format!("{path}\t{}", describe(&world, object)));
            }
        }
        theirs.sort_unstable();
        ours.sort_unstable();
        let missing: Vec<&&str> = theirs
            .iter()
            .filter(|line| ours.binary_search_by(|our| our.as_str().cmp(line)).is_err())
            .collect();
        let extra: Vec<&String> = ours
            .iter()
            .filter(|line| theirs.binary_search(&line.as_str()).is_err())
            .collect();
        let equal = theirs.len() - missing.len();
        let total = theirs.len().max(equal + extra.len());
        for (side, line) in missing
            .iter()
            .map(|line| ("go    ", **line))
            .chain(extra.iter().map(|line| ("goward", line.as_str())))
            .take(most.saturating_sub(shown))
        {
            write_out(&format!("  only {side}: {line}\n"))?;
            shown += 1;
        }
        write_out(&format!(
            "{platform}: {equal} / {total} objects equal ({left} unexported functions, variables \
             and constants are left out)\n"
        ))?;
        all_equal += equal;
        all_total += total;
    }
    write_out(&format!("{all_equal} / {all_total} objects equal\n"))?;
    ensure!(all_equal == all_total, "objects differ from go/types");
    Ok(())
}

/// Everything about an object as one line, in the words of `xtask/go/std_summary`.
fn describe(world: &World, id: ObjectId) -> String {
    let path = |package: PackageId| world.package(package).path;
    let object = world.object(id);
    let mut text = world.object_string(id, &path);
    match object.kind {
        ObjectKind::Constant => drop(write!(text, "\t{}", object.constant().exact_string())),
        ObjectKind::TypeName => {
            let declared = world.object_type(id);
            let underlying = world.type_text(world.underlying(declared));
            let comparable = world.comparable(declared);
            let _ = write!(text, "\tunderlying {underlying}\tcomparable {comparable}");
            if world.type_parameters(declared).is_empty() || !is_generic(world, declared) {
                let (size, align) = (world.sizeof(declared), world.alignof(declared));
                let _ = write!(text, "\tsize {size} align {align}");
            }
            if world.as_named(declared).is_some() {
                for &method in world.declared_methods(declared) {
                    let receiver = world.object(method).receiver_name();
                    let method = world.object_string(method, &path);
                    let _ = write!(text, "\tmethod {method} of \"{receiver}\"");
                }
            }
            let pointer = world.new_pointer(declared);
            for (title, of) in [("methods", declared), ("pointer methods", pointer)] {
                let mut lines: Vec<String> = world
                    .method_set(of)
                    .into_iter()
                    .map(|selection| {
                        let index: Vec<String> =
                            selection.index.iter().map(u32::to_string).collect();
                        format!(
                            "{}[{}] {}",
                            world.object_string(selection.method, &path),
                            index.join(" "),
                            selection.indirect
                        )
                    })
                    .collect();
                lines.sort_unstable();
                let _ = write!(text, "\t{title} {}", lines.join("; "));
            }
        }
        _ => {}
    }
    text
}

fn is_generic(world: &World, declared: TypeId) -> bool {
    match world.get(declared) {
        Type::Named(named) => named.origin.is_none(),
        Type::Alias(alias) => alias.origin.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use goward_types::Summary;

    use super::{compare, go_program, summary_file};

    /// The chore does this for all platforms; these two differ in all that can differ.
    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn the_summary_says_what_go_types_says() {
        let bytes = std::fs::read(summary_file()).unwrap();
        let release = Summary::open(&bytes).unwrap().release().to_owned();
        match go_program::installation() {
            Ok((_, version)) if version == format!("go{release}") => {
                compare(&bytes, &["linux/amd64", "windows/386"], 20).unwrap();
            }
            _ => eprintln!("skipped: there is no Go {release} on PATH"),
        }
    }
}
