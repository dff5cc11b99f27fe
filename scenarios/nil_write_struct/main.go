// A map field of a struct that nobody made is nil, and a write through it panics. The struct itself
// is fine.
//
//lab:group nil map
package main

func main() {
	t := &counters{}
	t.hits["a"] = 1
}

type counters struct{ hits map[string]int }
