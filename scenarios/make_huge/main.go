// make of a map with an enormous hint works. The hint is dropped.
//
//lab:group legal
package main

import "fmt"

func main() {
	n := int(^uint(0) >> 1)
	m := make(map[int]int, n)
	fmt.Println("len", len(m))
}
