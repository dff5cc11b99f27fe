//! Many texts, each with a number: one after the other in one piece of memory.
//!
//! A program that logs gives millions of texts that come once. Here one costs its bytes, its end and
//! eight bytes in a hash table.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

/// Texts, numbered from 0 as they come.
#[derive(Default)]
pub(crate) struct Texts {
    bytes: String,
    /// Where each text ends.
    ends: Vec<usize>,
    /// A power of two of places: half of a text's hash, and its number plus one; 0 for none.
    table: Vec<(u32, u32)>,
    /// How many of those are in use.
    used: usize,
}

impl Texts {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text with this number, the empty one if there is none.
    pub(crate) fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = match number.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => 0,
        };
        let end = self.ends.get(number).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The number of a text; a new one if it is new.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if self.used * 2 >= self.table.len() {
            self.grow();
        }
        let mut hasher = FxHasher::default();
        text.hash(&mut hasher);
        // The lower half is the better one of this hash.
        let hash = hasher.finish() as u32;
        let mask = self.table.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            match self.table[place] {
                (_, 0) => break,
                (known, number) if known == hash && self.get(number - 1) == text => {
                    return number - 1;
                }
                _ => place = (place + 1) & mask,
            }
        }
        let number = self.append(text);
        self.table[place] = (hash, number + 1);
        self.used += 1;
        number
    }

    /// A new number for a text that need not be found again: looking for it would wait for memory.
    pub(crate) fn append(&mut self, text: &str) -> u32 {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
        self.ends.len() as u32 - 1
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(1024);
        let old = std::mem::replace(&mut self.table, vec![(0, 0); size]);
        for entry in old.into_iter().filter(|entry| entry.1 != 0) {
            let mut place = entry.0 as usize & (size - 1);
            while self.table[place].1 != 0 {
                place = (place + 1) & (size - 1);
            }
            self.table[place] = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_one_number() {
        let mut texts = Texts::default();
        for round in 0..2 {
            for number in 0..5000u32 {
                let text = format!("{}{}", "n".repeat(number as usize % 7), number / 3);
                let known = texts.len() as u32;
                let interned = texts.intern(&text);
                assert!(interned < known || round == 0 && interned == known);
                assert_eq!(texts.get(interned), text);
            }
        }
        let empty = texts.intern("");
        assert_eq!(texts.get(empty), "");
        assert_eq!(texts.intern(""), empty);
        assert_eq!(texts.get(u32::MAX), "");
        let mut all: Vec<&str> = (0..texts.len() as u32)
            .map(|number| texts.get(number))
            .collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
