// A deferred closure reads the map variable when the function ends, not when it is registered. A
// map set to nil meanwhile is read without a panic, and the entry is gone.
//
//lab:group deferred
package main

import "fmt"

func main() {
	m := map[string]int{"a": 1}
	defer func() {
		v, ok := m["a"]
		fmt.Println("deferred read", v, ok, m == nil)
	}()
	m = nil
	fmt.Println("at exit")
}
