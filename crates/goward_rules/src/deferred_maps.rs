//! Uses of maps in deferred calls, and what makes one of them a hazard when it runs: what
//! `map-write-in-defer` and `map-read-in-defer` share.

use goward_diagnostics::Diagnostic;
use goward_flow::{
    AccessKind, Callee, Effect, Element, EventKind, How, LockState, Mode, Nilness, Observed,
    PathId, Step, UnitId, callee, unparenthesized,
};
use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectKind, TypeKind, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::Rule;
use crate::context::Context;
use crate::deferred_conditions::{is_tested_before, may_be_kept_from, nil_on_the_way};
use crate::errors::is_nil;
use crate::rules::map_race;
use crate::sharing::{
    Conflict, Sharing, Use, call_steps, has_joined, has_mutex, is_package_level, on_the_way, verb,
    waits_first,
};
use crate::walk::{walk, walk_all};

/// Why another goroutine may be at the map.
enum Sharer {
    /// It is used under a lock elsewhere.
    Locked {
        unit: UnitId,
        node: NodeId,
        lock: PathId,
    },
    /// The function itself locks the object, but not when the deferred call runs.
    OwnLock {
        node: NodeId,
        lock: PathId,
        unlock: Option<NodeId>,
    },
    /// A goroutine or handler uses it.
    Thread {
        unit: UnitId,
        node: NodeId,
        kind: AccessKind,
    },
    /// A struct with a mutex, and this is the only use.
    HasMutex,
    /// A package variable, in a function that anybody may call.
    PackageVariable,
}

/// What is wrong with a use.
enum Hazard<'c> {
    Conflict(&'c Conflict),
    Shared(Sharer),
    NilMap { since: NodeId },
    NilPointer { since: NodeId },
    NilOnTheWay { pointer: PathId, since: NodeId },
    SetToNil { since: NodeId },
}

/// Reports the uses of maps in deferred calls that are hazards; writes and iteration, or reads.
pub(crate) fn report_all(
    context: &Context<'_>,
    rule: &Rule,
    reads: bool,
    findings: &mut Vec<Diagnostic>,
) {
    let sharing = context.sharing();
    let wanted = |effect: &Effect| match effect.access.kind {
        AccessKind::Read => reads,
        AccessKind::Replace | AccessKind::Count | AccessKind::Length => false,
        _ => !reads,
    };
    let conflicts: FxHashMap<(UnitId, NodeId), &Conflict> = sharing
        .conflicts
        .iter()
        .map(|conflict| {
            (
                (conflict.effect.unit, conflict.effect.access.node),
                conflict,
            )
        })
        .collect();
    let mut found: FxHashSet<(UnitId, NodeId)> = FxHashSet::default();
    for observed in &context.flow.observed {
        let Some(statement) = observed.deferred else {
            continue;
        };
        match &observed.event.kind {
            EventKind::Access(_)
            | EventKind::Run {
                how: How::Call | How::Once(_) | How::Through { .. },
                ..
            } => {}
            _ => continue,
        }
        for effect in context.flow.effects(observed) {
            let key = (effect.unit, effect.access.node);
            if !wanted(&effect) || found.contains(&key) {
                continue;
            }
            let hazard = match conflicts.get(&key) {
                Some(conflict) if conflict.effect.deferred => {
                    let waited = waits_first(context, &effect, Some(observed.unit));
                    (!waited).then_some(Hazard::Conflict(conflict))
                }
                _ => hazard(context, sharing, observed, statement, &effect),
            };
            if let Some(hazard) = hazard {
                findings.push(describe(
                    context, rule, observed, statement, &effect, &hazard,
                ));
                found.insert(key);
            }
        }
    }
}

fn hazard<'c>(
    context: &Context<'_>,
    sharing: &Sharing,
    observed: &Observed,
    statement: NodeId,
    effect: &Effect,
) -> Option<Hazard<'c>> {
    let flow = context.flow;
    let kind = effect.access.kind;
    let on_all_paths = !is_conditional(context, observed.unit, effect);
    let file = flow.units.get(observed.unit).file;
    let root = flow.locks.paths().root(effect.access.path);
    let met = !may_be_kept_from(context, observed, on_the_way(effect), root);
    // What a function of another file knows has its place there.
    let same_file = flow.units.get(effect.unit).file == file;
    let certain = |nilness: Option<Nilness>| match nilness {
        Some(Nilness::Nil(since) | Nilness::Tested(since)) if same_file && met => Some(since),
        Some(Nilness::Maybe(since)) if same_file && on_all_paths => Some(since),
        _ => None,
    };
    let tree = context.file(file).tree;
    let (nilness, root_nilness) = match is_set_on_the_way(context, observed.unit, effect) {
        true => (None, None),
        false => nilness_at_run(context, observed, statement, effect),
    };
    if kind == AccessKind::Write
        && let Some(since) = certain(nilness)
    {
        return Some(Hazard::NilMap { since });
    }
    if root_is_pointer(context, effect.access.path)
        && let Some(since) = certain(root_nilness)
    {
        return Some(Hazard::NilPointer { since });
    }
    // A field that leads there and is nil by then, of an object that the deferred function itself looks up.
    if on_all_paths
        && same_file
        && !is_tested_before(context, observed.unit, on_the_way(effect))
        && let Some((pointer, since)) = nil_on_the_way(context, observed, effect.access.path)
        && !is_set_on_the_way(context, observed.unit, effect)
    {
        return Some(Hazard::NilOnTheWay { pointer, since });
    }
    if kind == AccessKind::Read
        && let Some(since) = certain(nilness)
        && tree.kind(since) == NodeKind::AssignStmt
        && tree.span(since).start > tree.span(statement).start
    {
        return Some(Hazard::SetToNil { since });
    }
    if has_joined(&observed.state) || waits_first(context, effect, Some(observed.unit)) {
        return None;
    }
    let holds_some = effect.may_hold_any();
    if holds_some && !holds_another_lock(context, sharing, observed.unit, effect) {
        return None;
    }
    let sharer = sharer(context, sharing, observed, statement, effect)?;
    // With a lock held only that others hold another one shows anything.
    let shows = !holds_some || matches!(sharer, Sharer::Locked { .. });
    shows.then_some(Hazard::Shared(sharer))
}

/// Whether all locks that are held at a use are certainly held, and none of them is one under which the
/// map is used elsewhere, while at least two other uses have a lock in common.
fn holds_another_lock(
    context: &Context<'_>,
    sharing: &Sharing,
    frame: UnitId,
    effect: &Effect,
) -> bool {
    let flow = context.flow;
    let paths = flow.locks.paths();
    let mut held = Vec::new();
    for (path, lock) in &effect.held {
        if lock.mode == Mode::Released {
            continue;
        }
        let Some(mutex) = paths.last_field(*path).filter(|_| lock.is_held()) else {
            return false;
        };
        held.push(mutex);
    }
    let Some(uses) = paths
        .last_field(effect.access.path)
        .and_then(|field| sharing.uses.get(&field))
    else {
        return false;
    };
    let outermost = flow.units.outermost(frame);
    let elsewhere: Vec<_> = uses
        .iter()
        .filter(|other| !other.fresh && flow.units.outermost(other.unit) != outermost)
        .collect();
    let Some((first, rest)) = elsewhere.split_first() else {
        return false;
    };
    let mut common: Vec<_> = first.mutexes.clone();
    common.retain(|mutex| rest.iter().all(|other| other.mutexes.contains(mutex)));
    !effect.other_lock
        && !rest.is_empty()
        && !common.is_empty()
        && !common.iter().any(|mutex| held.contains(mutex))
}

/// Whether the deferred function, or one that it calls, has given the map or the variable that leads to
/// it another value: what the function around knows of it is over then.
fn is_set_on_the_way(context: &Context<'_>, frame: UnitId, effect: &Effect) -> bool {
    let flow = context.flow;
    let path = effect.access.path;
    on_the_way(effect)
        .filter(|&(unit, _)| unit != frame)
        .flat_map(|(unit, _)| flow.observed_in(unit))
        .any(|observed| match observed.event.kind {
            EventKind::Set { path: set, .. } => flow.locks.paths().is_prefix(set, path),
            _ => false,
        })
}

/// What is known, when the deferred call runs, of the map and of the variable that its place starts
/// at. Arguments and receiver are those of the moment in which the call was deferred, whatever has
/// become of the variables since.
fn nilness_at_run(
    context: &Context<'_>,
    observed: &Observed,
    statement: NodeId,
    effect: &Effect,
) -> (Option<Nilness>, Option<Nilness>) {
    let flow = context.flow;
    let path = effect.access.path;
    let root = {
        let paths = flow.locks.paths();
        let root = paths.root(path);
        root.filter(|_| !paths.get(path).elements.is_empty())
    };
    let (bindings, target) = match &observed.event.kind {
        EventKind::Run {
            bindings, target, ..
        } => (&bindings[..], Some(*target)),
        _ => (&[][..], None),
    };
    let is_root = |bound: PathId| {
        let paths = flow.locks.paths();
        paths.get(bound).elements.is_empty() && paths.root(bound) == root
    };
    // Of `defer delete(s.m, k)` the map itself is evaluated early.
    let direct = target.is_none();
    let map_early = direct || bindings.iter().any(|&(_, bound)| bound == path);
    let root_early =
        direct || map_early || root.is_some() && bindings.iter().any(|&(_, bound)| is_root(bound));
    if !map_early && !root_early {
        return (effect.nilness, effect.root_nilness);
    }
    // What the called function finds out by itself holds in any case.
    let own = target.and_then(|target| {
        let summary = flow.locks.summary(target);
        let mut effects = summary.effects.iter();
        let own = effects
            .find(|other| (other.unit, other.access.node) == (effect.unit, effect.access.node));
        own.map(|own| (own.nilness, own.root_nilness))
    });
    let (own_map, own_root) = own.unwrap_or_default();
    let early = state_when_deferred(context, observed.unit, statement);
    let map = match map_early {
        true => own_map.or_else(|| early.as_ref()?.nilness(path)),
        false => effect.nilness,
    };
    let root = match root_early {
        true => own_root.or_else(|| flow.locks.root_nilness(early.as_ref()?, path)),
        false => effect.root_nilness,
    };
    (map, root)
}

/// The state right after a `defer` statement.
pub(crate) fn state_when_deferred(
    context: &Context<'_>,
    id: UnitId,
    statement: NodeId,
) -> Option<LockState> {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let tree = context.file(unit.file).tree;
    let block = unit
        .graph
        .reverse_postorder()
        .iter()
        .copied()
        .find(|&block| {
            let steps = unit.graph.block(block).steps;
            steps.contains(&Step::Register(statement))
        })?;
    let end = tree.span(statement).end;
    let mut found = None;
    flow.replay(id, |at, event, state| {
        if at == block && found.is_none() && tree.span(event.node).start >= end {
            found = Some(state.clone());
        }
    });
    found.or_else(|| flow.at_end(id, block))
}

/// Whether the path starts at a pointer and goes on from it.
fn root_is_pointer(context: &Context<'_>, path: PathId) -> bool {
    let paths = context.flow.locks.paths();
    let Some(root) = paths.root(path) else {
        return false;
    };
    let world = context.world();
    let root_type = world.object_type(root);
    root_type.is_known()
        && world.underlying(root_type).kind() == TypeKind::Pointer
        && !paths.get(path).elements.is_empty()
}

/// Whether the use, or a call on the way to it, stands in a branch: it may depend on what decides
/// whether the map is nil.
fn is_conditional(context: &Context<'_>, frame: UnitId, effect: &Effect) -> bool {
    let flow = context.flow;
    on_the_way(effect).any(|(unit, node)| {
        if unit == frame {
            return false;
        }
        let unit = flow.units.get(unit);
        let tree = context.file(unit.file).tree;
        let at = tree.span(node).start;
        tree.preorder(unit.body).any(|below| {
            matches!(
                tree.kind(below),
                NodeKind::IfStmt
                    | NodeKind::CaseClause
                    | NodeKind::CommClause
                    | NodeKind::ForStmt
                    | NodeKind::RangeStmt
            ) && tree.span(below).contains(at)
        })
    })
}

/// Whether a function is called by the package only, and each time on an object that its caller has
/// just made: it belongs to the making.
fn is_called_on_new_objects(
    context: &Context<'_>,
    function: UnitId,
    path: PathId,
    fresh: impl Fn(UnitId, PathId) -> bool,
) -> bool {
    let flow = context.flow;
    let hidden = flow
        .units
        .get(function)
        .object
        .is_some_and(|object| !context.world().object(object).is_exported());
    let root = flow.locks.paths().root(path);
    let mut called = false;
    let all_fresh = flow.runs_of(function).all(|event| {
        let EventKind::Run { how, bindings, .. } = &event.event.kind else {
            return true;
        };
        called = true;
        *how == How::Call
            && bindings.iter().any(|&(parameter, bound)| {
                Some(parameter) == root
                    && flow
                        .units
                        .chain(event.unit)
                        .any(|caller| fresh(caller, bound))
            })
    });
    hidden && called && all_fresh
}

/// Whether two places are the same field in two objects of a type of another package: struct values, which are
/// copied about, each with the map that somebody has put into it, or objects that a function was given by
/// themselves, as each handler gets the request that it answers.
fn is_other_value(context: &Context<'_>, one: PathId, other: PathId) -> bool {
    let paths = context.flow.locks.paths();
    let world = context.world();
    let foreign = paths.last_field(one).is_some_and(|field| {
        let field = world.object(field);
        field.kind == ObjectKind::Variable(VariableKind::Field)
            && field.package != Some(context.package.package)
    });
    // What holds the field: a struct itself, and not a pointer to one.
    let in_value = |path: PathId| {
        let elements = &paths.get(path).elements;
        let holder = match elements {
            [Element::Field(_)] => paths.root(path).map(|root| world.object_type(root)),
            [.., Element::Field(holder), Element::Field(_)] => Some(world.object_type(*holder)),
            _ => None,
        };
        holder.is_some_and(|holder| {
            holder.is_known() && world.underlying(holder).kind() == TypeKind::Struct
        })
    };
    let by_itself = |path: PathId| {
        let alone = matches!(paths.get(path).elements, [Element::Field(_)]);
        alone
            && paths.root(path).is_some_and(|root| {
                matches!(
                    world.object(root).kind,
                    ObjectKind::Variable(VariableKind::Local | VariableKind::Parameter)
                )
            })
    };
    let apart = |path: PathId| in_value(path) || by_itself(path);
    foreign && paths.root(one) != paths.root(other) && (apart(one) || apart(other))
}

/// Whether a place belongs to an object that this function got from one that always makes a new one,
/// `v, err := f()`. Whom it has lent the object to has given it back when the deferred call runs; what
/// goroutines of its own do meanwhile is a conflict of its own.
fn is_made_by_call(context: &Context<'_>, id: UnitId, path: PathId) -> bool {
    let flow = context.flow;
    let Some(root) = flow.locks.paths().root(path) else {
        return false;
    };
    let world = context.world();
    let unit = flow.units.get(id);
    if world.object(root).kind != ObjectKind::Variable(VariableKind::Local)
        || !flow.declared_inside(root, id)
    {
        return false;
    }
    let file = context.file(unit.file);
    let mut makers = 0;
    let mut all_new = true;
    walk_all(file.tree, unit.body, |node| {
        let Statement::Assign { left, right, .. } = file.tree.statement(node) else {
            return;
        };
        if file.tree.kind(node) != NodeKind::AssignStmt {
            return;
        }
        let position = left
            .iter()
            .position(|&place| file.facts.object_of(place) == Some(root));
        let Some(position) = position else { return };
        makers += 1;
        let &[value] = right else {
            all_new = false;
            return;
        };
        let value = unparenthesized(file, value);
        let target = match file.tree.expression(value) {
            Expression::Call { function, .. } if file.tree.kind(value) == NodeKind::CallExpr => {
                match callee(world, file, function) {
                    Callee::Function(object) => flow.units.of_object(object),
                    _ => None,
                }
            }
            _ => None,
        };
        all_new &= target.is_some_and(|target| gives_new_object(context, target, position));
    });
    makers > 0 && all_new
}

/// Whether a result of a function is, at each return, nil or the address of a literal made there.
fn gives_new_object(context: &Context<'_>, id: UnitId, position: usize) -> bool {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let mut returns = 0;
    let mut all_new = true;
    walk(unit, |node, _| {
        if file.tree.kind(node) != NodeKind::ReturnStmt {
            return;
        }
        let Statement::Return { results } = file.tree.statement(node) else {
            return;
        };
        let Some(&value) = results.get(position) else {
            all_new = false;
            return;
        };
        if is_nil(context, file, value) {
            return;
        }
        returns += 1;
        let mut value = unparenthesized(file, value);
        if file.tree.kind(value) == NodeKind::Ident
            && let Some(variable) = file.facts.object_of(value)
            && context.flow.declared_inside(variable, id)
            && let Some((index, single)) = context.flow.lowered.variables.single(variable)
            && index == unit.file
        {
            value = unparenthesized(file, single);
        }
        all_new &= matches!(file.tree.expression(value),
            Expression::Unary { operator: UnaryOperator::Address, operand }
                if file.tree.kind(unparenthesized(file, operand)) == NodeKind::CompositeLit);
    });
    returns > 0 && all_new
}

fn sharer(
    context: &Context<'_>,
    sharing: &Sharing,
    observed: &Observed,
    statement: NodeId,
    effect: &Effect,
) -> Option<Sharer> {
    let flow = context.flow;
    let paths = flow.locks.paths();
    let path = effect.access.path;
    let field = paths.last_field(path)?;
    let object = context.world().object(field);
    let is_field = object.kind == ObjectKind::Variable(VariableKind::Field);
    let is_variable = object.kind == ObjectKind::Variable(VariableKind::Package);
    if !is_field && !is_variable {
        return None;
    }
    let outermost = flow.units.outermost(observed.unit);
    let chain: Vec<UnitId> = flow.units.chain(observed.unit).collect();
    let nothing_live = LockState::default();
    // What the goroutines do that the function itself has started is looked at as conflicts.
    let fresh = |unit: UnitId, path: PathId| flow.is_fresh(unit, path, &nothing_live);
    if chain
        .iter()
        .any(|&unit| fresh(unit, path) || is_made_by_call(context, unit, path))
        || is_called_on_new_objects(context, outermost, path, fresh)
    {
        return None;
    }
    let unit = flow.units.get(outermost);
    if unit.name == "init" {
        return None;
    }
    let nothing = Vec::new();
    let uses = sharing.uses.get(&field).unwrap_or(&nothing);
    let others = || {
        uses.iter().filter(|other| {
            !other.fresh
                // Before everything else.
                && flow.units.get(other.unit).name != "init"
                && (other.unit, other.access.node) != (effect.unit, effect.access.node)
                && !is_other_value(context, path, other.access.path)
        })
    };
    let conflicts = |kind: AccessKind| effect.access.kind.changes_content() || kind.changes();
    // Under a lock elsewhere, mostly: one lock among many uses guards something else. And a function
    // that gives the field its map sets the object up.
    // Other deferred uses are as suspect as this one, and no votes against the lock.
    let elsewhere = || {
        others().filter(|other| {
            flow.units.outermost(other.unit) != outermost
                && (other.lock.is_some() || !other.deferred)
        })
    };
    let locked = elsewhere().filter(|other| other.lock.is_some()).count();
    let guarded = locked * 2 >= elsewhere().count() && !context.file(unit.file).test;
    let sets_up = uses.iter().any(|other| {
        other.access.kind == AccessKind::Replace
            && other.lock.is_none()
            && flow.units.outermost(other.unit) == outermost
            && other.access.node != effect.access.node
    });
    if guarded
        && !sets_up
        && !is_locked_from_outside(context, uses)
        && let Some(other) =
            others().find(|other| other.lock.is_some() && conflicts(other.access.kind))
    {
        return Some(Sharer::Locked {
            unit: other.unit,
            node: other.access.node,
            lock: other.lock?,
        });
    }
    // Under a lock in this very function, which is gone by then.
    let own = chain
        .iter()
        .flat_map(|&unit| flow.observed_in(unit))
        .find_map(|event| match event.event.kind {
            EventKind::Lock { path: lock, .. }
                if (paths.owner_leads_to(lock, path)
                    || is_package_level(context, lock) && is_variable) =>
            {
                Some((event.event.node, lock))
            }
            _ => None,
        });
    // Where others use the map, some of them with the lock, if it is this map that it guards.
    let is_guard = others().next().is_none() || others().any(|other| other.lock.is_some());
    if let Some((node, lock)) = own
        && is_guard
        && (effect.access.kind.changes_content()
            || others().any(|other| other.access.kind.changes()))
    {
        let tree = context.file(flow.units.get(observed.unit).file).tree;
        let unlock =
            flow.observed_in(observed.unit)
                .iter()
                .find_map(|event| match event.event.kind {
                    EventKind::Unlock { path, .. } if path == lock => event
                        .deferred
                        .filter(|&other| tree.span(other).start > tree.span(statement).start),
                    _ => None,
                });
        return Some(Sharer::OwnLock { node, lock, unlock });
    }
    let thread = |unit: UnitId| sharing.concurrent.get(&unit).copied();
    let mine = chain
        .iter()
        .chain([&effect.unit])
        .find_map(|&unit| thread(unit));
    let handled = |unit: UnitId| {
        let handler = sharing.handlers.get(&unit);
        handler.is_some_and(|&handler| is_variable || handler == unit)
    };
    let other = others().find(|other| {
        // The goroutine of some other object may be the one that has the field: only what a
        // goroutine does itself, not what it calls, shows that this object is shared.
        let itself = is_variable
            || flow
                .units
                .chain(other.unit)
                .any(|unit| flow.is_spawned(unit));
        let theirs = thread(other.unit).filter(|_| itself);
        let elsewhere = theirs.is_some() && theirs != mine
            || handled(other.unit) && !chain.contains(&other.unit)
            || is_variable && mine.is_some() && theirs != mine;
        // Another goroutine that gives a field its map is mostly making a new object.
        let content = other.access.kind.touches_content();
        elsewhere && content && !other.any_lock && conflicts(other.access.kind)
    });
    if let Some(other) = other {
        return Some(Sharer::Thread {
            unit: other.unit,
            node: other.access.node,
            kind: other.access.kind,
        });
    }
    if !effect.access.kind.changes_content() {
        return None;
    }
    let own_object = unit.receiver.is_some() && paths.root(path) == unit.receiver;
    if is_field && own_object && has_mutex(context, outermost) && others().next().is_none() {
        return Some(Sharer::HasMutex);
    }
    let callable = unit
        .object
        .is_some_and(|object| context.world().object(object).is_exported());
    let library = !context.is_command();
    let test = context.file(unit.file).test;
    (is_variable && callable && library && !test).then_some(Sharer::PackageVariable)
}

/// Whether a function that others may call leaves a lock of these uses taken: then callers lock the object
/// themselves, and hold it whenever they call anything else.
fn is_locked_from_outside(context: &Context<'_>, uses: &[Use]) -> bool {
    let flow = context.flow;
    let paths = flow.locks.paths();
    let locks: Vec<_> = uses
        .iter()
        .filter_map(|other| paths.last_field(other.lock?))
        .collect();
    flow.units.iter().any(|(id, unit)| {
        let exported = unit
            .object
            .is_some_and(|object| context.world().object(object).is_exported());
        exported
            && flow.locks.summary(id).acquired.iter().any(|&(path, _)| {
                paths
                    .last_field(path)
                    .is_some_and(|lock| locks.contains(&lock))
            })
    })
}

fn describe(
    context: &Context<'_>,
    rule: &Rule,
    observed: &Observed,
    statement: NodeId,
    effect: &Effect,
    hazard: &Hazard<'_>,
) -> Diagnostic {
    let flow = context.flow;
    let file = flow.units.get(effect.unit).file;
    let frame = flow.units.get(observed.unit).file;
    let name = flow.text(effect.access.path);
    let done = verb(effect.access.kind);
    let root = flow.locks.paths().root(effect.access.path);
    let pointer = root.map_or("", |root| context.world().object(root).name.as_str());
    let message = match hazard {
        Hazard::Conflict(_) => format!(
            "`{name}` is {done} in a deferred call while another goroutine may use it, without a common lock"
        ),
        Hazard::Shared(_) => format!(
            "`{name}` is {done} in a deferred call without the lock, where another goroutine may use it"
        ),
        Hazard::NilMap { .. } => {
            format!("`{name}` can be nil when the deferred call writes it, which panics")
        }
        Hazard::NilPointer { .. } => {
            format!("`{pointer}` can be nil when the deferred call uses `{name}`, which panics")
        }
        Hazard::NilOnTheWay { pointer, .. } => format!(
            "`{}` is nil when the deferred call uses `{name}`, which panics",
            flow.text(*pointer)
        ),
        Hazard::SetToNil { .. } => {
            format!("`{name}` is nil when the deferred call reads it: it finds nothing")
        }
    };
    let help = match hazard {
        Hazard::NilMap { .. } => {
            format!("make `{name}` before the `defer`, or check it in the deferred call")
        }
        Hazard::NilPointer { .. } => {
            format!("check `{pointer}` before the `defer`, or in the deferred call")
        }
        Hazard::NilOnTheWay { pointer, .. } => {
            format!("check `{}` in the deferred call", flow.text(*pointer))
        }
        Hazard::SetToNil { .. } => "read what is needed before, or keep the map".to_owned(),
        Hazard::Shared(Sharer::OwnLock {
            unlock: Some(_), ..
        }) => {
            "register this `defer` after the one that unlocks, so that it runs before it".to_owned()
        }
        _ => "take the lock in the deferred call".to_owned(),
    };
    let mut finding = rule
        .diagnostic(
            context.path(file),
            context.span(file, effect.access.node),
            message,
        )
        .in_function(context.function(effect.unit))
        .operation(context.text(file, effect.access.node))
        .help(help)
        .step(
            context.path(frame),
            context.span(frame, statement),
            format!(
                "deferred here: it runs when `{}` returns",
                context.function(observed.unit)
            ),
        );
    finding = call_steps(context, effect, finding, 1);
    let here = |finding: Diagnostic, unit: UnitId, node: NodeId, text: String| {
        let file = flow.units.get(unit).file;
        finding.step(context.path(file), context.span(file, node), text)
    };
    match hazard {
        Hazard::Conflict(conflict) => return map_race::steps(context, conflict, finding),
        Hazard::Shared(Sharer::Locked { unit, node, lock }) => {
            let lock = flow.text(*lock);
            finding = here(
                finding,
                *unit,
                *node,
                format!("elsewhere it is used with `{lock}` held"),
            );
        }
        Hazard::Shared(Sharer::OwnLock { node, lock, unlock }) => {
            let lock = flow.text(*lock);
            finding = here(
                finding,
                observed.unit,
                *node,
                format!("`{lock}` is locked here"),
            );
            if let Some(unlock) = unlock {
                let text = "this unlock was deferred later, so it runs first".to_owned();
                finding = here(finding, observed.unit, *unlock, text);
            }
        }
        Hazard::Shared(Sharer::Thread { unit, node, kind }) => {
            let text = format!("another goroutine may have it {} here", verb(*kind));
            finding = here(finding, *unit, *node, text);
        }
        Hazard::Shared(Sharer::HasMutex) => {
            let outermost = flow.units.outermost(observed.unit);
            let declared = flow.units.get(outermost);
            let text = "the type has a mutex: its methods are meant for several goroutines";
            finding = finding.step(
                context.path(declared.file),
                context.span(declared.file, declared.function_type),
                text,
            );
        }
        Hazard::Shared(Sharer::PackageVariable) => {
            let declared = root.map(|root| context.world().object(root));
            // A variable of another package is declared in a file that is not shown.
            let own = declared.filter(|object| object.package == Some(context.package.package));
            if let Some(object) = own {
                let span = goward_diagnostics::Span::new(
                    object.offset,
                    object.offset + object.name.as_str().len() as u32,
                );
                finding = finding.step(
                    context.path(object.file as usize),
                    span,
                    "a package variable: every goroutine that calls the function shares it",
                );
            }
        }
        Hazard::NilMap { since } => {
            finding = here(
                finding,
                observed.unit,
                *since,
                format!("`{name}` is nil from here on some path"),
            );
        }
        Hazard::NilPointer { since } => {
            let text = format!("`{pointer}` is nil from here on some path");
            finding = here(finding, observed.unit, *since, text);
        }
        Hazard::NilOnTheWay { pointer, since } => {
            let text = format!("`{}` is nil from here on", flow.text(*pointer));
            finding = here(finding, observed.unit, *since, text);
        }
        Hazard::SetToNil { since } => {
            finding = here(finding, observed.unit, *since, "set to nil here".to_owned());
        }
    }
    let text = match hazard {
        Hazard::Shared(_) => format!("{done} here, with no lock held"),
        _ => format!("{done} here"),
    };
    here(finding, effect.unit, effect.access.node, text)
}
