// Each write with a NaN key adds an entry that no read and no delete finds. clear removes them.
//
//lab:group legal
package main

import (
	"fmt"
	"math"
)

func main() {
	nan := math.NaN()
	m := map[float64]int{}
	m[nan] = 1
	m[nan] = 2
	_, ok := m[nan]
	delete(m, nan)
	fmt.Println("len", len(m), "found", ok)
	clear(m)
	fmt.Println("after clear", len(m))
}
