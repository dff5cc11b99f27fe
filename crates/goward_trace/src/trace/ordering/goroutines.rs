//! The goroutines that are alive, in slots that are used again, and the way from their numbers to
//! the slots.
//!
//! Every other event names a goroutine, so that way must be short. The runtime hands out numbers
//! upwards: those that are alive together stand close together, apart from a few old ones. So the
//! index consists of small pages by the upper bits of the number, found through a direct-mapped
//! cache; a hash map behind it knows all pages, for numbers that stand far apart.

use rustc_hash::FxHashMap;

use super::Ranges;

/// 'No slot is known.'
pub(super) const NO_SLOT: u32 = u32::MAX;

const PAGE_BITS: u32 = 6;
const PAGE_SIZE: usize = 1 << PAGE_BITS;
const CACHE_SIZE: usize = 1024;

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

/// The slots of 64 neighbouring goroutine numbers.
struct Page {
    number: u64,
    slots: [u32; PAGE_SIZE],
    alive: u32,
}

#[derive(Clone, Copy)]
struct CacheLine {
    number: u64,
    page: u32,
}

pub(super) struct Goroutines {
    pub(super) slots: Vec<Goroutine>,
    free: Vec<u32>,
    pages: Vec<Page>,
    free_pages: Vec<u32>,
    page_index: FxHashMap<u64, u32>,
    cache: Box<[CacheLine; CACHE_SIZE]>,
}

impl Default for Goroutines {
    fn default() -> Self {
        Goroutines {
            slots: Vec::new(),
            free: Vec::new(),
            pages: Vec::new(),
            free_pages: Vec::new(),
            page_index: FxHashMap::default(),
            cache: Box::new(
                [CacheLine {
                    number: u64::MAX,
                    page: 0,
                }; CACHE_SIZE],
            ),
        }
    }
}

fn place(id: i64) -> (u64, usize) {
    (id as u64 >> PAGE_BITS, id as usize % PAGE_SIZE)
}

impl Goroutines {
    #[inline]
    fn page(&mut self, number: u64) -> Option<usize> {
        let line = &self.cache[number as usize % CACHE_SIZE];
        if line.number == number {
            return Some(line.page as usize);
        }
        self.page_behind_cache(number)
    }

    fn page_behind_cache(&mut self, number: u64) -> Option<usize> {
        let &page = self.page_index.get(&number)?;
        self.cache[number as usize % CACHE_SIZE] = CacheLine { number, page };
        Some(page as usize)
    }

    #[inline]
    pub(super) fn find(&mut self, id: i64) -> Option<usize> {
        let (number, offset) = place(id);
        let page = self.page(number)?;
        let slot = self.pages[page].slots[offset];
        (slot != NO_SLOT).then_some(slot as usize)
    }

    /// As `find`, but tries a slot first.
    #[inline]
    pub(super) fn find_with_hint(&mut self, id: i64, hint: u32) -> Option<usize> {
        if let Some(slot) = self.slots.get(hint as usize)
            && slot.id == id
            && slot.alive
        {
            return Some(hint as usize);
        }
        self.find(id)
    }

    /// Adds a goroutine and returns its slot; nothing if it exists already.
    #[inline]
    pub(super) fn insert(&mut self, id: i64, status: u8, generation: u64) -> Option<usize> {
        let (number, offset) = place(id);
        let page = match self.page(number) {
            Some(page) => page,
            None => self.add_page(number),
        };
        let entry = &mut self.pages[page];
        if entry.slots[offset] != NO_SLOT {
            return None;
        }
        let slot = match self.free.pop() {
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
                self.slots.push(Goroutine {
                    id,
                    alive: true,
                    status,
                    generation,
                    ..Goroutine::default()
                });
                self.slots.len() as u32 - 1
            }
        };
        entry.slots[offset] = slot;
        entry.alive += 1;
        Some(slot as usize)
    }

    fn add_page(&mut self, number: u64) -> usize {
        let page = match self.free_pages.pop() {
            Some(page) => {
                self.pages[page as usize].number = number;
                page
            }
            None => {
                self.pages.push(Page {
                    number,
                    slots: [NO_SLOT; PAGE_SIZE],
                    alive: 0,
                });
                self.pages.len() as u32 - 1
            }
        };
        self.page_index.insert(number, page);
        self.cache[number as usize % CACHE_SIZE] = CacheLine { number, page };
        page as usize
    }

    #[inline]
    pub(super) fn remove(&mut self, slot: usize) {
        let goroutine = &mut self.slots[slot];
        goroutine.alive = false;
        let (number, offset) = place(goroutine.id);
        self.free.push(slot as u32);
        if let Some(page) = self.page(number) {
            let entry = &mut self.pages[page];
            entry.slots[offset] = NO_SLOT;
            entry.alive -= 1;
            if entry.alive == 0 {
                self.remove_page(page);
            }
        }
    }

    fn remove_page(&mut self, page: usize) {
        let number = self.pages[page].number;
        self.page_index.remove(&number);
        self.free_pages.push(page as u32);
        self.cache[number as usize % CACHE_SIZE].number = u64::MAX;
    }

    /// All that are alive, by number.
    pub(super) fn sorted(&self) -> Vec<&Goroutine> {
        let mut all: Vec<&Goroutine> = self
            .slots
            .iter()
            .filter(|goroutine| goroutine.alive)
            .collect();
        all.sort_by_key(|goroutine| goroutine.id);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with a plain map over numbers that collide in the cache, are negative, or huge.
    #[test]
    fn finds_what_a_map_finds() {
        let mut goroutines = Goroutines::default();
        let mut model: std::collections::BTreeMap<i64, usize> = Default::default();
        let mut random = 88_172_645_463_325_252u64;
        for step in 0..200_000u64 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let id = match random % 4 {
                0 => (random >> 8) as i64 % 200,
                1 => (step / 10) as i64,
                2 => ((random >> 8) % 8) as i64 * (PAGE_SIZE * CACHE_SIZE) as i64 - 3,
                _ => -1,
            };
            assert_eq!(goroutines.find(id), model.get(&id).copied());
            if random & 0x100_0000 == 0 {
                let slot = goroutines.insert(id, 1, 1);
                assert_eq!(slot.is_none(), model.contains_key(&id));
                if let Some(slot) = slot {
                    model.insert(id, slot);
                }
            } else if let Some(slot) = model.remove(&id) {
                goroutines.remove(slot);
            }
            assert_eq!(goroutines.find_with_hint(id, 0), model.get(&id).copied());
        }
        assert_eq!(goroutines.sorted().len(), model.len());
    }
}
