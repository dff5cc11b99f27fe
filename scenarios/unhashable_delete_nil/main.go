// Even deleting from a nil map panics when the key is a slice. With a key that can be hashed it
// does nothing.
//
//lab:group unhashable key
package main

import "fmt"

func main() {
	var m map[any]int
	delete(m, any([]int{1}))
	fmt.Println("not reached")
}
