//! From byte offsets to lines and columns, and back.

/// A place as people and editors count it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1, as Go's own tools print it.
    pub column: u32,
}

/// Where each line of a text starts. A line ends after its `\n`; a `\r` before it belongs to the
/// line, as in Go's `token.File`.
#[derive(Clone, Debug)]
pub struct LineIndex {
    /// Offset of the first byte of each line; never empty, the first is 0.
    starts: Vec<u32>,
    /// Length of the text in bytes.
    length: u32,
}

impl LineIndex {
    /// Indexes `text`. Bytes past 4 GiB are not indexed: spans cannot name them.
    pub fn new(text: &[u8]) -> LineIndex {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let text = &text[..length as usize];
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text).map(|offset| offset as u32 + 1));
        LineIndex { starts, length }
    }

    /// Number of lines; a text that ends in `\n` has an empty last line.
    pub fn line_count(&self) -> u32 {
        self.starts.len() as u32
    }

    /// Line and byte column of `offset`; an offset past the end is taken as the end.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let offset = offset.min(self.length);
        let line = self.starts.partition_point(|&start| start <= offset);
        LineColumn {
            line: line as u32,
            column: offset - self.starts[line - 1] + 1,
        }
    }

    /// The offset of a line and byte column, clamped to the end of that line; `None` for a line
    /// that does not exist.
    pub fn offset(&self, place: LineColumn) -> Option<u32> {
        let range = self.line_range(place.line)?;
        Some((range.start + place.column.max(1) - 1).min(range.end))
    }

    /// The bytes of `line` (from 1), with its line end.
    pub fn line_range(&self, line: u32) -> Option<std::ops::Range<u32>> {
        let index = (line as usize).checked_sub(1)?;
        let start = *self.starts.get(index)?;
        let end = self.starts.get(index + 1).copied().unwrap_or(self.length);
        Some(start..end)
    }

    /// Column of `offset` in UTF-16 code units, from 1, as SARIF and editors count. `text` is the
    /// indexed text; an invalid byte counts as one unit, as its replacement character does.
    pub fn utf16_column(&self, text: &[u8], offset: u32) -> u32 {
        let units = self.prefix(text, offset).utf8_chunks().map(|chunk| {
            chunk.valid().encode_utf16().count() + usize::from(!chunk.invalid().is_empty())
        });
        units.sum::<usize>() as u32 + 1
    }

    /// Column of `offset` in characters, from 1, as GitHub and people count.
    pub fn character_column(&self, text: &[u8], offset: u32) -> u32 {
        let characters = self
            .prefix(text, offset)
            .utf8_chunks()
            .map(|chunk| chunk.valid().chars().count() + usize::from(!chunk.invalid().is_empty()));
        characters.sum::<usize>() as u32 + 1
    }

    /// The part of the line before `offset`.
    fn prefix<'a>(&self, text: &'a [u8], offset: u32) -> &'a [u8] {
        let offset = offset.min(self.length);
        let place = self.line_column(offset);
        &text[(offset - (place.column - 1)) as usize..offset as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_three_kinds_of_columns() {
        let text = "a\nπ😀x\r\n".as_bytes();
        let index = LineIndex::new(text);
        let x = text.iter().position(|&byte| byte == b'x').unwrap() as u32;
        assert_eq!(index.line_column(x), LineColumn { line: 2, column: 7 });
        assert_eq!(index.utf16_column(text, x), 4);
        assert_eq!(index.character_column(text, x), 3);
        assert_eq!(index.offset(LineColumn { line: 2, column: 7 }), Some(x));
        assert_eq!(index.line_range(2), Some(2..11));
        assert_eq!(index.line_column(99), LineColumn { line: 3, column: 1 });
        assert_eq!(index.line_count(), 3);
        assert_eq!(index.line_range(4), None);
        assert_eq!(index.line_range(0), None);
    }

    #[test]
    fn an_invalid_byte_is_one_column() {
        let text = b"\xff\xfex";
        let index = LineIndex::new(text);
        assert_eq!(index.utf16_column(text, 2), 3);
        assert_eq!(index.character_column(text, 2), 3);
        assert_eq!(index.line_column(2).column, 3);
    }

    #[test]
    fn every_offset_survives_the_round_trip() {
        let text = b"package a\n\nfunc f() {\n\treturn\n}";
        let index = LineIndex::new(text);
        for offset in 0..=text.len() as u32 {
            assert_eq!(index.offset(index.line_column(offset)), Some(offset));
        }
    }
}
