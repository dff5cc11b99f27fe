//! Which maps are nil where they are written.
//!
//! # How it works
//!
//! A forward analysis over the graph of each function keeps, for places (variables and fields that
//! hold maps), whether the map there is nil: certainly, on some path, or certainly not. A place that
//! nothing is known of is not in the state. Declarations without a value, `nil`, struct literals
//! that leave a field out, named results and functions that return nil without an error make maps
//! nil; `make`, literals and tests against nil make them not nil. Whatever else may happen to a
//! place (a call that has its address, a closure that assigns it) makes it unknown.
//!
//! # What is absent
//!
//! Of other packages only what their functions give back and write is known, and maps behind elements of slices and channels are unknown.
//! A map that is nil on some path only is dropped where the condition that made it is tested again.

mod arguments;
mod correlation;
mod effects;
mod fields;
mod nested;
mod nested_fields;
mod place;
mod pointers;
mod refine;
mod report;
mod shape;
mod summarise;
mod transfer;
mod turns;
mod untracked;

use goward_syntax::NodeId;
use goward_types::{ObjectId, TypedPackage};
use rustc_hash::FxHashMap;

use crate::path::Variables;
use crate::solver::solve;
use crate::unit::{UnitId, Units};

pub use fields::{NeverMade, Origin};
pub(crate) use place::Place;
use shape::MapShapes;
use transfer::MapNilness;
use untracked::Untracked;

/// Why a map is nil.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum NilReason {
    /// Declared without a value.
    Declared,
    /// Assigned `nil`.
    Assigned,
    /// A field that a struct literal or a zero value leaves out.
    FieldLeftOut,
    /// A named result before it is assigned.
    NamedResult,
    /// `new` of a map type.
    New,
    /// `nil` itself, given to this function of the package.
    Given(ObjectId),
    /// Returned by this function of the package.
    Returned(ObjectId),
    /// Tested against nil on the way.
    Compared,
    /// Decoded from JSON, where `null` gives a nil map.
    Decoded,
    /// A field of what is decoded from JSON, which the text need not name.
    NotDecoded,
    /// The bool beside it is false: a type assertion that failed, a key that is missing.
    NotOk,
}

/// What is known of the map at a place.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Nilness {
    /// Nil on every path.
    Nil,
    /// Nil on some path.
    Maybe,
    NonNil,
    /// It was nil and has been written, so that control does not come here; a loop that comes back
    /// has still met a nil map.
    Written,
}

/// What is known, and from where.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) nilness: Nilness,
    pub(crate) reason: NilReason,
    /// The node that made the map nil.
    pub(crate) made: NodeId,
}

/// A write to a map that is nil.
#[derive(Clone, Debug)]
pub struct NilWrite {
    pub unit: UnitId,
    /// The map that is written, an expression of the file of the unit.
    pub map: NodeId,
    /// The write: the index expression, or the call that writes its argument.
    pub node: NodeId,
    /// Nil on every path that leads here, not only on some.
    pub certain: bool,
    pub reason: NilReason,
    /// What made the map nil.
    pub made: NodeId,
    /// The variable at the root of the place.
    pub root: ObjectId,
    /// Whether the place is the variable itself.
    pub whole_variable: bool,
    /// The `defer` statement whose call does it, as the function ends.
    pub deferred: Option<NodeId>,
}

/// What a function does with maps.
pub(crate) use goward_types::BodyMaps as Summary;

/// What is known of the package before a function is looked at.
#[derive(Copy, Clone)]
pub(crate) struct Known<'a> {
    pub(crate) summaries: &'a FxHashMap<ObjectId, Summary>,
    pub(crate) shapes: &'a MapShapes,
    pub(crate) variables: &'a Variables,
    pub(crate) untracked: &'a Untracked,
}

/// A write to a map of which the function itself tells nothing.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Unguarded {
    pub(crate) unit: UnitId,
    pub(crate) map: NodeId,
    pub(crate) node: NodeId,
    /// Whether a test before it would have been noticed.
    pub(crate) tracked: bool,
}

/// A map field of what a function gives back, which it has made on some paths only.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Constructed {
    pub(crate) unit: UnitId,
    pub(crate) field: ObjectId,
    /// The literal that leaves the field out.
    pub(crate) made: NodeId,
}

/// What the functions of a package show one by one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) writes: Vec<NilWrite>,
    pub(crate) unguarded: Vec<Unguarded>,
    pub(crate) constructed: Vec<Constructed>,
}

/// Nil maps of a package.
#[derive(Clone, Debug, Default)]
pub struct NilMaps {
    pub writes: Vec<NilWrite>,
    /// Writes to maps that other functions of the package leave nil, by how that shows.
    pub never_made: Vec<NeverMade>,
    /// Writes `m[a][b] = v` to maps within a local map that never gets any.
    pub nested: Vec<NilWrite>,
    /// What each function does with maps, where it does something.
    pub(crate) summaries: FxHashMap<ObjectId, Summary>,
}

/// How often summaries of functions are made anew, for functions that return what others return.
const ROUNDS: usize = 3;

impl NilMaps {
    /// Finds the writes to nil maps in a package.
    pub(crate) fn new(package: &TypedPackage<'_>, units: &Units, variables: &Variables) -> NilMaps {
        let shapes = MapShapes::new(package, units);
        let untracked = Untracked::new(units);
        let mut summaries: FxHashMap<ObjectId, Summary> = FxHashMap::default();
        for _ in 0..ROUNDS {
            let mut next = FxHashMap::default();
            let known = Known {
                summaries: &summaries,
                shapes: &shapes,
                variables,
                untracked: &untracked,
            };
            for (id, unit) in units.iter() {
                if let Some(object) = unit.object {
                    let analysis = MapNilness::new(package, units, known, id);
                    let summary = analysis.summary();
                    if summary != Summary::default() {
                        next.insert(object, summary);
                    }
                }
            }
            if next == summaries {
                break;
            }
            summaries = next;
        }
        let known = Known {
            summaries: &summaries,
            shapes: &shapes,
            variables,
            untracked: &untracked,
        };
        let mut found = Found::default();
        for (id, unit) in units.iter() {
            // Literals that run where they stand are looked at with the function around them.
            if unit.graph.block_count() == 0 {
                continue;
            }
            let analysis = MapNilness::new(package, units, known, id);
            if !analysis.mentions_maps() {
                continue;
            }
            let solution = solve(&unit.graph, &analysis);
            if solution.complete {
                analysis.report(&solution, &mut found);
            }
        }
        correlation::drop_correlated(package, units, &mut found.writes);
        let mut nested = nested::nested(package, units);
        nested.extend(nested_fields::nested_fields(package, units));
        NilMaps {
            never_made: fields::never_made(package, units, &found),
            nested,
            writes: found.writes,
            summaries,
        }
    }
}
