//! The way from the numbers of goroutines to their indexes in the timeline.
//!
//! Nearly every event asks for one. The runtime hands out numbers upwards, so the numbers of a trace
//! stand close together, wherever they begin: the index consists of pages of neighbouring numbers.
//! A small cache finds the pages that are in use, a hash map finds any.

use rustc_hash::FxHashMap;

const PAGE_BITS: u32 = 8;
const PAGE_SIZE: usize = 1 << PAGE_BITS;
const CACHE_SIZE: usize = 256;

/// A page of indexes, each plus one; 0 where there is none.
type Page = Box<[u32; PAGE_SIZE]>;

/// A map from 64-bit numbers, most of them close together, to 32-bit indexes.
pub(crate) struct NumberIndex {
    pages: Vec<Page>,
    places: FxHashMap<u64, u32>,
    /// For the page numbers with these lowest bits: the page number that was asked for last, and
    /// where its page is.
    cache: Box<[(u64, u32); CACHE_SIZE]>,
}

impl Default for NumberIndex {
    fn default() -> Self {
        NumberIndex {
            pages: Vec::new(),
            places: FxHashMap::default(),
            cache: Box::new([(u64::MAX, 0); CACHE_SIZE]),
        }
    }
}

fn split(number: i64) -> (u64, usize) {
    (number as u64 >> PAGE_BITS, number as usize % PAGE_SIZE)
}

impl NumberIndex {
    /// The index of a number.
    pub(crate) fn get(&self, number: i64) -> Option<u32> {
        let (page, offset) = split(number);
        let &place = self.places.get(&page)?;
        self.pages[place as usize][offset].checked_sub(1)
    }

    /// The index of a number; `next` is given to a number that has none.
    #[inline]
    pub(crate) fn get_or_insert(&mut self, number: i64, next: u32) -> u32 {
        let (page, offset) = split(number);
        let (cached, place) = self.cache[page as usize % CACHE_SIZE];
        let place = if cached == page {
            place
        } else {
            self.page(page)
        };
        let entry = &mut self.pages[place as usize][offset];
        if *entry == 0 {
            *entry = next + 1;
        }
        *entry - 1
    }

    fn page(&mut self, page: u64) -> u32 {
        let next = self.pages.len() as u32;
        let place = *self.places.entry(page).or_insert(next);
        if place == next {
            self.pages.push(Box::new([0; PAGE_SIZE]));
        }
        self.cache[page as usize % CACHE_SIZE] = (page, place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with a plain map over numbers that share cache lines, are negative, or huge.
    #[test]
    fn gives_what_a_map_gives() {
        let mut index = NumberIndex::default();
        let mut model: std::collections::BTreeMap<i64, u32> = Default::default();
        let mut random = 88_172_645_463_325_252u64;
        for step in 0..100_000u64 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let number = match random % 4 {
                0 => (random >> 8) as i64 % 2000,
                1 => (step / 3) as i64,
                2 => ((random >> 8) % 8) as i64 * (PAGE_SIZE * CACHE_SIZE) as i64 - 3,
                _ => i64::MIN + (random >> 60) as i64,
            };
            assert_eq!(index.get(number), model.get(&number).copied());
            if random & 0x100_0000 == 0 {
                let next = model.len() as u32;
                let expected = *model.entry(number).or_insert(next);
                assert_eq!(index.get_or_insert(number, next), expected);
            }
        }
    }
}
