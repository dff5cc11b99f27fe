//! The arguments of events: how many each kind has, which of them are numbers of strings and stacks,
//! and whether the generation has those.

use super::event::Event;
use super::generation::{Failure, Generation};
use super::wire;

/// The arity of what is no event of a batch.
pub(crate) const NO_EVENT: u8 = u8::MAX;

/// What decoding must know about one kind of event.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// How many arguments follow the time, or [`NO_EVENT`].
    pub(crate) arity: u8,
    /// For each argument what it must stay below to be sound: numbers of strings and stacks below
    /// that of their table are surely there. Others may be there all the same.
    pub(crate) limits: [u64; 4],
}

/// The shapes of all kinds, where all strings and stacks below a number are known.
pub(crate) fn shapes(strings: u64, stacks: u64) -> Box<[Shape; 256]> {
    let mut shapes = Box::new(
        [Shape {
            arity: NO_EVENT,
            limits: [u64::MAX; 4],
        }; 256],
    );
    for (shape, specification) in shapes.iter_mut().zip(&wire::SPECIFICATIONS) {
        if specification.timed {
            shape.arity = specification.arguments.len() as u8 - 1;
        }
        for (places, limit) in [
            (specification.strings, strings),
            (specification.stacks, stacks),
        ] {
            for place in places.into_iter().filter(|&place| place != 255) {
                shape.limits[usize::from(place)] = limit;
            }
        }
    }
    shapes
}

/// Checks that the event's strings and stacks are in the generation's tables.
#[cold]
pub(crate) fn check(event: &Event, generation: &Generation) -> Result<(), Box<Failure>> {
    let specification = &wire::SPECIFICATIONS[usize::from(event.kind)];
    let find = |mut places: [u8; 2], known: &dyn Fn(u64) -> bool| {
        places.sort_unstable();
        places
            .into_iter()
            .filter_map(|place| event.arguments.get(usize::from(place)).copied())
            .find(|&id| !known(id))
    };
    let stack = find(specification.stacks, &|id| generation.has_stack(id)).map(|id| ("stack", id));
    let wrong = stack.or_else(|| {
        find(specification.strings, &|id| generation.has_string(id)).map(|id| ("string", id))
    });
    match wrong {
        None => Ok(()),
        Some((what, id)) => Err(Box::new(Failure::new(format!(
            "found invalid {what} ID {id} for event {}",
            specification.name
        )))),
    }
}
