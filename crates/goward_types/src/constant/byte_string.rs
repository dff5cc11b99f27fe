//! The bytes of a Go string constant, joined only when somebody reads them.
//!
//! A source file may build one constant out of thousands of pieces (`"a" + "b" + "c" + …`), and the
//! checker keeps the value of every prefix. Copying the bytes at each `+` would cost the square of
//! the length; here a sum only points at its two halves until it is read for the first time.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Sums up to this many bytes are joined at once: a copy is cheaper than a node.
const JOIN_AT_ONCE: usize = 256;

/// The longest string, in bytes, that a sum may have.
///
/// Thirty doublings of one character make a gigabyte, so a limit has to exist; this one is far
/// above what the Go linker accepts in practice.
const LONGEST_SUM: usize = 64 << 20;

/// An immutable sequence of bytes; cloning it copies a pointer.
#[derive(Clone)]
pub struct ByteString(Arc<Node>);

struct Node {
    length: usize,
    bytes: OnceLock<Box<[u8]>>,
    /// The two halves of a sum; given up as soon as `bytes` is set.
    halves: Mutex<Option<(ByteString, ByteString)>>,
}

impl ByteString {
    /// A string that holds a copy of `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        Self::from_box(bytes.into())
    }

    fn from_box(bytes: Box<[u8]>) -> Self {
        Self(Arc::new(Node {
            length: bytes.len(),
            bytes: OnceLock::from(bytes),
            halves: Mutex::new(None),
        }))
    }

    /// The length in bytes; known without joining.
    pub fn len(&self) -> usize {
        self.0.length
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `self + other`, or nothing if the result would pass the 64 MiB limit of a sum.
    pub fn concatenate(&self, other: &Self) -> Option<Self> {
        if other.is_empty() {
            return Some(self.clone());
        }
        if self.is_empty() {
            return Some(other.clone());
        }
        let length = self.len().checked_add(other.len())?;
        if length > LONGEST_SUM {
            return None;
        }
        if length <= JOIN_AT_ONCE {
            return Some(Self::from_box(
                [self.bytes(), other.bytes()].concat().into(),
            ));
        }
        Some(Self(Arc::new(Node {
            length,
            bytes: OnceLock::new(),
            halves: Mutex::new(Some((self.clone(), other.clone()))),
        })))
    }

    /// The bytes; joins the pieces of a sum the first time.
    pub fn bytes(&self) -> &[u8] {
        let node = &*self.0;
        let bytes = node.bytes.get_or_init(|| {
            let mut joined = Vec::with_capacity(node.length);
            let mut pending = Vec::new();
            node.push_halves(&mut pending);
            while let Some(piece) = pending.pop() {
                if let Some(bytes) = piece.0.bytes.get() {
                    joined.extend_from_slice(bytes);
                } else if !piece.0.push_halves(&mut pending) {
                    // Another thread has joined this piece since the line above.
                    pending.push(piece);
                }
            }
            joined.into()
        });
        if let Ok(mut halves) = node.halves.try_lock() {
            release(halves.take());
        }
        bytes
    }
}

impl Node {
    /// Pushes the right half, then the left one on top of it; false if the node is joined by now.
    fn push_halves(&self, pending: &mut Vec<ByteString>) -> bool {
        let halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((left, right)) = &*halves else {
            return false;
        };
        pending.push(right.clone());
        pending.push(left.clone());
        true
    }
}

/// Drops halves without recursion: a chain of a hundred thousand sums must not exhaust the stack.
fn release(halves: Option<(ByteString, ByteString)>) {
    let Some((left, right)) = halves else { return };
    let mut pending = vec![left, right];
    while let Some(string) = pending.pop() {
        if let Some(mut node) = Arc::into_inner(string.0) {
            let halves = node
                .halves
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some((left, right)) = halves.take() {
                pending.push(left);
                pending.push(right);
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        release(
            self.halves
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }
}

impl fmt::Debug for ByteString {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&super::quote::quote(self.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_chains_join_once_and_drop_without_recursion() {
        let piece = ByteString::new(&[b'x'; 300]);
        let mut sum = ByteString::new(b"");
        for _ in 0..100_000 {
            sum = sum.concatenate(&piece).unwrap();
        }
        assert_eq!(sum.len(), 30_000_000);
        assert!(sum.bytes().iter().all(|byte| *byte == b'x'));
        assert_eq!(sum.bytes().len(), 30_000_000);
        let mut unread = ByteString::new(b"");
        for _ in 0..200_000 {
            unread = unread.concatenate(&piece).unwrap();
        }
        drop(unread);
        let mut leaning_right = ByteString::new(b"");
        for _ in 0..100_000 {
            leaning_right = piece.concatenate(&leaning_right).unwrap();
        }
        assert_eq!(leaning_right.bytes().len(), 30_000_000);
    }

    #[test]
    fn pieces_keep_their_order() {
        let pieces: Vec<String> = (0..500).map(|number| format!("{number},")).collect();
        let expected = pieces.concat();
        let mut sum = ByteString::new(b"");
        for piece in &pieces {
            sum = sum.concatenate(&ByteString::new(piece.as_bytes())).unwrap();
        }
        let doubled = sum.concatenate(&sum).unwrap();
        assert_eq!(doubled.bytes(), expected.repeat(2).as_bytes());
        assert_eq!(sum.bytes(), expected.as_bytes());
    }

    #[test]
    fn doubling_stops_at_the_limit() {
        let mut string = ByteString::new(b"go");
        let mut doublings = 0;
        while let Some(twice) = string.concatenate(&string) {
            string = twice;
            doublings += 1;
            assert!(doublings < 100);
        }
        assert_eq!(string.len(), LONGEST_SUM);
        let mut empty = ByteString::new(b"");
        for _ in 0..1000 {
            empty = empty.concatenate(&empty).unwrap();
        }
        assert!(empty.bytes().is_empty());
    }
}
