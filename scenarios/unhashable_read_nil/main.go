// Even a nil map panics when it is read with a slice as the key. The text is that of an empty map.
//
//lab:group unhashable key
package main

import "fmt"

func main() {
	var m map[any]int
	fmt.Println(m[[]int{1}])
}
