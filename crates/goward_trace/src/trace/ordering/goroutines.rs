//! The goroutines that are alive, in slots that are used again.

use rustc_hash::FxHashMap;

use super::Ranges;

/// 'No slot is known.'
pub(super) const NO_SLOT: u32 = u32::MAX;

/// The state of one goroutine.
#[derive(Default)]
pub(super) struct Goroutine {
    pub(super) id: i64,
    alive: bool,
    pub(super) status: u8,
    /// The generation of the sequence number.
    pub(super) generation: u64,
    pub(super) sequence: u64,
    /// The open user regions: task and name.
    pub(super) regions: Vec<(u64, u32)>,
    pub(super) ranges: Ranges,
}

#[derive(Default)]
pub(super) struct Goroutines {
    pub(super) slots: Vec<Goroutine>,
    free: Vec<u32>,
    index: FxHashMap<i64, u32>,
}

impl Goroutines {
    #[inline]
    pub(super) fn find(&self, id: i64) -> Option<usize> {
        self.index.get(&id).map(|&slot| slot as usize)
    }

    /// As `find`, but tries a slot first.
    #[inline]
    pub(super) fn find_with_hint(&self, id: i64, hint: u32) -> Option<usize> {
        if let Some(slot) = self.slots.get(hint as usize)
            && slot.id == id
            && slot.alive
        {
            return Some(hint as usize);
        }
        self.find(id)
    }

    /// Adds a goroutine that is not there yet and returns its slot.
    pub(super) fn insert(&mut self, id: i64, status: u8, generation: u64) -> usize {
        let slot = self.fill_slot(id, status, generation);
        self.index.insert(id, slot);
        slot as usize
    }

    /// Adds a goroutine; false if it exists already.
    #[inline]
    pub(super) fn insert_new(&mut self, id: i64, status: u8, generation: u64) -> bool {
        use std::collections::hash_map::Entry;
        // The slot is chosen first so that one look-up serves both the question and the insertion.
        let next = self.free.last().copied().unwrap_or(self.slots.len() as u32);
        match self.index.entry(id) {
            Entry::Occupied(_) => return false,
            Entry::Vacant(entry) => entry.insert(next),
        };
        self.fill_slot(id, status, generation);
        true
    }

    #[inline]
    fn fill_slot(&mut self, id: i64, status: u8, generation: u64) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                let goroutine = &mut self.slots[slot as usize];
                goroutine.id = id;
                goroutine.alive = true;
                goroutine.status = status;
                goroutine.generation = generation;
                goroutine.sequence = 0;
                goroutine.regions.clear();
                goroutine.ranges.clear();
                slot
            }
            None => {
                self.slots.push(Goroutine { id, alive: true, status, generation, ..Goroutine::default() });
                self.slots.len() as u32 - 1
            }
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, slot: usize) {
        let goroutine = &mut self.slots[slot];
        goroutine.alive = false;
        self.index.remove(&goroutine.id);
        self.free.push(slot as u32);
    }

    /// All that are alive, by number.
    pub(super) fn sorted(&self) -> Vec<&Goroutine> {
        let mut all: Vec<&Goroutine> = self.slots.iter().filter(|goroutine| goroutine.alive).collect();
        all.sort_by_key(|goroutine| goroutine.id);
        all
    }
}
