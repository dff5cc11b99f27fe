//! What logs put before each line: literal text, with times and flags as the only parts that vary.

/// A log prefix: what stays the same on every line, and where the times are.
#[derive(Debug)]
pub(super) struct Prefix {
    parts: Vec<Part>,
    pub(super) key: String,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Time,
    /// A number that differs from line to line, with the blanks that align it.
    Number,
    /// The flag of the container runtime interface's log format: F for a full line, P for a part.
    Whole,
}

impl Prefix {
    pub(super) fn new(before: &str) -> Prefix {
        Prefix::parse(before, false)
    }

    /// As [`Prefix::new`], with every number as one that may vary: line numbers, counters.
    pub(super) fn with_numbers(before: &str) -> Prefix {
        Prefix::parse(before, true)
    }

    fn parse(before: &str, numbers: bool) -> Prefix {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let bytes = before.as_bytes();
        let mut at = 0;
        while at < before.len() {
            let time = if at == 0 || !bytes[at - 1].is_ascii_alphanumeric() {
                time_length(&bytes[at..])
            } else {
                0
            };
            if time > 0 {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Time);
                at += time;
                continue;
            }
            if (literal.ends_with("stderr ") || literal.ends_with("stdout "))
                && matches!(&bytes[at..], [b'F' | b'P', b' ', ..])
            {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
                parts.push(Part::Whole);
                at += 1;
                continue;
            }
            if numbers && number_length(&bytes[at..]) > 0 {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Number);
                at += number_length(&bytes[at..]);
                continue;
            }
            let character = before[at..].chars().next().unwrap_or(' ');
            literal.push(character);
            at += character.len_utf8();
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        let key = parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Time => "\u{1}",
                Part::Number => "\u{4}",
                Part::Whole => "\u{2}",
            })
            .collect();
        Prefix { parts, key }
    }

    /// Whether the prefix is one that only container runtimes and system logs write, as opposed
    /// to a time that the program itself may have put before a message.
    pub(super) fn is_container_log(&self, before: &str) -> bool {
        let trimmed = before.trim_end();
        let mut rest = before;
        let mut zulu = false;
        // RFC 3339 with a T, as kubectl and docker write it.
        while let Some(at) = rest.find('T') {
            zulu |= at >= 10 && time_length(&rest.as_bytes()[at - 10..]) > 12;
            rest = &rest[at + 1..];
        }
        self.parts.iter().any(|part| matches!(part, Part::Whole))
            || trimmed.ends_with('|')
            || zulu && self.parts.len() <= 2
            || (trimmed.ends_with("]:") && self.parts.iter().any(|part| matches!(part, Part::Time)))
            || trimmed.starts_with("[pod/")
    }

    /// Whether it is a time and the flag of a piece of a line.
    pub(super) fn is_in_pieces(&self) -> bool {
        matches!(
            self.parts.as_slice(),
            [Part::Time, Part::Literal(_), Part::Whole, Part::Literal(_)]
        )
    }

    /// The length of the prefix on this line, and whether the line goes on in the next one.
    pub(super) fn strip(&self, line: &str) -> Option<(usize, bool)> {
        let mut at = 0;
        let mut partial = false;
        let last = self.parts.len().saturating_sub(1);
        for (index, part) in self.parts.iter().enumerate() {
            let rest = &line[at..];
            match part {
                Part::Literal(text) if rest.starts_with(text.as_str()) => at += text.len(),
                // An empty line often loses the blank behind the prefix.
                Part::Literal(text) if index == last && rest == text.trim_end() => at = line.len(),
                Part::Literal(_) => return None,
                Part::Time => match time_length(rest.as_bytes()) {
                    0 => return None,
                    length => at += length,
                },
                Part::Number => match number_length(rest.as_bytes()) {
                    0 => return None,
                    length => at += length,
                },
                Part::Whole => match rest.as_bytes().first() {
                    Some(b'F') => at += 1,
                    Some(b'P') => {
                        partial = true;
                        at += 1;
                    }
                    _ => return None,
                },
            }
        }
        Some((at, partial))
    }
}

/// The length of a number at the start and of the blanks before it.
fn number_length(bytes: &[u8]) -> usize {
    let blanks = bytes.iter().take_while(|&&byte| byte == b' ').count();
    let digits = bytes[blanks..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits == 0 { 0 } else { blanks + digits }
}

pub(super) fn without_times(text: &str) -> String {
    Prefix::new(text).key
}

/// The length of the timestamp at the start, 0 if there is none: dates with an optional time,
/// times, seconds since 1970, syslog's `Nov 23 05:39:01`, klog's `1123 05:39:01.123456`.
fn time_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        bytes[from.min(bytes.len())..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let first = digits(0);
    if first == 4 && matches!(bytes.get(4), Some(b'-' | b'/')) && digits(5) == 2 {
        if bytes.get(7) == bytes.get(4) && digits(8) == 2 {
            if matches!(bytes.get(10), Some(b'T' | b' ')) {
                let clock = clock_length(&bytes[11..]);
                if clock > 0 {
                    return 11 + clock;
                }
            }
            return 10;
        }
        return 0;
    }
    if first == 4 && bytes.get(4) == Some(&b' ') && clock_length(&bytes[5..]) > 8 {
        return 5 + clock_length(&bytes[5..]);
    }
    if first == 2 {
        return clock_length(bytes);
    }
    if first >= 9 {
        let mut length = first;
        if bytes.get(length) == Some(&b'.') {
            length += 1 + digits(length + 1);
        }
        return length;
    }
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    if first == 0 && bytes.len() > 6 && MONTHS.chunks(3).any(|month| bytes.starts_with(month)) {
        let blanks = bytes[3..].iter().take_while(|&&byte| byte == b' ').count();
        let day = digits(3 + blanks);
        if blanks > 0 && (1..=2).contains(&day) && bytes.get(3 + blanks + day) == Some(&b' ') {
            let clock = clock_length(&bytes[3 + blanks + day + 1..]);
            if clock > 0 {
                return 3 + blanks + day + 1 + clock;
            }
        }
    }
    // Seconds since the start of the machine, right-aligned in brackets: `[   12.345678]`.
    if bytes.first() == Some(&b'[') {
        let blanks = bytes[1..].iter().take_while(|&&byte| byte == b' ').count();
        let whole = digits(1 + blanks);
        if whole > 0 && bytes.get(1 + blanks + whole) == Some(&b'.') {
            let fraction = digits(2 + blanks + whole);
            let end = 2 + blanks + whole + fraction;
            if fraction >= 3 && bytes.get(end) == Some(&b']') {
                return end + 1;
            }
        }
    }
    0
}

/// `05:39:01`, with an optional fraction and zone.
fn clock_length(bytes: &[u8]) -> usize {
    let pair = |at: usize| {
        bytes.get(at).is_some_and(u8::is_ascii_digit)
            && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
    };
    if !(pair(0)
        && bytes.get(2) == Some(&b':')
        && pair(3)
        && bytes.get(5) == Some(&b':')
        && pair(6))
    {
        return 0;
    }
    let mut length = 8;
    if matches!(bytes.get(length), Some(b'.' | b',')) {
        let fraction = bytes[length + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if fraction > 0 {
            length += 1 + fraction;
        }
    }
    match bytes.get(length) {
        Some(b'Z') => length + 1,
        Some(b'+' | b'-') if pair(length + 1) => {
            if bytes.get(length + 3) == Some(&b':') && pair(length + 4) {
                length + 6
            } else if pair(length + 3) {
                length + 5
            } else {
                length
            }
        }
        _ => length,
    }
}
