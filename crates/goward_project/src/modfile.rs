//! go.mod and go.work: their common syntax, and their directives with place and cause of what is
//! wrong.
//!
//! Follows golang.org/x/mod/modfile (read.go, rule.go). Directives that do not concern loading
//! (`retract`, `toolchain`, `godebug`) are checked for form only as far as Go refuses the file.

use crate::version::{
    GoRelease, GoVersion, compare_module_versions, is_module_version, module_version_major,
};

/// A module at a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleVersion {
    /// Module path.
    pub path: String,
    /// Version with its leading `v`.
    pub version: String,
}

/// One `require`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Require {
    /// What is required.
    pub module: ModuleVersion,
    /// Whether it is marked `// indirect`.
    pub indirect: bool,
    /// One-based line.
    pub line: u32,
}

/// One `replace`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// The module that is replaced.
    pub old_path: String,
    /// Only this version of it, or all.
    pub old_version: Option<String>,
    /// A module path, or a folder when `new_version` is `None`.
    pub new_path: String,
    /// The version of the other module.
    pub new_version: Option<String>,
    /// One-based line.
    pub line: u32,
}

/// One `use` of a go.work file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The folder, relative to the go.work file or absolute.
    pub path: String,
    /// One-based line.
    pub line: u32,
}

/// What a go.mod or go.work file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModFile {
    /// The module's own path (go.mod).
    pub module: Option<String>,
    /// The `go` line.
    pub go: Option<GoRelease>,
    /// The `toolchain` line, such as `go1.26.1` or `default`.
    pub toolchain: Option<String>,
    /// `godebug` settings.
    pub godebug: Vec<(String, String)>,
    /// `require` (go.mod).
    pub require: Vec<Require>,
    /// `exclude` (go.mod).
    pub exclude: Vec<ModuleVersion>,
    /// `replace`
    pub replace: Vec<Replace>,
    /// `tool` (go.mod): package paths.
    pub tool: Vec<String>,
    /// `ignore` (go.mod): folders that patterns skip.
    pub ignore: Vec<String>,
    /// `retract` (go.mod): lowest and highest version.
    pub retract: Vec<(String, String)>,
    /// `use` (go.work).
    pub uses: Vec<Use>,
}

impl ModFile {
    /// The language version of the module's files.
    pub fn language(&self) -> GoVersion {
        self.go
            .map_or(GoVersion::UNSTATED_IN_MODULE, GoRelease::language)
    }
}

/// Which file is read, and how strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModFileKind {
    /// The main module's go.mod: every directive counts and must be known.
    Main,
    /// A dependency's go.mod: only what concerns its users is read, the rest is skipped, so that
    /// directives of later Go releases do no harm.
    Dependency,
    /// A go.work file.
    Work,
}

/// Something wrong in a go.mod or go.work file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModFileError {
    /// One-based line.
    pub line: u32,
    /// One-based column in bytes.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to do, where more can be said than the message does.
    pub help: Option<String>,
}

/// Reads a file; what is wrong is reported and the rest of the file still read.
pub fn parse(text: &str, kind: ModFileKind) -> (ModFile, Vec<ModFileError>) {
    let mut reader = Reader {
        kind,
        file: ModFile::default(),
        errors: Vec::new(),
        line: 0,
        saw_module: false,
        saw_go: false,
        saw_toolchain: false,
    };
    // The verb of the block that is open, and where it was opened.
    let mut block: Option<(String, u32)> = None;
    for (index, line) in text.split('\n').enumerate() {
        reader.line = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let Some(tokens) = reader.tokens(line) else {
            continue;
        };
        let words: Vec<&str> = tokens.words.iter().map(|word| word.text).collect();
        let Some(first) = tokens.words.first() else {
            continue;
        };
        match &block {
            Some(_) if words == [")"] => block = None,
            Some((verb, _)) => {
                let verb = verb.clone();
                reader.directive(&verb, &words, first.column, tokens.comment);
            }
            None if words.len() == 2 && words[1] == "(" => {
                reader.check_verb(words[0], first.column, true);
                block = Some((words[0].to_owned(), reader.line));
            }
            None if words.len() == 3 && words[1..] == ["(", ")"] => {
                reader.check_verb(words[0], first.column, true);
            }
            None => {
                let verb = words[0].to_owned();
                if reader.check_verb(&verb, first.column, false) {
                    let column = tokens.words.get(1).map_or(first.column, |word| word.column);
                    reader.directive(&verb, &words[1..], column, tokens.comment);
                }
            }
        }
    }
    if let Some((verb, line)) = block {
        reader.line = line;
        reader.error(
            1,
            format!("the block of {verb} is not closed"),
            Some("add a line with ')'"),
        );
    }
    if kind == ModFileKind::Main && !reader.saw_module {
        reader.line = 1;
        reader.error(
            1,
            "no module line".to_owned(),
            Some("add 'module example.com/path' as the first line"),
        );
    }
    (reader.file, reader.errors)
}

struct Word<'a> {
    text: &'a str,
    column: u32,
}

struct Line<'a> {
    words: Vec<Word<'a>>,
    comment: &'a str,
}

struct Reader {
    kind: ModFileKind,
    file: ModFile,
    errors: Vec<ModFileError>,
    line: u32,
    saw_module: bool,
    saw_go: bool,
    saw_toolchain: bool,
}

const MOD_VERBS: &[&str] = &[
    "module",
    "go",
    "toolchain",
    "godebug",
    "require",
    "exclude",
    "replace",
    "retract",
    "tool",
    "ignore",
];
const WORK_VERBS: &[&str] = &["go", "toolchain", "godebug", "use", "replace"];
/// What Go reads of a dependency's go.mod.
const DEPENDENCY_VERBS: &[&str] = &["go", "module", "retract", "require", "ignore"];

impl Reader {
    fn error(&mut self, column: u32, message: String, help: Option<&str>) {
        if self.kind != ModFileKind::Dependency {
            self.errors.push(ModFileError {
                line: self.line,
                column,
                message,
                help: help.map(str::to_owned),
            });
        }
    }

    /// Cuts a line into words and its comment; `None` when it cannot be cut.
    fn tokens<'a>(&mut self, line: &'a str) -> Option<Line<'a>> {
        let mut words = Vec::new();
        let mut at = 0;
        loop {
            let rest = &line[at..];
            let rest = rest.trim_start_matches([' ', '\t', '\r']);
            at = line.len() - rest.len();
            let column = u32::try_from(at + 1).unwrap_or(u32::MAX);
            let Some(first) = rest.chars().next() else {
                return Some(Line { words, comment: "" });
            };
            if rest.starts_with("//") {
                return Some(Line {
                    words,
                    comment: rest.trim_end(),
                });
            }
            if rest.starts_with("/*") {
                self.error(column, "block comment".to_owned(), Some("use // comments"));
                return None;
            }
            let length = match first {
                '(' | ')' | '[' | ']' | '{' | '}' | ',' => 1,
                '"' | '`' => {
                    let mut end = None;
                    let mut escaped = false;
                    for (index, character) in rest.char_indices().skip(1) {
                        if escaped {
                            escaped = false;
                        } else if character == '\\' && first == '"' {
                            escaped = true;
                        } else if character == first {
                            end = Some(index + 1);
                            break;
                        }
                    }
                    let Some(end) = end else {
                        self.error(column, "string not closed on its line".to_owned(), None);
                        return None;
                    };
                    end
                }
                _ if is_word_character(first) => {
                    let mut length = rest.find(|c| !is_word_character(c)).unwrap_or(rest.len());
                    if let Some(comment) = rest[..length].find("//") {
                        length = comment;
                    }
                    length
                }
                _ => {
                    self.error(column, format!("unexpected character {first:?}"), None);
                    return None;
                }
            };
            words.push(Word {
                text: &rest[..length],
                column,
            });
            at += length;
        }
    }

    /// Whether the directive is one to read; says so when it is one that this file cannot have.
    fn check_verb(&mut self, verb: &str, column: u32, block: bool) -> bool {
        let known = match self.kind {
            ModFileKind::Main => MOD_VERBS,
            ModFileKind::Dependency => DEPENDENCY_VERBS,
            ModFileKind::Work => WORK_VERBS,
        };
        if !known.contains(&verb) {
            let help = if self.kind == ModFileKind::Work && MOD_VERBS.contains(&verb) {
                "this directive belongs into a go.mod file".to_owned()
            } else if self.kind == ModFileKind::Main && verb == "use" {
                "'use' belongs into a go.work file".to_owned()
            } else {
                format!("directives are {}", known.join(", "))
            };
            self.error(column, format!("unknown directive: {verb}"), Some(&help));
            return false;
        }
        if block && matches!(verb, "go" | "toolchain") {
            self.error(column, format!("{verb} takes no block"), None);
            return false;
        }
        true
    }

    /// Reads one directive line; `arguments` are the words after the verb.
    fn directive(&mut self, verb: &str, arguments: &[&str], column: u32, comment: &str) {
        if self.kind == ModFileKind::Dependency && !DEPENDENCY_VERBS.contains(&verb) {
            return;
        }
        if let Err(message) = self.try_directive(verb, arguments, comment) {
            self.error(column, message, None);
        }
    }

    fn try_directive(
        &mut self,
        verb: &str,
        arguments: &[&str],
        comment: &str,
    ) -> Result<(), String> {
        let one = || match arguments {
            [one] => unquote(one),
            _ => Err(format!("{verb} expects exactly one argument")),
        };
        match verb {
            "module" => {
                if std::mem::replace(&mut self.saw_module, true) {
                    return Err("repeated module line".to_owned());
                }
                self.file.module = Some(one()?);
            }
            "go" => {
                if std::mem::replace(&mut self.saw_go, true) {
                    return Err("repeated go line".to_owned());
                }
                let version = one()?;
                let strict = self.kind != ModFileKind::Dependency;
                self.file.go = Some(parse_go_line(&version, strict).ok_or_else(|| {
                    format!("invalid go version '{version}': must have the form 1.23.0")
                })?);
            }
            "toolchain" => {
                if std::mem::replace(&mut self.saw_toolchain, true) {
                    return Err("repeated toolchain line".to_owned());
                }
                let name = one()?;
                if name != "default" && name != "go1" && !name.starts_with("go1.") {
                    return Err(format!(
                        "invalid toolchain '{name}': must have the form go1.23.0 or be 'default'"
                    ));
                }
                self.file.toolchain = Some(name);
            }
            "godebug" => match arguments {
                [setting] if setting.contains('=') => {
                    let (key, value) = setting.split_once('=').unwrap_or_default();
                    self.file.godebug.push((key.to_owned(), value.to_owned()));
                }
                _ => return Err("godebug expects key=value".to_owned()),
            },
            "require" | "exclude" => {
                let [path, version] = arguments else {
                    return Err(format!("{verb} expects a module path and a version"));
                };
                let module = ModuleVersion {
                    path: unquote(path)?,
                    version: unquote(version)?,
                };
                check_version(&module.path, &module.version)?;
                if verb == "exclude" {
                    self.file.exclude.push(module);
                } else {
                    self.file.require.push(Require {
                        module,
                        indirect: is_indirect(comment),
                        line: self.line,
                    });
                }
            }
            "replace" => {
                let replace = self.replace(arguments)?;
                self.file.replace.push(replace);
            }
            "retract" => {
                if let Some(interval) = retract_interval(arguments)? {
                    self.file.retract.push(interval);
                }
            }
            "tool" => {
                let path = one()?;
                self.file.tool.push(path);
            }
            "ignore" => {
                let path = one()?;
                self.file.ignore.push(path);
            }
            "use" => {
                let path = one()?;
                self.file.uses.push(Use {
                    path,
                    line: self.line,
                });
            }
            _ => return Err(format!("unknown directive: {verb}")),
        }
        Ok(())
    }

    fn replace(&self, arguments: &[&str]) -> Result<Replace, String> {
        let arrow = arguments.iter().position(|word| *word == "=>");
        let (old, new) = match arrow {
            Some(arrow @ 1..=2) => (&arguments[..arrow], &arguments[arrow + 1..]),
            _ => (&arguments[..0], &arguments[..0]),
        };
        if old.is_empty() || !matches!(new.len(), 1..=2) {
            return Err(
                "replace expects 'module/path [v1.2.3] => other/module v1.4.0' or '… => ../folder'"
                    .to_owned(),
            );
        }
        let old_path = unquote(old[0])?;
        let old_version = old.get(1).map(|version| unquote(version)).transpose()?;
        if let Some(version) = &old_version {
            check_version(&old_path, version)?;
        }
        let new_path = unquote(new[0])?;
        let new_version = new.get(1).map(|version| unquote(version)).transpose()?;
        match &new_version {
            None if !is_folder(&new_path) => Err(if new_path.contains('@') {
                "the replacement must be written 'path version', not 'path@version'".to_owned()
            } else {
                "a replacement without a version must be a folder that starts with ./ or ../ or /"
                    .to_owned()
            }),
            Some(_) if is_folder(&new_path) => Err(format!(
                "the replacement folder {new_path:?} cannot have a version"
            )),
            Some(version) if !is_module_version(version) => {
                Err(format!("invalid version {version:?}"))
            }
            _ => Ok(Replace {
                old_path,
                old_version,
                new_path,
                new_version,
                line: self.line,
            }),
        }
    }
}

fn is_word_character(character: char) -> bool {
    !matches!(character, ' ' | '(' | ')' | '[' | ']' | '{' | '}' | ',')
        && !character.is_whitespace()
        && !character.is_control()
}

/// Whether a replacement is a folder and not a module (modfile `IsDirectoryPath`).
pub(crate) fn is_folder(path: &str) -> bool {
    path == "."
        || path == ".."
        || path.starts_with("./")
        || path.starts_with("../")
        || path.starts_with('/')
        || path.starts_with(".\\")
        || path.starts_with("..\\")
        || path.starts_with('\\')
        || (path.len() > 1
            && path.as_bytes()[1] == b':'
            && path.as_bytes()[0].is_ascii_alphabetic())
}

fn unquote(word: &str) -> Result<String, String> {
    match word.as_bytes().first() {
        Some(b'`') => Ok(word.trim_matches('`').to_owned()),
        Some(b'"') => {
            let inner = &word[1..word.len() - 1];
            if inner.contains('\\') {
                // No module path has an escape in it.
                return Err(format!("escape in the string {word}"));
            }
            Ok(inner.to_owned())
        }
        _ if word.contains(['"', '`', '\'']) => Err(format!("quote inside the word {word}")),
        _ => Ok(word.to_owned()),
    }
}

fn is_indirect(comment: &str) -> bool {
    let text = comment.trim_start_matches('/').trim_start();
    let first = text.split([';', ' ', '\t']).next().unwrap_or_default();
    first == "indirect"
        && (text.len() == first.len() || text[first.len()..].trim_start().starts_with(';'))
}

/// The version on a `go` line; dependencies may have a suffix that Go no longer allows.
fn parse_go_line(text: &str, strict: bool) -> Option<GoRelease> {
    let is_plain = text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains('.')
        && !text.contains(['-', '+', ' ']);
    if is_plain && let Some(release) = GoRelease::parse(text) {
        return Some(release);
    }
    if strict {
        return None;
    }
    let text = text.strip_prefix('v').unwrap_or(text);
    let (major, rest) = text.split_once('.')?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    GoRelease::parse(&format!("{major}.{}", &rest[..end]))
}

/// Whether the version's major number agrees with the path's (module `CheckPathMajor`).
fn check_version(path: &str, version: &str) -> Result<(), String> {
    let Some(major) = module_version_major(version) else {
        return Err(format!(
            "invalid version {version:?} of {path}: must have the form v1.2.3"
        ));
    };
    if let Some(wanted) = path
        .strip_prefix("gopkg.in/")
        .and_then(|rest| rest.rsplit_once(".v"))
    {
        let wanted = wanted.1.strip_suffix("-unstable").unwrap_or(wanted.1);
        // Versions that gopkg.in had before modules came as v0.0.0 pseudo-versions.
        if major == wanted || (wanted == "1" && version.starts_with("v0.0.0-")) {
            return Ok(());
        }
        return Err(format!(
            "version {version} of {path} should be v{wanted}, not v{major}"
        ));
    }
    let suffix = path
        .rsplit_once("/v")
        .map(|(_, suffix)| suffix)
        .filter(|suffix| {
            !suffix.starts_with('0')
                && *suffix != "1"
                && !suffix.is_empty()
                && suffix.bytes().all(|byte| byte.is_ascii_digit())
        });
    match suffix {
        Some(wanted) if wanted == major => Ok(()),
        Some(wanted) => Err(format!(
            "version {version} of {path} should be v{wanted}, not v{major}"
        )),
        None if matches!(major, "0" | "1") || version.ends_with("+incompatible") => Ok(()),
        None => Err(format!(
            "version {version} of {path} should be v0 or v1, not v{major} (or the path should end in /v{major})"
        )),
    }
}

/// `v1.2.3` or `[v1.2.3, v1.3.0]`.
fn retract_interval(arguments: &[&str]) -> Result<Option<(String, String)>, String> {
    let (low, high) = match arguments {
        [one] => (unquote(one)?, unquote(one)?),
        ["[", low, ",", high, "]"] => (unquote(low)?, unquote(high)?),
        // A rationale alone in a block is allowed in future versions.
        [] => return Ok(None),
        _ => return Err("retract expects v1.2.3 or [v1.2.3, v1.3.0]".to_owned()),
    };
    for version in [&low, &high] {
        if !is_module_version(version) {
            return Err(format!("invalid version {version:?}"));
        }
    }
    if compare_module_versions(&low, &high).is_gt() {
        return Err(format!("the interval from {low} to {high} is empty"));
    }
    Ok(Some((low, high)))
}

/// Module paths and versions as the module cache writes them: `!x` for an upper-case `X`.
/// `None` when the text cannot be a path there.
pub fn escape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '!' | '\0' => return None,
            'A'..='Z' => {
                out.push('!');
                out.push(character.to_ascii_lowercase());
            }
            _ => out.push(character),
        }
    }
    // A path that leaves the cache would read files that are not meant.
    let leaves = out
        .split(['/', '\\'])
        .any(|part| part.is_empty() || part == "." || part == "..");
    (!leaves).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks `// want: message` on the line that is wrong.
    #[track_caller]
    fn check(kind: ModFileKind, text: &str) -> ModFile {
        let (file, errors) = parse(text, kind);
        let mut wanted = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Some((_, message)) = line.split_once("// want: ") {
                wanted.push(format!("{}: {message}", index + 1));
            }
        }
        let found: Vec<String> = errors
            .iter()
            .map(|error| format!("{}: {}", error.line, error.message))
            .collect();
        assert_eq!(found, wanted);
        file
    }

    #[test]
    fn every_directive_is_read() {
        let file = check(
            ModFileKind::Main,
            "// Deprecated: no.\nmodule \"example.com/m/v2\" // c\n\ngo 1.24.1\ntoolchain go1.26.8\ngodebug default=go1.21\n\
             require example.com/a v1.2.3 // indirect\nrequire (\n\t`example.com/B` v0.1.0 // indirect; x\n\
             \texample.com/c v2.0.0+incompatible // indirectly\n\tgopkg.in/yaml.v3 v3.0.1\n)\nexclude example.com/a v1.2.4\n\
             replace example.com/a => ../a\nreplace (\n\texample.com/c v2.0.0+incompatible => example.com/d v1.0.0\n)\n\
             retract [v2.0.0, v2.0.1] // bad\nretract v2.1.0\ntool example.com/a/cmd/x\nignore (\n\t./node_modules\n\tstatic\n)\n",
        );
        assert_eq!(file.module.as_deref(), Some("example.com/m/v2"));
        assert_eq!(file.language(), GoVersion(24));
        assert_eq!(file.toolchain.as_deref(), Some("go1.26.8"));
        let indirect: Vec<bool> = file
            .require
            .iter()
            .map(|require| require.indirect)
            .collect();
        assert_eq!(indirect, [true, true, false, false]);
        assert_eq!(
            file.replace[1].old_version.as_deref(),
            Some("v2.0.0+incompatible")
        );
        assert_eq!(file.replace[0].new_version, None);
        assert_eq!(file.retract.len(), 2);
        assert_eq!(file.ignore, ["./node_modules", "static"]);
        assert_eq!(file.tool, ["example.com/a/cmd/x"]);
        assert_eq!(file.exclude.len(), 1);
    }

    #[test]
    fn what_is_wrong_has_its_line_and_the_rest_is_read() {
        let file = check(
            ModFileKind::Main,
            "module m\ngo 1.21x // want: invalid go version '1.21x': must have the form 1.23.0\n\
             go 1.22 // want: repeated go line\n\
             frobnicate x // want: unknown directive: frobnicate\n\
             use ./a // want: unknown directive: use\n\
             require a.b/c // want: require expects a module path and a version\n\
             require a.b/c/v2 v1.0.0 // want: version v1.0.0 of a.b/c/v2 should be v2, not v1\n\
             require a.b/c master // want: invalid version \"master\" of a.b/c: must have the form v1.2.3\n\
             replace a.b/c => d.e/f // want: a replacement without a version must be a folder that starts with ./ or ../ or /\n\
             replace a.b/c => ../d v1.0.0 // want: the replacement folder \"../d\" cannot have a version\n\
             require \"a.b/c v1.0.0 // want: string not closed on its line\n\
             retract [v1.2.0, v1.1.0] // want: the interval from v1.2.0 to v1.1.0 is empty\n\
             require a.b/d v1.0.0\n\
             require ( // want: the block of require is not closed\n",
        );
        assert_eq!(file.require.len(), 1);
        check(ModFileKind::Main, "go 1.22 // want: no module line\n");
        let (_, errors) = parse("module m\n\trequire x y z\n", ModFileKind::Main);
        assert_eq!((errors[0].line, errors[0].column), (2, 10));
    }

    #[test]
    fn dependencies_are_read_without_complaint() {
        let file = check(
            ModFileKind::Dependency,
            "module m\ngo 1.12beta-x\nfrobnicate\nnew (\n\tthing a b\n)\nreplace a => b\nrequire a.b/c v1.0.0\n",
        );
        assert_eq!(file.language(), GoVersion(12));
        assert_eq!(file.require.len(), 1);
        assert_eq!(file.replace.len(), 0);
    }

    #[test]
    fn work_files_have_their_own_directives() {
        let file = check(
            ModFileKind::Work,
            "go 1.24\nuse (\n\t./a // first\n\t\"../b c\"\n)\nuse ./d\nreplace a.b/c => ./c\nrequire a v1.0.0 // want: unknown directive: require\n",
        );
        let uses: Vec<&str> = file.uses.iter().map(|used| used.path.as_str()).collect();
        assert_eq!(uses, ["./a", "../b c", "./d"]);
    }

    #[test]
    fn cache_paths_are_escaped() {
        assert_eq!(
            escape("github.com/BurntSushi/toml").as_deref(),
            Some("github.com/!burnt!sushi/toml")
        );
        assert_eq!(escape("a/../../etc"), None);
        assert_eq!(escape("a!b"), None);
    }

    #[test]
    fn no_text_makes_it_panic() {
        let seed = "module \"m\"\ngo 1.21\nrequire (\n\ta.b/c v1.0.0 // indirect\n)\nreplace a => ../b\nretract [v1.0.0, v1.1.0]\nuse `x`\n";
        let mut state = 88_172_645_463_325_252_u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap_or(0)
        };
        let pieces = [
            "\"", "`", "(", ")", "=>", "\n", "//", "/*", " ", "\u{fffd}", "é", "v", ",", "[",
        ];
        for _ in 0..5_000 {
            let mut text: Vec<char> = seed.chars().collect();
            for _ in 0..1 + random(4) {
                let at = random(text.len());
                let piece = pieces[random(pieces.len())];
                text.splice(at..(at + random(3)).min(text.len()), piece.chars());
            }
            let text: String = text.into_iter().collect();
            for kind in [
                ModFileKind::Main,
                ModFileKind::Dependency,
                ModFileKind::Work,
            ] {
                for error in parse(&text, kind).1 {
                    assert!(error.line >= 1 && error.column >= 1);
                }
            }
        }
    }
}
