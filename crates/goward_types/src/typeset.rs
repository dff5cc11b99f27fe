//! Type sets of interfaces: the methods and the types that they admit.
//!
//! Source: `go/types/typeset.go`.

use crate::ids::{ObjectId, TypeId};
use crate::world::World;

/// The type set of an interface.
#[derive(Debug)]
pub struct TypeSet {
    /// All methods, sorted as go/types sorts them (by unique id).
    pub methods: Box<[ObjectId]>,
}

impl World {
    /// The interface behind `comparable`: no methods, all types that can be compared.
    pub(crate) fn new_comparable_interface(&self) -> TypeId {
        todo!()
    }
}
