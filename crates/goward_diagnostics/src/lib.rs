//! Source text, spans, diagnostics with their path of evidence, fixes and their rendering.
