// A struct with an interface field is a legal key type, and panics when the field holds a function.
// The text names the type inside.
//
//lab:group unhashable key
package main

func main() {
	m := map[key]int{}
	m[key{func() {}}] = 1
}

type key struct{ part any }
