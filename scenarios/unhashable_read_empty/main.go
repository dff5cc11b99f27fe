// Reading an empty map with a slice as the key panics although there is nothing to compare with.
// The text is another one than for a map with entries.
//
//lab:group unhashable key
package main

import "fmt"

func main() {
	m := map[any]int{}
	fmt.Println(m[[]int{1}])
}
