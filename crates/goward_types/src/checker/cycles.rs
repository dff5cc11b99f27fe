//! Cycles: declarations that need themselves.
//!
//! Most are found while declarations are checked, by the path of those that are not finished. Two
//! kinds need a look of their own: names that lead to names only (`type A B; type B A`), before
//! anything is checked, and values of types whose size is not known yet (`type T [len(T{})]int`).
//!
//! Source: `go/types/cycles.go`, and `validCycle` in `go/types/decl.go`.

use goward_diagnostics::Span;
use goward_syntax::Specification;
use rustc_hash::FxHashSet;

use crate::checker::{Checker, Operand};
use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::object::ObjectKind;
use crate::types::Type;

/// Types nested deeper than this are taken to have a size.
const DEPTH_LIMIT: usize = 500;

impl Checker<'_> {
    /// `object` was met again while it is being declared: fine through a type, an error otherwise.
    pub(crate) fn declaration_cycle(&mut self, object: ObjectId) {
        let entry = self.world.object(object);
        let valid = self.valid_cycle(object);
        match entry.kind {
            ObjectKind::Constant | ObjectKind::Variable(_) => {
                if !valid || entry.raw_type().is_none() {
                    entry.set_type(TypeId::UNKNOWN);
                }
            }
            ObjectKind::TypeName => {
                if !valid {
                    entry.set_type(TypeId::UNKNOWN);
                }
            }
            _ => {
                if entry.raw_type().is_none() {
                    entry.set_type(TypeId::UNKNOWN);
                }
            }
        }
    }

    /// `object` is needed by so many declarations that its own is not looked at.
    pub(crate) fn path_too_long(&mut self, object: ObjectId) {
        let entry = self.world.object(object);
        entry.set_type(TypeId::UNKNOWN);
        let message = format!(
            "too many declarations need each other: the type of {} is not known",
            entry.name
        );
        let file = std::mem::replace(&mut self.environment.file, entry.file as usize);
        self.error_at(Span::at(entry.offset), message);
        self.environment.file = file;
    }

    fn valid_cycle(&mut self, object: ObjectId) -> bool {
        let start = self
            .object_path
            .iter()
            .position(|&other| other == object)
            .unwrap_or(0);
        let (mut values, mut definitions) = (0, 0);
        let cycle = &self.object_path[start..];
        for &member in cycle {
            let entry = self.world.object(member);
            match entry.kind {
                ObjectKind::Constant | ObjectKind::Variable(_) => values += 1,
                ObjectKind::TypeName => {
                    let generic = entry
                        .raw_type()
                        .is_some_and(|known| self.world.is_generic(known));
                    if self.environment.in_type_parameter_list && generic {
                        return true;
                    }
                    if !entry.is_alias_declaration() {
                        definitions += 1;
                    }
                }
                _ => {}
            }
        }
        // A cycle of values only (through functions) is found when initialisers are ordered; one
        // that goes through a type definition is how recursive types are made.
        if values == cycle.len() || (values == 0 && definitions > 0) {
            return true;
        }
        let cycle = cycle.to_vec();
        self.cycle_error(&cycle);
        false
    }

    /// Reports a cycle at that of its members which comes first in the source.
    fn cycle_error(&mut self, cycle: &[ObjectId]) {
        let first = cycle.iter().copied().min_by_key(|&member| {
            let entry = self.world.object(member);
            (entry.file, entry.offset)
        });
        let Some(first) = first else { return };
        let entry = self.world.object(first);
        if let Some(alias) = entry.raw_type()
            && alias.kind() == TypeKind::Alias
        {
            self.world.set_right_hand_side(alias, TypeId::UNKNOWN);
        }
        let (file, offset, name) = (entry.file as usize, entry.offset, entry.name);
        let current = std::mem::replace(&mut self.environment.file, file);
        self.error_at(
            Span::at(offset),
            format!("invalid cycle: {name} refers to itself"),
        );
        self.environment.file = current;
    }

    /// Finds types that are declared as each other and nothing else, and makes them unknown.
    pub(crate) fn direct_cycles(&mut self) {
        let mut done: FxHashSet<ObjectId> = FxHashSet::default();
        let mut path: Vec<ObjectId> = Vec::new();
        for index in 0..self.object_list.len() {
            let mut next = Some(self.object_list[index]);
            while let Some(object) = next.take() {
                if done.contains(&object) {
                    if let Some(start) = path.iter().position(|&other| other == object) {
                        self.world.object(object).set_type(TypeId::UNKNOWN);
                        let cycle = path.split_off(start);
                        self.cycle_error(&cycle);
                    }
                } else if let Some(name) = self.name_on_right_hand_side(object) {
                    done.insert(object);
                    path.push(object);
                    next = name;
                }
            }
            path.clear();
        }
    }

    /// What a declared type is declared as, where that is a name of this package: `Some(None)` for
    /// anything else, none for what is no type.
    fn name_on_right_hand_side(&self, object: ObjectId) -> Option<Option<ObjectId>> {
        let info = self.declarations.get(&object)?;
        let tree = self.files[info.file].tree;
        let Specification::Type { specified, .. } = tree.specification(info.type_specification?)
        else {
            return None;
        };
        if !tree.is_identifier(specified) {
            return Some(None);
        }
        let name = tree.symbol(specified);
        Some(self.scope(self.package_scope).lookup(name))
    }

    /// Makes an operand invalid whose type is still being declared, so that it has no size yet.
    pub(crate) fn pending_type(&mut self, x: &mut Operand) {
        let declared = self.object_path.len();
        if !x.is_invalid() && !self.has_finite_size(x.operand_type, declared, DEPTH_LIMIT) {
            x.invalidate();
            x.operand_type = TypeId::UNKNOWN;
        }
    }

    /// Only the first `declared` objects of the path count: a type that contains itself is a mistake
    /// of its declaration.
    fn has_finite_size(&mut self, id: TypeId, declared: usize, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return true;
        };
        let id = self.world.unalias(id);
        match self.world.get(id) {
            Type::Array { element, .. } => self.has_finite_size(element, declared, depth),
            Type::Struct(structure) => structure
                .fields
                .iter()
                .filter_map(|&field| self.world.object(field).raw_type())
                .all(|field| self.has_finite_size(field, declared, depth)),
            Type::Named(named) => {
                let elsewhere = self.world.object(named.object).package != Some(self.package);
                // What another package declares without type arguments is complete.
                if elsewhere && named.origin.is_none() || self.finite.contains(&id) {
                    return true;
                }
                let path = &self.object_path;
                if let Some(start) = path.iter().position(|&member| member == named.object) {
                    if start >= declared {
                        return true;
                    }
                    let cycle = path[start..].to_vec();
                    self.cycle_error(&cycle);
                    return false;
                }
                let Some(right_hand_side) = named.right_hand_side.get() else {
                    return true;
                };
                self.object_path.push(named.object);
                let finite = self.has_finite_size(right_hand_side, declared, depth);
                self.object_path.pop();
                if finite {
                    self.finite.insert(id);
                }
                finite
            }
            _ => true,
        }
    }
}
