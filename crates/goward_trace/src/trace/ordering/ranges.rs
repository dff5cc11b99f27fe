//! The special stretches of time that a goroutine or a processor is in: sweeping, mark assist,
//! stop-the-world.

use super::{EventType, Failure, wire};

/// The open ranges of one goroutine or processor.
#[derive(Default)]
pub(super) struct Ranges {
    /// The event that began each, and a string number that tells more (the kind of stop).
    open: Vec<(EventType, u64)>,
}

impl Ranges {
    pub(super) fn clear(&mut self) {
        self.open.clear();
    }

    /// Takes for granted that none is open, or just one.
    pub(super) fn grant(&mut self, open: Option<EventType>) {
        self.open.clear();
        self.open.extend(open.map(|kind| (kind, 0)));
    }

    /// Whether none is open, or just that one.
    pub(super) fn are(&self, open: Option<EventType>) -> bool {
        self.open.iter().eq(open.map(|kind| (kind, 0)).iter())
    }

    pub(super) fn begin(&mut self, kind: EventType, description: u64) -> Result<(), Failure> {
        if self.open.contains(&(kind, description)) {
            return Err(Failure::new(format!(
                "discovered event already in-flight for when starting event {}",
                name(kind)
            )));
        }
        self.open.push((kind, description));
        Ok(())
    }

    /// Notes a range that began before this generation; in the first one that is how it is learnt.
    pub(super) fn active(
        &mut self,
        kind: EventType,
        first_generation: bool,
    ) -> Result<(), Failure> {
        let known = self.open.contains(&(kind, 0));
        if first_generation {
            if known {
                return Err(Failure::new(format!(
                    "found named active range already in first gen: {}",
                    name(kind)
                )));
            }
            self.open.push((kind, 0));
        } else if !known {
            return Err(Failure::new(format!(
                "resource is missing active range: {}",
                name(kind)
            )));
        }
        Ok(())
    }

    /// Ends the range of this kind and returns what its beginning said.
    pub(super) fn end(&mut self, kind: EventType) -> Result<u64, Failure> {
        match self.open.iter().position(|range| range.0 == kind) {
            Some(index) => Ok(self.open.swap_remove(index).1),
            None => Err(Failure::new(format!(
                "tried to end event {}, but not in-flight",
                name(kind)
            ))),
        }
    }
}

fn name(kind: EventType) -> &'static str {
    wire::SPECIFICATIONS[usize::from(kind)].name
}
