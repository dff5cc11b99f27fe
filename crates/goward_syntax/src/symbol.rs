//! Interned names: a name is a number, equal names are equal numbers, in every file and thread.

use std::fmt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

/// An interned name. The numbering depends on the order in which names were met: never sort by it.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

const SHARDS: usize = 32;

#[derive(Default)]
struct Shard {
    /// Names of at most 16 bytes, as two little-endian numbers: comparing them does not touch the
    /// text, which is most likely not in the processor's cache.
    short: FxHashMap<(u64, u64), u32>,
    long: FxHashMap<&'static str, u32>,
}

static SHARD_TABLE: LazyLock<Vec<Mutex<Shard>>> =
    LazyLock::new(|| (0..SHARDS).map(|_| Mutex::new(Shard::default())).collect());
static TEXTS: LazyLock<boxcar::Vec<&'static str>> = LazyLock::new(|| {
    let texts = boxcar::Vec::new();
    texts.push("");
    texts.push("_");
    texts
});

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

fn lock(hash: u64) -> MutexGuard<'static, Shard> {
    SHARD_TABLE[(hash >> 59) as usize % SHARDS]
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a new text.
fn add(text: &str) -> (&'static str, u32) {
    // Names live as long as the process: there are some hundred thousand of them in the largest
    // programs, and every table that refers to one would otherwise need a lifetime.
    let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
    (text, TEXTS.push(text) as u32)
}

/// A name of 1 to 16 bytes as two numbers that no other name has.
fn short_words(text: &[u8]) -> Option<(u64, u64)> {
    if text.len() > 16 || text.last() == Some(&0) {
        return None;
    }
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text);
    let word = u128::from_le_bytes(bytes);
    Some((word as u64, (word >> 64) as u64))
}

impl Symbol {
    /// The empty name.
    pub const EMPTY: Symbol = Symbol(0);

    /// The blank identifier `_`.
    pub const BLANK: Symbol = Symbol(1);

    /// The number of `text`, now and for ever.
    pub fn intern(text: &str) -> Symbol {
        if text.is_empty() {
            return Symbol::EMPTY;
        }
        match short_words(text.as_bytes()) {
            Some((low, high)) => Symbol::intern_short(low, high, text),
            None => {
                let hash = text.bytes().fold(0u64, |hash, byte| {
                    (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(MULTIPLIER)
                });
                let mut shard = lock(hash);
                if let Some(&number) = shard.long.get(text) {
                    return Symbol(number);
                }
                let (text, number) = add(text);
                shard.long.insert(text, number);
                Symbol(number)
            }
        }
    }

    /// The number of `text`, of which `low` and `high` are the bytes.
    pub(crate) fn intern_short(low: u64, high: u64, text: &str) -> Symbol {
        if text == "_" {
            return Symbol::BLANK;
        }
        let mut shard = lock((low ^ high.rotate_left(29)).wrapping_mul(MULTIPLIER));
        if let Some(&number) = shard.short.get(&(low, high)) {
            return Symbol(number);
        }
        let (_, number) = add(text);
        shard.short.insert((low, high), number);
        Symbol(number)
    }

    /// The text of the name.
    #[inline]
    pub fn as_str(self) -> &'static str {
        TEXTS.get(self.0 as usize).copied().unwrap_or("")
    }

    /// Whether this is the blank identifier `_`.
    #[inline]
    pub fn is_blank(self) -> bool {
        self == Symbol::BLANK
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}
