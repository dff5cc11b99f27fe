//! The deferred calls of each exit, as blocks of their own.
//!
//! A forward analysis finds the `defer` statements that may have been passed before each exit, in
//! the order of registration. Where paths differ a call is marked as maybe registered; where a
//! statement can be passed again (a loop) it stays at its place and is marked as repeated.

use goward_syntax::NodeId;
use rustc_hash::FxHashMap;

use crate::draft::Draft;
use crate::graph::{BlockId, DeferredCall, EdgeKind, ExitKind, Step};
use crate::solver::{Analysis, solve};

/// Beyond this many added blocks exits share their chains.
const MAX_BLOCKS: usize = 2_000;

struct Registration;

impl Analysis for Registration {
    type State = Vec<DeferredCall>;

    fn entry(&self) -> Self::State {
        Vec::new()
    }

    fn step(&self, state: &mut Self::State, _: BlockId, _: usize, step: Step) {
        if let Step::Register(statement) = step {
            match state.iter_mut().find(|call| call.statement == statement) {
                Some(call) => {
                    call.repeated = true;
                    call.maybe = false;
                }
                None => state.push(DeferredCall {
                    statement,
                    maybe: false,
                    repeated: false,
                }),
            }
        }
    }

    fn join(&self, into: &mut Self::State, from: &Self::State) -> bool {
        let before = into.clone();
        for call in into.iter_mut() {
            match from.iter().find(|other| other.statement == call.statement) {
                Some(other) => {
                    call.maybe |= other.maybe;
                    call.repeated |= other.repeated;
                }
                None => call.maybe = true,
            }
        }
        for (position, call) in from.iter().enumerate() {
            if into.iter().any(|known| known.statement == call.statement) {
                continue;
            }
            // Behind the call after which it is registered, so that both orders are kept.
            let behind = from[..position].iter().rev().find_map(|earlier| {
                into.iter()
                    .position(|known| known.statement == earlier.statement)
            });
            let call = DeferredCall {
                maybe: true,
                ..*call
            };
            into.insert(behind.map_or(0, |behind| behind + 1), call);
        }
        *into != before
    }
}

/// Adds the blocks of deferred calls between the exits of a graph and their terminals. `exits` so
/// far end in `from` blocks without successors.
pub(crate) fn expand(draft: &mut Draft) {
    let any = draft.blocks.iter().any(|block| {
        block
            .steps
            .iter()
            .any(|step| matches!(step, Step::Register(_)))
    });
    let solution = any.then(|| solve(&draft.graph(), &Registration));
    let mut added = 0;
    let mut shared: FxHashMap<(ExitKind, Vec<DeferredCall>), BlockId> = FxHashMap::default();
    for index in 0..draft.exits.len() {
        let exit = &draft.exits[index];
        let (from, kind) = (exit.from, exit.kind);
        let mut calls = Vec::new();
        if kind != ExitKind::ProcessExit
            && let Some(solution) = &solution
            && let Some(state) = &solution.entry[from.index()]
        {
            calls.clone_from(state);
            for (position, &step) in draft.block(from).steps.iter().enumerate() {
                Registration.step(&mut calls, from, position, step);
            }
            calls.reverse();
        }
        let blocks = calls.len() * 2 + 1;
        let (first, terminal) = if added + blocks > MAX_BLOCKS {
            draft.merged = true;
            match shared.get(&(kind, calls.clone())) {
                Some(&first) => (first, last_of(draft, first)),
                None => {
                    let (first, terminal) = chain(draft, &calls);
                    shared.insert((kind, calls.clone()), first);
                    (first, terminal)
                }
            }
        } else {
            added += blocks;
            chain(draft, &calls)
        };
        draft.edge(from, first, EdgeKind::Jump);
        let exit = &mut draft.exits[index];
        exit.terminal = terminal;
        exit.deferred = calls;
    }
}

/// The end of a chain that was made by [`chain`].
fn last_of(draft: &Draft, first: BlockId) -> BlockId {
    let mut last = first;
    while let Some(edge) = draft.block(last).successors.last() {
        last = edge.to;
    }
    last
}

/// Adds the blocks of `calls`, in the order in which they run, and a terminal block.
fn chain(draft: &mut Draft, calls: &[DeferredCall]) -> (BlockId, BlockId) {
    let mut add = |step: Option<NodeId>| {
        let steps = step.map(Step::RunDeferred).into_iter().collect();
        draft.add(steps)
    };
    let first = add(None);
    let mut current = first;
    let mut edges = Vec::new();
    for call in calls {
        let run = add(Some(call.statement));
        let after = add(None);
        let jump = EdgeKind::Jump;
        edges.push((current, run, jump));
        if call.repeated {
            edges.push((run, run, jump));
        }
        edges.push((run, after, jump));
        if call.maybe {
            edges.push((current, after, EdgeKind::NotRegistered(call.statement)));
        }
        current = after;
    }
    for (from, to, kind) in edges {
        draft.edge(from, to, kind);
    }
    (first, current)
}
