//! Calls of functions of other packages whose bodies are known: the locks that they take and give back,
//! in terms of the caller.

use goward_syntax::{NodeId, Symbol};
use goward_types::{BodyPlace, BodyRoot, ObjectId, Type, TypeId};

use crate::calls::{Callee, origin};
use crate::event::{EventKind, LockMode};
use crate::path::{Element, PathId};

use super::Lowering;

impl Lowering<'_, '_> {
    /// What a call of such a function does to locks.
    pub(super) fn imported_call(
        &mut self,
        call: NodeId,
        called: Callee<'_>,
        function: NodeId,
        arguments: &[NodeId],
    ) {
        let Callee::Function(object) = called else {
            return;
        };
        let Some(body) = self.package.imported_body(object) else {
            return;
        };
        for lock in &body.locks {
            if let Some(path) = self.imported_place(&lock.place, object, function, arguments) {
                let mode = match lock.write {
                    true => LockMode::Write,
                    false => LockMode::Read,
                };
                self.emit(
                    call,
                    EventKind::Imported {
                        path,
                        lock_use: lock.lock_use,
                        mode,
                        sync: lock.sync,
                    },
                );
            }
        }
    }

    /// A place of the function in terms of the caller.
    fn imported_place(
        &mut self,
        place: &BodyPlace,
        callee: ObjectId,
        function: NodeId,
        arguments: &[NodeId],
    ) -> Option<PathId> {
        let world = self.world();
        let (mut path, mut from) = match &place.root {
            BodyRoot::Receiver => {
                let selection = self.file.facts.selections.get(&function)?;
                if selection.kind != goward_types::SelectionKind::MethodValue {
                    return None;
                }
                let receiver = world.object(callee).receiver()?;
                (self.receiver_path(function)?, receiver)
            }
            BodyRoot::Parameter(position) => {
                let argument = *arguments.get(*position as usize)?;
                let selection = self.file.facts.selections.get(&function);
                let shifted = selection
                    .is_some_and(|known| known.kind != goward_types::SelectionKind::MethodValue);
                if shifted {
                    return None;
                }
                (self.path(argument)?, self.file.facts.type_of(argument))
            }
            BodyRoot::Variable(name) => {
                let package = world.object(callee).package?;
                let variable = world.package(package).lookup(Symbol::intern(name))?;
                (
                    self.lowered.paths.variable(variable),
                    world.object_type(variable),
                )
            }
        };
        for name in &place.fields {
            let field = self.field(from, name)?;
            let element = Element::Field(origin(world, field));
            path = self.lowered.paths.extend(path, element, &[])?;
            from = world.object_type(field);
        }
        Some(path)
    }

    /// The field of this name of a struct or of what a pointer to one leads to.
    fn field(&self, from: TypeId, name: &str) -> Option<ObjectId> {
        let world = self.world();
        let (behind, _) = world.deref(from);
        let Type::Struct(structure) = world.get(world.underlying(behind)) else {
            return None;
        };
        let mut fields = structure.fields.iter().copied();
        fields.find(|&field| world.object(field).name.as_str() == name)
    }
}
