//! Calls of functions of other packages whose bodies are known: the locks that they take and give back
//! and the maps that they use, in terms of the caller.

use goward_syntax::{NodeId, Symbol};
use goward_types::{Body, BodyLock, BodyPlace, BodyRoot, LockUse, MapUse, ObjectId, Type, TypeId};

use crate::calls::{Callee, origin};
use crate::event::{AccessKind, EventKind, LockMode};
use crate::path::{Element, PathId};

use super::{ImportedStart, Lowering};

/// The fields of a variable's object, and of an object in a field of that one.
const MAX_FIELDS: usize = 2;

impl<'a> Lowering<'_, 'a> {
    /// What a call of such a function does to locks and maps.
    pub(super) fn imported_call(
        &mut self,
        call: NodeId,
        called: Callee<'_>,
        function: NodeId,
        arguments: &[NodeId],
    ) {
        let Some((object, body)) = self.imported_body(called) else {
            return;
        };
        for (path, kind, argument) in self.imported_uses(body, object, function, arguments) {
            match argument {
                Some(argument) => self.access_of(argument, path, kind, call),
                None => self.access(path, kind, call),
            }
        }
        let locks: &[BodyLock] = match self.world().object(object).name.as_str() {
            // Here it is no lock, or it would not have come so far.
            "Lock" | "RLock" | "Unlock" | "RUnlock" => &[],
            _ => &body.locks,
        };
        for lock in locks {
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

    /// `go f(…)` of a function of another package.
    pub(super) fn imported_start(
        &mut self,
        statement: NodeId,
        call: NodeId,
        called: Callee<'_>,
        function: NodeId,
        arguments: &[NodeId],
    ) {
        let Some((object, body)) = self.imported_body(called) else {
            return;
        };
        for (path, kind, _) in self.imported_uses(body, object, function, arguments) {
            self.lowered.imported_starts.push(ImportedStart {
                unit: self.id,
                statement,
                call,
                path,
                kind,
            });
        }
    }

    /// A function of another package, and what it does, if that is known.
    fn imported_body(&self, called: Callee<'_>) -> Option<(ObjectId, &'a Body)> {
        match called {
            Callee::Function(object) => Some((object, self.package.imported_body(object)?)),
            _ => None,
        }
    }

    /// What a function of another package does with maps: which map, what, and the argument that is the map.
    fn imported_uses(
        &mut self,
        body: &Body,
        object: ObjectId,
        function: NodeId,
        arguments: &[NodeId],
    ) -> Vec<(PathId, AccessKind, Option<NodeId>)> {
        // Functions of package maps are known anyway.
        let package = self.world().object(object).package;
        let known =
            package.is_some_and(|package| self.world().package(package).path.as_str() == "maps");
        let mut uses = Vec::new();
        for (place, use_of_it) in body.map_uses.iter().filter(|_| !known) {
            let kind = match use_of_it {
                MapUse::Read => AccessKind::Read,
                MapUse::Iterate => AccessKind::Iterate,
                MapUse::Write => AccessKind::Write,
                MapUse::Delete => AccessKind::Delete,
                MapUse::Clear => AccessKind::Clear,
            };
            let Some(path) = self.imported_place(place, object, function, arguments) else {
                continue;
            };
            match (&place.root, place.fields.is_empty()) {
                (BodyRoot::Parameter(position), true) => {
                    let argument = arguments[*position as usize];
                    if self.is_map(self.file.facts.type_of(argument)) {
                        uses.push((path, kind, Some(argument)));
                    }
                }
                // Objects further on are somebody else's, who knows when they may be used.
                _ if self.lowered.paths.get(path).elements.len() <= MAX_FIELDS => {
                    uses.push((path, kind, None));
                }
                _ => {}
            }
        }
        uses
    }

    /// The mutex of package sync that a method of another package called `Lock` takes for its caller, or one
    /// called `Unlock` gives back, where the two are about the same one; and whether for writing.
    pub(super) fn imported_mutex(
        &mut self,
        method: ObjectId,
        function: NodeId,
    ) -> Option<(PathId, bool)> {
        let name = self.world().object(method).name;
        let (lock, unlock) = match name.as_str() {
            "Lock" | "Unlock" => ("Lock", "Unlock"),
            "RLock" | "RUnlock" => ("RLock", "RUnlock"),
            _ => return None,
        };
        let only = |name: &str, wanted: LockUse| match &*self
            .package
            .imported_sibling(method, name)?
            .locks
        {
            [one] if one.lock_use == wanted && one.place.root == BodyRoot::Receiver => Some(one),
            _ => None,
        };
        let taken = only(lock, LockUse::Acquires).filter(|taken| taken.sync)?;
        let given = only(unlock, LockUse::Releases)?;
        if taken.place != given.place || self.package.imported_sibling(method, "TryLock").is_some()
        {
            return None;
        }
        let path = self.imported_place(&taken.place, method, function, &[])?;
        Some((path, taken.write))
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
