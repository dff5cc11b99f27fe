//! Uses of maps without the mutex that guards them: what the two rules about them share.
//!
//! [`crate::field_vote`] says which mutex guards a map; here it is decided which of the uses without
//! it to report. Those for which [`crate::guard_evidence`] finds a reason to be sure are findings of
//! `guarded-field-without-lock`, all others of `guarded-field-without-lock-other`.

use goward_diagnostics::Diagnostic;
use goward_flow::{AccessKind, Element, EventKind, How, UnitId};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::field_vote::{FieldUse, FieldUses, Vote, is_setup};
use crate::guard_evidence::is_evident;
use crate::rule::Rule;
use crate::sharing::verb;

/// Reports the uses without a guard that are evident, or all others.
pub(crate) fn report(
    context: &Context<'_>,
    rule: &Rule,
    evident: bool,
    findings: &mut Vec<Diagnostic>,
) {
    // Most packages take no lock at all.
    let mut observed = context.flow.observed.iter();
    if !observed.any(|observed| matches!(observed.event.kind, EventKind::Lock { .. })) {
        return;
    }
    let uses = context.field_uses();
    for (field, of_field) in &uses.of_field {
        // What a comment says counts more: `guard-comment-ignored`.
        if context.flow.lowered.written_guards.contains_key(field) {
            continue;
        }
        let Some(vote) = uses.vote(context, *field, of_field) else {
            continue;
        };
        if !evident {
            lengths(context, rule, uses, &vote, findings);
        }
        // A function is named once, by the rule that is more sure.
        let mut seen: FxHashSet<UnitId> = FxHashSet::default();
        let racy: Vec<&FieldUse> = vote
            .unguarded
            .iter()
            .filter(|entry| is_racy(&vote, entry) && !is_excused(context, uses, &vote, entry))
            .collect();
        let (sure, others): (Vec<&FieldUse>, Vec<&FieldUse>) = racy
            .into_iter()
            .partition(|entry| is_evident(context, uses, &vote, entry));
        for (entry, is_sure) in sure
            .iter()
            .map(|entry| (entry, true))
            .chain(others.iter().map(|entry| (entry, false)))
        {
            if seen.insert(entry.unit) && is_sure == evident {
                findings.extend(finding(context, rule, &vote, entry));
            }
        }
    }
}

/// Lengths that are read without the guard.
fn lengths(
    context: &Context<'_>,
    rule: &Rule,
    uses: &FieldUses,
    vote: &Vote,
    findings: &mut Vec<Diagnostic>,
) {
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
            findings.extend(finding(context, rule, vote, entry));
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
    // The map was taken out of its field under the lock, here or by a function that is called here:
    // it belongs to this function.
    let called_here = |unit: UnitId| {
        flow.runs_of(unit).any(|run| {
            matches!(&run.event.kind, EventKind::Run { how: How::Call, .. })
                && chain.contains(&run.unit)
        })
    };
    let detached = || {
        let replaced = |other: &&FieldUse| other.kind == AccessKind::Replace;
        vote.guarded
            .iter()
            .chain(&vote.neutral)
            .filter(replaced)
            .any(|other| same_function(other) || called_here(other.unit))
    };
    if entry.alias && detached() {
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

/// A finding about a use without the guard.
fn finding(
    context: &Context<'_>,
    rule: &Rule,
    vote: &Vote,
    entry: &FieldUse,
) -> Option<Diagnostic> {
    let flow = context.flow;
    let file = flow.units.get(entry.unit).file;
    let name = flow.text(entry.path);
    let witness = vote
        .guarded
        .iter()
        .find(|other| other.kind.changes())
        .or(vote.guarded.first());
    let witness = witness?;
    let lock = witness.own.iter().find(|lock| lock.0 == vote.guard);
    let lock = lock.map_or_else(String::new, |lock| flow.text(lock.1));
    let guarded = vote.guarded.len();
    let all = guarded + vote.unguarded.len();
    let done = verb(entry.kind);
    let there = flow.units.get(witness.unit).file;
    Some(
        rule.diagnostic(
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
    )
}
