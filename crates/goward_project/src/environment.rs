//! What the go command would find in its environment: variables, the file that `go env -w` writes,
//! GOFLAGS, and from these GOROOT, GOPATH and GOMODCACHE. Nothing is executed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::filesystem::{EntryKind, FileSystem};
use crate::version::{GoRelease, GoVersion};

/// Environment variables that decide how code is found.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Lower priority: the user's `go env -w` file.
    file: BTreeMap<String, String>,
}

/// The part of GOFLAGS that loading depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoFlags {
    /// `-mod=`
    pub module_mode: Option<String>,
    /// `-modfile=`
    pub module_file: Option<PathBuf>,
    /// `-tags=`, split at commas.
    pub tags: Option<Vec<String>>,
}

/// A Go installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoRoot {
    /// The folder that holds `src`.
    pub path: PathBuf,
    /// Its release.
    pub release: GoRelease,
    /// How it was found, in words for a diagnostic.
    pub found_by: &'static str,
}

/// Why there is no usable GOROOT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoRootProblem {
    /// Nothing that looks like a Go installation was found, or looked for.
    NotFound {
        /// The places that were looked at.
        looked_at: Vec<PathBuf>,
    },
    /// Go is installed, but older than the code asks for.
    TooOld {
        /// The newest installation found.
        found: GoRoot,
        /// What go.mod or go.work asks for.
        wanted: GoVersion,
    },
}

impl std::fmt::Display for GoRootProblem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound { looked_at } if looked_at.is_empty() => {
                formatter.write_str("no Go installation was looked for")
            }
            Self::NotFound { .. } => formatter.write_str("no Go installation was found"),
            Self::TooOld { found, wanted } => write!(
                formatter,
                "Go {} in {} is older than the Go {wanted} that the module asks for",
                found.release,
                found.path.display()
            ),
        }
    }
}

impl Environment {
    /// The process's own environment and the user's `go env -w` file.
    pub fn from_process(filesystem: &dyn FileSystem) -> Self {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::new(variables, filesystem)
    }

    /// An environment made of the given variables; the `go env -w` file is the one they point to.
    pub fn new<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
        filesystem: &dyn FileSystem,
    ) -> Self {
        let mut environment = Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            file: BTreeMap::new(),
        };
        let file = match environment.variable("GOENV") {
            Some("off") => None,
            Some(path) => Some(PathBuf::from(path)),
            None => environment
                .configuration_folder()
                .map(|folder| folder.join("go/env")),
        };
        if let Some(file) = file
            && let Ok(contents) = filesystem.read_file(&file, 1 << 20)
        {
            let text = String::from_utf8_lossy(&contents);
            environment.file = text
                .lines()
                .filter(|line| !line.starts_with('#'))
                .filter_map(|line| line.split_once('='))
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect();
        }
        environment
    }

    /// Sets a variable, as if it had come from the process.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// A variable's value: the process first, then the `go env -w` file; empty counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variable(name)
            .or_else(|| self.file.get(name).map(String::as_str))
            .filter(|value| !value.is_empty())
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn home(&self) -> Option<PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.variable(name).map(PathBuf::from)
    }

    /// Go's `os.UserConfigDir`.
    fn configuration_folder(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            self.variable("AppData").map(PathBuf::from)
        } else if cfg!(target_os = "macos") {
            Some(self.home()?.join("Library/Application Support"))
        } else if let Some(folder) = self.variable("XDG_CONFIG_HOME") {
            Some(PathBuf::from(folder))
        } else {
            Some(self.home()?.join(".config"))
        }
    }

    /// The entries of GOPATH, `$HOME/go` by default.
    pub fn go_path(&self) -> Vec<PathBuf> {
        match self.get("GOPATH") {
            Some(list) => std::env::split_paths(list)
                .filter(|path| path.is_absolute())
                .collect(),
            None => self
                .home()
                .map(|home| home.join("go"))
                .into_iter()
                .collect(),
        }
    }

    /// GOMODCACHE, `pkg/mod` in the first GOPATH entry by default.
    pub fn module_cache(&self) -> Option<PathBuf> {
        match self.get("GOMODCACHE") {
            Some(path) => Some(PathBuf::from(path)),
            None => self.go_path().first().map(|path| path.join("pkg/mod")),
        }
    }

    /// The parts of GOFLAGS that concern loading.
    pub fn go_flags(&self) -> GoFlags {
        let mut flags = GoFlags::default();
        for flag in split_quoted(self.get("GOFLAGS").unwrap_or_default()) {
            let flag = flag.trim_start_matches('-');
            if let Some(mode) = flag.strip_prefix("mod=") {
                flags.module_mode = Some(mode.to_owned());
            } else if let Some(file) = flag.strip_prefix("modfile=") {
                flags.module_file = Some(PathBuf::from(file));
            } else if let Some(tags) = flag.strip_prefix("tags=") {
                flags.tags = Some(split_tags(tags));
            }
        }
        flags
    }

    /// Whether the C compiler that cgo would call is on PATH: without one, Go switches cgo off.
    pub(crate) fn has_c_compiler(&self, filesystem: &dyn FileSystem) -> bool {
        let default = if cfg!(any(
            target_os = "macos",
            target_os = "freebsd",
            target_os = "openbsd"
        )) {
            "clang"
        } else {
            "gcc"
        };
        let command = self.get("CC").unwrap_or(default);
        let program = split_quoted(command).into_iter().next().unwrap_or_default();
        if Path::new(&program).is_absolute() {
            return filesystem.kind(Path::new(&program)).is_ok();
        }
        self.on_path(&program, filesystem).next().is_some()
    }

    /// Every file of that name in the folders of PATH.
    fn on_path<'a>(
        &'a self,
        program: &str,
        filesystem: &'a dyn FileSystem,
    ) -> impl Iterator<Item = PathBuf> + 'a {
        let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        std::env::split_paths(self.variable("PATH").unwrap_or_default())
            .collect::<Vec<_>>()
            .into_iter()
            .filter(|folder| folder.is_absolute())
            .map(move |folder| folder.join(&file))
            .filter(move |path| matches!(filesystem.kind(path), Ok(EntryKind::File)))
    }

    /// Finds a Go installation whose release is at least `wanted`.
    ///
    /// Looks at GOROOT, at `go` on PATH (links followed, nothing run), at the usual places, and at
    /// the toolchains that the go command downloaded into the module cache. GOROOT itself is only
    /// passed over when it is too old or no Go is there. With `GOROOT=off` nothing is looked for.
    pub fn find_go_root(
        &self,
        wanted: Option<GoVersion>,
        filesystem: &dyn FileSystem,
    ) -> Result<GoRoot, GoRootProblem> {
        let mut looked_at = Vec::new();
        let mut too_old: Option<GoRoot> = None;
        for (path, found_by) in self.go_root_candidates(filesystem) {
            if looked_at.contains(&path) {
                continue;
            }
            looked_at.push(path.clone());
            let Some(release) = release_of(&path, filesystem) else {
                continue;
            };
            let root = GoRoot {
                path,
                release,
                found_by,
            };
            if wanted.is_none_or(|wanted| root.release.language() >= wanted) {
                return Ok(root);
            }
            if too_old
                .as_ref()
                .is_none_or(|before| before.release < root.release)
            {
                too_old = Some(root);
            }
        }
        match (too_old, wanted) {
            (Some(found), Some(wanted)) => Err(GoRootProblem::TooOld { found, wanted }),
            _ => Err(GoRootProblem::NotFound { looked_at }),
        }
    }

    /// What GOROOT says, where there is no Go.
    pub(crate) fn empty_go_root(&self, filesystem: &dyn FileSystem) -> Option<PathBuf> {
        let path = PathBuf::from(self.get("GOROOT").filter(|path| *path != "off")?);
        release_of(&path, filesystem).is_none().then_some(path)
    }

    fn go_root_candidates(&self, filesystem: &dyn FileSystem) -> Vec<(PathBuf, &'static str)> {
        let mut candidates = Vec::new();
        if self.get("GOROOT") == Some("off") {
            return candidates;
        }
        if let Some(path) = self.get("GOROOT") {
            candidates.push((PathBuf::from(path), "GOROOT"));
        }
        for go in self.on_path("go", filesystem) {
            if let Ok(real) = filesystem.canonicalize(&go)
                && let Some(root) = real.parent().and_then(Path::parent)
            {
                candidates.push((root.to_path_buf(), "go on PATH"));
            }
        }
        for place in [
            "/usr/local/go",
            "/usr/lib/go",
            "/usr/lib/golang",
            "/opt/homebrew/opt/go/libexec",
            "/usr/local/opt/go/libexec",
            "C:\\Program Files\\Go",
        ] {
            if Path::new(place).is_absolute() {
                candidates.push((PathBuf::from(place), "the usual place"));
            }
        }
        // Newest first among those that came by download.
        let mut downloaded = Vec::new();
        if let Some(cache) = self.module_cache() {
            let folder = cache.join("golang.org");
            for entry in filesystem.read_directory(&folder).unwrap_or_default() {
                if entry.name.starts_with("toolchain@v0.0.1-go") {
                    downloaded.push((folder.join(entry.name), "a downloaded toolchain"));
                }
            }
        }
        if let Some(home) = self.home() {
            let folder = home.join("sdk");
            for entry in filesystem.read_directory(&folder).unwrap_or_default() {
                if entry.name.starts_with("go1") {
                    downloaded.push((folder.join(entry.name), "a downloaded toolchain"));
                }
            }
        }
        downloaded.sort_by_key(|(path, _)| {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let name = name.unwrap_or_default();
            let version = name.strip_prefix("toolchain@v0.0.1-").unwrap_or(&name);
            // `go1.26.8.linux-amd64`: the system follows the last number.
            let letters = version
                .match_indices('.')
                .find(|(dot, _)| version[dot + 1..].starts_with(|c: char| c.is_ascii_alphabetic()));
            let version = letters.map_or(version, |(dot, _)| &version[..dot]);
            std::cmp::Reverse(GoRelease::parse(version))
        });
        candidates.extend(downloaded);
        candidates
    }
}

/// The release of the Go installation at `path`, when there is one with its sources.
fn release_of(path: &Path, filesystem: &dyn FileSystem) -> Option<GoRelease> {
    let sources = path.join("src/unsafe/unsafe.go");
    if !matches!(filesystem.kind(&sources), Ok(EntryKind::File)) {
        return None;
    }
    if let Ok(contents) = filesystem.read_file(&path.join("VERSION"), 4096) {
        let text = String::from_utf8_lossy(&contents);
        let first = text.lines().next().unwrap_or_default().trim();
        if let Some(release) = GoRelease::parse(first) {
            return Some(release);
        }
    }
    // A checkout of Go's own repository has no VERSION file, but says which release it becomes.
    let contents = filesystem
        .read_file(&path.join("src/internal/goversion/goversion.go"), 1 << 16)
        .ok()?;
    let text = String::from_utf8_lossy(&contents);
    let (_, rest) = text.split_once("const Version = ")?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    GoRelease::parse(&format!("1.{minor}"))
}

/// Build tags as `-tags` takes them: commas, or spaces in the old form.
pub fn split_tags(list: &str) -> Vec<String> {
    list.split([',', ' '])
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Splits at spaces; a field may be put in single or double quotes (cmd/internal/quoted).
fn split_quoted(text: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (field, after) = if first == '"' || first == '\'' {
            rest[1..].split_once(first).unwrap_or((&rest[1..], ""))
        } else {
            rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
        };
        fields.push(field.to_owned());
        rest = after.trim_start();
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filesystem::OverlayFileSystem;

    #[test]
    fn variables_come_from_the_process_before_the_file() {
        let files = OverlayFileSystem::in_memory([(
            "/home/u/.config/go/env",
            "GOFLAGS=-mod=mod '-tags=a,b'\nGOPATH=/gp\n#GOOS=plan9\n",
        )]);
        let environment = Environment::new([("HOME", "/home/u"), ("GOPATH", "/other")], &files);
        assert_eq!(environment.get("GOOS"), None);
        if cfg!(target_os = "linux") {
            assert_eq!(environment.go_flags().module_mode.as_deref(), Some("mod"));
            assert_eq!(
                environment.go_flags().tags,
                Some(vec!["a".to_owned(), "b".to_owned()])
            );
            assert_eq!(
                environment.module_cache(),
                Some(PathBuf::from("/other/pkg/mod"))
            );
        }
        let off = Environment::new([("HOME", "/home/u"), ("GOENV", "off")], &files);
        assert_eq!(off.go_flags(), GoFlags::default());
    }

    #[test]
    fn an_installation_that_fits_is_preferred_to_one_that_comes_first() {
        let files = OverlayFileSystem::in_memory([
            ("/old/src/unsafe/unsafe.go", "package unsafe"),
            ("/old/VERSION", "go1.20.3\n"),
            ("/opt/new/src/unsafe/unsafe.go", "package unsafe"),
            ("/opt/new/VERSION", "go1.26.8\ntime 2026\n"),
            ("/opt/new/bin/go", ""),
            ("/shim/go", "#!/bin/sh\n"),
        ]);
        let environment = Environment::new(
            [
                ("GOROOT", "/old"),
                ("PATH", "/shim:/opt/new/bin"),
                ("HOME", "/h"),
            ],
            &files,
        );
        let find = |wanted| environment.find_go_root(wanted, &files);
        assert_eq!(find(None).unwrap().path, PathBuf::from("/old"));
        if cfg!(unix) {
            let root = find(Some(GoVersion(22))).unwrap();
            assert_eq!(root.path, PathBuf::from("/opt/new"));
            assert_eq!(root.release.to_string(), "1.26.8");
            let problem = find(Some(GoVersion(30))).unwrap_err();
            assert!(
                matches!(&problem, GoRootProblem::TooOld { found, .. } if found.release.minor == 26)
            );
        }
        let nothing = Environment::new([("HOME", "/h")], &files);
        assert!(matches!(
            nothing.find_go_root(None, &files),
            Err(GoRootProblem::NotFound { .. })
        ));
    }
}
