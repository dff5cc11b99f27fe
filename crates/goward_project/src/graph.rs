//! The result of loading: plain data that other crates walk.

use std::path::PathBuf;
use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::diagnostics::ProjectDiagnostic;
use crate::environment::{GoRoot, GoRootProblem};
use crate::standard_library::BuiltInLibrary;
use crate::version::GoVersion;

/// Index into [`Workspace::packages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageIndex(pub u32);

/// Index into [`Workspace::modules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleIndex(pub u32);

/// Packages with their files and imports, found without the go command.
#[derive(Debug)]
pub struct Workspace {
    /// All packages, sorted by import path.
    pub packages: Vec<PackageSource>,
    /// The modules that packages come from, sorted by path.
    pub modules: Vec<Module>,
    /// Every package once, imported packages first. Test files do not count here: see
    /// [`Workspace::order`].
    order: Vec<PackageIndex>,
    /// What could not be found or read, sorted by place.
    pub diagnostics: Vec<ProjectDiagnostic>,
    /// The Go installation that the standard library was read from.
    pub goroot: Option<GoRoot>,
    /// Why there is none that fits; the standard library is then [`ImportTarget::Standard`].
    pub goroot_problem: Option<GoRootProblem>,
    /// The declarations that are used where there is none.
    pub built_in: Option<BuiltInLibrary>,
    /// For which machine and with which tags files were chosen.
    pub build: BuildContext,
}

impl Workspace {
    /// Puts a workspace together; `order` holds each package once.
    pub(crate) fn new(packages: Vec<PackageSource>, build: BuildContext) -> Self {
        Self {
            packages,
            modules: Vec::new(),
            order: Vec::new(),
            diagnostics: Vec::new(),
            goroot: None,
            goroot_problem: None,
            built_in: None,
            build,
        }
    }

    pub(crate) fn set_order(&mut self, order: Vec<PackageIndex>) {
        self.order = order;
    }

    /// Every package once, such that the non-test files of a package come after the non-test files
    /// of all it imports; external test packages (which nothing imports) come last.
    ///
    /// The in-package test files of `a` may import `b` while those of `b` import `a`: so declare
    /// all non-test files in this order first, then the in-package test files of all packages (they
    /// see only the non-test part of what they import), then the external test packages.
    pub fn order(&self) -> &[PackageIndex] {
        &self.order
    }

    /// The package behind an index.
    pub fn package(&self, index: PackageIndex) -> &PackageSource {
        &self.packages[index.0 as usize]
    }

    /// Finds a package by import path; an external test package by the path of its package with
    /// `_test` behind.
    pub fn find(&self, import_path: &str) -> Option<PackageIndex> {
        // A folder may be called `p_test`: the real package sorts before the external test of `p`.
        let index = self
            .packages
            .partition_point(|package| &*package.import_path < import_path);
        let found = self.packages.get(index)?;
        (&*found.import_path == import_path).then(|| PackageIndex(to_u32(index)))
    }

    /// The packages that were asked for, in order of import path.
    pub fn roots(&self) -> impl Iterator<Item = PackageIndex> + '_ {
        (0..self.packages.len())
            .filter(|index| !self.packages[*index].dependency_only)
            .map(|index| PackageIndex(to_u32(index)))
    }
}

pub(crate) fn to_u32(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than four billion packages")
}

/// A package: the files of one folder that belong to the build.
#[derive(Clone, Debug)]
pub struct PackageSource {
    /// Import path as the go command gives it: vendored standard packages have `vendor/` in front,
    /// external test packages `_test` behind.
    pub import_path: Arc<str>,
    /// Name in the package clause.
    pub name: Arc<str>,
    /// The folder, absolute.
    pub directory: Arc<PathBuf>,
    /// Files of the build, sorted by name: those of the package itself, then its in-package test
    /// files. Tests are only looked for in packages that were asked for.
    pub files: Vec<SourceFile>,
    /// What the files import, sorted by path, each path once.
    pub imports: Vec<Import>,
    /// The module it belongs to; `None` for the standard library and outside modules.
    pub module: Option<ModuleIndex>,
    /// From GOROOT.
    pub standard: bool,
    /// Only loaded because another package imports it.
    pub dependency_only: bool,
    /// For an external test package (`package p_test`): the package it tests.
    pub external_test_of: Option<PackageIndex>,
    /// Whether assembly or C lies beside the Go files, so that functions may lack a body.
    pub has_foreign_code: bool,
}

impl PackageSource {
    /// What an import path in one of the package's files leads to.
    pub fn import(&self, path: &str) -> Option<&Import> {
        self.imports
            .binary_search_by(|import| (*import.path).cmp(path))
            .ok()
            .map(|index| &self.imports[index])
    }

    /// The packages that it imports, not counting its in-package tests. They form no cycles.
    pub fn imported_packages(&self) -> impl Iterator<Item = PackageIndex> {
        let imports = self.imports.iter().filter(|import| import.in_package);
        imports.filter_map(|import| match import.target {
            ImportTarget::Package(target) => Some(target),
            _ => None,
        })
    }
}

/// Which part of a package a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TestKind {
    /// Part of the package proper.
    No,
    /// `_test.go`, same package.
    InPackage,
    /// `_test.go`, package `p_test`.
    External,
}

/// A Go file of the build.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Absolute path.
    pub path: PathBuf,
    /// The language version its code is written in: the module's, or what its `//go:build` line
    /// asks for.
    pub go_version: GoVersion,
    /// Imports "C": names behind `C.` are unknown.
    pub is_cgo: bool,
    /// Carries the marker of generated code.
    pub generated: bool,
    /// Whether it is a test.
    pub test: TestKind,
    /// Named on the command line, or in a folder or pattern that was; false for files beside one
    /// that was named alone.
    pub selected: bool,
    /// How many bytes it has; 0 where its header was known from an earlier run.
    pub size: usize,
    /// The bytes, where [`crate::LoadOptions::contents`] says to keep them.
    pub contents: Option<Arc<[u8]>>,
}

/// One import path of a package.
#[derive(Clone, Debug)]
pub struct Import {
    /// As written in the source.
    pub path: Arc<str>,
    /// Where it leads.
    pub target: ImportTarget,
    /// Imported by files that are no in-package tests.
    pub in_package: bool,
    /// Imported by in-package test files.
    pub in_tests: bool,
    /// Index in `files` of the first file that imports it.
    pub file: u32,
    /// Byte offset of the path's opening quote in that file.
    pub offset: u32,
}

impl Import {
    /// Imported by in-package test files and by nothing else.
    pub fn test_only(&self) -> bool {
        !self.in_package
    }
}

/// Where an import leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportTarget {
    /// A package that was loaded.
    Package(PackageIndex),
    /// A package of the standard library, by its path, where no installation fits: take its
    /// declarations from [`Workspace::built_in`].
    Standard,
    /// The pseudo-package `C` of cgo.
    C,
    /// Nowhere: what rests on it is unknown.
    Missing(MissingImport),
}

/// Why an import leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingImport {
    /// Looks like the standard library, but this release does not have it.
    NotInStandardLibrary,
    /// No module in go.mod provides it.
    NoModule,
    /// The module is known but not in the module cache.
    NotDownloaded {
        /// Module path.
        module: String,
        /// Module version.
        version: String,
    },
    /// The module is there but has no such package.
    NotInModule {
        /// Module path.
        module: String,
        /// Module version; empty for a main module or a local replacement.
        version: String,
    },
    /// Vendoring is on and the package is not in vendor/modules.txt.
    NotVendored,
    /// The folder has Go files, but none of them belongs to the build.
    NoFilesForBuild,
    /// Importing it would close a cycle; the text lists the packages on it.
    Cycle(String),
    /// A relative path or one that no tool accepts.
    Malformed,
    /// Outside modules: neither in a vendor folder nor in GOPATH.
    NotInGoPath,
}

impl std::fmt::Display for MissingImport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotInStandardLibrary => {
                formatter.write_str("it is not in the standard library of this Go release")
            }
            Self::NoModule => formatter.write_str("no required module provides it"),
            Self::NotDownloaded { module, version } => {
                write!(formatter, "{module}@{version} is not in the module cache")
            }
            Self::NotInModule { module, version } if version.is_empty() => {
                write!(formatter, "module {module} has no such package")
            }
            Self::NotInModule { module, version } => {
                write!(formatter, "{module}@{version} has no such package")
            }
            Self::NotVendored => formatter.write_str("it is not in vendor/modules.txt"),
            Self::NoFilesForBuild => {
                formatter.write_str("build constraints exclude all Go files of it")
            }
            Self::Cycle(path) => write!(formatter, "import cycle: {path}"),
            Self::Malformed => formatter.write_str("the path is relative or malformed"),
            Self::NotInGoPath => formatter.write_str("it is neither vendored nor in GOPATH"),
        }
    }
}

/// A module of the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Module path.
    pub path: String,
    /// Version; `None` for main modules.
    pub version: Option<String>,
    /// Its folder; in vendor mode the vendor folder.
    pub directory: PathBuf,
    /// The language version on its `go` line.
    pub go_version: GoVersion,
    /// One of the modules that are worked on.
    pub main: bool,
    /// What a `replace` put in its place: a module path and version, or a folder.
    pub replaced_by: Option<String>,
}
