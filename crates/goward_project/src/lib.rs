//! Finds Go code without the go command: modules, workspaces, vendor folders, GOPATH trees, build
//! constraints, the standard library; and goward's own configuration.
//!
//! [`load`] turns patterns into a [`Workspace`]: packages with their files and resolved imports, in
//! an order that puts imported packages first. It never fails; what is missing is a
//! [`ProjectDiagnostic`] and, in the graph, an [`ImportTarget::Missing`].
//!
//! ```no_run
//! use goward_project::{Environment, LoadOptions, OsFileSystem, load};
//!
//! let environment = Environment::from_process(&OsFileSystem);
//! let options = LoadOptions::new("/home/me/shop").patterns(["./..."]);
//! let workspace = load(&options, &environment, &OsFileSystem);
//! for index in workspace.order() {
//!     let package = workspace.package(*index);
//!     for file in &package.files {
//!         let _source = file.contents.as_deref();
//!     }
//! }
//! ```
//!
//! Absent here: nothing is executed, nothing is written, nothing is fetched.

mod assemble;
mod build_context;
mod configuration;
mod constraint;
mod diagnostics;
mod environment;
mod filesystem;
mod fingerprint;
mod graph;
mod header;
mod large_first;
mod load;
mod loose_tree;
mod minimal_versions;
mod modfile;
mod module_set;
mod observed;
mod package;
mod pattern;
mod program;
mod requests;
mod resolve;
mod standard_library;
mod stored;
mod vendor;
mod version;

pub use build_context::{BuildContext, KNOWN_ARCHITECTURES, KNOWN_SYSTEMS, host};
pub use configuration::{
    BuildConfiguration, Configuration, Configurations, FILE_NAME as CONFIGURATION_FILE, PathGlob,
    RuleName,
};
pub use constraint::{Constraint, ConstraintError};
pub use diagnostics::{ProjectDiagnostic, Severity};
pub use environment::{Environment, GoFlags, GoRoot, GoRootProblem, split_tags};
pub use filesystem::{
    DirectoryEntry, EmptyFileSystem, EntryKind, FileSystem, GoFile, OsFileSystem,
    OverlayFileSystem, ReadError, normalized,
};
pub use fingerprint::{FileHashes, Fingerprints, Hash, declarations, fingerprints};
pub use graph::{
    Import, ImportTarget, MissingImport, Module, ModuleIndex, PackageIndex, PackageSource,
    SourceFile, TestKind, Workspace,
};
pub use header::{Header, HeaderError, HeaderImport, scan as scan_header};
pub use load::{Contents, LoadOptions, load};
pub use modfile::{
    ModFile, ModFileError, ModFileKind, ModuleVersion, Replace, Require, Use,
    escape as escape_module_path, parse as parse_mod_file,
};
pub use observed::{Observations, ObservedFileSystem, Verdict};
pub use program::{
    Program, ProgramFile, ProgramOptions, ProgramPackage, Visitor, WholeProgram, failure_cause,
};
pub use requests::requests;
pub use standard_library::BuiltInLibrary;
pub use stored::{StoredEntry, StoredProgram};
pub use vendor::{VendorList, VendoredModule, parse as parse_vendor_list};
pub use version::{GoRelease, GoVersion, compare_module_versions, is_module_version};
