//! Go lexer, parser and syntax tree.

mod node;
mod symbol;
mod tree;

pub use node::*;
pub use symbol::Symbol;
pub use tree::Tree;
