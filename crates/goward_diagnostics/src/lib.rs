//! Source text, spans, diagnostics with their path of evidence, fixes and their rendering.
//!
//! This crate knows nothing of Go and touches no file: callers hand in bytes and take text back.

mod diagnostic;
mod escape;
mod fix;
mod identity;
mod line_index;
mod render;
mod source;
mod span;
mod txtar;
mod want;

pub use diagnostic::{Category, Diagnostic, RuleName, Severity, Step};
pub use escape::{neutralise, neutralise_json, neutralise_lines};
pub use fix::{Edit, Fix, Fixed, Safety, Skipped, apply_fixes};
pub use identity::{Hazard, Place, assign_identities};
pub use line_index::{LineColumn, LineIndex};
pub use render::{Rendering, render};
pub use source::{FilePath, SourceFile, Sources};
pub use span::Span;
pub use txtar::split_txtar;
pub use want::check_wants;
