// One goroutine may delete from a map while it loops over it. Nothing is reported.
//
//lab:group legal
package main

import "fmt"

func main() {
	m := map[int]int{}
	for i := 0; i < 100; i++ {
		m[i] = i
	}
	for k := range m {
		delete(m, k)
	}
	fmt.Println("len", len(m))
}
