//! The table of all access paths of a package. There are tens of thousands of them in a large one, so
//! their elements lie in one piece, and so do the variables that they mention.

use std::hash::{Hash, Hasher};

use goward_syntax::Symbol;
use goward_types::{ObjectId, World};
use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::unit::UnitId;

/// A path of a [`Paths`] table.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub u32);

/// Where a path starts.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// A variable: package level, local, parameter or receiver.
    Variable(ObjectId),
    /// The result of a call with at most one argument, by its text, in one function.
    Call(UnitId, Symbol),
}

/// A step of a path.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// A field; of an instance, that of the generic type.
    Field(ObjectId),
    /// A field of something whose type is unknown.
    Name(Symbol),
    /// An index, by its text.
    Index(Symbol),
}

/// A place.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessPath<'p> {
    pub root: Root,
    pub elements: &'p [Element],
}

impl AccessPath<'_> {
    fn hash(&self) -> u64 {
        let mut hasher = FxHasher::default();
        Hash::hash(self, &mut hasher);
        hasher.finish()
    }
}

/// A path of the table.
#[derive(Copy, Clone, Debug)]
struct Entry {
    root: Root,
    /// Where its elements and what it mentions end; they begin where those of the path before end.
    elements_end: u32,
    mentions_end: u32,
}

/// All paths of a package. Equal paths have equal ids.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    list: Vec<Entry>,
    elements: Vec<Element>,
    /// Variables that the root and the indices of each path mention.
    mentions: Vec<ObjectId>,
    /// The ids by what is in the list.
    ids: HashTable<PathId>,
}

/// Longer paths are cut off: there is no place to speak of behind them.
const MAX_ELEMENTS: usize = 12;

impl Paths {
    /// The id of a path, whose indices mention these variables.
    pub fn intern(&mut self, path: AccessPath<'_>, mentions: &[ObjectId]) -> PathId {
        let hash = path.hash();
        if let Some(&id) = self.ids.find(hash, |&id| self.get(id) == path) {
            return id;
        }
        let id = PathId(self.list.len() as u32);
        self.elements.extend_from_slice(path.elements);
        self.mentions.extend_from_slice(mentions);
        self.list.push(Entry {
            root: path.root,
            elements_end: self.elements.len() as u32,
            mentions_end: self.mentions.len() as u32,
        });
        let mut ids = std::mem::take(&mut self.ids);
        ids.insert_unique(hash, id, |&id| self.get(id).hash());
        self.ids = ids;
        id
    }

    /// A path.
    pub fn get(&self, id: PathId) -> AccessPath<'_> {
        let index = id.0 as usize;
        let entry = &self.list[index];
        let start = match index.checked_sub(1) {
            Some(before) => self.list[before].elements_end,
            None => 0,
        };
        AccessPath {
            root: entry.root,
            elements: &self.elements[start as usize..entry.elements_end as usize],
        }
    }

    /// The variables that a path depends on.
    pub fn mentions(&self, id: PathId) -> &[ObjectId] {
        let index = id.0 as usize;
        let start = match index.checked_sub(1) {
            Some(before) => self.list[before].mentions_end,
            None => 0,
        };
        &self.mentions[start as usize..self.list[index].mentions_end as usize]
    }

    /// The path of a variable.
    pub fn variable(&mut self, object: ObjectId) -> PathId {
        let path = AccessPath {
            root: Root::Variable(object),
            elements: &[],
        };
        self.intern(path, &[object])
    }

    /// A path with another step; none if it gets too long.
    pub fn extend(
        &mut self,
        base: PathId,
        element: Element,
        mentions: &[ObjectId],
    ) -> Option<PathId> {
        let path = self.get(base);
        if path.elements.len() >= MAX_ELEMENTS {
            return None;
        }
        let root = path.root;
        let mut elements = path.elements.to_vec();
        elements.push(element);
        let mut all = self.mentions(base).to_vec();
        all.extend(
            mentions
                .iter()
                .copied()
                .filter(|object| !self.mentions(base).contains(object)),
        );
        let elements = &elements;
        Some(self.intern(AccessPath { root, elements }, &all))
    }

    /// `path` with its root replaced by the place `base`.
    pub fn rebase(&mut self, path: PathId, base: PathId) -> Option<PathId> {
        let old = self.get(path);
        let Root::Variable(replaced) = old.root else {
            return None;
        };
        let new = self.get(base);
        if new.elements.len() + old.elements.len() > MAX_ELEMENTS {
            return None;
        }
        let root = new.root;
        let elements = &[new.elements, old.elements].concat();
        let mut mentions = self.mentions(base).to_vec();
        for &object in self.mentions(path) {
            if object != replaced && !mentions.contains(&object) {
                mentions.push(object);
            }
        }
        Some(self.intern(AccessPath { root, elements }, &mentions))
    }

    /// The variable at the root.
    pub fn root(&self, id: PathId) -> Option<ObjectId> {
        match self.get(id).root {
            Root::Variable(object) => Some(object),
            Root::Call(..) => None,
        }
    }

    /// The last field of a path, or its root where it has none.
    pub fn last_field(&self, id: PathId) -> Option<ObjectId> {
        let path = self.get(id);
        let field = path
            .elements
            .iter()
            .rev()
            .find_map(|element| match element {
                Element::Field(field) => Some(*field),
                _ => None,
            });
        field.or_else(|| self.root(id))
    }

    /// Whether `prefix` is `path` or leads to it.
    pub fn is_prefix(&self, prefix: PathId, path: PathId) -> bool {
        let (prefix, path) = (self.get(prefix), self.get(path));
        prefix.root == path.root && path.elements.starts_with(prefix.elements)
    }

    /// Whether the place without its last field leads to `path`: the object that a mutex field
    /// belongs to, say.
    pub fn owner_leads_to(&self, member: PathId, path: PathId) -> bool {
        let (member, path) = (self.get(member), self.get(path));
        match member.elements.split_last() {
            Some((Element::Field(_) | Element::Name(_), owner)) => {
                member.root == path.root && path.elements.starts_with(owner)
            }
            _ => false,
        }
    }

    /// The path in the words of Go.
    pub fn text(&self, world: &World, id: PathId) -> String {
        let path = self.get(id);
        let mut text = match path.root {
            Root::Variable(object) => world.object(object).name.as_str().to_owned(),
            Root::Call(_, text) => text.as_str().to_owned(),
        };
        for element in path.elements {
            match element {
                Element::Field(field) => {
                    let field = world.object(*field);
                    // Embedded fields are seldom written.
                    if !field.is_embedded() {
                        text.push('.');
                        text.push_str(field.name.as_str());
                    }
                }
                Element::Name(name) => {
                    text.push('.');
                    text.push_str(name.as_str());
                }
                Element::Index(index) => {
                    text.push('[');
                    text.push_str(index.as_str());
                    text.push(']');
                }
            }
        }
        text
    }
}
