//! Which standard library is used: that of a Go installation that fits, else the declarations that
//! goward has built in.
//!
//! An installation is preferred: it is what the program will be built with. Where there is none, or
//! only one that is older than what go.mod asks for, the built-in summary knows every package of its
//! own release, for every system and architecture that Go has. A module that asks for a still newer
//! Go is told so: what that Go has added is unknown.

use std::path::Path;
use std::sync::LazyLock;

use goward_types::{Summary, SummaryError, SummaryPackages};

use crate::build_context::BuildContext;
use crate::diagnostics::{ProjectDiagnostic, Severity};
use crate::environment::{GoRoot, GoRootProblem};
use crate::version::{GoRelease, GoVersion};

/// Made by `cargo xtask std-summary`.
static BYTES: &[u8] = include_bytes!("../standard_library/summary.bin");

static SUMMARY: LazyLock<Result<Summary<'static>, SummaryError>> =
    LazyLock::new(|| Summary::open(BYTES));

/// The declarations of the standard library that goward has built in, for one platform.
#[derive(Clone, Copy, Debug)]
pub struct BuiltInLibrary {
    summary: &'static Summary<'static>,
    platform: usize,
}

impl BuiltInLibrary {
    /// The declarations for a system and an architecture; none for those that Go does not have.
    pub fn new(system: &str, architecture: &str) -> Option<BuiltInLibrary> {
        let summary = SUMMARY.as_ref().ok()?;
        let platform = summary.platform(system, architecture)?;
        Some(BuiltInLibrary { summary, platform })
    }

    /// The Go release whose standard library is built in.
    pub fn release() -> Option<GoRelease> {
        GoRelease::parse(SUMMARY.as_ref().ok()?.release())
    }

    /// Whether it has a package.
    pub(crate) fn contains(&self, path: &str) -> bool {
        path == "unsafe" || self.summary.contains(path, self.platform)
    }

    /// The first elements of all its paths.
    pub(crate) fn top(&self) -> impl Iterator<Item = String> + '_ {
        let packages = self.summary.packages(self.platform);
        let first = |path: &str| path.split('/').next().unwrap_or(path).to_owned();
        packages.map(first).chain(["unsafe".to_owned()])
    }

    /// Its packages, to be read into a world.
    pub(crate) fn packages(&self) -> SummaryPackages<'static> {
        SummaryPackages::new(self.summary, self.platform)
    }
}

/// What was decided, and what there is to say about it.
pub(crate) struct Choice {
    pub(crate) goroot: Result<GoRoot, GoRootProblem>,
    pub(crate) diagnostics: Vec<ProjectDiagnostic>,
}

/// Takes what [`crate::Environment::find_go_root`] found unless something better is built in.
/// `empty` is what GOROOT says where no Go is, `place` the go.mod that asks for a release.
pub(crate) fn choose(
    found: Result<GoRoot, GoRootProblem>,
    wanted: Option<GoVersion>,
    empty: Option<&Path>,
    place: Option<&Path>,
) -> Choice {
    let mut diagnostics = Vec::new();
    let built_in = BuiltInLibrary::release();
    let goroot = match found {
        // Both are too old: the newer one knows more.
        Err(GoRootProblem::TooOld { found, .. })
            if built_in.is_none_or(|built_in| built_in.language() < found.release.language()) =>
        {
            Ok(found)
        }
        other => other,
    };
    let used = match (&goroot, built_in) {
        (Ok(root), _) => Some((
            root.release,
            format!("of Go {} in {}", root.release, root.path.display()),
        )),
        (Err(_), Some(release)) => Some((release, format!("of Go {release} built into goward"))),
        (Err(_), None) => None,
    };
    if let (Some(wanted), Some((release, what))) = (wanted, &used)
        && release.language() < wanted
    {
        let diagnostic = ProjectDiagnostic::new(
            Severity::Warning,
            "go-release",
            format!("it asks for Go {wanted}; what is known is the standard library {what}"),
        )
        .help(format!(
            "install Go {wanted}; until then what it has added to the standard library is unknown"
        ));
        diagnostics.push(match place {
            Some(place) => diagnostic.at(place),
            None => diagnostic,
        });
    }
    if let Some(empty) = empty {
        let instead = used.as_ref().map_or_else(
            || "nothing is known of it".to_owned(),
            |(_, what)| format!("that {what} is used"),
        );
        diagnostics.push(
            ProjectDiagnostic::new(
                Severity::Warning,
                "go-root",
                format!("GOROOT names this folder, but no standard library is in it; {instead}"),
            )
            .at(empty)
            .help("correct GOROOT, or unset it"),
        );
    }
    if let (Err(problem), Some((_, what))) = (&goroot, &used) {
        diagnostics.push(ProjectDiagnostic::new(
            Severity::Note,
            "standard-library",
            format!("{problem}; the standard library {what} is used"),
        ));
    }
    Choice {
        goroot,
        diagnostics,
    }
}

/// The built-in declarations for a build, or why there are none.
pub(crate) fn for_build(build: &BuildContext) -> Result<BuiltInLibrary, ProjectDiagnostic> {
    BuiltInLibrary::new(&build.os, &build.arch).ok_or_else(|| {
        let (os, arch) = (&build.os, &build.arch);
        let message = match SUMMARY.as_ref() {
            Err(error) => error.to_string(),
            Ok(summary) => format!(
                "there is no Go installation, and Go {} for {os}/{arch} is not built into goward",
                summary.release()
            ),
        };
        ProjectDiagnostic::new(Severity::Warning, "standard-library", message).help(
            "install Go, or choose another system with --os and --arch; until then the standard \
             library is unknown",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_of_the_newest_release_that_goward_knows() {
        SUMMARY.as_ref().expect("the summary can be opened");
        let release = BuiltInLibrary::release().unwrap();
        assert_eq!(release.language(), GoVersion::NEWEST);
        let linux = BuiltInLibrary::new("linux", "amd64").unwrap();
        assert!(linux.contains("net/http"));
        assert!(linux.contains("unsafe"));
        assert!(!linux.contains("internal/syscall/windows"));
        assert!(
            BuiltInLibrary::new("windows", "arm64")
                .unwrap()
                .contains("internal/syscall/windows")
        );
        assert!(BuiltInLibrary::new("windows", "mips").is_none());
    }

    #[test]
    fn every_system_and_architecture_of_go_is_built_in() {
        let known = SUMMARY.as_ref().unwrap().platforms().iter();
        for platform in known {
            let (system, architecture) = platform.split_once('/').unwrap();
            assert!(crate::KNOWN_SYSTEMS.contains(&system), "{platform}");
            assert!(
                crate::KNOWN_ARCHITECTURES.contains(&architecture),
                "{platform}"
            );
        }
        assert!(BuiltInLibrary::new("plan9", "386").is_some());
    }
}
