//! `guard-comment-ignored`.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::field_vote::{FieldUse, Vote};
use crate::guards::is_excused;
use crate::rule::{Group, rule};

rule! {
    /// Reports a field that is used without the mutex which its comment names.
    ///
    /// ## What it reports
    ///
    /// A use of a field, of any type, whose comment says `guarded by mu`, `protected by mu` or
    /// `+checklocks:mu`, where `mu` is a mutex in the same struct and is not held. Callers that hold
    /// the lock for their callee, lock helpers, deferred calls and objects that are not shared yet are
    /// followed within the package.
    ///
    /// Nothing is said where the comment adds conditions (only writes, not before the start), and
    /// where name or comment of a function say that its caller holds the lock.
    ///
    /// It is in the nursery because one package does not show everything: the use may be in a phase
    /// in which no other goroutine runs.
    ///
    /// ## Why it matters
    ///
    /// Whoever wrote the comment knew that several goroutines use the field. A use without the lock is
    /// a data race: values are lost or torn, and a map that is read while it is written may end the
    /// process with a fatal error that no `recover` catches.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package counter
    ///
    /// import "sync"
    ///
    /// type Counter struct {
    /// 	mu    sync.Mutex
    /// 	total int // guarded by mu
    /// }
    ///
    /// func (c *Counter) Add(n int) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.total += n
    /// }
    ///
    /// func (c *Counter) Total() int {
    /// 	return c.total // want guard-comment-ignored
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package counter
    ///
    /// import "sync"
    ///
    /// type Counter struct {
    /// 	mu    sync.Mutex
    /// 	total int // guarded by mu
    /// }
    ///
    /// func New(total int) *Counter {
    /// 	c := &Counter{}
    /// 	c.total = total
    /// 	return c
    /// }
    ///
    /// func (c *Counter) Add(n int) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.addLocked(n)
    /// }
    ///
    /// func (c *Counter) addLocked(n int) {
    /// 	c.total += n
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: a caller may hold the lock already, and locking twice waits for ever.
    pub(crate) const RULE: Rule = Rule {
        name: "guard-comment-ignored",
        category: Category::Race,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    if context.flow.lowered.written_guards.is_empty() {
        return;
    }
    let uses = context.field_uses();
    for (field, of_field) in &uses.annotated {
        let Some(&guard) = context.flow.lowered.written_guards.get(field) else {
            continue;
        };
        let vote = uses.count(context, *field, guard, of_field);
        let mut seen = FxHashSet::default();
        for entry in &vote.unguarded {
            if !is_excused(context, uses, &vote, entry) && seen.insert(entry.unit) {
                report(context, &vote, entry, findings);
            }
        }
    }
}

fn report(context: &Context<'_>, vote: &Vote, entry: &FieldUse, findings: &mut Vec<Diagnostic>) {
    let world = context.world();
    let file = context.flow.units.get(entry.unit).file;
    let name = context.flow.text(entry.path);
    let guard = world.object(vote.guard).name.as_str();
    let field = world.object(vote.field);
    let declared = Span::new(
        field.offset,
        field.offset + field.name.as_str().len() as u32,
    );
    let span = context.span(file, entry.node);
    findings.push(
        RULE.diagnostic(
            context.path(file),
            span,
            format!("`{name}` is used without `{guard}`, which its comment names as its guard"),
        )
        .in_function(context.function(entry.unit))
        .operation(context.text(file, entry.node))
        .help(format!(
            "hold `{guard}` here, or say in a comment of the function that its caller holds it"
        ))
        .step(
            context.path(field.file as usize),
            declared,
            "the comment of the field is here",
        )
        .step(context.path(file), span, "and no lock is held here"),
    );
}
