// Deleting a slice from an empty map panics. The text is that of a read of an empty map.
//
//lab:group unhashable key
package main

import "fmt"

func main() {
	m := map[any]int{}
	delete(m, any([]int{1}))
	fmt.Println("not reached")
}
