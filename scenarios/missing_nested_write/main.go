// The inner map of a missing outer key is nil, and a write to it panics. The outer map need not be
// nil.
//
//lab:group nil map
package main

func main() {
	m := map[string]map[string]int{}
	m["a"]["b"] = 1
}
