// A loop over a map adds elements to it. Whether it comes to them differs from run to run.
//
//lab:group legal
package main

import "fmt"

func visited() int {
	m := map[int]bool{}
	for i := 0; i < 100; i++ {
		m[i] = true
	}
	turns := 0
	for k := range m {
		turns++
		if k < 100 {
			m[k+1000] = true
		}
	}
	return turns
}

func main() {
	first, differs := visited(), false
	for i := 0; i < 1000; i++ {
		differs = differs || visited() != first
	}
	fmt.Println("the number of turns differs:", differs)
}
