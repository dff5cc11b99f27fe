// make of a map with a negative hint that is no constant works. Slices and channels would panic.
//
//lab:group legal
package main

import "fmt"

func main() {
	n := -1
	m := make(map[int]int, n)
	fmt.Println("len", len(m))
}
