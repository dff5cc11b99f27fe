// Reading a map through a nil pointer panics with a nil pointer dereference. The map is never
// reached.
//
//lab:group nil pointer
package main

import "fmt"

func main() {
	var pm *map[string]int
	fmt.Println((*pm)["a"])
}
