//! Calls of `Lock`, `Unlock` and the like.

use goward_syntax::{Expression, NodeId, NodeKind};
use goward_types::{ObjectKind, SelectionKind};

use crate::calls::unparenthesized;
use crate::event::LockMode;
use crate::path::PathId;

use super::Lowering;
use super::calls::method_name;

/// A call that takes or releases a lock.
pub(super) struct LockCall {
    pub(super) path: PathId,
    pub(super) mode: LockMode,
    pub(super) name: &'static str,
    /// A mutex of package sync.
    pub(super) sync: bool,
}

impl Lowering<'_, '_> {
    /// The lock that a call takes or releases.
    pub(super) fn lock_call(&mut self, call: NodeId) -> Option<LockCall> {
        let Expression::Call {
            function,
            arguments: [],
            ..
        } = self.file.tree.expression(unparenthesized(self.file, call))
        else {
            return None;
        };
        let function = self.method_value(unparenthesized(self.file, function));
        let name = method_name(self.file, function)?;
        let (name, mode) = match name {
            // The small ones are methods of interfaces: of others the package shows what they do.
            "Lock" | "lock" => ("Lock", LockMode::Write),
            "RLock" | "rlock" => ("RLock", LockMode::Read),
            "Unlock" | "unlock" => ("Unlock", LockMode::Write),
            "RUnlock" | "runlock" => ("RUnlock", LockMode::Read),
            "TryLock" => ("TryLock", LockMode::Write),
            "TryRLock" => ("TryRLock", LockMode::Read),
            _ => return None,
        };
        let world = self.package.world;
        let sync = match self.file.facts.selections.get(&function) {
            Some(selection) => {
                if selection.kind != SelectionKind::MethodValue {
                    return None;
                }
                let method = crate::calls::origin(world, selection.object);
                let object = world.object(method);
                if self.units.of_object(method).is_some() {
                    // A method of this package: its summary tells.
                    return None;
                }
                let package = object
                    .package
                    .map_or("", |package| world.package(package).path.as_str());
                let results = world
                    .as_signature(world.object_type(method))
                    .map_or(0, |signature| world.tuple(signature.results).len());
                if results > 0 && !name.starts_with("Try") {
                    // A file lock or a distributed one, which may fail.
                    return None;
                }
                let receiver = object
                    .receiver()
                    .and_then(|receiver| crate::unit::named_behind(world, receiver))
                    .map_or("", |object| world.object(object).name.as_str());
                package == "sync" && matches!(receiver, "Mutex" | "RWMutex")
            }
            // A package function is no lock, and of what is unknown the name decides.
            None => {
                let Expression::Selector { operand, .. } = self.file.tree.expression(function)
                else {
                    return None;
                };
                let package = self
                    .file
                    .facts
                    .object_of(operand)
                    .is_some_and(|object| world.object(object).kind == ObjectKind::PackageName);
                if package || (!name.starts_with("Try") && self.is_value(call)) {
                    return None;
                }
                false
            }
        };
        let path = self.receiver_path(function)?;
        // A method of another package may be there for a mutex that other methods lock, too.
        if !sync
            && let Some(selection) = self.file.facts.selections.get(&function)
            && let method = crate::calls::origin(world, selection.object)
            && let Some((path, write)) = self.imported_mutex(method, function)
        {
            let mode = match write {
                true => LockMode::Write,
                false => LockMode::Read,
            };
            return Some(LockCall {
                path,
                mode,
                name,
                sync: true,
            });
        }
        Some(LockCall {
            path,
            mode,
            name,
            sync,
        })
    }

    /// Whether what a call gives is made use of: one that gives an error may not have locked.
    fn is_value(&self, call: NodeId) -> bool {
        let tree = self.file.tree;
        let around = self.unit.nodes.iter().find(|entry| entry.0 == call);
        !around.is_none_or(|&(_, around)| {
            matches!(
                tree.kind(around),
                NodeKind::ExprStmt | NodeKind::DeferStmt | NodeKind::GoStmt
            )
        })
    }

    /// The place of a lock of which a call gives back the guard: `guard := x.mu.Lock("why")`, where the guard
    /// is unlocked. Its type need not be one of this package.
    pub(super) fn guarded_lock(&mut self, call: NodeId) -> Option<PathId> {
        let call = unparenthesized(self.file, call);
        let Expression::Call { function, .. } = self.file.tree.expression(call) else {
            return None;
        };
        let function = unparenthesized(self.file, function);
        if !matches!(method_name(self.file, function)?, "Lock" | "RLock") {
            return None;
        }
        let world = self.package.world;
        let given = self.file.facts.type_of(call);
        let base = world.deref(given).0;
        let unlocks = given.is_known()
            && world.method_set(given).iter().any(|selection| {
                let method = world.object(selection.method);
                matches!(method.name.as_str(), "Unlock" | "RUnlock" | "Release")
            });
        if !unlocks || !base.is_known() {
            return None;
        }
        self.receiver_path(function)
    }

    /// The method value that a variable has been given, its one value: `unlock := mu.Unlock`.
    fn method_value(&self, function: NodeId) -> NodeId {
        let single = || {
            if self.file.tree.kind(function) != NodeKind::Ident {
                return None;
            }
            let object = self.file.facts.object_of(function)?;
            let (file, value) = self.lowered.variables.single(object)?;
            if file != self.unit.file {
                return None;
            }
            let value = unparenthesized(self.file, value);
            let method = self.file.tree.kind(value) == NodeKind::SelectorExpr
                && self.file.facts.selections.contains_key(&value);
            method.then_some(value)
        };
        single().unwrap_or(function)
    }
}
