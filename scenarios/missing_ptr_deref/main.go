// A missing key of a map of pointers gives nil, and using that pointer panics. The panic comes from
// the pointer, not from the map.
//
//lab:group missing key
package main

import "fmt"

func main() {
	m := map[string]*point{}
	fmt.Println(m["x"].x)
}

type point struct{ x int }
