// After a recovered panic over an unhashable key the map works. It is not left marked as being
// written.
//
//lab:group unhashable key
package main

import "fmt"

func main() {
	m := map[any]int{}
	func() {
		defer func() { recover() }()
		m[[]int{1}] = 1
	}()
	m["k"] = 2
	fmt.Println("works", m)
}
