//! One folder read as a package: which of its files belong to the build, to what part, and what
//! they import. Follows go/build (`Context.Import`).

use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use crate::build_context::BuildContext;
use crate::diagnostics::{ProjectDiagnostic, Severity};
use crate::filesystem::{DirectoryEntry, EntryKind, FileSystem, ReadError};
use crate::graph::{SourceFile, TestKind};
use crate::header::Header;
use crate::resolve::{Located, is_go_file};
use crate::version::GoVersion;

/// A package before its imports are resolved.
pub(crate) struct ReadPackage {
    pub(crate) name: String,
    /// Non-test files, then in-package tests.
    pub(crate) files: Vec<SourceFile>,
    pub(crate) imports: Vec<ReadImport>,
    pub(crate) external_files: Vec<SourceFile>,
    pub(crate) external_imports: Vec<ReadImport>,
    pub(crate) has_foreign_code: bool,
    /// Files that are left out because cgo is off.
    pub(crate) without_cgo: Vec<String>,
    pub(crate) diagnostics: Vec<ProjectDiagnostic>,
}

/// An import path of a package, with its first place.
pub(crate) struct ReadImport {
    pub(crate) path: String,
    /// Index in the files of the package or of its external test.
    pub(crate) file: u32,
    pub(crate) offset: u32,
    pub(crate) in_package: bool,
    pub(crate) in_tests: bool,
}

/// How a folder is read.
pub(crate) struct ReadOptions<'a> {
    pub(crate) build: &'a BuildContext,
    pub(crate) filesystem: &'a dyn FileSystem,
    pub(crate) size_limit: u64,
    /// The package was asked for, not only imported.
    pub(crate) asked: bool,
    /// Look at `_test.go` files.
    pub(crate) tests: bool,
    pub(crate) keep_contents: bool,
    /// Language version of files that ask for none.
    pub(crate) go_version: GoVersion,
    /// Only these files were asked for.
    pub(crate) selected: Option<&'a [String]>,
}

/// What helps where cgo is off.
pub(crate) const WITHOUT_CGO: &str =
    "set CGO_ENABLED=1 in the environment, or cgo = true in [build] of goward.toml";

/// Files in a folder below which reading them in parallel costs more than it saves.
const PARALLEL_FILES: usize = 8;

struct ReadFile<'a> {
    name: &'a str,
    path: PathBuf,
    header: Header,
    contents: Option<Arc<[u8]>>,
}

impl ReadFile<'_> {
    /// One-based line and column of a byte offset.
    fn place(&self, offset: u32, options: &ReadOptions<'_>) -> (u32, u32) {
        let contents = self.contents.clone().or_else(|| {
            let read = options.filesystem.read_file(&self.path, options.size_limit);
            read.ok()
        });
        contents.map_or((0, 0), |contents| line_and_column(&contents, offset))
    }
}

pub(crate) fn read(located: &Located, options: &ReadOptions<'_>) -> ReadPackage {
    let mut names: Vec<&DirectoryEntry> = located
        .entries
        .iter()
        .filter(|entry| is_go_file(entry) && !entry.name.starts_with(['_', '.']))
        .filter(|entry| options.tests || !entry.name.ends_with("_test.go"))
        .filter(|entry| options.build.matches_file_name(&entry.name))
        .collect();
    names.sort_by(|left, right| left.name.cmp(&right.name));
    let read: Vec<Result<Option<ReadFile<'_>>, ProjectDiagnostic>> = if names.len() > PARALLEL_FILES
    {
        names
            .par_iter()
            .with_min_len(PARALLEL_FILES / 2)
            .map(|entry| read_file(located, entry, options))
            .collect()
    } else {
        names
            .iter()
            .map(|entry| read_file(located, entry, options))
            .collect()
    };
    let mut package = ReadPackage {
        name: String::new(),
        files: Vec::new(),
        imports: Vec::new(),
        external_files: Vec::new(),
        external_imports: Vec::new(),
        has_foreign_code: located.entries.iter().any(|entry| {
            entry.name.ends_with(".s") && options.build.matches_file_name(&entry.name)
        }),
        without_cgo: Vec::new(),
        diagnostics: Vec::new(),
    };
    let mut in_package_tests = Vec::new();
    let mut chosen = Vec::new();
    let mut external = Vec::new();
    let mut first_file: Option<String> = None;
    for file in read {
        let file = match file {
            Ok(Some(file)) => file,
            Ok(None) => continue,
            Err(diagnostic) => {
                package.diagnostics.push(diagnostic);
                continue;
            }
        };
        let header = &file.header;
        if header.package == "documentation" {
            continue;
        }
        let is_test = file.name.ends_with("_test.go");
        if header.package.is_empty() {
            // Half-written or no Go at all: the parser says what is wrong with it.
            if is_test {
                in_package_tests.push(file);
            } else {
                chosen.push(file);
            }
            continue;
        }
        let mut name = header.package.as_str();
        let mut is_external = false;
        if is_test
            && package.name != name
            && let Some(tested) = name.strip_suffix("_test")
        {
            is_external = true;
            name = tested;
        }
        match &first_file {
            None => {
                name.clone_into(&mut package.name);
                first_file = Some(file.name.to_owned());
            }
            Some(first) if package.name != name => {
                let (line, column) = file.place(header.package_offset, options);
                package.diagnostics.push(
                    ProjectDiagnostic::new(
                        Severity::Error,
                        "mixed-packages",
                        format!(
                            "this file is of package {}, but {first} beside it of package {}",
                            header.package, package.name
                        ),
                    )
                    .at_line(&file.path, line, column)
                    .help("the file is left out; move it to a folder of its own"),
                );
                continue;
            }
            Some(_) => {}
        }
        if header.imports_c() && !is_test {
            package.has_foreign_code = true;
            if !options.build.cgo {
                package.without_cgo.push(file.name.to_owned());
                continue;
            }
        }
        match (is_external, is_test) {
            (true, _) => external.push(file),
            (false, true) => in_package_tests.push(file),
            (false, false) => chosen.push(file),
        }
    }
    let proper = chosen.len();
    chosen.extend(in_package_tests);
    package.imports = imports(&chosen, proper);
    package.external_imports = imports(&external, external.len());
    for diagnostic in &mut package.diagnostics {
        // What was not asked for is not missed either.
        if !options.asked {
            diagnostic.severity = Severity::Warning;
        }
    }
    package.files = chosen
        .into_iter()
        .enumerate()
        .map(|(index, file)| {
            let test = if index < proper {
                TestKind::No
            } else {
                TestKind::InPackage
            };
            source_file(file, test, options)
        })
        .collect();
    package.external_files = external
        .into_iter()
        .map(|file| source_file(file, TestKind::External, options))
        .collect();
    let mut missed = Vec::new();
    for name in options.selected.unwrap_or_default() {
        missed.extend(left_out(name, located, &package, options));
    }
    package.diagnostics.extend(missed);
    package
}

/// Why a file that was asked for by its name is not looked at; `None` when it is, or when that was
/// said already.
fn left_out(
    name: &str,
    located: &Located,
    package: &ReadPackage,
    options: &ReadOptions<'_>,
) -> Option<ProjectDiagnostic> {
    let path = located.directory.join(name);
    let mut files = package.files.iter().chain(&package.external_files);
    let said = |diagnostic: &ProjectDiagnostic| diagnostic.path.as_ref() == Some(&path);
    if files.any(|file| file.path == path) || package.diagnostics.iter().any(said) {
        return None;
    }
    let BuildContext { os, arch, .. } = options.build;
    let (message, help) = if package.without_cgo.iter().any(|file| file == name) {
        (
            "the file imports \"C\", and cgo is off".to_owned(),
            WITHOUT_CGO,
        )
    } else if name.ends_with("_test.go") && !options.tests {
        (
            "the file is left out: tests are not checked".to_owned(),
            "set tests = true in goward.toml",
        )
    } else {
        (
            format!("build constraints exclude the file for {os}/{arch}"),
            "choose another system or tags with --os, --arch and --tags",
        )
    };
    let diagnostic = ProjectDiagnostic::new(Severity::Warning, "file-not-for-build", message);
    Some(diagnostic.at(&path).help(help))
}

fn read_file<'a>(
    located: &Located,
    entry: &'a DirectoryEntry,
    options: &ReadOptions<'_>,
) -> Result<Option<ReadFile<'a>>, ProjectDiagnostic> {
    let path = located.directory.join(&entry.name);
    if entry.kind == EntryKind::Symlink {
        match options.filesystem.kind(&path) {
            Ok(EntryKind::File) => {}
            // A link to a folder is no source file.
            Ok(EntryKind::Directory) => return Ok(None),
            Ok(_) => return Err(unreadable(path, &ReadError::NotRegular)),
            Err(error) => return Err(unreadable(path, &ReadError::Io(error))),
        }
    }
    let read = match options.filesystem.read_go_file(&path, options.size_limit) {
        Ok(read) => read,
        Err(error) => return Err(unreadable(path, &error)),
    };
    let file = ReadFile {
        name: &entry.name,
        path,
        header: read.header,
        contents: read.contents,
    };
    if file.header.constraint_error {
        return Err(header_diagnostic(&file, options));
    }
    let belongs = file
        .header
        .constraints
        .iter()
        .all(|constraint| constraint.evaluate(&|tag| options.build.has_tag(tag)));
    Ok(belongs.then_some(file))
}

fn unreadable(path: PathBuf, error: &ReadError) -> ProjectDiagnostic {
    let diagnostic = ProjectDiagnostic::new(
        Severity::Error,
        "file-not-read",
        format!("the file is left out: {error}"),
    )
    .at(&path);
    match error {
        ReadError::TooLarge { .. } => {
            diagnostic.help("exclude the file in goward.toml if it is meant to be that large")
        }
        _ => diagnostic,
    }
}

fn header_diagnostic(file: &ReadFile<'_>, options: &ReadOptions<'_>) -> ProjectDiagnostic {
    let (offset, message) = match &file.header.error {
        Some(error) => (error.offset, error.message.clone()),
        None => (0, "expected 'package'".to_owned()),
    };
    let (line, column) = file.place(offset, options);
    ProjectDiagnostic::new(
        Severity::Error,
        "file-header",
        format!("the file is left out: {message}"),
    )
    .at_line(&file.path, line, column)
}

fn source_file(file: ReadFile<'_>, test: TestKind, options: &ReadOptions<'_>) -> SourceFile {
    // A file may choose its language version, but not one from before the choice existed
    // (go/types, `initFiles`).
    let go_version = file
        .header
        .go_version
        .map_or(options.go_version, |minor| GoVersion(minor.max(21)));
    SourceFile {
        go_version,
        is_cgo: file.header.imports_c(),
        generated: file.header.generated,
        test,
        selected: options
            .selected
            .is_none_or(|selected| selected.iter().any(|name| name == file.name)),
        size: file.contents.as_ref().map_or(0, |contents| contents.len()),
        contents: file.contents.filter(|_| options.keep_contents),
        path: file.path,
    }
}

/// The distinct imports, sorted; `proper` is the number of files that are no tests.
fn imports(files: &[ReadFile<'_>], proper: usize) -> Vec<ReadImport> {
    let mut imports: Vec<ReadImport> = files
        .iter()
        .enumerate()
        .flat_map(|(index, file)| {
            file.header.imports.iter().map(move |import| ReadImport {
                path: import.path.clone(),
                file: u32::try_from(index).unwrap_or(u32::MAX),
                offset: import.offset,
                in_package: index < proper,
                in_tests: index >= proper,
            })
        })
        .collect();
    // Files that are no tests come first, so that the first of equal paths is in the package proper
    // where any is.
    imports.sort_by(|left, right| {
        (&left.path, left.file, left.offset).cmp(&(&right.path, right.file, right.offset))
    });
    imports.dedup_by(|later, first| {
        let same = later.path == first.path;
        if same {
            first.in_tests |= later.in_tests;
        }
        same
    });
    imports
}

/// One-based line and column of a byte offset.
pub(crate) fn line_and_column(contents: &[u8], offset: u32) -> (u32, u32) {
    let before = &contents[..(offset as usize).min(contents.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let to_u32 = |number: usize| u32::try_from(number + 1).unwrap_or(u32::MAX);
    (to_u32(line), to_u32(before.len() - start))
}
