//! Objects: what names stand for.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use goward_syntax::Symbol;

use crate::constant::Value;
use crate::ids::{ObjectId, PackageId, TypeId};
use crate::types::TypeCell;

/// What kind of thing a name stands for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    PackageName,
    Constant,
    TypeName,
    Variable(VariableKind),
    Function,
    Builtin,
    Nil,
    Label,
}

/// Where a variable was declared.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum VariableKind {
    Package,
    Local,
    Receiver,
    Parameter,
    Result,
    Field,
}

const EMBEDDED: u32 = 1;
const POINTER_RECEIVER: u32 = 2;
const PACKAGE_LEVEL: u32 = 4;
const ALIAS: u32 = 16;
const METHOD: u32 = 32;

/// What a name stands for.
#[derive(Debug)]
pub struct Object {
    pub kind: ObjectKind,
    pub name: Symbol,
    /// Absent for what is predeclared.
    pub package: Option<PackageId>,
    /// Index of the declaring file in its package, and byte offset of the declaring identifier.
    pub file: u32,
    pub offset: u32,
    object_type: TypeCell,
    /// Functions: the type of the receiver.
    receiver: TypeCell,
    /// Methods: the name of the receiver variable.
    receiver_name: AtomicU32,
    flags: AtomicU32,
    /// The object that this one was instantiated from.
    origin: AtomicU32,
    /// Package names: the package. Builtins: their number.
    pub(crate) detail: u32,
    constant: OnceLock<Value>,
}

impl Object {
    pub(crate) fn new(
        kind: ObjectKind,
        name: Symbol,
        package: Option<PackageId>,
        place: (u32, u32),
        object_type: Option<TypeId>,
    ) -> Object {
        Object {
            kind,
            name,
            package,
            file: place.0,
            offset: place.1,
            object_type: TypeCell::new(object_type),
            receiver: TypeCell::default(),
            receiver_name: AtomicU32::new(0),
            flags: AtomicU32::new(0),
            origin: AtomicU32::new(0),
            detail: 0,
            constant: OnceLock::new(),
        }
    }

    /// The type, once it is known; for an instantiated method see [`World::object_type`](crate::World::object_type).
    pub(crate) fn raw_type(&self) -> Option<TypeId> {
        self.object_type.get()
    }

    pub(crate) fn set_type(&self, object_type: TypeId) {
        self.object_type.set(object_type);
    }

    /// Sets the type unless another thread was first, and returns what it is now.
    pub(crate) fn set_type_once(&self, object_type: TypeId) -> TypeId {
        self.object_type.set_once(object_type)
    }

    /// A copy of a variable or function, with another type or none yet.
    pub(crate) fn copy_with_type(&self, object_type: Option<TypeId>) -> Object {
        Object {
            kind: self.kind,
            name: self.name,
            package: self.package,
            file: self.file,
            offset: self.offset,
            object_type: TypeCell::new(object_type),
            receiver: TypeCell::new(self.receiver.get()),
            receiver_name: AtomicU32::new(self.receiver_name.load(Ordering::Relaxed)),
            flags: AtomicU32::new(self.flags.load(Ordering::Relaxed)),
            origin: AtomicU32::new(self.origin.load(Ordering::Relaxed)),
            detail: self.detail,
            constant: OnceLock::new(),
        }
    }

    /// The type of the receiver of a method.
    pub fn receiver(&self) -> Option<TypeId> {
        self.receiver.get()
    }

    pub(crate) fn set_receiver(&self, receiver: TypeId) {
        self.receiver.set(receiver);
        self.set(METHOD);
    }

    /// The name of the receiver variable of a method, empty if it has none.
    pub fn receiver_name(&self) -> Symbol {
        Symbol(self.receiver_name.load(Ordering::Relaxed))
    }

    pub(crate) fn set_receiver_name(&self, name: Symbol) {
        self.receiver_name.store(name.0, Ordering::Relaxed);
    }

    /// The value of a constant; unknown while it is being declared.
    pub fn constant(&self) -> &Value {
        self.constant.get().unwrap_or(&Value::Unknown)
    }

    pub(crate) fn set_constant(&self, value: Value) {
        // A constant that is declared twice (an error in the program) keeps its first value.
        let _ = self.constant.set(value);
    }

    fn has(&self, flag: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    fn set(&self, flag: u32) {
        self.flags.fetch_or(flag, Ordering::Relaxed);
    }

    /// Whether this is an embedded struct field.
    pub fn is_embedded(&self) -> bool {
        self.has(EMBEDDED)
    }

    pub(crate) fn set_embedded(&self) {
        self.set(EMBEDDED);
    }

    /// Whether a method was declared with a pointer receiver, known before its signature is.
    pub fn has_pointer_receiver(&self) -> bool {
        self.has(POINTER_RECEIVER)
    }

    pub(crate) fn set_pointer_receiver(&self) {
        self.set(POINTER_RECEIVER);
    }

    /// Whether this is declared at the level of its package (methods are not).
    pub fn is_package_level(&self) -> bool {
        self.has(PACKAGE_LEVEL)
    }

    pub(crate) fn set_package_level(&self) {
        self.set(PACKAGE_LEVEL);
    }

    /// Whether this function is a method.
    pub fn is_method(&self) -> bool {
        self.has(METHOD)
    }

    /// Marks a function as a method before its receiver is known.
    pub(crate) fn set_method(&self) {
        self.set(METHOD);
    }

    /// Whether a type name was declared by an alias declaration.
    pub fn is_alias_declaration(&self) -> bool {
        self.has(ALIAS)
    }

    pub(crate) fn set_alias_declaration(&self) {
        self.set(ALIAS);
    }

    /// The object of the generic declaration that this one was instantiated from.
    pub fn origin(&self) -> Option<ObjectId> {
        ObjectId::from_raw(self.origin.load(Ordering::Relaxed))
    }

    pub(crate) fn set_origin(&self, origin: ObjectId) {
        self.origin.store(origin.raw(), Ordering::Relaxed);
    }

    /// Whether the name starts with an upper-case letter.
    pub fn is_exported(&self) -> bool {
        is_exported(self.name)
    }

    /// Whether this is a struct field.
    pub fn is_field(&self) -> bool {
        self.kind == ObjectKind::Variable(VariableKind::Field)
    }

    /// Whether this is a variable, a field included.
    pub fn is_variable(&self) -> bool {
        matches!(self.kind, ObjectKind::Variable(_))
    }

    /// Whether `name`, seen from `package`, is the same identifier as this object's name.
    pub(crate) fn same_id(&self, package: Option<PackageId>, name: Symbol) -> bool {
        self.name == name && (self.package == package || self.is_exported())
    }
}

/// Whether a name starts with an upper-case letter.
pub fn is_exported(name: Symbol) -> bool {
    let text = name.as_str();
    match text.as_bytes().first() {
        Some(byte) if byte.is_ascii() => byte.is_ascii_uppercase(),
        Some(_) => text.chars().next().is_some_and(char::is_uppercase),
        None => false,
    }
}
