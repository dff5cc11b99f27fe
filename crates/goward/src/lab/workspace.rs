//! Writes the scenarios into a folder of their own and builds them.
//!
//! A scenario is built plain, exactly as it stands in the repository, and once more with its `main`
//! called from another one that defers a recover. Both live in one throw-away module.

#![expect(
    clippy::disallowed_methods,
    reason = "the lab writes and builds Go programs in a temporary folder"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::scenario::Scenario;
use super::text;
use super::toolchain::Toolchain;

/// A build that takes longer hangs.
const BUILD_LIMIT: Duration = Duration::from_secs(900);

/// How a scenario is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variant {
    /// As it stands.
    Plain,
    /// With a recover around its `main`.
    Recover,
    /// With the race detector.
    Race,
    /// With the goroutine leak profile.
    LeakProfile,
}

impl Variant {
    fn folder(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Recover => "recovering",
            Self::Race => "race",
            Self::LeakProfile => "leakprofile",
        }
    }
}

/// What became of a build: the program, or what the compiler said.
pub(crate) type Built = Result<PathBuf, String>;

/// The second file of a scenario that is built with a recover.
const RECOVERING_MAIN: &str = "package main

import \"fmt\"

func main() {
	defer func() {
		if value := recover(); value != nil {
			fmt.Printf(\"RECOVERED %T %v\\n\", value, value)
		}
	}()
	scenario()
}
";

/// A temporary folder with a Go module; removed when dropped.
pub(crate) struct Workspace {
    folder: tempfile::TempDir,
}

impl Workspace {
    /// Makes the folder inside `parent`, or where the system keeps temporary files.
    pub(crate) fn new(parent: Option<&Path>, toolchain: &Toolchain) -> anyhow::Result<Self> {
        let place = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let advice = || {
            format!(
                "cannot write into {}; name another folder with --work-dir",
                text::visible(&place.display().to_string())
            )
        };
        let folder = tempfile::Builder::new()
            .prefix("goward-lab-")
            .tempdir_in(&place)
            .with_context(advice)?;
        let module = format!("module scenario\n\ngo {}\n", toolchain.language);
        fs::write(folder.path().join("go.mod"), module).with_context(advice)?;
        Ok(Self { folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Builds several scenarios in one go, and one by one where that fails.
    pub(crate) fn build(
        &self,
        toolchain: &Toolchain,
        variant: Variant,
        scenarios: &[&Scenario],
    ) -> anyhow::Result<BTreeMap<&'static str, Built>> {
        let output = self.path().join("bin").join(variant.folder());
        fs::create_dir_all(&output).context("cannot make the folder of the programs")?;
        let mut packages = Vec::new();
        for scenario in scenarios {
            packages.push(self.write(variant, scenario)?);
        }
        let mut built = BTreeMap::new();
        // A program that the compiler refuses spoils the build of the others: it goes alone.
        let mut alone: Vec<usize> = (0..scenarios.len())
            .filter(|&i| scenarios[i].rejected)
            .collect();
        let together: Vec<usize> = (0..scenarios.len())
            .filter(|&i| !scenarios[i].rejected)
            .collect();
        if !together.is_empty() {
            let names: Vec<&str> = together.iter().map(|&i| packages[i].as_str()).collect();
            if self.go_build(toolchain, variant, &output, &names)?.is_ok() {
                for i in together {
                    let name = scenarios[i].name;
                    built.insert(name, Ok(output.join(name)));
                }
            } else {
                alone.extend(together);
            }
        }
        for i in alone {
            let name = scenarios[i].name;
            let result = self.go_build(toolchain, variant, &output, &[&packages[i]])?;
            built.insert(name, result.map(|()| output.join(name)));
        }
        Ok(built)
    }

    /// Writes the files of one scenario and returns its package path.
    fn write(&self, variant: Variant, scenario: &Scenario) -> anyhow::Result<String> {
        // The plain, race and leak-profile builds share their source.
        let (folder, source) = match variant {
            Variant::Recover => (
                "recovering",
                scenario
                    .source
                    .replacen("\nfunc main() {\n", "\nfunc scenario() {\n", 1),
            ),
            _ => ("plain", scenario.source.to_owned()),
        };
        let path = self.path().join(folder).join(scenario.name);
        let written = fs::create_dir_all(&path)
            .and_then(|()| fs::write(path.join("main.go"), source))
            .and_then(|()| match variant {
                Variant::Recover => fs::write(path.join("recovering.go"), RECOVERING_MAIN),
                _ => Ok(()),
            });
        written.with_context(|| format!("cannot write scenario {}", scenario.name))?;
        Ok(format!("./{folder}/{}", scenario.name))
    }

    /// Runs `go build`; the inner error is what it said of the packages.
    fn go_build(
        &self,
        toolchain: &Toolchain,
        variant: Variant,
        output: &Path,
        packages: &[&str],
    ) -> anyhow::Result<Result<(), String>> {
        // -s -w leaves out symbols that only debuggers need; stack traces stay as they are.
        let mut arguments = vec!["build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false"];
        if variant == Variant::Race {
            arguments.push("-race");
        }
        let output = format!("{}/", output.display());
        arguments.extend(["-o", &output]);
        arguments.extend(packages);
        let mut program = toolchain.command(arguments).folder(self.path());
        if variant == Variant::LeakProfile {
            program = program.set("GOEXPERIMENT", "goroutineleakprofile");
        }
        let finished = program
            .run(BUILD_LIMIT)
            .context("cannot start `go build`")?;
        if finished.success() {
            return Ok(Ok(()));
        }
        if finished.status.is_none() {
            return Ok(Err("go build reached its time limit".to_owned()));
        }
        Ok(Err(complaint(&finished.stderr)))
    }
}

/// The first line that says something in what `go build` prints.
fn complaint(stderr: &str) -> String {
    stderr
        .lines()
        .map(str::trim)
        .find(|line| {
            !line.is_empty() && !line.starts_with('#') && !line.starts_with("go: downloading")
        })
        .unwrap_or("go build failed and said nothing")
        .to_owned()
}
