//! Everything that is computed of one package, once, for all rules.

use std::rc::Rc;
use std::sync::OnceLock;

use goward_syntax::{Expression, NodeId, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, TypedPackage, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calls::{Callee, callee};
use crate::channels::{AbandonedSend, LocalChannel, abandoned_sends, local_channels};
use crate::event::{Event, EventKind};
use crate::graph::{BlockId, Exit, Step};
use crate::launches::Launches;
use crate::locks::Locks;
use crate::lower::{Lowered, lower};
use crate::nilness::NilMaps;
use crate::path::PathId;
use crate::state::LockState;
use crate::summary::Effect;
use crate::unit::{UnitId, Units};

/// What rules look at.
pub struct PackageFlow<'a> {
    pub package: &'a TypedPackage<'a>,
    pub units: Units,
    nil_maps: OnceLock<NilMaps>,
    launches: OnceLock<Launches>,
    channels: OnceLock<Vec<LocalChannel>>,
    abandoned: OnceLock<Vec<AbandonedSend>>,
    pub lowered: Lowered,
    pub locks: Locks,
    /// Every event that rules ask about, with the state before it: locks, accesses, functions run.
    pub observed: Vec<Observed>,
    runs: OnceLock<FxHashMap<UnitId, Vec<u32>>>,
    spawned: OnceLock<FxHashSet<UnitId>>,
}

/// An event and what is known when it happens.
#[derive(Clone, Debug)]
pub struct Observed {
    pub unit: UnitId,
    pub event: Event,
    /// What is known before it. Events in a row mostly have one and the same.
    pub state: Rc<LockState>,
    /// The `defer` statement of this function whose call it belongs to.
    pub deferred: Option<NodeId>,
}

impl<'a> PackageFlow<'a> {
    /// Analyses a package.
    pub fn new(package: &'a TypedPackage<'a>) -> PackageFlow<'a> {
        let units = Units::new(package);
        let mut lowered = lower(package, &units);
        let locks = Locks::new(package, &units, &mut lowered);
        let mut flow = PackageFlow {
            package,
            units,
            nil_maps: OnceLock::new(),
            launches: OnceLock::new(),
            channels: OnceLock::new(),
            abandoned: OnceLock::new(),
            lowered,
            locks,
            observed: Vec::new(),
            runs: OnceLock::new(),
            spawned: OnceLock::new(),
        };
        let mut observed = Vec::new();
        let mut last = Rc::new(LockState::default());
        for (unit, _) in flow.units.iter() {
            flow.replay(unit, |block, event, state| {
                let kept = matches!(
                    event.kind,
                    EventKind::Lock { .. }
                        | EventKind::Unlock { .. }
                        | EventKind::Imported { .. }
                        | EventKind::Run { .. }
                        | EventKind::Access(_)
                        | EventKind::Set { .. }
                        | EventKind::ValueCall { .. }
                        | EventKind::Touch { .. }
                        | EventKind::Channel { .. }
                        | EventKind::Join
                );
                if kept {
                    if *last != *state {
                        last = Rc::new(state.clone());
                    }
                    observed.push(Observed {
                        unit,
                        event: event.clone(),
                        state: Rc::clone(&last),
                        deferred: flow.deferred(unit, block),
                    });
                }
            });
        }
        observed.shrink_to_fit();
        flow.observed = observed;
        flow
    }

    /// The part of [`PackageFlow::observed`] that belongs to a unit. Units are observed one after the
    /// other, so it is one piece; looking for it in the whole, for each unit, would be quadratic.
    pub fn observed_in(&self, unit: UnitId) -> &[Observed] {
        let start = self.observed.partition_point(|event| event.unit < unit);
        let rest = &self.observed[start..];
        &rest[..rest.partition_point(|event| event.unit == unit)]
    }

    /// The events that run a unit, in the order in which they were observed.
    pub fn runs_of(&self, target: UnitId) -> impl Iterator<Item = &Observed> {
        let runs = self.runs.get_or_init(|| {
            let mut runs: FxHashMap<UnitId, Vec<u32>> = FxHashMap::default();
            for (index, observed) in (0..).zip(&self.observed) {
                if let EventKind::Run { target, .. } = observed.event.kind {
                    runs.entry(target).or_default().push(index);
                }
            }
            runs
        });
        let indices = runs.get(&target).map_or(&[][..], Vec::as_slice);
        indices.iter().map(|&index| &self.observed[index as usize])
    }

    /// Whether some statement starts the unit as a goroutine of its own.
    pub fn is_spawned(&self, unit: UnitId) -> bool {
        let targets = || {
            self.lowered
                .spawns
                .iter()
                .map(|spawn| spawn.target)
                .collect()
        };
        self.spawned.get_or_init(targets).contains(&unit)
    }

    /// The map accesses that an event brings, in terms of its function: its own, or those of the
    /// function that it runs.
    pub fn effects(&self, observed: &Observed) -> Vec<Effect> {
        if let EventKind::Access(access) = observed.event.kind {
            return vec![Effect {
                access,
                unit: observed.unit,
                calls: Vec::new(),
                held: observed.state.held.clone(),
                other_lock: false,
                deferred: observed.deferred.is_some(),
                nilness: observed.state.nilness(access.path),
                root_nilness: self.locks.root_nilness(&observed.state, access.path),
            }];
        }
        let flow = (self.package, &self.units, &self.lowered);
        let mut effects = self
            .locks
            .effects(flow, observed.unit, &observed.event, &observed.state);
        for effect in &mut effects {
            effect.deferred |= observed.deferred.is_some();
        }
        effects
    }

    /// Whether a place belongs to an object that this function made and has given to nobody yet, as
    /// far as can be seen.
    pub fn is_fresh(&self, unit: UnitId, path: PathId, state: &LockState) -> bool {
        let Some(root) = self.locks.paths().root(path) else {
            return false;
        };
        state.live.is_empty() && self.is_fresh_variable(unit, root)
    }

    /// Whether a variable of this function holds only what the function has made itself.
    pub fn is_fresh_variable(&self, unit: UnitId, root: ObjectId) -> bool {
        let world = self.package.world;
        if world.object(root).kind != ObjectKind::Variable(VariableKind::Local) {
            return false;
        }
        let declared = self.units.get(unit);
        let span = self.package.files[declared.file].tree.span(declared.node);
        let own = crate::path::declared_in(self.package, root, declared.file, span);
        let Some(definitions) = self.lowered.variables.get(root) else {
            return false;
        };
        let made = definitions.values.iter().all(|&(file, value)| {
            let file = &self.package.files[file];
            let mut value = crate::calls::unparenthesized(file, value);
            if let Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } = file.tree.expression(value)
            {
                value = crate::calls::unparenthesized(file, operand);
            }
            match file.tree.expression(value) {
                Expression::CompositeLiteral { .. } => true,
                Expression::Call { function, .. } => match callee(world, file, function) {
                    Callee::Builtin(name) => matches!(name, "new" | "make"),
                    Callee::Function(object) => {
                        let name = world.object(object).name.as_str().to_ascii_lowercase();
                        ["new", "make", "clone", "copy", "create"]
                            .iter()
                            .any(|prefix| name.starts_with(prefix))
                    }
                    _ => false,
                },
                _ => false,
            }
        });
        own && made && !definitions.other && (definitions.zero || !definitions.values.is_empty())
    }

    /// Whether a variable is declared inside of a function.
    pub fn declared_inside(&self, object: ObjectId, unit: UnitId) -> bool {
        let unit = self.units.get(unit);
        let span = self.package.files[unit.file].tree.span(unit.node);
        crate::path::declared_in(self.package, object, unit.file, span)
    }

    /// Whether a function has the parameters of an HTTP handler.
    pub fn is_handler(&self, unit: UnitId) -> bool {
        let unit = self.units.get(unit);
        crate::lower::is_handler(self.package.world, &self.package.files[unit.file], unit)
    }

    /// Calls `visit` with each event of a unit and the state before it, for what control can reach.
    pub fn replay(&self, unit: UnitId, visit: impl FnMut(BlockId, &Event, &LockState)) {
        self.locks
            .replay(self.package, &self.units, &self.lowered, unit, visit);
    }

    /// The state at the end of a block, if control can reach it.
    pub fn at_end(&self, unit: UnitId, block: BlockId) -> Option<LockState> {
        self.locks
            .at_end(self.package, &self.units, &self.lowered, unit, block)
    }

    /// The state in which an exit leaves its function, after its deferred calls.
    pub fn at_exit(&self, unit: UnitId, exit: &Exit) -> Option<&LockState> {
        let solution = &self.locks.solutions[unit.index()];
        solution.entry(exit.terminal).filter(|_| solution.complete)
    }

    /// The `defer` statement whose call a block runs.
    pub fn deferred(&self, unit: UnitId, block: BlockId) -> Option<NodeId> {
        let steps = &self.units.get(unit).graph.block(block).steps;
        steps.iter().find_map(|step| match step {
            Step::RunDeferred(statement) => Some(*statement),
            _ => None,
        })
    }

    /// A path of `callee` in terms of its caller.
    pub fn translate(
        &self,
        path: PathId,
        callee: UnitId,
        bindings: &[(ObjectId, PathId)],
    ) -> Option<PathId> {
        self.locks
            .translate(self.package, &self.units, path, callee, bindings)
    }

    /// A path in the words of Go.
    pub fn text(&self, path: PathId) -> String {
        self.locks.paths().text(self.package.world, path)
    }

    /// Writes to nil maps, found when first asked for.
    pub fn nil_maps(&self) -> &NilMaps {
        self.nil_maps
            .get_or_init(|| NilMaps::new(self.package, &self.units, &self.lowered.variables))
    }

    /// Where functions are started, found when first asked for.
    pub fn launches(&self) -> &Launches {
        self.launches
            .get_or_init(|| Launches::new(self.package, &self.units, &self.lowered.variables))
    }

    /// The channels that functions make and keep in local variables.
    pub fn local_channels(&self) -> &[LocalChannel] {
        self.channels
            .get_or_init(|| local_channels(self.package, &self.units, &self.lowered.variables))
    }

    /// Channels on which goroutines are left behind.
    pub fn abandoned_sends(&self) -> &[AbandonedSend] {
        self.abandoned.get_or_init(|| {
            abandoned_sends(
                self.package,
                &self.units,
                self.launches(),
                self.local_channels(),
            )
        })
    }
}
