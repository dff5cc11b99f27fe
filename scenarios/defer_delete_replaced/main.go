// defer delete(m, k) deletes from the map of the defer statement. A map assigned to the variable
// afterwards keeps its entry.
//
//lab:group deferred
package main

import "fmt"

func main() {
	m := map[string]int{"a": 1}
	old := m
	defer func() { fmt.Println("old", len(old), "new", len(m)) }()
	defer delete(m, "a")
	m = map[string]int{"a": 2}
	fmt.Println("at exit")
}
