// A field of a struct in a map cannot be assigned. The entry has to be read, changed and written
// back.
//
//lab:group rejected by the compiler
package main

import "fmt"

func main() {
	m := map[string]point{}
	m["a"].x = 1
	fmt.Println(m)
}

type point struct{ x int }
