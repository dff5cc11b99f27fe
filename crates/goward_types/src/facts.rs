//! What the checker found out about the nodes of a file: the counterpart of go/types' `Info`, in
//! vectors that run parallel to the nodes.

use goward_diagnostics::Span;
use goward_syntax::NodeId;
use rustc_hash::FxHashMap;

use crate::checker::Mode;
use crate::constant::Value;
use crate::ids::{ObjectId, TypeId};

/// How a selector expression finds what it selects.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SelectionKind {
    /// `x.f` is a struct field.
    FieldValue,
    /// `x.f` is a method bound to `x`.
    MethodValue,
    /// `T.f` is a method as a function.
    MethodExpression,
}

/// A selector expression that is not a qualified identifier.
#[derive(Clone, Debug)]
pub struct Selection {
    pub kind: SelectionKind,
    /// The type of `x` in `x.f`.
    pub receiver: TypeId,
    /// The field or method.
    pub object: ObjectId,
    /// Path of field indices; the last is that of the field or method.
    pub index: Box<[u32]>,
    /// Whether a pointer was followed on the way.
    pub indirect: bool,
}

/// An instantiation of a generic function or type at an identifier.
#[derive(Clone, Debug)]
pub struct Instance {
    pub arguments: Box<[TypeId]>,
    pub instance_type: TypeId,
}

/// Type, mode and constant value of one expression, packed: the raw type id, 0 where nothing is
/// recorded; then the mode in the upper five bits, a flag, and the index of the constant value plus
/// one. An array, because the standard library takes memory for arrays of zeros as it is zeroed.
type Record = [u32; 2];

const MODE_SHIFT: u32 = 27;
const SHIFT_LEFT_SIDE: u32 = 1 << 26;
const VALUE_MASK: u32 = SHIFT_LEFT_SIDE - 1;
const DEFINES: u32 = 1 << 31;

const MODES: [Mode; 11] = [
    Mode::Invalid,
    Mode::NoValue,
    Mode::Builtin,
    Mode::TypeExpression,
    Mode::Constant,
    Mode::Variable,
    Mode::MapIndex,
    Mode::Value,
    Mode::CommaOk,
    Mode::CommaError,
    Mode::CgoFunction,
];

/// Type, mode and value of an expression.
#[derive(Copy, Clone, Debug)]
pub struct TypeAndValue<'f> {
    pub mode: Mode,
    pub expression_type: TypeId,
    /// The value of a constant expression.
    pub value: Option<&'f Value>,
}

/// An entry for an identifier.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum IdentifierFact {
    /// It declares this object; none for a package clause and for `x` in `switch x := y.(type)`.
    Definition(Option<ObjectId>),
    /// It stands for this object.
    Use(ObjectId),
}

/// The literal `1` that go/types makes up for `x++`.
#[derive(Copy, Clone, Debug)]
pub(crate) struct SyntheticOne {
    pub(crate) span: Span,
    pub(crate) one_type: TypeId,
}

/// What is known about the nodes of one file.
#[derive(Debug, Default)]
pub struct FileFacts {
    records: Vec<Record>,
    values: Vec<Value>,
    identifiers: Vec<u32>,
    /// Objects declared without an identifier: imports, type-switch clauses, unnamed parameters.
    pub implicits: FxHashMap<NodeId, ObjectId>,
    pub selections: FxHashMap<NodeId, Selection>,
    /// What identifiers stand for that also declare something: an embedded field is declared by the
    /// name of its type, a type parameter of a receiver by its use.
    pub uses_of_definitions: FxHashMap<NodeId, ObjectId>,
    /// By the identifier that is instantiated.
    pub instances: FxHashMap<NodeId, Instance>,
    /// What go/types records at nodes that it makes up; only the dump of facts shows it.
    pub(crate) synthetic_ones: Vec<SyntheticOne>,
    /// End offset and type of the interfaces that constraints such as `~string` stand for.
    pub(crate) implied_interfaces: Vec<(u32, TypeId)>,
}

impl FileFacts {
    pub(crate) fn new(node_count: usize) -> FileFacts {
        FileFacts {
            records: vec![Record::default(); node_count],
            identifiers: vec![0; node_count],
            ..FileFacts::default()
        }
    }

    /// Type, mode and value of an expression node, if it has been typed.
    pub fn get(&self, node: NodeId) -> Option<TypeAndValue<'_>> {
        let &[recorded_type, detail] = self.records.get(node.index())?;
        let expression_type = TypeId::from_raw(recorded_type)?;
        let value = match detail & VALUE_MASK {
            0 => None,
            index => self.values.get(index as usize - 1),
        };
        Some(TypeAndValue {
            mode: MODES[(detail >> MODE_SHIFT) as usize],
            expression_type,
            value,
        })
    }

    /// The type of an expression node; unknown where it has none.
    pub fn type_of(&self, node: NodeId) -> TypeId {
        let recorded = self
            .records
            .get(node.index())
            .and_then(|&[recorded_type, _]| TypeId::from_raw(recorded_type));
        recorded.unwrap_or(TypeId::UNKNOWN)
    }

    /// What an identifier declares or stands for.
    pub fn identifier(&self, node: NodeId) -> Option<IdentifierFact> {
        let raw = *self.identifiers.get(node.index())?;
        match (raw & DEFINES != 0, ObjectId::from_raw(raw & !DEFINES)) {
            (true, object) => Some(IdentifierFact::Definition(object)),
            (false, Some(object)) => Some(IdentifierFact::Use(object)),
            (false, None) => None,
        }
    }

    /// The objects that identifiers of the file declare.
    pub fn defined(&self) -> impl Iterator<Item = ObjectId> {
        let defining = self.identifiers.iter().filter(|&&raw| raw & DEFINES != 0);
        defining.filter_map(|&raw| ObjectId::from_raw(raw & !DEFINES))
    }

    /// The objects that identifiers stand for, in the order of the nodes, each as often as it is named.
    pub fn used(&self) -> impl Iterator<Item = ObjectId> {
        let using = self.identifiers.iter().filter(|&&raw| raw & DEFINES == 0);
        using.filter_map(|&raw| ObjectId::from_raw(raw))
    }

    /// The object that an identifier declares or stands for.
    pub fn object_of(&self, node: NodeId) -> Option<ObjectId> {
        match self.identifier(node)? {
            IdentifierFact::Definition(object) => object,
            IdentifierFact::Use(object) => Some(object),
        }
    }

    pub(crate) fn record(
        &mut self,
        node: NodeId,
        mode: Mode,
        recorded_type: TypeId,
        value: Option<&Value>,
    ) {
        let Some(record) = self.records.get_mut(node.index()) else {
            return;
        };
        let value_index = match value {
            None => 0,
            Some(value) => match (record[1] & VALUE_MASK) as usize {
                // The same node keeps its slot when its type becomes final.
                0 => {
                    self.values.push(value.clone());
                    self.values.len() as u32
                }
                index => {
                    self.values[index - 1] = value.clone();
                    index as u32
                }
            },
        };
        let detail = ((mode as u32) << MODE_SHIFT) | value_index.min(VALUE_MASK);
        *record = [recorded_type.raw(), detail];
    }

    /// Changes the value of an expression that has been recorded.
    pub(crate) fn update_value(
        &mut self,
        node: NodeId,
        mode: Mode,
        recorded_type: TypeId,
        value: &Value,
    ) {
        let shift_left_side = self.is_shift_left_side(node);
        self.record(node, mode, recorded_type, Some(value));
        if shift_left_side {
            self.set_shift_left_side(node);
        }
    }

    /// Takes back what was recorded for a node that turned out to be in error.
    pub(crate) fn forget(&mut self, node: NodeId) {
        if let Some(record) = self.records.get_mut(node.index()) {
            *record = Record::default();
        }
    }

    pub(crate) fn set_shift_left_side(&mut self, node: NodeId) {
        if let Some(record) = self.records.get_mut(node.index()) {
            record[1] |= SHIFT_LEFT_SIDE;
        }
    }

    /// Whether the node is the left operand of a shift whose type is still open.
    pub(crate) fn is_shift_left_side(&self, node: NodeId) -> bool {
        self.records
            .get(node.index())
            .is_some_and(|record| record[1] & SHIFT_LEFT_SIDE != 0)
    }

    pub(crate) fn record_definition(&mut self, node: NodeId, object: Option<ObjectId>) {
        let before = self.identifier(node);
        if let Some(entry) = self.identifiers.get_mut(node.index()) {
            *entry = DEFINES | object.map_or(0, ObjectId::raw);
            if let Some(IdentifierFact::Use(used)) = before {
                self.uses_of_definitions.insert(node, used);
            }
        }
    }

    pub(crate) fn record_use(&mut self, node: NodeId, object: ObjectId) {
        let before = self.identifier(node);
        if let Some(entry) = self.identifiers.get_mut(node.index()) {
            if let Some(IdentifierFact::Definition(Some(_))) = before {
                self.uses_of_definitions.insert(node, object);
            } else {
                *entry = object.raw();
            }
        }
    }
}
