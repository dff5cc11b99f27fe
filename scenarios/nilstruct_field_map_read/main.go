// Reading a map field of a nil struct pointer panics with a nil pointer dereference. Reading a nil
// map field of a struct that exists would not.
//
//lab:group nil pointer
package main

import "fmt"

func main() {
	var t *counters
	fmt.Println(t.hits["a"])
}

type counters struct{ hits map[string]int }
