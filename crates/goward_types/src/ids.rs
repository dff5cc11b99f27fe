//! Numbers that stand for types, objects and packages of a [`World`](crate::World).

use std::num::NonZeroU32;

/// What a type is made of, readable from its id without a look into the world.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TypeKind {
    Basic,
    Array,
    Slice,
    Struct,
    Pointer,
    Tuple,
    Signature,
    Union,
    Interface,
    Map,
    Channel,
    Named,
    TypeParameter,
    Alias,
}

/// A type. Equal ids are identical types; identical types may have different ids where they are
/// written differently (parameter names, aliases): see [`World::identical`](crate::World::identical).
///
/// The upper four bits are the [`TypeKind`], the rest is an index into the table of that kind, plus one.
/// Ids depend on the order in which types were met: never sort output by them.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct TypeId(NonZeroU32);

const INDEX_BITS: u32 = 28;

impl TypeId {
    pub(crate) const fn new(kind: TypeKind, index: usize) -> TypeId {
        assert!(index < (1 << INDEX_BITS) - 1, "too many types");
        match NonZeroU32::new(((kind as u32) << INDEX_BITS) | (index as u32 + 1)) {
            Some(raw) => TypeId(raw),
            None => unreachable!(),
        }
    }

    /// The kind of type.
    pub const fn kind(self) -> TypeKind {
        match self.0.get() >> INDEX_BITS {
            0 => TypeKind::Basic,
            1 => TypeKind::Array,
            2 => TypeKind::Slice,
            3 => TypeKind::Struct,
            4 => TypeKind::Pointer,
            5 => TypeKind::Tuple,
            6 => TypeKind::Signature,
            7 => TypeKind::Union,
            8 => TypeKind::Interface,
            9 => TypeKind::Map,
            10 => TypeKind::Channel,
            11 => TypeKind::Named,
            12 => TypeKind::TypeParameter,
            _ => TypeKind::Alias,
        }
    }

    pub(crate) const fn index(self) -> usize {
        (self.0.get() & ((1 << INDEX_BITS) - 1)) as usize - 1
    }

    pub(crate) const fn raw(self) -> u32 {
        self.0.get()
    }

    pub(crate) const fn from_raw(raw: u32) -> Option<TypeId> {
        match NonZeroU32::new(raw) {
            Some(raw) => Some(TypeId(raw)),
            None => None,
        }
    }
}

/// An object: something that a name stands for. One bit says that it is known to one package only,
/// the lower ones are an index into the table of that package or of all, plus one. The highest bit is
/// free for those who keep objects.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectId(NonZeroU32);

const LOCAL_OBJECT: u32 = 1 << 30;

impl ObjectId {
    pub(crate) fn new(index: usize) -> ObjectId {
        let raw = u32::try_from(index + 1)
            .ok()
            .filter(|&raw| raw < LOCAL_OBJECT);
        let raw = raw.and_then(NonZeroU32::new);
        ObjectId(raw.expect("fewer than a thousand million objects"))
    }

    /// The object of one package with this index.
    pub(crate) fn local(index: usize) -> ObjectId {
        ObjectId(ObjectId::new(index).0 | LOCAL_OBJECT)
    }

    pub(crate) const fn is_local(self) -> bool {
        self.0.get() & LOCAL_OBJECT != 0
    }

    pub(crate) const fn index(self) -> usize {
        (self.0.get() & !LOCAL_OBJECT) as usize - 1
    }

    pub(crate) const fn raw(self) -> u32 {
        self.0.get()
    }

    pub(crate) const fn from_raw(raw: u32) -> Option<ObjectId> {
        match NonZeroU32::new(raw) {
            Some(raw) => Some(ObjectId(raw)),
            None => None,
        }
    }
}

/// A package of the world.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct PackageId(NonZeroU32);

impl PackageId {
    /// Package `unsafe`.
    pub const UNSAFE: PackageId = PackageId(NonZeroU32::MIN);

    pub(crate) fn new(index: usize) -> PackageId {
        let raw = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        PackageId(raw.expect("fewer than four thousand million packages"))
    }

    pub(crate) const fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    pub(crate) const fn raw(self) -> u32 {
        self.0.get()
    }

    pub(crate) const fn from_raw(raw: u32) -> Option<PackageId> {
        match NonZeroU32::new(raw) {
            Some(raw) => Some(PackageId(raw)),
            None => None,
        }
    }
}
