// m[k] += v on a nil map panics as a plain write does. The read half of it would not have panicked.
//
//lab:group nil map
package main

func main() {
	var m map[string]int
	m["a"] += 2
}
