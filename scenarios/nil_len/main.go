// The length of a nil map is 0. Nothing panics.
//
//lab:group nil map
package main

import "fmt"

func main() {
	var m map[string]int
	fmt.Println("len", len(m))
}
