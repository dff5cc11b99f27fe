// defer delete(m, k) keeps the map of the defer statement. Setting the variable to nil afterwards
// changes nothing and nothing panics.
//
//lab:group deferred
package main

import "fmt"

func main() {
	m := map[string]int{"a": 1}
	old := m
	defer func() { fmt.Println("entries left in the old map", len(old)) }()
	defer delete(m, "a")
	m = nil
	fmt.Println("body done")
}
