//! Type sets of interfaces: the methods and the types that they admit.
//!
//! A type set is computed when it is first asked for. Asked for while it is being computed, it is
//! that of the empty interface: only cyclic interfaces, which are errors, or comparisons of cyclic
//! types, which the answer does not change, get that far.
//!
//! Source: `go/types/typeset.go`.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::sync::{LazyLock, OnceLock};

use goward_syntax::Symbol;
use rustc_hash::FxHashSet;

use crate::ids::{ObjectId, PackageId, TypeId, TypeKind};
use crate::termlist::TermList;
use crate::types::{Type, UnionTerm};
use crate::world::World;

/// The type set of an interface: all types that have the methods and are in the terms.
#[derive(Debug)]
pub struct TypeSet {
    /// All methods, sorted as go/types sorts them (by unique id).
    pub methods: Box<[ObjectId]>,
    /// The specific types.
    pub term_list: TermList,
    /// Whether only comparable types are meant; the terms are all types then.
    pub comparable: bool,
}

impl TypeSet {
    /// Whether no type is in the set.
    pub fn is_empty(&self) -> bool {
        self.term_list.is_empty()
    }

    /// Whether this is the set of all types, that of the empty interface.
    pub fn is_all(&self) -> bool {
        self.is_method_set() && self.methods.is_empty()
    }

    /// Whether the methods alone describe the set.
    pub fn is_method_set(&self) -> bool {
        !self.comparable && self.term_list.is_all()
    }

    /// Whether there are specific types.
    pub fn has_terms(&self) -> bool {
        !self.terms().is_empty()
    }

    /// The specific types, none for a set that does not name any.
    pub fn terms(&self) -> &[UnionTerm] {
        match &self.term_list {
            TermList::All => &[],
            TermList::Terms(terms) => terms,
        }
    }
}

static TOP: LazyLock<TypeSet> = LazyLock::new(|| TypeSet {
    methods: Box::default(),
    term_list: TermList::All,
    comparable: false,
});

/// More terms than this make a union invalid: comparing them is quadratic.
const MAXIMAL_TERM_COUNT: usize = 100;

thread_local! {
    static IN_PROGRESS: RefCell<Vec<TypeId>> = const { RefCell::new(Vec::new()) };
}

/// Interfaces that embed each other: only infinitely growing instances nest deeper.
const DEPTH_LIMIT: usize = 100;

/// Notes that the type set of an interface is being computed, until dropped.
struct InProgress;

impl InProgress {
    fn new(interface: TypeId) -> Option<InProgress> {
        IN_PROGRESS.with_borrow_mut(|list| {
            if list.contains(&interface) || list.len() >= DEPTH_LIMIT {
                return None;
            }
            list.push(interface);
            Some(InProgress)
        })
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        IN_PROGRESS.with_borrow_mut(|list| list.pop());
    }
}

impl World {
    /// The type set of an interface type (not looking through names); of other types, all types.
    pub fn type_set(&self, interface: TypeId) -> &TypeSet {
        let Type::Interface(view) = self.get(interface) else {
            return &TOP;
        };
        if let Some(set) = view.type_set.get() {
            return set;
        }
        let Some(_guard) = InProgress::new(interface) else {
            return &TOP;
        };
        let (set, complete) = self.compute_type_set(&view.methods, &view.embeddeds);
        match complete {
            true => view.type_set.get_or_init(|| set),
            // What is embedded is still being declared: the next one to ask may get more.
            false => self.keep_partial_type_set(set),
        }
    }

    fn compute_type_set(&self, methods: &[ObjectId], embeddeds: &[TypeId]) -> (TypeSet, bool) {
        let mut complete = true;
        let mut all = Vec::with_capacity(methods.len());
        // Methods with the same name and, if unexported, package are the same method.
        let mut seen = FxHashSet::default();
        let mut add_method = |id: ObjectId| {
            let method = self.object(id);
            let package = match method.is_exported() {
                true => None,
                false => method.package,
            };
            if seen.insert((method.name, package)) {
                all.push(id);
            }
        };
        methods.iter().for_each(|&method| add_method(method));
        let mut term_list = TermList::All;
        let mut comparable = false;
        for &embedded in embeddeds {
            let Some(underlying) = self.complete_underlying(embedded) else {
                complete = false;
                continue;
            };
            let (new_terms, new_comparable) = match self.get(underlying) {
                Type::Interface(_) => {
                    let set = self.type_set(underlying);
                    set.methods.iter().for_each(|&method| add_method(method));
                    (set.term_list.clone(), set.comparable)
                }
                Type::Union(terms) => match self.union_terms(terms, &mut complete) {
                    Some(terms) => (terms, false),
                    None => continue,
                },
                _ if underlying == TypeId::UNKNOWN => continue,
                _ => {
                    let term = UnionTerm {
                        tilde: false,
                        term_type: embedded,
                    };
                    (TermList::Terms(vec![term]), false)
                }
            };
            (term_list, comparable) =
                self.intersect_term_lists(term_list, comparable, &new_terms, new_comparable);
        }
        all.sort_by(|&a, &b| self.compare_methods(a, b));
        let set = TypeSet {
            methods: all.into(),
            term_list,
            comparable,
        };
        (set, complete)
    }

    /// Intersects two term lists with their comparable bits; such a bit only counts with all types.
    fn intersect_term_lists(
        &self,
        x: TermList,
        x_comparable: bool,
        y: &TermList,
        y_comparable: bool,
    ) -> (TermList, bool) {
        let mut terms = self.terms_intersect(x, y);
        let mut comparable = x_comparable || y_comparable;
        if comparable && let TermList::Terms(list) = &mut terms {
            list.retain(|term| self.strictly_comparable(term.term_type));
            comparable = false;
        }
        (terms, comparable)
    }

    /// The type set of a union; `None` if it has too many terms.
    fn union_terms(&self, terms: &[UnionTerm], complete: &mut bool) -> Option<TermList> {
        let mut all = TermList::Terms(Vec::new());
        for &term in terms {
            let Some(underlying) = self.complete_underlying(term.term_type) else {
                *complete = false;
                continue;
            };
            if underlying == TypeId::UNKNOWN {
                continue;
            }
            let new = match underlying.kind() {
                TypeKind::Interface => self.type_set(underlying).term_list.clone(),
                // No type has this one as its underlying type.
                _ if term.tilde && !self.identical(term.term_type, underlying) => continue,
                _ => TermList::Terms(vec![term]),
            };
            all = self.terms_union(all, &new);
            if let TermList::Terms(list) = &all
                && list.len() > MAXIMAL_TERM_COUNT
            {
                return None;
            }
        }
        Some(all)
    }

    /// The set of types of a union (not looking through names); all types if it has too many terms.
    pub(crate) fn union_type_terms(&self, union: TypeId) -> TermList {
        match self.get(union) {
            Type::Union(terms) => self
                .union_terms(terms, &mut true)
                .unwrap_or(TermList::Terms(Vec::new())),
            _ => TermList::All,
        }
    }

    /// The order of methods in type sets: exported ones first, then by name, then by package.
    pub(crate) fn compare_methods(&self, a: ObjectId, b: ObjectId) -> Ordering {
        if a == b {
            return Ordering::Equal;
        }
        let (a, b) = (self.object(a), self.object(b));
        let (a_exported, b_exported) = (a.is_exported(), b.is_exported());
        b_exported.cmp(&a_exported).then_with(|| {
            let names = match a.name == b.name {
                true => Ordering::Equal,
                false => a.name.as_str().cmp(b.name.as_str()),
            };
            names.then_with(|| match a_exported {
                true => Ordering::Equal,
                false => {
                    let path = |package: Option<PackageId>| {
                        package.map_or("", |package| self.package(package).path.as_str())
                    };
                    path(a.package).cmp(path(b.package))
                }
            })
        })
    }

    /// Sorts the explicitly declared methods of an interface into the order of type sets.
    pub(crate) fn sort_methods(&self, methods: &mut [ObjectId]) {
        methods.sort_by(|&a, &b| self.compare_methods(a, b));
    }

    /// Number and object of the method that `name` means in `package`, in a type set.
    pub fn lookup_in_type_set(
        &self,
        set: &TypeSet,
        package: Option<PackageId>,
        name: Symbol,
    ) -> Option<(usize, ObjectId)> {
        if name.is_blank() {
            return None;
        }
        let found = |&&method: &&ObjectId| self.object(method).same_id(package, name);
        let index = set.methods.iter().position(|method| found(&method))?;
        Some((index, set.methods[index]))
    }

    /// The interface behind `comparable`: no methods, all types that can be compared.
    pub(crate) fn new_comparable_interface(&self) -> TypeId {
        let interface = self.new_interface(Box::default(), Box::default(), false);
        if let Type::Interface(view) = self.get(interface) {
            let _: Result<(), TypeSet> = OnceLock::set(
                &view.type_set,
                TypeSet {
                    methods: Box::default(),
                    term_list: TermList::All,
                    comparable: true,
                },
            );
        }
        interface
    }
}
