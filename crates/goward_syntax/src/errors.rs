//! Collects what is wrong with a file, without flooding: one complaint of the parser a line, and
//! an upper limit.

use goward_diagnostics::Span;

use crate::tree::SyntaxDiagnostic;

/// After so many, a file is not Go at all, and more of the same helps nobody.
const LIMIT: usize = 200;

pub(crate) struct Errors<'s> {
    source: &'s [u8],
    diagnostics: Vec<SyntaxDiagnostic>,
    /// No complaints of the parser while it winds up after it gave up.
    muted: bool,
}

impl<'s> Errors<'s> {
    pub(crate) fn new(source: &'s [u8]) -> Errors<'s> {
        Errors {
            source,
            diagnostics: Vec::new(),
            muted: false,
        }
    }

    /// How many complaints there are.
    pub(crate) fn count(&self) -> usize {
        self.diagnostics.len()
    }

    /// Forgets all complaints but the first `count`, and hands them out.
    pub(crate) fn rewind(&mut self, count: usize) -> Vec<SyntaxDiagnostic> {
        self.diagnostics.split_off(count)
    }

    /// Forgets complaints about what is behind `offset`.
    pub(crate) fn forget_after(&mut self, offset: u32) {
        self.diagnostics
            .retain(|diagnostic| diagnostic.span.start <= offset);
    }

    /// From now on only the lexer is heard.
    pub(crate) fn mute(&mut self) {
        self.muted = true;
    }

    /// Adds a complaint.
    #[cold]
    pub(crate) fn add(&mut self, span: Span, message: impl Into<String>) {
        if self.diagnostics.len() < LIMIT {
            self.diagnostics.push(SyntaxDiagnostic {
                span,
                message: message.into(),
                since: None,
            });
        }
    }

    /// Adds a complaint of the parser, unless the last complaint is about the same line: it is
    /// then most likely about the same mistake.
    #[cold]
    pub(crate) fn add_unless_same_line(&mut self, span: Span, message: impl FnOnce() -> String) {
        if self.muted || self.diagnostics.len() >= LIMIT {
            return;
        }
        if let Some(last) = self.diagnostics.last()
            && last.since.is_none()
        {
            let (last, now) = (last.span.start as usize, span.start as usize);
            let between = self.source.get(last.min(now)..last.max(now));
            if between.is_some_and(|between| memchr::memchr(b'\n', between).is_none()) {
                return;
            }
        }
        self.diagnostics.push(SyntaxDiagnostic {
            span,
            message: message(),
            since: None,
        });
    }

    /// Adds that something needs a minor version of Go, for those that have an earlier one.
    #[cold]
    pub(crate) fn add_since(&mut self, version: u16, span: Span, message: impl Into<String>) {
        let count = self.diagnostics.len();
        self.add(span, message);
        for added in &mut self.diagnostics[count..] {
            added.since = Some(version);
        }
    }

    /// All complaints in source order.
    pub(crate) fn into_sorted(mut self) -> Vec<SyntaxDiagnostic> {
        self.diagnostics
            .sort_by_key(|diagnostic| diagnostic.span.start);
        self.diagnostics
    }
}
