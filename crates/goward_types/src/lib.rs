//! Go constants, types, objects, scopes and the checker; absorbs what is unknown.

mod checker;
pub mod constant;
mod facts;
mod ids;
mod object;
mod sizes;
mod types;
mod typeset;
mod universe;
mod world;

pub use checker::{Checker, File, GoVersion, Importer, Mode, Settings, TypeError};
pub use facts::{FileFacts, IdentifierFact, Instance, Selection, SelectionKind, TypeAndValue};
pub use ids::{ObjectId, PackageId, TypeId, TypeKind};
pub use object::{Object, ObjectKind, VariableKind, is_exported};
pub use sizes::Sizes;
pub use types::{
    Alias, BasicKind, Interface, Named, Parameter, Signature, StructType, Type, TypeParameter,
    UnionTerm, basic_info,
};
pub use typeset::TypeSet;
pub use universe::{Builtin, CallKind, Universe};
pub use world::{Package, World};
