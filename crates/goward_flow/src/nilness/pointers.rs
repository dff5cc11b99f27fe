//! Local pointers that only ever point to one place: `p := &m`, where `p` is set once and nobody has
//! its address. What is done through them is done to the place.

use goward_syntax::{Expression, NodeId, NodeKind, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, TypeKind, VariableKind};

use crate::calls::unparenthesized;
use crate::nilness::place::{Element, Place};
use crate::nilness::transfer::MapNilness;

/// Pointers to what pointers point to are followed this far.
const MAX_POINTERS: usize = 4;

/// What a local pointer points to.
pub(super) struct Pointee {
    pub(super) place: Place,
    /// The pointer holds an address that this function took, not one that it was given.
    pub(super) by_address: bool,
}

impl MapNilness<'_> {
    /// The place that a variable points to, as long as it exists.
    pub(super) fn pointee(&self, pointer: ObjectId) -> Option<Pointee> {
        let world = self.world();
        if world.object(pointer).kind != ObjectKind::Variable(VariableKind::Local)
            || !self.is_pointer(pointer)
        {
            return None;
        }
        let (file, value) = self.known.variables.single(pointer)?;
        if file != self.unit.file || self.known.variables.get(pointer)?.zero {
            return None;
        }
        let value = unparenthesized(self.file, value);
        match self.file.tree.expression(value) {
            Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } => {
                let place = Place::of(world, self.file, operand)?;
                let stays = self.stays(&place);
                stays.then_some(Pointee {
                    place,
                    by_address: true,
                })
            }
            Expression::Identifier => {
                let from = self.file.facts.object_of(value)?;
                let stays = self.is_pointer(from) && self.is_set_once(from);
                stays.then(|| Pointee {
                    place: Place::variable(from),
                    by_address: false,
                })
            }
            _ => None,
        }
    }

    /// What an identifier points to, at the end of all pointers.
    pub(super) fn pointee_of(&self, node: NodeId) -> Option<Pointee> {
        let node = unparenthesized(self.file, node);
        if self.file.tree.kind(node) != NodeKind::Ident {
            return None;
        }
        let mut pointee = self.pointee(self.file.facts.object_of(node)?)?;
        for _ in 0..MAX_POINTERS {
            let Some(next) = self.pointee(pointee.place.root) else {
                break;
            };
            pointee.place = below(next.place, pointee.place.elements);
            pointee.by_address |= next.by_address;
        }
        Some(pointee)
    }

    /// A place with local pointers at its root replaced by what they point to.
    pub(super) fn through_pointers(&self, mut place: Place) -> Place {
        for _ in 0..MAX_POINTERS {
            match self.pointee(place.root) {
                Some(pointee) => place = below(pointee.place, place.elements),
                None => break,
            }
        }
        place
    }

    /// Whether the memory of a place never becomes that of another one: no pointer leads there that
    /// may be set anew, and no element of a slice.
    fn stays(&self, place: &Place) -> bool {
        let world = self.world();
        if matches!(
            world.object(place.root).kind,
            ObjectKind::Variable(VariableKind::Package)
        ) {
            return false;
        }
        let Some((_, around)) = place.elements.split_last() else {
            return true;
        };
        let plain = |element: &Element| match element {
            Element::Field(field) => !self.is_pointer(*field),
            Element::Name(_) | Element::Index(..) => false,
        };
        place
            .elements
            .iter()
            .all(|element| matches!(element, Element::Field(_)))
            && around.iter().all(plain)
            && (!self.is_pointer(place.root) || self.is_set_once(place.root))
    }

    fn is_pointer(&self, object: ObjectId) -> bool {
        let world = self.world();
        world.underlying(world.object_type(object)).kind() == TypeKind::Pointer
    }

    /// Whether a variable of the function always has the value with which it starts.
    fn is_set_once(&self, object: ObjectId) -> bool {
        let variables = self.known.variables;
        match self.world().object(object).kind {
            ObjectKind::Variable(VariableKind::Local) => variables.single(object).is_some(),
            ObjectKind::Variable(VariableKind::Parameter | VariableKind::Receiver) => {
                variables.get(object).is_none()
            }
            _ => false,
        }
    }
}

fn below(mut place: Place, elements: Vec<Element>) -> Place {
    place.elements.extend(elements);
    place
}
