//! `goward lab asm`: what each map operation of Go source compiles to.
//!
//! Two witnesses are put side by side. A small Go program (`mapops/`), built with the reader's own Go,
//! lists the map operations of the source with their types, and reads in the runtime's source which
//! checks each of its map functions makes. The compiler (`-gcflags=-S`) says which functions it calls
//! at which line. [`matching`] joins them.

pub(crate) mod listing;
pub(crate) mod matching;
pub(crate) mod report;
mod survey;

pub(crate) use survey::{Survey, survey};
