//! The way from the bytes of a name to its [`Symbol`] without a lock in most cases: small tables
//! of the names met last, which each thread keeps from file to file.

use std::cell::Cell;

use crate::symbol::Symbol;

/// Slots for names of at most 16 bytes.
const SHORT: usize = 1 << 13;
/// Slots for longer names.
const LONG: usize = 1 << 10;

#[derive(Copy, Clone)]
struct Short {
    low: u64,
    high: u64,
    symbol: Symbol,
}

/// The names met last.
pub(crate) struct NameCache {
    short: Box<[Short; SHORT]>,
    long: Box<[(&'static [u8], Symbol); LONG]>,
}

thread_local! {
    static KEPT: Cell<Option<NameCache>> = const { Cell::new(None) };
}

impl NameCache {
    /// The tables of this thread; to be given back by [`NameCache::keep`].
    pub(crate) fn take() -> NameCache {
        KEPT.take().unwrap_or_else(|| NameCache {
            short: Box::new(
                [Short {
                    low: 0,
                    high: 0,
                    symbol: Symbol::EMPTY,
                }; SHORT],
            ),
            long: Box::new([(&[], Symbol::EMPTY); LONG]),
        })
    }

    /// Keeps the tables for the next file that this thread parses.
    pub(crate) fn keep(self) {
        KEPT.set(Some(self));
    }

    /// The symbol of a name of at most 16 bytes, given as two little-endian numbers, if it was met
    /// lately.
    #[inline(always)]
    pub(crate) fn find(&self, low: u64, high: u64) -> Option<Symbol> {
        let entry = &self.short[slot(low, high)];
        (entry.low == low && entry.high == high).then_some(entry.symbol)
    }

    /// The symbol of a name of at most 16 bytes, which will now be found.
    pub(crate) fn add(&mut self, low: u64, high: u64, name: &[u8]) -> Symbol {
        let symbol = Symbol::intern_short(low, high, text(name));
        self.short[slot(low, high)] = Short { low, high, symbol };
        symbol
    }

    /// The symbol of a name of more than 16 bytes.
    pub(crate) fn long(&mut self, name: &[u8]) -> Symbol {
        let word = |at: usize| {
            name.get(at..at + 8)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, u64::from_le_bytes)
        };
        let mixed = (word(0) ^ word(8).rotate_left(21) ^ word(name.len().saturating_sub(8)))
            .wrapping_add(name.len() as u64)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let slot = &mut self.long[(mixed >> 54) as usize % LONG];
        if slot.0 == name {
            return slot.1;
        }
        let symbol = Symbol::intern(text(name));
        *slot = (symbol.as_str().as_bytes(), symbol);
        symbol
    }
}

/// The lexer only lets whole characters into names.
fn text(name: &[u8]) -> &str {
    std::str::from_utf8(name).unwrap_or_default()
}

#[inline(always)]
fn slot(low: u64, high: u64) -> usize {
    let mixed = (low ^ high.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 51) as usize % SHORT
}
