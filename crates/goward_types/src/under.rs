//! Looking under names, and under each type that a type parameter may stand for.
//!
//! Source: `go/types/under.go`.

use goward_syntax::ChannelDirection;

use crate::ids::{TypeId, TypeKind};
use crate::types::Type;
use crate::world::World;

/// A type and what is under it; both `None` for a type parameter without specific types.
pub type TypeAndUnder = (Option<TypeId>, Option<TypeId>);

impl World {
    /// Whether `condition` holds for the underlying type of `id`; of a type parameter, for those of
    /// all its specific types, or for `None` if there are none. It is asked at least once.
    pub fn under_is(&self, id: TypeId, mut condition: impl FnMut(Option<TypeId>) -> bool) -> bool {
        self.all(id, |_, under| condition(under))
    }

    /// Whether `condition` holds for `id` and its underlying type; of a type parameter, for all
    /// its specific types with theirs, or for `(None, None)` if there are none.
    pub fn all(
        &self,
        id: TypeId,
        mut condition: impl FnMut(Option<TypeId>, Option<TypeId>) -> bool,
    ) -> bool {
        let actual = self.unalias(id);
        if actual.kind() != TypeKind::TypeParameter {
            return condition(Some(id), Some(self.underlying(actual)));
        }
        let set = self.type_set(self.constraint_interface(actual));
        if !set.has_terms() {
            return condition(None, None);
        }
        set.terms().iter().all(|term| {
            let unaliased = self.unalias(term.term_type);
            // Under `~t` is `t`.
            let under = match term.tilde {
                true => unaliased,
                false => self.underlying(unaliased),
            };
            condition(Some(term.term_type), Some(under))
        })
    }

    /// All pairs that [`World::all`] asks for.
    pub fn typeset(&self, id: TypeId) -> Vec<TypeAndUnder> {
        let mut pairs = Vec::new();
        self.all(id, |specific, under| {
            pairs.push((specific, under));
            true
        });
        pairs
    }

    /// The one underlying type of `id`, or of all types of a type parameter. Channels may differ in
    /// direction: the restricted one is taken. An error of `condition` ends the search.
    pub fn common_under_if(
        &self,
        id: TypeId,
        mut condition: impl FnMut(Option<TypeId>, Option<TypeId>) -> Result<(), &'static str>,
    ) -> Result<TypeId, &'static str> {
        let mut common: Option<TypeId> = None;
        let mut error = None;
        self.all(id, |specific, under| {
            if let Err(cause) = condition(specific, under) {
                error = Some(cause);
                return false;
            }
            let Some(under) = under else {
                error = Some("no specific type");
                return false;
            };
            let Some(previous) = common else {
                common = Some(under);
                return true;
            };
            if let Type::Channel { direction, element } = self.get(previous)
                && let Type::Channel {
                    direction: new_direction,
                    element: new_element,
                } = self.get(under)
            {
                if !self.identical(element, new_element) {
                    error = Some("channels have different element types");
                    return false;
                }
                if direction == new_direction {
                    return true;
                }
                if direction == ChannelDirection::Both {
                    common = Some(under);
                } else if new_direction != ChannelDirection::Both {
                    error = Some("channels have conflicting directions");
                    return false;
                }
                return true;
            }
            if !self.identical(previous, under) {
                error = Some("types have different underlying types");
                return false;
            }
            true
        });
        match error {
            Some(error) => Err(error),
            None => common.ok_or("no specific type"),
        }
    }

    /// The one underlying type of `id`, or of all types of a type parameter, if there is one.
    pub fn common_under(&self, id: TypeId) -> Option<TypeId> {
        if id.kind() != TypeKind::TypeParameter && id.kind() != TypeKind::Alias {
            return Some(self.underlying(id));
        }
        self.common_under_if(id, |_, _| Ok(())).ok()
    }
}
