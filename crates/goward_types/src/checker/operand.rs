//! Operands: the intermediate results of checking expressions.
//!
//! Source: `go/types/operand.go`.

use goward_syntax::NodeId;

use crate::constant::Value;
use crate::ids::TypeId;
use crate::universe::Builtin;

/// What an expression turned out to be.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mode {
    /// In error; nothing is concluded from it.
    Invalid,
    /// No value: the call of a function without results.
    NoValue,
    Builtin,
    /// A type.
    TypeExpression,
    Constant,
    /// An addressable variable.
    Variable,
    /// `m[k]`: assignable, and allowed in `v, ok :=`.
    MapIndex,
    /// A computed value. `nil` is one of type untyped nil.
    Value,
    /// A value that is also allowed in `v, ok :=`.
    CommaOk,
    /// Like `CommaOk`, but the second value is an error (cgo).
    CommaError,
    CgoFunction,
}

/// An operand of an expression.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) mode: Mode,
    /// The expression, a node of the current file; none for made-up operands.
    pub(crate) expression: Option<NodeId>,
    pub(crate) operand_type: TypeId,
    /// The value, in mode `Constant`.
    pub(crate) value: Value,
    /// The function, in mode `Builtin`.
    pub(crate) builtin: Option<Builtin>,
}

impl Default for Operand {
    fn default() -> Operand {
        Operand {
            mode: Mode::Invalid,
            expression: None,
            operand_type: TypeId::UNKNOWN,
            value: Value::Unknown,
            builtin: None,
        }
    }
}

impl Operand {
    /// An operand in error, for `expression`.
    pub(crate) fn invalid(expression: NodeId) -> Operand {
        Operand {
            expression: Some(expression),
            ..Operand::default()
        }
    }

    /// The expression of an operand that has one.
    pub(crate) fn node(&self) -> NodeId {
        self.expression
            .expect("an operand that is recorded has an expression")
    }

    pub(crate) fn is_invalid(&self) -> bool {
        self.mode == Mode::Invalid
    }

    /// Whether this is the predeclared `nil`.
    pub(crate) fn is_nil(&self) -> bool {
        self.mode == Mode::Value && self.operand_type == TypeId::UNTYPED_NIL
    }

    /// Makes it invalid; what is known of its expression stays.
    pub(crate) fn invalidate(&mut self) {
        self.mode = Mode::Invalid;
    }
}
