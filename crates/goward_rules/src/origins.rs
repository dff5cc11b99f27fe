//! From where the functions of a package are run: set-up, goroutines that the package starts, or
//! whoever uses the package. Tests do not count.

use goward_flow::{EventKind, How, SpawnId, UnitId};
use goward_syntax::Expression;
use goward_types::ObjectId;
use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::sharing::innermost_loop;

/// Where a chain of calls starts.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// `init` functions and the initialisers of package variables: before everything else.
    Init,
    /// A function that anybody may call.
    Outside(UnitId),
    /// One goroutine that the package starts.
    Goroutine(SpawnId),
}

/// The origins of all functions.
pub(crate) struct Origins {
    of: Vec<Vec<Origin>>,
}

/// More origins than this are as good as any.
const MAX_ORIGINS: usize = 12;

impl Origins {
    pub(crate) fn new(context: &Context<'_>) -> Origins {
        let flow = context.flow;
        let count = flow.units.list.len();
        let is_test = |unit: UnitId| context.file(flow.units.get(unit).file).test;
        let mut origins = Origins {
            of: vec![Vec::new(); count],
        };
        let mut calls: FxHashMap<UnitId, Vec<UnitId>> = FxHashMap::default();
        let mut run = vec![false; count];
        let mut pending: Vec<(UnitId, Origin)> = Vec::new();
        for observed in &flow.observed {
            let EventKind::Run { target, how, .. } = &observed.event.kind else {
                continue;
            };
            if is_test(observed.unit) {
                continue;
            }
            run[target.index()] = true;
            match how {
                How::Spawn(id) => {
                    let spawn = &flow.lowered.spawns[id.0 as usize];
                    pending.push((*target, Origin::Goroutine(*id)));
                    let many =
                        spawn.many || innermost_loop(context, spawn.unit, spawn.node).is_some();
                    if many {
                        pending.push((*target, Origin::Outside(*target)));
                    }
                }
                How::Kept => pending.push((*target, Origin::Outside(*target))),
                _ => calls.entry(observed.unit).or_default().push(*target),
            }
        }
        for (id, unit) in flow.units.iter() {
            if is_test(id) {
                continue;
            }
            let exported = unit
                .object
                .is_some_and(|object| context.world().object(object).is_exported());
            if unit.name == "init" || unit.name.starts_with("init.func") {
                pending.push((id, Origin::Init));
            } else if exported || unit.name == "main" || flow.lowered.escaping.contains(&id) {
                pending.push((id, Origin::Outside(id)));
            } else if !run[id.index()] {
                // Called by the initialiser of a package variable, or by nobody.
                pending.push((id, Origin::Init));
            }
        }
        while let Some((unit, origin)) = pending.pop() {
            let known = &mut origins.of[unit.index()];
            if known.contains(&origin) || known.len() >= MAX_ORIGINS {
                continue;
            }
            known.push(origin);
            for &target in calls.get(&unit).into_iter().flatten() {
                pending.push((target, origin));
            }
        }
        origins
    }

    /// The origins of a function.
    pub(crate) fn of(&self, unit: UnitId) -> &[Origin] {
        &self.of[unit.index()]
    }

    /// The one origin of a function, if it is one thread of control: a goroutine that is started
    /// once, or a function that is by its name the life of an object.
    pub(crate) fn single(&self, context: &Context<'_>, unit: UnitId) -> Option<Origin> {
        match *self.of(unit) {
            [origin @ Origin::Goroutine(_)] => Some(origin),
            [origin @ Origin::Outside(root)] => {
                let name = context.function(context.flow.units.outermost(root));
                let name = name.rsplit('.').next().unwrap_or_default();
                let name = name.to_ascii_lowercase();
                let life = ["run", "loop", "serve", "main", "work"];
                life.iter()
                    .any(|word| name.starts_with(word) || name.ends_with(word))
                    .then_some(origin)
            }
            _ => None,
        }
    }

    /// Whether all origins of a function come before others can reach an object of this type:
    /// initialisation, and functions that make such objects.
    pub(crate) fn is_before_publication(
        &self,
        context: &Context<'_>,
        unit: UnitId,
        owner: Option<ObjectId>,
    ) -> bool {
        let origins = self.of(unit);
        !origins.is_empty()
            && origins.iter().all(|origin| match origin {
                Origin::Init => true,
                Origin::Outside(root) => owner.is_some_and(|owner| makes(context, *root, owner)),
                Origin::Goroutine(_) => false,
            })
    }
}

/// Whether a function that is no method returns an object of a type.
fn makes(context: &Context<'_>, unit: UnitId, owner: ObjectId) -> bool {
    let unit = context.flow.units.get(unit);
    let file = context.file(unit.file);
    if unit.receiver.is_some() || unit.object.is_none() {
        return false;
    }
    let Expression::FunctionType { results, .. } = file.tree.expression(unit.function_type) else {
        return false;
    };
    results.iter().any(|&result| {
        let result = file.facts.type_of(file.tree.field(result).field_type);
        result.is_known() && goward_flow::named_behind(context.world(), result) == Some(owner)
    })
}
