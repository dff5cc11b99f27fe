//! `goward.toml`: which rules run, on which files, for which build. The nearest file upwards counts,
//! alone; `--config 'key = value'` changes single settings of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use serde::Deserialize;
use toml::Spanned;

use crate::build_context::{KNOWN_ARCHITECTURES, KNOWN_SYSTEMS};
use crate::diagnostics::{ProjectDiagnostic, Severity};
use crate::filesystem::{FileSystem, ReadError};
use crate::resolve::slashed;

/// The name of the configuration file.
pub const FILE_NAME: &str = "goward.toml";

/// Nobody writes a configuration of more bytes than this.
const SIZE_LIMIT: u64 = 1 << 20;

/// A rule or group as it stands in the configuration, with its place, so that who knows the rules
/// can point to one that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleName {
    /// The text.
    pub name: String,
    /// The file, or `--config`.
    pub path: PathBuf,
    /// One-based line.
    pub line: u32,
    /// One-based column in bytes.
    pub column: u32,
}

/// For which machine and with which tags to read code, where the configuration says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildConfiguration {
    /// GOOS.
    pub os: Option<String>,
    /// GOARCH.
    pub arch: Option<String>,
    /// Build tags.
    pub tags: Option<Vec<String>>,
    /// CGO_ENABLED.
    pub cgo: Option<bool>,
}

impl BuildConfiguration {
    /// Whether Go knows an operating system; else what it knows.
    pub fn known_os(name: &str) -> Result<(), String> {
        known("operating system", name, KNOWN_SYSTEMS)
    }

    /// Whether Go knows an architecture; else what it knows.
    pub fn known_arch(name: &str) -> Result<(), String> {
        known("architecture", name, KNOWN_ARCHITECTURES)
    }
}

fn known(what: &str, name: &str, names: &[&str]) -> Result<(), String> {
    if names.contains(&name) {
        return Ok(());
    }
    let names = names.join(", ");
    Err(format!("{name:?} is no {what} of Go; it has {names}"))
}

/// A glob with the folder that it starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathGlob {
    /// The folder of the configuration file, or the working folder for `--config`.
    pub base: PathBuf,
    /// The glob.
    pub pattern: String,
}

/// Settings; `None` where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The file they come from; `None` without one.
    pub path: Option<PathBuf>,
    /// Rules and groups to run instead of the default ones.
    pub select: Option<Vec<RuleName>>,
    /// Rules and groups to run as well.
    pub extend_select: Vec<RuleName>,
    /// Rules and groups not to run.
    pub ignore: Vec<RuleName>,
    /// Files and folders to leave out.
    pub exclude: Vec<PathGlob>,
    /// Whether test files are checked.
    pub tests: Option<bool>,
    /// Whether generated files are checked.
    pub generated: Option<bool>,
    /// For which build.
    pub build: BuildConfiguration,
    /// Globs, and the rules that are off in what they match.
    pub per_file_ignores: Vec<(PathGlob, Vec<RuleName>)>,
}

/// The shape of the file.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Raw {
    select: Option<Vec<Spanned<String>>>,
    extend_select: Option<Vec<Spanned<String>>>,
    ignore: Option<Vec<Spanned<String>>>,
    exclude: Option<Vec<Spanned<String>>>,
    tests: Option<bool>,
    generated: Option<bool>,
    build: Option<RawBuild>,
    per_file_ignores: Option<BTreeMap<Spanned<String>, Vec<Spanned<String>>>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawBuild {
    os: Option<Spanned<String>>,
    arch: Option<Spanned<String>>,
    tags: Option<Vec<String>>,
    cgo: Option<bool>,
}

impl Configuration {
    /// Reads the text of a configuration. `path` is where it lies, or a name such as `--config`;
    /// its globs start from the folder `base`.
    pub fn parse(text: &str, path: &Path, base: &Path) -> Result<Self, ProjectDiagnostic> {
        let fail = |offset: Option<usize>, message: String| {
            let diagnostic = ProjectDiagnostic::new(Severity::Error, "configuration", message);
            match offset {
                Some(offset) => {
                    let (line, column) = place(text, offset);
                    diagnostic.at_line(path, line, column)
                }
                None => diagnostic.at(path),
            }
        };
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let offset = error.span().map(|span| span.start);
            fail(offset, error.message().trim_end_matches('.').to_owned())
                .help("the settings are described in docs/configuration.md")
        })?;
        let names = |list: Vec<Spanned<String>>| -> Vec<RuleName> {
            let name = |spanned: Spanned<String>| {
                let (line, column) = place(text, spanned.span().start);
                RuleName {
                    name: spanned.into_inner(),
                    path: path.to_path_buf(),
                    line,
                    column,
                }
            };
            list.into_iter().map(name).collect()
        };
        let glob = |spanned: Spanned<String>| {
            let offset = spanned.span().start;
            let pattern = spanned.into_inner();
            match glob_error(&pattern) {
                Some(message) => Err(fail(
                    Some(offset),
                    format!("the glob {pattern:?} {message}"),
                )),
                None => Ok(PathGlob {
                    base: base.to_path_buf(),
                    pattern,
                }),
            }
        };
        let exclude: Result<Vec<_>, _> = raw
            .exclude
            .unwrap_or_default()
            .into_iter()
            .map(glob)
            .collect();
        let per_file: Result<Vec<_>, _> = raw
            .per_file_ignores
            .unwrap_or_default()
            .into_iter()
            .map(|(pattern, rules)| Ok((glob(pattern)?, names(rules))))
            .collect();
        let build = raw.build.unwrap_or_default();
        let checked = |name: Option<Spanned<String>>, check: fn(&str) -> Result<(), String>| {
            let Some(name) = name else {
                return Ok(None);
            };
            match check(name.get_ref()) {
                Ok(()) => Ok(Some(name.into_inner())),
                Err(message) => Err(fail(Some(name.span().start), message)),
            }
        };
        let build = BuildConfiguration {
            os: checked(build.os, BuildConfiguration::known_os)?,
            arch: checked(build.arch, BuildConfiguration::known_arch)?,
            tags: build.tags,
            cgo: build.cgo,
        };
        Ok(Self {
            path: Some(path.to_path_buf()),
            select: raw.select.map(names),
            extend_select: raw.extend_select.map(names).unwrap_or_default(),
            ignore: raw.ignore.map(names).unwrap_or_default(),
            exclude: exclude?,
            tests: raw.tests,
            generated: raw.generated,
            build,
            per_file_ignores: per_file?,
        })
    }

    /// Reads a configuration file.
    pub fn read(path: &Path, filesystem: &dyn FileSystem) -> Result<Self, ProjectDiagnostic> {
        let fail = |message: String| {
            ProjectDiagnostic::new(Severity::Error, "configuration", message).at(path)
        };
        let contents = filesystem
            .read_file(path, SIZE_LIMIT)
            .map_err(|error| fail(format!("cannot read it: {error}")))?;
        let text = std::str::from_utf8(&contents)
            .map_err(|error| fail(format!("the text is not UTF-8: {error}")))?;
        Self::parse(text, path, path.parent().unwrap_or(path))
    }

    /// Lets the settings that `inline` makes count instead; lists that add up are added to.
    pub fn override_with(&mut self, inline: &Self) {
        let other = inline.clone();
        if other.select.is_some() {
            self.select = other.select;
        }
        self.extend_select.extend(other.extend_select);
        self.ignore.extend(other.ignore);
        self.exclude.extend(other.exclude);
        self.tests = other.tests.or(self.tests);
        self.generated = other.generated.or(self.generated);
        self.build.os = other.build.os.or_else(|| self.build.os.take());
        self.build.arch = other.build.arch.or_else(|| self.build.arch.take());
        self.build.tags = other.build.tags.or_else(|| self.build.tags.take());
        self.build.cgo = other.build.cgo.or(self.build.cgo);
        self.per_file_ignores.extend(other.per_file_ignores);
    }

    /// Whether `exclude` leaves the file or folder out. `path` is absolute.
    pub fn is_excluded(&self, path: &Path) -> bool {
        self.exclude.iter().any(|glob| glob.matches(path))
    }

    /// The rules that `per-file-ignores` switches off in a file. `path` is absolute.
    pub fn ignored_in(&self, path: &Path) -> impl Iterator<Item = &RuleName> {
        self.per_file_ignores
            .iter()
            .filter(move |(glob, _)| glob.matches(path))
            .flat_map(|(_, rules)| rules)
    }
}

impl PathGlob {
    /// Whether the glob names the path or a folder above it. `path` is absolute.
    pub fn matches(&self, path: &Path) -> bool {
        path.strip_prefix(&self.base)
            .is_ok_and(|relative| matches_path(&self.pattern, &slashed(relative)))
    }
}

/// Whether a glob names the path or a folder above it. One without a slash names a file or folder
/// of that name anywhere, and one that starts with a slash only what lies in the folder itself, as in
/// .gitignore.
fn matches_path(glob: &str, relative: &str) -> bool {
    let glob = glob.trim_start_matches("./").trim_end_matches('/');
    let anywhere = !glob.contains('/');
    let glob = glob.trim_start_matches('/');
    let mut end = 0;
    for part in relative.split('/') {
        end += part.len();
        let found = fast_glob::glob_match(glob, &relative[..end])
            || (anywhere && fast_glob::glob_match(glob, part));
        if found {
            return true;
        }
        end += 1;
    }
    false
}

/// What is wrong with a glob: a malformed one would silently match nothing.
fn glob_error(glob: &str) -> Option<&'static str> {
    if glob.is_empty() {
        return Some("is empty");
    }
    // A glob counts from the folder of its file, and paths have no such parts.
    if glob
        .trim_start_matches("./")
        .split('/')
        .any(|part| part == "." || part == "..")
    {
        return Some("has a part . or ..; it counts from the folder of this file");
    }
    let (mut braces, mut class, mut escaped) = (0, false, false);
    for character in glob.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' if class => class = false,
            _ if class => {}
            '[' => class = true,
            '{' => braces += 1,
            '}' if braces == 0 => return Some("has a '}' without '{'"),
            '}' => braces -= 1,
            _ => {}
        }
    }
    match (class, braces, escaped) {
        (true, _, _) => Some("has a '[' without ']'"),
        (_, 1.., _) => Some("has a '{' without '}'"),
        (_, _, true) => Some("ends in a backslash"),
        _ => None,
    }
}

fn place(text: &str, offset: usize) -> (u32, u32) {
    let offset = u32::try_from(offset).unwrap_or(u32::MAX);
    crate::package::line_and_column(text.as_bytes(), offset)
}

/// The configuration of each folder, read once.
pub struct Configurations<'a> {
    filesystem: &'a dyn FileSystem,
    inline: Vec<Configuration>,
    known: Mutex<FxHashMap<PathBuf, Arc<Configuration>>>,
    diagnostics: Mutex<Vec<ProjectDiagnostic>>,
}

impl<'a> Configurations<'a> {
    /// `inline` are the texts of `--config`, files or settings, the last counting most; `directory`
    /// is the working folder, from which their paths and globs start.
    pub fn new(
        filesystem: &'a dyn FileSystem,
        directory: &Path,
        inline: &[String],
    ) -> Result<Self, ProjectDiagnostic> {
        let inline: Result<Vec<_>, _> = inline
            .iter()
            .map(|text| match text.contains('=') {
                true => Configuration::parse(text, Path::new("--config"), directory),
                false => Configuration::read(&directory.join(text), filesystem),
            })
            .collect();
        Ok(Self {
            filesystem,
            inline: inline?,
            known: Mutex::default(),
            diagnostics: Mutex::default(),
        })
    }

    /// The configuration for files in a folder: the nearest goward.toml upwards. One that does not
    /// read counts as empty and is reported once.
    pub fn of(&self, folder: &Path) -> Arc<Configuration> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(folder) {
            return Arc::clone(known);
        }
        let path = folder.join(FILE_NAME);
        let found = match self.filesystem.read_file(&path, SIZE_LIMIT) {
            Err(ReadError::Io(_)) => match folder.parent() {
                Some(parent) => self.of(parent),
                None => Arc::new(self.finished(Configuration::default())),
            },
            _ => {
                let read = Configuration::read(&path, self.filesystem);
                Arc::new(self.finished(read.unwrap_or_else(|diagnostic| {
                    self.diagnostics
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(diagnostic);
                    Configuration::default()
                })))
            }
        };
        Arc::clone(lock().entry(folder.to_path_buf()).or_insert(found))
    }

    fn finished(&self, mut configuration: Configuration) -> Configuration {
        for inline in &self.inline {
            configuration.override_with(inline);
        }
        configuration
    }

    /// What was wrong in the files read so far.
    pub fn diagnostics(&self) -> Vec<ProjectDiagnostic> {
        let diagnostics = self.diagnostics.lock();
        diagnostics.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filesystem::OverlayFileSystem;

    #[test]
    fn every_setting_is_read_with_its_place() {
        let configuration = Configuration::parse(
            "select = [\"hazards\"]\nextend-select = ['x']\nignore = [\n  \"y\",\n]\nexclude = [\"gen/**\"]\ntests = false\n\
             generated = true\n[build]\nos = \"windows\"\ntags = [\"a\", \"b\"]\n[per-file-ignores]\n\"*.pb.go\" = [\"z\"]\n",
            Path::new("/p/goward.toml"),
            Path::new("/p"),
        )
        .unwrap();
        let ignored = &configuration.ignore[0];
        assert_eq!(
            (ignored.name.as_str(), ignored.line, ignored.column),
            ("y", 4, 3)
        );
        assert_eq!(configuration.build.os.as_deref(), Some("windows"));
        assert_eq!(configuration.tests, Some(false));
        let file = Path::new("/p/a/x.pb.go");
        let names: Vec<&str> = configuration
            .ignored_in(file)
            .map(|rule| rule.name.as_str())
            .collect();
        assert_eq!(names, ["z"]);
        assert_eq!(configuration.ignored_in(Path::new("/p/a/x.go")).count(), 0);
        assert!(configuration.is_excluded(Path::new("/p/gen/a/b.go")));
        assert!(!configuration.is_excluded(Path::new("/p/a/gen/b.go")));
    }

    #[test]
    fn errors_have_place_and_cause() {
        for (text, expected) in [
            (
                "tests = true\nselct = []\n",
                "/p/goward.toml:2:1: error: unknown field `selct`, expected one of `select`, `extend-select`, `ignore`, `exclude`, `tests`, `generated`, `build`, `per-file-ignores` [configuration]",
            ),
            (
                "tests = 1\n",
                "/p/goward.toml:1:9: error: invalid type: integer `1`, expected a boolean [configuration]",
            ),
            (
                "exclude = [\"a\", \"[b\"]",
                "/p/goward.toml:1:17: error: the glob \"[b\" has a '[' without ']' [configuration]",
            ),
            (
                "exclude = ['../gen']",
                "/p/goward.toml:1:12: error: the glob \"../gen\" has a part . or ..; it counts from the folder of this file [configuration]",
            ),
        ] {
            let error = Configuration::parse(text, Path::new("/p/goward.toml"), Path::new("/p"))
                .unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn systems_that_go_does_not_have_are_refused_with_their_place() {
        for (text, place, known) in [
            (
                "[build]\nos = 'windos'\n",
                "/p/goward.toml:2:6: ",
                ", windows,",
            ),
            ("build.arch = 'x86'\n", "/p/goward.toml:1:14: ", ", amd64,"),
        ] {
            let error = Configuration::parse(text, Path::new("/p/goward.toml"), Path::new("/p"));
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with(place) && error.contains(known), "{error}");
        }
    }

    #[test]
    fn globs_match_files_and_all_below_folders() {
        for (glob, path, expected) in [
            ("gen", "a/gen/b.go", true),
            ("gen/", "gen/b.go", true),
            ("./gen", "gen", true),
            ("a/*.go", "a/b.go", true),
            ("a/*.go", "a/b/c.go", false),
            ("a/**/*.go", "a/b/c.go", true),
            ("**/gen", "x/gen/y.go", true),
            ("*_mock.go", "x/y_mock.go", true),
            ("{a,b}.go", "x/b.go", true),
            ("gen", "generated/b.go", false),
            ("/gen", "gen/b.go", true),
            ("/gen/", "gen/b.go", true),
            ("/gen", "a/gen/b.go", false),
            ("/*.go", "b.go", true),
            ("/*.go", "a/b.go", false),
        ] {
            assert_eq!(matches_path(glob, path), expected, "{glob} {path}");
        }
    }

    #[test]
    fn the_nearest_file_counts_alone_and_inline_settings_change_it() {
        let files = OverlayFileSystem::in_memory([
            ("/p/goward.toml", "tests = false\nignore = ['a']"),
            ("/p/sub/goward.toml", "generated = true"),
            ("/p/broken/goward.toml", "tests = "),
        ]);
        let inline = [
            "ignore = ['b']\nexclude = ['./c']".to_owned(),
            "build.os = 'plan9'".to_owned(),
        ];
        let all = Configurations::new(&files, Path::new("/p/x"), &inline).unwrap();
        let names = |folder: &str| -> Vec<String> {
            let configuration = all.of(Path::new(folder));
            configuration
                .ignore
                .iter()
                .map(|rule| rule.name.clone())
                .collect()
        };
        assert_eq!(names("/p/x/y"), ["a", "b"]);
        assert_eq!(names("/p/sub/z"), ["b"]);
        assert!(
            all.of(Path::new("/p/sub"))
                .is_excluded(Path::new("/p/x/c/d.go"))
        );
        assert_eq!(all.of(Path::new("/p/sub")).tests, None);
        assert_eq!(
            all.of(Path::new("/other")).build.os.as_deref(),
            Some("plan9")
        );
        assert_eq!(names("/p/broken"), ["b"]);
        assert_eq!(names("/p/broken/x"), ["b"]);
        assert_eq!(all.diagnostics().len(), 1);
        let file = |name: &str| Configurations::new(&files, Path::new("/p"), &[name.to_owned()]);
        let named = file("sub/goward.toml").unwrap();
        assert_eq!(named.of(Path::new("/p")).generated, Some(true));
        let missing = file("nonsense").err().unwrap().to_string();
        assert!(
            missing.starts_with("/p/nonsense: error: cannot read it"),
            "{missing}"
        );
    }
}
