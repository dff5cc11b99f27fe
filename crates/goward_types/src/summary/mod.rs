//! Summaries: the declarations of packages as bytes, so that imports of the standard library are
//! known where no Go is installed.
//!
//! A summary holds what importers of a package can see or need: every exported constant, variable
//! and function, and every type, with all its fields and methods, since layout, comparability and
//! method sets depend on the unexported ones, too. Names of parameters are kept because texts of
//! types show them. There are no positions, no bodies and no documentation.
//!
//! # The bytes
//!
//! Numbers are written seven bits a byte (`wire`). An index comes first (`archive`): the Go release,
//! the platforms, and for each package its path, the platforms that have it (a bit each), the
//! packages whose types it names, and the sizes of its bytes. Packages are in an order in which each
//! follows those that it names, so that no chain of references can be a circle. Then follow the
//! packages, compressed one by one: a small program reads a few of them.
//!
//! A package is a list of names and *parts*. A part is what one set of platforms declares: what all
//! of them have in common is written once, and what differs once for each set. It has three
//! sections: the kinds and names of its declarations, its types, and the rest of its declarations.
//! A type is made of types with lower numbers; a declared one goes by its name. So reading takes one
//! pass over each section, and no recursion.
//!
//! # Packages by themselves
//!
//! [`write_declarations`] writes one package for one platform, so that a later run need not check it
//! again (`stored`): its name, the kinds and names of its declarations, the packages whose types it
//! names, its list of names, its types, and the rest of its declarations. Here types may be unknown.
//!
//! Readers believe nothing: damaged bytes give a [`SummaryError`].

mod archive;
mod collect;
mod model;
mod read;
mod stored;
mod value;
mod wire;
mod write;

use std::fmt;

pub use archive::Summary;
pub use read::SummaryPackages;
pub use stored::StoredDeclarations;
pub(crate) use stored::StoredPackages;
pub use write::{Packing, SummaryBuilder, write_declarations};

/// Why a summary, or a package in it, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryError {
    /// The package whose bytes are damaged; none where it is the index.
    pub package: Option<String>,
    cause: &'static str,
}

impl fmt::Display for SummaryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.package {
            Some(package) => write!(f, "the summary of package {package} is damaged: ")?,
            None => f.write_str("the summary is damaged: ")?,
        }
        f.write_str(self.cause)
    }
}

impl std::error::Error for SummaryError {}

/// What a declaration is.
mod head_tag {
    pub(super) const CONSTANT: u8 = 0;
    pub(super) const VARIABLE: u8 = 1;
    pub(super) const FUNCTION: u8 = 2;
    pub(super) const DEFINED: u8 = 3;
    pub(super) const ALIAS: u8 = 4;
}

/// What a type is.
mod node_tag {
    pub(super) const DECLARED: u8 = 0;
    pub(super) const INSTANCE: u8 = 1;
    pub(super) const TYPE_PARAMETER: u8 = 2;
    pub(super) const ARRAY: u8 = 3;
    pub(super) const SLICE: u8 = 4;
    pub(super) const POINTER: u8 = 5;
    pub(super) const MAP: u8 = 6;
    pub(super) const CHANNEL: u8 = 7;
    pub(super) const SEND_CHANNEL: u8 = 8;
    pub(super) const RECEIVE_CHANNEL: u8 = 9;
    pub(super) const STRUCT: u8 = 10;
    pub(super) const SIGNATURE: u8 = 11;
    pub(super) const UNION: u8 = 12;
    pub(super) const INTERFACE: u8 = 13;
}

/// Properties of fields, signatures and interfaces.
mod flag {
    pub(super) const EMBEDDED: u8 = 1;
    pub(super) const TAGGED: u8 = 2;

    pub(super) const VARIADIC: u8 = 1;
    pub(super) const GENERIC: u8 = 2;

    pub(super) const IMPLICIT: u8 = 1;
    pub(super) const RECEIVER: u8 = 2;
}
