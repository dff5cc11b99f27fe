// debug.SetPanicOnFault changes nothing for a nil pointer to a map. The panic is the same and can
// be recovered.
//
//lab:group nil pointer
package main

import (
	"fmt"
	"runtime/debug"
)

func main() {
	debug.SetPanicOnFault(true)
	var pm *map[string]int
	fmt.Println((*pm)["a"])
}
