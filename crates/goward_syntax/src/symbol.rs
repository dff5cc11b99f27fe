//! Interned names: a name is a number, equal names are equal numbers, in every file and thread.

use std::fmt;
use std::sync::{LazyLock, Mutex};

use rustc_hash::FxHashMap;

/// An interned name. The numbering depends on the order in which names were met: never sort by it.
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

const SHARDS: usize = 32;

struct Shard {
    by_text: FxHashMap<&'static str, u32>,
}

static SHARD_TABLE: LazyLock<Vec<Mutex<Shard>>> = LazyLock::new(|| {
    (0..SHARDS)
        .map(|_| {
            Mutex::new(Shard {
                by_text: FxHashMap::default(),
            })
        })
        .collect()
});
static TEXTS: LazyLock<boxcar::Vec<&'static str>> = LazyLock::new(|| {
    let texts = boxcar::Vec::new();
    texts.push("");
    texts.push("_");
    texts
});

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
        let hash = {
            use std::hash::{Hash, Hasher};
            let mut hasher = rustc_hash::FxHasher::default();
            text.hash(&mut hasher);
            hasher.finish()
        };
        let shard = &SHARD_TABLE[(hash >> 59) as usize % SHARDS];
        let mut shard = shard
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(&number) = shard.by_text.get(text) {
            return Symbol(number);
        }
        // Names live as long as the process: there are some hundred thousand of them in the
        // largest programs, and every table that refers to one would otherwise need a lifetime.
        let text: &'static str = Box::leak(text.to_owned().into_boxed_str());
        let number = TEXTS.push(text) as u32;
        shard.by_text.insert(text, number);
        Symbol(number)
    }

    /// The text of the name.
    pub fn as_str(self) -> &'static str {
        TEXTS.get(self.0 as usize).copied().unwrap_or("")
    }

    /// Whether this is the blank identifier `_`.
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
