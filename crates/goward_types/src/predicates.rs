//! Questions about types.
//!
//! Source: `go/types/predicates.go`.

use crate::ids::{TypeId, TypeKind};
use crate::types::{BasicKind, Type, basic_info};
use crate::typeset::TypeSet;
use crate::world::World;

/// Types within types by value: only invalid types nest deeper or have more parts.
const DEPTH_LIMIT: usize = 100;
const PARTS_LIMIT: usize = 2000;

/// The types that were asked about on the way, so that cyclic ones come to an end.
#[derive(Default)]
pub(crate) struct Seen {
    types: Vec<TypeId>,
    depth: usize,
}

impl TypeId {
    /// Whether this is the type of an untyped constant, an untyped boolean or `nil`.
    pub fn is_untyped(self) -> bool {
        self.basic_kind()
            .is_some_and(|kind| kind.info() & basic_info::UNTYPED != 0)
    }

    /// Whether values of this type have a type.
    pub fn is_typed(self) -> bool {
        !self.is_untyped()
    }

    /// Whether this is the type of an untyped number.
    pub fn is_untyped_numeric(self) -> bool {
        self.basic_kind().is_some_and(|kind| {
            kind.info() & basic_info::UNTYPED != 0 && kind.info() & basic_info::NUMERIC != 0
        })
    }
}

impl World {
    /// Whether anything is known of the type. Something is of an alias that is still being declared.
    pub fn is_valid(&self, id: TypeId) -> bool {
        if id.kind() != TypeKind::Alias {
            return id != TypeId::UNKNOWN;
        }
        match self.get(id) {
            Type::Alias(alias) if alias.right_hand_side.get().is_none() => true,
            _ => self.unalias(id) != TypeId::UNKNOWN,
        }
    }

    /// Whether the underlying type is a basic one with one of the properties `info`. It does not
    /// look into type parameters.
    pub fn is_basic(&self, id: TypeId, info: u8) -> bool {
        self.underlying(id)
            .basic_kind()
            .is_some_and(|kind| kind.info() & info != 0)
    }

    pub fn is_boolean(&self, id: TypeId) -> bool {
        self.is_basic(id, basic_info::BOOLEAN)
    }

    pub fn is_integer(&self, id: TypeId) -> bool {
        self.is_basic(id, basic_info::INTEGER)
    }

    pub fn is_unsigned(&self, id: TypeId) -> bool {
        self.is_basic(id, basic_info::UNSIGNED)
    }

    pub fn is_float(&self, id: TypeId) -> bool {
        self.is_basic(id, basic_info::FLOAT)
    }

    pub fn is_complex(&self, id: TypeId) -> bool {
        self.is_basic(id, basic_info::COMPLEX)
    }

    pub fn is_numeric(&self, id: TypeId) -> bool {
        self.is_basic(id, basic_info::NUMERIC)
    }

    pub fn is_string(&self, id: TypeId) -> bool {
        self.is_basic(id, basic_info::STRING)
    }

    pub fn is_integer_or_float(&self, id: TypeId) -> bool {
        self.is_basic(id, basic_info::INTEGER | basic_info::FLOAT)
    }

    /// Whether constants may have this type.
    pub fn is_const_type(&self, id: TypeId) -> bool {
        self.is_basic(id, basic_info::CONST_TYPE)
    }

    /// Like [`World::is_basic`]; of a type parameter, whether it holds for all its types.
    pub fn all_basic(&self, id: TypeId, info: u8) -> bool {
        if !self.is_type_parameter(id) {
            return self.is_basic(id, info);
        }
        let set = self.type_set(self.underlying(id));
        set.has_terms()
            && set
                .terms()
                .iter()
                .all(|term| self.is_basic(term.term_type, info))
    }

    pub fn all_boolean(&self, id: TypeId) -> bool {
        self.all_basic(id, basic_info::BOOLEAN)
    }

    pub fn all_integer(&self, id: TypeId) -> bool {
        self.all_basic(id, basic_info::INTEGER)
    }

    pub fn all_unsigned(&self, id: TypeId) -> bool {
        self.all_basic(id, basic_info::UNSIGNED)
    }

    pub fn all_numeric(&self, id: TypeId) -> bool {
        self.all_basic(id, basic_info::NUMERIC)
    }

    pub fn all_string(&self, id: TypeId) -> bool {
        self.all_basic(id, basic_info::STRING)
    }

    pub fn all_ordered(&self, id: TypeId) -> bool {
        self.all_basic(id, basic_info::ORDERED)
    }

    pub fn all_numeric_or_string(&self, id: TypeId) -> bool {
        self.all_basic(id, basic_info::NUMERIC | basic_info::STRING)
    }

    /// Whether the type is predeclared, defined or a type parameter.
    pub fn has_name(&self, id: TypeId) -> bool {
        matches!(
            self.unalias(id).kind(),
            TypeKind::Basic | TypeKind::Named | TypeKind::TypeParameter
        )
    }

    /// Whether the type is neither defined nor a type parameter.
    pub fn is_type_literal(&self, id: TypeId) -> bool {
        !matches!(
            self.unalias(id).kind(),
            TypeKind::Named | TypeKind::TypeParameter
        )
    }

    /// Whether the underlying type is an interface; that of a type parameter is.
    pub fn is_interface(&self, id: TypeId) -> bool {
        self.underlying(id).kind() == TypeKind::Interface
    }

    /// Whether the type is an interface and not a type parameter.
    pub fn is_non_type_parameter_interface(&self, id: TypeId) -> bool {
        !self.is_type_parameter(id) && self.is_interface(id)
    }

    pub fn is_type_parameter(&self, id: TypeId) -> bool {
        self.unalias(id).kind() == TypeKind::TypeParameter
    }

    /// Whether the underlying type is a pointer.
    pub fn is_pointer(&self, id: TypeId) -> bool {
        self.underlying(id).kind() == TypeKind::Pointer
    }

    /// The element of a slice type `[]byte` or a type over it.
    pub fn is_bytes(&self, id: TypeId) -> bool {
        matches!(self.get(self.underlying(id)), Type::Slice { element }
            if self.underlying(element).basic_kind() == Some(BasicKind::Uint8))
    }

    /// Whether the type is a type parameter that no type satisfies.
    pub fn has_empty_type_set(&self, id: TypeId) -> bool {
        self.is_type_parameter(id) && self.type_set(self.underlying(id)).is_empty()
    }

    /// Whether values can be compared with `==`, perhaps with a panic at run time.
    pub fn comparable(&self, id: TypeId) -> bool {
        self.comparable_type(id, true, &mut Seen::default())
    }

    /// Whether values can be compared with `==` without a panic at run time.
    pub fn strictly_comparable(&self, id: TypeId) -> bool {
        self.comparable_type(id, false, &mut Seen::default())
    }

    /// Whether all types of the set are comparable.
    pub fn is_comparable_type_set(&self, set: &TypeSet) -> bool {
        self.comparable_type_set(set, &mut Seen::default())
    }

    fn comparable_type_set(&self, set: &TypeSet, seen: &mut Seen) -> bool {
        if set.term_list.is_all() {
            return set.comparable;
        }
        set.has_terms()
            && set
                .terms()
                .iter()
                .all(|term| self.comparable_type(term.term_type, false, seen))
    }

    fn comparable_type(&self, id: TypeId, dynamic: bool, seen: &mut Seen) -> bool {
        let underlying = self.underlying(id);
        match self.get(underlying) {
            // An unknown type is taken as comparable.
            Type::Basic(kind) => return kind != BasicKind::UntypedNil,
            Type::Pointer { .. } | Type::Channel { .. } => return true,
            Type::Struct(_) | Type::Array { .. } | Type::Interface(_) => {}
            _ => return false,
        }
        if seen.types.contains(&id) || seen.depth >= DEPTH_LIMIT || seen.types.len() >= PARTS_LIMIT
        {
            return true;
        }
        seen.types.push(id);
        seen.depth += 1;
        let result = match self.get(underlying) {
            Type::Struct(structure) => structure
                .fields
                .iter()
                .all(|&field| self.comparable_type(self.object_type(field), dynamic, seen)),
            Type::Array { element, .. } => self.comparable_type(element, dynamic, seen),
            _ if dynamic && !self.is_type_parameter(id) => true,
            _ => self.comparable_type_set(self.type_set(underlying), seen),
        };
        seen.depth -= 1;
        result
    }

    /// Whether `nil` is a value of the type.
    pub fn has_nil(&self, id: TypeId) -> bool {
        match self.get(self.underlying(id)) {
            Type::Basic(kind) => kind == BasicKind::UnsafePointer,
            Type::Slice { .. }
            | Type::Pointer { .. }
            | Type::Signature(_)
            | Type::Map { .. }
            | Type::Channel { .. } => true,
            Type::Interface(_) => {
                !self.is_type_parameter(id)
                    || self.under_is(id, |under| under.is_some_and(|under| self.has_nil(under)))
            }
            _ => false,
        }
    }

    /// The type that an untyped value takes where nothing else is asked for; others as they are.
    pub fn default_type(&self, id: TypeId) -> TypeId {
        match id.basic_kind() {
            Some(BasicKind::UntypedBool) => TypeId::BOOL,
            Some(BasicKind::UntypedInt) => TypeId::INT,
            Some(BasicKind::UntypedRune) => TypeId::RUNE,
            Some(BasicKind::UntypedFloat) => TypeId::FLOAT64,
            Some(BasicKind::UntypedComplex) => TypeId::COMPLEX128,
            Some(BasicKind::UntypedString) => TypeId::STRING,
            _ => id,
        }
    }

    /// The greater of two untyped numeric types; of others only if they are one.
    pub fn max_type(&self, x: TypeId, y: TypeId) -> Option<TypeId> {
        if x == y {
            return Some(x);
        }
        if x.is_untyped_numeric() && y.is_untyped_numeric() {
            let greater = x.basic_kind() > y.basic_kind();
            return Some(if greater { x } else { y });
        }
        None
    }
}
