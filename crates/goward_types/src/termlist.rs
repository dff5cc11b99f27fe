//! Terms `T` and `~T`, and lists of them: the types that a constraint admits.
//!
//! Source: `go/types/typeterm.go`, `go/types/termlist.go`.

use crate::ids::TypeId;
use crate::types::UnionTerm;
use crate::world::World;

/// A set of types as a union of terms that do not overlap.
#[derive(Clone, Debug)]
pub enum TermList {
    /// All types.
    All,
    /// The union of these terms; of none, the empty set.
    Terms(Vec<UnionTerm>),
}

impl TermList {
    /// Whether no type is in the set.
    pub fn is_empty(&self) -> bool {
        matches!(self, TermList::Terms(terms) if terms.is_empty())
    }

    /// Whether all types are in the set.
    pub fn is_all(&self) -> bool {
        matches!(self, TermList::All)
    }
}

impl World {
    /// Whether no type is in both terms.
    pub(crate) fn term_disjoint(&self, x: UnionTerm, y: UnionTerm) -> bool {
        let x_type = match y.tilde {
            true => self.underlying(x.term_type),
            false => x.term_type,
        };
        let y_type = match x.tilde {
            true => self.underlying(y.term_type),
            false => y.term_type,
        };
        !self.identical(x_type, y_type)
    }

    /// Whether a type is in the set of a term.
    pub(crate) fn term_includes(&self, term: UnionTerm, id: TypeId) -> bool {
        let id = match term.tilde {
            true => self.underlying(id),
            false => id,
        };
        self.identical(term.term_type, id)
    }

    fn term_subset(&self, x: UnionTerm, y: UnionTerm) -> bool {
        !self.term_disjoint(x, y) && (!x.tilde || y.tilde)
    }

    fn normal_terms(&self, terms: &[UnionTerm]) -> Vec<UnionTerm> {
        let mut used = vec![false; terms.len()];
        let mut normal = Vec::with_capacity(terms.len());
        for (index, &first) in terms.iter().enumerate() {
            if used[index] {
                continue;
            }
            let mut merged = first;
            for (other, &term) in terms.iter().enumerate().skip(index + 1) {
                if used[other] || self.term_disjoint(merged, term) {
                    continue;
                }
                // The two have the same type; the one with a tilde is the greater set.
                if !merged.tilde && term.tilde {
                    merged = term;
                }
                used[other] = true;
            }
            normal.push(merged);
        }
        normal
    }

    /// The union of two sets.
    pub(crate) fn terms_union(&self, x: TermList, y: &TermList) -> TermList {
        match (x, y) {
            (TermList::Terms(mut x), TermList::Terms(y)) => {
                x.extend_from_slice(y);
                TermList::Terms(self.normal_terms(&x))
            }
            _ => TermList::All,
        }
    }

    /// The intersection of two sets.
    pub(crate) fn terms_intersect(&self, x: TermList, y: &TermList) -> TermList {
        let (x, y) = match (x, y) {
            (TermList::All, y) => return y.clone(),
            (x, TermList::All) => return x,
            (TermList::Terms(x), TermList::Terms(y)) => (x, y),
        };
        let mut both = Vec::new();
        for &x in &x {
            for &y in y {
                if !self.term_disjoint(x, y) {
                    both.push(if !x.tilde || y.tilde { x } else { y });
                }
            }
        }
        TermList::Terms(self.normal_terms(&both))
    }

    /// Whether all types of `x` are in `y`.
    pub(crate) fn terms_subset(&self, x: &TermList, y: &TermList) -> bool {
        match (x, y) {
            (_, TermList::All) => true,
            (TermList::All, TermList::Terms(_)) => false,
            (TermList::Terms(x), TermList::Terms(y)) => {
                x.iter().all(|&x| y.iter().any(|&y| self.term_subset(x, y)))
            }
        }
    }

    /// Whether two lists stand for the same set.
    pub(crate) fn terms_equal(&self, x: &TermList, y: &TermList) -> bool {
        match (x, y) {
            (TermList::All, TermList::All) => true,
            _ => self.terms_subset(x, y) && self.terms_subset(y, x),
        }
    }
}
