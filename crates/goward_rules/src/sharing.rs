//! Which maps several goroutines reach, and how that shows: what the rules about maps share.

use goward_diagnostics::{Diagnostic, Span};
use goward_flow::{
    Access, AccessKind, Effect, Element, EventKind, How, LockState, Observed, PathId, SpawnId,
    Tested, UnitId,
};
use goward_syntax::{NodeId, NodeKind};
use goward_types::{ObjectId, ObjectKind, Type, TypeId, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Context;
use crate::exclusive::exclude_each_other;
use crate::field_vote::says_callers_lock;
use crate::function_values::{FunctionValues, Start};
use crate::gates;
use crate::renewal::Given;
use crate::services::{handles_requests, services};
use crate::turns;
use crate::unlocked_goroutines;

/// A use of a map that is a field or a package variable.
pub(crate) struct Use {
    pub(crate) unit: UnitId,
    pub(crate) access: Access,
    /// A lock that belongs to the same object is held.
    pub(crate) lock: Option<PathId>,
    /// The mutexes of all such locks.
    pub(crate) mutexes: Vec<ObjectId>,
    /// Some lock is held, or may be.
    pub(crate) any_lock: bool,
    /// The object was made by this function and nobody else has it yet.
    pub(crate) fresh: bool,
    /// It happens in deferred calls only.
    pub(crate) deferred: bool,
}

/// Two uses of a map that may happen at the same time.
pub(crate) struct Conflict {
    /// The use to report: it changes the map, or is the deferred one.
    pub(crate) effect: Effect,
    /// The function in which it is seen, and where the goroutine starts that it runs in.
    pub(crate) unit: UnitId,
    pub(crate) spawn: Option<SpawnId>,
    /// The other use; none where the same code runs in several goroutines.
    pub(crate) other: Option<(Effect, Option<SpawnId>)>,
    /// Where the goroutines start to which the function was given.
    pub(crate) given_to: Option<Start>,
}

/// What is known of the maps of a package.
pub(crate) struct Sharing {
    pub(crate) uses: FxHashMap<ObjectId, Vec<Use>>,
    /// Units that run in a goroutine which the package starts, with a place that starts it.
    pub(crate) concurrent: FxHashMap<UnitId, SpawnId>,
    /// HTTP handlers and what they call.
    pub(crate) handlers: FxHashMap<UnitId, UnitId>,
    pub(crate) conflicts: Vec<Conflict>,
    /// Types whose methods serve remote calls.
    services: FxHashSet<ObjectId>,
}

impl Sharing {
    pub(crate) fn new(context: &Context<'_>) -> Sharing {
        let mut sharing = Sharing {
            uses: FxHashMap::default(),
            concurrent: FxHashMap::default(),
            handlers: FxHashMap::default(),
            conflicts: Vec::new(),
            services: services(context),
        };
        sharing.find_uses(context);
        sharing.find_threads(context);
        sharing.find_conflicts(context);
        sharing
    }

    fn find_uses(&mut self, context: &Context<'_>) {
        let flow = context.flow;
        let deferred = deferred_units(context);
        for observed in &flow.observed {
            let EventKind::Access(access) = observed.event.kind else {
                continue;
            };
            if matches!(access.kind, AccessKind::Count | AccessKind::Length) {
                continue;
            }
            let paths = flow.locks.paths();
            let Some(field) = paths.last_field(access.path) else {
                continue;
            };
            if !is_shared_kind(context, field) {
                continue;
            }
            let locks = || {
                observed.state.locks().filter(|(lock, _)| {
                    paths.owner_leads_to(*lock, access.path) || is_package_level(context, *lock)
                })
            };
            let lock = locks().next();
            let mutexes = locks()
                .filter_map(|&(lock, _)| paths.last_field(lock))
                .collect();
            let entry = Use {
                deferred: observed.deferred.is_some()
                    || flow
                        .units
                        .chain(observed.unit)
                        .any(|unit| deferred.contains(&unit)),
                unit: observed.unit,
                access,
                lock: lock.map(|lock| lock.0),
                mutexes,
                any_lock: observed.state.may_hold_any(),
                fresh: flow.is_fresh(observed.unit, access.path, &observed.state),
            };
            self.uses.entry(field).or_default().push(entry);
        }
    }

    fn find_threads(&mut self, context: &Context<'_>) {
        let flow = context.flow;
        let mut calls: FxHashMap<UnitId, Vec<UnitId>> = FxHashMap::default();
        let mut pending: Vec<(UnitId, SpawnId)> = Vec::new();
        for observed in &flow.observed {
            if let EventKind::Run { target, how, .. } = &observed.event.kind {
                match how {
                    How::Spawn(id) => pending.push((*target, *id)),
                    How::Kept | How::Unknown => {}
                    _ => calls.entry(observed.unit).or_default().push(*target),
                }
            }
        }
        while let Some((unit, spawn)) = pending.pop() {
            if self.concurrent.contains_key(&unit) {
                continue;
            }
            self.concurrent.insert(unit, spawn);
            for &callee in calls.get(&unit).into_iter().flatten() {
                pending.push((callee, spawn));
            }
        }
        let mut pending: Vec<(UnitId, UnitId)> = flow
            .units
            .iter()
            .filter(|(id, unit)| {
                handles_requests(context, &self.services, *id) && !context.file(unit.file).test
            })
            .map(|(id, _)| (id, id))
            .collect();
        while let Some((unit, handler)) = pending.pop() {
            if self.handlers.contains_key(&unit) {
                continue;
            }
            self.handlers.insert(unit, handler);
            for &callee in calls.get(&unit).into_iter().flatten() {
                pending.push((callee, handler));
            }
        }
    }

    fn find_conflicts(&mut self, context: &Context<'_>) {
        let flow = context.flow;
        let mut spawned: FxHashMap<SpawnId, Vec<Effect>> = FxHashMap::default();
        for observed in &flow.observed {
            if let EventKind::Run {
                how: How::Spawn(id),
                target,
                ..
            } = &observed.event.kind
            {
                let known = spawned.entry(*id).or_default();
                for effect in flow.effects(observed) {
                    let own = flow
                        .locks
                        .paths()
                        .root(effect.access.path)
                        .is_none_or(|root| flow.declared_inside(root, *target));
                    if !own && effect.access.kind != AccessKind::Count {
                        known.push(effect);
                    }
                }
            }
        }
        let mut seen: FxHashSet<(UnitId, NodeId)> = FxHashSet::default();
        for observed in &flow.observed {
            match &observed.event.kind {
                EventKind::Run {
                    how: How::Spawn(id),
                    ..
                } => {
                    let effects = &spawned[id];
                    let many = flow.lowered.spawns[id.0 as usize].many;
                    // A test mostly sends one request after the other.
                    let test = context.file(flow.units.get(observed.unit).file).test;
                    let spawn = &flow.lowered.spawns[id.0 as usize];
                    let benchmark = spawn.tested == Some(Tested::Benchmark);
                    if many && (!test || benchmark) || !many && observed.state.live.contains(id) {
                        self.with_itself(context, observed, *id, effects, many, &mut seen);
                    }
                    let of_test = |id: &SpawnId| flow.lowered.spawns[id.0 as usize].tested;
                    for other in observed.state.live.iter().filter(|other| *other != id) {
                        // A goroutine may be over when the subtests go on.
                        if of_test(other) != of_test(id) {
                            continue;
                        }
                        let Some(others) = spawned.get(other) else {
                            continue;
                        };
                        if turns::in_one_group_of_one(context, *id, *other) {
                            continue;
                        }
                        self.pairs(
                            context,
                            observed,
                            (effects, Some(*id)),
                            (others, Some(*other)),
                            &mut seen,
                        );
                    }
                }
                EventKind::Access(_)
                | EventKind::Run {
                    how: How::Call | How::Through { .. },
                    ..
                } if !observed.state.live.is_empty() => {
                    let effects = flow.effects(observed);
                    for other in &observed.state.live {
                        let Some(others) = spawned.get(other) else {
                            continue;
                        };
                        // A handler is registered before it runs, and a parallel subtest waits
                        // until the function around it has returned.
                        let spawn = &flow.lowered.spawns[other.0 as usize];
                        let (node, here) = (spawn.node, observed.event.node);
                        if spawn.many
                            || spawn.tested.is_some()
                            || exclude_each_other(context, observed.unit, node, here)
                        {
                            continue;
                        }
                        self.pairs(
                            context,
                            observed,
                            (&effects, None),
                            (others, Some(*other)),
                            &mut seen,
                        );
                    }
                }
                _ => {}
            }
        }
        let unlocked = unlocked_goroutines::conflicts(context, self, &spawned);
        let imported = unlocked_goroutines::imported_starts(context);
        for conflict in unlocked.into_iter().chain(imported) {
            let effect = &conflict.effect;
            if seen.insert((effect.unit, effect.access.node)) {
                self.conflicts.push(conflict);
            }
        }
        self.in_handlers(context, &mut seen);
        self.given_to_goroutines(context, &mut seen);
    }

    /// Functions that are given to others of the package, which run them in several goroutines.
    fn given_to_goroutines(
        &mut self,
        context: &Context<'_>,
        seen: &mut FxHashSet<(UnitId, NodeId)>,
    ) {
        let flow = context.flow;
        let given = || {
            flow.observed
                .iter()
                .filter_map(|observed| match &observed.event.kind {
                    EventKind::Run {
                        target,
                        how: How::Through { callee, parameter },
                        bindings,
                    } => Some((observed, *target, (*callee, *parameter), bindings)),
                    _ => None,
                })
        };
        if given().next().is_none() {
            return;
        }
        let values = FunctionValues::new(context);
        for (observed, target, (callee, parameter), bindings) in given() {
            let Some(start) = values.start(callee, parameter) else {
                continue;
            };
            for effect in &flow.locks.summary(target).effects {
                let own = flow
                    .locks
                    .paths()
                    .root(effect.access.path)
                    .is_none_or(|root| flow.declared_inside(root, target));
                let Some(path) = flow.translate(effect.access.path, target, bindings) else {
                    continue;
                };
                // A map for each index is what such functions are written for.
                let indexed = flow
                    .locks
                    .paths()
                    .get(path)
                    .elements
                    .iter()
                    .any(|element| matches!(element, Element::Index(_)));
                if !own
                    && !indexed
                    && effect.access.kind.changes_content()
                    && !effect.may_hold_any()
                    && seen.insert((effect.unit, effect.access.node))
                {
                    self.conflicts.push(Conflict {
                        effect: effect.clone(),
                        unit: observed.unit,
                        spawn: None,
                        other: None,
                        given_to: Some(start),
                    });
                }
            }
        }
    }

    /// The same code in several goroutines at once.
    fn with_itself(
        &mut self,
        context: &Context<'_>,
        observed: &Observed,
        id: SpawnId,
        effects: &[Effect],
        many: bool,
        seen: &mut FxHashSet<(UnitId, NodeId)>,
    ) {
        if !many && turns::one_at_a_time(context, id) {
            return;
        }
        let file = context.flow.units.get(observed.unit).file;
        let around = innermost_loop(
            context,
            observed.unit,
            context.flow.lowered.spawns[id.0 as usize].node,
        );
        for effect in effects {
            let access = effect.access;
            if !access.kind.changes_content() || effect.may_hold_any() {
                continue;
            }
            // What each turn of the loop has for itself is not shared between its goroutines.
            let paths = context.flow.locks.paths();
            let per_turn = !many
                && paths.mentions(access.path).iter().any(|&object| {
                    let object = context.world().object(object);
                    object.package == Some(context.package.package)
                        && object.file as usize == file
                        && around.is_some_and(|span| span.contains(object.offset))
                });
            drop(paths);
            if !per_turn
                && locked_by_channels(context, effect, true).is_empty()
                && (many || !turns::comes_once(context, id, effect.unit, access.node))
                && (many || {
                    let given = Given::new(context, id, access.path);
                    given.is_same_at(
                        observed.unit,
                        context.flow.lowered.spawns[id.0 as usize].node,
                    )
                })
                && seen.insert((effect.unit, access.node))
            {
                self.conflicts.push(Conflict {
                    effect: effect.clone(),
                    unit: observed.unit,
                    spawn: Some(id),
                    other: None,
                    given_to: None,
                });
            }
        }
    }

    /// Uses on both sides that no lock keeps apart.
    fn pairs(
        &mut self,
        context: &Context<'_>,
        observed: &Observed,
        here: (&[Effect], Option<SpawnId>),
        there: (&[Effect], Option<SpawnId>),
        seen: &mut FxHashSet<(UnitId, NodeId)>,
    ) {
        for mine in here.0 {
            for theirs in there.0 {
                let same = mine.access.path == theirs.access.path;
                // Of a variable that both see, replacing the map is a race like any other.
                let paths = context.flow.locks.paths();
                let variable = paths.get(mine.access.path).elements.is_empty();
                let touches = |kind: AccessKind| {
                    kind.touches_content() || variable && kind == AccessKind::Replace
                };
                let content = touches(mine.access.kind) && touches(theirs.access.kind);
                let changes = mine.access.kind.changes() || theirs.access.kind.changes();
                if !same || !content || !changes || mine.other_lock || theirs.other_lock {
                    continue;
                }
                let before = here.1.is_none()
                    && there.1.is_some_and(|started| {
                        comes_first_in_turn(context, observed, started, mine.access.path)
                    });
                if before {
                    continue;
                }
                let gated = here.1.is_none()
                    && there.1.is_some_and(|started| {
                        let node = observed.event.node;
                        gates::keep_apart(context, observed.unit, node, started, theirs)
                    });
                if gated {
                    continue;
                }
                let uncertain = |effect: &Effect| {
                    effect
                        .held
                        .iter()
                        .any(|entry| entry.1.mode == goward_flow::Mode::Maybe)
                };
                let common = mine
                    .held
                    .iter()
                    .any(|lock| theirs.held.iter().any(|other| other.0 == lock.0));
                if common || uncertain(mine) || uncertain(theirs) {
                    continue;
                }
                // Its comment says that the callers hold the lock, which the other side takes.
                if here.1.is_none()
                    && theirs.held.iter().any(|entry| entry.1.is_held())
                    && says_callers_lock(context, observed.unit)
                {
                    continue;
                }
                drop(paths);
                let locked = locked_by_channels(context, mine, here.1.is_some());
                if !locked.is_empty()
                    && !locked.is_disjoint(&locked_by_channels(context, theirs, there.1.is_some()))
                {
                    continue;
                }
                // Of two goroutines one may wait for the other before it comes to the map.
                let spawns = &context.flow.lowered.spawns;
                let common = here.1.zip(there.1).is_some_and(|(one, other)| {
                    let channels = &spawns[other.0 as usize].channels;
                    let mut own = spawns[one.0 as usize].channels.iter();
                    own.any(|channel| channels.contains(channel))
                });
                if common
                    && [mine, theirs]
                        .into_iter()
                        .any(|effect| waits_first(context, effect, None))
                {
                    continue;
                }
                if let Some(other) = there.1 {
                    let given = Given::new(context, other, theirs.access.path);
                    // What the goroutine was given stays when the variable gets another map.
                    let replaces = variable && mine.access.kind == AccessKind::Replace;
                    if replaces && given.is_value()
                        || !given.is_same_at(observed.unit, observed.event.node)
                    {
                        continue;
                    }
                }
                // The deferred use is the one to show, else the one that changes the map.
                let first = match (mine.deferred, theirs.deferred) {
                    (true, _) => true,
                    (false, true) => false,
                    _ => mine.access.kind.changes(),
                };
                let (reported, spawn, other, other_spawn) = match first {
                    true => (mine, here.1, theirs, there.1),
                    false => (theirs, there.1, mine, here.1),
                };
                if seen.insert((reported.unit, reported.access.node)) {
                    self.conflicts.push(Conflict {
                        effect: reported.clone(),
                        unit: observed.unit,
                        spawn,
                        other: Some((other.clone(), other_spawn)),
                        given_to: None,
                    });
                }
            }
        }
    }

    /// Handlers run once for each request, many at a time.
    fn in_handlers(&mut self, context: &Context<'_>, seen: &mut FxHashSet<(UnitId, NodeId)>) {
        let flow = context.flow;
        for (id, unit) in flow.units.iter() {
            if !handles_requests(context, &self.services, id) || context.file(unit.file).test {
                continue;
            }
            for effect in &flow.locks.summary(id).effects {
                let paths = flow.locks.paths();
                let Some(root) = paths.root(effect.access.path) else {
                    continue;
                };
                let object = context.world().object(root);
                let shared = match object.kind {
                    ObjectKind::Variable(VariableKind::Package) => true,
                    ObjectKind::Variable(VariableKind::Receiver) => {
                        // Of a value receiver each call has its own copy, but maps in it are shared.
                        !paths.get(effect.access.path).elements.is_empty()
                            || unit.receiver == Some(root)
                    }
                    ObjectKind::Variable(_) => {
                        // Captured from around the handler: made once, when it is registered.
                        let around = unit.parent;
                        !flow.declared_inside(root, id)
                            && around.is_some_and(|around| {
                                !flow
                                    .units
                                    .chain(around)
                                    .any(|outer| handles_requests(context, &self.services, outer))
                            })
                    }
                    _ => false,
                };
                if shared
                    && effect.access.kind.changes_content()
                    && !effect.may_hold_any()
                    && locked_by_channels(context, effect, false).is_empty()
                    && seen.insert((effect.unit, effect.access.node))
                {
                    self.conflicts.push(Conflict {
                        effect: effect.clone(),
                        unit: id,
                        spawn: None,
                        other: None,
                        given_to: None,
                    });
                }
            }
        }
    }
}

/// Whether an object is a field or a package variable.
fn is_shared_kind(context: &Context<'_>, object: ObjectId) -> bool {
    matches!(
        context.world().object(object).kind,
        ObjectKind::Variable(VariableKind::Field | VariableKind::Package)
    )
}

/// The functions that run in deferred calls only, as far as the package calls them.
fn deferred_units(context: &Context<'_>) -> FxHashSet<UnitId> {
    let flow = context.flow;
    let runs = || {
        flow.observed
            .iter()
            .filter_map(|observed| match &observed.event.kind {
                EventKind::Run { target, .. } => Some((observed, *target)),
                _ => None,
            })
    };
    let mut deferred: FxHashSet<UnitId> = FxHashSet::default();
    loop {
        let before = deferred.len();
        for (observed, target) in runs() {
            if observed.deferred.is_some() || deferred.contains(&observed.unit) {
                deferred.insert(target);
            }
        }
        if deferred.len() == before {
            break;
        }
    }
    loop {
        let plain: Vec<UnitId> = runs()
            .filter(|(observed, target)| {
                observed.deferred.is_none()
                    && !deferred.contains(&observed.unit)
                    && deferred.contains(target)
            })
            .map(|(_, target)| target)
            .collect();
        if plain.is_empty() {
            break;
        }
        for unit in plain {
            deferred.remove(&unit);
        }
    }
    deferred.retain(|&unit| {
        let object = flow.units.get(unit).object;
        !object.is_some_and(|object| context.world().object(object).is_exported())
    });
    deferred
}

/// Whether a place starts at a package variable.
pub(crate) fn is_package_level(context: &Context<'_>, path: PathId) -> bool {
    let root = context.flow.locks.paths().root(path);
    root.is_some_and(|root| {
        context.world().object(root).kind == ObjectKind::Variable(VariableKind::Package)
    })
}

/// Whether an event stands before the start of a goroutine in a turn of a loop that has the place for
/// itself: then the goroutines of other turns have other ones.
fn comes_first_in_turn(
    context: &Context<'_>,
    observed: &Observed,
    started: SpawnId,
    path: PathId,
) -> bool {
    let flow = context.flow;
    let spawn = &flow.lowered.spawns[started.0 as usize];
    let unit = flow.units.get(observed.unit);
    let tree = context.file(unit.file).tree;
    let (event, start) = (
        tree.span(observed.event.node).start,
        tree.span(spawn.node).start,
    );
    if spawn.unit != observed.unit || event >= start {
        return false;
    }
    // The innermost loop in which both are.
    let around = tree
        .preorder(unit.body)
        .filter(|&below| matches!(tree.kind(below), NodeKind::ForStmt | NodeKind::RangeStmt))
        .map(|below| tree.span(below))
        .filter(|span| span.contains(event) && span.contains(start))
        .min_by_key(|span| span.len());
    around.is_some_and(|around| {
        let paths = flow.locks.paths();
        paths.mentions(path).iter().any(|&object| {
            let object = context.world().object(object);
            object.package == Some(context.package.package)
                && object.file as usize == unit.file
                && matches!(object.kind, ObjectKind::Variable(VariableKind::Local))
                && around.contains(object.offset)
        })
    })
}

/// The range of the innermost loop of a function around a node.
pub(crate) fn innermost_loop(context: &Context<'_>, unit: UnitId, node: NodeId) -> Option<Span> {
    let unit = context.flow.units.get(unit);
    let tree = context.file(unit.file).tree;
    let at = tree.span(node).start;
    let loops = tree.preorder(unit.body).filter(|&below| {
        matches!(tree.kind(below), NodeKind::ForStmt | NodeKind::RangeStmt)
            && tree.span(below).contains(at)
    });
    loops
        .map(|below| tree.span(below))
        .min_by_key(|span| span.len())
}

/// Whether the struct that a field belongs to has a mutex of package sync.
pub(crate) fn has_mutex(context: &Context<'_>, unit: UnitId) -> bool {
    let unit = context.flow.units.get(unit);
    let Some(receiver) = unit.receiver else {
        return false;
    };
    type_has_mutex(context, context.world().object_type(receiver))
}

/// Whether a type is a struct, or a pointer to one, with a mutex of package sync.
pub(crate) fn type_has_mutex(context: &Context<'_>, of: TypeId) -> bool {
    let world = context.world();
    if !of.is_known() {
        return false;
    }
    let (base, _) = world.deref(of);
    let Type::Struct(structure) = world.get(world.underlying(base)) else {
        return false;
    };
    structure.fields.iter().any(|&field| {
        let (base, _) = world.deref(world.object_type(field));
        world.as_named(world.unalias(base)).is_some_and(|named| {
            let object = world.object(named.object);
            let package = object
                .package
                .map_or("", |package| world.package(package).path.as_str());
            package == "sync" && matches!(object.name.as_str(), "Mutex" | "RWMutex")
        })
    })
}

/// The calls on the way to an effect, as steps.
pub(crate) fn call_steps(
    context: &Context<'_>,
    effect: &Effect,
    mut finding: Diagnostic,
    skip: usize,
) -> Diagnostic {
    for &(unit, call) in effect.calls.iter().skip(skip) {
        let file = context.flow.units.get(unit).file;
        finding = finding.step(context.path(file), context.span(file, call), "called here");
    }
    finding
}

/// What an access does, in words.
pub(crate) fn verb(kind: AccessKind) -> &'static str {
    match kind {
        AccessKind::Read => "read",
        AccessKind::Iterate => "iterated over",
        AccessKind::Write => "written",
        AccessKind::Delete => "deleted from",
        AccessKind::Clear => "cleared",
        AccessKind::Replace => "replaced",
        AccessKind::Count => "counted",
        AccessKind::Length => "measured",
    }
}

/// The calls that lead to a use of a map, and the use itself.
pub(crate) fn on_the_way(effect: &Effect) -> impl Iterator<Item = (UnitId, NodeId)> {
    let access = (effect.unit, effect.access.node);
    effect.calls.iter().copied().chain([access])
}

/// Whether somebody has waited for something before a use of a map on the way to it, not counting what the
/// function `but` has waited for.
pub(crate) fn waits_first(context: &Context<'_>, effect: &Effect, but: Option<UnitId>) -> bool {
    on_the_way(effect)
        .filter(|&(unit, _)| Some(unit) != but)
        .any(|(unit, node)| {
            let mut there = context.flow.observed_in(unit).iter();
            there.any(|observed| observed.event.node == node && has_joined(&observed.state))
        })
}

/// The channels that are held as locks at an effect. What starts the goroutine does not hold its own for it.
fn locked_by_channels(
    context: &Context<'_>,
    effect: &Effect,
    spawned: bool,
) -> FxHashSet<ObjectId> {
    let mutexes = context.channel_mutexes();
    let access = (effect.unit, effect.access.node);
    let way = effect.calls.iter().copied().skip(usize::from(spawned));
    way.chain([access])
        .flat_map(|(unit, node)| mutexes.held_at(context, unit, node))
        .collect()
}

/// Whether nothing can run beside the function any more, as far as it started it.
pub(crate) fn has_joined(state: &LockState) -> bool {
    state.joined && state.live.is_empty()
}
