//! Source text, spans, diagnostics with their path of evidence, fixes and their rendering.

mod span;

pub use span::Span;
