//! What the functions of a package do for callers in other packages.

use goward_types::{Bodies, Body, BodyLock, BodyPlace, BodyRoot, LockUse, MapUse, is_exported};

use crate::event::{AccessKind, LockMode};
use crate::package::PackageFlow;
use crate::path::{Element, PathId, is_package_variable};
use crate::state::Mode;
use crate::unit::Unit;

/// What happens to a field of an object further down than this is nothing that callers think of.
const MAX_CALLS: usize = 1;

impl PackageFlow<'_> {
    /// What callers in other packages need to know of the functions that they can call. Tests are
    /// called by nobody.
    pub fn bodies(&self) -> Bodies {
        let world = self.package.world;
        let mut bodies = Bodies::default();
        for (id, unit) in self.units.iter() {
            let Some(object) = unit.object else { continue };
            let name = world.object(object).name;
            if !is_exported(name) || self.package.files[unit.file].test {
                continue;
            }
            let maps = self.nil_maps().summaries.get(&object);
            let summary = self.locks.summary(id);
            // Calls of such functions are locks by their names; what they lock says which.
            let is_lock = matches!(name.as_str(), "Lock" | "RLock" | "Unlock" | "RUnlock");
            let is_attempt = matches!(name.as_str(), "TryLock" | "TryRLock");
            let mut locks = Vec::new();
            let mut add = |path: PathId, lock_use, write, sync| {
                if !is_attempt
                    && (!is_lock || lock_use != LockUse::Takes)
                    && let Some(place) = self.place_for_callers(unit, path)
                {
                    let lock = BodyLock {
                        place,
                        lock_use,
                        write,
                        sync,
                    };
                    if !locks.contains(&lock) {
                        locks.push(lock);
                    }
                }
            };
            let kept = |path| {
                summary
                    .acquired
                    .iter()
                    .any(|(acquired, _)| *acquired == path)
            };
            for take in summary.takes.iter().filter(|take| !take.by_state) {
                if !kept(take.path) && !summary.released.contains(&take.path) {
                    let write = take.mode == LockMode::Write;
                    add(take.path, LockUse::Takes, write, true);
                }
            }
            for &(path, held) in &summary.acquired {
                if held.is_held() {
                    add(path, LockUse::Acquires, held.mode == Mode::Write, held.sync);
                }
            }
            for &path in &summary.released {
                add(path, LockUse::Releases, true, true);
            }
            let mut maps = maps.cloned().unwrap_or_default();
            // What it gives back may rest on what it is given, and its callers know what that is; but
            // who has been told that all went well counts on a map.
            // Of three results the other two may tell together.
            let told = maps.returns_nil.len() == 2;
            if unit.receiver.is_some() || !unit.parameters.is_empty() && !told {
                for result in &mut maps.returns_nil {
                    result.0 = false;
                }
            }
            if maps
                .returns_nil
                .iter()
                .all(|&result| result == (false, false))
            {
                maps.returns_nil.clear();
            }
            let mut map_uses: Vec<(BodyPlace, MapUse)> = Vec::new();
            for effect in &summary.effects {
                let use_of_it = match effect.access.kind {
                    AccessKind::Read => MapUse::Read,
                    AccessKind::Iterate => MapUse::Iterate,
                    AccessKind::Write => MapUse::Write,
                    AccessKind::Delete => MapUse::Delete,
                    AccessKind::Clear => MapUse::Clear,
                    AccessKind::Replace | AccessKind::Count | AccessKind::Length => continue,
                };
                if effect.may_hold_any() {
                    continue;
                }
                // A receiver that is a map is known by the names of its methods.
                let place = self.place_for_callers(unit, effect.access.path);
                let place = place.filter(|place| match (&place.root, place.fields.len()) {
                    (BodyRoot::Parameter(_), 0) => true,
                    (BodyRoot::Parameter(_) | BodyRoot::Receiver, 1) => {
                        effect.calls.len() <= MAX_CALLS
                    }
                    _ => false,
                });
                if let Some(place) = place
                    && !map_uses
                        .iter()
                        .any(|known| *known == (place.clone(), use_of_it))
                {
                    map_uses.push((place, use_of_it));
                }
            }
            map_uses.sort_unstable();
            let body = Body {
                never_returns: self.units.no_return(object),
                maps,
                locks,
                map_uses,
            };
            if body != Body::default() {
                bodies.functions.insert(unit.name.clone(), body);
            }
        }
        bodies
    }

    /// A place of a function in terms of its callers; none where it is not what the function was given
    /// or a variable of the package.
    fn place_for_callers(&self, unit: &Unit, path: PathId) -> Option<BodyPlace> {
        let world = self.package.world;
        let paths = self.locks.paths();
        let variable = paths.root(path)?;
        let position = unit
            .parameters
            .iter()
            .position(|&parameter| parameter == Some(variable));
        let root = if unit.receiver == Some(variable) {
            BodyRoot::Receiver
        } else if let Some(position) = position {
            BodyRoot::Parameter(position as u32)
        } else if is_package_variable(world, variable) {
            let variable = world.object(variable);
            if variable.package != Some(self.package.package) {
                return None;
            }
            BodyRoot::Variable(variable.name.as_str().to_owned())
        } else {
            return None;
        };
        // A parameter that the function assigns stands for another object by then.
        let assigned = !matches!(root, BodyRoot::Variable(_))
            && self
                .lowered
                .variables
                .get(variable)
                .is_some_and(|known| !known.values.is_empty() || known.other);
        if assigned {
            return None;
        }
        let fields = paths
            .get(path)
            .elements
            .iter()
            .map(|element| match element {
                Element::Field(field) => Some(world.object(*field).name.as_str().to_owned()),
                Element::Name(_) | Element::Index(_) => None,
            });
        Some(BodyPlace {
            root,
            fields: fields.collect::<Option<Vec<String>>>()?,
        })
    }
}
