//! Go lexer, parser and syntax tree.
//!
//! [`parse`] turns the bytes of one file into a [`Tree`]. It never fails: what is wrong with the
//! text is in [`Tree::diagnostics`], and the rest of the tree is as useful as it can be.

mod dump;
mod encoding;
mod errors;
mod lexer;
mod literals;
mod names;
mod node;
mod parser;
mod symbol;
mod token;
mod tree;
mod unicode;
mod walk;

pub use dump::dump;
pub use encoding::NodeKind;
pub use node::*;
pub use parser::{MAX_CHAIN, MAX_NESTING, MAX_SOURCE_LENGTH};
pub use symbol::Symbol;
pub use tree::{Comment, SyntaxDiagnostic, Tree};
pub use walk::Preorder;

/// How much of a file is parsed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything.
    Full,
    /// Declarations; the bodies of functions are skipped, those of function literals, too.
    DeclarationsOnly,
    /// The package clause and the imports that follow it.
    ImportsOnly,
}

/// Parses the bytes of one file.
pub fn parse(source: &[u8], mode: Mode) -> Tree {
    parser::parse(source, mode)
}
