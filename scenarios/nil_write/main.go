// Writing to a nil map panics. The panic is an ordinary one: a deferred recover stops it.
//
//lab:group nil map
package main

func main() {
	var m map[string]int
	m["a"] = 1
}
