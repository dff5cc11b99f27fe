//! Solves the states of all functions: first each for itself, callees before callers, to get
//! summaries; then with the states in which they are called.

mod block_states;
mod entries;
mod summaries;
mod transfer;

use std::cell::RefCell;
use std::rc::Rc;

use goward_types::{ObjectId, ObjectKind, TypeKind, TypedPackage, VariableKind};

use crate::event::{Event, EventKind, How};
use crate::graph::BlockId;
use crate::lower::Lowered;
use crate::path::{PathId, Paths, declared_in, is_package_variable};
use crate::solver::solve;
use crate::state::{Held, LockState, Mode, Nilness};
use crate::summary::{Effect, Summary};
use crate::unit::{UnitId, Units};

use block_states::BlockStates;
use summaries::root_nilness;
use transfer::UnitAnalysis;

/// States and summaries of all units of a package.
pub struct Locks {
    /// In the state in which each function is called.
    pub solutions: Vec<BlockStates>,
    summaries: RefCell<Vec<Summary>>,
    /// Units whose state at entry is that of all the places that run them, and no others.
    pub known_callers: Vec<bool>,
    paths: RefCell<Paths>,
}

struct Shared<'s, 'a> {
    package: &'s TypedPackage<'a>,
    units: &'s Units,
    lowered: &'s Lowered,
    paths: &'s RefCell<Paths>,
    summaries: &'s RefCell<Vec<Summary>>,
}

/// The last solution of each unit, with the state at entry that it is for. Most units are entered in
/// the same state in all that is asked of them: without locks.
type Solved = RefCell<Vec<Option<(LockState, Rc<BlockStates>)>>>;

impl<'s> Shared<'s, '_> {
    /// A path of `callee` in terms of its caller.
    fn translate(
        &self,
        path: PathId,
        callee: UnitId,
        bindings: &[(ObjectId, PathId)],
    ) -> Option<PathId> {
        translate(self.package, self.units, self.paths, path, callee, bindings)
    }

    fn translate_held(
        &self,
        held: &[(PathId, Held)],
        callee: UnitId,
        bindings: &[(ObjectId, PathId)],
        other_lock: &mut bool,
    ) -> Vec<(PathId, Held)> {
        let mut translated = Vec::new();
        for (path, held) in held {
            match self.translate(*path, callee, bindings) {
                Some(path) => translated.push((path, *held)),
                // A mutex that each call makes anew keeps no two calls apart.
                None if self.is_own_mutex(*path, held) => {}
                None => *other_lock |= held.mode >= Mode::Maybe,
            }
        }
        translated
    }

    /// Whether a lock is a mutex in a local variable that is declared without a value.
    fn is_own_mutex(&self, path: PathId, held: &Held) -> bool {
        let paths = self.paths.borrow();
        let Some(root) = paths.root(path) else {
            return false;
        };
        let world = self.package.world;
        let declared = self.lowered.variables.get(root);
        held.sync
            && paths.get(path).elements.is_empty()
            && world.object(root).kind == ObjectKind::Variable(VariableKind::Local)
            && world.underlying(world.object_type(root)).kind() == TypeKind::Struct
            && declared.is_some_and(|known| known.zero && known.values.is_empty() && !known.other)
    }

    /// The solution for a state at entry, as long as the summaries are those that it was made with.
    fn solved(&self, solved: &Solved, id: UnitId, entry: LockState) -> Rc<BlockStates> {
        if let Some((known, solution)) = &solved.borrow()[id.index()]
            && *known == entry
        {
            return Rc::clone(solution);
        }
        let solution = Rc::new(self.solve(id, entry.clone()));
        solved.borrow_mut()[id.index()] = Some((entry, Rc::clone(&solution)));
        solution
    }

    fn solve(&self, id: UnitId, entry: LockState) -> BlockStates {
        if self.lowered.units[id.index()].is_empty() {
            return BlockStates::uniform(&self.units.get(id).graph, entry);
        }
        let analysis = UnitAnalysis {
            shared: self,
            id,
            entry,
        };
        BlockStates::new(solve(&self.units.get(id).graph, &analysis))
    }

    /// Calls `visit` with each event and the state before it.
    fn replay(
        &self,
        id: UnitId,
        solution: &BlockStates,
        mut visit: impl FnMut(BlockId, &Event, &LockState),
    ) {
        let events = &self.lowered.units[id.index()];
        for (block, entry) in solution.blocks() {
            let mut state = entry.clone();
            for (_, event) in events.block(block) {
                visit(block, event, &state);
                self.transfer(id, &mut state, event);
            }
        }
    }
}

/// A path of `callee` in terms of its caller: parameters become what they stand for; package
/// variables and what a literal captures stay.
fn translate(
    package: &TypedPackage<'_>,
    units: &Units,
    paths: &RefCell<Paths>,
    path: PathId,
    callee: UnitId,
    bindings: &[(ObjectId, PathId)],
) -> Option<PathId> {
    let root = paths.borrow().root(path)?;
    if let Some(&(_, base)) = bindings.iter().find(|binding| binding.0 == root) {
        return paths.borrow_mut().rebase(path, base);
    }
    if is_package_variable(package.world, root) {
        return Some(path);
    }
    let unit = units.get(callee);
    let span = package.files[unit.file].tree.span(unit.node);
    let captured = unit.is_literal() && !declared_in(package, root, unit.file, span);
    captured.then_some(path)
}

impl Locks {
    /// Analyses a package.
    pub fn new(package: &TypedPackage<'_>, units: &Units, lowered: &mut Lowered) -> Locks {
        let paths = RefCell::new(std::mem::take(&mut lowered.paths));
        let count = units.list.len();
        let summaries = RefCell::new(vec![Summary::default(); count]);
        let (solutions, known_callers) = {
            let shared = Shared {
                package,
                units,
                lowered,
                paths: &paths,
                summaries: &summaries,
            };
            let solved = Solved::new(vec![None; count]);
            shared.summaries(&solved);
            let (entries, known) = shared.entries(&solved);
            let solutions: Vec<BlockStates> = entries
                .into_iter()
                .enumerate()
                .map(|(index, entry)| {
                    let solution = shared.solved(&solved, UnitId(index as u32), entry);
                    solved.borrow_mut()[index] = None;
                    Rc::unwrap_or_clone(solution)
                })
                .collect();
            (solutions, known)
        };
        Locks {
            solutions,
            summaries,
            known_callers,
            paths,
        }
    }

    fn shared<'s, 'a>(
        &'s self,
        package: &'s TypedPackage<'a>,
        units: &'s Units,
        lowered: &'s Lowered,
    ) -> Shared<'s, 'a> {
        Shared {
            package,
            units,
            lowered,
            paths: &self.paths,
            summaries: &self.summaries,
        }
    }

    /// What is known of the variable that a path starts at and goes on from.
    pub fn root_nilness(&self, state: &LockState, path: PathId) -> Option<Nilness> {
        root_nilness(&self.paths, state, path)
    }

    /// The state at the end of a block.
    pub fn at_end(
        &self,
        package: &TypedPackage<'_>,
        units: &Units,
        lowered: &Lowered,
        id: UnitId,
        block: BlockId,
    ) -> Option<LockState> {
        let solution = &self.solutions[id.index()];
        let mut state = solution.entry(block)?.clone();
        let shared = self.shared(package, units, lowered);
        for (_, event) in lowered.units[id.index()].block(block) {
            shared.transfer(id, &mut state, event);
        }
        solution.complete.then_some(state)
    }

    /// What a caller sees of a function.
    pub fn summary(&self, id: UnitId) -> std::cell::Ref<'_, Summary> {
        std::cell::Ref::map(self.summaries.borrow(), |all| &all[id.index()])
    }

    /// The map accesses that running `target` at `event` of `unit` brings, in terms of `unit`.
    pub fn effects(
        &self,
        flow: (&TypedPackage<'_>, &Units, &Lowered),
        unit: UnitId,
        event: &Event,
        state: &LockState,
    ) -> Vec<Effect> {
        let EventKind::Run {
            target,
            how,
            bindings,
        } = &event.kind
        else {
            return Vec::new();
        };
        let shared = self.shared(flow.0, flow.1, flow.2);
        let nothing = LockState::default();
        match how {
            How::Call => shared.effects_of_run(unit, event, *target, bindings, state, None),
            How::Once(path) => {
                shared.effects_of_run(unit, event, *target, bindings, state, Some(*path))
            }
            How::Spawn(_) => shared.effects_of_run(unit, event, *target, bindings, &nothing, None),
            How::Through { callee, parameter } => {
                let summaries = self.summaries.borrow();
                let calls = &summaries[callee.index()].parameter_calls;
                let mut runs = calls.iter().filter(|call| call.0 == *parameter).peekable();
                if runs.peek().is_none() {
                    return Vec::new();
                }
                let locked = runs.any(|call| !call.1.is_empty());
                drop(summaries);
                let mut effects =
                    shared.effects_of_run(unit, event, *target, bindings, state, None);
                for effect in &mut effects {
                    effect.other_lock |= locked;
                }
                effects
            }
            How::Unknown | How::Kept => Vec::new(),
        }
    }

    /// The paths of the package.
    pub fn paths(&self) -> std::cell::Ref<'_, Paths> {
        self.paths.borrow()
    }

    /// Calls `visit` with each event of a unit and the state before it, for blocks that can be
    /// reached. The block tells whether it belongs to a deferred call.
    pub fn replay(
        &self,
        package: &TypedPackage<'_>,
        units: &Units,
        lowered: &Lowered,
        id: UnitId,
        visit: impl FnMut(BlockId, &Event, &LockState),
    ) {
        let solution = &self.solutions[id.index()];
        if !solution.complete {
            return;
        }
        self.shared(package, units, lowered)
            .replay(id, solution, visit);
    }

    /// A path of `callee` in terms of its caller.
    pub fn translate(
        &self,
        package: &TypedPackage<'_>,
        units: &Units,
        path: PathId,
        callee: UnitId,
        bindings: &[(ObjectId, PathId)],
    ) -> Option<PathId> {
        translate(package, units, &self.paths, path, callee, bindings)
    }
}
