//! Objects: what names stand for.

use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use goward_syntax::Symbol;
use once_cell::race::OnceBox;

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

impl ObjectKind {
    /// Whether nothing that other packages see can refer to such an object.
    pub(crate) fn is_local(self) -> bool {
        use VariableKind::{Local, Parameter, Receiver, Result};
        match self {
            ObjectKind::Variable(kind) => matches!(kind, Local | Parameter | Receiver | Result),
            ObjectKind::PackageName | ObjectKind::Label => true,
            _ => false,
        }
    }
}

const EMBEDDED: u16 = 1;
const POINTER_RECEIVER: u16 = 2;
const PACKAGE_LEVEL: u16 = 4;
const ALIAS: u16 = 16;
const METHOD: u16 = 32;

/// What a name stands for. Most are local variables, hundreds of thousands in a large program, so
/// what only a few have lies in a box of its own.
#[derive(Debug)]
pub struct Object {
    pub kind: ObjectKind,
    flags: AtomicU16,
    pub name: Symbol,
    /// Absent for what is predeclared.
    pub package: Option<PackageId>,
    /// Index of the declaring file in its package, and byte offset of the declaring identifier.
    pub file: u32,
    pub offset: u32,
    object_type: TypeCell,
    rare: OnceBox<Rare>,
}

/// What methods, constants, names of packages, builtins and parts of instances have.
#[derive(Debug, Default)]
struct Rare {
    /// Functions: the type of the receiver.
    receiver: TypeCell,
    /// Methods: the name of the receiver variable.
    receiver_name: AtomicU32,
    /// The object that this one was instantiated from.
    origin: AtomicU32,
    /// Package names: the package. Builtins: their number.
    detail: AtomicU32,
    /// Constants: the value, in a box of its own, because most of these are methods.
    constant: OnceBox<Value>,
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
            flags: AtomicU16::new(0),
            name,
            package,
            file: place.0,
            offset: place.1,
            object_type: TypeCell::new(object_type),
            rare: OnceBox::new(),
        }
    }

    fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
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
        let copy = Object::new(
            self.kind,
            self.name,
            self.package,
            (self.file, self.offset),
            object_type,
        );
        copy.set(self.flags.load(Ordering::Relaxed));
        if let Some(rare) = self.rare.get() {
            let load = |number: &AtomicU32| AtomicU32::new(number.load(Ordering::Relaxed));
            let _ = copy.rare.set(Box::new(Rare {
                receiver: TypeCell::new(rare.receiver.get()),
                receiver_name: load(&rare.receiver_name),
                origin: load(&rare.origin),
                detail: load(&rare.detail),
                constant: OnceBox::new(),
            }));
        }
        copy
    }

    /// The type of the receiver of a method.
    pub fn receiver(&self) -> Option<TypeId> {
        self.rare.get()?.receiver.get()
    }

    pub(crate) fn set_receiver(&self, receiver: TypeId) {
        self.rare().receiver.set(receiver);
        self.set(METHOD);
    }

    /// The name of the receiver variable of a method, empty if it has none.
    pub fn receiver_name(&self) -> Symbol {
        let rare = self.rare.get();
        rare.map_or(Symbol::EMPTY, |rare| {
            Symbol(rare.receiver_name.load(Ordering::Relaxed))
        })
    }

    pub(crate) fn set_receiver_name(&self, name: Symbol) {
        self.rare().receiver_name.store(name.0, Ordering::Relaxed);
    }

    /// Package names: the package, as a number. Builtins: their number.
    pub(crate) fn detail(&self) -> u32 {
        let rare = self.rare.get();
        rare.map_or(0, |rare| rare.detail.load(Ordering::Relaxed))
    }

    /// The package that a package name stands for.
    pub(crate) fn imported(&self) -> PackageId {
        PackageId::from_raw(self.detail()).unwrap_or(PackageId::UNSAFE)
    }

    pub(crate) fn set_detail(&self, detail: u32) {
        self.rare().detail.store(detail, Ordering::Relaxed);
    }

    /// The value of a constant; unknown while it is being declared.
    pub fn constant(&self) -> &Value {
        let rare = self.rare.get();
        rare.and_then(|rare| rare.constant.get())
            .unwrap_or(&Value::Unknown)
    }

    pub(crate) fn set_constant(&self, value: Value) {
        // A constant that is declared twice (an error in the program) keeps its first value.
        let _ = self.rare().constant.set(Box::new(value));
    }

    fn has(&self, flag: u16) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }

    fn set(&self, flag: u16) {
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
        ObjectId::from_raw(self.rare.get()?.origin.load(Ordering::Relaxed))
    }

    pub(crate) fn set_origin(&self, origin: ObjectId) {
        self.rare().origin.store(origin.raw(), Ordering::Relaxed);
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
