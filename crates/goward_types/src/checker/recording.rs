//! Recording what was found out, at the nodes of the current file.
//!
//! Expressions of untyped type are recorded at once with that type; when the type becomes final
//! the record is changed. go/types keeps them in a map of their own until then.
//!
//! Source: `go/types/recording.go`.

use goward_syntax::{Expression, NodeId, Symbol};

use crate::checker::{Checker, Mode, Operand};
use crate::constant::Value;
use crate::facts::{FileFacts, Instance, Selection, SelectionKind};
use crate::ids::{ObjectId, TypeId};
use crate::types::Parameter;

impl Checker<'_> {
    pub(crate) fn file_facts(&mut self) -> &mut FileFacts {
        &mut self.facts[self.environment.file]
    }

    /// Records an operand at its expression.
    pub(crate) fn record(&mut self, x: &Operand) {
        let node = x.node();
        match x.mode {
            // Nothing is known: the node stays without a record.
            Mode::Invalid => {}
            Mode::NoValue => {
                let nothing = self.world.empty_tuple();
                self.file_facts().record(node, Mode::NoValue, nothing, None);
            }
            Mode::Constant => {
                self.file_facts()
                    .record(node, x.mode, x.operand_type, Some(&x.value))
            }
            mode => self.file_facts().record(node, mode, x.operand_type, None),
        }
    }

    pub(crate) fn record_type_and_value(
        &mut self,
        node: NodeId,
        mode: Mode,
        recorded_type: TypeId,
        value: Option<&Value>,
    ) {
        if mode != Mode::Invalid {
            self.file_facts().record(node, mode, recorded_type, value);
        }
    }

    /// Records the signature of a call of a built-in function at the function and its parentheses.
    pub(crate) fn record_builtin_type(&mut self, mut function: NodeId, signature: TypeId) {
        loop {
            self.record_type_and_value(function, Mode::Builtin, signature, None);
            match self.tree().expression(function) {
                Expression::Parenthesized { inner } => function = inner,
                _ => return,
            }
        }
    }

    /// Records the types of the two values of `v, ok = x`.
    pub(crate) fn record_comma_ok_types(
        &mut self,
        mut node: NodeId,
        first: TypeId,
        second: TypeId,
    ) {
        let parameter = |parameter_type| Parameter {
            name: Symbol::EMPTY,
            parameter_type,
        };
        let tuple = self
            .world
            .new_tuple(Box::new([parameter(first), parameter(second)]));
        loop {
            let mode = self
                .file_facts()
                .get(node)
                .map_or(Mode::Value, |fact| fact.mode);
            self.file_facts().record(node, mode, tuple, None);
            match self.tree().expression(node) {
                Expression::Parenthesized { inner } => node = inner,
                _ => return,
            }
        }
    }

    /// The identifier of `f`, `p.f`, `f[…]` or `p.f[…]`.
    pub(crate) fn instantiated_identifier(&self, node: NodeId) -> Option<NodeId> {
        match self.tree().expression(node) {
            Expression::Identifier => Some(node),
            Expression::Selector { name, .. } => Some(name),
            Expression::Index { operand, .. } => match self.tree().expression(operand) {
                Expression::Identifier => Some(operand),
                Expression::Selector { name, .. } => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    pub(crate) fn record_instance(
        &mut self,
        node: NodeId,
        arguments: &[TypeId],
        instance_type: TypeId,
    ) {
        if self.settings.no_facts {
            return;
        }
        if let Some(identifier) = self.instantiated_identifier(node) {
            let instance = Instance {
                arguments: arguments.into(),
                instance_type,
            };
            self.file_facts().instances.insert(identifier, instance);
        }
    }

    pub(crate) fn record_definition(&mut self, identifier: NodeId, object: Option<ObjectId>) {
        self.file_facts().record_definition(identifier, object);
    }

    pub(crate) fn record_use(&mut self, identifier: NodeId, object: ObjectId) {
        self.file_facts().record_use(identifier, object);
    }

    pub(crate) fn record_implicit(&mut self, node: NodeId, object: ObjectId) {
        if !self.settings.no_facts {
            self.file_facts().implicits.insert(node, object);
        }
    }

    /// Records a selector expression `x.name` at its node, and the use at its name.
    pub(crate) fn record_selection(
        &mut self,
        node: NodeId,
        kind: SelectionKind,
        receiver: TypeId,
        object: ObjectId,
        index: &[u32],
        indirect: bool,
    ) {
        if let Expression::Selector { name, .. } = self.tree().expression(node) {
            self.record_use(name, object);
        }
        if !self.settings.no_facts {
            let selection = Selection {
                kind,
                receiver,
                object,
                index: index.into(),
                indirect,
            };
            self.file_facts().selections.insert(node, selection);
        }
    }
}
