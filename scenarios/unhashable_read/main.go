// Reading a map that has entries with a slice as the key panics. The text is that of a write.
//
//lab:group unhashable key
package main

import "fmt"

func main() {
	m := map[any]int{"x": 1}
	fmt.Println(m[[]int{1}])
}
