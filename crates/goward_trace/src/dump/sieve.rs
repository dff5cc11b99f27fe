//! Takes from a file the blocks in which a dump can be, so that gigabytes of other text cost no memory.

use std::borrow::Cow;
use std::io::Read;

use memchr::{memchr, memchr_iter, memmem, memrchr};

/// The part of a file that can hold dumps, read in blocks so that memory is bounded by the dumps
/// and not by the text around them.
#[derive(Clone, Debug, Default)]
pub struct Sieve {
    /// What was kept.
    pub bytes: Vec<u8>,
    /// `(line kept, line of the file)` wherever blocks were dropped, both from 0.
    pub steps: Vec<(u32, u32)>,
    /// Whether the file went on beyond the limit.
    pub cut: bool,
    /// How many bytes were read.
    pub read: u64,
    /// The first block, if it was dropped: it tells what the file is instead.
    pub first: Vec<u8>,
}

impl Sieve {
    const BLOCK: usize = 1 << 20;
    const TAIL: usize = 1 << 16;

    /// Reads to the end and keeps the blocks in which a dump may be. `expected` is the size of
    /// the input in bytes where it is known, `most` the largest number of bytes to keep.
    pub fn read(mut input: impl Read, expected: usize, most: usize) -> std::io::Result<Sieve> {
        let mut sieve = Sieve::default();
        sieve.bytes.reserve(expected.min(most).min(1 << 30) + 1);
        let marks: Vec<memmem::Finder<'_>> = [
            "goroutine ",
            "panic: ",
            "fatal error: ",
            "DATA RACE",
            // Pieces of lines: the words above may stand in two of them.
            " stderr P ",
            " stdout P ",
        ]
        .iter()
        .map(|mark| memmem::Finder::new(mark.as_bytes()))
        .collect();
        // Everything before `settled` has been judged; the rest is the block being filled.
        let (mut settled, mut kept_lines, mut file_lines) = (0, 0u32, 0u32);
        let mut keep_next = false;
        let mut wide = false;
        loop {
            let before = sieve.bytes.len();
            let got = (&mut input)
                .take(Self::BLOCK as u64)
                .read_to_end(&mut sieve.bytes)?;
            sieve.read += got as u64;
            let end = got == 0;
            let border = if end {
                sieve.bytes.len()
            } else {
                match memrchr(b'\n', &sieve.bytes[before..]) {
                    Some(at) => before + at + 1,
                    None if sieve.bytes.len() - settled < 16 * Self::BLOCK => continue,
                    None => sieve.bytes.len(),
                }
            };
            // Text of two bytes a character, as PowerShell writes it, is not searched but kept.
            wide |= before == 0 && WideText::of(&sieve.bytes).is_some();
            let block = &sieve.bytes[settled..border];
            let wanted = wide || marks.iter().any(|mark| mark.find(block).is_some());
            if wanted || keep_next {
                let lines = count_lines(block);
                kept_lines = kept_lines.saturating_add(lines);
                file_lines = file_lines.saturating_add(lines);
                settled = border;
            } else {
                // The end of a dropped block may hold the header of a dump in the next one.
                let from = border.saturating_sub(Self::TAIL).max(settled);
                let from =
                    memchr(b'\n', &sieve.bytes[from..border]).map_or(border, |at| from + at + 1);
                file_lines = file_lines.saturating_add(count_lines(&sieve.bytes[settled..from]));
                if sieve.first.is_empty() && kept_lines == 0 && sieve.steps.is_empty() {
                    sieve.first = block.to_vec();
                }
                sieve.steps.pop_if(|step| step.0 == kept_lines);
                sieve.steps.push((kept_lines, file_lines));
                sieve.bytes.drain(settled..from);
                // The tail stays, but is judged again together with what follows.
                if end {
                    settled = sieve.bytes.len();
                }
            }
            keep_next = wanted;
            if end {
                break;
            }
            if settled > most {
                sieve.cut = true;
                sieve.bytes.truncate(most);
                break;
            }
        }
        Ok(sieve)
    }

    /// The kept text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        if let Some(wide) = WideText::of(&self.bytes) {
            return Cow::Owned(wide.text());
        }
        let bytes = self
            .bytes
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&self.bytes);
        // The check alone is several times faster than the one that replaces.
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        }
    }
}

/// UTF-16 behind its mark of the order of bytes.
struct WideText<'t> {
    body: &'t [u8],
    big_endian: bool,
}

impl<'t> WideText<'t> {
    fn of(bytes: &'t [u8]) -> Option<WideText<'t>> {
        let (mark, body) = bytes.split_first_chunk::<2>()?;
        let big_endian = match mark {
            [0xFF, 0xFE] => false,
            [0xFE, 0xFF] => true,
            _ => return None,
        };
        Some(WideText { body, big_endian })
    }

    fn text(&self) -> String {
        let units = self.body.chunks_exact(2).map(|pair| {
            let pair = [pair[0], pair[1]];
            if self.big_endian {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            }
        });
        char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    }
}

pub(super) fn count_lines(bytes: &[u8]) -> u32 {
    u32::try_from(memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}
