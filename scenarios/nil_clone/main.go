// maps.Clone of a nil map returns a nil map. A write to the clone panics as a write to any nil map
// does.
//
//lab:group nil map
package main

import (
	"fmt"
	"maps"
)

func main() {
	var m map[string]int
	c := maps.Clone(m)
	fmt.Println("clone is nil:", c == nil)
	c["a"] = 1
}
