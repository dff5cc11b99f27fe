//! The lexer: from bytes to tokens, one at a time, on request of the parser.
//!
//! What it accepts is what `go/scanner` accepts. Comments go to a side table. Characters that
//! cannot start a token are reported and skipped, so that the parser goes on behind them.

use goward_diagnostics::Span;

use crate::errors::Errors;
use crate::names::NameCache;
use crate::symbol::Symbol;
use crate::token::{Token, TokenSet, keyword_or_identifier};
use crate::tree::Comment;
use crate::unicode;

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
/// Blanks and line ends.
const SPACE: u8 = 4;
/// What matters when a body is skipped.
const BODY_STOP: u8 = 16;
pub(crate) const WORD: u8 = LETTER | DIGIT;

/// The classes of each byte.
static CLASSES: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphabetic() || b == b'_' {
            table[byte] |= LETTER;
        }
        if b.is_ascii_digit() {
            table[byte] |= DIGIT;
        }
        if matches!(b, b' ' | b'\t' | b'\r' | b'\n') {
            table[byte] |= SPACE;
        }
        if matches!(b, b'{' | b'}' | b'"' | b'\'' | b'`' | b'/') {
            table[byte] |= BODY_STOP;
        }
        byte += 1;
    }
    table
};

#[inline(always)]
pub(crate) fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

/// Keywords that start a declaration of the file when they stand at the start of a line.
const BARRIER_KEYWORDS: TokenSet = TokenSet::of(&[
    Token::Import,
    Token::Const,
    Token::Type,
    Token::Var,
    Token::Func,
]);

pub(crate) struct Lexer<'s> {
    pub(crate) source: &'s [u8],
    /// Where the next token is searched.
    pub(crate) offset: usize,
    /// The current token and its range.
    pub(crate) token: Token,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// The name of the current token when it is an identifier.
    pub(crate) symbol: Symbol,
    /// Beyond this offset, keywords at the start of a line that can only start a declaration of
    /// the file read as the end of the text: the parser then closes whatever is left open.
    pub(crate) barrier: usize,
    /// Whether the current token is such an end.
    pub(crate) at_barrier: bool,
    gave_up: bool,
    pub(crate) comments: Vec<Comment>,
    pub(crate) errors: Errors<'s>,
    pub(crate) names: NameCache,
}

/// The barrier that never holds.
pub(crate) const NO_BARRIER: usize = usize::MAX;

impl<'s> Lexer<'s> {
    /// A lexer whose current token is not valid yet; call [`Lexer::next`].
    pub(crate) fn new(source: &'s [u8]) -> Lexer<'s> {
        let mut lexer = Lexer {
            source,
            offset: 0,
            token: Token::Semicolon,
            start: 0,
            end: 0,
            symbol: Symbol::EMPTY,
            barrier: NO_BARRIER,
            at_barrier: false,
            gave_up: false,
            comments: Vec::new(),
            errors: Errors::new(source),
            names: NameCache::take(),
        };
        lexer.check_encoding();
        lexer
    }

    #[inline(always)]
    pub(crate) fn byte(&self, at: usize) -> u8 {
        // No token of Go holds a NUL, and the end of the text ends all tokens.
        self.source.get(at).copied().unwrap_or(0)
    }

    /// Makes `token` the current one. Returns true, for [`Lexer::scan`].
    #[inline(always)]
    pub(crate) fn emit(&mut self, token: Token, start: usize, end: usize) -> bool {
        self.token = token;
        self.start = start as u32;
        self.end = end as u32;
        self.offset = end;
        true
    }

    /// Inserts a semicolon before the line end at `at`; reading goes on at `resume`.
    #[inline(always)]
    fn insert_semicolon(&mut self, at: usize, resume: usize) {
        self.token = Token::Semicolon;
        self.start = at as u32;
        self.end = at as u32;
        self.offset = resume;
    }

    /// Reads the next token.
    #[inline(always)]
    pub(crate) fn next(&mut self) {
        while !self.scan() {}
    }

    /// Reads a token, or a comment: returns whether it was a token.
    ///
    /// All calls but the one for `//` are the last thing that is done, so that the common paths
    /// need no stack.
    fn scan(&mut self) -> bool {
        let mut at = self.offset;
        let byte = loop {
            let Some(&byte) = self.source.get(at) else {
                return self.end_of_text(at);
            };
            if class(byte) & SPACE == 0 {
                break byte;
            }
            if byte == b'\n' && self.token.ends_statement() {
                self.insert_semicolon(at, at + 1);
                return true;
            }
            at += 1;
        };
        if class(byte) & LETTER != 0 {
            return self.word(at);
        }
        let token = match byte {
            b'0'..=b'9' => return self.number(at),
            b'"' => return self.string(at),
            b'`' => return self.raw_string(at),
            b'\'' => return self.character(at),
            b'/' => match self.byte(at + 1) {
                b'/' => return self.line_comment(at),
                b'*' => return self.block_comment(at),
                b'=' => Token::DivideAssign,
                _ => Token::Divide,
            },
            b'.' => match self.byte(at + 1) {
                b'0'..=b'9' => return self.number(at),
                b'.' if self.byte(at + 2) == b'.' => Token::Ellipsis,
                _ => Token::Period,
            },
            b'(' => Token::LeftParenthesis,
            b')' => Token::RightParenthesis,
            b'[' => Token::LeftBracket,
            b']' => Token::RightBracket,
            b'{' => Token::LeftBrace,
            b'}' => Token::RightBrace,
            b',' => Token::Comma,
            b';' => Token::Semicolon,
            b'~' => Token::Tilde,
            b':' => self.or_equals(at, Token::Colon, Token::Define),
            b'=' => self.or_equals(at, Token::Assign, Token::Equal),
            b'!' => self.or_equals(at, Token::Not, Token::NotEqual),
            b'*' => self.or_equals(at, Token::Multiply, Token::MultiplyAssign),
            b'%' => self.or_equals(at, Token::Remainder, Token::RemainderAssign),
            b'^' => self.or_equals(at, Token::Xor, Token::XorAssign),
            b'+' => match self.byte(at + 1) {
                b'+' => Token::Increment,
                b'=' => Token::AddAssign,
                _ => Token::Add,
            },
            b'-' => match self.byte(at + 1) {
                b'-' => Token::Decrement,
                b'=' => Token::SubtractAssign,
                _ => Token::Subtract,
            },
            b'|' => match self.byte(at + 1) {
                b'|' => Token::LogicalOr,
                b'=' => Token::OrAssign,
                _ => Token::Or,
            },
            b'&' => match self.byte(at + 1) {
                b'&' => Token::LogicalAnd,
                b'=' => Token::AndAssign,
                b'^' if self.byte(at + 2) == b'=' => Token::AndNotAssign,
                b'^' => Token::AndNot,
                _ => Token::And,
            },
            b'<' => match self.byte(at + 1) {
                b'-' => Token::Arrow,
                b'=' => Token::LessEqual,
                b'<' if self.byte(at + 2) == b'=' => Token::ShiftLeftAssign,
                b'<' => Token::ShiftLeft,
                _ => Token::Less,
            },
            b'>' => match self.byte(at + 1) {
                b'=' => Token::GreaterEqual,
                b'>' if self.byte(at + 2) == b'=' => Token::ShiftRightAssign,
                b'>' => Token::ShiftRight,
                _ => Token::Greater,
            },
            _ => return self.foreign(at),
        };
        self.emit(token, at, at + token.length())
    }

    #[inline(always)]
    fn or_equals(&self, at: usize, plain: Token, with_equals: Token) -> Token {
        if self.byte(at + 1) == b'=' {
            with_equals
        } else {
            plain
        }
    }

    #[cold]
    fn end_of_text(&mut self, at: usize) -> bool {
        if self.token.ends_statement() {
            self.insert_semicolon(at, at);
        } else {
            self.emit(Token::Eof, at, at);
        }
        true
    }

    /// An identifier or keyword that starts with an ASCII letter.
    #[inline(always)]
    fn word(&mut self, start: usize) -> bool {
        let source = self.source;
        let mut end = start + 1;
        while let Some(&byte) = source.get(end)
            && class(byte) & WORD != 0
        {
            end += 1;
        }
        let length = end - start;
        let Some(bytes) = source.get(start..start + 17) else {
            return self.long_word(start);
        };
        if length > 16 || bytes[length] >= 0x80 {
            return self.long_word(start);
        }
        let word: [u8; 16] = bytes[..16].try_into().unwrap_or([0; 16]);
        let word = u128::from_le_bytes(word) & (u128::MAX >> (128 - 8 * length));
        self.short_word(start, end, word as u64, (word >> 64) as u64)
    }

    /// A word of at most 16 bytes, also given as two little-endian numbers.
    #[inline(always)]
    fn short_word(&mut self, start: usize, end: usize, low: u64, high: u64) -> bool {
        let token = keyword_or_identifier(low, high, end - start);
        if token == Token::Identifier {
            match self.names.find(low, high) {
                Some(symbol) => self.symbol = symbol,
                None => return self.rare_word(start, end, low, high),
            }
        } else if start > self.barrier {
            return self.word_behind_barrier(token, start, end);
        }
        self.emit(token, start, end)
    }

    #[cold]
    #[inline(never)]
    fn word_behind_barrier(&mut self, token: Token, start: usize, end: usize) -> bool {
        if BARRIER_KEYWORDS.contains(token) && self.source[start - 1] == b'\n' {
            self.at_barrier = true;
            self.emit(Token::Eof, start, start)
        } else {
            self.emit(token, start, end)
        }
    }

    /// An identifier of at most 16 bytes that was not met lately.
    #[cold]
    #[inline(never)]
    fn rare_word(&mut self, start: usize, end: usize, low: u64, high: u64) -> bool {
        self.symbol = self.names.add(low, high, &self.source[start..end]);
        self.emit(Token::Identifier, start, end)
    }

    /// A word of any length, also at the very end of the text or with characters outside of ASCII.
    #[cold]
    #[inline(never)]
    fn long_word(&mut self, start: usize) -> bool {
        let mut end = start;
        let mut ascii = true;
        loop {
            let byte = self.byte(end);
            if byte < 0x80 {
                if class(byte) & WORD == 0 {
                    break;
                }
                end += 1;
            } else {
                let (character, width) = decode(self.source, end);
                if !unicode::is_letter(character) && !unicode::is_digit(character) {
                    break;
                }
                ascii = false;
                end += width;
            }
        }
        let name = &self.source[start..end];
        if name.len() > 16 {
            self.symbol = self.names.long(name);
            return self.emit(Token::Identifier, start, end);
        }
        let (low, high) = load(name);
        if ascii {
            self.short_word(start, end, low, high)
        } else {
            self.rare_word(start, end, low, high)
        }
    }

    /// Whatever starts with a byte that starts no token of ASCII: an identifier, or something to
    /// be reported and skipped.
    #[cold]
    #[inline(never)]
    fn foreign(&mut self, at: usize) -> bool {
        let (character, width) = decode(self.source, at);
        if !character.is_ascii() && unicode::is_letter(character) {
            return self.long_word(at);
        }
        let span = Span::new(at as u32, (at + width) as u32);
        match character {
            // These have been reported by the check of the encoding.
            '\0' | '\u{FEFF}' => {}
            '\u{FFFD}' if width == 1 => {}
            '“' | '”' => self.errors.add(
                span,
                format!("curly quotation mark '{character}' (use neutral '\"')"),
            ),
            _ => self.errors.add(
                span,
                format!(
                    "illegal character U+{:04X} '{}'",
                    u32::from(character),
                    character.escape_debug()
                ),
            ),
        }
        self.offset = at + width;
        false
    }

    /// A comment up to, not including, the end of the line.
    #[inline(never)]
    fn line_comment(&mut self, start: usize) -> bool {
        let source = self.source;
        let end = match memchr::memchr(b'\n', &source[start..]) {
            Some(length) => start + length,
            None => source.len(),
        };
        let trimmed = if source[end - 1] == b'\r' {
            end - 1
        } else {
            end
        };
        self.comments.push(Comment {
            span: Span::new(start as u32, trimmed as u32),
        });
        if self.byte(start + 2) == b'l' && (start == 0 || source[start - 1] == b'\n') {
            self.check_line_directive(start, &source[start..trimmed]);
        }
        self.offset = end;
        false
    }

    /// A comment that ends with `*/`. A line end in it inserts a semicolon.
    #[inline(never)]
    fn block_comment(&mut self, start: usize) -> bool {
        let source = self.source;
        let mut at = start + 2;
        let end = loop {
            match memchr::memchr(b'*', &source[at.min(source.len())..]) {
                Some(length) => {
                    at += length + 1;
                    if self.byte(at) == b'/' {
                        break at + 1;
                    }
                }
                None => {
                    let span = Span::new(start as u32, (start + 2) as u32);
                    self.errors.add(span, "comment not terminated");
                    break source.len();
                }
            }
        };
        self.comments.push(Comment {
            span: Span::new(start as u32, end as u32),
        });
        let text = &source[start..end];
        if text.get(2) == Some(&b'l') && text.len() > 4 && text.ends_with(b"*/") {
            self.check_line_directive(start, &text[..text.len() - 2]);
        }
        if self.token.ends_statement()
            && let Some(length) = memchr::memchr(b'\n', text)
        {
            self.insert_semicolon(start + length, end);
            return true;
        }
        self.offset = end;
        false
    }

    /// Complains about `//line` directives with bad numbers, as Go does.
    fn check_line_directive(&mut self, start: usize, comment: &[u8]) {
        let Some(text) = comment
            .get(2..)
            .and_then(|text| text.strip_prefix(b"line "))
        else {
            return;
        };
        let Some((after, line)) = trailing_number(text) else {
            return;
        };
        let offset = start + 7;
        let complain = |errors: &mut Errors<'_>, what: &str, at: usize| {
            let number = String::from_utf8_lossy(&text[at..]);
            let span = Span::new((offset + at) as u32, (offset + text.len()) as u32);
            errors.add(span, format!("invalid {what} number: {number}"));
        };
        // Go reads numbers of 64 bits and compares them as signed ones.
        let valid = |number: u64| number != 0 && number as i64 <= 0x4000_0000;
        let Some(line) = line else {
            complain(&mut self.errors, "line", after);
            return;
        };
        // With two numbers, the first one is the line and the second one is the column.
        match trailing_number(&text[..after - 1]) {
            Some((before, Some(first))) => {
                if !valid(line) {
                    complain(&mut self.errors, "column", after);
                } else if !valid(first) {
                    complain(&mut self.errors, "line", before);
                }
            }
            _ => {
                if !valid(line) {
                    complain(&mut self.errors, "line", after);
                }
            }
        }
    }

    /// Skips a block: the current token is its `{`, afterwards it is the `}` that closes it.
    /// Returns whether there is one.
    pub(crate) fn skip_block(&mut self) -> bool {
        let source = self.source;
        let mut at = self.end as usize;
        let mut depth = 1usize;
        loop {
            while let Some(bytes) = source.get(at..at + 16) {
                let length = body_length(bytes.try_into().unwrap_or([0; 16]));
                at += length;
                if length < 16 {
                    break;
                }
            }
            while at < source.len() && class(source[at]) & BODY_STOP == 0 {
                at += 1;
            }
            if at >= source.len() {
                self.emit(Token::Eof, source.len(), source.len());
                return false;
            }
            match source[at] {
                b'{' => {
                    depth += 1;
                    at += 1;
                }
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        self.emit(Token::RightBrace, at, at + 1);
                        return true;
                    }
                    at += 1;
                }
                quote @ (b'"' | b'\'') => {
                    at += 1;
                    loop {
                        match self.byte(at) {
                            b'\\' => at += 2,
                            byte if byte == quote => {
                                at += 1;
                                break;
                            }
                            b'\n' => break,
                            0 if at >= source.len() => break,
                            _ => at += 1,
                        }
                    }
                }
                b'`' => {
                    at = match memchr::memchr(b'`', &source[at + 1..]) {
                        Some(length) => at + length + 2,
                        None => source.len(),
                    }
                }
                _ => match self.byte(at + 1) {
                    b'/' => {
                        at = match memchr::memchr(b'\n', &source[at..]) {
                            Some(length) => at + length,
                            None => source.len(),
                        }
                    }
                    b'*' => {
                        at = match memchr::memmem::find(&source[at + 2..], b"*/") {
                            Some(length) => at + length + 4,
                            None => source.len(),
                        }
                    }
                    _ => at += 1,
                },
            }
        }
    }

    /// Makes the rest of the text unreadable: the parser winds up.
    pub(crate) fn give_up(&mut self) {
        self.source = &self.source[..self.offset.min(self.source.len())];
        self.gave_up = true;
        self.errors.mute();
        self.token = Token::Eof;
        self.offset = self.source.len();
        self.start = self.offset as u32;
        self.end = self.start;
    }

    /// Whether [`Lexer::give_up`] was called.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Reads the token at `offset` again.
    pub(crate) fn restart(&mut self, offset: usize) {
        self.offset = offset;
        self.token = Token::Semicolon;
        self.next();
    }

    /// Reads the keyword at the barrier.
    pub(crate) fn pass_barrier(&mut self) {
        self.at_barrier = false;
        self.barrier = self.start as usize;
        self.restart(self.start as usize);
    }

    /// Whether the first thing on the next lines is `closing`, a bracket.
    pub(crate) fn next_line_starts_with(&self, closing: Token) -> bool {
        let rest = &self.source[self.offset.min(self.source.len())..];
        rest.trim_ascii_start()
            .starts_with(closing.text().as_bytes())
    }

    #[cold]
    fn report_invalid_utf8(&mut self) {
        let mut at = 0;
        for chunk in self.source.utf8_chunks().take(MOST_ENCODING_ERRORS) {
            at += chunk.valid().len();
            for index in 0..chunk.invalid().len() {
                let offset = (at + index) as u32;
                self.errors
                    .add(Span::new(offset, offset + 1), "illegal UTF-8 encoding");
            }
            at += chunk.invalid().len();
        }
    }

    /// Reports what no Go file may hold anywhere, not even in comments: bytes that are not UTF-8,
    /// NUL, and a byte order mark that is not at the start. Skips the one at the start.
    fn check_encoding(&mut self) {
        let source = self.source;
        if let [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] = source {
            self.errors.add(
                Span::new(0, 2),
                "illegal UTF-8 encoding (got UTF-16); save the file as UTF-8",
            );
            self.source = &[];
            return;
        }
        if source.starts_with(BYTE_ORDER_MARK) {
            self.offset = BYTE_ORDER_MARK.len();
        }
        if !source.is_ascii() {
            if std::str::from_utf8(source).is_err() {
                self.report_invalid_utf8();
            }
            let marks = memchr::memmem::find_iter(&source[self.offset..], BYTE_ORDER_MARK);
            for length in marks.take(MOST_ENCODING_ERRORS) {
                let offset = (self.offset + length) as u32;
                self.errors
                    .add(Span::new(offset, offset + 3), "illegal byte order mark");
            }
        }
        for offset in memchr::memchr_iter(0, source).take(MOST_ENCODING_ERRORS) {
            let offset = offset as u32;
            self.errors
                .add(Span::new(offset, offset + 1), "illegal character NUL");
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// So many complaints about the encoding leave room for others.
const MOST_ENCODING_ERRORS: usize = 50;

/// How many of the first bytes do not matter when a body is skipped.
#[inline(always)]
fn body_length(bytes: [u8; 16]) -> usize {
    let mut stops = [0u8; 16];
    for (stop, byte) in stops.iter_mut().zip(bytes) {
        let is = |other: u8| if byte ^ other == 0 { 0xFF } else { 0 };
        *stop = is(b'{') | is(b'}') | is(b'"') | is(b'\'') | is(b'`') | is(b'/');
    }
    (u128::from_le_bytes(stops).trailing_zeros() / 8) as usize
}

/// At most 16 bytes as two little-endian numbers.
fn load(name: &[u8]) -> (u64, u64) {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name);
    let word = u128::from_le_bytes(bytes);
    (word as u64, (word >> 64) as u64)
}

/// The character at `at` and its width; U+FFFD of width 1 where there is none.
pub(crate) fn decode(source: &[u8], at: usize) -> (char, usize) {
    let rest = &source[at..source.len().min(at + 4)];
    match rest.utf8_chunks().next() {
        Some(chunk) => match chunk.valid().chars().next() {
            Some(character) => (character, character.len_utf8()),
            None => (char::REPLACEMENT_CHARACTER, 1),
        },
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// What follows the last colon: its position, and the number if it is one.
fn trailing_number(text: &[u8]) -> Option<(usize, Option<u64>)> {
    let after = memchr::memrchr(b':', text)? + 1;
    let digits = &text[after..];
    let number = if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse().ok())
    } else {
        None
    };
    Some((after, number))
}
