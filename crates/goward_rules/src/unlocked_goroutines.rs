//! Goroutines that use a map of their object without the mutex that everybody else holds there:
//! `time.AfterFunc(ttl, func() { delete(c.m, k) })` in a type whose methods lock.

use goward_flow::{Access, Effect, Element, EventKind, How, SpawnId};
use goward_types::{ObjectId, ObjectKind, VariableKind};
use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::sharing::{Conflict, Sharing, Use, innermost_loop, waits_first};

/// The uses in goroutines that outlive the function which starts them with no lock held, where all
/// other uses hold one mutex of the object.
pub(crate) fn conflicts(
    context: &Context<'_>,
    sharing: &Sharing,
    spawned: &FxHashMap<SpawnId, Vec<Effect>>,
) -> Vec<Conflict> {
    let flow = context.flow;
    let mut found = Vec::new();
    for observed in &flow.observed {
        let EventKind::Run {
            how: How::Spawn(id),
            ..
        } = &observed.event.kind
        else {
            continue;
        };
        let spawn = &flow.lowered.spawns[id.0 as usize];
        let unit = flow.units.get(observed.unit);
        let test = context.file(unit.file).test;
        if test || spawn.many || spawn.tested.is_some() || observed.state.may_hold_any() {
            continue;
        }
        let outlives = unit
            .graph
            .exits
            .iter()
            .filter_map(|exit| flow.at_exit(observed.unit, exit))
            .all(|state| state.live.contains(id) || !state.joined);
        if !outlives {
            continue;
        }
        let own = spawned.get(id).map_or(&[][..], Vec::as_slice);
        for effect in own {
            if effect.may_hold_any()
                || !effect.access.kind.touches_content()
                || waits_first(context, effect, None)
                || flow.is_fresh(observed.unit, effect.access.path, &observed.state)
            {
                continue;
            }
            let Some(other) = locked_elsewhere(context, sharing, observed.unit, effect, own) else {
                continue;
            };
            let other = Effect {
                access: other.access,
                unit: other.unit,
                calls: Vec::new(),
                ..effect.clone()
            };
            found.push(Conflict {
                effect: effect.clone(),
                unit: observed.unit,
                spawn: Some(*id),
                other: Some((other, None)),
                given_to: None,
            });
        }
    }
    found
}

/// The maps that functions of other packages change in goroutines which each turn of a loop starts.
pub(crate) fn imported_starts(context: &Context<'_>) -> Vec<Conflict> {
    let flow = context.flow;
    let mut found = Vec::new();
    for start in &flow.lowered.imported_starts {
        if !start.kind.changes_content() {
            continue;
        }
        let Some(around) = innermost_loop(context, start.unit, start.statement) else {
            continue;
        };
        let paths = flow.locks.paths();
        let shared = paths.root(start.path).is_some_and(|root| {
            let root = context.world().object(root);
            root.file as usize == flow.units.get(start.unit).file && !around.contains(root.offset)
        });
        let elements = &paths.get(start.path).elements;
        let plain = elements
            .iter()
            .all(|element| matches!(element, Element::Field(_)));
        // One after the other, perhaps.
        let tree = context.file(flow.units.get(start.unit).file).tree;
        let meets = flow.observed_in(start.unit).iter().any(|observed| {
            let meets = matches!(
                observed.event.kind,
                EventKind::Join | EventKind::Received { .. } | EventKind::Lock { .. }
            );
            meets && around.contains(tree.span(observed.event.node).start)
        });
        if !shared || !plain || meets {
            continue;
        }
        found.push(Conflict {
            effect: Effect {
                access: Access {
                    path: start.path,
                    kind: start.kind,
                    alias: false,
                    node: start.call,
                },
                unit: start.unit,
                calls: Vec::new(),
                held: Vec::new(),
                other_lock: false,
                deferred: false,
                nilness: None,
                root_nilness: None,
            },
            unit: start.unit,
            spawn: None,
            other: None,
            given_to: Some((start.unit, start.statement)),
        });
    }
    found
}

/// A use of the same field with the mutex that all others hold too, of which one of the two changes the map.
fn locked_elsewhere<'s>(
    context: &Context<'_>,
    sharing: &'s Sharing,
    starter: goward_flow::UnitId,
    effect: &Effect,
    own: &[Effect],
) -> Option<&'s Use> {
    let flow = context.flow;
    let paths = flow.locks.paths();
    let field = paths.last_field(effect.access.path)?;
    let known = context.world().object(field);
    let of_package = known.kind == ObjectKind::Variable(VariableKind::Field)
        && known.package == Some(context.package.package);
    if !of_package {
        return None;
    }
    let outermost = flow.units.outermost(starter);
    let elsewhere: Vec<&Use> = sharing
        .uses
        .get(&field)?
        .iter()
        .filter(|other| {
            let function = flow.units.outermost(other.unit);
            let unit = flow.units.get(function);
            // Goroutines without the lock are as suspect as this one, and no votes against it.
            let suspect = other.deferred
                || other.lock.is_none()
                    && flow
                        .units
                        .chain(other.unit)
                        .any(|unit| flow.is_spawned(unit));
            !other.fresh
                && !suspect
                && function != outermost
                && (other.unit, other.access.node) != (effect.unit, effect.access.node)
                && unit.name != "init"
                && !context.file(unit.file).test
        })
        .collect();
    let mut common = elsewhere.first()?.mutexes.clone();
    // What runs once is over when whoever called `Do` goes on.
    let is_once = |mutex: ObjectId| {
        let of = context.world().object_type(mutex);
        let named = of
            .is_known()
            .then(|| goward_flow::named_behind(context.world(), of));
        named.flatten().is_some_and(|named| {
            let named = context.world().object(named);
            let package = named
                .package
                .map(|package| context.world().package(package).path);
            named.name.as_str() == "Once" && package.is_some_and(|path| path.as_str() == "sync")
        })
    };
    common.retain(|&mutex| {
        !is_once(mutex) && elsewhere.iter().all(|other| other.mutexes.contains(&mutex))
    });
    if common.is_empty() {
        return None;
    }
    // What the goroutine itself does with the lock it does at another time.
    let by_itself = |other: &Use| {
        own.iter()
            .any(|effect| (effect.unit, effect.access.node) == (other.unit, other.access.node))
    };
    elsewhere.into_iter().find(|other| {
        !by_itself(other)
            && other.access.kind.touches_content()
            && (effect.access.kind.changes_content() || other.access.kind.changes_content())
    })
}
