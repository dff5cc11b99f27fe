// Command printable prints the code points at which strconv.IsPrint changes its answer, as the Rust
// table that the trace printer uses to quote strings the way Go does.
package main

import (
	"fmt"
	"strconv"
)

func main() {
	fmt.Println("//! Which characters Go's `strconv.Quote` prints as they are.")
	fmt.Println("//!")
	fmt.Println("//! Generated from a run of Go by `xtask/go/printable`; do not edit.")
	fmt.Println()
	fmt.Println("/// The code points at which printable and not printable change; below the first: not printable.")
	fmt.Println("#[rustfmt::skip]")
	fmt.Println("pub(super) static CHANGES: &[u32] = &[")
	printable, column := false, 0
	for r := rune(0); r <= 0x10FFFF; r++ {
		if strconv.IsPrint(r) == printable {
			continue
		}
		printable = !printable
		text := fmt.Sprintf("%#x,", r)
		if column+len(text) > 95 {
			fmt.Println()
			column = 0
		}
		if column == 0 {
			fmt.Print("    ")
		} else {
			fmt.Print(" ")
		}
		fmt.Print(text)
		column += len(text) + 1
	}
	fmt.Println()
	fmt.Println("];")
}
