//! Which mutex guards which map: the uses of a field vote, each with the locks that are held then.
//!
//! A use is guarded by a mutex of the same object (or of the package). It does not vote where the
//! object is new and nobody else has it, where a comment says that the caller holds the lock, where
//! the mutex of some other object of the same type is held, and where nobody knows. The mutex with
//! the most votes is the guard, if it holds at a write and at half of the uses or functions.

use goward_flow::{AccessKind, EventKind, How, Mode, Observed, PathId, UnitId};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, ObjectKind, Type, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Context;

/// A use of a map field or package variable.
#[derive(Clone)]
pub(crate) struct FieldUse {
    pub(crate) unit: UnitId,
    pub(crate) node: NodeId,
    pub(crate) path: PathId,
    pub(crate) kind: AccessKind,
    /// Through a local variable that holds the map.
    pub(crate) alias: bool,
    /// Locks that are held and belong to the object of the field, or to the package.
    pub(crate) own: Vec<(ObjectId, PathId)>,
    /// Mutexes that are held and belong to something else.
    pub(crate) other: Vec<ObjectId>,
    /// Mutexes that may be held.
    pub(crate) maybe: Vec<ObjectId>,
    /// The object is new and nobody else has it.
    pub(crate) fresh: bool,
    /// It happens in a deferred call.
    pub(crate) deferred: bool,
}

/// The guard of a field, and who does not hold it.
pub(crate) struct Vote {
    pub(crate) field: ObjectId,
    pub(crate) guard: ObjectId,
    pub(crate) guarded: Vec<FieldUse>,
    pub(crate) unguarded: Vec<FieldUse>,
    /// Uses that do not vote, by whoever.
    pub(crate) neutral: Vec<FieldUse>,
}

/// The uses of all map fields and map variables of a package, without its tests.
pub(crate) struct FieldUses {
    pub(crate) of_field: Vec<(ObjectId, Vec<FieldUse>)>,
    /// Where only their lengths are read: those have no vote.
    pub(crate) lengths: Vec<(ObjectId, Vec<FieldUse>)>,
    /// The uses of fields whose comment names their mutex, of any type.
    pub(crate) annotated: Vec<(ObjectId, Vec<FieldUse>)>,
    /// Calls of declared functions: the caller, the call, and the locks held then.
    calls: FxHashMap<UnitId, Vec<usize>>,
    /// Parameters and receivers that are new objects in every call.
    fresh_parameters: FxHashSet<ObjectId>,
    /// Function literals that are kept in a field, with the mutexes that are held whenever the
    /// field is called.
    kept: FxHashMap<UnitId, Vec<ObjectId>>,
    /// Pointers to mutexes that are set from one mutex field only: they are that mutex.
    stands_for: FxHashMap<ObjectId, ObjectId>,
}

/// What the calls of a function in its package say of a lock.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// There are none that concern a shared object.
    None,
    /// No call holds it.
    NotHeld,
    /// Some call holds it, or may.
    Held,
}

/// A share of the functions or of the uses that makes a guard.
const SHARE: f64 = 0.5;

impl FieldUses {
    pub(crate) fn new(context: &Context<'_>) -> FieldUses {
        let mut uses = FieldUses {
            of_field: Vec::new(),
            lengths: Vec::new(),
            annotated: Vec::new(),
            calls: FxHashMap::default(),
            fresh_parameters: FxHashSet::default(),
            kept: kept_literals(context),
            stands_for: mutex_pointers(context),
        };
        for (index, observed) in context.flow.observed.iter().enumerate() {
            if let EventKind::Run {
                target,
                how: How::Call | How::Once(_),
                ..
            } = observed.event.kind
            {
                uses.calls.entry(target).or_default().push(index);
            }
        }
        uses.find_fresh_parameters(context);
        let (mut maps, mut annotated) = (Vec::new(), Vec::new());
        for observed in &context.flow.observed {
            if !context
                .file(context.flow.units.get(observed.unit).file)
                .test
            {
                maps.extend(uses.uses_of(context, observed));
                annotated.extend(uses.touch(context, observed));
            }
        }
        let (lengths, maps) = maps
            .into_iter()
            .partition(|entry: &FieldUse| entry.kind == AccessKind::Length);
        uses.of_field = by_field(context, maps);
        uses.lengths = by_field(context, lengths);
        uses.annotated = by_field(context, annotated);
        uses
    }

    /// The uses that an event brings: its own, and those of a function that is given the map itself.
    fn uses_of(&self, context: &Context<'_>, observed: &Observed) -> Vec<FieldUse> {
        let flow = context.flow;
        let mut found = Vec::new();
        match &observed.event.kind {
            EventKind::Access(access) if access.kind != AccessKind::Count => {
                found.push((access.path, access.kind, access.alias));
            }
            EventKind::Run {
                target,
                how: How::Call,
                bindings,
            } if !flow.units.get(*target).is_literal() => {
                for effect in &flow.locks.summary(*target).effects {
                    let path = effect.access.path;
                    if matches!(effect.access.kind, AccessKind::Count | AccessKind::Length)
                        || !flow.locks.paths().get(path).elements.is_empty()
                    {
                        continue;
                    }
                    if let Some(path) = flow.translate(path, *target, bindings)
                        && !found.iter().any(|other| other.0 == path)
                        && effect.held.is_empty()
                    {
                        let kind = effect.access.kind;
                        if kind != AccessKind::Replace {
                            found.push((path, kind, false));
                        }
                    }
                }
            }
            _ => {}
        }
        let mut uses = Vec::new();
        for (path, kind, alias) in found {
            let Some(field) = flow.locks.paths().last_field(path) else {
                continue;
            };
            if !is_shared(context, field) {
                continue;
            }
            let locks = self.locks_at(context, observed, path);
            uses.push(FieldUse {
                unit: observed.unit,
                node: observed.event.node,
                path,
                kind,
                alias,
                own: locks.0,
                other: locks.1,
                maybe: locks.2,
                fresh: self.is_fresh(context, observed, path, field),
                deferred: observed.deferred.is_some(),
            });
        }
        uses
    }

    /// Locks at an event, as far as they concern a place: those of its object, those of others, and
    /// those that may be held.
    fn locks_at(
        &self,
        context: &Context<'_>,
        observed: &Observed,
        path: PathId,
    ) -> (Vec<(ObjectId, PathId)>, Vec<ObjectId>, Vec<ObjectId>) {
        let paths = context.flow.locks.paths();
        let package_level = |path: PathId| {
            paths
                .root(path)
                .is_some_and(|root| context.world().object(root).is_package_level())
        };
        let variable = paths.get(path).elements.is_empty();
        let (mut own, mut other, mut maybe) = (Vec::new(), Vec::new(), Vec::new());
        for &(lock, held) in &observed.state.held {
            let Some(mutex) = paths.last_field(lock) else {
                continue;
            };
            let mutex = self.stands_for.get(&mutex).copied().unwrap_or(mutex);
            match held.mode {
                Mode::Released => {}
                Mode::Maybe => maybe.push(mutex),
                // `once.Do` is no lock: those who come later go on beside each other.
                Mode::Read | Mode::Write if is_once(context, mutex) => maybe.push(mutex),
                Mode::Read | Mode::Write => {
                    if paths.owner_leads_to(lock, path) || package_level(lock) || variable {
                        own.push((mutex, lock));
                    } else {
                        other.push(mutex);
                    }
                }
            }
        }
        (own, other, maybe)
    }

    /// The use of a field whose comment names its mutex.
    fn touch(&self, context: &Context<'_>, observed: &Observed) -> Option<FieldUse> {
        let EventKind::Touch { path } = observed.event.kind else {
            return None;
        };
        let field = context.flow.locks.paths().last_field(path)?;
        let (own, other, maybe) = self.locks_at(context, observed, path);
        Some(FieldUse {
            unit: observed.unit,
            node: observed.event.node,
            path,
            kind: AccessKind::Replace,
            alias: false,
            own,
            other,
            maybe,
            fresh: self.is_fresh(context, observed, path, field),
            deferred: observed.deferred.is_some(),
        })
    }

    fn is_fresh(
        &self,
        context: &Context<'_>,
        observed: &Observed,
        path: PathId,
        field: ObjectId,
    ) -> bool {
        let flow = context.flow;
        let Some(root) = flow.locks.paths().root(path) else {
            return false;
        };
        // What a new object points to need not be new.
        let own_field = flow.locks.paths().get(path).elements.len() <= 2;
        if !own_field {
            return false;
        }
        if self.fresh_parameters.contains(&root) {
            return true;
        }
        flow.is_fresh(observed.unit, path, &observed.state)
            && !self.is_taken_over(context, root, field)
    }

    /// Whether a new object gets the map of another one: `&T{m: other.m}`.
    fn is_taken_over(&self, context: &Context<'_>, root: ObjectId, field: ObjectId) -> bool {
        let Some(definitions) = context.flow.lowered.variables.get(root) else {
            return false;
        };
        definitions.values.iter().any(|&(index, value)| {
            let file = context.file(index);
            file.tree.preorder(value).any(|node| {
                let Expression::KeyValue { key, value } = file.tree.expression(node) else {
                    return false;
                };
                file.facts.object_of(key) == Some(field)
                    && matches!(file.tree.expression(value), Expression::Selector { .. })
            })
        })
    }

    /// The greatest set of parameters that stand for new objects at all calls.
    fn find_fresh_parameters(&mut self, context: &Context<'_>) {
        let flow = context.flow;
        let mut run_otherwise: FxHashSet<UnitId> = FxHashSet::default();
        for observed in &flow.observed {
            if let EventKind::Run { target, how, .. } = &observed.event.kind
                && !matches!(how, How::Call | How::Once(_))
            {
                run_otherwise.insert(*target);
            }
        }
        for (id, unit) in flow.units.iter() {
            if flow.locks.known_callers[id.index()]
                && !run_otherwise.contains(&id)
                && self.calls.contains_key(&id)
            {
                let parameters = unit.receiver.into_iter();
                self.fresh_parameters
                    .extend(parameters.chain(unit.parameters.iter().flatten().copied()));
            }
        }
        loop {
            let mut lost = Vec::new();
            for (target, unit) in flow.units.iter() {
                let Some(calls) = self.calls.get(&target) else {
                    continue;
                };
                let all = unit.receiver.iter().chain(unit.parameters.iter().flatten());
                for parameter in all {
                    let fresh = self.fresh_parameters.contains(parameter)
                        && calls
                            .iter()
                            .all(|&call| self.given_fresh(context, call, *parameter));
                    if !fresh && self.fresh_parameters.contains(parameter) {
                        lost.push(*parameter);
                    }
                }
            }
            if lost.is_empty() {
                break;
            }
            for parameter in lost {
                self.fresh_parameters.remove(&parameter);
            }
        }
    }

    fn given_fresh(&self, context: &Context<'_>, call: usize, parameter: ObjectId) -> bool {
        let observed = &context.flow.observed[call];
        let EventKind::Run { bindings, .. } = &observed.event.kind else {
            return false;
        };
        let Some(&(_, path)) = bindings.iter().find(|binding| binding.0 == parameter) else {
            return false;
        };
        let paths = context.flow.locks.paths();
        let root = paths.root(path);
        let whole = paths.get(path).elements.is_empty();
        drop(paths);
        whole
            && (root.is_some_and(|root| self.fresh_parameters.contains(&root))
                || context.flow.is_fresh(observed.unit, path, &observed.state))
    }

    /// Calls of a function that may concern shared objects.
    pub(crate) fn calls<'c, 'a>(
        &self,
        context: &'c Context<'a>,
        target: UnitId,
    ) -> impl Iterator<Item = &'c Observed> + use<'_, 'c, 'a> {
        let calls = self.calls.get(&target);
        calls
            .into_iter()
            .flatten()
            .map(|&index| &context.flow.observed[index])
    }

    /// Whether those who call a function hold a mutex: its callers, and theirs in turn.
    pub(crate) fn held_at_calls(
        &self,
        context: &Context<'_>,
        vote: &Vote,
        entry: &FieldUse,
    ) -> Calls {
        let flow = context.flow;
        let mut calls = Calls::None;
        let first = flow.units.outermost(entry.unit);
        let mut pending = vec![first];
        let mut seen: FxHashSet<UnitId> = FxHashSet::default();
        while let Some(unit) = pending.pop() {
            if !seen.insert(unit) {
                continue;
            }
            for call in self.calls(context, unit) {
                let caller = flow.units.outermost(call.unit);
                if context.file(flow.units.get(caller).file).test {
                    continue;
                }
                let paths = flow.locks.paths();
                let held = call.state.held.iter().any(|(lock, held)| {
                    held.mode >= Mode::Maybe && paths.last_field(*lock) == Some(vote.guard)
                });
                drop(paths);
                // What gives the lock back without having taken it has it from somebody.
                let hands_back = gives_back_only(context, call.unit, vote.guard);
                if held || hands_back || says_callers_lock(context, caller) {
                    return Calls::Held;
                }
                pending.push(caller);
                if unit == first && !self.is_given_fresh(context, call, entry, vote) {
                    calls = Calls::NotHeld;
                }
            }
        }
        calls
    }

    /// Whether a call is about a new object.
    fn is_given_fresh(
        &self,
        context: &Context<'_>,
        call: &Observed,
        entry: &FieldUse,
        vote: &Vote,
    ) -> bool {
        let EventKind::Run {
            target,
            ref bindings,
            ..
        } = call.event.kind
        else {
            return false;
        };
        context
            .flow
            .translate(entry.path, target, bindings)
            .is_none_or(|path| self.is_fresh(context, call, path, vote.field))
    }

    /// Whether no goroutine that the package starts, and no handler, leads to a use.
    pub(crate) fn is_quiet(&self, context: &Context<'_>, entry: &FieldUse) -> bool {
        let sharing = context.sharing();
        context.flow.units.chain(entry.unit).all(|unit| {
            !sharing.concurrent.contains_key(&unit) && !sharing.handlers.contains_key(&unit)
        })
    }

    /// The votes of one field: none if no mutex guards it.
    pub(crate) fn vote(
        &self,
        context: &Context<'_>,
        field: ObjectId,
        uses: &[FieldUse],
    ) -> Option<Vote> {
        let live_write = uses.iter().any(|entry| {
            entry.kind.changes()
                && !entry.fresh
                && (!entry.own.is_empty() || !is_setup(context, entry.unit))
        });
        if !live_write {
            return None;
        }
        let mut guards: Vec<ObjectId> = Vec::new();
        for entry in uses.iter().filter(|entry| !entry.fresh) {
            for (mutex, _) in &entry.own {
                if !guards.contains(mutex) {
                    guards.push(*mutex);
                }
            }
        }
        let mut best: Option<((usize, usize), Vote)> = None;
        for guard in guards {
            let vote = self.count(context, field, guard, uses);
            let weight = (functions(&vote.guarded), vote.guarded.len());
            if best.as_ref().is_none_or(|known| known.0 < weight) {
                best = Some((weight, vote));
            }
        }
        let (_, vote) = best?;
        let guarded_write = vote.guarded.iter().any(|entry| entry.kind.changes());
        if !guarded_write {
            return None;
        }
        // Where a struct is a mutex and a map, there is nothing else for the mutex to guard.
        if is_mutex_and_map(context, &vote) {
            return Some(vote);
        }
        let share = |some: usize, others: usize| some as f64 / (some + others).max(1) as f64;
        let mut everybody = vote.guarded.clone();
        everybody.extend(vote.unguarded.iter().cloned());
        let all = functions(&everybody);
        let of_functions = functions(&vote.guarded) as f64 / all.max(1) as f64;
        let of_uses = share(vote.guarded.len(), vote.unguarded.len());
        (of_functions.max(of_uses) >= SHARE).then_some(vote)
    }

    /// Who holds `guard` and who does not.
    pub(crate) fn count(
        &self,
        context: &Context<'_>,
        field: ObjectId,
        guard: ObjectId,
        uses: &[FieldUse],
    ) -> Vote {
        let mut vote = Vote {
            field,
            guard,
            guarded: Vec::new(),
            unguarded: Vec::new(),
            neutral: Vec::new(),
        };
        for entry in uses {
            let by_others = entry.other.contains(&guard) || entry.maybe.contains(&guard);
            if entry.own.iter().any(|lock| lock.0 == guard) && !entry.fresh {
                vote.guarded.push(entry.clone());
            } else if entry.fresh || by_others {
                vote.neutral.push(entry.clone());
            } else {
                self.unheld(context, guard, entry, &mut vote);
            }
        }
        vote
    }

    /// A use without the guard: it may be the callers who should hold it.
    fn unheld(&self, context: &Context<'_>, guard: ObjectId, entry: &FieldUse, vote: &mut Vote) {
        let flow = context.flow;
        let mut around = flow.units.chain(entry.unit);
        if around.any(|unit| {
            self.kept
                .get(&unit)
                .is_some_and(|held| held.contains(&guard))
        }) {
            vote.neutral.push(entry.clone());
            return;
        }
        let outermost = flow.units.outermost(entry.unit);
        let unit = flow.units.get(outermost);
        let mut with = 0;
        let mut without: Vec<FieldUse> = Vec::new();
        for call in self.calls(context, outermost) {
            if context.file(flow.units.get(call.unit).file).test {
                continue;
            }
            let EventKind::Run { bindings, .. } = &call.event.kind else {
                continue;
            };
            let Some(path) = flow.translate(entry.path, outermost, bindings) else {
                continue;
            };
            let (own, other, maybe) = self.locks_at(context, call, path);
            let fresh = self.is_fresh(context, call, path, vote.field);
            if fresh || maybe.contains(&guard) {
                continue;
            }
            if own.iter().any(|lock| lock.0 == guard) || other.contains(&guard) {
                with += 1;
                continue;
            }
            without.push(FieldUse {
                unit: call.unit,
                node: call.event.node,
                path,
                own,
                other,
                maybe,
                fresh,
                ..entry.clone()
            });
        }
        let documented = says_callers_lock(context, outermost);
        let unexported = unit
            .object
            .is_some_and(|object| !context.world().object(object).is_exported());
        if unexported && with > 0 {
            vote.neutral.push(entry.clone());
            if with < without.len() {
                return;
            }
            for caller in without {
                let unit = flow.units.outermost(caller.unit);
                match says_callers_lock(context, unit) {
                    true => vote.neutral.push(caller),
                    false => vote.unguarded.push(caller),
                }
            }
        } else if documented && (with > 0 || without.is_empty()) {
            vote.neutral.push(entry.clone());
        } else {
            vote.unguarded.push(entry.clone());
        }
    }
}

/// Whether a function unlocks a mutex that it does not lock.
fn gives_back_only(context: &Context<'_>, unit: UnitId, mutex: ObjectId) -> bool {
    let flow = context.flow;
    let paths = flow.locks.paths();
    let (mut locks, mut unlocks) = (false, false);
    for observed in flow.observed_in(unit) {
        match observed.event.kind {
            EventKind::Lock { path, .. } => locks |= paths.last_field(path) == Some(mutex),
            EventKind::Unlock { path, .. } => unlocks |= paths.last_field(path) == Some(mutex),
            _ => {}
        }
    }
    unlocks && !locks
}

/// Whether the struct that holds the field has but one more field, the guard.
fn is_mutex_and_map(context: &Context<'_>, vote: &Vote) -> bool {
    let world = context.world();
    vote.guarded.iter().any(|entry| {
        let root = context.flow.locks.paths().root(entry.path);
        let Some(root) = root else { return false };
        let (base, _) = world.deref(world.object_type(root));
        let Type::Struct(structure) = world.get(world.underlying(base)) else {
            return false;
        };
        let fields: Vec<ObjectId> = structure
            .fields
            .iter()
            .map(|&field| goward_flow::origin(world, field))
            .collect();
        fields.len() == 2 && fields.contains(&vote.field) && fields.contains(&vote.guard)
    })
}

/// Whether a variable is a `sync.Once`.
fn is_once(context: &Context<'_>, object: ObjectId) -> bool {
    let world = context.world();
    goward_flow::named_behind(world, world.object_type(object))
        .is_some_and(|named| world.object(named).name.as_str() == "Once")
}

/// Function literals that are the value of a field, and the mutexes held at all calls of that field.
fn kept_literals(context: &Context<'_>) -> FxHashMap<UnitId, Vec<ObjectId>> {
    let flow = context.flow;
    let mut held_at_calls: FxHashMap<ObjectId, Vec<ObjectId>> = FxHashMap::default();
    for observed in &flow.observed {
        let EventKind::ValueCall { object } = observed.event.kind else {
            continue;
        };
        if context.file(flow.units.get(observed.unit).file).test {
            continue;
        }
        let paths = flow.locks.paths();
        let held: Vec<ObjectId> = observed
            .state
            .locks()
            .filter_map(|lock| paths.last_field(lock.0))
            .collect();
        held_at_calls
            .entry(object)
            .and_modify(|known| known.retain(|mutex| held.contains(mutex)))
            .or_insert(held);
    }
    let mut kept = FxHashMap::default();
    if held_at_calls.is_empty() {
        return kept;
    }
    for (index, file) in context.package.files.iter().enumerate() {
        let tree = file.tree;
        let mut keep = |place: NodeId, value: NodeId| {
            let field = file
                .facts
                .object_of(place)
                .map(|field| goward_flow::origin(context.world(), field));
            if let Some(literal) = flow.units.of_literal(index, value)
                && let Some(held) = field.and_then(|field| held_at_calls.get(&field))
            {
                kept.insert(literal, held.clone());
            }
        };
        for &declaration in tree.declarations() {
            for node in tree.preorder(declaration) {
                match tree.kind(node) {
                    NodeKind::KeyValueExpr => {
                        if let Expression::KeyValue { key, value } = tree.expression(node) {
                            keep(key, value);
                        }
                    }
                    NodeKind::AssignStmt => {
                        if let Statement::Assign { left, right, .. } = tree.statement(node)
                            && left.len() == right.len()
                        {
                            for (&place, &value) in left.iter().zip(right) {
                                if let Expression::Selector { name, .. } = tree.expression(place) {
                                    keep(name, value);
                                }
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    kept
}

/// Fields of pointer type that are set from the address, or the pointer, of one mutex field only.
fn mutex_pointers(context: &Context<'_>) -> FxHashMap<ObjectId, ObjectId> {
    let world = context.world();
    let mut pointers: FxHashMap<ObjectId, Option<ObjectId>> = FxHashMap::default();
    let is_mutex = |object: ObjectId| {
        goward_flow::named_behind(world, world.object_type(object))
            .is_some_and(|named| matches!(world.object(named).name.as_str(), "Mutex" | "RWMutex"))
    };
    for file in &context.package.files {
        let tree = file.tree;
        for &declaration in tree.declarations() {
            for node in tree.preorder(declaration) {
                let Expression::KeyValue { key, value } = tree.expression(node) else {
                    continue;
                };
                let Some(field) = file.facts.object_of(key) else {
                    continue;
                };
                let field = goward_flow::origin(world, field);
                if !world.object(field).is_field()
                    || !world.deref(world.object_type(field)).1
                    || !is_mutex(field)
                {
                    continue;
                }
                let value = match tree.expression(value) {
                    Expression::Unary { operand, .. } => operand,
                    _ => value,
                };
                let from = match tree.expression(value) {
                    Expression::Selector { name, .. } => file.facts.object_of(name),
                    _ => None,
                };
                let from = from
                    .map(|from| goward_flow::origin(world, from))
                    .filter(|&from| from != field && is_mutex(from));
                pointers
                    .entry(field)
                    .and_modify(|known| *known = known.filter(|&known| Some(known) == from))
                    .or_insert(from);
            }
        }
    }
    let sure = pointers.into_iter();
    sure.filter_map(|(field, from)| Some((field, from?)))
        .collect()
}

/// Uses in the order of their fields' first ones.
fn by_field(context: &Context<'_>, uses: Vec<FieldUse>) -> Vec<(ObjectId, Vec<FieldUse>)> {
    let mut fields: Vec<(ObjectId, Vec<FieldUse>)> = Vec::new();
    let mut positions: FxHashMap<ObjectId, usize> = FxHashMap::default();
    for found in uses {
        let Some(field) = context.flow.locks.paths().last_field(found.path) else {
            continue;
        };
        let position = *positions.entry(field).or_insert_with(|| {
            fields.push((field, Vec::new()));
            fields.len() - 1
        });
        fields[position].1.push(found);
    }
    for (_, uses) in &mut fields {
        merge(uses);
    }
    fields
}

/// The same use at several exits of a function counts once, with the locks that are held at all.
fn merge(uses: &mut Vec<FieldUse>) {
    let mut merged: Vec<FieldUse> = Vec::new();
    let mut known: FxHashMap<(UnitId, NodeId, PathId), usize> = FxHashMap::default();
    for entry in uses.drain(..) {
        match known.get(&(entry.unit, entry.node, entry.path)) {
            Some(&index) => {
                let into = &mut merged[index];
                if entry.kind.changes() && !into.kind.changes() {
                    into.kind = entry.kind;
                }
                into.own
                    .retain(|lock| entry.own.iter().any(|other| other.0 == lock.0));
                into.fresh &= entry.fresh;
            }
            None => {
                known.insert((entry.unit, entry.node, entry.path), merged.len());
                merged.push(entry);
            }
        }
    }
    *uses = merged;
}

/// The number of functions in which uses are.
fn functions(uses: &[FieldUse]) -> usize {
    let units: FxHashSet<UnitId> = uses.iter().map(|entry| entry.unit).collect();
    units.len()
}

fn is_shared(context: &Context<'_>, object: ObjectId) -> bool {
    matches!(
        context.world().object(object).kind,
        ObjectKind::Variable(VariableKind::Field | VariableKind::Package)
    )
}

/// Whether a function sets things up, by its name: what it writes is written before others come.
pub(crate) fn is_setup(context: &Context<'_>, unit: UnitId) -> bool {
    let outermost = context.flow.units.outermost(unit);
    let name = context.function(outermost);
    let name = name.rsplit('.').next().unwrap_or_default();
    let name = name.to_ascii_lowercase();
    name == "main"
        || [
            "init",
            "provision",
            "start",
            "setup",
            "open",
            "load",
            "reset",
            "restore",
            "configure",
            "new",
            "create",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Whether name or comment of a function say that its callers hold a lock.
pub(crate) fn says_callers_lock(context: &Context<'_>, unit: UnitId) -> bool {
    let declared = context.flow.units.get(unit);
    let name = declared.name.to_ascii_lowercase();
    let own = name.rsplit('.').next().unwrap_or_default();
    if own.starts_with("unsafe") {
        return true;
    }
    if [
        "locked",
        "nolock",
        "unlocked",
        "unsafe",
        "withoutlock",
        "nolocks",
    ]
    .iter()
    .any(|suffix| name.ends_with(suffix))
    {
        return true;
    }
    let doc = context
        .documentation(declared.file, declared.node)
        .to_lowercase();
    (speaks_of_locks(&doc) || doc.contains("concurren"))
        && [
            "held",
            "hold",
            "must",
            "caller",
            "protected",
            "acquired",
            "assum",
            "not thread",
            "not safe",
        ]
        .iter()
        .any(|word| doc.contains(word))
}

/// Whether a comment speaks of locks, and not of blocks.
pub(crate) fn speaks_of_locks(doc: &str) -> bool {
    doc.split(|character: char| !character.is_alphanumeric())
        .any(|word| {
            word.contains("mutex")
                || word.contains("mtx")
                || word == "mu"
                || word.contains("lock") && !word.contains("block") && !word.contains("clock")
        })
}
