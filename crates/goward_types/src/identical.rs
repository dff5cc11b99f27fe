//! Identity of types.
//!
//! Source: `go/types/predicates.go`.

use crate::ids::TypeId;
use crate::subst::Substitution;
use crate::types::{Named, Signature, StructType, Type};
use crate::world::World;

/// What may differ between types that count as identical.
#[derive(Copy, Clone, Debug, Default)]
pub struct Comparer {
    /// Struct tags do not matter.
    pub ignore_tags: bool,
    /// An unknown type is identical to any type.
    pub ignore_unknown: bool,
}

/// Interfaces that are being compared: only they can be cyclic without a name.
pub(crate) struct Pair<'p> {
    pub(crate) x: TypeId,
    pub(crate) y: TypeId,
    pub(crate) previous: Option<&'p Pair<'p>>,
}

impl Pair<'_> {
    /// Whether the two are compared already, further out.
    pub(crate) fn is_known(&self) -> bool {
        let mut outer = self.previous;
        while let Some(pair) = outer {
            if (pair.x, pair.y) == (self.x, self.y) || (pair.x, pair.y) == (self.y, self.x) {
                return true;
            }
            outer = pair.previous;
        }
        false
    }
}

/// Types nested in types: only invalid ones, or infinitely growing instances, nest deeper.
const DEPTH_LIMIT: usize = 2000;

impl World {
    /// Whether two types are identical.
    pub fn identical(&self, x: TypeId, y: TypeId) -> bool {
        x == y || self.identical_types(x, y, Comparer::default(), None, 0)
    }

    /// Whether two types are identical apart from what `comparer` lets differ.
    pub fn identical_if(&self, x: TypeId, y: TypeId, comparer: Comparer) -> bool {
        x == y || self.identical_types(x, y, comparer, None, 0)
    }

    /// Whether two types are identical when struct tags are ignored, as conversions ask.
    pub fn identical_ignore_tags(&self, x: TypeId, y: TypeId) -> bool {
        let comparer = Comparer {
            ignore_tags: true,
            ..Comparer::default()
        };
        self.identical_if(x, y, comparer)
    }

    /// Whether two lists of types are identical one by one.
    pub fn identical_lists(&self, x: &[TypeId], y: &[TypeId]) -> bool {
        x.len() == y.len() && x.iter().zip(y).all(|(&x, &y)| self.identical(x, y))
    }

    fn identical_types(
        &self,
        x: TypeId,
        y: TypeId,
        comparer: Comparer,
        pair: Option<&Pair<'_>>,
        depth: usize,
    ) -> bool {
        let (x, y) = (self.unalias(x), self.unalias(y));
        if x == y || depth > DEPTH_LIMIT {
            return true;
        }
        if comparer.ignore_unknown && (x == TypeId::UNKNOWN || y == TypeId::UNKNOWN) {
            return true;
        }
        if x.kind() != y.kind() {
            return false;
        }
        let same = |x, y| x == y || self.identical_types(x, y, comparer, pair, depth + 1);
        match (self.get(x), self.get(y)) {
            // `byte` and `rune` are types of their own here.
            (Type::Basic(x), Type::Basic(y)) => x == y,
            (
                Type::Array {
                    length: x_length,
                    element: x,
                },
                Type::Array {
                    length: y_length,
                    element: y,
                },
            ) => (x_length < 0 || y_length < 0 || x_length == y_length) && same(x, y),
            (Type::Slice { element: x }, Type::Slice { element: y })
            | (Type::Pointer { base: x }, Type::Pointer { base: y }) => same(x, y),
            (
                Type::Map {
                    key: x_key,
                    element: x,
                },
                Type::Map {
                    key: y_key,
                    element: y,
                },
            ) => same(x_key, y_key) && same(x, y),
            (
                Type::Channel {
                    direction: x_direction,
                    element: x,
                },
                Type::Channel {
                    direction: y_direction,
                    element: y,
                },
            ) => x_direction == y_direction && same(x, y),
            (Type::Struct(x), Type::Struct(y)) => {
                self.same_fields(x, y, comparer.ignore_tags)
                    && x.fields
                        .iter()
                        .zip(&y.fields)
                        .all(|(&x, &y)| same(self.object_type(x), self.object_type(y)))
            }
            (Type::Tuple(x), Type::Tuple(y)) => {
                x.len() == y.len()
                    && x.iter()
                        .zip(y)
                        .all(|(x, y)| same(x.parameter_type, y.parameter_type))
            }
            (Type::Signature(x), Type::Signature(y)) => {
                if x.variadic != y.variadic || x.type_parameters.len() != y.type_parameters.len() {
                    return false;
                }
                if x.type_parameters.is_empty() {
                    return same(x.parameters, y.parameters) && same(x.results, y.results);
                }
                self.identical_generic(x, y, same)
            }
            (Type::Union(_), Type::Union(_)) => {
                self.terms_equal(&self.union_type_terms(x), &self.union_type_terms(y))
            }
            (Type::Interface(_), Type::Interface(_)) => {
                self.identical_interfaces(x, y, comparer, pair, depth)
            }
            (Type::Named(x), Type::Named(y)) => self.identical_names(x, y),
            _ => false,
        }
    }

    /// Whether fields agree in everything but their types.
    pub(crate) fn same_fields(&self, x: &StructType, y: &StructType, ignore_tags: bool) -> bool {
        if x.fields.len() != y.fields.len() {
            return false;
        }
        x.fields
            .iter()
            .zip(&y.fields)
            .enumerate()
            .all(|(index, (&f, &g))| {
                let (f, g) = (self.object(f), self.object(g));
                f.is_embedded() == g.is_embedded()
                    && f.same_id(g.package, g.name)
                    && (ignore_tags || x.tag(index) == y.tag(index))
            })
    }

    /// Generic functions are identical apart from the names of their type parameters.
    fn identical_generic(
        &self,
        x: &Signature,
        y: &Signature,
        same: impl Fn(TypeId, TypeId) -> bool,
    ) -> bool {
        let map = Substitution::new(&y.type_parameters, &x.type_parameters);
        x.type_parameters
            .iter()
            .zip(&y.type_parameters)
            .all(|(&x, &y)| same(self.bound(x), self.subst(self.bound(y), &map)))
            && same(x.parameters, self.subst(y.parameters, &map))
            && same(x.results, self.subst(y.results, &map))
    }

    fn identical_interfaces(
        &self,
        x: TypeId,
        y: TypeId,
        comparer: Comparer,
        pair: Option<&Pair<'_>>,
        depth: usize,
    ) -> bool {
        let (x_set, y_set) = (self.type_set(x), self.type_set(y));
        if x_set.comparable != y_set.comparable
            || x_set.methods.len() != y_set.methods.len()
            || !self.terms_equal(&x_set.term_list, &y_set.term_list)
        {
            return false;
        }
        let inner = Pair {
            x,
            y,
            previous: pair,
        };
        if inner.is_known() {
            return true;
        }
        x_set.methods.iter().zip(&y_set.methods).all(|(&f, &g)| {
            let (f_object, g_object) = (self.object(f), self.object(g));
            f == g
                || f_object.same_id(g_object.package, g_object.name)
                    && self.identical_types(
                        self.object_type(f),
                        self.object_type(g),
                        comparer,
                        Some(&inner),
                        depth + 1,
                    )
        })
    }

    /// Whether two defined types are one: the same declaration, with identical arguments.
    fn identical_names(&self, x: &Named, y: &Named) -> bool {
        x.object == y.object
            && !x.arguments.is_empty()
            && self.identical_lists(&x.arguments, &y.arguments)
    }
}
