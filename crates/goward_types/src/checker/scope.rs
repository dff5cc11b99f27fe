//! Scopes: names and what they stand for, from the blocks of a function up to its package.

use goward_syntax::Symbol;
use rustc_hash::FxHashMap;

use crate::checker::Checker;
use crate::ids::ObjectId;

/// A scope of the package being checked.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScopeId(pub(crate) u32);

/// From this many names on, a scope looks them up in a table.
const LINEAR: usize = 12;

#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) parent: Option<ScopeId>,
    entries: Vec<(Symbol, ObjectId)>,
    table: Option<Box<FxHashMap<Symbol, ObjectId>>>,
}

impl Scope {
    pub(crate) fn lookup(&self, name: Symbol) -> Option<ObjectId> {
        match &self.table {
            Some(table) => table.get(&name).copied(),
            None => self
                .entries
                .iter()
                .find(|entry| entry.0 == name)
                .map(|entry| entry.1),
        }
    }

    /// Adds a name; the object that has it already is returned and kept.
    pub(crate) fn insert(&mut self, name: Symbol, object: ObjectId) -> Option<ObjectId> {
        if let Some(other) = self.lookup(name) {
            return Some(other);
        }
        self.entries.push((name, object));
        match &mut self.table {
            Some(table) => drop(table.insert(name, object)),
            None if self.entries.len() > LINEAR => {
                self.table = Some(Box::new(self.entries.iter().copied().collect()));
            }
            None => {}
        }
        None
    }

    /// All names, in the order of their declaration.
    pub(crate) fn entries(&self) -> &[(Symbol, ObjectId)] {
        &self.entries
    }
}

impl Checker<'_> {
    pub(crate) fn new_scope(&mut self, parent: Option<ScopeId>) -> ScopeId {
        self.scopes.push(Scope {
            parent,
            ..Scope::default()
        });
        ScopeId(self.scopes.len() as u32 - 1)
    }

    pub(crate) fn open_scope(&mut self) {
        self.environment.scope = self.new_scope(Some(self.environment.scope));
    }

    pub(crate) fn close_scope(&mut self) {
        let parent = self.scopes[self.environment.scope.0 as usize].parent;
        self.environment.scope = parent.expect("a scope that was opened has a parent");
    }

    pub(crate) fn scope(&self, scope: ScopeId) -> &Scope {
        &self.scopes[scope.0 as usize]
    }

    pub(crate) fn scope_mut(&mut self, scope: ScopeId) -> &mut Scope {
        &mut self.scopes[scope.0 as usize]
    }

    /// What `name` stands for here, looking outwards up to the universe.
    pub(crate) fn lookup(&self, name: Symbol) -> Option<ObjectId> {
        let mut scope = Some(self.environment.scope);
        while let Some(id) = scope {
            let current = &self.scopes[id.0 as usize];
            if let Some(object) = current.lookup(name) {
                return Some(object);
            }
            scope = current.parent;
        }
        self.world.universe().lookup(name)
    }
}
