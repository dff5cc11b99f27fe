//! Interned names: a name is a number, equal names are equal numbers, in every file and thread.

use std::fmt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use hashbrown::HashTable;

/// An interned name. The numbering depends on the order in which names were met: never sort by it.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

const SHARDS: usize = 32;

/// The piece of memory that a shard takes for the texts of its next names.
const CHUNK: usize = 4 << 10;

/// The names with the same five bits of their hashes.
#[derive(Default)]
struct Shard {
    /// Their numbers; their texts are in [`TEXTS`]. Each name comes here a few times only, see
    /// [`NameCache`](crate::names::NameCache).
    numbers: HashTable<u32>,
    /// Room for the texts of more names.
    room: &'static mut [u8],
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

impl Shard {
    /// The number of a name with this hash, a new one if it has none yet.
    fn number(&mut self, hash: u64, text: &str) -> u32 {
        let known = |&number: &u32| Symbol(number).as_str() == text;
        // The upper bits of the hash are the good ones, and the table looks at the lower ones.
        if let Some(&number) = self.numbers.find(hash.rotate_left(26), known) {
            return number;
        }
        let number = TEXTS.push(self.keep(text)) as u32;
        let hash_of = |&number: &u32| hash_of(Symbol(number).as_str()).rotate_left(26);
        self.numbers
            .insert_unique(hash.rotate_left(26), number, hash_of);
        number
    }

    /// Keeps a text. Names live as long as the process: there are some hundred thousand of them in the
    /// largest programs, and every table that refers to one would otherwise need a lifetime.
    fn keep(&mut self, text: &str) -> &'static str {
        if text.len() > CHUNK / 8 {
            return Box::leak(text.to_owned().into_boxed_str());
        }
        if text.len() > self.room.len() {
            self.room = Box::leak(vec![0; CHUNK].into_boxed_slice());
        }
        let (kept, room) = std::mem::take(&mut self.room).split_at_mut(text.len());
        self.room = room;
        kept.copy_from_slice(text.as_bytes());
        std::str::from_utf8(kept).expect("a copy of a text is one")
    }
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

fn hash_of_words(low: u64, high: u64) -> u64 {
    (low ^ high.rotate_left(29)).wrapping_mul(MULTIPLIER)
}

fn hash_of(text: &str) -> u64 {
    match short_words(text.as_bytes()) {
        Some((low, high)) => hash_of_words(low, high),
        None => text.bytes().fold(0u64, |hash, byte| {
            (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(MULTIPLIER)
        }),
    }
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
        if text == "_" {
            return Symbol::BLANK;
        }
        let hash = hash_of(text);
        Symbol(lock(hash).number(hash, text))
    }

    /// The number of `text`, of which `low` and `high` are the bytes.
    pub(crate) fn intern_short(low: u64, high: u64, text: &str) -> Symbol {
        if text == "_" {
            return Symbol::BLANK;
        }
        let hash = hash_of_words(low, high);
        Symbol(lock(hash).number(hash, text))
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
