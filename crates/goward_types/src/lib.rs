//! Go constants, types, objects, scopes and the checker; absorbs what is unknown.

mod bodies;
mod checker;
pub mod constant;
mod context;
mod dump;
mod facts;
mod identical;
mod ids;
mod infer;
mod instantiate;
mod lookup;
mod methodset;
mod named;
mod object;
mod object_string;
mod predicates;
mod sizes;
mod subst;
mod summary;
mod termlist;
mod type_string;
mod typed;
mod types;
mod typeset;
mod under;
mod unify;
mod universe;
mod world;

pub use bodies::{
    Bodies, Body, BodyLock, BodyMaps, BodyPlace, BodyRoot, ImportedBodies, LockUse, MapUse,
    NoReturn,
};
pub use checker::{CheckedPackage, Checker, File, GoVersion, Importer, Mode, Settings, TypeError};
pub use dump::dump as dump_facts;
pub use facts::{FileFacts, IdentifierFact, Instance, Selection, SelectionKind, TypeAndValue};
pub use identical::Comparer;
pub use ids::{ObjectId, PackageId, TypeId, TypeKind};
pub use instantiate::NotImplemented;
pub use lookup::{Lookup, MissingCause, MissingMethod};
pub use methodset::MethodSelection;
pub use object::{Object, ObjectKind, VariableKind, is_exported};
pub use sizes::Sizes;
pub use subst::Substitution;
pub use summary::{
    Packing, StoredDeclarations, Summary, SummaryBuilder, SummaryError, SummaryPackages,
    write_declarations,
};
pub use termlist::TermList;
pub use type_string::Qualifier;
pub use typed::{TypedFile, TypedPackage};
pub use types::{
    Alias, BasicKind, Interface, Named, Parameter, Signature, StructType, Type, TypeParameter,
    UnionTerm, basic_info,
};
pub use typeset::TypeSet;
pub use under::TypeAndUnder;
pub use universe::{Builtin, CallKind, Universe};
pub use world::{Package, World};
