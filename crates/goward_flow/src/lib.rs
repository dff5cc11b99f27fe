//! What happens in which order: control flow with `defer`, `panic` and `recover` explicit, and the
//! facts about locks, maps and goroutines that are computed on top of it.
//!
//! # How it works
//!
//! A checked package ([`goward_types::TypedPackage`]) goes in. Every declared function and every
//! function literal is a [`Unit`] with a [`ControlFlowGraph`] of its own: basic blocks of [`Step`]s
//! in evaluation order, joined by [`Edge`]s that say under which condition they are taken. A
//! `return`, the end of a body, a panic and `runtime.Goexit` are each an [`Exit`]; between it and
//! its terminal block stand the deferred calls that may have been registered on the way, last in
//! first out, as blocks of their own, so that an analysis meets them with the state of the moment
//! in which they *run*. [`solve`] runs any forward analysis over a graph.
//!
//! # What is absent
//!
//! Panics that a run-time error or a called function may raise are no edges: nearly every step
//! could have one, and a fact that has to hold over them all says nothing. Only `panic(…)` itself
//! is an exit. Bodies of other packages are not looked at. Nothing here reports anything: rules do.

mod bodies;
mod build;
mod calls;
mod channels;
mod deferred;
mod draft;
mod event;
mod flags;
mod graph;
mod launches;
mod locks;
mod lower;
mod nilness;
mod package;
mod path;
mod solver;
mod state;
mod summary;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod unit;
mod written_guards;

pub use goward_types::NoReturn;

pub use calls::{Callee, callee, no_return, origin, unparenthesized};
pub use channels::{AbandonedSend, ChannelUse, LocalChannel, Sends, UseKind};
pub use event::{
    Access, AccessKind, Bindings, ChannelOperation, Event, EventKind, How, LockMode, NewValue,
    Spawn, SpawnId, Tested,
};
pub use flags::{FlagState, Flags};
pub use graph::{
    Block, BlockId, ControlFlowGraph, DeferredCall, Edge, EdgeKind, Exit, ExitKind, Step,
};
pub use launches::{Launches, Start, StartKind};
pub use locks::Locks;
pub use lower::{ImportedStart, Lowered};
pub use nilness::{NeverMade, NilMaps, NilReason, NilWrite, Origin};
pub use package::{Observed, PackageFlow};
pub use path::{AccessPath, Element, PathId, Paths, Root, Variables};
pub use solver::{Analysis, Solution, solve};
pub use state::{Held, LockState, Mode, Nilness};
pub use summary::{Effect, Summary, Take};
pub use unit::{Unit, UnitId, Units, named_behind};
