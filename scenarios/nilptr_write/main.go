// Writing a map through a nil pointer panics with a nil pointer dereference, not with the text of a
// nil map. The map is never reached.
//
//lab:group nil pointer
package main

func main() {
	var pm *map[string]int
	(*pm)["a"] = 1
}
