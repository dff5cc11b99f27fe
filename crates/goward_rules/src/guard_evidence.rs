//! Which uses of a map without its guard are mistakes beyond doubt.
//!
//! That most uses of a map hold a mutex does not say that all must: some functions run before
//! anybody else has the object, some after all others are gone, some are called with the lock held
//! by ways that nobody sees. What is left when all of those are set aside:
//!
//! * the map and the mutex are fields of one struct, and the use is a use of a method's own object
//!   (or both are package variables), not of some object that was looked up;
//! * another function, which is no set-up, changes the content of the map with the mutex held;
//! * neither name nor comments say anything of locks, and no other lock is or may be held;
//! * and the function is one that knows of the mutex because it takes it elsewhere; or three
//!   quarters of the functions that use the map hold the mutex, and this one can be called by
//!   anybody, runs in a goroutine of its own, or is called by functions that do not hold it.

use goward_flow::{AccessKind, Element, EventKind, UnitId};
use goward_syntax::NodeId;
use goward_types::{ObjectId, Type};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::field_vote::{
    Calls, FieldUse, FieldUses, Vote, is_setup, says_callers_lock, speaks_of_locks,
};
use crate::origins::Origin;
use crate::sharing::Conflict;

/// The share of the functions that must hold the guard.
const SHARE: f64 = 0.66;

/// Whether a use without the guard is surely a mistake.
pub(crate) fn is_evident(
    context: &Context<'_>,
    uses: &FieldUses,
    vote: &Vote,
    entry: &FieldUse,
) -> bool {
    let flow = context.flow;
    let outermost = flow.units.outermost(entry.unit);
    let spawned = flow.is_spawned(entry.unit);
    // Deferred uses are for `map-write-in-defer` and `map-read-in-defer`.
    if entry.deferred || entry.unit != outermost && !spawned {
        return false;
    }
    let known = |conflict: &Conflict| {
        conflict.effect.unit == entry.unit && conflict.effect.access.node == entry.node
    };
    // `map-race` shows both sides, which says more.
    if context.sharing().conflicts.iter().any(known) {
        return false;
    }
    if !entry.own.is_empty() || !entry.other.is_empty() || !entry.maybe.is_empty() {
        return false;
    }
    if !is_own_place(context, outermost, entry) || !are_siblings(context, vote) {
        return false;
    }
    let takes_guard = takes_guard(context, vote, entry);
    let written_elsewhere = vote.guarded.iter().any(|other| {
        other.kind.changes_content()
            && (takes_guard || flow.units.outermost(other.unit) != outermost)
            && !is_setting_up(context, uses, other.unit)
            && !is_registration(context, vote, other.unit)
    });
    if !written_elsewhere || is_teardown(context, outermost) || is_for_tests(context, outermost) {
        return false;
    }
    if says_callers_lock(context, outermost) || is_commented(context, entry.unit, entry.node) {
        return false;
    }
    let calls = uses.held_at_calls(context, vote, entry);
    if calls == Calls::Held {
        return false;
    }
    if entry.kind == AccessKind::Replace || is_setting_up(context, uses, entry.unit) {
        return false;
    }
    if !entry.kind.changes() && is_where_all_write(context, vote, entry) {
        return false;
    }
    if takes_guard {
        return true;
    }
    let functions = |entries: &[FieldUse]| -> FxHashSet<UnitId> {
        let units = entries.iter().map(|other| flow.units.outermost(other.unit));
        units.collect()
    };
    let guarded = functions(&vote.guarded);
    let mut all = functions(&vote.unguarded);
    all.extend(&guarded);
    if guarded.len() < 2 || (guarded.len() as f64) < SHARE * all.len() as f64 {
        return false;
    }
    let exported = flow
        .units
        .get(outermost)
        .object
        .is_some_and(|object| context.world().object(object).is_exported());
    spawned || calls == Calls::NotHeld || exported && !is_reachable(context, vote)
}

/// Whether the map belongs to the object whose method this is, or to the package.
fn is_own_place(context: &Context<'_>, outermost: UnitId, entry: &FieldUse) -> bool {
    let paths = context.flow.locks.paths();
    let path = paths.get(entry.path);
    let by_fields = path
        .elements
        .iter()
        .all(|element| matches!(element, Element::Field(_)));
    let Some(root) = paths.root(entry.path).filter(|_| by_fields) else {
        return false;
    };
    match path.elements.len() {
        0 => context.world().object(root).is_package_level(),
        1 => context.flow.units.get(outermost).receiver == Some(root),
        // What another object holds is left to it, unless anybody may have this one.
        2 => {
            context.flow.units.get(outermost).receiver == Some(root)
                && goward_flow::named_behind(context.world(), context.world().object_type(root))
                    .is_some_and(|named| context.world().object(named).is_exported())
        }
        _ => false,
    }
}

/// Whether the map and its guard are fields of one struct, or both are variables of the package.
fn are_siblings(context: &Context<'_>, vote: &Vote) -> bool {
    let world = context.world();
    let package_level = |object: ObjectId| world.object(object).is_package_level();
    if package_level(vote.field) {
        return package_level(vote.guard);
    }
    vote.guarded.iter().any(|entry| {
        let paths = context.flow.locks.paths();
        let path = paths.get(entry.path);
        // The object that holds the map: the type of the last field but one, or of the root.
        let owner = match path.elements.iter().rev().nth(1) {
            Some(Element::Field(field)) => Some(*field),
            Some(_) => None,
            None => paths.root(entry.path),
        };
        let Some(owner) = owner else { return false };
        let (base, _) = world.deref(world.object_type(owner));
        let Type::Struct(structure) = world.get(world.underlying(base)) else {
            return false;
        };
        let has = |wanted: ObjectId| {
            structure
                .fields
                .iter()
                .any(|&field| goward_flow::origin(world, field) == wanted)
        };
        has(vote.field) && has(vote.guard)
    })
}

/// Whether a function runs before others come: it sets things up by its name, or all who call it do.
/// What requests run, or a goroutine of its own, comes later.
fn is_setting_up(context: &Context<'_>, uses: &FieldUses, unit: UnitId) -> bool {
    let flow = context.flow;
    let sharing = context.sharing();
    let mut seen: FxHashSet<UnitId> = FxHashSet::default();
    let mut pending = vec![unit];
    while let Some(unit) = pending.pop() {
        let outermost = flow.units.outermost(unit);
        if !seen.insert(outermost) {
            continue;
        }
        let later = flow
            .units
            .chain(unit)
            .any(|unit| flow.is_spawned(unit) || sharing.handlers.contains_key(&unit));
        if later {
            return false;
        }
        if is_setup(context, outermost) || prepares(context, outermost) {
            continue;
        }
        let exported = flow
            .units
            .get(outermost)
            .object
            .is_none_or(|object| context.world().object(object).is_exported());
        let mut callers = uses
            .calls(context, outermost)
            .map(|call| call.unit)
            .filter(|&caller| !context.file(flow.units.get(caller).file).test)
            .peekable();
        if exported || flow.lowered.escaping.contains(&outermost) || callers.peek().is_none() {
            return false;
        }
        pending.extend(callers);
    }
    true
}

/// Whether a function makes things ready or looks whether they are, by its name.
fn prepares(context: &Context<'_>, outermost: UnitId) -> bool {
    let name = context.function(outermost);
    let name = name.rsplit('.').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    ["verify", "validate", "prepare", "build", "setdefault"]
        .iter()
        .any(|word| name.starts_with(word))
}

/// Whether whoever writes the map is the goroutine that reads it here: each object has one of its own.
fn is_where_all_write(context: &Context<'_>, vote: &Vote, entry: &FieldUse) -> bool {
    let origins = context.origins();
    let own = origins.of(entry.unit);
    let all = || vote.guarded.iter().chain(&vote.unguarded);
    own.iter()
        .any(|origin| matches!(origin, Origin::Goroutine(_)))
        && all().filter(|other| other.kind.changes()).all(|other| {
            let theirs = origins.of(other.unit);
            theirs.len() == own.len() && theirs.iter().all(|origin| own.contains(origin))
        })
}

/// Whether a function enters something in a table of the package, which `init` functions do.
fn is_registration(context: &Context<'_>, vote: &Vote, unit: UnitId) -> bool {
    let name = context.function(context.flow.units.outermost(unit));
    context.world().object(vote.field).is_package_level()
        && name.to_ascii_lowercase().starts_with("register")
}

/// Whether a function takes things down, by its name: others may be gone by then.
pub(crate) fn is_teardown(context: &Context<'_>, outermost: UnitId) -> bool {
    let name = context.function(outermost);
    let name = name.rsplit('.').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    [
        "close",
        "shutdown",
        "stop",
        "release",
        "discard",
        "destroy",
        "teardown",
        "finish",
        "cleanup",
        "dispose",
        "finalize",
        "end",
        "terminate",
        "wait",
    ]
    .iter()
    .any(|word| name.starts_with(word) || name.ends_with(word))
}

/// Whether a function is there for tests: it stands in for another one, by its name or its package's.
fn is_for_tests(context: &Context<'_>, outermost: UnitId) -> bool {
    let package = context.world().package(context.package.package);
    let names = [context.function(outermost), package.name().as_str()];
    names.iter().any(|name| {
        let name = name.to_ascii_lowercase();
        ["mock", "fake", "test", "dummy"]
            .iter()
            .any(|word| name.contains(word))
    })
}

/// Whether other packages can take the guard: an exported or embedded field of an exported type.
fn is_reachable(context: &Context<'_>, vote: &Vote) -> bool {
    let world = context.world();
    let guard = world.object(vote.guard);
    if !guard.is_exported() && !guard.is_embedded() {
        return false;
    }
    vote.guarded.iter().any(|entry| {
        let receiver = context
            .flow
            .units
            .get(context.flow.units.outermost(entry.unit));
        receiver
            .receiver
            .and_then(|receiver| goward_flow::named_behind(world, world.object_type(receiver)))
            .is_none_or(|named| world.object(named).is_exported())
    })
}

/// Whether a comment just before a use speaks of locks: somebody has thought of it.
pub(crate) fn is_commented(context: &Context<'_>, unit: UnitId, node: NodeId) -> bool {
    /// Comments that end so many lines before the use, at most, are about it.
    const LINES: usize = 4;
    let unit = context.flow.units.get(unit);
    let file = context.file(unit.file);
    let body = file.tree.span(unit.body).start;
    let place = file.tree.span(node).start;
    file.tree.comments().iter().any(|comment| {
        let range = comment.span.range();
        if range.start < body as usize || range.end > place as usize {
            return false;
        }
        let between = &file.source[range.end..place as usize];
        let lines = between.iter().filter(|&&byte| byte == b'\n').count();
        let text = String::from_utf8_lossy(&file.source[range]).to_lowercase();
        lines <= LINES
            && (speaks_of_locks(&text) || text.contains("concurren") || text.contains(" race"))
    })
}

/// Whether the function takes the guard of the same object itself, before or after the use.
fn takes_guard(context: &Context<'_>, vote: &Vote, entry: &FieldUse) -> bool {
    let flow = context.flow;
    flow.units.chain(entry.unit).any(|unit| {
        flow.observed_in(unit).iter().any(|observed| {
            let EventKind::Lock { path, .. } = observed.event.kind else {
                return false;
            };
            let paths = flow.locks.paths();
            paths.last_field(path) == Some(vote.guard)
                && (paths.get(path).elements.is_empty() || paths.owner_leads_to(path, entry.path))
        })
    })
}
