//! Finds the Go toolchains to measure and says what each can do.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

use super::process::Program;
use super::text;

/// The oldest release that has everything the scenarios use (`clear`, `max`, package `maps`).
const OLDEST: (u32, u32) = (1, 21);

/// A Go toolchain.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// The `go` command.
    pub(crate) go: PathBuf,
    pub(crate) facts: Facts,
    /// `1.26` of `go1.26.8`: what stands in the `go.mod` of the programs it builds.
    pub(crate) language: String,
}

/// What a report says of the toolchain and the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Such as `go1.26.8`.
    pub(crate) version: String,
    /// Such as `linux`.
    pub(crate) os: String,
    /// Such as `amd64`.
    pub(crate) arch: String,
    /// How many processors the programs could use.
    pub(crate) processors: usize,
    /// What they are called, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) processor: Option<String>,
    /// Why the race detector cannot be used; absent if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) no_race: Option<String>,
    /// Why the goroutine leak profile cannot be used; absent if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) no_leak_profile: Option<String>,
}

impl Facts {
    /// Whether two measurements had the same processors, as far as is known.
    pub(crate) fn same_processors(&self, other: &Facts) -> bool {
        self.processors == other.processors
            && self.processor.is_some()
            && self.processor == other.processor
    }
}

/// The toolchains that the user named, or the one on `PATH`.
pub(crate) fn find(named: &[PathBuf]) -> anyhow::Result<Vec<Toolchain>> {
    if named.is_empty() {
        return Ok(vec![open(Path::new("go")).context(
            "no usable Go toolchain on PATH; install Go 1.21 or later (https://go.dev/dl) or name one with --go PATH",
        )?]);
    }
    named
        .iter()
        .map(|path| {
            let go = if path.is_dir() {
                path.join("bin").join("go")
            } else {
                path.clone()
            };
            open(&go)
                .with_context(|| format!("--go {}", text::visible(&path.display().to_string())))
        })
        .collect()
}

fn open(go: &Path) -> anyhow::Result<Toolchain> {
    let limit = Duration::from_secs(60);
    let fields = ["GOVERSION", "GOOS", "GOARCH", "CGO_ENABLED", "CC"];
    let program = isolated(Program::new(go).arguments(["env"].iter().chain(&fields)));
    let finished = match program.run(limit) {
        Ok(finished) => finished,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!(
                "there is no program {}",
                text::visible(&go.display().to_string())
            )
        }
        Err(error) => {
            return Err(error).with_context(|| {
                format!(
                    "{} does not start",
                    text::visible(&go.display().to_string())
                )
            });
        }
    };
    ensure!(
        finished.success(),
        "`{} env` failed: {}{}",
        text::visible(&go.display().to_string()),
        finished.describe(),
        finished
            .stderr
            .lines()
            .next()
            .map(|line| format!(": {}", text::visible(line)))
            .unwrap_or_default()
    );
    let values: Vec<&str> = finished.stdout.lines().collect();
    let [version, os, arch, cgo, cc] = values[..] else {
        bail!(
            "`{} env` does not print what Go prints; is it Go?",
            text::visible(&go.display().to_string())
        )
    };
    let (major, minor) = release(version).with_context(|| {
        format!(
            "{:?} is no version of Go that goward knows",
            text::visible(version)
        )
    })?;
    ensure!(
        (major, minor) >= OLDEST,
        "{version} is too old: the scenarios need go{}.{} or later",
        OLDEST.0,
        OLDEST.1
    );
    let no_race = if cgo == "0" {
        Some("CGO_ENABLED=0, and the race detector needs cgo".to_owned())
    } else if !works(cc) {
        Some(format!(
            "no C compiler: {:?} does not run, and the race detector needs cgo",
            text::visible(cc)
        ))
    } else {
        None
    };
    Ok(Toolchain {
        go: absolute(go),
        facts: Facts {
            version: version.to_owned(),
            os: os.to_owned(),
            arch: arch.to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            processor: processor(),
            no_race,
            no_leak_profile: ((major, minor) < (1, 26))
                .then(|| format!("{version} has no goroutine leak profile, Go 1.26 is the first")),
        },
        language: format!("{major}.{minor}"),
    })
}

/// The model of the processors, as Linux tells it.
fn processor() -> Option<String> {
    let information = crate::files::read(Path::new("/proc/cpuinfo")).ok()?;
    let information = String::from_utf8_lossy(&information);
    let line = information
        .lines()
        .find_map(|line| line.strip_prefix("model name"))?;
    let name = line.trim_start_matches([' ', '\t', ':']).trim();
    (!name.is_empty()).then(|| text::visible(name).to_string())
}

/// `(1, 26)` of `go1.26.8`, `go1.26rc1` or `devel go1.27-abcdef`.
fn release(version: &str) -> Option<(u32, u32)> {
    let numbers = &version[version.find("go1.")? + "go".len()..];
    let (major, rest) = numbers.split_once('.')?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    Some((major.parse().ok()?, rest[..end].parse().ok()?))
}

/// Whether a C compiler starts; `CC` may carry arguments.
fn works(cc: &str) -> bool {
    let Some(program) = cc.split_whitespace().next() else {
        return false;
    };
    Program::new(program)
        .arguments(["--version"])
        .run(Duration::from_secs(20))
        .is_ok_and(|finished| finished.success())
}

/// The path of the command itself, so that it is found from any folder.
fn absolute(go: &Path) -> PathBuf {
    if go.components().count() > 1 {
        return std::path::absolute(go).unwrap_or_else(|_| go.to_owned());
    }
    go.to_owned()
}

impl Toolchain {
    /// The `go` command with arguments, cut off from the settings of the user's own module.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Program {
        let arguments: Vec<OsString> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        isolated(Program::new(&self.go).arguments(arguments))
    }
}

/// Takes away the variables that would make Go build something else than the program as it is. The
/// toolchain must not replace itself by another one: it is the one to be measured.
fn isolated(program: Program) -> Program {
    program
        .set("GOTOOLCHAIN", "local")
        .set("GOWORK", "off")
        .set("GO111MODULE", "on")
        .set("GOFLAGS", "")
        .set("LC_ALL", "C")
        .unset("GOOS")
        .unset("GOARCH")
        .unset("GODEBUG")
        .unset("GOEXPERIMENT")
        .unset("GOROOT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        assert_eq!(release("go1.26.8"), Some((1, 26)));
        assert_eq!(release("go1.27rc1"), Some((1, 27)));
        assert_eq!(release("devel go1.28-3d5f"), Some((1, 28)));
        assert_eq!(release("hello"), None);
    }

    #[test]
    fn a_missing_toolchain_is_named() {
        let error = format!("{:#}", find(&[PathBuf::from("/no/such/go")]).unwrap_err());
        assert_eq!(error, "--go /no/such/go: there is no program /no/such/go");
    }
}
