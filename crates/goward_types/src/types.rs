//! The forms of types, as by-value views into a [`World`](crate::World).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use goward_syntax::{ChannelDirection, Symbol};

use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::typeset::TypeSet;
use crate::world::World;

/// The predeclared types, typed and untyped.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum BasicKind {
    /// Unknown: something is missing or wrong. It absorbs: nothing is concluded from it.
    Invalid,
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Uintptr,
    Float32,
    Float64,
    Complex64,
    Complex128,
    String,
    UnsafePointer,
    UntypedBool,
    UntypedInt,
    UntypedRune,
    UntypedFloat,
    UntypedComplex,
    UntypedString,
    UntypedNil,
}

/// Properties of a basic type; the bits of [`BasicKind::info`].
pub mod basic_info {
    pub const BOOLEAN: u8 = 1;
    pub const INTEGER: u8 = 2;
    pub const UNSIGNED: u8 = 4;
    pub const FLOAT: u8 = 8;
    pub const COMPLEX: u8 = 16;
    pub const STRING: u8 = 32;
    pub const UNTYPED: u8 = 64;
    pub const ORDERED: u8 = INTEGER | FLOAT | STRING;
    pub const NUMERIC: u8 = INTEGER | FLOAT | COMPLEX;
    pub const CONST_TYPE: u8 = BOOLEAN | NUMERIC | STRING;
}

use basic_info as b;

#[rustfmt::skip]
const BASICS: [(BasicKind, u8, &str); 28] = [
    (BasicKind::Invalid, 0, "invalid type"),
    (BasicKind::Bool, b::BOOLEAN, "bool"),
    (BasicKind::Int, b::INTEGER, "int"),
    (BasicKind::Int8, b::INTEGER, "int8"),
    (BasicKind::Int16, b::INTEGER, "int16"),
    (BasicKind::Int32, b::INTEGER, "int32"),
    (BasicKind::Int64, b::INTEGER, "int64"),
    (BasicKind::Uint, b::INTEGER | b::UNSIGNED, "uint"),
    (BasicKind::Uint8, b::INTEGER | b::UNSIGNED, "uint8"),
    (BasicKind::Uint16, b::INTEGER | b::UNSIGNED, "uint16"),
    (BasicKind::Uint32, b::INTEGER | b::UNSIGNED, "uint32"),
    (BasicKind::Uint64, b::INTEGER | b::UNSIGNED, "uint64"),
    (BasicKind::Uintptr, b::INTEGER | b::UNSIGNED, "uintptr"),
    (BasicKind::Float32, b::FLOAT, "float32"),
    (BasicKind::Float64, b::FLOAT, "float64"),
    (BasicKind::Complex64, b::COMPLEX, "complex64"),
    (BasicKind::Complex128, b::COMPLEX, "complex128"),
    (BasicKind::String, b::STRING, "string"),
    (BasicKind::UnsafePointer, 0, "Pointer"),
    (
        BasicKind::UntypedBool,
        b::BOOLEAN | b::UNTYPED,
        "untyped bool",
    ),
    (
        BasicKind::UntypedInt,
        b::INTEGER | b::UNTYPED,
        "untyped int",
    ),
    (
        BasicKind::UntypedRune,
        b::INTEGER | b::UNTYPED,
        "untyped rune",
    ),
    (
        BasicKind::UntypedFloat,
        b::FLOAT | b::UNTYPED,
        "untyped float",
    ),
    (
        BasicKind::UntypedComplex,
        b::COMPLEX | b::UNTYPED,
        "untyped complex",
    ),
    (
        BasicKind::UntypedString,
        b::STRING | b::UNTYPED,
        "untyped string",
    ),
    (BasicKind::UntypedNil, b::UNTYPED, "untyped nil"),
    // The two aliases are types of their own that print differently and are identical to their kind.
    (BasicKind::Uint8, b::INTEGER | b::UNSIGNED, "byte"),
    (BasicKind::Int32, b::INTEGER, "rune"),
];

impl BasicKind {
    /// Boolean, integer, untyped, …: bits of [`basic_info`].
    pub const fn info(self) -> u8 {
        BASICS[self as usize].1
    }

    /// The type of this kind.
    pub const fn type_id(self) -> TypeId {
        TypeId::new(TypeKind::Basic, self as usize)
    }
}

const fn basic(kind: BasicKind) -> TypeId {
    kind.type_id()
}

impl TypeId {
    /// Unknown: something is missing or wrong; go/types calls it the invalid type.
    pub const UNKNOWN: TypeId = basic(BasicKind::Invalid);
    pub const BOOL: TypeId = basic(BasicKind::Bool);
    pub const INT: TypeId = basic(BasicKind::Int);
    pub const INT8: TypeId = basic(BasicKind::Int8);
    pub const INT16: TypeId = basic(BasicKind::Int16);
    pub const INT32: TypeId = basic(BasicKind::Int32);
    pub const INT64: TypeId = basic(BasicKind::Int64);
    pub const UINT: TypeId = basic(BasicKind::Uint);
    pub const UINT8: TypeId = basic(BasicKind::Uint8);
    pub const UINT16: TypeId = basic(BasicKind::Uint16);
    pub const UINT32: TypeId = basic(BasicKind::Uint32);
    pub const UINT64: TypeId = basic(BasicKind::Uint64);
    pub const UINTPTR: TypeId = basic(BasicKind::Uintptr);
    pub const FLOAT32: TypeId = basic(BasicKind::Float32);
    pub const FLOAT64: TypeId = basic(BasicKind::Float64);
    pub const COMPLEX64: TypeId = basic(BasicKind::Complex64);
    pub const COMPLEX128: TypeId = basic(BasicKind::Complex128);
    pub const STRING: TypeId = basic(BasicKind::String);
    pub const UNSAFE_POINTER: TypeId = basic(BasicKind::UnsafePointer);
    pub const UNTYPED_BOOL: TypeId = basic(BasicKind::UntypedBool);
    pub const UNTYPED_INT: TypeId = basic(BasicKind::UntypedInt);
    pub const UNTYPED_RUNE: TypeId = basic(BasicKind::UntypedRune);
    pub const UNTYPED_FLOAT: TypeId = basic(BasicKind::UntypedFloat);
    pub const UNTYPED_COMPLEX: TypeId = basic(BasicKind::UntypedComplex);
    pub const UNTYPED_STRING: TypeId = basic(BasicKind::UntypedString);
    pub const UNTYPED_NIL: TypeId = basic(BasicKind::UntypedNil);
    /// `byte`, identical to `uint8`.
    pub const BYTE: TypeId = TypeId::new(TypeKind::Basic, 26);
    /// `rune`, identical to `int32`.
    pub const RUNE: TypeId = TypeId::new(TypeKind::Basic, 27);

    /// All basic types in order: the typed and untyped kinds, then `byte` and `rune`.
    pub(crate) fn basics() -> impl Iterator<Item = TypeId> {
        (0..BASICS.len()).map(|index| TypeId::new(TypeKind::Basic, index))
    }

    /// The basic kind, where this is a basic type itself (not a named type over one).
    pub const fn basic_kind(self) -> Option<BasicKind> {
        match self.kind() {
            TypeKind::Basic => Some(BASICS[self.index()].0),
            _ => None,
        }
    }

    /// The printed name of a basic type (`Pointer` for `unsafe.Pointer`).
    pub(crate) const fn basic_name(self) -> &'static str {
        BASICS[self.index()].2
    }

    /// Whether anything is known of the type (go/types: `isValid`, but without looking through aliases).
    pub fn is_known(self) -> bool {
        self != TypeId::UNKNOWN
    }
}

/// One parameter or result: its name (empty if unnamed) and type.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parameter {
    pub name: Symbol,
    pub parameter_type: TypeId,
}

/// One term of a union: `~T` or `T`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnionTerm {
    pub tilde: bool,
    pub term_type: TypeId,
}

/// A type, seen by value: what [`World::get`](crate::World::get) returns.
#[derive(Copy, Clone)]
pub enum Type<'w> {
    Basic(BasicKind),
    /// `length` is -1 where it is unknown.
    Array {
        length: i64,
        element: TypeId,
    },
    Slice {
        element: TypeId,
    },
    Struct(&'w StructType),
    Pointer {
        base: TypeId,
    },
    Tuple(&'w [Parameter]),
    Signature(&'w Signature),
    Union(&'w [UnionTerm]),
    Interface(&'w Interface),
    Map {
        key: TypeId,
        element: TypeId,
    },
    Channel {
        direction: ChannelDirection,
        element: TypeId,
    },
    Named(&'w Named),
    TypeParameter(&'w TypeParameter),
    Alias(&'w Alias),
}

/// A struct type. Each struct type written in the source is one of its own.
#[derive(Debug)]
pub struct StructType {
    /// Field objects in order; embedded ones have [`Object::is_embedded`](crate::Object::is_embedded).
    pub fields: Box<[ObjectId]>,
    /// Tags in order (unquoted), shorter than `fields` where the last ones have none.
    pub tags: Box<[Option<Box<str>>]>,
}

impl StructType {
    /// The tag of field `index`, empty if there is none.
    pub fn tag(&self, index: usize) -> &str {
        self.tags
            .get(index)
            .and_then(|tag| tag.as_deref())
            .unwrap_or("")
    }
}

/// A function type. The receiver of a method belongs to its object, not to its type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The type parameters of a generic function.
    pub type_parameters: Box<[TypeId]>,
    /// The type parameters that the receiver of a method of a generic type declares.
    pub receiver_type_parameters: Box<[TypeId]>,
    /// A tuple type.
    pub parameters: TypeId,
    /// A tuple type.
    pub results: TypeId,
    /// Whether the last parameter is `...T`; its type is then `[]T` (or a string or type parameter
    /// for the special case of `append`).
    pub variadic: bool,
}

impl Signature {
    /// The type of a function without parameters and results.
    pub(crate) fn without_parameters(world: &World, type_parameters: &[TypeId]) -> Signature {
        Signature {
            type_parameters: type_parameters.into(),
            receiver_type_parameters: Box::default(),
            parameters: world.empty_tuple(),
            results: world.empty_tuple(),
            variadic: false,
        }
    }
}

/// An interface type. Each interface type written in the source is one of its own.
#[derive(Debug)]
pub struct Interface {
    /// The explicitly declared methods, in source order.
    pub methods: Box<[ObjectId]>,
    /// The embedded elements, in source order.
    pub embeddeds: Box<[TypeId]>,
    pub(crate) implicit: AtomicBool,
    pub(crate) type_set: OnceLock<TypeSet>,
}

impl Interface {
    /// Whether it was only implied, as the wrapper of a constraint such as `~string`.
    pub fn is_implicit(&self) -> bool {
        self.implicit.load(Ordering::Relaxed)
    }
}

/// A cell for a type that becomes known after its owner was made.
#[derive(Debug, Default)]
pub(crate) struct TypeCell(AtomicU32);

impl TypeCell {
    pub(crate) fn new(value: Option<TypeId>) -> TypeCell {
        TypeCell(AtomicU32::new(value.map_or(0, TypeId::raw)))
    }

    pub(crate) fn get(&self) -> Option<TypeId> {
        TypeId::from_raw(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn set(&self, value: TypeId) {
        self.0.store(value.raw(), Ordering::Release);
    }

    /// Sets the type unless somebody else was first, and returns what it is now.
    pub(crate) fn set_once(&self, value: TypeId) -> TypeId {
        match self
            .0
            .compare_exchange(0, value.raw(), Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => value,
            Err(other) => TypeId::from_raw(other).unwrap_or(value),
        }
    }

    /// Replaces `old` by `new` unless somebody else was first, and returns what it is now.
    pub(crate) fn replace(&self, old: TypeId, new: TypeId) -> TypeId {
        match self
            .0
            .compare_exchange(old.raw(), new.raw(), Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => new,
            Err(other) => TypeId::from_raw(other).unwrap_or(new),
        }
    }
}

/// A defined type, or an instance of a generic one.
#[derive(Debug)]
pub struct Named {
    /// The type name; of an instance, that of its origin.
    pub object: ObjectId,
    /// The generic type that this is an instance of.
    pub origin: Option<TypeId>,
    /// The type arguments of an instance.
    pub arguments: Box<[TypeId]>,
    pub(crate) type_parameters: OnceLock<Box<[TypeId]>>,
    /// The type on the right-hand side of the declaration (go/types: `fromRHS`).
    pub(crate) right_hand_side: TypeCell,
    pub(crate) underlying: TypeCell,
    /// Declared methods in source order; none for instances, see [`World::method`](crate::World::method).
    pub(crate) methods: OnceLock<Box<[ObjectId]>>,
    /// For instances, the methods of the origin with the arguments put in, made when asked for.
    pub(crate) expanded_methods: OnceLock<Box<[OnceLock<ObjectId>]>>,
}

/// A type parameter.
#[derive(Debug)]
pub struct TypeParameter {
    pub object: ObjectId,
    /// Position in its list; set when the list is complete.
    pub(crate) index: AtomicU32,
    pub(crate) bound: TypeCell,
}

impl TypeParameter {
    /// Position in its list.
    pub fn index(&self) -> usize {
        self.index.load(Ordering::Relaxed) as usize
    }
}

/// An alias: a name for a type, kept because people want to read the name.
#[derive(Debug)]
pub struct Alias {
    pub object: ObjectId,
    /// The generic alias that this is an instance of.
    pub origin: Option<TypeId>,
    pub arguments: Box<[TypeId]>,
    pub(crate) type_parameters: OnceLock<Box<[TypeId]>>,
    pub(crate) right_hand_side: TypeCell,
    /// The type behind it and all further aliases.
    pub(crate) actual: TypeCell,
}
