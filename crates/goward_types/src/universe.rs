//! What is predeclared: the basic types, `error`, `any`, `comparable`, constants, `nil`, built-in
//! functions, and package `unsafe`.
//!
//! Source: `go/types/universe.go`.

use goward_syntax::Symbol;
use rustc_hash::FxHashMap;

use crate::constant::Value;
use crate::ids::{ObjectId, PackageId, TypeId};
use crate::object::{Object, ObjectKind};
use crate::types::{Parameter, Signature};
use crate::world::World;

/// A built-in function.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Builtin {
    Append,
    Cap,
    Clear,
    Close,
    Complex,
    Copy,
    Delete,
    Imag,
    Len,
    Make,
    Max,
    Min,
    New,
    Panic,
    Print,
    Println,
    Real,
    Recover,
    UnsafeAdd,
    UnsafeAlignof,
    UnsafeOffsetof,
    UnsafeSizeof,
    UnsafeSlice,
    UnsafeSliceData,
    UnsafeString,
    UnsafeStringData,
    /// Only in go/types' own tests.
    TestAssert,
    /// Only in go/types' own tests.
    TestTrace,
}

/// Whether a call of a built-in function may stand alone as a statement.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum CallKind {
    Conversion,
    Expression,
    Statement,
}

/// Name, least number of arguments, whether more are allowed, and kind, by [`Builtin`].
const BUILTINS: [(Builtin, &str, usize, bool, CallKind); 28] = {
    use Builtin as B;
    use CallKind::{Expression, Statement};
    [
        (B::Append, "append", 1, true, Expression),
        (B::Cap, "cap", 1, false, Expression),
        (B::Clear, "clear", 1, false, Statement),
        (B::Close, "close", 1, false, Statement),
        (B::Complex, "complex", 2, false, Expression),
        (B::Copy, "copy", 2, false, Statement),
        (B::Delete, "delete", 2, false, Statement),
        (B::Imag, "imag", 1, false, Expression),
        (B::Len, "len", 1, false, Expression),
        (B::Make, "make", 1, true, Expression),
        (B::Max, "max", 1, true, Expression),
        (B::Min, "min", 1, true, Expression),
        (B::New, "new", 1, false, Expression),
        (B::Panic, "panic", 1, false, Statement),
        (B::Print, "print", 0, true, Statement),
        (B::Println, "println", 0, true, Statement),
        (B::Real, "real", 1, false, Expression),
        (B::Recover, "recover", 0, false, Statement),
        (B::UnsafeAdd, "Add", 2, false, Expression),
        (B::UnsafeAlignof, "Alignof", 1, false, Expression),
        (B::UnsafeOffsetof, "Offsetof", 1, false, Expression),
        (B::UnsafeSizeof, "Sizeof", 1, false, Expression),
        (B::UnsafeSlice, "Slice", 2, false, Expression),
        (B::UnsafeSliceData, "SliceData", 1, false, Expression),
        (B::UnsafeString, "String", 2, false, Expression),
        (B::UnsafeStringData, "StringData", 1, false, Expression),
        (B::TestAssert, "assert", 1, false, Statement),
        (B::TestTrace, "trace", 0, true, Expression),
    ]
};

impl Builtin {
    /// The name as written, without `unsafe.`.
    pub fn name(self) -> &'static str {
        BUILTINS[self as usize].1
    }

    /// The least number of arguments, and whether more are allowed.
    pub fn arity(self) -> (usize, bool) {
        (BUILTINS[self as usize].2, BUILTINS[self as usize].3)
    }

    /// Whether a call may stand alone as a statement.
    pub fn call_kind(self) -> CallKind {
        BUILTINS[self as usize].4
    }

    /// The built-in function that an object of kind [`ObjectKind::Builtin`] is.
    pub fn of(object: &Object) -> Builtin {
        BUILTINS[object.detail() as usize].0
    }
}

/// The universe of a world: predeclared names, and shortcuts to those that the checker asks for.
#[derive(Debug)]
pub struct Universe {
    scope: FxHashMap<Symbol, ObjectId>,
    /// `error`
    pub error: TypeId,
    /// `any`, an alias
    pub any: TypeId,
    /// The empty interface that `any` stands for.
    pub empty_interface: TypeId,
    /// An empty interface that is written `interface{}`: what `panic` takes and `recover` gives.
    pub written_empty_interface: TypeId,
    /// `comparable`
    pub comparable: TypeId,
    pub iota: ObjectId,
    pub nil: ObjectId,
}

impl Universe {
    /// The predeclared object of this name.
    pub fn lookup(&self, name: Symbol) -> Option<ObjectId> {
        self.scope.get(&name).copied()
    }

    pub(crate) fn new(world: &World) -> Universe {
        let package_unsafe = world.new_package("unsafe", Vec::new(), false);
        debug_assert_eq!(package_unsafe, PackageId::UNSAFE);
        let mut scope = FxHashMap::default();
        let mut unsafe_scope = FxHashMap::default();
        let symbol = Symbol::intern;
        let nowhere = (0, 0);
        let mut declare = |object: Object| {
            let name = object.name;
            let in_unsafe = object.package.is_some();
            let id = world.add_object(object);
            world.object(id).set_package_level();
            if in_unsafe {
                &mut unsafe_scope
            } else {
                &mut scope
            }
            .insert(name, id);
            id
        };
        for basic in TypeId::basics() {
            let name = basic.basic_name();
            if name.contains(' ') {
                continue;
            }
            let package = (basic == TypeId::UNSAFE_POINTER).then_some(package_unsafe);
            declare(Object::new(
                ObjectKind::TypeName,
                symbol(name),
                package,
                nowhere,
                Some(basic),
            ));
        }

        let empty_interface = world.new_interface(Box::default(), Box::default(), false);
        let written_empty_interface = world.new_interface(Box::default(), Box::default(), false);
        let any_object = declare(Object::new(
            ObjectKind::TypeName,
            symbol("any"),
            None,
            nowhere,
            None,
        ));
        world.object(any_object).set_alias_declaration();
        let any = world.new_alias(any_object);
        world.set_right_hand_side(any, empty_interface);
        world.object(any_object).set_type(any);

        let error_object = declare(Object::new(
            ObjectKind::TypeName,
            symbol("error"),
            None,
            nowhere,
            None,
        ));
        let error = world.new_named(error_object);
        world.object(error_object).set_type(error);
        let result = Parameter {
            name: Symbol::EMPTY,
            parameter_type: TypeId::STRING,
        };
        let signature = world.new_signature(Signature {
            type_parameters: Box::default(),
            receiver_type_parameters: Box::default(),
            parameters: world.empty_tuple(),
            results: world.new_tuple(Box::new([result])),
            variadic: false,
        });
        let method = world.add_object(Object::new(
            ObjectKind::Function,
            symbol("Error"),
            None,
            nowhere,
            Some(signature),
        ));
        world.object(method).set_receiver(error);
        let interface = world.new_interface(Box::new([method]), Box::default(), false);
        world.set_right_hand_side(error, interface);

        let comparable_object = declare(Object::new(
            ObjectKind::TypeName,
            symbol("comparable"),
            None,
            nowhere,
            None,
        ));
        let comparable = world.new_named(comparable_object);
        world.object(comparable_object).set_type(comparable);
        world.set_right_hand_side(comparable, world.new_comparable_interface());

        for (name, kind, value) in [
            ("true", TypeId::UNTYPED_BOOL, Value::Bool(true)),
            ("false", TypeId::UNTYPED_BOOL, Value::Bool(false)),
            ("iota", TypeId::UNTYPED_INT, Value::Int(0)),
        ] {
            let id = declare(Object::new(
                ObjectKind::Constant,
                symbol(name),
                None,
                nowhere,
                Some(kind),
            ));
            world.object(id).set_constant(value);
        }
        let nil = declare(Object::new(
            ObjectKind::Nil,
            symbol("nil"),
            None,
            nowhere,
            Some(TypeId::UNTYPED_NIL),
        ));
        for (builtin, name, ..) in BUILTINS {
            if matches!(builtin, Builtin::TestAssert | Builtin::TestTrace) {
                continue;
            }
            let package = name
                .starts_with(char::is_uppercase)
                .then_some(package_unsafe);
            let object = Object::new(
                ObjectKind::Builtin,
                symbol(name),
                package,
                nowhere,
                Some(TypeId::UNKNOWN),
            );
            object.set_detail(builtin as u32);
            declare(object);
        }
        let iota = scope[&symbol("iota")];
        world.package(package_unsafe).set_name(symbol("unsafe"));
        world.package(package_unsafe).set_scope(unsafe_scope);
        world.package(package_unsafe).settle();
        Universe {
            scope,
            error,
            any,
            empty_interface,
            written_empty_interface,
            comparable,
            iota,
            nil,
        }
    }
}
