//! `guarded-field-without-lock`.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{AccessKind, Element, EventKind, How, UnitId};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::field_vote::{FieldUse, FieldUses, Vote, is_setup};
use crate::rule::{Group, rule};
use crate::sharing::verb;

rule! {
    /// Reports a map that is used without the mutex that its other uses hold.
    ///
    /// ## What it reports
    ///
    /// A map in a field or package variable that is written somewhere with a mutex of the same struct
    /// (or package) held, where at least half of the uses or of the functions hold that mutex, and
    /// this use does not; of a struct that is a mutex and a map one such write is enough. `len` is a use
    /// as well, but has no say in what the guard is. Callers that hold the lock for their callee, lock helpers, deferred calls
    /// and objects that are not shared yet are followed within the package.
    ///
    /// Nothing is said where a comment or a name says that the caller holds the lock and a caller
    /// does, and where another lock protects the use.
    ///
    /// It is in the nursery because one package does not show everything: the use may be in a phase
    /// in which no other goroutine runs.
    ///
    /// ## Why it matters
    ///
    /// The run time may notice that a map is read while it is written and end the process with
    /// `fatal error: concurrent map read and map write`, which no `recover` catches.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package cache
    ///
    /// import "sync"
    ///
    /// type Cache struct {
    /// 	mu    sync.Mutex
    /// 	items map[string]string
    /// }
    ///
    /// func New() *Cache {
    /// 	return &Cache{items: map[string]string{}}
    /// }
    ///
    /// func (c *Cache) Set(key, value string) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.items[key] = value
    /// }
    ///
    /// func (c *Cache) Delete(key string) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	delete(c.items, key)
    /// }
    ///
    /// func (c *Cache) Get(key string) string {
    /// 	return c.items[key] // want guarded-field-without-lock
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package cache
    ///
    /// import "sync"
    ///
    /// type Cache struct {
    /// 	mu    sync.Mutex
    /// 	items map[string]string
    /// }
    ///
    /// func New() *Cache {
    /// 	c := &Cache{items: map[string]string{}}
    /// 	c.items["first"] = "made before anybody else has the cache"
    /// 	return c
    /// }
    ///
    /// func (c *Cache) Set(key, value string) {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.put(key, value)
    /// }
    ///
    /// func (c *Cache) put(key, value string) {
    /// 	c.items[key] = value
    /// }
    ///
    /// func (c *Cache) Get(key string) string {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	return c.items[key]
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: a caller may hold the lock already, and locking twice waits for ever.
    pub(crate) const RULE: Rule = Rule {
        name: "guarded-field-without-lock",
        category: Category::Race,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let uses = context.field_uses();
    for (field, of_field) in &uses.of_field {
        // What a comment says counts more: `guard-comment-ignored`.
        if context.flow.lowered.written_guards.contains_key(field) {
            continue;
        }
        let mut seen: FxHashSet<UnitId> = FxHashSet::default();
        let Some(vote) = uses.vote(context, *field, of_field) else {
            continue;
        };
        lengths(context, uses, &vote, findings);
        for entry in &vote.unguarded {
            if is_racy(&vote, entry)
                && !is_excused(context, uses, &vote, entry)
                && seen.insert(entry.unit)
            {
                report(context, &vote, entry, findings);
            }
        }
    }
}

/// Lengths that are read without the guard.
fn lengths(context: &Context<'_>, uses: &FieldUses, vote: &Vote, findings: &mut Vec<Diagnostic>) {
    let Some((_, of_field)) = uses.lengths.iter().find(|known| known.0 == vote.field) else {
        return;
    };
    let changes = vote
        .guarded
        .iter()
        .any(|entry| entry.kind.changes_content());
    let measured = uses.count(context, vote.field, vote.guard, of_field);
    for entry in measured.unguarded.iter().filter(|_| changes) {
        if !is_excused(context, uses, vote, entry) {
            report(context, vote, entry, findings);
        }
    }
}

/// Whether a use can race at all.
fn is_racy(vote: &Vote, entry: &FieldUse) -> bool {
    if entry.kind.changes() {
        return true;
    }
    let all = || vote.guarded.iter().chain(&vote.unguarded);
    // A map that is taken once and only ever replaced as a whole does not change any more.
    match entry.alias {
        true => all().any(|other| other.kind.changes_content()),
        false => all().any(|other| other.kind.changes()),
    }
}

/// Reasons to think that nobody else is there.
pub(crate) fn is_excused(
    context: &Context<'_>,
    uses: &FieldUses,
    vote: &Vote,
    entry: &FieldUse,
) -> bool {
    let flow = context.flow;
    let takes_guard = |unit: UnitId| {
        flow.observed_in(unit)
            .iter()
            .any(|observed| match &observed.event.kind {
                EventKind::Lock { path, .. } => {
                    flow.locks.paths().last_field(*path) == Some(vote.guard)
                }
                _ => false,
            })
    };
    let same_function =
        |other: &FieldUse| flow.units.outermost(other.unit) == flow.units.outermost(entry.unit);
    let chain: Vec<UnitId> = flow.units.chain(entry.unit).collect();
    let locks_itself = chain.iter().any(|&unit| takes_guard(unit));
    // The map was taken out of its field under the lock: it belongs to this function.
    let detached = vote
        .guarded
        .iter()
        .any(|other| other.kind == AccessKind::Replace && same_function(other));
    if entry.alias && detached {
        return true;
    }
    // Another lock is held: only a strong vote says that it is the wrong one.
    let other_lock = !entry.other.is_empty()
        || !entry.maybe.is_empty()
        || entry.own.iter().any(|lock| lock.0 != vote.guard);
    if other_lock {
        let held = |mutex: &goward_types::ObjectId| {
            vote.guarded
                .iter()
                .filter(|other| other.kind.changes())
                .all(|other| {
                    other.other.contains(mutex) || other.own.iter().any(|lock| lock.0 == *mutex)
                })
        };
        let own = entry.own.iter().map(|lock| &lock.0);
        if entry.other.iter().chain(own).any(held) {
            return true;
        }
        let (guarded, all) = (
            vote.guarded.len(),
            vote.guarded.len() + vote.unguarded.len(),
        );
        if guarded < 5 || (guarded as f64) < 0.8 * all as f64 {
            return true;
        }
    }
    let all = || vote.guarded.iter().chain(&vote.unguarded);
    // One function writes and looks at its own writes: it may be the only one that writes at all.
    let mut writers = all().filter(|other| other.kind.changes());
    if !entry.kind.changes() && !locks_itself && writers.all(same_function) {
        return true;
    }
    // A goroutine of a function that holds the lock, and waits for it.
    let spawned = flow.observed.iter().any(|observed| {
        matches!(observed.event.kind, EventKind::Run { how: How::Spawn(_), target, .. }
            if target == entry.unit && flow.units.get(target).is_literal())
            && observed
                .state
                .locks()
                .any(|lock| flow.locks.paths().last_field(lock.0) == Some(vote.guard))
    });
    if spawned {
        return true;
    }
    let origins = context.origins();
    let owner = flow.locks.paths().root(entry.path).and_then(|root| {
        goward_flow::named_behind(context.world(), context.world().object_type(root))
    });
    if origins.is_before_publication(context, entry.unit, owner) {
        return true;
    }
    // One goroutine owns the map of its own object: others hold the lock to read it, and it to write.
    let paths = flow.locks.paths();
    let root = paths.root(entry.path);
    let own_object = root.is_some_and(|root| {
        let receiver = |unit: &UnitId| flow.units.get(*unit).receiver == Some(root);
        let elements = &paths.get(entry.path).elements;
        let indexed = elements
            .iter()
            .any(|element| matches!(element, Element::Index(_)));
        !indexed && (elements.is_empty() || chain.iter().any(receiver))
    });
    drop(paths);
    if !entry.kind.changes()
        && own_object
        && let Some(owner) = origins.single(context, entry.unit)
        && all()
            .filter(|other| other.kind.changes())
            .all(|other| origins.of(other.unit) == [owner])
    {
        return true;
    }
    // Setting up: others come later.
    is_setup(context, entry.unit) && !locks_itself && uses.is_quiet(context, entry)
}

fn report(context: &Context<'_>, vote: &Vote, entry: &FieldUse, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let file = flow.units.get(entry.unit).file;
    let name = flow.text(entry.path);
    let witness = vote
        .guarded
        .iter()
        .find(|other| other.kind.changes())
        .or(vote.guarded.first());
    let Some(witness) = witness else { return };
    let lock = witness.own.iter().find(|lock| lock.0 == vote.guard);
    let lock = lock.map_or_else(String::new, |lock| flow.text(lock.1));
    let guarded = vote.guarded.len();
    let all = guarded + vote.unguarded.len();
    let done = verb(entry.kind);
    let there = flow.units.get(witness.unit).file;
    findings.push(
        RULE.diagnostic(
            context.path(file),
            context.span(file, entry.node),
            format!("`{name}` is {done} without `{lock}`, which {guarded} of {all} uses hold"),
        )
        .in_function(context.function(entry.unit))
        .operation(context.text(file, entry.node))
        .help(format!(
            "hold `{lock}` here, or say in a comment that the caller holds it"
        ))
        .step(
            context.path(there),
            context.span(there, witness.node),
            format!("with `{lock}` held it is {} here", verb(witness.kind)),
        )
        .step(
            context.path(file),
            context.span(file, entry.node),
            format!("and {done} here without it"),
        ),
    );
}
