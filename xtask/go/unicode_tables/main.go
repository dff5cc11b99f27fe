// Prints crates/goward_syntax/src/unicode.rs: the letters and digits of Go's package unicode.
package main

import (
	"bufio"
	"fmt"
	"os"
	"unicode"
)

func table(out *bufio.Writer, name, doc string, belongs func(rune) bool) {
	type span struct{ low, high rune }
	var spans []span
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !belongs(r) {
			continue
		}
		if n := len(spans); n > 0 && spans[n-1].high == r-1 {
			spans[n-1].high = r
		} else {
			spans = append(spans, span{r, r})
		}
	}
	fmt.Fprintf(out, "\n/// %s\n#[rustfmt::skip]\nstatic %s: [(u32, u32); %d] = [", doc, name, len(spans))
	for i, s := range spans {
		if i%6 == 0 {
			fmt.Fprint(out, "\n   ")
		}
		fmt.Fprintf(out, " (0x%X, 0x%X),", s.low, s.high)
	}
	fmt.Fprint(out, "\n];\n")
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintf(out, `//! Which characters outside of ASCII may stand in identifiers: the letters and digits of Go's
//! package unicode (Unicode %s). Written by `+"`cargo xtask unicode-tables`"+`; do not edit.

/// Whether a character outside of ASCII is a letter.
pub(crate) fn is_letter(character: char) -> bool {
    contains(&LETTERS, character)
}

/// Whether a character outside of ASCII is a decimal digit.
pub(crate) fn is_digit(character: char) -> bool {
    contains(&DIGITS, character)
}

fn contains(table: &[(u32, u32)], character: char) -> bool {
    let character = u32::from(character);
    let after = table.partition_point(|&(low, _)| low <= character);
    after > 0 && character <= table[after - 1].1
}
`, unicode.Version)
	table(out, "LETTERS", "First and last character of each run of letters (category L).", unicode.IsLetter)
	table(out, "DIGITS", "First and last character of each run of decimal digits (category Nd).", unicode.IsDigit)
	fmt.Fprint(out, `
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_outside_of_ascii() {
        assert!(is_letter('é') && is_letter('世') && is_letter('ª') && is_letter('\u{31350}'));
        assert!(!is_letter('٣') && !is_letter('“') && !is_letter('\u{FFFD}') && !is_letter('😀'));
        assert!(is_digit('٣') && is_digit('߁'));
        assert!(!is_digit('é') && !is_digit('²') && !is_digit('Ⅷ'));
    }
}
`)
}
