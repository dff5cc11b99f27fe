//! Labels of a function body, and the branches to them.
//!
//! Source: `go/types/labels.go`; only what declares labels and finds their uses. That a jump goes
//! into a block or over a declaration changes no types and is left to the compiler.

use std::collections::hash_map::Entry;

use goward_syntax::{NodeId, Statement, Symbol};
use rustc_hash::FxHashMap;

use crate::checker::Checker;
use crate::ids::{ObjectId, TypeId};
use crate::object::{Object, ObjectKind};

impl<'w> Checker<'w> {
    /// Declares the labels of a body and records the branches to them.
    pub(crate) fn labels(&mut self, body: NodeId) {
        let mut labels: FxHashMap<Symbol, ObjectId> = FxHashMap::default();
        let mut branches = Vec::new();
        self.collect_labels(body, &mut labels, &mut branches);
        for label in branches {
            match labels.get(&self.symbol(label)) {
                Some(&object) => self.record_use(label, object),
                None => self.error(label, "label not declared"),
            }
        }
    }

    fn collect_labels(
        &mut self,
        node: NodeId,
        labels: &mut FxHashMap<Symbol, ObjectId>,
        branches: &mut Vec<NodeId>,
    ) {
        let list: &'w [NodeId] = match self.tree().statement(node) {
            Statement::Labeled { label, statement } => {
                let name = self.symbol(label);
                let place = self.place(label);
                let object = Object::new(
                    ObjectKind::Label,
                    name,
                    Some(self.package),
                    place,
                    Some(TypeId::UNKNOWN),
                );
                let object = self.world.add_object(object);
                // A blank label is no label at all.
                if !name.is_blank() {
                    match labels.entry(name) {
                        Entry::Occupied(_) => {
                            self.error(label, format!("label {name} already declared"))
                        }
                        Entry::Vacant(entry) => {
                            entry.insert(object);
                            self.record_definition(label, Some(object));
                        }
                    }
                }
                return self.collect_labels(statement, labels, branches);
            }
            Statement::Branch {
                label: Some(label), ..
            } => return branches.push(label),
            Statement::If {
                then, otherwise, ..
            } => {
                self.collect_labels(then, labels, branches);
                if let Some(otherwise) = otherwise {
                    self.collect_labels(otherwise, labels, branches);
                }
                return;
            }
            Statement::Switch { body, .. }
            | Statement::TypeSwitch { body, .. }
            | Statement::Select { body }
            | Statement::For { body, .. }
            | Statement::Range { body, .. } => return self.collect_labels(body, labels, branches),
            Statement::Block { statements } => statements,
            Statement::CaseClause { body, .. } | Statement::CommunicationClause { body, .. } => {
                body
            }
            _ => &[],
        };
        for &statement in list {
            self.collect_labels(statement, labels, branches);
        }
    }
}
