// A write to a nil map in a deferred call during a panic replaces the panic that mattered. When
// nobody recovers, both are printed.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	var m map[string]int
	defer func() { m["cleanup"] = 1 }()
	fmt.Println("at exit")
	panic("original bug")
}
