//! The goroutines that are alive, in a hash table that holds their state itself.
//!
//! Every other event names a goroutine, and where it stands must be found with as few steps that
//! wait for each other as possible: here it is one multiplication and, nearly always, one look. What
//! few goroutines have (open regions and ranges) lies elsewhere. A slot stays where it is until the
//! next goroutine is added.

use super::{GO_RUNNING, Ranges};

/// 'No slot is known.'
pub(super) const NO_SLOT: u32 = u32::MAX;

/// 'No regions or ranges.'
const NO_EXTRA: u32 = u32::MAX;

const SMALLEST: usize = 1 << 10;

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Use {
    /// No goroutine has stood here since the table was filled: a search ends here.
    #[default]
    Never,
    Before,
    Now,
}

/// The state of one goroutine.
#[derive(Clone, Copy, Default)]
pub(super) struct Goroutine {
    pub(super) id: i64,
    pub(super) sequence: u64,
    /// The generation of the sequence number.
    pub(super) generation: u64,
    extra: u32,
    /// 0 where no goroutine stands.
    pub(super) status: u8,
    used: Use,
}

/// A change of state that another goroutine's event asks for.
#[derive(Clone, Copy)]
pub(super) struct Change {
    pub(super) id: i64,
    pub(super) generation: u64,
    /// The number that must be next.
    pub(super) sequence: u64,
    /// The status that it must have, and the one that it gets.
    pub(super) from: u8,
    pub(super) to: u8,
}

/// What few goroutines have.
#[derive(Default)]
pub(super) struct Extra {
    /// The open user regions: task and name.
    pub(super) regions: Vec<(u64, u32)>,
    pub(super) ranges: Ranges,
}

pub(super) struct Goroutines {
    /// A power of two of slots.
    pub(super) slots: Vec<Goroutine>,
    /// How far a product is shifted to give the index of a slot.
    shift: u32,
    alive: usize,
    /// How many slots are not [`Use::Never`].
    touched: usize,
    extras: Vec<Extra>,
    free_extras: Vec<u32>,
}

impl Default for Goroutines {
    fn default() -> Self {
        Goroutines {
            slots: vec![Goroutine::default(); SMALLEST],
            shift: 64 - SMALLEST.trailing_zeros(),
            alive: 0,
            touched: 0,
            extras: Vec::new(),
            free_extras: Vec::new(),
        }
    }
}

impl Goroutines {
    /// Forgets all, but keeps the size of the table.
    pub(super) fn clear(&mut self) {
        self.slots.fill(Goroutine::default());
        *self = Goroutines {
            slots: std::mem::take(&mut self.slots),
            shift: self.shift,
            ..Goroutines::default()
        };
    }

    /// Where the search for a goroutine starts.
    #[inline]
    fn home(&self, id: i64) -> usize {
        ((id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    #[inline]
    pub(super) fn find(&self, id: i64) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut index = self.home(id);
        loop {
            let slot = &self.slots[index];
            if slot.id == id && slot.used == Use::Now {
                return Some(index);
            }
            if slot.used == Use::Never {
                return None;
            }
            index = (index + 1) & mask;
        }
    }

    /// As `find`, but tries a slot first.
    #[inline]
    pub(super) fn find_with_hint(&self, id: i64, hint: u32) -> Option<usize> {
        if let Some(slot) = self.slots.get(hint as usize)
            && slot.id == id
            && slot.used == Use::Now
        {
            return Some(hint as usize);
        }
        self.find(id)
    }

    /// The slot of a running goroutine, if it is the one that it is guessed to be.
    #[inline(always)]
    pub(super) fn running(&self, id: i64, guess: u32) -> Option<usize> {
        let slot = self.slots.get(guess as usize)?;
        (slot.id == id && slot.status == GO_RUNNING).then_some(guess as usize)
    }

    /// Changes the state of a goroutine and returns its slot; nothing if that is not possible now.
    #[inline(always)]
    pub(super) fn change(&mut self, change: Change) -> Option<usize> {
        // Nearly all goroutines stand where their search starts.
        let mut index = self.home(change.id);
        if self.slots.get(index)?.id != change.id {
            index = self.find(change.id)?;
        }
        let slot = self.slots.get_mut(index)?;
        if slot.status != change.from
            || slot.generation != change.generation
            || change.sequence != slot.sequence.wrapping_add(1)
        {
            return None;
        }
        slot.status = change.to;
        slot.sequence = change.sequence;
        Some(index)
    }

    /// Adds a goroutine and returns its slot; nothing if it exists already.
    #[inline(always)]
    pub(super) fn insert(&mut self, id: i64, status: u8, generation: u64) -> Option<usize> {
        if self.touched >= self.slots.len() / 2 {
            self.rebuild();
        }
        let mask = self.slots.len() - 1;
        let mut index = self.home(id);
        let mut free = None;
        loop {
            let slot = &self.slots[index];
            match slot.used {
                Use::Now if slot.id == id => return None,
                Use::Now => {}
                Use::Before => {
                    free.get_or_insert(index);
                }
                Use::Never => break,
            }
            index = (index + 1) & mask;
        }
        let index = free.unwrap_or_else(|| {
            self.touched += 1;
            index
        });
        self.alive += 1;
        self.slots[index] = Goroutine {
            id,
            sequence: 0,
            generation,
            extra: NO_EXTRA,
            status,
            used: Use::Now,
        };
        Some(index)
    }

    /// Fills a new table, so that a quarter of it is in use at most.
    #[cold]
    fn rebuild(&mut self) {
        let size = (self.alive * 4 + 1).next_power_of_two().max(SMALLEST);
        let old = std::mem::replace(&mut self.slots, vec![Goroutine::default(); size]);
        self.shift = 64 - size.trailing_zeros();
        for goroutine in old.iter().filter(|slot| slot.used == Use::Now) {
            let mut index = self.home(goroutine.id);
            while self.slots[index].used != Use::Never {
                index = (index + 1) & (size - 1);
            }
            self.slots[index] = *goroutine;
        }
        self.touched = self.alive;
    }

    #[inline(always)]
    pub(super) fn remove(&mut self, slot: usize) {
        let mask = self.slots.len() - 1;
        let goroutine = &mut self.slots[slot];
        goroutine.used = Use::Before;
        goroutine.status = 0;
        self.alive -= 1;
        let extra = goroutine.extra;
        if extra != NO_EXTRA {
            self.remove_extra(extra);
        }
        // Where no search goes on behind this slot, it is as good as new, and so are those before.
        if self.slots[(slot + 1) & mask].used == Use::Never {
            let mut index = slot;
            while self.slots[index].used == Use::Before {
                self.slots[index].used = Use::Never;
                self.touched -= 1;
                index = index.wrapping_sub(1) & mask;
            }
        }
    }

    #[inline(never)]
    fn remove_extra(&mut self, extra: u32) {
        let known = &mut self.extras[extra as usize];
        known.regions.clear();
        known.ranges.clear();
        self.free_extras.push(extra);
    }

    /// The open regions and ranges of a goroutine.
    #[inline(always)]
    pub(super) fn extra(&mut self, slot: usize) -> &mut Extra {
        let mut extra = self.slots[slot].extra;
        if extra == NO_EXTRA {
            extra = self.add_extra();
            self.slots[slot].extra = extra;
        }
        &mut self.extras[extra as usize]
    }

    /// The open regions and ranges of a goroutine, if it has had any.
    pub(super) fn known_extra(&self, slot: usize) -> Option<&Extra> {
        self.extras.get(self.slots[slot].extra as usize)
    }

    /// Takes them away.
    pub(super) fn take_extra(&mut self, slot: usize) -> Option<Extra> {
        let extra = self.extras.get_mut(self.slots[slot].extra as usize)?;
        Some(std::mem::take(extra))
    }

    #[cold]
    fn add_extra(&mut self) -> u32 {
        self.free_extras.pop().unwrap_or_else(|| {
            self.extras.push(Extra::default());
            self.extras.len() as u32 - 1
        })
    }

    /// All that are alive.
    pub(super) fn alive(&self) -> impl Iterator<Item = &Goroutine> {
        let slots = self.slots.iter();
        slots.filter(|goroutine| goroutine.used == Use::Now)
    }

    /// Their slots.
    pub(super) fn alive_slots(&self) -> impl Iterator<Item = usize> {
        (0..self.slots.len()).filter(|&slot| self.slots[slot].used == Use::Now)
    }

    /// All that are alive, by number.
    pub(super) fn sorted(&self) -> Vec<&Goroutine> {
        let mut all: Vec<&Goroutine> = self.alive().collect();
        all.sort_by_key(|goroutine| goroutine.id);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with a plain map over numbers that come and go, stay, are negative, or huge.
    #[test]
    fn finds_what_a_map_finds() {
        let mut goroutines = Goroutines::default();
        let mut model: std::collections::BTreeMap<i64, u64> = Default::default();
        let mut random = 88_172_645_463_325_252u64;
        for step in 0..400_000u64 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let id = match random % 4 {
                0 => (random >> 8) as i64 % 3000,
                1 => (step / 10) as i64,
                2 => ((random >> 8) % 8) as i64 * (1 << 60) - 3,
                _ => -1,
            };
            let found = goroutines.find(id);
            assert_eq!(found.is_some(), model.contains_key(&id));
            if let Some(slot) = found {
                assert_eq!(goroutines.slots[slot].generation, model[&id]);
                assert_eq!(goroutines.find_with_hint(id, slot as u32), found);
                let regions = &mut goroutines.extra(slot).regions;
                assert!(regions.iter().all(|&(number, _)| number == model[&id]));
                regions.push((model[&id], 0));
            }
            assert_eq!(goroutines.find_with_hint(id, 0), found);
            if random & 0x300_0000 == 0 || random & 0x400_0000 == 0 && step % 50_000 > 10_000 {
                let slot = goroutines.insert(id, 1, step);
                assert_eq!(slot.is_none(), model.contains_key(&id));
                if slot.is_some() {
                    model.insert(id, step);
                }
            } else if let Some(slot) = found {
                goroutines.remove(slot);
                model.remove(&id);
            }
        }
        assert!(model.len() > 1000, "{}", model.len());
        let sorted = goroutines.sorted();
        assert!(sorted.iter().map(|known| known.id).eq(model.into_keys()));
    }
}
